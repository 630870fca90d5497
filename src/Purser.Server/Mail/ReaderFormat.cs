using System.Globalization;
using Purser.Server.Checkout;

namespace Purser.Server.Mail;

/// <summary>Amounts and times as a reader of one language writes them. There is one culture in this process, so the few rules stand here.</summary>
public sealed class ReaderFormat(MailWords words, TimeZoneInfo zone)
{
    public string Amount(Money money) => MoneyText.Of(money, words.GroupsAsInIndia);

    /// <summary>The day alone, where the hour says nothing.</summary>
    public string Day(DateTimeOffset at)
    {
        var local = TimeZoneInfo.ConvertTime(at, zone);
        return $"{local.Day} {words.Months[local.Month - 1]} {local.Year}";
    }

    /// <summary>The month in words, for 3/4 is March to one reader and April to another; and the zone, for a time alone says little.</summary>
    public string Time(DateTimeOffset at)
    {
        var local = TimeZoneInfo.ConvertTime(at, zone);
        var offset = local.Offset;
        var name = offset == TimeSpan.Zero ? "UTC" : $"UTC{(offset < TimeSpan.Zero ? '−' : '+')}{offset.ToString("hh\\:mm", CultureInfo.InvariantCulture)}";
        return $"{local.Day} {words.Months[local.Month - 1]} {local.Year}, {local.ToString("HH:mm", CultureInfo.InvariantCulture)} ({name})";
    }
}
