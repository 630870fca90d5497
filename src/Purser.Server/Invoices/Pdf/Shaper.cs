using System.Runtime.InteropServices;

namespace Purser.Server.Invoices.Pdf;

/// <summary>A glyph and where it stands, in units of the em.</summary>
/// <param name="Cluster">Where in the text its letters begin.</param>
public readonly record struct ShapedGlyph(ushort Glyph, int Cluster, int Right, int Up, int Advance);

/// <summary>Joins letters into conjuncts and puts vowel signs in their places, as Devanagari needs: by HarfBuzz, the library that browsers use, where the machine has it.</summary>
public sealed class Shaper
{
    /// <summary>Debian's package with the library.</summary>
    public const string Package = "libharfbuzz0b";

    const int InfoBytes = 20;
    const int ReadOnlyMemory = 1;
    static readonly string[] Names = ["libharfbuzz.so.0", "libharfbuzz.0.dylib", "/opt/homebrew/lib/libharfbuzz.0.dylib", "libharfbuzz-0.dll"];

    delegate nint CreateBlob(nint bytes, uint length, int mode, nint subject, nint destroy);
    delegate nint CreateFace(nint blob, uint index);
    delegate nint Create(nint from);
    delegate nint CreateNothing();
    delegate void AddText(nint buffer, nint text, int length, uint offset, int count);
    delegate void Act(nint subject);
    delegate void ShapeBuffer(nint font, nint buffer, nint features, uint count);
    delegate nint Rows(nint buffer, out uint count);

    readonly CreateBlob createBlob;
    readonly CreateFace createFace;
    readonly Create createFont;
    readonly CreateNothing createBuffer;
    readonly AddText addText;
    readonly Act guess, destroyBuffer;
    readonly ShapeBuffer shape;
    readonly Rows infos, positions;

    Shaper(nint library)
    {
        T Function<T>(string name) where T : Delegate => Marshal.GetDelegateForFunctionPointer<T>(NativeLibrary.GetExport(library, name));
        createBlob = Function<CreateBlob>("hb_blob_create");
        createFace = Function<CreateFace>("hb_face_create");
        createFont = Function<Create>("hb_font_create");
        createBuffer = Function<CreateNothing>("hb_buffer_create");
        addText = Function<AddText>("hb_buffer_add_utf16");
        guess = Function<Act>("hb_buffer_guess_segment_properties");
        destroyBuffer = Function<Act>("hb_buffer_destroy");
        shape = Function<ShapeBuffer>("hb_shape");
        infos = Function<Rows>("hb_buffer_get_glyph_infos");
        positions = Function<Rows>("hb_buffer_get_glyph_positions");
    }

    /// <summary>Null where the machine has no such library.</summary>
    public static Shaper? OfThisMachine { get; } = Names.Select(n => NativeLibrary.TryLoad(n, out var library) ? library : 0).FirstOrDefault(l => l != 0) is not 0 and var found ? new Shaper(found) : null;

    /// <summary>A font as the library knows it, for the life of the process: it keeps reading the file's bytes.</summary>
    public nint Open(TrueTypeFont font)
    {
        var bytes = Marshal.AllocHGlobal(font.File.Length);
        Marshal.Copy(font.File.ToArray(), 0, bytes, font.File.Length);
        return createFont(createFace(createBlob(bytes, (uint)font.File.Length, ReadOnlyMemory, 0, 0), 0));
    }

    /// <summary>Text of one script and one direction.</summary>
    public ShapedGlyph[] Shape(nint font, string text)
    {
        var buffer = createBuffer();
        var letters = GCHandle.Alloc(text, GCHandleType.Pinned);
        try
        {
            addText(buffer, letters.AddrOfPinnedObject(), text.Length, 0, text.Length);
            guess(buffer);
            shape(font, buffer, 0, 0);
            var (info, position) = (infos(buffer, out var count), positions(buffer, out _));
            var glyphs = new ShapedGlyph[count];
            for (var i = 0; i < glyphs.Length; i++, info += InfoBytes, position += InfoBytes)
                glyphs[i] = new ShapedGlyph((ushort)Marshal.ReadInt32(info), Marshal.ReadInt32(info, 8), Marshal.ReadInt32(position, 8), Marshal.ReadInt32(position, 12), Marshal.ReadInt32(position));
            return glyphs;
        }
        finally
        {
            letters.Free();
            destroyBuffer(buffer);
        }
    }
}
