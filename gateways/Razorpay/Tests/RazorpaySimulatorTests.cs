using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using Purser.Gateways.Tests.Outside;
using Purser.Sandbox.Razorpay;

namespace Purser.Gateways.Razorpay.Tests;

/// <summary>The simulator keeps to the documents, and its official client is content with it.</summary>
[Verifies(Part.Simulator, By.Document)]
public sealed class RazorpaySimulatorTests(World world) : IClassFixture<World>, IAsyncLifetime
{
    const string KeySecret = "rzp_secret_sandbox_0123456789";

    static readonly (string, string) Key =
        ("Authorization", "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes("rzp_test_sandbox:" + KeySecret)));

    Gateway gateway = null!;

    public async Task InitializeAsync() => gateway = await world.Fresh("razorpay", "hook-new", "hook-old");

    public Task DisposeAsync()
    {
        gateway.Dispose();
        return Task.CompletedTask;
    }

    [Fact]
    public async Task A_link_is_made_read_found_by_reference_and_cancelled_once()
    {
        var (status, link) = await Create("one");
        status.ShouldBe(200);
        link["status"]!.ToString().ShouldBe("created");
        link["payments"].ShouldBeNull();
        var id = link["id"]!.ToString();
        id.ShouldMatch("^plink_[A-Za-z0-9]{14}$");
        link["expired_at"]!.GetValue<long>().ShouldBe(0);
        (await Get($"/v1/payment_links/{id}"))["reference_id"]!.ToString().ShouldBe("one");
        (await Get("/v1/payment_links?reference_id=one"))["payment_links"]!.AsArray().Count.ShouldBe(1);
        (await Get("/v1/payment_links?reference_id=nobody"))["payment_links"]!.AsArray().ShouldBeEmpty();
        (await Post($"/v1/payment_links/{id}/cancel")).Body["status"]!.ToString().ShouldBe("cancelled");
        (await Post($"/v1/payment_links/{id}/cancel")).Status.ShouldBe(400);
        (await world.Hear(1))[0].Json["event"]!.ToString().ShouldBe("payment_link.cancelled");
    }

    [Theory]
    [InlineData("amount", null, "amount: is required.")]
    [InlineData("amount", "99", "at least INR 1.00")]
    [InlineData("amount", "499.5", "integer")]
    [InlineData("amount", "\"49900\"", "integer")]
    [InlineData("surprise", "1", "surprise is/are not required and should not be sent")]
    [InlineData("reference_id", "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"", "40")]
    [InlineData("callback_method", "\"post\"", "must be get")]
    [InlineData("expire_by", "1000", "15 minutes")]
    [InlineData("upi_link", "true", "Test Mode")]
    public async Task A_link_that_breaks_a_rule_is_refused_by_name(string field, string? value, string why)
    {
        var asked = Link("bad");
        if (value is null) asked.Remove(field);
        else asked[field] = JsonNode.Parse(value);
        var (status, body) = await Post("/v1/payment_links", asked);
        status.ShouldBe(400);
        body["error"]!["code"]!.ToString().ShouldBe("BAD_REQUEST_ERROR");
        body["error"]!["description"]!.ToString().ShouldContain(why);
        (await Get("/v1/payment_links?reference_id=bad"))["payment_links"]!.AsArray().ShouldBeEmpty();
    }

    [Fact]
    public async Task Of_many_that_ask_at_once_with_one_reference_one_gets_a_link()
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, 64).Select(_ => Create("same")));
        answers.Count(a => a.Status == 200).ShouldBe(1);
        answers.Where(a => a.Status != 200).ShouldAllBe(a => a.Status == 400);
    }

    [Fact]
    public async Task A_stranger_gets_401()
    {
        var (status, _, _) = await gateway.Send("GET", "/v1/payment_links?reference_id=one", null, ("Authorization", "Basic eDp5"));
        status.ShouldBe(401);
    }

