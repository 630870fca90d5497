using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Purser.Client;
using Purser.Server.CommandLine;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Browser;

/// <summary>The sample shop as `purser up` starts it, before the real server and the sandbox.</summary>
public class ShopHouse : IAsyncLifetime
{
    ShopProcess shop = null!;
    string key = "";

    public ShopHouse()
        : this(isOnTwoNodes: false)
    {
    }

    protected ShopHouse(bool isOnTwoNodes) => Sandbox = new SandboxHouse { IsOnTwoNodes = isOnTwoNodes };

    public SandboxHouse Sandbox { get; }
    public string Url => shop.Url;
    public PurserClient Purser { get; private set; } = null!;
    public string Parcels { get; } = Path.Combine(Directory.CreateDirectory(TestFolders.Make("shop")).FullName, "parcels");

    public static string Root { get; } = FindRoot();

    /// <summary>Of the configuration that the tests are built in.</summary>
    static string Folder => Path.Combine(Root, "samples", "Shop", Path.GetRelativePath(Path.Combine(Root, "tests", "Purser.Server.Tests"), AppContext.BaseDirectory));

    public async Task InitializeAsync()
    {
        await Sandbox.InitializeAsync();
        key = (await DevelopmentKeys.Renew(Sandbox.Server, "shop", default)).Secret;
        Purser = new PurserClient(new HttpClient { Timeout = TimeSpan.FromSeconds(60) }, new PurserClientOptions { Address = new Uri(Sandbox.Url), SecretKey = key, MostAttempts = 2 });
        await Open(Sandbox.ShopUrl);
    }

    async Task Open(string url) => shop = await ShopProcess.Start(Folder, url, Sandbox.Url, key, Parcels, default);

    /// <summary>Stops it, does something while it is away, and starts it at the same address.</summary>
    public async Task Restart(Func<Task> meanwhile)
    {
        await shop.DisposeAsync().AsTask().InTime("the shop's process to end");
        try
        {
            await meanwhile();
        }
        finally
        {
            // Also for the tests after one that failed.
            await Open(Url);
        }
    }

    /// <summary>Sends a message again that went in vain. Its own next try may be minutes away, or under way this moment, and then fail yet.</summary>
    public Task SendAgain(Delivery failed) => Until.True(async () =>
    {
        try
        {
            await Purser.Deliveries.Redeliver(failed.Id);
            return true;
        }
        catch (PurserProblemException e) when (e.Problem == "delivery_under_way")
        {
            return false;
        }
    }, "the try under way to end");

    public async Task DisposeAsync()
    {
        await shop.DisposeAsync();
        await Sandbox.DisposeAsync();
    }

    public IReadOnlyList<string> Packed => File.Exists(Parcels) ? File.ReadAllLines(Parcels) : [];

    /// <summary>What the gateways have taken and the books have written of this order, however often something was pressed.</summary>
    public async Task HasOnePaymentAndOneParcel(string reference)
    {
        var order = (await Purser.Orders.Find(reference))!;
        await Until.True(async () => (await Purser.Orders.Get(order.Id)).FulfilledAt is not null, "the shop to say that it is packed");
        var types = new List<string>();
        await foreach (var e in Purser.Orders.Events(order.Id)) types.Add(e.Type);
        types.Count(t => t == EventTypes.OrderPaid).ShouldBe(1);
        types.Count(t => t == EventTypes.OrderFulfilled).ShouldBe(1);
        types.Count(t => t == EventTypes.PaymentSucceeded).ShouldBe(1);
        await Until.True(() => Packed.Count(p => p == order.Id) == 1, "one parcel");
        Sandbox.Sandbox.Worlds.SelectMany(w => w.Book.Movements).Count(m => order.Payments.Any(p => p.Reference == m.Reference)).ShouldBe(1);
        await using var count = Sandbox.Server.Services.GetRequiredService<NpgsqlDataSource>().CreateCommand("select count(*) from orders where reference = $1");
        count.Parameters.AddWithValue(reference);
        (await count.ExecuteScalarAsync()).ShouldBe(1L);
    }

    /// <summary>The shop as its README starts it, in the place of the usual one: its commands, with our addresses and keys for its own, and built already.</summary>
    public async Task<IAsyncDisposable> StartByReadme(string commands)
    {
        var endpoint = (await Purser.WebhookEndpoints.List()).ShouldHaveSingleItem();
        var secret = (await Purser.WebhookEndpoints.Rotate(endpoint.Id, TimeSpan.Zero)).Secret!;
        var configuration = Path.GetRelativePath(Path.Combine(Root, "samples", "Shop", "bin"), Folder).Split(Path.DirectorySeparatorChar)[0];
        foreach (var (word, ours) in new[] { ("https://pay.example.com", Sandbox.Url), ("sk_...", key), ("whsec_...", secret), (ShopProcess.UsualUrl, Url), ("dotnet run -c Release", $"dotnet run -c {configuration} --no-build") })
        {
            commands.ShouldContain(word);
            commands = commands.Replace(word, ours, StringComparison.Ordinal);
        }
        var start = new ProcessStartInfo("bash", ["-euo", "pipefail", "-c", commands]) { WorkingDirectory = Root, RedirectStandardOutput = true, RedirectStandardError = true };
        // The tests' own build and run have left their marks, which are no reader's.
        foreach (var name in start.Environment.Keys.Where(k => k.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase) || k.StartsWith("VSTEST", StringComparison.OrdinalIgnoreCase)).ToList())
            start.Environment.Remove(name);
        start.Environment["Parcels"] = Parcels;
        var started = new StartedByReadme(Process.Start(start)!);
        try
        {
            using var http = new HttpClient { BaseAddress = new Uri(Url), Timeout = TimeSpan.FromSeconds(60) };
            await Until.True(async () => started.HasEnded || await Answers(http), "the shop of the README to answer", seconds: 120);
            started.HasEnded.ShouldBeFalse(started.Said);
            return started;
        }
        catch
        {
            await started.DisposeAsync();
            throw;
        }
    }

    static async Task<bool> Answers(HttpClient http)
    {
        try
        {
            return (await http.GetAsync("/")).IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    sealed class StartedByReadme : IAsyncDisposable
    {
        readonly Process process;
        readonly ConcurrentQueue<string?> said = [];

        public StartedByReadme(Process process)
        {
            this.process = process;
            process.OutputDataReceived += (_, line) => said.Enqueue(line.Data);
            process.ErrorDataReceived += (_, line) => said.Enqueue(line.Data);
            process.BeginOutputReadLine();
            process.BeginErrorReadLine();
        }

        public bool HasEnded => process.HasExited;
        public string Said => string.Join('\n', said);

        public async ValueTask DisposeAsync()
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync().InTime("the shop of the README to end");
            process.Dispose();
        }
    }

    static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Purser.slnx"))) folder = folder.Parent!;
        return folder.FullName;
    }
}
