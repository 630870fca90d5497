using System.Runtime.CompilerServices;
using System.Text.Json;
using Purser.Gateways;
using Purser.Orders;
using Purser.Payments;
using Purser.Reconciliation;
using Purser.Refunds;
using Purser.Server.Engine;

namespace Purser.Simulation;

/// <summary>Judges a world that has come to rest: what the gateways hold against what our books say.</summary>
sealed class Quiet(World world)
{
    /// <summary>One in so many captures, and two besides in a small world.</summary>
    const int MostHidden = 25;

    readonly List<(WorldGateway Gateway, Money Amount)> left = [];
    /// <summary>What banks have of our money at each gateway, as far as anybody told us.</summary>
    readonly List<(WorldGateway Gateway, Money Amount)> disputed = [];
    readonly Telling telling = new(world);
    /// <summary>Captures that no question tells of, for a later try on the same reference hides them.</summary>
    int hidden;

    public void Judge()
    {
        foreach (var stored in world.Database.Orders.Values) Ended(stored);
        foreach (var gateway in world.Gateways)
        {
            foreach (var link in gateway.Links) Compare(gateway, link);
            foreach (var dispute in gateway.Disputes) Compare(gateway, dispute);
            foreach (var money in gateway.Refunds.Select(r => r.MoneyId).Concat(gateway.Returned.Select(r => r.MoneyId)).Distinct()) GivenBack(gateway, money);
            Balance(gateway);
            world.Scenarios.Judge(gateway);
        }
        Check("I4 questions tell of nearly all money", -1, hidden * MostHidden <= world.Captures + (2 * MostHidden), $"{hidden} of {world.Captures} captures are told of by no question");
        foreach (var news in world.Database.News.All) Placed(news);
        world.StatementAuditor.Judge();
        world.Open.Judge();
        foreach (var (account, id) in world.Post.Promised)
            Check("I16 nothing promised is missing", -1, world.Post.IsKept(account, id), $"{account} {id} was answered with 2xx and is gone");
    }

    /// <summary>What was kept aside for want of something that is there by now was read again since, and has its place.</summary>
    void Placed(StoredNews news)
    {
        if (news.Verdict != NewsVerdict.Quarantined && !news.WasPlaced) return;
        var (order, rightly) = PlaceOf(news);
        var since = order?.Events[^1].At is { } last && last > world.Faults.StatementsUntil ? last : world.Faults.StatementsUntil;
        var due = order is null ? 0 : NewsTable.Due(news, since + Moment, world.Time.GetUtcNow() - Moment);
        Check("I16 what is kept aside finds its place", order?.Index ?? -1, news.WasPlaced || due == 0 || rightly,
            $"{news.News.EventType} {news.News.EventId} of {news.News.Account} is about {order?.Row.Id} and still aside ({news.Reason}), though it was due {due} times since {since:MM-dd HH:mm}");
    }

    static readonly TimeSpan Moment = TimeSpan.FromMinutes(5);

    /// <summary>The order that the news are about, by what is known now; and whether a person must look at them all the same.</summary>
    (StoredOrder? Order, bool Rightly) PlaceOf(StoredNews news)
    {
        var account = news.News.Account;
        if (world.Accounts.Find(account) is not { } entry) return (null, false);
        var headers = JsonSerializer.Deserialize<Dictionary<string, string>>(news.News.Headers)!;
        var reading = entry.Gateway.ReadWebhook(
            new RawMessage("POST", "", "", new Dictionary<string, string>(headers, StringComparer.OrdinalIgnoreCase), news.News.Body.ToArray(), news.ReceivedAt) { WasGenuine = true }, entry.Account);
        Check("I16 what is kept aside can be read again", -1, reading is not NewsReading.Forged, $"{news.News.EventType} {news.News.EventId} of {account} is forged when it is read again");
        if (reading is not NewsReading.Genuine read) return (null, false);
        var refund = read.RefundFacts.Select(f => f.Ours ?? (f.Fact.RefundReference is { } named ? world.Database.FindRefund(account, named) : null)).FirstOrDefault(r => r is not null);
        var payment = read.Payment ?? (read.MoneyReference is { } money ? world.Database.FindMoney(account, money) : null);
        var order = (payment?.Order ?? refund?.Order) is { } id ? world.Database.Orders.GetValueOrDefault(id) : null;
        var rightly = order is null || (payment is { } p && order.Row.Payment(p.Number)?.Account != account) || read.Facts.Any(f => GatewayName.In(f, account).Any(n => world.Database.HolderOf(n) is { } holder && holder != payment));
        return (order, rightly);
    }

