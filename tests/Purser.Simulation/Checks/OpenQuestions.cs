using Purser.Orders;
using Purser.Payments;
using Purser.Reconciliation;
using Purser.Refunds;
using Purser.Server.Reconciliation;

namespace Purser.Simulation;

/// <summary>What is still asked when all is quiet, and why only a person can answer it. What has no such reason should have found its end by itself.</summary>
sealed class OpenQuestions(World world)
{
    public const string Rule = "domain 10 what stays open is for a person";

    readonly Telling telling = new(world);

    public SortedDictionary<string, long> Reasons { get; } = new(StringComparer.Ordinal);

    /// <summary>Questions about rows that later evidence answered.</summary>
    public int Closed { get; private set; }

    public void Judge()
    {
        foreach (var stored in world.Database.Orders.Values)
            foreach (var question in stored.Row.Questions)
                Count(WhyAsked(stored.Row, stored.Index, question), stored.Index, $"{question.Kind} of {question.Amount} as {question.MoneyReference} on payment {question.Payment} of {stored.Row.Id}");
        foreach (var question in world.Database.Statements.Discrepancies.Values)
            if (question.Resolution is null) Count(WhyAsked(question), -1, $"row {question.Row.RowKey} of {question.Account}, {question.Row.Amount}, {question.Row.Class}: {question.Row.Proposal}");
            else Closed++;
    }

    /// <summary>The reason, from what truly happened at the gateway; null: there is none.</summary>
    string? WhyAsked(Order order, int index, Question question)
    {
        var p = order.Payment(question.Payment)!;
        var gateway = world.Gateways.Single(g => g.Account == p.Account);
        var desk = world.Desks.Single(d => d.Gateway == gateway);
        var links = gateway.AllByReference(new PaymentId(order.Id, p.Number).Reference);
        var captured = links.SelectMany(l => l.Tries).FirstOrDefault(t => (t.CapturedAt is not null || t.TakenBack) && t.Id == question.MoneyReference);
        var lied = question.MoneyReference is { } money && desk.Wrong.Contains(money);
        return question.Kind switch
        {
            DiscrepancyKind.Late or DiscrepancyKind.Duplicate when gateway.Unasked.Exists(r => r.MoneyId == question.MoneyReference) => "somebody gave money back at the gateway before we did",
            DiscrepancyKind.Late or DiscrepancyKind.Duplicate when p.Dispute != DisputeState.None && gateway.Disputes.Any(d => links.Contains(d.Link)) => "a bank wanted money that nobody knew of yet",
            DiscrepancyKind.Late when order.Policy.Late == LatePolicy.Ask => "late money: the order's policy says ask",
            DiscrepancyKind.Duplicate when order.Policy.Duplicate == DuplicatePolicy.Ask => "duplicate money: the order's policy says ask",
            DiscrepancyKind.AmountMismatch when captured is { } other && other.Amount != order.Amount => "the gateway took another amount than the order's",
            DiscrepancyKind.AmountMismatch or DiscrepancyKind.SettledOtherwise or DiscrepancyKind.FeeMismatch or DiscrepancyKind.SettledTwice when lied => "a statement states an amount that the gateway did not take",
            DiscrepancyKind.AmountMismatch or DiscrepancyKind.SettledOtherwise or DiscrepancyKind.FeeMismatch when captured is not null && links.Any(l => l.Tries.Contains(captured) && world.OnlyNewsLied(gateway, l, captured))
                => "news told of an amount that the gateway did not take, and no question tells of that money",
            DiscrepancyKind.NotSettled when desk.Delivered.All(d => d.Said.Kind != SettlementKind.Payment || d.Said.MoneyReference != question.MoneyReference) => "no statement ever had the money",
            DiscrepancyKind.NotSettled when RefundId.TryParseReference(question.MoneyReference, out var refund) && order.Refund(refund.Number) is { Settled: null, Status: RefundStatus.Succeeded } back
                && HasNoRow(desk, back) => "no statement ever had the refund",
            DiscrepancyKind.Contradiction when links.Any(l => l.Tries.Exists(t => t.TakenBack)) => "the gateway took back what it had captured",
            DiscrepancyKind.Contradiction when p.Captures.Any(c => desk.Wrong.Contains(c.MoneyReference)) => "a statement states another amount of money that the gateway speaks against",
            DiscrepancyKind.RefundFailed when order.RefundOf(p.Number, question.MoneyReference!) is { Status: RefundStatus.Failed } latest && !TrulyWent(latest) => "the gateway did not give a refund back",
            DiscrepancyKind.RefundFailed when RefundId.TryParseReference(question.MoneyReference, out var part) && order.Refund(part.Number) is { Status: RefundStatus.Failed, AsksByItself: true } failed && !TrulyWent(failed)
                => "the gateway did not give a refund back",
            DiscrepancyKind.RefundFailed when gateway.Unasked.Exists(r => r.RefundId == question.MoneyReference) && gateway.Returned.Exists(r => r.RefundId == question.MoneyReference)
                => "what somebody gave back at the gateway came back",
            DiscrepancyKind.MixedUp when Struck(Fault.NamedAsAnother) || Struck(Fault.Swapped) => "the gateway spoke of another payment's link",
            DiscrepancyKind.LinkMismatch when links.Any(l => l.Amount != order.Amount) => "the gateway made a link for another amount",
            DiscrepancyKind.LinkMismatch when (Struck(Fault.WrongAmount) || Struck(Fault.LinkForLess)) && links.Any(l => l.IsAlive(world.Time.GetUtcNow())) => "the gateway named another amount for a link that it neither ends nor closes",
            DiscrepancyKind.RefundUnasked when gateway.Unasked.Exists(r => r.RefundId == question.MoneyReference) => "somebody gave money back at the gateway",
            DiscrepancyKind.Reversed when gateway.Unasked.Exists(r => r.MoneyId == question.MoneyReference) => "somebody gave all money back at the gateway",
            DiscrepancyKind.RefundUnasked when gateway.Refunds.Where(r => r.MoneyId == captured?.Id).Sum(r => r.Amount.MinorUnits)
                > order.Refunds.Where(r => r.MoneyReference == captured?.Id && r.Status == RefundStatus.Succeeded).Sum(r => r.Amount.MinorUnits) => "the gateway gave back more than it was asked to",
            _ => null,
        };

        // More of the money is back than by all that is known to have gone and was asked for here: the refund that is called failed went as well. Where a gateway may give back twice
        // what it was asked for twice, that tells nothing.
        bool TrulyWent(Refund failed)
        {
            long Sum(IEnumerable<Money> amounts) => amounts.Where(a => a.Currency == failed.Amount.Currency).Sum(a => a.MinorUnits);
            var unasked = gateway.Unasked.Where(u => u.MoneyId == failed.MoneyReference && !gateway.Returned.Exists(back => back.RefundId == u.RefundId)).Select(u => u.Amount);
            var known = order.Refunds.Where(r => r.Payment == p.Number && r.MoneyReference == failed.MoneyReference && r.Status == RefundStatus.Succeeded).Select(r => r.Amount)
                .Concat(p.OutsideRefunds.Where(o => !o.CameBack && RefundId.TryParseReference(o.RefundReference, out _)).Select(o => o.Amount));
            return gateway.KnowsRefundsByKey
                && Sum(gateway.Refunds.Where(r => r.MoneyId == failed.MoneyReference).Select(r => r.Amount)) - Sum(unasked) >= Sum(known) + failed.Amount.MinorUnits;
        }

        // Rows of refunds of one amount of one money are alike: there is one less than there are refunds.
        bool HasNoRow(Desk from, Refund one) => from.Delivered.Count(d => d.Said.Kind == SettlementKind.Refund && d.Said.MoneyReference == one.MoneyReference && d.Said.Amount == one.Amount)
            < order.Refunds.Count(r => r.MoneyReference == one.MoneyReference && r.Amount == one.Amount && r.Status == RefundStatus.Succeeded);
        bool Struck(Fault fault) => world.Faults.Struck.Exists(f => f.Fault == fault && f.Point.Order == index);
    }

