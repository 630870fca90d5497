using Npgsql;
using NpgsqlTypes;
using Purser.Orders;
using Purser.Refunds;
using Purser.Server.Deliveries;

namespace Purser.Server.Invoices;

/// <summary>A document before it has a number.</summary>
public sealed record NewInvoice(InvoiceKind Kind, string Series, OrderId Order, int Payment, int? Refund, Money Total, InvoiceDocument Document);

/// <param name="After">The last of the page before: the cursor.</param>
public sealed record InvoiceFilter(InvoiceKind Kind, OrderId? Order, DateTimeOffset? IssuedAfter, DateTimeOffset? IssuedBefore, (DateTimeOffset At, string Number)? After, int Limit);

/// <summary>Invoices and their numbers. A number is taken in the commit that writes its row, so none is missing and none is there twice.</summary>
public sealed class InvoiceStore(NpgsqlDataSource database)
{
    const string Columns = """
        number, series, place, kind, order_id, payment, refund, currency, total, issued_at, voided_at, document,
        case when kind = 0 then (select c.number from invoices c where c.order_id = invoices.order_id and c.kind = 1 and c.refund is null and c.voided_at is null) end
        """;

    /// <summary>The series' row is locked from here to the commit, and the next in line waits: that, and not a sequence, is what leaves no gap.</summary>
    const string Issue = $"""
        with taken as (
            insert into invoice_series as s (series, last, last_at) values ($1, 1, $2)
            on conflict (series) do update set last = s.last + 1, last_at = greatest(s.last_at, $2) returning last, last_at)
        insert into invoices (series, place, number, kind, order_id, payment, refund, currency, total, issued_at, document)
        select $1, last, $1 || '-' || lpad(last::text, greatest(6, length(last::text)), '0'), $3, $4, $5, $6, $7, $8, last_at, $9 from taken
        on conflict do nothing returning {Columns}
        """;

    /// <summary>Makes the books a receiver of what moves an order's money, where a seller is configured, and ends it where none is wanted any more: what waits is then given up by whoever sends deliveries. Null leaves it as it is.</summary>
    public async Task Keep(bool? wanted, DateTimeOffset now, CancellationToken stop)
    {
        if (wanted is not { } isWanted) return;
        await using var keep = database.CreateCommand(isWanted
            ? """
                insert into webhook_endpoints (id, url, kind, types, ordered, created_at, updated_at) values ('invoices', 'invoices', 3, $2, false, $1, $1)
                on conflict (id) do update set status = 0, types = $2, updated_at = $1, failing_since = null where webhook_endpoints.status <> 0 or webhook_endpoints.types <> $2
                """
            : "update webhook_endpoints set status = 2, updated_at = $1 where id = 'invoices' and status <> 2");
        keep.Parameters.Add(At(now));
        if (isWanted)
            keep.Parameters.Add(new NpgsqlParameter<short[]>
            {
                TypedValue = [(short)EventType.OrderPaid, (short)EventType.OrderCancelled, (short)EventType.RefundSucceeded, (short)EventType.RefundFailed],
                NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Smallint,
            });
        await keep.ExecuteNonQueryAsync(stop);
    }

    /// <summary>Of a row of orders: its invoice is written, or owed by a seller who still is one; not one that is given up since it would be wrong.</summary>
    internal static readonly string IsThere = $"""
        (exists (select from invoices i where i.order_id = orders.id and i.kind = {(short)InvoiceKind.Invoice})
            or exists (select from deliveries d join webhook_endpoints e on e.number = d.receiver and e.kind = {(short)ReceiverKind.Invoices} and e.status < {(short)ReceiverStatus.Deleted}
                join events v on v.order_id = d.order_id and v.sequence = d.sequence where d.order_id = orders.id and not (d.state = {(short)DeliveryState.Dead} and starts_with(coalesce(d.outcome, ''), '{InvoiceIssuer.WouldBeWrong}')) and v.type = {(short)EventType.OrderPaid}))
        """;

    /// <summary>The order was paid since there is a seller: the delivery that says so is there, in whatever state.</summary>
    public async Task<bool> IsOwed(OrderId order, CancellationToken stop)
    {
        await using var ask = database.CreateCommand("""
            select exists (select from deliveries d join webhook_endpoints e on e.number = d.receiver and e.kind = $2
                join events v on v.order_id = d.order_id and v.sequence = d.sequence where d.order_id = $1 and v.type = $3)
            """);
        ask.Parameters.Add(Of(order));
        ask.Parameters.Add(new NpgsqlParameter<short> { TypedValue = (short)ReceiverKind.Invoices });
        ask.Parameters.Add(new NpgsqlParameter<short> { TypedValue = (short)EventType.OrderPaid });
        return (bool)(await ask.ExecuteScalarAsync(stop))!;
    }

