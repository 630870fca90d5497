using System.Text.Json;
using System.Text.RegularExpressions;
using Npgsql;
using Purser.Server.Risk;

namespace Purser.Server.Tests.Guides;

/// <summary>Blocks that are not run but read: every name in them must be one that the program, PostgreSQL or the proxy knows.</summary>
static partial class GuideWords
{
    static readonly Lazy<string> Sources = new(() => string.Join('\n', Directory.EnumerateFiles(Path.Combine(GuidePage.Root, "src"), "*.cs", SearchOption.AllDirectories)
        .Concat(Directory.EnumerateFiles(Path.Combine(GuidePage.Root, "gateways"), "*.cs", SearchOption.AllDirectories)).Where(f => !f.Contains("/obj/", StringComparison.Ordinal)).Select(File.ReadAllText)));

    static readonly string[] ServiceKeys =
    [
        "[Unit]", "Description", "After", "Wants", "[Service]", "User", "EnvironmentFile", "WorkingDirectory", "ExecStart", "Restart", "RestartSec", "TimeoutStopSec", "LimitNOFILE",
        "NoNewPrivileges", "ProtectSystem", "ProtectHome", "PrivateTmp", "[Install]", "WantedBy",
    ];

    static readonly string[] CaddyWords =
        ["reverse_proxy", "health_uri", "health_interval", "lb_try_duration", "lb_try_interval", "lb_policy"];

    static readonly string[] NginxWords =
    [
        "map", "default", "upstream", "server", "keepalive", "listen", "server_name", "ssl_certificate", "ssl_certificate_key", "ssl_protocols", "add_header", "location", "proxy_pass",
        "proxy_http_version", "proxy_set_header", "proxy_read_timeout", "client_max_body_size", "proxy_request_buffering",
    ];

    static bool Knows(string word) => Regex.IsMatch(Sources.Value, $@"\b{Regex.Escape(word)}\b");

    /// <summary>Settings in prose, such as Purser:PublicUrl or Purser__PublicUrl, that the program does not read.</summary>
    public static IEnumerable<string> UnknownSettings(string text)
    {
        foreach (var name in Setting().Matches(text).Select(m => m.Value).Distinct())
        {
            var parts = name.Split(["__", ":"], StringSplitOptions.RemoveEmptyEntries);
            // Of an account the name is the merchant's own; and of what a gateway's method costs.
            var known = parts[0] == "Gateways" ? parts.Skip(2).Take(1) : parts.Skip(1);
            if (!known.All(Knows)) yield return name;
        }
    }

    public static IEnumerable<string> Json(string text)
    {
        using var json = JsonDocument.Parse(text);
        return [.. Unknown(json.RootElement, "")];
    }

    static IEnumerable<string> Unknown(JsonElement at, string path) => at.ValueKind switch
    {
        JsonValueKind.Object => at.EnumerateObject().SelectMany(p => (Regex.IsMatch(path, "^:Gateways$|:Weights$|:Fees$") || (path == ":Risk:Ages" ? RiskKinds.All.Contains(p.Name) : Knows(p.Name))
            ? [] : (IEnumerable<string>)[$"{path}:{p.Name}"]).Concat(Unknown(p.Value, $"{path}:{p.Name}"))),
        JsonValueKind.Array => at.EnumerateArray().SelectMany(e => Unknown(e, path)),
        _ => [],
    };

    public static IEnumerable<string> Environment(string text) =>
        text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => l.Split('=')[0]).Where(name => !Knows(name) && UnknownSettings(name).Any());

    public static async Task<IReadOnlyList<string>> Postgres(string text, NpgsqlDataSource database)
    {
        var names = Statements(text).Select(l => l.Split('=')[0].Trim()).ToArray();
        await using var ask = database.CreateCommand("select name from unnest($1) name where name not in (select s.name from pg_settings s)");
        ask.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = names });
        var unknown = new List<string>();
        await using var rows = await ask.ExecuteReaderAsync();
        while (await rows.ReadAsync()) unknown.Add(rows.GetString(0));
        return unknown;
    }

    public static IEnumerable<string> Service(string text)
    {
        foreach (var line in Statements(text))
            if (!ServiceKeys.Contains(line.Split('=')[0])) yield return line;
        var start = Regex.Match(text, @"^ExecStart=\S*dotnet /opt/purser/(\S+) (\w+)$", RegexOptions.Multiline);
        if (!start.Success || !File.Exists(Path.Combine(GuidePage.Root, start.Groups[1].Value)) || start.Groups[2].Value != "serve") yield return "ExecStart";
    }

    public static IEnumerable<string> Caddy(string text)
    {
        if (text.Count('{') != text.Count('}')) yield return "braces";
        foreach (var line in Statements(text).Where(l => l != "}"))
            if (!CaddyWords.Contains(line.Split(' ')[0]) && !line.EndsWith(".example.com {", StringComparison.Ordinal)) yield return line;
        if (!text.Contains("health_uri /readyz", StringComparison.Ordinal)) yield return "health_uri /readyz";
    }

    /// <summary>Its words, its form, and what Purser's pages need of every way to it.</summary>
    public static IEnumerable<string> Nginx(string text)
    {
        if (text.Count('{') != text.Count('}')) yield return "braces";
        foreach (var line in Statements(text).Where(l => l != "}"))
            if (!(line.EndsWith(';') || line.EndsWith('{')) || !(NginxWords.Contains(line.TrimEnd(';').Split(' ')[0]) || line == "'' '';")) yield return line;
        foreach (var way in text.Split("location ").Skip(1))
        {
            foreach (var header in (string[])["Host $host", "X-Forwarded-For $proxy_add_x_forwarded_for", "X-Forwarded-Proto $scheme"])
                if (!way.Contains($"proxy_set_header {header};", StringComparison.Ordinal)) yield return $"{way.Split(' ')[0]} lacks {header}";
            if (int.Parse(Regex.Match(way, @"proxy_read_timeout (\d+)s").Groups[1].Value) <= Server.Live.LiveEndpoints.MostWaitSeconds) yield return "proxy_read_timeout";
        }
    }

    static IEnumerable<string> Statements(string text) => text.Split('\n').Select(l => l.Trim()).Where(l => l.Length > 0 && !l.StartsWith('#'));

    [GeneratedRegex(@"\b(Purser|Deliveries|Mail|Risk|Gateways|ConnectionStrings)(:|__)[A-Za-z][A-Za-z_:-]*[A-Za-z]")]
    private static partial Regex Setting();
}
