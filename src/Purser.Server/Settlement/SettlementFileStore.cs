using System.Data;
using System.Security.Cryptography;
using System.Text.Json;
using Npgsql;
using NpgsqlTypes;
using Purser.Reconciliation;
using Purser.Server.Engine;

namespace Purser.Server.Settlement;

/// <summary>What became of a file that came in.</summary>
/// <param name="Before">The same bytes were here before, and this is what came of them.</param>
public sealed record TakenIn(SettlementFile File, bool Before);

/// <summary>The file is larger than files may be.</summary>
public sealed class FileTooLargeException(long most) : Exception($"The file has more than {most} bytes.");

/// <summary>Somebody else works on the file now.</summary>
public sealed class LeaseLostException(long file) : Exception($"The lease of settlement file {file} was lost.");

/// <summary>Settlement files: their bytes, where they stand, and who works on them.</summary>
public sealed class SettlementFileStore(NpgsqlDataSource database) : ISettlementFileStore
{
    public const int PartBytes = 1024 * 1024;

    /// <summary>Whoever works on a file says so again within this time, or another node takes it over.</summary>
    public static readonly TimeSpan Lease = TimeSpan.FromSeconds(60);

    const string Columns = """
        id, account, sha256, name, source, bytes, received_at, dry_run, state, rows_read, rows_stored, rows_acted, tries, summary, covers_from, covers_to,
        policy, refusal, refusal_row, refusal_column, done_at, paid_out, preview, dismissed_at, lacks
        """;

    /// <summary>Keeps the bytes as they come, a part at a time, in one commit; nothing is parsed. The same bytes again keep nothing.</summary>
    /// <param name="last">Called last before the commit; where it throws, nothing is kept.</param>
    public async Task<TakenIn> TakeIn(string account, string name, FileSource source, Stream bytes, bool dryRun, long most, CancellationToken stop, Action? last = null) =>
        (await TakeIn(account, name, source, bytes, dryRun, most, _ => null, stop, last)).Taken!;

