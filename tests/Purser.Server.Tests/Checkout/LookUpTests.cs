using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using AngleSharp.Html.Parser;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
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

    [Theory]
    [InlineData("order", Texts.OrderNumber)]
    [InlineData("email", Texts.LookUpEmail)]
    public async Task A_sign_that_nobody_can_see_is_refused_with_its_field_and_is_no_absent_database(string field, string label)
    {
        foreach (var asParts in new[] { false, true })
        {
            var fields = new Dictionary<string, string> { ["order"] = "A-1", ["email"] = "asha@shop.example", [field] = "\0x@shop.example" };
            using var parts = new MultipartFormDataContent();
            foreach (var (name, value) in fields) parts.Add(new StringContent(value), name);
            // The sign as it is: escaped it stays an escape.
            using var line = new StringContent(string.Join('&', fields.Select(f => $"{f.Key}={f.Value}")), Encoding.ASCII, "application/x-www-form-urlencoded");
            HttpContent form = asParts ? parts : line;
            await form.LoadIntoBufferAsync();
            using var answer = await house.Http.PostAsync("/status", form);
            answer.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
            var page = await new HtmlParser().ParseDocumentAsync(await answer.Content.ReadAsStringAsync());
            page.QuerySelector("#complaint")!.TextContent.ShouldBe(Texts.LookUpHidden(label));
            // What was right stays in its field.
            foreach (var (name, value) in fields)
                (page.QuerySelector($"input[name={name}]")!.GetAttribute("value") ?? "").ShouldBe(name == field ? "" : value);
        }
    }

    [Theory]
    [InlineData("57P01", HttpStatusCode.ServiceUnavailable)]
    [InlineData("40001", HttpStatusCode.ServiceUnavailable)]
    [InlineData("22021", HttpStatusCode.InternalServerError)]
    [InlineData("42P01", HttpStatusCode.InternalServerError)]
    public async Task Only_of_a_database_that_is_away_a_page_says_that_trying_again_helps(string state, HttpStatusCode status)
    {
        var door = house.Host.Services.GetRequiredService<ShopperDoor>();
        var http = new DefaultHttpContext { RequestServices = house.Host.Services };
        await (await door.Fault(http, new PostgresException("refused", "ERROR", "ERROR", state))).ExecuteAsync(http);
        http.Response.StatusCode.ShouldBe((int)status);
        http.Response.Headers.ContainsKey("Retry-After").ShouldBe(status == HttpStatusCode.ServiceUnavailable);
    }

    [Fact]
    public async Task A_page_whose_reading_the_database_refuses_says_that_it_is_broken()
    {
        var order = await EverySituation.Make(house, "paid");
        var database = house.Host.Services.GetRequiredService<NpgsqlDataSource>();
        await using (var hide = database.CreateCommand("alter table invoices rename to hidden_invoices")) await hide.ExecuteNonQueryAsync();
        try
        {
            var (status, page, _) = await house.Get(house.Links.Status(order));
            status.ShouldBe(HttpStatusCode.InternalServerError);
            page.QuerySelector("h1")!.TextContent.ShouldBe(Texts.Broken);
        }
        finally
        {
            await using var show = database.CreateCommand("alter table hidden_invoices rename to invoices");
            await show.ExecuteNonQueryAsync();
        }
        (await house.Get(house.Links.Status(order))).Status.ShouldBe(HttpStatusCode.OK);
    }

    static async Task<string> Words(HttpResponseMessage answer) => Regex.Replace(await answer.Content.ReadAsStringAsync(), "<input[^>]*>", "");
}
