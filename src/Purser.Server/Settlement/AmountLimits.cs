namespace Purser.Server.Settlement;

/// <summary>Amounts above which more persons are asked, by currency, as settings state them in major units: <c>"INR": "100000.00"</c>. A currency
/// without a limit has the limit zero: nothing of it is decided with fewer.</summary>
public sealed record AmountLimits
{
    /// <summary>Round figures near a thousand euros.</summary>
    const string Thousand =
        "AED 5000 AUD 2000 BDT 100000 BHD 500 BRL 5000 CAD 2000 CHF 1000 CNY 10000 CZK 25000 DKK 7500 EUR 1000 GBP 1000 HKD 10000 HUF 400000 IDR 15000000 ILS 5000 INR 100000 " +
        "JPY 150000 KES 150000 KRW 1500000 KWD 300 LKR 300000 MXN 20000 MYR 5000 NGN 1500000 NOK 10000 NPR 150000 NZD 2000 OMR 500 PHP 50000 PKR 300000 PLN 5000 QAR 5000 " +
        "RON 5000 SAR 5000 SEK 10000 SGD 1500 THB 40000 TRY 40000 TWD 30000 USD 1000 VND 25000000 ZAR 20000";

    readonly Dictionary<string, long> units = [];

    /// <summary>What is wrong with the settings, each with its name and remedy.</summary>
    public IReadOnlyList<string> Faults { get; private init; } = [];

    /// <summary>The limits of an installation that states none, so many times a thousand euros or about as much.</summary>
    public static AmountLimits Usual(int times)
    {
        var limits = new AmountLimits();
        var words = Thousand.Split(' ');
        for (var i = 0; i < words.Length; i += 2)
            if (Money.TryParseMajor(words[i + 1], Currency.Find(words[i]), out var money)) limits.units[words[i]] = checked(money.MinorUnits * times);
        return limits;
    }

    /// <summary>These limits for the currencies that are named, and those before for all others.</summary>
    public AmountLimits With(params IEnumerable<(Currency Currency, long MinorUnits)> stated)
    {
        var limits = new AmountLimits { Faults = Faults };
        foreach (var (code, limit) in units) limits.units[code] = limit;
        foreach (var (currency, limit) in stated) limits.units[currency.Code] = limit;
        return limits;
    }

    /// <summary>What a section states, and these limits for all else.</summary>
    public AmountLimits Read(IConfigurationSection section)
    {
        var faults = new List<string>();
        var stated = new List<(Currency, long)>();
        if (section.Value is { } one)
            faults.Add($"{section.Path} is '{one}', one number for all currencies; set it for each: {section.Path}:INR to 100000.00.");
        foreach (var child in section.GetChildren())
            if (!Currency.TryFind(child.Key.ToUpperInvariant(), out var currency))
                faults.Add($"{child.Path}: '{child.Key}' is no currency; name the limit by three letters of ISO 4217, such as INR.");
            else if (!Money.TryParseMajor(child.Value, currency, out var limit) || limit.MinorUnits < 0)
                faults.Add($"{child.Path} is '{child.Value}'; set it to an amount of 0 or more in {currency.Code}, {Decimals(currency)}, such as {new Money(Sample(currency), currency).ToMajorUnits()}.");
            else stated.Add((currency, limit.MinorUnits));
        return With(stated) with { Faults = faults };
    }

    /// <summary>In minor units.</summary>
    public long Of(Currency currency) => units.GetValueOrDefault(currency.Code);

    /// <summary>Why an amount is above a limit that nobody stated.</summary>
    /// <param name="setting">The limit's name.</param>
    /// <returns>Words to be put behind others; none for a currency that has a limit.</returns>
    public string Because(Currency currency, string setting) => Has(currency) ? ""
        : $" ({currency.Code} has no limit of its own, which counts as zero; set {SettlementOptions.Section}:{setting}:{currency.Code})";

    public bool Has(Currency currency) => units.ContainsKey(currency.Code);

    public bool IsExceeded(Money amount) => Int128.Abs(amount.MinorUnits) > Of(amount.Currency);

    public IEnumerable<Currency> Currencies => units.Keys.Order(StringComparer.Ordinal).Select(Currency.Find);

    /// <summary>The same limits are the same text.</summary>
    public override string ToString() => string.Join(' ', Currencies.Select(c => $"{c.Code} {new Money(Of(c), c).ToMajorUnits()}"));

    static long Sample(Currency currency) => currency.Exponent switch { 0 => 150_000, 3 => 300_000, _ => 10_000_000 };

    static string Decimals(Currency currency) => currency.Exponent switch { 0 => "without decimals", var n => $"with {n} decimals at the most" };
}
