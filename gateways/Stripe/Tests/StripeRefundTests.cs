using System.Net;
using System.Text;
using Purser.Gateways.Tests.Line;
using Purser.Refunds;

namespace Purser.Gateways.Stripe.Tests;

/// <summary>Refunds against answers written by hand from the wire notes, and the news of them.</summary>
[Verifies(Part.Adapter, By.Document)]
public sealed class StripeRefundTests
{
    const string Ours = "0001jd8xk3m4nr1", PaymentReference = "0001jd8xk3m4np1";

    static readonly DateTimeOffset Noon = DateTimeOffset.FromUnixTimeSeconds(1750000000);
    static readonly StripeGateway Gateway = new();
    static readonly Money Amount = new(500, Currency.Find("EUR"));
    static readonly RefundId Id = RefundId.TryParseReference(Ours, out var id) ? id : throw new InvalidOperationException();
    static readonly PaymentId Payment = PaymentId.TryParseReference(PaymentReference, out var id) ? id : throw new InvalidOperationException();

    const string Refund = """
        {"id":"re_1","object":"refund","amount":500,"charge":"ch_1","payment_intent":"pi_1","currency":"eur","created":1750000100,"status":"succeeded",
        "balance_transaction":"txn_r1","metadata":{"payment":"0001jd8xk3m4np1","refund":"0001jd8xk3m4nr1"},"failure_reason":null}
        """;
    const string Another = """{"id":"re_9","object":"refund","amount":100,"charge":"ch_1","payment_intent":"pi_1","currency":"eur","status":"succeeded","metadata":{}}""";

    [Fact]
    public async Task A_refund_is_looked_for_and_then_asked_for_under_our_key()
    {
        var network = Network(Refund, listed: Another);
        (await Ask(network)).ShouldBe(new RefundAnswer.Done(new RefundEvidence.Succeeded(Amount) { RefundReference = "re_1", GatewayTime = Noon.AddSeconds(100) }));
        network.Sent.Select(s => $"{s.Method} {s.Path}").ShouldBe(["GET /v1/refunds?payment_intent=pi_1&limit=100", "POST /v1/refunds"]);
        network.Sent[1].Headers["Idempotency-Key"].ShouldBe($"{Ours}:refund");
        network.Sent[1].Body.Split('&').Select(p => string.Join(" = ", p.Split('=').Select(WebUtility.UrlDecode))).ShouldBe([
            "payment_intent = pi_1", "amount = 500", $"metadata[payment] = {PaymentReference}", $"metadata[refund] = {Ours}", "metadata[note] = Order 42"]);
    }

    [Fact]
    public async Task A_retry_after_the_key_was_forgotten_finds_the_refund_instead_of_making_another()
    {
        var network = Network(Refund, listed: $"{Another},{Refund}");
        (await Ask(network)).ShouldBeOfType<RefundAnswer.Done>().Fact.RefundReference.ShouldBe("re_1");
        network.Sent.ShouldAllBe(s => s.Method == "GET");
    }

    [Theory]
    [InlineData("pending", "Accepted")]
    [InlineData("requires_action", "Accepted")]
    [InlineData("succeeded", "Succeeded")]
    [InlineData("failed", "Failed")]
    [InlineData("canceled", "Failed")]
    [InlineData("dreaming", "Accepted")]
    public async Task Every_status_is_said_in_our_words(string status, string fact)
    {
        var refund = Refund.Replace("\"succeeded\"", $"\"{status}\"");
        (await Ask(Network(refund))).ShouldBeOfType<RefundAnswer.Done>().Fact.GetType().Name.ShouldBe(fact);
        (await Inquire(Network(refund), "re_1")).ShouldBeOfType<RefundAnswer.Done>().Fact.GetType().Name.ShouldBe(fact);
        (await Inquire(Network(refund, listed: refund))).ShouldBeOfType<RefundAnswer.Done>().Fact.GetType().Name.ShouldBe(fact);
    }

    [Theory]
    [InlineData(400, "idempotency_error", null)]
    [InlineData(409, "idempotency_error", "idempotency_key_in_use")]
    [InlineData(429, "invalid_request_error", "lock_timeout")]
    [InlineData(424, "api_error", null)]
    [InlineData(500, "api_error", null)]
    public async Task A_key_in_use_a_lock_or_trouble_never_means_no(int status, string type, string? code) =>
        (await Ask(Network(Error(type, code), status))).ShouldBeOfType<RefundAnswer.Unknown>();

