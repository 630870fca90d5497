namespace Purser.Gateways.Tests.Line;

/// <summary>Runs asynchronous work on the calling thread alone, as a simulation does: what can run runs, then the clock moves on.</summary>
public sealed class OneThread : SynchronizationContext
{
    static readonly TimeSpan Step = TimeSpan.FromMilliseconds(100);

    readonly Queue<Action> work = new();
    readonly int thread = Environment.CurrentManagedThreadId;

    OneThread() { }

    /// <returns>How long the work took by that clock.</returns>
    public static TimeSpan Run(ManualTime time, TimeSpan most, Func<Task> begin)
    {
        var before = Current;
        var context = new OneThread();
        SetSynchronizationContext(context);
        try
        {
            var began = time.GetUtcNow();
            var running = begin();
            while (true)
            {
                while (context.work.TryDequeue(out var next)) next();
                if (running.IsCompleted || time.GetUtcNow() - began >= most) break;
                time.Advance(Step);
            }
            running.IsCompleted.ShouldBeTrue("The work did not end.");
            running.GetAwaiter().GetResult();
            return time.GetUtcNow() - began;
        }
        finally
        {
            SetSynchronizationContext(before);
        }
    }

    public override void Post(SendOrPostCallback d, object? state)
    {
        if (Environment.CurrentManagedThreadId != thread) throw new InvalidOperationException("Something left the thread it was given.");
        work.Enqueue(() => d(state));
    }
}
