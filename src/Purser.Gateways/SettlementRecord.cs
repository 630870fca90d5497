using System.Buffers;

namespace Purser.Gateways;

/// <summary>The row that an adapter sees, over the cells of whatever file it is. A reader asks for the same columns in the same order row after row, so
/// that where the next one stands is remembered by turn; and a word that stands in row after row is one string.</summary>
sealed class SettlementRecord(SettlementRows rows, SettlementColumns columns) : SettlementRow
{
    const int MostTurns = 128;
    const int LongestExtra = 2000, LongestExtras = 8000;

    static readonly SearchValues<char> Mantissa = SearchValues.Create("0123456789.,-");

    readonly string?[] words = new string?[columns.Count];
    readonly int[] askedIn = new int[columns.Count];
    readonly (string Column, int At)[] turns = new (string, int)[MostTurns];
    int turn, current;

    public void Next()
    {
        turn = 0;
        current++;
    }

    public override string? Cell(string column)
    {
        var at = Find(column);
        if (at < 0 || at >= rows.Count) return null;
        askedIn[at] = current;
        if (rows.Unfit(at) is { } unfit) throw new SettlementRowException(columns[at], unfit);
        var text = rows[at];
        if (text.IsEmpty) return null;
        if (words[at] is { } word && text.SequenceEqual(word)) return word;
        if (IsRounded(text)) throw new SettlementRowException(columns[at], $"'{Shown(text)}' is in scientific notation: a spreadsheet has rounded it, and what it was cannot be told. Get the file again and do not open it in a spreadsheet");
        return words[at] = text.ToString();
    }

    public override string? At(int place) => place <= rows.Count && rows[place - 1] is { IsEmpty: false } text ? text.ToString() : null;

    protected override ReadOnlySpan<char> Span(string column)
    {
        var at = Find(column);
        if (at < 0 || at >= rows.Count) return default;
        askedIn[at] = current;
        return rows.Unfit(at) is { } unfit ? throw new SettlementRowException(columns[at], unfit) : rows[at];
    }

    protected override DateTime? Date(string column) => Find(column) is >= 0 and var at && at < rows.Count ? rows.Date(at) : null;

    /// <summary>The cells that the reading did not ask for, and that have something in them.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Extra()
    {
        List<KeyValuePair<string, string>>? extra = null;
        var length = 0;
        for (var i = 0; i < Math.Min(rows.Count, columns.Count) && length < LongestExtras; i++)
        {
            if (askedIn[i] == current || rows[i] is not { IsEmpty: false } text) continue;
            var most = Math.Min(LongestExtra, LongestExtras - length);
            var kept = words[i] is { } word && text.SequenceEqual(word) ? word : text.Length > most ? $"{text[..most]}…" : text.ToString();
            if (!IsRounded(text)) words[i] = kept;
            length += kept.Length;
            (extra ??= []).Add(new(columns[i], kept));
        }
        return extra ?? (IReadOnlyList<KeyValuePair<string, string>>)[];
    }

    int Find(string column)
    {
        var at = turn++;
        if (at >= MostTurns) return columns.Find(column);
        if (!ReferenceEquals(turns[at].Column, column)) turns[at] = (column, columns.Find(column));
        return turns[at].At;
    }

    /// <summary>1.2E+17: what a spreadsheet makes of a long number. No gateway names money so.</summary>
    static bool IsRounded(ReadOnlySpan<char> text)
    {
        if (text.Length is < 5 or > 30 || !char.IsAsciiDigit(text[^1])) return false;
        var exponent = text.LastIndexOfAny('E', 'e');
        if (exponent < 1 || exponent + 2 >= text.Length || text[exponent + 1] is not ('+' or '-')) return false;
        return !text[(exponent + 2)..].ContainsAnyExceptInRange('0', '9') && !text[..exponent].ContainsAnyExcept(Mantissa) && char.IsAsciiDigit(text[exponent - 1]);
    }
}
