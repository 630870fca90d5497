using System.Collections.Immutable;
using System.Globalization;
using Purser.Gateways;
using Purser.Payments;

namespace Purser.Server.Gateways;

/// <summary>Reads one account of the section <c>Gateways</c>. What is not known here or to its gateway is a fault: a setting that is misspelt and passed
/// over would offer what the merchant meant to forbid.</summary>
sealed class AccountSettings(IConfigurationSection section, ImmutableArray<string>.Builder faults)
{
    const int LongestName = 40;
    const int UsualOrder = 100;
    /// <summary>A sentence that lists more than this is not read.</summary>
    const int MostListed = 20;

    static readonly string[] OfEveryAccount = ["Gateway", "Order", "On", "TestMode", "BaseUrl", "Currencies", "Methods", "Fee", "Fees", "FeeTax", "SettlesAfterDays"];

    /// <summary>The account's name, as it stands in addresses and in orders.</summary>
    public string Name { get; } = section.Key.ToLowerInvariant();

    /// <summary>The preference, smallest first.</summary>
    public int Order => int.TryParse(section["Order"], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var order) ? order : UsualOrder;

    /// <summary>Null when something is wrong with it; the faults say what.</summary>
    public GatewayAccounts.Entry? Entry(IReadOnlyDictionary<string, IGateway> known)
    {
        var before = faults.Count;
        if (Name.Length > LongestName || Name.Any(c => !char.IsAsciiLetterOrDigit(c) && c != '-'))
            faults.Add($"{section.Path}: an account's name has letters, digits and dashes, {LongestName} at most; rename it.");
        var kind = section["Gateway"] ?? Name;
        if (!known.TryGetValue(kind, out var gateway))
        {
            faults.Add($"{section.Path}:Gateway is '{kind}'; set it to one of {string.Join(", ", known.Keys.Order())}.");
            return null;
        }
        var profile = gateway.Profile;
        RefuseUnknown(profile);
        if (section["Order"] is { Length: > 0 } text && !int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _))
            faults.Add($"{section.Path}:Order is '{text}'; set it to a whole number, smallest first.");
        var testMode = Switch("TestMode", otherwise: false);
        var settings = Settings(profile);
        var account = new GatewayAccount(Name, kind, Address(profile, testMode), settings) { TestMode = testMode };
        var currencies = Currencies(profile);
        var (feeTax, settlesAfter) = RoutingSettings.Contract(section, faults);
        var entry = new GatewayAccounts.Entry(account, gateway)
        {
            On = Switch("On", otherwise: true),
            Currencies = currencies,
            Offers = Offers(profile, currencies),
            Fees = RoutingSettings.Fees(section, faults),
            FeeTaxPercent = feeTax,
            SettlesAfterDays = settlesAfter,
        };
        if (faults.Count == before && profile.RefusesAccount(account) is { } refused) faults.Add($"{section.Path}: {refused}");
        return faults.Count == before ? entry : null;
    }

    void RefuseUnknown(GatewayProfile profile)
    {
        foreach (var one in section.GetChildren().Where(c => c.Exists()))
            if (!OfEveryAccount.Contains(one.Key, StringComparer.OrdinalIgnoreCase) && !profile.Settings.Any(s => Names(s).Contains(one.Key, StringComparer.OrdinalIgnoreCase)))
                faults.Add($"{one.Path} is not known; correct or remove it. An account of {profile.Title} has {string.Join(", ", OfEveryAccount.Concat(profile.Settings.Select(s => s.Name)))}.");
        foreach (var fee in section.GetSection("Fees").GetChildren())
            if (!profile.Methods.Contains(fee.Key))
                faults.Add($"{fee.Path}: {profile.Title} does not offer '{fee.Key}'; {Instead("Fees", profile.Methods)}");
    }

    /// <summary>With underscores as in its document, or without, as some shells want a variable's name.</summary>
    static string[] Names(GatewaySetting setting) => [setting.Name, setting.Name.Replace("_", "", StringComparison.Ordinal)];

    ImmutableDictionary<string, string> Settings(GatewayProfile profile)
    {
        var settings = profile.Settings.Select(s => (s.Name, Value: Names(s).Select(n => section[n]).FirstOrDefault(v => v is not null)))
            .Where(s => !string.IsNullOrEmpty(s.Value)).ToImmutableDictionary(s => s.Name, s => s.Value!, StringComparer.Ordinal);
        foreach (var missing in profile.Settings.Where(s => s.Required && !settings.ContainsKey(s.Name)))
            faults.Add($"{section.Path}:{missing.Name} is missing: {missing.Meaning}");
        return settings;
    }

    Uri Address(GatewayProfile profile, bool testMode)
    {
        if (section["BaseUrl"] is not { } other) return testMode ? profile.TestBaseUrl ?? profile.BaseUrl : profile.BaseUrl;
        if (!Uri.TryCreate(other, UriKind.Absolute, out var url))
            faults.Add($"{section.Path}:BaseUrl is '{other}'; set it to an absolute URL or leave it out for {profile.BaseUrl}.");
        else if (!GatewayAccount.IsSafe(url))
            // Not repeated: there may be a password in it.
            faults.Add($"{section.Path}:BaseUrl would carry credentials in the open; set it to an https address without user, query and fragment (plain http only to this machine, such as http://127.0.0.1:7411), or leave it out for {profile.BaseUrl}.");
        else return url;
        return profile.BaseUrl;
    }

    bool Switch(string name, bool otherwise)
    {
        if (section[name] is not { Length: > 0 } text) return otherwise;
        if (bool.TryParse(text, out var on)) return on;
        faults.Add($"{section.Path}:{name} is '{text}'; set it to true or false.");
        return otherwise;
    }

    ImmutableHashSet<string> Currencies(GatewayProfile profile)
    {
        if (Chosen("Currencies") is not { } named) return profile.Currencies;
        var chosen = named.Select(c => c.ToUpperInvariant()).ToImmutableHashSet();
        foreach (var code in chosen.Order(StringComparer.Ordinal))
            if (!Currency.TryFind(code, out _)) faults.Add($"{section.Path}:Currencies has '{code}', which is no ISO 4217 currency; correct it.");
            else if (profile.Currencies.Count > 0 && !profile.Currencies.Contains(code))
                faults.Add($"{section.Path}:Currencies has '{code}', which {profile.Title} does not take; {Instead("Currencies", profile.Currencies.Order(StringComparer.Ordinal))}");
        return chosen;
    }

    ImmutableArray<MethodOffer> Offers(GatewayProfile profile, ImmutableHashSet<string> currencies)
    {
        if (Chosen("Methods") is not { } named) return profile.Offers;
        var chosen = named.Select(m => m.ToLowerInvariant()).ToImmutableHashSet();
        foreach (var method in chosen.Order(StringComparer.Ordinal))
        {
            var offers = profile.Offers.Where(o => o.Method == method).ToList();
            if (offers.Count == 0)
                faults.Add($"{section.Path}:Methods has '{method}', which {profile.Title} does not offer; {Instead("Methods", profile.Methods)}");
            else if (currencies.Count > 0 && offers.All(o => o.Currencies.Count > 0 && !o.Currencies.Overlaps(currencies)))
                faults.Add($"{section.Path}:Methods has '{method}', which {profile.Title} offers for {string.Join(", ", offers.SelectMany(o => o.Currencies).Distinct().Order(StringComparer.Ordinal))}, and Currencies has none of these; change one of the two.");
        }
        return [.. profile.Offers.Where(o => chosen.Contains(o.Method))];
    }

    /// <summary>Null when the account says nothing and so takes all that its gateway does.</summary>
    IReadOnlyList<string>? Chosen(string name)
    {
        var setting = section.GetSection(name);
        if (!setting.Exists()) return null;
        var values = RoutingSettings.List(section, name, faults);
        if (values.Count == 0) faults.Add($"{setting.Path} is empty; name at least one, or leave it out for all that the gateway has.");
        return values;
    }

    static string Instead(string name, IEnumerable<string> possible)
    {
        var all = possible.ToList();
        return all.Count == 0 ? $"its own page decides, so leave {name} out."
            : all.Count <= MostListed ? $"use some of {string.Join(", ", all)}."
            : $"use some of the {all.Count} in its README, such as {string.Join(", ", all.Take(3))}.";
    }
}
