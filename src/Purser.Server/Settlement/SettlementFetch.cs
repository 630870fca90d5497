using Npgsql;
using Purser.Gateways;
using Purser.Server.Gateways;
using Purser.Server.Reconciliation;

namespace Purser.Server.Settlement;

/// <summary>Asks gateways that have an API for it what they settled, day by day, the last days again until they are complete, and every earlier day without a
/// complete answer as far as the gateway reaches back, so that nothing is missing after a server was down. What a day says is kept as a file of our own and
/// takes the road of all files.</summary>
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
        try
        {
            var (first, reach) = (today.AddDays(-options.FetchDays), today.AddDays(-byCall.ReachesBackDays));
            if (await fetches.Lost(entry.Account.Name, reach, stop) is [var from, ..] lost && IsNews(entry.Account.Name, lost.Count))
                LogLost(log, entry.Account.Name, lost.Count, from, lost[^1]);
            var days = first > reach ? await fetches.Gaps(entry.Account.Name, reach, first, stop) : [];
            for (var back = options.FetchDays; back >= 0; back--) days = [.. days, today.AddDays(-back)];
            foreach (var day in days) await Day(byCall, entry, day, Again, complete: day <= today.AddDays(-CompleteAfterDays), stop);
        }
        catch (NpgsqlException away)
        {
            LogTrouble(log, entry.Account.Name, away);
        }
    }

    /// <summary>How many days each account has lost, as the log was told last.</summary>
    readonly System.Collections.Concurrent.ConcurrentDictionary<string, int> toldOfLost = [];

    /// <summary>Asks for one day now, however lately it was asked for, unless another node is asking or the day is complete.</summary>
    /// <returns>The file that keeps what it told; null when it told nothing.</returns>
    public async Task<long?> Day(GatewayAccounts.Entry entry, DateOnly day, CancellationToken stop) =>
        entry is { On: true, Gateway: ISettleByCall byCall } ? await Day(byCall, entry, day, TimeSpan.Zero, complete: false, stop) : null;

    bool IsNews(string account, int lost)
    {
        var before = toldOfLost.GetValueOrDefault(account);
        toldOfLost[account] = lost;
        return lost > before;
    }

    async Task<long?> Day(ISettleByCall byCall, GatewayAccounts.Entry entry, DateOnly day, TimeSpan again, bool complete, CancellationToken stop)
    {
        if (!await fetches.Claim(entry.Account.Name, day, Lease, again, stop)) return null;
        // A day may have millions of lines: they wait on the disk for the last of them.
        await using var told = SpillFile.Create(buffered: 64 * 1024);
        var (whole, why) = await Ask(byCall, entry, day, told, stop);
        var file = whole && told.Length > 0 ? await Keep(entry.Account.Name, day, told, stop) : (long?)null;
        await fetches.End(entry.Account.Name, day, file, complete && why is null, why, stop);
        return file;
    }

    /// <returns>Whether it told all that there is by now, and why the day is not complete with it; null when it may be.</returns>
    async Task<(bool Whole, string? Why)> Ask(ISettleByCall byCall, GatewayAccounts.Entry entry, DateOnly day, Stream told, CancellationToken stop)
    {
        string? page = null;
        var undecided = false;
        for (var pages = 0; pages < MostPages; pages++)
        {
            if (await byCall.ReadSettlement(new SettlementCall(entry.Account, day, page), lines(entry), stop) is not SettlementAnswer.Done done)
            {
                LogUnknown(log, entry.Account.Name, day);
                // A part of a day is not used: what is missing would look as if it had not been settled.
                return (false, "The gateway gave no usable answer.");
            }
            if (done.Lines.Count > 0) CanonicalSheet.Append(told, done.Lines);
            undecided |= done.IsUndecided || done.MayChangeUntil >= DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime);
            if (done.Next is null) return (true, undecided ? SettlementFetchStore.Pending : null);
            page = done.Next;
        }
        return (false, $"The day has more than {MostPages} pages.");
    }

    async Task<long> Keep(string account, DateOnly day, Stream told, CancellationToken stop)
    {
        var name = $"{account} {day.ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture)}";
        told.Position = 0;
        var taken = await files.TakeIn(account, name, FileSource.Fetched, told, dryRun: false, options.MostBytes, stop);
        if (!taken.Before) worker.Wake();
        return taken.File.Id;
    }

    [LoggerMessage(85, LogLevel.Warning, "{Account} did not tell what it settled on {Day}")]
    static partial void LogUnknown(ILogger log, string account, DateOnly day);

    [LoggerMessage(101, LogLevel.Error, "{Account} cannot be asked any more what it settled on {Count} day(s) between {From:yyyy-MM-dd} and {To:yyyy-MM-dd}: send its files of those days")]
    static partial void LogLost(ILogger log, string account, int count, DateOnly from, DateOnly to);

    [LoggerMessage(86, LogLevel.Error, "What {Account} settled could not be fetched")]
    static partial void LogTrouble(ILogger log, string account, Exception trouble);
}
