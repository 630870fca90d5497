using Purser.Payments;

namespace Purser.Orders;

/// <summary>What rows of a gateway's statement make of captured money. Total and pure like <see cref="OrderMachine"/>, of which it is a part.
/// A row is kept once with its money; whatever disagrees becomes a question and moves nothing.</summary>
static class SettlementMachine
{
    /// <returns>False for money that is not known: whoever brought the row must keep it.</returns>
    public static bool Settle(Draft draft, Payment p, Evidence.Settled e)
    {
        if (p.Captures.FirstOrDefault(c => c.MoneyReference == e.MoneyReference) is not { } money) return false;
        if (money.Settled is { } row)
        {
            if (row != e.Row && !money.OtherRows.Contains(e.Row)) Differ(draft, p, money, row, e);
            return true;
        }
        var missed = money.IsDoubted(DiscrepancyKind.NotSettled);
        money = money.Trust(DiscrepancyKind.NotSettled) with { Settled = e.Row };
        draft.Change(p with { Captures = p.Captures.Replace(Known(p, e.MoneyReference), money) });
        draft.Tell(EventType.SettlementMatched, p.Number, e, money.Amount, money: money.MoneyReference, settled: e.Row, paidOut: e.PaidOut);
        if (missed) OrderMachine.Resolve(draft, p.Number, DiscrepancyKind.NotSettled, e, money.Amount, "settled", money.MoneyReference);
        // A gateway that pays money out has it, whatever its answer to a question was; a second success answers nothing.
        if (money.IsConfirmed(p.Status == PaymentStatus.Held ? money.Amount : p.Amount) && (p.Contradicted || p.Discrepancy is DiscrepancyKind.Contradiction))
            MoneyMachine.Reconcile(draft, draft.Order.Payment(p.Number)!, e, "settled");
        if (e.Row.Amount != money.Amount) Doubt(draft, p.Number, money, DiscrepancyKind.SettledOtherwise, e, e.Row);
        if (!e.Row.AddsUp || money.Expected?.IsExceeded(e.Row.Amount, e.Row.Net, e.Row.Tax) is true) Doubt(draft, p.Number, Known(draft.Order.Payment(p.Number)!, e.MoneyReference), DiscrepancyKind.FeeMismatch, e, e.Row);
        return true;
    }

    /// <summary>Another row of settled money, or the same in other words: each is kept, so that it is posted once and asked about once.</summary>
    static void Differ(Draft draft, Payment p, Capture money, Settled first, Evidence.Settled e)
    {
        var kind = first.RowKey == e.Row.RowKey || money.OtherRows.Any(o => o.RowKey == e.Row.RowKey) ? DiscrepancyKind.SettledOtherwise : DiscrepancyKind.SettledTwice;
        // An older program kept of a second row only that there was one: this may be it, so it is asked about and not posted.
        var posted = kind == DiscrepancyKind.SettledTwice && money.IsDoubted(kind) && money.OtherRows.IsEmpty;
        var kept = money with { OtherRows = money.OtherRows.Add(e.Row) };
        draft.Change(p with { Captures = p.Captures.Replace(money, kept) });
        Doubt(draft, p.Number, kept, kind, e, posted ? null : e.Row, e.PaidOut, posted ? Perhaps(e.Row.RowKey) : null);
    }

    /// <summary>Why a further row is asked about and told of without what it says.</summary>
    public static string Perhaps(string rowKey) => $"row {rowKey}, which may be the one that was asked about before";

    /// <summary>Holds fulfilment and asks the gateway; gives nothing back by itself.</summary>
    public static void Miss(Draft draft, Payment p, Evidence.Unsettled e)
    {
        if (p.Captures.FirstOrDefault(c => c.MoneyReference == e.MoneyReference) is not { Settled: null } money) return;
        if (money.IsDoubted(DiscrepancyKind.NotSettled)) return;
        Doubt(draft, p.Number, money, DiscrepancyKind.NotSettled, e, row: null, why: e.Why);
        // What was said against the money before does not count for it: the gateway is asked anew.
        draft.Change(draft.Order.Payment(p.Number)! with { Contradicted = false });
        OrderMachine.Ask(draft, p.Number);
    }

