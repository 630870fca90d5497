using System.Buffers;
using System.Buffers.Binary;
using System.Buffers.Text;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Purser.Server.Platform;

/// <summary>What a shopper's token turned out to be.</summary>
public enum TokenCheck
{
    Valid,
    /// <summary>Ours, but its time is over.</summary>
    Expired,
    /// <summary>Not made by us for this order.</summary>
    Foreign,
    Missing,
}

/// <summary>The link in a shopper's hand: who has the token of an order sees that order's pages. It is the hour of its end and a code over
/// both, so nothing is stored. Whenever one is handed out, its time begins then; a page that is opened with one hands on that one.</summary>
/// <param name="key">32 bytes, the same on every node; asked for at first use, when the database is there.</param>
/// <param name="lives">How long after it is handed out.</param>
public sealed class ShopperTokens(Func<byte[]> key, TimeProvider time, TimeSpan lives)
{
    public static readonly TimeSpan DefaultLife = TimeSpan.FromDays(90);

    const string KeyName = "shopper_tokens";
    const int KeyBytes = 32;
    const int HourBytes = 4;
    const int CodeBytes = 16;
    const int TokenBytes = HourBytes + CodeBytes;

    // A database that is away at the first use must not be remembered as a failure.
    readonly Lazy<byte[]> key = new(key, LazyThreadSafetyMode.PublicationOnly);

    public static ShopperTokens Of(InstallationStore installation, TimeProvider time, TimeSpan? lives = null) =>
        new(() => installation.Key(KeyName, KeyBytes), time, lives ?? DefaultLife);

    /// <summary>Reads the key, that the first shopper does not need the database for it.</summary>
    public void Load() => _ = key.Value;

    /// <summary>A token that is handed out now: 27 letters, digits, hyphens and underscores. On one day (of UTC) it is always the same one, which ends that long after the day.</summary>
    public string Now(OrderId order) => For(order, new DateTimeOffset(time.GetUtcNow().UtcDateTime.Date.AddDays(1), TimeSpan.Zero));

    /// <summary>The one token of an order that is always the same, as a frozen return address needs it. It ends that long after the latest end that an order may have.</summary>
    public string Frozen(OrderId order) => For(order, order.DrawnAt + PurserOptions.LongestOrderLife);

    /// <summary>A token whose time begins then, up to the next whole hour.</summary>
    public string For(OrderId order, DateTimeOffset from) => Token(order, (uint)Math.Ceiling((from + lives - DateTimeOffset.UnixEpoch).TotalHours));

    public TokenCheck Check(OrderId order, string? token)
    {
        if (string.IsNullOrEmpty(token)) return TokenCheck.Missing;
        Span<byte> given = stackalloc byte[TokenBytes];
        if (token.Length != Base64Url.GetEncodedLength(TokenBytes)
            || Base64Url.DecodeFromChars(token, given, out _, out var written) != OperationStatus.Done || written != TokenBytes)
            return TokenCheck.Foreign;
        var endHour = BinaryPrimitives.ReadUInt32BigEndian(given);
        // As text, for several texts decode to the same bytes and only one of them is the token.
        var right = Token(order, endHour);
        if (!CryptographicOperations.FixedTimeEquals(MemoryMarshal.AsBytes(token.AsSpan()), MemoryMarshal.AsBytes(right.AsSpan())))
            return TokenCheck.Foreign;
        return time.GetUtcNow() >= DateTimeOffset.UnixEpoch.AddHours(endHour) ? TokenCheck.Expired : TokenCheck.Valid;
    }

    string Token(OrderId order, uint endHour)
    {
        Span<byte> token = stackalloc byte[TokenBytes];
        BinaryPrimitives.WriteUInt32BigEndian(token, endHour);
        Code(order, endHour, token[HourBytes..]);
        return Base64Url.EncodeToString(token);
    }

    void Code(OrderId order, uint endHour, Span<byte> code)
    {
        Span<byte> message = stackalloc byte[6 + 8 + HourBytes];
        "order:"u8.CopyTo(message);
        BinaryPrimitives.WriteInt64BigEndian(message[6..], order.Value);
        BinaryPrimitives.WriteUInt32BigEndian(message[14..], endHour);
        Span<byte> whole = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(key.Value, message, whole);
        whole[..CodeBytes].CopyTo(code);
    }
}
