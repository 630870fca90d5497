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
        foreach (var session in sessions) session.End();
    }
}

/// <summary>One connection of one lane: begins and locks with Load, holds the rows until Commit or Rollback.</summary>
sealed class Session(World world, Life life) : IOrderSession
{
    /// <summary>For how long the store asks about a commit that nobody ends.</summary>
    static readonly TimeSpan UnderWayFor = TimeSpan.FromSeconds(5);

    RowLocks locks = new(world, () => life.Alive);
    TaskCompletionSource question = new();
    Transaction transaction;
    CommitMark mark;
    bool begun;

    IReadOnlyList<EngineInput> Batch => transaction.Batch;

    Database Database => world.Database;

    public async Task<LoadedBatch> Load(IReadOnlyList<EngineInput> inputs, CancellationToken stop)
    {
        End();
        await Travel();
        if (Database.IsAway) throw new StoreAwayException("away");
        switch (world.Faults.At(Port.StoreLoad, IndexOf(inputs)).Fault)
        {
            case Fault.Refused: throw new StoreRefusedException("deadlock detected", passing: true);
            case Fault.Away: throw new StoreAwayException("the connection broke");
        }
        (transaction, begun) = (new Transaction(inputs, default, default), true);
        var ids = inputs.Where(i => i.Order is not null).Select(i => i.Order!.Value).Distinct().Order().ToList();
        if (!world.Bug.IgnoresRowLocks) await Lock(ids);
        mark = Database.NewMark();
        transaction = transaction with { Now = world.Time.GetUtcNow(), Began = world.Time.GetUtcNow() };
        var loaded = Read(ids);
        await Travel();
        return loaded;
    }

    public async Task<IReadOnlySet<OrderId>> Held(IReadOnlyCollection<OrderId> orders, CancellationToken stop)
    {
        End();
        await Travel();
        if (Database.IsAway) throw new StoreAwayException("away");
        var held = HeldNow(orders);
        if (held.Count > 0)
        {
            await world.Loop.Wait(TimeSpan.FromMilliseconds(50));
            held = HeldNow(held);
        }
        return held;
    }

    HashSet<OrderId> HeldNow(IEnumerable<OrderId> orders) => [.. orders.Where(id => Database.Orders.TryGetValue(id, out var row) && row.Holder is not null)];

    public async Task<IReadOnlyDictionary<OrderId, Revision>> CommitIf(Guess guess, BatchChanges changes, CancellationToken stop)
    {
        End();
        await Travel();
        if (Database.IsAway) throw new StoreAwayException("away");
        (transaction, begun, mark) = (new Transaction(guess.Batch, guess.Now, world.Time.GetUtcNow()), true, Database.NewMark());
        if (world.Faults.At(Port.StoreGuess, IndexOf(Batch)) is (Fault.ArrivesLate, var lot))
        {
            question = new TaskCompletionSource();
            var size = Chance.Random(lot);
            new LateCommit(world, transaction, changes, mark, new RowLocks(world, () => true)).Arrive(Moments(size), size.Next(2) == 0 ? question.Task : new TaskCompletionSource().Task, guess);
            throw Lost(new CommitUnknownException("the connection broke before all of the commit was sent"));
        }
        if (!world.Bug.TrustsMemory)
        {
            LookForStrangers([.. guess.Still.Keys]);
            if (await IsStill(world, guess, locks) is not { } still) throw Lost(HeldByAnother());
            if (!still) throw Lost(new StoreRefusedException("an order is no longer as it was remembered", passing: true) { Overtaken = true });
        }
        return await Commit(changes, stop);
    }

    /// <summary>Locks the orders of a guess and compares them with it.</summary>
    /// <returns>Null: somebody else holds one of them.</returns>
    public static async Task<bool?> IsStill(World world, Guess guess, RowLocks locks)
    {
        foreach (var id in guess.Still.Keys.Order())
            if (world.Database.Orders.TryGetValue(id, out var row) && !await locks.Take(row)) return null;
        return guess.Still.All(s => world.Database.Orders[s.Key].Version == s.Value.Version) && (world.Time.GetUtcNow() - guess.Now).Duration() <= OrderStore.ReckonedWithin;
    }

