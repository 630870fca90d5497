using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Purser.Client;

/// <summary>Reads Purser's webhooks, which follow Standard Webhooks 1.0.0, and refuses what is forged, changed or stale. One instance serves all requests. With
/// an endpoint's secret it verifies <c>v1</c>; with its public key <c>v1a</c>, by OpenSSL 3, for .NET has no Ed25519.</summary>
public sealed class PurserWebhooks
{
    /// <summary>How far a message's time may be off the clock, before or after: five minutes, as the official libraries have it.</summary>
    public static readonly TimeSpan Tolerance = TimeSpan.FromMinutes(5);

    const string Prefix = "whsec_";
    const string PublicPrefix = "whpk_";
    const string Version = "v1,";
    const string AsymmetricVersion = "v1a,";

    readonly byte[] key;
    readonly Ed25519? curve;
    readonly TimeProvider time;

    /// <param name="secret">The endpoint's secret, <c>whsec_</c> and base 64, or of one that signs by <c>v1a</c> the public key, <c>whpk_</c> and base 64. While they are
    /// rotated, the old and the new one both fit.</param>
    /// <param name="time">The clock; the system's when left out.</param>
    /// <exception cref="ArgumentException">It is neither.</exception>
    /// <exception cref="PlatformNotSupportedException">It is a public key, and OpenSSL 3 is not on this machine.</exception>
    public PurserWebhooks(string secret, TimeProvider? time = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(secret);
        var text = secret.Trim();
        this.time = time ?? TimeProvider.System;
        if (text.StartsWith(PublicPrefix, StringComparison.Ordinal))
        {
            key = Bytes(text[PublicPrefix.Length..]);
            if (key.Length != Ed25519.PublicBytes)
                throw new ArgumentException("The public key is not whpk_ followed by 32 bytes in base 64; it stands in what the API says of the endpoint.", nameof(secret));
            curve = Ed25519.OfThisMachine ??
                throw new PlatformNotSupportedException("Signatures of v1a are checked by OpenSSL 3, which is not on this machine. Install it, or make the endpoint without 'signature'.");
            return;
        }
        key = Bytes(text.StartsWith(Prefix, StringComparison.Ordinal) ? text[Prefix.Length..] : text);
        if (key.Length is < 24 or > 64)
            throw new ArgumentException("The secret is not whsec_ followed by 24 to 64 bytes in base 64; it stands in the answer that made the endpoint.", nameof(secret));
    }

    /// <returns>Empty when it is no base 64.</returns>
    static byte[] Bytes(string text)
    {
        var bytes = new byte[text.Length];
        return Convert.TryFromBase64String(text, bytes, out var length) ? bytes[..length] : [];
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

        return signatures.Split(' ').Any(curve is null ? BySecret(id, timestamp!, body) : ByPublicKey(curve, id, timestamp!, body)) ? null
            : "No signature fits: the message was changed, or signed with another secret.";
    }

    Func<string, bool> BySecret(string id, string timestamp, ReadOnlySpan<byte> body)
    {
        using var hash = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, key);
        hash.AppendData(Head(id, timestamp));
        hash.AppendData(body);
        var right = hash.GetHashAndReset();
        return signature => signature.StartsWith(Version, StringComparison.Ordinal) && CryptographicOperations.FixedTimeEquals(Bytes(signature[Version.Length..]), right);
    }

    Func<string, bool> ByPublicKey(Ed25519 verifier, string id, string timestamp, ReadOnlySpan<byte> body)
    {
        byte[] message = [.. Head(id, timestamp), .. body];
        return signature => signature.StartsWith(AsymmetricVersion, StringComparison.Ordinal) && Bytes(signature[AsymmetricVersion.Length..]) is { Length: Ed25519.SignatureBytes } given &&
            verifier.Fits(key, message, given);
    }

    static byte[] Head(string id, string timestamp) => Encoding.UTF8.GetBytes($"{id}.{timestamp}.");
}
