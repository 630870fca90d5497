using Npgsql;
using Purser.Gateways;
using Purser.Reconciliation;
using Purser.Server.Gateways;

namespace Purser.Server.Settlement;

/// <summary>Asks gateways that have an API for it what they settled, day by day, the last days again until they are complete. What a day says is kept as
/// a file of our own and takes the road of all files.</summary>
public sealed partial class SettlementFetch(
    SettlementFetchStore fetches, SettlementFileStore files, SettlementWorker worker, GatewayAccounts accounts, Func<GatewayAccounts.Entry, GatewayLine> lines,
    SettlementOptions options, TimeProvider time, ILogger<SettlementFetch> log)
{
    static readonly TimeSpan Every = TimeSpan.FromMinutes(5);
    static readonly TimeSpan Lease = TimeSpan.FromMinutes(10);

    /// <summary>A day that is not complete is asked for again after this.</summary>
    static readonly TimeSpan Again = TimeSpan.FromHours(6);

    /// <summary>Gateways add to a day for so long after it is over, in all time zones.</summary>
    const int CompleteAfterDays = 2;
    const int MostPages = 10_000;

    public async Task Run(CancellationToken stop)
    {
        if (options.FetchDays == 0) return;
        while (!stop.IsCancellationRequested)
        {
            foreach (var entry in accounts.InOrder)
                try
                {
                    await Account(entry, stop);
                }
                catch (OperationCanceledException) when (stop.IsCancellationRequested)
                {
                    return;
                }
                catch (Exception trouble) when (trouble is not OutOfMemoryException)
                {
                    LogTrouble(log, entry.Account.Name, trouble);
                }
            await Task.Delay(Every, time, stop).ContinueWith(_ => { }, TaskScheduler.Default);
        }
    }

    /// <summary>Asks for the days that are due.</summary>
    public async Task Account(GatewayAccounts.Entry entry, CancellationToken stop)
    {
        if (!entry.On || entry.Gateway is not ISettleByCall byCall) return;
        var today = DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime);
        for (var back = options.FetchDays; back >= 0; back--)
        {
            try
            {
                await Day(byCall, entry, today.AddDays(-back), Again, complete: back >= CompleteAfterDays, stop);
            }
            catch (NpgsqlException away)
            {
                LogTrouble(log, entry.Account.Name, away);
                return;
            }
        }
    }

    /// <summary>Asks for one day now, however lately it was asked for, unless another node is asking or the day is complete.</summary>
    /// <returns>The file that keeps what it told; null when it told nothing.</returns>
    public async Task<long?> Day(GatewayAccounts.Entry entry, DateOnly day, CancellationToken stop) =>
        entry is { On: true, Gateway: ISettleByCall byCall } ? await Day(byCall, entry, day, TimeSpan.Zero, complete: false, stop) : null;

    async Task<long?> Day(ISettleByCall byCall, GatewayAccounts.Entry entry, DateOnly day, TimeSpan again, bool complete, CancellationToken stop)
    {
        if (!await fetches.Claim(entry.Account.Name, day, Lease, again, stop)) return null;
        var (told, why) = await Ask(byCall, entry, day, stop);
        var file = told is { Count: > 0 } ? await Keep(entry.Account.Name, day, told, stop) : (long?)null;
        await fetches.End(entry.Account.Name, day, file, complete && told is not null, why, stop);
        return file;
    }

    async Task<(List<SettlementLine>? Lines, string? Why)> Ask(ISettleByCall byCall, GatewayAccounts.Entry entry, DateOnly day, CancellationToken stop)
    {
        var told = new List<SettlementLine>();
        string? page = null;
        for (var pages = 0; pages < MostPages; pages++)
        {
            if (await byCall.ReadSettlement(new SettlementCall(entry.Account, day, page), lines(entry), stop) is not SettlementAnswer.Done done)
            {
                LogUnknown(log, entry.Account.Name, day);
                // A part of a day is not used: what is missing would look as if it had not been settled.
                return (null, "The gateway gave no usable answer.");
            }
            told.AddRange(done.Lines);
            if (done.Next is null) return (told, null);
            page = done.Next;
        }
        return (null, $"The day has more than {MostPages} pages.");
    }

    async Task<long> Keep(string account, DateOnly day, List<SettlementLine> told, CancellationToken stop)
    {
        var name = $"{account} {day.ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture)}";
        using var bytes = new MemoryStream(CanonicalSheet.Write(told));
        var taken = await files.TakeIn(account, name, FileSource.Fetched, bytes, dryRun: false, options.MostBytes, stop);
        if (!taken.Before) worker.Wake();
        return taken.File.Id;
    }

    [LoggerMessage(85, LogLevel.Warning, "{Account} did not tell what it settled on {Day}")]
    static partial void LogUnknown(ILogger log, string account, DateOnly day);

    [LoggerMessage(86, LogLevel.Error, "What {Account} settled could not be fetched")]
    static partial void LogTrouble(ILogger log, string account, Exception trouble);
}