    /// <summary>The money that pays the order, which no statement has, and which nothing else but its gateway's own word speaks for: if that denies it, too,
    /// the order's policy acts. Null: a person decides.</summary>
    static Capture? Deniable(Order order, Payment p) =>
        order is { Status: OrderStatus.Paid, FulfilledAt: null, Policy.Failed: FailedPolicy.Cancel } && order.PaidBy == p.Number
        && p is { Captures: [{ Standing: Standing.Accepted, Settled: null } money], Reversals: [], OutsideRefunds: [], Dispute: DisputeState.None }
        && money.IsDoubted(DiscrepancyKind.NotSettled) && !p.Answers.Contains(new Answered(DiscrepancyKind.NotSettled, money.MoneyReference))
        && !order.Refunds.Any(r => r.Payment == p.Number) ? money : null;

    /// <summary>Asked about money that no statement has, the gateway says that the payment failed. Said twice, the second time to a question that was sent
    /// after the first answer, it counts: the money leaves the books and the order is cancelled. Nothing is given back, for nothing came.</summary>
    /// <returns>False when this is not such money.</returns>
    public static bool Deny(Draft draft, Payment p, Evidence.Failed e)
    {
        if (e.Source != EvidenceSource.Inquiry || Deniable(draft.Order, p) is not { } money) return false;
        if (!p.Contradicted)
        {
            draft.Change(p with { Contradicted = true });
            OrderMachine.Ask(draft, p.Number);
            return true;
        }
        var contradiction = p.Discrepancy is DiscrepancyKind.Contradiction;
        draft.Change(p with
        {
            Status = PaymentStatus.Failed, Reason = e.Reason, Captures = [], Denied = p.Denied.Add(new Denial(money.MoneyReference, e.At)),
            Contradicted = false, Discrepancy = contradiction ? null : p.Discrepancy,
        });
        draft.Tell(EventType.PaymentFailed, p.Number, e, money.Amount, money: money.MoneyReference, reason: e.Reason);
        if (contradiction) OrderMachine.Resolve(draft, p.Number, DiscrepancyKind.Contradiction, e, p.Amount, "failed");
        OrderMachine.Resolve(draft, p.Number, DiscrepancyKind.NotSettled, e, money.Amount, Cancelled, money.MoneyReference);
        draft.Order = draft.Order with { Status = OrderStatus.Cancelled, Late = false, PaidBy = null, EndedAt = draft.Now };
        draft.Tell(EventType.OrderCancelled, p.Number, e, draft.Order.Amount, reason: $"{p.Account} told of the money and denied it afterwards ({e.Reason})");
        return true;
    }

    /// <summary>How the question is resolved: by the order's policy.</summary>
    public const string Cancelled = "failed_payment: cancel";

    static void Doubt(
        Draft draft, int number, Capture money, DiscrepancyKind kind, Evidence because, Settled? row, bool paidOut = false, string? why = null)
    {
        // What is asked already, or was answered, is asked anew: it was about less than this.
        var answered = draft.Drop(new Answered(kind, money.MoneyReference), number);
        if (money.IsDoubted(kind) && !answered)
            draft.Tell(EventType.DiscrepancyResolved, number, because, money.Amount, money: money.MoneyReference, discrepancy: kind, reason: "replaced");
        var p = draft.Order.Payment(number)!;
        draft.Change(p with { Captures = p.Captures.Replace(Known(p, money.MoneyReference), money.Doubt(kind)) });
        draft.Tell(EventType.DiscrepancyOpened, number, because, money.Amount, money: money.MoneyReference, discrepancy: kind, reason: why,
            settled: row, paidOut: paidOut);
    }

    static Capture Known(Payment p, string moneyReference) => p.Captures.First(c => c.MoneyReference == moneyReference);
}
