using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Purser.Payments;

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
        page.AppendLine().AppendLine("A payment can be restricted to the methods in the last column. Where there are none the gateway's own page asks. What a page offers besides is paid all the")
            .AppendLine("same, and is told by its name once it is paid; it can be neither picked on our page nor routed by.");
        if (string.Join(", ", PaymentMethods.Common.Except(gateways.SelectMany(g => g.Profile.Methods)).Select(m => $"`{m}`")) is { Length: > 0 } nobodys)
            page.AppendLine($"No gateway here documents how to lead a shopper to {nobodys}, so none offers it.");
        if (gateways.All(g => g.Profile.Offers.All(o => o.Countries.IsEmpty))) page.AppendLine("No offer depends on the shopper's country, for no document says so; currencies decide.");
        page.AppendLine().AppendLine("## Verified by").AppendLine()
            .AppendLine("Every gateway keeps the same contract against a simulator that was written separately from the same documents. Beyond that its tests say what they hold")
            .AppendLine("the adapter and the simulator against: code that the gateway publishes; code of others that knows the standard and not the gateway; vectors that the")
            .AppendLine("gateway publishes or that its own code made or accepts; and the documents, with vectors that no code of the gateway has seen.").AppendLine()
            .AppendLine("| gateway | by official code | by other code | by published vector | by document | signatures shown by `purser signature` |")
            .AppendLine("|---|---|---|---|---|---|");
        foreach (var gateway in gateways)
        {
            var claims = Claims(gateway);
            page.AppendLine(string.Join(" ", "|", gateway.Profile.Title, "|", Parts(claims, By.OfficialCode), "|", Parts(claims, By.OtherCode), "|",
                Parts(claims, By.PublishedVector), "|", Parts(claims, By.Document), "|",
                gateway is IShowSignatures shows ? string.Join(", ", shows.Signatures.Select(s => s.Name)) : "-", "|"));
        }

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

    [Fact]
    public void What_the_tests_say_they_verify_can_be_so()
    {
        foreach (var gateway in new GatewayCatalog(typeof(IGateway).Assembly).Gateways)
        {
            Wrong(gateway, Claims(gateway)).ShouldBeEmpty(gateway.Profile.Title);
            // Whoever runs code of others says so.
            File.Exists(Script(gateway)).ShouldBe(Claims(gateway).Any(c => c.Package is not null), gateway.Profile.Title);
            foreach (var part in Enum.GetValues<Part>()) Claims(gateway).ShouldContain(c => c.Part == part && c.By == By.Document, $"{gateway.Profile.Title}: {part}");
        }
    }

    [Fact]
    public void A_test_that_says_too_much_is_found()
    {
        foreach (var gateway in new GatewayCatalog(typeof(IGateway).Assembly).Gateways)
        {
            Complaint(gateway, By.OfficialCode, null).ShouldContain("names no package");
            Complaint(gateway, By.OfficialCode, "left-pad").ShouldContain("is not driven");
            Complaint(gateway, By.Document, "left-pad").ShouldContain("names a package");
            if (gateway is not IShowSignatures) Complaint(gateway, By.PublishedVector, null).ShouldContain("has no signature");
        }
    }

    static string Complaint(IGateway gateway, By by, string? package) => Wrong(gateway, [new VerifiesAttribute(Part.Adapter, by, package)]).ShouldHaveSingleItem();

    /// <summary>What stands on the tests that run, and on their classes.</summary>
    static List<VerifiesAttribute> Claims(IGateway gateway) =>
    [
        .. typeof(GatewayPageTests).Assembly.GetTypes().Where(t => t.Namespace == $"{gateway.GetType().Namespace}.Tests")
            .SelectMany(t => t.GetMethods().Where(m => m.GetCustomAttributes<FactAttribute>().Any())
                .SelectMany(m => m.GetCustomAttributes<VerifiesAttribute>().Concat(t.GetCustomAttributes<VerifiesAttribute>()))),
    ];

    static IEnumerable<string> Wrong(IGateway gateway, IEnumerable<VerifiesAttribute> claims)
    {
        foreach (var claim in claims)
            if (claim.By is By.OfficialCode or By.OtherCode)
            {
                if (claim.Package is not { } package) yield return "code that names no package";
                else if (!Driven(gateway).Contains(package)) yield return $"{package} is not driven by {Path.GetFileName(Script(gateway))}";
            }
            else if (claim.Package is { } package) yield return $"a {claim.By} that names a package, {package}";
            else if (claim.By == By.PublishedVector && gateway is not IShowSignatures) yield return "a vector of a gateway that has no signature";
    }

    static string Parts(List<VerifiesAttribute> claims, By by)
    {
        var cells = claims.Where(c => c.By == by).GroupBy(c => c.Package).OrderBy(g => g.Key, StringComparer.Ordinal)
            .Select(g => (g.Key is { } package ? $"npm `{package}` {Versions.Value[package]}: " : "")
                + string.Join(", ", g.Select(c => c.Part).Distinct().Order().Select(p => p.ToString().ToLowerInvariant()))).ToList();
        return cells.Count == 0 ? "-" : string.Join("; ", cells);
    }

    static string Script(IGateway gateway) => Path.Combine(Here(), "npm", gateway.Profile.Name + ".mjs");

    static readonly Lazy<Dictionary<string, string>> Versions = new(() =>
    {
        using var manifest = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Here(), "npm", "package.json")));
        return manifest.RootElement.GetProperty("dependencies").EnumerateObject().ToDictionary(d => d.Name, d => d.Value.GetString()!);
    });

    /// <summary>The packages of npm that the gateway's own script uses.</summary>
    static List<string> Driven(IGateway gateway) => !File.Exists(Script(gateway)) ? []
        : [.. Versions.Value.Keys.Where(name => Imported().Matches(File.ReadAllText(Script(gateway)))
            .Any(m => m.Groups[1].Value == name || m.Groups[1].Value.StartsWith(name + "/", StringComparison.Ordinal)))];

    static string Here([CallerFilePath] string here = "") => Path.GetDirectoryName(here)!;

    [GeneratedRegex("""(?:from|require\()\s*['"]([^'"]+)['"]""")]
    private static partial Regex Imported();
}
