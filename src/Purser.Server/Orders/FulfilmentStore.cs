using Purser.Orders;
using Purser.Payments;
using Purser.Refunds;

namespace Purser.Server.Orders;

/// <summary><see cref="Order.Fulfilment"/> as conditions on rows of <c>orders</c>; a test compares the two.</summary>
static class FulfilmentStore
{
    const string AcceptedMoney =
        "exists (select 1 from payments p, jsonb_array_elements(p.captures::jsonb) c where p.order_id = d.order_id and p.number = d.payment " +
        "and c->>'reference' = d.money_reference and (c->>'standing')::int = 0)";

    /// <summary>On a row of <c>discrepancies d</c>: the gateway denies the money that pays the order, or took it back.</summary>
    public static readonly string DeniesMoney =
        $"(d.kind = {(int)DiscrepancyKind.Contradiction} or (d.kind = {(int)DiscrepancyKind.Reversed} and {AcceptedMoney}))";

    static readonly string IsDisputed =
        $"exists (select 1 from payments p where p.order_id = orders.id and p.number = orders.paid_by and p.dispute in ({(int)DisputeState.Open}, {(int)DisputeState.Lost}))";

    static readonly string IsDenied = $"({Asks(DeniesMoney)} or {IsDisputed})";

    static readonly string IsDoubted = $"({IsDenied} or {Asks($"d.kind = {(int)DiscrepancyKind.NotSettled} and {AcceptedMoney}")})";

    static readonly string GoesBack =
        "(select coalesce(sum(r.amount), 0) from refunds r where r.order_id = orders.id and r.payment = orders.paid_by " +
        $"and r.status <> {(int)RefundStatus.Failed} and r.reason = {(int)RefundReason.Merchant}) >= amount";

    // Written as the partial index has it.
    static readonly string IsDue = $"status = {(int)OrderStatus.Paid} and fulfilled_at is null and not {GoesBack}";

    public static readonly string Waiting = $"{IsDue} and not {IsDoubted}";

    public static string Is(string fulfilment) => fulfilment switch
    {
        "waiting" => Waiting,
        "held" => $"{IsDue} and {IsDoubted}",
        "done" => $"fulfilled_at is not null and not {IsDenied}",
        "unpaid" => $"fulfilled_at is not null and {IsDenied}",
        _ => throw new ArgumentOutOfRangeException(nameof(fulfilment)),
    };

    static string Asks(string about) =>
        $"exists (select 1 from discrepancies d where d.order_id = orders.id and d.payment = orders.paid_by and d.resolved_at is null and ({about}))";
}
