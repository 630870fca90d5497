using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Purser.Gateways.Tests.Outside;
using Purser.Sandbox.PayPal;

namespace Purser.Gateways.PayPal.Tests;

/// <summary>The simulator keeps to the documents: every request here is written by hand from them.</summary>
public sealed class PayPalSimulatorTests(World world) : IClassFixture<World>, IAsyncLifetime
{
    const string WebhookId = "5SIMW3BH00K1D0001";
    const string Orders = "/v2/checkout/orders";

    Gateway gateway = null!;
    string token = "";

    public async Task InitializeAsync()
    {
        gateway = await world.Fresh("paypal", WebhookId);
        token = (await Token("paypal_client_sandbox:paypal_secret_sandbox_0123456789")).Body["access_token"]!.ToString();
    }

    public Task DisposeAsync()
    {
        gateway.Dispose();
        return Task.CompletedTask;
    }

    [Fact]
    public async Task A_token_is_given_for_the_credentials_and_ends()
    {
        (await Token("paypal_client_sandbox:wrong")).ShouldSatisfyAllConditions(a => a.Status.ShouldBe(401), a => a.Body["error"]!.ToString().ShouldBe("invalid_client"));
        await world.Put("/control/paypal/settings", new { token_life_seconds = "0" });
        var (status, short_lived) = await Token("paypal_client_sandbox:paypal_secret_sandbox_0123456789");
        (status, short_lived["token_type"]!.ToString(), short_lived["expires_in"]!.GetValue<int>()).ShouldBe((200, "Bearer", 0));
        token = short_lived["access_token"]!.ToString();
        (await Post(Orders, Order("one"))).ShouldSatisfyAllConditions(a => a.Status.ShouldBe(401), a => a.Body["error"]!.ToString().ShouldBe("invalid_token"));
    }

    [Fact]
    public async Task An_order_is_made_with_the_payers_link_and_the_answer_is_short_unless_all_is_wanted()
    {
        var (status, order) = await Post(Orders, Order("one"));
        status.ShouldBe(201);
        order["id"]!.ToString().ShouldMatch("^[A-Z0-9]{17}$");
        order["status"]!.ToString().ShouldBe("PAYER_ACTION_REQUIRED");
        Rel(order, "payer-action").ShouldEndWith("/checkoutnow?token=" + order["id"]);
        order["purchase_units"]![0]!["custom_id"]!.ToString().ShouldBe("one");
        var (_, least) = await Post(Orders, Order("two"), prefer: null);
        least.AsObject().Select(f => f.Key).ShouldBe(["id", "status", "links"]);
        var older = Order("three");
        older.Remove("payment_source");
        var (_, plain) = await Post(Orders, older);
        plain["status"]!.ToString().ShouldBe("CREATED");
        Rel(plain, "approve").ShouldNotBeEmpty();
        (await Post(Orders, Order("four"), type: "text/plain")).Status.ShouldBe(415);
    }

    [Theory]
    [InlineData("EUR", "19.999", 422, "DECIMAL_PRECISION")]
    [InlineData("JPY", "199.00", 422, "DECIMALS_NOT_SUPPORTED")]
    [InlineData("HUF", "199.5", 422, "DECIMALS_NOT_SUPPORTED")]
    [InlineData("TWD", "1.0", 422, "DECIMALS_NOT_SUPPORTED")]
    [InlineData("INR", "199.00", 422, "CURRENCY_NOT_SUPPORTED")]
    [InlineData("KWD", "1.000", 422, "CURRENCY_NOT_SUPPORTED")]
    [InlineData("EUR", "0.00", 422, "CANNOT_BE_ZERO_OR_NEGATIVE")]
    [InlineData("EUR", "19,99", 400, "INVALID_PARAMETER_SYNTAX")]
    public async Task An_amount_that_cannot_be_is_refused_by_name(string currency, string value, int status, string issue)
    {
        var asked = Order("bad");
        asked["purchase_units"]![0]!["amount"] = new JsonObject { ["currency_code"] = currency, ["value"] = value };
        var (answered, body) = await Post(Orders, asked);
        (answered, Issue(body)).ShouldBe((status, issue));
        body["debug_id"]!.ToString().ShouldStartWith("sim");
    }

