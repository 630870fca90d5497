using Purser.Orders;
using Purser.Payments;

namespace Purser.Refunds;

/// <summary>What becomes of money that went back and that no refund of ours gave back. It is booked once and asked about, and it is left for none of ours. Total and pure like
/// <see cref="OrderMachine"/>, of which it is a part.</summary>
static class OutsideMachine
{
    /// <summary>Money went back by a refund with a name that we do not know, or by a second row about one that has its row. While a refund of ours that it may be waits for its
    /// answer, news of it are kept and nothing is booked: see <see cref="Decide"/>.</summary>
    /// <param name="taken">The refund of ours that it was taken for.</param>
    /// <returns>False for what a statement's row says and nothing here keeps: whoever brought it must.</returns>
    public static bool Learn(Draft draft, Payment p, Refund? taken, RefundEvidence e)
    {
        if (e is RefundEvidence.Failed) return ComeBack(draft, p, e);
        var row = (e as RefundEvidence.Settled)?.Row;
        if (row is not null && p.OutsideRefunds.Any(o => o.RowKey == row.RowKey)) return true;
        if ((e as RefundEvidence.Succeeded)?.Amount is not { } amount)
        {
            if (row is null) return e.Source != EvidenceSource.Settlement;
            amount = row.Amount;
        }
        // Who has a row, or is one of ours, has no other.
        var named = e.RefundReference is { } told && !draft.Order.Refunds.Any(r => r.Payment == p.Number && r.RefundReference == told)
            && !p.OutsideRefunds.Any(o => o.RefundReference == told && o.RowKey is not null);
        if ((named ? e.RefundReference : row?.RowKey) is not { } name) return e.Source != EvidenceSource.Settlement;

        var one = p.OutsideRefunds.FirstOrDefault(o => o.RefundReference == name) ?? new OutsideRefund(name, amount, MoneyReference: e.MoneyReference ?? taken?.MoneyReference) { MayBeOurs = true };
        if (one is { CameBack: true, Amount.MinorUnits: 0 })
        {
            // It was told when it came back, which says no amount.
            var known = one with { Amount = amount, MoneyReference = one.MoneyReference ?? e.MoneyReference };
            draft.Change(p = p with { OutsideRefunds = p.OutsideRefunds.Replace(one, known) });
            one = known;
            if (!one.MayBeOurs) TellBack(draft, p.Number, one, e);
        }
        if (one.MayBeOurs && taken is null && draft.Order.Refunds.Where(r => MayBe(p, one, r, stated: row is not null)).ToList() is { Count: > 0 } perhaps)
        {
            if (e.Source != EvidenceSource.Settlement && !p.OutsideRefunds.Contains(one)) draft.Change(p with { OutsideRefunds = p.OutsideRefunds.Add(one) });
            foreach (var r in perhaps) RefundMachine.Look(draft, r);
            return e.Source != EvidenceSource.Settlement;
        }
        Keep(draft, p.Number, one, e);
        return true;
    }

    /// <summary>A refund of ours that was called failed went back all the same, when its amount had been given to another.</summary>
    public static void Went(Draft draft, Refund r, RefundEvidence e) =>
        Keep(draft, r.Payment, Of(draft.Order, r) ?? new OutsideRefund(NameOf(draft.Order, r), r.Amount, MoneyReference: r.MoneyReference) { MayBeOurs = true }, e);

