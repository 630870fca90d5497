using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using Microsoft.Extensions.DependencyInjection;
using Purser.Orders;
using Purser.Server.Engine;
using Purser.Server.Tests.Api;

// Beside the client's own types, as a merchant's code is, and not within the server's.
namespace Purser.Client.Tests;

/// <summary>A client over the real server, with a wire between them that does as the test says.</summary>
sealed class ClientHouse : IAsyncDisposable
{
    readonly ServiceProvider services;

    ClientHouse(ApiHouse api)
    {
        Api = api;
        services = Services(Address, api.Secret);
    }

    public ApiHouse Api { get; }
    public Wire Wire { get; } = new();
    public SkippingClock Clock { get; } = new();
    public Uri Address => Api.Http.BaseAddress!;
    public PurserClient Purser => services.GetRequiredService<PurserClient>();

    public static async Task<ClientHouse> Open(string database, params (string Name, string Value)[] more) => new(await ApiHouse.Open(database, [("Deliveries:Development", "true"), .. more]));

    ServiceProvider Services(Uri address, string key)
    {
        var made = new ServiceCollection();
        made.AddPurser(o => (o.Address, o.SecretKey, o.Time) = (address, key, Clock)).AddHttpMessageHandler(() => new Link(Wire));
        return made.BuildServiceProvider();
    }

    /// <summary>A client with another key, or at another address.</summary>
    public PurserClient Other(string? key = null, Uri? address = null) => Services(address ?? Address, key ?? Api.Secret).GetRequiredService<PurserClient>();

    public static NewOrder Book(string reference, long price = 49_900) =>
        new() { Reference = reference, Lines = [new NewOrderLine("A book", 1, new Money(price, "INR"))] };

    /// <summary>An order that is paid at the scripted gateway.</summary>
    public async Task<Order> Paid(string reference)
    {
        var order = await Purser.Orders.Place(Book(reference));
        var payment = await Purser.Payments.Start(order.Id);
        await Api.Tell($"evt_{reference}", "captured", payment.Reference, money: $"m_{reference}");
        return await Purser.Orders.Get(order.Id);
    }

    /// <summary>The shopper's bank wants the money back, or no more.</summary>
    public Task Dispute(Order order, bool won = false) => Dispute(Api.Host, order, won);

    public static async Task Dispute(Server.ServerHost host, Order order, bool won)
    {
        OrderId.TryParse(order.Id, out var id).ShouldBeTrue();
        var money = new Purser.Money(order.Amount.MinorUnits, Currency.Find(order.Amount.Currency));
        Evidence told = won ? new Evidence.DisputeClosed("dispute_1", money, Won: true) : new Evidence.DisputeOpened("dispute_1", money);
        (await host.Services.GetRequiredService<OrderEngine>().Submit(id, told.Learned(order.Payments[0].Number, EvidenceSource.Webhook, DateTimeOffset.UnixEpoch, $"{order.Id} {won}"), default))
            .ShouldBeOfType<EngineReply.Done>();
    }

    public async ValueTask DisposeAsync()
    {
        await services.DisposeAsync();
        await Api.DisposeAsync();
    }

    sealed class Link(Wire wire) : DelegatingHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            wire.Carry(request, () => base.SendAsync(request, cancellationToken));
    }
}

/// <summary>What passes between client and server.</summary>
sealed class Wire
{
    readonly ConcurrentQueue<Func<Func<Task<HttpResponseMessage>>, Task<HttpResponseMessage>>> next = [];

    public ConcurrentQueue<(string Method, string Path, string? Key)> Requests { get; } = [];

    /// <summary>The server cannot be reached, and what is on its way is cut off.</summary>
    public volatile bool Down;

    public IEnumerable<string?> Keys => Requests.Select(r => r.Key);

    /// <summary>The next request arrives, and its answer does not.</summary>
    public Wire LoseAnswer()
    {
        next.Enqueue(async send =>
        {
            (await send()).Dispose();
            throw new HttpRequestException("The connection was reset.");
        });
        return this;
    }

    /// <summary>The next request goes and its answer comes.</summary>
    public Wire Pass()
    {
        next.Enqueue(send => send());
        return this;
    }

    /// <summary>The next request gets this answer from something on the way.</summary>
    public Wire Answer(HttpStatusCode status, TimeSpan? retryAfter = null, string body = "<h1>Busy</h1>", string media = "text/html")
    {
        next.Enqueue(_ =>
        {
            var answer = new HttpResponseMessage(status) { Content = new StringContent(body, new MediaTypeHeaderValue(media)) };
            if (retryAfter is { } after) answer.Headers.RetryAfter = new RetryConditionHeaderValue(after);
            return Task.FromResult(answer);
        });
        return this;
    }

    public async Task<HttpResponseMessage> Carry(HttpRequestMessage request, Func<Task<HttpResponseMessage>> send)
    {
        Requests.Enqueue((request.Method.Method, request.RequestUri!.AbsolutePath, request.Headers.TryGetValues("Idempotency-Key", out var keys) ? keys.Single() : null));
        if (Down) throw new HttpRequestException("Nobody listens.");
        var answer = await (next.TryDequeue(out var does) ? does(send) : send());
        if (!Down) return answer;
        answer.Dispose();
        throw new HttpRequestException("The connection was cut.");
    }
}

/// <summary>A clock whose pauses are over at once, and remembered.</summary>
sealed class SkippingClock : TimeProvider
{
    public ConcurrentQueue<TimeSpan> Pauses { get; } = [];

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        Pauses.Enqueue(dueTime);
        // A little later all the same, so that waiting for a server that is away is no busy loop.
        return base.CreateTimer(callback, state, TimeSpan.FromMilliseconds(5), period);
    }
}
