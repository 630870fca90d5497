using System.Runtime.InteropServices;

namespace Purser.Reconciliation;

/// <summary>64 bits that tell texts and rows apart. They are stored, so the same text has the same bits for ever, in every process. Not for
/// secrets; whoever decides something by equal bits compares the texts too.</summary>
public static class RowHash
{
    const ulong First = 0x9E3779B97F4A7C15;
    const ulong Second = 0xD6E8FEB86659FD93;
    const ulong Third = 0xA0761D6478BD642F;

    /// <summary>Of a row's key: what makes it the same row in another file.</summary>
    public static ulong Key(string rowKey) => Text(First, rowKey);

    /// <summary>Of all that a row says; what is read from it and not how it was written.</summary>
    public static ulong Content(SettlementLine line) => line is { Payment: null, Refund: { } refund } ? Mix(Earlier(line), (ulong)refund.Order.Value, Third) : Earlier(line);

    /// <summary>As older programs kept it: of a refund that no payment stands beside, its number and not its order.</summary>
    public static ulong Earlier(SettlementLine line)
    {
        var hash = Mix(Third, (ulong)line.Kind + 1, (ulong)line.Amount.MinorUnits);
        hash = Mix(hash, Code(line.Amount.Currency), (ulong)line.Net.MinorUnits);
        hash = Mix(hash, Code(line.Net.Currency), Number(line.Fee));
        hash = Mix(hash, Number(line.Tax), (ulong)(line.Payment?.Order.Value ?? 0));
        hash = Mix(hash, (ulong)(line.Payment?.Number ?? 0), (ulong)(line.Refund?.Number ?? 0));
        hash = Mix(hash, (ulong)(line.HappenedAt?.UtcTicks ?? 0), (ulong)(line.SettledOn?.DayNumber ?? 0));
        if (line.MoneyReference is { } money) hash = Text(hash, money);
        if (line.RefundReference is { } refund) hash = Text(hash ^ Second, refund);
        if (line.PayoutReference is { } payout) hash = Text(hash ^ First, payout);
        return hash;
    }

    /// <summary>Of our own name for a payment.</summary>
    public static ulong Payment(long order, int number) => Mix(First, (ulong)order, (ulong)number);

    static ulong Number(Money? money) => money is { } some ? (ulong)some.MinorUnits ^ Second : First;

    static ulong Code(Currency currency) => ((ulong)currency.Code[0] << 32) | ((ulong)currency.Code[1] << 16) | currency.Code[2];

    static ulong Text(ulong seed, string text)
    {
        var bytes = MemoryMarshal.AsBytes(text.AsSpan());
        var hash = Mix(seed, (ulong)bytes.Length, Third);
        while (bytes.Length >= 16)
        {
            hash = Mix(hash, MemoryMarshal.Read<ulong>(bytes), MemoryMarshal.Read<ulong>(bytes[8..]));
            bytes = bytes[16..];
        }
        Span<byte> rest = stackalloc byte[16];
        rest.Clear();
        bytes.CopyTo(rest);
        return Mix(hash, MemoryMarshal.Read<ulong>(rest), MemoryMarshal.Read<ulong>(rest[8..]) ^ Second);
    }

    static ulong Mix(ulong seed, ulong one, ulong other)
    {
        var high = Math.BigMul(one ^ seed ^ First, other ^ Second ^ (seed << 32 | seed >> 32), out var low);
        var once = high ^ low ^ seed;
        high = Math.BigMul(once ^ Third, once << 29 | once >> 35 | 1, out low);
        return high ^ low ^ once;
    }
}
