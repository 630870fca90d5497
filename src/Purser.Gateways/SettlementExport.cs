using System.Buffers;

namespace Purser.Gateways;

/// <summary>Writes text of strangers into a CSV file that somebody opens in a spreadsheet, where a cell that begins like a formula is one.</summary>
public static class SettlementExport
{
    static readonly SearchValues<char> Quoted = SearchValues.Create(",;|\t\"\r\n");

    /// <summary>The text as one cell: with an apostrophe before it where a spreadsheet would compute it, in quotes where it has separators or
    /// line breaks. Plain numbers stay numbers. Stored text is never changed; this is for what leaves.</summary>
    public static string Cell(string? text)
    {
        if (string.IsNullOrEmpty(text)) return "";
        var safe = IsFormula(text) ? $"'{text}" : text;
        return safe.Length > text.Length || safe.AsSpan().ContainsAny(Quoted) ? $"\"{safe.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : safe;
    }

    /// <summary>One row with its line break.</summary>
    public static string Row(params ReadOnlySpan<string?> cells)
    {
        var row = new System.Text.StringBuilder();
        for (var i = 0; i < cells.Length; i++) row.Append(i > 0 ? "," : "").Append(Cell(cells[i]));
        return row.Append("\r\n").ToString();
    }

    /// <summary>Begins with = + - @, a tab or a line break, also in their wide forms and behind blanks; but a number with its sign is none.</summary>
    static bool IsFormula(string text)
    {
        if (text[0] is '\t' or '\r' or '\n') return true;
        return text.AsSpan().TrimStart() is ['=' or '+' or '-' or '@' or '\uff1d' or '\uff0b' or '\uff0d' or '\uff20' or '\u2212', ..] && !IsNumber(text);
    }

    static bool IsNumber(ReadOnlySpan<char> text)
    {
        if (text is ['+' or '-', ..]) text = text[1..];
        var point = text.IndexOf('.');
        var whole = point < 0 ? text : text[..point];
        var decimals = point < 0 ? "0" : text[(point + 1)..];
        return !whole.IsEmpty && !decimals.IsEmpty && !whole.ContainsAnyExceptInRange('0', '9') && !decimals.ContainsAnyExceptInRange('0', '9');
    }
}
