using Npgsql;
using Purser.Orders;
using Purser.Payments;
using Purser.Reconciliation;
using Purser.Refunds;
using Purser.Server.Settlement;

namespace Purser.Server.Reconciliation;

/// <summary>Rows of a class that a person would be asked about.</summary>
/// <param name="TwoPersons">How many of them are above the second limit.</param>
/// <param name="UnlessConfirmed">The gateway is asked first; what it confirms is asked of nobody.</param>
public sealed record PreviewedAsk(SettlementClass Class, string Currency, int Count, long Amount, int TwoPersons, bool UnlessConfirmed);

/// <summary>Money that the file does not have although it was due.</summary>
/// <param name="Refunds">Refunds, which should have been taken off.</param>
/// <param name="Covered">It was due on a day that the file covers and goes beyond: the file's own run misses it. Otherwise the daily look does.</param>
public sealed record PreviewedOverdue(string Currency, bool Refunds, bool Covered, int Count, long Amount);

/// <summary>Rows about which their orders would ask, by what is known now and where the row is believed.</summary>
public sealed record PreviewedOrderAsk(DiscrepancyKind Kind, string Currency, int Count, long Amount);

/// <summary>What the real run would do beyond its rows.</summary>
public sealed record DryRunPreview(IReadOnlyList<PreviewedAsk> Asks, IReadOnlyList<PreviewedOverdue> Overdue)
{
    public IReadOnlyList<PreviewedOrderAsk> OrderAsks { get; init; } = [];
}

/// <summary>Looks a dry run's lines over, and what should be among them. Reads only.</summary>
static class PreviewStore
{
    /// <summary>Classes of which every row is a question.</summary>
    static readonly SettlementClass[] Asked =
    [
        SettlementClass.OursPaid, SettlementClass.Amount, SettlementClass.Currency, SettlementClass.Fee, SettlementClass.UnknownOrder, SettlementClass.DuplicateLine,
        SettlementClass.RefundUnasked, SettlementClass.RefundMissing, SettlementClass.Changed,
    ];

    /// <param name="refundDue">By when a statement should have a refund of that day.</param>
    /// <param name="until">What was due before this day is overdue.</param>
    public static async Task<DryRunPreview> Of(NpgsqlDataSource database, SettlementFile file, SettlementOptions options, Func<DateOnly, DateOnly?> refundDue, DateOnly until, CancellationToken stop)
    {
        var (from, to) = file is { CoversFrom: { } first, CoversTo: { } last } && first < last ? (first, last) : (DateOnly.MaxValue, DateOnly.MaxValue);
        await using var connection = await database.OpenConnectionAsync(stop);
        await using var transaction = await connection.BeginTransactionAsync(stop);
        // A file's rows came in a moment ago, and PostgreSQL knows nothing of them: it would read them all for each that is due. They are hashed once; what is asked
        // of one payment is a sub-select, which goes by its key.
        await using (var plan = new NpgsqlCommand("select set_config('enable_seqscan', 'off', true), set_config('enable_nestloop', 'off', true), set_config('enable_mergejoin', 'off', true)", connection)) await plan.ExecuteScalarAsync(stop);
        return new DryRunPreview(await Asks(connection, file, options, stop),
            [.. await Payments(connection, file, from, to, until, stop), .. await Refunds(connection, file, refundDue, to == DateOnly.MaxValue ? null : to, stop)])
        { OrderAsks = await OrderAsks(connection, file, stop) };
    }

    const string Sum = "least(sum(abs(amount::numeric)), 9223372036854775807)::bigint";

