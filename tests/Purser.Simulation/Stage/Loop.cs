namespace Purser.Simulation;

/// <summary>The one thread of a world. Whatever could run now runs in an order drawn from the seed; when nothing can, time moves on.</summary>
sealed class Loop(SimulatedTime time, Random chance)
{
    readonly List<(Place Place, SendOrPostCallback Step, object? State)> ready = [];
    readonly int thread = Environment.CurrentManagedThreadId;

    public SimulatedTime Time => time;

    /// <summary>Steps taken: continuations run and timers rung.</summary>
    public long Steps { get; private set; }

    /// <summary>Runs until nothing is left to do before that time.</summary>
    public void RunUntil(DateTimeOffset end)
    {
        var before = SynchronizationContext.Current;
        try
        {
            while (true)
            {
                while (ready.Count > 0) Step();
                if (time.NextTicks > end.UtcTicks) return;
                SynchronizationContext.SetSynchronizationContext(null);
                time.RingNext();
                Steps++;
            }
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(before);
        }
    }

    /// <summary>A wait that costs no thread. Completed without a context, so that what does not want one runs on at once and in order.</summary>
    public Task Wait(TimeSpan span)
    {
        var done = new TaskCompletionSource();
        time.CreateTimer(static state => ((TaskCompletionSource)state!).TrySetResult(), done, span, Timeout.InfiniteTimeSpan);
        return done.Task;
    }

    /// <exception cref="InvalidOperationException">Something left the world's thread: what follows would depend on the machine.</exception>
    public void Enqueue(Place place, SendOrPostCallback step, object? state)
    {
        if (Environment.CurrentManagedThreadId != thread) throw new InvalidOperationException($"{step.Method.DeclaringType} goes on in another thread than the world's.");
        ready.Add((place, step, state));
    }

    void Step()
    {
        var pick = ready.Count == 1 ? 0 : chance.Next(ready.Count);
        var (place, step, state) = ready[pick];
        ready[pick] = ready[^1];
        ready.RemoveAt(ready.Count - 1);
        if (!place.Alive || place.Hold(step, state)) return;
        SynchronizationContext.SetSynchronizationContext(place);
        step(state);
        SynchronizationContext.SetSynchronizationContext(null);
        Steps++;
    }
}

/// <summary>Where code runs: the world outside, or one life of one node. When a place dies, what waits in it never runs on, as when
/// a process is killed: no finally, no answer.</summary>
sealed class Place(Loop loop) : SynchronizationContext
{
    public bool Alive { get; private set; } = true;

    readonly List<(SendOrPostCallback Step, object? State)> held = [];
    bool paused;

    public void Die() => Alive = false;

    /// <summary>As a process that is stopped, or whose machine is: nothing in it moves, and it does not know.</summary>
    public void Pause() => paused = true;

    public void Resume()
    {
        paused = false;
        foreach (var (step, state) in held) Post(step, state);
        held.Clear();
    }

    /// <returns>True when it is kept for later.</returns>
    public bool Hold(SendOrPostCallback step, object? state)
    {
        if (paused) held.Add((step, state));
        return paused;
    }

    public override void Post(SendOrPostCallback d, object? state)
    {
        if (Alive) loop.Enqueue(this, d, state);
    }

    public override void Send(SendOrPostCallback d, object? state) => throw new NotSupportedException("Nobody may block here.");

    public override SynchronizationContext CreateCopy() => this;

    /// <summary>Starts something in this place as soon as it can run.</summary>
    public void Start(Func<Task> work, Action<Exception> failed) => Post(async _ =>
    {
        try
        {
            await work();
        }
        catch (Exception bug)
        {
            failed(bug);
        }
    }, null);
}
