using Npgsql;
using Purser.Server.Engine;
using Purser.Server.Events;

namespace Purser.Server.Audit;

/// <summary>Anchors each day when it is over, on one node, and says so in the log: a log that goes elsewhere keeps the anchor where whoever
/// changes the database cannot reach it.</summary>
public sealed partial class DailyAnchors(AnchorStore anchors, EventFeedStore events, TimeProvider time, ILogger<DailyAnchors> log) : BackgroundService
{
    static readonly TimeSpan BetweenLooks = TimeSpan.FromMinutes(10);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            try
            {
                await MakeDue(stoppingToken);
                await Task.Delay(BetweenLooks, time, stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception away) when (away is NpgsqlException or TimeoutException or IOException)
            {
                Missed(log, away.Message);
                await Task.Delay(BetweenLooks, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    /// <summary>All days that are over and have no anchor yet, one after the other. What begins to write now may still write a time that is a little earlier.</summary>
    public async Task MakeDue(CancellationToken stop)
    {
        while (await anchors.MakeNext(await events.Horizon(stop) - OrderStore.ReckonedWithin, stop) is { } made)
            Made(log, made.Day, made.Orders, made.Events, made.Text);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Anchor of {Day:yyyy-MM-dd}: {Orders} orders, {Events} events, SHA-256 {Hash}. Keep this line elsewhere.")]
    static partial void Made(ILogger log, DateOnly day, long orders, long events, string hash);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The day was not anchored and will be tried again: {Why}")]
    static partial void Missed(ILogger log, string why);
}
