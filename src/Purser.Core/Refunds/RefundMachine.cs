using Purser.Orders;
using Purser.Payments;
using Purser.Reconciliation;
using static Purser.Refunds.RefundStatus;

namespace Purser.Refunds;

/// <summary>What commands, evidence and the clock make of an order's refunds. Total and pure like <see cref="OrderMachine"/>, of which it is a
/// part. The amount is reserved under the order's lock before the gateway hears of it; silence never frees it, only a no does.</summary>
static class RefundMachine
{
    static readonly TimeSpan LongestUnsentDelay = TimeSpan.FromHours(1);

    // Requests.

    /// <summary>Somebody, or a person's answer, wants money given back.</summary>
    /// <param name="answers">The failed refund that it is an answer to.</param>
    public static (Refusal? Why, int Number, bool Existed) Request(Draft draft, OrderCommand.Refund c, string? by = null, int? answers = null)
    {
        var order = draft.Order;
        if ((c.Payment ?? order.PaidBy) is not { } number || order.Payment(number) is not { } p)
            return (c.Payment is null ? Refusal.NothingCaptured : Refusal.PaymentUnknown, 0, false);
        var capture = c.MoneyReference is { } named ? p.Captures.FirstOrDefault(m => m.MoneyReference == named)
            : p.Captures.FirstOrDefault(m => m.Standing == Standing.Accepted) ?? (p.Captures is [var only] ? only : null);
        if (capture is null) return (Refusal.NothingCaptured, 0, false);
        if (IsTaken(p, capture.MoneyReference)) return (Refusal.MoneyDisputed, 0, false);

        var left = order.LeftOf(number, capture);
        var latest = order.RefundOf(number, capture.MoneyReference);
        if (left.MinorUnits <= 0)
            // All of it once more is the same wish: the second click of a button, the second of two callers at once.
            return c.Amount is null && latest is { Reserves: true } ? (null, latest.Number, true) : (Refusal.NothingLeft, 0, false);
        var amount = c.Amount ?? left;
        if (amount.Currency != capture.Amount.Currency || amount.MinorUnits <= 0 || amount.CompareTo(left) > 0) return (Refusal.RefundTooLarge, 0, false);
        if (capture.Standing != Standing.Accepted && amount != left) return (Refusal.RefundWhole, 0, false);
        if (!IsAnother(order, p, draft.Rules)) return (Refusal.RefundedOnce, 0, false);
        return (null, Begin(draft, p, capture, amount, Answers.ReasonOf(capture.Standing), c.Note, default, by, answers: answers), false);
    }

    /// <summary>The shopper's bank has the money or wants it, or the gateway took it back: who gave it back as well gave it twice.</summary>
    static bool IsTaken(Payment p, string moneyReference) => p.Dispute is DisputeState.Open or DisputeState.Lost || p.IsReversed(moneyReference);

    /// <summary>A gateway that knows no names of refunds can be asked for one only.</summary>
    static bool IsAnother(Order order, Payment p, OrderRules rules) =>
        !rules.Terms(p.Account).RefundsOnce || !order.Refunds.Any(r => r.Payment == p.Number && r.Reserves);

    /// <summary>So much of the money is neither gone nor reserved, and a refund of it can be begun.</summary>
    public static bool MayBegin(Order order, Payment p, Capture money, Money amount, OrderRules rules) =>
        !IsTaken(p, money.MoneyReference) && IsAnother(order, p, rules) && Covers(order, p, money, amount);

    static bool Covers(Order order, Payment p, Capture money, Money amount) =>
        amount.Currency == money.Amount.Currency && order.LeftOf(p.Number, money).CompareTo(amount) >= 0;

    /// <summary>What a question about this refund itself is asked under.</summary>
    static string NameOf(Draft draft, Refund r) => new RefundId(draft.Order.Id, r.Number).Reference;

