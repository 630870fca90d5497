using System.Collections.Immutable;
using System.Globalization;
using System.Text;

namespace Purser.Gateways.Stripe;

/// <summary>Their webhook signature: <c>t=seconds,v1=hex[,v1=hex...]</c>, an HMAC over the time, a point and the raw body, under the whole
/// secret with its prefix. Each delivery has a new time. The check in earnest, and the same step by step for a person's eyes.</summary>
static class StripeSignature
{
    public const string Header = "Stripe-Signature";

    /// <summary>Older or further ahead than this is a replay or a wrong clock.</summary>
    const long ToleranceSeconds = 300;

    /// <summary>There is one v1 for each active secret; more than a few is somebody who wants us to compute.</summary>
    const int MostSignatures = 16;

    public static ImmutableArray<SignatureRecipe> All { get; } =
        [new("webhook", "The time in the header, a point and the body byte for byte, under the endpoint's whole secret.", Show)];

    /// <summary>Why it does not hold, or null when it does.</summary>
    public static string? Refuses(string? header, ReadOnlySpan<byte> body, IReadOnlyList<string> secrets, DateTimeOffset now)
    {
        if (Read(header, out var time, out var given) is { } unreadable) return unreadable;
        var message = Message(time, body);
        var right = false;
        foreach (var signature in given) right |= HexSignature.IsHmacSha256(secrets, message, signature);
        if (!right) return "wrong signature";
        // The time is signed too, so it is judged last.
        return Age(time, now) > ToleranceSeconds ? "too old or too far ahead" : null;
    }

    /// <summary>Why the header cannot be read, or null.</summary>
    static string? Read(string? header, out string time, out List<string> given)
    {
        (time, given) = ("", []);
        if (header is null) return "no signature";
        string? found = null;
        foreach (var part in header.Split(',', StringSplitOptions.TrimEntries))
        {
            if (part.StartsWith("t=", StringComparison.Ordinal))
            {
                if (found is not null) return "two times";
                found = part[2..];
            }
            // v0 is a dummy of the test mode.
            else if (part.StartsWith("v1=", StringComparison.Ordinal)) given.Add(part[3..]);
        }
        if (!long.TryParse(found, NumberStyles.None, CultureInfo.InvariantCulture, out _)) return "no time";
        time = found;
        return given.Count is 0 or > MostSignatures ? "no v1 signature" : null;
    }

    static byte[] Message(string time, ReadOnlySpan<byte> body) => [.. Encoding.ASCII.GetBytes($"{time}."), .. body];

    static decimal Age(string time, DateTimeOffset now) => Math.Abs((decimal)now.ToUnixTimeSeconds() - long.Parse(time, CultureInfo.InvariantCulture));

    static SignatureTrace Show(RawMessage message, GatewayAccount account)
    {
        var (header, secrets) = (message.Header(Header), account.SeveralSettings(StripeGateway.WebhookSecret));
        var steps = ImmutableArray.CreateBuilder<SignatureStep>();
        if (Read(header, out var time, out var given) is { } unreadable)
        {
            steps.Add(new($"The header {Header}", header is null ? "" : Cut(header), $"{unreadable}; v0 counts for nothing."));
            return new(steps.ToImmutable(), null, null, Right: false);
        }
        steps.Add(new($"The header {Header}", Cut(header!), $"t is the time of this delivery; one of {given.Count} v1 must fit."));
        var signed = Message(time, message.Body.Span);
        steps.Add(new("Time, a point, the body as it came", Cut(Encoding.UTF8.GetString(signed)), $"{signed.Length} bytes. The body is not read and written again: its blanks and line ends count."));
        if (secrets.Count == 0)
        {
            steps.Add(new($"The setting {StripeGateway.WebhookSecret}", "", "It is not there, so nothing can be expected."));
            return new(steps.ToImmutable(), Cut(given[0]), null, Right: false);
        }
        // Of several secrets and signatures those that fit are shown, else the first.
        var secret = secrets.FirstOrDefault(s => given.Exists(g => HexSignature.IsHmacSha256(s, signed, g))) ?? secrets[0];
        var expected = HexSignature.HmacSha256(secret, signed);
        var shown = given.Find(g => g == expected) ?? given[0];
        steps.Add(new($"The setting {StripeGateway.WebhookSecret}", $"{Redaction.Mark} ({secret.Length} characters)", "The whole text as UTF-8, with its prefix and not decoded."));
        steps.Add(new("HMAC-SHA256 in hex, small letters", expected));
        if (shown != expected) steps.Add(new("Compare", "different", Mistake(message.Body.Span, time, shown, secrets)));
        steps.Add(new("Age of the delivery", $"{Age(time, message.ReceivedAt).ToString(CultureInfo.InvariantCulture)} seconds", $"At most {ToleranceSeconds}, either way."));
        return new(steps.ToImmutable(), Cut(shown), expected, Refuses(header, message.Body.Span, secrets, message.ReceivedAt) is null);

        // Somebody may have put a secret itself where it does not belong.
        string Cut(string text) => secrets.Aggregate(text, (rest, s) => rest.Replace(s, Redaction.Mark, StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>The mistakes that others made before.</summary>
    static string Mistake(ReadOnlySpan<byte> body, string time, string given, IReadOnlyList<string> secrets)
    {
        const string Prefix = "whsec_";
        var signed = Message(time, body);
        if (HexSignature.IsHmacSha256(secrets, signed, given.ToLowerInvariant())) return "The same but for capital letters.";
        if (HexSignature.IsHmacSha256(secrets.Select(s => s.Replace(Prefix, "", StringComparison.Ordinal)), signed, given)) return "The secret was used without its prefix whsec_.";
        if (HexSignature.IsHmacSha256(secrets, body, given)) return "The time and the point are missing in front of the body.";
        var trimmed = Encoding.UTF8.GetString(body).Trim();
        return HexSignature.IsHmacSha256(secrets, Message(time, Encoding.UTF8.GetBytes(trimmed)), given)
            ? "It was made without the blanks or line ends around the body."
            : "Another secret, another time, or other bytes. The secret of the command line's listener differs from the dashboard's.";
    }
}
