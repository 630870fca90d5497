using System.ComponentModel;
using System.Text.Json;
using Purser.Orders;
using Purser.Payments;
using Purser.Server.Api;
using Purser.Server.Engine;
using Purser.Server.Events;
using Purser.Server.Platform;

namespace Purser.Server.Live;

/// <summary>How the order stands, and the events that led there.</summary>
public sealed record LiveView(
    string Order, string Status, [property: Description("Paid after its end.")] bool Late,
    [property: Description("Send it as ?after= with the next question.")] int Sequence,
    [property: Description("The latest payment.")] LivePayment? Payment, IReadOnlyList<EventView> Events,
    [property: Description("The order has not come as far as `after`: its database was restored from a backup. Forget what you saw; this begins anew, with the first event.")] bool Rewound)
{
    public static LiveView Of(OrderId order, LiveStanding standing, bool rewound) => new(
        order.ToString(), EventNames.Snake(standing.Status.ToString()), standing.Late,
        // With more events than one answer holds, the next question goes on after the last of these.
        standing.Events.Count > 0 ? standing.Events[^1].Sequence : standing.Sequence,
        standing.Payment is { } payment ? new LivePayment(new PaymentId(order, payment.Number).ToString(), EventNames.Snake(payment.Status.ToString())) : null,
        [.. standing.Events.Select(e => JsonSerializer.Deserialize(e.Json.Span, ApiJson.Default.EventView)!)], rewound);
}

public sealed record LivePayment(string Id, string Status);

/// <summary>Watching one order: <c>GET /v1/orders/{id}/live</c>, as a WebSocket or, where sockets fail, as a long poll. Both resume after the
/// number of the last event that was seen.</summary>
public static class LiveEndpoints
{
    /// <summary>What a browser offers as sub-protocols: this one, and its token behind <see cref="ApiDoor.TokenProtocol"/>, so that the token
    /// stands in no address.</summary>
    public const string Protocol = "purser.v1";

    /// <summary>Longer than most proxies wait is of no use.</summary>
    public const int MostWaitSeconds = 30;

    static readonly TimeSpan FullFor = TimeSpan.FromSeconds(5);
    const int MostEvents = 500;

    public static void Add(IServiceCollection services)
    {
        services.AddSingleton<LiveStore>();
        services.AddSingleton(new LiveOptions());
        services.AddSingleton<LiveHub>();
        services.AddSingleton<LiveNotices>();
        services.AddSingleton<ILiveFeed>(s => s.GetRequiredService<LiveNotices>());
        services.AddHostedService(s => s.GetRequiredService<LiveHub>());
        services.AddHostedService(s => s.GetRequiredService<LiveNotices>());
    }

    /// <summary>Needs <c>UseWebSockets</c> before the door.</summary>
    public static void Map(IEndpointRouteBuilder routes) => routes.MapGet("/v1/orders/{id}/live", Watch).Is(LiveDocs.Watch);

    static async Task<IResult> Watch(string id, HttpContext http, LiveHub hub, LiveStore store)
    {
        if (!OrderId.TryParse(id, out var order)) return Unknown();
        var query = new QueryFields(http.Request.Query);
        var after = query.Whole("after", 0, int.MaxValue) ?? 0;
        var wait = Math.Min(query.Whole("wait", 0, int.MaxValue) ?? 0, MostWaitSeconds);
        if (query.Problem() is { } problem) return problem;
        if (http.WebSockets.IsWebSocketRequest) return await BySocket(order, after, http, hub, store);

        var whole = ApiCaller.Of(http).IsMerchant;
        var standing = await store.Standing(order, after, MostEvents, whole, http.RequestAborted);
        if (standing is null) return Unknown();
        if (standing.Sequence == after && wait > 0)
        {
            if (!hub.HasRoomToWait(order)) return Full("Too many wait for a change.", "Ask without 'wait', or come back.");
            if (await hub.WaitForChange(order, after, TimeSpan.FromSeconds(wait), http.RequestAborted))
                standing = await store.Standing(order, after, MostEvents, whole, http.RequestAborted) ?? standing;
        }
        // An event is told once it is committed, so nobody can have seen more than there is: unless there is less than there was.
        var rewound = standing.Sequence < after;
        if (rewound) standing = await store.Standing(order, 0, MostEvents, whole, http.RequestAborted) ?? standing;
        return ApiJson.Answer(LiveView.Of(order, standing, rewound));
    }

    static async Task<IResult> BySocket(OrderId order, int after, HttpContext http, LiveHub hub, LiveStore store)
    {
        if (!hub.HasRoom(order)) return Full("Too many sockets are open.", "Ask by long poll, or come back.");
        // A token is made for an order that exists; a secret key may ask for any.
        if (ApiCaller.Of(http).IsMerchant && await store.Standing(order, int.MaxValue, 0, whole: false, http.RequestAborted) is null) return Unknown();
        // The hub beats one heart for all sockets; a timer in each would cost more than the socket.
        using var socket = await http.WebSockets.AcceptWebSocketAsync(new WebSocketAcceptContext
        {
            SubProtocol = http.WebSockets.WebSocketRequestedProtocols.Contains(Protocol) ? Protocol : null,
            KeepAliveInterval = Timeout.InfiniteTimeSpan,
        });
        await hub.Follow(socket, order, after, http.RequestAborted);
        return TypedResults.Empty;
    }

    static Problem Full(string why, string remedy) => new(ProblemTypes.Busy, why) { Remedy = remedy, RetryAfter = FullFor };

    static Problem Unknown() => new(ProblemTypes.OrderUnknown) { Field = "id" };
}
