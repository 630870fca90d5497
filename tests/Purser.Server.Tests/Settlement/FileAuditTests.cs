using Purser.Reconciliation;
using Purser.Server.Audit;
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
        (await Audit()).ShouldBeEmpty();
        var unseen = new List<string>();
        foreach (var (sql, back, table, row, says) in new[]
        {
            ("update settlement_lines set amount = 6000, net = 6000 where row_key = 'x'; update settlement_postings set amount = amount / 5 * 6 where row_key = 'x'",
                "update settlement_lines set amount = 5000, net = 5000 where row_key = 'x'; update settlement_postings set amount = amount / 6 * 5 where row_key = 'x'",
                "settlement_lines", "stl_1 line 1", "x is not what was read from the file's bytes: it says 60.00 INR, 60.00 INR net"),
            ("update settlement_lines set number = 9 where number = 4", "update settlement_lines set number = 4 where number = 9", "settlement_lines", "stl_1 line 4", "the line is not there"),
            ("insert into settlement_lines select (jsonb_populate_record(l, '{\"number\": 9, \"row_key\": \"y\", \"class\": 15}')).* from settlement_lines l where number = 4", "delete from settlement_lines where number = 9",
                "settlement_lines", "stl_1", "it has 5 lines, and 4 were read"),
            ("update settlement_file_parts set bytes = set_byte(bytes, 3, 7)", "update settlement_file_parts set bytes = set_byte(bytes, 3, 95)", "settlement_file_parts", "stl_1", "its SHA-256 is"),
            ("update settlement_file_parts set bytes = bytes || 'x'::bytea", "update settlement_file_parts set bytes = substr(bytes, 1, length(bytes) - 1)", "settlement_file_parts", "stl_1", "it has 248 bytes, and 247 came in"),
            ("update settlement_files set policy = 7", "update settlement_files set policy = 1", "settlement_files", "stl_1", "it names policy 7, which is not kept"),
            ("update settlement_discrepancies set policy = 7", "update settlement_discrepancies set policy = 1", "settlement_discrepancies", "dis_row_1", "it was decided under policy 7, and the log says 1"),
        })
        {
            await Do(sql);
            if (await Audit() is not [var named] || (named.Table, named.Row) != (table, row) || !named.What.Contains(says, StringComparison.Ordinal)) unseen.Add(sql);
            await Do(back);
            (await Audit()).ShouldBeEmpty(back);
        }
        unseen.ShouldBeEmpty();
    }
}
