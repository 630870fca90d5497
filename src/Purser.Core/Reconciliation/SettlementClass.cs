using Purser.Payments;

namespace Purser.Reconciliation;

/// <summary>What comparing a row of a statement with our records found. Every row is in exactly one class.</summary>
public enum SettlementClass : byte
{
    /// <summary>Paid with us and captured with them.</summary>
    BothPaid,
    /// <summary>Not paid with us, and they took nothing.</summary>
    BothUnpaid,
    /// <summary>They captured money for a payment that is not paid with us.</summary>
    TheirsPaid,
    /// <summary>Paid with us, and they say that they took nothing.</summary>
    OursPaid,
    Amount,
    Currency,
    /// <summary>They kept more than the contract says.</summary>
    Fee,
    UnknownOrder,
    /// <summary>A further row of a key in one file, and not one that an earlier file has as often.</summary>
    DuplicateLine,
    Refund,
    RefundUnasked,
    /// <summary>A refund of ours that ended well, and that their statement says came back.</summary>
    RefundMissing,
    Dispute,
    Adjustment,
    Payout,
    /// <summary>The row came in an earlier file, and the two agree in all that both say.</summary>
    Repeated,
    /// <summary>The row came in an earlier file with other content; shown, not applied.</summary>
    Changed,
    /// <summary>No line has it: a question's, about a row whose application failed for a reason of its own.</summary>
    NotApplied,
}

/// <summary>A row, as far as its class depends on it.</summary>
/// <param name="FeeTooHigh">It keeps more than the contract says.</param>
public readonly record struct Theirs(SettlementKind Kind, Money Amount, bool FeeTooHigh = false);

/// <summary>Our payment that a row is about.</summary>
public readonly record struct Ours(PaymentStatus Status, Money Amount);

/// <summary>Their row and our record side by side. Never matched by amount and day: who calls has matched them by a reference.</summary>
public static class Matching
{
    /// <summary>The class of a row when our record is as the row says; what differs from it is found by comparing.</summary>
    public static SettlementClass Presumed(SettlementKind kind) => kind switch
    {
        SettlementKind.Payment => SettlementClass.BothPaid,
        SettlementKind.FailedPayment => SettlementClass.BothUnpaid,
        SettlementKind.Refund or SettlementKind.RefundReturned => SettlementClass.Refund,
        SettlementKind.Dispute or SettlementKind.DisputeReturned => SettlementClass.Dispute,
        SettlementKind.Adjustment => SettlementClass.Adjustment,
        SettlementKind.Payout => SettlementClass.Payout,
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };

    /// <summary>The class of a row about a payment. Null: we have no such payment.</summary>
    public static SettlementClass Of(Theirs row, Ours? ours) => (row.Kind, ours) switch
    {
        (SettlementKind.Adjustment or SettlementKind.Payout, _) => Presumed(row.Kind),
        (_, null) => SettlementClass.UnknownOrder,
        (SettlementKind.Payment, { } o) when !Took(o.Status) => SettlementClass.TheirsPaid,
        (SettlementKind.Payment, { } o) when o.Amount.Currency != row.Amount.Currency => SettlementClass.Currency,
        (SettlementKind.Payment, { } o) when o.Amount != row.Amount => SettlementClass.Amount,
        (SettlementKind.Payment, _) when row.FeeTooHigh => SettlementClass.Fee,
        (SettlementKind.Payment, _) => SettlementClass.BothPaid,
        (SettlementKind.FailedPayment, { } o) => Took(o.Status) ? SettlementClass.OursPaid : SettlementClass.BothUnpaid,
        _ => Presumed(row.Kind),
    };

    /// <summary>The class of a row about a refund of a payment that we know.</summary>
    /// <param name="known">We asked for this refund, or know that the gateway made it.</param>
    /// <param name="ended">It ended well, as far as we know.</param>
    public static SettlementClass OfRefund(SettlementKind kind, bool known, bool ended) =>
        !known ? SettlementClass.RefundUnasked
        : kind == SettlementKind.RefundReturned && ended ? SettlementClass.RefundMissing
        : SettlementClass.Refund;

    /// <summary>Money came, whatever was made of it.</summary>
    static bool Took(PaymentStatus status) => status is PaymentStatus.Succeeded or PaymentStatus.Held;
}
