using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Purser.Gateways.Tests.Outside;

/// <summary>The sandbox as anybody starts it, alone: the lines of its guide, run against the built program.</summary>
public sealed partial class SandboxProgramTests : IAsyncLifetime
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    readonly System.Collections.Concurrent.ConcurrentQueue<Heard> heard = new();
    Process program = null!;
    WebApplication shop = null!;
    JsonNode addresses = null!;

    public async Task InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        shop = builder.Build();
        shop.Run(async context =>
        {
            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body);
            heard.Enqueue(new(body.ToArray(), context.Request.Headers.ToDictionary(h => h.Key, h => h.Value.ToString(), StringComparer.OrdinalIgnoreCase)));
        });
        await shop.StartAsync();
        program = Process.Start(new ProcessStartInfo("dotnet",
            [Path.Combine(AppContext.BaseDirectory, "purser-sandbox.dll"), "--control-port", "0", "--dynamic-ports", "--speed", "60", "--seed", "7"])
        {
            RedirectStandardOutput = true,
        })!;
        using var patience = new CancellationTokenSource(Patience);
        addresses = JsonNode.Parse((await program.StandardOutput.ReadLineAsync(patience.Token))!)!;
    }

    public async Task DisposeAsync()
    {
        program.Kill(entireProcessTree: true);
        await program.WaitForExitAsync();
        program.Dispose();
        await shop.DisposeAsync();
    }

    [Fact]
    public async Task Every_line_of_the_guide_works_on_the_built_program_and_the_shop_hears_of_the_money()
    {
        var page = await File.ReadAllTextAsync(Path.Combine(Path.GetDirectoryName(Here())!, "../../../docs/sandbox.md"));
        var lines = Shell().Matches(page).Select(m => m.Groups[1].Value).ShouldHaveSingleItem();
        lines.ShouldContain("curl");
        var here = lines.Replace("http://127.0.0.1:7400", addresses["control"]!.ToString()).Replace("http://127.0.0.1:7411", addresses["gateways"]!["razorpay"]!.ToString())
            .Replace("http://127.0.0.1:8080", shop.Urls.First());
        here.ShouldNotMatch(":(7400|7411|8080)/");
        // As beside `up`, whose address must be there again in the end.
        using var http = new HttpClient();
        var endpoint = $"{addresses["control"]}/control/razorpay/webhook_endpoint";
        using var ours = new StringContent("""{"url":"http://127.0.0.1:9/of-up","secrets":["of-up"]}""");
        (await http.PutAsync(endpoint, ours)).EnsureSuccessStatusCode();
        using var bash = Process.Start(new ProcessStartInfo("bash", ["-euo", "pipefail", "-c", here]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var said = bash.StandardOutput.ReadToEndAsync();
        var complaint = await bash.StandardError.ReadToEndAsync();
        using var patience = new CancellationTokenSource(Patience);
        await bash.WaitForExitAsync(patience.Token);
        bash.ExitCode.ShouldBe(0, complaint);
        var told = await said;
        told.ShouldContain("\"captured\":49900");
        told.ShouldContain("\"call\":\"create_link\"");
        told.ShouldNotContain("rzp_secret_sandbox_0123456789");
        (await http.GetStringAsync(endpoint)).ShouldSatisfyAllConditions(e => e.ShouldContain("http://127.0.0.1:9/of-up"), e => e.ShouldContain("[\"of-up\"]"));
        await World.Until(() => heard.Any(h => h.Text.Contains("payment_link.paid", StringComparison.Ordinal)));
        var paid = heard.First(h => h.Text.Contains("payment_link.paid", StringComparison.Ordinal));
        paid.Headers["X-Razorpay-Signature"].ShouldBe(HexSignature.HmacSha256("my-secret", paid.Body));
    }

    [Fact]
    public async Task A_second_one_on_the_same_port_says_whose_it_may_be_and_how_to_start_beside_it()
    {
        using var second = Process.Start(new ProcessStartInfo("dotnet",
            [Path.Combine(AppContext.BaseDirectory, "purser-sandbox.dll"), "--control-port", $"{new Uri(addresses["control"]!.ToString()).Port}", "--dynamic-ports"])
        {
            RedirectStandardError = true,
        })!;
        using var patience = new CancellationTokenSource(Patience);
        var complaint = await second.StandardError.ReadToEndAsync(patience.Token);
        await second.WaitForExitAsync(patience.Token);
        second.ExitCode.ShouldBe(1);
        complaint.ShouldSatisfyAllConditions(c => c.ShouldContain("./purser up has one of its own"), c => c.ShouldContain("--control-port 0 --dynamic-ports"));
    }

    [Fact]
    public void The_guide_speaks_of_every_fault_outcome_and_path()
    {
        var page = File.ReadAllText(Path.Combine(Path.GetDirectoryName(Here())!, "../../../docs/sandbox.md"));
        foreach (var word in Purser.Sandbox.FaultPlan.CallFaults.Except(["malformed_html", "empty"]).Concat(Purser.Sandbox.FaultPlan.WebhookFaults)
            .Concat(Purser.Sandbox.FaultPlan.Variants).Concat(Purser.Sandbox.FaultPlan.Calls).Where(w => w is not "webhook"))
            page.ShouldContain($"`{word}`");
        foreach (var outcome in Purser.Sandbox.Shopper.Outcomes) page.ShouldContain(outcome);
    }

    [GeneratedRegex("```sh\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Shell();

    static string Here([CallerFilePath] string path = "") => path;
}
