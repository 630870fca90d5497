using System.Buffers;
using System.Globalization;
using System.Text;

namespace Purser.Server.Ledger;

/// <summary>Writes the books for other programs, row by row.</summary>
public static class LedgerExport
{
    static readonly SearchValues<char> Quoted = SearchValues.Create(",\"\r\n;'\t");

    public const string Csv = "csv";
    public const string Hledger = "hledger";

    /// <summary>The books' accounts by hledger's types: asset, cash, liability, equity, revenue, expense.</summary>
    static readonly (string Account, char Type)[] Types =
    [
        ("receivable", 'A'), ("bank", 'C'), ("suspense", 'L'), ("exchange", 'E'), ("sales", 'R'), ("refunds", 'R'), ("fees", 'X'), ("fee_tax", 'X'), ("disputes", 'X'),
    ];

    /// <summary>Account names begin with one of these words.</summary>
    public static IEnumerable<string> Accounts => Types.Select(t => t.Account);

    public static Task Write(string format, IAsyncEnumerable<LedgerRow> rows, TextWriter to, CancellationToken stop) =>
        format == Csv ? WriteCsv(rows, to, stop) : WriteHledger(rows, to, stop);

    static async Task WriteCsv(IAsyncEnumerable<LedgerRow> rows, TextWriter to, CancellationToken stop)
    {
        await to.WriteAsync("at,entry,type,order,reference,account,amount,currency,minor_units\r\n".AsMemory(), stop);
        var line = new StringBuilder();
        await foreach (var row in rows.WithCancellation(stop))
        {
            line.Clear().Append(Time(row)).Append(',').Append(Cell(row.Entry)).Append(',').Append(row.Type).Append(',').Append(row.Order).Append(',')
                .Append(Cell(row.Reference)).Append(',').Append(Cell(row.Account)).Append(',').Append(row.Amount.ToMajorUnits()).Append(',')
                .Append(row.Amount.Currency.Code).Append(',').Append(row.Amount.MinorUnits.ToString(CultureInfo.InvariantCulture)).Append("\r\n");
            await to.WriteAsync(line, stop);
        }
        await to.FlushAsync(stop);
    }

    static async Task WriteHledger(IAsyncEnumerable<LedgerRow> rows, TextWriter to, CancellationToken stop)
    {
        await to.WriteAsync("decimal-mark .\n".AsMemory(), stop);
        foreach (var (account, type) in Types) await to.WriteAsync($"account {account}  ; type: {type}\n".AsMemory(), stop);
        var declared = new HashSet<Currency>();
        var line = new StringBuilder();
        (DateTimeOffset, long, int)? entry = null;
        await foreach (var row in rows.WithCancellation(stop))
        {
            line.Clear();
            if (declared.Add(row.Amount.Currency)) line.Append("\ncommodity 1000.").Append('0', row.Amount.Currency.Exponent).Append(' ').Append(row.Amount.Currency.Code).Append('\n');
            if (entry != (row.At, row.Place, row.Sequence))
            {
                entry = (row.At, row.Place, row.Sequence);
                line.Append('\n').Append(Time(row), 0, "2026-03-01".Length).Append(" * (").Append(Code(row.Entry)).Append(") ").Append(row.Type);
                if (row.Order is { } order) line.Append(' ').Append(order);
                if (row.Reference is { } reference) line.Append(' ').Append(Word(reference));
                line.Append("  ; at:").Append(Time(row)).Append('\n');
            }
            line.Append("    ").Append(Account(row.Account)).Append("  ").Append(row.Amount).Append('\n');
            await to.WriteAsync(line, stop);
        }
        await to.FlushAsync(stop);
    }

    static string Time(LedgerRow row) => row.At.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);

    /// <summary>A cell that a spreadsheet shows and never runs: what could begin a formula gets an apostrophe in front, as OWASP advises.</summary>
    public static string Cell(string? text)
    {
        if (string.IsNullOrEmpty(text)) return "";
        var safe = text[0] is '=' or '+' or '-' or '@' or '\t' or '\r' or '\n' or '\uFF1D' or '\uFF0B' or '\uFF0D' or '\uFF20' ? "'" + text : text;
        return !safe.AsSpan().ContainsAny(Quoted) ? safe : $"\"{safe.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
    }

    /// <summary>A description in hledger's journal ends at a semicolon, is cut at a bar, and its line at a line's end. Those are written as %XX,
    /// and so is the percent sign, so that the text can be had back.</summary>
    public static string Word(string text) => Escape(text, IsSpecial);

    /// <summary>An entry's code ends at a bracket.</summary>
    static string Code(string text) => Escape(text, c => IsSpecial(c) || c is '(' or ')');

    static bool IsSpecial(char c) => char.IsControl(c) || c is ';' or '|' or '%' or '\u2028' or '\u2029' or '\uFEFF';

    /// <summary>Two blanks end an account's name there, brackets make it a virtual one, and colons divide it; only the first is ours.</summary>
    public static string Account(string name)
    {
        var parts = name.Split(':', 2);
        return string.Join(':', parts.Select(part => Escape(part, c => !char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_' or '.'))));
    }

    static string Escape(string text, Func<char, bool> must)
    {
        if (!text.Any(must)) return text;
        var escaped = new StringBuilder();
        Span<byte> bytes = stackalloc byte[4];
        foreach (var rune in text.EnumerateRunes())
            if (rune.IsBmp && !must((char)rune.Value)) escaped.Append((char)rune.Value);
            else
            {
                foreach (var b in bytes[..rune.EncodeToUtf8(bytes)]) escaped.Append('%').Append(b.ToString("X2", CultureInfo.InvariantCulture));
            }
        return escaped.ToString();
    }
}
