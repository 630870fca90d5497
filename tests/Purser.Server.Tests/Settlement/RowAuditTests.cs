using Microsoft.Extensions.DependencyInjection;
using Purser.Reconciliation;
using Purser.Server.Audit;
using Purser.Server.Reconciliation;
using Purser.Server.Tests.Platform;
using static Purser.Server.Tests.Settlement.StatementGateway;

namespace Purser.Server.Tests.Settlement;

/// <summary>What rows without an order posted is recomputed from the rows and from what became of their questions: the audit names what was changed, also when
/// it balances.</summary>
public sealed class RowAuditTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    static Money Inr(long units) => new(units, Currency.Find("INR"));

    static SettlementLine Stranger(string key, long order, long amount) => Line(key, new PaymentId(new OrderId(order), 1), amount) with { Fee = Inr(20), Tax = Inr(4), Net = Inr(amount - 24) };

    [Fact]
    public async Task Of_honest_rows_nothing_differs_and_what_was_changed_is_named_although_it_balances()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        var (paid, later) = (await house.Paid(), await house.Pending());
        await house.Settle(Statement(
            Line("x", null, 5000, SettlementKind.Adjustment) with { Net = Inr(-5000) }, Stranger("open", 77, 700), Stranger("income", 78, 800), Stranger("cost", 79, 900), Stranger("undone", 80, 1000),
            Line("found", null, 49900, money: $"m_{later.Reference}"),
            Line("d", paid, kind: SettlementKind.Dispute, money: $"m_{paid.Reference}") with { Fee = Inr(1500), Tax = Inr(270), Net = Inr(-51670) },
            // Says nothing that is booked.
            Line("none", new PaymentId(new OrderId(81), 1), kind: SettlementKind.FailedPayment)));
        foreach (var (key, action) in new[] { ("income", "accept"), ("cost", "write_off"), ("undone", "accept"), ("found", "accept") })
        {
            var id = await house.Ask<long>($"select id from settlement_discrepancies where row_key = '{key}'");
            await house.Post($"/v1/discrepancies/dis_row_{id}/resolution", new { action, by = "Asha", reason = "seen" });
            if (key != "undone") continue;
            using var body = new StringContent("""{"by": "Ravi", "reason": "wrong"}""", System.Text.Encoding.UTF8, "application/json");
            await house.Send(HttpMethod.Delete, $"/v1/discrepancies/dis_row_{id}/resolution", body);
        }
        // Answered by a person, and by the gateway afterwards.
        await house.Tell(later, "captured", 49900, $"m_{later.Reference}");
        (await house.Host.Services.GetRequiredService<LaterEvidence>().Sweep(default)).ShouldBe(1);
        async Task<IReadOnlyList<Difference>> Audit() => (await AuditCommand.Run(house.Database, null, null, 3, null, default)).Differences;
        async Task Do(string sql)
        {
            await using var one = house.Database.CreateCommand(sql);
            await one.ExecuteNonQueryAsync();
        }
        (await Audit()).ShouldBeEmpty();
        (await house.Ask<long>("select count(distinct row_key) from settlement_postings")).ShouldBe(7);

        await Do("create table kept as select * from settlement_postings");
        foreach (var (sql, row, says) in new[]
        {
            ("update settlement_postings set amount = amount * 2 where row_key = 'x'", "shop/x", "line 1 has -100.00 INR on receivable:shop, and line 1 of stl_1 makes -50.00 INR"),
            ("update settlement_postings set ledger_account = 'bank' where row_key = 'x' and ledger_account = 'fees'", "shop/x", "line 2 has 50.00 INR on bank, and line 1 of stl_1 makes 50.00 INR on fees"),
            ("delete from settlement_postings where row_key = 'x'", "shop/x", "its postings are not there, the first of which is -50.00 INR on receivable:shop"),
            ("delete from settlement_postings where row_key = 'income' and line > 6", "shop/income", "0.00 INR are on sales, and line 3 of stl_1 with its question, resolved with accept, makes -8.00 INR"),
            ("update settlement_postings set ledger_account = 'fees' where row_key = 'income' and ledger_account = 'sales'", "shop/income", "accept"),
            ("update settlement_postings set ledger_account = 'sales' where row_key = 'cost' and line > 6 and ledger_account = 'fees'", "shop/cost", "resolved with write_off"),
            ("delete from settlement_postings where row_key = 'undone' and line > 8", "shop/undone", "which is open"),
            ("insert into settlement_postings values ('shop', 'open', 8, 'suspense', 676, 'INR', 1, now()), ('shop', 'open', 9, 'sales', -676, 'INR', 1, now())", "shop/open", "with its question, which is open, makes -7.00 INR"),
            ("insert into settlement_postings values ('shop', 'x', 8, 'bank', 5, 'INR', 1, now()), ('shop', 'x', 9, 'sales', -5, 'INR', 1, now())", "shop/x", "which nothing accounts for"),
            ("insert into settlement_postings values ('shop', 'made_up', 1, 'bank', 5, 'INR', 1, now()), ('shop', 'made_up', 2, 'sales', -5, 'INR', 1, now())", "shop/made_up", "stl_1 has no such row"),
            ("delete from settlement_postings where row_key = 'found' and line > 6", "shop/found", "resolved with evidence"),
        })
        {
            await Do(sql);
            var difference = (await Audit()).ShouldHaveSingleItem(sql);
            (difference.Table, difference.Row).ShouldBe(("settlement_postings", row), sql);
            difference.What.ShouldContain(says, Case.Sensitive, sql);
            await Do("truncate settlement_postings; insert into settlement_postings select * from kept");
        }
        (await Audit()).ShouldBeEmpty();
    }
}