    static Capture MoneyOf(Order order, Refund r) => order.Payment(r.Payment)!.Captures.First(c => c.MoneyReference == r.MoneyReference);

    /// <param name="asked">False when the money has only just come, so that nobody was asked about it yet.</param>
    /// <param name="answers">The failed refund that this one is asked for instead of; null when it is asked for by itself.</param>
    public static int Begin(
        Draft draft, Payment p, Capture capture, Money amount, RefundReason reason, string? note, Because because, string? by = null, bool asked = true, int? answers = null)
    {
        var failures = draft.Order.Refunds.Where(r => r.Payment == p.Number && r.MoneyReference == capture.MoneyReference && r.Status == Failed && draft.Order.IsOpenFailure(r)).ToList();
        bool IsClosed(Refund r) => p.Answers.Contains(new Answered(DiscrepancyKind.RefundFailed, r.AsksByItself ? NameOf(draft, r) : r.MoneyReference));
        var unanswered = capture.Standing == Standing.Accepted ? Answers.LeftOpen(failures, IsClosed, amount, answers) : [];
        // The question under the money's name is about the latest refund, which is this one now.
        var displaced = unanswered.Find(r => !r.AsksByItself && !IsClosed(r));
        foreach (var place in (DiscrepancyKind[])[DiscrepancyKind.AmountMismatch, DiscrepancyKind.RefundFailed]) draft.TakeBack(new Answered(place, capture.MoneyReference), p.Number);
        p = p with { Answers = draft.Order.Payment(p.Number)!.Answers };
        var alone = failures.Where(r => r.AsksByItself && !unanswered.Contains(r)).ToList();
        bool About(string? name) => name == capture.MoneyReference || alone.Exists(r => name == NameOf(draft, r));
        var before = asked ? draft.Order.Questions.Where(q => q.Payment == p.Number && About(q.MoneyReference)).ToList() : [];
        // Whatever a person answered about this money before, it has another place now.
        draft.Change(p with { Answers = p.Answers.RemoveAll(a => About(a.MoneyReference) && IsPlace(a.Kind)) });
        foreach (var failed in alone) draft.Change(failed with { AsksByItself = false });
        // What others gave back of money of a wrong amount does not wait in suspense for this refund.
        Money? others = capture.Standing == Standing.Mismatched && draft.Order.Waiting(p.Number, capture) - amount is { MinorUnits: not 0 } rest ? rest : null;
        if (others is { } cleared) draft.Change(draft.Order.Payment(p.Number)!.With(capture with { Cleared = (capture.Cleared ?? Money.Zero(amount.Currency)) + cleared }));
        var number = draft.Order.Refunds.Length + 1;
        draft.Order = draft.Order with
        {
            Refunds = draft.Order.Refunds.Add(new Refund
            {
                Number = number, Payment = p.Number, MoneyReference = capture.MoneyReference, Amount = amount, Reason = reason, Note = note,
                Status = Requested, RequestedAt = draft.Now, AskedAt = draft.Now, Asks = 1,
            }),
        };
        draft.Tell(EventType.RefundRequested, p.Number, because, amount, money: capture.MoneyReference, refund: number,
            reason: EventNames.Snake(reason.ToString()), by: by, givenBack: others);
        draft.Calls.Add(new GatewayCall.Refund(draft.Order, p.Number, number, Ask: 1));
        // What was asked about this money is answered by giving it back.
        foreach (var question in before)
            if (!draft.Order.Questions.Contains(question))
                draft.Tell(EventType.DiscrepancyResolved, p.Number, because, question.Amount, money: question.MoneyReference,
                    discrepancy: question.Kind, reason: "refund", by: by);
        if (displaced is not null)
        {
            draft.Change(displaced with { AsksByItself = true });
            draft.Tell(EventType.DiscrepancyOpened, p.Number, because, displaced.Amount, money: NameOf(draft, displaced), discrepancy: DiscrepancyKind.RefundFailed, reason: displaced.Why);
        }
        return number;
    }

