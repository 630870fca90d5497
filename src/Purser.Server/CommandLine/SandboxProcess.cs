using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json;
using Purser.Gateways;
using Purser.Server.Platform;

namespace Purser.Server.CommandLine;

/// <summary>The sandbox beside us: a process of its own, started and stopped with us, spoken to over its control API only.</summary>
sealed class SandboxProcess : IAsyncDisposable
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    readonly Process process;
    readonly HttpClient control;

    SandboxProcess(Process process, HttpClient control, IReadOnlyList<Gateway> gateways) =>
        (this.process, this.control, Gateways) = (process, control, gateways);

    /// <param name="Settings">What an account needs to speak to it: credentials and webhook secret, by the names of the adapter's settings.</param>
    public sealed record Gateway(string Name, string Url, IReadOnlyDictionary<string, string> Settings);

    /// <summary>All that it plays.</summary>
    public IReadOnlyList<Gateway> Gateways { get; }

    /// <summary>Those that we have an adapter for.</summary>
    public IReadOnlyList<Gateway> Playable => [.. Gateways.Where(IsPlayable)];

    /// <summary>Gateways with one half only, in words.</summary>
    public IReadOnlyList<string> Alone =>
    [
        .. Gateways.Except(Playable).Select(g => $"{g.Name} is played by the sandbox and has no adapter."),
        .. Adapters.Gateways.Select(g => g.Profile.Name).Except(Gateways.Select(g => g.Name)).Select(g => $"{g} has an adapter and is not played by the sandbox."),
    ];

    static GatewayCatalog Adapters { get; } = new();

    public string ControlUrl => control.BaseAddress!.ToString().TrimEnd('/');

    public HttpClient Control => control;

    /// <param name="fixedPorts">Ports a person can remember; else free ones.</param>
    /// <param name="speed">How many times faster than life the gateways' own delays pass.</param>
    public static async Task<SandboxProcess> Start(bool fixedPorts, double speed, CancellationToken stop)
    {
        var program = Path.Combine(AppContext.BaseDirectory.Replace("Purser.Server", "Purser.Sandbox", StringComparison.Ordinal), "purser-sandbox.dll");
        if (!File.Exists(program)) throw new StartFailureException($"The sandbox is not built: {program} is missing. Run ./purser, which builds it.");
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true, RedirectStandardError = true };
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath!) != "dotnet") start.FileName = "dotnet";
        foreach (var word in (string[])[program, .. fixedPorts ? Array.Empty<string>() : ["--dynamic-ports", "--control-port", "0"], "--speed", $"{speed}"])
            start.ArgumentList.Add(word);
        var process = Process.Start(start) ?? throw new StartFailureException("The sandbox could not be started.");
        try
        {
            var address = await ControlAddress(process, stop);
            // The rest of what it prints is read and let go, or it would stop at a full pipe; this ends when the process does.
            _ = process.StandardOutput.BaseStream.CopyToAsync(Stream.Null, CancellationToken.None);
            _ = process.StandardError.BaseStream.CopyToAsync(Console.OpenStandardError(), CancellationToken.None);
            var control = new HttpClient { BaseAddress = new Uri(address) };
            return new SandboxProcess(process, control, await Read(control, stop));
        }
        catch
        {
            process.Kill(entireProcessTree: true);
            process.Dispose();
            throw;
        }
    }

    /// <summary>Where the sandbox's gateway sends its webhooks.</summary>
    public async Task SendWebhooksTo(Gateway gateway, string url, CancellationToken stop)
    {
        var secrets = gateway.Settings.TryGetValue("webhook_secret", out var secret) ? new[] { secret } : [];
        using var answer = await control.PutAsJsonAsync($"/control/{gateway.Name}/webhook_endpoint", new { url, secrets }, stop);
        answer.EnsureSuccessStatusCode();
    }

    /// <summary>The settings of an account for each gateway of the sandbox, for a server's configuration.</summary>
    public Dictionary<string, string?> Accounts() => Accounts(Playable);

    /// <summary>Those of a sandbox that another process runs; null when it does not answer.</summary>
    public static async Task<Dictionary<string, string?>?> AccountsAt(string controlUrl, CancellationToken stop)
    {
        using var control = new HttpClient { BaseAddress = new Uri(controlUrl), Timeout = Patience };
        try
        {
            return Accounts([.. (await Read(control, stop)).Where(IsPlayable)]);
        }
        catch (Exception away) when (away is HttpRequestException or JsonException or KeyNotFoundException || away is OperationCanceledException && !stop.IsCancellationRequested)
        {
            return null;
        }
    }

    static bool IsPlayable(Gateway gateway) => Adapters.TryFind(gateway.Name, out _);

    static Dictionary<string, string?> Accounts(IReadOnlyList<Gateway> playable)
    {
        var settings = new Dictionary<string, string?>();
        for (var i = 0; i < playable.Count; i++)
        {
            var path = $"Gateways:{playable[i].Name}";
            settings[$"{path}:Gateway"] = playable[i].Name;
            settings[$"{path}:BaseUrl"] = playable[i].Url;
            settings[$"{path}:TestMode"] = "true";
            settings[$"{path}:Order"] = $"{i}";
            Adapters.TryFind(playable[i].Name, out var adapter);
            foreach (var setting in adapter!.Profile.Settings)
                if (playable[i].Settings.TryGetValue(setting.Name, out var value)) settings[$"{path}:{setting.Name}"] = value;
        }
        return settings;
    }

    public async ValueTask DisposeAsync()
    {
        control.Dispose();
        // It listens on loopback and keeps nothing, so it need not be asked politely.
        if (!process.HasExited) process.Kill(entireProcessTree: true);
        await process.WaitForExitAsync();
        process.Dispose();
    }

    static async Task<string> ControlAddress(Process process, CancellationToken stop)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(Patience);
        while (await process.StandardOutput.ReadLineAsync(limit.Token) is { } line)
        {
            if (!line.StartsWith('{')) continue;
            using var json = JsonDocument.Parse(line);
            return json.RootElement.GetProperty("control").GetString()!;
        }
        throw new StartFailureException($"The sandbox ended before it was ready; perhaps another one holds its ports (7400 and up): {(await process.StandardError.ReadLineAsync(limit.Token))?.TrimEnd('.')}.") { IsTaken = true };
    }

    static async Task<IReadOnlyList<Gateway>> Read(HttpClient control, CancellationToken stop)
    {
        using var json = JsonDocument.Parse(await control.GetStringAsync(new Uri("/control", UriKind.Relative), stop));
        var gateways = new List<Gateway>();
        foreach (var one in json.RootElement.GetProperty("gateways").EnumerateArray())
        {
            var settings = one.GetProperty("credentials").EnumerateObject().ToDictionary(c => c.Name, c => c.Value.GetString()!, StringComparer.Ordinal);
            if (one.TryGetProperty("webhook_secret", out var secret) && secret.GetString() is { } text) settings["webhook_secret"] = text;
            gateways.Add(new Gateway(one.GetProperty("name").GetString()!, one.GetProperty("url").GetString()!.TrimEnd('/'), settings));
        }
        return gateways;
    }
}
