using System.Collections.Concurrent;
using System.Text;
using System.Text.Json.Nodes;

namespace Purser.Sandbox.Razorpay;

/// <summary>What shoppers and banks do at Razorpay, and the webhooks and returns that tell of it.</summary>
public sealed partial class RazorpayDialect
{
    const string RealTimeout = "payment_timed_out", Declined = "insufficient_fund";

    /// <summary>Razorpay tries for 24 hours with growing pauses; it does not publish them, so these are of our choosing.</summary>
    public IReadOnlyList<TimeSpan> RetryDelays { get; } =
        [.. new[] { 0.5, 1, 2, 5, 10, 30, 60, 120, 240, 360, 600 }.Select(TimeSpan.FromMinutes)];

    /// <summary>How long Razorpay waits for a bank before it calls the try failed.</summary>
    static readonly TimeSpan BankTime = TimeSpan.FromMinutes(10);

    public TimeSpan WebhookPatience => TimeSpan.FromSeconds(5);

    public bool RetriesKeepTheirSecret => true;

    public bool GivesUpOnEndpoints => true;

    /// <summary>Compact JSON with escaped slashes, as they send it: who parses and writes it again breaks the signature.</summary>
    public static byte[] WebhookBody(JsonObject payload) =>
        Encoding.UTF8.GetBytes(payload.ToJsonString(Wire.Compact).Replace("/", "\\/", StringComparison.Ordinal));

    public WebhookMessage Webhook(JsonObject payload, string eventId, IReadOnlyList<string> secrets)
    {
        var body = WebhookBody(payload);
        return new(body, "application/json; charset=utf-8", SignWebhook(body, eventId, secrets));
    }

    public static IReadOnlyDictionary<string, string> SignWebhook(byte[] body, string eventId, IReadOnlyList<string> secrets) =>
        new Dictionary<string, string>(secrets.Take(1).Select(s => KeyValuePair.Create("X-Razorpay-Signature", Wire.HmacHex(s, body))))
        {
            ["x-razorpay-event-id"] = eventId,
        };

    /// <summary>The signature of a return from a payment link; a missing reference is an empty string.</summary>
    public static string ReturnSignature(string secret, string linkId, string? reference, string status, string paymentId) =>
        Wire.HmacHex(secret, Encoding.UTF8.GetBytes($"{linkId}|{reference}|{status}|{paymentId}"));

    public void Visit(Link link)
    {
        var ours = (RazorpayLink)link;
        lock (ours.Order.Gate) ours.Visited = true;
    }

    public string? Decline(Link link) => Fail((RazorpayLink)link, Declined);

    public string? BeginLate(Link link) => Fail((RazorpayLink)link, RealTimeout);

    public string? Capture(Link link, long amount)
    {
        var ours = (RazorpayLink)link;
        if (Start(ours, amount) is not { } payment) return null;
        SettleAsCaptured(ours, payment);
        return payment.Id;
    }

    public string? Begin(Link link) => Start((RazorpayLink)link, link.Amount)?.Id;

    public void Finish(Link link, string moneyId, bool captured)
    {
        if (!vault.Payments.TryGetValue(moneyId, out var payment)) return;
        var ours = (RazorpayLink)link;
        if (captured) SettleAsCaptured(ours, payment);
        else SettleAsFailed(ours, payment, Declined);
    }

    public bool ShowsBankCheck => true;

    /// <summary>The try stays created, and the link too, until the bank's time is over; then it has failed.</summary>
    public string? LeaveAtCheck(Link link, TimeSpan? delay)
    {
        var ours = (RazorpayLink)link;
        if (Start(ours, link.Amount) is not { } payment) return null;
        world.Later(delay ?? BankTime, () => SettleAsFailed(ours, payment, RealTimeout));
        return payment.Id;
    }

    /// <summary>The first try seems to fail, the second is captured, and then the bank admits the first.</summary>
    public IReadOnlyList<string>? CaptureTwice(Link link)
    {
        var ours = (RazorpayLink)link;
        if (Fail(ours, RealTimeout) is not { } first || Capture(link, link.Amount) is not { } second) return null;
        SettleAsCaptured(ours, vault.Payments[first]);
        return [first, second];
    }

