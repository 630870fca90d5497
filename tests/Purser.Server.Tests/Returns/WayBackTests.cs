using System.Net;
using AngleSharp.Dom;
using AngleSharp.Html.Dom;
using AngleSharp.Html.Parser;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Purser.Orders;
using Purser.Payments;
using Purser.Server.Checkout;
using Purser.Server.Tests.Browser;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Returns;

/// <summary>Whatever a shopper does on the sandbox's page of a gateway, there is a way back to ours; and coming back is nothing to warn of.</summary>
public sealed class WayBackTests(SandboxHouse house) : IClassFixture<SandboxHouse>
{
    const int MostSteps = 4;

    public static TheoryData<string> Gateways => [.. SandboxHouse.Playable];

    [Theory]
    [MemberData(nameof(Gateways))]
    public async Task No_shopper_is_left_on_a_gateways_page(string gateway)
    {
        await Task.WhenAll(new[] { null, "paid", "declined", "paid_pending", "pending_then_failed", "paid_late" }.Select(outcome => GoAndComeBack(gateway, outcome)));
        house.Log.Lines.Where(l => l.Level >= LogLevel.Warning && l.Words.Contains($"return to {gateway}", StringComparison.Ordinal)).ShouldBeEmpty();
    }

    [Theory]
    [InlineData("razorpay")]
    [InlineData("stripe")]
    public async Task Who_leaves_their_banks_check_goes_on_on_the_same_page_and_pays_once(string gateway)
    {
        var (order, handOver) = await PlaceAndStart(gateway);
        using var browser = Browser();
        var page = await PageOf(browser, handOver);
        var left = await Choose(browser, await browser.GetAsync(page), "left_at_check");
        (await Read(left)).QuerySelector("[role=status]")!.TextContent.ShouldContain("You can pay again");
        // Coming back has the gateway asked, and what it answers is read.
        await ComeBack(browser, left, gateway);
        await Until.True(async () => (await house.Read(order.Id)).Payments[0].ClearAt is not null, "the gateway's answer");

        (await house.Read(order.Id)).Payments[0].Status.ShouldBe(PaymentStatus.Pending);
        var status = await Read(await browser.GetAsync(OnOurs(house.Server.Services.GetRequiredService<ShopperLinks>().Payment(order, 1))));
        status.QuerySelector("[data-situation]")!.GetAttribute("data-situation").ShouldBe("pending");
        var goOn = status.QuerySelectorAll<IHtmlAnchorElement>("a").Single(a => a.TextContent.Trim() == Texts.ContinuePayment).GetAttribute("href")!;
        (await PageOf(browser, goOn)).ShouldBe(page);

        await ComeBack(browser, await Choose(browser, await browser.GetAsync(page), "paid"), gateway);
        await Until.True(async () => (await house.Read(order.Id)).Status == OrderStatus.Paid, "the order to be paid");
        (await house.Read(order.Id)).Payments.ShouldHaveSingleItem().Captures.ShouldHaveSingleItem();
        Booked(gateway, order).ShouldBe(1);
    }

    [Fact]
    public async Task Who_leaves_their_banks_check_for_another_way_waits_until_no_money_can_come_of_it()
    {
        var (order, _) = await PlaceAndStart("razorpay");
        var world = house.World("razorpay");
        var link = world.Dialect.LinkByReference(new PaymentId(order.Id, 1).Reference)!;
        var attempt = world.Dialect.LeaveAtCheck(link, TimeSpan.FromDays(30))!;

        await house.Server.Engine.Submit(order.Id, new OrderCommand.CancelPayment(1), default);
        await Until.True(async () => (await house.Read(order.Id)).Payments[0].Status != PaymentStatus.Pending, "the gateway's answer");
        link.Payable.ShouldBeFalse();
        (await house.Read(order.Id)).Payments[0].Status.ShouldBe(PaymentStatus.Processing);
        await house.Start("stripe", order.Id);
        (await house.Read(order.Id)).Payments.Length.ShouldBe(1);

        world.Dialect.Finish(link, attempt, captured: false);
        await house.RingAlarm(order.Id);
        await Until.True(async () => (await house.Read(order.Id)).Payments[0].Status == PaymentStatus.Cancelled, "the link's end");
        // That the link is closed says nothing of its tries; only who asks once more knows.
        await house.RingAlarm(order.Id);
        await Until.True(async () => !(await house.Read(order.Id)).Payments[0].HasMoneyUnderWay, "the gateway's word that nothing is under way");
        await house.Start("stripe", order.Id);
        (await house.Read(order.Id)).Payments.Length.ShouldBe(2);
        Booked("razorpay", order).ShouldBe(0);
    }

