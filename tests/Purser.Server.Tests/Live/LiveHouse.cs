using System.Collections.Immutable;
using System.Net;
using System.Net.WebSockets;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Purser.Orders;
using Purser.Server.Api;
using Purser.Server.Engine;
using Purser.Server.Keys;
using Purser.Server.Live;
using Purser.Server.Platform;

namespace Purser.Server.Tests.Live;

/// <summary>A server with an engine and live status and nothing else, on a database of a test. Two of them on one database are two nodes.</summary>
public sealed class LiveHouse : IAsyncDisposable
{
    readonly WebApplication app;
    readonly NpgsqlDataSource database;
    static int houses;

    readonly Ids ids = new(TimeProvider.System, new Random(Interlocked.Increment(ref houses)));

    LiveHouse(WebApplication app, NpgsqlDataSource database)
    {
        (this.app, this.database) = (app, database);
        Http = new HttpClient { BaseAddress = new Uri(app.Urls.First()) };
    }

    public HttpClient Http { get; }
    public OrderEngine Engine => app.Services.GetRequiredService<OrderEngine>();
    public LiveNotices Notices => app.Services.GetRequiredService<LiveNotices>();
    public LiveHub Hub => app.Services.GetRequiredService<LiveHub>();
    public ApiKeys Keys => app.Services.GetRequiredService<ApiKeys>();
    public ShopperTokens Tokens => app.Services.GetRequiredService<ShopperTokens>();

    public static async Task<LiveHouse> Open(string connectionString, LiveOptions? options = null, bool heard = true)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrel(k => k.Listen(IPAddress.Loopback, 0));
        var database = Database.Build(connectionString);
        builder.Services.AddSingleton(database).AddSingleton(TimeProvider.System).AddSingleton<InstallationStore>();
        builder.Services.AddSingleton(s => ShopperTokens.Of(s.GetRequiredService<InstallationStore>(), TimeProvider.System));
        builder.Services.AddSingleton<ApiKeyStore>().AddSingleton<ApiKeys>();
        builder.Services.AddSingleton(new PurserOptions()).AddSingleton<PublicAddress>();
        builder.Services.AddSingleton(new ApiOptions { TokenBurst = 1000 }).AddSingleton<RateLimits>().AddSingleton<ApiDoor>();
        LiveEndpoints.Add(builder.Services);
        if (options is not null) builder.Services.AddSingleton(options);
        builder.Services.AddSingleton(s => new OrderEngine(new OrderStore(database), () => Rules, new NoCalls(),
            heard ? s.GetRequiredService<LiveNotices>() : new Deaf(), TimeProvider.System, new EngineOptions(), NullLogger<OrderEngine>.Instance));
        var app = builder.Build();
        app.UseWebSockets();
        ApiDoor.Use(app);
        LiveEndpoints.Map(app);
        await app.StartAsync();
        var house = new LiveHouse(app, database);
        house.Engine.Start();
        return house;
    }

    static OrderRules Rules { get; } = new()
    {
        Accounts = new Dictionary<string, GatewayTerms> { ["cards"] = GatewayTerms.Unknown with { LongestLink = TimeSpan.FromDays(10) } },
    };

    public async Task<Order> Place()
    {
        var reply = await Engine.Submit(Created(), CancellationToken.None);
        return ((Reply.Made)((EngineReply.Done)reply).Reply!).Order;
    }

    EngineInput Created()
    {
        var id = ids.NextOrder();
        return EngineInput.Of(id, new OrderCommand.Create(id, null, new Money(49900, Currency.Find("INR")), "Tea", new Customer(), new OrderPolicy(),
            TimeSpan.FromMinutes(30), new OrderContent([new OrderLine("Tea", 1, 49900)], ImmutableSortedDictionary<string, string>.Empty, null, null, [1])));
    }

    /// <summary>Starts a payment: event 2.</summary>
    public Task Start(OrderId order) => Do(order, new OrderCommand.StartPayment("cards", null));

    /// <summary>One more event each time.</summary>
    public Task Decline(OrderId order, int time) => Do(order, new Evidence.Declined($"no {time}")
    {
        Payment = 1,
        Source = EvidenceSource.Webhook,
        At = DateTimeOffset.UnixEpoch.AddYears(56).AddSeconds(time),
    });

    public async Task Do(OrderId order, OrderInput input) =>
        (await Engine.Submit(order, input, CancellationToken.None)).ShouldBeOfType<EngineReply.Done>().Reply.ShouldNotBeOfType<Reply.Refused>();

    public async Task<ClientWebSocket> Watch(Order order, int after, string? token = null)
    {
        var socket = new ClientWebSocket();
        socket.Options.AddSubProtocol(LiveEndpoints.Protocol);
        socket.Options.AddSubProtocol(ApiDoor.TokenProtocol + (token ?? Tokens.For(order.Id, order.CreatedAt)));
        await socket.ConnectAsync(new Uri($"{Http.BaseAddress!.ToString().Replace("http", "ws", StringComparison.Ordinal)}v1/orders/{order.Id}/live?after={after}"),
            CancellationToken.None);
        return socket;
    }

    /// <summary>The next message that is no heartbeat, or null when the socket closed.</summary>
    public static async Task<JsonElement?> Next(ClientWebSocket socket)
    {
        while (true)
        {
            var message = await NextMessage(socket);
            if (message?.GetProperty("type").GetString() != "heartbeat") return message;
        }
    }

    /// <summary>The next message, or null when the socket closed.</summary>
    public static async Task<JsonElement?> NextMessage(ClientWebSocket socket)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(90));
        var buffer = new byte[16384];
        var length = 0;
        while (true)
        {
            var part = await socket.ReceiveAsync(buffer.AsMemory(length), patience.Token);
            if (part.MessageType == WebSocketMessageType.Close) return null;
            length += part.Count;
            if (part.EndOfMessage) return JsonDocument.Parse(buffer.AsMemory(0, length)).RootElement;
        }
    }

    public static async Task<int> NextSequence(ClientWebSocket socket) => (await Next(socket))!.Value.GetProperty("sequence").GetInt32();

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await app.StopAsync();
        await app.DisposeAsync();
        await database.DisposeAsync();
    }

    sealed class NoCalls : ICallStarter
    {
        public void Start(GatewayCall call) { }
    }

    /// <summary>A node whose hub hears nothing of its own engine, as if the commit had been made elsewhere.</summary>
    sealed class Deaf : ILiveFeed
    {
        public void Publish(OrderId order, IReadOnlyList<OrderEvent> events) { }
    }
}