    /// <summary>The refund of that name failed, as a rule after it went: what it gave back is here again, once, and whatever was told first. A statement's row alone says that
    /// only of a refund that is known.</summary>
    static bool ComeBack(Draft draft, Payment p, RefundEvidence e)
    {
        if (e.RefundReference is not { } name) return e.Source != EvidenceSource.Settlement;
        var one = p.OutsideRefunds.FirstOrDefault(o => o.RefundReference == name);
        var row = (e as RefundEvidence.Failed)?.Row;
        // It came back once; and until it is known whether it is one of ours, a row of its coming back waits.
        if (row is not null && one is not null && (one.MayBeOurs || (one.Returned is { } first && first.RowKey != row.RowKey))) return false;
        if (one is { CameBack: true })
        {
            if (row is not null) Came(draft, p.Number, one, row, e);
            return true;
        }
        if (one is null && e.Source == EvidenceSource.Settlement) return false;
        if (one is null)
        {
            one = new OutsideRefund(name, Money.Zero(p.Amount.Currency), MoneyReference: e.MoneyReference) { CameBack = true };
            var perhaps = draft.Order.Refunds.Where(r => MayBe(p, one, r)).ToList();
            draft.Change(p with { OutsideRefunds = p.OutsideRefunds.Add(one with { MayBeOurs = perhaps.Count > 0 }) });
            if (perhaps.Count == 0) TellBack(draft, p.Number, one, e);
            foreach (var r in perhaps) RefundMachine.Look(draft, r);
        }
        else if (one.MayBeOurs) draft.Change(p with { OutsideRefunds = p.OutsideRefunds.Replace(one, one with { CameBack = true }) });
        else
        {
            Return(draft, p.Number, one, e);
            if (row is not null) Came(draft, p.Number, one with { CameBack = true }, row, e);
        }
        // While it was taken to be gone, a word of the gateway that the money is gone was taken for this: it is asked until it says what is so now.
        draft.Change(draft.Order.Payment(p.Number)! with { HeardAt = draft.Now });
        if (!draft.Calls.Exists(c => c.Payment == p.Number && c is not (GatewayCall.Refund or GatewayCall.InquireRefund))) OrderMachine.Ask(draft, p.Number);
        return true;
    }

    /// <summary>It came back before it was known to have gone, so there is nothing to book and nobody to ask: the event says no more than what is kept of it.</summary>
    static void TellBack(Draft draft, int number, OutsideRefund one, Because because, string how = OutsideHistory.Failed) =>
        draft.Tell(EventType.DiscrepancyResolved, number, because, one.Amount, money: one.RefundReference, discrepancy: DiscrepancyKind.RefundUnasked, reason: how);

    /// <summary>What went back by such a refund failed in the end.</summary>
    /// <returns>Whether there was any.</returns>
    public static bool ComeBack(Draft draft, Refund r, RefundEvidence e)
    {
        if (Of(draft.Order, r) is not { CameBack: false } one) return false;
        Return(draft, r.Payment, one, e);
        return true;
    }

    /// <summary>The statement's row of its coming back is kept once, and what it states otherwise is booked by it. Who told of its failing said no amount; a row does.</summary>
    static void Came(Draft draft, int number, OutsideRefund one, Settled row, Because because)
    {
        if (one.Returned is not null) return;
        var p = draft.Order.Payment(number)!;
        var now = one with { Returned = row, Amount = one.Amount.MinorUnits == 0 ? row.Amount : one.Amount };
        draft.Change(p with { OutsideRefunds = p.OutsideRefunds.Replace(one, now) });
        if (now.Amount != one.Amount) TellBack(draft, number, now, because);
        if (row.Amount == now.Amount) return;
        Matched(draft, number, now, because, now.Amount, row, reason: OrderEvent.Returned);
        if (now.ReturnedOtherwise) draft.Tell(EventType.DiscrepancyOpened, number, because, now.Amount, money: now.RefundReference, discrepancy: DiscrepancyKind.SettledOtherwise, settled: row);
    }

    static void Matched(Draft draft, int number, OutsideRefund one, Because because, Money amount, Settled row, bool paidOut = false, string? reason = null, Money? before = null) =>
        draft.Tell(EventType.SettlementMatched, number, because, amount, money: one.RefundReference, replaces: before, discrepancy: DiscrepancyKind.RefundUnasked, settled: row, paidOut: paidOut, reason: reason);

    /// <summary>It is here again. What persons answered about money that must go back whole was said while it was gone, so they are asked again.</summary>
    static void Return(Draft draft, int number, OutsideRefund one, Because because)
    {
        Close(draft, number, one, one with { CameBack = true }, because, OutsideHistory.Failed);
        foreach (var money in draft.Order.Payment(number)!.Captures.Where(c => c.Standing != Standing.Accepted && one.IsOf(draft.Order.Payment(number)!, c.MoneyReference)))
            foreach (var kind in AboutWholeMoney)
                if (draft.Drop(new Answered(kind, money.MoneyReference), number)
                    && draft.Order.Questions.FirstOrDefault(q => q.Payment == number && q.Kind == kind && q.MoneyReference == money.MoneyReference) is { } question)
                    draft.Tell(EventType.DiscrepancyOpened, number, because, question.Amount ?? money.Amount, money: money.MoneyReference, discrepancy: kind, by: "purser");
    }

