using Purser.Orders;
using Purser.Payments;
using Purser.Reconciliation;
using Purser.Server.Engine;
using Purser.Server.Settlement;

namespace Purser.Server.Reconciliation;

/// <summary>A row that a person is asked about, and whose money is known by now.</summary>
/// <param name="Told">The event that told of the money, and by what it was learned.</param>
/// <param name="Nameless">It has no name for the money, which is the only one of its payment.</param>
public sealed record AnsweredRow(long Id, long File, int Number, PaymentId Payment, (int Sequence, string Source)? Told, bool Nameless = false)
{
    /// <summary>The line of a later file that named what the row did not; null where none did.</summary>
    public (long File, int Number)? Named { get; init; }
}

/// <summary>A row whose payment was not paid, or whose money nobody knew, waits for a person. When the gateway itself tells of that money after all, the row is
/// applied as if it had come later, what it posted by itself is taken back, and the question closes with that evidence. A node that dies in between repeats
/// it: an order knows the row, and a question closes once.</summary>
public sealed partial class LaterEvidence(
    IActStore store, ISettlementFileStore files, ISettlementLineStore lines, OrderEngine engine, SettlementOptions options, SettlementHook hook, TimeProvider time, ILogger<LaterEvidence> log)
{
    /// <summary>How such a question is resolved.</summary>
    public const string Resolution = "evidence";

    static readonly TimeSpan Every = TimeSpan.FromMinutes(1);

    const int AtOnce = 500;

    /// <summary>What persons answered adds up for ever: of that, so much is looked at with each look, in turn.</summary>
    const int ClosedAtOnce = 20 * AtOnce;

    /// <summary>The last of the closed questions that was looked at.</summary>
    long closedTo;

    public async Task Run(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                var closed = await Sweep(stop);
                if (closed > 0) LogClosed(log, closed);
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception trouble) when (trouble is not OutOfMemoryException)
            {
                LogTrouble(log, trouble);
            }
            await Task.Delay(Every, time, stop).ContinueWith(_ => { }, TaskScheduler.Default);
        }
    }

    /// <summary>One node at a time: two could give two rows without a name the same money.</summary>
    /// <returns>How many questions it closed.</returns>
    public async Task<int> Sweep(CancellationToken stop)
    {
        await using var turn = await store.TakeTurn(stop);
        if (turn is null) return 0;
        var settled = new HashSet<PaymentId>();
        var act = new FileAct(store, lines, engine, options, hook, time, log);
        var closed = 0;
        for (var after = 0L; await store.Unanswered(closed: false, after, AtOnce, stop) is { Count: > 0 } open; after = open[^1]) await Look(open);
        for (var looked = 0; looked < ClosedAtOnce; looked += AtOnce)
        {
            var answered = await store.Unanswered(closed: true, closedTo, AtOnce, stop);
            if (answered.Count > 0) await Look(answered);
            closedTo = answered.Count < AtOnce ? 0 : answered[^1];
            if (closedTo == 0) break;
        }
        return closed;

        async Task Look(IReadOnlyList<long> questions)
        {
            foreach (var row in await store.Answered(questions, stop))
            {
                // Of two rows without a name only one can be about the one money there is.
                if (row.Nameless && settled.Contains(row.Payment)) continue;
                try
                {
                    if (await Apply(act, row, stop) is not { } stands) continue;
                    if (row.Nameless) settled.Add(row.Payment);
                    if (await store.Confirm(row.Id, Resolution, Why(row), stands, stop)) closed++;
                }
                catch (EngineBusyException busy)
                {
                    LogBusy(log, row.Number, SettlementFile.IdOf(row.File), busy.Message);
                }
                catch (Exception trouble) when (trouble is not (OutOfMemoryException or StoreAwayException) && !stop.IsCancellationRequested)
                {
                    LogRow(log, row.Number, SettlementFile.IdOf(row.File), trouble);
                }
            }
        }
    }

    async Task<IReadOnlyList<RowPosting>?> Apply(FileAct act, AnsweredRow row, CancellationToken stop) =>
        await files.Find(row.File, stop) is { } file && await NamedRow.Of(lines, row.File, row.Number, row.Named, stop) is { } line ? await act.Again(file, line, stop) : null;

    static string Why(AnsweredRow row) => row.Told is { } told
        ? $"evt_{row.Payment.Order.Letters}_{told.Sequence} ({told.Source}) tells of this money; the row is applied to {row.Payment}."
        : $"{row.Payment} has this money; the row is applied to it.";

    [LoggerMessage(92, LogLevel.Information, "{Count} questions about rows of statements are answered by later evidence")]
    static partial void LogClosed(ILogger log, int count);

    [LoggerMessage(84, LogLevel.Information, "Line {Line} of {File} waits, for its money is known and its order cannot be had: {Why}. It is tried again")]
    static partial void LogBusy(ILogger log, int line, string file, string why);

    [LoggerMessage(95, LogLevel.Error, "Line {Line} of {File} could not be applied although its money is known; the others go on, and it is tried again")]
    static partial void LogRow(ILogger log, int line, string file, Exception trouble);

    [LoggerMessage(93, LogLevel.Error, "Questions that later evidence answers could not be looked for")]
    static partial void LogTrouble(ILogger log, Exception trouble);
}
