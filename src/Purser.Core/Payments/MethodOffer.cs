using System.Collections.Immutable;

namespace Purser.Payments;

/// <summary>A way to pay, and where it is offered.</summary>
/// <param name="Method">One of <see cref="PaymentMethods.Common"/>, or a name of the gateway's own, in snake_case.</param>
public sealed record MethodOffer(string Method)
{
    public MethodOffer(string method, params IEnumerable<string> currencies) : this(method) => Currencies = [.. currencies];

    /// <summary>For people; needed where the method is the gateway's own.</summary>
    public string? Title { get; init; }
    /// <summary>Empty: all that the gateway takes.</summary>
    public ImmutableHashSet<string> Currencies { get; init; } = [];
    /// <summary>The shopper's country, ISO 3166-1 alpha-2. Empty: any, also when it is not known.</summary>
    public ImmutableHashSet<string> Countries { get; init; } = [];

    public bool Takes(Currency currency, string? country) =>
        (Currencies.Count == 0 || Currencies.Contains(currency.Code)) && (Countries.Count == 0 || (country is not null && Countries.Contains(country)));
}
