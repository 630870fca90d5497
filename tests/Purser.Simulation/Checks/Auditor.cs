using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Purser.Orders;
using Purser.Payments;
using Purser.Refunds;
using Purser.Server.Engine;

namespace Purser.Simulation;

/// <summary>Holds the invariants after every commit and at every answer. Looks only at what was touched, so that it costs little.</summary>
sealed class Auditor(World world)
{
    /// <summary>A broken rule tends to be broken again and again; more of it nobody reads, and the others must still be heard.</summary>
    const int MostOfOneRule = 5;

    readonly Dictionary<string, (ulong Hash, Money? Amount)> asked = new(StringComparer.Ordinal);
    readonly Dictionary<string, long> checks = new(StringComparer.Ordinal);

    public List<Violation> Violations { get; } = [];

    /// <summary>How often each rule was looked at.</summary>
    public IReadOnlyDictionary<string, long> Checks => checks;

    public void Broken(string rule, int order, string what)
    {
        if (Violations.Count(v => v.Rule == rule) < MostOfOneRule) Violations.Add(new Violation(rule, order, what, world.Time.GetUtcNow()));
        world.Trace.Tell(order, $"BROKEN {rule}: {what}");
    }

    public void Threw(Exception bug) => Broken("no bug", -1, bug.ToString());

    void Hold(string rule, int order, bool holds, [InterpolatedStringHandlerArgument("holds")] ref Why why)
    {
        Count(rule);
        if (!holds) Broken(rule, order, why.Read());
    }

    public void Count(string rule, long times = 1)
    {
        CollectionsMarshal.GetValueRefOrAddDefault(checks, rule, out _) += times;
    }

    /// <summary>The rows that a batch read are still the rows: its locks held.</summary>
    public void Before(BatchChanges changes)
    {
        foreach (var (before, _) in changes.Changed)
        {
            var stored = world.Database.Orders[before.Id];
            Hold("row lock", stored.Index, ReferenceEquals(stored.Row, before), $"an order was written over that had changed since it was read");
        }
    }

    public void After(BatchChanges changes, Transaction transaction)
    {
        foreach (var (order, _) in changes.Created) Created(world.Database.Orders[order.Id]);
        foreach (var (before, after) in changes.Changed) Changed(world.Database.Orders[after.Id], before, after, transaction);
        if (changes.Events.Count > 0) Told(changes, transaction);
        foreach (var (news, order, verdict, _) in changes.News)
        {
            var index = world.Database.IndexOf(order);
            world.Trace.Mix(index, 130, (long)verdict);
            world.Trace.Tell(index, $"news {news.EventType} {news.EventId} stored: {verdict}");
        }
        foreach (var (news, order, verdict, _) in changes.Placed)
        {
            var index = world.Database.IndexOf(order);
            world.Trace.Mix(index, 131, (long)verdict);
            world.Trace.Tell(index, $"news {news.EventType} {news.EventId} were kept aside and found their place: {verdict}");
        }
    }

    void Created(StoredOrder stored)
    {
        var wish = world.Wishes[stored.Index];
        Hold("I1 one order per wish", stored.Index, world.Database.Orders.Values.Count(o => o.Index == stored.Index) == 1 || wish.Key is null && wish.Reference is null, $"one wish became two orders");
        Hold("I5 amounts", stored.Index, stored.Row.Amount == wish.Amount && stored.Row.Amount.MinorUnits > 0, $"wished {wish.Amount}, stored {stored.Row.Amount}");
    }

