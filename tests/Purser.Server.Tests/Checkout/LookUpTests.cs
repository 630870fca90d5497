using System.Net;
using System.Text.RegularExpressions;
using Purser.Server.Checkout;

namespace Purser.Server.Tests.Checkout;

public sealed class LookUpTests(PageHouse house) : IClassFixture<PageHouse>
{
    [Fact]
    public async Task Number_and_mail_lead_to_the_status_page_and_anything_else_to_one_and_the_same_answer()
    {
        var order = await EverySituation.Make(house, "paid");
        var found = await house.Post("/status", ("order", $" {order.Id.ToString().ToUpperInvariant()} "), ("email", " Asha@Shop.example"));
        found.StatusCode.ShouldBe(HttpStatusCode.SeeOther);
        found.Headers.Location!.ToString().ShouldBe(house.Links.Status(order));
        (await house.Get(found.Headers.Location!.ToString())).Page.QuerySelector("h1")!.TextContent.ShouldBe(Texts.Paid);

        var wrongMail = await house.Post("/status", ("order", order.Id.ToString()), ("email", "other@shop.example"));
        var wrongOrder = await house.Post("/status", ("order", "ord_0123456789abc"), ("email", "other@shop.example"));
        wrongMail.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        wrongOrder.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await Words(wrongMail)).Replace(order.Id.ToString(), "", StringComparison.Ordinal)
            .ShouldBe((await Words(wrongOrder)).Replace("ord_0123456789abc", "", StringComparison.Ordinal));

        var nameless = await house.Place(customer: new());
        (await house.Post("/status", ("order", nameless.Id.ToString()), ("email", " "))).StatusCode.ShouldBe(HttpStatusCode.BadRequest);

        // And not for ever: whoever tries many is stopped.
        HttpResponseMessage last = wrongMail;
        for (var i = 0; i < 12 && last.StatusCode != HttpStatusCode.TooManyRequests; i++)
            last = await house.Post("/status", ("order", order.Id.ToString()), ("email", $"guess{i}@shop.example"));
        last.StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);
        last.Headers.RetryAfter.ShouldNotBeNull();
    }

    static async Task<string> Words(HttpResponseMessage answer) => Regex.Replace(await answer.Content.ReadAsStringAsync(), "<input[^>]*>", "");
}