    void Ended(StoredOrder stored)
    {
        var order = stored.Row;
        Check("I8 every order has ended", stored.Index, order.HasEnded, $"{order.Id} is still {order.Status}, wakes at {order.WakeAt}");
        foreach (var p in order.Payments)
        {
            Check("I8 nothing stays open", stored.Index, !p.IsOpen || p.Discrepancy is not null || CanStillBePaid(order, p), $"payment {p.Number} of {order.Id} is still {p.Status}: {p.Reason}");
            foreach (var c in p.Captures)
                Check("I4 all money has its place", stored.Index, c.Standing == Standing.Accepted
                    || order.Refunds.Any(r => r.Payment == p.Number && r.MoneyReference == c.MoneyReference && r.Reserves)
                    || IsAsked(order, p, c.MoneyReference), $"{c.Amount} of {order.Id} is neither accepted nor given back nor asked about");
        }
        foreach (var p in order.Payments)
            Check("I8 no news of a refund stay undecided", stored.Index, !p.OutsideRefunds.Any(o => o.MayBeOurs), $"{order.Id} payment {p.Number} still does not know whose {string.Join(", ", p.OutsideRefunds.Where(o => o.MayBeOurs))} is");
        foreach (var r in order.Refunds)
            Check("I8 every refund has ended", stored.Index, !r.IsOpen, $"refund {r.Number} of {order.Id} ({r.Amount}) is still {r.Status}, asked {r.Asks} times, next {r.LookAt}: {r.Why}");
        Check("the alarm rings", stored.Index, order.WakeAt is not { } at || at > world.Time.GetUtcNow() - TimeSpan.FromMinutes(2), $"{order.Id} should have been looked at {order.WakeAt}");
        Check("I24 events fold to the row", stored.Index, Folds(stored), $"{order.Id}'s events tell another story");
    }

    /// <summary>A link that its gateway never ends and cannot close is open in truth. What was answered about another link is a person's to look at,
    /// and money that no question tells of comes to light in a settlement file.</summary>
    bool CanStillBePaid(Order order, Payment p)
    {
        var gateway = world.Gateways.Single(g => g.Account == p.Account);
        return gateway.AllByReference(new PaymentId(order.Id, p.Number).Reference)
            .Any(l => l.IsAlive(world.Time.GetUtcNow()) || l.Tries.Exists(t => t.CapturedAt is not null && !gateway.QuestionsTellOf(l, t)));
    }

