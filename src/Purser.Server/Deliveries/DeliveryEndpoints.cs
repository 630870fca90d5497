using System.Net;
using System.Text;
using Purser.Server.Api;
using Purser.Server.Engine;
using Purser.Server.Live;
using Purser.Server.Orders;
using Purser.Server.Platform;

namespace Purser.Server.Deliveries;

/// <summary>What was told to whom, and having it told again.</summary>
public static class DeliveryEndpoints
{
    /// <summary>Most receivers have answered by then.</summary>
    static readonly TimeSpan UnderWayFor = TimeSpan.FromSeconds(5);

    public static DeliveryOptions Options(IConfiguration configuration) => configuration.GetSection(DeliveryOptions.Section).Get<DeliveryOptions>() ?? new DeliveryOptions();

    public static void Add(IServiceCollection services, IConfiguration configuration)
    {
        services.AddSingleton(Options(configuration)).AddSingleton<AddressGuard>().AddSingleton<ReceiverSecrets>().AddSingleton<ReceiverStore>();
        services.AddSingleton<DeliveryStore>().AddSingleton<DeliveryReadStore>().AddSingleton<RedeliveryStore>().AddSingleton<WebhookLine>().AddSingleton<DeliverySender>();
        services.AddSingleton<Func<string, CancellationToken, Task<IPAddress[]>>>(Dns.GetHostAddressesAsync);
        services.AddSingleton<ILiveFeed>(p => new Announcements(p.GetRequiredService<LiveNotices>(), p.GetRequiredService<DeliverySender>()));
    }

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/deliveries", List).Is(DeliveryDocs.List);
        routes.MapGet("/v1/deliveries/{id}", Read).Is(DeliveryDocs.Read);
        routes.MapPost("/v1/deliveries/{id}/redelivery", Redeliver).Is(DeliveryDocs.Redeliver);
    }

    static async Task<IResult> List(HttpContext http, DeliveryReadStore store, CancellationToken stop)
    {
        var query = new QueryFields(http.Request.Query);
        var (endpoint, status, order, cursor, limit) =
            (query.Text("webhook_endpoint", 40), query.OneOf("status", "waiting", "delivered", "dead", "abandoned"), query.Text("order", 40), query.Cursor("cursor", 3), query.Limit());
        OrderId? of = null;
        if (order is not null)
            if (OrderId.TryParse(order, out var parsed)) of = parsed;
            else query.Fault("order", $"'{order}' is no order's id.", "Send an id that begins with 'ord_'.");
        DeliveryId? after = null;
        if (cursor is [var a, var b, var c])
            if (int.TryParse(b, out var sequence) && int.TryParse(c, out var receiver)) after = new DeliveryId(new OrderId(long.Parse(a)), sequence, receiver);
            else query.Fault("cursor", "'cursor' is no cursor of ours.", "Send the cursor of the answer before this one, unchanged, or leave it out to begin.");
        if (query.Problem() is { } problem) return problem;
        DeliveryState? state = status switch { "waiting" => DeliveryState.Waiting, "delivered" => DeliveryState.Delivered, "dead" or "abandoned" => DeliveryState.Dead, _ => null };
        var found = await store.List(endpoint, state, state == DeliveryState.Dead ? status == "abandoned" : null, of, after, limit, stop);
        var page = found.Take(limit).ToList();
        return ApiJson.Answer(new DeliveryList([.. page.Select(d => DeliveryView.From(d))],
            found.Count > limit ? QueryFields.CursorOf(page[^1].Id.Order.Value, page[^1].Id.Sequence, page[^1].Id.Receiver) : null));
    }

    static async Task<IResult> Read(string id, DeliveryReadStore store, CancellationToken stop)
    {
        if (!DeliveryId.TryParse(id, out var parsed) || await store.Find(parsed, stop) is not { } found) return Unknown();
        // A mail is written anew each time it is sent, from the order as it is then.
        var body = found.Kind == ReceiverKind.Endpoint ? Encoding.UTF8.GetString(DeliveryStore.Body(parsed, found.Type, found.At, await store.EventData(parsed, stop))) : null;
        return ApiJson.Answer(DeliveryView.From(found, body, await store.Attempts(parsed, stop)));
    }

    static async Task<IResult> Redeliver(string id, HttpContext http, DeliveryReadStore store, DeliverySender sender, TimeProvider time, CancellationToken stop)
    {
        var (fields, unreadable) = await JsonBody.Read(http, optional: true);
        if (fields is null) return unreadable!;
        fields.RefuseUnknown();
        if (fields.Faults.Count > 0) return Problem.Of(ProblemTypes.InvalidFields, fields.Faults);
        if (!DeliveryId.TryParse(id, out var parsed) || await store.Find(parsed, stop) is not { } found) return Unknown();
        if (found.EndpointIsDeleted) return new Problem(ProblemTypes.WebhookEndpointDeleted) { Resource = found.Endpoint };
        var key = IdempotencyKey.Of(http, "");
        var (before, isUnderWay) = await store.Again(parsed, time.GetUtcNow(), key, stop);
        if (isUnderWay) return new Problem(ProblemTypes.DeliveryUnderWay) { Resource = id, RetryAfter = UnderWayFor };
        if (before is not null && !before.Fingerprint.AsSpan().SequenceEqual(key!.Fingerprint)) return Refusals.KeyConflict(http, before.Resource);
        sender.LookAgain();
        return ApiJson.Answer(DeliveryView.From((await store.Find(parsed, stop))!), StatusCodes.Status202Accepted, replayed: before is not null);
    }

    static Problem Unknown() => new(ProblemTypes.DeliveryUnknown) { Field = "id" };
}
