using System.Collections.Immutable;
using Purser.Payments;

namespace Purser.Orders;

/// <summary>What persons' answers took out of suspense, as an order's events tell: each moves an amount when it is given, and back when it is taken back. Pure; the row and its
/// events say the same, or one of them is corrupt.</summary>
public static class AnswerHistory
{
    /// <summary>The first payment of the row of which its events say otherwise, by its id, and how; null when there is none.</summary>
    public static (string Row, string What)? Differs(Order row, IReadOnlyList<OrderEvent> events)
    {
        var told = new Dictionary<(int Payment, DiscrepancyKind Kind, string? Money, Currency Currency), long>();
        foreach (var e in events)
        {
            // Without a person it tells of a reversal, or of money that went back unasked.
            if (e is not { By: not null, Payment: { } payment, Discrepancy: { } kind, Replaces: { } moves, Type: EventType.DiscrepancyResolved or EventType.DiscrepancyOpened }) continue;
            var key = (payment, kind, e.MoneyReference, moves.Currency);
            told[key] = told.GetValueOrDefault(key) + (e.Type == EventType.DiscrepancyResolved ? moves.MinorUnits : -moves.MinorUnits);
        }
        foreach (var p in row.Payments)
            foreach (var answer in p.Answers)
            {
                var said = told.Keys.Where(k => (k.Payment, k.Kind, k.Money) == (p.Number, answer.Kind, answer.MoneyReference)).ToList();
                var moved = said.Where(k => told[k] != 0).Select(k => new Money(told[k], k.Currency)).ToImmutableArray();
                if (!Sorted(answer.Moved).SequenceEqual(Sorted(moved)))
                    return (new PaymentId(row.Id, p.Number).ToString(), $"the answer about {Name(answer.Kind, answer.MoneyReference)} took {Say(answer.Moved)} out of suspense, and its events say {Say(moved)}.");
                foreach (var k in said) told.Remove(k);
            }
        return told.Where(t => t.Value != 0).OrderBy(t => t.Key.Payment).Select(t => ((string, string)?)(new PaymentId(row.Id, t.Key.Payment).ToString(),
            $"its events tell that the answer about {Name(t.Key.Kind, t.Key.Money)} took {new Money(t.Value, t.Key.Currency)} out of suspense, and it has no such answer.")).FirstOrDefault();
    }

    static IEnumerable<Money> Sorted(ImmutableArray<Money> moved) => moved.OrderBy(m => m.Currency.Code, StringComparer.Ordinal);

    static string Say(ImmutableArray<Money> moved) => moved.IsEmpty ? "nothing" : string.Join(" and ", Sorted(moved));

    static string Name(DiscrepancyKind kind, string? money) => $"{EventNames.Snake(kind.ToString()).Replace('_', ' ')}{(money is null ? "" : $" of {money}")}";
}
