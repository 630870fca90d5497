using System.Net;
using Microsoft.Extensions.Configuration;
using Purser.Reconciliation;
using Purser.Server.Settlement;
using Purser.Server.Tests.Platform;
using static Purser.Server.Tests.Settlement.StatementGateway;

namespace Purser.Server.Tests.Settlement;

/// <summary>Limits above which more persons are asked are in each currency's own money.</summary>
public sealed class LimitsTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    static SettlementOptions Read(params (string Name, string Value)[] settings) => SettlementEndpoints.Options(new ConfigurationBuilder()
        .AddInMemoryCollection(settings.Select(s => KeyValuePair.Create($"Purser:Settlement:{s.Name}", (string?)s.Value))).Build());

    static Money Of(string amount, string currency) => Money.TryParseMajor(amount, Currency.Find(currency), out var money) ? money : throw new ArgumentException(amount);

    [Fact]
    public void A_limit_is_stated_in_major_units_of_its_currency_and_those_not_stated_keep_their_own()
    {
        var options = Read(("ConfirmAbove:JPY", "200000"), ("ConfirmAbove:kwd", "250.500"), ("TwoPersonsAbove:JPY", "900000.00"));
        options.Faults().ShouldBeEmpty();
        (options.Confirm.Of(Currency.Find("JPY")), options.Confirm.Of(Currency.Find("KWD")), options.TwoPersons.Of(Currency.Find("JPY"))).ShouldBe((200_000, 250_500, 900_000));
        (options.Confirm.Of(Currency.Find("INR")), options.TwoPersons.Of(Currency.Find("INR"))).ShouldBe((100_000_00, 1_000_000_00));
        (options.Confirm.IsExceeded(Of("200000", "JPY")), options.Confirm.IsExceeded(Of("200001", "JPY"))).ShouldBe((false, true));
        // Whose limit nobody knows, of that nothing passes unseen.
        options.Confirm.IsExceeded(Of("0.01", "XCD")).ShouldBeTrue();
        // And what a statement says below nothing counts as much.
        (options.Confirm.IsExceeded(Of("-200001", "JPY")), options.Confirm.IsExceeded(new Money(long.MinValue, Currency.Find("JPY")))).ShouldBe((true, true));
        // The version of a policy follows what it says, and not how.
        Read(("ConfirmAbove:INR", "100000")).Confirm.ToString().ShouldBe(Read().Confirm.ToString());
        Read(("ConfirmAbove:INR", "100001")).Confirm.ToString().ShouldNotBe(Read().Confirm.ToString());
    }

    [Theory]
    [InlineData("ConfirmAbove", "1000", "Purser:Settlement:ConfirmAbove is '1000', one number for all currencies; set it for each: Purser:Settlement:ConfirmAbove:INR to 100000.00.")]
    [InlineData("ConfirmAbove:RUP", "1000", "Purser:Settlement:ConfirmAbove:RUP: 'RUP' is no currency; name the limit by three letters of ISO 4217, such as INR.")]
    [InlineData("ConfirmAbove:JPY", "1000.5", "Purser:Settlement:ConfirmAbove:JPY is '1000.5'; set it to an amount of 0 or more in JPY, without decimals, such as 150000.")]
    [InlineData("TwoPersonsAbove:INR", "10.005", "Purser:Settlement:TwoPersonsAbove:INR is '10.005'; set it to an amount of 0 or more in INR, with 2 decimals at the most, such as 100000.00.")]
    [InlineData("TwoPersonsAbove:KWD", "ten", "Purser:Settlement:TwoPersonsAbove:KWD is 'ten'; set it to an amount of 0 or more in KWD, with 3 decimals at the most, such as 300.000.")]
    [InlineData("ConfirmAbove:INR", "-1", "Purser:Settlement:ConfirmAbove:INR is '-1'; set it to an amount of 0 or more in INR, with 2 decimals at the most, such as 100000.00.")]
    [InlineData("ConfirmAbove:INR", "2000000", "Purser:Settlement:TwoPersonsAbove:INR is 1000000.00; set it to ConfirmAbove:INR (2000000.00) or more.")]
    public void A_limit_that_cannot_be_meant_is_named_with_its_remedy(string name, string value, string fault) => Read((name, value)).Faults().ShouldHaveSingleItem().ShouldBe(fault);

    [Fact]
    public async Task A_server_with_such_a_limit_does_not_start() =>
        (await Should.ThrowAsync<Exception>(async () => await (await SettlementHouse.Open(await postgres.CreateDatabase(), null, ("Purser:Settlement:ConfirmAbove:RUP", "1"))).DisposeAsync()))
            .Message.ShouldContain("'RUP' is no currency");

    [Fact]
    public async Task A_currency_without_a_limit_says_so_wherever_it_asks_for_persons()
    {
        var connection = await postgres.CreateDatabase();
        await using var house = await SettlementHouse.Open(connection);
        await house.Settle(Statement(Line("paid", await house.Pending(), 100, money: "m1", currency: "XCD"), Line("known", await house.Pending(amount: 20_000_000), 20_000_000, money: "m2"),
            Line("stranger", null, 100, money: "m3", currency: "XCD")));
        var open = (await house.Get("/v1/discrepancies?open=true")).Body.GetProperty("discrepancies").EnumerateArray().ToDictionary(d => d.GetProperty("row_key").GetString()!);
        open["paid"].GetProperty("proposal").GetString()!.ShouldEndWith("did not confirm it (XCD has no limit of its own, which counts as zero; set Purser:Settlement:ConfirmAbove:XCD)");
        open["known"].GetProperty("proposal").GetString()!.ShouldEndWith("did not confirm it");
        var path = $"/v1/discrepancies/{open["stranger"].GetProperty("id").GetString()}/resolution";
        (await house.Post(path, new { action = "accept", by = "Asha", reason = "seen" })).Status.ShouldBe(HttpStatusCode.Accepted);
        (await house.Post(path, new { action = "accept", by = "Asha", reason = "seen" })).Text("detail")
            .ShouldContain("above the policy's limit (XCD has no limit of its own, which counts as zero; set Purser:Settlement:TwoPersonsAbove:XCD) a second person must");

        (string, string)[] account = [("Gateways:cards:Gateway", "stripe"), ("Gateways:cards:secret_key", "sk_test_1"), ("Gateways:cards:webhook_secret", "whsec_1"), ("Gateways:cards:BaseUrl", "http://127.0.0.1:1"), ("Gateways:cards:TestMode", "true")];
        var said = await DoctorSays.Of(connection, [.. account, ("Gateways:cards:Currencies", "INR,ISK"), ("Purser:Settlement:TwoPersonsAbove:ISK", "900000")]);
        said.ShouldContain("ISK of your accounts' currencies have no limit in Purser:Settlement:ConfirmAbove, which counts as zero: a person must confirm whatever only a statement says of them.");
        said.ShouldNotContain("no limit in Purser:Settlement:TwoPersonsAbove");
        (await DoctorSays.Of(connection, [.. account, ("Gateways:cards:Currencies", "INR")])).ShouldNotContain("no limit in");
        (await DoctorSays.Of(connection, account)).ShouldContain(" more of your accounts' currencies have no limit");
        (await DoctorSays.Of(connection, ("Purser:Settlement:ConfirmAbove", "1000"))).ShouldContain("Purser:Settlement:ConfirmAbove is '1000', one number for all currencies");
    }

    [Fact]
    public async Task The_same_number_is_much_in_one_currency_and_little_in_another()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase(), null,
            ("Purser:Settlement:ConfirmAbove:INR", "1000.00"), ("Purser:Settlement:TwoPersonsAbove:INR", "2000.00"), ("Purser:Settlement:ConfirmAbove:JPY", "100000"), ("Purser:Settlement:TwoPersonsAbove:JPY", "400000"));
        async Task<PaymentId> Pending(string currency, long amount)
        {
            var order = await house.Post("/v1/orders", new { currency, lines = new[] { new { name = "A book", quantity = 1, unit_amount = amount } } });
            order.Status.ShouldBe(HttpStatusCode.Created, order.Body.ToString());
            PaymentId.TryParse((await house.Post($"/v1/orders/{order.Text("id")}/payments", new { gateway = "shop" })).Text("id"), out var id).ShouldBeTrue();
            return id;
        }
        var (rupees, yen, many) = (await Pending("INR", 250_000), await Pending("JPY", 100_000), await Pending("JPY", 250_000));
        await house.Settle(Statement(
            Line("rupees", rupees, 250_000, money: "m1"), Line("yen", yen, 100_000, money: "m2", currency: "JPY"), Line("many", many, 250_000, money: "m3", currency: "JPY")));
        // 2,500 rupees are above both limits, 250,000 yen above the first, 100,000 yen above none.
        (await house.Get("/v1/discrepancies?open=true")).Body.GetProperty("discrepancies").EnumerateArray()
            .Select(d => $"{d.GetProperty("row_key").GetString()} {d.GetProperty("persons_needed").GetInt32()}").ShouldBe(["rupees 2", "many 1"], ignoreOrder: true);
        (await house.Get($"/v1/orders/{yen.Order}")).Text("status").ShouldBe("paid");
        (await house.Ask<string>("select content from reconciliation_policies")).ShouldContain("JPY 100000");
    }
}
