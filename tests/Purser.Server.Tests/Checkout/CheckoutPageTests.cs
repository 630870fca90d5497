using System.Collections.Immutable;
using System.Net;
using System.Text.RegularExpressions;
using AngleSharp.Html.Dom;
using Microsoft.Extensions.DependencyInjection;
using Purser.Orders;
using Purser.Payments;
using Purser.Refunds;
using Purser.Server.Checkout;
using Purser.Server.Gateways;
using Purser.Server.Payments;
using Purser.Server.Platform;

namespace Purser.Server.Tests.Checkout;

public sealed partial class CheckoutPageTests(PageHouse house) : IClassFixture<PageHouse>
{
    const int MostBytes = 50_000;

    [Fact]
    public async Task It_shows_what_is_bought_what_it_costs_how_long_there_is_and_how_to_pay()
    {
        var order = await house.Place(12_345_600, lines: [new OrderLine("Kettle", 2, 6_000_000), new OrderLine("Delivery", 1, 345_600)]);
        var (status, page, _) = await house.Get(house.Links.Checkout(order));
        status.ShouldBe(HttpStatusCode.OK);
        page.QuerySelector(".amount")!.TextContent.ShouldBe("₹1,23,456.00 INR");
        page.QuerySelectorAll(".lines li").Select(li => li.QuerySelector(".sum")!.TextContent).ShouldBe(["₹1,20,000.00", "₹3,456.00"]);
        page.QuerySelector(".lines small")!.TextContent.ShouldBe("2 × ₹60,000.00");
        int.Parse(page.QuerySelector("[data-left]")!.GetAttribute("data-left")!).ShouldBeInRange(1700, 1800);
        page.QuerySelectorAll("input[name=way]").Cast<IHtmlInputElement>().Select(i => i.Value)
            .ShouldBe(Offered(order.Amount));
        page.QuerySelectorAll("input[name=way]").Cast<IHtmlInputElement>().Count(i => i.IsChecked).ShouldBe(1);
        page.QuerySelectorAll("main button").ShouldHaveSingleItem().TextContent.ShouldBe("Pay ₹1,23,456.00 INR");
    }

