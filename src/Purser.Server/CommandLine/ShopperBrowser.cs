using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Purser.Server.CommandLine;

/// <summary>What a shopper's browser comes to at a gateway.</summary>
/// <param name="Fields">Of a form that it posts there.</param>
sealed record GatewayVisit(string Url, IReadOnlyDictionary<string, string>? Fields);

/// <summary>A shopper's browser without its window: follows a payment's link as the API gives it.</summary>
static partial class ShopperBrowser
{
    /// <param name="site">Of Purser's pages.</param>
    /// <returns>Null when our page does not hand over to the gateway now.</returns>
    public static async Task<GatewayVisit?> Follow(HttpClient site, JsonElement link, CancellationToken stop)
    {
        var url = link.GetProperty("url").GetString()!;
        if (link.GetProperty("kind").GetString() == "redirect") return new GatewayVisit(url, null);
        using var answer = await site.GetAsync(new Uri(url).PathAndQuery, stop);
        if (answer.StatusCode != HttpStatusCode.OK) return null;
        var page = await answer.Content.ReadAsStringAsync(stop);
        return Form().Match(page) is { Success: true } form
            ? new GatewayVisit(WebUtility.HtmlDecode(form.Groups[1].Value), Field().Matches(page).ToDictionary(f => WebUtility.HtmlDecode(f.Groups[1].Value), f => WebUtility.HtmlDecode(f.Groups[2].Value)))
            : null;
    }

    [GeneratedRegex("""<form method="post" action="([^"]*)"[^>]* data-submit""")]
    private static partial Regex Form();

    [GeneratedRegex("""<input type="hidden" name="([^"]*)"(?: value="([^"]*)")?""")]
    private static partial Regex Field();
}
