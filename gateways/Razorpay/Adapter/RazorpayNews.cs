using System.Text;
using Purser.Orders;

namespace Purser.Gateways.Razorpay;

/// <summary>Webhooks and the browser's return: the signature first, on the bytes as they came, then what they say.</summary>
static class RazorpayNews
{
    const string SignatureHeader = "X-Razorpay-Signature";
    const string EventIdHeader = "x-razorpay-event-id";
    const int LongestEventId = 100;

    public static NewsReading ReadWebhook(RawMessage message, GatewayAccount account)
    {
        // Without a secret they send no signature; unsigned is refused, not believed.
        if (message.Header(SignatureHeader) is not { Length: > 0 } signature) return new NewsReading.Forged("no signature");
        var secrets = account.SeveralSettings(RazorpayGateway.WebhookSecret);
        if (!HexSignature.IsHmacSha256(secrets, message.Body.Span, signature)) return new NewsReading.Forged("wrong signature");

        var eventId = message.Header(EventIdHeader) is { Length: > 0 and <= LongestEventId } id ? id : HexSignature.NameOf(message.Body.Span);
        if (!Wire.TryRead<EventWire>(message.Body.Span, out var news) || news.Event is not { } type)
            return new NewsReading.Unreadable(eventId, "no event in JSON");

        var payment = news.Payload?.Payment?.Entity;
        var link = news.Payload?.PaymentLink?.Entity;
        // A link's own payment carries the note, its order our reference as receipt, the link itself the reference. All that are there agree.
        var ours = Ours(link?.ReferenceId, RazorpayMapping.Reference(payment?.Notes ?? default), news.Payload?.Order?.Entity?.Receipt);
        if (ours.Count > 1) return new NewsReading.Unreadable(eventId, "names two payments");

        var reading = Read(type, link, payment, news.Payload?.Dispute?.Entity);
        if (reading is not { } read) return new NewsReading.Unreadable(eventId, $"{type} without what it is about");
        var facts = read.Facts
            .Where(f => ours.Count > 0 || Wire.ConcernsMoney(f))
            .Select(f => link?.Id is null ? f : f with { GatewayReference = link.Id });
        return new NewsReading.Genuine(eventId, type, ours.Count == 0 ? null : ours[0], [.. facts], read.Proves)
        {
            MoneyReference = payment?.Id ?? news.Payload?.Dispute?.Entity?.PaymentId,
        };
    }

    /// <summary>What the browser brings proves nothing; a right signature only shows that it was at the gateway.</summary>
    public static NewsReading ReadReturn(RawMessage message, GatewayAccount account)
    {
        var payment = Wire.Field(message.Query, "razorpay_payment_id");
        var link = Wire.Field(message.Query, "razorpay_payment_link_id");
        var reference = Wire.Field(message.Query, "razorpay_payment_link_reference_id");
        var status = Wire.Field(message.Query, "razorpay_payment_link_status");
        if (Wire.Field(message.Query, "razorpay_signature") is not { } signature) return new NewsReading.Forged("no signature");
        if (payment is null || link is null || reference is null || status is null) return new NewsReading.Forged("a signed field is missing");

        var signed = Encoding.UTF8.GetBytes($"{link}|{reference}|{status}|{payment}");
        if (!HexSignature.IsHmacSha256(account.Setting(RazorpayGateway.KeySecret), signed, signature))
            return new NewsReading.Forged("wrong signature");
        return new NewsReading.Genuine($"return-{payment}", "return", Ours(reference) is [var ours] ? ours : null, [], ProvesAmount: false);
    }

    /// <param name="Proves">False when event and snapshot differ: then asking is better than guessing.</param>
    readonly record struct Said(IReadOnlyList<Evidence> Facts, bool Proves = true);

    /// <summary>Null when the event lacks its subject.</summary>
    static Said? Read(string type, LinkWire? link, PaymentWire? payment, DisputeWire? dispute) => type switch
    {
        "payment_link.paid" or "payment_link.partially_paid" or "payment.captured" or "order.paid" => Money(payment),
        "payment.authorized" or "payment.failed" => payment is not null && RazorpayMapping.Fact(payment) is { } fact ? new Said([fact]) : null,
        "payment_link.cancelled" => link?.Id is null ? null : new Said([new Evidence.LinkCancelled()]),
        "payment_link.expired" => link?.Id is null ? null : new Said([new Evidence.LinkExpired()]),
        "payment.dispute.created" or "payment.dispute.under_review" or "payment.dispute.action_required" =>
            dispute is not null && RazorpayMapping.Fact(dispute) is { } opened ? new Said([opened]) : null,
        "payment.dispute.won" or "payment.dispute.lost" or "payment.dispute.closed" =>
            dispute is not null && RazorpayMapping.Fact(Ended(dispute, type)) is { } closed ? new Said([closed]) : null,
        _ => new Said([]),
    };

    /// <summary>A verdict in the dispute itself outlasts the event that merely says closed.</summary>
    static DisputeWire Ended(DisputeWire dispute, string type) =>
        dispute.Status is "won" or "lost" ? dispute : dispute with { Status = type[(type.LastIndexOf('.') + 1)..] };

    /// <summary>The embedded payment is a snapshot, older or newer than the event. Success is told by its own status alone.</summary>
    static Said? Money(PaymentWire? payment)
    {
        if (payment is null || RazorpayMapping.Fact(payment) is not { } fact) return null;
        return new Said([fact], Proves: fact is Evidence.Succeeded or Evidence.Processing { UnknownWord: not null });
    }

    static List<PaymentId> Ours(params IEnumerable<string?> references)
    {
        var ours = new List<PaymentId>();
        foreach (var reference in references)
            if (PaymentId.TryParseReference(reference, out var id) && !ours.Contains(id)) ours.Add(id);
        return ours;
    }
}
