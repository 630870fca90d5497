using System.Text;
using System.Text.Json.Nodes;
using Purser.Gateways.Tests.Outside;
using Purser.Sandbox.Stripe;

namespace Purser.Gateways.Stripe.Tests;

/// <summary>The simulator keeps to the documents, and its official client is content with it.</summary>
[Verifies(Part.Simulator, By.Document)]
public sealed class StripeSimulatorTests(World world) : IClassFixture<World>, IAsyncLifetime
{
    const string SecretKey = "sk_test_sandbox", S1 = "whsec_TestOnly0123456789abcdefABCDEF", S2 = "whsec_RotatedOnly_9876543210fedcba";
    const string Sessions = "/v1/checkout/sessions";

    static readonly (string, string) Key = ("Authorization", "Bearer " + SecretKey);

    Gateway gateway = null!;

    public async Task InitializeAsync() => gateway = await world.Fresh("stripe", S1, S2);

    public Task DisposeAsync()
    {
        gateway.Dispose();
        return Task.CompletedTask;
    }

    [Fact]
    public async Task A_session_is_open_and_has_no_intent_until_the_buyer_confirms()
    {
        var (status, session, headers) = await Create("one");
        status.ShouldBe(200);
        session["status"]!.ToString().ShouldBe("open");
        session["payment_intent"].ShouldBeNull();
        session["amount_total"]!.GetValue<long>().ShouldBe(3998);
        session["url"]!.ToString().ShouldContain("#");
        session["url"]!.ToString().Length.ShouldBeGreaterThan(255);
        headers.GetValues("Request-Id").Single().ShouldStartWith("req_");
        await gateway.Shopper("one", "declined");
        var read = await Get($"{Sessions}/{session["id"]}?expand[]=payment_intent.latest_charge");
        read["status"]!.ToString().ShouldBe("open");
        read["payment_intent"]!["status"]!.ToString().ShouldBe("requires_payment_method");
        read["payment_intent"]!["latest_charge"]!["status"]!.ToString().ShouldBe("failed");
    }

    [Theory]
    [InlineData("mode", null, "Missing required param: mode.")]
    [InlineData("success_url", null, "Missing required param: success_url.")]
    [InlineData("success_url", "/relative", "Not a valid URL")]
    [InlineData("surprise", "1", "Received unknown parameter: surprise")]
    [InlineData("line_items[0][price_data][currency]", "EUR", "Invalid currency: EUR.")]
    [InlineData("line_items[0][price_data][unit_amount]", "19.99", "Invalid integer: 19.99")]
    [InlineData("line_items[0][price_data][unit_amount]", "10", "too small")]
    [InlineData("line_items[0][price_data][unit_amount]", "99999999", "no more than")]
    [InlineData("line_items[0][quantity]", "0", "greater than or equal to 1")]
    [InlineData("line_items[0][price_data][surprise]", "1", "Received unknown parameter: line_items[0][price_data][surprise]")]
    [InlineData("expires_at", "1000", "at least 30 minutes")]
    [InlineData("expires_at", "99999999999", "less than 24 hours")]
    [InlineData("metadata[aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa]", "1", "40 characters")]
    public async Task A_session_that_breaks_a_rule_is_refused_by_name(string field, string? value, string why)
    {
        var asked = Asked("bad");
        asked.Remove(field);
        if (value is not null) asked[field] = value;
        var (status, body, _) = await Post(Sessions, asked);
        status.ShouldBe(400);
        body["error"]!["type"]!.ToString().ShouldBe("invalid_request_error");
        body["error"]!["message"]!.ToString().ShouldContain(why);
    }

