using Purser.Orders;
using Purser.Payments;

namespace Purser.Refunds;

/// <summary>What an order's events tell of its refunds beyond <see cref="OrderSummary"/>: what the gateway gave back unasked, which refunds it refused, and all that statements'
/// rows said of them. Pure; the row and its events say the same, or one of them is corrupt.</summary>
public static class OutsideHistory
{
    /// <summary>Why a question about money that went back unasked is closed when it came back.</summary>
    internal const string Failed = "failed";

    /// <summary>Money went back unasked and came back, and its failing was told first: no question was ever open. Or it was here again when it turned out to be a refund of ours.</summary>
    internal static bool IsBackBeforeItWent(OrderEvent e) =>
        e is { Type: EventType.DiscrepancyResolved, Discrepancy: DiscrepancyKind.RefundUnasked, By: null, Replaces: null, Reason: Failed or OrderEvent.Ours };

    /// <summary>The first payment or refund of the row of which its events say otherwise, by its id, and how; null when there is none.</summary>
    public static (string Row, string What)? Differs(Order row, IReadOnlyList<OrderEvent> events)
    {
        foreach (var p in row.Payments)
            if (Outside(row, p, events) is { } what) return (new PaymentId(row.Id, p.Number).ToString(), what);
        foreach (var r in row.Refunds)
        {
            // A later word of the gateway may take the mark away without an event, and never sets it.
            if (r.Rejected && (r.Status != RefundStatus.Failed || events.LastOrDefault(e => e.Refund == r.Number && e.Type is EventType.RefundFailed or EventType.RefundSucceeded)
                is not { Type: EventType.RefundFailed, Source: EvidenceSource.Reply, Replaces: null }))
                return (new RefundId(row.Id, r.Number).ToString(), "it is marked as refused when it was asked for, and its events do not say so.");
            if (Stated(r, events) is { } otherwise) return (new RefundId(row.Id, r.Number).ToString(), otherwise);
        }
        return null;
    }

    /// <summary>All that the rows say, and not only which they are.</summary>
    static string? Stated(Refund r, IReadOnlyList<OrderEvent> events)
    {
        Settled? Told(bool returned) => events.LastOrDefault(e => e.Type == EventType.SettlementMatched && e.Refund == r.Number && e.Reason == OrderEvent.Returned == returned)?.Settled;
        if (Told(returned: false) is var went && r.Settled != went) return $"it is settled as {Say(r.Settled)}, and its events say {Say(went)}.";
        // A row of its coming back that says what we asked for is told by nothing.
        return Told(returned: true) is var came && r.Returned != came && (came is not null || r.Returned!.Amount != r.Amount)
            ? $"it came back as {Say(r.Returned)}, and its events say {Say(came)}." : null;

        static string Say(Settled? row) => row?.ToString() ?? "nothing";
    }

    static string? Outside(Order row, Payment p, IReadOnlyList<OrderEvent> events)
    {
        var told = new Dictionary<string, OutsideRefund>();
        foreach (var e in events)
        {
            if (e is not { Discrepancy: DiscrepancyKind.RefundUnasked, By: null, MoneyReference: { } name, Amount: { } amount } || e.Payment != p.Number) continue;
            // Its failing may have been heard first, which older programs did not tell.
            var known = told.GetValueOrDefault(name);
            var back = known ?? new OutsideRefund(name, amount) { CameBack = true };
            // It is one of ours; of its rows that is told before.
            if (e is { Type: EventType.DiscrepancyResolved, Reason: OrderEvent.Ours }) told.Remove(name);
            else if (e.Reason is OrderEvent.Ours or OrderEvent.OursReturned) continue;
            else if (e.Type == EventType.DiscrepancyOpened) told[name] = (known ?? new OutsideRefund(name, amount)) with { Amount = amount };
            else if (e is { Type: EventType.SettlementMatched, Reason: OrderEvent.Returned, Settled: { } came }) told[name] = back with { Amount = amount, Returned = came };
            else if (e is { Type: EventType.SettlementMatched, Settled: { } settled }) told[name] = back with { Amount = amount, RowKey = settled.RowKey, Settled = settled };
            else if (e is { Type: EventType.DiscrepancyResolved, Reason: Failed }) told[name] = back with { Amount = amount, CameBack = true };
        }
        // Of what may be ours nothing is told yet; once no refund of ours is waited for that it may be, it is.
        if (p.OutsideRefunds.FirstOrDefault(o => o.MayBeOurs && !OutsideMachine.MayBeOneOf(row, p, o)) is { } nobodys)
            return $"it has {Say(nobodys)}, which may be a refund of ours, and none waits for its answer that it may be.";
        foreach (var one in p.OutsideRefunds.Where(o => !o.MayBeOurs))
            if (told.Remove(one.RefundReference, out var said))
            {
                // A row of its coming back that says the same amount is told by nothing else.
                var returned = said.Returned?.RowKey ?? (one.Returned?.Amount == one.Amount ? one.Returned.RowKey : null);
                // Where its failing was told first, a node of an older program adds what went, and tells no event of that.
                if (said is { CameBack: true, RowKey: null, Amount.MinorUnits: 0 } && one is { CameBack: true, RowKey: null }) continue;
                if ((one.Amount, one.RowKey, one.CameBack, one.Returned?.RowKey) != (said.Amount, said.RowKey, said.CameBack, returned))
                    return $"of what went back unasked it has {Say(one)}, and its events say {Say(said)}.";
                // An older program kept no more of a row than its name.
                if (one.Settled is not null && one.Settled != said.Settled) return $"of what went back unasked it has {one.Settled} in its row, and its events say {said.Settled}.";
            }
            else if (one is not { CameBack: true, RowKey: null }) return $"it has {Say(one)}, which went back unasked, and no event tells of it.";
        return told.Values.FirstOrDefault() is { } missing ? $"its events tell of {Say(missing)}, which went back unasked, and it does not have that." : null;
    }

    static string Say(OutsideRefund o) => $"{o.Amount} as {o.RefundReference}{(o.RowKey is { } key ? $" in row {key}" : "")}{(o.CameBack ? " that came back" : "")}{(o.Returned is { } back ? $" in row {back.RowKey}" : "")}";
}
