using System.Collections.Immutable;
using System.Text.Json;
using Purser.Gateways.Tests.Line;
using Purser.Orders;
using Purser.Payments;

namespace Purser.Gateways.PhonePe.Tests;

/// <summary>Orders: conversations and words, against answers written by hand from the wire document.</summary>
[Verifies(Part.Adapter, By.Document)]
public sealed class PhonePeTests
{
    internal const string Ours = "0001jd8xk3m4np1", Theirs = "OMO2603141015300000001", Paid = "OM2603141016020000009";

    internal const string Token = """{"access_token":"tok_example_1","encrypted_access_token":"enc_example","expires_in":3600,"issued_at":1773462600,"expires_at":1773466200,"session_expires_at":1773466200,"token_type":"O-Bearer","refresh_token":null}""";

    internal const string Page = """{"orderId":"OMO2603141015300000001","state":"PENDING","expireAt":1773464130000,"redirectUrl":"https://paypage.example.test/transact?token=opaque"}""";

    const string NotFound = """{"code":"ORDER_NOT_FOUND","message":"No entry found"}""";

    public static readonly DateTimeOffset Noon = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    internal static readonly PhonePeGateway Gateway = new();
    static readonly Currency Rupee = Currency.Find("INR");
    internal static readonly PaymentId Payment = PaymentId.TryParseReference(Ours, out var id) ? id : throw new InvalidOperationException();

    public static GatewayAccount Account(string user = "orch_user", string password = "Passw0rd2026") =>
        new("main", "phonepe", new Uri("https://api.gateway.test"), ImmutableDictionary<string, string>.Empty.Add("client_id", "TESTCLIENT_26").Add("client_secret", "client-secret-1")
            .Add("client_version", "1").Add("webhook_username", user).Add("webhook_password", password))
        {
            TestMode = true,
        };

    [Fact]
    public async Task An_order_is_asked_for_with_documented_fields_in_their_units()
    {
        var network = Answering(Page);
        await Open(network, Call() with { Method = "card", Description = "Order 42 | \"é\" <b>" });
        network.Sent[1].Body.ShouldBe("""
            {"merchantOrderId":"0001jd8xk3m4np1","amount":125050,"expireAfter":1200,"metaInfo":{"udf1":"0001jd8xk3m4np1"},"paymentFlow":{"type":"PG_CHECKOUT","message":"Order 42   b","merchantUrls":{"redirectUrl":"https://pay.test/r?x=1\u0026order_payment=0001jd8xk3m4np1"},"paymentModeConfig":{"enabledPaymentModes":[{"type":"CARD","cardTypes":["DEBIT_CARD","CREDIT_CARD"]}]}}}
            """.Trim());
    }

    [Theory]
    [InlineData(60, 300)]
    [InlineData(1800, 1800)]
    [InlineData(86_400, 3600)]
    public async Task An_order_stays_open_for_seconds_within_their_limits(int asked, int told)
    {
        var network = Answering(Page);
        await Open(network, Call() with { ExpiresAt = Noon.AddSeconds(asked) });
        JsonDocument.Parse(network.Sent[1].Body).RootElement.GetProperty("expireAfter").GetInt64().ShouldBe(told);
    }

    [Fact]
    public async Task The_page_is_where_the_shopper_is_sent_unchanged()
    {
        var fact = (await Open(Answering(Page))).ShouldBeOfType<GatewayAnswer.Done>().Facts.ShouldHaveSingleItem().ShouldBeOfType<Evidence.LinkOpened>();
        (fact.Link, fact.Amount, fact.GatewayReference).ShouldBe((new PaymentLink.Redirect("https://paypage.example.test/transact?token=opaque"), Rupees(125050), Theirs));
    }

