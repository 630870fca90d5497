using Purser.Ledger;
using Purser.Orders;
using Purser.Payments;
using Purser.Refunds;
using Purser.Server.Engine;
using Purser.Server.Explanation;

namespace Purser.Server.Audit;

/// <summary>A row that is not what the events say, or not what was written.</summary>
/// <param name="Row">What identifies it for a person: <c>evt_..._3</c>, <c>pay_..._1</c>.</param>
public sealed record Difference(string Table, string Row, string What)
{
    public override string ToString() => $"{Table}, {Row}: {What}";
}

/// <summary>Recomputes an order from its events and names the first row that differs.</summary>
public static class Examination
{
    public static Difference? Of(KeptOrder kept)
    {
        if (kept.Row is null && kept.Events.Count == 0)
            return new Difference("orders", kept.Id.ToString(), "the order is not there and has no events, but other tables have rows of it.");
        if (Chain(kept) is { } broken) return broken;
        if (kept.Row is not { } row) return new Difference("orders", kept.Id.ToString(), $"the order is not there, but {kept.Events.Count} events tell of it.");

        var events = new List<OrderEvent>();
        foreach (var e in kept.Events)
        {
            try
            {
                events.Add(ExplanationStore.Event(kept.Id, e.Sequence, e.Type, e.At, e.Text));
            }
            catch (Exception unreadable) when (unreadable is System.Text.Json.JsonException or KeyNotFoundException or ArgumentException or InvalidOperationException or FormatException)
            {
                return new Difference("events", Name(kept, e.Sequence), $"it cannot be read: {unreadable.Message}");
            }
        }
        OrderSummary told;
        try
        {
            told = OrderHistory.Fold(events);
        }
        catch (InvalidOperationException impossible)
        {
            return new Difference("events", kept.Id.ToString(), impossible.Message);
        }
        return Terms(row, events[0]) ?? Outside(row, events) ?? Summary(kept.Id, OrderSummary.Of(row), told) ?? Captured(row, kept.Captured) ?? Captures(kept, row, events) ?? Beside(row, events) ?? Postings(kept, events) ?? Questions(kept, events);
    }

    /// <summary>From the first event to the last, and to the order's own row, which holds the last hash: so an end that was cut off is missed.</summary>
    static Difference? Chain(KeptOrder kept)
    {
        byte[] hash = [];
        var before = 0;
        foreach (var e in kept.Events)
        {
            if (e.Sequence != before + 1)
                return new Difference("events", Name(kept, before + 1), $"the event is not there; after {(before == 0 ? "nothing" : Name(kept, before))} comes {Name(kept, e.Sequence)}.");
            hash = EventChain.Next(hash, kept.Id, e.Sequence, e.Type, e.At, e.Text);
            if (e.Hash.Length == 0)
                return new Difference("events", Name(kept, e.Sequence), "it has no hash: an older program wrote it while nodes were being replaced, or somebody did by hand.");
            if (!hash.AsSpan().SequenceEqual(e.Hash))
                return new Difference("events", Name(kept, e.Sequence), $"this {e.Type.Name()} is not what was written, for its hash does not fit what it says and what came before it.");
            before = e.Sequence;
        }
        if (kept.Row is not { } row) return null;
        if (row.Sequence > before) return new Difference("events", Name(kept, before + 1), $"the event is not there; the order stands at number {row.Sequence}.");
        if (row.Sequence < before) return new Difference("orders", kept.Id.ToString(), $"it stands at number {row.Sequence}, and its events end at {before}.");
        return hash.AsSpan().SequenceEqual(kept.Hash) ? null : new Difference("orders", kept.Id.ToString(), "its hash is not that of its latest event.");
    }

    /// <summary>What the order is for does not change after its first event.</summary>
    static Difference? Terms(Order row, OrderEvent created)
    {
        Difference Differs(string what) => new("orders", row.Id.ToString(), what);
        if (row.Amount != created.Amount) return Differs($"it is for {row.Amount}, and was created for {created.Amount}.");
        if (row.CreatedAt != created.At) return Differs($"it says that it was created at {row.CreatedAt:O}, and was at {created.At:O}.");
        foreach (var p in row.Payments)
            if (p.Amount != row.Amount) return new Difference("payments", new PaymentId(row.Id, p.Number).ToString(), $"it is for {p.Amount}, and its order for {row.Amount}.");
        return null;
    }

    static Difference? Captured(Order row, long captured) => captured == row.Captured.MinorUnits ? null : new Difference("orders", row.Id.ToString(),
        $"it says that {new Money(captured, row.Amount.Currency)} were captured, and its payments have {row.Captured}.");

