using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Playwright;
using Npgsql;
using Purser.Orders;
using Purser.Refunds;
using Purser.Server.Checkout;
using Purser.Server.Mail;
using Purser.Server.Tests.Checkout;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Browser;

/// <summary>Mails as a reader sees them, on a phone and a desktop; and the mailbox of `purser up`.</summary>
public sealed class MailboxTests(BrowserHouse house) : IClassFixture<BrowserHouse>
{
    /// <summary>A folder, to look at every mail.</summary>
    static readonly string? Pictures = Environment.GetEnvironmentVariable("PURSER_PICTURES");

    Mailbox Box => house.Server.Host.Services.GetRequiredService<Mailbox>();

    /// <summary>What waits for how another try goes is due now.</summary>
    async Task Hurry()
    {
        await using var command = house.Server.Host.Services.GetRequiredService<NpgsqlDataSource>().CreateCommand("update deliveries set due_at = now() where state = 0");
        await command.ExecuteNonQueryAsync();
    }

    [Fact]
    public async Task Every_mail_can_be_read_by_everybody_at_any_width()
    {
        var server = house.Server;
        server.Answers = false;
        foreach (var locale in MailWords.Locales)
        {
            server.Locale = locale;
            foreach (var situation in new[] { "paid", "paid_late", "declined", "failed", "expired", "held", "late_refund", "late_asked", "paid_twice" })
            {
                var order = await EverySituation.Make(server, situation);
                if (order.Refunds.IsEmpty) continue;
                var at = TimeProvider.System.GetUtcNow();
                await server.Do(order.Id, new RefundEvidence.Succeeded(order.Amount, "ARN-74123").Learned(1, order.Refunds[0].Payment, EvidenceSource.Webhook, at, null));
            }
            await server.Pay(await server.Open(await server.Place(12_345_600, customer: new Customer("Wilhelmina-Theodora Featherstonehaugh-Cholmondeley", "long@shop.example"),
                lines: [new("Kettle of hammered copper, " + new string('m', 60), 2, 6_000_000), new("दार्जिलिंग चाय <b>&", 1, 345_600)])));
        }
        server.Locale = null;
        await Hurry();
        await Until.True(async () => await Waiting() == 0, "all mails to leave");

        await using var context = await house.Open();
        var page = await context.NewPageAsync();
        var looked = 0;
        foreach (var one in Box.Letters)
        {
            await page.SetContentAsync(one.Letter.Html);
            foreach (var (device, width, height) in new[] { BrowserHouse.Phone, BrowserHouse.Desktop, ("narrow", 320, 640) })
            {
                await page.SetViewportSizeAsync(width, height).InTime();
                // A mail has one scheme and one set of elements, whatever the width.
                if (device == BrowserHouse.Phone.Name) (await BrowserHouse.Faults(page)).ShouldBeEmpty($"{one.Letter.Subject}, {device}");
                (await page.EvaluateAsync<int>("() => document.documentElement.scrollWidth - innerWidth").InTime()).ShouldBeLessThanOrEqualTo(0, $"{one.Letter.Subject} fits its width on a {device}");
                if (Pictures is { Length: > 1 } folder) await page.ScreenshotAsync(new() { Path = Path.Combine(folder, $"mail-{one.Number}-{device}.png"), FullPage = true });
            }
            looked++;
        }
        looked.ShouldBeGreaterThan(20);

        async Task<long> Waiting()
        {
            await using var command = server.Host.Services.GetRequiredService<NpgsqlDataSource>().CreateCommand("select count(*) from deliveries where state = 0");
            return (long)(await command.ExecuteScalarAsync())!;
        }
    }

    [Fact]
    public async Task A_mail_is_opened_with_the_keyboard_and_its_link_leads_to_the_order()
    {
        var order = await EverySituation.Make(house.Server, "declined");
        await Hurry();
        await Until.True(() => Box.Letters.Any(l => l.Letter.Subject.Contains(order.Id.ToString())), "the mail");
        await using var context = await house.Open(new() { ViewportSize = new() { Width = BrowserHouse.Desktop.Width, Height = BrowserHouse.Desktop.Height } });
        var page = await context.NewPageAsync();
        await page.GotoAsync("/");
        await page.GetByRole(AriaRole.Link, new() { Name = "Mailbox" }).FocusAsync();
        await page.Keyboard.PressAsync("Enter").InTime();
        await BrowserHouse.Arrives(page, $"{house.Server.Host.Url}/mailbox");
        await page.GetByRole(AriaRole.Link, new() { NameRegex = new(order.Id.ToString()) }).FocusAsync();
        await page.Keyboard.PressAsync("Enter").InTime();
        await BrowserHouse.Arrives(page, $"{house.Server.Host.Url}/mailbox/");
        (await page.GetByRole(AriaRole.Region, new() { Name = "The mail as text" }).Last.TextContentAsync())!.ShouldContain("The payment was declined");
        var opened = await context.RunAndWaitForPageAsync(() => page.FrameLocator("iframe").GetByRole(AriaRole.Link, new() { Name = "Try again" }).ClickAsync());
        await BrowserHouse.Arrives(opened, house.Server.Url + $"/checkout/{order.Id}");
        await opened.GetByRole(AriaRole.Heading, new() { Level = 1 }).WaitForAsync();
        // Back to where everything else is, from here and from the shopper's page.
        await page.GetByRole(AriaRole.Link, new() { Name = Texts.ToStart }).ClickAsync();
        await BrowserHouse.Arrives(page, $"{house.Server.Host.Url}/");
        (await BrowserHouse.Faults(page)).ShouldBeEmpty();
        await opened.GetByRole(AriaRole.Link, new() { Name = Texts.PoweredBy }).ClickAsync();
        await BrowserHouse.Arrives(opened, $"{house.Server.Host.Url}/");
    }

    [Fact]
    public async Task The_mailbox_answers_this_machine_by_its_own_names_only()
    {
        await EverySituation.Make(house.Server, "paid");
        await Until.True(() => Box.Letters.Count > 0, "a mail");
        foreach (var path in new[] { "/mailbox", $"/mailbox/{Box.Letters[0].Number}", $"/mailbox/{Box.Letters[0].Number}/html" })
        {
            (await house.Server.Http.GetAsync(path)).StatusCode.ShouldBe(HttpStatusCode.OK, path);
            using var foreign = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { Host = "rebound.example" } };
            (await house.Server.Http.SendAsync(foreign)).StatusCode.ShouldBe(HttpStatusCode.NotFound, path);
        }
        using var html = await house.Server.Http.GetAsync($"/mailbox/{Box.Letters[0].Number}/html");
        html.Headers.GetValues("Content-Security-Policy").Single().ShouldSatisfyAllConditions(p => p.ShouldContain("default-src 'none'"), p => p.ShouldContain("sandbox"), p => p.ShouldNotContain("allow-scripts"));
        var without = new PageHouse();
        await without.InitializeAsync();
        (await without.Http.GetAsync("/mailbox")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        await without.DisposeAsync();
    }
}
