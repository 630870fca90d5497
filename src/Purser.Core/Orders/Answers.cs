using System.Collections.Immutable;
using Purser.Payments;
using Purser.Refunds;
using static Purser.Orders.OrderMachine;

namespace Purser.Orders;

/// <summary>What a person's answer to an open question does. Total and pure like <see cref="OrderMachine"/>, of which it is a part.</summary>
static class Answers
{
    public static Outcome Give(Draft draft, OrderCommand.Answer c)
    {
        if (draft.Order.Payment(c.Payment) is not { } p) return new Refusing(Refusal.PaymentUnknown);
        var answer = new Answered(c.Kind, c.MoneyReference);
        var question = draft.Order.Questions.FirstOrDefault(q => q.Payment == c.Payment && q.Kind == c.Kind && q.MoneyReference == c.MoneyReference);
        if (question is null)
            return c.Action == AnswerAction.Close && p.Answers.Contains(answer) ? new Already(c.Payment) : new Refusing(Refusal.QuestionUnknown);
        if (c.Seen is { } seen && !seen.SequenceEqual(Stakes(draft.Order, c.Payment, c.Kind, c.MoneyReference))) return new Refusing(Refusal.QuestionChanged);
        return c.Action switch
        {
            AnswerAction.Close => Close(draft, p, question, answer, c),
            AnswerAction.Accept => Accept(draft, p, question, c),
            AnswerAction.Refund => GiveBack(draft, question, c),
            _ => throw new InvalidOperationException($"No rule for {c.Action}."),
        };
    }

    public static Outcome TakeBack(Draft draft, OrderCommand.Reopen c)
    {
        if (draft.Order.Payment(c.Payment) is null) return new Refusing(Refusal.PaymentUnknown);
        var open = draft.Order.Questions.Any(q => q.Payment == c.Payment && q.Kind == c.Kind && q.MoneyReference == c.MoneyReference);
        if (open) return new Already(c.Payment);
        var sequence = draft.Order.Sequence;
        draft.TakeBack(new Answered(c.Kind, c.MoneyReference), c.Payment, c.By, c.Why);
        if (draft.Order.Sequence > sequence) return new Doing(c.Payment);
        if (!draft.Drop(new Answered(c.Kind, c.MoneyReference), c.Payment)) return new Refusing(Refusal.AnswerFinal);
        // The cause may have gone meanwhile, and with it the question.
        if (draft.Order.Questions.FirstOrDefault(q => q.Payment == c.Payment && q.Kind == c.Kind && q.MoneyReference == c.MoneyReference) is { } again)
            draft.Tell(EventType.DiscrepancyOpened, c.Payment, default, again.Amount ?? draft.Order.Payment(c.Payment)!.Amount, money: c.MoneyReference,
                discrepancy: c.Kind, reason: c.Why, by: c.By);
        return new Doing(c.Payment);
    }

    static Doing Close(Draft draft, Payment p, Question question, Answered answer, OrderCommand.Answer c)
    {
        var moved = Suspended(draft.Order, p, question);
        draft.Change(p with { Answers = p.Answers.Add(answer with { Moved = moved }) });
        draft.Move(EventType.DiscrepancyResolved, p.Number, answer, moved, question.Amount ?? p.Amount, c.By, c.Why);
        return new Doing(p.Number);
    }

    /// <summary>See <see cref="Order.Stakes"/>.</summary>
    public static ImmutableArray<Money> Stakes(Order order, int payment, DiscrepancyKind kind, string? money)
    {
        if (order.Payment(payment) is not { } p) return [];
        if (p.Answers.FirstOrDefault(a => a.Equals(new Answered(kind, money))) is { } given) return given.Moved;
        if (order.Questions.FirstOrDefault(q => q.Payment == payment && q.Kind == kind && q.MoneyReference == money) is not { } question) return [];
        return [question.Amount ?? p.Amount, .. Suspended(order, p, question), .. GoesBack(order, p, question)];
    }

    /// <summary>Of money that is not the order's own all that is left would go back, however little of it failed to.</summary>
    static IEnumerable<Money> GoesBack(Order order, Payment p, Question question) =>
        question.Kind == DiscrepancyKind.RefundFailed && Failed(order, question) is { } failed && !IsOfOrder(order, failed) ? [order.LeftOf(p.Number, p.Captures.First(c => c.MoneyReference == failed.MoneyReference))] : [];

    /// <summary>The refund whose failing a question is about.</summary>
    static Refund? Failed(Order order, Question question)
    {
        var failed = order.Refunds.FirstOrDefault(r => r.AsksByItself && new RefundId(order.Id, r.Number).Reference == question.MoneyReference);
        return question.Kind == DiscrepancyKind.RefundFailed ? failed ?? order.RefundOf(question.Payment, question.MoneyReference!) : failed;
    }

