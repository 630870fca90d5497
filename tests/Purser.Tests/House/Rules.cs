using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Purser.Tests.House;

/// <summary>The rules of the house. Each reads a source tree and says what breaks it; <see cref="HouseTests"/> holds them on the checkout and shows
/// each one red on a planted violation.</summary>
static partial class Rules
{
    /// <summary>Who may reference whom; a project under src that is not in the list is none of ours.</summary>
    static readonly Dictionary<string, string[]> MayReference = new()
    {
        ["Purser.Core"] = [],
        ["Purser.Gateways"] = ["Purser.Core"],
        ["Purser.Server"] = ["Purser.Core", "Purser.Gateways"],
        ["Purser.Sandbox"] = [],
        ["Purser.Client"] = [],
    };

    /// <summary>What a project compiles from elsewhere: patterns, so that a new gateway is a new folder and no edit.</summary>
    static readonly Dictionary<string, string> Compiles = new()
    {
        ["src/Purser.Gateways/Purser.Gateways.csproj"] = "../../gateways/*/Adapter/**/*.cs",
        ["src/Purser.Sandbox/Purser.Sandbox.csproj"] = "../../gateways/*/Simulator/**/*.cs",
        ["tests/Purser.Gateways.Tests/Purser.Gateways.Tests.csproj"] = "../../gateways/*/Tests/**/*.cs",
    };

    /// <summary>Those that are known by name, whether they have a folder or not; further ones are known by their folders.</summary>
    static readonly string[] Gateways =
        ["razorpay", "payu", "billdesk", "ccavenue", "phonepe", "paytm", "ippopay", "stripe", "paypal"];

    static readonly string[] BannedWords =
        ["transaction", "charge", "intent", "processor", "psp", "connector", "provider", "manager", "helper", "util"];

    /// <summary>Names that are not ours to choose.</summary>
    static readonly Dictionary<string, string> FrameworkNames = new()
    {
        ["TimeProvider"] = "the framework's clock",
        ["AttributeProvider"] = "reflection's word for what carries an attribute",
        ["IServiceProvider"] = "the framework's container",
        ["ServiceProvider"] = "the framework's container",
        ["BuildServiceProvider"] = "the framework's container",
        ["CreateScope"] = "the framework's container",
        ["IFormatProvider"] = "the framework's cultures",
        ["FileExtensionContentTypeProvider"] = "the framework's list of content types",
        ["ConfigurationManager"] = "the framework's configuration",
        ["IConfigurationManager"] = "the framework's configuration",
        ["FileProviders"] = "the framework's files",
        ["ILoggerProvider"] = "the framework's logs",
        ["ClearProviders"] = "the framework's logs",
        ["IFileProvider"] = "the framework's files",
        ["FileProvider"] = "the framework's files",
        ["PhysicalFileProvider"] = "the framework's files",
        ["ManifestEmbeddedFileProvider"] = "the framework's files",
        ["EmbeddedFileProvider"] = "the framework's files",
        ["TracerProvider"] = "OpenTelemetry's name",
        ["TracerProviderBuilder"] = "OpenTelemetry's name",
        ["MeterProvider"] = "OpenTelemetry's name",
        ["CreateTracerProviderBuilder"] = "OpenTelemetry's name",
        ["CreateMeterProviderBuilder"] = "OpenTelemetry's name",
        ["SetDbStatementForText"] = "OpenTelemetry's name",
        ["ProcessorCount"] = "the framework's name for cores",
        ["CircuitBreakerStateProvider"] = "Polly's name",
        ["StateProvider"] = "Polly's name",
        ["IsolationLevel"] = "the database's word",
        ["CsvHelper"] = "the name of the package",
    };

    /// <summary>Files outside stores that may hold SQL, each with its reason.</summary>
    static readonly Dictionary<string, string> SqlElsewhere = new()
    {
        ["src/Purser.Server/Engine/RowSet.cs"] = "the shape of a many-row statement; stores give it tables and columns",
    };

    /// <summary>Files that may be longer, each with its reason.</summary>
    static readonly Dictionary<string, string> LongFiles = new()
    {
    };

    public static IEnumerable<string> References(SourceTree tree)
    {
        foreach (var path in tree.Under("src/", ".csproj"))
        {
            var name = Path.GetFileNameWithoutExtension(path);
            if (!MayReference.TryGetValue(name, out var allowed))
            {
                yield return $"{path}: no rule says whom {name} may reference.";
                continue;
            }
            foreach (var reference in Items(tree, path, "ProjectReference").Select(r => Path.GetFileNameWithoutExtension(r)))
                if (!allowed.Contains(reference)) yield return $"{path}: {name} may not reference {reference}.";
        }
        foreach (var path in tree.Under("samples/", ".csproj"))
            foreach (var reference in Items(tree, path, "ProjectReference").Select(r => Path.GetFileNameWithoutExtension(r)))
                if (reference != "Purser.Client") yield return $"{path}: a merchant has nothing but Purser.Client.";
    }

