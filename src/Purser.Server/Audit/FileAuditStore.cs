using System.Buffers.Binary;
using System.Security.Cryptography;
using Npgsql;
using Purser.Reconciliation;
using Purser.Server.Reconciliation;
using Purser.Server.Settlement;

namespace Purser.Server.Audit;

/// <summary>Recomputes what is kept of settlement files: the SHA-256 of their bytes, and of each line what was kept to tell it from others. So a line that was
/// changed together with its postings is named. A part of a file is in memory at a time.</summary>
public sealed class FileAuditStore(NpgsqlDataSource database)
{
    const int KeysAtOnce = 20_000;

    public async Task<IReadOnlyList<Difference>> Run(int most, CancellationToken stop)
    {
        var found = new List<Difference>();
        await using var connection = await database.OpenConnectionAsync(stop);
        await using var ask = new NpgsqlCommand("select id, sha256, bytes, state, classes from settlement_files where not dry_run order by id", connection) { CommandTimeout = 0 };
        await using var files = await ask.ExecuteReaderAsync(stop);
        while (found.Count < most && await files.ReadAsync(stop))
        {
            var file = files.GetInt64(0);
            if (await Bytes(file, files.GetFieldValue<byte[]>(1), files.GetInt64(2), stop) is { } changed) found.Add(new Difference("settlement_file_parts", SettlementFile.IdOf(file), changed));
            else if (await Stored(file, (FileState)files.GetInt16(3), files.IsDBNull(4) ? null : files.GetFieldValue<byte[]>(4), stop) is { } differs) found.Add(differs);
        }
        return found;
    }

    /// <summary>What is stored of its lines is what a file in this state has.</summary>
    /// <param name="classes">What they were when it was applied; null of what an older program applied.</param>
    async Task<Difference?> Stored(long file, FileState state, byte[]? classes, CancellationToken stop)
    {
        if (state is FileState.Done) return await Lines(file, stop) ?? (classes is null ? null : await Classes(file, classes, stop));
        // Somebody may be at it beside us, and it is another file then.
        var differs = state is FileState.Matched or FileState.Acting ? await Lines(file, stop) : await Count(file, stop);
        return differs is null || await State(file, stop) != state ? null : differs;
    }

    async Task<FileState?> State(long file, CancellationToken stop)
    {
        await using var ask = database.CreateCommand("select state from settlement_files where id = $1");
        ask.Parameters.Add(new NpgsqlParameter<long> { TypedValue = file });
        return await ask.ExecuteScalarAsync(stop) is short state ? (FileState)state : null;
    }

    /// <summary>Of a file that is not compared yet: as many lines as it says. A refused one has none.</summary>
    async Task<Difference?> Count(long file, CancellationToken stop)
    {
        await using var ask = database.CreateCommand("select f.rows_stored, (select count(*) from settlement_lines l where l.file = f.id) from settlement_files f where f.id = $1");
        ask.CommandTimeout = 0;
        ask.Parameters.Add(new NpgsqlParameter<long> { TypedValue = file });
        await using var row = await ask.ExecuteReaderAsync(stop);
        return await row.ReadAsync(stop) && row.GetInt64(1) != row.GetInt32(0)
            ? new Difference("settlement_lines", SettlementFile.IdOf(file), $"it has {row.GetInt64(1)} lines, and says that {row.GetInt32(0)} are stored.") : null;
    }

    /// <summary>A line of another class, or one that corrects another row, would mean something else for the books.</summary>
    async Task<Difference?> Classes(long file, byte[] right, CancellationToken stop)
    {
        await using var connection = await database.OpenConnectionAsync(stop);
        var (whole, unkeyed, bare) = await Task.Run(() => SettlementLineStore.Classes(connection, file), stop);
        if (whole.AsSpan().SequenceEqual(right) || unkeyed.AsSpan().SequenceEqual(right)) return null;
        if (bare.AsSpan().SequenceEqual(right)) return await Named(connection, file, stop);
        await using var ask = new NpgsqlCommand("select class, count(*) from settlement_lines where file = $1 group by class", connection) { CommandTimeout = 0 };
        ask.Parameters.Add(new NpgsqlParameter<long> { TypedValue = file });
        var now = new Dictionary<SettlementClass, long>();
        await using (var rows = await ask.ExecuteReaderAsync(stop))
            while (await rows.ReadAsync(stop)) now.Add((SettlementClass)rows.GetInt16(0), rows.GetInt64(1));
        var told = (await new SettlementFileStore(database).Find(file, stop))!.Classes.GroupBy(c => c.Class).ToDictionary(g => g.Key, g => g.Sum(c => (long)c.Count));
        var other = now.Keys.Union(told.Keys).Order().Where(c => now.GetValueOrDefault(c) != told.GetValueOrDefault(c))
            .Select(c => $": {now.GetValueOrDefault(c)} are {SettlementView.Word(c)}, and {told.GetValueOrDefault(c)} were").FirstOrDefault();
        return new Difference("settlement_lines", SettlementFile.IdOf(file), $"the classes of its lines{(other is null ? ", the lines whose keys they have, or what was read of them" : "")} are not those with which it was applied{other}.");
    }

