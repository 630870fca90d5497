using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Purser.Gateways.Tests.Line;
using Purser.Orders;
using Purser.Payments;
using Purser.Refunds;

namespace Purser.Gateways.PayPal.Tests;

/// <summary>The conversation and the mapping, against answers written by hand from the wire notes.</summary>
[Verifies(Part.Adapter, By.Document)]
public sealed class PayPalTests
{
    const string Ours = "0001jd8xk3m4np1", OrderId = "5SIM00000ORDER001", CaptureId = "8SIM0000CAPTURE01";
    static readonly DateTimeOffset Noon = new(2025, 6, 15, 15, 0, 0, TimeSpan.Zero);

    static readonly PayPalGateway Gateway = new();
    static readonly Money Amount = new(1999, Currency.Find("EUR"));
    static readonly PaymentId Payment = PaymentId.TryParseReference(Ours, out var id) ? id : throw new InvalidOperationException();

    const string Token = """{"scope":"x","access_token":"A21.first","token_type":"Bearer","app_id":"APP-1","expires_in":32400,"nonce":"n"}""";

    static readonly GatewayAccount Account = new("main", "paypal", new Uri("https://api.gateway.test"), ImmutableDictionary<string, string>.Empty
        .Add("client_id", "client-1").Add("client_secret", "secret-1234").Add("webhook_id", "1AB23456CD789012E"))
    { TestMode = true };

    static string Order(string status, string captures = "", string amount = "19.99", string reference = Ours) => $$$"""
        {"id":"{{{OrderId}}}","intent":"CAPTURE","status":"{{{status}}}","create_time":"2025-06-15T15:00:00Z","payment_source":{"paypal":{}},
         "purchase_units":[{"reference_id":"{{{reference}}}","custom_id":"{{{reference}}}","invoice_id":"{{{reference}}}","amount":{"currency_code":"EUR","value":"{{{amount}}}"}
         {{{(captures.Length > 0 ? $",\"payments\":{{\"captures\":[{captures}]}}" : "")}}}}],
         "links":[{"rel":"self","method":"GET","href":"https://api.gateway.test/v2/checkout/orders/{{{OrderId}}}"},
                  {"rel":"payer-action","method":"GET","href":"https://www.gateway.test/checkoutnow?token={{{OrderId}}}"}]}
        """;

    static string Capture(string status, string? reason = null, string value = "19.99") => $$$"""
        {"id":"{{{CaptureId}}}","status":"{{{status}}}",{{{(reason is null ? "" : $"\"status_details\":{{\"reason\":\"{reason}\"}},")}}}
         "amount":{"currency_code":"EUR","value":"{{{value}}}"},"final_capture":true,"custom_id":"{{{Ours}}}","invoice_id":"{{{Ours}}}",
         "seller_receivable_breakdown":{"gross_amount":{"currency_code":"EUR","value":"{{{value}}}"},"paypal_fee":{"currency_code":"EUR","value":"0.84"}},
         "create_time":"2025-06-15T15:06:38Z"}
        """;

    static string Error(string name, string? issue) => $$"""
        {"name":"{{name}}","message":"(text)","debug_id":"sim1","details":[{{(issue is null ? "" : $"{{\"issue\":\"{issue}\",\"description\":\"(text)\"}}")}}],"links":[]}
        """;

    /// <summary>Answers by method and path; whatever is not expected is answered 500.</summary>
    static ScriptedNetwork Speaking(params (string Call, int Status, string Body)[] script)
    {
        var left = script.ToList();
        return new ScriptedNetwork(sent =>
        {
            if (sent.Path == "/v1/oauth2/token" && !script.Any(s => s.Call.EndsWith("token", StringComparison.Ordinal))) return ScriptedNetwork.Answer(Token);
            var at = left.FindIndex(s => s.Call == $"{sent.Method} {sent.Path}");
            if (at < 0) return ScriptedNetwork.Answer("", 500);
            var (_, status, body) = left[at];
            // The last answer of a call is given again and again.
            if (left.FindLastIndex(s => s.Call == left[at].Call) != at) left.RemoveAt(at);
            return ScriptedNetwork.Answer(body, status);
        });
    }