    [Fact]
    public async Task Sums_that_do_not_add_up_and_texts_that_are_too_long_are_refused()
    {
        var asked = Order("bad");
        asked["purchase_units"]![0]!["amount"]!["breakdown"] = new JsonObject { ["item_total"] = Amount("19.00"), ["discount"] = Amount("0.01") };
        Issue((await Post(Orders, asked)).Body).ShouldBe("AMOUNT_MISMATCH");
        asked["purchase_units"]![0]!["amount"]!["breakdown"]!["item_total"] = Amount("20.00");
        (await Post(Orders, asked)).Status.ShouldBe(201);
        asked["purchase_units"]![0]!["custom_id"] = new string('x', 128);
        (await Post(Orders, asked)).ShouldSatisfyAllConditions(a => a.Status.ShouldBe(400), a => Issue(a.Body).ShouldBe("INVALID_STRING_LENGTH"));
    }

    [Fact]
    public async Task Approval_moves_no_money_and_the_capture_does_once()
    {
        var id = await Create("one");
        Issue((await Capture(id)).Body).ShouldBe("ORDER_NOT_APPROVED");
        var (_, acted) = await gateway.Shopper("one", "paid");
        acted["return_url"]!.ToString().ShouldMatch($"^https://shop\\.example\\.test/back\\?a=1&token={id}&PayerID=[A-Z0-9]{{13}}$");
        (await Get($"{Orders}/{id}"))["status"]!.ToString().ShouldBe("APPROVED");
        (await gateway.Book()).ShouldBeEmpty();

        var (status, done) = await Capture(id);
        (status, done["status"]!.ToString()).ShouldBe((201, "COMPLETED"));
        var capture = done["purchase_units"]![0]!["payments"]!["captures"]![0]!;
        (capture["status"]!.ToString(), capture["amount"]!["value"]!.ToString(), capture["custom_id"]!.ToString()).ShouldBe(("COMPLETED", "19.99", "one"));
        capture["seller_receivable_breakdown"]!["paypal_fee"]!["value"]!.ToString().ShouldBe("0.84");
        capture["supplementary_data"]!["related_ids"]!["order_id"]!.ToString().ShouldBe(id);
        var moved = (await gateway.Book()).ShouldHaveSingleItem()!;
        (moved["money_id"]!.ToString(), moved["amount"]!.GetValue<long>(), moved["kind"]!.ToString()).ShouldBe((capture["id"]!.ToString(), 1999, "captured"));
        Issue((await Capture(id, "another-key")).Body).ShouldBe("ORDER_ALREADY_CAPTURED");
        // The same key again is answered with what it made.
        (await Capture(id)).Status.ShouldBe(200);
        (await gateway.Book()).Count.ShouldBe(1);
        (await gateway.Shopper("one", "paid")).Status.ShouldBe(409);
    }

    [Fact]
    public async Task A_repeated_request_is_answered_with_the_first_order_as_it_is_by_now()
    {
        var (_, first) = await Post(Orders, Order("one"), key: "k1");
        await gateway.Shopper("one", "paid");
        var (status, again) = await Post(Orders, Order("one"), key: "k1");
        (status, again["id"]!.ToString(), again["status"]!.ToString()).ShouldBe((200, first["id"]!.ToString(), "APPROVED"));
        Issue((await Post(Orders, Order("other"), key: "k1")).Body).ShouldBe("DUPLICATE_REQUEST_ID");
        await world.Put("/control/paypal/settings", new { same_key_other_body = "replay" });
        (await Post(Orders, Order("other"), key: "k1")).Body["id"]!.ToString().ShouldBe(first["id"]!.ToString());
        (await Post(Orders, Order("one"), key: null)).Body["id"]!.ToString().ShouldNotBe(first["id"]!.ToString());
        (await Post(Orders, Order("one"), key: new string('k', 109))).Status.ShouldBe(400);
    }

