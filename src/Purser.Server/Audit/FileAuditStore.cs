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
        await using var ask = new NpgsqlCommand("select id, sha256, bytes, state from settlement_files where not dry_run order by id", connection) { CommandTimeout = 0 };
        await using var files = await ask.ExecuteReaderAsync(stop);
        while (found.Count < most && await files.ReadAsync(stop))
        {
            var file = files.GetInt64(0);
            if (await Bytes(file, files.GetFieldValue<byte[]>(1), files.GetInt64(2), stop) is { } changed) found.Add(new Difference("settlement_file_parts", SettlementFile.IdOf(file), changed));
            else if (files.GetInt16(3) == (short)FileState.Done && await Lines(file, stop) is { } differs) found.Add(differs);
        }
        return found;
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
        await using var ask = database.CreateCommand($"select l.number, {SettlementLineStore.LineColumns} from settlement_lines l where l.file = $1 and l.number = any ($2) order by l.number");
        ask.CommandTimeout = 0;
        ask.Parameters.Add(new NpgsqlParameter<long> { TypedValue = file });
        ask.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. keys.Keys] });
        await using var lines = await ask.ExecuteReaderAsync(stop);
        while (await lines.ReadAsync(stop))
        {
            var (number, line) = (lines.GetInt32(0), SettlementLineStore.ReadLine(lines, 1));
            if (keys.Remove(number, out var was) && was != (RowHash.Key(line.RowKey), RowHash.Content(line)))
                return Differs(number, $"{line.RowKey} is not what was read from the file's bytes: it says {line.Amount}, {line.Net} net.");
        }
        return keys.Count == 0 ? null : Differs(keys.Keys.Min(), "the line is not there, and was read from the file's bytes.");

        Difference Differs(int number, string what) => new("settlement_lines", $"{SettlementFile.IdOf(file)} line {number}", what);
    }

    /// <summary>Decisions whose policy is not kept, or is another than the one under which they were recorded.</summary>
    public async Task<IReadOnlyList<Difference>> Policies(int most, CancellationToken stop)
    {
        await using var ask = database.CreateCommand("""
            select kind, name, policy, kept from (
                select 'settlement_files' as kind, 'stl_' || id as name, policy, null::text as kept, 0 as at from settlement_files where policy is not null
                    and not exists (select from reconciliation_policies v where v.version = policy)
                union all select 'audit_log', id::text, policy, null, 1 from audit_log where policy > 0 and not exists (select from reconciliation_policies v where v.version = policy)
                union all select 'settlement_discrepancies', 'dis_row_' || d.id, d.policy, (select string_agg(distinct a.policy::text, ', ') from audit_log a where a.subject = 'dis_row_' || d.id), 2
                    from settlement_discrepancies d where d.policy is not null and not exists (select from audit_log a where a.subject = 'dis_row_' || d.id and a.policy = d.policy)
            ) x order by at, name limit $1
            """);
        ask.CommandTimeout = 0;
        ask.Parameters.Add(new NpgsqlParameter<int> { TypedValue = most });
        var found = new List<Difference>();
        await using var rows = await ask.ExecuteReaderAsync(stop);
        while (await rows.ReadAsync(stop))
            found.Add(new Difference(rows.GetString(0), rows.GetString(1), rows.GetString(0) == "settlement_discrepancies"
                ? $"it was decided under policy {rows.GetInt32(2)}, and the log says {(rows.IsDBNull(3) ? "nothing" : rows.GetString(3))}." : $"it names policy {rows.GetInt32(2)}, which is not kept."));
        return found;
    }
}
