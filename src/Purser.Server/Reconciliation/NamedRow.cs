using Purser.Reconciliation;
using Purser.Server.Settlement;

namespace Purser.Server.Reconciliation;

/// <summary>A row that a person is asked about, with what a later file that has it again names of it: the payment, the money or the refund.</summary>
public static class NamedRow
{
    /// <summary>The row of a question.</summary>
    /// <param name="named">The later file's line; null where there is none, and the row says what it did at first.</param>
    /// <returns>Null when it is not there.</returns>
    public static async Task<StoredLine?> Of(ISettlementLineStore lines, long file, int number, (long File, int Number)? named, CancellationToken stop)
    {
        var first = await One(lines, (file, number), stop);
        return first is not null && named is { } at && await One(lines, at, stop) is { } later ? Together(first, later) ?? first : first;
    }

    static async Task<StoredLine?> One(ISettlementLineStore lines, (long File, int Number) at, CancellationToken stop) =>
        await lines.List(at.File, null, at.Number - 1, 1, stop) is [var line] && line.Number == at.Number ? line : null;

    /// <summary>The first row with what the later one names; null when that names nothing more, or is another version of it: only the last version before it was compared with it.</summary>
    public static StoredLine? Together(StoredLine first, StoredLine later) => Together(first.Line, later.Line) is not { } both ? null
        : first with { Class = Matching.Presumed(both.Kind), Line = both, Payment = both.Payment ?? later.Payment ?? first.Payment };

    /// <summary>The same of what they say.</summary>
    public static SettlementLine? Together(SettlementLine one, SettlementLine other)
    {
        if (one.RowKey != other.RowKey || (one.Kind, one.Amount, one.Net) != (other.Kind, other.Amount, other.Net)) return null;
        var both = one with { Payment = one.Payment ?? other.Payment, Refund = one.Refund ?? other.Refund, MoneyReference = one.MoneyReference ?? other.MoneyReference, RefundReference = one.RefundReference ?? other.RefundReference };
        var names = both with { Payment = other.Payment ?? both.Payment, Refund = other.Refund ?? both.Refund, MoneyReference = other.MoneyReference ?? both.MoneyReference, RefundReference = other.RefundReference ?? both.RefundReference };
        return both == one || names != both ? null : both;
    }
}
