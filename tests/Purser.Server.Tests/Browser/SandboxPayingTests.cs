using Microsoft.Extensions.DependencyInjection;
using Microsoft.Playwright;
using Purser.Gateways;
using Purser.Orders;
using Purser.Payments;
using Purser.Server.Checkout;
using Purser.Server.Tests.Checkout;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Browser;

/// <summary>A shopper's whole way, with every gateway of the sandbox on its own page and its own wire, and in every way to pay that there is.</summary>
public sealed class SandboxPayingTests(BrowserHouse browsers, SandboxHouse house) : IClassFixture<BrowserHouse>, IClassFixture<SandboxHouse>, IAsyncLifetime
{
    IBrowserContext context = null!;
    IPage page = null!;

    public static TheoryData<string> Gateways => [.. SandboxHouse.Playable];

    /// <summary>The ways to pay of all profiles, each where it is offered.</summary>
    public static TheoryData<string, string, string?> Methods
    {
        get
        {
            var ways = new TheoryData<string, string, string?>();
            var offers = SandboxHouse.Playable.Select(name => SandboxHouse.Adapters[name].Profile).SelectMany(p => p.Offers.Select(o => (Profile: p, Offer: o)));
            foreach (var (profile, offer) in offers.DistinctBy(o => o.Offer.Method))
                ways.Add(offer.Method, offer.Currencies.IsEmpty ? SandboxHouse.CurrencyOf(profile) : offer.Currencies.Contains("INR") ? "INR" : offer.Currencies.First(),
                    offer.Countries.IsEmpty ? "IN" : offer.Countries.First());
            return ways;
        }
    }

    /// <summary>Gateways that leave the choice to their own page.</summary>
    public static TheoryData<string> OwnPages => [.. SandboxHouse.Playable.Where(g => SandboxHouse.Adapters[g].Profile.Offers.IsEmpty)];

    public async Task InitializeAsync()
    {
        context = await browsers.Open(new() { BaseURL = house.Server.Url });
        page = await context.NewPageAsync();
    }

    public async Task DisposeAsync() => await context.DisposeAsync();

    [Fact]
    public void Each_adapter_has_a_simulator_and_each_simulator_an_adapter() =>
        SandboxHouse.Adapters.Keys.Order(StringComparer.Ordinal).ShouldBe(SandboxHouse.Simulators);

    [Theory]
    [MemberData(nameof(Gateways))]
    public async Task Paid_on_the_gateways_page_is_paid_on_ours(string gateway)
    {
        await GoToGateway(gateway);
        await Choose("paid");
        await BrowserHouse.Shows(page, "paid");
        page.Url.ShouldStartWith($"{house.Server.Url}/pay/pay_");
        // A gateway that posts the shopper back is another site: no cookie of ours would come along, and none is needed.
        (await context.CookiesAsync([house.Server.Url])).ShouldBeEmpty();
    }

    [Theory]
    [MemberData(nameof(Gateways))]
    public async Task Without_any_webhook_coming_back_is_enough(string gateway)
    {
        house.World(gateway).Webhooks.Register(null, null);
        try
        {
            await GoToGateway(gateway);
            await Choose("paid");
            await BrowserHouse.Shows(page, "paid");
        }
        finally
        {
            house.SendWebhooks(gateway);
        }
    }

    [Theory]
    [MemberData(nameof(Gateways))]
    public async Task Without_coming_back_the_webhook_is_enough_or_our_question_where_there_is_none(string gateway)
    {
        var order = await GoToGateway(gateway);
        var watching = await context.NewPageAsync();
        await watching.GotoAsync(house.Server.Services.GetRequiredService<ShopperLinks>().Payment(order, 1));
        await BrowserHouse.Shows(watching, "pending");
        await context.RouteAsync("**/gateways/*/return**", route => route.AbortAsync());
        await page.Locator("button[value=paid]").ClickAsync();
        // Where the shopper only approved, or nobody tells us, the alarm's question is what takes the money or finds it.
        if (SandboxHouse.Adapters[gateway].Profile.Webhooks == WebhookTrust.None)
        {
            await Until.True(() => house.World(gateway).Book.Movements.Any(m => m.Reference == new PaymentId(order.Id, 1).Reference), "the gateway has the money");
            await house.RingAlarm(order.Id);
        }
        await BrowserHouse.Shows(watching, "paid");
    }

