using System.Globalization;
using Npgsql;
using NpgsqlTypes;
using Purser.Server.Engine;

namespace Purser.Server.Deliveries;

/// <summary>What of an endpoint's deliveries is sent again. With what was given up goes what waits for a later attempt: it is due now.</summary>
public sealed record RedeliveryWish(int Receiver, IReadOnlyList<DeliveryState> States, DateTimeOffset Since, DateTimeOffset? Until);

/// <summary>Has the deliveries of a period sent again, however many they are: some in each commit. How far it came is kept with the request's Idempotency-Key, so that
/// whoever repeats the request after a crash goes on there, and two who repeat it at once share the work.</summary>
public sealed class RedeliveryStore(NpgsqlDataSource database)
{
    /// <summary>Looked at in one commit. A second or so on a slow disk; a statement may take thirty.</summary>
    public int AtOnce { get; init; } = 5000;

    /// <summary>In place of a time: what waits is looked at, before what has ended.</summary>
    static readonly DateTime Waiting = DateTime.SpecifyKind(DateTime.MaxValue, DateTimeKind.Utc);

    /// <param name="Now">When it was asked for: all that is sent again is due from then on.</param>
    /// <param name="At">Of the last delivery that was looked at; null before the first.</param>
    readonly record struct Progress(long Count, DateTime Now, DateTime? At, long Order, int Sequence, int Receiver)
    {
        public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Count} so far {Now.Ticks} {At?.Ticks ?? 0} {Order} {Sequence} {Receiver}");

        public static Progress? Read(string text) =>
            text.Split(' ') is [var count, "so", "far", var now, var at, var order, var sequence, var receiver]
                ? new Progress(Number(count), new DateTime(Number(now), DateTimeKind.Utc), Number(at) is 0 ? null : new DateTime(Number(at), DateTimeKind.Utc), Number(order), (int)Number(sequence), (int)Number(receiver))
                : null;

