using System.Diagnostics;
using Npgsql;

namespace Purser.Server.Tests.Guides;

/// <summary>pg_dump and the like, of the server's own version or a later one.</summary>
static class PostgresTools
{
    /// <summary>What makes them speak to the server of this connection, found first on the path.</summary>
    public static IReadOnlyDictionary<string, string?> Environment(string connection)
    {
        var to = new NpgsqlConnectionStringBuilder(connection);
        return new Dictionary<string, string?>
        {
            ["PGHOST"] = to.Host,
            ["PGPORT"] = $"{to.Port}",
            ["PGUSER"] = to.Username,
            ["PGPASSWORD"] = to.Password,
            ["PATH"] = $"{Folder}:{System.Environment.GetEnvironmentVariable("PATH")}",
        };
    }

    static string Folder { get; } =
        ((string?[])[System.Environment.GetEnvironmentVariable("Purser__Postgres__Programs"), .. Directory.Exists("/usr/lib/postgresql") ? Directory.GetDirectories("/usr/lib/postgresql").OrderDescending().Select(d => Path.Combine(d, "bin")) : []])
            .FirstOrDefault(f => f is not null && File.Exists(Path.Combine(f, "pg_dump"))) ?? "/usr/bin";

    public static async Task Run(string connection, string program, params string[] words)
    {
        var start = new ProcessStartInfo(Path.Combine(Folder, program), words) { RedirectStandardError = true };
        foreach (var (name, value) in Environment(connection)) start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var complained = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        process.ExitCode.ShouldBe(0, complained);
    }
}
