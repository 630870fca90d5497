using System.Collections.Concurrent;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Purser.Sandbox;

namespace Purser.Gateways.Tests;

/// <summary>What a test can ask of the sandbox over its control port, shown at one gateway: every fault, every manner of the webhooks.</summary>
public sealed class SandboxControlTests : IAsyncLifetime
{
    const string Name = "razorpay";
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    readonly ConcurrentQueue<(string Event, string? Signature, string Body)> heard = new();
    Sandbox.Sandbox sandbox = null!;
    WebApplication ear = null!;
    HttpClient control = null!;
    HttpClient merchant = null!;
    int earAnswers = 200;

    /// <summary>The ear thinks about its answer until this ends.</summary>
    Task earThinks = Task.CompletedTask;

    public async Task InitializeAsync()
    {
        // A day of retries passes in less than half a second.
        sandbox = await Purser.Sandbox.Sandbox.Start(new SandboxOptions { ControlPort = 0, DynamicPorts = true, Speed = 200_000 });
        control = new HttpClient { BaseAddress = sandbox.ControlUrl };
        var own = (await control.GetFromJsonAsync<JsonElement>("/control")).GetProperty("gateways").EnumerateArray().Single(g => g.GetProperty("name").GetString() == Name);
        merchant = new HttpClient { BaseAddress = new Uri(own.GetProperty("url").GetString()!) };
        var key = own.GetProperty("credentials");
        merchant.DefaultRequestHeaders.Add("Authorization", "Basic " + Convert.ToBase64String(
            Encoding.UTF8.GetBytes($"{key.GetProperty("key_id").GetString()}:{key.GetProperty("key_secret").GetString()}")));
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        ear = builder.Build();
        ear.Run(async context =>
        {
            using var reader = new StreamReader(context.Request.Body);
            var body = await reader.ReadToEndAsync();
            heard.Enqueue((JsonNode.Parse(body)!["event"]!.ToString(), context.Request.Headers["X-Razorpay-Signature"], body));
            context.Response.StatusCode = earAnswers;
            await earThinks;
            await context.Response.WriteAsync("thank you");
        });
        await ear.StartAsync();
        await Listen("today");
    }

    public async Task DisposeAsync()
    {
        control.Dispose();
        merchant.Dispose();
        await sandbox.DisposeAsync();
        await ear.DisposeAsync();
    }

    [Theory]
    [InlineData("truncated")]
    [InlineData("html")]
    [InlineData("empty")]
    [InlineData("not_utf8")]
    public async Task A_malformed_answer_is_no_json(string variant)
    {
        await Create("x");
        await Fault(new { call = "inquire", fault = "malformed", variant });
        using var answer = await merchant.GetAsync("/v1/payment_links?reference_id=x");
        var bytes = await answer.Content.ReadAsByteArrayAsync();
        Should.Throw<Exception>(() => JsonDocument.Parse(new UTF8Encoding(false, true).GetString(bytes)));
    }

    [Fact]
    public async Task A_malformed_answer_can_be_json_of_another_kind()
    {
        await Create("x");
        await Fault(
            new { call = "inquire", fault = "malformed", variant = "array" },
            new { call = "inquire", fault = "malformed", variant = "wrong_type" },
            new { call = "inquire", fault = "malformed", variant = "duplicate_keys" });
        (await merchant.GetFromJsonAsync<JsonNode>("/v1/payment_links?reference_id=x")).ShouldBeOfType<JsonArray>();
        using (var answer = await merchant.GetAsync("/v1/payment_links?reference_id=x"))
            answer.Content.Headers.ContentType!.MediaType.ShouldBe("text/plain");
        var twice = await merchant.GetStringAsync("/v1/payment_links?reference_id=x");
        twice.Split("\"payment_links\":").Length.ShouldBe(3);
    }

    [Fact]
    public async Task Trouble_has_the_gateways_words_and_says_when_to_come_again()
    {
        await Fault(new { call = "inquire", fault = "error_429", delay_ms = 7000 }, new { call = "inquire", fault = "error_500", status = 503 });
        using (var answer = await merchant.GetAsync("/v1/payment_links"))
        {
            ((int)answer.StatusCode).ShouldBe(429);
            answer.Headers.RetryAfter!.Delta.ShouldBe(TimeSpan.FromSeconds(7));
            (await answer.Content.ReadFromJsonAsync<JsonNode>())!["error"]!["code"]!.ToString().ShouldBe("BAD_REQUEST_ERROR");
        }

        using (var answer = await merchant.GetAsync("/v1/payment_links"))
        {
            ((int)answer.StatusCode).ShouldBe(503);
            (await answer.Content.ReadFromJsonAsync<JsonNode>())!["error"]!["code"]!.ToString().ShouldBe("SERVER_ERROR");
        }
    }