    [Theory]
    [InlineData("OMO2603141015300000001", 200, true)]
    [InlineData("OMO2603141015300000002", 200, false)]
    [InlineData("OMO2603141015300000001", 404, false)]
    [InlineData("OMO2603141015300000001", 500, false)]
    public async Task A_page_is_shown_when_its_order_is_ours(string id, int status, bool shown)
    {
        var network = Scripted(s => s.Path == "/v1/oauth/token" ? ScriptedNetwork.Answer(Token)
            : s.Path != StatusPath ? ScriptedNetwork.Answer(Page)
            : ScriptedNetwork.Answer(status == 200 ? NewOrder.Replace(Theirs, id) : NotFound, status));
        var answer = await Open(network);
        if (shown) answer.ShouldBeOfType<GatewayAnswer.Done>().Facts.ShouldHaveSingleItem().ShouldBeOfType<Evidence.LinkOpened>().Link.ShouldNotBeNull();
        else answer.ShouldBeOfType<GatewayAnswer.Unknown>();
    }

    [Theory]
    [InlineData("""{"orderId":"OMO1","state":"FAILED","redirectUrl":"https://paypage.example.test/x"}""")]
    [InlineData("""{"orderId":"OMO1","state":"PENDING","redirectUrl":"javascript:alert(1)"}""")]
    [InlineData("""{"orderId":"OMO1","state":"PENDING"}""")]
    [InlineData("""{"state":"PENDING","redirectUrl":"https://paypage.example.test/x"}""")]
    public async Task What_is_no_open_page_is_no_answer(string body) => (await Open(Answering(body))).ShouldBeOfType<GatewayAnswer.Unknown>();

    [Theory]
    [InlineData(400, "BAD_REQUEST")]
    [InlineData(409, "CONFLICT")]
    [InlineData(417, "INVALID_TRANSACTION_ID")]
    public async Task An_order_that_exists_is_found_whatever_its_second_creation_is_called(int status, string code)
    {
        var network = Scripted(s => s.Path switch
        {
            "/v1/oauth/token" => ScriptedNetwork.Answer(Token),
            "/checkout/v2/pay" => ScriptedNetwork.Answer($$"""{"code":"{{code}}","message":"duplicate"}""", status),
            _ => ScriptedNetwork.Answer(Order("PENDING")),
        });
        // The address of its page is lost; the order is not.
        (await Open(network)).ShouldBeOfType<GatewayAnswer.Done>().Facts.ShouldHaveSingleItem()
            .ShouldBe(new Evidence.LinkOpened(null, Rupees(125050)) { GatewayReference = Theirs });
        network.Sent[2].Path.ShouldBe("/checkout/v2/order/0001jd8xk3m4np1/status?details=true&errorContext=true");
    }

    [Theory]
    [InlineData(400, true)]
    [InlineData(422, true)]
    [InlineData(409, false)]
    public async Task A_no_is_definite_when_there_is_no_such_order(int status, bool definite)
    {
        var network = Scripted(s => s.Path switch
        {
            "/v1/oauth/token" => ScriptedNetwork.Answer(Token),
            "/checkout/v2/pay" => ScriptedNetwork.Answer("""{"errorCode":"PR000","message":"Bad amount for asha@example.test"}""", status),
            _ => ScriptedNetwork.Answer(NotFound, 404),
        });
        var answer = await Open(network);
        if (definite) answer.ShouldBe(new GatewayAnswer.Rejected("PR000: Bad amount for [cut]"));
        else answer.ShouldBeOfType<GatewayAnswer.Unknown>();
    }

    [Theory]
    [InlineData("""{"code":"ORDER_NOT_FOUND","message":"No entry found"}""", 404, true)]
    [InlineData("""{"errorCode":"ORDER_NOT_FOUND"}""", 404, true)]
    [InlineData("""{"code":"404","message":"Api Mapping Not Found"}""", 404, false)]
    [InlineData("<html>404</html>", 404, false)]
    [InlineData("""{"code":"BAD_REQUEST"}""", 400, false)]
    [InlineData("<html>503</html>", 503, false)]
    public async Task Only_their_own_word_that_there_is_none_is_absence(string body, int status, bool absent)
    {
        var answer = await Inquire(Answering(body, status));
        if (absent) answer.ShouldBeOfType<GatewayAnswer.Done>().Facts.ShouldHaveSingleItem().ShouldBeOfType<Evidence.Absent>();
        else answer.ShouldBeOfType<GatewayAnswer.Unknown>();
    }

    // What an order says.

