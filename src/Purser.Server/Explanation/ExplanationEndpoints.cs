using System.ComponentModel;
using Purser.Server.Api;
using Purser.Server.Orders;
using Purser.Server.Platform;

namespace Purser.Server.Explanation;

public sealed record ProofView(
    [property: Description("event, gateway_news or gateway_call.")] string Kind, string Key, DateTime At,
    [property: Description("How it became known: purser, reply, inquiry, webhook, settlement, operator, or the gateway account.")] string Source);

public sealed record SentenceView(string Text, DateTime? At, IReadOnlyList<ProofView> Evidence)
{
    public static SentenceView From(Sentence s) => new(
        s.Text, s.At?.UtcDateTime, [.. s.Evidence.Select(p => new ProofView(p.Kind, p.Key, p.At.UtcDateTime, p.Source))]);
}

public sealed record ExplanationView(
    string Order, string Status, DateTime At,
    [property: Description("In the order of time.")] IReadOnlyList<SentenceView> Happened,
    [property: Description("Why the order and its payments stand as they do.")] IReadOnlyList<SentenceView> Stands,
    [property: Description("What happens next, soonest first; without a time where it waits for a person.")] IReadOnlyList<SentenceView> Next,
    [property: Description("What is safe to tell the shopper.")] SentenceView Shopper);

/// <summary>GET /v1/orders/{id}/explanation: the order in plain sentences, each with its evidence.</summary>
public static class ExplanationEndpoints
{
    public static void Add(IServiceCollection services) => services.AddSingleton<ExplanationStore>();

    public static void Map(IEndpointRouteBuilder routes) => routes.MapGet("/v1/orders/{id}/explanation", Read).Is(ExplanationDocs.Read);

    static async Task<IResult> Read(string id, OrderReadStore orders, OrderViews views, ExplanationStore store, TimeProvider time, CancellationToken stop)
    {
        if (!OrderId.TryParse(id, out var order) || await orders.Find(order, stop) is not { Order: var found })
            return new Problem(ProblemTypes.OrderUnknown) { Field = "id" };
        var evidence = await store.Read(order, stop);
        var now = time.GetUtcNow();
        var text = ExplanationText.Of(found, evidence.Events, evidence.News, evidence.Calls, views.SituationOf(found), now);
        return ApiJson.Answer(new ExplanationView(
            id, OrderView.StatusOf(found), now.UtcDateTime, [.. text.Happened.Select(SentenceView.From)], [.. text.Stands.Select(SentenceView.From)],
            [.. text.Next.Select(SentenceView.From)], SentenceView.From(text.Shopper)));
    }
}