    [Fact]
    public async Task A_rule_strikes_after_so_many_calls_and_so_many_times_or_until_it_is_removed()
    {
        await Fault(new { call = "inquire", fault = "error_500", after = 1, times = 2 });
        (await Statuses(4)).ShouldBe([200, 500, 500, 200]);
        await Fault(new { call = "inquire", fault = "error_500", times = (int?)null });
        (await Statuses(3)).ShouldBe([500, 500, 500]);
        (await control.DeleteAsync(new Uri($"/control/{Name}/faults", UriKind.Relative))).EnsureSuccessStatusCode();
        (await Statuses(1)).ShouldBe([200]);
    }

    [Fact]
    public async Task A_rule_about_one_payment_leaves_the_calls_and_webhooks_of_others_alone()
    {
        var (struck, spared) = (await Create("order1p1"), await Create("order2p1"));
        await Fault(new { call = "inquire", fault = "error_500", times = 0, about = "order1" }, new { call = "webhook", fault = "drop", times = 0, about = "order1" });
        // By our name, and by theirs.
        string[] paths = ["/v1/payment_links?reference_id=order1p1", $"/v1/payment_links/{struck}", "/v1/payment_links?reference_id=order2p1", $"/v1/payment_links/{spared}"];
        var statuses = new List<int>();
        foreach (var path in paths)
            using (var answer = await merchant.GetAsync(path)) statuses.Add((int)answer.StatusCode);
        statuses.ShouldBe([500, 500, 200, 200]);
        await Pay("order1p1", create: false);
        await Pay("order2p1", create: false);
        await Until(() => heard.Count == 4);
        (await Webhooks("order1p1")).ShouldAllBe(e => e.GetProperty("not_sent").GetString() == "lost");
        heard.ShouldAllBe(h => h.Body.Contains("order2p1") || !h.Body.Contains("order1p1"));
    }

    [Theory]
    [InlineData("""{"call":"inquire","fault":"slow","about":"p1"}""", "about")]
    [InlineData("""{"call":"nothing","fault":"slow"}""", "call 'nothing'")]
    [InlineData("""{"call":"inquire","fault":"drop"}""", "fault 'drop'")]
    [InlineData("""{"call":"inquire","fault":"malformed","variant":"odd"}""", "variant 'odd'")]
    [InlineData("""{"call":"webhook","fault":"duplicate","count":1}""", "count")]
    [InlineData("""{"call":"inquire","fault":"error_500","status":200}""", "status")]
    [InlineData("""{"call":"inquire","fault":"slow","times":-1}""", "times")]
    [InlineData("""{"call":"inquire","fault":"slow","surprise":1}""", "surprise")]
    public async Task A_rule_that_makes_no_sense_is_refused_and_leaves_the_plan_as_it_was(string rule, string why)
    {
        await Fault(new { call = "cancel", fault = "slow" });
        using var answer = await control.PutAsync(
            new Uri($"/control/{Name}/faults", UriKind.Relative), new StringContent($"[{rule}]", Encoding.UTF8, "application/json"));
        ((int)answer.StatusCode).ShouldBe(400);
        (await answer.Content.ReadAsStringAsync()).ShouldContain(why);
        sandbox.World(Name)!.Faults.Rules.Single().Call.ShouldBe("cancel");
    }

    [Fact]
    public async Task A_webhook_is_duplicated_as_often_as_asked_with_one_body_and_one_name()
    {
        await Fault(new { call = "webhook", fault = "duplicate", count = 5, @event = "payment.captured" });
        await Pay("x");
        await Until(() => heard.Count == 8);
        // An attempt is noted when its answer is there.
        await Until(() => sandbox.World(Name)!.Webhooks.Events.Sum(e => e.Attempts.Count) == 8);
        heard.Where(h => h.Event == "payment.captured").Select(h => h.Body).Distinct().Count().ShouldBe(1);
        var told = (await Webhooks("x")).Single(e => e.GetProperty("type").GetString() == "payment.captured");
        told.GetProperty("attempts").GetArrayLength().ShouldBe(5);
        told.GetProperty("attempts").EnumerateArray().Count(a => a.GetProperty("altered").GetString() == "duplicate").ShouldBe(4);
    }

    [Fact]
    public async Task A_forged_webhook_can_come_in_the_place_of_the_genuine_one()
    {
        await Fault(new { call = "webhook", fault = "forge", times = 0, instead = true });
        await Pay("x");
        await Until(() => heard.Count == 4);
        heard.ShouldAllBe(h => h.Signature != Signature("today", h.Body));
    }

