using System.Buffers;
using System.Text.Json;
using Npgsql;
using Purser.Orders;
using Purser.Payments;
using Purser.Server.Engine;

namespace Purser.Server.Live;

/// <summary>One event as it goes over the wire; the bytes are shared by all who watch, so they are what the shopper may read.</summary>
public sealed record LiveEvent(int Sequence, ReadOnlyMemory<byte> Json)
{
    [ThreadStatic] static ArrayBufferWriter<byte>? scratch;
    [ThreadStatic] static Utf8JsonWriter? writer;

    public static LiveEvent Of(OrderEvent e)
    {
        var json = Begin();
        EventJson.WriteShoppers(json, e);
        return End(json, e.Sequence);
    }

    /// <summary>Reads sequence, type, time and data from a column on.</summary>
    /// <param name="whole">With all that is stored, for the merchant.</param>
    public static LiveEvent Read(OrderId order, NpgsqlDataReader row, int first, bool whole = false)
    {
        var sequence = row.GetInt32(first);
        var json = Begin();
        EventJson.Write(json, order, sequence, (EventType)row.GetInt16(first + 1), row.GetFieldValue<DateTimeOffset>(first + 2), row.GetFieldValue<byte[]>(first + 3), whole);
        return End(json, sequence);
    }

    static Utf8JsonWriter Begin()
    {
        var buffer = scratch ??= new ArrayBufferWriter<byte>(1024);
        var json = writer ??= new Utf8JsonWriter(buffer);
        buffer.ResetWrittenCount();
        json.Reset();
        return json;
    }

    static LiveEvent End(Utf8JsonWriter json, int sequence)
    {
        json.Flush();
        return new LiveEvent(sequence, scratch!.WrittenSpan.ToArray());
    }
}

/// <summary>How an order stands, for somebody who only watches.</summary>
/// <param name="Events">Those after the asked-for number, up to <paramref name="Sequence"/>.</param>
public sealed record LiveStanding(
    OrderStatus Status, bool Late, int Sequence, (int Number, PaymentStatus Status)? Payment, IReadOnlyList<LiveEvent> Events);

/// <summary>What watching reads from the database.</summary>
public sealed class LiveStore(NpgsqlDataSource database)
{
    /// <summary>The order's events after a number, oldest first. Events of an order become visible in their order: its lock sees to that.</summary>
    public async Task<IReadOnlyList<LiveEvent>> EventsAfter(OrderId order, int after, int most, CancellationToken stop, bool whole = false)
    {
        await using var read = database.CreateCommand(
            "select sequence, type, at, data from events where order_id = $1 and sequence > $2 order by sequence limit $3");
        read.Parameters.Add(new NpgsqlParameter<long> { TypedValue = order.Value });
        read.Parameters.Add(new NpgsqlParameter<int> { TypedValue = after });
        read.Parameters.Add(new NpgsqlParameter<int> { TypedValue = most });
        var events = new List<LiveEvent>();
        await using var rows = await read.ExecuteReaderAsync(stop);
        while (await rows.ReadAsync(stop))
            events.Add(LiveEvent.Read(order, rows, 0, whole));
        return events;
    }

    /// <summary>The same for many orders in one question, each after a number of its own: what each has new, oldest first. Orders with nothing new are left out.</summary>
    public async Task<IReadOnlyList<(OrderId Order, List<LiveEvent> Events)>> EventsAfter(IReadOnlyList<(OrderId Order, int After)> orders, int most, CancellationToken stop)
    {
        var read = new NpgsqlBatchCommand("""
            select x.id, e.sequence, e.type, e.at, e.data from unnest($1::bigint[], $2::int[]) x (id, after)
            cross join lateral (select sequence, type, at, data from events where order_id = x.id and sequence > x.after order by sequence limit $3) e
            """);
        read.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. orders.Select(o => o.Order.Value)] });
        read.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. orders.Select(o => o.After)] });
        read.Parameters.Add(new NpgsqlParameter<int> { TypedValue = most });
        var found = new List<(OrderId Order, List<LiveEvent> Events)>(orders.Count);
        await using var lookUp = KeyLookup.Of(database, read);
        await using var rows = await lookUp.Rows(stop);
        while (await rows.ReadAsync(stop))
        {
            var order = new OrderId(rows.GetInt64(0));
            // A nested loop gives an order's events one behind the other.
            if (found.Count == 0 || found[^1].Order != order) found.Add((order, []));
            found[^1].Events.Add(LiveEvent.Read(order, rows, 1));
        }
        return found;
    }

    /// <summary>The number of each order's latest event; nothing for orders that do not exist.</summary>
    public async Task Sequences(IReadOnlyCollection<OrderId> orders, Action<OrderId, int> take, CancellationToken stop)
    {
        await using var read = database.CreateCommand("select id, sequence from orders where id = any($1)");
        read.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. orders.Select(o => o.Value)] });
        await using var rows = await read.ExecuteReaderAsync(stop);
        while (await rows.ReadAsync(stop)) take(new OrderId(rows.GetInt64(0)), rows.GetInt32(1));
    }

    /// <summary>Hears what nodes tell each other, on a connection of its own, until that breaks.</summary>
    public async Task Listen(Action listening, Action<string> heard, CancellationToken stop)
    {
        await using var connection = await database.OpenConnectionAsync(stop);
        connection.Notification += (_, notice) => heard(notice.Payload);
        await using (var listen = new NpgsqlCommand("listen purser_live", connection)) await listen.ExecuteNonQueryAsync(stop);
        listening();
        while (true) await connection.WaitAsync(stop);
    }

    public async Task Notify(string notice, CancellationToken stop)
    {
        await using var tell = database.CreateCommand("select pg_notify('purser_live', $1)");
        tell.Parameters.Add(new NpgsqlParameter<string> { TypedValue = notice });
        await tell.ExecuteNonQueryAsync(stop);
    }

    /// <summary>Null when there is no such order.</summary>
    /// <param name="whole">Events with all that is stored, for the merchant.</param>
    public async Task<LiveStanding?> Standing(OrderId order, int after, int most, bool whole, CancellationToken stop)
    {
        await using var read = database.CreateCommand("""
            select o.status, o.late, o.sequence, p.number, p.status
            from orders o left join lateral (select number, status from payments where order_id = o.id order by number desc limit 1) p on true
            where o.id = $1
            """);
        read.Parameters.Add(new NpgsqlParameter<long> { TypedValue = order.Value });
        LiveStanding standing;
        await using (var rows = await read.ExecuteReaderAsync(stop))
        {
            if (!await rows.ReadAsync(stop)) return null;
            standing = new LiveStanding((OrderStatus)rows.GetInt16(0), rows.GetBoolean(1), rows.GetInt32(2),
                rows.IsDBNull(3) ? null : (rows.GetInt32(3), (PaymentStatus)rows.GetInt16(4)), []);
        }
        if (standing.Sequence <= after) return standing;
        // What was committed between the two readings is left for the next question, so that events and status agree.
        var events = await EventsAfter(order, after, most, stop, whole);
        return standing with { Events = [.. events.Where(e => e.Sequence <= standing.Sequence)] };
    }
}
