namespace Purser.Server.Tests.Refunds;

/// <summary>The system's clock for a sandbox: while it stands, what a gateway sets to happen later waits.</summary>
sealed class StandingClock : TimeProvider
{
    readonly Lock gate = new();
    readonly List<ITimer> waiting = [];
    bool stands;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        new Setting(this, base.CreateTimer(callback, state, dueTime, period));

    public void StandStill()
    {
        lock (gate) stands = true;
    }

    public void Resume()
    {
        lock (gate)
        {
            stands = false;
            foreach (var timer in waiting) timer.Change(TimeSpan.Zero, Timeout.InfiniteTimeSpan);
            waiting.Clear();
        }
    }

    sealed class Setting(StandingClock clock, ITimer timer) : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (clock.gate)
            {
                if (!clock.stands || dueTime == Timeout.InfiniteTimeSpan) return timer.Change(dueTime, period);
                clock.waiting.Add(timer);
                return true;
            }
        }

        public void Dispose() => timer.Dispose();

        public ValueTask DisposeAsync() => timer.DisposeAsync();
    }
}