    static bool IsPlace(DiscrepancyKind kind) =>
        kind is DiscrepancyKind.Duplicate or DiscrepancyKind.Late or DiscrepancyKind.AmountMismatch or DiscrepancyKind.RefundFailed;

    // Evidence.

    public static bool Learn(Draft draft, RefundEvidence e)
    {
        var refund = e.Refund > 0 ? draft.Order.Refund(e.Refund) : Named(draft.Order, e);
        if (refund is { } guessed && e is RefundEvidence.Settled { Guessed: true } row && (refund = Meant(draft.Order, guessed, row)) is null) return false;
        if (refund is { } known && !IsOutside(draft.Order, known, e))
        {
            // It came back once: another row that says so is none of this one.
            if (e is RefundEvidence.Failed { Row: { } again } && known.Returned is { } first && first.RowKey != again.RowKey) return false;
            OutsideMachine.HandOver(draft, known, e);
            known = draft.Order.Refund(known.Number)!;
            if (!OutsideMachine.Has(draft.Order, known.Payment, e.RefundReference)) known = known with { RefundReference = known.RefundReference ?? e.RefundReference };
            if (e.Source == EvidenceSource.Inquiry && e.At >= known.HeardAt) known = known with { HeardAt = null };
            draft.Change(known);
            Apply(draft, known, e);
            OutsideMachine.Decide(draft, known.Payment, e);
            return true;
        }
        if ((e.Refund > 0 && refund is null) || draft.Order.Payment(refund?.Payment ?? e.Payment) is not { } p) return false;
        return OutsideMachine.Learn(draft, p, refund, e);
    }

    /// <summary>Whoever guessed saw the order as it was a moment ago; two who guess at once give one refund two rows. So it is looked at once more, where all is told in turn.</summary>
    /// <returns>Null when several are under way that it may be about, and when it is about none by its name now.</returns>
    static Refund? Meant(Order order, Refund guessed, RefundEvidence.Settled e)
    {
        List<OursRefund> ours = [.. order.Refunds.Where(r => r.Payment == guessed.Payment).Select(OursRefund.Of)];
        var said = new SaidRefund(e.Row.RowKey, e.RefundReference, e.Row.Amount, e.HappenedAt) { Money = order.Payment(guessed.Payment)!.Captures.FirstOrDefault(c => c.MoneyReference == e.MoneyReference)?.MoneyReference };
        if (guessed.Settled is null && !said.IsNot(OursRefund.Of(guessed)) && !ours.Exists(r => r.RowKey == said.RowKey || said.Names(r))) return guessed;
        return RefundRows.Pick(ours, said, new HashSet<int>()) switch { > 0 and var picked => order.Refund(picked), 0 when guessed.Settled is not null => guessed, _ => null };
    }

    /// <summary>The row was taken for one of this refund, which has its own, or by its amount, and it is known as that of a refund which the gateway made.</summary>
    static bool IsOutside(Order order, Refund r, RefundEvidence e)
    {
        if (e.Source != EvidenceSource.Settlement) return false;
        var row = (e as RefundEvidence.Settled)?.Row.RowKey;
        return (row is not null && r.Settled is { } has && has.RowKey != row) || order.Payment(r.Payment)!.OutsideRefunds.Any(o =>
            !o.MayBeOurs && ((row is not null && o.RowKey == row) || (r.RefundReference is null && o.RefundReference == e.RefundReference && e is not RefundEvidence.Settled { Guessed: false })));
    }

    static Refund? Named(Order order, RefundEvidence e) => e.RefundReference is { } reference
        ? order.Refunds.FirstOrDefault(r => r.RefundReference == reference && (e.Payment == 0 || r.Payment == e.Payment))
        : null;

