using System.Collections.Immutable;
using System.Text;
using Purser.Gateways.Tests.Line;
using Purser.Orders;
using Purser.Payments;
using Purser.Reconciliation;
using Purser.Refunds;

namespace Purser.Gateways.AcmePay.Tests;

/// <summary>The adapter against answers written by hand from wire.md: each vector, each word and each trap of that page is a test here.</summary>
[Verifies(Part.Adapter, By.Document)]
public sealed class AcmePayTests
{
    static readonly DateTimeOffset Noon = DateTimeOffset.FromUnixTimeSeconds(1767225600);
    static readonly AcmePayGateway Gateway = new();
    static readonly Money Amount = new(49900, Currency.Find("INR"));
    static readonly PaymentId Payment = PaymentId.TryParseReference("0001jd8xk3m4np1", out var id) ? id : throw new InvalidOperationException();
    static readonly RefundId RefundOne = new(Payment.Order, 1);

    static readonly GatewayAccount Account = new("main", "acmepay", new Uri("https://api.gateway.test"), ImmutableDictionary<string, string>.Empty
        .Add("key_id", "test_1").Add("key_secret", "secret-1").Add("webhook_secret", "hook-new, hook-old"))
    {
        TestMode = true,
    };

    const string Captured = """{"id":"pay_1","status":"captured","amount":49900,"currency":"INR","method":"upi","fee":998,"created_at":1767225660}""";

    static string Link(string status = "open", string payments = "") =>
        $$"""{"id":"lnk_1","reference":"0001jd8xk3m4np1","status":"{{status}}","amount":49900,"currency":"INR","url":"https://pay.test/1","created_at":1767225600,"payments":[{{payments}}]}""";

    [Fact]
    public void The_request_signature_is_that_of_the_vector() =>
        RequestSignature("POST", "/v1/refunds", "{\"amount\":100}").ShouldBe("e0d50cd2a426384e93a75468e59c44ad4402f9a7c1b2842a96698be1be55e7d7");

    [Fact]
    public async Task A_link_is_asked_for_with_documented_fields_and_signed_as_it_is_sent()
    {
        var network = new ScriptedNetwork(_ => ScriptedNetwork.Answer(Link(), 201));
        var call = new LinkCall(Account, Payment, Amount, "Order 42", new Customer("Asha Rao", "asha@example.test", "not a phone"), "upi", "https://shop.test/r?x=1", Noon.AddHours(1), Noon);
        var answer = await With(network, line => Gateway.OpenLink(call, line, default));
        answer.ShouldBeOfType<GatewayAnswer.Done>().Facts.ShouldHaveSingleItem().ShouldBeOfType<Evidence.LinkOpened>().Link.ShouldBe(new PaymentLink.Redirect("https://pay.test/1"));
        var sent = network.Sent.ShouldHaveSingleItem();
        sent.Body.ShouldBe("""
            {"reference":"0001jd8xk3m4np1","amount":49900,"currency":"INR","description":"Order 42","customer":{"name":"Asha Rao","email":"asha@example.test"},"method":"upi","return_url":"https://shop.test/r?x=1","expires_at":1767229200}
            """.Trim());
        sent.Headers["Authorization"].ShouldBe("AcmePay test_1:" + RequestSignature("POST", sent.Path, sent.Body));
    }

    [Theory]
    [InlineData(400, "bad_request", true)]
    [InlineData(401, "unauthorized", true)]
    [InlineData(422, "too_much", true)]
    // This reference made something once; what it was is asked for.
    [InlineData(409, "reference_taken", false)]
    [InlineData(429, "too_many_requests", false)]
    [InlineData(408, "timeout", false)]
    [InlineData(500, "server_error", false)]
    public async Task Only_their_own_definite_no_is_a_refusal(int status, string code, bool refused)
    {
        var call = new LinkCall(Account, Payment, Amount, "Order 42", new Customer(null, null, null), null, "https://shop.test/r", Noon.AddHours(1), Noon);
        var answer = await With(new(_ => ScriptedNetwork.Answer($$$"""{"error":{"code":"{{{code}}}","message":"why"}}""", status)), line => Gateway.OpenLink(call, line, default));
        if (refused) answer.ShouldBe(new GatewayAnswer.Rejected($"{code}: why"));
        else answer.ShouldBeOfType<GatewayAnswer.Unknown>();
    }

