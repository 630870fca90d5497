using Purser.Payments;
using Purser.Refunds;
using static Purser.Orders.OrderMachine;
using static Purser.Payments.PaymentStatus;

namespace Purser.Orders;

/// <summary>What captured money makes of an order: it pays it, or it is held, late or twice; and what a reversal takes back. Total and
/// pure like <see cref="OrderMachine"/>, of which it is a part.</summary>
static class MoneyMachine
{
    /// <summary>Money came in. Success always counts; what it counts as, the order decides.</summary>
    public static void Receive(Draft draft, Payment p, Evidence.Succeeded e)
    {
        var contradicted = false;
        if (p.Denied.FirstOrDefault(d => d.MoneyReference == e.MoneyReference) is { } denial)
        {
            // A statement's row is money in hand, whenever it was written; when it is older than the denial, a person says which of the two is so.
            contradicted = e is { Source: EvidenceSource.Settlement } && e.At <= denial.At;
            // News from before it was taken back may come after: the gateway is asked what is so now.
            if (e.Source == EvidenceSource.Webhook) Ask(draft, p.Number);
            if (e.Source == EvidenceSource.Webhook || (e.At <= denial.At && e.Source is not (EvidenceSource.Settlement or EvidenceSource.Operator))) return;
            p = p with { Denied = p.Denied.Remove(denial) };
        }
        p = p with
        {
            GatewayReference = p.GatewayReference ?? e.GatewayReference, Method = e.Method ?? p.Method, Fee = e.Fee ?? p.Fee, Tax = e.Tax ?? p.Tax,
        };
        var known = p.Captures.FirstOrDefault(c => c.MoneyReference == e.MoneyReference);
        var right = e.Amount == p.Amount;

        if (known is { Standing: not Standing.Mismatched })
        {
            if (right) Agree(draft, p, e);
            else Contradict(draft, p, e);
            return;
        }
        // Wrong money that was given back is asked about no more, and stays what it was.
        var asked = draft.Order.RefundOf(p.Number, e.MoneyReference) is null;
        if (right && GoesBackAs(draft.Order, p, e) > e.Amount.MinorUnits)
        {
            // More than the right amount is on its way back: the gateway refuses that, and then says again what it holds.
            Contradict(draft, p, e);
            return;
        }
        if (known is not null && !right && (!asked || !Outranks(e.Amount, known.Amount)))
        {
            // Held money is there, says the gateway again.
            if (p.Status == Held) Agree(draft, p, e);
            else draft.Change(p);
            return;
        }

        if (known is not null)
        {
            Answers.Revise(draft, p.Number, known, e.Amount);
            p = p with { Answers = draft.Order.Payment(p.Number)!.Answers };
        }
        var standing = !right ? Standing.Mismatched
            : draft.Order.Status == OrderStatus.Paid || p.Captures.Any(c => c.Standing == Standing.Accepted) ? Standing.Duplicate
            : draft.Order.HasEnded ? Standing.Late
            : Standing.Accepted;
        var accepts = standing == Standing.Accepted || (standing == Standing.Late && draft.Order.Policy.Late == LatePolicy.Accept && !contradicted);
        var late = standing == Standing.Late;
        if (accepts) standing = Standing.Accepted;

        var capture = new Capture(e.MoneyReference, e.Amount, draft.Now, standing)
        {
            Expected = draft.Rules.Routing.Account(p.Account)?.Expects(e.Amount, p.Method, draft.Now), Settled = known?.Settled, OtherRows = known?.OtherRows ?? [], Doubts = known?.Doubts ?? 0,
        };
        // The statement was right, and what it contradicted was wrong.
        var settles = known is { Settled: { } row } && row.Amount == e.Amount && known.OtherRows.All(o => o.RowKey != row.RowKey) && known.IsDoubted(DiscrepancyKind.SettledOtherwise);
        if (settles) capture = capture.Trust(DiscrepancyKind.SettledOtherwise);
        // Or it was not, although it had what was told first.
        var differs = known is { Settled: { } stated } && stated.Amount != e.Amount && !known.IsDoubted(DiscrepancyKind.SettledOtherwise);
        if (differs) capture = capture.Doubt(DiscrepancyKind.SettledOtherwise);
        // And what it kept was too much of the wrong amount only.
        var fair = known is { Settled: { } paid } && known.IsDoubted(DiscrepancyKind.FeeMismatch) && paid.Amount == e.Amount && paid.AddsUp
            && capture.Expected?.IsExceeded(paid.Amount, paid.Net, paid.Tax) is not true;
        if (fair) capture = capture.Trust(DiscrepancyKind.FeeMismatch);
        p = p with
        {
            Captures = known is null ? p.Captures.Add(capture) : p.Captures.Replace(known, capture),
            Status = right || p.Status == Succeeded ? Succeeded : Held,
            Reason = right ? null : p.Reason,
        };
        draft.Change(p);
        var replaces = known?.Amount;
        Money? back = known is not null && right && known.Amount - draft.Order.Waiting(p.Number, known) is { MinorUnits: not 0 } gone ? gone : null;
        // What a person answered about the wrong amount is forgotten with it.
        var open = known is not null && right && asked && !draft.Drop(new Answered(DiscrepancyKind.AmountMismatch, e.MoneyReference), p.Number);
        var expected = capture.Expected ?? CaptureHistory.Nothing;
        switch (standing)
        {
            case Standing.Mismatched:
                draft.Tell(EventType.PaymentAmountMismatch, p.Number, e, e.Amount, money: e.MoneyReference, replaces: replaces, settled: known?.Settled, expected: expected);
                if (known is not null) Resolve(draft, p.Number, DiscrepancyKind.AmountMismatch, e, known.Amount, "replaced", e.MoneyReference);
                draft.Tell(EventType.DiscrepancyOpened, p.Number, e, e.Amount, money: e.MoneyReference, discrepancy: DiscrepancyKind.AmountMismatch);
                break;
            case Standing.Accepted:
                draft.Tell(late ? EventType.PaymentLate : EventType.PaymentSucceeded, p.Number, e, e.Amount, money: e.MoneyReference, replaces: replaces, settled: known?.Settled, givenBack: back, expected: expected);
                draft.Order = draft.Order with { Status = OrderStatus.Paid, Late = late, PaidBy = p.Number, EndedAt = draft.Now, ClosingAt = null };
                draft.Tell(EventType.OrderPaid, p.Number, e, e.Amount);
                break;
            case Standing.Duplicate:
                draft.Tell(EventType.PaymentDuplicate, p.Number, e, e.Amount, money: e.MoneyReference, replaces: replaces, settled: known?.Settled, givenBack: back, expected: expected);
                Return(draft, p, capture, draft.Order.Policy.Duplicate == DuplicatePolicy.Refund && !contradicted, RefundReason.Duplicate, DiscrepancyKind.Duplicate, e);
                break;
            case Standing.Late:
                draft.Tell(EventType.PaymentLate, p.Number, e, e.Amount, money: e.MoneyReference, replaces: replaces, settled: known?.Settled, givenBack: back, expected: expected);
                Return(draft, p, capture, draft.Order.Policy.Late == LatePolicy.Refund && !contradicted, RefundReason.Late, DiscrepancyKind.Late, e);
                break;
        }
        if (p.Contradicted && (right || (p.Status == Held && known is not null && e.Source != EvidenceSource.Webhook))) Reconcile(draft, draft.Order.Payment(p.Number)!, e);
        if (open)
            draft.Tell(EventType.DiscrepancyResolved, p.Number, e, known!.Amount, money: e.MoneyReference, discrepancy: DiscrepancyKind.AmountMismatch, reason: "succeeded");
        if (settles) Resolve(draft, p.Number, DiscrepancyKind.SettledOtherwise, e, e.Amount, "succeeded", e.MoneyReference);
        if (differs)
            draft.Tell(EventType.DiscrepancyOpened, p.Number, e, e.Amount, money: e.MoneyReference, discrepancy: DiscrepancyKind.SettledOtherwise, settled: capture.Settled);
        if (fair) Resolve(draft, p.Number, DiscrepancyKind.FeeMismatch, e, e.Amount, "succeeded", e.MoneyReference);
        Conclude(draft, p.Number, e);
        ReverseKnown(draft, p.Number, e.MoneyReference, e);
    }

