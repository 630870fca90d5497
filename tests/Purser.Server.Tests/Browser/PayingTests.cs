using Microsoft.Playwright;
using Purser.Orders;
using Purser.Server.Checkout;
using Purser.Server.Tests.Checkout;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Browser;

public sealed class PayingTests(BrowserHouse house) : ShopperWays(house), IClassFixture<BrowserHouse>
{
    [Fact]
    public async Task Two_tabs_lead_to_one_payment()
    {
        await using var context = await House.Open();
        var order = await House.Server.Place();
        var (one, two) = (await context.NewPageAsync(), await context.NewPageAsync());
        await one.GotoAsync(House.Server.Links.Checkout(order));
        await two.GotoAsync(House.Server.Links.Checkout(order));
        await BrowserHouse.PressPay(one);
        await BrowserHouse.PressPay(two);
        (await House.Server.Do(order.Id, new OrderCommand.Look(1))).Payments.Length.ShouldBe(1);
    }

    [Fact]
    public async Task A_second_tab_that_chooses_another_way_is_told_of_the_open_payment()
    {
        await using var context = await House.Open();
        var order = await House.Server.Place();
        var (one, two) = (await context.NewPageAsync(), await context.NewPageAsync());
        await one.GotoAsync(House.Server.Links.Checkout(order));
        await two.GotoAsync(House.Server.Links.Checkout(order));
        await BrowserHouse.PressPay(one);
        await two.GetByLabel("Card").CheckAsync();
        await two.GetByRole(AriaRole.Button, new() { NameRegex = new("^Pay ") }).ClickAsync();
        await BrowserHouse.Shows(two, "pending");
        // Closed at the gateway first; only then is there a choice again.
        await two.GetByRole(AriaRole.Button, new() { Name = Texts.AnotherWay }).ClickAsync();
        await BrowserHouse.Arrives(two, House.Server.Url + "/checkout/");
        await two.GetByLabel("Card").CheckAsync();
        await BrowserHouse.PressPay(two);
        var now = await House.Server.Do(order.Id, new OrderCommand.Look(2));
        now.Payments.Length.ShouldBe(2);
        now.OpenPayment!.Method.ShouldBe("card");
    }

    [Fact]
    public async Task Without_script_all_of_it_works()
    {
        await using var context = await House.Open(new() { JavaScriptEnabled = false });
        var order = await House.Server.Place();
        var page = await context.NewPageAsync();
        await page.GotoAsync(House.Server.Links.Checkout(order));
        await BrowserHouse.PressPay(page);
        await House.ComeBack(page, order.Id);
        await BrowserHouse.Shows(page, "pending");
        await House.Server.Hear(order, new Evidence.Processing());
        await page.GetByRole(AriaRole.Link, new() { Name = Texts.CheckNow }).ClickAsync();
        await BrowserHouse.Shows(page, "processing");
        await Money(order.Id);
        // By its own refresh, five seconds on.
        await BrowserHouse.Shows(page, "paid");
    }

    [Fact]
    public async Task With_the_keyboard_alone_it_is_paid()
    {
        await using var context = await House.Open(new() { ViewportSize = new() { Width = BrowserHouse.Desktop.Width, Height = BrowserHouse.Desktop.Height } });
        var order = await House.Server.Place();
        var page = await context.NewPageAsync();
        await page.GotoAsync(House.Server.Links.Checkout(order));
        await page.Keyboard.PressAsync("Tab").InTime();
        (await Focused(page)).ShouldBe(Texts.SkipToContent);
        await page.Keyboard.PressAsync("Enter").InTime();
        await page.Keyboard.PressAsync("Tab").InTime();
        (await Focused(page)).ShouldBe(Texts.BackToShop);
        await page.Keyboard.PressAsync("Tab").InTime();
        await page.Keyboard.PressAsync("ArrowDown").InTime();
        (await page.GetByLabel("Card").IsCheckedAsync()).ShouldBeTrue();
        // The fold with the other ways is passed by, or opened.
        await page.Keyboard.PressAsync("Tab").InTime();
        (await Focused(page)).ShouldStartWith(Texts.MoreWays);
        await page.Keyboard.PressAsync("Tab").InTime();
        (await Focused(page)).ShouldStartWith("Pay ");
        await page.Keyboard.PressAsync("Enter").InTime();
        await BrowserHouse.Arrives(page, PageHouse.PayPage);
        (await House.Server.Do(order.Id, new OrderCommand.Look(1))).Payments[0].Method.ShouldBe("card");
    }

    [Fact]
    public async Task A_form_posts_itself_to_its_gateway()
    {
        await using var context = await House.Open();
        var fields = System.Collections.Immutable.ImmutableSortedDictionary<string, string>.Empty.Add("hash", "a+b/c==").Add("name", "अशा \"<&>");
        House.Server.Answers = false;
        var order = await House.Server.Open(await House.Server.Place(), new Purser.Payments.PaymentLink.Form("http://form.gateway.example:8080/pay", fields));
        House.Server.Answers = true;
        var posted = new TaskCompletionSource<string>();
        await context.RouteAsync("http://form.gateway.example:8080/**", route =>
        {
            posted.TrySetResult(Uri.UnescapeDataString(route.Request.PostData!.Replace('+', ' ')));
            return route.FulfillAsync(new() { ContentType = "text/html", Body = "<title>Gateway</title>" });
        });
        var page = await context.NewPageAsync();
        await page.GotoAsync(House.Server.Links.HandOver(order, 1), new() { WaitUntil = WaitUntilState.Commit });
        (await posted.Task.InTime("the form to be posted")).ShouldBe("hash=a+b/c==&name=अशा \"<&>");
    }

    [Fact]
    public async Task A_link_that_comes_late_is_gone_to_when_it_comes()
    {
        await using var context = await House.Open();
        House.Server.Answers = false;
        var order = await House.Server.Start(await House.Server.Place());
        var page = await context.NewPageAsync();
        await page.GotoAsync(House.Server.Links.HandOver(order, 1));
        (await page.Locator("h1").TextContentAsync()).ShouldBe(Texts.Starting);
        // Not sooner: the question for the link is asked a moment after the payment is started.
        House.Server.Answers = true;
        await House.Server.Hear(order, new Evidence.LinkOpened(new Purser.Payments.PaymentLink.Redirect(PageHouse.PayPage), order.Amount) { GatewayReference = "plink_late" });
        await BrowserHouse.Arrives(page, PageHouse.PayPage);
    }

    [Fact]
    public async Task Time_left_is_counted_by_the_servers_clock()
    {
        await using var context = await House.Open();
        var order = await House.Server.Place();
        var page = await context.NewPageAsync();
        await page.AddInitScriptAsync("const real = Date; Date = class extends real { constructor(...a) { a.length ? super(...a) : super(real.now() + 3e9) } static now() { return real.now() + 3e9 } }").InTime();
        await page.GotoAsync(House.Server.Links.Checkout(order));
        await Until.True(async () => (await page.Locator(".countdown").TextContentAsync())!.StartsWith('2'), "less than half an hour, and not a month");
    }

    static Task<string> Focused(IPage page) => page.EvaluateAsync<string>("() => document.activeElement.textContent.trim()").InTime();
}