    public void Expire(Link link)
    {
        var ours = (RazorpayLink)link;
        lock (ours.Order.Gate)
        {
            if (ours.State != "created") return;
            ours.State = "expired";
            ours.ExpiredAt = ours.UpdatedAt = world.NowSeconds;
        }

        Tell("payment_link.expired", ours, null);
    }

    /// <summary>The browser only returns after success.</summary>
    public BrowserReturn? Return(Link link, string? moneyId)
    {
        var ours = (RazorpayLink)link;
        lock (ours.Order.Gate)
        {
            if ((string?)ours.Asked["callback_url"] is not { } back || ours.State != "paid" || moneyId is null) return null;
            var signature = ReturnSignature(KeySecret, ours.Id, ours.Reference, ours.State, moneyId);
            return new(back + (back.Contains('?', StringComparison.Ordinal) ? '&' : '?')
                + $"razorpay_payment_id={moneyId}&razorpay_payment_link_id={ours.Id}"
                + $"&razorpay_payment_link_reference_id={Uri.EscapeDataString(ours.Reference ?? "")}"
                + $"&razorpay_payment_link_status={ours.State}&razorpay_signature={signature}");
        }
    }

    public BrowserReturn? CancelReturn(Link link) => null;

    public string? ShopOf(Link link) => (string?)((RazorpayLink)link).Asked["callback_url"];

    RazorpayPayment? Start(RazorpayLink link, long amount)
    {
        lock (link.Order.Gate)
        {
            if (!link.Payable) return null;
            link.Visited = true;
            var payment = new RazorpayPayment(world.NextId("pay_", 14), link.Order, amount,
                $"{world.NowSeconds % 1_000_000_000_000:d12}", world.NowSeconds);
            link.Order.Payments.Add(payment);
            if (link.Order.Status == "created") link.Order.Status = "attempted";
            vault.Payments[payment.Id] = payment;
            return payment;
        }
    }

    string? Fail(RazorpayLink link, string reason)
    {
        if (Start(link, link.Amount) is not { } payment) return null;
        SettleAsFailed(link, payment, reason);
        return payment.Id;
    }

    void SettleAsFailed(RazorpayLink link, RazorpayPayment payment, string reason)
    {
        lock (link.Order.Gate)
        {
            if (payment.Status is not "created") return;
            payment.Status = "failed";
            payment.FailureReason = reason;
        }

        Tell("payment.failed", link, payment);
    }

    /// <summary>Captures now or late. A link that was cancelled or had expired stays so, and lists the money all the same.</summary>
    void SettleAsCaptured(RazorpayLink link, RazorpayPayment payment)
    {
        lock (link.Order.Gate)
        {
            if (payment.CapturedAt is not null || payment.Status == "authorized") return;
            payment.Status = "authorized";
        }

        Tell("payment.authorized", link, payment);
        // An account can leave it to the merchant to take what the bank has promised.
        if (world.Settings.GetValueOrDefault("capture") != "manual") Take(link, payment);
    }

    bool Take(RazorpayLink link, RazorpayPayment payment)
    {
        bool firstOfOrder, firstOfLink;
        lock (link.Order.Gate)
        {
            if (payment.Status != "authorized") return false;
            payment.Status = "captured";
            payment.FailureReason = null;
            payment.CapturedAt = world.NowSeconds;
            firstOfOrder = link.Order.Status != "paid";
            firstOfLink = link.State == "created";
            link.Order.Status = "paid";
            link.Order.AmountPaid += payment.Amount;
            link.AmountPaid += payment.Amount;
            link.UpdatedAt = payment.CapturedAt.Value;
            if (firstOfLink) link.State = "paid";
            lock (link.Gate) link.MoneyIds.Add(payment.Id);
            world.Book.Captured(link, payment.Id, payment.Amount, link.Currency, world.Now);
            vault.Settle(new(payment, null, payment.CapturedAt.Value));
        }

        Tell("payment.captured", link, payment);
        if (firstOfOrder) Tell("order.paid", link, payment);
        if (firstOfLink) Tell("payment_link.paid", link, payment);
        return true;
    }

