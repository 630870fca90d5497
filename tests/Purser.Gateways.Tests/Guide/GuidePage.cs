using System.Text.RegularExpressions;

namespace Purser.Gateways.Tests.Guide;

/// <summary>A guide as a reader takes it: the blocks to type, and the names to look for.</summary>
sealed partial class GuidePage(string text)
{
    /// <summary>The fenced blocks of a kind, in their order.</summary>
    public IReadOnlyList<string> Blocks(string kind) => [.. Fenced().Matches(text).Where(m => m.Groups["kind"].Value == kind).Select(m => m.Groups["text"].Value)];

    /// <summary>What stands between backticks in the prose: files, folders and names in code.</summary>
    public IEnumerable<string> Names => Ticked().Matches(Fenced().Replace(text, "")).Select(m => m.Groups["name"].Value).Distinct();

    /// <summary>What it names and is not there: files below the gateway's folder or the root, and words of code.</summary>
    public IEnumerable<string> Missing(string root, string folder, string code)
    {
        foreach (var name in Names)
            if (name.Contains('/', StringComparison.Ordinal) || name.EndsWith(".md", StringComparison.Ordinal) || name.EndsWith(".cs", StringComparison.Ordinal))
            {
                // A command, an address of ours, or a pattern is no file.
                if (name.StartsWith('.') || name.StartsWith('/') || name.Contains('<', StringComparison.Ordinal)) continue;
                if (!Path.Exists(Path.Combine(folder, name)) && !Path.Exists(Path.Combine(root, name))) yield return name;
            }
            else if (Word().IsMatch(name) && !name.Split('.').All(part => Regex.IsMatch(code, $@"\b{part}\b")))
            {
                yield return name;
            }
    }

    [GeneratedRegex(@"^```(?<kind>[a-z]+)\n(?<text>.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Fenced();

    [GeneratedRegex(@"`(?<name>[^`\n]+)`")]
    private static partial Regex Ticked();

    [GeneratedRegex(@"^[A-Z]\w+(\.[A-Z]\w+)*$|^[a-z]+_[a-z_]+$")]
    private static partial Regex Word();
}
