using Npgsql;
using NpgsqlTypes;
using Purser.Server.Engine;

namespace Purser.Server.Events;

/// <summary>A gateway's message as it was kept.</summary>
/// <param name="Body">Null where only a list was asked for.</param>
public sealed record StoredNews(
    string Account, string EventId, string EventType, DateTimeOffset ReceivedAt, NewsVerdict Verdict, string? Reason, PaymentId? Payment, OrderId? Order,
    string? Headers, byte[]? Body);

/// <summary>Every authenticated message of a gateway, as it came.</summary>
public sealed class GatewayNewsStore(NpgsqlDataSource database)
{
    const string Columns = "account, event_id, event_type, received_at, verdict, reason, order_id, payment";

    /// <summary>Newest first; one more than asked for tells that there are more.</summary>
    /// <param name="before">Messages received before this time, or at it under a smaller account and event id.</param>
    public async Task<IReadOnlyList<StoredNews>> List(
        NewsVerdict? verdict, string? account, (DateTimeOffset At, string Account, string EventId)? before, int limit, CancellationToken stop)
    {
        await using var list = database.CreateCommand($"""
            select {Columns} from gateway_news
            where ($1::smallint is null or verdict = $1) and ($2::text is null or account = $2)
                and ($3::timestamptz is null or (received_at, account, event_id) < ($3, $4, $5))
            order by received_at desc, account desc, event_id desc limit $6
            """);
        list.Parameters.Add(new NpgsqlParameter { Value = (object?)(short?)verdict ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Smallint });
        list.Parameters.Add(new NpgsqlParameter { Value = (object?)account ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        list.Parameters.Add(new NpgsqlParameter { Value = (object?)before?.At.UtcDateTime ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.TimestampTz });
        list.Parameters.Add(new NpgsqlParameter { Value = (object?)before?.Account ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        list.Parameters.Add(new NpgsqlParameter { Value = (object?)before?.EventId ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        list.Parameters.Add(new NpgsqlParameter<int> { TypedValue = limit + 1 });
        return await Read(list, whole: false, stop);
    }

    public async Task<StoredNews?> Find(string account, string eventId, CancellationToken stop)
    {
        await using var find = database.CreateCommand($"select {Columns}, headers, body from gateway_news where account = $1 and event_id = $2");
        find.Parameters.Add(new NpgsqlParameter<string> { TypedValue = account });
        find.Parameters.Add(new NpgsqlParameter<string> { TypedValue = eventId });
        return await Read(find, whole: true, stop) is [var one] ? one : null;
    }

    static async Task<IReadOnlyList<StoredNews>> Read(NpgsqlCommand command, bool whole, CancellationToken stop)
    {
        var news = new List<StoredNews>();
        await using var rows = await command.ExecuteReaderAsync(stop);
        while (await rows.ReadAsync(stop))
        {
            OrderId? order = rows.IsDBNull(6) ? null : new OrderId(rows.GetInt64(6));
            news.Add(new StoredNews(
                rows.GetString(0), rows.GetString(1), rows.GetString(2), rows.GetFieldValue<DateTimeOffset>(3), (NewsVerdict)rows.GetInt16(4),
                rows.IsDBNull(5) ? null : rows.GetString(5), order is { } id && !rows.IsDBNull(7) ? new PaymentId(id, rows.GetInt32(7)) : null, order,
                whole ? rows.GetString(8) : null, whole ? rows.GetFieldValue<byte[]>(9) : null));
        }
        return news;
    }
}
