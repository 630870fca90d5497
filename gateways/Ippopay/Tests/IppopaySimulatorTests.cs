using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Purser.Gateways.Tests.Outside;

namespace Purser.Gateways.Ippopay.Tests;

/// <summary>The simulator keeps to the document; it is spoken to with requests written by hand.</summary>
[Verifies(Part.Simulator, By.Document)]
public sealed class IppopaySimulatorTests(World world) : IClassFixture<World>, IAsyncLifetime
{
    const string Back = "https://shop.example.test/cb/ippopay/att_01";
    const string Keys = "pk_test_sandbox0001:sk_test_sandbox0002secret";

    Gateway gateway = null!;

    public async Task InitializeAsync() => gateway = await world.Fresh("ippopay");

    public Task DisposeAsync()
    {
        gateway.Dispose();
        return Task.CompletedTask;
    }

    [Theory]
    [InlineData(null)]
    [InlineData("pk_test_sandbox0001:wrong")]
    [InlineData("sk_test_sandbox0002secret:pk_test_sandbox0001")]
    public async Task Without_the_right_keys_nothing_is_told_or_made(string? keys)
    {
        var (status, body) = await Send("POST", "/v1/order/create", Asked("one"), keys);
        (status, body["success"]!.GetValue<bool>()).ShouldBe((401, false));
        (await gateway.Shopper("one", "paid")).Status.ShouldBe(404);
    }

    [Theory]
    [InlineData("")]
    [InlineData("/v1")]
    [InlineData("/apitest/v1/pg")]
    public async Task An_order_is_made_and_read_below_every_base(string below)
    {
        var (status, body) = await Send("POST", below + "/order/create", Asked("one"));
        status.ShouldBe(200);
        var order = body["data"]!["order"]!;
        order.AsObject().Select(f => f.Key).ShouldBe(["merchant", "customer", "currency", "paymentModes", "status", "amount", "order_id"]);
        order["amount"]!.ToJsonString().ShouldBe("1250.50");
        (order["currency"]!.ToString(), order["paymentModes"]!.ToString(), order["status"]!.ToString()).ShouldBe(("INR", "cc,dc,nb,upi", "created"));
        order["customer"]!["phone"]!["country_code"]!.ToString().ShouldBe("91");
        var read = await Read($"{below}/order/{order["order_id"]}");
        read["order"]!.ToJsonString().ShouldBe(order.ToJsonString());
    }

    [Theory]
    [InlineData("amount", "\"1250.50\"")]
    [InlineData("amount", "1250.505")]
    [InlineData("amount", "0")]
    [InlineData("amount", "-1")]
    [InlineData("amount", "1e3")]
    [InlineData("amount", null)]
    [InlineData("currency", "\"USD\"")]
    [InlineData("payment_modes", "\"cc,db,nb,upi\"")]
    [InlineData("return_url", "\"here\"")]
    [InlineData("notes", "{\"a\":1}")]
    [InlineData("customer", "{\"phone\":{\"national_number\":\"98-76\"}}")]
    public async Task An_order_that_breaks_a_rule_is_refused(string field, string? value)
    {
        var asked = Asked("bad");
        if (value is null) asked.Remove(field);
        else asked[field] = JsonNode.Parse(value);
        foreach (var (setting, expected) in new[] { ("", 400), ("200", 200) })
        {
            await world.Put("/control/ippopay/settings", new { errors = setting });
            var (status, body) = await Send("POST", "/v1/order/create", asked);
            (status, body["success"]!.GetValue<bool>()).ShouldBe((expected, false));
        }
        (await gateway.Shopper("bad", "paid")).Status.ShouldBe(404);
    }

    [Fact]
    public async Task Each_call_makes_an_order_of_its_own()
    {
        var ids = await Task.WhenAll(Enumerable.Range(0, 32).Select(_ => Create("same")));
        ids.ShouldBeUnique();
        await gateway.Shopper("same", "paid");
        var states = new List<string>();
        foreach (var id in ids) states.Add((await Read($"/v1/order/{id}"))["order"]!["status"]!.ToString());
        states.Count(s => s == "paid").ShouldBe(1);
    }

    [Fact]
    public async Task The_order_whose_page_was_seen_last_is_the_one_that_is_paid()
    {
        var (first, second) = (await Create("two"), await Create("two"));
        var page = await gateway.Http.GetStringAsync($"/order/{first}?public_key=pk_test_sandbox0001&redirect=true");
        page.ShouldContain("1,250.50");
        await gateway.Shopper("two", "paid");
        (await Read($"/v1/order/{first}"))["order"]!["status"]!.ToString().ShouldBe("paid");
        (await Read($"/v1/order/{second}"))["order"]!["status"]!.ToString().ShouldBe("created");
    }

