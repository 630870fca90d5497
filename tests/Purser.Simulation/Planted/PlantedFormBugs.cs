using Purser.Orders;
using Purser.Payments;

namespace Purser.Simulation;

/// <summary>What other systems were found to do wrong with forms that begin another try each time they are posted.</summary>
static class PlantedFormBugs
{
    public static IReadOnlyList<PlantedBug> All { get; } = [new FormHandedOutAtEveryClick(), new FormFreeAfterAWhile(), new AskingForTheFormStartsAPayment()];

    static Order As(Order order, Payment p) => order with { Payments = order.Payments.SetItem(p.Number - 1, p) };

    /// <summary>The page with the form is a page like any other: whoever opens it has the form.</summary>
    sealed class FormHandedOutAtEveryClick : PlantedBug
    {
        public override IReadOnlyList<string> BreaksRules => ["I3 a form is handed out once per try"];

        public override Decision Decide(Order? order, OrderInput input, DateTimeOffset now, OrderRules rules) => base.Decide(
            input is OrderCommand.HandOut asked && order?.Payment(asked.Payment) is { } p ? As(order, p with { HandedAt = null, BackAt = null }) : order, input, now, rules);
    }

    /// <summary>Whoever has not paid after some minutes will not pay any more; no answer is needed for that.</summary>
    sealed class FormFreeAfterAWhile : PlantedBug
    {
        static readonly TimeSpan While = TimeSpan.FromMinutes(3);

        public override IReadOnlyList<string> BreaksRules => ["I3 a form is handed out once per try"];

        public override Decision Decide(Order? order, OrderInput input, DateTimeOffset now, OrderRules rules) => base.Decide(
            input is OrderCommand.HandOut asked && order?.Payment(asked.Payment) is { } p && now > p.HandedAt + While ? As(order, p with { OpenUntil = now + While }) : order, input, now, rules);
    }

    /// <summary>Where the form cannot be had, another payment has one.</summary>
    sealed class AskingForTheFormStartsAPayment : PlantedBug
    {
        public override IReadOnlyList<string> BreaksRules => ["a page that is opened starts no payment", "I3 one open payment"];

        public override Decision Decide(Order? order, OrderInput input, DateTimeOffset now, OrderRules rules)
        {
            if (input is not OrderCommand.HandOut asked || order?.Payment(asked.Payment) is not { Status: PaymentStatus.Pending } p || FormMachine.MayBeHandedOut(p, now, rules))
                return base.Decide(order, input, now, rules);
            var unseen = order with { Payments = [.. order.Payments.Select(one => one.IsOpen ? one with { Status = PaymentStatus.Cancelled } : one)] };
            var decision = base.Decide(unseen, new OrderCommand.StartPayment(p.Account, null), now, rules);
            var after = decision.After with { Payments = [.. order.Payments, .. decision.After.Payments.Skip(order.Payments.Length)] };
            return decision with { After = after, Calls = [.. decision.Calls.Select(c => c with { Order = after })] };
        }
    }
}
