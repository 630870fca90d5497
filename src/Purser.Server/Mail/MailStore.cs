using Npgsql;
using NpgsqlTypes;
using Purser.Orders;
using Purser.Server.Deliveries;
using Purser.Server.Settlement;

namespace Purser.Server.Mail;

/// <summary>Something that operators are told and that is no event of an order, as it is when it is told.</summary>
/// <param name="Failures">Of telling it, so far.</param>
public abstract record OperatorNotice(long Number, int Failures)
{
    /// <summary>What it is about, in a word.</summary>
    public abstract string About { get; }

    /// <param name="IsPaused">Still, or again.</param>
    public sealed record EndpointPaused(long Number, int Failures, string Endpoint, string Url, DateTimeOffset Since, bool IsPaused, string? Because, GivenUp Dead) : OperatorNotice(Number, Failures)
    {
        public override string About => Endpoint;
    }

    /// <param name="FailingSince">Null when something else was taken meanwhile.</param>
    public sealed record DeliveriesDead(long Number, int Failures, ReceiverKind Kind, string Endpoint, string Url, DateTimeOffset? FailingSince, GivenUp Dead) : OperatorNotice(Number, Failures)
    {
        public override string About => Endpoint;
    }

    /// <param name="HasEnded">No more questions can be opened.</param>
    /// <param name="Open">The questions that are open, by currency.</param>
    public sealed record RowsOpened(long Number, int Failures, long File, string Name, string Account, bool HasEnded, IReadOnlyList<(long Count, Money Sum)> Open)
        : OperatorNotice(Number, Failures)
    {
        public override string About => SettlementFile.IdOf(File);
    }

    /// <param name="Count">How many discrepancies no mail of their own tells of.</param>
    /// <param name="Sums">Of their amounts, one for each currency.</param>
    /// <param name="Newest">A few, with the word for what does not agree.</param>
    public sealed record Gathered(long Number, int Failures, DateTimeOffset Since, long Count, IReadOnlyList<Money> Sums, IReadOnlyList<(OrderId Order, string Discrepancy)> Newest)
        : OperatorNotice(Number, Failures)
    {
        public override string About => "discrepancies";
    }

    /// <param name="Count">How many files of the account stand refused.</param>
    /// <param name="Newest">A few.</param>
    public sealed record FilesRefused(long Number, int Failures, string Account, long Count, IReadOnlyList<RefusedFile> Newest) : OperatorNotice(Number, Failures)
    {
        public override string About => Account;
    }

    /// <param name="What">Its name, and why.</param>
    public sealed record FileNotKept(long Number, int Failures, string Account, string What) : OperatorNotice(Number, Failures)
    {
        public override string About => Account;
    }

    /// <param name="Oldest">Null when nothing is aside any more.</param>
    public sealed record NewsAside(long Number, int Failures, string Account, long Count, DateTimeOffset? Oldest) : OperatorNotice(Number, Failures)
    {
        public override string About => Account;
    }
}

/// <summary>What is given up of a receiver's deliveries by now.</summary>
/// <param name="Since">The time of the earliest one's event; null when there is none.</param>
/// <param name="Newest">The last that were given up: a few.</param>
public sealed record GivenUp(long Count, DateTimeOffset? Since, IReadOnlyList<(OrderId Order, EventType Type)> Newest);

/// <summary>Mail among the receivers, and the notices to operators.</summary>
public sealed class MailStore(NpgsqlDataSource database)
{
    /// <summary>So many orders are named in a mail; the others are listed over the API.</summary>
    const int MostNamed = 10;

    /// <summary>So many discrepancies have a mail of their own within an hour; whoever reads more reads none.</summary>
    const int MostLettersAnHour = 20;

    /// <summary>Any number, known to whoever lets letters out: one after another, so that no two are both the last.</summary>
    const long LettingOut = 0x5055_5253_4C45_5454;

    static readonly TimeSpan FilePatience = TimeSpan.FromDays(1);