    [Fact]
    public async Task Of_many_that_ask_at_once_under_one_key_one_makes_an_order()
    {
        await gateway.Fault(new { call = "create_link", fault = "slow", times = 1, delay_ms = 300 });
        var slow = Post(Orders, Order("one"), key: "same");
        await World.Until(() => gateway.Inside.Faults.Struck[0] == 1);
        (await Post(Orders, Order("one"), key: "same")).ShouldSatisfyAllConditions(a => a.Status.ShouldBe(409), a => Issue(a.Body).ShouldBe("PREVIOUS_REQUEST_IN_PROGRESS"));
        var (status, first) = await slow;
        status.ShouldBe(201);
        (await Post(Orders, Order("one"), key: "same")).Body["id"]!.ToString().ShouldBe(first["id"]!.ToString());
        gateway.Inside.Dialect.Links().Count().ShouldBe(1);
    }

    [Fact]
    public async Task A_declined_instrument_is_told_at_the_capture_and_the_payer_may_come_again()
    {
        var id = await Create("one");
        (await gateway.Shopper("one", "declined")).Body["return_url"]!.ToString().ShouldContain("PayerID=");
        var (status, refused) = await Capture(id);
        (status, Issue(refused)).ShouldBe((422, "INSTRUMENT_DECLINED"));
        Rel(refused, "redirect").ShouldEndWith("/checkoutnow?token=" + id);
        (await gateway.Shopper("one", "paid")).Status.ShouldBe(200);
        (await Capture(id)).Status.ShouldBe(201);
        var other = await Create("two");
        await world.Put("/control/paypal/settings", new { after_decline = "payer_action_required" });
        await gateway.Shopper("two", "declined");
        await Capture(other);
        (await Get($"{Orders}/{other}"))["status"]!.ToString().ShouldBe("PAYER_ACTION_REQUIRED");
    }

    [Theory]
    [InlineData("paid_pending", "COMPLETED", 1)]
    [InlineData("pending_then_failed", "DECLINED", 0)]
    public async Task A_pending_capture_ends_by_the_banks_word_though_the_order_is_completed_at_once(string outcome, string end, int moved)
    {
        var id = await Create("one");
        await gateway.Shopper("one", outcome, delayMs: 600_000);
        var (_, order) = await Capture(id);
        order["status"]!.ToString().ShouldBe("COMPLETED");
        var capture = order["purchase_units"]![0]!["payments"]!["captures"]![0]!;
        (capture["status"]!.ToString(), capture["status_details"]!["reason"]!.ToString()).ShouldBe(("PENDING", "PENDING_REVIEW"));
        Issue((await Post($"/v2/payments/captures/{capture["id"]}/refund", [])).Body).ShouldBe("PENDING_CAPTURE");
        await world.Hear(3);
        (await Get($"/v2/payments/captures/{capture["id"]}"))["status"]!.ToString().ShouldBe(end);
        (await gateway.Book()).Count.ShouldBe(moved);
        world.Deliveries.Select(d => d.Json["event_type"]!.ToString()).ShouldBe(
            ["CHECKOUT.ORDER.APPROVED", "PAYMENT.CAPTURE.PENDING", moved == 1 ? "PAYMENT.CAPTURE.COMPLETED" : "PAYMENT.CAPTURE.DENIED"]);
    }

    [Fact]
    public async Task A_payer_who_comes_back_late_approves_late()
    {
        var id = await Create("one");
        (await gateway.Shopper("one", "paid_late", delayMs: 300_000)).Body["return_url"].ShouldBeNull();
        (await Get($"{Orders}/{id}"))["status"]!.ToString().ShouldBe("PAYER_ACTION_REQUIRED");
        await world.Hear(1);
        (await Get($"{Orders}/{id}"))["status"]!.ToString().ShouldBe("APPROVED");
        (await gateway.Book()).ShouldBeEmpty();
    }

    [Theory]
    [InlineData("paid_twice")]
    [InlineData("wrong_amount")]
    public async Task What_cannot_be_at_this_gateway_is_refused(string outcome)
    {
        await Create("one");
        (await gateway.Shopper("one", outcome)).Status.ShouldBe(409);
    }

