using System.ComponentModel;
using Purser.Server.Api;

namespace Purser.Server.Risk;

public sealed record RiskRow(
    [property: Description("unresolved, late, duplicate, unmatched, refund_failed, refund_unresolved, overdue_settlement, fulfilled_unpaid, questioned or unfulfilled.")] string Kind,
    [property: Description("The gateway account's name.")] string? Gateway, string? Currency, long Count,
    [property: Description("In minor units; null where nobody knows it: a message that could not be placed.")] long? Amount,
    [property: Description("Since when the oldest waits.")] DateTime Oldest, [property: Description("Whether that is longer than the configured age.")] bool TooOld);

public sealed record RiskView(DateTime At, [property: Description("How many rows are too old.")] int TooOld, IReadOnlyList<RiskRow> Risks)
{
    public static RiskView Of(DateTimeOffset now, IReadOnlyList<RiskLine> lines, RiskOptions options)
    {
        var rows = lines.Select(l => new RiskRow(l.Kind, l.Account, l.Currency, l.Count, l.Amount, l.Oldest.UtcDateTime, now - l.Oldest > options.Of(l.Kind))).ToList();
        return new RiskView(now.UtcDateTime, rows.Count(r => r.TooOld), rows);
    }
}

/// <summary>GET /v1/risk: the money at risk.</summary>
public static class RiskEndpoints
{
    public static void Add(IServiceCollection services, IConfiguration configuration) =>
        services.AddSingleton(RiskOptions.From(configuration)).AddSingleton<RiskStore>().AddSingleton<RiskGauges>().AddHostedService(s => s.GetRequiredService<RiskGauges>());

    public static void Map(IEndpointRouteBuilder routes) => routes.MapGet("/v1/risk", Read).Is(RiskDocs.Read);

    static async Task<IResult> Read(HttpContext http, RiskStore store, RiskOptions options, CancellationToken stop)
    {
        if (new QueryFields(http.Request.Query).Problem() is { } problem) return problem;
        var (now, lines) = await store.Read(stop);
        return ApiJson.Answer(RiskView.Of(now, lines, options));
    }
}
