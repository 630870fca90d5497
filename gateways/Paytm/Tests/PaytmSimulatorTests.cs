using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.WebUtilities;
using Purser.Gateways.Tests.Outside;

namespace Purser.Gateways.Paytm.Tests;

/// <summary>The simulator keeps to the documents; the requests and checksums here are written by hand from them.</summary>
[Verifies(Part.Simulator, By.Document)]
public sealed class PaytmSimulatorTests(World world) : IClassFixture<World>, IAsyncLifetime
{
    const string Mid = "SANDBX00000000000001", Key = "SbxKey#16&Bytes%";

    Gateway gateway = null!;

    public async Task InitializeAsync()
    {
        gateway = await world.Fresh("paytm", Key);
        gateway.Inside.Settings.ShouldBeEmpty();
    }

    public Task DisposeAsync()
    {
        gateway.Dispose();
        return Task.CompletedTask;
    }

    [Fact]
    public async Task An_order_gets_a_token_and_the_token_opens_its_page()
    {
        var answer = await Initiate("one");
        Code(answer).ShouldBe("S 0000");
        (answer["isPromoCodeValid"]!.GetValue<bool>(), answer["authenticated"]!.GetValue<bool>()).ShouldBe((false, false));
        // Of a page that nobody paid on there is no record.
        Code(await Status("one")).ShouldBe("NO_RECORD_FOUND 331");
        var (status, page) = await Show("one", answer["txnToken"]!.ToString());
        status.ShouldBe(200);
        page.ShouldContain("INR 499.00");
        Code(await Status("one")).ShouldBe("NO_RECORD_FOUND 331");
        (await Show("one", "another token")).Status.ShouldBe(400);
        (await Show("two", answer["txnToken"]!.ToString())).Status.ShouldBe(400);
        Code(await Status("nobody")).ShouldBe("NO_RECORD_FOUND 331");
    }

    [Fact]
    public async Task The_checksum_is_over_the_text_of_the_body_as_it_came()
    {
        var spaced = Order("spaced").ToJsonString(new() { WriteIndented = true });
        Code(await Post(InitiatePath("spaced"), spaced, Checksum(spaced))).ShouldBe("S 0000");
        var body = Order("signed").ToJsonString();
        Code(await Post(InitiatePath("signed"), body, Checksum(spaced))).ShouldBe("F 2005");
        Code(await Post(InitiatePath("signed"), body, Checksum(body, key: "AnotherKey16Byte"))).ShouldBe("F 2005");
        Code(await Post("/v3/order/status", """{"mid":"x","orderId":"y"}""", "")).ShouldBe("TXN_FAILURE 330");
        Code(await Post("/refund/apply", "{}", "none")).ShouldBe("TXN_FAILURE 330");
        gateway.Inside.Dialect.Links().Count().ShouldBe(1);
    }

    [Theory]
    [InlineData("orderId", "\"has space\"", "1001")]
    [InlineData("orderId", "\"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz\"", "1001")]
    [InlineData("requestType", "\"Pay\"", "1001")]
    [InlineData("websiteName", "null", "1007")]
    [InlineData("websiteName", "\"DEFAULT\"", "2005")]
    [InlineData("txnAmount", "{\"value\":499.00,\"currency\":\"INR\"}", "2007")]
    [InlineData("txnAmount", "{\"value\":\"499\",\"currency\":\"INR\"}", "2007")]
    [InlineData("txnAmount", "{\"value\":\"0.99\",\"currency\":\"INR\"}", "2007")]
    [InlineData("txnAmount", "{\"value\":\"499.00\",\"currency\":\"USD\"}", "1001")]
    [InlineData("userInfo", "{}", "1007")]
    [InlineData("userInfo", "{\"custId\":\"a|b\"}", "1008")]
    [InlineData("callbackUrl", "\"back\"", "1001")]
    [InlineData("enablePaymentMode", "[{\"mode\":\"CASH\"}]", "1001")]
    public async Task An_order_that_breaks_a_rule_makes_nothing(string field, string json, string code)
    {
        var body = Order("bad");
        body[field] = JsonNode.Parse(json);
        var id = Uri.EscapeDataString(body["orderId"]!.ToString());
        Code(await Send(InitiatePath(id), body)).ShouldBe($"F {code}");
        gateway.Inside.Dialect.Links().ShouldBeEmpty();
    }

