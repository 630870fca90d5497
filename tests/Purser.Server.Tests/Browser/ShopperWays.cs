using System.Text.RegularExpressions;
using Microsoft.Playwright;
using Purser.Orders;
using Purser.Server.Checkout;
using Purser.Server.Tests.Checkout;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Browser;

/// <summary>What shoppers do on our pages that must go well however many nodes there are.</summary>
public abstract class ShopperWays(BrowserHouse house)
{
    protected BrowserHouse House => house;

    [Fact]
    public async Task From_one_click_on_the_start_page_to_paid_before_the_shoppers_eyes()
    {
        await using var context = await House.Open();
        var page = await context.NewPageAsync();
        var (complaints, told) = (Complaints(page), BrowserHouse.Told(page));
        await page.GotoAsync("/");
        await page.GetByRole(AriaRole.Button, new() { Name = Texts.DemoButton }).ClickAsync();
        await BrowserHouse.Arrives(page, House.Server.Url + "/checkout/ord_");
        OrderId.TryParse(new Uri(page.Url).Segments[2], out var order).ShouldBeTrue();
        await BrowserHouse.PressPay(page);

        await House.ComeBack(page, order);
        await BrowserHouse.Shows(page, "pending");
        await page.EvaluateAsync("() => { window.notReloaded = true }").InTime();
        await Money(order);
        await BrowserHouse.Shows(page, "paid");
        told.ShouldContain(t => t.Contains("\"order.paid\"", StringComparison.Ordinal), "the socket told of it");
        (await page.EvaluateAsync<bool>("() => window.notReloaded").InTime()).ShouldBeTrue("the page changed where it stood");
        (await page.TitleAsync().InTime()).ShouldBe(Texts.Paid);
        (await page.Locator("#said").TextContentAsync())!.ShouldStartWith(Texts.Paid);
        complaints.ShouldBeEmpty();
    }

    [Fact]
    public async Task The_back_button_shows_the_open_payment_and_never_starts_another()
    {
        await using var context = await House.Open();
        var order = await House.Server.Place();
        var page = await context.NewPageAsync();
        await page.GotoAsync(House.Server.Links.Checkout(order));
        await BrowserHouse.PressPay(page);
        await page.GoBackAsync();
        // Whatever page it is: it leads to the same link.
        await page.GetByRole(AriaRole.Link, new() { Name = Texts.ContinuePayment }).ClickAsync();
        await BrowserHouse.Arrives(page, PageHouse.PayPage, House.Server.Url + "/pay/");
        (await House.Server.Do(order.Id, new OrderCommand.Look(1))).Payments.Length.ShouldBe(1);
    }

    [Fact]
    public async Task A_checkout_that_was_left_open_follows_the_payment()
    {
        await using var context = await House.Open();
        var order = await House.Server.Place();
        var (one, two) = (await context.NewPageAsync(), await context.NewPageAsync());
        await one.GotoAsync(House.Server.Links.Checkout(order));
        await BrowserHouse.PressPay(one);
        await two.GotoAsync(House.Server.Links.Checkout(order));
        await two.GetByRole(AriaRole.Link, new() { Name = Texts.ContinuePayment }).WaitForAsync();
        await Money(order.Id);
        await BrowserHouse.Arrives(two, House.Server.Url + "/pay/");
        await BrowserHouse.Shows(two, "paid");
    }

    [Fact]
    public async Task A_double_click_posts_once()
    {
        await using var context = await House.Open();
        var order = await House.Server.Place();
        var page = await context.NewPageAsync();
        var posts = 0;
        page.Request += (_, request) => posts += request.Method == "POST" ? 1 : 0;
        await page.GotoAsync(House.Server.Links.Checkout(order));
        await page.Locator("#pay").DblClickAsync();
        await BrowserHouse.Arrives(page, PageHouse.PayPage);
        posts.ShouldBe(1);
        (await House.Server.Do(order.Id, new OrderCommand.Look(1))).Payments.Length.ShouldBe(1);
    }

