using System.Globalization;

namespace Purser.Client;

/// <summary>An amount of money: a whole number of the currency's minor units. INR 499.00 is 49900, JPY 500 is 500, KWD 1.250 is 1250.</summary>
/// <param name="MinorUnits">Paise, cents, yen, fils: never a fraction.</param>
/// <param name="Currency">ISO 4217, upper case.</param>
public readonly record struct Money(long MinorUnits, string Currency)
{
    // ISO 4217; two decimals are the rule.
    const string NoDecimals = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF";
    const string ThreeDecimals = "BHD IQD JOD KWD LYD OMR TND";

    /// <summary>How many decimals the currency's minor unit has: 0, 2 or 3.</summary>
    public int Decimals => Currency is not { Length: 3 } ? 2 : NoDecimals.Contains(Currency) ? 0 : ThreeDecimals.Contains(Currency) ? 3 : 2;

    /// <summary>So many times this amount.</summary>
    /// <exception cref="OverflowException">The product is more than a <see langword="long"/> holds.</exception>
    public static Money operator *(Money amount, int times) => amount with { MinorUnits = checked(amount.MinorUnits * times) };

    /// <summary>The sum of two amounts of one currency.</summary>
    /// <exception cref="ArgumentException">The currencies differ.</exception>
    /// <exception cref="OverflowException">The sum is more than a <see langword="long"/> holds.</exception>
    public static Money operator +(Money one, Money other) => one.Currency == other.Currency
        ? one with { MinorUnits = checked(one.MinorUnits + other.MinorUnits) }
        : throw new ArgumentException($"{one} and {other} cannot be added.", nameof(other));

    /// <summary>The amount for people, with the currency's decimals: <c>INR 499.00</c>.</summary>
    public override string ToString()
    {
        var digits = MinorUnits.ToString(CultureInfo.InvariantCulture).TrimStart('-').PadLeft(Decimals + 1, '0');
        var point = digits.Length - Decimals;
        return $"{Currency} {(MinorUnits < 0 ? "-" : "")}{digits[..point]}{(Decimals > 0 ? "." : "")}{digits[point..]}";
    }
}