    void Changed(StoredOrder stored, Order before, Order after, Transaction transaction)
    {
        var i = stored.Index;
        Hold("I5 amounts", i, after.Amount == before.Amount && after.Id == before.Id && after.Reference == before.Reference && after.Policy == before.Policy
            && after.CreatedAt == before.CreatedAt && after.ExpiresAt == before.ExpiresAt && after.Payments.All(p => p.Amount == after.Amount), $"what never changes changed");
        Hold("I10 money facts stay", i, Kept(before, after) || Denied(before, after), $"a fact about money was erased");
        Hold("domain 2 one accepted", i, after.Payments.Sum(p => p.Captures.Count(c => c.Standing == Standing.Accepted)) == (after.Status == OrderStatus.Paid ? 1 : 0)
            && (after.PaidBy is not null) == (after.Status == OrderStatus.Paid), $"{after.Status}, paid by {after.PaidBy}, accepted {Accepted(after)}");
        Hold("I3 one open payment", i, after.Policy.AllowsSecondLink || after.Payments.Count(p => p.IsOpen) <= 1, $"open at once: {string.Join(", ", after.Payments.Where(p => p.IsOpen).Select(p => $"{p.Number} {p.Status}"))}");
        Hold("a link is of one payment", i, after.Payments.All(p => p.GatewayReference is not { } link
            || world.Database.HolderOf(new GatewayName(p.Account, false, link)) == new PaymentId(after.Id, p.Number)), $"a link is of another payment, too");
        Hold("I4 money counts once", i, after.Payments.All(p => p.Captures.DistinctBy(c => c.MoneyReference).Count() == p.Captures.Length), $"the same money stands in the books twice");
        Hold("I9 given back once", i, after.Payments.All(p => p.Captures.All(c => after.Refunds.Where(r => r.Reserves && r.Payment == p.Number && r.MoneyReference == c.MoneyReference).Sum(r => r.Amount.MinorUnits) <= c.Amount.MinorUnits))
            && after.Refunds.All(r => after.Payment(r.Payment)!.Captures.Any(c => c.MoneyReference == r.MoneyReference && (c.Standing == Standing.Accepted || c.Amount == r.Amount))), $"a refund is doubled, or of money that nobody has");
        Hold("silence frees no refund", i, before.Refunds.All(r => !r.Reserves || after.Refund(r.Number)!.Reserves
            || transaction.Batch.Any(b => b.Order == after.Id && b.Inputs.Any(one => one is RefundEvidence.Failed or RefundEvidence.Rejected or RefundEvidence.Absent))), $"a refund's amount is free and nobody said no");
        Hold("I7 amounts agree", i, after.Payments.All(p => p.Captures.All(c => (c.Standing == Standing.Mismatched) == (c.Amount != after.Amount)))
            && after.Payments.All(p => p.Status != PaymentStatus.Succeeded || p.Captures.Any(c => c.Amount == after.Amount)), $"a success of another amount");
        Hold("a page that is opened starts no payment", i, after.Payments.Length == before.Payments.Length
            || transaction.Batch.Any(b => b.Order == after.Id && b.Inputs.Any(one => one is not OrderCommand.HandOut)), $"a form's page was opened, and payment {after.Payments.Length} began");
        Hold("every open thing has an alarm", i, (after.Status != OrderStatus.AwaitingPayment || after.WakeAt is not null)
            && after.Payments.All(p => !(p.IsOpen || p.AwaitsSecondWord) || p.LookAt is not null) && after.Refunds.All(r => !r.IsOpen || r.LookAt is not null), $"nobody will ever look");
        foreach (var p in after.Payments)
        {
            var was = before.Payment(p.Number);
            if (was is null)
            {
                Hold("a payment goes where it can be paid", i, world.Rules.Routing.Account(p.Account)?.WhyNot(p.Amount, after.Customer.Country, p.Method) is null, $"{p.Amount} went to {p.Account}");
                continue;
            }
            Hold("domain 1 a reference is frozen", i, p.Account == was.Account && p.StartedAt == was.StartedAt && p.ReturnUrl == was.ReturnUrl
                && p.LinkExpiresAt == was.LinkExpiresAt, $"payment {p.Number}'s request changed");
            foreach (var capture in p.Captures)
                if (!was.Captures.Any(c => c.MoneyReference == capture.MoneyReference && c.Amount == capture.Amount)) TookMoney(stored, p, capture);
            if (was.Status != p.Status && !p.IsOpen)
                Hold("no payment ends by the clock", i, transaction.Batch.Any(input => input.Order == after.Id && input.Inputs.Any(one => one is not OrderInput.Tick)),
                    $"payment {p.Number} went from {was.Status} to {p.Status} on a tick");
        }
        if (after.Payments.Any(p => p.Link is not null && before.Payment(p.Number)?.Link is null)) LinkMade(i);
        foreach (var p in after.Payments)
            if (p.Status == PaymentStatus.Succeeded && before.Payment(p.Number)?.Status != PaymentStatus.Succeeded) Evidenced(stored, p);
    }

