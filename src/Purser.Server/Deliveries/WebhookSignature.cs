using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Purser.Server.Platform;

namespace Purser.Server.Deliveries;

/// <summary>What an endpoint's messages are signed with.</summary>
/// <param name="Secret"><c>whsec_</c> for <c>v1</c>, <c>whsk_</c> for <c>v1a</c>.</param>
/// <param name="PublicKey">Of <c>v1a</c>: <c>whpk_</c>, for the receiver. Null where the secret itself is shared.</param>
public sealed record SigningKey(string Secret, string? PublicKey);

/// <summary>Signatures by Standard Webhooks 1.0.0: over the message's id, the attempt's time in Unix seconds and the body's bytes, joined by dots. <c>v1</c> is
/// an HMAC with a shared secret; <c>v1a</c> is Ed25519, so that whoever checks cannot sign.</summary>
public static class WebhookSignature
{
    public const string Shared = "v1";
    public const string Asymmetric = "v1a";
    public const string SecretPrefix = "whsec_";
    const string PrivatePrefix = "whsk_";
    const string PublicPrefix = "whpk_";
    const int SecretBytes = 32;

    /// <summary>Whether this machine can sign by Ed25519.</summary>
    public static bool KnowsAsymmetric => Ed25519.OfThisMachine is not null;

    /// <summary>Why no such key can be made here; null when it can.</summary>
    internal static FieldFault? Fault(bool asymmetric, Ed25519? here) => !asymmetric || here is not null ? null
        : new("signature", "This node has no OpenSSL 3 (libcrypto.so.3), which v1a is signed with.", "Install it on every node, or use v1.");

    public static string NewSecret() => SecretPrefix + Convert.ToBase64String(RandomNumberGenerator.GetBytes(SecretBytes));

    public static SigningKey NewKey(bool asymmetric)
    {
        if (!asymmetric) return new SigningKey(NewSecret(), null);
        var seed = RandomNumberGenerator.GetBytes(Ed25519.SeedBytes);
        var shown = Curve.PublicKey(seed);
        return new SigningKey(PrivatePrefix + Convert.ToBase64String([.. seed, .. shown]), PublicPrefix + Convert.ToBase64String(shown));
    }

    /// <summary>Whether this machine can sign with this secret.</summary>
    public static bool CanSign(string secret) => KnowsAsymmetric || !IsAsymmetric(secret);

    /// <param name="secrets">The newest first. A receiver that knows any of them is content, which is how they are changed without a gap.</param>
    /// <returns>The header's text: signatures with a space between.</returns>
    public static string Header(string id, DateTimeOffset at, ReadOnlySpan<byte> body, IEnumerable<string> secrets)
    {
        var signed = Signed(id, at, body);
        return string.Join(' ', secrets.Select(secret => Sign(secret, signed)));
    }

    static string Sign(string secret, byte[] signed)
    {
        if (IsAsymmetric(secret))
            return $"{Asymmetric},{Convert.ToBase64String(Curve.Signature(Convert.FromBase64String(secret[PrivatePrefix.Length..])[..Ed25519.SeedBytes], signed))}";
        // The key is what the base 64 stands for; the text itself as a key is the usual mistake.
        var key = Convert.FromBase64String(secret[SecretPrefix.Length..]);
        return $"{Shared},{Convert.ToBase64String(HMACSHA256.HashData(key, signed))}";
    }

    static bool IsAsymmetric(string secret) => secret.StartsWith(PrivatePrefix, StringComparison.Ordinal);

    static Ed25519 Curve => Ed25519.OfThisMachine ?? throw new InvalidOperationException("There is no OpenSSL 3 to sign by Ed25519 with.");

    static byte[] Signed(string id, DateTimeOffset at, ReadOnlySpan<byte> body)
    {
        var head = Encoding.UTF8.GetBytes($"{id}.{at.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture)}.");
        return [.. head, .. body];
    }
}
