using Microsoft.Extensions.DependencyInjection;
using Purser.Orders;
using Purser.Payments;
using Purser.Reconciliation;
using Purser.Refunds;
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
        var (paid, later, back) = (await house.Paid(), await house.Pending(), await house.Paid());
        await house.Host.Engine.Submit(back.Order, new OrderCommand.Refund(back.Number, Inr(10000), null, null), default);
        await house.Host.Engine.Submit(back.Order, new RefundEvidence.Succeeded(Inr(10000)) { RefundReference = "r_1" }.Learned(1, back.Number, EvidenceSource.Webhook, DateTimeOffset.UnixEpoch, "k"), default);
        await house.Settle(Statement(
            Line("x", null, 5000, SettlementKind.Adjustment) with { Net = Inr(-5000) }, Stranger("open", 77, 700), Stranger("income", 78, 800), Stranger("cost", 79, 900), Stranger("undone", 80, 1000),
            Line("found", null, 49900, money: $"m_{later.Reference}"),
            Line("d", paid, kind: SettlementKind.Dispute, money: $"m_{paid.Reference}") with { Fee = Inr(1500), Tax = Inr(270), Net = Inr(-51670) },
            Line("went", back, 10000, SettlementKind.Refund, $"m_{back.Reference}") with { RefundReference = "r_1", Net = Inr(-10000) },
            Line("came", back, 10000, SettlementKind.RefundReturned, $"m_{back.Reference}") with { RefundReference = "r_1" },
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
        (await house.Ask<long>("select count(distinct row_key) from settlement_postings")).ShouldBe(8);

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
            ("delete from settlement_postings where row_key = 'd'", "shop/d", "its postings are not there, the first of which is -516.70 INR on receivable:shop"),
            ("update settlement_postings set posted_at = posted_at - interval '1 day' where row_key = 'x'", "shop/x", "line 1: its posted_at is"),
            ("update settlement_postings set posted_at = posted_at + interval '1 day' where row_key = 'income' and line = 7", "shop/income", "line 7: its posted_at is"),
            ("update settlement_postings set file = 2 where row_key = 'cost' and line = 7", "shop/cost", "line 7: it is of stl_2, and decision"),
            ("update settlement_postings set line = line + 10 where row_key = 'undone' and line = 9", "shop/undone", "line 9: it is not there, and decision"),
            ("insert into settlement_postings select account, row_key, 20, ledger_account, 0, currency, file, posted_at from settlement_postings where row_key = 'open' and line = 1", "shop/open", "line 20: no decision tells of it"),
            ("delete from settlement_postings where row_key = 'came'", "shop/came", "its postings are not there, the first of which is"),
        })
        {
            await Do(sql);
            var difference = (await Audit()).ShouldHaveSingleItem(sql);
            (difference.Table, difference.Row).ShouldBe(("settlement_postings", row), sql);
            difference.What.ShouldContain(says, Case.Sensitive, sql);
            await Do("truncate settlement_postings; insert into settlement_postings select * from kept");
        }
        (await Audit()).ShouldBeEmpty();

        // And of an order's own question.
        var late = await house.Pending(late: "ask");
        await house.Post($"/v1/orders/{late.Order}/cancellation", new { });
        await house.Tell(late, "captured", 49900, $"m_{late.Reference}");
        var asked = (await house.Get("/v1/discrepancies?open=true")).Body.GetProperty("discrepancies").EnumerateArray().Select(d => d.GetProperty("id").GetString()!).Single(id => id.Contains(late.Order.Letters, StringComparison.Ordinal));
        await house.Post($"/v1/discrepancies/{asked}/resolution", new { action = "close", by = "Asha", reason = "seen" });
        (await Audit()).ShouldBeEmpty();

        // And of money that went back unasked.
        await house.Host.Engine.Submit(later.Order, new RefundEvidence.Succeeded(Inr(100)) { RefundReference = "r_x" }.Learned(0, later.Number, EvidenceSource.Webhook, DateTimeOffset.UnixEpoch, "k"), default);
        (await Audit()).ShouldBeEmpty();
        await Do("create table kept_payments as select * from payments");
        foreach (var (sql, says) in new[]
        {
            ("update payments set outside_refunds = replace(outside_refunds, '100', '99')", "it has 0.99 INR as r_x, and its events say 1.00 INR as r_x"), ("update payments set outside_refunds = null", "which went back unasked, and it does not have that"),
        })
        {
            await Do(sql);
            (await Audit())[0].ShouldSatisfyAllConditions(d => (d.Table, d.Row).ShouldBe(("payments", later.ToString())), d => d.What.ShouldContain(says));
            await Do("update payments p set outside_refunds = k.outside_refunds from kept_payments k where (k.order_id, k.number) = (p.order_id, p.number)");
        }
        await Word(house, Do, Audit);
        await Decided(house, Do, Audit, asked);
    }

    /// <summary>And of what rows said of refunds and what answers moved, each part.</summary>
    static async Task Word(SettlementHouse house, Func<string, Task> change, Func<Task<IReadOnlyList<Difference>>> audit)
    {
        var less = await house.Pending();
        await house.Tell(less, "captured", 40000, $"m_{less.Reference}");
        var asked = (await house.Get("/v1/discrepancies?open=true")).Body.GetProperty("discrepancies").EnumerateArray().Select(d => d.GetProperty("id").GetString()!).Single(id => id.Contains(less.Order.Letters, StringComparison.Ordinal));
        (await house.Post($"/v1/discrepancies/{asked}/resolution", new { action = "close", by = "Asha", reason = "seen" })).Status.ShouldBe(System.Net.HttpStatusCode.OK);
        (await audit()).ShouldBeEmpty();
        await change("create table kept_answers as select order_id, number, answers from payments; create table kept_settled as select order_id, number, settled from refunds");
        foreach (var (sql, table, says) in new[]
        {
            ("update payments set answers = replace(answers, '-40000', '-39900') where answers is not null", "payments", "took -399.00 INR out of suspense, and its events say -400.00 INR"),
            ("update payments set answers = '[]' where answers like '%-40000%'", "payments", "and it has no such answer"),
            ("update refunds set settled = replace(settled, '-10000', '-9900')", "refunds", "it is settled as"),
            ("update refunds set settled = jsonb_set(settled::jsonb, '{settled,row}', '\"other\"')::text where settled is not null", "refunds", "other"),
        })
        {
            await change(sql);
            var difference = await audit() is [var first, ..] ? first : throw new InvalidOperationException($"Nothing differs after {sql}.");
            difference.Table.ShouldBe(table, sql);
            difference.What.ShouldContain(says, Case.Sensitive, sql);
            await change("update payments p set answers = k.answers from kept_answers k where (k.order_id, k.number) = (p.order_id, p.number); update refunds r set settled = k.settled from kept_settled k where (k.order_id, k.number) = (r.order_id, r.number)");
        }
        (await audit()).ShouldBeEmpty();
    }

    /// <summary>What persons and the policy decided is in no order's event. It is in a chain of its own, and a row that stands otherwise is named.</summary>
    static async Task Decided(SettlementHouse house, Func<string, Task> change, Func<Task<IReadOnlyList<Difference>>> audit, string ofOrder)
    {
        string[] tables = ["settlement_postings", "settlement_discrepancies", "order_resolutions", "reconciliation_policies", "audit_log", "decisions", "decision_head"];
        foreach (var table in tables) await change($"create table kept_{table} as select * from {table}");
        async Task<string> Question(string key) => $"dis_row_{await house.Ask<long>($"select id from settlement_discrepancies where row_key = '{key}'")}";
        var last = await house.Ask<long>("select number from decision_head");
        foreach (var (sql, table, row, says) in new[]
        {
            ("delete from settlement_discrepancies where row_key = 'open'", "settlement_discrepancies", await Question("open"), "it is not there, and decision"),
            ("update settlement_discrepancies set resolution = 'write_off' where row_key = 'income'; update settlement_postings set ledger_account = 'fees' where row_key = 'income' and ledger_account = 'sales'",
                "settlement_discrepancies", await Question("income"), "its resolution is write_off, and decision"),
            ("update settlement_discrepancies set by_first = 'Eve' where row_key = 'cost'", "settlement_discrepancies", await Question("cost"), "its by_first is Eve, and decision"),
            ("update settlement_discrepancies set key_first = 77 where row_key = 'cost'", "settlement_discrepancies", await Question("cost"), "its key_first is 77, and decision"),
            ("update settlement_discrepancies set resolved_at = resolved_at - interval '1 day' where row_key = 'cost'", "settlement_discrepancies", await Question("cost"), "its resolved_at is"),
            ("update settlement_discrepancies set opened_at = opened_at - interval '1 day' where row_key = 'open'", "settlement_discrepancies", await Question("open"), "its opened_at is"),
            ("update settlement_discrepancies set final = false where row_key = 'found'", "settlement_discrepancies", await Question("found"), "its final is False, and decision"),
            ("insert into settlement_discrepancies (account, row_key, class, file, number, amount, currency, proposal, opened_at) values ('shop', 'none', 7, 1, 8, 5, 'INR', 'x', now())",
                "settlement_discrepancies", "", "no decision tells of it"),
            ("update order_resolutions set reason = 'as told'", "order_resolutions", ofOrder, "its reason is as told, and decision"),
            ("update order_resolutions set decided_at = decided_at - interval '1 day'", "order_resolutions", ofOrder, "its decided_at is"),
            ("delete from order_resolutions", "order_resolutions", ofOrder, "it is not there, and decision"),
            ("update reconciliation_policies set content = replace(content, 'act', 'ask')", "reconciliation_policies", "1", "its content is"),
            ("delete from reconciliation_policies", "reconciliation_policies", "1", "it is not there, and decision"),
            ("update audit_log set by_whom = 'Eve' where id = 1", "audit_log", "1", "its by_whom is Eve, and decision"),
            ("update decisions set state = replace(state, 'Asha', 'Eve') where number = (select min(number) from decisions where state like '%Asha%')", "decisions", "", "is not what was written, for its hash does not fit"),
            ("delete from decisions where number = 2", "decisions", "2", "the decision is not there; after 1 comes 3"),
            ($"delete from decisions where number = {last}", "decisions", $"{last}", $"the decisions end at {last - 1}, and {last} were made"),
            ("delete from decisions; update decision_head set number = 0, hash = ''", "audit_log", "1", "no decision tells of it"),
        })
        {
            // Whoever may do anything in the database is stopped by no trigger.
            await change($"set session_replication_role = replica; {sql}; reset session_replication_role");
            var difference = await audit() is [var first, ..] ? first : throw new InvalidOperationException($"Nothing differs after {sql}.");
            difference.Table.ShouldBe(table, sql);
            if (row.Length > 0) difference.Row.ShouldBe(row, sql);
            difference.What.ShouldContain(says, Case.Sensitive, sql);
            await change($"set session_replication_role = replica; {string.Join("; ", tables.Select(t => $"delete from {t}; insert into {t} overriding system value select * from kept_{t}"))}; reset session_replication_role");
        }
        (await audit()).ShouldBeEmpty();

        // Without any decision, too, a row that always asks is missed.
        var rows = new RowAuditStore(house.Database);
        (await rows.Unasked(5, default)).ShouldBeEmpty();
        await change("delete from settlement_discrepancies where row_key = 'open'");
        (await rows.Unasked(5, default)).ShouldHaveSingleItem().ShouldBe(new Difference("settlement_discrepancies", "stl_1 line 2", "open is unknown_order, and its question is not there."));
    }
}
