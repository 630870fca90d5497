using Npgsql;
using Purser.Orders;
using Purser.Server.Deliveries;
using Purser.Server.Invoices;
using Purser.Server.Mail;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Deliveries;

/// <summary>A hundred thousand events of orders whose first event is waiting for its next try, at a receiver that wants an order's events in order.</summary>
public sealed class OrderedBacklogTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>, IAsyncLifetime
{
    const int Orders = 20_000;
    const int Places = 8;
    static readonly DateTimeOffset Now = TimeProvider.System.GetUtcNow();
    static readonly DateTimeOffset NextTry = Now.AddHours(10);
    static readonly DeliveryAnswer Heard = new(Now, TimeSpan.Zero, 200, null, null, null, "");

    NpgsqlDataSource database = null!;
    DeliveryStore store = null!;

    public async Task InitializeAsync()
    {
        // One connection, for what it has read is counted in it until it is asked for.
        database = Server.Platform.Database.Build(new NpgsqlConnectionStringBuilder(await postgres.CreateDatabase()) { MaxPoolSize = 1 }.ConnectionString);
        store = new DeliveryStore(database);
        await Do($"""
            insert into webhook_endpoints (id, url, ordered, created_at, updated_at) values ('whe_1', 'https://shop.example/hook', true, $1, $1);
            insert into deliveries (order_id, sequence, receiver, at, due_at, attempts, failures)
            select o, s, 1, $1, case when s = 1 then $2 else $1 end, case when s = 1 then 6 else 0 end, case when s = 1 then 6 else 0 end
            from generate_series(1, {Orders}) o, generate_series(1, 6) s;
            insert into deliveries (order_id, sequence, receiver, at, due_at) values ({Orders + 1}, 1, 1, $1, $1);
            insert into events (order_id, sequence, type, at, data) select order_id, sequence, 1, $1, '' from deliveries;
            """);
        await Do("analyze deliveries");
    }

    public async Task DisposeAsync() => await database.DisposeAsync();

    [Fact]
    public async Task What_waits_behind_others_is_looked_at_once_and_keeps_nobody_waiting()
    {
        var before = await Read();
        var (looks, free) = (0, new List<LeasedDelivery>());
        Taken taken;
        do
        {
            taken = await Take(Now);
            looks++;
            free.AddRange(taken.Deliveries);
        }
        while (taken.HasPostponed);
        free.ShouldHaveSingleItem().Id.Order.Value.ShouldBe(Orders + 1, "the one that waits for nobody");
        await store.Succeeded([(free[0], Heard)], Now, default);
        // Each look reads what it puts off, and what that waits for.
        ((await Read()).Rows - before.Rows).ShouldBeLessThan(Orders * 5 * 10);
        looks.ShouldBeLessThan(Orders * 5 / 1000);

        await Do("vacuum deliveries");
        before = await Read();
        (await Take(Now)).Deliveries.ShouldBeEmpty();
        var quiet = await Read();
        (quiet.Rows - before.Rows).ShouldBeLessThan(10);
        (quiet.Blocks - before.Blocks).ShouldBeLessThan(100);

        // The heads may go: those, and what waits behind one that was taken.
        before = await Read();
        var heads = (await Take(NextTry)).Deliveries;
        ((await Read()).Rows - before.Rows).ShouldBeLessThan(20_000);
        heads.Count.ShouldBe(Places);
        heads.ShouldAllBe(h => h.Id.Sequence == 1);
        foreach (var head in heads) await store.Succeeded([(head, Heard)], NextTry, default);
        var next = (await Take(NextTry)).Deliveries;
        next.Select(n => (n.Id.Order, n.Id.Sequence)).Order().ShouldBe(heads.Select(h => (h.Id.Order, 2)).Order());
    }

