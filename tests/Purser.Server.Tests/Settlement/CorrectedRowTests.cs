using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Purser.Orders;
using Purser.Reconciliation;
using Purser.Refunds;
using Purser.Server.Audit;
using Purser.Server.Reconciliation;
using Purser.Server.Settlement;
using Purser.Server.Tests.Platform;
using static Purser.Server.Tests.Settlement.StatementGateway;

namespace Purser.Server.Tests.Settlement;

/// <summary>What rows say otherwise than an earlier one, or than we asked for, is in the books, and an answer says where.</summary>
public sealed partial class CorrectedRowTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    static Money Inr(long units) => new(units, Currency.Find("INR"));

    static async Task<string> Books(SettlementHouse house) =>
        await house.Ask<string>("select string_agg(account || ' ' || amount || ' ' || currency, ', ' order by account, currency) from (select account, currency, sum(amount) as amount from ledger group by 1, 2 having sum(amount) <> 0) l");

    static async Task Honest(SettlementHouse house) => (await AuditCommand.Run(house.Database, null, null, 3, null, default)).Differences.ShouldBeEmpty();

    static async Task Answer(SettlementHouse house, string key, string action)
    {
        var id = await house.Ask<long>($"select id from settlement_discrepancies where row_key = '{key}' and resolved_at is null");
        var answer = await house.Post($"/v1/discrepancies/dis_row_{id}/resolution", new { action, by = "Asha", reason = "seen" });
        answer.Status.ShouldBe(HttpStatusCode.OK, answer.Body.ToString());
    }

    static async Task TakeBack(SettlementHouse house, string key)
    {
        using var body = new StringContent("""{"by": "Ravi", "reason": "wrong"}""", System.Text.Encoding.UTF8, "application/json");
        var id = await house.Ask<long>($"select id from settlement_discrepancies where row_key = '{key}'");
        (await house.Send(HttpMethod.Delete, $"/v1/discrepancies/dis_row_{id}/resolution", body)).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_row_that_is_corrected_is_booked_as_it_says_now_and_an_answer_says_what_the_difference_is()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        var paid = await house.Paid();
        var bytes = 0;
        SettlementLine Says(long net, string? utr = "UTR1") => Line("a", paid, money: $"m_{paid.Reference}") with { Net = Inr(net), PayoutReference = utr };
        await house.Settle(Statement(Says(48722)));
        (await Books(house)).ShouldBe("bank 48722 INR, fees 1178 INR, sales -49900 INR");
        // The gateway's API takes the day from when it began, and its file from when it was done: nothing else differs.
        foreach (var day in (int[])[1, 4])
        {
            SettlementHouse.Classes(await house.Settle(Statement(Says(48722) with { HappenedAt = new DateTimeOffset(2026, 3, day, 10, 0, 0, default), SettledOn = new DateOnly(2026, 3, day) }))).Keys.ShouldBe(["repeated"]);
            await house.Ask<long>($"with came as (update settlement_files set source = {(int)(day == 1 ? FileSource.Fetched : FileSource.Upload)} where id = 2 returning 1) select count(*) from came");
        }
        await house.Settle(Statement(Says(48000)));
        (await Books(house)).ShouldBe("bank 48000 INR, fees 1178 INR, sales -49900 INR, suspense 722 INR");
        await Honest(house);
        // Once more otherwise: the latest counts, and is asked about.
        await house.Settle(Statement(Says(47000)));
        (await Books(house)).ShouldBe("bank 47000 INR, fees 1178 INR, sales -49900 INR, suspense 1722 INR");
        await Honest(house);
        await Answer(house, "a", "accept");
        (await Books(house)).ShouldBe("bank 47000 INR, fees 2900 INR, sales -49900 INR");
        await Honest(house);
        await TakeBack(house, "a");
        (await Books(house)).ShouldBe("bank 47000 INR, fees 1178 INR, sales -49900 INR, suspense 1722 INR");
        await Answer(house, "a", "close");
        (await Books(house)).ShouldBe("bank 47000 INR, fees 2900 INR, sales -49900 INR");
        await Honest(house);
        // And back to what it said at first: that is news, too. The next telling of it is not.
        await house.Settle(Statement(Says(48722), Line("b", null, 100, SettlementKind.Adjustment)));
        (await Books(house)).ShouldBe("bank 48822 INR, fees 1078 INR, sales -49900 INR");
        await Honest(house);
        await Answer(house, "a", "accept");
        (await Books(house)).ShouldBe("bank 48822 INR, fees 1078 INR, sales -49900 INR");
        var told = await house.Settle(Statement(Says(48722), Line("b", null, 100, SettlementKind.Adjustment), Line("c", null, 100, SettlementKind.Adjustment)));
        SettlementHouse.Classes(told).ShouldBe(new Dictionary<string, int> { ["repeated"] = 2, ["adjustment"] = 1 }, ignoreOrder: true);
        // In other words, too: less is said of it, it is corrected, and corrected back.
        foreach (var (net, utr, changed) in new (long, string?, int)[] { (48722, null, 0), (47500, "UTR1", 1), (48722, null, 1), (47500, "UTR1", 1), (48722, "UTR1", 1) })
            SettlementHouse.Classes(await house.Settle([.. Statement(Says(net, utr)), .. Enumerable.Repeat((byte)'\n', ++bytes)])).ContainsKey("changed").ShouldBe(changed == 1, $"{net} {utr}");
        (await Books(house)).ShouldBe("bank 48922 INR, fees 978 INR, sales -49900 INR");
        await Honest(house);
        await house.Sound();
        await house.Ask<long>("with spoilt as (update settlement_postings set amount = amount + 1 where row_key = 'a (changed)' returning 1) select count(*) from spoilt");
        (await AuditCommand.Run(house.Database, null, null, 3, null, default)).Differences.ShouldContain(d => d.Row == "shop/a (changed)");
    }

    [Fact]
    public async Task A_row_whose_amount_is_corrected_changes_the_income_when_a_person_accepts_it()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        var paid = await house.Paid();
        await house.Settle(Statement(Line("a", paid, money: $"m_{paid.Reference}") with { Fee = Inr(998), Tax = Inr(180), Net = Inr(48722), PayoutReference = "UTR1" }));
        await house.Settle(Statement(Line("a", paid, 50000, money: $"m_{paid.Reference}") with { Fee = Inr(1000), Tax = Inr(180), Net = Inr(48820), PayoutReference = "UTR1" }));
        (await Books(house)).ShouldBe("bank 48820 INR, fee_tax 180 INR, fees 998 INR, sales -49900 INR, suspense -98 INR");
        await Answer(house, "a", "accept");
        (await Books(house)).ShouldBe("bank 48820 INR, fee_tax 180 INR, fees 1000 INR, sales -50000 INR");
        await Honest(house);
    }

    [Fact]
    public async Task A_row_that_stands_there_twice_is_booked_once_more_when_a_person_says_that_it_is_another()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        var charge = Line("x", null, 100, SettlementKind.Adjustment) with { Net = Inr(-100), PayoutReference = "UTR1" };
        await house.Settle(Statement(charge, charge));
        (await Books(house)).ShouldBe("bank -100 INR, fees 100 INR");
        await Answer(house, "x (again stl_1 line 2)", "accept");
        (await Books(house)).ShouldBe("bank -200 INR, fees 200 INR");
        await Honest(house);
        // A later file that has both again says nothing new.
        await house.Settle(Statement(charge, charge, charge with { RowKey = "y" }));
        (await Books(house)).ShouldBe("bank -300 INR, fees 300 INR");
        (await house.Ask<string>("select string_agg(file || ' ' || resolution || ' ' || by_first, ';') from settlement_discrepancies")).ShouldBe("1 accept Asha");
        (await house.Ask<long>("select count(*) from audit_log")).ShouldBe(1);
        await Honest(house);
        await TakeBack(house, "x (again stl_1 line 2)");
        (await Books(house)).ShouldBe("bank -200 INR, fees 200 INR");
        await Answer(house, "x (again stl_1 line 2)", "close");
        (await Books(house)).ShouldBe("bank -200 INR, fees 200 INR");
        await Honest(house);
        await house.Sound();
    }

    static SettlementLine Charge(string key, string? day = null) =>
        Line(key, null, 100, SettlementKind.Adjustment) with { Net = Inr(-100), PayoutReference = "UTR1", SettledOn = day is null ? null : DateOnly.ParseExact(day, "yyyy-MM-dd") };

    /// <summary>The rows happened then.</summary>
    static byte[] At(string time, params IEnumerable<SettlementLine> lines) =>
        System.Text.Encoding.UTF8.GetBytes(string.Concat(System.Text.Encoding.UTF8.GetString(Statement(lines)).TrimEnd('\n').Split('\n').Select((row, n) => $"{row},{(n == 0 ? "at" : time)}\n")));

    static async Task<string> Open(SettlementHouse house) => await house.Ask<string>("select coalesce(string_agg(row_key, ', ' order by row_key), '') from settlement_discrepancies where resolved_at is null");

    [Fact]
    public async Task Each_further_row_of_a_key_is_asked_about_by_itself_and_booked_once_for_ever()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        async Task Stands(int charges, string open = "")
        {
            (await Books(house)).ShouldBe($"bank -{charges}00 INR, fees {charges}00 INR");
            (await Open(house)).ShouldBe(open);
            await Honest(house);
            await house.Sound();
        }
        await house.Settle(Statement(Enumerable.Repeat(Charge("t", "2026-01-05"), 4)));
        await Stands(1, "t (again stl_1 line 2), t (again stl_1 line 3), t (again stl_1 line 4)");
        (await house.Get("/v1/discrepancies?open=true")).Body.GetProperty("discrepancies").EnumerateArray().Select(d => $"{d.GetProperty("row_key").GetString()} {d.GetProperty("line").GetInt32()}")
            .ShouldBe(["t 2", "t 3", "t 4"], ignoreOrder: true);
        await Answer(house, "t (again stl_1 line 2)", "accept");
        await Answer(house, "t (again stl_1 line 4)", "close");
        await Answer(house, "t (again stl_1 line 3)", "accept");
        await Stands(3);
        // A pair in another file is asked about whatever was accepted before; it says so.
        await house.Settle(Statement(Charge("t", "2026-01-05"), Charge("t", "2026-01-05")));
        await Stands(3, "t (again stl_2 line 2)");
        (await house.Ask<string>("select proposal from settlement_discrepancies where resolved_at is null")).ShouldEndWith("; of 3 further rows of that key in earlier files 2 were accepted");
        await Answer(house, "t (again stl_2 line 2)", "accept");
        await Stands(4);
        // The first file again, with one row more: each is answered, the closed one too.
        var again = await house.Settle(Statement([.. Enumerable.Repeat(Charge("t", "2026-01-05"), 4), Charge("y")]));
        SettlementHouse.Classes(again).ShouldBe(new Dictionary<string, int> { ["repeated"] = 4, ["adjustment"] = 1 }, ignoreOrder: true);
        await Stands(5);
        // As often as before, and of another day.
        await house.Settle(Statement(Charge("t", "2026-01-06"), Charge("t", "2026-01-06")));
        await Stands(5, "t, t (again stl_4 line 2)");
        await Answer(house, "t", "accept");
        await Answer(house, "t (again stl_4 line 2)", "accept");
        await Stands(6);
        foreach (var action in (string[])["close", "accept"])
        {
            await TakeBack(house, "t (again stl_1 line 3)");
            await Stands(5, "t (again stl_1 line 3)");
            await Answer(house, "t (again stl_1 line 3)", action);
            await Stands(action == "accept" ? 6 : 5);
        }
        // A file that is acted on again asks nothing again.
        var file = (await house.Host.Services.GetRequiredService<SettlementFileStore>().Find(2, default))!;
        await house.Host.Services.GetRequiredService<ActStore>().Write(file, [], [new OpenedRow("t (again stl_2 line 2)", SettlementClass.DuplicateLine, 2, Inr(100), "again") { AgainOf = "t" }], default);
        await Stands(6);
        // A time, too, says that it is another; as exactly as the gateway's two ways of telling it.
        await house.Settle(At("2026-01-05T10:00:00Z", Charge("u"), Charge("u")));
        await Answer(house, "u (again stl_5 line 2)", "accept");
        await house.Settle(At("2026-01-05T00:00:00Z", Charge("u"), Charge("u")));
        await Stands(8);
        await house.Settle(At("2026-01-06T10:00:00Z", Charge("u"), Charge("u")));
        await Stands(8, "u (again stl_7 line 2)");
        await Answer(house, "u (again stl_7 line 2)", "accept");
        await Stands(9);
        // A key of the gateway's that looks like such a name is another row.
        await house.Settle(Statement(Charge("t (again stl_1 line 2)"), Charge("t (again stl_1 line 2)"), Charge("t ((again stl_1 line 2)")));
        await Stands(11, "t ((again stl_1 line 2) (again stl_8 line 2)");
        await Answer(house, "t ((again stl_1 line 2) (again stl_8 line 2)", "accept");
        await Stands(12);

        await house.Ask<long>("with spoilt as (update settlement_postings set amount = amount + 1 where row_key = 't (again stl_1 line 3)' returning 1) select count(*) from spoilt");
        (await AuditCommand.Run(house.Database, null, null, 3, null, default)).Differences.ShouldContain(d => d.Row == "shop/t (again stl_1 line 3)");
        await house.Ask<long>("with gone as (delete from settlement_discrepancies where row_key = 't (again stl_2 line 2)' returning 1) select count(*) from gone");
        (await new RowAuditStore(house.Database).Unasked(5, default)).ShouldHaveSingleItem().ShouldBe(new Difference("settlement_discrepancies", "stl_2 line 2", "t is duplicate_line, and its question is not there."));
    }

    [Fact]
    public async Task What_an_older_program_asked_once_of_all_further_rows_is_answered_as_it_was_asked()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        await house.Settle(Statement([.. Enumerable.Repeat(Charge("t"), 3), .. Enumerable.Repeat(Charge("u"), 2)]));
        // It asked of the first further row of a key.
        await house.Ask<long>("with gone as (delete from settlement_discrepancies where row_key = 't (again stl_1 line 3)' returning id) select count(*) from gone");
        await house.Ask<long>("with old as (update settlement_discrepancies set row_key = again_of, again_of = null returning id) select count(*) from old");
        await house.Ask<long>("""
            with told as (insert into decisions (about, state) select about, (select (row_state(d) - 'again_of')::text from settlement_discrepancies d where 'settlement_discrepancies/' || d.id = about)
                from (select distinct about from decisions where starts_with(about, 'settlement_discrepancies/')) x returning 1) select count(*) from told
            """);
        (await Open(house)).ShouldBe("t, u");
        await Honest(house);
        foreach (var key in (string[])["t", "u"]) await Answer(house, key, "accept");
        (await Books(house)).ShouldBe("bank -400 INR, fees 400 INR");
        (await house.Ask<string>("select string_agg(distinct row_key, ', ') from settlement_postings")).ShouldBe("t, t (again), u, u (again)");
        await Honest(house);
        await TakeBack(house, "t");
        (await Books(house)).ShouldBe("bank -300 INR, fees 300 INR");
        await Honest(house);
        await Answer(house, "t", "accept");
        // Issued again, only the row is asked about that nobody was asked about; and a third of the other, too.
        await house.Settle(Statement([.. Enumerable.Repeat(Charge("t"), 3), .. Enumerable.Repeat(Charge("u"), 3)]));
        (await Open(house)).ShouldBe("t (again stl_2 line 3), u (again stl_2 line 5), u (again stl_2 line 6)");
        foreach (var key in (await Open(house)).Split(", ")) await Answer(house, key, "accept");
        (await Books(house)).ShouldBe("bank -700 INR, fees 700 INR");
        await Honest(house);
        await house.Sound();
    }

    [Fact]
    public async Task A_refund_that_came_back_in_the_currency_of_the_payout_clears_the_receivable_of_both()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        var paid = await house.Paid();
        await house.Host.Engine.Submit(paid.Order, new OrderCommand.Refund(paid.Number, Inr(10000), null, null), default);
        await house.Host.Engine.Submit(paid.Order, new RefundEvidence.Succeeded(Inr(10000)) { RefundReference = "r_1" }.Learned(1, paid.Number, EvidenceSource.Webhook, DateTimeOffset.UnixEpoch, "k"), default);
        SettlementLine Dollars(string key, SettlementKind kind, long amount, long net) => Line(key, paid, amount, kind, $"m_{paid.Reference}", "USD") with { Net = new Money(net, Currency.Find("USD")), RefundReference = kind == SettlementKind.Payment ? null : "r_1" };
        await house.Settle(Statement(Dollars("charge", SettlementKind.Payment, 600, 580), Dollars("refund", SettlementKind.Refund, 120, -120), Dollars("refund_failure", SettlementKind.RefundReturned, 120, 120),
            Line("po", null, 580, SettlementKind.Payout, currency: "USD") with { Net = new Money(-580, Currency.Find("USD")) }));
        (await Books(house)).ShouldNotContain("receivable");
        (await house.Ask<string>("select status || ' ' || (returned::jsonb->'settled'->>'row') from refunds")).ShouldBe("4 refund_failure");
        await Honest(house);
        await house.Sound();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_row_without_our_name_that_a_person_closed_is_booked_once_when_the_gateway_says_what_it_was(bool saidBefore)
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        var paid = await house.Paid();
        await LaterEvidenceTests.UnheardRefunds(house, paid, 10000, 10000);
        await house.Settle(Statement(Line("back", null, 10000, SettlementKind.Refund, $"m_{paid.Reference}") with { Net = Inr(-10000) }));
        Task Told() => house.Host.Engine.Submit(paid.Order, new RefundEvidence.Succeeded(Inr(10000)).Learned(2, paid.Number, EvidenceSource.Inquiry, DateTimeOffset.UnixEpoch, "k"), default);
        // The answer may come when the gateway has said so already and nobody has looked yet.
        if (saidBefore) await Told();
        await Answer(house, "back", "close");
        var later = house.Host.Services.GetRequiredService<LaterEvidence>();
        if (!saidBefore)
        {
            (await later.Sweep(default)).ShouldBe(0);
            await Told();
        }
        (await later.Sweep(default)).ShouldBe(1);
        (await later.Sweep(default)).ShouldBe(0);
        (await Books(house)).ShouldBe("bank -10000 INR, receivable:shop 49900 INR, refunds 10000 INR, sales -49900 INR");
        await Honest(house);
        await house.Sound();
    }

    [Fact]
    public async Task A_row_of_one_of_two_disputes_that_a_person_closed_is_booked_once_when_the_gateway_says_which_was_won()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        var paid = await house.Paid();
        Task Tell(Evidence e) => house.Host.Engine.Submit(paid.Order, e.Learned(paid.Number, EvidenceSource.Webhook, TimeProvider.System.GetUtcNow(), "k"), default);
        await Tell(new Evidence.DisputeOpened("d_1", Inr(10000)));
        await Tell(new Evidence.DisputeOpened("d_2", Inr(10000)));
        await house.Settle(Statement(Line("won", null, 10000, SettlementKind.DisputeReturned, $"m_{paid.Reference}") with { Net = Inr(9500) }));
        (await house.Ask<string>("select class || ' ' || row_key from settlement_discrepancies")).ShouldBe($"{(int)SettlementClass.NotApplied} won");
        await Answer(house, "won", "close");
        var later = house.Host.Services.GetRequiredService<LaterEvidence>();
        (await later.Sweep(default)).ShouldBe(0);
        await Tell(new Evidence.DisputeClosed("d_2", Inr(10000), Won: true));
        (await later.Sweep(default)).ShouldBe(1);
        (await later.Sweep(default)).ShouldBe(0);
        (await Books(house)).ShouldBe("bank 9500 INR, disputes 10000 INR, fees 500 INR, receivable:shop 29900 INR, sales -49900 INR");
        await Honest(house);
        await house.Sound();
    }

    [Fact]
    public async Task A_row_whose_money_is_not_known_any_more_when_it_is_applied_waits_in_suspense_and_is_asked_about()
    {
        var database = await postgres.CreateDatabase();
        var times = 0;
        var denied = new SettlementHook(at =>
        {
            if (at != SettlementHook.BeforeActing || Interlocked.Increment(ref times) > 1) return;
            using var source = NpgsqlDataSource.Create(database);
            using var deny = source.CreateCommand("delete from captures");
            deny.ExecuteNonQuery();
            throw new InvalidOperationException("killed");
        });
        await using var house = await SettlementHouse.Open(database, denied);
        var paid = await house.Paid();
        await house.Settle(Statement(Line("a", null, money: $"m_{paid.Reference}") with { Net = Inr(48722), Fee = Inr(1178) }));
        (await house.Ask<string>("select class || ' ' || row_key from settlement_discrepancies")).ShouldBe($"{(int)SettlementClass.UnknownOrder} a");
        (await house.Ask<long>("select sum(amount)::bigint from ledger where account = 'suspense'")).ShouldBe(-49900);
    }

    [Fact]
    public async Task What_a_row_adds_counts_for_the_limits_as_what_it_says_was_paid_does()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        var pending = await house.Pending();
        const long most = 100_000_001;
        await house.Settle(Statement(Line("u", null, 100, money: "m_1") with { Net = Inr(most) }, Line("v", null, 100, money: "m_2") with { Net = Inr(100) },
            Line("w", null, 100, money: "m_3") with { Net = Inr(100), Fee = Inr(most) }, Line("t", pending, money: "m_4") with { Net = Inr(most) }));
        (await house.Get("/v1/discrepancies?open=true")).Body.GetProperty("discrepancies").EnumerateArray()
            .Select(d => $"{d.GetProperty("row_key").GetString()} {d.GetProperty("kind").GetString()} {d.GetProperty("persons_needed").GetInt32()}").Order(StringComparer.Ordinal)
            .ShouldBe(["t theirs_paid 2", "u unknown_order 2", "v unknown_order 1", "w unknown_order 2"]);
        var changed = Line("v", null, 100, money: "m_2") with { Net = Inr(-most) };
        await house.Settle(Statement(changed));
        (await house.Get("/v1/discrepancies?open=true")).Body.GetProperty("discrepancies").EnumerateArray().Single(d => d.GetProperty("kind").GetString() == "changed").GetProperty("persons_needed").GetInt32().ShouldBe(2);
    }

    [Fact]
    public async Task A_row_that_comes_again_with_another_orders_refund_of_the_same_number_is_changed()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        static byte[] Of(long order) => Statement(Line("back", null, 300, SettlementKind.Refund) with { Refund = new RefundId(new OrderId(order), 1), Net = Inr(-300) });
        await house.Settle(Of(76));
        SettlementHouse.Classes(await house.Settle([.. Of(76), .. "\n"u8])).ShouldBe(new Dictionary<string, int> { ["repeated"] = 1 });
        SettlementHouse.Classes(await house.Settle(Of(77))).ShouldBe(new Dictionary<string, int> { ["changed"] = 1 });
    }

    [Fact]
    public async Task What_an_answer_to_an_orders_question_would_move_counts_for_the_limits_as_the_money_that_it_is_about_does()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        var (twice, otherwise, few) = (await house.Paid(), await house.Paid(), await house.Paid());
        const long most = 100_000_001;
        SettlementLine Of(PaymentId p, string key, long amount = 49900) => Line(key, p, amount, money: $"m_{p.Reference}") with { Net = Inr(amount) };
        await house.Settle(Statement(Of(twice, "t1"), Of(twice, "t2") with { Net = Inr(most) }, Of(otherwise, "o", most + 49900), Of(few, "f1"), Of(few, "f2")));
        async Task<List<System.Text.Json.JsonElement>> Asked() => [.. (await house.Get("/v1/discrepancies?open=true")).Body.GetProperty("discrepancies").EnumerateArray()];
        (await Asked()).Select(d => $"{d.GetProperty("kind").GetString()} {d.GetProperty("amount").GetInt64()} {d.GetProperty("persons_needed").GetInt32()}").Order(StringComparer.Ordinal)
            .ShouldBe(["settled_otherwise 49900 2", "settled_twice 49900 1", "settled_twice 49900 2"]);

        // So one person moves nothing of it.
        var question = (await Asked()).Single(d => d.GetProperty("payment").GetString() == twice.ToString()).GetProperty("id").GetString()!;
        (await house.Post($"/v1/discrepancies/{question}/resolution", new { action = "close", by = "Asha", reason = "seen" })).Status.ShouldBe(HttpStatusCode.Accepted);
        (await house.Ask<long>("select coalesce(sum(amount), 0)::bigint from ledger where account = 'suspense'")).ShouldBe(-(2L * most) - 49900);
        (await house.Get($"/v1/discrepancies/{question}")).Body.GetProperty("persons_needed").GetInt32().ShouldBe(2);
    }

    [Fact]
    public async Task A_file_that_was_refused_is_read_again_by_a_dry_run_when_the_cause_is_mended()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        house.Gateway.Unread = "Adjustment";
        var file = Statement(Line("x", null, 100, SettlementKind.Adjustment) with { Net = Inr(-100) });
        (await house.Settle(file)).Text("state").ShouldBe("refused");
        house.Gateway.Unread = null;
        var would = await house.Upload(file, "gateway=shop&dry_run=true");
        (would.Status, would.Body.GetProperty("classes").EnumerateArray().ShouldHaveSingleItem().GetProperty("class").GetString()).ShouldBe((HttpStatusCode.OK, "adjustment"));
        (await house.Settle(file)).Text("state").ShouldBe("done");
    }

    [Fact]
    public async Task A_refund_is_not_missed_before_the_day_of_the_file_that_should_have_it()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase(), null, ("Gateways:shop:SettlesAfterDays", "2"));
        var paid = await house.Paid();
        var today = DateOnly.FromDateTime(TimeProvider.System.GetUtcNow().UtcDateTime);
        await house.Host.Engine.Submit(paid.Order, new OrderCommand.Refund(paid.Number, Inr(10000), null, null), default);
        await house.Host.Engine.Submit(paid.Order, new RefundEvidence.Succeeded(Inr(10000)).Learned(1, paid.Number, EvidenceSource.Webhook, DateTimeOffset.UnixEpoch, "k"), default);
        // It names the day of a payout to come.
        await house.Settle(Statement(Line("x", null, 100, SettlementKind.Adjustment) with { Net = Inr(-100), SettledOn = today.AddDays(5) }));
        var overdue = house.Host.Services.GetRequiredService<Overdue>();
        (await overdue.SweepRefunds(null, today.AddDays(4), default)).ShouldBe(0);
        await house.Ask<long>($"with later as (update settlement_files set received_at = received_at + interval '3 days' returning 1) select count(*) from later");
        (await overdue.SweepRefunds(null, today.AddDays(4), default)).ShouldBe(1);
    }
}
