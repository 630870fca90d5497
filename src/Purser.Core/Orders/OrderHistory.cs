using System.Collections.Immutable;
using Purser.Payments;
using Purser.Refunds;

namespace Purser.Orders;

/// <summary>How an order stands, as far as its events tell. Made of the row by <see cref="Of"/> and of the events by
/// <see cref="OrderHistory.Fold"/>; the two are equal, or one of them is corrupt.</summary>
public sealed record OrderSummary(
    OrderStatus Status, bool Late, int? PaidBy, bool Fulfilled, ImmutableArray<PaymentSummary> Payments, ImmutableArray<RefundSummary> Refunds,
    ImmutableArray<Question> Questions)
{
    public static OrderSummary Of(Order order) => new(
        order.Status, order.Late, order.PaidBy, order.FulfilledAt is not null,
        [.. order.Payments.Select(p => new PaymentSummary(
            p.Number, p.Account, p.Status, p.Dispute, [.. p.Disputes.Select(d => new DisputeSummary(d.Reference, d.State, d.Taken, d.Returned))], [.. p.Captures.Select(c => new CaptureSummary(c.MoneyReference, c.Amount, c.Settled?.RowKey))]))],
        [.. order.Refunds.Select(r => new RefundSummary(r.Number, r.Payment, r.MoneyReference, r.Amount, r.Settled?.RowKey, r.Status switch
        {
            RefundStatus.Succeeded => RefundEnd.Succeeded,
            RefundStatus.Failed => RefundEnd.Failed,
            _ => RefundEnd.Open,
        }))],
        Sorted(order.Questions));

    public bool Equals(OrderSummary? other) => other is not null && Status == other.Status && Late == other.Late && PaidBy == other.PaidBy
        && Fulfilled == other.Fulfilled && Payments.SequenceEqual(other.Payments) && Refunds.SequenceEqual(other.Refunds)
        && Questions.SequenceEqual(other.Questions);

    public override int GetHashCode() => HashCode.Combine(Status, Late, PaidBy, Payments.Length, Refunds.Length, Questions.Length);

    /// <summary>What statements say of money is asked with the money's amount, which may turn out to be another while the question stays.</summary>
    static Question Comparable(Question q) => q.Kind is DiscrepancyKind.SettledOtherwise or DiscrepancyKind.FeeMismatch or DiscrepancyKind.SettledTwice
        or DiscrepancyKind.NotSettled ? q with { Amount = null } : q;

    internal static ImmutableArray<Question> Sorted(IEnumerable<Question> questions) =>
        [.. questions.Select(Comparable).OrderBy(q => q.Payment).ThenBy(q => q.Kind).ThenBy(q => q.MoneyReference, StringComparer.Ordinal)];
}

public sealed record PaymentSummary(
    int Number, string Account, PaymentStatus Status, DisputeState Dispute, ImmutableArray<DisputeSummary> Disputes, ImmutableArray<CaptureSummary> Captures)
{
    public bool Equals(PaymentSummary? other) => other is not null && Number == other.Number && Account == other.Account
        && Status == other.Status && Dispute == other.Dispute && Disputes.SequenceEqual(other.Disputes) && Captures.SequenceEqual(other.Captures);

    public override int GetHashCode() => HashCode.Combine(Number, Account, Status, Captures.Length);
}

public sealed record DisputeSummary(string Reference, DisputeState State, Money Taken, Money? Returned);

/// <param name="Row">The statement's row that has it.</param>
public sealed record CaptureSummary(string MoneyReference, Money Amount, string? Row = null);

public sealed record RefundSummary(
    int Number, int Payment, string MoneyReference, Money Amount, string? Row = null, RefundEnd End = RefundEnd.Open);

/// <summary>As far as events tell of it.</summary>
public enum RefundEnd { Open, Succeeded, Failed }

/// <summary>Reads an order's events from the first to the last. Total on possible histories; throws on impossible ones, for a corrupt
/// history is a bug and not data.</summary>
public static class OrderHistory
{
    public static OrderSummary Fold(IEnumerable<OrderEvent> events)
    {
        OrderSummary? summary = null;
        OrderEvent? last = null;
        foreach (var e in events)
        {
            if (e.Sequence != (last?.Sequence ?? 0) + 1) throw Impossible(e, $"it follows number {last?.Sequence ?? 0}");
            if (last is not null && e.Order != last.Order) throw Impossible(e, "it belongs to another order");
            if (summary is null != e.Type is EventType.OrderCreated)
                throw Impossible(e, summary is null ? "the order is not created yet" : "the order is created already");
            summary = Next(summary ?? new(e.OrderStatus, false, null, false, [], [], []), e);
            last = e;
        }
        return summary ?? throw new InvalidOperationException("An order without events cannot be.");
    }

