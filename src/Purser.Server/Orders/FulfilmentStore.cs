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

    /// <summary>A refund <c>o</c> that the gateway made gives back the money <c>c</c> of the payment <c>p</c>: see <see cref="OutsideRefund.IsOf"/>.</summary>
    const string OutsideIsOf =
        "case when exists (select 1 from jsonb_array_elements(p.captures::jsonb) k where k->>'reference' = o->>'money') then o->>'money' = c->>'reference' " +
        "else jsonb_array_length(p.captures::jsonb) = 1 end";

    /// <summary>On a row of <c>discrepancies d</c>: the gateway denies the money that pays the order, took it back, or gave all of it back unasked.</summary>
    public static readonly string DeniesMoney =
        $"(d.kind = {(int)DiscrepancyKind.Contradiction} or (d.kind = {(int)DiscrepancyKind.Reversed} and {AcceptedMoney}) " +
        $"or (d.kind = {(int)DiscrepancyKind.RefundUnasked} and {MoneyGoesBack("d.order_id", "d.payment")} and exists (select 1 from payments p, jsonb_array_elements(p.captures::jsonb) c, " +
        $"jsonb_array_elements(p.outside_refunds::jsonb) o where p.order_id = d.order_id and p.number = d.payment and (c->>'standing')::int = 0 and o->>'reference' = d.money_reference and {OutsideIsOf})))";

    static readonly string IsDisputed =
        $"exists (select 1 from payments p where p.order_id = orders.id and p.number = orders.paid_by and p.dispute in ({(int)DisputeState.Open}, {(int)DisputeState.Lost}))";

    static readonly string IsDenied = $"({Asks(DeniesMoney)} or {IsDisputed})";

    static readonly string IsDoubted = $"({IsDenied} or {Asks($"d.kind = {(int)DiscrepancyKind.NotSettled} and {AcceptedMoney}")})";

    static readonly string GoesBack = MoneyGoesBack("orders.id", "orders.paid_by");

    /// <summary>Of few payments anything went back, and only of those captures are read.</summary>
    static string MoneyGoesBack(string order, string payment) =>
        $"exists (select 1 from payments p, jsonb_array_elements(p.captures::jsonb) c where p.order_id = {order} and p.number = {payment} " +
        $"and (p.outside_refunds is not null or p.reversals is not null or exists (select 1 from refunds r where r.order_id = {order} and r.payment = {payment})) and (c->>'standing')::int = 0 " +
        $"and ((select coalesce(sum(r.amount), 0) from refunds r where r.order_id = {order} and r.payment = {payment} and r.money_reference = c->>'reference' and r.status <> {(int)RefundStatus.Failed}) " +
        $"+ (select coalesce(sum((o->'amount'->>0)::bigint), 0) from jsonb_array_elements(p.outside_refunds::jsonb) o where not jsonb_exists(o, 'came_back') and o->'amount'->>1 = c->>'currency' and {OutsideIsOf}) >= (c->>'amount')::bigint " +
        "or (jsonb_exists(p.reversals::jsonb, c->>'reference') " +
        $"and exists (select 1 from jsonb_array_elements(p.answers::jsonb) a where (a->>'kind')::int = {(int)DiscrepancyKind.Reversed} and a->>'reference' = c->>'reference'))))";

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
