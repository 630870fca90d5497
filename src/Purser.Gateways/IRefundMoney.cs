using Purser.Refunds;

namespace Purser.Gateways;

/// <summary>Captured money can be given back, in whole or in part.</summary>
public interface IRefundMoney
{
    /// <summary>Asks for a refund. Called again with the same <see cref="RefundCall.Refund"/> it must send the same bytes under the same key, so
    /// that money goes back once however often it is asked for. A gateway without such a key is asked first whether it knows the refund.</summary>
    Task<RefundAnswer> Refund(RefundCall call, GatewayLine line, CancellationToken stop);

    /// <summary>Asks what became of a refund, by our reference or by theirs where we know it. Never moves money and never answers
    /// <see cref="RefundAnswer.Rejected"/>.</summary>
    Task<RefundAnswer> InquireRefund(RefundCall call, GatewayLine line, CancellationToken stop);
}

/// <summary>All that a request for a refund is made of. A pure function of the committed refund.</summary>
/// <param name="Refund">Ours; <see cref="RefundId.Reference"/> is the reference and the idempotency key.</param>
/// <param name="GatewayReference">The gateway's name for the link of the payment.</param>
/// <param name="MoneyReference">The gateway's name for the captured money, as in <see cref="Orders.Evidence.Succeeded"/>.</param>
/// <param name="Captured">All of that money.</param>
/// <param name="Amount">What goes back.</param>
/// <param name="RefundReference">The gateway's name for the refund, once we learned it.</param>
/// <param name="Note">One line for people, free text, at most 200 characters.</param>
public sealed record RefundCall(
    GatewayAccount Account, RefundId Refund, PaymentId Payment, string? GatewayReference, string MoneyReference, Money Captured, Money Amount,
    string? RefundReference, string Note, DateTimeOffset RequestedAt);

/// <summary>What came of a call about a refund; separates what demands different next steps, as <see cref="GatewayAnswer"/> does.</summary>
public abstract record RefundAnswer
{
    RefundAnswer() { }

    /// <summary>The gateway answered and we understood; an inquiry that finds nothing says <see cref="RefundEvidence.Absent"/>.</summary>
    public sealed record Done(RefundEvidence Fact) : RefundAnswer;

    /// <summary>A definite no: nothing goes back by this request, nor did by an earlier one under its key. The reason is theirs, redacted.</summary>
    public sealed record Rejected(string Reason) : RefundAnswer;

    /// <summary>Nothing left us.</summary>
    public sealed record NotSent(string Reason) : RefundAnswer;

    /// <summary>It may have happened.</summary>
    public sealed record Unknown(string Reason) : RefundAnswer;
}

/// <summary>A fact about a refund in a webhook.</summary>
/// <param name="Ours">From our reference in the message; null when it carries none.</param>
/// <param name="Fact">With the gateway's name for the refund.</param>
public sealed record RefundNews(RefundId? Ours, RefundEvidence Fact);
