using System.Globalization;
using Purser.Invoices;

namespace Purser.Server.Invoices;

/// <summary>The numbers of one kind of document within one year: <c>INV-2627</c>, and <c>INV-2627-000001</c> is the first of them.</summary>
public sealed record InvoiceSeries(string Name)
{
    /// <summary>What India's GST allows to a number.</summary>
    const int LongestUnderGst = 16;
    const int ShortestPlace = 6;

    /// <summary>No year has as many; a number beyond it has a digit too many.</summary>
    const long HighestPlace = 99_999_999;

    /// <summary>The series that numbers are taken of now.</summary>
    public static InvoiceSeries Of(string prefix, InvoiceOptions options, string zone, DateTimeOffset now) =>
        new($"{prefix}-{FiscalYear.Of(DateOnly.FromDateTime(TimeZoneInfo.ConvertTime(now, TimeZoneInfo.FindSystemTimeZoneById(zone)).DateTime), options.FirstMonth)}");

    /// <summary>Those of invoices and of credit notes.</summary>
    public static IReadOnlyList<InvoiceSeries> Both(InvoiceOptions options, string zone, DateTimeOffset now) => [Of(options.Prefix, options, zone, now), Of(options.CreditPrefix, options, zone, now)];

    public string Number(long place) => $"{Name}-{place.ToString(CultureInfo.InvariantCulture).PadLeft(ShortestPlace, '0')}";

    /// <returns>Null when the number is of another series, or none.</returns>
    public long? Place(string number) =>
        number.StartsWith(Name + "-", StringComparison.Ordinal) && long.TryParse(number[(Name.Length + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var place) && place > 0 && Number(place) == number ? place : null;

    /// <summary>The last number that has the length which GST allows.</summary>
    public long LastUnderGst => (long)Math.Pow(10, LongestUnderGst - Name.Length - 1) - 1;

    /// <summary>The last number behind which the series may be continued.</summary>
    public long LastToContinue(InvoiceOptions options) => options.Tax == "gst" ? Math.Min(HighestPlace, LastUnderGst - 1) : HighestPlace;

    /// <summary>Nine of ten numbers that GST allows are taken.</summary>
    /// <param name="last">The place of the last that was.</param>
    public bool IsNearlyFull(long last) => last >= (LastUnderGst + 1) / 10 * 9;
}
