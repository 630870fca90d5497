using System.Text.Json.Nodes;
using Purser.Gateways.Tests.Outside;

namespace Purser.Gateways.Stripe.Tests;

/// <summary>What can still happen at the simulator after the page was shown: late money, captures by hand, changes, trouble.</summary>
[Verifies(Part.Simulator, By.Document)]
public sealed class StripeAfterwardsTests(World world) : IClassFixture<World>, IAsyncLifetime
{
    const string Sessions = "/v1/checkout/sessions";

    static readonly (string, string) Key = ("Authorization", "Bearer sk_test_sandbox");

    Gateway gateway = null!;

    public async Task InitializeAsync() => gateway = await world.Fresh("stripe", "whsec_one");

    public Task DisposeAsync()
    {
        gateway.Dispose();
        return Task.CompletedTask;
    }

    [Fact]
    public async Task Money_that_comes_after_the_session_expired_is_told_of_and_leaves_it_expired()
    {
        var id = await Create("late");
        world.StandStill();
        var (_, acted) = await gateway.Shopper("late", "paid_late");
        acted["return_url"].ShouldBeNull();
        var open = await Get($"{Sessions}/{id}?expand[]=payment_intent");
        open["status"]!.ToString().ShouldBe("open");
        open["payment_intent"]!["last_payment_error"].ShouldNotBeNull();
        (await Post($"{Sessions}/{id}/expire")).Status.ShouldBe(200);
        world.Resume();
        await World.Until(() => gateway.Inside.Book.Movements.Count == 1);
        var ended = await Get($"{Sessions}/{id}?expand[]=payment_intent");
        ended["status"]!.ToString().ShouldBe("expired");
        ended["payment_intent"]!["status"]!.ToString().ShouldBe("succeeded");
        ended["payment_intent"]!["amount_received"]!.GetValue<long>().ShouldBe(1999);
        await world.Hear(1, n => Type(n) == "payment_intent.succeeded");
        world.Deliveries.ShouldNotContain(n => Type(n) == "checkout.session.completed");
    }

    [Fact]
    public async Task Late_money_completes_a_session_that_is_still_open_and_is_a_second_payment_where_it_was_paid_meanwhile()
    {
        var open = await Create("open");
        var paid = await Create("paid");
        world.StandStill();
        await gateway.Shopper("open", "paid_late");
        await gateway.Shopper("paid", "paid_late");
        (await gateway.Shopper("paid", "paid")).Status.ShouldBe(200);
        world.Resume();
        await World.Until(() => gateway.Inside.Book.Movements.Count == 3);
        (await Get($"{Sessions}/{open}"))["payment_status"]!.ToString().ShouldBe("paid");
        (await Get($"{Sessions}/{paid}"))["status"]!.ToString().ShouldBe("complete");
        gateway.Inside.Book.Movements.Where(m => m.Reference == "paid").Select(m => m.MoneyId).Distinct().Count().ShouldBe(2);
    }

    [Fact]
    public async Task What_was_authorized_is_captured_by_hand_in_part_and_once()
    {
        var id = await Create("hand", ("payment_intent_data[capture_method]", "manual"));
        var (_, acted) = await gateway.Shopper("hand", "paid");
        var intent = acted["money_ids"]![0]!.ToString();
        var session = await Get($"{Sessions}/{id}?expand[]=payment_intent");
        session["status"]!.ToString().ShouldBe("complete");
        session["payment_status"]!.ToString().ShouldBe("unpaid");
        session["payment_intent"]!["status"]!.ToString().ShouldBe("requires_capture");
        session["payment_intent"]!["amount_capturable"]!.GetValue<long>().ShouldBe(1999);
        gateway.Inside.Book.Movements.ShouldBeEmpty();
        (await Post($"/v1/payment_intents/{intent}/capture", ("amount_to_capture", "2000"))).Status.ShouldBe(400);
        var (_, captured) = await Post($"/v1/payment_intents/{intent}/capture", ("amount_to_capture", "1500"));
        captured["amount_received"]!.GetValue<long>().ShouldBe(1500);
        (await Post($"/v1/payment_intents/{intent}/capture")).Body["error"]!["code"]!.ToString().ShouldBe("payment_intent_unexpected_state");
        gateway.Inside.Book.Movements.Single().Amount.ShouldBe(1500);
        (await Post("/v1/refunds", ("payment_intent", intent), ("amount", "1501"))).Status.ShouldBe(400);
        var charge = await Get($"/v1/charges/{captured["latest_charge"]}");
        (await Get($"/v1/balance_transactions/{charge["balance_transaction"]}"))["amount"]!.GetValue<long>().ShouldBe(1500);
    }

