using System.Runtime.CompilerServices;
using Npgsql;
using Purser.Reconciliation;
using Purser.Server.Reconciliation;
using Purser.Server.Settlement;

namespace Purser.Server.Audit;

/// <summary>What a row posted, and the row.</summary>
/// <param name="Line">Null: the statement has no such row.</param>
/// <param name="Question">The class of its question; null when nothing is or was asked about its money.</param>
/// <param name="Answer">How that is resolved; null when it is open.</param>
public sealed record KeptRow(string Account, string Key, long File, StoredLine? Line, SettlementClass? Question, string? Answer, bool Final)
{
    public List<RowPosting> Postings { get; } = [];
}

/// <summary>Reads statements' rows that post by themselves, with what they posted, in the order of their names. Nothing of it grows in memory.</summary>
public sealed class RowAuditStore(NpgsqlDataSource database)
{
    const string Line = $"l.number, l.\"row\", l.class, {SettlementLineStore.LineColumns}";
    const int LineAt = 3, AnswerAt = LineAt + 3 + SettlementLineStore.LineColumnCount, PostingAt = AnswerAt + 3, WasAt = PostingAt + 4;

    /// <summary>The question that says what of a row stands in the books: one that could not be applied before may be asked about for another reason now.</summary>
    static readonly string Asked = $"""
        (select q.class, case when q.resolved_at is not null then q.resolution end as answer, q.final from settlement_discrepancies q
            where q.account = p.account and q.row_key = p.row_key and q.file = l.file and q.number = l.number and q.class not in ({(int)SettlementClass.DuplicateLine}, {(int)SettlementClass.Changed})
            order by q.resolved_at is null desc, q.class = {(int)SettlementClass.NotApplied}, q.id desc limit 1) d
        """;

    /// <summary>Postings of rows that stand there again or with other content have a name of their own: see <see cref="Repeated"/>.</summary>
    static readonly string OfFirstRows = $"""
        not exists (select from settlement_discrepancies q where q.class in ({(int)SettlementClass.DuplicateLine}, {(int)SettlementClass.Changed})
            and q.account = p.account and {NameOf("q")} = p.row_key)
        """;

    /// <summary>Under what such a question's row is booked; see <see cref="RowName"/>.</summary>
    static string NameOf(string q) => $"{q}.row_key || case when {q}.again_of is not null then '' when {q}.class = {(int)SettlementClass.Changed} then '{RowName.Changed}' else '{RowName.Again}' end";

    /// <summary>Not those that came in an earlier file, or twice: they post nothing.</summary>
    static readonly string Applied = $"l.class not in ({(int)SettlementClass.DuplicateLine}, {(int)SettlementClass.Repeated}, {(int)SettlementClass.Changed})";

    public async IAsyncEnumerable<KeptRow> Posted([EnumeratorCancellation] CancellationToken stop)
    {
        await using var connection = await database.OpenConnectionAsync(stop);
        await using var ask = new NpgsqlCommand($"""
            select p.account, p.row_key, p.file, {Line}, d.class, d.answer, coalesce(d.final, false), p.line, p.ledger_account, p.amount, p.currency
            from settlement_postings p
            left join settlement_lines l on l.file = p.file and l.row_key = p.row_key and {Applied}
            left join lateral {Asked} on true
            where {OfFirstRows}
            order by p.account, p.row_key, p.line
            """, connection) { CommandTimeout = 0 };
        await foreach (var row in Gathered(ask, stop)) yield return row;
    }

    /// <summary>The row was applied: all of its file are, or it is one of those up to where that stands.</summary>
    const string Acted = "not f.dry_run and (f.state = $1 or (f.state = 4 and l.number <= f.rows_acted))";

    /// <summary>Rows that post and did not: those that always do, those of disputes and of refunds that came back, which may, and those that a person is or was asked about.</summary>
    public async IAsyncEnumerable<KeptRow> Silent([EnumeratorCancellation] CancellationToken stop)
    {
        await using var connection = await database.OpenConnectionAsync(stop);
        await using var ask = new NpgsqlCommand($"""
            select p.account, p.row_key, p.file, {Line}, d.class, d.answer, coalesce(d.final, false)
            from (
                select f.account, l.row_key, l.file, l.number from settlement_lines l join settlement_files f on f.id = l.file
                where {Acted} and (l.class = any ($2) or (l.kind = {(int)SettlementKind.RefundReturned} and l.class = any ($3)))
                union
                select q.account, q.row_key, q.file, q.number from settlement_discrepancies q join settlement_files f on f.id = q.file
                    join settlement_lines l on l.file = q.file and l.number = q.number where {Acted}
            ) p
            join settlement_lines l on l.file = p.file and l.number = p.number and {Applied}
            left join lateral {Asked} on true
            where not exists (select from settlement_postings s where s.account = p.account and s.row_key = p.row_key)
            order by p.account, p.row_key
            """, connection) { CommandTimeout = 0 };
        ask.Parameters.Add(new NpgsqlParameter<short> { TypedValue = (short)FileState.Done });
        ask.Parameters.Add(new NpgsqlParameter<short[]> { TypedValue = [(short)SettlementClass.Adjustment, (short)SettlementClass.Payout, (short)SettlementClass.UnknownOrder, (short)SettlementClass.Dispute] });
        ask.Parameters.Add(new NpgsqlParameter<short[]> { TypedValue = [(short)SettlementClass.Refund, (short)SettlementClass.RefundUnasked, (short)SettlementClass.RefundMissing] });
        await using var rows = await ask.ExecuteReaderAsync(stop);
        while (await rows.ReadAsync(stop)) yield return Read(rows);
    }

