using System.Security.Cryptography;
using System.Text;

namespace Purser.Gateways.Paytm;

/// <summary>Their checksum in both directions: a hash with a salt, encrypted under the merchant key. It covers the values of a form without their
/// names, or the bytes of a JSON body; no time is in it, so what was right once is right for ever.</summary>
static class PaytmChecksum
{
    public const string Field = "CHECKSUMHASH";
    public const int KeyLength = 16;

    const int SaltLength = 4;
    const int HashLength = 64;

    static readonly byte[] Start = "@@@@&&&&####$$$$"u8.ToArray();

    /// <summary>The salt comes from the text instead of from chance, so that the same request has the same bytes however often it is made.</summary>
    public static string Sign(ReadOnlySpan<byte> text, string key) => Sign(text, key, Salt(text, key));

    public static string Sign(ReadOnlySpan<byte> text, string key, string salt)
    {
        using var aes = Cipher(key);
        return Convert.ToBase64String(aes.EncryptCbc(Encoding.ASCII.GetBytes(Hash(text, salt) + salt), Start));
    }

    /// <summary>Never throws for what a stranger may send.</summary>
    public static bool IsRight(ReadOnlySpan<byte> text, string key, string? given) =>
        Open(key, given) is { } plain
        && CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(Hash(text, plain[HashLength..]) + plain[HashLength..]), Encoding.ASCII.GetBytes(plain));

    /// <summary>The same for a form. Some of their kits sign the word null as nothing.</summary>
    public static bool IsRight(IReadOnlyDictionary<string, string> fields, string key, string? given) =>
        IsRight(Joined(fields), key, given)
        || (fields.Values.Any(IsNull) && IsRight(Joined(fields.ToDictionary(f => f.Key, f => IsNull(f.Value) ? "" : f.Value)), key, given));

    /// <summary>The values in the order of their names, which is the order of bytes and not of any language.</summary>
    public static byte[] Joined(IEnumerable<KeyValuePair<string, string>> fields) => Encoding.UTF8.GetBytes(string.Join('|', fields
        .Where(f => f.Key != Field).OrderBy(f => f.Key, StringComparer.Ordinal).Select(f => f.Value)));

    /// <summary>Hash and salt as they were signed; null when the signature is none under this key.</summary>
    public static string? Open(string key, string? given)
    {
        // A plus sign that a form decoder took for a blank is put back.
        var encrypted = new byte[given?.Length ?? 0];
        if (key.Length != KeyLength || given is null || !Convert.TryFromBase64String(given.Replace(' ', '+'), encrypted, out var length)) return null;
        using var aes = Cipher(key);
        var plain = new byte[length];
        try
        {
            if (!aes.TryDecryptCbc(encrypted.AsSpan(0, length), Start, plain, out length)) return null;
        }
        catch (CryptographicException)
        {
            return null;
        }
        return length == HashLength + SaltLength ? Encoding.Latin1.GetString(plain, 0, length) : null;
    }

    /// <summary>Lower-case hex, without the salt.</summary>
    public static string Hash(ReadOnlySpan<byte> text, string salt)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(text);
        hash.AppendData("|"u8);
        hash.AppendData(Encoding.Latin1.GetBytes(salt));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    public static string Salt(ReadOnlySpan<byte> text, string key) =>
        Convert.ToBase64String(HMACSHA256.HashData(Encoding.UTF8.GetBytes(key), text).AsSpan(0, SaltLength * 3 / 4));

    static bool IsNull(string value) => value.Equals("null", StringComparison.OrdinalIgnoreCase);

    static Aes Cipher(string key)
    {
        var aes = Aes.Create();
        aes.Key = Encoding.ASCII.GetBytes(key);
        return aes;
    }
}
