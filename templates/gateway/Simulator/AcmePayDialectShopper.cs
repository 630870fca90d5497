using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace Purser.Sandbox.AcmePay;

// What shoppers and banks do, the webhooks and returns that tell of it, and the statement.
public sealed partial class AcmePayDialect
{
    const string NoMoney = "insufficient_funds", BankSilent = "bank_timeout";

    public IReadOnlyList<TimeSpan> RetryDelays { get; } = [.. new[] { 1, 5, 30, 120, 360 }.Select(m => TimeSpan.FromMinutes(m))];

    public TimeSpan WebhookPatience => TimeSpan.FromSeconds(10);

    /// <summary>The first secret signs; the event's name is part of what is signed.</summary>
    public WebhookMessage Webhook(JsonObject payload, string eventId, IReadOnlyList<string> secrets)
    {
        var said = (JsonObject)payload.DeepClone();
        said["id"] = eventId;
        var body = Encoding.UTF8.GetBytes(said.ToJsonString(Wire.Compact));
        return new(body, "application/json", secrets.Take(1).ToDictionary(_ => "AcmePay-Signature", secret => Wire.HmacHex(secret, body)));
    }

    public void Visit(Link link)
    {
    }

    public string? Decline(Link link) => Fail((AcmePayLink)link, NoMoney);

    /// <summary>Looks lost, and is captured in the end.</summary>
    public string? BeginLate(Link link) => Fail((AcmePayLink)link, BankSilent);

    public string? Capture(Link link, long amount)
    {
        if (Start((AcmePayLink)link, amount) is not { } one) return null;
        Complete(one);
        return one.Id;
    }

    public string? Begin(Link link)
    {
        if (Start((AcmePayLink)link, link.Amount) is not { } one) return null;
        Tell("payment.processing", one.Link, new JsonObject { ["payment"] = one.Json() });
        return one.Id;
    }

    public void Finish(Link link, string moneyId, bool captured)
    {
        if (!vault.Tries.TryGetValue(moneyId, out var one)) return;
        if (captured) Complete(one);
        else Refuse(one, NoMoney);
    }

    /// <summary>The first try looks lost, the second is captured, and then the bank admits the first.</summary>
    public IReadOnlyList<string>? CaptureTwice(Link link)
    {
        if (BeginLate(link) is not { } first || Capture(link, link.Amount) is not { } second) return null;
        Complete(vault.Tries[first]);
        return [first, second];
    }

    public void Expire(Link link)
    {
        if (((AcmePayLink)link).End("expired")) Tell("link.expired", (AcmePayLink)link, []);
    }

    /// <summary>After a decline the page stays.</summary>
    public BrowserReturn? Return(Link link, string? moneyId)
    {
        lock (link.Gate) return moneyId is not null && vault.Tries.GetValueOrDefault(moneyId) is { Status: not "declined" } ? CancelReturn(link) : null;
    }

    public BrowserReturn? CancelReturn(Link link)
    {
        var back = ((AcmePayLink)link).Back;
        return new($"{back}{(back.Contains('?', StringComparison.Ordinal) ? '&' : '?')}acmepay_reference={link.Reference}");
    }

    AcmePayTry? Start(AcmePayLink link, long amount)
    {
        lock (link.Gate)
        {
            if (!link.Payable) return null;
            var one = new AcmePayTry(world.NextId("pay_", 12), link, amount, world.NowSeconds);
            link.Tries.Add(one);
            vault.Tries[one.Id] = one;
            return one;
        }
    }

    string? Fail(AcmePayLink link, string why)
    {
        if (Start(link, link.Amount) is not { } one) return null;
        Refuse(one, why);
        return one.Id;
    }

    void Refuse(AcmePayTry one, string why)
    {
        lock (one.Link.Gate)
        {
            if (one.Status != "processing") return;
            (one.Status, one.Reason) = ("declined", why);
        }

        Tell("payment.declined", one.Link, new JsonObject { ["payment"] = one.Json() });
    }

    /// <summary>The bank's yes, now or late. A link that has ended stays as it is and lists the money all the same.</summary>
    void Complete(AcmePayTry one)
    {
        var link = one.Link;
        lock (link.Gate)
        {
            if (one.Status == "captured") return;
            (one.Status, one.Reason) = ("captured", null);
            if (link.Payable) link.State = "paid";
            link.MoneyIds.Add(one.Id);
            world.Book.Captured(link, one.Id, one.Amount, link.Currency, world.Now);
        }

        Tell("payment.captured", link, new JsonObject { ["payment"] = one.Json() });
    }

    /// <summary>Nothing is sent while the gate is held.</summary>
    void Tell(string type, AcmePayLink link, JsonObject said)
    {
        said["id"] = "";
        said["type"] = type;
        said["created_at"] = world.NowSeconds;
        said["link"] = new JsonObject { ["id"] = link.Id, ["reference"] = link.Reference };
        _ = world.Webhooks.Post(world.NextId("evt_", 16), type, link.Id, said);
    }

    /// <summary>Rows as they happened, paid out on the next day. Issued again, it has the same rows under the same names.</summary>
    public SettlementReport? Settlement(IReadOnlyCollection<MoneyMovement> movements)
    {
        var file = new StringBuilder("entry,kind,reference,payment,refund,currency,amount,fee,net,paid_out_on,payout\n");
        foreach (var paid in movements.Where(m => m.Kind == "captured"))
            if (vault.Tries.TryGetValue(paid.MoneyId, out var one))
                Row("s" + one.Id, "payment", paid.Reference, one.Id, "", paid.Currency, one.Amount, one.Fee, paid.At);
        foreach (var back in vault.Refunds.Values.Where(r => r is { Status: "succeeded", EndedAt: not null }).OrderBy(r => r.EndedAt))
            Row("s" + back.Id, "refund", back.Reference, back.Paid.Id, back.Id, back.Paid.Link.Currency, -back.Amount, 0, back.EndedAt!.Value);
        return new("acmepay-statement.csv", "text/csv", Encoding.UTF8.GetBytes(file.ToString()));

        void Row(string entry, string kind, string? reference, string payment, string refund, string currency, long amount, long fee, DateTimeOffset at)
        {
            var day = DateOnly.FromDateTime(at.UtcDateTime).AddDays(1);
            file.AppendJoin(',', entry, kind, reference, payment, refund, currency, Major(amount, currency), Major(fee, currency), Major(amount - fee, currency),
                day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture), $"out{day:yyyyMMdd}{currency}").Append('\n');
        }
    }

    static string Major(long minorUnits, string currency) => currency switch
    {
        "JPY" => minorUnits.ToString(CultureInfo.InvariantCulture),
        "KWD" => (minorUnits / 1000m).ToString("0.000", CultureInfo.InvariantCulture),
        _ => (minorUnits / 100m).ToString("0.00", CultureInfo.InvariantCulture),
    };
}