    static bool Folds(StoredOrder stored)
    {
        try
        {
            return OrderHistory.Fold(stored.Events).Equals(OrderSummary.Of(stored.Row));
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    void Compare(WorldGateway gateway, WorldLink link)
    {
        var order = world.Database.Orders.GetValueOrDefault(link.Payment.Order)?.Row;
        var ours = order?.Payment(link.Payment.Number);
        var known = true;
        foreach (var money in link.Tries.Where(t => t.CapturedAt is not null))
        {
            telling.Judge(link, money);
            if (OnlyFilesTell(gateway, link, ours, money))
            {
                LeftToFiles(gateway, money.Amount);
                known = false;
                continue;
            }
            world.Scenarios.Holds(link.Payment);
            var lied = ours is not null && (LiedAbout(gateway, money.Id) || world.OnlyNewsLied(gateway, link, money)) && IsAsked(order!, ours, money.Id);
            if (lied) known = false;
            Check("I4 we know all that they hold", link.Order, ours?.Captures.Any(c => c.MoneyReference == money.Id && (lied || c.Amount == money.Amount)) == true, $"we believe {ours?.Captures.FirstOrDefault(c => c.MoneyReference == money.Id)?.Amount.ToString() ?? "0"}, gateway holds {money.Amount}, order {link.Payment.Order}, payment {link.Payment.Number} ({ours?.Status})");
        }
        foreach (var c in ours?.Captures ?? [])
            // An answer may have lied about the amount before.
            if (link.Tries.Exists(t => t.TakenBack && t.Id == c.MoneyReference && (t.Amount == c.Amount || c.Standing == Standing.Mismatched)) && !link.Tries.Exists(t => t.CapturedAt is not null && t.Id == c.MoneyReference))
                StillBelieved(gateway, order!, ours!, c);
            else Check("I4 they hold all that we know", link.Order, Holds(gateway, link.Reference, c) || LiedAbout(gateway, c.MoneyReference) || link.Tries.Exists(t => t.Id == c.MoneyReference && world.OnlyNewsLied(gateway, link, t)), $"we believe {c.Amount} as {c.MoneyReference}, gateway holds {link.Money?.Amount.ToString() ?? "0"}, order {link.Payment.Order}");
        if (order is not null && known && link.Tries.Any(t => t.CapturedAt is not null && t.Amount == order.Amount))
            Check("I8 paid there is paid here", link.Order, ours?.Status == PaymentStatus.Succeeded, $"{order.Id} payment {link.Payment.Number} is {ours?.Status}, gateway holds {link.Money!.Amount}");
    }

    /// <summary>Money that its gateway took back is a person's to look at where the goods are out, where the policy asks, or where more hangs on it.</summary>
    void StillBelieved(WorldGateway gateway, Order order, Payment p, Capture money)
    {
        left.Add((gateway, -money.Amount));
        world.Scenarios.Holds(new PaymentId(order.Id, p.Number));
        var asks = order.Policy.Failed == FailedPolicy.Ask || order.FulfilledAt is not null || money.Standing != Standing.Accepted || p.Captures.Length > 1
            || order.Refunds.Any(r => r.Payment == p.Number) || p.Dispute != DisputeState.None;
        Check("I23 what its gateway denies is cancelled or asked about", world.Database.IndexOf(order.Id), asks && order.Questions.Any(q => q.Payment == p.Number && (q.MoneyReference == money.MoneyReference || q.MoneyReference is null)),
            $"{gateway.Account} denies {money.Amount} as {money.MoneyReference}, and {order.Id} is still {order.Status}; questions: {string.Join(", ", order.Questions.Select(q => q.Kind))}");
    }

    /// <summary>A person is asked about it, or was.</summary>
    static bool IsAsked(Order order, Payment p, string money) => order.Questions.Any(q => q.Payment == p.Number && q.MoneyReference == money) || p.Answers.Any(a => a.MoneyReference == money);

    Desk DeskOf(WorldGateway gateway) => world.Desks.Single(d => d.Gateway == gateway);

    /// <summary>The first that we heard of the money may have been a statement with a wrong amount.</summary>
    bool LiedAbout(WorldGateway gateway, string moneyReference) => DeskOf(gateway).Wrong.Contains(moneyReference);

    /// <summary>A statement has the money, and a person is asked about its row.</summary>
    bool IsAsked(WorldGateway gateway, SettlementLine row) => Enum.GetValues<SettlementClass>().Any(c => world.Database.Statements.IsAsked(gateway.Account, row.RowKey, c));

    /// <summary>A person is asked which refund the row is about, if any.</summary>
    bool IsRefundAsked(WorldGateway gateway, SettlementLine row) =>
        ((SettlementClass[])[SettlementClass.Refund, SettlementClass.RefundUnasked, SettlementClass.RefundMissing]).Any(c => world.Database.Statements.IsAsked(gateway.Account, row.RowKey, c));

    /// <summary>A second capture on one link, whose news nobody ever got, after the payment had succeeded; or any that its gateway does not tell
    /// of to whoever asks about the link. What a statement has is known all the same, or a person is asked.</summary>
    bool OnlyFilesTell(WorldGateway gateway, WorldLink link, Payment? ours, WorldTry money)
    {
        if (ours is null || ours.Captures.Any(c => c.MoneyReference == money.Id)) return false;
        if (DeskOf(gateway).Delivered.FirstOrDefault(r => r.Said.MoneyReference == money.Id && r.Said.Kind == SettlementKind.Payment).Said is { } row) return IsAsked(gateway, row);
        if (!gateway.QuestionsTellOf(link, money))
        {
            hidden++;
            return true;
        }
        return ours.Status is PaymentStatus.Succeeded or PaymentStatus.Held && ours.Captures.Any(c => Holds(gateway, link.Reference, c)) && !world.Post.ToldOfMoney(money.Id);
    }

    static bool Holds(WorldGateway gateway, string reference, Capture c) =>
        gateway.AllByReference(reference).Any(l => l.Tries.Any(t => t.Id == c.MoneyReference && t.Amount == c.Amount && t.CapturedAt is not null));

    void LeftToFiles(WorldGateway gateway, Money amount)
    {
        world.LeftToFiles++;
        left.Add((gateway, amount));
    }

    /// <summary>What went back there went back here, once; and never more than came.</summary>
    void GivenBack(WorldGateway gateway, string moneyId)
    {
        var link = gateway.Links.FirstOrDefault(l => l.Tries.Any(t => t.Id == moneyId && t.CapturedAt is not null));
        var captured = link?.Tries.Where(t => t.Id == moneyId && t.CapturedAt is not null).Sum(t => t.Amount.MinorUnits) ?? 0;
        var back = gateway.Refunds.Where(r => r.MoneyId == moneyId).Sum(r => r.Amount.MinorUnits);
        Check("I9 no more goes back than came", link?.Order ?? -1, back <= captured, $"{back} of {captured} went back of {moneyId} at {gateway.Account}");
        var ours = link is null ? null : world.Database.Orders.GetValueOrDefault(link.Payment.Order)?.Row;
        var known = ours?.Refunds.Where(r => r.MoneyReference == moneyId && r.Status == RefundStatus.Succeeded).Sum(r => r.Amount.MinorUnits) ?? 0;
        var unasked = gateway.Unasked.Where(r => r.MoneyId == moneyId).ToList();
        var outside = ours?.Payment(link!.Payment.Number)?.OutsideRefunds ?? [];
        known += unasked.Where(r => outside.Any(o => o.RefundReference == r.RefundId && o is { CameBack: false } && o.Amount == r.Amount)).Sum(r => r.Amount.MinorUnits);
        // The gateway's word that all of it went back says no more than that.
        // Of money that nobody knows a refund is a row that a person is asked about.
        var unknown = ours?.Payment(link!.Payment.Number)?.Captures.Any(c => c.MoneyReference == moneyId) != true;
        if (!unknown && ours!.Payment(link!.Payment.Number)!.Reversals.FirstOrDefault(r => r.MoneyReference == moneyId) is { } reversal)
        {
            known = captured;
            // All of more than came, by a statement that lied: a person is asked about the difference.
            if (LiedAbout(gateway, moneyId) && reversal.Booked is { } gone) left.Add((gateway, gone - new Money(captured - back, gone.Currency)));
        }
        foreach (var untold in unasked.Where(r => !gateway.Returned.Exists(back => back.RefundId == r.RefundId) && (unknown || !IsTold(gateway, r, SettlementKind.Refund, RefundState.Done))))
        {
            if (known == back) break;
            back -= untold.Amount.MinorUnits;
            left.Add((gateway, -untold.Amount));
        }
        // What came back afterwards is known by news or by its row, or by asking in time.
        foreach (var untold in gateway.Returned.Where(r => r.MoneyId == moneyId && !IsTold(gateway, r, SettlementKind.RefundReturned, RefundState.Failed)))
        {
            if (known == back) break;
            back += untold.Amount.MinorUnits;
            left.Add((gateway, untold.Amount));
        }
        Check("I9 what went back there went back here", link?.Order ?? -1, back == known, $"{back} of {moneyId} went back at {gateway.Account}, we believe {known}, order {link?.Payment.Order}");
    }

    bool IsTold(WorldGateway gateway, WorldReturn one, SettlementKind kind, RefundState state) => world.Post.ToldOf(WorldReturn.Fact(one.RefundId, state))
        || DeskOf(gateway).Delivered.Any(d => d.Said.Kind == kind && d.Said.RefundReference == one.RefundId && !IsUnplaced(gateway, d.Said) && !IsRefundAsked(gateway, d.Said));

    /// <summary>A dispute is known when its news or a row told of it; no further than it truly went, and with its amount.</summary>
    void Compare(WorldGateway gateway, WorldDispute dispute)
    {
        var ours = world.Database.Orders.GetValueOrDefault(dispute.Link.Payment.Order)?.Row.Payment(dispute.Link.Payment.Number);
        var of = gateway.Disputes.Where(d => d.Link == dispute.Link).ToList();
        var match = of.Count == 1 ? ours?.Disputes.SingleOrDefault() : ours?.Disputes.SingleOrDefault(d => d.IsCalled(dispute.Id));
        Check("I4 disputes are known", dispute.Link.Order, ours is null || ours.Disputes.All(d => of.Count == 1 || of.Exists(there => d.IsCalled(there.Id))),
            $"{gateway.Account} has {of.Count} disputes of {dispute.Link.Payment}, we believe {string.Join(", ", ours?.Disputes ?? [])}");
        var known = match?.State ?? DisputeState.None;
        var (facts, taken, returned) = Told(gateway, dispute);
        var least = returned ? DisputeState.Won : facts.Append(taken ? DisputeState.Open : DisputeState.None).Max();
        var possible = known is DisputeState.None or DisputeState.Open || known == dispute.State || (known == DisputeState.Lost && dispute.CameBack && !returned);
        Check("I4 disputes are known", dispute.Link.Order, possible && (returned ? known == DisputeState.Won : known >= least),
            $"{dispute.Id} about {dispute.Amount} at {gateway.Account} is {dispute.State}, we were told {least} and believe {known}, order {dispute.Link.Payment.Order}");
        if (match is null) return;
        Check("I4 disputes are known", dispute.Link.Order, match.Taken == dispute.Amount && (match.Returned is null) == (known != DisputeState.Won) && (match.Returned ?? dispute.Amount) == dispute.Amount,
            $"{dispute.Id} is about {dispute.Amount}, we believe {match}");
        if (known is DisputeState.Open or DisputeState.Lost) disputed.Add((gateway, dispute.Amount));
    }

    (IEnumerable<DisputeState> Facts, bool Taken, bool Returned) Told(WorldGateway gateway, WorldDispute dispute)
    {
        var rows = DeskOf(gateway).Delivered.Select(r => r.Said).Where(s => s.MoneyReference == dispute.MoneyId && s.Kind is SettlementKind.Dispute or SettlementKind.DisputeReturned
            && (s.Note ?? dispute.Id) == dispute.Id && !IsUnplaced(gateway, s)).ToList();
        return (Enum.GetValues<DisputeState>().Where(state => world.Post.ToldOf(dispute.Fact(state))),
            rows.Exists(s => s.Kind == SettlementKind.Dispute), rows.Exists(s => s.Kind == SettlementKind.DisputeReturned));
    }

    /// <summary>Nobody knew whose money the row is about.</summary>
    bool IsUnplaced(WorldGateway gateway, SettlementLine said) => world.Database.Statements.IsAsked(gateway.Account, said.RowKey, SettlementClass.UnknownOrder);

    /// <summary>What each account owes us by our books is what it holds for us and has not settled.</summary>
    void Balance(WorldGateway gateway)
    {
        var receivable = $"receivable:{gateway.Account}";
        var owed = world.Database.Orders.Values.SelectMany(o => o.Postings).Where(p => p.Account == receivable).Select(p => p.Amount)
            .Concat(world.Database.Statements.Postings.Values.SelectMany(p => p).Where(p => p.LedgerAccount == receivable).Select(p => p.Amount))
            .GroupBy(a => a.Currency).ToDictionary(g => g.Key, g => g.Sum(a => a.MinorUnits));
        var held = gateway.Links.SelectMany(l => l.Tries).Where(t => t.CapturedAt is not null)
            .GroupBy(t => t.Amount.Currency).ToDictionary(g => g.Key, g => g.Sum(t => t.Amount.MinorUnits));
        foreach (var back in gateway.Refunds) held[back.Amount.Currency] = held.GetValueOrDefault(back.Amount.Currency) - back.Amount.MinorUnits;
        foreach (var (_, amount) in disputed.Where(d => d.Gateway == gateway)) held[amount.Currency] = held.GetValueOrDefault(amount.Currency) - amount.MinorUnits;
        foreach (var (_, amount) in left.Where(l => l.Gateway == gateway)) held[amount.Currency] = held.GetValueOrDefault(amount.Currency) - amount.MinorUnits;
        foreach (var (row, said) in DeskOf(gateway).Delivered)
            foreach (var (settled, sign) in Settled(gateway, row, said)) held[settled.Currency] = held.GetValueOrDefault(settled.Currency) - (sign * settled.MinorUnits);
        foreach (var (file, more) in world.Database.Statements.Corrected())
            if (file.Account == gateway.Account && file.PaidOut is not true) held[more.Currency] = held.GetValueOrDefault(more.Currency) + more.MinorUnits;
        foreach (var currency in owed.Keys.Union(held.Keys))
            Check("domain 7 books agree", -1, owed.GetValueOrDefault(currency) == held.GetValueOrDefault(currency), $"we believe {new Money(owed.GetValueOrDefault(currency), currency)} at {gateway.Account}, gateway holds {new Money(held.GetValueOrDefault(currency), currency)}");
    }

    /// <summary>What a row takes off what is owed: all of it where the row is paid out, and where payouts are stated by themselves what was kept of it.
    /// Money of a row that found no order, or that a person is asked about, is as it was before the row; its net waits in suspense.</summary>
    IEnumerable<(Money Amount, int Sign)> Settled(WorldGateway gateway, StatementRow row, SettlementLine said)
    {
        // The gateway calls two rows the same: the second is taken for a repetition, and asked about.
        if (row.Nth > 1) yield break;
        // Of a row about a dispute or a refund that came back the order books the money, and the row itself the rest.
        var posted = said.Kind is SettlementKind.Dispute or SettlementKind.DisputeReturned or SettlementKind.RefundReturned
            ? world.Database.Statements.Waits(gateway.Account, said.RowKey) : world.Database.Statements.IsPosted(gateway.Account, said.RowKey);
        var settled = !posted && (said.Kind != SettlementKind.Payment || world.Database.FindMoney(gateway.Account, said.MoneyReference!) is not null);
        if (settled) yield return (row.Gross, 1);
        if ((settled || posted) && DeskOf(gateway).StatesPayouts) yield return (said.Net, -1);
    }

    void Check(string rule, int order, bool holds, [InterpolatedStringHandlerArgument("holds")] ref Auditor.Why why)
    {
        world.Auditor.Count(rule);
        if (!holds) world.Auditor.Broken(rule, order, why.Read());
    }
}