    static async Task<List<PreviewedAsk>> Asks(NpgsqlConnection connection, SettlementFile file, SettlementOptions options, CancellationToken stop)
    {
        await using var ask = new NpgsqlCommand($"""
            select l.class, l.currency, count(*)::int, {Sum}, (count(*) filter (where abs(l.amount::numeric) > coalesce(x.two, 0) or greatest(abs(l.net::numeric), abs(l.net::numeric + coalesce(l.fee, 0) + coalesce(l.tax, 0))) > coalesce(y.two, 0)))::int
            from settlement_lines l left join unnest($2::text[], $3::bigint[], $4::bigint[]) x (code, confirm, two) on x.code = l.currency
                left join unnest($2::text[], $3::bigint[], $4::bigint[]) y (code, confirm, two) on y.code = l.net_currency
            where l.file = $1 and ((l.class = any ($5) and not (l.class = $6 and l.kind = $7))
                or (l.class = $8 and ($9 or l.money_reference is null or abs(l.amount::numeric) > coalesce(x.confirm, 0) or abs(l.net::numeric) > coalesce(y.confirm, 0))))
            group by 1, 2 order by 1, 2
            """, connection) { CommandTimeout = 0 };
        var currencies = options.Confirm.Currencies.Union(options.TwoPersons.Currencies).ToList();
        ask.Parameters.Add(new NpgsqlParameter<long> { TypedValue = file.Id });
        ask.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. currencies.Select(c => c.Code)] });
        ask.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. currencies.Select(options.Confirm.Of)] });
        ask.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. currencies.Select(options.TwoPersons.Of)] });
        ask.Parameters.Add(new NpgsqlParameter<short[]> { TypedValue = [.. Asked.Select(c => (short)c)] });
        ask.Parameters.Add(new NpgsqlParameter<short> { TypedValue = (short)SettlementClass.UnknownOrder });
        ask.Parameters.Add(new NpgsqlParameter<short> { TypedValue = (short)SettlementKind.FailedPayment });
        ask.Parameters.Add(new NpgsqlParameter<short> { TypedValue = (short)SettlementClass.TheirsPaid });
        ask.Parameters.Add(new NpgsqlParameter<bool> { TypedValue = options.TheirsPaid == "ask" });
        var found = new List<PreviewedAsk>();
        await using var rows = await ask.ExecuteReaderAsync(stop);
        while (await rows.ReadAsync(stop))
        {
            var one = (SettlementClass)rows.GetInt16(0);
            found.Add(new PreviewedAsk(one, rows.GetString(1), rows.GetInt32(2), rows.GetInt64(3), rows.GetInt32(4), UnlessConfirmed: one == SettlementClass.TheirsPaid));
        }
        return found;
    }

    /// <summary>By the policies of orders that have ended or are paid, and of money that has another row already. What else an order asks depends on what its gateway answers, or on the lines before.</summary>
    static async Task<List<PreviewedOrderAsk>> OrderAsks(NpgsqlConnection connection, SettlementFile file, CancellationToken stop)
    {
        await using var ask = new NpgsqlCommand($"""
            select asked.kind, asked.currency, count(*)::int, {Sum}
            from (
                select l.currency, l.amount, case
                    when l.class = $2 then (select case when o.status = $5 and o.duplicate_policy = $6 then $7 when o.status > $5 and o.late_policy = $8 then $9 end from orders o where o.id = l.order_id)
                    when exists (select from captures c where c.account = $3 and c.money_reference = l.money_reference and c.settled_on is not null) then $10 end as kind
                from settlement_lines l where l.file = $1 and (l.class = $2 or l.class = any ($4)) offset 0) asked
            where asked.kind is not null group by 1, 2 order by 1, 2
            """, connection) { CommandTimeout = 0 };
        ask.Parameters.Add(new NpgsqlParameter<long> { TypedValue = file.Id });
        ask.Parameters.Add(new NpgsqlParameter<short> { TypedValue = (short)SettlementClass.TheirsPaid });
        ask.Parameters.Add(new NpgsqlParameter<string> { TypedValue = file.Account });
        ask.Parameters.Add(new NpgsqlParameter<short[]> { TypedValue = [(short)SettlementClass.BothPaid, (short)SettlementClass.Fee, (short)SettlementClass.Amount, (short)SettlementClass.Currency] });
        ask.Parameters.Add(new NpgsqlParameter<short> { TypedValue = (short)OrderStatus.Paid });
        ask.Parameters.Add(new NpgsqlParameter<short> { TypedValue = (short)DuplicatePolicy.Ask });
        ask.Parameters.Add(new NpgsqlParameter<int> { TypedValue = (int)DiscrepancyKind.Duplicate });
        ask.Parameters.Add(new NpgsqlParameter<short> { TypedValue = (short)LatePolicy.Ask });
        ask.Parameters.Add(new NpgsqlParameter<int> { TypedValue = (int)DiscrepancyKind.Late });
        ask.Parameters.Add(new NpgsqlParameter<int> { TypedValue = (int)DiscrepancyKind.SettledTwice });
        var found = new List<PreviewedOrderAsk>();
        await using var rows = await ask.ExecuteReaderAsync(stop);
        while (await rows.ReadAsync(stop)) found.Add(new PreviewedOrderAsk((DiscrepancyKind)rows.GetInt32(0), rows.GetString(1), rows.GetInt32(2), rows.GetInt64(3)));
        return found;
    }

    /// <summary>What is asked about already is nothing new.</summary>
    static async Task<List<PreviewedOverdue>> Payments(NpgsqlConnection connection, SettlementFile file, DateOnly from, DateOnly to, DateOnly until, CancellationToken stop)
    {
        await using var ask = new NpgsqlCommand($"""
            select due.money->>'currency' as currency, due.covered, count(*)::int, least(sum((due.money->>'amount')::numeric), 9223372036854775807)::bigint
            from (select c.due_on >= $3 and c.due_on < $4 as covered, (select m from payments p, jsonb_array_elements(p.captures::jsonb) m
                where p.order_id = c.order_id and p.number = c.payment and m->>'reference' = c.money_reference limit 1) as money
            from captures c
            where c.account = $2 and c.settled_on is null and (c.due_on < $5 or (c.due_on >= $3 and c.due_on < $4))
                and not exists (select from settlement_lines l where l.file = $1 and l.kind = any ($6) and l.money_reference = c.money_reference)
                and not exists (select from settlement_lines l where l.file = $1 and l.kind = any ($6) and l.order_id = c.order_id and l.payment = c.payment)
                and not exists (select from discrepancies d where d.order_id = c.order_id and d.payment = c.payment and d.kind = $7 and d.money_reference = c.money_reference and d.resolved_at is null) offset 0) due
            where due.money is not null group by 1, 2 order by 1, 2
            """, connection) { CommandTimeout = 0 };
        ask.Parameters.Add(new NpgsqlParameter<long> { TypedValue = file.Id });
        ask.Parameters.Add(new NpgsqlParameter<string> { TypedValue = file.Account });
        ask.Parameters.Add(new NpgsqlParameter<DateOnly> { TypedValue = from });
        ask.Parameters.Add(new NpgsqlParameter<DateOnly> { TypedValue = to });
        ask.Parameters.Add(new NpgsqlParameter<DateOnly> { TypedValue = until });
        ask.Parameters.Add(new NpgsqlParameter<short[]> { TypedValue = [(short)SettlementKind.Payment, (short)SettlementKind.FailedPayment] });
        ask.Parameters.Add(new NpgsqlParameter<short> { TypedValue = (short)DiscrepancyKind.NotSettled });
        var found = new List<PreviewedOverdue>();
        await using var rows = await ask.ExecuteReaderAsync(stop);
        while (await rows.ReadAsync(stop)) found.Add(new PreviewedOverdue(rows.GetString(0), Refunds: false, rows.GetBoolean(1), rows.GetInt32(2), rows.GetInt64(3)));
        return found;
    }

    /// <param name="to">The file's last day; null when it covers no more than that.</param>
    static async Task<List<PreviewedOverdue>> Refunds(NpgsqlConnection connection, SettlementFile file, Func<DateOnly, DateOnly?> due, DateOnly? to, CancellationToken stop)
    {
        if (to is not { } end) return [];
        await using var ask = new NpgsqlCommand("""
            select (r.done_at at time zone 'utc')::date, r.currency, count(*)::int, least(sum(r.amount::numeric), 9223372036854775807)::bigint
            from refunds r
            where (select p.account from payments p where p.order_id = r.order_id and p.number = r.payment) = $2 and r.status = 3 and r.settled is null and not r.not_settled and r.done_at < $3
                and not exists (select from settlement_lines l where l.file = $1 and l.kind = $4 and l.refund_reference = r.refund_reference)
                and not exists (select from settlement_lines l where l.file = $1 and l.kind = $4 and l.order_id = r.order_id and coalesce(l.refund = r.number, l.payment = r.payment and l.amount = r.amount))
            group by 1, 2
            """, connection) { CommandTimeout = 0 };
        ask.Parameters.Add(new NpgsqlParameter<long> { TypedValue = file.Id });
        ask.Parameters.Add(new NpgsqlParameter<string> { TypedValue = file.Account });
        ask.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = end.ToDateTime(TimeOnly.MinValue, DateTimeKind.Utc) });
        ask.Parameters.Add(new NpgsqlParameter<short> { TypedValue = (short)SettlementKind.Refund });
        var found = new Dictionary<string, (int Count, Int128 Amount)>();
        await using var rows = await ask.ExecuteReaderAsync(stop);
        while (await rows.ReadAsync(stop))
        {
            if (due(rows.GetFieldValue<DateOnly>(0)) is not { } day || day >= end) continue;
            var (count, amount) = found.GetValueOrDefault(rows.GetString(1));
            found[rows.GetString(1)] = (count + rows.GetInt32(2), amount + rows.GetInt64(3));
        }
        return [.. found.OrderBy(f => f.Key, StringComparer.Ordinal).Select(f => new PreviewedOverdue(f.Key, Refunds: true, Covered: true, f.Value.Count, (long)Int128.Min(f.Value.Amount, long.MaxValue)))];
    }
}
