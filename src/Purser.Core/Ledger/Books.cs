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
        { Type: EventType.PaymentSucceeded or EventType.PaymentLate or EventType.PaymentDuplicate, Amount: { } amount } =>
            Entry(e, [.. Undo(e), (Receivable(e), amount), ("sales", -amount)]),
        { Type: EventType.PaymentAmountMismatch, Amount: { } amount } =>
            Entry(e, [.. Undo(e), (Receivable(e), amount), ("suspense", -amount)]),
        { Type: EventType.DiscrepancyOpened, Discrepancy: DiscrepancyKind.Reversed, Amount: { } amount } =>
            Entry(e, [.. e.Replaces is { } less ? [("refunds", -less), (Receivable(e), less)] : Array.Empty<(string, Money)>(),
                ("refunds", amount), (Receivable(e), -amount)]),
        { Type: EventType.DisputeOpened, Amount: { } amount } =>
            Entry(e, [("disputes", amount), (Receivable(e), -amount)]),
        // A dispute may be told of only when it is over; what was booked at its opening, if anything, is in Replaces.
        { Type: EventType.DisputeClosed, Amount: { } amount, Reason: PaymentMachine.Lost, Replaces: null } =>
            Entry(e, [("disputes", amount), (Receivable(e), -amount)]),
        { Type: EventType.DisputeClosed, Reason: PaymentMachine.Won, Replaces: { } booked } =>
            Entry(e, [("disputes", -booked), (Receivable(e), booked)]),
        _ => [],
    };

    /// <summary>An amount that turned out to be another was booked to suspense before.</summary>
    static (string, Money)[] Undo(OrderEvent e) =>
        e.Replaces is { } wrong ? [(Receivable(e), -wrong), ("suspense", wrong)] : [];

    static string Receivable(OrderEvent e) => $"receivable:{e.Account}";

    static ImmutableArray<Posting> Entry(OrderEvent e, (string Account, Money Amount)[] sides) =>
        [.. sides.Select((side, line) => new Posting(e.Order, e.Sequence, line + 1, side.Account, side.Amount))];
}
