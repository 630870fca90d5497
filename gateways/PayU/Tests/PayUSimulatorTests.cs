using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.WebUtilities;
using Purser.Gateways.Tests.Outside;

namespace Purser.Gateways.PayU.Tests;

/// <summary>The simulator keeps to the documents; the requests here are written by hand from them.</summary>
[Verifies(Part.Simulator, By.Document)]
public sealed class PayUSimulatorTests(World world) : IClassFixture<World>, IAsyncLifetime
{
    const string Key = "PAYUSB", Salt = "SandboxSalt0123456789abcdefABCDE";

    Gateway gateway = null!;

    public async Task InitializeAsync()
    {
        gateway = await world.Fresh("payu", Salt);
        gateway.Inside.Settings.ShouldBeEmpty();
    }

    public Task DisposeAsync()
    {
        gateway.Dispose();
        return Task.CompletedTask;
    }

    [Fact]
    public async Task A_form_opens_a_page_and_the_transaction_is_known_from_then_on()
    {
        (await Verify("one"))["status"]!.GetValue<int>().ShouldBe(0);
        (await Verify("one"))["msg"]!.ToString().ShouldBe("0 out of 1 Transactions Fetched Successfully");
        (await Detail("one"))["status"]!.ToString().ShouldBe("Not Found");
        var (status, page) = await Post(Form("one"));
        status.ShouldBe(200);
        page.ShouldContain("INR 499.00");
        var told = await Verify("one");
        told["status"]!.GetValue<int>().ShouldBe(1);
        var one = await Detail("one");
        (one["status"]!.ToString(), one["unmappedstatus"]!.ToString(), one["amt"]!.ToString()).ShouldBe(("pending", "initiated", "499.00"));
        one["mihpayid"]!.ToString().ShouldMatch("^4039[0-9]{14}$");
        one["udf5"]!.ToString().ShouldBe("att-1");
        one["udf2"].ShouldBeNull();
    }

    [Theory]
    [InlineData("hash", "00", "hash")]
    [InlineData("amount", "4.99", "hash")]
    [InlineData("key", "OTHER", "key")]
    [InlineData("txnid", "abcdefghijklmnopqrstuvwxyz", "txnid")]
    [InlineData("phone", "+919000000001", "phone")]
    [InlineData("phone", "90000 0000", "phone")]
    [InlineData("surl", "back", "surl")]
    [InlineData("firstname", "", "firstname")]
    public async Task A_form_that_breaks_a_rule_makes_nothing(string field, string value, string why)
    {
        var form = Form("bad");
        form[field] = value;
        var (status, page) = await Post(form);
        status.ShouldBe(400);
        page.ShouldContain(why);
        (await Detail("bad"))["status"]!.ToString().ShouldBe("Not Found");
    }

    [Theory]
    [InlineData("0.99")]
    [InlineData("499.001")]
    [InlineData("499,00")]
    [InlineData("1e3")]
    public async Task An_amount_is_digits_with_two_decimals_and_a_rupee_at_least(string amount)
    {
        (await Post(Form("bad", ("amount", amount)))).Status.ShouldBe(400);
        (await Detail("bad"))["status"]!.ToString().ShouldBe("Not Found");
    }

    [Fact]
    public async Task Paying_returns_by_post_and_tells_a_signed_form()
    {
        await Post(Form("paid"));
        var (_, result) = await gateway.Shopper("paid", "paid");
        result["return_url"]!.ToString().ShouldBe("https://shop.example.test/ok");
        var back = result["return_form"]!.AsObject().ToDictionary(f => f.Key, f => f.Value!.ToString());
        (back["status"], back["unmappedstatus"], back["amount"], back["txnid"], back["error"]).ShouldBe(("success", "captured", "499.00", "paid", "E000"));
        back["hash"].ShouldBe(Sha($"{Salt}|success||||||att-1||||tenant-7|asha@example.test|Asha|Demo order 1|499.00|paid|{Key}"));
        var heard = (await world.Hear(1))[0];
        heard.Headers["Content-Type"].ShouldBe("application/x-www-form-urlencoded");
        var told = QueryHelpers.ParseQuery(heard.Text);
        told["hash"].ToString().ShouldBe(back["hash"]);
        told["mihpayid"].ToString().ShouldBe(back["mihpayid"]);
        told["lastname"].ToString().ShouldBeEmpty();
        (await Detail("paid"))["unmappedstatus"]!.ToString().ShouldBe("captured");
        (await Ask("check_payment", back["mihpayid"]))["transaction_details"]!["txnid"]!.ToString().ShouldBe("paid");
        var book = await gateway.Book();
        (book.Count, book[0]!["amount"]!.GetValue<long>(), book[0]!["money_id"]!.ToString()).ShouldBe((1, 49900L, back["mihpayid"]));
        var (status, page) = await Post(Form("paid"));
        (status, page).ShouldSatisfyAllConditions(() => status.ShouldBe(400), () => page.ShouldContain("Duplicate order"));
    }

