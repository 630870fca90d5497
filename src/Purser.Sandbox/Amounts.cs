using System.Globalization;

namespace Purser.Sandbox;

/// <summary>Minor units as people write them.</summary>
static class Amounts
{
    public static int Digits(string code) => code switch { "JPY" or "KRW" or "VND" or "CLP" => 0, "KWD" or "BHD" or "OMR" or "JOD" or "TND" => 3, _ => 2 };

    /// <summary>A decimal of a scale, so no digit is rounded.</summary>
    public static decimal Major(long amount, string code) =>
        new((int)(Math.Abs(amount) & 0xffffffff), (int)(Math.Abs(amount) >> 32), 0, amount < 0, (byte)Digits(code));

    public static string Text(long amount, string currency)
    {
        var code = currency.ToUpperInvariant();
        return $"{code} {Major(amount, code).ToString("N" + Digits(code), CultureInfo.InvariantCulture)}";
    }
}
