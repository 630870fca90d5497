using System.Text.Json;
using Purser.Refunds;

namespace Purser.Gateways.PayPal;

/// <summary>Webhooks and the browser's return: the signature first, then which payment they are about. Neither is ever believed more than that.</summary>
static class PayPalNews
{
    /// <summary>What we add to the addresses of the return. They add <c>token</c>, which is their name of the order, and <c>PayerID</c>.</summary>
    public const string PaymentField = "order_payment";
    public const string BackField = "back";

    const int LongestEventId = 255;

    public static NewsReading ReadWebhook(RawMessage message, GatewayAccount account)
    {
        if (!message.WasGenuine && PayPalSignature.Refuses(message, account) is { } why) return new NewsReading.Forged(why);
        if (!Wire.TryRead<EventWire>(message.Body.Span, out var news) || news is not { Id: { Length: > 0 and <= LongestEventId } id, EventType: { Length: > 0 } type }
            || news.Resource.ValueKind != JsonValueKind.Object || !Wire.TryRead<ResourceWire>(news.Resource, out var about))
            return new NewsReading.Unreadable(HexSignature.NameOf(message.Body.Span), "no event in JSON");

        var refund = news.ResourceType == "refund" || type is "PAYMENT.CAPTURE.REFUNDED" or "PAYMENT.CAPTURE.REVERSED" || type.StartsWith("PAYMENT.REFUND.", StringComparison.Ordinal);
        return new NewsReading.Genuine(id, type, Ours(about), [], ProvesAmount: false)
        {
            MoneyReference = refund ? CaptureAbove(about)
                : news.ResourceType == "capture" || type.StartsWith("PAYMENT.CAPTURE.", StringComparison.Ordinal) ? about.Id
                : about.DisputedTransactions is [{ SellerTransactionId: { } disputed }] ? disputed : null,
            RefundFacts = refund && Refund(about) is { } told ? [told] : [],
        };
    }

    /// <summary>Nothing here is signed; it only says whom to ask about.</summary>
    public static NewsReading ReadReturn(RawMessage message) =>
        PaymentId.TryParseReference(Wire.Field(message.Query, PaymentField), out var payment)
            ? new NewsReading.Genuine($"return-{payment.Reference}", Wire.Field(message.Query, BackField) is null ? "return" : "back", payment, [], ProvesAmount: false)
            : new NewsReading.Forged("names no payment");

    static PaymentId? Ours(ResourceWire about)
    {
        string?[] said = [about.CustomId, about.InvoiceId, .. about.PurchaseUnits is [{ } unit] ? (string?[])[unit.CustomId, unit.ReferenceId] : [],
            .. about.DisputedTransactions is [{ } disputed] ? (string?[])[disputed.Custom, disputed.InvoiceNumber] : []];
        foreach (var reference in said)
            if (PaymentId.TryParseReference(reference, out var payment)) return payment;
        return null;
    }

    /// <summary>A refund names its capture only in the address of what it belongs to.</summary>
    static string? CaptureAbove(ResourceWire about)
    {
        const string captures = "/v2/payments/captures/";
        var up = about.Links?.FirstOrDefault(l => l.Rel == "up")?.Href;
        var at = up?.IndexOf(captures, StringComparison.Ordinal) ?? -1;
        return at >= 0 && up![(at + captures.Length)..] is { Length: > 0 and <= 64 } name && name.All(char.IsAsciiLetterOrDigit) ? name : null;
    }

    static RefundNews? Refund(ResourceWire about)
    {
        var refund = new RefundWire { Id = about.Id, Status = about.Status, Amount = about.Amount, CustomId = about.CustomId, InvoiceId = about.InvoiceId };
        if (PayPalMapping.Fact(refund) is not { } fact) return null;
        return new RefundNews(RefundId.TryParseReference(about.CustomId ?? about.InvoiceId, out var ours) ? ours : null, fact);
    }
}
