using System.Threading.Channels;
using Purser.Orders;

namespace Purser.Server.Engine;

/// <summary>How much may wait and how much is done at once.</summary>
public sealed record EngineOptions
{
    /// <summary>An order always has the same lane. More lanes than cores buy nothing.</summary>
    public int Lanes { get; init; } = 2;
    /// <summary>A lane that holds this many inputs answers 503; it never grows.</summary>
    public int Waiting { get; init; } = 4096;
    public int Batch { get; init; } = 512;
    /// <summary>A whole batch is tried this often when concurrency was against it, before it is split.</summary>
    public int Tries { get; init; } = 4;
    /// <summary>So many orders a lane remembers as it wrote them last, some kilobytes each.</summary>
    public int Remembered { get; init; } = 8192;
    /// <summary>How long the end of a commit whose answer was lost is asked for before the callers are told to ask again.</summary>
    public TimeSpan UnknownFor { get; init; } = TimeSpan.FromSeconds(20);
    /// <summary>What decides; another one only where a simulation shows that it would notice a wrong decision.</summary>
    public Func<Order?, OrderInput, DateTimeOffset, OrderRules, Decision> Decide { get; init; } = OrderMachine.Decide;
}

/// <summary>Makes the calls a commit asks for, once it is committed.</summary>
public interface ICallStarter
{
    /// <summary>Takes the call or lets it fall; the alarm clock asks again for what fell.</summary>
    void Start(GatewayCall call);
}

/// <summary>Tells whoever is watching what was committed.</summary>
public interface ILiveFeed
{
    void Publish(OrderId order, IReadOnlyList<OrderEvent> events);
}

/// <summary>The one road: takes what is waiting, loads those orders under one lock, decides, saves, one commit, then answers
/// everybody. Alone, an input waits for nobody; under load a commit is shared by hundreds.</summary>
public sealed partial class OrderEngine : IAsyncDisposable
{
    readonly Lane[] lanes;

    public OrderEngine(
        IOrderStore store, Func<OrderRules> rules, ICallStarter calls, ILiveFeed live, TimeProvider time, EngineOptions options,
        ILogger<OrderEngine> log)
    {
        Watch = new OrderWatch(time);
        lanes = [.. Enumerable.Range(0, options.Lanes).Select(_ => new Lane(store, rules, calls, live, Watch, time, options, log))];
    }

    /// <summary>For whoever waits for an order's next state.</summary>
    public OrderWatch Watch { get; }

    /// <summary>How many inputs wait in all lanes.</summary>
    public int Waiting => lanes.Sum(lane => lane.Waiting);

    public void Start()
    {
        foreach (var lane in lanes) lane.Start();
    }

    public Task<EngineReply> Submit(OrderId order, OrderInput input, CancellationToken stop) => Submit(EngineInput.Of(order, input), stop);

