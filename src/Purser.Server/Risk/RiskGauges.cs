using System.Diagnostics.Metrics;
using Npgsql;

namespace Purser.Server.Risk;

/// <summary>The money at risk as metrics, by kind, gateway account and currency: <c>purser.risk.count</c>, and <c>purser.risk.oldest</c> in seconds. Every
/// node tells the same, for they read one database.</summary>
public sealed partial class RiskGauges(RiskStore store, TimeProvider time, ILogger<RiskGauges> log) : BackgroundService
{
    /// <summary>Ages are counted in hours and days.</summary>
    static readonly TimeSpan Every = TimeSpan.FromMinutes(5);

    volatile IReadOnlyList<(RiskLine Line, DateTimeOffset At)> latest = [];

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var meter = new Meter("Purser.Risk");
        var count = meter.CreateObservableGauge("purser.risk.count", () => latest.Select(l => new Measurement<long>(l.Line.Count, Tags(l.Line))), description: "What waits for an answer, by kind.");
        var oldest = meter.CreateObservableGauge("purser.risk.oldest", () => latest.Select(l => new Measurement<double>((l.At - l.Line.Oldest).TotalSeconds, Tags(l.Line))), "s", "For how long the oldest waits.");
        using var clock = new PeriodicTimer(Every, time);
        do
        {
            try
            {
                // Where nobody listens nobody asks.
                if (count.Enabled || oldest.Enabled)
                {
                    var (now, lines) = await store.Read(stoppingToken);
                    latest = [.. lines.Select(l => (l, now))];
                }
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (e is NpgsqlException or TimeoutException or IOException)
            {
                // Old figures would look like new ones.
                latest = [];
                LogAway(log, e.Message);
            }
        }
        while (await clock.WaitForNextTickAsync(stoppingToken).AsTask().ContinueWith(t => t.IsCompletedSuccessfully && t.Result, TaskScheduler.Default));
    }

    static KeyValuePair<string, object?>[] Tags(RiskLine line) => [new("kind", line.Kind), new("gateway", line.Account), new("currency", line.Currency)];

    [LoggerMessage(1, LogLevel.Warning, "The money at risk could not be read for the metrics: {Why}")]
    static partial void LogAway(ILogger log, string why);
}
