using System.Collections.Immutable;
using Npgsql;
using NpgsqlTypes;
using Purser.Orders;
using Purser.Payments;
using Purser.Refunds;
using Purser.Server.Engine;
using Purser.Server.Invoices;

namespace Purser.Server.Orders;

/// <summary>An order with the part that no decision reads.</summary>
public sealed record StoredOrder(Order Order, OrderContent Content)
{
    /// <summary>It is paid, and its invoice is written or owed.</summary>
    public bool HasInvoice { get; init; }
}

/// <param name="Status">As the API shows it.</param>
/// <param name="Before">Orders whose id is smaller: the cursor.</param>
public sealed record OrderFilter(
    string? Status, string? Reference, string? Fulfilment, DateTimeOffset? PaidBefore, string? UserId, DateTimeOffset? CreatedAfter, DateTimeOffset? CreatedBefore, long? Before, int Limit);

/// <summary>Reading orders without locking them. Order, payments and refunds are of one moment.</summary>
public sealed class OrderReadStore(NpgsqlDataSource database)
{
    static readonly string Content =
        $"select id, lines, metadata, user_id, return_url, fingerprint, locale, billing, status = {(int)OrderStatus.Paid} and {InvoiceStore.IsThere} from orders where id = any($1) order by id";

    /// <summary>An order's id is drawn by a process's clock and its time set by the database's; they differ by less than this.</summary>
    static readonly TimeSpan ClocksDiffer = TimeSpan.FromHours(1);

    readonly GatheredReads<long, StoredOrder> finds = new(async ids =>
        (await Read(database, [.. ids], CancellationToken.None)).ToDictionary(o => o.Order.Id.Value));

    public Task<StoredOrder?> Find(OrderId id, CancellationToken stop) => finds.Get(id.Value, stop);

    public async Task<StoredOrder?> FindByReference(string reference, CancellationToken stop)
    {
        await using var find = database.CreateCommand("select id from orders where reference = $1");
        find.Parameters.Add(new NpgsqlParameter<string> { TypedValue = reference });
        return await find.ExecuteScalarAsync(stop) is long id ? await Find(new OrderId(id), stop) : null;
    }

    /// <summary>What this Idempotency-Key made, and of which content.</summary>
    public async Task<StoredKey?> FindKey(RequestKey key, CancellationToken stop)
    {
        await using var find = database.CreateCommand("select fingerprint, resource from request_keys where api_key_id = $1 and key = $2");
        find.Parameters.Add(new NpgsqlParameter<int> { TypedValue = key.ApiKeyId });
        find.Parameters.Add(new NpgsqlParameter<string> { TypedValue = key.Key });
        await using var rows = await find.ExecuteReaderAsync(stop);
        return await rows.ReadAsync(stop) ? new StoredKey(rows.GetFieldValue<byte[]>(0), rows.GetString(1)) : null;
    }

    /// <summary>Newest first. One more than asked for tells that there are more.</summary>
    public async Task<IReadOnlyList<StoredOrder>> List(OrderFilter filter, CancellationToken stop)
    {
        await using var list = database.CreateCommand("");
        var where = new List<string>();
        void Add<T>(string condition, T value)
        {
            list.Parameters.Add(new NpgsqlParameter<T> { TypedValue = value });
            where.Add(condition.Replace("$$", $"${list.Parameters.Count}", StringComparison.Ordinal));
        }
        if (filter.Before is { } before) Add("id < $$", before);
        if (filter.Reference is { } reference) Add("reference = $$", reference);
        if (filter.UserId is { } user) Add("user_id = $$", user);
        if (filter.Fulfilment is { } fulfilment) where.Add(FulfilmentStore.Is(fulfilment));
        if (filter.PaidBefore is { } paid) Add($"status = {(int)OrderStatus.Paid} and ended_at < $$", paid);
        if (filter.CreatedAfter is { } after)
        {
            Add("created_at > $$", after);
            Add("id > $$", FirstId(after, -ClocksDiffer));
        }
        if (filter.CreatedBefore is { } until)
        {
            Add("created_at < $$", until);
            Add("id < $$", FirstId(until, ClocksDiffer));
        }
        switch (filter.Status)
        {
            case null: break;
            case "refunded": where.Add($"status = {(int)OrderStatus.Paid} and {Back} >= amount"); break;
            case "partially_refunded": where.Add($"status = {(int)OrderStatus.Paid} and {Back} > 0 and {Back} < amount"); break;
            case "paid": where.Add($"status = {(int)OrderStatus.Paid} and {Back} = 0"); break;
            default: Add("status = $$", (short)Enum.Parse<OrderStatus>(filter.Status.Replace("_", "", StringComparison.Ordinal), ignoreCase: true)); break;
        }
        list.Parameters.Add(new NpgsqlParameter<int> { TypedValue = filter.Limit + 1 });
        list.CommandText = $"select id from orders{(where.Count > 0 ? " where " + string.Join(" and ", where) : "")} order by id desc limit ${list.Parameters.Count}";
        var ids = new List<long>();
        await using (var rows = await list.ExecuteReaderAsync(stop))
            while (await rows.ReadAsync(stop)) ids.Add(rows.GetInt64(0));
        return [.. (await Read(database, [.. ids.Order()], stop)).Reverse()];
    }

