using Purser.Ledger;
using Purser.Orders;
using Purser.Payments;
using Purser.Refunds;

namespace Purser.Tests;

/// <summary>What holds after every decision, whatever was said, by whom and in which order. Throws with the law's name.</summary>
static class Laws
{
    public static void Hold(Order? before, OrderInput input, Decision decision, Scenario story)
    {
        if (decision.After is not { } after) return;
        var steps = story.Events;

        Law(decision.Events.Select(e => e.Sequence).SequenceEqual(Enumerable.Range((before?.Sequence ?? 0) + 1, decision.Events.Length)),
            "events are numbered without a gap", story);
        Law(after.Sequence == steps.Count, "the order knows its latest event", story);
        foreach (var e in decision.Postings.GroupBy(p => (p.Sequence, p.Amount.Currency)))
            Law(e.Sum(p => p.Amount.MinorUnits) == 0, "the postings of each event sum to zero per currency", story);

        Money(before, decision, story);
        Refunds(before, input, after, story);
        Clock(before, input, decision, story);
        Questions(before, input, decision, story);
        Law(Folds(steps, after, out var why), $"events fold to the row: {why}", story);
        Law(OutsideHistory.Differs(after, steps) is null, $"events tell of what went back unasked: {OutsideHistory.Differs(after, steps)}", story);
        Law(AnswerHistory.Differs(after, steps) is null, $"events tell of what answers moved: {AnswerHistory.Differs(after, steps)}", story);
        Law(CaptureHistory.Differs(after, steps) is null, $"events tell of all that stands with captured money: {CaptureHistory.Differs(after, steps)}", story);
    }

    static bool Folds(List<OrderEvent> steps, Order after, out string why)
    {
        try
        {
            var (told, row) = (OrderHistory.Fold(steps), OrderSummary.Of(after));
            why = told.Equals(row) ? "" : $"told {told}, row {row}";
        }
        catch (InvalidOperationException impossible)
        {
            why = impossible.Message;
        }
        return why.Length == 0;
    }

    static void Money(Order? before, Decision decision, Scenario story)
    {
        var after = decision.After;
        var captures = after.Payments.SelectMany(p => p.Captures.Select(c => (Payment: p, Capture: c))).ToList();
        var accepted = captures.Where(c => c.Capture.Standing == Standing.Accepted).ToList();
        Law(accepted.Count <= 1, "at most one payment is accepted", story);
        Law(after.Status == OrderStatus.Paid == (accepted.Count == 1), "an order is paid by its accepted payment", story);
        Law(accepted.Count == 0 ? after.PaidBy is null : after.PaidBy == accepted[0].Payment.Number, "the order names its accepted payment", story);
        foreach (var (p, c) in captures)
            Law(c.Standing == Standing.Mismatched ? c.Amount != after.Amount : c.Amount == after.Amount, "no success without the exact amount", story);
        foreach (var p in after.Payments)
        {
            var right = p.Captures.Any(c => c.Standing != Standing.Mismatched);
            Law(p.Status == PaymentStatus.Succeeded == right, "a payment succeeded when the exact amount came", story);
            Law(p.Status == PaymentStatus.Held == (!right && p.Captures.Length > 0), "a payment is held when only another amount came", story);
        }

        // Each captured amount is in exactly one place.
        foreach (var (p, c) in captures)
        {
            var back = after.Refunds.Count(r => r.Payment == p.Number && r.MoneyReference == c.MoneyReference && r.Reserves);
            var asked = after.Questions.Count(q => q.Payment == p.Number && q.MoneyReference == c.MoneyReference && Place(q.Kind))
                + p.Answers.Count(a => a.MoneyReference == c.MoneyReference && Place(a.Kind));
            Law(c.Standing == Standing.Accepted || (back == 0 ? asked > 0 : asked == 0 || !after.IsGivenBack(p.Number, c)), "captured money is accepted, refunded or asked about", story);
        }
        var given = after.Refunds.Where(r => r.Reserves).GroupBy(r => (r.Payment, r.MoneyReference)).All(r =>
            r.Sum(x => x.Amount.MinorUnits) <= after.Payments[r.Key.Payment - 1].Captures.Single(c => c.MoneyReference == r.Key.MoneyReference).Amount.MinorUnits);
        Law(given, "refunds never exceed what was captured", story);

        if (before is null) return;
        Law((before.Fulfilment, after.Fulfilment) != (Fulfilment.Held, Fulfilment.Waiting) || decision.Events.Any(e => e.Type is EventType.DiscrepancyResolved or EventType.DisputeClosed),
            "whoever keeps the goods hears when they may go", story);
        var denied = before.PaidBy is { } paid && Denied(before.Payment(paid)!, after);
        Law(before.Status != OrderStatus.Paid || (after.Status == OrderStatus.Paid && after.PaidBy == before.PaidBy) || (denied && after.Status == OrderStatus.Cancelled), "paid stays paid, unless the money is denied", story);
        foreach (var p in before.Payments)
        {
            var now = after.Payment(p.Number)!;
            Law(p.Captures.All(c => now.Captures.Any(n => n.MoneyReference == c.MoneyReference)) || Denied(p, after), "money facts are never erased", story);
            Law(p.Status != PaymentStatus.Succeeded || now.Status == PaymentStatus.Succeeded || Denied(p, after), "succeeded stays succeeded", story);
        }
    }

