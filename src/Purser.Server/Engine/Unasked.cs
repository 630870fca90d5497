using Purser.Orders;

namespace Purser.Server.Engine;

/// <summary>Questions that could not be put, for the gateway's breaker was open or its bulkhead full. The alarm clock takes them for asked and would ask again in an hour; here they
/// wait, the oldest and then the largest first, and are put again: one at a time until one gets through, then ever more. Kept in memory only: what is lost with the process, the
/// alarm clock asks.</summary>
/// <param name="put">Decides on the order anew; what was asked is history by now.</param>
sealed class Unasked(Func<OrderId, OrderInput, Task> put, TimeProvider time)
{
    /// <summary>More than these, for one account, are left to the alarm clock.</summary>
    const int Most = 20_000;
    const int Widest = 64;
    /// <summary>What cannot be put this often is kept back for a reason of its own, and must not stand before the others.</summary>
    const int MostTries = 20;
    static readonly TimeSpan Every = TimeSpan.FromSeconds(1);
    static readonly TimeSpan Seldom = TimeSpan.FromSeconds(16);

    readonly Lock door = new();
    readonly Dictionary<string, Backlog> backlogs = new(StringComparer.Ordinal);

    /// <param name="since">When what is asked about began.</param>
    /// <param name="minorUnits">How much it is about.</param>
    public void Add(string account, OrderId order, OrderInput question, DateTimeOffset since, long minorUnits)
    {
        lock (door)
        {
            if (!backlogs.TryGetValue(account, out var backlog)) backlogs[account] = backlog = new Backlog();
            backlog.CameBack = true;
            if (backlog.Tries.Count >= Most) backlog.Tries.Clear();
            var tries = backlog.Tries[(order, question)] = backlog.Tries.GetValueOrDefault((order, question)) + 1;
            if (tries <= MostTries && backlog.Waiting.Count < Most) backlog.Waiting[(order, question)] = (since, minorUnits);
            if (backlog.Runs) return;
            backlog.Runs = true;
            _ = Drain(backlog);
        }
    }

    async Task Drain(Backlog backlog)
    {
        while (true)
        {
            await Task.Delay(backlog.Pause, time);
            foreach (var (order, question) in Next(backlog))
                try
                {
                    await put(order, question);
                }
                catch (Exception e) when (e is not OutOfMemoryException)
                {
                    // The alarm clock asks.
                }
            lock (door)
            {
                if (backlog.Waiting.Count > 0 || backlog.Width > 1 || backlog.CameBack) continue;
                backlog.Runs = false;
                return;
            }
        }
    }

    List<(OrderId, OrderInput)> Next(Backlog backlog)
    {
        lock (door)
        {
            if (backlog.CameBack) (backlog.Width, backlog.Pause) = (1, backlog.Width > 1 ? Every : Shorter(backlog.Pause * 2, Seldom));
            else (backlog.Width, backlog.Pause) = (Math.Min(backlog.Width * 2, Widest), Every);
            backlog.CameBack = false;
            List<(OrderId, OrderInput)> next = [.. backlog.Waiting.OrderBy(w => w.Value.Since).ThenByDescending(w => w.Value.MinorUnits).Take(backlog.Width).Select(w => w.Key)];
            foreach (var one in next) backlog.Waiting.Remove(one);
            if (backlog.Waiting.Count == 0 && next.Count == 0) (backlog.Width, backlog.Pause) = (1, Every);
            return next;
        }
    }

    static TimeSpan Shorter(TimeSpan one, TimeSpan other) => one < other ? one : other;

    sealed class Backlog
    {
        public Dictionary<(OrderId Order, OrderInput Question), (DateTimeOffset Since, long MinorUnits)> Waiting { get; } = [];

        public Dictionary<(OrderId Order, OrderInput Question), int> Tries { get; } = [];

        public int Width { get; set; } = 1;

        public TimeSpan Pause { get; set; } = Every;

        /// <summary>Since the last time something could not be put.</summary>
        public bool CameBack { get; set; }

        public bool Runs { get; set; }
    }
}