    public async Task<IReadOnlyDictionary<OrderId, Revision>> Commit(BatchChanges changes, CancellationToken stop)
    {
        await Travel();
        var (fault, lot) = world.Faults.At(Port.StoreCommit, IndexOf(Batch));
        // The session was ended for being idle, and that is heard instead of an answer.
        if (!begun) throw Lost(new CommitUnknownException("the session was ended"));
        if (Database.IsAway) throw Lost(new StoreAwayException("away"));
        switch (fault)
        {
            case Fault.CrashBeforeCommit: await life.Crash("before a commit (C7)"); break;
            case Fault.Refused: throw Lost(new StoreRefusedException("could not serialize access", passing: true));
            case Fault.Away: throw Lost(new StoreAwayException("the connection broke before the commit"));
            case Fault.AcknowledgementLostUndone: throw Lost(new CommitUnknownException("the connection broke in the commit"));
        }
        if (!await Database.IsFree(changes)) throw Lost(HeldByAnother());
        if (Database.Refuses(changes) is { } constraint) throw Lost(new StoreRefusedException(constraint, passing: true));
        if (fault is Fault.CommittedLate or Fault.RolledBackLate) throw await Later(changes, fault == Fault.CommittedLate, Chance.Random(lot));
        Database.Apply(changes, mark, transaction);
        var written = changes.Created.Select(c => c.Order.Id).Concat(changes.Changed.Select(c => c.After.Id)).ToDictionary(id => id, id => new Revision(Database.Orders[id].Version, []));
        End();
        switch (fault)
        {
            case Fault.CrashAfterCommit: await life.Crash($"after a commit ({CommitPoint(changes)})"); break;
            case Fault.AcknowledgementLost: throw new CommitUnknownException("the connection broke after the commit");
        }
        await Travel();
        return written;
    }

    /// <summary>Its backend is left alone with it and with all that it holds; now and then the node dies just then.</summary>
    async Task<Exception> Later(BatchChanges changes, bool committed, Random size)
    {
        new LateCommit(world, transaction, changes, mark, locks).End(Moments(size), committed);
        locks = new RowLocks(world, () => life.Alive);
        if (size.Next(4) == 0) await life.Crash("before a commit ended");
        return Lost(new CommitUnknownException("the connection broke before the commit ended"));
    }

    /// <summary>Mostly an instant, sometimes longer than anybody asks for it.</summary>
    static TimeSpan Moments(Random size) => TimeSpan.FromMilliseconds(5 * Math.Pow(8000, size.NextDouble()));

    public Task Rollback()
    {
        End();
        return Task.CompletedTask;
    }

    public async Task<bool> WasCommitted(CommitMark asked, CancellationToken stop)
    {
        await Travel();
        for (var waited = TimeSpan.Zero; ; waited += TimeSpan.FromMilliseconds(50))
        {
            if (Database.IsAway) throw new StoreAwayException("away");
            if (!Database.IsUnderWay(asked) || world.Bug.TakesAbsenceForTheEnd) return world.Bug.BelievesLostCommits || Database.WasCommitted(asked);
            if (waited > UnderWayFor) throw StillUnderWay("the commit whose answer was lost is still under way");
            await world.Loop.Wait(TimeSpan.FromMilliseconds(50));
        }
    }

    public async Task<bool> WasWritten(Guess guess, BatchChanges changes, CancellationToken stop)
    {
        await Travel();
        if (Database.IsAway) throw new StoreAwayException("away");
        if (!world.Bug.TakesAbsenceForTheEnd)
            foreach (var id in guess.Still.Keys.Order())
                if (Database.Orders.TryGetValue(id, out var row) && !await locks.Take(row)) throw StillUnderWay("somebody holds an order that the lost commit is about");
        var written = world.Bug.BelievesLostCommits || IsThere(changes);
        End();
        question.TrySetResult();
        await Travel();
        return written;
    }