    static readonly DiscrepancyKind[] AboutWholeMoney = [DiscrepancyKind.Late, DiscrepancyKind.Duplicate, DiscrepancyKind.AmountMismatch, DiscrepancyKind.RefundFailed];

    /// <summary>What was booked of it and asked about is so no more.</summary>
    static void Close(Draft draft, int number, OutsideRefund one, OutsideRefund now, Because because, string how)
    {
        // A person's answer is taken back first.
        if (draft.Drop(new Answered(DiscrepancyKind.RefundUnasked, one.RefundReference), number))
            draft.Tell(EventType.DiscrepancyOpened, number, because, one.Amount, money: one.RefundReference, discrepancy: DiscrepancyKind.RefundUnasked, by: "purser");
        var p = draft.Order.Payment(number)!;
        draft.Change(p with { OutsideRefunds = p.OutsideRefunds.Replace(one, now) });
        draft.Tell(EventType.DiscrepancyResolved, number, because, one.Amount, money: one.RefundReference, replaces: one.Amount, discrepancy: DiscrepancyKind.RefundUnasked, reason: how);
    }

    /// <summary>What was taken for a refund that the gateway made is this one of ours: the gateway tells its name with our reference. All that is booked of it is taken back, and
    /// what was told of it is heard of ours, as if it had been told so at first.</summary>
    public static void HandOver(Draft draft, Refund r, RefundEvidence e)
    {
        if (e.RefundReference is not { } name || (r.RefundReference ?? name) != name) return;
        // A row may have been taken for one of ours by its amount.
        if (r.RefundReference is null && (e.Refund == 0 || (e.Source == EvidenceSource.Settlement && e is not RefundEvidence.Settled { Guessed: false }))) return;
        if (draft.Order.Payment(r.Payment)!.OutsideRefunds.FirstOrDefault(o => o.RefundReference == name && !o.MayBeOurs) is not { } one) return;
        // Two rows are two sums.
        if ((r.Settled is not null && one.RowKey is not null) || (r.Returned is not null && one.Returned is not null)) return;
        if (e is RefundEvidence.Settled { Row.RowKey: var row } && one.RowKey is { } has && has != row) return;
        // Another amount is no success of ours: then it stays booked as it is, and ours is doubted.
        if (one.RowKey is null && one.Amount.MinorUnits > 0 && one.Amount != r.Amount && !(e is RefundEvidence.Succeeded whole && whole.Amount == r.Amount)) return;

        TakeBack(draft, r.Payment, one, e);
        draft.Change(r with { RefundReference = name });
        void Hear(RefundEvidence fact, EvidenceSource source) => RefundMachine.Apply(draft, draft.Order.Refund(r.Number)!, fact.Learned(r.Number, r.Payment, source, e.At, e.RawKey));
        // What was paid out is so already.
        if (RowOf(one) is { } went) Hear(new RefundEvidence.Settled(went, PaidOut: false), EvidenceSource.Settlement);
        else if (one.Amount.MinorUnits > 0) Hear(new RefundEvidence.Succeeded(one.Amount), EvidenceSource.Webhook);
        if (one.CameBack) Hear(new RefundEvidence.Failed("came back", one.Returned), one.Returned is null ? EvidenceSource.Webhook : EvidenceSource.Settlement);
        // Ours was denied, and is not booked. A word that all is gone may have been taken for it, so the gateway is asked.
        if (one.CameBack || draft.Order.Refund(r.Number)!.Status == RefundStatus.Succeeded) return;
        draft.Change(draft.Order.Payment(r.Payment)! with { HeardAt = draft.Now });
        if (!draft.Calls.Exists(c => c.Payment == r.Payment && c is not (GatewayCall.Refund or GatewayCall.InquireRefund))) OrderMachine.Ask(draft, r.Payment);
    }

