using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using Purser.Gateways.Tests.Outside;
using Purser.Refunds;

namespace Purser.Gateways.Razorpay.Tests;

/// <summary>Refunds and settlements of the simulator, spoken to by hand as the document says.</summary>
[Verifies(Part.Simulator, By.Document)]
public sealed class RazorpaySimulatorAfterwardsTests(World world) : IClassFixture<World>, IAsyncLifetime
{
    static readonly (string, string) Key =
        ("Authorization", "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes("rzp_test_sandbox:rzp_secret_sandbox_0123456789")));

    Gateway gateway = null!;

    public async Task InitializeAsync() => gateway = await world.Fresh("razorpay", "hook");

    public Task DisposeAsync()
    {
        gateway.Dispose();
        return Task.CompletedTask;
    }

    [Fact]
    public async Task A_key_gives_the_same_refund_and_refuses_other_words_in_either_way()
    {
        var payment = await Paid("key");
        var first = await Refund(payment, new { amount = 10000, speed = "normal", receipt = "RF-1" }, "refund-0001-a1");
        first.Body["status"]!.ToString().ShouldBe("processed");
        first.Body["speed_requested"]!.ToString().ShouldBe("normal");
        (await Refund(payment, new { amount = 10000, speed = "normal", receipt = "RF-1" }, "refund-0001-a1")).Body["id"]!.ToString().ShouldBe(first.Body["id"]!.ToString());
        (await Refund(payment, new { amount = 20000 }, "refund-0001-a1")).ShouldSatisfyAllConditions(
            r => r.Status.ShouldBe(400), r => r.Body["error"]!["description"]!.ToString().ShouldContain("same idempotency key"));
        await world.Put("/control/razorpay/settings", new { refund_key_conflict = "409" });
        (await Refund(payment, new { amount = 20000 }, "refund-0001-a1")).Status.ShouldBe(409);
        (await Refund(payment, new { amount = 100 }, "short")).Status.ShouldBe(400);
        (await Refund(payment, new { amount = 100 }, "no spaces here")).Status.ShouldBe(400);
        gateway.Inside.Book.Movements.Where(m => m.Kind == "refunded").Select(m => m.Amount).ShouldBe([10000]);
    }

    [Fact]
    public async Task A_key_whose_first_call_is_still_running_is_409()
    {
        var payment = await Paid("busy");
        await gateway.Fault(new { call = "refund", fault = "slow", delay_ms = World.Held, times = 2 });
        var (one, other) = (Refund(payment, new { amount = 100 }, "refund-busy-1"), Refund(payment, new { amount = 100 }, "refund-busy-1"));
        (await await Task.WhenAny(one, other)).Status.ShouldBe(409);
        world.Resume();
        (await Task.WhenAll(one, other)).Select(a => a.Status).Order().ShouldBe([200, 409]);
    }

    [Theory]
    [InlineData("""{"amount":49901}""", "greater than amount captured")]
    [InlineData("""{"amount":99}""", "at least INR 1.00")]
    [InlineData("""{"amount":100,"surprise":1}""", "should not be sent")]
    [InlineData("""{"amount":100,"speed":"fast"}""", "speed")]
    public async Task A_refund_that_breaks_a_rule_is_refused_by_name(string asked, string why)
    {
        var (status, body) = await Refund(await Paid("bad"), JsonNode.Parse(asked)!, null);
        status.ShouldBe(400);
        body["error"]!["description"]!.ToString().ShouldContain(why);
        gateway.Inside.Book.Movements.ShouldAllBe(m => m.Kind == "captured");
    }

    [Fact]
    public async Task Who_leaves_their_banks_check_leaves_a_payment_created_on_a_link_that_can_still_be_paid_until_the_bank_gives_up()
    {
        await Create("left");
        world.StandStill();
        var (status, left) = await gateway.Shopper("left", "left_at_check");
        (status, left["return_url"], left["money_ids"]!.AsArray().Count).ShouldBe((200, null, 0));
        var link = (await Get("/v1/payment_links?reference_id=left"))["payment_links"]![0]!;
        link["status"]!.ToString().ShouldBe("created");
        var order = link["order_id"]!.ToString();
        (await Tries()).ShouldBe(["created"]);
        await gateway.Shopper("left", "paid");
        (await Tries()).ShouldBe(["created", "captured"]);
        world.Resume();
        var failed = (await world.Hear(1, Of("payment.failed")))[0].Json["payload"]!["payment"]!["entity"]!;
        failed["error_reason"]!.ToString().ShouldBe("payment_timed_out");
        (await Tries()).ShouldBe(["failed", "captured"]);
        (await gateway.Book()).Count.ShouldBe(1);

        async Task<IEnumerable<string>> Tries() => (await Get($"/v1/orders/{order}/payments"))["items"]!.AsArray().Select(p => p!["status"]!.ToString());
    }

    [Fact]
    public async Task Only_captured_money_goes_back_and_only_while_there_is_some()
    {
        await Create("open");
        world.StandStill();
        var (_, begun) = await gateway.Shopper("open", "paid_pending");
        (await Refund(begun["money_ids"]![0]!.ToString(), new { }, null)).Body["error"]!["description"]!.ToString().ShouldContain("captured");
        var payment = await Paid("all");
        await world.Put("/control/razorpay/settings", new { balance = "empty" });
        (await Refund(payment, new { }, null)).Status.ShouldBe(400);
        await world.Put("/control/razorpay/settings", new { });
        (await Refund(payment, new { }, null)).Body["amount"]!.GetValue<long>().ShouldBe(49900);
        (await Refund(payment, new { }, null)).Body["error"]!["description"]!.ToString().ShouldContain("fully refunded");
        (await Get($"/v1/payments/{payment}"))["status"]!.ToString().ShouldBe("refunded");
    }

    [Fact]
    public async Task A_refund_takes_its_time_and_the_news_of_one_done_at_once_show_it_done()
    {
        var payment = await Paid("news");
        await Refund(payment, new { amount = 100 }, null);
        (await world.Hear(1, Of("refund.created")))[0].Json["payload"]!["refund"]!["entity"]!["status"]!.ToString().ShouldBe("processed");
        await world.Put("/control/razorpay/settings", new { refunds = "pending" });
        var (_, pending) = await Refund(payment, new { amount = 200 }, null);
        pending["status"]!.ToString().ShouldBe("pending");
        await world.Hear(2, Of("refund.processed"));
        (await Get($"/v1/refunds/{pending["id"]}"))["acquirer_data"]!["arn"].ShouldNotBeNull();
        (await Get($"/v1/payments/{payment}/refunds"))["items"]![0]!["id"]!.ToString().ShouldBe(pending["id"]!.ToString());
        (await Get($"/v1/payments/{payment}/refunds?count=1&skip=1"))["items"]!.AsArray().Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_refund_that_fails_gives_the_money_back_to_the_merchant()
    {
        var payment = await Paid("fails");
        await world.Put("/control/razorpay/settings", new { refunds = "failed" });
        await Refund(payment, new { }, null);
        (await Get($"/v1/payments/{payment}"))["status"]!.ToString().ShouldBe("refunded");
        await world.Hear(1, Of("refund.failed"));
        var after = await Get($"/v1/payments/{payment}");
        (after["status"]!.ToString(), after["amount_refunded"]!.GetValue<long>()).ShouldBe(("captured", 0));
        gateway.Inside.Book.Movements.ShouldAllBe(m => m.Kind == "captured");
        (await Recon())["items"]!.AsArray().Count.ShouldBe(1);
    }

    [Fact]
    public async Task The_report_of_a_day_adds_up_to_its_settlement()
    {
        await world.Put("/control/razorpay/settings", new { settlement_adjustment = "500" });
        var payment = await Paid("settled");
        var (_, refund) = await Refund(payment, new { amount = 10000, receipt = "RF-1", notes = new { reason = "partial" } }, null);
        var rows = (await Recon())["items"]!.AsArray();
        rows.Select(r => r!["type"]!.ToString()).ShouldBe(["payment", "refund", "adjustment"]);
        var (paid, back, charge) = (rows[0]!, rows[1]!, rows[2]!);
        (paid["entity_id"]!.ToString(), paid["credit"]!.GetValue<long>(), paid["payment_id"], paid["order_receipt"]!.ToString())
            .ShouldBe((payment, 49900 - paid["fee"]!.GetValue<long>(), null, "settled"));
        (paid["notes"]!.ToString(), paid["fee"]!.GetValue<long>(), paid["tax"]!.GetValue<long>()).ShouldBe(("""{"attempt":"a1"}""", 1178, 180));
        (back["entity_id"]!.ToString(), back["debit"]!.GetValue<long>(), back["payment_id"]!.ToString()).ShouldBe((refund["id"]!.ToString(), 10000, payment));
        (charge["settlement_utr"], charge.AsObject().ContainsKey("credit_type")).ShouldBe((null, false));
        var settlement = (await Get("/v1/settlements"))["items"]!.AsArray().Single()!;
        settlement["amount"]!.GetValue<long>().ShouldBe(rows.Sum(r => r!["credit"]!.GetValue<long>() - r["debit"]!.GetValue<long>()));
        (await Get($"/v1/settlements/{settlement["id"]}"))["utr"]!.ToString().ShouldBe(paid["settlement_utr"]!.ToString());
        (await Recon("&count=1&skip=1"))["items"]!.AsArray().Single()!["type"]!.ToString().ShouldBe("refund");
    }

    [Theory]
    [InlineData("year=2026&month=13", "month")]
    [InlineData("year=2026&month=1", "month")]
    [InlineData("year=2026&month=02&day=30", "day")]
    [InlineData("year=26&month=02", "year")]
    [InlineData("year=2026&month=02&count=1001", "count")]
    public async Task A_day_that_is_none_is_refused_by_name(string query, string field)
    {
        var (status, body, _) = await gateway.Send("GET", "/v1/settlements/recon/combined?" + query, null, Key);
        status.ShouldBe(400);
        (body!["error"]!["field"]!.ToString(), body["error"]!["reason"]!.ToString()).ShouldBe((field, "input_validation_failed"));
    }

    [Fact]
    public async Task Where_keys_are_not_honoured_our_adapter_refunds_once_all_the_same()
    {
        await world.Put("/control/razorpay/settings", new { refund_keys = "ignored" });
        var order = new OrderId(123456789);
        var payment = new PaymentId(order, 1);
        var money = await Paid(payment.Reference);
        var account = RazorpayTests.Account("rzp_secret_sandbox_0123456789") with { BaseUrl = gateway.Http.BaseAddress! };
        account = account with { Settings = account.Settings.SetItem("key_id", "rzp_test_sandbox") };
        var ours = new RazorpayGateway();
        using var lines = new GatewayLines();
        var inr = Currency.Find("INR");
        var call = new RefundCall(account, new RefundId(order, 1), payment, null, money, new Money(49900, inr), new Money(10000, inr), null, "Order 42", TimeProvider.System.GetUtcNow());
        for (var i = 0; i < 3; i++)
            (await ours.Refund(call, lines.Open(account, ours.Profile), default)).ShouldBeOfType<RefundAnswer.Done>().Fact.ShouldBeOfType<RefundEvidence.Succeeded>();
        gateway.Inside.Book.Movements.Where(m => m.Kind == "refunded").Select(m => m.Amount).ShouldBe([10000]);
    }

    static Func<Heard, bool> Of(string type) => n => n.Json["event"]!.ToString() == type;

    async Task<JsonNode> Recon(string more = "")
    {
        var today = gateway.Inside.Now.ToOffset(new TimeSpan(5, 30, 0));
        return await Get($"/v1/settlements/recon/combined?year={today:yyyy}&month={today:MM}&day={today:dd}{more}");
    }

    async Task Create(string reference)
    {
        using var content = JsonContent.Create(new
        {
            amount = 49900,
            currency = "INR",
            reference_id = reference,
            description = "Order 1",
            notes = new { attempt = "a1" },
        });
        (await gateway.Send("POST", "/v1/payment_links", content, Key)).Status.ShouldBe(200);
    }

    async Task<string> Paid(string reference)
    {
        await Create(reference);
        return (await gateway.Shopper(reference, "paid")).Body["money_ids"]![0]!.ToString();
    }

    async Task<(int Status, JsonNode Body)> Refund(string payment, object asked, string? key)
    {
        using var content = JsonContent.Create(asked);
        (string, string)[] headers = key is null ? [Key] : [Key, ("X-Refund-Idempotency", key)];
        var (status, body, _) = await gateway.Send("POST", $"/v1/payments/{payment}/refund", content, headers);
        return (status, body!);
    }

    async Task<JsonNode> Get(string path) => (await gateway.Send("GET", path, null, Key)).Body!;
}
