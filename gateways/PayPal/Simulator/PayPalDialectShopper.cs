using System.Text.Json.Nodes;

namespace Purser.Sandbox.PayPal;

/// <summary>What payers do on PayPal's pages. They approve; whether and when money moves is then the merchant's matter, and the bank's.</summary>
public sealed partial class PayPalDialect
{
    /// <summary>25 tries in three days; the pauses are not published, so these are of our choosing.</summary>
    public IReadOnlyList<TimeSpan> RetryDelays { get; } =
        [.. new double[] { 1, 2, 5, 10, 20, 40, 60, 90, 120, 150, 180, 180, 180, 210, 210, 240, 240, 240, 240, 240, 240, 300, 300, 360, 360 }.Select(TimeSpan.FromMinutes)];

    /// <summary>Theirs is not published.</summary>
    public TimeSpan WebhookPatience => TimeSpan.FromSeconds(30);

    public void Visit(Link link)
    {
        // Looking at the page changes nothing that PayPal tells.
    }

    /// <summary>The payer approves with something that will be declined when the merchant captures.</summary>
    public string? Decline(Link link) => Approve((PayPalOrder)link, PayPalInstrument.Refused);

    /// <summary>The payer approves. No other amount than the order's can be approved or captured.</summary>
    public string? Capture(Link link, long amount) => amount == link.Amount ? Approve((PayPalOrder)link, PayPalInstrument.Good) : null;

    /// <summary>The capture will be pending.</summary>
    public string? Begin(Link link) => Approve((PayPalOrder)link, PayPalInstrument.Slow);

    /// <summary>The payer leaves the page open and approves later, while the order lives.</summary>
    public string? BeginLate(Link link)
    {
        var order = (PayPalOrder)link;
        lock (order.Gate)
        {
            if (!order.Payable) return null;
            order.ApprovesLate = true;
            return order.CaptureId;
        }
    }

    public void Finish(Link link, string moneyId, bool captured)
    {
        var order = (PayPalOrder)link;
        bool late;
        lock (order.Gate) late = order.ApprovesLate;
        if (late) Approve(order, PayPalInstrument.Good);
        else Clear(order, captured);
    }

    /// <summary>The bank's word about money that was slow.</summary>
    void Clear(PayPalOrder order, bool captured)
    {
        lock (order.Gate)
        {
            if (order.Instrument != PayPalInstrument.Slow) return;
            // Where the merchant has not captured yet, it meets the capture when that comes.
            order.Instrument = captured ? PayPalInstrument.Good : PayPalInstrument.RefusedLater;
            if (order.Capture is not { Status: "PENDING" } pending) return;
            if (captured) Settle(pending);
            else Note(pending, "DECLINED", null);
        }

        Tell(order.Capture);
    }

    /// <summary>One order is captured once.</summary>
    public IReadOnlyList<string>? CaptureTwice(Link link) => null;

    /// <summary>There is no event of it and no such status: the order is no longer known.</summary>
    public void Expire(Link link)
    {
        var order = (PayPalOrder)link;
        lock (order.Gate)
            if (order.State != PayPalOrder.Completed) order.State = PayPalOrder.Dead;
    }

    public BrowserReturn? Return(Link link, string? moneyId)
    {
        var order = (PayPalOrder)link;
        lock (order.Gate)
            return order.State is PayPalOrder.Approved or PayPalOrder.Completed && order.ReturnUrl is { } url
                ? new(With(url, $"token={order.Id}&PayerID={order.PayerId}")) : null;
    }

    public BrowserReturn? CancelReturn(Link link) =>
        ((PayPalOrder)link).CancelUrl is { } url ? new(With(url, "token=" + link.Id)) : null;

    static string With(string url, string query) => url + (url.Contains('?', StringComparison.Ordinal) ? '&' : '?') + query;

    string? Approve(PayPalOrder order, PayPalInstrument instrument)
    {
        JsonObject about;
        lock (order.Gate)
        {
            if (!order.Payable) return null;
            order.State = PayPalOrder.Approved;
            order.Instrument = instrument;
            order.ApprovesLate = false;
            order.ExpiresAt = world.Now.AddHours(Number("approved_life_hours", 6));
            about = order.Json(world.Address);
        }

        world.Deadlines.Add(order);
        Tell("CHECKOUT.ORDER.APPROVED", "checkout-order", order, about);
        return order.CaptureId;
    }

    void Tell(PayPalCapture capture)
    {
        JsonObject about;
        string type;
        lock (capture.Order.Gate)
        {
            about = capture.Json(world.Address);
            type = capture.Status switch { "PENDING" => "PENDING", "DECLINED" => "DENIED", _ => "COMPLETED" };
        }

        Tell("PAYMENT.CAPTURE." + type, "capture", capture.Order, about);
    }

    void Tell(string type, string resourceType, PayPalOrder order, JsonObject about)
    {
        var id = $"WH-{NewId()}-{NewId()}";
        var amount = order.Total;
        _ = world.Webhooks.Post(id, type, order.Id, new JsonObject
        {
            ["id"] = id,
            ["event_version"] = "1.0",
            ["create_time"] = world.Now.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffZ"),
            ["resource_type"] = resourceType,
            ["resource_version"] = "2.0",
            ["event_type"] = type,
            ["summary"] = $"{type} for {amount.Currency} {amount.Text} {amount.Currency}",
            ["resource"] = about,
            ["links"] = new JsonArray(
                PayPalWords.LinkTo(world.Address, "self", "GET", "/v1/notifications/webhooks-events/" + id),
                PayPalWords.LinkTo(world.Address, "resend", "POST", $"/v1/notifications/webhooks-events/{id}/resend")),
        });
    }

    Reply ReadEvent(string id) => world.Webhooks.Find(id) is { } news ? new(200, JsonNode.Parse(news.Payload.ToJsonString(Wire.Compact))) : PayPalDialectRules.NotFound;

    Reply ResendEvent(string id) => world.Webhooks.Find(id) is { } news && world.Webhooks.SendAgain(id, 1)
        ? new(202, JsonNode.Parse(news.Payload.ToJsonString(Wire.Compact))) : PayPalDialectRules.NotFound;
}
