using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;
using Purser.Server.Api;
using Purser.Server.Doctor;
using Purser.Server.Keys;
using Purser.Server.Platform;
using Purser.Server.Settlement;
using Purser.Server.Tests.Api;
using Purser.Server.Tests.Platform;
using Purser.Server.Tests.Situations;

namespace Purser.Server.Tests.Settlement;

/// <summary>The real host with two accounts whose gateway has statements.</summary>
sealed class SettlementHouse : IAsyncDisposable
{
    readonly HttpClient http;
    readonly ConcurrentDictionary<string, Lazy<Task<string>>> keys = new();
    int events;

    SettlementHouse(ServerHost host, StatementGateway gateway, string secret)
    {
        (Host, Gateway, Secret) = (host, gateway, secret);
        http = new HttpClient { BaseAddress = new Uri(host.Url), Timeout = TimeSpan.FromMinutes(5) };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", secret);
    }

    public ServerHost Host { get; }
    public StatementGateway Gateway { get; }
    public string Secret { get; }
    public HttpClient Http => http;
    public NpgsqlDataSource Database => Host.Services.GetRequiredService<Database>().Source;

    public static Task<SettlementHouse> Open(string connectionString, SettlementHook? hook = null, params (string Name, string Value)[] more) => Open(connectionString, hook, _ => { }, more);

    public static Task<SettlementHouse> Open(string connectionString, SettlementHook? hook, ILoggerProvider? log, params (string Name, string Value)[] more) => Open(connectionString, hook, services =>
    {
        if (log is not null) services.AddSingleton(log);
    }, more);

    /// <param name="also">What the host has beside its own, or instead.</param>
    public static async Task<SettlementHouse> Open(string connectionString, SettlementHook? hook, Action<IServiceCollection> also, params (string Name, string Value)[] more)
    {
        var gateway = new StatementGateway("statements");
        var settings = new Dictionary<string, string?>
        {
            ["urls"] = "http://127.0.0.1:0",
            ["ConnectionStrings:Purser"] = connectionString,
            ["Logging:LogLevel:Default"] = "None",
            ["Gateways:shop:Gateway"] = "statements",
            ["Gateways:other:Gateway"] = "statements",
        };
        foreach (var (name, value) in more) settings[name] = value;
        var host = await ServerHost.Start([], settings, also: services =>
        {
            if (hook is not null) services.AddSingleton(hook);
            also(services);
        }, gateways: [gateway]);
        var (secret, _) = await host.Services.GetRequiredService<ApiKeys>().Create("backend", KeyKind.Secret);
        return new SettlementHouse(host, gateway, secret);
    }

    public async Task<Answered> Send(HttpMethod method, string path, HttpContent? content = null, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, path) { Content = content };
        foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        using var answer = await http.SendAsync(request);
        var text = await answer.Content.ReadAsStringAsync();
        return new Answered(answer.StatusCode, text.Length == 0 ? default : JsonSerializer.Deserialize<JsonElement>(text), answer.Headers, answer.Content.Headers.ContentType?.MediaType);
    }

    public Task<Answered> Get(string path) => Send(HttpMethod.Get, path);

    public async Task<Answered> Post(string path, object body)
    {
        using var content = new StringContent(JsonSerializer.Serialize(body), Encoding.UTF8, "application/json");
        return await Send(HttpMethod.Post, path, content);
    }

    /// <summary>Sends with this person's own key, which says nothing of whose it is unless one was made for them.</summary>
    public async Task<Answered> PostAs(string person, string path, object body)
    {
        using var content = new StringContent(JsonSerializer.Serialize(body), Encoding.UTF8, "application/json");
        return await Send(HttpMethod.Post, path, content, ("Authorization", $"Bearer {await KeyOf(person)}"));
    }

    public Task<string> KeyOf(string person) => keys.GetOrAdd(person, name => new Lazy<Task<string>>(async () => (await Host.Services.GetRequiredService<ApiKeys>().Create(name, KeyKind.Secret)).Key)).Value;

    /// <summary>Whether so many requests wait for what another commit holds.</summary>
    public Task<bool> Wait(int requests) => Ask<bool>($"select count(*) >= {requests} from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'");

    /// <param name="key">An Idempotency-Key.</param>
    public async Task<Answered> Upload(byte[] file, string query = "gateway=shop", string? key = null)
    {
        using var content = new ByteArrayContent(file);
        return await Send(HttpMethod.Post, $"/v1/settlements?{query}", content, key is null ? [] : [(IdempotencyKey.Header, key)]);
    }

    /// <summary>Sends the file and waits until nothing more comes of it.</summary>
    public async Task<Answered> Settle(byte[] file, string account = "shop")
    {
        var sent = await Upload(file, $"gateway={account}");
        sent.Status.ShouldBeOneOf(HttpStatusCode.Created, HttpStatusCode.OK);
        return await Ended(sent.Text("id"));
    }

    public async Task<Answered> Ended(string id)
    {
        Answered now = null!;
        await Until.True(async () => (now = await Get($"/v1/settlements/{id}")).Text("state") is "done" or "refused", $"{id} to be done");
        return now;
    }

    /// <summary>An order with a payment whose link is open.</summary>
    public async Task<PaymentId> Pending(string account = "shop", long amount = 49900, string? late = null, object? policy = null)
    {
        var order = await Post("/v1/orders", new Dictionary<string, object?>
        {
            ["currency"] = "INR",
            ["lines"] = new[] { new { name = "A book", quantity = 1, unit_amount = amount } },
            ["policy"] = late is null ? policy : new { late_payment = late },
        });
        order.Status.ShouldBe(HttpStatusCode.Created, order.Body.ToString());
        var payment = await Post($"/v1/orders/{order.Text("id")}/payments", new { gateway = account });
        payment.Status.ShouldBe(HttpStatusCode.Created, payment.Body.ToString());
        PaymentId.TryParse(payment.Text("id"), out var id).ShouldBeTrue();
        return id;
    }

    public async Task<PaymentId> Paid(string account = "shop", long amount = 49900, string? money = null)
    {
        var id = await Pending(account, amount);
        await Tell(id, "captured", amount, money ?? $"m_{id.Reference}", account);
        return id;
    }

    public async Task Tell(PaymentId id, string kind, long amount, string money, string account = "shop")
    {
        var news = ScriptedGateway.News($"e{Interlocked.Increment(ref events)}", kind, id.Reference, amount, money);
        using var content = new ByteArrayContent(news);
        content.Headers.Add("Scripted-Signature", ScriptedGateway.Sign(news));
        using var answer = await http.PostAsync($"/gateways/{account}/webhook", content);
        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    public async Task<T> Ask<T>(string sql)
    {
        await using var ask = Database.CreateCommand(sql);
        return (T)(await ask.ExecuteScalarAsync())!;
    }

    /// <summary>Every invariant that the doctor knows holds.</summary>
    public async Task Sound() => (await new InvariantStore(Database).Check(default)).Where(f => f.Count > 0).ShouldBeEmpty();

    public static Dictionary<string, int> Classes(Answered file) => Classes(file.Body);

    public static Dictionary<string, int> Classes(JsonElement file) => file.GetProperty("classes").EnumerateArray()
        .GroupBy(c => c.GetProperty("class").GetString()!).ToDictionary(g => g.Key, g => g.Sum(c => c.GetProperty("lines").GetInt32()));

    public async ValueTask DisposeAsync()
    {
        http.Dispose();
        await Host.DisposeAsync();
    }
}
