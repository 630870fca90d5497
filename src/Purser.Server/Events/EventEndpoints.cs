using System.ComponentModel;
using System.Text;
using System.Text.Json;
using Purser.Orders;
using Purser.Server.Api;
using Purser.Server.Engine;
using Purser.Server.Orders;
using Purser.Server.Platform;

namespace Purser.Server.Events;

/// <summary>Something that happened, the same here, on live sockets and in outgoing webhooks.</summary>
public sealed record EventView(
    [property: Description("Unique for ever: what was handled under this id need not be handled again.")] string Id, string Type, DateTime Timestamp,
    [property: Description("1, 2, 3 within its order.")] int Sequence,
    [property: Description("How the order, and the payment if it is about one, stand after it; the money it is about; for a secret key also the evidence behind it.")] JsonElement Data)
{
    public static EventView From(StoredEvent e) => From(e, e.Data);

    /// <summary>For whoever holds the order's token.</summary>
    public static EventView ForShopper(StoredEvent e) => From(e, RowJson.Text(json => EventJson.WriteShoppers(json, e.Type, Encoding.UTF8.GetBytes(e.Data))));

    static EventView From(StoredEvent e, string data) => new($"evt_{e.Order.Letters}_{e.Sequence}", e.Type.Name(), e.At.UtcDateTime, e.Sequence, JsonElement.Parse(data));
}

public sealed record EventList(
    IReadOnlyList<EventView> Events,
    [property: Description("Send it as ?after= to go on; at the end of the feed it leads to what happens next.")] string? Next,
    [property: Description("Whether there is more already.")] bool HasMore);

public sealed record OrderEventList(IReadOnlyList<EventView> Events, [property: Description("Send it as ?after= for the next page; null at the end.")] int? Next);

/// <summary>What happened: of one order, and of all.</summary>
public static class EventEndpoints
{
    public static void Add(IServiceCollection services) =>
        services.AddSingleton<EventFeedStore>().AddSingleton<GatewayNewsStore>();

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/events", All).Is(EventDocs.All);
        routes.MapGet("/v1/orders/{id}/events", OfOrder).Is(EventDocs.OfOrder);
        GatewayNewsEndpoints.Map(routes);
    }

    static async Task<IResult> All(HttpContext http, EventFeedStore store, CancellationToken stop)
    {
        var query = new QueryFields(http.Request.Query);
        var after = query.Text("after") is null ? null : query.Cursor("after", 3);
        var limit = query.Limit();
        EventCursor? cursor = null;
        if (after is [var ticks, var order, var sequence])
        {
            if (long.Parse(ticks) > DateTime.MaxValue.Ticks || long.Parse(sequence) > int.MaxValue)
                query.Fault("after", "'after' is no cursor of ours.", "Send the cursor of the answer before this one, unchanged, or leave it out to begin.");
            else cursor = new EventCursor(new DateTimeOffset(long.Parse(ticks), TimeSpan.Zero), long.Parse(order), int.Parse(sequence));
        }
        if (query.Problem() is { } problem) return problem;
        var found = await store.OfAll(cursor, limit, stop);
        var page = found.Take(limit).ToList();
        return ApiJson.Answer(new EventList([.. page.Select(p => EventView.From(p.Event))],
            page is [.., (_, var last)] ? QueryFields.CursorOf(last.RecordedAt.UtcTicks, last.Order, last.Sequence) : http.Request.Query["after"].FirstOrDefault(),
            found.Count > limit));
    }

    static async Task<IResult> OfOrder(string id, HttpContext http, EventFeedStore store, OrderReadStore orders, CancellationToken stop)
    {
        var query = new QueryFields(http.Request.Query);
        var (after, limit) = (query.Whole("after", 0, int.MaxValue) ?? 0, query.Limit());
        if (query.Problem() is { } problem) return problem;
        if (!OrderId.TryParse(id, out var order)) return Unknown();
        var whole = ApiCaller.Of(http).IsMerchant;
        var found = await store.OfOrder(order, after, limit, stop);
        if (found.Count == 0 && await orders.Find(order, stop) is null) return Unknown();
        var page = found.Take(limit).ToList();
        return ApiJson.Answer(new OrderEventList([.. page.Select(e => whole ? EventView.From(e) : EventView.ForShopper(e))], found.Count > limit ? page[^1].Sequence : null));
    }

    static Problem Unknown() => new(ProblemTypes.OrderUnknown) { Field = "id" };
}