    public static void Apply(Draft draft, Refund r, RefundEvidence evidence)
    {
        switch (evidence)
        {
            case RefundEvidence.Accepted when r.Status is Requested or Unresolved:
                draft.Change(r with { Status = Sent, Why = null });
                Explain(draft, r.Payment, r.MoneyReference, evidence);
                break;
            case RefundEvidence.NotSent e:
                draft.Change(r with { UnsentAsks = r.UnsentAsks | Bit(r, e.Ask), Why = r.IsOpen ? e.Reason : r.Why });
                break;
            case RefundEvidence.AnswerLost e when r.Status == Requested && (r.UnsentAsks & Bit(r, e.Ask)) == 0 && Bit(r, e.Ask) != 0:
                draft.Change(r with { Status = Unresolved, Why = e.Reason });
                break;
            case RefundEvidence.Rejected e when r.Status is Requested or Unresolved && r.RefundReference is null:
                Fail(draft, r with { Rejected = true }, e.Reason, e);
                break;
            case RefundEvidence.Failed e when r.Status == Failed:
                var undone = OutsideMachine.ComeBack(draft, r, e);
                draft.Change(r with { Rejected = false, Why = e.Reason, CameBack = r.CameBack || undone || e.Source == EvidenceSource.Settlement });
                Return(draft, draft.Order.Refund(r.Number)!, e);
                break;
            case RefundEvidence.Failed e:
                Fail(draft, r with { CameBack = r.Status == Succeeded || e.Source == EvidenceSource.Settlement }, e.Reason, e);
                Return(draft, draft.Order.Refund(r.Number)!, e);
                break;
            case RefundEvidence.Succeeded e:
                Succeed(draft, r with { BankReference = r.BankReference ?? e.BankReference }, e.Amount, e);
                break;
            case RefundEvidence.Absent e when r.Status is Requested or Unresolved && r.RefundReference is null:
                Missing(draft, r, e);
                break;
            case RefundEvidence.Settled e:
                Settle(draft, r, e);
                break;
            case RefundEvidence.Unsettled e when r is { Status: Succeeded, Settled: null, NotSettled: false }:
                Miss(draft, r, e);
                break;
        }
    }

    static void Fail(Draft draft, Refund r, string why, Because because)
    {
        var went = r.Status == Succeeded ? r.Amount : (Money?)null;
        // The question under the money's name is about the latest refund. Of the order's own money parts go back, each by one, and each that fails is asked about.
        var latest = draft.Order.RefundOf(r.Payment, r.MoneyReference)!.Number == r.Number;
        var (money, given) = (MoneyOf(draft.Order, r), draft.Order.IsGivenBack(r.Payment, MoneyOf(draft.Order, r)));
        var alone = !latest && (money.Standing == Standing.Accepted || IsPart(draft.Order, r, money));
        draft.Change(r with { Status = Failed, Why = why, DoneAt = draft.Now, NotSettled = false, AsksByItself = alone });
        if (r.NotSettled) Found(draft, r, because, "failed");
        if (latest) draft.Drop(new Answered(DiscrepancyKind.RefundFailed, r.MoneyReference), r.Payment);
        draft.Tell(EventType.RefundFailed, r.Payment, because, r.Amount, money: r.MoneyReference, replaces: went, refund: r.Number, reason: why,
            discrepancy: Marks(draft.Order, r));
        var asks = money.Standing == Standing.Accepted || !draft.Order.IsGivenBack(r.Payment, money);
        if (!latest && !alone && given && asks)
            draft.Tell(EventType.DiscrepancyOpened, r.Payment, because, draft.Order.RefundOf(r.Payment, r.MoneyReference)!.Amount, money: r.MoneyReference, discrepancy: DiscrepancyKind.RefundFailed, reason: why);
        if ((latest && asks) || alone)
            draft.Tell(EventType.DiscrepancyOpened, r.Payment, because, r.Amount, money: alone ? NameOf(draft, r) : r.MoneyReference, discrepancy: DiscrepancyKind.RefundFailed, reason: why);
        var p = draft.Order.Payment(r.Payment)!;
        // While the gateway had taken it on, a word of the gateway that the money is gone was taken for this: it is asked until it says what is so now.
        if (r.Status is Sent or Succeeded) draft.Change(p = p with { HeardAt = draft.Now });
        // Another amount was told for this money meanwhile, which did not count while more was on its way back.
        if ((p.Contradicted || p.HeardAt == draft.Now) && !draft.Calls.Exists(c => c.Payment == r.Payment && c is not (GatewayCall.Refund or GatewayCall.InquireRefund)))
            OrderMachine.Ask(draft, r.Payment);
    }

