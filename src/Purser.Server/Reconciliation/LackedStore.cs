using Npgsql;
using NpgsqlTypes;
using Purser.Reconciliation;
using Purser.Server.Settlement;

namespace Purser.Server.Reconciliation;

/// <summary>Finds which earlier file one issues again, and what it lacks of it. Reads only.</summary>
static class LackedStore
{
    /// <summary>What a gateway's API told of a day before is issued again by whatever it tells of that day now. A file issues the latest one again of which it has more than half; where it
    /// covers other days as well, of the days of both. What came over the API and what came in a file state days in their own ways, and are not held against each other.</summary>
    /// <param name="had">By earlier file, how many of its rows this one has.</param>
    /// <returns>Null when it issues none again, or has all of it.</returns>
    public static async Task<LackedRows?> Find(NpgsqlDataSource database, SettlementFile file, IReadOnlyDictionary<long, int> had, CancellationToken stop)
    {
        if (had.Count == 0) return null;
        await using var connection = await database.OpenConnectionAsync(stop);
        await using var transaction = await connection.BeginTransactionAsync(stop);
        (long File, bool Whole)? again = null;
        await using (var ask = new NpgsqlCommand("""
            select f.id, (f.source = $3 and $4 and f.name = $5) as whole, h.rows < f.rows_read
            from unnest($1::bigint[], $2::int[]) h (file, rows) join settlement_files f on f.id = h.file
            where (f.source = $3) = $4 and ((f.source = $3 and f.name = $5) or ($6 and h.rows::bigint * 2 > f.rows_read)) order by coalesce(f.turn, f.id) desc limit 1
            """, connection))
        {
            ask.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. had.Keys] });
            ask.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. had.Values] });
            ask.Parameters.Add(new NpgsqlParameter<short> { TypedValue = (short)FileSource.Fetched });
            ask.Parameters.Add(new NpgsqlParameter<bool> { TypedValue = file.Source == FileSource.Fetched });
            ask.Parameters.Add(new NpgsqlParameter<string> { TypedValue = file.Name });
            ask.Parameters.Add(new NpgsqlParameter<bool> { TypedValue = file.CoversFrom is not null });
            await using var rows = await ask.ExecuteReaderAsync(stop);
            if (await rows.ReadAsync(stop) && rows.GetBoolean(2)) again = (rows.GetInt64(0), rows.GetBoolean(1));
        }
        if (again is not { } of) return null;
        await Plan(connection, stop);
        var (totals, first) = (new List<LackedTotal>(), new List<LackedRow>());
        await using (var sum = Command(connection, $"""
            select l.currency, l.net_currency, count(*)::int, {Capped("l.amount")}, {Capped("l.net")} from settlement_lines l where {Lacked} group by 1, 2 order by 1, 2
            """, file, of))
        await using (var rows = await sum.ExecuteReaderAsync(stop))
            while (await rows.ReadAsync(stop)) totals.Add(new LackedTotal(rows.GetString(0), rows.GetString(1), rows.GetInt32(2), rows.GetInt64(3), rows.GetInt64(4)));
        if (totals.Count == 0) return null;
        await using (var some = Command(connection, $"select l.number, l.kind, l.row_key, l.currency, l.amount from settlement_lines l where {Lacked} order by l.number limit {LackedRows.MostShown}", file, of))
        await using (var rows = await some.ExecuteReaderAsync(stop))
            while (await rows.ReadAsync(stop)) first.Add(new LackedRow(rows.GetInt32(0), (SettlementKind)rows.GetInt16(1), rows.GetString(2), rows.GetString(3), rows.GetInt64(4)));
        return new LackedRows(of.File, of.Whole, totals, first);
    }

    /// <summary>Their numbers in the earlier file, from behind <paramref name="after"/>.</summary>
    public static async Task<int[]> List(NpgsqlDataSource database, SettlementFile file, LackedRows lacks, int after, int limit, CancellationToken stop)
    {
        await using var connection = await database.OpenConnectionAsync(stop);
        await using var transaction = await connection.BeginTransactionAsync(stop);
        await Plan(connection, stop);
        await using var list = Command(connection, $"select l.number from settlement_lines l where {Lacked} and l.number > $6 order by l.number limit $7", file, (lacks.File, lacks.Whole));
        list.Parameters.Add(new NpgsqlParameter<int> { TypedValue = after });
        list.Parameters.Add(new NpgsqlParameter<int> { TypedValue = limit });
        var found = new List<int>();
        await using var rows = await list.ExecuteReaderAsync(stop);
        while (await rows.ReadAsync(stop)) found.Add(rows.GetInt32(0));
        return [.. found];
    }

    const string Lacked = """
        l.file = $2 and ($3 or coalesce(l.settled_on, (l.happened_at at time zone 'utc')::date) between $4 and $5)
            and not exists (select from settlement_lines n where n.file = $1 and n.row_key = l.row_key)
        """;

    static string Capped(string column) => $"greatest(least(sum({column}::numeric), {long.MaxValue}), {-long.MaxValue})::bigint";

    /// <summary>Rows of a file are not found by their keys: both files are read once, and held against each other.</summary>
    static async Task Plan(NpgsqlConnection connection, CancellationToken stop)
    {
        await using var plan = new NpgsqlCommand("select set_config('enable_nestloop', 'off', true), set_config('jit', 'off', true)", connection);
        await plan.ExecuteScalarAsync(stop);
    }

    static NpgsqlCommand Command(NpgsqlConnection connection, string sql, SettlementFile file, (long File, bool Whole) of)
    {
        var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = file.Id });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = of.File });
        command.Parameters.Add(new NpgsqlParameter<bool> { TypedValue = of.Whole });
        command.Parameters.Add(new NpgsqlParameter { Value = (object?)file.CoversFrom ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Date });
        command.Parameters.Add(new NpgsqlParameter { Value = (object?)file.CoversTo ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Date });
        return command;
    }
}
