using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;
using Purser.Server.Tests.Platform;
using Npgsql;
using Purser.Orders;
using Purser.Payments;
using Purser.Server.Engine;


namespace Purser.Server.Tests.Engine;

/// <summary>An engine over a fresh PostgreSQL database, whose calls to gateways are written down and not made.</summary>
sealed class EngineWorld : ICallStarter, ILiveFeed, IAsyncDisposable
{
    static int worlds;

    // Two worlds are two nodes of one database: were their numbers drawn alike, they would now and then draw the same id in the same millisecond.
    readonly Ids ids = new(TimeProvider.System, new Random(Interlocked.Increment(ref worlds)));

    EngineWorld(string connectionString, EngineOptions options, IOrderStore? store)
    {
        ConnectionString = connectionString;
        var database = Database = Server.Platform.Database.Build(connectionString);
        Store = store ?? new OrderStore(database);
        var rules = new OrderRules
        {
            Accounts = new Dictionary<string, GatewayTerms>
            {
                ["cards"] = new(true, true, TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(15), TimeSpan.FromDays(1)),
            },
        };
        Engine = new OrderEngine(Store, () => rules, this, this, TimeProvider.System, options, new Logger<OrderEngine>(new LoggerFactory([Log], new LoggerFilterOptions { MinLevel = LogLevel.Trace })));
        Engine.Start();
    }

    public HeardLog Log { get; } = new();
    public string ConnectionString { get; }
    public NpgsqlDataSource Database { get; }
    public IOrderStore Store { get; }
    public OrderEngine Engine { get; }
    public System.Collections.Concurrent.ConcurrentQueue<GatewayCall> Calls { get; } = [];

    public static Task<EngineWorld> Create(string connectionString, EngineOptions? options = null, IOrderStore? store = null) =>
        Task.FromResult(new EngineWorld(connectionString, options ?? new EngineOptions(), store));

    public void Start(GatewayCall call) => Calls.Enqueue(call);

    public void Publish(OrderId order, IReadOnlyList<OrderEvent> events) { }

    public OrderId NewId() => ids.NextOrder();

    public static OrderCommand.Create Order(OrderId id, string? reference = null, long amount = 49900) => new(
        id, reference, new Money(amount, Currency.Find("INR")), "A book", new Customer("Asha", "asha@example.test"), new OrderPolicy(), TimeSpan.FromMinutes(30),
        new OrderContent([new OrderLine("A book", 1, amount)], ImmutableSortedDictionary<string, string>.Empty, null, null,
            [.. SHA256.HashData(Encoding.UTF8.GetBytes($"{reference}|{amount}"))]));

    public async Task<OrderId> Placed(string? reference = null)
    {
        var id = NewId();
        (await Do(id, Order(id, reference))).ShouldBeOfType<EngineReply.Done>().Reply.ShouldBeOfType<Reply.Made>();
        return id;
    }

    public async Task<OrderId> WithLink()
    {
        var id = await Started();
        await Do(id, new Evidence.LinkOpened(new PaymentLink.Redirect("https://gateway.test/l/1"), null) { GatewayReference = LinkOf(id) }
            .Learned(1, EvidenceSource.Reply, DateTimeOffset.UnixEpoch, "k1"));
        return id;
    }

    public async Task<OrderId> Started()
    {
        var id = await Placed();
        await Do(id, new OrderCommand.StartPayment("cards", null));
        return id;
    }

    public static string LinkOf(OrderId id) => $"l_{id.Letters}";

    public Task<EngineReply> Do(OrderId id, OrderInput input) => Engine.Submit(id, input, CancellationToken.None);

    public static EngineInput Paid(OrderId id, string eventId, long amount = 49900, string money = "pi_1") => new(id,
        [new Evidence.Succeeded(money, new Money(amount, Currency.Find("INR")), "card").Learned(1, EvidenceSource.Webhook, DateTimeOffset.UnixEpoch, eventId)],
        new GatewayNews("cards", eventId, "paid", 1, "{}", "raw"u8.ToArray()));

    public async Task<T> Ask<T>(string sql, params object[] values)
    {
        await using var command = Database.CreateCommand(sql);
        foreach (var value in values) command.Parameters.Add(new NpgsqlParameter { Value = value });
        return (T)(await command.ExecuteScalarAsync())!;
    }

    public async ValueTask DisposeAsync()
    {
        await Engine.DisposeAsync();
        await Database.DisposeAsync();
    }
}
