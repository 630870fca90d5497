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

    /// <summary>Asks that money be given back.</summary>
    /// <param name="Number">The refund's number within its order.</param>
    /// <param name="Ask">Which question for this refund it is, from 1.</param>
    public sealed record Refund(Order Order, int Payment, int Number, int Ask) : GatewayCall(Order, Payment);

    public sealed record InquireRefund(Order Order, int Payment, int Number) : GatewayCall(Order, Payment);
}

/// <summary>What the one who asked is told.</summary>
public abstract record Reply
{
    Reply() { }

    /// <summary>Done now.</summary>
    public sealed record Made(Order Order, int? Payment = null, int? Refund = null) : Reply;

    /// <summary>It was so already: the same answer as the first time.</summary>
    public sealed record Same(Order Order, int? Payment = null, int? Refund = null) : Reply;

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
    /// <summary>Nothing was captured on the payment, or it is not known yet.</summary>
    NothingCaptured,
    /// <summary>More than what is left of the captured money.</summary>
    RefundTooLarge,
    /// <summary>All of it is given back, or reserved for a refund under way.</summary>
    NothingLeft,
    /// <summary>Money that the order does not want goes back whole.</summary>
    RefundWhole,
    /// <summary>The shopper's bank has the money, or wants it; or the gateway took it back by itself.</summary>
    MoneyDisputed,
    /// <summary>The gateway refunds a payment once, and did or is doing so.</summary>
    RefundedOnce,
    RefundUnknown,
    /// <summary>A statement's row says nothing but an amount, and the payment has several disputes that it may be of: to guess would book the wrong one.</summary>
    DisputeUnclear,
    QuestionUnknown,
    /// <summary>The answer would move other money than when the person decided.</summary>
    QuestionChanged,
    /// <summary>This answer does not fit the question.</summary>
    AnswerUnsuitable,
    /// <summary>The answer moved money, which cannot be taken back by a word.</summary>
    AnswerFinal,
    /// <summary>It is doubtful whether the order's money came: nothing goes out until that is answered.</summary>
    OrderHeld,
}
