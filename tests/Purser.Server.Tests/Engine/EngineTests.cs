using Microsoft.Extensions.Logging;
using Purser.Orders;
using Purser.Server.Doctor;
using Purser.Server.Engine;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Engine;

public sealed class EngineTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    async Task<EngineWorld> World(EngineOptions? options = null) => await EngineWorld.Create(await postgres.CreateDatabase(), options);

    [Fact]
    public async Task A_decision_that_is_refused_leaves_none_of_the_facts_that_it_came_with()
    {
        await using var world = await World();
        var id = await world.WithLink();
        var fact = new Evidence.Succeeded("pi_1", new Money(49900, Currency.Find("INR")), "card").Learned(1, EvidenceSource.Operator, DateTimeOffset.UnixEpoch, "stl_1:1");
        var refused = (await world.Engine.Submit(new EngineInput(id, [fact, new OrderCommand.Refund(1, null, "seen", "pi_other")]), default)).ShouldBeOfType<EngineReply.Done>();
        refused.Reply.ShouldBeOfType<Reply.Refused>().Order!.Status.ShouldBe(OrderStatus.AwaitingPayment);
        (await world.Ask<long>("select (select count(*) from captures) + (select count(*) from postings)")).ShouldBe(0);

        (await world.Engine.Submit(new EngineInput(id, [fact, new OrderCommand.Refund(1, null, "seen", "pi_1")]), default)).ShouldBeOfType<EngineReply.Done>().Reply.ShouldBeOfType<Reply.Made>().Order.Refunds.ShouldHaveSingleItem();
    }

    [Fact]
    public async Task A_payment_goes_from_order_to_paid_and_every_row_of_it_is_there()
    {
        await using var world = await World();
        var id = await world.WithLink();
        var reply = await world.Engine.Submit(EngineWorld.Paid(id, "evt_1"), default);

        var order = reply.ShouldBeOfType<EngineReply.Done>().Reply.ShouldBeOfType<Reply.Made>().Order;
        order.Status.ShouldBe(OrderStatus.Paid);
        (await world.Ask<long>("select count(*) from events where order_id = $1", id.Value)).ShouldBe(order.Sequence);
        (await world.Ask<decimal>("select sum(amount) from postings where order_id = $1 and account = 'receivable:cards'", id.Value)).ShouldBe(49900);
        (await world.Ask<short>("select verdict from gateway_news where event_id = 'evt_1'")).ShouldBe((short)NewsVerdict.Applied);
        await NothingIsBroken(world);
    }

    [Fact]
    public async Task What_is_read_back_equals_what_was_decided()
    {
        await using var world = await World();
        var id = await world.WithLink();
        var before = ((Reply.Made)((EngineReply.Done)await world.Engine.Submit(EngineWorld.Paid(id, "evt_1"), default)).Reply!).Order;
        var after = ((Reply.Refused)((EngineReply.Done)await world.Do(id, new OrderCommand.Cancel())).Reply!).Order!;

        after.Payments.ShouldBe(before.Payments);
        (after with { Payments = before.Payments, Refunds = before.Refunds }).ShouldBe(before);
    }

    [Fact]
    public async Task Five_identical_webhooks_at_once_have_one_effect_and_are_all_answered()
    {
        await using var world = await World();
        var id = await world.WithLink();
        var replies = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => world.Engine.Submit(EngineWorld.Paid(id, "evt_1"), default)));

        replies.Count(r => r is EngineReply.Done).ShouldBe(1);
        replies.Count(r => r is EngineReply.DuplicateNews).ShouldBe(4);
        (await world.Ask<long>("select count(*) from events where order_id = $1 and type = 13", id.Value)).ShouldBe(1);
    }

    [Fact]
    public async Task Fifty_orders_with_one_reference_are_one_order()
    {
        await using var world = await World();
        var replies = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => { var id = world.NewId(); return world.Do(id, EngineWorld.Order(id, "cart-1")); }));

        replies.Count(r => r is EngineReply.Done).ShouldBe(1);
        replies.OfType<EngineReply.ReferenceExists>().Count(r => r.SameContent).ShouldBe(49);
        (await world.Ask<long>("select count(*) from orders")).ShouldBe(1);
    }

    [Fact]
    public async Task Two_nodes_that_race_for_one_reference_make_one_order()
    {
        var database = await postgres.CreateDatabase();
        await using var one = await EngineWorld.Create(database);
        await using var two = await EngineWorld.Create(database);
        for (var round = 0; round < 20; round++)
        {
            var (a, b) = (one.NewId(), new OrderId(two.NewId().Value + 1_000_000));
            var replies = await Task.WhenAll(one.Do(a, EngineWorld.Order(a, $"cart-{round}")), two.Do(b, EngineWorld.Order(b, $"cart-{round}")));
            replies.Count(r => r is EngineReply.Done).ShouldBe(1);
            replies.Count(r => r is EngineReply.ReferenceExists { SameContent: true }).ShouldBe(1);
        }
        (await one.Ask<long>("select count(*) from orders")).ShouldBe(20);
    }

    [Fact]
    public async Task The_same_webhook_on_two_nodes_at_once_has_one_effect()
    {
        var database = await postgres.CreateDatabase();
        await using var one = await EngineWorld.Create(database);
        await using var two = await EngineWorld.Create(database);
        for (var round = 0; round < 20; round++)
        {
            var id = await one.WithLink();
            var replies = await Task.WhenAll(
                one.Engine.Submit(EngineWorld.Paid(id, $"evt_{round}", money: $"pi_{round}"), default),
                two.Engine.Submit(EngineWorld.Paid(id, $"evt_{round}", money: $"pi_{round}"), default));
            replies.Count(r => r is EngineReply.Done).ShouldBe(1);
            replies.Count(r => r is EngineReply.DuplicateNews).ShouldBe(1);
        }
        await NothingIsBroken(one);
    }

    [Fact]
    public async Task News_of_an_order_we_do_not_have_are_kept_and_visible()
    {
        await using var world = await World();
        var reply = await world.Engine.Submit(EngineWorld.Paid(world.NewId(), "evt_9"), default);

        reply.ShouldBeOfType<EngineReply.Done>().News.ShouldBe(NewsVerdict.Quarantined);
        (await world.Ask<string>("select reason from gateway_news where event_id = 'evt_9' and verdict = 2")).ShouldNotBeEmpty();
        (await world.Ask<byte[]>("select body from gateway_news where event_id = 'evt_9'")).ShouldBe("raw"u8.ToArray());
    }

    [Fact]
    public async Task What_one_account_signs_says_nothing_of_another_accounts_payment()
    {
        await using var world = await World();
        var id = await world.WithLink();
        var paid = EngineWorld.Paid(id, "evt_8");
        var reply = await world.Engine.Submit(paid with { News = paid.News! with { Account = "cards-test" } }, default);

        reply.ShouldBeOfType<EngineReply.Done>().News.ShouldBe(NewsVerdict.Quarantined);
        (await world.Ask<long>("select count(*) from postings where order_id = $1", id.Value)).ShouldBe(0);
        (await world.Ask<string>("select reason from gateway_news where event_id = 'evt_8' and verdict = 2")).ShouldContain("cards");
        (await world.Engine.Submit(paid, default)).ShouldBeOfType<EngineReply.Done>().News.ShouldBe(NewsVerdict.Applied);
    }

    [Fact]
    public async Task An_idempotency_key_gives_the_first_order_again_and_refuses_other_content()
    {
        await using var world = await World();
        var (a, b, c) = (world.NewId(), world.NewId(), world.NewId());
        await world.Engine.Submit(EngineInput.Of(a, EngineWorld.Order(a), new RequestKey(1, "k", [1])), default);
        (await world.Engine.Submit(EngineInput.Of(b, EngineWorld.Order(b), new RequestKey(1, "k", [1])), default))
            .ShouldBe(new EngineReply.Replayed(a.ToString()));
        (await world.Engine.Submit(EngineInput.Of(c, EngineWorld.Order(c, null, 100), new RequestKey(1, "k", [2])), default))
            .ShouldBe(new EngineReply.KeyConflict(a.ToString()));
        (await world.Ask<long>("select count(*) from orders")).ShouldBe(1);
    }

    [Fact]
    public async Task What_is_sent_again_is_no_news_in_the_log_and_a_deadlock_is()
    {
        await using var world = await World();
        for (var again = 0; again < 2; again++)
        {
            var (byReference, byKey) = (world.NewId(), world.NewId());
            await world.Do(byReference, EngineWorld.Order(byReference, "cart-again"));
            await world.Engine.Submit(EngineInput.Of(byKey, EngineWorld.Order(byKey), new RequestKey(1, "again", [1])), default);
        }
        foreach (var constraint in (string[])["orders_reference", "request_keys_pkey"])
            world.Log.Lines.Where(l => l.Words.Contains(constraint, StringComparison.Ordinal)).ShouldHaveSingleItem().Level.ShouldBe(LogLevel.Debug);
        world.Log.Lines.ShouldNotContain(l => l.Level >= LogLevel.Information && l.Words.Contains("met another", StringComparison.Ordinal));

        // Whatever else the database refuses stays in it: two nodes stood in each other's way.
        var deadlocks = 1;
        await using var inner = Server.Platform.Database.Build(world.ConnectionString);
        var store = new StoreBetween(new OrderStore(inner))
        {
            AroundCommit = commit => Interlocked.Decrement(ref deadlocks) >= 0 ? throw new StoreRefusedException("deadlock detected", passing: true) : commit(),
        };
        await using var second = await EngineWorld.Create(world.ConnectionString, store: store);
        await second.Placed("cart-deadlock");
        second.Log.Lines.Where(l => l.Words.Contains("deadlock detected", StringComparison.Ordinal)).ShouldHaveSingleItem().Level.ShouldBe(LogLevel.Information);
    }

    [Fact]
    public async Task A_poisonous_input_harms_only_itself()
    {
        await using var world = await World(new EngineOptions { Lanes = 1 });
        var good = Enumerable.Range(0, 20).Select(_ => world.NewId()).ToList();
        var bad = world.NewId();
        // The table holds no order of nothing.
        var poison = EngineWorld.Order(bad) with { Amount = Money.Zero(Currency.Find("INR")) };
        var all = good.Select(id => world.Do(id, EngineWorld.Order(id))).ToList();
        var poisoned = world.Do(bad, poison);
        all.AddRange(Enumerable.Range(0, 20).Select(_ => world.NewId()).Select(id => world.Do(id, EngineWorld.Order(id))));

        await Should.ThrowAsync<StoreRefusedException>(poisoned);
        (await Task.WhenAll(all)).ShouldAllBe(r => r is EngineReply.Done);
        (await world.Ask<long>("select count(*) from orders")).ShouldBe(40);
    }

    [Fact]
    public async Task A_full_lane_sends_back_and_does_not_grow()
    {
        await using var world = await World(new EngineOptions { Lanes = 1, Waiting = 8, Batch = 4 });
        var ids = Enumerable.Range(0, 400).Select(_ => world.NewId()).ToList();
        var replies = await Task.WhenAll(ids.Select(id => world.Do(id, EngineWorld.Order(id))));

        replies.Count(r => r is EngineReply.Busy).ShouldBeGreaterThan(0);
        (await world.Ask<long>("select count(*) from orders")).ShouldBe(replies.Count(r => r is EngineReply.Done));
    }

    [Fact]
    public async Task A_commit_whose_answer_was_lost_is_read_and_not_done_twice()
    {
        var connection = await postgres.CreateDatabase();
        await using var database = Server.Platform.Database.Build(connection);
        var (before, after) = (2, 3);
        var store = new StoreBetween(new OrderStore(database))
        {
            AroundCommit = async commit =>
            {
                if (before-- > 0) throw new CommitUnknownException("lost before it was done");
                var written = await commit();
                return after-- > 0 ? throw new CommitUnknownException("lost after it was done") : written;
            },
        };
        await using var world = await EngineWorld.Create(connection, store: store);
        for (var i = 0; i < 8; i++) await world.Placed($"r-{i}");

        (before <= 0 && after <= 0).ShouldBeTrue("every loss took place");
        (await world.Ask<long>("select count(*) from orders")).ShouldBe(8);
        (await world.Ask<long>("select count(*) from events")).ShouldBe(8);
    }

    [Fact]
    public async Task Due_orders_are_taken_once_by_many_sweepers_and_again_when_the_lease_is_over()
    {
        var database = await postgres.CreateDatabase();
        await using var one = await EngineWorld.Create(database);
        for (var i = 0; i < 40; i++) await one.Placed();
        await one.Ask<object>("update orders set wake_at = clock_timestamp() - interval '1 second' returning 1");

        var lease = TimeSpan.FromHours(1);
        var taken = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => one.Store.TakeDue(30, lease, default)));
        var ids = taken.SelectMany(t => t).ToList();
        ids.Count.ShouldBe(40);
        ids.Distinct().Count().ShouldBe(40);
        (await one.Store.TakeDue(100, lease, default)).ShouldBeEmpty();
        // An hour passes.
        await one.Ask<object>("update orders set wake_at = wake_at - interval '1 hour' returning 1");
        (await one.Store.TakeDue(100, lease, default)).Count.ShouldBe(40);
    }

    [Fact]
    public async Task A_claim_over_a_backlog_of_a_hundred_thousand_uses_the_alarm_index()
    {
        await using var world = await World();
        await world.Placed();
        await world.Store.TakeDue(1, TimeSpan.FromSeconds(30), default);
        await world.Ask<object>("""
            with copied as (insert into orders
              select id + n, null, fingerprint, amount, currency, description, customer_name, customer_email, customer_phone, user_id, return_url, lines,
                metadata, late_policy, duplicate_policy, second_link, status, late, paid_by, captured, refunding, sequence, created_at, expires_at,
                closing_at, ended_at, fulfilled_at, clock_timestamp() - n * interval '1 second' from orders, generate_series(1, 100000) n returning 1)
            select count(*) from copied
            """);
        await using var connection = await world.Database.OpenConnectionAsync();
        await using var explain = new Npgsql.NpgsqlCommand(
            "explain select id from orders where wake_at <= clock_timestamp() order by wake_at limit 500 for update skip locked", connection);
        await using var rows = await explain.ExecuteReaderAsync();
        var plan = "";
        while (await rows.ReadAsync()) plan += rows.GetString(0) + "\n";
        plan.ShouldContain("orders_wake");
        plan.ShouldNotContain("Sort");
    }

    static async Task NothingIsBroken(EngineWorld world) =>
        (await new InvariantStore(world.Database).Check(default)).Where(f => f.Count > 0).ShouldBeEmpty();
}