    [Fact]
    public async Task An_expired_order_is_unknown_and_who_gives_up_comes_back_with_the_token_alone()
    {
        var id = await Create("one");
        (await gateway.Shopper("one", "cancelled")).Body["return_url"]!.ToString().ShouldBe($"https://shop.example.test/cancel?token={id}");
        (await Get($"{Orders}/{id}"))["status"]!.ToString().ShouldBe("PAYER_ACTION_REQUIRED");
        await gateway.Shopper("one", "expired");
        (await Get($"{Orders}/{id}"))["name"]!.ToString().ShouldBe("RESOURCE_NOT_FOUND");
        (await Capture(id)).Status.ShouldBe(404);
        await world.Put("/control/paypal/settings", new { capture_of_expired = "order_expired" });
        Issue((await Capture(id)).Body).ShouldBe("ORDER_EXPIRED");
    }

    [Fact]
    public async Task An_invoice_id_is_captured_once()
    {
        var (first, second) = (await Create("one", invoice: "INV-1"), await Create("two", invoice: "INV-1"));
        await gateway.Shopper("one", "paid");
        await gateway.Shopper("two", "paid");
        (await Capture(first)).Status.ShouldBe(201);
        Issue((await Capture(second)).Body).ShouldBe("DUPLICATE_INVOICE_ID");
        await world.Put("/control/paypal/settings", new { duplicate_invoice_ids = "accept" });
        (await Capture(second)).Status.ShouldBe(201);
    }

    [Fact]
    public async Task Money_goes_back_in_parts_once_for_each_key_and_never_more_than_came()
    {
        var capture = await Paid("one");
        var path = $"/v2/payments/captures/{capture}/refund";
        var part = new JsonObject { ["amount"] = Amount("5.00"), ["custom_id"] = "rf_1", ["invoice_id"] = "RF-1" };
        var (status, refund) = await Post(path, part, key: "r1");
        (status, refund["status"]!.ToString(), refund["amount"]!["value"]!.ToString()).ShouldBe((201, "COMPLETED", "5.00"));
        (await Post(path, part, key: "r1")).ShouldSatisfyAllConditions(a => a.Status.ShouldBe(200), a => a.Body["id"]!.ToString().ShouldBe(refund["id"]!.ToString()));
        (await Get($"/v2/payments/captures/{capture}"))["status"]!.ToString().ShouldBe("PARTIALLY_REFUNDED");
        Issue((await Post(path, new() { ["amount"] = Amount("15.00") })).Body).ShouldBe("REFUND_AMOUNT_EXCEEDED");
        Issue((await Post(path, new() { ["amount"] = new JsonObject { ["currency_code"] = "USD", ["value"] = "1.00" } })).Body).ShouldBe("REFUND_CAPTURE_CURRENCY_MISMATCH");
        (await Post(path, [])).Body["amount"]!["value"]!.ToString().ShouldBe("14.99");
        Issue((await Post(path, [])).Body).ShouldBe("CAPTURE_FULLY_REFUNDED");
        (await Get($"/v2/payments/refunds/{refund["id"]}"))["seller_payable_breakdown"]!["total_refunded_amount"]!["value"]!.ToString().ShouldBe("19.99");
        (await gateway.Book()).Where(m => m!["kind"]!.ToString() == "refunded").Sum(m => m!["amount"]!.GetValue<long>()).ShouldBe(1999);
        var told = (await world.Hear(2, d => d.Json["event_type"]!.ToString() == "PAYMENT.CAPTURE.REFUNDED"))[0].Json["resource"]!;
        // It is about the refund; the capture stands in the link upwards.
        told["id"]!.ToString().ShouldBe(refund["id"]!.ToString());
        Rel(told, "up").ShouldEndWith("/v2/payments/captures/" + capture);
    }

