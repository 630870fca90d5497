namespace Purser.Tests.House;

/// <summary>The folder of the checkout that these tests were built in.</summary>
static class Checkout
{
    public static string Root { get; } = Find(AppContext.BaseDirectory);

    static string Find(string start)
    {
        for (var folder = new DirectoryInfo(start); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "Purser.slnx"))) return folder.FullName;
        throw new InvalidOperationException($"No Purser.slnx above {start}.");
    }
}
