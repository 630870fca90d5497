using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Purser.Server.Tests.Api;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Deliveries;

/// <summary>What a receiver was sent.</summary>
sealed record Heard(string Path, string Id, string Timestamp, string Signature, string Body)
{
    public int Sequence => int.Parse(Id[(Id.LastIndexOf('_') + 1)..]);
}

/// <summary>A merchant's receiver, which does as the test says.</summary>
sealed class TestReceiver : IAsyncDisposable
{
    readonly WebApplication app;
    readonly ConcurrentQueue<Heard> heard = [];

    TestReceiver(WebApplication app) => this.app = app;

    public string Url => app.Urls.First();

    /// <summary>What it does with a message; when nothing is set it takes it.</summary>
    public Func<HttpContext, Heard, Task>? Does { get; set; }

    public IReadOnlyList<Heard> At(string path) => [.. heard.Where(h => h.Path == path)];

    /// <param name="url">Where it was before; null takes any port.</param>
    public static async Task<TestReceiver> Open(string? url = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls(url ?? "http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        var app = builder.Build();
        var receiver = new TestReceiver(app);
        app.Run(receiver.Take);
        await app.StartAsync();
        return receiver;
    }

    async Task Take(HttpContext http)
    {
        using var reader = new StreamReader(http.Request.Body);
        var headers = http.Request.Headers;
        var one = new Heard(http.Request.Path, headers["webhook-id"].ToString(), headers["webhook-timestamp"].ToString(), headers["webhook-signature"].ToString(), await reader.ReadToEndAsync());
        heard.Enqueue(one);
        if (Does is { } does) await does(http, one);
    }

    public async ValueTask DisposeAsync() => await app.DisposeAsync();
}

/// <summary>The time of day, put forward by a test; what waits in real time waits on.</summary>
sealed class PushedClock : TimeProvider
{
    long ahead;
    long stands;

    public void Push(TimeSpan by) => Interlocked.Add(ref ahead, by.Ticks);

    /// <summary>From now on it goes only by pushes: a next try is not due before the test says so, on a machine of any speed. A day ahead, for what PostgreSQL's own clock says
    /// must be over.</summary>
    public PushedClock StandStill()
    {
        Interlocked.Exchange(ref stands, base.GetUtcNow().AddDays(1).Ticks);
        return this;
    }

    public override DateTimeOffset GetUtcNow() =>
        (Interlocked.Read(ref stands) is > 0 and var ticks ? new DateTimeOffset(ticks, TimeSpan.Zero) : base.GetUtcNow()).AddTicks(Interlocked.Read(ref ahead));
}

/// <summary>The real host, a receiver, and a clock that a test pushes.</summary>
sealed class DeliveryHouse : IAsyncDisposable
{
    DeliveryHouse(ApiHouse api, TestReceiver receiver, PushedClock clock) => (Api, Receiver, Clock) = (api, receiver, clock);

    public ApiHouse Api { get; }
    public TestReceiver Receiver { get; }
    public PushedClock Clock { get; }

    public static async Task<DeliveryHouse> Open(string database, params (string Name, string Value)[] more)
    {
        var clock = new PushedClock();
        return new DeliveryHouse(await Node(database, clock, more), await TestReceiver.Open(), clock);
    }

    public static Task<ApiHouse> Node(string database, PushedClock clock, params (string Name, string Value)[] more) =>
        ApiHouse.Open(database, services => services.AddSingleton<TimeProvider>(clock), [("Deliveries:Development", "true"), .. more]);

    /// <summary>An endpoint at the receiver's path.</summary>
    /// <param name="more">Further fields, as JSON.</param>
    public async Task<Answered> Endpoint(string path = "/hook", string more = "")
    {
        var made = await Api.Post("/v1/webhook_endpoints", $$"""{"url": "{{Receiver.Url}}{{path}}"{{more}}}""");
        made.Status.ShouldBe(HttpStatusCode.Created, made.Body.ToString());
        return made;
    }

    /// <summary>An order that is paid: five events.</summary>
    public async Task<string> Paid(string name)
    {
        var order = (await Api.Order()).Text("id");
        var payment = await Api.Post($"/v1/orders/{order}/payments", "{}");
        await Api.Tell($"evt_{name}", "captured", payment.Text("reference"), money: $"m_{name}");
        (await Api.Get($"/v1/orders/{order}")).Text("status").ShouldBe("paid");
        return order;
    }

    public Task<long> Deliveries(string condition) => Api.Count($"select count(*) from deliveries where {condition}");

    public Task NoneLeft(string condition, string what) => Until.True(async () => await Deliveries(condition) == 0, what);

    public async ValueTask DisposeAsync()
    {
        await Api.DisposeAsync();
        await Receiver.DisposeAsync();
    }
}