    [Theory]
    [InlineData("completed", "COMPLETED", "PAYMENT.CAPTURE.REFUNDED")]
    [InlineData("failed", "FAILED", "PAYMENT.REFUND.FAILED")]
    public async Task A_refund_may_take_its_time(string outcome, string end, string told)
    {
        var capture = await Paid("one");
        await world.Put("/control/paypal/settings", new { refund_delay_minutes = "10", refund_outcome = outcome });
        var (_, refund) = await Post($"/v2/payments/captures/{capture}/refund", []);
        refund["status"]!.ToString().ShouldBe("PENDING");
        await world.Hear(1, d => d.Json["event_type"]!.ToString() == told);
        (await Get($"/v2/payments/refunds/{refund["id"]}"))["status"]!.ToString().ShouldBe(end);
        (await gateway.Book()).Count(m => m!["kind"]!.ToString() == "refunded").ShouldBe(end == "COMPLETED" ? 1 : 0);
    }

    [Fact]
    public async Task A_webhook_verifies_offline_with_the_certificate_that_it_names_and_online_from_its_bytes()
    {
        await Create("nämé");
        await gateway.Shopper("nämé", "paid");
        var heard = (await world.Hear(1))[0];
        heard.Text.ShouldContain("nämé");
        var file = new X509Certificate2Collection();
        file.ImportFromPem(await gateway.Http.GetStringAsync(new Uri(heard.Headers["PAYPAL-CERT-URL"])));
        file.Count.ShouldBe(2);
        var text = PayPalDialect.SignedText(heard.Headers["PAYPAL-TRANSMISSION-ID"], heard.Headers["PAYPAL-TRANSMISSION-TIME"], WebhookId, heard.Body);
        using var key = file[0].GetRSAPublicKey()!;
        key.VerifyData(text, Convert.FromBase64String(heard.Headers["PAYPAL-TRANSMISSION-SIG"]), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1).ShouldBeTrue();
        heard.Headers["PAYPAL-AUTH-ALGO"].ShouldBe("SHA256withRSA");
        (await Verify(heard, heard.Text)).ShouldBe("SUCCESS");
        // Written again the event has escapes, and is another one.
        (await Verify(heard, heard.Json.ToJsonString())).ShouldBe("FAILURE");
        (await Verify(heard, heard.Text, "5SIMW3BH00K1D0002")).ShouldBe("FAILURE");
    }

    [Fact]
    public async Task A_forged_webhook_is_signed_for_another_webhook_or_by_a_certificate_of_the_same_name()
    {
        await Create("one");
        await gateway.Fault(new { call = "webhook", fault = "forge", instead = true });
        await gateway.Shopper("one", "paid");
        var forged = (await world.Hear(1))[0];
        (await Verify(forged, forged.Text)).ShouldBe("FAILURE");

        await world.Put("/control/paypal/settings", new { certificate = "rogue" });
        await Create("two");
        await gateway.Shopper("two", "paid");
        var rogue = (await world.Hear(2))[1];
        (await Verify(rogue, rogue.Text)).ShouldBe("FAILURE");
        using var leaf = X509Certificate2.CreateFromPem(await gateway.Http.GetStringAsync(new Uri(rogue.Headers["PAYPAL-CERT-URL"])));
        leaf.Subject.ShouldContain("messageverificationcerts");
        leaf.Subject.ShouldBe(leaf.Issuer);
    }