    public static TheoryData<string, string?, string> States => new()
    {
        { "PENDING", null, "LinkOpened" },
        { "PENDING", Try("FAILED"), "Declined LinkOpened" },
        { "PENDING", Try("PENDING"), "Processing" },
        { "PENDING", Try("PENDING") + "," + Try("FAILED", "OM2"), "Processing" },
        { "PENDING", Try("COMPLETED"), "Processing" },
        { "PENDING", Try("TELEPORTED"), "Processing" },
        { "COMPLETED", Try("COMPLETED"), "Succeeded" },
        { "COMPLETED", Try("FAILED", "OM0") + "," + Try("COMPLETED"), "Succeeded" },
        { "COMPLETED", Try("COMPLETED", "OM0") + "," + Try("COMPLETED"), "Succeeded Succeeded" },
        { "FAILED", Try("FAILED"), "Failed" },
        { "FAILED", Try("COMPLETED"), "Processing" },
        { "EXPIRED", null, "LinkExpired" },
        { "CANCELLED", null, "LinkCancelled" },
        { "ON_HOLIDAY", null, "Processing" },
    };

    [Theory]
    [MemberData(nameof(States))]
    public async Task Their_states_in_our_words(string state, string? tries, string ours)
    {
        var facts = (await Inquire(Answering(Order(state, tries)))).ShouldBeOfType<GatewayAnswer.Done>().Facts;
        facts.Select(f => f.GetType().Name).ShouldBe(ours.Split(' '));
        facts.ShouldAllBe(f => f.GatewayReference == Theirs);
        if (state == "ON_HOLIDAY") facts.ShouldContain(f => ((Evidence.Processing)f).UnknownWord == state);
    }

    [Theory]
    [InlineData("""{"orderId":"OMO2603141015300000001","merchantOrderId":"0001jd8xk3m4np1","state":"COMPLETED","amount":125050,"paymentDetails":[]}""")]
    [InlineData("""{"orderId":"OMO2603141015300000001","merchantOrderId":"0001jd8xk3m4np1","state":"COMPLETED","amount":125050,"paymentDetails":[{"state":"COMPLETED","amount":125050}]}""")]
    [InlineData("""{"orderId":"OMO2603141015300000001","merchantOrderId":"0001jd8xk3m4np1","state":"COMPLETED","amount":125050,"paymentDetails":[{"state":"COMPLETED","transactionId":"OM1"}]}""")]
    [InlineData("""{"orderId":"OMO2603141015300000001","merchantOrderId":"0001jd8xk3m4np1","state":"COMPLETED","amount":"125050"}""")]
    [InlineData("""{"orderId":"OMO2603141015300000001","merchantOrderId":"0001jd8xk3m4np1","amount":125050}""")]
    [InlineData("""{"merchantOrderId":"0001jd8xk3m4np1","state":"PENDING","amount":125050}""")]
    [InlineData("""{"orderId":"OMO2603141015300000001","merchantOrderId":"0001jd8xk3m4np2","state":"PENDING","amount":125050}""")]
    [InlineData("""{"orderId":"OMO2603141015300000001","state":"PENDING","amount":125050}""")]
    public async Task Never_success_without_name_and_amount_nor_an_answer_about_another_order(string body) =>
        (await Inquire(Answering(body))).ShouldBeOfType<GatewayAnswer.Unknown>();

    [Fact]
    public async Task An_order_without_our_id_is_known_by_the_field_that_comes_back_and_by_their_name()
    {
        const string body = """{"orderId":"OMO2603141015300000001","state":"PENDING","amount":125050,"metaInfo":{"udf1":"0001jd8xk3m4np1"}}""";
        (await Inquire(Answering(body))).ShouldBeOfType<GatewayAnswer.Done>();
        (await Inquire(Answering(body), Theirs)).ShouldBeOfType<GatewayAnswer.Done>();
        (await Inquire(Answering(body), "OMO1")).ShouldBeOfType<GatewayAnswer.Unknown>();
    }

