using System.Globalization;

namespace Purser.Gateways;

/// <summary>Reads a time in one format. A statement has millions of them, so that the usual formats are read by hand; whatever else is allowed is
/// left to the framework.</summary>
static class SettlementClock
{
    const int LongestOffsetMinutes = 14 * 60;

    public static bool NamesZone(string format) => format.Contains('z', StringComparison.Ordinal) || format.EndsWith('K');

    public static bool TryRead(ReadOnlySpan<char> text, string format, TimeSpan offset, out DateTimeOffset at)
    {
        if (TryPlain(text, format, offset, out at)) return true;
        if (!DateTimeOffset.TryParseExact(text, format, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AllowWhiteSpaces, out at)) return false;
        if (!NamesZone(format)) at = new DateTimeOffset(at.DateTime, offset);
        return true;
    }

    /// <summary>Formats of whole fields (yyyy MM dd HH mm ss zzz) and single marks between them, matched to the letter.</summary>
    static bool TryPlain(ReadOnlySpan<char> text, string format, TimeSpan offset, out DateTimeOffset at)
    {
        at = default;
        int year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0, zone = int.MinValue;
        for (var i = 0; i < format.Length;)
        {
            var letter = format[i];
            var run = 1;
            while (i + run < format.Length && format[i + run] == letter) run++;
            i += run;
            var read = (letter, run) switch
            {
                ('y', 4) => Digits(ref text, 4, out year),
                ('M', 2) => Digits(ref text, 2, out month),
                ('d', 2) => Digits(ref text, 2, out day),
                ('H', 2) => Digits(ref text, 2, out hour),
                ('m', 2) => Digits(ref text, 2, out minute),
                ('s', 2) => Digits(ref text, 2, out second),
                ('z', 3) => Zone(ref text, out zone),
                ('\'', 1) => Quoted(ref text, format, ref i),
                ('-' or '/' or ':' or ' ' or '.', 1) => Mark(ref text, letter),
                _ => false,
            };
            if (!read) return false;
        }
        if (!text.IsEmpty || year is < 1 or > 9998 || month is < 1 or > 12 || day < 1 || day > DateTime.DaysInMonth(year, month) || hour > 23 || minute > 59 || second > 59) return false;
        at = new DateTimeOffset(new DateTime(year, month, day, hour, minute, second), zone == int.MinValue ? offset : TimeSpan.FromMinutes(zone));
        return true;
    }

    static bool Digits(ref ReadOnlySpan<char> text, int count, out int number)
    {
        number = 0;
        if (text.Length < count) return false;
        for (var i = 0; i < count; i++)
        {
            if (!char.IsAsciiDigit(text[i])) return false;
            number = (number * 10) + (text[i] - '0');
        }
        text = text[count..];
        return true;
    }

    static bool Mark(ref ReadOnlySpan<char> text, char mark)
    {
        if (text.IsEmpty || text[0] != mark) return false;
        text = text[1..];
        return true;
    }

    static bool Quoted(ref ReadOnlySpan<char> text, string format, ref int i)
    {
        var end = format.IndexOf('\'', i);
        if (end < 0 || !text.StartsWith(format.AsSpan(i, end - i), StringComparison.Ordinal)) return false;
        text = text[(end - i)..];
        i = end + 1;
        return true;
    }

    /// <summary>With a colon or without.</summary>
    static bool Zone(ref ReadOnlySpan<char> text, out int minutes)
    {
        minutes = int.MinValue;
        if (text is not ['+' or '-', ..]) return false;
        var sign = text[0] == '-' ? -1 : 1;
        text = text[1..];
        if (!Digits(ref text, 2, out var hours)) return false;
        if (text is [':', ..]) text = text[1..];
        if (!Digits(ref text, 2, out var rest) || rest > 59 || (hours * 60) + rest > LongestOffsetMinutes) return false;
        minutes = sign * ((hours * 60) + rest);
        return true;
    }
}
