using System.Collections.Immutable;
using System.Text;

namespace Purser.Gateways.Razorpay;

/// <summary>What they sign and with which of the two secrets; the check in earnest, and the same step by step for a person's eyes.</summary>
static class RazorpaySignatures
{
    public const string Header = "X-Razorpay-Signature";

    public static ImmutableArray<SignatureRecipe> All { get; } =
    [
        new("webhook", "The body byte for byte, under the webhook's secret.", ShowWebhook),
        new("return", "Link, reference, status and payment of the return, joined by |, under the API key's secret.", ShowReturn),
    ];

    /// <summary>Why a webhook is not theirs, or null when it is.</summary>
    public static string? RefusesWebhook(RawMessage message, GatewayAccount account)
    {
        // Without a secret they send no signature; unsigned is refused, not believed.
        if (message.Header(Header) is not { Length: > 0 } signature) return "no signature";
        return HexSignature.IsHmacSha256(account.SeveralSettings(RazorpayGateway.WebhookSecret), message.Body.Span, signature) ? null : "wrong signature";
    }

    /// <summary>The same of a browser's return.</summary>
    public static string? RefusesReturn(RawMessage message, GatewayAccount account)
    {
        if (Wire.Field(message.Query, "razorpay_signature") is not { } signature) return "no signature";
        if (Returned(message) is not { } signed) return "a signed field is missing";
        return HexSignature.IsHmacSha256(Secrets(account, RazorpayGateway.KeySecret), Encoding.UTF8.GetBytes(signed), signature) ? null : "wrong signature";
    }

    /// <summary>The four values as they are after decoding; one that is empty keeps its place, one that is missing leaves nothing to sign.</summary>
    static string? Returned(RawMessage message) =>
        Wire.Field(message.Query, "razorpay_payment_link_id") is { } link
        && Wire.Field(message.Query, "razorpay_payment_link_reference_id") is { } reference
        && Wire.Field(message.Query, "razorpay_payment_link_status") is { } status
        && Wire.Field(message.Query, "razorpay_payment_id") is { } payment
            ? $"{link}|{reference}|{status}|{payment}"
            : null;

    static SignatureTrace ShowWebhook(RawMessage message, GatewayAccount account) => Show(
        "The body as it came", message.Body, $"{message.Body.Length} bytes. Not read and written again: slashes, blanks and order count.",
        message.Header(Header), RazorpayGateway.WebhookSecret, RazorpayGateway.KeySecret, account, RefusesWebhook(message, account) is null);

    static SignatureTrace ShowReturn(RawMessage message, GatewayAccount account) => Returned(message) is { } signed
        ? Show("Link, reference, status and payment", Encoding.UTF8.GetBytes(signed), "Decoded once. Without a reference nothing stands between the two strokes.",
            Wire.Field(message.Query, "razorpay_signature"), RazorpayGateway.KeySecret, RazorpayGateway.WebhookSecret, account, RefusesReturn(message, account) is null)
        : new([new("Link, reference, status and payment", "", "One of them is missing, or there twice.")], Wire.Field(message.Query, "razorpay_signature"), null, Right: false);

    static SignatureTrace Show(
        string title, ReadOnlyMemory<byte> signed, string remark, string? given, string setting, string otherSetting, GatewayAccount account, bool right)
    {
        var (secrets, others) = (Secrets(account, setting), Secrets(account, otherSetting));
        var steps = ImmutableArray.CreateBuilder<SignatureStep>();
        steps.Add(new(title, Cut(Encoding.UTF8.GetString(signed.Span)), remark));
        if (secrets.Count == 0)
        {
            steps.Add(new($"The setting {setting}", "", "It is not there, so nothing can be expected."));
            return new(steps.ToImmutable(), given is null ? null : Cut(given), null, Right: false);
        }
        // Of several secrets the one that fits is shown, else the first.
        var secret = secrets.FirstOrDefault(s => given is not null && HexSignature.IsHmacSha256(s, signed.Span, given)) ?? secrets[0];
        var expected = HexSignature.HmacSha256(secret, signed.Span);
        steps.Add(new($"The setting {setting}", $"{Redaction.Mark} ({secret.Length} characters)", secrets.Count == 1 ? "As UTF-8." : $"As UTF-8; one of {secrets.Count}."));
        steps.Add(new("HMAC-SHA256 in hex, small letters", expected));
        if (!right) steps.Add(new("Compare", "different", Mistake(signed.Span, given, secrets, others, otherSetting)));
        return new(steps.ToImmutable(), given is null ? null : Cut(given), expected, right);

        // Somebody may have put a secret itself where it does not belong.
        string Cut(string text) => secrets.Concat(others).Aggregate(text, (rest, s) => rest.Replace(s, Redaction.Mark, StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>The mistakes that others made before.</summary>
    static string Mistake(ReadOnlySpan<byte> signed, string? given, IReadOnlyList<string> secrets, IReadOnlyList<string> others, string otherSetting)
    {
        if (given is null) return "There is no signature. A webhook without a secret is sent without one.";
        if (HexSignature.IsHmacSha256(secrets, signed, given.Trim().ToLowerInvariant())) return "The same but for capital letters or blanks.";
        if (HexSignature.IsHmacSha256(others, signed, given)) return $"It was made with {otherSetting}.";
        var text = Encoding.UTF8.GetString(signed);
        if (HexSignature.IsHmacSha256(secrets, Encoding.ASCII.GetBytes(text), given)) return "It was made of the text as ASCII, where other letters become question marks.";
        if (HexSignature.IsHmacSha256(secrets, Encoding.UTF8.GetBytes(text.Replace("\\/", "/", StringComparison.Ordinal)), given)
            || HexSignature.IsHmacSha256(secrets, Encoding.UTF8.GetBytes(text.Replace("/", "\\/", StringComparison.Ordinal)), given))
            return "It was made of the text with other slashes: the body was read and written again.";
        return HexSignature.IsHmacSha256(secrets, Encoding.UTF8.GetBytes(text.TrimEnd('\n', '\r')), given)
            ? "It was made without the line end that the body has."
            : "Another secret, or other bytes.";
    }

    static IReadOnlyList<string> Secrets(GatewayAccount account, string setting) => setting == RazorpayGateway.KeySecret
        ? account.OptionalSetting(setting) is { } one ? [one] : []
        : account.SeveralSettings(setting);
}
