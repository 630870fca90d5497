using System.Collections.Concurrent;
using System.Threading.Channels;
using Purser.Orders;
using Purser.Server.Engine;

namespace Purser.Server.Live;

/// <summary>Tells the other nodes which orders changed here, and hears it from them, by PostgreSQL's NOTIFY: one for all that changed while the last one
/// was under way, beside the commits and not in them, for notifying commits wait for each other. A node that has heard of no other says nothing. What
/// gets lost is found by <see cref="LiveHub"/>'s own look, which does not stop.</summary>
public sealed partial class LiveNotices(LiveStore store, LiveHub hub, TimeProvider time, LiveOptions options, ILogger<LiveNotices> log) : BackgroundService, ILiveFeed
{
    /// <summary>PostgreSQL takes 8,000 bytes; an order has 13 letters and a blank.</summary>
    internal const int PerNotice = 500;
    /// <summary>More than these are left to the other nodes' own look.</summary>
    const int MostWaiting = 20_000;
    static readonly TimeSpan AgainAfter = TimeSpan.FromSeconds(1);

    readonly string node = Convert.ToHexStringLower(System.Security.Cryptography.RandomNumberGenerator.GetBytes(8));
    readonly ConcurrentDictionary<OrderId, bool> changed = new();
    readonly Channel<bool> wake = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    readonly Channel<OrderId> heard = Channel.CreateBounded<OrderId>(new BoundedChannelOptions(MostWaiting) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });
    readonly ConcurrentDictionary<string, long> others = new();

    /// <summary>Whether another node was heard of lately.</summary>
    public bool HasOthers
    {
        get
        {
            foreach (var (_, at) in others)
                if (time.GetElapsedTime(at) < options.OthersFor) return true;
            return false;
        }
    }

    /// <summary>Runs on the engine's lane right after the commit, so it only takes note.</summary>
    public void Publish(OrderId order, IReadOnlyList<OrderEvent> events)
    {
        hub.Publish(order, events);
        if (others.IsEmpty || !HasOthers || changed.Count >= MostWaiting) return;
        changed[order] = true;
        wake.Writer.TryWrite(true);
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(Listen(stoppingToken), Tell(stoppingToken), Look(stoppingToken));

    async Task Listen(CancellationToken stop)
    {
        var away = false;
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await store.Listen(() => away = false, Heard, stop);
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                // Said once; changes elsewhere are still seen, only later.
                if (!away) LogDeaf(log, e.Message);
                away = true;
            }
            await Task.Delay(AgainAfter, time, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    async Task Tell(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                // A notice without orders says that this node is there.
                await store.Notify(string.Join(' ', Take().Select(o => o.Letters).Prepend(node)), stop);
                if (!changed.IsEmpty) continue;
                using var patience = new CancellationTokenSource(options.HelloEvery, time);
                using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, patience.Token);
                await wake.Reader.WaitToReadAsync(either.Token).AsTask().ContinueWith(_ => { }, TaskScheduler.Default);
                wake.Reader.TryRead(out _);
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                LogMute(log, e.Message);
                await Task.Delay(AgainAfter, time, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    List<OrderId> Take()
    {
        var some = new List<OrderId>();
        foreach (var (order, _) in changed)
        {
            if (some.Count == PerNotice) break;
            if (changed.TryRemove(order, out _)) some.Add(order);
        }
        return some;
    }

    /// <summary>Whoever may connect to the database may say anything here. It only makes us look, and only at what somebody watches.</summary>
    internal void Heard(string notice)
    {
        var words = notice.Split(' ');
        if (words[0] == node || words[0].Length != node.Length) return;
        var isNew = !others.ContainsKey(words[0]);
        if (isNew)
        {
            foreach (var (gone, at) in others)
                if (time.GetElapsedTime(at) > options.OthersFor) others.TryRemove(gone, out _);
            if (others.Count >= options.MostNodes) return;
        }
        others[words[0]] = time.GetTimestamp();
        // So that it knows of us before our next notice is due.
        if (isNew) wake.Writer.TryWrite(true);
        foreach (var letters in words.AsSpan(1))
            if (OrderId.TryParse(OrderId.Prefix + letters, out var order) && hub.IsWatched(order)) heard.Writer.TryWrite(order);
    }

    async Task Look(CancellationToken stop)
    {
        var some = new HashSet<OrderId>();
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await heard.Reader.WaitToReadAsync(stop);
                while (some.Count < PerNotice && heard.Reader.TryRead(out var order)) some.Add(order);
                await hub.LookAt(some, stop);
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                // The hub's own look finds what was not looked at here.
                LogDeaf(log, e.Message);
            }
            some.Clear();
        }
    }

    [LoggerMessage(10, LogLevel.Warning, "Other nodes cannot be heard at once, only by looking: {Why}")]
    static partial void LogDeaf(ILogger log, string why);

    [LoggerMessage(11, LogLevel.Warning, "Other nodes cannot be told at once what changed; they look for themselves: {Why}")]
    static partial void LogMute(ILogger log, string why);
}