    /// <summary>Of two wrong amounts for the same money the larger counts; of two currencies, so that the order of news decides nothing, the
    /// later in the alphabet.</summary>
    static bool Outranks(Money one, Money other) => one.Currency == other.Currency
        ? one.MinorUnits > other.MinorUnits
        : string.CompareOrdinal(one.Currency.Code, other.Currency.Code) > 0;

    /// <summary>The gateway says again what it said; asked after a contradiction, that settles it.</summary>
    static void Agree(Draft draft, Payment p, Evidence.Succeeded e)
    {
        if (e.Source == EvidenceSource.Webhook)
        {
            draft.Change(p);
            return;
        }
        Reconcile(draft, p, e);
    }

    /// <summary>What spoke against the money is answered.</summary>
    public static void Reconcile(Draft draft, Payment p, Evidence e, string how = "succeeded")
    {
        draft.Change(p with { Contradicted = false, Discrepancy = p.Discrepancy is DiscrepancyKind.Contradiction ? null : p.Discrepancy });
        if (p.Discrepancy is DiscrepancyKind.Contradiction) Resolve(draft, p.Number, DiscrepancyKind.Contradiction, e, p.Amount, how);
    }

    /// <summary>What of this money goes or went back, in minor units; without bound when it was told, and given back, in another currency.</summary>
    static long GoesBackAs(Order order, Payment p, Evidence.Succeeded e)
    {
        var back = order.Refunds.Where(r => r.Payment == p.Number && r.MoneyReference == e.MoneyReference && r.Reserves).ToList();
        return back.Exists(r => r.Amount.Currency != e.Amount.Currency) ? long.MaxValue : back.Sum(r => r.Amount.MinorUnits);
    }

