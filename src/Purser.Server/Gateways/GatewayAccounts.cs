using System.Collections.Frozen;
using System.Collections.Immutable;
using Purser.Gateways;
using Purser.Orders;
using Purser.Payments;
using Purser.Routing;

namespace Purser.Server.Gateways;

/// <summary>The gateway accounts of this installation, from the configuration section <c>Gateways</c>: one entry an account, by its name.
/// <c>Gateways:shop-cards:Gateway</c> names the gateway, <see cref="AccountSettings"/> what else there can be.</summary>
public sealed class GatewayAccounts
{
    readonly FrozenDictionary<string, Entry> entries;

    GatewayAccounts(IEnumerable<Entry> entries, ImmutableArray<RouteRule> rules)
    {
        this.entries = entries.ToFrozenDictionary(e => e.Account.Name, StringComparer.Ordinal);
        Terms = this.entries.ToFrozenDictionary(e => e.Key, e => e.Value.Gateway.Profile.Terms(e.Value.Gateway is ICancelLinks), StringComparer.Ordinal);
        InOrder = [.. entries];
        Routing = new RoutingTable([.. InOrder.Select(e => e.Route)], rules);
    }

    public sealed record Entry(GatewayAccount Account, IGateway Gateway)
    {
        public bool On { get; init; } = true;
        public ImmutableArray<FeeRate> Fees { get; init; } = [];
        public decimal? FeeTaxPercent { get; init; }
        public int? SettlesAfterDays { get; init; }

        /// <summary>What the account takes of its gateway's currencies. Empty: every one.</summary>
        public ImmutableHashSet<string> Currencies { get; init; } = Gateway.Profile.Currencies;

        /// <summary>What the account offers of its gateway's ways to pay. Empty: its page alone decides.</summary>
        public ImmutableArray<MethodOffer> Offers { get; init; } = Gateway.Profile.Offers;

        /// <summary>What routing knows of it.</summary>
        public RouteAccount Route => new(Account.Name, Currencies, Offers)
        {
            On = On,
            RefusesAmount = Gateway.Profile.RefusesAmount,
            Fees = Fees,
            FeeTaxPercent = FeeTaxPercent,
            SettlesAfterDays = SettlesAfterDays,
        };
    }

    /// <summary>Where payments can go, and which way is preferred.</summary>
    public RoutingTable Routing { get; }

    /// <summary>In the order of the configuration, which is the order of preference.</summary>
    public ImmutableArray<Entry> InOrder { get; }

    public IReadOnlyDictionary<string, GatewayTerms> Terms { get; }

    /// <summary>Every way to pay that has a name here: the common ones, and those of the accounts.</summary>
    public string[] Methods => [.. PaymentMethods.Common.Concat(InOrder.SelectMany(e => e.Offers).Select(o => o.Method)).Distinct()];

    public Entry? Find(string account) => entries.GetValueOrDefault(account);

    /// <summary>A gateway account's name for people. An account that was taken out of the configuration has none any more.</summary>
    public string Title(string account)
    {
        if (Find(account) is not { } entry) return account;
        var title = entry.Gateway.Profile.Title;
        return InOrder.Count(e => e.Gateway.Profile.Title == title) > 1 ? $"{title} ({account})" : title;
    }

    /// <summary>The account's form begins another try each time it is posted. One that was taken out of the configuration may be like that.</summary>
    public bool PostsAnew(string account) => (Terms.GetValueOrDefault(account) ?? GatewayTerms.Unknown).PostsAnew;

    /// <summary>The accounts that can take this amount.</summary>
    public IEnumerable<Entry> For(Money amount, string? country = null) => InOrder.Where(e => e.Route.WhyNot(amount, country, null) is null);

    /// <summary>Reads the section. Every fault names its setting and what to do; an account with a fault is left out.</summary>
    public static (GatewayAccounts Accounts, ImmutableArray<string> Faults) Read(IConfiguration configuration, IEnumerable<IGateway> gateways)
    {
        var known = gateways.ToDictionary(g => g.Profile.Name, StringComparer.Ordinal);
        var faults = ImmutableArray.CreateBuilder<string>();
        var entries = new List<Entry>();
        // Configuration hands sections back sorted by name; Order says the preference.
        var ordered = configuration.GetSection("Gateways").GetChildren().Select(one => new AccountSettings(one, faults)).OrderBy(a => a.Order)
            .ThenBy(a => a.Name, StringComparer.Ordinal).ToList();
        foreach (var one in ordered)
            if (one.Entry(known) is { } entry) entries.Add(entry);
        // A shopper chooses among the accounts, and so does fail-over: play money must pay no real order.
        if (entries.Where(e => e.On).ToLookup(e => e.Account.TestMode) is { Count: > 1 } modes)
            faults.Add($"Gateways: {Names(modes[true])} in test mode and {Names(modes[false])} in live mode would pay the same orders; turn one kind off (On: false), or give it an installation of its own.");
        // A rule may name an account that has a fault of its own: one sentence about it is enough.
        var rules = RoutingSettings.Rules(configuration.GetSection("Routing"), [.. ordered.Select(a => a.Name)], faults);
        return (new GatewayAccounts(entries, rules), faults.ToImmutable());

        static string Names(IEnumerable<Entry> some) => string.Join(", ", some.Select(e => e.Account.Name));
    }
}
