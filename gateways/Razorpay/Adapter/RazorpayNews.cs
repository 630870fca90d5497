using Purser.Orders;
using Purser.Refunds;

namespace Purser.Gateways.Razorpay;

/// <summary>Webhooks and the browser's return: the signature first, on the bytes as they came, then what they say.</summary>
static class RazorpayNews
{
    public static NewsReading ReadWebhook(RawMessage message, GatewayAccount account)
    {
        if (!message.WasGenuine && RazorpaySignatures.RefusesWebhook(message, account) is { } why) return new NewsReading.Forged(why);

        // Their own id of the event travels in a header that nobody signs: under another one the same news could come again, and under the id of
        // news to come something old could take its place. So news is known by its signed bytes.
        var eventId = HexSignature.NameOf(message.Body.Span);
        if (!Wire.TryRead<EventWire>(message.Body.Span, out var news) || news.Event is not { } type)
            return new NewsReading.Unreadable(eventId, "no event in JSON");
        if (type.StartsWith("refund.", StringComparison.Ordinal)) return ReadRefund(eventId, type, news.Payload);

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
        if (RazorpaySignatures.RefusesReturn(message, account) is { } why) return new NewsReading.Forged(why);
        var payment = Wire.Field(message.Query, "razorpay_payment_id");
        var reference = Wire.Field(message.Query, "razorpay_payment_link_reference_id");
        return new NewsReading.Genuine($"return-{payment}", "return", Ours(reference) is [var ours] ? ours : null, [], ProvesAmount: false);
    }

    /// <summary>The embedded payment is a snapshot whose status may be of another refund; only the refund is read.</summary>
    static NewsReading ReadRefund(string eventId, string type, PayloadWire? payload)
    {
        var payment = payload?.Payment?.Entity;
        if (payload?.Refund?.Entity is not { } refund || RazorpayMapping.Fact(refund) is not { } snapshot)
            return new NewsReading.Unreadable(eventId, $"{type} without what it is about");
        if (payment?.Id is { } id && refund.PaymentId is { } of && id != of) return new NewsReading.Unreadable(eventId, "names two payments");

        var ours = RazorpayMapping.Refund(refund);
        var paid = Ours(RazorpayMapping.Reference(refund.Notes), RazorpayMapping.Reference(payment?.Notes ?? default));
        if (paid.Count > 1 || (ours is { } named && paid is [var known] && known.Order != named.Order)) return new NewsReading.Unreadable(eventId, "names two payments");
        // A refund is final with its own event and not before, though the snapshot in an earlier one may be ahead. Where a later event shows less
        // than it says, the refund is read again.
        var (fact, proves) = (type, snapshot) switch
        {
            ("refund.processed", RefundEvidence.Succeeded) or ("refund.failed", RefundEvidence.Failed) => (snapshot, true),
            ("refund.processed" or "refund.failed", _) => (Taken(snapshot), false),
            ("refund.created", not RefundEvidence.Failed) => (Taken(snapshot), true),
            _ => (Taken(snapshot), false),
        };
        return new NewsReading.Genuine(eventId, type, paid is [var one] ? one : null, [], proves)
        {
            MoneyReference = refund.PaymentId ?? payment?.Id,
            RefundFacts = [new RefundNews(ours, fact)],
        };
    }

    static RefundEvidence.Accepted Taken(RefundEvidence snapshot) =>
        new() { GatewayTime = snapshot.GatewayTime, RefundReference = snapshot.RefundReference };

    /// <param name="Proves">False when event and snapshot differ: then asking is better than guessing.</param>
    readonly record struct Said(IReadOnlyList<Evidence> Facts, bool Proves = true);

    /// <summary>Null when the event lacks its subject.</summary>
    static Said? Read(string type, LinkWire? link, PaymentWire? payment, DisputeWire? dispute) => type switch
    {
        "payment_link.paid" or "payment_link.partially_paid" or "payment.captured" or "order.paid" => Money(payment),
        "payment.authorized" => payment is not null && RazorpayMapping.Fact(payment) is { } fact ? new Said([fact]) : null,
        // Whether the link can still be paid, it knows itself.
        "payment.failed" => payment is not null && RazorpayMapping.Fact(payment) is { } fact ? new Said([fact], Proves: !RazorpayMapping.WaitsForTheShopper(payment)) : null,
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
