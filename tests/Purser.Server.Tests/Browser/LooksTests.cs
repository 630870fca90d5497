using System.Runtime.CompilerServices;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Playwright;
using Purser.Server.Gateways;
using Purser.Server.Mail;
using Purser.Server.Tests.Checkout;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Browser;

/// <summary>Every page in every situation, on a phone and a desktop, in light and dark.</summary>
public sealed class LooksTests(BrowserHouse house) : IClassFixture<BrowserHouse>
{
    /// <summary>Set to 1 to take the pictures of docs/pictures anew; to a folder, to look at every page.</summary>
    static readonly string? Pictures = Environment.GetEnvironmentVariable("PURSER_PICTURES");

    [Fact]
    public async Task Axe_finds_nothing_wrong_and_nothing_is_cut_off()
    {
        await using var context = await house.Open();
        var page = await context.NewPageAsync();
        foreach (var (name, address) in await Addresses())
        {
            await page.GotoAsync(address);
            foreach (var (device, width, height) in new[] { BrowserHouse.Phone, BrowserHouse.Desktop })
            {
                await page.SetViewportSizeAsync(width, height).InTime();
                foreach (var scheme in new[] { ColorScheme.Light, ColorScheme.Dark })
                {
                    await page.EmulateMediaAsync(new() { ColorScheme = scheme }).InTime();
                    // Colours change by transitions, and what is measured is where they end.
                    await page.EvaluateAsync("() => document.getAnimations().filter(a => a instanceof CSSTransition).forEach(a => a.finish())").InTime();
                    await Looks(page, name, device, scheme);
                }
            }
        }
    }

    static async Task Looks(IPage page, string name, string device, ColorScheme scheme)
    {
        (await page.EvaluateAsync<bool>("() => matchMedia('(prefers-color-scheme: dark)').matches").InTime()).ShouldBe(scheme == ColorScheme.Dark);
        // Each device once and each scheme once: what axe looks at depends on the one or on the other.
        if (device == BrowserHouse.Phone.Name == (scheme == ColorScheme.Light)) (await BrowserHouse.Faults(page)).ShouldBeEmpty($"{name}, {device}, {scheme}");
        (await page.EvaluateAsync<int>("() => document.documentElement.scrollWidth - innerWidth").InTime()).ShouldBeLessThanOrEqualTo(0, $"{name} fits its width on a {device}");
        var small = await page.EvaluateAsync<string[]>("""
            () => [...document.querySelectorAll('main a, main button, main summary, main label.way, main input:not([type=hidden], [type=radio])')]
                .filter(e => e.checkVisibility() && getComputedStyle(e).display !== 'inline' && e.getBoundingClientRect().height < 44).map(e => e.outerHTML)
            """).InTime();
        small.ShouldBeEmpty($"{name}, {device}: targets of 44 pixels");
        if (Pictures is { Length: > 1 } folder)
            await page.ScreenshotAsync(new() { Path = Path.Combine(folder, $"{name}-{device}-{scheme.ToString().ToLowerInvariant()}.png"), FullPage = true });
    }

    [Fact]
    public async Task At_twice_the_letter_size_and_on_the_narrowest_phone_nothing_is_cut_off()
    {
        await using var context = await house.Open(new() { ViewportSize = new() { Width = 320, Height = 640 } });
        var page = await context.NewPageAsync();
        foreach (var (name, address) in await Addresses())
        {
            await page.GotoAsync(address);
            await page.EvaluateAsync("() => { document.documentElement.style.fontSize = '200%' }").InTime();
            (await page.EvaluateAsync<int>("() => document.documentElement.scrollWidth - innerWidth").InTime()).ShouldBeLessThanOrEqualTo(0, name);
        }
    }

    [Fact]
    public async Task The_pictures_of_the_readme_can_be_taken()
    {
        var checkout = (await house.Server.Post("/demo/order")).Headers.Location!.ToString();
        var paid = await EverySituation.Make(house.Server, "paid");
        foreach (var (name, address, device) in new[]
        {
            ("checkout-phone", checkout, BrowserHouse.Phone), ("status-phone", house.Server.Links.Payment(paid, 1), BrowserHouse.Phone),
            ("start-desktop", "/", BrowserHouse.Desktop),
        })
        {
            await using var context = await house.Open(new() { ViewportSize = new() { Width = device.Width, Height = device.Height }, DeviceScaleFactor = device == BrowserHouse.Phone ? 2 : 1 });
            var page = await context.NewPageAsync();
            await page.GotoAsync(address);
            var picture = await page.ScreenshotAsync(Pictures == "1" ? new() { Path = Path.Combine(Path.GetDirectoryName(Here())!, "../../../docs/pictures", $"{name}.png") } : new());
            picture.Length.ShouldBeInRange(10_000, 200_000, name);
        }
    }

    [Fact]
    public async Task A_planted_fault_is_found()
    {
        await using var context = await house.Open();
        var page = await context.NewPageAsync();
        await page.GotoAsync("/status");
        await page.EvaluateAsync("() => { document.querySelector('label span').remove(); document.querySelector('h1').style.color = '#ccc' }").InTime();
        var faults = string.Join('\n', await BrowserHouse.Faults(page));
        faults.ShouldContain("color-contrast");
        faults.ShouldContain("label");
    }

    string NobodyTakes()
    {
        var accounts = house.Server.Host.Services.GetRequiredService<GatewayAccounts>();
        return Currency.All.First(c => !accounts.For(new Money(500, c)).Any()).Code;
    }

    async Task<IReadOnlyList<(string Name, string Address)>> Addresses()
    {
        var server = house.Server;
        server.Answers = false;
        var addresses = new List<(string, string)>
        {
            ("start", "/"), ("look-up", "/status"), ("nothing", "/nothing"), ("no-token", $"/status/{(await server.Place()).Id}"),
            ("checkout", server.Links.Checkout(await server.Place(12_345_600, lines: [new("Kettle of hammered copper with a very long name indeed", 2, 6_000_000), new("Delivery", 1, 345_600)]))),
            ("checkout-open", server.Links.Checkout(await EverySituation.Make(server, "pending"))),
            ("checkout-again", server.Links.Checkout(await EverySituation.Make(server, "failed"))),
            ("checkout-no-way", server.Links.Checkout(await server.Place(500, NobodyTakes()))),
            ("hand-over", server.Links.HandOver(await EverySituation.Make(server, "starting"), 1)),
        };
        foreach (var name in EverySituation.Names)
        {
            var order = await EverySituation.Make(server, name);
            addresses.Add((name, EverySituation.Page(server, order)));
            if (name is "paid" or "pending") addresses.Add(($"{name}-own", server.Links.Status(order)));
        }
        server.Answers = true;
        var box = server.Host.Services.GetRequiredService<Mailbox>();
        await Until.True(() => box.Letters.Count > 0, "a mail");
        addresses.Add(("mailbox", "/mailbox"));
        addresses.Add(("letter", $"/mailbox/{box.Letters[0].Number}"));
        return addresses;
    }

    static string Here([CallerFilePath] string path = "") => path;
}
