using Purser.Tests.House;

namespace Purser.Tests;

/// <summary>A page that the code prints and the repository keeps. Written when PURSER_UPDATE=1, otherwise compared.</summary>
static class Page
{
    public static void Compare(string path, string printed)
    {
        var file = Path.Combine(Checkout.Root, path);
        if (Environment.GetEnvironmentVariable("PURSER_UPDATE") == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllText(file, printed);
            return;
        }
        var kept = File.Exists(file) ? File.ReadAllText(file).ReplaceLineEndings("\n") : "";
        if (Difference(kept, printed) is { } difference)
            Assert.Fail($"{path} is not what the code prints. Run the test with PURSER_UPDATE=1 if the change is meant. {difference}");
    }

    /// <summary>The first line that differs, or null.</summary>
    public static string? Difference(string kept, string printed)
    {
        var before = kept.Split('\n');
        var after = printed.Split('\n');
        for (var i = 0; i < Math.Max(before.Length, after.Length); i++)
        {
            var (one, other) = (before.ElementAtOrDefault(i), after.ElementAtOrDefault(i));
            if (one != other) return $"Line {i + 1} was\n  {one ?? "(missing)"}\nand is now\n  {other ?? "(missing)"}";
        }
        return null;
    }
}