    [Fact]
    public async Task What_the_rate_limiter_turned_away_was_not_run() =>
        (await Ask(new ScriptedNetwork(sent => sent.Method == "POST"
            ? ScriptedNetwork.Answer(Error("invalid_request_error", "rate_limit"), 429, ("Stripe-Rate-Limited-Reason", "global-rate"))
            : ScriptedNetwork.Answer("""{"object":"list","data":[],"has_more":false}""")))).ShouldBeOfType<RefundAnswer.NotSent>();

    [Theory]
    [InlineData(400, "charge_already_refunded")]
    [InlineData(400, "charge_disputed")]
    [InlineData(400, null)]
    [InlineData(404, "resource_missing")]
    public async Task A_definite_no_is_refused_once_the_refund_is_still_not_there(int status, string? code)
    {
        var network = Network(Error("invalid_request_error", code), status);
        (await Ask(network)).ShouldBe(new RefundAnswer.Rejected($"{code ?? "invalid_request_error"}: no"));
        network.Sent.Count.ShouldBe(3);
    }

    [Fact]
    public async Task A_no_to_a_refund_that_shows_up_meanwhile_is_that_refund()
    {
        var looked = 0;
        var network = new ScriptedNetwork(sent => sent.Method == "POST"
            ? ScriptedNetwork.Answer(Error("invalid_request_error", "charge_already_refunded"), 400)
            : ScriptedNetwork.Answer($$"""{"data":[{{(looked++ == 0 ? "" : Refund)}}],"has_more":false}"""));
        (await Ask(network)).ShouldBeOfType<RefundAnswer.Done>().Fact.RefundReference.ShouldBe("re_1");
    }

    [Theory]
    [InlineData("KWD", 1001)]
    [InlineData("MGA", 150)]
    [InlineData("EUR", 0)]
    public async Task An_amount_that_they_do_not_take_is_refused_without_asking(string currency, long minorUnits)
    {
        var network = Network(Refund);
        (await Ask(network, new Money(minorUnits, Currency.Find(currency)))).ShouldBeOfType<RefundAnswer.Rejected>();
        network.Sent.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("ISK", 500, "50000")]
    [InlineData("JPY", 500, "500")]
    [InlineData("KWD", 1250, "1250")]
    public async Task Refunds_have_their_exponents_too(string currency, long minorUnits, string wire)
    {
        var network = Network(Refund.Replace("\"eur\"", $"\"{currency.ToLowerInvariant()}\"").Replace(":500,", $":{wire},"));
        var amount = new Money(minorUnits, Currency.Find(currency));
        (await Ask(network, amount)).ShouldBeOfType<RefundAnswer.Done>().Fact.ShouldBeOfType<RefundEvidence.Succeeded>().Amount.ShouldBe(amount);
        network.Sent[1].Body.ShouldContain($"amount={wire}&");
    }

    [Theory]
    [InlineData("""{"data":null,"has_more":false}""", 200)]
    [InlineData("""{"data":[],"has_more":true}""", 200)]
    [InlineData("""{"data":[{"id":"re_1","payment_intent":"pi_2","amount":1,"currency":"eur"}],"has_more":false}""", 200)]
    [InlineData("""{"error":{"type":"invalid_request_error"}}""", 401)]
    [InlineData("<html>", 404)]
    [InlineData("", 502)]
    public async Task Without_knowing_what_is_there_nothing_is_asked_for_and_nothing_is_absent(string list, int status)
    {
        var network = new ScriptedNetwork(_ => ScriptedNetwork.Answer(list, status));
        (await Ask(network)).ShouldBeOfType<RefundAnswer.Unknown>();
        (await Inquire(network)).ShouldBeOfType<RefundAnswer.Unknown>();
        (await Inquire(network, "re_1")).ShouldBeOfType<RefundAnswer.Unknown>();
        network.Sent.ShouldAllBe(s => s.Method == "GET");
    }

    [Fact]
    public async Task More_refunds_than_one_page_holds_are_looked_through_and_too_many_are_unknown()
    {
        var network = new ScriptedNetwork(sent => ScriptedNetwork.Answer(sent.Path.EndsWith("starting_after=re_9", StringComparison.Ordinal)
            ? $$"""{"data":[{{Refund}}],"has_more":false}""" : $$"""{"data":[{{Another}}],"has_more":true}"""));
        (await Inquire(network)).ShouldBeOfType<RefundAnswer.Done>().Fact.ShouldBeOfType<RefundEvidence.Succeeded>();
        (await Inquire(new ScriptedNetwork(_ => ScriptedNetwork.Answer($$"""{"data":[{{Another}}],"has_more":true}""")))).ShouldBeOfType<RefundAnswer.Unknown>();
    }

