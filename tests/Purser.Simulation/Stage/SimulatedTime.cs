namespace Purser.Simulation;

/// <summary>The world's clock. It stands still while anything can run and jumps to the next timer when nothing can.</summary>
sealed class SimulatedTime(DateTimeOffset start) : TimeProvider
{
    readonly PriorityQueue<Alarm, (long Due, long Order)> alarms = new();
    long now = start.UtcTicks;
    long count;

    public long Ticks => now;

    /// <summary>When the next timer rings; <see cref="long.MaxValue"/> when none is set.</summary>
    public long NextTicks
    {
        get
        {
            while (alarms.TryPeek(out var alarm, out var key))
            {
                if (alarm.Due == key.Due) return key.Due;
                alarms.Dequeue(); // Changed or disposed since.
            }
            return long.MaxValue;
        }
    }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => now;

    public override DateTimeOffset GetUtcNow() => new(now, TimeSpan.Zero);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var alarm = new Alarm(this, callback, state);
        alarm.Change(dueTime, period);
        return alarm;
    }

    /// <summary>Jumps to the next timer and rings it.</summary>
    public void RingNext()
    {
        var alarm = alarms.Dequeue();
        now = Math.Max(now, alarm.Due);
        alarm.Ring();
    }

    sealed class Alarm(SimulatedTime time, TimerCallback callback, object? state) : ITimer
    {
        TimeSpan period = Timeout.InfiniteTimeSpan;

        public long Due { get; private set; } = long.MaxValue;

        public bool Change(TimeSpan dueTime, TimeSpan every)
        {
            period = every;
            Set(dueTime);
            return true;
        }

        public void Ring()
        {
            Due = long.MaxValue;
            if (period > TimeSpan.Zero) Set(period);
            callback(state);
        }

        public void Dispose() => Due = long.MaxValue;

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }

        void Set(TimeSpan dueTime)
        {
            Due = dueTime < TimeSpan.Zero ? long.MaxValue : time.now + dueTime.Ticks;
            if (Due != long.MaxValue) time.alarms.Enqueue(this, (Due, time.count++));
        }
    }
}

/// <summary>A node's own clock: it goes wrong by a constant, as clocks of machines do. Waiting is not affected.</summary>
sealed class SkewedTime(SimulatedTime time, TimeSpan skew) : TimeProvider
{
    public override long TimestampFrequency => time.TimestampFrequency;

    public override long GetTimestamp() => time.GetTimestamp();

    public override DateTimeOffset GetUtcNow() => time.GetUtcNow() + skew;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        time.CreateTimer(callback, state, dueTime, period);
}
