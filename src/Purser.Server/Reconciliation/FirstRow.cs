using Purser.Reconciliation;
using Purser.Server.Settlement;

namespace Purser.Server.Reconciliation;

/// <summary>Finds the row of an earlier file that was applied, of which a later one has other content.</summary>
static class FirstRow
{
    /// <summary>A row may have changed more than once; files do not come in the order of their numbers, but a row is always compared with one of an earlier turn.</summary>
    const int MostTimes = 1000;

    /// <returns>Null for a row that is not of another content, or whose first is not there.</returns>
    public static async Task<StoredLine?> Of(ISettlementLineStore lines, StoredLine line, CancellationToken stop)
    {
        if (line.Class != SettlementClass.Changed) return null;
        for (var times = 0; line is { Class: SettlementClass.Changed, Was: { } was } && times < MostTimes; times++)
        {
            if (await lines.List(was.File, null, was.Number - 1, 1, stop) is not [var before] || before.Number != was.Number) return null;
            line = before;
        }
        return line.Class == SettlementClass.Changed ? null : line;
    }
}
