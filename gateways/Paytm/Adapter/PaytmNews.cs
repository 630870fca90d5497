using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Text;
using Purser.Refunds;

namespace Purser.Gateways.Paytm;

/// <summary>Webhooks and the browser's return: the checksum first, then what they say. Whoever renames a field or merges two keeps the checksum
/// right, and an old message stays right for ever; so none of it is believed, and it only leads to an inquiry.</summary>
static class PaytmNews
{
    /// <summary>What we add to the address of the return: which payment.</summary>
    public const string PaymentField = "order_payment";

    const int LongestName = 64;
    const int MostFields = 200;

    public static NewsReading ReadWebhook(RawMessage message, GatewayAccount account) => MediaType(message) switch
    {
        "application/x-www-form-urlencoded" => ReadForm(message, account),
        "application/json" => ReadJson(message, account),
        _ => new NewsReading.Forged("neither a form nor JSON"),
    };

    /// <summary>A browser may come back with a signed form, or after a press of its Back button with nothing but the address that we gave.</summary>
    public static NewsReading ReadReturn(RawMessage message, GatewayAccount account)
    {
        var ours = PaymentId.TryParseReference(Wire.Field(message.Query, PaymentField), out var named) ? named : (PaymentId?)null;
        PaymentId? told = null;
        var word = "back";
        if (MediaType(message) == "application/x-www-form-urlencoded" && TryFields(message.Body.Span, out var fields) && fields.ContainsKey(PaytmChecksum.Field))
        {
            if (Refuses(fields, account) is { } why) return new NewsReading.Forged(why);
            told = Ours(fields.GetValueOrDefault("ORDERID"));
            if (ours is not null && told is not null && ours != told) return new NewsReading.Forged("names two payments");
            word = fields.GetValueOrDefault("STATUS") is { Length: > 0 and <= LongestName } said ? said : "return";
        }
        return (told ?? ours) is { } payment
            ? new NewsReading.Genuine($"return-{payment.Reference}-{word}", word, payment, [], ProvesAmount: false)
            : new NewsReading.Forged("names no payment");
    }

    static NewsReading ReadForm(RawMessage message, GatewayAccount account)
    {
        if (!TryFields(message.Body.Span, out var fields)) return new NewsReading.Forged("no form");
        if (!message.WasGenuine && Refuses(fields, account) is { } why) return new NewsReading.Forged(why);
        if (Name(fields, "ORDERID") is not { } order || fields.GetValueOrDefault("MID") is null) return new NewsReading.Forged("names no order");
        if (!PaytmMapping.TryRupees(fields.GetValueOrDefault("TXNAMOUNT"), out _)) return new NewsReading.Forged("has no amount");
        var payment = Ours(order);
        if (Name(fields, "REFID") is { } refund)
        {
            // The bank's name for the refund, told days after it succeeded.
            var fact = PaytmMapping.TryRupees(fields.GetValueOrDefault("REFUNDAMOUNT"), out var amount) && Name(fields, "ARN") is { } arn
                ? new RefundEvidence.Succeeded(amount.Value, arn) { RefundReference = Name(fields, "REFUNDID") }
                : null;
            return OfRefund("refund_arn", order, refund, "", payment, Name(fields, "TXNID"), fact);
        }
        return Name(fields, "STATUS") is { } status
            ? OfPayment(order, Name(fields, "TXNID"), status, payment)
            : new NewsReading.Forged("has no status");
    }

