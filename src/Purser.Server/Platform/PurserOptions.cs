using System.Net;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;

namespace Purser.Server.Platform;

/// <summary>The settings of the installation itself, from the section <c>Purser</c>. As environment variables they are written
/// <c>Purser__PublicUrl</c> and so on.</summary>
public sealed record PurserOptions
{
    public const string Section = "Purser";

    /// <summary>No order can be paid for longer, whatever it says.</summary>
    public static readonly TimeSpan LongestOrderLife = TimeSpan.FromDays(90);

    /// <summary>Where shoppers and gateways reach us. Empty takes the address that we listen on.</summary>
    public string? PublicUrl { get; init; }

    /// <summary>Origins or prefixes that an order's return URL may begin with, separated by commas.</summary>
    public string? ReturnUrls { get; init; }

    /// <summary>How long a shopper has to pay unless the order says otherwise.</summary>
    public TimeSpan OrderLife { get; init; } = TimeSpan.FromMinutes(30);

    public string LatePayment { get; init; } = "refund";
    public string DuplicatePayment { get; init; } = "refund";
    public string FailedPayment { get; init; } = "cancel";

    /// <summary>Shows the start page with its demo order. For development only.</summary>
    public bool Demo { get; init; }

    /// <summary>The sandbox's own page, linked from the start page.</summary>
    public string? SandboxUrl { get; init; }

    /// <summary>The sample shop, linked from the start page.</summary>
    public string? ShopUrl { get; init; }

    /// <summary>Lanes of the engine. On two cores one lane, whose batches are twice as large, costs less and is as quick as two.</summary>
    public int Lanes { get; init; } = Math.Max(1, Environment.ProcessorCount / 2);

    /// <summary>How long POST /payments waits for the gateway's link before it answers without.</summary>
    public TimeSpan LinkPatience { get; init; } = TimeSpan.FromSeconds(8);

    /// <summary>Addresses and networks of the proxies before us, separated by commas: <c>127.0.0.1, 10.0.0.0/8</c>. Only what they say of a caller's
    /// address is believed; without any, the address that connects is the caller's.</summary>
    public string? TrustedProxies { get; init; }

    /// <summary>The entries of <see cref="TrustedProxies"/>; a single address is a network of one. Null where an entry is neither.</summary>
    public IEnumerable<(string Text, IPNetwork? Network)> ProxyNetworks =>
        from text in TrustedProxies?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? []
        select (text, IPAddress.TryParse(text, out var one)
            ? new IPNetwork(one, one.GetAddressBytes().Length * 8)
            : IPNetwork.TryParse(text, out var network) ? network : (IPNetwork?)null);

    public IReadOnlyList<string> AllowedReturns =>
        ReturnUrls?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [];

    /// <summary>Faults of the settings, each with its name and remedy.</summary>
    public IEnumerable<string> Faults()
    {
        if (PublicUrl is { Length: > 0 } url && !(Uri.TryCreate(url, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https"))
            yield return $"Purser:PublicUrl is '{url}'; set it to the https address that shoppers reach, such as https://pay.example.com.";
        foreach (var allowed in AllowedReturns)
            if (!Uri.TryCreate(allowed, UriKind.Absolute, out var origin) || origin.Scheme is not ("http" or "https"))
                yield return $"Purser:ReturnUrls has '{allowed}'; each entry is an absolute URL such as https://shop.example.com/.";
        foreach (var (text, network) in ProxyNetworks)
            if (network is null) yield return $"Purser:TrustedProxies has '{text}'; each entry is an address such as 10.0.0.5 or a network such as 10.0.0.0/8.";
        if (OrderLife < TimeSpan.FromMinutes(1) || OrderLife > LongestOrderLife)
            yield return $"Purser:OrderLife is {OrderLife}; set it between 00:01:00 and 90.00:00:00.";
        if (LatePayment is not ("refund" or "accept" or "ask"))
            yield return $"Purser:LatePayment is '{LatePayment}'; set it to refund, accept or ask.";
        if (DuplicatePayment is not ("refund" or "ask"))
            yield return $"Purser:DuplicatePayment is '{DuplicatePayment}'; set it to refund or ask.";
        if (FailedPayment is not ("cancel" or "ask"))
            yield return $"Purser:FailedPayment is '{FailedPayment}'; set it to cancel or ask.";
        if (Lanes is < 1 or > 64)
            yield return $"Purser:Lanes is {Lanes}; set it between 1 and 64.";
    }
}

/// <summary>Where the world reaches us: as configured, else where we listen.</summary>
public sealed class PublicAddress(PurserOptions options, IServer server)
{
    string? listening;

    /// <summary>Without a slash at the end.</summary>
    public string Url => options.PublicUrl is { Length: > 0 } configured
        ? configured.TrimEnd('/')
        : listening ??= server.Features.Get<IServerAddressesFeature>()?.Addresses.FirstOrDefault()?.TrimEnd('/')
            ?? throw new InvalidOperationException("Purser:PublicUrl is not set, and the server does not listen yet.");
}
