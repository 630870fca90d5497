using Purser.Gateways.Tests.Line;
using Purser.Orders;
using Purser.Refunds;

namespace Purser.Gateways.Razorpay.Tests;

/// <summary>Refunds against answers written by hand from the wire notes, and the news of them.</summary>
[Verifies(Part.Adapter, By.Document)]
public sealed class RazorpayRefundTests
{
    const string Ours = "0001jd8xk3m4nr1", PaymentReference = "0001jd8xk3m4np1";

    static readonly RazorpayGateway Gateway = new();
    static readonly Money Amount = new(10000, Currency.Find("INR"));
    static readonly RefundId Id = RefundId.TryParseReference(Ours, out var id) ? id : throw new InvalidOperationException();
    static readonly PaymentId Payment = PaymentId.TryParseReference(PaymentReference, out var id) ? id : throw new InvalidOperationException();

    const string Refund = """
        {"id":"rfnd_1","entity":"refund","amount":10000,"currency":"INR","payment_id":"pay_1","notes":{"refund":"0001jd8xk3m4nr1","payment":"0001jd8xk3m4np1"},
        "receipt":"0001jd8xk3m4nr1","acquirer_data":{"arn":null},"created_at":1767312000,"batch_id":null,"status":"processed","speed_processed":"normal","speed_requested":"normal"}
        """;
    const string Another = """{"id":"rfnd_9","amount":100,"currency":"INR","payment_id":"pay_1","notes":[],"receipt":null,"status":"processed"}""";

    [Fact]
    public async Task A_refund_is_looked_for_and_then_asked_for_with_documented_fields_under_our_key()
    {
        var network = Network(Refund, listed: Another);
        (await Ask(network)).ShouldBe(new RefundAnswer.Done(new RefundEvidence.Succeeded(Amount)
        {
            RefundReference = "rfnd_1",
            GatewayTime = DateTimeOffset.FromUnixTimeSeconds(1767312000),
        }));
        network.Sent.Select(s => $"{s.Method} {s.Path}").ShouldBe(["GET /v1/payments/pay_1/refunds?count=100&skip=0", "POST /v1/payments/pay_1/refund"]);
        network.Sent[1].Headers["X-Refund-Idempotency"].ShouldBe(Ours);
        Ours.ShouldMatch("^[A-Za-z0-9_-]{10,}$");
        network.Sent[1].Body.ShouldBe("""
            {"amount":10000,"speed":"normal","receipt":"0001jd8xk3m4nr1","notes":{"payment":"0001jd8xk3m4np1","refund":"0001jd8xk3m4nr1","note":"Order 42"}}
            """.Trim());
    }

    [Fact]
    public async Task A_refund_that_is_there_is_not_asked_for_again_whatever_became_of_its_key()
    {
        var network = Network(Refund, listed: $"{Another},{Refund}");
        (await Ask(network)).ShouldBeOfType<RefundAnswer.Done>().Fact.ShouldBeOfType<RefundEvidence.Succeeded>();
        network.Sent.ShouldAllBe(s => s.Method == "GET");
    }

    [Theory]
    [InlineData("pending", "Accepted")]
    [InlineData("processed", "Succeeded")]
    [InlineData("failed", "Failed")]
    [InlineData("dreaming", "Accepted")]
    public async Task Every_status_is_said_in_our_words(string status, string fact)
    {
        var refund = Refund.Replace("\"status\":\"processed\"", $"\"status\":\"{status}\"");
        (await Ask(Network(refund))).ShouldBeOfType<RefundAnswer.Done>().Fact.GetType().Name.ShouldBe(fact);
        (await Inquire(Network(refund), "rfnd_1")).ShouldBeOfType<RefundAnswer.Done>().Fact.GetType().Name.ShouldBe(fact);
        (await Inquire(Network(refund, listed: refund))).ShouldBeOfType<RefundAnswer.Done>().Fact.GetType().Name.ShouldBe(fact);
    }

