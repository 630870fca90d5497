using Purser.Invoices;
using Purser.Server.Platform;

namespace Purser.Server.Orders;

/// <summary>What lines and products say of the tax that their price holds.</summary>
static class TaxFields
{
    public const string HsnMeaning = "For the invoice: the HSN or SAC code, 4 to 8 digits.";
    public const string RateMeaning = "For the invoice: the tax that the price holds, in percent with up to two decimals, such as 18 or 0.25; the seller's usual rate when left out.";

    public static string? Hsn(JsonFields fields)
    {
        if (fields.Text("hsn", 8) is not { } hsn) return null;
        if (IsHsn(hsn)) return hsn;
        fields.Fault("hsn", $"'{fields.Path("hsn")}' is '{hsn}'.", "Send the 4 to 8 digits of the HSN or SAC code, such as 0902, or leave it out.");
        return null;
    }

    public static string? Rate(JsonFields fields)
    {
        if (fields.Text("tax_rate", 10) is not { } rate) return null;
        if (TaxRate.TryParse(rate, out var parsed)) return parsed.ToString();
        fields.Fault("tax_rate", $"'{fields.Path("tax_rate")}' is '{rate}'.", "Send the rate in percent, between 0 and 100 with up to two decimals, in quotes: \"18\" or \"0.25\".");
        return null;
    }

    public static bool IsHsn(string text) => text.Length is >= 4 and <= 8 && text.All(char.IsAsciiDigit);

    public static TaxRate? Parsed(string? rate) => TaxRate.TryParse(rate, out var parsed) ? parsed : null;
}
