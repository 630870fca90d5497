using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Purser.Server.Tests.Platform;

/// <summary>The packages of npm that tests use, installed at first use by their lock file.</summary>
static class NpmFolder
{
    static readonly Lazy<Task<string>> Folder = new(Install);

    public static Task<string> Installed => Folder.Value;

    static async Task<string> Install()
    {
        var folder = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(Here())!, "..", "npm"));
        // npm writes this file last; an older one than ours is of other packages.
        var installed = new FileInfo(Path.Combine(folder, "node_modules", ".package-lock.json"));
        if (installed.Exists && installed.LastWriteTimeUtc >= File.GetLastWriteTimeUtc(Path.Combine(folder, "package-lock.json"))) return folder;
        using var npm = Process.Start(new ProcessStartInfo("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"]) { WorkingDirectory = folder })!;
        await npm.WaitForExitAsync();
        npm.ExitCode.ShouldBe(0, "npm ci");
        return folder;
    }

    static string Here([CallerFilePath] string path = "") => path;
}