    [Fact]
    public async Task Whoever_closed_the_tab_finds_the_payment_again_by_number_and_mail()
    {
        await using var context = await House.Open();
        var order = await House.Server.Place();
        var page = await context.NewPageAsync();
        await page.GotoAsync(House.Server.Links.Checkout(order));
        await BrowserHouse.PressPay(page);
        await page.CloseAsync().InTime();
        await Money(order.Id);

        var later = await context.NewPageAsync();
        await later.GotoAsync("/status");
        await later.GetByLabel(Texts.OrderNumber).FillAsync(order.Id.ToString());
        await later.GetByLabel(Texts.LookUpEmail).FillAsync("asha@shop.example");
        await later.GetByRole(AriaRole.Button, new() { Name = Texts.LookUpSubmit }).ClickAsync();
        await BrowserHouse.Shows(later, "paid");
    }

    [Fact]
    public async Task Where_sockets_fail_the_page_asks_by_long_poll()
    {
        await using var context = await House.Open();
        var order = await EverySituation.Make(House.Server, "pending");
        var page = await context.NewPageAsync();
        var polls = 0;
        page.Request += (_, request) => polls += request.Url.Contains("/live?", StringComparison.Ordinal) && request.ResourceType == "fetch" ? 1 : 0;
        await page.AddInitScriptAsync("WebSocket = class { constructor() { setTimeout(() => this.onclose?.({}), 10) } close() {} }").InTime();
        await page.GotoAsync(House.Server.Links.Payment(order, 1));
        await page.GetByText(Texts.LiveOn).WaitForAsync();
        polls.ShouldBeGreaterThan(0);
        var answer = await page.RunAndWaitForResponseAsync(() => House.Server.Pay(order), r => r.Url.Contains("/live?", StringComparison.Ordinal));
        (await answer.TextAsync()).ShouldContain("\"order.paid\"");
        await BrowserHouse.Shows(page, "paid");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_page_that_is_ahead_of_a_restored_database_shows_what_the_order_is_by_now(bool bySocket)
    {
        await using var context = await House.Open();
        var order = await EverySituation.Make(House.Server, "pending");
        var page = await context.NewPageAsync();
        if (!bySocket) await page.AddInitScriptAsync("WebSocket = class { constructor() { setTimeout(() => this.onclose?.({}), 10) } close() {} }").InTime();
        // As the server showed it before it lost what came last.
        await page.RouteAsync("**/pay/**", async route =>
        {
            var answer = await route.FetchAsync();
            var lost = Regex.Replace(Regex.Replace(await answer.TextAsync(), "data-(sequence|at)=\"[0-9]+\"", "data-$1=\"99\""), "(<h1[^>]*>)[^<]*", "$1Before the backup");
            await route.FulfillAsync(new() { Response = answer, Body = lost });
        }, new() { Times = 1 }).InTime();
        await page.GotoAsync(House.Server.Links.Payment(order, 1));
        await page.GetByRole(AriaRole.Heading, new() { Level = 1, Name = "Before the backup" }).WaitForAsync(new() { State = WaitForSelectorState.Detached });
        (await page.Locator("[data-at]").GetAttributeAsync("data-at")).ShouldNotBe("99");
        await House.Server.Pay(order);
        await BrowserHouse.Shows(page, "paid");
    }

    [Fact]
    public async Task After_a_time_without_a_network_the_page_catches_up()
    {
        await using var context = await House.Open();
        var order = await EverySituation.Make(House.Server, "pending");
        var page = await context.NewPageAsync();
        await page.GotoAsync(House.Server.Links.Payment(order, 1));
        await page.GetByText(Texts.LiveOn).WaitForAsync();
        await context.SetOfflineAsync(true);
        await page.GetByText(Texts.LiveOff).WaitForAsync();
        await House.Server.Hear(order, new Evidence.Processing());
        await House.Server.Pay(order);
        await BrowserHouse.Shows(page, "pending");
        await context.SetOfflineAsync(false);
        await BrowserHouse.Shows(page, "paid");
        await page.GetByText(Texts.LiveOn).WaitForAsync();
    }

    protected async Task<Order> Money(OrderId order) => await House.Server.Pay(await House.Server.Do(order, new OrderCommand.Look(1)));

    static List<string> Complaints(IPage page)
    {
        var complaints = new List<string>();
        page.Console += (_, message) =>
        {
            if (message.Type is "error" or "warning") complaints.Add(message.Text);
        };
        page.PageError += (_, error) => complaints.Add(error);
        return complaints;
    }
}
