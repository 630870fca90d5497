using Purser.Orders;
using Purser.Payments;
using Purser.Refunds;
using Purser.Server.Engine;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Engine;

/// <summary>Inputs that break a decision or a row: they harm themselves at the most, and no fact of a gateway is lost by them.</summary>
public sealed class PoisonTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    async Task<EngineWorld> World(EngineOptions? options = null) => await EngineWorld.Create(await postgres.CreateDatabase(), options);

    [Fact]
    public async Task News_whose_decision_fails_are_kept_for_a_person_and_so_answered()
    {
        await using var world = await World(new EngineOptions
        {
            Decide = (order, input, now, rules) => input is Evidence.Succeeded { MoneyReference: "poison" }
                ? throw new InvalidOperationException("a bug")
                : OrderMachine.Decide(order, input, now, rules),
        });
        var id = await world.WithLink();
        var replies = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => world.Engine.Submit(EngineWorld.Paid(id, "evt_1", money: "poison"), default)));

        replies.ShouldAllBe(r => r is EngineReply.DuplicateNews || r is EngineReply.Done && ((EngineReply.Done)r).News == NewsVerdict.Quarantined);
        (await world.Ask<long>("select count(*) from gateway_news where verdict = 2 and reason like '%InvalidOperationException%' and body = 'raw'::bytea")).ShouldBe(1);
        // The order is as it was, and the same gateway's next news count.
        (await world.Engine.Submit(EngineWorld.Paid(id, "evt_2"), default)).ShouldBeOfType<EngineReply.Done>().Reply.ShouldBeOfType<Reply.Made>().Order.Status.ShouldBe(OrderStatus.Paid);
    }

    [Fact]
    public async Task A_decision_that_fails_for_a_caller_is_told_to_that_caller_alone()
    {
        await using var world = await World(new EngineOptions
        {
            Decide = (order, input, now, rules) => input is OrderCommand.Fulfil ? throw new InvalidOperationException("a bug") : OrderMachine.Decide(order, input, now, rules),
        });
        var id = await world.Placed();
        var broken = world.Do(id, new OrderCommand.Fulfil());
        var others = Enumerable.Range(0, 20).Select(_ => world.Placed()).ToList();
        await Should.ThrowAsync<InvalidOperationException>(() => broken);
        await Task.WhenAll(others);
    }

    [Fact]
    public async Task A_value_that_cannot_be_written_harms_only_its_own_input()
    {
        await using var world = await World(new EngineOptions
        {
            Lanes = 1,
            // PostgreSQL's times are in UTC, and a row with another zone's is refused before it is sent.
            Decide = (order, input, now, rules) => OrderMachine.Decide(order, input, now, rules) is var decision && input is Evidence.Declined { Reason: "poison" }
                ? decision with { After = decision.After with { Payments = [.. decision.After.Payments.Select(p => p with { DeclinedAt = now.ToOffset(TimeSpan.FromHours(5.5)) })] } }
                : decision,
        });
        var id = await world.WithLink();
        var poison = new Evidence.Declined("poison").Learned(1, EvidenceSource.Webhook, DateTimeOffset.UnixEpoch, "evt_1");
        var all = Enumerable.Range(0, 20).Select(_ => world.NewId()).Select(one => world.Do(one, EngineWorld.Order(one))).ToList();
        var news = world.Engine.Submit(EngineWorld.Paid(id, "evt_1") with { Inputs = [poison] }, default);
        var caller = world.Do(id, poison);
        all.AddRange(Enumerable.Range(0, 20).Select(_ => world.NewId()).Select(one => world.Do(one, EngineWorld.Order(one))));

        (await Task.WhenAll(all)).ShouldAllBe(r => r is EngineReply.Done);
        (await news).ShouldBeOfType<EngineReply.Done>().News.ShouldBe(NewsVerdict.Quarantined);
        (await Should.ThrowAsync<StoreRefusedException>(() => caller)).Message.ShouldContain("Offset");
        (await world.Do(id, new OrderCommand.Cancel())).ShouldBeOfType<EngineReply.Done>();
    }

    /// <summary>What the gateway says counts, also where its words cannot be kept.</summary>
    [Fact]
    public async Task An_answer_whose_record_cannot_be_written_counts_all_the_same()
    {
        await using var world = await World();
        var id = await world.WithLink();
        var money = new Evidence.Succeeded("pi_1", new Money(49900, Currency.Find("INR")), "card").Learned(1, EvidenceSource.Inquiry, DateTimeOffset.UnixEpoch, "k2");
        var record = new CallRecord(1, "inquire", "k2", "cards", DateTimeOffset.UnixEpoch, 1, "answered", "GET /", "half a letter: \ud83d");
        (await world.Engine.Submit(new EngineInput(id, [money], Calls: [record]), default)).ShouldBeOfType<EngineReply.Done>().Reply.ShouldBeOfType<Reply.Made>().Order.Status.ShouldBe(OrderStatus.Paid);
        (await world.Ask<long>("select count(*) from gateway_calls")).ShouldBe(0);
    }

    /// <summary>An installation may have several accounts at a gateway: each signs for its own payments only.</summary>
    [Fact]
    public async Task What_one_account_says_of_another_s_payment_or_refund_is_kept_for_a_person()
    {
        await using var world = await World();
        var id = await world.WithLink();
        static GatewayNews From(string account, string eventId, int? payment) => new(account, eventId, "told", payment, "{}", "raw"u8.ToArray());
        async Task<NewsVerdict?> Told(OrderInput fact, GatewayNews news) =>
            (await world.Engine.Submit(new EngineInput(id, [fact], news), default)).ShouldBeOfType<EngineReply.Done>().News;

        var paid = new Evidence.Succeeded("pi_1", new Money(49900, Currency.Find("INR")), "card").Learned(1, EvidenceSource.Webhook, DateTimeOffset.UnixEpoch, "evt_1");
        (await Told(paid, From("test", "evt_1", 1))).ShouldBe(NewsVerdict.Quarantined);
        (await Told(paid, From("cards", "evt_1", 1))).ShouldBe(NewsVerdict.Applied);

        (await world.Do(id, new OrderCommand.Refund(null, null, null))).ShouldBeOfType<EngineReply.Done>().Reply.ShouldBeOfType<Reply.Made>();
        var back = new RefundEvidence.Succeeded(new Money(49900, Currency.Find("INR"))) { RefundReference = "rf_1" }.Learned(1, 0, EvidenceSource.Webhook, DateTimeOffset.UnixEpoch, "evt_2");
        (await Told(back, From("test", "evt_2", null))).ShouldBe(NewsVerdict.Quarantined);
        (await world.Ask<string>("select reason from gateway_news where event_id = 'evt_2'")).ShouldBe("The payment belongs to the account cards.");
        (await Told(back, From("cards", "evt_2", null))).ShouldBe(NewsVerdict.Applied);
    }

    [Fact]
    public async Task The_time_of_a_decline_is_kept_whatever_zone_it_was_told_in()
    {
        await using var world = await World();
        var id = await world.WithLink();
        var india = new DateTimeOffset(2026, 3, 1, 15, 30, 0, TimeSpan.FromHours(5.5));
        await world.Do(id, new Evidence.Declined("no funds") { GatewayTime = india }.Learned(1, EvidenceSource.Inquiry, DateTimeOffset.UnixEpoch, "k2"));
        (await world.Ask<DateTime>("select declined_at from payments where order_id = $1", id.Value)).ShouldBe(india.UtcDateTime);
    }

    [Fact]
    public async Task Words_that_no_row_can_hold_are_made_fit_and_the_fact_counts()
    {
        await using var world = await World();
        var id = await world.WithLink();
        var input = EngineWorld.Paid(id, "evt_1");
        Evidence[] facts =
        [
            new Evidence.Processing("lone \ud800 and zero \0").Learned(1, EvidenceSource.Webhook, DateTimeOffset.UnixEpoch, "k"),
            new Evidence.Declined(new string('x', 100_000) + "\0").Learned(1, EvidenceSource.Webhook, DateTimeOffset.UnixEpoch, "k"),
            new Evidence.Succeeded("mo\0ney", new Money(49900, Currency.Find("INR")), "ca\0rd").Learned(1, EvidenceSource.Webhook, DateTimeOffset.UnixEpoch, "k\0"),
        ];
        (await world.Engine.Submit(input with { Inputs = facts }, default)).ShouldBeOfType<EngineReply.Done>().News.ShouldBe(NewsVerdict.Applied);
        (await world.Ask<string>("select captures::jsonb->0->>'reference' from payments where order_id = $1", id.Value)).ShouldBe("mo\uFFFDney");
        (await world.Ask<string>("select decline from payments where order_id = $1", id.Value)).Length.ShouldBe(500);
    }

    [Fact]
    public async Task News_that_cannot_be_written_as_read_are_kept_as_they_came()
    {
        await using var world = await World();
        var id = await world.WithLink();
        // Whatever the reason: a row that the database refuses for good.
        await using (var refuse = world.Database.CreateCommand("alter table postings add constraint refuses check (amount <> 49900)")) await refuse.ExecuteNonQueryAsync();
        (await world.Engine.Submit(EngineWorld.Paid(id, "evt_1"), default)).ShouldBeOfType<EngineReply.Done>().News.ShouldBe(NewsVerdict.Quarantined);
        (await world.Ask<string>("select reason from gateway_news where event_id = 'evt_1'")).ShouldStartWith("It could not be stored");
        (await world.Ask<long>("select count(*) from events where order_id = $1 and type = 13", id.Value)).ShouldBe(0);
    }

    [Fact]
    public async Task Money_is_found_by_the_gateways_own_name_for_it()
    {
        await using var world = await World();
        var id = await world.WithLink();
        await world.Engine.Submit(EngineWorld.Paid(id, "evt_1", money: "pi_77"), default);
        (await world.Store.FindMoney("cards", "pi_77", default)).ShouldBe(new PaymentId(id, 1));
        (await world.Store.FindMoney("cards", "pi_78", default)).ShouldBeNull();
        (await world.Store.FindMoney("others", "pi_77", default)).ShouldBeNull();
    }
}
