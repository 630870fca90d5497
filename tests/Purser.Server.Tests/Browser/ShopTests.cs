using System.Net;
using System.Text.RegularExpressions;
using Microsoft.Playwright;
using Purser.Client;
using Purser.Orders;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Browser;

/// <summary>Buying in the sample shop, as people do it.</summary>
public sealed class ShopTests(BrowserHouse browsers, ShopHouse house) : IClassFixture<BrowserHouse>, IClassFixture<ShopHouse>, IAsyncLifetime
{
    static readonly string? Pictures = Environment.GetEnvironmentVariable("PURSER_PICTURES");

    IBrowserContext context = null!;
    IPage page = null!;

    public async Task InitializeAsync()
    {
        context = await Browser();
        page = await context.NewPageAsync();
    }

    public async Task DisposeAsync() => await context.DisposeAsync();

    Task<IBrowserContext> Browser((string Name, int Width, int Height)? device = null, int scale = 1)
    {
        var (_, width, height) = device ?? BrowserHouse.Phone;
        return browsers.Open(new() { BaseURL = house.Url, ViewportSize = new() { Width = width, Height = height }, DeviceScaleFactor = scale, ReducedMotion = ReducedMotion.Reduce });
    }

    [Fact]
    public async Task What_is_paid_in_the_shop_is_packed_once_however_often_buttons_are_pressed()
    {
        await FillCart(page);
        await page.GetByRole(AriaRole.Button, new() { NameRegex = new("^Check out") }).DblClickAsync();
        var reference = await Pay(page);
        await BrowserHouse.Shows(page, "paid");
        await page.GetByRole(AriaRole.Link, new() { NameRegex = new("shop", RegexOptions.IgnoreCase) }).First.ClickAsync();
        await BrowserHouse.Arrives(page, $"{house.Url}/orders/{reference}");
        await Says(page, "Packed and on its way");
        (await page.GotoAsync("/cart"))!.Status.ShouldBe(200);
        await Assertions.Expect(page.GetByText("Nothing is in it yet.")).ToBeVisibleAsync();
        await house.HasOnePaymentAndOneParcel(reference);
    }

    [Fact]
    public async Task A_tab_closed_at_the_gateway_is_followed_from_another_one()
    {
        await FillCart(page);
        await CheckOut(page);
        var watching = await context.NewPageAsync();
        var reference = await Reference(page);
        await watching.GotoAsync($"/orders/{reference}");
        await Says(watching, "Waiting for your payment");
        await GoToGateway(page);
        await context.RouteAsync("**/gateways/*/return**", route => route.AbortAsync());
        await page.Locator("button[value=paid]").ClickAsync();
        var order = (await house.Purser.Orders.Find(reference))!;
        await Until.True(() => house.Sandbox.Sandbox.Worlds.Any(w => w.Book.Movements.Any(m => m.Reference == order.Payments[0].Reference)), "the gateway has the money");
        await page.CloseAsync();
        // Not every gateway sends webhooks; Purser asks those that do not, and here it does so now.
        OrderId.TryParse(order.Id, out var id).ShouldBeTrue();
        await house.Sandbox.RingAlarm(id);
        await Says(watching, "Packed and on its way");
        await house.HasOnePaymentAndOneParcel(reference);
    }

