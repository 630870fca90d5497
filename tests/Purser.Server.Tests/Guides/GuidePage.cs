using System.Text.RegularExpressions;

namespace Purser.Server.Tests.Guides;

/// <summary>A fenced block of a guide.</summary>
/// <param name="Line">Where it begins, for whoever must mend it.</param>
sealed record GuideBlock(string Kind, string Text, int Line);

/// <summary>A guide as a reader takes it.</summary>
sealed partial class GuidePage(string text)
{
    public static string Root { get; } = FindRoot();

    public static GuidePage Read(string path) => new(File.ReadAllText(Path.Combine(Root, path)));

    public string Text => text;

    public IReadOnlyList<GuideBlock> Blocks => [.. Fenced().Matches(text).Select(m =>
        new GuideBlock(m.Groups["kind"].Value, Unindented(m.Groups["text"].Value, m.Groups["indent"].Length), text.AsSpan(0, m.Index).Count('\n') + 1))];

    /// <summary>Lines that are set as code without a fence, and begin with a command: nobody would run them.</summary>
    public IReadOnlyList<string> LooseCommands => [.. Loose().Matches(Fenced().Replace(text, "")).Select(m => m.Value.Trim())];

    /// <summary>Where links lead to within the checkout.</summary>
    public IEnumerable<string> Links => Linked().Matches(Fenced().Replace(text, "")).Select(m => m.Groups["to"].Value).Where(to => !to.Contains("://", StringComparison.Ordinal));

    static string Unindented(string block, int by) => by == 0 ? block : string.Join('\n', block.Split('\n').Select(l => l.Length > by ? l[by..] : l.TrimStart()));

    static string FindRoot()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Purser.slnx"))) folder = Path.GetDirectoryName(folder)!;
        return folder;
    }

    [GeneratedRegex(@"^(?<indent> *)```(?<kind>[a-z]*)\n(?<text>.*?)^ *```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Fenced();

    [GeneratedRegex(@"^(    |\t)\s*([A-Z]+=\$\()?(\./purser|curl|sudo|pg_\w+) .*$", RegexOptions.Multiline)]
    private static partial Regex Loose();

    [GeneratedRegex(@"\]\((?<to>[^)\s]+)\)")]
    private static partial Regex Linked();
}
