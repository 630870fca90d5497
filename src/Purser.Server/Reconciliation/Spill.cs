using System.Runtime.InteropServices;

namespace Purser.Server.Reconciliation;

/// <summary>A row's key and content, as bits.</summary>
readonly record struct KeyRow(ulong Key, ulong Content, int Number);

/// <summary>A row of an earlier file whose key may be one of the new file's.</summary>
readonly record struct EarlierRow(ulong Key, ulong Content, long File, int Number);

/// <summary>A line about a payment with our reference.</summary>
readonly record struct MoneyRow(long Order, long Amount, int Payment, int Number, byte Kind, int Currency, bool FeeTooHigh);

/// <summary>A payment of ours.</summary>
public readonly record struct OursRow(long Order, long Amount, int Payment, byte Status, int Currency);

/// <summary>A currency's three letters as one number.</summary>
public static class CurrencyCode
{
    public static int Of(string code) => (code[0] << 16) | (code[1] << 8) | code[2];

    public static Currency Back(int code) => Currency.Find(string.Create(3, code, static (letters, c) =>
    {
        letters[0] = (char)(c >> 16 & 255);
        letters[1] = (char)(c >> 8 & 255);
        letters[2] = (char)(c & 255);
    }));
}

/// <summary>A file that nobody else sees and that is gone with the process, however that ends.</summary>
static class SpillFile
{
    public static FileStream Create(int buffered)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite, Share = FileShare.None, Options = FileOptions.DeleteOnClose, BufferSize = buffered };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        return new FileStream(Path.Combine(Path.GetTempPath(), $"purser-{Path.GetRandomFileName()}"), options);
    }
}

/// <summary>Rows of fixed size, sorted into parts. A part that outgrows its buffer goes to a file that nobody else sees and that is gone with
/// the process, however that ends.</summary>
sealed class Spill<T>(int parts) : IDisposable where T : unmanaged
{
    const int Buffered = 4096;

    readonly T[]?[] buffers = new T[parts][];
    readonly int[] filled = new int[parts];
    readonly FileStream?[] files = new FileStream[parts];
    readonly long[] counts = new long[parts];

    public void Add(int part, in T row)
    {
        var buffer = buffers[part] ??= new T[Buffered];
        if (filled[part] == Buffered)
        {
            Write(part, buffer);
            filled[part] = 0;
        }
        buffer[filled[part]++] = row;
        counts[part]++;
    }

    public long Count(int part) => counts[part];

    /// <summary>The rows of a part in the order in which they came.</summary>
    public IEnumerable<ArraySegment<T>> Read(int part)
    {
        if (files[part] is { } file)
        {
            file.Position = 0;
            var chunk = new T[Buffered];
            for (var left = counts[part] - filled[part]; left > 0; left -= Buffered)
            {
                file.ReadExactly(MemoryMarshal.AsBytes(chunk.AsSpan()));
                yield return chunk;
            }
        }
        if (buffers[part] is { } rest) yield return new ArraySegment<T>(rest, 0, filled[part]);
    }

    void Write(int part, T[] buffer)
    {
        files[part] ??= SpillFile.Create(buffered: 0);
        // Reading moves the position; rows are only added before that.
        files[part]!.Write(MemoryMarshal.AsBytes(buffer.AsSpan()));
    }

    public void Dispose()
    {
        foreach (var file in files) file?.Dispose();
    }
}

/// <summary>Tells cheaply that a key is not in a set; that it may be, it says wrongly of one in a hundred.</summary>
sealed class KeyFilter(long keys)
{
    readonly ulong[] words = new ulong[System.Numerics.BitOperations.RoundUpToPowerOf2((ulong)Math.Clamp(keys / 6, 1024, 1 << 22))];

    public void Add(ulong key) => words[Word(key)] |= Bits(key);

    public bool MayHave(ulong key) => (words[Word(key)] & Bits(key)) == Bits(key);

    int Word(ulong key) => (int)(key & (ulong)(words.Length - 1));

    static ulong Bits(ulong key) => 1UL << (int)(key >> 58) | 1UL << (int)(key >> 52 & 63) | 1UL << (int)(key >> 46 & 63);
}

/// <summary>Finds rows by a hash: open addressing, rows with equal keys chained in their order. Made once, filled for one part after another.</summary>
sealed class RowTable
{
    int[] slots = [];
    int[] next = [];
    int mask;

    public void Clear(int rows)
    {
        var size = (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Math.Max(16, rows * 2));
        if (slots.Length < size) slots = new int[size];
        if (next.Length < rows) next = new int[rows];
        mask = size - 1;
        Array.Clear(slots, 0, size);
    }

    /// <returns>The first row with the same key, or -1: this one is.</returns>
    public int Add(int row, ulong hash, Func<int, int, bool> same)
    {
        next[row] = 0;
        for (var slot = Slot(hash); ; slot = (slot + 1) & mask)
        {
            if (slots[slot] == 0)
            {
                slots[slot] = row + 1;
                return -1;
            }
            var first = slots[slot] - 1;
            if (!same(first, row)) continue;
            // Behind the first; the order among the others does not matter.
            next[row] = next[first];
            next[first] = row + 1;
            return first;
        }
    }

    /// <returns>The first row with the key, or -1.</returns>
    public int Find(ulong hash, Func<int, bool> same)
    {
        for (var slot = Slot(hash); slots[slot] != 0; slot = (slot + 1) & mask)
            if (same(slots[slot] - 1)) return slots[slot] - 1;
        return -1;
    }

    /// <returns>Another row with the key of this one, or -1.</returns>
    public int Next(int row) => next[row] - 1;

    int Slot(ulong hash) => (int)(hash >> 3) & mask;
}
