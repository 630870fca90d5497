using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Purser.Server.Tests.Deliveries;

/// <summary>The receiver that docs/webhooks.md shows; a test compares the two.</summary>
static class SampleReceiver
{
    public static async Task<WebApplication> Start(string secret)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        var app = builder.Build();
        // From here on it is the guide's.
        app.MapPost("/purser", async (HttpRequest request) =>
        {
            using var bytes = new MemoryStream();
            await request.Body.CopyToAsync(bytes);
            var (id, at) = (request.Headers["webhook-id"].ToString(), request.Headers["webhook-timestamp"].ToString());
            if (!long.TryParse(at, out var seconds) || Math.Abs(TimeProvider.System.GetUtcNow().ToUnixTimeSeconds() - seconds) > 300) return Results.Unauthorized();
            byte[] signed = [.. Encoding.UTF8.GetBytes($"{id}.{at}."), .. bytes.ToArray()];
            var right = Encoding.UTF8.GetBytes("v1," + Convert.ToBase64String(HMACSHA256.HashData(Convert.FromBase64String(secret["whsec_".Length..]), signed)));
            return request.Headers["webhook-signature"].ToString().Split(' ').Any(s => CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(s), right))
                ? Results.Ok()
                : Results.Unauthorized();
        });
        // To here.
        await app.StartAsync();
        return app;
    }
}
