using System.Collections.Immutable;
using System.Net;
using Purser.Gateways.Tests.Line;
using Purser.Orders;
using Purser.Payments;

namespace Purser.Gateways.Stripe.Tests;

/// <summary>The conversation and the mapping, against answers written by hand from the wire notes.</summary>
[Verifies(Part.Adapter, By.Document)]
public sealed class StripeTests
{
    const string Ours = "0001jd8xk3m4np1";
    static readonly DateTimeOffset Noon = DateTimeOffset.FromUnixTimeSeconds(1750000000);

    static readonly StripeGateway Gateway = new();
    static readonly Money Amount = new(1999, Currency.Find("EUR"));
    static readonly PaymentId Payment = PaymentId.TryParseReference(Ours, out var id) ? id : throw new InvalidOperationException();

    const string Created = """
        {"id":"cs_test_1","object":"checkout.session","amount_total":1999,"client_reference_id":"0001jd8xk3m4np1","created":1750000000,"currency":"eur",
        "livemode":false,"mode":"payment","payment_intent":null,"payment_status":"unpaid","status":"open","presentment_details":{"presentment_amount":1,"presentment_currency":"usd"},
        "url":"https://checkout.stripe.com/c/pay/cs_test_1#frag"}
        """;

    public static GatewayAccount Account(string webhookSecret = "whsec_1") =>
        new("main", "stripe", new Uri("https://api.gateway.test"),
            ImmutableDictionary<string, string>.Empty.Add("secret_key", "sk_test_Demo123").Add("webhook_secret", webhookSecret))
        {
            TestMode = true,
        };