    void Tell(string type, RazorpayLink link, RazorpayPayment? payment)
    {
        JsonObject payload = [];
        long at;
        lock (link.Order.Gate)
        {
            var ofLink = type.StartsWith("payment_link.", StringComparison.Ordinal);
            if (ofLink) payload["payment_link"] = Entity(link.Json(inWebhook: true));
            if (ofLink && payment is not null) payload["order"] = Entity(link.Order.Dump(AccountId["acc_".Length..]));
            if (type == "order.paid") payload["order"] = Entity(link.Order.Json());
            if (payment is not null) payload["payment"] = Entity(payment.Json());
            // Link events carry the time at which the link was made, not the time of the event.
            at = ofLink ? link.CreatedAt.ToUnixTimeSeconds() : world.NowSeconds;
        }

        Post(type, link.Id, payload, at);
    }

    void Post(string type, string? linkId, JsonObject payload, long at)
    {
        var envelope = new JsonObject
        {
            ["entity"] = "event",
            ["account_id"] = AccountId,
            ["event"] = type,
            ["contains"] = new JsonArray([.. payload.Select(p => JsonValue.Create(p.Key))]),
            ["payload"] = payload,
            ["created_at"] = at,
        };
        _ = world.Webhooks.Post(world.NextId("", 14), type, linkId, envelope);
    }

    static JsonObject Entity(JsonObject entity) => new() { ["entity"] = entity };
}

/// <summary>All that this Razorpay knows, by every name it is asked for.</summary>
sealed class RazorpayVault
{
    public ConcurrentDictionary<string, RazorpayLink> Links { get; } = new();

    public ConcurrentDictionary<string, RazorpayLink> LinksByReference { get; } = new();

    public ConcurrentDictionary<string, RazorpayLink> LinksByPage { get; } = new();

    public ConcurrentQueue<RazorpayLink> LinkOrder { get; } = new();

    /// <summary>A load that goes on for ever must not fill the memory: beyond this the oldest links are forgotten.</summary>
    const int LinksKept = 250_000;

    public void Keep(RazorpayLink link)
    {
        LinkOrder.Enqueue(link);
        if (Links.Count <= LinksKept || !LinkOrder.TryDequeue(out var oldest)) return;
        Links.TryRemove(oldest.Id, out _);
        LinksByPage.TryRemove(oldest.ShortUrl[(oldest.ShortUrl.LastIndexOf('/') + 1)..], out _);
        if (oldest.Reference is { } reference) LinksByReference.TryRemove(new(reference, oldest));
        Orders.TryRemove(oldest.Order.Id, out _);
        foreach (var payment in oldest.Order.Payments.ToArray())
        {
            Payments.TryRemove(payment.Id, out _);
            foreach (var refund in payment.Refunds.ToArray()) Refunds.TryRemove(refund.Id, out _);
        }
    }

    public ConcurrentDictionary<string, RazorpayOrder> Orders { get; } = new();

    public ConcurrentDictionary<string, List<RazorpayOrder>> OrdersByReceipt { get; } = new();

    public ConcurrentDictionary<string, RazorpayPayment> Payments { get; } = new();

    public ConcurrentDictionary<string, RazorpayRefund> Refunds { get; } = new();

    public ConcurrentDictionary<string, (string Body, RazorpayRefund Refund)> RefundKeys { get; } = new();

    /// <summary>Keys whose first call is still running.</summary>
    public ConcurrentDictionary<string, bool> RunningKeys { get; } = new();

    /// <summary>As many as links are kept, and their refunds.</summary>
    const int SettledKept = 500_000;

    public ConcurrentQueue<RazorpaySettled> Settled { get; } = new();

    readonly ConcurrentDictionary<DateOnly, string> settlements = new();
    int settled;

    public void Settle(RazorpaySettled movement)
    {
        Settled.Enqueue(movement);
        if (Interlocked.Increment(ref settled) > SettledKept && Settled.TryDequeue(out _)) Interlocked.Decrement(ref settled);
    }

    public string SettlementId(DateOnly day, GatewayWorld world) => settlements.GetOrAdd(day, _ => world.NextId("setl_", 14));
}
