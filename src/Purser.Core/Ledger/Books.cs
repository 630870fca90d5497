using System.Collections.Immutable;
using Purser.Orders;
using Purser.Payments;

namespace Purser.Ledger;

/// <summary>What each event means for the books. Money taken is owed to us by the gateway account (<c>receivable:</c>) until it is paid
/// out; money that is not the order's amount waits in <c>suspense</c>.</summary>
public static class Books
{
    public static ImmutableArray<Posting> Of(OrderEvent e) => e switch
    {
        { Type: EventType.PaymentSucceeded or EventType.PaymentLate or EventType.PaymentDuplicate or EventType.PaymentAmountMismatch, Amount: { } amount } =>
            Entry(e, e.Settled is null && e.GivenBack is null ? [.. Taking(e, amount)] : Sums([.. Taking(e, amount), .. Resettling(e, amount), .. Giving(e)])),
        // The gateway told of the money, and then that it never came.
        { Type: EventType.PaymentFailed, MoneyReference: not null, Amount: { } amount } => Entry(e, [("sales", amount), (Receivable(e), -amount)]),
        { Type: EventType.DiscrepancyOpened, Discrepancy: DiscrepancyKind.Reversed, By: null, Amount: { } amount } =>
            Entry(e, [.. e.Replaces is { } less ? [("refunds", -less), (Receivable(e), less)] : Array.Empty<(string, Money)>(),
                ("refunds", amount), (Receivable(e), -amount)]),
        // It was no reversal but a refund of ours; what had gone back came back.
        { Type: EventType.DiscrepancyResolved, Discrepancy: DiscrepancyKind.Reversed or DiscrepancyKind.RefundUnasked, Replaces: { } back } =>
            Entry(e, [("refunds", -back), (Receivable(e), back)]),
        // A person's answer clears suspense, and is taken back.
        { Type: EventType.DiscrepancyResolved, By: not null, Replaces: { } waits } =>
            Entry(e, [("suspense", -waits), (Answers(e), waits)]),
        { Type: EventType.DiscrepancyOpened, By: not null, Discrepancy: not DiscrepancyKind.Reversed, Replaces: { } waits } => Entry(e, [(Answers(e), -waits), ("suspense", waits)]),
        { Type: EventType.DisputeOpened, Amount: { } amount } =>
            Entry(e, [.. e.Replaces is { } other ? [("disputes", -other), (Receivable(e), other)] : Array.Empty<(string, Money)>(),
                ("disputes", amount), (Receivable(e), -amount)]),
        // Told before disputes had names: of one that was never opened, and of what its opening had booked.
        { Type: EventType.DisputeClosed, MoneyReference: null, Amount: { } amount, Reason: PaymentMachine.Lost, Replaces: null } =>
            Entry(e, [("disputes", amount), (Receivable(e), -amount)]),
        { Type: EventType.DisputeClosed, MoneyReference: null } => e is { Reason: PaymentMachine.Won, Replaces: { } opened } ? Entry(e, [("disputes", -opened), (Receivable(e), opened)]) : [],
        { Type: EventType.DisputeClosed, Amount: { } amount, Reason: PaymentMachine.Won } =>
            Entry(e, [.. e.Replaces is { } other ? [("disputes", other), (Receivable(e), -other)] : Array.Empty<(string, Money)>(),
                ("disputes", -amount), (Receivable(e), amount)]),
        // Lost after it was won: what had come back is gone again.
        { Type: EventType.DisputeClosed, Reason: PaymentMachine.Lost, Replaces: { } back } =>
            Entry(e, [("disputes", back), (Receivable(e), -back)]),
        // What others gave back of money of a wrong amount, the rest of which is to go back, was never a sale either.
        { Type: EventType.RefundRequested, GivenBack: { } others } => Entry(e, [("suspense", others), ("refunds", -others)]),
        { Type: EventType.RefundSucceeded, Amount: { } amount } => Entry(e, [(Against(e), amount), (Receivable(e), -amount)]),
        // What had gone back came back.
        { Type: EventType.RefundFailed, Replaces: { } back } => Entry(e, [(Against(e), -back), (Receivable(e), back)]),
        // A question that a person opens again was booked when it was first asked.
        { Type: EventType.DiscrepancyOpened, Discrepancy: DiscrepancyKind.RefundUnasked, By: null, Amount: { } amount } =>
            Entry(e, [("refunds", amount), (Receivable(e), -amount)]),
        { Type: EventType.DiscrepancyOpened, Discrepancy: DiscrepancyKind.SettledTwice, By: null, Settled: { } row } =>
            Entry(e, [(e.PaidOut ? "bank" : Receivable(e), row.Net), ("suspense", -row.Net)]),
        // It was booked of another amount before; what of it is exchanged stays so, and nothing of that waits.
        { Type: EventType.SettlementMatched, Amount: { } booked, Replaces: { } before, Reason: OrderEvent.Returned } => Entry(e, [(Receivable(e), before - booked), ("exchange", booked - before)]),
        // What the refund gave back by our books is what the row says; the rest of the row posts by itself.
        { Type: EventType.SettlementMatched, Settled: { } row, Amount: { } booked, Reason: OrderEvent.Returned } => Entry(e, [.. Stating(e, row.Amount, booked)]),
        // It was booked so of a refund that the gateway made, and is one of ours.
        { Type: EventType.SettlementMatched, Settled: { } row, Amount: { } booked, Reason: OrderEvent.OursReturned } => Entry(e, [.. Stating(e, booked, row.Amount)]),
        { Type: EventType.SettlementMatched, Settled: { } row, Amount: { } booked, Reason: OrderEvent.Ours } => Entry(e, Sums(Settling(e, row, -booked).Select(side => (side.Item1, -side.Item2)))),
        { Type: EventType.SettlementMatched, Settled: { } row, Amount: { } booked } =>
            Entry(e, [.. Settling(e, row, e.Refund is null && e.Discrepancy is null ? booked : -booked)]),
        _ => [],
    };

