using System.Net.Sockets;
using System.Runtime.ExceptionServices;
using Microsoft.Extensions.Configuration;
using Npgsql;

namespace Purser.Server.Platform;

/// <summary>Who opens the database: a server, which makes what is missing, or a command beside one. Which of two installations is meant is the
/// setting's and the account's, so a command that made its own would look into an empty one and find nothing wrong.</summary>
public enum DatabaseUse
{
    /// <summary>Its own private PostgreSQL, made where there is none.</summary>
    Serve,

    /// <summary>The private PostgreSQL that another process runs, or else started from what is there; never made.</summary>
    Beside,

    /// <summary>As <see cref="Beside"/>, but made where there is none.</summary>
    BesideOrNew,
}

/// <summary>The way to PostgreSQL: the server named in ConnectionStrings:Purser, or else a private one that starts and
/// stops with this object.</summary>
public sealed class Database : IAsyncDisposable
{
    public static readonly TimeSpan ProbePatience = TimeSpan.FromSeconds(1);

    /// <summary>What a connection string of an operator does not say. No Reset On Close: every statement of ours leaves its
    /// session as it found it, so a round trip per use is saved. A proxy that shares sessions between clients does
    /// not do: prepared statements, notices and some locks are of a session.</summary>
    const string Defaults =
        "Application Name=purser;Maximum Pool Size=30;Minimum Pool Size=1;Connection Idle Lifetime=300;Timeout=5;" +
        "Command Timeout=15;Cancellation Timeout=2000;Keepalive=30;Max Auto Prepare=100;Auto Prepare Min Usages=2;" +
        "No Reset On Close=true;Include Error Detail=false;";

    Database(NpgsqlDataSource source, EmbeddedPostgres? embedded)
    {
        Source = source;
        Embedded = embedded;
        AppDomain.CurrentDomain.FirstChanceException += Heal;
    }

    /// <summary>After some errors in a batch the driver takes statements for prepared that are not, and every later use of them on that connection fails
    /// (npgsql 6391). Which connection of the pool it was, nobody knows where the error arrives; whoever met it, all are opened anew.
    /// The error is heard where it is thrown, for the driver has no place to hear it: its data source cannot be derived from, and its connections and commands,
    /// which every store makes by itself, tell nobody that a statement failed. An error of another source costs this one's connections a new opening, no more.</summary>
    void Heal(object? sender, FirstChanceExceptionEventArgs thrown)
    {
        if (thrown.Exception is PostgresException { SqlState: PostgresErrorCodes.InvalidSqlStatementName }) Source.Clear();
    }

    public NpgsqlDataSource Source { get; }

    /// <summary>Null with a server of the operator's own, or when another Purser of this machine runs the private one.</summary>
    public EmbeddedPostgres? Embedded { get; }

    /// <summary>Opens the database and checks that it is one that Purser can use. Throws <see cref="StartFailureException"/>, for
    /// <see cref="DatabaseUse.Beside"/> also when there is no installation.</summary>
    public static async Task<Database> Open(
        IConfiguration configuration, ILoggerFactory loggers, DatabaseUse use = DatabaseUse.Serve, CancellationToken stop = default)
    {
        EmbeddedPostgres? embedded = null;
        var given = configuration.GetConnectionString("Purser");
        if (string.IsNullOrWhiteSpace(given))
        {
            var options = EmbeddedPostgresOptions.From(configuration);
            given = use == DatabaseUse.Serve ? null : EmbeddedPostgres.Running(options);
            if (given is null)
            {
                if (use == DatabaseUse.Beside && !EmbeddedPostgres.IsMade(options)) throw new StartFailureException(Nowhere(options));
                embedded = await EmbeddedPostgres.Start(options, loggers.CreateLogger<EmbeddedPostgres>(), stop);
                given = embedded.ConnectionString;
            }
        }
        NpgsqlDataSource? source = null;
        try
        {
            source = Build(given, loggers);
            await Check(source, stop);
            return new(source, embedded);
        }
        catch
        {
            if (source is not null) await source.DisposeAsync();
            if (embedded is not null) await embedded.DisposeAsync();
            throw;
        }
    }

