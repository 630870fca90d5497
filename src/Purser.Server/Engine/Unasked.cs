using Purser.Orders;

namespace Purser.Server.Engine;

/// <summary>Questions that could not be put, for the gateway's breaker was open or its bulkhead full. The alarm clock takes them for asked and would ask again in an hour; here they
/// wait, the oldest and then the largest first, and are put again: one at a time until one gets through, then ever more. Kept in memory only: what is lost with the process, the
/// alarm clock asks.</summary>
/// <param name="put">Decides on the order anew; what was asked is history by now. False when there was no room for that: it is put again.</param>
sealed class Unasked(Func<OrderId, OrderInput, Task<bool>> put, TimeProvider time)
{
    /// <summary>More than these, for one account, are left to the alarm clock.</summary>
    const int Most = 20_000;
    const int Widest = 64;
    /// <summary>What came back so often may be kept back for a reason of its own: another one is put beside it, to tell.</summary>
    const int Doubtful = 20;
    /// <summary>What came back so often while others got through is: it must not stand before them.</summary>
    const int MostOvertaken = 5;
    /// <summary>What comes back all day is left to the alarm clock.</summary>
    const int MostTries = 5000;
    /// <summary>What was put and did not come back within so many rounds got through.</summary>
    const int Remembered = 8;
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
            var known = backlog.Put.Remove((order, question), out var before);
            if (known && before.Round == backlog.Round) backlog.Back++;
            if (backlog.Waiting.Count < Most && before.Tries < MostTries)
                backlog.Waiting[(order, question)] = new Question(since, minorUnits, known ? before.Tries + 1 : 0, before.Overtaken) { Round = known ? before.Round : -1 };
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
            foreach (var (key, question) in Next(backlog))
                try
                {
                    if (!await put(key.Order, key.Question)) PutBack(backlog, key, question);
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

    /// <summary>Nobody was asked: that says nothing of the gateway, nor of the question.</summary>
    void PutBack(Backlog backlog, (OrderId, OrderInput) key, Question question)
    {
        lock (door)
        {
            backlog.CameBack = true;
            backlog.Back++;
            backlog.Put.Remove(key);
            backlog.Waiting.TryAdd(key, question);
        }
    }

    List<KeyValuePair<(OrderId Order, OrderInput Question), Question>> Next(Backlog backlog)
    {
        lock (door)
        {
            var gotThrough = backlog.Sent > backlog.Back;
            if (gotThrough && backlog.CameBack)
                foreach (var (key, question) in backlog.Waiting.Where(w => w.Value.Tries >= Doubtful && w.Value.Round == backlog.Round).ToList())
                    if (question.Overtaken + 1 >= MostOvertaken) backlog.Waiting.Remove(key);
                    else backlog.Waiting[key] = question with { Overtaken = question.Overtaken + 1 };
            if (backlog.CameBack) (backlog.Width, backlog.Pause) = (1, backlog.Width > 1 || gotThrough ? Every : Shorter(backlog.Pause * 2, Seldom));
            else (backlog.Width, backlog.Pause) = (Math.Min(backlog.Width * 2, Widest), Every);
            backlog.CameBack = false;
            backlog.Round++;
            foreach (var old in backlog.Put.Where(p => p.Value.Round + Remembered < backlog.Round).Select(p => p.Key).ToList()) backlog.Put.Remove(old);

            var inTurn = backlog.Waiting.OrderBy(w => w.Value.Since).ThenByDescending(w => w.Value.MinorUnits);
            List<KeyValuePair<(OrderId Order, OrderInput Question), Question>> next = [.. inTurn.Take(backlog.Width)];
            if (next is [{ Value.Tries: >= Doubtful }] && backlog.Waiting.Count > 1) next.Add(inTurn.ElementAt(1 + (backlog.Round % (backlog.Waiting.Count - 1))));
            foreach (var (key, question) in next)
            {
                backlog.Waiting.Remove(key);
                backlog.Put[key] = question with { Round = backlog.Round };
            }
            (backlog.Sent, backlog.Back) = (next.Count, 0);
            if (backlog.Waiting.Count == 0 && next.Count == 0) (backlog.Width, backlog.Pause) = (1, Every);
            return next;
        }
    }

    static TimeSpan Shorter(TimeSpan one, TimeSpan other) => one < other ? one : other;

    /// <param name="Tries">How often it was put and came back.</param>
    /// <param name="Overtaken">How often another got through when it came back.</param>
    readonly record struct Question(DateTimeOffset Since, long MinorUnits, int Tries, int Overtaken)
    {
        /// <summary>In which round it was put.</summary>
        public int Round { get; init; }
    }

    sealed class Backlog
    {
        public Dictionary<(OrderId Order, OrderInput Question), Question> Waiting { get; } = [];

        /// <summary>What was put of late and has not come back.</summary>
        public Dictionary<(OrderId Order, OrderInput Question), Question> Put { get; } = [];

        public int Round { get; set; }

        /// <summary>How many were put in this round, and how many of those came back.</summary>
        public int Sent { get; set; }

        public int Back { get; set; }

        public int Width { get; set; } = 1;

        public TimeSpan Pause { get; set; } = Every;

        /// <summary>Since the last time something could not be put.</summary>
        public bool CameBack { get; set; }

        public bool Runs { get; set; }
    }
}
