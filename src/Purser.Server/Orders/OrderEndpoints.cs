using Purser.Orders;
using Purser.Server.Api;
using Purser.Server.Engine;
using Purser.Server.Platform;

namespace Purser.Server.Orders;

/// <summary>Reading orders, and what a merchant can ask of one: cancellation and fulfilment.</summary>
public static class OrderEndpoints
{
    public static void Add(IServiceCollection services) =>
        services.AddSingleton<OrderReadStore>().AddSingleton<OrderPricing>().AddSingleton<OrderViews>().AddSingleton<PlaceOrder>();

    public static void Map(IEndpointRouteBuilder routes)
    {
        PlaceOrder.Map(routes);
        routes.MapGet("/v1/orders", List).Is(OrderDocs.List);
        routes.MapGet("/v1/orders/{id}", Read).Is(OrderDocs.Read);
        routes.MapPost("/v1/orders/{id}/cancellation", (string id, HttpContext http, OrderEngine engine, OrderViews views, CancellationToken stop) =>
            Do(id, new OrderCommand.Cancel(), http, engine, views, stop)).Is(OrderDocs.Cancel);
        routes.MapPost("/v1/orders/{id}/fulfilment", (string id, HttpContext http, OrderEngine engine, OrderViews views, CancellationToken stop) =>
            Do(id, new OrderCommand.Fulfil(), http, engine, views, stop)).Is(OrderDocs.Fulfil);
    }

    static async Task<IResult> Read(string id, OrderViews views, HttpContext http, CancellationToken stop) =>
        OrderId.TryParse(id, out var order) ? await views.Answer(http, order, replayed: false, stop) : Unknown();

    static async Task<IResult> List(HttpContext http, OrderReadStore store, OrderViews views, CancellationToken stop)
    {
        var query = new QueryFields(http.Request.Query);
        var filter = new OrderFilter(
            query.OneOf("status", "awaiting_payment", "paid", "partially_refunded", "refunded", "expired", "cancelled"), query.Text("reference"),
            query.OneOf("fulfilment", "waiting", "held", "done", "unpaid"), query.Time("paid_before"), query.Text("user_id"), query.Time("created_after"), query.Time("created_before"),
            query.Cursor("cursor", 1) is [var before] ? long.Parse(before) : null, query.Limit());
        if (query.Problem() is { } problem) return problem;
        var found = await store.List(filter, stop);
        var page = found.Take(filter.Limit).ToList();
        return ApiJson.Answer(new OrderList([.. page.Select(o => views.Of(http, o))],
            found.Count > filter.Limit ? QueryFields.CursorOf(page[^1].Order.Id.Value) : null));
    }

    static async Task<IResult> Do(string id, OrderCommand command, HttpContext http, OrderEngine engine, OrderViews views, CancellationToken stop)
    {
        if (!OrderId.TryParse(id, out var order)) return Unknown();
        var (fields, unreadable) = await JsonBody.Read(http, optional: true);
        if (fields is null) return unreadable!;
        fields.RefuseUnknown();
        if (fields.Faults.Count > 0) return Problem.Of(ProblemTypes.InvalidFields, fields.Faults);
        return await engine.Submit(EngineInput.Of(order, command, IdempotencyKey.Of(http, "")), stop) switch
        {
            EngineReply.Done { Reply: Reply.Refused refused } => Refusals.Problem(refused.Why, id),
            EngineReply.Done { Reply: Reply.Made } => await views.Answer(http, order, replayed: false, stop),
            EngineReply.Done or EngineReply.Replayed => await views.Answer(http, order, replayed: true, stop),
            EngineReply.KeyConflict conflict => Refusals.KeyConflict(http, conflict.Resource),
            EngineReply.Busy busy => Refusals.Busy(busy),
            var unexpected => throw new InvalidOperationException($"{command.GetType().Name} was answered with {unexpected.GetType().Name}."),
        };
    }

    static Problem Unknown() => new(ProblemTypes.OrderUnknown) { Field = "id" };
}
