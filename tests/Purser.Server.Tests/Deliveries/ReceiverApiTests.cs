using System.Diagnostics;
using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Configuration;
using Purser.Server.CommandLine;
using Purser.Server.Deliveries;
using Purser.Server.Doctor;
using Purser.Server.Platform;
using Purser.Server.Tests.Api;
using Purser.Server.Tests.Platform;
using Spectre.Console;

namespace Purser.Server.Tests.Deliveries;

public sealed class ReceiverApiTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    const string FirstSecret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
    const string SecondSecret = "whsec_ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=";

    /// <summary>Computed by the official packages and by two other implementations.</summary>
    [Fact]
    public void The_signature_is_that_of_the_specification()
    {
        var body = Encoding.UTF8.GetBytes("""
            {"type":"payment.succeeded","timestamp":"2025-06-15T15:06:40.000Z","data":{"payment_id":"pay_0001","order_id":"ord_42","amount":1999,"currency":"EUR","note":"Café"}}
            """);
        body.Length.ShouldBe(166);
        WebhookSignature.Header("msg_2zTestVector000000000001", DateTimeOffset.FromUnixTimeSeconds(1_750_000_000), body, [SecondSecret, FirstSecret])
            .ShouldBe("v1,o23rlJrNcNmfzOgkbd9n14IDZZN7n5rKATo0ed2MfpA= v1,vdd1EY56MOji55I1Iqe89nK9gSZwZSF2u0j6xjxzGwU=");
        Convert.FromBase64String(WebhookSignature.NewSecret()["whsec_".Length..]).Length.ShouldBe(32);
    }

    [Fact]
    public async Task Messages_verify_with_the_official_packages_before_during_and_after_a_rotation()
    {
        await using var house = await DeliveryHouse.Open(await postgres.CreateDatabase());
        var made = await house.Endpoint(more: ", \"event_types\": [\"order.created\"]");
        var (id, old) = (made.Text("id"), made.Text("secret"));
        await house.Api.Order("""{"currency": "INR", "lines": [{"name": "Café <b>für</b> alle ☕", "quantity": 1, "unit_amount": 49900}]}""");
        await house.NoneLeft("state <> 1", "the first");
        (await Verified(old, house.Receiver.At("/hook")[^1])).ShouldBe(["standardwebhooks: order.created", "svix: order.created"]);

        var rotated = await house.Api.Post($"/v1/webhook_endpoints/{id}/rotation", """{"overlap_hours": 2}""");
        var fresh = rotated.Text("secret");
        await house.Api.Order();
        await house.NoneLeft("state <> 1", "the second");
        house.Receiver.At("/hook")[^1].Signature.Split(' ').Length.ShouldBe(2);
        foreach (var secret in new[] { old, fresh }) (await Verified(secret, house.Receiver.At("/hook")[^1])).ShouldBe(["standardwebhooks: order.created", "svix: order.created"]);

        house.Clock.Push(TimeSpan.FromHours(2.1));
        (await house.Api.Post($"/v1/webhook_endpoints/{id}/test", null)).Body.GetProperty("delivered").GetBoolean().ShouldBeTrue();
        house.Receiver.At("/hook")[^1].Signature.Split(' ').ShouldHaveSingleItem();
        // The clock was pushed, and the packages refuse what is of another time: so it is asked what they would sign.
        var last = house.Receiver.At("/hook")[^1];
        var at = DateTimeOffset.FromUnixTimeSeconds(long.Parse(last.Timestamp));
        last.Signature.ShouldBe(WebhookSignature.Header(last.Id, at, Encoding.UTF8.GetBytes(last.Body), [fresh]));

        await house.Api.Post($"/v1/webhook_endpoints/{id}/rotation", """{"overlap_hours": 0}""");
        (await house.Api.Count("select count(*) from webhook_secrets")).ShouldBe(1);
    }

    [Fact]
    public async Task A_rotation_that_is_repeated_makes_one_secret_and_no_message_has_more_than_four_signatures()
    {
        await using var house = await DeliveryHouse.Open(await postgres.CreateDatabase());
        var id = (await house.Endpoint()).Text("id");
        var path = $"/v1/webhook_endpoints/{id}/rotation";
        var first = await house.Api.Post(path, """{"overlap_hours": 24}""", null, ("Idempotency-Key", "r1"));
        first.Text("secret").ShouldStartWith("whsec_");
        var again = await house.Api.Post(path, """{"overlap_hours": 24}""", null, ("Idempotency-Key", "r1"));
        (again.Status, again.Headers.GetValues("Idempotency-Replayed").Single(), again.Body.GetProperty("secret").ValueKind).ShouldBe((HttpStatusCode.OK, "true", JsonValueKind.Null));
        (await house.Api.Post(path, """{"overlap_hours": 23}""", null, ("Idempotency-Key", "r1"))).Problem.ShouldBe("idempotency_key_reused");
        (await house.Api.Count("select count(*) from webhook_secrets")).ShouldBe(2);

        for (var i = 0; i < 4; i++) (await house.Api.Post(path, null)).Status.ShouldBe(HttpStatusCode.OK);
        var tests = new List<string>();
        foreach (var key in new[] { "t1", "t1", "t2" })
            tests.Add((await house.Api.Post($"/v1/webhook_endpoints/{id}/test", null, null, ("Idempotency-Key", key))).Text("message_id"));
        (tests[1] == tests[0], tests[2] == tests[0]).ShouldBe((true, false));
        (await house.Api.Post($"/v1/webhook_endpoints/{id}/test", null, null, ("Idempotency-Key", "r1"))).Problem.ShouldBe("idempotency_key_reused");
        house.Receiver.At("/hook")[^1].Signature.Split(' ').Length.ShouldBe(ReceiverStore.MostSecrets);
    }

    static async Task<string[]> Verified(string secret, Heard heard)
    {
        var folder = await NpmFolder.Installed;
        using var node = Process.Start(new ProcessStartInfo("node", ["verify-webhook.mjs"]) { WorkingDirectory = folder, RedirectStandardInput = true, RedirectStandardOutput = true })!;
        await using (var input = new StreamWriter(node.StandardInput.BaseStream, new UTF8Encoding(false)))
            await input.WriteAsync(JsonSerializer.Serialize(new
            {
                secret,
                headers = new Dictionary<string, string> { ["webhook-id"] = heard.Id, ["webhook-timestamp"] = heard.Timestamp, ["webhook-signature"] = heard.Signature },
                body = heard.Body,
            }));
        var said = await node.StandardOutput.ReadToEndAsync();
        await node.WaitForExitAsync();
        return said.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    [Fact]
    public async Task The_secret_is_shown_once_and_kept_encrypted_for_its_own_endpoint()
    {
        var key = SecretSettings.NewKey();
        await using var house = await ApiHouse.Open(await postgres.CreateDatabase(), (SecretSettings.KeyVariable, key));
        const string body = """{"url": "https://8.8.8.8/hook", "description": "The shop"}""";
        var made = await house.Post("/v1/webhook_endpoints", body, headers: ("Idempotency-Key", "one"));
        made.Status.ShouldBe(HttpStatusCode.Created, made.Body.ToString());
        var (id, secret) = (made.Text("id"), made.Text("secret"));
        var again = await house.Post("/v1/webhook_endpoints", body, headers: ("Idempotency-Key", "one"));
        (again.Status, again.Text("id")).ShouldBe((HttpStatusCode.OK, id));
        (await house.Post("/v1/webhook_endpoints", """{"url": "https://8.8.8.8/other"}""", headers: ("Idempotency-Key", "one"))).Problem.ShouldBe("idempotency_key_reused");
        foreach (var answer in new[] { again, await house.Get($"/v1/webhook_endpoints/{id}"), await house.Get("/v1/webhook_endpoints") })
            answer.Body.GetRawText().ShouldNotContain(secret);

        await using var ask = house.Database.CreateCommand("select sealed from webhook_secrets");
        var kept = (string)(await ask.ExecuteScalarAsync())!;
        kept.ShouldStartWith("enc:v1:");
        SecretSettings.Decrypt(key, $"webhook_endpoints:{id}:1", kept).ShouldBe(secret);
        SecretSettings.Decrypt(key, "webhook_endpoints:we_other:1", kept).ShouldBeNull();
        Task<Answered> Delete(string endpoint) => house.Send(HttpMethod.Delete, $"/v1/webhook_endpoints/{endpoint}", null, house.Secret);
        var deleted = await Delete(id);
        deleted.Text("status").ShouldBe("deleted");
        (await Delete(id)).Body.ToString().ShouldBe(deleted.Body.ToString());
        (await Delete("we_0123456789abcdef")).Problem.ShouldBe("webhook_endpoint_unknown");
        (await Delete("invoices")).Problem.ShouldBe("webhook_endpoint_unknown");
        (await house.Get($"/v1/webhook_endpoints/{id}")).Problem.ShouldBe("webhook_endpoint_unknown");
        (await house.Count("select count(*) from webhook_secrets")).ShouldBe(0);
    }

    [Fact]
    public async Task Without_a_key_for_secrets_none_is_made()
    {
        await using var house = await ApiHouse.Open(await postgres.CreateDatabase());
        var answer = await house.Post("/v1/webhook_endpoints", """{"url": "https://8.8.8.8/hook"}""");
        (answer.Status, answer.Problem).ShouldBe((HttpStatusCode.Conflict, "secrets_key_missing"));
        foreach (var url in new[] { "https://127.0.0.1/", "https://localhost/", "http://8.8.8.8/", "https://[::ffff:a9fe:a9fe]/", "https://0x7f.1/", new string('x', 2049) })
        {
            var refused = await house.Post("/v1/webhook_endpoints", $$"""{"url": "{{url}}"}""");
            (refused.Status, refused.Text("field")).ShouldBe((HttpStatusCode.UnprocessableEntity, "url"), url);
        }
        (await house.Count("select count(*) from webhook_endpoints")).ShouldBe(0);
    }

    [Theory]
    [InlineData("""{}""", "url")]
    [InlineData("""{"url": 5}""", "url")]
    [InlineData("""{"url": "http://127.0.0.1/", "event_types": "order.paid"}""", "event_types")]
    [InlineData("""{"url": "http://127.0.0.1/", "event_types": ["order.eaten"]}""", "event_types")]
    [InlineData("""{"url": "http://127.0.0.1/", "event_types": [5]}""", "event_types")]
    [InlineData("""{"url": "http://127.0.0.1/", "ordered": "yes"}""", "ordered")]
    [InlineData("""{"url": "http://127.0.0.1/", "secret": "mine"}""", "secret")]
    public async Task An_endpoint_that_is_wrong_is_refused_with_its_field(string body, string field)
    {
        await using var house = await DeliveryHouse.Open(await postgres.CreateDatabase());
        var answer = await house.Api.Post("/v1/webhook_endpoints", body);
        (answer.Status, answer.Text("field")).ShouldBe((HttpStatusCode.UnprocessableEntity, field));
        (await house.Api.Count("select count(*) from webhook_endpoints")).ShouldBe(0);
        (await house.Api.Post("/v1/webhook_endpoints", body, house.Api.Publishable, ("Idempotency-Key", "4f1c9a7e2b8d4e6fa0c3d5"))).Problem.ShouldBe("secret_key_needed");
    }

    [Fact]
    public async Task The_sample_shop_has_one_endpoint_wherever_it_starts_and_a_repeat_is_answered_though_its_address_may_be_none_any_more()
    {
        const string Mine = """{"url": "http://127.0.0.1:9/mine", "description": "Mine"}""";
        var database = await postgres.CreateDatabase();
        string mine;
        await using (var house = await DeliveryHouse.Open(database))
        {
            mine = (await house.Api.Post("/v1/webhook_endpoints", Mine, null, ("Idempotency-Key", "mine"))).Text("id");
            // As earlier starts left them.
            foreach (var port in (int[])[1, 2]) await house.Api.Post("/v1/webhook_endpoints", $$"""{"url": "http://127.0.0.1:{{port}}/purser/webhook", "description": "The sample shop"}""");
            string? before = null;
            foreach (var port in (int[])[3, 4, 2, 2])
            {
                var url = $"http://127.0.0.1:{port}/purser/webhook";
                var secret = await ShopProcess.Register(url, house.Api.Http.BaseAddress!.AbsoluteUri, house.Api.Secret, default);
                secret.ShouldStartWith("whsec_");
                secret.ShouldNotBe(before);
                before = secret;
                var shops = await Shops(house.Api);
                (shops.ShouldHaveSingleItem().Url, (await house.Api.Count("select count(*) from webhook_endpoints where status < 2 and kind = 0"))).ShouldBe((url, 2L));
            }
        }

        // Addresses of this machine are none any more; what was asked for before they were refused was done.
        await using var later = await ApiHouse.Open(database, (SecretSettings.KeyVariable, SecretSettings.NewKey()));
        var again = await later.Post("/v1/webhook_endpoints", Mine, null, ("Idempotency-Key", "mine"));
        (again.Status, again.Headers.GetValues("Idempotency-Replayed").Single(), again.Text("id")).ShouldBe((HttpStatusCode.OK, "true", mine));
        (await later.Post("/v1/webhook_endpoints", Mine, null, ("Idempotency-Key", "another"))).Text("field").ShouldBe("url");
        (await later.Post("/v1/webhook_endpoints", Mine.Replace("Mine", "Yours", StringComparison.Ordinal), null, ("Idempotency-Key", "mine"))).Text("field").ShouldBe("url");
        (await later.Post("/v1/webhook_endpoints", Mine)).Text("field").ShouldBe("url");

        static async Task<List<(string Id, string Url)>> Shops(ApiHouse api) =>
            [.. (await api.Get("/v1/webhook_endpoints")).Body.GetProperty("webhook_endpoints").EnumerateArray()
                .Where(e => e.GetProperty("description").GetString() == "The sample shop").Select(e => (e.GetProperty("id").GetString()!, e.GetProperty("url").GetString()!))];
    }

    [Fact]
    public async Task The_doctor_names_endpoints_that_the_settings_of_now_keep_silent_and_how_to_mend_it()
    {
        var database = await postgres.CreateDatabase();
        await using var house = await DeliveryHouse.Open(database);
        var ids = new List<string>();
        foreach (var url in (string[])["https://8.8.8.8:8443/word-of-ours", "http://8.8.8.8:443/", "https://8.8.4.4/", "https://8.8.4.4:9443/"])
            ids.Add((await house.Api.Post("/v1/webhook_endpoints", $$"""{"url": "{{url}}"}""")).Text("id"));
        await house.Api.Send(HttpMethod.Patch, $"/v1/webhook_endpoints/{ids[3]}", """{"status": "paused"}""", house.Api.Secret);

        var said = await Doctor(("ConnectionStrings:Purser", database));
        said.ShouldContain($"Nothing is sent to {ids[0]}: its address names another port than 443: Deliveries:Ports allows more. Set Deliveries:Ports to \"443, 8443\", or give it another address: PATCH /v1/webhook_endpoints/{ids[0]} with url.");
        said.ShouldContain($"Nothing is sent to {ids[1]}: its address does not begin with https://. Give it another address: PATCH /v1/webhook_endpoints/{ids[1]} with url.");
        said.ShouldNotContain(ids[2]);
        said.ShouldNotContain(ids[3], Case.Sensitive, "it is silent because it was asked to be");
        said.ShouldNotContain("word-of-ours", Case.Sensitive, "an address may hold a secret");
        (await Doctor(("ConnectionStrings:Purser", database), ("Deliveries:Ports", "443, 8443"))).ShouldSatisfyAllConditions(s => s.ShouldNotContain(ids[0]), s => s.ShouldContain(ids[1]));
        (await Doctor(("ConnectionStrings:Purser", database), ("Deliveries:Ports", "443, https"))).ShouldContain("Deliveries:Ports has 'https'");
        (await Doctor(("ConnectionStrings:Purser", database), ("Deliveries:Development", "true"))).ShouldNotContain("Nothing is sent");
    }

    internal static async Task<string> Doctor(params (string Name, string Value)[] settings)
    {
        var configuration = new ConfigurationManager();
        configuration.AddInMemoryCollection([.. settings.Select(s => KeyValuePair.Create(s.Name, (string?)s.Value)), KeyValuePair.Create("Purser:Postgres:Name", (string?)"test-of-nobody")]);
        using var said = new StringWriter();
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, Out = new AnsiConsoleOutput(said) });
        Terminal.IsNone(console);
        await DoctorCommand.Run(configuration, TimeProvider.System, default, console);
        return said.ToString();
    }

    [Fact]
    public async Task An_endpoint_is_changed_tested_and_deleted_and_there_are_sixteen_at_most()
    {
        await using var house = await DeliveryHouse.Open(await postgres.CreateDatabase());
        var id = (await house.Endpoint()).Text("id");
        var changed = await house.Api.Send(HttpMethod.Patch, $"/v1/webhook_endpoints/{id}", """{"event_types": ["order.paid", "order.paid"], "status": "paused"}""", house.Api.Secret);
        changed.Body.GetProperty("event_types").EnumerateArray().Select(t => t.GetString()).ShouldBe(["order.paid"]);
        (changed.Text("status"), changed.Text("paused_because")).ShouldBe(("paused", "Asked for."));
        (await house.Api.Send(HttpMethod.Patch, $"/v1/webhook_endpoints/{id}", """{"status": "deleted"}""", house.Api.Secret)).Text("field").ShouldBe("status");
        (await house.Api.Send(HttpMethod.Patch, "/v1/webhook_endpoints/we_none", "{}", house.Api.Secret)).Problem.ShouldBe("webhook_endpoint_unknown");

        house.Receiver.Does = (http, _) => { http.Response.StatusCode = 404; return Task.CompletedTask; };
        var test = await house.Api.Post($"/v1/webhook_endpoints/{id}/test", null);
        (test.Body.GetProperty("delivered").GetBoolean(), test.Body.GetProperty("status").GetInt32()).ShouldBe((false, 404));
        JsonElement.Parse(house.Receiver.At("/hook")[^1].Body).GetProperty("type").GetString().ShouldBe("webhook_endpoint.test");

        await house.Endpoint("/other", ", \"event_types\": [\"order.created\"]");
        await house.Api.Order();
        await house.NoneLeft("failures = 0", "a failure");
        var delivery = (await house.Api.Get("/v1/deliveries?status=waiting")).Body.GetProperty("deliveries")[0];
        await house.Api.Send(HttpMethod.Delete, $"/v1/webhook_endpoints/{delivery.GetProperty("webhook_endpoint").GetString()}", null, house.Api.Secret);
        (await house.Deliveries("state = 2 and outcome = 'The endpoint was deleted.'")).ShouldBe(1);
        (await house.Api.Post($"/v1/deliveries/{delivery.GetProperty("id").GetString()}/redelivery", null)).Problem.ShouldBe("webhook_endpoint_deleted");
        foreach (var wrong in new[] { "dlv_x", "dlv_01jd8xk3m4n7p_1_1", "dlv_01jd8xk3m4n7p_01_1", "evt_01jd8xk3m4n7p_1" })
            (await house.Api.Get($"/v1/deliveries/{wrong}")).Problem.ShouldBe("delivery_unknown");
        (await house.Api.Get("/v1/deliveries?order=five")).Text("field").ShouldBe("order");
        (await house.Api.Get("/v1/deliveries?state=dead")).Text("field").ShouldBe("state");

        for (var i = 0; i < 15; i++) await house.Endpoint();
        (await house.Api.Post("/v1/webhook_endpoints", $$"""{"url": "{{house.Receiver.Url}}"}""")).Problem.ShouldBe("too_many_webhook_endpoints");
        (await house.Api.Get("/v1/webhook_endpoints")).Body.GetProperty("webhook_endpoints").GetArrayLength().ShouldBe(16);
    }
}
