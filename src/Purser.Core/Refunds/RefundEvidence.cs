using Purser.Orders;

namespace Purser.Refunds;

/// <summary>What is known to have happened to one refund. Never refused, like all evidence.</summary>
public abstract record RefundEvidence : OrderInput
{
    RefundEvidence() { }

    /// <summary>The refund's number within its order; 0 when the gateway names no refund of ours.</summary>
    public int Refund { get; init; }
    /// <summary>The payment it gives back, where only that is known.</summary>
    public int Payment { get; init; }
    public EvidenceSource Source { get; init; }
    /// <summary>When this was true at the latest, by our clock.</summary>
    public DateTimeOffset At { get; init; }
    /// <summary>The gateway's own time for it; shown, never decided on.</summary>
    public DateTimeOffset? GatewayTime { get; init; }
    /// <summary>The gateway's name for the refund.</summary>
    public string? RefundReference { get; init; }
    /// <summary>The captured money that it gives back, by the gateway's name for it, where that is told.</summary>
    public string? MoneyReference { get; init; }
    /// <summary>The raw bytes' key.</summary>
    public string? RawKey { get; init; }

    /// <summary>Adapters say what happened; whoever called or received says to which refund, how and when it was learned.</summary>
    /// <param name="refund">Ours; 0 when only the payment is known.</param>
    public RefundEvidence Learned(int refund, int payment, EvidenceSource source, DateTimeOffset at, string? rawKey)
    {
        RefundEvidence fit = this switch
        {
            Failed e => e with { Reason = Words.Fit(e.Reason)! },
            Rejected e => e with { Reason = Words.Fit(e.Reason)! },
            NotSent e => e with { Reason = Words.Fit(e.Reason)! },
            AnswerLost e => e with { Reason = Words.Fit(e.Reason)! },
            Unsettled e => e with { Why = Words.Fit(e.Why)! },
            Succeeded e => e with { BankReference = Words.Fit(e.BankReference) },
            _ => this,
        };
        return fit with
        {
            Refund = refund,
            Payment = payment,
            Source = source,
            At = at,
            RawKey = Words.Fit(rawKey),
            RefundReference = Words.Fit(RefundReference),
            MoneyReference = Words.Fit(MoneyReference),
        };
    }

    /// <summary>The gateway has taken the refund on; the money is not back yet.</summary>
    public sealed record Accepted : RefundEvidence;

    /// <summary>The money went back.</summary>
    /// <param name="BankReference">What the shopper's bank can find it by (ARN, RRN, UTR), where it is told.</param>
    public sealed record Succeeded(Money Amount, string? BankReference = null) : RefundEvidence;

    /// <summary>It will not go back by this refund. May come days after the gateway had said success.</summary>
    /// <param name="Row">The statement's row that says so: what came back, which may be another amount than went, or in another currency.</param>
    public sealed record Failed(string Reason, Purser.Settled? Row = null) : RefundEvidence;

    /// <summary>A definite no to the question: nothing goes back by it, nor did by an earlier one under its key.</summary>
    public sealed record Rejected(string Reason) : RefundEvidence;

    /// <summary>The question never left us and may be asked again.</summary>
    /// <param name="Ask">Which of the refund's questions, from 1.</param>
    public sealed record NotSent(int Ask, string Reason) : RefundEvidence;

    /// <summary>The answer was lost or could not be read: the money may be on its way.</summary>
    public sealed record AnswerLost(int Ask, string Reason) : RefundEvidence;

    /// <summary>The gateway knows nothing of this refund.</summary>
    public sealed record Absent : RefundEvidence;

    /// <summary>The day on which a statement should have had it has passed, and none that covers it does.</summary>
    public sealed record Unsettled(string Why) : RefundEvidence;

    /// <summary>A row of the gateway's statement says that the money left our balance there.</summary>
    /// <param name="PaidOut">The row is part of a payout; the statement has no rows for payouts of its own.</param>
    public sealed record Settled(Purser.Settled Row, bool PaidOut) : RefundEvidence
    {
        /// <summary>The row names no refund, and was taken for this one by its amount. Where another row was so, too, meanwhile, it is about another refund of the amount.</summary>
        public bool Guessed { get; init; }

        /// <summary>When it went, as the row says, where that counts: a refund asked for later is not taken for it.</summary>
        public DateTimeOffset? HappenedAt { get; init; }
    }
}
