using Purser.Orders;
using Purser.Server.Engine;

namespace Purser.Simulation;

/// <summary>The store as one life of one node sees it: over a wire, with waits, refusals, lost acknowledgements and crashes.</summary>
sealed class NodeStore(World world, Life life) : IOrderStore
{
    readonly List<Session> sessions = [];

    public IOrderSession OpenSession()
    {
        var session = new Session(world, life);
        sessions.Add(session);
        return session;
    }

    public async Task<IReadOnlyList<OrderId>> TakeDue(int most, TimeSpan lease, CancellationToken stop)
    {
        await world.Loop.Wait(TimeSpan.FromMilliseconds(1));
        if (world.Database.IsAway) throw new StoreAwayException("away");
        var due = world.Database.TakeDue(most, world.Bug.ForgetsAlarms ? null : lease);
        if (due.Count == 0) return due;
        switch (world.Faults.At(Port.StoreSweep, world.Database.IndexOf(due[0])).Fault)
        {
            case Fault.CrashAfterTake: await life.Crash("after its alarm rang"); break;
            case Fault.Away: throw new StoreAwayException("the answer to the sweep was lost");
        }
        return due;
    }

    public async Task<PaymentId?> FindMoney(string account, string moneyReference, CancellationToken stop)
    {
        await world.Loop.Wait(TimeSpan.FromMilliseconds(1));
        if (world.Database.IsAway) throw new StoreAwayException("away");
        return world.Database.FindMoney(account, moneyReference);
    }

    public async Task<RefundId?> FindRefund(string account, string refundReference, CancellationToken stop)
    {
        await world.Loop.Wait(TimeSpan.FromMilliseconds(1));
        if (world.Database.IsAway) throw new StoreAwayException("away");
        return world.Database.FindRefund(account, refundReference);
    }

    /// <summary>The node is gone; PostgreSQL rolls its transactions back.</summary>
    public void Break()
    {
        foreach (var session in sessions) session.Release();
    }
}

/// <summary>One connection of one lane: begins and locks with Load, holds the rows until Commit or Rollback.</summary>
sealed class Session(World world, Life life) : IOrderSession
{
    readonly List<StoredOrder> locked = [];
    IReadOnlyList<EngineInput> batch = [];
    CommitMark mark;
    DateTimeOffset now;
    bool begun;

    public IReadOnlyList<EngineInput> Batch => batch;

    public DateTimeOffset Now => now;

    Database Database => world.Database;

    public async Task<LoadedBatch> Load(IReadOnlyList<EngineInput> inputs, CancellationToken stop)
    {
        Release();
        await Travel();
        if (Database.IsAway) throw new StoreAwayException("away");
        switch (world.Faults.At(Port.StoreLoad, IndexOf(inputs)).Fault)
        {
            case Fault.Refused: throw new StoreRefusedException("deadlock detected", passing: true);
            case Fault.Away: throw new StoreAwayException("the connection broke");
        }
        (batch, begun) = (inputs, true);
        var ids = inputs.Where(i => i.Order is not null).Select(i => i.Order!.Value).Distinct().Order().ToList();
        if (!world.Bug.IgnoresRowLocks)
            foreach (var id in ids)
                if (Database.Orders.TryGetValue(id, out var row)) await Lock(row);
        mark = Database.NewMark();
        now = world.Time.GetUtcNow();
        var loaded = Read(ids);
        await Travel();
        return loaded;
    }

    // Locks of this world are waited for as long as it takes.
    public Task<IReadOnlySet<OrderId>> Held(IReadOnlyCollection<OrderId> orders, CancellationToken stop) => Task.FromResult<IReadOnlySet<OrderId>>(new HashSet<OrderId>());

    public async Task<IReadOnlyDictionary<OrderId, Revision>> CommitIf(Guess guess, BatchChanges changes, CancellationToken stop)
    {
        Release();
        await Travel();
        if (Database.IsAway) throw new StoreAwayException("away");
        (batch, begun, mark, now) = (guess.Batch, true, Database.NewMark(), guess.Now);
        if (!world.Bug.TrustsMemory)
        {
            foreach (var id in guess.Still.Keys.Order())
                if (Database.Orders.TryGetValue(id, out var row)) await Lock(row);
            if (guess.Still.Any(s => Database.Orders[s.Key].Version != s.Value.Version))
                throw Lost(new StoreRefusedException("an order is no longer as it was remembered", passing: true));
        }
        return await Commit(changes, stop);
    }

    public async Task<IReadOnlyDictionary<OrderId, Revision>> Commit(BatchChanges changes, CancellationToken stop)
    {
        await Travel();
        var fault = world.Faults.At(Port.StoreCommit, IndexOf(batch)).Fault;
        if (!begun) throw new StoreAwayException("the connection broke");
        if (Database.IsAway) throw Lost(new StoreAwayException("away"));
        switch (fault)
        {
            case Fault.CrashBeforeCommit: await life.Crash("before a commit (C7)"); break;
            case Fault.Refused: throw Lost(new StoreRefusedException("could not serialize access", passing: true));
            case Fault.Away: throw Lost(new StoreAwayException("the connection broke before the commit"));
            case Fault.AcknowledgementLostUndone: throw Lost(new CommitUnknownException("the connection broke in the commit"));
        }
        if (Database.Refuses(changes) is { } constraint) throw Lost(new StoreRefusedException(constraint, passing: true));
        Database.Apply(changes, mark, this);
        var written = changes.Created.Select(c => c.Order.Id).Concat(changes.Changed.Select(c => c.After.Id)).ToDictionary(id => id, id => new Revision(Database.Orders[id].Version, []));
        Release();
        switch (fault)
        {
            case Fault.CrashAfterCommit: await life.Crash($"after a commit ({CommitPoint(changes)})"); break;
            case Fault.AcknowledgementLost: throw new CommitUnknownException("the connection broke after the commit");
        }
        await Travel();
        return written;
    }

