using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Purser.Gateways.Tests.Line;
using Purser.Orders;
using Purser.Payments;
using Purser.Refunds;

namespace Purser.Gateways.Paytm.Tests;

/// <summary>The conversation and the mapping, against answers written by hand from the wire notes.</summary>
[Verifies(Part.Adapter, By.Document)]
public sealed class PaytmTests
{
    const string Ours = "0001jd8xk3m4np1", OurRefund = "0001jd8xk3m4nr1";
    const string Merchant = "TESTMID0000000000001";
    const string Money = "20260314000000000000000000000000001";
    const string Token = """{"resultInfo":{"resultStatus":"S","resultCode":"0000","resultMsg":"Success"},"txnToken":"tkn01","isPromoCodeValid":false,"authenticated":false}""";

    static readonly PaytmGateway Gateway = new();
    static readonly Money Amount = new(125050, Currency.Find("INR"));
    static readonly PaymentId Payment = PaymentId.TryParseReference(Ours, out var id) ? id : throw new InvalidOperationException();

    public static readonly DateTimeOffset Noon = new(2026, 3, 14, 12, 0, 0, TimeSpan.Zero);

    public static GatewayAccount Account { get; } = new("main", "paytm", new Uri("https://api.gateway.test"), ImmutableDictionary<string, string>.Empty
        .Add("mid", Merchant).Add("merchant_key", "TestKey_16Bytes!").Add("website", "WEBSTAGING"))
    {
        TestMode = true,
    };

    // Asking for a token.

    [Fact]
    public async Task A_token_is_asked_for_with_the_same_bytes_every_time_and_the_address_says_what_the_body_says()
    {
        var network = Answering(Token);
        await Open(network);
        await Open(network);
        var sent = network.Sent[0];
        (sent.Method, sent.Path, sent.Headers["Content-Type"]).ShouldBe(("POST", $"/theia/api/v1/initiateTransaction?mid={Merchant}&orderId={Ours}", "application/json"));
        network.Sent[1].Body.ShouldBe(sent.Body);
        BodyOf(sent).ShouldBe(
            $$$"""{"requestType":"Payment","mid":"{{{Merchant}}}","websiteName":"WEBSTAGING","orderId":"{{{Ours}}}","callbackUrl":"https://pay.test/r?x=1\u0026order_payment={{{Ours}}}","txnAmount":{"value":"1250.50","currency":"INR"},"userInfo":{"custId":"0001jd8xk3m4n","email":"asha@example.test","mobile":"9000000001"}}""");
        Gateway.Signatures.Single(s => s.Name == "request").Compute(PaytmVectorTests.Message(Encoding.UTF8.GetBytes(sent.Body), "application/json"), Account).Right.ShouldBeTrue();
    }

    [Theory]
    [InlineData("0000")]
    [InlineData("0002")]
    public async Task A_token_makes_a_form_for_their_page_also_when_it_was_asked_for_before(string code)
    {
        var opened = (await Open(Answering(Token.Replace("0000", code)))).ShouldBeOfType<GatewayAnswer.Done>().Facts.ShouldHaveSingleItem().ShouldBeOfType<Evidence.LinkOpened>();
        (opened.GatewayReference, opened.Amount).ShouldBe((Ours, Amount));
        var form = opened.Link.ShouldBeOfType<PaymentLink.Form>();
        form.Url.ShouldBe($"https://api.gateway.test/theia/api/v1/showPaymentPage?mid={Merchant}&orderId={Ours}");
        form.Fields.ShouldBe(new Dictionary<string, string> { ["mid"] = Merchant, ["orderId"] = Ours, ["txnToken"] = "tkn01" });
    }

    [Theory]
    [InlineData("upi", """[{"mode":"UPI"}]""")]
    [InlineData("card", """[{"mode":"CREDIT_CARD"},{"mode":"DEBIT_CARD"}]""")]
    [InlineData("netbanking", """[{"mode":"NET_BANKING"}]""")]
    [InlineData("paytm_wallet", """[{"mode":"BALANCE"}]""")]
    [InlineData(null, null)]
    public async Task A_method_restricts_the_page(string? method, string? modes)
    {
        var network = Answering(Token);
        await Open(network, method);
        using var body = JsonDocument.Parse(BodyOf(network.Sent[0]));
        (body.RootElement.TryGetProperty("enablePaymentMode", out var told) ? told.GetRawText() : null).ShouldBe(modes);
    }

