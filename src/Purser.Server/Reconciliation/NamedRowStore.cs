using Npgsql;
using Purser.Reconciliation;
using Purser.Server.Engine;
using Purser.Server.Settlement;

namespace Purser.Server.Reconciliation;

/// <summary>Questions about rows that a later file has again, and names better.</summary>
static class NamedRowStore
{
    public static async Task<Dictionary<string, AskedRow>> Asked(NpgsqlDataSource database, SettlementFile file, IReadOnlyList<string> rowKeys, CancellationToken stop)
    {
        var asked = new Dictionary<string, AskedRow>();
        if (rowKeys.Count == 0) return asked;
        // What cannot be applied waits for its own cause; of a key that stands more than once, a person says which is which. Answered since the file came, it may be that the order was
        // told already, and that the node which told it died.
        var ask = new NpgsqlBatchCommand($"""
            select d.row_key, d.id, d.file, d.number, coalesce(f.paid_out, false), d.named_file, d.named_number from settlement_discrepancies d join settlement_files f on f.id = d.file
            where d.account = $1 and d.row_key = any ($2) and d.class = any ($3) and d.class <> {(int)SettlementClass.NotApplied} and d.again_of is null
                and (d.resolved_at is null and d.decided_at is null or d.resolved_at > $4 and not d.final)
                and not exists (select from settlement_discrepancies o where o.account = $1 and o.again_of = d.row_key)
                and not exists (select from settlement_discrepancies o where o.account = $1 and o.row_key = d.row_key and o.class = {(int)SettlementClass.DuplicateLine})
            order by d.resolved_at nulls first
            """);
        ask.Parameters.Add(new NpgsqlParameter<string> { TypedValue = file.Account });
        ask.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. rowKeys] });
        ask.Parameters.Add(new NpgsqlParameter<short[]> { TypedValue = [.. ActStore.AnsweredByMoney.Select(what => (short)what)] });
        ask.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = file.ReceivedAt.UtcDateTime });
        await using var lookUp = KeyLookup.Of(database, ask);
        await using var rows = await lookUp.Rows(stop);
        while (await rows.ReadAsync(stop))
            asked.TryAdd(rows.GetString(0), new AskedRow(rows.GetInt64(1), rows.GetInt64(2), rows.GetInt32(3), rows.GetBoolean(4), rows.IsDBNull(5) ? null : (rows.GetInt64(5), rows.GetInt32(6))));
        return asked;
    }

    /// <summary>In one commit, unless somebody answered meanwhile. What the first of two persons wanted was an answer to another question: it is taken back, and the log tells of it.</summary>
    public static async Task Name(NpgsqlDataSource database, AskedRow asked, SettlementFile file, OpenedRow now, CancellationToken stop)
    {
        await using var connection = await database.OpenConnectionAsync(stop);
        await using var transaction = await connection.BeginTransactionAsync(stop);
        await using var name = new NpgsqlCommand("""
            with before as (
                select d.* from settlement_discrepancies d where d.id = $1 and d.resolved_at is null and d.decided_at is null
                    and not exists (select from settlement_discrepancies o where o.account = d.account and o.row_key = d.row_key and o.class = $2 and o.id <> d.id) for update of d),
            kept as (
                insert into audit_log (at, by_whom, action, subject, reason, detail, policy)
                select clock_timestamp(), 'purser', 'reopen', 'dis_row_' || id, format('line %s of stl_%s has the row again, and says what it is about.', $4::int, $3::bigint),
                    json_build_object('amount', amount, 'currency', currency, 'line', format('%s of stl_%s', number, file))::text, null
                from before where by_first is not null returning 1)
            update settlement_discrepancies d set class = $2, named_file = $3, named_number = $4, proposal = $5, resolution = null, reason = null, by_first = null, by_second = null,
                key_first = null, key_second = null, policy = null
            from before b where d.id = b.id
            """, connection, transaction);
        name.Parameters.Add(new NpgsqlParameter<long> { TypedValue = asked.Id });
        name.Parameters.Add(new NpgsqlParameter<short> { TypedValue = (short)now.Class });
        name.Parameters.Add(new NpgsqlParameter<long> { TypedValue = file.Id });
        name.Parameters.Add(new NpgsqlParameter<int> { TypedValue = now.Number });
        name.Parameters.Add(new NpgsqlParameter<string> { TypedValue = now.Proposal });
        if (await name.ExecuteNonQueryAsync(stop) > 0) await DecisionStore.Question(connection, asked.Id, stop);
        await transaction.CommitAsync(stop);
    }
}
