using System.Globalization;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;

namespace Purser.Server.Invoices.Pdf;

/// <summary>A PDF 1.7 of text and rectangles, with the parts of its fonts that it uses. Nothing in it comes from the clock or from chance: the same pages are the same bytes.</summary>
public sealed class PdfFile(string title, string author, string language, DateTimeOffset made)
{
    /// <summary>Six letters before a font's name say that it is a part of it.</summary>
    const string Part = "PURSER+";

    readonly List<PdfPage> pages = [];
    readonly List<TrueTypeFont> fonts = [];
    readonly Dictionary<TrueTypeFont, List<(ushort Glyph, string Letters)>> used = [];

    public PdfPage AddPage()
    {
        var page = new PdfPage(NameOf, Use);
        pages.Add(page);
        return page;
    }

    public byte[] ToBytes()
    {
        // Number 1 is the catalogue, 2 the list of pages, 3 what the file says of itself; six for each font, two for each page.
        var objects = new List<byte[]>
        {
            Latin($"<</Type /Catalog /Pages 2 0 R /Lang {Text(language)} /ViewerPreferences <</DisplayDocTitle true>>>>"),
            Latin($"<</Type /Pages /Count {pages.Count} /Kids [{string.Join(' ', pages.Select((_, i) => $"{PageNumber(i)} 0 R"))}]>>"),
            Latin($"<</Title {Text(title)} /Author {Text(author)} /Producer (Purser) /CreationDate {Date(made)} /ModDate {Date(made)}>>"),
        };
        foreach (var font in fonts) objects.AddRange(FontObjects(font, objects.Count + 1));
        var names = string.Join(' ', fonts.Select((_, i) => $"/F{i + 1} {4 + 6 * i} 0 R"));
        foreach (var page in pages)
        {
            objects.Add(Latin($"<</Type /Page /Parent 2 0 R /MediaBox [0 0 {PdfPage.N(PdfPage.Width)} {PdfPage.N(PdfPage.Height)}] " +
                $"/Resources <</Font <<{names}>>>> /Contents {objects.Count + 2} 0 R>>"));
            objects.Add(Stream("", page.Content));
        }
        return Write(objects);
    }

    int PageNumber(int page) => 4 + 6 * fonts.Count + 2 * page;

    int NameOf(TrueTypeFont font)
    {
        if (!fonts.Contains(font))
        {
            fonts.Add(font);
            used[font] = [];
        }
        return fonts.IndexOf(font) + 1;
    }

    /// <summary>The glyph under a number for these letters: where a script joins letters, one glyph stands now for these and now for those, and a reader copies by the number.</summary>
    int Use(TrueTypeFont font, ushort glyph, string letters)
    {
        var known = used[font].IndexOf((glyph, letters));
        if (known < 0) used[font].Add((glyph, letters));
        // Number 0 is that of no letter at all.
        return (known < 0 ? used[font].Count - 1 : known) + 1;
    }

    IEnumerable<byte[]> FontObjects(TrueTypeFont font, int first)
    {
        var glyphs = used[font];
        int Em(int units) => (int)Math.Round(1000.0 * units / font.UnitsPerEm);
        yield return Latin($"<</Type /Font /Subtype /Type0 /BaseFont /{Part}{font.Name} /Encoding /Identity-H /DescendantFonts [{first + 1} 0 R] /ToUnicode {first + 4} 0 R>>");
        var widths = string.Join(' ', glyphs.Select((g, i) => $"{i + 1} [{PdfPage.N(1000.0 * font.Advance(g.Glyph) / font.UnitsPerEm)}]"));
        yield return Latin($"<</Type /Font /Subtype /CIDFontType2 /BaseFont /{Part}{font.Name} /CIDSystemInfo <</Registry (Adobe) /Ordering (Identity) /Supplement 0>> " +
            $"/FontDescriptor {first + 2} 0 R /CIDToGIDMap {first + 5} 0 R /DW 0 /W [{widths}]>>");
        yield return Latin($"<</Type /FontDescriptor /FontName /{Part}{font.Name} /Flags 4 /FontBBox [{Em(font.Box.Left)} {Em(font.Box.Bottom)} {Em(font.Box.Right)} {Em(font.Box.Top)}] " +
            $"/ItalicAngle 0 /Ascent {Em(font.Ascent)} /Descent {Em(font.Descent)} /CapHeight 714 /StemV {(font.Name.EndsWith("Bold", StringComparison.Ordinal) ? 140 : 80)} /FontFile2 {first + 3} 0 R>>");
        var file = font.Subset([.. glyphs.Select(g => g.Glyph).Distinct()]);
        yield return Stream($"/Length1 {file.Length} ", file);
        yield return Stream("", Encoding.ASCII.GetBytes(Letters(glyphs)));
        yield return Stream("", [0, 0, .. glyphs.SelectMany(g => (byte[])[(byte)(g.Glyph >> 8), (byte)g.Glyph])]);
    }

