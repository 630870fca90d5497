using System.Text;
using System.Text.Json.Nodes;

namespace Purser.Sandbox.PhonePe;

// What shoppers and banks do at PhonePe, and the webhooks and returns that tell of it.
public sealed partial class PhonePeDialect
{
    /// <summary>They publish no schedule and promise no more than their best effort; these are of our choosing.</summary>
    public IReadOnlyList<TimeSpan> RetryDelays { get; } = [.. new[] { 1.0, 5, 30 }.Select(TimeSpan.FromMinutes)];

    public TimeSpan WebhookPatience => TimeSpan.FromSeconds(5);

    /// <summary>The header proves who sent it, and nothing about the body. A secret given over the control API is the text that is hashed.</summary>
    public WebhookMessage Webhook(JsonObject payload, string eventId, IReadOnlyList<string> secrets) => new(
        Encoding.UTF8.GetBytes(payload.ToJsonString(Wire.Compact)), "application/json",
        new Dictionary<string, string>
        {
            ["Authorization"] = WebhookHeader(secrets is [{ Length: > 0 } secret, ..] ? secret : $"{WebhookUser}:{WebhookPassword}"),
        });

    /// <summary>Opening the page leaves no trace in anything that they tell.</summary>
    public void Visit(Link link) { }

    public string? Decline(Link link) => Fail((PhonePeOrder)link, PhonePeFailure.NoMoney);

    public string? Capture(Link link, long amount)
    {
        var order = (PhonePeOrder)link;
        if (Start(order, amount) is not { } one) return null;
        Complete(one);
        return one.Id;
    }

    public string? Begin(Link link) => Start((PhonePeOrder)link, link.Amount)?.Id;

    /// <summary>The bank seems to be broken, and the shopper may try again.</summary>
    public string? BeginLate(Link link) => Fail((PhonePeOrder)link, PhonePeFailure.BankTrouble);

    public void Finish(Link link, string moneyId, bool captured)
    {
        if (!vault.Tries.TryGetValue(moneyId, out var one)) return;
        if (captured) Complete(one);
        else FailTry(one, PhonePeFailure.NoMoney);
    }

    /// <summary>An order has one state and one amount: a second success cannot be told, and the bank gives it back.</summary>
    public IReadOnlyList<string>? CaptureTwice(Link link) => null;

    public void Expire(Link link)
    {
        var order = (PhonePeOrder)link;
        JsonObject told;
        lock (order.Gate)
        {
            if (order.State != "PENDING") return;
            (order.State, order.Failure) = ("FAILED", PhonePeFailure.TimeOver);
            // Its time may be over at a tester's word.
            if (order.ExpiresAt > world.Now) order.ExpiresAt = DateTimeOffset.FromUnixTimeMilliseconds(world.Now.ToUnixTimeMilliseconds());
            told = order.Json();
        }

        Tell("checkout.order.failed", order.Id, told);
    }

    /// <summary>A plain visit of the merchant's address as it was given, with nothing added: after success, while the bank is silent, and when the
    /// order has failed. After a declined try the page stays.</summary>
    public BrowserReturn? Return(Link link, string? moneyId)
    {
        var order = (PhonePeOrder)link;
        lock (order.Gate)
            return order.Back is { } back && (order.State != "PENDING" || order.Tries is [.., { State: "PENDING" }]) ? new(back) : null;
    }

    /// <summary>Who gives up comes back the same way; the order stays open until its time is over.</summary>
    public BrowserReturn? CancelReturn(Link link) => ((PhonePeOrder)link).Back is { } back ? new(back) : null;

    PhonePeTry? Start(PhonePeOrder order, long amount)
    {
        lock (order.Gate)
        {
            if (!order.Payable) return null;
            var one = new PhonePeTry(NextName("OM"), order, order.Mode, amount, world.Now);
            order.Tries.Add(one);
            vault.Tries[one.Id] = one;
            return one;
        }
    }

    string? Fail(PhonePeOrder order, PhonePeFailure why)
    {
        if (Start(order, order.Amount) is not { } one) return null;
        FailTry(one, why);
        return one.Id;
    }

    void FailTry(PhonePeTry one, PhonePeFailure why)
    {
        var order = one.Order;
        JsonObject told;
        JsonObject? ended = null;
        lock (order.Gate)
        {
            if (one.State != "PENDING") return;
            (one.State, one.Failure) = ("FAILED", why);
            told = order.Json([one]);
            if (order.NoSecondTry && order.State == "PENDING")
            {
                (order.State, order.Failure) = ("FAILED", why);
                ended = order.Json();
            }
        }

        Tell("checkout.transaction.attempt.failed", order.Id, told);
        if (ended is not null) Tell("checkout.order.failed", order.Id, ended);
    }

    /// <summary>The bank's yes, now or late. Whether an order that has failed can still become paid the documents do not say: it does, unless
    /// the setting says that such money is reversed.</summary>
    void Complete(PhonePeTry one)
    {
        var order = one.Order;
        JsonObject told;
        lock (order.Gate)
        {
            if (order.State == "COMPLETED" || (order.State == "FAILED" && world.Settings.GetValueOrDefault("late_money") == "reversed")) return;
            (one.State, one.Failure) = ("COMPLETED", null);
            (order.State, order.Failure) = ("COMPLETED", null);
            order.Paid = one.Amount;
            order.MoneyIds.Add(one.Id);
            // The try that paid is the latest that a query sees.
            order.Tries.Remove(one);
            order.Tries.Add(one);
            world.Book.Captured(order, one.Id, one.Amount, order.Currency, world.Now);
            told = order.Json();
        }

        Tell("checkout.order.completed", order.Id, told);
    }

    /// <summary>The older field that is to go away says the same in capitals.</summary>
    void Tell(string name, string linkId, JsonObject payload) =>
        _ = world.Webhooks.Post(world.NextId("", 16), name, linkId, new JsonObject
        {
            ["type"] = name.ToUpperInvariant().Replace('.', '_'),
            ["event"] = name,
            ["payload"] = payload,
        });
}
