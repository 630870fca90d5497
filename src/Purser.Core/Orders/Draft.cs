using System.Collections.Immutable;
using Purser.Ledger;
using Purser.Payments;

namespace Purser.Orders;

/// <summary>What a decision is written on. It lives inside one call of <see cref="OrderMachine.Decide"/>.</summary>
sealed class Draft(Order order, DateTimeOffset now, OrderRules rules)
{
    public Order Order { get; set; } = order;
    public Order Before { get; } = order;
    public DateTimeOffset Now => now;
    public OrderRules Rules => rules;
    public List<GatewayCall> Calls { get; } = [];
    readonly ImmutableArray<OrderEvent>.Builder events = ImmutableArray.CreateBuilder<OrderEvent>();
    readonly ImmutableArray<Posting>.Builder postings = ImmutableArray.CreateBuilder<Posting>();

    public ImmutableArray<OrderEvent> Events => events.ToImmutable();
    public ImmutableArray<Posting> Postings => postings.ToImmutable();

    public void Change(Payment payment) =>
        Order = Order with { Payments = Order.Payments.SetItem(payment.Number - 1, payment) };

    public void Tell(
        EventType type, int? payment = null, Evidence? because = null, Money? amount = null, string? money = null, Money? replaces = null,
        int? refund = null, string? reason = null, DiscrepancyKind? discrepancy = null)
    {
        var p = payment is { } number ? Order.Payment(number) : null;
        Order = Order with { Sequence = Order.Sequence + 1 };
        var e = new OrderEvent
        {
            Order = Order.Id,
            Sequence = Order.Sequence,
            Type = type,
            At = now,
            OrderStatus = Order.Status,
            Late = Order.Late,
            PaidBy = Order.PaidBy,
            Payment = payment,
            Account = p?.Account,
            PaymentStatus = p?.Status,
            GatewayReference = p?.GatewayReference,
            MoneyReference = money,
            Amount = amount,
            Replaces = replaces,
            Refund = refund,
            Discrepancy = discrepancy,
            Reason = reason,
            Source = because?.Source,
            RawKey = because?.RawKey,
        };
        events.Add(e);
        postings.AddRange(Books.Of(e));
    }
}
