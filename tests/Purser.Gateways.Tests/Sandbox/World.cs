using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Purser.Sandbox;

namespace Purser.Gateways.Tests.Outside;

/// <summary>The outside world on free ports, a client for each side, and an ear for webhooks.</summary>
public sealed class World : IAsyncLifetime
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    /// <summary>A fault's delay, in milliseconds, that ends when the test says so: <see cref="Resume"/>.</summary>
    public const int Held = 3_600_000;

    readonly HeldClock clock = new(TimeSpan.FromMilliseconds(Held));
    WebApplication ear = null!;
    int turn;

    public Purser.Sandbox.Sandbox Sandbox { get; private set; } = null!;

    public ConcurrentQueue<Heard> Deliveries { get; } = new();

    /// <summary>How the ear answers, given how many deliveries it has heard with this one.</summary>
    public Func<int, int> EarAnswers { get; set; } = _ => 200;

    /// <summary>Another one for each test: what was still under way for the one before is not heard.</summary>
    public string EarUrl => $"{ear.Urls.First()}/{turn}";

    public HttpClient Control { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        Sandbox = await Purser.Sandbox.Sandbox.Start(new() { ControlPort = 0, DynamicPorts = true, Speed = 600, Seed = 1, Clock = clock });
        Control = new() { BaseAddress = Sandbox.ControlUrl };
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0));
        ear = builder.Build();
        ear.Run(async context =>
        {
            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body);
            if (context.Request.Path != $"/{turn}") return;
            Deliveries.Enqueue(new(body.ToArray(), context.Request.Headers.ToDictionary(h => h.Key, h => h.Value.ToString(), StringComparer.OrdinalIgnoreCase)));
            context.Response.StatusCode = EarAnswers(Deliveries.Count);
        });
        await ear.StartAsync();
    }

    public async Task DisposeAsync()
    {
        Control.Dispose();
        await Sandbox.DisposeAsync();
        await ear.DisposeAsync();
    }

    /// <summary>A gateway as on its first day, its webhooks coming to the ear.</summary>
    public async Task<Gateway> Fresh(string name, params string[] secrets)
    {
        Sandbox.Reset();
        turn++;
        clock.Begin();
        EarAnswers = _ => 200;
        await Put($"/control/{name}/webhook_endpoint", new { url = EarUrl, secrets });
        Deliveries.Clear();
        return new(this, name, new() { BaseAddress = Sandbox.Url(name) });
    }

    /// <summary>The gateways' time stands still: what they would do later, such as a bank's word or a refund's end, waits for <see cref="Resume"/>.</summary>
    public void StandStill() => clock.StandStill();

    /// <summary>Time goes on: what waited happens now. Ends every wait of <see cref="Held"/> too, also what begins one until the next test.</summary>
    public void Resume() => clock.Resume();

    public async Task Put(string path, object body)
    {
        using var answer = await Control.PutAsJsonAsync(path, body);
        answer.StatusCode.ShouldBe(HttpStatusCode.OK, await answer.Content.ReadAsStringAsync());
    }

    public async Task<IReadOnlyList<Heard>> Hear(int count, Func<Heard, bool>? which = null)
    {
        var all = Array.Empty<Heard>();
        await Until(() => (all = [.. Deliveries.Where(which ?? (_ => true))]).Length >= count);
        return all;
    }

    public static Task Until(Func<bool> condition) => Until(() => Task.FromResult(condition()));

    public static async Task Until(Func<Task<bool>> condition)
    {
        for (var since = TimeProvider.System.GetTimestamp(); !await condition(); await Task.Delay(10))
            TimeProvider.System.GetElapsedTime(since).ShouldBeLessThan(Patience, "It did not come about.");
    }
}

/// <summary>One delivery, as bytes.</summary>
public sealed record Heard(byte[] Body, IReadOnlyDictionary<string, string> Headers)
{
    public string Text => Encoding.UTF8.GetString(Body);

    public JsonNode Json => JsonNode.Parse(Body)!;
}

/// <summary>A gateway of the sandbox, spoken to as a merchant and directed as a test.</summary>
public sealed class Gateway(World world, string name, HttpClient http) : IDisposable
{
    public World World => world;

    public HttpClient Http => http;

    public GatewayWorld Inside => world.Sandbox.World(name)!;

    public async Task<(int Status, JsonNode? Body, HttpResponseHeaders Headers)> Send(string method, string path, HttpContent? content = null,
        params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(new(method), path) { Content = content };
        foreach (var (header, value) in headers) request.Headers.TryAddWithoutValidation(header, value);
        using var answer = await http.SendAsync(request);
        var text = await answer.Content.ReadAsStringAsync();
        return ((int)answer.StatusCode, text.StartsWith('{') ? JsonNode.Parse(text) : null, answer.Headers);
    }

    public Task Fault(params object[] rules) => world.Put($"/control/{name}/faults", rules);

    public async Task<(int Status, JsonNode Body)> Shopper(string reference, string outcome)
    {
        using var answer = await world.Control.PostAsJsonAsync($"/control/{name}/payments", new { reference, outcome, delay_ms = 0 });
        return ((int)answer.StatusCode, (await answer.Content.ReadFromJsonAsync<JsonNode>())!);
    }

    public async Task<JsonArray> Book() => (await world.Control.GetFromJsonAsync<JsonArray>($"/control/{name}/book"))!;

    public void Dispose() => http.Dispose();
}
