using System.Collections.Immutable;
using System.IO.Compression;
using System.Security;
using System.Text;
using Purser.Reconciliation;

namespace Purser.Gateways.Tests.Settlement;

/// <summary>A gateway of tests with a plain sheet, and files of it in every form.</summary>
static class Statement
{
    public const string Header = "id,kind,amount,day,order";

    public static readonly Currency Rupee = Currency.Find("INR");

    public static readonly GatewayAccount Account = new("main", "test", new Uri("https://gateway.test"), ImmutableDictionary<string, string>.Empty);

    public static readonly SettlementSheet Sheet = new(["id", "kind", "amount"], Read);

    /// <summary>The same with rows of totals: how many rows, and what they add up to.</summary>
    public static readonly SettlementSheet WithTrailer = Sheet with
    {
        HasTrailer = true,
        Frame = row => row.Cell("id") switch
        {
            "END" => new SettlementFrame("END", Rows: long.TryParse(row.At(2), out var rows) ? rows : throw new SettlementRowException("kind", "is no number of rows"), Net: row.Major("amount", Rupee), Last: true),
            _ => null,
        },
    };

    public static List<SettlementReader.Row> Rows(byte[] file, SettlementSheet? sheet = null, SettlementLimits? limits = null) =>
        [.. SettlementReader.Read(new MemoryStream(file), sheet ?? Sheet, Account, limits)];

    public static List<SettlementReader.Row> Rows(string file, SettlementSheet? sheet = null) => Rows(Encoding.UTF8.GetBytes(file), sheet);

    public static SettlementReader.NotAStatementException Refused(byte[] file, SettlementSheet? sheet = null, SettlementLimits? limits = null) =>
        Should.Throw<SettlementReader.NotAStatementException>(() => Rows(file, sheet, limits));

    public static SettlementReader.NotAStatementException Refused(string file, SettlementSheet? sheet = null) => Refused(Encoding.UTF8.GetBytes(file), sheet);

    public static byte[] Gzip(byte[] file)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Optimal)) gzip.Write(file);
        return packed.ToArray();
    }

    public static byte[] Zip(params (string Name, byte[] Content)[] files)
    {
        using var packed = new MemoryStream();
        using (var zip = new ZipArchive(packed, ZipArchiveMode.Create))
            foreach (var (name, content) in files)
            {
                using var entry = zip.CreateEntry(name).Open();
                entry.Write(content);
            }
        return packed.ToArray();
    }

    /// <summary>The cells of a text with commas, by the simplest reading of its rules: another hand than the reader's.</summary>
    public static List<string[]> Split(string text)
    {
        var (rows, row, cell, quoted) = (new List<string[]>(), new List<string>(), new StringBuilder(), false);
        for (var i = 0; i < text.Length; i++)
            if (quoted && text[i] == '"' && i + 1 < text.Length && text[i + 1] == '"') cell.Append(text[i++]);
            else if (text[i] == '"') quoted = !quoted;
            else if (!quoted && text[i] is ',' or '\n')
            {
                row.Add(cell.ToString().TrimEnd('\r'));
                cell.Clear();
                if (text[i] == ',') continue;
                rows.Add([.. row]);
                row.Clear();
            }
            else cell.Append(text[i]);
        return rows;
    }

    /// <summary>A workbook as spreadsheets write it, with its cells as XML.</summary>
    /// <param name="rows">Cells without their places: <c>&lt;c t="s"&gt;&lt;v&gt;0&lt;/v&gt;&lt;/c&gt;</c>; the place is put in here.</param>
    public static byte[] Workbook(IEnumerable<string[]> rows, string[]? shared = null, string? formats = null, string? sheet = null, string book = "", string sheets = "")
    {
        var cells = string.Concat(rows.Select((row, r) =>
            $"<row r=\"{r + 1}\">{string.Concat(row.Select((c, i) => c.Length == 0 ? "" : c.Replace("<c", $"<c r=\"{(char)('A' + i)}{r + 1}\"", StringComparison.Ordinal)))}</row>"));
        const string main = "xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\" xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\"";
        const string types = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/";
        List<(string, byte[])> parts =
        [
            ("[Content_Types].xml", "<Types/>"u8.ToArray()),
            ("xl/workbook.xml", Encoding.UTF8.GetBytes($"<workbook {main}>{book}<sheets><sheet name=\"Report\" sheetId=\"1\" r:id=\"rId1\"/>{sheets}</sheets></workbook>")),
            ("xl/_rels/workbook.xml.rels", Encoding.UTF8.GetBytes($"""
                <Relationships><Relationship Id="rId1" Type="{types}worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId4" Type="{types}worksheet" Target="/xl/worksheets/sheet1.xml"/>
                <Relationship Id="rId2" Type="{types}sharedStrings" Target="sharedStrings.xml"/><Relationship Id="rId3" Type="{types}styles" Target="styles.xml"/></Relationships>
                """)),
            ("xl/worksheets/sheet1.xml", Encoding.UTF8.GetBytes(sheet ?? $"<worksheet {main}><sheetData>{cells}</sheetData></worksheet>")),
            ("xl/sharedStrings.xml", Encoding.UTF8.GetBytes($"<sst {main}>{string.Concat((shared ?? []).Select(s => $"<si><t>{SecurityElement.Escape(s)}</t></si>"))}</sst>")),
            ("xl/styles.xml", Encoding.UTF8.GetBytes($"<styleSheet {main}>{formats}</styleSheet>")),
        ];
        return Zip([.. parts]);
    }

    /// <summary>A text's rows as a workbook in which every cell is text.</summary>
    public static byte[] Workbook(IEnumerable<string[]> rows) => Workbook(rows.Select(r => r.Select(Inline).ToArray()), null);

    public static string Inline(string text) => text.Length == 0 ? "" : $"<c t=\"inlineStr\"><is><t xml:space=\"preserve\">{SecurityElement.Escape(text)}</t></is></c>";

    public static string Number(string value, int style = 0) => $"<c s=\"{style}\"><v>{value}</v></c>";

    static SettlementLine? Read(SettlementRow row, GatewayAccount account)
    {
        if (row.Cell("id") is not { } id) return null;
        var amount = row.Major("amount", Rupee);
        return new SettlementLine(id, row.Text("kind") == "refund" ? SettlementKind.Refund : SettlementKind.Payment, amount.MinorUnits < 0 ? -amount : amount, amount)
        {
            MoneyReference = row.Cell("order"),
            SettledOn = row.Cell("day") is null ? null : row.Day("day", "yyyy-MM-dd", "dd/MM/yyyy"),
        };
    }
}
