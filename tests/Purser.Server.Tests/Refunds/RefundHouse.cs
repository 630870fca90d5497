using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Purser.Sandbox;
using Purser.Server.Checkout;
using Purser.Server.CommandLine;
using Purser.Server.Doctor;
using Purser.Server.Orders;
using Purser.Server.Platform;
using Purser.Server.Tests.Api;
using Purser.Server.Tests.Browser;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Refunds;

/// <summary>The real host with accounts at some gateways of the sandbox, and a merchant who speaks HTTP with it.</summary>
public sealed class RefundHouse : IAsyncLifetime
{
    /// <summary>A bank's half an hour passes in three seconds.</summary>
    const double Speed = 600;

    public const long Price = 49_900;

    /// <summary>One names refunds by keys, one by metadata, one signs JSON and one speaks of them only when it is asked.</summary>
    public static IReadOnlyList<string> Gateways { get; } = ["razorpay", "stripe", "paytm", "ccavenue"];

    readonly PostgresFixture postgres = new();
    readonly StandingClock clock = new();
    Sandbox.Sandbox sandbox = null!;
    HttpClient control = null!, api = null!;

    ServerHost Host { get; set; } = null!;

    public async Task InitializeAsync()
    {
        await postgres.InitializeAsync();
        sandbox = await Purser.Sandbox.Sandbox.Start(new SandboxOptions { ControlPort = 0, DynamicPorts = true, Speed = Speed, Clock = clock });
        var settings = new Dictionary<string, string?>
        {
            ["ConnectionStrings:Purser"] = await postgres.CreateDatabase(),
            ["urls"] = "http://127.0.0.1:0",
            ["Logging:LogLevel:Default"] = "None",
        };
        foreach (var name in Gateways)
        {
            var world = sandbox.World(name)!;
            settings[$"Gateways:{name}:BaseUrl"] = world.Address.ToString();
            settings[$"Gateways:{name}:TestMode"] = "true";
            if (SandboxHouse.Adapters[name].Profile.Settings.Any(s => s.Name == "webhook_secret")) settings[$"Gateways:{name}:webhook_secret"] = world.Dialect.WebhookSecret;
            foreach (var (setting, value) in world.Dialect.Credentials) settings[$"Gateways:{name}:{setting}"] = value;
        }
        Host = await ServerHost.Start([], settings);
        foreach (var name in Gateways) sandbox.World(name)!.Webhooks.Register(new Uri($"{Host.Url}/gateways/{name}/webhook"), null);
        control = new HttpClient { BaseAddress = sandbox.ControlUrl };
        api = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = new Uri(Host.Url) };
        api.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", (await DevelopmentKeys.Renew(Host, "test", default)).Secret);
    }

    public async Task DisposeAsync()
    {
        control.Dispose();
        api.Dispose();
        await Host.DisposeAsync();
        await sandbox.DisposeAsync();
        await postgres.DisposeAsync();
    }

    // The merchant.

    /// <summary>An order that is paid, by the gateway's own word.</summary>
    public async Task<string> Paid(string gateway, string secondLink = "refuse")
    {
        var order = await Place(secondLink);
        await Open(order, gateway, payment: 1);
        await Pay(order, gateway, payment: 1);
        await PaidBy(order, 1);
        return order;
    }

    public Task PaidBy(string order, int payment) =>
        Until.True(async () => await Rung(order, o => o.GetProperty("paid_by").GetString() == Of(order, payment)), $"{order} to be paid");

    public async Task<string> Place(string secondLink = "refuse")
    {
        var placed = await Post("/v1/orders", new
        {
            currency = "INR",
            lines = new[] { new { name = "A book", quantity = 1, unit_amount = Price } },
            customer = new { name = "Asha Rao", email = "asha@example.test", phone = "+919000000001" },
            policy = new { second_link = secondLink },
        });
        placed.Status.ShouldBe(HttpStatusCode.Created, placed.Body.ToString());
        return placed.Text("id");
    }

    public async Task Open(string order, string gateway, int payment)
    {
        await Post($"/v1/orders/{order}/payments", new { gateway });
        await Until.True(async () => (await Get($"/v1/payments/{Of(order, payment)}")).Text("status") == "pending", $"{gateway}: a link");
    }

    /// <summary>The shopper pays on the gateway's page.</summary>
    public async Task Pay(string order, string gateway, int payment)
    {
        var now = (await Get($"/v1/payments/{Of(order, payment)}")).Body;
        using var acted = await control.PostAsJsonAsync($"/control/{gateway}/payments", new
        {
            reference = now.GetProperty("reference").GetString(),
            outcome = "paid",
            link = await ShopperBrowser.Follow(api, now.GetProperty("link"), default),
        });
        acted.StatusCode.ShouldBe(HttpStatusCode.OK, await acted.Content.ReadAsStringAsync());
    }

    /// <param name="key">For the Idempotency-Key, which is this order's own.</param>
    internal Task<Answered> Refund(string order, object body, string? key = null) => Post($"/v1/orders/{order}/refunds", body, key is null ? null : $"{order}-{key.Replace(' ', '-')}");

    internal async Task<Answered> Post(string path, object body, string? key = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = JsonContent.Create(body) };
        if (key is not null) request.Headers.Add("Idempotency-Key", key);
        using var answer = await api.SendAsync(request);
        return await Read(answer);
    }

    internal async Task<Answered> Get(string path)
    {
        using var answer = await api.GetAsync(path);
        return await Read(answer);
    }

    public static string Of(string order, int payment) => $"pay_{order[4..]}_{payment}";

    /// <summary>The refund as it stands, once it stands so. Its gateway is asked as often as it takes, unless it is to tell by itself.</summary>
    internal async Task<JsonElement> Stands(string refund, string status, bool asks = true)
    {
        JsonElement now = default;
        await Until.True(async () =>
        {
            now = (await Get($"/v1/refunds/{refund}")).Body;
            if (now.GetProperty("status").GetString() == status) return true;
            if (asks) await RingAlarm(now.GetProperty("order").GetString()!);
            return false;
        }, $"{refund} to be {status}");
        return now;
    }

    /// <summary>How the latest event of this type was learned of.</summary>
    internal async Task<string?> Source(string order, string type) =>
        (await Get($"/v1/orders/{order}/events?limit=100")).Body.GetProperty("events").EnumerateArray().Last(e => e.GetProperty("type").GetString() == type)
            .GetProperty("data").TryGetProperty("source", out var source) ? source.GetString() : null;

    /// <summary>The order's own page, as the shopper reads it.</summary>
    public async Task<string> Page(string order)
    {
        OrderId.TryParse(order, out var id).ShouldBeTrue();
        var stored = (await Host.Services.GetRequiredService<OrderReadStore>().Find(id, default))!.Order;
        return await api.GetStringAsync(Host.Services.GetRequiredService<ShopperLinks>().Status(stored));
    }

    public async Task NothingIsBroken() =>
        (await new InvariantStore(Host.Services.GetRequiredService<Database>().Source).Check(default)).Where(f => f.Count > 0).ShouldBeEmpty();

    // The gateway.

    /// <summary>What the gateway gave back for this payment, movement by movement, by its own book.</summary>
    public IReadOnlyList<long> GivenBack(string order, string gateway, int payment = 1)
    {
        OrderId.TryParse(order, out var id).ShouldBeTrue();
        var reference = new PaymentId(id, payment).Reference;
        return [.. sandbox.World(gateway)!.Book.Movements.Where(m => m.Reference == reference && m.Kind == "refunded").Select(m => m.Amount)];
    }

    /// <summary>How the gateway behaves, until the answer is disposed of.</summary>
    public async Task<IAsyncDisposable> Behaves(string gateway, string setting, string value)
    {
        await Put($"/control/{gateway}/settings", new Dictionary<string, string> { [setting] = value });
        return new Afterwards(() => Put($"/control/{gateway}/settings", new Dictionary<string, string>()));
    }

    /// <summary>What a gateway would do later waits until the answer is disposed of, so that a test sees what is before it.</summary>
    public IAsyncDisposable StandStill()
    {
        clock.StandStill();
        return new Afterwards(() =>
        {
            clock.Resume();
            return Task.CompletedTask;
        });
    }

    public async Task<IAsyncDisposable> Suffers(string gateway, params object[] rules)
    {
        await Put($"/control/{gateway}/faults", rules);
        return new Afterwards(() => Put($"/control/{gateway}/faults", Array.Empty<object>()));
    }

    async Task Put(string path, object body)
    {
        using var set = await control.PutAsJsonAsync(path, body);
        set.StatusCode.ShouldBe(HttpStatusCode.OK, await set.Content.ReadAsStringAsync());
    }

    internal async Task<bool> Rung(string order, Predicate<JsonElement> wanted)
    {
        if (wanted((await Get($"/v1/orders/{order}")).Body)) return true;
        await RingAlarm(order);
        return false;
    }

    /// <summary>What is due about the order later is due now; what is due already is under way.</summary>
    async Task RingAlarm(string order)
    {
        OrderId.TryParse(order, out var id).ShouldBeTrue();
        await using var hurry = Host.Services.GetRequiredService<NpgsqlDataSource>().CreateCommand("""
            with due as (select id from orders where id = $1 and wake_at > clock_timestamp() + interval '2 s' for update),
                p as (update payments set look_at = clock_timestamp() from due where order_id = due.id and look_at is not null),
                r as (update refunds set look_at = clock_timestamp() from due where order_id = due.id and look_at is not null)
            update orders set wake_at = clock_timestamp() from due where orders.id = due.id
            """);
        hurry.Parameters.Add(new NpgsqlParameter<long> { TypedValue = id.Value });
        await hurry.ExecuteNonQueryAsync();
    }

    static async Task<Answered> Read(HttpResponseMessage answer)
    {
        var text = await answer.Content.ReadAsStringAsync();
        return new Answered(answer.StatusCode, text.Length == 0 ? default : JsonSerializer.Deserialize<JsonElement>(text), answer.Headers, answer.Content.Headers.ContentType?.MediaType);
    }

    sealed class Afterwards(Func<Task> act) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync() => await act();
    }
}
