namespace Purser.Reconciliation;

/// <summary>A refund of ours that a row without our reference may be about: of the same payment and amount.</summary>
/// <param name="Reference">The gateway's name for it, where we know it.</param>
/// <param name="RowKey">The row that settled it.</param>
/// <param name="Went">The gateway said that the money went back.</param>
public readonly record struct OursRefund(int Number, string? Reference, string? RowKey, bool Went);

/// <summary>Which refund a row is about when it does not carry our reference.</summary>
public static class RefundRows
{
    /// <summary>Several are under way, and any of them may be the one: guessing would call a refund done that is not.</summary>
    public const int Doubtful = -1;

    /// <summary>The one that this row settled before; else the one of that name; else the first that no row has settled or is about to and that is known
    /// to have gone back; else the only one that the gateway knows; else the only one under way. When all have theirs it is one row too many, and money went
    /// once more than by the first. A refund that the gateway calls by another name than the row does is never the one.</summary>
    /// <param name="taken">Numbers that other rows of the same batch are about.</param>
    /// <returns>Its number; 0 when there is none, or <see cref="Doubtful"/>.</returns>
    public static int Pick(IReadOnlyList<OursRefund> refunds, string rowKey, string? reference, IReadOnlySet<int> taken)
    {
        foreach (var refund in refunds)
            if (refund.RowKey == rowKey) return refund.Number;
        foreach (var refund in refunds)
            if (reference is not null && refund.Reference == reference) return refund.Number;
        refunds = [.. refunds.Where(r => reference is null || r.Reference is null)];
        var free = refunds.Where(r => r.RowKey is null && !taken.Contains(r.Number)).OrderByDescending(r => r.Went).ThenByDescending(r => r.Went || r.Reference is not null).ToList();
        if (free is [var best, ..])
            return free is [_, { Went: false } other, ..] && !best.Went && best.Reference is null == other.Reference is null ? Doubtful : best.Number;
        return refunds is [var first, ..] ? first.Number : 0;
    }

    /// <summary>The one that came back after it had gone: that of the row's name; else the only one that went. To take the wrong one for failed would free money
    /// that is gone.</summary>
    /// <returns>Its number; 0 when there is none, or <see cref="Doubtful"/>.</returns>
    public static int Returned(IReadOnlyList<OursRefund> refunds, string? reference)
    {
        foreach (var refund in refunds)
            if (reference is not null && refund.Reference == reference) return refund.Number;
        return refunds.Where(r => r.Went && (reference is null || r.Reference is null)).ToList() switch { [] => 0, [var only] => only.Number, _ => Doubtful };
    }
}
