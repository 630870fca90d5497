using System.Buffers.Binary;
using System.Data;
using System.Security.Cryptography;
using System.Text;
using Npgsql;
using NpgsqlTypes;

namespace Purser.Server.Audit;

/// <summary>One day of all orders in one hash. Whoever keeps it elsewhere can tell later whether that day's events and decisions, or any day's before, were changed.</summary>
/// <param name="Decisions">How many were made up to the end of the day; null of a day that was anchored before they were chained.</param>
public sealed record Anchor(DateOnly Day, long Orders, long Events, byte[] Hash, long? Decisions = null)
{
    public string Text => Convert.ToHexStringLower(Hash);
}

public sealed class AnchorStore(NpgsqlDataSource database)
{
    /// <summary>Held while a day is anchored, so that one node does it ("anchor" on a phone's keys).</summary>
    const long LockKey = 262467;

    public async Task<IReadOnlyList<Anchor>> All(CancellationToken stop)
    {
        await using var ask = database.CreateCommand("select day, orders, events, hash, decisions from anchors order by day");
        var anchors = new List<Anchor>();
        await using var rows = await ask.ExecuteReaderAsync(stop);
        while (await rows.ReadAsync(stop)) anchors.Add(Read(rows));
        return anchors;
    }

    /// <summary>Anchors the next day that is wholly over; null when there is none, or another node is at it.</summary>
    /// <param name="horizon">Nothing can be written any more with a time before this one. It was read before.</param>
    public async Task<Anchor?> MakeNext(DateTimeOffset horizon, CancellationToken stop)
    {
        await using var connection = await database.OpenConnectionAsync(stop);
        await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, stop);
        await using (var take = new NpgsqlCommand($"select pg_try_advisory_xact_lock({LockKey})", connection))
            if (await take.ExecuteScalarAsync(stop) is not true) return null;
        Anchor? last = null;
        await using (var ask = new NpgsqlCommand("select day, orders, events, hash, decisions from anchors order by day desc limit 1", connection))
        await using (var rows = await ask.ExecuteReaderAsync(stop))
            if (await rows.ReadAsync(stop)) last = Read(rows);
        if ((last?.Day.AddDays(1) ?? await FirstDay(connection, stop)) is not { } day || EndOf(day) > horizon) return null;