    /// <summary>Others took the rest of money that must go back whole, so that none of them is of this part.</summary>
    static bool IsPart(Order order, Refund r, Capture money)
    {
        var others = order.Refunds.Where(o => o.Number != r.Number && o.Payment == r.Payment && o.MoneyReference == r.MoneyReference && o.Reserves).Select(o => o.Amount).ToList();
        return others.Count > 0 && others.Append(r.Amount).All(a => a.Currency == money.Amount.Currency) && others.Aggregate(r.Amount, (sum, a) => sum + a).CompareTo(money.Amount) <= 0;
    }

    static void Succeed(Draft draft, Refund r, Money amount, RefundEvidence because)
    {
        if (r.Status == Succeeded || (r.IsDenied && (r.CameBack || because.Source != EvidenceSource.Settlement)))
        {
            // News overtake one another: what was told to have gone back came back. Of what only failed a statement's row says that it did not.
            draft.Change(r with { CameBack = r.CameBack || r.Status == Failed });
            return;
        }
        if (amount != r.Amount)
        {
            // Another amount than was asked for is no success. It may be a garbled answer, so the gateway is asked.
            Doubt(draft, r, because);
            if (draft.Order.Refund(r.Number)!.IsOpen && because.Source == EvidenceSource.Webhook) Look(draft, draft.Order.Refund(r.Number)!);
            return;
        }
        if (r.Status == Failed)
        {
            // The gateway's no was none. When the amount was given to another refund meanwhile, more went back than should have.
            var p = draft.Order.Payment(r.Payment)!;
            if (OutsideMachine.Of(draft.Order, r) is not null || !Covers(draft.Order, p, MoneyOf(draft.Order, r), r.Amount))
            {
                draft.Change(r);
                OutsideMachine.Went(draft, r, because);
                return;
            }
        }
        draft.TakeBack(new Answered(DiscrepancyKind.RefundFailed, r.MoneyReference), r.Payment);
        var asked = draft.Order.Questions.FirstOrDefault(q => q.Payment == r.Payment && q.Kind == DiscrepancyKind.RefundFailed && q.MoneyReference == r.MoneyReference);
        var doubted = r is { SettledOtherwise: true, Settled: null, Returned: null };
        draft.Change(r with { Status = Succeeded, Rejected = false, Why = null, DoneAt = draft.Now, SettledOtherwise = r.SettledOtherwise && !doubted, AsksByItself = false });
        draft.Tell(EventType.RefundSucceeded, r.Payment, because, amount, money: r.MoneyReference, refund: r.Number, discrepancy: Marks(draft.Order, r));
        if (draft.Order.RefundOf(r.Payment, r.MoneyReference)!.Status != Failed || MoneyOf(draft.Order, r).Standing != Standing.Accepted) draft.Drop(new Answered(DiscrepancyKind.RefundFailed, r.MoneyReference), r.Payment);
        if (asked is not null && !draft.Order.Questions.Contains(asked))
            OrderMachine.Resolve(draft, r.Payment, asked.Kind, because, asked.Amount!.Value, "succeeded", asked.MoneyReference);
        if (r.AsksByItself) OrderMachine.Resolve(draft, r.Payment, DiscrepancyKind.RefundFailed, because, r.Amount, "succeeded", NameOf(draft, r));
        if (doubted) OrderMachine.Resolve(draft, r.Payment, DiscrepancyKind.SettledOtherwise, because, r.Amount, "succeeded", NameOf(draft, r));
        Explain(draft, r.Payment, r.MoneyReference, because, amount);
    }