    [Fact]
    public async Task The_search_tells_what_moved_page_by_page_with_signs()
    {
        var capture = await Paid("one");
        await Paid("two");
        await Post($"/v2/payments/captures/{capture}/refund", new() { ["amount"] = Amount("5.00"), ["custom_id"] = "rf_1" });
        var now = gateway.Inside.Now;
        var path = $"/v1/reporting/transactions?start_date={now.AddDays(-1):yyyy-MM-ddTHH:mm:ssZ}&end_date={now.AddDays(1):yyyy-MM-ddTHH:mm:ssZ}&fields=all&page_size=2";
        var first = await Get(path + "&page=1");
        (first["total_items"]!.GetValue<int>(), first["total_pages"]!.GetValue<int>(), first["transaction_details"]!.AsArray().Count).ShouldBe((3, 2, 2));
        var payment = first["transaction_details"]![0]!["transaction_info"]!;
        (payment["transaction_id"]!.ToString(), payment["transaction_event_code"]!.ToString(), payment["transaction_amount"]!["value"]!.ToString(), payment["fee_amount"]!["value"]!.ToString())
            .ShouldBe((capture, "T0006", "19.99", "-0.84"));
        var refund = (await Get(path + "&page=2"))["transaction_details"]![0]!["transaction_info"]!;
        (refund["paypal_reference_id"]!.ToString(), refund["transaction_event_code"]!.ToString(), refund["transaction_amount"]!["value"]!.ToString(), refund["custom_field"]!.ToString())
            .ShouldBe((capture, "T1107", "-5.00", "rf_1"));
        (await Get(path.Replace($"{now.AddDays(-1):yyyy-MM-dd}", $"{now.AddDays(-40):yyyy-MM-dd}", StringComparison.Ordinal)))["name"]!.ToString().ShouldBe("INVALID_REQUEST");
        await world.Put("/control/paypal/settings", new { reporting_lag_minutes = "180" });
        (await Get(path))["total_items"]!.GetValue<int>().ShouldBe(0);
    }

    [Fact]
    public async Task The_settlement_file_adds_up_and_yen_are_times_a_hundred()
    {
        var capture = await Paid("one");
        await Post($"/v2/payments/captures/{capture}/refund", new() { ["amount"] = Amount("5.00"), ["custom_id"] = "rf_1" });
        var yen = Order("yen");
        yen["purchase_units"]![0]!["amount"] = new JsonObject { ["currency_code"] = "JPY", ["value"] = "500" };
        yen["purchase_units"]![0]!["invoice_id"] = "yen";
        var (_, order) = await Post(Orders, yen);
        await gateway.Shopper("yen", "paid");
        await Capture(order["id"]!.ToString());
        var rows = (await world.Control.GetStringAsync(new Uri("/control/paypal/settlement", UriKind.Relative))).Split("\r\n");
        rows[3].ShouldStartWith("\"CH\",\"Transaction ID\",\"Invoice ID\",\"PayPal Reference ID\"");
        rows[4].ShouldMatch($"^\"SB\",\"{capture}\",\"one\",\"\",\"\",\"T0006\",\\d{{4}}/\\d\\d/\\d\\d \\d\\d:\\d\\d:\\d\\d -0700,.*,\"CR\",1999,\"EUR\",\"DR\",84,\"EUR\",\"one\",");
        rows[5].ShouldContain($"\"{capture}\",\"TXN\",\"T1107\"");
        rows[5].ShouldContain("\"DR\",500,\"EUR\",\"\",\"\",\"\",\"rf_1\"");
        rows[6].ShouldContain("\"CR\",50000,\"JPY\"");
        rows.ShouldContain("\"SF\",\"EUR\",1999,500,0,84,\"CR\",0,\"CR\",1415,\"CR\",0,\"CR\",1415,\"CR\",0,\"CR\",1415,2");
        rows.ShouldContain("\"RC\",3");
    }

    [Fact]
    public async Task A_failure_can_be_asked_for_as_in_the_real_sandbox()
    {
        var id = await Create("one");
        await gateway.Shopper("one", "paid");
        var (status, body, headers) = await gateway.Send("POST", $"{Orders}/{id}/capture", Json(""), ("Authorization", "Bearer " + token),
            ("PayPal-Mock-Response", """{"mock_application_codes":"TRANSACTION_REFUSED"}"""));
        (status, Issue(body!)).ShouldBe((422, "TRANSACTION_REFUSED"));
        headers.GetValues("Paypal-Debug-Id").Single().ShouldBe(body!["debug_id"]!.ToString());
        (await gateway.Book()).ShouldBeEmpty();
    }

    [Fact]
    public async Task The_payers_page_is_found_by_the_documented_address()
    {
        var id = await Create("one");
        var page = await gateway.Http.GetStringAsync(new Uri($"/checkoutnow?token={id}", UriKind.Relative));
        page.ShouldContain("EUR 19.99");
        (await gateway.Http.GetAsync(new Uri("/checkoutnow?token=NOBODY", UriKind.Relative))).StatusCode.ShouldBe(System.Net.HttpStatusCode.NotFound);
    }

