using System.Buffers;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Purser.Gateways.BillDesk;

/// <summary>One compact token: signed with HS256, and in the symmetric scheme encrypted before. Built and opened by hand, for token libraries add
/// members of their own. Keys are text and used as its bytes.</summary>
public sealed class BillDeskJose
{
    const int TagBytes = 16;
    const int IvBytes = 12;

    /// <summary>Apart from everything else that is hashed under the key.</summary>
    static readonly byte[] IvLabel = Encoding.ASCII.GetBytes("A256GCM iv\n");

    readonly string clientId;
    // The first is ours to write with; while a key is replaced what they write may be under any.
    readonly byte[][] signingKeys, encryptionKeys;
    readonly string? keyId;

    BillDeskJose(string clientId, IEnumerable<string> signingKeys, IEnumerable<string> encryptionKeys, string? keyId)
    {
        this.clientId = clientId;
        this.signingKeys = [.. signingKeys.Select(Encoding.UTF8.GetBytes)];
        this.encryptionKeys = [.. encryptionKeys.Select(Encoding.UTF8.GetBytes)];
        this.keyId = keyId;
    }

    /// <summary>Null when the account lacks a key.</summary>
    public static BillDeskJose? Of(GatewayAccount account)
    {
        if (account.SeveralSettings(BillDeskGateway.SigningKey) is not { Count: > 0 } signing || account.OptionalSetting(BillDeskGateway.ClientId) is not { } client) return null;
        if (account.OptionalSetting(BillDeskGateway.Scheme) is not BillDeskGateway.Symmetric) return new(client, signing, [], null);
        return account.SeveralSettings(BillDeskGateway.EncryptionKey) is { Count: > 0 } keys && keys.All(k => k.Length == BillDeskGateway.EncryptionKeyLength)
            && account.OptionalSetting(BillDeskGateway.EncryptionKeyId) is { } id ? new(client, signing, keys, id) : null;
    }

    public bool Encrypts => encryptionKeys.Length > 0;

    /// <summary>The same payload is always the same token: a repeated request must have the same bytes. So the nonce is not drawn but hashed from
    /// the payload under the key, which repeats it for the same payload alone.</summary>
    public string Seal(ReadOnlySpan<byte> payload)
    {
        if (!Encrypts) return Sign($$"""{"alg":"HS256","clientid":{{Quoted(clientId)}}}""", payload);
        var iv = HMACSHA256.HashData(encryptionKeys[0], (byte[])[.. IvLabel, .. payload]).AsSpan(0, IvBytes);
        return Sign($$"""{"alg":"HS256","kid":{{Quoted(keyId!)}},"clientid":{{Quoted(clientId)}}}""", Encoding.ASCII.GetBytes(Encrypt(payload, iv)));
    }

    /// <summary>The payload of a token that is beyond doubt theirs; null for anything else, and then why.</summary>
    public byte[]? Open(string token, out string why)
    {
        why = "";
        if (token.Split('.') is not [var header, var payload, var signature]) return No(out why, "not a token of three parts");
        if (Decode(header) is not { } head || !IsFor(head, "HS256", null)) return No(out why, "not signed with HS256 for this client");
        if (Decode(signature) is not { } given || KeyOf($"{header}.{payload}", given) is null) return No(out why, "wrong signature");
        if (Decode(payload) is not { } said) return No(out why, "the payload is not base64url");
        if (!Encrypts) return said;
        return Decrypt(Encoding.ASCII.GetString(said)) ?? No(out why, "cannot be decrypted");
    }

    /// <summary>What a token says, whoever made it. Only for the record, and for a refusal of our own keys, which their keys cannot prove to us.</summary>
    public static byte[]? Peek(string token) => token.Split('.') is [_, var payload, _] ? Decode(payload) : null;

    /// <summary>As text for the record: the payload, decrypted where it is encrypted.</summary>
    public string? Read(string token)
    {
        if (Peek(token) is not { } payload) return null;
        var read = !Encrypts ? payload : Decrypt(Encoding.ASCII.GetString(payload));
        return read is null ? null : Encoding.UTF8.GetString(read);
    }

