using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Configuration;

namespace Purser.Server.Platform;

/// <summary>Where the private PostgreSQL lives and what runs it. Every value has a good default; as environment
/// variables the settings are written <c>Purser__Postgres__Directory</c> and so on.</summary>
public sealed record EmbeddedPostgresOptions
{
    public const string ProgramsSetting = "Purser:Postgres:Programs";
    public const string DirectorySetting = "Purser:Postgres:Directory";
    public const string NameSetting = "Purser:Postgres:Name";
    public const string UserSetting = "Purser:Postgres:User";
    public const string PortSetting = "Purser:Postgres:Port";
    public const string ConnectionSetting = "ConnectionStrings:Purser";

    /// <summary>The kernel's limit for a socket's path is 108 bytes on Linux and 104 on macOS, with the closing zero.</summary>
    const int LongestSocketPathBytes = 103;

    const string SocketFile = "/.s.PGSQL.65535";

    /// <summary>The folder with initdb and postgres; null looks in PATH, the usual folders and where ./purser puts them.</summary>
    public string? Programs { get; init; }

    /// <summary>The folder that holds all of it: data, log, password. Null is <see cref="DefaultDirectory"/>.</summary>
    public string? Directory { get; init; }

    /// <summary>Tells several installations of one machine apart; the last part of the default directory.</summary>
    public string Name { get; init; } = "main";

    /// <summary>Who runs PostgreSQL when Purser itself is root; null is <c>postgres</c>, or else <c>nobody</c>.</summary>
    public string? User { get; init; }

    /// <summary>A port on 127.0.0.1, beside the socket; 0 is none. Without a usable socket a free one is chosen.</summary>
    public int Port { get; init; }

    /// <summary>Whether a Unix socket may be used; off only where the file system cannot hold one.</summary>
    public bool Sockets { get; init; } = true;

    public static EmbeddedPostgresOptions From(IConfiguration configuration) => new()
    {
        Programs = Text(configuration, ProgramsSetting),
        Directory = Text(configuration, DirectorySetting),
        Name = Text(configuration, NameSetting) ?? "main",
        User = Text(configuration, UserSetting),
        Port = Text(configuration, PortSetting) is not { } port ? 0
            : int.TryParse(port, out var number) && number is >= 0 and <= 65535 ? number
            : throw new StartFailureException($"{PortSetting} is '{port}'; it must be a port from 1 to 65535, or 0 for none."),
        Sockets = !string.Equals(configuration["Purser:Postgres:Sockets"], "false", StringComparison.OrdinalIgnoreCase),
    };

    /// <summary>Root uses /var/lib because the account that PostgreSQL runs under cannot enter root's own folders.</summary>
    public static string DefaultDirectory(string name)
    {
        if (Environment.IsPrivilegedProcess) return Path.Combine("/var/lib/purser", name);
        var share = Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify);
        return Path.Combine(share.Length > 0 ? share : Path.GetTempPath(), "purser", name);
    }

    internal string Home => Path.GetFullPath(Directory ?? DefaultDirectory(Name));

    /// <summary>The private folder of the socket: inside the home when the path is short enough, else under the
    /// temporary folder with a name that follows from the home, so that it is the same after every start.
    /// Null when neither is short enough.</summary>
    internal string? SocketFolder()
    {
        if (!Sockets) return null;
        var inside = Path.Combine(Home, "socket");
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Home)))[..12];
        return new[] { inside, Path.Combine(Path.GetTempPath(), "purser-" + hash), "/tmp/purser-" + hash }
            .FirstOrDefault(folder => Encoding.UTF8.GetByteCount(folder + SocketFile) <= LongestSocketPathBytes);
    }

    static string? Text(IConfiguration configuration, string key) =>
        configuration[key] is { } value && !string.IsNullOrWhiteSpace(value) ? value.Trim() : null;
}
