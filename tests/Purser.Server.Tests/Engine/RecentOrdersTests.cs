using Microsoft.Extensions.Logging;
using Purser.Orders;
using Purser.Payments;
using Purser.Server.Doctor;
using Purser.Server.Engine;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Engine;

/// <summary>What a lane remembers saves it the loading, and is never believed before the database has confirmed it.</summary>
public sealed class RecentOrdersTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>, IAsyncLifetime
{
    readonly List<Npgsql.NpgsqlDataSource> sources = [];

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        foreach (var source in sources) await source.DisposeAsync();
    }

    [Fact]
    public async Task An_order_that_was_written_here_is_not_loaded_again()
    {
        var (world, seen) = await World(await postgres.CreateDatabase());
        await using var _ = world;
        await world.Placed();
        var (loads, guesses) = (seen.Loads, seen.Guesses);
        var id = await world.WithLink();
        await world.Engine.Submit(EngineWorld.Paid(id, "evt_1"), default);

        (seen.Loads - loads, seen.Guesses - guesses).ShouldBe((0, 4));
        await Sound(world);
    }

    [Fact]
    public async Task What_is_remembered_equals_what_is_stored()
    {
        var database = await postgres.CreateDatabase();
        var (one, seen) = await World(database);
        await using var first = one;
        await one.Placed();
        var id = await one.WithLink();
        var paid = Order(await one.Engine.Submit(EngineWorld.Paid(id, "evt_1"), default));
        var given = Order(await one.Do(id, new OrderCommand.Refund(null, new Money(100, Currency.Find("INR")), "a scratch")));
        seen.Refused.ShouldBe(0);

        var (other, _) = await World(database);
        await using var last = other;
        var stored = ((Reply.Refused)((EngineReply.Done)await other.Do(id, new OrderCommand.Cancel())).Reply!).Order!;
        stored.Payments.ShouldBe(given.Payments);
        stored.Refunds.ShouldBe(given.Refunds);
        (stored with { Payments = given.Payments, Refunds = given.Refunds }).ShouldBe(given);
        given.Sequence.ShouldBeGreaterThan(paid.Sequence);
    }

    [Theory]
    [InlineData(-11, 1)]
    [InlineData(-5, 0)]
    [InlineData(5, 0)]
    [InlineData(11, 1)]
    public async Task A_time_that_was_reckoned_too_wrongly_is_not_written(int seconds, int refused)
    {
        var (world, seen) = await World(await postgres.CreateDatabase());
        await using var _ = world;
        var order = await world.Placed();
        seen.WrongBy = TimeSpan.FromSeconds(seconds);
        Order(await world.Do(order, new OrderCommand.Cancel())).Status.ShouldBe(OrderStatus.Cancelled);
        seen.Refused.ShouldBe(refused);
        await Sound(world);
    }

    [Fact]
    public async Task What_another_node_did_meanwhile_is_seen_before_anything_is_written_or_answered()
    {
        var database = await postgres.CreateDatabase();
        var (one, seen) = await World(database);
        await using var first = one;
        var (other, theirs) = await World(database);
        await using var last = other;
        await one.Placed();
        var (id, second) = (await one.WithLink(), await one.Placed());
        Order(await other.Engine.Submit(EngineWorld.Paid(id, "evt_1"), default)).Status.ShouldBe(OrderStatus.Paid);
        Order(await other.Do(second, new OrderCommand.Cancel())).Status.ShouldBe(OrderStatus.Cancelled);

        // It would write.
        ((EngineReply.Done)await one.Do(id, new OrderCommand.Cancel())).Reply.ShouldBeOfType<Reply.Refused>().Why.ShouldBe(Refusal.OrderPaid);
        seen.Refused.ShouldBe(1);
        // It would only answer.
        ((EngineReply.Done)await one.Do(second, new OrderCommand.Fulfil())).Reply.ShouldBeOfType<Reply.Refused>().Order!.Status.ShouldBe(OrderStatus.Cancelled);
        await Sound(one);
    }

    [Fact]
    public async Task An_alarm_that_rings_between_two_inputs_costs_one_more_decision_and_is_no_news_for_the_log()
    {
        var (world, seen) = await World(await postgres.CreateDatabase());
        await using var _ = world;
        var id = await world.WithLink();
        // What rings writes the lease on the order's row, and its tick may come after what a gateway says.
        await world.Ask<long>("update orders set wake_at = clock_timestamp() - interval '1 second' returning id");
        (await world.Store.TakeDue(1, TimeSpan.FromSeconds(30), default)).ShouldBe([id]);
        Order(await world.Engine.Submit(EngineWorld.Paid(id, "evt_1"), default)).Status.ShouldBe(OrderStatus.Paid);

        seen.Refused.ShouldBe(1);
        var told = world.Log.Lines.Where(l => l.Words.Contains("remembered")).ShouldHaveSingleItem();
        told.Level.ShouldBe(LogLevel.Debug);
        told.Words.ShouldStartWith("1 inputs were decided on orders as they were remembered, which are newer in the database");
        world.Log.Lines.ShouldNotContain(l => l.Level >= LogLevel.Information && l.Words.Contains("again"));
        world.Log.Lines.ShouldContain((LogLevel.Information, $"order.created {id} event 1"));
        world.Log.Lines.ShouldContain((LogLevel.Information, $"payment.started {id} payment 1 event 2"));
        await Sound(world);
    }

    [Fact]
    public async Task Two_nodes_that_write_to_the_same_orders_by_turns_and_at_once_lose_nothing()
    {
        var database = await postgres.CreateDatabase();
        var (one, seen) = await World(database);
        await using var first = one;
        var (other, theirs) = await World(database);
        await using var last = other;
        var ids = new List<OrderId>();
        for (var i = 0; i < 12; i++) ids.Add(await one.WithLink());
        for (var round = 0; round < 8; round++)
            await Task.WhenAll(ids.SelectMany((id, i) => new[]
            {
                one.Engine.Submit(EngineWorld.Paid(id, $"a_{i}_{round}", money: $"pi_{i}_{round}"), default),
                other.Engine.Submit(EngineWorld.Paid(id, $"b_{i}_{round}", money: $"qi_{i}_{round}"), default),
            }));

        (seen.Refused + theirs.Refused).ShouldBeGreaterThan(0);
        (await one.Ask<long>("select count(*) from captures")).ShouldBe(12 * 8 * 2);
        (await one.Ask<long>("select count(*) from orders where status = 1")).ShouldBe(12);
        await Sound(one);
    }

    [Fact]
    public async Task The_same_news_and_the_same_reference_again_are_told_apart_though_nothing_is_loaded()
    {
        var database = await postgres.CreateDatabase();
        var (one, seen) = await World(database);
        await using var first = one;
        var (other, theirs) = await World(database);
        await using var last = other;
        var id = await one.WithLink();
        await other.Engine.Submit(EngineWorld.Paid(id, "evt_1"), default);
        (await one.Engine.Submit(EngineWorld.Paid(id, "evt_1"), default)).ShouldBeOfType<EngineReply.DuplicateNews>();
        var held = new OrderId(other.NewId().Value + 1_000_000);
        await other.Do(held, EngineWorld.Order(held, "cart-1"));
        var wanted = one.NewId();
        (await one.Do(wanted, EngineWorld.Order(wanted, "cart-1"))).ShouldBe(new EngineReply.ReferenceExists(held, true));
        theirs.Loads.ShouldBeGreaterThan(0);
        (await one.Ask<long>("select count(*) from orders")).ShouldBe(2);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_commit_without_a_loading_whose_answer_was_lost_is_found_or_done_and_never_both(bool done)
    {
        var (one, seen) = await World(await postgres.CreateDatabase());
        await using var first = one;
        await one.Placed();
        var lost = 0;
        // The lane answers first and asks the gateways then.
        Task Asked(int times) => Until.True(() => one.Calls.Count >= times, $"{times} questions to gateways");
        void LoseNext() => seen.AroundCommit = async commit =>
        {
            seen.AroundCommit = again => again();
            lost++;
            if (done) await commit();
            throw new CommitUnknownException("lost");
        };

        LoseNext();
        var id = await one.Placed();
        LoseNext();
        Order(await one.Do(id, new OrderCommand.StartPayment("cards", null))).Payments.ShouldHaveSingleItem();
        await Asked(1);
        LoseNext();
        // It writes rows and nothing else, so it is done once more.
        await one.Do(id, new OrderCommand.Look(1, Back: true));
        await Asked(2);
        LoseNext();
        (await one.Engine.Submit(EngineWorld.Paid(id, "evt_1"), default)).ShouldBeOfType<EngineReply.Done>().News.ShouldBe(NewsVerdict.Applied);
        LoseNext();
        Order(await one.Do(id, new OrderCommand.Refund(null, null, "a scratch"))).Refunds.ShouldHaveSingleItem();
        await Asked(3);
        LoseNext();
        var other = one.NewId();
        (await one.Do(other, EngineWorld.Order(other, "cart-1"))).ShouldBeOfType<EngineReply.Done>().Reply.ShouldBeOfType<Reply.Made>().Order.Id.ShouldBe(other);

        lost.ShouldBe(6);
        one.Calls.Select(c => c.GetType()).ShouldBe([typeof(GatewayCall.OpenLink), typeof(GatewayCall.Inquire), typeof(GatewayCall.Refund)]);
        (await one.Ask<long>("select count(*) from orders")).ShouldBe(3);
        (await one.Ask<long>("select count(*) from captures")).ShouldBe(1);
        (await one.Ask<long>("select count(*) from gateway_news")).ShouldBe(1);
        await Sound(one);
    }

    [Fact]
    public async Task News_whose_commit_was_lost_are_stored_though_an_alarm_has_written_their_order_since()
    {
        var (one, seen) = await World(await postgres.CreateDatabase());
        await using var first = one;
        var id = await one.WithLink();
        seen.AroundCommit = async _ =>
        {
            seen.AroundCommit = again => again();
            await one.Ask<long>("update orders set wake_at = clock_timestamp() - interval '1 second' returning id");
            (await one.Store.TakeDue(1, TimeSpan.FromSeconds(30), default)).ShouldBe([id]);
            throw new CommitUnknownException("lost");
        };
        // They tell that something happened and not what: no event comes of that.
        var told = new EngineInput(id, [new OrderCommand.Look(1, Heard: true)], new GatewayNews("cards", "evt_1", "something", 1, "{}", "raw"u8.ToArray()));
        (await one.Engine.Submit(told, default)).ShouldBeOfType<EngineReply.Done>().News.ShouldBe(NewsVerdict.Applied);
        (await one.Ask<long>("select count(*) from gateway_news")).ShouldBe(1);
        await Sound(one);
    }

    [Fact]
    public async Task What_may_be_committed_and_cannot_be_looked_for_is_not_done_again()
    {
        var (one, seen) = await World(await postgres.CreateDatabase());
        await using var first = one;
        await one.Placed();
        var gate = new TaskCompletionSource();
        seen.AroundCommit = async commit =>
        {
            seen.AroundCommit = async next =>
            {
                seen.AroundCommit = again => again();
                await next();
                throw new CommitUnknownException("lost");
            };
            await gate.Task;
            return await commit();
        };
        // As Npgsql says it of a connection that a keep-alive found gone.
        seen.AroundWasWritten = _ => throw new InvalidOperationException("Connection is not open");
        var ahead = one.Placed();
        await Until.True(() => Task.FromResult(seen.Commits == 2), "the lane to be at work");
        var lost = new[] { one.NewId(), one.NewId() }.Select(id => one.Do(id, EngineWorld.Order(id))).ToArray();
        gate.SetResult();
        await ahead;
        (await Task.WhenAll(lost)).ShouldAllBe(reply => reply is EngineReply.Busy);
        (await one.Ask<long>("select count(*) from orders")).ShouldBe(4);
        await Sound(one);
    }

    [Fact]
    public async Task A_key_that_was_used_before_is_honoured_though_its_order_is_remembered()
    {
        var (one, seen) = await World(await postgres.CreateDatabase());
        await using var first = one;
        var id = await one.Placed();
        var key = new RequestKey(1, "k", [1]);
        EngineInput Pay(byte content) => EngineInput.Of(id, new OrderCommand.StartPayment("cards", null), key with { Fingerprint = [content] });
        await one.Engine.Submit(Pay(1), default);
        await one.Engine.Submit(EngineWorld.Paid(id, "evt_1"), default);

        // All three in one batch, of which the last writes.
        var gate = new TaskCompletionSource();
        seen.AroundCommit = async commit =>
        {
            await gate.Task;
            return await commit();
        };
        var ahead = one.Placed();
        await Until.True(() => Task.FromResult(seen.Commits == 4), "the lane to be at work");
        var (again, other, written) = (one.Engine.Submit(Pay(1), default), one.Engine.Submit(Pay(2), default), one.Placed());
        gate.SetResult();
        await Task.WhenAll(ahead, written);
        (await again).ShouldBe(new EngineReply.Replayed(new PaymentId(id, 1).ToString()));
        (await other).ShouldBe(new EngineReply.KeyConflict(new PaymentId(id, 1).ToString()));
    }

    static Order Order(EngineReply reply) => reply.ShouldBeOfType<EngineReply.Done>().Reply.ShouldBeOfType<Reply.Made>().Order;

    async Task<(EngineWorld World, StoreBetween Seen)> World(string database)
    {
        var source = Server.Platform.Database.Build(database);
        sources.Add(source);
        var seen = new StoreBetween(new OrderStore(source));
        return (await EngineWorld.Create(database, new EngineOptions { Lanes = 1 }, seen), seen);
    }

    static async Task Sound(EngineWorld world) => (await new InvariantStore(world.Database).Check(default)).Where(f => f.Count > 0).ShouldBeEmpty();
}
