using System.Collections.Immutable;
using System.Numerics;
using Purser.Refunds;

namespace Purser.Payments;

/// <summary>See docs/states/payment.md for what leads where.</summary>
public enum PaymentStatus
{
    /// <summary>Committed with its reference; the gateway is being asked for a link.</summary>
    Starting,
    /// <summary>The shopper can pay.</summary>
    Pending,
    /// <summary>The gateway says that money is on its way, or says something we do not understand.</summary>
    Processing,
    /// <summary>Asked, answer lost.</summary>
    Unresolved,
    /// <summary>Money came, but not the order's amount or currency: nothing is fulfilled, a person decides.</summary>
    Held,
    /// <summary>Money captured, amount and currency equal to the order's.</summary>
    Succeeded,
    Failed,
    Cancelled,
    Expired,
}

/// <summary>Where the shopper is sent.</summary>
public abstract record PaymentLink
{
    PaymentLink() { }

    /// <summary>A hosted page to go to.</summary>
    public sealed record Redirect(string Url) : PaymentLink;

    /// <summary>A form that our page posts to the gateway.</summary>
    public sealed record Form(string Url, ImmutableSortedDictionary<string, string> Fields) : PaymentLink
    {
        public bool Equals(Form? other) => other is not null && Url == other.Url && Fields.SequenceEqual(other.Fields);
        public override int GetHashCode() => HashCode.Combine(Url, Fields.Count);
    }
}

/// <summary>What became of captured money.</summary>
public enum Standing { Accepted, Duplicate, Late, Mismatched }

/// <summary>Money that a gateway says it took, known by the gateway's own reference for it.</summary>
public sealed record Capture(string MoneyReference, Money Amount, DateTimeOffset At, Standing Standing)
{
    /// <summary>What the account's contract says that will come of it.</summary>
    public Expected? Expected { get; init; }
    /// <summary>The row of the gateway's statement that has it.</summary>
    public Settled? Settled { get; init; }
    /// <summary>Further rows of statements about it, each asked about once. One with a key of its own is posted beside the first.</summary>
    public ImmutableArray<Settled> OtherRows { get; init; } = [];
    /// <summary>What statements say of it that does not agree, each once, as bits: 1 shifted by the <see cref="DiscrepancyKind"/>.</summary>
    public int Doubts { get; init; }

    /// <summary>What of money of a wrong amount does not wait in suspense any more, although no refund of ours gave it back: others did when the rest was to go back.</summary>
    public Money? Cleared { get; init; }

    /// <summary>A statement has it, as much as is wanted: whatever else the gateway says, it is there.</summary>
    public bool IsConfirmed(Money wanted) => Standing is not Standing.Duplicate && Settled is { } row && row.Amount == wanted && Amount == wanted;

    public bool IsDoubted(DiscrepancyKind kind) => (Doubts & 1 << (int)kind) != 0;

    public Capture Doubt(DiscrepancyKind kind) => this with { Doubts = Doubts | 1 << (int)kind };

    public Capture Trust(DiscrepancyKind kind) => this with { Doubts = Doubts & ~(1 << (int)kind) };

    public bool Equals(Capture? other) => other is not null && MoneyReference == other.MoneyReference && Amount == other.Amount && At == other.At && Standing == other.Standing
        && Expected == other.Expected && Settled == other.Settled && Cleared == other.Cleared && Doubts == other.Doubts && OtherRows.SequenceEqual(other.OtherRows);

    public override int GetHashCode() => HashCode.Combine(MoneyReference, Amount, At, Standing);
}

/// <summary>The gateway's word that all of this money is gone, which says no more than that.</summary>
/// <param name="Booked">What is not known to have gone back by a refund, and is booked as gone; null while the money itself is not known.</param>
public sealed record Reversal(string MoneyReference, Money? Booked = null);

/// <summary>Money that a gateway told of and then denied, when no statement had it.</summary>
/// <param name="At">When the question was sent to which it denied it: what was known before says nothing against that.</param>
public sealed record Denial(string MoneyReference, DateTimeOffset At);

/// <summary>A question that a person has answered: it is asked no more, although what raised it may still be so.</summary>
public sealed record Answered(DiscrepancyKind Kind, string? MoneyReference)
{
    /// <summary>What the answer took out of suspense, as it stood there, of each currency; empty when nothing waited, and of what an older program kept.</summary>
    public ImmutableArray<Money> Moved { get; init; } = [];

    /// <summary>One question has one answer.</summary>
    public bool Equals(Answered? other) => other is not null && Kind == other.Kind && MoneyReference == other.MoneyReference;

    public override int GetHashCode() => HashCode.Combine(Kind, MoneyReference);
}

