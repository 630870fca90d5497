using System.Net;
using System.Text.RegularExpressions;
using Microsoft.Playwright;
using Purser.Client;
using Purser.Client.Tests;
using Purser.Orders;
using Purser.Server.Tests.Guides;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Browser;

/// <summary>Buying in the sample shop, as people do it.</summary>
public sealed class ShopTests(BrowserHouse browsers, ShopHouse house) : ShopWays(browsers, house), IClassFixture<BrowserHouse>, IClassFixture<ShopHouse>
{
    static readonly string? Pictures = Environment.GetEnvironmentVariable("PURSER_PICTURES");

    [Fact]
    public async Task News_that_come_while_the_shop_is_away_or_come_twice_pack_one_parcel()
    {
        await FillCart(Page);
        await CheckOut(Page);
        var order = (await House.Purser.Orders.Find(await Reference(Page)))!;
        var (reference, endpoint) = (order.Reference!, (await House.Purser.WebhookEndpoints.List()).ShouldHaveSingleItem());
        ValueTask<Delivery> Told() => House.Purser.Deliveries.List(new DeliveryFilter { Order = order.Id, WebhookEndpoint = endpoint.Id }).SingleAsync(d => d.EventType == EventTypes.OrderPaid);
        await House.Restart(async () =>
        {
            await Pay(Page);
            await BrowserHouse.Shows(Page, "paid");
            await Until.True(async () => (await Told()).Attempts > 0, "the message to be sent in vain");
        });
        await House.SendAgain(await Told());
        await House.HasOnePaymentAndOneParcel(reference);
        var parcels = House.Packed.Count;
        await Until.True(async () => (await Told()).Status == DeliveryStatus.Delivered, "the message to be taken");
        var attempts = (await Told()).Attempts;
        (await House.Purser.WebhookEndpoints.Redeliver(endpoint.Id, order.CreatedAt, deliveredToo: true)).ShouldBeGreaterThan(0);
        await Until.True(async () => await Told() is { Status: DeliveryStatus.Delivered } again && again.Attempts > attempts, "the same message to be taken again");
        using var forged = await new HttpClient().PostAsync($"{House.Url}/purser/webhook", new StringContent("{}"));
        forged.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        (await House.Purser.WebhookEndpoints.Test(endpoint.Id)).Delivered.ShouldBeTrue();
        await House.HasOnePaymentAndOneParcel(reference);
        House.Packed.Count.ShouldBe(parcels);
    }

    [Fact]
    public async Task Paid_orders_of_others_are_not_the_shops_to_pack()
    {
        var order = await House.Purser.Orders.Place(new NewOrder { Reference = "elsewhere-1", Lines = [new NewOrderLine("A book", 1, new Client.Money(49_900, "INR"))] });
        await Page.GotoAsync(order.CheckoutUrl);
        await Pay(Page);
        await BrowserHouse.Shows(Page, "paid");
        foreach (var reference in new[] { "unknown", "elsewhere-1", $"leaf-{new string('0', 20)}-{new string('0', 12)}", $"leaf-{new string('0', 500)}" })
            foreach (var path in new[] { $"/orders/{reference}", $"/return/{reference}", $"/orders/{reference}/live" })
                (await Page.APIRequest.GetAsync(House.Url + path, new() { MaxRedirects = 0 })).Status.ShouldBe(404, path);
        await Page.GotoAsync("/orders/unknown");
        await Page.GetByRole(AriaRole.Link, new() { Name = "Look at the teas" }).ClickAsync();
        await BrowserHouse.Arrives(Page, $"{House.Url}/");
        // Messages to one receiver are handled in no order, so one that is certainly later must have been handled, too.
        await using var elsewhere = await Browser();
        var other = await elsewhere.NewPageAsync();
        await FillCart(other);
        await CheckOut(other);
        await House.HasOnePaymentAndOneParcel(await Pay(other));
        (await House.Purser.Orders.Get(order.Id)).FulfilledAt.ShouldBeNull();
    }

