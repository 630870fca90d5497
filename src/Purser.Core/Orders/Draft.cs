using System.Collections.Immutable;
using Purser.Ledger;
using Purser.Payments;
using Purser.Refunds;

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

    /// <summary>Forgets a person's answer; the question may be asked anew.</summary>
    /// <returns>Whether there was one; false for one that moved money, for its question is open again.</returns>
    public bool Drop(Answered answer, int payment)
    {
        TakeBack(answer, payment);
        var p = Order.Payment(payment)!;
        if (!p.Answers.Contains(answer)) return false;
        Change(p with { Answers = p.Answers.Remove(answer) });
        return true;
    }

    /// <summary>What an answer moved out of suspense is there again, and its question is open: something else says now what becomes of the money.</summary>
    public void TakeBack(Answered answer, int payment, string by = "purser", string? why = null)
    {
        var p = Order.Payment(payment)!;
        if (p.Answers.FirstOrDefault(a => a == answer) is not { Moved: [_, ..] moved } given) return;
        Change(p with { Answers = p.Answers.Remove(given) });
        var amount = Order.Questions.FirstOrDefault(q => q.Payment == payment && q.Kind == answer.Kind && q.MoneyReference == answer.MoneyReference)?.Amount ?? p.Amount;
        Move(EventType.DiscrepancyOpened, payment, answer, moved, amount, by, why);
    }

    /// <summary>Tells what an answer moves, or moves back. One event moves one currency; the rows of money that gateways pay twice may be of more.</summary>
    public void Move(EventType type, int payment, Answered answer, ImmutableArray<Money> moved, Money amount, string? by, string? why)
    {
        void Say(EventType what, Money? moves) => Tell(what, payment, default, amount, money: answer.MoneyReference, replaces: moves, discrepancy: answer.Kind, reason: why, by: by);
        Say(type, moved.IsEmpty ? null : moved[0]);
        foreach (var further in moved.Skip(1))
        {
            Say(type == EventType.DiscrepancyOpened ? EventType.DiscrepancyResolved : EventType.DiscrepancyOpened, null);
            Say(type, further);
        }
    }

    public void Change(Refund refund) => Order = Order with { Refunds = Order.Refunds.SetItem(refund.Number - 1, refund) };

    /// <param name="because">How it was learned.</param>
    public void Tell(
        EventType type, int? payment = null, Because because = default, Money? amount = null, string? money = null, Money? replaces = null,
        int? refund = null, string? reason = null, DiscrepancyKind? discrepancy = null, Settled? settled = null, bool paidOut = false, string? by = null, Money? givenBack = null, Expected? expected = null)
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
            GivenBack = givenBack,
            Expected = expected,
            Refund = refund,
            Discrepancy = discrepancy,
            Reason = reason,
            Source = because.Source,
            RawKey = because.RawKey,
            Settled = settled,
            PaidOut = paidOut,
            By = by,
        };
        events.Add(e);
        postings.AddRange(Books.Of(e));
    }
}

/// <summary>How a thing was learned: where from, and the raw bytes' key.</summary>
readonly record struct Because(EvidenceSource? Source, string? RawKey)
{
    public static implicit operator Because(Evidence? evidence) => new(evidence?.Source, evidence?.RawKey);
    public static implicit operator Because(RefundEvidence evidence) => new(evidence.Source, evidence.RawKey);
}