    /// <summary>A refund that the gateway made is kept under this name, and was not handed over.</summary>
    public static bool Has(Order order, int payment, string? name) => order.Payment(payment)!.OutsideRefunds.Any(o => o.RefundReference == name && !o.MayBeOurs);

    /// <summary>Of what an older program kept only the row's name is known; what it kept stays booked.</summary>
    static Settled? RowOf(OutsideRefund one) => one.Settled ?? (one.RowKey is { } key ? new Settled(key, one.Amount, -one.Amount) : null);

    /// <summary>Nothing of it was ever so.</summary>
    static void TakeBack(Draft draft, int number, OutsideRefund one, Because because)
    {
        if (one.ReturnedOtherwise) OrderMachine.Resolve(draft, number, DiscrepancyKind.SettledOtherwise, because, one.Amount, OrderEvent.Ours, one.RefundReference);
        if (one.Returned is { } came && came.Amount != one.Amount) Matched(draft, number, one, because, one.Amount, came, reason: OrderEvent.OursReturned);
        if (RowOf(one) is { } went) Matched(draft, number, one, because, one.Amount, went, reason: OrderEvent.Ours);
        if (!one.CameBack) Close(draft, number, one, one with { CameBack = true }, because, OrderEvent.Ours);
        else TellBack(draft, number, one, because, OrderEvent.Ours);
        var p = draft.Order.Payment(number)!;
        draft.Change(p with { OutsideRefunds = p.OutsideRefunds.Remove(one with { CameBack = true }) });
        if (one.CameBack) return;
        foreach (var taken in p.Reversals)
            if (taken.Booked is { } booked && booked.Currency == one.Amount.Currency && one.IsOf(p, taken.MoneyReference)) MoneyMachine.Reverse(draft, number, taken, booked + one.Amount, because);
    }

    /// <summary>What is kept of a refund of ours as if it were none.</summary>
    public static OutsideRefund? Of(Order order, Refund r) => order.Payment(r.Payment)!.OutsideRefunds.FirstOrDefault(o => o.RefundReference == NameOf(order, r));

    static string NameOf(Order order, Refund r) => new RefundId(order.Id, r.Number).Reference;

    static void Keep(Draft draft, int number, OutsideRefund one, RefundEvidence e)
    {
        if (e is RefundEvidence.Settled { Row: var second } && one.RowKey is not null)
        {
            if (draft.Order.Payment(number)!.OutsideRefunds.Any(o => o.RowKey == second.RowKey)) return;
            one = new OutsideRefund(second.RowKey, second.Amount, MoneyReference: one.MoneyReference) { MayBeOurs = true };
        }
        if (one.MayBeOurs) one = Book(draft, number, one, e);
        if (e is not RefundEvidence.Settled { Row: { } row } settled) return;
        one = Restate(draft, number, one, row.Amount, e);
        var p = draft.Order.Payment(number)!;
        draft.Change(p with { OutsideRefunds = p.OutsideRefunds.Replace(one, one with { RowKey = row.RowKey, Settled = row }) });
        Matched(draft, number, one, e, one.Amount, row, settled.PaidOut);
    }

