using Npgsql;

namespace Purser.Server.Webhooks;

/// <summary>A message that was kept aside.</summary>
/// <param name="ReceivedAt">By the database's clock.</param>
public sealed record AsideNews(string Account, string EventId, string Headers, byte[] Body, DateTimeOffset ReceivedAt);

/// <summary>News that were kept aside, as they are taken to be read again.</summary>
public sealed class QuarantineStore(NpgsqlDataSource database)
{
    /// <summary>Takes what is due, and sets when it is next. Another node takes others.</summary>
    /// <param name="delays">How long after it came it is read again, for each time.</param>
    public async Task<IReadOnlyList<AsideNews>> TakeDue(IReadOnlyList<TimeSpan> delays, int most, CancellationToken stop)
    {
        await using var take = database.CreateCommand("""
            update gateway_news set readings = readings + 1
            where (account, event_id) in (
                select account, event_id from gateway_news
                where verdict = 2 and readings < cardinality($1) and received_at + ($1)[readings + 1] <= clock_timestamp()
                order by received_at limit $2 for update skip locked)
            returning account, event_id, headers, body, received_at
            """);
        take.Parameters.Add(new NpgsqlParameter<TimeSpan[]> { TypedValue = [.. delays] });
        take.Parameters.Add(new NpgsqlParameter<int> { TypedValue = most });
        var due = new List<AsideNews>();
        await using var rows = await take.ExecuteReaderAsync(stop);
        while (await rows.ReadAsync(stop))
            due.Add(new AsideNews(rows.GetString(0), rows.GetString(1), rows.GetString(2), rows.GetFieldValue<byte[]>(3), rows.GetFieldValue<DateTimeOffset>(4)));
        return due;
    }
}