    static string Accepted(Order order) => string.Join(", ", order.Payments.SelectMany(p => p.Captures.Where(c => c.Standing == Standing.Accepted).Select(c => c.MoneyReference)));

    static bool Kept(Order before, Order after)
    {
        if (before.Status == OrderStatus.Paid && (after.Status != OrderStatus.Paid || after.PaidBy != before.PaidBy)) return false;
        if (after.Payments.Length < before.Payments.Length || after.Refunds.Length < before.Refunds.Length) return false;
        foreach (var p in before.Payments)
        {
            var now = after.Payment(p.Number)!;
            if (p.Status == PaymentStatus.Succeeded && now.Status != PaymentStatus.Succeeded) return false;
            foreach (var c in p.Captures)
                if (!now.Captures.Any(k => k.MoneyReference == c.MoneyReference && (c.Standing == Standing.Mismatched || (k.Amount == c.Amount && k.Standing == c.Standing)))) return false;
        }
        return true;
    }

    /// <summary>Of an order that nobody fulfilled, the gateway truly took all that paid it back, and the order is cancelled.</summary>
    bool Denied(Order before, Order after)
    {
        if (before is not { Status: OrderStatus.Paid, FulfilledAt: null, PaidBy: { } paid, Policy.Failed: FailedPolicy.Cancel } || after is not { Status: OrderStatus.Cancelled, PaidBy: null }) return false;
        var (was, now) = (before.Payment(paid)!, after.Payment(paid)!);
        var tries = world.Gateways.Single(g => g.Account == was.Account).AllByReference(new PaymentId(before.Id, paid).Reference).SelectMany(l => l.Tries).ToList();
        return now is { Status: PaymentStatus.Failed, Captures: [] } && was.Captures.All(c => now.Denied.Any(d => d.MoneyReference == c.MoneyReference)
                && tries.Exists(t => t.TakenBack && t.Id == c.MoneyReference) && !tries.Exists(t => t.CapturedAt is not null && t.Id == c.MoneyReference))
            && before.Payments.Where(p => p.Number != paid).All(p => p.Captures.All(c => after.Payment(p.Number)!.Captures.Any(k => k.MoneyReference == c.MoneyReference)));
    }

    /// <summary>Money in our books with the right amount is money that the gateway holds.</summary>
    void TookMoney(StoredOrder stored, Payment p, Capture capture)
    {
        if (capture.Standing == Standing.Mismatched) return;
        var links = world.Gateways.Single(g => g.Account == p.Account).AllByReference(new PaymentId(stored.Row.Id, p.Number).Reference);
        Hold("I6 no success without money", stored.Index,
            links.Any(l => l.Tries.Any(t => t.Id == capture.MoneyReference && t.Amount == capture.Amount && (t.CapturedAt is not null || t.TakenBack))), $"we believe {capture.Amount} as {capture.MoneyReference}, gateway holds {(links is [.., { Money: { } money }] ? money.Amount.ToString() : "nothing")}, order {stored.Row.Id}");
    }

    /// <summary>The proof is stored: the news that told it, or what the gateway answered to us.</summary>
    void Evidenced(StoredOrder stored, Payment p)
    {
        var told = stored.Events.FindLast(e => e.Payment == p.Number && e.Type is EventType.PaymentSucceeded or EventType.PaymentLate or EventType.PaymentDuplicate);
        Hold("I6 evidence is stored", stored.Index, told is { RawKey: { } key } && told.Source switch
        {
            EvidenceSource.Webhook => world.Database.News.Find(p.Account, key) is not null,
            EvidenceSource.Settlement => world.Database.Statements.Has(p.Account, key),
            _ => stored.CallKeys.Contains(key),
        }, $"payment {p.Number} succeeded by {told?.Source} {told?.RawKey}, which nobody kept");
    }