    /// <summary>The signature that the first two parts should have: under the key that made the given one, else under ours.</summary>
    public string Signature(string signed, string? given = null) =>
        Base64Url.EncodeToString(Mac(signed, (given is null || Decode(given) is not { } bytes ? null : KeyOf(signed, bytes)) ?? signingKeys[0]));

    byte[]? KeyOf(string signed, byte[] given)
    {
        byte[]? right = null;
        foreach (var key in signingKeys)
            if (CryptographicOperations.FixedTimeEquals(given, Mac(signed, key))) right ??= key;
        return right;
    }

    static byte[] Mac(string signed, byte[] key) => HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(signed));

    string Sign(string header, ReadOnlySpan<byte> payload)
    {
        var signed = $"{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(header))}.{Base64Url.EncodeToString(payload)}";
        return $"{signed}.{Signature(signed)}";
    }

    string Encrypt(ReadOnlySpan<byte> payload, ReadOnlySpan<byte> iv)
    {
        var header = Base64Url.EncodeToString(Encoding.UTF8.GetBytes(
            $$"""{"alg":"dir","enc":"A256GCM","kid":{{Quoted(keyId!)}},"clientid":{{Quoted(clientId)}}}"""));
        var (sealedText, tag) = (new byte[payload.Length], new byte[TagBytes]);
        using var cipher = new AesGcm(encryptionKeys[0], TagBytes);
        cipher.Encrypt(iv, payload, sealedText, tag, Encoding.ASCII.GetBytes(header));
        return $"{header}..{Base64Url.EncodeToString(iv)}.{Base64Url.EncodeToString(sealedText)}.{Base64Url.EncodeToString(tag)}";
    }

    byte[]? Decrypt(string token)
    {
        if (token.Split('.') is not [var header, "", var iv, var text, var tag]) return null;
        if (Decode(header) is not { } head || !IsFor(head, "dir", "A256GCM")) return null;
        if (Decode(iv) is not { Length: IvBytes } nonce || Decode(text) is not { } sealedText || Decode(tag) is not { Length: TagBytes } mark) return null;
        return encryptionKeys.Select(key => Decrypt(key, nonce, sealedText, mark, Encoding.ASCII.GetBytes(header))).FirstOrDefault(p => p is not null);
    }

    static byte[]? Decrypt(byte[] key, byte[] nonce, byte[] sealedText, byte[] mark, byte[] header)
    {
        var payload = new byte[sealedText.Length];
        using var cipher = new AesGcm(key, TagBytes);
        try
        {
            cipher.Decrypt(nonce, sealedText, mark, payload, header);
            return payload;
        }
        catch (AuthenticationTagMismatchException)
        {
            return null;
        }
    }

    /// <summary>The algorithm is ours to choose, never the token's; so there is nothing critical or compressed in it either.</summary>
    bool IsFor(byte[] header, string algorithm, string? encryption) =>
        Wire.TryRead<HeaderWire>(header, out var h) && h is { Crit: null, Zip: null, B64: null } && h.Alg == algorithm && h.Enc == encryption
        && (h.Clientid is null || h.Clientid == clientId);

    /// <summary>Strict: the one way to write these bytes, without padding, blanks or spare bits.</summary>
    static byte[]? Decode(string text)
    {
        var bytes = new byte[text.Length];
        return text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_')
            && Base64Url.DecodeFromChars(text, bytes, out _, out var length) == OperationStatus.Done && Base64Url.EncodeToString(bytes.AsSpan(0, length)) == text ? bytes[..length] : null;
    }

    static string Quoted(string text) => JsonSerializer.Serialize(text);

    static byte[]? No(out string why, string reason)
    {
        why = reason;
        return null;
    }

    sealed record HeaderWire
    {
        public string? Alg { get; init; }
        public string? Enc { get; init; }
        public string? Clientid { get; init; }
        public JsonElement? Crit { get; init; }
        public JsonElement? Zip { get; init; }
        public JsonElement? B64 { get; init; }
    }
}