    /// <summary>Nobody here asked for an amount, so the one of the statement counts, whatever was told; what is told in two currencies is exchanged.</summary>
    static OutsideRefund Restate(Draft draft, int number, OutsideRefund one, Money stated, Because because)
    {
        if (stated == one.Amount || stated.Currency != one.Amount.Currency) return one;
        var now = one with { Amount = stated };
        if (one.CameBack)
        {
            // Nothing of it is booked any more but what the row of its coming back states otherwise than this one.
            if (one.ReturnedOtherwise) OrderMachine.Resolve(draft, number, DiscrepancyKind.SettledOtherwise, because, one.Amount, "replaced", one.RefundReference);
            var p = draft.Order.Payment(number)!;
            draft.Change(p with { OutsideRefunds = p.OutsideRefunds.Replace(one, now) });
            if (one.Returned is not { } returned) return now;
            if (returned.Amount.Currency == stated.Currency) Matched(draft, number, now, because, stated, returned with { Amount = one.Amount }, reason: OrderEvent.Returned);
            else Matched(draft, number, now, because, stated, returned, reason: OrderEvent.Returned, before: one.Amount);
            if (now.ReturnedOtherwise) draft.Tell(EventType.DiscrepancyOpened, number, because, now.Amount, money: now.RefundReference, discrepancy: DiscrepancyKind.SettledOtherwise, settled: returned);
            return now;
        }
        Close(draft, number, one, now, because, "replaced");
        draft.Tell(EventType.DiscrepancyOpened, number, because, stated, money: now.RefundReference, discrepancy: DiscrepancyKind.RefundUnasked);
        foreach (var taken in draft.Order.Payment(number)!.Reversals)
        {
            if (taken.Booked is not { } booked || booked.Currency != stated.Currency || !now.IsOf(draft.Order.Payment(number)!, taken.MoneyReference)) continue;
            if (stated.CompareTo(one.Amount) > 0) RefundMachine.Explain(draft, number, taken.MoneyReference, because, stated - one.Amount);
            else MoneyMachine.Reverse(draft, number, taken, booked + (one.Amount - stated), because);
        }
        return now;
    }

    /// <summary>News that might have been of a refund of ours are, when one has their name now, or has gone back just now without a name; when there is none left that they could
    /// be of, they are of a refund that the gateway made.</summary>
    public static void Decide(Draft draft, int number, Because because)
    {
        foreach (var one in draft.Order.Payment(number)!.OutsideRefunds.Where(o => o.MayBeOurs))
        {
            var p = draft.Order.Payment(number)!;
            var ours = draft.Order.Refunds.FirstOrDefault(r => r.Payment == number && r.RefundReference == one.RefundReference)
                ?? draft.Order.Refunds.FirstOrDefault(r => r.Status == RefundStatus.Succeeded && draft.Before.Refund(r.Number) is { IsOpen: true } before && MayBe(p, one, before with { RefundReference = r.RefundReference }));
            if (ours is not null)
            {
                draft.Change(p with { OutsideRefunds = p.OutsideRefunds.Remove(one) });
                draft.Change(ours = ours with { RefundReference = one.RefundReference });
                // Its failing was told before its name was known.
                if (one.CameBack) RefundMachine.Hear(draft, ours);
            }
            else if (!draft.Order.Refunds.Any(r => MayBe(p, one, r))) Book(draft, number, one, because);
        }
    }

    /// <summary>A refund of ours waits for its answer that it may be, whatever amount a statement states of it.</summary>
    public static bool MayBeOneOf(Order order, Payment p, OutsideRefund one) => order.Refunds.Any(r => MayBe(p, one, r, stated: true));

    /// <summary>It was asked for and has no name yet, and amount and money speak not against it.</summary>
    /// <param name="stated">By a statement, which may state another amount.</param>
    static bool MayBe(Payment p, OutsideRefund one, Refund r, bool stated = false) => r.Payment == p.Number && r is { IsOpen: true, NeverLeft: false, RefundReference: null }
        && (stated || one.Amount.MinorUnits == 0 || r.Amount == one.Amount || r.Amount.Currency != one.Amount.Currency)
        && (r.MoneyReference == one.MoneyReference || !p.Captures.Any(c => c.MoneyReference == one.MoneyReference));

    static OutsideRefund Book(Draft draft, int number, OutsideRefund one, Because because)
    {
        var p = draft.Order.Payment(number)!;
        var booked = one with { MayBeOurs = false };
        draft.Change(p = p with { OutsideRefunds = p.OutsideRefunds.Remove(one).Add(booked) });
        if (booked.CameBack)
        {
            TellBack(draft, number, booked, because);
            return booked;
        }
        draft.Tell(EventType.DiscrepancyOpened, number, because, booked.Amount, money: booked.RefundReference, discrepancy: DiscrepancyKind.RefundUnasked);
        // What was taken for a reversal was this.
        foreach (var taken in p.Reversals) RefundMachine.Explain(draft, number, taken.MoneyReference, because, booked.IsOf(p, taken.MoneyReference) ? booked.Amount : null);
        return booked;
    }
}
