using Npgsql;
using NpgsqlTypes;
using Purser.Payments;
using Purser.Reconciliation;
using Purser.Server.Engine;
using Purser.Server.Orders;
using Purser.Server.Settlement;

namespace Purser.Server.Reconciliation;

/// <summary>What does not agree: of orders, which the engine opens and closes, and of statements' rows that belong to none.</summary>
public sealed class DiscrepancyStore(NpgsqlDataSource database)
{
    static string OfOrders(string of) => $"""
        select d.opened_at, 0 as source, d.order_id as first, d.sequence as second, coalesce(d.account, '') as account, d.payment, d.kind as what, d.money_reference, d.amount,
            d.currency, d.owner, d.resolved_at, case when r.decided_at is null then coalesce(d.resolution, r.action) else r.action end as resolution, r.reason, r.by_first, r.by_second,
            null::bigint as file, null::int as number, null::text as row_key, null::text as proposal, false as final, r.decided_at, r.policy, r.undo_at, r.undo_by, r.undo_reason, r.done_at, r.key_first, r.key_second, null::bigint as stake, null::text as stake_currency, null::text as again_of, null::bigint as named_file, null::int as named_number, r.seen_amounts, r.seen_currencies
        from (select d.*, p.account from discrepancies d left join payments p on p.order_id = d.order_id and p.number = d.payment where {of}) d
        left join order_resolutions r on r.order_id = d.order_id and r.sequence = d.sequence
        """;

    static string OfRows(string of) => $"""
        select d.opened_at, 1, d.id, 0, d.account, 0, d.class, null, d.amount, d.currency, d.owner, d.resolved_at, d.resolution, d.reason, d.by_first, d.by_second, d.file, d.number, d.row_key, d.proposal, d.final,
            d.decided_at, d.policy, null::timestamptz, null::text, null::text, case when d.decided_at is not null then d.resolved_at end, d.key_first, d.key_second,
            least(greatest(abs(l.net::numeric), abs(l.net::numeric + coalesce(l.fee, 0) + coalesce(l.tax, 0)), abs(l.net::numeric - w.net)), {long.MaxValue})::bigint, l.net_currency, d.again_of, d.named_file, d.named_number, null::bigint[], null::text[]
        from (select d.* from settlement_discrepancies d where {of}) d
        left join settlement_lines l on l.file = d.file and l.number = d.number
        left join settlement_lines w on w.file = l.was_file and w.number = l.was_number and w.net_currency = l.net_currency
        """;

