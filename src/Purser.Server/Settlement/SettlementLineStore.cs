using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using Npgsql;
using NpgsqlTypes;
using Purser.Reconciliation;
using Purser.Server.Reconciliation;
using Purser.Server.Engine;

namespace Purser.Server.Settlement;

/// <param name="Number">Among the file's lines about money, from 1.</param>
/// <param name="Row">In the file, from 1.</param>
public readonly record struct ReadLine(int Number, int Row, SettlementLine Line, ulong Key, ulong Content)
{
    /// <summary>Cells of columns that the gateway's reading does not know: name and text.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Extra { get => field ?? []; init; }
}

/// <summary>A line as it is in the database.</summary>
/// <param name="Payment">The payment it is about, by our reference or by theirs.</param>
/// <param name="Was">The line of an earlier file that has the same key and other content.</param>
public sealed record StoredLine(int Number, int Row, SettlementClass Class, SettlementLine Line, PaymentId? Payment, (long File, int Number)? Was)
{
    /// <summary>As <see cref="ReadLine.Extra"/>.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Extra { get; init; } = [];
}

/// <summary>The lines of settlement files.</summary>
public sealed class SettlementLineStore(NpgsqlDataSource database) : ISettlementLineStore
{
    const string Columns = """
        file, number, "row", kind, class, row_key, amount, currency, net, net_currency, fee, tax, order_id, payment, refund, money_reference,
        refund_reference, happened_at, settled_on, payout_reference, method, note, extra
        """;
    const int ColumnCount = 23;

    public async Task<ISettlementBatches> Open(long file, string worker, CancellationToken stop) =>
        new Batches(await database.OpenConnectionAsync(stop), file, worker);

    sealed class Batches(NpgsqlConnection connection, long file, string worker) : ISettlementBatches
    {
        readonly ConcurrentBag<Batch> spare = [];

        public NpgsqlConnection Connection => connection;
        public long File => file;
        public string Worker => worker;

        public ISettlementBatch New()
        {
            var batch = spare.TryTake(out var used) ? used : new Batch(this);
            batch.Begin();
            return batch;
        }

        public void Return(Batch used) => spare.Add(used);

        public ValueTask DisposeAsync() => connection.DisposeAsync();
    }

    /// <summary>Lines are written into it as they are to be sent. As objects they would all outlive a collection of garbage while they wait.</summary>
    sealed class Batch(Batches all) : ISettlementBatch
    {
        readonly BinaryCopy rows = new();
        int first, last;

        public int Count { get; private set; }

        public void Begin()
        {
            rows.Begin();
            Count = 0;
        }

        public void Add(in ReadLine read)
        {
            if (Count == 0) first = read.Number;
            last = read.Number;
            Write(rows, all.File, read);
            Count++;
        }

