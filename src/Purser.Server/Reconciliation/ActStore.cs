using System.Text.Json;
using Npgsql;
using NpgsqlTypes;
using Purser.Payments;
using Purser.Reconciliation;
using Purser.Server.Settlement;

namespace Purser.Server.Reconciliation;

/// <summary>One side of what a row without an order means for the books.</summary>
public sealed record RowPosting(string RowKey, int Line, string LedgerAccount, Money Amount);

/// <summary>A row that a person must look at, and that belongs to no order or must not be applied to it.</summary>
public sealed record OpenedRow(string RowKey, SettlementClass Class, int Number, Money Amount, string Proposal);

/// <summary>What is known of the payment of a line that is acted on.</summary>
/// <param name="Money">The gateway's references of money it took.</param>
/// <param name="Refund">Our refund that a row about a refund names; 0 when it names none that we have.</param>
/// <param name="Refunds">Those that a row about a refund may be about when it names none, by number.</param>
public sealed record PaymentNow(PaymentStatus Status, string[] Money, int Refund, IReadOnlyList<OursRefund> Refunds);

/// <summary>What acting on a file reads and writes beside the engine.</summary>
public sealed class ActStore(NpgsqlDataSource database) : IActStore
{
    public async Task<int> PolicyVersion(SettlementOptions options, CancellationToken stop)
    {
        var content = JsonSerializer.Serialize(new Dictionary<string, string>
        {
            ["theirs_paid"] = options.TheirsPaid,
            ["confirm_above"] = options.ConfirmAbove.ToString(System.Globalization.CultureInfo.InvariantCulture),
            ["two_persons_above"] = options.TwoPersonsAbove.ToString(System.Globalization.CultureInfo.InvariantCulture),
        }, SettlementJson.Default.DictionaryStringString);
        await using var number = database.CreateCommand("""
            with fresh as (insert into reconciliation_policies (content, since) values ($1, clock_timestamp()) on conflict (content) do nothing returning version)
            select version from fresh union all select version from reconciliation_policies where content = $1 limit 1
            """);
        number.Parameters.Add(new NpgsqlParameter<string> { TypedValue = content });
        return await number.ExecuteScalarAsync(stop) is int version ? version : await PolicyVersion(options, stop);
    }