    /// <summary>Oldest first, for the oldest has waited longest; one more than asked for tells that there are more.</summary>
    public async Task<IReadOnlyList<StoredDiscrepancy>> List(
        bool? open, string? account, (DateTimeOffset At, int Source, long First, int Second)? after, int limit, CancellationToken stop)
    {
        // A page of each kind in its own index's order, and of these a page: not all there ever was, for one page.
        IEnumerable<string> Pages(bool open)
        {
            var state = open ? "d.resolved_at is null" : "d.resolved_at is not null";
            yield return OfOrders($"{state} and ($6::text is null or p.account = $6) and (d.opened_at, d.order_id, d.sequence) > ($1, $2, $3) order by d.opened_at, d.order_id, d.sequence limit $5");
            yield return OfRows($"{state} and " + (account is null || open ? "($6::text is null or d.account = $6) and (d.opened_at, d.id) > ($1, $4) order by d.opened_at, d.id limit $5"
                : "(d.account, d.opened_at, d.id) > ($6, $1, $4) and d.account <= $6 order by d.account, d.opened_at, d.id limit $5"));
        }
        var pages = open is { } one ? Pages(one) : [.. Pages(true), .. Pages(false)];
        var list = new NpgsqlBatchCommand($"select * from (({string.Join(") union all (", pages)})) x order by opened_at, source, first, second limit $5");
        // Of one moment, those of orders come first.
        var orders = after is { Source: 0 } at ? (at.First, at.Second) : after is null ? (long.MinValue, 0) : (long.MaxValue, int.MaxValue);
        list.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = after?.At.UtcDateTime ?? DateTime.SpecifyKind(DateTime.MinValue, DateTimeKind.Utc), NpgsqlDbType = NpgsqlDbType.TimestampTz });
        list.Parameters.Add(new NpgsqlParameter<long> { TypedValue = orders.Item1 });
        list.Parameters.Add(new NpgsqlParameter<int> { TypedValue = orders.Item2 });
        list.Parameters.Add(new NpgsqlParameter<long> { TypedValue = after is { Source: 1 } row ? row.First : long.MinValue });
        list.Parameters.Add(new NpgsqlParameter<int> { TypedValue = limit + 1 });
        list.Parameters.Add(new NpgsqlParameter { Value = (object?)account ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        await using var lookUp = KeyLookup.Of(database, list);
        List<StoredDiscrepancy> found;
        await using (var rows = await lookUp.Rows(stop)) found = await Read(rows, stop);
        return await WithStakes(found, stop);
    }

    public async Task<StoredDiscrepancy?> Find(DiscrepancyId id, CancellationToken stop)
    {
        await using var find = database.CreateCommand(id.Order is null ? OfRows("d.id = $1") : OfOrders("d.order_id = $1 and d.sequence = $2"));
        find.Parameters.Add(new NpgsqlParameter<long> { TypedValue = id.Order?.Value ?? id.Row });
        if (id.Order is not null) find.Parameters.Add(new NpgsqlParameter<int> { TypedValue = id.Sequence });
        List<StoredDiscrepancy> found;
        await using (var rows = await find.ExecuteReaderAsync(stop)) found = await Read(rows, stop);
        return await WithStakes(found, stop) is [var one] ? one : null;
    }

    /// <summary>What an answer to an order's question moves, the order knows: further rows of a statement may be many times the money that it is about.</summary>
    async Task<IReadOnlyList<StoredDiscrepancy>> WithStakes(List<StoredDiscrepancy> found, CancellationToken stop)
    {
        // What was resolved otherwise is about no more than it was opened with.
        static bool Moves(StoredDiscrepancy d) => d.Id.Order is not null && (d.ResolvedAt is null || d.Resolution is "close" or "write_off");
        var orders = (await OrderReadStore.Read(database, [.. found.Where(Moves).Select(d => d.Id.Order!.Value.Value).Distinct().Order()], stop)).ToDictionary(o => o.Order.Id, o => o.Order);
        return [.. found.Select(d => Moves(d) && orders.TryGetValue(d.Id.Order!.Value, out var order) ? d with { Stakes = order.Stakes(d.Payment!.Value.Number, d.Kind!.Value, d.MoneyReference) } : d)];
    }

    /// <summary>The line of the last version of a question's row, where a later statement changed it.</summary>
    public async Task<(long File, int Number)?> Corrected(StoredDiscrepancy d, CancellationToken stop)
    {
        await using var ask = database.CreateCommand($"select file, number from settlement_discrepancies where account = $1 and row_key = $2 and class = {(int)SettlementClass.Changed}");
        ask.Parameters.Add(new NpgsqlParameter<string> { TypedValue = d.Account });
        ask.Parameters.Add(new NpgsqlParameter<string> { TypedValue = d.RowKey! });
        await using var rows = await ask.ExecuteReaderAsync(stop);
        return await rows.ReadAsync(stop) ? (rows.GetInt64(0), rows.GetInt32(1)) : null;
    }

    /// <summary>What the statements' rows say in columns that are not read, by question; of those that say something.</summary>
    public async Task<Dictionary<long, IReadOnlyList<KeyValuePair<string, string>>>> Extra(IReadOnlyList<StoredDiscrepancy> among, CancellationToken stop)
    {
        var found = new Dictionary<long, IReadOnlyList<KeyValuePair<string, string>>>();
        long[] questions = [.. among.Where(d => d.Id.Order is null).Select(d => d.Id.Row)];
        if (questions.Length == 0) return found;
        await using var ask = database.CreateCommand(
            "select d.id, l.extra from settlement_discrepancies d join settlement_lines l on l.file = coalesce(d.named_file, d.file) and l.number = coalesce(d.named_number, d.number) where d.id = any ($1) and l.extra is not null");
        ask.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = questions });
        await using var rows = await ask.ExecuteReaderAsync(stop);
        while (await rows.ReadAsync(stop)) found.Add(rows.GetInt64(0), ExtraCells.Read(rows.GetString(1)));
        return found;
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

    static async Task<List<StoredDiscrepancy>> Read(NpgsqlDataReader rows, CancellationToken stop)
    {
        var found = new List<StoredDiscrepancy>();
        while (await rows.ReadAsync(stop))
        {
            var ofOrder = rows.GetInt32(1) == 0;
            var id = ofOrder ? new DiscrepancyId(new OrderId(rows.GetInt64(2)), rows.GetInt32(3), 0) : new DiscrepancyId(null, 0, rows.GetInt64(2));
            string? Text(int column) => rows.IsDBNull(column) ? null : rows.GetString(column);
            found.Add(new StoredDiscrepancy(
                id, rows.GetString(4), id.Order is { } order ? new PaymentId(order, rows.GetInt32(5)) : null, ofOrder ? (DiscrepancyKind)rows.GetInt16(6) : null,
                ofOrder ? null : (SettlementClass)rows.GetInt16(6), Text(7), new Money(rows.GetInt64(8), Currency.Find(rows.GetString(9))), rows.GetString(10),
                rows.GetFieldValue<DateTimeOffset>(0), rows.IsDBNull(11) ? null : rows.GetFieldValue<DateTimeOffset>(11), Text(12), Text(13), Text(14), Text(15),
                rows.IsDBNull(16) ? null : rows.GetInt64(16), rows.IsDBNull(17) ? null : rows.GetInt32(17), Text(18), Text(19), rows.GetBoolean(20))
            {
                DecidedAt = rows.IsDBNull(21) ? null : rows.GetFieldValue<DateTimeOffset>(21),
                Policy = rows.IsDBNull(22) ? null : rows.GetInt32(22),
                Undo = rows.IsDBNull(23) ? null : (rows.GetFieldValue<DateTimeOffset>(23), rows.GetString(24), rows.GetString(25)),
                DoneAt = rows.IsDBNull(26) ? null : rows.GetFieldValue<DateTimeOffset>(26),
                FirstKey = rows.IsDBNull(27) ? null : rows.GetInt32(27),
                SecondKey = rows.IsDBNull(28) ? null : rows.GetInt32(28),
                AgainOf = Text(31),
                Named = rows.IsDBNull(32) ? null : (rows.GetInt64(32), rows.GetInt32(33)),
                Seen = ResolutionStore.Seen(rows, 34),
                Stakes = rows.IsDBNull(29) ? [] : [new Money(rows.GetInt64(29), Currency.Find(rows.GetString(30)))],
            });
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
}