    [Fact]
    public async Task A_paid_order_has_a_transaction_with_its_cost_and_the_browser_is_told_without_a_signature()
    {
        var id = await Create("ORD-1001|att_01", Modes("dc"));
        (await Send("GET", $"/v1/order/{id}/transaction")).Body["success"]!.GetValue<bool>().ShouldBeFalse();
        var (_, result) = await gateway.Shopper("att_01", "paid");
        var money = result["money_ids"]![0]!.ToString();
        result["return_url"]!.ToString().ShouldBe(Back);
        result["return_form"]!.ToJsonString().ShouldBe($$"""{"transaction_no":"{{money}}","status":"success"}""");

        (await Read($"/v1/order/{id}"))["order"]!["status"]!.ToString().ShouldBe("paid");
        var told = (await Read($"/v1/order/{id}/transaction"))["transaction"]!;
        (told["trans_id"]!.ToString(), told["status"]!.ToString(), told["notes"]!.ToString(), told["refund_status"]!.ToString())
            .ShouldBe((money, "success", "ORD-1001|att_01", "not_requested"));
        told["cost"]!.ToJsonString().ShouldBe("""{"paid":1250.50,"settled":1224.68}""");
        told["commission"]!.ToJsonString().ShouldBe("""{"percentage":1.75,"value":21.88,"tax":3.94,"total":25.82}""");
        told["customer"]!["phone"]!["country_code"]!.ToString().ShouldBe("+91");
        told["gateway"]!["payment_mode"]!["pay_mode_id"]!.ToString().ShouldBe("dc");
        DateTimeOffset.Parse(told["createdAt"]!.ToString(), CultureInfo.InvariantCulture).Offset.ShouldBe(TimeSpan.Zero);
        var book = (await gateway.Book()).ShouldHaveSingleItem()!;
        (book["reference"]!.ToString(), book["money_id"]!.ToString(), book["amount"]!.GetValue<long>()).ShouldBe(("att_01", money, 125050));
        foreach (var outcome in (string[])["paid", "declined", "paid_pending"]) (await gateway.Shopper("att_01", outcome)).Status.ShouldBe(409);
    }

    [Fact]
    public async Task A_failed_try_leaves_the_order_payable()
    {
        var id = await Create("again");
        (await gateway.Shopper("again", "declined")).Body["return_form"]!["status"]!.ToString().ShouldBe("failure");
        (await Read($"/v1/order/{id}"))["order"]!["status"]!.ToString().ShouldBe("created");
        var failed = (await Read($"/v1/order/{id}/transaction"))["transaction"]!;
        (failed["status"]!.ToString(), failed["failure_reason"]!.ToString(), failed["cost"]!["paid"]!.GetValue<decimal>()).ShouldBe(("failure", "Insufficient balance", 0));
        await gateway.Shopper("again", "paid");
        (await Read($"/v1/order/{id}/transaction"))["transaction"]!["status"]!.ToString().ShouldBe("success");
    }

    [Fact]
    public async Task An_order_never_ends_by_itself_and_who_gives_up_comes_back_with_closed()
    {
        await Create("long");
        (await gateway.Shopper("long", "cancelled")).Body["return_form"]!.ToJsonString().ShouldBe("""{"transaction_no":"","status":"closed"}""");
        await gateway.Shopper("long", "expired");
        (await gateway.Shopper("long", "paid_twice")).Status.ShouldBe(409);
        (await gateway.Shopper("long", "paid")).Status.ShouldBe(200);
    }

    [Fact]
    public async Task A_silent_bank_answers_in_the_end_and_a_lost_try_can_turn_into_money()
    {
        var (slow, no, late) = (await Create("slow"), await Create("no"), await Create("late"));
        world.StandStill();
        (await gateway.Shopper("slow", "paid_pending")).Body["return_url"].ShouldBeNull();
        (await Read($"/v1/order/{slow}/transaction"))["transaction"]!["status"]!.ToString().ShouldBe("pending");
        await gateway.Shopper("no", "pending_then_failed");
        (await gateway.Shopper("late", "paid_late")).Body["return_form"]!["status"]!.ToString().ShouldBe("failure");
        world.Resume();
        await World.Until(async () => (await Read($"/v1/order/{no}/transaction"))["transaction"]!["status"]!.ToString() == "failure");
        await World.Until(() => gateway.Inside.Book.Movements.Count == 2);
        (await Read($"/v1/order/{slow}"))["order"]!["status"]!.ToString().ShouldBe("paid");
        (await Read($"/v1/order/{late}/transaction"))["transaction"]!["status"]!.ToString().ShouldBe("success");
    }