    [Theory]
    [InlineData("196")]
    [InlineData("372")]
    [InlineData("510")]
    [InlineData("0001")]
    [InlineData("1001")]
    [InlineData("1007")]
    [InlineData("1008")]
    [InlineData("1011")]
    [InlineData("2004")]
    [InlineData("2005")]
    [InlineData("330")]
    [InlineData("2007")]
    [InlineData("2013")]
    [InlineData("2014")]
    [InlineData("RC-00018")]
    public async Task Their_no_is_a_refusal_with_their_reason(string code) =>
        (await Open(Answering(Result("F", code, "That is wrong"), key: null))).ShouldBeOfType<GatewayAnswer.Rejected>().Reason.ShouldBe($"{code}: That is wrong");

    [Theory]
    [InlineData("U", "00000900")]
    [InlineData("U", "501")]
    [InlineData("F", "501")]
    [InlineData("F", "900")]
    // The same id was asked for with other words: what was made then may be payable.
    [InlineData("F", "2023")]
    [InlineData("F", "1006")]
    [InlineData("S", "9999")]
    [InlineData("Z", "0000")]
    public async Task What_is_neither_yes_nor_no_is_unknown(string status, string code) =>
        (await Open(Answering(Result(status, code, "?")))).ShouldBeOfType<GatewayAnswer.Unknown>();

    [Theory]
    [InlineData(null)]
    [InlineData("AnotherKey16Byte")]
    public async Task A_token_that_is_not_signed_with_our_key_is_none(string? key) =>
        (await Open(Answering(Token, key: key))).ShouldBeOfType<GatewayAnswer.Unknown>();

    [Theory]
    [InlineData("325")]
    [InlineData("334")]
    [InlineData("1005")]
    public async Task An_order_id_that_is_used_is_asked_about_instead(string code)
    {
        var network = Answering([Result("F", code, "Duplicate order id"), Status("TXN_SUCCESS", "01")]);
        (await Open(network)).ShouldBeOfType<GatewayAnswer.Done>().Facts.ShouldHaveSingleItem().ShouldBeOfType<Evidence.Succeeded>().MoneyReference.ShouldBe(Money);
        network.Sent[1].Path.ShouldBe("/v3/order/status");
        (await Open(Answering([Result("F", code, "Duplicate order id"), Result("NO_RECORD_FOUND", "331", "None")]))).ShouldBeOfType<GatewayAnswer.Unknown>();
    }

    // Asking for the status.

    [Fact]
    public async Task The_status_is_asked_for_by_our_reference_and_names_the_money()
    {
        var network = Answering(Status("TXN_SUCCESS", "01"));
        var fact = (await Inquire(network)).ShouldBeOfType<GatewayAnswer.Done>().Facts.ShouldHaveSingleItem();
        BodyOf(network.Sent[0]).ShouldBe($$"""{"mid":"{{Merchant}}","orderId":"{{Ours}}"}""");
        fact.ShouldBe(new Evidence.Succeeded(Money, Amount, "netbanking")
        {
            GatewayReference = Ours,
            GatewayTime = new DateTimeOffset(2026, 3, 14, 10, 15, 30, TimeSpan.FromHours(5.5)),
        });
    }

    [Theory]
    [InlineData("PENDING", "400", "Processing")]
    [InlineData("PENDING", "402", "Processing")]
    [InlineData("TXN_FAILURE", "402", "Processing")]
    [InlineData("TXN_FAILURE", "227", "Failed")]
    [InlineData("TXN_FAILURE", "235", "Failed")]
    [InlineData("TXN_FAILURE", "267", "Failed")]
    [InlineData("TXN_FAILURE", "295", "Failed")]
    [InlineData("TXN_FAILURE", "401", "Failed")]
    [InlineData("TXN_FAILURE", "810", "Failed")]
    [InlineData("TXN_FAILURE", "820", "Failed")]
    [InlineData("TXN_FAILURE", "843", "Failed")]
    [InlineData("TXN_FAILURE", "141", "LinkCancelled")]
    [InlineData("NO_RECORD_FOUND", "331", "Absent")]
    [InlineData("TXN_SUCCESS", "02", "Processing")]
    [InlineData("ON_HOLD", "777", "Processing")]
    public async Task Each_of_their_words_has_one_meaning(string word, string code, string meaning) =>
        (await Inquire(Answering(Status(word, code)))).ShouldBeOfType<GatewayAnswer.Done>().Facts.ShouldHaveSingleItem().GetType().Name.ShouldBe(meaning);

