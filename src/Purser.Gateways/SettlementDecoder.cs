using System.Buffers;
using System.Text;
using System.Text.Unicode;

namespace Purser.Gateways;

/// <summary>Bytes of a text file as letters. Its encoding is told by its mark (BOM), else by its zero bytes, else it is UTF-8; and Windows-1252 from the
/// first byte on that cannot be UTF-8, if all before it was ASCII.</summary>
sealed class SettlementDecoder(Stream file) : IDisposable
{
    const int Sniffed = 4096;

    /// <summary>What Windows-1252 has between 80 and 9F; five bytes mean nothing.</summary>
    const string Windows = "\u20ac\0\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\0\u017d\0\0\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\0\u017e\u0178";

    enum Letters { Unknown, Utf8, Utf16, Windows1252 }

    readonly byte[] bytes = new byte[64 * 1024];
    Letters letters;
    Decoder? utf16;
    int from, until;
    bool ended, beyondAscii;

    /// <summary>0 at the end only.</summary>
    public int Read(Span<char> into)
    {
        if (letters == Letters.Unknown) Sniff();
        while (true)
        {
            var count = letters switch
            {
                Letters.Utf8 => Utf8(into),
                Letters.Utf16 => Utf16(into),
                _ => Windows1252(into),
            };
            if (count > 0) return count;
            if (ended && (letters == Letters.Utf16 || from == until)) return 0;
            if (!ended) Fill();
        }
    }

    public void Dispose() => file.Dispose();

    void Sniff()
    {
        while (until < Sniffed && !ended) Fill();
        var start = bytes.AsSpan(0, until);
        if (start is [0xff, 0xfe, 0, 0, ..] or [0, 0, 0xfe, 0xff, ..]) throw new SettlementReader.NotAStatementException("The file is in UTF-32; save it as UTF-8.");
        (letters, from) = (Letters.Utf8, 0);
        if (start is [0xef, 0xbb, 0xbf, ..]) from = 3;
        else if (start is [0xff, 0xfe, ..]) Wide(bigEndian: false, skip: 2);
        else if (start is [0xfe, 0xff, ..]) Wide(bigEndian: true, skip: 2);
        else if (start[..Math.Min(until, Sniffed)].Contains((byte)0)) Zeros(start[..Math.Min(until, Sniffed)]);
    }

    /// <summary>A statement is ASCII for the most part, and that has a zero in every second byte of UTF-16.</summary>
    void Zeros(ReadOnlySpan<byte> start)
    {
        int even = 0, odd = 0;
        for (var i = 0; i < start.Length; i++)
            if (start[i] == 0)
                if (i % 2 == 0) even++;
                else odd++;
        var pairs = start.Length / 2;
        if (odd * 10 > pairs * 6 && even * 10 < pairs) Wide(bigEndian: false, skip: 0);
        else if (even * 10 > pairs * 6 && odd * 10 < pairs) Wide(bigEndian: true, skip: 0);
        // A few strays are told with their rows.
        else if ((even + odd) * 20 >= start.Length) throw new SettlementReader.NotAStatementException("The file is not text: it has zero bytes. A statement is a text with separators, a workbook (.xlsx), or one of these zipped.");
    }

    void Wide(bool bigEndian, int skip)
    {
        letters = Letters.Utf16;
        from = skip;
        utf16 = new UnicodeEncoding(bigEndian, byteOrderMark: false, throwOnInvalidBytes: true).GetDecoder();
    }

    int Utf8(Span<char> into)
    {
        var status = System.Text.Unicode.Utf8.ToUtf16(bytes.AsSpan(from, until - from), into, out var read, out var written, replaceInvalidSequences: false, isFinalBlock: ended);
        from += read;
        beyondAscii |= written != read;
        if (status != OperationStatus.InvalidData || written > 0) return written;
        if (beyondAscii) throw new SettlementReader.NotAStatementException("The file is neither UTF-8 nor Windows-1252 throughout: it may be cut or damaged. Get it again.");
        letters = Letters.Windows1252;
        return 0;
    }

    int Utf16(Span<char> into)
    {
        try
        {
            utf16!.Convert(bytes.AsSpan(from, until - from), into, ended, out var read, out var written, out _);
            from += read;
            return written;
        }
        catch (ArgumentException)
        {
            throw new SettlementReader.NotAStatementException("The file is cut or damaged: its UTF-16 ends within a letter. Get it again.");
        }
    }

    int Windows1252(Span<char> into)
    {
        var count = Math.Min(until - from, into.Length);
        for (var i = 0; i < count; i++)
        {
            var letter = (char)bytes[from + i];
            if (letter is >= '\u0080' and < '\u00a0' && (letter = Windows[letter - 0x80]) == 0)
                throw new SettlementReader.NotAStatementException($"The file is neither UTF-8 nor Windows-1252: it has the byte {bytes[from + i]:X2}. Save it as UTF-8.");
            into[i] = letter;
        }
        from += count;
        return count;
    }

    void Fill()
    {
        if (from > 0)
        {
            bytes.AsSpan(from, until - from).CopyTo(bytes);
            (from, until) = (0, until - from);
        }
        var count = file.Read(bytes, until, bytes.Length - until);
        ended = count == 0;
        until += count;
    }
}
