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
        (await world.Engine.Submit(EngineWorld.Paid(ids[7], "evt_7", money: "pi_7"), default)).ShouldBeOfType<EngineReply.Done>();
        (await world.Ask<long>("select count(*) from orders where status = 1")).ShouldBe(21);
        (await new InvariantStore(world.Database).Check(default)).Where(f => f.Count > 0).ShouldBeEmpty();
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