    [Fact]
    public async Task The_address_says_the_same_as_the_body()
    {
        Code(await Send($"/theia/api/v1/initiateTransaction?mid=OTHER&orderId=one", Order("one"))).ShouldBe("F 2013");
        Code(await Send(InitiatePath("two"), Order("one"))).ShouldBe("F 2014");
    }

    [Fact]
    public async Task A_repeat_is_the_same_order_and_another_amount_is_refused()
    {
        var token = (await Initiate("again"))["txnToken"]!.ToString();
        var repeat = await Initiate("again");
        (Code(repeat), repeat["txnToken"]!.ToString()).ShouldBe(("S 0002", token));
        var dear = Order("again");
        dear["txnAmount"]!["value"] = "500.00";
        Code(await Send(InitiatePath("again"), dear)).ShouldBe("F 2023");
        await gateway.Shopper("again", "paid");
        Code(await Initiate("again")).ShouldBe("F 325");
        gateway.Inside.Dialect.Links().Count().ShouldBe(1);
    }

    [Fact]
    public async Task Of_many_that_ask_at_once_one_makes_the_order()
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, 32).Select(_ => Initiate("same")));
        answers.Count(a => Code(a) == "S 0000").ShouldBe(1);
        answers.Count(a => Code(a) == "S 0002").ShouldBe(31);
        answers.Select(a => a["txnToken"]!.ToString()).Distinct().ShouldHaveSingleItem();
    }

    [Fact]
    public async Task A_token_ends_and_asking_again_gives_a_new_one()
    {
        await world.Put("/control/paytm/settings", new { token_minutes = "0" });
        var old = (await Initiate("ended"))["txnToken"]!.ToString();
        await World.Until(() => !gateway.Inside.Dialect.LinkByReference("ended")!.Payable);
        (await Show("ended", old)).Status.ShouldBe(400);
        // Nobody saw the page, so there is nothing to tell of.
        Code(await Status("ended")).ShouldBe("NO_RECORD_FOUND 331");
        (await gateway.Shopper("ended", "paid")).Status.ShouldBe(409);
        await world.Put("/control/paytm/settings", new { token_minutes = "15" });
        var again = await Initiate("ended");
        Code(again).ShouldBe("S 0002");
        again["txnToken"]!.ToString().ShouldNotBe(old);
        (await Show("ended", again["txnToken"]!.ToString())).Status.ShouldBe(200);
        (await gateway.Shopper("ended", "expired")).Status.ShouldBe(200);
        Code(await Status("ended")).ShouldBe("TXN_FAILURE 141");
    }

    [Fact]
    public async Task Paying_returns_by_post_and_tells_a_signed_form()
    {
        await Initiate("paid");
        var (_, result) = await gateway.Shopper("paid", "paid");
        result["return_url"]!.ToString().ShouldBe("https://shop.example.test/back?token=a");
        var back = result["return_form"]!.AsObject().ToDictionary(f => f.Key, f => f.Value!.ToString());
        (back["STATUS"], back["RESPCODE"], back["TXNAMOUNT"], back["CURRENCY"], back["ORDERID"], back["MID"], back["PAYMENTMODE"])
            .ShouldBe(("TXN_SUCCESS", "01", "499.00", "INR", "paid", Mid, "NB"));
        Opens(back["CHECKSUMHASH"], Values(back)).ShouldBeTrue();
        back.ShouldNotContainKey("PRN");
        var heard = (await world.Hear(1))[0];
        heard.Headers["Content-Type"].ShouldBe("application/x-www-form-urlencoded");
        var told = QueryHelpers.ParseQuery(heard.Text).ToDictionary(f => f.Key, f => f.Value.ToString());
        Opens(told["CHECKSUMHASH"], Values(told)).ShouldBeTrue();
        (told["TXNID"], told["CUSTID"], told["STATUS"]).ShouldBe((back["TXNID"], "C-1", "TXN_SUCCESS"));
        var status = await Status("paid");
        (Code(status), status["txnId"]!.ToString(), status["txnAmount"]!.ToString(), status["refundAmt"]!.ToString(), status["paymentMode"]!.ToString())
            .ShouldBe(("TXN_SUCCESS 01", back["TXNID"], "499.00", "0.00", "NB"));
        status["txnId"]!.ToString().ShouldMatch("^[0-9]{35}$");
        var book = await gateway.Book();
        (book.Count, book[0]!["amount"]!.GetValue<long>(), book[0]!["money_id"]!.ToString()).ShouldBe((1, 49900L, back["TXNID"]));
    }

    [Fact]
    public async Task Now_and_then_a_callback_has_a_field_that_nobody_knows_and_it_is_signed_with_the_others()
    {
        await Initiate("first");
        await gateway.Shopper("first", "paid");
        await Initiate("second");
        var form = (await gateway.Shopper("second", "paid")).Body["return_form"]!.AsObject().ToDictionary(f => f.Key, f => f.Value!.ToString());
        form.ShouldContainKey("PRN");
        Opens(form["CHECKSUMHASH"], Values(form)).ShouldBeTrue();
    }

    [Fact]
    public async Task A_payment_can_be_told_as_json_signed_over_the_text_of_its_body()
    {
        await world.Put("/control/paytm/settings", new { webhook = "json" });
        await Initiate("json");
        await gateway.Shopper("json", "paid");
        var heard = (await world.Hear(1))[0];
        heard.Headers["Content-Type"].ShouldStartWith("application/json");
        heard.Json["body"]!["txnAmount"]!.ToString().ShouldBe("499.00");
        Opens(heard.Json["head"]!["signature"]!.ToString(), Body(heard.Text)).ShouldBeTrue();
    }

    [Fact]
    public async Task A_decline_ends_the_order_unless_the_merchant_lets_the_shopper_try_again()
    {
        await Initiate("declined");
        var form = (await gateway.Shopper("declined", "declined")).Body["return_form"]!;
        (form["STATUS"]!.ToString(), form["RESPCODE"]!.ToString()).ShouldBe(("TXN_FAILURE", "227"));
        Code(await Status("declined")).ShouldBe("TXN_FAILURE 227");
        (await gateway.Shopper("declined", "paid")).Status.ShouldBe(409);
        Code(await Initiate("declined")).ShouldBe("F 325");

        await world.Put("/control/paytm/settings", new { retry = "page" });
        await Initiate("retried");
        (await gateway.Shopper("retried", "declined")).Status.ShouldBe(200);
        Code(await Status("retried")).ShouldBe("PENDING 402");
        await gateway.Shopper("retried", "paid");
        Code(await Status("retried")).ShouldBe("TXN_SUCCESS 01");
    }

    [Fact]
    public async Task Who_gives_up_has_not_completed_and_several_fields_are_missing()
    {
        await Initiate("left");
        var (_, result) = await gateway.Shopper("left", "cancelled");
        var form = result["return_form"]!.AsObject().ToDictionary(f => f.Key, f => f.Value!.ToString());
        form.Keys.Order(StringComparer.Ordinal).ShouldBe(
            ["BANKNAME", "BANKTXNID", "CHECKSUMHASH", "CURRENCY", "GATEWAYNAME", "MID", "ORDERID", "RESPCODE", "RESPMSG", "STATUS", "TXNAMOUNT"]);
        Opens(form["CHECKSUMHASH"], $"||INR||{Mid}|left|141|User has not completed transaction.|TXN_FAILURE|499.00").ShouldBeTrue();
        Code(await Status("left")).ShouldBe("TXN_FAILURE 141");
    }

    [Theory]
    [InlineData("paid_pending", "TXN_SUCCESS 01")]
    [InlineData("pending_then_failed", "TXN_FAILURE 227")]
    [InlineData("paid_late", "TXN_SUCCESS 01")]
    public async Task What_the_bank_says_later_is_told_later(string outcome, string end)
    {
        await Initiate("later");
        world.StandStill();
        var (_, result) = await gateway.Shopper("later", outcome);
        result["return_form"]!["STATUS"]!.ToString().ShouldBe("PENDING");
        Code(await Status("later")).ShouldBe("PENDING 402");
        world.Resume();
        await World.Until(async () => Code(await Status("later")) == end);
        (await gateway.Book()).Count.ShouldBe(end == "TXN_SUCCESS 01" ? 1 : 0);
        (await world.Hear(1))[0].Text.ShouldContain(end.Split(' ')[0]);
    }

    [Fact]
    public async Task An_order_takes_one_payment_and_the_status_call_can_be_down()
    {
        await Initiate("twice");
        (await gateway.Shopper("twice", "paid_twice")).Status.ShouldBe(409);
        await gateway.Shopper("twice", "wrong_amount");
        (await Status("twice"))["txnAmount"]!.ToString().ShouldBe("498.99");
        await world.Put("/control/paytm/settings", new { status = "501" });
        Code(await Status("twice")).ShouldBe("TXN_FAILURE 501");
        Code(await Status("has space")).ShouldBe("TXN_FAILURE 334");
        Code(await Send("/v3/order/status", new() { ["mid"] = "OTHER", ["orderId"] = "twice" })).ShouldBe("TXN_FAILURE 335");
    }

    [Fact]
    public async Task A_refund_is_accepted_then_credited_and_told_each_time()
    {
        var paid = await Paid("back");
        world.StandStill();
        var asked = await Refund("back", paid, "r1", "100.00");
        (Code(asked), asked["refundAmount"]!.ToString(), asked["refId"]!.ToString()).ShouldBe(("PENDING 601", "100.00", "r1"));
        Code(await Refund("back", paid, "r1", "100.00")).ShouldBe("TXN_FAILURE 617");
        Code(await Refund("back", paid, "r2", "100.00")).ShouldBe("TXN_FAILURE 626");
        Code(await RefundStatus("back", "r1")).ShouldBe("PENDING 601");
        world.Resume();
        await World.Until(async () => Code(await RefundStatus("back", "r1")) == "TXN_SUCCESS 10");
        var done = await RefundStatus("back", "r1");
        (done["totalRefundAmount"]!.ToString(), done["userCreditInitiateStatus"]!.ToString()).ShouldBe(("100.00", "SUCCESS"));
        Code(await Refund("back", paid, "r1", "100.00")).ShouldBe("TXN_FAILURE 629");
        (await Status("back"))["refundAmt"]!.ToString().ShouldBe("100.00");
        var news = await world.Hear(2, h => h.Text.StartsWith('{'));
        foreach (var one in news) Opens(one.Json["head"]!["signature"]!.ToString(), Body(one.Text)).ShouldBeTrue();
        // Two messages that are on their way together may overtake each other.
        news.ShouldContain(n => n.Json["body"]!["acceptRefundTimestamp"] != null);
        news.Select(n => n.Json["body"]!["refundDetailInfoList"]?[0]?["refundType"]?.ToString()).ShouldContain("TO_SOURCE");
        var book = await gateway.Book();
        (book.Count, book[1]!["kind"]!.ToString(), book[1]!["amount"]!.GetValue<long>()).ShouldBe((2, "refunded", 10000L));
        // The bank's number follows.
        (await world.Hear(1, h => h.Text.Contains("ARN=", StringComparison.Ordinal) && h.Text.Contains("REFID=r1", StringComparison.Ordinal))).ShouldNotBeEmpty();
    }

    [Theory]
    [InlineData("limits", "400000000", "1.00", "627")]
    [InlineData("nobody", null, "1.00", "631")]
    [InlineData("limits", null, "499.01", "619")]
    [InlineData("limits", null, "1", "619")]
    [InlineData("limits", null, "0.99", "635")]
    public async Task A_refund_that_breaks_a_rule_moves_nothing(string order, string? txnId, string amount, string code)
    {
        var paid = await Paid("limits");
        Code(await Refund(order, txnId ?? paid, "r1", amount)).ShouldBe($"TXN_FAILURE {code}");
        Code(await RefundStatus(order, "r1")).ShouldBe("TXN_FAILURE 631");
    }

    [Theory]
    [InlineData("failure", "TXN_FAILURE 600", 1)]
    [InlineData("bank", "TXN_SUCCESS 10", 2)]
    public async Task A_refund_can_fail_or_be_pending_under_the_word_of_a_failure(string how, string end, int movements)
    {
        await world.Put("/control/paytm/settings", new { refund = how });
        var paid = await Paid("hard");
        Code(await Refund("hard", paid, "r1", "499.00")).ShouldBe(how == "bank" ? "TXN_FAILURE 628" : "PENDING 601");
        await World.Until(async () => Code(await RefundStatus("hard", "r1")) == end);
        (await gateway.Book()).Count.ShouldBe(movements);
        if (how == "bank") return;
        await world.Put("/control/paytm/settings", new { refund = "balance" });
        Code(await Refund("hard", paid, "r2", "499.00")).ShouldBe("TXN_FAILURE 620");
    }

    [Fact]
    public async Task Money_that_never_came_is_not_refunded()
    {
        await Initiate("declined");
        var form = (await gateway.Shopper("declined", "declined")).Body["return_form"]!;
        Code(await Refund("declined", form["TXNID"]!.ToString(), "r1", "1.00")).ShouldBe("TXN_FAILURE 607");
    }

    [Fact]
    public async Task A_settlement_lists_each_movement_with_commission_and_tax_apart()
    {
        var today = gateway.Inside.Now.ToOffset(new TimeSpan(5, 30, 0)).ToString("yyyy-MM-dd");
        var none = await List(today, today, 1);
        (none["status"]!.ToString(), none["totalCount"]!.GetValue<int>()).ShouldBe(("RECORD_NOT_FOUND", 0));
        var paid = await Paid("settled");
        await Refund("settled", paid, "r1", "100.00");
        await World.Until(async () => (await gateway.Book()).Count == 2);
        var told = await List(today, today, 1);
        (told["status"]!.ToString(), told["resultCode"]!.ToString(), told["paginatorTotalPage"]!.GetValue<int>()).ShouldBe(("SUCCESS", "00000000", 1));
        var row = told["settlementDetailList"]![0]!;
        (row["txnType"]!.ToString(), row["txnId"]!.ToString(), row["orderId"]!.ToString(), row["txnAmount"]!.ToString(), row["commission"]!.ToString(),
            row["gst"]!.ToString(), row["settleAmount"]!.ToString()).ShouldBe(("ACQUIRING", paid, "settled", "499.00", "8.98", "1.62", "488.40"));
        var back = told["settlementDetailList"]![1]!;
        (back["txnType"]!.ToString(), back["settleAmount"]!.ToString()).ShouldBe(("REFUND", "-100.00"));
        (await List(today, today, 1, key: "AnotherKey16Byte"))["resultCode"]!.ToString().ShouldBe("00000022");
        (await List(today, today, 1, size: 21))["resultCode"]!.ToString().ShouldBe("00000031");
        (await List("2026-01-01", "2026-01-05", 1))["resultCode"]!.ToString().ShouldBe("00000031");
        var file = await world.Control.GetStringAsync(new Uri("/control/paytm/settlement", UriKind.Relative));
        file.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length.ShouldBe(3);
        file.ShouldStartWith("txnType,txnId,orderId,txnDate,txnAmount,commission,gst,settleAmount,utr,payoutDate,paymentMode\nACQUIRING,");
    }

    static JsonObject Order(string id) => new()
    {
        ["requestType"] = "Payment",
        ["mid"] = Mid,
        ["websiteName"] = "WEBSTAGING",
        ["orderId"] = id,
        ["callbackUrl"] = "https://shop.example.test/back?token=a",
        ["txnAmount"] = new JsonObject { ["value"] = "499.00", ["currency"] = "INR" },
        ["userInfo"] = new JsonObject { ["custId"] = "C-1" },
        ["enablePaymentMode"] = new JsonArray(new JsonObject { ["mode"] = "NET_BANKING" }),
    };

    static string InitiatePath(string id) => $"/theia/api/v1/initiateTransaction?mid={Mid}&orderId={id}";

    Task<JsonNode> Initiate(string id) => Send(InitiatePath(id), Order(id));

    Task<JsonNode> Status(string id) => Send("/v3/order/status", new() { ["mid"] = Mid, ["orderId"] = id });

    Task<JsonNode> Refund(string order, string txnId, string refId, string amount) => Send("/refund/apply", new()
    {
        ["mid"] = Mid,
        ["txnType"] = "REFUND",
        ["orderId"] = order,
        ["txnId"] = txnId,
        ["refId"] = refId,
        ["refundAmount"] = amount,
    });

    Task<JsonNode> RefundStatus(string order, string refId) => Send("/v2/refund/status", new() { ["mid"] = Mid, ["orderId"] = order, ["refId"] = refId });

    async Task<string> Paid(string id)
    {
        await Initiate(id);
        return (await gateway.Shopper(id, "paid")).Body["money_ids"]![0]!.ToString();
    }

    static string Code(JsonNode body) => $"{body["resultInfo"]!["resultStatus"]} {body["resultInfo"]!["resultCode"]}";

    Task<JsonNode> Send(string path, JsonObject body) => Post(path, body.ToJsonString(), Checksum(body.ToJsonString()));

    /// <summary>The body of the answer, whose own checksum is checked.</summary>
    async Task<JsonNode> Post(string path, string body, string signature)
    {
        using var content = new StringContent($$"""{"head":{"signature":"{{signature}}"},"body":{{body}}}""", Encoding.UTF8, "application/json");
        using var answer = await gateway.Http.PostAsync(new Uri(path, UriKind.Relative), content);
        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        var text = await answer.Content.ReadAsStringAsync();
        var told = JsonNode.Parse(text)!;
        Opens(told["head"]!["signature"]!.ToString(), Body(text)).ShouldBeTrue();
        return told["body"]!;
    }

    async Task<(int Status, string Page)> Show(string id, string token)
    {
        using var form = new FormUrlEncodedContent([new("mid", Mid), new("orderId", id), new("txnToken", token)]);
        using var answer = await gateway.Http.PostAsync(new Uri($"/theia/api/v1/showPaymentPage?mid={Mid}&orderId={id}", UriKind.Relative), form);
        return ((int)answer.StatusCode, WebUtility.HtmlDecode(await answer.Content.ReadAsStringAsync()));
    }

    async Task<JsonNode> List(string from, string to, int page, string key = Key, int size = 20)
    {
        var body = new JsonObject { ["MID"] = Mid, ["utrProcessedStartTime"] = from, ["utrProcessedEndTime"] = to, ["pageNum"] = page, ["pageSize"] = size };
        body["checksumHash"] = Checksum($"{Mid}|{page}|{size}|{to}|{from}", key);
        using var content = new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json");
        using var answer = await gateway.Http.PostAsync(new Uri("/merchant-settlement-service/settlement/list", UriKind.Relative), content);
        return JsonNode.Parse(await answer.Content.ReadAsStringAsync())!;
    }

    static string Values(Dictionary<string, string> form) =>
        string.Join('|', form.Keys.Where(k => k != "CHECKSUMHASH").Order(StringComparer.Ordinal).Select(k => form[k]));

    /// <summary>The simulator writes the head first, and then the body to the end.</summary>
    static string Body(string envelope) => envelope[(envelope.IndexOf("\"body\":", StringComparison.Ordinal) + 7)..^1];

    static string Checksum(string text, string key = Key)
    {
        using var aes = Aes.Create();
        aes.Key = Encoding.ASCII.GetBytes(key);
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text + "|Sa1+"))) + "Sa1+";
        return Convert.ToBase64String(aes.EncryptCbc(Encoding.ASCII.GetBytes(hash), Encoding.ASCII.GetBytes("@@@@&&&&####$$$$")));
    }

    static bool Opens(string signature, string text, string key = Key)
    {
        using var aes = Aes.Create();
        aes.Key = Encoding.ASCII.GetBytes(key);
        signature.Length.ShouldBe(108);
        var plain = Encoding.ASCII.GetString(aes.DecryptCbc(Convert.FromBase64String(signature), Encoding.ASCII.GetBytes("@@@@&&&&####$$$$")));
        return plain[..64] == Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{text}|{plain[64..]}")));
    }
}
