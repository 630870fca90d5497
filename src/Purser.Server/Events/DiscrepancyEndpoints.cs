using System.ComponentModel;
using Purser.Orders;
using Purser.Server.Api;

namespace Purser.Server.Events;

public sealed record DiscrepancyView(
    string Order, string Payment, [property: Description("The event that opened it.")] string Event, string Kind,
    [property: Description("The gateway's name for the money it is about; null when it is about the payment's link or status.")] string? MoneyReference,
    long Amount, string Currency, string Owner, DateTime OpenedAt, DateTime? ResolvedAt, string? Resolution)
{
    public static DiscrepancyView From(StoredDiscrepancy d) => new(
        d.Payment.Order.ToString(), d.Payment.ToString(), $"evt_{d.Payment.Order.Letters}_{d.Sequence}", EventNames.Snake(d.Kind.ToString()), d.MoneyReference,
        d.Amount.MinorUnits, d.Amount.Currency.Code, d.Owner, d.OpenedAt.UtcDateTime, d.ResolvedAt?.UtcDateTime, d.Resolution);
}

public sealed record DiscrepancyList(IReadOnlyList<DiscrepancyView> Discrepancies, [property: Description("Send it as ?cursor= for the next page; null at the end.")] string? Next);

/// <summary>GET /v1/discrepancies: what does not agree, oldest first.</summary>
public static class DiscrepancyEndpoints
{
    public static void Map(IEndpointRouteBuilder routes) => routes.MapGet("/v1/discrepancies", List).Is(EventDocs.Discrepancies);

    static async Task<IResult> List(HttpContext http, DiscrepancyStore store, CancellationToken stop)
    {
        var query = new QueryFields(http.Request.Query);
        bool? open = query.OneOf("open", "true", "false") is { } word ? word == "true" : null;
        var (cursor, limit) = (query.Cursor("cursor", 3), query.Limit());
        if (cursor is [var ticks, _, var number] && (long.Parse(ticks) > DateTime.MaxValue.Ticks || long.Parse(number) > int.MaxValue))
            query.Fault("cursor", "'cursor' is no cursor of ours.", "Send the cursor of the answer before this one, unchanged, or leave it out to begin.");
        if (query.Problem() is { } problem) return problem;
        var found = await store.List(open,
            cursor is [var at, var order, var sequence] ? (new DateTimeOffset(long.Parse(at), TimeSpan.Zero), long.Parse(order), int.Parse(sequence)) : null, limit, stop);
        var page = found.Take(limit).ToList();
        return ApiJson.Answer(new DiscrepancyList([.. page.Select(DiscrepancyView.From)],
            found.Count > limit ? QueryFields.CursorOf(page[^1].OpenedAt.UtcTicks, page[^1].Payment.Order.Value, page[^1].Sequence) : null));
    }
}
