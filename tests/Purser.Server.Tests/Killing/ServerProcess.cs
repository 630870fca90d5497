using System.Diagnostics;
using System.Globalization;
using Purser.Server.Tests.Platform;

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

    /// <summary>SIGKILL for it and all that descends from it at one moment, as when the power fails: its PostgreSQL and each process of that. All are halted
    /// first, so that none sees another die. What the kernel was given to write it still has.</summary>
    public async Task KillAll()
    {
        var all = await Descent();
        while (all.Any(p => !p.IsHalted))
        {
            await Signal("STOP", all);
            all = await Descent();
        }
        await Signal("KILL", all);
        await process.WaitForExitAsync();
        var dying = all.Select(p => p.Id).ToHashSet();
        await Until.True(async () => !(await Running()).Any(p => dying.Contains(p.Id)), "all of them to be gone");
    }

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited) await Kill();
        process.Dispose();
    }

    sealed record Seen(int Id, int Parent, bool IsHalted);

    /// <summary>It and what descends from it.</summary>
    async Task<IReadOnlyList<Seen>> Descent()
    {
        var running = await Running();
        var found = running.Where(p => p.Id == process.Id).ToList();
        for (var i = 0; i < found.Count; i++) found.AddRange(running.Where(p => p.Parent == found[i].Id));
        return found;
    }

    /// <summary>The machine's processes without the dead that nobody has buried yet.</summary>
    static async Task<IReadOnlyList<Seen>> Running()
    {
        using var ps = Process.Start(new ProcessStartInfo("ps", ["-A", "-o", "pid=,ppid=,stat="]) { RedirectStandardOutput = true })!;
        var lines = (await ps.StandardOutput.ReadToEndAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return [.. from line in lines
                   let said = line.Split(' ', StringSplitOptions.RemoveEmptyEntries)
                   where said[2][0] != 'Z'
                   select new Seen(int.Parse(said[0], CultureInfo.InvariantCulture), int.Parse(said[1], CultureInfo.InvariantCulture), said[2][0] == 'T')];
    }

    /// <summary>One that has just ended is no matter.</summary>
    static async Task Signal(string signal, IReadOnlyList<Seen> processes)
    {
        using var kill = Process.Start("/bin/sh", ["-c", $"kill -{signal} {string.Join(' ', processes.Select(p => p.Id))} 2>/dev/null"]);
        await kill.WaitForExitAsync();
    }
}