    /// <summary>By its statement and, twice, by its gateway; and nobody has the goods.</summary>
    static bool Denied(Payment before, Order after) => after.Payment(before.Number) is { Captures: [], Status: PaymentStatus.Failed } now && before.Captures is [var money]
        && money.IsDoubted(DiscrepancyKind.NotSettled) && before.Contradicted && now.Denied.Any(d => d.MoneyReference == money.MoneyReference)
        && after is { FulfilledAt: null, Policy.Failed: FailedPolicy.Cancel };

    /// <summary>Questions that are the place of money which pays nothing.</summary>
    static bool Place(DiscrepancyKind kind) =>
        kind is DiscrepancyKind.AmountMismatch or DiscrepancyKind.Duplicate or DiscrepancyKind.Late or DiscrepancyKind.RefundFailed;

    static void Refunds(Order? before, OrderInput input, Order after, Scenario story)
    {
        foreach (var r in after.Refunds)
        {
            var was = before?.Refund(r.Number);
            Law(!r.IsOpen || r.LookAt is not null, "an open refund has an alarm", story);
            if (was is null) continue;
            Law(was.Amount == r.Amount && was.Payment == r.Payment && was.MoneyReference == r.MoneyReference && was.RequestedAt == r.RequestedAt, "what a refund asks for is frozen", story);
            Law(was.Settled is null || was.Settled == r.Settled, "a statement's row is kept", story);
            var freed = was.Reserves && !r.Reserves;
            var unsent = was.NeverLeft && r.Why is "gateway_unreachable" or Refund.GoneOtherwise;
            Law(!freed || input is RefundEvidence || unsent, "silence frees no amount", story);
            var denied = input is RefundEvidence { RefundReference: { } name } && before!.Payment(r.Payment)!.OutsideRefunds.Any(o => o.RefundReference == name && o.CameBack);
            Law(!freed || input is RefundEvidence.Failed or RefundEvidence.Rejected or RefundEvidence.Absent || denied || unsent, "only a no frees an amount", story);
        }
        Suspense(after, story);
        // Two rows are two sums, whatever their name.
        foreach (var p in after.Payments)
            Law(!p.OutsideRefunds.Any(o => !o.MayBeOurs && after.Refunds.Any(r => r.Payment == p.Number && r.RefundReference == o.RefundReference
                && (r.Settled is null || o.RowKey is null) && (r.Returned is null || o.Returned is null))), "a refund that has our name is not kept as the gateway's own", story);
        var (booked, known) = (Books(story.Postings), Books(after.Payments.SelectMany(p => Facts(after, p)).SelectMany(e => Ledger.Books.Of(e))));
        var wrong = booked.Keys.Union(known.Keys).Where(k => booked.GetValueOrDefault(k) != known.GetValueOrDefault(k)).ToList();
        Law(wrong.Count == 0, "the books have each thing once, as it is known now", story, string.Join(", ", wrong.Select(k => $"{k}: {booked.GetValueOrDefault(k)} and not {known.GetValueOrDefault(k)}")));
    }

