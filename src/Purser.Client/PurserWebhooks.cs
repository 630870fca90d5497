using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Purser.Client;

/// <summary>Reads Purser's webhooks, which follow Standard Webhooks 1.0.0, and refuses what is forged, changed or stale. One instance serves all requests. It verifies
/// <c>v1</c>, an endpoint's shared secret; <c>v1a</c> it does not, for .NET has no Ed25519.</summary>
public sealed class PurserWebhooks
{
    /// <summary>How far a message's time may be off the clock, before or after: five minutes, as the official libraries have it.</summary>
    public static readonly TimeSpan Tolerance = TimeSpan.FromMinutes(5);

    const string Prefix = "whsec_";
    const string Version = "v1,";

    readonly byte[] key;
    readonly TimeProvider time;

    /// <param name="secret">The endpoint's secret: <c>whsec_</c> and base 64. While it is rotated, the old and the new one both fit.</param>
    /// <param name="time">The clock; the system's when left out.</param>
    /// <exception cref="ArgumentException">The secret is not one.</exception>
    public PurserWebhooks(string secret, TimeProvider? time = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(secret);
        var text = secret.Trim();
        if (text.StartsWith("whpk_", StringComparison.Ordinal))
            throw new ArgumentException("This is the public key of an endpoint that signs by v1a (Ed25519), which this class does not verify. Make the endpoint without 'signature', or verify with a library that knows Ed25519.", nameof(secret));
        if (text.StartsWith(Prefix, StringComparison.Ordinal)) text = text[Prefix.Length..];
        key = new byte[text.Length];
        if (!Convert.TryFromBase64String(text, key, out var length) || length is < 24 or > 64)
            throw new ArgumentException("The secret is not whsec_ followed by 24 to 64 bytes in base 64; it stands in the answer that made the endpoint.", nameof(secret));
        Array.Resize(ref key, length);
        this.time = time ?? TimeProvider.System;
    }

    /// <summary>Verifies a message and reads it. When it returns false, answer 401 and do nothing.</summary>
    /// <param name="body">The bytes as they came, before anything parsed them.</param>
    /// <param name="header">A header's value by its name, null or empty when it is missing: <c>name => request.Headers[name]</c>.</param>
    /// <param name="news">What happened. Handle it once for its <see cref="PurserEvent.Id"/>: it may come again.</param>
    /// <param name="why">Why it is refused: for your log, not for the sender.</param>
    public bool TryRead(ReadOnlySpan<byte> body, Func<string, string?> header, [NotNullWhen(true)] out PurserEvent? news, [NotNullWhen(false)] out string? why)
    {
        ArgumentNullException.ThrowIfNull(header);
        news = null;
        why = Fault(body, header("webhook-id"), header("webhook-timestamp"), header("webhook-signature"));
        if (why is not null) return false;
        try
        {
            news = JsonSerializer.Deserialize(body, PurserJson.Default.PurserEvent);
        }
        catch (JsonException e)
        {
            why = $"The signature is right, and the body is no event: {e.Message}";
            return false;
        }
        why = news is null ? "The body is null." : null;
        return why is null;
    }

    string? Fault(ReadOnlySpan<byte> body, string? id, string? timestamp, string? signatures)
    {
        if (string.IsNullOrEmpty(id)) return "The header webhook-id is missing.";
        if (!long.TryParse(timestamp, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)) return "The header webhook-timestamp is missing or no number.";
        // As a difference of whole seconds: a number out of a calendar's reach is merely far off.
        var off = Math.Abs((decimal)time.GetUtcNow().ToUnixTimeSeconds() - seconds);
        if (off > (decimal)Tolerance.TotalSeconds) return $"The message's time is {off} seconds off.";
        if (string.IsNullOrEmpty(signatures)) return "The header webhook-signature is missing.";

        Span<byte> right = stackalloc byte[HMACSHA256.HashSizeInBytes];
        using (var hash = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, key))
        {
            hash.AppendData(Encoding.UTF8.GetBytes($"{id}.{timestamp}."));
            hash.AppendData(body);
            hash.GetHashAndReset(right);
        }
        Span<byte> given = stackalloc byte[HMACSHA256.HashSizeInBytes];
        foreach (var signature in signatures.Split(' '))
            if (signature.StartsWith(Version, StringComparison.Ordinal) && Convert.TryFromBase64String(signature[Version.Length..], given, out var length) &&
                length == right.Length && CryptographicOperations.FixedTimeEquals(given, right))
                return null;
        return "No signature fits: the message was changed, or signed with another secret.";
    }
}
