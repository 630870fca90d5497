using System.Collections.Frozen;
using System.Collections.Immutable;
using Purser.Gateways;
using Purser.Orders;
using Purser.Payments;
using Purser.Routing;

namespace Purser.Server.Gateways;

/// <summary>The gateway accounts of this installation, from the configuration section <c>Gateways</c>: one entry an account, by its name.
/// <c>Gateways:shop-cards:Gateway</c> names the gateway, <c>BaseUrl</c> and <c>TestMode</c> are optional, the rest are its settings.</summary>
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

        /// <summary>What routing knows of it.</summary>
        public RouteAccount Route => new(Account.Name, Gateway.Profile.Currencies, Gateway.Profile.Offers)
        {
            On = On,
            RefusesAmount = Gateway.Profile.RefusesAmount,
            Fees = Fees,
        };
    }

    /// <summary>Where payments can go, and which way is preferred.</summary>
    public RoutingTable Routing { get; }

    /// <summary>In the order of the configuration, which is the order of preference.</summary>
    public ImmutableArray<Entry> InOrder { get; }

    public IReadOnlyDictionary<string, GatewayTerms> Terms { get; }

    /// <summary>Every way to pay that has a name here: the common ones, and those of the accounts.</summary>
    public string[] Methods => [.. PaymentMethods.Common.Concat(InOrder.SelectMany(e => e.Gateway.Profile.Methods)).Distinct()];

    public Entry? Find(string account) => entries.GetValueOrDefault(account);

    /// <summary>The accounts that can take this amount.</summary>
    public IEnumerable<Entry> For(Money amount, string? country = null) => InOrder.Where(e => e.Route.WhyNot(amount, country, null) is null);

    /// <summary>Reads the section. Every fault names its setting and what to do.</summary>
    public static (GatewayAccounts Accounts, ImmutableArray<string> Faults) Read(IConfiguration configuration, IEnumerable<IGateway> gateways)
    {
        var section = configuration.GetSection("Gateways");
        var known = gateways.ToDictionary(g => g.Profile.Name, StringComparer.Ordinal);
        var faults = ImmutableArray.CreateBuilder<string>();
        var entries = new List<Entry>();
        // Configuration hands sections back sorted by name; Order says the preference.
        foreach (var one in section.GetChildren().OrderBy(c => c.GetValue("Order", 100)).ThenBy(c => c.Key, StringComparer.Ordinal))
        {
            var name = one.Key.ToLowerInvariant();
            var path = one.Path;
            if (name.Length > 40 || name.Any(c => !char.IsAsciiLetterOrDigit(c) && c != '-'))
            {
                faults.Add($"{path}: an account's name has letters, digits and dashes, 40 at most; rename it.");
                continue;
            }
            var kind = one["Gateway"] ?? name;
            if (!known.TryGetValue(kind, out var gateway))
            {
                faults.Add($"{path}:Gateway is '{kind}'; set it to one of {string.Join(", ", known.Keys.Order())}.");
                continue;
            }
            var testMode = one.GetValue("TestMode", false);
            var url = testMode ? gateway.Profile.TestBaseUrl ?? gateway.Profile.BaseUrl : gateway.Profile.BaseUrl;
            if (one["BaseUrl"] is { } other && !Uri.TryCreate(other, UriKind.Absolute, out url!))
            {
                faults.Add($"{path}:BaseUrl is '{other}'; set it to an absolute URL or leave it out for {gateway.Profile.BaseUrl}.");
                continue;
            }
            var settings = gateway.Profile.Settings
                .Select(s => (s.Name, Value: one[s.Name] ?? one[s.Name.Replace("_", "", StringComparison.Ordinal)]))
                .Where(s => !string.IsNullOrEmpty(s.Value)).ToImmutableDictionary(s => s.Name, s => s.Value!, StringComparer.Ordinal);
            var missing = gateway.Profile.Settings.Where(s => s.Required && !settings.ContainsKey(s.Name)).ToList();
            foreach (var setting in missing) faults.Add($"{path}:{setting.Name} is missing: {setting.Meaning}");
            if (missing.Count > 0) continue;
            var account = new GatewayAccount(name, kind, url, settings) { TestMode = testMode };
            if (gateway.Profile.RefusesAccount(account) is { } refused)
            {
                faults.Add($"{path}: {refused}");
                continue;
            }
            entries.Add(new Entry(account, gateway) { On = one.GetValue("On", true), Fees = RoutingSettings.Fees(one, faults) });
        }
        var rules = RoutingSettings.Rules(configuration.GetSection("Routing"), [.. entries.Select(e => e.Account.Name)], faults);
        return (new GatewayAccounts(entries, rules), faults.ToImmutable());
    }
}
