using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Purser.Server.CommandLine;
using Purser.Server.Doctor;
using Purser.Server.Platform;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Situations;

/// <summary>A server over HTTP with two scripted gateway accounts, and a merchant's client for it.</summary>
sealed class Shop : IAsyncDisposable
{
    Shop(ServerHost host, HttpClient api, ScriptedGateway first, ScriptedGateway second) =>
        (Host, Api, First, Second) = (host, api, first, second);

    public ServerHost Host { get; }
    public HttpClient Api { get; }
    public ScriptedGateway First { get; }
    public ScriptedGateway Second { get; }

    public static async Task<Shop> Open(string connectionString, IReadOnlyDictionary<string, string?>? more = null, Action<IServiceCollection>? also = null)
    {
        var (first, second) = (new ScriptedGateway("first"), new ScriptedGateway("second"));
        var settings = new Dictionary<string, string?>
        {
            ["urls"] = "http://127.0.0.1:0",
            ["ConnectionStrings:Purser"] = connectionString,
            ["Logging:LogLevel:Default"] = "None",
            ["Gateways:first:Gateway"] = "first",
            ["Gateways:second:Gateway"] = "second",
        };
        foreach (var (name, value) in more ?? new Dictionary<string, string?>()) settings[name] = value;
        var host = await ServerHost.Start([], settings, also, gateways: [first, second]);
        var keys = await DevelopmentKeys.Renew(host, "test", default);
        var api = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = new Uri(host.Url) };
        api.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", keys.Secret);
        return new Shop(host, api, first, second);
    }

    public async Task<JsonElement> Order(object? more = null)
    {
        using var answer = await Api.PostAsJsonAsync("/v1/orders", more ?? new
        {
            currency = "INR",
            lines = new[] { new { name = "A book", quantity = 1, unit_amount = 49900 } },
        });
        answer.StatusCode.ShouldBe(HttpStatusCode.Created, await answer.Content.ReadAsStringAsync());
        return await answer.Content.ReadFromJsonAsync<JsonElement>();
    }

    public async Task<(HttpStatusCode Status, JsonElement Body)> Post(string path, object body)
    {
        using var answer = await Api.PostAsJsonAsync(path, body);
        return (answer.StatusCode, JsonSerializer.Deserialize<JsonElement>(await answer.Content.ReadAsStringAsync()));
    }

    public Task<(HttpStatusCode Status, JsonElement Body)> Pay(string order, string gateway = "first") =>
        Post($"/v1/orders/{order}/payments", new { gateway });

    public async Task<JsonElement> Get(string path) => await Api.GetFromJsonAsync<JsonElement>(path);

    /// <summary>A gateway's signed webhook.</summary>
    public async Task<HttpStatusCode> Tell(string account, byte[] news, string? signature = null)
    {
        using var content = new ByteArrayContent(news);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        content.Headers.Add("Scripted-Signature", signature ?? ScriptedGateway.Sign(news));
        using var answer = await Api.PostAsync($"/gateways/{account}/webhook", content);
        return answer.StatusCode;
    }

    /// <summary>Our reference of an order's payment at its gateway.</summary>
    public static string Reference(string order, int number)
    {
        OrderId.TryParse(order, out var id).ShouldBeTrue();
        return new PaymentId(id, number).Reference;
    }

    public async Task NothingIsBroken() =>
        (await new InvariantStore(Host.Services.GetRequiredService<Database>().Source).Check(default)).Where(f => f.Count > 0).ShouldBeEmpty();

    public async Task<long> Count(string sql)
    {
        await using var ask = Host.Services.GetRequiredService<Database>().Source.CreateCommand(sql);
        return (long)(await ask.ExecuteScalarAsync())!;
    }

    public async ValueTask DisposeAsync()
    {
        Api.Dispose();
        await Host.DisposeAsync();
    }
}
