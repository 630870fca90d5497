using System.Buffers.Binary;
using System.Numerics;

namespace Purser.Server.Reconciliation;

/// <summary>Keys of a file's lines that have some bits in common.</summary>
/// <param name="Keys">Of each line <see cref="KeyGroups.BytesOfAKey"/>: key, content and number, little-endian.</param>
public readonly record struct KeyGroup(int Number, ReadOnlyMemory<byte> Keys);

/// <summary>Puts the keys of a file into groups, so that whoever looks for a few keys reads a few groups.</summary>
static class KeyGroups
{
    public const int BytesOfAKey = 20;

    /// <summary>About as many keys as fill a kilobyte: fewer cost rows, more are read for nothing.</summary>
    const int KeysOfAGroup = 32;

    /// <summary>The groups of a part are within it: <see cref="Settlement.StatementPass.PartOf"/> takes the lowest of the same bits.</summary>
    public const int FirstBit = 40;
    const int MostBits = 64 - FirstBit;

    /// <summary>How many bits of a key tell its group.</summary>
    public static int Bits(int lines, int parts) => Math.Clamp(BitOperations.Log2((uint)Math.Max(1, lines / KeysOfAGroup)), BitOperations.Log2((uint)parts), MostBits);

    public static int Of(ulong key, int bits) => (int)(key >> FirstBit) & ((1 << bits) - 1);

    /// <summary>The groups of one part's rows, by counting.</summary>
    public static List<KeyGroup> Of(ReadOnlySpan<KeyRow> rows, int part, int parts, int bits)
    {
        var common = BitOperations.Log2((uint)parts);
        var ends = new int[(1 << (bits - common)) + 1];
        foreach (ref readonly var row in rows) ends[(Of(row.Key, bits) >> common) + 1]++;
        for (var i = 1; i < ends.Length; i++) ends[i] += ends[i - 1];
        var keys = new byte[rows.Length * BytesOfAKey];
        foreach (ref readonly var row in rows)
        {
            var at = keys.AsSpan(ends[Of(row.Key, bits) >> common]++ * BytesOfAKey);
            BinaryPrimitives.WriteUInt64LittleEndian(at, row.Key);
            BinaryPrimitives.WriteUInt64LittleEndian(at[8..], row.Content);
            BinaryPrimitives.WriteInt32LittleEndian(at[16..], row.Number);
        }
        var groups = new List<KeyGroup>(ends.Length - 1);
        for (var (i, from) = (0, 0); i < ends.Length - 1; from = ends[i++])
            if (ends[i] > from) groups.Add(new KeyGroup((i << common) | part, keys.AsMemory(from * BytesOfAKey, (ends[i] - from) * BytesOfAKey)));
        return groups;
    }
}
