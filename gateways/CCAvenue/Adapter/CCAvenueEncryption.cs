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

    /// <summary>The key that is being replaced, under which things may still come.</summary>
    readonly CCAvenueEncryption? older;

    CCAvenueEncryption(byte[] key, string kind, CCAvenueEncryption? older) => (this.key, Kind, this.older) = (key, kind, older);

    public string Kind { get; }

    public static CCAvenueEncryption? Of(string? workingKey, string? kind) => Of(string.IsNullOrEmpty(workingKey) ? [] : [workingKey], kind);

    /// <summary>Null when there is no key, or one is not of the length that the kind wants. The first encrypts.</summary>
    public static CCAvenueEncryption? Of(IReadOnlyList<string> workingKeys, string? kind)
    {
        CCAvenueEncryption? made = null;
        foreach (var workingKey in workingKeys.Reverse())
        {
            var bytes = Encoding.UTF8.GetBytes(workingKey);
            if (kind == Gcm && bytes.Length != GcmKeyLength) return null;
            made = kind == Gcm ? new(bytes, Gcm, made) : new(MD5.HashData(bytes), Cbc, made);
        }
        return made;
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

    /// <summary>What the text says, under the first key that makes sense of it: by chance <c>cbc</c> opens one in 256 texts under a wrong key. Null when
    /// none does.</summary>
    public T? Read<T>(string hex, Func<string, T?> sense) where T : class =>
        (Decrypt(hex) is { } text ? sense(text) : null) ?? older?.Read(hex, sense);

    /// <summary>Null for what was not encrypted under the first key, or is no text. With <c>cbc</c> a text says nothing about who wrote it.</summary>
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