    [Fact]
    public async Task A_key_gives_the_same_answer_refuses_other_words_and_forgives_what_was_never_executed()
    {
        var asked = Asked("key");
        var (_, first, _) = await Post(Sessions, asked, "k1");
        var (status, second, headers) = await Post(Sessions, asked, "k1");
        status.ShouldBe(200);
        second["id"]!.ToString().ShouldBe(first["id"]!.ToString());
        headers.GetValues("Idempotent-Replayed").Single().ShouldBe("true");
        headers.GetValues("Original-Request").Single().ShouldStartWith("req_");
        headers.GetValues("Idempotency-Key").Single().ShouldBe("k1");
        asked["client_reference_id"] = "other";
        var (mismatch, error, _) = await Post(Sessions, asked, "k1");
        mismatch.ShouldBe(400);
        error["error"]!["type"]!.ToString().ShouldBe("idempotency_error");
        asked["mode"] = "nonsense";
        (await Post(Sessions, asked, "k2")).Status.ShouldBe(400);
        asked["mode"] = "payment";
        (await Post(Sessions, asked, "k2")).Status.ShouldBe(200);
    }

    [Fact]
    public async Task A_key_in_use_is_409_and_one_session_is_made()
    {
        // Both are slow, so whichever comes first is still running when the other comes.
        await gateway.Fault(new { call = "create_link", fault = "slow", delay_ms = World.Held, times = 2 });
        var (one, other) = (Post(Sessions, Asked("busy"), "k"), Post(Sessions, Asked("busy"), "k"));
        var refused = await await Task.WhenAny(one, other);
        (refused.Status, refused.Body["error"]!["code"]!.ToString()).ShouldBe((409, "idempotency_key_in_use"));
        world.Resume();
        (await Task.WhenAll(one, other)).Select(a => a.Status).Order().ShouldBe([200, 409]);
        gateway.Inside.Dialect.Links().Count().ShouldBe(1);
    }

    [Fact]
    public async Task After_a_lost_reply_the_same_key_finds_the_session()
    {
        await gateway.Fault(new { call = "create_link", fault = "error_500_after" });
        (await Post(Sessions, Asked("lost"), "k")).Status.ShouldBe(500);
        var (_, session, _) = await Post(Sessions, Asked("lost"), "k");
        gateway.Inside.Dialect.Links().Single().Id.ShouldBe(session["id"]!.ToString());
    }

    [Fact]
    public async Task Paying_tells_three_signed_and_indented_events_and_returns_with_the_session_id()
    {
        var (_, session, _) = await Create("paid");
        var id = session["id"]!.ToString();
        var (_, result) = await gateway.Shopper("paid", "paid");
        result["return_url"]!.ToString().ShouldBe($"https://shop.example.test/back?session_id={id}");
        var news = await world.Hear(3);
        news.Select(n => n.Json["type"]!.ToString()).ShouldBe(
            ["charge.succeeded", "payment_intent.succeeded", "checkout.session.completed"], ignoreOrder: true);
        foreach (var one in news)
        {
            one.Text.ShouldContain("\n  \"object\": \"event\"");
            var parts = one.Headers["Stripe-Signature"].Split(',');
            var at = long.Parse(parts[0][2..]);
            parts.Where(p => p.StartsWith("v1=", StringComparison.Ordinal)).ShouldBe(
                ["v1=" + StripeDialect.Signature(S1, at, one.Body), "v1=" + StripeDialect.Signature(S2, at, one.Body)]);
            parts[^1].ShouldStartWith("v0=");
        }

        var told = news.Single(n => n.Json["type"]!.ToString() == "payment_intent.succeeded").Json["data"]!["object"]!;
        told["metadata"]!["attempt_id"]!.ToString().ShouldBe("a1");
        told["client_reference_id"].ShouldBeNull();
        (await gateway.Book()).Single()!["money_id"]!.ToString().ShouldBe(told["id"]!.ToString());
        var (expire, error, _) = await Post($"{Sessions}/{id}/expire", []);
        expire.ShouldBe(400);
        error["error"]!["message"]!.ToString().ShouldContain("complete");
    }