    const string Create = "POST /v2/checkout/orders", Read = $"GET /v2/checkout/orders/{OrderId}", Take = $"POST /v2/checkout/orders/{OrderId}/capture";

    // Asking for a link.

    [Fact]
    public async Task An_order_is_asked_for_under_a_key_of_the_payment_with_the_same_bytes_every_time()
    {
        var network = Speaking((Create, 201, Order("PAYER_ACTION_REQUIRED")));
        var opened = (await Open(network)).ShouldBeOfType<GatewayAnswer.Done>().Facts.ShouldHaveSingleItem().ShouldBeOfType<Evidence.LinkOpened>();
        (opened.Amount, opened.GatewayReference, opened.Link).ShouldBe((Amount, OrderId, new PaymentLink.Redirect($"https://www.gateway.test/checkoutnow?token={OrderId}")));
        await Open(network);

        var asked = network.Sent.Where(s => s.Path == "/v2/checkout/orders").ToList();
        asked[0].Headers["PayPal-Request-Id"].ShouldBe($"{Ours}-create");
        asked[0].Headers["Authorization"].ShouldBe("Bearer A21.first");
        asked[0].Headers["Prefer"].ShouldBe("return=representation");
        asked[0].Headers["Content-Type"].ShouldBe("application/json");
        asked[1].Body.ShouldBe(asked[0].Body);
        JsonNode.DeepEquals(JsonNode.Parse(asked[0].Body), JsonNode.Parse("""
            {"intent":"CAPTURE","purchase_units":[{"reference_id":"@","custom_id":"@","invoice_id":"@","description":"Order & 42",
              "amount":{"currency_code":"EUR","value":"19.99"}}],
             "payment_source":{"paypal":{"experience_context":{"return_url":"https://pay.test/r?token=a&order_payment=@","cancel_url":"https://pay.test/r?token=a&order_payment=@&back=1",
              "user_action":"PAY_NOW","shipping_preference":"NO_SHIPPING","payment_method_preference":"IMMEDIATE_PAYMENT_REQUIRED","landing_page":"NO_PREFERENCE"}}}}
            """.Replace("@", Ours, StringComparison.Ordinal))).ShouldBeTrue(asked[0].Body);
    }

    [Fact]
    public async Task Trap_10_the_invoice_id_is_of_the_payment_and_not_of_the_order()
    {
        var network = Speaking((Create, 201, Order("CREATED")));
        await Open(network);
        await Open(network, Link with { Payment = new PaymentId(Payment.Order, 2) });
        network.Sent.Where(s => s.Path == "/v2/checkout/orders").Select(s => JsonNode.Parse(s.Body)!["purchase_units"]![0]!["invoice_id"]!.ToString()).Distinct().Count().ShouldBe(2);
    }

    [Theory]
    [InlineData(400, "INVALID_REQUEST", "INVALID_STRING_LENGTH", true)]
    [InlineData(422, "UNPROCESSABLE_ENTITY", "AMOUNT_MISMATCH", true)]
    [InlineData(401, "AUTHENTICATION_FAILURE", null, true)]
    [InlineData(403, "NOT_AUTHORIZED", "PERMISSION_DENIED", true)]
    [InlineData(409, "RESOURCE_CONFLICT", "PREVIOUS_REQUEST_IN_PROGRESS", false)]
    [InlineData(422, "UNPROCESSABLE_ENTITY", "DUPLICATE_REQUEST_ID", false)]
    [InlineData(422, "UNPROCESSABLE_ENTITY", "PAYPAL_REQUEST_ID_PREVIOUSLY_USED", false)]
    [InlineData(429, "RATE_LIMIT_REACHED", null, false)]
    [InlineData(500, "INTERNAL_SERVER_ERROR", null, false)]
    [InlineData(404, "RESOURCE_NOT_FOUND", null, false)]
    public async Task A_refusal_is_definite_and_a_key_in_use_is_not(int status, string name, string? issue, bool definite)
    {
        var answer = await Open(Speaking((Create, status, Error(name, issue))));
        if (definite) answer.ShouldBeOfType<GatewayAnswer.Rejected>().Reason.ShouldStartWith(issue ?? name);
        else answer.ShouldBeOfType<GatewayAnswer.Unknown>();
    }

