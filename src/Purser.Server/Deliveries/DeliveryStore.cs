using System.Buffers;
using System.Text.Encodings.Web;
using System.Text;
using System.Text.Json;
using Npgsql;
using NpgsqlTypes;
using Purser.Orders;
using Purser.Server.Engine;

namespace Purser.Server.Deliveries;

/// <summary>What a node took: deliveries, and the secrets of every active endpoint as they are kept.</summary>
/// <param name="HasPostponed">What could not go was put off, and behind it may be what can.</param>
public sealed record Taken(IReadOnlyList<LeasedDelivery> Deliveries, ILookup<int, SealedSecret> Secrets, bool HasPostponed);

public sealed record SealedSecret(string Endpoint, int Number, string Sealed);

/// <summary>Deliveries as they are worked off. Any node may; a lease says which one does.</summary>
public sealed class DeliveryStore(NpgsqlDataSource database)
{
    /// <summary>What is due and on nobody's lease, of the endpoint e.</summary>
    const string Due = "d.receiver = e.number and d.state = 0 and d.due_at <= $1 and (d.leased_until is null or d.leased_until <= $1)";

    /// <summary>Where order matters, of what is due only so many are looked at: of these, either some can go or <see cref="Postpone"/> puts all off.</summary>
    const int MostLookedAt = 2000;

    /// <summary>What waits behind another is due no earlier than that, so that it is not looked at in vain again and again: an event may come to an order
    /// while an earlier one waits for its next try. The one before it is locked meanwhile, for when it ends it makes due what waits behind it; and the endpoint is, for
    /// when order matters there no more, all is made due.</summary>
    const string Postpone = $"""
        with looked as (
            select t.* from webhook_endpoints e cross join lateral (
                select d.order_id, d.sequence, d.receiver from deliveries d where {Due} order by d.due_at, d.order_id, d.sequence limit $2) t
            where e.status = 0 and e.ordered and e.kind = any($3)),
        behind as (
            select d.order_id, d.sequence, d.receiver, b.due_at from looked l join deliveries d on d.order_id = l.order_id and d.sequence = l.sequence and d.receiver = l.receiver
            join webhook_endpoints e on e.number = l.receiver
            cross join lateral (
                select b.due_at from deliveries b where b.order_id = d.order_id and b.sequence < d.sequence and b.receiver = d.receiver and b.ended_at is null and b.due_at > d.due_at
                order by b.due_at desc limit 1 for no key update skip locked) b
            where d.state = 0 and e.ordered for share of e skip locked for no key update of d skip locked),
        postponed as (
            update deliveries d set due_at = b.due_at from behind b where d.order_id = b.order_id and d.sequence = b.sequence and d.receiver = b.receiver returning 1)
        select count(*) from postponed
        """;

    /// <summary>For each receiver as many as it has places, so that nobody waits behind another's backlog. Where order matters, an order's delivery
    /// waits for those before it; these are asked for by their end and not by their state, for which PostgreSQL would take the index of what is due.</summary>
    const string Claim = $"""
        with taken as (
            select t.* from webhook_endpoints e left join unnest($3::integer[], $4::integer[]) busy (receiver, count) on busy.receiver = e.number
            cross join lateral (
                select d.order_id, d.sequence, d.receiver from (
                    select d.order_id, d.sequence, d.receiver, d.due_at from deliveries d where {Due}
                    order by d.due_at, d.order_id, d.sequence limit case when e.ordered then $7 end) l
                join deliveries d on d.order_id = l.order_id and d.sequence = l.sequence and d.receiver = l.receiver and {Due}
                where not e.ordered or not exists (select from deliveries b where b.order_id = l.order_id and b.sequence < l.sequence and b.receiver = l.receiver and b.ended_at is null)
                order by l.due_at, l.order_id, l.sequence limit greatest($5 - coalesce(busy.count, 0), 0) for update of d skip locked) t
            where e.status = 0 and e.kind = any($6))
        update deliveries d set leased_until = $2, attempts = d.attempts + 1
        from taken t join webhook_endpoints e on e.number = t.receiver join events v on v.order_id = t.order_id and v.sequence = t.sequence
        where d.order_id = t.order_id and d.sequence = t.sequence and d.receiver = t.receiver
        returning d.order_id, d.sequence, d.receiver, d.attempts, d.failures, e.url, e.ordered, e.kind, v.type, v.at, v.data
        """;

