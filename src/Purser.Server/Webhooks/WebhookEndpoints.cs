using System.Buffers;
using Purser.Gateways;
using Purser.Server.Engine;
using Purser.Server.Gateways;

namespace Purser.Server.Webhooks;

/// <summary>POST /gateways/{account}/webhook. 200 when it is stored, also for news we had or cannot use; 401 when it is not the gateway's;
/// 503 when it could not be checked or stored, so that the gateway sends it again.</summary>
public static class WebhookEndpoints
{
    /// <summary>More than this no gateway sends; it is cut before it costs memory.</summary>
    public const int MostBytes = 256 * 1024;

    public static void Map(IEndpointRouteBuilder routes) => routes.MapPost("/gateways/{account}/webhook", Handle);

    /// <summary>Most messages fit into this; it grows with what was received, not with what was promised.</summary>
    const int FirstBytes = 4 * 1024;

    static async Task<IResult> Handle(string account, HttpContext http, GatewayAccounts accounts, NewsIntake intake, TimeProvider time)
    {
        if (accounts.Find(account) is null) return Results.NotFound();
        if (await ReadRaw(http, time) is not { } message) return Results.StatusCode(StatusCodes.Status413PayloadTooLarge);
        // The gateway hanging up must not stop what may be committed already.
        var (outcome, reply) = await intake.Take(account, message, CancellationToken.None);
        switch (outcome)
        {
            case NewsIntake.Outcome.Stored:
                return Results.Ok();
            case NewsIntake.Outcome.UnknownAccount:
                return Results.NotFound();
            case NewsIntake.Outcome.Forged:
                return Results.StatusCode(StatusCodes.Status401Unauthorized);
            case NewsIntake.Outcome.Unchecked:
                return Results.StatusCode(StatusCodes.Status503ServiceUnavailable);
            default:
                http.Response.Headers.RetryAfter = ((int)Math.Ceiling(((EngineReply.Busy)reply!).RetryAfter.TotalSeconds)).ToString();
                return Results.StatusCode(StatusCodes.Status503ServiceUnavailable);
        }
    }

    /// <summary>The message byte for byte, before anything looks into it; null when it is too large.</summary>
    public static async Task<RawMessage?> ReadRaw(HttpContext http, TimeProvider time)
    {
        var request = http.Request;
        if (request.ContentLength > MostBytes) return null;
        var body = new ArrayBufferWriter<byte>((int)Math.Min(request.ContentLength ?? FirstBytes, FirstBytes) + 1);
        while (true)
        {
            var read = await request.Body.ReadAsync(body.GetMemory(1), http.RequestAborted);
            if (read == 0) break;
            body.Advance(read);
            if (body.WrittenCount > MostBytes) return null;
        }
        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var (name, values) in request.Headers) headers[name] = values.ToString();
        return new RawMessage(
            request.Method, request.Path.Value ?? "/", request.QueryString.Value ?? "", headers, body.WrittenMemory, time.GetUtcNow());
    }
}