    /// <summary>What of the money that a question is about waits in suspense, as it stands there. See docs/decisions/0013-closing-clears-suspense.md.</summary>
    static ImmutableArray<Money> Suspended(Order order, Payment p, Question question)
    {
        var money = p.Captures.FirstOrDefault(c => c.MoneyReference == question.MoneyReference);
        IEnumerable<Money> waits = question.Kind switch
        {
            DiscrepancyKind.AmountMismatch or DiscrepancyKind.RefundFailed when money is { Standing: Standing.Mismatched } => [-order.Waiting(p.Number, money)],
            DiscrepancyKind.SettledTwice when money is { Settled: { } first, OtherRows: [_, ..] rows } => rows.Where(o => o.RowKey != first.RowKey).DistinctBy(o => o.RowKey).Select(o => -o.Net),
            DiscrepancyKind.SettledOtherwise when money is { Settled: { } row } => Difference(money.Amount, row.Amount),
            DiscrepancyKind.SettledOtherwise when p.OutsideRefunds.FirstOrDefault(o => o.RefundReference == question.MoneyReference) is { Returned: { } came } outside => Difference(outside.Amount, came.Amount),
            DiscrepancyKind.SettledOtherwise when order.Refunds.FirstOrDefault(r => r.Payment == p.Number && new RefundId(order.Id, r.Number).Reference == question.MoneyReference) is { } back =>
                [.. back.Settled is { } went ? Difference(went.Amount, back.Amount) : [], .. back.Returned is { } came ? Difference(back.Amount, came.Amount) : []],
            _ => [],
        };
        return [.. waits.GroupBy(m => m.Currency).Select(of => of.Aggregate((sum, m) => sum + m)).Where(m => m.MinorUnits != 0)];
    }

    /// <summary>Two currencies make none: what was told is exchanged for what is stated.</summary>
    static IEnumerable<Money> Difference(Money more, Money less) => more.Currency == less.Currency ? [more - less] : [];

    /// <summary>The amount of the money turns out to be another: what persons answered was about the wrong one.</summary>
    public static void Revise(Draft draft, int payment, Capture known, Money now)
    {
        foreach (var kind in (DiscrepancyKind[])[DiscrepancyKind.AmountMismatch, DiscrepancyKind.RefundFailed, DiscrepancyKind.SettledOtherwise])
            draft.TakeBack(new Answered(kind, known.MoneyReference), payment);
        // Nothing was moved where the currencies differed, or where the statement had what was told; now something may be.
        if (known.Settled is not { } row || row.Amount == now || !known.IsDoubted(DiscrepancyKind.SettledOtherwise) || !draft.Drop(new Answered(DiscrepancyKind.SettledOtherwise, known.MoneyReference), payment)) return;
        draft.Tell(EventType.DiscrepancyOpened, payment, default, known.Amount, money: known.MoneyReference, discrepancy: DiscrepancyKind.SettledOtherwise, by: "purser");
    }

    /// <summary>Late money pays the order after all, when nothing else has.</summary>
    static Outcome Accept(Draft draft, Payment p, Question question, OrderCommand.Answer c)
    {
        if (question.Kind != DiscrepancyKind.Late || draft.Order.Status == OrderStatus.Paid) return new Refusing(Refusal.AnswerUnsuitable);
        var money = p.Captures.First(m => m.MoneyReference == question.MoneyReference);
        draft.Change(p with { Captures = p.Captures.Replace(money, money with { Standing = Standing.Accepted }) });
        draft.Tell(EventType.DiscrepancyResolved, p.Number, default, money.Amount, money: money.MoneyReference, discrepancy: question.Kind, reason: c.Why, by: c.By);
        draft.Order = draft.Order with { Status = OrderStatus.Paid, Late = true, PaidBy = p.Number, EndedAt = draft.Now, ClosingAt = null };
        draft.Tell(EventType.OrderPaid, p.Number, default, money.Amount, by: c.By);
        return new Doing(p.Number);
    }

    static Outcome GiveBack(Draft draft, Question question, OrderCommand.Answer c)
    {
        if (question.Kind is not (DiscrepancyKind.Late or DiscrepancyKind.Duplicate or DiscrepancyKind.AmountMismatch or DiscrepancyKind.RefundFailed))
            return new Refusing(Refusal.AnswerUnsuitable);
        var failed = Failed(draft.Order, question);
        var (why, refund, _) = RefundMachine.Request(
            draft, new OrderCommand.Refund(c.Payment, IsOfOrder(draft.Order, failed) ? question.Amount : null, c.Why, failed?.MoneyReference ?? question.MoneyReference), c.By, failed?.Number);
        return why is { } refusal ? new Refusing(refusal) : new Doing(c.Payment, refund);
    }

    /// <summary>Of other money than the order's all that is left goes back.</summary>
    static bool IsOfOrder(Order order, Refund? failed) =>
        failed is null || order.Payment(failed.Payment)!.Captures.Any(c => c.MoneyReference == failed.MoneyReference && c.Standing == Standing.Accepted);

    /// <summary>Parts of the order's own money that failed, whose money another refund does not give back anew: all but the one that it is asked for instead of; or, when it is asked for by itself, those
    /// that are left when it is spread over them, the one of its amount first and what a person closed last. One in a currency that the money turned out not to be of is answered by any.</summary>
    public static List<Refund> LeftOpen(List<Refund> failures, Func<Refund, bool> isClosed, Money amount, int? answers)
    {
        failures = [.. failures.Where(r => r.Amount.Currency == amount.Currency && r.Number != answers)];
        if (answers is not null) return failures;
        var (left, wanted) = (new List<Refund>(), amount);
        foreach (var r in failures.OrderBy(isClosed).ThenByDescending(r => r.Amount == wanted).ThenBy(r => r.Number))
            if (r.Amount.CompareTo(amount) <= 0) amount -= r.Amount;
            else left.Add(r);
        return left;
    }

    public static RefundReason ReasonOf(Standing standing) => standing switch
    {
        Standing.Late => RefundReason.Late,
        Standing.Duplicate => RefundReason.Duplicate,
        Standing.Mismatched => RefundReason.Mismatched,
        _ => RefundReason.Merchant,
    };
}
