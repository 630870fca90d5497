using System.Collections.Immutable;
using System.Diagnostics;
using Npgsql;

namespace Purser.Server.Platform;

/// <summary>Brings the schema forward, never back. Every node does it at its start: one of them under a lock, each step
/// with its record in one transaction, so that being killed anywhere is mended by starting again.</summary>
public static class Migrations
{
    /// <summary>The number of the advisory lock ("purser" on a phone's keys). It is asked for and not waited for: a session
    /// that waits inside PostgreSQL would hold up the very index build that the holder runs.</summary>
    const long LockKey = 787737;

    /// <summary>A step that waits for a long reader makes everybody else wait behind it, so it gives way and tries again.</summary>
    const string LockPatience = "3s";

    static readonly TimeSpan LockPoll = TimeSpan.FromMilliseconds(100);
    static readonly TimeSpan PauseAfterGivingWay = TimeSpan.FromSeconds(2);
    static readonly TimeSpan LongestTry = TimeSpan.FromMinutes(5);

    const string Table = """
        create table if not exists schema_migrations (
          number integer primary key,
          name text not null,
          sha256 text not null,
          applied_at timestamptz not null default now()
        )
        """;

    /// <summary>What a database has of the steps of this program.</summary>
    public sealed record Standing(ImmutableArray<Migration> Pending, ImmutableArray<string> Unknown);

    /// <summary>Applies what is missing and returns what it applied. Throws <see cref="StartFailureException"/>.</summary>
    public static Task<ImmutableArray<Migration>> Apply(
        NpgsqlDataSource source, ILogger logger, CancellationToken stop = default) =>
        Apply(source, Migration.Embedded, logger, stop);

    public static async Task<ImmutableArray<Migration>> Apply(
        NpgsqlDataSource source, IReadOnlyList<Migration> migrations, ILogger logger, CancellationToken stop = default)
    {
        if (migrations.GroupBy(step => step.Number).FirstOrDefault(twins => twins.Count() > 1) is { } clash)
            throw new StartFailureException(
                $"{string.Join(" and ", clash.Select(step => step.File))} have the same number: give one the next free number.");
        await using var connection = await source.OpenConnectionAsync(stop);

        // The usual start finds nothing to do, and then needs no lock.
        var standing = await Compare(connection, migrations, stop);
        Warn(standing, logger);
        if (standing.Pending.IsEmpty) return [];

        await Lock(connection, logger, stop);
        try
        {
            await Execute(connection, Table, stop);
            standing = await Compare(connection, migrations, stop);
            foreach (var step in standing.Pending) await ApplyOne(connection, step, logger, stop);
            return standing.Pending;
        }
        finally
        {
            // A broken connection has lost the lock already.
            if (connection.State == System.Data.ConnectionState.Open)
                await Execute(connection, $"select pg_advisory_unlock({LockKey})", CancellationToken.None);
        }
    }

    /// <summary>What is still to be applied; throws like <see cref="Apply(NpgsqlDataSource, ILogger, CancellationToken)"/>
    /// when the database cannot be brought forward by this program.</summary>
    public static Task<Standing> Pending(NpgsqlDataSource source, CancellationToken stop = default) =>
        Pending(source, Migration.Embedded, stop);

    public static async Task<Standing> Pending(
        NpgsqlDataSource source, IReadOnlyList<Migration> migrations, CancellationToken stop = default)
    {
        await using var connection = await source.OpenConnectionAsync(stop);
        return await Compare(connection, migrations, stop);
    }

    static async Task<Standing> Compare(NpgsqlConnection connection, IReadOnlyList<Migration> migrations, CancellationToken stop)
    {
        var applied = await Applied(connection, stop);
        foreach (var step in migrations)
        {
            if (applied.TryGetValue(step.Number, out var old) && old.Sha256 != step.Sha256)
                throw new StartFailureException(
                    $"{step.File} is not the text that was applied to this database (as '{old.Name}'). An applied step is never " +
                    "changed: put its text back and write the change as the next number.");
            if (old is null && applied.Keys.Any(number => number > step.Number))
                throw new StartFailureException(
                    $"{step.File} was not applied, but {applied.Keys.Max():0000} already is. Steps only go forward: give it the " +
                    "next free number.");
        }
        var known = migrations.Select(step => step.Number).ToHashSet();
        return new(
            [.. migrations.Where(step => !applied.ContainsKey(step.Number)).OrderBy(step => step.Number)],
            [.. applied.Where(row => !known.Contains(row.Key)).OrderBy(row => row.Key).Select(row => $"{row.Key:0000}_{row.Value.Name}")]);
    }