    static OrderSummary Next(OrderSummary s, OrderEvent e)
    {
        s = Stand(s, e);
        if (e.Payment is { } number) s = e.Type == EventType.PaymentStarted ? Start(s, e, number) : Pay(s, e, number);
        return e.Type switch
        {
            EventType.OrderFulfilled when s.Fulfilled || s.Status != OrderStatus.Paid => throw Impossible(e, "the order is not paid, or is fulfilled already"),
            EventType.OrderFulfilled => s with { Fulfilled = true },
            EventType.RefundRequested => Refund(s, e),
            EventType.RefundSucceeded or EventType.RefundFailed => EndRefund(s, e),
            EventType.SettlementMatched => Settle(s, e),
            EventType.DiscrepancyOpened => Open(s, e),
            EventType.DiscrepancyResolved => Close(s, e),
            _ => s,
        };
    }

    /// <summary>The order's own status moves only with the events that say so, and away from paid only when the money that paid it was denied.</summary>
    static OrderSummary Stand(OrderSummary s, OrderEvent e)
    {
        var possible = (s.Status, e.Type) switch
        {
            (OrderStatus.Paid, EventType.OrderCancelled) => e is { OrderStatus: OrderStatus.Cancelled, Late: false, PaidBy: null } && s.PaidBy is { } paid && s.Payments[paid - 1].Captures.IsEmpty,
            (OrderStatus.Paid, EventType.OrderPaid or EventType.OrderExpired) => false,
            (_, EventType.OrderPaid) => e.OrderStatus == OrderStatus.Paid && e.PaidBy is not null && e.PaidBy == e.Payment,
            (OrderStatus.AwaitingPayment, EventType.OrderExpired) => e.OrderStatus == OrderStatus.Expired,
            (OrderStatus.AwaitingPayment, EventType.OrderCancelled) => e.OrderStatus == OrderStatus.Cancelled,
            (_, EventType.OrderExpired or EventType.OrderCancelled) => false,
            (_, EventType.OrderCreated) => e.OrderStatus == OrderStatus.AwaitingPayment && !e.Late && e.PaidBy is null,
            _ => e.OrderStatus == s.Status && e.Late == s.Late && e.PaidBy == s.PaidBy,
        };
        if (!possible) throw Impossible(e, $"the order is {s.Status}, paid by {s.PaidBy?.ToString() ?? "nothing"}");
        return s with { Status = e.OrderStatus, Late = e.Late, PaidBy = e.PaidBy };
    }

    static OrderSummary Start(OrderSummary s, OrderEvent e, int number)
    {
        if (number != s.Payments.Length + 1) throw Impossible(e, $"{s.Payments.Length} payments were started before");
        if (e.Account is null || e.PaymentStatus is not PaymentStatus.Starting) throw Impossible(e, "a payment starts at an account");
        return s with { Payments = s.Payments.Add(new PaymentSummary(number, e.Account, PaymentStatus.Starting, DisputeState.None, [], [])) };
    }

    static OrderSummary Pay(OrderSummary s, OrderEvent e, int number)
    {
        if (number < 1 || number > s.Payments.Length) throw Impossible(e, "its payment was never started");
        var p = s.Payments[number - 1];
        if (e.Account != p.Account) throw Impossible(e, $"the payment is at {p.Account}");
        if (e.PaymentStatus is not { } status || !MayMove(p.Status, status, e.Type, denied: e.MoneyReference is not null)) throw Impossible(e, $"the payment is {p.Status}");
        p = p with { Status = status };
        p = e.Type switch
        {
            EventType.PaymentSucceeded or EventType.PaymentLate or EventType.PaymentDuplicate or EventType.PaymentAmountMismatch => Capture(p, e),
            EventType.PaymentFailed when e.MoneyReference is not null => Denied(p, e),
            EventType.DisputeOpened or EventType.DisputeClosed => Dispute(p, e),
            _ => p,
        };
        return s with { Payments = s.Payments.SetItem(number - 1, p) };
    }

