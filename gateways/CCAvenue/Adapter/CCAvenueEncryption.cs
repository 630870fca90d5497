using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;

namespace Purser.Gateways.CCAvenue;

/// <summary>Their encryption under the working key. <c>cbc</c> is that of their classic kits: AES-128-CBC under the MD5 of the key with an IV that never
/// changes, and nothing that shows a change; <c>gcm</c> is that of newer accounts. Both are written as hex.</summary>
[SuppressMessage("Security", "CA5351", Justification = "Their way from the working key to the cipher's key; nothing else is understood.")]
public sealed class CCAvenueEncryption
{
    public const string Cbc = "cbc", Gcm = "gcm";

    /// <summary>The key of <c>gcm</c> is the working key's own characters.</summary>
    public const int GcmKeyLength = 32;

    const int NonceLength = 16;

    static readonly byte[] Iv = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
    static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    readonly byte[] key;

    CCAvenueEncryption(byte[] key, string kind) => (this.key, Kind) = (key, kind);

    public string Kind { get; }

    /// <summary>Null when there is no key, or none of the length that the kind wants.</summary>
    public static CCAvenueEncryption? Of(string? workingKey, string? kind)
    {
        if (string.IsNullOrEmpty(workingKey)) return null;
        var bytes = Encoding.UTF8.GetBytes(workingKey);
        if (kind != Gcm) return new(MD5.HashData(bytes), Cbc);
        return bytes.Length == GcmKeyLength ? new(bytes, Gcm) : null;
    }

    /// <summary>The same text gives the same bytes, and in <c>gcm</c> another text another nonce.</summary>
    public string Encrypt(string text)
    {
        // Half a surrogate pair is no character; it is written as the one for that.
        var plain = Encoding.UTF8.GetBytes(text);
        if (Kind == Cbc)
        {
            using var aes = Aes.Create();
            aes.Key = key;
            return Convert.ToHexStringLower(aes.EncryptCbc(plain, Iv));
        }
        return Convert.ToHexStringLower(Sealed(plain, HMACSHA256.HashData(key, plain).AsSpan(0, NonceLength)));
    }

    /// <summary>Nonce, text and tag.</summary>
    public byte[] Sealed(ReadOnlySpan<byte> plain, ReadOnlySpan<byte> nonce)
    {
        using var gcm = new CCAvenueGcm(key);
        var (cipher, tag) = gcm.Encrypt(nonce, plain);
        return [.. nonce, .. cipher, .. tag];
    }

    /// <summary>Null for what was not encrypted under this key, or is no text. With <c>cbc</c> a text says nothing about who wrote it.</summary>
    public string? Decrypt(string hex)
    {
        try
        {
            var bytes = Convert.FromHexString(hex.Trim());
            if (Opened(bytes) is not { } plain) return null;
            // Some kits pad twice, and what is left of the inner padding stands at the end.
            return Strict.GetString(plain).TrimEnd(Padding);
        }
        catch (Exception e) when (e is FormatException or CryptographicException or DecoderFallbackException)
        {
            return null;
        }
    }

    static readonly char[] Padding = [.. Enumerable.Range(0, ' ').Select(c => (char)c)];

    byte[]? Opened(byte[] bytes)
    {
        if (Kind == Cbc)
        {
            using var aes = Aes.Create();
            aes.Key = key;
            return aes.DecryptCbc(bytes, Iv);
        }
        if (bytes.Length < NonceLength + CCAvenueGcm.TagLength) return null;
        using var gcm = new CCAvenueGcm(key);
        return gcm.Decrypt(bytes.AsSpan(0, NonceLength), bytes.AsSpan(NonceLength, bytes.Length - NonceLength - CCAvenueGcm.TagLength),
            bytes.AsSpan(bytes.Length - CCAvenueGcm.TagLength));
    }
}