    public async Task<Dictionary<int, PaymentNow>> Payments(IReadOnlyList<StoredLine> lines, CancellationToken stop)
    {
        var about = lines.Where(l => l.Payment is not null || l.Line.Refund is not null).ToList();
        await using var ask = database.CreateCommand("""
            select x.line, p.status, array(select c->>'reference' from jsonb_array_elements(coalesce(p.captures, '[]')::jsonb) c),
                coalesce(r.number, 0), alike.numbers, alike.refs, alike.rows, alike.went
            from unnest($1::int[], $2::bigint[], $3::int[], $4::int[], $5::bigint[], $6::boolean[]) x (line, order_id, payment, refund, amount, is_refund)
            left join refunds r on x.refund > 0 and r.order_id = x.order_id and r.number = x.refund
            join payments p on p.order_id = x.order_id and p.number = coalesce(nullif(x.payment, 0), r.payment)
            cross join lateral (
                select array_agg(o.number order by o.number), array_agg(o.refund_reference order by o.number), array_agg(o.settled::jsonb->'settled'->>'row' order by o.number), array_agg(o.status = 3 order by o.number)
                from refunds o where x.is_refund and x.refund = 0 and o.order_id = p.order_id and o.payment = p.number and o.amount = x.amount and o.status <> 4
            ) alike (numbers, refs, rows, went)
            """);
        ask.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. about.Select(l => l.Number)] });
        ask.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. about.Select(l => (l.Payment?.Order ?? l.Line.Refund!.Value.Order).Value)] });
        ask.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. about.Select(l => l.Payment?.Number ?? 0)] });
        ask.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. about.Select(l => l.Line.Refund?.Number ?? 0)] });
        ask.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. about.Select(l => l.Line.Amount.MinorUnits)] });
        ask.Parameters.Add(new NpgsqlParameter<bool[]> { TypedValue = [.. about.Select(l => l.Line.Kind is SettlementKind.Refund or SettlementKind.RefundReturned)] });
        var found = new Dictionary<int, PaymentNow>();
        await using var rows = await ask.ExecuteReaderAsync(stop);
        while (await rows.ReadAsync(stop)) found[rows.GetInt32(0)] = new PaymentNow((PaymentStatus)rows.GetInt16(1), rows.GetFieldValue<string[]>(2), rows.GetInt32(3), Alike(rows));
        return found;

        static IReadOnlyList<OursRefund> Alike(NpgsqlDataReader row)
        {
            if (row.IsDBNull(4)) return [];
            var (numbers, references, settled, went) = (row.GetFieldValue<int[]>(4), row.GetFieldValue<string?[]>(5), row.GetFieldValue<string?[]>(6), row.GetFieldValue<bool[]>(7));
            return [.. numbers.Select((number, i) => new OursRefund(number, references[i], settled[i], went[i]))];
        }
    }

    public async Task Write(SettlementFile file, IReadOnlyList<RowPosting> postings, IReadOnlyList<OpenedRow> opened, CancellationToken stop)
    {
        if (postings.Count + opened.Count == 0) return;
        await using var connection = await database.OpenConnectionAsync(stop);
        await using var transaction = await connection.BeginTransactionAsync(stop);
        await using var write = new NpgsqlBatch(connection, transaction);
        // The sides of one row are posted together or not at all: the first side decides for all.
        var post = new NpgsqlBatchCommand("""
            insert into settlement_postings (account, row_key, line, ledger_account, amount, currency, file, posted_at)
            select $1, x.row_key, x.line, x.ledger_account, x.amount, x.currency, $2, clock_timestamp()
            from unnest($3::text[], $4::int[], $5::text[], $6::bigint[], $7::text[]) x (row_key, line, ledger_account, amount, currency)
            where not exists (select 1 from settlement_postings before where before.account = $1 and before.row_key = x.row_key)
            on conflict do nothing
            """);
        post.Parameters.Add(new NpgsqlParameter<string> { TypedValue = file.Account });
        post.Parameters.Add(new NpgsqlParameter<long> { TypedValue = file.Id });
        post.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. postings.Select(p => p.RowKey)] });
        post.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. postings.Select(p => p.Line)] });
        post.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. postings.Select(p => p.LedgerAccount)] });
        post.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. postings.Select(p => p.Amount.MinorUnits)] });
        post.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. postings.Select(p => p.Amount.Currency.Code)] });
        write.BatchCommands.Add(post);
        var open = new NpgsqlBatchCommand("""
            insert into settlement_discrepancies (account, row_key, class, file, number, amount, currency, proposal, opened_at)
            select $1, x.row_key, x.class, $2, x.number, x.amount, x.currency, x.proposal, clock_timestamp()
            from unnest($3::text[], $4::smallint[], $5::int[], $6::bigint[], $7::text[], $8::text[]) x (row_key, class, number, amount, currency, proposal)
            on conflict (account, row_key, class) do nothing
            """);
        open.Parameters.Add(new NpgsqlParameter<string> { TypedValue = file.Account });
        open.Parameters.Add(new NpgsqlParameter<long> { TypedValue = file.Id });
        open.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. opened.Select(o => o.RowKey)] });
        open.Parameters.Add(new NpgsqlParameter<short[]> { TypedValue = [.. opened.Select(o => (short)o.Class)] });
        open.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. opened.Select(o => o.Number)] });
        open.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. opened.Select(o => o.Amount.MinorUnits)] });
        open.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. opened.Select(o => o.Amount.Currency.Code)] });
        open.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. opened.Select(o => o.Proposal)] });
        write.BatchCommands.Add(open);
        await write.ExecuteNonQueryAsync(stop);
        await transaction.CommitAsync(stop);
    }

    public async Task<IReadOnlyList<(PaymentId Payment, string MoneyReference, string Account, DateOnly DueOn)>> Overdue(
        string? account, DateOnly before, (string Account, string Money)? after, int most, CancellationToken stop)
    {
        await using var ask = database.CreateCommand("""
            select order_id, payment, money_reference, account, due_on from captures
            where due_on < $2 and settled_on is null and ($1::text is null or account = $1) and ($3::text is null or (account, money_reference) > ($3, $4))
            order by account, money_reference limit $5
            """);
        ask.Parameters.Add(new NpgsqlParameter { Value = (object?)account ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        ask.Parameters.Add(new NpgsqlParameter<DateOnly> { TypedValue = before });
        ask.Parameters.Add(new NpgsqlParameter { Value = (object?)after?.Account ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        ask.Parameters.Add(new NpgsqlParameter { Value = (object?)after?.Money ?? "", NpgsqlDbType = NpgsqlDbType.Text });
        ask.Parameters.Add(new NpgsqlParameter<int> { TypedValue = most });
        var found = new List<(PaymentId, string, string, DateOnly)>();
        await using var rows = await ask.ExecuteReaderAsync(stop);
        while (await rows.ReadAsync(stop))
            found.Add((new PaymentId(new OrderId(rows.GetInt64(0)), rows.GetInt32(1)), rows.GetString(2), rows.GetString(3), rows.GetFieldValue<DateOnly>(4)));
        return found;
    }
}
