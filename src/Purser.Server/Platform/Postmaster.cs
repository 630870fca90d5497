using System.Diagnostics;

namespace Purser.Server.Platform;

/// <summary>One run of PostgreSQL. Between it and us stands a shell, the guard: it holds a pipe that only we can close,
/// so that PostgreSQL shuts down cleanly when we let go and when we are killed; and it ends with PostgreSQL, so that
/// we hear of its death at once. The guard ignores Ctrl-C and PostgreSQL has a session of its own: both outlive the
/// requests that we still finish then.</summary>
sealed class Postmaster : IDisposable
{
    // exec 3: a shell gives its background jobs an empty standard input, and the reader needs the pipe. The reader dies by
    // KILL because it inherits that TERM is ignored.
    const string Guard = """
        trap '' INT TERM HUP
        exec 3<&0
        if command -v setsid >/dev/null 2>&1; then
          setsid "$1" -D "$2" </dev/null >"$3" 2>&1 3<&- &
        elif command -v perl >/dev/null 2>&1; then
          perl -e 'use POSIX; POSIX::setsid(); exec @ARGV' "$1" -D "$2" </dev/null >"$3" 2>&1 3<&- &
        else
          "$1" -D "$2" </dev/null >"$3" 2>&1 3<&- &
        fi
        postgres=$!
        (read -r _ <&3; kill -INT "$postgres") >/dev/null 2>&1 &
        reader=$!
        exec 3<&-
        wait "$postgres"
        code=$?
        kill -KILL "$reader" 2>/dev/null
        exit "$code"
        """;

    static readonly TimeSpan LongestShutdown = TimeSpan.FromSeconds(60);
    static readonly TimeSpan OrphanPoll = TimeSpan.FromMilliseconds(50);

    readonly Process guard;

    Postmaster(Process guard) => this.guard = guard;

    public Task Ended => guard.WaitForExitAsync();

    public bool HasEnded => guard.HasExited;

    public static Postmaster Launch(PostgresPrograms programs, PostgresHome home, PostgresAccount account)
    {
        var guard = account.Start("/bin/sh", ["-c", Guard, "purser-postgres", programs.Postgres, home.Data, home.StartLog]);
        // The streams carry nothing after the start; a full pipe would block the guard all the same.
        guard.OutputDataReceived += (_, _) => { };
        guard.ErrorDataReceived += (_, _) => { };
        guard.BeginOutputReadLine();
        guard.BeginErrorReadLine();
        return new(guard);
    }

    /// <summary>A fast shutdown: open work is rolled back, what is committed is on disk. Returns when it is over.</summary>
    public async Task Stop(PostgresHome home, PostgresAccount account)
    {
        if (!guard.HasExited) guard.StandardInput.Close();
        using var patience = new CancellationTokenSource(LongestShutdown);
        try
        {
            await guard.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            // At once is the same as a power cut, which PostgreSQL is made for.
            if (Living(home.Data) is { } process) await Signal(account, process, "QUIT", CancellationToken.None);
            await guard.WaitForExitAsync(CancellationToken.None);
        }
    }

    /// <summary>Ends a PostgreSQL that an earlier Purser left on this data directory, and waits until it is gone: two on
    /// one directory would destroy it. Also removes a postmaster.pid whose number belongs to somebody else by now,
    /// which PostgreSQL would take for a living server. Returns whether there was one.</summary>
    public static async Task<bool> EndOrphan(PostgresHome home, PostgresAccount account, CancellationToken stop)
    {
        if (Living(home.Data) is not { } orphan)
        {
            if (ProcessIn(home.Data) is { } number && IsAlive(number)) File.Delete(PidFile(home.Data));
            return false;
        }
        var asked = Stopwatch.StartNew();
        await Signal(account, orphan, "INT", stop);
        while (Living(home.Data) == orphan)
        {
            if (asked.Elapsed > LongestShutdown) await Signal(account, orphan, "QUIT", stop);
            await Task.Delay(OrphanPoll, stop);
        }
        return true;
    }

    /// <summary>Removes from the private folder of its sockets the locks of one that died without a word. Their number may be another process's by now, or that of a
    /// dead one that nobody has buried, and PostgreSQL would take either for a living server.</summary>
    public static void DropLeftLocks(string sockets, string data)
    {
        foreach (var file in Directory.EnumerateFiles(sockets, ".s.PGSQL.*.lock"))
            if (!int.TryParse(File.ReadLines(file).FirstOrDefault(), out var number) || !Serves(number, data)) File.Delete(file);
    }

    /// <summary>The process that serves this data directory, if one does.</summary>
    public static int? Living(string data) =>
        ProcessIn(data) is { } number && Serves(number, data) ? number : null;

    static bool Serves(int process, string data) => CommandLine(process).Contains(data, StringComparison.Ordinal);

    public void Dispose() => guard.Dispose();

    static async Task Signal(PostgresAccount account, int process, string signal, CancellationToken stop) =>
        await account.Shell("kill -\"$1\" \"$2\"", [signal, process.ToString()], stop);

    static string PidFile(string data) => Path.Combine(data, "postmaster.pid");

    static int? ProcessIn(string data) => int.TryParse(PidLines(data).FirstOrDefault(), out var number) ? number : null;

    /// <summary>The lines of postmaster.pid; none when there is no such file. Whoever may not read it does not know whether a server runs, and throws
    /// <see cref="StartFailureException"/>.</summary>
    public static string[] PidLines(string data)
    {
        try
        {
            return File.ReadAllLines(PidFile(data));
        }
        catch (IOException)
        {
            return [];
        }
        catch (UnauthorizedAccessException refused)
        {
            throw new StartFailureException(
                $"The account '{Environment.UserName}' may not read {PidFile(data)}, so it cannot be told whether PostgreSQL runs there. Act as the account " +
                $"that runs Purser; or name the folder of an installation of this account in {EmbeddedPostgresOptions.DirectorySetting}, or a server of " +
                $"yours in {EmbeddedPostgresOptions.ConnectionSetting}.", refused);
        }
    }

    static bool IsAlive(int process)
    {
        try
        {
            using var found = Process.GetProcessById(process);
            return !found.HasExited;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    /// <summary>Empty for a process that is gone, or dead and not yet buried.</summary>
    static string CommandLine(int process)
    {
        try
        {
            if (Directory.Exists("/proc/self"))
                return File.ReadAllText($"/proc/{process}/cmdline").Replace('\0', ' ');
            using var ps = Process.Start(new ProcessStartInfo("ps", ["-o", "args=", "-p", process.ToString()])
            {
                RedirectStandardOutput = true,
            })!;
            return ps.StandardOutput.ReadToEnd();
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
