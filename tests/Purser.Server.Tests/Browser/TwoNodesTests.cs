using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Playwright;
using Purser.Orders;
using Purser.Sandbox;
using Purser.Server.Checkout;
using Purser.Server.Engine;
using Purser.Server.Keys;
using Purser.Server.Live;
using Purser.Server.Tests.Killing;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Browser;

/// <summary>Two nodes on one PostgreSQL behind one address: what the gateway sends comes to the one, and the shopper's page is open at the other.</summary>
public sealed class TwoNodesTests(BrowserHouse browsers, PostgresFixture postgres) : IClassFixture<BrowserHouse>, IClassFixture<PostgresFixture>
{
    const string Gateway = "razorpay";

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_page_at_one_node_shows_what_came_to_the_other(bool notices)
    {
        await using var town = await Town.Open(await postgres.CreateDatabase());
        await using var one = await ServerHost.Start([], town.Settings, notices ? null : OwnOnly, stop: default);
        await using var other = await ServerHost.Start([], town.Settings, notices ? null : OwnOnly, stop: default);
        var (news, pages) = (new Uri(one.Url), new Uri(other.Url));
        town.Front.Nodes = request => request.Path.StartsWithSegments("/gateways") ? [news] : [pages];
        if (notices) await Until.True(() => Notices(one).HasOthers && Notices(other).HasOthers, "the nodes to hear of each other");

        var (order, checkout) = await town.Place();
        await using var context = await browsers.Open(new() { BaseURL = town.Front.Url });
        var (page, watching) = (await context.NewPageAsync(), await context.NewPageAsync());
        await page.GotoAsync(checkout);
        await page.Locator("#pay").ClickAsync();
        await BrowserHouse.Arrives(page, town.GatewayUrl);
        var told = BrowserHouse.Told(watching);
        await watching.GotoAsync(checkout.Replace("/checkout/", "/status/", StringComparison.Ordinal));
        await watching.GetByText(Texts.LiveOn).WaitForAsync();
        await watching.EvaluateAsync("() => { window.notReloaded = true }").InTime();

        // A page of the same order that opens beside it would tell it, too: where nodes tell each other nothing the shopper comes back later.
        var back = notices ? null : await town.PayAtGateway(order);
        if (notices) await page.Locator("button[value=paid]").ClickAsync();
        // By its socket, and not only because a page that waits looks now and then.
        await Until.True(() => told.Any(t => t.Contains("\"order.paid\"", StringComparison.Ordinal)), "the socket to tell of it");
        await BrowserHouse.Shows(watching, "paid");
        (await watching.EvaluateAsync<bool>("() => window.notReloaded").InTime()).ShouldBeTrue("the page changed where it stood");
        if (back is not null) await page.GotoAsync(back);
        await BrowserHouse.Shows(page, "paid");
        page.Url.ShouldStartWith($"{town.Front.Url}/pay/pay_");

        // So it was: the gateway's messages and the return came to the one node, the pages and their sockets were at the other.
        town.Front.Passed.GetValueOrDefault((news, "gateways")).ShouldBeGreaterThanOrEqualTo(2);
        town.Front.Passed.GetValueOrDefault((pages, "socket")).ShouldBeGreaterThan(0);
        town.Front.Passed.Keys.ShouldNotContain((news, "socket"));
        town.Front.Passed.Keys.ShouldNotContain((pages, "gateways"));
        one.Services.GetRequiredService<LiveHub>().Sockets.ShouldBe(0);
        (await town.Status(order)).ShouldBe("paid");
    }

    static LiveNotices Notices(ServerHost host) => host.Services.GetRequiredService<LiveNotices>();

    /// <summary>A node that tells the others nothing, as where NOTIFY does not get through.</summary>
    static void OwnOnly(IServiceCollection services) => services.AddSingleton<ILiveFeed>(s => new OwnHub(s.GetRequiredService<LiveHub>()));

    sealed class OwnHub(LiveHub hub) : ILiveFeed
    {
        public void Publish(OrderId order, IReadOnlyList<OrderEvent> events) => hub.Publish(order, events);
    }

