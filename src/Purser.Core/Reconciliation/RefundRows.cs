namespace Purser.Reconciliation;

/// <summary>A refund of ours that a row without our reference may be about: of the same payment and amount.</summary>
/// <param name="Reference">The gateway's name for it, where we know it.</param>
/// <param name="RowKey">The row that settled it.</param>
/// <param name="Went">The gateway said that the money went back.</param>
public readonly record struct OursRefund(int Number, string? Reference, string? RowKey, bool Went);

/// <summary>Which refund a row is about when it does not carry our reference.</summary>
public static class RefundRows
{
    /// <summary>The one that this row settled before; else the one of that name; else the first that no row has settled or is about to, and of those
    /// one that is known to have gone back before one that the gateway knows, and that before one that may never have left us. When all have theirs it
    /// is one row too many, and the first refund asks about it.</summary>
    /// <param name="taken">Numbers that other rows of the same batch are about.</param>
    /// <returns>Its number; 0 when there is none.</returns>
    public static int Pick(IReadOnlyList<OursRefund> refunds, string rowKey, string? reference, IReadOnlySet<int> taken)
    {
        foreach (var refund in refunds)
            if (refund.RowKey == rowKey) return refund.Number;
        foreach (var refund in refunds)
            if (reference is not null && refund.Reference == reference) return refund.Number;
        foreach (var refund in refunds.OrderByDescending(r => r.Went).ThenByDescending(r => r.Went || r.Reference is not null))
            if (refund.RowKey is null && !taken.Contains(refund.Number)) return refund.Number;
        return refunds is [var first, ..] ? first.Number : 0;
    }
}
