using System.Text.Json;
using Npgsql;
using Purser.Gateways;

namespace Purser.Server.Webhooks;

/// <summary>Reads news again that were kept aside: a dispute may have come before the money that it is about, and what a bug kept aside its mend lets
/// in. What was the gateway's when it came is so still, whatever became of its secret since.</summary>
public sealed partial class SecondReading(IQuarantineStore store, NewsIntake intake, TimeProvider time, ILogger<SecondReading> log) : BackgroundService
{
    /// <summary>After it came. Money is known within minutes of its capture, by asking if not by news; a gateway's outage or ours ends within days.</summary>
    public static readonly IReadOnlyList<TimeSpan> Delays =
    [
        TimeSpan.FromSeconds(10), TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(30), TimeSpan.FromHours(2), TimeSpan.FromHours(6),
        TimeSpan.FromDays(1), TimeSpan.FromDays(2), TimeSpan.FromDays(4), TimeSpan.FromDays(8),
    ];

    static readonly TimeSpan Every = TimeSpan.FromSeconds(10);
    const int AtOnce = 100;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (true)
            try
            {
                await Task.Delay(Every, time, stoppingToken);
                while (await ReadDue(stoppingToken) == AtOnce)
                {
                }
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception away) when (away is NpgsqlException or TimeoutException or IOException)
            {
                Missed(log, away.Message);
            }
    }

    /// <returns>How many were read.</returns>
    public async Task<int> ReadDue(CancellationToken stop)
    {
        var due = await store.TakeDue(Delays, AtOnce, stop);
        foreach (var news in due)
        {
            try
            {
                var headers = new Dictionary<string, string>(JsonSerializer.Deserialize<Dictionary<string, string>>(news.Headers)!, StringComparer.OrdinalIgnoreCase);
                await intake.Take(news.Account, new RawMessage("POST", $"/gateways/{news.Account}/webhook", "", headers, news.Body, news.ReceivedAt) { WasGenuine = true }, stop, cameAt: news.ReceivedAt);
            }
            catch (Exception bug) when (bug is not (OutOfMemoryException or OperationCanceledException))
            {
                // One message that nobody can read must not keep the others from being read, nor stop the server.
                Missed(log, $"{news.EventId} of {news.Account}: {bug.Message}");
            }
        }
        return due.Count;
    }

    [LoggerMessage(44, LogLevel.Warning, "What was kept aside was not read again and will be: {Why}")]
    static partial void Missed(ILogger log, string why);
}
