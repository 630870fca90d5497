using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace Purser;

/// <summary>An order's id: 63 bits, the upper 42 the milliseconds since 1970, the lower 21 drawn; so ids sort by time. Written as
/// <c>ord_</c> and 13 letters and digits in Crockford's base 32, lower case. Not a secret.</summary>
public readonly record struct OrderId(long Value) : IComparable<OrderId>
{
    public const string Prefix = "ord_";

    /// <summary>The 13 letters and digits after the prefix.</summary>
    public string Letters => Crockford.Write(Value);

    /// <summary>When the id was drawn, by the clock of the process that drew it.</summary>
    public DateTimeOffset DrawnAt => DateTimeOffset.FromUnixTimeMilliseconds(Value >> Ids.DrawnBits);

    /// <summary>No order that was drawn at this time or later has a smaller id.</summary>
    public static OrderId FirstAt(DateTimeOffset time) => new(Math.Max(0, time.ToUnixTimeMilliseconds()) << Ids.DrawnBits);

    public static bool TryParse([NotNullWhen(true)] string? text, out OrderId id)
    {
        id = default;
        return text is not null && text.StartsWith(Prefix, StringComparison.Ordinal) && TryParseLetters(text.AsSpan(Prefix.Length), out id);
    }

    public int CompareTo(OrderId other) => Value.CompareTo(other.Value);

    public override string ToString() => Prefix + Letters;

    internal static bool TryParseLetters(ReadOnlySpan<char> letters, out OrderId id)
    {
        var read = Crockford.TryRead(letters, out var value);
        id = new OrderId(value);
        return read;
    }
}

/// <summary>A payment is its order and its number there (1, 2, 3): <c>pay_01jd8xk3m4n7p_1</c>.</summary>
public readonly record struct PaymentId(OrderId Order, int Number)
{
    public const string Prefix = "pay_";

    /// <summary>Our reference for the payment at a gateway, and the idempotency key made from it: the order's 13 letters, <c>p</c>, the number.
    /// Letters and digits only and at most 20 long, which every gateway's reference field takes.</summary>
    public string Reference => $"{Order.Letters}p{Number}";

    public static bool TryParse([NotNullWhen(true)] string? text, out PaymentId id)
    {
        id = default;
        if (!NumberedId.TryParse(text, Prefix, out var order, out var number)) return false;
        id = new PaymentId(order, number);
        return true;
    }

    /// <summary>Reads our reference back from a gateway's message. Gateways may change its case.</summary>
    public static bool TryParseReference([NotNullWhen(true)] string? reference, out PaymentId id)
    {
        id = default;
        if (!NumberedId.TryParseReference(reference, 'p', out var order, out var number)) return false;
        id = new PaymentId(order, number);
        return true;
    }

    public override string ToString() => $"{Prefix}{Order.Letters}_{Number}";
}

/// <summary>A refund is its order and its number there: <c>ref_01jd8xk3m4n7p_1</c>.</summary>
public readonly record struct RefundId(OrderId Order, int Number)
{
    public const string Prefix = "ref_";

    /// <summary>Our reference for the refund at a gateway, and the idempotency key made from it: the order's 13 letters, <c>r</c>, the number.</summary>
    public string Reference => $"{Order.Letters}r{Number}";

    /// <summary>Reads our reference back from a gateway's message. Gateways may change its case.</summary>
    public static bool TryParseReference([NotNullWhen(true)] string? reference, out RefundId id)
    {
        id = default;
        if (!NumberedId.TryParseReference(reference, 'r', out var order, out var number)) return false;
        id = new RefundId(order, number);
        return true;
    }

    public static bool TryParse([NotNullWhen(true)] string? text, out RefundId id)
    {
        id = default;
        if (!NumberedId.TryParse(text, Prefix, out var order, out var number)) return false;
        id = new RefundId(order, number);
        return true;
    }

    public override string ToString() => $"{Prefix}{Order.Letters}_{Number}";
}

/// <summary>What payments and refunds are called: an order's letters, a separator, a number.</summary>
static class NumberedId
{
    const int LongestReference = 20;

    public static bool TryParse([NotNullWhen(true)] string? text, string prefix, out OrderId order, out int number)
    {
        (order, number) = (default, 0);
        return text is not null && text.StartsWith(prefix, StringComparison.Ordinal) && TryParse(text.AsSpan(prefix.Length), '_', out order, out number);
    }

    public static bool TryParseReference([NotNullWhen(true)] string? reference, char separator, out OrderId order, out int number)
    {
        (order, number) = (default, 0);
        // Beyond ASCII there are letters that become ours in lower case, such as the Kelvin sign.
        return reference is { Length: <= LongestReference } && Ascii.IsValid(reference)
            && TryParse(reference.ToLowerInvariant().AsSpan(), separator, out order, out number);
    }

    static bool TryParse(ReadOnlySpan<char> text, char separator, out OrderId order, out int number)
    {
        (order, number) = (default, 0);
        if (text.Length < Crockford.Length + 2 || text[Crockford.Length] != separator) return false;
        if (!OrderId.TryParseLetters(text[..Crockford.Length], out order)) return false;
        var digits = text[(Crockford.Length + 1)..];
        // Digits are checked one by one, for int.TryParse takes trailing NUL characters as if they were not there.
        return digits[0] != '0' && !digits.ContainsAnyExceptInRange('0', '9')
            && int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out number);
    }
}

/// <summary>Draws order ids. In each millisecond it starts at chance and counts up, so one process never repeats itself; two processes
/// that meet are told apart by the primary key, and the id is drawn again.</summary>
public sealed class Ids(TimeProvider time, Random chance)
{
    internal const int DrawnBits = 21;
    readonly Lock door = new();
    long last;

    public OrderId NextOrder()
    {
        var milliseconds = time.GetUtcNow().ToUnixTimeMilliseconds();
        lock (door)
        {
            // A clock that stands still or steps back continues the count of the latest millisecond.
            last = milliseconds > last >> DrawnBits
                ? milliseconds << DrawnBits | (long)chance.Next(1 << (DrawnBits - 1))
                : last + 1;
            return new OrderId(last);
        }
    }
}

/// <summary>Base 32 by Douglas Crockford, fixed length, lower case: no i, l, o, u, so that an id can be read over the phone.</summary>
static class Crockford
{
    public const int Length = 13;
    const string Alphabet = "0123456789abcdefghjkmnpqrstvwxyz";

    public static string Write(long value) => string.Create(Length, value, static (span, rest) =>
    {
        for (var i = Length - 1; i >= 0; i--, rest >>= 5) span[i] = Alphabet[(int)(rest & 31)];
    });

    public static bool TryRead(ReadOnlySpan<char> text, out long value)
    {
        value = 0;
        if (text.Length != Length || text[0] > '7') return false;
        foreach (var c in text)
        {
            var digit = Alphabet.IndexOf(c, StringComparison.Ordinal);
            if (digit < 0) return false;
            value = value << 5 | (long)digit;
        }
        return value > 0;
    }
}
