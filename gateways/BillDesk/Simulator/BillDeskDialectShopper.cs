using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace Purser.Sandbox.BillDesk;

// What shoppers and banks do at BillDesk, and the returns and webhooks that tell of it.
public sealed partial class BillDeskDialect
{
    /// <summary>What the page says when the shopper closed it.</summary>
    const string ClosedByShopper = "111";

    /// <summary>Nothing is published about repeats, and there may be none; these are of our choosing.</summary>
    public IReadOnlyList<TimeSpan> RetryDelays => world.Settings.GetValueOrDefault("webhook_retries") == "none" ? []
        : [TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(30)];

    /// <summary>Not published either.</summary>
    public TimeSpan WebhookPatience => TimeSpan.FromSeconds(10);

    /// <summary>The same token as the browser brings, in a field of a form or by itself.</summary>
    public WebhookMessage Webhook(JsonObject payload, string eventId, IReadOnlyList<string> secrets)
    {
        var token = Token(payload.ToJsonString(Wire.Compact), secrets is [var secret, ..] ? secret : null);
        var bare = world.Settings.GetValueOrDefault("webhook") == "jose";
        return new(Encoding.ASCII.GetBytes(bare ? token : "transaction_response=" + token), bare ? Media : "application/x-www-form-urlencoded",
            new Dictionary<string, string>());
    }

    /// <summary>Opening the page leaves no trace in anything that they tell.</summary>
    public void Visit(Link link) { }

    public string? Decline(Link link) => Fail((BillDeskOrder)link)?.Id;

    public string? Capture(Link link, long amount)
    {
        if (Start((BillDeskOrder)link, amount, BillDeskStatus.Pending) is not { } one) return null;
        Decide(one, BillDeskStatus.Success);
        return one.Id;
    }

    public string? Begin(Link link) => Announced(Start((BillDeskOrder)link, link.Amount, BillDeskStatus.Pending))?.Id;

    public string? BeginLate(Link link) => Announced(Start((BillDeskOrder)link, link.Amount, BillDeskStatus.Undetermined))?.Id;

    public void Finish(Link link, string moneyId, bool captured)
    {
        if (!vault.Transactions.TryGetValue(moneyId, out var one)) return;
        bool late;
        lock (link.Gate) late = one.Status == BillDeskStatus.Undetermined;
        Decide(one, captured ? BillDeskStatus.Success : BillDeskStatus.Failed);
        if (captured && late && world.Settings.GetValueOrDefault("late_money") == "refund") GiveBackByItself(one);
    }

    /// <summary>An order has one transaction, so it can be paid once; where the page lets a shopper try again, a try that seemed lost may be
    /// captured after a second one.</summary>
    public IReadOnlyList<string>? CaptureTwice(Link link)
    {
        var order = (BillDeskOrder)link;
        if (!PageStays || Fail(order) is not { } first || Capture(link, link.Amount) is not { } second) return null;
        Decide(first, BillDeskStatus.Success);
        return [first.Id, second];
    }

    public void Expire(Link link)
    {
        var order = (BillDeskOrder)link;
        lock (order.Gate)
        {
            if (order.State != "ACTIVE") return;
            order.State = "EXPIRED";
            order.Open = false;
            // Its time may be over at a tester's word.
            if (order.ExpiresAt > world.Now) order.ExpiresAt = world.Now;
        }
    }

    public BrowserReturn? Return(Link link, string? moneyId)
    {
        var order = (BillDeskOrder)link;
        string said;
        lock (order.Gate)
        {
            var one = moneyId is null ? order.Open ? null : order.Tries.LastOrDefault() : order.Tries.Find(t => t.Id == moneyId);
            if (one is null) return null;
            said = one.Json().ToJsonString(Wire.Compact);
        }

        return Back(order, [new(world.Settings.GetValueOrDefault("return_field") ?? "transaction_response", Token(said, SigningKey)), .. Hints(order)]);
    }

    /// <summary>Who closes the page comes back without a token, with hints that nobody signed.</summary>
    public BrowserReturn? CancelReturn(Link link)
    {
        var order = (BillDeskOrder)link;
        return Back(order, [.. Hints(order), new("terminal_state", ClosedByShopper)]);
    }

    BrowserReturn Back(BillDeskOrder order, KeyValuePair<string, string>[] fields) => world.Settings.GetValueOrDefault("return") != "get"
        ? new(order.ReturnUrl, fields)
        : new(order.ReturnUrl + (order.ReturnUrl.Contains('?', StringComparison.Ordinal) ? '&' : '?')
            + string.Join('&', fields.Select(f => $"{f.Key}={Uri.EscapeDataString(f.Value)}")));

    static KeyValuePair<string, string>[] Hints(BillDeskOrder order) =>
        [new("orderid", order.Reference!), new("mercid", MerchantId), new("return_url", order.ReturnUrl)];

    bool PageStays => world.Settings.GetValueOrDefault("retry") == "page";

    BillDeskTransaction? Start(BillDeskOrder order, long amount, BillDeskStatus status)
    {
        lock (order.Gate)
        {
            if (!order.Open) return null;
            var one = new BillDeskTransaction(world.NextId("U", 14).ToUpperInvariant(), order, amount, Surcharge,
                (world.NowSeconds % 1_000_000_000_000).ToString("d12", CultureInfo.InvariantCulture), world.Now)
            { Status = status };
            order.Tries.Add(one);
            vault.Transactions[one.Id] = one;
            order.Open = false;
            return one;
        }
    }

    long Surcharge => BillDeskText.Paise(world.Settings.GetValueOrDefault("surcharge")) ?? 0;

    BillDeskTransaction? Fail(BillDeskOrder order)
    {
        if (Start(order, order.Amount, BillDeskStatus.Pending) is not { } one) return null;
        Decide(one, BillDeskStatus.Failed);
        return one;
    }

    /// <summary>The bank's word, now or late. What it said yes to stays so.</summary>
    void Decide(BillDeskTransaction one, BillDeskStatus status)
    {
        var order = one.Order;
        lock (order.Gate)
        {
            if (one.Status == BillDeskStatus.Success || one.Status == status) return;
            one.Status = status;
            if (status == BillDeskStatus.Success)
            {
                (order.State, order.Open) = ("COMPLETED", false);
                order.MoneyIds.Add(one.Id);
                world.Book.Captured(order, one.Id, one.Amount, order.Currency, world.Now);
            }
            else if (order.State == "ACTIVE")
            {
                order.Open = PageStays;
                if (!order.Open) order.State = "COMPLETED";
            }
        }

        Announced(one);
    }

    BillDeskTransaction? Announced(BillDeskTransaction? one)
    {
        if (one is null) return null;
        JsonObject said;
        string type;
        lock (one.Order.Gate) (said, type) = (one.Json(), "transaction." + one.Status.Auth);
        _ = world.Webhooks.Post(world.NextId("", 16), type, one.Order.Id, said);
        return one;
    }
}