    /// <summary>What the gateway owes for the money by our books becomes what its statement says: less what it keeps, and paid out where the row
    /// says so. What it keeps and does not name is its fee; an amount that is not ours waits in suspense.</summary>
    /// <param name="booked">Positive for money that came, negative for money that went back.</param>
    static IEnumerable<(string, Money)> Settling(OrderEvent e, Settled row, Money booked)
    {
        var stated = booked.MinorUnits < 0 ? -row.Amount : row.Amount;
        if (stated.Currency != booked.Currency)
        {
            yield return (Receivable(e), -booked);
            yield return ("exchange", booked);
        }
        else foreach (var side in Stating(e, stated, booked)) yield return side;
        // A row may state the shopper's amount in one currency and settle in another.
        var crosses = row.Net.Currency != stated.Currency || stated.Currency != booked.Currency;
        var tax = row.Tax is { } told && told.Currency == row.Net.Currency ? told : Money.Zero(row.Net.Currency);
        Money kept;
        if (crosses)
        {
            if (stated.Currency == booked.Currency)
            {
                yield return (Receivable(e), -stated);
                yield return ("exchange", stated);
            }
            var fee = row.Fee is { } named && named.Currency == row.Net.Currency ? named : Money.Zero(row.Net.Currency);
            kept = fee + tax;
            yield return (Receivable(e), row.Net + kept);
            yield return ("exchange", -(row.Net + kept));
        }
        else kept = stated - row.Net;
        if (kept.MinorUnits != 0 || tax.MinorUnits != 0)
        {
            yield return ("fees", kept - tax);
            if (tax.MinorUnits != 0) yield return ("fee_tax", tax);
            yield return (Receivable(e), -kept);
        }
        if (!e.PaidOut) yield break;
        yield return ("bank", row.Net);
        yield return (Receivable(e), -row.Net);
    }

    /// <summary>What is owed by our books becomes what is stated: exchanged where the currencies differ, else the rest waits in suspense.</summary>
    static IEnumerable<(string, Money)> Stating(OrderEvent e, Money stated, Money booked)
    {
        if (stated == booked) return [];
        return stated.Currency == booked.Currency
            ? [(Receivable(e), stated - booked), ("suspense", booked - stated)]
            : [(Receivable(e), -booked), ("exchange", booked), (Receivable(e), stated), ("exchange", -stated)];
    }

    /// <summary>Money of a wrong amount was never a sale; it goes back out of suspense.</summary>
    static string Against(OrderEvent e) => e.Discrepancy is DiscrepancyKind.AmountMismatch ? "suspense" : "refunds";

    /// <summary>Money that is kept after all is income; what statements say too much or too little of it is the gateway's, like its corrections.</summary>
    static string Answers(OrderEvent e) => e.Discrepancy is DiscrepancyKind.SettledOtherwise or DiscrepancyKind.SettledTwice ? "fees" : "sales";

    /// <summary>An amount that turned out to be another was booked to suspense before.</summary>
    static IEnumerable<(string, Money)> Taking(OrderEvent e, Money amount)
    {
        if (e.Replaces is { } wrong)
        {
            yield return (Receivable(e), -wrong);
            yield return ("suspense", wrong);
        }
        yield return (Receivable(e), amount);
        yield return (e.Type == EventType.PaymentAmountMismatch ? "suspense" : "sales", -amount);
    }

    /// <summary>A statement settled the money under its wrong amount: the same row settles the other.</summary>
    static IEnumerable<(string, Money)> Resettling(OrderEvent e, Money amount) => e is { Replaces: { } wrong, Settled: { } row }
        ? [.. Settling(e, row, wrong).Select(side => (side.Item1, -side.Item2)), .. Settling(e, row, amount)]
        : [];

    /// <summary>What went back of the wrong amount went back out of suspense.</summary>
    static IEnumerable<(string, Money)> Giving(OrderEvent e) => e.GivenBack is { } back ? [("refunds", back), ("suspense", -back)] : [];

    /// <summary>One side of each account and currency, where that is not zero.</summary>
    static (string, Money)[] Sums(IEnumerable<(string Account, Money Amount)> sides) => [.. sides.GroupBy(s => (s.Account, s.Amount.Currency))
        .Select(of => (of.Key.Account, Sum: of.Select(s => s.Amount).Aggregate((sum, one) => sum + one))).Where(s => s.Sum.MinorUnits != 0)];

    static string Receivable(OrderEvent e) => $"receivable:{e.Account}";

    static ImmutableArray<Posting> Entry(OrderEvent e, (string Account, Money Amount)[] sides) =>
        [.. sides.Select((side, line) => new Posting(e.Order, e.Sequence, line + 1, side.Account, side.Amount))];
}
