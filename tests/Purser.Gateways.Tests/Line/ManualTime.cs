namespace Purser.Gateways.Tests.Line;

/// <summary>A clock that stands until it is moved; timers run on the thread that moves it, in the order of their time.</summary>
public sealed class ManualTime : TimeProvider
{
    readonly List<Timer> timers = [];
    DateTimeOffset now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow() => now;

    public override long GetTimestamp() => now.UtcTicks;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Timer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    public void Advance(TimeSpan by)
    {
        var end = now + by;
        while (Next(end) is { } timer) timer.Ring();
        now = end;
    }

    Timer? Next(DateTimeOffset end)
    {
        lock (timers) return timers.Where(t => t.Due <= end).MinBy(t => t.Due);
    }

    sealed class Timer(ManualTime time, TimerCallback callback, object? state) : ITimer
    {
        TimeSpan period;

        public DateTimeOffset? Due { get; private set; }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            this.period = period;
            lock (time.timers)
            {
                Due = dueTime == Timeout.InfiniteTimeSpan ? null : time.now + dueTime;
                time.timers.Remove(this);
                if (Due is not null) time.timers.Add(this);
            }
            return true;
        }

        public void Ring()
        {
            time.now = Due!.Value > time.now ? Due.Value : time.now;
            Change(period == TimeSpan.Zero ? Timeout.InfiniteTimeSpan : period, period);
            callback(state);
        }

        public void Dispose() => Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