    /// <summary>Makes mail a receiver where it is wanted, and ends it where it is not any more: what waited for it is then given up, visibly, by whoever sends deliveries. Null leaves it as it is.</summary>
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
                : new NpgsqlBatchCommand("update webhook_endpoints set status = 2, updated_at = $2 where id = $1 and status <> 2")
                { Parameters = { Text(id), At(now) } });
        }
        if (keep.BatchCommands.Count > 0) await keep.ExecuteNonQueryAsync(stop);
        await transaction.CommitAsync(stop);
    }

    /// <summary>Another delivery to the same receiver tells of a later try of the order that failed, so two that waited do not tell the same.</summary>
    public async Task<bool> TellsLater(DeliveryId id, CancellationToken stop)
    {
        await using var ask = database.CreateCommand("""
            select exists (select from deliveries d join events v on v.order_id = d.order_id and v.sequence = d.sequence
                where d.order_id = $1 and d.sequence > $2 and d.receiver = $3 and v.type = any($4))
            """);
        ask.Parameters.AddRange(new NpgsqlParameter[]
        {
            new NpgsqlParameter<long> { TypedValue = id.Order.Value }, new NpgsqlParameter<int> { TypedValue = id.Sequence }, new NpgsqlParameter<int> { TypedValue = id.Receiver },
            new NpgsqlParameter<short[]> { TypedValue = [(short)EventType.PaymentDeclined, (short)EventType.PaymentFailed], NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Smallint },
        });
        return (bool)(await ask.ExecuteScalarAsync(stop))!;
    }

    /// <summary>Whether a mail to operators about a discrepancy leaves by itself. Else a notice is written that tells, when its hour is over, of all that did not. Asked again it
    /// is answered the same.</summary>
    public async Task<bool> LetOut(DeliveryId id, DateTimeOffset now, CancellationToken stop)
    {
        await using var connection = await database.OpenConnectionAsync(stop);
        await using var transaction = await connection.BeginTransactionAsync(stop);
        await using var let = new NpgsqlBatch(connection);
        let.BatchCommands.Add(new NpgsqlBatchCommand("select pg_advisory_xact_lock($1)") { Parameters = { new NpgsqlParameter<long> { TypedValue = LettingOut } } });
        let.BatchCommands.Add(new NpgsqlBatchCommand("""
            insert into operator_letters (order_id, sequence, at, gathered)
            select $1, $2, $3, (select count(*) from operator_letters where at > $3 - interval '1 hour' and not gathered) >= $4 on conflict do nothing
            """)
        {
            Parameters =
            {
                new NpgsqlParameter<long> { TypedValue = id.Order.Value }, new NpgsqlParameter<int> { TypedValue = id.Sequence }, At(now), new NpgsqlParameter<int> { TypedValue = MostLettersAnHour },
            },
        });
        // A minute beyond the hour, for clocks of nodes differ.
        let.BatchCommands.Add(new NpgsqlBatchCommand("""
            with letter as (select at, gathered from operator_letters where order_id = $1 and sequence = $2),
            noticed as (
                insert into operator_notices (kind, receiver, since, at, due_at)
                select 5, $3, date_trunc('hour', at), at, date_trunc('hour', at) + interval '61 minutes' from letter where gathered on conflict do nothing)
            select not gathered from letter
            """)
        { Parameters = { new NpgsqlParameter<long> { TypedValue = id.Order.Value }, new NpgsqlParameter<int> { TypedValue = id.Sequence }, new NpgsqlParameter<int> { TypedValue = id.Receiver } } });
        bool alone;
        await using (var rows = await let.ExecuteReaderAsync(stop))
        {
            await rows.NextResultAsync(stop);
            await rows.ReadAsync(stop);
            alone = rows.GetBoolean(0);
        }
        await transaction.CommitAsync(stop);
        return alone;
    }

    /// <summary>Takes notices that are due. That of a file waits until the file is worked off, so that one mail tells of all its questions; not longer than a
    /// day, for a file may be stuck. Of a kind that only a newer program knows they are left to that.</summary>
    public async Task<IReadOnlyList<OperatorNotice>> TakeNotices(DateTimeOffset now, TimeSpan lease, int most, CancellationToken stop)
    {
        await using var take = database.CreateCommand($"""
            with due as (
                select n.number from operator_notices n left join settlement_files f on f.id = n.file
                where n.state = 0 and n.kind = any($7) and n.due_at <= $1 and (n.leased_until is null or n.leased_until <= $1) and (n.file is null or f.state = any($4) or n.at <= $5)
                order by n.due_at limit $3 for update of n skip locked),
            taken as (update operator_notices n set leased_until = $2 from due where n.number = due.number returning n.*)
            select t.number, t.failures, t.kind, t.since, e.id, e.url, e.paused_because, e.failing_since,
                u.count, u.since, u.orders, u.types, e.kind,
                t.file, f.name, coalesce(f.account, t.account), f.state = any($4), q.currencies, q.counts, q.sums, a.count, a.oldest,
                g.count, g.currencies, g.sums, g.orders, g.words,
                b.count, b.ids, b.names, b.whys, b.rows, b.columns, t.what, e.status = {(short)ReceiverStatus.Paused}
            from taken t left join webhook_endpoints e on e.number = t.receiver left join settlement_files f on f.id = t.file
            cross join lateral (
                select (select count(*) from deliveries d where d.receiver = t.receiver and d.state = 2), (select min(at) from deliveries d where d.receiver = t.receiver and d.state = 2) as since,
                    array_agg(l.order_id) as orders, array_agg(l.type) as types from (
                    select d.order_id, v.type from deliveries d join events v on v.order_id = d.order_id and v.sequence = d.sequence
                    where d.receiver = t.receiver and d.state = 2 order by d.ended_at desc, d.order_id desc, d.sequence desc limit $6) l) u
            cross join lateral (
                select array_agg(c.currency) as currencies, array_agg(c.count) as counts, array_agg(c.sum) as sums from (
                    select d.currency, count(*), least(sum(abs(d.amount::numeric)), 9223372036854775807)::bigint as sum from settlement_discrepancies d
                    where t.file is not null and d.file = t.file and d.opened_at >= t.since and d.resolved_at is null group by d.currency order by d.currency) c) q
            cross join lateral (
                select count(*), min(g.received_at) as oldest from gateway_news g where t.account is not null and g.verdict = 2 and g.account = t.account) a
            cross join lateral (
                with l as (
                    select l.at, l.order_id, v.data::jsonb as data from operator_letters l join events v on v.order_id = l.order_id and v.sequence = l.sequence
                    where t.kind = 5 and l.gathered and l.at >= t.since and l.at < t.since + interval '1 hour'),
                s as (
                    select data ->> 'currency' as currency, least(sum((data ->> 'amount')::numeric), 9223372036854775807)::bigint as sum from l where data ? 'amount' group by 1),
                n as (select order_id, data ->> 'discrepancy' as word from l order by at desc, order_id desc limit $6)
                select (select count(*) from l), (select array_agg(currency order by currency) from s) as currencies, (select array_agg(sum order by currency) from s) as sums,
                    (select array_agg(order_id) from n) as orders, (select array_agg(word) from n) as words) g
            cross join lateral (
                with r as (select f.id, f.name, f.refusal, f.refusal_row, f.refusal_column from settlement_files f where t.kind = 6 and f.account = t.account and {RefusedFileStore.Stands}),
                n as (select * from r order by id desc limit $6)
                select (select count(*) from r), (select array_agg(id order by id desc) from n) as ids, (select array_agg(name order by id desc) from n) as names,
                    (select array_agg(refusal order by id desc) from n) as whys, (select array_agg(refusal_row order by id desc) from n) as rows,
                    (select array_agg(refusal_column order by id desc) from n) as columns) b
            """);
        take.Parameters.AddRange(new NpgsqlParameter[]
        {
            At(now), At(now + lease), new NpgsqlParameter<int> { TypedValue = most },
            new NpgsqlParameter<short[]> { TypedValue = [(short)FileState.Done, (short)FileState.Refused], NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Smallint },
            At(now - FilePatience), new NpgsqlParameter<int> { TypedValue = MostNamed },
            new NpgsqlParameter<short[]> { TypedValue = Kinds, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Smallint },
        });
        var notices = new List<OperatorNotice>();
        await using var rows = await take.ExecuteReaderAsync(stop);
        while (await rows.ReadAsync(stop)) notices.Add(Notice(rows));
        return notices;
    }

    /// <summary>Those that <see cref="Notice"/> reads.</summary>
    static readonly short[] Kinds = [1, 2, 3, 4, 5, 6, 7];

    static OperatorNotice Notice(NpgsqlDataReader row)
    {
        DateTimeOffset? Time(int at) => row.IsDBNull(at) ? null : row.GetFieldValue<DateTimeOffset>(at);
        var (number, failures) = (row.GetInt64(0), row.GetInt32(1));
        var dead = new GivenUp(row.GetInt64(8), Time(9), row.IsDBNull(10) ? [] :
            [.. row.GetFieldValue<long[]>(10).Zip(row.GetFieldValue<short[]>(11), (order, type) => (new OrderId(order), (EventType)type))]);
        switch (row.GetInt16(2))
        {
            case 1:
                return new OperatorNotice.EndpointPaused(number, failures, row.GetString(4), row.GetString(5), Time(3)!.Value, row.GetBoolean(34), row.IsDBNull(6) ? null : row.GetString(6), dead);
            case 2:
                return new OperatorNotice.DeliveriesDead(number, failures, (ReceiverKind)row.GetInt16(12), row.GetString(4), row.GetString(5), Time(7), dead);
            case 3:
                var open = new List<(long, Money)>();
                if (!row.IsDBNull(17))
                    foreach (var (currency, (count, sum)) in row.GetFieldValue<string[]>(17).Zip(row.GetFieldValue<long[]>(18).Zip(row.GetFieldValue<long[]>(19))))
                        open.Add((count, new Money(sum, Currency.Find(currency))));
                return new OperatorNotice.RowsOpened(number, failures, row.GetInt64(13), row.GetString(14), row.GetString(15), row.GetBoolean(16), open);
            case 4:
                return new OperatorNotice.NewsAside(number, failures, row.GetString(15), row.GetInt64(20), Time(21));
            case 5:
                return new OperatorNotice.Gathered(number, failures, Time(3)!.Value, row.GetInt64(22),
                    row.IsDBNull(23) ? [] : [.. row.GetFieldValue<string[]>(23).Zip(row.GetFieldValue<long[]>(24), (currency, sum) => new Money(sum, Currency.Find(currency)))],
                    row.IsDBNull(25) ? [] : [.. row.GetFieldValue<long[]>(25).Zip(row.GetFieldValue<string[]>(26), (order, word) => (new OrderId(order), word))]);
            case 6:
                var refused = new List<RefusedFile>();
                if (!row.IsDBNull(28))
                {
                    var (ids, names, whys) = (row.GetFieldValue<long[]>(28), row.GetFieldValue<string[]>(29), row.GetFieldValue<string[]>(30));
                    var (rows, columns) = (row.GetFieldValue<int?[]>(31), row.GetFieldValue<string?[]>(32));
                    for (var i = 0; i < ids.Length; i++) refused.Add(new RefusedFile(ids[i], row.GetString(15), names[i], new FileRefusal(whys[i], rows[i], columns[i])));
                }
                return new OperatorNotice.FilesRefused(number, failures, row.GetString(15), row.GetInt64(27), refused);
            case 7:
                return new OperatorNotice.FileNotKept(number, failures, row.GetString(15), row.GetString(33));
            case var kind:
                throw new InvalidOperationException($"No notice is of kind {kind}.");
        }
    }

    /// <param name="ended">It was delivered, or is no longer so.</param>
    /// <param name="next">When it is tried again otherwise: a notice is never given up, for nothing but this mail tells of it.</param>
    public async Task Told(OperatorNotice notice, bool ended, string outcome, DateTimeOffset next, DateTimeOffset now, CancellationToken stop)
    {
        await using var told = database.CreateCommand("""
            update operator_notices set state = case when $2 then 1 else 0 end, due_at = case when $2 then due_at else $4 end, leased_until = null,
                failures = failures + case when $2 then 0 else 1 end, ended_at = case when $2 then $5 end, outcome = $3
            where number = $1 and state = 0
            """);
        told.Parameters.AddRange(new NpgsqlParameter[]
        {
            new NpgsqlParameter<long> { TypedValue = notice.Number }, new NpgsqlParameter<bool> { TypedValue = ended }, Text(outcome), At(next), At(now),
        });
        await told.ExecuteNonQueryAsync(stop);
    }

    static NpgsqlParameter<string> Text(string text) => new() { TypedValue = text };

    static NpgsqlParameter<DateTime> At(DateTimeOffset time) => new() { TypedValue = time.UtcDateTime, NpgsqlDbType = NpgsqlDbType.TimestampTz };
}
