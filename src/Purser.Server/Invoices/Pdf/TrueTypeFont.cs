using System.Buffers.Binary;
using System.Text;

namespace Purser.Server.Invoices.Pdf;

/// <summary>A TrueType font: what a PDF needs to know of it, and a smaller copy with only the glyphs that were used.</summary>
public sealed class TrueTypeFont
{
    const ushort ArgumentsAreWords = 1, HasScale = 8, MoreComponents = 0x20, HasTwoScales = 0x40, HasMatrix = 0x80;

    /// <summary>What a reader of the PDF needs: outlines, metrics, and the programs that outlines may call.</summary>
    static readonly string[] Embedded = ["cvt ", "fpgm", "glyf", "head", "hhea", "hmtx", "loca", "maxp", "prep"];

    readonly byte[] file;
    readonly Dictionary<string, (int Start, int Length)> tables = [];
    readonly Dictionary<int, ushort> glyphs = [];
    readonly int metrics;
    readonly bool longOffsets;

    public TrueTypeFont(string name, byte[] file)
    {
        (Name, this.file) = (name, file);
        for (var i = 0; i < U16(4); i++)
            tables[Encoding.ASCII.GetString(file, 12 + 16 * i, 4)] = ((int)U32(12 + 16 * i + 8), (int)U32(12 + 16 * i + 12));
        var head = Start("head");
        UnitsPerEm = U16(head + 18);
        Box = (S16(head + 36), S16(head + 38), S16(head + 40), S16(head + 42));
        longOffsets = U16(head + 50) == 1;
        (Ascent, Descent) = (S16(Start("hhea") + 4), S16(Start("hhea") + 6));
        metrics = U16(Start("hhea") + 34);
        Count = U16(Start("maxp") + 4);
        ReadCharacters();
    }

    /// <summary>Its PostScript name.</summary>
    public string Name { get; }
    public int UnitsPerEm { get; }
    public (int Left, int Bottom, int Right, int Top) Box { get; }
    public int Ascent { get; }
    public int Descent { get; }
    public int Count { get; }
    public ReadOnlySpan<byte> File => file;

    /// <summary>Zero, which is drawn as a box, where it has none.</summary>
    public ushort Glyph(int character) => glyphs.GetValueOrDefault(character);

    /// <summary>In units of the em.</summary>
    public int Advance(ushort glyph) => U16(Start("hmtx") + 4 * Math.Min(glyph, metrics - 1));

    /// <summary>A font in which only these glyphs, and those they are made of, have an outline. Their numbers stay.</summary>
    public byte[] Subset(IEnumerable<ushort> used)
    {
        var kept = new SortedSet<ushort>(used) { 0 };
        var open = new Queue<ushort>(kept);
        while (open.TryDequeue(out var glyph))
            foreach (var part in Components(glyph))
                if (kept.Add(part)) open.Enqueue(part);
        var outlines = new MemoryStream();
        var offsets = new byte[4 * (Count + 1)];
        for (var glyph = 0; glyph < Count; glyph++)
        {
            BinaryPrimitives.WriteUInt32BigEndian(offsets.AsSpan(4 * glyph), (uint)outlines.Length);
            if (!kept.Contains((ushort)glyph)) continue;
            outlines.Write(Outline((ushort)glyph));
            while (outlines.Length % 4 != 0) outlines.WriteByte(0);
        }
        BinaryPrimitives.WriteUInt32BigEndian(offsets.AsSpan(4 * Count), (uint)outlines.Length);
        var head = Table("head").ToArray();
        BinaryPrimitives.WriteUInt16BigEndian(head.AsSpan(50), 1);
        // Widths of glyphs that are not there are not needed; zeros take no room.
        var widths = Table("hmtx").ToArray();
        for (var glyph = 0; glyph < metrics; glyph++)
            if (!kept.Contains((ushort)glyph)) widths.AsSpan(4 * glyph, 4).Clear();
        return Assemble(new Dictionary<string, byte[]> { ["head"] = head, ["hmtx"] = widths, ["glyf"] = outlines.ToArray(), ["loca"] = offsets });
    }

