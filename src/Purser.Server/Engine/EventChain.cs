using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Purser.Orders;

namespace Purser.Server.Engine;

/// <summary>The hash of an event: SHA-256 over the hash before it, the order, the number, the type, the time and the data, byte for byte as
/// PostgreSQL sends them, so that a chain can be checked there without this program. The first event of an order follows the empty hash.</summary>
public static class EventChain
{
    const int Fixed = sizeof(long) + sizeof(int) + sizeof(short) + sizeof(long);
    const int TicksPerMicrosecond = 10;

    /// <summary>PostgreSQL counts microseconds from the year 2000.</summary>
    static readonly long Epoch = new DateTime(2000, 1, 1, 0, 0, 0, DateTimeKind.Utc).Ticks;

    public static byte[] Next(ReadOnlySpan<byte> before, OrderId order, int sequence, EventType type, DateTimeOffset at, string data)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(before.Length + Fixed + Encoding.UTF8.GetMaxByteCount(data.Length));
        try
        {
            before.CopyTo(buffer);
            var rest = buffer.AsSpan(before.Length);
            BinaryPrimitives.WriteInt64BigEndian(rest, order.Value);
            BinaryPrimitives.WriteInt32BigEndian(rest[8..], sequence);
            BinaryPrimitives.WriteInt16BigEndian(rest[12..], (short)type);
            BinaryPrimitives.WriteInt64BigEndian(rest[14..], (at.UtcTicks - Epoch) / TicksPerMicrosecond);
            var text = Encoding.UTF8.GetBytes(data, rest[Fixed..]);
            return SHA256.HashData(buffer.AsSpan(0, before.Length + Fixed + text));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
