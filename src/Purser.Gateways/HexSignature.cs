using System.Security.Cryptography;
using System.Text;

namespace Purser.Gateways;

/// <summary>A keyed hash written as lower-case hex, as most gateways sign. Compared as text and in constant time, so that upper case or a
/// cut signature is as wrong as any other.</summary>
public static class HexSignature
{
    /// <summary>HMAC-SHA256 under the UTF-8 bytes of the secret.</summary>
    public static string HmacSha256(string secret, ReadOnlySpan<byte> message) =>
        Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), message));

    public static bool IsHmacSha256(string secret, ReadOnlySpan<byte> message, string given) =>
        CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(HmacSha256(secret, message)), Encoding.UTF8.GetBytes(given));

    /// <summary>Right under any of the secrets; there are several while one is being replaced.</summary>
    public static bool IsHmacSha256(IEnumerable<string> secrets, ReadOnlySpan<byte> message, string given)
    {
        var right = false;
        foreach (var secret in secrets) right |= IsHmacSha256(secret, message, given);
        return right;
    }

    /// <summary>A name for a message that has none of its own: the same bytes have the same name.</summary>
    public static string NameOf(ReadOnlySpan<byte> message) => "sha256-" + Convert.ToHexStringLower(SHA256.HashData(message));
}
