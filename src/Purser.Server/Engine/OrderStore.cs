using System.Data;
using System.Diagnostics;
using Npgsql;
using Purser.Orders;
using Purser.Payments;
using Purser.Refunds;

namespace Purser.Server.Engine;

/// <summary>Orders in PostgreSQL. A batch is two round trips: one that begins, locks and loads, one that writes and commits; each
/// statement takes arrays, so its text never changes and stays prepared.</summary>
public sealed class OrderStore(NpgsqlDataSource database) : IOrderStore
{
    /// <summary>By how much the time of what is written may differ from the start of its commit.</summary>
    public static readonly TimeSpan ReckonedWithin = TimeSpan.FromSeconds(10);

    /// <summary>How long a batch waits for an order that somebody else holds: another node for some milliseconds, one that froze, or a person at a prompt, for ever. The other orders
    /// of the lane must not wait with it.</summary>
    const string LockPatience = "set_config('lock_timeout', '1000', true)";

    /// <summary>For how long a transaction that nobody ends is asked about at a stretch.</summary>
    static readonly TimeSpan UnderWayFor = TimeSpan.FromSeconds(5);

    public IOrderSession OpenSession() => new Session(database);

    public async Task<IReadOnlyList<OrderId>> TakeDue(int most, TimeSpan lease, CancellationToken stop)
    {
        try
        {
            return await Take(most, lease, stop);
        }
        catch (Exception e) when (StoreFault.Is(e))
        {
            throw new StoreAwayException(e.Message, e);
        }
    }

    public async Task<PaymentId?> FindMoney(string account, string moneyReference, CancellationToken stop)
    {
        try
        {
            await using var ask = database.CreateCommand("select order_id, payment from captures where account = $1 and money_reference = $2");
            ask.Parameters.Add(new NpgsqlParameter<string> { TypedValue = account });
            ask.Parameters.Add(new NpgsqlParameter<string> { TypedValue = moneyReference });
            await using var rows = await ask.ExecuteReaderAsync(stop);
            return await rows.ReadAsync(stop) ? new PaymentId(new OrderId(rows.GetInt64(0)), rows.GetInt32(1)) : null;
        }
        catch (Exception e) when (StoreFault.Is(e))
        {
            throw new StoreAwayException(e.Message, e);
        }
    }

    public async Task<RefundId?> FindRefund(string account, string refundReference, CancellationToken stop)
    {
        try
        {
            await using var ask = database.CreateCommand("""
                select r.order_id, r.number from refunds r join payments p on p.order_id = r.order_id and p.number = r.payment
                where r.refund_reference = $2 and p.account = $1
                """);
            ask.Parameters.Add(new NpgsqlParameter<string> { TypedValue = account });
            ask.Parameters.Add(new NpgsqlParameter<string> { TypedValue = refundReference });
            await using var rows = await ask.ExecuteReaderAsync(stop);
            return await rows.ReadAsync(stop) ? new RefundId(new OrderId(rows.GetInt64(0)), rows.GetInt32(1)) : null;
        }
        catch (Exception e) when (StoreFault.Is(e))
        {
            throw new StoreAwayException(e.Message, e);
        }
    }

