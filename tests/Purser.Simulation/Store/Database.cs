using Purser.Ledger;
using Purser.Orders;
using Purser.Server.Engine;

namespace Purser.Simulation;

/// <summary>An order's row and all that hangs on it.</summary>
sealed class StoredOrder(int index, Order row, byte[] fingerprint)
{
    public int Index => index;
    public Order Row
    {
        get;
        set
        {
            field = value;
            Version++;
        }
    } = row;
    /// <summary>Another one after every write.</summary>
    public long Version { get; private set; }
    public byte[] Fingerprint => fingerprint;
    public List<OrderEvent> Events { get; } = [];
    public List<Posting> Postings { get; } = [];
    public HashSet<string> CallKeys { get; } = new(StringComparer.Ordinal);

    /// <summary>What was asked and answered, and when that was stored.</summary>
    public List<(CallRecord Call, DateTimeOffset At)> Heard { get; } = [];

    public void Hear(CallRecord call, DateTimeOffset at)
    {
        CallKeys.Add(call.RawKey);
        Heard.Add((call, at));
    }
    /// <summary>Who holds the row's lock, and who waits for it.</summary>
    public RowLocks? Holder { get; set; }
    public LinkedList<(RowLocks By, TaskCompletionSource<bool> Turn)> Waiting { get; } = new();
}

/// <summary>What survives every node: rows, constraints, row locks, commit marks and the one clock that decisions are made by.</summary>
sealed class Database(World world)
{
    readonly PriorityQueue<OrderId, (long At, long Order)> alarms = new();
    readonly HashSet<string> committed = new(StringComparer.Ordinal);
    readonly Dictionary<GatewayName, PaymentId> holders = [];
    long marks;
    long alarmCount;

    public Dictionary<OrderId, StoredOrder> Orders { get; } = [];
    public Dictionary<string, OrderId> References { get; } = new(StringComparer.Ordinal);
    public NewsTable News { get; } = new(world);
    public Dictionary<(int, string), StoredKey> Keys { get; } = [];
    public Statements Statements { get; } = new(world);
    public long Commits { get; private set; }
    /// <summary>How often a batch waited in vain for what somebody else held.</summary>
    public long HeldBack { get; set; }
    /// <summary>How often it was asked in vain what became of a lost commit, for it was still under way.</summary>
    public long StillUnderWay { get; set; }
    /// <summary>Commits whose answer was lost and whose end is still to come.</summary>
    public List<LateCommit> UnderWay { get; } = [];

    /// <summary>It cannot be reached before this time.</summary>
    public DateTimeOffset AwayUntil { get; set; }

    public bool IsAway => world.Time.GetUtcNow() < AwayUntil;

    /// <summary>Which of the world's orders this is; -1 for none of them.</summary>
    public int IndexOf(OrderId? id) => id is { } known && Orders.TryGetValue(known, out var order) ? order.Index : -1;

    public CommitMark NewMark() => new($"{++marks}");

    public bool WasCommitted(CommitMark mark) => committed.Contains(mark.Text);

    public bool IsUnderWay(CommitMark mark) => UnderWay.Exists(late => late.Mark == mark);

    /// <summary>Waits for whoever is about to write the same keys.</summary>
    /// <returns>False when one of them does not end in time.</returns>
    public async Task<bool> IsFree(BatchChanges changes)
    {
        while (UnderWay.Find(late => late.Blocks(changes)) is { } other)
            if (!await other.EndsSoon()) return false;
        return true;
    }

    /// <summary>When the earliest alarm rings; null when none is set.</summary>
    public DateTimeOffset? NextAlarm
    {
        get
        {
            while (alarms.TryPeek(out var id, out var key))
            {
                if (Orders[id].Row.WakeAt is { } at && at.UtcTicks == key.At) return at;
                alarms.Dequeue();
            }
            return null;
        }
    }

    public PaymentId? FindMoney(string account, string moneyReference) => HolderOf(new GatewayName(account, true, moneyReference));

    /// <summary>Which payment has this link, or this money.</summary>
    public PaymentId? HolderOf(GatewayName name) => holders.TryGetValue(name, out var payment) ? payment : null;

    public static IEnumerable<(GatewayName Name, PaymentId Holder)> Held(Order order)
    {
        foreach (var p in order.Payments)
        {
            if (p.GatewayReference is { } link) yield return (new(p.Account, false, link), new PaymentId(order.Id, p.Number));
            foreach (var c in p.Captures) yield return (new(p.Account, true, c.MoneyReference), new PaymentId(order.Id, p.Number));
        }
    }

