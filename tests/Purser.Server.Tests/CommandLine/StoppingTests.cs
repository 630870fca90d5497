using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text.Json;
using Purser.Server.CommandLine;
using Purser.Server.Tests.Browser;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.CommandLine;

/// <summary>`purser up` as a script runs and stops it.</summary>
public sealed class StoppingTests
{
    static readonly string Name = $"test-up-{Environment.ProcessId}";

    /// <summary>The server beside which its sandbox and its shop are built, and not the copy beside the tests.</summary>
    static string Program { get; } = Path.Combine(ShopHouse.Root, "src", "Purser.Server",
        Path.GetRelativePath(Path.Combine(ShopHouse.Root, "tests", "Purser.Server.Tests"), AppContext.BaseDirectory), "purser-server.dll");

    [Fact]
    public async Task Told_to_stop_while_somebody_watches_up_takes_all_of_it_along_and_ends_well()
    {
        var record = DevelopmentRecord.PathOf(NewcomerTests.Configuration(new Dictionary<string, string?> { ["Purser:Postgres:Name"] = Name }));
        var start = new ProcessStartInfo("dotnet", [Program, "up", "--free-ports", $"--Purser:Postgres:Name={Name}", $"--Purser:Postgres:Directory={TestFolders.Make("up")}"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment.Remove("ConnectionStrings__Purser");
        using var up = Process.Start(start)!;
        Dictionary<int, string> children = [];
        try
        {
            var complained = up.StandardError.ReadToEndAsync();
            string? key = null;
            while (key is null && await up.StandardOutput.ReadLineAsync() is { } line)
                if (line.StartsWith("export KEY=", StringComparison.Ordinal)) key = line["export KEY=".Length..];
            if (key is null) throw new InvalidOperationException($"It ended before it was up: {await complained}");
            _ = up.StandardOutput.ReadToEndAsync();
            children = Children(up.Id);
            foreach (var program in (string[])["purser-sandbox.dll", "Shop.dll", "postgres"]) children.Values.ShouldContain(c => c.Contains(program));

            using var merchant = new HttpClient { BaseAddress = new Uri(DevelopmentRecord.Read(record).Url!) };
            merchant.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
            // A receiver that says nothing is waited for longer than a command has by default.
            using var silent = new TcpListener(IPAddress.Loopback, 0);
            silent.Start();
            using var endpoint = await merchant.PostAsJsonAsync("/v1/webhook_endpoints", new { url = $"http://{silent.LocalEndpoint}/" });
            endpoint.IsSuccessStatusCode.ShouldBeTrue();
            using var placed = await merchant.PostAsJsonAsync("/v1/orders", new { currency = "INR", amount = 49900, description = "Tea" });
            var order = (await placed.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("id").GetString();
            var poll = merchant.GetAsync($"/v1/orders/{order}/live?after=1&wait=30");
            using var socket = new ClientWebSocket();
            socket.Options.SetRequestHeader("Authorization", $"Bearer {key}");
            await socket.ConnectAsync(new Uri($"{merchant.BaseAddress.ToString().Replace("http", "ws", StringComparison.Ordinal)}v1/orders/{order}/live?after=0"), default);
            (await socket.ReceiveAsync(new byte[4096], default)).Count.ShouldBeGreaterThan(0);
            poll.IsCompleted.ShouldBeFalse();
            using var message = await silent.AcceptTcpClientAsync();

            using (var kill = Process.Start("kill", ["-TERM", up.Id.ToString(CultureInfo.InvariantCulture)])) await kill.WaitForExitAsync();
            await up.WaitForExitAsync();
            up.ExitCode.ShouldBe(0);
            using var answer = await poll;
            answer.IsSuccessStatusCode.ShouldBeTrue();
            await Until.True(() => !All().Select(p => p.Id).Any(children.ContainsKey), "what it started to be gone");
            DevelopmentRecord.Read(record).ShouldSatisfyAllConditions(r => r.SecretKey.ShouldBe(key), r => r.Url.ShouldBeNull());
        }
        finally
        {
            if (!up.HasExited) up.Kill(entireProcessTree: true);
            foreach (var left in All().Where(p => children.TryGetValue(p.Id, out var words) && words == p.Words)) Process.GetProcessById(left.Id).Kill();
            File.Delete(record);
            File.Delete(record.Replace(".up.json", ".parcels", StringComparison.Ordinal));
        }
    }

    /// <summary>Processes that descend from this one, with what they were called by.</summary>
    static Dictionary<int, string> Children(int parent)
    {
        var all = All();
        var found = new Dictionary<int, string>();
        foreach (var one in all.Where(p => p.Parent == parent))
        {
            found[one.Id] = one.Words;
            foreach (var (id, words) in Children(one.Id)) found[id] = words;
        }
        return found;
    }

    static List<(int Id, int Parent, string Words)> All()
    {
        using var ps = Process.Start(new ProcessStartInfo("ps", ["-A", "-o", "pid=,ppid=,stat=,args="]) { RedirectStandardOutput = true })!;
        var lines = ps.StandardOutput.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        ps.WaitForExit();
        return [.. lines.Select(l => l.Split(' ', 4, StringSplitOptions.RemoveEmptyEntries)).Where(p => p is [_, _, not ['Z', ..], _])
            .Select(p => (int.Parse(p[0], CultureInfo.InvariantCulture), int.Parse(p[1], CultureInfo.InvariantCulture), p[3]))];
    }
}
