using System.IO.Compression;

namespace Purser.Gateways;

/// <summary>What a file is, by its first bytes and never by its name: a text, a workbook, or one of these packed.</summary>
abstract record SettlementPackage
{
    const int Looked = 8;
    const int MostEntries = 2000;
    const string Remedy = "Save it as .xlsx or CSV";

    SettlementPackage() { }

    public sealed record Text(Stream Content) : SettlementPackage;

    public sealed record Workbook(ZipArchive Parts) : SettlementPackage;

    public static SettlementPackage Open(Stream file, SettlementLimits limits)
    {
        var content = file;
        try
        {
            var (kind, whole) = Look(file);
            content = whole;
            if (kind == Kind.Text) return new Text(whole);
            if (kind == Kind.Gzip)
            {
                var (inner, unpacked) = Look(SettlementUnpacked.Gzip(whole, limits));
                return inner == Kind.Text ? new Text(unpacked) : throw new SettlementReader.NotAStatementException("The gzip file does not hold a text. Unpack it, and hand in what is in it.");
            }
            return OpenZip(SettlementSpool.Seekable(whole, limits), limits, nested: false);
        }
        catch
        {
            content.Dispose();
            throw;
        }
    }

    enum Kind { Text, Gzip, Zip }

    static (Kind, Stream) Look(Stream file)
    {
        var start = new byte[Looked];
        var count = file.ReadAtLeast(start, Looked, throwOnEndOfStream: false);
        var kind = start.AsSpan(0, count) switch
        {
            [0x1f, 0x8b, ..] => Kind.Gzip,
            [(byte)'P', (byte)'K', 3, 4, ..] or [(byte)'P', (byte)'K', 5, 6, ..] or [(byte)'P', (byte)'K', 7, 8, ..] => Kind.Zip,
            // A compound file: the binary format of old, and what a password makes of the new one.
            [0xd0, 0xcf, 0x11, 0xe0, ..] => throw new SettlementReader.NotAStatementException($"The file is an old workbook (.xls), or one with a password. {Remedy}, without a password."),
            [(byte)'%', (byte)'P', (byte)'D', (byte)'F', ..] => throw new SettlementReader.NotAStatementException("The file is a PDF. Get the statement as CSV or .xlsx."),
            [0x37, 0x7a, 0xbc, 0xaf, ..] or [(byte)'R', (byte)'a', (byte)'r', (byte)'!', ..] => throw new SettlementReader.NotAStatementException("The file is packed with 7z or rar. Unpack it, and hand in what is in it."),
            _ => Kind.Text,
        };
        return (kind, new SettlementSpool.Rejoined(start.AsMemory(0, count), file));
    }

    static SettlementPackage OpenZip(Stream file, SettlementLimits limits, bool nested)
    {
        ZipArchive parts;
        try
        {
            parts = new ZipArchive(file, ZipArchiveMode.Read);
        }
        catch (InvalidDataException)
        {
            throw new SettlementReader.NotAStatementException("The zip file is cut or damaged: its list of contents is missing. Get it again.");
        }
        try
        {
            if (parts.Entries.Count > MostEntries) throw new SettlementReader.NotAStatementException($"The zip file has {parts.Entries.Count} entries, more than {MostEntries}.");
            if (parts.Entries.FirstOrDefault(e => e.IsEncrypted) is { } secret)
                throw new SettlementReader.NotAStatementException($"'{SettlementRow.Shown(secret.FullName)}' in the zip file is encrypted. Unpack it with its password, and hand in what is in it.");
            if (parts.GetEntry("[Content_Types].xml") is not null && parts.Entries.Any(e => e.FullName.StartsWith("xl/", StringComparison.OrdinalIgnoreCase))) return new Workbook(parts);
            if (nested) throw new SettlementReader.NotAStatementException("The zip file holds another zip file. Unpack it, and hand in what is in it.");
            return Only(parts, limits);
        }
        catch
        {
            parts.Dispose();
            throw;
        }
    }

    /// <summary>The one statement in the archive. Which of several is meant, nobody but a person can say.</summary>
    static SettlementPackage Only(ZipArchive parts, SettlementLimits limits)
    {
        var files = parts.Entries.Where(e => e.Name.Length > 0 && !e.FullName.StartsWith("__MACOSX/", StringComparison.Ordinal) && e.Name != ".DS_Store").ToList();
        if (files.Count == 0) throw new SettlementReader.NotAStatementException("The zip file is empty.");
        if (files.Count > 1)
            throw new SettlementReader.NotAStatementException(
                $"The zip file has {files.Count} files ({string.Join(", ", files.Take(5).Select(f => $"'{SettlementRow.Shown(f.FullName)}'"))}). Hand them in one by one.");
        var (kind, content) = Look(SettlementUnpacked.Entry(files[0], limits, parts));
        try
        {
            return kind switch
            {
                Kind.Text => new Text(content),
                Kind.Zip => OpenZip(SettlementSpool.Seekable(content, limits), limits, nested: true),
                _ => throw new SettlementReader.NotAStatementException($"'{SettlementRow.Shown(files[0].FullName)}' in the zip file is packed itself. Unpack it, and hand in what is in it."),
            };
        }
        catch
        {
            content.Dispose();
            throw;
        }
    }
}