    static NewsReading ReadJson(RawMessage message, GatewayAccount account)
    {
        if (!PaytmEnvelope.TryRead(message.Body, out var envelope)) return new NewsReading.Forged("no envelope");
        if (!message.WasGenuine && !envelope.IsSigned(account)) return new NewsReading.Forged("wrong checksum");
        if (!Wire.TryRead<NewsWire>(envelope.Body.Span, out var news) || Short(news.OrderId) is not { } order || Short(news.Status) is not { } status
            || !PaytmMapping.TryRupees(news.TxnAmount, out _))
            return new NewsReading.Unreadable(HexSignature.NameOf(envelope.Body.Span), "neither a payment nor a refund");
        if (news.Mid is { } mid && mid != account.OptionalSetting(PaytmGateway.Mid)) return new NewsReading.Forged("of another merchant");
        var payment = Ours(order);
        if (Short(news.RefId) is not { } refund) return OfPayment(order, Short(news.TxnId), status, payment);

        // Accepted is not refunded: only the second message tells when the money went.
        var credited = news.CreditedAt is { Length: > 0 };
        var amount = PaytmMapping.TryRupees(news.RefundAmount, out var read) ? read : null;
        RefundEvidence? fact = (status, credited) switch
        {
            ("SUCCESS", true) => amount is { } money ? new RefundEvidence.Succeeded(money, news.Parts?.FirstOrDefault(p => p?.Rrn is { Length: > 0 })?.Rrn) : null,
            ("SUCCESS", false) => new RefundEvidence.Accepted(),
            ("FAILED", _) => new RefundEvidence.Failed(Wire.Line(news.RejectCode ?? status, LongestName)),
            _ => null,
        };
        if (fact is not null) fact = fact with { RefundReference = Short(news.RefundId) };
        return OfRefund(credited ? "refund_success" : "refund_accept", order, refund, status, payment, Short(news.TxnId), fact);
    }

    /// <summary>The order is part of the event's name: names are not signed, and a form with its names changed about must not pass for the genuine one.</summary>
    static NewsReading.Genuine OfPayment(string order, string? money, string status, PaymentId? payment) =>
        new($"payment-{Short(order)}-{money}-{status}", status, payment, [], ProvesAmount: false) { MoneyReference = money };

    static NewsReading.Genuine OfRefund(string kind, string order, string refund, string status, PaymentId? payment, string? money, RefundEvidence? fact) =>
        new($"{kind}-{order}-{refund}-{status}", kind, payment, [], ProvesAmount: false)
        {
            MoneyReference = money,
            RefundFacts = fact is null ? [] : [new RefundNews(RefundId.TryParseReference(refund, out var ours) ? ours : null, fact)],
        };

    /// <summary>Why these fields are not the gateway's, or null. A value with the joining stroke in it could be two values in one.</summary>
    static string? Refuses(IReadOnlyDictionary<string, string> fields, GatewayAccount account)
    {
        if (!PaytmGateway.Keys(account).Any(key => PaytmChecksum.IsRight(fields, key, fields.GetValueOrDefault(PaytmChecksum.Field))))
            return "wrong checksum";
        if (fields.Values.Any(v => v.Contains('|', StringComparison.Ordinal))) return "a value with | in it";
        return fields.GetValueOrDefault("MID") is { } mid && mid != account.OptionalSetting(PaytmGateway.Mid) ? "of another merchant" : null;
    }

    /// <summary>Decoded once. A field that comes twice is ambiguous.</summary>
    static bool TryFields(ReadOnlySpan<byte> body, [NotNullWhen(true)] out IReadOnlyDictionary<string, string>? fields)
    {
        var found = new Dictionary<string, string>(StringComparer.Ordinal);
        fields = null;
        foreach (var pair in Encoding.UTF8.GetString(body).Split('&', MostFields + 1))
        {
            var equals = pair.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0 || found.Count == MostFields || !found.TryAdd(WebUtility.UrlDecode(pair[..equals]), WebUtility.UrlDecode(pair[(equals + 1)..]))) return false;
        }
        fields = found;
        return true;
    }

    static string? Name(IReadOnlyDictionary<string, string> fields, string field) => Short(fields.GetValueOrDefault(field));

    static string? Short(string? name) => name is { Length: > 0 and <= LongestName } ? name : null;

    static PaymentId? Ours(string? reference) => PaymentId.TryParseReference(reference, out var id) ? id : null;

    public static string? MediaType(RawMessage message) => message.Header("Content-Type")?.Split(';')[0].Trim().ToLowerInvariant();

    /// <summary>For the signature laboratory: the fields of a form, or null.</summary>
    public static IReadOnlyDictionary<string, string>? Fields(RawMessage message) => TryFields(message.Body.Span, out var fields) ? fields : null;
}
