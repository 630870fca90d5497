using Npgsql;
using NpgsqlTypes;
using Purser.Orders;
using Purser.Server.Engine;

namespace Purser.Server.Deliveries;

/// <summary>What became of an endpoint that was to be made, or of its secret that was to be rotated.</summary>
public abstract record ReceiverMade
{
    ReceiverMade() { }

    public sealed record Now(Receiver Receiver) : ReceiverMade;

    public sealed record TooMany : ReceiverMade;

    public sealed record Unknown : ReceiverMade;

    /// <summary>This Idempotency-Key came before.</summary>
    public sealed record KeyUsed(StoredKey Key) : ReceiverMade;
}

/// <summary>The merchant's webhook endpoints and their secrets.</summary>
public sealed class ReceiverStore(NpgsqlDataSource database)
{
    /// <summary>Each is one more row for each event.</summary>
    public const int Most = 16;

    /// <summary>All are signed with, so that no message grows without end; a rotation beyond them ends the oldest at once.</summary>
    public const int MostSecrets = 4;

    /// <summary>Of what was put off, so many are due in each second after an endpoint goes on: who was away for days is not overrun when they come back.</summary>
    public const int ResumedPerSecond = 100;

    const string Columns = """
        e.number, e.id, e.url, e.description, e.types, e.ordered, e.status, e.paused_because, e.failing_since, e.created_at, e.updated_at,
        (select max(s.ends_at) from webhook_secrets s where s.receiver = e.number and s.ends_at > clock_timestamp()),
        e.public_key
        """;

    public async Task<ReceiverMade> Make(
        string id, string url, string? description, IReadOnlyList<EventType> types, bool ordered, string sealedSecret, string? publicKey, DateTimeOffset now, RequestKey? key, CancellationToken stop)
    {
        await using var connection = await database.OpenConnectionAsync(stop);
        await using var transaction = await connection.BeginTransactionAsync(stop);
        // One after another, so that two cannot both be the last that fits.
        await using (var alone = new NpgsqlCommand("lock table webhook_endpoints in share row exclusive mode", connection)) await alone.ExecuteNonQueryAsync(stop);
        if (key is not null && await RequestKeyStore.Claim(connection, key, id, stop) is { } used) return new ReceiverMade.KeyUsed(used);
        await using var make = new NpgsqlCommand($"""
            with e as (
                insert into webhook_endpoints (id, url, description, types, ordered, created_at, updated_at, public_key)
                select $1, $2, $3, $4, $5, $6, $6, $9 where (select count(*) from webhook_endpoints where kind = 0 and status < 2) < $7 returning *),
            s as (insert into webhook_secrets (receiver, number, sealed, created_at) select number, 1, $8, $6 from e)
            select {Columns} from e
            """, connection)
        {
            Parameters =
            {
                Text(id), Text(url), Text(description), Types(types), new NpgsqlParameter<bool> { TypedValue = ordered }, At(now), new NpgsqlParameter<int> { TypedValue = Most },
                Text(sealedSecret), Text(publicKey),
            },
        };
        if (await Read(make, stop) is not [var made]) return new ReceiverMade.TooMany();
        await transaction.CommitAsync(stop);
        return new ReceiverMade.Now(made);
    }

    /// <param name="mail">Mail is found, too: what it sent can be sent again, but it is changed in the configuration.</param>
    public async Task<Receiver?> Find(string id, CancellationToken stop, bool mail = false)
    {
        await using var find = database.CreateCommand($"select {Columns} from webhook_endpoints e where e.id = $1 and e.status < 2{(mail ? "" : " and e.kind = 0")}");
        find.Parameters.Add(Text(id));
        return await Read(find, stop) is [var one] ? one : null;
    }

    public async Task<IReadOnlyList<Receiver>> List(CancellationToken stop)
    {
        await using var list = database.CreateCommand($"select {Columns} from webhook_endpoints e where e.kind = 0 and e.status < 2 order by e.number");
        return await Read(list, stop);
    }

