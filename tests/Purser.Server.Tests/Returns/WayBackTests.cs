using System.Net;
using AngleSharp.Dom;
using AngleSharp.Html.Dom;
using AngleSharp.Html.Parser;
using Microsoft.Extensions.Logging;
using Purser.Payments;
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

    /// <param name="outcome">What is chosen on the page; null when the shopper only looks at it.</param>
    async Task GoAndComeBack(string gateway, string? outcome)
    {
        var order = await house.Place(SandboxHouse.CurrencyOf(SandboxHouse.Adapters[gateway].Profile));
        await house.Start(gateway, order.Id);
        await Until.True(async () => (await house.Read(order.Id)).Payments[0].Link is not null, "a link");
        using var browser = new HttpClient(new SocketsHttpHandler { UseProxy = false, CookieContainer = new CookieContainer() });
        var answer = (await house.Read(order.Id)).Payments[0].Link switch
        {
            PaymentLink.Form form => await browser.PostAsync(form.Url, new FormUrlEncodedContent(form.Fields)),
            PaymentLink.Redirect link => await browser.GetAsync(link.Url),
            _ => throw new InvalidOperationException("No link."),
        };
        if (outcome is not null)
        {
            var choice = (await Read(answer)).QuerySelectorAll<IHtmlButtonElement>("button[name=outcome]").Single(b => b.Value == outcome);
            answer = await Submit(browser, answer, choice.Closest("form")!, (choice.Name!, choice.Value));
        }
        for (var step = 0; !answer.RequestMessage!.RequestUri!.AbsoluteUri.StartsWith(house.Url, StringComparison.Ordinal); step++)
        {
            step.ShouldBeLessThan(MostSteps, $"{gateway}, {outcome}");
            answer = await GoOn(browser, answer, $"{gateway} after {outcome ?? "nothing"} has no way back");
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