    async Task<IReadOnlyList<OrderId>> Take(int most, TimeSpan lease, CancellationToken stop)
    {
        await using var take = database.CreateCommand("""
            update orders set wake_at = clock_timestamp() + $2
            where id in (select id from orders where wake_at <= clock_timestamp() order by wake_at limit $1 for update skip locked)
            returning id
            """);
        take.Parameters.Add(new NpgsqlParameter<int> { TypedValue = most });
        take.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = lease });
        var due = new List<OrderId>();
        await using var rows = await take.ExecuteReaderAsync(stop);
        while (await rows.ReadAsync(stop)) due.Add(new OrderId(rows.GetInt64(0)));
        return due;
    }

    sealed class Session(NpgsqlDataSource database) : IOrderSession
    {
        Dictionary<OrderId, Revision> revisions = [];
        Dictionary<OrderId, byte[]> hashes = [];
        string mark = "";
        NpgsqlConnection? connection;
        bool begun;

        /// <summary>Npgsql has noticed that the connection is gone, which a keep-alive may find between two statements. Every use of it from then on
        /// is an InvalidOperationException, for ever: it must be let go.</summary>
        bool IsGone => connection is { State: not ConnectionState.Open };

        public async Task<LoadedBatch> Load(IReadOnlyList<EngineInput> batch, CancellationToken stop)
        {
            try
            {
                return await Read(await Open(stop), batch, stop);
            }
            catch (Exception e) when (StoreFault.Is(e) || IsGone)
            {
                throw await Broken(e, committing: false);
            }
        }

        async Task<NpgsqlConnection> Open(CancellationToken stop)
        {
            if (begun) await Rollback();
            if (IsGone) await Drop();
            return connection ??= await database.OpenConnectionAsync(stop);
        }

        public async Task<IReadOnlySet<OrderId>> Held(IReadOnlyCollection<OrderId> orders, CancellationToken stop)
        {
            try
            {
                await Open(stop);
                var held = await HeldNow([.. orders.Select(o => o.Value)], stop);
                // Another node holds its orders for some milliseconds, and that harms nobody.
                if (held.Count > 0)
                {
                    await Task.Delay(TimeSpan.FromMilliseconds(50), stop);
                    held = await HeldNow([.. held], stop);
                }
                return held.Select(id => new OrderId(id)).ToHashSet();
            }
            catch (Exception e) when (StoreFault.Is(e) || IsGone)
            {
                throw await Broken(e, committing: false);
            }
        }

        async Task<HashSet<long>> HeldNow(long[] orders, CancellationToken stop)
        {
            await using var look = new NpgsqlBatch(connection);
            Begin(look);
            look.Add(OrderTableStore.HeldOrders, orders);
            look.BatchCommands.Add(new NpgsqlBatchCommand("rollback"));
            begun = true;
            var held = new HashSet<long>();
            await using (var rows = await look.ExecuteReaderAsync(stop))
            {
                await rows.NextResultAsync(stop);
                while (await rows.ReadAsync(stop)) held.Add(rows.GetInt64(0));
            }
            begun = false;
            return held;
        }

        public async Task<IReadOnlyDictionary<OrderId, Revision>> Commit(BatchChanges changes, CancellationToken stop)
        {
            await using var write = new NpgsqlBatch(connection);
            return await Send(write, changes, () => write.ExecuteNonQueryAsync(stop));
        }

        public async Task<IReadOnlyDictionary<OrderId, Revision>> CommitIf(Guess guess, BatchChanges changes, CancellationToken stop)
        {
            try
            {
                await Open(stop);
            }
            catch (Exception e) when (StoreFault.Is(e) || IsGone)
            {
                throw await Broken(e, committing: false);
            }
            revisions = new Dictionary<OrderId, Revision>(guess.Still);
            await using var write = new NpgsqlBatch(connection);
            Begin(write);
            Array[] time = [new[] { guess.Now.UtcDateTime }, new[] { ReckonedWithin }];
            if (guess.Still.Count == 0) write.Add(OrderTableStore.IfInTime, time);
            else
                write.Add(guess.Still.Count == 1 ? OrderTableStore.LockOneIf : OrderTableStore.LockIf,
                    [guess.Still.Keys.Select(id => id.Value).ToArray(), guess.Still.Values.Select(r => r.Version).ToArray(), guess.Still.Values.Select(r => r.Hash).ToArray(), .. time]);
            begun = true;
            return await Send(write, changes, async () =>
            {
                await using var rows = await write.ExecuteReaderAsync(stop);
                await rows.NextResultAsync(stop);
                await rows.ReadAsync(stop);
                mark = rows.GetString(0);
                while (await rows.NextResultAsync(stop))
                {
                }
            });
        }

        async Task<IReadOnlyDictionary<OrderId, Revision>> Send(NpgsqlBatch write, BatchChanges changes, Func<Task> send)
        {
            hashes = revisions.ToDictionary(r => r.Key, r => r.Value.Hash);
            OrderTableStore.Write(write, changes, hashes);
            write.BatchCommands.Add(new NpgsqlBatchCommand("commit"));
            try
            {
                await send();
                begun = false;
            }
            catch (PostgresException wrong) when (wrong.SqlState == PostgresErrorCodes.DivisionByZero)
            {
                await Rollback();
                throw new StoreRefusedException("An order is no longer as it was remembered, or it is not the time that was reckoned.", passing: true, wrong) { Overtaken = true };
            }
            catch (Exception e) when (StoreFault.Is(e) || e is OperationCanceledException || (e is InvalidOperationException && IsGone))
            {
                throw await Broken(e, committing: true);
            }
            catch (Exception e)
            {
                // A value that cannot be written. The commit stands behind all values, so it was never sent; but what was sent breaks the connection.
                await Rollback();
                throw new StoreRefusedException(e.Message, passing: false, e);
            }
            // A row's version is the name of the transaction that wrote it, without its epoch.
            var version = (uint)ulong.Parse(mark, System.Globalization.CultureInfo.InvariantCulture);
            return hashes.ToDictionary(h => h.Key, h => new Revision(version, h.Value));
        }

        public async Task Rollback()
        {
            if (!begun || connection is null) return;
            begun = false;
            try
            {
                await using var rollback = new NpgsqlCommand("rollback", connection);
                await rollback.ExecuteNonQueryAsync();
            }
            catch (Exception e) when (StoreFault.Is(e) || IsGone)
            {
                await Drop();
            }
        }

        public async Task<bool> WasCommitted(CommitMark mark, CancellationToken stop)
        {
            try
            {
                await Drop();
                connection = await database.OpenConnectionAsync(stop);
                for (var since = Stopwatch.GetTimestamp(); ;)
                {
                    await using var ask = new NpgsqlCommand("select pg_xact_status($1::xid8)", connection);
                    ask.Parameters.Add(new NpgsqlParameter<string> { TypedValue = mark.Text });
                    // A backend that has not noticed that we are gone may still be at it.
                    if (await ask.ExecuteScalarAsync(stop) as string is var status && status != "in progress") return status == "committed";
                    if (Stopwatch.GetElapsedTime(since) > UnderWayFor) throw new StoreAwayException("The commit whose answer was lost is still under way.");
                    await Task.Delay(TimeSpan.FromMilliseconds(50), stop);
                }
            }
            catch (Exception e) when (StoreFault.Is(e) || IsGone)
            {
                await Drop();
                throw new StoreAwayException(e.Message, e);
            }
        }

        public async Task<bool> WasWritten(Guess guess, BatchChanges changes, CancellationToken stop)
        {
            try
            {
                await Drop();
                connection = await database.OpenConnectionAsync(stop);
                await using var ask = new NpgsqlBatch(connection);
                ask.BatchCommands.Add(new NpgsqlBatchCommand($"select {LockPatience}"));
                ask.Add("select from orders where id = any($1) order by id for update", guess.Still.Keys.Select(id => id.Value).ToArray());
                if (changes.Events is [.., var told])
                    ask.Add("select count(*) from events where order_id = any($1) and sequence = any($2) and hash = any($3)",
                        new[] { told.Order.Value }, new[] { told.Sequence }, new[] { hashes.GetValueOrDefault(told.Order) ?? [] });
                else if (changes.Calls is [(var order, var call), ..])
                    ask.Add("select count(*) from gateway_calls where order_id = any($1) and raw_key = any($2)", new[] { order.Value }, new[] { call.RawKey });
                await using var rows = await ask.ExecuteReaderAsync(stop);
                await rows.NextResultAsync(stop);
                // What left neither is done once more: that its rows are other ones by now may be anybody's doing, an alarm's that rang.
                return await rows.NextResultAsync(stop) && await rows.ReadAsync(stop) && rows.GetInt64(0) > 0;
            }
            catch (Exception e) when (StoreFault.Is(e) || IsGone)
            {
                await Drop();
                throw new StoreAwayException(e.Message, e);
            }
        }

        public async ValueTask DisposeAsync()
        {
            await Rollback();
            // It carries nothing of ours and may go back to the pool.
            if (connection is { } clean) await clean.DisposeAsync();
            connection = null;
        }

        async Task<LoadedBatch> Read(NpgsqlConnection open, IReadOnlyList<EngineInput> batch, CancellationToken stop)
        {
            var ids = batch.Where(i => i.Order is not null).Select(i => i.Order!.Value.Value).Distinct().Order().ToArray();
            var news = batch.Where(i => i.News is not null).Select(i => i.News!).ToArray();
            var keys = batch.Where(i => i.Key is not null).Select(i => i.Key!).ToArray();
            var references = batch.Select(i => i.Inputs is [OrderCommand.Create { Reference: { } r }] ? r : null).OfType<string>().Distinct().ToArray();

            await using var load = new NpgsqlBatch(open);
            Begin(load);
            load.Add(OrderTableStore.LockOrders, ids);
            load.Add(OrderTableStore.LoadPayments, ids);
            load.Add(RefundTableStore.Load, ids);
            load.BatchCommands.Add(new NpgsqlBatchCommand("select clock_timestamp(), pg_current_xact_id()::text"));
            if (news.Length > 0)
                load.Add("select account, event_id, verdict = 2 from gateway_news where (account, event_id) in (select * from unnest($1::text[], $2::text[]))",
                    news.Select(n => n.Account).ToArray(), news.Select(n => n.EventId).ToArray());
            if (keys.Length > 0)
                load.Add("select api_key_id, key, fingerprint, resource from request_keys where (api_key_id, key) in (select * from unnest($1::int[], $2::text[]))",
                    keys.Select(k => k.ApiKeyId).ToArray(), keys.Select(k => k.Key).ToArray());
            if (references.Length > 0)
                load.Add("select reference, id, fingerprint from orders where reference = any($1)", references);

            Array[] named = [.. BatchColumns.Named(batch, money: false), .. BatchColumns.Named(batch, money: true)];
            var isNamed = named.Any(column => column.Length > 0);
            if (isNamed) load.Add(OrderTableStore.LoadHolders, named);

            begun = true;
            await using var rows = await load.ExecuteReaderAsync(stop);
            await rows.NextResultAsync(stop);
            var payments = new Dictionary<long, List<Payment>>();
            var refunds = new Dictionary<long, List<Refund>>();
            var orders = new Dictionary<OrderId, Order>();
            revisions = [];
            while (await rows.ReadAsync(stop))
            {
                var order = OrderTableStore.ReadOrder(rows);
                orders.Add(order.Id, order);
                revisions.Add(order.Id, new Revision(rows.GetInt64("version"), rows.GetFieldValue<byte[]>("hash")));
            }
            await rows.NextResultAsync(stop);
            while (await rows.ReadAsync(stop)) Group(payments, rows.GetInt64(0)).Add(OrderTableStore.ReadPayment(rows));
            await rows.NextResultAsync(stop);
            while (await rows.ReadAsync(stop)) Group(refunds, rows.GetInt64(0)).Add(RefundTableStore.Read(rows));
            await rows.NextResultAsync(stop);
            await rows.ReadAsync(stop);
            var now = rows.GetFieldValue<DateTimeOffset>(0);
            mark = rows.GetString(1);

            var known = new HashSet<(string, string)>();
            var waiting = new HashSet<(string, string)>();
            if (news.Length > 0)
            {
                await rows.NextResultAsync(stop);
                while (await rows.ReadAsync(stop))
                {
                    known.Add((rows.GetString(0), rows.GetString(1)));
                    if (rows.GetBoolean(2)) waiting.Add((rows.GetString(0), rows.GetString(1)));
                }
            }
            var storedKeys = new Dictionary<(int, string), StoredKey>();
            if (keys.Length > 0)
            {
                await rows.NextResultAsync(stop);
                while (await rows.ReadAsync(stop))
                    storedKeys[(rows.GetInt32(0), rows.GetString(1))] = new StoredKey(rows.GetFieldValue<byte[]>(2), rows.GetString(3));
            }
            var holders = new Dictionary<string, (OrderId, byte[])>(StringComparer.Ordinal);
            if (references.Length > 0)
            {
                await rows.NextResultAsync(stop);
                while (await rows.ReadAsync(stop)) holders[rows.GetString(0)] = (new OrderId(rows.GetInt64(1)), rows.GetFieldValue<byte[]>(2));
            }

            var held = new Dictionary<GatewayName, PaymentId>();
            if (isNamed)
            {
                await rows.NextResultAsync(stop);
                while (await rows.ReadAsync(stop))
                    held[new GatewayName(rows.GetString(0), rows.GetBoolean(1), rows.GetString(2))] = new PaymentId(new OrderId(rows.GetInt64(3)), rows.GetInt32(4));
            }

            // Of equal news in one batch the first is fresh.
            var (fresh, aside) = (new HashSet<int>(), new HashSet<int>());
            for (var i = 0; i < batch.Count; i++)
                if (batch[i].News is not { } one) continue;
                else if (known.Add((one.Account, one.EventId))) fresh.Add(i);
                else if (waiting.Remove((one.Account, one.EventId))) aside.Add(i);
            foreach (var id in orders.Keys)
                if (payments.TryGetValue(id.Value, out var mine))
                    orders[id] = orders[id] with { Payments = [.. mine], Refunds = refunds.TryGetValue(id.Value, out var back) ? [.. back] : [] };
            return new LoadedBatch(now, new CommitMark(mark), orders, fresh, storedKeys, holders, revisions, held) { Aside = aside };
        }

        static List<T> Group<T>(Dictionary<long, List<T>> groups, long key)
        {
            if (!groups.TryGetValue(key, out var list)) groups.Add(key, list = []);
            return list;
        }

        static void Begin(NpgsqlBatch batch)
        {
            batch.BatchCommands.Add(new NpgsqlBatchCommand("begin"));
            batch.BatchCommands.Add(new NpgsqlBatchCommand($"{KeyLookup.Plan}, {LockPatience}"));
        }

        async Task<Exception> Broken(Exception e, bool committing)
        {
            if (e is PostgresException refused && !StoreFault.IsAway(refused))
            {
                await Rollback();
                await Unprepare(refused);
                return new StoreRefusedException(refused.MessageText, StoreFault.IsPassing(refused), refused)
                {
                    Held = refused.SqlState == PostgresErrorCodes.LockNotAvailable,
                    Taken = refused is { SqlState: PostgresErrorCodes.UniqueViolation, ConstraintName: "request_keys_pkey" or "orders_reference" },
                };
            }
            await Drop();
            // A refusal came instead of the commit; a broken connection says nothing, nor does a session that was ended just then.
            return committing && (e is not PostgresException end || StoreFault.EndsSession(end))
                ? new CommitUnknownException(e.Message, e)
                : new StoreAwayException(e.Message, e);
        }

        /// <summary>After an error among a batch's rows, as when the second of two orders is held, the driver takes the statements behind for prepared, and every later use of them
        /// fails (npgsql 6391). A taken key comes before any row, and often.</summary>
        async Task Unprepare(PostgresException refused)
        {
            if (refused.SqlState == PostgresErrorCodes.UniqueViolation || connection is null) return;
            try
            {
                connection.UnprepareAll();
            }
            catch (Exception e) when (StoreFault.Is(e) || IsGone)
            {
                await Drop();
            }
        }

        async Task Drop()
        {
            begun = false;
            if (connection is { } old)
            {
                connection = null;
                // A connection in an unknown state must not go back to the pool; the driver has no word for one alone.
                if (old.FullState.HasFlag(ConnectionState.Open)) database.Clear();
                await old.DisposeAsync();
            }
        }
    }
}