    /// <summary>What was given up of an order's invoice and credit notes is tried again, from the beginning of the schedule.</summary>
    public async Task SendAgain(OrderId order, DateTimeOffset now, CancellationToken stop)
    {
        await using var again = database.CreateCommand($"""
            update deliveries d set state = 0, due_at = $2, failures = 0, leased_until = null, ended_at = null from webhook_endpoints e
            where d.order_id = $1 and d.state = {(short)DeliveryState.Dead} and e.number = d.receiver and e.kind = {(short)ReceiverKind.Invoices} and e.status < {(short)ReceiverStatus.Deleted}
            """);
        again.Parameters.Add(Of(order));
        again.Parameters.Add(At(now));
        await again.ExecuteNonQueryAsync(stop);
    }

    public async Task<StoredInvoice?> Find(string number, InvoiceKind kind, CancellationToken stop)
    {
        await using var find = database.CreateCommand($"select {Columns} from invoices where number = $1 and kind = $2");
        find.Parameters.Add(new NpgsqlParameter<string> { TypedValue = number });
        find.Parameters.Add(new NpgsqlParameter<short> { TypedValue = (short)kind });
        return await Read(find, stop) is [var one] ? one : null;
    }

    /// <summary>An order's invoice, and its credit notes in the order of their numbers; voided ones too.</summary>
    public async Task<IReadOnlyList<StoredInvoice>> Of(OrderId order, CancellationToken stop)
    {
        await using var find = database.CreateCommand($"select {Columns} from invoices where order_id = $1 order by kind, series, place");
        find.Parameters.Add(Of(order));
        return await Read(find, stop);
    }

    /// <summary>Newest first. One more than asked for tells that there are more.</summary>
    public async Task<IReadOnlyList<StoredInvoice>> List(InvoiceFilter filter, CancellationToken stop)
    {
        await using var list = database.CreateCommand($"""
            select {Columns} from invoices
            where kind = $1 and ($2::bigint is null or order_id = $2) and ($3::timestamptz is null or issued_at > $3) and ($4::timestamptz is null or issued_at < $4)
                and ($5::timestamptz is null or (issued_at, number) < ($5, $6))
            order by issued_at desc, number desc limit $7
            """);
        list.Parameters.Add(new NpgsqlParameter<short> { TypedValue = (short)filter.Kind });
        list.Parameters.Add(new NpgsqlParameter { Value = (object?)filter.Order?.Value ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Bigint });
        list.Parameters.Add(At(filter.IssuedAfter));
        list.Parameters.Add(At(filter.IssuedBefore));
        list.Parameters.Add(At(filter.After?.At));
        list.Parameters.Add(new NpgsqlParameter<string> { TypedValue = filter.After?.Number ?? "" });
        list.Parameters.Add(new NpgsqlParameter<int> { TypedValue = filter.Limit + 1 });
        return await Read(list, stop);
    }

    /// <summary>Writes the invoice under the next number of its series, unless its order has one: then that one.</summary>
    public async Task<StoredInvoice> Add(NewInvoice made, DateTimeOffset now, CancellationToken stop)
    {
        await using var connection = await database.OpenConnectionAsync(stop);
        await using var transaction = await connection.BeginTransactionAsync(stop);
        if (await Number(connection, made, now, stop) is { } added)
        {
            await transaction.CommitAsync(stop);
            return added;
        }
        // Somebody was first. The number goes back with the rest. A second connection asked for here, while many hold their first, may be one too many.
        await transaction.RollbackAsync(stop);
        await using var first = new NpgsqlCommand($"select {Columns} from invoices where order_id = $1 and kind = 0", connection) { Parameters = { Of(made.Order) } };
        return (await Read(first, stop))[0];
    }

    /// <summary>Writes a credit note, unless its refund, or the cancelled order, has one. The invoice is locked meanwhile, so that two of one order follow each other,
    /// and what it is for is looked at once more under the lock: of two that were told of contrary things, the one that comes last knows both.</summary>
    /// <param name="refund">Null: the order was cancelled.</param>
    /// <param name="make">Makes it of the invoice and the credit notes that count so far.</param>
    /// <returns>Null when none is owed any more.</returns>
    public async Task<StoredInvoice?> AddCredit(StoredInvoice invoice, int? refund, Func<IReadOnlyList<StoredInvoice>, NewInvoice> make, DateTimeOffset now, CancellationToken stop)
    {
        await using var connection = await database.OpenConnectionAsync(stop);
        await using var transaction = await connection.BeginTransactionAsync(stop);
        if (!await LockedAndOwed(connection, invoice.Order, refund, stop)) return null;
        await using var before = new NpgsqlCommand($"select {Columns} from invoices where order_id = $1 and kind = 1 and voided_at is null order by series, place", connection)
        { Parameters = { Of(invoice.Order) } };
        var credits = await Read(before, stop);
        if (credits.FirstOrDefault(c => c.Refund == refund) is { } first) return first;
        var added = await Number(connection, make(credits), now, stop) ?? throw new InvalidOperationException($"A credit note for {(refund is { } number ? $"refund {number}" : "the cancellation")} of {invoice.Order} came from nowhere.");
        await transaction.CommitAsync(stop);
        return added;
    }

