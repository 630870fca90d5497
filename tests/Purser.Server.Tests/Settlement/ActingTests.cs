using System.Net;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Purser.Gateways;
using Purser.Orders;
using Purser.Reconciliation;
using Purser.Refunds;
using Purser.Server.Engine;
using Purser.Server.Gateways;
using Purser.Server.Reconciliation;
using Purser.Server.Settlement;
using Purser.Server.Tests.Platform;
using static Purser.Server.Tests.Settlement.StatementGateway;

namespace Purser.Server.Tests.Settlement;

public sealed class ActingTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
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

    static async Task<string> Status(SettlementHouse house, PaymentId payment) => (await house.Get($"/v1/orders/{payment.Order}")).Text("status");

    static Task<long> Count(SettlementHouse house, PaymentId payment, EventType type) =>
        house.Ask<long>($"select count(*) from events where order_id = {payment.Order.Value} and type = {(int)type}");

    [Fact]
    public async Task The_four_scenarios_act_once_and_their_counts_add_up()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        var (bothPaid, theirsPaid, oursPaid, bothUnpaid) = (await house.Paid(), await house.Pending(), await house.Paid(), await house.Pending());
        var late = await house.Pending();
        (await house.Post($"/v1/orders/{late.Order}/cancellation", new { })).Status.ShouldBe(HttpStatusCode.OK);
        var file = Statement(Paid("a", bothPaid), Paid("b", theirsPaid), Line("c", oursPaid, kind: SettlementKind.FailedPayment, money: $"m_{oursPaid.Reference}"),
            Line("d", bothUnpaid, kind: SettlementKind.FailedPayment), Paid("e", late));

        var done = await house.Settle(file);
        SettlementHouse.Classes(done).ShouldBe(new Dictionary<string, int> { ["both_paid"] = 1, ["theirs_paid"] = 2, ["ours_paid"] = 1, ["both_unpaid"] = 1 }, ignoreOrder: true);
        (done.Body.GetProperty("policy").GetInt32(), done.Body.GetProperty("lines_acted").GetInt32()).ShouldBe((1, 5));

        (await Count(house, bothPaid, EventType.SettlementMatched)).ShouldBe(1);
        (await Status(house, theirsPaid)).ShouldBe("paid");
        (await Count(house, theirsPaid, EventType.SettlementMatched)).ShouldBe(1);
        // Paid with us and not with them: held, and never given back by itself.
        var held = (await house.Get("/v1/discrepancies?open=true")).Body.GetProperty("discrepancies").EnumerateArray().Single(d => d.GetProperty("kind").GetString() == "not_settled");
        held.GetProperty("payment").GetString().ShouldBe(oursPaid.ToString());
        (await house.Post($"/v1/orders/{oursPaid.Order}/fulfilment", new { })).Status.ShouldBe(HttpStatusCode.Conflict);
        (await Count(house, oursPaid, EventType.RefundRequested)).ShouldBe(0);
        await Until.True(async () => (await house.Get($"/v1/payments/{bothUnpaid}")).Text("status") == "cancelled", "the link of the pair that agrees to be closed");
        // Late money goes back by the order's policy.
        (await Count(house, late, EventType.PaymentLate)).ShouldBe(1);
        (await Count(house, late, EventType.RefundRequested)).ShouldBe(1);

        await house.Sound();

        // Loading it again, also as other bytes, equals loading it once.
        var events = await house.Ask<long>("select count(*) from events");
        var again = await house.Settle([.. file, (byte)'\n']);
        SettlementHouse.Classes(again).ShouldBe(new Dictionary<string, int> { ["repeated"] = 5 }, ignoreOrder: true);
        (await house.Ask<long>("select count(*) from events")).ShouldBe(events);
    }

    [Fact]
    public async Task Fee_and_tax_are_booked_and_what_is_paid_out_is_in_the_bank()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        await house.Settle(Statement(Paid("a", await house.Paid()), Line("x", null, 5000, SettlementKind.Adjustment) with { Net = Inr(-5000), PayoutReference = "UTR1" }));
        (await Balance(house, "receivable:shop")).ShouldBe(0);
        (await Balance(house, "bank")).ShouldBe(49900 - 1178 - 5000);
        (await Balance(house, "fees")).ShouldBe(998 + 5000);
        (await Balance(house, "fee_tax")).ShouldBe(180);
    }

    [Fact]
    public async Task A_row_of_nobody_suggests_payments_of_its_amount_and_day_that_no_statement_has_and_nothing_follows_from_them()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        var today = DateOnly.FromDateTime(TimeProvider.System.GetUtcNow().UtcDateTime);
        var payments = new List<PaymentId>();
        for (var i = 0; i < 7; i++) payments.Add(await house.Paid());
        // Another amount, another gateway's, one that is not paid, and one that the statement has.
        (await house.Paid(amount: 700), await house.Paid("other"), await house.Pending()).ShouldNotBe(default);
        await house.Settle(Statement(Paid("a", payments[0]) with { SettledOn = today }, Line("stranger", new PaymentId(new OrderId(77), 1)) with { SettledOn = today },
            Line("older", new PaymentId(new OrderId(78), 1)) with { SettledOn = today.AddDays(-9) }));
        var open = (await house.Get("/v1/discrepancies?open=true")).Body.GetProperty("discrepancies").EnumerateArray().Where(d => d.GetProperty("kind").GetString() == "unknown_order")
            .ToDictionary(d => d.GetProperty("row_key").GetString()!);
        List<string> Suggested(JsonElement d) => [.. d.GetProperty("suggestions").EnumerateArray().Select(p => p.GetString()!)];
        Suggested(open["stranger"]).ShouldBe(payments.Skip(1).OrderBy(p => p.Order.Value).Take(5).Select(p => p.ToString()));
        Suggested(open["older"]).ShouldBeEmpty();
        Suggested((await house.Get($"/v1/discrepancies/{open["stranger"].GetProperty("id").GetString()}")).Body).Count.ShouldBe(5);
        (await Balance(house, "suspense")).ShouldBe(-2 * 49900);
        foreach (var payment in payments.Skip(1)) (await Count(house, payment, EventType.SettlementMatched)).ShouldBe(0);
    }

    static Task<long> Balance(SettlementHouse house, string account) => house.Ask<long>($"""
        select coalesce(sum(amount), 0)::bigint from (select account, amount from postings union all select ledger_account, amount from settlement_postings) x where account = '{account}'
        """);

    [Fact]
    public async Task Money_without_an_order_waits_in_suspense_until_a_person_says_whose_it_is()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        await house.Settle(Statement(Line("stranger", new PaymentId(new OrderId(77), 1), 700), Paid("a", await house.Paid())));
        (await Balance(house, "suspense")).ShouldBe(-700);
        var open = (await house.Get("/v1/discrepancies?open=true")).Body.GetProperty("discrepancies").EnumerateArray().ShouldHaveSingleItem();
        (open.GetProperty("kind").GetString(), open.GetProperty("amount").GetInt64(), open.GetProperty("row_key").GetString()).ShouldBe(("unknown_order", 700, "stranger"));
        var path = $"/v1/discrepancies/{open.GetProperty("id").GetString()}/resolution";

        (await house.Post(path, new { action = "refund", by = "Asha", reason = "x" })).Problem.ShouldBe("answer_unsuitable");
        (await house.Post(path, new { action = "accept", reason = "x" })).Text("field").ShouldBe("by");
        for (var i = 0; i < 2; i++)
        {
            using var note = new StringContent("""{"action": "note", "by": "Asha", "reason": "asked the gateway"}""", System.Text.Encoding.UTF8, "application/json");
            (await house.Send(HttpMethod.Post, path, note, ("Idempotency-Key", "n1"))).Body.GetProperty("resolved_at").ValueKind.ShouldBe(JsonValueKind.Null);
        }
        var accepted = await house.Post(path, new { action = "accept", by = "Asha", reason = "a deposit" });
        (accepted.Status, accepted.Text("resolution")).ShouldBe((HttpStatusCode.OK, "accept"));
        ((await Balance(house, "suspense")), (await Balance(house, "sales"))).ShouldBe((0, -700 - 49900));

        using var body = new StringContent("""{"by": "Ravi", "reason": "wrong"}""", System.Text.Encoding.UTF8, "application/json");
        (await house.Send(HttpMethod.Delete, path, body)).Body.GetProperty("resolved_at").ValueKind.ShouldBe(JsonValueKind.Null);
        (await Balance(house, "suspense")).ShouldBe(-700);
        (await house.Post(path, new { action = "write_off", by = "Asha", reason = "too small" })).Status.ShouldBe(HttpStatusCode.OK);
        ((await Balance(house, "suspense")), (await Balance(house, "fees"))).ShouldBe((0, 998 - 700));
        (await house.Ask<string>("select string_agg(by_whom || ' ' || action, ', ' order by id) from audit_log")).ShouldBe("Asha note, Asha accept, Ravi reopen, Asha write_off");
        await Should.ThrowAsync<Npgsql.PostgresException>(() => house.Ask<long>("with gone as (delete from audit_log returning 1) select count(*) from gone"));
    }

    [Fact]
    public async Task Above_the_limits_a_person_must_confirm_and_then_two_different_ones()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase(), null, ("Purser:Settlement:ConfirmAbove:INR", "10.00"), ("Purser:Settlement:TwoPersonsAbove:INR", "20.00"));
        var pending = await house.Pending();
        await house.Settle(Statement(Paid("a", pending)));
        (await Status(house, pending)).ShouldBe("awaiting_payment");
        var open = (await house.Get("/v1/discrepancies?open=true")).Body.GetProperty("discrepancies").EnumerateArray().ShouldHaveSingleItem();
        (open.GetProperty("kind").GetString(), open.GetProperty("persons_needed").GetInt32()).ShouldBe(("theirs_paid", 2));
        var path = $"/v1/discrepancies/{open.GetProperty("id").GetString()}/resolution";
        (await house.Post(path, new { action = "accept", by = "Asha", reason = "seen in the dashboard" })).Status.ShouldBe(HttpStatusCode.Accepted);
        (await house.Post(path, new { action = "accept", by = " asha ", reason = "again" })).Text("field").ShouldBe("by");
        (await Status(house, pending)).ShouldBe("awaiting_payment");
        (await house.PostAs("Ravi", path, new { action = "accept", by = "Ravi", reason = "seen too" })).Status.ShouldBe(HttpStatusCode.OK);
        (await Status(house, pending)).ShouldBe("paid");
        // As if the file had been believed at once: what it says is paid out is in the bank.
        (await house.Ask<decimal>("select sum(amount) from ledger where account = 'bank'")).ShouldBe(48722);
        await house.Sound();
        using var body = new StringContent("""{"by": "Ravi", "reason": "wrong"}""", System.Text.Encoding.UTF8, "application/json");
        (await house.Send(HttpMethod.Delete, path, body)).Problem.ShouldBe("answer_final");
    }

    [Fact]
    public async Task A_crash_before_acting_or_between_classes_resumes_and_equals_one_load()
    {
        var crashes = 0;
        var hook = new SettlementHook(at =>
        {
            if (at is SettlementHook.BeforeActing or SettlementHook.BetweenClasses or SettlementHook.Stored && Interlocked.Increment(ref crashes) is 1 or 3 or 5) throw new InvalidOperationException("killed");
        });
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase(), hook);
        var (paid, pending) = (await house.Paid(), await house.Pending());
        var done = await house.Settle(Statement(Paid("a", paid), Paid("b", pending), Line("stranger", new PaymentId(new OrderId(77), 1), 700), Paid("a", paid)));
        crashes.ShouldBeGreaterThan(5);
        SettlementHouse.Classes(done).ShouldBe(new Dictionary<string, int> { ["both_paid"] = 1, ["theirs_paid"] = 1, ["unknown_order"] = 1, ["duplicate_line"] = 1 }, ignoreOrder: true);
        (await Count(house, paid, EventType.SettlementMatched), await Count(house, pending, EventType.SettlementMatched)).ShouldBe((1, 1));
        (await house.Ask<long>("select count(*) from settlement_postings")).ShouldBe(4);
        (await house.Ask<long>("select count(*) from settlement_discrepancies")).ShouldBe(2);
    }

    [Fact]
    public async Task A_file_that_is_issued_again_applies_what_is_new_and_shows_what_differs()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        var (one, two) = (await house.Paid(), await house.Paid());
        var first = await house.Settle(Statement(Paid("a", one), Line("k", null, 10, SettlementKind.Adjustment)));
        var again = await house.Settle(Statement(Paid("a", one), Line("k", null, 11, SettlementKind.Adjustment), Paid("b", two)));
        SettlementHouse.Classes(again).ShouldBe(new Dictionary<string, int> { ["repeated"] = 1, ["changed"] = 1, ["both_paid"] = 1 }, ignoreOrder: true);
        var line = (await house.Get($"/v1/settlements/{again.Text("id")}/lines?class=changed")).Body.GetProperty("lines").EnumerateArray().ShouldHaveSingleItem();
        (line.GetProperty("was").GetProperty("settlement").GetString(), line.GetProperty("was").GetProperty("line").GetInt32()).ShouldBe((first.Text("id"), 2));
        // Two sides against what the gateway owes, two more for its payout; and the changed row adds what it says more, which waits in suspense.
        (await house.Ask<long>("select sum(abs(amount))::bigint from settlement_postings")).ShouldBe((4 * 10) + 2);
        (await Count(house, one, EventType.SettlementMatched), await Count(house, two, EventType.SettlementMatched)).ShouldBe((1, 1));
    }

    [Fact]
    public async Task A_row_that_changes_once_more_or_comes_twice_again_is_asked_about_anew_whatever_was_answered()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        static SettlementLine Says(string key, long amount) => Line(key, null, amount, SettlementKind.Adjustment);
        async Task<string> Open() => await house.Ask<string>("""
            select coalesce(string_agg(format('%s %s %s of %s', row_key, amount, number, file), ', ' order by row_key), '') from settlement_discrepancies where resolved_at is null
            """);
        async Task Close()
        {
            foreach (var d in (await house.Get("/v1/discrepancies?open=true")).Body.GetProperty("discrepancies").EnumerateArray())
                (await house.Post($"/v1/discrepancies/{d.GetProperty("id").GetString()}/resolution", new { action = "close", by = "Asha", reason = "told the gateway" })).Status.ShouldBe(HttpStatusCode.OK);
        }
        var twice = Says("t", 5);
        await house.Settle(Statement(Says("k", 100), twice, twice, twice));
        (await Open()).ShouldBe("t (again stl_1 line 3) 5 3 of 1, t (again stl_1 line 4) 5 4 of 1");
        await Close();
        var second = Statement(Says("k", 90));
        await house.Settle(second);
        (await Open()).ShouldBe("k 90 1 of 2");
        await Close();
        await house.Settle([.. Statement(Says("k", 90)), (byte)'\n']);
        (await Open()).ShouldBe("");
        await house.Settle(Statement(Says("k", 80), Says("t", 5), Says("t", 5)));
        (await Open()).ShouldBe("k 80 1 of 4, t (again stl_4 line 3) 5 3 of 4");
        // What nobody answered is not lost from sight.
        await house.Settle(Statement(Says("k", 70)));
        (await Open()).ShouldBe("k 70 1 of 5, t (again stl_4 line 3) 5 3 of 4");
        (await house.Ask<string>("select proposal from settlement_discrepancies where row_key like 't (again stl_4%'")).ShouldEndWith("; of 2 further rows of that key in earlier files 0 were accepted");
        (await house.Ask<string>("select proposal from settlement_discrepancies where row_key = 'k'")).ShouldEndWith("; line 1 of stl_4 was asked about before and not answered");
        await Close();
        // What was answered stays in the log, and a file that is acted on again asks nothing again.
        (await house.Ask<string>("select string_agg(by_whom || ' ' || action, ', ' order by id) from audit_log")).ShouldBe("Asha close, Asha close, Asha close, purser reopen, Asha close, Asha close");
        var store = house.Host.Services.GetRequiredService<ActStore>();
        var files = house.Host.Services.GetRequiredService<SettlementFileStore>();
        foreach (var id in (long[])[2, 5])
            await store.Write((await files.Find(id, default))!, [], [new OpenedRow("k", SettlementClass.Changed, 1, Inr(90), "again")], default);
        (await Open()).ShouldBe("");
    }

    [Fact]
    public async Task A_row_that_says_more_or_less_than_before_is_the_same_row_and_one_that_contradicts_it_is_not()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        var (one, two, three, four) = (await house.Paid(), await house.Paid(), await house.Paid(), await house.Paid());
        static SettlementLine Less(SettlementLine line) => line with { SettledOn = null, PayoutReference = null };
        // The tax by itself, or in the fee.
        static SettlementLine Whole(SettlementLine line) => line with { Fee = line.Fee + line.Tax!.Value, Tax = null };
        await house.Settle(Statement(Less(Paid("a", one)), Paid("b", two), Paid("c", three), Paid("d", four)));
        var again = await house.Settle(Statement(Paid("a", one), Less(Paid("b", two)), Paid("c", three) with { PayoutReference = "UTR2" }, Whole(Paid("d", four))));
        SettlementHouse.Classes(again).ShouldBe(new Dictionary<string, int> { ["repeated"] = 3, ["changed"] = 1 }, ignoreOrder: true);
        SettlementHouse.Classes(await house.Settle(Statement(Whole(Paid("d", four)) with { Fee = Inr(1179) }, Line("x", null, 100, SettlementKind.Adjustment)))).ShouldContainKeyAndValue("changed", 1);
    }

    [Fact]
    public async Task A_dry_run_says_what_would_be_done_and_leaves_nothing()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        var pending = await house.Pending();
        var answer = await house.Upload(Statement(Paid("a", pending)), "gateway=shop&dry_run=true");
        answer.Status.ShouldBe(HttpStatusCode.OK);
        var would = answer.Body.GetProperty("classes").EnumerateArray().ShouldHaveSingleItem();
        (would.GetProperty("class").GetString(), would.GetProperty("amount").GetInt64()).ShouldBe(("theirs_paid", 49900));
        foreach (var table in new[] { "settlement_files", "settlement_file_parts", "settlement_lines", "settlement_key_groups", "settlement_discrepancies" })
            (await house.Ask<long>($"select count(*) from {table}")).ShouldBe(0, table);
        (await Status(house, pending)).ShouldBe("awaiting_payment");
        (await house.Settle(Statement(Paid("a", pending)))).Text("state").ShouldBe("done");
        (await Status(house, pending)).ShouldBe("paid");
    }

    [Fact]
    public async Task A_statement_that_comes_before_the_webhook_is_fact_enough_and_the_webhook_adds_nothing()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        var pending = await house.Pending();
        await house.Settle(Statement(Paid("a", pending)));
        (await Status(house, pending)).ShouldBe("paid");
        await house.Tell(pending, "captured", 49900, $"m_{pending.Reference}");
        (await Count(house, pending, EventType.OrderPaid), await Count(house, pending, EventType.RefundRequested)).ShouldBe((1, 0));
    }

    [Fact]
    public async Task What_the_gateway_itself_tells_when_asked_counts_before_its_file()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        var pending = await house.Pending();
        house.Gateway.Inner.AnswerToInquiry = call => new GatewayAnswer.Done(new Evidence.Succeeded($"m_{call.Payment.Reference}", call.Amount, "card"));
        await house.Settle(Statement(Paid("a", pending)));
        (await Status(house, pending)).ShouldBe("paid");
        (await house.Ask<string>($"select data from events where order_id = {pending.Order.Value} and type = {(int)EventType.PaymentSucceeded}")).ShouldContain("inquiry");
    }

    [Fact]
    public async Task A_refund_under_a_name_like_ours_that_nobody_asked_for_is_asked_about_and_booked()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        var paid = await house.Paid();
        await house.Settle(Statement(Line("back", paid, 10000, SettlementKind.Refund) with { Refund = new RefundId(paid.Order, 7), Net = Inr(-10000) }));
        var open = (await house.Get("/v1/discrepancies?open=true")).Body.GetProperty("discrepancies").EnumerateArray().ShouldHaveSingleItem();
        (open.GetProperty("kind").GetString(), open.GetProperty("payment").GetString()).ShouldBe(("refund_unasked", paid.ToString()));
        (await house.Ask<decimal>("select sum(amount) from ledger where account = 'bank'")).ShouldBe(-10000);
        await house.Sound();
    }

    [Fact]
    public async Task News_about_the_money_of_one_order_and_the_refund_of_another_is_kept_for_a_person()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        var (one, other) = (await house.Pending(), await house.Paid());
        house.Gateway.Says = news => (NewsReading.Genuine)news with
        {
            RefundFacts = [new RefundNews(new RefundId(other.Order, 1), new RefundEvidence.Succeeded(Inr(49900)) { RefundReference = "rfnd_1" })],
        };
        await house.Tell(one, "captured", 49900, "m_1");
        (await Status(house, one)).ShouldBe("awaiting_payment");
        (await house.Get("/v1/gateway_news?verdict=quarantined")).Body.GetProperty("news").EnumerateArray().ShouldHaveSingleItem().GetProperty("reason").GetString()
            .ShouldBe("It tells of two orders at once.");
    }

    [Fact]
    public async Task A_dry_run_whose_caller_never_came_back_is_removed()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        var paid = await house.Paid();
        var files = house.Host.Services.GetRequiredService<SettlementFileStore>();
        await files.TakeIn("shop", "left.csv", FileSource.Upload, new MemoryStream(Statement(Paid("a", paid))), dryRun: true, 1000, default);
        await files.ForgetAbandoned(TimeSpan.FromDays(1), default);
        (await house.Ask<long>("select count(*) from settlement_files")).ShouldBe(1);
        await files.ForgetAbandoned(TimeSpan.Zero, default);
        (await house.Ask<long>("select count(*) from settlement_files") + await house.Ask<long>("select count(*) from settlement_file_parts")).ShouldBe(0);
    }

    [Fact]
    public async Task Hostile_cells_are_text_and_nothing_else()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        var text = Header + "\"=HYPERLINK(\"\"http://x\"\")\",Adjustment,,,\"'; drop table orders; --\",5,INR,,,5,,\"<script>\"\n";
        var done = await house.Settle(System.Text.Encoding.UTF8.GetBytes(text));
        var line = (await house.Get($"/v1/settlements/{done.Text("id")}/lines")).Body.GetProperty("lines").EnumerateArray().ShouldHaveSingleItem();
        (line.GetProperty("row_key").GetString(), line.GetProperty("money_reference").GetString(), line.GetProperty("payout_reference").GetString())
            .ShouldBe(("=HYPERLINK(\"http://x\")", "'; drop table orders; --", "<script>"));
        (await house.Ask<long>("select count(*) from orders")).ShouldBe(0);
    }

    [Fact]
    public async Task Money_that_no_statement_had_by_its_day_is_found_and_asked_about_once()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        var (late, settled) = (await house.Paid(), await house.Paid());
        await house.Settle(Statement(Paid("a", settled)));
        await house.Ask<long>("with due as (update captures set due_on = '2026-03-01' returning 1) select count(*) from due");
        var overdue = house.Host.Services.GetRequiredService<Overdue>();
        (await overdue.Sweep(null, new DateOnly(2026, 3, 2), default)).ShouldBe(1);
        (await overdue.Sweep(null, new DateOnly(2026, 3, 2), default)).ShouldBe(0);
        var open = (await house.Get("/v1/discrepancies?open=true")).Body.GetProperty("discrepancies").EnumerateArray().ShouldHaveSingleItem();
        (open.GetProperty("kind").GetString(), open.GetProperty("payment").GetString()).ShouldBe(("not_settled", late.ToString()));
        // A later statement that has it closes the question.
        await house.Settle(Statement(Paid("b", late)));
        (await house.Get("/v1/discrepancies?open=true")).Body.GetProperty("discrepancies").GetArrayLength().ShouldBe(0);
    }

    [Fact]
    public async Task More_overdue_money_than_the_engine_takes_at_once_is_all_asked_about()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase(), null, ("Gateways:shop:SettlesAfterDays", "1"));
        for (var i = 0; i < 12; i++) await house.Paid();
        await house.Ask<long>("with due as (update captures set due_on = '2026-03-01' returning 1) select count(*) from due");
        var services = house.Host.Services;
        var time = TimeProvider.System;
        await using var narrow = new OrderEngine(services.GetRequiredService<IOrderStore>(), services.GetRequiredService<Func<OrderRules>>(), services.GetRequiredService<ICallStarter>(),
            services.GetRequiredService<ILiveFeed>(), time, new EngineOptions { Lanes = 1, Batch = 1, Waiting = 4 }, NullLogger<OrderEngine>.Instance);
        narrow.Start();
        var overdue = new Overdue(services.GetRequiredService<IActStore>(), narrow, services.GetRequiredService<GatewayAccounts>(), services.GetRequiredService<SettlementOptions>(), time, NullLogger<Overdue>.Instance);
        (await overdue.Sweep(null, new DateOnly(2026, 3, 2), default)).ShouldBe(12);
        (await house.Ask<long>("select count(*) from discrepancies where resolved_at is null")).ShouldBe(12);
    }

    [Fact]
    public async Task A_dispute_of_a_statement_is_booked_with_its_fee_and_its_payout_once()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        var paid = await house.Paid();
        var dispute = Line("d", paid, kind: SettlementKind.Dispute, money: $"m_{paid.Reference}") with { Fee = Inr(1500), Tax = Inr(270), Net = Inr(-51670), PayoutReference = "UTR2" };
        var file = Statement(Paid("a", paid), dispute);
        (await house.Settle(file)).Text("state").ShouldBe("done");
        // The day after: the same rows in another file.
        await house.Settle(Statement(Paid("a", paid), dispute, Line("x", null, 100, kind: SettlementKind.Adjustment)));
        var books = new Dictionary<string, long>();
        foreach (var account in new[] { "receivable:shop", "disputes", "bank", "fees", "fee_tax", "sales" })
            books[account] = await house.Ask<long>($"select coalesce(sum(b.amount), 0)::bigint from (select account, amount from postings union all select ledger_account, amount from settlement_postings) b where b.account = '{account}'");
        (books["disputes"], books["sales"], books["fee_tax"]).ShouldBe((49900, -49900, 450));
        // 499.00 less fee and tax came, and 516.70 was taken from a payout; the adjustment's rupee went into one, too.
        books["bank"].ShouldBe(49900 - 1178 - 51670 + 100);
        books["receivable:shop"].ShouldBe(0);
        await house.Sound();
    }

    [Fact]
    public async Task A_row_that_may_be_of_either_of_two_disputes_is_no_dispute_until_it_is_plain_and_is_applied_once_then()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        var paid = await house.Paid();
        var engine = house.Host.Services.GetRequiredService<OrderEngine>();
        Task Told(Evidence news) => engine.Submit(paid.Order, news.Learned(1, EvidenceSource.Webhook, DateTimeOffset.UnixEpoch, null), default);
        foreach (var name in new[] { "a", "b" }) await Told(new Evidence.DisputeOpened(name, Inr(10000)));
        await house.Settle(Statement(Paid("p", paid), Line("back", paid, 10000, SettlementKind.DisputeReturned, $"m_{paid.Reference}") with { Fee = Inr(500), Net = Inr(9500), PayoutReference = "UTR2" }));
        var question = (await house.Get("/v1/discrepancies?open=true")).Body.GetProperty("discrepancies").EnumerateArray().ShouldHaveSingleItem();
        (question.GetProperty("kind").GetString(), question.GetProperty("row_key").GetString(), question.GetProperty("amount").GetInt64()).ShouldBe(("not_applied", "back", 10000));
        (await Books()).ShouldBe((20000, 500));

        var path = $"/v1/discrepancies/{question.GetProperty("id").GetString()}/resolution";
        var early = await house.Post(path, new { action = "accept", by = "Asha", reason = "try" });
        (early.Status, early.Problem).ShouldBe((HttpStatusCode.Conflict, "answer_unsuitable"), early.Body.ToString());
        early.Text("detail").ShouldContain("does not say which of the payment's disputes");
        (await house.Get("/v1/discrepancies?open=true")).Body.GetProperty("discrepancies").GetArrayLength().ShouldBe(1);

        await Told(new Evidence.DisputeClosed("b", Inr(10000), Won: true));
        for (var again = 0; again < 2; again++) (await house.Post(path, new { action = "accept", by = "Asha", reason = "b was won" })).Status.ShouldBe(HttpStatusCode.OK);
        (await Books()).ShouldBe((10000, 500));
        (await house.Ask<string>("select string_agg((d->>'reference') || ' ' || (d->>'state'), ', ') from payments, jsonb_array_elements(disputes::jsonb) d")).ShouldBe("a 1, b 2");
        await house.Sound();

        async Task<(long, long)> Books() => (await Sum("disputes"), await Sum("fees") - 998);

        Task<long> Sum(string account) =>
            house.Ask<long>($"select coalesce(sum(b.amount), 0)::bigint from (select account, amount from postings union all select ledger_account, amount from settlement_postings) b where b.account = '{account}'");
    }

    [Fact]
    public async Task A_second_dispute_and_money_that_comes_back_of_a_lost_one_stand_in_the_books_as_in_the_statement()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        var paid = await house.Paid();
        SettlementLine Row(string key, SettlementKind kind, long paise) =>
            Line(key, paid, paise, kind: kind, money: $"m_{paid.Reference}") with { Net = Inr(kind == SettlementKind.Dispute ? -paise : paise), PayoutReference = "UTR2" };
        await house.Settle(Statement(Paid("a", paid), Row("d1", SettlementKind.Dispute, 10000)));
        await house.Settle(Statement(Row("d1b", SettlementKind.DisputeReturned, 9900)));
        await house.Settle(Statement(Row("d2", SettlementKind.Dispute, 20000)));
        (await Books()).ShouldBe((20100, 0));
        await house.Settle(Statement(Row("d2", SettlementKind.Dispute, 20000), Row("d2b", SettlementKind.DisputeReturned, 20000)));
        (await Books()).ShouldBe((100, 0));
        (await house.Ask<string>("select string_agg((d->>'reference') || ' ' || (d->>'state'), ', ') from payments, jsonb_array_elements(disputes::jsonb) d")).ShouldBe("d1 2, d2 2");
        await house.Sound();

        async Task<(long, long)> Books() => (await Sum("disputes"), await Sum("receivable:shop"));

        Task<long> Sum(string account) =>
            house.Ask<long>($"select coalesce(sum(b.amount), 0)::bigint from (select account, amount from postings union all select ledger_account, amount from settlement_postings) b where b.account = '{account}'");
    }
}