    static readonly string[] PlanSettings =
        ["set local plan_cache_mode = force_custom_plan", "set local enable_hashjoin = off", "set local enable_mergejoin = off", "set local enable_seqscan = off"];

    /// <param name="busy">How many are under way here, by receiver.</param>
    /// <param name="kinds">Of receivers: what this node is configured for.</param>
    public async Task<Taken> Take(
        DateTimeOffset now, TimeSpan lease, IReadOnlyDictionary<int, int> busy, int perReceiver, IReadOnlyList<ReceiverKind> kinds, CancellationToken stop)
    {
        await using var connection = await database.OpenConnectionAsync(stop);
        await using var transaction = await connection.BeginTransactionAsync(stop);
        await using var batch = new NpgsqlBatch(connection, transaction);
        // PostgreSQL cannot know how few the limits leave, and would hash or sort a whole backlog of 100,000: 240 ms in place of 1.
        foreach (var setting in PlanSettings) batch.BatchCommands.Add(new NpgsqlBatchCommand(setting));
        NpgsqlParameter<short[]> Kinds() => new() { TypedValue = [.. kinds.Select(k => (short)k)], NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Smallint };
        batch.BatchCommands.Add(new NpgsqlBatchCommand(Postpone) { Parameters = { At(now), Whole(MostLookedAt), Kinds() } });
        batch.BatchCommands.Add(new NpgsqlBatchCommand(Claim)
        {
            Parameters = { At(now), At(now + lease), Wholes(busy.Keys), Wholes(busy.Values), Whole(perReceiver), Kinds(), Whole(MostLookedAt) },
        });
        batch.BatchCommands.Add(new NpgsqlBatchCommand("""
            select e.number, e.id, s.number, s.sealed from webhook_endpoints e join webhook_secrets s on s.receiver = e.number
            where e.status = 0 and (s.ends_at is null or s.ends_at > $1) order by e.number, s.number desc
            """)
        { Parameters = { At(now) } });
        var deliveries = new List<LeasedDelivery>();
        var secrets = new List<(int Receiver, SealedSecret Secret)>();
        long postponed;
        await using (var rows = await batch.ExecuteReaderAsync(stop))
        {
            await rows.ReadAsync(stop);
            postponed = rows.GetInt64(0);
            await rows.NextResultAsync(stop);
            while (await rows.ReadAsync(stop))
            {
                var id = new DeliveryId(new OrderId(rows.GetInt64(0)), rows.GetInt32(1), rows.GetInt32(2));
                deliveries.Add(new LeasedDelivery(id, rows.GetInt32(3), rows.GetInt32(4), rows.GetString(5), rows.GetBoolean(6), (ReceiverKind)rows.GetInt16(7),
                    (EventType)rows.GetInt16(8), rows.GetFieldValue<DateTimeOffset>(9), rows.GetString(10)));
            }
            await rows.NextResultAsync(stop);
            while (await rows.ReadAsync(stop)) secrets.Add((rows.GetInt32(0), new SealedSecret(rows.GetString(1), rows.GetInt32(2), rows.GetString(3))));
        }
        await transaction.CommitAsync(stop);
        return new Taken([.. deliveries.OrderBy(d => d.Id.Order).ThenBy(d => d.Id.Sequence)], secrets.ToLookup(s => s.Receiver, s => s.Secret), postponed > 0);
    }

    /// <summary>The event's own id: the same at every attempt, and the one by which the event can be read again.</summary>
    public static string MessageId(DeliveryId id) => $"evt_{id.Order.Letters}_{id.Sequence}";

