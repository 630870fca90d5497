using System.Globalization;
using System.IO.Compression;
using System.Xml;

namespace Purser.Gateways;

/// <summary>What a workbook's sheets refer to: their names, the texts that cells share, how numbers are shown.</summary>
sealed class SettlementParts : IDisposable
{
    const int ChunkLetters = 1 << 20;
    const int LongestText = 32_767;
    const int MostStyles = 65_536;

    static readonly Format General = new(false, false, 0, 0);

    readonly ZipArchive archive;
    readonly SettlementLimits limits;
    readonly List<char[]> chunks = [];
    readonly List<(int Chunk, int From, int Length)> texts = [];
    readonly List<Format> styles = [];

    /// <param name="Decimals">How many it shows at least.</param>
    /// <param name="Digits">How many it shows at least before the point: 00001234.</param>
    public readonly record struct Format(bool IsDate, bool HasTime, int Decimals, int Digits);

    public SettlementParts(ZipArchive archive, SettlementLimits limits)
    {
        (this.archive, this.limits) = (archive, limits);
        if (archive.Entries.GroupBy(e => e.FullName, StringComparer.OrdinalIgnoreCase).FirstOrDefault(g => g.Skip(1).Any()) is { } twice)
            throw new SettlementReader.NotAStatementException($"The workbook has '{SettlementRow.Shown(twice.Key)}' twice; it was not made by a spreadsheet.");
        var targets = Targets();
        var types = targets.Values.ToLookup(t => t.Type, t => t.Path);
        using (var book = Xml("xl/workbook.xml"))
            while (book.Read())
            {
                if (book.NodeType != XmlNodeType.Element) continue;
                if (book.LocalName == "workbookPr") From1904 = book.GetAttribute("date1904") is "1" or "true";
                if (book.LocalName != "sheet" || Attribute(book, "id") is not { } id || !targets.TryGetValue(id, out var target) || target.Type != "worksheet") continue;
                Sheets.Add((book.GetAttribute("name") ?? "", target.Path));
            }
        if (types["styles"].FirstOrDefault() is { } style) ReadStyles(style);
        if (types["sharedStrings"].FirstOrDefault() is { } shared) ReadShared(shared);
    }

    public List<(string Name, string Path)> Sheets { get; } = [];

    /// <summary>Days are counted from 1904 and not from 1900.</summary>
    public bool From1904 { get; }

    public ReadOnlySpan<char> Shared(int index)
    {
        if (index >= texts.Count) throw new InvalidDataException("A cell names a text that is not there.");
        var (chunk, from, length) = texts[index];
        return chunks[chunk].AsSpan(from, length);
    }

    public Format Style(string? index) =>
        index is not null && int.TryParse(index, NumberStyles.None, CultureInfo.InvariantCulture, out var at) && at < styles.Count ? styles[at] : General;

    /// <summary>A part, read once from its beginning. Nothing outside the file is ever fetched.</summary>
    public XmlReader Xml(string path)
    {
        var entry = archive.Entries.FirstOrDefault(e => e.FullName.Equals(path, StringComparison.OrdinalIgnoreCase)) ?? throw new InvalidDataException($"The workbook has no {path}.");
        return XmlReader.Create(SettlementUnpacked.Entry(entry, limits, null), new XmlReaderSettings
        {
            DtdProcessing = DtdProcessing.Prohibit,
            XmlResolver = null,
            MaxCharactersFromEntities = 1024,
            CloseInput = true,
            IgnoreComments = true,
            IgnoreProcessingInstructions = true,
        });
    }

    /// <summary>Goes to the end of the element that the reader is at.</summary>
    public static void Skip(XmlReader xml)
    {
        if (xml.IsEmptyElement) return;
        for (var depth = 1; depth > 0 && xml.Read();)
            if (xml.NodeType == XmlNodeType.EndElement) depth--;
            else if (xml is { NodeType: XmlNodeType.Element, IsEmptyElement: false }) depth++;
    }

    public void Dispose() => archive.Dispose();

    Dictionary<string, (string Type, string Path)> Targets()
    {
        var targets = new Dictionary<string, (string, string)>(StringComparer.Ordinal);
        using var xml = Xml("xl/_rels/workbook.xml.rels");
        while (xml.Read())
        {
            if (xml is not { NodeType: XmlNodeType.Element, LocalName: "Relationship" } || xml.GetAttribute("TargetMode") == "External") continue;
            if (xml.GetAttribute("Id") is not { } id || xml.GetAttribute("Type") is not { } type || xml.GetAttribute("Target") is not { } target) continue;
            targets[id] = (type[(type.LastIndexOf('/') + 1)..], target is ['/', ..] ? target[1..] : $"xl/{target}");
        }
        return targets;
    }

