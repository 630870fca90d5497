using Purser.Server.Keys;

namespace Purser.Server.Api;

/// <summary>Who may ask.</summary>
public enum Access
{
    /// <summary>A secret key.</summary>
    Secret,
    /// <summary>A secret or a publishable key.</summary>
    AnyKey,
    /// <summary>A secret key, or the token of the order that the path names, with or without a publishable key.</summary>
    Shopper,
}

/// <summary>Who asks, once the door has let them in.</summary>
/// <param name="Token">The order whose token was shown.</param>
/// <param name="Shown">That token as it was shown: whoever came with it is not given another that lives longer.</param>
public sealed record ApiCaller(ApiKey? Key, OrderId? Token, string? Shown = null)
{
    /// <summary>The merchant's backend.</summary>
    public bool IsMerchant => Key is { Kind: KeyKind.Secret };

    public static ApiCaller Of(HttpContext http) =>
        http.Features.Get<ApiCaller>() ?? throw new InvalidOperationException("The request did not come through the door of the API.");
}
