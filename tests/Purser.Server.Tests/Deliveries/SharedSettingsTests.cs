using Purser.Server.Tests.Api;
using Purser.Server.Tests.Invoices;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Deliveries;

/// <summary>Nodes of one installation whose settings differ.</summary>
public sealed class SharedSettingsTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    [Fact]
    public async Task A_node_that_lacks_mail_and_seller_ends_neither_and_who_says_so_ends_both()
    {
        var database = await postgres.CreateDatabase();
        (string, string)[] whole = [("Mail:Mailbox", "true"), .. InvoiceHouse.Seller];
        await using (var first = await ApiHouse.Open(database, whole))
        {
            (await Active(first)).ShouldBe(3);
            await using (var bare = await ApiHouse.Open(database)) (await Active(bare)).ShouldBe(3);
        }
        await using (var ended = await ApiHouse.Open(database, [.. whole, ("Mail:Ended", "true"), ("Purser:Invoices:Ended", "true")])) (await Active(ended)).ShouldBe(0);
        await using (var again = await ApiHouse.Open(database, whole)) (await Active(again)).ShouldBe(3);
    }

    /// <summary>Shoppers, operators and the books, as far as they are receivers.</summary>
    static Task<long> Active(ApiHouse house) => house.Count("select count(*) from webhook_endpoints where status = 0 and kind > 0");
}