    Uri OnOurs(string path) => new(new Uri(house.Url), path);

    int Booked(string gateway, Order order) => house.World(gateway).Book.Movements.Count(m => m.Reference == new PaymentId(order.Id, 1).Reference);

    async Task<(Order Order, string HandOver)> PlaceAndStart(string gateway)
    {
        var order = await house.Place(SandboxHouse.CurrencyOf(SandboxHouse.Adapters[gateway].Profile));
        var handOver = await house.Start(gateway, order.Id);
        await Until.True(async () => (await house.Read(order.Id)).Payments[0].Link is not null, "a link");
        return (order, handOver);
    }

    static HttpClient Browser() => new(new SocketsHttpHandler { UseProxy = false, CookieContainer = new CookieContainer() });

    /// <summary>Where our page leads on to by itself.</summary>
    async Task<string> PageOf(HttpClient browser, string handOver)
    {
        using var answer = await browser.GetAsync(OnOurs(handOver));
        return answer.Headers.GetValues("Refresh").Single().Split("url=")[1];
    }

    static async Task<HttpResponseMessage> Choose(HttpClient browser, HttpResponseMessage answer, string outcome)
    {
        var choice = (await Read(answer)).QuerySelectorAll<IHtmlButtonElement>("button[name=outcome]").Single(b => b.Value == outcome);
        return await Submit(browser, answer, choice.Closest("form")!, (choice.Name!, choice.Value));
    }

    /// <param name="outcome">What is chosen on the page; null when the shopper only looks at it.</param>
    async Task GoAndComeBack(string gateway, string? outcome)
    {
        var (order, _) = await PlaceAndStart(gateway);
        using var browser = Browser();
        var answer = (await house.Read(order.Id)).Payments[0].Link switch
        {
            PaymentLink.Form form => await browser.PostAsync(form.Url, new FormUrlEncodedContent(form.Fields)),
            PaymentLink.Redirect link => await browser.GetAsync(link.Url),
            _ => throw new InvalidOperationException("No link."),
        };
        if (outcome is not null) answer = await Choose(browser, answer, outcome);
        await ComeBack(browser, answer, $"{gateway} after {outcome ?? "nothing"}");
    }

    async Task ComeBack(HttpClient browser, HttpResponseMessage answer, string when)
    {
        for (var step = 0; !answer.RequestMessage!.RequestUri!.AbsoluteUri.StartsWith(house.Url, StringComparison.Ordinal); step++)
        {
            step.ShouldBeLessThan(MostSteps, when);
            answer = await GoOn(browser, answer, $"{when} has no way back");
        }
        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        answer.RequestMessage.RequestUri.AbsolutePath.ShouldStartWith("/pay/");
    }

    static async Task<HttpResponseMessage> GoOn(HttpClient browser, HttpResponseMessage answer, string otherwise)
    {
        var page = await Read(answer);
        var back = page.QuerySelectorAll("a, button").LastOrDefault(e => e.TextContent is "Back to the shop" or "Cancel and go back" or "Continue").ShouldNotBeNull(otherwise);
        return back is IHtmlAnchorElement ? await browser.GetAsync(back.GetAttribute("href"))
            : await Submit(browser, answer, back.Closest("form")!, back is IHtmlButtonElement { Name: { Length: > 0 } name, Value: var value } ? (name, value) : null);
    }

    static Task<HttpResponseMessage> Submit(HttpClient browser, HttpResponseMessage from, IElement form, (string Name, string Value)? button)
    {
        var fields = form.QuerySelectorAll<IHtmlInputElement>("input[type=hidden]").Select(i => KeyValuePair.Create(i.Name!, i.Value));
        if (button is { } pressed) fields = fields.Append(KeyValuePair.Create(pressed.Name, pressed.Value));
        return browser.PostAsync(new Uri(from.RequestMessage!.RequestUri!, form.GetAttribute("action")), new FormUrlEncodedContent(fields));
    }

    static async Task<IHtmlDocument> Read(HttpResponseMessage answer) => new HtmlParser().ParseDocument(await answer.Content.ReadAsStringAsync());
}
