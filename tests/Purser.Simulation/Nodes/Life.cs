using Purser.Gateways;
using Purser.Orders;
using Purser.Server.Engine;
using Purser.Server.Gateways;
using Purser.Server.Reconciliation;
using Purser.Server.Settlement;
using Purser.Server.Webhooks;

namespace Purser.Simulation;

/// <summary>What a caller heard from a node.</summary>
readonly record struct Heard<T>(bool Got, T Value, string Why);

/// <summary>One process on one node, from its start to its death: the production engine, caller, sweeper and intake as they are, on the world's
/// time, store and wire.</summary>
sealed class Life : ILiveFeed
{
    readonly World world;
    readonly int node;
    readonly Place place;
    readonly NodeStore store;
    readonly OrderEngine engine;
    readonly Sweeper sweeper;
    readonly SettlementWorker worker;
    readonly SecondReading secondReading;
    readonly Overdue overdue;
    readonly LaterEvidence laterEvidence;
    readonly List<Action> hangUps = [];
    readonly TimeSpan phase;
    long nextRing = long.MaxValue;
    long lastRing;
    long nextReading = long.MaxValue;
    bool reading;
    bool sweeping;
    bool working;

    public Life(World world, int node, int nth)
    {
        (this.world, this.node) = (world, node);
        Name = $"node {node}.{nth}";
        var chance = Chance.Random(Chance.Of(world.Seed, 77, node, nth));
        place = new Place(world.Loop);
        phase = chance.Between(TimeSpan.Zero, TimeSpan.FromSeconds(1));
        var time = new SkewedTime(world.Time, chance.Between(TimeSpan.FromMinutes(-2), TimeSpan.FromMinutes(2)));
        store = new NodeStore(world, this);
        var network = new Network(world, this);
        var lines = new GatewayLines(network, time);
        var log = new WatchingLog(world);
        GatewayLine Line(GatewayAccounts.Entry entry) => lines.Open(entry.Account, entry.Gateway.Profile);
        var caller = new Caller(world.Accounts, Line, time, log.Of<Caller>());
        engine = new OrderEngine(store, () => lines.Health is { Count: > 0 } health ? world.Rules with { Health = health } : world.Rules, world.Bug.Calls(new MarkingStarter(caller, network)), this, time,
            new EngineOptions { Lanes = 1 + chance.Next(3), Batch = chance.Pick(1, 4, 16, 512), Waiting = world.Longer > TimeSpan.Zero ? chance.Pick(512, 1024, 4096) : chance.Pick(8, 64, 4096), Remembered = chance.Pick(4, 8192), Decide = world.Decide },
            log.Of<OrderEngine>());
        caller.AnswerTo(engine);
        sweeper = new Sweeper(store, engine, time, log.Of<Sweeper>());
        var statements = new StatementStore(world, this);
        var options = world.SettlementOptions with { LinesAtOnce = chance.Pick(3, 20, 20_000) };
        overdue = new Overdue(statements, engine, world.Accounts, options, time, log.Of<Overdue>());
        // Beside the rest means here: in turns, for a world has one thread.
        worker = new SettlementWorker(statements, statements, statements, statements, engine, world.Accounts, options, new SettlementHook(Reached), overdue, time, log.Of<SettlementWorker>())
        {
            Beside = work => work(),
            FewLines = chance.Pick(0, 20_000),
        };
        laterEvidence = new LaterEvidence(statements, statements, statements, engine, options, new SettlementHook(Reached), time, log.Of<LaterEvidence>());
        var intake = new NewsIntake(engine, store, world.Accounts, new PublishedFiles(time, network), Line, log.Of<NewsIntake>());
        secondReading = new SecondReading(new NodeQuarantine(world, this), intake, time, log.Of<SecondReading>());
        Edge = new Edge(world, engine, intake, statements, new Ids(time, chance), time);
        place.Start(() =>
        {
            engine.Start();
            return Task.CompletedTask;
        }, world.Auditor.Threw);
    }

    public string Name { get; }

    public bool Alive => place.Alive;

    public Edge Edge { get; }

    /// <summary>Sends something here from outside and waits for what is answered, at most so long.</summary>
    public Task<Heard<T>> Ask<T>(Func<Task<T>> work, TimeSpan patience)
    {
        var heard = new TaskCompletionSource<Heard<T>>();
        if (!Alive)
        {
            heard.SetResult(new Heard<T>(false, default!, "connection refused"));
            return heard.Task;
        }
        void HangUp() => heard.TrySetResult(new Heard<T>(false, default!, "connection lost"));
        hangUps.Add(HangUp);
        var timer = world.Time.CreateTimer(_ => heard.TrySetResult(new Heard<T>(false, default!, "no answer in time")), null, patience, Timeout.InfiniteTimeSpan);
        place.Start(async () =>
        {
            var value = await work();
            timer.Dispose();
            hangUps.Remove(HangUp);
            heard.TrySetResult(new Heard<T>(true, value, ""));
        }, world.Auditor.Threw);
        return heard.Task;
    }