    static Difference? Summary(OrderId id, OrderSummary row, OrderSummary told)
    {
        Difference Differs(string what) => new("orders", id.ToString(), what);
        if (row.Equals(told)) return null;
        if (row.Status != told.Status) return Differs($"it is {Word(row.Status)}, and its events say {Word(told.Status)}.");
        if (row.PaidBy != told.PaidBy) return Differs($"it is paid by {Number(row.PaidBy)}, and its events say by {Number(told.PaidBy)}.");
        if (row.Late != told.Late) return Differs(row.Late ? "it is marked late, and its events do not say so." : "its events say that it was paid late, and it is not marked so.");
        if (row.Fulfilled != told.Fulfilled) return Differs(row.Fulfilled ? "it is fulfilled, and no event says so." : "its events say that it was fulfilled, and it is not.");
        for (var i = 0; i < Math.Max(row.Payments.Length, told.Payments.Length); i++)
        {
            var (kept, said) = (row.Payments.ElementAtOrDefault(i), told.Payments.ElementAtOrDefault(i));
            if (Equals(kept, said)) continue;
            return new Difference("payments", new PaymentId(id, i + 1).ToString(), kept is null ? "the payment is not there, and events tell of it."
                : said is null ? "no event tells of this payment." : Payment(kept, said));
        }
        for (var i = 0; i < Math.Max(row.Refunds.Length, told.Refunds.Length); i++)
        {
            var (kept, said) = (row.Refunds.ElementAtOrDefault(i), told.Refunds.ElementAtOrDefault(i));
            if (Equals(kept, said)) continue;
            return new Difference("refunds", new RefundId(id, i + 1).ToString(), kept is null ? "the refund is not there, and events tell of it."
                : said is null ? "no event tells of this refund." : $"it is {kept}, and its events say {said}.");
        }
        var open = row.Questions.Except(told.Questions).Concat(told.Questions.Except(row.Questions)).Select(q => $"{Word(q.Kind)} of {new PaymentId(id, q.Payment)}");
        return Differs($"the row and the events do not have the same open questions: {string.Join(", ", open.Distinct())}.");
    }

    static string Payment(PaymentSummary kept, PaymentSummary said)
    {
        if (kept.Status != said.Status) return $"it is {Word(kept.Status)}, and its events say {Word(said.Status)}.";
        if (kept.Account != said.Account) return $"it is at {kept.Account}, and its events say {said.Account}.";
        if (kept.Dispute != said.Dispute) return $"its dispute is {Word(kept.Dispute)}, and its events say {Word(said.Dispute)}.";
        if (!kept.Disputes.SequenceEqual(said.Disputes)) return $"its disputes are {Words(kept)}, and its events say {Words(said)}.";
        foreach (var capture in kept.Captures)
            if (!said.Captures.Contains(capture)) return $"it has {capture.Amount} as {capture.MoneyReference}{Other(said, capture)}.";
        return said.Captures.FirstOrDefault(c => !kept.Captures.Contains(c)) is { } missing
            ? $"its events tell of {missing.Amount} as {missing.MoneyReference}, and it does not have that money."
            : $"it is {kept}, and its events say {said}.";

        static string Words(PaymentSummary p) => p.Disputes.IsEmpty ? "none" : string.Join("; ", p.Disputes.Select(d => $"{d.Reference} {Word(d.State)}, {d.Taken} taken, {d.Returned?.ToString() ?? "nothing"} returned"));

        static string Other(PaymentSummary said, CaptureSummary capture) => said.Captures.FirstOrDefault(c => c.MoneyReference == capture.MoneyReference) is { } other
            ? other.Amount == capture.Amount ? ", and its events tell of another row of a statement for it" : $", and its events say {other.Amount}"
            : ", and no event tells of that money";
    }

