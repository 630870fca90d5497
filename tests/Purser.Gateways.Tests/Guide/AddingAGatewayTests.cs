using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.RegularExpressions;
using Purser.Gateways.Tests.Contract;
using Xunit.Sdk;

namespace Purser.Gateways.Tests.Guide;

/// <summary>docs/adding-a-gateway.md, followed to the letter: its commands are read out of it and run in a copy of what they need. This is also what
/// compiles and checks templates/, by the gate's own settings.</summary>
public sealed partial class AddingAGatewayTests
{
    static readonly TimeSpan Patience = TimeSpan.FromMinutes(12);
    static readonly string Root = Path.GetFullPath(Path.Combine(Here(), "..", "..", ".."));

    /// <summary>What a gateway is built and tested with. The other gateways are not among it: a new one needs none of them.</summary>
    static readonly string[] Needed =
    [
        "purser", "global.json", ".editorconfig", "BannedSymbols.txt", "Directory.Build.props", "Directory.Packages.props", "Purser.slnx", "docs/adding-a-gateway.md", "docs/gateways.md",
        "build", "templates", "src/Purser.Core", "src/Purser.Gateways", "src/Purser.Sandbox", "tests/Purser.Gateways.Tests",
    ];

    static readonly string[] Made = ["bin", "obj", "node_modules", "TestResults"];

    /// <summary>What the template's gateway can be asked over the network: a link, an inquiry and a cancellation and an inquiry about a refund each by either
    /// name, and a refund.</summary>
    const int CallsOfTheTemplate = 8;

    static GuidePage Guide => new(File.ReadAllText(Path.Combine(Root, "docs", "adding-a-gateway.md")).ReplaceLineEndings("\n"));

    [Fact]
    public async Task Whoever_follows_the_guide_has_a_gateway_that_builds_and_keeps_the_contract()
    {
        using var checkout = new Copy();
        var said = new List<string>();
        foreach (var block in Guide.Blocks("sh")) said.Add(await checkout.Run(block));

        var folder = Path.Combine(checkout.Root, "gateways", "Northwind");
        Directory.EnumerateFileSystemEntries(folder, "*", SearchOption.AllDirectories).ShouldNotContain(f => f.Contains("Acme", StringComparison.OrdinalIgnoreCase));
        foreach (var file in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)) File.ReadAllText(file).ShouldNotContain("acme", Case.Insensitive, file);

        var counts = said.SelectMany(s => Counts().Matches(s)).Select(m => (Failed: Number(m, "failed"), Passed: Number(m, "passed"), Skipped: Number(m, "skipped"))).ToList();
        counts.ShouldAllBe(c => c.Failed == 0 && c.Skipped == 0);
        // Its own tests, the whole contract, and the page of gateways.
        counts.Count.ShouldBe(3, string.Join('\n', said));
        counts[0].Passed.ShouldBeGreaterThan(40);
        counts[1].Passed.ShouldBe(TestsOfTheContract());
        counts[2].Passed.ShouldBe(typeof(GatewayPageTests).GetMethods().Count(m => m.IsDefined(typeof(FactAttribute))));

