using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Purser.Gateways.Tests;

/// <summary>docs/gateways.md is made of the profiles and of the tests that there are; with PURSER_UPDATE=1 this writes it.</summary>
public sealed partial class GatewayPageTests
{
    static readonly string Root = Path.GetFullPath(Path.Combine(Here(), "..", ".."));

    [Fact]
    public void The_page_of_gateways_says_what_the_profiles_and_the_tests_say()
    {
        var gateways = new GatewayCatalog(typeof(IGateway).Assembly).Gateways.OrderBy(g => g.Profile.Title, StringComparer.OrdinalIgnoreCase).ToList();
        var page = new StringBuilder()
            .AppendLine("# Gateways").AppendLine()
            .AppendLine("What each gateway can do here, and by what that was verified. Made from the profiles and the tests, so it is true by construction; each gateway's")
            .AppendLine("own README says what its words mean, what is unsupported and what remains unconfirmed.").AppendLine()
            .AppendLine("## Abilities").AppendLine()
            .AppendLine("| gateway | link | webhook | closes links | refunds | settlement | currencies | methods |")
            .AppendLine("|---|---|---|---|---|---|---|---|");
        foreach (var gateway in gateways)
        {
            var p = gateway.Profile;
            page.AppendLine(string.Join(" ", "|", $"[{p.Title}](../gateways/{Folder(gateway)}/README.md)", "|", p.LinkIsForm ? "a form, no call" : "by call", "|", p.Webhooks switch
            {
                WebhookTrust.Proof => "proves the money",
                WebhookTrust.Trigger => "leads to an inquiry",
                _ => "none",
            }, "|", gateway is ICancelLinks ? "yes" : "-", "|", gateway is IRefundMoney ? p.RefundsOnce ? "one for each payment" : "yes" : "-", "|",
                (gateway is ISettleByFile, gateway is ISettleByCall) switch { (true, true) => "file, API", (true, _) => "file", (_, true) => "API", _ => "-" }, "|",
                p.Currencies.Count is > 0 and <= 3 ? string.Join(", ", p.Currencies.Order(StringComparer.Ordinal)) : $"{p.Currencies.Count}", "|",
                string.Join(", ", p.Methods), "|"));
        }
        page.AppendLine().AppendLine("## Verified by").AppendLine()
            .AppendLine("Every gateway keeps the same contract against a simulator that was written separately from the same documents.").AppendLine()
            .AppendLine("| gateway | code that others wrote | signature vectors | signatures shown by `purser signature` |").AppendLine("|---|---|---|---|");
        foreach (var gateway in gateways)
            page.AppendLine(string.Join(" ", "|", gateway.Profile.Title, "|", Official(gateway) ?? "-", "|", Vectors(gateway), "|",
                gateway is IShowSignatures shows ? string.Join(", ", shows.Signatures.Select(s => s.Name)) : "-", "|"));

        var path = Path.Combine(Root, "docs", "gateways.md");
        var printed = page.ToString().ReplaceLineEndings("\n");
        if (Environment.GetEnvironmentVariable("PURSER_UPDATE") == "1") File.WriteAllText(path, printed);
        File.ReadAllText(path).ReplaceLineEndings("\n").ShouldBe(printed, "Run the test with PURSER_UPDATE=1 if the change is meant.");
    }

    [Fact]
    public void Every_gateway_has_a_simulator_a_contract_test_and_a_page_of_its_own()
    {
        foreach (var gateway in new GatewayCatalog(typeof(IGateway).Assembly).Gateways)
        {
            var folder = Path.Combine(Root, "gateways", Folder(gateway));
            File.Exists(Path.Combine(folder, "README.md")).ShouldBeTrue(folder);
            typeof(Sandbox.IGatewayDialect).Assembly.GetTypes().Where(t => t is { IsAbstract: false } && t.IsAssignableTo(typeof(Sandbox.IGatewayDialect)))
                .Select(t => ((Sandbox.IGatewayDialect)Activator.CreateInstance(t)!).Name).ShouldContain(gateway.Profile.Name);
            GetType().Assembly.GetTypes().ShouldContain(t => t.BaseType != null && t.BaseType.IsGenericType
                && t.BaseType.GetGenericTypeDefinition() == typeof(Contract.GatewayContract<>) && t.BaseType.GenericTypeArguments[0] == gateway.GetType());
        }
    }

    static string Folder(IGateway gateway) =>
        Directory.GetDirectories(Path.Combine(Root, "gateways")).Select(d => Path.GetFileName(d)!)
            .Single(d => d.Equals(gateway.Profile.Name, StringComparison.OrdinalIgnoreCase));

    /// <summary>The packages of npm that the gateway's own script drives, with their versions.</summary>
    static string? Official(IGateway gateway)
    {
        var npm = Path.Combine(Here(), "npm");
        var script = Path.Combine(npm, gateway.Profile.Name + ".mjs");
        if (!File.Exists(script)) return null;
        using var manifest = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(npm, "package.json")));
        var packages = manifest.RootElement.GetProperty("dependencies").EnumerateObject()
            .Where(d => Imported().Matches(File.ReadAllText(script)).Any(m => m.Groups[1].Value == d.Name || m.Groups[1].Value.StartsWith(d.Name + "/", StringComparison.Ordinal)))
            .Select(d => $"npm `{d.Name}` {d.Value.GetString()}").ToList();
        return packages.Count == 0 ? null : string.Join(", ", packages);
    }

    static string Vectors(IGateway gateway)
    {
        var tests = Directory.GetFiles(Path.Combine(Root, "gateways", Folder(gateway), "Tests"), "*.cs")
            .Where(f => f.EndsWith("VectorTests.cs", StringComparison.Ordinal) || File.ReadAllText(f).Contains("vector", StringComparison.OrdinalIgnoreCase))
            .Select(f => Path.GetFileName(f)!).ToList();
        return (tests.Exists(f => !f.Contains("Simulator", StringComparison.Ordinal)), tests.Exists(f => f.Contains("Simulator", StringComparison.Ordinal))) switch
        {
            (true, true) => "adapter, simulator",
            (true, _) => "adapter",
            (_, true) => "simulator",
            _ => "-",
        };
    }

    static string Here([CallerFilePath] string here = "") => Path.GetDirectoryName(here)!;

    [GeneratedRegex("""(?:from|require\()\s*['"]([^'"]+)['"]""")]
    private static partial Regex Imported();
}