    /// <summary>A gateway that is asked about money may say no more than that it went back. When all of it went back by refunds that the gateway took on, ours or
    /// its own, that is what it means.</summary>
    public static bool Explains(Order order, Payment p, string moneyReference) =>
        p.Captures.FirstOrDefault(c => c.MoneyReference == moneyReference) is { } money && order.LeftOf(p.Number, money).MinorUnits <= 0 && !p.OutsideRefunds.Any(o => o.MayBeOurs)
        && order.Refunds.All(r => r.Payment != p.Number || r.MoneyReference != moneyReference || !r.Reserves || r.Status is Sent or Succeeded);

    /// <summary>What was taken for a reversal before the refund's own answer came, as a whole or in part.</summary>
    /// <param name="went">What is booked as given back by the refund now.</param>
    public static void Explain(Draft draft, int number, string money, Because because, Money? went = null)
    {
        var p = draft.Order.Payment(number)!;
        if (p.Reversals.FirstOrDefault(r => r.MoneyReference == money) is not { Booked: { } booked } reversal) return;
        var part = went is { } some && some.Currency == booked.Currency ? some : Money.Zero(booked.Currency);
        if (!Explains(draft.Order, p, money) && part.CompareTo(booked) < 0)
        {
            if (part.MinorUnits > 0) MoneyMachine.Reverse(draft, number, reversal, booked - part, because);
            return;
        }
        // A person's answer is taken back first, for what it was about never was.
        if (draft.Drop(new Answered(DiscrepancyKind.Reversed, money), number))
            draft.Tell(EventType.DiscrepancyOpened, number, because, booked, money: money, discrepancy: DiscrepancyKind.Reversed, by: "purser");
        p = draft.Order.Payment(number)!;
        draft.Change(p with { Reversals = p.Reversals.Remove(reversal) });
        draft.Tell(EventType.DiscrepancyResolved, number, because, booked, money: money, replaces: booked, discrepancy: DiscrepancyKind.Reversed, reason: "refund");
    }

    /// <summary>A person must see that the gateway's words about this refund do not agree.</summary>
    static void Doubt(Draft draft, Refund r, RefundEvidence because, Settled? row = null)
    {
        var name = NameOf(draft, r);
        draft.Change(r with { SettledOtherwise = true });
        // Its first row moves money: whatever was answered before was about less than this.
        if (r.SettledOtherwise && !(row is not null && (row == r.Settled || row == r.Returned) && draft.Drop(new Answered(DiscrepancyKind.SettledOtherwise, name), r.Payment))) return;
        draft.Tell(EventType.DiscrepancyOpened, r.Payment, because, r.Amount, money: name, discrepancy: DiscrepancyKind.SettledOtherwise, refund: r.Number, settled: row);
    }

    /// <summary>Nothing under our reference. Counted only when no question can be under way and the gateway has had its time to see its own work;
    /// after the second such reading it is asked for again, under the same key.</summary>
    static void Missing(Draft draft, Refund r, RefundEvidence.Absent e)
    {
        var terms = draft.Rules.Terms(draft.Order.Payment(r.Payment)!.Account);
        if (e.At < r.AskedAt + draft.Rules.CallTimeout + terms.VisibilityDelay) return;
        r = r with
        {
            AbsentFirstAt = r.AbsentFirstAt is { } first && first < e.At ? first : e.At,
            AbsentLastAt = r.AbsentLastAt is { } last && last > e.At ? last : e.At,
        };
        if (r.AbsentLastAt - r.AbsentFirstAt < PaymentMachine.BetweenReadings) draft.Change(r);
        else if (r.Asks >= Refund.MostBits) Fail(draft, r, PaymentMachine.Absent, e);
        else AskFor(draft, r, e);
    }