        File.ReadAllText(Path.Combine(checkout.Root, "docs", "gateways.md")).ShouldContain("[Northwind](../gateways/Northwind/README.md)");
        var code = string.Join('\n', Directory.EnumerateFiles(checkout.Root, "*.cs", SearchOption.AllDirectories)
            .Where(f => !Path.GetRelativePath(checkout.Root, f).Split(Path.DirectorySeparatorChar).Any(Made.Contains)).Select(File.ReadAllText));
        Guide.Missing(checkout.Root, folder, code).ShouldBeEmpty();
        foreach (var account in Guide.Blocks("json").Select(b => JsonSerializer.Deserialize<JsonElement>(b)).SelectMany(e => e.GetProperty("Gateways").EnumerateObject()))
            foreach (var setting in account.Value.EnumerateObject().Where(s => char.IsLower(s.Name[0]))) code.ShouldContain($"\"{setting.Name}\"");
    }

    [Fact]
    public async Task Its_other_commands_are_verbs_that_there_are()
    {
        using var checkout = new Copy("purser", "build");
        var verbs = HelpLine().Matches(await checkout.Run("./purser help")).Select(m => m.Groups["verb"].Value).ToList();
        var typed = Guide.Blocks("console").SelectMany(b => b.Split('\n', StringSplitOptions.RemoveEmptyEntries)).ToList();
        typed.ShouldNotBeEmpty();
        foreach (var command in typed) verbs.ShouldContain(command.Split(' ') is ["./purser", var verb, ..] ? verb : command);
    }

    [Theory]
    [InlineData("See `Adapter/Nowhere.cs`.", "Adapter/Nowhere.cs")]
    [InlineData("Decide `RepeatsSafelyOrNot`.", "RepeatsSafelyOrNot")]
    [InlineData("Call `Wire.Nothing`.", "Wire.Nothing")]
    [InlineData("Set `web_hook`.", "web_hook")]
    public void A_name_that_is_not_there_is_found(string guide, string missing)
    {
        using var nothing = new Copy("templates");
        new GuidePage(guide).Missing(nothing.Root, nothing.Root, "class Wire { } \"webhook_secret\"").ShouldBe([missing]);
        new GuidePage("Call `Wire`, see `templates/gateway/wire.md`, set `webhook_secret`, run `./purser up`.").Missing(nothing.Root, nothing.Root, "class Wire { } \"webhook_secret\"").ShouldBeEmpty();
    }

    [Theory]
    [InlineData("")]
    [InlineData("northwind")]
    [InlineData("North-wind")]
    [InlineData("../North")]
    [InlineData("North Wind")]
    [InlineData("northwind two")]
    public async Task A_name_that_cannot_be_one_makes_nothing(string name)
    {
        using var checkout = new Copy("purser", "build", "templates");
        await Should.ThrowAsync<CommandFailedException>(() => checkout.Run($"./purser new-gateway {(name.Contains(' ', StringComparison.Ordinal) ? $"\"{name}\"" : name)}"));
        Directory.EnumerateFileSystemEntries(Path.Combine(checkout.Root, "gateways")).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_gateway_is_never_written_over_and_each_has_a_port_of_its_own()
    {
        using var checkout = new Copy("purser", "build", "templates");
        await checkout.Run("./purser new-gateway Northwind");
        await Should.ThrowAsync<CommandFailedException>(() => checkout.Run("./purser new-gateway NorthWind"));
        await checkout.Run("./purser new-gateway Southwind");
        string[] ports = [.. await Task.WhenAll(new[] { "Northwind", "Southwind" }.Select(n => File.ReadAllTextAsync(Path.Combine(checkout.Root, "gateways", n, "Simulator", n + "Dialect.cs"))))];
        ports.Select(p => Port().Match(p).Groups["port"].Value).ShouldBe(["7420", "7421"]);
    }

    static int TestsOfTheContract() => typeof(GatewayContract<>).GetMethods().Sum(test => test.GetCustomAttribute<FactAttribute>() switch
    {
        null => 0,
        TheoryAttribute => test.GetCustomAttributes<DataAttribute>().Sum(d => d is MemberDataAttribute ? CallsOfTheTemplate : 1),
        _ => 1,
    });

    static int Number(Match match, string group) => int.Parse(match.Groups[group].Value, CultureInfo.InvariantCulture);

    static string Here([CallerFilePath] string here = "") => Path.GetDirectoryName(here)!;

    [GeneratedRegex(@"! +- Failed: +(?<failed>\d+), Passed: +(?<passed>\d+), Skipped: +(?<skipped>\d+)")]
    private static partial Regex Counts();

    [GeneratedRegex(@"^  (?<verb>[a-z-]+) ", RegexOptions.Multiline)]
    private static partial Regex HelpLine();

    [GeneratedRegex(@"DefaultPort => (?<port>\d+);")]
    private static partial Regex Port();

    sealed class CommandFailedException(string said) : Exception(said);

    /// <summary>Parts of this checkout in a folder of their own, without what was built, and without any gateway.</summary>
    sealed class Copy : IDisposable
    {
        const int LongestMessage = 8000;

        public Copy(params string[] parts)
        {
            foreach (var part in parts.Length > 0 ? parts : Needed)
                foreach (var file in Files(Path.Combine(AddingAGatewayTests.Root, part)))
                {
                    var to = Path.Combine(Root, Path.GetRelativePath(AddingAGatewayTests.Root, file));
                    Directory.CreateDirectory(Path.GetDirectoryName(to)!);
                    File.Copy(file, to);
                }
            Directory.CreateDirectory(Path.Combine(Root, "gateways"));
            // What is ours was checked where it was built; analyzers look at the new gateway alone.
            foreach (var ours in new[] { "src", "tests" }.Select(f => Path.Combine(Root, f)).Where(Directory.Exists))
                File.WriteAllText(Path.Combine(ours, "Directory.Build.props"), """<Project><Import Project="../Directory.Build.props" /><PropertyGroup><RunAnalyzers>false</RunAnalyzers></PropertyGroup></Project>""");
        }

        public string Root { get; } = Directory.CreateTempSubdirectory("purser-guide-").FullName;

        /// <summary>What a block of commands printed; it stops at the first that fails.</summary>
        public async Task<string> Run(string commands)
        {
            // To a file and not through a pipe: the compiler's server outlives the build and would hold the pipe open.
            var log = Path.Combine(Root, "log");
            var start = new ProcessStartInfo("bash", ["-euo", "pipefail", "-c", $"exec >\"{log}\" 2>&1 </dev/null\n{commands}"]) { WorkingDirectory = Root };
            // The tests' own build has left its marks, and no marks of a developer's belong here.
            foreach (var name in start.Environment.Keys.Where(k => k.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase) || k.StartsWith("VSTEST", StringComparison.OrdinalIgnoreCase) || k == "PURSER_UPDATE").ToList())
                start.Environment.Remove(name);
            start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
            // One warm compiler for all projects, for others are at work beside this.
            start.Environment["UseSharedCompilation"] = "true";
            // Packages come from the machine's folder of packages, where the restore of this checkout has put them; nobody is asked about them.
            start.Environment["NuGetAudit"] = "false";
            using var process = Process.Start(start)!;
            using var limit = new CancellationTokenSource(Patience);
            try
            {
                await process.WaitForExitAsync(limit.Token);
            }
            finally
            {
                if (!process.HasExited) process.Kill(entireProcessTree: true);
            }
            var said = await File.ReadAllTextAsync(log, CancellationToken.None);
            return process.ExitCode == 0 ? said : throw new CommandFailedException($"{commands}\n{said[^Math.Min(said.Length, LongestMessage)..]}");
        }

        public void Dispose() => Directory.Delete(Root, recursive: true);

        static IEnumerable<string> Files(string path) => File.Exists(path) ? [path]
            : Directory.EnumerateFiles(path).Concat(Directory.EnumerateDirectories(path).Where(d => !Made.Contains(Path.GetFileName(d))).SelectMany(Files));
    }
}