    static JsonObject Amount(string value) => new() { ["currency_code"] = "EUR", ["value"] = value };

    static JsonObject Order(string reference, string? invoice = null) => new()
    {
        ["intent"] = "CAPTURE",
        ["purchase_units"] = new JsonArray(new JsonObject
        {
            ["reference_id"] = reference, ["custom_id"] = reference, ["invoice_id"] = invoice ?? reference, ["description"] = "Order 42", ["amount"] = Amount("19.99"),
        }),
        ["payment_source"] = new JsonObject
        {
            ["paypal"] = new JsonObject
            {
                ["experience_context"] = new JsonObject
                {
                    ["return_url"] = "https://shop.example.test/back?a=1", ["cancel_url"] = "https://shop.example.test/cancel", ["user_action"] = "PAY_NOW",
                    ["payment_method_preference"] = "IMMEDIATE_PAYMENT_REQUIRED", ["shipping_preference"] = "NO_SHIPPING",
                },
            },
        },
    };

    static string Issue(JsonNode body) => body["details"]?[0]?["issue"]?.ToString() ?? body.ToJsonString();

    static string Rel(JsonNode body, string rel) => body["links"]!.AsArray().Single(l => l!["rel"]!.ToString() == rel)!["href"]!.ToString();

    static StringContent Json(string text, string type = "application/json") => new(text, Encoding.UTF8, type);

    async Task<string> Create(string reference, string? invoice = null) => (await Post(Orders, Order(reference, invoice))).Body["id"]!.ToString();

    async Task<string> Paid(string reference)
    {
        var id = await Create(reference);
        await gateway.Shopper(reference, "paid");
        return (await Capture(id)).Body["purchase_units"]![0]!["payments"]!["captures"]![0]!["id"]!.ToString();
    }

    Task<(int Status, JsonNode Body)> Capture(string id, string key = "capture") => Post($"{Orders}/{id}/capture", null, key: key);

    async Task<string> Verify(Heard heard, string text, string webhookId = WebhookId)
    {
        var head = new JsonObject
        {
            ["auth_algo"] = heard.Headers["PAYPAL-AUTH-ALGO"], ["cert_url"] = heard.Headers["PAYPAL-CERT-URL"],
            ["transmission_id"] = heard.Headers["PAYPAL-TRANSMISSION-ID"], ["transmission_sig"] = heard.Headers["PAYPAL-TRANSMISSION-SIG"],
            ["transmission_time"] = heard.Headers["PAYPAL-TRANSMISSION-TIME"], ["webhook_id"] = webhookId,
        }.ToJsonString();
        var (_, answer, _) = await gateway.Send("POST", "/v1/notifications/verify-webhook-signature",
            Json($"{head[..^1]},\"webhook_event\":{text}}}"), ("Authorization", "Bearer " + token));
        return answer!["verification_status"]!.ToString();
    }

    async Task<(int Status, JsonNode Body)> Token(string credentials)
    {
        using var content = new StringContent("grant_type=client_credentials", MediaTypeHeaderValue.Parse("application/x-www-form-urlencoded"));
        var (status, body, _) = await gateway.Send("POST", "/v1/oauth2/token", content, ("Authorization", "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes(credentials))));
        return (status, body!);
    }

    async Task<(int Status, JsonNode Body)> Post(string path, JsonObject? body, string? key = null, string? prefer = "return=representation", string type = "application/json")
    {
        using var content = Json(body?.ToJsonString() ?? "", type);
        var headers = new List<(string, string)> { ("Authorization", "Bearer " + token) };
        if (key is not null) headers.Add(("PayPal-Request-Id", key));
        if (prefer is not null) headers.Add(("Prefer", prefer));
        var (status, answer, _) = await gateway.Send("POST", path, content, [.. headers]);
        return (status, answer!);
    }

    async Task<JsonNode> Get(string path) => (await gateway.Send("GET", path, null, ("Authorization", "Bearer " + token))).Body!;
}
