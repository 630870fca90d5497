using System.Security.Cryptography;
using System.Threading.Channels;
using Npgsql;
using Purser.Gateways;
using Purser.Reconciliation;
using Purser.Server.Engine;
using Purser.Server.Gateways;
using Purser.Server.Reconciliation;

namespace Purser.Server.Settlement;

/// <summary>Takes files that came in, one after another, from their bytes to what follows from their lines. Any node may; whoever has the lease does, and
/// what a dead one left is taken up where it stood.</summary>
public sealed partial class SettlementWorker(
    ISettlementFileStore files, ISettlementLineStore lines, IMatchStore matches, IActStore acts, OrderEngine engine, GatewayAccounts accounts, SettlementOptions options, SettlementHook hook, Overdue overdue, TimeProvider time,
    ILogger<SettlementWorker> log)
{
    static readonly TimeSpan Every = TimeSpan.FromSeconds(1);
    static readonly TimeSpan AbandonedAfter = TimeSpan.FromDays(1);
    static readonly TimeSpan RenewEvery = SettlementFileStore.Lease / 4;

    /// <summary>A file that failed so often without getting on, for reasons of ours, is set aside, or those behind it would wait for ever. Not when something of
    /// it is applied: then it is tried on, behind the others.</summary>
    const int MostTries = 5;

    /// <summary>How work is begun that does not wait for the rest of it: <see cref="StatementReading.Beside"/>.</summary>
    public Func<Func<Task>, Task> Beside { get; init; } = Task.Run;

    /// <summary>Fewer lines than these are looked up one by one: <see cref="FileMatch.FewLines"/>.</summary>
    public int FewLines { get; init; } = FileMatch.UsuallyFewLines;

    readonly Channel<bool> wake = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    readonly string name = $"{Environment.MachineName}:{Environment.ProcessId}:{RandomNumberGenerator.GetHexString(8)}";

    /// <summary>A file came in; look at once.</summary>
    public void Wake() => wake.Writer.TryWrite(true);

    public async Task Run(CancellationToken stop)
    {
        DateTimeOffset? cleared = null;
        while (!stop.IsCancellationRequested)
        {
            var worked = false;
            try
            {
                if (!(time.GetUtcNow() - cleared < AbandonedAfter))
                {
                    await files.ForgetAbandoned(AbandonedAfter, stop);
                    cleared = time.GetUtcNow();
                }
                worked = await One(stop);
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception bug) when (bug is not OutOfMemoryException)
            {
                LogFailed(log, bug);
            }
            if (worked) continue;
            using var patience = new CancellationTokenSource(Every, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, patience.Token);
            await wake.Reader.WaitToReadAsync(either.Token).AsTask().ContinueWith(_ => { }, TaskScheduler.Default);
            wake.Reader.TryRead(out _);
        }
    }

    /// <summary>Takes the next file as far as it goes.</summary>
    /// <returns>False when there was none.</returns>
    public async Task<bool> One(CancellationToken stop)
    {
        if (await files.Claim(name, [.. accounts.InOrder.Select(a => a.Account.Name)], stop) is not { } file) return false;
        if (file.Tries > MostTries && file.State < FileState.Acting)
        {
            await files.Refuse(file.Id, name, new FileRefusal($"It failed {MostTries} times; the server's log says why.", null, null), stop);
            return true;
        }
        using var lost = CancellationTokenSource.CreateLinkedTokenSource(stop);
        using var done = new CancellationTokenSource();
        var renewing = Renew(file.Id, lost.Cancel, done.Token);
        try
        {
            await Work(file, lost.Token);
        }
        catch (StatementRefusedException refused) when (file.State < FileState.Acting)
        {
            if (refused.Refusal.Row is { } row) LogRefused(log, file.IdText, file.Account, row);
            else LogRefusedWhole(log, file.IdText, file.Account);
            await files.Refuse(file.Id, name, refused.Refusal, stop);
        }
        catch (LeaseLostException)
        {
            LogLost(log, file.IdText);
        }
        catch (OperationCanceledException) when (lost.IsCancellationRequested)
        {
            LogLost(log, file.IdText);
        }
        finally
        {
            done.Cancel();
            await renewing;
            try
            {
                await files.Release(file.Id, name);
            }
            catch (Exception away) when (IsAway(away))
            {
                LogAway(log, away.Message);
            }
        }
        return true;
    }

    async Task Renew(long file, Action lose, CancellationToken done)
    {
        while (!done.IsCancellationRequested)
        {
            await Task.Delay(RenewEvery, time, done).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
            if (done.IsCancellationRequested) return;
            try
            {
                await files.Renew(file, name, done);
            }
            catch (LeaseLostException)
            {
                lose();
                return;
            }
            catch (Exception away) when (IsAway(away) || away is OperationCanceledException or TimeoutException)
            {
                LogAway(log, away.Message);
            }
        }
    }

    static bool IsAway(Exception trouble) => trouble is NpgsqlException or StoreAwayException;

    async Task Work(SettlementFile file, CancellationToken stop)
    {
        if (accounts.Find(file.Account) is not { } entry)
            throw new StatementRefusedException(new FileRefusal($"There is no gateway account '{file.Account}'.", null, null));
        hook.At(SettlementHook.Stored);

        if (file.State < FileState.Matched)
        {
            // What is read is applied to its end, whatever gateway the account has by then.
            var sheet = file.Source == FileSource.Fetched ? CanonicalSheet.Sheet : (entry.Gateway as ISettleByFile)?.Sheet
                ?? throw new StatementRefusedException(new FileRefusal($"{entry.Gateway.Profile.Title} has no settlement files that can be read here.", null, null));
            var store = file.State < FileState.Read;
            if (file.State == FileState.Stored) await files.Advance(file = file with { State = FileState.Reading, RowsActed = 0, Classes = [] }, name, stop);
            var contract = entry.Route;
            bool TooHigh(Money amount, Money net, Money? tax, string? method) => contract.Expects(amount, method, file.ReceivedAt).IsExceeded(amount, net, tax);
            await using var bytes = files.Open(file);
            using var pass = await new StatementReading(lines, options.LinesAtOnce, hook) { Beside = Beside }.Read(
                file, bytes, sheet, entry.Account, TooHigh, name, store, stop);
            file = file with { State = FileState.Read, RowsRead = pass.Lines, CoversFrom = pass.CoversFrom, CoversTo = pass.CoversTo, PaidOut = !entry.Gateway.Profile.StatesPayouts, Classes = pass.Totals };
            await files.Advance(file, name, stop);
            var (classes, lacks) = await new FileMatch(matches, hook) { FewLines = FewLines, Beside = Beside }.Run(file, pass, TooHigh, again: !store, stop);
            file = file with { State = FileState.Matched, Classes = classes, Lacks = lacks };
            if (file.DryRun) file = file with { Preview = await acts.Preview(file, options, day => contract.DueOn(day), overdue.Until, stop) };
            await files.Advance(file, name, stop);
            LogMatched(log, file.IdText, file.Account, file.RowsRead);
        }
        if (file.DryRun) return;
        file = file with { State = FileState.Acting, Policy = await acts.PolicyVersion(options, stop) };
        await files.Advance(file, name, stop);
        await new FileAct(acts, lines, engine, options, hook, time, log).Run(file, file.PaidOut is true, done => files.Advance(file = file with { RowsActed = done }, name, stop), stop);
        await files.Advance(file with { State = FileState.Done, RowsActed = file.RowsRead }, name, stop);
        // Who dies here leaves it to the daily look.
        await overdue.Sweep(file, stop);
    }

    [LoggerMessage(70, LogLevel.Information, "Settlement file {File} of {Account} is matched: {Lines} lines")]
    static partial void LogMatched(ILogger log, string file, string account, int lines);

    [LoggerMessage(71, LogLevel.Warning, "Settlement file {File} of {Account} is refused at row {Row}")]
    static partial void LogRefused(ILogger log, string file, string account, int row);

    [LoggerMessage(72, LogLevel.Warning, "Settlement file {File} was taken over by another node")]
    static partial void LogLost(ILogger log, string file);

    [LoggerMessage(73, LogLevel.Warning, "The lease of a settlement file could not be renewed: {Why}")]
    static partial void LogAway(ILogger log, string why);

    [LoggerMessage(74, LogLevel.Error, "A settlement file could not be worked on; it is tried again")]
    static partial void LogFailed(ILogger log, Exception bug);

    [LoggerMessage(75, LogLevel.Warning, "Settlement file {File} of {Account} is refused for what is in no single row; GET /v1/settlements says why")]
    static partial void LogRefusedWhole(ILogger log, string file, string account);
}
