using System.Globalization;

namespace Purser.Sandbox;

/// <summary>Minor units as people write them.</summary>
static class Amounts
{
    public static string Text(long amount, string currency)
    {
        var code = currency.ToUpperInvariant();
        var digits = code switch { "JPY" or "KRW" or "VND" or "CLP" => 0, "KWD" or "BHD" or "OMR" or "JOD" or "TND" => 3, _ => 2 };
        // A decimal of a scale, so no digit is rounded.
        var units = new decimal((int)(Math.Abs(amount) & 0xffffffff), (int)(Math.Abs(amount) >> 32), 0, amount < 0, (byte)digits);
        return $"{code} {units.ToString("N" + digits, CultureInfo.InvariantCulture)}";
    }
}