    [Fact]
    public async Task An_asynchronous_method_completes_unpaid_and_is_paid_or_fails_later()
    {
        var (_, good, _) = await Create("good");
        var (_, bad, _) = await Create("bad");
        world.StandStill();
        await gateway.Shopper("good", "paid_pending");
        await gateway.Shopper("bad", "pending_then_failed");
        var completed = await world.Hear(2, n => n.Json["type"]!.ToString() == "checkout.session.completed");
        completed.ShouldAllBe(n => n.Json["data"]!["object"]!["payment_status"]!.ToString() == "unpaid");
        world.Resume();
        await world.Hear(1, n => n.Json["type"]!.ToString() == "checkout.session.async_payment_succeeded");
        await world.Hear(1, n => n.Json["type"]!.ToString() == "checkout.session.async_payment_failed");
        (await Get($"{Sessions}/{good["id"]}"))["payment_status"]!.ToString().ShouldBe("paid");
        var failed = await Get($"{Sessions}/{bad["id"]}?expand[0]=payment_intent");
        failed["status"]!.ToString().ShouldBe("complete");
        failed["payment_intent"]!["status"]!.ToString().ShouldBe("requires_payment_method");
        (await gateway.Book()).Count.ShouldBe(1);
    }

    [Fact]
    public async Task Who_leaves_their_banks_check_leaves_an_intent_that_requires_action_on_a_session_that_can_still_be_paid()
    {
        var (_, paid, _) = await Create("left, paid");
        var (_, ended, _) = await Create("left, ended");
        foreach (var (reference, session) in ((string, JsonNode)[])[("left, paid", paid), ("left, ended", ended)])
        {
            var (status, left) = await gateway.Shopper(reference, "left_at_check");
            (status, left["return_url"], left["money_ids"]!.AsArray().Count).ShouldBe((200, null, 0));
            (await Standing(session)).ShouldBe(("open", "requires_action", null));
        }
        (await world.Hear(2)).ShouldAllBe(n => n.Json["type"]!.ToString() == "payment_intent.requires_action");
        await gateway.Shopper("left, paid", "paid");
        await Post($"{Sessions}/{ended["id"]}/expire", []);
        (await Standing(paid)).ShouldBe(("complete", "succeeded", null));
        (await Standing(ended)).ShouldBe(("expired", "canceled", "expired"));
        (await gateway.Book()).Count.ShouldBe(1);

        async Task<(string, string, string?)> Standing(JsonNode session)
        {
            var now = await Get($"{Sessions}/{session["id"]}?expand[0]=payment_intent");
            return (now["status"]!.ToString(), now["payment_intent"]!["status"]!.ToString(), now["payment_intent"]!["cancellation_reason"]?.ToString());
        }
    }

    [Fact]
    public async Task An_expired_session_has_no_page_and_takes_no_money()
    {
        var (_, session, _) = await Create("expired");
        var page = session["url"]!.ToString();
        var (_, expired, _) = await Post($"{Sessions}/{session["id"]}/expire", []);
        expired["status"]!.ToString().ShouldBe("expired");
        expired["url"].ShouldBeNull();
        (await gateway.Shopper("expired", "paid")).Status.ShouldBe(409);
        using var browser = new HttpClient();
        (await browser.GetStringAsync(page)).ShouldContain("can no longer be paid");
        (await world.Hear(1))[0].Json["type"]!.ToString().ShouldBe("checkout.session.expired");
        (await gateway.Book()).ShouldBeEmpty();
    }

    [Fact]
    public async Task Sessions_are_listed_newest_first_by_time_status_and_intent_in_pages()
    {
        var ids = new List<string>();
        for (var i = 0; i < 5; i++) ids.Insert(0, (await Create($"list{i}")).Body["id"]!.ToString());
        await gateway.Shopper("list2", "paid");
        var first = await Get($"{Sessions}?limit=2&created[gte]=1000");
        Ids(first).ShouldBe(ids[..2]);
        first["has_more"]!.GetValue<bool>().ShouldBeTrue();
        Ids(await Get($"{Sessions}?limit=3&starting_after={ids[1]}")).ShouldBe(ids[2..]);
        Ids(await Get($"{Sessions}?created[lte]=1000")).ShouldBeEmpty();
        var complete = await Get($"{Sessions}?status=complete&expand[]=data.payment_intent.latest_charge.balance_transaction");
        Ids(complete).ShouldBe([ids[2]]);
        var intent = complete["data"]![0]!["payment_intent"]!;
        intent["latest_charge"]!["balance_transaction"]!["net"]!.GetValue<long>().ShouldBe(3998 - (116 + 30));
        Ids(await Get($"{Sessions}?payment_intent={intent["id"]}")).ShouldBe([ids[2]]);
        (await gateway.Send("GET", $"{Sessions}?expand[]=payment_intent", null, Key)).Status.ShouldBe(400);

        static IEnumerable<string> Ids(JsonNode list) => list["data"]!.AsArray().Select(s => s!["id"]!.ToString());
    }