    [Fact]
    public async Task A_refund_is_asked_for_by_order_shows_in_the_transaction_and_has_no_key()
    {
        var id = await Create("back");
        (await AskRefund(id, "{}")).Status.ShouldBe(400);
        await gateway.Shopper("back", "paid");
        foreach (var wrong in (string[])["{\"refund_amt\":\"100.00\"}", "{\"refund_amt\":0}", "{\"refund_amt\":1250.51}", "[]"]) (await AskRefund(id, wrong)).Status.ShouldBe(400);
        world.StandStill();
        var (status, body) = await AskRefund(id, "{\"refund_amt\":100.00}");
        (status, body.ToJsonString()).ShouldBe((200, """{"success":true,"message":"Your refund request accepted"}"""));
        (await AskRefund(id, "{\"refund_amt\":100.00}")).Status.ShouldBe(200);
        (await RefundStatus(id)).ShouldBe("requested");
        world.Resume();
        await World.Until(() => gateway.Inside.Book.Movements.Count == 3);
        (await RefundStatus(id)).ShouldBe("refunded");
        (await AskRefund(id, "{}")).Status.ShouldBe(200);
        await World.Until(() => gateway.Inside.Book.Movements.Count == 4);
        (await AskRefund(id, "{\"refund_amt\":1}")).Body["message"]!.ToString().ShouldContain("refunded already");
        (await gateway.Book()).Where(m => m!["kind"]!.ToString() == "refunded").Sum(m => m!["amount"]!.GetValue<long>()).ShouldBe(125050);
        (await AskRefund("order_nobody", "{}")).Status.ShouldBe(404);
    }

    [Fact]
    public async Task What_the_document_leaves_open_can_be_set()
    {
        await world.Put("/control/ippopay/settings", new
        {
            payment_url = "shown",
            order_ids = "strange",
            no_transaction = "empty",
            transaction = "latest",
            words = "capitalised",
            second_refund = "refuse",
            refunds = "fail",
        });
        var (_, made) = await Send("POST", "/v1/order/create", Asked("open"));
        var order = made["data"]!["order"]!;
        var id = Uri.EscapeDataString(order["order_id"]!.ToString());
        id.ShouldStartWith("order_%40");
        order["payment_url"]!.ToString().ShouldEndWith($"/order/{id}?public_key=pk_test_sandbox0001&redirect=true");
        (await gateway.Http.GetStringAsync(order["payment_url"]!.ToString())).ShouldContain("1,250.50");
        (await Read($"/v1/order/{id}/transaction")).AsObject().ShouldBeEmpty();
        (await gateway.Shopper("open", "paid")).Body["return_form"]!["status"]!.ToString().ShouldBe("Success");
        (await Read($"/v1/order/{id}"))["order"]!["status"]!.ToString().ShouldBe("Paid");
        (await AskRefund(id, "{\"refund_amt\":1}")).Status.ShouldBe(200);
        (await AskRefund(id, "{\"refund_amt\":1}")).Status.ShouldBe(400);
        var since = TimeProvider.System.GetTimestamp();
        while (await RefundStatus(id) != "failed") TimeProvider.System.GetElapsedTime(since).ShouldBeLessThan(World.Patience);
        (await gateway.Book()).Count.ShouldBe(1);
    }

    [Fact]
    public async Task The_preview_is_for_the_public_key_alone()
    {
        var id = await Create("shown");
        var path = $"/api/v1/pg/open/order/preview/{id}?public_key=";
        var (status, body) = await Send("GET", path + "pk_test_sandbox0001", keys: null);
        (status, body["data"]!["order"]!.ToJsonString()).ShouldBe((200, $$"""{"order_id":"{{id}}","status":"created"}"""));
        (await Send("GET", path + "pk_live_other", keys: null)).Status.ShouldBe(401);
    }

    [Fact]
    public async Task An_intent_names_the_order_and_its_amount()
    {
        var id = await Create("intent");
        var asked = new JsonObject { ["name"] = "A Buyer", ["email"] = "buyer@example.test", ["phone"] = "9000000001", ["pay_mode_id"] = "upi-intent" };
        var (_, body) = await Send("POST", $"/v1/order/{id}/process", asked);
        var process = body["data"]!["pay_process"]!;
        process["action"]!.ToString().ShouldBe("intent");
        process["redirect_data"]!["data"]!["upi_intent"]!.ToString().ShouldMatch($"^upi://pay\\?.*tr={id}&am=1250\\.50&cu=INR$");
    }

    [Fact]
    public async Task No_webhook_is_ever_sent()
    {
        var asked = Asked("quiet");
        asked["notify_url"] = world.EarUrl;
        await Send("POST", "/v1/order/create", asked);
        await gateway.Shopper("quiet", "declined_then_paid");
        gateway.Inside.Webhooks.Events.ShouldBeEmpty();
        world.Deliveries.ShouldBeEmpty();
    }