    /// <summary>Waits until the input is committed or refused. Cancelling stops the waiting, not the work.</summary>
    public Task<EngineReply> Submit(EngineInput input, CancellationToken stop)
    {
        var key = input.Order?.Value ?? StableHash(input.News?.EventId ?? "");
        var lane = lanes[(int)((ulong)key % (ulong)lanes.Length)];
        var answer = lane.Take(input);
        if (answer is null)
        {
            EngineTelemetry.Refused.Add(1);
            return Task.FromResult<EngineReply>(new EngineReply.Busy(TimeSpan.FromSeconds(1), "Too much is waiting."));
        }
        return stop.CanBeCanceled ? answer.WaitAsync(stop) : answer;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var lane in lanes) await lane.DisposeAsync();
    }

    static long StableHash(string text)
    {
        var hash = 1469598103934665603UL;
        foreach (var c in text) hash = (hash ^ c) * 1099511628211UL;
        return (long)(hash >> 1);
    }

    sealed class Waiter(EngineInput input)
    {
        EngineInput input = input;

        // Asynchronously, or the lane would run its callers' code.
        readonly TaskCompletionSource<EngineReply> answer = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public EngineInput Input => input;

        /// <summary>A commit of it was sent, and nobody knows what became of that.</summary>
        public bool MayBeStored { get; set; }

        public Task<EngineReply> Answer => answer.Task;

        public void KeepForAPerson(string why) =>
            input = new EngineInput(input.Order, [], input.News! with { EventType = "unreadable", QuarantineReason = why });

        public void LeaveCallsOut() => input = input with { Calls = null };

        public void Reply(EngineReply reply) => answer.TrySetResult(reply);

        public void Fail(Exception why) => answer.TrySetException(why);
    }

    sealed partial class Lane(
        IOrderStore store, Func<OrderRules> rules, ICallStarter calls, ILiveFeed live, OrderWatch watch, TimeProvider time, EngineOptions options,
        ILogger log) : IAsyncDisposable
    {
        // Whoever finds the lane idle is its first thread, up to where it waits for the database: nobody needs to be woken.
        readonly Channel<Waiter> queue = Channel.CreateBounded<Waiter>(new BoundedChannelOptions(options.Waiting) { SingleReader = true, AllowSynchronousContinuations = true });
        readonly CancellationTokenSource ending = new();
        readonly RecentOrders session = new(store.OpenSession(), time, options.Remembered);
        // Orders that somebody else held when it was last looked, and when that was.
        readonly Dictionary<OrderId, long> held = [];
        Task running = Task.CompletedTask;

        public int Waiting => queue.Reader.Count;

        public void Start() => running = Run();

        public Task<EngineReply>? Take(EngineInput input)
        {
            var waiter = new Waiter(input);
            return queue.Writer.TryWrite(waiter) ? waiter.Answer : null;
        }

        /// <summary>Lets what was taken be finished, for it may have been promised.</summary>
        public async ValueTask DisposeAsync()
        {
            // The host and the container may both end us.
            if (!queue.Writer.TryComplete()) return;
            ending.CancelAfter(TimeSpan.FromSeconds(15));
            await running;
            await session.DisposeAsync();
            ending.Dispose();
        }

        async Task Run()
        {
            var batch = new List<Waiter>();
            while (await queue.Reader.WaitToReadAsync())
            {
                batch.Clear();
                while (batch.Count < options.Batch && queue.Reader.TryRead(out var waiter)) batch.Add(waiter);
                if (held.Count > 0 && batch.Exists(w => w.Input.Order is { } id && held.TryGetValue(id, out var at) && time.GetElapsedTime(at) >= HeldFor)) await LookAtHeld([.. held.Keys]);
                SendBackHeld(batch);
                await Handle(batch, tries: options.Tries);
            }
        }

        /// <summary>Learns which of these orders are held. A lane waits for a lock once, and from then on only looks.</summary>
        async Task LookAtHeld(IReadOnlyCollection<OrderId> orders)
        {
            foreach (var id in orders) held.Remove(id);
            try
            {
                foreach (var id in await session.Held(orders, ending.Token)) held[id] = time.GetTimestamp();
            }
            catch (Exception e) when (e is StoreRefusedException or StoreAwayException or OperationCanceledException)
            {
                // The batch meets the same trouble, and says so.
            }
        }

        void SendBackHeld(List<Waiter> batch)
        {
            if (held.Count == 0) return;
            foreach (var waiter in batch)
                if (waiter.Input.Order is { } id && held.ContainsKey(id)) waiter.Reply(HeldByAnother);
            batch.RemoveAll(waiter => waiter.Answer.IsCompleted);
        }

        /// <summary>An order that was held is looked at again after this, should somebody want it.</summary>
        static readonly TimeSpan HeldFor = TimeSpan.FromSeconds(1);

        static readonly EngineReply.Busy HeldByAnother = new(TimeSpan.FromSeconds(1), "The order is held by somebody else.");

        /// <summary>Sees to it that every waiter is answered, whatever the database does.</summary>
        async Task Handle(List<Waiter> batch, int tries)
        {
            while (batch.Count > 0)
            {
                try
                {
                    if (await Attempt(batch)) return;
                    tries--;
                }
                catch (StoreRefusedException refused) when (refused is { Passing: true, Held: false } && tries > 1)
                {
                    tries--;
                    EngineTelemetry.Retried.Add(1);
                    if (refused.Overtaken) LogOvertaken(log, batch.Count);
                    else if (refused.Taken) LogTaken(log, batch.Count, refused.Message);
                    else LogRetry(log, batch.Count, refused.Message);
                }
                catch (StoreRefusedException refused) when (batch.Count > 1)
                {
                    if (refused.Held)
                    {
                        await LookAtHeld([.. batch.Select(w => w.Input.Order).OfType<OrderId>().Distinct()]);
                        var all = batch.Count;
                        batch = [.. batch];
                        SendBackHeld(batch);
                        if (batch.Count < all) continue;
                    }
                    // One of them is poison, or somebody holds its order; the halves find out which, and it harms only itself.
                    LogSplit(log, batch.Count, refused.Message);
                    var half = batch.Count / 2;
                    await Handle(batch[..half], options.Tries);
                    await Handle(batch[half..], options.Tries);
                    return;
                }
                catch (StoreRefusedException refused) when (refused.Passing)
                {
                    LogRetry(log, 1, refused.Message);
                    if (refused.Held && batch[0].Input.Order is { } id) held[id] = time.GetTimestamp();
                    AnswerAll(batch, refused.Held ? HeldByAnother : new EngineReply.Busy(TimeSpan.FromSeconds(1), "The database is too busy."));
                    return;
                }
                // News that cannot be written as they were read are kept as they came, for a person.
                catch (StoreRefusedException refused) when (!refused.Passing && batch is [{ Input.News: { QuarantineReason: null } }])
                {
                    LogPoison(log, 1, refused);
                    batch[0].KeepForAPerson($"It could not be stored: {refused.Message}");
                    tries = options.Tries;
                    continue;
                }
                // What a gateway answered counts, also when how it said so cannot be kept.
                catch (StoreRefusedException refused) when (!refused.Passing && batch is [{ Input: { News: null, Calls.Count: > 0, Inputs.Count: > 0 } }])
                {
                    LogPoison(log, 1, refused);
                    batch[0].LeaveCallsOut();
                    tries = options.Tries;
                    continue;
                }
                catch (StoreAwayException away)
                {
                    LogAway(log, batch.Count, away.Message);
                    AnswerAll(batch, new EngineReply.Busy(TimeSpan.FromSeconds(2), "The database is away."));
                    return;
                }
                catch (Exception bug)
                {
                    LogPoison(log, batch.Count, bug);
                    if (batch.Count > 1)
                    {
                        var half = batch.Count / 2;
                        await Handle(batch[..half], options.Tries);
                        await Handle(batch[half..], options.Tries);
                    }
                    else batch[0].Fail(bug);
                    return;
                }
                if (tries > 0) continue;
                AnswerAll(batch, new EngineReply.Busy(TimeSpan.FromSeconds(1), "The database is too busy."));
                return;
            }
        }

        /// <returns>False when it is known that nothing was committed and the batch may be tried again.</returns>
        async Task<bool> Attempt(List<Waiter> batch)
        {
            var since = time.GetTimestamp();
            using var span = EngineTelemetry.Spans.StartActivity("engine.batch");
            span?.SetTag("purser.inputs", batch.Count);
            var loaded = await session.Load([.. batch.Select(w => w.Input)], ending.Token);
            var work = new Batch(loaded, rules(), options.Decide);
            for (var i = 0; i < batch.Count; i++)
                try
                {
                    work.Do(i, batch[i].Input, batch[i].MayBeStored);
                }
                catch (Exception bug) when (bug is not OutOfMemoryException)
                {
                    // A decision that throws is a bug. It harms its own input; the others go on.
                    LogDecisionFailed(log, batch[i].Input.Order, bug);
                    work.Fail(i, batch[i].Input, bug);
                }

            var changes = work.Changes();
            // From memory nothing is answered that the commit does not confirm; a key that was used before is known only to the database.
            var unconfirmed = loaded.Mark is null && (changes.IsEmpty || batch.Count(w => w.Input.Key is not null) > changes.Keys.Count);
            if (unconfirmed || changes.IsEmpty)
            {
                await session.Rollback();
                if (unconfirmed) return false;
            }
            else
            {
                try
                {
                    await session.Commit(changes, ending.Token);
                }
                catch (CommitUnknownException lost)
                {
                    LogCommitUnknown(log, batch.Count, lost.Message);
                    // Without a mark it may come yet, though then one of both is refused.
                    foreach (var waiter in batch) waiter.MayBeStored |= loaded.Mark is null;
                    var committed = await Resolve(loaded, changes);
                    if (committed is false) return false;
                    if (committed is null)
                    {
                        // Committed or not, the callers ask again and find out; nothing was promised to them.
                        AnswerAll(batch, new EngineReply.Busy(TimeSpan.FromSeconds(2), "The database went away in the middle of a commit."));
                        return true;
                    }
                }
            }

            // It is committed: whatever fails from here on must neither undo an answer nor run the batch again.
            for (var i = 0; i < batch.Count; i++)
                if (work.Failure(i) is { } bug) batch[i].Fail(bug);
                else batch[i].Reply(work.ReplyTo(i));
            foreach (var call in work.Calls) Afterwards(() => calls.Start(call));
            Afterwards(() =>
            {
                EngineTelemetry.BatchSize.Record(batch.Count);
                EngineTelemetry.BatchSeconds.Record(time.GetElapsedTime(since).TotalSeconds);
                EngineTelemetry.Count(changes.Events);
            });
            foreach (var (_, order) in changes.Changed) Afterwards(() => watch.Changed(order));
            foreach (var (order, events) in work.EventsByOrder())
                Afterwards(() =>
                {
                    LogCommitted(order, events);
                    live.Publish(order, events);
                });
            return true;
        }

        void Afterwards(Action tell)
        {
            try
            {
                tell();
            }
            catch (Exception bug) when (bug is not OutOfMemoryException)
            {
                LogAfterwards(log, bug);
            }
        }

        void LogCommitted(OrderId order, IReadOnlyList<OrderEvent> events)
        {
            if (!log.IsEnabled(LogLevel.Information)) return;
            foreach (var e in events)
                if (e.Payment is { } payment) LogPaymentEvent(log, e.Type.Name(), order, payment, e.Sequence);
                else LogEvent(log, e.Type.Name(), order, e.Sequence);
        }

        async Task<bool?> Resolve(LoadedBatch loaded, BatchChanges changes)
        {
            var since = time.GetTimestamp();
            while (true)
            {
                try
                {
                    return await session.WasCommitted(loaded, changes, ending.Token);
                }
                catch (StoreAwayException) when (time.GetElapsedTime(since) < options.UnknownFor)
                {
                    await Task.Delay(TimeSpan.FromMilliseconds(250), time);
                }
                catch (Exception e) when (e is not OutOfMemoryException)
                {
                    // Whatever it is: to try again what may be committed could do it twice.
                    if (e is not StoreAwayException) LogPoison(log, 1, e);
                    return null;
                }
            }
        }

        static void AnswerAll(List<Waiter> batch, EngineReply reply)
        {
            foreach (var waiter in batch) waiter.Reply(reply);
        }
    }

    [LoggerMessage(7, LogLevel.Information, "{EventType} {Order} event {Sequence}")]
    static partial void LogEvent(ILogger log, string eventType, OrderId order, int sequence);

    [LoggerMessage(9, LogLevel.Information, "{EventType} {Order} payment {Payment} event {Sequence}")]
    static partial void LogPaymentEvent(ILogger log, string eventType, OrderId order, int payment, int sequence);

    [LoggerMessage(1, LogLevel.Information, "A batch of {Count} met another at the database and is written again: {Why}")]
    static partial void LogRetry(ILogger log, int count, string why);

    // The usual price of deciding from memory: an alarm that rang, another node or a jump of the clock was first. Nothing was written.
    [LoggerMessage(10, LogLevel.Debug, "{Count} inputs were decided on orders as they were remembered, which are newer in the database; they are decided again on those")]
    static partial void LogOvertaken(ILogger log, int count);

    [LoggerMessage(11, LogLevel.Debug, "Of {Count} inputs one was sent before; they are decided again on what is there: {Why}")]
    static partial void LogTaken(ILogger log, int count, string why);

    [LoggerMessage(2, LogLevel.Warning, "A batch of {Count} was refused and is split: {Why}")]
    static partial void LogSplit(ILogger log, int count, string why);

    [LoggerMessage(3, LogLevel.Error, "The database is away; {Count} inputs were sent back: {Why}")]
    static partial void LogAway(ILogger log, int count, string why);

    [LoggerMessage(4, LogLevel.Error, "A batch of {Count} failed.")]
    static partial void LogPoison(ILogger log, int count, Exception bug);

    [LoggerMessage(5, LogLevel.Error, "The decision on {Order} failed.")]
    static partial void LogDecisionFailed(ILogger log, OrderId? order, Exception bug);

    [LoggerMessage(8, LogLevel.Error, "Telling of a commit failed.")]
    static partial void LogAfterwards(ILogger log, Exception bug);

    [LoggerMessage(6, LogLevel.Warning, "The answer to a commit of {Count} inputs was lost; reading what became of it: {Why}")]
    static partial void LogCommitUnknown(ILogger log, int count, string why);
}
