using System.Collections.Concurrent;
using System.Net.WebSockets;
using Npgsql;
using Purser.Orders;
using Purser.Server.Engine;

namespace Purser.Server.Live;

public sealed record LiveOptions
{
    /// <summary>Sockets in all; more are sent to the long poll, and from there to the plain page.</summary>
    public int MostSockets { get; init; } = 14_500;
    /// <summary>Sockets of one order: a shared link must not take the whole house.</summary>
    public int MostPerOrder { get; init; } = 50;
    /// <summary>Long polls, and shoppers' pages, that wait for a change: in all, and of one order. Each holds a connection and its memory.</summary>
    public int MostWaiters { get; init; } = 10_000;
    public int MostWaitersPerOrder { get; init; } = 1000;
    /// <summary>How often the database is asked for what other nodes committed, should their notices fail. One question covers all watched orders.</summary>
    public TimeSpan LookEvery { get; init; } = TimeSpan.FromSeconds(1);
    /// <summary>How often a node says that it is there, and for how long it is believed. To a node that nobody is believed to be beside, nothing is told.</summary>
    public TimeSpan HelloEvery { get; init; } = TimeSpan.FromSeconds(10);
    public TimeSpan OthersFor { get; init; } = TimeSpan.FromSeconds(30);
    public int MostNodes { get; init; } = 1000;
    /// <summary>Proxies close sockets that are silent for a minute.</summary>
    public TimeSpan HeartbeatEvery { get; init; } = TimeSpan.FromSeconds(25);
    /// <summary>A socket that takes longer to swallow one message is dropped; it comes back and resumes by number.</summary>
    public TimeSpan SlowAfter { get; init; } = TimeSpan.FromSeconds(10);
}

