using Microsoft.Playwright;
using Purser.Orders;
using Purser.Server.Checkout;
using Purser.Server.Tests.Checkout;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Browser;

public sealed class PayingTests(BrowserHouse house) : IClassFixture<BrowserHouse>
{
    [Fact]
    public async Task From_one_click_on_the_start_page_to_paid_before_the_shoppers_eyes()
    {
        await using var context = await house.Open();
        var page = await context.NewPageAsync();
        var complaints = Complaints(page);
        await page.GotoAsync("/");
        await page.GetByRole(AriaRole.Button, new() { Name = Texts.DemoButton }).ClickAsync();
        await BrowserHouse.Arrives(page, house.Server.Url + "/checkout/ord_");
        OrderId.TryParse(new Uri(page.Url).Segments[2], out var order).ShouldBeTrue();
        await BrowserHouse.PressPay(page);

        await house.ComeBack(page, order);
        await BrowserHouse.Shows(page, "pending");
        await page.EvaluateAsync("() => { window.notReloaded = true }");
        await Money(order);
        await BrowserHouse.Shows(page, "paid");
        (await page.EvaluateAsync<bool>("() => window.notReloaded")).ShouldBeTrue("the page changed where it stood");
        (await page.TitleAsync()).ShouldBe(Texts.Paid);
        (await page.Locator("#said").TextContentAsync())!.ShouldStartWith(Texts.Paid);
        complaints.ShouldBeEmpty();
    }

    [Fact]
    public async Task Two_tabs_lead_to_one_payment()
    {
        await using var context = await house.Open();
        var order = await house.Server.Place();
        var (one, two) = (await context.NewPageAsync(), await context.NewPageAsync());
        await one.GotoAsync(house.Server.Links.Checkout(order));
        await two.GotoAsync(house.Server.Links.Checkout(order));
        await BrowserHouse.PressPay(one);
        await BrowserHouse.PressPay(two);
        (await house.Server.Do(order.Id, new OrderCommand.Look(1))).Payments.Length.ShouldBe(1);
    }

    [Fact]
    public async Task A_second_tab_that_chooses_another_way_is_told_of_the_open_payment()
    {
        await using var context = await house.Open();
        var order = await house.Server.Place();
        var (one, two) = (await context.NewPageAsync(), await context.NewPageAsync());
        await one.GotoAsync(house.Server.Links.Checkout(order));
        await two.GotoAsync(house.Server.Links.Checkout(order));
        await BrowserHouse.PressPay(one);
        await two.GetByLabel("Card").CheckAsync();
        await two.GetByRole(AriaRole.Button, new() { NameRegex = new("^Pay ") }).ClickAsync();
        await BrowserHouse.Shows(two, "pending");
        // Closed at the gateway first; only then is there a choice again.
        await two.GetByRole(AriaRole.Button, new() { Name = Texts.AnotherWay }).ClickAsync();
        await BrowserHouse.Arrives(two, house.Server.Url + "/checkout/");
        await two.GetByLabel("Card").CheckAsync();
        await BrowserHouse.PressPay(two);
        var now = await house.Server.Do(order.Id, new OrderCommand.Look(2));
        now.Payments.Length.ShouldBe(2);
        now.OpenPayment!.Method.ShouldBe("card");
    }

    [Fact]
    public async Task The_back_button_shows_the_open_payment_and_never_starts_another()
    {
        await using var context = await house.Open();
        var order = await house.Server.Place();
        var page = await context.NewPageAsync();
        await page.GotoAsync(house.Server.Links.Checkout(order));
        await BrowserHouse.PressPay(page);
        await page.GoBackAsync();
        // Whatever page it is: it leads to the same link.
        await page.GetByRole(AriaRole.Link, new() { Name = Texts.ContinuePayment }).ClickAsync();
        await BrowserHouse.Arrives(page, PageHouse.PayPage, house.Server.Url + "/pay/");
        (await house.Server.Do(order.Id, new OrderCommand.Look(1))).Payments.Length.ShouldBe(1);
    }

    [Fact]
    public async Task A_checkout_that_was_left_open_follows_the_payment()
    {
        await using var context = await house.Open();
        var order = await house.Server.Place();
        var (one, two) = (await context.NewPageAsync(), await context.NewPageAsync());
        await one.GotoAsync(house.Server.Links.Checkout(order));
        await BrowserHouse.PressPay(one);
        await two.GotoAsync(house.Server.Links.Checkout(order));
        await two.GetByRole(AriaRole.Link, new() { Name = Texts.ContinuePayment }).WaitForAsync();
        await Money(order.Id);
        await BrowserHouse.Arrives(two, house.Server.Url + "/pay/");
        await BrowserHouse.Shows(two, "paid");
    }

    [Fact]
    public async Task A_double_click_posts_once()
    {
        await using var context = await house.Open();
        var order = await house.Server.Place();
        var page = await context.NewPageAsync();
        var posts = 0;
        page.Request += (_, request) => posts += request.Method == "POST" ? 1 : 0;
        await page.GotoAsync(house.Server.Links.Checkout(order));
        await page.Locator("#pay").DblClickAsync();
        await BrowserHouse.Arrives(page, PageHouse.PayPage);
        posts.ShouldBe(1);
        (await house.Server.Do(order.Id, new OrderCommand.Look(1))).Payments.Length.ShouldBe(1);
    }

