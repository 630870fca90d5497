using Purser.Reconciliation;

namespace Purser.Server.Reconciliation;

/// <summary>Rows of an earlier file that one which issues it again does not have. Nothing follows from it: what they said is booked, and stays.</summary>
/// <param name="File">The earlier one.</param>
/// <param name="Whole">All its rows should be there; otherwise those of the days that the later one covers.</param>
/// <param name="First">At most <see cref="MostShown"/> of them.</param>
public sealed record LackedRows(long File, bool Whole, IReadOnlyList<LackedTotal> Totals, IReadOnlyList<LackedRow> First)
{
    public const int MostShown = 20;
}

public sealed record LackedTotal(string Currency, string NetCurrency, int Count, long Amount, long Net);

/// <param name="Number">In the earlier file.</param>
public sealed record LackedRow(int Number, SettlementKind Kind, string RowKey, string Currency, long Amount);