/// <summary>What does not agree and needs an answer, or a person.</summary>
public enum DiscrepancyKind
{
    AmountMismatch, LinkMismatch, Contradiction, Duplicate, Late, Reversed, UnknownWord,
    /// <summary>A refund failed, and nothing else gives the money back.</summary>
    RefundFailed,
    /// <summary>The gateway gave money back that nobody here asked it to.</summary>
    RefundUnasked,
    /// <summary>A statement has the money with another amount, or tells the same row in other words.</summary>
    SettledOtherwise,
    /// <summary>The gateway kept more than its contract says.</summary>
    FeeMismatch,
    /// <summary>Two rows of statements are about the same money.</summary>
    SettledTwice,
    /// <summary>A statement that should have the money says otherwise, or the day it was due has passed.</summary>
    NotSettled,
    /// <summary>Asked about this payment, the gateway told of another one's link or money.</summary>
    MixedUp,
}

/// <summary>One try to pay an order through one gateway account. Immutable.</summary>
public sealed record Payment
{
    public required int Number { get; init; }
    /// <summary>The gateway account's name.</summary>
    public required string Account { get; init; }
    public required PaymentStatus Status { get; init; }
    public required Money Amount { get; init; }
    public string? Method { get; init; }
    /// <summary>Routing chose the account, so routing may choose another if this one provably did nothing.</summary>
    public bool Routed { get; init; }
    /// <summary>Where the gateway sends the browser back to; frozen, for a retry must carry the same bytes.</summary>
    public required string ReturnUrl { get; init; }
    public required DateTimeOffset StartedAt { get; init; }
    /// <summary>The end that is asked of the gateway for its link; frozen like all of the request.</summary>
    public required DateTimeOffset LinkExpiresAt { get; init; }
    /// <summary>When the link was last asked for.</summary>
    public required DateTimeOffset AskedAt { get; init; }
    /// <summary>How often the link was asked for.</summary>
    public int Asks { get; init; }
    /// <summary>Which of those questions are known to have created nothing, a bit each (the first is bit 0). Bits, so that an answer
    /// heard twice counts once. <see cref="DefiniteNo"/> is a mark beside them.</summary>
    public int RefusedAsks { get; init; }
    /// <summary>The gateway's own name for the link.</summary>
    public string? GatewayReference { get; init; }
    public PaymentLink? Link { get; init; }
    public DateTimeOffset? LinkOpenedAt { get; init; }
    /// <summary>When the form was last handed out to be posted, where every posting begins another try.</summary>
    public DateTimeOffset? HandedAt { get; init; }
    /// <summary>When the shopper last came back from the page that it leads to.</summary>
    public DateTimeOffset? BackAt { get; init; }
    /// <summary>Until when it may be handed out again without another question.</summary>
    public DateTimeOffset? OpenUntil { get; init; }
    /// <summary>When we last heard that money is on its way, and when we last read that nothing is. The later one counts, whatever order
    /// they arrive in.</summary>
    public DateTimeOffset? ProcessingAt { get; init; }
    public DateTimeOffset? ClearAt { get; init; }
    /// <summary>The latest decline, in the gateway's words.</summary>
    public string? Decline { get; init; }
    public DateTimeOffset? DeclinedAt { get; init; }
    /// <summary>The gateway's name of the try that it ended, where it names tries.</summary>
    public string? DeclinedTry { get; init; }
    public ImmutableArray<Capture> Captures { get; init; } = [];
    /// <summary>Money that the gateway says it took back by itself.</summary>
    public ImmutableArray<Reversal> Reversals { get; init; } = [];
    /// <summary>Captures that were taken out of the books again, for the gateway denies them.</summary>
    public ImmutableArray<Denial> Denied { get; init; } = [];
    /// <summary>What the gateway gave back without being asked by us.</summary>
    public ImmutableArray<OutsideRefund> OutsideRefunds { get; init; } = [];
    /// <summary>Questions about this payment that a person has answered.</summary>
    public ImmutableArray<Answered> Answers { get; init; } = [];
    public long? Fee { get; init; }
    public long? Tax { get; init; }
    /// <summary>Why it ended, or the word of the gateway that we do not know.</summary>
    public string? Reason { get; init; }
    /// <summary>When it is next asked about.</summary>
    public DateTimeOffset? LookAt { get; init; }
    public DateTimeOffset? LookedAt { get; init; }
    /// <summary>When the gateway itself said, in words that prove nothing, that something happened; until it has answered what.</summary>
    public DateTimeOffset? HeardAt { get; init; }
    public DateTimeOffset? AbsentFirstAt { get; init; }
    public DateTimeOffset? AbsentLastAt { get; init; }
    /// <summary>We want the link closed and keep asking until it is; also one that turned up after the payment had ended.</summary>
    public bool CancelAsked { get; init; }
    /// <summary>When it first failed, expired or was cancelled; null while it has not, or has money after all.</summary>
    public DateTimeOffset? EndedAt { get; init; }
    /// <summary>The gateway said failure after it had told of money; it is being asked again.</summary>
    public bool Contradicted { get; init; }
    /// <summary>How its disputes stand, taken together: an open one before a lost one before a won one.</summary>
    public DisputeState Dispute { get; init; }
    public ImmutableArray<Dispute> Disputes { get; init; } = [];
    /// <summary>The open question about this payment's link or status. Questions about money are asked of each capture by itself: see
    /// <see cref="Orders.Order.Questions"/>.</summary>
    public DiscrepancyKind? Discrepancy { get; init; }

