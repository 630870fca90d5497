using System.Text.RegularExpressions;

namespace Purser.Tests.House;

/// <summary>The files of a checkout by their path with slashes; or a small made-up one, to see a rule turn red.</summary>
sealed partial class SourceTree(IReadOnlyDictionary<string, string> files)
{
    static readonly string[] Folders = ["src", "gateways", "tests", "bench", "samples", "db"];
    static readonly string[] Kinds = [".cs", ".csproj", ".sql", ".razor", ".js", ".css", ".html", ".json", ".props", ".slnx", ".md"];

    /// <summary>The checkout itself, without what is built, fetched or locked.</summary>
    public static SourceTree OfCheckout { get; } = Read();

    public IEnumerable<string> Paths => files.Keys.Order(StringComparer.Ordinal);

    public string Text(string path) => files[path];

    public bool Has(string path) => files.ContainsKey(path);

    public IEnumerable<string> Under(string folder, params string[] endings) =>
        Paths.Where(p => p.StartsWith(folder, StringComparison.Ordinal) && (endings.Length == 0 || endings.Any(e => p.EndsWith(e, StringComparison.Ordinal))));

    /// <summary>C# without comments, and with string literals emptied: names only.</summary>
    public string Code(string path) => Tokens().Replace(files[path], m => m.ValueSpan[0] == '/' ? Blank(m) : "\"\"" + Blank(m));

    /// <summary>The string literals of a C# file with their lines, interpolated ones with their holes.</summary>
    public IEnumerable<(int Line, string Text)> Literals(string path) => Tokens().Matches(files[path])
        .Where(m => m.ValueSpan[0] is not ('/' or '\'')).Select(m => (LineOf(files[path], m.Index), m.Value));

    public static int LineOf(string text, int index) => text.AsSpan(0, index).Count('\n') + 1;

    static string Blank(Match m) => new('\n', m.ValueSpan.Count('\n'));

    static SourceTree Read()
    {
        var files = Folders.Select(folder => Path.Combine(Checkout.Root, folder)).Where(Directory.Exists)
            .SelectMany(folder => Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
            .Concat(Directory.EnumerateFiles(Checkout.Root))
            .Select(file => (File: file, Path: Path.GetRelativePath(Checkout.Root, file).Replace('\\', '/')))
            .Where(f => Kinds.Contains(Path.GetExtension(f.Path)) && !Foreign().IsMatch(f.Path));
        return new SourceTree(files.ToDictionary(f => f.Path, f => File.ReadAllText(f.File), StringComparer.Ordinal));
    }

    [GeneratedRegex(@"(^|/)(bin|obj|node_modules|TestResults)/|packages\.lock\.json$|\.min\.(js|css)$")]
    private static partial Regex Foreign();

    // Comments, raw strings, verbatim strings, strings and characters; whichever begins first.
    [GeneratedRegex(""""//[^\n]*|/\*[\s\S]*?\*/|\$*"""[\s\S]*?"""|\$?@\$?"(?:[^"]|"")*"|\$?"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.[^']*)'"""")]
    private static partial Regex Tokens();
}
