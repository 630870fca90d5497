using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Purser.Server.Platform;

/// <summary>The folder of a private PostgreSQL: data, log, socket, password, settings; and the lock that keeps two
/// Pursers apart. Everything in it belongs to the account that runs PostgreSQL, and nobody else may enter.</summary>
sealed class PostgresHome(EmbeddedPostgresOptions options, PostgresAccount account)
{
    public const string Superuser = "purser";
    const int LogFilesKept = 10;
    const long MegaByte = 1 << 20;
    const long LeastFreeBytes = 200 * MegaByte;

    /// <summary>So long one that was just killed may take to go.</summary>
    static readonly TimeSpan LastBreath = TimeSpan.FromSeconds(3);

    public string Folder { get; } = options.Home;

    public string Data => Path.Combine(Folder, "data");

    public string Logs => Path.Combine(Folder, "log");

    public string StartLog => Path.Combine(Logs, "start.log");

    public string PasswordFile => Path.Combine(Folder, "password");

    string PortFile => Path.Combine(Folder, "port");

    string CustomSettings => Path.Combine(Folder, "custom.conf");

    /// <summary>The major version that made the data, or null when there is none yet.</summary>
    public int? DataMajor => File.Exists(Path.Combine(Data, "PG_VERSION"))
        ? int.Parse(File.ReadAllText(Path.Combine(Data, "PG_VERSION")))
        : null;

    /// <summary>Makes the folder, gives it to the account and takes the lock that is held until it is disposed. The
    /// kernel lets go of it when this process dies, however it dies.</summary>
    public async Task<IDisposable> Take(CancellationToken stop)
    {
        try
        {
            Directory.CreateDirectory(Folder);
            if (account.Name is { } name)
            {
                var given = await new PostgresAccount((string?)null).Run("chown", [name, Folder], stop);
                if (given.ExitCode != 0)
                    throw PostgresFailure.From($"{Folder} cannot be given to the account '{name}'", given.Output, Folder);
            }
        }
        catch (Exception refused) when (refused is UnauthorizedAccessException or IOException)
        {
            throw PostgresFailure.From($"The folder {Folder} cannot be made", refused.Message, Folder, refused);
        }
        var opened = await account.Shell("chmod 700 \"$1\" && mkdir -p \"$1/log\" && test -w \"$1/log\"", [Folder], stop);
        if (opened.ExitCode != 0)
            throw PostgresFailure.From($"The folder {Folder} cannot be used", opened.Output + "\nPermission denied", Folder);
        var began = TimeProvider.System.GetTimestamp();
        while (true)
            try
            {
                return Lock();
            }
            catch (StartFailureException held) when (held.IsTaken && TimeProvider.System.GetElapsedTime(began) < LastBreath)
            {
                await Task.Delay(50, stop);
            }
    }