    /// <summary>Minor units by account; what is owed and what was paid out together, for nothing but the event says of a row that it was.</summary>
    static Dictionary<(string Account, Currency Currency), long> Books(IEnumerable<Posting> postings)
    {
        var books = new Dictionary<(string, Currency), long>();
        foreach (var p in postings)
        {
            var account = (p.Account.StartsWith("receivable:", StringComparison.Ordinal) ? "bank" : p.Account, p.Amount.Currency);
            books[account] = books.GetValueOrDefault(account) + p.Amount.MinorUnits;
        }
        return books;
    }

    /// <summary>What is known of a payment's money, told as if it had been so from the first.</summary>
    static IEnumerable<OrderEvent> Facts(Order order, Payment p)
    {
        OrderEvent Fact(EventType type, Purser.Money? amount, string? money = null, Settled? row = null, DiscrepancyKind? kind = null, int? refund = null, string? reason = null) => new()
        {
            Order = order.Id,
            Sequence = 1,
            Type = type,
            At = order.CreatedAt,
            OrderStatus = order.Status,
            Payment = p.Number,
            Account = p.Account,
            Amount = amount,
            MoneyReference = money,
            Settled = row,
            Discrepancy = kind,
            Refund = refund,
            Reason = reason,
        };
        foreach (var c in p.Captures)
        {
            yield return Fact(c.Standing == Standing.Mismatched ? EventType.PaymentAmountMismatch : EventType.PaymentSucceeded, c.Amount, c.MoneyReference);
            if (c.Settled is { } row) yield return Fact(EventType.SettlementMatched, c.Amount, c.MoneyReference, row);
            foreach (var more in c.OtherRows.Where(o => o.RowKey != c.Settled!.RowKey).DistinctBy(o => o.RowKey)) yield return Fact(EventType.DiscrepancyOpened, c.Amount, c.MoneyReference, more, DiscrepancyKind.SettledTwice);
            if (c.Cleared is { } others) yield return Fact(EventType.RefundRequested, c.Amount, c.MoneyReference) with { GivenBack = others };
            if (p.Reversals.FirstOrDefault(r => r.MoneyReference == c.MoneyReference) is { } taken) yield return Fact(EventType.DiscrepancyOpened, taken.Booked, c.MoneyReference, kind: DiscrepancyKind.Reversed);
        }
        foreach (var r in order.Refunds.Where(r => r.Payment == p.Number))
        {
            var wrong = p.Captures.First(c => c.MoneyReference == r.MoneyReference).Standing == Standing.Mismatched;
            if (r.Status == RefundStatus.Succeeded) yield return Fact(EventType.RefundSucceeded, r.Amount, r.MoneyReference, kind: wrong ? DiscrepancyKind.AmountMismatch : null, refund: r.Number);
            if (r.Settled is { } row) yield return Fact(EventType.SettlementMatched, r.Amount, r.MoneyReference, row, refund: r.Number);
            if (r.Returned is { } came) yield return Fact(EventType.SettlementMatched, r.Amount, r.MoneyReference, came, refund: r.Number, reason: OrderEvent.Returned);
        }
        foreach (var o in p.OutsideRefunds.Where(o => !o.MayBeOurs))
        {
            if (!o.CameBack) yield return Fact(EventType.DiscrepancyOpened, o.Amount, o.RefundReference, kind: DiscrepancyKind.RefundUnasked);
            if (o.Settled is { } row) yield return Fact(EventType.SettlementMatched, o.Amount, o.RefundReference, row, DiscrepancyKind.RefundUnasked);
            if (o.Returned is { } came) yield return Fact(EventType.SettlementMatched, o.Amount, o.RefundReference, came, DiscrepancyKind.RefundUnasked, reason: OrderEvent.Returned);
        }
        foreach (var d in p.Disputes)
        {
            yield return Fact(EventType.DisputeOpened, d.Taken, d.Reference);
            if (d.Returned is { } back) yield return Fact(EventType.DisputeClosed, back, d.Reference, reason: "won");
        }
        foreach (var answer in p.Answers)
            foreach (var moved in answer.Moved) yield return Fact(EventType.DiscrepancyResolved, null, answer.MoneyReference, kind: answer.Kind) with { By = "Asha", Replaces = moved };
    }

