using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Purser.Server.Mail;

namespace Purser.Server.Invoices.Pdf;

/// <summary>Glyphs of one font, one after another.</summary>
/// <param name="Text">The letters that they stand for; a reader copies these.</param>
public sealed record GlyphRun(TrueTypeFont Font, ImmutableArray<ShapedGlyph> Glyphs, string Text, bool IsShaped);

/// <summary>One line of text, set.</summary>
public sealed record SetLine(ImmutableArray<GlyphRun> Runs)
{
    public double Width(double size) => Runs.Sum(r => r.Glyphs.Sum(g => (double)g.Advance) / r.Font.UnitsPerEm) * size;
}

/// <summary>Turns text into glyphs: Latin, Greek and Cyrillic letter by letter, Devanagari as its script demands. What neither font has is drawn as a box.</summary>
public sealed class Typesetter(Shaper? shaper)
{
    const string Ellipsis = "…";

    /// <summary>More of one text than this is never drawn, so it need not be measured.</summary>
    const int MostLetters = 600;

    static readonly Lazy<TrueTypeFont>[] Latin = [Load("NotoSans-Regular"), Load("NotoSans-Bold")];
    static readonly Lazy<TrueTypeFont>[] Devanagari = [Load("NotoSansDevanagari-Regular"), Load("NotoSansDevanagari-Bold")];

    readonly Lazy<nint>[] shaped = [.. Devanagari.Select(f => new Lazy<nint>(() => shaper!.Open(f.Value)))];

    /// <summary>Devanagari can be read as it is drawn.</summary>
    public bool ShapesDevanagari => shaper is not null;

    /// <summary>Text from anywhere as it may be drawn: one line, nothing that commands, nothing that turns the direction, and an end.</summary>
    public static string Printable(string text)
    {
        var cut = text.Length > MostLetters ? text[..MostLetters] + Ellipsis : text;
        var plain = new StringBuilder(cut.Length);
        foreach (var rune in Plain.Line(cut).EnumerateRunes())
            if (rune.Value is not (0x061C or 0x200E or 0x200F or 0xFEFF or 0xFFFC or (>= 0xFFF9 and <= 0xFFFB) or (>= 0xE0000 and <= 0xE0FFF))) plain.Append(rune);
        return plain.ToString();
    }

    public SetLine Set(string text, bool bold = false)
    {
        var runs = ImmutableArray.CreateBuilder<GlyphRun>();
        var printable = Printable(text);
        for (var start = 0; start < printable.Length;)
        {
            var (indian, end) = (IsDevanagari(printable[start]), start + 1);
            while (end < printable.Length && (IsDevanagari(printable[end]) || (indian && IsJoiner(printable[end]))) == indian) end++;
            runs.Add(Run(printable[start..end], indian, bold ? 1 : 0));
            start = end;
        }
        return new SetLine(runs.ToImmutable());
    }

    /// <summary>Text in lines that are no wider; what does not fit in the last one ends in an ellipsis.</summary>
    public IReadOnlyList<SetLine> Wrap(string text, double size, double width, int mostLines, bool bold = false)
    {
        var lines = new List<SetLine>();
        var rest = Printable(text);
        while (rest.Length > 0)
        {
            var fits = Fitting(rest, size, width, bold);
            if (fits == rest.Length || lines.Count < mostLines - 1)
            {
                lines.Add(Set(rest[..fits], bold));
                rest = rest[fits..].TrimStart();
                continue;
            }
            fits = Fitting(rest, size, width - Set(Ellipsis, bold).Width(size), bold, anywhere: true);
            lines.Add(Set(rest[..fits].TrimEnd() + Ellipsis, bold));
            break;
        }
        return lines;
    }

    /// <summary>How many letters fit: up to a space, or, where a single word is too long, up to any letter that is whole.</summary>
    int Fitting(string text, double size, double width, bool bold, bool anywhere = false)
    {
        if (Set(text, bold).Width(size) <= width) return text.Length;
        // Halving, for each measuring sets all of it anew: a name of two hundred letters on five hundred lines took seconds.
        int[] ends = [.. Ends(text)];
        var (fits, tooLong) = (0, ends.Length);
        while (tooLong - fits > 1)
        {
            var middle = (fits + tooLong) / 2;
            if (Set(text[..ends[middle - 1]], bold).Width(size) <= width) fits = middle;
            else tooLong = middle;
        }
        var whole = fits == 0 ? ends[0] : ends[fits - 1];
        var space = anywhere || whole == text.Length || text[whole] == ' ' ? whole : text.LastIndexOf(' ', whole - 1);
        return space > 0 ? space : whole;
    }

    /// <summary>Ends of letters as readers see them, with their marks; what a virama joins is one.</summary>
    static IEnumerable<int> Ends(string text)
    {
        const char Virama = '\u094D';
        for (var end = 0; end < text.Length;)
        {
            end += StringInfo.GetNextTextElementLength(text, end);
            if (end == text.Length || text[end - 1] != Virama) yield return end;
        }
    }

    GlyphRun Run(string text, bool indian, int weight)
    {
        if (!indian || shaper is null)
        {
            var font = (indian ? Devanagari : Latin)[weight].Value;
            var glyphs = ImmutableArray.CreateBuilder<ShapedGlyph>(text.Length);
            var cluster = 0;
            foreach (var rune in text.EnumerateRunes())
            {
                var glyph = font.Glyph(rune.Value);
                glyphs.Add(new ShapedGlyph(glyph, cluster, 0, 0, font.Advance(glyph)));
                cluster += rune.Utf16SequenceLength;
            }
            return new GlyphRun(font, glyphs.ToImmutable(), text, false);
        }
        return new GlyphRun(Devanagari[weight].Value, [.. shaper.Shape(shaped[weight].Value, text)], text, true);
    }

    static bool IsDevanagari(char c) => c is (>= '\u0900' and <= '\u097F') or (>= '\uA8E0' and <= '\uA8FF') or (>= '\u1CD0' and <= '\u1CFF');

    /// <summary>Joiners say within a word whether letters are to be joined.</summary>
    static bool IsJoiner(char c) => c is '\u200C' or '\u200D';

    static Lazy<TrueTypeFont> Load(string name) => new(() =>
    {
        using var stream = typeof(Typesetter).Assembly.GetManifestResourceStream($"fonts/{name}.ttf")!;
        var file = new byte[stream.Length];
        stream.ReadExactly(file);
        return new TrueTypeFont(name, file);
    });
}
