using System.Globalization;
using System.Text;
using Npgsql;
using NpgsqlTypes;
using Purser.Payments;
using Purser.Reconciliation;
using Purser.Refunds;
using Purser.Server.Engine;
using Purser.Server.Settlement;

namespace Purser.Server.Reconciliation;

/// <summary>A line whose class is not the presumed one.</summary>
/// <param name="WasFile">Where the row came before, when it did with other content.</param>
public readonly record struct Reclassed(int Number, SettlementClass Class, long WasFile = 0, int WasNumber = 0);

/// <summary>A line with what we know about its subject.</summary>
/// <param name="Account">The gateway account of our payment.</param>
/// <param name="Payment">Null: we have none.</param>
/// <param name="RefundKnown">For rows about refunds: we asked for it, or know that the gateway made it.</param>
public readonly record struct LineBesideOurs(
    int Number, SettlementKind Kind, Money Amount, Money Net, Money? Tax, string? Method, PaymentId? Payment, string? Account, Ours? Ours, bool RefundKnown, bool RefundEnded);

/// <summary>What matching reads and writes.</summary>
public sealed class MatchStore(NpgsqlDataSource database) : IMatchStore
{
    static readonly short[] PresumedByKind = [.. Enum.GetValues<SettlementKind>().Select(kind => (short)Matching.Presumed(kind))];

    public async Task Presume(SettlementFile file, CancellationToken stop)
    {
        await using var connection = await database.OpenConnectionAsync(stop);
        await using var transaction = await connection.BeginTransactionAsync(stop);
        await using var presume = new NpgsqlCommand("""
            update settlement_lines set class = ($2::smallint[])[kind + 1], was_file = null, was_number = null
            where file = $1 and class <> ($2::smallint[])[kind + 1]
            """, connection) { CommandTimeout = 0 };
        presume.Parameters.Add(new NpgsqlParameter<long> { TypedValue = file.Id });
        presume.Parameters.Add(new NpgsqlParameter<short[]> { TypedValue = PresumedByKind });
        await presume.ExecuteNonQueryAsync(stop);
        // Last, for of millions of lines this takes longer than a lease, which must be renewed meanwhile.
        await SettlementFileStore.Hold(connection, file, stop);
        await transaction.CommitAsync(stop);
    }