    static string Nowhere(EmbeddedPostgresOptions options) =>
        $"There is no installation of Purser in {options.Home}, where the account '{Environment.UserName}' looks; nothing was made. Run this as the " +
        $"account that runs Purser, or set {EmbeddedPostgresOptions.ConnectionSetting}, {EmbeddedPostgresOptions.DirectorySetting} or " +
        $"{EmbeddedPostgresOptions.NameSetting} as the server has it. The first start of a server makes an installation.";

    /// <summary>The data source of a connection string, which has the last word over our defaults.</summary>
    public static NpgsqlDataSource Build(string connectionString, ILoggerFactory? loggers = null)
    {
        NpgsqlSlimDataSourceBuilder builder;
        try
        {
            builder = new(Defaults + connectionString);
        }
        catch (Exception wrong) when (wrong is ArgumentException or FormatException or KeyNotFoundException)
        {
            // The text may hold a password, so it is not repeated, and neither is the cause.
            throw new StartFailureException(
                $"{EmbeddedPostgresOptions.ConnectionSetting} is not a connection string. It looks like " +
                "'Host=db.example;Database=purser;Username=purser;Password=...'.");
        }
        builder.EnableArrays();
        builder.EnableJsonTypes();
        builder.EnableTransportSecurity();
        if (loggers is not null) builder.UseLoggerFactory(loggers);
        return builder.Build();
    }

    /// <summary>Whether PostgreSQL answers now, for /readyz.</summary>
    public Task<bool> IsReady(CancellationToken stop = default) => Answers(Source, ProbePatience, stop);

    public static async Task<bool> Answers(NpgsqlDataSource source, TimeSpan patience, CancellationToken stop = default)
    {
        try
        {
            // A server that is silent while a connection opens is not interrupted by a token, but by Npgsql's own Timeout;
            // whoever asks does not wait that long.
            return await Ask().WaitAsync(patience, stop);
        }
        catch (TimeoutException)
        {
            return false;
        }

        async Task<bool> Ask()
        {
            try
            {
                await using var command = source.CreateCommand("select 1");
                return await command.ExecuteScalarAsync(stop) is 1;
            }
            catch (Exception away) when (away is NpgsqlException or SocketException or ObjectDisposedException)
            {
                return false;
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        AppDomain.CurrentDomain.FirstChanceException -= Heal;
        await Source.DisposeAsync();
        if (Embedded is not null) await Embedded.DisposeAsync();
    }

    static async Task Check(NpgsqlDataSource source, CancellationToken stop)
    {
        try
        {
            await using var connection = await source.OpenConnectionAsync(stop);
            if (Unfit(connection.PostgreSqlVersion, connection.PostgresParameters.GetValueOrDefault("server_encoding")) is { } why)
                throw new StartFailureException(why);
        }
        catch (NpgsqlException refused)
        {
            throw new StartFailureException(
                $"PostgreSQL cannot be reached as {EmbeddedPostgresOptions.ConnectionSetting} says ({refused.Message}). Check " +
                "that it runs, and host, port, database, user and password; or remove the setting to use the embedded one.",
                refused);
        }
    }

    /// <summary>Why Purser cannot use a server of this version and encoding, or null when it can.</summary>
    internal static string? Unfit(Version version, string? encoding) =>
        version.Major < PostgresPrograms.OldestMajor
            ? $"PostgreSQL {version} is too old: Purser needs {PostgresPrograms.OldestMajor} or later. Upgrade the server, " +
              $"or name another in {EmbeddedPostgresOptions.ConnectionSetting}."
        : encoding is not (null or "UTF8")
            ? $"The database has the encoding {encoding}, which cannot hold every name. Create one with " +
              $"\"create database purser encoding 'UTF8' template template0\" and name it in " +
              $"{EmbeddedPostgresOptions.ConnectionSetting}."
        : null;
}
