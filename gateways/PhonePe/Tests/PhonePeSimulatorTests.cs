using System.Text;
using System.Text.Json.Nodes;
using Purser.Gateways.Tests.Outside;
using Purser.Sandbox.PhonePe;

namespace Purser.Gateways.PhonePe.Tests;

/// <summary>The simulator keeps to the document; it is spoken to with requests written by hand.</summary>
[Verifies(Part.Simulator, By.Document)]
public sealed class PhonePeSimulatorTests(World world) : IClassFixture<World>, IAsyncLifetime
{
    const string Back = "https://shop.example.test/cb/phonepe?a=1";

    Gateway gateway = null!;
    string token = "";

    public async Task InitializeAsync()
    {
        gateway = await world.Fresh("phonepe", "hook_user:Hook2026");
        token = (await AskToken()).Body!["access_token"]!.ToString();
    }

    public Task DisposeAsync()
    {
        gateway.Dispose();
        return Task.CompletedTask;
    }

    [Fact]
    public async Task A_token_is_given_for_the_credentials_and_the_version()
    {
        var (status, body, _) = await AskToken();
        status.ShouldBe(200);
        body!["token_type"]!.ToString().ShouldBe("O-Bearer");
        (body["expires_at"]!.GetValue<long>() - body["issued_at"]!.GetValue<long>()).ShouldBe(3600);
        foreach (var (field, value) in new[] { ("client_secret", "wrong"), ("client_version", "2"), ("client_id", "") })
        {
            var (refused, no, _) = await AskToken(field, value);
            refused.ShouldBe(400);
            (no!["errorCode"]!.ToString(), no["code"]!.ToString()).ShouldBe(("OIM000", "INVALID_CLIENT"));
        }
        (await AskToken("grant_type", "password")).Status.ShouldBe(400);
    }

    [Fact]
    public async Task A_call_needs_a_live_token_under_its_own_scheme()
    {
        (await Get("/checkout/v2/order/x/status", "Bearer " + token)).Status.ShouldBe(401);
        (await Get("/checkout/v2/order/x/status", "O-Bearer " + token[..^1] + "g")).Status.ShouldBe(401);
        (await Get("/checkout/v2/order/x/status", null)).Body!["errorCode"]!.ToString().ShouldBe("PR004");
        (await Get("/checkout/v2/order/x/status", "O-Bearer " + token)).Status.ShouldBe(404);
        await world.Put("/control/phonepe/settings", new { token_seconds = "0" });
        var dead = (await AskToken()).Body!["access_token"]!.ToString();
        (await Get("/checkout/v2/order/x/status", "O-Bearer " + dead)).Status.ShouldBe(401);
    }

    [Fact]
    public async Task An_order_is_made_once_and_read_by_the_merchants_name_below_every_base()
    {
        var (status, made) = await Create("one");
        status.ShouldBe(200);
        made["state"]!.ToString().ShouldBe("PENDING");
        made["orderId"]!.ToString().ShouldMatch("^OMO[0-9]{19}$");
        (made["expireAt"]!.GetValue<long>() - gateway.Inside.Now.ToUnixTimeMilliseconds()).ShouldBeInRange(1_190_000, 1_200_000);
        foreach (var prefix in new[] { "", "/apis/pg-sandbox", "/apis/pg" })
            (await Get($"{prefix}/checkout/v2/order/one/status")).Body!["orderId"]!.ToString().ShouldBe(made["orderId"]!.ToString());
        var (again, no) = await Create("one");
        (again, no["code"]!.ToString()).ShouldBe((400, "BAD_REQUEST"));
        await world.Put("/control/phonepe/settings", new { duplicate_order = "conflict" });
        (again, no) = await Create("one");
        (again, no["code"]!.ToString()).ShouldBe((409, "INVALID_TRANSACTION_ID"));
        (await Get("/checkout/v2/order/nobody/status")).Status.ShouldBe(404);
    }