    [Fact]
    public async Task Only_the_wanted_events_are_sent()
    {
        await Listen(["today"], "payment_link.*", "order.paid");
        await Pay("x");
        await Until(() => heard.Count == 2);
        heard.Select(h => h.Event).Order().ShouldBe(["order.paid", "payment_link.paid"]);
        (await Webhooks("x")).Where(e => e.GetProperty("not_sent").GetString() == "not wanted").Count().ShouldBe(2);
    }

    [Fact]
    public async Task Without_a_secret_there_is_no_signature()
    {
        await Listen([]);
        await Pay("x");
        await Until(() => heard.Count == 4);
        heard.ShouldAllBe(h => h.Signature == null);
    }

    [Fact]
    public async Task What_was_sent_and_what_was_answered_can_be_read_and_sent_again()
    {
        await Pay("x");
        await Until(() => heard.Count == 4);
        await Until(() => sandbox.World(Name)!.Webhooks.Events.All(e => e.Attempts.Count == 1));
        var attempt = (await Webhooks("x"))[^1].GetProperty("attempts")[0];
        attempt.GetProperty("answer").GetString().ShouldBe("thank you");
        attempt.GetProperty("status").GetInt32().ShouldBe(200);
        attempt.GetProperty("headers").GetProperty("X-Razorpay-Signature").GetString().ShouldBe(heard.Single(h => h.Event == "payment_link.paid").Signature);
        using var again = await control.PostAsJsonAsync($"/control/{Name}/webhooks/send", new { reference = "x", type = "payment_link.paid", times = 3 });
        ((int)again.StatusCode).ShouldBe(202);
        await Until(() => heard.Count(h => h.Event == "payment_link.paid") == 4);
        heard.Where(h => h.Event == "payment_link.paid").Select(h => h.Body).Distinct().Count().ShouldBe(1);
    }

    [Fact]
    public async Task A_retry_is_signed_with_the_secret_of_the_day_of_its_event()
    {
        var registered = new TaskCompletionSource();
        (earAnswers, earThinks) = (503, registered.Task);
        await Listen(["today"], "order.paid");
        await Pay("x");
        await Until(() => !heard.IsEmpty);
        await Listen(["tomorrow", "today"], "order.paid");
        earAnswers = 200;
        registered.SetResult();
        await Until(() => sandbox.World(Name)!.Webhooks.Events.Any(e => e.Attempts.Any(a => a.Status == 200)));
        heard.ShouldAllBe(h => h.Signature == Signature("today", h.Body));
        await Pay("y");
        await Until(() => heard.Any(h => h.Signature == Signature("tomorrow", h.Body)));
    }

    [Fact]
    public async Task An_endpoint_that_never_answers_well_is_given_up_until_it_is_registered_again()
    {
        earAnswers = 500;
        await Listen(["today"], "order.paid");
        await Pay("x");
        await Until(() => sandbox.World(Name)!.Webhooks.Endpoint.Disabled);
        heard.Count.ShouldBe(sandbox.World(Name)!.Dialect.RetryDelays.Count + 1);
        await Pay("y");
        (await Webhooks("y")).ShouldAllBe(e => e.GetProperty("not_sent").GetString() == "the endpoint is disabled");
        earAnswers = 200;
        await Listen(["today"]);
        heard.Clear();
        await Pay("z");
        await Until(() => heard.Count == 4);
    }

    [Fact]
    public async Task What_was_being_told_when_all_is_forgotten_is_not_told_again()
    {
        var forgotten = new TaskCompletionSource();
        (earAnswers, earThinks) = (500, forgotten.Task);
        await Listen(["today"], "order.paid");
        await Pay("x");
        await Until(() => heard.Count == 1);
        sandbox.Reset();
        forgotten.SetResult();
        await Pay("y");
        await Until(() => sandbox.World(Name)!.Webhooks.Endpoint.Disabled);
        heard.CountBy(h => h.Body).Select(h => h.Value).ShouldBe([1, sandbox.World(Name)!.Dialect.RetryDelays.Count + 1]);
    }

