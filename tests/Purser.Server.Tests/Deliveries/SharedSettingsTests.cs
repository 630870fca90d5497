using Purser.Server.Tests.Api;
using Purser.Server.Tests.Invoices;
using Purser.Server.Tests.Mail;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Deliveries;

/// <summary>Nodes of one installation whose settings differ.</summary>
public sealed class SharedSettingsTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    [Fact]
    public async Task A_node_that_lacks_mail_and_seller_ends_neither_and_who_says_so_ends_both()
    {
        var database = await postgres.CreateDatabase();
        (string, string)[] whole = [("Mail:Mailbox", "true"), ("Purser:Demo", "true"), .. InvoiceHouse.Seller];
        await using (var first = await ApiHouse.Open(database, whole))
        {
            (await Active(first)).ShouldBe(3);
            await using (var bare = await ApiHouse.Open(database)) (await Active(bare)).ShouldBe(3);
        }
        await using (var ended = await ApiHouse.Open(database, [.. whole, ("Mail:Ended", "true"), ("Purser:Invoices:Ended", "true")])) (await Active(ended)).ShouldBe(0);
        await using (var again = await ApiHouse.Open(database, whole)) (await Active(again)).ShouldBe(3);
    }

    [Fact]
    public async Task What_is_kept_for_settings_that_are_gone_is_named_by_the_doctor_with_both_ways_out()
    {
        var database = await postgres.CreateDatabase();
        (string, string) connection = ("ConnectionStrings:Purser", database);
        (string, string)[] whole = [("Mail:Mailbox", "true"), ("Purser:Demo", "true"), .. InvoiceHouse.Seller];
        await using (var first = await ApiHouse.Open(database, whole)) (await Active(first)).ShouldBe(3);
        await using (var bare = await ApiHouse.Open(database))
        {
            await MailDeliveryTests.Paid(bare, "kept");
            (await bare.Count("select count(*) from deliveries where state = 0")).ShouldBe(2);
            (await ReceiverApiTests.Doctor(connection)).ShouldSatisfyAllConditions(
                s => s.ShouldNotContain("this configuration sends none", Case.Sensitive, "another node may send them"), s => s.ShouldContain("Nobody is written to"));
            await bare.Count("with a as (update deliveries set at = at - interval '2 hours' returning 1) select count(*) from a");
        }
        (await ReceiverApiTests.Doctor(connection)).ShouldSatisfyAllConditions(
            s => s.ShouldContain("1 mail(s) to shoppers wait"), s => s.ShouldContain("or Mail:Ended to true."),
            s => s.ShouldContain("1 invoice(s) and credit note(s) wait"), s => s.ShouldContain("or Purser:Invoices:Ended to true."));
        (await ReceiverApiTests.Doctor([connection, .. whole])).ShouldSatisfyAllConditions(
            s => s.ShouldNotContain("this configuration sends none"), s => s.ShouldNotContain("Nobody is written to"));
    }

    /// <summary>Shoppers, operators and the books, as far as they are receivers.</summary>
    static Task<long> Active(ApiHouse house) => house.Count("select count(*) from webhook_endpoints where status = 0 and kind > 0");
}