        // Synchronous, for there are megabytes to send; whoever stores does so beside whoever reads.
        public Task Store()
        {
            using var transaction = all.Connection.BeginTransaction();
            using (var copy = all.Connection.BeginRawBinaryCopy($"copy settlement_lines ({Columns}) from stdin (format binary)")) copy.Write(rows.Complete());
            using var advance = new NpgsqlBatch(all.Connection);
            var mark = new NpgsqlBatchCommand(
                "update settlement_files set rows_stored = $3, tries = 0, advanced_at = clock_timestamp(), leased_until = clock_timestamp() + $5 where id = $1 and leased_by = $2 and rows_stored = $4 and state = 1");
            mark.Parameters.Add(new NpgsqlParameter<long> { TypedValue = all.File });
            mark.Parameters.Add(new NpgsqlParameter<string> { TypedValue = all.Worker });
            mark.Parameters.Add(new NpgsqlParameter<int> { TypedValue = last });
            mark.Parameters.Add(new NpgsqlParameter<int> { TypedValue = first - 1 });
            mark.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = SettlementFileStore.Lease });
            advance.BatchCommands.Add(mark);
            // Nobody waits for the disk: what a crash takes back is read again from where the mark stands, and the commit behind the last line makes all durable.
            advance.BatchCommands.Add(new NpgsqlBatchCommand("set local synchronous_commit = off"));
            advance.ExecuteNonQuery();
            if (mark.RecordsAffected == 0) throw new LeaseLostException(all.File);
            transaction.Commit();
            all.Return(this);
            return Task.CompletedTask;
        }
    }

    static void Write(BinaryCopy copy, long file, in ReadLine read)
    {
        var line = read.Line;
        copy.Row(ColumnCount);
        copy.Write(file);
        copy.Write(read.Number);
        copy.Write(read.Row);
        copy.Write((short)line.Kind);
        copy.Write((short)Matching.Presumed(line.Kind));
        copy.Write(line.RowKey);
        copy.Write(line.Amount.MinorUnits);
        copy.Write(line.Amount.Currency.Code);
        copy.Write(line.Net.MinorUnits);
        copy.Write(line.Net.Currency.Code);
        copy.Write(line.Fee?.MinorUnits);
        copy.Write(line.Tax?.MinorUnits);
        copy.Write(line.Payment?.Order.Value ?? line.Refund?.Order.Value);
        if (line.Payment is { } payment) copy.Write(payment.Number);
        else copy.Null();
        if (line.Refund is { } refund) copy.Write(refund.Number);
        else copy.Null();
        copy.Write(line.MoneyReference);
        copy.Write(line.RefundReference);
        if (line.HappenedAt is { } at) copy.Write(at);
        else copy.Null();
        if (line.SettledOn is { } day) copy.Write(day);
        else copy.Null();
        copy.Write(line.PayoutReference);
        copy.Write(line.Method);
        copy.Write(line.Note);
        copy.Write(ExtraCells.Text(read.Extra));
    }

    public Task<IReadOnlyList<StoredLine>> List(long file, SettlementClass? only, int after, int limit, CancellationToken stop) =>
        Read("l.number > $2 and ($3::smallint is null or l.class = $3) order by l.number limit $4", stop, new NpgsqlParameter<long> { TypedValue = file }, new NpgsqlParameter<int> { TypedValue = after },
            new NpgsqlParameter { Value = only is { } one ? (short)one : DBNull.Value, NpgsqlDbType = NpgsqlDbType.Smallint }, new NpgsqlParameter<int> { TypedValue = limit });

    /// <summary>Rows of an earlier file that this one lacks, by number, from behind <paramref name="after"/>: see <see cref="LackedRows"/>.</summary>
    public async Task<IReadOnlyList<StoredLine>> Lacked(SettlementFile file, int after, int limit, CancellationToken stop) => file.Lacks is not { } lacks ? []
        : await Read("l.number = any ($2) order by l.number", stop, new NpgsqlParameter<long> { TypedValue = lacks.File },
            new NpgsqlParameter<int[]> { TypedValue = await LackedStore.List(database, file, lacks, after, limit, stop) });

    /// <param name="which">Of the lines of a file, which is the first parameter.</param>
    async Task<IReadOnlyList<StoredLine>> Read(string which, CancellationToken stop, params NpgsqlParameter[] parameters)
    {
        var list = new NpgsqlBatchCommand($"""
            select l.number, l."row", l.class, {LineColumns}, coalesce(l.order_id, c.order_id), coalesce(l.payment, c.payment), l.was_file, l.was_number, l.extra
            from settlement_lines l join settlement_files f on f.id = l.file
            left join captures c on l.order_id is null and c.account = f.account and c.money_reference = l.money_reference
            where l.file = $1 and {which}
            """);
        foreach (var parameter in parameters) list.Parameters.Add(parameter);
        var found = new List<StoredLine>();
        await using var lookUp = KeyLookup.Of(database, list);
        await using var rows = await lookUp.Rows(stop);
        while (await rows.ReadAsync(stop))
        {
            const int ours = LineColumnCount + 3;
            found.Add(new StoredLine(
                rows.GetInt32(0), rows.GetInt32(1), (SettlementClass)rows.GetInt16(2), ReadLine(rows, 3),
                rows.IsDBNull(ours) || rows.IsDBNull(ours + 1) ? null : new PaymentId(new OrderId(rows.GetInt64(ours)), rows.GetInt32(ours + 1)),
                rows.IsDBNull(ours + 2) ? null : (rows.GetInt64(ours + 2), rows.GetInt32(ours + 3)))
            {
                Extra = rows.IsDBNull(ours + 4) ? [] : ExtraCells.Read(rows.GetString(ours + 4)),
            });
        }
        return found;
    }

    /// <summary>SHA-256 over each line of a file, by number: its number, its class, and the line whose key it has, where it has one; and over what tells the lines from others, by
    /// group: the group and its keys. So a line cannot be changed together with what was read of it. <c>Unkeyed</c> is without the groups and <c>Bare</c> without the line whose key it has, too, as
    /// older programs kept it. As fast as they come out: synchronous, for millions of lines do not each wait.</summary>
    internal static (byte[] Whole, byte[] Unkeyed, byte[] Bare) Classes(NpgsqlConnection connection, long file)
    {
        using var whole = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using var bare = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using (var stream = connection.BeginRawBinaryCopy(string.Create(CultureInfo.InvariantCulture, $"""
            copy (select number, class, case when was_file is null then ''::bytea else int8send(was_file) || int4send(was_number) end from settlement_lines where file = {file} order by number)
            to stdout (format binary)
            """)))
        {
            var copy = new BinaryCopyRows(stream);
            copy.Begin();
            Span<byte> line = stackalloc byte[sizeof(int) + sizeof(short) + sizeof(long) + sizeof(int)];
            while (copy.Next())
            {
                var length = 0;
                for (var column = 0; column < 3; column++)
                {
                    var cell = copy.Cell();
                    cell.CopyTo(line[length..]);
                    length += cell.Length;
                }
                whole.AppendData(line[..length]);
                bare.AppendData(line[..(sizeof(int) + sizeof(short))]);
            }
        }
        var unkeyed = whole.GetCurrentHash();
        using (var stream = connection.BeginRawBinaryCopy(string.Create(CultureInfo.InvariantCulture, $"""
            copy (select "group", keys from settlement_key_groups where file = {file} order by "group") to stdout (format binary)
            """)))
        {
            var copy = new BinaryCopyRows(stream);
            copy.Begin();
            while (copy.Next())
            {
                whole.AppendData(copy.Cell());
                whole.AppendData(copy.Cell());
            }
        }
        return (whole.GetHashAndReset(), unkeyed, bare.GetHashAndReset());
    }

    public const string LineColumns = """
        l.row_key, l.kind, l.amount, l.currency, l.net, l.net_currency, l.fee, l.tax, l.order_id, l.payment, l.refund, l.money_reference, l.refund_reference,
        l.happened_at, l.settled_on, l.payout_reference, l.method, l.note
        """;

    public const int LineColumnCount = 18;

    /// <summary>Reads <see cref="LineColumns"/> from behind the first <paramref name="at"/> columns.</summary>
    public static SettlementLine ReadLine(NpgsqlDataReader row, int at)
    {
        var (amount, net) = (Money(at + 2, at + 3), Money(at + 4, at + 5));
        return new SettlementLine(row.GetString(at), (SettlementKind)row.GetInt16(at + 1), amount, net)
        {
            Fee = row.IsDBNull(at + 6) ? null : new Money(row.GetInt64(at + 6), net.Currency),
            Tax = row.IsDBNull(at + 7) ? null : new Money(row.GetInt64(at + 7), net.Currency),
            Payment = row.IsDBNull(at + 8) || row.IsDBNull(at + 9) ? null : new PaymentId(new OrderId(row.GetInt64(at + 8)), row.GetInt32(at + 9)),
            Refund = row.IsDBNull(at + 8) || row.IsDBNull(at + 10) ? null : new RefundId(new OrderId(row.GetInt64(at + 8)), row.GetInt32(at + 10)),
            MoneyReference = Text(at + 11),
            RefundReference = Text(at + 12),
            HappenedAt = row.IsDBNull(at + 13) ? null : row.GetFieldValue<DateTimeOffset>(at + 13),
            SettledOn = row.IsDBNull(at + 14) ? null : row.GetFieldValue<DateOnly>(at + 14),
            PayoutReference = Text(at + 15),
            Method = Text(at + 16),
            Note = Text(at + 17),
        };

        string? Text(int column) => row.IsDBNull(column) ? null : row.GetString(column);

        Money Money(int units, int code) => new(row.GetInt64(units), Currency.Find(row.GetString(code)));
    }
}