/// <summary>Who is watching which order. A watcher has no queue and no timer of its own, only the number of the last event it was sent; what
/// it lacks comes from the few latest events kept here, else from the database. So nothing can be lost, doubled or overtaken, and a watcher
/// that waits costs next to nothing.</summary>
public sealed partial class LiveHub(LiveStore store, TimeProvider time, LiveOptions options, IHostApplicationLifetime host, ILogger<LiveHub> log)
    : BackgroundService
{
    /// <summary>How many of an order's latest events are kept while somebody watches it.</summary>
    internal const int Kept = 16;

    const int LookedAtOnce = 1000;

    readonly LiveStore store = store;
    readonly TimeProvider time = time;
    readonly LiveOptions options = options;
    readonly ConcurrentDictionary<OrderId, Watched> orders = new();
    int sockets;
    int waiting;

    /// <summary>Open sockets.</summary>
    public int Sockets => Volatile.Read(ref sockets);

    /// <summary>Who waits for a change without a socket.</summary>
    public int Waiting => Volatile.Read(ref waiting);

    /// <summary>Runs on the engine's lane right after the commit, so it only takes note.</summary>
    public void Publish(OrderId order, IReadOnlyList<OrderEvent> events)
    {
        if (!orders.TryGetValue(order, out var watched)) return;
        // Who enters meanwhile begins with what the database has.
        if (watched.Followers == 0) watched.Advance(events[^1].Sequence);
        else watched.Add([.. events.Select(LiveEvent.Of)]);
    }

    /// <summary>Waits until the order has an event after this number, here or on another node, or turns out not to have come so far. False when the time ran out first, or when
    /// so many wait already that there is no room, or the server stops: then at once.</summary>
    public async Task<bool> WaitForChange(OrderId order, int afterSequence, TimeSpan atMost, CancellationToken stop)
    {
        var waiter = new Waiter(afterSequence);
        if (Waiting >= options.MostWaiters || Enter(order, waiter, options.MostWaitersPerOrder) is not { } watched) return false;
        Interlocked.Increment(ref waiting);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stop, host.ApplicationStopping);
        try
        {
            // It may have happened before we began to listen.
            if (await LookAt(watched, ending.Token) < afterSequence) return true;
            await waiter.Changed.WaitAsync(atMost, time, ending.Token);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            return false;
        }
        finally
        {
            Interlocked.Decrement(ref waiting);
            Leave(watched, waiter);
        }
    }

    /// <summary>Asks how far the order has come. What was known before the question is committed, so a database that knows less was restored from a backup.</summary>
    async Task<int> LookAt(Watched watched, CancellationToken stop)
    {
        var (known, found) = (watched.Sequence, 0);
        await store.Sequences([watched.Order], (_, sequence) => found = sequence, stop);
        if (found < known) watched.Rewind(found);
        else watched.Advance(found);
        return found;
    }

    /// <summary>Whether one more may wait for this order without a socket.</summary>
    public bool HasRoomToWait(OrderId order) =>
        Waiting < options.MostWaiters && (!orders.TryGetValue(order, out var watched) || watched.Waiters < options.MostWaitersPerOrder);

    /// <summary>Whether one more socket may be opened for this order.</summary>
    public bool HasRoom(OrderId order) =>
        Sockets < options.MostSockets && (!orders.TryGetValue(order, out var watched) || watched.Followers < options.MostPerOrder);

    /// <summary>Sends the events after a number, then every further one as it is committed, until the socket closes.</summary>
    public async Task Follow(WebSocket socket, OrderId order, int after, CancellationToken stop)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stop, host.ApplicationStopping);
        var follower = new Follower(this, socket, order, after);
        if (Enter(order, follower, options.MostPerOrder) is not { } watched)
        {
            await socket.CloseOutputAsync((WebSocketCloseStatus)1013, "Too many watch this order.", ending.Token);
            return;
        }
        Interlocked.Increment(ref sockets);
        try
        {
            follower.Watched = watched;
            if (await LookAt(watched, ending.Token) < after) follower.Rewound();
            follower.Greet();
            await Listen(socket, ending.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or WebSocketException or IOException or NpgsqlException)
        {
            // The other side went away, or we do. It comes back and says what it has seen.
            socket.Abort();
        }
        finally
        {
            Interlocked.Decrement(ref sockets);
            Leave(watched, follower);
        }
    }

    /// <summary>Reads into nothing: a socket that only listens needs no buffer. Whoever sends something has come to the wrong place.</summary>
    static async Task Listen(WebSocket socket, CancellationToken stop)
    {
        var received = await socket.ReceiveAsync(Memory<byte>.Empty, stop);
        if (received.MessageType != WebSocketMessageType.Close)
            await socket.CloseOutputAsync(WebSocketCloseStatus.PolicyViolation, "Nothing is expected here.", stop);
        else if (socket.State == WebSocketState.CloseReceived)
            await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, stop);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var clock = new PeriodicTimer(options.LookEvery, time);
        var away = false;
        while (await clock.WaitForNextTickAsync(stoppingToken))
        {
            foreach (var (_, watched) in orders) watched.Beat();
            try
            {
                if (!orders.IsEmpty) await LookElsewhere(stoppingToken);
                away = false;
            }
            catch (Exception e) when (e is NpgsqlException or TimeoutException or IOException)
            {
                // Said once; watchers lose nothing by it, they only learn later.
                if (!away) LogAway(log, e.Message);
                away = true;
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
        }
    }

    /// <summary>Asks how far each watched order has come: some at a time, for shoppers' requests wait for the same database.</summary>
    async Task LookElsewhere(CancellationToken stop)
    {
        var behind = new List<OrderId>();
        foreach (var some in orders.ToArray().Chunk(LookedAtOnce))
        {
            var known = some.ToDictionary(o => o.Key, o => o.Value.Sequence);
            await store.Sequences(known.Keys, (order, sequence) =>
            {
                if (!orders.TryGetValue(order, out var watched)) return;
                // Less than was committed before the question: the database was restored from a backup under our feet.
                if (sequence < known[order]) watched.Rewind(sequence);
                else if (watched.Sequence < sequence) behind.Add(order);
            }, stop);
            await LookAt(behind, stop);
            behind.Clear();
        }
    }

    public bool IsWatched(OrderId order) => orders.ContainsKey(order);

    /// <summary>Reads what these orders have new, for all of their watchers in one question.</summary>
    public async Task LookAt(IReadOnlyCollection<OrderId> some, CancellationToken stop)
    {
        var watched = new List<(OrderId Order, int After)>(some.Count);
        foreach (var order in some)
            if (orders.TryGetValue(order, out var one)) watched.Add((order, one.Sequence));
        if (watched.Count == 0) return;
        foreach (var (order, events) in await store.EventsAfter(watched, Kept, stop))
            if (orders.TryGetValue(order, out var one)) one.Hear(events);
    }

    Watched? Enter(OrderId order, Watcher watcher, int most)
    {
        while (true)
        {
            var watched = orders.GetOrAdd(order, static id => new Watched(id));
            switch (watched.TryEnter(watcher, most))
            {
                case Entry.In: return watched;
                case Entry.Full: return null;
                // Its last watcher is just leaving; the next one is new.
                default: Forget(watched); break;
            }
        }
    }

    void Leave(Watched watched, Watcher watcher)
    {
        if (watched.Leave(watcher)) Forget(watched);
    }

    void Forget(Watched watched) => orders.TryRemove(new KeyValuePair<OrderId, Watched>(watched.Order, watched));

    void Dropped(OrderId order, string why) => LogDropped(log, order, why);

    [LoggerMessage(1, LogLevel.Warning, "The database could not be asked for changes of other nodes: {Why}")]
    static partial void LogAway(ILogger log, string why);

    [LoggerMessage(2, LogLevel.Debug, "A live socket of {Order} was dropped: {Why}")]
    static partial void LogDropped(ILogger log, OrderId order, string why);
}