    [Fact]
    public async Task Refunds_never_exceed_what_was_captured()
    {
        await Create("refund");
        var (_, result) = await gateway.Shopper("refund", "paid");
        var intent = result["money_ids"]![0]!.ToString();
        (await Post("/v1/refunds", new() { ["payment_intent"] = intent, ["amount"] = "998" })).Status.ShouldBe(200);
        (await Post("/v1/refunds", new() { ["payment_intent"] = intent, ["amount"] = "3001" })).Status.ShouldBe(400);
        (await Post("/v1/refunds", new() { ["payment_intent"] = intent })).Body["amount"]!.GetValue<long>().ShouldBe(3000);
        (await Post("/v1/refunds", new() { ["payment_intent"] = intent })).Body["error"]!["code"]!.ToString().ShouldBe("charge_already_refunded");
        (await gateway.Book()).Sum(m => m!["kind"]!.ToString() == "captured" ? m["amount"]!.GetValue<long>() : -m["amount"]!.GetValue<long>()).ShouldBe(0);
    }

    [Fact]
    public async Task Two_intents_and_less_than_was_asked_can_be_shown()
    {
        await Create("twice");
        await Create("less");
        var (_, twice) = await gateway.Shopper("twice", "paid_twice");
        twice["money_ids"]!.AsArray().Select(m => m!.ToString()).Distinct().Count().ShouldBe(2);
        await gateway.Shopper("less", "wrong_amount");
        (await gateway.Book()).Select(m => m!["amount"]!.GetValue<long>()).Order().ShouldBe([3997, 3998, 3998]);
    }

    [Fact]
    public async Task A_retry_keeps_the_event_and_its_bytes_and_the_event_can_be_read()
    {
        world.EarAnswers = heard => heard == 1 ? 302 : 200;
        await Create("again");
        await gateway.Inside.Webhooks.Post("evt_mine", "probe", null, new() { ["id"] = "evt_mine", ["type"] = "probe" });
        var tries = await world.Hear(2);
        tries[0].Text.ShouldBe(tries[1].Text);
        (await Get("/v1/events/evt_mine"))["type"]!.ToString().ShouldBe("probe");
    }

    [Fact]
    public async Task Missing_and_wrong_keys_are_401_and_unknown_ids_404()
    {
        (await gateway.Send("GET", Sessions)).Status.ShouldBe(401);
        (await gateway.Send("GET", Sessions, null, ("Authorization", "Bearer sk_test_other"))).Status.ShouldBe(401);
        var basic = "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes(SecretKey + ":"));
        (await gateway.Send("GET", Sessions, null, ("Authorization", basic))).Status.ShouldBe(200);
        var (status, body, _) = await gateway.Send("GET", Sessions + "/cs_test_nobody", null, Key);
        status.ShouldBe(404);
        body!["error"]!["code"]!.ToString().ShouldBe("resource_missing");
    }

