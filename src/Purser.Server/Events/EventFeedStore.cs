using Npgsql;
using Purser.Orders;

namespace Purser.Server.Events;

/// <summary>An event as it is stored: the data is JSON text, told as it stands.</summary>
public sealed record StoredEvent(OrderId Order, int Sequence, EventType Type, DateTimeOffset At, string Data);

/// <summary>Where a reader of all events stands.</summary>
public readonly record struct EventCursor(DateTimeOffset At, long Order, int Sequence);

/// <summary>Events of one order, and of all. An event's time is set before its commit, so a commit that is slow puts an event before others
/// that were seen already. The feed therefore ends where something may still come in between.</summary>
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

    /// <summary>The events of all orders after a cursor, in the order of their time, as far as nothing can come in between any more.</summary>
    public async Task<IReadOnlyList<StoredEvent>> OfAll(EventCursor? after, int limit, CancellationToken stop)
    {
        // First the horizon and then, as a later statement, the events: every transaction that is not in the list by now is seen, or takes its
        // time later than the horizon.
        var horizon = await Horizon(stop);
        await using var read = database.CreateCommand(
            $"select {Columns} from events where at < $1{(after is null ? "" : " and (at, order_id, sequence) > ($3, $4, $5)")} order by at, order_id, sequence limit $2");
        read.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = horizon });
        read.Parameters.Add(new NpgsqlParameter<int> { TypedValue = limit + 1 });
        if (after is { } cursor)
        {
            read.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = cursor.At.UtcDateTime });
            read.Parameters.Add(new NpgsqlParameter<long> { TypedValue = cursor.Order });
            read.Parameters.Add(new NpgsqlParameter<int> { TypedValue = cursor.Sequence });
        }
        return await Read(read, stop);
    }

    /// <summary>The start of the oldest transaction that may still write an event, or now.</summary>
    public async Task<DateTime> Horizon(CancellationToken stop)
    {
        await using var ask = database.CreateCommand("""
            select least(clock_timestamp(), min(xact_start)) from pg_stat_activity
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
        while (await rows.ReadAsync(stop))
            events.Add(new StoredEvent(new OrderId(rows.GetInt64(0)), rows.GetInt32(1), (EventType)rows.GetInt16(2), rows.GetFieldValue<DateTimeOffset>(3), rows.GetString(4)));
        return events;
    }
}
