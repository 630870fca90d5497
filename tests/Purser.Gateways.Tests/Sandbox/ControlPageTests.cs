using System.Net;
using System.Net.Http.Json;
using System.Text.RegularExpressions;
using System.Text.Json.Nodes;

namespace Purser.Gateways.Tests.Outside;

/// <summary>The control port as a person and as a stranger's page meet it.</summary>
public sealed class ControlPageTests(World world) : IClassFixture<World>
{
    const string Name = "razorpay", Page = "/gateways/" + Name;

    [Fact]
    public async Task Every_gateway_has_a_page_with_its_address_credentials_and_presets()
    {
        var index = await world.Control.GetStringAsync("/");
        foreach (var inside in world.Sandbox.Worlds)
        {
            index.ShouldContain($"href=\"/gateways/{inside.Dialect.Name}\"");
            var page = await world.Control.GetStringAsync($"/gateways/{inside.Dialect.Name}");
            page.ShouldContain(inside.Address.ToString().TrimEnd('/'));
            foreach (var credential in inside.Dialect.Credentials.Keys) page.ShouldContain($"Copy {credential}\"");
            foreach (var preset in Purser.Sandbox.FaultPresets.All) page.ShouldContain(preset.Title);
        }
    }

    [Fact]
    public async Task A_rule_of_the_form_stands_in_the_plan_and_can_be_removed()
    {
        using var gateway = await world.Fresh(Name);
        (await Press("faults", ("call", "inquire"), ("fault", "error_500"), ("times", ""), ("after", "1"), ("delay_ms", "5"), ("status", "503"),
            ("variant", ""), ("count", "2"), ("event", ""), ("stored", "on"))).Status.ShouldBe(200);
        var standing = gateway.Inside.Faults.Standing.Single();
        standing.Rule.ShouldBe(new("inquire", "error_500", Times: 0, After: 1, DelayMs: 5, Status: 503, Stored: true));
        (await Press("faults/remove", ("number", $"{standing.Number}"))).Status.ShouldBe(200);
        gateway.Inside.Faults.Rules.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("times", "often", "no whole number")]
    [InlineData("status", "200", "from 400 to 599")]
    [InlineData("count", "1", "from 2 to 100")]
    [InlineData("fault", "drop", "is none of")]
    public async Task A_refused_rule_says_which_field_and_keeps_what_was_written(string field, string value, string remedy)
    {
        using var gateway = await world.Fresh(Name);
        var filled = new Dictionary<string, string> { ["call"] = "inquire", ["fault"] = "slow", ["event"] = "kept as it was", [field] = value };
        var (status, page) = await Press("faults", [.. filled.Select(f => (f.Key, f.Value))]);
        status.ShouldBe(400);
        page.ShouldContain(remedy);
        page.ShouldContain($"id=\"{field}-wrong\"");
        page.ShouldContain("kept as it was");
        gateway.Inside.Faults.Rules.ShouldBeEmpty();
    }