    [Fact]
    public async Task What_was_authorized_can_be_released_and_the_intent_of_an_open_session_cannot_be_cancelled()
    {
        await Create("release", ("payment_intent_data[capture_method]", "manual"));
        var (_, acted) = await gateway.Shopper("release", "paid");
        var (status, released) = await Post($"/v1/payment_intents/{acted["money_ids"]![0]}/cancel", ("cancellation_reason", "abandoned"));
        status.ShouldBe(200);
        released["status"]!.ToString().ShouldBe("canceled");
        released["cancellation_reason"]!.ToString().ShouldBe("abandoned");
        var id = await Create("open");
        await gateway.Shopper("open", "declined");
        var intent = (await Get($"{Sessions}/{id}"))["payment_intent"];
        (await Post($"/v1/payment_intents/{intent}/cancel")).Status.ShouldBe(400);
        gateway.Inside.Book.Movements.ShouldBeEmpty();
    }

    [Fact]
    public async Task Metadata_can_be_changed_and_lines_be_read()
    {
        var id = await Create("lines");
        var (_, changed) = await Post($"{Sessions}/{id}", ("metadata[attempt_id]", ""), ("metadata[colour]", "red"));
        changed["metadata"]!.ToJsonString().ShouldBe("""{"colour":"red"}""");
        (await Post($"{Sessions}/{id}", ("amount", "1"))).Status.ShouldBe(400);
        var line = (await Get($"{Sessions}/{id}/line_items"))["data"]!.AsArray().Single()!;
        line["description"]!.ToString().ShouldBe("Order 42");
        line["amount_total"]!.GetValue<long>().ShouldBe(1999);
    }

    [Fact]
    public async Task A_throttled_call_names_the_limit_and_was_not_run()
    {
        await gateway.Fault(new { call = "create_link", fault = "error_429", delay_ms = 3000 }, new { call = "inquire", fault = "error_500", status = 502 });
        using var form = Form("throttled");
        var (status, body, headers) = await gateway.Send("POST", Sessions, form, Key, ("Idempotency-Key", "k"));
        status.ShouldBe(429);
        headers.GetValues("Stripe-Rate-Limited-Reason").Single().ShouldBe("global-rate");
        headers.RetryAfter!.Delta.ShouldBe(TimeSpan.FromSeconds(3));
        body!["error"]!["code"]!.ToString().ShouldBe("rate_limit");
        var (broken, error, _) = await gateway.Send("GET", Sessions, null, Key);
        broken.ShouldBe(502);
        error!["error"]!["type"]!.ToString().ShouldBe("api_error");
        (await Get(Sessions))["data"]!.AsArray().ShouldBeEmpty();
    }

    [Fact]
    public async Task A_stored_error_comes_again_under_its_key_though_the_session_was_made()
    {
        await gateway.Fault(new { call = "create_link", fault = "error_500_after", stored = true });
        for (var i = 0; i < 2; i++)
        {
            using var form = Form("stored");
            var (status, body, headers) = await gateway.Send("POST", Sessions, form, Key, ("Idempotency-Key", "k"));
            status.ShouldBe(500);
            body!["error"]!["type"]!.ToString().ShouldBe("api_error");
            headers.Contains("Idempotent-Replayed").ShouldBe(i == 1);
        }

        (await Get(Sessions))["data"]![0]!["client_reference_id"]!.ToString().ShouldBe("stored");
    }

