using Purser.Orders;
using Purser.Refunds;
using Purser.Server.Engine;
using Purser.Server.Gateways;
using Purser.Server.Settlement;

namespace Purser.Server.Reconciliation;

/// <summary>A refund that succeeded and that no statement has.</summary>
/// <param name="CoveredTo">The last day that a file of its account covers.</param>
public sealed record UnsettledRefund(RefundId Id, string Account, Money Amount, DateTimeOffset DoneAt, DateOnly CoveredTo);

/// <summary>Finds money that a statement should have had by now and that none had, without anybody asking, and tells the orders so.</summary>
public sealed partial class Overdue(IActStore store, OrderEngine engine, GatewayAccounts accounts, SettlementOptions options, TimeProvider time, ILogger<Overdue> log)
{
    const int AtOnce = 500;

    /// <summary>All that is due is sorted for each look, so the looks are few.</summary>
    const int ReadAtOnce = 20_000;

    /// <summary>A day of grace: what is due on a Friday is in Friday's file, which comes on Saturday.</summary>
    const int GraceDays = 1;

    public async Task Run(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                var found = await Sweep(null, Until, stop);
                if (found > 0) LogFound(log, found);
                var refunds = await SweepRefunds(null, Until, stop);
                if (refunds > 0) LogRefunds(log, refunds);
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception trouble) when (trouble is not OutOfMemoryException)
            {
                LogTrouble(log, trouble);
            }
            await Task.Delay(options.OverdueEvery, time, stop).ContinueWith(_ => { }, TaskScheduler.Default);
        }
    }

    /// <summary>What was due before this day is overdue.</summary>
    public DateOnly Until => DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime).AddDays(-GraceDays);

    /// <summary>Tells each order whose money was due before a day and that does not ask about it yet.</summary>
    /// <param name="account">Null: all.</param>
    /// <returns>How many captures were told of.</returns>
    public Task<int> Sweep(string? account, DateOnly before, CancellationToken stop) => Tell(account, DateOnly.MinValue, before, "no statement has it", stop);

    /// <summary>What a file should have, for money was due on a day that it covers and goes beyond, is missed at once. Its last day may go on in the next file.</summary>
    public async Task Sweep(SettlementFile file, CancellationToken stop)
    {
        if (file is not { CoversFrom: { } from, CoversTo: { } to } || from == to) return;
        // A row of a payout that is on its way is dated ahead; what is due then is not missed today.
        if (DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime) is var today && today < to) to = today;
        await Tell(file.Account, from, to, $"{file.Name}, which covers the day, does not have it", stop);
        await SweepRefunds(file.Account, to, stop);
    }

    async Task<int> Tell(string? account, DateOnly from, DateOnly before, string why, CancellationToken stop)
    {
        string[] unstated = [.. accounts.InOrder.Where(a => a.Route.SettlesAfterDays is null).Select(a => a.Account.Name)];
        var count = 0;
        (string, string)? after = null;
        while (await store.Overdue(account, from, before, unstated, after, ReadAtOnce, stop) is { Count: > 0 } late)
        {
            foreach (var some in late.Chunk(AtOnce)) count += await Tell(some);
            if (late.Count < ReadAtOnce) break;
            after = (late[^1].Account, late[^1].MoneyReference);
        }
        return count;

        async Task<int> Tell(IEnumerable<(PaymentId Payment, string MoneyReference, string Account, DateOnly DueOn)> some)
        {
            var told = await Task.WhenAll(some.Select(one => this.Tell(one.Payment.Order, EngineInput.Of(one.Payment.Order,
                new Evidence.Unsettled(one.MoneyReference, $"It was due on {one.DueOn.ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture)}, and {why}.")
                    .Learned(one.Payment.Number, EvidenceSource.Settlement, time.GetUtcNow(), $"due:{one.MoneyReference}")), stop)));
            return told.Count(reply => reply is not (null or EngineReply.Busy));
        }
    }

    /// <returns>Null when this order cannot be told; it keeps no other back.</returns>
    async Task<EngineReply?> Tell(OrderId order, EngineInput input, CancellationToken stop)
    {
        try
        {
            return await engine.SubmitInTurn(input, time, stop);
        }
        catch (Exception trouble) when (!PassingTrouble.Is(trouble, stop))
        {
            LogOrder(log, order, trouble);
            return null;
        }
    }

    /// <summary>Tells each order whose refund was due before a day, by its account's contract, and is in no file although files cover that day.</summary>
    /// <returns>How many refunds are newly missed.</returns>
    public async Task<int> SweepRefunds(string? account, DateOnly before, CancellationToken stop)
    {
        var count = 0;
        RefundId? after = null;
        while (await store.UnsettledRefunds(account, before, after, AtOnce, stop) is { Count: > 0 } unsettled)
        {
            var told = await Task.WhenAll(unsettled.Where(r => DueOn(r) is { } due && due < before && due <= r.CoveredTo).Select(r => Tell(r.Id.Order, EngineInput.Of(r.Id.Order,
                new RefundEvidence.Unsettled($"It was due on {DueOn(r)!.Value.ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture)}, and no statement that covers the day has it.")
                    .Learned(r.Id.Number, 0, EvidenceSource.Settlement, time.GetUtcNow(), $"due:{r.Id.Reference}")), stop)));
            count += told.Count(reply => reply is not (null or EngineReply.Busy));
            after = unsettled[^1].Id;
        }
        return count;
    }

    DateOnly? DueOn(UnsettledRefund refund) => accounts.Find(refund.Account)?.Route.DueOn(DateOnly.FromDateTime(refund.DoneAt.UtcDateTime));

    [LoggerMessage(94, LogLevel.Warning, "{Count} refunds are in no statement that covers the day they were due")]
    static partial void LogRefunds(ILogger log, int count);

    [LoggerMessage(90, LogLevel.Warning, "{Count} payments are overdue: no statement had them by the day they were due")]
    static partial void LogFound(ILogger log, int count);

    [LoggerMessage(97, LogLevel.Error, "{Order} could not be told that its money is overdue; the others go on")]
    static partial void LogOrder(ILogger log, OrderId order, Exception trouble);

    [LoggerMessage(91, LogLevel.Error, "The overdue could not be looked for")]
    static partial void LogTrouble(ILogger log, Exception trouble);
}
