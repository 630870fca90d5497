using System.Collections.Immutable;
using System.Net;
using AngleSharp.Html.Dom;
using Purser.Orders;
using Purser.Payments;
using Purser.Server.Checkout;

namespace Purser.Server.Tests.Checkout;

/// <summary>A form that begins another try each time it is posted: a shopper who may have paid does not get it again.</summary>
public sealed class FormGuardTests : IAsyncLifetime
{
    const string Account = "ccavenue";
    const string PayPage = "http://gateway.example/pay";

    static readonly TimeSpan Lag = TimeSpan.FromMinutes(2);

    readonly PageHouse house = new()
    {
        Also = new Dictionary<string, string?>
        {
            [$"Gateways:{Account}:Order"] = "3",
            [$"Gateways:{Account}:BaseUrl"] = "http://127.0.0.1:9",
            [$"Gateways:{Account}:TestMode"] = "true",
            [$"Gateways:{Account}:merchant_id"] = "424242",
            [$"Gateways:{Account}:access_code"] = "AVXX00TEST",
            [$"Gateways:{Account}:working_key"] = "0F1E2D3C4B5A69788796A5B4C3D2E1F0",
        },
    };

    public Task InitializeAsync() => house.InitializeAsync();

    public Task DisposeAsync() => house.DisposeAsync();

    [Fact]
    public async Task After_coming_back_the_form_is_kept_until_the_gateway_has_had_its_time_to_show_a_payment()
    {
        var order = await Opened();
        (await Form(order)).ShouldBeTrue("the first time at once");
        await ComeBack(order);
        (await Form(order)).ShouldBeFalse("just paid, and the list lags");
        await Inquired(order, new Evidence.LinkOpened(null, order.Amount), TimeSpan.Zero);
        (await Form(order)).ShouldBeFalse("the answer came too soon to say anything");

        var (_, page, _) = await house.Get(house.Links.Payment(order, 1));
        page.QuerySelector("[data-situation]")!.GetAttribute("data-situation").ShouldBe("asking");
        page.QuerySelector("[data-again]").ShouldNotBeNull();
        page.QuerySelector($"a[href='{house.Links.HandOver(order, 1)}']").ShouldBeNull();

        await Inquired(order, new Evidence.LinkOpened(null, order.Amount), Lag + TimeSpan.FromMinutes(1));
        var (_, again, _) = await house.Get(house.Links.Payment(order, 1));
        again.QuerySelector("[data-situation]")!.GetAttribute("data-situation").ShouldBe("pending");
        again.Body!.TextContent.ShouldNotContain(Texts.SamePage);
        (await Form(order)).ShouldBeTrue("nothing was paid");
    }

    [Fact]
    public async Task Declined_and_told_so_by_the_gateway_the_shopper_tries_again_at_once()
    {
        var order = await Opened();
        (await Form(order)).ShouldBeTrue();
        var now = TimeProvider.System.GetUtcNow();
        await ComeBack(order);
        await Inquired(order, new Evidence.Declined("no funds") { GatewayTime = now }, TimeSpan.Zero);
        var (_, page, _) = await house.Get(house.Links.Payment(order, 1));
        page.QuerySelector("[data-situation]")!.GetAttribute("data-situation").ShouldBe("declined");
        (await Form(order)).ShouldBeTrue();
    }

    [Fact]
    public async Task While_the_gateway_is_silent_there_is_no_second_form_however_often_it_is_wanted()
    {
        var order = await Opened();
        (await Form(order)).ShouldBeTrue();
        await ComeBack(order);
        for (var i = 0; i < 2; i++) (await Form(order)).ShouldBeFalse();
        // And a webhook, which proves nothing here, changes nothing.
        await house.Hear(order, new Evidence.LinkOpened(null, order.Amount));
        (await Form(order)).ShouldBeFalse();
    }

    [Fact]
    public async Task Only_a_page_that_can_be_paid_on_once_says_so()
    {
        var (_, once, _) = await house.Get(house.Links.Payment(await house.Open(await house.Place()), 1));
        once.Body!.TextContent.ShouldContain(Texts.SamePage);
        var (_, anew, _) = await house.Get(house.Links.Payment(await Opened(), 1));
        anew.Body!.TextContent.ShouldNotContain(Texts.SamePage);
    }

    async Task<Order> Opened()
    {
        var order = await house.Place();
        await house.Do(order.Id, new OrderCommand.StartPayment(Account, null));
        return await house.Hear(order, new Evidence.LinkOpened(new PaymentLink.Form(PayPage, ImmutableSortedDictionary<string, string>.Empty.Add("encRequest", "00")), order.Amount)
        {
            GatewayReference = new PaymentId(order.Id, 1).Reference,
        });
    }

    /// <summary>Whether the page on the way to the gateway has the form; else it leads back to how the payment stands.</summary>
    async Task<bool> Form(Order order)
    {
        var (status, page, answer) = await house.Get(house.Links.HandOver(order, 1));
        if (status == HttpStatusCode.SeeOther)
        {
            answer.Headers.Location!.ToString().ShouldBe(house.Links.Payment(order, 1));
            return false;
        }
        page.QuerySelectorAll("form").Cast<IHtmlFormElement>().ShouldHaveSingleItem().Action.ShouldBe(PayPage);
        return true;
    }

    async Task ComeBack(Order order)
    {
        var answer = await house.Post($"/gateways/{Account}/return?payment={new PaymentId(order.Id, 1)}&token={house.Links.TokenOf(order)}", ("encResp", "00"));
        answer.Headers.Location!.ToString().ShouldBe(house.Links.Payment(order, 1));
    }

    /// <summary>The answer to a question that was asked so long after now.</summary>
    Task<Order> Inquired(Order order, Evidence evidence, TimeSpan later) =>
        house.Do(order.Id, evidence.Learned(1, EvidenceSource.Inquiry, TimeProvider.System.GetUtcNow() + later, null));
}
