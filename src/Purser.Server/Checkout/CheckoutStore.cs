using System.Collections.Immutable;
using Npgsql;
using Purser.Orders;
using Purser.Payments;
using Purser.Server.Engine;
using Purser.Server.Invoices;

namespace Purser.Server.Checkout;

/// <summary>An order as its pages show it.</summary>
/// <param name="Now">The database's clock at the reading: the only clock that counts.</param>
/// <param name="Locale">The shopper's language, where the order says it.</param>
/// <param name="HasInvoice">It is written, or owed: the order was paid since there is a seller.</param>
/// <param name="IsCredited">It is written, and its order is cancelled: a credit note takes all of it back.</param>
public sealed record ShopperOrder(Order Order, ImmutableArray<OrderLine> Lines, string? ReturnUrl, DateTimeOffset Now, string? Locale, bool HasInvoice = false, bool IsCredited = false)
{
    /// <summary>The merchant's own page, to go back to. It was checked when the order was placed; here only that it is a page of the web.</summary>
    public string? Shop => Uri.TryCreate(ReturnUrl, UriKind.Absolute, out var uri) && uri.Scheme is "https" or "http" ? ReturnUrl : null;
}

/// <summary>What the shopper's pages read.</summary>
public sealed class CheckoutStore(NpgsqlDataSource database)
{
    const int MostDemoOrders = 8;

    static readonly string LoadContent = $"""
        select lines, return_url, clock_timestamp(), locale,
            {InvoiceStore.IsThere},
            status = {(short)OrderStatus.Cancelled} and exists (select from invoices i where i.order_id = orders.id and i.kind = 0)
        from orders where id = any($1)
        """;

    public async Task<ShopperOrder?> Find(OrderId id, CancellationToken stop)
    {
        await using var connection = await database.OpenConnectionAsync(stop);
        await using var read = new NpgsqlBatch(connection);
        // One moment for all readings: a payment must not be seen paid and its order not.
        read.BatchCommands.Add(new NpgsqlBatchCommand("begin isolation level repeatable read, read only"));
        foreach (var sql in (ReadOnlySpan<string>)[OrderTableStore.LoadOrders, OrderTableStore.LoadPayments, RefundTableStore.Load, LoadContent])
            read.BatchCommands.Add(new NpgsqlBatchCommand(sql) { Parameters = { new NpgsqlParameter<long[]> { TypedValue = [id.Value] } } });
        read.BatchCommands.Add(new NpgsqlBatchCommand("commit"));
        await using var rows = await read.ExecuteReaderAsync(stop);
        if (!await rows.ReadAsync(stop)) return null;
        var order = OrderTableStore.ReadOrder(rows);
        await rows.NextResultAsync(stop);
        while (await rows.ReadAsync(stop)) order = order with { Payments = order.Payments.Add(OrderTableStore.ReadPayment(rows)) };
        await rows.NextResultAsync(stop);
        while (await rows.ReadAsync(stop)) order = order with { Refunds = order.Refunds.Add(RefundTableStore.Read(rows)) };
        await rows.NextResultAsync(stop);
        await rows.ReadAsync(stop);
        return new ShopperOrder(order, RowJson.ReadLines(rows.GetString(0)), rows.IsDBNull(1) ? null : rows.GetString(1),
            rows.GetFieldValue<DateTimeOffset>(2), rows.IsDBNull(3) ? null : rows.GetString(3), rows.GetBoolean(4), rows.GetBoolean(5));
    }

    /// <summary>Who may look an order up: its id, when it was placed, the mail address on it.</summary>
    public async Task<(OrderId Id, DateTimeOffset CreatedAt, string? Email)?> LookUp(OrderId? id, string reference, CancellationToken stop)
    {
        await using var read = database.CreateCommand(id is null
            ? "select id, created_at, customer_email from orders where reference = $1"
            : "select id, created_at, customer_email from orders where id = $1");
        read.Parameters.Add(id is { } known ? new NpgsqlParameter<long> { TypedValue = known.Value } : new NpgsqlParameter<string> { TypedValue = reference });
        await using var rows = await read.ExecuteReaderAsync(stop);
        if (!await rows.ReadAsync(stop)) return null;
        return (new OrderId(rows.GetInt64(0)), rows.GetFieldValue<DateTimeOffset>(1), rows.IsDBNull(2) ? null : rows.GetString(2));
    }

    /// <summary>The latest orders placed from the start page.</summary>
    public async Task<IReadOnlyList<Order>> DemoOrders(CancellationToken stop)
    {
        await using var connection = await database.OpenConnectionAsync(stop);
        await using var find = new NpgsqlCommand("select id from orders where user_id = $1 order by id desc limit $2", connection);
        find.Parameters.Add(new NpgsqlParameter<string> { TypedValue = DemoOrder.UserId });
        find.Parameters.Add(new NpgsqlParameter<int> { TypedValue = MostDemoOrders });
        var ids = new List<long>();
        await using (var rows = await find.ExecuteReaderAsync(stop))
            while (await rows.ReadAsync(stop)) ids.Add(rows.GetInt64(0));
        await using var load = new NpgsqlBatch(connection);
        foreach (var sql in (ReadOnlySpan<string>)[OrderTableStore.LoadPayments, OrderTableStore.LoadOrders])
            load.BatchCommands.Add(new NpgsqlBatchCommand(sql) { Parameters = { new NpgsqlParameter<long[]> { TypedValue = [.. ids] } } });
        var payments = new List<(long Order, Payment Payment)>();
        var orders = new List<Order>();
        await using var found = await load.ExecuteReaderAsync(stop);
        while (await found.ReadAsync(stop)) payments.Add((found.GetInt64(0), OrderTableStore.ReadPayment(found)));
        await found.NextResultAsync(stop);
        while (await found.ReadAsync(stop))
        {
            var order = OrderTableStore.ReadOrder(found);
            orders.Insert(0, order with { Payments = [.. payments.Where(p => p.Order == order.Id.Value).Select(p => p.Payment)] });
        }
        return orders;
    }
}