    [Theory]
    [InlineData("UPI_QR", "upi")]
    [InlineData("PPE_INTENT", "upi")]
    [InlineData("TOKEN", "card")]
    [InlineData("NET_BANKING", "netbanking")]
    [InlineData("TELEPATHY", null)]
    public async Task Money_has_the_name_amount_time_and_way_of_its_try(string mode, string? method)
    {
        var fact = (await Inquire(Answering(Order("COMPLETED", Try("COMPLETED", mode: mode, amount: 125000))))).ShouldBeOfType<GatewayAnswer.Done>()
            .Facts.ShouldHaveSingleItem().ShouldBeOfType<Evidence.Succeeded>();
        (fact.MoneyReference, fact.Amount, fact.Method, fact.GatewayTime).ShouldBe((Paid, Rupees(125000), method, DateTimeOffset.FromUnixTimeMilliseconds(1773463562000)));
    }

    [Fact]
    public async Task An_order_whose_time_is_over_fails_by_itself_and_has_expired()
    {
        var body = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "fixtures", "phonepe-order-failed.json")).Replace("ORD-1001_1", Ours, StringComparison.Ordinal);
        Fact(await Inquire(Answering(body))).ShouldBeOfType<Evidence.LinkExpired>();
        Fact(await Inquire(Answering(body.Replace("TXN_AUTO_FAILED", "Z9", StringComparison.Ordinal)))).ShouldBeOfType<Evidence.Failed>().Reason.ShouldBe("Z9");
    }

    internal static Money Rupees(long paise) => new(paise, Rupee);

    internal static string Try(string state, string name = Paid, string mode = "UPI_QR", long amount = 125050) =>
        $$"""{"transactionId":"{{name}}","paymentMode":"{{mode}}","timestamp":1773463562000,"amount":{{amount}},"state":"{{state}}","detailedErrorCode":"Z9"}""";

    internal static string Order(string state, string? tries = null) =>
        $$"""{"merchantId":"TESTMERCHANT","merchantOrderId":"0001jd8xk3m4np1","orderId":"OMO2603141015300000001","state":"{{state}}","amount":125050,"paymentDetails":[{{tries}}]}""";

    static Evidence Fact(GatewayAnswer answer) => answer.ShouldBeOfType<GatewayAnswer.Done>().Facts.ShouldHaveSingleItem();

    internal static LinkCall Call() => new(
        Account(), Payment, Rupees(125050), "Order 42", new Customer("Asha Rao", "asha@example.test", "+919000000001"), null, "https://pay.test/r?x=1", Noon.AddMinutes(20), Noon);

    internal static ScriptedNetwork Scripted(Func<Sent, HttpResponseMessage> script) => new(script);

    /// <summary>The new order as its status tells it.</summary>
    internal const string NewOrder = """{"orderId":"OMO2603141015300000001","merchantOrderId":"0001jd8xk3m4np1","state":"PENDING","amount":125050,"paymentDetails":[]}""";

    internal const string StatusPath = "/checkout/v2/order/0001jd8xk3m4np1/status?details=true&errorContext=true";

    /// <summary>Gives a token, and one answer to all else; whoever got a page can read its order.</summary>
    internal static ScriptedNetwork Answering(string body, int status = 200) => Scripted(s =>
        s.Path == "/v1/oauth/token" ? ScriptedNetwork.Answer(Token)
        : body == Page && s.Path.EndsWith(StatusPath, StringComparison.Ordinal) ? ScriptedNetwork.Answer(NewOrder)
        : ScriptedNetwork.Answer(body, status));

    internal static Task<GatewayAnswer> Open(ScriptedNetwork network, LinkCall? call = null) => Open(new GatewayLines(network, new ManualTime()), call);

    internal static Task<GatewayAnswer> Open(GatewayLines lines, LinkCall? call = null) =>
        Gateway.OpenLink(call ?? Call(), lines.Open((call ?? Call()).Account, Gateway.Profile), default);

    internal static Task<GatewayAnswer> Inquire(ScriptedNetwork network, string? reference = null) =>
        Gateway.Inquire(new(Account(), Payment, reference, Rupees(125050), Noon), new GatewayLines(network, new ManualTime()).Open(Account(), Gateway.Profile), default);
}
