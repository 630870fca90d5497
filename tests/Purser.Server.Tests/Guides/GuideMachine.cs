using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Purser.Server.Platform;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Guides;

/// <summary>A PostgreSQL with the guide's own settings, and one that is put back from what the guide's backup has kept.</summary>
sealed class GuideMachine : IAsyncDisposable
{
    readonly EmbeddedPostgres postgres;

    GuideMachine(EmbeddedPostgres postgres) => this.postgres = postgres;

    public string Connection => postgres.ConnectionString;

    /// <summary>Its first line is the number of the process.</summary>
    public string ProcessFile => Path.Combine(postgres.Directory, "data", "postmaster.pid");

    public static async Task<GuideMachine> Start() => new(await EmbeddedPostgres.Start(TestFolders.Options(TestFolders.Make("guide")), NullLogger.Instance));

    /// <summary>They are in force from its next start on.</summary>
    public Task Set(string settings) => File.WriteAllTextAsync(Path.Combine(postgres.Directory, "custom.conf"), settings);

    /// <summary>To a moment, as the guide has it: a copy of a base backup, the settings, and an empty file.</summary>
    public async Task<GuideMachine> Restored(string backup, string settings)
    {
        var folder = TestFolders.Make("restored");
        await PostgresTools.Run(Connection, "/bin/bash", "-euc", """
            mkdir "$2"
            cp "$1/password" "$2"
            cp -a "$3" "$2/data"
            touch "$2/data/recovery.signal"
            printf '%s\n' "$4" > "$2/custom.conf"
            chmod -R u=rwX,go= "$2"
            chown -R --reference="$1/data" "$2"
            """, "guide", postgres.Directory, folder, backup, settings);
        return new(await EmbeddedPostgres.Start(TestFolders.Options(folder), NullLogger.Instance));
    }

    public async Task<T> Ask<T>(string sql)
    {
        await using var connection = new NpgsqlConnection(Connection + ";Pooling=false");
        await connection.OpenAsync();
        await using var ask = new NpgsqlCommand(sql, connection);
        return (T)(await ask.ExecuteScalarAsync())!;
    }

    public ValueTask DisposeAsync() => postgres.DisposeAsync();
}