    /// <summary>What waits for mail and for the books: how much for each that is kept for, and since when.</summary>
    public async Task<IReadOnlyList<(ReceiverKind Kind, long Count, DateTimeOffset Oldest)>> WaitingWithin(CancellationToken stop)
    {
        await using var ask = database.CreateCommand("""
            select e.kind, count(*), min(d.at) from webhook_endpoints e join deliveries d on d.receiver = e.number and d.state = 0 where e.kind > 0 and e.status = 0
            group by e.kind order by e.kind
            """);
        var waiting = new List<(ReceiverKind, long, DateTimeOffset)>();
        await using var rows = await ask.ExecuteReaderAsync(stop);
        while (await rows.ReadAsync(stop)) waiting.Add(((ReceiverKind)rows.GetInt16(0), rows.GetInt64(1), rows.GetFieldValue<DateTimeOffset>(2)));
        return waiting;
    }

    /// <summary>Changes what is given and leaves the rest. An endpoint that goes on, or is elsewhere now, begins with a clean record. One that goes on is told soon of
    /// all that was put off, and one where order matters no more at once of what waited behind others.</summary>
    public async Task<Receiver?> Change(string id, ReceiverChange change, DateTimeOffset now, CancellationToken stop)
    {
        if (await Update(id, change, now, stop) is not { } changed) return null;
        // Also of one that was not paused: so whoever lost the answer asks again, and what is left is made due.
        var goesOn = change.Status is ReceiverStatus.Active;
        if (goesOn || change.Ordered is false) await Release(changed.Number, goesOn, now, stop);
        return changed;
    }

    async Task<Receiver?> Update(string id, ReceiverChange change, DateTimeOffset now, CancellationToken stop)
    {
        await using var connection = await database.OpenConnectionAsync(stop);
        await using var transaction = await connection.BeginTransactionAsync(stop);
        await using var update = new NpgsqlCommand($"""
            update webhook_endpoints e set url = coalesce($2, url), description = coalesce($3, description), types = case when $4 then $5 else types end,
                ordered = coalesce($6, ordered), status = coalesce($7, status), updated_at = $8,
                paused_because = case when coalesce($7, status) = 1 then coalesce(paused_because, 'Asked for.') end,
                failing_since = case when $7 = 0 or $2 <> url then null else failing_since end
            where id = $1 and kind = 0 and status < 2 returning {Columns}
            """, connection);
        update.Parameters.AddRange(new NpgsqlParameter[]
        {
            Text(id), Text(change.Url), Text(change.Description), new NpgsqlParameter<bool> { TypedValue = change.Types is not null }, Types(change.Types ?? []),
            new() { Value = (object?)change.Ordered ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Boolean },
            new() { Value = change.Status is { } status ? (short)status : DBNull.Value, NpgsqlDbType = NpgsqlDbType.Smallint }, At(now),
        });
        if (await Read(update, stop) is not [var changed]) return null;
        await transaction.CommitAsync(stop);
        return changed;
    }

