using Purser.Payments;

namespace Purser.Orders;

/// <summary>What news and statements' rows make of the disputes about one payment. Total and pure like <see cref="OrderMachine"/>, of which it is a part. It is
/// a join: the later telling of an amount counts, a closed dispute stays closed, and a row outranks all news. What is told with events is what the
/// books have of it: each amount that changes is told anew, with the one that it replaces.</summary>
static class DisputeMachine
{
    /// <returns>False: see <see cref="Refusal.DisputeUnclear"/>.</returns>
    public static bool Open(Draft draft, Payment p, Evidence.DisputeOpened e) => Learn(draft, p, e, e.DisputeReference, e.Amount, e.RowKey, end: null);

    /// <returns>False: see <see cref="Refusal.DisputeUnclear"/>.</returns>
    public static bool Close(Draft draft, Payment p, Evidence.DisputeClosed e) =>
        Learn(draft, p, e, e.DisputeReference, e.Amount, e.RowKey, e.Won ? DisputeState.Won : DisputeState.Lost);

    /// <param name="name">Null in a row that does not say which dispute it is of.</param>
    static bool Learn(Draft draft, Payment p, Evidence e, string? name, Money amount, string? row, DisputeState? end)
    {
        if (e.GatewayReference is { } link) draft.Change(p = p with { GatewayReference = p.GatewayReference ?? link });
        p = Before(draft, p);
        if (row is not null && p.Disputes.Any(d => d.TakenRow == row || d.ReturnedRow == row)) return true;
        if ((name ?? row) is not { } known) throw new ArgumentException("A dispute has a name, or the row that tells of it has.", nameof(e));
        var (found, unclear) = Find(p, name, amount, row is not null, end is null);
        if (unclear) return false;
        if (found is not { } d)
        {
            d = new Dispute(p.Disputes.Any(x => x.IsCalled(known)) ? row! : known, DisputeState.Open)
            {
                GatewayName = row is null ? null : name, Taken = amount, ToldAt = row is null ? e.At : DateTimeOffset.MinValue, TakenRow = end is null ? row : null,
            };
            Change(draft, p.Number, null, d);
            draft.Tell(EventType.DisputeOpened, p.Number, e, amount, money: d.Reference);
        }
        else
        {
            var before = d;
            if (name is not null && !d.IsNamed) d = d with { GatewayName = name };
            if (row is not null && end is null) d = d with { TakenRow = row, Taken = amount };
            else if (row is null && d.TakenRow is null && IsLater(e.At, amount, d)) d = d with { Taken = amount, ToldAt = e.At };
            Amend(draft, p.Number, before, d, e);
            d = draft.Order.Payment(p.Number)!.Disputes.First(x => x.Reference == before.Reference);
        }
        if (row is not null && end is not null) Return(draft, p.Number, d, amount, row, e);
        else if (end is { } ended && ended > d.State && d.ReturnedRow is null) End(draft, p.Number, d, ended, e);
        return true;
    }

    /// <summary>A program from before disputes stood by themselves may have told of one beside this one.</summary>
    static Payment Before(Draft draft, Payment p)
    {
        if (p.Dispute == DisputeState.None || !p.Disputes.IsEmpty) return p;
        var all = p.Captures.FirstOrDefault(c => c.Standing == Standing.Accepted)?.Amount ?? p.Amount;
        p = p with { Disputes = [new Dispute(Dispute.Nameless, p.Dispute) { Taken = all, ToldAt = DateTimeOffset.MinValue, Returned = p.Dispute == DisputeState.Won ? all : null }] };
        draft.Change(p);
        return p;
    }

    /// <summary>Which of the known disputes it is about: by name; else one whose name nobody has told, of the same amount rather than another.</summary>
    static (Dispute? Known, bool Unclear) Find(Payment p, string? name, Money amount, bool isRow, bool opens)
    {
        bool IsFree(Dispute d) => !isRow || (opens ? d.TakenRow : d.ReturnedRow) is null;
        (bool, bool, bool) Rank(Dispute d) => (d.Taken != amount, isRow && !opens && (d.State, d.Returned) is not (DisputeState.Won, not null), isRow && !opens && d.TakenRow is null);
        if (name is not null && p.Disputes.Where(d => d.IsCalled(name)).ToList() is { Count: > 0 } called) return (called.Find(IsFree), false);
        var free = p.Disputes.Where(d => IsFree(d) && (name is null || !d.IsNamed)).OrderBy(Rank).ThenBy(d => d.Reference, StringComparer.Ordinal).ToList();
        if (free is not [var best, ..]) return (null, false);
        return (best, isRow && name is null && p.Disputes.Length > 1 && (IsAnother() || IsOneOfTwo()));

        // Only its amount says that it is this one; of what came back a part may be missing, but nothing is added.
        bool IsAnother() => best.Taken != amount && (opens || free.Count > 1 || (amount.Currency == best.Taken.Currency && amount.CompareTo(best.Taken) > 0));

        // Two of which nobody told a name are the same to everybody.
        bool IsOneOfTwo() => free is [_, var next, ..] && Rank(next) == Rank(best) && (best.IsNamed || next.IsNamed);
    }

    /// <summary>Of two amounts told at once the greater one counts, so that their order does not.</summary>
    static bool IsLater(DateTimeOffset at, Money amount, Dispute d) => at != d.ToldAt ? at > d.ToldAt
        : amount.Currency == d.Taken.Currency ? amount.MinorUnits > d.Taken.MinorUnits
        : string.CompareOrdinal(amount.Currency.Code, d.Taken.Currency.Code) > 0;

    /// <summary>Won by news, it gives back what it took, until a row says how much that was.</summary>
    static void Amend(Draft draft, int number, Dispute before, Dispute after, Evidence e)
    {
        var follows = after is { Returned: not null, ReturnedRow: null } && after.Taken != before.Taken;
        if (follows) after = after with { Returned = after.Taken };
        Change(draft, number, before, after);
        if (after.Taken != before.Taken) draft.Tell(EventType.DisputeOpened, number, e, after.Taken, money: after.Reference, replaces: before.Taken);
        if (follows) draft.Tell(EventType.DisputeClosed, number, e, after.Taken, money: after.Reference, replaces: before.Returned, reason: PaymentMachine.Won);
    }

    static void End(Draft draft, int number, Dispute d, DisputeState end, Evidence e)
    {
        var won = end == DisputeState.Won;
        Change(draft, number, d, d with { State = end, Returned = won ? d.Taken : null });
        draft.Tell(EventType.DisputeClosed, number, e, d.Taken, money: d.Reference, replaces: d.Returned, reason: won ? PaymentMachine.Won : PaymentMachine.Lost);
    }

    /// <summary>Money that is there again is there, whatever was said of the dispute.</summary>
    static void Return(Draft draft, int number, Dispute d, Money amount, string row, Evidence e)
    {
        Change(draft, number, d, d with { State = DisputeState.Won, Returned = amount, ReturnedRow = row });
        if (d.State != DisputeState.Won || d.Returned != amount)
            draft.Tell(EventType.DisputeClosed, number, e, amount, money: d.Reference, replaces: d.Returned, reason: PaymentMachine.Won);
    }

    static void Change(Draft draft, int number, Dispute? before, Dispute after)
    {
        var p = draft.Order.Payment(number)!;
        var disputes = before is null ? p.Disputes.Add(after) : p.Disputes.Replace(before, after);
        draft.Change(p with { Disputes = disputes, Dispute = Dispute.Together(disputes.Select(d => d.State)) });
    }
}
