using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text.Json;
using Purser.Server.Platform;

namespace Purser.Server.CommandLine;

/// <summary>The sample shop beside us: a process of its own, started and stopped with us, which knows us as any merchant's backend does, by an API key and a
/// webhook endpoint.</summary>
sealed class ShopProcess : IAsyncDisposable
{
    /// <summary>A port that a person can remember.</summary>
    public const string UsualUrl = "http://127.0.0.1:7500";

    /// <summary>The merchant's, as it stands on the shop's own pages.</summary>
    public const string Name = "Leaf & Kettle";

    /// <summary>That an order is paid, that one is released which was paid and held, and that something does not agree: a person of the shop's is to look.</summary>
    const string Wanted = """ "event_types": ["order.paid", "discrepancy.opened", "discrepancy.resolved", "dispute.closed"] """;

    const string Description = "The sample shop";
    const string Ready = "Now listening on: ";
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    readonly Process process;

    ShopProcess(Process process, string url) => (this.process, Url) = (process, url);

    public string Url { get; }

    /// <summary>An address that nobody has this moment.</summary>
    public static string FreeUrl()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return $"http://{listener.LocalEndpoint}";
    }

    /// <summary>Where it is built, beside the server; the checkout has the same shape for both.</summary>
    public static string UsualFolder =>
        AppContext.BaseDirectory.Replace(Path.Combine("src", "Purser.Server"), Path.Combine("samples", "Shop"), StringComparison.Ordinal);

    /// <param name="folder">The folder of its program, three levels below its own.</param>
    /// <param name="parcels">The file in which it keeps what it has packed.</param>
    public static async Task<ShopProcess> Start(string folder, string url, string purserUrl, string secretKey, string parcels, CancellationToken stop)
    {
        var program = Path.Combine(folder, "Shop.dll");
        if (!File.Exists(program)) throw new StartFailureException($"The sample shop is not built: {program} is missing. Run ./purser, which builds it.");
        var start = new ProcessStartInfo(Environment.ProcessPath!, [program])
        {
            WorkingDirectory = Path.GetFullPath(Path.Combine(folder, "..", "..", "..")),
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath!) != "dotnet") start.FileName = "dotnet";
        (start.Environment["ASPNETCORE_URLS"], start.Environment["Parcels"]) = (url, parcels);
        (start.Environment["Purser__Address"], start.Environment["Purser__SecretKey"]) = (purserUrl, secretKey);
        start.Environment["Purser__WebhookSecret"] = await Register($"{url}/purser/webhook", purserUrl, secretKey, stop);
        // What the terminal's owner chose for the server's logs is not meant for the shop's, and its first words are waited for.
        (start.Environment["Logging__LogLevel__Default"], start.Environment["Logging__LogLevel__Microsoft.Hosting.Lifetime"]) = ("Warning", "Information");
        var process = Process.Start(start) ?? throw new StartFailureException("The sample shop could not be started.");
        try
        {
            _ = process.StandardError.BaseStream.CopyToAsync(Stream.Null, CancellationToken.None);
            await Listens(process, url, stop);
            // The rest of what it prints is read and let go, or it would stop at a full pipe; this ends when the process does.
            _ = process.StandardOutput.BaseStream.CopyToAsync(Stream.Null, CancellationToken.None);
            return new ShopProcess(process, url);
        }
        catch
        {
            process.Kill(entireProcessTree: true);
            process.Dispose();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        // It keeps nothing that is not in its file already.
        if (!process.HasExited) process.Kill(entireProcessTree: true);
        await process.WaitForExitAsync();
        process.Dispose();
    }

    static async Task Listens(Process process, string url, CancellationToken stop)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(Patience);
        while (await process.StandardOutput.ReadLineAsync(limit.Token) is { } line)
            if (line.Contains(Ready, StringComparison.Ordinal)) return;
        throw new StartFailureException($"The sample shop ended before it was ready; perhaps another program holds its port ({url}).") { IsTaken = true };
    }

    /// <summary>Its webhook endpoint, by our API. One of an earlier start is kept with all that waits for it, also from another address, and gets a new secret, for the old one
    /// is not shown again. There is one shop, so further ones of earlier starts end.</summary>
    /// <returns>The secret.</returns>
    internal static async Task<string> Register(string url, string purserUrl, string secretKey, CancellationToken stop)
    {
        using var api = new HttpClient { BaseAddress = new Uri(purserUrl) };
        api.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", secretKey);
        using var listed = JsonDocument.Parse(await api.GetStringAsync(new Uri("/v1/webhook_endpoints", UriKind.Relative), stop));
        var earlier = listed.RootElement.GetProperty("webhook_endpoints").EnumerateArray()
            .Select(e => (Path: $"/v1/webhook_endpoints/{e.GetProperty("id").GetString()}", IsHere: e.GetProperty("url").GetString() == url, IsShops: e.GetProperty("description").GetString() == Description))
            .Where(e => e.IsHere || e.IsShops).OrderByDescending(e => e.IsHere).ToList();
        foreach (var further in earlier.Skip(1).Where(e => e.IsShops))
            using (await Send(api, HttpMethod.Delete, further.Path, "", stop)) { }
        if (earlier is [var (path, _, _), ..])
        {
            using (await Send(api, HttpMethod.Patch, path, $$"""{"url": "{{url}}", "status": "active", {{Wanted}}}""", stop)) { }
            using var rotated = await Send(api, HttpMethod.Post, path + "/rotation", """{"overlap_hours": 0}""", stop);
            return rotated.RootElement.GetProperty("secret").GetString()!;
        }
        using var made = await Send(api, HttpMethod.Post, "/v1/webhook_endpoints", $$"""{"url": "{{url}}", "description": "{{Description}}", {{Wanted}}}""", stop);
        return made.RootElement.GetProperty("secret").GetString()!;
    }

    static async Task<JsonDocument> Send(HttpClient api, HttpMethod method, string path, string body, CancellationToken stop)
    {
        using var request = new HttpRequestMessage(method, path) { Content = new StringContent(body, new MediaTypeHeaderValue("application/json")) };
        using var answer = await api.SendAsync(request, stop);
        var text = await answer.Content.ReadAsStringAsync(stop);
        return answer.IsSuccessStatusCode ? JsonDocument.Parse(text) : throw new StartFailureException($"The sample shop's webhook endpoint could not be made: {text}");
    }
}