    static bool MayMove(PaymentStatus from, PaymentStatus to, EventType type, bool denied) => type switch
    {
        EventType.PaymentLinkReady => IsOpen(from) && to == PaymentStatus.Pending,
        EventType.PaymentProcessing => IsOpen(from) && to == PaymentStatus.Processing,
        EventType.PaymentUnresolved => IsOpen(from) && to == PaymentStatus.Unresolved,
        EventType.PaymentSucceeded or EventType.PaymentLate or EventType.PaymentDuplicate => to == PaymentStatus.Succeeded,
        EventType.PaymentAmountMismatch => to == (from == PaymentStatus.Succeeded ? PaymentStatus.Succeeded : PaymentStatus.Held),
        EventType.PaymentFailed => (!HasMoney(from) || denied) && to == PaymentStatus.Failed,
        EventType.PaymentCancelled => !HasMoney(from) && to == PaymentStatus.Cancelled,
        EventType.PaymentExpired => !HasMoney(from) && to == PaymentStatus.Expired,
        _ => from == to,
    };

    static bool IsOpen(PaymentStatus status) =>
        status is PaymentStatus.Starting or PaymentStatus.Pending or PaymentStatus.Processing or PaymentStatus.Unresolved;

    static bool HasMoney(PaymentStatus status) => status is PaymentStatus.Succeeded or PaymentStatus.Held;

    static PaymentSummary Capture(PaymentSummary p, OrderEvent e)
    {
        if (e is not { MoneyReference: { } reference, Amount: { } amount }) throw Impossible(e, "money has a name and an amount");
        var known = p.Captures.FirstOrDefault(c => c.MoneyReference == reference);
        if (known?.Amount != e.Replaces) throw Impossible(e, $"the money was known as {known?.Amount.ToString() ?? "nothing"}");
        var capture = new CaptureSummary(reference, amount, known?.Row);
        return p with { Captures = known is null ? p.Captures.Add(capture) : p.Captures.Replace(known, capture) };
    }

    static PaymentSummary Denied(PaymentSummary p, OrderEvent e) => p.Captures is [var only] && only.MoneyReference == e.MoneyReference && only.Amount == e.Amount && only.Row is null
        ? p with { Captures = [] }
        : throw Impossible(e, "only money that is known, and that no statement has, can be denied");

    /// <summary>An amount that is told anew names the one that it replaces; a dispute that is over is over again only with another amount, or another end.</summary>
    static PaymentSummary Dispute(PaymentSummary p, OrderEvent e)
    {
        if (e.Amount is not { } amount) throw Impossible(e, "a dispute has an amount");
        var reference = e.MoneyReference ?? Payments.Dispute.Nameless;
        var known = p.Disputes.FirstOrDefault(d => d.Reference == reference);
        // Told before disputes had names, and perhaps only when it was over.
        if (e is { MoneyReference: null, Type: EventType.DisputeClosed }) (known, e) = (known ?? new DisputeSummary(reference, DisputeState.Open, amount, null), e with { Replaces = null });
        DisputeSummary now;
        if (e.Type == EventType.DisputeOpened)
        {
            if (known?.Taken != e.Replaces) throw Impossible(e, $"the dispute {reference} was about {known?.Taken.ToString() ?? "nothing"}");
            now = known is null ? new DisputeSummary(reference, DisputeState.Open, amount, null) : known with { Taken = amount };
        }
        else
        {
            if (known is null) throw Impossible(e, $"the dispute {reference} was never opened");
            if (known.Returned != e.Replaces) throw Impossible(e, $"of the dispute {reference} came back {known.Returned?.ToString() ?? "nothing"}");
            now = e.Reason switch
            {
                PaymentMachine.Won => known with { State = DisputeState.Won, Returned = amount },
                PaymentMachine.Lost => known with { State = DisputeState.Lost, Returned = null },
                _ => throw Impossible(e, "a dispute is won or lost"),
            };
            if (now == known) throw Impossible(e, $"the dispute is {known.State}");
        }
        var disputes = p.Disputes.Contains(known!) ? p.Disputes.Replace(known!, now) : p.Disputes.Add(now);
        return p with { Disputes = disputes, Dispute = Payments.Dispute.Together(disputes.Select(d => d.State)) };
    }

    static OrderSummary Refund(OrderSummary s, OrderEvent e)
    {
        if (e is not { Payment: { } payment, MoneyReference: { } reference, Amount: { } amount, Refund: { } number })
            throw Impossible(e, "a refund has a number, an amount and the money it gives back");
        if (number != s.Refunds.Length + 1) throw Impossible(e, $"{s.Refunds.Length} refunds were requested before");
        s = s with { Refunds = s.Refunds.Add(new RefundSummary(number, payment, reference, amount)) };
        return WithinWhatCame(s, e, payment, reference);
    }

