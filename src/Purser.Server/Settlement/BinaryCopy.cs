using System.Buffers.Binary;
using System.Text;

namespace Purser.Server.Settlement;

/// <summary>Rows as PostgreSQL's binary COPY takes them, in memory. Npgsql's own importer binds a parameter for each cell, which for a statement's
/// twenty columns costs more than reading the statement.</summary>
/// <remarks>The format is chapter COPY of PostgreSQL's manual: each cell is its length and its bytes, big-endian; a length of -1 is null.</remarks>
sealed class BinaryCopy
{
    const int MostBytesOfALetter = 3;

    /// <summary>The signature, and that there are neither flags nor an extension.</summary>
    static ReadOnlySpan<byte> Head => [(byte)'P', (byte)'G', (byte)'C', (byte)'O', (byte)'P', (byte)'Y', (byte)'\n', 0xff, (byte)'\r', (byte)'\n', 0, 0, 0, 0, 0, 0, 0, 0, 0];

    static readonly long Epoch = new DateTime(2000, 1, 1, 0, 0, 0, DateTimeKind.Utc).Ticks;
    static readonly int EpochDay = new DateOnly(2000, 1, 1).DayNumber;

    byte[] buffer = new byte[64 * 1024];
    int end;

    /// <summary>Forgets what was written, and begins anew.</summary>
    public void Begin()
    {
        Head.CopyTo(buffer);
        end = Head.Length;
    }

    public void Row(int cells) => BinaryPrimitives.WriteInt16BigEndian(Take(2), (short)cells);

    /// <summary>All of it, ended.</summary>
    public ReadOnlySpan<byte> Complete()
    {
        BinaryPrimitives.WriteInt16BigEndian(Take(2), -1);
        return buffer.AsSpan(0, end);
    }

    public void Null() => BinaryPrimitives.WriteInt32BigEndian(Take(4), -1);

    public void Write(short value) => BinaryPrimitives.WriteInt16BigEndian(Cell(2), value);

    public void Write(int value) => BinaryPrimitives.WriteInt32BigEndian(Cell(4), value);

    public void Write(long value) => BinaryPrimitives.WriteInt64BigEndian(Cell(8), value);

    public void Write(DateTimeOffset value) => Write((value.UtcTicks - Epoch) / TimeSpan.TicksPerMicrosecond);

    public void Write(DateOnly value) => Write(value.DayNumber - EpochDay);

    public void Write(long? value)
    {
        if (value is { } some) Write(some);
        else Null();
    }

    public void Write(string? text)
    {
        if (text is null)
        {
            Null();
            return;
        }
        Need(4 + (text.Length * MostBytesOfALetter));
        var length = Encoding.UTF8.GetBytes(text, buffer.AsSpan(end + 4));
        BinaryPrimitives.WriteInt32BigEndian(buffer.AsSpan(end), length);
        end += 4 + length;
    }

    public void Write(ReadOnlySpan<byte> bytes) => bytes.CopyTo(Cell(bytes.Length));

    Span<byte> Cell(int length)
    {
        BinaryPrimitives.WriteInt32BigEndian(Take(4), length);
        return Take(length);
    }

    Span<byte> Take(int length)
    {
        Need(length);
        end += length;
        return buffer.AsSpan(end - length, length);
    }

    void Need(int length)
    {
        if (buffer.Length - end < length) Array.Resize(ref buffer, Math.Max(buffer.Length * 2, end + length));
    }
}

/// <summary>Reads rows as PostgreSQL's binary COPY gives them.</summary>
sealed class BinaryCopyRows(Stream from)
{
    const int Signature = 11;

    byte[] buffer = new byte[64 * 1024];
    int at, end;

    /// <summary>Passes over what stands before the first row.</summary>
    public void Begin()
    {
        Need(Signature + 8);
        at += Signature + 4;
        var more = ReadInt();
        Need(more);
        at += more;
    }

    /// <summary>False behind the last row.</summary>
    public bool Next()
    {
        Need(2);
        at += 2;
        return BinaryPrimitives.ReadInt16BigEndian(buffer.AsSpan(at - 2)) >= 0;
    }

    public short Short() => BinaryPrimitives.ReadInt16BigEndian(Cell());

    public int Int() => BinaryPrimitives.ReadInt32BigEndian(Cell());

    public long Long() => BinaryPrimitives.ReadInt64BigEndian(Cell());

    /// <summary>Good until the next cell is asked for.</summary>
    public ReadOnlySpan<byte> Cell()
    {
        var length = ReadInt();
        if (length < 0) throw new InvalidDataException("A column that is never null is.");
        Need(length);
        at += length;
        return buffer.AsSpan(at - length, length);
    }

    int ReadInt()
    {
        Need(4);
        at += 4;
        return BinaryPrimitives.ReadInt32BigEndian(buffer.AsSpan(at - 4));
    }

    void Need(int length)
    {
        if (end - at >= length) return;
        buffer.AsSpan(at, end - at).CopyTo(buffer);
        (at, end) = (0, end - at);
        if (length > buffer.Length) Array.Resize(ref buffer, Math.Max(buffer.Length * 2, length));
        while (end < length)
        {
            var count = from.Read(buffer, end, buffer.Length - end);
            if (count == 0) throw new EndOfStreamException("The copy ended within a row.");
            end += count;
        }
    }
}