    [Fact]
    public async Task A_surcharge_stands_in_the_return_and_before_its_hash()
    {
        await world.Put("/control/payu/settings", new { additional_charges = "12.50" });
        await Post(Form("charged"));
        var form = (await gateway.Shopper("charged", "paid")).Body["return_form"]!;
        form["additionalCharges"]!.ToString().ShouldBe("12.50");
        form["hash"]!.ToString().ShouldBe(Sha($"12.50|{Salt}|success||||||att-1||||tenant-7|asha@example.test|Asha|Demo order 1|499.00|charged|{Key}"));
    }

    [Fact]
    public async Task A_decline_ends_the_page_and_the_form_can_be_posted_again_under_the_same_id()
    {
        await Post(Form("again"));
        var (_, result) = await gateway.Shopper("again", "declined");
        result["return_url"]!.ToString().ShouldBe("https://shop.example.test/no");
        result["return_form"]!["status"]!.ToString().ShouldBe("failure");
        (await gateway.Shopper("again", "paid")).Status.ShouldBe(409);
        var first = await Detail("again");
        first["unmappedstatus"]!.ToString().ShouldBe("failed");
        (await Post(Form("again"))).Status.ShouldBe(200);
        (await gateway.Shopper("again", "paid")).Status.ShouldBe(200);
        var second = await Detail("again");
        second["status"]!.ToString().ShouldBe("success");
        second["mihpayid"]!.ToString().ShouldNotBe(first["mihpayid"]!.ToString());
    }