    [Fact]
    public async Task Two_hundred_and_fifty_six_callers_with_one_key_get_one_session()
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, 256).Select(_ => Post(Sessions, Asked("crowd"), "crowd")));
        answers.ShouldAllBe(a => a.Status == 200 || a.Status == 409);
        answers.Where(a => a.Status == 200).Select(a => a.Body["id"]!.ToString()).Distinct().Count().ShouldBe(1);
        gateway.Inside.Dialect.Links().Count().ShouldBe(1);
    }

    [Theory]
    [InlineData("stripe-body-A.json", S1, "f2bb5861c2513598372d906a46c77a4c1d270047bb27479acaae8dae6f9cee4b")]
    [InlineData("stripe-body-A.json", S2, "e4440551bcef4fa4de47a972ff6217cfc77ec136855409c8496e766e941bedf3")]
    [InlineData("stripe-body-B.json", S1, "1072c5b8513cbe0ef37cc012112aa2cb0c51d5f8733f3638fa3ae1a27516690f")]
    public void Events_are_signed_as_the_vectors_say(string fixture, string secret, string signature) =>
        StripeDialect.Signature(secret, 1750000000, File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "fixtures", fixture)))
            .ShouldBe(signature);

    [Verifies(Part.Simulator, By.OfficialCode, "stripe")]
    [Fact]
    public async Task The_official_client_creates_reads_lists_expires_refunds_reconciles_and_believes_the_signatures()
    {
        var seen = await OfficialClients.Run("stripe.mjs", new
        {
            url = gateway.Http.BaseAddress!.ToString().TrimEnd('/'),
            control = world.Sandbox.ControlUrl.ToString().TrimEnd('/'),
            secret_key = SecretKey,
            webhook_secret = S1,
        });
        var expected = new Dictionary<string, string>
        {
            ["created"] = "open",
            ["replayed"] = "true",
            ["replay_header"] = "true",
            ["mismatch"] = "StripeIdempotencyError",
            ["return_url"] = "true",
            ["paid"] = "complete",
            ["payment_status"] = "paid",
            ["intent"] = "succeeded",
            ["charge"] = "succeeded",
            ["metadata"] = "sdk-1",
            ["listed"] = "true",
            ["refund"] = "succeeded",
            ["refund_again"] = "true",
            ["refund_mismatch"] = "StripeIdempotencyError",
            ["too_much"] = "StripeInvalidRequestError",
            ["refund_read"] = "sdk-r1",
            ["no_cancel"] = "400",
            ["rest"] = "1499",
            ["all_back"] = "charge_already_refunded",
            ["refunds"] = """[null,"sdk-r1"]""",
            ["refunded"] = "true",
            ["rows"] = """["payout","refund","refund","charge"]""",
            ["settled"] = "0",
            ["source"] = "true",
            ["payout"] = "true",
            ["run"] = "pending",
            ["expired"] = "expired",
            ["again"] = "400",
            ["wrong_key"] = "StripeAuthenticationError",
            ["tampered"] = "StripeSignatureVerificationError",
        };
        foreach (var (name, value) in expected) (seen[name] is JsonArray list ? list.ToJsonString() : seen[name]!.ToString()).ShouldBe(value, name);
        seen["intent_at_first"].ShouldBeNull();
        seen["events"]!.AsArray().Select(e => e!.ToString()).ShouldBe(
            ["charge.succeeded", "checkout.session.completed", "payment_intent.succeeded"]);
    }

    static Dictionary<string, string> Asked(string reference) => new()
    {
        ["mode"] = "payment",
        ["client_reference_id"] = reference,
        ["metadata[attempt_id]"] = "a1",
        ["payment_intent_data[metadata][attempt_id]"] = "a1",
        ["line_items[0][quantity]"] = "2",
        ["line_items[0][price_data][currency]"] = "eur",
        ["line_items[0][price_data][unit_amount]"] = "1999",
        ["line_items[0][price_data][product_data][name]"] = "Order 42",
        ["success_url"] = "https://shop.example.test/back?session_id={CHECKOUT_SESSION_ID}",
        ["cancel_url"] = "https://shop.example.test/away",
    };

    Task<(int Status, JsonNode Body, System.Net.Http.Headers.HttpResponseHeaders Headers)> Create(string reference) =>
        Post(Sessions, Asked(reference));

    async Task<(int Status, JsonNode Body, System.Net.Http.Headers.HttpResponseHeaders Headers)> Post(
        string path, Dictionary<string, string> form, string? key = null)
    {
        using var content = new FormUrlEncodedContent(form);
        (string, string)[] headers = key is null ? [Key] : [Key, ("Idempotency-Key", key)];
        var (status, body, answered) = await gateway.Send("POST", path, content, headers);
        return (status, body!, answered);
    }

    async Task<JsonNode> Get(string path) => (await gateway.Send("GET", path, null, Key)).Body!;
}