    [Theory]
    [InlineData("227")]
    [InlineData("141")]
    [InlineData("402")]
    public async Task An_end_that_does_not_name_the_order_and_the_merchant_is_not_ours(string code)
    {
        var said = Status("TXN_FAILURE", code);
        foreach (var name in (string[])[$"\"orderId\":\"{Ours}\",", $"\"mid\":\"{Merchant}\","])
            (await Inquire(Answering(said.Replace(name, "")))).ShouldBeOfType<GatewayAnswer.Unknown>();
        (await Inquire(Answering(Result("TXN_FAILURE", code, "Said")))).ShouldBeOfType<GatewayAnswer.Unknown>();
    }

    [Theory]
    [InlineData("501")]
    [InlineData("330")]
    [InlineData("334")]
    [InlineData("335")]
    public async Task Trap_9_a_failure_of_the_question_is_no_failure_of_the_payment(string code) =>
        (await Inquire(Answering(Result("TXN_FAILURE", code, "Server Down")))).ShouldBeOfType<GatewayAnswer.Unknown>();

    [Theory]
    [InlineData($"\"orderId\":\"{Ours}\"", "\"orderId\":\"0001jd8xk3m4np2\"")]
    [InlineData($"\"orderId\":\"{Ours}\",", "")]
    [InlineData($"\"mid\":\"{Merchant}\"", "\"mid\":\"TESTMID0000000000002\"")]
    [InlineData($"\"mid\":\"{Merchant}\",", "")]
    [InlineData($"\"txnId\":\"{Money}\",", "")]
    [InlineData("\"txnAmount\":\"1250.50\",", "")]
    [InlineData("\"txnAmount\":\"1250.50\"", "\"txnAmount\":1250.50")]
    [InlineData("\"txnAmount\":\"1250.50\"", "\"txnAmount\":\"1250.505\"")]
    [InlineData("\"txnType\":\"SALE\"", "\"currency\":\"USD\"")]
    public async Task Success_without_its_order_its_money_or_its_amount_is_none(string old, string with) =>
        (await Inquire(Answering(Status("TXN_SUCCESS", "01").Replace(old, with)))).ShouldBeOfType<GatewayAnswer.Unknown>();

    [Theory]
    [InlineData(null)]
    [InlineData("AnotherKey16Byte")]
    public async Task Nothing_is_learned_from_an_answer_that_is_not_signed(string? key)
    {
        foreach (var said in (string[])[Status("TXN_SUCCESS", "01"), Status("TXN_FAILURE", "227"), Result("NO_RECORD_FOUND", "331", "None")])
            (await Inquire(Answering(said, key: key))).ShouldBeOfType<GatewayAnswer.Unknown>();
    }

    [Fact]
    public async Task Reserved_money_is_not_captured_money() =>
        (await Inquire(Answering(Status("TXN_SUCCESS", "01").Replace("SALE", "PREAUTH")))).ShouldBeOfType<GatewayAnswer.Done>()
            .Facts.ShouldHaveSingleItem().ShouldBeOfType<Evidence.Processing>().UnknownWord.ShouldBe("TXN_SUCCESS PREAUTH");

    [Fact]
    public async Task Another_amount_is_told_as_it_is() =>
        (await Inquire(Answering(Status("TXN_SUCCESS", "01").Replace("1250.50", "1.00")))).ShouldBeOfType<GatewayAnswer.Done>()
            .Facts.ShouldHaveSingleItem().ShouldBeOfType<Evidence.Succeeded>().Amount.MinorUnits.ShouldBe(100);

    [Theory]
    [InlineData("""{"head":{"signature":"SIG"},"head":{"signature":"SIG"},"body":BODY}""")]
    [InlineData("""{"head":{"signature":"SIG"},"body":{},"body":BODY}""")]
    [InlineData("""{"head":{"signature":"SIG"},"body":BODY}{}""")]
    [InlineData("""[{"head":{"signature":"SIG"},"body":BODY}]""")]
    [InlineData("""{"head":"SIG","body":BODY}""")]
    public async Task An_ambiguous_envelope_is_no_answer(string envelope)
    {
        var body = Status("TXN_SUCCESS", "01");
        var text = envelope.Replace("SIG", Sign(body, Account.Setting("merchant_key"))).Replace("BODY", body);
        (await Inquire(new ScriptedNetwork(_ => ScriptedNetwork.Answer(text)))).ShouldBeOfType<GatewayAnswer.Unknown>();
    }

    // Refunds.