    [Fact]
    public async Task Every_preset_is_a_plan_that_is_taken_over_the_page_and_over_the_control_api()
    {
        using var gateway = await world.Fresh(Name);
        foreach (var preset in Purser.Sandbox.FaultPresets.All)
        {
            (await Press("faults/preset", ("preset", preset.Name))).Status.ShouldBe(200);
            gateway.Inside.Faults.Rules.ShouldBe(preset.Rules);
            gateway.Inside.Faults.Clear();
            using var answer = await world.Control.PostAsJsonAsync($"/control/{Name}/faults/preset", new { preset = preset.Name });
            answer.StatusCode.ShouldBe(HttpStatusCode.OK);
            gateway.Inside.Faults.Rules.ShouldBe(preset.Rules);
        }
        (await Press("faults/clear")).Status.ShouldBe(200);
        gateway.Inside.Faults.Rules.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_press_of_pay_moves_money_tells_the_webhook_and_counts_it()
    {
        using var gateway = await world.Fresh(Name);
        var link = await Open(gateway, "ord-1", 49900);
        (await Press("payments", ("link_id", link), ("outcome", "paid"))).Body.ShouldContain("INR 499.00");
        (await world.Hear(4)).Count.ShouldBe(4);
        (await world.Control.GetFromJsonAsync<JsonArray>($"/control/{Name}/book/totals"))!.ToJsonString()
            .ShouldBe("""[{"currency":"INR","captured":49900,"refunded":0,"movements":1,"left":49900}]""");
        var (status, page) = await Press("payments", ("link_id", link), ("outcome", "paid"));
        status.ShouldBe(400);
        page.ShouldContain("takes no more money");
        gateway.Inside.Book.Movements.Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_webhook_has_a_page_with_its_tries_and_is_sent_again_from_there()
    {
        using var gateway = await world.Fresh(Name, "today");
        await Press("payments", ("link_id", await Open(gateway, "ord-2", 100)), ("outcome", "paid"));
        await world.Hear(4);
        await World.Until(() => gateway.Inside.Webhooks.Events.All(e => e.Attempts.Count == 1));
        var news = gateway.Inside.Webhooks.Events.First();
        var page = await world.Control.GetStringAsync($"{Page}/webhooks/{news.Id}");
        page.ShouldContain("X-Razorpay-Signature");
        page.ShouldContain("Try 1");
        (await Press("webhooks/again", ("event_id", news.Id), ("from", "event"))).Status.ShouldBe(200);
        (await world.Hear(5)).Count.ShouldBe(5);
    }

    [Theory]
    [InlineData("/webhook")]
    [InlineData("ftp://shop.example/webhook")]
    [InlineData("shop")]
    public async Task An_address_that_is_none_is_refused_and_the_old_one_stays(string url)
    {
        using var gateway = await world.Fresh(Name);
        var (status, page) = await Press("webhook", ("url", url), ("secrets", "a"), ("events", ""));
        status.ShouldBe(400);
        page.ShouldContain("id=\"url-wrong\"");
        using var answer = await world.Control.PutAsJsonAsync($"/control/{Name}/webhook_endpoint", new { url });
        answer.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        gateway.Inside.Webhooks.Endpoint.Url!.ToString().TrimEnd('/').ShouldBe(world.EarUrl);
    }

    [Fact]
    public async Task Address_secrets_and_events_are_registered_by_the_form()
    {
        using var gateway = await world.Fresh(Name);
        (await Press("webhook", ("url", world.EarUrl + "/hook"), ("secrets", "today\r\nyesterday\r\n"), ("events", "order.*"))).Status.ShouldBe(200);
        gateway.Inside.Webhooks.Endpoint.Secrets.ShouldBe(["today", "yesterday"]);
        gateway.Inside.Webhooks.Endpoint.Wanted.ShouldBe(["order.*"]);
        (await Press("webhook", ("url", world.EarUrl), ("secrets", "today"), ("unsigned", "on"))).Status.ShouldBe(200);
        gateway.Inside.Webhooks.Endpoint.Secrets.ShouldBeEmpty();
    }

    [Fact]
    public async Task Switches_are_set_and_those_looked_for_are_listed()
    {
        using var gateway = await world.Fresh(Name);
        (await Press("settings", ("settings", "capture=manual"))).Status.ShouldBe(200);
        await Press("payments", ("link_id", await Open(gateway, "ord-3", 100)), ("outcome", "paid"));
        gateway.Inside.Book.Movements.ShouldBeEmpty();
        (await world.Control.GetFromJsonAsync<JsonObject>($"/control/{Name}/settings"))!["looked_for"]!.AsArray().Select(n => n!.ToString()).ShouldContain("capture");
        (await Press("settings", ("settings", "capture manual"))).Body.ShouldContain("id=\"settings-wrong\"");
        (await Press("reset")).Status.ShouldBe(200);
        gateway.Inside.Settings.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("evil.example")]
    [InlineData("127.0.0.1.evil.example")]
    [InlineData("10.0.0.7:7400")]
    public async Task Under_a_name_that_is_not_loopback_nothing_is_told(string host)
    {
        foreach (var path in (string[])["/", Page, "/control", $"/control/{Name}/requests", "/sandbox.js"])
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path);
            request.Headers.Host = host;
            using var answer = await world.Control.SendAsync(request);
            answer.StatusCode.ShouldBe(HttpStatusCode.Forbidden, path);
        }
    }

