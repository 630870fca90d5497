using Purser.Server.Audit;
using Purser.Server.Tests.Doctor;
using Purser.Server.Tests.Engine;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Audit;

/// <summary>An honest database of every kind of order, changed in one place at a time: the audit names that place.</summary>
public sealed class AuditTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    const string First = "(select min(id) from orders)";
    const string Settled = "(select order_id from captures where settled_on is not null)";
    const string Refunded = "(select min(order_id) from refunds)";
    const string Asked = "(select min(order_id) from discrepancies where kind = 3)";

    /// <param name="Order">The order that the difference is of, as SQL; 0 for none.</param>
    /// <param name="Row">What the row's name ends with, or nothing to have the order itself.</param>
    sealed record Change(string Sql, string Table, string Order, string Row, string Says);

    static readonly Change[] Changes =
    [
        new($"update events set data = replace(data, '49900', '49901') where order_id = {First} and sequence = 4", "events", First, "_4", "payment.succeeded is not what was written"),
        new($"update events set at = at + interval '1 microsecond' where order_id = {First} and sequence = 3", "events", First, "_3", "is not what was written"),
        new($"update events set type = 7 where order_id = {First} and sequence = 5", "events", First, "_5", "payment.expired is not what was written"),
        new($"update events set hash = '' where order_id = {First} and sequence = 2", "events", First, "_2", "it has no hash"),
        new($"delete from events where order_id = {First} and sequence = 3", "events", First, "_3", "is not there"),
        new($"delete from events where order_id = {First} and sequence = 1", "events", First, "_1", "is not there; after nothing"),
        new($"delete from events where order_id = {First} and sequence = 5", "events", First, "_5", "the order stands at number 5"),
        new($"delete from events where order_id = {First}", "events", First, "_1", "is not there"),
        new($"delete from events where order_id = {First} and sequence = 5; update orders set sequence = 4 where id = {First}", "orders", First, "", "its hash is not that of its latest event"),
        new($"update events a set data = b.data from events b where a.order_id = {First} and b.order_id = a.order_id and (a.sequence, b.sequence) in ((2, 3), (3, 2))", "events", First, "_2", "is not what was written"),
        new($"update events set sequence = 9 - sequence + 100 where order_id = {First} and sequence in (4, 5); update events set sequence = sequence - 100 where order_id = {First} and sequence > 100", "events", First, "_4", "is not what was written"),
        new($"update postings set amount = amount + 1 where order_id = {First} and line = 1", "postings", First, "_4 line 1", "it has 499.01 INR on receivable:cards, and its event makes 499.00 INR"),
        new($"update postings set amount = amount * 2 where order_id = {First}", "postings", First, "_4 line 1", "it has 998.00 INR"),
        new($"update postings set account = 'bank' where order_id = {First} and line = 1", "postings", First, "_4 line 1", "on bank, and its event makes"),
        new($"delete from postings where order_id = {First} and line = 2", "postings", First, "_4 line 2", "is not there: -499.00 INR on sales"),
        new($"insert into postings values ({First}, 5, 1, 'bank', 5, 'INR')", "postings", First, "_5 line 1", "which no event accounts for"),
        new($"update orders set status = 2, paid_by = null where id = {First}", "orders", First, "", "it is expired, and its events say paid"),
        new($"update orders set late = true where id = {First}", "orders", First, "", "marked late"),
        new($"update orders set amount = amount + 1 where id = {First}", "orders", First, "", "it is for 499.01 INR, and was created for 499.00 INR"),
        new($"update orders set created_at = created_at - interval '1 day' where id = {First}", "orders", First, "", "it says that it was created at"),
        new($"update orders set captured = captured + 1 where id = {First}", "orders", First, "", "499.01 INR were captured"),
        new($"update orders set fulfilled_at = now() where id = {First}", "orders", First, "", "it is fulfilled, and no event says so"),
        new($"update payments set captures = replace(captures, '49900', '49901') where order_id = {First}", "payments", First, "_1", "it has 499.01 INR as m_"),
        new($"update payments set captures = null where order_id = {First}", "payments", First, "_1", "does not have that money"),
        new($"update payments set captures = replace(captures, '\"standing\":1', '\"standing\":2') where order_id = {Refunded}", "payments", Refunded, "_2", "stands as late, and its event is payment.duplicate"),
        new($"update payments set captures = regexp_replace(captures, '\"at\":\"20..', '\"at\":\"1999') where order_id = {First}", "payments", First, "_1", "and its event is of 20"),
        new($"update payments set captures = jsonb_set(captures::jsonb, array['0', 'settled'], (captures::jsonb->0->'settled') || jsonb_build_object('payout', 'utr_9'))::text where order_id = {Settled}", "payments", Settled, "_1", "utr_9"),
        new($"delete from captures where order_id = {First}", "captures", "(select 0::bigint)", "", "the row is not there"),
        new($"update captures set payment = 2 where order_id = {First}", "captures", "(select 0::bigint)", "", "it is of payment 2"),
        new($"update captures set due_on = '2020-01-01' where order_id = {First}", "captures", "(select 0::bigint)", "", "it is due 2020-01-01"),
        new($"update captures set settled_on = null where order_id = {Settled}", "captures", "(select 0::bigint)", "", "it was settled never"),
        new("insert into captures values ('cards', 'm_9', 7, 1)", "captures", "(select 0::bigint)", "cards/m_9", "does not have that money"),
        new($"update payments set status = 6, reason = 'declined' where order_id = {First}", "payments", First, "_1", "it is failed, and its events say succeeded"),
        new($"update payments set account = 'wallets' where order_id = {First}", "payments", First, "_1", "it is at wallets"),
        new($"update payments set dispute = 2 where order_id = {First}", "payments", First, "_1", "its dispute is won"),
        new($"update payments set disputes = '[{{\"reference\":\"dp_1\",\"state\":2,\"taken\":[100,\"INR\"],\"told_at\":\"2026-01-01T00:00:00Z\"}}]' where order_id = {First}", "payments", First, "_1", "its disputes are dp_1 won, 1.00 INR taken"),
        new($"update payments set amount = amount - 1 where order_id = {First}", "payments", First, "_1", "it is for 498.99 INR"),
        new($"delete from payments where order_id = {First}", "payments", First, "_1", "the payment is not there"),
        new($"update refunds set amount = amount - 1 where order_id = {Refunded}", "refunds", Refunded, "_1", "498.99 INR"),
        new($"update refunds set rejected = true where order_id = {Refunded}", "refunds", Refunded, "_1", "it is marked as refused when it was asked for"),
        new($"update payments set outside_refunds = '[{{\"reference\":\"r_9\",\"amount\":[100,\"INR\"]}}]' where order_id = {First}", "payments", First, "_1", "1.00 INR as r_9, which went back unasked, and no event tells of it"),
        new($"update payments set outside_refunds = '[{{\"reference\":\"r_9\",\"amount\":[100,\"INR\"],\"perhaps_ours\":true}}]' where order_id = {First}", "payments", First, "_1", "1.00 INR as r_9, which may be a refund of ours, and none waits"),
        new($"update payments set captures = jsonb_set(captures::jsonb, '{{0,cleared}}', '[100,\"INR\"]')::text where order_id = {First}", "payments", First, "_1", "of which others gave back 1.00 INR, and its events say 0.00 INR"),
        new($"update payments set captures = jsonb_set(captures::jsonb, '{{0,expected}}', '{{\"due_on\":\"9999-12-31\"}}')::text where order_id = {First}; update captures set due_on = '9999-12-31' where order_id = {First}", "payments", First, "_1", "by 9999-12-31 is expected, and its event says"),
        new($"update payments set captures = jsonb_set(captures::jsonb, '{{0,other_rows}}', jsonb_build_array((captures::jsonb->0->'settled') || '{{\"row\":\"row_9\"}}'))::text where order_id = {Settled}", "payments", Settled, "_1", "of which no event tells"),
        new($"delete from refunds where order_id = {Refunded}", "refunds", Refunded, "_1", "the refund is not there"),
        new($"update discrepancies set amount = amount - 1 where order_id = {Asked}", "discrepancies", Asked, "", "duplicate about 498.99 INR"),
        new($"update discrepancies set resolved_at = opened_at, resolution = 'forgotten' where order_id = {Asked}", "discrepancies", Asked, "", "(forgotten); its events say"),
        new($"delete from discrepancies where order_id = {Asked}", "discrepancies", Asked, "", "the discrepancy is not there"),
        new($"delete from orders where id = {First}", "orders", "(select min(order_id) from events)", "", "the order is not there, but 5 events tell of it"),
        new("insert into postings values (7, 1, 1, 'bank', 5, 'INR')", "orders", "(select 7::bigint)", "", "other tables have rows of it"),
        new("insert into settlement_postings values ('cards', 'r9', 1, 'bank', 5, 'INR', 1, now())", "settlement_postings", "(select 0::bigint)", "cards/r9", "do not balance: 0.05 INR are left"),
        new("insert into discrepancies values (9223372036854775806, 1, 1, 1, null, 5, 'INR', 'operator', now())", "orders", "(select 9223372036854775806)", "", "other tables have rows of it"),
    ];

    public static IEnumerable<object[]> Cases => Enumerable.Range(0, Changes.Length).Select(i => (object[])[i, Changes[i].Sql]);

    [Fact]
    public async Task Of_an_honest_database_nothing_differs()
    {
        await using var world = await InvariantTests.Healthy(await postgres.CreateDatabase());
        var report = await AuditCommand.Run(world.Database, null, null, 1, null, default);
        report.Differences.ShouldBeEmpty();
        (report.Orders, report.Events, report.Postings).ShouldBe((
            await world.Ask<long>("select count(*) from orders"), await world.Ask<long>("select count(*) from events"), await world.Ask<long>("select count(*) from postings")));
        report.Postings.ShouldBeGreaterThan(10);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task What_was_changed_is_named(int number, string sql)
    {
        var change = Changes[number];
        await using var world = await InvariantTests.Healthy(await postgres.CreateDatabase());
        var order = new OrderId(await world.Ask<long>($"select {change.Order}"));
        await using (var harm = world.Database.CreateCommand(sql)) (await harm.ExecuteNonQueryAsync()).ShouldBeGreaterThan(0);

        var difference = (await AuditCommand.Run(world.Database, null, null, 5, null, default)).Differences.ShouldHaveSingleItem();

        difference.Table.ShouldBe(change.Table);
        if (order.Value != 0) difference.Row.ShouldContain(order.Letters);
        difference.Row.ShouldEndWith(change.Row);
        difference.What.ShouldContain(change.Says);
    }

    [Fact]
    public async Task More_orders_than_one_page_are_all_examined_and_a_period_holds_its_own()
    {
        await using var world = await EngineWorld.Create(await postgres.CreateDatabase());
        await Task.WhenAll(Enumerable.Range(0, AuditStore.OrdersAtOnce + 20).Select(_ => world.Placed()));
        var all = AuditStore.OrdersAtOnce + 20;
        (await AuditCommand.Run(world.Database, null, null, 1, null, default)).Orders.ShouldBe(all);
        var later = OrderId.FirstAt(new DateTimeOffset(2100, 1, 1, 0, 0, 0, TimeSpan.Zero)).DrawnAt;
        (await AuditCommand.Run(world.Database, later, null, 1, null, default)).Orders.ShouldBe(0);
        (await AuditCommand.Run(world.Database, null, later, 1, null, default)).Orders.ShouldBe(all);

        // Rows of orders that are gone are as many as pages of them.
        await using (var harm = world.Database.CreateCommand("delete from orders")) await harm.ExecuteNonQueryAsync();
        (await AuditCommand.Run(world.Database, null, null, int.MaxValue, null, default)).Differences.Count.ShouldBe(all);
    }

    [Fact]
    public async Task A_chain_that_was_made_anew_is_betrayed_by_the_anchor_of_its_day()
    {
        await using var world = await InvariantTests.Healthy(await postgres.CreateDatabase());
        var (anchors, tomorrow) = (new AnchorStore(world.Database), TimeProvider.System.GetUtcNow().AddDays(2));
        // Two nodes at once make one anchor; a day that is not over has none.
        var today = new DateTimeOffset(await world.Ask<DateTime>("select date_trunc('day', max(at) at time zone 'UTC') + interval '1 day' from events"), TimeSpan.Zero);
        (await anchors.MakeNext(today.AddTicks(-1), default)).ShouldBeNull();
        var made = (await Task.WhenAll(anchors.MakeNext(today, default), anchors.MakeNext(today, default))).Single(a => a is not null)!;
        made.Events.ShouldBe(await world.Ask<long>("select count(*) from events"));
        (await anchors.MakeNext(today.AddDays(1), default))!.Events.ShouldBe(0);
        tomorrow = today.AddDays(1);
        (await anchors.MakeNext(tomorrow, default)).ShouldBeNull();
        (await AuditCommand.Run(world.Database, null, null, 1, made.Text, default)).Differences.ShouldBeEmpty();

        await world.Ask<object>($"""
            with recursive forged as (
              select order_id, sequence, type, at, replace(data, '"evidence":"evt_', '"evidence":"xxx_') as data from events where order_id = {First}),
            chain (sequence, data, hash) as (
              select f.sequence, f.data, sha256(int8send(f.order_id) || int4send(f.sequence) || int2send(f.type) || timestamptz_send(f.at) || convert_to(f.data, 'UTF8'))
              from forged f where f.sequence = 1
              union all
              select f.sequence, f.data, sha256(c.hash || int8send(f.order_id) || int4send(f.sequence) || int2send(f.type) || timestamptz_send(f.at) || convert_to(f.data, 'UTF8'))
              from chain c join forged f on f.sequence = c.sequence + 1),
            told as (update events e set data = c.data, hash = c.hash from chain c where e.order_id = {First} and e.sequence = c.sequence returning 1),
            stands as (update orders set hash = (select hash from chain order by sequence desc limit 1) where id = {First} returning 1)
            select (select count(*) from told) + (select count(*) from stands)
            """);
        var report = await AuditCommand.Run(world.Database, null, null, 5, null, default);
        report.Differences.ShouldHaveSingleItem().ShouldBe(new Difference("anchors", $"{made.Day:yyyy-MM-dd}", "the day's events are not those that were anchored, or the anchor before it is not."));

        // Whoever makes the anchors anew too is betrayed by the one that was kept elsewhere.
        await using (var harm = world.Database.CreateCommand("delete from anchors")) await harm.ExecuteNonQueryAsync();
        while (await anchors.MakeNext(tomorrow, default) is not null) { }
        (await AuditCommand.Run(world.Database, null, null, 1, null, default)).Differences.ShouldBeEmpty();
        (await AuditCommand.Run(world.Database, null, null, 1, made.Text, default)).Differences.ShouldHaveSingleItem().What.ShouldContain("made anew");
    }

    /// <summary>Today and tomorrow are anchored then, whatever hour it is now: a day is some time after its end.</summary>
    static DateTimeOffset InTwoDays => new(TimeProvider.System.GetUtcNow().UtcDateTime.Date.AddDays(2).AddHours(2), TimeSpan.Zero);

    [Theory]
    [InlineData("true")]
    [InlineData("orders > 0")]
    [InlineData("orders = 0")]
    public async Task A_day_that_is_over_and_has_no_anchor_is_named(string which)
    {
        await using var world = await InvariantTests.Healthy(await postgres.CreateDatabase());
        var anchors = new AnchorStore(world.Database);
        var now = InTwoDays;
        while (await anchors.MakeNext(now, default) is not null) { }
        (await AuditCommand.Run(world.Database, null, null, 1, null, default, now)).Differences.ShouldBeEmpty();
        var first = await world.Ask<string>($"select min(day)::text from anchors where {which}");
        await using (var harm = world.Database.CreateCommand($"delete from anchors where {which}")) await harm.ExecuteNonQueryAsync();
        var difference = (await AuditCommand.Run(world.Database, null, null, 1, null, default, now)).Differences.ShouldHaveSingleItem();
        (difference.Table, difference.Row).ShouldBe(("anchors", first));
        difference.What.ShouldContain("its anchor is not there");
    }

    [Theory]
    [InlineData("update anchors set events = events + 1 where orders > 0", "were anchored, and the day has")]
    [InlineData("update anchors set hash = sha256(hash) where orders = 0", "are not those that were anchored")]
    [InlineData("update anchors set day = day + 1 where orders = 0", "the anchors between are not there")]
    [InlineData("set session_replication_role = replica; delete from decisions; update decision_head set number = 0, hash = ''; reset session_replication_role", "1 decisions were anchored, and up to its end there are 0")]
    public async Task An_anchor_that_was_changed_is_named(string sql, string says)
    {
        await using var world = await InvariantTests.Healthy(await postgres.CreateDatabase());
        await using (var decide = world.Database.CreateCommand("insert into decisions (about, state) values ('order_resolutions/7_1', null)")) await decide.ExecuteNonQueryAsync();
        var anchors = new AnchorStore(world.Database);
        while (await anchors.MakeNext(InTwoDays, default) is not null) { }
        (await AuditCommand.Run(world.Database, null, null, 5, null, default)).Differences.ShouldBeEmpty();
        await using (var harm = world.Database.CreateCommand(sql)) (await harm.ExecuteNonQueryAsync()).ShouldBeInRange(1, 2);
        var difference = (await AuditCommand.Run(world.Database, null, null, 5, null, default)).Differences[0];
        (difference.Table, difference.What).ShouldSatisfyAllConditions(d => d.Table.ShouldBe("anchors"), d => d.What.ShouldContain(says));
    }
}