    bool IsThere(BatchChanges changes) => changes.Events is [.., var told]
        ? Database.Orders.TryGetValue(told.Order, out var stored) && stored.Events.Contains(told)
        : changes.Calls is [(var order, var call), ..] && Database.Orders.TryGetValue(order, out var called) && called.CallKeys.Contains(call.RawKey);

    public ValueTask DisposeAsync()
    {
        End();
        return ValueTask.CompletedTask;
    }

    /// <summary>Ends what was begun and lets all locks go.</summary>
    public void End()
    {
        begun = false;
        locks.Release();
    }

    async Task Lock(IReadOnlyList<OrderId> ids)
    {
        LookForStrangers(ids);
        foreach (var id in ids)
            if (Database.Orders.TryGetValue(id, out var row) && !await locks.Take(row)) throw Lost(HeldByAnother());
    }

    /// <summary>Somebody may be there first who is no node of ours, or none that still moves.</summary>
    void LookForStrangers(IReadOnlyList<OrderId> ids)
    {
        if (ids.Count == 0 || world.Faults.At(Port.StoreLock, IndexOf(Batch)) is not (Fault.HeldByAnother, var lot)) return;
        var size = Chance.Random(lot);
        var stranger = new RowLocks(world, () => true);
        if (!Database.Orders.TryGetValue(ids[size.Next(ids.Count)], out var row) || !stranger.TakeAtOnce(row)) return;
        var span = Moments(size) * 4;
        world.Trace.Tell(row.Index, $"somebody else holds the order for {span}");
        world.Time.CreateTimer(_ => stranger.Release(), null, span, Timeout.InfiniteTimeSpan);
    }

    StoreRefusedException HeldByAnother()
    {
        Database.HeldBack++;
        return new("canceling statement due to lock timeout", passing: true) { Held = true };
    }

    Exception StillUnderWay(string why)
    {
        Database.StillUnderWay++;
        return Lost(new StoreAwayException(why));
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
        for (var i = 0; i < Batch.Count; i++)
        {
            if (Batch[i].News is { } news)
            {
                var first = seen.Add((news.Account, news.EventId));
                if (world.Bug.TakesNewsAgain || (first && Database.News.Find(news) is null)) fresh.Add(i);
                else if (first && Database.News.Find(news) is { Verdict: NewsVerdict.Quarantined } && !world.Bug.TakesTheSecondReadingForTheFirst) aside.Add(i);
            }
            if (Batch[i].Key is { } key && Database.Keys.TryGetValue((key.ApiKeyId, key.Key), out var stored)) keys[(key.ApiKeyId, key.Key)] = stored;
            if (Batch[i].Inputs is [OrderCommand.Create { Reference: { } reference }] && Database.References.TryGetValue(reference, out var holder))
                references[reference] = (holder, Database.Orders[holder].Fingerprint);
        }
        return new LoadedBatch(
            transaction.Now, mark, orders, fresh, keys, references, orders.Keys.ToDictionary(id => id, id => new Revision(Database.Orders[id].Version, [])), Held(orders))
        {
            Aside = aside,
        };
    }

    Dictionary<GatewayName, PaymentId> Held(Dictionary<OrderId, Order> orders)
    {
        var held = new Dictionary<GatewayName, PaymentId>();
        if (world.Bug.SharesLinks) return held;
        foreach (var input in Batch)
            foreach (var fact in input.Inputs.OfType<Evidence>())
                if (input.Order is { } id && orders.GetValueOrDefault(id)?.Payment(fact.Payment) is { } p)
                    foreach (var name in GatewayName.In(fact, p.Account))
                        if (Database.HolderOf(name) is { } holder && holder != new PaymentId(id, p.Number)) held[name] = holder;
        return held;
    }

    Exception Lost(Exception why)
    {
        End();
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