    [Fact]
    public async Task Paying_tells_four_events_and_returns_with_a_signature()
    {
        var (_, link) = await Create("paid");
        var id = link["id"]!.ToString();
        var (_, result) = await gateway.Shopper("paid", "paid");
        var payment = result["money_ids"]![0]!.ToString();
        var back = result["return_url"]!.ToString();
        back.ShouldStartWith("https://shop.example.test/back?a=1&razorpay_payment_id=" + payment);
        back.ShouldEndWith("razorpay_signature=" + Hmac(KeySecret, $"{id}|paid|paid|{payment}"));
        var news = await world.Hear(4);
        news.Select(n => n.Json["event"]!.ToString()).ShouldBe(
            ["payment.authorized", "payment.captured", "order.paid", "payment_link.paid"], ignoreOrder: true);
        foreach (var one in news) one.Headers["X-Razorpay-Signature"].ShouldBe(Hmac("hook-new", one.Text));
        news.Single(n => n.Text.Contains("payment_link.paid", StringComparison.Ordinal)).Text.ShouldContain("https:\\/\\/shop");
        news.Select(n => n.Headers["x-razorpay-event-id"]).Distinct().Count().ShouldBe(4);
        var told = news.Single(n => n.Json["event"]!.ToString() == "payment_link.paid").Json;
        told["created_at"]!.GetValue<long>().ShouldBe(link["created_at"]!.GetValue<long>());
        told["payload"]!["order"]!["entity"]!["id"]!.ToString().ShouldNotStartWith("order_");
        told["payload"]!["order"]!["entity"]!["receipt"]!.ToString().ShouldBe("paid");
        told["payload"]!["payment"]!["entity"]!["order_id"]!.ToString().ShouldStartWith("order_");
        (await Get($"/v1/payments/{payment}"))["notes"]!["attempt"]!.ToString().ShouldBe("a1");
        (await Get($"/v1/payment_links/{id}"))["payments"]![0]!["payment_id"]!.ToString().ShouldBe(payment);
        var book = await gateway.Book();
        book.Count.ShouldBe(1);
        book[0]!["amount"]!.GetValue<long>().ShouldBe(49900);
        book[0]!["money_id"]!.ToString().ShouldBe(payment);
        (await gateway.Shopper("paid", "paid")).Status.ShouldBe(409);
    }

    [Fact]
    public async Task A_decline_leaves_the_link_open_and_empty_notes_are_a_list()
    {
        await Create("declined", notes: false);
        var (_, result) = await gateway.Shopper("declined", "declined");
        result["return_url"].ShouldBeNull();
        var failed = (await world.Hear(1))[0].Json["payload"]!["payment"]!["entity"]!;
        failed["status"]!.ToString().ShouldBe("failed");
        failed["error_reason"]!.ToString().ShouldBe("insufficient_fund");
        failed["notes"].ShouldBeOfType<JsonArray>();
        (await gateway.Shopper("declined", "declined_then_paid")).Body["outcome"]!.ToString().ShouldBe("declined_then_paid");
        (await gateway.Book()).Count.ShouldBe(1);
    }

    [Fact]
    public async Task Money_that_comes_after_a_cancel_is_listed_on_the_cancelled_link()
    {
        var (_, link) = await Create("late");
        var id = link["id"]!.ToString();
        world.StandStill();
        var (_, result) = await gateway.Shopper("late", "paid_late");
        var payment = result["money_ids"]![0]!.ToString();
        (await Get($"/v1/payments/{payment}"))["status"]!.ToString().ShouldBe("failed");
        (await Post($"/v1/payment_links/{id}/cancel")).Status.ShouldBe(200);
        world.Resume();
        await world.Hear(1, n => n.Json["event"]!.ToString() == "payment.captured");
        var cancelled = await Get($"/v1/payment_links/{id}");
        cancelled["status"]!.ToString().ShouldBe("cancelled");
        cancelled["payments"]![0]!["payment_id"]!.ToString().ShouldBe(payment);
    }

    [Fact]
    public async Task Two_captures_of_one_link_have_two_names()
    {
        await Create("twice");
        var (_, result) = await gateway.Shopper("twice", "paid_twice");
        result["money_ids"]!.AsArray().Select(m => m!.ToString()).Distinct().Count().ShouldBe(2);
        (await gateway.Book()).Sum(m => m!["amount"]!.GetValue<long>()).ShouldBe(2 * 49900);
    }

    [Fact]
    public async Task A_pending_payment_is_captured_or_fails_later_and_a_small_capture_is_booked_as_small()
    {
        await Create("p1");
        await Create("p2");
        await Create("p3");
        world.StandStill();
        var (_, begun) = await gateway.Shopper("p1", "paid_pending");
        (await Get($"/v1/payments/{begun["money_ids"]![0]}"))["fee"].ShouldBeNull();
        await gateway.Shopper("p2", "pending_then_failed");
        await gateway.Shopper("p3", "wrong_amount");
        world.Resume();
        await world.Hear(2, n => n.Json["event"]!.ToString() == "payment.captured");
        await world.Hear(1, n => n.Json["event"]!.ToString() == "payment.failed");
        (await gateway.Book()).Select(m => m!["amount"]!.GetValue<long>()).Order().ShouldBe([49899, 49900]);
    }