    [Fact]
    public async Task Back_and_again_is_the_same_order_before_and_after_it_is_paid()
    {
        await FillCart(page);
        await CheckOut(page);
        var reference = await Reference(page);
        await page.GoBackAsync();
        await page.GetByLabel("Name").FillAsync("Asha Rao");
        await page.GetByLabel("E-mail").FillAsync("asha@example.test");
        await CheckOut(page);
        (await Reference(page)).ShouldBe(reference);
        // The shopper leaves the gateway's page by "back", too, and finds the payment that is open.
        await GoToGateway(page);
        await page.GoBackAsync();
        await page.GotoAsync("/cart");
        await page.GetByLabel("Name").FillAsync("Asha Rao");
        await page.GetByLabel("E-mail").FillAsync("asha@example.test");
        await CheckOut(page);
        await page.Locator("[data-situation] a.button").ClickAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "Open the payment page again" }).ClickAsync();
        await BrowserHouse.Arrives(page, Gateways);
        var stale = await context.NewPageAsync();
        await stale.GotoAsync("/cart");
        await page.Locator("button[value=paid]").ClickAsync();
        await BrowserHouse.Shows(page, "paid");
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
        await FillCart(page);
        await CheckOut(page);
        var (reference, checkout) = (await Reference(page), page.Url);
        await page.GotoAsync($"/orders/{reference}");
        await Says(page, "Waiting for your payment");
        await context.SetOfflineAsync(true);
        await using var elsewhere = await Browser();
        var other = await elsewhere.NewPageAsync();
        await other.GotoAsync(checkout);
        await Pay(other);
        await BrowserHouse.Shows(other, "paid");
        await Says(page, "Waiting for your payment");
        await context.SetOfflineAsync(false);
        await Says(page, "Packed and on its way");
        await house.HasOnePaymentAndOneParcel(reference);
    }

    [Fact]
    public async Task News_that_come_while_the_shop_is_away_or_come_twice_pack_one_parcel()
    {
        await FillCart(page);
        await CheckOut(page);
        var reference = await Reference(page);
        await house.Restart(async () =>
        {
            await Pay(page);
            await BrowserHouse.Shows(page, "paid");
        });
        var endpoint = (await house.Purser.WebhookEndpoints.List()).ShouldHaveSingleItem();
        await Until.True(async () => (await house.Purser.Orders.Find(reference))!.FulfilledAt is not null, "the message to come again");
        await house.HasOnePaymentAndOneParcel(reference);
        var parcels = house.Packed.Count;
        var order = (await house.Purser.Orders.Find(reference))!;
        await Until.True(async () => await house.Purser.WebhookEndpoints.Redeliver(endpoint.Id, order.CreatedAt, deliveredToo: true) > 0, "the same message to be sent again");
        using var forged = await new HttpClient().PostAsync($"{house.Url}/purser/webhook", new StringContent("{}"));
        forged.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        (await house.Purser.WebhookEndpoints.Test(endpoint.Id)).Delivered.ShouldBeTrue();
        await house.HasOnePaymentAndOneParcel(reference);
        house.Packed.Count.ShouldBe(parcels);
    }

    [Fact]
    public async Task Paid_orders_of_others_are_not_the_shops_to_pack()
    {
        var order = await house.Purser.Orders.Place(new NewOrder { Reference = "elsewhere-1", Lines = [new NewOrderLine("A book", 1, new Client.Money(49_900, "INR"))] });
        await page.GotoAsync(order.CheckoutUrl);
        await Pay(page);
        await BrowserHouse.Shows(page, "paid");
        foreach (var reference in new[] { "unknown", "elsewhere-1", $"leaf-{new string('0', 20)}-{new string('0', 12)}", $"leaf-{new string('0', 500)}" })
            foreach (var path in new[] { $"/orders/{reference}", $"/return/{reference}", $"/orders/{reference}/live" })
                (await page.APIRequest.GetAsync(house.Url + path, new() { MaxRedirects = 0 })).Status.ShouldBe(404, path);
        // Messages to one receiver are handled in no order, so one that is certainly later must have been handled, too.
        await using var elsewhere = await Browser();
        var other = await elsewhere.NewPageAsync();
        await FillCart(other);
        await CheckOut(other);
        await house.HasOnePaymentAndOneParcel(await Pay(other));
        (await house.Purser.Orders.Get(order.Id)).FulfilledAt.ShouldBeNull();
    }

    [Fact]
    public async Task What_went_back_whole_before_the_shop_heard_of_it_has_nothing_to_pack()
    {
        await FillCart(page);
        await CheckOut(page);
        var order = (await house.Purser.Orders.Find(await Reference(page)))!;
        var shop = (await house.Purser.WebhookEndpoints.List()).ShouldHaveSingleItem();
        ValueTask<Delivery> Told() => house.Purser.Deliveries.List(new DeliveryFilter { Order = order.Id, WebhookEndpoint = shop.Id }).SingleAsync();
        await house.Restart(async () =>
        {
            await Pay(page);
            await BrowserHouse.Shows(page, "paid");
            await house.Purser.Refunds.Request(order.Id, new NewRefund { Reference = "too soon" });
            await Until.True(async () => (await Told()).Attempts > 0, "the message to be sent in vain");
        });
        await house.Purser.Deliveries.Redeliver((await Told()).Id);
        await Until.True(async () => (await Told()).Status == DeliveryStatus.Delivered, "the message to be taken");
        (await house.Purser.Orders.Get(order.Id)).FulfilledAt.ShouldBeNull();
        house.Packed.ShouldNotContain(order.Id);
    }

    [Fact]
    public async Task A_page_of_trouble_ends_neither_the_order_s_page_nor_its_following()
    {
        await FillCart(page);
        await CheckOut(page);
        var (reference, checkout, asked) = (await Reference(page), page.Url, 0);
        await page.GotoAsync($"/orders/{reference}");
        await Says(page, "Waiting for your payment");
        await page.RouteAsync($"**/orders/{reference}", route =>
            Interlocked.Increment(ref asked) == 1 ? route.FulfillAsync(new() { Status = 500, ContentType = "text/html", Body = "<h1>Trouble</h1>" }) : route.ContinueAsync());
        await using var elsewhere = await Browser();
        var other = await elsewhere.NewPageAsync();
        await other.GotoAsync(checkout);
        await Pay(other);
        await Says(page, "Packed and on its way");
        asked.ShouldBeGreaterThan(1);
        (await page.InnerTextAsync("main")).ShouldNotContain("null");
    }

    [Fact]
    public async Task What_the_checkout_cannot_take_is_said_beside_the_form()
    {
        await FillCart(page);
        await page.EvaluateAsync("() => document.querySelector('[name=name]').removeAttribute('maxlength')");
        await page.GetByLabel("Name").FillAsync(new string('A', 101));
        await page.GetByRole(AriaRole.Button, new() { NameRegex = new("^Check out") }).ClickAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Alert)).ToHaveTextAsync("Please look at the name again.");
        (await BrowserHouse.Faults(page)).ShouldBeEmpty();
        await Assertions.Expect(page.GetByLabel("E-mail")).ToHaveValueAsync("asha@example.test");
    }

    [Fact]
    public async Task The_whole_way_to_the_checkout_goes_by_keyboard()
    {
        await page.GotoAsync("/");
        await TabTo("Add to cart: Masala chai");
        await page.Keyboard.PressAsync("Enter");
        await BrowserHouse.Arrives(page, $"{house.Url}/cart");
        await TabTo("One Masala chai more");
        await page.Keyboard.PressAsync("Space");
        await Assertions.Expect(page.Locator(".total b")).ToHaveTextAsync("₹560.00");
        await TabTo("Name");
        await page.Keyboard.TypeAsync("Asha Rao");
        await page.Keyboard.PressAsync("Tab");
        await page.Keyboard.TypeAsync("asha@example.test");
        await page.Keyboard.PressAsync("Enter");
        await BrowserHouse.Arrives(page, $"{house.Sandbox.Server.Url}/checkout/");
    }

    async Task TabTo(string name)
    {
        for (var i = 0; i < 40; i++)
        {
            await page.Keyboard.PressAsync("Tab");
            if (await page.EvaluateAsync<string>("() => document.activeElement.ariaLabel ?? document.activeElement.labels?.[0]?.textContent ?? ''") == name) return;
        }
        Assert.Fail($"'{name}' is not reached by Tab.");
    }

    [Fact]
    public async Task Every_page_looks_well_on_phone_and_desktop_in_light_and_dark()
    {
        await FillCart(page);
        await CheckOut(page);
        var waiting = await Reference(page);
        await using var elsewhere = await Browser();
        var paid = await elsewhere.NewPageAsync();
        await FillCart(paid);
        await CheckOut(paid);
        var packed = await Pay(paid);
        await house.HasOnePaymentAndOneParcel(packed);
        foreach (var (name, address) in new[] { ("shop", "/"), ("cart", "/cart"), ("shop-waiting", $"/orders/{waiting}"), ("shop-order", $"/orders/{packed}") })
        {
            await page.GotoAsync(address);
            foreach (var (device, width, height) in new[] { BrowserHouse.Phone, BrowserHouse.Desktop, ("narrow", 320, 640) })
            {
                await page.SetViewportSizeAsync(width, height);
                foreach (var scheme in new[] { ColorScheme.Light, ColorScheme.Dark })
                {
                    await page.EmulateMediaAsync(new() { ColorScheme = scheme, ReducedMotion = ReducedMotion.Reduce });
                    (await BrowserHouse.Faults(page)).ShouldBeEmpty($"{name}, {device}, {scheme}");
                    (await page.EvaluateAsync<int>("() => document.documentElement.scrollWidth - innerWidth")).ShouldBeLessThanOrEqualTo(0, $"{name} fits its width on a {device}");
                    (await page.EvaluateAsync<string[]>("""
                        () => [...document.querySelectorAll('a, button, input:not([type=hidden])')].filter(e => getComputedStyle(e).display !== 'inline' && !e.matches('.skip') && e.getBoundingClientRect().height < 44).map(e => e.outerHTML)
                        """)).ShouldBeEmpty($"{name}, {device}: targets of 44 pixels");
                    if (Pictures is { Length: > 1 } folder)
                        await page.ScreenshotAsync(new() { Path = Path.Combine(folder, $"{name}-{device}-{scheme.ToString().ToLowerInvariant()}.png"), FullPage = true });
                }
            }
        }
    }

    [Fact]
    public async Task The_pictures_of_the_shop_can_be_taken()
    {
        await FillCart(page);
        await CheckOut(page);
        var reference = await Pay(page);
        await house.HasOnePaymentAndOneParcel(reference);
        foreach (var (name, address, device) in new[] { ("shop-desktop", "/", BrowserHouse.Desktop), ("shop-order-phone", $"/orders/{reference}", BrowserHouse.Phone) })
        {
            await using var context = await Browser(device, device == BrowserHouse.Phone ? 2 : 1);
            var picture = await context.NewPageAsync();
            await picture.GotoAsync(address);
            var bytes = await picture.ScreenshotAsync(Pictures == "1" ? new() { Path = Path.Combine(ShopHouse.Root, "docs", "pictures", $"{name}.png") } : new());
            bytes.Length.ShouldBeInRange(10_000, 250_000, name);
        }
    }

    [Fact]
    public async Task It_is_short_and_lets_no_foreign_script_in()
    {
        var lines = Directory.EnumerateFiles(Path.Combine(ShopHouse.Root, "samples", "Shop"), "*", SearchOption.AllDirectories)
            .Where(f => !Regex.IsMatch(f, "[\\\\/](bin|obj)[\\\\/]") && Path.GetExtension(f) is ".cs" or ".razor" or ".js" or ".css").Sum(f => File.ReadLines(f).Count());
        lines.ShouldBeInRange(200, 399);
        var answer = (await page.GotoAsync("/"))!;
        answer.Headers["content-security-policy"].ShouldStartWith("default-src 'none'; script-src 'self';");
        (await answer.TextAsync()).ShouldNotMatch("<script(?![^>]*src=)|style=|onclick=");
    }

    static async Task FillCart(IPage page)
    {
        await page.GotoAsync("/");
        await page.GetByRole(AriaRole.Button, new() { Name = "Add to cart: Masala chai" }).ClickAsync();
        await page.GotoAsync("/");
        await page.GetByRole(AriaRole.Button, new() { Name = "Add to cart: Darjeeling, first flush" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "One Masala chai more" }).ClickAsync();
        await Assertions.Expect(page.Locator(".total b")).ToHaveTextAsync("₹1,010.00");
        await page.GetByLabel("Name").FillAsync("Asha Rao");
        await page.GetByLabel("E-mail").FillAsync("asha@example.test");
    }

    async Task CheckOut(IPage page)
    {
        await page.GetByRole(AriaRole.Button, new() { NameRegex = new("^Check out") }).ClickAsync();
        await BrowserHouse.Arrives(page, $"{house.Sandbox.Server.Url}/checkout/");
    }

    /// <summary>Of the order whose checkout the page shows.</summary>
    async Task<string> Reference(IPage page) =>
        (await house.Purser.Orders.Get(new Uri(page.Url).Segments[2].TrimEnd('/'))).Reference!;

    IEnumerable<string> Gateways => house.Sandbox.Sandbox.Worlds.Select(w => w.Address.ToString());

    /// <summary>From the checkout, with whatever way to pay it proposes.</summary>
    async Task GoToGateway(IPage page)
    {
        await page.Locator("#pay").ClickAsync();
        await BrowserHouse.Arrives(page, Gateways);
    }

    async Task<string> Pay(IPage page)
    {
        await BrowserHouse.Arrives(page, $"{house.Sandbox.Server.Url}/checkout/");
        var reference = await Reference(page);
        await GoToGateway(page);
        await page.Locator("button[value=paid]").ClickAsync();
        return reference;
    }

    static Task Says(IPage page, string heading) => Assertions.Expect(page.GetByRole(AriaRole.Status)).ToHaveTextAsync(heading, new() { Timeout = 30_000 });
}
