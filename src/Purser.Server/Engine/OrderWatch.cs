using System.Collections.Concurrent;
using Purser.Orders;

namespace Purser.Server.Engine;

/// <summary>Hands the next committed state of an order to whoever waits for it in this process, without asking the database. What another node
/// commits is not seen here; whoever waits asks for that when patience is over.</summary>
public sealed class OrderWatch(TimeProvider time)
{
    readonly ConcurrentDictionary<OrderId, List<Watching>> watched = new();

    /// <summary>Begins to watch. Begin before asking for the change, or it may be over.</summary>
    public Watching Begin(OrderId order)
    {
        var watching = new Watching(this, order);
        watched.AddOrUpdate(order, _ => [watching], (_, others) => [.. others, watching]);
        return watching;
    }

    internal void Changed(Order order)
    {
        if (watched.TryGetValue(order.Id, out var waiting))
            foreach (var one in waiting) one.See(order);
    }

    void End(Watching watching)
    {
        while (watched.TryGetValue(watching.Order, out var all))
        {
            List<Watching> left = [.. all.Where(w => w != watching)];
            if (left.Count == 0 ? watched.TryRemove(new(watching.Order, all)) : watched.TryUpdate(watching.Order, left, all)) return;
        }
    }

    public sealed class Watching(OrderWatch watch, OrderId order) : IDisposable
    {
        readonly Lock door = new();
        Order? latest;
        TaskCompletionSource? changed;

        public OrderId Order => order;

        /// <summary>The first committed state that is as wanted, or the latest that was seen when patience is over; null when none was.</summary>
        public async Task<Order?> Until(Func<Order, bool> wanted, TimeSpan patience, CancellationToken stop)
        {
            var since = watch.Time.GetTimestamp();
            while (true)
            {
                TaskCompletionSource next;
                lock (door)
                {
                    if (latest is not null && wanted(latest)) return latest;
                    // Asynchronously, or the engine's lane would run its callers' code. A time that is up completes it too.
                    if (changed is not { Task.IsCompleted: false }) changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                    next = changed;
                }
                var left = patience - watch.Time.GetElapsedTime(since);
                if (left <= TimeSpan.Zero) return latest;
                await using var timer = watch.Time.CreateTimer(static waiting => ((TaskCompletionSource)waiting!).TrySetResult(), next, left, Timeout.InfiniteTimeSpan);
                await using var stopping = stop.Register(() => next.TrySetCanceled(stop));
                await next.Task;
            }
        }

        public void Dispose() => watch.End(this);

        internal void See(Order order)
        {
            TaskCompletionSource? told;
            lock (door)
            {
                if (latest is not null && latest.Sequence > order.Sequence) return;
                latest = order;
                (told, changed) = (changed, null);
            }
            told?.TrySetResult();
        }
    }

    TimeProvider Time => time;
}