    [Theory]
    [InlineData("Origin", "https://evil.example")]
    [InlineData("Origin", "null")]
    [InlineData("Origin", "http://127.0.0.1:1")]
    [InlineData("Sec-Fetch-Site", "cross-site")]
    [InlineData("Sec-Fetch-Site", "same-site")]
    public async Task Another_sites_page_changes_nothing(string header, string value)
    {
        using var gateway = await world.Fresh(Name);
        await gateway.Fault(new { call = "inquire", fault = "slow" });
        foreach (var path in (string[])[$"{Page}/faults/clear", $"{Page}/reset", "/reset", "/control/reset", $"/control/{Name}/reset"])
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new FormUrlEncodedContent([]) };
            request.Headers.Add(header, value);
            using var answer = await world.Control.SendAsync(request);
            answer.StatusCode.ShouldBe(HttpStatusCode.Forbidden, path);
        }
        gateway.Inside.Faults.Rules.Count.ShouldBe(1);
        using var own = new HttpRequestMessage(HttpMethod.Post, $"{Page}/faults/clear") { Content = new FormUrlEncodedContent([]) };
        own.Headers.Add("Origin", world.Sandbox.ControlUrl.GetLeftPart(UriPartial.Authority));
        own.Headers.Add("Sec-Fetch-Site", "same-origin");
        (await world.Control.SendAsync(own)).StatusCode.ShouldBe(HttpStatusCode.OK);
        gateway.Inside.Faults.Rules.ShouldBeEmpty();
    }

    [Fact]
    public async Task Many_links_are_shown_newest_first_a_few_at_once_and_the_rest_on_further_pages()
    {
        using var gateway = await world.Fresh(Name);
        for (var n = 1; n <= 63; n++) await Open(gateway, $"many-{n:000}", 100 + n);
        var first = await world.Control.GetStringAsync(Page);
        Shown(first).ShouldBe(Enumerable.Range(14, 50).Reverse().Select(n => $"many-{n:000}"));
        var (open, folded) = (Links(first)[..Links(first).IndexOf("<details class=\"more older\"", StringComparison.Ordinal)], "Show 45 older");
        (Regex.Count(open, "many-[0-9]{3}</span>"), Links(first).Contains(folded, StringComparison.Ordinal), Links(first).Contains("Newer links", StringComparison.Ordinal)).ShouldBe((5, true, false));

        var older = WebUtility.HtmlDecode(Regex.Match(Links(first), "<a href=\"([^\"]+)\">Older links</a>").Groups[1].Value);
        older.ShouldBe($"{Page}?links=50#links");
        var second = await world.Control.GetStringAsync(older.Split('#')[0]);
        Shown(second).ShouldBe(Enumerable.Range(1, 13).Reverse().Select(n => $"many-{n:000}"));
        Links(second).ShouldContain($"<a href=\"{Page}?links=0#links\">Newer links</a>");
        Links(second).ShouldNotContain("Older links");
        // The other sections are on their own pages, and a page that is not there any more is the newest.
        Regex.Count(second, "Newer ").ShouldBe(1);
        Shown(await world.Control.GetStringAsync($"{Page}?links=5000&money=x&webhooks=-3"))[0].ShouldBe("many-063");

        static string Links(string page) => Regex.Match(page, "<section class=\"card\" id=\"links\".*?</section>", RegexOptions.Singleline).Value;
        static List<string> Shown(string page) => [.. Regex.Matches(Links(page), "(many-[0-9]{3})</span>").Select(m => m.Groups[1].Value)];
    }

    [Fact]
    public async Task What_a_merchant_writes_is_text_and_never_markup()
    {
        using var gateway = await world.Fresh(Name);
        await Open(gateway, "<script>alert(1)</script>", 100);
        await gateway.Send("GET", "/v1/payment_links?reference_id=<img src=x>");
        var page = await world.Control.GetStringAsync($"{Page}?reference={Uri.EscapeDataString("<script>alert(1)</script>")}&said=<b>");
        page.ShouldContain("&lt;script&gt;alert(1)");
        page.ShouldNotContain("<script>alert(1)");
        page.ShouldNotContain("<img");
        using var answer = await world.Control.GetAsync(new Uri(Page, UriKind.Relative));
        answer.Headers.GetValues("Content-Security-Policy").Single().ShouldContain("default-src 'none'; script-src 'self'; style-src 'self'");
    }

    static async Task<string> Open(Gateway gateway, string reference, long amount)
    {
        var basic = Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes("rzp_test_sandbox:rzp_secret_sandbox_0123456789"));
        var (status, body, _) = await gateway.Send("POST", "/v1/payment_links", JsonContent.Create(new { amount, currency = "INR", reference_id = reference }),
            ("Authorization", $"Basic {basic}"));
        status.ShouldBe(200);
        return body!["id"]!.ToString();
    }

    async Task<(int Status, string Body)> Press(string what, params (string Name, string Value)[] fields)
    {
        using var form = new FormUrlEncodedContent(fields.Select(f => KeyValuePair.Create(f.Name, f.Value)));
        using var answer = await world.Control.PostAsync(new Uri($"{Page}/{what}", UriKind.Relative), form);
        return ((int)answer.StatusCode, WebUtility.HtmlDecode(await answer.Content.ReadAsStringAsync()));
    }
}
