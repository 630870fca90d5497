using Npgsql;
using Purser.Orders;
using Purser.Server.Engine;
using Purser.Server.Gateways;
using Purser.Server.Platform;

namespace Purser.Server.Checkout;

/// <summary>Who comes to a shopper's page with which token, and what is behind it.</summary>
sealed class ShopperDoor(
    CheckoutStore store, ShopperTokens tokens, ShopperLinks links, GatewayAccounts accounts, CheckoutOptions options, Pages pages)
{
    /// <summary>With tokens that are handed out now.</summary>
    public ShopperLinks Links => links;

    /// <summary>With the token that opened the door to this visitor.</summary>
    public ShopperLinks LinksOf(HttpContext http) => http.Features.Get<ShopperLinks>() ?? links;

    public CheckoutOptions Options => options;
    public GatewayAccounts Accounts => accounts;

    /// <summary>Shows the order to whoever holds its token; anybody else sees the same page whether the order exists or not.</summary>
    public async Task<IResult> Open(HttpContext http, string? id, string? token, Func<ShopperOrder, Task<IResult>> show)
    {
        if (!OrderId.TryParse(id, out var order)) return await NotFound(http);
        return await Open(http, order, token, show);
    }

    public async Task<IResult> Open(HttpContext http, OrderId order, string? token, Func<ShopperOrder, Task<IResult>> show)
    {
        try
        {
            var check = tokens.Check(order, token);
            if (check == TokenCheck.Valid) http.Features.Set(links.Holding(token!));
            return check switch
            {
                TokenCheck.Missing => await Notice(http, 401, Texts.TokenMissing, Texts.TokenMissingWords, lookUp: true),
                TokenCheck.Expired => await Notice(http, 401, Texts.TokenExpired, Texts.TokenExpiredWords),
                TokenCheck.Foreign => await NotFound(http),
                _ => await store.Find(order, http.RequestAborted) is { } found ? await show(found) : await NotFound(http),
            };
        }
        catch (Exception away) when (away is NpgsqlException or TimeoutException)
        {
            return await Away(http);
        }
    }

    public Task<IResult> OpenPayment(HttpContext http, string? id, string? token, Func<ShopperOrder, int, Task<IResult>> show) =>
        PaymentId.TryParse(id, out var payment)
            ? Open(http, payment.Order, token, found => found.Order.Payment(payment.Number) is null ? NotFound(http) : show(found, payment.Number))
            : NotFound(http);

    public Task<IResult> NotFound(HttpContext http) => Notice(http, 404, Texts.NotFound, Texts.NotFoundWords, lookUp: true);

    public Task<IResult> Away(HttpContext http)
    {
        http.Response.Headers.RetryAfter = "5";
        return Notice(http, 503, Texts.Away, Texts.AwayWords, again: true);
    }

    public Task<IResult> Notice(
        HttpContext http, int status, string headline, string words, bool lookUp = false, bool again = false, string? back = null, string? backText = null) =>
        pages.Show<NoticePage>(http, new()
        {
            [nameof(NoticePage.Options)] = options,
            [nameof(NoticePage.Headline)] = headline,
            [nameof(NoticePage.Words)] = words,
            [nameof(NoticePage.LookUp)] = lookUp,
            [nameof(NoticePage.Again)] = again,
            [nameof(NoticePage.Back)] = back,
            [nameof(NoticePage.BackText)] = backText,
        }, status);

    /// <inheritdoc cref="GatewayAccounts.PostsAnew"/>
    public bool PostsAnew(string account) => accounts.PostsAnew(account);

    /// <inheritdoc cref="GatewayAccounts.Title"/>
    public string Title(string account) => accounts.Title(account);
}