    static OrderSummary WithinWhatCame(OrderSummary s, OrderEvent e, int payment, string reference)
    {
        var capture = s.Payments[payment - 1].Captures.FirstOrDefault(c => c.MoneyReference == reference) ?? throw Impossible(e, "it gives back more than came");
        var given = s.Refunds.Where(r => r.Payment == payment && r.MoneyReference == reference && r.End != RefundEnd.Failed && r.Amount.Currency == capture.Amount.Currency)
            .Aggregate(Money.Zero(capture.Amount.Currency), (sum, r) => sum + r.Amount);
        return capture.Amount.CompareTo(given) < 0 ? throw Impossible(e, "it gives back more than came") : s;
    }

    /// <summary>A refund that succeeded may fail later; one that failed succeeds only while nothing else gives its money back.</summary>
    static OrderSummary EndRefund(OrderSummary s, OrderEvent e)
    {
        if (e.Refund is not { } number || number < 1 || number > s.Refunds.Length) throw Impossible(e, "its refund was never requested");
        var r = s.Refunds[number - 1];
        if (e.Payment != r.Payment || e.MoneyReference != r.MoneyReference) throw Impossible(e, "the refund gives other money back");
        var end = e.Type == EventType.RefundSucceeded ? RefundEnd.Succeeded : RefundEnd.Failed;
        if (r.End == end) throw Impossible(e, $"the refund has {end.ToString().ToLowerInvariant()} already");
        if (end == RefundEnd.Failed && e.Replaces is null == (r.End == RefundEnd.Succeeded)) throw Impossible(e, "what had gone back is named when it comes back");
        s = s with { Refunds = s.Refunds.SetItem(number - 1, r with { End = end }) };
        return end == RefundEnd.Succeeded ? WithinWhatCame(s, e, r.Payment, r.MoneyReference) : s;
    }

    static OrderSummary Settle(OrderSummary s, OrderEvent e)
    {
        if (e is not { Payment: { } payment, Settled: { } row, MoneyReference: { } reference }) throw Impossible(e, "a statement's row is about money");
        if (e.Refund is { } number)
        {
            if (e.Reason == OrderEvent.Returned && number >= 1 && number <= s.Refunds.Length) return s;
            if (number < 1 || number > s.Refunds.Length || s.Refunds[number - 1].Row is not null) throw Impossible(e, "the refund is unknown, or has its row");
            return s with { Refunds = s.Refunds.SetItem(number - 1, s.Refunds[number - 1] with { Row = row.RowKey }) };
        }
        if (e.Discrepancy is DiscrepancyKind.RefundUnasked) return s;
        var p = s.Payments[payment - 1];
        if (p.Captures.FirstOrDefault(c => c.MoneyReference == reference) is not { Row: null } capture) throw Impossible(e, "the money is unknown, or has its row");
        return s with { Payments = s.Payments.SetItem(payment - 1, p with { Captures = p.Captures.Replace(capture, capture with { Row = row.RowKey }) }) };
    }

    static OrderSummary Open(OrderSummary s, OrderEvent e)
    {
        var question = Asked(e);
        if (s.Questions.Any(q => Same(q, question))) throw Impossible(e, "the question is open already");
        return s with { Questions = OrderSummary.Sorted(s.Questions.Add(question)) };
    }

    static OrderSummary Close(OrderSummary s, OrderEvent e)
    {
        var question = Asked(e);
        if (OutsideHistory.IsBackBeforeItWent(e) && !s.Questions.Any(q => Same(q, question))) return s;
        var open = s.Questions.FirstOrDefault(q => Same(q, question)) ?? throw Impossible(e, "no such question is open");
        return s with { Questions = s.Questions.Remove(open) };
    }

    static Question Asked(OrderEvent e) => e is { Payment: { } payment, Discrepancy: { } kind }
        ? new Question(payment, kind, e.MoneyReference, e.MoneyReference is null ? null : e.Amount)
        : throw Impossible(e, "a question has a kind and a payment");

    static bool Same(Question one, Question other) =>
        one.Payment == other.Payment && one.Kind == other.Kind && one.MoneyReference == other.MoneyReference;

    static InvalidOperationException Impossible(OrderEvent e, string why) =>
        new($"Event {e.Id} ({e.Type.Name()}) cannot be: {why}.");
}