    [Fact]
    public async Task A_refused_webhook_comes_again_with_the_same_name_and_bytes()
    {
        world.EarAnswers = heard => heard <= 2 ? 500 : 200;
        await Create("again");
        await gateway.Shopper("again", "declined");
        var tries = await world.Hear(3);
        tries.Select(t => t.Headers["x-razorpay-event-id"]).Distinct().Count().ShouldBe(1);
        tries.Select(t => t.Text).Distinct().Count().ShouldBe(1);
        await World.Until(() => gateway.Inside.Webhooks.Events.Single().Attempts.Select(a => a.Status).SequenceEqual([500, 500, 200]));
    }

    [Fact]
    public async Task Webhook_faults_do_what_they_say()
    {
        await gateway.Fault(
            new { call = "webhook", fault = "drop", @event = "payment.authorized" },
            new { call = "webhook", fault = "duplicate", @event = "payment.captured" },
            new { call = "webhook", fault = "old_secret", @event = "order.paid" },
            new { call = "webhook", fault = "wrong_amount", @event = "payment_link.paid" });
        await Create("faulty");
        await gateway.Shopper("faulty", "paid");
        var news = await world.Hear(4);
        var byType = news.ToLookup(n => n.Json["event"]!.ToString());
        byType["payment.authorized"].ShouldBeEmpty();
        byType["payment.captured"].Count().ShouldBe(2);
        var old = byType["order.paid"].Single();
        old.Headers["X-Razorpay-Signature"].ShouldBe(Hmac("hook-old", old.Text));
        var wrong = byType["payment_link.paid"].Single();
        wrong.Json["payload"]!["payment"]!["entity"]!["amount"]!.GetValue<long>().ShouldBe(49899);
        wrong.Headers["X-Razorpay-Signature"].ShouldBe(Hmac("hook-new", wrong.Text));
        await gateway.Fault(
            new { call = "webhook", fault = "forge", @event = "payment.captured" },
            new { call = "webhook", fault = "unknown_order", @event = "order.paid" });
        await Create("faulty2");
        world.Deliveries.Clear();
        await gateway.Shopper("faulty2", "paid");
        news = await world.Hear(6);
        news.Count(n => n.Headers["X-Razorpay-Signature"] != Hmac("hook-new", n.Text)).ShouldBe(1);
        news.Where(n => n.Json["event"]!.ToString() == "order.paid")
            .Select(n => n.Json["payload"]!["order"]!["entity"]!["id"]!.ToString()).Distinct().Count().ShouldBe(2);
    }

    [Fact]
    public async Task A_reordered_event_comes_after_the_next_one()
    {
        await gateway.Fault(new { call = "webhook", fault = "reorder", @event = "payment.authorized" });
        await Create("order");
        await gateway.Shopper("order", "paid");
        var news = await world.Hear(4);
        var types = news.Select(n => n.Json["event"]!.ToString()).ToList();
        types.IndexOf("payment.authorized").ShouldBeGreaterThan(types.IndexOf("payment.captured"));
    }

    [Fact]
    public async Task Call_faults_do_what_they_say()
    {
        await Create("x");
        var path = "/v1/payment_links?reference_id=x";
        await gateway.Fault(
            new { call = "inquire", fault = "error_500" },
            new { call = "inquire", fault = "error_429" },
            new { call = "inquire", fault = "malformed" },
            new { call = "inquire", fault = "malformed_html" },
            new { call = "inquire", fault = "empty" },
            new { call = "inquire", fault = "wrong_amount" },
            new { call = "inquire", fault = "refuse" });
        (await gateway.Send("GET", path, null, Key)).Status.ShouldBe(500);
        (await gateway.Send("GET", path, null, Key)).Status.ShouldBe(429);
        (await Text(path)).ShouldStartWith("{\"payment_links\"");
        (await Text(path)).ShouldStartWith("<!DOCTYPE html>");
        (await Text(path)).ShouldBeEmpty();
        (await Get(path))["payment_links"]![0]!["amount"]!.GetValue<long>().ShouldBe(49899);
        await Should.ThrowAsync<HttpRequestException>(() => Get(path));
        (await Get(path))["payment_links"]![0]!["amount"]!.GetValue<long>().ShouldBe(49900);
    }