    /// <summary>Makes due what waited behind others, some at a time: of a whole backlog at once the database would be busy for longer than anybody waits. What a crash or a lost
    /// caller leaves of it is due when what it waited for is, or when this is asked for again.</summary>
    /// <param name="goesOn">All that was put off is due, <see cref="ResumedPerSecond"/>, and begins its schedule anew: a receiver that has just come back may fail once more, and
    /// that must not be the last try of a message, nor must one be that is under way just now.</param>
    async Task Release(int receiver, bool goesOn, DateTimeOffset now, CancellationToken stop)
    {
        var (after, looked) = ((Due: goesOn ? DateTimeOffset.MinValue : now, Order: long.MaxValue, Sequence: int.MaxValue), 0L);
        while (true)
        {
            await using var step = new Step(await database.OpenConnectionAsync(stop), receiver);
            await using var rows = await step.Read("""
                with chosen as (
                    select d.order_id, d.sequence, d.due_at, count(*) filter (where d.due_at > $2) over (order by d.due_at, d.order_id, d.sequence) as place
                    from deliveries d where d.receiver = $1 and d.state = 0 and (d.due_at, d.order_id, d.sequence) > ($3, $4, $5)
                    order by d.due_at, d.order_id, d.sequence limit $9),
                released as (
                    update deliveries d set due_at = case when not $6 then $2 when d.leased_until > $2 then d.due_at else least(d.due_at, $2 + (($7 + chosen.place) / $8) * interval '1 second') end,
                        failures = case when $6 then 0 else d.failures end
                    from chosen, webhook_endpoints e
                    where e.number = $1 and d.order_id = chosen.order_id and d.sequence = chosen.sequence and d.receiver = $1 and d.state = 0 and (d.due_at > $2 or ($6 and d.failures > 0))
                        and case when $6 then e.status = 0 and (d.failures > 0 or d.leased_until is null or d.leased_until <= $2) else not e.ordered
                            and exists (select from deliveries b where b.order_id = d.order_id and b.sequence < d.sequence and b.receiver = d.receiver and b.ended_at is null) end
                    returning 1)
                select c.due_at, c.order_id, c.sequence, (select count(*) from chosen), c.place from chosen c order by c.due_at desc, c.order_id desc, c.sequence desc limit 1
                """, stop, At(now), At(after.Due), new NpgsqlParameter<long> { TypedValue = after.Order }, new NpgsqlParameter<int> { TypedValue = after.Sequence },
                new NpgsqlParameter<bool> { TypedValue = goesOn }, new NpgsqlParameter<long> { TypedValue = looked }, new NpgsqlParameter<int> { TypedValue = ResumedPerSecond });
            if (!await rows.ReadAsync(stop)) return;
            after = (rows.GetFieldValue<DateTimeOffset>(0), rows.GetInt64(1), rows.GetInt32(2));
            var (chosen, later) = (rows.GetInt64(3), rows.GetInt64(4));
            await rows.DisposeAsync();
            await step.Commit(stop);
            if (chosen < Step.Most) return;
            looked += later;
        }
    }

    /// <summary>For good, and once: one that was deleted before is given as it is. Nothing more is sent there; what waits is given up, visibly: the first of it at once, and the rest by whoever sends deliveries.</summary>
    public async Task<Receiver?> Delete(string id, DateTimeOffset now, CancellationToken stop)
    {
        if (await End(id, now, stop) is not { } gone) return await Gone(id, stop);
        await GiveUp(gone.Number, now, stop);
        return gone;
    }

    async Task<Receiver?> Gone(string id, CancellationToken stop)
    {
        await using var ask = database.CreateCommand($"select {Columns} from webhook_endpoints e where id = $1 and kind = 0 and status = 2");
        ask.Parameters.Add(Text(id));
        return await Read(ask, stop) is [var gone] ? gone : null;
    }

    async Task<Receiver?> End(string id, DateTimeOffset now, CancellationToken stop)
    {
        await using var connection = await database.OpenConnectionAsync(stop);
        await using var transaction = await connection.BeginTransactionAsync(stop);
        await using var delete = new NpgsqlCommand($"""
            update webhook_endpoints e set status = 2, updated_at = $2 where id = $1 and kind = 0 and status < 2 returning {Columns}
            """, connection)
        { Parameters = { Text(id), At(now) } };
        if (await Read(delete, stop) is not [var gone]) return null;
        await using var forget = new NpgsqlCommand("delete from webhook_secrets where receiver = $1", connection)
        { Parameters = { new NpgsqlParameter<int> { TypedValue = gone.Number } } };
        await forget.ExecuteNonQueryAsync(stop);
        await transaction.CommitAsync(stop);
        return gone;
    }

    /// <summary>Endpoints that were deleted, mail and books that were ended, for which something waits still: because that was much, or because a commit had begun by then.</summary>
    public async Task<IReadOnlyList<int>> Deleted(CancellationToken stop)
    {
        await using var ask = database.CreateCommand("select number from webhook_endpoints e where status = 2 and exists (select from deliveries d where d.receiver = e.number and d.state = 0)");
        var deleted = new List<int>();
        await using var rows = await ask.ExecuteReaderAsync(stop);
        while (await rows.ReadAsync(stop)) deleted.Add(rows.GetInt32(0));
        return deleted;
    }