    /// <summary>Nothing is left in suspense that no question, and no refund that is under way, is about.</summary>
    static void Suspense(Order after, Scenario story)
    {
        var asked = new List<Purser.Money>();
        bool Open(Payment p, DiscrepancyKind kind, string money) => after.Questions.Any(q => q.Payment == p.Number && q.Kind == kind && q.MoneyReference == money);
        foreach (var p in after.Payments)
            foreach (var c in p.Captures)
            {
                var back = after.Refunds.Where(r => r.Payment == p.Number && r.MoneyReference == c.MoneyReference).ToList();
                if (c.Standing == Standing.Mismatched && (Open(p, DiscrepancyKind.AmountMismatch, c.MoneyReference) || Open(p, DiscrepancyKind.RefundFailed, c.MoneyReference) || back.Exists(r => r.IsOpen)))
                    asked.Add(-after.Waiting(p.Number, c));
                if (Open(p, DiscrepancyKind.SettledOtherwise, c.MoneyReference) && c.Settled is { } row && row.Amount.Currency == c.Amount.Currency) asked.Add(c.Amount - row.Amount);
                if (Open(p, DiscrepancyKind.SettledTwice, c.MoneyReference)) asked.AddRange(c.OtherRows.Where(o => o.RowKey != c.Settled!.RowKey).DistinctBy(o => o.RowKey).Select(o => -o.Net));
            }
        foreach (var r in after.Refunds)
            if (Open(after.Payment(r.Payment)!, DiscrepancyKind.SettledOtherwise, new RefundId(after.Id, r.Number).Reference) && r is not { Settled: null, Returned: null })
            {
                if (r.Settled is { } went && went.Amount.Currency == r.Amount.Currency) asked.Add(went.Amount - r.Amount);
                if (r.Returned is { } came && came.Amount.Currency == r.Amount.Currency) asked.Add(r.Amount - came.Amount);
            }
        foreach (var p in after.Payments)
            foreach (var o in p.OutsideRefunds)
                if (Open(p, DiscrepancyKind.SettledOtherwise, o.RefundReference) && o.Returned is { } came) asked.Add(o.Amount - came.Amount);
        var waits = story.Postings.Where(p => p.Account == "suspense").Select(p => p.Amount).ToList();
        foreach (var currency in waits.Concat(asked).GroupBy(a => a.Currency))
            Law(waits.Where(a => a.Currency == currency.Key).Sum(a => a.MinorUnits) == asked.Where(a => a.Currency == currency.Key).Sum(a => a.MinorUnits), "suspense holds what is asked about", story);
    }

    static void Clock(Order? before, OrderInput input, Decision decision, Scenario story)
    {
        var after = decision.After;
        var open = after.Payments.Any(p => p.IsOpen || p.AwaitsSecondWord) || after.Refunds.Any(r => r.IsOpen);
        if (after.WakeAt is null) Law(after.HasEnded && !open && !WatchLeft(after, story), "an order sleeps for ever only when nothing is left to wait for", story);
        if (after.Status == OrderStatus.AwaitingPayment)
            Law(after.WakeAt <= after.ExpiresAt || after.ClosingAt is not null, "an order wakes at its end at the latest", story);
        if (input is not OrderInput.Tick || before is null) return;

        Law(!(after.WakeAt <= story.Now), "an alarm that was heard does not ring on", story);
        Law(before.Payments.Select(p => p.Status).SequenceEqual(after.Payments.Select(p => p.Status)), "the clock moves no payment", story);
        var again = OrderMachine.Decide(after, input, story.Now, story.Rules);
        Law(again.Calls.Length == 0 && again.Events.Length == 0, "the same tick again does nothing", story);
    }

    static bool WatchLeft(Order order, Scenario story) => order.Payments.Any(p =>
        p is { MayExist: true, Status: not PaymentStatus.Succeeded } && !(p.LookedAt >= order.EndedAt + story.Rules.Watch[^1]));

