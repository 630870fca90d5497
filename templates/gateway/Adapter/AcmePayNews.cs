using Purser.Orders;

namespace Purser.Gateways.AcmePay;

/// <summary>Webhooks and the browser's return. The signature first, on the bytes as they came; only then what they say. Never throws for what a stranger
/// may send.</summary>
static class AcmePayNews
{
    public const string SignatureHeader = "AcmePay-Signature";

    /// <summary>The field that their page adds to our return address.</summary>
    const string ReferenceField = "acmepay_reference";

    const int LongestEventId = 100;

    public static NewsReading ReadWebhook(RawMessage message, GatewayAccount account)
    {
        // TRAP: who parses first and signs what was written again checks other bytes. And a comparison that stops early tells a forger how far he got.
        if (!message.WasGenuine)
        {
            if (message.Header(SignatureHeader) is not { Length: > 0 } given) return new NewsReading.Forged("no signature");
            if (!HexSignature.IsHmacSha256(account.SeveralSettings(AcmePayGateway.WebhookSecret), message.Body.Span, given)) return new NewsReading.Forged("wrong signature");
        }

        // DECIDE what tells a repetition from news. Their id does, and it is signed; a gateway without one gets a name made of the bytes.
        if (!Wire.TryRead<EventWire>(message.Body.Span, out var news) || news is not { Id: { Length: > 0 and <= LongestEventId } id, Type: { } type })
            return new NewsReading.Unreadable(HexSignature.NameOf(message.Body.Span), "no event in JSON");
        PaymentId? ours = PaymentId.TryParseReference(news.Link?.Reference, out var payment) ? payment : null;
        if (type.StartsWith("refund.", StringComparison.Ordinal))
        {
            if (AcmePayMapping.Fact(news.Refund) is not { } refunded) return new NewsReading.Unreadable(id, $"{type} without what it is about");
            RefundId? refund = RefundId.TryParseReference(news.Refund!.Reference, out var known) ? known : null;
            return new NewsReading.Genuine(id, type, ours, []) { MoneyReference = news.Refund.Payment, RefundFacts = [new RefundNews(refund, refunded)] };
        }

        // DECIDE what each event proves. The end of a link says nothing of a try that is still under way, so that it leads to a question.
        if (type is "link.expired" or "link.cancelled") return new NewsReading.Genuine(id, type, ours, [], ProvesAmount: false);
        // What we do not follow is genuine all the same; it is kept and says nothing.
        if (type is not ("payment.captured" or "payment.processing" or "payment.declined")) return new NewsReading.Genuine(id, type, ours, []);
        if (AcmePayMapping.Fact(news.Payment) is not { } fact) return new NewsReading.Unreadable(id, $"{type} without what it is about");
        // TRAP: webhooks come twice, late and in any order. What stands in one is a snapshot: a capture must say captured in its own status, else we ask.
        var proves = type != "payment.captured" || fact is Evidence.Succeeded;
        // Money that names none of ours is shown to a person; nothing else about strangers is.
        return new NewsReading.Genuine(id, type, ours, ours is null && !Wire.ConcernsMoney(fact) ? [] : [fact with { GatewayReference = news.Link?.Id }], proves)
        {
            MoneyReference = news.Payment?.Id,
        };
    }

    /// <summary>Unsigned, and even a signed one proves nothing: shoppers own their browsers. It names a payment to ask about.</summary>
    public static NewsReading ReadReturn(RawMessage message) =>
        PaymentId.TryParseReference(Wire.Field(message.Query, ReferenceField), out var payment)
            ? new NewsReading.Genuine($"return-{payment.Reference}", "return", payment, [], ProvesAmount: false)
            : new NewsReading.Forged("names no payment");
}
