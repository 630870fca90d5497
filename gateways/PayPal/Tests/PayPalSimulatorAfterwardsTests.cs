using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Purser.Gateways.Tests.Contract;
using Purser.Gateways.Tests.Line;
using Purser.Gateways.Tests.Outside;
using Purser.Sandbox.PayPal;

namespace Purser.Gateways.PayPal.Tests;

/// <summary>Refunds, webhooks, reports and the page, by hand from the documents.</summary>
[Verifies(Part.Simulator, By.Document)]
public sealed class PayPalSimulatorAfterwardsTests(World world) : PayPalSimulatorSession(world)
{
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
        (await Gateway.Book()).Where(m => m!["kind"]!.ToString() == "refunded").Sum(m => m!["amount"]!.GetValue<long>()).ShouldBe(1999);
        var refunds = await World.Hear(2, d => d.Json["event_type"]!.ToString() == "PAYMENT.CAPTURE.REFUNDED");
        // Each is about the refund; the capture stands in the link upwards.
        var told = refunds.Select(d => d.Json["resource"]!).Single(r => r["id"]!.ToString() == refund["id"]!.ToString());
        Rel(told, "up").ShouldEndWith("/v2/payments/captures/" + capture);
    }

    [Theory]
    [InlineData("completed", "COMPLETED", "PAYMENT.CAPTURE.REFUNDED")]
    [InlineData("failed", "FAILED", "PAYMENT.REFUND.FAILED")]
    public async Task A_refund_may_take_its_time(string outcome, string end, string told)
    {
        var capture = await Paid("one");
        await World.Put("/control/paypal/settings", new { refund_delay_minutes = "10", refund_outcome = outcome });
        var (_, refund) = await Post($"/v2/payments/captures/{capture}/refund", []);
        refund["status"]!.ToString().ShouldBe("PENDING");
        await World.Hear(1, d => d.Json["event_type"]!.ToString() == told);
        (await Get($"/v2/payments/refunds/{refund["id"]}"))["status"]!.ToString().ShouldBe(end);
        (await Gateway.Book()).Count(m => m!["kind"]!.ToString() == "refunded").ShouldBe(end == "COMPLETED" ? 1 : 0);
    }

    [Fact]
    public async Task A_webhook_verifies_offline_with_the_certificate_that_it_names_and_online_from_its_bytes()
    {
        await Create("nämé");
        await Gateway.Shopper("nämé", "paid");
        var heard = (await World.Hear(1))[0];
        heard.Text.ShouldContain("nämé");
        var file = new X509Certificate2Collection();
        file.ImportFromPem(await Gateway.Http.GetStringAsync(new Uri(heard.Headers["PAYPAL-CERT-URL"])));
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
        await Gateway.Fault(new { call = "webhook", fault = "forge", instead = true });
        await Gateway.Shopper("one", "paid");
        var forged = (await World.Hear(1))[0];
        (await Verify(forged, forged.Text)).ShouldBe("FAILURE");

        await World.Put("/control/paypal/settings", new { certificate = "rogue" });
        await Create("two");
        await Gateway.Shopper("two", "paid");
        var rogue = (await World.Hear(2))[1];
        (await Verify(rogue, rogue.Text)).ShouldBe("FAILURE");
        using var leaf = X509Certificate2.CreateFromPem(await Gateway.Http.GetStringAsync(new Uri(rogue.Headers["PAYPAL-CERT-URL"])));
        leaf.Subject.ShouldContain("messageverificationcerts");
        leaf.Subject.ShouldBe(leaf.Issuer);
    }

    [Fact]
    public async Task The_search_tells_what_moved_page_by_page_with_signs()
    {
        var capture = await Paid("one");
        await Paid("two");
        await Post($"/v2/payments/captures/{capture}/refund", new() { ["amount"] = Amount("5.00"), ["custom_id"] = "rf_1" });
        var now = Gateway.Inside.Now;
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
        await World.Put("/control/paypal/settings", new { reporting_lag_minutes = "180" });
        (await Get(path))["total_items"]!.GetValue<int>().ShouldBe(0);
    }

    [Theory]
    [InlineData("paid_pending", "COMPLETED", "S")]
    [InlineData("pending_then_failed", "DENIED", "D")]
    public async Task The_search_shows_a_pending_capture_under_the_day_on_which_it_began_until_it_is_decided(string outcome, string told, string status)
    {
        var settled = await Paid("settled");
        var id = await Create("slow");
        World.StandStill();
        await Gateway.Shopper("slow", outcome);
        var capture = (await Capture(id, "slow")).Body["purchase_units"]![0]!["payments"]!["captures"]![0]!["id"]!.ToString();
        var day = DateOnly.FromDateTime(Gateway.Inside.Now.UtcDateTime);
        var path = $"/v1/reporting/transactions?start_date={day.AddDays(-1):yyyy-MM-dd}T00:00:00Z&end_date={day.AddDays(1):yyyy-MM-dd}T23:59:59Z&fields=transaction_info";
        async Task<List<JsonNode>> Rows(string more = "") => [.. (await Get(path + more))["transaction_details"]!.AsArray().Select(r => r!["transaction_info"]!)];
        static List<(string, string)> Told(List<JsonNode> rows) => [.. rows.Select(r => (r["transaction_id"]!.ToString(), r["transaction_status"]!.ToString()))];
        // What the adapter makes of it: what is settled, and that the day is to be asked for again.
        async Task<(List<string>, bool)> Read()
        {
            var said = (await Get(path)).ToJsonString();
            var network = new ScriptedNetwork(sent => ScriptedNetwork.Answer(sent.Path == "/v1/oauth2/token" ? """{"access_token":"a","token_type":"Bearer","expires_in":60}""" : said));
            var account = new GatewayAccount("shop", "paypal", new Uri("http://127.0.0.1:1"), ImmutableDictionary<string, string>.Empty.Add("client_id", "a").Add("client_secret", "b"));
            var gateway = new PayPalGateway();
            var done = (await gateway.ReadSettlement(new SettlementCall(account, day, null), new GatewayLines(network, new ManualTime()).Open(account, gateway.Profile), default)).ShouldBeOfType<SettlementAnswer.Done>();
            return ([.. done.Lines.Select(l => l.RowKey)], done.IsUndecided);
        }

        var before = await Rows();
        Told(before).ShouldBe([(settled, "S"), (capture, "P")]);
        (before[1]["transaction_amount"]!["value"]!.ToString(), before[1]["fee_amount"]).ShouldBe(("19.99", null));
        Told(await Rows("&transaction_status=P")).ShouldBe([(capture, "P")]);
        Told(await Rows("&transaction_status=S")).ShouldBe([(settled, "S")]);
        (await World.Control.GetStringAsync(new Uri("/control/paypal/settlement", UriKind.Relative))).ShouldNotContain(capture);
        var (lines, undecided) = await Read();
        lines.ShouldBe([settled]);
        undecided.ShouldBeTrue();

        World.Resume();
        await World.Hear(1, d => d.Json["event_type"]!.ToString() == $"PAYMENT.CAPTURE.{told}" && d.Json["resource"]!["id"]!.ToString() == capture);
        var after = await Rows();
        Told(after).ShouldBe([(settled, "S"), (capture, status)]);
        after[1]["transaction_initiation_date"]!.ToString().ShouldBe(before[1]["transaction_initiation_date"]!.ToString());
        (after[1]["fee_amount"]?["value"]?.ToString()).ShouldBe(status == "S" ? "-0.84" : null);
        (lines, undecided) = await Read();
        lines.ShouldBe(status == "S" ? [settled, capture] : [settled]);
        undecided.ShouldBeFalse();
        var report = await World.Control.GetStringAsync(new Uri("/control/paypal/settlement", UriKind.Relative));
        report.Contains(capture, StringComparison.Ordinal).ShouldBe(status == "S");
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
        await Gateway.Shopper("yen", "paid");
        await Capture(order["id"]!.ToString());
        var rows = (await World.Control.GetStringAsync(new Uri("/control/paypal/settlement", UriKind.Relative))).Split("\r\n");
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
        await Gateway.Shopper("one", "paid");
        var (status, body, headers) = await Gateway.Send("POST", $"{Orders}/{id}/capture", Json(""), ("Authorization", "Bearer " + AccessToken),
            ("PayPal-Mock-Response", """{"mock_application_codes":"TRANSACTION_REFUSED"}"""));
        (status, Issue(body!)).ShouldBe((422, "TRANSACTION_REFUSED"));
        headers.GetValues("Paypal-Debug-Id").Single().ShouldBe(body!["debug_id"]!.ToString());
        (await Gateway.Book()).ShouldBeEmpty();
    }

    [Fact]
    public async Task The_payers_page_is_found_by_the_documented_address()
    {
        var id = await Create("one");
        var page = await Gateway.Http.GetStringAsync(new Uri($"/checkoutnow?token={id}", UriKind.Relative));
        page.ShouldContain("EUR 19.99");
        (await Gateway.Http.GetAsync(new Uri("/checkoutnow?AccessToken=NOBODY", UriKind.Relative))).StatusCode.ShouldBe(System.Net.HttpStatusCode.NotFound);
    }
}