    void Told(BatchChanges changes, Transaction transaction)
    {
        foreach (var group in changes.Events.GroupBy(e => e.Order))
        {
            var stored = world.Database.Orders[group.Key];
            var events = stored.Events;
            var first = events.Count - group.Count();
            var numbered = true;
            for (var n = first; n < events.Count; n++) numbered &= events[n].Sequence == n + 1;
            Hold("domain 6 events 1..n", stored.Index, numbered && stored.Row.Sequence == events.Count, $"{events.Count} events, the row says {stored.Row.Sequence}");
            // What a node reckoned of the clock is compared with the clock itself: as it was when the transaction began, and as it is now.
            var (earliest, latest) = (transaction.Began - OrderStore.ReckonedWithin, world.Time.GetUtcNow() + OrderStore.ReckonedWithin);
            Hold("I13 the database's clock", stored.Index, group.All(e => e.At == transaction.Now && e.At >= earliest && e.At <= latest), $"an event is dated {transaction.Now:HH:mm:ss}, and the clock says {earliest:HH:mm:ss} to {latest:HH:mm:ss}");
            foreach (var e in group)
            {
                world.Trace.Mix(stored.Index, 140 + (long)e.Type, e.Sequence);
                world.Trace.Tell(stored.Index, $"{e.Type.Name()} #{e.Sequence} payment {e.Payment} {e.Amount} {e.Reason} ({e.Source} {e.RawKey}); order {e.OrderStatus}");
            }
            foreach (var e in group)
                if (e is { Source: EvidenceSource.Settlement, RawKey: { } row } && TellsOfMoney.Contains(e.Type))
                    Hold("I7 a row is believed as it says", stored.Index, world.Database.Statements.Said(row)?.Amount == e.Amount, $"row {row} says {world.Database.Statements.Said(row)?.Amount}, and by it {e.Amount} came");
            try
            {
                var folded = OrderHistory.Fold(events);
                Hold("I24 events fold to the row", stored.Index, folded.Equals(OrderSummary.Of(stored.Row)), $"the events tell another story than the row");
            }
            catch (InvalidOperationException impossible)
            {
                Hold("I10 only declared moves", stored.Index, false, $"{impossible.Message}");
            }
        }
        foreach (var told in changes.Events.Select(e => e.Order).Distinct()) Suspended(world.Database.Orders[told]);
        foreach (var entry in changes.Postings.GroupBy(p => (p.Order, p.Sequence, p.Amount.Currency)))
            Hold("I12 postings balance", world.Database.IndexOf(entry.Key.Order), entry.Sum(p => p.Amount.MinorUnits) == 0, $"event {entry.Key.Sequence}'s postings do not balance");
    }

    /// <summary>What waits in suspense waits for the answer to a question, or for a refund that is under way.</summary>
    void Suspended(StoredOrder stored)
    {
        var waits = stored.Postings.Where(p => p.Account == "suspense").GroupBy(p => p.Amount.Currency).Where(g => g.Sum(p => p.Amount.MinorUnits) != 0).Select(g => g.Key.Code).ToList();
        var asked = stored.Row.Refunds.Any(r => r.IsOpen) || stored.Row.Questions.Any(q =>
            q.Kind is DiscrepancyKind.AmountMismatch or DiscrepancyKind.RefundFailed or DiscrepancyKind.SettledOtherwise or DiscrepancyKind.SettledTwice);
        Hold("I12 an answered question leaves nothing in suspense", stored.Index, asked || waits.Count == 0, $"{string.Join(", ", waits)} of {stored.Row.Id} waits in suspense, and nobody is asked");
    }

    public static readonly EventType[] TellsOfMoney = [EventType.PaymentSucceeded, EventType.PaymentLate, EventType.PaymentDuplicate, EventType.PaymentAmountMismatch];

    /// <summary>A question for a link has arrived: its key was committed before, and it is the same question as ever.</summary>
    public void LinkAsked(string account, string reference, Money? amount, ReadOnlySpan<byte> request)
    {
        var known = PaymentId.TryParseReference(reference, out var id);
        var stored = known ? world.Database.Orders.GetValueOrDefault(id.Order) : null;
        var index = stored?.Index ?? -1;
        Hold("I2 keys are committed first", index, stored?.Row.Payment(id.Number) is { } p && p.Account == account, $"{account} was asked for {reference}, which the store does not know");
        var hash = BitConverter.ToUInt64(SHA256.HashData(request));
        var before = asked.TryGetValue(account + reference, out var first) ? first : (hash, amount);
        asked[account + reference] = before;
        Hold("I2 a repetition has the same bytes", index, before.Item1 == hash, $"{reference} was asked for again in other words");
        if (amount is { } wanted && stored is not null)
            Hold("I7 links ask for the order's amount", index, wanted == stored.Row.Amount, $"a link for {wanted} instead of {stored.Row.Amount}");
    }

