using System.Data;
using System.Runtime.CompilerServices;
using Npgsql;
using NpgsqlTypes;
using Purser.Ledger;
using Purser.Orders;
using Purser.Payments;
using Purser.Refunds;
using Purser.Server.Engine;

namespace Purser.Server.Audit;

/// <summary>An event as it is stored.</summary>
public sealed record KeptEvent(int Sequence, EventType Type, DateTimeOffset At, string Text, byte[] Hash);

/// <summary>A question as it is stored, without what events do not tell.</summary>
public sealed record KeptQuestion(
    int Sequence, int Payment, DiscrepancyKind Kind, string? MoneyReference, long Amount, string Currency, DateTimeOffset OpenedAt, DateTimeOffset? ResolvedAt, string? Resolution);

/// <summary>A row of the table of captures, by which money is found.</summary>
public sealed record KeptCapture(int Payment, string Account, string MoneyReference, DateOnly? DueOn, DateOnly? SettledOn);

/// <summary>All that is stored of one order.</summary>
/// <param name="Row">Null when there are rows of an order that is not there.</param>
/// <param name="Captured">The order's own column of that name.</param>
public sealed record KeptOrder(OrderId Id, Order? Row, long Captured, byte[] Hash)
{
    public List<KeptEvent> Events { get; } = [];
    public List<Posting> Postings { get; } = [];
    public List<KeptQuestion> Questions { get; } = [];
    public List<KeptCapture> Captures { get; } = [];
}

/// <summary>Reads everything, order by order and a few hundred at a time, as it was at one moment.</summary>
public sealed class AuditStore(NpgsqlDataSource database)
{
    /// <summary>What is held in memory at once.</summary>
    internal const int OrdersAtOnce = 500;

    /// <summary>Rows whose order is not there are found between those that are.</summary>
    const string Strays = """
        select distinct order_id from (
          select order_id from events where order_id > $1 and order_id <= $2 union all select order_id from payments where order_id > $1 and order_id <= $2
          union all select order_id from refunds where order_id > $1 and order_id <= $2 union all select order_id from postings where order_id > $1 and order_id <= $2
          union all select order_id from discrepancies where order_id > $1 and order_id <= $2) x
        where not exists (select from orders o where o.id = x.order_id) order by order_id limit $3
        """;