    string? WhyAsked(RowQuestion question) => question.Row.Class switch
    {
        SettlementClass.TheirsPaid when world.Database.Statements.IsKnown(question) => null,
        SettlementClass.TheirsPaid when telling.How(question.Account, world.Database.Statements.Line(question).MoneyReference) is not null => null,
        SettlementClass.TheirsPaid when world.SettlementOptions.TheirsPaid == "ask" => "money that a statement alone tells of: the policy says ask",
        SettlementClass.TheirsPaid when world.SettlementOptions.Confirm.IsExceeded(question.Row.Amount) => "money that a statement alone tells of: above the policy's limit",
        SettlementClass.UnknownOrder when world.Database.Statements.Line(question) is { Kind: SettlementKind.Refund, MoneyReference: { } money } && world.Database.FindMoney(question.Account, money) is null
            => "a statement told of a refund of money that nobody knows",
        SettlementClass.UnknownOrder when world.Database.Statements.Line(question).Kind is SettlementKind.Dispute or SettlementKind.DisputeReturned => "a statement told of a dispute before anybody knew of the money",
        SettlementClass.RefundUnasked when world.Database.Statements.Line(question) is { Kind: SettlementKind.RefundReturned, RefundReference: { } name } && OnlyItsReturnIsStated(question.Account, name)
            => "a statement told that a refund came back, and nobody ever told that it went",
        SettlementClass.DuplicateLine => "a row stands twice in a statement",
        SettlementClass.Changed => "a row came again with other content",
        _ => null,
    };

    /// <summary>Somebody gave it back at the gateway, and the row of that never came.</summary>
    bool OnlyItsReturnIsStated(string account, string refund)
    {
        var desk = world.Desks.Single(d => d.Gateway.Account == account);
        return desk.Gateway.Unasked.Exists(u => u.RefundId == refund) && desk.Gateway.Returned.Exists(back => back.RefundId == refund)
            && desk.Delivered.All(d => d.Said.Kind != SettlementKind.Refund || d.Said.RefundReference != refund);
    }

    void Count(string? why, int order, string what)
    {
        world.Auditor.Count(Rule);
        if (why is null) world.Auditor.Broken(Rule, order, $"nobody needs to be asked of {what}");
        else Reasons[why] = Reasons.GetValueOrDefault(why) + 1;
    }
}
