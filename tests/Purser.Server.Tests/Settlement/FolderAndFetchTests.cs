using Microsoft.Extensions.DependencyInjection;
using Purser.Reconciliation;
using Purser.Server.Settlement;
using Purser.Server.Tests.Platform;
using static Purser.Server.Tests.Settlement.StatementGateway;

namespace Purser.Server.Tests.Settlement;

public sealed class FolderAndFetchTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    [Fact]
    public async Task A_dropped_file_is_taken_once_it_rests_and_moves_aside_and_links_and_unfinished_files_stay()
    {
        var folder = Directory.CreateTempSubdirectory("purser-drop-").FullName;
        try
        {
            var mine = Directory.CreateDirectory(Path.Combine(folder, "shop")).FullName;
            var secret = Path.Combine(folder, "secret.csv");
            await File.WriteAllBytesAsync(secret, Statement(Line("secret", null, 1, SettlementKind.Adjustment)));
            File.CreateSymbolicLink(Path.Combine(mine, "link.csv"), secret);
            await File.WriteAllBytesAsync(Path.Combine(mine, "half.csv.part"), Statement(Line("half", null, 1, SettlementKind.Adjustment)));
            await File.WriteAllBytesAsync(Path.Combine(mine, "a b;$(rm -rf).csv"), Statement(Line("k", null, 10, SettlementKind.Adjustment)));
            await using var house = await SettlementHouse.Open(await postgres.CreateDatabase(), null, ("Purser:Settlement:Folder", folder));
            await Until.True(async () => await house.Ask<long>("select count(*) from settlement_files where state = 5") == 1, "the dropped file to be done");
            File.Exists(Path.Combine(mine, "done", "a b;$(rm -rf).csv")).ShouldBeTrue();
            Directory.EnumerateFiles(mine).Select(Path.GetFileName).ShouldBe(["half.csv.part", "link.csv"], ignoreOrder: true);
            (await house.Ask<string>("select name from settlement_files")).ShouldBe("a b;$(rm -rf).csv");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task Of_two_nodes_one_asks_for_a_day_and_a_complete_day_is_not_asked_for_again()
    {
        await using var database = Server.Platform.Database.Build(await postgres.CreateDatabase());
        var (one, two) = (new SettlementFetchStore(database), new SettlementFetchStore(database));
        var day = new DateOnly(2026, 3, 1);
        var claims = await Task.WhenAll(Enumerable.Range(0, 8).Select(n => (n % 2 == 0 ? one : two).Claim("shop", day, TimeSpan.FromMinutes(1), TimeSpan.Zero, default)));
        claims.Count(c => c).ShouldBe(1);
        await one.End("shop", day, null, complete: false, "no answer", default);
        (await two.Claim("shop", day, TimeSpan.FromMinutes(1), TimeSpan.FromHours(1), default)).ShouldBeFalse("it was asked for a moment ago");
        (await two.Claim("shop", day, TimeSpan.FromMinutes(1), TimeSpan.Zero, default)).ShouldBeTrue();
        await two.End("shop", day, 1, complete: true, null, default);
        (await one.Claim("shop", day, TimeSpan.FromMinutes(1), TimeSpan.Zero, default)).ShouldBeFalse();
    }

    [Fact]
    public void Lines_that_an_API_told_are_the_same_lines_when_they_are_read_back()
    {
        var inr = Currency.Find("INR");
        var line = new SettlementLine("=a,\"b\"\nc", SettlementKind.Refund, new Money(5, inr), new Money(-6, inr))
        {
            Payment = new PaymentId(new OrderId(77), 2),
            Refund = new RefundId(new OrderId(77), 1),
            MoneyReference = "m",
            RefundReference = "r",
            Fee = new Money(1, inr),
            Method = "upi",
            HappenedAt = new DateTimeOffset(2026, 3, 1, 10, 0, 0, TimeSpan.Zero),
            SettledOn = new DateOnly(2026, 3, 2),
            PayoutReference = "u",
            Note = "n",
        };
        var bytes = CanonicalSheet.Write([line, line with { RowKey = "x", Fee = null, Note = null }]);
        var account = new Purser.Gateways.GatewayAccount("shop", "statements", new Uri("http://127.0.0.1:1"), System.Collections.Immutable.ImmutableDictionary<string, string>.Empty);
        var read = Purser.Gateways.SettlementReader.Read(new MemoryStream(bytes), CanonicalSheet.Sheet, account).ToList();
        read.Select(r => r.Fault).ShouldAllBe(f => f == null);
        read.Select(r => r.Line).ShouldBe([line, line with { RowKey = "x", Fee = null, Note = null }]);
    }
}