    /// <summary>Gives up some of what waits for one of them.</summary>
    /// <returns>How many: as many as <see cref="Step.Most"/> when there may be more.</returns>
    public async Task<long> GiveUp(int receiver, DateTimeOffset now, CancellationToken stop)
    {
        await using var step = new Step(await database.OpenConnectionAsync(stop), receiver);
        long ended;
        await using (var rows = await step.Read("""
            with ended as (
                update deliveries d set state = 2, ended_at = $2, outcome = case e.kind when 0 then 'The endpoint was deleted.' when 3 then 'Invoices were ended.' else 'Mail was ended.' end
                from webhook_endpoints e, (select order_id, sequence from deliveries where receiver = $1 and state = 0 order by due_at, order_id, sequence limit $3) chosen
                where e.number = $1 and e.status = 2 and d.order_id = chosen.order_id and d.sequence = chosen.sequence and d.receiver = $1 and d.state = 0 returning 1)
            select count(*) from ended
            """, stop, At(now)))
        {
            await rows.ReadAsync(stop);
            ended = rows.GetInt64(0);
        }
        await step.Commit(stop);
        return ended;
    }

    /// <summary>Puts a new secret in force; those before it end at <paramref name="oldEndAt"/>, if not earlier.</summary>
    /// <param name="seal">The secret as it is kept, for the number that it gets, and what is shown of it.</param>
    public async Task<ReceiverMade> Rotate(string id, Func<Receiver, int, (string Sealed, string? PublicKey)> seal, DateTimeOffset now, DateTimeOffset oldEndAt, RequestKey? key, CancellationToken stop)
    {
        await using var connection = await database.OpenConnectionAsync(stop);
        await using var transaction = await connection.BeginTransactionAsync(stop);
        await using var find = new NpgsqlCommand($"select {Columns} from webhook_endpoints e where e.id = $1 and e.kind = 0 and e.status < 2 for update of e", connection) { Parameters = { Text(id) } };
        if (await Read(find, stop) is not [var receiver]) return new ReceiverMade.Unknown();
        if (key is not null && await RequestKeyStore.Claim(connection, key, id, stop) is { } used) return new ReceiverMade.KeyUsed(used);
        await using var ask = new NpgsqlCommand("select max(number) from webhook_secrets where receiver = $1", connection)
        { Parameters = { new NpgsqlParameter<int> { TypedValue = receiver.Number } } };
        var number = (int)(await ask.ExecuteScalarAsync(stop))! + 1;
        var (kept, shown) = seal(receiver, number);
        await using var rotate = new NpgsqlBatch(connection, transaction);
        rotate.BatchCommands.Add(new NpgsqlBatchCommand("update webhook_secrets set ends_at = least(ends_at, $2) where receiver = $1")
        { Parameters = { new NpgsqlParameter<int> { TypedValue = receiver.Number }, At(oldEndAt) } });
        rotate.BatchCommands.Add(new NpgsqlBatchCommand("delete from webhook_secrets where receiver = $1 and (ends_at <= $2 or number <= $3)")
        { Parameters = { new NpgsqlParameter<int> { TypedValue = receiver.Number }, At(now), new NpgsqlParameter<int> { TypedValue = number - MostSecrets } } });
        rotate.BatchCommands.Add(new NpgsqlBatchCommand("insert into webhook_secrets (receiver, number, sealed, created_at) values ($1, $2, $3, $4)")
        {
            Parameters =
            {
                new NpgsqlParameter<int> { TypedValue = receiver.Number }, new NpgsqlParameter<int> { TypedValue = number }, Text(kept), At(now),
            },
        });
        rotate.BatchCommands.Add(new NpgsqlBatchCommand("update webhook_endpoints set public_key = $2 where number = $1")
        { Parameters = { new NpgsqlParameter<int> { TypedValue = receiver.Number }, Text(shown) } });
        await rotate.ExecuteNonQueryAsync(stop);
        await transaction.CommitAsync(stop);
        return new ReceiverMade.Now(receiver with { OldSecretUntil = oldEndAt > now ? oldEndAt : null, PublicKey = shown });
    }

    /// <summary>Keeps the key of a request that changes nothing else here, or says what it was used for.</summary>
    public async Task<StoredKey?> Claim(RequestKey key, string id, CancellationToken stop)
    {
        await using var connection = await database.OpenConnectionAsync(stop);
        return await RequestKeyStore.Claim(connection, key, id, stop);
    }

