using Purser.Reconciliation;
using Purser.Refunds;
using Purser.Server.Audit;
using Purser.Server.Settlement;
using Purser.Server.Tests.Platform;
using static Purser.Server.Tests.Settlement.StatementGateway;

namespace Purser.Server.Tests.Settlement;

/// <summary>What was changed of files and decisions is named.</summary>
public sealed class FileAuditTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    static Money Inr(long units) => new(units, Currency.Find("INR"));

    [Fact]
    public async Task What_was_changed_of_files_and_decisions_is_named()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        var paid = await house.Paid();
        await house.Settle(Statement(Line("x", null, 5000, SettlementKind.Adjustment), Line("stranger", new PaymentId(new OrderId(77), 1), 700),
            Line("r", paid, 20000, SettlementKind.Refund, $"m_{paid.Reference}") with { Net = Inr(-20000) }, Line("none", null, 1, SettlementKind.Payout)));
        (await house.Post($"/v1/discrepancies/dis_row_{await house.Ask<long>("select id from settlement_discrepancies")}/resolution", new { action = "close", by = "Asha", reason = "x" })).Status
            .ShouldBe(System.Net.HttpStatusCode.OK);
        async Task<IReadOnlyList<Difference>> Audit() => (await AuditCommand.Run(house.Database, null, null, 3, null, default)).Differences;
        async Task Do(string sql)
        {
            await using var one = house.Database.CreateCommand(sql);
            await one.ExecuteNonQueryAsync();
        }
        // Such a file is refused whole.
        (await house.Settle(Statement(Line("y", null, 5000, SettlementKind.Adjustment)).Concat("z,Nonsense,,,,1,INR\n"u8.ToArray()).ToArray())).Text("state").ShouldBe("refused");
        // A row that is corrected, one that says the same as it said at first under another name, and that once more.
        SettlementLine Stranger(string key, long amount) => Line(key, new PaymentId(new OrderId(77), 1), amount);
        SettlementHouse.Classes(await house.Settle(Statement(Stranger("stranger", 800), Stranger("twin", 700), Stranger("twin", 700),
                Line("back", null, 300, SettlementKind.Refund) with { Refund = new RefundId(new OrderId(76), 1), Net = Inr(-300) })))
            .ShouldBe(new Dictionary<string, int> { ["changed"] = 1, ["unknown_order"] = 2, ["duplicate_line"] = 1 }, ignoreOrder: true);
        (await Audit()).ShouldBeEmpty();
        string[] tables = ["settlement_lines", "settlement_postings", "settlement_files", "settlement_file_parts", "settlement_discrepancies", "settlement_key_groups"];
        foreach (var kept in tables) await Do($"create table kept_{kept} as select * from {kept}");
        async Task<string> Both(int number, Func<SettlementLine, SettlementLine> change, string set)
        {
            static string Told(SettlementLine line) => Convert.ToHexStringLower([.. BitConverter.GetBytes(RowHash.Key(line.RowKey)), .. BitConverter.GetBytes(RowHash.Content(line))]);
            var line = (await new SettlementLineStore(house.Database).List(1, null, number - 1, 1, default))[0].Line;
            var old = $"'\\x{Told(line)}'::bytea";
            return $"update settlement_lines set {set} where file = 1 and number = {number}; " +
                $"update settlement_key_groups set keys = overlay(keys placing '\\x{Told(change(line))}'::bytea from position({old} in keys)) where file = 1 and position({old} in keys) > 0";
        }
        var unseen = new List<string>();
        foreach (var (sql, table, row, says) in new[]
        {
            ("update settlement_lines set amount = 6000, net = 6000 where row_key = 'x'; update settlement_postings set amount = amount / 5 * 6 where row_key = 'x'",
                "settlement_lines", "stl_1 line 1", "x is not what was read from the file's bytes: it says 60.00 INR, 60.00 INR net"),
            ("update settlement_lines set number = 9 where number = 4", "settlement_lines", "stl_1 line 4", "the line is not there"),
            ("insert into settlement_lines select (jsonb_populate_record(l, '{\"number\": 9, \"row_key\": \"y\", \"class\": 15}')).* from settlement_lines l where number = 4",
                "settlement_lines", "stl_1", "it has 5 lines, and 4 were read"),
            ("update settlement_file_parts set bytes = set_byte(bytes, 3, 7)", "settlement_file_parts", "stl_1", "its SHA-256 is"),
            ("update settlement_file_parts set bytes = bytes || 'x'::bytea", "settlement_file_parts", "stl_1", "it has 248 bytes, and 247 came in"),
            ("update settlement_files set policy = 7", "settlement_files", "stl_1", "its policy is 7, and decision"),
            ("update settlement_discrepancies set policy = 7", "settlement_discrepancies", "dis_row_1", "its policy is 7, and decision"),
            // Together with what it posted, and where nothing is posted either way.
            ("update settlement_lines set class = 14 where row_key = 'x'; delete from settlement_postings where row_key = 'x'", "settlement_lines", "stl_1", "with which it was applied: 0 are adjustment, and 1 were"),
            ("update settlement_lines set class = 15 where row_key = 'none'", "settlement_lines", "stl_1", "with which it was applied: 0 are payout, and 1 were"),
            (OtherFirst, "settlement_lines", "stl_3", "the classes of its lines, the lines whose keys they have, or what was read of them are not those with which it was applied"),
            (OtherTwin, "settlement_lines", "stl_3", "the classes of its lines, the lines whose keys they have, or what was read of them are not those with which it was applied"),
            ("update settlement_lines set was_file = null, was_number = null where file = 3 and number = 3", "settlement_lines", "stl_3", "or what was read of them are not those"),
            // Together with what was read of it.
            (await Both(3, l => l with { PayoutReference = "utr_9" }, "payout_reference = 'utr_9'"), "settlement_lines", "stl_1", "or what was read of them are not those"),
            ("update settlement_lines set order_id = 77 where row_key = 'back'", "settlement_lines", "stl_3 line 4", "back is not what was read from the file's bytes"),
            ("update settlement_lines set order_id = 77 where row_key = 'x'", "settlement_lines", "stl_1 line 1", "x is not what was read from the file's bytes"),
            ("delete from settlement_files where id = 2", "settlement_files", "stl_2", "it is not there, and decision"),
            ("update settlement_files set name = 'other.csv' where id = 1", "settlement_files", "stl_1", "its name is other.csv, and decision"),
            ("update settlement_files set state = 6, rows_stored = 0 where id = 1", "settlement_files", "stl_1", "its state is 6, and decision"),
            ("update settlement_files set state = 4 where id = 1", "settlement_files", "stl_1", "it is on its way, and decision"),
            ("update settlement_files set state = 5 where id = 2", "settlement_files", "stl_2", "its state is 5, and decision"),
            ("insert into settlement_lines select (jsonb_populate_record(l, '{\"file\": 2}')).* from settlement_lines l where row_key = 'x'", "settlement_lines", "stl_2", "it has 1 lines, and says that 0 are stored"),
            ("insert into settlement_lines select (jsonb_populate_record(l, '{\"file\": 2, \"row_key\": \"y\"}')).* from settlement_lines l where row_key = 'x'; " +
                "insert into settlement_postings select account, 'y', line, ledger_account, amount, currency, 2, posted_at from settlement_postings where row_key = 'x'", "settlement_postings", "shop/y", "stl_2 is not applied"),
        })
        {
            await Do(sql);
            if (await Audit() is not [var named, ..] || (named.Table, named.Row) != (table, row) || !named.What.Contains(says, StringComparison.Ordinal)) unseen.Add($"{sql}: {string.Join("; ", await Audit())}");
            await Do(string.Join("; ", tables.Select(t => $"delete from {t}; insert into {t} overriding system value select * from kept_{t}")));
            (await Audit()).ShouldBeEmpty(sql);
        }
        unseen.ShouldBeEmpty();

        // Of files of an older program, which kept nothing of what was read of them, nothing differs.
        await Do("""
            update settlement_files f set classes = (select sha256(string_agg(int4send(l.number) || int2send(l.class) || case when l.was_file is null then ''::bytea else int8send(l.was_file) || int4send(l.was_number) end, ''
                order by l.number)) from settlement_lines l where l.file = f.id) where state = 5
            """);
        (await new FileAuditStore(house.Database).Run(3, default)).ShouldBeEmpty();

        // Of files of a still older program, which kept the classes alone, another key is found.
        var older = new FileAuditStore(house.Database);
        await Do("update settlement_files f set classes = (select sha256(string_agg(int4send(l.number) || int2send(l.class), '' order by l.number)) from settlement_lines l where l.file = f.id) where state = 5");
        (await older.Run(3, default)).ShouldBeEmpty();
        foreach (var (sql, row, says) in new[] { (OtherFirst, "stl_3 line 1", "stranger is compared with line 2 of stl_3, which has another key"), (OtherTwin, "stl_3 line 3", "twin is compared with line 1 of stl_3, which has another key") })
        {
            await Do(sql);
            (await older.Run(3, default)).ShouldHaveSingleItem().ShouldSatisfyAllConditions(d => d.Row.ShouldBe(row), d => d.What.ShouldContain(says));
            await Do("delete from settlement_lines; insert into settlement_lines select * from kept_settlement_lines");
        }
    }

    /// <summary>The books stay as they are, for that row says the same.</summary>
    const string OtherFirst = "update settlement_lines set was_file = 3, was_number = 2 where file = 3 and number = 1";

    const string OtherTwin = "update settlement_lines set was_number = 1 where file = 3 and number = 3";
}
