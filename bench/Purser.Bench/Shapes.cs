using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Purser.Server;
using Purser.Server.CommandLine;
using Purser.Server.Platform;

namespace Purser.Bench;

/// <summary>The servers that are measured, each in a process of its own: the product, and the plain shape with Kestrel's own limit beside it.</summary>
static class Shapes
{
    /// <summary>The product as it is, but for a gateway that answers in memory and limits that do not end a load test.</summary>
    /// <param name="mailPort">A port of this machine to which mails go, or <c>none</c>; webhook endpoints may then be on this machine, too.</param>
    public static async Task<int> Product(string connection, string? mailPort = null)
    {
        var mail = mailPort is null or "none" ? null : mailPort;
        await using var host = await ServerHost.Start([], new Dictionary<string, string?>
        {
            ["Deliveries:Development"] = mailPort is null ? null : "true",
            ["Mail:Host"] = mail is null ? null : "127.0.0.1",
            ["Mail:Port"] = mail,
            ["Mail:Tls"] = mail is null ? null : "none",
            ["Mail:From"] = mail is null ? null : "Shop <pay@shop.example>",
            ["urls"] = "http://127.0.0.1:0",
            ["ConnectionStrings:Purser"] = connection,
            ["Gateways:bench:Gateway"] = "bench",
            ["Purser:PublicUrl"] = "http://127.0.0.1:1",
            ["Logging:LogLevel:Default"] = "Error",
            ["Purser:Api:SecretPerSecond"] = "1000000",
            ["Purser:Api:SecretBurst"] = "1000000",
        }, gateways: [new BenchGateway()]);
        var keys = await DevelopmentKeys.Renew(host, "bench", default);
        return await Ready(host.Url, keys.Secret);
    }

    public static async Task<int> Plain(string connection)
    {
        await using var source = Database.Build(connection);
        await Migrations.Apply(source, NullLogger.Instance);
        var store = new PlainStore(source);
        var ids = new Ids(TimeProvider.System, new Random(1));
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Configuration["urls"] = "http://127.0.0.1:0";
        var app = builder.Build();
        app.MapPost("/limit", async (HttpRequest request) =>
            BenchGateway.IsGenuine((await Read(request)).Span, request.Headers["Bench-Signature"]) ? Results.Ok() : Results.Unauthorized());
        app.MapPost("/v1/orders", async (HttpRequest request) =>
        {
            using var json = JsonDocument.Parse(await Read(request));
            var id = ids.NextOrder();
            await store.Order(id.Value, json.RootElement.GetProperty("lines").GetRawText());
            return Results.Json(new { id = id.ToString(), status = "awaiting_payment", amount = 49900, currency = "INR" }, statusCode: 201);
        });
        app.MapPost("/v1/orders/{id}/payments", async (string id, HttpRequest request) =>
        {
            using var json = JsonDocument.Parse(await Read(request));
            if (!OrderId.TryParse(id, out var order)) return Results.NotFound();
            var payment = new PaymentId(order, 1);
            await store.Payment(order.Value, $"http://127.0.0.1:1/gateways/bench/return?payment={payment}");
            await store.LinkOpened(order.Value, payment.Reference);
            return Results.Json(new { id = payment.ToString(), status = "pending", link = new { url = "https://gateway.invalid/pay/" + payment.Reference } }, statusCode: 201);
        });
        app.MapPost("/gateways/bench/webhook", async (HttpRequest request) =>
        {
            var body = await Read(request);
            if (!BenchGateway.IsGenuine(body.Span, request.Headers["Bench-Signature"])) return Results.Unauthorized();
            using var json = JsonDocument.Parse(body);
            if (!PaymentId.TryParseReference(json.RootElement.GetProperty("reference").GetString(), out var payment)) return Results.Ok();
            var eventId = json.RootElement.GetProperty("event").GetString()!;
            var headers = JsonSerializer.Serialize(request.Headers.ToDictionary(h => h.Key, h => h.Value.ToString()));
            if (eventId.StartsWith("again", StringComparison.Ordinal)) await store.Noted(payment.Order.Value, eventId, headers, body.ToArray());
            else await store.Paid(payment.Order.Value, json.RootElement.GetProperty("money").GetString()!, eventId, headers, body.ToArray());
            return Results.Ok();
        });
        await app.StartAsync();
        var end = await Ready(app.Urls.First(), "");
        await app.StopAsync();
        return end;
    }

    /// <summary>Says where it is, then serves until its input is closed.</summary>
    static async Task<int> Ready(string url, string key)
    {
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"ready {url} {key}"));
        while (await Console.In.ReadLineAsync() is not null)
        {
        }
        return 0;
    }

    static async Task<ReadOnlyMemory<byte>> Read(HttpRequest request)
    {
        var body = new ArrayBufferWriter<byte>((int)(request.ContentLength ?? 1024) + 1);
        while (await request.Body.ReadAsync(body.GetMemory(512)) is > 0 and var read) body.Advance(read);
        return body.WrittenMemory;
    }
}
