using System.Collections.Immutable;
using System.Globalization;
using System.IO.Compression;
using System.Xml;

namespace Purser.Gateways;

/// <summary>The rows of the one sheet of a workbook (.xlsx) that has the mandatory columns. A cell is handed out as a person would see it, as far as
/// that is certain: a number with the decimals of its format, a date as yyyy-MM-dd HH:mm:ss; a number that a spreadsheet has rounded is not.</summary>
sealed class SettlementWorkbook : SettlementRows
{
    const int MostColumns = 2048;
    const int LongestRow = 1024 * 1024;
    /// <summary>What a spreadsheet keeps of a number; digits behind these are made up.</summary>
    const int CertainDigits = 15;

    readonly SettlementParts parts;
    readonly XmlReader sheet;
    readonly bool owns;
    readonly List<Cell> cells = [];
    char[] text = new char[4096];
    int used;

    record struct Cell(int From, int Length, DateTime? Date, string? Unfit);

    SettlementWorkbook(SettlementParts parts, string path, bool owns) => (this.parts, sheet, this.owns) = (parts, parts.Xml(path), owns);

    public override bool Sparse => true;

    public override ReadOnlySpan<char> this[int at] => text.AsSpan(cells[at].From, cells[at].Length).Trim();

    public static (SettlementRows, SettlementColumns) Open(ZipArchive archive, SettlementLimits limits, ImmutableArray<string> mandatory, int headerWithin)
    {
        var parts = new SettlementParts(archive, limits);
        try
        {
            var nearest = new SettlementColumns.Nearest();
            var fitting = new List<(string Name, string Path)>();
            foreach (var (name, path) in parts.Sheets)
            {
                using var look = new SettlementWorkbook(parts, path, owns: false);
                if (look.TryHeader(mandatory, headerWithin, nearest) is not null) fitting.Add((name, path));
            }
            if (fitting.Count == 0) throw nearest.Refusal(mandatory, headerWithin);
            if (fitting.Count > 1)
                throw new SettlementReader.NotAStatementException(
                    $"Several sheets have the columns of a statement: {string.Join(", ", fitting.Take(5).Select(f => $"'{SettlementRow.Shown(f.Name)}'"))}. Leave one in the workbook, or save each as CSV.");
            var rows = new SettlementWorkbook(parts, fitting[0].Path, owns: true);
            return (rows, rows.TryHeader(mandatory, headerWithin, nearest)!);
        }
        catch
        {
            parts.Dispose();
            throw;
        }
    }

    public override DateTime? Date(int at) => cells[at].Date;

    public override string? Unfit(int at) => cells[at].Unfit;

    public override bool Read()
    {
        while (sheet.Read())
        {
            if (sheet.NodeType != XmlNodeType.Element || sheet.LocalName != "row") continue;
            Number = int.TryParse(sheet.GetAttribute("r"), NumberStyles.None, CultureInfo.InvariantCulture, out var stated) ? stated : Number + 1;
            cells.Clear();
            (used, Count, Trouble) = (0, 0, null);
            if (sheet.IsEmptyElement) continue;
            while (sheet.Read() && !(sheet.NodeType == XmlNodeType.EndElement && sheet.LocalName == "row"))
                if (sheet is { NodeType: XmlNodeType.Element, LocalName: "c" }) ReadCell();
            Count = cells.Count;
            return true;
        }
        return false;
    }

    protected override void Dispose(bool disposing)
    {
        sheet.Dispose();
        if (owns) parts.Dispose();
    }

    SettlementColumns? TryHeader(ImmutableArray<string> mandatory, int within, SettlementColumns.Nearest nearest)
    {
        for (var row = 1; row <= within && Read(); row++)
            if (SettlementColumns.TryRead(this, mandatory, nearest) is { } columns) return columns;
        return null;
    }

    void ReadCell()
    {
        // Colours reach further than what is written.
        if (sheet.IsEmptyElement) return;
        var at = sheet.GetAttribute("r") is { } reference ? Column(reference) : cells.Count;
        if (at < cells.Count || at >= MostColumns) throw SettlementReader.NotAStatementException.At(Number, null, "has its cells out of order, or more than a sheet has");
        var (type, style) = (sheet.GetAttribute("t"), sheet.GetAttribute("s"));
        while (cells.Count < at) cells.Add(new Cell(used, 0, null, null));
        var from = used;
        while (sheet.Read() && !(sheet.NodeType == XmlNodeType.EndElement && sheet.LocalName == "c"))
            // What a formula came to stands beside it; how a word is spoken is no part of it.
            if (sheet.NodeType == XmlNodeType.Element && sheet.LocalName is "f" or "rPh" or "extLst") SettlementParts.Skip(sheet);
            else if (sheet.NodeType is XmlNodeType.Text or XmlNodeType.SignificantWhitespace or XmlNodeType.CDATA) Append();
        cells.Add(Meant(from, type, style));
    }

