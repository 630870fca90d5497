using System.Globalization;
using System.Text;

namespace Purser.Gateways.Stripe;

/// <summary>Their webhook signature: <c>t=seconds,v1=hex[,v1=hex...]</c>, an HMAC over the time, a point and the raw body, under the whole
/// secret with its prefix. Each delivery has a new time.</summary>
static class StripeSignature
{
    public const string Header = "Stripe-Signature";

    /// <summary>Older or further ahead than this is a replay or a wrong clock.</summary>
    const long ToleranceSeconds = 300;

    /// <summary>There is one v1 for each active secret; more than a few is somebody who wants us to compute.</summary>
    const int MostSignatures = 16;

    /// <summary>Why it does not hold, or null when it does.</summary>
    public static string? Refuses(string? header, ReadOnlySpan<byte> body, IReadOnlyList<string> secrets, DateTimeOffset now)
    {
        if (header is null) return "no signature";
        string? time = null;
        var given = new List<string>();
        foreach (var part in header.Split(',', StringSplitOptions.TrimEntries))
        {
            if (part.StartsWith("t=", StringComparison.Ordinal))
            {
                if (time is not null) return "two times";
                time = part[2..];
            }
            // v0 is a dummy of the test mode.
            else if (part.StartsWith("v1=", StringComparison.Ordinal)) given.Add(part[3..]);
        }
        if (!long.TryParse(time, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)) return "no time";
        if (given.Count is 0 or > MostSignatures) return "no v1 signature";

        var stamp = Encoding.ASCII.GetBytes($"{time}.");
        var message = new byte[stamp.Length + body.Length];
        stamp.CopyTo(message, 0);
        body.CopyTo(message.AsSpan(stamp.Length));
        var right = false;
        foreach (var signature in given) right |= HexSignature.IsHmacSha256(secrets, message, signature);
        if (!right) return "wrong signature";
        // The time is signed too, so it is judged last.
        return Math.Abs((decimal)now.ToUnixTimeSeconds() - seconds) > ToleranceSeconds ? "too old or too far ahead" : null;
    }
}
