using System.Collections.Concurrent;
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
        // Outside of the checkout, whose build files are no reader's.
        var folder = Directory.CreateTempSubdirectory("purser-receiver-").FullName;
        var port = FreePort();
        await File.WriteAllTextAsync(Path.Combine(folder, "receiver.cs"), Guide("csharp").Replace("5005", $"{port}", StringComparison.Ordinal));
        var start = new ProcessStartInfo("dotnet", ["run", "receiver.cs"]) { WorkingDirectory = folder };
        // The tests' own build and run have left their marks, which are no reader's either.
        foreach (var name in start.Environment.Keys.Where(k => k.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase) || k.StartsWith("VSTEST", StringComparison.OrdinalIgnoreCase)).ToList())
            start.Environment.Remove(name);
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        await Runs(start, port);
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task The_receiver_in_node_takes_what_is_genuine_and_nothing_else()
    {
        var folder = await NpmFolder.Installed;
        var port = FreePort();
        // Within the folder of the packages, where node looks for them.
        var file = Path.Combine(folder, "node_modules", $".guide-{Environment.ProcessId}.mjs");
        await File.WriteAllTextAsync(file, Guide("js").Replace("5005", $"{port}", StringComparison.Ordinal));
        try
        {
            await Runs(new ProcessStartInfo("node", [file]), port);
        }
        finally
        {
            File.Delete(file);
        }
    }

    /// <summary>It takes what is genuine, nothing else, and prints what it took.</summary>
    static async Task Runs(ProcessStartInfo start, int port)
    {
        start.RedirectStandardOutput = true;
        start.Environment["WEBHOOK_SECRET"] = Secret;
        using var receiver = Process.Start(start)!;
        var said = new ConcurrentQueue<string?>();
        receiver.OutputDataReceived += (_, line) => said.Enqueue(line.Data);
        receiver.BeginOutputReadLine();
        try
        {
            await Until.True(async () => receiver.HasExited || await Listens(port), "the receiver to listen", seconds: 180);
            receiver.HasExited.ShouldBeFalse(string.Join('\n', said));
            await Holds($"http://127.0.0.1:{port}/purser");
            await Until.True(() => said.Any(l => l == "evt_1 order.paid"), "the receiver to say what it took");
            said.Count(l => l?.StartsWith("evt_", StringComparison.Ordinal) == true).ShouldBe(1);
        }
        finally
        {
            receiver.Kill(entireProcessTree: true);
            await receiver.WaitForExitAsync();
        }
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