    static readonly string Back =
        "(select coalesce(sum(r.amount), 0) from refunds r join payments p on p.order_id = r.order_id and p.number = r.payment " +
        $"where r.order_id = orders.id and r.payment = orders.paid_by and r.status = {(int)RefundStatus.Succeeded} and r.currency = orders.currency " +
        $"and exists (select from jsonb_array_elements(p.captures::jsonb) c where (c->>'standing')::int = {(int)Standing.Accepted} and c->>'reference' = r.money_reference))";

    /// <summary>The smallest id that could have been drawn at this time: ids begin with 42 bits of milliseconds, and 21 follow.</summary>
    static long FirstId(DateTimeOffset at, TimeSpan about) => Math.Clamp(at.ToUnixTimeMilliseconds() + (long)about.TotalMilliseconds, 0, (1L << 42) - 1) << 21;

    /// <param name="ids">Ascending.</param>
    /// <returns>In that order, those that are there.</returns>
    internal static async Task<IReadOnlyList<StoredOrder>> Read(NpgsqlDataSource database, long[] ids, CancellationToken stop)
    {
        if (ids.Length == 0) return [];
        await using var connection = await database.OpenConnectionAsync(stop);
        await using var read = new NpgsqlBatch(connection);
        // One moment for all four readings, without a lock and without a further round trip.
        read.BatchCommands.Add(new NpgsqlBatchCommand("begin isolation level repeatable read, read only"));
        foreach (var sql in new[] { OrderTableStore.LoadOrders, Content, OrderTableStore.LoadPayments, RefundTableStore.Load })
        {
            var command = new NpgsqlBatchCommand(sql);
            command.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = ids, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bigint });
            read.BatchCommands.Add(command);
        }
        read.BatchCommands.Add(new NpgsqlBatchCommand("commit"));

        await using var rows = await read.ExecuteReaderAsync(stop);
        var orders = new List<Order>();
        while (await rows.ReadAsync(stop)) orders.Add(OrderTableStore.ReadOrder(rows));
        await rows.NextResultAsync(stop);
        var contents = new List<(OrderContent Content, bool HasInvoice)>();
        while (await rows.ReadAsync(stop))
            contents.Add((new OrderContent(RowJson.ReadLines(rows.GetString(1)), RowJson.ReadPairs(rows.GetString(2)), rows.IsDBNull(3) ? null : rows.GetString(3),
                rows.IsDBNull(4) ? null : rows.GetString(4), [.. rows.GetFieldValue<byte[]>(5)], rows.IsDBNull(6) ? null : rows.GetString(6),
                rows.IsDBNull(7) ? null : RowJson.ReadBilling(rows.GetString(7))), rows.GetBoolean(8)));
        await rows.NextResultAsync(stop);
        var payments = new List<(long Order, Payment P)>();
        while (await rows.ReadAsync(stop)) payments.Add((rows.GetInt64(0), OrderTableStore.ReadPayment(rows)));
        await rows.NextResultAsync(stop);
        var refunds = new List<(long Order, Refund R)>();
        while (await rows.ReadAsync(stop)) refunds.Add((rows.GetInt64(0), RefundTableStore.Read(rows)));

        var paymentsOf = payments.ToLookup(p => p.Order, p => p.P);
        var refundsOf = refunds.ToLookup(r => r.Order, r => r.R);
        return [.. orders.Zip(contents, (order, content) => new StoredOrder(
            order with { Payments = [.. paymentsOf[order.Id.Value]], Refunds = [.. refundsOf[order.Id.Value]] }, content.Content) { HasInvoice = content.HasInvoice })];
    }
}
