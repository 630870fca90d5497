using System.Buffers.Binary;
using System.IO.Compression;

namespace Purser.Gateways;

/// <summary>A packed file while it is unpacked. The framework ends a cut stream without a word and checks no sum, so both are done here; and what
/// grows without measure is stopped while it grows.</summary>
sealed class SettlementUnpacked : SettlementSpool.ForwardOnly
{
    static readonly uint[][] Table = MakeTable();

    readonly Stream content;
    readonly SettlementLimits limits;
    readonly Func<long> packed;
    readonly Func<(uint Sum, uint Length)> stated;
    readonly IDisposable? owner;
    uint sum = uint.MaxValue;
    long length;

    SettlementUnpacked(Stream content, SettlementLimits limits, Func<long> packed, Func<(uint, uint)> stated, IDisposable? owner) =>
        (this.content, this.limits, this.packed, this.stated, this.owner) = (content, limits, packed, stated, owner);

    /// <param name="owner">Closed with the entry; null when others of its entries are still to be read.</param>
    public static SettlementUnpacked Entry(ZipArchiveEntry entry, SettlementLimits limits, IDisposable? owner) =>
        new(entry.Open(), limits, () => entry.CompressedLength, () => (entry.Crc32, unchecked((uint)entry.Length)), owner);

    /// <summary>One stream with its sum and length in its last bytes; several behind one another do not have the sum of all.</summary>
    public static SettlementUnpacked Gzip(Stream file, SettlementLimits limits)
    {
        var end = new Ending(file);
        return new SettlementUnpacked(new GZipStream(end, CompressionMode.Decompress), limits, () => end.Count, end.Stated, end);
    }

    public override int Read(Span<byte> buffer)
    {
        var count = content.Read(buffer);
        if (count == 0 && buffer.Length > 0)
        {
            var (statedSum, statedLength) = stated();
            if (statedSum != ~sum || statedLength != unchecked((uint)length))
                throw new SettlementReader.NotAStatementException("The packed file is cut or damaged: what is in it does not have the length and the sum that it states. Get it again.");
            return 0;
        }
        length += count;
        if (length > limits.MostUnpackedBytes)
            throw new SettlementReader.NotAStatementException($"The packed file has more than {limits.MostUnpackedBytes} bytes when it is unpacked; no statement is so long.");
        if (length > limits.RatioCountsFromBytes && length / limits.MostRatio > packed())
            throw new SettlementReader.NotAStatementException($"The packed file grows by more than {limits.MostRatio} times when it is unpacked; no statement does.");
        Add(buffer[..count]);
        return count;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            content.Dispose();
            owner?.Dispose();
        }
        base.Dispose(disposing);
    }

    /// <summary>CRC-32, eight bytes at a time.</summary>
    void Add(ReadOnlySpan<byte> bytes)
    {
        var crc = sum;
        for (; bytes.Length >= 8; bytes = bytes[8..])
        {
            var (low, high) = (BinaryPrimitives.ReadUInt32LittleEndian(bytes) ^ crc, BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]));
            crc = Table[7][low & 255] ^ Table[6][(low >> 8) & 255] ^ Table[5][(low >> 16) & 255] ^ Table[4][low >> 24]
                ^ Table[3][high & 255] ^ Table[2][(high >> 8) & 255] ^ Table[1][(high >> 16) & 255] ^ Table[0][high >> 24];
        }
        foreach (var one in bytes) crc = Table[0][(crc ^ one) & 255] ^ (crc >> 8);
        sum = crc;
    }

    static uint[][] MakeTable()
    {
        var table = Enumerable.Range(0, 8).Select(_ => new uint[256]).ToArray();
        for (var i = 0u; i < 256; i++)
        {
            var crc = i;
            for (var bit = 0; bit < 8; bit++) crc = (crc & 1) == 0 ? crc >> 1 : (crc >> 1) ^ 0xedb88320;
            table[0][i] = crc;
        }
        for (var i = 0; i < 256; i++)
            for (var step = 1; step < 8; step++) table[step][i] = table[0][table[step - 1][i] & 255] ^ (table[step - 1][i] >> 8);
        return table;
    }

    /// <summary>Remembers the last eight bytes that came by.</summary>
    sealed class Ending(Stream file) : SettlementSpool.ForwardOnly
    {
        ulong last;

        public long Count { get; private set; }

        public (uint Sum, uint Length) Stated()
        {
            Span<byte> rest = stackalloc byte[512];
            while (Read(rest) > 0)
            {
            }
            return (unchecked((uint)last), (uint)(last >> 32));
        }

        public override int Read(Span<byte> buffer)
        {
            var count = file.Read(buffer);
            Count += count;
            foreach (var one in buffer[Math.Max(0, count - 8)..count]) last = (last >> 8) | ((ulong)one << 56);
            return count;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing) file.Dispose();
            base.Dispose(disposing);
        }
    }
}
