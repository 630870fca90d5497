using System.Numerics;
using Purser.Payments;

namespace Purser.Refunds;

/// <summary>See docs/states/refund.md for what leads where.</summary>
public enum RefundStatus
{
    /// <summary>Committed with its reference; the gateway is being asked.</summary>
    Requested,
    /// <summary>The gateway has taken it on; the money is not back yet.</summary>
    Sent,
    /// <summary>Asked, answer lost. The amount stays reserved.</summary>
    Unresolved,
    Succeeded,
    /// <summary>Nothing goes back by it. The amount can be refunded again.</summary>
    Failed,
}

public enum RefundReason { Duplicate, Late, Merchant, Mismatched }

/// <summary>Captured money that is given back: which capture of which payment, how much, and how far it is. Its amount is reserved from the
/// commit that requested it until it fails.</summary>
public sealed record Refund
{
    public required int Number { get; init; }
    public required int Payment { get; init; }
    /// <summary>The gateway's name for the captured money.</summary>
    public required string MoneyReference { get; init; }
    public required Money Amount { get; init; }
    public required RefundReason Reason { get; init; }
    public required RefundStatus Status { get; init; }
    /// <summary>One line for people and for the gateway.</summary>
    public string? Note { get; init; }
    public required DateTimeOffset RequestedAt { get; init; }
    /// <summary>When the gateway was last asked to give the money back, and how often it was.</summary>
    public required DateTimeOffset AskedAt { get; init; }
    public required int Asks { get; init; }
    /// <summary>Which of those questions never left us, a bit each (the first is bit 0), so that an answer heard twice counts once.</summary>
    public int UnsentAsks { get; init; }
    /// <summary>The gateway's own name for the refund.</summary>
    public string? RefundReference { get; init; }
    /// <summary>What the shopper's bank can find it by.</summary>
    public string? BankReference { get; init; }
    /// <summary>When it was known that the money went back, or that it will not.</summary>
    public DateTimeOffset? DoneAt { get; init; }
    /// <summary>Why it failed, or why its answer is unknown, in the gateway's words.</summary>
    public string? Why { get; init; }
    /// <summary>The gateway said no when it was asked, so nothing ever went back by it.</summary>
    public bool Rejected { get; init; }
    /// <summary>It failed after the money had gone back, as news or a statement told: both are known.</summary>
    public bool CameBack { get; init; }
    /// <summary>When it is next asked about.</summary>
    public DateTimeOffset? LookAt { get; init; }
    public DateTimeOffset? LookedAt { get; init; }
    /// <summary>When the gateway itself said, in words that prove nothing, that something happened; until it has answered what.</summary>
    public DateTimeOffset? HeardAt { get; init; }
    public DateTimeOffset? AbsentFirstAt { get; init; }
    public DateTimeOffset? AbsentLastAt { get; init; }
    /// <summary>The row of the gateway's statement that took the money from what it owes us.</summary>
    public Settled? Settled { get; init; }
    /// <summary>The row that gave it back to us, as it says, when it had failed in the end.</summary>
    public Settled? Returned { get; init; }
    /// <summary>The gateway's words about it do not agree: another amount, a second row.</summary>
    public bool SettledOtherwise { get; init; }

    /// <summary>A statement that should have it has it not.</summary>
    public bool NotSettled { get; init; }

    /// <summary>It failed when another refund of the order's own money had been asked for, so that its question is none of that one's. It is asked about under our name for it until
    /// its money is given back anew, or it went after all.</summary>
    public bool AsksByItself { get; init; }

    /// <summary>It may still move money, or has: its amount is not to be given back again.</summary>
    public bool Reserves => Status != RefundStatus.Failed;

    public bool IsOpen => Status is RefundStatus.Requested or RefundStatus.Sent or RefundStatus.Unresolved;

    /// <summary>It is known that no question so far reached the gateway.</summary>
    public bool NeverLeft => HasNeverLeft(Status, RefundReference, Asks, UnsentAsks);

    public static bool HasNeverLeft(RefundStatus status, string? refundReference, int asks, int unsentAsks) =>
        status is RefundStatus.Requested or RefundStatus.Unresolved && refundReference is null && BitOperations.PopCount((uint)unsentAsks) == asks;

    /// <summary>The gateway said that it failed, and not only that it would not begin; nor did we give up what nobody could be asked for.</summary>
    public bool IsDenied => Status == RefundStatus.Failed && !Rejected && Why is not (PaymentMachine.Absent or PaymentMachine.Unreachable or GoneOtherwise);

    public const int MostBits = 31;

    /// <summary>Why it failed, when it was not carried out and may not be any more: the money is gone, or wanted, by another way.</summary>
    public const string GoneOtherwise = "money_gone_otherwise";
}

/// <summary>Money that the gateway gave back without being asked by us: in its own console perhaps, or once more than it was asked to.</summary>
/// <param name="RefundReference">The gateway's name for it; where it has none of its own, its row's.</param>
/// <param name="RowKey">The statement's row that has it.</param>
/// <param name="MoneyReference">The captured money that it gives back, where the gateway says so.</param>
public sealed record OutsideRefund(string RefundReference, Money Amount, string? RowKey = null, string? MoneyReference = null)
{
    /// <summary>Told while a refund of ours waits for its answer that may be this one. Until that is known it is left for no other, and neither booked nor asked about.</summary>
    public bool MayBeOurs { get; init; }

    /// <summary>It failed afterwards: nothing is gone by it. Where that was told first, its amount is zero until it is told, too.</summary>
    public bool CameBack { get; init; }

    /// <summary>What that row says, for the refund may turn out to be one of ours; null of what an older program kept.</summary>
    public Settled? Settled { get; init; }

    /// <summary>The row that gave it back to us, as it says.</summary>
    public Settled? Returned { get; init; }

    /// <summary>What came back is not what went, in the same currency: the rest waits in suspense.</summary>
    public bool ReturnedOtherwise => Returned is { } row && row.Amount.Currency == Amount.Currency && row.Amount != Amount;

    /// <summary>It gives back this money. Where the gateway names none that we know, the payment's only money.</summary>
    public bool IsOf(Payment p, string money) => p.Captures.Any(c => c.MoneyReference == MoneyReference) ? MoneyReference == money
        : p.Captures is [var only] && only.MoneyReference == money;
}