    [Fact]
    public async Task What_went_back_whole_before_the_shop_heard_of_it_has_nothing_to_pack()
    {
        await FillCart(Page);
        await CheckOut(Page);
        var order = (await House.Purser.Orders.Find(await Reference(Page)))!;
        var shop = (await House.Purser.WebhookEndpoints.List()).ShouldHaveSingleItem();
        ValueTask<Delivery> Told() => House.Purser.Deliveries.List(new DeliveryFilter { Order = order.Id, WebhookEndpoint = shop.Id }).SingleAsync();
        await House.Restart(async () =>
        {
            await Pay(Page);
            await BrowserHouse.Shows(Page, "paid");
            await House.Purser.Refunds.Request(order.Id, new NewRefund { Reference = "too soon" });
            await Until.True(async () => (await Told()).Attempts > 0, "the message to be sent in vain");
        });
        await House.SendAgain(await Told());
        await Until.True(async () => (await Told()).Status == DeliveryStatus.Delivered, "the message to be taken");
        (await House.Purser.Orders.Get(order.Id)).FulfilledAt.ShouldBeNull();
        House.Packed.ShouldNotContain(order.Id);
    }

    [Fact]
    public async Task A_paid_order_that_is_held_is_packed_when_it_is_released()
    {
        await FillCart(Page);
        await CheckOut(Page);
        var order = (await House.Purser.Orders.Find(await Reference(Page)))!;
        var shop = (await House.Purser.WebhookEndpoints.List()).ShouldHaveSingleItem();
        async Task<Delivery> Told(string type) => await House.Purser.Deliveries.List(new DeliveryFilter { Order = order.Id, WebhookEndpoint = shop.Id }).SingleAsync(d => d.EventType == type);
        await House.Restart(async () =>
        {
            await Pay(Page);
            await BrowserHouse.Shows(Page, "paid");
            order = await House.Purser.Orders.Get(order.Id);
            await ClientHouse.Dispute(House.Sandbox.Server, order, won: false);
            await Until.True(async () => (await Told(EventTypes.OrderPaid)).Attempts > 0, "the message to be sent in vain");
        });
        await House.SendAgain(await Told(EventTypes.OrderPaid));
        await Until.True(async () => (await Told(EventTypes.OrderPaid)).Status == DeliveryStatus.Delivered, "the message to be taken");
        (await House.Purser.Orders.Get(order.Id)).Fulfilment.ShouldBe(Client.Fulfilment.Held);
        House.Packed.ShouldNotContain(order.Id);
        await ClientHouse.Dispute(House.Sandbox.Server, order, won: true);
        await House.HasOnePaymentAndOneParcel(order.Reference!);
    }

    [Fact]
    public async Task A_parcel_that_could_not_be_noted_is_packed_when_the_message_comes_again()
    {
        await FillCart(Page);
        await CheckOut(Page);
        var order = (await House.Purser.Orders.Find(await Reference(Page)))!;
        // Where the file is to be there is a folder, so nothing can be written.
        var aside = House.Parcels + ".aside";
        if (File.Exists(House.Parcels)) File.Move(House.Parcels, aside);
        Directory.CreateDirectory(House.Parcels);
        await Pay(Page);
        ValueTask<Delivery?> Refused() => House.Purser.Deliveries.List(new DeliveryFilter { Order = order.Id }).FirstOrDefaultAsync(d => d is { EventType: EventTypes.OrderPaid, Outcome: "500" });
        await Until.True(async () => await Refused() is not null, "the message to be refused");
        var refused = (await Refused())!;
        Directory.Delete(House.Parcels);
        if (File.Exists(aside)) File.Move(aside, House.Parcels);
        await House.SendAgain(refused);
        await House.HasOnePaymentAndOneParcel(order.Reference!);
    }

    [Fact]
    public async Task What_the_readme_of_the_shop_says_is_so_and_its_commands_start_a_shop_that_sells()
    {
        var page = GuidePage.Read("samples/Shop/README.md");
        page.LooseCommands.ShouldBeEmpty();
        foreach (var link in page.Links) File.Exists(Path.Combine(ShopHouse.Root, "samples", "Shop", link)).ShouldBeTrue(link);
        foreach (Match file in Regex.Matches(page.Text, "`([A-Za-z/]+\\.(?:cs|razor|js))`")) File.Exists(Path.Combine(ShopHouse.Root, "samples", "Shop", file.Groups[1].Value)).ShouldBeTrue(file.Value);
        foreach (var type in (await House.Purser.WebhookEndpoints.List()).ShouldHaveSingleItem().EventTypes) page.Text.ShouldContain($"`{type}`");
        var block = page.Blocks.ShouldHaveSingleItem();
        block.Kind.ShouldBe("sh");
        await House.Restart(async () =>
        {
            await using var shop = await House.StartByReadme(block.Text);
            await FillCart(Page);
            await CheckOut(Page);
            var reference = await Pay(Page);
            await House.HasOnePaymentAndOneParcel(reference);
            await BrowserHouse.Shows(Page, "paid");
            await GoTo(Page, $"/orders/{reference}");
            await Says(Page, "Packed and on its way");
        });
    }