    /// <summary>Rows about which a person is always asked, and nobody was. A further row of a key has a question of its own, or an older program asked
    /// once about all of them.</summary>
    public async Task<IReadOnlyList<Difference>> Unasked(int most, CancellationToken stop)
    {
        await using var ask = database.CreateCommand($"""
            select f.id, l.number, l.class, l.row_key from settlement_lines l join settlement_files f on f.id = l.file
            where {Acted} and (l.class = any ($2) or (l.class = {(int)SettlementClass.UnknownOrder} and l.kind <> {(int)SettlementKind.FailedPayment}))
                and not exists (select from settlement_discrepancies d where d.account = f.account and d.row_key = l.row_key
                    and (d.class in (l.class, {(int)SettlementClass.NotApplied}) or (d.named_file is not null and (d.file, d.number) = (l.file, l.number))))
                and not (l.class = {(int)SettlementClass.DuplicateLine} and exists (select from settlement_discrepancies d where d.account = f.account
                    and d.row_key = {RowName.FurtherSql("l.row_key", "l.file", "l.number")} and d.class in (l.class, {(int)SettlementClass.NotApplied})))
            order by 1, 2 limit $3
            """);
        ask.CommandTimeout = 0;
        ask.Parameters.Add(new NpgsqlParameter<short> { TypedValue = (short)FileState.Done });
        ask.Parameters.Add(new NpgsqlParameter<short[]> { TypedValue = [(short)SettlementClass.DuplicateLine, (short)SettlementClass.Changed] });
        ask.Parameters.Add(new NpgsqlParameter<int> { TypedValue = most });
        var found = new List<Difference>();
        await using var rows = await ask.ExecuteReaderAsync(stop);
        while (await rows.ReadAsync(stop))
            found.Add(new Difference("settlement_discrepancies", $"{SettlementFile.IdOf(rows.GetInt64(0))} line {rows.GetInt32(1)}",
                $"{rows.GetString(3)} is {SettlementView.Word((SettlementClass)rows.GetInt16(2))}, and its question is not there."));
        return found;
    }

    /// <summary>Rows that stand there again or with other content, and that are booked beside the first: what the latest question about each says.</summary>
    public async IAsyncEnumerable<KeptRow> Repeated([EnumeratorCancellation] CancellationToken stop)
    {
        await using var connection = await database.OpenConnectionAsync(stop);
        await using var ask = new NpgsqlCommand($"""
            select q.account, q.posted, q.file, {Line}, q.class, q.answer, false, s.line, s.ledger_account, s.amount, s.currency, l.was_file, l.was_number
            from (select account, {NameOf("d")} as posted, file, number, class, booked, case when resolved_at is not null then resolution end as answer
                from settlement_discrepancies d where class in ({(int)SettlementClass.DuplicateLine}, {(int)SettlementClass.Changed})) q
            left join settlement_lines l on l.file = q.file and l.number = q.number
            left join settlement_postings s on s.account = q.account and s.row_key = q.posted
            where q.booked or s.line is not null or q.answer = 'accept'
            order by q.account, q.posted, s.line
            """, connection) { CommandTimeout = 0 };
        await foreach (var row in Gathered(ask, stop)) yield return row;
    }

    /// <summary>Each row with its postings, which stand behind it one after another in its order.</summary>
    static async IAsyncEnumerable<KeptRow> Gathered(NpgsqlCommand ask, [EnumeratorCancellation] CancellationToken stop)
    {
        await using var rows = await ask.ExecuteReaderAsync(stop);
        KeptRow? row = null;
        while (await rows.ReadAsync(stop))
        {
            if (row is null || row.Account != rows.GetString(0) || row.Key != rows.GetString(1))
            {
                if (row is not null) yield return row;
                row = Read(rows);
                if (row.Line is { } line && rows.FieldCount > WasAt && !rows.IsDBNull(WasAt)) row = row with { Line = line with { Was = (rows.GetInt64(WasAt), rows.GetInt32(WasAt + 1)) } };
            }
            if (!rows.IsDBNull(PostingAt))
                row.Postings.Add(new RowPosting(row.Key, rows.GetInt32(PostingAt), rows.GetString(PostingAt + 1), new Money(rows.GetInt64(PostingAt + 2), Currency.Find(rows.GetString(PostingAt + 3)))));
        }
        if (row is not null) yield return row;
    }

    static KeptRow Read(NpgsqlDataReader row) => new(row.GetString(0), row.GetString(1), row.GetInt64(2),
        row.IsDBNull(LineAt) ? null : new StoredLine(row.GetInt32(LineAt), row.GetInt32(LineAt + 1), (SettlementClass)row.GetInt16(LineAt + 2), SettlementLineStore.ReadLine(row, LineAt + 3), null, null),
        row.IsDBNull(AnswerAt) ? null : (SettlementClass)row.GetInt16(AnswerAt), row.IsDBNull(AnswerAt + 1) ? null : row.GetString(AnswerAt + 1), row.GetBoolean(AnswerAt + 2));
}
