using System.Xml;
using Purser.Reconciliation;

namespace Purser.Gateways;

/// <summary>Reads a gateway's statement row by row. Memory stays flat whatever the file's size.
/// <para>A text in UTF-8, UTF-16 or Windows-1252 with commas, semicolons, tabs or strokes, or a workbook (.xlsx); either also alone in a zip, a text also
/// in gzip.</para>
/// <para>A file that is cut is noticed when it is packed or a workbook, when it is cut within a row, and when the gateway ends its files with a trailer.
/// A plain text that is cut exactly between two rows, or behind a quote that closes its last row, looks like a shorter file; that can only be seen by what
/// is then missing.</para></summary>
public static class SettlementReader
{
    /// <summary>The header stands within so many rows; above it are titles and summaries.</summary>
    const int HeaderWithin = 50;

    /// <summary>What a row turned out to be.</summary>
    /// <param name="Number">The row's line in the file, from 1; where a cell has line breaks, its first one.</param>
    /// <param name="Line">Null for a row that says nothing about money, or cannot be read.</param>
    /// <param name="Fault">Why it cannot be read, with its column; null when it can.</param>
    public readonly record struct Row(int Number, SettlementLine? Line, string? Fault)
    {
        /// <summary>The column that the fault is in, where it is in one.</summary>
        public string? Column { get; init; }

        /// <summary>What stands in columns that the gateway's reading does not know: name and raw text, cut after 2,000 letters (then it ends with …)
        /// and left out after 8,000. Hostile text, as everything in a file.</summary>
        public IReadOnlyList<KeyValuePair<string, string>> Extra { get => field ?? []; init; }
    }

    /// <summary>A file that is none of this gateway's, cannot be read, or is not whole. Rows that were read before it are not to be used either.</summary>
    public sealed class NotAStatementException(string why, int? number = null, string? column = null) : Exception(why)
    {
        /// <summary>Where in the file, when it is about one row.</summary>
        public int? Number => number;
        public string? Column => column;

        internal static NotAStatementException At(int number, string? column, string why) =>
            new($"Row {number}{(column is null ? "" : $", column '{SettlementRow.Shown(column)}'")} {why}.", number, column);
    }

    /// <summary>Reads the file to its end, and closes it.</summary>
    /// <exception cref="NotAStatementException">No header with the mandatory columns; not to be unpacked; cut; or its totals are others than its rows.
    /// Also after rows were read.</exception>
    public static IEnumerable<Row> Read(Stream file, SettlementSheet sheet, GatewayAccount account, SettlementLimits? limits = null)
    {
        var (rows, columns) = Open(file, sheet, limits ?? SettlementLimits.Usual);
        using var open = rows;
        var record = new SettlementRecord(rows, columns);
        var tally = new Tally(sheet);
        var names = new Dictionary<string, int>(StringComparer.Ordinal);
        while (Next(rows))
        {
            record.Next();
            var frame = Frame(sheet, record, rows.Number);
            if (frame is null && rows.IsBlank) continue;
            Row read;
            if (frame is not null)
            {
                tally.Check(frame, rows.Number);
                read = new Row(rows.Number, null, null);
            }
            else read = Numbered(One(rows, columns, record, sheet, account), sheet, names);
            if (rows.EndsOpen && !sheet.EndsOpen && !tally.Whole)
                throw NotAStatementException.At(rows.Number, null, "ends without a line break, so that the file may be cut in its last cell. Get it again; if it truly ends there, put a line break behind it");
            if (frame is null) tally.Add(read);
            yield return read;
        }
        tally.End();
    }