    [Fact]
    public async Task An_open_link_can_be_changed_and_a_closed_one_cannot()
    {
        var id = await Create("before");
        await Create("taken");
        var (status, changed) = await Patch(id, new { reference_id = "after", notes = new { colour = "red" }, reminder_enable = true });
        status.ShouldBe(200);
        changed["reference_id"]!.ToString().ShouldBe("after");
        changed["notes"]!["colour"]!.ToString().ShouldBe("red");
        (await merchant.GetFromJsonAsync<JsonNode>("/v1/payment_links?reference_id=before"))!["payment_links"]!.AsArray().ShouldBeEmpty();
        (await Patch(id, new { reference_id = "taken" })).Status.ShouldBe(400);
        (await Patch(id, new { amount = 1 })).Status.ShouldBe(400);
        using (var told = await merchant.PostAsync($"/v1/payment_links/{id}/notify_by/sms", null)) ((int)told.StatusCode).ShouldBe(200);
        await Pay("after", create: false);
        (await Patch(id, new { reminder_enable = false })).Status.ShouldBe(400);
    }

    [Fact]
    public async Task An_account_can_leave_the_capture_to_the_merchant()
    {
        (await control.PutAsJsonAsync($"/control/{Name}/settings", new { capture = "manual" })).EnsureSuccessStatusCode();
        var acted = await Pay("x");
        var payment = acted.GetProperty("money_ids")[0].GetString();
        acted.GetProperty("return_url").ValueKind.ShouldBe(JsonValueKind.Null);
        (await merchant.GetFromJsonAsync<JsonNode>($"/v1/payments/{payment}"))!["status"]!.ToString().ShouldBe("authorized");
        sandbox.World(Name)!.Book.Movements.ShouldBeEmpty();
        (await Capture(payment, 49899)).ShouldBe(400);
        (await Capture(payment, 49900)).ShouldBe(200);
        (await Capture(payment, 49900)).ShouldBe(400);
        sandbox.World(Name)!.Book.Movements.Single().Amount.ShouldBe(49900);
        await Until(() => heard.Any(h => h.Event == "payment_link.paid"));
    }

    async Task<int> Capture(string? payment, long amount)
    {
        using var answer = await merchant.PostAsJsonAsync($"/v1/payments/{payment}/capture", new { amount, currency = "INR" });
        return (int)answer.StatusCode;
    }

    async Task<string> Create(string reference)
    {
        using var answer = await merchant.PostAsJsonAsync("/v1/payment_links", new
        {
            amount = 49900,
            currency = "INR",
            reference_id = reference,
            callback_url = "https://shop.example.test/back",
            callback_method = "get",
        });
        ((int)answer.StatusCode).ShouldBe(200);
        return (await answer.Content.ReadFromJsonAsync<JsonNode>())!["id"]!.ToString();
    }

    async Task<JsonElement> Pay(string reference, bool create = true)
    {
        if (create) await Create(reference);
        using var answer = await control.PostAsJsonAsync($"/control/{Name}/payments", new { reference, outcome = "paid" });
        ((int)answer.StatusCode).ShouldBe(200);
        return await answer.Content.ReadFromJsonAsync<JsonElement>();
    }

    async Task<(int Status, JsonNode Body)> Patch(string id, object body)
    {
        using var answer = await merchant.PatchAsJsonAsync($"/v1/payment_links/{id}", body);
        return ((int)answer.StatusCode, (await answer.Content.ReadFromJsonAsync<JsonNode>())!);
    }

    Task Listen(params string[] secrets) => Listen(secrets, []);

    async Task Listen(string[] secrets, params string[] events) => (await control.PutAsJsonAsync(
        $"/control/{Name}/webhook_endpoint", new { url = ear.Urls.First(), secrets, events })).EnsureSuccessStatusCode();

    async Task Fault(params object[] rules)
    {
        using var answer = await control.PutAsJsonAsync($"/control/{Name}/faults", rules);
        ((int)answer.StatusCode).ShouldBe(200, await answer.Content.ReadAsStringAsync());
    }

    async Task<int[]> Statuses(int calls)
    {
        var statuses = new int[calls];
        for (var i = 0; i < calls; i++)
            using (var answer = await merchant.GetAsync("/v1/payment_links"))
                statuses[i] = (int)answer.StatusCode;
        return statuses;
    }

    async Task<IReadOnlyList<JsonElement>> Webhooks(string reference) =>
        [.. (await control.GetFromJsonAsync<JsonElement>($"/control/{Name}/webhooks?reference={reference}")).EnumerateArray()];

    static string Signature(string secret, string body) => Purser.Sandbox.Wire.HmacHex(secret, Encoding.UTF8.GetBytes(body));

    static async Task Until(Func<bool> condition)
    {
        var since = TimeProvider.System.GetTimestamp();
        while (!condition())
        {
            TimeProvider.System.GetElapsedTime(since).ShouldBeLessThan(Patience, "It did not come about.");
            await Task.Delay(10);
        }
    }
}