    [Theory]
    [InlineData("open", "", "LinkOpened")]
    [InlineData("open", """{"id":"pay_1","status":"processing","amount":49900,"currency":"INR"}""", "Processing LinkOpened")]
    [InlineData("open", """{"id":"pay_1","status":"declined","amount":49900,"currency":"INR","reason":"insufficient_funds"}""", "Declined LinkOpened")]
    [InlineData("paid", Captured, "Succeeded")]
    [InlineData("paid", """{"id":"pay_1","status":"declined","amount":49900,"currency":"INR"},""" + Captured, "Succeeded")]
    // Paid, but by nothing that is shown: never a success without its amount.
    [InlineData("paid", "", "Processing")]
    [InlineData("expired", "", "LinkExpired")]
    [InlineData("expired", Captured, "Succeeded LinkExpired")]
    [InlineData("expired", """{"id":"pay_1","status":"processing","amount":49900,"currency":"INR"}""", "Processing")]
    [InlineData("cancelled", "", "LinkCancelled")]
    [InlineData("teleported", "", "Processing")]
    [InlineData("open", """{"id":"pay_1","status":"teleported","amount":49900,"currency":"INR"}""", "Processing LinkOpened")]
    public async Task Every_word_of_theirs_has_a_meaning(string status, string payments, string facts) =>
        (await Inquire($$"""{"links":[{{Link(status, payments)}}]}""")).ShouldBeOfType<GatewayAnswer.Done>().Facts.Select(f => f.GetType().Name).ShouldBe(facts.Split(' '));

    [Fact]
    public async Task Money_is_named_with_its_amount_and_fee() =>
        (await Inquire($$"""{"links":[{{Link("paid", Captured)}}]}""")).ShouldBeOfType<GatewayAnswer.Done>().Facts.ShouldHaveSingleItem()
            .ShouldBe(new Evidence.Succeeded("pay_1", Amount, "upi", 998) { GatewayReference = "lnk_1", GatewayTime = Noon.AddMinutes(1) });

    [Theory]
    [InlineData("""{"links":null}""")]
    [InlineData("""{"links":[{"id":"lnk_1","reference":"0001jd8xk3m4np2","status":"open","amount":49900,"currency":"INR","payments":[]}]}""")]
    [InlineData("""{"links":[{"id":"lnk_1","reference":"0001jd8xk3m4np1","status":"open","amount":499.5,"currency":"INR","payments":[]}]}""")]
    [InlineData("""{"links":[{"id":"lnk_1","reference":"0001jd8xk3m4np1","status":"open","amount":49900,"currency":"XXQ","payments":[]}]}""")]
    [InlineData("""{"links":[{"id":"lnk_1","reference":"0001jd8xk3m4np1","status":"open","amount":49900,"currency":"INR"}]}""")]
    public async Task What_cannot_be_read_is_unknown_and_never_absent(string answer) => (await Inquire(answer)).ShouldBeOfType<GatewayAnswer.Unknown>();

    [Fact]
    public async Task Nothing_under_our_reference_is_absent() =>
        (await Inquire("""{"links":[]}""")).ShouldBeOfType<GatewayAnswer.Done>().Facts.ShouldHaveSingleItem().ShouldBeOfType<Evidence.Absent>();

    [Theory]
    [InlineData("pending", "Accepted")]
    [InlineData("succeeded", "Succeeded")]
    [InlineData("failed", "Failed")]
    [InlineData("teleported", null)]
    public async Task A_refund_is_what_its_word_says(string status, string? fact)
    {
        var call = new RefundCall(Account, RefundOne, Payment, "lnk_1", "pay_1", Amount, Amount, null, "Order 42", Noon);
        var answer = await With(new(_ => ScriptedNetwork.Answer($$"""{"refunds":[{{Refund(status)}}]}""")), line => Gateway.InquireRefund(call, line, default));
        if (fact is null) answer.ShouldBeOfType<RefundAnswer.Unknown>();
        else answer.ShouldBeOfType<RefundAnswer.Done>().Fact.GetType().Name.ShouldBe(fact);
    }

    [Fact]
    public void A_webhook_is_believed_under_either_secret_and_says_what_stands_in_it()
    {
        var body = Encoding.UTF8.GetBytes($$"""{"id":"evt_1","type":"payment.captured","link":{"id":"lnk_1","reference":"0001jd8xk3m4np1"},"payment":{{Captured}}}""");
        // Made with: openssl dgst -sha256 -hmac hook-old
        var read = Read(body, "45a8836bab5d81cb86dcb502f3818209fc77f603d91d4471cebb2663e9809697").ShouldBeOfType<NewsReading.Genuine>();
        (read.EventId, read.Payment, read.ProvesAmount).ShouldBe(("evt_1", Payment, true));
        read.Facts.ShouldHaveSingleItem().ShouldBeOfType<Evidence.Succeeded>().Amount.ShouldBe(Amount);
        Read(body, Signed(body)).ShouldBeOfType<NewsReading.Genuine>();
        Read(body, HexSignature.HmacSha256("hook-older", body)).ShouldBeOfType<NewsReading.Forged>();
        Read(body, Signed(body).ToUpperInvariant()).ShouldBeOfType<NewsReading.Forged>();
    }