    public async Task<IReadOnlyList<(SettlementKind Kind, ClassTotal Moved)>> Store(SettlementFile file, IReadOnlyList<Reclassed> lines, CancellationToken stop)
    {
        var store = new NpgsqlBatchCommand("""
            with moved as (
                update settlement_lines l set class = x.class, was_file = nullif(x.was_file, 0), was_number = nullif(x.was_number, 0)
                from unnest($2::int[], $3::smallint[], $4::bigint[], $5::int[]) x (number, class, was_file, was_number)
                where l.file = $1 and l.number = x.number returning l.kind, l.class, l.currency, l.net_currency, l.amount, l.net)
            select kind, class, currency, net_currency, count(*)::int, sum(amount)::bigint, sum(net)::bigint from moved group by 1, 2, 3, 4
            """);
        store.Parameters.Add(new NpgsqlParameter<long> { TypedValue = file.Id });
        store.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. lines.Select(l => l.Number)] });
        store.Parameters.Add(new NpgsqlParameter<short[]> { TypedValue = [.. lines.Select(l => (short)l.Class)] });
        store.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. lines.Select(l => l.WasFile)] });
        store.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. lines.Select(l => l.WasNumber)] });
        var moved = new List<(SettlementKind, ClassTotal)>();
        await using var connection = await database.OpenConnectionAsync(stop);
        await using var transaction = await connection.BeginTransactionAsync(stop);
        await SettlementFileStore.Hold(connection, file, stop);
        await using (var lookUp = KeyLookup.Of(connection, store))
        await using (var rows = await lookUp.Rows(stop))
            while (await rows.ReadAsync(stop))
                moved.Add(((SettlementKind)rows.GetInt16(0), new ClassTotal(
                    (SettlementClass)rows.GetInt16(1), rows.GetString(2), rows.GetString(3), rows.GetInt32(4), rows.GetInt64(5), rows.GetInt64(6))));
        await transaction.CommitAsync(stop);
        return moved;
    }

    /// <summary>What an account applied before.</summary>
    const string Earlier = "f.account = $1 and f.id <> $2 and not f.dry_run and f.state in (3, 4, 5)";

    /// <summary>Files that are no longer than so many times the new one are read whole: nearly all their groups are wanted.</summary>
    const int MuchLonger = 8;

    /// <summary>Of long files the groups in which the new file's keys would be.</summary>
    internal const string KeysOfFew = $"""
        with earlier as materialized (select f.id, coalesce(f.turn, f.id) as turn, f.key_bits, f.rows_stored from settlement_files f where {Earlier}),
        wanted as materialized (
            select b.key_bits, x.part from (select distinct key_bits from earlier where key_bits is not null and rows_stored > $4) b
            cross join lateral (select distinct ((k.key >> 40) & ((1::bigint << b.key_bits) - 1))::int as part from unnest($3::bigint[]) k (key)) x)
        select k.file, e.turn, k.first, k.keys from earlier e join settlement_keys k on k.file = e.id where e.key_bits is null
        union all
        select g.file, e.turn, 0, g.keys from earlier e join settlement_key_groups g on g.file = e.id where e.key_bits is not null and e.rows_stored <= $4
        union all
        select g.file, e.turn, 0, g.keys from earlier e join wanted w on w.key_bits = e.key_bits join settlement_key_groups g on g.file = e.id and g."group" = w.part where e.rows_stored > $4
        """;

    const string AllKeys = $"""
        select k.file, coalesce(f.turn, f.id), k.first, k.keys from settlement_files f join settlement_keys k on k.file = f.id where {Earlier} and f.key_bits is null
        union all
        select g.file, coalesce(f.turn, f.id), 0, g.keys from settlement_files f join settlement_key_groups g on g.file = f.id where {Earlier} and f.key_bits is not null
        """;

    public async IAsyncEnumerable<(long File, long Turn, int First, byte[] Keys)> EarlierKeys(
        SettlementFile file, long[]? only, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken stop)
    {
        var ask = new NpgsqlBatchCommand(only is null ? AllKeys : KeysOfFew);
        ask.Parameters.Add(new NpgsqlParameter<string> { TypedValue = file.Account });
        ask.Parameters.Add(new NpgsqlParameter<long> { TypedValue = file.Id });
        if (only is not null)
        {
            ask.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = only });
            ask.Parameters.Add(new NpgsqlParameter<int> { TypedValue = only.Length * MuchLonger });
        }
        await using var lookUp = KeyLookup.Of(database, ask);
        lookUp.Timeout = 0;
        await using var rows = await lookUp.Rows(stop);
        while (await rows.ReadAsync(stop)) yield return (rows.GetInt64(0), rows.GetInt64(1), rows.GetInt32(2), rows.GetFieldValue<byte[]>(3));
    }

    // Synchronous, for there are megabytes to send; whoever keeps keys does so beside whoever compares them.
    public Task KeepKeys(SettlementFile file, int bits, IReadOnlyList<KeyGroup> groups, bool begin, CancellationToken stop)
    {
        using var connection = database.OpenConnection();
        using var transaction = connection.BeginTransaction();
        SettlementFileStore.HoldNow(connection, file);
        // Nobody waits for the disk: a match that a crash broke off is begun anew, and the commit behind it makes all durable.
        using (var change = new NpgsqlCommand("set local synchronous_commit = off", connection)) change.ExecuteNonQuery();
        if (begin)
        {
            using var forget = new NpgsqlBatch(connection) { Timeout = 0 };
            foreach (var sql in (ReadOnlySpan<string>)["delete from settlement_key_groups where file = $1", "update settlement_files set key_bits = $2 where id = $1"])
            {
                var command = new NpgsqlBatchCommand(sql);
                command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = file.Id });
                if (sql.Contains("$2", StringComparison.Ordinal)) command.Parameters.Add(new NpgsqlParameter<short> { TypedValue = (short)bits });
                forget.BatchCommands.Add(command);
            }
            forget.ExecuteNonQuery();
        }
        var rows = new BinaryCopy();
        rows.Begin();
        foreach (var group in groups)
        {
            rows.Row(3);
            rows.Write(file.Id);
            rows.Write(group.Number);
            rows.Write(group.Keys.Span);
        }
        using (var copy = connection.BeginRawBinaryCopy("copy settlement_key_groups (file, \"group\", keys) from stdin (format binary)")) copy.Write(rows.Complete());
        transaction.Commit();
        return Task.CompletedTask;
    }

    /// <summary>What one of them leaves out is no other content; nor is a fee that has its tax in it, as some files and the same gateway's API state it, nor a time, which each states
    /// in its own precision and which moves nothing, nor the day of the payout where one came over the API and the other in a file, which may each take it from another time of the row. A further row of a key is that of an earlier file only of the same day, and where somebody was asked about that one.</summary>
    public async Task<Dictionary<int, bool>> SameKeys(long file, IReadOnlyList<Reclassed> pairs, CancellationToken stop)
    {
        var compare = new NpgsqlBatchCommand($"""
            select x.number, (l.kind, l.amount, l.currency, l.net, l.net_currency) = (w.kind, w.amount, w.currency, w.net, w.net_currency)
                and (coalesce(l.fee = w.fee, true) and coalesce(l.tax = w.tax, true) or (l.tax is null) <> (w.tax is null) and l.fee + coalesce(l.tax, 0) = w.fee + coalesce(w.tax, 0))
                and coalesce((l.order_id, l.payment) = (w.order_id, w.payment), true)
                and coalesce((l.order_id, l.refund) = (w.order_id, w.refund), true) and coalesce(l.money_reference = w.money_reference, true)
                and coalesce(l.refund_reference = w.refund_reference, true) and coalesce(l.payout_reference = w.payout_reference, true)
                and (coalesce(l.settled_on = w.settled_on, true) or (not x.further and (lf.source = {(int)FileSource.Fetched}) <> (wf.source = {(int)FileSource.Fetched})))
                and (not x.further or coalesce(l.happened_at - w.happened_at > interval '-1 day' and l.happened_at - w.happened_at < interval '1 day', true) and (w.class = {(int)SettlementClass.Repeated}
                    or exists (select from settlement_files f join settlement_discrepancies d on d.account = f.account where f.id = w.file and d.row_key in (w.row_key, {RowName.FurtherSql("w.row_key", "w.file", "w.number")})
                        and d.file = w.file and d.number = w.number)))
            from unnest($2::int[], $3::bigint[], $4::int[], $5::bool[]) x (number, was_file, was_number, further)
            join settlement_lines l on l.file = $1 and l.number = x.number
            join settlement_lines w on w.file = x.was_file and w.number = x.was_number
            join settlement_files lf on lf.id = l.file
            join settlement_files wf on wf.id = w.file
            where l.row_key = w.row_key
            """);
        compare.Parameters.Add(new NpgsqlParameter<long> { TypedValue = file });
        compare.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. pairs.Select(p => p.Number)] });
        compare.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. pairs.Select(p => p.WasFile)] });
        compare.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. pairs.Select(p => p.WasNumber)] });
        compare.Parameters.Add(new NpgsqlParameter<bool[]> { TypedValue = [.. pairs.Select(p => p.Class == SettlementClass.DuplicateLine && p.WasFile != file)] });
        var same = new Dictionary<int, bool>();
        await using var lookUp = KeyLookup.Of(database, compare);
        await using var rows = await lookUp.Rows(stop);
        while (await rows.ReadAsync(stop)) same[rows.GetInt32(0)] = rows.GetBoolean(1);
        return same;
    }

    public Task<LackedRows?> Lacked(SettlementFile file, IReadOnlyDictionary<long, int> had, CancellationToken stop) => LackedStore.Find(database, file, had, stop);

    public async Task<Dictionary<int, (long File, int Number)?>> FailedFirst(string account, IReadOnlyList<(int Number, (long File, int Number) First, (long File, int Number) Last)> changed, CancellationToken stop)
    {
        var ask = new NpgsqlBatchCommand($"""
            select x.number, coalesce(d.file, case when w.kind <> f.kind then w.file end), coalesce(d.number, case when w.kind <> f.kind then w.number end)
            from unnest($2::int[], $3::bigint[], $4::int[], $5::bigint[], $6::int[]) x (number, first_file, first_number, last_file, last_number)
            join settlement_lines f on f.file = x.first_file and f.number = x.first_number and f.kind = {(int)SettlementKind.FailedPayment}
                and not exists (select from settlement_discrepancies o where o.account = $1 and o.again_of = f.row_key)
                and not exists (select from settlement_discrepancies o where o.account = $1 and o.row_key = f.row_key and o.class = {(int)SettlementClass.DuplicateLine})
            join settlement_lines w on w.file = x.last_file and w.number = x.last_number
            left join settlement_discrepancies d on d.account = $1 and d.row_key = f.row_key and d.class = {(int)SettlementClass.Changed}
            """);
        ask.Parameters.Add(new NpgsqlParameter<string> { TypedValue = account });
        ask.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. changed.Select(c => c.Number)] });
        ask.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. changed.Select(c => c.First.File)] });
        ask.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. changed.Select(c => c.First.Number)] });
        ask.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. changed.Select(c => c.Last.File)] });
        ask.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. changed.Select(c => c.Last.Number)] });
        var found = new Dictionary<int, (long, int)?>();
        await using var lookUp = KeyLookup.Of(database, ask);
        await using var rows = await lookUp.Rows(stop);
        while (await rows.ReadAsync(stop)) found.Add(rows.GetInt32(0), rows.IsDBNull(1) ? null : (rows.GetInt64(1), rows.GetInt32(2)));
        return found;
    }

    /// <summary>As fast as they come out: on a thread of its own and synchronous, for millions of rows do not each wait.</summary>
    public Task StreamPayments(string account, long from, long to, Action<OursRow> take, CancellationToken stop) =>
        Task.Run(() => StreamPayments(account, from, to, take), stop);

    void StreamPayments(string account, long from, long to, Action<OursRow> take)
    {
        using var connection = database.OpenConnection();
        // COPY takes no parameters; the name was checked when it was configured, and is quoted all the same.
        var name = account.Replace("'", "''", StringComparison.Ordinal);
        var sql = string.Create(CultureInfo.InvariantCulture,
            $"copy (select order_id, number, status, amount, currency from payments where account = '{name}' and order_id between {from} and {to}) to stdout (format binary)");
        using var stream = connection.BeginRawBinaryCopy(sql);
        var copy = new BinaryCopyRows(stream);
        copy.Begin();
        var (code, letters) = (0, new byte[3]);
        while (copy.Next())
        {
            var order = copy.Long();
            var number = copy.Int();
            var status = copy.Short();
            var amount = copy.Long();
            var currency = copy.Cell();
            if (!currency.SequenceEqual(letters)) code = CurrencyCode.Of(Encoding.ASCII.GetString(letters = currency.ToArray()));
            take(new OursRow(order, amount, number, (byte)status, code));
        }
    }

    /// <summary>Set-based, flat in memory, and slower than the hash.</summary>
    public async Task<IReadOnlyList<LineBesideOurs>> LookUp(SettlementFile file, int[] numbers, CancellationToken stop)
    {
        var ask = new NpgsqlBatchCommand("""
            select l.number, l.kind, l.amount, l.currency, l.net, l.net_currency, l.method, p.order_id, p.number, p.account, p.status, p.amount, p.currency,
                r.status,
                l.refund is null and exists (select 1 from refunds o where o.order_id = p.order_id and o.payment = p.number and o.amount = l.amount and o.status <> 4),
                l.tax
            from unnest($2::int[]) n (number)
            join settlement_lines l on l.file = $1 and l.number = n.number
            left join refunds r on l.refund is not null and r.order_id = l.order_id and r.number = l.refund
            left join captures c on l.payment is null and l.refund is null and c.account = $3 and c.money_reference = l.money_reference
            left join payments p on p.order_id = coalesce(l.order_id, c.order_id) and p.number = coalesce(l.payment, r.payment, c.payment)
            """);
        ask.Parameters.Add(new NpgsqlParameter<long> { TypedValue = file.Id });
        ask.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = numbers });
        ask.Parameters.Add(new NpgsqlParameter<string> { TypedValue = file.Account });
        var found = new List<LineBesideOurs>(numbers.Length);
        await using var lookUp = KeyLookup.Of(database, ask);
        await using var rows = await lookUp.Rows(stop);
        while (await rows.ReadAsync(stop))
        {
            Ours? ours = rows.IsDBNull(10) ? null : new Ours((PaymentStatus)rows.GetInt16(10), new Money(rows.GetInt64(11), Currency.Find(rows.GetString(12))));
            var settles = Currency.Find(rows.GetString(5));
            found.Add(new LineBesideOurs(
                rows.GetInt32(0), (SettlementKind)rows.GetInt16(1), new Money(rows.GetInt64(2), Currency.Find(rows.GetString(3))),
                new Money(rows.GetInt64(4), settles), rows.IsDBNull(15) ? null : new Money(rows.GetInt64(15), settles), rows.IsDBNull(6) ? null : rows.GetString(6),
                rows.IsDBNull(7) ? null : new PaymentId(new OrderId(rows.GetInt64(7)), rows.GetInt32(8)), rows.IsDBNull(9) ? null : rows.GetString(9), ours,
                RefundKnown: !rows.IsDBNull(13) || rows.GetBoolean(14), RefundEnded: !rows.IsDBNull(13) && rows.GetInt16(13) == (short)RefundStatus.Succeeded));
        }
        return found;
    }
}
