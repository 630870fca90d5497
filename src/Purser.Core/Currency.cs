using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;

namespace Purser;

/// <summary>An ISO 4217 currency: three upper-case letters and the number of decimals of its minor unit
/// (JPY 0, INR 2, KWD 3). Only listed currencies exist; <c>default</c> is no currency.</summary>
public readonly record struct Currency
{
    // ISO 4217 list one, funds codes and metals left out. Grouped by exponent; two is the rule.
    const string NoDecimals = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF";
    const string ThreeDecimals = "BHD IQD JOD KWD LYD OMR TND";
    const string TwoDecimals =
        "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY " +
        "COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS " +
        "INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR " +
        "MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD " +
        "SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VES WST XCD YER ZAR ZMW ZWG";

    static readonly FrozenDictionary<string, Currency> Known =
        Of(NoDecimals, 0).Concat(Of(TwoDecimals, 2)).Concat(Of(ThreeDecimals, 3)).ToFrozenDictionary(c => c.Code);

    Currency(string code, int exponent) => (Code, Exponent) = (code, exponent);

    /// <summary>Three upper-case letters.</summary>
    public string Code { get; }

    /// <summary>How many decimals the minor unit has.</summary>
    public int Exponent { get; }

    /// <summary>All currencies known here, by code.</summary>
    public static IEnumerable<Currency> All => Known.Values.OrderBy(c => c.Code, StringComparer.Ordinal);

    /// <summary>Finds a currency by its exact upper-case code.</summary>
    public static bool TryFind([NotNullWhen(true)] string? code, out Currency currency)
    {
        currency = default;
        return code is not null && Known.TryGetValue(code, out currency);
    }

    /// <summary>The currency of a code that was checked before; an unknown one is a bug.</summary>
    public static Currency Find(string code) =>
        TryFind(code, out var currency) ? currency : throw new ArgumentException($"'{code}' is no ISO 4217 currency.", nameof(code));

    public override string ToString() => Code;

    static IEnumerable<Currency> Of(string codes, int exponent) => codes.Split(' ').Select(code => new Currency(code, exponent));
}
