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
        await meanwhile();
        await Open(Url);
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
    }, "the try under way to end", seconds: 60);

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

    static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Purser.slnx"))) folder = folder.Parent!;
        return folder.FullName;
    }
}
