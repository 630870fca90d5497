using System.Net;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Purser.Orders;
using Purser.Reconciliation;
using Purser.Refunds;
using Purser.Server.Audit;
using Purser.Server.Engine;
using Purser.Server.Reconciliation;
using Purser.Server.Tests.Ledger;
using Purser.Server.Tests.Platform;
using static Purser.Server.Tests.Settlement.StatementGateway;

namespace Purser.Server.Tests.Settlement;

/// <summary>A payout comes with the money of all its rows. What somebody is asked about stands in suspense from the moment the file is applied, and its answer
/// moves it: the bank's side is right all the time.</summary>
public sealed class SuspenseTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    static Money Inr(long units) => new(units, Currency.Find("INR"));

    static SettlementLine Row(string key, PaymentId? payment, SettlementKind kind, long amount, long net, string? money) =>
        Line(key, payment, amount, kind, money) with { Fee = Inr(998), Tax = Inr(180), Net = Inr(net), PayoutReference = "UTR1" };

    static SettlementLine Stranger(SettlementKind kind, long net) => Row("r", new PaymentId(new OrderId(77), 1), kind, 49900, net, null);

    static async Task<string> Books(SettlementHouse house)
    {
        var balances = (await house.Get("/v1/balances")).Body.GetProperty("balances").EnumerateArray()
            .Select(b => (Account: b.GetProperty("account").GetString()!, Amount: b.GetProperty("amount").GetInt64())).Where(b => b.Amount != 0).ToList();
        balances.Sum(b => b.Amount).ShouldBe(0);
        return string.Join(", ", balances.Select(b => $"{b.Account} {b.Amount}").Order(StringComparer.Ordinal));
    }

    static async Task Whole(SettlementHouse house)
    {
        (await AuditCommand.Run(house.Database, null, null, 3, null, default)).Differences.ShouldBeEmpty();
        await house.Sound();
        var journal = await house.Http.GetStringAsync("/v1/ledger?format=hledger");
        var theirs = (await HledgerProgram.Balances(journal)).Select(b => $"{b.Key.Account} {(long)(decimal.Parse(b.Value, System.Globalization.CultureInfo.InvariantCulture) * 100)}");
        string.Join(", ", theirs.Order(StringComparer.Ordinal)).ShouldBe(await Books(house));
    }

    static async Task<string> Question(SettlementHouse house, string kind)
    {
        var open = (await house.Get("/v1/discrepancies?open=true")).Body.GetProperty("discrepancies").EnumerateArray().ShouldHaveSingleItem();
        open.GetProperty("kind").GetString().ShouldBe(kind);
        return $"/v1/discrepancies/{open.GetProperty("id").GetString()}/resolution";
    }

    static async Task Undo(SettlementHouse house, string path)
    {
        using var body = new StringContent("""{"by": "Ravi", "reason": "wrong"}""", Encoding.UTF8, "application/json");
        (await house.Send(HttpMethod.Delete, path, body)).Body.GetProperty("resolved_at").ValueKind.ShouldBe(System.Text.Json.JsonValueKind.Null);
    }

    /// <summary>Every answer and its undoing, over HTTP; the books after each are these.</summary>
    async Task Answered(SettlementHouse house, string kind, string waiting, params (string Action, string Books)[] answers)
    {
        (await Books(house)).ShouldBe(waiting);
        await Whole(house);
        var path = await Question(house, kind);
        foreach (var (action, books) in answers)
        {
            var answer = await house.Post(path, new { action, by = "Asha", reason = "seen" });
            answer.Status.ShouldBe(HttpStatusCode.OK, answer.Body.ToString());
            (await Books(house)).ShouldBe(books, action);
            await Whole(house);
            await Undo(house, path);
            (await Books(house)).ShouldBe(waiting, action);
        }
        await Whole(house);
    }

    [Fact]
    public async Task Money_that_only_a_statement_tells_of_waits_in_suspense_and_is_the_orders_when_a_person_believes_it()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase(), null, ("Purser:Settlement:TheirsPaid", "ask"));
        var pending = await house.Pending();
        await house.Settle(Statement(Row("r", pending, SettlementKind.Payment, 49900, 48722, "m_1")));
        await Answered(house, "theirs_paid", "bank 48722, fee_tax 180, fees 998, suspense -49900",
            ("write_off", "bank 48722, fee_tax 180, fees -48902"), ("close", "bank 48722, fee_tax 180, fees -48902"));
        (await house.Post(await Question(house, "theirs_paid"), new { action = "accept", by = "Asha", reason = "seen" })).Status.ShouldBe(HttpStatusCode.OK);
        (await Books(house)).ShouldBe("bank 48722, fee_tax 180, fees 998, sales -49900");
        await Whole(house);
    }

    [Fact]
    public async Task Closed_for_want_of_anything_better_it_is_the_orders_when_the_gateway_tells_of_it()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        var pending = await house.Pending();
        await house.Settle(Statement(Row("r", pending, SettlementKind.Payment, 49900, 48722, null)));
        (await house.Post(await Question(house, "theirs_paid"), new { action = "close", by = "Asha", reason = "nobody knows" })).Status.ShouldBe(HttpStatusCode.OK);
        await house.Tell(pending, "captured", 49900, "m_1");
        var later = house.Host.Services.GetRequiredService<LaterEvidence>();
        (await later.Sweep(default)).ShouldBe(1);
        (await later.Sweep(default)).ShouldBe(0);
        (await Books(house)).ShouldBe("bank 48722, fee_tax 180, fees 998, sales -49900");
        await Whole(house);
    }

    [Theory]
    [InlineData(SettlementKind.Payment, 48722, "bank 48722, fee_tax 180, fees 998, suspense -49900", "bank 48722, fee_tax 180, fees 998, sales -49900", "bank 48722, fee_tax 180, fees -48902")]
    [InlineData(SettlementKind.Refund, -51078, "bank -51078, fee_tax 180, fees 998, suspense 49900", "bank -51078, fee_tax 180, fees 998, refunds 49900", "bank -51078, fee_tax 180, fees 50898")]
    [InlineData(SettlementKind.RefundReturned, 48722, "bank 48722, fee_tax 180, fees 998, suspense -49900", "bank 48722, fee_tax 180, fees 998, refunds -49900", "bank 48722, fee_tax 180, fees -48902")]
    [InlineData(SettlementKind.Dispute, -51078, "bank -51078, fee_tax 180, fees 998, suspense 49900", "bank -51078, disputes 49900, fee_tax 180, fees 998", "bank -51078, fee_tax 180, fees 50898")]
    [InlineData(SettlementKind.DisputeReturned, 48722, "bank 48722, fee_tax 180, fees 998, suspense -49900", "bank 48722, disputes -49900, fee_tax 180, fees 998", "bank 48722, fee_tax 180, fees -48902")]
    public async Task A_row_of_nobody_goes_where_its_kind_belongs_when_it_is_accepted(SettlementKind kind, long net, string waiting, string accepted, string closed)
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        await house.Settle(Statement(Stranger(kind, net)));
        await Answered(house, "unknown_order", waiting, ("accept", accepted), ("write_off", closed), ("close", closed));
    }

    [Fact]
    public async Task A_row_that_either_of_two_refunds_may_be_waits_in_suspense_and_leaves_it_when_it_is_known_which()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        var paid = await house.Paid();
        await LaterEvidenceTests.UnheardRefunds(house, paid, 10000, 10000);
        await house.Settle(Statement(Row("r", paid, SettlementKind.Refund, 10000, -11178, $"m_{paid.Reference}")));
        const string waiting = "bank -11178, fee_tax 180, fees 998, receivable:shop 49900, sales -49900, suspense 10000";
        await Answered(house, "refund", waiting, ("accept", waiting.Replace("suspense 10000", "", StringComparison.Ordinal).Replace("998, receivable:shop 49900, sales -49900, ", "998, receivable:shop 49900, refunds 10000, sales -49900", StringComparison.Ordinal)),
            ("write_off", "bank -11178, fee_tax 180, fees 10998, receivable:shop 49900, sales -49900"));
        await house.Host.Engine.Submit(paid.Order, new RefundEvidence.Succeeded(Inr(10000)).Learned(2, paid.Number, EvidenceSource.Inquiry, DateTimeOffset.UnixEpoch, "k"), default);
        (await house.Host.Services.GetRequiredService<LaterEvidence>().Sweep(default)).ShouldBe(1);
        (await Books(house)).ShouldBe("bank -11178, fee_tax 180, fees 998, receivable:shop 49900, refunds 10000, sales -49900");
        await Whole(house);
    }

    [Fact]
    public async Task A_refund_that_came_back_and_may_be_any_of_two_waits_in_suspense()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        var paid = await house.Paid();
        await LaterEvidenceTests.UnheardRefunds(house, paid, 10000, 10000);
        foreach (var number in (int[])[1, 2])
            await house.Host.Engine.Submit(paid.Order, new RefundEvidence.Succeeded(Inr(10000)).Learned(number, paid.Number, EvidenceSource.Inquiry, DateTimeOffset.UnixEpoch, $"k{number}"), default);
        await house.Settle(Statement(Row("r", paid, SettlementKind.RefundReturned, 10000, 8822, $"m_{paid.Reference}")));
        await Answered(house, "refund", "bank 8822, fee_tax 180, fees 998, receivable:shop 29900, refunds 20000, sales -49900, suspense -10000",
            ("accept", "bank 8822, fee_tax 180, fees 998, receivable:shop 29900, refunds 10000, sales -49900"));
    }

    [Fact]
    public async Task A_dispute_that_cannot_be_told_from_another_waits_in_suspense_and_is_applied_once_it_can()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        var paid = await house.Paid();
        Task Told(Evidence news) => house.Host.Engine.Submit(paid.Order, news.Learned(1, EvidenceSource.Webhook, DateTimeOffset.UnixEpoch, null), default);
        foreach (var name in (string[])["a", "b"]) await Told(new Evidence.DisputeOpened(name, Inr(10000)));
        await house.Settle(Statement(Row("r", paid, SettlementKind.DisputeReturned, 10000, 8822, $"m_{paid.Reference}")));
        await Answered(house, "not_applied", "bank 8822, disputes 20000, fee_tax 180, fees 998, receivable:shop 29900, sales -49900, suspense -10000",
            ("close", "bank 8822, disputes 20000, fee_tax 180, fees -9002, receivable:shop 29900, sales -49900"));
        await Told(new Evidence.DisputeClosed("b", Inr(10000), Won: true));
        var path = await Question(house, "not_applied");
        for (var again = 0; again < 2; again++) (await house.Post(path, new { action = "accept", by = "Asha", reason = "b was won" })).Status.ShouldBe(HttpStatusCode.OK);
        (await Books(house)).ShouldBe("bank 8822, disputes 10000, fee_tax 180, fees 998, receivable:shop 29900, sales -49900");
        await Whole(house);
    }

    [Fact]
    public async Task A_row_that_stands_there_twice_is_no_money_of_its_own_and_one_that_comes_again_with_another_amount_only_so_much_as_it_differs()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        var row = Stranger(SettlementKind.Payment, 48722);
        await house.Settle(Statement(row, row));
        await house.Settle(Statement(row with { Net = Inr(40000) }));
        var open = (await house.Get("/v1/discrepancies?open=true")).Body.GetProperty("discrepancies").EnumerateArray().Where(d => d.GetProperty("kind").GetString() != "unknown_order").ToList();
        open.Count.ShouldBe(2);
        foreach (var d in open)
        {
            var path = $"/v1/discrepancies/{d.GetProperty("id").GetString()}/resolution";
            (await house.Post(path, new { action = "write_off", by = "Asha", reason = "x" })).Problem.ShouldBe("answer_unsuitable");
            (await house.Post(path, new { action = "close", by = "Asha", reason = "they mended it" })).Status.ShouldBe(HttpStatusCode.OK);
            await Undo(house, path);
        }
        (await Books(house)).ShouldBe("bank 40000, fee_tax 180, fees 998, suspense -41178");
        await Whole(house);
    }

    [Fact]
    public async Task What_an_older_program_asked_about_and_did_not_book_is_made_up_for()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase(), null, ("Purser:Settlement:TheirsPaid", "ask"));
        var payments = new List<PaymentId>();
        foreach (var _ in Enumerable.Range(0, 3)) payments.Add(await house.Pending());
        await house.Settle(Statement([
            .. payments.Select((p, n) => Row($"p{n}", p, SettlementKind.Payment, 49900, 48722, $"m_{n}")), Stranger(SettlementKind.Dispute, -51078), Stranger(SettlementKind.Refund, -51078) with { RowKey = "s" },
            Line("x", null, 100, SettlementKind.Adjustment), Line("x", null, 100, SettlementKind.Adjustment)]));
        foreach (var (key, action) in new[] { ("p1", "close"), ("p2", "accept"), ("s", "accept") })
            (await house.Post($"/v1/discrepancies/dis_row_{await house.Ask<long>($"select id from settlement_discrepancies where row_key = '{key}'")}/resolution", new { action, by = "Asha", reason = "x" })).Status.ShouldBe(HttpStatusCode.OK);
        var books = await Books(house);
        await Do("delete from settlement_postings where row_key like 'p%' or (row_key = 's' and line > 6); update settlement_postings set ledger_account = 'sales' where row_key = 's' and ledger_account = 'refunds'");
        (await AuditCommand.Run(house.Database, null, null, 9, null, default)).Differences.Select(d => d.Row).ShouldBe(["shop/s", "shop/p0", "shop/p1", "shop/p2"], ignoreOrder: true);

        var migration = typeof(SettlementHouse).Assembly.Location;
        while (!File.Exists(Path.Combine(migration, "Purser.slnx"))) migration = Path.GetDirectoryName(migration)!;
        var (suspense, chained) = (await Of("rows_in_suspense"), await Of("postings_are_chained"));
        for (var again = 0; again < 2; again++) await Do(suspense);
        // That program chained no posting; what stands when it is replaced is where their chain begins.
        await Do("""
            set session_replication_role = replica; create table before as select number, about, state from decisions where not starts_with(about, 'settlement_postings/');
            delete from decisions; update decision_head set number = 0, hash = ''; reset session_replication_role; insert into decisions (about, state) select about, state from before order by number
            """);
        await Do(chained[chained.IndexOf("insert into", StringComparison.Ordinal)..]);
        (await house.Ask<long>("select count(*) from decisions where starts_with(about, 'settlement_postings/')")).ShouldBe(1);
        (await Books(house)).ShouldBe(books);
        await Whole(house);

        Task<string> Of(string name) => File.ReadAllTextAsync(Directory.GetFiles(Path.Combine(migration, "db"), $"*_{name}.sql").Single());

        async Task Do(string sql)
        {
            await using var command = house.Database.CreateCommand(sql);
            await command.ExecuteNonQueryAsync();
        }
    }

    [Fact]
    public async Task The_sides_of_one_entry_have_one_time_so_that_nothing_falls_between_them()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        await house.Settle(Statement([.. Enumerable.Range(0, 50).Select(n => Line($"x{n}", null, 100 + n, SettlementKind.Adjustment) with { Net = Inr(100 + n), PayoutReference = "UTR1" })]));
        (await house.Ask<long>("select count(*) from (select from settlement_postings group by account, row_key having count(distinct posted_at) > 1) torn")).ShouldBe(0);
        (await house.Ask<long>("select count(distinct row_key) from settlement_postings")).ShouldBe(50);
    }
}
