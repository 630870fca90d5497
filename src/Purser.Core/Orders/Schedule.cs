using Purser.Payments;
using static Purser.Payments.PaymentStatus;

namespace Purser.Orders;

/// <summary>When an order next needs attention. A function of the order alone: whoever saves an order cannot forget its alarm.</summary>
static class Schedule
{
    /// <summary>A link that should be closed is asked about every minute this long after the order's end, then hourly, and ever less often:
    /// some gateways have links that never end, and every order that nobody pays leaves one.</summary>
    static readonly TimeSpan Closely = TimeSpan.FromMinutes(10);
    static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    /// <summary>Before a question that never left us is asked again: this, then twice, four times.</summary>
    static readonly TimeSpan NotSentDelay = TimeSpan.FromSeconds(1);

    public static DateTimeOffset? Wake(Order order, OrderRules rules)
    {
        DateTimeOffset? wake = order.Status != OrderStatus.AwaitingPayment ? null
            : order.ClosingAt is { } closing ? closing + rules.ClosingGrace : order.ExpiresAt;
        foreach (var p in order.Payments)
            if (p.LookAt < wake || wake is null) wake = p.LookAt ?? wake;
        foreach (var r in order.Refunds)
            if (r.LookAt < wake || wake is null) wake = r.LookAt ?? wake;
        return wake;
    }

    public static DateTimeOffset? NextLook(Order order, Payment p, OrderRules rules)
    {
        var due = Due(order, p, rules);
        // Asked for because of something that happened, and not answered yet. A link that we know is not there is asked for first.
        // About what is over an account that never answers is not asked for ever.
        if (p.HeardAt is { } heard && !OrderMachine.AsksForLink(order, p, rules) && Lingering(p.LookedAt, heard, rules) is var next && (p.IsOpen || next < heard + rules.MissingFor))
            due = Earlier(due, next);
        // Somebody wanted a look a moment after the last one; nothing but a look answers that.
        var wanted = p.Status != Succeeded && p.LookAt is { } at && at == p.LookedAt + rules.AskAgainAfter;
        return wanted && !(due < p.LookAt) ? p.LookAt : due;
    }

    static DateTimeOffset? Due(Order order, Payment p, OrderRules rules) => p.Status switch
    {
        Succeeded when p.AwaitsSecondWord => Doubted(p, p.LookedAt ?? p.StartedAt, rules),
        // Said once against money that no statement has.
        Succeeded when p.Contradicted && Misses(order, p) is not null => Doubted(p, p.LookedAt ?? p.StartedAt, rules),
        Succeeded when Misses(order, p) is { } money => (p.LookedAt ?? p.StartedAt) + rules.MissingEvery is var next && next < money.At + rules.MissingFor ? next : null,
        // It may have been the answers that were wrong: a later one closes the question.
        Succeeded when p.Discrepancy is DiscrepancyKind.Contradiction => Watch(order, p, rules),
        // A wrong amount may have been a garbled answer. It keeps the shopper waiting, so it is asked about until it is told right or the order ends.
        Held when !order.HasEnded => (p.LookedAt ?? p.StartedAt) + rules.PendingEvery,
        Held when p.AwaitsSecondWord => Doubted(p, p.LookedAt ?? p.StartedAt, rules),
        Succeeded or Held when p.Captures.Any(c => c.Standing == Standing.Mismatched) => Watch(order, p, rules),
        Succeeded => null,
        Starting or Unresolved when OrderMachine.AsksForLink(order, p, rules) => p.AskedAt + NotSentDelay * (1 << Math.Min(p.Asks - 1, 10)),
        // We want it closed: ask until it is.
        Unresolved or Pending or Processing when p is { CancelAsked: true, GatewayReference: not null } && order is { HasEnded: false, ClosingAt: null } =>
            (p.LookedAt ?? p.StartedAt) + rules.PendingEvery,
        Starting or Unresolved when order.ClosingAt is null || order.HasEnded => AfterAsking(p, rules),
        Starting or Unresolved or Pending or Processing => order switch
        {
            { EndedAt: { } end } => Lingering(p.LookedAt, end, rules),
            { ClosingAt: not null } => (p.LookedAt ?? p.StartedAt) + rules.ClosingEvery,
            _ when p.Status == Processing => (p.LookedAt ?? p.ProcessingAt ?? p.StartedAt) + rules.PendingEvery,
            _ when FormMachine.AskFrom(p, rules) is { } from => p.LookedAt >= from ? p.LookedAt + rules.PendingEvery : from,
            _ => Later((p.LinkOpenedAt ?? p.StartedAt) + rules.PendingFirst, p.LookedAt + rules.PendingEvery),
        },
        Held => null,
        // It keeps the shopper from paying in another way, so it is asked about until it is known; of an order that is over not for ever.
        Failed or Cancelled or Expired when p is { HasMoneyUnderWay: true, ProcessingAt: { } on } && Lingering(p.LookedAt, on, rules) is var next && (!order.HasEnded || next < on + rules.MissingFor) => next,
        Failed or Cancelled or Expired => p.MayExist ? Watch(order, p, rules) : null,
        _ => throw new InvalidOperationException($"No schedule for status {p.Status}."),
    };

    /// <summary>Money that no statement has, while nobody has answered for it.</summary>
    static Capture? Misses(Order order, Payment p) => p.Captures.FirstOrDefault(c => c.IsDoubted(DiscrepancyKind.NotSettled) && c.Settled is null
        && !p.Answers.Contains(new Answered(DiscrepancyKind.NotSettled, c.MoneyReference)) && order.RefundOf(p.Number, c.MoneyReference) is null);

    static DateTimeOffset AfterAsking(Payment p, OrderRules rules)
    {
        var looked = p.LookedAt is { } at && at >= p.AskedAt ? at : p.AskedAt;
        foreach (var delay in rules.Unresolved)
            if (p.AskedAt + delay > looked) return p.AskedAt + delay;
        return looked + rules.UnresolvedEvery;
    }

    /// <summary>A success that was contradicted, at a gateway that does not answer: less often the older the money is, hourly at the least.</summary>
    static DateTimeOffset Doubted(Payment p, DateTimeOffset looked, OrderRules rules)
    {
        var age = (looked - p.Captures[0].At) / 10;
        return looked + (age < rules.ClosingEvery ? rules.ClosingEvery : age > Hour ? Hour : age);
    }

    /// <summary>Something happened, and what became of it nobody has said yet: the order is over and the link may still be open, or the gateway hinted at it.</summary>
    public static DateTimeOffset Lingering(DateTimeOffset? lookedAt, DateTimeOffset since, OrderRules rules)
    {
        var looked = lookedAt is { } at && at >= since ? at : since;
        var age = looked - since;
        return looked + (age < Closely ? rules.PendingEvery : age / 8 < Hour ? Hour : age / 8);
    }

    /// <summary>For money that comes after the end: the order's, or that of a payment in an order that can still be paid in another way.</summary>
    static DateTimeOffset? Watch(Order order, Payment p, OrderRules rules)
    {
        if ((order.EndedAt ?? p.EndedAt) is not { } end) return null;
        foreach (var delay in rules.Watch)
            if (!(p.LookedAt >= end + delay)) return end + delay;
        return null;
    }

    public static DateTimeOffset Earlier(DateTimeOffset? one, DateTimeOffset other) => one < other ? one.Value : other;

    static DateTimeOffset Later(DateTimeOffset one, DateTimeOffset? other) => other > one ? other.Value : one;
}
