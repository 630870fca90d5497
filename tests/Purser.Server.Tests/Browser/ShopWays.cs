using System.Text.RegularExpressions;
using Microsoft.Playwright;
using Purser.Orders;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Browser;

/// <summary>What people do in the sample shop that must go well however many nodes of Purser there are.</summary>
public abstract class ShopWays(BrowserHouse browsers, ShopHouse house) : IAsyncLifetime
{
    IBrowserContext context = null!;

    protected ShopHouse House => house;
    protected IPage Page { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        context = await Browser();
        Page = await context.NewPageAsync();
    }

    public async Task DisposeAsync() => await context.DisposeAsync();

    protected Task<IBrowserContext> Browser((string Name, int Width, int Height)? device = null, int scale = 1)
    {
        var (_, width, height) = device ?? BrowserHouse.Phone;
        return browsers.Open(new() { BaseURL = house.Url, ViewportSize = new() { Width = width, Height = height }, DeviceScaleFactor = scale });
    }

    [Fact]
    public async Task What_is_paid_in_the_shop_is_packed_once_however_often_buttons_are_pressed()
    {
        await FillCart(Page);
        await Page.GetByRole(AriaRole.Button, new() { NameRegex = new("^Check out") }).DblClickAsync();
        var reference = await Pay(Page);
        await BrowserHouse.Shows(Page, "paid");
        await Page.GetByRole(AriaRole.Link, new() { NameRegex = new("shop", RegexOptions.IgnoreCase) }).First.ClickAsync();
        await BrowserHouse.Arrives(Page, $"{house.Url}/orders/{reference}");
        await Says(Page, "Packed and on its way");
        (await Page.GotoAsync("/cart"))!.Status.ShouldBe(200);
        await Assertions.Expect(Page.GetByText("Nothing is in it yet.")).ToBeVisibleAsync();
        await house.HasOnePaymentAndOneParcel(reference);
    }

    [Fact]
    public async Task A_tab_closed_at_the_gateway_is_followed_from_another_one()
    {
        await FillCart(Page);
        await CheckOut(Page);
        var watching = await context.NewPageAsync();
        var reference = await Reference(Page);
        await watching.GotoAsync($"/orders/{reference}");
        await Says(watching, "Ready to be paid");
        await GoToGateway(Page);
        await context.RouteAsync("**/gateways/*/return**", route => route.AbortAsync());
        await Page.Locator("button[value=paid]").ClickAsync();
        var order = (await house.Purser.Orders.Find(reference))!;
        await Until.True(() => house.Sandbox.Sandbox.Worlds.Any(w => w.Book.Movements.Any(m => m.Reference == order.Payments[0].Reference)), "the gateway has the money");
        await Page.CloseAsync().InTime();
        // Not every gateway sends webhooks; Purser asks those that do not, and here it does so now.
        OrderId.TryParse(order.Id, out var id).ShouldBeTrue();
        await house.Sandbox.RingAlarm(id);
        await Says(watching, "Packed and on its way");
        await house.HasOnePaymentAndOneParcel(reference);
    }

    [Fact]
    public async Task Back_and_again_is_the_same_order_before_and_after_it_is_paid()
    {
        await FillCart(Page);
        await CheckOut(Page);
        var reference = await Reference(Page);
        await Page.GoBackAsync();
        await Page.GetByLabel("Name").FillAsync("Asha Rao");
        await Page.GetByLabel("E-mail").FillAsync("asha@example.test");
        await CheckOut(Page);
        (await Reference(Page)).ShouldBe(reference);
        // The shopper leaves the gateway's page by "back", too, and finds the payment that is open.
        await GoToGateway(Page);
        await Page.GoBackAsync();
        await GoTo(Page, "/cart");
        await Page.GetByLabel("Name").FillAsync("Asha Rao");
        await Page.GetByLabel("E-mail").FillAsync("asha@example.test");
        await CheckOut(Page);
        await Page.Locator("[data-situation] a.button").ClickAsync();
        await Page.GetByRole(AriaRole.Link, new() { Name = "Open the payment page again" }).ClickAsync();
        await BrowserHouse.Arrives(Page, Gateways);
        var stale = await context.NewPageAsync();
        await stale.GotoAsync("/cart");
        await Page.Locator("button[value=paid]").ClickAsync();
        await BrowserHouse.Shows(Page, "paid");
        // A tab that knows nothing of it checks the same cart out once more.
        await stale.GetByLabel("Name").FillAsync("Asha Rao");
        await stale.GetByLabel("E-mail").FillAsync("asha@example.test");
        await stale.GetByRole(AriaRole.Button, new() { NameRegex = new("^Check out") }).ClickAsync();
        await BrowserHouse.Arrives(stale, $"{house.Url}/orders/{reference}");
        await Says(stale, "Packed and on its way");
        await house.HasOnePaymentAndOneParcel(reference);
    }

