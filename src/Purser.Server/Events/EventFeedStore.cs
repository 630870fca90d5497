using Npgsql;
using Purser.Orders;

namespace Purser.Server.Events;

/// <summary>An event as it is stored: the data is JSON text, told as it stands.</summary>
public sealed record StoredEvent(OrderId Order, int Sequence, EventType Type, DateTimeOffset At, string Data);

/// <summary>Where a reader of all events stands: behind the event that was recorded then.</summary>
public readonly record struct EventCursor(DateTimeOffset RecordedAt, long Order, int Sequence);

/// <summary>Events of one order, and of all. The feed goes by when a row was written, within its commit and by the database's clock; an event's own time
/// may be a node's reckoning. A commit that is slow still puts an event before others that were seen already, so the feed ends where something may
/// come in between.</summary>
public sealed class EventFeedStore(NpgsqlDataSource database)
{
    const string Columns = "order_id, sequence, type, at, data";

    /// <summary>A writer reads the clock and takes its transaction number in one statement; a transaction that has had none for so long only reads,
    /// and a backup shall not stop the feed.</summary>
    static readonly TimeSpan OnlyReads = TimeSpan.FromMinutes(1);

    public async Task<IReadOnlyList<StoredEvent>> OfOrder(OrderId order, int after, int limit, CancellationToken stop)
    {
        await using var read = database.CreateCommand($"select {Columns} from events where order_id = $1 and sequence > $2 order by sequence limit $3");
        read.Parameters.Add(new NpgsqlParameter<long> { TypedValue = order.Value });
        read.Parameters.Add(new NpgsqlParameter<int> { TypedValue = after });
        read.Parameters.Add(new NpgsqlParameter<int> { TypedValue = limit + 1 });
        return await Read(read, stop);
    }

    /// <summary>The events of all orders after a cursor, as they were recorded, as far as nothing can come in between any more. Each with the cursor
    /// that goes on behind it.</summary>
    public async Task<IReadOnlyList<(StoredEvent Event, EventCursor Cursor)>> OfAll(EventCursor? after, int limit, CancellationToken stop)
    {
        // First the horizon and then, as a later statement, the events: every transaction that is not in the list by now is seen, or takes its
        // time later than the horizon.
        var horizon = await Horizon(stop);
        await using var read = database.CreateCommand(
            $"select {Columns}, recorded_at from events where recorded_at < $1{(after is null ? "" : " and (recorded_at, order_id, sequence) > ($3, $4, $5)")} " +
            "order by recorded_at, order_id, sequence limit $2");
        read.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = horizon });
        read.Parameters.Add(new NpgsqlParameter<int> { TypedValue = limit + 1 });
        if (after is { } cursor)
        {
            read.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = cursor.RecordedAt.UtcDateTime });
            read.Parameters.Add(new NpgsqlParameter<long> { TypedValue = cursor.Order });
            read.Parameters.Add(new NpgsqlParameter<int> { TypedValue = cursor.Sequence });
        }
        var events = new List<(StoredEvent, EventCursor)>();
        await using var rows = await read.ExecuteReaderAsync(stop);
        while (await rows.ReadAsync(stop))
        {
            var one = Event(rows);
            events.Add((one, new EventCursor(rows.GetFieldValue<DateTimeOffset>(5), one.Order.Value, one.Sequence)));
        }
        return events;
    }

    /// <summary>The start of the oldest transaction that may still write an event, or the time before it was looked: who begins while it is looked is in no list.</summary>
    public async Task<DateTime> Horizon(CancellationToken stop)
    {
        await using var ask = database.CreateCommand("""
            select least(statement_timestamp(), min(xact_start)) from pg_stat_activity
            where datname = current_database() and pid <> pg_backend_pid() and xact_start is not null
                and (backend_xid is not null or xact_start > clock_timestamp() - $1)
            """);
        ask.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = OnlyReads });
        return (DateTime)(await ask.ExecuteScalarAsync(stop))!;
    }

    static async Task<IReadOnlyList<StoredEvent>> Read(NpgsqlCommand read, CancellationToken stop)
    {
        var events = new List<StoredEvent>();
        await using var rows = await read.ExecuteReaderAsync(stop);
        while (await rows.ReadAsync(stop)) events.Add(Event(rows));
        return events;
    }

    static StoredEvent Event(NpgsqlDataReader r) =>
        new(new OrderId(r.GetInt64(0)), r.GetInt32(1), (EventType)r.GetInt16(2), r.GetFieldValue<DateTimeOffset>(3), r.GetString(4));
}