    [Fact]
    public async Task A_refund_is_asked_for_under_our_reference_and_is_accepted_first()
    {
        var network = Answering(RefundStatus("PENDING", "601"));
        var done = (await Refund(network)).ShouldBeOfType<RefundAnswer.Done>();
        network.Sent.Select(s => s.Path).ShouldBe(["/refund/apply"]);
        BodyOf(network.Sent[0]).ShouldBe($$"""{"mid":"{{Merchant}}","txnType":"REFUND","orderId":"{{Ours}}","txnId":"{{Money}}","refId":"{{OurRefund}}","refundAmount":"100.00"}""");
        done.Fact.ShouldBe(new RefundEvidence.Accepted { RefundReference = "2026031500000000000001" });
    }

    [Theory]
    [InlineData("600")]
    [InlineData("607")]
    [InlineData("619")]
    [InlineData("620")]
    [InlineData("627")]
    [InlineData("631")]
    [InlineData("635")]
    public async Task A_refused_refund_is_refused_once_they_know_nothing_of_an_earlier_one(string code)
    {
        var network = Answering([Result("TXN_FAILURE", code, "No"), Result("TXN_FAILURE", "631", "Record not found")]);
        (await Refund(network)).ShouldBeOfType<RefundAnswer.Rejected>().Reason.ShouldStartWith(code);
        network.Sent.Select(s => s.Path).ShouldBe(["/refund/apply", "/v2/refund/status"]);
        (await Refund(Answering([Result("TXN_FAILURE", code, "No"), RefundStatus("TXN_SUCCESS", "10")]))).ShouldBeOfType<RefundAnswer.Done>().Fact.ShouldBeOfType<RefundEvidence.Succeeded>();
        (await Refund(Answering([Result("TXN_FAILURE", code, "No"), Result("TXN_FAILURE", "501", "Down")]))).ShouldBeOfType<RefundAnswer.Unknown>();
    }

    [Theory]
    [InlineData("617")]
    [InlineData("629")]
    public async Task A_refund_that_was_raised_before_is_asked_about(string code)
    {
        (await Refund(Answering([Result("TXN_FAILURE", code, "Already"), RefundStatus("TXN_SUCCESS", "10")]))).ShouldBeOfType<RefundAnswer.Done>().Fact
            .ShouldBe(new RefundEvidence.Succeeded(new Money(10000, Amount.Currency), "600000000001") { RefundReference = "2026031500000000000001" });
        (await Refund(Answering([Result("TXN_FAILURE", code, "Already"), Result("TXN_FAILURE", "631", "None")]))).ShouldBeOfType<RefundAnswer.Unknown>();
    }

    [Fact]
    public async Task While_another_refund_of_the_order_is_under_way_nothing_was_sent() =>
        (await Refund(Answering([Result("TXN_FAILURE", "626", "Another refund"), Result("TXN_FAILURE", "631", "None")]))).ShouldBeOfType<RefundAnswer.NotSent>();

    [Theory]
    [InlineData("TXN_SUCCESS", "10", "Succeeded")]
    [InlineData("PENDING", "601", "Accepted")]
    [InlineData("PENDING", "628", "Accepted")]
    // The code is more to be trusted than the word.
    [InlineData("TXN_FAILURE", "628", "Accepted")]
    [InlineData("TXN_FAILURE", "600", "Failed")]
    [InlineData("TXN_FAILURE", "607", "Failed")]
    [InlineData("TXN_FAILURE", "631", "Absent")]
    public async Task Each_of_their_words_about_a_refund_has_one_meaning(string word, string code, string meaning) =>
        (await InquireRefund(Answering(RefundStatus(word, code)))).ShouldBeOfType<RefundAnswer.Done>().Fact.GetType().Name.ShouldBe(meaning);

    [Theory]
    [InlineData("501")]
    [InlineData("330")]
    [InlineData("335")]
    [InlineData("617")]
    [InlineData("626")]
    [InlineData("627")]
    [InlineData("629")]
    public async Task A_failure_of_the_question_is_no_failure_of_the_refund(string code) =>
        (await InquireRefund(Answering(Result("TXN_FAILURE", code, "?")))).ShouldBeOfType<RefundAnswer.Unknown>();

    [Theory]
    [InlineData($"\"refId\":\"{OurRefund}\"", "\"refId\":\"0001jd8xk3m4nr2\"")]
    [InlineData($"\"orderId\":\"{Ours}\"", "\"orderId\":\"0001jd8xk3m4np2\"")]
    [InlineData("\"refundAmount\":\"100.00\",", "")]
    public async Task A_refund_without_its_names_or_its_amount_is_none(string old, string with)
    {
        var answer = RefundStatus("TXN_SUCCESS", "10");
        answer.ShouldContain(old);
        (await InquireRefund(Answering(answer.Replace(old, with)))).ShouldBeOfType<RefundAnswer.Unknown>();
        (await InquireRefund(Answering(answer, key: null))).ShouldBeOfType<RefundAnswer.Unknown>();
    }

