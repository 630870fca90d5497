using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Purser.Server.Deliveries;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Deliveries;

/// <summary>The two receivers of docs/webhooks.md, run as they stand there.</summary>
public sealed class GuideTests
{
    const string Secret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
    const string Other = "whsec_ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=";

    [Fact]
    public async Task The_receiver_in_csharp_takes_what_is_genuine_and_nothing_else()
    {
        var lines = await File.ReadAllLinesAsync(Path.Combine(Path.GetDirectoryName(Here())!, "SampleReceiver.cs"));
        var sample = lines.SkipWhile(l => !l.Contains("From here on", StringComparison.Ordinal)).Skip(1).TakeWhile(l => !l.Contains("To here", StringComparison.Ordinal));
        Guide("csharp").ShouldBe(string.Join('\n', sample.Select(l => l.Length > 8 ? l[8..] : "")));
        await using var app = await SampleReceiver.Start(Secret);
        await Holds($"{app.Urls.First()}/purser");
    }

    [Fact]
    public async Task The_receiver_in_node_takes_what_is_genuine_and_nothing_else()
    {
        var folder = await NpmFolder.Installed;
        var port = FreePort();
        // Within the folder of the packages, where node looks for them.
        var file = Path.Combine(folder, "node_modules", $".guide-{Environment.ProcessId}.mjs");
        await File.WriteAllTextAsync(file, Guide("js").Replace("5005", $"{port}", StringComparison.Ordinal));
        using var node = Process.Start(new ProcessStartInfo("node", [file]) { RedirectStandardOutput = true, Environment = { ["WEBHOOK_SECRET"] = Secret } })!;
        try
        {
            await Until.True(() => Listens(port), "the receiver to listen");
            await Holds($"http://127.0.0.1:{port}/purser");
        }
        finally
        {
            node.Kill();
            await node.WaitForExitAsync();
            File.Delete(file);
        }
        (await node.StandardOutput.ReadToEndAsync()).ShouldBe("evt_1 order.paid\n");
    }

    static async Task Holds(string url)
    {
        var options = new DeliveryOptions { Development = true };
        using var line = new WebhookLine(new AddressGuard(options), options, Dns.GetHostAddressesAsync, TimeProvider.System);
        var body = """{"id":"evt_1","type":"order.paid"}"""u8.ToArray();
        (await line.Send(url, "evt_1", body, [Secret], default)).Status.ShouldBe(200);
        (await line.Send(url, "evt_1", body, [Other], default)).Status.ShouldBe(401);
        var late = new PushedClock();
        late.Push(TimeSpan.FromMinutes(6));
        using var belated = new WebhookLine(new AddressGuard(options), options, Dns.GetHostAddressesAsync, late);
        (await belated.Send(url, "evt_1", body, [Secret], default)).Status.ShouldBe(401);
    }

    /// <summary>The guide's one block of this language.</summary>
    static string Guide(string language)
    {
        var text = File.ReadAllText(Path.Combine(Path.GetDirectoryName(Here())!, "../../../docs/webhooks.md"));
        var begin = text.IndexOf($"```{language}\n", StringComparison.Ordinal) + language.Length + 4;
        return text[begin..text.IndexOf("\n```", begin, StringComparison.Ordinal)];
    }

    static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    static async Task<bool> Listens(int port)
    {
        using var client = new TcpClient();
        try
        {
            await client.ConnectAsync(IPAddress.Loopback, port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    static string Here([CallerFilePath] string path = "") => path;
}