    FileStream Lock()
    {
        var path = Path.Combine(Folder, "lock");
        var owner = Path.Combine(Folder, "owner");
        try
        {
            var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            File.WriteAllText(owner, Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
            return file;
        }
        catch (UnauthorizedAccessException refused)
        {
            throw PostgresFailure.From($"{path} cannot be opened", "Permission denied", Folder, refused);
        }
        catch (IOException held)
        {
            var holder = File.Exists(owner) ? $" (process {File.ReadAllText(owner)})" : "";
            throw new StartFailureException(
                $"Another Purser{holder} already runs the PostgreSQL in {Folder}. Stop that one first; or give this one its own " +
                $"with {EmbeddedPostgresOptions.NameSetting}; or let both use one server of yours with " +
                $"{EmbeddedPostgresOptions.ConnectionSetting}.", held)
            { IsTaken = true };
        }
    }

    /// <summary>Makes the data directory if there is none. It appears under its name only when it is whole, so that
    /// being killed half-way leaves nothing to repair.</summary>
    public async Task Initialise(PostgresPrograms programs, CancellationToken stop)
    {
        CheckSpace();
        if (DataMajor is not null) return;
        await account.Write(PasswordFile, RandomNumberGenerator.GetHexString(48, lowercase: true), stop);
        var fresh = Data + ".new";
        if (Directory.Exists(fresh)) Directory.Delete(fresh, recursive: true);
        var made = await account.Run(programs.InitDb,
        [
            "--pgdata", fresh, "--username", Superuser, "--pwfile", PasswordFile, "--auth", "scram-sha-256",
            "--encoding", "UTF8", "--locale", "C", "--data-checksums",
        ], stop);
        if (made.ExitCode != 0)
            throw PostgresFailure.From($"A data directory cannot be made in {Folder}", made.Output, Folder);
        var named = await account.Shell("mv -- \"$1\" \"$2\"", [fresh, Data], stop);
        if (named.ExitCode != 0) throw PostgresFailure.From($"{Data} cannot be named", named.Output, Folder);
    }

    void CheckSpace()
    {
        var free = new DriveInfo(Folder).AvailableFreeSpace;
        if (free < LeastFreeBytes)
            throw PostgresFailure.From($"Only {free / MegaByte} MB are free", "No space left on device", Folder);
    }

    public string Password
    {
        get
        {
            try
            {
                return File.ReadAllText(PasswordFile).Trim();
            }
            catch (Exception refused) when (refused is UnauthorizedAccessException or IOException)
            {
                throw new StartFailureException(
                    $"{PasswordFile} cannot be read ({refused.Message}). Act as the account that started Purser; if the " +
                    "file is lost, set a new password with PostgreSQL's single-user mode and write it there.", refused);
            }
        }
    }

    /// <summary>Where PostgreSQL listens, the same after every start: a socket if there can be one, else a port.</summary>
    public async Task<PostgresPlace> ChoosePlace(CancellationToken stop)
    {
        if (options.SocketFolder() is { } folder)
        {
            // A private folder under /tmp might have been made by somebody else first; then it is not used.
            var ours = await account.Shell(
                """mkdir -m 700 "$1" 2>/dev/null; [ -d "$1" ] && [ ! -L "$1" ] && [ -O "$1" ] && chmod 700 "$1" """, [folder], stop);
            if (ours.ExitCode == 0) return new(folder, options.Port);
        }
        var port = options.Port > 0 ? options.Port : File.Exists(PortFile) ? int.Parse(File.ReadAllText(PortFile)) : 0;
        if (options.Port == 0 && !IsFree(port))
        {
            port = FreePort();
            await account.Write(PortFile, port.ToString(CultureInfo.InvariantCulture), stop);
        }
        return new(null, port);
    }

    /// <summary>A port that no system gives to outgoing connections (Linux does from 32768, others from 49152), which would have it while PostgreSQL is away.</summary>
    static int FreePort()
    {
        for (var tries = 0; tries < 100; tries++)
            if (RandomNumberGenerator.GetInt32(20_000, 32_000) is var port && IsFree(port)) return port;
        throw new StartFailureException($"No port of loopback from 20000 to 32000 is free for PostgreSQL: choose one with {EmbeddedPostgresOptions.PortSetting}.");
    }

    static bool IsFree(int port)
    {
        if (port == 0) return false;
        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, port);
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    /// <summary>Writes postgresql.conf anew, as the machine may have changed; custom.conf beside it has the last word.</summary>
    public async Task WriteSettings(PostgresPrograms programs, PostgresPlace place, CancellationToken stop)
    {
        var free = new DriveInfo(Folder).AvailableFreeSpace;
        var memory = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        var path = Path.Combine(Data, "postgresql.conf");
        await account.Write(path, PostgresSettings.Text(place, Logs, CustomSettings, memory, free, "pglz"), stop);

        // lz4 costs a fraction of pglz, but not every build has it; the server itself is the one to know.
        var lz4 = await account.Run(programs.Postgres, ["-D", Data, "-c", "wal_compression=lz4", "-C", "wal_compression"], stop);
        if (lz4.ExitCode == 0)
            await account.Write(path, PostgresSettings.Text(place, Logs, CustomSettings, memory, free, "lz4"), stop);
    }

    /// <summary>PostgreSQL begins a new log file by size and by day; the oldest go, so that a log cannot fill the disk.</summary>
    public void DropOldLogs()
    {
        foreach (var old in Directory.EnumerateFiles(Logs, "postgresql-*.log").OrderDescending().Skip(LogFilesKept))
            File.Delete(old);
    }

    /// <summary>What the last start said: in its own file until the log opens, then in the log.</summary>
    public string LastWords()
    {
        var start = File.Exists(StartLog) ? File.ReadAllText(StartLog) : "";
        if (!start.Contains("redirecting log output", StringComparison.Ordinal)) return PostgresFailure.Tail(start);
        return Directory.EnumerateFiles(Logs, "postgresql-*.log").OrderDescending().FirstOrDefault() is { } newest
            ? PostgresFailure.Tail(File.ReadAllText(newest))
            : "";
    }
}

/// <summary>Where PostgreSQL listens. Without a socket folder the port is where to connect; with one it is an extra.</summary>
sealed record PostgresPlace(string? SocketFolder, int Port)
{
    /// <summary>Beside a socket the port only names the socket's file, unless it is opened on loopback as well.</summary>
    public int EffectivePort => Port > 0 ? Port : 5432;
}
