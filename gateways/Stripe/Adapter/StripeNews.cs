using System.Text.Json;
using Purser.Orders;
using Purser.Refunds;

namespace Purser.Gateways.Stripe;

/// <summary>Webhooks and the browser's return: the signature first, on the bytes as they came, then what they say.</summary>
static class StripeNews
{
    /// <summary>What we add to the URLs of the return: which payment, and whether the shopper went back without paying.</summary>
    public const string PaymentField = "order_payment";
    public const string BackField = "back";

    const int LongestEventId = 255;

    public static NewsReading ReadWebhook(RawMessage message, GatewayAccount account)
    {
        var secrets = account.SeveralSettings(StripeGateway.WebhookSecret);
        if (!message.WasGenuine && StripeSignature.Refuses(message.Header(StripeSignature.Header), message.Body.Span, secrets, message.ReceivedAt) is { } why)
            return new NewsReading.Forged(why);

        if (!Wire.TryRead<EventWire>(message.Body.Span, out var news)
            || news is not { Id: { Length: > 0 and <= LongestEventId } id, Type: { } type, Data.Object: { ValueKind: JsonValueKind.Object } about })
            return new NewsReading.Unreadable(HexSignature.NameOf(message.Body.Span), "no event in JSON");
        // Test and live events may come to one address; one account is one mode.
        if (news.Livemode != !account.TestMode) return new NewsReading.Unreadable(id, "of the other mode");

        return Read(id, type, Wire.Time(news.Created), about) is { } reading ? reading : new NewsReading.Unreadable(id, $"{type} without what it is about");
    }

    /// <summary>Nothing here is signed; it only says whom to ask about.</summary>
    public static NewsReading ReadReturn(RawMessage message) =>
        PaymentId.TryParseReference(Wire.Field(message.Query, PaymentField), out var payment)
            ? new NewsReading.Genuine(
                $"return-{payment.Reference}", Wire.Field(message.Query, BackField) is null ? "return" : "back", payment, [], ProvesAmount: false)
            : new NewsReading.Forged("names no payment");

    /// <summary>Null when the event lacks its subject.</summary>
    /// <param name="at">When it happened.</param>
    static NewsReading.Genuine? Read(string id, string type, DateTimeOffset? at, JsonElement about) => type switch
    {
        "checkout.session.completed" or "checkout.session.async_payment_succeeded" or "checkout.session.async_payment_failed"
            or "checkout.session.expired" => ReadSession(id, type, about),
        "payment_intent.succeeded" or "payment_intent.payment_failed" or "payment_intent.processing" or "payment_intent.requires_action"
            or "payment_intent.canceled" or "payment_intent.amount_capturable_updated" => ReadIntent(id, type, at, about),
        "charge.dispute.created" or "charge.dispute.updated" or "charge.dispute.closed" or "charge.dispute.funds_withdrawn"
            or "charge.dispute.funds_reinstated" => ReadDispute(id, type, about),
        "refund.created" or "refund.updated" or "refund.failed" or "charge.refund.updated" => ReadRefund(id, type, about),
        _ => new NewsReading.Genuine(id, type, null, []),
    };

    static NewsReading.Genuine? ReadSession(string id, string type, JsonElement about)
    {
        if (!Wire.TryRead<SessionWire>(about, out var session) || session.Object != "checkout.session") return null;
        var failed = type == "checkout.session.async_payment_failed" && session is { Id: not null, PaymentStatus: "unpaid" };
        var facts = failed
            ? [new Evidence.Failed("async_payment_failed") { GatewayReference = session.Id, GatewayTime = Wire.Time(session.Created) }]
            : StripeMapping.Facts(session);
        if (facts is null) return null;
        // A snapshot that does not show what the event says (paid, yet unpaid in it) is asked about instead of believed.
        var shows = type switch
        {
            "checkout.session.async_payment_succeeded" => facts is [Evidence.Succeeded],
            "checkout.session.expired" => facts is [Evidence.LinkExpired],
            _ => true,
        };
        // A session says what was asked for; what was received stands in its payment intent, which events do not expand.
        if (session.PaymentIntent is { Id: not null, Object: null } && facts.Any(f => f is Evidence.Succeeded)) shows = false;
        return About(Ours(session.ClientReferenceId), id, type, facts, shows) with { MoneyReference = session.PaymentIntent?.Id };
    }

    static NewsReading.Genuine? ReadIntent(string id, string type, DateTimeOffset? at, JsonElement about)
    {
        if (!Wire.TryRead<IntentWire>(about, out var intent) || intent.Id is null) return null;
        // The event tells what happened; the snapshot may show a later state, which another event tells.
        var fact = type == "payment_intent.payment_failed"
            // When the try ended: an intent is as old as its first try, and the charge's own time is not told here.
            ? StripeMapping.Decline(intent) with { GatewayTime = at ?? Wire.Time(intent.Created) }
            : StripeMapping.Fact(intent);
        if (fact is null) return null;
        // Whether the page can still be paid, the session knows.
        var shows = (type != "payment_intent.succeeded" || fact is Evidence.Succeeded) && !(fact is Evidence.Processing && StripeMapping.WaitsForTheShopper(intent));
        return About(Ours(intent.Metadata?.GetValueOrDefault(StripeMapping.ReferenceKey)), id, type, [fact], shows) with { MoneyReference = intent.Id };
    }

    /// <summary>A dispute carries none of our fields: it is placed by the money it is about.</summary>
    static NewsReading.Genuine? ReadDispute(string id, string type, JsonElement about) =>
        Wire.TryRead<DisputeWire>(about, out var dispute) && StripeMapping.Fact(dispute) is { } fact
            ? new NewsReading.Genuine(id, type, null, [fact]) { MoneyReference = dispute.PaymentIntent }
            : null;

    /// <summary>One made in the dashboard carries none of our fields: it is placed by the money it is about.</summary>
    static NewsReading.Genuine? ReadRefund(string id, string type, JsonElement about)
    {
        if (!Wire.TryRead<RefundWire>(about, out var refund) || StripeMapping.Fact(refund) is not { } fact) return null;
        var (ours, payment) = (StripeMapping.Refund(refund), Ours(refund.Metadata?.GetValueOrDefault(StripeMapping.ReferenceKey)));
        if (ours is { } named && payment is { } paid && named.Order != paid.Order) return null;
        // News of a failure in which the refund has not failed is asked about instead of believed.
        return new NewsReading.Genuine(id, type, payment, [], type != "refund.failed" || fact is RefundEvidence.Failed)
        {
            MoneyReference = refund.PaymentIntent,
            RefundFacts = [new RefundNews(ours, fact)],
        };
    }

    /// <summary>Somebody else's tries and pages are nothing to us; money that we cannot place is.</summary>
    static NewsReading.Genuine About(PaymentId? payment, string id, string type, IReadOnlyList<Evidence> facts, bool proves) =>
        new(id, type, payment, payment is null ? [.. facts.Where(Wire.ConcernsMoney)] : facts, proves);

    static PaymentId? Ours(string? reference) => PaymentId.TryParseReference(reference, out var id) ? id : null;
}
