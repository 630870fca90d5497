using System.Threading.Channels;
using Purser.Gateways;
using Purser.Reconciliation;

namespace Purser.Server.Settlement;

/// <summary>The file as a whole cannot be used.</summary>
sealed class StatementRefusedException(FileRefusal why) : Exception(why.Why)
{
    public FileRefusal Refusal => why;
}

/// <summary>Where a test may stop the work, by name: after the bytes are kept, between two batches of lines, before and after classes are stored, before a batch is acted on; between a person's
/// decision and what it does, and between that and its end.</summary>
public sealed record SettlementHook(Action<string> At)
{
    public const string Stored = "C13", BetweenBatches = "C14", BeforeActing = "C15", BeforeClasses = "C14a", BetweenClasses = "C14b", Decided = "R1", Acted = "R2";

    public static SettlementHook None { get; } = new(_ => { });
}

/// <summary>Whether a gateway kept more of a payment than the account's contract says.</summary>
delegate bool FeeTooHigh(Money amount, Money net, Money? tax, string? method);

/// <summary>Reads a file into lines, from its beginning to its end, before anything of it is applied. The rows are read on one thread and stored on
/// another; what was stored before a crash is read again, but not stored again.</summary>
/// <param name="batchLines">Lines of one commit.</param>
sealed class StatementReading(ISettlementLineStore lines, int batchLines, SettlementHook hook)
{
    /// <summary>Begins work that does not wait for what else is done here: on a thread of its own, where nobody says otherwise.</summary>
    public Func<Func<Task>, Task> Beside { get; init; } = Task.Run;

    /// <param name="store">False: only what matching needs is made again.</param>
    /// <exception cref="StatementRefusedException">It cannot be read whole.</exception>
    public async Task<StatementPass> Read(
        SettlementFile file, Stream bytes, SettlementSheet sheet, GatewayAccount account, FeeTooHigh feeTooHigh, string worker, bool store,
        CancellationToken stop)
    {
        var pass = new StatementPass(Unpacked(bytes, file.Bytes), file.ReceivedAt, feeTooHigh);
        try
        {
            // Two batches may wait: what is read ahead is memory.
            var waiting = Channel.CreateBounded<ISettlementBatch>(2);
            await using var batches = store ? await lines.Open(file.Id, worker, stop) : null;
            var storing = store ? Beside(() => Store(waiting, stop)) : Task.CompletedTask;
            try
            {
                await Beside(() => Rows(file, bytes, sheet, account, pass, batches, waiting.Writer, stop));
                waiting.Writer.TryComplete();
            }
            catch (Exception e)
            {
                waiting.Writer.TryComplete(e);
                // When storing broke, reading found its door shut: the cause is the other's.
                if (e is ChannelClosedException) await storing;
                await storing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
                throw;
            }
            await storing;
            return pass;
        }
        catch (StatementRefusedException refused)
        {
            pass.Dispose();
            throw new StatementRefusedException(refused.Refusal with { Covers = pass is { CoversFrom: { } from, CoversTo: { } to } ? (from, to) : null });
        }
        catch
        {
            pass.Dispose();
            throw;
        }
    }

    /// <summary>Statements are packed to a tenth of their size or so; too many parts cost little, and too few cost memory.</summary>
    const int PackedTo = 16;

    static long Unpacked(Stream bytes, long length)
    {
        Span<byte> start = stackalloc byte[2];
        var count = bytes.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
        bytes.Position = 0;
        return start[..count] is [0x1f, 0x8b] or [(byte)'P', (byte)'K'] ? length * PackedTo : length;
    }

    async Task Rows(
        SettlementFile file, Stream bytes, SettlementSheet sheet, GatewayAccount account, StatementPass pass, ISettlementBatches? batches,
        ChannelWriter<ISettlementBatch> waiting, CancellationToken stop)
    {
        var batch = batches?.New();
        foreach (var row in Guarded(bytes, sheet, account))
        {
            if (row.Fault is { } fault) throw new StatementRefusedException(new FileRefusal(fault, row.Number, row.Column));
            if (row.Line is not { } line) continue;
            ReadLine read;
            try
            {
                read = pass.Add(row.Number, line) with { Extra = row.Extra };
            }
            catch (OverflowException)
            {
                throw new StatementRefusedException(new FileRefusal("The amounts up to this row add up to more than can be counted.", row.Number, null));
            }
            if (batch is null || read.Number <= file.RowsStored) continue;
            batch.Add(read);
            if (batch.Count < batchLines) continue;
            await waiting.WriteAsync(batch, stop);
            batch = batches!.New();
        }
        if (batch is { Count: > 0 }) await waiting.WriteAsync(batch, stop);
    }

    static IEnumerable<SettlementReader.Row> Guarded(Stream bytes, SettlementSheet sheet, GatewayAccount account)
    {
        using var rows = SettlementReader.Read(bytes, sheet, account).GetEnumerator();
        var number = 0;
        while (true)
        {
            try
            {
                if (!rows.MoveNext()) yield break;
                number = rows.Current.Number;
            }
            catch (SettlementReader.NotAStatementException why)
            {
                throw new StatementRefusedException(new FileRefusal(why.Message, why.Number, why.Column));
            }
            // A workbook's parts, say, are not what they should be.
            catch (Exception e) when (e is FormatException or InvalidDataException or System.Text.DecoderFallbackException)
            {
                throw new StatementRefusedException(new FileRefusal($"It cannot be read behind row {number}: {e.Message}", number + 1, null));
            }
            yield return rows.Current;
        }
    }

    async Task Store(Channel<ISettlementBatch> waiting, CancellationToken stop)
    {
        try
        {
            while (await waiting.Reader.WaitToReadAsync(stop))
                while (waiting.Reader.TryRead(out var batch))
                {
                    stop.ThrowIfCancellationRequested();
                    await batch.Store();
                    hook.At(SettlementHook.BetweenBatches);
                }
        }
        catch (Exception e)
        {
            // Whoever reads would wait for room for ever.
            waiting.Writer.TryComplete(e);
            throw;
        }
    }
}
