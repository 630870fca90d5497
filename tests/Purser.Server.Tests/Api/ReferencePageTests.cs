using System.Text.Json.Nodes;
using Microsoft.Playwright;
using Purser.Server.Tests.Browser;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Api;

/// <summary>The interactive reference, in a real browser.</summary>
public sealed class ReferencePageTests(BrowserHouse browsers, PostgresFixture postgres) : IClassFixture<BrowserHouse>, IClassFixture<PostgresFixture>
{
    [Fact]
    public async Task An_order_is_placed_from_the_reference_with_a_pasted_key()
    {
        await using var house = await ApiHouse.Open(await postgres.CreateDatabase());
        await using var browser = await browsers.Open(new() { BaseURL = house.Host.Url, ViewportSize = new() { Width = BrowserHouse.Desktop.Width, Height = BrowserHouse.Desktop.Height } });
        var page = await browser.NewPageAsync();
        var complaints = new List<string>();
        page.Console += (_, message) => { if (message.Type == "error") complaints.Add(message.Text); };
        page.PageError += (_, error) => complaints.Add(error);

        await page.GotoAsync("/reference");
        var place = page.Locator("#placeOrder");
        await place.GetByText("Try it").ClickAsync();
        await page.GetByLabel("API key").FillAsync(house.Secret);
        await place.GetByLabel("Example").SelectOptionAsync("amount only");
        await place.GetByRole(AriaRole.Button, new() { Name = "Send" }).ClickAsync();
        await place.Locator("pre", new() { HasText = "201" }).Filter(new() { HasText = "Invoice 88" }).WaitForAsync();
        (await house.Count("select count(*) from orders where reference = 'invoice-88'")).ShouldBe(1);

        // What may stand in an address is seen without opening anything, and the way back to the start page, too.
        var listed = page.Locator("#listOrders .parameters").First;
        await Assertions.Expect(listed).ToBeVisibleAsync();
        await Assertions.Expect(listed).ToContainTextAsync("paid_before");
        (await page.Locator("header h1 a").GetAttributeAsync("href")).ShouldBe("/");

        // Every operation of the document has its section, and is named in the contents.
        var document = JsonNode.Parse(await house.Http.GetStringAsync("/openapi.json"))!;
        var operations = document["paths"]!.AsObject().SelectMany(p => p.Value!.AsObject()).Select(o => (string)o.Value!["operationId"]!).ToList();
        (await page.Locator("#operations section").EvaluateAllAsync<string[]>("all => all.map(e => e.id)").InTime()).ShouldBe(operations, ignoreOrder: true);
        (await page.Locator("nav a").EvaluateAllAsync<string[]>("all => all.map(e => e.hash.slice(1))").InTime()).ShouldBe(operations, ignoreOrder: true);
        (await page.Locator("body").EvaluateAsync<string>("e => e.textContent").InTime()).ShouldNotContain("`");
        using var icon = await house.Http.GetAsync(new Uri("/favicon.ico", UriKind.Relative));
        icon.Content.Headers.ContentType!.MediaType.ShouldBe("image/svg+xml");
        complaints.ShouldBeEmpty();
        (await BrowserHouse.Faults(page)).ShouldBeEmpty();
    }
}
