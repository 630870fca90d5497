using System.Collections.Concurrent;
using System.Text.RegularExpressions;
using Microsoft.Playwright;
using Purser.Orders;
using Purser.Server.Tests.Checkout;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Browser;

/// <summary>A Chromium, a server, and a gateway's page that exists only in the browser. <c>PURSER_CHROMIUM</c> says where the browser is.</summary>
public class BrowserHouse : IAsyncLifetime
{
    const string Chromium = "/usr/bin/chromium";

    public static readonly (string Name, int Width, int Height) Phone = ("phone", 390, 844), Desktop = ("desktop", 1280, 800);

    /// <summary>For all that is waited for on a page, in milliseconds. Nothing takes so long on a machine that is not in trouble.</summary>
    const float Longest = 60_000;

    static readonly Lazy<Task<string>> Axe = new(InstallAxe);
    IPlaywright playwright = null!;
    IBrowser browser = null!;

    static BrowserHouse() => Assertions.SetDefaultExpectTimeout(Longest);

    public BrowserHouse()
        : this(isOnTwoNodes: false)
    {
    }

    protected BrowserHouse(bool isOnTwoNodes) => Server = new()
    {
        Also = new Dictionary<string, string?> { ["Mail:Mailbox"] = "true", ["Mail:TimeZone"] = "Asia/Kolkata" },
        IsOnTwoNodes = isOnTwoNodes,
    };

    public PageHouse Server { get; }

    public async Task InitializeAsync()
    {
        await Server.InitializeAsync();
        Server.Answers = true;
        playwright = await Playwright.CreateAsync().InTime();
        browser = await playwright.Chromium.LaunchAsync(new()
        {
            Timeout = (float)Patience.Longest.TotalMilliseconds,
            ExecutablePath = Environment.GetEnvironmentVariable("PURSER_CHROMIUM") ?? Chromium,
            Args =
            [
                "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
                "--disable-sync",
            ],
        });
    }

    public async Task DisposeAsync()
    {
        await browser.DisposeAsync().AsTask().InTime();
        playwright.Dispose();
        await Server.DisposeAsync();
    }

    /// <summary>A browser of its own: nothing of another test is in it. The gateway's page answers within it.</summary>
    public async Task<IBrowserContext> Open(BrowserNewContextOptions? options = null)
    {
        options ??= new();
        options.BaseURL ??= Server.Url;
        options.ViewportSize ??= new() { Width = Phone.Width, Height = Phone.Height };
        // Without a graphics card each picture of what turns while a page waits is painted by the processor that the other tests need.
        options.ReducedMotion ??= ReducedMotion.Reduce;
        var context = PatientContext.Of(await browser.NewContextAsync(options).InTime());
        context.SetDefaultTimeout(Longest);
        await context.RouteAsync("https://gateway.example/**", route => route.FulfillAsync(new()
        {
            ContentType = "text/html",
            Body = "<!DOCTYPE html><title>Gateway</title><h1>The gateway's page</h1>",
        }));
        return context;
    }

    /// <summary>From the checkout to the gateway's page, by the one button.</summary>
    public static async Task PressPay(IPage page)
    {
        await page.GetByRole(AriaRole.Button, new() { NameRegex = new("^Pay ") }).ClickAsync();
        await Arrives(page, PageHouse.PayPage);
    }

    /// <summary>The browser has come to an address that begins so. Asked of the browser again and again, for its news of an address may come between one look
    /// at it and the beginning of a wait.</summary>
    public static Task Arrives(IPage page, params IEnumerable<string> beginnings) =>
        Assertions.Expect(page).ToHaveURLAsync(new Regex($"^({string.Join('|', beginnings.Select(Regex.Escape))})"), new() { Timeout = Longest });

    /// <summary>The gateway's page sends the browser back.</summary>
    public async Task ComeBack(IPage page, OrderId order, int payment = 1)
    {
        var now = await Server.Do(order, new OrderCommand.Look(payment));
        await page.GotoAsync(now.Payment(payment)!.ReturnUrl);
    }

    /// <summary>The page has come to this situation, by itself.</summary>
    public static Task Shows(IPage page, string situation, float milliseconds = Longest) =>
        page.WaitForSelectorAsync($"[data-situation={situation}]", new() { Timeout = milliseconds });

    /// <summary>What the page's sockets are told from now on.</summary>
    public static ConcurrentQueue<string> Told(IPage page)
    {
        var told = new ConcurrentQueue<string>();
        page.WebSocket += (_, socket) => socket.FrameReceived += (_, frame) => told.Enqueue(frame.Text ?? "");
        return told;
    }

    /// <summary>What axe-core, with every rule of WCAG up to 2.2 AA and its best practices, finds wrong with the page.</summary>
    public static async Task<IReadOnlyList<string>> Faults(IPage page)
    {
        // Evaluated by the debugger's door: the page's own policy lets no foreign script in, as it should. Once for each document, for it is large.
        if (!await page.EvaluateAsync<bool>("() => 'axe' in window").InTime()) await page.EvaluateAsync(await Axe.Value).InTime();
        return await page.EvaluateAsync<string[]>("""
            async () => (await axe.run({ resultTypes: ['violations'] })).violations.flatMap(v => v.nodes.map(n => `${v.id}: ${v.help}: ${n.target} ${n.failureSummary}`))
            """).InTime();
    }

    static async Task<string> InstallAxe() =>
        await File.ReadAllTextAsync(Path.Combine(await NpmFolder.Installed, "node_modules", "axe-core", "axe.min.js"));
}
