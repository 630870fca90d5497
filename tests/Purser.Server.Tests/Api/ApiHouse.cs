using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Purser.Server.Api;
using Purser.Server.Keys;
using Purser.Server.Platform;
using Purser.Server.Tests.Situations;

namespace Purser.Server.Tests.Api;

/// <summary>What the server answered.</summary>
sealed record Answered(HttpStatusCode Status, JsonElement Body, HttpResponseHeaders Headers, string? MediaType)
{
    public string Text(string name) => Body.GetProperty(name).GetString()!;

    /// <summary>The problem's stable name.</summary>
    public string Problem => Text("type")["/problems/".Length..];
}

/// <summary>The real host on a loopback port, with two scripted gateways, a secret and a publishable key.</summary>
sealed class ApiHouse : IAsyncDisposable
{
    public const string ShopOrigin = "https://shop.example";

    ApiHouse(ServerHost host, ScriptedGateway first, ScriptedGateway second, string secret, string publishable)
    {
        (Host, First, Second, Secret, Publishable) = (host, first, second, secret, publishable);
        Http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, MaxConnectionsPerServer = 100 }) { BaseAddress = new Uri(host.Url) };
    }

    public ServerHost Host { get; }
    public ScriptedGateway First { get; }
    public ScriptedGateway Second { get; }
    public string Secret { get; }
    public string Publishable { get; }
    public HttpClient Http { get; }
    public ApiKeys Keys => Host.Services.GetRequiredService<ApiKeys>();
    public NpgsqlDataSource Database => Host.Services.GetRequiredService<Database>().Source;
    public ShopperTokens Tokens => Host.Services.GetRequiredService<ShopperTokens>();

    /// <summary>Limits of which nothing comes back with time, so that a test can use them up on a machine of any speed.</summary>
    public static void NoRefill(IServiceCollection services) => services.AddSingleton(s => new RateLimits(s.GetRequiredService<ApiOptions>(), refills: false));

    public static Task<ApiHouse> Open(string connectionString, params (string Name, string Value)[] more) => Open(connectionString, null, more);

    public static async Task<ApiHouse> Open(string connectionString, Action<IServiceCollection>? also, params (string Name, string Value)[] more)
    {
        var (first, second) = (new ScriptedGateway("first"), new ScriptedGateway("second"));
        var settings = new Dictionary<string, string?>
        {
            ["urls"] = "http://127.0.0.1:0",
            ["ConnectionStrings:Purser"] = connectionString,
            ["Logging:LogLevel:Default"] = "None",
            ["Gateways:first:Gateway"] = "first",
            ["Gateways:first:Order"] = "1",
            ["Gateways:second:Gateway"] = "second",
            ["Purser:ReturnUrls"] = "https://shop.example/thanks, http://localhost:5000",
        };
        foreach (var (name, value) in more) settings[name] = value;
        var host = await ServerHost.Start([], settings, also, gateways: [first, second]);
        var keys = host.Services.GetRequiredService<ApiKeys>();
        var (secret, _) = await keys.Create("backend", KeyKind.Secret);
        var (publishable, _) = await keys.Create("pages", KeyKind.Publishable, [ShopOrigin]);
        return new ApiHouse(host, first, second, secret, publishable);
    }

    public const string Book = """{"currency": "INR", "lines": [{"name": "A book", "quantity": 1, "unit_amount": 49900}]}""";

    public Task<Answered> Post(string path, string? body, string? key = null, params (string Name, string Value)[] headers) =>
        Send(HttpMethod.Post, path, body, key ?? Secret, headers);

    public Task<Answered> Get(string path, string? key = null, params (string Name, string Value)[] headers) =>
        Send(HttpMethod.Get, path, null, key ?? Secret, headers);

    /// <param name="key">Empty sends none.</param>
    public async Task<Answered> Send(HttpMethod method, string path, string? body, string key, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, path);
        if (body is not null) request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        if (key.Length > 0) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        using var answer = await Http.SendAsync(request);
        var text = await answer.Content.ReadAsStringAsync();
        return new Answered(answer.StatusCode, text.Length == 0 ? default : JsonSerializer.Deserialize<JsonElement>(text), answer.Headers, answer.Content.Headers.ContentType?.MediaType);
    }

    public async Task<Answered> Order(string? body = null)
    {
        var placed = await Post("/v1/orders", body ?? Book);
        placed.Status.ShouldBe(HttpStatusCode.Created, placed.Body.ToString());
        return placed;
    }

    /// <summary>A signed webhook of the gateway account <c>first</c>.</summary>
    public async Task Tell(string eventId, string kind, string reference, long amount = 49900, string money = "m_1")
    {
        var news = ScriptedGateway.News(eventId, kind, reference, amount, money);
        using var content = new ByteArrayContent(news);
        content.Headers.Add("Scripted-Signature", ScriptedGateway.Sign(news));
        using var answer = await Http.PostAsync("/gateways/first/webhook", content);
        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    public async Task<long> Count(string sql)
    {
        await using var ask = Database.CreateCommand(sql);
        return (long)(await ask.ExecuteScalarAsync())!;
    }

    /// <summary>Everything that a request could have written.</summary>
    public Task<long> Rows() => Count("""
        select (select count(*) from orders) + (select count(*) from payments) + (select count(*) from events) + (select count(*) from request_keys)
            + (select count(*) from products) + (select count(*) from gateway_calls) + (select count(*) from gateway_news) + (select count(*) from refunds)
            + (select count(*) from deliveries) + (select count(*) from webhook_endpoints) + (select count(*) from audit_log) + (select count(*) from settlement_files)
            + (select count(*) from discrepancies) + (select count(*) from postings)
        """);

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await Host.DisposeAsync();
    }
}
