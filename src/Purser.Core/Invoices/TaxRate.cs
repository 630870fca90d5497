using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Purser.Invoices;

/// <summary>A tax rate in basis points: 18 % is 1800. Written as people write it, in percent with up to two decimals: <c>18</c>, <c>12.5</c>, <c>0.25</c>.</summary>
public readonly record struct TaxRate(int BasisPoints)
{
    /// <summary>One hundred percent.</summary>
    public const int Most = 10_000;

    public static bool TryParse([NotNullWhen(true)] string? text, out TaxRate rate)
    {
        rate = default;
        if (text is null || text.Length is 0 or > 6) return false;
        var point = text.IndexOf('.', StringComparison.Ordinal);
        var (whole, decimals) = point < 0 ? (text, "") : (text[..point], text[(point + 1)..]);
        if (whole.Length is 0 or > 3 || (point >= 0 && decimals.Length is 0 or > 2) || !whole.All(char.IsAsciiDigit) || !decimals.All(char.IsAsciiDigit)) return false;
        var points = int.Parse(whole, CultureInfo.InvariantCulture) * 100 + int.Parse(decimals.PadRight(2, '0'), CultureInfo.InvariantCulture);
        rate = new TaxRate(points);
        return points <= Most;
    }

    /// <summary>In percent, without the sign.</summary>
    public override string ToString() => Percent(BasisPoints * 10);

    /// <summary>Of one of two equal halves, which may need a third decimal: half of 0.25 is 0.125.</summary>
    public string Half() => Percent(BasisPoints * 5);

    static string Percent(int thousandths)
    {
        var decimals = (thousandths % 1000).ToString("000", CultureInfo.InvariantCulture).TrimEnd('0');
        var whole = (thousandths / 1000).ToString(CultureInfo.InvariantCulture);
        return decimals.Length == 0 ? whole : $"{whole}.{decimals}";
    }
}
