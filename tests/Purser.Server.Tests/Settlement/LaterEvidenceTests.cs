using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Purser.Orders;
using Purser.Reconciliation;
using Purser.Refunds;
using Purser.Server.Audit;
using Purser.Server.Engine;
using Purser.Server.Reconciliation;
using Purser.Server.Settlement;
using Purser.Server.Tests.Platform;
using static Purser.Server.Tests.Settlement.StatementGateway;

namespace Purser.Server.Tests.Settlement;

/// <summary>What is found out after a file was acted on: evidence that answers what its rows asked, and refunds that it should have had.</summary>
public sealed class LaterEvidenceTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    static SettlementLine Paid(string key, PaymentId payment, long amount = 49900, string? money = null) => Line(key, payment, amount, money: money ?? $"m_{payment.Reference}") with
    {
        Fee = Inr(998),
        Tax = Inr(180),
        Net = Inr(amount - 1178),
        SettledOn = new DateOnly(2026, 3, 2),
        PayoutReference = "UTR1",
    };

    static Money Inr(long units) => new(units, Currency.Find("INR"));

    static Task<long> Count(SettlementHouse house, PaymentId payment, EventType type) =>
        house.Ask<long>($"select count(*) from events where order_id = {payment.Order.Value} and type = {(int)type}");

    static Task<long> Balance(SettlementHouse house, string account) => house.Ask<long>($"select coalesce(sum(amount), 0)::bigint from ledger where account = '{account}'");

    [Fact]
    public async Task A_row_that_was_asked_about_closes_once_with_the_evidence_that_answers_it()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase(), null, ("Purser:Settlement:TheirsPaid", "ask"));
        var (named, unnamed, other) = (await house.Pending(), await house.Pending(), await house.Pending());
        await house.Settle(Statement(Paid("a", named), Paid("b", unnamed) with { MoneyReference = null }, Paid("c", other) with { MoneyReference = null }));
        var later = house.Host.Services.GetRequiredService<LaterEvidence>();
        (await later.Sweep(default)).ShouldBe(0);
        (await house.Ask<long>("select count(*) from settlement_discrepancies where resolved_at is null")).ShouldBe(3);

        await house.Tell(named, "captured", 49900, $"m_{named.Reference}");
        await house.Tell(unnamed, "captured", 49900, "m_unnamed");
        // Money of another amount is not the row's.
        await house.Tell(other, "captured", 40000, "m_other");
        await later.Sweep(default);
        await later.Sweep(default);
        (await house.Ask<string>("select string_agg(row_key || ' ' || resolution || ' ' || final, ', ' order by id) from settlement_discrepancies where resolved_at is not null"))
            .ShouldBe("a evidence true, b evidence true");
        var closed = (await house.Get("/v1/discrepancies?open=false")).Body.GetProperty("discrepancies")[0];
        closed.GetProperty("reason").GetString()!.ShouldContain("(webhook) tells of this money");
        closed.GetProperty("reason").GetString()!.ShouldContain($"evt_{named.Order.Letters}_");
        foreach (var payment in new[] { named, unnamed }) (await Count(house, payment, EventType.SettlementMatched)).ShouldBe(1);
        (await Count(house, other, EventType.SettlementMatched)).ShouldBe(0);
        // What waits was paid out as well.
        ((await Balance(house, "bank")), (await Balance(house, "suspense"))).ShouldBe((3 * (49900 - 1178), -49900 - 40000));
        await house.Sound();
    }

    [Fact]
    public async Task A_row_without_a_name_for_its_money_makes_no_money_of_its_own_and_none_seems_to_come_twice()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        var (silent, accepted) = (await house.Pending(), await house.Pending());
        await house.Settle(Statement(Paid("a", silent) with { MoneyReference = null }, Paid("b", accepted) with { MoneyReference = null }));
        (await house.Ask<long>("select count(*) from captures")).ShouldBe(0);
        var question = (await house.Get("/v1/discrepancies?open=true")).Body.GetProperty("discrepancies").EnumerateArray().Single(d => d.GetProperty("row_key").GetString() == "b").GetProperty("id").GetString();
        var answer = new { action = "accept", by = "asha", reason = "the bank has it" };
        // A person does not know either which money it is.
        var refused = await house.Post($"/v1/discrepancies/{question}/resolution", answer);
        (refused.Status, refused.Text("detail")).ShouldBe((HttpStatusCode.Conflict, "The row has no name for its money, and the gateway has told of none yet."));

        await house.Tell(silent, "captured", 49900, "pi_silent");
        await house.Tell(accepted, "captured", 49900, "pi_accepted");
        (await house.Post($"/v1/discrepancies/{question}/resolution", answer)).Status.ShouldBe(HttpStatusCode.OK);
        await house.Host.Services.GetRequiredService<LaterEvidence>().Sweep(default);
        foreach (var payment in new[] { silent, accepted })
        {
            (await house.Get($"/v1/orders/{payment.Order}")).Text("status").ShouldBe("paid");
            (await Count(house, payment, EventType.SettlementMatched)).ShouldBe(1);
            (await Count(house, payment, EventType.RefundRequested)).ShouldBe(0);
        }
        (await house.Ask<string>("select string_agg(money_reference, ' ' order by money_reference) from captures")).ShouldBe("pi_accepted pi_silent");
        (await house.Get("/v1/discrepancies?open=true")).Body.GetProperty("discrepancies").GetArrayLength().ShouldBe(0);
        ((await Balance(house, "bank")), (await Balance(house, "receivable:shop"))).ShouldBe((2 * (49900 - 1178), 0));
        await house.Sound();
    }

    [Fact]
    public async Task A_refund_that_came_back_in_a_later_payout_clears_the_receivable()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        var paid = await house.Paid();
        await house.Host.Engine.Submit(paid.Order, new OrderCommand.Refund(paid.Number, Inr(10000), null, null), default);
        await house.Host.Engine.Submit(paid.Order, new RefundEvidence.Succeeded(Inr(10000)) { RefundReference = "r_1" }.Learned(1, paid.Number, EvidenceSource.Webhook, DateTimeOffset.UnixEpoch, "k"), default);
        await house.Settle(Statement(Paid("a", paid), Line("b", paid, 10000, SettlementKind.Refund, $"m_{paid.Reference}") with { RefundReference = "r_1", Net = Inr(-10000), PayoutReference = "UTR1" }));
        (await Balance(house, "receivable:shop")).ShouldBe(0);

        await house.Settle(Statement(Line("c", paid, 10000, SettlementKind.RefundReturned, $"m_{paid.Reference}") with { RefundReference = "r_1", PayoutReference = "UTR2", SettledOn = new DateOnly(2026, 3, 5) }));
        (await house.Ask<short>("select status from refunds")).ShouldBe((short)RefundStatus.Failed);
        ((await Balance(house, "refunds")), (await Balance(house, "receivable:shop")), (await Balance(house, "bank"))).ShouldBe((0, 0, 49900 - 1178));
        await house.Sound();
    }

    [Fact]
    public async Task A_refund_without_a_name_that_came_back_is_booked_once_although_its_batch_is_acted_on_again()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        var paid = await house.Paid();
        await house.Host.Engine.Submit(paid.Order, new OrderCommand.Refund(paid.Number, Inr(10000), null, null), default);
        await house.Host.Engine.Submit(paid.Order, new RefundEvidence.Succeeded(Inr(10000)).Learned(1, paid.Number, EvidenceSource.Webhook, DateTimeOffset.UnixEpoch, "k"), default);
        await house.Settle(Statement(Paid("a", paid), Line("b", paid, 10000, SettlementKind.Refund, $"m_{paid.Reference}") with { Net = Inr(-10000), PayoutReference = "UTR1" },
            Line("c", paid, 10000, SettlementKind.RefundReturned, $"m_{paid.Reference}") with { PayoutReference = "UTR2" }));
        await Whole();
        // It died when the orders had been told, and before it wrote what else follows.
        await house.Ask<long>($"with gone as (delete from settlement_postings returning 1), back as (update settlement_files set state = {(int)FileState.Acting}, rows_acted = 0, done_at = null returning id) select count(*) from gone, back");
        await house.Ended("stl_1");
        await Whole();

        async Task Whole()
        {
            (await house.Ask<short>("select status from refunds")).ShouldBe((short)RefundStatus.Failed);
            ((await Balance(house, "refunds")), (await Balance(house, "suspense")), (await Balance(house, "receivable:shop")), (await Balance(house, "bank"))).ShouldBe((0, 0, 0, 49900 - 1178));
            (await house.Ask<long>("select count(*) from settlement_discrepancies")).ShouldBe(0);
            await house.Sound();
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_refund_of_the_gateway_s_own_that_came_back_clears_the_receivable_whenever_its_row_comes(bool early)
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        var paid = await house.Paid();
        var (went, back) = (Statement(Line("b", paid, 10000, SettlementKind.Refund, $"m_{paid.Reference}") with { RefundReference = "r_x", Net = Inr(-10000), PayoutReference = "UTR1" }),
            Statement(Line("c", paid, 10000, SettlementKind.RefundReturned, $"m_{paid.Reference}") with { RefundReference = "r_x", PayoutReference = "UTR2" }));
        await house.Settle(Statement(Paid("a", paid)));
        if (early)
        {
            await house.Settle(back);
            ((await Balance(house, "suspense")), (await house.Ask<long>("select count(*) from settlement_discrepancies where resolved_at is null"))).ShouldBe((-10000, 1));
        }
        await house.Host.Engine.Submit(paid.Order, new RefundEvidence.Succeeded(Inr(10000)) { RefundReference = "r_x" }.Learned(0, paid.Number, EvidenceSource.Webhook, DateTimeOffset.UnixEpoch, "k"), default);
        (await Balance(house, "refunds")).ShouldBe(10000);
        if (early)
        {
            (await house.Host.Services.GetRequiredService<LaterEvidence>().Sweep(default)).ShouldBe(1);
            (await house.Host.Services.GetRequiredService<LaterEvidence>().Sweep(default)).ShouldBe(0);
        }
        else await house.Settle(back);
        // What went is in no statement yet.
        ((await Balance(house, "refunds")), (await Balance(house, "suspense")), (await Balance(house, "receivable:shop")), (await Balance(house, "bank"))).ShouldBe((0, 0, -10000, 49900 - 1178 + 10000));
        await house.Settle(went);
        ((await Balance(house, "refunds")), (await Balance(house, "suspense")), (await Balance(house, "receivable:shop")), (await Balance(house, "bank"))).ShouldBe((0, 0, 0, 49900 - 1178));
        (await house.Get("/v1/discrepancies?open=true")).Body.GetProperty("discrepancies").GetArrayLength().ShouldBe(0);
        (await AuditCommand.Run(house.Database, null, null, 3, null, default)).Differences.ShouldBeEmpty();
        await house.Sound();
    }

    [Fact]
    public async Task Money_and_its_refund_that_nobody_knew_leave_suspense_when_the_gateway_tells_whose_they_are()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        var pending = await house.Pending();
        await house.Settle(Statement(Paid("a", pending, money: "m_1") with { Payment = null },
            Line("back", null, 10000, SettlementKind.Refund, "m_1") with { Net = Inr(-10000), PayoutReference = "UTR1" }, Line("stranger", null, 700, money: "m_2")));
        (await Balance(house, "suspense")).ShouldBe(-(49900 - 10000 + 700));
        (await house.Ask<long>("select count(*) from settlement_discrepancies where resolved_at is null")).ShouldBe(3);

        await house.Tell(pending, "captured", 49900, "m_1");
        var later = house.Host.Services.GetRequiredService<LaterEvidence>();
        await later.Sweep(default);
        await later.Sweep(default);
        (await house.Ask<string>("select string_agg(row_key, ' ') from settlement_discrepancies where resolved_at is null")).ShouldBe("stranger");
        // As if it had been known when the file came; what is not known waits on.
        ((await Balance(house, "suspense")), (await Balance(house, "fees")), (await Balance(house, "bank")), (await Balance(house, "receivable:shop")))
            .ShouldBe((-700, 998, 49900 - 1178 - 10000 + 700, 0));
        (await Count(house, pending, EventType.SettlementMatched)).ShouldBe(2);
        await house.Sound();
    }

    [Fact]
    public async Task A_refund_that_no_file_has_although_files_cover_its_day_is_found_and_closed_by_a_later_row()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase(), null, ("Gateways:shop:SettlesAfterDays", "1"), ("Gateways:other:SettlesAfterDays", "1"));
        var (refunded, settled, elsewhere) = (await house.Paid(), await house.Paid(), await house.Paid("other"));
        foreach (var payment in new[] { refunded, settled, elsewhere })
        {
            await house.Host.Engine.Submit(payment.Order, new OrderCommand.Refund(payment.Number, Inr(10000), null, null), default);
            await house.Host.Engine.Submit(payment.Order, new RefundEvidence.Succeeded(Inr(10000)) { RefundReference = $"r_{payment.Reference}" }
                .Learned(1, payment.Number, EvidenceSource.Webhook, DateTimeOffset.UnixEpoch, "k"), default);
        }
        await house.Ask<long>("with back as (update refunds set done_at = '2026-03-02 10:00+00' returning 1) select count(*) from back");
        static SettlementLine Back(string key, PaymentId payment) => Line(key, payment, 10000, SettlementKind.Refund, $"m_{payment.Reference}") with { Net = Inr(-10000), SettledOn = new DateOnly(2026, 3, 3) };
        var overdue = house.Host.Services.GetRequiredService<Overdue>();

        // The day has passed, and no file reaches it.
        await house.Settle(Statement(Paid("a", refunded)));
        (await overdue.SweepRefunds(null, new DateOnly(2026, 3, 9), default)).ShouldBe(0);
        // A file reaches it and has one of the two; of the other account there is none.
        await house.Settle(Statement(Back("b", settled)));
        (await overdue.SweepRefunds(null, new DateOnly(2026, 3, 3), default)).ShouldBe(0);
        (await overdue.SweepRefunds(null, new DateOnly(2026, 3, 9), default)).ShouldBe(1);
        (await overdue.SweepRefunds(null, new DateOnly(2026, 3, 9), default)).ShouldBe(0);
        var open = (await house.Get("/v1/discrepancies?open=true")).Body.GetProperty("discrepancies").EnumerateArray().ShouldHaveSingleItem();
        (open.GetProperty("kind").GetString(), open.GetProperty("payment").GetString(), open.GetProperty("amount").GetInt64()).ShouldBe(("not_settled", refunded.ToString(), 10000));

        await house.Settle(Statement(Back("c", refunded)));
        (await house.Get("/v1/discrepancies?open=true")).Body.GetProperty("discrepancies").GetArrayLength().ShouldBe(0);
        await house.Sound();
    }

    [Fact]
    public async Task A_row_that_two_refunds_under_way_may_be_waits_until_the_gateway_says_which_went_back()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        var paid = await house.Paid();
        await UnheardRefunds(house, paid, 10000, 10000);
        await house.Settle(Statement(Line("back", paid, 10000, SettlementKind.Refund, $"m_{paid.Reference}") with { Net = Inr(-10000) }));
        var later = house.Host.Services.GetRequiredService<LaterEvidence>();
        (await later.Sweep(default)).ShouldBe(0);
        (await Count(house, paid, EventType.RefundSucceeded)).ShouldBe(0);
        (await house.Ask<long>("select count(*) from settlement_discrepancies where resolved_at is null")).ShouldBe(1);
        // However many rows are about them, they are read once.
        var line = (await new SettlementLineStore(house.Database).List(1, null, 0, 1, default)).ShouldHaveSingleItem();
        var now = await new ActStore(house.Database).Payments([line, line with { Number = 2 }], default);
        now[1].Refunds.ShouldBe([.. now[1].Refunds.Select((r, i) => new OursRefund(i + 1, Inr(10000), RefundStatus.Requested, r.RequestedAt) { Money = $"m_{paid.Reference}" })]);
        (now[1].Refunds.Count, ReferenceEquals(now[1].Refunds, now[2].Refunds)).ShouldBe((2, true));
        await house.Ask<long>("with unsent as (update refunds set unsent_asks = 1 where number = 1 returning 1) select count(*) from unsent");
        (await new ActStore(house.Database).Payments([line], default))[1].Refunds.Select(r => r.NeverLeft).ShouldBe([true, false]);
        await house.Ask<long>("with sent as (update refunds set unsent_asks = 0 where number = 1 returning 1) select count(*) from sent");

        await house.Host.Engine.Submit(paid.Order, new RefundEvidence.Succeeded(Inr(10000)).Learned(2, paid.Number, EvidenceSource.Inquiry, DateTimeOffset.UnixEpoch, "k"), default);
        (await later.Sweep(default)).ShouldBe(1);
        (await later.Sweep(default)).ShouldBe(0);
        (await house.Ask<string>("select string_agg(number || ' ' || (settled is not null), ', ' order by number) from refunds")).ShouldBe("1 false, 2 true");
        (await Count(house, paid, EventType.RefundSucceeded)).ShouldBe(1);
        await house.Sound();
    }

    /// <summary>Refunds that are under way and of which the gateway has said nothing.</summary>
    internal static async Task UnheardRefunds(SettlementHouse house, PaymentId paid, params long[] amounts)
    {
        var services = house.Host.Services;
        await using (var unheard = new OrderEngine(services.GetRequiredService<IOrderStore>(), services.GetRequiredService<Func<OrderRules>>(), new Nobody(), services.GetRequiredService<ILiveFeed>(),
            TimeProvider.System, new EngineOptions { Lanes = 1 }, NullLogger<OrderEngine>.Instance))
        {
            unheard.Start();
            foreach (var amount in amounts) await unheard.Submit(paid.Order, new OrderCommand.Refund(paid.Number, Inr(amount), null, null), default);
        }
        await house.Ask<long>("with asleep as (update orders set wake_at = null returning 1) select count(*) from asleep");
    }

    [Fact]
    public async Task A_row_of_a_refund_that_an_unnamed_one_of_ours_may_be_waits_and_is_booked_when_ours_has_its_name()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        var paid = await house.Paid();
        await UnheardRefunds(house, paid, 30000);
        await house.Settle(Statement(Line("back", paid, 10000, SettlementKind.Refund, $"m_{paid.Reference}") with { Net = Inr(-10000) }));
        var later = house.Host.Services.GetRequiredService<LaterEvidence>();
        (await later.Sweep(default)).ShouldBe(0);
        (await house.Ask<string>("select row_key || ' ' || proposal from settlement_discrepancies where resolved_at is null")).ShouldStartWith("back wait: a refund under way may be this one");
        (await Count(house, paid, EventType.SettlementMatched)).ShouldBe(0);

        await house.Host.Engine.Submit(paid.Order, new RefundEvidence.Succeeded(Inr(30000)) { RefundReference = "r_ours" }
            .Learned(1, paid.Number, EvidenceSource.Webhook, DateTimeOffset.UnixEpoch, "k"), default);
        (await later.Sweep(default)).ShouldBe(1);
        (await later.Sweep(default)).ShouldBe(0);
        (await Count(house, paid, EventType.SettlementMatched)).ShouldBe(1);
        (await Balance(house, "bank")).ShouldBe(-10000);
        var asked = (await house.Get("/v1/discrepancies?open=true")).Body.GetProperty("discrepancies").EnumerateArray().ShouldHaveSingleItem();
        (asked.GetProperty("kind").GetString(), asked.GetProperty("amount").GetInt64()).ShouldBe(("refund_unasked", 10000));
        await house.Sound();
    }

    [Theory]
    [InlineData("accept")]
    [InlineData("write_off")]
    [InlineData("close")]
    public async Task Money_that_a_person_had_placed_is_booked_once_when_the_gateway_tells_whose_it_is(string action)
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        var pending = await house.Pending();
        await house.Settle(Statement(Paid("a", pending, money: "m_1") with { Payment = null }));
        var later = house.Host.Services.GetRequiredService<LaterEvidence>();
        var question = (await house.Get("/v1/discrepancies?open=true")).Body.GetProperty("discrepancies").EnumerateArray().ShouldHaveSingleItem().GetProperty("id").GetString();
        (await house.Post($"/v1/discrepancies/{question}/resolution", new { action, by = "Asha", reason = "nobody asks for it" })).Status.ShouldBe(HttpStatusCode.OK);
        (await later.Sweep(default)).ShouldBe(0);

        await house.Tell(pending, "captured", 49900, "m_1");
        (await later.Sweep(default)).ShouldBe(1);
        (await later.Sweep(default)).ShouldBe(0);
        (await Balance(house, "sales"), await Balance(house, "suspense"), await Balance(house, "fees"), await Balance(house, "receivable:shop"), await Balance(house, "bank"))
            .ShouldBe((-49900, 0, 998, 0, 49900 - 1178));
        (await Count(house, pending, EventType.SettlementMatched)).ShouldBe(1);
        var closed = (await house.Get($"/v1/discrepancies/{question}")).Body;
        closed.GetProperty("resolution").GetString().ShouldBe("evidence");
        closed.GetProperty("reason").GetString()!.ShouldEndWith($"Before, Asha answered {action}: nobody asks for it");
        await house.Sound();
    }

    [Fact]
    public async Task What_only_a_statement_and_a_person_say_is_no_evidence_of_the_gateway()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase(), null, ("Purser:Settlement:TheirsPaid", "ask"));
        var pending = await house.Pending();
        await house.Settle(Statement(Paid("stranger", pending, money: "m_1") with { Payment = null }));
        await house.Settle(Statement(Paid("a", pending, money: "m_1")));
        var question = (await house.Get("/v1/discrepancies?open=true")).Body.GetProperty("discrepancies").EnumerateArray().Single(d => d.GetProperty("row_key").GetString() == "a").GetProperty("id").GetString();
        (await house.Post($"/v1/discrepancies/{question}/resolution", new { action = "accept", by = "Asha", reason = "seen in the dashboard" })).Status.ShouldBe(HttpStatusCode.OK);
        (await house.Host.Services.GetRequiredService<LaterEvidence>().Sweep(default)).ShouldBe(0);
        (await house.Ask<string>("select string_agg(row_key, ' ') from settlement_discrepancies where resolved_at is null")).ShouldBe("stranger");
    }

    [Fact]
    public async Task Of_two_rows_without_a_name_one_is_about_the_one_money_and_the_other_waits()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase(), null, ("Purser:Settlement:TheirsPaid", "ask"));
        var pending = await house.Pending();
        await house.Settle(Statement(Paid("a", pending) with { MoneyReference = null }, Paid("b", pending) with { MoneyReference = null }));
        await house.Tell(pending, "captured", 49900, "m_1");
        var later = house.Host.Services.GetRequiredService<LaterEvidence>();
        (await later.Sweep(default)).ShouldBe(1);
        (await later.Sweep(default)).ShouldBe(0);
        (await house.Ask<string>("select string_agg(row_key, ' ') from settlement_discrepancies where resolved_at is null")).ShouldBe("b");
        (await Count(house, pending, EventType.DiscrepancyOpened)).ShouldBe(0);
        await house.Sound();
    }

    [Fact]
    public async Task One_node_looks_at_a_time_and_a_row_that_cannot_be_applied_holds_no_other_up()
    {
        var log = new Heard();
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase(), null, log,
            ("Purser:Settlement:TheirsPaid", "ask"), ("Logging:LogLevel:Purser.Server.Reconciliation", "Error"));
        var (broken, whole) = (await house.Pending(), await house.Pending());
        await house.Settle(Statement(Paid("a", broken), Paid("b", whole)));
        foreach (var payment in new[] { broken, whole }) await house.Tell(payment, "captured", 49900, $"m_{payment.Reference}");
        await house.Ask<long>("with spoilt as (update settlement_lines set currency = 'no such' where row_key = 'a' returning 1) select count(*) from spoilt");
        var later = house.Host.Services.GetRequiredService<LaterEvidence>();
        var elsewhere = house.Host.Services.GetRequiredService<IActStore>();
        await using (await elsewhere.TakeTurn(default))
            (await later.Sweep(default)).ShouldBe(0);
        (await later.Sweep(default)).ShouldBe(1);
        (await house.Ask<string>("select string_agg(row_key, ' ') from settlement_discrepancies where resolved_at is null")).ShouldBe("a");
        log.Lines.ShouldContain(line => line.StartsWith("Line 1 of ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_file_that_is_refused_for_no_single_row_is_told_in_the_log_without_one()
    {
        var log = new Heard();
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase(), null, log, ("Logging:LogLevel:Purser.Server.Settlement", "Warning"));
        // Another account's file.
        var refused = await house.Settle(Statement(Paid("a", await house.Paid("other")), Paid("b", await house.Paid("other"))));
        refused.Text("state").ShouldBe("refused");
        var wrong = await house.Settle(Statement(Paid("a", await house.Paid())).Concat("b,Payment,,,,x,INR,,,,,\n"u8.ToArray()).ToArray());
        wrong.Text("state").ShouldBe("refused");
        log.Lines.Where(l => l.Contains("refused")).ShouldBe([
            $"Settlement file {refused.Text("id")} of shop is refused for what is in no single row; GET /v1/settlements says why",
            $"Settlement file {wrong.Text("id")} of shop is refused at row 3"]);
    }

    /// <summary>The gateway does not hear of it yet.</summary>
    sealed class Nobody : ICallStarter
    {
        public void Start(GatewayCall call)
        {
        }
    }

    sealed class Heard : ILoggerProvider, ILogger
    {
        readonly System.Collections.Concurrent.ConcurrentQueue<string> lines = new();

        public string[] Lines => [.. lines];

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => lines.Enqueue(formatter(state, exception));

        public void Dispose()
        {
        }
    }

    [Theory]
    [InlineData(SettlementKind.Dispute, 1)]
    [InlineData(SettlementKind.DisputeReturned, 2)]
    public async Task A_row_of_a_dispute_whose_money_nobody_knew_reaches_its_order_with_the_money(SettlementKind kind, int standing)
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        var payment = await house.Pending();
        await house.Settle(Statement(Line("d", null, kind: kind, money: "m_silent") with { Net = Inr(kind == SettlementKind.Dispute ? -51400 : 48400), PayoutReference = "UTR2" }));
        (await house.Ask<long>("select count(*) from settlement_discrepancies where resolved_at is null")).ShouldBe(1);
        await house.Tell(payment, "captured", 49900, "m_silent");
        await house.Host.Services.GetRequiredService<LaterEvidence>().Sweep(default);
        (await house.Ask<string>("select resolution || ' ' || final from settlement_discrepancies")).ShouldBe("evidence true");
        (await house.Ask<short>($"select dispute from payments where order_id = {payment.Order.Value}")).ShouldBe((short)standing);
        if (kind == SettlementKind.Dispute)
            (await house.Post($"/v1/orders/{payment.Order}/refunds", new { })).Status.ShouldBe(HttpStatusCode.Conflict);
        (await Balance(house, "fees")).ShouldBe(1500);
        (await AuditCommand.Run(house.Database, null, null, 3, null, default)).Differences.ShouldBeEmpty();
        await house.Sound();
    }
}