    [Fact]
    public async Task Whoever_closed_the_tab_finds_the_payment_again_by_number_and_mail()
    {
        await using var context = await house.Open();
        var order = await house.Server.Place();
        var page = await context.NewPageAsync();
        await page.GotoAsync(house.Server.Links.Checkout(order));
        await BrowserHouse.PressPay(page);
        await page.CloseAsync();
        await Money(order.Id);

        var later = await context.NewPageAsync();
        await later.GotoAsync("/status");
        await later.GetByLabel(Texts.LookUpOrder).FillAsync(order.Id.ToString());
        await later.GetByLabel(Texts.LookUpEmail).FillAsync("asha@shop.example");
        await later.GetByRole(AriaRole.Button, new() { Name = Texts.LookUpSubmit }).ClickAsync();
        await BrowserHouse.Shows(later, "paid");
    }

    [Fact]
    public async Task Without_script_all_of_it_works()
    {
        await using var context = await house.Open(new() { JavaScriptEnabled = false });
        var order = await house.Server.Place();
        var page = await context.NewPageAsync();
        await page.GotoAsync(house.Server.Links.Checkout(order));
        await BrowserHouse.PressPay(page);
        await house.ComeBack(page, order.Id);
        await BrowserHouse.Shows(page, "pending");
        await house.Server.Hear(order, new Evidence.Processing());
        await page.GetByRole(AriaRole.Link, new() { Name = Texts.CheckNow }).ClickAsync();
        await BrowserHouse.Shows(page, "processing");
        await Money(order.Id);
        // By its own refresh, five seconds on.
        await BrowserHouse.Shows(page, "paid");
    }

    [Fact]
    public async Task With_the_keyboard_alone_it_is_paid()
    {
        await using var context = await house.Open(new() { ViewportSize = new() { Width = BrowserHouse.Desktop.Width, Height = BrowserHouse.Desktop.Height } });
        var order = await house.Server.Place();
        var page = await context.NewPageAsync();
        await page.GotoAsync(house.Server.Links.Checkout(order));
        await page.Keyboard.PressAsync("Tab");
        (await Focused(page)).ShouldBe(Texts.SkipToContent);
        await page.Keyboard.PressAsync("Enter");
        await page.Keyboard.PressAsync("Tab");
        await page.Keyboard.PressAsync("ArrowDown");
        (await page.GetByLabel("Card").IsCheckedAsync()).ShouldBeTrue();
        // The fold with the other ways is passed by, or opened.
        await page.Keyboard.PressAsync("Tab");
        (await Focused(page)).ShouldStartWith(Texts.MoreWays);
        await page.Keyboard.PressAsync("Tab");
        (await Focused(page)).ShouldStartWith("Pay ");
        await page.Keyboard.PressAsync("Enter");
        await BrowserHouse.Arrives(page, PageHouse.PayPage);
        (await house.Server.Do(order.Id, new OrderCommand.Look(1))).Payments[0].Method.ShouldBe("card");
    }

    [Fact]
    public async Task A_form_posts_itself_to_its_gateway()
    {
        await using var context = await house.Open();
        var fields = System.Collections.Immutable.ImmutableSortedDictionary<string, string>.Empty.Add("hash", "a+b/c==").Add("name", "अशा \"<&>");
        house.Server.Answers = false;
        var order = await house.Server.Open(await house.Server.Place(), new Purser.Payments.PaymentLink.Form("http://form.gateway.example:8080/pay", fields));
        house.Server.Answers = true;
        var posted = new TaskCompletionSource<string>();
        await context.RouteAsync("http://form.gateway.example:8080/**", route =>
        {
            posted.TrySetResult(Uri.UnescapeDataString(route.Request.PostData!.Replace('+', ' ')));
            return route.FulfillAsync(new() { ContentType = "text/html", Body = "<title>Gateway</title>" });
        });
        var page = await context.NewPageAsync();
        await page.GotoAsync(house.Server.Links.HandOver(order, 1), new() { WaitUntil = WaitUntilState.Commit });
        (await posted.Task.WaitAsync(TimeSpan.FromSeconds(15))).ShouldBe("hash=a+b/c==&name=अशा \"<&>");
    }

    [Fact]
    public async Task A_link_that_comes_late_is_gone_to_when_it_comes()
    {
        await using var context = await house.Open();
        house.Server.Answers = false;
        var order = await house.Server.Start(await house.Server.Place());
        var page = await context.NewPageAsync();
        await page.GotoAsync(house.Server.Links.HandOver(order, 1));
        (await page.Locator("h1").TextContentAsync()).ShouldBe(Texts.Starting);
        // Not sooner: the question for the link is asked a moment after the payment is started.
        house.Server.Answers = true;
        await house.Server.Hear(order, new Evidence.LinkOpened(new Purser.Payments.PaymentLink.Redirect(PageHouse.PayPage), order.Amount) { GatewayReference = "plink_late" });
        await BrowserHouse.Arrives(page, PageHouse.PayPage);
    }

    [Fact]
    public async Task Time_left_is_counted_by_the_servers_clock()
    {
        await using var context = await house.Open();
        var order = await house.Server.Place();
        var page = await context.NewPageAsync();
        await page.AddInitScriptAsync("const real = Date; Date = class extends real { constructor(...a) { a.length ? super(...a) : super(real.now() + 3e9) } static now() { return real.now() + 3e9 } }");
        await page.GotoAsync(house.Server.Links.Checkout(order));
        await Until.True(async () => (await page.Locator(".countdown").TextContentAsync())!.StartsWith("29:", StringComparison.Ordinal), "29 minutes and some seconds");
    }

    Task<Order> Money(OrderId order) => Pay(order);

    async Task<Order> Pay(OrderId id)
    {
        var order = await house.Server.Do(id, new OrderCommand.Look(1));
        return await house.Server.Pay(order);
    }

    static Task<string> Focused(IPage page) => page.EvaluateAsync<string>("() => document.activeElement.textContent.trim()");

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