    /// <param name="after">Orders with greater ids, up to and with the last one.</param>
    public async IAsyncEnumerable<KeptOrder> Orders(long after, long last, [EnumeratorCancellation] CancellationToken stop)
    {
        await using var connection = await database.OpenConnectionAsync(stop);
        await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, stop);
        while (after < last)
        {
            var ids = await Ids(connection, "select id from orders where id > $1 and id <= $2 order by id limit $3", after, last, stop);
            var end = ids.Count < OrdersAtOnce ? last : ids[^1];
            var strays = await Ids(connection, Strays, after, end, stop);
            if (strays.Count == OrdersAtOnce) end = strays[^1];
            long[] page = [.. ids.Concat(strays).Where(id => id <= end).Order()];
            foreach (var order in await Page(connection, page, stop)) yield return order;
            after = end;
        }
    }

    /// <summary>Rows of statements that belong to no order and whose postings do not sum to zero.</summary>
    public async Task<IReadOnlyList<Difference>> Unbalanced(int most, CancellationToken stop)
    {
        await using var ask = database.CreateCommand("""
            select account, row_key, currency, sum(amount)::bigint from settlement_postings group by account, row_key, currency having sum(amount) <> 0 order by 1, 2, 3 limit $1
            """);
        ask.CommandTimeout = 0;
        ask.Parameters.Add(new NpgsqlParameter<int> { TypedValue = most });
        var found = new List<Difference>();
        await using var rows = await ask.ExecuteReaderAsync(stop);
        while (await rows.ReadAsync(stop))
            found.Add(new Difference("settlement_postings", $"{rows.GetString(0)}/{rows.GetString(1)}",
                $"its postings do not balance: {new Money(rows.GetInt64(3), Currency.Find(rows.GetString(2)))} are left."));
        return found;
    }

    /// <summary>Rows of captures that no payment has.</summary>
    /// <param name="except">Orders that are known to differ.</param>
    public async Task<IReadOnlyList<Difference>> StrayCaptures(IReadOnlyCollection<OrderId> except, int most, CancellationToken stop)
    {
        await using var ask = database.CreateCommand("""
            select c.account, c.money_reference, c.order_id, c.payment from captures c
            where not exists (select from payments p, jsonb_array_elements(p.captures::jsonb) x
                where p.order_id = c.order_id and p.number = c.payment and p.account = c.account and p.captures is not null and x->>'reference' = c.money_reference)
                and c.order_id <> all ($2)
            order by 1, 2 limit $1
            """);
        ask.CommandTimeout = 0;
        ask.Parameters.Add(new NpgsqlParameter<int> { TypedValue = most });
        ask.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. except.Select(id => id.Value)] });
        var found = new List<Difference>();
        await using var rows = await ask.ExecuteReaderAsync(stop);
        while (await rows.ReadAsync(stop))
            found.Add(new Difference("captures", $"{rows.GetString(0)}/{rows.GetString(1)}", $"{new PaymentId(new OrderId(rows.GetInt64(2)), rows.GetInt32(3))} does not have that money."));
        return found;
    }

    static async Task<List<long>> Ids(NpgsqlConnection connection, string sql, long after, long last, CancellationToken stop)
    {
        await using var ask = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        ask.Parameters.Add(new NpgsqlParameter<long> { TypedValue = after });
        ask.Parameters.Add(new NpgsqlParameter<long> { TypedValue = last });
        ask.Parameters.Add(new NpgsqlParameter<int> { TypedValue = OrdersAtOnce });
        var ids = new List<long>();
        await using var rows = await ask.ExecuteReaderAsync(stop);
        while (await rows.ReadAsync(stop)) ids.Add(rows.GetInt64(0));
        return ids;
    }

    static async Task<IEnumerable<KeptOrder>> Page(NpgsqlConnection connection, long[] ids, CancellationToken stop)
    {
        await using var load = new NpgsqlBatch(connection) { Timeout = 0 };
        foreach (var sql in (ReadOnlySpan<string>)
        [
            OrderTableStore.LoadOrders, OrderTableStore.LoadPayments, RefundTableStore.Load, "select id, captured, hash from orders where id = any($1)",
            "select order_id, sequence, type, at, data, hash from events where order_id = any($1) order by order_id, sequence",
            "select order_id, sequence, line, account, amount, currency from postings where order_id = any($1) order by order_id, sequence, line",
            """
            select order_id, sequence, payment, kind, money_reference, amount, currency, opened_at, resolved_at, resolution from discrepancies
            where order_id = any($1) order by order_id, sequence
            """,
            """
            select p.order_id, c.payment, c.account, c.money_reference, c.due_on, c.settled_on
            from payments p, jsonb_array_elements(p.captures::jsonb) x
            join captures c on c.money_reference = x->>'reference' where c.account = p.account and c.order_id = p.order_id and p.captures is not null and p.order_id = any($1)
            """,
        ])
        {
            var command = new NpgsqlBatchCommand(sql);
            command.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = ids, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bigint });
            load.BatchCommands.Add(command);
        }
        var (orders, payments, refunds) = (new Dictionary<long, Order>(), new Dictionary<long, List<Payment>>(), new Dictionary<long, List<Refund>>());
        var kept = new Dictionary<long, KeptOrder>();
        await using var rows = await load.ExecuteReaderAsync(stop);
        while (await rows.ReadAsync(stop)) orders.Add(rows.GetInt64(0), OrderTableStore.ReadOrder(rows));
        await rows.NextResultAsync(stop);
        while (await rows.ReadAsync(stop)) Of(payments, rows.GetInt64(0)).Add(OrderTableStore.ReadPayment(rows));
        await rows.NextResultAsync(stop);
        while (await rows.ReadAsync(stop)) Of(refunds, rows.GetInt64(0)).Add(RefundTableStore.Read(rows));
        await rows.NextResultAsync(stop);
        while (await rows.ReadAsync(stop))
        {
            var id = rows.GetInt64(0);
            var whole = orders[id] with { Payments = [.. payments.GetValueOrDefault(id) ?? []], Refunds = [.. refunds.GetValueOrDefault(id) ?? []] };
            kept.Add(id, new KeptOrder(new OrderId(id), whole, rows.GetInt64(1), rows.GetFieldValue<byte[]>(2)));
        }
        foreach (var id in ids) kept.TryAdd(id, new KeptOrder(new OrderId(id), null, 0, []));
        await rows.NextResultAsync(stop);
        while (await rows.ReadAsync(stop))
            kept[rows.GetInt64(0)].Events.Add(new KeptEvent(
                rows.GetInt32(1), (EventType)rows.GetInt16(2), rows.GetFieldValue<DateTimeOffset>(3), rows.GetString(4), rows.GetFieldValue<byte[]>(5)));
        await rows.NextResultAsync(stop);
        while (await rows.ReadAsync(stop))
            kept[rows.GetInt64(0)].Postings.Add(new Posting(
                new OrderId(rows.GetInt64(0)), rows.GetInt32(1), rows.GetInt32(2), rows.GetString(3), new Money(rows.GetInt64(4), Currency.Find(rows.GetString(5)))));
        await rows.NextResultAsync(stop);
        while (await rows.ReadAsync(stop))
            kept[rows.GetInt64(0)].Questions.Add(new KeptQuestion(
                rows.GetInt32(1), rows.GetInt32(2), (DiscrepancyKind)rows.GetInt16(3), rows.IsDBNull(4) ? null : rows.GetString(4), rows.GetInt64(5), rows.GetString(6),
                rows.GetFieldValue<DateTimeOffset>(7), rows.IsDBNull(8) ? null : rows.GetFieldValue<DateTimeOffset>(8), rows.IsDBNull(9) ? null : rows.GetString(9)));
        await rows.NextResultAsync(stop);
        while (await rows.ReadAsync(stop))
            kept[rows.GetInt64(0)].Captures.Add(new KeptCapture(
                rows.GetInt32(1), rows.GetString(2), rows.GetString(3), rows.IsDBNull(4) ? null : rows.GetFieldValue<DateOnly>(4), rows.IsDBNull(5) ? null : rows.GetFieldValue<DateOnly>(5)));
        return kept.Values.OrderBy(o => o.Id);
    }

    static List<T> Of<T>(Dictionary<long, List<T>> groups, long key)
    {
        if (!groups.TryGetValue(key, out var list)) groups.Add(key, list = []);
        return list;
    }
}