    /// <summary>What this key was used for, if it was.</summary>
    public async Task<StoredKey?> FindKey(RequestKey key, CancellationToken stop)
    {
        await using var connection = await database.OpenConnectionAsync(stop);
        return await RequestKeyStore.Find(connection, key, stop);
    }

    /// <summary>The secrets that are in force, the newest first.</summary>
    public async Task<IReadOnlyList<SealedSecret>> Secrets(Receiver receiver, DateTimeOffset now, CancellationToken stop)
    {
        await using var ask = database.CreateCommand("select number, sealed from webhook_secrets where receiver = $1 and (ends_at is null or ends_at > $2) order by number desc");
        ask.Parameters.Add(new NpgsqlParameter<int> { TypedValue = receiver.Number });
        ask.Parameters.Add(At(now));
        var secrets = new List<SealedSecret>();
        await using var rows = await ask.ExecuteReaderAsync(stop);
        while (await rows.ReadAsync(stop)) secrets.Add(new SealedSecret(receiver.Id, rows.GetInt32(0), rows.GetString(1)));
        return secrets;
    }

    /// <summary>A change of some of an endpoint's deliveries, in a commit of its own. The endpoint is locked first and its deliveries then, as whoever sends them does.</summary>
    internal sealed class Step(NpgsqlConnection connection, int receiver) : IAsyncDisposable
    {
        /// <summary>Deliveries in one commit: done within a fraction of a second, also where the disk is slow.</summary>
        public const int Most = 5000;

        NpgsqlTransaction? transaction;

        /// <param name="sql">$1 is the endpoint; the last parameter is <see cref="Most"/>.</param>
        public async Task<NpgsqlDataReader> Read(string sql, CancellationToken stop, params NpgsqlParameter[] parameters)
        {
            transaction = await connection.BeginTransactionAsync(stop);
            await using (var first = new NpgsqlCommand("select from webhook_endpoints where number = $1 for no key update", connection) { Parameters = { Whole(receiver) } })
                await first.ExecuteNonQueryAsync(stop);
            var then = new NpgsqlCommand(sql, connection) { Parameters = { Whole(receiver) } };
            foreach (var one in parameters) then.Parameters.Add(one);
            then.Parameters.Add(Whole(Most));
            return await then.ExecuteReaderAsync(stop);
        }

        public Task Commit(CancellationToken stop) => transaction!.CommitAsync(stop);

        public async ValueTask DisposeAsync()
        {
            if (transaction is not null) await transaction.DisposeAsync();
            await connection.DisposeAsync();
        }

        static NpgsqlParameter<int> Whole(int number) => new() { TypedValue = number };
    }

    static async Task<IReadOnlyList<Receiver>> Read(NpgsqlCommand command, CancellationToken stop)
    {
        var receivers = new List<Receiver>();
        await using var rows = await command.ExecuteReaderAsync(stop);
        while (await rows.ReadAsync(stop))
            receivers.Add(new Receiver(rows.GetInt32(0), rows.GetString(1), rows.GetString(2), rows.IsDBNull(3) ? null : rows.GetString(3),
                rows.IsDBNull(4) ? [] : [.. rows.GetFieldValue<short[]>(4).Select(t => (EventType)t)], rows.GetBoolean(5), (ReceiverStatus)rows.GetInt16(6),
                rows.IsDBNull(7) ? null : rows.GetString(7), TimeOrNull(rows, 8), rows.GetFieldValue<DateTimeOffset>(9), rows.GetFieldValue<DateTimeOffset>(10), TimeOrNull(rows, 11), rows.IsDBNull(12) ? null : rows.GetString(12)));
        return receivers;
    }

    static DateTimeOffset? TimeOrNull(NpgsqlDataReader rows, int i) => rows.IsDBNull(i) ? null : rows.GetFieldValue<DateTimeOffset>(i);

    static NpgsqlParameter<DateTime> At(DateTimeOffset time) => new() { TypedValue = time.UtcDateTime, NpgsqlDbType = NpgsqlDbType.TimestampTz };

    static NpgsqlParameter Text(string? text) => new() { Value = (object?)text ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text };

    static NpgsqlParameter Types(IReadOnlyList<EventType> types) => new()
    {
        Value = types.Count == 0 ? DBNull.Value : types.Select(t => (short)t).ToArray(),
        NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Smallint,
    };
}
