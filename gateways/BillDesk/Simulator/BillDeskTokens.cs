using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Purser.Sandbox.BillDesk;

/// <summary>Compact tokens as BillDesk writes and reads them: signed with HS256, and in the symmetric scheme encrypted before that with A256GCM
/// under the key itself. Keys are texts whose bytes count as they stand.</summary>
public static class BillDeskTokens
{
    const int TagLength = 16, NonceLength = 12;

    static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    public static string Sign(string header, string payload, string key) => $"{Signed(header, payload)}.{Signature(Signed(header, payload), key)}";

    /// <summary>What an endpoint without secrets would get.</summary>
    public static string Unsigned(string header, string payload) => Signed(header, payload) + ".";

    public static string Encrypt(string header, string text, string key, ReadOnlySpan<byte> nonce)
    {
        var first = Base64Url.EncodeToString(Strict.GetBytes(header));
        var plain = Strict.GetBytes(text);
        var (cipher, tag) = (new byte[plain.Length], new byte[TagLength]);
        using var gcm = new AesGcm(Strict.GetBytes(key), TagLength);
        gcm.Encrypt(nonce, plain, cipher, tag, Encoding.ASCII.GetBytes(first));
        return $"{first}..{Base64Url.EncodeToString(nonce)}.{Base64Url.EncodeToString(cipher)}.{Base64Url.EncodeToString(tag)}";
    }

    /// <summary>The payload of a token with the right signature; null for every other text.</summary>
    public static string? Verify(string token, string client, string key)
    {
        if (token.Split('.') is not [var first, var second, var signature] || Header(first) is not { } header) return null;
        if (Text(header, "alg") != "HS256" || Text(header, "clientid") != client) return null;
        return Wire.SameText(Signature($"{first}.{second}", key), signature) ? Decoded(second) : null;
    }

    /// <summary>What was encrypted; null for every text that is no such token under this key.</summary>
    public static string? Decrypt(string token, string client, string key)
    {
        if (token.Split('.') is not [var first, "", var nonce, var cipher, var tag] || Header(first) is not { } header) return null;
        if ((Text(header, "alg"), Text(header, "enc"), Text(header, "clientid")) != ("dir", "A256GCM", client)) return null;
        try
        {
            var (sealedBytes, seal, start) = (Base64Url.DecodeFromChars(cipher), Base64Url.DecodeFromChars(tag), Base64Url.DecodeFromChars(nonce));
            if (seal.Length != TagLength || start.Length != NonceLength) return null;
            var plain = new byte[sealedBytes.Length];
            using var gcm = new AesGcm(Strict.GetBytes(key), TagLength);
            gcm.Decrypt(start, sealedBytes, seal, plain, Encoding.ASCII.GetBytes(first));
            return Strict.GetString(plain);
        }
        catch (Exception e) when (e is FormatException or CryptographicException or ArgumentException)
        {
            return null;
        }
    }

    static string Signed(string header, string payload) =>
        $"{Base64Url.EncodeToString(Strict.GetBytes(header))}.{Base64Url.EncodeToString(Strict.GetBytes(payload))}";

    static string Signature(string text, string key) =>
        Base64Url.EncodeToString(HMACSHA256.HashData(Strict.GetBytes(key), Encoding.ASCII.GetBytes(text)));

    static JsonObject? Header(string part)
    {
        try
        {
            return Decoded(part) is { } text ? JsonNode.Parse(text) as JsonObject : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    static string? Text(JsonObject header, string name)
    {
        try
        {
            return header[name] is JsonValue value && value.TryGetValue(out string? text) ? text : null;
        }
        catch (ArgumentException)
        {
            // One name twice.
            return null;
        }
    }

    static string? Decoded(string part)
    {
        try
        {
            return Strict.GetString(Base64Url.DecodeFromChars(part));
        }
        catch (Exception e) when (e is FormatException or ArgumentException)
        {
            return null;
        }
    }
}
