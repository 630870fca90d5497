using Purser.Orders;

namespace Purser.Refunds;

/// <summary>What is known to have happened to one refund. Never refused, like all evidence.</summary>
public abstract record RefundEvidence
{
    RefundEvidence() { }

    /// <summary>The refund's number within its order.</summary>
    public int Refund { get; init; }
    public EvidenceSource Source { get; init; }
    /// <summary>When this was true at the latest, by our clock.</summary>
    public DateTimeOffset At { get; init; }
    /// <summary>The gateway's own time for it; shown, never decided on.</summary>
    public DateTimeOffset? GatewayTime { get; init; }
    /// <summary>The gateway's name for the refund.</summary>
    public string? RefundReference { get; init; }
    /// <summary>The raw bytes' key.</summary>
    public string? RawKey { get; init; }

    /// <summary>The gateway has taken the refund on; the money is not back yet.</summary>
    public sealed record Accepted : RefundEvidence;

    /// <summary>The money went back.</summary>
    /// <param name="BankReference">What the shopper's bank can find it by (ARN, RRN, UTR), where it is told.</param>
    public sealed record Succeeded(Money Amount, string? BankReference = null) : RefundEvidence;

    /// <summary>It will not go back by this refund. May come days after the gateway had said success.</summary>
    public sealed record Failed(string Reason) : RefundEvidence;

    /// <summary>The gateway knows nothing of this refund.</summary>
    public sealed record Absent : RefundEvidence;
}