    /// <summary>The same money, told before with the right amount and now with another.</summary>
    static void Contradict(Draft draft, Payment p, Evidence.Succeeded e)
    {
        var step = PaymentMachine.Contradiction(p, e);
        draft.Change(step.After);
        if (step.After.Discrepancy is { } opened && p.Discrepancy != opened)
        {
            if (p.Discrepancy is { } less) Resolve(draft, p.Number, less, e, p.Amount, "replaced");
            draft.Tell(EventType.DiscrepancyOpened, p.Number, e, e.Amount, discrepancy: opened);
        }
        if (step.AskNow) Ask(draft, p.Number);
    }

    /// <summary>Money that the order does not want goes back once, or a person is asked once.</summary>
    static void Return(
        Draft draft, Payment p, Capture capture, bool refund, RefundReason reason, DiscrepancyKind question, Evidence e)
    {
        if (draft.Order.RefundOf(p.Number, capture.MoneyReference) is not null) return;
        // What went back by somebody else's hand, or is wanted by one, does not go back by ours as well.
        if (refund && RefundMachine.MayBegin(draft.Order, p, capture, capture.Amount, draft.Rules)) RefundMachine.Begin(draft, p, capture, capture.Amount, reason, note: null, e, asked: false);
        else draft.Tell(EventType.DiscrepancyOpened, p.Number, e, capture.Amount, money: capture.MoneyReference, discrepancy: question);
    }

    public static void TakeBack(Draft draft, Payment p, Evidence.Reversed e)
    {
        if (p.IsReversed(e.MoneyReference)) return;
        if (IsExplained(draft.Order, p, e.MoneyReference)) return;
        draft.Change(p with { Reversals = p.Reversals.Add(new Reversal(e.MoneyReference)) });
        ReverseKnown(draft, p.Number, e.MoneyReference, e);
    }

    /// <summary>A reversal counts once the money it takes back is known, whichever was told first, and for what no refund is known to have given back.</summary>
    static void ReverseKnown(Draft draft, int number, string reference, Evidence because)
    {
        var p = draft.Order.Payment(number)!;
        if (p.Reversals.FirstOrDefault(r => r.MoneyReference == reference) is not { } reversal || p.Captures.FirstOrDefault(c => c.MoneyReference == reference) is not { } capture) return;
        if (reversal.Booked is null && IsExplained(draft.Order, p, reference))
        {
            // Both came before the money: it went back by a refund that is told of, and not once more.
            draft.Change(p with { Reversals = p.Reversals.Remove(reversal) });
            return;
        }
        Reverse(draft, number, reversal, draft.Order.NotGivenBack(number, capture), because);
    }

    /// <summary>Refunds that are told of, or under way, are all that the word can mean.</summary>
    static bool IsExplained(Order order, Payment p, string reference) => RefundMachine.Explains(order, p, reference)
        || (p.Captures.FirstOrDefault(c => c.MoneyReference == reference) is { } capture && order.NotGivenBack(p.Number, capture).MinorUnits == 0);

    /// <summary>Books that so much of it is gone, and nothing else says how.</summary>
    public static void Reverse(Draft draft, int number, Reversal reversal, Money booked, Because because)
    {
        if (reversal.Booked is { } before) Resolve(draft, number, DiscrepancyKind.Reversed, because, before, "replaced", reversal.MoneyReference);
        var p = draft.Order.Payment(number)!;
        draft.Change(p with { Reversals = p.Reversals.Replace(reversal, reversal with { Booked = booked }) });
        draft.Tell(EventType.DiscrepancyOpened, number, because, booked, money: reversal.MoneyReference, replaces: reversal.Booked, discrepancy: DiscrepancyKind.Reversed);
    }
}
