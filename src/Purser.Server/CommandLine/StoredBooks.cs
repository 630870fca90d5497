using System.CommandLine;
using System.Globalization;
using Npgsql;
using Purser.Server.Platform;

namespace Purser.Server.CommandLine;

/// <summary>The database as it is, for commands that only read it, beside a running server or without one.</summary>
static class StoredBooks
{
    /// <summary>A time that a person writes: UTC unless it says otherwise, whatever zone the machine is in.</summary>
    public static Option<DateTimeOffset?> Time(string name, string description) => new(name)
    {
        Description = description,
        CustomParser = words =>
        {
            if (DateTimeOffset.TryParse(words.Tokens[0].Value, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)) return time.ToUniversalTime();
            words.AddError($"{name} is '{words.Tokens[0].Value}'; write a day such as 2026-03-01 or a time such as 2026-03-01T10:00:00Z.");
            return null;
        },
    };

    public static async Task<int> Read(IConfiguration configuration, Func<NpgsqlDataSource, Task<int>> work, CancellationToken stop)
    {
        using var quiet = LoggerFactory.Create(logging => logging.SetMinimumLevel(LogLevel.None));
        await using var database = await Database.Open(configuration, quiet, DatabaseUse.Beside, stop);
        var standing = await Migrations.Pending(database.Source, stop);
        if (standing.Pending.Length > 0)
            throw new StartFailureException($"The database lacks {standing.Pending.Length} step(s) of this program; start the server once, which applies them.");
        return await work(database.Source);
    }
}
