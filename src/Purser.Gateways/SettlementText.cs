namespace Purser.Gateways;

/// <summary>The rows of a text with separators: quoted or not, a row on several lines where a quoted cell has line breaks, ended by CRLF, LF or CR.</summary>
sealed class SettlementText(Stream file) : SettlementRows
{
    const int LongestRow = 1024 * 1024;
    const int MostCells = 2048;
    const int LeastRead = 4096;

    static readonly char[] Separators = [',', ';', '\t', '|'];

    readonly SettlementDecoder decoder = new(file);
    readonly List<int> from = [], until = [];
    readonly HashSet<int> escaped = [];
    char[] buffer = new char[32 * 1024];
    char[] plain = new char[256];
    int row, end, next, line = 1, lines;
    bool ended;

    enum Found { Row, More }

    /// <summary>Fixed once the header is found.</summary>
    public char Separator { get; set; } = ',';

    public override ReadOnlySpan<char> this[int at]
    {
        get
        {
            var text = buffer.AsSpan(row + from[at], until[at] - from[at]);
            return (escaped.Count > 0 && escaped.Contains(at) ? Unescaped(text) : text).Trim();
        }
    }

    /// <summary>Tries each separator on the line that comes next, without leaving it. The header is the row that a try is content with.</summary>
    /// <returns>False when none was, or at the end; then <see cref="SkipLine"/>.</returns>
    public bool TryHeader(Func<bool> fits)
    {
        foreach (var separator in Separators)
        {
            Separator = separator;
            if (!Parse()) return false;
            Number = line;
            if (fits())
            {
                (row, line) = (next, line + lines);
                return true;
            }
        }
        return false;
    }

    /// <summary>False at the end.</summary>
    public bool SkipLine()
    {
        while (true)
        {
            var rest = buffer.AsSpan(row, end - row);
            var at = rest.IndexOfAny('\r', '\n');
            if (at >= 0 && (rest[at] == '\n' || at + 1 < rest.Length || ended))
            {
                row += at + (rest[at..] is ['\r', '\n', ..] ? 2 : 1);
                line++;
                return row < end || !ended || Fill();
            }
            if (!Fill()) return false;
        }
    }

    /// <summary>The beginning of what is left, for a look at what it is.</summary>
    public ReadOnlySpan<char> Ahead => buffer.AsSpan(row, Math.Min(end - row, 200));

    public override bool Read()
    {
        while (true)
        {
            row = next;
            if (!Parse()) return false;
            (Number, line) = (line, line + lines);
            if (Count > 1 || Trouble is not null || !this[0].IsEmpty) return true;
        }
    }

    protected override void Dispose(bool disposing) => decoder.Dispose();

    /// <summary>Finds the cells of the row at <see cref="row"/> and where the next one begins. False at the end.</summary>
    bool Parse()
    {
        while (true)
        {
            if (row == end && !Fill()) return false;
            if (Cells(buffer.AsSpan(row, end - row)) == Found.Row) return true;
            if (end - row > LongestRow)
                throw SettlementReader.NotAStatementException.At(line, null, "is longer than a million letters: a quote that opens in it is never closed, or the file is no statement");
            if (ended) throw new InvalidOperationException("The last row has no end.");
            Fill();
        }
    }

    Found Cells(ReadOnlySpan<char> text)
    {
        from.Clear();
        until.Clear();
        escaped.Clear();
        (Trouble, EndsOpen, lines) = (null, false, 0);
        var at = 0;
        while (true)
        {
            var start = at;
            while (start < text.Length && text[start] == ' ') start++;
            if (start == text.Length && !ended) return Found.More;
            var closed = start < text.Length && text[start] == '"';
            if (closed)
            {
                var close = Close(text, start + 1, from.Count);
                if (close < 0) return Found.More;
                from.Add(start + 1);
                until.Add(close);
                at = close + 1;
                while (at < text.Length && text[at] == ' ') at++;
                if (at < text.Length && text[at] != Separator && text[at] is not ('\r' or '\n'))
                {
                    Trouble ??= $"has text behind the closing quote of cell {from.Count}";
                    closed = false;
                }
            }
            if (!closed)
            {
                var length = text[at..].IndexOfAny(Separator, '\r', '\n');
                if (length < 0 && !ended) return Found.More;
                if (length < 0) length = text.Length - at;
                if (Trouble is null || from.Count == 0 || until[^1] < start)
                {
                    from.Add(at);
                    until.Add(at + length);
                }
                at += length;
            }
            if (from.Count > MostCells) throw SettlementReader.NotAStatementException.At(line, null, $"has more than {MostCells} cells");
            if (at < text.Length && text[at] == Separator)
            {
                at++;
                continue;
            }
            if (at < text.Length && text[at] == '\r' && at + 1 == text.Length && !ended) return Found.More;
            if (at == text.Length && !ended) return Found.More;
            IsLast = at == text.Length;
            EndsOpen = IsLast && !closed;
            if (text[..at].Contains('\0')) Trouble ??= "has a zero byte";
            if (at < text.Length) at += text[at..] is ['\r', '\n', ..] ? 2 : 1;
            lines++;
            (Count, next) = (from.Count, row + at);
            return Found.Row;
        }
    }

    /// <summary>Where the quoted cell closes; less than nothing when that is further on.</summary>
    int Close(ReadOnlySpan<char> text, int at, int cell)
    {
        var start = at;
        while (true)
        {
            var quote = text[at..].IndexOf('"');
            if (quote < 0 || (at + quote + 1 == text.Length && !ended))
            {
                if (ended) throw SettlementReader.NotAStatementException.At(line, null, $"opens a quote in cell {cell + 1} that is not closed before the file ends: the file is cut. Get it again");
                return -1;
            }
            at += quote;
            if (text[(at + 1)..] is not ['"', ..]) break;
            escaped.Add(cell);
            at += 2;
        }
        var within = text[start..at];
        for (var i = within.IndexOfAny('\r', '\n'); i >= 0 && i < within.Length; i++)
            if (within[i] == '\n' || (within[i] == '\r' && within[(i + 1)..] is not ['\n', ..])) lines++;
        return at;
    }

    ReadOnlySpan<char> Unescaped(ReadOnlySpan<char> text)
    {
        if (plain.Length < text.Length) plain = new char[text.Length * 2];
        var length = 0;
        for (var i = 0; i < text.Length; i++)
        {
            plain[length++] = text[i];
            if (text[i] == '"') i++;
        }
        return plain.AsSpan(0, length);
    }

    /// <summary>Makes room by moving the row to the front, and reads on. False when there is nothing more.</summary>
    bool Fill()
    {
        if (ended) return false;
        if (row > 0)
        {
            buffer.AsSpan(row, end - row).CopyTo(buffer);
            (next, end, row) = (Math.Max(0, next - row), end - row, 0);
        }
        if (buffer.Length - end < LeastRead) Array.Resize(ref buffer, buffer.Length * 2);
        var count = decoder.Read(buffer.AsSpan(end));
        ended = count == 0;
        end += count;
        return !ended;
    }
}
