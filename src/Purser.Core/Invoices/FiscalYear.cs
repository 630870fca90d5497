using System.Globalization;

namespace Purser.Invoices;

/// <summary>The year that a series of numbers belongs to.</summary>
public static class FiscalYear
{
    /// <summary><c>2026</c> where it is the calendar's year, else the last two digits of both: <c>2627</c>. Short, for India allows sixteen characters to a number.</summary>
    /// <param name="day">In the seller's time.</param>
    /// <param name="firstMonth">1 to 12; India's is 4.</param>
    public static string Of(DateOnly day, int firstMonth)
    {
        var year = day.Month >= firstMonth ? day.Year : day.Year - 1;
        return firstMonth == 1
            ? year.ToString("0000", CultureInfo.InvariantCulture)
            : $"{(year % 100).ToString("00", CultureInfo.InvariantCulture)}{((year + 1) % 100).ToString("00", CultureInfo.InvariantCulture)}";
    }
}
