using Npgsql;
using Purser.Server.Platform;

namespace Purser.Server.CommandLine;

/// <summary>The database as it is, for commands that only read it, beside a running server or without one.</summary>
static class StoredBooks
{
    public static async Task<int> Read(IConfiguration configuration, Func<NpgsqlDataSource, Task<int>> work, CancellationToken stop)
    {
        using var quiet = LoggerFactory.Create(logging => logging.SetMinimumLevel(LogLevel.None));
        await using var database = await Database.Open(configuration, quiet, share: true, stop);
        var standing = await Migrations.Pending(database.Source, stop);
        if (standing.Pending.Length > 0)
            throw new StartFailureException($"The database lacks {standing.Pending.Length} step(s) of this program; start the server once, which applies them.");
        return await work(database.Source);
    }
}
