namespace Purser.Refunds;

public enum RefundStatus { Requested, Sent, Unresolved, Succeeded, Failed }

public enum RefundReason { Duplicate, Late, Merchant }

/// <summary>Captured money that is given back: which capture of which payment, how much, and how far it is.</summary>
public sealed record Refund(
    int Number, int Payment, string MoneyReference, Money Amount, RefundReason Reason, RefundStatus Status, DateTimeOffset RequestedAt);
