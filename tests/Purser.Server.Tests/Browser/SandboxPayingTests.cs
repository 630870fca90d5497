using Microsoft.Extensions.DependencyInjection;
using Microsoft.Playwright;
using Purser.Orders;
using Purser.Sandbox;
using Purser.Server.Checkout;
using Purser.Server.Orders;
using Purser.Server.Tests.Checkout;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Browser;

/// <summary>A shopper's whole way, with every gateway of the sandbox on its own page and its own wire.</summary>
public sealed class SandboxPayingTests(BrowserHouse house, PostgresFixture postgres) : IClassFixture<BrowserHouse>, IClassFixture<PostgresFixture>, IAsyncLifetime
{
    Sandbox.Sandbox sandbox = null!;
    ServerHost server = null!;
    IBrowserContext context = null!;
    IPage page = null!;

    public async Task InitializeAsync()
    {
        sandbox = await Sandbox.Sandbox.Start(new SandboxOptions { ControlPort = 0, DynamicPorts = true, Speed = 60 });
        var settings = new Dictionary<string, string?>
        {
            ["ConnectionStrings:Purser"] = await postgres.CreateDatabase(),
            ["urls"] = "http://127.0.0.1:0",
            ["Purser:Demo"] = "true",
        };
        foreach (var world in sandbox.Worlds)
        {
            var account = $"Gateways:{world.Dialect.Name}";
            settings[$"{account}:BaseUrl"] = world.Address.ToString();
            settings[$"{account}:TestMode"] = "true";
            settings[$"{account}:webhook_secret"] = world.Dialect.WebhookSecret;
            foreach (var (name, value) in world.Dialect.Credentials) settings[$"{account}:{name}"] = value;
        }
        server = await ServerHost.Start([], settings);
        foreach (var world in sandbox.Worlds) world.Webhooks.Register(new Uri($"{server.Url}/gateways/{world.Dialect.Name}/webhook"), null);
        context = await house.Open(new() { BaseURL = server.Url });
        page = await context.NewPageAsync();
    }

    public async Task DisposeAsync()
    {
        await context.DisposeAsync();
        await server.DisposeAsync();
        await sandbox.DisposeAsync();
    }

    [Fact]
    public async Task Paid_on_the_gateways_page_is_paid_on_ours()
    {
        foreach (var world in sandbox.Worlds)
        {
            await GoToGateway(world);
            await Choose("paid");
            await BrowserHouse.Shows(page, "paid");
            page.Url.ShouldStartWith($"{server.Url}/pay/pay_");
        }
    }

    [Fact]
    public async Task Without_any_webhook_coming_back_is_enough()
    {
        foreach (var world in sandbox.Worlds)
        {
            world.Webhooks.Register(null, null);
            await GoToGateway(world);
            await Choose("paid");
            await BrowserHouse.Shows(page, "paid");
        }
    }

    [Fact]
    public async Task Without_coming_back_the_webhook_is_enough()
    {
        foreach (var world in sandbox.Worlds)
        {
            await GoToGateway(world);
            var watching = await context.NewPageAsync();
            await watching.GotoAsync($"{server.Url}/");
            await watching.Locator(".orders a").First.ClickAsync();
            await watching.GetByRole(AriaRole.Link, new() { Name = Texts.ContinuePayment }).WaitForAsync();
            await context.RouteAsync("**/gateways/*/return**", route => route.AbortAsync());
            await page.Locator("button[value=paid]").ClickAsync();
            await Until.True(async () =>
            {
                await watching.ReloadAsync();
                return await watching.Locator("[data-situation=paid]").CountAsync() == 1;
            }, "the checkout leads to the paid order");
            await context.UnrouteAllAsync();
            await watching.CloseAsync();
        }
    }

    [Fact]
    public async Task A_decline_is_tried_again_on_the_same_page()
    {
        foreach (var world in sandbox.Worlds)
        {
            await GoToGateway(world);
            await Choose("declined");
            if (page.Url.StartsWith(server.Url, StringComparison.Ordinal)) await page.GoBackAsync();
            await Choose("paid");
            await BrowserHouse.Shows(page, "paid");
        }
    }

    async Task GoToGateway(GatewayWorld world)
    {
        await page.GotoAsync($"{server.Url}/");
        await page.GetByRole(AriaRole.Button, new() { Name = Texts.DemoButton }).ClickAsync();
        await page.WaitForURLAsync("**/checkout/**");
        await Start(world, OrderOnPage());
        await page.WaitForURLAsync(url => url.StartsWith(world.Address.ToString(), StringComparison.Ordinal));
    }

    /// <summary>At this gateway and no other: the checkout would leave it to routing.</summary>
    async Task Start(GatewayWorld world, OrderId order)
    {
        await server.Engine.Submit(order, new OrderCommand.StartPayment(world.Dialect.Name, null), default);
        await page.GotoAsync($"{server.Services.GetRequiredService<ShopperLinks>().HandOver((await Read(order))!, (await Read(order))!.Payments.Length)}");
    }

    OrderId OrderOnPage() => OrderId.TryParse(new Uri(page.Url).Segments[2].Trim('/'), out var order) ? order : throw new InvalidOperationException(page.Url);

    async Task<Order?> Read(OrderId order) => (await server.Services.GetRequiredService<OrderReadStore>().Find(order, default))?.Order;

    Task Choose(string outcome) => page.Locator($"button[value={outcome}]").ClickAsync();
}
