using Purser.Orders;

namespace Purser.Server.Engine;

/// <summary>A lane's session, which remembers the orders that it read or wrote last. An order always has the same lane, so on one node what is remembered
/// is what is stored, and a batch of remembered orders takes one round trip instead of two. It stays a guess, for another node may have written
/// meanwhile: the commit takes the same locks and compares revisions. A wrong guess commits nothing and answers nobody; the batch is loaded and
/// decided again.</summary>
sealed class RecentOrders(IOrderSession session, TimeProvider time, int most) : IAsyncDisposable
{
    /// <summary>Between two readings the database's clock is reckoned by ours, which may run a little faster or slower.</summary>
    static readonly TimeSpan ReckonedFor = TimeSpan.FromSeconds(10);

    readonly Generations<OrderId, (Order Order, Revision Revision)> orders = new(most);
    readonly Generations<(string Account, string EventId), bool> news = new(most);
    (DateTimeOffset Now, long At, DateTimeOffset Ours)? clock;
    Guess? guess;
    bool doubted;

    public async Task<LoadedBatch> Load(IReadOnlyList<EngineInput> batch, CancellationToken stop)
    {
        guess = null;
        if (!doubted && Remember(batch) is { } remembered) return remembered;
        var loaded = await session.Load(batch, stop);
        (doubted, clock) = (false, (loaded.Now, time.GetTimestamp(), time.GetUtcNow()));
        foreach (var (id, order) in loaded.Orders) orders.Keep(id, (order, loaded.Revisions[id]));
        return loaded;
    }

    public Task<IReadOnlySet<OrderId>> Held(IReadOnlyCollection<OrderId> ids, CancellationToken stop) => session.Held(ids, stop);

    public async Task Commit(BatchChanges changes, CancellationToken stop)
    {
        IReadOnlyDictionary<OrderId, Revision> written;
        try
        {
            written = guess is { } was ? await session.CommitIf(was, changes, stop) : await session.Commit(changes, stop);
        }
        catch
        {
            Doubt();
            throw;
        }
        foreach (var (order, _) in changes.Created) orders.Keep(order.Id, (order, written[order.Id]));
        foreach (var (_, order) in changes.Changed) orders.Keep(order.Id, (order, written[order.Id]));
        foreach (var (told, _, _, _) in changes.News) news.Keep((told.Account, told.EventId), true);
    }

    /// <summary>Ends the batch without a trace. What was only remembered has not been confirmed by that: load again.</summary>
    public Task Rollback()
    {
        if (guess is null) return session.Rollback();
        Doubt();
        return Task.CompletedTask;
    }

    /// <summary>Reads whether the commit whose answer was lost took place.</summary>
    public Task<bool> WasCommitted(LoadedBatch loaded, BatchChanges changes, CancellationToken stop) =>
        loaded.Mark is { } mark ? session.WasCommitted(mark, stop) : session.WasWritten(guess!, changes, stop);

    public ValueTask DisposeAsync() => session.DisposeAsync();

    void Doubt()
    {
        doubted = true;
        foreach (var id in guess?.Still.Keys ?? []) orders.Forget(id);
    }

    LoadedBatch? Remember(IReadOnlyList<EngineInput> batch)
    {
        if (clock is not { } read || time.GetElapsedTime(read.At) is var passed && passed > ReckonedFor) return null;
        // A machine that slept does not count the time, but knows it.
        if ((time.GetUtcNow() - read.Ours).Duration() > ReckonedFor) return null;
        var found = new Dictionary<OrderId, Order>();
        var still = new Dictionary<OrderId, Revision>();
        var fresh = new HashSet<int>();
        var told = new HashSet<(string, string)>();
        for (var i = 0; i < batch.Count; i++)
        {
            if (batch[i].News is { } one)
            {
                if (news.Find((one.Account, one.EventId), out _)) return null;
                if (told.Add((one.Account, one.EventId))) fresh.Add(i);
            }
            // A rung alarm has written the row. Keys, references and ids that are taken, the constraints know.
            if (batch[i].Inputs is [OrderInput.Tick, ..]) return null;
            if (batch[i] is not { Order: { } id, Inputs: not [OrderCommand.Create] } || found.ContainsKey(id)) continue;
            if (!orders.Find(id, out var order)) return null;
            found.Add(id, order.Order);
            still.Add(id, order.Revision);
        }
        foreach (var input in batch)
            foreach (var one in input.Inputs)
                if (one is Evidence fact && input.Order is { } of && found.TryGetValue(of, out var about) && !Holders.AreConstrained(about, fact)) return null;
        // In whole microseconds, like the database's own.
        var now = read.Now + passed;
        now = now.AddTicks(-(now.Ticks % TimeSpan.TicksPerMicrosecond));
        guess = new Guess(batch, now, still);
        return new LoadedBatch(now, null, found, fresh, new Dictionary<(int, string), StoredKey>(), new Dictionary<string, (OrderId, byte[])>(), still,
            new Dictionary<GatewayName, PaymentId>());
    }

    /// <summary>What was kept or found lately: two generations, of which the older goes whole when the younger is full.</summary>
    sealed class Generations<TKey, TValue>(int most) where TKey : notnull
    {
        Dictionary<TKey, TValue> young = [];
        Dictionary<TKey, TValue> old = [];

        public void Keep(TKey key, TValue value)
        {
            if (young.Count >= most / 2 && !young.ContainsKey(key)) (old, young) = (young, []);
            young[key] = value;
        }

        public bool Find(TKey key, out TValue value) => young.TryGetValue(key, out value!) || old.TryGetValue(key, out value!);

        public void Forget(TKey key)
        {
            young.Remove(key);
            old.Remove(key);
        }
    }
}