    static void Settle(Draft draft, Refund r, RefundEvidence.Settled e)
    {
        if (r.Settled is { } row)
        {
            if (row != e.Row) Doubt(draft, r, e, e.Row);
            return;
        }
        if (r.Status != Succeeded) Succeed(draft, r, r.Amount, e);
        r = draft.Order.Refund(r.Number)!;
        if (r is { Status: Failed, CameBack: false }) return;
        var missed = r.NotSettled;
        r = r with { Settled = e.Row, NotSettled = false };
        draft.Change(r);
        draft.Tell(EventType.SettlementMatched, r.Payment, e, r.Amount, money: r.MoneyReference, refund: r.Number, settled: e.Row, paidOut: e.PaidOut);
        if (missed) Found(draft, r, e, "settled");
        if (e.Row.Amount != r.Amount) Doubt(draft, r, e, e.Row);
    }

    /// <summary>The statement's row of its coming back is kept once. What it states otherwise than we asked for is booked by it, as that of its going is.</summary>
    static void Return(Draft draft, Refund r, RefundEvidence.Failed e)
    {
        if (e.Row is not { } row || r.Returned is not null) return;
        draft.Change(r = r with { Returned = row });
        if (row.Amount == r.Amount) return;
        draft.Tell(EventType.SettlementMatched, r.Payment, e, r.Amount, money: r.MoneyReference, refund: r.Number, settled: row, reason: OrderEvent.Returned);
        // What was exchanged is exchanged back; nothing of that waits.
        if (row.Amount.Currency == r.Amount.Currency || row.Amount != r.Settled?.Amount) Doubt(draft, r, e, row);
    }

    /// <summary>We believe that it went back, and nothing was taken from what the gateway owes us. The gateway is asked what became of it, until it says.</summary>
    static void Miss(Draft draft, Refund r, RefundEvidence.Unsettled e)
    {
        draft.Change(r with { NotSettled = true, HeardAt = draft.Now });
        draft.Tell(EventType.DiscrepancyOpened, r.Payment, e, r.Amount, money: NameOf(draft, r), discrepancy: DiscrepancyKind.NotSettled,
            refund: r.Number, reason: e.Why);
        Look(draft, draft.Order.Refund(r.Number)!);
    }

    static void Found(Draft draft, Refund r, Because because, string how) =>
        OrderMachine.Resolve(draft, r.Payment, DiscrepancyKind.NotSettled, because, r.Amount, how, NameOf(draft, r));

    // Asking.

    /// <summary>What is due about a refund now.</summary>
    public static void Attend(Draft draft, Refund r)
    {
        // A hint at what the gateway never heard of was at nothing.
        if (r.NeverLeft) r = r with { HeardAt = null };
        if (r.Status == Failed && Due(draft.Order, r, draft.Rules) <= draft.Now)
        {
            // Money that must not stay goes back by a refund of its own when the gateway refused the first.
            Begin(draft, draft.Order.Payment(r.Payment)!, MoneyOf(draft.Order, r), r.Amount, r.Reason, r.Note, default, answers: r.Number);
            if (r.HeardAt is not null) Look(draft, r);
        }
        else if (r.NeverLeft && r.Asks < Refund.MostBits) AskFor(draft, r, default);
        // For more than a day not one question could leave us. A person must know; nothing was ever asked of the gateway.
        else if (r.NeverLeft) Fail(draft, r, PaymentMachine.Unreachable, default);
        else Look(draft, r);
    }

    public static void Look(Draft draft, Refund r)
    {
        if (draft.Calls.Exists(c => c is GatewayCall.InquireRefund i && i.Number == r.Number)) return;
        draft.Change(r with { LookedAt = draft.Now });
        draft.Calls.Add(new GatewayCall.InquireRefund(draft.Order, r.Payment, r.Number));
    }