    /// <summary>Killed: memory, what was under way and what waited is gone. Comes back later.</summary>
    /// <returns>A task that never ends: whoever awaits it in here died with it.</returns>
    public Task Crash(string when)
    {
        if (Alive)
        {
            world.Crashes.TryGetValue(when, out var before);
            world.Crashes[when] = before + 1;
            world.Trace.Mix(node, 120);
            world.Trace.Tell(-1, $"{Name} dies {when}");
            place.Die();
            store.Break();
            foreach (var hangUp in hangUps.ToList()) hangUp();
            world.Revive(node);
        }
        return new TaskCompletionSource().Task;
    }

    static readonly TimeSpan IdleFor = TimeSpan.FromMinutes(1);

    public void Pause(TimeSpan span)
    {
        if (!Alive) return;
        place.Pause();
        // PostgreSQL ends what is idle within a transaction for too long.
        if (span > IdleFor) world.Time.CreateTimer(_ => store.Break(), null, IdleFor, Timeout.InfiniteTimeSpan);
        world.Time.CreateTimer(_ => place.Resume(), null, span, Timeout.InfiniteTimeSpan);
    }

    /// <summary>The sweeper looks every second. It is woken only for seconds in which it would find something.</summary>
    public void Watch(DateTimeOffset at)
    {
        if (!Alive || sweeping) return;
        var second = TimeSpan.TicksPerSecond;
        var earliest = Math.Max(Math.Max(at.UtcTicks, world.Time.Ticks), lastRing + second);
        var due = (earliest - phase.Ticks + second - 1) / second * second + phase.Ticks;
        if (due >= nextRing) return;
        nextRing = due;
        world.Time.CreateTimer(_ =>
        {
            if (nextRing == due) place.Start(Sweep, world.Auditor.Threw);
        }, null, new TimeSpan(due - world.Time.Ticks), Timeout.InfiniteTimeSpan);
    }

    async Task Sweep()
    {
        (lastRing, nextRing, sweeping) = (world.Time.Ticks, long.MaxValue, true);
        try
        {
            if (world.Database.NextAlarm <= world.Time.GetUtcNow()) await sweeper.Sweep(CancellationToken.None);
        }
        catch (StoreAwayException)
        {
            // As the sweeper itself does: it looks again in a second.
        }
        sweeping = false;
        if (world.Database.NextAlarm is { } next) Watch(next);
    }

    /// <summary>The second reading looks every ten seconds. It is woken only when it would find something.</summary>
    public void WatchNews(DateTimeOffset at)
    {
        if (!Alive || reading) return;
        var due = Math.Max(at.UtcTicks, world.Time.Ticks) + (phase.Ticks * 10);
        if (due >= nextReading) return;
        nextReading = due;
        world.Time.CreateTimer(_ =>
        {
            if (nextReading == due) place.Start(ReadAside, world.Auditor.Threw);
        }, null, new TimeSpan(due - world.Time.Ticks), Timeout.InfiniteTimeSpan);
    }

    async Task ReadAside()
    {
        (nextReading, reading) = (long.MaxValue, true);
        try
        {
            if (world.Database.News.NextAt <= world.Time.GetUtcNow()) await secondReading.ReadDue(CancellationToken.None);
        }
        catch (TimeoutException)
        {
            // As it does itself: it looks again in a moment.
        }
        reading = false;
        if (world.Database.News.NextAt is { } next) WatchNews(next);
    }

    /// <summary>The work on settlement files looks every second. It is woken only when it would find something.</summary>
    public void WatchFiles()
    {
        if (!Alive || working) return;
        working = true;
        var wait = world.Database.Statements.NextAt is { } at && at > world.Time.GetUtcNow() ? at - world.Time.GetUtcNow() : TimeSpan.Zero;
        world.Time.CreateTimer(_ => place.Start(Files, world.Auditor.Threw), null, wait + phase + TimeSpan.FromMilliseconds(1), Timeout.InfiniteTimeSpan);
    }

    async Task Files()
    {
        try
        {
            while (await worker.One(CancellationToken.None)) { }
        }
        catch (Exception e) when (e is StoreAwayException or EngineBusyException)
        {
            // As the worker itself does: it looks again in a second.
        }
        working = false;
        if (world.Database.Statements.NextAt is not null) WatchFiles();
    }

    /// <summary>The work on a file is at one of its named places.</summary>
    void Reached(string place)
    {
        if (Alive && world.Faults.At(Port.StatementHook, Desk.Index).Fault == Fault.CrashAtHook) _ = Crash($"at {place} of a file");
    }

    /// <summary>Looks for questions that are answered by now.</summary>
    public async Task<bool> FindAnswered()
    {
        try
        {
            await laterEvidence.Sweep(CancellationToken.None);
            return true;
        }
        catch (Exception e) when (e is StoreAwayException or EngineBusyException)
        {
            return false;
        }
    }

    /// <summary>Looks for what no statement had by its day.</summary>
    public async Task<DateOnly?> FindOverdue()
    {
        try
        {
            var until = overdue.Until;
            world.Overdue += await overdue.Sweep(null, until, CancellationToken.None);
            world.MissedRefunds += await overdue.SweepRefunds(null, until, CancellationToken.None);
            return until;
        }
        catch (StoreAwayException)
        {
            return null;
        }
    }

    void ILiveFeed.Publish(OrderId order, IReadOnlyList<OrderEvent> events)
    {
    }
}
