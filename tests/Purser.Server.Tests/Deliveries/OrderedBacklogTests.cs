using Npgsql;
using Purser.Orders;
using Purser.Server.Deliveries;
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
        await store.Succeeded(free[0], Heard, Now, default);
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
        foreach (var head in heads) await store.Succeeded(head, Heard, NextTry, default);
        var next = (await Take(NextTry)).Deliveries;
        next.Select(n => (n.Id.Order, n.Id.Sequence)).Order().ShouldBe(heads.Select(h => (h.Id.Order, 2)).Order());
    }

    Task<Taken> Take(DateTimeOffset now) => store.Take(now, TimeSpan.FromMinutes(1), new Dictionary<int, int>(), Places, [ReceiverKind.Endpoint], default);

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
