using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Purser.Sandbox.Paytm;

/// <summary>Paytm's checksum: SHA-256 over a text and four characters of salt, and both encrypted with the merchant key. Names of fields are not covered.</summary>
public static class PaytmDialectChecksum
{
    const int SaltLength = 4, HashLength = 64;

    static readonly byte[] Start = "@@@@&&&&####$$$$"u8.ToArray();

    /// <summary>What is signed of a form: its values in the order of their names, capitals before small letters.</summary>
    public static string Joined(IEnumerable<KeyValuePair<string, string>> form, string without = "CHECKSUMHASH") =>
        string.Join('|', form.Where(f => f.Key != without).OrderBy(f => f.Key, StringComparer.Ordinal).Select(f => f.Value));

    public static string Sign(string text, string merchantKey, string salt)
    {
        using var aes = Cipher(merchantKey);
        return Convert.ToBase64String(aes.EncryptCbc(Encoding.ASCII.GetBytes(Hash(text, salt) + salt), Start));
    }

    public static bool Verifies(string text, string? signature, string merchantKey)
    {
        var sealedBytes = new byte[256];
        if (signature is null || !Convert.TryFromBase64String(signature, sealedBytes, out var length)) return false;
        using var aes = Cipher(merchantKey);
        string opened;
        try
        {
            opened = Encoding.ASCII.GetString(aes.DecryptCbc(sealedBytes.AsSpan(0, length), Start));
        }
        catch (CryptographicException)
        {
            return false;
        }

        return opened.Length == HashLength + SaltLength && Wire.SameText(opened, Hash(text, opened[HashLength..]) + opened[HashLength..]);
    }

    /// <summary>The text of one field of a JSON object, byte for byte as it came; null when it is not there, or there twice.</summary>
    public static string? RawField(ReadOnlySpan<byte> json, string name)
    {
        string? found = null;
        try
        {
            var reader = new Utf8JsonReader(json);
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) return null;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var wanted = reader.ValueTextEquals(name);
                reader.Read();
                var from = (int)reader.TokenStartIndex;
                reader.Skip();
                if (!wanted) continue;
                if (found is not null) return null;
                found = Encoding.UTF8.GetString(json[from..(int)reader.BytesConsumed]);
            }

            return found;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    static string Hash(string text, string salt) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{text}|{salt}")));

    static Aes Cipher(string merchantKey)
    {
        var key = Encoding.UTF8.GetBytes(merchantKey);
        var aes = Aes.Create();
        // A key of no possible length is a stranger's, and still signs something.
        aes.Key = key.Length is 16 or 24 or 32 ? key : SHA256.HashData(key)[..16];
        return aes;
    }
}