    void Append()
    {
        while (true)
        {
            if (text.Length - used < 1024)
            {
                if (text.Length > LongestRow) throw SettlementReader.NotAStatementException.At(Number, null, "is longer than a million letters");
                Array.Resize(ref text, text.Length * 2);
            }
            var count = sheet.ReadValueChunk(text, used, text.Length - used);
            if (count == 0) return;
            used += count;
        }
    }

    Cell Meant(int from, string? type, string? style)
    {
        var raw = text.AsSpan(from, used - from);
        if (type is "str" or "inlineStr" or "b" or "d") return new Cell(from, used - from, null, null);
        raw = raw.Trim();
        if (raw.IsEmpty) return new Cell(from, 0, null, null);
        if (type == "e") return new Cell(from, used - from, null, $"holds the error {SettlementRow.Shown(raw)}");
        if (type == "s")
        {
            var shared = int.TryParse(raw, NumberStyles.None, CultureInfo.InvariantCulture, out var index) ? parts.Shared(index) : throw new InvalidDataException();
            return Put(from, shared);
        }
        return Numeric(from, raw, parts.Style(style));
    }

    Cell Numeric(int from, ReadOnlySpan<char> raw, SettlementParts.Format format)
    {
        if (!double.TryParse(raw, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) || !double.IsFinite(value)) throw new InvalidDataException();
        if (format.IsDate) return Dated(from, value, format);
        if (Math.Abs(value) >= 1e15)
            return new Cell(from, used - from, null, $"is the number {SettlementRow.Shown(raw)}, of which a spreadsheet keeps {CertainDigits} digits: what it was cannot be told. Get the statement as CSV, or with this column as text");
        // Rounds to 15 digits, which takes off what binary fractions add.
        var exact = Math.Abs(value) < 1e-9 ? 0m : (decimal)value;
        var written = exact.ToString(CultureInfo.InvariantCulture);
        var point = written.IndexOf('.', StringComparison.Ordinal);
        var decimals = point < 0 ? 0 : written.Length - point - 1;
        if (decimals < format.Decimals) written += (point < 0 ? "." : "") + new string('0', format.Decimals - decimals);
        else if (point < 0 && value >= 0) written = written.PadLeft(format.Digits, '0');
        return Put(from, written);
    }

    /// <summary>The first two months of 1900 have a day too many in spreadsheets, and a time alone has no day.</summary>
    Cell Dated(int from, double serial, SettlementParts.Format format)
    {
        if (parts.From1904) serial += 1462;
        if (serial is < 61 or >= 2958466) return new Cell(from, used - from, null, "is formatted as a date and is none");
        var date = DateTime.FromOADate(serial);
        date = new DateTime((date.Ticks + (TimeSpan.TicksPerSecond / 2)) / TimeSpan.TicksPerSecond * TimeSpan.TicksPerSecond);
        return Put(from, date.ToString(format.HasTime || date.TimeOfDay != TimeSpan.Zero ? "yyyy-MM-dd HH:mm:ss" : "yyyy-MM-dd", CultureInfo.InvariantCulture)) with { Date = date };
    }

    Cell Put(int from, ReadOnlySpan<char> written)
    {
        while (text.Length < from + written.Length)
        {
            if (text.Length > LongestRow) throw SettlementReader.NotAStatementException.At(Number, null, "is longer than a million letters");
            Array.Resize(ref text, text.Length * 2);
        }
        written.CopyTo(text.AsSpan(from));
        used = from + written.Length;
        return new Cell(from, written.Length, null, null);
    }

    /// <summary>The letters of a place such as AB12, from 0.</summary>
    static int Column(string reference)
    {
        var column = 0;
        foreach (var letter in reference)
        {
            if (!char.IsAsciiLetter(letter) || column > MostColumns) break;
            column = (column * 26) + (char.ToUpperInvariant(letter) - 'A' + 1);
        }
        return column - 1;
    }
}
