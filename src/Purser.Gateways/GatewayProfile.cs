using System.Collections.Immutable;
using Purser.Orders;
using Purser.Payments;

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
    /// <summary>Where it lives for accounts in test mode, when that is elsewhere.</summary>
    public Uri? TestBaseUrl { get; init; }
    /// <summary>Currency codes it takes. Empty means all of ISO 4217 that its mapping knows.</summary>
    public required ImmutableHashSet<string> Currencies { get; init; }
    /// <summary>The ways to pay that a payment can be restricted to on its page, the usual one first. Empty: the page alone decides.</summary>
    public required ImmutableArray<MethodOffer> Offers { get; init; }
    /// <summary>Their names, each once.</summary>
    public IEnumerable<string> Methods => Offers.Select(o => o.Method).Distinct();
    /// <summary>The settings of an account.</summary>
    public required ImmutableArray<GatewaySetting> Settings { get; init; }
    /// <summary>How long after a call the gateway may still say that it knows nothing of what it did.</summary>
    public required TimeSpan VisibilityDelay { get; init; }
    public required TimeSpan ShortestLink { get; init; }
    public required TimeSpan LongestLink { get; init; }
    /// <summary>Asking for a link twice under one key gives one link.</summary>
    public required bool RepeatsSafely { get; init; }

    /// <summary>What its webhooks are worth.</summary>
    public required WebhookTrust Webhooks { get; init; }

    /// <summary>Its link is a form that the shopper's browser posts: opening it asks the gateway nothing, and the gateway knows nothing of the
    /// payment before somebody posts it. Posted again it begins another try, which can take money too.</summary>
    public bool LinkIsForm { get; init; }

    /// <summary>It knows no name for a refund, only that a payment has one: a payment can be refunded once, in whole or in part, and a second refund
    /// must not be asked for unless the first has failed.</summary>
    public bool RefundsOnce { get; init; }

    /// <summary>Its statements, those by file and those by call together, have a row for each transfer to the bank, and the rows about payments add up to
    /// those. False: every row is a part of a transfer, which it names (<see cref="Reconciliation.SettlementLine.PayoutReference"/>), and the transfer has no
    /// row of its own.</summary>
    public bool StatesPayouts { get; init; }

    /// <summary>What decisions need to know.</summary>
    public GatewayTerms Terms(bool canCancel) =>
        new(canCancel, RepeatsSafely, VisibilityDelay, ShortestLink, LongestLink) { RefundsOnce = RefundsOnce, PostsAnew = LinkIsForm };

    /// <summary>Why this amount cannot be paid here, or null. Called before an order's payment is started.</summary>
    public Func<Money, string?> RefusesAmount { get; init; } = _ => null;

    /// <summary>Why this account cannot work although nothing is missing (a live key in test mode), or null.</summary>
    public Func<GatewayAccount, string?> RefusesAccount { get; init; } = _ => null;
}

/// <summary>What a webhook that passed its check proves.</summary>
public enum WebhookTrust
{
    /// <summary>None are sent, or none that are documented: every one is refused.</summary>
    None,
    /// <summary>It comes from the gateway or looks so, but amount and status are not signed beyond doubt: it leads to an inquiry and to nothing else.</summary>
    Trigger,
    /// <summary>Amount and status are signed: it is evidence.</summary>
    Proof,
}

/// <param name="Name">snake_case, as in configuration.</param>
/// <param name="Secret">Encrypted at rest, and cut out of everything recorded.</param>
/// <param name="Several">May hold several values, separated by commas (secrets during a rotation).</param>
public sealed record GatewaySetting(string Name, bool Secret, string Meaning, bool Required = true, bool Several = false)
{
    /// <summary>A value of the right form that belongs to nobody, for settings that must have one (a key of 16 letters, a certificate).</summary>
    public string? Example { get; init; }
    /// <summary>May have several lines (a certificate or key in PEM), and travels in no header.</summary>
    public bool Lines { get; init; }
}

/// <summary>The merchant's contract with a gateway: its name here, whose it is, and its settings by the names in the profile.</summary>
public sealed record GatewayAccount(string Name, string Gateway, Uri BaseUrl, ImmutableDictionary<string, string> Settings)
{
    public bool TestMode { get; init; }

    /// <summary>Whether credentials and shoppers' particulars may go there: encrypted, or to this machine. Nothing but a place below it is added, so that
    /// nobody's name and no query may stand in it.</summary>
    public static bool IsSafe(Uri address) =>
        (address.Scheme == Uri.UriSchemeHttps || (address.Scheme == Uri.UriSchemeHttp && address.IsLoopback))
        && address.UserInfo.Length == 0 && address.Query.Length == 0 && address.Fragment.Length == 0;

    public string Setting(string name) => Settings.TryGetValue(name, out var value) && value.Length > 0
        ? value
        : throw new InvalidOperationException($"The gateway account '{Name}' lacks the setting '{name}'.");

    public string? OptionalSetting(string name) => Settings.TryGetValue(name, out var value) && value.Length > 0 ? value : null;

    public IReadOnlyList<string> SeveralSettings(string name) =>
        OptionalSetting(name)?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [];
}
