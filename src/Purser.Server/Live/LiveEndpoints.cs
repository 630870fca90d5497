using System.Net.Http.Headers;
using System.Text.Json;
using Purser.Orders;
using Purser.Server.Engine;
using Purser.Server.Keys;
using Purser.Server.Platform;

namespace Purser.Server.Live;

/// <summary>Watching one order: <c>GET /v1/orders/{id}/live</c>, as a WebSocket or, where sockets fail, as a long poll. Both resume after the
/// number of the last event that was seen.</summary>
public static class LiveEndpoints
{
    /// <summary>What a browser offers as sub-protocols: this one, and its token behind <see cref="TokenProtocol"/>, so that the token stands
    /// in no address.</summary>
    public const string Protocol = "purser.v1";
    public const string TokenProtocol = "token.";

    /// <summary>Longer than most proxies wait is of no use.</summary>
    const int MostWaitSeconds = 30;
    const int MostEvents = 500;

    public static void Add(IServiceCollection services)
    {
        services.AddSingleton<LiveStore>();
        services.AddSingleton(new LiveOptions());
        services.AddSingleton<LiveHub>();
        services.AddSingleton<ILiveFeed>(s => s.GetRequiredService<LiveHub>());
        services.AddHostedService(s => s.GetRequiredService<LiveHub>());
    }

    /// <summary>Needs <c>UseWebSockets</c> before it.</summary>
    public static void Map(IEndpointRouteBuilder routes) =>
        routes.MapGet("/v1/orders/{id}/live", Watch).WithName("WatchOrder").WithTags("Live")
            .WithSummary("Watch an order live, by WebSocket or long poll")
            .Produces<string>(StatusCodes.Status200OK, "application/json").ProducesProblem(StatusCodes.Status401Unauthorized)
            .ProducesProblem(StatusCodes.Status404NotFound).ProducesProblem(StatusCodes.Status503ServiceUnavailable);

    static async Task<IResult> Watch(
        string id, HttpContext http, LiveHub hub, LiveStore store, ShopperTokens tokens, ApiKeys keys, string? token = null, int after = 0, int wait = 0)
    {
        if (!OrderId.TryParse(id, out var order)) return Unknown();
        var offered = http.WebSockets.WebSocketRequestedProtocols;
        token ??= offered.FirstOrDefault(p => p.StartsWith(TokenProtocol, StringComparison.Ordinal))?[TokenProtocol.Length..];
        var merchant = await HasSecretKey(http, keys);
        if (merchant is false)
            return new Problem(ProblemTypes.KeyUnknown, "The API key is not known here, or is not a secret one.") { Remedy = "Send a secret API key, or the token of the order's pages." };
        switch (merchant is true ? TokenCheck.Valid : tokens.Check(order, token))
        {
            case TokenCheck.Missing:
                return new Problem(ProblemTypes.KeyMissing) { Field = "token", Remedy = "Send the token of the order's pages as ?token=, or a secret API key." };
            case TokenCheck.Expired: return new Problem(ProblemTypes.TokenExpired) { Field = "token" };
            case TokenCheck.Foreign: return Unknown();
        }
        if (after < 0 || wait < 0)
            return new Problem(ProblemTypes.InvalidQuery, "'after' and 'wait' are whole numbers, not negative.") { Field = after < 0 ? "after" : "wait" };

        http.Response.Headers.CacheControl = "no-store";
        if (http.WebSockets.IsWebSocketRequest)
        {
            if (!hub.HasRoom(order))
            {
                http.Response.Headers.RetryAfter = "5";
                return new Problem(ProblemTypes.Busy, "Too many sockets are open.") { Remedy = "Ask by long poll, or come back." };
            }
            if (merchant is true && await store.Standing(order, int.MaxValue, 0, http.RequestAborted) is null) return Unknown();
            // The hub beats one heart for all sockets; a timer in each would cost more than the socket.
            using var socket = await http.WebSockets.AcceptWebSocketAsync(new WebSocketAcceptContext
            {
                SubProtocol = offered.Contains(Protocol) ? Protocol : null,
                KeepAliveInterval = Timeout.InfiniteTimeSpan,
            });
            await hub.Follow(socket, order, after, http.RequestAborted);
            return TypedResults.Empty;
        }

        var standing = await store.Standing(order, after, MostEvents, http.RequestAborted);
        if (standing is null) return Unknown();
        if (standing.Sequence <= after && wait > 0)
        {
            if (await hub.WaitForChange(order, after, TimeSpan.FromSeconds(Math.Min(wait, MostWaitSeconds)), http.RequestAborted))
                standing = await store.Standing(order, after, MostEvents, http.RequestAborted) ?? standing;
        }
        return new LiveAnswer(order, standing);
    }

    /// <summary>Null when no key was sent.</summary>
    static async ValueTask<bool?> HasSecretKey(HttpContext http, ApiKeys keys)
    {
        if (http.Request.Headers.Authorization.Count == 0) return null;
        return AuthenticationHeaderValue.TryParse(http.Request.Headers.Authorization, out var sent) && sent is { Scheme: "Bearer", Parameter: { } key }
            && await keys.Find(key) is { Kind: KeyKind.Secret };
    }

    static Problem Unknown() => new(ProblemTypes.OrderUnknown, "There is no such order, or this token is not for it.") { Field = "token" };
}

/// <summary>How the order stands, and the events that led there.</summary>
sealed class LiveAnswer(OrderId order, LiveStanding standing) : IResult
{
    public async Task ExecuteAsync(HttpContext httpContext)
    {
        httpContext.Response.ContentType = "application/json; charset=utf-8";
        await using var json = new Utf8JsonWriter(httpContext.Response.BodyWriter);
        json.WriteStartObject();
        json.WriteString("order", order.ToString());
        json.WriteString("status", EventNames.Snake(standing.Status.ToString()));
        json.WriteBoolean("late", standing.Late);
        // With more events than one answer holds, the next question goes on after the last of these.
        json.WriteNumber("sequence", standing.Events.Count > 0 ? standing.Events[^1].Sequence : standing.Sequence);
        if (standing.Payment is { } payment)
        {
            json.WriteStartObject("payment");
            json.WriteString("id", new PaymentId(order, payment.Number).ToString());
            json.WriteString("status", EventNames.Snake(payment.Status.ToString()));
            json.WriteEndObject();
        }
        json.WriteStartArray("events");
        foreach (var e in standing.Events) json.WriteRawValue(e.Json.Span, skipInputValidation: true);
        json.WriteEndArray();
        json.WriteEndObject();
        await json.FlushAsync(httpContext.RequestAborted);
    }
}