    /// <summary>The same under an Idempotency-Key, which is kept in the same commit and says what it was used for before. A dry run keeps nothing, its key neither.</summary>
    /// <param name="keyOf">The request's key, if it has one, once the file's SHA-256 is known.</param>
    public async Task<(TakenIn? Taken, StoredKey? Used)> TakeIn(
        string account, string name, FileSource source, Stream bytes, bool dryRun, long most, Func<byte[], RequestKey?> keyOf, CancellationToken stop, Action? last = null)
    {
        await using var connection = await database.OpenConnectionAsync(stop);
        await using var transaction = await connection.BeginTransactionAsync(stop);
        await using var draw = new NpgsqlCommand("select nextval(pg_get_serial_sequence('settlement_files', 'id'))", connection);
        var id = (long)(await draw.ExecuteScalarAsync(stop))!;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var length = 0L;
        await using (var copy = await connection.BeginBinaryImportAsync("copy settlement_file_parts (file, part, bytes) from stdin (format binary)", stop))
        {
            var buffer = new byte[PartBytes];
            for (var part = 0; ; part++)
            {
                var filled = await bytes.ReadAtLeastAsync(buffer, PartBytes, throwOnEndOfStream: false, stop);
                if (filled == 0) break;
                if ((length += filled) > most) throw new FileTooLargeException(most);
                hash.AppendData(buffer, 0, filled);
                await copy.StartRowAsync(stop);
                await copy.WriteAsync(id, NpgsqlDbType.Bigint, stop);
                await copy.WriteAsync(part, NpgsqlDbType.Integer, stop);
                await copy.WriteAsync(buffer[..filled], NpgsqlDbType.Bytea, stop);
                if (filled < PartBytes) break;
            }
            await copy.CompleteAsync(stop);
        }
        var sha = hash.GetHashAndReset();
        // An empty file is taken back at once.
        var key = length == 0 ? null : keyOf(sha);
        if (key is not null && await (dryRun ? RequestKeyStore.Find(connection, key, stop) : RequestKeyStore.Claim(connection, key, SettlementFile.IdOf(id), stop)) is { } used)
            return (null, used);
        // What was refused may be read by now: a setting was mended since, or the program.
        if (!dryRun || await Find(connection, account, sha, stop) is null or { State: FileState.Refused })
        {
            await using var keep = new NpgsqlCommand($"""
                insert into settlement_files (id, account, sha256, name, source, bytes, received_at, dry_run, state)
                overriding system value values ($1, $2, $3, $4, $5, $6, clock_timestamp(), $7, 0)
                on conflict (account, sha256) where not dry_run do nothing returning {Columns}
                """, connection);
            keep.Parameters.Add(new NpgsqlParameter<long> { TypedValue = id });
            keep.Parameters.Add(new NpgsqlParameter<string> { TypedValue = account });
            keep.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = sha });
            keep.Parameters.Add(new NpgsqlParameter<string> { TypedValue = name });
            keep.Parameters.Add(new NpgsqlParameter<short> { TypedValue = (short)source });
            keep.Parameters.Add(new NpgsqlParameter<long> { TypedValue = length });
            keep.Parameters.Add(new NpgsqlParameter<bool> { TypedValue = dryRun });
            if (await One(keep, stop) is { } kept)
            {
                if (!dryRun) await DecisionStore.File(connection, kept.Id, stop);
                last?.Invoke();
                await transaction.CommitAsync(stop);
                return (new TakenIn(kept, Before: false), null);
            }
        }
        await transaction.RollbackAsync(stop);
        return await TakeAgain(connection, account, sha, dryRun, key, last, stop);
    }

    static async Task<(TakenIn? Taken, StoredKey? Used)> TakeAgain(NpgsqlConnection connection, string account, byte[] sha, bool dryRun, RequestKey? key, Action? last, CancellationToken stop)
    {
        var first = await Find(connection, account, sha, stop) ?? throw new InvalidOperationException("The first of two equal files vanished.");
        if (dryRun) return (new TakenIn(first, Before: true), null);
        await using var transaction = await connection.BeginTransactionAsync(stop);
        if (key is not null && await RequestKeyStore.Claim(connection, key, first.IdText, stop) is { } used) return (null, used);
        // What was refused is read again: a setting may have been mended since, or the program.
        await using var again = new NpgsqlCommand($"""
            update settlement_files set state = 0, refusal = null, refusal_row = null, refusal_column = null, dismissed_at = null, tries = 0, advanced_at = clock_timestamp()
            where id = $1 and state = 6 returning {Columns}
            """, connection);
        again.Parameters.Add(new NpgsqlParameter<long> { TypedValue = first.Id });
        var retried = await One(again, stop);
        if (retried is not null) await DecisionStore.File(connection, retried.Id, stop);
        last?.Invoke();
        await transaction.CommitAsync(stop);
        return (retried is null ? new TakenIn(first, Before: true) : new TakenIn(retried, Before: false), null);
    }

    static async Task<SettlementFile?> Find(NpgsqlConnection connection, string account, byte[] sha, CancellationToken stop)
    {
        await using var find = new NpgsqlCommand($"select {Columns} from settlement_files where account = $1 and sha256 = $2 and not dry_run", connection);
        find.Parameters.Add(new NpgsqlParameter<string> { TypedValue = account });
        find.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = sha });
        return await One(find, stop);
    }

    public async Task<SettlementFile?> Find(long id, CancellationToken stop)
    {
        await using var find = database.CreateCommand($"select {Columns} from settlement_files where id = $1");
        find.Parameters.Add(new NpgsqlParameter<long> { TypedValue = id });
        return await One(find, stop);
    }

    /// <summary>Newest first; one more than asked for tells that there are more.</summary>
    public async Task<IReadOnlyList<SettlementFile>> List(string? account, FileState? state, long? before, int limit, CancellationToken stop)
    {
        await using var list = database.CreateCommand($"""
            select {Columns} from settlement_files
            where not dry_run and ($1::text is null or account = $1) and ($2::smallint is null or state = $2) and ($3::bigint is null or id < $3)
            order by id desc limit $4
            """);
        list.Parameters.Add(new NpgsqlParameter { Value = (object?)account ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        list.Parameters.Add(new NpgsqlParameter { Value = state is { } s ? (short)s : DBNull.Value, NpgsqlDbType = NpgsqlDbType.Smallint });
        list.Parameters.Add(new NpgsqlParameter { Value = (object?)before ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Bigint });
        list.Parameters.Add(new NpgsqlParameter<int> { TypedValue = limit + 1 });
        return await All(list, stop);
    }

    public async Task<SettlementFile?> Claim(string worker, IReadOnlyCollection<string> of, CancellationToken stop)
    {
        await using var claim = database.CreateCommand($"""
            update settlement_files set leased_by = $1, leased_until = clock_timestamp() + $2, tries = tries + 1,
                turn = case when not dry_run then coalesce(turn, nextval('settlement_turns')) end
            where id = (
                select f.id from settlement_files f
                where f.account = any($3) and f.state not in (5, 6) and not (f.dry_run and f.state = 3) and (f.leased_until is null or f.leased_until < clock_timestamp())
                    and (f.dry_run or not exists (select 1 from settlement_files other
                        where other.account = f.account and other.id <> f.id and other.state not in (5, 6) and not other.dry_run
                            and (other.turn is null, other.state = 0, other.id) < (f.turn is null, f.state = 0, f.id)))
                order by f.tries, f.id limit 1 for update skip locked)
            returning {Columns}
            """);
        claim.Parameters.Add(new NpgsqlParameter<string> { TypedValue = worker });
        claim.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = Lease });
        claim.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. of] });
        try
        {
            return await One(claim, stop) is { } file ? file with { Worker = worker } : null;
        }
        catch (PostgresException other) when (other.SqlState == PostgresErrorCodes.UniqueViolation)
        {
            // Another node began a file of the account in this moment.
            return null;
        }
    }

    public async Task Renew(long file, string worker, CancellationToken stop)
    {
        await using var renew = database.CreateCommand("update settlement_files set leased_until = clock_timestamp() + $3 where id = $1 and leased_by = $2");
        renew.Parameters.Add(new NpgsqlParameter<long> { TypedValue = file });
        renew.Parameters.Add(new NpgsqlParameter<string> { TypedValue = worker });
        renew.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = Lease });
        if (await renew.ExecuteNonQueryAsync(stop) == 0) throw new LeaseLostException(file);
    }

    /// <summary>The turn to take files from a folder, which one node has at a time; null when another has it.</summary>
    public Task<IAsyncDisposable?> TakeFolder(CancellationToken stop) => TurnStore.Take(database, FolderTurn, stop);

    const long FolderTurn = 262471;

    /// <summary>The first statement of what is committed for a file that this worker took: to the end of the commit nobody else takes it.</summary>
    /// <exception cref="LeaseLostException">Another has it.</exception>
    internal static async Task Hold(NpgsqlConnection connection, SettlementFile file, CancellationToken stop)
    {
        await using var hold = Hold(connection, file);
        if (await hold.ExecuteScalarAsync(stop) is null) throw new LeaseLostException(file.Id);
    }

    /// <inheritdoc cref="Hold(NpgsqlConnection, SettlementFile, CancellationToken)"/>
    internal static void HoldNow(NpgsqlConnection connection, SettlementFile file)
    {
        using var hold = Hold(connection, file);
        if (hold.ExecuteScalar() is null) throw new LeaseLostException(file.Id);
    }

    static NpgsqlCommand Hold(NpgsqlConnection connection, SettlementFile file)
    {
        var hold = new NpgsqlCommand("select id from settlement_files where id = $1 and leased_by = $2 for share", connection);
        hold.Parameters.Add(new NpgsqlParameter<long> { TypedValue = file.Id });
        hold.Parameters.Add(new NpgsqlParameter<string> { TypedValue = file.Worker ?? "" });
        return hold;
    }

    public async Task Release(long file, string worker)
    {
        await using var release = database.CreateCommand("update settlement_files set leased_by = null, leased_until = null where id = $1 and leased_by = $2");
        release.Parameters.Add(new NpgsqlParameter<long> { TypedValue = file });
        release.Parameters.Add(new NpgsqlParameter<string> { TypedValue = worker });
        await release.ExecuteNonQueryAsync();
    }

    public async Task Advance(SettlementFile file, string worker, CancellationToken stop)
    {
        await using var connection = await database.OpenConnectionAsync(stop);
        var ends = file is { State: FileState.Done, DryRun: false };
        var classes = ends ? await Task.Run(() => SettlementLineStore.Classes(connection, file.Id).Whole, stop) : null;
        await using var transaction = await connection.BeginTransactionAsync(stop);
        await using var advance = new NpgsqlCommand("""
            update settlement_files set state = $3, rows_read = $4, rows_acted = $5, summary = $6, covers_from = $7, covers_to = $8, policy = $9, paid_out = $10, preview = $11, classes = $12, lacks = $13,
                read_at = case when $3 = 2 then clock_timestamp() else read_at end, done_at = case when $3 = 5 then clock_timestamp() else done_at end,
                tries = case when state = $3 and rows_acted = $5 then tries else 0 end,
                advanced_at = case when state = $3 and rows_acted = $5 then advanced_at else clock_timestamp() end
            where id = $1 and leased_by = $2
            """, connection);
        advance.Parameters.Add(new NpgsqlParameter<long> { TypedValue = file.Id });
        advance.Parameters.Add(new NpgsqlParameter<string> { TypedValue = worker });
        advance.Parameters.Add(new NpgsqlParameter<short> { TypedValue = (short)file.State });
        advance.Parameters.Add(new NpgsqlParameter<int> { TypedValue = file.RowsRead });
        advance.Parameters.Add(new NpgsqlParameter<int> { TypedValue = file.RowsActed });
        advance.Parameters.Add(new NpgsqlParameter<string> { TypedValue = JsonSerializer.Serialize(file.Classes, SettlementJson.Default.IReadOnlyListClassTotal) });
        advance.Parameters.Add(new NpgsqlParameter { Value = (object?)file.CoversFrom ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Date });
        advance.Parameters.Add(new NpgsqlParameter { Value = (object?)file.CoversTo ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Date });
        advance.Parameters.Add(new NpgsqlParameter { Value = (object?)file.Policy ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Integer });
        advance.Parameters.Add(new NpgsqlParameter { Value = (object?)file.PaidOut ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Boolean });
        advance.Parameters.Add(new NpgsqlParameter { Value = file.Preview is { } preview ? JsonSerializer.Serialize(preview, SettlementJson.Default.DryRunPreview) : DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        advance.Parameters.Add(new NpgsqlParameter { Value = (object?)classes ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Bytea });
        advance.Parameters.Add(new NpgsqlParameter { Value = file.Lacks is { } lacks ? JsonSerializer.Serialize(lacks, SettlementJson.Default.LackedRows) : DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        if (await advance.ExecuteNonQueryAsync(stop) == 0) throw new LeaseLostException(file.Id);
        if (ends) await DecisionStore.File(connection, file.Id, stop);
        await transaction.CommitAsync(stop);
    }

    /// <inheritdoc/>
    /// <remarks>Operators hear by mail, where there is mail: one mail a day for an account, which tells of all that stand; what comes after the day's mail is in the next day's.</remarks>
    public async Task Refuse(long file, string worker, FileRefusal why, CancellationToken stop)
    {
        await using var connection = await database.OpenConnectionAsync(stop);
        await using var transaction = await connection.BeginTransactionAsync(stop);
        await using var refuse = new NpgsqlCommand("""
            with refused as (
                update settlement_files set state = 6, refusal = $3, refusal_row = $4, refusal_column = $5, covers_from = $6, covers_to = $7, rows_stored = 0, turn = null, key_bits = null, lacks = null,
                    leased_by = null, leased_until = null, done_at = clock_timestamp() where id = $1 and leased_by = $2 and state < 4 returning id, account, dry_run),
            day as (select date_trunc('day', now(), 'UTC') as begins),
            written as materialized (
                select n.state <> 0 or n.leased_until is not null as so from operator_notices n, refused, day
                where n.kind = 6 and n.account = refused.account and n.since = day.begins for update of n),
            noticed as (
                insert into operator_notices (kind, account, since, at, due_at)
                select 6, refused.account, told.since, now(), greatest(now(), told.since) from refused, day
                cross join lateral (select day.begins + case when exists (select from written where so) then interval '1 day' else '0' end as since) told
                where not refused.dry_run and exists (select from webhook_endpoints where kind = 2 and status = 0) on conflict do nothing),
            lines as (delete from settlement_lines using refused where file = refused.id),
            groups as (delete from settlement_key_groups using refused where file = refused.id)
            delete from settlement_keys using refused where file = refused.id
            """, connection);
        refuse.Parameters.Add(new NpgsqlParameter<long> { TypedValue = file });
        refuse.Parameters.Add(new NpgsqlParameter<string> { TypedValue = worker });
        refuse.Parameters.Add(new NpgsqlParameter<string> { TypedValue = Words.Fit(why.Why)! });
        refuse.Parameters.Add(new NpgsqlParameter { Value = (object?)why.Row ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Integer });
        refuse.Parameters.Add(new NpgsqlParameter { Value = (object?)Words.Fit(why.Column) ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        refuse.Parameters.Add(new NpgsqlParameter { Value = (object?)why.Covers?.From ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Date });
        refuse.Parameters.Add(new NpgsqlParameter { Value = (object?)why.Covers?.To ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Date });
        await refuse.ExecuteNonQueryAsync(stop);
        await DecisionStore.File(connection, file, stop);
        await transaction.CommitAsync(stop);
    }

    /// <summary>Removes what a dry run left, whole.</summary>
    public async Task Forget(long file, CancellationToken stop)
    {
        await using var forget = database.CreateCommand("""
            with gone as (delete from settlement_files where id = $1 and dry_run returning id),
            parts as (delete from settlement_file_parts using gone where file = gone.id),
            keys as (delete from settlement_keys using gone where file = gone.id),
            groups as (delete from settlement_key_groups using gone where file = gone.id)
            delete from settlement_lines using gone where file = gone.id
            """);
        forget.CommandTimeout = 0;
        forget.Parameters.Add(new NpgsqlParameter<long> { TypedValue = file });
        await forget.ExecuteNonQueryAsync(stop);
    }

    /// <summary>Takes back a file that has nothing in it and that nobody has begun to read.</summary>
    public async Task Withdraw(long file, CancellationToken stop)
    {
        await using var connection = await database.OpenConnectionAsync(stop);
        await using var transaction = await connection.BeginTransactionAsync(stop);
        await using var withdraw = new NpgsqlCommand("delete from settlement_files where id = $1 and bytes = 0", connection);
        withdraw.Parameters.Add(new NpgsqlParameter<long> { TypedValue = file });
        if (await withdraw.ExecuteNonQueryAsync(stop) > 0) await DecisionStore.File(connection, file, stop);
        await transaction.CommitAsync(stop);
    }

    /// <summary>Removes dry runs whose caller went away, or died with this node or another, so long ago.</summary>
    public async Task ForgetAbandoned(TimeSpan after, CancellationToken stop)
    {
        var found = new List<long>();
        await using (var ask = database.CreateCommand("select id from settlement_files where dry_run and received_at < clock_timestamp() - $1"))
        {
            ask.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = after });
            await using var rows = await ask.ExecuteReaderAsync(stop);
            while (await rows.ReadAsync(stop)) found.Add(rows.GetInt64(0));
        }
        foreach (var file in found) await Forget(file, stop);
    }

    public Stream Open(SettlementFile file) => new PartsStream(database, file.Id, file.Bytes);

    static async Task<SettlementFile?> One(NpgsqlCommand command, CancellationToken stop) => await All(command, stop) is [var one] ? one : null;

    static async Task<IReadOnlyList<SettlementFile>> All(NpgsqlCommand command, CancellationToken stop)
    {
        var found = new List<SettlementFile>();
        await using var rows = await command.ExecuteReaderAsync(stop);
        while (await rows.ReadAsync(stop))
            found.Add(new SettlementFile(
                rows.GetInt64(0), rows.GetString(1), rows.GetFieldValue<byte[]>(2), rows.GetString(3), (FileSource)rows.GetInt16(4), rows.GetInt64(5),
                rows.GetFieldValue<DateTimeOffset>(6), rows.GetBoolean(7), (FileState)rows.GetInt16(8), rows.GetInt32(9), rows.GetInt32(10), rows.GetInt32(11),
                rows.GetInt32(12), rows.IsDBNull(13) ? [] : JsonSerializer.Deserialize(rows.GetString(13), SettlementJson.Default.IReadOnlyListClassTotal)!,
                rows.IsDBNull(14) ? null : rows.GetFieldValue<DateOnly>(14), rows.IsDBNull(15) ? null : rows.GetFieldValue<DateOnly>(15),
                rows.IsDBNull(16) ? null : rows.GetInt32(16),
                rows.IsDBNull(17) ? null : new FileRefusal(rows.GetString(17), rows.IsDBNull(18) ? null : rows.GetInt32(18), rows.IsDBNull(19) ? null : rows.GetString(19))
                {
                    Covers = rows.IsDBNull(14) || rows.IsDBNull(15) ? null : (rows.GetFieldValue<DateOnly>(14), rows.GetFieldValue<DateOnly>(15)),
                    DismissedAt = rows.IsDBNull(23) ? null : rows.GetFieldValue<DateTimeOffset>(23),
                },
                rows.IsDBNull(20) ? null : rows.GetFieldValue<DateTimeOffset>(20), rows.IsDBNull(21) ? null : rows.GetBoolean(21))
            {
                Preview = rows.IsDBNull(22) ? null : JsonSerializer.Deserialize(rows.GetString(22), SettlementJson.Default.DryRunPreview),
                Lacks = rows.IsDBNull(24) ? null : JsonSerializer.Deserialize(rows.GetString(24), SettlementJson.Default.LackedRows),
            });
        return found;
    }

    /// <summary>Reads a part at a time. Synchronous, for readers of formats are; whoever reads does so on a thread of its own.</summary>
    sealed class PartsStream(NpgsqlDataSource database, long file, long length) : Stream
    {
        readonly byte[] part = new byte[Math.Min(length, PartBytes)];
        int partLength;
        long partNumber = -1;
        long position;

        public override bool CanRead => true;
        public override bool CanSeek => true;
        public override bool CanWrite => false;
        public override long Length => length;

        public override long Position
        {
            get => position;
            set => position = value;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override int Read(Span<byte> buffer)
        {
            if (position >= length || buffer.IsEmpty) return 0;
            if (position / PartBytes != partNumber) Load(position / PartBytes);
            var within = (int)(position % PartBytes);
            var taken = Math.Min(buffer.Length, partLength - within);
            part.AsSpan(within, taken).CopyTo(buffer);
            position += taken;
            return taken;
        }

        public override long Seek(long offset, SeekOrigin origin) => position = origin switch
        {
            SeekOrigin.Begin => offset,
            SeekOrigin.Current => position + offset,
            _ => length + offset,
        };

        public override void Flush() { }

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        void Load(long number)
        {
            using var read = database.CreateCommand("select bytes from settlement_file_parts where file = $1 and part = $2");
            read.Parameters.Add(new NpgsqlParameter<long> { TypedValue = file });
            read.Parameters.Add(new NpgsqlParameter<int> { TypedValue = (int)number });
            using var rows = read.ExecuteReader(CommandBehavior.SequentialAccess);
            if (!rows.Read()) throw new InvalidOperationException($"Part {number} of settlement file {file} is not there.");
            partLength = (int)rows.GetBytes(0, 0, part, 0, part.Length);
            partNumber = number;
        }
    }
}