    [Theory]
    [InlineData("Sec-Fetch-Site", "cross-site", 403)]
    [InlineData("Sec-Fetch-Site", "same-site", 403)]
    [InlineData("Sec-Fetch-Site", "same-origin", 302)]
    [InlineData("Sec-Fetch-Site", "none", 302)]
    [InlineData("Origin", "https://elsewhere.example", 403)]
    [InlineData("Origin", "null", 403)]
    [InlineData("Origin", "the shop", 302)]
    public async Task A_form_on_a_page_of_somebody_elses_fills_no_cart(string header, string value, int status)
    {
        using var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false });
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{House.Url}/cart") { Content = new FormUrlEncodedContent([new("tea", "kettle")]) };
        request.Headers.Add(header, value == "the shop" ? House.Url : value);
        using var answer = await http.SendAsync(request);
        ((int)answer.StatusCode, answer.Headers.Contains("Set-Cookie")).ShouldBe((status, status == 302));
    }

    [Fact]
    public async Task An_answer_that_was_overtaken_by_a_later_one_does_not_turn_the_order_s_page_back()
    {
        await Page.AddInitScriptAsync("const read = DOMParser.prototype.parseFromString; window.read = []; DOMParser.prototype.parseFromString = function (...a) { window.read.push(a[0]); return read.apply(this, a); };").InTime();
        await FillCart(Page);
        await CheckOut(Page);
        var (reference, checkout) = (await Reference(Page), Page.Url);
        await Page.GotoAsync($"/orders/{reference}");
        await Says(Page, "Ready to be paid");
        var (first, release, asked) = (new TaskCompletionSource(), new TaskCompletionSource(), 0);
        await Page.RouteAsync($"**/orders/{reference}", async route =>
        {
            if (Interlocked.Increment(ref asked) > 1)
            {
                await route.ContinueAsync();
                return;
            }
            var early = await route.FetchAsync();
            first.SetResult();
            await release.Task.WaitAsync(Patience.Longest);
            await route.FulfillAsync(new() { Response = early });
        }).InTime();
        await using var elsewhere = await Browser();
        var other = await elsewhere.NewPageAsync();
        await other.GotoAsync(checkout);
        await GoToGateway(other);
        await first.Task.InTime("the page asks for the order");
        await other.Locator("button[value=paid]").ClickAsync();
        await Says(Page, "Packed and on its way");
        release.SetResult();
        await Page.WaitForFunctionAsync("() => window.read.length > 1 && !window.read.at(-1).includes('Packed and on its way')");
        await Says(Page, "Packed and on its way");
        (await Page.Locator("#order").InnerTextAsync()).ShouldNotContain("This page follows by itself");
    }

    [Fact]
    public async Task Two_answers_that_fail_begin_the_following_of_an_order_anew_once()
    {
        await Page.AddInitScriptAsync("const plain = window.EventSource; window.followings = 0; window.EventSource = class extends plain { constructor(...a) { super(...a); window.followings++; } };").InTime();
        await FillCart(Page);
        await CheckOut(Page);
        var (reference, checkout) = (await Reference(Page), Page.Url);
        await Page.GotoAsync($"/orders/{reference}");
        await Says(Page, "Ready to be paid");
        var (held, failing) = (new System.Collections.Concurrent.ConcurrentQueue<IRoute>(), true);
        await Page.RouteAsync($"**/orders/{reference}", async route =>
        {
            if (Volatile.Read(ref failing)) held.Enqueue(route);
            else await route.ContinueAsync();
        }).InTime();
        await using var elsewhere = await Browser();
        var other = await elsewhere.NewPageAsync();
        await other.GotoAsync(checkout);
        await GoToGateway(other);
        await Until.True(() => !held.IsEmpty, "the first question");
        await other.Locator("button[value=paid]").ClickAsync();
        await Until.True(() => held.Count > 1, "the second question");
        Volatile.Write(ref failing, false);
        foreach (var route in held) await route.FulfillAsync(new() { Status = 500, ContentType = "text/html", Body = "<h1>Trouble</h1>" });
        await Says(Page, "Packed and on its way");
        await Page.WaitForFunctionAsync("() => window.followings > 1");
        // Two timers would have been set in one moment: one that is as long, and is set when the first has rung, rings behind both.
        (await Page.EvaluateAsync<int>("() => new Promise(after => setTimeout(() => after(window.followings), 2000))").InTime()).ShouldBe(2);
    }

    [Fact]
    public async Task A_page_of_trouble_ends_neither_the_order_s_page_nor_its_following()
    {
        await FillCart(Page);
        await CheckOut(Page);
        var (reference, checkout, asked) = (await Reference(Page), Page.Url, 0);
        await Page.GotoAsync($"/orders/{reference}");
        await Says(Page, "Ready to be paid");
        await Page.RouteAsync($"**/orders/{reference}", route =>
            Interlocked.Increment(ref asked) == 1 ? route.FulfillAsync(new() { Status = 500, ContentType = "text/html", Body = "<h1>Trouble</h1>" }) : route.ContinueAsync()).InTime();
        await using var elsewhere = await Browser();
        var other = await elsewhere.NewPageAsync();
        await other.GotoAsync(checkout);
        await Pay(other);
        await Says(Page, "Packed and on its way");
        asked.ShouldBeGreaterThan(1);
        (await Page.InnerTextAsync("main")).ShouldNotContain("null");
    }

    [Fact]
    public async Task What_the_checkout_cannot_take_is_said_beside_the_form()
    {
        await FillCart(Page);
        await Page.EvaluateAsync("() => document.querySelector('[name=name]').removeAttribute('maxlength')").InTime();
        await Page.GetByLabel("Name").FillAsync(new string('A', 101));
        await Page.GetByRole(AriaRole.Button, new() { NameRegex = new("^Check out") }).ClickAsync();
        await Assertions.Expect(Page.GetByRole(AriaRole.Alert)).ToHaveTextAsync("Please look at the name again.");
        (await BrowserHouse.Faults(Page)).ShouldBeEmpty();
        await Assertions.Expect(Page.GetByLabel("E-mail")).ToHaveValueAsync("asha@example.test");
    }

    [Fact]
    public async Task The_whole_way_to_the_checkout_goes_by_keyboard()
    {
        await Page.GotoAsync("/");
        await TabTo("Add to cart: Masala chai");
        await Page.Keyboard.PressAsync("Enter").InTime();
        await BrowserHouse.Arrives(Page, $"{House.Url}/cart");
        await TabTo("One Masala chai more");
        await Page.Keyboard.PressAsync("Space").InTime();
        await Assertions.Expect(Page.Locator(".total b")).ToHaveTextAsync("₹560.00");
        await TabTo("Name");
        await Page.Keyboard.TypeAsync("Asha Rao").InTime();
        await Page.Keyboard.PressAsync("Tab").InTime();
        await Page.Keyboard.TypeAsync("asha@example.test").InTime();
        await Page.Keyboard.PressAsync("Enter").InTime();
        await BrowserHouse.Arrives(Page, $"{House.Sandbox.Url}/checkout/");
    }

    async Task TabTo(string name)
    {
        for (var i = 0; i < 40; i++)
        {
            await Page.Keyboard.PressAsync("Tab").InTime();
            if (await Page.EvaluateAsync<string>("() => document.activeElement.ariaLabel ?? document.activeElement.labels?.[0]?.textContent ?? ''").InTime() == name) return;
        }
        Assert.Fail($"'{name}' is not reached by Tab.");
    }

    [Fact]
    public async Task Of_money_that_is_held_or_given_back_in_part_the_shop_tells_and_asks_nobody_to_pay_again()
    {
        await FillCart(Page);
        await CheckOut(Page);
        var reference = await Reference(Page);
        await PayWrong(Page);
        await GoTo(Page, $"/orders/{reference}");
        await Says(Page, "We received a different amount");
        var main = Page.Locator("#order");
        await Assertions.Expect(main).ToContainTextAsync("Nothing is lost: the shop has been told");
        await Assertions.Expect(main).ToContainTextAsync("Please do not pay again.");
        (await main.Locator("a.main").CountAsync().InTime()).ShouldBe(0);
        // Nor does the same cart lead there.
        await Page.GotoAsync("/cart");
        await Page.GetByLabel("Name").FillAsync("Asha Rao");
        await Page.GetByLabel("E-mail").FillAsync("asha@example.test");
        await Page.GetByRole(AriaRole.Button, new() { NameRegex = new("^Check out") }).ClickAsync();
        await BrowserHouse.Arrives(Page, $"{House.Url}/orders/{reference}");
        var order = (await House.Purser.Orders.Find(reference))!;
        (order.Status, order.Shopper.MayPay, order.Questions.Single().Kind).ShouldBe((Client.OrderStatus.AwaitingPayment, false, "amount_mismatch"));
        order.Questions.Single().Amount.ShouldBe(new Client.Money(order.Amount.MinorUnits - 1, "INR"));

        await using var elsewhere = await Browser();
        var other = await elsewhere.NewPageAsync();
        await FillCart(other);
        await CheckOut(other);
        reference = await Pay(other);
        await House.HasOnePaymentAndOneParcel(reference);
        await BrowserHouse.Shows(other, "paid");
        await GoTo(other, $"/orders/{reference}");
        await House.Purser.Refunds.Request((await House.Purser.Orders.Find(reference))!.Id, new NewRefund { Reference = "a cup", AmountMinorUnits = 100_00 });
        await Assertions.Expect(other.GetByRole(AriaRole.Status)).ToHaveTextAsync(new Regex("^(Refund under way|A part of your money was paid back)$"));
        await Assertions.Expect(other.Locator("#order")).ToContainTextAsync("Refund of ₹100.00 INR: ");
    }

    /// <summary>A little less than is asked for, at whatever gateway is proposed.</summary>
    async Task PayWrong(IPage page)
    {
        await GoToGateway(page);
        await page.Locator("button[value=wrong_amount]").ClickAsync();
        await BrowserHouse.Shows(page, "held");
    }

    [Fact]
    public async Task Every_page_looks_well_on_phone_and_desktop_in_light_and_dark()
    {
        await FillCart(Page);
        await CheckOut(Page);
        var waiting = await Reference(Page);
        await using var wrong = await Browser();
        var less = await wrong.NewPageAsync();
        await FillCart(less);
        await CheckOut(less);
        var held = await Reference(less);
        await PayWrong(less);
        await using var elsewhere = await Browser();
        var paid = await elsewhere.NewPageAsync();
        await FillCart(paid);
        await CheckOut(paid);
        var packed = await Pay(paid);
        await House.HasOnePaymentAndOneParcel(packed);
        foreach (var (name, address) in new[] { ("shop", "/"), ("cart", "/cart"), ("shop-nothing", "/orders/unknown"), ("shop-waiting", $"/orders/{waiting}"), ("shop-held", $"/orders/{held}"), ("shop-order", $"/orders/{packed}") })
        {
            await Page.GotoAsync(address);
            foreach (var (device, width, height) in new[] { BrowserHouse.Phone, BrowserHouse.Desktop, ("narrow", 320, 640) })
            {
                await Page.SetViewportSizeAsync(width, height).InTime();
                foreach (var scheme in new[] { ColorScheme.Light, ColorScheme.Dark })
                {
                    await Page.EmulateMediaAsync(new() { ColorScheme = scheme }).InTime();
                    (await BrowserHouse.Faults(Page)).ShouldBeEmpty($"{name}, {device}, {scheme}");
                    (await Page.EvaluateAsync<int>("() => document.documentElement.scrollWidth - innerWidth").InTime()).ShouldBeLessThanOrEqualTo(0, $"{name} fits its width on a {device}");
                    (await Page.EvaluateAsync<string[]>("""
                        () => [...document.querySelectorAll('a, button, input:not([type=hidden])')].filter(e => getComputedStyle(e).display !== 'inline' && !e.matches('.skip') && e.getBoundingClientRect().height < 44).map(e => e.outerHTML)
                        """).InTime()).ShouldBeEmpty($"{name}, {device}: targets of 44 pixels");
                    if (Pictures is { Length: > 1 } folder)
                        await Page.ScreenshotAsync(new() { Path = Path.Combine(folder, $"{name}-{device}-{scheme.ToString().ToLowerInvariant()}.png"), FullPage = true });
                }
            }
        }
    }

    [Fact]
    public async Task The_pictures_of_the_shop_can_be_taken()
    {
        await FillCart(Page);
        await CheckOut(Page);
        var reference = await Pay(Page);
        await House.HasOnePaymentAndOneParcel(reference);
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
        var answer = (await Page.GotoAsync("/"))!;
        answer.Headers["content-security-policy"].ShouldStartWith("default-src 'none'; script-src 'self';");
        (await answer.TextAsync()).ShouldNotMatch("<script(?![^>]*src=)|style=|onclick=");
    }
}
