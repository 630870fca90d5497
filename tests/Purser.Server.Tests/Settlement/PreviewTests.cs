using System.Text;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Purser.Reconciliation;
using Purser.Server.Settlement;
using Purser.Server.Tests.Platform;
using static Purser.Server.Tests.Settlement.StatementGateway;

namespace Purser.Server.Tests.Settlement;

/// <summary>What a dry run says beyond its lines, and what of a line is shown that is not read.</summary>
public sealed class PreviewTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    static SettlementLine Row(string key, PaymentId payment, string day = "2026-03-03") => Line(key, payment, money: $"m_{payment.Reference}") with { SettledOn = DateOnly.Parse(day, System.Globalization.CultureInfo.InvariantCulture) };

    static List<string> Said(JsonElement list, params string[] fields) => [.. list.EnumerateArray().Select(one => string.Join(' ', fields.Select(f => one.GetProperty(f).ToString())))];

    [Fact]
    public async Task A_dry_run_says_in_money_what_persons_would_be_asked_and_what_is_missing_and_the_real_run_does_so()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase(), null, ("Gateways:shop:SettlesAfterDays", "0"),
            ("Purser:Settlement:ConfirmAbove:INR", "1000.00"), ("Purser:Settlement:TwoPersonsAbove:INR", "3000.00"));
        var (here, absent, asked, elsewhere, early) = (await house.Paid(), await house.Paid(amount: 12_345), await house.Paid(), await house.Paid("other"), await house.Paid(amount: 777));
        var (small, large, larger, nameless) = (await house.Pending(), await house.Pending(amount: 200_000), await house.Pending(amount: 400_000), await house.Pending());
        async Task Due(PaymentId payment, string day) => await house.Ask<long>($"with due as (update captures set due_on = '{day}' where order_id = {payment.Order.Value} returning 1) select count(*) from due");
        foreach (var payment in new[] { here, absent, asked, elsewhere }) await Due(payment, "2026-03-03");
        await Due(early, "2026-02-20");
        // Nothing is missed twice.
        await house.Settle(Statement(Row("old", asked) with { Kind = SettlementKind.FailedPayment }));
        var file = Statement(Row("a", here, "2026-03-02"), Row("small", small), Line("large", large, 200_000, money: "m1"), Line("larger", larger, 400_000, money: "m2"), Line("nameless", nameless),
            Line("stranger", new PaymentId(new OrderId(77), 1), 300_100), Line("x", null, 100, SettlementKind.Adjustment) with { SettledOn = new DateOnly(2026, 3, 5) },
            Line("none", new PaymentId(new OrderId(78), 1), kind: SettlementKind.FailedPayment));

        var preview = (await house.Upload(file, "gateway=shop&dry_run=true")).Body.GetProperty("preview");
        preview.GetProperty("order_asks").GetArrayLength().ShouldBe(0);
        preview.GetProperty("not_foreseen").GetArrayLength().ShouldBeGreaterThan(0);
        Said(preview.GetProperty("asks"), "class", "currency", "lines", "amount", "two_persons", "unless_confirmed")
            .ShouldBe([$"theirs_paid INR 3 {200_000 + 400_000 + 49_900} 1 True", "unknown_order INR 1 300100 1 False"], ignoreOrder: true);
        Said(preview.GetProperty("overdue"), "what", "currency", "count", "amount", "by_this_file").ShouldBe(["payments INR 1 777 False", "payments INR 1 12345 True"], ignoreOrder: true);

        var done = await house.Settle(file);
        done.Body.GetProperty("preview").ValueKind.ShouldBe(JsonValueKind.Null);
        await Until.True(async () => (await Open(house)).Count(d => d.GetProperty("kind").GetString() == "not_settled") == 2, "what the file should have to be missed");
        (await Open(house)).Where(d => d.GetProperty("settlement").GetString() == done.Text("id")).Select(d => $"{d.GetProperty("row_key").GetString()} {d.GetProperty("persons_needed").GetInt32()}")
            .ShouldBe(["large 1", "larger 2", "nameless 1", "stranger 2"], ignoreOrder: true);
        (await Open(house)).Where(d => d.GetProperty("kind").GetString() == "not_settled").Select(d => d.GetProperty("payment").GetString()).ShouldBe([absent.ToString(), asked.ToString()], ignoreOrder: true);
        // What comes next has nothing to say of what is asked about already.
        preview = (await house.Upload(Statement(Row("b", here, "2026-03-02"), Line("y", null, 100, SettlementKind.Adjustment) with { SettledOn = new DateOnly(2026, 3, 5) }), "gateway=shop&dry_run=true")).Body.GetProperty("preview");
        Said(preview.GetProperty("overdue"), "count", "by_this_file").ShouldBe(["1 False"]);
    }

    [Fact]
    public async Task It_says_what_orders_would_ask_by_their_own_policies_and_of_money_that_has_a_row()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        var (asking, late, paid) = (new { late_payment = "ask", duplicate_payment = "ask" }, new List<PaymentId>(), await house.Paid());
        for (var i = 0; i < 2; i++) late.Add(await house.Pending(policy: i == 0 ? (object)asking : new { late_payment = "accept" }));
        foreach (var payment in late) (await house.Post($"/v1/orders/{payment.Order}/cancellation", new { })).Status.ShouldBe(System.Net.HttpStatusCode.OK);
        await house.Settle(Statement(Row("first", paid)));
        var file = Statement(Row("second", paid), Line("late", late[0], money: "m_late"), Line("later", late[1], money: "m_later"));
        var preview = (await house.Upload(file, "gateway=shop&dry_run=true")).Body.GetProperty("preview");
        Said(preview.GetProperty("order_asks"), "kind", "currency", "lines", "amount").ShouldBe(["late INR 1 49900", "settled_twice INR 1 49900"], ignoreOrder: true);
        await house.Settle(file);
        (await Open(house)).Select(d => d.GetProperty("kind").GetString()).ShouldBe(["late", "settled_twice"], ignoreOrder: true);
    }

    static SettlementLine Charge(string key, long amount, int day = 2) => Line(key, null, amount, SettlementKind.Adjustment) with { SettledOn = new DateOnly(2026, 3, day) };

    static string Lacks(JsonElement file) => file.GetProperty("lacks") is { ValueKind: JsonValueKind.Object } lacks
        ? $"{lacks.GetProperty("settlement").GetString()}: {string.Join(", ", Said(lacks.GetProperty("totals"), "lines", "amount", "net"))}: {string.Join(", ", Said(lacks.GetProperty("first"), "line", "row_key", "kind", "amount", "currency"))}" : "";

    [Fact]
    public async Task What_a_file_lacks_of_an_earlier_one_that_it_issues_again_is_shown_and_nothing_follows_from_it()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        (await house.Settle(Statement(Charge("a", 1), Charge("b", 2), Charge("c", 3), Charge("d", 40), Charge("e", 50), Charge("before", 600, day: 1)))).Body.GetProperty("lacks").ValueKind.ShouldBe(JsonValueKind.Null);
        var books = await house.Ask<decimal>("select sum(amount) from ledger where account = 'fees'");
        // What it does not cover may be in another.
        var again = Statement(Charge("a", 1), Charge("c", 3), Charge("e", 50), Charge("b", 2), Charge("f", 7));
        const string lacked = "stl_1: 1 40 40: 4 d adjustment 40 INR";
        Lacks((await house.Upload(again, "gateway=shop&dry_run=true")).Body).ShouldBe(lacked);
        var done = await house.Settle(again);
        Lacks(done.Body).ShouldBe(lacked);
        SettlementHouse.Classes(done).ShouldBe(new Dictionary<string, int> { ["repeated"] = 4, ["adjustment"] = 1 }, ignoreOrder: true);
        Said((await house.Get($"/v1/settlements/{done.Text("id")}/lacking")).Body.GetProperty("lines"), "line", "row_key", "class").ShouldBe(["4 d adjustment"]);
        (await house.Get("/v1/settlements/stl_1/lacking")).Body.GetProperty("lines").GetArrayLength().ShouldBe(0);
        (await house.Ask<decimal>("select sum(amount) from ledger where account = 'fees'")).ShouldBe(books - 7);
        (await Open(house)).ShouldBeEmpty();
        // The latest that it issues again counts, and less than half of one is another file.
        Lacks((await house.Settle(Statement(Charge("a", 1), Charge("b", 2), Charge("c", 3), Charge("e", 50), Charge("g", 8)))).Body).ShouldBe("stl_3: 1 7 7: 5 f adjustment 7 INR");
        Lacks((await house.Settle(Statement(Charge("a", 1), Charge("b", 2), Charge("h", 9)))).Body).ShouldBe("");
    }

    [Fact]
    public async Task What_a_gateways_api_tells_of_a_day_no_more_is_shown_however_much_it_is()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        async Task<JsonElement> Told(string day, params SettlementLine[] lines)
        {
            using var bytes = new MemoryStream(CanonicalSheet.Write(lines));
            var files = house.Host.Services.GetRequiredService<SettlementFileStore>();
            return (await house.Ended((await files.TakeIn("shop", $"shop {day}", FileSource.Fetched, bytes, dryRun: false, long.MaxValue, default)).File.IdText)).Body;
        }
        await Told("2026-03-02", Enumerable.Range(1, 30).Select(n => Charge($"r{n}", n)).ToArray());
        var told = await Told("2026-03-02", Charge("r1", 1), Charge("r2", 2));
        told.GetProperty("lacks").GetProperty("first").GetArrayLength().ShouldBe(20);
        Said(told.GetProperty("lacks").GetProperty("totals"), "lines", "amount").ShouldBe([$"28 {(30 * 31 / 2) - 3}"]);
        var path = $"/v1/settlements/{told.GetProperty("id").GetString()}/lacking?limit=20";
        var first = (await house.Get(path)).Body;
        var rest = (await house.Get($"{path}&cursor={first.GetProperty("next").GetString()}")).Body;
        first.GetProperty("lines").EnumerateArray().Concat(rest.GetProperty("lines").EnumerateArray()).Select(l => l.GetProperty("row_key").GetString()).ShouldBe(Enumerable.Range(3, 28).Select(n => $"r{n}"));
        rest.GetProperty("next").ValueKind.ShouldBe(JsonValueKind.Null);
        // Another day is another file.
        Lacks(await Told("2026-03-03", Charge("r1", 1), Charge("s", 5))).ShouldBe("");
    }

    static async Task<List<JsonElement>> Open(SettlementHouse house) => [.. (await house.Get("/v1/discrepancies?open=true")).Body.GetProperty("discrepancies").EnumerateArray()];

    [Fact]
    public async Task Cells_of_columns_that_are_not_read_are_shown_with_the_row_and_its_question_as_the_text_that_they_are()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        var text = Header.TrimEnd('\n') + ",\"=HYPERLINK(\"\"http://x\"\")\",vpa\n"
            + "stranger,Payment,,,,700,INR,,,700,,,\"<script>alert('1')</script>\",\"@SUM(1)\n\u0001\"\n" + "plain,Adjustment,,,,5,INR,,,5,,,,\n";
        var done = await house.Settle(Encoding.UTF8.GetBytes(text));
        done.Text("state").ShouldBe("done", done.Body.ToString());
        string[] cells = ["=HYPERLINK(\"http://x\")|<script>alert('1')</script>", "vpa|@SUM(1)\n\u0001"];
        static List<string> Cells(JsonElement row) => [.. row.GetProperty("extra").EnumerateArray().Select(c => $"{c.GetProperty("column").GetString()}|{c.GetProperty("text").GetString()}")];
        var lines = (await house.Get($"/v1/settlements/{done.Text("id")}/lines")).Body.GetProperty("lines");
        (lines[0].GetProperty("row_key").GetString(), lines[1].GetProperty("extra").GetArrayLength()).ShouldBe(("stranger", 0));
        Cells(lines[0]).ShouldBe(cells);
        var question = (await Open(house)).ShouldHaveSingleItem();
        Cells(question).ShouldBe(cells);
        Cells((await house.Get($"/v1/discrepancies/{question.GetProperty("id").GetString()}")).Body).ShouldBe(cells);
        Cells((await house.Post($"/v1/discrepancies/{question.GetProperty("id").GetString()}/resolution", new { action = "accept", by = "Asha", reason = "seen" })).Body).ShouldBe(cells);
        // Nobody's browser takes it for a page.
        (await house.Get($"/v1/settlements/{done.Text("id")}/lines")).MediaType.ShouldBe("application/json");
    }
}
