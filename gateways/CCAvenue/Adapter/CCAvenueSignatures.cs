using System.Collections.Immutable;

namespace Purser.Gateways.CCAvenue;

// There is no signature, only encryption; what can be shown is what a ciphertext says, and whether it would be read.
public sealed partial class CCAvenueGateway : IShowSignatures
{
    public ImmutableArray<SignatureRecipe> Signatures { get; } =
    [
        new("webhook", "The field encResp, encrypted under the working key. With cbc a changed ciphertext decrypts to a changed text.", (m, a) => Show(m, "encResp", CCAvenueAccount.Page(a), a, news: true)),
        new("return", "The field encResp that the browser posts, encrypted as a webhook is.", (m, a) => Show(m, "encResp", CCAvenueAccount.Page(a), a, news: true)),
        new("form", "The field encRequest of the form that the browser posts to their page, under the working key.", (m, a) => Show(m, "encRequest", CCAvenueAccount.Page(a), a, news: false)),
        new("request", "The field enc_request of a question to their servlet, under the API's working key.", (m, a) => Show(m, "enc_request", CCAvenueAccount.Api(a), a, news: false)),
        new("answer", "The field enc_response of its answer.", (m, a) => Show(m, "enc_response", CCAvenueAccount.Api(a), a, news: false)),
    ];

    static SignatureTrace Show(RawMessage message, string field, CCAvenueEncryption? cipher, GatewayAccount account, bool news)
    {
        var steps = ImmutableArray.CreateBuilder<SignatureStep>();
        if (CCAvenueNews.Field(message, field) is not { Length: > 0 } hex) return Last("Find the ciphertext", "", $"The body has no field {field}, or has it twice.");
        steps.Add(new("Find the ciphertext", hex, field));
        if (cipher is null) return Last("Make the key", "", "The account has no working key, or none of the length that its cipher wants.");
        var ofApi = field.StartsWith("enc_", StringComparison.Ordinal) && account.OptionalSetting(CCAvenueAccount.ApiWorkingKey) is not null;
        var length = string.Join(" or ", account.SeveralSettings(ofApi ? CCAvenueAccount.ApiWorkingKey : CCAvenueAccount.WorkingKey).Select(k => k.Length).Distinct());
        steps.Add(new("Make the key", $"{Redaction.Mark} from a working key of {length} characters", cipher.Kind == CCAvenueEncryption.Gcm
            ? "AES-256-GCM: the working key's own characters; the first 16 bytes are the nonce, the last 16 the tag."
            : "AES-128-CBC: the 16 bytes of the working key's MD5, under an IV that is always the bytes 0 to 15."));
        if (((news ? CCAvenueNews.Read(cipher, hex)?.Text : cipher.Read(hex, t => t)) ?? cipher.Decrypt(hex)) is not { } text)
            return Last("Decrypt", "", "It is no hex, its padding or tag is wrong, or what comes out is no text: another key, another cipher, or a changed ciphertext.");
        steps.Add(new("Decrypt", text));
        if (!news) return new(steps.ToImmutable(), hex, null, Right: true);
        var said = CCAvenueNews.Parse(text);
        steps.Add(new("Read the fields", said.Why ?? $"order {said.Order ?? "none"}, status {said.Status ?? "none"}", said.Why is null
            ? "It leads to an inquiry, and proves nothing."
            : "Refused."));
        return new(steps.ToImmutable(), hex, null, said.Why is null);

        SignatureTrace Last(string title, string value, string remark)
        {
            steps.Add(new(title, value, remark));
            return new(steps.ToImmutable(), null, null, Right: false);
        }
    }
}
