using System.Collections.Immutable;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Configuration;
using Purser.Gateways;
using Purser.Server.CommandLine;
using Purser.Server.Gateways;
using Purser.Server.Platform;
using Purser.Server.Tests.Checkout;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Gateways;

public sealed class GatewayAccountsTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    static readonly IReadOnlyCollection<IGateway> Gateways = new GatewayCatalog().Gateways;
    static int read;
    static readonly Currency Rupee = Currency.Find("INR");

    static (GatewayAccounts Accounts, ImmutableArray<string> Faults) Read(string json, params (string Name, string Value)[] environment)
    {
        var prefix = $"PURSER_TEST_{Interlocked.Increment(ref read)}_";
        foreach (var (name, value) in environment) Environment.SetEnvironmentVariable(prefix + name, value);
        try
        {
            using var file = new MemoryStream(Encoding.UTF8.GetBytes(json));
            return GatewayAccounts.Read(new ConfigurationBuilder().AddJsonStream(file).AddEnvironmentVariables(prefix).Build(), Gateways);
        }
        finally
        {
            foreach (var (name, _) in environment) Environment.SetEnvironmentVariable(prefix + name, null);
        }
    }

    static string Shop(string more) => $$"""{"Gateways": {"shop": {"Gateway": "razorpay", "key_id": "rzp_live_1", "key_secret": "s", "webhook_secret": "w"{{more}} } } }""";

    [Fact]
    public void Play_money_and_money_have_no_orders_in_common()
    {
        static string Two(string more) => """{"Gateways": {"shop": {"Gateway": "razorpay", "key_id": "rzp_live_1", "key_secret": "s", "webhook_secret": "w"}, """
            + """ "play": {"Gateway": "razorpay", "TestMode": true, "key_id": "rzp_test_1", "key_secret": "s", "webhook_secret": "w" """ + more + "} } }";
        Read(Two("")).Faults.ShouldHaveSingleItem().ShouldBe("Gateways: play in test mode and shop in live mode would pay the same orders; turn one kind off (On: false), or give it an installation of its own.");
        Read(Two(""", "On": false""")).Faults.ShouldBeEmpty();
    }

    [Fact]
    public void An_account_that_says_nothing_takes_all_that_its_gateway_does()
    {
        var (accounts, faults) = Read(Shop(""));
        faults.ShouldBeEmpty();
        var (shop, profile) = (accounts.Find("shop")!, Gateways.Single(g => g.Profile.Name == "razorpay").Profile);
        shop.Route.Currencies.ShouldBe(profile.Currencies);
        shop.Route.Offers.ShouldBe(profile.Offers);
    }

    [Theory]
    [InlineData(""", "Currencies": ["INR", "usd"], "Methods": ["upi", "Card"]""", "", "")]
    [InlineData(""", "Currencies": "INR, USD", "Methods": "card,upi" """, "", "")]
    [InlineData("", "INR,usd", "UPI, card")]
    [InlineData(""", "Currencies": "EUR", "Methods": "netbanking" """, "INR,USD", "card, upi")]
    public void An_account_narrows_what_its_gateway_takes_by_the_file_or_the_environment(string file, string currencies, string methods)
    {
        var (accounts, faults) = Read(Shop(file), currencies.Length == 0 ? [] : [("Gateways__shop__Currencies", currencies), ("Gateways__shop__Methods", methods)]);
        faults.ShouldBeEmpty();
        var route = accounts.Find("shop")!.Route;
        route.Currencies.ShouldBe(["INR", "USD"], ignoreOrder: true);
        route.Offers.Select(o => o.Method).Distinct().ShouldBe(["upi", "card"]);
        route.WhyNot(new Money(50_000, Rupee), "IN", "upi").ShouldBeNull();
        // The gateway's own limits stay: it has UPI for rupees only.
        route.WhyNot(new Money(50_000, Currency.Find("USD")), "IN", "upi").ShouldBe("it does not offer upi for USD in IN");
        route.WhyNot(new Money(50_000, Rupee), "IN", "netbanking").ShouldBe("it does not offer netbanking");
        accounts.For(new Money(50_000, Currency.Find("EUR"))).ShouldBeEmpty();
        accounts.For(new Money(50_000, Rupee)).ShouldHaveSingleItem();
    }

    [Theory]
    [InlineData(""", "Currencies": "INR,KPW" """, "Gateways:shop:Currencies has 'KPW', which Razorpay does not take; use some of the ")]
    [InlineData(""", "Currencies": "RUPEE" """, "Gateways:shop:Currencies has 'RUPEE', which is no ISO 4217 currency; correct it.")]
    [InlineData(""", "Currencies": "" """, "Gateways:shop:Currencies is empty; name at least one, or leave it out")]
    [InlineData(""", "Methods": ["paypal"]""", "Gateways:shop:Methods has 'paypal', which Razorpay does not offer; use some of upi, card, netbanking, google_pay, wallet.")]
    [InlineData(""", "Methods": "upi", "Currencies": "USD" """, "Gateways:shop:Methods has 'upi', which Razorpay offers for INR, and Currencies has none of these; change one of the two.")]
    [InlineData(""", "Curencies": "INR" """, "Gateways:shop:Curencies is not known; correct or remove it. An account of Razorpay has Gateway, Order, On, TestMode, BaseUrl, Currencies, Methods, Fee, Fees, FeeTax, SettlesAfterDays, key_id, key_secret, webhook_secret.")]
    [InlineData(""", "Fees": {"crad": "2%"}""", "Gateways:shop:Fees:crad: Razorpay does not offer 'crad'; use some of upi, ")]
    [InlineData(""", "FeeTax": "lots" """, "Gateways:shop:FeeTax is 'lots'; write it as 18%.")]
    [InlineData(""", "SettlesAfterDays": "soon" """, "Gateways:shop:SettlesAfterDays is 'soon'; set it to working days, from 0 to 90.")]
    [InlineData(""", "On": "perhaps" """, "Gateways:shop:On is 'perhaps'; set it to true or false.")]
    [InlineData(""", "TestMode": "1" """, "Gateways:shop:TestMode is '1'; set it to true or false.")]
    [InlineData(""", "Order": "first" """, "Gateways:shop:Order is 'first'; set it to a whole number, smallest first.")]
    [InlineData(""", "BaseUrl": "somewhere" """, "Gateways:shop:BaseUrl is 'somewhere'; set it to an absolute URL or leave it out for ")]
    [InlineData(""", "BaseUrl": "http://gateway.example" """, "Gateways:shop:BaseUrl would carry credentials in the open; set it to an https address ")]
    [InlineData(""", "BaseUrl": "http://gateway.example", "TestMode": true""", "Gateways:shop:BaseUrl would carry credentials in the open; ")]
    [InlineData(""", "BaseUrl": "http://127.0.0.1.gateway.example" """, "Gateways:shop:BaseUrl would carry credentials in the open; ")]
    [InlineData(""", "BaseUrl": "http://10.0.0.7:7411" """, "Gateways:shop:BaseUrl would carry credentials in the open; ")]
    [InlineData(""", "BaseUrl": "ftp://gateway.example" """, "Gateways:shop:BaseUrl would carry credentials in the open; ")]
    [InlineData(""", "BaseUrl": "https://shop:pass@gateway.example" """, "Gateways:shop:BaseUrl would carry credentials in the open; ")]
    [InlineData(""", "BaseUrl": "https://gateway.example/?to=" """, "Gateways:shop:BaseUrl would carry credentials in the open; ")]
    public void What_is_wrong_with_an_account_is_named_with_its_remedy_and_the_server_does_not_start(string more, string says)
    {
        var (accounts, faults) = Read(Shop(more));
        faults.ShouldHaveSingleItem().ShouldStartWith(says);
        accounts.InOrder.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("https://gateway.example/v9")]
    [InlineData("http://127.0.0.1:7411")]
    [InlineData("http://[::1]:7411")]
    [InlineData("http://localhost:7411")]
    public void An_address_that_is_encrypted_or_on_this_machine_is_taken(string address)
    {
        var (accounts, faults) = Read(Shop($$""", "BaseUrl": "{{address}}" """));
        faults.ShouldBeEmpty();
        accounts.InOrder.ShouldHaveSingleItem().Account.BaseUrl.ShouldBe(new Uri(address));
    }

    [Fact]
    public void A_gateway_whose_own_page_decides_has_no_methods_to_choose_from()
    {
        var profile = Gateways.First(g => g.Profile.Offers.IsEmpty).Profile;
        var settings = string.Join(", ", profile.Settings.Select(s => $"\"{s.Name}\": {JsonSerializer.Serialize(s.Example ?? "x")}"));
        Read($$"""{"Gateways": {"page": {"Gateway": "{{profile.Name}}", {{settings}}, "Methods": "card"} } }""").Faults
            .ShouldContain($"Gateways:page:Methods has 'card', which {profile.Title} does not offer; its own page decides, so leave Methods out.");
    }

    [Fact]
    public void Every_fault_of_every_account_is_told_at_once()
    {
        var (_, faults) = Read(
            """{"Gateways": {"one": {"Gateway": "razorpay", "key_id": "k", "Methds": "card", "Currencies": "EUX"}, "two": {"Gateway": "nowhere"}}, "Routing": [{"Use": "one,three"}]}""");
        faults.Select(f => f.Split(' ')[0].TrimEnd(':')).ShouldBe(
            ["Gateways:one:Methds", "Gateways:one:key_secret", "Gateways:one:webhook_secret", "Gateways:one:Currencies", "Gateways:two:Gateway", "Routing:0"], ignoreOrder: true);
    }

    [Fact]
    public void A_list_in_the_file_and_a_text_in_the_environment_are_not_mixed_up()
    {
        Read(Shop(""", "Currencies": ["INR", "USD"]"""), ("Gateways__shop__Currencies", "EUR")).Faults.ShouldHaveSingleItem()
            .ShouldBe("Gateways:shop:Currencies is set as a list and as a text, in two places; keep one of them.");
    }

    [Fact]
    public async Task The_api_and_the_checkout_offer_only_what_the_accounts_do()
    {
        var settings = new Dictionary<string, string?>(PageHouse.Settings(await postgres.CreateDatabase()))
        {
            ["Gateways:razorpay:Methods"] = "upi",
            ["Gateways:razorpay:Currencies"] = "INR",
            ["Gateways:stripe:Currencies"] = "USD,EUR",
        };
        await using var host = await ServerHost.Start([], settings);
        using var http = new HttpClient { BaseAddress = new Uri(host.Url) };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", (await DevelopmentKeys.Renew(host, "test", default)).Secret);
        var listed = (await http.GetFromJsonAsync<JsonElement>("/v1/gateways")).GetProperty("gateways").EnumerateArray().ToDictionary(g => g.GetProperty("name").GetString()!);
        Texts(listed["razorpay"], "currencies").ShouldBe(["INR"]);
        Texts(listed["razorpay"], "methods").ShouldBe(["upi"]);
        Texts(listed["stripe"], "currencies").ShouldBe(["EUR", "USD"]);

        using var placed = await http.PostAsJsonAsync("/v1/orders", new { currency = "INR", lines = new[] { new { name = "Tea", quantity = 1, unit_amount = 49900 } } });
        var order = await placed.Content.ReadFromJsonAsync<JsonElement>();
        var page = await http.GetStringAsync(new Uri(order.GetProperty("checkout_url").GetString()!).PathAndQuery);
        page.ShouldContain("value=\"upi\"");
        page.ShouldNotContain("value=\"card\"");

        settings["Gateways:stripe:Currencies"] = "USD,EURO";
        settings["Gateways:razorpay:Metods"] = "upi";
        var refused = await Should.ThrowAsync<StartFailureException>(() => ServerHost.Start([], settings));
        refused.Message.ShouldContain("Gateways:stripe:Currencies has 'EURO'");
        refused.Message.ShouldContain("Gateways:razorpay:Metods is not known");
    }

    static string[] Texts(JsonElement of, string name) => [.. of.GetProperty(name).EnumerateArray().Select(t => t.GetString()!)];
}