    static Row Numbered(Row read, SettlementSheet sheet, Dictionary<string, int> names)
    {
        if (read.Line is not { } line || sheet.Unnamed?.Invoke(line) is not true) return read;
        var times = names[line.RowKey] = names.GetValueOrDefault(line.RowKey) + 1;
        return times == 1 ? read : read with { Line = line with { RowKey = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{line.RowKey}#{times}") } };
    }

    static Row One(SettlementRows rows, SettlementColumns columns, SettlementRecord record, SettlementSheet sheet, GatewayAccount account)
    {
        if (rows.Trouble is { } trouble) return new Row(rows.Number, null, $"The row {trouble}.");
        if (!rows.Sparse && rows.Count < columns.Named && rows.IsLast)
            throw NotAStatementException.At(rows.Number, null, $"has {rows.Count} cells where the header has {columns.Named}, and the file ends there: it is cut. Get it again");
        if (!rows.Sparse && rows.Count < columns.Named) return new Row(rows.Number, null, $"The row has {rows.Count} cells where the header has {columns.Named}.");
        for (var i = columns.Count; i < rows.Count; i++)
            if (!rows[i].IsEmpty) return new Row(rows.Number, null, $"The row has {rows.Count} cells where the header has {columns.Count}.");
        try
        {
            var line = sheet.Read(record, account);
            return new Row(rows.Number, line, null) { Extra = record.Extra() };
        }
        catch (SettlementRowException fault)
        {
            return new Row(rows.Number, null, fault.Message) { Column = fault.Column, Extra = record.Extra() };
        }
    }

    static SettlementFrame? Frame(SettlementSheet sheet, SettlementRecord record, int number)
    {
        try
        {
            return sheet.Frame?.Invoke(record);
        }
        catch (SettlementRowException fault)
        {
            throw NotAStatementException.At(number, fault.Column, $"cannot be read: {fault.Why}");
        }
    }

    static bool Next(SettlementRows rows)
    {
        try
        {
            return rows.Read();
        }
        catch (Exception e) when (e is InvalidDataException or XmlException)
        {
            throw Damaged();
        }
    }

    static NotAStatementException Damaged() => new("The file is cut or damaged: what it is packed in cannot be read to its end. Get it again.");

    static (SettlementRows, SettlementColumns) Open(Stream file, SettlementSheet sheet, SettlementLimits limits)
    {
        try
        {
            return SettlementPackage.Open(file, limits) switch
            {
                SettlementPackage.Text text => OpenText(text.Content, sheet),
                SettlementPackage.Workbook book => SettlementWorkbook.Open(book.Parts, limits, sheet.Mandatory, HeaderWithin),
                _ => throw new InvalidOperationException("No such file."),
            };
        }
        catch (Exception e) when (e is InvalidDataException or XmlException)
        {
            throw Damaged();
        }
    }

    static (SettlementRows, SettlementColumns) OpenText(Stream content, SettlementSheet sheet)
    {
        var (rows, nearest) = (new SettlementText(content), new SettlementColumns.Nearest());
        try
        {
            SettlementColumns? columns = null;
            var markup = false;
            for (var line = 1; line <= HeaderWithin; line++)
            {
                if (rows.TryHeader(() => (columns = SettlementColumns.TryRead(rows, sheet.Mandatory, nearest)) is not null))
                {
                    if (rows.IsLast) throw NotAStatementException.At(rows.Number, null, "is the header and ends without a line break: the file is cut, or has no rows. Get it again");
                    return (rows, columns!);
                }
                markup |= line == 1 && rows.Ahead.TrimStart() is ['<', ..];
                if (!rows.SkipLine()) break;
            }
            if (markup) throw new NotAStatementException("The file is a web page or XML under another name. Open it in a spreadsheet and save it as .xlsx or CSV, or get it as CSV.");
            throw nearest.Refusal(sheet.Mandatory, HeaderWithin);
        }
        catch
        {
            rows.Dispose();
            throw;
        }
    }

    /// <summary>What was read, against what the file says that it holds.</summary>
    sealed class Tally(SettlementSheet sheet)
    {
        readonly Dictionary<Currency, long> nets = [];
        long rows;
        bool known = true;

        /// <summary>The trailer was there.</summary>
        public bool Whole { get; private set; }

        public void Add(Row row)
        {
            if (sheet.Frame is null) return;
            if (Whole) throw NotAStatementException.At(row.Number, null, "stands behind the end of the statement");
            if (row.Fault is not null) known = false;
            if (row.Line is null && row.Fault is null) return;
            rows++;
            if (row.Line is { Net: var net }) nets[net.Currency] = checked(nets.GetValueOrDefault(net.Currency) + net.MinorUnits);
        }

        public void Check(SettlementFrame frame, int number)
        {
            if (Whole) throw NotAStatementException.At(number, null, "stands behind the end of the statement");
            if (frame.Rows is { } said && said != rows) throw NotAStatementException.At(number, null, $"('{frame.Name}') counts {said} rows, and there are {rows}: the file is not whole");
            // A row that cannot be read is told by itself, and would make every total wrong.
            if (known && frame.Net is { } net && net.MinorUnits != nets.GetValueOrDefault(net.Currency))
                throw NotAStatementException.At(number, null, $"('{frame.Name}') says {net}, and the rows add up to {new Money(nets.GetValueOrDefault(net.Currency), net.Currency)}: the file is not whole");
            Whole = frame.Last;
            if (!frame.Closes) return;
            nets.Clear();
            (rows, known) = (0, true);
        }

        public void End()
        {
            if (sheet.HasTrailer && !Whole) throw new NotAStatementException("The file has no trailer: it is cut. Get it again.");
        }
    }
}