    [Theory]
    [InlineData("payment.captured", "declined")]
    [InlineData("link.expired", "processing")]
    [InlineData("link.cancelled", "processing")]
    public void An_event_that_its_snapshot_does_not_bear_out_leads_to_a_question(string type, string status)
    {
        var body = Encoding.UTF8.GetBytes($$"""{"id":"evt_1","type":"{{type}}","link":{"id":"lnk_1","reference":"0001jd8xk3m4np1"},"payment":{{Captured.Replace("captured", status, StringComparison.Ordinal)}}}""");
        var read = Read(body, Signed(body)).ShouldBeOfType<NewsReading.Genuine>();
        (read.Payment, read.ProvesAmount).ShouldBe((Payment, false));
    }

    [Fact]
    public void A_refund_in_a_webhook_is_news_of_that_refund()
    {
        var body = Encoding.UTF8.GetBytes($$"""{"id":"evt_2","type":"refund.succeeded","link":{"id":"lnk_1","reference":"0001jd8xk3m4np1"},"refund":{{Refund("succeeded")}}}""");
        var news = Read(body, Signed(body)).ShouldBeOfType<NewsReading.Genuine>().RefundFacts.ShouldHaveSingleItem();
        (news.Ours, news.Fact.RefundReference).ShouldBe((RefundOne, "ref_1"));
        news.Fact.ShouldBeOfType<RefundEvidence.Succeeded>().Amount.ShouldBe(Amount);
    }

    [Fact]
    public void A_statement_is_read_row_by_row_and_a_strange_row_is_named()
    {
        const string file = """
            entry,kind,reference,payment,refund,currency,amount,fee,net,paid_out_on,payout
            spay_1,payment,0001jd8xk3m4np1,pay_1,,INR,499.00,9.98,489.02,2026-01-02,out1
            sref_1,refund,0001jd8xk3m4nr1,pay_1,ref_1,INR,-50.00,0.00,-50.00,2026-01-02,out1
            out1,payout,,,,INR,-439.02,0.00,-439.02,2026-01-02,out1
            total,,,,,,,,,,
            what_1,gift,,,,INR,1.00,0.00,1.00,,

            """;
        var rows = SettlementReader.Read(new MemoryStream(Encoding.UTF8.GetBytes(file)), Gateway.Sheet, Account).ToList();
        rows.Select(r => r.Line?.Kind).ShouldBe([SettlementKind.Payment, SettlementKind.Refund, SettlementKind.Payout, null, null]);
        rows[0].Line!.ShouldSatisfyAllConditions(l => l.Payment.ShouldBe(Payment), l => l.Amount.ShouldBe(Amount), l => l.Fee!.Value.MinorUnits.ShouldBe(998), l => l.Net.MinorUnits.ShouldBe(48902));
        rows[1].Line!.ShouldSatisfyAllConditions(l => l.Refund.ShouldBe(RefundOne), l => l.Amount.MinorUnits.ShouldBe(5000), l => l.Net.MinorUnits.ShouldBe(-5000));
        rows.Select(r => r.Fault).OfType<string>().ShouldHaveSingleItem().ShouldContain("gift");
    }

    [Fact]
    public void A_live_key_in_test_mode_is_a_problem_and_so_is_the_reverse()
    {
        Gateway.Profile.RefusesAccount(Account).ShouldBeNull();
        Gateway.Profile.RefusesAccount(Account with { TestMode = false }).ShouldNotBeNull();
    }

    static string Refund(string status) =>
        $$"""{"id":"ref_1","reference":"0001jd8xk3m4nr1","payment":"pay_1","status":"{{status}}","amount":49900,"currency":"INR","created_at":1767229200}""";

    /// <summary>As the signature laboratory computes it.</summary>
    static string? RequestSignature(string method, string path, string body) => Gateway.Signatures.Single(s => s.Name == "request")
        .Compute(new RawMessage(method, path, "", ImmutableDictionary<string, string>.Empty, Encoding.UTF8.GetBytes(body), Noon), Account).Expected;

    static string Signed(byte[] body) => HexSignature.HmacSha256("hook-new", body);

    static NewsReading Read(byte[] body, string signature) => Gateway.ReadWebhook(new RawMessage(
        "POST", "/gateways/main/webhook", "", new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase) { ["AcmePay-Signature"] = signature }, body, Noon), Account);

    static Task<GatewayAnswer> Inquire(string answer) =>
        With(new(_ => ScriptedNetwork.Answer(answer)), line => Gateway.Inquire(new InquireCall(Account, Payment, null, Amount, Noon), line, default));

    static async Task<T> With<T>(ScriptedNetwork network, Func<GatewayLine, Task<T>> ask)
    {
        using var lines = new GatewayLines(network, new ManualTime());
        return await ask(lines.Open(Account, Gateway.Profile));
    }
}