    /// <summary>The gateway hints at something: it is asked now, or when what was asked a moment ago has been answered, and until it answers.</summary>
    public static bool Hear(Draft draft, Refund r)
    {
        if (r.NeverLeft) return false;
        draft.Change(r = r with { HeardAt = draft.Now });
        if (r.LookedAt is { } at && draft.Now - at < draft.Rules.AskAgainAfter) return false;
        Look(draft, r);
        return true;
    }

    /// <summary>Asks for a refund that is known not to be carried out. When its money has gone otherwise since it was requested, or is wanted, it ends instead.</summary>
    static void AskFor(Draft draft, Refund r, Because because)
    {
        var p = draft.Order.Payment(r.Payment)!;
        // Its own amount is reserved already.
        if (IsTaken(p, r.MoneyReference) || draft.Order.LeftOf(p.Number, MoneyOf(draft.Order, r)).MinorUnits < 0)
        {
            Fail(draft, r, Refund.GoneOtherwise, because);
            return;
        }
        draft.Change(r with { AskedAt = draft.Now, Asks = r.Asks + 1, AbsentFirstAt = null, AbsentLastAt = null });
        draft.Calls.Add(new GatewayCall.Refund(draft.Order, r.Payment, r.Number, r.Asks + 1));
    }

    /// <summary>When the refund next needs attention; null when nothing is left to wait for.</summary>
    public static DateTimeOffset? NextLook(Order order, Refund r, OrderRules rules)
    {
        var due = Due(order, r, rules);
        return r.HeardAt is { } heard && !r.NeverLeft ? Schedule.Earlier(due, Schedule.Lingering(r.LookedAt, heard, rules)) : due;
    }

    static DateTimeOffset? Due(Order order, Refund r, OrderRules rules)
    {
        switch (r.Status)
        {
            case Succeeded: return null;
            case Failed:
                var p = order.Payment(r.Payment)!;
                var tries = order.Refunds.Count(x => x.Payment == r.Payment && x.MoneyReference == r.MoneyReference);
                return r is { Rejected: true, Reason: RefundReason.Late or RefundReason.Duplicate } && tries <= rules.RefusedRefunds.Count
                    && order.RefundOf(r.Payment, r.MoneyReference)!.Number == r.Number
                    && MayBegin(order, p, MoneyOf(order, r), r.Amount, rules)
                    && !p.Answers.Contains(new Answered(DiscrepancyKind.RefundFailed, r.MoneyReference))
                    ? r.DoneAt + rules.RefusedRefunds[tries - 1]
                    : null;
            case Sent:
                foreach (var delay in rules.RefundUnderWay)
                    if (!(r.LookedAt >= r.RequestedAt + delay)) return r.RequestedAt + delay;
                return r.LookedAt + rules.RefundEvery;
        }
        if (r.NeverLeft)
        {
            var unsent = TimeSpan.FromSeconds(Math.Pow(2, Math.Min(r.Asks - 1, 20)));
            return r.AskedAt + (unsent < LongestUnsentDelay ? unsent : LongestUnsentDelay);
        }
        var looked = r.LookedAt is { } at && at >= r.AskedAt ? at : r.AskedAt;
        foreach (var delay in rules.Unresolved)
            if (r.AskedAt + delay > looked) return r.AskedAt + delay;
        return looked + rules.UnresolvedEvery;
    }

    /// <summary>A mark on events about money of a wrong amount, for it is not booked as a sale.</summary>
    static DiscrepancyKind? Marks(Order order, Refund r) => MoneyOf(order, r).Standing == Standing.Mismatched ? DiscrepancyKind.AmountMismatch : null;

    static int Bit(Refund r, int ask) => ask >= 1 && ask <= Math.Min(r.Asks, Refund.MostBits) ? 1 << (ask - 1) : 0;
}
