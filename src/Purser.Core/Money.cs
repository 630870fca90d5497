using System.Globalization;

namespace Purser;

/// <summary>An amount in minor units of a currency (INR 499.00 is 49900, JPY 500 is 500, KWD 1.250 is 1250). Arithmetic is checked,
/// and across currencies it is a bug.</summary>
public readonly record struct Money(long MinorUnits, Currency Currency) : IComparable<Money>
{
    public static Money Zero(Currency currency) => new(0, currency);

    public static Money operator +(Money left, Money right) => new(checked(left.MinorUnits + Same(left, right)), left.Currency);

    public static Money operator -(Money left, Money right) => new(checked(left.MinorUnits - Same(left, right)), left.Currency);

    public static Money operator -(Money money) => new(checked(-money.MinorUnits), money.Currency);

    public int CompareTo(Money other) => MinorUnits.CompareTo(Same(this, other));

    /// <summary>The amount in major units, with the currency's decimals and a point: <c>499.00</c>.</summary>
    public string ToMajorUnits()
    {
        var digits = UInt128.CreateChecked(Int128.Abs(MinorUnits)).ToString(CultureInfo.InvariantCulture).PadLeft(Currency.Exponent + 1, '0');
        var whole = digits[..^Currency.Exponent];
        var sign = MinorUnits < 0 ? "-" : "";
        return Currency.Exponent == 0 ? sign + whole : $"{sign}{whole}.{digits[^Currency.Exponent..]}";
    }

    /// <summary>For people: <c>499.00 INR</c>.</summary>
    public override string ToString() => $"{ToMajorUnits()} {Currency.Code}";

    static long Same(Money left, Money right) => left.Currency == right.Currency
        ? right.MinorUnits
        : throw new InvalidOperationException($"{left.Currency} and {right.Currency} do not add up.");
}
