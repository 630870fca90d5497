using System.Collections.Immutable;
using System.Globalization;
using Purser.Routing;

namespace Purser.Server.Gateways;

/// <summary>Reads the section <c>Routing</c>, rules in their order, and the accounts' fees. Every fault names its setting and what to do.</summary>
static class RoutingSettings
{
    static readonly string[] Known = ["Name", "Currency", "Country", "Method", "AtLeast", "AtMost", "Use", "Weights", "Cheapest"];

    public static ImmutableArray<RouteRule> Rules(IConfigurationSection section, IReadOnlyList<string> accounts, ImmutableArray<string>.Builder faults)
    {
        var rules = ImmutableArray.CreateBuilder<RouteRule>();
        // The children of a list are named by their places, as text: 10 would come before 2.
        foreach (var one in section.GetChildren().OrderBy(c => int.TryParse(c.Key, CultureInfo.InvariantCulture, out var place) ? place : int.MaxValue).ThenBy(c => c.Key, StringComparer.Ordinal))
        {
            foreach (var strange in one.GetChildren().Where(c => !Known.Contains(c.Key, StringComparer.OrdinalIgnoreCase)))
                faults.Add($"{strange.Path} is not known; a rule has {string.Join(", ", Known)}.");
            var currencies = List(one, "Currency", faults).Select(c => c.ToUpperInvariant()).ToImmutableHashSet();
            foreach (var code in currencies.Where(c => !Currency.TryFind(c, out _))) faults.Add($"{one.Path}:Currency: '{code}' is no ISO 4217 currency.");
            var countries = List(one, "Country", faults).Select(c => c.ToUpperInvariant()).ToImmutableHashSet();
            foreach (var code in countries.Where(c => c.Length != 2 || !c.All(char.IsAsciiLetterUpper))) faults.Add($"{one.Path}:Country: '{code}' is no ISO 3166 country of two letters.");
            var weights = one.GetSection("Weights").GetChildren().Select(w => (Account: w.Key.ToLowerInvariant(), w.Value, w.Path)).ToList();
            foreach (var (_, value, path) in weights)
                if (!int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out _)) faults.Add($"{path} is '{value}'; set it to a whole number from 0, such as 70.");
            var shares = weights.Where(w => int.TryParse(w.Value, NumberStyles.None, CultureInfo.InvariantCulture, out _))
                .ToImmutableDictionary(w => w.Account, w => int.Parse(w.Value!, CultureInfo.InvariantCulture), StringComparer.Ordinal);
            ImmutableArray<string> use = [.. List(one, "Use", faults).Select(a => a.ToLowerInvariant())];
            if (use.IsEmpty) use = [.. shares.Keys.OrderBy(a => a, StringComparer.Ordinal)];
            foreach (var name in use.Concat(shares.Keys).Distinct().Where(a => !accounts.Contains(a)))
                faults.Add($"{one.Path}: there is no gateway account '{name}'; {(accounts.Count == 0 ? "none is set up" : $"use one of {string.Join(", ", accounts)}")}.");
            rules.Add(new RouteRule(one["Name"] ?? $"number {rules.Count + 1}")
            {
                Currencies = currencies,
                Countries = countries,
                Methods = [.. List(one, "Method", faults)],
                AtLeast = Amount(one, "AtLeast", currencies, faults),
                AtMost = Amount(one, "AtMost", currencies, faults),
                Use = use,
                Weights = shares,
                Cheapest = one.GetValue("Cheapest", false),
            });
        }
        return rules.ToImmutable();
    }

    /// <summary><c>FeeTax</c>, the tax on the fee in percent of it (<c>18%</c>), and <c>SettlesAfterDays</c>, the working days until a statement has a
    /// captured amount.</summary>
    public static (decimal? FeeTax, int? SettlesAfterDays) Contract(IConfigurationSection account, ImmutableArray<string>.Builder faults)
    {
        decimal? tax = null;
        if (account["FeeTax"] is { } text)
        {
            if (decimal.TryParse(text.Trim().TrimEnd('%').TrimEnd(), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var percent) && percent <= 100) tax = percent;
            else faults.Add($"{account.Path}:FeeTax is '{text}'; write it as 18%.");
        }
        int? days = null;
        if (account["SettlesAfterDays"] is { } number)
        {
            if (int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var after) && after <= 90) days = after;
            else faults.Add($"{account.Path}:SettlesAfterDays is '{number}'; set it to working days, from 0 to 90.");
        }
        return (tax, days);
    }

    /// <summary><c>Fee</c> for all methods, <c>Fees:card</c> for one: <c>1.99%</c>, or <c>2.9% + 0.30 USD</c>.</summary>
    public static ImmutableArray<FeeRate> Fees(IConfigurationSection account, ImmutableArray<string>.Builder faults)
    {
        var fees = ImmutableArray.CreateBuilder<FeeRate>();
        foreach (var one in account.GetSection("Fees").GetChildren()) Add(one.Value, one.Key, one.Path);
        if (account["Fee"] is { } general) Add(general, null, $"{account.Path}:Fee");
        return fees.ToImmutable();

        void Add(string? text, string? method, string path)
        {
            if (TryFee(text, method) is { } fee) fees.Add(fee);
            else faults.Add($"{path} is '{text}'; write it as 1.99% or as 2.9% + 0.30 USD.");
        }
    }

    static FeeRate? TryFee(string? text, string? method)
    {
        var parts = (text ?? "").Split('+', StringSplitOptions.TrimEntries);
        if (parts.Length is < 1 or > 2 || !parts[0].EndsWith('%')
            || !decimal.TryParse(parts[0][..^1].TrimEnd(), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var percent) || percent > 100) return null;
        if (parts.Length == 1) return new FeeRate(percent, Method: method);
        return parts[1].Split(' ', StringSplitOptions.RemoveEmptyEntries) is [var amount, var code] && Currency.TryFind(code, out var currency)
            && Money.TryParseMajor(amount, currency, out var money) && money.MinorUnits >= 0
            ? new FeeRate(percent, money.MinorUnits, method, currency.Code)
            : null;
    }

    static long? Amount(IConfigurationSection rule, string name, ImmutableHashSet<string> currencies, ImmutableArray<string>.Builder faults)
    {
        if (rule[name] is not { } text) return null;
        if (currencies.Count == 1 && Currency.TryFind(currencies.Single(), out var currency) && Money.TryParseMajor(text, currency, out var money)) return money.MinorUnits;
        faults.Add($"{rule.Path}:{name} is '{text}'; write an amount such as 1000.00, in a rule of exactly one Currency.");
        return null;
    }

    /// <summary>A list, or one text with commas. Both can only come from two places, such as the file and the environment, and configuration keeps
    /// no order between them.</summary>
    internal static IReadOnlyList<string> List(IConfigurationSection above, string name, ImmutableArray<string>.Builder faults)
    {
        var section = above.GetSection(name);
        var list = section.GetChildren().Select(c => c.Value?.Trim() ?? "").ToList();
        var text = (section.Value ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (list.Count > 0 && text.Length > 0) faults.Add($"{section.Path} is set as a list and as a text, in two places; keep one of them.");
        return list.Count > 0 ? list : text;
    }
}