    // News.

    [Theory]
    [InlineData("refund.created", "pending", true, "Accepted")]
    [InlineData("refund.created", "succeeded", true, "Succeeded")]
    [InlineData("refund.updated", "succeeded", true, "Succeeded")]
    [InlineData("refund.updated", "canceled", true, "Failed")]
    [InlineData("charge.refund.updated", "failed", true, "Failed")]
    // Trap 11: what had succeeded can fail weeks later.
    [InlineData("refund.failed", "failed", true, "Failed")]
    [InlineData("refund.failed", "succeeded", false, "Succeeded")]
    public void A_refund_is_told_as_it_was_and_a_failure_may_follow_success(string type, string status, bool proves, string fact)
    {
        var news = Read(type, Refund.Replace("\"succeeded\"", $"\"{status}\"").Replace("\"failure_reason\":null", "\"failure_reason\":\"lost_or_stolen_card\"")).ShouldBeOfType<NewsReading.Genuine>();
        var told = news.RefundFacts.ShouldHaveSingleItem();
        (told.Ours, told.Fact.GetType().Name, told.Fact.RefundReference, news.ProvesAmount).ShouldBe((Id, fact, "re_1", proves));
        (news.Payment, news.MoneyReference, news.Facts.Count).ShouldBe((Payment, "pi_1", 0));
        if (told.Fact is RefundEvidence.Failed failed && status == "failed") failed.Reason.ShouldBe("lost_or_stolen_card");
    }

    [Fact]
    public void A_refund_made_in_the_dashboard_has_none_of_our_names()
    {
        var news = Read("refund.created", Another).ShouldBeOfType<NewsReading.Genuine>();
        news.RefundFacts.ShouldHaveSingleItem().Ours.ShouldBeNull();
        (news.Payment, news.MoneyReference).ShouldBe((null, "pi_1"));
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"id":"re_1","amount":"500","currency":"eur"}""")]
    [InlineData("""{"id":"re_1","amount":500,"currency":"eur","metadata":{"refund":"0001jd8xk3m4nr1","payment":"0001jd8xk3m4zp1"}}""")]
    public void Refund_news_without_a_refund_or_about_two_orders_is_kept_for_a_person(string about) => Read("refund.updated", about).ShouldBeOfType<NewsReading.Unreadable>();

    static NewsReading Read(string type, string about)
    {
        var bytes = Encoding.UTF8.GetBytes($$$"""{"id":"evt_1","object":"event","created":1750000000,"livemode":false,"type":"{{{type}}}","data":{"object":{{{about}}} } }""");
        var signature = HexSignature.HmacSha256("whsec_1", [.. "1750000000."u8, .. bytes]);
        return Gateway.ReadWebhook(StripeTests.Webhook(bytes, $"t=1750000000,v1={signature}", Noon), StripeTests.Account());
    }

    static string Error(string type, string? code) => $$"""{"error":{"type":"{{type}}","code":{{(code is null ? "null" : $"\"{code}\"")}},"message":"no"} }""";

    static ScriptedNetwork Network(string answer, int status = 200, string listed = "") => new(sent => sent.Path.Contains('?', StringComparison.Ordinal)
        ? ScriptedNetwork.Answer($$"""{"object":"list","data":[{{listed}}],"has_more":false}""")
        : ScriptedNetwork.Answer(answer, status));

    static RefundCall Call(Money? amount, string? reference) => new(
        StripeTests.Account(), Id, Payment, "cs_test_1", "pi_1", new Money(1999, Currency.Find("EUR")), amount ?? Amount, reference, "Order 42", Noon);

    static async Task<RefundAnswer> Ask(ScriptedNetwork network, Money? amount = null)
    {
        using var lines = new GatewayLines(network, new ManualTime());
        return await Gateway.Refund(Call(amount, null), lines.Open(StripeTests.Account(), Gateway.Profile), default);
    }

    static async Task<RefundAnswer> Inquire(ScriptedNetwork network, string? reference = null)
    {
        using var lines = new GatewayLines(network, new ManualTime());
        return await Gateway.InquireRefund(Call(null, reference), lines.Open(StripeTests.Account(), Gateway.Profile), default);
    }
}
