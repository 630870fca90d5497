using System.Text.Json;
using Purser.Server.Platform;

namespace Purser.Server.CommandLine;

/// <summary>What `purser up` keeps from one start to the next, in a file that nobody else can read: its keys, which the database has as hashes only, and
/// where its sandbox is while it runs, for the doctor.</summary>
sealed record DevelopmentRecord(string? SecretKey = null, string? PublishableKey = null, string? Url = null, string? SandboxUrl = null)
{
    static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, WriteIndented = true };

    /// <summary>Beside the folder of the installation's PostgreSQL and not in it: that one belongs to another account, and may not be used at all.</summary>
    public static string PathOf(IConfiguration configuration) => EmbeddedPostgresOptions.DefaultDirectory(EmbeddedPostgresOptions.From(configuration).Name) + ".up.json";

    /// <summary>An empty one when there is none, or none that can be read: then keys are made anew.</summary>
    public static DevelopmentRecord Read(string path)
    {
        try
        {
            return JsonSerializer.Deserialize<DevelopmentRecord>(File.ReadAllText(path), Json) ?? new();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            return new();
        }
    }

    /// <summary>Puts the accounts of the sandbox of an `up` that runs above the configuration's, as they stand there: they exist in that process only.</summary>
    /// <returns>Null when none runs.</returns>
    public static async Task<DevelopmentRecord?> Join(IConfigurationManager configuration, CancellationToken stop)
    {
        var beside = Read(PathOf(configuration));
        if (beside.SandboxUrl is not { } control || await SandboxProcess.AccountsAt(control, stop) is not { } accounts) return null;
        configuration.AddInMemoryCollection(accounts);
        return beside;
    }

    public void Write(string path)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using var file = new FileStream(path, options);
        JsonSerializer.Serialize(file, this, Json);
    }
}
