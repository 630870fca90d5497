using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Runtime.CompilerServices;
using System.Text;
using Microsoft.Playwright;
using Purser.Gateways;
using Purser.Sandbox;
using Purser.Server.Laboratory;

namespace Purser.Server.Tests.Browser;

/// <summary>The pages of those who integrate: the sandbox's control pages and the signature laboratory, with axe-core and with the keyboard alone.</summary>
public sealed class SandboxAndLaboratoryTests(BrowserHouse house) : IClassFixture<BrowserHouse>, IAsyncLifetime
{
    const string Body = """{"event":"payment_link.paid","payload":{"payment_link":{"entity":{"id":"plink_1","amount":49900}}}}""";

    /// <summary>Set to 1 to take the pictures of docs/pictures anew; to a folder, to look at every page.</summary>
    static readonly string? Pictures = Environment.GetEnvironmentVariable("PURSER_PICTURES");

    Sandbox.Sandbox sandbox = null!;
    HttpClient control = null!;

    public async Task InitializeAsync()
    {
        sandbox = await Sandbox.Sandbox.Start(new SandboxOptions { ControlPort = 0, DynamicPorts = true, Speed = 60, Seed = 7 });
        control = new() { BaseAddress = sandbox.ControlUrl };
        using var merchant = new HttpClient { BaseAddress = sandbox.Url("razorpay") };
        merchant.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes("rzp_test_sandbox:rzp_secret_sandbox_0123456789")));
        for (var i = 1; i <= 4; i++)
            (await merchant.PostAsJsonAsync("/v1/payment_links", new { amount = i * 14990, currency = "INR", reference_id = $"cart-100{i}" })).EnsureSuccessStatusCode();
        sandbox.World("razorpay")!.Webhooks.Register(new Uri(sandbox.ControlUrl, "/nobody"), ["my-secret"], ["payment_link.*", "order.*"]);
        await Control("payments", new { reference = "cart-1001", outcome = "paid" });
        await Control("faults/preset", new { preset = "webhooks_threefold" });
        await Control("payments", new { reference = "cart-1002", outcome = "paid" });
        await Control("faults", new { call = "create_link", fault = "timeout_after", after = 2 });
    }

    public async Task DisposeAsync()
    {
        control.Dispose();
        await sandbox.DisposeAsync();
    }

    [Theory]
    [InlineData("phone", ColorScheme.Light)]
    [InlineData("desktop", ColorScheme.Dark)]
    public async Task Axe_finds_nothing_wrong_with_the_control_pages_and_nothing_is_cut_off(string device, ColorScheme scheme)
    {
        var world = sandbox.World("razorpay")!;
        var (page, context) = await Open(device, scheme, sandbox.ControlUrl.ToString());
        await using var closing = context;
        foreach (var (name, address) in sandbox.Worlds.Select(w => (w.Dialect.Name, $"/gateways/{w.Dialect.Name}")).Append(("index", "/")).Append(("nothing", "/nothing"))
            .Append(("request", $"/gateways/razorpay/requests/{world.Calls.Last}")).Append(("webhook", $"/gateways/razorpay/webhooks/{world.Webhooks.Events.Last().Id}")))
        {
            await page.GotoAsync(address);
            await page.EvaluateAsync("() => document.querySelectorAll('details').forEach(d => { d.open = true; })").InTime();
            await Looks(page, $"sandbox-{name}-{device}-{scheme}");
        }
        await page.GotoAsync("/gateways/razorpay");
        await page.ClickAsync("text=Add a rule");
        await page.FillAsync("#status", "200");
        await page.SelectOptionAsync("#fault", "error_500");
        await page.ClickAsync("text=Add the rule");
        await page.WaitForSelectorAsync("#status[aria-invalid=true]");
        (await page.InputValueAsync("#fault")).ShouldBe("error_500");
        await Looks(page, $"sandbox-refused-{device}-{scheme}");
    }

    [Fact]
    public async Task With_the_keyboard_alone_a_preset_is_set_a_link_is_paid_and_the_page_tells_by_itself()
    {
        var (page, context) = await Open("desktop", ColorScheme.Light, sandbox.ControlUrl.ToString());
        await using var closing = context;
        await page.GotoAsync("/gateways/razorpay");
        await TabTo(page, "button[value=down]");
        await page.Keyboard.PressAsync("Enter").InTime();
        await page.WaitForSelectorAsync("text=The preset is the plan now.");
        sandbox.World("razorpay")!.Faults.Rules.ShouldBe(FaultPresets.Find("down")!.Rules);
        await TabTo(page, "[aria-label='Pay cart-1003']");
        await page.Keyboard.PressAsync("Enter").InTime();
        await page.WaitForSelectorAsync("text=Done, as if the shopper had closed the browser");
        sandbox.World("razorpay")!.Book.Movements.ShouldContain(m => m.Reference == "cart-1003");

        // What happens elsewhere comes into the page without a hand.
        await page.EvaluateAsync("() => document.activeElement.blur()").InTime();
        await Control("payments", new { reference = "cart-1004", outcome = "paid" });
        await page.WaitForSelectorAsync("#money >> text=cart-1004");
    }

    [Theory]
    [InlineData("phone", ColorScheme.Light)]
    [InlineData("desktop", ColorScheme.Dark)]
    public async Task Axe_finds_nothing_wrong_with_the_laboratory_whatever_the_gateway(string device, ColorScheme scheme)
    {
        var all = SignatureLaboratory.Gateways(new GatewayCatalog(typeof(IGateway).Assembly).Gateways);
        all.Count.ShouldBeGreaterThan(5);
        var (page, context) = await Open(device, scheme, house.Server.Url);
        await using var closing = context;
        await page.GotoAsync("/laboratory");
        await Looks(page, $"laboratory-{device}-{scheme}");
        foreach (var (name, shows) in all)
        {
            var profile = ((IGateway)shows).Profile;
            await page.SelectOptionAsync("#gateway", name);
            await page.FillAsync("#settings", string.Join('\n', profile.Settings.Select(s => $"{s.Name}={(s.Example ?? $"value-of-{s.Name}").ReplaceLineEndings("\\n")}")));
            await page.FillAsync("#message", $"POST /gateways/shop/webhook HTTP/1.1\nX-Signature: 00\n\n{Body}").InTime();
            await page.ClickAsync("text=Show the steps");
            await page.WaitForSelectorAsync(".steps");
            (await page.Locator(".steps").CountAsync().InTime()).ShouldBe(shows.Signatures.Length, name);
            await Looks(page, $"laboratory-{name}-{device}-{scheme}");
        }
    }

    [Fact]
    public async Task A_wrong_signature_marks_the_first_step_that_differs_and_the_keyboard_is_enough()
    {
        var (page, context) = await Open("desktop", ColorScheme.Light, house.Server.Url);
        await using var closing = context;
        await page.GotoAsync("/laboratory");
        await page.SelectOptionAsync("#gateway", "razorpay");
        await TabTo(page, "#settings");
        await page.Keyboard.InsertTextAsync("webhook_secret=my-secret").InTime();
        await page.Keyboard.PressAsync("Tab").InTime();
        var right = HexSignature.HmacSha256("my-secret", Encoding.UTF8.GetBytes(Body));
        await page.Keyboard.InsertTextAsync($"POST /gateways/shop/webhook HTTP/1.1\nX-Razorpay-Signature: {right[..^1]}{(right[^1] == '0' ? '1' : '0')}\n\n{Body}").InTime();
        await TabTo(page, "form .button");
        await page.Keyboard.PressAsync("Enter").InTime();
        await page.WaitForSelectorAsync(".steps");
        var marked = page.Locator("section[aria-labelledby=kind-webhook] li[data-differs=here]");
        (await marked.CountAsync().InTime()).ShouldBe(1);
        (await marked.Locator("pre").TextContentAsync()).ShouldBe(right);
        (await page.Locator("section[aria-labelledby=kind-webhook] mark").First.TextContentAsync())!.Length.ShouldBe(1);
        (await page.InputValueAsync("#settings")).ShouldBe("webhook_secret=");
        (await page.ContentAsync().InTime()).ShouldNotContain("my-secret");
    }

    [Fact]
    public async Task The_pictures_of_the_documents_can_be_taken()
    {
        var (page, context) = await Open("desktop", ColorScheme.Light, sandbox.ControlUrl.ToString());
        await using var closing = context;
        await page.GotoAsync("/gateways/razorpay");
        await Take(page, "sandbox-desktop", 1280, 1150);
        await page.GotoAsync($"{house.Server.Url}/laboratory");
        await page.SelectOptionAsync("#gateway", "razorpay");
        await page.FillAsync("#settings", "webhook_secret=my-secret").InTime();
        await page.FillAsync("#message", $"POST /gateways/shop/webhook HTTP/1.1\nX-Razorpay-Signature: {HexSignature.HmacSha256("another", Encoding.UTF8.GetBytes(Body))}\n\n{Body}").InTime();
        await page.ClickAsync("text=Show the steps");
        await page.WaitForSelectorAsync("li[data-differs=here]");
        await Take(page, "laboratory-desktop", 1280, 1500);
    }

    static async Task Take(IPage page, string name, int width, int height)
    {
        await page.SetViewportSizeAsync(width, height).InTime();
        var picture = await page.ScreenshotAsync(Pictures == "1" ? new() { Path = Path.Combine(Path.GetDirectoryName(Here())!, "../../../docs/pictures", $"{name}.png") } : new());
        picture.Length.ShouldBeInRange(10_000, 400_000, name);
    }

    static async Task Looks(IPage page, string name)
    {
        (await BrowserHouse.Faults(page)).ShouldBeEmpty(name);
        (await page.EvaluateAsync<int>("() => document.documentElement.scrollWidth - innerWidth").InTime()).ShouldBeLessThanOrEqualTo(0, $"{name} fits its width");
        var small = await page.EvaluateAsync<string[]>("""
            () => [...document.querySelectorAll('main button, main summary, main select, main textarea, main input:not([type=hidden], [type=checkbox])')]
                .filter(e => e.checkVisibility() && e.getBoundingClientRect().height < 44).map(e => e.outerHTML)
            """).InTime();
        small.ShouldBeEmpty($"{name}: targets of 44 pixels");
        if (Pictures is { Length: > 1 } folder) await page.ScreenshotAsync(new() { Path = Path.Combine(folder, $"{name}.png"), FullPage = true });
    }

    static async Task TabTo(IPage page, string selector)
    {
        for (var i = 0; i < 150; i++)
        {
            if (await page.EvaluateAsync<bool>("s => document.activeElement?.matches(s) ?? false", selector).InTime()) return;
            await page.Keyboard.PressAsync("Tab").InTime();
        }
        throw new InvalidOperationException($"The keyboard does not reach {selector}.");
    }

    async Task<(IPage Page, IBrowserContext Context)> Open(string device, ColorScheme scheme, string address)
    {
        var (_, width, height) = device == "phone" ? BrowserHouse.Phone : BrowserHouse.Desktop;
        var context = await house.Open(new() { BaseURL = address, ViewportSize = new() { Width = width, Height = height }, ColorScheme = scheme });
        return (await context.NewPageAsync(), context);
    }

    async Task Control(string what, object body)
    {
        using var answer = await control.PostAsJsonAsync($"/control/razorpay/{what}", body);
        answer.IsSuccessStatusCode.ShouldBeTrue(await answer.Content.ReadAsStringAsync());
    }

    static string Here([CallerFilePath] string path = "") => path;
}
