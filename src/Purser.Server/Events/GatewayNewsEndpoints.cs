using System.Buffers.Text;
using System.ComponentModel;
using System.Text;
using System.Text.Json;
using Purser.Orders;
using Purser.Server.Api;
using Purser.Server.Engine;
using Purser.Server.Platform;

namespace Purser.Server.Events;

/// <summary>A gateway's message and what became of it.</summary>
public sealed record NewsView(
    string Gateway, [property: Description("The gateway's own id of the message.")] string EventId, string EventType, DateTime ReceivedAt,
    [property: Description("applied, noted (nothing new in it) or quarantined (a person must look).")] string Verdict, string? Reason, string? Order, string? Payment,
    [property: Description("As they came; only when one message is read.")] JsonElement? Headers,
    [property: Description("The bytes as they came, in base64; only when one message is read.")] string? Body)
{
    public static NewsView From(StoredNews n) => new(
        n.Account, n.EventId, n.EventType, n.ReceivedAt.UtcDateTime, EventNames.Snake(n.Verdict.ToString()), n.Reason, n.Order?.ToString(), n.Payment?.ToString(),
        n.Headers is null ? null : JsonElement.Parse(n.Headers), n.Body is null ? null : Convert.ToBase64String(n.Body));
}

public sealed record NewsList(IReadOnlyList<NewsView> News, [property: Description("Send it as ?cursor= for the next page; null at the end.")] string? Next);

/// <summary>GET /v1/gateway_news: what gateways told us, and what waits for a person.</summary>
public static class GatewayNewsEndpoints
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/gateway_news", List).Is(EventDocs.News);
        routes.MapGet("/v1/gateway_news/{account}/{eventId}", Read).Is(EventDocs.OneNews);
    }

    static async Task<IResult> List(HttpContext http, GatewayNewsStore store, CancellationToken stop)
    {
        var query = new QueryFields(http.Request.Query);
        NewsVerdict? verdict = query.OneOf("verdict", "applied", "noted", "quarantined") is { } word ? Enum.Parse<NewsVerdict>(word, ignoreCase: true) : null;
        var (account, cursor, limit) = (query.Text("gateway", 40), Cursor(query), query.Limit());
        if (query.Problem() is { } problem) return problem;
        var found = await store.List(verdict, account, cursor, limit, stop);
        var page = found.Take(limit).ToList();
        return ApiJson.Answer(new NewsList([.. page.Select(NewsView.From)], found.Count > limit
            ? Base64Url.EncodeToString(Encoding.UTF8.GetBytes($"{page[^1].ReceivedAt.UtcTicks} {page[^1].Account} {page[^1].EventId}"))
            : null));
    }

    /// <summary>The cursor holds the gateway's own id, which may be any text.</summary>
    static (DateTimeOffset, string, string)? Cursor(QueryFields query)
    {
        if (query.Text("cursor", 1000) is not { } text) return null;
        if (Base64Url.IsValid(text) && Encoding.UTF8.GetString(Base64Url.DecodeFromChars(text)).Split(' ', 3) is [var ticks, var account, var id]
            && long.TryParse(ticks, out var at) && at >= 0 && at <= DateTime.MaxValue.Ticks && !id.Contains('\0', StringComparison.Ordinal))
            return (new DateTimeOffset(at, TimeSpan.Zero), account, id);
        query.Fault("cursor", "'cursor' is no cursor of ours.", "Send the cursor of the answer before this one, unchanged, or leave it out to begin.");
        return null;
    }

    static async Task<IResult> Read(string account, string eventId, GatewayNewsStore store, CancellationToken stop) =>
        !account.Contains('\0', StringComparison.Ordinal) && !eventId.Contains('\0', StringComparison.Ordinal) && await store.Find(account, eventId, stop) is { } news
            ? ApiJson.Answer(NewsView.From(news))
            : new Problem(ProblemTypes.NewsUnknown) { Field = "eventId" };
}