        var anchor = await Compute(connection, day, last, decisions: true, stop);
        await using var keep = new NpgsqlCommand("insert into anchors (day, orders, events, hash, decisions, made_at) values ($1, $2, $3, $4, $5, clock_timestamp())", connection);
        keep.Parameters.Add(new NpgsqlParameter<DateOnly> { TypedValue = anchor.Day });
        keep.Parameters.Add(new NpgsqlParameter<long> { TypedValue = anchor.Orders });
        keep.Parameters.Add(new NpgsqlParameter<long> { TypedValue = anchor.Events });
        keep.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = anchor.Hash });
        keep.Parameters.Add(new NpgsqlParameter<long> { TypedValue = anchor.Decisions!.Value });
        try
        {
            await keep.ExecuteNonQueryAsync(stop);
            await transaction.CommitAsync(stop);
        }
        catch (PostgresException other) when (other.SqlState is PostgresErrorCodes.UniqueViolation or PostgresErrorCodes.SerializationFailure)
        {
            return null;
        }
        return anchor;
    }

    /// <summary>The day's anchor as its events, and the decisions where they are in it, make it now.</summary>
    public async Task<Anchor> Compute(DateOnly day, Anchor? before, bool decisions, CancellationToken stop)
    {
        await using var connection = await database.OpenConnectionAsync(stop);
        await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, stop);
        return await Compute(connection, day, before, decisions, stop);
    }

    /// <summary>SHA-256 over the hash of the day before (nothing before the first), the day as it is written, the id and the latest hash of each
    /// order that had an event on it, by id, the numbers of orders and of events, and the number and the hash of the latest decision up to its end.</summary>
    static async Task<Anchor> Compute(NpgsqlConnection connection, DateOnly day, Anchor? before, bool decisions, CancellationToken stop)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(before?.Hash ?? []);
        hash.AppendData(Encoding.ASCII.GetBytes($"{day:yyyy-MM-dd}"));
        var (orders, events) = (0L, 0L);
        var number = new byte[sizeof(long)];
        await using (var ask = new NpgsqlCommand("""
            select order_id, (array_agg(hash order by sequence desc))[1], count(*) from events where at >= $1 and at < $2 group by order_id order by order_id
            """, connection) { CommandTimeout = 0 })
        {
            ask.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = EndOf(day.AddDays(-1)).UtcDateTime, NpgsqlDbType = NpgsqlDbType.TimestampTz });
            ask.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = EndOf(day).UtcDateTime, NpgsqlDbType = NpgsqlDbType.TimestampTz });
            await using var rows = await ask.ExecuteReaderAsync(stop);
            while (await rows.ReadAsync(stop))
            {
                Append(rows.GetInt64(0));
                hash.AppendData(rows.GetFieldValue<byte[]>(1));
                (orders, events) = (orders + 1, events + rows.GetInt64(2));
            }
        }
        Append(orders);
        Append(events);
        long? decided = null;
        if (decisions)
        {
            decided = 0;
            await using var ask = new NpgsqlCommand("select number, hash from decisions where at < $1 order by at desc, number desc limit 1", connection) { CommandTimeout = 0 };
            ask.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = EndOf(day).UtcDateTime, NpgsqlDbType = NpgsqlDbType.TimestampTz });
            await using var row = await ask.ExecuteReaderAsync(stop);
            if (await row.ReadAsync(stop))
            {
                decided = row.GetInt64(0);
                hash.AppendData(row.GetFieldValue<byte[]>(1));
            }
            Append(decided.Value);
        }
        return new Anchor(day, orders, events, hash.GetHashAndReset(), decided);

        void Append(long value)
        {
            BinaryPrimitives.WriteInt64BigEndian(number, value);
            hash.AppendData(number);
        }
    }

    /// <summary>A day is anchored within minutes of its end, by any node that is up.</summary>
    static readonly TimeSpan Grace = TimeSpan.FromHours(1);

    /// <summary>The first day with an event before the first anchor, or the one behind the last anchor, if it has been over for a while; of those between, the next anchor tells.</summary>
    public async Task<DateOnly?> Missing(DateTimeOffset? now, CancellationToken stop)
    {
        await using var connection = await database.OpenConnectionAsync(stop);
        if (await FirstDay(connection, stop) is not { } first) return null;
        await using var ask = new NpgsqlCommand("select min(day), max(day), clock_timestamp() from anchors", connection);
        await using var row = await ask.ExecuteReaderAsync(stop);
        await row.ReadAsync(stop);
        var day = row.IsDBNull(0) || row.GetFieldValue<DateOnly>(0) > first ? first : row.GetFieldValue<DateOnly>(1).AddDays(1);
        return EndOf(day) + Grace < (now ?? row.GetFieldValue<DateTimeOffset>(2)) ? day : null;
    }

    static async Task<DateOnly?> FirstDay(NpgsqlConnection connection, CancellationToken stop)
    {
        await using var ask = new NpgsqlCommand("select min(at) from events", connection);
        return await ask.ExecuteScalarAsync(stop) is DateTime at ? DateOnly.FromDateTime(at) : null;
    }

    static DateTimeOffset EndOf(DateOnly day) => new(day.AddDays(1).ToDateTime(TimeOnly.MinValue), TimeSpan.Zero);

    static Anchor Read(NpgsqlDataReader r) =>
        new(r.GetFieldValue<DateOnly>(0), r.GetInt64(1), r.GetInt64(2), r.GetFieldValue<byte[]>(3), r.IsDBNull(4) ? null : r.GetInt64(4));
}
