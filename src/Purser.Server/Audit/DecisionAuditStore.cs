using System.Buffers.Binary;
using System.Data;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Npgsql;
using Purser.Server.Reconciliation;
using Purser.Server.Settlement;

namespace Purser.Server.Audit;

/// <summary>What is decided outside of the orders' events: that its chain is whole, and that what it is about stands as it says. A decision is in memory at a time.</summary>
public sealed class DecisionAuditStore(NpgsqlDataSource database)
{
    const int TicksPerMicrosecond = 10;

    /// <summary>PostgreSQL counts microseconds from the year 2000.</summary>
    static readonly long Epoch = new DateTime(2000, 1, 1, 0, 0, 0, DateTimeKind.Utc).Ticks;

    /// <summary>How many decisions were looked at.</summary>
    public long Decisions { get; private set; }

    public async Task<IReadOnlyList<Difference>> Run(int most, CancellationToken stop)
    {
        await using var connection = await database.OpenConnectionAsync(stop);
        await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, stop);
        var found = new List<Difference>();
        if (await Chain(connection, stop) is { } broken) found.Add(broken);
        if (found.Count < most) found.AddRange(await Rows(connection, most - found.Count, stop));
        return found;
    }

    async Task<Difference?> Chain(NpgsqlConnection connection, CancellationToken stop)
    {
        static Difference Differs(long number, string what) => new("decisions", number.ToString(CultureInfo.InvariantCulture), what);
        byte[] hash = [];
        await using (var ask = new NpgsqlCommand("select number, at, about, state, hash from decisions order by number", connection) { CommandTimeout = 0 })
        await using (var rows = await ask.ExecuteReaderAsync(stop))
            while (await rows.ReadAsync(stop))
            {
                var (number, about) = (rows.GetInt64(0), rows.GetString(2));
                if (number != Decisions + 1) return Differs(Decisions + 1, $"the decision is not there; after {(Decisions == 0 ? "nothing" : Decisions)} comes {number}.");
                hash = Next(hash, number, rows.GetFieldValue<DateTimeOffset>(1), $"{about}\n{(rows.IsDBNull(3) ? "" : rows.GetString(3))}");
                if (!hash.AsSpan().SequenceEqual(rows.GetFieldValue<byte[]>(4)))
                    return Differs(number, $"this decision about {Named(about).Row} is not what was written, for its hash does not fit what it says and what came before it.");
                Decisions = number;
            }
        await using var end = new NpgsqlCommand("select number, hash from decision_head", connection);
        await using var head = await end.ExecuteReaderAsync(stop);
        if (!await head.ReadAsync(stop)) return Differs(Decisions, "where the decisions end is not there.");
        return head.GetInt64(0) != Decisions ? Differs(Decisions + 1, $"the decisions end at {Decisions}, and {head.GetInt64(0)} were made.")
            : hash.AsSpan().SequenceEqual(head.GetFieldValue<byte[]>(1)) ? null : Differs(Decisions, "its hash is not that of the latest decision.");
    }

    /// <summary>As the database makes it: over the hash before it, the number, the time, and the text.</summary>
    static byte[] Next(ReadOnlySpan<byte> before, long number, DateTimeOffset at, string text)
    {
        var bytes = new byte[before.Length + (2 * sizeof(long)) + Encoding.UTF8.GetByteCount(text)];
        before.CopyTo(bytes);
        BinaryPrimitives.WriteInt64BigEndian(bytes.AsSpan(before.Length), number);
        BinaryPrimitives.WriteInt64BigEndian(bytes.AsSpan(before.Length + sizeof(long)), (at.UtcTicks - Epoch) / TicksPerMicrosecond);
        Encoding.UTF8.GetBytes(text, bytes.AsSpan(before.Length + (2 * sizeof(long))));
        return SHA256.HashData(bytes);
    }

    /// <summary>A column that a table has since may say what it likes until the row is decided about again.</summary>
    static async Task<IReadOnlyList<Difference>> Rows(NpgsqlConnection connection, int most, CancellationToken stop)
    {
        await using var ask = new NpgsqlCommand("""
            with told as (select distinct on (about) about, number, state::jsonb as state from decisions where not starts_with(about, 'settlement_postings/') order by about, number desc)
            select coalesce(t.about, d.about), t.number, t.state::text, d.state::text
            from told t full join decided d on d.about = t.about
            where not coalesce(d.state @> t.state and (d.state ? 'state') = (t.state ? 'state'), d.state is null and t.state is null and t.number is not null)
            order by 1 limit $1
            """, connection) { CommandTimeout = 0 };
        ask.Parameters.Add(new NpgsqlParameter<int> { TypedValue = most });
        var found = new List<Difference>();
        await using var rows = await ask.ExecuteReaderAsync(stop);
        while (await rows.ReadAsync(stop))
        {
            var (table, row) = Named(rows.GetString(0));
            found.Add(new Difference(table, row, What(rows.IsDBNull(1) ? null : rows.GetInt64(1), rows.IsDBNull(2) ? null : rows.GetString(2), rows.IsDBNull(3) ? null : rows.GetString(3))));
        }
        return found;
    }

    /// <summary>Every posting of a statement's row is as the commit said that made it: its sides, its file, and its time, by which the books of a day hold it.</summary>
    /// <param name="except">Rows that are known to differ, as they are named.</param>
    public async Task<IReadOnlyList<Difference>> Postings(IReadOnlySet<string> except, int most, CancellationToken stop)
    {
        await using var ask = database.CreateCommand("""
            with told as (
                select d.number, d.state->>'account' as account, (d.state->>'file')::bigint as file, x.posting->>0 as row_key, (x.posting->>1)::int as line, x.posting
                from (select number, state::jsonb from decisions where starts_with(about, 'settlement_postings/')) d cross join lateral jsonb_array_elements(d.state->'postings') x (posting))
            select distinct on (1) coalesce(t.account, p.account) || '/' || coalesce(t.row_key, p.row_key), coalesce(t.line, p.line), t.number, t.file, p.file, t.posting::text, posting_state(p)::text
            from told t full join settlement_postings p on p.account = t.account and p.row_key = t.row_key and p.line = t.line
            where (t.posting, t.file) is distinct from (posting_state(p), p.file) and coalesce(t.account, p.account) || '/' || coalesce(t.row_key, p.row_key) <> all ($1)
            order by 1, 2 limit $2
            """);
        ask.CommandTimeout = 0;
        ask.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. except] });
        ask.Parameters.Add(new NpgsqlParameter<int> { TypedValue = most });
        var found = new List<Difference>();
        await using var rows = await ask.ExecuteReaderAsync(stop);
        while (await rows.ReadAsync(stop))
            found.Add(new Difference("settlement_postings", rows.GetString(0), $"line {rows.GetInt32(1)}: " + (rows.IsDBNull(2) ? What(null, null, rows.GetString(6))
                : rows.IsDBNull(4) ? What(rows.GetInt64(2), rows.GetString(5), null) : Moved(rows.GetInt64(2), (rows.GetInt64(3), rows.GetString(5)), (rows.GetInt64(4), rows.GetString(6))))));
        return found;
    }

    /// <summary>What a posting says, in its order.</summary>
    static readonly string[] Sides = ["row_key", "line", "ledger_account", "amount", "currency", "posted_at"];

    static string Moved(long number, (long File, string Posting) told, (long File, string Posting) stands)
    {
        if (told.File != stands.File) return $"it is of {SettlementFile.IdOf(stands.File)}, and decision {number} says {SettlementFile.IdOf(told.File)}.";
        using var said = JsonDocument.Parse(told.Posting);
        using var row = JsonDocument.Parse(stands.Posting);
        var side = Array.FindIndex(Sides, s => !JsonElement.DeepEquals(said.RootElement[Array.IndexOf(Sides, s)], row.RootElement[Array.IndexOf(Sides, s)]));
        return $"its {Sides[side]} is {row.RootElement[side]}, and decision {number} says {said.RootElement[side]}.";
    }

    static string What(long? number, string? told, string? stands)
    {
        if (number is null) return "no decision tells of it: somebody wrote it by hand, or an older program did while nodes were being replaced.";
        if (told is null) return $"it is there, and decision {number} took it away.";
        if (stands is null) return $"it is not there, and decision {number} says how it stands.";
        using var said = JsonDocument.Parse(told);
        using var row = JsonDocument.Parse(stands);
        if (said.RootElement.TryGetProperty("state", out var end) && !row.RootElement.TryGetProperty("state", out _)) return $"it is on its way, and decision {number} says that its state is {end}.";
        foreach (var one in said.RootElement.EnumerateObject())
            if (!row.RootElement.TryGetProperty(one.Name, out var now) || !JsonElement.DeepEquals(one.Value, now))
                return $"its {one.Name} is {(now.ValueKind is JsonValueKind.Undefined ? "not there" : Say(now))}, and decision {number} says {Say(one.Value)}.";
        return $"its state is {Say(row.RootElement.GetProperty("state"))}, and decision {number} says nothing of an end.";

        static string Say(JsonElement value) => value.ValueKind == JsonValueKind.Null ? "nothing" : value.ToString();
    }

    /// <summary>The table, and the row as people know it.</summary>
    static (string Table, string Row) Named(string about)
    {
        var slash = about.IndexOf('/', StringComparison.Ordinal);
        var (table, key) = slash < 0 ? (about, "") : (about[..slash], about[(slash + 1)..]);
        return (table, table switch
        {
            "settlement_discrepancies" => $"dis_row_{key}",
            "settlement_files" or "settlement_postings" => $"{SettlementFile.Prefix}{key}",
            "order_resolutions" when key.Split('_') is [var order, var sequence] && long.TryParse(order, CultureInfo.InvariantCulture, out var id) && int.TryParse(sequence, CultureInfo.InvariantCulture, out var number) =>
                new DiscrepancyId(new OrderId(id), number, 0).ToString(),
            _ => key,
        });
    }
}