    [Fact]
    public async Task Of_many_that_post_at_once_with_one_id_there_is_one_transaction()
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, 32).Select(_ => Post(Form("same"))));
        answers.ShouldAllBe(a => a.Status == 200);
        gateway.Inside.Dialect.Links().Count().ShouldBe(1);
        (await Post(Form("same", ("amount", "1.00")))).Status.ShouldBe(400);
    }

    [Fact]
    public async Task Giving_up_is_a_failure_with_its_own_word()
    {
        await Post(Form("left"));
        using var page = await gateway.Http.GetAsync(new Uri(gateway.Inside.Dialect.LinkByReference("left")!.Url!));
        (await page.Content.ReadAsStringAsync()).ShouldContain("Cancel and go back");
        (await Detail("left"))["unmappedstatus"]!.ToString().ShouldBe("initiated");
        var (_, result) = await gateway.Shopper("left", "cancelled");
        result["return_url"]!.ToString().ShouldBe("https://shop.example.test/no");
        result["return_form"]!["unmappedstatus"]!.ToString().ShouldBe("userCancelled");
        (await Detail("left"))["unmappedstatus"]!.ToString().ShouldBe("userCancelled");
        (await gateway.Shopper("left", "paid")).Status.ShouldBe(409);
    }

    [Theory]
    [InlineData("paid_pending", "pending", "in progress", "success", "captured")]
    [InlineData("pending_then_failed", "pending", "in progress", "failure", "failed")]
    [InlineData("paid_late", "failure", "dropped", "success", "captured")]
    public async Task What_the_bank_says_later_is_told_later(string outcome, string status, string unmapped, string endStatus, string endUnmapped)
    {
        await Post(Form("later"));
        world.StandStill();
        await gateway.Shopper("later", outcome);
        var now = await Detail("later");
        (now["status"]!.ToString(), now["unmappedstatus"]!.ToString()).ShouldBe((status, unmapped));
        world.Resume();
        await World.Until(async () => (await Detail("later"))["unmappedstatus"]!.ToString() == endUnmapped);
        (await Detail("later"))["status"]!.ToString().ShouldBe(endStatus);
        (await gateway.Book()).Count.ShouldBe(endStatus == "success" ? 1 : 0);
    }

    [Fact]
    public async Task Late_money_can_go_back_by_itself_and_two_tries_can_both_be_paid()
    {
        await Post(Form("twice"));
        (await gateway.Shopper("twice", "paid_twice")).Body["money_ids"]!.AsArray().Count.ShouldBe(2);
        (await gateway.Book()).Count.ShouldBe(2);
        await world.Put("/control/payu/settings", new { late_money = "refund" });
        await Post(Form("late"));
        await gateway.Shopper("late", "paid_late");
        await World.Until(async () => (await Detail("late"))["unmappedstatus"]!.ToString() == "autoRefund");
        (await gateway.Book()).Count(m => m!["reference"]!.ToString() == "late").ShouldBe(2);
    }

    [Fact]
    public async Task Calls_are_checked_by_their_hash_and_come_as_json_only_when_asked()
    {
        await Post(Form("asked"));
        (await Ask("verify_payment", "asked", hash: "00"))["msg"]!.ToString().ShouldBe("Invalid Hash.");
        (await Ask("verify_payment", ""))["msg"]!.ToString().ShouldBe("Parameter missing");
        (await Ask("make_coffee", "1"))["status"]!.GetValue<int>().ShouldBe(0);
        using var content = new FormUrlEncodedContent(Signed("verify_payment", "asked"));
        using var answer = await gateway.Http.PostAsync(new Uri("/merchant/postservice.php", UriKind.Relative), content);
        (await answer.Content.ReadAsStringAsync()).ShouldStartWith("a:3:{s:6:\"status\";");
        var two = await Ask("verify_payment", "asked|nobody");
        two["msg"]!.ToString().ShouldBe("1 out of 2 Transactions Fetched Successfully");
        two["transaction_details"]!["nobody"]!["status"]!.ToString().ShouldBe("Not Found");
    }

    [Fact]
    public async Task A_refund_is_queued_then_done_and_told_without_a_signature()
    {
        var paid = await Paid("back");
        (await Ask("check_action_status", "130999999999"))["transaction_details"]!["130999999999"]!.ToString().ShouldBe("No action status found");
        var queued = await Refund(paid, "backr1", "100.00");
        (queued["status"]!.GetValue<int>(), queued["error_code"]!.GetValue<int>(), queued["mihpayid"]!.GetValue<long>().ToString()).ShouldBe((1, 102, paid));
        var id = queued["request_id"]!.ToString();
        await World.Until(async () => (await Action(id))["status"]!.ToString() == "success");
        var all = (await Ask("check_action_status", paid, ("var2", "payuid")))["transaction_details"]![paid]!.AsObject();
        all.Count.ShouldBe(2);
        (all[id]!["token"]!.ToString(), all[id]!["action"]!.ToString(), all[id]!["amt"]!.ToString()).ShouldBe(("backr1", "refund", "100.00"));
        var told = (await world.Hear(1, h => h.Text.StartsWith('{')))[0];
        (told.Json["token"]!.ToString(), told.Json["status"]!.ToString(), told.Json["merchantTxnId"]!.ToString()).ShouldBe(("backr1", "success", "back"));
        told.Json["hash"].ShouldBeNull();
        (await gateway.Book())[1]!["amount"]!.GetValue<long>().ShouldBe(10000);
    }

    [Fact]
    public async Task A_refund_moves_money_once_and_never_more_than_came()
    {
        var paid = await Paid("once");
        // The pause between equal amounts is shortened like all of the gateway's time.
        world.StandStill();
        var both = await Task.WhenAll(Refund(paid, "r1", "100.00"), Refund(paid, "r2", "100.00"));
        both.Select(b => b["error_code"]!.GetValue<int>()).Order().ShouldBe([102, 214]);
        var taken = both[0]["error_code"]!.GetValue<int>() == 102 ? "r1" : "r2";
        (await Refund(paid, taken, "100.00"))["error_code"]!.GetValue<int>().ShouldBe(227);
        (await Refund(paid, taken, "50.00"))["error_code"]!.GetValue<int>().ShouldBe(106);
        (await Refund(paid, "r3", "399.01"))["error_code"]!.GetValue<int>().ShouldBe(105);
        (await Refund(paid, "abcdefghijklmnopqrstuvwx", "1.00"))["status"]!.GetValue<int>().ShouldBe(0);
        (await Refund("403999999999999999", "r4", "1.00"))["error_code"]!.GetValue<int>().ShouldBe(116);
        await world.Put("/control/payu/settings", new { duplicate_token = "plain" });
        (await Refund(paid, taken, "100.00"))["msg"]!.ToString().ShouldBe("token already used or request pending");
        (await Refund(paid, "r5", "399.00"))["error_code"]!.GetValue<int>().ShouldBe(102);
        world.Resume();
        await World.Until(async () => (await gateway.Book()).Count == 3);
    }

    [Fact]
    public async Task A_refund_can_fail_and_its_money_can_then_be_refunded()
    {
        await world.Put("/control/payu/settings", new { refund = "failure", drift = "on" });
        var paid = await Paid("fails");
        var id = (await Refund(paid, "r1", "499.00"))["request_id"]!.ToString();
        await World.Until(async () => (await Action(id))["status"]!.ToString() == "failure");
        (await world.Hear(1, h => h.Text.StartsWith('{')))[0].Json["mihpayid"]!.ToString().ShouldBe($" {paid} ");
        (await gateway.Book()).Count.ShouldBe(1);
        (await Refund(paid, "r2", "499.00"))["error_code"]!.GetValue<int>().ShouldBe(102);
    }

    [Fact]
    public async Task What_was_only_authorised_is_released()
    {
        await world.Put("/control/payu/settings", new { capture = "manual" });
        var held = await Paid("held");
        (await Detail("held"))["unmappedstatus"]!.ToString().ShouldBe("auth");
        var released = await Refund(held, "v1", "499.00");
        (released["msg"]!.ToString(), released["request_id"]).ShouldBe(("Cancel Request Queued", null));
        (await Action(released["txn_update_id"]!.ToString()))["action"]!.ToString().ShouldBe("cancel");
        (await gateway.Book()).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_settlement_lists_each_movement_with_fee_and_tax_apart()
    {
        var india = gateway.Inside.Now.ToOffset(new TimeSpan(5, 30, 0)).ToString("yyyy-MM-dd");
        (await Ask("get_settlement_details", india))["Txn_details"].ShouldBeOfType<JsonArray>().ShouldBeEmpty();
        (await Ask("get_settlement_details", "02-01-2026"))["status"]!.GetValue<int>().ShouldBe(0);
        var paid = await Paid("settled");
        await Refund(paid, "r1", "100.00");
        await World.Until(async () => (await gateway.Book()).Count == 2);
        var rows = (await Ask("get_settlement_details", india))["Txn_details"]!.AsObject();
        rows.Select(r => r.Key).ShouldBe(["1", "2"]);
        var capture = rows["1"]!;
        (capture["requestaction"]!.ToString(), capture["mer_service_fee"]!.ToString(), capture["mer_service_tax"]!.ToString(), capture["mer_net_amount"]!.ToString())
            .ShouldBe(("capture", "9.9800", "1.8000", "487.2200"));
        (rows["2"]!["token"]!.ToString(), rows["2"]!["mer_net_amount"]!.ToString(), rows["2"]!["Card Type"]!.ToString()).ShouldBe(("r1", "-100.0000", ""));
        (await Ask("get_settlement_details", india, ("var2", "2"), ("var3", "1")))["Txn_details"]!["1"]!["requestaction"]!.ToString().ShouldBe("refund");
        (await Ask("get_settlement_details", capture["mer_utr"]!.ToString()))["Txn_details"]!.AsObject().Count.ShouldBe(2);
        var file = await world.Control.GetStringAsync(new Uri("/control/payu/settlement", UriKind.Relative));
        file.ShouldStartWith("payuid,txnid,");
        file.Split("\r\n", StringSplitOptions.RemoveEmptyEntries).Length.ShouldBe(3);

        const string date = "Fri, 02 Jan 2026 00:00:00 GMT";
        var (status, range, _) = await gateway.Send("GET", $"/settlement/range/?dateFrom={india}&dateTo={india}", null, ("Date", date),
            ("Authorization", $"hmac username=\"{Key}\", algorithm=\"sha512\", headers=\"date\", signature=\"{Sha($"|{date}|{Salt}")}\""));
        (status, range!["status"]!.GetValue<int>()).ShouldBe((200, 0));
        range["result"]!["data"]![0]!["transaction"]!.AsArray().Count.ShouldBe(2);
        range["result"]!["data"]![0]!["settlementAmount"]!.ToString().ShouldBe("387.22");
        (await gateway.Send("GET", $"/settlement/range/?dateFrom={india}&dateTo={india}", null, ("Date", date))).Status.ShouldBe(401);
    }

    static Dictionary<string, string> Form(string txnid, params (string Name, string Value)[] changes)
    {
        var form = new Dictionary<string, string>
        {
            ["key"] = Key,
            ["txnid"] = txnid,
            ["amount"] = "499.00",
            ["productinfo"] = "Demo order 1",
            ["firstname"] = "Asha",
            ["email"] = "asha@example.test",
            ["phone"] = "9000000001",
            ["udf1"] = "tenant-7",
            ["udf5"] = "att-1",
            ["surl"] = "https://shop.example.test/ok",
            ["furl"] = "https://shop.example.test/no",
        };
        foreach (var (name, value) in changes) form[name] = value;
        form["hash"] = Sha($"{Key}|{txnid}|{form["amount"]}|Demo order 1|Asha|asha@example.test|tenant-7||||att-1||||||{Salt}");
        return form;
    }

    async Task<(int Status, string Page)> Post(Dictionary<string, string> form)
    {
        using var content = new FormUrlEncodedContent(form);
        using var answer = await gateway.Http.PostAsync(new Uri("/_payment", UriKind.Relative), content);
        return ((int)answer.StatusCode, WebUtility.HtmlDecode(await answer.Content.ReadAsStringAsync()));
    }

    async Task<string> Paid(string txnid)
    {
        await Post(Form(txnid));
        return (await gateway.Shopper(txnid, "paid")).Body["money_ids"]![0]!.ToString();
    }

    Task<JsonNode> Verify(string txnid) => Ask("verify_payment", txnid);

    async Task<JsonNode> Detail(string txnid) => (await Verify(txnid))["transaction_details"]![txnid]!;

    Task<JsonNode> Refund(string mihpayid, string token, string amount) => Ask("cancel_refund_transaction", mihpayid, ("var2", token), ("var3", amount));

    async Task<JsonNode> Action(string id) => (await Ask("check_action_status", id))["transaction_details"]![id]![id]!;

    Task<JsonNode> Ask(string command, string var1, params (string Name, string Value)[] more) => Ask(command, var1, null, more);

    async Task<JsonNode> Ask(string command, string var1, string? hash, params (string Name, string Value)[] more)
    {
        var form = Signed(command, var1);
        if (hash is not null) form["hash"] = hash;
        foreach (var (name, value) in more) form[name] = value;
        using var content = new FormUrlEncodedContent(form);
        using var answer = await gateway.Http.PostAsync(new Uri("/merchant/postservice.php?form=2", UriKind.Relative), content);
        return JsonNode.Parse(await answer.Content.ReadAsStringAsync())!;
    }

    static Dictionary<string, string> Signed(string command, string var1) =>
        new() { ["key"] = Key, ["command"] = command, ["var1"] = var1, ["hash"] = Sha($"{Key}|{command}|{var1}|{Salt}") };

    static string Sha(string text) => Convert.ToHexStringLower(SHA512.HashData(Encoding.UTF8.GetBytes(text)));
}