    [Fact]
    public async Task A_page_whose_node_is_killed_goes_on_at_the_other()
    {
        await using var town = await Town.Open(await postgres.CreateDatabase());
        await using var doomed = await ServerProcess.Start(town.Settings);
        await using var other = await ServerProcess.Start(town.Settings);
        town.Front.Nodes = request => request.Path.StartsWithSegments("/gateways") ? [other.Url] : [doomed.Url, other.Url];

        var (order, checkout) = await town.Place();
        await using var context = await browsers.Open(new() { BaseURL = town.Front.Url });
        var (page, watching) = (await context.NewPageAsync(), await context.NewPageAsync());
        await page.GotoAsync(checkout);
        await page.Locator("#pay").ClickAsync();
        await BrowserHouse.Arrives(page, town.GatewayUrl);
        var told = BrowserHouse.Told(watching);
        await watching.GotoAsync(checkout.Replace("/checkout/", "/status/", StringComparison.Ordinal));
        await watching.GetByText(Texts.LiveOn).WaitForAsync();
        await Until.True(() => town.Front.Passed.GetValueOrDefault((doomed.Url, "socket")) > 0, "the socket at the first node");
        await watching.EvaluateAsync("() => { window.notReloaded = true }").InTime();

        await doomed.Kill();
        await Until.True(() => town.Front.Passed.GetValueOrDefault((other.Url, "socket")) > 0, "the page to come back at the other node");
        await page.Locator("button[value=paid]").ClickAsync();
        // By its socket, and not only because a page that waits looks now and then.
        await Until.True(() => told.Any(t => t.Contains("\"order.paid\"", StringComparison.Ordinal)), "the socket to tell of it");
        await BrowserHouse.Shows(watching, "paid");
        await BrowserHouse.Shows(page, "paid");
        (await watching.EvaluateAsync<bool>("() => window.notReloaded").InTime()).ShouldBeTrue("the page changed where it stood");
        (await town.Status(order)).ShouldBe("paid");
    }

    /// <summary>The gateway, the merchant and the address that all know.</summary>
    sealed class Town : IAsyncDisposable
    {
        readonly Sandbox.Sandbox sandbox;
        readonly HttpClient merchant;

        Town(Sandbox.Sandbox sandbox, Front front, Dictionary<string, string?> settings, HttpClient merchant) =>
            (this.sandbox, Front, Settings, this.merchant) = (sandbox, front, settings, merchant);

        public Front Front { get; }
        public Dictionary<string, string?> Settings { get; }
        public string GatewayUrl => sandbox.World(Gateway)!.Address.ToString();

        public static async Task<Town> Open(string connection)
        {
            var sandbox = await Sandbox.Sandbox.Start(new SandboxOptions { ControlPort = 0, DynamicPorts = true, Speed = 60 });
            var front = await Front.Open();
            var world = sandbox.World(Gateway)!;
            var settings = new Dictionary<string, string?>
            {
                ["ConnectionStrings:Purser"] = connection,
                ["urls"] = "http://127.0.0.1:0",
                ["Purser:PublicUrl"] = front.Url,
                ["Purser:Settlement:FetchDays"] = "0",
                [$"Gateways:{Gateway}:BaseUrl"] = world.Address.ToString(),
                [$"Gateways:{Gateway}:TestMode"] = "true",
                [$"Gateways:{Gateway}:webhook_secret"] = world.Dialect.WebhookSecret,
            };
            foreach (var (name, value) in world.Dialect.Credentials) settings[$"Gateways:{Gateway}:{name}"] = value;
            world.Webhooks.Register(new Uri($"{front.Url}/gateways/{Gateway}/webhook"), null);
            await using var database = Server.Platform.Database.Build(connection);
            var (key, _) = await new ApiKeys(new ApiKeyStore(database), TimeProvider.System).Create("test", KeyKind.Secret);
            var merchant = new HttpClient { BaseAddress = new Uri(front.Url) };
            merchant.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
            return new Town(sandbox, front, settings, merchant);
        }

        public async Task<(string Id, string Checkout)> Place()
        {
            using var answer = await merchant.PostAsJsonAsync("/v1/orders", new { currency = "INR", lines = new[] { new { name = "Tea", quantity = 1, unit_amount = 49900 } } });
            answer.EnsureSuccessStatusCode();
            var order = await answer.Content.ReadFromJsonAsync<JsonElement>();
            return (order.GetProperty("id").GetString()!, order.GetProperty("checkout_url").GetString()!);
        }

        /// <summary>The shopper pays, and the browser is slow to come back.</summary>
        /// <returns>Where it would go.</returns>
        public async Task<string> PayAtGateway(string order)
        {
            var reference = (await merchant.GetFromJsonAsync<JsonElement>($"/v1/orders/{order}")).GetProperty("payments")[0].GetProperty("reference").GetString();
            using var control = new HttpClient { BaseAddress = sandbox.ControlUrl };
            using var paid = await control.PostAsJsonAsync($"/control/{Gateway}/payments", new { reference, outcome = "paid" });
            paid.EnsureSuccessStatusCode();
            return (await paid.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("return_url").GetString()!;
        }

        public async Task<string> Status(string order) => (await merchant.GetFromJsonAsync<JsonElement>($"/v1/orders/{order}")).GetProperty("status").GetString()!;

        public async ValueTask DisposeAsync()
        {
            merchant.Dispose();
            await Front.DisposeAsync();
            await sandbox.DisposeAsync();
        }
    }
}
