using Microsoft.Playwright;
using Purser.Orders;
using Purser.Server.Checkout;
using Purser.Server.Tests.Checkout;

namespace Purser.Server.Tests.Browser;

public sealed class StayingLiveTests(BrowserHouse house) : IClassFixture<BrowserHouse>
{
    [Fact]
    public async Task Leaving_is_asked_about_while_money_is_on_its_way()
    {
        await using var context = await house.Open();
        var order = await EverySituation.Make(house.Server, "processing");
        var page = await context.NewPageAsync();
        await page.GotoAsync("/status");
        await page.GotoAsync(house.Server.Links.Payment(order, 1));
        await page.Locator("summary").ClickAsync();

        await page.EvaluateAsync("() => history.back()").InTime();
        await page.GetByRole(AriaRole.Dialog).GetByText(Texts.LeaveTitle).WaitForAsync();
        (await page.EvaluateAsync<string>("() => document.activeElement.textContent").InTime()).ShouldBe(Texts.Stay);
        await page.GetByRole(AriaRole.Button, new() { Name = Texts.Stay }).ClickAsync();
        page.Url.ShouldContain($"/pay/{new PaymentId(order.Id, 1)}");

        var asked = new TaskCompletionSource<string>();
        page.Dialog += async (_, dialog) =>
        {
            asked.TrySetResult(dialog.Type);
            await dialog.DismissAsync();
        };
        await page.CloseAsync(new() { RunBeforeUnload = true }).InTime();
        (await asked.Task.InTime("the page to ask before it goes")).ShouldBe("beforeunload");

        // Paid: the door is open again.
        await house.Server.Pay(order);
        await BrowserHouse.Shows(page, "paid");
        await page.EvaluateAsync("() => history.back()").InTime();
        await BrowserHouse.Arrives(page, house.Server.Url + "/status");
    }

    [Theory]
    [InlineData("pending")]
    [InlineData("unresolved")]
    [InlineData("paid")]
    [InlineData("failed")]
    public async Task Leaving_is_not_asked_about_otherwise(string situation)
    {
        await using var context = await house.Open();
        house.Server.Answers = false;
        var order = await EverySituation.Make(house.Server, situation);
        house.Server.Answers = true;
        var page = await context.NewPageAsync();
        await page.GotoAsync("/status");
        await page.GotoAsync(EverySituation.Page(house.Server, order));
        await BrowserHouse.Shows(page, situation);
        await page.Locator("summary").ClickAsync();
        var dialogs = 0;
        page.Dialog += async (_, dialog) =>
        {
            dialogs++;
            await dialog.DismissAsync();
        };
        await page.GoBackAsync();
        page.Url.ShouldEndWith("/status");
        dialogs.ShouldBe(0);
    }

    [Fact]
    public async Task The_link_in_hand_is_copied_with_one_press()
    {
        await using var context = await house.Open(new() { Permissions = ["clipboard-read", "clipboard-write"] });
        var order = await EverySituation.Make(house.Server, "paid");
        var page = await context.NewPageAsync();
        await page.GotoAsync(house.Server.Links.Payment(order, 1));
        await page.GetByRole(AriaRole.Button, new() { Name = Texts.CopyLink }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = Texts.LinkCopied }).WaitForAsync();
        (await page.EvaluateAsync<string>("() => navigator.clipboard.readText()").InTime()).ShouldBe(page.Url);
    }

    [Fact]
    public async Task Whoever_had_the_focus_in_what_changed_is_taken_to_the_headline()
    {
        await using var context = await house.Open();
        var order = await EverySituation.Make(house.Server, "pending");
        var page = await context.NewPageAsync();
        await page.GotoAsync(house.Server.Links.Payment(order, 1));
        await page.GetByText(Texts.LiveOn).WaitForAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = Texts.ContinuePayment }).FocusAsync();
        await house.Server.Pay(order);
        await BrowserHouse.Shows(page, "paid");
        (await page.EvaluateAsync<string>("() => document.activeElement.tagName").InTime()).ShouldBe("H1");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_could_not_be_fetched_when_it_was_heard_of_is_shown_without_further_news(bool bySocket)
    {
        await using var context = await house.Open();
        var order = await EverySituation.Make(house.Server, "pending");
        var page = await context.NewPageAsync();
        if (!bySocket) await page.AddInitScriptAsync("delete window.WebSocket").InTime();
        await page.GotoAsync(house.Server.Links.Payment(order, 1));
        await page.GetByText(Texts.LiveOn).WaitForAsync();
        await page.EvaluateAsync("() => { window.notReloaded = true }").InTime();
        var asked = 0;
        await page.RouteAsync("**/part**", async route =>
        {
            switch (Interlocked.Increment(ref asked))
            {
                case 1:
                    await route.FulfillAsync(new() { Status = 503, ContentType = "text/html", Body = "<h1>Trouble</h1>" });
                    break;
                case 2:
                    await route.AbortAsync();
                    break;
                case 3:
                    // A wall on the way, as of a café's network, says so as if all were well.
                    await route.FulfillAsync(new() { ContentType = "text/html", Body = "<h1>Welcome to the café</h1>" });
                    break;
                default:
                    await route.ContinueAsync();
                    break;
            }
        }).InTime();
        await house.Server.Pay(order);
        await BrowserHouse.Shows(page, "paid");
        asked.ShouldBeGreaterThanOrEqualTo(4);
        (await page.EvaluateAsync<bool>("() => window.notReloaded").InTime()).ShouldBeTrue("the page changed where it stood");
    }
}
