using Npgsql;
using Purser.Orders;
using Purser.Server.Engine;
using Purser.Server.Gateways;
using Purser.Server.Platform;

namespace Purser.Server.Checkout;

/// <summary>Who comes to a shopper's page with which token, and what is behind it.</summary>
sealed partial class ShopperDoor(
    CheckoutStore store, ShopperTokens tokens, ShopperLinks links, GatewayAccounts accounts, CheckoutOptions options, Pages pages, ILogger<ShopperDoor> log)
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
        catch (Exception fault) when (IsOfStore(fault))
        {
            return await Fault(http, fault);
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

    /// <summary>Whether <see cref="Fault"/> has a page for it.</summary>
    public static bool IsOfStore(Exception e) => e is NpgsqlException or TimeoutException or StoreAwayException;

    /// <summary>Only of a database that is away it is said that trying again helps. What it refuses is a bug of ours, and is written down as one.</summary>
    public Task<IResult> Fault(HttpContext http, Exception fault)
    {
        if (StoreFault.MayPass(fault)) return Away(http);
        LogBug(log, http.Request.Method, http.GetEndpoint()?.DisplayName, fault);
        return Notice(http, 500, Texts.Broken, Texts.BrokenWords);
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

    [LoggerMessage(45, LogLevel.Error, "The page {Method} {Endpoint} failed")]
    static partial void LogBug(ILogger log, string method, string? endpoint, Exception bug);
}
