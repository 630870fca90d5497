using System.Collections.Immutable;
using System.Net;
using AngleSharp.Html.Dom;
using AngleSharp.Html.Parser;
using Microsoft.Extensions.DependencyInjection;
using Purser.Orders;
using Purser.Payments;
using Purser.Server.Checkout;
using Purser.Server.Engine;
using Purser.Server.Tests.Browser;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Checkout;

/// <summary>A whole server whose gateways say only what a test says in their place: no call leaves it, and evidence comes in by hand, or at once
/// where <see cref="Answers"/> is set. So an order can be put into every situation there is.</summary>
public sealed class PageHouse : IAsyncLifetime
{
    public const string PayPage = "https://gateway.example/pay/123";

    readonly PostgresFixture postgres = new();
    DateTimeOffset told = TimeProvider.System.GetUtcNow().AddMinutes(-10);

    /// <summary>Every question for a link is answered with <see cref="PayPage"/>, every wish to close one with a yes.</summary>
    public bool Answers { get; set; }

    /// <summary>The language on orders that are placed from now on.</summary>
    public string? Locale { get; set; }

    /// <summary>What invoices say of the shopper, on orders that are placed from now on.</summary>
    public Billing? Billing { get; set; }

    /// <summary>Settings beside the usual ones.</summary>
    public IReadOnlyDictionary<string, string?> Also { get; init; } = ImmutableDictionary<string, string?>.Empty;

    /// <summary>Two nodes on one database behind one address: everything is at <see cref="Host"/>, and only who waits for news waits at the other.</summary>
    public bool IsOnTwoNodes { get; init; }

    ServerHost? other;
    Front? front;

    public ServerHost Host { get; private set; } = null!;
    public HttpClient Http { get; private set; } = null!;
    public string Url => front?.Url ?? Host.Url;
    public ShopperLinks Links => Host.Services.GetRequiredService<ShopperLinks>();

    public static IReadOnlyDictionary<string, string?> Settings(string connection) => new Dictionary<string, string?>
    {
        ["ConnectionStrings:Purser"] = connection,
        ["urls"] = "http://127.0.0.1:0",
        ["Purser:Demo"] = "true",
        ["Purser:MerchantName"] = "Leaf & Kettle",
        ["Purser:SupportContact"] = "help@shop.example",
        ["Purser:SandboxUrl"] = "http://127.0.0.1:7400",
        ["Purser:ShopUrl"] = "http://127.0.0.1:7500",
        ["Gateways:razorpay:Order"] = "1",
        ["Gateways:razorpay:BaseUrl"] = "http://127.0.0.1:9",
        ["Gateways:razorpay:TestMode"] = "true",
        ["Gateways:razorpay:key_id"] = "rzp_test_1",
        ["Gateways:razorpay:key_secret"] = "secret",
        ["Gateways:razorpay:webhook_secret"] = "secret",
        ["Gateways:stripe:Order"] = "2",
        ["Gateways:stripe:BaseUrl"] = "http://127.0.0.1:9",
        ["Gateways:stripe:TestMode"] = "true",
        ["Gateways:stripe:secret_key"] = "sk_test_1",
        ["Gateways:stripe:webhook_secret"] = "whsec_1",
    };