    [Fact]
    public async Task The_statement_lists_what_moved_in_the_documents_columns()
    {
        var card = await Create("card", Modes("dc"));
        await Create("upi", Modes("upi"));
        await gateway.Shopper("card", "paid");
        await gateway.Shopper("upi", "paid");
        await AskRefund(card, "{\"refund_amt\":100.00}");
        await World.Until(() => gateway.Inside.Book.Movements.Count == 3);
        var rows = (await world.Control.GetStringAsync("/control/ippopay/settlement")).Trim().Split('\n').Select(r => r.Split(',')).ToList();
        rows[0].ShouldBe(["settlement_id", "settlement_date", "type", "order_id", "trans_id", "pay_mode", "amount", "commission", "commission_tax", "settled_amount", "utr"]);
        rows.Skip(1).Select(r => string.Join(' ', r[2], r[5], r[6], r[7], r[8], r[9])).ShouldBe([
            "payment dc 1250.50 21.88 3.94 1224.68", "payment upi 1250.50 0.00 0.00 1250.50", "refund dc -100.00 0.00 0.00 -100.00",
        ]);
    }

    [Fact]
    public async Task Faults_change_what_is_told_and_not_what_is_true()
    {
        var id = await Create("f");
        await gateway.Fault(
            new { call = "inquire", fault = "wrong_amount", times = 1 }, new { call = "inquire", fault = "error_500", times = 1 }, new { call = "refund", fault = "error_500_after" },
            new { call = "inquire_refund", fault = "error_429" });
        (await Read($"/v1/order/{id}"))["order"]!["amount"]!.ToJsonString().ShouldBe("1250.49");
        (await Send("GET", $"/v1/order/{id}")).Status.ShouldBe(500);
        await gateway.Shopper("f", "paid");
        (await AskRefund(id, "{}")).Status.ShouldBe(500);
        (await Send("GET", $"/v1/order/{id}/transaction")).Status.ShouldBe(429);
        await World.Until(() => gateway.Inside.Book.Movements.Count == 2);
    }

    [Fact]
    public async Task The_hosted_page_lets_a_person_pay_and_posts_the_way_back()
    {
        var id = await Create("page");
        using var form = new FormUrlEncodedContent([new("outcome", "paid")]);
        using var answer = await gateway.Http.PostAsync($"/order/{id}", form);
        var page = await answer.Content.ReadAsStringAsync();
        page.ShouldContain($"action=\"{Back}\"");
        page.ShouldContain("name=\"status\" value=\"success\"");
    }

    static JsonObject Modes(string modes) => new() { ["payment_modes"] = modes };

    static JsonObject Asked(string notes)
    {
        var asked = JsonNode.Parse(
            """
            {"amount":1250.50,"currency":"INR","notify_url":"https://pay.example.test/wh","return_url":"https://shop.example.test/cb/ippopay/att_01",
             "customer":{"name":"A Buyer","email":"buyer@example.test","phone":{"country_code":"91","national_number":"9000000001"}}}
            """)!.AsObject();
        asked["notes"] = notes;
        return asked;
    }

    async Task<string> Create(string notes, JsonObject? more = null)
    {
        var asked = Asked(notes);
        foreach (var (name, value) in more ?? []) asked[name] = value!.DeepClone();
        var (status, body) = await Send("POST", "/v1/order/create", asked);
        status.ShouldBe(200, body.ToJsonString());
        return body["data"]!["order"]!["order_id"]!.ToString();
    }

    Task<(int Status, JsonNode Body)> AskRefund(string id, string body) => Send("POST", $"/v1/order/refund/{id}", JsonNode.Parse(body));

    async Task<string> RefundStatus(string id) => (await Read($"/v1/order/{id}/transaction"))["transaction"]!["refund_status"]!.ToString();

    async Task<JsonNode> Read(string path)
    {
        var (status, body) = await Send("GET", path);
        (status, body["success"]!.GetValue<bool>()).ShouldBe((200, true), body.ToJsonString());
        return body["data"]!;
    }

    async Task<(int Status, JsonNode Body)> Send(string method, string path, JsonNode? asked = null, string? keys = Keys)
    {
        using var content = asked is null ? null : new StringContent(asked.ToJsonString(), Encoding.UTF8, "application/json");
        (string, string)[] headers = keys is null ? [] : [("Authorization", new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.ASCII.GetBytes(keys))).ToString())];
        var (status, body, _) = await gateway.Send(method, path, content, headers);
        return (status, body!);
    }
}
