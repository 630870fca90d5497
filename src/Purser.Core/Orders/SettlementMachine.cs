using Purser.Payments;

namespace Purser.Orders;

/// <summary>What rows of a gateway's statement make of captured money. Total and pure like <see cref="OrderMachine"/>, of which it is a part.
/// A row is kept once with its money; whatever disagrees becomes a question and moves nothing.</summary>
static class SettlementMachine
{
    public static void Settle(Draft draft, Payment p, Evidence.Settled e)
    {
        if (p.Captures.FirstOrDefault(c => c.MoneyReference == e.MoneyReference) is not { } money) return;
        if (money.Settled is { } row)
        {
            if (row == e.Row) return;
            Doubt(draft, p.Number, money, row.RowKey == e.Row.RowKey ? DiscrepancyKind.SettledOtherwise : DiscrepancyKind.SettledTwice, e, e.Row, e.PaidOut);
            return;
        }
        var missed = money.IsDoubted(DiscrepancyKind.NotSettled);
        money = money.Trust(DiscrepancyKind.NotSettled) with { Settled = e.Row };
        draft.Change(p with { Captures = p.Captures.Replace(Known(p, e.MoneyReference), money) });
        draft.Tell(EventType.SettlementMatched, p.Number, e, money.Amount, money: money.MoneyReference, settled: e.Row, paidOut: e.PaidOut);
        if (missed) OrderMachine.Resolve(draft, p.Number, DiscrepancyKind.NotSettled, e, money.Amount, "settled", money.MoneyReference);
        // A gateway that pays money out has it, whatever its answer to a question was; a second success answers nothing.
        if (money.Standing is Standing.Accepted or Standing.Late && e.Row.Amount == p.Amount && money.Amount == p.Amount && p.Discrepancy is DiscrepancyKind.Contradiction)
            MoneyMachine.Reconcile(draft, draft.Order.Payment(p.Number)!, e, "settled");
        if (e.Row.Amount != money.Amount) Doubt(draft, p.Number, money, DiscrepancyKind.SettledOtherwise, e, e.Row);
        if (money.Expected?.IsExceeded(e.Row.Amount, e.Row.Net, e.Row.Tax) is true) Doubt(draft, p.Number, Known(draft.Order.Payment(p.Number)!, e.MoneyReference), DiscrepancyKind.FeeMismatch, e, e.Row);
    }

    /// <summary>Holds fulfilment and asks the gateway; gives nothing back by itself.</summary>
    public static void Miss(Draft draft, Payment p, Evidence.Unsettled e)
    {
        if (p.Captures.FirstOrDefault(c => c.MoneyReference == e.MoneyReference) is not { Settled: null } money) return;
        if (money.IsDoubted(DiscrepancyKind.NotSettled)) return;
        Doubt(draft, p.Number, money, DiscrepancyKind.NotSettled, e, row: null, why: e.Why);
        OrderMachine.Ask(draft, p.Number);
    }

    static void Doubt(
        Draft draft, int number, Capture money, DiscrepancyKind kind, Evidence because, Settled? row, bool paidOut = false, string? why = null)
    {
        if (money.IsDoubted(kind)) return;
        var p = draft.Order.Payment(number)!;
        draft.Change(p with { Captures = p.Captures.Replace(Known(p, money.MoneyReference), money.Doubt(kind)) });
        draft.Tell(EventType.DiscrepancyOpened, number, because, money.Amount, money: money.MoneyReference, discrepancy: kind, reason: why,
            settled: row, paidOut: paidOut);
    }

    static Capture Known(Payment p, string moneyReference) => p.Captures.First(c => c.MoneyReference == moneyReference);
}