    [Fact]
    public async Task Whoever_was_offline_sees_what_happened_without_asking()
    {
        await FillCart(Page);
        await CheckOut(Page);
        var (reference, checkout) = (await Reference(Page), Page.Url);
        await Page.GotoAsync($"/orders/{reference}");
        await Says(Page, "Ready to be paid");
        await context.SetOfflineAsync(true);
        await using var elsewhere = await Browser();
        var other = await elsewhere.NewPageAsync();
        await other.GotoAsync(checkout);
        await Pay(other);
        await BrowserHouse.Shows(other, "paid");
        await Says(Page, "Ready to be paid");
        await context.SetOfflineAsync(false);
        await Says(Page, "Packed and on its way");
        await house.HasOnePaymentAndOneParcel(reference);
    }

    protected static async Task FillCart(IPage page)
    {
        await page.GotoAsync("/");
        await page.GetByRole(AriaRole.Button, new() { Name = "Add to cart: Masala chai" }).ClickAsync();
        await Assertions.Expect(page.Locator(".total b")).ToBeVisibleAsync();
        await page.GotoAsync("/");
        await page.GetByRole(AriaRole.Button, new() { Name = "Add to cart: Darjeeling, first flush" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "One Masala chai more" }).ClickAsync();
        await Assertions.Expect(page.Locator(".total b")).ToHaveTextAsync("₹1,010.00");
        await page.GetByLabel("Name").FillAsync("Asha Rao");
        await page.GetByLabel("E-mail").FillAsync("asha@example.test");
    }

    protected async Task CheckOut(IPage page)
    {
        await page.GetByRole(AriaRole.Button, new() { NameRegex = new("^Check out") }).ClickAsync();
        await BrowserHouse.Arrives(page, $"{house.Sandbox.Url}/checkout/");
    }

    /// <summary>Of the order whose checkout the page shows.</summary>
    protected async Task<string> Reference(IPage page) =>
        (await house.Purser.Orders.Get(new Uri(page.Url).Segments[2].TrimEnd('/'))).Reference!;

    IEnumerable<string> Gateways => house.Sandbox.Sandbox.Worlds.Select(w => w.Address.ToString());

    /// <summary>From the checkout, with whatever way to pay it proposes.</summary>
    protected async Task GoToGateway(IPage page)
    {
        await page.Locator("#pay").ClickAsync();
        await BrowserHouse.Arrives(page, Gateways);
    }

    protected async Task<string> Pay(IPage page)
    {
        await BrowserHouse.Arrives(page, $"{house.Sandbox.Url}/checkout/");
        var reference = await Reference(page);
        await GoToGateway(page);
        await page.Locator("button[value=paid]").ClickAsync();
        return reference;
    }

    /// <summary>A page that is just led elsewhere may interrupt the way. The browser may still go the way that was interrupted: whoever begins anew meanwhile is
    /// interrupted by that, again and again.</summary>
    protected async Task GoTo(IPage page, string path)
    {
        for (var left = 5; ; left--)
            try
            {
                await page.GotoAsync(path);
                return;
            }
            catch (PlaywrightException e) when (left > 0 && e.Message.Contains("interrupted", StringComparison.Ordinal))
            {
                await page.WaitForLoadStateAsync();
                if (page.Url == house.Url + path) return;
            }
    }

    protected static Task Says(IPage page, string heading) => Assertions.Expect(page.GetByRole(AriaRole.Status)).ToHaveTextAsync(heading);
}
