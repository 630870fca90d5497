using System.Globalization;
using Npgsql;
using NpgsqlTypes;
using Purser.Orders;
using Purser.Server.Engine;

namespace Purser.Server.Deliveries;

/// <summary>Deliveries as people look at them, and as they ask for them again.</summary>
public sealed class DeliveryReadStore(NpgsqlDataSource database)
{
    const string Columns = "d.order_id, d.sequence, d.receiver, v.type, d.at, e.id, d.state, d.attempts, d.due_at, d.ended_at, d.outcome, e.status, e.kind";
    const string From = "deliveries d join events v on v.order_id = d.order_id and v.sequence = d.sequence join webhook_endpoints e on e.number = d.receiver";

    /// <summary>Of the newest orders first. One more than asked for tells that there are more.</summary>
    /// <param name="abandoned">True: whose receiver is there no more; false: whose receiver is there; null: both.</param>
    public async Task<IReadOnlyList<StoredDelivery>> List(string? endpoint, DeliveryState? state, bool? abandoned, OrderId? order, DeliveryId? after, int limit, CancellationToken stop)
    {
        await using var list = database.CreateCommand($"""
            select {Columns} from {From}
            where ($1::text is null or e.id = $1) and ($2::smallint is null or d.state = $2) and ($3::bigint is null or d.order_id = $3)
                and ($4::bigint is null or (d.order_id, d.sequence, d.receiver) < ($4, $5, $6)) and ($8::bool is null or (e.status = 2) = $8)
            order by d.order_id desc, d.sequence desc, d.receiver desc limit $7
            """);
        list.Parameters.Add(new NpgsqlParameter { Value = (object?)endpoint ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        list.Parameters.Add(new NpgsqlParameter { Value = state is { } wanted ? (short)wanted : DBNull.Value, NpgsqlDbType = NpgsqlDbType.Smallint });
        list.Parameters.Add(new NpgsqlParameter { Value = (object?)order?.Value ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Bigint });
        list.Parameters.Add(new NpgsqlParameter { Value = (object?)after?.Order.Value ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Bigint });
        list.Parameters.Add(new NpgsqlParameter<int> { TypedValue = after?.Sequence ?? 0 });
        list.Parameters.Add(new NpgsqlParameter<int> { TypedValue = after?.Receiver ?? 0 });
        list.Parameters.Add(new NpgsqlParameter<int> { TypedValue = limit + 1 });
        list.Parameters.Add(new NpgsqlParameter { Value = (object?)abandoned ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Boolean });
        return await Read(list, stop);
    }

    public async Task<StoredDelivery?> Find(DeliveryId id, CancellationToken stop)
    {
        await using var find = database.CreateCommand($"select {Columns} from {From} where d.order_id = $1 and d.sequence = $2 and d.receiver = $3");
        Key(find, id);
        return await Read(find, stop) is [var one] ? one : null;
    }

    /// <summary>The data of its event, as JSON text.</summary>
    public async Task<string> EventData(DeliveryId id, CancellationToken stop)
    {
        await using var ask = database.CreateCommand("select data from events where order_id = $1 and sequence = $2");
        ask.Parameters.Add(new NpgsqlParameter<long> { TypedValue = id.Order.Value });
        ask.Parameters.Add(new NpgsqlParameter<int> { TypedValue = id.Sequence });
        return (string)(await ask.ExecuteScalarAsync(stop))!;
    }

    public async Task<IReadOnlyList<StoredAttempt>> Attempts(DeliveryId id, CancellationToken stop)
    {
        await using var ask = database.CreateCommand("""
            select number, sent_at, took_ms, url, signature, status, trouble, answer from delivery_attempts
            where order_id = $1 and sequence = $2 and receiver = $3 order by number
            """);
        Key(ask, id);
        var attempts = new List<StoredAttempt>();
        await using var rows = await ask.ExecuteReaderAsync(stop);
        while (await rows.ReadAsync(stop))
            attempts.Add(new StoredAttempt(rows.GetInt32(0), rows.GetFieldValue<DateTimeOffset>(1), rows.GetInt32(2), rows.GetString(3), rows.GetString(4),
                rows.IsDBNull(5) ? null : rows.GetInt32(5), rows.IsDBNull(6) ? null : rows.GetString(6), rows.IsDBNull(7) ? null : rows.GetString(7)));
        return attempts;
    }

    /// <summary>Puts it at the beginning of the schedule, due now.</summary>
    /// <returns>What the Idempotency-Key was used for before; then nothing is done. Nor is anything done, and the key is not used up, while it is under way.</returns>
    public async Task<(StoredKey? Before, bool IsUnderWay)> Again(DeliveryId id, DateTimeOffset now, RequestKey? key, CancellationToken stop)
    {
        await using var connection = await database.OpenConnectionAsync(stop);
        await using var transaction = await connection.BeginTransactionAsync(stop);
        if (key is not null && await RequestKeyStore.Claim(connection, key, id.ToString(), stop) is { } used) return (used, false);
        await using var again = new NpgsqlCommand("""
            update deliveries set state = 0, due_at = $4, failures = 0, leased_until = null, ended_at = null
            where order_id = $1 and sequence = $2 and receiver = $3 and (leased_until is null or leased_until <= $4)
            """, connection);
        Key(again, id);
        again.Parameters.Add(At(now));
        if (await again.ExecuteNonQueryAsync(stop) == 0) return (null, true);
        await transaction.CommitAsync(stop);
        return (null, false);
    }

    static void Key(NpgsqlCommand command, DeliveryId id)
    {
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = id.Order.Value });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = id.Sequence });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = id.Receiver });
    }

    static NpgsqlParameter<DateTime> At(DateTimeOffset time) => new() { TypedValue = time.UtcDateTime, NpgsqlDbType = NpgsqlDbType.TimestampTz };

    static async Task<IReadOnlyList<StoredDelivery>> Read(NpgsqlCommand command, CancellationToken stop)
    {
        var deliveries = new List<StoredDelivery>();
        await using var rows = await command.ExecuteReaderAsync(stop);
        while (await rows.ReadAsync(stop))
            deliveries.Add(new StoredDelivery(new DeliveryId(new OrderId(rows.GetInt64(0)), rows.GetInt32(1), rows.GetInt32(2)), (EventType)rows.GetInt16(3),
                rows.GetFieldValue<DateTimeOffset>(4), rows.GetString(5), (DeliveryState)rows.GetInt16(6), rows.GetInt32(7), rows.GetFieldValue<DateTimeOffset>(8),
                rows.IsDBNull(9) ? null : rows.GetFieldValue<DateTimeOffset>(9), rows.IsDBNull(10) ? null : rows.GetString(10), rows.GetInt16(11) == (short)ReceiverStatus.Deleted, (ReceiverKind)rows.GetInt16(12)));
        return deliveries;
    }
}
