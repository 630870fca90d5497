using Npgsql;

namespace Purser.Server.Webhooks;

/// <summary>A message that was kept aside.</summary>
/// <param name="ReceivedAt">By the database's clock.</param>
public sealed record AsideNews(string Account, string EventId, string Headers, byte[] Body, DateTimeOffset ReceivedAt);

/// <summary>Where news are that were kept aside: PostgreSQL (<see cref="QuarantineStore"/>), or the simulation's world.</summary>
public interface IQuarantineStore
{
    /// <summary>Takes what is due, oldest first, and sets when it is next. Another node takes others.</summary>
    /// <param name="delays">How long after it came it is read again, for each time.</param>
    Task<IReadOnlyList<AsideNews>> TakeDue(IReadOnlyList<TimeSpan> delays, int most, CancellationToken stop);
}

/// <summary>News that were kept aside, as they are taken to be read again.</summary>
public sealed class QuarantineStore(NpgsqlDataSource database) : IQuarantineStore
{
    /// <summary>What is kept aside for want of something that comes a moment later is nothing for a person; when it is read this many times, in vain before,
    /// operators hear of it.</summary>
    const int ReadingsBeforeNotice = 3;

    /// <inheritdoc/>
    /// <remarks>Operators hear by mail, where there is mail, of an account once a day at the most, and once of each message: a notice tells of all that is
    /// aside.</remarks>
    public async Task<IReadOnlyList<AsideNews>> TakeDue(IReadOnlyList<TimeSpan> delays, int most, CancellationToken stop)
    {
        await using var take = database.CreateCommand("""
            with taken as (
                update gateway_news set readings = readings + 1
                where (account, event_id) in (
                    select account, event_id from gateway_news
                    where verdict = 2 and readings < cardinality($1) and received_at + ($1)[readings + 1] <= clock_timestamp()
                    order by received_at limit $2 for update skip locked)
                returning account, event_id, headers, body, received_at, readings),
            told as (
                insert into operator_notices (kind, account, since, at, due_at)
                select distinct 4, t.account, date_trunc('day', now(), 'UTC'), now(), now() from taken t
                where t.readings >= $3 and exists (select from webhook_endpoints where kind = 2 and status = 0)
                    and not exists (select from operator_notices n where n.kind = 4 and n.account = t.account and n.at >= t.received_at)
                on conflict do nothing)
            select account, event_id, headers, body, received_at from taken
            """);
        take.Parameters.Add(new NpgsqlParameter<TimeSpan[]> { TypedValue = [.. delays] });
        take.Parameters.Add(new NpgsqlParameter<int> { TypedValue = most });
        take.Parameters.Add(new NpgsqlParameter<int> { TypedValue = ReadingsBeforeNotice });
        var due = new List<AsideNews>();
        await using var rows = await take.ExecuteReaderAsync(stop);
        while (await rows.ReadAsync(stop))
            due.Add(new AsideNews(rows.GetString(0), rows.GetString(1), rows.GetString(2), rows.GetFieldValue<byte[]>(3), rows.GetFieldValue<DateTimeOffset>(4)));
        return due;
    }
}