    [Theory]
    [InlineData("HUF", 199900, "1999")]
    [InlineData("TWD", 100, "1")]
    [InlineData("JPY", 1999, "1999")]
    [InlineData("USD", 5, "0.05")]
    public async Task Trap_12_amounts_have_the_decimals_that_they_take(string code, long minorUnits, string value)
    {
        var network = Speaking((Create, 500, ""));
        await Open(network, Link with { Amount = new Money(minorUnits, Currency.Find(code)) });
        JsonNode.Parse(network.Sent[^1].Body)!["purchase_units"]![0]!["amount"]!["value"]!.ToString().ShouldBe(value);
        if (code is "HUF" or "TWD") Gateway.Profile.RefusesAmount(new Money(minorUnits + 1, Currency.Find(code))).ShouldNotBeNull();
    }

    // Tokens.

    [Fact]
    public async Task A_token_serves_many_conversations_and_one_that_lost_its_worth_is_had_anew_once()
    {
        var network = Speaking(
            ("POST /v1/oauth2/token", 200, Token), ("POST /v1/oauth2/token", 200, Token.Replace("first", "second")),
            (Read, 200, Order("CREATED")), (Read, 401, Error("AUTHENTICATION_FAILURE", null)), (Read, 200, Order("CREATED")));
        using var lines = new GatewayLines(network, new ManualTime());
        for (var i = 0; i < 3; i++) (await Gateway.Inquire(Question(), lines.Open(Account, Gateway.Profile), default)).ShouldBeOfType<GatewayAnswer.Done>();
        network.Sent.Select(s => s.Path.Split('/')[^1] == "token" ? "token" : s.Headers["Authorization"]).ShouldBe(
            ["token", "Bearer A21.first", "Bearer A21.first", "token", "Bearer A21.second", "Bearer A21.second"]);
        network.Sent[0].Headers["Authorization"].ShouldBe("Basic Y2xpZW50LTE6c2VjcmV0LTEyMzQ=");
        network.Sent[0].Body.ShouldBe("grant_type=client_credentials");
    }

    [Fact]
    public async Task A_token_ends_before_its_time_and_belongs_to_the_credentials_it_was_had_with()
    {
        var network = Speaking(("POST /v1/oauth2/token", 200, Token), (Read, 200, Order("CREATED")));
        var time = new ManualTime();
        using var lines = new GatewayLines(network, time);
        await Ask(Account);
        await Ask(Account with { Settings = Account.Settings.SetItem("client_secret", "another-secret") });
        time.Advance(TimeSpan.FromSeconds(32400) - TimeSpan.FromMinutes(4));
        await Ask(Account);
        network.Sent.Count(s => s.Path == "/v1/oauth2/token").ShouldBe(3);

        Task<GatewayAnswer> Ask(GatewayAccount account) => Gateway.Inquire(Question() with { Account = account }, lines.Open(account, Gateway.Profile), default);
    }

    [Theory]
    [InlineData(401, """{"error":"invalid_client","error_description":"Client Authentication failed"}""", true)]
    [InlineData(401, "", false)]
    [InlineData(200, "{}", false)]
    [InlineData(200, """{"access_token":"a\nb","token_type":"Bearer"}""", false)]
    [InlineData(503, """{"error":"temporarily_unavailable"}""", false)]
    public async Task Without_a_token_nothing_is_asked_and_only_their_no_is_definite(int status, string body, bool definite)
    {
        var network = Speaking(("POST /v1/oauth2/token", status, body));
        var answer = await Open(network);
        if (definite) answer.ShouldBeOfType<GatewayAnswer.Rejected>();
        else answer.ShouldBeOfType<GatewayAnswer.Unknown>();
        (await Inquire(network)).ShouldBeOfType<GatewayAnswer.Unknown>();
        network.Sent.ShouldAllBe(s => s.Path == "/v1/oauth2/token");
    }

    // Approval and capture.

