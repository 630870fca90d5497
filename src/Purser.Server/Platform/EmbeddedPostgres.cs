using System.Diagnostics;
using System.Globalization;
using Npgsql;

namespace Purser.Server.Platform;

/// <summary>How the private PostgreSQL is, and since when it has been away if it is.</summary>
public enum PostgresHealth
{
    Running,
    Restarting,
    Stopped,
}

/// <summary>A private PostgreSQL that lives and dies with this process. It is reached over a socket in a private folder
/// (or loopback where there can be none), with a random password; it is started again when it dies; and it shuts
/// down by itself when this process is killed. Its folder has one owner at a time.</summary>
public sealed class EmbeddedPostgres : IAsyncDisposable
{
    static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(20);
    static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(100);
    static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);
    static readonly TimeSpan LogSweep = TimeSpan.FromHours(1);
    static readonly TimeSpan LogDelay = TimeSpan.FromSeconds(1);
    static readonly TimeSpan PatienceWithoutNews = TimeSpan.FromSeconds(10);

    readonly PostgresPrograms programs;
    readonly PostgresHome home;
    readonly PostgresAccount account;
    readonly PostgresPlace place;
    readonly IDisposable ownership;
    readonly ILogger logger;
    readonly CancellationTokenSource leaving = new();
    Postmaster? postmaster;
    Task watching = Task.CompletedTask;
    int disposed;

    EmbeddedPostgres(
        PostgresPrograms programs, PostgresHome home, PostgresAccount account, PostgresPlace place, IDisposable ownership, ILogger logger)
    {
        this.programs = programs;
        this.home = home;
        this.account = account;
        this.place = place;
        this.ownership = ownership;
        this.logger = logger;
        ConnectionString = Connection(place, home);
    }

    /// <summary>For Npgsql. It stays the same when PostgreSQL is started again.</summary>
    public string ConnectionString { get; }

    public PostgresHealth Health { get; private set; } = PostgresHealth.Stopped;

    /// <summary>How often PostgreSQL died under us and was started again.</summary>
    public int Restarts { get; private set; }

    public string Version => programs.Version;

    public string Directory => home.Folder;

    /// <summary>Whether this start made the data: nothing was there before.</summary>
    public bool IsNew { get; private init; }

    /// <summary>Makes what is missing, starts PostgreSQL and returns when it answers. Throws
    /// <see cref="StartFailureException"/> when it cannot, and when another Purser already runs this one.</summary>
    public static async Task<EmbeddedPostgres> Start(
        EmbeddedPostgresOptions options, ILogger logger, CancellationToken stop = default)
    {
        if (OperatingSystem.IsWindows())
            throw new StartFailureException(
                "The embedded PostgreSQL runs on Linux and macOS. On Windows install PostgreSQL 15 or later and name it in " +
                $"{EmbeddedPostgresOptions.ConnectionSetting}.");
        var account = await PostgresAccount.Choose(options.User, stop);
        var home = new PostgresHome(options, account);
        var ownership = await home.Take(stop);
        EmbeddedPostgres? embedded = null;
        try
        {
            var programs = await PostgresPrograms.Find(options.Programs, home.DataMajor, account, stop);
            if (await Postmaster.EndOrphan(home, account, stop))
                logger.LogWarning("A PostgreSQL left over in {Directory} was shut down.", home.Folder);
            var isNew = home.DataMajor is null;
            await home.Initialise(programs, stop);
            var place = await home.ChoosePlace(stop);
            await home.WriteSettings(programs, place, stop);
            embedded = new(programs, home, account, place, ownership, logger) { IsNew = isNew };
            await embedded.Launch(stop);
            await embedded.MakeDatabase(stop);
        }
        catch
        {
            if (embedded is null) ownership.Dispose();
            else await embedded.DisposeAsync();
            throw;
        }
        embedded.watching = Task.Run(embedded.Watch, CancellationToken.None);
        logger.LogInformation(
            "PostgreSQL {Version} from {Programs} serves {Directory}.", embedded.Version, embedded.programs.Folder, home.Folder);
        return embedded;
    }

    /// <summary>The connection string of the private PostgreSQL that another process of this machine runs with the same
    /// options, or null when none does: for commands that work beside a running server.</summary>
    public static string? Running(EmbeddedPostgresOptions options)
    {
        var home = new PostgresHome(options, new(Name: null));
        if (Postmaster.Living(home.Data) is null) return null;
        var lines = Postmaster.PidLines(home.Data);
        if (lines.Length < 8 || lines[7].Trim() != "ready") return null;
        var port = int.Parse(lines[3]);
        return Connection(new(lines[4].Length > 0 ? lines[4] : null, port), home);
    }

    /// <summary>Whether there is data to run a PostgreSQL on. Throws <see cref="StartFailureException"/> when this account may not look.</summary>
    public static bool IsMade(EmbeddedPostgresOptions options)
    {
        var home = new PostgresHome(options, new(Name: null));
        return Postmaster.Living(home.Data) is not null || home.DataMajor is not null;
    }

    /// <summary>Shuts PostgreSQL down and lets go of its folder.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref disposed, 1) != 0) return;
        await leaving.CancelAsync();
        try
        {
            await watching;
            if (postmaster is not null) await postmaster.Stop(home, account);
        }
        finally
        {
            postmaster?.Dispose();
            Health = PostgresHealth.Stopped;
            ownership.Dispose();
            leaving.Dispose();
        }
    }

    static string Connection(PostgresPlace place, PostgresHome home) => new NpgsqlConnectionStringBuilder
    {
        Host = place.SocketFolder ?? "127.0.0.1",
        Port = place.EffectivePort,
        Username = PostgresHome.Superuser,
        Password = home.Password,
        Database = "purser",
    }.ConnectionString;

    async Task Launch(CancellationToken stop)
    {
        if (place.SocketFolder is { } folder) Postmaster.DropLeftLocks(folder, home.Data);
        var launched = postmaster = Postmaster.Launch(programs, home, account);
        var waiting = Stopwatch.StartNew();
        var told = TimeSpan.Zero;
        while (!await Answers(stop))
        {
            if (launched.HasEnded)
                throw PostgresFailure.From($"PostgreSQL in {home.Folder} does not start", await FinalWords(stop), home.Folder);
            if (waiting.Elapsed - told > PatienceWithoutNews)
            {
                told = waiting.Elapsed;
                logger.LogWarning("PostgreSQL is still starting after {Seconds:0} s: {Words}", told.TotalSeconds, home.LastWords());
            }
            await Task.Delay(Poll, stop);
        }
        Health = PostgresHealth.Running;
    }

    /// <summary>The log is written by a process of its own, which may be a moment behind the death that it tells of.</summary>
    async Task<string> FinalWords(CancellationToken stop)
    {
        var waiting = Stopwatch.StartNew();
        while (!home.LastWords().Contains("FATAL", StringComparison.Ordinal) && waiting.Elapsed < LogDelay) await Task.Delay(Poll, stop);
        return home.LastWords();
    }

    /// <summary>Whether PostgreSQL takes our password. The file says first whether asking is worth it.</summary>
    async Task<bool> Answers(CancellationToken stop)
    {
        if (Running(home) is false) return false;
        try
        {
            await using var connection = await Open("postgres", stop);
            return true;
        }
        catch (PostgresException refused) when (refused.SqlState == PostgresErrorCodes.InvalidPassword)
        {
            throw new StartFailureException(
                $"PostgreSQL does not take the password in {home.PasswordFile}: the file was changed or belongs to other data. " +
                "Put the right one back.", refused);
        }
        catch (NpgsqlException)
        {
            // Recovering, or its socket is not there yet: it will be asked again.
            return false;
        }

        static bool Running(PostgresHome home) => Postmaster.Living(home.Data) is not null;
    }

    async Task MakeDatabase(CancellationToken stop)
    {
        await using var connection = await Open("postgres", stop);
        await using var find = new NpgsqlCommand("select 1 from pg_database where datname = 'purser'", connection);
        if (await find.ExecuteScalarAsync(stop) is not null) return;
        await using var make = new NpgsqlCommand("create database purser", connection);
        await make.ExecuteNonQueryAsync(stop);
    }

    async Task<NpgsqlConnection> Open(string database, CancellationToken stop)
    {
        var connection = new NpgsqlConnection(
            new NpgsqlConnectionStringBuilder(ConnectionString) { Database = database, Pooling = false }.ConnectionString);
        await connection.OpenAsync(stop);
        return connection;
    }

    async Task Watch()
    {
        while (!leaving.IsCancellationRequested)
        {
            try
            {
                if (postmaster is not { Ended: var ended } || await Task.WhenAny(ended, Task.Delay(LogSweep, leaving.Token)) == ended)
                    await StartAgain();
                else
                    home.DropOldLogs();
            }
            catch (OperationCanceledException) when (leaving.IsCancellationRequested)
            {
                return;
            }
            catch (Exception refused) when (refused is not OutOfMemoryException)
            {
                logger.LogWarning(refused, "Old logs in {Directory} cannot be removed.", home.Logs);
            }
        }
    }

    /// <summary>Tries for as long as it takes, whatever stands in the way: the disk may be freed, the memory may come back, the folder be given back.</summary>
    async Task StartAgain()
    {
        Health = PostgresHealth.Restarting;
        logger.LogError("PostgreSQL ended unexpectedly: {Words}", Words());
        for (var pause = FirstPause; ; pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
        {
            postmaster?.Dispose();
            postmaster = null;
            try
            {
                await Postmaster.EndOrphan(home, account, leaving.Token);
                await Launch(leaving.Token);
                Restarts++;
                logger.LogWarning("PostgreSQL runs again.");
                return;
            }
            catch (Exception failure) when (failure is not OutOfMemoryException && !(failure is OperationCanceledException && leaving.IsCancellationRequested))
            {
                logger.LogError(
                    failure is StartFailureException ? null : failure, "PostgreSQL does not start again; next try in {Seconds} s. {Reason}",
                    pause.TotalSeconds.ToString("0.0", CultureInfo.InvariantCulture), failure.Message);
            }
            await Task.Delay(pause, leaving.Token);
        }
    }

    /// <summary>For the log only: that they cannot be read keeps nothing from being started.</summary>
    string Words()
    {
        try
        {
            return home.LastWords();
        }
        catch (Exception refused) when (refused is not OutOfMemoryException)
        {
            return $"its own log cannot be read ({refused.Message})";
        }
    }
}