    /// <summary>Which letters a glyph stands for, so that text can be found and copied.</summary>
    static string Letters(List<(ushort Glyph, string Letters)> glyphs)
    {
        const int MostOfOneBlock = 100;
        var map = new StringBuilder("/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CIDSystemInfo <</Registry (Adobe) /Ordering (UCS) /Supplement 0>> def\n" +
            "/CMapName /Adobe-Identity-UCS def /CMapType 2 def 1 begincodespacerange <0000> <FFFF> endcodespacerange\n");
        foreach (var block in glyphs.Select((g, i) => (Number: i + 1, g.Letters)).Chunk(MostOfOneBlock))
        {
            map.Append(CultureInfo.InvariantCulture, $"{block.Length} beginbfchar\n");
            foreach (var (number, letters) in block) map.Append(CultureInfo.InvariantCulture, $"<{number:X4}> <{Convert.ToHexString(Encoding.BigEndianUnicode.GetBytes(letters))}>\n");
            map.Append("endbfchar\n");
        }
        return map.Append("endcmap CMapName currentdict /CMap defineresource pop end end").ToString();
    }

    static byte[] Write(List<byte[]> objects)
    {
        var file = new MemoryStream();
        file.Write([.. "%PDF-1.7\n%"u8, 0xE2, 0xE3, 0xCF, 0xD3, (byte)'\n']);
        var places = new List<long>();
        for (var i = 0; i < objects.Count; i++)
        {
            places.Add(file.Length);
            file.Write(Latin($"{i + 1} 0 obj\n"));
            file.Write(objects[i]);
            file.Write("\nendobj\n"u8);
        }
        var id = Convert.ToHexString(SHA256.HashData(file.ToArray()).AsSpan(0, 16));
        var table = file.Length;
        file.Write(Latin($"xref\n0 {objects.Count + 1}\n0000000000 65535 f \n"));
        foreach (var place in places) file.Write(Latin($"{place:0000000000} 00000 n \n"));
        file.Write(Latin($"trailer\n<</Size {objects.Count + 1} /Root 1 0 R /Info 3 0 R /ID [<{id}> <{id}>]>>\nstartxref\n{table}\n%%EOF\n"));
        return file.ToArray();
    }

    static byte[] Stream(string more, byte[] bytes)
    {
        var packed = new MemoryStream();
        using (var zip = new ZLibStream(packed, CompressionLevel.Optimal, leaveOpen: true)) zip.Write(bytes);
        return [.. Latin($"<<{more}/Filter /FlateDecode /Length {packed.Length}>>\nstream\n"), .. packed.ToArray(), .. "\nendstream"u8];
    }

    /// <summary>As hexadecimal digits, so that no letter of it means anything to the file.</summary>
    static string Text(string text) => $"<FEFF{Convert.ToHexString(Encoding.BigEndianUnicode.GetBytes(Typesetter.Printable(text)))}>";

    static string Date(DateTimeOffset at) => $"(D:{at.UtcDateTime.ToString("yyyyMMddHHmmss", CultureInfo.InvariantCulture)}Z)";

    static byte[] Latin(string text) => Encoding.Latin1.GetBytes(text);
}