    [Fact]
    public async Task A_backlog_is_released_and_given_up_in_steps_and_the_endpoint_itself_at_once()
    {
        var (receivers, mail, books) = (new ReceiverStore(database), new MailStore(database), new InvoiceStore(database));
        await Do("update deliveries set due_at = case when $1 < $2 then $2 end where sequence > 1");
        await using (var note = database.CreateCommand("""
            create table steps (count bigint);
            create function note() returns trigger language plpgsql as $$ begin insert into steps select count(*) from changed; return null; end $$;
            create trigger noted after update on deliveries referencing new table as changed for each statement execute function note();
            """)) await note.ExecuteNonQueryAsync();

        (await receivers.Change("whe_1", new ReceiverChange(null, null, null, false, null), Now, default))!.Ordered.ShouldBeFalse();
        (await Count($"select count(*) from deliveries where due_at > '{Now:O}'")).ShouldBe(Orders, "those that wait for their own next try");
        (await Count("select sum(count)::bigint from steps")).ShouldBe(Orders * 5);

        // Whoever goes on is told of the rest, and not of all in one moment.
        (await receivers.Change("whe_1", new ReceiverChange(null, null, null, null, ReceiverStatus.Paused), Now, default))!.Status.ShouldBe(ReceiverStatus.Paused);
        (await Count($"select count(*) from deliveries where due_at > '{Now:O}'")).ShouldBe(Orders);
        (await receivers.Change("whe_1", new ReceiverChange(null, null, null, null, ReceiverStatus.Active), Now, default))!.Status.ShouldBe(ReceiverStatus.Active);
        (await Count("select count(*) from deliveries where failures > 0")).ShouldBe(0, "each begins its schedule anew");
        (await Count($"select max(seconds.count) from (select count(*) from deliveries where due_at > '{Now:O}' group by due_at) seconds")).ShouldBe(ReceiverStore.ResumedPerSecond);
        (await Count($"select count(*) from deliveries where due_at > '{Now.AddSeconds(Orders / ReceiverStore.ResumedPerSecond):O}'")).ShouldBe(0);
        (await Count("select sum(count)::bigint from steps")).ShouldBe(Orders * 6);
        // Resumed on the day after, when all that was put off is due: the one try that is left must not be the last.
        await using (var tired = database.CreateCommand($"update deliveries set failures = 7, due_at = '{Now.AddHours(-13):O}' where order_id = (select min(order_id) from deliveries) and sequence = 1"))
            (await tired.ExecuteNonQueryAsync()).ShouldBeGreaterThan(0);
        foreach (var status in new[] { ReceiverStatus.Paused, ReceiverStatus.Active }) await receivers.Change("whe_1", new ReceiverChange(null, null, null, null, status), Now, default);
        (await Count("select count(*) from deliveries where failures > 0 and receiver = (select number from webhook_endpoints where id = 'whe_1')")).ShouldBe(0);

        // Ending mail or the books touches nothing of what waits for them.
        var touched = await Count("select count(*) from steps");
        foreach (var (id, kind, outcome) in new[] { ("mail_shoppers", 1, "Mail was ended."), ("invoices", 3, "Invoices were ended.") })
        {
            await Do($"update webhook_endpoints set id = '{id}', kind = {kind}, status = 0");
            if (kind == 1) await mail.Keep(false, null, Now, default);
            else await books.Keep(false, Now, default);
            (await Count("select count(*) from steps")).ShouldBe(touched++);
            (await receivers.GiveUp((await receivers.Deleted(default)).ShouldHaveSingleItem(), Now, default)).ShouldBe(ReceiverStore.Step.Most);
            (await Count($"select count(*) from deliveries where state = 2 and outcome = '{outcome}'")).ShouldBe(ReceiverStore.Step.Most);
        }

        await Do("update webhook_endpoints set id = 'whe_1', kind = 0, status = 0");
        (await receivers.Delete("whe_1", Now, default)).ShouldNotBeNull();
        (await Count("select count(*) from webhook_endpoints where status = 2")).ShouldBe(1);
        (await Count("select count(*) from deliveries where state = 2")).ShouldBe(ReceiverStore.Step.Most * 3);
        var ended = (await receivers.Deleted(default)).ShouldHaveSingleItem();
        while (await receivers.GiveUp(ended, Now, default) == ReceiverStore.Step.Most) { }
        (await Count("select count(*) from deliveries where state = 2 and outcome = 'The endpoint was deleted.'")).ShouldBe(Orders * 6 + 1 - ReceiverStore.Step.Most * 2);
        (await receivers.Deleted(default)).ShouldBeEmpty();
        (await Count("select max(count) from steps")).ShouldBe(ReceiverStore.Step.Most);
    }

    Task<Taken> Take(DateTimeOffset now) => store.Take(now, TimeSpan.FromMinutes(1), new Dictionary<int, int>(), Places, [ReceiverKind.Endpoint], default);

    async Task<long> Count(string sql)
    {
        await using var ask = database.CreateCommand(sql);
        return (long)(await ask.ExecuteScalarAsync())!;
    }

    async Task Do(string sql)
    {
        foreach (var one in sql.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            await using var command = database.CreateCommand(one);
            if (one.Contains("$1", StringComparison.Ordinal)) command.Parameters.AddWithValue(Now.UtcDateTime);
            if (one.Contains("$2", StringComparison.Ordinal)) command.Parameters.AddWithValue(NextTry.UtcDateTime);
            await command.ExecuteNonQueryAsync();
        }
    }

    /// <summary>Rows and blocks of deliveries that were read so far.</summary>
    async Task<(long Rows, long Blocks)> Read()
    {
        await Do("select pg_stat_force_next_flush()");
        await using var ask = database.CreateCommand("""
            select t.seq_tup_read + t.idx_tup_fetch, b.heap_blks_read + b.heap_blks_hit + b.idx_blks_read + b.idx_blks_hit
            from pg_stat_user_tables t join pg_statio_user_tables b using (relid) where t.relname = 'deliveries'
            """);
        await using var rows = await ask.ExecuteReaderAsync();
        await rows.ReadAsync();
        return (rows.GetInt64(0), rows.GetInt64(1));
    }
}