    /// <summary>Ends a credit note whose refund failed after all, or whose order is paid after all. The number stays and says so.</summary>
    public async Task Void(StoredInvoice credit, DateTimeOffset now, CancellationToken stop)
    {
        await using var connection = await database.OpenConnectionAsync(stop);
        await using var transaction = await connection.BeginTransactionAsync(stop);
        if (await LockedAndOwed(connection, credit.Order, credit.Refund, stop)) return;
        await using var end = new NpgsqlCommand("update invoices set voided_at = $2 where number = $1 and voided_at is null", connection);
        end.Parameters.Add(new NpgsqlParameter<string> { TypedValue = credit.Number });
        end.Parameters.Add(At(now));
        await end.ExecuteNonQueryAsync(stop);
        await transaction.CommitAsync(stop);
    }

    /// <summary>Locks an order's invoice, and then looks whether there is something to credit.</summary>
    static async Task<bool> LockedAndOwed(NpgsqlConnection connection, OrderId order, int? refund, CancellationToken stop)
    {
        await using var alone = new NpgsqlBatch(connection);
        alone.BatchCommands.Add(new NpgsqlBatchCommand("select from invoices where order_id = $1 and kind = 0 for update") { Parameters = { Of(order) } });
        alone.BatchCommands.Add(new NpgsqlBatchCommand("""
            select case when $2::int is null then exists (select from orders where id = $1 and status = $4)
                else exists (select from refunds where order_id = $1 and number = $2 and status = $3) end
            """)
        {
            Parameters =
            {
                Of(order), new NpgsqlParameter { Value = (object?)refund ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Integer },
                new NpgsqlParameter<short> { TypedValue = (short)RefundStatus.Succeeded }, new NpgsqlParameter<short> { TypedValue = (short)OrderStatus.Cancelled },
            },
        });
        await using var rows = await alone.ExecuteReaderAsync(stop);
        await rows.NextResultAsync(stop);
        await rows.ReadAsync(stop);
        return rows.GetBoolean(0);
    }

    static async Task<StoredInvoice?> Number(NpgsqlConnection connection, NewInvoice made, DateTimeOffset now, CancellationToken stop)
    {
        await using var issue = new NpgsqlCommand(Issue, connection);
        issue.Parameters.Add(new NpgsqlParameter<string> { TypedValue = made.Series });
        issue.Parameters.Add(At(now));
        issue.Parameters.Add(new NpgsqlParameter<short> { TypedValue = (short)made.Kind });
        issue.Parameters.Add(Of(made.Order));
        issue.Parameters.Add(new NpgsqlParameter<int> { TypedValue = made.Payment });
        issue.Parameters.Add(new NpgsqlParameter { Value = (object?)made.Refund ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Integer });
        issue.Parameters.Add(new NpgsqlParameter<string> { TypedValue = made.Total.Currency.Code });
        issue.Parameters.Add(new NpgsqlParameter<long> { TypedValue = made.Total.MinorUnits });
        issue.Parameters.Add(new NpgsqlParameter<string> { TypedValue = made.Document.ToJson() });
        return await Read(issue, stop) is [var one] ? one : null;
    }

    static async Task<IReadOnlyList<StoredInvoice>> Read(NpgsqlCommand command, CancellationToken stop)
    {
        var found = new List<StoredInvoice>();
        await using var rows = await command.ExecuteReaderAsync(stop);
        while (await rows.ReadAsync(stop))
            found.Add(new StoredInvoice(rows.GetString(0), rows.GetString(1), rows.GetInt64(2), (InvoiceKind)rows.GetInt16(3), new OrderId(rows.GetInt64(4)), rows.GetInt32(5),
                rows.IsDBNull(6) ? null : rows.GetInt32(6), new Money(rows.GetInt64(8), Currency.Find(rows.GetString(7))), rows.GetFieldValue<DateTimeOffset>(9),
                rows.IsDBNull(10) ? null : rows.GetFieldValue<DateTimeOffset>(10), InvoiceDocument.FromJson(rows.GetString(11)))
            { CreditedBy = rows.IsDBNull(12) ? null : rows.GetString(12) });
        return found;
    }

    static NpgsqlParameter<long> Of(OrderId order) => new() { TypedValue = order.Value };

    static NpgsqlParameter At(DateTimeOffset? time) => new() { Value = time is { } at ? at.UtcDateTime : DBNull.Value, NpgsqlDbType = NpgsqlDbType.TimestampTz };
}
