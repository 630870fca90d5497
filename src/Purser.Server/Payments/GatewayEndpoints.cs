using System.ComponentModel;
using Purser.Gateways;
using Purser.Server.Api;
using Purser.Server.Gateways;

namespace Purser.Server.Payments;

/// <summary>A gateway account, without anything secret.</summary>
public sealed record GatewayView(
    string Name, string Gateway, string Title, [property: Description("ISO 4217 codes.")] IReadOnlyList<string> Currencies, IReadOnlyList<string> Methods,
    bool TestMode, [property: Description("Whether an open link can be closed on request.")] bool ClosesLinks);

public sealed record GatewayList([property: Description("In the order of preference.")] IReadOnlyList<GatewayView> Gateways);

/// <summary>GET /v1/gateways: where payments can go.</summary>
public static class GatewayEndpoints
{
    public static void Map(IEndpointRouteBuilder routes) => routes.MapGet("/v1/gateways", List).Is(PaymentDocs.Gateways);

    static IResult List(GatewayAccounts accounts, HttpContext http)
    {
        if (new QueryFields(http.Request.Query).Problem() is { } problem) return problem;
        return ApiJson.Answer(new GatewayList([.. accounts.InOrder.Where(e => e.On).Select(View)]));
    }

    static GatewayView View(GatewayAccounts.Entry entry) => new(
        entry.Account.Name, entry.Account.Gateway, entry.Gateway.Profile.Title, [.. Currencies(entry)], [.. entry.Offers.Select(o => o.Method).Distinct()],
        entry.Account.TestMode, entry.Gateway is ICancelLinks);

    static IEnumerable<string> Currencies(GatewayAccounts.Entry entry) =>
        entry.Currencies.Count > 0 ? entry.Currencies.Order(StringComparer.Ordinal) : Currency.All.Select(c => c.Code);
}
