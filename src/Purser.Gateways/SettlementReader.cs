using System.Text;
using CsvHelper;
using Purser.Reconciliation;

namespace Purser.Gateways;

/// <summary>Reads a gateway's statement row by row. Memory stays flat whatever the file's size.</summary>
public static class SettlementReader
{
    /// <summary>The header stands within so many lines; above it are titles and summaries.</summary>
    const int HeaderWithin = 50;
    const int LongestRow = 1024 * 1024;

    static readonly char[] Separators = [',', ';', '\t', '|'];

    /// <summary>What a row turned out to be.</summary>
    /// <param name="Number">The row's line in the file, from 1.</param>
    /// <param name="Line">Null for a row that says nothing about money, or cannot be read.</param>
    /// <param name="Fault">Why it cannot be read, with its column; null when it can.</param>
    public readonly record struct Row(int Number, SettlementLine? Line, string? Fault);

    /// <summary>A file that is none of this gateway's, or cannot be read as text.</summary>
    public sealed class NotAStatementException(string why) : Exception(why);

    /// <exception cref="NotAStatementException">No header with the mandatory columns.</exception>
    public static IEnumerable<Row> Read(Stream file, SettlementSheet sheet, GatewayAccount account)
    {
        using var text = new StreamReader(file, Encoding.UTF8, detectEncodingFromByteOrderMarks: true, bufferSize: 64 * 1024);
        var (separator, header, above) = FindHeader(text, sheet);
        using var csv = CsvReader.Create(text, new CsvReaderOptions
        {
            Separator = separator,
            HasHeader = false,
            MaxRecordSize = LongestRow,
            TrackLineNumbers = true,
            TrimWhitespace = true,
            IncludeValuesInExceptions = false,
        });
        var row = new Cells(header, csv);
        while (csv.Read())
        {
            Row read;
            try
            {
                read = new Row(above + (int)csv.LineNumber, sheet.Read(row, account), null);
            }
            catch (SettlementRowException fault)
            {
                read = new Row(above + (int)csv.LineNumber, null, fault.Message);
            }
            yield return read;
        }
    }

    static (char Separator, Dictionary<string, int> Header, int Above) FindHeader(StreamReader text, SettlementSheet sheet)
    {
        for (var line = 1; line <= HeaderWithin && text.ReadLine() is { } candidate; line++)
            foreach (var separator in Separators)
            {
                var names = candidate.Split(separator).Select(n => n.Trim().Trim('"').Trim()).ToArray();
                var columns = new Dictionary<string, int>(StringComparer.OrdinalIgnoreCase);
                for (var i = 0; i < names.Length; i++) columns.TryAdd(names[i], i);
                if (sheet.Mandatory.All(columns.ContainsKey)) return (separator, columns, line);
            }
        throw new NotAStatementException($"No line has the columns {string.Join(", ", sheet.Mandatory)}.");
    }

    sealed class Cells(Dictionary<string, int> header, CsvReader csv) : SettlementRow
    {
        public override string? Cell(string column) =>
            header.TryGetValue(column, out var at) && at < csv.FieldCount && csv.GetString(at).Trim() is { Length: > 0 } text ? text : null;
    }
}