    [Theory]
    [InlineData("""{"arn":"10000000000000"}""", "10000000000000")]
    [InlineData("""{"arn":null,"rrn":"600112345678"}""", "600112345678")]
    [InlineData("""{"utr":"UTR1"}""", "UTR1")]
    [InlineData("[]", null)]
    [InlineData("null", null)]
    public async Task The_banks_reference_is_told_where_it_is_known(string acquirer, string? reference) =>
        (await Ask(Network(Refund.Replace("""{"arn":null}""", acquirer)))).ShouldBeOfType<RefundAnswer.Done>()
            .Fact.ShouldBeOfType<RefundEvidence.Succeeded>().BankReference.ShouldBe(reference);

    [Theory]
    [InlineData(400, "Different request with the same idempotency key")]
    [InlineData(409, "Different request with the same idempotency key")]
    [InlineData(409, "Another request is in progress")]
    [InlineData(429, "Request was throttled")]
    [InlineData(500, "trouble")]
    public async Task A_key_that_is_in_use_or_known_with_other_words_never_means_no(int status, string description) =>
        (await Ask(Network(Error(description), status))).ShouldBeOfType<RefundAnswer.Unknown>();

    [Theory]
    [InlineData("The refund amount provided is greater than amount captured")]
    [InlineData("The payment has been fully refunded already")]
    [InlineData("The payment status should be captured for action to be taken")]
    [InlineData("speeds is/are not required and should not be sent")]
    public async Task A_definite_no_is_refused_once_the_refund_is_still_not_there(string description)
    {
        var network = Network(Error(description), 400);
        (await Ask(network)).ShouldBe(new RefundAnswer.Rejected($"BAD_REQUEST_ERROR: {description}"));
        network.Sent.Count.ShouldBe(3);
    }

    [Fact]
    public async Task A_no_to_a_refund_that_shows_up_meanwhile_is_that_refund()
    {
        var looked = 0;
        var network = new ScriptedNetwork(sent => sent.Method == "POST"
            ? ScriptedNetwork.Answer(Error("The payment has been fully refunded already"), 400)
            : ScriptedNetwork.Answer($$"""{"items":[{{(looked++ == 0 ? "" : Refund)}}]}"""));
        (await Ask(network)).ShouldBeOfType<RefundAnswer.Done>().Fact.RefundReference.ShouldBe("rfnd_1");
    }

    [Theory]
    [InlineData("INR", 99)]
    [InlineData("KWD", 1001)]
    [InlineData("INR", 0)]
    public async Task An_amount_that_they_do_not_take_is_refused_without_asking(string currency, long minorUnits)
    {
        var network = Network(Refund);
        (await Ask(network, new Money(minorUnits, Currency.Find(currency)))).ShouldBeOfType<RefundAnswer.Rejected>();
        network.Sent.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("""{"items":null}""", 200)]
    [InlineData("""{"items":[{"id":"rfnd_1","payment_id":"pay_2","amount":1,"currency":"INR"}]}""", 200)]
    [InlineData("""{"error":{"code":"BAD_REQUEST_ERROR","description":"Authentication failed"}}""", 401)]
    [InlineData("""{"error":{"code":"BAD_REQUEST_ERROR","description":"something else"}}""", 400)]
    [InlineData("<html>", 404)]
    [InlineData("", 502)]
    public async Task Without_knowing_what_is_there_nothing_is_asked_for_and_nothing_is_absent(string list, int status)
    {
        var network = new ScriptedNetwork(_ => ScriptedNetwork.Answer(list, status));
        (await Ask(network)).ShouldBeOfType<RefundAnswer.Unknown>();
        (await Inquire(network)).ShouldBeOfType<RefundAnswer.Unknown>();
        (await Inquire(network, "rfnd_1")).ShouldBeOfType<RefundAnswer.Unknown>();
        network.Sent.ShouldAllBe(s => s.Method == "GET");
    }

