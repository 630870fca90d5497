using System.Collections.Concurrent;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Purser.Server.Tests.Telling;

/// <summary>A collector that takes OTLP over HTTP and keeps what it is sent. In protobuf texts stand as they are, so they can be searched for.</summary>
sealed class OtlpReceiver : IAsyncDisposable
{
    readonly WebApplication app;
    readonly ConcurrentQueue<string> heard = [];

    OtlpReceiver(WebApplication app) => this.app = app;

    /// <summary>What a server is set to that tells it everything.</summary>
    public IReadOnlyList<(string Name, string Value)> Settings =>
        [("OTEL_EXPORTER_OTLP_ENDPOINT", app.Urls.First()), ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"), ("OTEL_SERVICE_NAME", "purser-heard")];

    /// <summary>Each message behind the path that it was sent to: /v1/traces or /v1/metrics.</summary>
    public IReadOnlyList<string> Everything => [.. heard];

    public static async Task<OtlpReceiver> Open()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        var receiver = new OtlpReceiver(builder.Build());
        receiver.app.Run(receiver.Take);
        await receiver.app.StartAsync();
        return receiver;
    }

    async Task Take(HttpContext http)
    {
        using var body = new MemoryStream();
        await http.Request.Body.CopyToAsync(body);
        heard.Enqueue($"{http.Request.Path} {Encoding.UTF8.GetString(body.ToArray())}");
        http.Response.ContentType = "application/x-protobuf";
    }

    public async ValueTask DisposeAsync() => await app.DisposeAsync();
}
