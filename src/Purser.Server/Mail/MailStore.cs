using Npgsql;
using NpgsqlTypes;

namespace Purser.Server.Mail;

public enum NoticeKind : short
{
    EndpointPaused = 1,
    DeliveriesDead,
}

/// <summary>Something that operators are told and that is no event of an order.</summary>
/// <param name="Failures">Of telling it, so far.</param>
/// <param name="Dead">How many deliveries to the endpoint are given up by now.</param>
public sealed record OperatorNotice(
    long Number, NoticeKind Kind, DateTimeOffset Since, int Failures, string Endpoint, string Url, string? PausedBecause, long Dead);

/// <summary>Mail among the receivers, and the notices to operators.</summary>
public sealed class MailStore(NpgsqlDataSource database)
{
    /// <summary>Makes mail a receiver where it is wanted, and ends it where it is not any more: what waited for it is given up, visibly. Null leaves it as it is.</summary>
    public async Task Keep(bool? toShoppers, bool? toOperators, DateTimeOffset now, CancellationToken stop)
    {
        await using var connection = await database.OpenConnectionAsync(stop);
        await using var transaction = await connection.BeginTransactionAsync(stop);
        await using var keep = new NpgsqlBatch(connection, transaction);
        foreach (var (id, kind, wanted) in new[] { ("mail_shoppers", (short)1, toShoppers), ("mail_operators", (short)2, toOperators) })
        {
            if (wanted is not { } isWanted) continue;
            keep.BatchCommands.Add(isWanted
                ? new NpgsqlBatchCommand("""
                    insert into webhook_endpoints (id, url, kind, ordered, created_at, updated_at) values ($1, 'mail', $2, false, $3, $3)
                    on conflict (id) do update set status = 0, updated_at = $3, failing_since = null where webhook_endpoints.status <> 0
                    """)
                { Parameters = { Text(id), new NpgsqlParameter<short> { TypedValue = kind }, At(now) } }
                : new NpgsqlBatchCommand("""
                    with gone as (update webhook_endpoints set status = 2, updated_at = $2 where id = $1 and status <> 2 returning number)
                    update deliveries d set state = 2, ended_at = $2, outcome = 'Mail was ended.' from gone where d.receiver = gone.number and d.state = 0
                    """)
                { Parameters = { Text(id), At(now) } });
        }
        if (keep.BatchCommands.Count > 0) await keep.ExecuteNonQueryAsync(stop);
        await transaction.CommitAsync(stop);
    }

    /// <summary>Takes notices that are due.</summary>
    public async Task<IReadOnlyList<OperatorNotice>> TakeNotices(DateTimeOffset now, TimeSpan lease, int most, CancellationToken stop)
    {
        await using var take = database.CreateCommand("""
            with taken as (
                select number from operator_notices where state = 0 and due_at <= $1 and (leased_until is null or leased_until <= $1)
                order by due_at limit $3 for update skip locked)
            update operator_notices n set leased_until = $2 from taken t, webhook_endpoints e where n.number = t.number and e.number = n.receiver
            returning n.number, n.kind, n.since, n.failures, e.id, e.url, e.paused_because, (select count(*) from deliveries d where d.receiver = n.receiver and d.state = 2)
            """);
        take.Parameters.AddRange(new NpgsqlParameter[] { At(now), At(now + lease), new NpgsqlParameter<int> { TypedValue = most } });
        var notices = new List<OperatorNotice>();
        await using var rows = await take.ExecuteReaderAsync(stop);
        while (await rows.ReadAsync(stop))
            notices.Add(new OperatorNotice(rows.GetInt64(0), (NoticeKind)rows.GetInt16(1), rows.GetFieldValue<DateTimeOffset>(2), rows.GetInt32(3), rows.GetString(4), rows.GetString(5),
                rows.IsDBNull(6) ? null : rows.GetString(6), rows.GetInt64(7)));
        return notices;
    }

    /// <param name="next">When it is tried again; null: never.</param>
    public async Task Told(OperatorNotice notice, bool delivered, string outcome, DateTimeOffset? next, DateTimeOffset now, CancellationToken stop)
    {
        await using var told = database.CreateCommand("""
            update operator_notices set state = case when $2 then 1 when $4::timestamptz is null then 2 else 0 end, due_at = coalesce($4, due_at), leased_until = null,
                failures = failures + case when $2 then 0 else 1 end, ended_at = case when $2 or $4::timestamptz is null then $5 end, outcome = $3
            where number = $1 and state = 0
            """);
        told.Parameters.AddRange(new NpgsqlParameter[]
        {
            new NpgsqlParameter<long> { TypedValue = notice.Number }, new NpgsqlParameter<bool> { TypedValue = delivered }, Text(outcome),
            new() { Value = next is { } at ? at.UtcDateTime : DBNull.Value, NpgsqlDbType = NpgsqlDbType.TimestampTz }, At(now),
        });
        await told.ExecuteNonQueryAsync(stop);
    }

    static NpgsqlParameter<string> Text(string text) => new() { TypedValue = text };

    static NpgsqlParameter<DateTime> At(DateTimeOffset time) => new() { TypedValue = time.UtcDateTime, NpgsqlDbType = NpgsqlDbType.TimestampTz };
}
