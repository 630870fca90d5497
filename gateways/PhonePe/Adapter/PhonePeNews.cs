using System.Text;

namespace Purser.Gateways.PhonePe;

/// <summary>Webhooks and the browser's return. Neither proves anything: they tell which payment to ask about.</summary>
static class PhonePeNews
{
    /// <summary>What we add to the address of the return, which they visit as it is.</summary>
    public const string PaymentField = "order_payment";

    const int LongestWord = 100;

    public static NewsReading ReadWebhook(RawMessage message, GatewayAccount account)
    {
        if (!message.WasGenuine && PhonePeSignature.Refuses(message, account) is { } why) return new NewsReading.Forged(why);
        if (!Wire.TryRead<EventWire>(message.Body.Span, out var news) || news.Payload is not { } about
            || (news.Event ?? news.Type) is not { Length: > 0 and <= LongestWord } type)
            return new NewsReading.Unreadable(HexSignature.NameOf(message.Body.Span), "no event in JSON");
        var ours = Ours(about);
        if (ours.Count > 1) return new NewsReading.Unreadable(HexSignature.NameOf(message.Body.Span), "names two payments");
        return new NewsReading.Genuine(EventId(type, about), type, ours.Count == 0 ? null : ours[0], [], ProvesAmount: false)
        {
            // Not believed either; it names the refund to ask about.
            RefundFacts = RefundId.TryParseReference(about.MerchantRefundId, out var refund) && PhonePeMapping.Fact(about) is { } fact ? [new RefundNews(refund, fact)] : [],
        };
    }

    public static NewsReading ReadReturn(RawMessage message) =>
        PaymentId.TryParseReference(Wire.Field(message.Query, PaymentField), out var payment)
            ? new NewsReading.Genuine($"return-{payment.Reference}", "return", payment, [], ProvesAmount: false)
            : new NewsReading.Forged("names no payment");

    /// <summary>They give events no id. What it is about, its state and its latest try tell repetitions from news.</summary>
    static string EventId(string type, SubjectWire about)
    {
        var latest = (about.PaymentDetails ?? []).MaxBy(t => t.Timestamp ?? 0);
        return HexSignature.NameOf(Encoding.UTF8.GetBytes(string.Join('\n', type, about.OrderId, about.MerchantOrderId, about.RefundId, about.MerchantRefundId,
            about.SettlementId, about.State, latest?.TransactionId, latest?.State)));
    }

    static List<PaymentId> Ours(SubjectWire about)
    {
        var ours = new List<PaymentId>();
        foreach (var reference in (string?[])[about.MerchantOrderId, about.OriginalMerchantOrderId])
            if (PaymentId.TryParseReference(reference, out var id) && !ours.Contains(id)) ours.Add(id);
        // A refund belongs to the order of its own name too.
        if (RefundId.TryParseReference(about.MerchantRefundId, out var refund) && ours.Count == 1 && ours[0].Order != refund.Order) return [ours[0], default];
        return ours;
    }
}
