using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Purser.Orders;
using Purser.Server.Engine;
using Purser.Server.Platform;
using Purser.Server.Tests.Engine;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Audit;

/// <summary>The chain as PostgreSQL computes it by itself, beside the one that the engine wrote.</summary>
public sealed class ChainTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    const string Broken = """
        with recursive chain (order_id, sequence, stored, computed) as (
          select e.order_id, e.sequence, e.hash, sha256(int8send(e.order_id) || int4send(e.sequence) || int2send(e.type) || timestamptz_send(e.at) || convert_to(e.data, 'UTF8'))
          from events e where e.sequence = 1
          union all
          select e.order_id, e.sequence, e.hash,
            sha256(c.computed || int8send(e.order_id) || int4send(e.sequence) || int2send(e.type) || timestamptz_send(e.at) || convert_to(e.data, 'UTF8'))
          from chain c join events e on e.order_id = c.order_id and e.sequence = c.sequence + 1)
        select count(*) from chain where stored <> computed
        """;

    [Fact]
    public async Task The_engine_writes_the_chain_that_postgresql_computes()
    {
        await using var world = await EngineWorld.Create(await postgres.CreateDatabase());
        var ids = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => world.WithLink()));
        // Letters of many lengths, and two hearings of the same success in one batch.
        await Task.WhenAll(ids.SelectMany(id => new[] { "é€😀\"\\\u0001", "again" }.Select(word =>
            world.Engine.Submit(EngineWorld.Paid(id, $"{word} {id.Letters}", money: $"{word[..1]} {id.Letters}"), default))));

        (await world.Ask<long>("select count(*) from events where octet_length(hash) = 32")).ShouldBeGreaterThan(20 * 5);
        (await world.Ask<long>("select count(*) from events where octet_length(hash) <> 32")).ShouldBe(0);
        (await world.Ask<long>(Broken)).ShouldBe(0);
        (await world.Ask<long>("select count(*) from orders o join events e on e.order_id = o.id and e.sequence = o.sequence where o.hash = e.hash")).ShouldBe(20);
    }

    [Fact]
    public async Task Events_from_before_the_chain_are_chained_when_the_schema_comes_forward()
    {
        await using var database = Database.Build(await postgres.CreateEmptyDatabase());
        var books = Migration.Embedded.Single(step => step.Name == "books");
        await Migrations.Apply(database, [.. Migration.Embedded.Where(step => step.Number < books.Number)], NullLogger.Instance);
        await Do(database, """
            insert into events (order_id, sequence, type, at, data)
            select id, n, n, timestamptz '2026-03-01 10:00:00.123456Z' + n * interval '1 second', '{"é": ' || n || '}' from generate_series(1, 2) id, generate_series(1, 3) n;
            insert into orders (id, fingerprint, amount, currency, description, lines, metadata, late_policy, duplicate_policy, second_link, status, sequence, created_at, expires_at, wake_at)
            values (1, '', 1, 'INR', '', '', '', 0, 0, false, 0, 3, now(), now(), now());
            """);

        await Migrations.Apply(database, Migration.Embedded, NullLogger.Instance);

        (await Do(database, Broken)).ShouldBe(0L);
        byte[] hash = [];
        for (var n = 1; n <= 3; n++)
            hash = EventChain.Next(hash, new OrderId(1), n, (EventType)n, new DateTimeOffset(2026, 3, 1, 10, 0, n, 123, 456, TimeSpan.Zero), $$"""{"é": {{n}}}""");
        (await Do(database, "select hash from events where order_id = 1 and sequence = 3")).ShouldBe(hash);
        (await Do(database, "select hash from orders where id = 1")).ShouldBe(hash);
    }

    static async Task<object?> Do(NpgsqlDataSource database, string sql)
    {
        await using var command = database.CreateCommand(sql);
        return await command.ExecuteScalarAsync();
    }
}