    [Fact]
    public async Task The_page_waits_for_the_answer_to_its_news_before_the_browser_goes_on()
    {
        var id = await Create("wait");
        var url = (await Get($"{Sessions}/{id}"))["url"]!.ToString();
        var answered = 0;
        world.EarAnswers = _ =>
        {
            Interlocked.Increment(ref answered);
            return 200;
        };
        using var browser = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false });
        using var choice = new FormUrlEncodedContent([new("outcome", "paid")]);
        using var answer = await browser.PostAsync(url, choice);
        ((int)answer.StatusCode).ShouldBe(303);
        answer.Headers.Location!.ToString().ShouldBe($"https://shop.example.test/back?session_id={id}");
        world.Deliveries.ShouldContain(n => Type(n) == "checkout.session.completed");
        answered.ShouldBeGreaterThan(0);
    }

    [Fact]
    public async Task A_shopper_who_goes_back_is_sent_to_the_cancel_url_and_the_session_stays_open()
    {
        var id = await Create("back");
        var (_, acted) = await gateway.Shopper("back", "cancelled");
        acted["return_url"]!.ToString().ShouldBe("https://shop.example.test/away");
        (await Get($"{Sessions}/{id}"))["status"]!.ToString().ShouldBe("open");
    }

    [Fact]
    public async Task A_window_of_time_in_the_past_finds_what_was_made_in_it()
    {
        var id = await Create("window");
        var at = (await Get($"{Sessions}/{id}"))["created"]!.GetValue<long>();
        (await Get($"{Sessions}?created[gte]={at}&created[lte]={at}"))["data"]!.AsArray().Count.ShouldBe(1);
        await World.Until(() => gateway.Inside.NowSeconds > at + 1);
        var later = await Create("later");
        (await Get($"{Sessions}?created[gte]={at}&created[lte]={at}"))["data"]![0]!["id"]!.ToString().ShouldBe(id);
        (await Get($"{Sessions}?created[gt]={at}"))["data"]![0]!["id"]!.ToString().ShouldBe(later);
        (await Get($"{Sessions}?created[lt]={at}"))["data"]!.AsArray().ShouldBeEmpty();
    }

    static string Type(Heard heard) => heard.Json["type"]!.ToString();

    static FormUrlEncodedContent Form(string reference, params (string Name, string Value)[] more) => new(new Dictionary<string, string>
    {
        ["mode"] = "payment",
        ["client_reference_id"] = reference,
        ["metadata[attempt_id]"] = "a1",
        ["line_items[0][quantity]"] = "1",
        ["line_items[0][price_data][currency]"] = "eur",
        ["line_items[0][price_data][unit_amount]"] = "1999",
        ["line_items[0][price_data][product_data][name]"] = "Order 42",
        ["success_url"] = "https://shop.example.test/back?session_id={CHECKOUT_SESSION_ID}",
        ["cancel_url"] = "https://shop.example.test/away",
    }.Concat(more.Select(m => KeyValuePair.Create(m.Name, m.Value))));

    async Task<string> Create(string reference, params (string Name, string Value)[] more)
    {
        using var form = Form(reference, more);
        var (status, body, _) = await gateway.Send("POST", Sessions, form, Key);
        status.ShouldBe(200, body?.ToJsonString());
        return body!["id"]!.ToString();
    }

    async Task<(int Status, JsonNode Body)> Post(string path, params (string Name, string Value)[] fields)
    {
        using var form = new FormUrlEncodedContent(fields.Select(f => KeyValuePair.Create(f.Name, f.Value)));
        var (status, body, _) = await gateway.Send("POST", path, form, Key);
        return (status, body!);
    }

    async Task<JsonNode> Get(string path) => (await gateway.Send("GET", path, null, Key)).Body!;
}
