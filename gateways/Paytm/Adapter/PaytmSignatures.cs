using System.Collections.Immutable;
using System.Text;

namespace Purser.Gateways.Paytm;

/// <summary>Their checksum step by step, for a person's eyes.</summary>
static class PaytmSignatures
{
    public static ImmutableArray<SignatureRecipe> All { get; } =
    [
        new("webhook", "A form: its values in the order of their names. JSON: the text of the body. Hashed with a salt, encrypted under the merchant key.", Compute),
        new("return", "The values of the form that the browser posts, in the order of their names, hashed with a salt and encrypted under the merchant key.", Compute),
        new("request", "The text of the body as it is sent, hashed with a salt and encrypted under the merchant key.", Compute),
    ];

    static SignatureTrace Compute(RawMessage message, GatewayAccount account)
    {
        var steps = ImmutableArray.CreateBuilder<SignatureStep>();
        if (Signed(message) is not var (text, given, how)) return Ended("Read the message", "neither a form nor an envelope with a body", null);
        steps.Add(new("Take what is signed", Encoding.UTF8.GetString(text), how));
        var keys = PaytmGateway.Keys(account);
        var key = keys.FirstOrDefault(k => PaytmChecksum.Open(k, given) is not null) ?? (keys.Count > 0 ? keys[0] : "");
        if (key.Length != PaytmChecksum.KeyLength) return Ended("Take the merchant key", $"{Redaction.Mark} of {key.Length} characters; it must have {PaytmChecksum.KeyLength}", given);
        steps.Add(new("Take the merchant key", $"{Redaction.Mark} of {key.Length} characters"));

        var plain = PaytmChecksum.Open(key, given);
        if (given is null) steps.Add(new("Decrypt the given checksum", "there is none", "The salt below is the one that a request of ours would have."));
        else if (plain is null) steps.Add(new("Decrypt the given checksum", "cannot be decrypted", "Not Base64 of this length, or made under another key."));
        else steps.Add(new("Decrypt the given checksum", plain, "64 hex digits and the salt."));
        var salt = plain?[^4..] ?? PaytmChecksum.Salt(text, key);
        steps.Add(new("Take the salt", salt));
        var hash = PaytmChecksum.Hash(text, salt);
        steps.Add(new("Hash the text, | and the salt with SHA-256", hash, plain is null || plain[..^4] == hash ? null : "Differs from the decrypted one: the text is another."));
        var expected = PaytmChecksum.Sign(text, key, salt);
        steps.Add(new("Encrypt hash and salt with AES-128-CBC", expected));
        return new SignatureTrace(steps.ToImmutable(), given, expected, PaytmChecksum.IsRight(text, key, given));

        SignatureTrace Ended(string title, string why, string? given)
        {
            steps.Add(new(title, why));
            return new SignatureTrace(steps.ToImmutable(), given, null, Right: false);
        }
    }

    static (byte[] Text, string? Given, string How)? Signed(RawMessage message) => PaytmNews.MediaType(message) == "application/json"
        ? PaytmEnvelope.TryRead(message.Body, out var envelope) ? (envelope.Body.ToArray(), envelope.Signature, "The text of the body, byte for byte.") : null
        : PaytmNews.Fields(message) is { } fields
            ? (PaytmChecksum.Joined(fields), fields.GetValueOrDefault(PaytmChecksum.Field), string.Join('|', fields.Keys.Where(k => k != PaytmChecksum.Field).Order(StringComparer.Ordinal)))
            : null;
}
