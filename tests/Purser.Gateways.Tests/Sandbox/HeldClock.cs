namespace Purser.Gateways.Tests.Outside;

/// <summary>The system's clock, which stands still when a test says so, however slow the machine is.</summary>
/// <param name="always">Waits of just these lengths end only by <see cref="Resume"/>.</param>
sealed class HeldClock(params IReadOnlyList<TimeSpan> always) : TimeProvider
{
    readonly Lock gate = new();
    readonly List<ITimer> waiting = [];
    DateTimeOffset? stands;
    TimeSpan passed;
    bool resumed;

    public override DateTimeOffset GetUtcNow()
    {
        lock (gate) return (stands ?? base.GetUtcNow()) + passed;
    }

    /// <summary>Only what is set after its making stands still, as the sandbox sets what a gateway does later; its waits for an answer or a next try go on.</summary>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        lock (gate)
        {
            if (resumed || !always.Contains(dueTime)) return new Setting(this, base.CreateTimer(callback, state, dueTime, period));
            var timer = base.CreateTimer(callback, state, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            waiting.Add(timer);
            return timer;
        }
    }

    /// <summary>As on the first day. Whatever waited still happens, so that nothing hangs.</summary>
    public void Begin()
    {
        Resume();
        lock (gate) (resumed, passed) = (false, TimeSpan.Zero);
    }

    /// <summary>It is so much later, for all that tells the time; waits go on as they were.</summary>
    public void Pass(TimeSpan time)
    {
        lock (gate) passed += time;
    }

    public void StandStill()
    {
        lock (gate) stands ??= base.GetUtcNow();
    }

    public void Resume()
    {
        lock (gate)
        {
            (resumed, stands) = (true, null);
            foreach (var timer in waiting) timer.Change(TimeSpan.Zero, Timeout.InfiniteTimeSpan);
            waiting.Clear();
        }
    }

    sealed class Setting(HeldClock clock, ITimer timer) : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (clock.gate)
            {
                if (clock.stands is null || dueTime == Timeout.InfiniteTimeSpan) return timer.Change(dueTime, period);
                clock.waiting.Add(timer);
                return true;
            }
        }

        public void Dispose() => timer.Dispose();

        public ValueTask DisposeAsync() => timer.DisposeAsync();
    }
}
