using Npgsql;
using Purser.Orders;
using Purser.Server.Doctor;
using Purser.Server.Engine;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Engine;

/// <summary>A node that froze in the middle of a commit, or a person at a prompt, holds an order: that must harm this order alone.</summary>
public sealed class HeldOrderTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Who_holds_one_order_keeps_no_other_of_its_lane_waiting(bool remembered)
    {
        var database = await postgres.CreateDatabase();
        await using var setting = await EngineWorld.Create(database, new EngineOptions { Lanes = 1 });
        var ids = new List<OrderId>();
        for (var i = 0; i < 21; i++) ids.Add(await setting.WithLink());
        await using var fresh = await EngineWorld.Create(database, new EngineOptions { Lanes = 1 });
        var world = remembered ? setting : fresh;
        await using var holder = await setting.Database.OpenConnectionAsync();
        await using var held = await holder.BeginTransactionAsync();
        await using (var take = new NpgsqlCommand("select id from orders where id = $1 for update", holder, held))
        {
            take.Parameters.Add(new NpgsqlParameter<long> { TypedValue = ids[7].Value });
            await take.ExecuteNonQueryAsync();
        }

        var told = await Task.WhenAll(ids.Select((id, i) => world.Engine.Submit(EngineWorld.Paid(id, $"evt_{i}", money: $"pi_{i}"), default)));
        told[7].ShouldBeOfType<EngineReply.Busy>().Why.ShouldBe("The order is held by somebody else.");
        told.Where((_, i) => i != 7).ShouldAllBe(t => t is EngineReply.Done);

        await held.RollbackAsync();
        // That it was held is remembered for a second.
        await Until.True(async () => await world.Engine.Submit(EngineWorld.Paid(ids[7], "evt_7", money: "pi_7"), default) is EngineReply.Done, "the order to be free");
        (await world.Ask<long>("select count(*) from orders where status = 1")).ShouldBe(21);
        (await new InvariantStore(world.Database).Check(default)).Where(f => f.Count > 0).ShouldBeEmpty();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task However_much_is_wanted_of_a_held_order_its_lane_waits_for_it_once(bool remembered)
    {
        var database = await postgres.CreateDatabase();
        await using var source = Server.Platform.Database.Build(database);
        var between = new StoreBetween(new OrderStore(source));
        await using var world = await EngineWorld.Create(database, new EngineOptions { Lanes = 1, Remembered = remembered ? 8192 : 2 }, between);
        var ids = new List<OrderId>();
        for (var i = 0; i < 24; i++) ids.Add(await world.WithLink());
        await using var holder = await world.Database.OpenConnectionAsync();
        await using var held = await holder.BeginTransactionAsync();
        await using (var take = new NpgsqlCommand("select id from orders where id = $1 for update", holder, held))
        {
            take.Parameters.Add(new NpgsqlParameter<long> { TypedValue = ids[7].Value });
            await take.ExecuteNonQueryAsync();
        }

        var (others, wanted) = (new List<Task<EngineReply>>(), new List<Task<EngineReply>>());
        for (var i = 0; i < 100; i++)
        {
            var n = i % ids.Count == 7 ? 8 : i % ids.Count;
            others.Add(world.Engine.Submit(EngineWorld.Paid(ids[n], $"evt_{i}", money: $"pi_{n}"), default));
            if (i % 5 == 0) wanted.Add(world.Engine.Submit(EngineWorld.Paid(ids[7], $"held_{i}", money: "pi_7"), default));
        }
        (await Task.WhenAll(others)).ShouldAllBe(t => t is EngineReply.Done);
        (await Task.WhenAll(wanted)).ShouldAllBe(t => t is EngineReply.Busy);
        between.Held.ShouldBe(1);
        (await world.Ask<long>("select count(*) from orders where status = 1")).ShouldBe(23);
        await held.RollbackAsync();
    }

    [Fact]
    public async Task What_a_batch_sets_for_itself_ends_with_it()
    {
        var connection = await postgres.CreateDatabase();
        await using var single = Server.Platform.Database.Build(connection + ";Maximum Pool Size=1");
        await using var world = await EngineWorld.Create(connection, new EngineOptions { Lanes = 1 }, new OrderStore(single));
        await using (var note = world.Database.CreateCommand("""
            create table noted (patience text, backend int);
            create function note() returns trigger language plpgsql as $$ begin insert into noted values (current_setting('lock_timeout'), pg_backend_pid()); return null; end $$;
            create trigger note after insert on orders for each row execute function note();
            """))
            await note.ExecuteNonQueryAsync();
        await world.Placed();
        await world.Placed();
        await world.Engine.DisposeAsync();
        (await world.Ask<string>("select string_agg(patience, ' ') from noted")).ShouldBe("1s 1s");
        // The same session, as the pool gives it to the next.
        await using var ask = single.CreateCommand("select current_setting('lock_timeout') || ' ' || pg_backend_pid()");
        (await ask.ExecuteScalarAsync()).ShouldBe($"0 {await world.Ask<int>("select min(backend) from noted")}");
    }

    [Fact]
    public async Task Contention_without_end_is_answered_as_busy_and_not_as_a_bug()
    {
        var database = await postgres.CreateDatabase();
        await using var source = Server.Platform.Database.Build(database);
        var between = new StoreBetween(new OrderStore(source));
        await using var world = await EngineWorld.Create(database, new EngineOptions { Lanes = 1 }, between);
        var id = await world.WithLink();
        between.AroundCommit = _ => throw new StoreRefusedException("could not serialize access", passing: true);
        (await world.Engine.Submit(EngineWorld.Paid(id, "evt_1"), default)).ShouldBeOfType<EngineReply.Busy>().Why.ShouldBe("The database is too busy.");
        between.AroundCommit = commit => commit();
        (await world.Engine.Submit(EngineWorld.Paid(id, "evt_1"), default)).ShouldBeOfType<EngineReply.Done>();
    }
}
