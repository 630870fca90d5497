using System.Diagnostics;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging.Abstractions;
using Purser.Server.Platform;

namespace Purser.Server.Tests.Platform;

/// <summary>A process of its own that holds a PostgreSQL, so that tests can kill it. The test assembly run as a program:
/// <c>dotnet Purser.Server.Tests.dll DIRECTORY</c> prints the connection string and holds until its input ends.</summary>
sealed class Holder : IDisposable
{
    readonly Process process;

    Holder(Process process, string connectionString) => (this.process, ConnectionString) = (process, connectionString);

    public string ConnectionString { get; }

    public static async Task<int> Main(string[] arguments)
    {
        await using var postgres = await EmbeddedPostgres.Start(
            EmbeddedPostgresOptions.From(new ConfigurationBuilder().AddEnvironmentVariables().Build()) with { Directory = arguments[0] }, NullLogger.Instance);
        Console.WriteLine(postgres.ConnectionString);
        while (await Console.In.ReadLineAsync() is not null)
        {
        }
        return 0;
    }

    public static async Task<Holder> Start(string directory, string? account = null, string? assembly = null)
    {
        var start = new ProcessStartInfo("dotnet", [assembly ?? typeof(Holder).Assembly.Location, directory])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = "/",
        };
        if (account is not null)
        {
            start.UserName = account;
            start.Environment["HOME"] = "/nonexistent";
            start.Environment["DOTNET_CLI_HOME"] = Path.GetTempPath();
        }
        var process = Process.Start(start)!;
        var line = await process.StandardOutput.ReadLineAsync();
        return line is not null
            ? new(process, line)
            : throw new InvalidOperationException(await process.StandardError.ReadToEndAsync());
    }

    /// <summary>As kill -9 does, with what descends from it or alone.</summary>
    public async Task Kill(bool withGuard)
    {
        if (withGuard)
        {
            // Halted first, or it would see its guard die and mend that.
            await Process.Start("/bin/sh", ["-c", $"kill -STOP {process.Id}"]).WaitForExitAsync();
            foreach (var child in Children(process.Id).ToList()) child.Kill();
        }
        process.Kill();
        await process.WaitForExitAsync();
    }

    public void Dispose()
    {
        if (!process.HasExited) process.Kill();
        process.Dispose();
    }

    /// <summary>The guard and its reader, but not PostgreSQL, which has a session of its own.</summary>
    static IEnumerable<Process> Children(int parent)
    {
        foreach (var shell in Process.GetProcessesByName("sh"))
        {
            if (ParentOf(shell.Id) is not { } its) continue;
            if (its == parent || ParentOf(its) == parent) yield return shell;
        }
    }

    static int? ParentOf(int process)
    {
        using var ps = Process.Start(new ProcessStartInfo("ps", ["-o", "ppid=", "-p", process.ToString()]) { RedirectStandardOutput = true })!;
        return int.TryParse(ps.StandardOutput.ReadToEnd(), out var parent) ? parent : null;
    }
}
