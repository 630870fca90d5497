namespace Purser.Server.CommandLine;

/// <summary>One story that the demo plays at every gateway: what the shopper does, what else happens, and how the order must stand in the end.</summary>
/// <param name="Acts">What the sandbox's shopper does on the hosted page; null when nobody comes.</param>
/// <param name="Returns">The shopper's browser comes back.</param>
/// <param name="Fault">What goes wrong, as a rule of the sandbox's fault plan.</param>
/// <param name="CancelsAfter">The merchant cancels the order after the shopper acted.</param>
/// <param name="Order">The order's status in the end.</param>
/// <param name="Payment">The payment's status in the end.</param>
/// <param name="Captures">How often the gateway takes money.</param>
/// <param name="Refunds">How many of those are marked to go back.</param>
sealed record DemoOutcome(
    string Name, string? Acts, bool Returns, object? Fault, bool CancelsAfter, string Order, string Payment, int Captures, int Refunds)
{
    public static IReadOnlyList<DemoOutcome> All { get; } =
    [
        new("paid", "paid", true, null, false, "paid", "succeeded", 1, 0),
        new("paid, browser closed", "paid", false, null, false, "paid", "succeeded", 1, 0),
        new("paid, webhook lost", "paid", true, new { call = "webhook", fault = "drop", times = 100 }, false, "paid", "succeeded", 1, 0),
        new("paid, webhooks duplicated", "paid", false, new { call = "webhook", fault = "duplicate", times = 100 }, false, "paid", "succeeded", 1, 0),
        new("paid, forged webhook", "paid", true, new { call = "webhook", fault = "forge", times = 100 }, false, "paid", "succeeded", 1, 0),
        new("declined, then paid", "declined_then_paid", true, null, false, "paid", "succeeded", 1, 0),
        new("bank confirms later", "paid_pending", false, null, false, "paid", "succeeded", 1, 0),
        new("declined, order cancelled", "declined", false, null, true, "cancelled", "cancelled", 0, 0),
        new("abandoned, order cancelled", null, false, null, true, "cancelled", "cancelled", 0, 0),
        new("paid after the order's end", "paid_late", false, null, true, "cancelled", "succeeded", 1, 1),
        new("paid twice on one link", "paid_twice", false, null, false, "paid", "succeeded", 2, 1),
        new("less than ordered captured", "wrong_amount", false, null, true, "cancelled", "held", 1, 0),
        new("gateway's answer lost", "paid", false, new { call = "create_link", fault = "timeout_after" }, false, "paid", "succeeded", 1, 0),
    ];
}
