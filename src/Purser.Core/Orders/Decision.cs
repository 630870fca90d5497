using System.Collections.Immutable;
using Purser.Ledger;

namespace Purser.Orders;

/// <summary>What follows from one input: the order afterwards and all that must be committed with it, and the calls to make once it is.</summary>
public sealed record Decision(
    Order After, ImmutableArray<OrderEvent> Events, ImmutableArray<Posting> Postings, ImmutableArray<GatewayCall> Calls, Reply Reply);

/// <summary>What the decision asks of a gateway. The request is a pure function of the committed order and payment.</summary>
public abstract record GatewayCall(Order Order, int Payment)
{
    /// <param name="Ask">Which question for this payment's link it is, from 1.</param>
    public sealed record OpenLink(Order Order, int Payment, int Ask) : GatewayCall(Order, Payment);

    public sealed record Inquire(Order Order, int Payment) : GatewayCall(Order, Payment);

    public sealed record CancelLink(Order Order, int Payment) : GatewayCall(Order, Payment);
}

/// <summary>What the one who asked is told.</summary>
public abstract record Reply
{
    Reply() { }

    /// <summary>Done now.</summary>
    public sealed record Made(Order Order, int? Payment = null) : Reply;

    /// <summary>It was so already: the same answer as the first time.</summary>
    public sealed record Same(Order Order, int? Payment = null) : Reply;

    /// <summary>Not done, and nothing was written.</summary>
    public sealed record Refused(Refusal Why, Order? Order = null) : Reply;
}

/// <summary>Why a command cannot be.</summary>
public enum Refusal
{
    OrderUnknown, OrderPaid, OrderExpired, OrderCancelled, OrderNotPaid, PaymentUnknown, PaymentEnded, PaymentSucceeded, LinkCannotBeCancelled,
    TooManyPayments, ReferenceTaken,
    /// <summary>The account that was asked for, or every one, cannot take this payment; <see cref="Routing.Router"/> says why.</summary>
    GatewayUnsuitable,
}
