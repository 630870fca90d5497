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

    /// <summary>Reads an amount in major units as gateways write it: an optional sign, digits, an optional point and decimals. Decimals
    /// beyond the currency's must be zeros; nothing is rounded.</summary>
    public static bool TryParseMajor(ReadOnlySpan<char> text, Currency currency, out Money money)
    {
        money = default;
        var negative = text is ['-', ..];
        if (text is ['-' or '+', ..]) text = text[1..];
        var point = text.IndexOf('.');
        var whole = point < 0 ? text : text[..point];
        var decimals = point < 0 ? "" : text[(point + 1)..];
        if (whole.IsEmpty || (point >= 0 && decimals.IsEmpty) || whole.ContainsAnyExceptInRange('0', '9') || decimals.ContainsAnyExceptInRange('0', '9')) return false;
        if (decimals.Length > currency.Exponent && decimals[currency.Exponent..].ContainsAnyExcept('0')) return false;
        Int128 units = 0;
        foreach (var digit in whole.TrimStart('0'))
            if ((units = units * 10 + (digit - '0')) > long.MaxValue) return false;
        for (var i = 0; i < currency.Exponent; i++) units = units * 10 + (i < decimals.Length ? decimals[i] - '0' : 0);
        if (units > long.MaxValue) return false;
        money = new Money((long)(negative ? -units : units), currency);
        return true;
    }

    /// <summary>The same of a number.</summary>
    public static bool TryFromMajor(decimal amount, Currency currency, out Money money) =>
        TryParseMajor(amount.ToString(CultureInfo.InvariantCulture), currency, out money);

    /// <summary>For people: <c>499.00 INR</c>.</summary>
    public override string ToString() => $"{ToMajorUnits()} {Currency.Code}";

    static long Same(Money left, Money right) => left.Currency == right.Currency
        ? right.MinorUnits
        : throw new InvalidOperationException($"{left.Currency} and {right.Currency} do not add up.");
}