    public static IEnumerable<string> CoreIsPure(SourceTree tree)
    {
        foreach (var path in tree.Under("src/Purser.Core/", ".csproj"))
            foreach (var kind in new[] { "PackageReference", "FrameworkReference", "Reference" })
                foreach (var item in Items(tree, path, kind)) yield return $"{path}: Core has no packages, and this is {item}.";
        foreach (var path in tree.Under("src/Purser.Core/", ".cs"))
            foreach (var found in Found(tree.Code(path), Impure())) yield return $"{path}:{found.Line}: Core is pure, and this is {found.Text}.";
    }

    public static IEnumerable<string> GatewaysAreAddedByFolder(SourceTree tree)
    {
        foreach (var (path, pattern) in Compiles)
            if (tree.Has(path) && !Items(tree, path, "Compile").Contains(pattern)) yield return $"{path}: does not compile {pattern}.";
        foreach (var path in tree.Paths.Where(p => p.EndsWith(".csproj", StringComparison.Ordinal)))
            foreach (var item in Items(tree, path, "Compile"))
                if (!Compiles.TryGetValue(path, out var pattern) || item != pattern) yield return $"{path}: compiles {item} from elsewhere.";
        foreach (var path in tree.Paths.Where(p => p.EndsWith(".csproj", StringComparison.Ordinal) || p.EndsWith(".slnx", StringComparison.Ordinal) || p.EndsWith(".props", StringComparison.Ordinal)))
            foreach (var found in NamesOf(tree.Text(path), GatewaysOf(tree))) yield return $"{path}:{found.Line}: builds by a gateway's name, {found.Text}.";
    }

    public static IEnumerable<string> NothingUnderSrcNamesAGateway(SourceTree tree) =>
        from path in tree.Under("src/")
        from found in NamesOf(tree.Text(path) + "\n" + path, GatewaysOf(tree))
        select $"{path}:{found.Line}: names the gateway {found.Text}.";

    public static IEnumerable<string> AGatewayNamesNoOther(SourceTree tree) =>
        from path in tree.Under("gateways/")
        let own = path.Split('/')[1].ToLowerInvariant()
        from found in NamesOf(tree.Text(path), [.. GatewaysOf(tree).Where(g => g != own)])
        select $"{path}:{found.Line}: names another gateway, {found.Text}.";

    public static IEnumerable<string> PlatformNamesNoSlice(SourceTree tree)
    {
        const string server = "src/Purser.Server/";
        var slices = tree.Under(server).Select(p => p[server.Length..].Split('/')).Where(p => p.Length > 1).Select(p => p[0])
            .Where(slice => slice is not ("Platform" or "Properties" or "wwwroot")).Distinct().ToArray();
        foreach (var path in tree.Under(server + "Platform/", ".cs", ".razor"))
            foreach (var slice in slices)
                foreach (var found in Found(tree.Code(path), new Regex($@"Purser\.Server\.{slice}\b")))
                    yield return $"{path}:{found.Line}: Platform knows no slice, and this is {found.Text}.";
    }

    /// <summary>The embedded PostgreSQL is a part of its own that happens to lie there, and does not count.</summary>
    public static IEnumerable<string> PlatformStaysSmall(SourceTree tree)
    {
        var files = tree.Under("src/Purser.Server/Platform/", ".cs", ".razor").Count(path => !EmbeddedDatabase().IsMatch(path));
        if (files > 15) yield return $"src/Purser.Server/Platform: {files} files, and 15 at most.";
    }

    public static IEnumerable<string> SqlLivesInStores(SourceTree tree) =>
        from path in tree.Under("src/", ".cs").Concat(tree.Under("gateways/", ".cs"))
        where !path.EndsWith("Store.cs", StringComparison.Ordinal) && !PlatformDatabase().IsMatch(path) && !SqlElsewhere.ContainsKey(path)
        from literal in tree.Literals(path)
        where Sql().IsMatch(literal.Text)
        select $"{path}:{literal.Line}: SQL outside a *Store.cs: {literal.Text.Split('\n')[0]}";

    /// <summary>Whoever starts a program builds a command; those who do are few and known, and nothing of a stranger's comes to them.</summary>
    public static IEnumerable<string> FewStartPrograms(SourceTree tree) =>
        from path in tree.Under("src/", ".cs").Concat(tree.Under("gateways/", ".cs"))
        where !Starters.Contains(path)
        from found in Found(tree.Code(path), StartsPrograms())
        select $"{path}:{found.Line}: starts a program, {found.Text}.";

    public static IEnumerable<string> FilesStayShort(SourceTree tree) =>
        from path in tree.Paths
        where path.EndsWith(".cs", StringComparison.Ordinal) && !LongFiles.ContainsKey(path)
        let lines = tree.Text(path).AsSpan().Count('\n')
        where lines > 450
        select $"{path}: {lines} lines, and 450 at most.";