    [Fact]
    public async Task More_refunds_than_one_page_holds_are_looked_through_and_too_many_are_unknown()
    {
        var page = string.Join(',', Enumerable.Repeat(Another, 100));
        var network = new ScriptedNetwork(sent => ScriptedNetwork.Answer($$"""{"items":[{{(sent.Path.EndsWith("skip=100", StringComparison.Ordinal) ? Refund : page)}}]}"""));
        (await Inquire(network)).ShouldBeOfType<RefundAnswer.Done>().Fact.ShouldBeOfType<RefundEvidence.Succeeded>();
        (await Inquire(new ScriptedNetwork(_ => ScriptedNetwork.Answer($$"""{"items":[{{page}}]}""")))).ShouldBeOfType<RefundAnswer.Unknown>();
    }

    [Theory]
    [InlineData("0001jd8xk3m4nr1", "processed", "Succeeded pay_1 499.00 INR")]
    [InlineData("", "none", null)]
    [InlineData("somebody", "processed", "Reversed")]
    public async Task A_payment_that_was_wholly_refunded_by_us_was_paid_and_one_refunded_by_others_was_taken_back(string receipt, string status, string? fact)
    {
        const string Link = """
            {"id":"plink_1","status":"paid","amount":49900,"currency":"INR","reference_id":"0001jd8xk3m4np1","order_id":"order_1","short_url":"https://rzp.io/rzp/x"}
            """;
        var network = new ScriptedNetwork(sent => ScriptedNetwork.Answer(sent.Path switch
        {
            "/v1/orders/order_1/payments" => """{"items":[{"id":"pay_1","status":"refunded","captured":true,"amount":49900,"currency":"INR"}]}""",
            "/v1/payments/pay_1/refunds?count=100&skip=0" => status == "none" ? """{"items":[]}"""
                : $$"""{"items":[{"id":"rfnd_1","payment_id":"pay_1","amount":49900,"currency":"INR","status":"{{status}}","receipt":"{{receipt}}"}]}""",
            _ => Link,
        }));
        using var lines = new GatewayLines(network, new ManualTime());
        var answer = await Gateway.Inquire(
            new InquireCall(RazorpayTests.Account(), Payment, "plink_1", new Money(49900, Currency.Find("INR")), RazorpayTests.Noon), lines.Open(RazorpayTests.Account(), Gateway.Profile), default);
        // Refunded, and no refund to be seen: not known, rather than taken back.
        if (fact is null) answer.ShouldBeOfType<GatewayAnswer.Unknown>();
        else RazorpayTests.Say(answer.ShouldBeOfType<GatewayAnswer.Done>().Facts[0]).ShouldBe(fact);
    }

    // News.

    [Theory]
    [InlineData("refund.created", "pending", true, "Accepted")]
    // Trap 14: it may show processed inside, and is not final before its own event.
    [InlineData("refund.created", "processed", true, "Accepted")]
    [InlineData("refund.processed", "processed", true, "Succeeded")]
    [InlineData("refund.failed", "failed", true, "Failed")]
    // Where event and snapshot disagree the refund is read again.
    [InlineData("refund.processed", "pending", false, "Accepted")]
    [InlineData("refund.processed", "failed", false, "Accepted")]
    [InlineData("refund.failed", "processed", false, "Accepted")]
    [InlineData("refund.created", "failed", false, "Accepted")]
    [InlineData("refund.speed_changed", "pending", false, "Accepted")]
    public void A_refund_is_final_with_its_own_event_and_not_before(string type, string status, bool proves, string fact)
    {
        var news = News(type, Refund.Replace("\"status\":\"processed\"", $"\"status\":\"{status}\""));
        var told = news.RefundFacts.ShouldHaveSingleItem();
        (told.Ours, told.Fact.GetType().Name, told.Fact.RefundReference, news.ProvesAmount).ShouldBe((Id, fact, "rfnd_1", proves));
        (news.Payment, news.MoneyReference).ShouldBe((Payment, "pay_1"));
        // The payment in it is shown as wholly refunded, which is not told a second time.
        news.Facts.ShouldBeEmpty();
    }