    public Task Rollback()
    {
        Release();
        return Task.CompletedTask;
    }

    public async Task<bool> WasCommitted(CommitMark asked, CancellationToken stop)
    {
        await Travel();
        if (Database.IsAway) throw new StoreAwayException("away");
        return world.Bug.BelievesLostCommits || Database.WasCommitted(asked);
    }

    public async Task<bool> WasWritten(Guess guess, BatchChanges changes, CancellationToken stop)
    {
        await Travel();
        if (Database.IsAway) throw new StoreAwayException("away");
        return world.Bug.BelievesLostCommits || (changes.Events is [.., var told]
            ? Database.Orders.TryGetValue(told.Order, out var stored) && stored.Events.Contains(told)
            : changes.Calls is [(var order, var call), ..] && Database.Orders.TryGetValue(order, out var called) && called.CallKeys.Contains(call.RawKey));
    }

    public ValueTask DisposeAsync()
    {
        Release();
        return ValueTask.CompletedTask;
    }

    /// <summary>Lets all locks go, and whoever waited first has each.</summary>
    public void Release()
    {
        begun = false;
        foreach (var row in locked)
        {
            row.Holder = null;
            while (row.Holder is null && row.Waiting.First is { } first)
            {
                row.Waiting.RemoveFirst();
                if (!first.Value.Session.Alive) continue;
                row.Holder = first.Value.Session;
                first.Value.Session.locked.Add(row);
                first.Value.Turn.SetResult();
            }
        }
        locked.Clear();
    }

    bool Alive => life.Alive;

    async Task Lock(StoredOrder row)
    {
        if (row.Holder == this) return;
        if (row.Holder is null)
        {
            row.Holder = this;
            locked.Add(row);
            return;
        }
        var turn = new TaskCompletionSource();
        row.Waiting.AddLast((this, turn));
        await turn.Task;
    }

    LoadedBatch Read(List<OrderId> ids)
    {
        var orders = new Dictionary<OrderId, Order>();
        foreach (var id in ids)
            if (Database.Orders.TryGetValue(id, out var stored)) orders.Add(id, stored.Row);
        var (fresh, aside) = (new HashSet<int>(), new HashSet<int>());
        var seen = new HashSet<(string, string)>();
        var keys = new Dictionary<(int, string), StoredKey>();
        var references = new Dictionary<string, (OrderId, byte[])>(StringComparer.Ordinal);
        for (var i = 0; i < batch.Count; i++)
        {
            if (batch[i].News is { } news)
            {
                var first = seen.Add((news.Account, news.EventId));
                if (world.Bug.TakesNewsAgain || (first && Database.News.Find(news) is null)) fresh.Add(i);
                else if (first && Database.News.Find(news) is { Verdict: NewsVerdict.Quarantined } && !world.Bug.TakesTheSecondReadingForTheFirst) aside.Add(i);
            }
            if (batch[i].Key is { } key && Database.Keys.TryGetValue((key.ApiKeyId, key.Key), out var stored)) keys[(key.ApiKeyId, key.Key)] = stored;
            if (batch[i].Inputs is [OrderCommand.Create { Reference: { } reference }] && Database.References.TryGetValue(reference, out var holder))
                references[reference] = (holder, Database.Orders[holder].Fingerprint);
        }
        return new LoadedBatch(
            now, mark, orders, fresh, keys, references, orders.Keys.ToDictionary(id => id, id => new Revision(Database.Orders[id].Version, [])), Held(orders))
        {
            Aside = aside,
        };
    }

    Dictionary<GatewayName, PaymentId> Held(Dictionary<OrderId, Order> orders)
    {
        var held = new Dictionary<GatewayName, PaymentId>();
        if (world.Bug.SharesLinks) return held;
        foreach (var input in batch)
            foreach (var fact in input.Inputs.OfType<Evidence>())
                if (input.Order is { } id && orders.GetValueOrDefault(id)?.Payment(fact.Payment) is { } p)
                    foreach (var name in GatewayName.In(fact, p.Account))
                        if (Database.HolderOf(name) is { } holder && holder != new PaymentId(id, p.Number)) held[name] = holder;
        return held;
    }

    Exception Lost(Exception why)
    {
        Release();
        return why;
    }

    int IndexOf(IReadOnlyList<EngineInput> inputs) => world.IndexOf(inputs[0]);

    Task Travel() => world.Loop.Wait(TimeSpan.FromMicroseconds(200 + world.Scheduling.Next(1500)));

    /// <summary>What a kill right here would interrupt, by the names of the kill matrix.</summary>
    static string CommitPoint(BatchChanges changes) => changes switch
    {
        { Created.Count: > 0 } => "C1: order inserted",
        _ when changes.Events.Any(e => e.Type == EventType.PaymentStarted) => "C2: payment inserted",
        { News.Count: > 0 } => "C5: news stored before the answer",
        { Calls.Count: > 0 } => "C4: reply stored",
        _ => "C8: before side effects",
    };
}
