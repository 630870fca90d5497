using System.Text.RegularExpressions;

namespace Purser.Server.Platform;

/// <summary>PostgreSQL's own programs, found on this machine: a folder that holds initdb and postgres.</summary>
sealed partial record PostgresPrograms(string Folder, int Major, string Version)
{
    public const int OldestMajor = 15;

    static readonly string[] SystemFolders =
    [
        "/usr/lib/postgresql/*/bin", "/usr/libexec/postgresql*", "/usr/pgsql-*/bin", "/usr/local/pgsql/bin",
        "/opt/homebrew/opt/postgresql@*/bin", "/usr/local/opt/postgresql@*/bin",
        "/Applications/Postgres.app/Contents/Versions/*/bin",
    ];

    public string InitDb => Path.Combine(Folder, "initdb");

    public string Postgres => Path.Combine(Folder, "postgres");

    /// <summary>The first that the account can run, of the wanted major version when there are files of one already.</summary>
    public static async Task<PostgresPrograms> Find(
        string? configured, int? wanted, PostgresAccount account, CancellationToken stop)
    {
        var seen = new List<string>();
        foreach (var folder in configured is null ? Candidates() : [Path.GetFullPath(configured)])
        {
            if (!File.Exists(Path.Combine(folder, "postgres")) || !File.Exists(Path.Combine(folder, "initdb")))
            {
                if (configured is not null) seen.Add($"{folder} does not hold both initdb and postgres");
                continue;
            }
            var said = await account.Shell("\"$1\" --version", [Path.Combine(folder, "postgres")], stop);
            if (said.ExitCode != 0 || VersionWords().Match(said.Output) is not { Success: true } match)
                seen.Add($"{Path.Combine(folder, "postgres")} cannot be run{(account.Name is { } name ? $" by '{name}'" : "")}: " +
                         said.Output.Trim());
            else if (int.Parse(match.Groups["major"].Value) is var major && major < OldestMajor)
                seen.Add($"{folder} is version {match.Groups["all"].Value}, older than {OldestMajor}");
            else if (wanted is not null && wanted != major)
                seen.Add($"{folder} is version {match.Groups["all"].Value}, but the data directory was made by version {wanted}");
            else
                return new(folder, major, match.Groups["all"].Value);
        }
        throw new StartFailureException(
            $"No usable PostgreSQL {(wanted is null ? $"{OldestMajor} or later" : $"{wanted}")} was found " +
            (configured is null ? "in PATH, the usual folders or where ./purser puts it" : $"where {EmbeddedPostgresOptions.ProgramsSetting} says") +
            ". Start through ./purser, which fetches it, or install it (Debian: postgresql; macOS: brew install postgresql), " +
            $"or name its folder in {EmbeddedPostgresOptions.ProgramsSetting}, or use a server of yours with " +
            $"{EmbeddedPostgresOptions.ConnectionSetting}.{string.Concat(seen.Select(line => "\n- " + line))}");
    }

    static IEnumerable<string> Candidates() =>
        OnPath().Concat(SystemFolders.SelectMany(Expand)).Concat(Fetched()).Distinct();

    static IEnumerable<string> OnPath() =>
        from folder in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries)
        let program = new FileInfo(Path.Combine(folder, "postgres"))
        where program.Exists
        // PATH often holds a link; the other programs and the libraries are beside what it points to.
        select Path.GetDirectoryName(program.ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? program.FullName);

    /// <summary>A pattern has one star, in one part of the path; newest first.</summary>
    static IEnumerable<string> Expand(string pattern)
    {
        var parts = pattern.Split('/');
        var star = Array.FindIndex(parts, part => part.Contains('*'));
        if (star < 0) return [pattern];
        var parent = string.Join('/', parts[..star]);
        if (!Directory.Exists(parent)) return [];
        return Directory.EnumerateDirectories(parent, parts[star])
            .OrderByDescending(folder => double.TryParse(Numbers().Match(Path.GetFileName(folder)).Value, out var number) ? number : 0)
            .Select(folder => string.Join('/', parts[(star + 1)..].Prepend(folder)));
    }

    /// <summary>What ./purser fetched: beside the sources, or for root where every account can reach it.</summary>
    static IEnumerable<string> Fetched()
    {
        for (var folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
            yield return Path.Combine(folder, ".purser/postgres/bin");
        yield return "/var/lib/purser/programs/bin";
    }

    [GeneratedRegex(@"PostgreSQL\)\s+(?<all>(?<major>\d+)\S*)")]
    private static partial Regex VersionWords();

    [GeneratedRegex(@"\d+(\.\d+)?")]
    private static partial Regex Numbers();
}