    /// <summary>Of a file that an older program applied it is not kept which line has another's key; but the keys are the same.</summary>
    static async Task<Difference?> Named(NpgsqlConnection connection, long file, CancellationToken stop)
    {
        await using var ask = new NpgsqlCommand("""
            select l.number, l.row_key, l.was_file, l.was_number from settlement_lines l left join settlement_lines w on w.file = l.was_file and w.number = l.was_number
            where l.file = $1 and l.was_file is not null and w.row_key is distinct from l.row_key order by 1 limit 1
            """, connection) { CommandTimeout = 0 };
        ask.Parameters.Add(new NpgsqlParameter<long> { TypedValue = file });
        await using var row = await ask.ExecuteReaderAsync(stop);
        return await row.ReadAsync(stop)
            ? new Difference("settlement_lines", $"{SettlementFile.IdOf(file)} line {row.GetInt32(0)}", $"{row.GetString(1)} is compared with line {row.GetInt32(3)} of {SettlementFile.IdOf(row.GetInt64(2))}, which has another key.") : null;
    }

    async Task<string?> Bytes(long file, byte[] sha, long length, CancellationToken stop)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var count = 0L;
        await using var ask = database.CreateCommand("select bytes from settlement_file_parts where file = $1 order by part");
        ask.CommandTimeout = 0;
        ask.Parameters.Add(new NpgsqlParameter<long> { TypedValue = file });
        await using var parts = await ask.ExecuteReaderAsync(stop);
        while (await parts.ReadAsync(stop))
        {
            var part = parts.GetFieldValue<byte[]>(0);
            hash.AppendData(part);
            count += part.Length;
        }
        var made = hash.GetHashAndReset();
        return count != length ? $"it has {count} bytes, and {length} came in." : made.AsSpan().SequenceEqual(sha) ? null : $"its SHA-256 is {Convert.ToHexStringLower(made)}, and that of what came in is {Convert.ToHexStringLower(sha)}.";
    }

    async Task<Difference?> Lines(long file, CancellationToken stop)
    {
        var keys = new Dictionary<int, (ulong Key, ulong Content)>();
        var kept = 0L;
        await using var ask = database.CreateCommand("""
            select k.first, k.keys from settlement_keys k join settlement_files f on f.id = k.file where k.file = $1 and f.key_bits is null
            union all select 0, g.keys from settlement_key_groups g join settlement_files f on f.id = g.file where g.file = $1 and f.key_bits is not null
            """);
        ask.CommandTimeout = 0;
        ask.Parameters.Add(new NpgsqlParameter<long> { TypedValue = file });
        await using (var groups = await ask.ExecuteReaderAsync(stop))
            while (await groups.ReadAsync(stop))
            {
                var (first, bytes) = (groups.GetInt32(0), groups.GetFieldValue<byte[]>(1));
                var each = first > 0 ? 16 : KeyGroups.BytesOfAKey;
                for (var i = 0; i < bytes.Length / each; i++)
                {
                    var one = bytes.AsSpan(i * each);
                    var number = first > 0 ? first + i : BinaryPrimitives.ReadInt32LittleEndian(one[16..]);
                    keys[number] = (BinaryPrimitives.ReadUInt64LittleEndian(one), BinaryPrimitives.ReadUInt64LittleEndian(one[8..]));
                    kept++;
                }
                if (keys.Count >= KeysAtOnce && await Compare(file, keys, stop) is { } differs) return differs;
            }
        if (await Compare(file, keys, stop) is { } last) return last;
        await using var count = database.CreateCommand("select count(*) from settlement_lines where file = $1");
        count.CommandTimeout = 0;
        count.Parameters.Add(new NpgsqlParameter<long> { TypedValue = file });
        return (long)(await count.ExecuteScalarAsync(stop))! is var lines && lines != kept
            ? new Difference("settlement_lines", SettlementFile.IdOf(file), $"it has {lines} lines, and {kept} were read from its bytes.") : null;
    }

    async Task<Difference?> Compare(long file, Dictionary<int, (ulong Key, ulong Content)> keys, CancellationToken stop)
    {
        await using var ask = database.CreateCommand($"select l.number, l.order_id is not null and l.payment is null and l.refund is null, {SettlementLineStore.LineColumns} from settlement_lines l where l.file = $1 and l.number = any ($2) order by l.number");
        ask.CommandTimeout = 0;
        ask.Parameters.Add(new NpgsqlParameter<long> { TypedValue = file });
        ask.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. keys.Keys] });
        await using var lines = await ask.ExecuteReaderAsync(stop);
        while (await lines.ReadAsync(stop))
        {
            var (number, line) = (lines.GetInt32(0), SettlementLineStore.ReadLine(lines, 2));
            // An order is read with what is said to be of it.
            if (keys.Remove(number, out var was) && (lines.GetBoolean(1) || was.Key != RowHash.Key(line.RowKey) || (was.Content != RowHash.Content(line) && was.Content != RowHash.Earlier(line))))
                return Differs(number, $"{line.RowKey} is not what was read from the file's bytes: it says {line.Amount}, {line.Net} net.");
        }
        return keys.Count == 0 ? null : Differs(keys.Keys.Min(), "the line is not there, and was read from the file's bytes.");

        Difference Differs(int number, string what) => new("settlement_lines", $"{SettlementFile.IdOf(file)} line {number}", what);
    }
}
