using System.Collections.Immutable;
using Purser.Orders;

namespace Purser.Gateways;

/// <summary>What a gateway is, as data.</summary>
public sealed record GatewayProfile
{
    /// <summary>Its name in configuration: lower case letters and digits.</summary>
    public required string Name { get; init; }
    /// <summary>Its name for people.</summary>
    public required string Title { get; init; }
    /// <summary>Where its API lives; an account may say otherwise.</summary>
    public required Uri BaseUrl { get; init; }
    /// <summary>Currency codes it takes. Empty means all of ISO 4217 that its mapping knows.</summary>
    public required ImmutableHashSet<string> Currencies { get; init; }
    /// <summary>Methods for people and for routing: card, upi, netbanking, wallet, bank_transfer.</summary>
    public required ImmutableArray<string> Methods { get; init; }
    /// <summary>The settings of an account.</summary>
    public required ImmutableArray<GatewaySetting> Settings { get; init; }
    /// <summary>How long after a call the gateway may still say that it knows nothing of what it did.</summary>
    public required TimeSpan VisibilityDelay { get; init; }
    public required TimeSpan ShortestLink { get; init; }
    public required TimeSpan LongestLink { get; init; }
    /// <summary>Asking for a link twice under one key gives one link.</summary>
    public required bool RepeatsSafely { get; init; }

    /// <summary>What decisions need to know.</summary>
    public GatewayTerms Terms(bool canCancel) => new(canCancel, RepeatsSafely, VisibilityDelay, ShortestLink, LongestLink);

    /// <summary>Why this amount cannot be paid here, or null. Called before an order's payment is started.</summary>
    public Func<Money, string?> RefusesAmount { get; init; } = _ => null;

    /// <summary>Why this account cannot work although nothing is missing (a live key in test mode), or null.</summary>
    public Func<GatewayAccount, string?> RefusesAccount { get; init; } = _ => null;
}

/// <param name="Name">snake_case, as in configuration.</param>
/// <param name="Secret">Encrypted at rest, and cut out of everything recorded.</param>
/// <param name="Several">May hold several values, separated by commas (secrets during a rotation).</param>
public sealed record GatewaySetting(string Name, bool Secret, string Meaning, bool Required = true, bool Several = false);

/// <summary>The merchant's contract with a gateway: its name here, whose it is, and its settings by the names in the profile.</summary>
public sealed record GatewayAccount(string Name, string Gateway, Uri BaseUrl, ImmutableDictionary<string, string> Settings)
{
    public bool TestMode { get; init; }

    public string Setting(string name) => Settings.TryGetValue(name, out var value) && value.Length > 0
        ? value
        : throw new InvalidOperationException($"The gateway account '{Name}' lacks the setting '{name}'.");

    public string? OptionalSetting(string name) => Settings.TryGetValue(name, out var value) && value.Length > 0 ? value : null;

    public IReadOnlyList<string> SeveralSettings(string name) =>
        OptionalSetting(name)?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [];
}
