using System.Collections.Immutable;
using Purser.Payments;

namespace Purser.Orders;

/// <summary>What an order's events tell of captured money beyond <see cref="OrderSummary"/>: further rows of statements about it, what of it others gave back before the rest was to go, and what
/// will come of it by its gateway's contract. Pure; the row and its events say the same, or one of them is corrupt.</summary>
public static class CaptureHistory
{
    /// <summary>What is told of money of which no contract says anything; an older program told nothing at all.</summary>
    public static readonly Expected Nothing = new(null, null, null);

    /// <summary>The first payment of the row of which its events say otherwise, by its id, and how; null when there is none.</summary>
    public static (string Row, string What)? Differs(Order row, IReadOnlyList<OrderEvent> events)
    {
        foreach (var p in row.Payments)
            foreach (var c in p.Captures)
                if (Differs(c, [.. events.Where(e => e.Payment == p.Number && e.MoneyReference == c.MoneyReference)]) is { } what)
                    return (new PaymentId(row.Id, p.Number).ToString(), $"it has {c.Amount} as {c.MoneyReference}, {what}");
        return null;
    }

    static string? Differs(Capture c, List<OrderEvent> events)
    {
        var latest = events.FindLastIndex(e => e.Type is EventType.PaymentSucceeded or EventType.PaymentLate or EventType.PaymentDuplicate or EventType.PaymentAmountMismatch);
        // That the events have no such money is said elsewhere.
        if (latest < 0) return null;
        var expected = events[latest].Expected;
        if (expected is not null && expected != (c.Expected ?? Nothing)) return $"of which {Say(c.Expected)} is expected, and its event says {Say(expected)}.";

        var cleared = events.Skip(latest).Where(e => e is { Type: EventType.RefundRequested, GivenBack: not null }).Sum(e => e.GivenBack!.Value.MinorUnits);
        if ((c.Cleared?.MinorUnits ?? 0) != cleared) return $"of which others gave back {c.Cleared?.ToString() ?? "nothing"}, and its events say {new Money(cleared, c.Amount.Currency)}.";

        var opened = events.FindAll(e => e is { Type: EventType.DiscrepancyOpened, Refund: null, By: null, Discrepancy: DiscrepancyKind.SettledTwice or DiscrepancyKind.SettledOtherwise });
        var told = opened.Select(e => e.Settled).OfType<Settled>().Where(s => s != c.Settled).Distinct().ToList();
        foreach (var other in c.OtherRows)
            // Where an older program had asked before, it is told by its name alone.
            if (!told.Remove(other) && !opened.Exists(e => e.Settled is null && e.Reason == SettlementMachine.Perhaps(other.RowKey))) return $"and beside its row {other}, of which no event tells.";
        // An older program did not keep the first such row.
        return told.Count > (expected is null ? 1 : 0) ? $"and its events tell of {told[^1]} beside its row, which it does not have." : null;
    }

    static string Say(Expected? expected) => expected is null || expected == Nothing ? "nothing"
        : $"a fee of {expected.Fee?.ToString() ?? "any sum"} with {expected.Tax?.ToString() ?? "any"} tax by {expected.DueOn?.ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture) ?? "any day"}";
}