    /// <summary>A question for a refund has arrived: it was committed before, for this amount, and it is the same question as ever.</summary>
    public void RefundAsked(string account, string reference, Money amount, ReadOnlySpan<byte> request)
    {
        var stored = RefundId.TryParseReference(reference, out var id) ? world.Database.Orders.GetValueOrDefault(id.Order) : null;
        var index = stored?.Index ?? -1;
        var ours = stored?.Row.Refund(id.Number);
        Hold("I2 keys are committed first", index, ours is not null && stored!.Row.Payment(ours.Payment)!.Account == account && ours.Amount == amount,
            $"{account} was asked to give {amount} back as {reference}, which the store does not know so");
        var hash = BitConverter.ToUInt64(SHA256.HashData(request));
        var before = asked.TryGetValue(account + reference, out var first) ? first : (hash, amount);
        asked[account + reference] = before;
        Hold("I2 a repetition has the same bytes", index, before.Item1 == hash, $"{reference} was asked for again in other words");
    }

    /// <summary>No two links of one order, at whatever gateways, can be paid, unless its policy takes the risk.</summary>
    public void LinkMade(int order)
    {
        if (order < 0) return;
        var now = world.Time.GetUtcNow();
        var payable = world.Gateways.SelectMany(g => g.Links).Where(l => l.Order == order && l.Payable(now)).ToList();
        Hold("I3 one payable link", order, payable.Count <= 1 || world.Wishes[order].Policy.AllowsSecondLink, $"payable at once: {string.Join(", ", payable.Select(l => $"{l.Reference} ({l.Amount})"))}");
    }

    /// <summary>A form goes out again only when nothing came of its last posting: none of its tries is paid or under way, but what no answer of the last
    /// minute could tell of yet. A page that is loaded twice is one visit.</summary>
    /// <param name="asked">When the shopper asked for it.</param>
    public void HandedOut(PaymentId payment, string account, DateTimeOffset asked)
    {
        if (visits.TryGetValue(payment, out var visit) && asked <= visit + OneVisit) return;
        visits[payment] = asked;
        var gateway = world.Gateways.Single(g => g.Account == account);
        foreach (var link in gateway.AllByReference(payment.Reference))
        {
            var alive = link.Tries.Find(t => t.State.Now != TryState.Failed && t.KnownFrom < asked && gateway.QuestionsTellOf(link, t)
                && !gateway.Answers.Exists(a => a.Order == link.Order && a.At >= asked - AnswersCount && a.AsOf <= t.KnownFrom));
            Hold("I3 a form is handed out once per try", link.Order, alive is null, $"the form of {payment} goes out at {asked:HH:mm:ss}, and its try {alive?.Id} of {alive?.At:HH:mm:ss} is {alive?.State.Now}");
        }
    }

    static readonly TimeSpan OneVisit = TimeSpan.FromSeconds(16);

    /// <summary>A minute, and the seconds that a question and its answer take.</summary>
    static readonly TimeSpan AnswersCount = TimeSpan.FromSeconds(75);

    readonly Dictionary<PaymentId, DateTimeOffset> visits = [];

    public void NewsPromised(string account, string eventId, Notice notice)
    {
        world.Post.Promised.Add((account, eventId));
        Hold("I16 what is answered 2xx is stored", notice.Link.Order, world.Post.IsKept(account, eventId), $"{notice.Type} {eventId} was answered with 2xx and is not stored");
    }

    /// <summary>The words for a broken rule; put together only then.</summary>
    [InterpolatedStringHandler]
    public ref struct Why
    {
        DefaultInterpolatedStringHandler inner;

        public Why(int literalLength, int formattedCount, bool holds, out bool wanted)
        {
            wanted = !holds;
            if (wanted) inner = new DefaultInterpolatedStringHandler(literalLength, formattedCount);
        }

        public void AppendLiteral(string value) => inner.AppendLiteral(value);

        public void AppendFormatted<T>(T value, string? format = null) => inner.AppendFormatted(value, format);

        public string Read() => inner.ToStringAndClear();
    }
}
