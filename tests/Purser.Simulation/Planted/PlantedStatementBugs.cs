using Purser.Orders;

namespace Purser.Simulation;

/// <summary>What other systems were found to do wrong with settlement files.</summary>
static class PlantedStatementBugs
{
    public static IReadOnlyList<PlantedBug> All { get; } = [new DuplicateLineBookedTwice(), new SameFileAppliedTwice(), new CutFileHalfApplied()];

    /// <summary>A row settles its money, whether or not that is settled already.</summary>
    abstract class RowsBookedAgain : PlantedBug
    {
        public override IReadOnlyList<string> BreaksRules => ["I22 a row counts once"];

        public override Decision Decide(Order? order, OrderInput input, DateTimeOffset now, OrderRules rules)
        {
            if (order is null || input is not Evidence.Settled row || order.Payment(row.Payment) is not { } p) return base.Decide(order, input, now, rules);
            var unsettled = p with { Captures = [.. p.Captures.Select(c => c.MoneyReference == row.MoneyReference ? c with { Settled = null } : c)] };
            return base.Decide(order with { Payments = order.Payments.SetItem(p.Number - 1, unsettled) }, input, now, rules);
        }
    }

    /// <summary>Each row of a file is worth what it says.</summary>
    sealed class DuplicateLineBookedTwice : RowsBookedAgain
    {
        public override bool TakesEveryRow => true;
    }

    /// <summary>A file is a file, however often it was here.</summary>
    sealed class SameFileAppliedTwice : RowsBookedAgain
    {
        public override bool TakesFilesAgain => true;
    }

    /// <summary>What could be read is better than nothing.</summary>
    sealed class CutFileHalfApplied : PlantedBug
    {
        public override IReadOnlyList<string> BreaksRules => ["I21 a cut file is refused"];

        public override bool KeepsWhatCouldBeRead => true;
    }
}
