using System.Collections.Immutable;
using System.Text;

namespace Purser.Gateways.BillDesk;

// One computation for every token: webhook, return, request and answer alike.
public sealed partial class BillDeskGateway : IShowSignatures
{
    public ImmutableArray<SignatureRecipe> Signatures { get; } =
    [
        new("webhook", "The token in the field transaction_response, or as the whole body, under HMAC-SHA256 with the signing key.", (m, a) => Trace(BillDeskNews.Token(m), a)),
        new("return", "The same token as in a webhook, posted by the shopper's browser.", (m, a) => Trace(BillDeskNews.Token(m), a)),
        new("request", "The token that is a request's or an answer's whole body, signed in the same way.", (m, a) => Trace(Encoding.Latin1.GetString(m.Body.Span), a)),
    ];

    static SignatureTrace Trace(string? token, GatewayAccount account)
    {
        var steps = ImmutableArray.CreateBuilder<SignatureStep>();
        if (BillDeskJose.Of(account) is not { } jose) return End(null, null, "Keys", "", "The account lacks a key.");
        if (token is null) return End(null, null, "Token", "", "There is none: neither a field transaction_response nor a body of application/jose.");
        if (token.Split('.') is not [var header, var payload, var given]) return End(null, null, "Token", token, "It does not have three parts.");
        var signed = $"{header}.{payload}";
        var expected = jose.Signature(signed, given);
        steps.Add(new("Key", $"{Redaction.Mark} ({string.Join(" or ", account.SeveralSettings(SigningKey).Select(k => k.Length).Distinct())} characters)", "The text's own bytes; it is not base64 or hex. Of several the one that fits."));
        steps.Add(new("What is signed", signed, "The first two parts as they came, joined by a full stop."));
        steps.Add(new("HMAC-SHA256, base64url without padding", expected));
        var opened = jose.Open(token, out var why);
        if (jose.Encrypts) steps.Add(new("Decryption, A256GCM", opened is null ? "" : Encoding.UTF8.GetString(opened), opened is null ? why : null));
        steps.Add(new("Payload", opened is null ? "" : jose.Read(token) ?? "", opened is null ? $"Not believed: {why}." : null));
        return new(steps.ToImmutable(), given, expected, opened is not null);

        SignatureTrace End(string? signature, string? right, string title, string value, string remark)
        {
            steps.Add(new(title, value, remark));
            return new(steps.ToImmutable(), signature, right, Right: false);
        }
    }
}
