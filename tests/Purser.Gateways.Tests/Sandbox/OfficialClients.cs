using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Purser.Gateways.Tests.Outside;

/// <summary>Runs the gateways' own clients, which npm brings, and returns the one JSON line they print.</summary>
public static class OfficialClients
{
    static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    static readonly SemaphoreSlim Installing = new(1);

    public static async Task<JsonNode> Run(string script, object arguments)
    {
        var folder = Folder();
        await Installing.WaitAsync();
        try
        {
            // Also when other ones are wanted than were brought.
            var brought = new FileInfo(Path.Combine(folder, "node_modules", ".package-lock.json"));
            if (!brought.Exists || brought.LastWriteTimeUtc < File.GetLastWriteTimeUtc(Path.Combine(folder, "package-lock.json")))
                await Start(folder, "npm", "ci", "--no-audit", "--no-fund");
        }
        finally
        {
            Installing.Release();
        }

        var output = await Start(folder, "node", script, JsonSerializer.Serialize(arguments));
        return JsonNode.Parse(output.Trim().Split('\n')[^1])!;
    }

    static async Task<string> Start(string folder, string program, params string[] words)
    {
        var start = new ProcessStartInfo(program, words) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        using var limit = new CancellationTokenSource(Patience);
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(limit.Token);
            var errors = process.StandardError.ReadToEndAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token);
            process.ExitCode.ShouldBe(0, $"{program} {words[0]}: {await errors}");
            return await output;
        }
        finally
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
        }
    }

    static string Folder([CallerFilePath] string here = "") => Path.Combine(Path.GetDirectoryName(here)!, "..", "npm");
}