    /// <summary>The event as the API tells it, made of a row that never changes.</summary>
    public static byte[] Body(DeliveryId id, EventType type, DateTimeOffset at, string data)
    {
        var bytes = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(bytes, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
            EventJson.Write(json, id.Order, id.Sequence, type, at, Encoding.UTF8.GetBytes(data), whole: true);
        return bytes.WrittenSpan.ToArray();
    }

    /// <summary>Said and heard. It counts whoever holds the lease by now.</summary>
    public async Task Succeeded(IReadOnlyList<(LeasedDelivery Sent, DeliveryAnswer Answer)> heard, DateTimeOffset now, CancellationToken stop)
    {
        // In the order of their keys, as others take them that take several.
        heard = [.. heard.OrderBy(h => h.Sent.Id.Order).ThenBy(h => h.Sent.Id.Sequence).ThenBy(h => h.Sent.Id.Receiver)];
        await using var batch = database.CreateBatch();
        batch.BatchCommands.Add(new NpgsqlBatchCommand(KeyLookup.Plan));
        // The endpoint first and its deliveries then, as whoever changes or deletes it takes them.
        batch.BatchCommands.Add(new NpgsqlBatchCommand("update webhook_endpoints set failing_since = null where number = any($1) and failing_since is not null")
        { Parameters = { Wholes(heard.Select(h => h.Sent.Id.Receiver).Distinct().Order()) } });
        batch.BatchCommands.Add(Attempts(heard));
        // Not by the state that is looked for, for which PostgreSQL would take the index of what is due.
        batch.BatchCommands.Add(Of([.. heard.Select(h => h.Sent.Id)], """
            update deliveries d set state = 1, ended_at = $4, leased_until = null, outcome = u.outcome
            from unnest($1, $2, $3, $5::text[]) u (order_id, sequence, receiver, outcome)
            where d.order_id = u.order_id and d.sequence = u.sequence and d.receiver = u.receiver and d.state not in (1, 2)
            """, At(now), Texts(heard.Select(h => h.Answer.Outcome))));
        if (heard.Where(h => h.Sent.Ordered).Select(h => h.Sent.Id).ToList() is { Count: > 0 } ordered) batch.BatchCommands.Add(Release(ordered, now));
        await batch.ExecuteNonQueryAsync(stop);
    }

    /// <summary>Leased and not tried: whoever comes first may have it.</summary>
    public async Task GiveBack(IReadOnlyList<LeasedDelivery> all, CancellationToken stop)
    {
        await using var batch = database.CreateBatch();
        batch.BatchCommands.Add(new NpgsqlBatchCommand(KeyLookup.Plan));
        all = [.. all.OrderBy(one => one.Id.Order).ThenBy(one => one.Id.Sequence).ThenBy(one => one.Id.Receiver)];
        batch.BatchCommands.Add(Of([.. all.Select(one => one.Id)], """
            update deliveries d set leased_until = null, attempts = d.attempts - 1 from unnest($1, $2, $3, $4) u (order_id, sequence, receiver, attempt)
            where d.order_id = u.order_id and d.sequence = u.sequence and d.receiver = u.receiver and d.state not in (1, 2) and d.attempts = u.attempt
            """, Wholes(all.Select(one => one.Attempt))));
        await batch.ExecuteNonQueryAsync(stop);
    }

    /// <summary>What waited behind it, where order matters, need not wait any longer, if it has ended.</summary>
    static NpgsqlBatchCommand Release(IReadOnlyList<DeliveryId> ended, DateTimeOffset now) => Of(ended, """
        update deliveries d set due_at = $4 from unnest($1, $2, $3) u (order_id, sequence, receiver)
        where d.order_id = u.order_id and d.sequence > u.sequence and d.receiver = u.receiver and d.state = 0 and d.due_at > $4
            and exists (select from deliveries h where h.order_id = u.order_id and h.sequence = u.sequence and h.receiver = u.receiver and h.ended_at is not null)
        """, At(now));

    /// <summary>A first failure after days without events says nothing of those days: an endpoint is paused when one delivery has failed so often, and has done so for as long, or has failed
    /// for the last time.</summary>
    const int FailuresBeforePause = 4;

    /// <summary>When it is sent again: never where that is null, unless its schedule began anew while this try was under way; then after the first wait.</summary>
    const string NextTry = "case when d.failures < $8 and $9::timestamptz is not null then $9 else $4::timestamptz end";

    /// <summary>To be sent again later, or given up.</summary>
    /// <param name="next">Null: never.</param>
    /// <param name="pauseAfter">An endpoint that has only failed for so long is paused. What was sent to an address that it has no more says nothing of it.</param>
    /// <returns>The id of the endpoint, if it was paused now, and whether the delivery is given up.</returns>
    public async Task<(string? Paused, bool IsGivenUp)> Failed(LeasedDelivery sent, DeliveryAnswer answer, DateTimeOffset? next, DateTimeOffset now, TimeSpan pauseAfter, CancellationToken stop)
    {
        await using var batch = database.CreateBatch();
        // The endpoint first and its deliveries then, as whoever changes or deletes it takes them. It is locked in any case: what is put off below is put off
        // because order matters there, and that must not change meanwhile.
        batch.BatchCommands.Add(new NpgsqlBatchCommand("update webhook_endpoints set failing_since = case when url = $3 then coalesce(failing_since, $2) else failing_since end where number = $1")
        { Parameters = { Whole(sent.Id.Receiver), At(now), Text(sent.Url) } });
        batch.BatchCommands.Add(Attempts([(sent, answer)]));
        // What waits behind it cannot go earlier, and need not be looked at before; unless this lease is over, and another node knows more.
        var anew = answer.IsFinal ? null : now + DeliverySchedule.After(1, answer.RetryAfter);
        batch.BatchCommands.Add(Of(sent.Id, $"""
            with failed as (
                update deliveries d set state = case when {NextTry} is null then 2 else 0 end, due_at = coalesce({NextTry}, d.due_at), failures = d.failures + 1,
                    ended_at = case when {NextTry} is null then $5 end, leased_until = null, outcome = $6
                where order_id = $1 and sequence = $2 and receiver = $3 and state = 0 and attempts = $7 returning d.state, d.due_at)
            update deliveries d set due_at = f.due_at from failed f, webhook_endpoints e
            where f.state = 0 and e.number = $3 and e.ordered and d.order_id = $1 and d.sequence > $2 and d.receiver = $3 and d.state = 0 and d.due_at < f.due_at
            """, At(next), At(now), Text(answer.Outcome), Whole(sent.Attempt), Whole(sent.Failures), At(anew)));
        if (sent.Ordered && next is null) batch.BatchCommands.Add(Release([sent.Id], now));
        batch.BatchCommands.Add(new NpgsqlBatchCommand("""
            with paused as (update webhook_endpoints set status = 1, updated_at = $2,
                paused_because = case when $4 then 'It answered 410: the receiver is gone.' else 'Nothing could be delivered for ' || extract(day from $2 - failing_since) || ' days.' end
            where number = $1 and kind = 0 and status = 0 and url = $6 and ($4 or ($5 and failing_since <= $3 and ($7 or exists (
                select from delivery_attempts a where a.order_id = $8 and a.sequence = $9 and a.receiver = $1 and a.number >= $10 and a.sent_at <= $3)))) returning id)
            select (select id from paused), exists (select from deliveries d where d.order_id = $8 and d.sequence = $9 and d.receiver = $1 and d.state = 2 and d.ended_at = $2)
            """)
        {
            Parameters =
            {
                Whole(sent.Id.Receiver), At(now), At(now - pauseAfter), Yes(answer.IsGone), Yes(sent.Failures + 1 >= FailuresBeforePause), Text(sent.Url), Yes(next is null),
                new NpgsqlParameter<long> { TypedValue = sent.Id.Order.Value }, Whole(sent.Id.Sequence), Whole(sent.Attempt - sent.Failures),
            },
        });
        // Operators hear of both by mail, where there is mail: of a pause each time, of what is given up once a day, for one event of many may fail for ever.
        // What is given up after that day's mail was written is in the next day's.
        batch.BatchCommands.Add(new NpgsqlBatchCommand("""
            with day as (
                select date_trunc('day', $2, 'UTC') as begins where $3 and exists (select from deliveries d where d.order_id = $4 and d.sequence = $5 and d.receiver = $1 and d.state = 2 and d.ended_at = $2)),
            written as (
                select n.number from operator_notices n, day where n.kind = 2 and n.receiver = $1 and n.since = day.begins and (n.state <> 0 or n.leased_until is not null) for update of n)
            insert into operator_notices (kind, receiver, since, at, due_at)
            select k.kind, e.number, k.since, $2, greatest($2, k.since) from webhook_endpoints e
            cross join lateral (
                select 1 as kind, coalesce(e.failing_since, $2) as since where e.status = 1 and e.updated_at = $2
                union all select 2, day.begins + case when exists (select from written) then interval '1 day' else '0' end from day) k
            where e.number = $1 and exists (select from webhook_endpoints o where o.kind = 2 and o.status = 0) on conflict do nothing
            """)
        {
            Parameters =
            {
                Whole(sent.Id.Receiver), At(now), Yes(next is null), new NpgsqlParameter<long> { TypedValue = sent.Id.Order.Value }, Whole(sent.Id.Sequence),
            },
        });
        await using var row = await batch.ExecuteReaderAsync(stop);
        await row.ReadAsync(stop);
        var end = (row.IsDBNull(0) ? null : row.GetString(0), row.GetBoolean(1));
        // What fails after that row is thrown here.
        while (await row.NextResultAsync(stop)) { }
        return end;
    }

    /// <summary>Taken, and not tried: it is due again then.</summary>
    public async Task PutOff(LeasedDelivery one, DateTimeOffset until, CancellationToken stop)
    {
        await using var batch = database.CreateBatch();
        batch.BatchCommands.Add(Of(one.Id, """
            update deliveries set due_at = $4, leased_until = null, attempts = attempts - 1 where order_id = $1 and sequence = $2 and receiver = $3 and state = 0 and attempts = $5
            """, At(until), Whole(one.Attempt)));
        await batch.ExecuteNonQueryAsync(stop);
    }

    /// <summary>Removes attempts that are older; a bounded number at once.</summary>
    public async Task<int> Forget(DateTimeOffset before, CancellationToken stop)
    {
        await using var forget = database.CreateCommand("""
            delete from delivery_attempts where (order_id, sequence, receiver, number) in
                (select order_id, sequence, receiver, number from delivery_attempts where sent_at < $1 limit 5000)
            """);
        forget.Parameters.Add(At(before));
        return await forget.ExecuteNonQueryAsync(stop);
    }

    static NpgsqlBatchCommand Attempts(IReadOnlyList<(LeasedDelivery Sent, DeliveryAnswer Answer)> all) => Of([.. all.Select(a => a.Sent.Id)], """
        insert into delivery_attempts (order_id, sequence, receiver, number, sent_at, took_ms, url, signature, status, trouble, answer)
        select * from unnest($1, $2, $3, $4, $5, $6, $7::text[], $8::text[], $9, $10::text[], $11::text[]) on conflict do nothing
        """, Wholes(all.Select(a => a.Sent.Attempt)),
        new NpgsqlParameter<DateTime[]> { TypedValue = [.. all.Select(a => a.Answer.SentAt.UtcDateTime)], NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.TimestampTz },
        Wholes(all.Select(a => (int)a.Answer.Took.TotalMilliseconds)), Texts(all.Select(a => a.Sent.Url)), Texts(all.Select(a => a.Answer.Signature)),
        new NpgsqlParameter<int?[]> { TypedValue = [.. all.Select(a => a.Answer.Status)], NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Integer },
        Texts(all.Select(a => a.Answer.Trouble)), Texts(all.Select(a => a.Answer.Text)));

    /// <summary>About several: their orders, sequences and receivers are the first three parameters, as arrays.</summary>
    static NpgsqlBatchCommand Of(IReadOnlyList<DeliveryId> ids, string sql, params NpgsqlParameter[] more)
    {
        var orders = new NpgsqlParameter<long[]> { TypedValue = [.. ids.Select(id => id.Order.Value)], NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bigint };
        var command = new NpgsqlBatchCommand(sql) { Parameters = { orders, Wholes(ids.Select(id => id.Sequence)), Wholes(ids.Select(id => id.Receiver)) } };
        foreach (var one in more) command.Parameters.Add(one);
        return command;
    }

    static NpgsqlBatchCommand Of(DeliveryId id, string sql, params NpgsqlParameter[] more)
    {
        var command = new NpgsqlBatchCommand(sql) { Parameters = { new NpgsqlParameter<long> { TypedValue = id.Order.Value }, Whole(id.Sequence), Whole(id.Receiver) } };
        foreach (var one in more) command.Parameters.Add(one);
        return command;
    }

    static NpgsqlParameter<bool> Yes(bool so) => new() { TypedValue = so };

    static NpgsqlParameter<int> Whole(int number) => new() { TypedValue = number };

    static NpgsqlParameter<int[]> Wholes(IEnumerable<int> numbers) => new() { TypedValue = [.. numbers], NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Integer };

    static NpgsqlParameter<string?[]> Texts(IEnumerable<string?> texts) => new() { TypedValue = [.. texts], NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text };

    static NpgsqlParameter At(DateTimeOffset? time) => new() { Value = time is { } at ? at.UtcDateTime : DBNull.Value, NpgsqlDbType = NpgsqlDbType.TimestampTz };

    static NpgsqlParameter Text(string? text) => new() { Value = (object?)text ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text };
}
