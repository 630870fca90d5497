using System.Collections.Immutable;
using System.Text;
using Purser.Gateways.Tests.Outside;

namespace Purser.Gateways.PhonePe.Tests;

/// <summary>Webhooks and returns: every published vector, every trap, and the official client on both sides.</summary>
[Verifies(Part.Adapter, By.PublishedVector)]
public sealed class PhonePeNewsTests(World world) : IClassFixture<World>
{
    const string Ours = "0001jd8xk3m4np1";

    const string P1 = "d50914f5c064b493e460f03242fefd1f92846ca136a7ed5b3fb0a73335cdcf37";

    const string P3 = "473f28de6e371a4ed12a2f1ae7fd11571250434512ac7c8524dc9c21108efb5f";

    static readonly PhonePeGateway Gateway = new();

    static readonly string Completed = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "fixtures", "phonepe-webhook-completed.json"))
        .Replace("ORD-1001_1", Ours, StringComparison.Ordinal);

    [Theory]
    [InlineData("P1", "orch_user", "Passw0rd2026", P1, true)]
    [InlineData("P2, the last digit changed", "orch_user", "Passw0rd2026", "d50914f5c064b493e460f03242fefd1f92846ca136a7ed5b3fb0a73335cdcf30", false)]
    [InlineData("P3, another password", "orch_user", "Passw0rd2026", P3, false)]
    [InlineData("P4, in capitals, which we take", "orch_user", "Passw0rd2026", "D50914F5C064B493E460F03242FEFD1F92846CA136A7ED5B3FB0A73335CDCF37", true)]
    [InlineData("P6, of the Java client", "username", "password", "bc842c31a9e54efe320d30d948be61291f3ceee4766e36ab25fa65243cd76e0e", true)]
    [InlineData("with the scheme's name", "orch_user", "Passw0rd2026", "SHA256 " + P1, true)]
    [InlineData("with another scheme", "orch_user", "Passw0rd2026", "Basic " + P1, false)]
    [InlineData("the password itself", "orch_user", "Passw0rd2026", "orch_user:Passw0rd2026", false)]
    [InlineData("cut", "orch_user", "Passw0rd2026", "d50914f5", false)]
    [InlineData("two headers in one", "orch_user", "Passw0rd2026", P1 + ", " + P1, false)]
    public void The_header_is_the_digest_of_user_name_and_password(string vector, string user, string password, string header, bool genuine)
    {
        var reading = Read(Completed, header, Account(user, password));
        (reading is NewsReading.Genuine).ShouldBe(genuine, vector);
        (reading is NewsReading.Forged).ShouldBe(!genuine, vector);
        var shown = Gateway.Signatures.Single().Compute(Webhook(Completed, header), Account(user, password));
        shown.Right.ShouldBe(genuine, vector);
        string.Join(' ', shown.Steps.Select(step => step.Value).Append(shown.Given)).ShouldNotContain(password);
    }

    [Fact]
    public void P5_a_body_that_was_changed_has_the_same_header_so_nothing_in_it_is_believed()
    {
        var news = Read(Completed.Replace("125050", "1", StringComparison.Ordinal), P1).ShouldBeOfType<NewsReading.Genuine>();
        (news.ProvesAmount, news.Facts.Count, news.RefundFacts.Count, news.Payment?.Reference).ShouldBe((false, 0, 0, Ours));
    }

    [Fact]
    public void While_a_password_is_replaced_both_count()
    {
        foreach (var header in (string[])[P1, P3]) Read(Completed, header, Account("orch_user", "Passw0rd2027, Passw0rd2026")).ShouldBeOfType<NewsReading.Genuine>();
        Read(Completed, P3).ShouldBeOfType<NewsReading.Forged>();
        var nothing = Account("orch_user", "") with { Settings = ImmutableDictionary<string, string>.Empty };
        Read(Completed, P1, nothing).ShouldBeOfType<NewsReading.Forged>();
        Gateway.Signatures.Single().Compute(Webhook(Completed, P1), nothing).Right.ShouldBeFalse();
        Gateway.Signatures.Single().Compute(Webhook(Completed, null), Account()).Right.ShouldBeFalse();
    }

    [Fact]
    public void A_made_up_signature_header_of_public_samples_counts_for_nothing() =>
        Gateway.ReadWebhook(
            Webhook(Completed, null) with { Headers = new Dictionary<string, string> { ["X-PhonePe-Signature"] = P1, ["X-VERIFY"] = P1 + "###1" } }, Account())
            .ShouldBeOfType<NewsReading.Forged>();

    [Theory]
    [InlineData("""{"event":"checkout.transaction.attempt.failed","type":"X","payload":{"merchantOrderId":"0001jd8xk3m4np1","orderId":"OMO1","state":"PENDING"}}""", "checkout.transaction.attempt.failed", Ours)]
    [InlineData("""{"type":"CHECKOUT_ORDER_FAILED","payload":{"merchantOrderId":"0001jd8xk3m4np1","orderId":"OMO1","state":"FAILED"}}""", "CHECKOUT_ORDER_FAILED", Ours)]
    [InlineData("""{"event":"checkout.order.teleported","payload":{"merchantOrderId":"0001jd8xk3m4np1","orderId":"OMO1","state":"NEW","paymentDetails":[{"paymentMode":"TELEPATHY","amount":"x"}]}}""", null, null)]
    [InlineData("""{"event":"checkout.order.teleported","payload":{"merchantOrderId":"0001jd8xk3m4np1","orderId":"OMO1","state":"NEW","paymentDetails":[{"paymentMode":"TELEPATHY"}]}}""", "checkout.order.teleported", Ours)]
    [InlineData("""{"event":"pg.refund.completed","payload":{"merchantRefundId":"0001jd8xk3m4nr1","originalMerchantOrderId":"0001jd8xk3m4np1","refundId":"OMR1","amount":100,"state":"COMPLETED"}}""", "pg.refund.completed", Ours)]
    [InlineData("""{"event":"pg.refund.failed","payload":{"merchantRefundId":"0001jd8xk3m4mr1","originalMerchantOrderId":"0001jd8xk3m4np1","state":"FAILED"}}""", null, null)]
    [InlineData("""{"event":"checkout.order.completed","payload":{"merchantOrderId":"0001jd8xk3m4np1","originalMerchantOrderId":"0001jd8xk3m4np2"}}""", null, null)]
    [InlineData("""{"event":"settlement.processed","payload":{"settlementId":"S1","state":"PROCESSED","utr":"UTR0001","amount":2500000}}""", "settlement.processed", "")]
    [InlineData("""{"event":"checkout.order.completed","payload":{"merchantOrderId":"somebody-else","orderId":"OMO1"}}""", "checkout.order.completed", "")]
    [InlineData("""{"event":"checkout.order.completed"}""", null, null)]
    [InlineData("""[]""", null, null)]
    [InlineData("", null, null)]
    public void Events_are_read_as_text_and_unknown_ones_with_them(string body, string? type, string? payment)
    {
        var reading = Read(body, P1);
        if (type is null)
        {
            reading.ShouldBeOfType<NewsReading.Unreadable>();
            return;
        }
        var news = reading.ShouldBeOfType<NewsReading.Genuine>();
        (news.EventType, news.Payment?.Reference ?? "", news.ProvesAmount, news.Facts.Count).ShouldBe((type, payment!, false, 0));
    }

    [Theory]
    [InlineData("pg.refund.accepted", "CONFIRMED", "Accepted")]
    [InlineData("pg.refund.completed", "COMPLETED", "Succeeded")]
    [InlineData("pg.refund.failed", "FAILED", "Failed")]
    public void News_of_a_refund_name_it_and_are_not_believed(string type, string state, string told)
    {
        var body = $$$"""{"event":"{{{type}}}","payload":{"merchantRefundId":"0001jd8xk3m4nr1","originalMerchantOrderId":"0001jd8xk3m4np1","refundId":"OMR1","amount":100,"state":"{{{state}}}"}}""";
        var news = Read(body, P1).ShouldBeOfType<NewsReading.Genuine>();
        (news.Payment?.Reference, news.ProvesAmount).ShouldBe((Ours, false));
        var refund = news.RefundFacts.ShouldHaveSingleItem();
        (refund.Ours?.Reference, refund.Fact.GetType().Name, refund.Fact.RefundReference).ShouldBe(("0001jd8xk3m4nr1", told, "OMR1"));
    }

    [Fact]
    public void Repetitions_have_one_name_and_news_have_another()
    {
        var first = Id(Completed);
        Id(Completed).ShouldBe(first);
        Id(Completed.Replace(",\"", ", \"", StringComparison.Ordinal)).ShouldBe(first);
        foreach (var (from, to) in new[] { ("checkout.order.completed", "checkout.order.failed"), ("\"state\":\"COMPLETED\",\"amount\"", "\"state\":\"PENDING\",\"amount\""),
            ("OM2603141016020000009", "OM2603141016020000010"), ("OMO2603141015300000001", "OMO2603141015300000002") })
        {
            Completed.ShouldContain(from);
            Id(Completed.Replace(from, to, StringComparison.Ordinal)).ShouldNotBe(first);
        }

        string Id(string body) => Read(body, P1).ShouldBeOfType<NewsReading.Genuine>().EventId;
    }

    [Theory]
    [InlineData("?order=42&order_payment=0001jd8xk3m4np1", true)]
    [InlineData("?order_payment=0001JD8XK3M4NP1", true)]
    [InlineData("?order_payment=0001jd8xk3m4np1&order_payment=0001jd8xk3m4np2", false)]
    [InlineData("?status=COMPLETED&amount=1", false)]
    [InlineData("", false)]
    public void A_return_brings_nothing_but_our_own_address(string query, bool ours)
    {
        var reading = Gateway.ReadReturn(new RawMessage("GET", "/r", query, ImmutableDictionary<string, string>.Empty, default, PhonePeTests.Noon), Account());
        if (!ours)
        {
            reading.ShouldBeOfType<NewsReading.Forged>();
            return;
        }
        var news = reading.ShouldBeOfType<NewsReading.Genuine>();
        (news.Payment?.Reference, news.Facts.Count, news.ProvesAmount).ShouldBe((Ours, 0, false));
    }

    [Verifies(Part.Adapter, By.OfficialCode, "pg-sdk-node")]
    [Verifies(Part.Simulator, By.OfficialCode, "pg-sdk-node")]
    [Fact]
    public async Task The_official_client_drives_the_simulator_and_each_side_believes_the_others_header()
    {
        using var gateway = await world.Fresh("phonepe");
        var credentials = gateway.Inside.Dialect.Credentials;
        const string user = "hook_user", password = "Hook2026x";
        var ours = Gateway.Signatures.Single().Compute(Webhook(Completed, "00"), Account(user, password)).Expected;
        var seen = await OfficialClients.Run("phonepe.mjs", new
        {
            url = gateway.Http.BaseAddress!.ToString().TrimEnd('/'),
            control = world.Sandbox.ControlUrl.ToString().TrimEnd('/'),
            client_id = credentials["client_id"],
            client_secret = credentials["client_secret"],
            client_version = 1,
            webhook_username = user,
            webhook_password = password,
            header = ours,
        });
        (string Name, string Value)[] expected =
        [
            ("created", "PENDING"), ("page", "true"), ("expires", "true"), ("twice", "400"), ("open", "PENDING"), ("paid", "COMPLETED"), ("amount", "49900"),
            ("udf1", "att-1"), ("tried", "COMPLETED"), ("one", "true"), ("back", "https://shop.example.test/back?a=1"), ("refund", "PENDING"),
            ("refunded", "sdk-1"), ("missing", "404"), ("told", "sdk-1"), ("told_state", "COMPLETED"), ("tampered", "PhonePeException"),
            ("unsigned", "accepted"), ("believes_ours", "true"), ("theirs", P1),
        ];
        foreach (var (name, value) in expected) seen[name]!.ToString().ShouldBe(value, name);
        Read(seen["body"]!.ToString(), seen["authorization"]!.ToString(), Account(user, password)).ShouldBeOfType<NewsReading.Genuine>();
        Read(Completed, seen["theirs"]!.ToString()).ShouldBeOfType<NewsReading.Genuine>();
    }

    static NewsReading Read(string body, string? header, GatewayAccount? account = null) => Gateway.ReadWebhook(Webhook(body, header), account ?? Account());

    static GatewayAccount Account(string user = "orch_user", string password = "Passw0rd2026") => PhonePeTests.Account(user, password);

    static RawMessage Webhook(string body, string? header)
    {
        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase) { ["Content-Type"] = "application/json" };
        if (header is not null) headers["authorization"] = header;
        return new RawMessage("POST", "/gateways/main/webhook", "", headers, Encoding.UTF8.GetBytes(body), PhonePeTests.Noon);
    }
}