    public static IEnumerable<string> WordsAreThoseOfTheDomain(SourceTree tree)
    {
        foreach (var path in tree.Under("src/", ".cs", ".razor"))
        {
            var database = path.EndsWith("Store.cs", StringComparison.Ordinal) || PlatformDatabase().IsMatch(path);
            foreach (var name in Found(tree.Code(path), Identifier()).Where(n => !FrameworkNames.ContainsKey(n.Text)).DistinctBy(n => n.Text))
                foreach (Match part in Word().Matches(name.Text))
                {
                    var word = part.Value.ToLowerInvariant();
                    if (word.EndsWith('s')) word = word[..^1];
                    // Where SQL is, transaction is the database's word; elsewhere it would be a second name for a payment.
                    if (!BannedWords.Contains(word) || (database && word == "transaction")) continue;
                    yield return $"{path}:{name.Line}: '{name.Text}' says {word}, which is not a word of the domain.";
                }
        }
    }

    public static IEnumerable<string> TimeAndChanceComeThroughTheDoor(SourceTree tree) =>
        from path in tree.Paths
        where path.EndsWith(".cs", StringComparison.Ordinal)
        from found in Found(tree.Code(path), Banned())
        select $"{path}:{found.Line}: {found.Text} is banned.";

    static IEnumerable<string> Items(SourceTree tree, string path, string kind) => XDocument.Parse(tree.Text(path)).Descendants()
        .Where(e => e.Name.LocalName == kind).Select(e => e.Attribute("Include")?.Value).OfType<string>().Select(v => v.Replace('\\', '/'));

    static IEnumerable<(int Line, string Text)> Found(string text, Regex pattern) =>
        pattern.Matches(text).Select(m => (SourceTree.LineOf(text, m.Index), m.Value));

    static string[] GatewaysOf(SourceTree tree) => [.. Gateways.Union(tree.Under("gateways/").Select(p => p.Split('/')[1].ToLowerInvariant()))];

    /// <summary>Two names look like parts of other words: "striped" and "payUrl".</summary>
    static IEnumerable<(int Line, string Text)> NamesOf(string text, string[] gateways) => gateways.SelectMany(gateway => Found(text, gateway switch
    {
        "payu" => PayU(),
        "stripe" => Stripe(),
        _ => new Regex(gateway, RegexOptions.IgnoreCase),
    }));

    static readonly string[] Starters =
    [
        "src/Purser.Server/Platform/PostgresAccount.cs", "src/Purser.Server/Platform/Postmaster.cs", "src/Purser.Server/CommandLine/SandboxProcess.cs",
        "src/Purser.Server/CommandLine/ShopProcess.cs",
    ];

    [GeneratedRegex(@"\bProcess\.Start\b|\bProcessStartInfo\b")]
    private static partial Regex StartsPrograms();

    [GeneratedRegex(@"PayU(?![a-z])|payu(?![a-z])|PAYU")]
    private static partial Regex PayU();

    [GeneratedRegex(@"stripe(?![sd])", RegexOptions.IgnoreCase)]
    private static partial Regex Stripe();

    [GeneratedRegex(@"\b(async|await|Task|ValueTask|Thread|File|Directory|FileStream|Stream|HttpClient|Socket|Console|Environment|Process)\b|\bSystem\.(IO|Net|Data|Threading\.Tasks)\b|\b(Npgsql|Microsoft)\.")]
    private static partial Regex Impure();

    [GeneratedRegex(@"\b(DateTime|DateTimeOffset)\.(UtcNow|Now)\b|\bGuid\.(NewGuid|CreateVersion7)\b|\bRandom\.Shared\b|\bThread\.Sleep\b|warning disable RS0030")]
    private static partial Regex Banned();

    [GeneratedRegex(@"/(Embedded)?Postgres[A-Za-z]*\.cs$|/Postmaster\.cs$")]
    private static partial Regex EmbeddedDatabase();

    [GeneratedRegex(@"^src/Purser\.Server/Platform/[A-Za-z]*(Database|Migration|Postgres)[A-Za-z]*\.cs$")]
    private static partial Regex PlatformDatabase();

    [GeneratedRegex(@"\b(select\s[\s\S]+?\sfrom\s|insert\s+into\s|update\s+\w+(\s+\w+)?\s+set\s|delete\s+from\s|(create|alter|drop)\s+(table|index|role|database|schema)\b|for\s+update\b|skip\s+locked\b|pg_\w+\s*\()")]
    private static partial Regex Sql();

    [GeneratedRegex(@"\b[A-Za-z_][A-Za-z0-9_]*\b")]
    private static partial Regex Identifier();

    [GeneratedRegex(@"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")]
    private static partial Regex Word();
}