        static long Number(string digits) => long.Parse(digits, CultureInfo.InvariantCulture);
    }

    /// <summary>Puts them at the beginning of the schedule, due now.</summary>
    /// <returns>How many; or what the Idempotency-Key was used for before, and then nothing is done.</returns>
    public async Task<(long Count, StoredKey? Before)> Again(RedeliveryWish wish, DateTimeOffset now, RequestKey? key, CancellationToken stop)
    {
        var progress = new Progress(0, now.UtcDateTime, wish.States.Contains(DeliveryState.Dead) ? Waiting : null, 0, 0, 0);
        while (true)
        {
            await using var connection = await database.OpenConnectionAsync(stop);
            await using var transaction = await connection.BeginTransactionAsync(stop);
            if (key is not null && await RequestKeyStore.Claim(connection, key, progress.ToString(), stop) is { } used)
            {
                if (!used.Fingerprint.AsSpan().SequenceEqual(key.Fingerprint)) return (0, used);
                used = used with { Resource = await Held(connection, key, stop) };
                if (Progress.Read(used.Resource) is not { } reached) return (0, used);
                progress = reached;
            }
            var next = await Step(connection, wish, progress, stop);
            if (key is not null) await Keep(connection, key, next is { } more ? more.ToString() : string.Create(CultureInfo.InvariantCulture, $"{progress.Count}"), stop);
            await transaction.CommitAsync(stop);
            if (next is not { } further) return (progress.Count, null);
            progress = further;
        }
    }

    /// <summary>Those that are given up are found by an index of their own; all others only by going through everything.</summary>
    const string NextDead = """
        select order_id, sequence, receiver, at, true as meant from deliveries
        where receiver = $1 and state = 2 and state = any($2) and at >= $3 and at < $4 and (at, order_id, sequence) > ($6, $7, $8) order by at, order_id, sequence limit $9
        """;

    const string NextOfAll = """
        select order_id, sequence, receiver, at, receiver = $1 and state = any($2) and at >= $3 and at < $4 as meant from deliveries
        where (order_id, sequence, receiver) > ($7, $8, $10) order by order_id, sequence, receiver limit $9
        """;

    /// <summary>Each once, by its name: one that fails while the rest is brought forward is put off again, and stays so. What is under way is left alone, and so is a mail that was never
    /// tried: it waits for what becomes of its order.</summary>
    const string NextWaiting = """
        select order_id, sequence, receiver, at from deliveries
        where receiver = $1 and state = 0 and due_at > $4 and (failures > 0 or exists (select from webhook_endpoints e where e.number = $1 and e.kind = 0)) and at >= $2 and at < $3 and (order_id, sequence) > ($5, $6) order by order_id, sequence limit $7
        """;

    /// <returns>Null when there is nothing more.</returns>
    async Task<Progress?> Step(NpgsqlConnection connection, RedeliveryWish wish, Progress from, CancellationToken stop) =>
        from.At == Waiting ? await BringForward(connection, wish, from, stop) ?? new Progress(from.Count, from.Now, null, 0, 0, 0) : await Again(connection, wish, from, stop);

    async Task<Progress?> BringForward(NpgsqlConnection connection, RedeliveryWish wish, Progress reached, CancellationToken stop)
    {
        await using var step = new NpgsqlCommand($"""
            with looked as ({NextWaiting}),
            again as (
                update deliveries d set due_at = $4, failures = 0, leased_until = null from looked l
                where d.order_id = l.order_id and d.sequence = l.sequence and d.receiver = $1 and d.state = 0 and d.due_at > $4 and (d.leased_until is null or d.leased_until <= $4) returning 1)
            select (select count(*) from again), l.order_id, l.sequence from looked l order by l.order_id desc, l.sequence desc limit 1
            """, connection);
        step.Parameters.AddRange(new NpgsqlParameter[]
        {
            new NpgsqlParameter<int> { TypedValue = wish.Receiver }, At(wish.Since.UtcDateTime), At(wish.Until?.UtcDateTime ?? reached.Now), At(reached.Now),
            new NpgsqlParameter<long> { TypedValue = reached.Order }, new NpgsqlParameter<int> { TypedValue = reached.Sequence }, new NpgsqlParameter<int> { TypedValue = AtOnce },
        });
        await using var rows = await step.ExecuteReaderAsync(stop);
        return await rows.ReadAsync(stop) ? reached with { Count = reached.Count + rows.GetInt64(0), Order = rows.GetInt64(1), Sequence = rows.GetInt32(2) } : null;
    }

    /// <summary>What ended when this had begun already is none of it: it may be one that was brought forward.</summary>
    async Task<Progress?> Again(NpgsqlConnection connection, RedeliveryWish wish, Progress from, CancellationToken stop)
    {
        var onlyDead = wish.States is [DeliveryState.Dead];
        await using var step = new NpgsqlCommand($"""
            with looked as ({(onlyDead ? NextDead : NextOfAll)}),
            again as (
                update deliveries d set state = 0, due_at = $5, failures = 0, leased_until = null, ended_at = null from looked l
                where l.meant and d.order_id = l.order_id and d.sequence = l.sequence and d.receiver = $1 and d.state = any($2) and (d.ended_at is null or d.ended_at <= $5) returning 1)
            select (select count(*) from again), l.at, l.order_id, l.sequence, l.receiver from looked l order by {(onlyDead ? "l.at desc, " : "")}l.order_id desc, l.sequence desc, l.receiver desc limit 1
            """, connection);
        step.Parameters.AddRange(new NpgsqlParameter[]
        {
            new NpgsqlParameter<int> { TypedValue = wish.Receiver },
            new() { Value = wish.States.Select(s => (short)s).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Smallint },
            At(wish.Since.UtcDateTime), At(wish.Until?.UtcDateTime ?? from.Now), At(from.Now), At(from.At ?? DateTime.UnixEpoch),
            new NpgsqlParameter<long> { TypedValue = from.Order }, new NpgsqlParameter<int> { TypedValue = from.Sequence }, new NpgsqlParameter<int> { TypedValue = AtOnce },
            new NpgsqlParameter<int> { TypedValue = from.Receiver },
        });
        await using var rows = await step.ExecuteReaderAsync(stop);
        return await rows.ReadAsync(stop)
            ? new Progress(from.Count + rows.GetInt64(0), from.Now, rows.GetDateTime(1), rows.GetInt64(2), rows.GetInt32(3), rows.GetInt32(4))
            : null;
    }

    static async Task<string> Held(NpgsqlConnection connection, RequestKey key, CancellationToken stop)
    {
        await using var hold = new NpgsqlCommand("select resource from request_keys where api_key_id = $1 and key = $2 for update", connection);
        Name(hold, key);
        return (string)(await hold.ExecuteScalarAsync(stop))!;
    }

    static async Task Keep(NpgsqlConnection connection, RequestKey key, string resource, CancellationToken stop)
    {
        await using var keep = new NpgsqlCommand("update request_keys set resource = $3 where api_key_id = $1 and key = $2", connection);
        Name(keep, key);
        keep.Parameters.Add(new NpgsqlParameter<string> { TypedValue = resource });
        await keep.ExecuteNonQueryAsync(stop);
    }

    static void Name(NpgsqlCommand command, RequestKey key)
    {
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = key.ApiKeyId });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = key.Key });
    }

    static NpgsqlParameter<DateTime> At(DateTime time) => new() { TypedValue = time, NpgsqlDbType = NpgsqlDbType.TimestampTz };
}
