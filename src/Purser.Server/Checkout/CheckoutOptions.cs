using Purser.Server.Platform;

namespace Purser.Server.Checkout;

/// <summary>What the shopper's pages are told by the configuration section <c>Purser</c>.</summary>
public sealed record CheckoutOptions
{
    /// <summary>The name that shoppers know the merchant by.</summary>
    public string? MerchantName { get; init; }
    /// <summary>Where a shopper with a question turns to: a mail address, a phone number or a web address.</summary>
    public string? SupportContact { get; init; }
    /// <summary>For development: the start page places demo orders.</summary>
    public bool Demo { get; init; }
    /// <summary>The sandbox's control page, for the start page of a demo.</summary>
    public string? SandboxUrl { get; init; }
    /// <summary>The sample shop, for the start page of a demo.</summary>
    public string? ShopUrl { get; init; }
    /// <summary>How often one address may look payments up, in a minute.</summary>
    public int LookUpsPerMinute { get; init; } = 10;

    public static CheckoutOptions From(IConfiguration configuration, PurserOptions options)
    {
        var section = configuration.GetSection(PurserOptions.Section);
        return new CheckoutOptions
        {
            MerchantName = section["MerchantName"],
            SupportContact = section["SupportContact"],
            Demo = options.Demo,
            SandboxUrl = options.SandboxUrl,
            ShopUrl = options.ShopUrl,
            LookUpsPerMinute = section.GetValue("LookUpsPerMinute", 10),
        };
    }
}
