using Purser.Orders;
using Purser.Payments;
using Purser.Server.Deliveries;
using Purser.Server.Engine;

namespace Purser.Server.Mail;

/// <summary>Whom mail tells of the events of one batch. It is decided where they are written, of orders that are in hand, so it costs no reading.</summary>
sealed class MailNews(BatchChanges changes)
{
    Dictionary<OrderId, (Order? Before, Order After)>? orders;
    HashSet<OrderId>? failed;

    /// <summary>Whoever is declined often tries again at once and is paid: a mail that came meanwhile would be untrue before it is read.</summary>
    internal static readonly TimeSpan DeclinePatience = TimeSpan.FromMinutes(2);

    /// <summary>When mail that tells of it leaves. What is no longer so by then is not sent.</summary>
    public static DateTimeOffset When(OrderEvent e) => e.Type is EventType.PaymentDeclined or EventType.PaymentFailed ? e.At + DeclinePatience : e.At;

    /// <summary>Where the shopper is trying again by then, it is looked at again after this, for so long as they are: seldom, when that takes days.</summary>
    public static TimeSpan Wait(TimeSpan age) => TimeSpan.FromTicks(Math.Clamp(age.Ticks, DeclinePatience.Ticks, TimeSpan.FromHours(1).Ticks));

    /// <returns><see cref="ReceiverKind.Endpoint"/> where mail tells nobody.</returns>
    public ReceiverKind Whom(OrderEvent e)
    {
        switch (e.Type)
        {
            case EventType.DiscrepancyOpened:
            // That the amount of a dispute is known better now is no new dispute.
            case EventType.DisputeOpened when e.Replaces is null:
            case EventType.DisputeClosed when e.Reason == EventNames.Snake(nameof(DisputeState.Lost)):
                return ReceiverKind.Operators;
            case EventType.OrderPaid or EventType.OrderExpired or EventType.PaymentDuplicate or EventType.PaymentAmountMismatch or EventType.RefundSucceeded or EventType.RefundFailed:
            // Late money that is accepted is told as what it is, the order's payment.
            case EventType.PaymentLate when Of(e.Order).After.Status != OrderStatus.Paid:
            // Whoever cancels a cart knows it; that the money was none, nobody told the shopper.
            case EventType.OrderCancelled when e.Payment is not null:
            case EventType.PaymentDeclined or EventType.PaymentFailed when IsToTell(e):
                return Of(e.Order).After.Customer.Email is { Length: > 0 } ? ReceiverKind.Shoppers : ReceiverKind.Endpoint;
            default:
                return ReceiverKind.Endpoint;
        }
    }

    /// <summary>A shopper is told once that paying did not work, for the link in that mail always leads to how it stands; and once more after a try that
    /// was to be waited for. What is being tried again already, on another link, is told when that fails, too: the mail waits for it, and so the later
    /// failure needs none of its own.</summary>
    bool IsToTell(OrderEvent e)
    {
        var (before, after) = Of(e.Order);
        if (after.HasEnded || after.ClosingAt is not null || (after.Payment(e.Payment!.Value) is { Status: PaymentStatus.Failed } over && IsHandedOn(after, over))) return false;
        var waited = before?.Payment(e.Payment!.Value) is { Status: PaymentStatus.Processing } or { Status: PaymentStatus.Unresolved, LinkOpenedAt: not null };
        var told = before is not null && before.Payments.Any(p => p.DeclinedAt is not null || (p.Status == PaymentStatus.Failed && !IsHandedOn(after, p)));
        return (waited || !told) && (failed ??= []).Add(e.Order);
    }

    /// <summary>It had no link, and another account took it over at once: nothing of it was the shopper's to hear.</summary>
    static bool IsHandedOn(Order order, Payment failed) =>
        failed is { Routed: true, LinkOpenedAt: null } && order.Payment(failed.Number + 1) is { Routed: true } next
        && order.Payments.All(p => p.Number >= next.Number || p.Account != next.Account);

    (Order? Before, Order After) Of(OrderId order)
    {
        if (orders is null)
        {
            orders = [];
            foreach (var (before, after) in changes.Changed) orders[after.Id] = (before, after);
            foreach (var (created, _) in changes.Created) orders[created.Id] = (null, created);
        }
        return orders[order];
    }
}
