using System.Text;

namespace Purser.Gateways.AcmePay;

/// <summary>The two signatures: on each request of ours, and on each webhook of theirs. One computation serves the wire and a person's eyes
/// (`./purser signature acmepay`), so what is shown is what is checked.</summary>
static class AcmePaySignature
{
    const string Scheme = "AcmePay ";

    /// <summary>On the bytes as they are sent.</summary>
    public static string OfRequest(string secret, string method, string target, ReadOnlySpan<byte> body) =>
        HexSignature.HmacSha256(secret, (byte[])[.. Encoding.UTF8.GetBytes($"{method}\n{target}\n"), .. body]);

    public static string Authorization(string keyId, string signature) => $"{Scheme}{keyId}:{signature}";

    public static SignatureTrace ShowRequest(RawMessage message, GatewayAccount account)
    {
        var given = message.Header("Authorization") is { } header && header.StartsWith(Scheme, StringComparison.Ordinal) ? header[(header.IndexOf(':', StringComparison.Ordinal) + 1)..] : null;
        if (account.OptionalSetting(AcmePayGateway.KeySecret) is not { } secret) return new([new("The key's secret", "not configured", "Nothing can be expected.")], given, null, Right: false);
        var target = message.Query.TrimStart('?') is { Length: > 0 } query ? $"{message.Path}?{query}" : message.Path;
        var expected = OfRequest(secret, message.Method, target, message.Body.Span);
        return new(
            [
                new("Method, path and query", $"{message.Method} {target}", "Each followed by one line feed."),
                new("The body, byte for byte", $"{message.Body.Length} bytes, {HexSignature.NameOf(message.Body.Span)}"),
                new("HMAC-SHA256 in hex", expected, $"Under the key's secret ({Redaction.Mark}, {secret.Length} characters)."),
            ],
            given, expected, given == expected);
    }

    public static SignatureTrace ShowWebhook(RawMessage message, GatewayAccount account)
    {
        var (given, secrets, body) = (message.Header(AcmePayNews.SignatureHeader), account.SeveralSettings(AcmePayGateway.WebhookSecret), message.Body);
        if (secrets.Count == 0) return new([new("The endpoint's secret", "not configured", "Nothing can be expected.")], given, null, Right: false);
        // Of several secrets the one that fits is shown, else the first.
        var secret = secrets.FirstOrDefault(s => HexSignature.HmacSha256(s, body.Span) == given) ?? secrets[0];
        var expected = HexSignature.HmacSha256(secret, body.Span);
        return new(
            [
                new("The body, byte for byte", $"{body.Length} bytes, {HexSignature.NameOf(body.Span)}", "As it came; parsed and written again it has other bytes."),
                new("HMAC-SHA256 in hex", expected, $"Under the endpoint's secret ({Redaction.Mark}, {secret.Length} characters), in the header {AcmePayNews.SignatureHeader}."),
            ],
            given, expected, given == expected);
    }
}