    [Fact]
    public async Task A_lost_reply_means_that_it_was_done_and_a_swapped_one_is_about_another()
    {
        await gateway.Fault(new { call = "create_link", fault = "timeout_after" });
        using (var impatient = new CancellationTokenSource())
        using (var request = new HttpRequestMessage(HttpMethod.Post, "/v1/payment_links") { Content = JsonContent.Create(Link("lost")) })
        {
            request.Headers.Add(Key.Item1, Key.Item2);
            await Should.ThrowAsync<OperationCanceledException>(() => Task.WhenAll(gateway.Http.SendAsync(request, impatient.Token), GiveUpWhenDone(impatient)));
        }

        (await Get("/v1/payment_links?reference_id=lost"))["payment_links"]!.AsArray().Count.ShouldBe(1);
        await Create("other");
        await gateway.Fault(new { call = "inquire", fault = "swap" });
        (await Get("/v1/payment_links?reference_id=other"))["payment_links"]![0]!["reference_id"]!.ToString().ShouldNotBe("other");

        async Task GiveUpWhenDone(CancellationTokenSource impatient)
        {
            await World.Until(() => gateway.Inside.Dialect.Links().Any());
            await impatient.CancelAsync();
        }
    }

    [Fact]
    public async Task The_hosted_page_escapes_what_it_shows_and_lets_a_person_pay()
    {
        var asked = Link("page");
        asked["description"] = "<script>alert(1)</script>";
        var (_, link) = await Post("/v1/payment_links", asked);
        using var browser = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false });
        var url = link["short_url"]!.ToString();
        var page = await browser.GetStringAsync(url);
        page.ShouldContain("SANDBOX");
        page.ShouldContain("INR 499.00");
        page.ShouldNotContain("<script>alert");
        using var form = new FormUrlEncodedContent([new("outcome", "paid")]);
        using var answer = await browser.PostAsync(url, form);
        ((int)answer.StatusCode).ShouldBe(303);
        answer.Headers.Location!.ToString().ShouldContain("razorpay_payment_link_status=paid");
    }

    [Fact]
    public async Task Orders_are_found_by_receipt_and_a_strict_account_wants_each_receipt_once()
    {
        var asked = new JsonObject { ["amount"] = 100, ["currency"] = "INR", ["receipt"] = "r1" };
        (await Post("/v1/orders", asked)).Status.ShouldBe(200);
        (await Post("/v1/orders", asked)).Status.ShouldBe(200);
        (await Get("/v1/orders?receipt=r1"))["count"]!.GetValue<int>().ShouldBe(2);
        await world.Put("/control/razorpay/settings", new { duplicate_receipts = "reject" });
        (await Post("/v1/orders", asked)).Status.ShouldBe(400);
    }

    [Fact]
    public async Task Two_hundred_and_fifty_six_callers_at_once_each_get_their_own_paid_link()
    {
        var paid = await Task.WhenAll(Enumerable.Range(0, 256).Select(async i =>
        {
            var (status, link) = await Create($"many{i}");
            status.ShouldBe(200);
            await gateway.Shopper($"many{i}", "paid");
            return (await Get($"/v1/payment_links/{link["id"]}"))["status"]!.ToString();
        }));
        paid.ShouldAllBe(status => status == "paid");
        (await gateway.Book()).Select(m => m!["reference"]!.ToString()).Distinct().Count().ShouldBe(256);
        await world.Hear(4 * 256);
    }

    [Theory]
    [InlineData("INV-2026-0001", "paid", "a16e3d8d590c90ea9530ee474deff660cdf8574b82a2fbaf583ee664b17b9676")]
    [InlineData(null, "paid", "bcb642c98983bc8b2b6eec13356e8c3ebebc1a7e83d2ffe899c676bf9e10e56b")]
    [InlineData("INV-2026-0001", "partially_paid", "db926755c8358823ba7d88040e4c93143eb2bb146befcc17e08c9c81960debc5")]
    public void Returns_are_signed_as_the_vectors_say(string? reference, string status, string signature) =>
        RazorpayDialect.ReturnSignature("rzpvec_secret_0123456789ab", "plink_VecDemo000001", reference, status, "pay_VecDemo0000001")
            .ShouldBe(signature);

    [Theory]
    [InlineData("razorpay-webhook-V1.json", "rzpvec_webhook_secret_A1", "0523cd2288e5d9b1b04d13df5fee3c8339128356e8d92b953205566fcccef22f")]
    [InlineData("razorpay-webhook-V2.json", "rzpvec_webhook_secret_A1", "284dffe3b85754fe4e0f4a113f75b6c32e266fde13487d8d185f77e665ffe22b")]
    public void Webhooks_are_signed_as_the_vectors_say(string fixture, string secret, string signature)
    {
        var body = File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "fixtures", fixture));
        RazorpayDialect.SignWebhook(body, "evt", [secret])["X-Razorpay-Signature"].ShouldBe(signature);
        // Written by the simulator, the vector's own bytes come out again.
        RazorpayDialect.WebhookBody(JsonNode.Parse(body)!.AsObject()).ShouldBe(body);
    }

    [Verifies(Part.Simulator, By.OfficialCode, "razorpay")]
    [Fact]
    public async Task The_official_client_creates_reads_cancels_refunds_reconciles_and_believes_the_signatures()
    {
        var seen = await OfficialClients.Run("razorpay.mjs", new
        {
            url = gateway.Http.BaseAddress!.ToString().TrimEnd('/'),
            control = world.Sandbox.ControlUrl.ToString().TrimEnd('/'),
            key_id = "rzp_test_sandbox",
            key_secret = KeySecret,
            webhook_secret = "sdk-hook-secret",
        });
        seen["created"]!.ToString().ShouldBe("created");
        seen["read"]!.ToString().ShouldBe("sdk-1");
        seen["twice"]!.GetValue<int>().ShouldBe(400);
        seen["twice_text"]!.ToString().ShouldContain("already");
        seen["paid"]!.ToString().ShouldBe("paid");
        seen["payment"]!.ToString().ShouldBe("captured");
        seen["payment_amount"]!.GetValue<long>().ShouldBe(49900);
        seen["returned"]!.GetValue<bool>().ShouldBeTrue();
        seen["refund"]!.GetValue<long>().ShouldBe(900);
        seen["refund_status"]!.ToString().ShouldBe("processed");
        seen["refund_read"]!.ToString().ShouldBe("sdk-r1");
        seen["refund_of_payment"]!.GetValue<bool>().ShouldBeTrue();
        seen["refund_changed"]!.ToString().ShouldBe("changed");
        seen["refunds"]!.AsArray().Select(r => r!.ToString()).ShouldBe(["sdk-r1"]);
        seen["too_much"]!.GetValue<int>().ShouldBe(400);
        seen["rest"]!.GetValue<long>().ShouldBe(49000);
        seen["refunded"]!.ToString().ShouldBe("refunded");
        seen["recon"]!.AsArray().Select(r => r!.ToString()).ShouldBe(["payment", "refund", "refund"]);
        seen["settled"]!.GetValue<bool>().ShouldBeTrue();
        seen["cancelled"]!.ToString().ShouldBe("cancelled");
        seen["events"]!.AsArray().Select(e => e!.ToString()).ShouldBe(["order.paid", "payment.authorized", "payment.captured", "payment_link.paid"]);
        seen["genuine"]!.GetValue<bool>().ShouldBeTrue();
        seen["tampered"]!.GetValue<bool>().ShouldBeFalse();
    }

    static JsonObject Link(string reference, bool notes = true)
    {
        var asked = new JsonObject
        {
            ["amount"] = 49900,
            ["currency"] = "INR",
            ["reference_id"] = reference,
            ["description"] = "Order 1",
            ["callback_url"] = "https://shop.example.test/back?a=1",
            ["callback_method"] = "get",
        };
        if (notes) asked["notes"] = new JsonObject { ["attempt"] = "a1" };
        return asked;
    }

    static string Hmac(string secret, string message) => Purser.Sandbox.Wire.HmacHex(secret, Encoding.UTF8.GetBytes(message));

    Task<(int Status, JsonNode Body)> Create(string reference, bool notes = true) => Post("/v1/payment_links", Link(reference, notes));

    async Task<(int Status, JsonNode Body)> Post(string path, JsonObject? body = null)
    {
        using var content = body is null ? null : JsonContent.Create(body);
        var (status, answer, _) = await gateway.Send("POST", path, content, Key);
        return (status, answer!);
    }

    async Task<JsonNode> Get(string path) => (await gateway.Send("GET", path, null, Key)).Body!;

    async Task<string> Text(string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.TryAddWithoutValidation(Key.Item1, Key.Item2);
        using var answer = await gateway.Http.SendAsync(request);
        return await answer.Content.ReadAsStringAsync();
    }
}
