using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Purser.Gateways.Tests.Outside;
using Purser.Payments;
using Purser.Sandbox;

namespace Purser.Gateways.Tests.Contract;

/// <summary>One gateway of the sandbox with one account, spoken to over HTTP only, and a receiver for its webhooks.</summary>
public sealed class SandboxWorld : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);
    /// <summary>Shorter than a silent sandbox is silent.</summary>
    static readonly TimeSpan ShopperWaits = TimeSpan.FromSeconds(4);

    readonly Sandbox.Sandbox sandbox;
    readonly HeldClock clock;
    readonly WebApplication receiver;
    readonly HttpClient control;
    readonly ConcurrentQueue<RawMessage> news = new();
    readonly string name;

    SandboxWorld(Sandbox.Sandbox sandbox, HeldClock clock, WebApplication receiver, string name, GatewayAccount account)
    {
        (this.sandbox, this.clock, this.receiver, this.name, Account) = (sandbox, clock, receiver, name, account);
        control = new HttpClient { BaseAddress = sandbox.ControlUrl };
    }

    /// <summary>Money that truly moved, in the gateway's own names.</summary>
    public sealed record Movement(string? Reference, string LinkId, string MoneyId, string Kind, long Amount, string Currency);

    public sealed record Link(string Id, string? Reference, long Amount, string Currency, string Status);

    public sealed record Acted(string Outcome, string? ReturnUrl, IReadOnlyDictionary<string, string>? ReturnForm)
    {
        /// <summary>The browser's return as the server gets it.</summary>
        public RawMessage Message
        {
            get
            {
                var back = new Uri(ReturnUrl!);
                var headers = ReturnForm is null ? ImmutableDictionary<string, string>.Empty
                    : ImmutableDictionary<string, string>.Empty.Add("Content-Type", "application/x-www-form-urlencoded");
                return new RawMessage(ReturnForm is null ? "GET" : "POST", back.AbsolutePath, back.Query, headers,
                    ReturnForm is null ? default : Encoding.ASCII.GetBytes(string.Join('&', ReturnForm.Select(f => $"{Uri.EscapeDataString(f.Key)}={Uri.EscapeDataString(f.Value)}"))),
                    TimeProvider.System.GetUtcNow());
            }
        }
    }

    public GatewayAccount Account { get; }

    /// <summary>All webhooks so far, as they came.</summary>
    public IReadOnlyList<RawMessage> News => [.. news];

    public static async Task<SandboxWorld> Start(string name)
    {
        // A webhook that is held back for a later one waits for it, however slow the machine is.
        var clock = new HeldClock(WebhookSender.ReorderPatience);
        var sandbox = await Sandbox.Sandbox.Start(new SandboxOptions { ControlPort = 0, DynamicPorts = true, Speed = 1000, Seed = 1, Clock = clock });
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var receiver = builder.Build();
        using var control = new HttpClient { BaseAddress = sandbox.ControlUrl };
        var gateway = (await control.GetFromJsonAsync<JsonElement>(new Uri("/control", UriKind.Relative))).GetProperty("gateways")
            .EnumerateArray().Single(g => g.GetProperty("name").GetString() == name);
        var settings = gateway.GetProperty("credentials").EnumerateObject().ToImmutableDictionary(c => c.Name, c => c.Value.GetString()!);
        if (gateway.TryGetProperty("webhook_secret", out var secret) && secret.GetString() is { Length: > 0 } text
            // Where webhooks are signed with a key of the API, they have no setting of their own.
            && !settings.ContainsValue(text)) settings = settings.SetItem("webhook_secret", text);
        var world = new SandboxWorld(
            sandbox, clock, receiver, name, new GatewayAccount("main", name, new Uri(gateway.GetProperty("url").GetString()!), settings) { TestMode = true });
        receiver.Run(world.Receive);
        await receiver.StartAsync();
        await world.Put("webhook_endpoint", new { url = receiver.Urls.Single() + "/gateways/main/webhook", secrets = settings.TryGetValue("webhook_secret", out var s) ? new[] { s } : null });
        return world;
    }

    /// <summary>Whether it was told to leave some call without an answer.</summary>
    public bool IsSilent { get; private set; }

    /// <summary>At the gateway it is so much later.</summary>
    public void Pass(TimeSpan time) => clock.Pass(time);

    /// <summary>The gateway's time stands still: what it would do later waits for <see cref="Resume"/>.</summary>
    public void StandStill() => clock.StandStill();

    /// <summary>Time goes on: what waited happens now, and a webhook that is held back goes out.</summary>
    public void Resume() => clock.Resume();

    public Task Fault(string call, string fault, int times = 1, int delayMs = 3000) => Plan(new[] { (call, fault) }, times, delayMs);

    /// <summary>Until they are cleared.</summary>
    public Task Faults(params (string Call, string Fault)[] rules) => Plan(rules, times: 0, delayMs: 3000);

    public async Task ClearFaults()
    {
        // Whoever gave up waiting may have done so before the gateway was reached.
        if (IsSilent) await Until(() => sandbox.World(name)!.Faults.Struck.Any(n => n > 0), "silence");
        (await control.DeleteAsync(new Uri($"/control/{name}/faults", UriKind.Relative))).EnsureSuccessStatusCode();
        IsSilent = false;
    }

    Task Plan(IReadOnlyList<(string Call, string Fault)> rules, int times, int delayMs)
    {
        IsSilent = rules.Any(r => r.Fault.StartsWith("timeout", StringComparison.Ordinal) || r.Fault == "slow");
        return Put("faults", rules.Select(r => new { call = r.Call, fault = r.Fault, times, delay_ms = delayMs }));
    }

    public async Task<Acted> Act(PaymentId payment, string outcome)
    {
        using var answer = await control.PostAsJsonAsync($"/control/{name}/payments", new { reference = payment.Reference, outcome, delay_ms = 1000 });
        var told = await answer.Content.ReadFromJsonAsync<JsonElement>();
        return new Acted(
            told.TryGetProperty("outcome", out var o) ? o.GetString()! : told.ToString(),
            told.TryGetProperty("return_url", out var url) ? url.GetString() : null,
            told.TryGetProperty("return_form", out var form) && form.ValueKind == JsonValueKind.Object
                ? form.EnumerateObject().ToDictionary(f => f.Name, f => f.Value.GetString()!) : null);
    }

    /// <summary>A shopper's browser follows the link: visits it, or posts its form. False when the gateway did not take it.</summary>
    public async Task<bool> Follow(PaymentLink link)
    {
        using var http = new HttpClient { Timeout = IsSilent ? ShopperWaits : Patience };
        using var form = link is PaymentLink.Form f ? new FormUrlEncodedContent(f.Fields) : null;
        try
        {
            using var answer = link switch
            {
                PaymentLink.Form posted => await http.PostAsync(new Uri(posted.Url), form),
                PaymentLink.Redirect plain => await http.GetAsync(new Uri(plain.Url)),
                _ => throw new InvalidOperationException("No such link."),
            };
            return answer.IsSuccessStatusCode;
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
        {
            return false;
        }
    }

    /// <summary>When each event was first sent, in the order in which they happened; null for one that has still to be sent. What is sent to nobody is left
    /// out.</summary>
    public async Task<IReadOnlyList<DateTimeOffset?>> Sent()
    {
        var events = await control.GetFromJsonAsync<JsonElement>(new Uri($"/control/{name}/webhooks", UriKind.Relative));
        return [.. events.EnumerateArray().Where(e => !e.TryGetProperty("not_sent", out var why) || why.ValueKind == JsonValueKind.Null)
            .Select(e => e.GetProperty("attempts").EnumerateArray().Select(a => (DateTimeOffset?)a.GetProperty("at").GetDateTimeOffset()).FirstOrDefault())];
    }

    /// <summary>The statement that the gateway's dashboard would give; null when it has none.</summary>
    public async Task<byte[]?> Settlement()
    {
        using var answer = await control.GetAsync(new Uri($"/control/{name}/settlement", UriKind.Relative));
        return answer.IsSuccessStatusCode ? await answer.Content.ReadAsByteArrayAsync() : null;
    }

    public Task<List<Movement>> Book(PaymentId payment) => Read<Movement>("book", payment);

    public Task<List<Link>> Links(PaymentId payment) => Read<Link>("links", payment);

    /// <summary>The webhooks once there are so many.</summary>
    public async Task<IReadOnlyList<RawMessage>> Receive(int least)
    {
        await Until(() => news.Count >= least, $"{least} webhooks");
        return News;
    }

    public static async Task Until(Func<bool> condition, string what)
    {
        var since = TimeProvider.System.GetTimestamp();
        while (!condition())
        {
            if (TimeProvider.System.GetElapsedTime(since) > Patience) throw new TimeoutException($"There was no {what}.");
            await Task.Delay(10);
        }
    }

    public async ValueTask DisposeAsync()
    {
        control.Dispose();
        await sandbox.DisposeAsync();
        await receiver.DisposeAsync();
    }

    async Task Receive(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        news.Enqueue(new RawMessage(
            context.Request.Method, context.Request.Path, context.Request.QueryString.Value ?? "",
            context.Request.Headers.ToDictionary(h => h.Key, h => h.Value.ToString(), StringComparer.OrdinalIgnoreCase), body.ToArray(),
            TimeProvider.System.GetUtcNow()));
    }

    async Task<List<T>> Read<T>(string what, PaymentId payment)
    {
        var uri = new Uri($"/control/{name}/{what}?reference={payment.Reference}", UriKind.Relative);
        return (await control.GetFromJsonAsync<List<T>>(uri, Snake))!;
    }

    async Task Put(string what, object body)
    {
        using var answer = await control.PutAsJsonAsync($"/control/{name}/{what}", body);
        if (!answer.IsSuccessStatusCode) throw new InvalidOperationException(await answer.Content.ReadAsStringAsync());
    }

    static readonly JsonSerializerOptions Snake = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };
}