    byte[] Assemble(Dictionary<string, byte[]> changed)
    {
        var parts = Embedded.Where(tables.ContainsKey).Select(t => (Tag: t, Bytes: changed.GetValueOrDefault(t) ?? Table(t).ToArray())).ToList();
        var (position, body) = (12 + 16 * parts.Count, new MemoryStream());
        var font = new byte[position];
        BinaryPrimitives.WriteUInt32BigEndian(font, 0x00010000);
        BinaryPrimitives.WriteUInt16BigEndian(font.AsSpan(4), (ushort)parts.Count);
        var power = (int)Math.Log2(parts.Count);
        BinaryPrimitives.WriteUInt16BigEndian(font.AsSpan(6), (ushort)(16 << power));
        BinaryPrimitives.WriteUInt16BigEndian(font.AsSpan(8), (ushort)power);
        BinaryPrimitives.WriteUInt16BigEndian(font.AsSpan(10), (ushort)(16 * parts.Count - (16 << power)));
        for (var i = 0; i < parts.Count; i++)
        {
            var entry = font.AsSpan(12 + 16 * i);
            Encoding.ASCII.GetBytes(parts[i].Tag, entry);
            BinaryPrimitives.WriteUInt32BigEndian(entry[4..], Checksum(parts[i].Bytes));
            BinaryPrimitives.WriteUInt32BigEndian(entry[8..], (uint)(position + body.Length));
            BinaryPrimitives.WriteUInt32BigEndian(entry[12..], (uint)parts[i].Bytes.Length);
            body.Write(parts[i].Bytes);
            while (body.Length % 4 != 0) body.WriteByte(0);
        }
        return [.. font, .. body.ToArray()];
    }

    static uint Checksum(byte[] bytes)
    {
        uint sum = 0;
        for (var i = 0; i < bytes.Length; i++) sum += (uint)bytes[i] << (24 - 8 * (i % 4));
        return sum;
    }

    IEnumerable<ushort> Components(ushort glyph)
    {
        var (start, length) = Place(glyph);
        if (length == 0 || S16(start) >= 0) yield break;
        var at = start + 10;
        ushort flags;
        do
        {
            flags = U16(at);
            yield return U16(at + 2);
            at += 4 + ((flags & ArgumentsAreWords) != 0 ? 4 : 2);
            at += (flags & HasScale) != 0 ? 2 : (flags & HasTwoScales) != 0 ? 4 : (flags & HasMatrix) != 0 ? 8 : 0;
        }
        while ((flags & MoreComponents) != 0);
    }

    ReadOnlySpan<byte> Outline(ushort glyph)
    {
        var (start, length) = Place(glyph);
        return file.AsSpan(start, length);
    }

    (int Start, int Length) Place(ushort glyph)
    {
        var (loca, glyf) = (Start("loca"), Start("glyf"));
        var (from, to) = longOffsets
            ? ((int)U32(loca + 4 * glyph), (int)U32(loca + 4 * glyph + 4))
            : (2 * U16(loca + 2 * glyph), 2 * U16(loca + 2 * glyph + 2));
        return (glyf + from, to - from);
    }

    /// <summary>Which glyph stands for which character: the table of format 12 where there is one, else of format 4.</summary>
    void ReadCharacters()
    {
        var cmap = Start("cmap");
        var (four, twelve) = (0, 0);
        for (var i = 0; i < U16(cmap + 2); i++)
        {
            var table = cmap + (int)U32(cmap + 4 + 8 * i + 4);
            if (U16(table) == 4) four = table;
            if (U16(table) == 12) twelve = table;
        }
        if (twelve > 0)
        {
            for (var group = 0; group < U32(twelve + 12); group++)
            {
                var at = twelve + 16 + 12 * group;
                for (var c = U32(at); c <= U32(at + 4); c++) glyphs[(int)c] = (ushort)(U32(at + 8) + c - U32(at));
            }
            return;
        }
        var twice = U16(four + 6);
        for (var at = four + 14; at < four + 14 + twice; at += 2)
        {
            var (end, start, delta, offset) = (U16(at), U16(at + twice + 2), U16(at + 2 * twice + 2), U16(at + 3 * twice + 2));
            for (int c = start; c <= end && c != 0xFFFF; c++)
            {
                var glyph = offset == 0 ? c : U16(at + 3 * twice + 2 + offset + 2 * (c - start));
                if (glyph != 0) glyphs[c] = (ushort)(glyph + delta);
            }
        }
    }

    int Start(string table) => tables[table].Start;

    ReadOnlySpan<byte> Table(string table) => file.AsSpan(tables[table].Start, tables[table].Length);

    ushort U16(int at) => BinaryPrimitives.ReadUInt16BigEndian(file.AsSpan(at));

    short S16(int at) => BinaryPrimitives.ReadInt16BigEndian(file.AsSpan(at));

    uint U32(int at) => BinaryPrimitives.ReadUInt32BigEndian(file.AsSpan(at));
}
