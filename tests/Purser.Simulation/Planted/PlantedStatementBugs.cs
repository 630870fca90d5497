using Purser.Orders;
using Purser.Payments;
using Purser.Refunds;

namespace Purser.Simulation;

/// <summary>What other systems were found to do wrong with settlement files.</summary>
static class PlantedStatementBugs
{
    public static IReadOnlyList<PlantedBug> All { get; } =
    [
        new DuplicateLineBookedTwice(), new SameFileAppliedTwice(), new CutFileHalfApplied(), new AcceptedFromAStatementUncompared(),
        new DisputeNotKept(), new RowsPostedNowhere(), new DenialOverheard(), new MissingMoneyTakenForNone(), new AnsweredAndForgotten(),
        new RefundsThatTakeLongCalledFailed(), new RowOfTheFirstRefundWithoutOne(), new UnpaidHereTakenForUnpaidThere(),
    ];

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

    /// <summary>The file says that it was paid, so it is paid; how much came is not looked at.</summary>
    sealed class AcceptedFromAStatementUncompared : PlantedBug
    {
        public override IReadOnlyList<string> BreaksRules => ["I7 a row is believed as it says"];

        public override bool NeedsSilence => true;

        public override Fault Provokes => Fault.WrongAmount;

        public override Decision Decide(Order? order, OrderInput input, DateTimeOffset now, OrderRules rules) =>
            base.Decide(order, input is Evidence.Succeeded { Source: EvidenceSource.Settlement } told && order?.Payment(told.Payment) is { } p ? told with { Amount = p.Amount } : input, now, rules);
    }

    /// <summary>What a bank wants back is for the people who answer disputes, and not for the books.</summary>
    sealed class DisputeNotKept : PlantedBug
    {
        public override IReadOnlyList<string> BreaksRules => ["I4 disputes are known", "I23 what a line asks for is done"];

        public override Decision Decide(Order? order, OrderInput input, DateTimeOffset now, OrderRules rules) => order is not null && input is Evidence.DisputeOpened or Evidence.DisputeClosed
            ? new Decision(order!, [], [], [], new Reply.Same(order!))
            : base.Decide(order, input, now, rules);
    }

    /// <summary>A success is a success, whatever its gateway says afterwards.</summary>
    sealed class DenialOverheard : PlantedBug
    {
        public override IReadOnlyList<string> BreaksRules => ["I23 what its gateway denies is cancelled or asked about"];

        public override Decision Decide(Order? order, OrderInput input, DateTimeOffset now, OrderRules rules) => order is { Status: OrderStatus.Paid } && input is Evidence.Failed
            ? new Decision(order, [], [], [], new Reply.Same(order))
            : base.Decide(order, input, now, rules);
    }

    /// <summary>What no statement has was never paid; nobody needs to be asked.</summary>
    sealed class MissingMoneyTakenForNone : PlantedBug
    {
        public override IReadOnlyList<string> BreaksRules => ["I10 money facts stay"];

        public override Fault Provokes => Fault.RowNeverComes;

        public override Decision Decide(Order? order, OrderInput input, DateTimeOffset now, OrderRules rules)
        {
            if (input is not Evidence.Unsettled missing || order?.Payment(missing.Payment) is not { Captures: [var money] } p) return base.Decide(order, input, now, rules);
            var doubted = p with { Captures = [money.Doubt(DiscrepancyKind.NotSettled)], Contradicted = true };
            return base.Decide(order with { Payments = order.Payments.SetItem(p.Number - 1, doubted) },
                new Evidence.Failed(missing.Why).Learned(p.Number, EvidenceSource.Inquiry, now, missing.RawKey), now, rules);
        }
    }

    /// <summary>Somebody knows of it now, so the question is closed; the books are somebody else's.</summary>
    sealed class AnsweredAndForgotten : PlantedBug
    {
        public override IReadOnlyList<string> BreaksRules => ["I12 an answered question leaves nothing in suspense"];

        public override Fault Provokes => Fault.WrongAmount;

        public override Decision Decide(Order? order, OrderInput input, DateTimeOffset now, OrderRules rules)
        {
            var decision = base.Decide(order, input, now, rules);
            return input is OrderCommand.Answer ? decision with { Postings = [] } : decision;
        }
    }

    /// <summary>What is not done at once is not done: the refund is given up, and what the gateway says of it later is of another.</summary>
    sealed class RefundsThatTakeLongCalledFailed : PlantedBug
    {
        public override IReadOnlyList<string> BreaksRules => [OpenQuestions.Rule];

        public override Decision Decide(Order? order, OrderInput input, DateTimeOffset now, OrderRules rules) => base.Decide(order,
            input is RefundEvidence.Accepted taken ? new RefundEvidence.Failed("it takes long") { RefundReference = taken.RefundReference, MoneyReference = taken.MoneyReference }
                .Learned(taken.Refund, taken.Payment, taken.Source, taken.At, taken.RawKey) : input, now, rules);
    }

    /// <summary>A row that says that money went back is of the first refund that has none; what its gateway calls it is a detail.</summary>
    sealed class RowOfTheFirstRefundWithoutOne : PlantedBug
    {
        public override IReadOnlyList<string> BreaksRules => [StatementAuditor.RowOfAnother];

        public override Decision Decide(Order? order, OrderInput input, DateTimeOffset now, OrderRules rules) => base.Decide(order,
            input is RefundEvidence.Settled row && order?.Refunds.FirstOrDefault(r => r.Payment == (order.Refund(row.Refund)?.Payment ?? row.Payment) && r.Settled is null) is { } first
                ? row with { Refund = first.Number, Payment = first.Payment, RefundReference = null, Guessed = false } : input, now, rules);
    }

    /// <summary>A row without an order changes nothing: what the gateway kept for itself is in no book.</summary>
    sealed class RowsPostedNowhere : PlantedBug
    {
        public override IReadOnlyList<string> BreaksRules => ["I23 what a line asks for is done"];

        public override bool PostsNoRows => true;
    }

    /// <summary>What is not paid here was not paid there, whatever the row says.</summary>
    sealed class UnpaidHereTakenForUnpaidThere : PlantedBug
    {
        public override IReadOnlyList<string> BreaksRules => [Scenarios.Rule, "I23 what a line asks for is done"];

        public override bool NeedsSilence => true;

        public override bool CallsUnpaidWhatIsUnpaidHere => true;
    }
}
