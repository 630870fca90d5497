using System.Runtime.CompilerServices;
using Npgsql;
using Purser.Reconciliation;
using Purser.Server.Reconciliation;
using Purser.Server.Settlement;

namespace Purser.Server.Audit;

/// <summary>What a row posted, and the row.</summary>
/// <param name="Line">Null: the statement has no such row.</param>
/// <param name="Answer">How its question is resolved; null when it is open or there is none.</param>
public sealed record KeptRow(string Account, string Key, long File, StoredLine? Line, string? Answer, bool Final)
{
    public List<RowPosting> Postings { get; } = [];
}

/// <summary>Reads statements' rows that post by themselves, with what they posted, in the order of their names. Nothing of it grows in memory.</summary>
public sealed class RowAuditStore(NpgsqlDataSource database)
{
    const string Line = $"l.number, l.\"row\", l.class, {SettlementLineStore.LineColumns}";
    const int LineAt = 3, AnswerAt = LineAt + 3 + SettlementLineStore.LineColumnCount;

    /// <summary>Not those that came in an earlier file, or twice: they post nothing.</summary>
    static readonly string Applied = $"l.class not in ({(int)SettlementClass.DuplicateLine}, {(int)SettlementClass.Repeated}, {(int)SettlementClass.Changed})";

    public async IAsyncEnumerable<KeptRow> Posted([EnumeratorCancellation] CancellationToken stop)
    {
        await using var connection = await database.OpenConnectionAsync(stop);
        await using var ask = new NpgsqlCommand($"""
            select p.account, p.row_key, p.file, {Line}, d.resolution, coalesce(d.final, false), p.line, p.ledger_account, p.amount, p.currency
            from settlement_postings p
            left join settlement_lines l on l.file = p.file and l.row_key = p.row_key and {Applied}
            left join settlement_discrepancies d on d.account = p.account and d.row_key = p.row_key and d.class = {(int)SettlementClass.UnknownOrder} and d.resolved_at is not null
            order by p.account, p.row_key, p.line
            """, connection) { CommandTimeout = 0 };
        await using var rows = await ask.ExecuteReaderAsync(stop);
        KeptRow? row = null;
        while (await rows.ReadAsync(stop))
        {
            if (row is null || row.Account != rows.GetString(0) || row.Key != rows.GetString(1))
            {
                if (row is not null) yield return row;
                row = Read(rows);
            }
            row.Postings.Add(new RowPosting(row.Key, rows.GetInt32(AnswerAt + 2), rows.GetString(AnswerAt + 3), new Money(rows.GetInt64(AnswerAt + 4), Currency.Find(rows.GetString(AnswerAt + 5)))));
        }
        if (row is not null) yield return row;
    }

    /// <summary>Rows that always post, and did not. One that is set aside posts when it is applied.</summary>
    public async IAsyncEnumerable<KeptRow> Silent([EnumeratorCancellation] CancellationToken stop)
    {
        await using var connection = await database.OpenConnectionAsync(stop);
        await using var ask = new NpgsqlCommand($"""
            select f.account, l.row_key, l.file, {Line}, null::text, false
            from settlement_lines l join settlement_files f on f.id = l.file
            where f.state = $1 and not f.dry_run and l.class = any ($2)
                and not exists (select from settlement_postings p where p.account = f.account and p.row_key = l.row_key)
                and not exists (select from settlement_discrepancies d where d.account = f.account and d.row_key = l.row_key and d.class = $3)
            order by f.account, l.row_key
            """, connection) { CommandTimeout = 0 };
        ask.Parameters.Add(new NpgsqlParameter<short> { TypedValue = (short)FileState.Done });
        ask.Parameters.Add(new NpgsqlParameter<short[]> { TypedValue = [(short)SettlementClass.Adjustment, (short)SettlementClass.Payout, (short)SettlementClass.UnknownOrder] });
        ask.Parameters.Add(new NpgsqlParameter<short> { TypedValue = (short)SettlementClass.NotApplied });
        await using var rows = await ask.ExecuteReaderAsync(stop);
        while (await rows.ReadAsync(stop)) yield return Read(rows);
    }

    static KeptRow Read(NpgsqlDataReader row) => new(row.GetString(0), row.GetString(1), row.GetInt64(2),
        row.IsDBNull(LineAt) ? null : new StoredLine(row.GetInt32(LineAt), row.GetInt32(LineAt + 1), (SettlementClass)row.GetInt16(LineAt + 2), SettlementLineStore.ReadLine(row, LineAt + 3), null, null),
        row.IsDBNull(AnswerAt) ? null : row.GetString(AnswerAt), row.GetBoolean(AnswerAt + 1));
}
