using Purser.Orders;
using Purser.Server.Platform;

namespace Purser.Server.Engine;

/// <summary>Rings the alarm clock: takes orders whose time has come and submits a tick for each. A tick submitted twice, or by two nodes, does
/// no harm: the decision looks at the order, not at who rang.</summary>
public sealed partial class Sweeper(IOrderStore store, OrderEngine engine, TimeProvider time, ILogger<Sweeper> log) : IAlarmClock
{
    const int Most = 500;
    static readonly TimeSpan Every = TimeSpan.FromSeconds(1);

    /// <summary>An order that was taken rings again after this, should nobody have looked after it.</summary>
    static readonly TimeSpan Lease = TimeSpan.FromSeconds(30);

    /// <summary>The next alarms do not wait longer than this for those that are slow.</summary>
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    long sweptAt = time.GetTimestamp();

    /// <summary>How long ago the alarms were last looked at.</summary>
    public TimeSpan SinceLastSweep => time.GetElapsedTime(Interlocked.Read(ref sweptAt));

    public async Task Run(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            var taken = 0;
            try
            {
                taken = await Sweep(stop);
                Interlocked.Exchange(ref sweptAt, time.GetTimestamp());
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return;
            }
            catch (StoreAwayException away)
            {
                LogAway(log, away.Message);
            }
            catch (Exception bug) when (bug is not OutOfMemoryException)
            {
                // A sweeper that ends lets every alarm ring unheard.
                LogFailed(log, bug);
            }
            if (taken < Most) await Task.Delay(Every, time, stop).ContinueWith(_ => { }, TaskScheduler.Current);
        }
    }

    /// <returns>How many orders were due.</returns>
    public async Task<int> Sweep(CancellationToken stop)
    {
        var due = await store.TakeDue(Most, Lease, stop);
        if (due.Count == 0) return 0;
        try
        {
            await Task.WhenAll(due.Select(Ring).ToList()).WaitAsync(Patience, time, stop);
        }
        catch (TimeoutException)
        {
            // They go on; what else has rung is looked at meanwhile.
        }
        return due.Count;
    }

    async Task Ring(OrderId order)
    {
        try
        {
            // What could not be done now rings again when its lease is over.
            if (await engine.Submit(order, new OrderInput.Tick(), CancellationToken.None) is EngineReply.Busy busy) LogBusy(log, busy.Why);
        }
        catch (Exception bug) when (bug is not OutOfMemoryException)
        {
            LogFailed(log, bug);
        }
    }

    [LoggerMessage(30, LogLevel.Warning, "The sweeper cannot reach the database: {Why}")]
    static partial void LogAway(ILogger log, string why);

    [LoggerMessage(31, LogLevel.Warning, "A tick waits: {Why}")]
    static partial void LogBusy(ILogger log, string why);

    [LoggerMessage(32, LogLevel.Error, "A tick failed")]
    static partial void LogFailed(ILogger log, Exception bug);
}
