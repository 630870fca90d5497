using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;
using Purser.Gateways;
using Purser.Orders;
using Purser.Sandbox;
using Purser.Server.Checkout;
using Purser.Server.Engine;
using Purser.Server.Orders;
using Purser.Server.Tests.Checkout;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Browser;

/// <summary>A server with an account at every gateway that has both halves, and the sandbox that plays them.</summary>
public sealed class SandboxHouse : IAsyncLifetime
{
    readonly PostgresFixture postgres = new();

    public Sandbox.Sandbox Sandbox { get; private set; } = null!;
    public ServerHost Server { get; private set; } = null!;

    /// <summary>What the server wrote into its log.</summary>
    public HeardLog Log { get; } = new();

    /// <summary>Two nodes on one database behind one address: everything is at <see cref="Server"/>, and only who waits for news waits at the other.</summary>
    internal bool IsOnTwoNodes { get; init; }

    ServerHost? other;
    Front? front;

    /// <summary>Where merchants, shoppers and gateways find it.</summary>
    public string Url => front?.Url ?? Server.Url;

    /// <summary>Where a shop may be, from which shoppers come and to which they go back.</summary>
    public string ShopUrl { get; } = $"http://127.0.0.1:{FreePort()}";

    public static IReadOnlyDictionary<string, IGateway> Adapters { get; } = new GatewayCatalog().Gateways.ToDictionary(g => g.Profile.Name, StringComparer.Ordinal);

    public static IReadOnlyList<string> Simulators { get; } =
    [
        .. typeof(IGatewayDialect).Assembly.GetExportedTypes().Where(t => t is { IsClass: true, IsAbstract: false } && t.IsAssignableTo(typeof(IGatewayDialect)))
            .Select(t => ((IGatewayDialect)Activator.CreateInstance(t)!).Name).Order(StringComparer.Ordinal),
    ];

    /// <summary>Those with an adapter and a simulator.</summary>
    public static IReadOnlyList<string> Playable => [.. Simulators.Where(Adapters.ContainsKey)];

    public static ImmutableDictionary<string, GatewayTerms> NoTerms => ImmutableDictionary<string, GatewayTerms>.Empty;

    public async Task InitializeAsync()
    {
        await postgres.InitializeAsync();
        Sandbox = await Purser.Sandbox.Sandbox.Start(new SandboxOptions { ControlPort = 0, DynamicPorts = true, Speed = 60 });
        var settings = new Dictionary<string, string?>
        {
            ["ConnectionStrings:Purser"] = await postgres.CreateDatabase(),
            ["urls"] = "http://127.0.0.1:0",
            ["Purser:Demo"] = "true",
            ["Purser:MerchantName"] = "Leaf & Kettle",
            ["Purser:ReturnUrls"] = ShopUrl,
            ["Deliveries:Development"] = "true",
            // A statement takes its fees from what a gateway owes; these tests look at the money before it.
            ["Purser:Settlement:FetchDays"] = "0",
        };
        foreach (var (name, value) in Accounts(Playable.Select(World))) settings[name] = value;
        if (IsOnTwoNodes) settings["Purser:PublicUrl"] = (front = await Front.Open()).Url;
        Server = await ServerHost.Start([], settings, also: services => services.AddSingleton<ILoggerProvider>(Log));
        if (IsOnTwoNodes) front!.Split(Server.Url, (other = await ServerHost.Start([], settings)).Url);
        foreach (var gateway in Playable) SendWebhooks(gateway);
    }

    /// <summary>Settings of an account at each of these gateways of a sandbox.</summary>
    public static Dictionary<string, string?> Accounts(IEnumerable<GatewayWorld> worlds)
    {
        var settings = new Dictionary<string, string?>();
        foreach (var world in worlds)
        {
            var account = $"Gateways:{world.Dialect.Name}";
            settings[$"{account}:BaseUrl"] = world.Address.ToString();
            settings[$"{account}:TestMode"] = "true";
            if (Adapters[world.Dialect.Name].Profile.Settings.Any(s => s.Name == "webhook_secret")) settings[$"{account}:webhook_secret"] = world.Dialect.WebhookSecret;
            foreach (var (name, value) in world.Dialect.Credentials) settings[$"{account}:{name}"] = value;
        }
        return settings;
    }

    public async Task DisposeAsync()
    {
        if (other is not null) await other.DisposeAsync();
        await Server.DisposeAsync();
        await Sandbox.DisposeAsync();
        await postgres.DisposeAsync();
        if (front is null) return;
        await front.DisposeAsync();
        front.WasWaitedElsewhere();
    }

    static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    public GatewayWorld World(string gateway) => Sandbox.World(gateway)!;

    public void SendWebhooks(string gateway) => World(gateway).Webhooks.Register(new Uri($"{Url}/gateways/{gateway}/webhook"), null);

    /// <summary>A currency that the gateway takes, the rupee where it does.</summary>
    public static string CurrencyOf(GatewayProfile profile) => profile.Currencies.IsEmpty || profile.Currencies.Contains("INR") ? "INR" : "USD";

    public async Task<Order> Place(string currency, string? country = "IN")
    {
        var id = Server.Services.GetRequiredService<Ids>().NextOrder();
        var reply = await Server.Engine.Submit(id, new OrderCommand.Create(id, null, new Money(49_900, Currency.Find(currency)), "Tea for two",
            new Customer("Asha Rao", "asha@shop.example", "+919900000000") { Country = country }, new OrderPolicy(), TimeSpan.FromMinutes(30),
            new OrderContent([new OrderLine("Darjeeling first flush, 250 g", 1, 49_900)], ImmutableSortedDictionary<string, string>.Empty, null, null, [1])), default);
        return reply.ShouldBeOfType<EngineReply.Done>().Reply.ShouldBeOfType<Purser.Orders.Reply.Made>().Order;
    }

    /// <summary>Starts a payment at this gateway and no other, and gives the page that hands the shopper over to it.</summary>
    public async Task<string> Start(string gateway, OrderId order)
    {
        await Server.Engine.Submit(order, new OrderCommand.StartPayment(gateway, null), default);
        var now = await Read(order);
        return Server.Services.GetRequiredService<ShopperLinks>().HandOver(now, now.Payments.Length);
    }

    public async Task<Order> Read(OrderId order) => (await Server.Services.GetRequiredService<OrderReadStore>().Find(order, default))!.Order;

    /// <summary>The alarm of the order rings now, and not in a quarter of an hour.</summary>
    public async Task RingAlarm(OrderId order)
    {
        await using var hurry = Server.Services.GetRequiredService<NpgsqlDataSource>().CreateCommand("""
            with looked as (update payments set look_at = clock_timestamp() where order_id = $1) update orders set wake_at = clock_timestamp() where id = $1
            """);
        hurry.Parameters.Add(new NpgsqlParameter<long> { TypedValue = order.Value });
        await hurry.ExecuteNonQueryAsync();
    }
}