    /// <summary>The attribute by its local name: its namespace differs between the two kinds of this format.</summary>
    static string? Attribute(XmlReader xml, string name)
    {
        string? value = null;
        while (xml.MoveToNextAttribute())
            if (xml.LocalName == name && xml.Prefix.Length > 0) value = xml.Value;
        xml.MoveToElement();
        return value;
    }

    void ReadShared(string path)
    {
        using var xml = Xml(path);
        var one = new char[LongestText + 1];
        var (length, letters) = (0, 0);
        while (xml.Read())
        {
            if (xml is { NodeType: XmlNodeType.Element, LocalName: "si" }) length = 0;
            else if (xml is { NodeType: XmlNodeType.Element, LocalName: "rPh" }) Skip(xml);
            else if (xml.NodeType is XmlNodeType.Text or XmlNodeType.SignificantWhitespace or XmlNodeType.CDATA)
                for (int count; (count = xml.ReadValueChunk(one, length, one.Length - length)) > 0;)
                    if ((length += count) > LongestText) throw new SettlementReader.NotAStatementException("A text in the workbook is longer than a cell can be.");
            if (xml is not { LocalName: "si" } || !(xml.NodeType == XmlNodeType.EndElement || xml is { NodeType: XmlNodeType.Element, IsEmptyElement: true })) continue;
            if ((letters += length) > limits.MostSharedLetters || texts.Count >= limits.MostSharedLetters)
                throw new SettlementReader.NotAStatementException("The workbook has more text than is kept in memory. Get the statement as CSV.");
            Keep(one.AsSpan(0, length));
        }
    }

    void Keep(ReadOnlySpan<char> text)
    {
        var from = texts.Count == 0 ? 0 : texts[^1].From + texts[^1].Length;
        if (chunks.Count == 0 || from + text.Length > ChunkLetters)
        {
            chunks.Add(new char[ChunkLetters]);
            from = 0;
        }
        text.CopyTo(chunks[^1].AsSpan(from));
        texts.Add((chunks.Count - 1, from, text.Length));
    }

    void ReadStyles(string path)
    {
        using var xml = Xml(path);
        var custom = new Dictionary<int, string>();
        var within = "";
        while (xml.Read())
        {
            if (xml.NodeType == XmlNodeType.Element && xml.LocalName is "cellXfs" or "cellStyleXfs" or "numFmts" or "dxfs") within = xml.LocalName;
            if (xml is { NodeType: XmlNodeType.Element, LocalName: "numFmt" } && within == "numFmts" && Id(xml) is { } id && xml.GetAttribute("formatCode") is { Length: <= 1000 } code) custom[id] = code;
            if (xml is not { NodeType: XmlNodeType.Element, LocalName: "xf" } || within != "cellXfs") continue;
            if (styles.Count >= MostStyles) throw new InvalidDataException("The workbook has too many styles.");
            styles.Add(Of(Id(xml) ?? 0, custom));
        }

        static int? Id(XmlReader xml) => int.TryParse(xml.GetAttribute("numFmtId"), NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id : null;
    }

    /// <summary>Formats below 164 have no text of their own; these are what the standard gives them.</summary>
    static Format Of(int id, Dictionary<int, string> custom) => custom.TryGetValue(id, out var code) ? Of(code) : id switch
    {
        14 or 15 or 16 or 17 or (>= 27 and <= 31) or 36 or (>= 50 and <= 58) => new Format(true, false, 0, 0),
        (>= 18 and <= 22) or (>= 32 and <= 35) or (>= 45 and <= 47) => new Format(true, true, 0, 0),
        2 or 4 or 7 or 8 or 39 or 40 or 43 or 44 => new Format(false, false, 2, 0),
        _ => General,
    };

    static Format Of(string code)
    {
        if (code.Equals("General", StringComparison.OrdinalIgnoreCase)) return General;
        var plain = new System.Text.StringBuilder();
        for (var i = 0; i < code.Length && code[i] != ';'; i++)
            switch (code[i])
            {
                case '"': i = End(code, '"', i); break;
                case '[': i = End(code, ']', i); break;
                case '\\' or '_' or '*': i++; break;
                default: plain.Append(char.ToLowerInvariant(code[i])); break;
            }
        var format = plain.ToString();
        if (format.AsSpan().ContainsAny("dyhs")) return new Format(true, format.AsSpan().ContainsAny("hs"), 0, 0);
        var point = format.IndexOf('.', StringComparison.Ordinal);
        var decimals = 0;
        while (point >= 0 && point + 1 + decimals < format.Length && format[point + 1 + decimals] == '0') decimals++;
        return new Format(false, false, decimals, format.Length > 0 && format.AsSpan().Trim('0').IsEmpty ? format.Length : 0);

        static int End(string code, char mark, int from) => code.IndexOf(mark, from + 1) is >= 0 and var at ? at : code.Length;
    }
}
