using System.Globalization;
using System.Text;

namespace Purser.Server.Invoices.Pdf;

/// <summary>A colour: red, green and blue from 0 to 255.</summary>
public readonly record struct Ink(byte Red, byte Green, byte Blue);

/// <summary>A page of A4. Points, from the upper left corner.</summary>
public sealed class PdfPage
{
    public const double Width = 595.28;
    public const double Height = 841.89;

    readonly StringBuilder content = new();
    readonly Func<TrueTypeFont, int> nameOf;
    readonly Func<TrueTypeFont, ushort, string, int> use;

    internal PdfPage(Func<TrueTypeFont, int> nameOf, Func<TrueTypeFont, ushort, string, int> use) => (this.nameOf, this.use) = (nameOf, use);

    internal byte[] Content => Encoding.ASCII.GetBytes(content.ToString());

    public void Fill(double x, double y, double width, double height, Ink ink) =>
        content.Append(CultureInfo.InvariantCulture, $"{Colour(ink)} rg {N(x)} {N(Height - y - height)} {N(width)} {N(height)} re f\n");

    /// <summary>Many rectangles of one colour, without seams between them.</summary>
    public void Fill(IEnumerable<(double X, double Y, double Width, double Height)> areas, Ink ink)
    {
        content.Append(CultureInfo.InvariantCulture, $"{Colour(ink)} rg\n");
        foreach (var (x, y, width, height) in areas) content.Append(CultureInfo.InvariantCulture, $"{N(x)} {N(Height - y - height)} {N(width)} {N(height)} re\n");
        content.Append("f\n");
    }

    /// <summary>Text whose letters stand on <paramref name="y"/>.</summary>
    public void Text(SetLine line, double x, double y, double size, Ink ink)
    {
        foreach (var run in line.Runs)
        {
            // Glyphs of a script that joins letters say it only one after another, so the letters stand beside them for whoever reads that.
            if (run.IsShaped) content.Append($"/Span <</ActualText <FEFF{Convert.ToHexString(Encoding.BigEndianUnicode.GetBytes(run.Text))}>>> BDC\n");
            content.Append(CultureInfo.InvariantCulture, $"BT {Colour(ink)} rg /F{nameOf(run.Font)} {N(size)} Tf {N(x)} {N(Height - y)} Td ");
            Show(run, size);
            content.Append("ET\n");
            if (run.IsShaped) content.Append("EMC\n");
            x += run.Glyphs.Sum(g => (double)g.Advance) / run.Font.UnitsPerEm * size;
        }
    }

    public void TextToTheLeftOf(SetLine line, double right, double y, double size, Ink ink) => Text(line, right - line.Width(size), y, size, ink);

    /// <summary>Between glyphs stand corrections, in thousandths of the em to the left: where a mark belongs is not where the last glyph ended.</summary>
    void Show(GlyphRun run, double size)
    {
        var (em, behind, up) = (run.Font.UnitsPerEm, 0, 0);
        content.Append('[');
        for (var i = 0; i < run.Glyphs.Length; i++)
        {
            var glyph = run.Glyphs[i];
            if (glyph.Up != up)
            {
                up = glyph.Up;
                content.Append(CultureInfo.InvariantCulture, $"] TJ {N((double)up / em * size)} Ts [");
            }
            if (behind + glyph.Right is not 0 and var move) content.Append(CultureInfo.InvariantCulture, $"{N(-1000.0 * move / em)} ");
            content.Append(CultureInfo.InvariantCulture, $"<{use(run.Font, glyph.Glyph, LettersOf(run, i)):X4}> ");
            behind = glyph.Advance - glyph.Right - run.Font.Advance(glyph.Glyph);
        }
        content.Append(up == 0 ? "] TJ " : "] TJ 0 Ts ");
    }

    /// <summary>Glyphs that stand for letters together share them in the order of the letters, whichever of them it is that looks like one: so text that is copied reads as it was written.
    /// The last has all the rest; where there are more glyphs than letters, the last have none.</summary>
    static string LettersOf(GlyphRun run, int i)
    {
        var start = run.Glyphs[i].Cluster;
        var end = run.Text.Length;
        foreach (var other in run.Glyphs)
            if (other.Cluster > start && other.Cluster < end) end = other.Cluster;
        var (place, last) = (0, true);
        for (var k = 0; k < run.Glyphs.Length; k++)
            if (run.Glyphs[k].Cluster == start && k != i) (place, last) = k < i ? (place + 1, last) : (place, false);
        if (!last) end = Math.Min(end, start + place + 1);
        return start + place < end ? run.Text[(start + place)..end] : "";
    }

    static string Colour(Ink ink) => $"{N(ink.Red / 255.0)} {N(ink.Green / 255.0)} {N(ink.Blue / 255.0)}";

    internal static string N(double number) => Math.Round(number, 3).ToString("0.###", CultureInfo.InvariantCulture);
}