    public RefundId? FindRefund(string account, string refundReference)
    {
        foreach (var (id, order) in Orders)
            if (order.Row.Refunds.FirstOrDefault(r => r.RefundReference == refundReference && order.Row.Payment(r.Payment)!.Account == account) is { } r) return new RefundId(id, r.Number);
        return null;
    }

    /// <summary>Takes due orders that nobody has locked, oldest first, and sets their alarms anew.</summary>
    public List<OrderId> TakeDue(int most, TimeSpan? lease)
    {
        var now = world.Time.GetUtcNow();
        var due = new List<OrderId>();
        var skipped = new List<OrderId>();
        while (due.Count < most && NextAlarm is { } at && at <= now)
        {
            var id = alarms.Dequeue();
            if (Orders[id].Holder is null) due.Add(id);
            else skipped.Add(id);
        }
        foreach (var id in due) Ring(Orders[id], Orders[id].Row with { WakeAt = now + lease });
        foreach (var id in skipped) SetAlarm(Orders[id].Row);
        return due;
    }

    /// <summary>The constraint that these rows would break, or null.</summary>
    public string? Refuses(BatchChanges changes)
    {
        foreach (var (order, _) in changes.Created)
            if (Orders.ContainsKey(order.Id)) return "orders_pkey";
            else if (order.Reference is { } reference && References.ContainsKey(reference)) return "orders_reference";
        foreach (var (news, _, _, _) in changes.News)
            if (News.Find(news) is not null && !world.Bug.TakesNewsAgain) return "gateway_news_pkey";
        foreach (var (key, _) in changes.Keys)
            if (Keys.ContainsKey((key.ApiKeyId, key.Key))) return "request_keys_pkey";
        if (!world.Bug.SharesLinks)
            foreach (var (_, after) in changes.Changed)
                foreach (var (name, holder) in Held(after))
                    if (HolderOf(name) is { } other && other != holder) return name.IsMoney ? "captures_pkey" : "payments_link";
        if (!world.Bug.IgnoresRowLocks)
            foreach (var e in changes.Events)
                if (Orders.TryGetValue(e.Order, out var stored) && e.Sequence <= stored.Events.Count) return "events_pkey";
        return null;
    }

    /// <summary>All of it at once; then whoever keeps the rules looks at what it touched.</summary>
    public void Apply(BatchChanges changes, CommitMark mark, Transaction transaction)
    {
        Commits++;
        committed.Add(mark.Text);
        foreach (var (order, content) in changes.Created)
        {
            Orders.Add(order.Id, new StoredOrder(Wish.IndexOf(order.Description), order, [.. content.Fingerprint]));
            if (order.Reference is { } reference) References.Add(reference, order.Id);
            SetAlarm(order);
        }
        world.Auditor.Before(changes);
        foreach (var (before, after) in changes.Changed)
        {
            foreach (var (name, _) in Held(before).Except(Held(after)))
                if (name.IsMoney) holders.Remove(name);
            foreach (var (name, holder) in Held(after)) holders.TryAdd(name, holder);
            Ring(Orders[after.Id], after);
        }
        foreach (var e in changes.Events) Orders[e.Order].Events.Add(e);
        foreach (var p in changes.Postings) Orders[p.Order].Postings.Add(p);
        foreach (var (news, order, verdict, why) in changes.News) News.Add(news, order, verdict, why);
        foreach (var (news, order, verdict, why) in changes.Placed) News.Place(news, order, verdict, why);
        foreach (var (key, resource) in changes.Keys) Keys.Add((key.ApiKeyId, key.Key), new StoredKey(key.Fingerprint, resource));
        foreach (var (order, call) in changes.Calls)
            if (Orders.TryGetValue(order, out var stored)) stored.Hear(call, world.Time.GetUtcNow());
        world.Auditor.After(changes, transaction);
    }

    void Ring(StoredOrder stored, Order row)
    {
        stored.Row = row;
        SetAlarm(row);
    }

    void SetAlarm(Order row)
    {
        if (row.WakeAt is not { } at) return;
        alarms.Enqueue(row.Id, (at.UtcTicks, alarmCount++));
        world.Watch(at);
    }
}
