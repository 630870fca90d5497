using System.ComponentModel;
using System.Diagnostics;

namespace Purser.Server.Platform;

/// <summary>Who runs PostgreSQL's programs. PostgreSQL refuses to run as root, so a Purser that is root lends the
/// work to another account; otherwise it is the account that Purser has. Name is null in that case.</summary>
sealed record PostgresAccount(string? Name)
{
    public sealed record Finished(int ExitCode, string Output);

    public static async Task<PostgresAccount> Choose(string? configured, CancellationToken stop)
    {
        if (!Environment.IsPrivilegedProcess) return new((string?)null);
        var self = new PostgresAccount((string?)null);
        foreach (var name in configured is null ? ["postgres", "nobody"] : new[] { configured })
        {
            var id = await self.Run("id", ["-u", name], stop);
            if (id.ExitCode == 0 && id.Output.Trim() != "0") return new(name);
        }
        throw new StartFailureException(configured is null
            ? "PostgreSQL refuses to run as root, and this machine has neither an account 'postgres' nor 'nobody'. " +
              $"Start Purser as an ordinary user, or name an account in {EmbeddedPostgresOptions.UserSetting}."
            : $"{EmbeddedPostgresOptions.UserSetting} is '{configured}': there is no such account, or it is root, which " +
              "PostgreSQL refuses. Name an ordinary account.");
    }

    /// <summary>Starts a program with its three streams piped; the caller owns it.</summary>
    public Process Start(string program, IEnumerable<string> arguments)
    {
        // The folder that Purser was started in may be closed to the other account; every program can enter the root.
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = "/",
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        if (Name is not null) start.UserName = Name;
        foreach (var name in start.Environment.Keys.Where(IsPostgresVariable).ToList()) start.Environment.Remove(name);
        start.Environment["LC_ALL"] = "C";
        try
        {
            return Process.Start(start)!;
        }
        catch (Win32Exception refused)
        {
            throw new StartFailureException(
                $"{program} cannot be started{(Name is null ? "" : $" as the account '{Name}'")}: {refused.Message}.", refused);
        }
    }

    /// <summary>Runs a program to its end. Both its streams come back as one text.</summary>
    public async Task<Finished> Run(string program, IEnumerable<string> arguments, CancellationToken stop, string input = "")
    {
        using var process = Start(program, arguments);
        var output = process.StandardOutput.ReadToEndAsync(stop);
        var errors = process.StandardError.ReadToEndAsync(stop);
        try
        {
            await process.StandardInput.WriteAsync(input.AsMemory(), stop);
            process.StandardInput.Close();
            await process.WaitForExitAsync(stop);
            return new(process.ExitCode, await output + await errors);
        }
        catch (IOException)
        {
            // The program ended without reading what it was given; its exit code and words say why.
            await process.WaitForExitAsync(stop);
            return new(process.ExitCode, await output + await errors);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
    }

    /// <summary>A few lines for the shell; the arguments are $1, $2 and so on, never part of the text.</summary>
    public Task<Finished> Shell(string script, IEnumerable<string> arguments, CancellationToken stop, string input = "") =>
        Run("/bin/sh", ["-c", script, "purser", .. arguments], stop, input);

    /// <summary>Writes a file as that account, readable by nobody else, and never half.</summary>
    public async Task Write(string path, string text, CancellationToken stop)
    {
        var done = await Shell("""umask 077; cat > "$1.new" && mv -f "$1.new" "$1" """, [path], stop, text);
        if (done.ExitCode != 0) throw PostgresFailure.From($"{path} cannot be written", done.Output, path);
    }

    // What a person has set for psql (PGHOST, PGDATA, PGOPTIONS) must not steer our server.
    static bool IsPostgresVariable(string name) => name.StartsWith("PG", StringComparison.Ordinal);
}