    /// <summary>What of captured money the summary does not hold: when it came, what was made of it, all that its statement's row says; and the table of
    /// captures, which has money once, with its day.</summary>
    static Difference? Captures(KeptOrder kept, Order row, List<OrderEvent> events)
    {
        foreach (var p in row.Payments)
            foreach (var c in p.Captures)
            {
                Difference Differs(string what) => new("payments", new PaymentId(row.Id, p.Number).ToString(), $"it has {c.Amount} as {c.MoneyReference}, {what}");
                var told = events.FindAll(e => e.Payment == p.Number && e.MoneyReference == c.MoneyReference
                    && e.Type is EventType.PaymentSucceeded or EventType.PaymentLate or EventType.PaymentDuplicate or EventType.PaymentAmountMismatch);
                if (c.At != told[^1].At) return Differs($"taken at {c.At:O}, and its event is of {told[^1].At:O}.");
                if (!Standings(told[^1], row).Contains(c.Standing)) return Differs($"which stands as {Word(c.Standing)}, and its event is {told[^1].Type.Name()}.");
                var settled = events.FindLast(e => e is { Type: EventType.SettlementMatched, Refund: null, Discrepancy: null } && e.Payment == p.Number && e.MoneyReference == c.MoneyReference)?.Settled;
                if (c.Settled != settled) return Differs($"settled as {c.Settled?.ToString() ?? "nothing"}, and its events say {settled?.ToString() ?? "nothing"}.");

                Difference Wrong(string what) => new("captures", $"{p.Account}/{c.MoneyReference}", $"{what} ({new PaymentId(row.Id, p.Number)}).");
                if (kept.Captures.Find(k => k.Account == p.Account && k.MoneyReference == c.MoneyReference) is not { } entry) return Wrong("the row is not there");
                if (entry.Payment != p.Number) return Wrong($"it is of payment {entry.Payment}");
                // Money that was told again with the right amount keeps the day of the first.
                if (told.Count == 1 && entry.DueOn != c.Expected?.DueOn) return Wrong($"it is due {Day(entry.DueOn)}, and its payment says {Day(c.Expected?.DueOn)}");
                if (entry.SettledOn is null != c.Settled is null || (c.Settled?.On is { } on && entry.SettledOn != on))
                    return Wrong($"it was settled {Day(entry.SettledOn)}, and its payment says {Day(c.Settled?.On)}");
            }
        return null;

        static string Day(DateOnly? day) => day?.ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture) ?? "never";
    }

    /// <summary>What went back unasked, what statements say of refunds and which were refused, and what answers moved.</summary>
    static Difference? Outside(Order row, List<OrderEvent> events) => (OutsideHistory.Differs(row, events) ?? AnswerHistory.Differs(row, events)) is { } differs
        ? new Difference(differs.Row.StartsWith(RefundId.Prefix, StringComparison.Ordinal) ? "refunds" : "payments", differs.Row, differs.What) : null;

    /// <summary>Further rows of statements, what others gave back, and what is expected.</summary>
    static Difference? Beside(Order row, List<OrderEvent> events) => CaptureHistory.Differs(row, events) is { } differs ? new Difference("payments", differs.Row, differs.What) : null;

    /// <summary>Late money pays the order by its policy, or when a person says so later.</summary>
    static Standing[] Standings(OrderEvent told, Order row) => told.Type switch
    {
        EventType.PaymentSucceeded => [Standing.Accepted],
        EventType.PaymentLate => row.Late && row.PaidBy == told.Payment ? [Standing.Accepted, Standing.Late] : [Standing.Late],
        EventType.PaymentDuplicate => [Standing.Duplicate],
        _ => [Standing.Mismatched],
    };

    static Difference? Postings(KeptOrder kept, List<OrderEvent> events)
    {
        var right = events.SelectMany(e => Books.Of(e)).ToDictionary(p => (p.Sequence, p.Line));
        foreach (var p in kept.Postings)
        {
            if (!right.Remove((p.Sequence, p.Line), out var said))
                return new Difference("postings", Line(p), $"{p.Amount} on {p.Account}, which no event accounts for.");
            if (p != said) return new Difference("postings", Line(p), $"it has {p.Amount} on {p.Account}, and its event makes {said.Amount} on {said.Account}.");
        }
        return right.Values.OrderBy(p => (p.Sequence, p.Line)).FirstOrDefault() is { } missing
            ? new Difference("postings", Line(missing), $"the posting is not there: {missing.Amount} on {missing.Account}.")
            : null;

        string Line(Posting p) => $"{Name(kept, p.Sequence)} line {p.Line}";
    }

    static Difference? Questions(KeptOrder kept, List<OrderEvent> events)
    {
        var right = new SortedDictionary<int, KeptQuestion>();
        foreach (var e in events)
            if (e is { Type: EventType.DiscrepancyOpened, Payment: { } payment, Discrepancy: { } kind, Amount: { } amount })
                right.Add(e.Sequence, new KeptQuestion(e.Sequence, payment, kind, e.MoneyReference, amount.MinorUnits, amount.Currency.Code, e.At, null, null));
            else if (e.Type == EventType.DiscrepancyResolved)
                foreach (var (sequence, q) in right.ToList())
                    if (q.ResolvedAt is null && (q.Payment, q.Kind, q.MoneyReference) == (e.Payment, e.Discrepancy, e.MoneyReference))
                        right[sequence] = q with { ResolvedAt = e.At, Resolution = e.Reason };
        foreach (var q in kept.Questions)
        {
            if (!right.Remove(q.Sequence, out var said)) return Differs(q, "no event opened this discrepancy.");
            if (q != said) return Differs(q, $"the discrepancy is {Say(q)}; its events say {Say(said)}.");
        }
        return right.Values.FirstOrDefault() is { } missing ? Differs(missing, $"the discrepancy is not there: {Say(missing)}.") : null;

        Difference Differs(KeptQuestion q, string what) => new("discrepancies", Name(kept, q.Sequence), what);
        static string Say(KeptQuestion q) =>
            $"{Word(q.Kind)} about {new Money(q.Amount, Currency.Find(q.Currency))}{(q.MoneyReference is { } money ? $" as {money}" : "")} of payment {q.Payment}, " +
            $"opened {q.OpenedAt:u}, {(q.ResolvedAt is { } at ? $"resolved {at:u} ({q.Resolution})" : "open")}";
    }

    static string Name(KeptOrder kept, int sequence) => $"evt_{kept.Id.Letters}_{sequence}";

    static string Word<T>(T value)
        where T : struct, Enum => EventNames.Snake(value.ToString()).Replace('_', ' ');

    static string Number(int? payment) => payment is { } number ? $"payment {number}" : "nothing";
}
