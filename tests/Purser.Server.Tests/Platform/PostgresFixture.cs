using System.Diagnostics;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Purser.Server.Platform;

namespace Purser.Server.Tests.Platform;

/// <summary>One embedded PostgreSQL for the whole test run, and databases made from a migrated template within it. A test
/// class says <c>IClassFixture&lt;PostgresFixture&gt;</c>; its databases go when the class is done. PostgreSQL ends with
/// the test process, however that ends.</summary>
public sealed class PostgresFixture : IAsyncLifetime
{
    const string Template = "purser_template";

    static readonly Lazy<Task<EmbeddedPostgres>> Shared = new(StartShared);
    static int databasesMade;

    readonly List<string> databases = [];

    public Task InitializeAsync() => Shared.Value;

    /// <summary>A fresh database with every migration applied; its connection string has the pool limits of a test.</summary>
    public Task<string> CreateDatabase() => Create(Template);

    /// <summary>A fresh database without any table.</summary>
    public Task<string> CreateEmptyDatabase() => Create("template0");

    /// <summary>The server's own settings, for tests that look at them.</summary>
    public static async Task<EmbeddedPostgres> Server() => await Shared.Value;

    public async Task DisposeAsync()
    {
        NpgsqlConnection.ClearAllPools();
        await using var connection = await Administrate(await Shared.Value);
        foreach (var database in databases) await Execute(connection, $"drop database if exists {database} with (force)");
    }

    /// <summary>Takes a database away as an outage does: nobody may connect, and who is connected is thrown out.</summary>
    public async Task Forbid(string database)
    {
        await using var connection = await Administrate(await Shared.Value);
        await Execute(connection, $"alter database {database} allow_connections false");
        await Execute(connection, $"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{database}'");
    }

    public async Task Allow(string database)
    {
        await using var connection = await Administrate(await Shared.Value);
        await Execute(connection, $"alter database {database} allow_connections true");
    }

    async Task<string> Create(string template)
    {
        var server = await Shared.Value;
        var name = $"test_{Interlocked.Increment(ref databasesMade)}";
        await using (var connection = await Administrate(server))
            // A copy of the files is half the work of one through the log, which here nobody needs.
            await Execute(connection, $"create database {name} template {template} strategy file_copy");
        lock (databases) databases.Add(name);
        return On(server, name);
    }

    static string On(EmbeddedPostgres server, string database) =>
        new NpgsqlConnectionStringBuilder(server.ConnectionString) { Database = database, MaxPoolSize = 10, MinPoolSize = 0 }.ConnectionString;

    static async Task<NpgsqlConnection> Administrate(EmbeddedPostgres server)
    {
        var connection = new NpgsqlConnection(On(server, "postgres") + ";Pooling=false");
        await connection.OpenAsync();
        return connection;
    }

    static async Task<EmbeddedPostgres> StartShared()
    {
        var server = await EmbeddedPostgres.Start(TestFolders.Options(TestFolders.Make("shared")), NullLogger.Instance);
        await using (var connection = await Administrate(server))
        {
            // What these tests store need not outlive the machine; that PostgreSQL keeps what it promises when the machine dies is for tests with a PostgreSQL of their own.
            foreach (var setting in (string[])["fsync", "full_page_writes"]) await Execute(connection, $"alter system set {setting} = off");
            await Execute(connection, "select pg_reload_conf()");
            await Execute(connection, $"create database {Template}");
        }
        await using var source = Database.Build(On(server, Template) + ";Pooling=false");
        await Migrations.Apply(source, NullLogger.Instance);
        return server;
    }

    static async Task Execute(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }
}

/// <summary>Folders for PostgreSQLs of tests. A shell that outlives this process removes them: the test runner gives a
/// process a tenth of a second to end, which is too short to wait for PostgreSQL.</summary>
static class TestFolders
{
    // The inner shell is nobody's child, as the test runner kills all that descend from this process.
    const string Broom = """
        exec 3<&0
        (
          trap '' INT TERM HUP
          read -r _ <&3
          busy() {
            for file in "$1"/*/data/postmaster.pid; do
              if [ -f "$file" ] && kill -0 "$(head -n 1 "$file")" 2>/dev/null; then return 0; fi
            done
            return 1
          }
          tries=0
          while busy "$1" && [ "$tries" -lt 300 ]; do tries=$((tries + 1)); sleep 0.1; done
          rm -rf -- "$1"
        ) >/dev/null 2>&1 &
        """;

    static readonly string Run = Path.Combine(Path.GetTempPath(), $"purser-tests-{Environment.ProcessId}");
    static readonly Process Sweeper = StartSweeper();
    static int made;

    /// <summary>A PostgreSQL in this folder, of the programs that the environment names, if it does.</summary>
    public static EmbeddedPostgresOptions Options(string folder) =>
        EmbeddedPostgresOptions.From(new ConfigurationBuilder().AddEnvironmentVariables().Build()) with { Directory = folder };

    /// <summary>A path that does not exist yet, in a folder that every account can pass.</summary>
    public static string Make(string name)
    {
        Sweeper.StandardInput.BaseStream.CanWrite.ShouldBeTrue();
        return Path.Combine(Run, $"{name}{Interlocked.Increment(ref made)}");
    }

    static Process StartSweeper()
    {
        Directory.CreateDirectory(Run);
        return Process.Start(new ProcessStartInfo("/bin/sh", ["-c", Broom, "purser-tests", Run])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
    }
}

/// <summary>Waiting for a condition, with a deadline and words for the failure.</summary>
public static class Until
{
    public static async Task True(Func<Task<bool>> condition, string what, int seconds = 180)
    {
        for (var waited = Stopwatch.StartNew(); !await condition();)
        {
            if (waited.Elapsed.TotalSeconds > seconds) throw new TimeoutException($"After {seconds} s still not: {what}.");
            await Task.Delay(20);
        }
    }

    public static Task True(Func<bool> condition, string what, int seconds = 180) =>
        True(() => Task.FromResult(condition()), what, seconds);
}
