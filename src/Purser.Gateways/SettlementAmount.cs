using System.Buffers;

namespace Purser.Gateways;

/// <summary>Reads an amount in major units as statements and spreadsheets write it. Nothing is rounded unless the gateway counts finer than the
/// currency, and what could be two amounts is refused:
/// <list type="bullet">
/// <item>1234.5, 1,234.50, 1,23,456.00 (lakhs), 1.234,56 and 499,00 are read: each can mean one thing only.</item>
/// <item>A minus or plus before it; brackets mean less than nothing.</item>
/// <item>1.234 is refused where the currency has no three decimals, and 1,234 where it has: a third decimal and a thousand look the same.</item>
/// <item>A currency's sign, CR and DR, a percentage and scientific notation are refused.</item>
/// </list></summary>
static class SettlementAmount
{
    /// <summary>As many digits as can be added up without a thought of overflow.</summary>
    const int MostDigits = 15;
    const int Longest = 40;

    static readonly SearchValues<char> Written = SearchValues.Create("0123456789.,");
    static readonly SearchValues<char> Signs = SearchValues.Create("₹$€£¥%");

    /// <param name="finer">Decimals beyond the currency's are rounded, a half away from nothing; otherwise they are refused.</param>
    public static bool TryRead(ReadOnlySpan<char> text, Currency currency, bool finer, out Money money, out string why)
    {
        (money, why) = (default, "");
        var rest = text;
        var negative = rest is ['(', .., ')'];
        if (negative) rest = rest[1..^1].Trim();
        else if (rest is ['-' or '+' or '\u2212', ..])
        {
            negative = rest[0] != '+';
            rest = rest[1..];
        }
        if (rest.IsEmpty || rest.Length > Longest || rest.ContainsAnyExcept(Written))
        {
            why = $"is no amount of {currency.Code}{Hint(rest)}";
            return false;
        }
        int point = rest.LastIndexOf('.'), comma = rest.LastIndexOf(',');
        // Which of the two stands before the decimals; the other, or the same when there are several, stands between groups.
        var decimals = comma < 0 && rest.IndexOf('.') == point ? Plain(rest, point, currency, ref why)
            : point < 0 ? Commas(rest, comma, currency, ref why)
            : Both(rest, point, comma, currency, ref why);
        return why.Length == 0 && TryAdd(rest, decimals, negative, currency, finer, out money, out why);
    }

    /// <summary>At most one point and nothing else.</summary>
    static int Plain(ReadOnlySpan<char> text, int point, Currency currency, ref string why)
    {
        if (point < 0) return text.Length;
        if (point == 0 || point == text.Length - 1) why = $"is no amount of {currency.Code}";
        else if (currency.Exponent != 3 && point <= 3 && text[0] != '0' && text.Length - point == 4)
            why = "may have a point for its decimals or between thousands; write two decimals";
        return point;
    }

    static int Commas(ReadOnlySpan<char> text, int comma, Currency currency, ref string why)
    {
        var after = text.Length - comma - 1;
        if (text.IndexOf(',') == comma && after == 3 && currency.Exponent == 3) why = "may have a comma for its decimals or between thousands";
        else if (text.IndexOf(',') == comma && after != 3 && after == currency.Exponent && comma > 0) return comma;
        else if (!Grouped(text, ',')) why = "has commas where no thousands or lakhs end";
        return text.Length;
    }

    static int Both(ReadOnlySpan<char> text, int point, int comma, Currency currency, ref string why)
    {
        if (comma < 0)
        {
            if (!Grouped(text, '.')) why = "has several points";
            return text.Length;
        }
        var last = Math.Max(point, comma);
        if (last == text.Length - 1 || !Grouped(text[..last], point > comma ? ',' : '.') || (comma > point && text.Length - comma - 1 != currency.Exponent))
            why = "has points and commas where no thousands, lakhs or decimals begin";
        return last;
    }

    /// <summary>Groups of three; with commas also of two but for the last.</summary>
    static bool Grouped(ReadOnlySpan<char> text, char mark)
    {
        if (text[0] is '0' or '.' or ',') return false;
        var (first, at) = (text.IndexOf(mark), text.IndexOf(mark));
        if (first is < 1 or > 3) return false;
        var (threes, twos) = (true, mark == ',' && first <= 2);
        while (at < text.Length)
        {
            var rest = text[(at + 1)..];
            var end = rest.IndexOf(mark);
            var size = end < 0 ? rest.Length : end;
            if (rest[..size].ContainsAnyExceptInRange('0', '9')) return false;
            threes &= size == 3;
            twos &= size == (end < 0 ? 3 : 2);
            at += size + 1;
        }
        return threes || twos;
    }

    /// <param name="decimals">Where the decimals' mark stands, or the end.</param>
    static bool TryAdd(ReadOnlySpan<char> text, int decimals, bool negative, Currency currency, bool finer, out Money money, out string why)
    {
        (money, why) = (default, "");
        var (units, digits, places, up) = (0L, 0, 0, false);
        for (var i = 0; i < text.Length; i++)
        {
            if (!char.IsAsciiDigit(text[i])) continue;
            if (i > decimals && ++places > currency.Exponent)
            {
                if (places == currency.Exponent + 1) up = text[i] >= '5';
                if (finer || text[i] == '0') continue;
                why = $"has more decimals than {currency.Code} has";
                return false;
            }
            if (units > 0 || text[i] != '0') digits++;
            if (digits > MostDigits)
            {
                why = "is greater than any amount";
                return false;
            }
            units = (units * 10) + (text[i] - '0');
        }
        for (; places < currency.Exponent; places++) units = checked(units * 10);
        if (finer && up) units++;
        money = new Money(negative ? -units : units, currency);
        return true;
    }

    static string Hint(ReadOnlySpan<char> text) =>
        text.IndexOfAny('E', 'e') > 0 && text[0] is >= '0' and <= '9' ? ": it is in scientific notation"
        : text.Contains("CR", StringComparison.OrdinalIgnoreCase) || text.Contains("DR", StringComparison.OrdinalIgnoreCase) ? ": which way it goes is said by a sign, not by CR or DR"
        : text.ContainsAny(Signs) || text.ContainsAnyInRange('A', 'Z') ? ": it should be a number alone"
        : "";
}
