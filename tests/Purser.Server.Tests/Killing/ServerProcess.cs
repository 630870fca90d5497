using System.Diagnostics;

namespace Purser.Server.Tests.Killing;

/// <summary>The real server as a process of its own, so that it can be killed as a machine kills it.</summary>
sealed class ServerProcess : IAsyncDisposable
{
    readonly Process process;

    ServerProcess(Process process, Uri url) => (this.process, Url) = (process, url);

    public Uri Url { get; }

    public static async Task<ServerProcess> Start(IReadOnlyDictionary<string, string?> settings, string urls = "http://127.0.0.1:0")
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var word in (string[])[typeof(ServerHost).Assembly.Location, "serve", $"--urls={urls}"]) start.ArgumentList.Add(word);
        foreach (var (name, value) in settings) start.Environment[name.Replace(":", "__", StringComparison.Ordinal)] = value;
        start.Environment["Logging__LogLevel__Default"] = "Warning";
        var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        while (await process.StandardOutput.ReadLineAsync() is { } line)
            if (line.StartsWith("Purser listens on ", StringComparison.Ordinal))
            {
                _ = process.StandardOutput.ReadToEndAsync();
                return new ServerProcess(process, new Uri(line["Purser listens on ".Length..]));
            }
        throw new InvalidOperationException($"The server ended before it listened: {await errors}");
    }

    /// <summary>SIGKILL: nothing is finished, nothing is said.</summary>
    public async Task Kill()
    {
        process.Kill();
        await process.WaitForExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited) await Kill();
        process.Dispose();
    }
}