    public async Task InitializeAsync()
    {
        await postgres.InitializeAsync();
        var settings = Settings(await postgres.CreateDatabase()).Concat(Also).ToDictionary();
        if (IsOnTwoNodes) settings["Purser:PublicUrl"] = (front = await Front.Open()).Url;
        Task<ServerHost> Node() => ServerHost.Start([], settings, also: services => services.AddSingleton<ICallStarter>(new Answering(this)));
        Host = await Node();
        if (IsOnTwoNodes) front!.Split(Host.Url, (other = await Node()).Url);
        Http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = new Uri(Url) };
    }

    public async Task DisposeAsync()
    {
        Http.Dispose();
        if (other is not null) await other.DisposeAsync();
        await Host.DisposeAsync();
        await postgres.DisposeAsync();
        if (front is null) return;
        await front.DisposeAsync();
        front.WasWaitedElsewhere();
    }

    public async Task<Order> Place(
        long amount = 49_900, string currency = "INR", OrderPolicy? policy = null, TimeSpan? lives = null, string? returnUrl = "https://shop.example/thanks",
        Customer? customer = null, string description = "Tea for two", string? userId = null, string? reference = null, TimeSpan age = default, params OrderLine[] lines)
    {
        var id = Host.Services.GetRequiredService<Ids>().NextOrder();
        // When it was drawn is in its number, in milliseconds.
        id = new OrderId(id.Value - OrderId.FirstAt(DateTimeOffset.UnixEpoch + age).Value);
        return await Do(id, new OrderCommand.Create(id, reference, new Money(amount, Currency.Find(currency)), description,
            customer ?? new Customer("Asha Rao", "asha@shop.example", "+919900000000"), policy ?? new OrderPolicy(), lives ?? TimeSpan.FromMinutes(30),
            new OrderContent(lines.Length > 0 ? [.. lines] : [new OrderLine("Darjeeling first flush, 250 g", 1, amount)],
                ImmutableSortedDictionary<string, string>.Empty, userId, returnUrl, [1], Locale, Billing)));
    }

    public Task<Order> Start(Order order, string account = "razorpay") =>
        Do(order.Id, new OrderCommand.StartPayment(account, "card"));

    /// <summary>What a gateway tells, each a little later than the last.</summary>
    public Task<Order> Hear(Order order, Evidence evidence, int payment = 1, EvidenceSource? source = null) =>
        Do(order.Id, evidence.Learned(payment, source ?? (evidence is Evidence.LinkCancelled or Evidence.LinkExpired ? EvidenceSource.Inquiry : EvidenceSource.Webhook),
            told = told.AddSeconds(1), null));

    public async Task<Order> Open(Order order, PaymentLink? link = null, int payment = 1)
    {
        await Start(order);
        return await Opened(order, link, payment);
    }

    Task<Order> Opened(Order order, PaymentLink? link = null, int payment = 1) =>
        Hear(order, new Evidence.LinkOpened(link ?? new PaymentLink.Redirect(PayPage), order.Amount) { GatewayReference = $"plink_{order.Id.Letters}_{payment}" }, payment);

    /// <summary>With an open link, and with little time left: as little as lasts until the link is open on this machine.</summary>
    public async Task<Order> OpenShortly(OrderPolicy? policy = null)
    {
        for (var lives = TimeSpan.FromSeconds(1); ; lives *= 2)
        {
            var order = await Place(policy: policy, lives: lives);
            if (await Host.Engine.Submit(order.Id, new OrderCommand.StartPayment("razorpay", "card"), CancellationToken.None) is not EngineReply.Done { Reply: Reply.Made }) continue;
            order = await Opened(order);
            if (TimeProvider.System.GetUtcNow() < order.ExpiresAt) return order;
        }
    }

    public Task<Order> Pay(Order order, long? amount = null, int payment = 1, string money = "money") =>
        Hear(order, new Evidence.Succeeded($"{money}_{order.Id.Letters}_{payment}", order.Amount with { MinorUnits = amount ?? order.Amount.MinorUnits }), payment);

    public async Task<Order> Do(OrderId order, OrderInput input)
    {
        var reply = (await Host.Engine.Submit(order, input, CancellationToken.None)).ShouldBeOfType<EngineReply.Done>().Reply;
        return reply switch
        {
            Reply.Made made => made.Order,
            Reply.Same same => same.Order,
            _ => throw new InvalidOperationException($"{input.GetType().Name} was answered with {reply}."),
        };
    }

    /// <summary>Rings the order's alarm until its time is over and it is closed.</summary>
    public async Task<Order> RunOut(Order order)
    {
        await Until.True(async () => (order = await Do(order.Id, new OrderInput.Tick())) is { HasEnded: true } or { ClosingAt: not null }, "its time is over");
        return order;
    }

    public async Task<(HttpStatusCode Status, IHtmlDocument Page, HttpResponseMessage Answer)> Get(string address)
    {
        var answer = await Http.GetAsync(address);
        return (answer.StatusCode, new HtmlParser().ParseDocument(await answer.Content.ReadAsStringAsync()), answer);
    }

    public Task<HttpResponseMessage> Post(string address, params (string Name, string Value)[] fields)
    {
        var form = fields.Select(f => KeyValuePair.Create(f.Name, f.Value));
        return Http.PostAsync(address, new FormUrlEncodedContent(form));
    }

    sealed class Answering(PageHouse house) : ICallStarter
    {
        public void Start(GatewayCall call)
        {
            if (!house.Answers) return;
            Evidence? answer = call switch
            {
                GatewayCall.OpenLink => new Evidence.LinkOpened(new PaymentLink.Redirect(PayPage), call.Order.Amount)
                {
                    GatewayReference = $"plink_{call.Order.Id.Letters}_{call.Payment}",
                },
                GatewayCall.CancelLink => new Evidence.LinkCancelled(),
                _ => null,
            };
            // Not on the engine's own lane: a gateway answers from elsewhere.
            if (answer is not null) _ = Task.Run(() => house.Hear(call.Order, answer, call.Payment));
        }
    }
}
