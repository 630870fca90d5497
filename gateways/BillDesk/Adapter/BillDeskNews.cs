using System.Text;
using Purser.Orders;
using Purser.Refunds;

namespace Purser.Gateways.BillDesk;

/// <summary>Webhooks and the browser's return: the same token in both. Its signature covers all it says.</summary>
static class BillDeskNews
{
    /// <summary>Accounts differ in what the field is called.</summary>
    static readonly string[] TokenFields = ["transaction_response", "encrypted_response", "txnResponse"];

    public static NewsReading ReadWebhook(RawMessage message, GatewayAccount account)
    {
        if (BillDeskJose.Of(account) is not { } jose) return new NewsReading.Forged("no key");
        if (Token(message) is not { } token) return new NewsReading.Forged("no token");
        if (jose.Open(token, out var why) is not { } payload) return new NewsReading.Forged(why);

        // The same news encrypted again is another token; its content is its name.
        var id = HexSignature.NameOf(payload);
        if (!Wire.TryRead<ObjectWire>(payload, out var what) || what.Objectid is not { } type) return new NewsReading.Unreadable(id, "no object in JSON");
        if (what.Mercid != account.OptionalSetting(BillDeskGateway.MerchantId)) return new NewsReading.Unreadable(id, "about another merchant");
        return type switch
        {
            "transaction" => Wire.TryRead<TransactionWire>(payload, out var transaction) ? OfTransaction(id, transaction) : Unreadable(),
            "refund" => Wire.TryRead<RefundWire>(payload, out var refund) ? OfRefund(id, refund) : Unreadable(),
            _ => new NewsReading.Genuine(id, Wire.Line(type, 60), null, []),
        };

        NewsReading.Unreadable Unreadable() => new(id, $"{type} without what it is about");
    }

    /// <summary>Proves nothing, signed or not. Without a token (they send none on errors, or when the shopper closed their page) the plain name still
    /// tells which payment to ask about.</summary>
    public static NewsReading ReadReturn(RawMessage message, GatewayAccount account)
    {
        if (Token(message) is { } token)
        {
            if (BillDeskJose.Of(account) is not { } jose) return new NewsReading.Forged("no key");
            if (jose.Open(token, out var why) is not { } payload) return new NewsReading.Forged(why);
            return Wire.TryRead<TransactionWire>(payload, out var said) && said is { Objectid: "transaction", Orderid: not null }
                ? new NewsReading.Genuine(HexSignature.NameOf(payload), "return", Ours(said.Orderid), [], ProvesAmount: false)
                : new NewsReading.Unreadable(HexSignature.NameOf(payload), "a token that is no transaction");
        }
        return Fields(message).Select(f => Wire.Field(f, "orderid")).FirstOrDefault(o => o is not null) is { } plain && Ours(plain) is { } payment
            ? new NewsReading.Genuine($"return-{payment.Reference}", "return_without_token", payment, [], ProvesAmount: false)
            : new NewsReading.Forged("no token");
    }

    /// <summary>In a form, in a query, or as the whole body.</summary>
    public static string? Token(RawMessage message)
    {
        if (message.Header("Content-Type")?.StartsWith("application/jose", StringComparison.OrdinalIgnoreCase) == true) return Encoding.Latin1.GetString(message.Body.Span);
        foreach (var fields in Fields(message))
            foreach (var name in TokenFields)
                if (Wire.Field(fields, name) is { Length: > 0 } token) return token;
        return null;
    }

    static IEnumerable<string> Fields(RawMessage message) => [Encoding.Latin1.GetString(message.Body.Span), message.Query];

    static NewsReading OfTransaction(string id, TransactionWire transaction)
    {
        if (transaction.Orderid is null || transaction.Transactionid is null || BillDeskMapping.Fact(transaction) is not { } fact)
            return new NewsReading.Unreadable(id, "a transaction without what its status needs");
        var ours = Ours(transaction.Orderid);
        fact = fact with { GatewayReference = transaction.Orderid, GatewayTime = BillDeskMapping.Time(transaction.TransactionDate) };
        return new NewsReading.Genuine(id, $"transaction.{Wire.Line(transaction.AuthStatus!, 20)}", ours, ours is null && !Wire.ConcernsMoney(fact) ? [] : [fact])
        {
            MoneyReference = transaction.Transactionid,
        };
    }

    static NewsReading OfRefund(string id, RefundWire refund) => BillDeskMapping.Fact(refund) is { } fact
        ? new NewsReading.Genuine(id, $"refund.{refund.RefundStatus}", Ours(refund.Orderid), [])
        {
            MoneyReference = refund.Transactionid,
            RefundFacts = [new(RefundId.TryParseReference(refund.MercRefundRefNo, out var ours) ? ours : null, fact)],
        }
        : new NewsReading.Unreadable(id, "a refund with a status that cannot be read");

    static PaymentId? Ours(string? reference) => PaymentId.TryParseReference(reference, out var id) ? id : null;
}