    static void Questions(Order? before, OrderInput input, Decision decision, Scenario story)
    {
        foreach (var call in decision.Calls)
        {
            Law(ReferenceEquals(call.Order, decision.After), "a call carries the order as it is committed", story);
            if (call is GatewayCall.Refund back)
            {
                Law(back.Ask == decision.After.Refund(back.Number)!.Asks, "the latest question is the one asked", story);
                Law(!story.Calls.OfType<GatewayCall.Refund>().Any(c => c.Number == back.Number && c.Ask == back.Ask), "no question is asked twice", story);
                var asked = decision.After.Refund(back.Number)!;
                var from = decision.After.Payment(asked.Payment)!;
                Law(asked.IsOpen, "nobody asks for a refund that has ended", story);
                var left = decision.After.LeftOf(asked.Payment, from.Captures.Single(c => c.MoneyReference == asked.MoneyReference));
                var taken = from.Dispute is DisputeState.Open or DisputeState.Lost || from.IsReversed(asked.MoneyReference);
                Law(left.MinorUnits >= 0 && !taken, "nobody asks for money back that is gone, or wanted, otherwise", story);
                if (from.Captures is [var only])
                {
                    var kept = from.Disputes.Where(d => d.Taken.Currency == only.Amount.Currency && (d.Returned is not { } back || back.Currency == d.Taken.Currency))
                        .Sum(d => Math.Max(0, d.Taken.MinorUnits - (d.Returned?.MinorUnits ?? 0)));
                    var given = decision.After.Refunds.Where(r => r.Payment == from.Number && r.Reserves).Sum(r => r.Amount.MinorUnits);
                    Law(given + kept <= only.Amount.MinorUnits, "refunds and what the bank keeps never exceed what was captured", story);
                }
            }
            if (call is not GatewayCall.OpenLink open) continue;
            Law(open.Ask == decision.After.Payment(open.Payment)!.Asks, "the latest question is the one asked", story);
            Law(!story.Calls.OfType<GatewayCall.OpenLink>().Any(c => c.Payment == open.Payment && c.Ask == open.Ask), "no question is asked twice", story);
            Law(!decision.After.HasEnded, "nobody asks for a link of an order that ended", story);
        }
        // What was told of its name before may say that it failed, and the row that it did not.
        foreach (var failed in decision.Events.Where(e => e.Type == EventType.RefundFailed && decision.After.Refund(e.Refund!.Value)!.Status == RefundStatus.Failed)) Law(IsTold(decision.After, failed), "a refund that fails is told to a person", story);
        Law(decision.Calls.GroupBy(About).All(c => c.Count() == 1), "one decision asks one thing of one payment", story);
        if (input is Evidence.NotSent or Evidence.LinkRefused && before?.Payment(((Evidence)input).Payment) is { IsOpen: true } p)
        {
            var now = decision.After.Payment(p.Number)!;
            Law(now.IsOpen || now.UnansweredAsks == 0, "a question that created nothing proves nothing about an earlier one", story);
        }
    }

    /// <summary>Of money that goes back whole, and does so by another refund, nobody is asked.</summary>
    static bool IsTold(Order after, OrderEvent failed) => after.Payment(failed.Payment!.Value) is { } p
        && (after.Questions.Any(q => q.Payment == p.Number && q.Kind == DiscrepancyKind.RefundFailed && (q.MoneyReference == failed.MoneyReference || q.MoneyReference == new RefundId(after.Id, failed.Refund!.Value).Reference))
            || p.Captures.Any(c => c.MoneyReference == failed.MoneyReference && c.Standing != Standing.Accepted && after.IsGivenBack(p.Number, c)));

    static string About(GatewayCall call) => call switch
    {
        GatewayCall.Refund c => $"refund {c.Number}",
        GatewayCall.InquireRefund c => $"refund {c.Number}",
        _ => $"payment {call.Payment}",
    };

    /// <summary>Accounts that are not zero: <c>sales -499.00 INR</c>.</summary>
    public static IEnumerable<string> Balances(IEnumerable<Posting> postings) => postings
        .GroupBy(p => (p.Account, p.Amount.Currency))
        .Select(g => (g.Key.Account, Sum: g.Aggregate(Purser.Money.Zero(g.Key.Currency), (sum, p) => sum + p.Amount)))
        .Where(a => a.Sum.MinorUnits != 0)
        .Select(a => $"{a.Account} {a.Sum}")
        .Order(StringComparer.Ordinal);

    static void Law(bool holds, string law, Scenario story, string? why = null)
    {
        if (holds) return;
        var told = string.Join("\n  ", story.Events.Select(e => $"{e.Sequence} {e.Type.Name()} p{e.Payment} {e.PaymentStatus} {e.Amount} {e.MoneyReference} r{e.Refund} {e.Discrepancy} {e.Reason}"));
        throw new InvalidOperationException($"Broken law: {law}{(why is null ? "" : $" ({why})")}.\n  {told}");
    }
}