    public static byte[] Fixture(string name) => File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "fixtures", name));

    public static RawMessage Webhook(byte[] body, string? signature, DateTimeOffset now)
    {
        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        if (signature is not null) headers["Stripe-Signature"] = signature;
        return new RawMessage("POST", "/gateways/main/webhook", "", headers, body, now);
    }

    // Asking for a link.

    [Fact]
    public async Task A_session_is_asked_for_under_one_key_with_the_same_bytes_every_time()
    {
        var network = Answering(Created);
        await Open(network);
        await Open(network);

        network.Sent[0].Path.ShouldBe("/v1/checkout/sessions");
        network.Sent[0].Headers["Idempotency-Key"].ShouldBe($"{Ours}:create");
        network.Sent[0].Headers["Stripe-Version"].ShouldBe(StripeGateway.Version);
        network.Sent[0].Headers["Authorization"].ShouldBe("Bearer sk_test_Demo123");
        network.Sent[0].Headers["Content-Type"].ShouldBe("application/x-www-form-urlencoded");
        network.Sent[1].Body.ShouldBe(network.Sent[0].Body);
        network.Sent[0].Body.Split('&').Select(p => string.Join(" = ", p.Split('=').Select(WebUtility.UrlDecode))).ShouldBe([
            "mode = payment",
            $"client_reference_id = {Ours}",
            $"metadata[payment] = {Ours}",
            $"payment_intent_data[metadata][payment] = {Ours}",
            "payment_intent_data[description] = Order & 42",
            "line_items[0][quantity] = 1",
            "line_items[0][price_data][currency] = eur",
            "line_items[0][price_data][unit_amount] = 1999",
            "line_items[0][price_data][product_data][name] = Order & 42",
            $"success_url = https://pay.test/r?x=1&order_payment={Ours}&session_id={{CHECKOUT_SESSION_ID}}",
            $"cancel_url = https://pay.test/r?x=1&order_payment={Ours}&back=1",
            "expires_at = 1750003600",
            "customer_email = asha@example.test",
        ]);
    }

    [Fact]
    public async Task A_new_session_is_where_the_shopper_is_sent_with_its_URL_whole()
    {
        var fact = (await Open(Answering(Created))).ShouldBeOfType<GatewayAnswer.Done>().Facts.ShouldHaveSingleItem().ShouldBeOfType<Evidence.LinkOpened>();
        fact.Link.ShouldBe(new PaymentLink.Redirect("https://checkout.stripe.com/c/pay/cs_test_1#frag"));
        fact.ShouldBe(fact with { Amount = Amount, GatewayReference = "cs_test_1", GatewayTime = Noon });
    }

    [Fact]
    public async Task A_rate_limit_that_names_its_reason_was_before_everything_else()
    {
        const string error = """{"error":{"type":"invalid_request_error","code":"rate_limit"}}""";
        (await Open(Answering(error, 429, ("Stripe-Rate-Limited-Reason", "endpoint-rate")))).ShouldBeOfType<GatewayAnswer.NotSent>();
        (await Open(Answering("""{"error":{"type":"invalid_request_error","code":"lock_timeout"}}""", 429))).ShouldBeOfType<GatewayAnswer.Unknown>();
    }

    [Theory]
    [InlineData(400, """{"error":{"type":"invalid_request_error","code":"amount_too_small","message":"Too small for asha@example.test"}}""", "amount_too_small: Too small for [cut]")]
    [InlineData(401, """{"error":{"type":"invalid_request_error","message":"Invalid API Key provided: sk_test_Demo123"}}""", "invalid_request_error: Invalid API Key provided: [cut]")]
    [InlineData(402, """{"error":{"type":"card_error","code":"card_declined"}}""", "card_declined:")]
    public async Task A_definite_no_is_refused_with_their_reason_redacted(int status, string body, string reason) =>
        (await Open(Answering(body, status))).ShouldBe(new GatewayAnswer.Rejected(reason));

    [Theory]
    [InlineData(400, """{"error":{"type":"idempotency_error","message":"other parameters"}}""")]
    [InlineData(409, """{"error":{"type":"invalid_request_error","code":"idempotency_key_in_use"}}""")]
    [InlineData(424, """{"error":{"type":"api_error"}}""")]
    [InlineData(500, """{"error":{"type":"api_error"}}""")]
    [InlineData(503, "")]
    [InlineData(400, "<html>")]
    [InlineData(400, "{}")]
    [InlineData(404, """{"error":{"type":"invalid_request_error","code":"resource_missing","message":"No such checkout.session"}}""")]
    [InlineData(404, "")]
    [InlineData(307, "")]
    [InlineData(200, "")]
    [InlineData(200, "{}")]
    [InlineData(200, "[]")]
    [InlineData(200, """{"object":"error"}""")]
    public async Task What_is_not_exactly_an_answer_is_unknown(int status, string body) =>
        (await Open(Answering(body, status))).ShouldBeOfType<GatewayAnswer.Unknown>();

    [Theory]
    [InlineData("\"amount_total\":1999", "\"amount_total\":\"1999\"")]
    [InlineData("\"amount_total\":1999", "\"amount_total\":19.99")]
    [InlineData("\"amount_total\":1999", "\"amount_total\":1999,\"amount_total\":1")]
    [InlineData("\"amount_total\":1999", "\"amount_total\":null")]
    [InlineData("\"currency\":\"eur\"", "\"currency\":\"qqq\"")]
    [InlineData("\"livemode\":false", "\"livemode\":true")]
    [InlineData("\"livemode\":false,", "")]
    [InlineData("0001jd8xk3m4np1", "0001jd8xk3m4np2")]
    [InlineData("\"object\":\"checkout.session\"", "\"object\":\"payment_intent\"")]
    [InlineData("\"id\":\"cs_test_1\",", "")]
    public async Task An_answer_that_is_off_in_one_point_is_unknown(string right, string wrong)
    {
        Created.ShouldContain(right);
        (await Open(Answering(Created.Replace(right, wrong)))).ShouldBeOfType<GatewayAnswer.Unknown>();
        (await Inquire(Answering(Created.Replace(right, wrong)), "cs_test_1")).ShouldBeOfType<GatewayAnswer.Unknown>();
    }

    [Theory]
    [InlineData("EUR", 1999, 1999)]
    [InlineData("JPY", 500, 500)]
    [InlineData("KWD", 1250, 1250)]
    [InlineData("HUF", 1999, 1999)]
    [InlineData("TWD", 1999, 1999)]
    [InlineData("ISK", 500, 50000)]
    [InlineData("UGX", 500, 50000)]
    [InlineData("MGA", 50000, 500)]
    public async Task Amounts_go_out_and_come_back_in_their_own_exponents(string currency, long minorUnits, long wire)
    {
        var amount = new Money(minorUnits, Currency.Find(currency));
        Gateway.Profile.RefusesAmount(amount).ShouldBeNull();
        var network = Answering(Created.Replace("1999", $"{wire}").Replace("eur", currency.ToLowerInvariant()));
        var done = (await Open(network, Call() with { Amount = amount })).ShouldBeOfType<GatewayAnswer.Done>();
        done.Facts.Single().ShouldBeOfType<Evidence.LinkOpened>().Amount.ShouldBe(amount);
        network.Sent.Single().Body.ShouldContain($"unit_amount%5D={wire}&");
    }

    [Theory]
    [InlineData("KWD", 1255)]
    [InlineData("MGA", 50050)]
    [InlineData("IRR", 1000)]
    [InlineData("EUR", 0)]
    [InlineData("EUR", -1)]
    public void Amounts_that_cannot_be_paid_are_refused_before_anything_starts(string currency, long minorUnits) =>
        Gateway.Profile.RefusesAmount(new Money(minorUnits, Currency.Find(currency))).ShouldNotBeNull();

    [Fact]
    public async Task A_fraction_of_a_unit_that_has_none_cannot_be_read() =>
        (await Open(Answering(Created.Replace("1999", "50050").Replace("eur", "isk")))).ShouldBeOfType<GatewayAnswer.Unknown>();

    [Fact]
    public void A_live_key_in_test_mode_is_a_problem_and_so_is_the_reverse()
    {
        Gateway.Profile.RefusesAccount(Account()).ShouldBeNull();
        Gateway.Profile.RefusesAccount(Account() with { TestMode = false }).ShouldNotBeNull().ShouldNotContain("Demo");
    }

    // Asking what became of it.

    public static TheoryData<string, string, string, string[]> States => new()
    {
        { "open", "unpaid", "null", ["LinkOpened"] },
        { "open", "unpaid", "\"pi_1\"", ["LinkOpened"] },
        { "open", "unpaid", """{"id":"pi_1","status":"requires_payment_method"}""", ["LinkOpened"] },
        { "open", "unpaid", """{"id":"pi_1","status":"requires_payment_method","last_payment_error":{"code":"card_declined","decline_code":"insufficient_funds"}}""", ["Declined insufficient_funds", "LinkOpened"] },
        { "open", "unpaid", """{"id":"pi_1","status":"requires_action"}""", ["LinkOpened"] },
        { "open", "unpaid", """{"id":"pi_1","status":"requires_confirmation"}""", ["LinkOpened"] },
        { "open", "unpaid", """{"id":"pi_1","status":"processing"}""", ["Processing", "LinkOpened"] },
        { "open", "unpaid", """{"id":"pi_1","status":"succeeded","amount_received":1999,"currency":"eur"}""", ["Succeeded pi_1 19.99 EUR"] },
        { "complete", "paid", "\"pi_1\"", ["Succeeded pi_1 19.99 EUR"] },
        { "complete", "paid", """{"id":"pi_1","status":"succeeded","amount_received":1999,"currency":"eur","latest_charge":{"id":"ch_1","payment_method_details":{"type":"card"}}}""", ["Succeeded pi_1 19.99 EUR card"] },
        { "complete", "unpaid", "\"pi_1\"", ["Processing"] },
        { "complete", "unpaid", "null", ["Processing"] },
        { "complete", "unpaid", """{"id":"pi_1","status":"processing","latest_charge":"py_1"}""", ["Processing"] },
        { "complete", "unpaid", """{"id":"pi_1","status":"requires_action"}""", ["Processing"] },
        { "complete", "unpaid", """{"id":"pi_1","status":"requires_capture"}""", ["Processing"] },
        { "complete", "unpaid", """{"id":"pi_1","status":"requires_payment_method","last_payment_error":{"code":"bank_said_no"}}""", ["Failed bank_said_no"] },
        { "complete", "unpaid", """{"id":"pi_1","status":"canceled","cancellation_reason":"requested_by_customer"}""", ["LinkCancelled"] },
        { "complete", "unpaid", """{"id":"pi_1","status":"canceled","cancellation_reason":"automatic"}""", ["LinkExpired"] },
        { "complete", "unpaid", """{"id":"pi_1","status":"levitating"}""", ["Processing levitating"] },
        { "complete", "half_paid", "\"pi_1\"", ["Processing half_paid"] },
        { "expired", "unpaid", "null", ["LinkExpired"] },
        { "expired", "unpaid", """{"id":"pi_1","status":"requires_payment_method","last_payment_error":{"code":"card_declined"}}""", ["LinkExpired"] },
        { "expired", "unpaid", """{"id":"pi_1","status":"canceled","cancellation_reason":"expired"}""", ["LinkExpired"] },
        { "expired", "unpaid", """{"id":"pi_1","status":"processing"}""", ["Processing"] },
        { "expired", "unpaid", """{"id":"pi_1","status":"succeeded","amount_received":1999,"currency":"eur"}""", ["Succeeded pi_1 19.99 EUR"] },
        { "frozen", "unpaid", "null", ["Processing frozen"] },
    };

    [Theory]
    [MemberData(nameof(States))]
    public async Task Every_state_is_said_in_our_words(string status, string paymentStatus, string intent, string[] facts)
    {
        var session = Created.Replace("\"status\":\"open\"", $"\"status\":\"{status}\"").Replace("\"payment_status\":\"unpaid\"", $"\"payment_status\":\"{paymentStatus}\"")
            .Replace("\"payment_intent\":null", $"\"payment_intent\":{intent}");
        var network = Answering(session);
        var done = (await Inquire(network, "cs_test_1")).ShouldBeOfType<GatewayAnswer.Done>();
        done.Facts.Select(Say).ShouldBe(facts);
        done.Facts.ShouldAllBe(f => f.GatewayReference == "cs_test_1");
        network.Sent.Single().Path.ShouldBe("/v1/checkout/sessions/cs_test_1?expand%5B%5D=payment_intent.latest_charge");
    }

    [Theory]
    [InlineData("""{"code":"card_declined","charge":"ch_1","payment_method":{"id":"pm_1","created":1750000070}}""", "ch_1", 60)]
    // A try without a charge, after one that had one: made with what was typed in for it, or with what was there before.
    [InlineData("""{"code":"payment_intent_authentication_failure","payment_method":{"id":"pm_2","created":1750000070}}""", "pm_2", 70)]
    [InlineData("""{"code":"payment_intent_authentication_failure","payment_method":{"id":"pm_3","created":1740000000}}""", "pm_3", 60)]
    [InlineData("""{"code":"payment_intent_authentication_failure","payment_method":"pm_4"}""", "pm_4", 60)]
    [InlineData("""{"code":"card_declined","charge":"ch_0"}""", "ch_0", 60)]
    [InlineData("""{"code":"processing_error"}""", null, 60)]
    public async Task A_failed_try_has_the_same_name_in_an_inquiry(string error, string? name, int seconds)
    {
        var intent = $$"""{"id":"pi_1","status":"requires_payment_method","created":1750000000,"last_payment_error":{{error}},"latest_charge":{"id":"ch_1","created":1750000060} }""";
        var done = (await Inquire(Answering(Created.Replace("\"payment_intent\":null", $"\"payment_intent\":{intent}")), "cs_test_1")).ShouldBeOfType<GatewayAnswer.Done>();
        var declined = done.Facts.OfType<Evidence.Declined>().ShouldHaveSingleItem();
        (declined.TryReference, declined.GatewayTime).ShouldBe((name, Noon.AddSeconds(seconds)));
    }

    [Fact]
    public async Task Money_without_a_name_of_its_own_is_not_believed() =>
        (await Inquire(Answering(Created.Replace("\"payment_status\":\"unpaid\"", "\"payment_status\":\"paid\"").Replace("\"open\"", "\"complete\"")), "cs_test_1"))
            .ShouldBeOfType<GatewayAnswer.Unknown>();

    [Fact]
    public async Task Without_its_name_a_session_is_found_among_those_made_since()
    {
        var network = new ScriptedNetwork(sent => sent.Path switch
        {
            var p when p.Contains("starting_after=cs_b") => ScriptedNetwork.Answer($$"""{"object":"list","data":[{"id":"cs_c","client_reference_id":null},{{Created}}],"has_more":true}"""),
            var p when p.Contains("limit=100") => ScriptedNetwork.Answer("""{"object":"list","data":[{"id":"cs_a","client_reference_id":"0001jd8xk3m4np2"},{"id":"cs_b"}],"has_more":true}"""),
            _ => ScriptedNetwork.Answer(Created),
        });
        (await Inquire(network, null, Noon.AddMinutes(1))).ShouldBeOfType<GatewayAnswer.Done>().Facts.Select(Say).ShouldBe(["LinkOpened"]);
        network.Sent.Select(s => s.Path).ShouldBe([
            "/v1/checkout/sessions?limit=100&created%5Bgte%5D=1749999700&created%5Blte%5D=1750000360",
            "/v1/checkout/sessions?limit=100&created%5Bgte%5D=1749999700&created%5Blte%5D=1750000360&starting_after=cs_b",
            "/v1/checkout/sessions/cs_test_1?expand%5B%5D=payment_intent.latest_charge"]);
    }

    [Fact]
    public async Task A_list_without_ours_is_absent_and_an_endless_one_is_not()
    {
        (await Inquire(Answering("""{"data":[{"id":"cs_a"}],"has_more":false}"""))).ShouldBeOfType<GatewayAnswer.Done>().Facts.Single().ShouldBeOfType<Evidence.Absent>();
        var endless = Answering("""{"data":[{"id":"cs_a"}],"has_more":true}""");
        (await Inquire(endless)).ShouldBeOfType<GatewayAnswer.Unknown>();
        endless.Sent.Count.ShouldBe(20);
    }

    [Theory]
    [InlineData(401, """{"error":{"type":"invalid_request_error"}}""")]
    [InlineData(404, "<html>")]
    [InlineData(429, "")]
    [InlineData(500, "")]
    [InlineData(200, """{"data":[],"has_more":null}""")]
    [InlineData(200, """{"data":[],"has_more":true}""")]
    [InlineData(200, """{"data":null,"has_more":false}""")]
    public async Task Whatever_else_an_inquiry_gets_is_unknown_never_absent(int status, string body)
    {
        (await Inquire(Answering(body, status))).ShouldBeOfType<GatewayAnswer.Unknown>();
        (await Inquire(Answering(body, status), "cs_test_1")).ShouldBeOfType<GatewayAnswer.Unknown>();
    }

    [Theory]
    [InlineData("""{"type":"card","card":{"wallet":{"type":"google_pay"}}}""", "google_pay")]
    [InlineData("""{"type":"card","card":{"wallet":{"type":"apple_pay"}}}""", "apple_pay")]
    [InlineData("""{"type":"card","card":{"wallet":{"type":"link"}}}""", "card")]
    [InlineData("""{"type":"card","card":{"wallet":null}}""", "card")]
    [InlineData("""{"type":"sepa_debit"}""", "sepa_debit")]
    public async Task A_wallet_on_the_shoppers_device_is_told_apart_from_the_card_that_it_pays_with(string details, string method)
    {
        var paid = Created.Replace("\"open\"", "\"complete\"").Replace("\"unpaid\"", "\"paid\"").Replace("\"payment_intent\":null",
            $$"""
            "payment_intent":{"id":"pi_1","status":"succeeded","amount_received":1999,"currency":"eur","latest_charge":{"id":"ch_1","payment_method_details":{{details}} } }
            """);
        (await Inquire(Answering(paid), "cs_test_1")).ShouldBeOfType<GatewayAnswer.Done>().Facts.Select(Say).ShouldBe([$"Succeeded pi_1 19.99 EUR {method}"]);
    }

    [Theory]
    [InlineData("card")]
    [InlineData("google_pay")]
    [InlineData("apple_pay")]
    public async Task Each_method_that_is_offered_is_a_card_to_their_page(string method)
    {
        var network = Answering(Created);
        await Open(network, Call() with { Method = method });
        network.Sent[0].Body.ShouldEndWith("&payment_method_types%5B0%5D=card");
    }

    [Fact]
    public async Task A_name_that_they_do_not_know_is_absent() =>
        (await Inquire(Answering("""{"error":{"type":"invalid_request_error","code":"resource_missing"}}""", 404), "cs_test_1"))
            .ShouldBeOfType<GatewayAnswer.Done>().Facts.Single().ShouldBeOfType<Evidence.Absent>();

    // Closing.

    [Fact]
    public async Task Closing_an_open_session_is_a_cancellation()
    {
        var network = Answering(Created.Replace("\"open\"", "\"expired\"").Replace("\"https://checkout.stripe.com/c/pay/cs_test_1#frag\"", "null"));
        (await Cancel(network, "cs_test_1")).ShouldBeOfType<GatewayAnswer.Done>().Facts.Select(Say).ShouldBe(["LinkCancelled"]);
        network.Sent.Single().Path.ShouldBe("/v1/checkout/sessions/cs_test_1/expire");
    }

    [Fact]
    public async Task Closing_a_session_that_was_paid_meanwhile_answers_with_the_money()
    {
        var network = new ScriptedNetwork(sent => sent.Method == "POST"
            ? ScriptedNetwork.Answer("""{"error":{"type":"invalid_request_error","message":"not open"}}""", 400)
            : ScriptedNetwork.Answer(Created.Replace("\"open\"", "\"complete\"").Replace("\"unpaid\"", "\"paid\"").Replace("\"payment_intent\":null", "\"payment_intent\":\"pi_1\"")));
        (await Cancel(network, "cs_test_1")).ShouldBeOfType<GatewayAnswer.Done>().Facts.Select(Say).ShouldBe(["Succeeded pi_1 19.99 EUR"]);
    }

    [Theory]
    [InlineData(null, "return")]
    [InlineData("&back=1", "back")]
    public void A_return_names_the_payment_and_proves_nothing(string? more, string type)
    {
        var message = new RawMessage("GET", "/r", $"?x=1&order_payment={Ours}&session_id=cs_test_1{more}", ImmutableDictionary<string, string>.Empty, default, Noon);
        var news = Gateway.ReadReturn(message, Account()).ShouldBeOfType<NewsReading.Genuine>();
        news.ShouldBe(news with { EventType = type, Payment = Payment, ProvesAmount = false });
        news.Facts.ShouldBeEmpty();
        Gateway.ReadReturn(message with { Query = "?order_payment=x" }, Account()).ShouldBeOfType<NewsReading.Forged>();
        Gateway.ReadReturn(message with { Query = $"?order_payment={Ours}&order_payment={Ours}" }, Account()).ShouldBeOfType<NewsReading.Forged>();
    }

    static ScriptedNetwork Answering(string body, int status = 200, params (string, string)[] headers) => new(_ => ScriptedNetwork.Answer(body, status, headers));

    static LinkCall Call() => new(
        Account(), Payment, Amount, "Order &\n42", new Customer("Asha Rao", "asha@example.test", "+91 90000 00001"), null, "https://pay.test/r?x=1",
        Noon.AddHours(1), Noon);

    static async Task<GatewayAnswer> Open(ScriptedNetwork network, LinkCall? call = null)
    {
        using var lines = new GatewayLines(network, new ManualTime());
        return await Gateway.OpenLink(call ?? Call(), lines.Open(Account(), Gateway.Profile), default);
    }

    static async Task<GatewayAnswer> Inquire(ScriptedNetwork network, string? reference = null, DateTimeOffset? lastAskedAt = null)
    {
        using var lines = new GatewayLines(network, new ManualTime());
        return await Gateway.Inquire(new InquireCall(Account(), Payment, reference, Amount, Noon, lastAskedAt), lines.Open(Account(), Gateway.Profile), default);
    }

    static async Task<GatewayAnswer> Cancel(ScriptedNetwork network, string? reference)
    {
        using var lines = new GatewayLines(network, new ManualTime());
        return await Gateway.CancelLink(new InquireCall(Account(), Payment, reference, Amount, Noon), lines.Open(Account(), Gateway.Profile), default);
    }

    public static string Say(Evidence fact) => fact switch
    {
        Evidence.Succeeded e => $"Succeeded {e.MoneyReference} {e.Amount}{(e.Method is null ? "" : $" {e.Method}")}",
        Evidence.Declined e => $"Declined {e.Reason}",
        Evidence.Failed e => $"Failed {e.Reason}",
        Evidence.Processing { UnknownWord: { } word } => $"Processing {word}",
        Evidence.DisputeOpened e => $"DisputeOpened {e.DisputeReference} {e.Amount}",
        Evidence.DisputeClosed e => $"DisputeClosed {e.DisputeReference} {(e.Won ? "won" : "lost")}",
        _ => fact.GetType().Name,
    };
}