    sealed record AppliedStep(string Name, string Sha256);

    static async Task<Dictionary<int, AppliedStep>> Applied(NpgsqlConnection connection, CancellationToken stop)
    {
        var applied = new Dictionary<int, AppliedStep>();
        await using var exists = new NpgsqlCommand("select to_regclass('schema_migrations') is not null", connection);
        if (await exists.ExecuteScalarAsync(stop) is false) return applied;
        await using var command = new NpgsqlCommand("select number, name, sha256 from schema_migrations", connection);
        await using var rows = await command.ExecuteReaderAsync(stop);
        while (await rows.ReadAsync(stop)) applied.Add(rows.GetInt32(0), new(rows.GetString(1), rows.GetString(2)));
        return applied;
    }

    static async Task Lock(NpgsqlConnection connection, ILogger logger, CancellationToken stop)
    {
        for (var told = false; ; told = true)
        {
            await using var ask = new NpgsqlCommand($"select pg_try_advisory_lock({LockKey})", connection);
            if (await ask.ExecuteScalarAsync(stop) is true) return;
            if (!told) logger.LogInformation("Another node is bringing the schema forward; waiting for it.");
            await Task.Delay(LockPoll, stop);
        }
    }

    static async Task ApplyOne(NpgsqlConnection connection, Migration step, ILogger logger, CancellationToken stop)
    {
        var tried = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                await Run(connection, step, stop);
                logger.LogInformation("Applied {File} in {Milliseconds} ms.", step.File, tried.ElapsedMilliseconds);
                return;
            }
            catch (PostgresException busy) when (busy.SqlState == PostgresErrorCodes.LockNotAvailable && tried.Elapsed < LongestTry)
            {
                logger.LogWarning("{File} gave way to other work on the same table and is tried again.", step.File);
                await Task.Delay(PauseAfterGivingWay, stop);
            }
            catch (PostgresException refused)
            {
                throw new StartFailureException(
                    refused.SqlState == PostgresErrorCodes.LockNotAvailable
                        ? $"{step.File} found its tables locked by other sessions for {tried.Elapsed.TotalMinutes:0} minutes. End the " +
                          "long ones (see pg_stat_activity) and start again."
                        : $"{step.File} cannot be applied: {refused.MessageText} ({refused.SqlState}).", refused);
            }
        }
    }

    static async Task Run(NpgsqlConnection connection, Migration step, CancellationToken stop)
    {
        if (step.RunsOutsideTransaction)
        {
            // Killed between the last statement and the record, all of them run again; that is asked of such files.
            foreach (var statement in step.Statements) await Execute(connection, statement, stop);
            await Record(connection, step, stop);
            return;
        }
        await using var transaction = await connection.BeginTransactionAsync(stop);
        await Execute(connection, $"set local lock_timeout = '{LockPatience}'", stop);
        await Execute(connection, step.Sql, stop);
        await Record(connection, step, stop);
        await transaction.CommitAsync(stop);
    }

    static async Task Record(NpgsqlConnection connection, Migration step, CancellationToken stop)
    {
        await using var insert = new NpgsqlCommand(
            "insert into schema_migrations (number, name, sha256) values ($1, $2, $3)", connection)
        {
            Parameters = { new() { Value = step.Number }, new() { Value = step.Name }, new() { Value = step.Sha256 } },
        };
        await insert.ExecuteNonQueryAsync(stop);
    }

    static async Task Execute(NpgsqlConnection connection, string sql, CancellationToken stop)
    {
        // A step may rewrite a table for as long as that takes.
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync(stop);
    }

    static void Warn(Standing standing, ILogger logger)
    {
        if (!standing.Unknown.IsEmpty)
            logger.LogWarning(
                "The database is newer than this program: it has {Unknown}. That is right during a rolling update.",
                string.Join(", ", standing.Unknown));
    }
}
