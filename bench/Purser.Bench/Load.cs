using System.Diagnostics;
using System.Text;
using System.Text.Json;

namespace Purser.Bench;

/// <summary>What many callers at once got out of a server.</summary>
/// <param name="PerSecond">Whole flows, or webhooks.</param>
sealed record Loaded(double PerSecond, double P50Milliseconds, double P99Milliseconds, double ServerCpuMicroseconds, double PostgresCpuMicroseconds,
    double CallersCpuMicroseconds);

/// <summary>Callers that each do one thing after another on a connection of their own, until all is done; bounded in count.</summary>
sealed class Load(Uri server, string key, Func<TimeSpan> serverCpu, Func<TimeSpan> postgresCpu)
{
    static readonly byte[] OrderBody = Encoding.UTF8.GetBytes(
        """{"currency":"INR","lines":[{"name":"A book","quantity":1,"unit_amount":49900}],"customer":{"name":"Asha Rao","email":"asha@example.test"}}""");

    static readonly byte[] PaymentBody = """{"gateway":"bench"}"""u8.ToArray();

    static readonly HttpClient Http = new(new SocketsHttpHandler { MaxConnectionsPerServer = 64, UseProxy = false });

    readonly string json = $"Content-Type: application/json\r\n{(key.Length > 0 ? $"Authorization: Bearer {key}\r\n" : "")}";

    /// <summary>An order, its payment, the signed webhook: paid when the webhook is answered.</summary>
    public Task<Loaded> Flows(int callers, int flows, List<string>? references = null) => Run(callers, flows, async (client, number) =>
    {
        var (status, body) = await client.Post("/v1/orders", json, OrderBody);
        if (status != 201) throw new InvalidOperationException($"An order was answered {status}: {Encoding.UTF8.GetString(body.Span)}");
        var order = Text(body, "id");
        (status, body) = await client.Post($"/v1/orders/{order}/payments", json, PaymentBody);
        if (status != 201 || Text(body, "status") != "pending") throw new InvalidOperationException($"A payment was answered {status}: {Encoding.UTF8.GetString(body.Span)}");
        _ = OrderId.TryParse(order, out var id);
        var reference = new PaymentId(id, 1).Reference;
        await Webhook(client, "paid_" + reference, reference);
        if (references is not null) lock (references) references.Add(reference);
    });

    /// <summary>Orders whose link is ready.</summary>
    public Task<Loaded> Links(int callers, int count, List<WatchedOrder> made) => Run(callers, count, async (client, number) =>
    {
        var (status, body) = await client.Post("/v1/orders", json, OrderBody);
        if (status != 201) throw new InvalidOperationException($"An order was answered {status}: {Encoding.UTF8.GetString(body.Span)}");
        var (order, token) = (Text(body, "id"), Text(body, "token"));
        (status, body) = await client.Post($"/v1/orders/{order}/payments", json, PaymentBody);
        if (status != 201 || Text(body, "status") != "pending") throw new InvalidOperationException($"A payment was answered {status}: {Encoding.UTF8.GetString(body.Span)}");
        _ = OrderId.TryParse(order, out var id);
        made.Add(new WatchedOrder(order, token, new PaymentId(id, 1).Reference));
    });

    /// <summary>One signed webhook that pays, beside others.</summary>
    public async Task Pay(string reference)
    {
        var body = BenchGateway.Webhook("paid_" + reference, reference, 49900);
        using var content = new ByteArrayContent(body);
        foreach (var header in BenchGateway.Headers(body).Split("\r\n", StringSplitOptions.RemoveEmptyEntries))
            content.Headers.TryAddWithoutValidation(header[..header.IndexOf(':', StringComparison.Ordinal)], header[(header.IndexOf(':', StringComparison.Ordinal) + 2)..]);
        using var answer = await Http.PostAsync(new Uri(server, "/gateways/bench/webhook"), content);
        answer.EnsureSuccessStatusCode();
    }

    /// <summary>Webhooks with new event ids about payments that are paid: checked, stored, nothing changes.</summary>
    public Task<Loaded> Webhooks(int callers, int count, IReadOnlyList<string> references, string round) =>
        Run(callers, count, async (client, n) => await Webhook(client, $"again_{round}_{n}", references[n % references.Count]));

    /// <summary>Kestrel, the body and its HMAC, and nothing else.</summary>
    public Task<Loaded> Limit(int callers, int count) => Run(callers, count, async (client, n) =>
    {
        var body = BenchGateway.Webhook($"limit_{n}", "01jd8xk3m4n7pp1", 49900);
        var (status, _) = await client.Post("/limit", BenchGateway.Headers(body), body);
        if (status != 200) throw new InvalidOperationException($"The limit was answered {status}.");
    });

    static async Task Webhook(RawClient client, string eventId, string reference)
    {
        var body = BenchGateway.Webhook(eventId, reference, 49900);
        var (status, _) = await client.Post("/gateways/bench/webhook", BenchGateway.Headers(body), body);
        if (status != 200) throw new InvalidOperationException($"A webhook was answered {status}.");
    }

    Task<Loaded> Run(int callers, int count, Func<RawClient, int, Task> one)
    {
        var loop = new Callers();
        var clients = Enumerable.Range(0, callers).Select(_ => RawClient.Connect(loop, server)).ToArray();
        var (server0, postgres0, callers0) = (serverCpu(), postgresCpu(), Environment.CpuUsage.TotalTime);
        var since = Stopwatch.GetTimestamp();
        var next = -1;
        var took = new double[count];
        loop.Run([.. clients.Select(async client =>
        {
            while (++next is var n && n < count)
            {
                var begun = Stopwatch.GetTimestamp();
                await one(client, n);
                took[n] = Stopwatch.GetElapsedTime(begun).TotalMilliseconds;
            }
        })]);
        var seconds = Stopwatch.GetElapsedTime(since).TotalSeconds;
        foreach (var client in clients) client.Dispose();
        Array.Sort(took);
        return Task.FromResult(new Loaded(count / seconds, took[count / 2], took[(int)(count * 0.99)],
            (serverCpu() - server0).TotalMicroseconds / count, (postgresCpu() - postgres0).TotalMicroseconds / count,
            (Environment.CpuUsage.TotalTime - callers0).TotalMicroseconds / count));
    }

    static string Text(ReadOnlyMemory<byte> body, string name)
    {
        var reader = new Utf8JsonReader(body.Span);
        while (reader.Read())
            if (reader.TokenType == JsonTokenType.PropertyName && reader.CurrentDepth == 1 && reader.ValueTextEquals(name))
            {
                reader.Read();
                return reader.GetString()!;
            }
        throw new InvalidOperationException($"No '{name}' in the answer.");
    }
}