    [Fact]
    public async Task Only_accounts_that_take_the_currency_and_the_amount_are_offered()
    {
        var (_, page, _) = await house.Get(house.Links.Checkout(await house.Place(500, "XOF")));
        var offered = page.QuerySelectorAll("input[name=way]").Cast<IHtmlInputElement>().Select(i => i.Value).ToList();
        var accounts = house.Host.Services.GetRequiredService<GatewayAccounts>();
        offered.ShouldBe(accounts.For(new Money(500, Currency.Find("XOF"))).SelectMany(e => e.Gateway.Profile.Methods).Distinct());
        page.QuerySelector("form")!.TextContent.ShouldNotContain("Stripe", Case.Insensitive, "how to pay is a shopper's word, not a gateway's");
        var order = await house.Place(500, "XOF");
        var forged = await house.Post($"/checkout/{order.Id}", ("token", Token(house.Links.Checkout(order))), ("way", "shells"));
        forged.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await forged.Content.ReadAsStringAsync()).ShouldContain(Texts.ChooseOne);
    }

    [Fact]
    public async Task Pay_starts_one_payment_however_often_it_is_pressed_and_from_however_many_tabs()
    {
        var order = await house.Place();
        var ways = new[] { "card", "netbanking", "upi" };
        var answers = Task.WhenAll(Enumerable.Range(0, 12).Select(i =>
            house.Post($"/checkout/{order.Id}", ("token", Token(house.Links.Checkout(order))), ("way", ways[i % 3]))));
        foreach (var answer in await answers)
        {
            answer.StatusCode.ShouldBe(HttpStatusCode.SeeOther);
            answer.Headers.Location!.ToString().ShouldStartWith($"/pay/{new PaymentId(order.Id, 1)}");
        }
        (await house.Do(order.Id, new OrderCommand.Look(1))).Payments.Length.ShouldBe(1);
    }

    [Fact]
    public async Task The_hand_over_waits_for_the_link_and_then_goes_there_without_script()
    {
        var order = await house.Start(await house.Place());
        var (waiting, page, first) = await house.Get(house.Links.HandOver(order, 1));
        waiting.ShouldBe(HttpStatusCode.OK);
        first.Headers.Contains("Refresh").ShouldBeFalse();
        page.QuerySelector("noscript meta")!.GetAttribute("content").ShouldBe("2");
        page.QuerySelector("[data-reload]")!.GetAttribute("data-live").ShouldBe($"/v1/orders/{order.Id}/live");

        await house.Hear(order, new Evidence.LinkOpened(new PaymentLink.Redirect(PageHouse.PayPage), order.Amount) { GatewayReference = "plink_x" });
        var (_, ready, second) = await house.Get(house.Links.HandOver(order, 1));
        second.Headers.GetValues("Refresh").ShouldHaveSingleItem().ShouldBe($"0; url={PageHouse.PayPage}");
        ready.QuerySelector("a.button")!.GetAttribute("href").ShouldBe(PageHouse.PayPage);
    }

    [Fact]
    public async Task A_form_is_handed_over_with_all_its_fields_and_only_to_its_gateway()
    {
        var fields = ImmutableSortedDictionary<string, string>.Empty.Add("key", "k\"<>&'").Add("hash", "a+b/c==").Add("name", "अशा");
        var order = await house.Open(await house.Place(), new PaymentLink.Form("http://gateway.example:8080/pay", fields));
        var (_, page, answer) = await house.Get(house.Links.HandOver(order, 1));
        var form = page.QuerySelectorAll("form").Cast<IHtmlFormElement>().ShouldHaveSingleItem();
        form.Action.ShouldBe("http://gateway.example:8080/pay");
        form.QuerySelectorAll("input").Cast<IHtmlInputElement>().ToDictionary(i => i.Name!, i => i.Value).ShouldBe(fields, ignoreOrder: true);
        form.QuerySelector("button").ShouldNotBeNull();
        Policy(answer).ShouldContain("form-action 'self' http://gateway.example:8080");
    }

    [Theory]
    [InlineData("javascript:alert(1)")]
    [InlineData("data:text/html,x")]
    [InlineData("/relative")]
    public async Task A_link_that_is_no_page_of_the_web_is_not_followed(string link)
    {
        var order = await house.Open(await house.Place(), new PaymentLink.Redirect(link));
        var (status, _, answer) = await house.Get(house.Links.HandOver(order, 1));
        status.ShouldBe(HttpStatusCode.SeeOther);
        answer.Headers.Location!.ToString().ShouldBe(house.Links.Payment(order, 1));
    }

    [Fact]
    public async Task An_open_payment_is_gone_on_with_or_closed_but_never_doubled()
    {
        var order = await house.Open(await house.Place());
        var (_, page, _) = await house.Get(house.Links.Checkout(order));
        page.QuerySelectorAll("input[name=way]").ShouldBeEmpty();
        page.QuerySelector("a.button")!.GetAttribute("href").ShouldBe(house.Links.Payment(order, 1));
        var cancel = page.QuerySelector("form")!.GetAttribute("action")!;
        var closing = house.Post(cancel, ("token", Token(house.Links.Checkout(order))));
        await house.Hear(order, new Evidence.LinkCancelled());
        (await closing).Headers.Location!.ToString().ShouldBe(house.Links.Checkout(order));
        var (_, again, _) = await house.Get(house.Links.Checkout(order));
        again.QuerySelectorAll("input[name=way]").Length.ShouldBe(Offered(order.Amount).Length);
        again.QuerySelector(".note")!.TextContent.ShouldContain(Texts.CancelledTry);
    }

    [Theory]
    [InlineData("paid")]
    [InlineData("expired")]
    [InlineData("cancelled")]
    [InlineData("held")]
    [InlineData("closing")]
    public async Task An_order_that_cannot_be_paid_shows_how_it_stands_instead(string name)
    {
        var order = await EverySituation.Make(house, name);
        (await house.Get(house.Links.Checkout(order))).Answer.Headers.Location!.ToString().ShouldBe(house.Links.Payment(order, 1));
        (await house.Get(house.Links.HandOver(order, 1))).Answer.Headers.Location!.ToString().ShouldBe(house.Links.Payment(order, 1));
        var pressed = await house.Post($"/checkout/{order.Id}", ("token", Token(house.Links.Checkout(order))), ("way", "card"));
        pressed.StatusCode.ShouldBe(HttpStatusCode.SeeOther);
        pressed.Headers.Location!.ToString().ShouldBe(house.Links.Payment(order, 1));
    }

    [Fact]
    public async Task What_a_stranger_wrote_stays_text()
    {
        const string hostile = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)> {{7*7}} ‮";
        var order = await house.Place(description: hostile, returnUrl: "javascript:alert(3)", lines: [new OrderLine(hostile, 3, 100)]);
        await house.Hear(await house.Open(order), new Evidence.Declined(hostile));
        foreach (var address in new[] { house.Links.Checkout(order), house.Links.Payment(order, 1), house.Links.Status(order), house.Links.HandOver(order, 1) })
        {
            var (status, page, _) = await house.Get(address);
            status.ShouldBe(HttpStatusCode.OK);
            page.QuerySelectorAll("script:not([src])").ShouldBeEmpty();
            page.QuerySelectorAll("img").ShouldBeEmpty();
            page.QuerySelectorAll("a[href^='javascript']").ShouldBeEmpty();
        }
        (await house.Get(house.Links.Checkout(order))).Page.QuerySelector(".lines .what")!.TextContent.ShouldContain("<script>alert(1)</script>");
        var looked = await house.Post("/status", ("order", hostile), ("email", "\"><script>x</script>@shop.example"));
        (await looked.Content.ReadAsStringAsync()).ShouldNotContain("<script>x");
    }

    [Fact]
    public async Task Every_page_is_light_and_allows_nothing_but_our_own_files()
    {
        var many = await house.Place(10_000_000, lines: [.. Enumerable.Range(0, 5_000).Select(i => new OrderLine($"Thing number {i} with a name of some length", 2, 1_000))]);
        var addresses = new List<string> { "/", "/status", "/nothing", house.Links.Checkout(many), house.Links.Status(many) };
        foreach (var name in EverySituation.Names) addresses.Add(EverySituation.Page(house, await EverySituation.Make(house, name)));
        foreach (var address in addresses)
        {
            var (_, page, answer) = await house.Get(address);
            var html = await answer.Content.ReadAsStringAsync();
            var bytes = System.Text.Encoding.UTF8.GetByteCount(html);
            foreach (var file in page.QuerySelectorAll("link[href], script[src]").Select(e => e.GetAttribute("href") ?? e.GetAttribute("src")!))
            {
                file.ShouldStartWith("/assets/");
                var own = await house.Http.GetAsync(file);
                own.Headers.CacheControl!.ToString().ShouldContain("immutable");
                bytes += (await own.Content.ReadAsByteArrayAsync()).Length;
            }
            bytes.ShouldBeLessThan(MostBytes, address);

            InlineCode().Matches(html).Select(m => m.Value).ShouldBeEmpty(address);
            Policy(answer).ShouldStartWith("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'");
            Policy(answer).ShouldNotContain("unsafe");
            answer.Headers.CacheControl!.NoStore.ShouldBeTrue();
            answer.Headers.GetValues("Referrer-Policy").ShouldHaveSingleItem().ShouldBe("strict-origin");
            answer.Headers.GetValues("X-Robots-Tag").ShouldHaveSingleItem().ShouldContain("noindex");
            answer.Content.Headers.ContentType!.ToString().ShouldBe("text/html; charset=utf-8");
        }
    }

    [Fact]
    public async Task The_start_page_places_a_demo_order_with_one_click()
    {
        var placed = await house.Post("/demo/order");
        placed.StatusCode.ShouldBe(HttpStatusCode.SeeOther);
        var (status, checkout, _) = await house.Get(placed.Headers.Location!.ToString());
        status.ShouldBe(HttpStatusCode.OK);
        checkout.QuerySelector(".amount")!.TextContent.ShouldBe("₹1,696.00 INR");
        var (_, start, _) = await house.Get("/");
        start.QuerySelectorAll(".orders a").Select(a => a.GetAttribute("href")).ShouldContain(placed.Headers.Location!.ToString());
    }

    [Fact]
    public async Task With_money_on_its_way_to_one_payment_no_other_is_to_be_paid()
    {
        var order = await house.Open(await house.Place(policy: new OrderPolicy(AllowsSecondLink: true)));
        await house.Start(order, "stripe");
        order = await house.Hear(order, new Evidence.LinkOpened(new PaymentLink.Redirect(PageHouse.PayPage), order.Amount) { GatewayReference = $"cs_{order.Id.Letters}" }, payment: 2);
        Of(order).CanBePaid.ShouldBeTrue();
        order = await house.Hear(order, new Evidence.Processing(), payment: 1);
        order.OpenPayment!.Number.ShouldBe(2);
        (Of(order).Key, Of(order).CanBePaid).ShouldBe(("processing", false));
        // Whoever kept the other link's address is shown how it stands, from wherever they come.
        (await house.Get(house.Links.HandOver(order, 2))).Answer.Headers.Location!.ToString().ShouldBe(house.Links.Payment(order, 2));
        (await house.Get(house.Links.Checkout(order))).Answer.Headers.Location!.ToString().ShouldBe(house.Links.Payment(order, 1));
        PaymentView.From(order, order.Payment(2)!, house.Host.Services.GetRequiredService<PublicAddress>(), "t", forMerchant: true).Link.ShouldBeNull();
    }

    [Fact]
    public async Task Held_money_that_went_back_holds_nobody_up_once_the_order_is_over()
    {
        var order = await house.Pay(await house.Open(await house.Place()), amount: 29_900);
        order = await house.Do(order.Id, new OrderCommand.Cancel());
        (Of(order).Key, Of(order).Safety).ShouldBe(("held", Texts.DoNotPayAgain));
        order = await house.Do(order.Id, new OrderCommand.Refund(1, null, null));
        Of(order).Key.ShouldBe("held");
        order = await house.Do(order.Id, new RefundEvidence.Succeeded(order.Refund(1)!.Amount).Learned(1, 1, EvidenceSource.Webhook, TimeProvider.System.GetUtcNow(), null));
        (Of(order).Key, Of(order).Step).ShouldBe(("cancelled", Step.Elsewhere));
    }

    static Situation Of(Order order) => Situation.Of(order, null, TimeProvider.System.GetUtcNow(), a => a, _ => false);

    [Fact]
    public async Task The_start_page_does_not_call_a_held_or_a_declined_order_one_that_waits()
    {
        async Task<Order> Demo() => await house.Place(userId: DemoOrder.UserId);
        var (waits, held, declined) = (await house.Open(await Demo()), await house.Pay(await house.Open(await Demo()), amount: 29_900), await house.Open(await Demo()));
        declined = await house.Hear(declined, new Evidence.Declined("The bank said no."));
        var (_, start, _) = await house.Get("/");
        (string Words, string? Look, string? Leads) Shown(Order order)
        {
            var row = start.QuerySelectorAll(".orders li").Single(li => li.QuerySelector("code")!.TextContent == order.Id.ToString());
            var state = row.QuerySelector(".state")!;
            return (state.TextContent, state.GetAttribute("data-state"), row.QuerySelector("a")!.GetAttribute("href"));
        }
        Shown(waits).ShouldBe(("Waiting for payment", "awaitingpayment", house.Links.Checkout(waits)));
        Shown(held).ShouldBe(("Different amount received", "held", house.Links.Status(held)));
        Shown(declined).ShouldBe(("Declined, not paid yet", "awaitingpayment", house.Links.Checkout(declined)));
    }

    [Fact]
    public async Task The_usual_ways_to_pay_are_shown_at_once_and_the_others_behind_a_fold()
    {
        var order = await house.Place();
        var (_, page, _) = await house.Get(house.Links.Checkout(order));
        var ways = Offered(order.Amount);
        ways.Length.ShouldBeGreaterThan(Way.Shown + 1, "this house offers enough of them");
        page.QuerySelectorAll("fieldset > label input").Cast<IHtmlInputElement>().Select(i => i.Value).ShouldBe(ways.Take(Way.Shown));
        page.QuerySelectorAll("details.ways input").Cast<IHtmlInputElement>().Select(i => i.Value).ShouldBe(ways.Skip(Way.Shown));
        page.QuerySelector("details.ways")!.HasAttribute("open").ShouldBeFalse();

        // What was tried last is chosen again, and then it is not hidden.
        await house.Do(order.Id, new OrderCommand.StartPayment(null, ways[^1]));
        await house.Hear(order, new Evidence.LinkRefused(1, "no"));
        var (_, again, _) = await house.Get(house.Links.Checkout(order));
        again.QuerySelector("details.ways")!.HasAttribute("open").ShouldBeTrue();
        again.QuerySelectorAll("input[name=way]").Cast<IHtmlInputElement>().Single(i => i.IsChecked).Value.ShouldBe(ways[^1]);
    }

    /// <summary>The ways to pay that some account of the house takes, in the order of the page.</summary>
    string[] Offered(Money amount) =>
    [
        .. PaymentMethods.Common.Where(method =>
            house.Host.Services.GetRequiredService<GatewayAccounts>().Routing.Accounts.Any(a => a.WhyNot(amount, null, method) is null)),
    ];

    [GeneratedRegex(@"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+\s*=\s*[""']|javascript:", RegexOptions.IgnoreCase)]
    private static partial Regex InlineCode();

    static string Policy(HttpResponseMessage answer) => answer.Headers.GetValues("Content-Security-Policy").ShouldHaveSingleItem();

    static string Token(string link) => link[(link.IndexOf("token=", StringComparison.Ordinal) + 6)..];
}