    [Fact]
    public async Task Trap_1_approval_is_not_payment_and_is_captured_only_while_the_order_wants_it()
    {
        var network = Speaking((Read, 200, Order("APPROVED")), (Take, 201, Order("COMPLETED", Capture("COMPLETED"))));
        Facts(await Inquire(network)).ShouldHaveSingleItem().ShouldBeOfType<Evidence.LinkOpened>();
        network.Sent.ShouldNotContain(s => s.Path.EndsWith("/capture", StringComparison.Ordinal));

        var paid = Facts(await Inquire(network, mayComplete: true)).ShouldHaveSingleItem().ShouldBeOfType<Evidence.Succeeded>();
        (paid.MoneyReference, paid.Amount, paid.Method, paid.Fee, paid.GatewayReference).ShouldBe((CaptureId, Amount, "paypal", 84L, OrderId));
        var taken = network.Sent.Single(s => s.Path.EndsWith("/capture", StringComparison.Ordinal));
        (taken.Headers["PayPal-Request-Id"], taken.Headers["Content-Type"], taken.Headers["Prefer"], taken.Body).ShouldBe(($"{Ours}-capture", "application/json", "return=representation", ""));
    }

    [Fact]
    public async Task An_order_over_another_amount_is_never_captured()
    {
        var network = Speaking((Read, 200, Order("APPROVED", amount: "19.98")));
        Facts(await Inquire(network, mayComplete: true)).ShouldHaveSingleItem().ShouldBeOfType<Evidence.LinkOpened>().Amount.ShouldBe(new Money(1998, Amount.Currency));
        network.Sent.ShouldNotContain(s => s.Path.EndsWith("/capture", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Trap_1_a_capture_that_somebody_else_made_first_is_success_in_disguise() =>
        Facts(await Inquire(Speaking((Read, 200, Order("APPROVED")), (Read, 200, Order("COMPLETED", Capture("COMPLETED"))), (Take, 422, Error("UNPROCESSABLE_ENTITY", "ORDER_ALREADY_CAPTURED"))),
            mayComplete: true)).ShouldHaveSingleItem().ShouldBeOfType<Evidence.Succeeded>();

    [Theory]
    [InlineData(201, "{}")]
    [InlineData(201, "")]
    [InlineData(201, """{"id":"5SIM00000ORDER001","status":"COMPLETED","links":[]}""")]
    [InlineData(500, "")]
    [InlineData(504, "<html>")]
    [InlineData(422, "{}")]
    public async Task Trap_3_a_capture_whose_answer_cannot_be_read_is_unknown_and_no_failure(int status, string body) =>
        (await Inquire(Speaking((Read, 200, Order("APPROVED")), (Take, status, body)), mayComplete: true)).ShouldBeOfType<GatewayAnswer.Unknown>();

    [Fact]
    public async Task Trap_4_an_approval_that_is_ahead_of_its_order_is_asked_about_again() =>
        (await Inquire(Speaking((Read, 200, Order("APPROVED")), (Take, 422, Error("UNPROCESSABLE_ENTITY", "ORDER_NOT_APPROVED"))), mayComplete: true)).ShouldBeOfType<GatewayAnswer.Unknown>();

    [Theory]
    [InlineData(422, "INSTRUMENT_DECLINED", "Declined LinkOpened")]
    [InlineData(422, "PAYER_ACTION_REQUIRED", "Declined LinkOpened")]
    [InlineData(422, "PAYER_CANNOT_PAY", "Declined LinkOpened")]
    [InlineData(422, "ORDER_COMPLETION_IN_PROGRESS", "Processing")]
    [InlineData(409, "PREVIOUS_REQUEST_IN_PROGRESS", "Processing")]
    [InlineData(422, "MAX_NUMBER_OF_PAYMENT_ATTEMPTS_EXCEEDED", "Failed")]
    [InlineData(422, "ORDER_EXPIRED", "LinkExpired")]
    public async Task A_capture_that_is_refused_says_what_is_next(int status, string issue, string facts) =>
        string.Join(' ', Facts(await Inquire(Speaking((Read, 200, Order("APPROVED")), (Take, status, Error("UNPROCESSABLE_ENTITY", issue))), mayComplete: true)).Select(f => f.GetType().Name)).ShouldBe(facts);

    [Theory]
    [InlineData("DUPLICATE_INVOICE_ID")]
    [InlineData("SOMETHING_NEW")]
    public async Task A_refusal_that_may_mean_money_elsewhere_is_no_end(string issue) =>
        (await Inquire(Speaking((Read, 200, Order("APPROVED")), (Take, 422, Error("UNPROCESSABLE_ENTITY", issue))), mayComplete: true)).ShouldBeOfType<GatewayAnswer.Unknown>();

    // What their words mean.

    [Theory]
    [InlineData("COMPLETED", null, "Succeeded")]
    [InlineData("PARTIALLY_REFUNDED", null, "Succeeded")]
    [InlineData("REFUNDED", null, "Succeeded")]
    [InlineData("PENDING", "ECHECK", "Processing")]
    [InlineData("PENDING", "UNILATERAL", "Processing")]
    [InlineData("PENDING", "CHARGEBACK", "Processing")]
    [InlineData("PENDING", "NEW_REASON", "Processing")]
    [InlineData("DECLINED", null, "Failed")]
    [InlineData("FAILED", null, "Failed")]
    [InlineData("NEW_WORD", null, "Processing")]
    public async Task Trap_14_completed_is_what_its_capture_is(string capture, string? reason, string fact)
    {
        var told = Facts(await Inquire(Speaking((Read, 200, Order("COMPLETED", Capture(capture, reason)))))).ShouldHaveSingleItem();
        told.GetType().Name.ShouldBe(fact);
        if (told is Evidence.Processing processing) processing.UnknownWord.ShouldBe(capture == "NEW_WORD" ? capture : reason == "NEW_REASON" ? reason : null);
    }

    [Fact]
    public async Task Trap_11_completed_without_its_captures_is_no_answer() =>
        (await Inquire(Speaking((Read, 200, Order("COMPLETED"))))).ShouldBeOfType<GatewayAnswer.Unknown>();

    [Theory]
    [InlineData("VOIDED", "LinkCancelled")]
    [InlineData("SAVED", "LinkOpened")]
    [InlineData("CREATED", "LinkOpened")]
    [InlineData("WHATEVER", "Processing")]
    public async Task An_order_without_money_is_what_it_says(string status, string fact) =>
        Facts(await Inquire(Speaking((Read, 200, Order(status))))).ShouldHaveSingleItem().GetType().Name.ShouldBe(fact);

    [Theory]
    [InlineData("10.0", 1000)]
    [InlineData("10.00", 1000)]
    [InlineData("10", 1000)]
    public async Task Trap_12_amounts_are_numbers_and_not_texts(string value, long minorUnits) =>
        Facts(await Inquire(Speaking((Read, 200, Order("COMPLETED", Capture("COMPLETED", value: value)))))).ShouldHaveSingleItem().ShouldBeOfType<Evidence.Succeeded>().Amount.MinorUnits.ShouldBe(minorUnits);

    [Fact]
    public async Task Trap_2_an_order_that_carries_another_payment_is_no_answer() =>
        (await Inquire(Speaking((Read, 200, Order("COMPLETED", Capture("COMPLETED"), reference: "0001jd8xk3m4np2"))), mayComplete: true)).ShouldBeOfType<GatewayAnswer.Unknown>();

    [Fact]
    public async Task Trap_13_an_order_that_is_gone_is_absent_and_nothing_else_is()
    {
        Facts(await Inquire(Speaking((Read, 404, Error("RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID"))))).ShouldHaveSingleItem().ShouldBeOfType<Evidence.Absent>();
        (await Inquire(Speaking((Read, 404, "<html>")))).ShouldBeOfType<GatewayAnswer.Unknown>();
        (await Inquire(Speaking((Read, 403, Error("NOT_AUTHORIZED", null))))).ShouldBeOfType<GatewayAnswer.Unknown>();
    }

    // Refunds.

    [Theory]
    [InlineData("COMPLETED", "Succeeded")]
    [InlineData("PENDING", "Accepted")]
    [InlineData("FAILED", "Failed")]
    [InlineData("CANCELLED", "Failed")]
    [InlineData("NEW_WORD", "Accepted")]
    public async Task A_refund_is_asked_for_under_its_own_key_and_is_what_it_says(string status, string fact)
    {
        var network = Speaking(($"POST /v2/payments/captures/{CaptureId}/refund", 201, $$"""{"id":"1SIM000000REFUND1","status":"{{status}}","amount":{"currency_code":"EUR","value":"5.00"},"custom_id":"0001jd8xk3m4nr1"}"""));
        var told = (await Gateway.Refund(Back, Line(network), default)).ShouldBeOfType<RefundAnswer.Done>().Fact;
        (told.GetType().Name, told.RefundReference).ShouldBe((fact, "1SIM000000REFUND1"));
        network.Sent[^1].Headers["PayPal-Request-Id"].ShouldBe("0001jd8xk3m4nr1");
        JsonNode.DeepEquals(JsonNode.Parse(network.Sent[^1].Body), JsonNode.Parse(
            """{"amount":{"currency_code":"EUR","value":"5.00"},"invoice_id":"0001jd8xk3m4nr1","custom_id":"0001jd8xk3m4nr1","note_to_payer":"Returned item"}""")).ShouldBeTrue();
    }

    [Theory]
    [InlineData(422, "CAPTURE_FULLY_REFUNDED", true)]
    [InlineData(422, "REFUND_TIME_LIMIT_EXCEEDED", true)]
    [InlineData(404, null, true)]
    [InlineData(409, "PREVIOUS_REQUEST_IN_PROGRESS", false)]
    [InlineData(422, "DUPLICATE_REQUEST_ID", false)]
    [InlineData(500, null, false)]
    public async Task A_refund_that_is_refused_moves_nothing(int status, string? issue, bool definite)
    {
        var answer = await Gateway.Refund(Back, Line(Speaking(($"POST /v2/payments/captures/{CaptureId}/refund", status, Error(status == 404 ? "RESOURCE_NOT_FOUND" : "UNPROCESSABLE_ENTITY", issue)))), default);
        if (definite) answer.ShouldBeOfType<RefundAnswer.Rejected>();
        else answer.ShouldBeOfType<RefundAnswer.Unknown>();
    }

    [Fact]
    public async Task A_refund_without_a_name_is_looked_for_in_its_order()
    {
        var with = Order("COMPLETED", Capture("PARTIALLY_REFUNDED")).Replace("\"captures\":", """
            "refunds":[{"id":"1SIM000000REFUND0","status":"COMPLETED","amount":{"currency_code":"EUR","value":"1.00"},"custom_id":"somebody"},
            {"id":"1SIM000000REFUND1","status":"COMPLETED","amount":{"currency_code":"EUR","value":"5.00"},"custom_id":"0001jd8xk3m4nr1"}],"captures":
            """, StringComparison.Ordinal);
        (await Gateway.InquireRefund(Back, Line(Speaking((Read, 200, with))), default)).ShouldBeOfType<RefundAnswer.Done>().Fact.RefundReference.ShouldBe("1SIM000000REFUND1");
        (await Gateway.InquireRefund(Back, Line(Speaking((Read, 200, Order("COMPLETED", Capture("COMPLETED"))))), default)).ShouldBeOfType<RefundAnswer.Done>().Fact.ShouldBeOfType<RefundEvidence.Absent>();
        (await Gateway.InquireRefund(Back, Line(Speaking((Read, 404, Error("RESOURCE_NOT_FOUND", null)))), default)).ShouldBeOfType<RefundAnswer.Unknown>();
    }

    static RefundCall Back => new(
        Account, new RefundId(Payment.Order, 1), Payment, OrderId, CaptureId, Amount, new Money(500, Amount.Currency), null, "Returned item", Noon);

    static LinkCall Link => new(
        Account, Payment, Amount, "Order & 42", new Customer("Asha Rao", "asha@example.test", "+919000000001"), null, "https://pay.test/r?token=a", Noon.AddHours(1), Noon);

    static InquireCall Question(bool mayComplete = false) => new(Account, Payment, OrderId, Amount, Noon, MayComplete: mayComplete);

    static GatewayLine Line(ScriptedNetwork network) => new GatewayLines(network, new ManualTime()).Open(Account, Gateway.Profile);

    static Task<GatewayAnswer> Open(ScriptedNetwork network, LinkCall? call = null) => Gateway.OpenLink(call ?? Link, Line(network), default);

    static Task<GatewayAnswer> Inquire(ScriptedNetwork network, bool mayComplete = false) => Gateway.Inquire(Question(mayComplete), Line(network), default);

    static IReadOnlyList<Evidence> Facts(GatewayAnswer answer) => answer.ShouldBeOfType<GatewayAnswer.Done>(answer.ToString()).Facts;
}