    [Fact]
    public void A_refund_made_in_the_dashboard_is_told_and_is_not_ours()
    {
        var told = News("refund.processed", Another, payment: null).RefundFacts.ShouldHaveSingleItem();
        (told.Ours, told.Fact.RefundReference).ShouldBe((null, "rfnd_9"));
        told.Fact.ShouldBeOfType<RefundEvidence.Succeeded>().Amount.ShouldBe(new Money(100, Currency.Find("INR")));
    }

    [Fact]
    public void Refund_news_without_a_refund_or_about_two_payments_is_kept_for_a_person()
    {
        Read("""{"event":"refund.processed","payload":{}}""").ShouldBeOfType<NewsReading.Unreadable>();
        Read("""{"event":"refund.processed","payload":{"refund":{"entity":{"id":"rfnd_1","amount":"1","currency":"INR"}}}}""").ShouldBeOfType<NewsReading.Unreadable>();
        Read(Event("refund.processed", Refund, "\"payment\":{\"entity\":{\"id\":\"pay_2\"}}")).ShouldBeOfType<NewsReading.Unreadable>();
        Read(Event("refund.processed", Refund, "\"payment\":{\"entity\":{\"id\":\"pay_1\",\"notes\":{\"payment\":\"0001jd8xk3m4zp1\"}}}")).ShouldBeOfType<NewsReading.Unreadable>();
    }

    const string Refunded = "\"payment\":{\"entity\":{\"id\":\"pay_1\",\"status\":\"refunded\",\"captured\":true,\"amount\":49900,\"currency\":\"INR\",\"notes\":{\"payment\":\"0001jd8xk3m4np1\"}}}";

    static NewsReading.Genuine News(string type, string refund, string? payment = Refunded) => Read(Event(type, refund, payment)).ShouldBeOfType<NewsReading.Genuine>();

    static string Event(string type, string refund, string? more)
    {
        var rest = more is null ? "" : "," + more;
        return $$$"""{"entity":"event","event":"{{{type}}}","payload":{"refund":{"entity":{{{refund}}} }{{{rest}}} },"created_at":1}""";
    }

    static NewsReading Read(string body)
    {
        var bytes = RazorpayTests.Bytes(body);
        return Gateway.ReadWebhook(RazorpayTests.Webhook(bytes, HexSignature.HmacSha256("hook-secret-1", bytes)), RazorpayTests.Account());
    }

    static string Error(string description) => $$"""{"error":{"code":"BAD_REQUEST_ERROR","description":"{{description}}","field":null} }""";

    static ScriptedNetwork Network(string answer, int status = 200, string listed = "") => new(sent =>
        sent.Method == "GET" && sent.Path.Contains("/payments/") ? ScriptedNetwork.Answer($$"""{"entity":"collection","items":[{{listed}}]}""") : ScriptedNetwork.Answer(answer, status));

    static RefundCall Call(Money? amount, string? reference) => new(
        RazorpayTests.Account(), Id, Payment, "plink_1", "pay_1", new Money(49900, Currency.Find("INR")), amount ?? Amount, reference, "Order 42", RazorpayTests.Noon);

    static async Task<RefundAnswer> Ask(ScriptedNetwork network, Money? amount = null)
    {
        using var lines = new GatewayLines(network, new ManualTime());
        return await Gateway.Refund(Call(amount, null), lines.Open(RazorpayTests.Account(), Gateway.Profile), default);
    }

    static async Task<RefundAnswer> Inquire(ScriptedNetwork network, string? reference = null)
    {
        using var lines = new GatewayLines(network, new ManualTime());
        return await Gateway.InquireRefund(Call(null, reference), lines.Open(RazorpayTests.Account(), Gateway.Profile), default);
    }
}