    [Theory]
    [InlineData("amount", "\"49900\"", "whole number")]
    [InlineData("amount", "499.5", "whole number")]
    [InlineData("amount", "99", "at least 100")]
    [InlineData("amount", null, "whole number")]
    [InlineData("merchantOrderId", "\"a b\"", "letters, digits")]
    [InlineData("merchantOrderId", "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"", "at most 63")]
    [InlineData("expireAfter", "299", "300 to 3600")]
    [InlineData("expireAfter", "3601", "300 to 3600")]
    [InlineData("metaInfo", "{\"udf11\":\"a|b\"}", "udf11")]
    [InlineData("paymentFlow", "{\"type\":\"PAYLINK\"}", "PG_CHECKOUT")]
    [InlineData("paymentFlow", "{\"type\":\"PG_CHECKOUT\"}", "redirectUrl")]
    [InlineData("disablePaymentRetry", "\"yes\"", "boolean")]
    public async Task An_order_that_breaks_a_rule_is_refused(string field, string? value, string why)
    {
        var asked = Asked("bad");
        if (value is null) asked.Remove(field);
        else asked[field] = JsonNode.Parse(value);
        var (status, body) = await Post("/checkout/v2/pay", asked);
        (status, body["code"]!.ToString()).ShouldBe((400, "BAD_REQUEST"));
        body["message"]!.ToString().ShouldContain(why);
        (await Get("/checkout/v2/order/bad/status")).Status.ShouldBe(404);
    }

    [Fact]
    public async Task Of_many_that_ask_at_once_with_one_name_one_gets_an_order()
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, 64).Select(_ => Create("same")));
        answers.Count(a => a.Status == 200).ShouldBe(1);
        answers.Where(a => a.Status != 200).ShouldAllBe(a => a.Status == 400);
    }

    [Fact]
    public async Task Paying_tells_one_event_and_returns_to_the_address_as_it_was_given()
    {
        await Create("paid");
        var (_, result) = await gateway.Shopper("paid", "paid");
        result["return_url"]!.ToString().ShouldBe(Back);
        var money = result["money_ids"]![0]!.ToString();
        var news = (await world.Hear(1)).ShouldHaveSingleItem();
        news.Headers["Authorization"].ShouldBe(PhonePeDialect.WebhookHeader("hook_user:Hook2026"));
        (news.Json["type"]!.ToString(), news.Json["event"]!.ToString()).ShouldBe(("CHECKOUT_ORDER_COMPLETED", "checkout.order.completed"));
        var payload = news.Json["payload"]!;
        (payload["merchantOrderId"]!.ToString(), payload["state"]!.ToString(), payload["amount"]!.GetValue<long>()).ShouldBe(("paid", "COMPLETED", 49900));
        payload["metaInfo"]!["udf1"]!.ToString().ShouldBe("att_01");
        payload["paymentDetails"]![0]!["transactionId"]!.ToString().ShouldBe(money);
        var read = (await Get("/checkout/v2/order/paid/status")).Body!;
        (read["state"]!.ToString(), read["payableAmount"]!.GetValue<long>()).ShouldBe(("COMPLETED", 49900));
        (await Get($"/checkout/v2/transaction/{money}/status")).Body!["paymentDetails"]![0]!["state"]!.ToString().ShouldBe("COMPLETED");
        var book = await gateway.Book();
        (book.Count, book[0]!["amount"]!.GetValue<long>(), book[0]!["money_id"]!.ToString()).ShouldBe((1, 49900, money));
        (await gateway.Shopper("paid", "paid")).Status.ShouldBe(409);
        (await gateway.Shopper("paid", "paid_twice")).Status.ShouldBe(409);
    }

    [Fact]
    public async Task A_failed_try_is_no_failed_order_unless_no_second_try_was_wanted()
    {
        await Create("open");
        (await gateway.Shopper("open", "declined")).Body["return_url"].ShouldBeNull();
        var news = (await world.Hear(1))[0].Json;
        news["event"]!.ToString().ShouldBe("checkout.transaction.attempt.failed");
        news["payload"]!["state"]!.ToString().ShouldBe("PENDING");
        news["payload"]!["paymentDetails"]![0]!["detailedErrorCode"]!.ToString().ShouldBe("Z9");
        await gateway.Shopper("open", "declined_then_paid");
        var all = (await Get("/checkout/v2/order/open/status?details=true")).Body!["paymentDetails"]!.AsArray();
        all.Select(t => t!["state"]!.ToString()).ShouldBe(["FAILED", "FAILED", "COMPLETED"]);
        (await Get("/checkout/v2/order/open/status?details=false")).Body!["paymentDetails"]!.AsArray().Count.ShouldBe(1);

        var strict = Asked("strict");
        strict["disablePaymentRetry"] = true;
        await Post("/checkout/v2/pay", strict);
        (await gateway.Shopper("strict", "declined")).Body["return_url"]!.ToString().ShouldBe(Back);
        await world.Hear(1, n => n.Json["event"]!.ToString() == "checkout.order.failed");
        var read = (await Get("/checkout/v2/order/strict/status?errorContext=true")).Body!;
        (read["state"]!.ToString(), read["errorContext"]!["detailedErrorCode"]!.ToString()).ShouldBe(("FAILED", "Z9"));
        (await Get("/checkout/v2/order/strict/status")).Body!["errorContext"].ShouldBeNull();
        (await gateway.Shopper("strict", "paid")).Status.ShouldBe(409);
    }

    [Fact]
    public async Task An_order_whose_time_is_over_has_failed_by_itself_and_takes_no_money()
    {
        await Create("over");
        await gateway.Shopper("over", "expired");
        var told = (await world.Hear(1))[0].Json;
        told["event"]!.ToString().ShouldBe("checkout.order.failed");
        var read = (await Get("/checkout/v2/order/over/status?errorContext=true")).Body!;
        (read["state"]!.ToString(), read["errorCode"]!.ToString(), read["detailedErrorCode"]!.ToString())
            .ShouldBe(("FAILED", "TXN_NOT_COMPLETED", "TXN_AUTO_FAILED"));
        read["expireAt"]!.GetValue<long>().ShouldBeLessThanOrEqualTo(gateway.Inside.Now.ToUnixTimeMilliseconds());
        (await gateway.Shopper("over", "paid")).Status.ShouldBe(409);
        (await gateway.Book()).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_bank_that_is_silent_answers_in_the_end_and_late_money_counts_unless_it_is_reversed()
    {
        await Create("p1");
        await Create("p2");
        await Create("p3");
        world.StandStill();
        (await gateway.Shopper("p1", "paid_pending")).Body["return_url"]!.ToString().ShouldBe(Back);
        (await Get("/checkout/v2/order/p1/status")).Body!["paymentDetails"]![0]!["state"]!.ToString().ShouldBe("PENDING");
        await gateway.Shopper("p2", "pending_then_failed");
        await gateway.Shopper("p3", "paid_late");
        await gateway.Shopper("p3", "expired");
        world.Resume();
        await world.Hear(2, n => n.Json["event"]!.ToString() == "checkout.order.completed");
        (await Get("/checkout/v2/order/p3/status")).Body!["state"]!.ToString().ShouldBe("COMPLETED");
        (await Get("/checkout/v2/order/p2/status")).Body!["state"]!.ToString().ShouldBe("PENDING");
        (await gateway.Book()).Count.ShouldBe(2);

        await world.Put("/control/phonepe/settings", new { late_money = "reversed" });
        await Create("p4");
        world.StandStill();
        await gateway.Shopper("p4", "paid_late");
        await gateway.Shopper("p4", "expired");
        world.Resume();
        await Create("p5");
        await gateway.Shopper("p5", "paid_pending");
        await world.Hear(3, n => n.Json["event"]!.ToString() == "checkout.order.completed");
        (await gateway.Book()).Select(m => m!["reference"]!.ToString()).ShouldNotContain("p4");
    }

    [Fact]
    public async Task A_refund_is_accepted_and_then_done_and_only_one_is_under_way()
    {
        await Create("back");
        (await AskRefund("RF1", "back", 10000)).Status.ShouldBe(400);
        await gateway.Shopper("back", "paid");
        world.StandStill();
        var (status, body) = await AskRefund("RF1", "back", 10000);
        (status, body["state"]!.ToString(), body["amount"]!.GetValue<long>()).ShouldBe((200, "PENDING", 10000));
        (await AskRefund("RF1", "back", 10000)).Status.ShouldBe(400);
        (await AskRefund("RF2", "back", 10000)).Body["message"]!.ToString().ShouldContain("under way");
        world.Resume();
        await world.Hear(1, n => n.Json["event"]!.ToString() == "pg.refund.completed");
        await world.Hear(1, n => n.Json["event"]!.ToString() == "pg.refund.accepted");
        var read = (await Get("/payments/v2/refund/RF1/status")).Body!;
        (read["state"]!.ToString(), read["originalMerchantOrderId"]!.ToString()).ShouldBe(("COMPLETED", "back"));
        (await AskRefund("RF2", "back", 39901)).Body["message"]!.ToString().ShouldContain("left to refund");
        (await AskRefund("RF2", "back", 99)).Status.ShouldBe(400);
        (await AskRefund("RF2", "back", 39900)).Status.ShouldBe(200);
        await world.Hear(2, n => n.Json["event"]!.ToString() == "pg.refund.completed");
        (await AskRefund("RF3", "back", 100)).Status.ShouldBe(400);
        (await AskRefund("RF3", "nobody", 100)).Status.ShouldBe(404);
        (await Get("/payments/v2/refund/RF3/status")).Status.ShouldBe(404);
        (await gateway.Book()).Where(m => m!["kind"]!.ToString() == "refunded").Sum(m => m!["amount"]!.GetValue<long>()).ShouldBe(49900);
    }

    [Fact]
    public async Task A_refund_can_fail_and_the_same_one_can_be_replayed_where_an_account_does_so()
    {
        await world.Put("/control/phonepe/settings", new { refunds = "fail", duplicate_refund = "replay" });
        await Create("back");
        await gateway.Shopper("back", "paid");
        var first = await AskRefund("RF1", "back", 49900);
        (await AskRefund("RF1", "back", 49900)).Body["refundId"]!.ToString().ShouldBe(first.Body["refundId"]!.ToString());
        (await AskRefund("RF1", "back", 49800)).Status.ShouldBe(400);
        var told = (await world.Hear(1, n => n.Json["event"]!.ToString() == "pg.refund.failed"))[0].Json["payload"]!;
        (told["state"]!.ToString(), told["merchantRefundId"]!.ToString()).ShouldBe(("FAILED", "RF1"));
        (await gateway.Book()).Count.ShouldBe(1);
        (await AskRefund("RF2", "back", 49900)).Status.ShouldBe(200);
    }

    [Fact]
    public async Task A_statement_lists_what_moved_and_its_total_is_what_the_query_tells()
    {
        await Create("upi", 50000);
        await Create("card", 49900);
        await gateway.Shopper("upi", "paid");
        await gateway.Shopper("card", "paid");
        await AskRefund("RF1", "upi", 10000);
        await world.Hear(1, n => n.Json["event"]!.ToString() == "pg.refund.completed");
        var text = await world.Control.GetStringAsync("/control/phonepe/settlement");
        var rows = text.Trim().Split('\n').Skip(1).Select(r => r.Split(',')).ToList();
        rows.Select(r => (r[0], r[1], r[5], r[6], r[7], r[8])).ShouldBe([
            ("PAYMENT", "upi", "500.00", "0.00", "0.00", "500.00"),
            ("PAYMENT", "card", "499.00", "8.98", "1.62", "488.40"),
            ("REFUND", "upi", "-100.00", "0.00", "0.00", "-100.00"),
        ]);
        rows[2][4].ShouldStartWith("OMR");
        var settlement = (await Get($"/settlements/v1/{rows[0][10]}/status")).Body!;
        (settlement["state"]!.ToString(), settlement["utr"]!.ToString()).ShouldBe(("PROCESSED", rows[0][9]));
        settlement["amount"]!.GetValue<long>().ShouldBeInRange(48840, 88840);
        (await Get("/settlements/v1/S20000101/status")).Status.ShouldBe(404);
    }

    [Fact]
    public async Task Faults_change_what_is_told_and_not_what_is_true()
    {
        await Create("f");
        await gateway.Fault(
            new { call = "inquire", fault = "wrong_amount" },
            new { call = "inquire", fault = "error_500", status = 503 },
            new { call = "inquire", fault = "malformed" },
            new { call = "webhook", fault = "forge", @event = "checkout.order.completed" });
        (await Get("/checkout/v2/order/f/status")).Body!["amount"]!.GetValue<long>().ShouldBe(49899);
        (await Get("/checkout/v2/order/f/status")).ShouldSatisfyAllConditions(a => a.Status.ShouldBe(503), a => a.Body.ShouldBeNull());
        using (var request = Request(HttpMethod.Get, "/checkout/v2/order/f/status"))
        using (var half = await gateway.Http.SendAsync(request))
        {
            var text = await half.Content.ReadAsStringAsync();
            Should.Throw<System.Text.Json.JsonException>(() => JsonNode.Parse(text));
        }
        await gateway.Shopper("f", "paid");
        var news = await world.Hear(2);
        news.Count(n => n.Headers["Authorization"] == PhonePeDialect.WebhookHeader("hook_user:Hook2026")).ShouldBe(1);
        (await gateway.Book())[0]!["amount"]!.GetValue<long>().ShouldBe(49900);
    }

    [Fact]
    public async Task A_refused_webhook_comes_again_with_the_same_bytes()
    {
        world.EarAnswers = heard => heard == 1 ? 500 : 200;
        await Create("again");
        await gateway.Shopper("again", "paid");
        (await world.Hear(2, n => n.Json["payload"]!["merchantOrderId"]?.ToString() == "again")).Select(n => n.Text).Distinct().ShouldHaveSingleItem();
    }

    [Fact]
    public async Task The_hosted_page_lets_a_person_pay_and_go_back()
    {
        var (_, made) = await Create("page");
        using var browser = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false });
        var url = made["redirectUrl"]!.ToString();
        (await browser.GetStringAsync(url)).ShouldContain("INR 499.00");
        using var form = new FormUrlEncodedContent([new("outcome", "paid")]);
        using var answer = await browser.PostAsync(url, form);
        ((int)answer.StatusCode, answer.Headers.Location!.ToString()).ShouldBe((303, Back));
    }

    [Fact]
    public async Task Many_callers_at_once_each_get_their_own_paid_order()
    {
        var ids = await Task.WhenAll(Enumerable.Range(0, 128).Select(async i =>
        {
            var (_, made) = await Create($"many{i}");
            await gateway.Shopper($"many{i}", "paid");
            return made["orderId"]!.ToString();
        }));
        ids.ShouldBeUnique();
        (await gateway.Book()).Select(m => m!["money_id"]!.ToString()).ShouldBeUnique();
        (await gateway.Book()).Count.ShouldBe(128);
    }

    static JsonObject Asked(string reference, long amount = 49900) => new()
    {
        ["merchantOrderId"] = reference,
        ["amount"] = amount,
        ["expireAfter"] = 1200,
        ["metaInfo"] = new JsonObject { ["udf1"] = "att_01" },
        ["paymentFlow"] = new JsonObject
        {
            ["type"] = "PG_CHECKOUT",
            ["message"] = "Order",
            ["merchantUrls"] = new JsonObject { ["redirectUrl"] = Back },
        },
    };

    Task<(int Status, JsonNode Body)> Create(string reference, long amount = 49900) => Post("/checkout/v2/pay", Asked(reference, amount));

    Task<(int Status, JsonNode Body)> AskRefund(string refund, string order, long amount) => Post("/payments/v2/refund",
        new JsonObject { ["merchantRefundId"] = refund, ["originalMerchantOrderId"] = order, ["amount"] = amount });

    async Task<(int Status, JsonNode? Body, System.Net.Http.Headers.HttpResponseHeaders Headers)> AskToken(string? field = null, string value = "")
    {
        var asked = new Dictionary<string, string>
        {
            ["client_id"] = "SANDBOXMERCHANT_2611",
            ["client_version"] = "1",
            ["client_secret"] = "phonepe-client-secret-sandbox-0123",
            ["grant_type"] = "client_credentials",
        };
        if (field is not null) asked[field] = value;
        using var form = new FormUrlEncodedContent(asked);
        return await gateway.Send("POST", "/v1/oauth/token", form);
    }

    Task<(int Status, JsonNode? Body)> Get(string path) => Get(path, "O-Bearer " + token);

    async Task<(int Status, JsonNode? Body)> Get(string path, string? authorization)
    {
        var (status, body, _) = await gateway.Send("GET", path, null, authorization is null ? [] : [("Authorization", authorization)]);
        return (status, body);
    }

    HttpRequestMessage Request(HttpMethod method, string path)
    {
        var request = new HttpRequestMessage(method, path);
        request.Headers.TryAddWithoutValidation("Authorization", "O-Bearer " + token);
        return request;
    }

    async Task<(int Status, JsonNode Body)> Post(string path, JsonObject asked)
    {
        using var content = new StringContent(asked.ToJsonString(), Encoding.UTF8, "application/json");
        var (status, body, _) = await gateway.Send("POST", path, content, ("Authorization", "O-Bearer " + token));
        return (status, body!);
    }
}
