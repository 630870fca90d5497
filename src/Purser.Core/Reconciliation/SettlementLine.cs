using Purser.Refunds;

namespace Purser.Reconciliation;

/// <summary>What one row of a gateway's statement is about.</summary>
public enum SettlementKind
{
    /// <summary>Money that a shopper paid.</summary>
    Payment,
    /// <summary>A try that took no money, where a statement lists those too.</summary>
    FailedPayment,
    Refund,
    /// <summary>A refund that did not go through; its money is ours again.</summary>
    RefundReturned,
    /// <summary>Money that a shopper's bank took back or holds.</summary>
    Dispute,
    /// <summary>Disputed money that is ours again.</summary>
    DisputeReturned,
    /// <summary>A charge of the gateway that belongs to no payment, or its return.</summary>
    Adjustment,
    /// <summary>The transfer of settled money to the bank.</summary>
    Payout,
}

/// <summary>One row of a gateway's statement in our words. Amounts are as the gateway says them, in the currency in which it settles with us
/// unless said otherwise; nothing is computed that it did not state.</summary>
/// <param name="RowKey">The gateway's own name for the row, the same in a statement that is issued again; unique within the account.</param>
/// <param name="Amount">What the shopper paid or got back, without sign.</param>
/// <param name="Net">What the row adds to our balance at the gateway, with sign: fee and tax taken off.</param>
public sealed record SettlementLine(string RowKey, SettlementKind Kind, Money Amount, Money Net)
{
    /// <summary>Ours, from our reference in the row; null when it carries none.</summary>
    public PaymentId? Payment { get; init; }
    /// <summary>Ours, for rows about refunds that carry our reference.</summary>
    public RefundId? Refund { get; init; }
    /// <summary>The gateway's name for the money, as in <see cref="Orders.Evidence.Succeeded"/>.</summary>
    public string? MoneyReference { get; init; }
    /// <summary>The gateway's name for the refund, as in <see cref="RefundEvidence.RefundReference"/>.</summary>
    public string? RefundReference { get; init; }
    /// <summary>What the gateway keeps, without the tax on it, without sign.</summary>
    public Money? Fee { get; init; }
    public Money? Tax { get; init; }
    public string? Method { get; init; }
    /// <summary>When it happened at the gateway.</summary>
    public DateTimeOffset? HappenedAt { get; init; }
    /// <summary>The day of the payout, by the gateway's calendar.</summary>
    public DateOnly? SettledOn { get; init; }
    /// <summary>What the bank transfer can be found by (UTR, payout id).</summary>
    public string? PayoutReference { get; init; }
    /// <summary>Words of the gateway worth showing to a person; in a row about a dispute the gateway's own name for it, or null.</summary>
    public string? Note { get; init; }
}