    // The account.

    [Theory]
    [InlineData("TestKey", "16 characters")]
    [InlineData("TestKey_16Bytes!x", "16 characters")]
    public void Trap_2_a_key_that_was_cut_is_noticed(string key, string why) =>
        new GatewayCatalog().Problems(Account with { Settings = Account.Settings.SetItem("merchant_key", key) }).ShouldHaveSingleItem().ShouldContain(why);

    static string Result(string status, string code, string message) =>
        $$$"""{"resultInfo":{"resultStatus":"{{{status}}}","resultCode":"{{{code}}}","resultMsg":"{{{message}}}"}}""";

    static string Status(string word, string code) =>
        $$$"""{"resultInfo":{"resultStatus":"{{{word}}}","resultCode":"{{{code}}}","resultMsg":"Said"},"txnId":"{{{Money}}}","bankTxnId":"77700100001","orderId":"{{{Ours}}}","txnAmount":"1250.50","txnType":"SALE","gatewayName":"TESTGW","bankName":"Test Bank","mid":"{{{Merchant}}}","paymentMode":"NB","refundAmt":"100.00","txnDate":"2026-03-14 10:15:30.0"}""";

    static string RefundStatus(string word, string code) =>
        $$$"""{"resultInfo":{"resultStatus":"{{{word}}}","resultCode":"{{{code}}}","resultMsg":"Said"},"orderId":"{{{Ours}}}","mid":"{{{Merchant}}}","refId":"{{{OurRefund}}}","refundId":"2026031500000000000001","txnId":"{{{Money}}}","refundAmount":"100.00","totalRefundAmount":"100.00","refundDetailInfoList":[{"refundType":"TO_SOURCE","rrn":"600000000001"}]}""";

    static string BodyOf(Sent sent)
    {
        using var whole = JsonDocument.Parse(sent.Body);
        return whole.RootElement.GetProperty("body").GetRawText();
    }

    /// <summary>As the laboratory computes it for a body that has no signature yet.</summary>
    static string Sign(string body, string key) => Gateway.Signatures.Single(s => s.Name == "request").Compute(
        PaytmVectorTests.Message(Encoding.UTF8.GetBytes($$"""{"body":{{body}}}"""), "application/json"),
        Account with { Settings = Account.Settings.SetItem("merchant_key", key) }).Expected!;

    public static ScriptedNetwork Answering(string body, string? key = "TestKey_16Bytes!") => Answering([body], key);

    static ScriptedNetwork Answering(string[] bodies, string? key = "TestKey_16Bytes!")
    {
        var told = 0;
        return new(_ =>
        {
            var body = bodies[Math.Min(told++, bodies.Length - 1)];
            var signature = key is null ? "" : $",\"signature\":\"{Sign(body, key)}\"";
            return ScriptedNetwork.Answer($$"""{"head":{"responseTimestamp":"1773462600000","version":"v1"{{signature}}},"body":{{body}}}""");
        });
    }

    public static GatewayLine Line(ScriptedNetwork network) => new GatewayLines(network, new ManualTime()).Open(Account, Gateway.Profile);

    public static Task<GatewayAnswer> Open(ScriptedNetwork network, string? method = null) => Gateway.OpenLink(
        new LinkCall(Account, Payment, Amount, "Order 42", new Customer("Asha Rao", "asha@example.test", "+91 90000 00001"), method, "https://pay.test/r?x=1", Noon.AddHours(1), Noon),
        Line(network), default);

    public static Task<GatewayAnswer> Inquire(ScriptedNetwork network) => Gateway.Inquire(new InquireCall(Account, Payment, null, Amount, Noon), Line(network), default);

    static readonly RefundCall ToRefund = new(
        Account, new RefundId(Payment.Order, 1), Payment, Ours, Money, Amount, new Money(10000, Amount.Currency), null, "Order 42", Noon);

    public static Task<RefundAnswer> Refund(ScriptedNetwork network) => Gateway.Refund(ToRefund, Line(network), default);

    static Task<RefundAnswer> InquireRefund(ScriptedNetwork network) => Gateway.InquireRefund(ToRefund, Line(network), default);
}
