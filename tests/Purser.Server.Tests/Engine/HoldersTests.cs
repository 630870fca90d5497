using Npgsql;
using Purser.Orders;
using Purser.Payments;
using Purser.Server.Doctor;
using Purser.Server.Engine;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Engine;

/// <summary>An answer may be replayed, cached or mixed up. A link, and money, is of the payment that heard of it first; of two it is believed never.</summary>
public sealed class HoldersTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    /// <summary>Where the node remembers the orders, the constraints find out; where it loads them, the batch knows.</summary>
    public static TheoryData<bool> Remembering => [true, false];

    [Theory]
    [MemberData(nameof(Remembering))]
    public async Task A_reply_with_another_payments_link_is_no_answer(bool remembers)
    {
        await using var world = await EngineWorld.Create(await postgres.CreateDatabase());
        await using var another = await EngineWorld.Create(world.ConnectionString);
        var node = remembers ? world : another;
        var (first, second) = (await world.WithLink(), await world.Started());
        var told = await node.Do(second, Link(EngineWorld.LinkOf(first), EvidenceSource.Reply));

        var p = Payment(told);
        (p.Status, p.GatewayReference, p.Link, p.CancelAsked).ShouldBe((PaymentStatus.Unresolved, null, null, false));
        p.Reason.ShouldBe($"It names {EngineWorld.LinkOf(first)}, which is of {new PaymentId(first, 1)}.");
        await Asked(world, second);
        p.LookAt.ShouldNotBeNull();
        node.Calls.ShouldNotContain(c => c is GatewayCall.CancelLink);

        // Asked by our reference, the gateway tells of the payment's own link.
        p = Payment(await node.Do(second, Link("own", EvidenceSource.Inquiry)));
        (p.Status, p.GatewayReference).ShouldBe((PaymentStatus.Pending, "own"));
        await Sound(world);
    }

    [Theory]
    [MemberData(nameof(Remembering))]
    public async Task An_inquiry_that_tells_of_another_payment_changes_nothing_but_that_a_person_is_told(bool remembers)
    {
        await using var world = await EngineWorld.Create(await postgres.CreateDatabase());
        await using var another = await EngineWorld.Create(world.ConnectionString);
        var node = remembers ? world : another;
        var (first, second) = (await world.WithLink(), await world.WithLink());
        await world.Engine.Submit(EngineWorld.Paid(first, "evt_1"), default);
        var p = Payment(await node.Engine.Submit(new EngineInput(second,
        [
            Learned(new Evidence.Succeeded("pi_1", Rupees, "card") { GatewayReference = EngineWorld.LinkOf(first) }, EvidenceSource.Inquiry),
            Learned(new Evidence.LinkExpired(), EvidenceSource.Inquiry),
        ]), default));

        (p.Status, p.GatewayReference, p.Captures.Length).ShouldBe((PaymentStatus.Pending, EngineWorld.LinkOf(second), 0));
        await Asked(world, second);
        // An end of another link, told to a payment that has its own, is none of its business either.
        p = Payment(await node.Do(second, Learned(new Evidence.LinkCancelled { GatewayReference = EngineWorld.LinkOf(first) }, EvidenceSource.Inquiry)));
        p.Status.ShouldBe(PaymentStatus.Pending);
        await Asked(world, second);
        (await world.Ask<long>("select coalesce(sum(amount), 0)::bigint from postings where account = 'sales'")).ShouldBe(-49900);
        await Sound(world);
    }

    [Theory]
    [MemberData(nameof(Remembering))]
    public async Task News_of_another_payments_link_or_money_are_kept_for_a_person_and_counted_once(bool remembers)
    {
        await using var world = await EngineWorld.Create(await postgres.CreateDatabase());
        await using var another = await EngineWorld.Create(world.ConnectionString);
        var node = remembers ? world : another;
        var (first, second) = (await world.WithLink(), await world.WithLink());
        await world.Engine.Submit(EngineWorld.Paid(first, "evt_1"), default);
        (await node.Engine.Submit(EngineWorld.Paid(second, "evt_2"), default)).ShouldBe(new EngineReply.Done(null, NewsVerdict.Quarantined));
        var named = EngineWorld.Paid(second, "evt_3", money: "pi_3");
        named = named with { Inputs = [(Evidence)named.Inputs[0] with { GatewayReference = EngineWorld.LinkOf(first) }] };
        (await node.Engine.Submit(named, default)).ShouldBe(new EngineReply.Done(null, NewsVerdict.Quarantined));
        var back = EngineWorld.Paid(second, "evt_4") with { Inputs = [Learned(new Evidence.Reversed("pi_1", Rupees), EvidenceSource.Webhook)] };
        (await node.Engine.Submit(back, default)).ShouldBe(new EngineReply.Done(null, NewsVerdict.Quarantined));

        (await world.Ask<string>("select string_agg(distinct reason, ' ' order by reason) from gateway_news where verdict = 2")).ShouldBe(
            $"It names {EngineWorld.LinkOf(first)}, which is of {new PaymentId(first, 1)}. It names pi_1, which is of {new PaymentId(first, 1)}.");
        (await world.Ask<long>("select count(*) from captures")).ShouldBe(1);
        (await world.Ask<long>("select coalesce(sum(amount), 0)::bigint from postings where account = 'sales'")).ShouldBe(-49900);
        (await world.Ask<long>("select count(*) from orders where status = 1")).ShouldBe(1);
        await Sound(world);
    }

    [Fact]
    public async Task A_statements_row_with_another_payments_money_is_refused()
    {
        await using var world = await EngineWorld.Create(await postgres.CreateDatabase());
        var (first, second) = (await world.WithLink(), await world.WithLink());
        await world.Engine.Submit(EngineWorld.Paid(first, "evt_1"), default);
        (await world.Do(second, Learned(new Evidence.Succeeded("pi_1", Rupees), EvidenceSource.Settlement)))
            .ShouldBeOfType<EngineReply.Done>().Reply.ShouldBeOfType<Reply.Refused>().Why.ShouldBe(Refusal.AnswerUnsuitable);
        (await world.Ask<long>("select count(*) from captures")).ShouldBe(1);
    }

    [Fact]
    public async Task Of_two_nodes_and_of_one_batch_one_payment_has_the_link_and_the_money()
    {
        var database = await postgres.CreateDatabase();
        await using var one = await EngineWorld.Create(database, new EngineOptions { Lanes = 1 });
        await using var two = await EngineWorld.Create(database, new EngineOptions { Lanes = 1 });
        for (var round = 0; round < 20; round++)
        {
            var ids = new List<OrderId>();
            for (var i = 0; i < 4; i++) ids.Add(await (i < 2 ? one : two).Started());
            await Task.WhenAll(ids.Select((id, i) => (i < 2 ? one : two).Do(id, Link($"same_{round}", EvidenceSource.Reply))));
            await Task.WhenAll(ids.Select((id, i) => (i < 2 ? one : two).Engine.Submit(EngineWorld.Paid(id, $"evt_{round}_{i}", money: $"pi_{round}"), default)));
        }
        (await one.Ask<long>("select count(*) from payments where gateway_reference like 'same%'")).ShouldBe(20);
        (await one.Ask<long>("select count(distinct gateway_reference) from payments")).ShouldBe(20);
        (await one.Ask<long>("select count(*) from discrepancies where kind = 13 and resolved_at is null")).ShouldBe(60);
        (await one.Ask<long>("select count(*) from captures")).ShouldBe(20);
        (await one.Ask<long>("select count(*) from orders where status = 1")).ShouldBe(20);
        (await one.Ask<long>("select count(*) from gateway_news where verdict = 2")).ShouldBe(60);
        await Sound(one);
    }

    [Fact]
    public async Task Where_two_payments_shared_a_link_before_the_first_keeps_it()
    {
        var database = await postgres.CreateDatabase();
        await using var world = await EngineWorld.Create(database);
        var (first, second, other) = (await world.WithLink(), await world.WithLink(), await world.WithLink());
        await Run(world, "drop index payments_link");
        await Run(world, $"update payments set gateway_reference = '{EngineWorld.LinkOf(first)}' where order_id = {second.Value}");
        await Run(world, await File.ReadAllTextAsync(Path.Combine(SchemaTests.Checkout(), "db/0009_links.sql")));
        (await world.Ask<string>("select string_agg(coalesce(gateway_reference, '-'), ' ' order by order_id) from payments"))
            .ShouldBe($"{EngineWorld.LinkOf(first)} - {EngineWorld.LinkOf(other)}");
    }

    static Money Rupees { get; } = new(49900, Currency.Find("INR"));

    static Evidence Link(string name, EvidenceSource source) =>
        Learned(new Evidence.LinkOpened(new PaymentLink.Redirect("https://gateway.test/l/" + name), null) { GatewayReference = name }, source);

    static Evidence Learned(Evidence fact, EvidenceSource source) => fact.Learned(1, source, DateTimeOffset.UnixEpoch, "k");

    static Payment Payment(EngineReply reply) => reply.ShouldBeOfType<EngineReply.Done>().Reply.ShouldBeOfType<Reply.Made>().Order.Payment(1)!;

    /// <summary>One question, and no second one for the same cause.</summary>
    static async Task Asked(EngineWorld world, OrderId id) =>
        (await world.Ask<long>("select count(*) from discrepancies where order_id = $1 and kind = 13 and resolved_at is null", id.Value)).ShouldBe(1);

    static async Task Run(EngineWorld world, string sql)
    {
        await using var command = world.Database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>All invariants hold, but that nobody attends to alarms here.</summary>
    static async Task Sound(EngineWorld world) =>
        (await new InvariantStore(world.Database).Check(default)).Where(f => f.Count > 0 && f.Name != "What is open has an alarm that rings").ShouldBeEmpty();
}