    /// <summary>With this instead of what it was told of the same money before.</summary>
    public Payment With(Capture capture) => this with { Captures = Captures.Replace(Captures.First(c => c.MoneyReference == capture.MoneyReference), capture) };

    /// <summary>A statement has money of it, as much as was told: of the right amount, or, while it is held, of the wrong one.</summary>
    public bool HasConfirmedMoney => Captures.Any(c => c.IsConfirmed(Status == PaymentStatus.Held ? c.Amount : Amount));

    public bool IsReversed(string moneyReference) => Reversals.Any(r => r.MoneyReference == moneyReference);

    /// <summary>It may still take the shopper's money as far as we know.</summary>
    public bool IsOpen => Status is PaymentStatus.Starting or PaymentStatus.Pending or PaymentStatus.Processing or PaymentStatus.Unresolved;

    /// <summary>As far as evidence goes it took no money and will take none.</summary>
    public bool HasEnded => Status is PaymentStatus.Failed or PaymentStatus.Cancelled or PaymentStatus.Expired;

    /// <summary>It has ended, and yet the gateway says that money is on its way to it; no later reading says that nothing is.</summary>
    public bool HasMoneyUnderWay => HasEnded && ProcessingAt is { } on && !(ClearAt > on);

    /// <summary>The shopper has paid something by it, or is about to have: whatever else of the order is open, nobody is to pay beside it.</summary>
    public bool IsPaying => Status is PaymentStatus.Processing or PaymentStatus.Held || HasMoneyUnderWay;

    /// <summary>It has money, the gateway said failure afterwards, and has not said so a second time: it is asked until it says how it stands.</summary>
    public bool AwaitsSecondWord => Status is PaymentStatus.Succeeded or PaymentStatus.Held && Contradicted && Discrepancy is (null or DiscrepancyKind.MixedUp);

    /// <summary>How many times we asked for the link without knowing what came of it. While it is not zero, one refusal proves nothing
    /// about the others.</summary>
    public int UnansweredAsks => Asks - BitOperations.PopCount((uint)(RefusedAsks & ~DefiniteNo));

    /// <summary>Marks in <see cref="RefusedAsks"/> that one of the answers was the gateway's no, so that asking again is in vain. It is kept
    /// apart from the answers' order: a no heard before an older question's "not sent" counts like one heard after it.</summary>
    public const int DefiniteNo = 1 << 30;

    /// <summary>Asks that fit beside the mark.</summary>
    public const int MostAsks = 30;

    /// <summary>It is known that no question so far created anything, so the link may be asked for again.</summary>
    public bool CanBeAskedForAgain =>
        Status is PaymentStatus.Starting or PaymentStatus.Unresolved && GatewayReference is null && UnansweredAsks == 0;

    /// <summary>The gateway has, or may have, something under our reference, so late money is possible.</summary>
    public bool MayExist => GatewayReference is not null || UnansweredAsks > 0;

    public bool Equals(Payment? other) => other is not null && Captures.SequenceEqual(other.Captures)
        && Reversals.SequenceEqual(other.Reversals) && Denied.SequenceEqual(other.Denied) && OutsideRefunds.SequenceEqual(other.OutsideRefunds) && Answers.SequenceEqual(other.Answers) && ProcessingAt == other.ProcessingAt && ClearAt == other.ClearAt
        && Number == other.Number && Account == other.Account && Status == other.Status && Amount == other.Amount
        && Method == other.Method && Routed == other.Routed && ReturnUrl == other.ReturnUrl && StartedAt == other.StartedAt
        && LinkExpiresAt == other.LinkExpiresAt && AskedAt == other.AskedAt && Asks == other.Asks
        && RefusedAsks == other.RefusedAsks && GatewayReference == other.GatewayReference && Equals(Link, other.Link)
        && HandedAt == other.HandedAt && BackAt == other.BackAt && OpenUntil == other.OpenUntil
        && LinkOpenedAt == other.LinkOpenedAt && Decline == other.Decline && DeclinedAt == other.DeclinedAt && DeclinedTry == other.DeclinedTry && Fee == other.Fee
        && Tax == other.Tax && Reason == other.Reason && LookAt == other.LookAt && LookedAt == other.LookedAt && HeardAt == other.HeardAt
        && AbsentFirstAt == other.AbsentFirstAt && AbsentLastAt == other.AbsentLastAt && CancelAsked == other.CancelAsked && EndedAt == other.EndedAt
        && Contradicted == other.Contradicted && Dispute == other.Dispute && Disputes.SequenceEqual(other.Disputes) && Discrepancy == other.Discrepancy;

    public override int GetHashCode() => HashCode.Combine(Number, Account, Status, Amount);
}
