using Npgsql;
using NpgsqlTypes;
using Purser.Payments;
using Purser.Reconciliation;
using Purser.Server.Engine;

namespace Purser.Server.Reconciliation;

/// <summary>What does not agree: of orders, which the engine opens and closes, and of statements' rows that belong to none.</summary>
public sealed class DiscrepancyStore(NpgsqlDataSource database)
{
    const string Both = """
        select d.opened_at, 0 as source, d.order_id as first, d.sequence as second, coalesce(p.account, '') as account, d.payment, d.kind as what, d.money_reference, d.amount,
            d.currency, d.owner, d.resolved_at, coalesce(d.resolution, r.action) as resolution, r.reason, r.by_first, r.by_second, null::bigint as file, null::int as number,
            null::text as row_key, null::text as proposal, false as final
        from discrepancies d left join payments p on p.order_id = d.order_id and p.number = d.payment
        left join order_resolutions r on r.order_id = d.order_id and r.sequence = d.sequence
        union all
        select opened_at, 1, id, 0, account, 0, class, null, amount, currency, owner, resolved_at, resolution, reason, by_first, by_second, file, number, row_key, proposal, final
        from settlement_discrepancies
        """;

    /// <summary>Oldest first, for the oldest has waited longest; one more than asked for tells that there are more.</summary>
    public async Task<IReadOnlyList<StoredDiscrepancy>> List(
        bool? open, string? account, (DateTimeOffset At, int Source, long First, int Second)? after, int limit, CancellationToken stop)
    {
        await using var list = database.CreateCommand($"""
            select * from ({Both}) x
            where {(open switch { true => "resolved_at is null", false => "resolved_at is not null", null => "true" })} and ($6::text is null or account = $6)
                and ($1::timestamptz is null or (opened_at, source, first, second) > ($1, $2, $3, $4))
            order by opened_at, source, first, second limit $5
            """);
        list.Parameters.Add(new NpgsqlParameter { Value = (object?)after?.At.UtcDateTime ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.TimestampTz });
        list.Parameters.Add(new NpgsqlParameter<int> { TypedValue = after?.Source ?? 0 });
        list.Parameters.Add(new NpgsqlParameter<long> { TypedValue = after?.First ?? 0 });
        list.Parameters.Add(new NpgsqlParameter<int> { TypedValue = after?.Second ?? 0 });
        list.Parameters.Add(new NpgsqlParameter<int> { TypedValue = limit + 1 });
        list.Parameters.Add(new NpgsqlParameter { Value = (object?)account ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        return await Read(list, stop);
    }

    public async Task<StoredDiscrepancy?> Find(DiscrepancyId id, CancellationToken stop)
    {
        await using var find = database.CreateCommand($"select * from ({Both}) x where source = $1 and first = $2 and second = $3");
        find.Parameters.Add(new NpgsqlParameter<int> { TypedValue = id.Order is null ? 1 : 0 });
        find.Parameters.Add(new NpgsqlParameter<long> { TypedValue = id.Order?.Value ?? id.Row });
        find.Parameters.Add(new NpgsqlParameter<int> { TypedValue = id.Sequence });
        return await Read(find, stop) is [var one] ? one : null;
    }

    /// <summary>What an Idempotency-Key was used for before.</summary>
    public async Task<StoredKey?> UseOf(RequestKey key, CancellationToken stop)
    {
        await using var connection = await database.OpenConnectionAsync(stop);
        return await RequestKeyStore.Find(connection, key, stop);
    }

    /// <summary>Keeps an Idempotency-Key when its request was done.</summary>
    public async Task Keep(RequestKey key, DiscrepancyId about, CancellationToken stop)
    {
        await using var connection = await database.OpenConnectionAsync(stop);
        await RequestKeyStore.Claim(connection, key, about.ToString(), stop);
    }

    static async Task<IReadOnlyList<StoredDiscrepancy>> Read(NpgsqlCommand command, CancellationToken stop)
    {
        var found = new List<StoredDiscrepancy>();
        await using var rows = await command.ExecuteReaderAsync(stop);
        while (await rows.ReadAsync(stop))
        {
            var ofOrder = rows.GetInt32(1) == 0;
            var id = ofOrder ? new DiscrepancyId(new OrderId(rows.GetInt64(2)), rows.GetInt32(3), 0) : new DiscrepancyId(null, 0, rows.GetInt64(2));
            string? Text(int column) => rows.IsDBNull(column) ? null : rows.GetString(column);
            found.Add(new StoredDiscrepancy(
                id, rows.GetString(4), id.Order is { } order ? new PaymentId(order, rows.GetInt32(5)) : null, ofOrder ? (DiscrepancyKind)rows.GetInt16(6) : null,
                ofOrder ? null : (SettlementClass)rows.GetInt16(6), Text(7), new Money(rows.GetInt64(8), Currency.Find(rows.GetString(9))), rows.GetString(10),
                rows.GetFieldValue<DateTimeOffset>(0), rows.IsDBNull(11) ? null : rows.GetFieldValue<DateTimeOffset>(11), Text(12), Text(13), Text(14), Text(15),
                rows.IsDBNull(16) ? null : rows.GetInt64(16), rows.IsDBNull(17) ? null : rows.GetInt32(17), Text(18), Text(19), rows.GetBoolean(20)));
        }
        return found;
    }

    /// <summary>Payments that open rows without an order may be about. Amount and day prove nothing: they are for a person to look at.</summary>
    /// <param name="latest">By account, how many days after the money a statement should have it at the latest.</param>
    public async Task<ILookup<long, PaymentId>> Suggest(IReadOnlyList<StoredDiscrepancy> among, IReadOnlyDictionary<string, int> latest, CancellationToken stop)
    {
        var rows = among.Where(d => d is { Class: SettlementClass.UnknownOrder, ResolvedAt: null } && latest.ContainsKey(d.Account)).ToList();
        if (rows.Count == 0) return Array.Empty<PaymentId>().ToLookup(_ => 0L);
        await using var ask = database.CreateCommand("""
            select d.id, s.order_id, s.number
            from unnest($1::bigint[], $2::int[]) x (id, latest) join settlement_discrepancies d on d.id = x.id
            join settlement_lines l on l.file = d.file and l.number = d.number
            cross join lateral (select coalesce((l.happened_at at time zone 'utc')::date, l.settled_on) as of) day
            cross join lateral (
                select p.order_id, p.number
                from captures c join payments p on p.order_id = c.order_id and p.number = c.payment cross join lateral jsonb_array_elements(p.captures::jsonb) m
                where c.account = d.account and c.settled_on is null and c.due_on between day.of and day.of + x.latest and m->>'reference' = c.money_reference
                    and (m->>'amount')::bigint = d.amount and m->>'currency' = d.currency and ((m->>'at')::timestamptz at time zone 'utc')::date = day.of
                order by p.order_id, p.number limit $3) s
            order by d.id, s.order_id, s.number
            """);
        ask.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. rows.Select(d => d.Id.Row)] });
        ask.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. rows.Select(d => latest[d.Account])] });
        ask.Parameters.Add(new NpgsqlParameter<int> { TypedValue = MostSuggestions });
        var found = new List<(long Row, PaymentId Payment)>();
        await using var read = await ask.ExecuteReaderAsync(stop);
        while (await read.ReadAsync(stop)) found.Add((read.GetInt64(0), new PaymentId(new OrderId(read.GetInt64(1)), read.GetInt32(2))));
        return found.ToLookup(s => s.Row, s => s.Payment);
    }

    /// <summary>More than these help nobody.</summary>
    const int MostSuggestions = 5;

    /// <summary>Records what a person did. Only ever added to.</summary>
    public async Task Record(string by, string action, DiscrepancyId about, string reason, Money amount, int? policy, CancellationToken stop)
    {
        await using var record = database.CreateCommand("""
            insert into audit_log (at, by_whom, action, subject, reason, detail, policy)
            values (clock_timestamp(), $1, $2, $3, $4, json_build_object('amount', $5::bigint, 'currency', $6::text)::text, $7)
            """);
        record.Parameters.Add(new NpgsqlParameter<string> { TypedValue = by });
        record.Parameters.Add(new NpgsqlParameter<string> { TypedValue = action });
        record.Parameters.Add(new NpgsqlParameter<string> { TypedValue = about.ToString() });
        record.Parameters.Add(new NpgsqlParameter<string> { TypedValue = reason });
        record.Parameters.Add(new NpgsqlParameter<long> { TypedValue = amount.MinorUnits });
        record.Parameters.Add(new NpgsqlParameter<string> { TypedValue = amount.Currency.Code });
        record.Parameters.Add(new NpgsqlParameter { Value = (object?)policy ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Integer });
        await record.ExecuteNonQueryAsync(stop);
    }

    /// <summary>Keeps what the first of two persons wants, until the second wants the same; or what the only one wants.</summary>
    /// <returns>False when somebody else resolved it meanwhile.</returns>
    public async Task<bool> Propose(DiscrepancyId id, string action, string by, string reason, CancellationToken stop)
    {
        await using var propose = database.CreateCommand(id.Order is null
            ? "update settlement_discrepancies set resolution = $3, by_first = $4, reason = $5, by_second = null where id = $1 and resolved_at is null and $2 = 0"
            : """
              insert into order_resolutions (order_id, sequence, action, by_first, reason) values ($1, $2, $3, $4, $5)
              on conflict (order_id, sequence) do update set action = $3, by_first = $4, reason = $5, by_second = null
              """);
        Name(propose, id);
        propose.Parameters.Add(new NpgsqlParameter<string> { TypedValue = action });
        propose.Parameters.Add(new NpgsqlParameter<string> { TypedValue = by });
        propose.Parameters.Add(new NpgsqlParameter<string> { TypedValue = reason });
        return await propose.ExecuteNonQueryAsync(stop) == 1;
    }

    /// <summary>The second of two persons agrees.</summary>
    /// <returns>False when somebody else is the second already.</returns>
    public async Task<bool> Agree(DiscrepancyId id, string by, CancellationToken stop)
    {
        await using var agree = database.CreateCommand(id.Order is null
            ? "update settlement_discrepancies set by_second = $3 where id = $1 and $2 = 0 and resolved_at is null and (by_second is null or by_second = $3)"
            : "update order_resolutions set by_second = $3 where order_id = $1 and sequence = $2 and (by_second is null or by_second = $3)");
        Name(agree, id);
        agree.Parameters.Add(new NpgsqlParameter<string> { TypedValue = by });
        return await agree.ExecuteNonQueryAsync(stop) == 1;
    }

    /// <summary>What both wanted could not be done: another may be the second.</summary>
    public async Task Disagree(DiscrepancyId id, string by, CancellationToken stop)
    {
        await using var disagree = database.CreateCommand("update settlement_discrepancies set by_second = null where id = $1 and $2 = 0 and by_second = $3 and resolved_at is null");
        Name(disagree, id);
        disagree.Parameters.Add(new NpgsqlParameter<string> { TypedValue = by });
        await disagree.ExecuteNonQueryAsync(stop);
    }

    /// <summary>Closes a row's discrepancy with the postings that its resolution means, in one commit.</summary>
    /// <returns>False when it was closed meanwhile.</returns>
    internal async Task<bool> Close(StoredDiscrepancy d, bool final, IReadOnlyList<(string Account, Money Amount)> sides, CancellationToken stop) =>
        await Move(d, "update settlement_discrepancies set resolved_at = clock_timestamp(), final = $2 where id = $1 and resolved_at is null", final, sides, stop);

    /// <summary>Opens it again, if no money moved.</summary>
    internal async Task<bool> Reopen(StoredDiscrepancy d, IReadOnlyList<(string Account, Money Amount)> sides, CancellationToken stop) =>
        await Move(d, "update settlement_discrepancies set resolved_at = null, resolution = null, reason = null, by_first = null, by_second = null where id = $1 and resolved_at is not null and final = $2",
            false, sides, stop);

    public async Task ForgetProposal(DiscrepancyId id, CancellationToken stop)
    {
        await using var forget = database.CreateCommand("delete from order_resolutions where order_id = $1 and sequence = $2");
        Name(forget, id);
        await forget.ExecuteNonQueryAsync(stop);
    }

    async Task<bool> Move(StoredDiscrepancy d, string change, bool final, IReadOnlyList<(string Account, Money Amount)> sides, CancellationToken stop)
    {
        await using var connection = await database.OpenConnectionAsync(stop);
        await using var transaction = await connection.BeginTransactionAsync(stop);
        await using (var move = new NpgsqlCommand(change, connection, transaction))
        {
            move.Parameters.Add(new NpgsqlParameter<long> { TypedValue = d.Id.Row });
            move.Parameters.Add(new NpgsqlParameter<bool> { TypedValue = final });
            if (await move.ExecuteNonQueryAsync(stop) == 0) return false;
        }
        foreach (var (account, amount) in sides)
        {
            await using var post = new NpgsqlCommand("""
                insert into settlement_postings (account, row_key, line, ledger_account, amount, currency, file, posted_at)
                values ($1, $2, (select coalesce(max(line), 0) + 1 from settlement_postings where account = $1 and row_key = $2), $3, $4, $5, $6, clock_timestamp())
                """, connection, transaction);
            post.Parameters.Add(new NpgsqlParameter<string> { TypedValue = d.Account });
            post.Parameters.Add(new NpgsqlParameter<string> { TypedValue = d.RowKey! });
            post.Parameters.Add(new NpgsqlParameter<string> { TypedValue = account });
            post.Parameters.Add(new NpgsqlParameter<long> { TypedValue = amount.MinorUnits });
            post.Parameters.Add(new NpgsqlParameter<string> { TypedValue = amount.Currency.Code });
            post.Parameters.Add(new NpgsqlParameter<long> { TypedValue = d.File!.Value });
            await post.ExecuteNonQueryAsync(stop);
        }
        await transaction.CommitAsync(stop);
        return true;
    }

    /// <summary>What of a row waits in suspense.</summary>
    internal async Task<Money?> InSuspense(StoredDiscrepancy d, CancellationToken stop)
    {
        await using var ask = database.CreateCommand(
            "select sum(amount)::bigint, currency from settlement_postings where account = $1 and row_key = $2 and ledger_account = 'suspense' group by currency");
        ask.Parameters.Add(new NpgsqlParameter<string> { TypedValue = d.Account });
        ask.Parameters.Add(new NpgsqlParameter<string> { TypedValue = d.RowKey! });
        await using var rows = await ask.ExecuteReaderAsync(stop);
        return await rows.ReadAsync(stop) ? new Money(rows.GetInt64(0), Currency.Find(rows.GetString(1))) : null;
    }

    /// <summary>The latest move of a row's money into or out of suspense.</summary>
    internal async Task<Money?> LastInSuspense(StoredDiscrepancy d, CancellationToken stop)
    {
        await using var ask = database.CreateCommand(
            "select amount, currency from settlement_postings where account = $1 and row_key = $2 and ledger_account = 'suspense' order by line desc limit 1");
        ask.Parameters.Add(new NpgsqlParameter<string> { TypedValue = d.Account });
        ask.Parameters.Add(new NpgsqlParameter<string> { TypedValue = d.RowKey! });
        await using var rows = await ask.ExecuteReaderAsync(stop);
        return await rows.ReadAsync(stop) ? new Money(rows.GetInt64(0), Currency.Find(rows.GetString(1))) : null;
    }

    static void Name(NpgsqlCommand command, DiscrepancyId id)
    {
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = id.Order?.Value ?? id.Row });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = id.Sequence });
    }
}
