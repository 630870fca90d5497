using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Purser.Server.Deliveries;

/// <summary>Signatures by Standard Webhooks 1.0.0: over the message's id, the attempt's time in Unix seconds and the body's bytes, joined by dots.</summary>
public static class WebhookSignature
{
    public const string SecretPrefix = "whsec_";
    const int SecretBytes = 32;

    public static string NewSecret() => SecretPrefix + Convert.ToBase64String(RandomNumberGenerator.GetBytes(SecretBytes));

    /// <param name="secrets">The newest first. A receiver that knows any of them is content, which is how they are changed without a gap.</param>
    /// <returns>The header's text: signatures with a space between.</returns>
    public static string Header(string id, DateTimeOffset at, ReadOnlySpan<byte> body, IEnumerable<string> secrets)
    {
        var signed = Signed(id, at, body);
        return string.Join(' ', secrets.Select(secret => Sign(secret, signed)));
    }

    static string Sign(string secret, byte[] signed)
    {
        // The key is what the base 64 stands for; the text itself as a key is the usual mistake.
        var key = Convert.FromBase64String(secret[SecretPrefix.Length..]);
        return "v1," + Convert.ToBase64String(HMACSHA256.HashData(key, signed));
    }

    static byte[] Signed(string id, DateTimeOffset at, ReadOnlySpan<byte> body)
    {
        var head = Encoding.UTF8.GetBytes($"{id}.{at.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture)}.");
        return [.. head, .. body];
    }
}