    [Theory]
    [MemberData(nameof(Gateways))]
    public async Task After_a_decline_the_shopper_pays_on_the_same_link_or_on_a_new_one(string gateway)
    {
        var order = await GoToGateway(gateway);
        await Choose("declined");
        // Either the gateway's page says so and stays, or ours is shown.
        await page.Locator("[data-situation], [role=status]").First.WaitForAsync();
        if (await page.Locator("button[value=paid]").CountAsync().InTime() == 0)
        {
            await Until.True(async () => (await house.Read(order.Id)).Payments[0] is { Status: PaymentStatus.Failed } or { DeclinedAt: not null }, "we know of the decline");
            var first = (await house.Read(order.Id)).Payments[0];
            // The page says it, and leads on: to the same link while that is alive, else to another payment.
            await page.GotoAsync(house.Server.Services.GetRequiredService<ShopperLinks>().Payment(order, 1));
            await BrowserHouse.Shows(page, first.Status == PaymentStatus.Failed ? "failed" : "declined");
            if (first.Status == PaymentStatus.Failed) await Follow(await house.Start(gateway, order.Id), gateway);
            else await page.GetByRole(AriaRole.Link, new() { Name = Texts.ContinuePayment }).ClickAsync();
        }
        // A question within two seconds of the last one is answered by that; a person is slower.
        var patience = new OrderRules { Accounts = SandboxHouse.NoTerms }.AskAgainAfter;
        await Until.True(async () => (await house.Read(order.Id)).Payments[^1].LookedAt is not { } at || TimeProvider.System.GetUtcNow() - at > patience, "the last question is old enough");
        await Choose("paid");
        await BrowserHouse.Shows(page, "paid");
        house.World(gateway).Book.Movements.Count(m => m.Reference == new PaymentId(order.Id, 1).Reference || m.Reference == new PaymentId(order.Id, 2).Reference).ShouldBe(1);
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public async Task Every_method_is_paid_from_the_checkout_on(string method, string currency, string? country)
    {
        var started = await PayFromCheckout(method, currency, country);
        started.Method.ShouldBe(method);
        SandboxHouse.Adapters[started.Account].Profile.Methods.ShouldContain(method);
    }

    [Theory]
    [MemberData(nameof(OwnPages))]
    public async Task A_gateway_whose_own_page_asks_how_to_pay_is_paid_from_the_checkout_on(string gateway)
    {
        (await PayFromCheckout($"page:{gateway}", SandboxHouse.CurrencyOf(SandboxHouse.Adapters[gateway].Profile), "IN")).Account.ShouldBe(gateway);
    }

    /// <returns>The payment as it was started: afterwards its method is what the gateway says that was used.</returns>
    async Task<Payment> PayFromCheckout(string way, string currency, string? country)
    {
        var order = await house.Place(currency, country);
        await page.GotoAsync(house.Server.Services.GetRequiredService<ShopperLinks>().Checkout(order));
        var choice = page.Locator($"input[name=way][value='{way}']");
        // What few use is behind a fold.
        if (!await choice.IsVisibleAsync()) await page.Locator(".ways summary").ClickAsync();
        await choice.CheckAsync();
        await page.Locator("#pay").ClickAsync();
        await BrowserHouse.Arrives(page, house.Sandbox.Worlds.Select(w => w.Address.ToString()));
        var started = (await house.Read(order.Id)).Payments.ShouldHaveSingleItem();
        await Choose("paid");
        await BrowserHouse.Shows(page, "paid");
        return started;
    }

    async Task<Order> GoToGateway(string gateway)
    {
        var order = await house.Place(SandboxHouse.CurrencyOf(SandboxHouse.Adapters[gateway].Profile));
        await Follow(await house.Start(gateway, order.Id), gateway);
        return order;
    }

    async Task Follow(string handOver, string gateway)
    {
        await page.GotoAsync(handOver);
        await BrowserHouse.Arrives(page, house.World(gateway).Address.ToString());
    }

    Task Choose(string outcome) => page.Locator($"button[value={outcome}]").ClickAsync();
}
