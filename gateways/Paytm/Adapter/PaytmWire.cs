using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Purser.Gateways.Paytm;

/// <summary>What their JSON travels in. The signature covers the body's text as it was written, so that text is cut out and never written again.</summary>
sealed record PaytmEnvelope(string? Signature, ReadOnlyMemory<byte> Body)
{
    sealed record HeadWire([property: JsonPropertyName("signature")] string? Signature);

    public static byte[] Write(string body, string key) =>
        Encoding.UTF8.GetBytes($$"""{"head":{"signature":"{{PaytmChecksum.Sign(Encoding.UTF8.GetBytes(body), key)}}"},"body":{{body}}}""");

    /// <summary>False for anything but one object with one body and at most one head.</summary>
    public static bool TryRead(ReadOnlyMemory<byte> message, [NotNullWhen(true)] out PaytmEnvelope? envelope)
    {
        envelope = null;
        ReadOnlyMemory<byte>? head = null, body = null;
        try
        {
            var reader = new Utf8JsonReader(message.Span, new JsonReaderOptions { MaxDepth = 32 });
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) return false;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var (isHead, isBody) = (reader.ValueTextEquals("head"u8), reader.ValueTextEquals("body"u8));
                reader.Read();
                var start = (int)reader.TokenStartIndex;
                reader.Skip();
                if ((isHead && head is not null) || (isBody && body is not null)) return false;
                if (isHead) head = message[start..(int)reader.BytesConsumed];
                if (isBody) body = message[start..(int)reader.BytesConsumed];
            }
            if (reader.TokenType != JsonTokenType.EndObject || reader.Read() || body is null) return false;
        }
        catch (JsonException)
        {
            return false;
        }
        HeadWire? read = null;
        if (head is { } text && !Wire.TryRead(text.Span, out read)) return false;
        envelope = new PaytmEnvelope(read?.Signature, body.Value);
        return true;
    }

    public bool IsSigned(GatewayAccount account) =>
        PaytmGateway.Keys(account).Any(key => PaytmChecksum.IsRight(Body.Span, key, Signature));
}

sealed record ResultWire(
    [property: JsonPropertyName("resultStatus")] string? Status,
    [property: JsonPropertyName("resultCode")] string? Code,
    [property: JsonPropertyName("resultMsg")] string? Message);

sealed record InitiatedWire(
    [property: JsonPropertyName("resultInfo")] ResultWire? Result,
    [property: JsonPropertyName("txnToken")] string? Token);

sealed record OrderWire(
    [property: JsonPropertyName("resultInfo")] ResultWire? Result,
    [property: JsonPropertyName("mid")] string? Mid,
    [property: JsonPropertyName("orderId")] string? OrderId,
    [property: JsonPropertyName("txnId")] string? TxnId,
    [property: JsonPropertyName("txnAmount")] string? TxnAmount,
    [property: JsonPropertyName("currency")] string? Currency,
    [property: JsonPropertyName("txnType")] string? TxnType,
    [property: JsonPropertyName("paymentMode")] string? PaymentMode,
    [property: JsonPropertyName("txnDate")] string? TxnDate);

sealed record RefundWire(
    [property: JsonPropertyName("resultInfo")] ResultWire? Result,
    [property: JsonPropertyName("mid")] string? Mid,
    [property: JsonPropertyName("orderId")] string? OrderId,
    [property: JsonPropertyName("refId")] string? RefId,
    [property: JsonPropertyName("refundId")] string? RefundId,
    [property: JsonPropertyName("refundAmount")] string? RefundAmount,
    [property: JsonPropertyName("refundDetailInfoList")] IReadOnlyList<RefundPartWire>? Parts);

sealed record RefundPartWire([property: JsonPropertyName("rrn")] string? Rrn);

/// <summary>A payment or a refund in a JSON webhook.</summary>
sealed record NewsWire(
    [property: JsonPropertyName("mid")] string? Mid,
    [property: JsonPropertyName("orderId")] string? OrderId,
    [property: JsonPropertyName("txnId")] string? TxnId,
    [property: JsonPropertyName("txnAmount")] string? TxnAmount,
    [property: JsonPropertyName("status")] string? Status,
    [property: JsonPropertyName("refId")] string? RefId,
    [property: JsonPropertyName("refundId")] string? RefundId,
    [property: JsonPropertyName("refundAmount")] string? RefundAmount,
    [property: JsonPropertyName("rejectRefundReasonCode")] string? RejectCode,
    [property: JsonPropertyName("userCreditInitiateTimestamp")] string? CreditedAt,
    [property: JsonPropertyName("refundDetailInfoList")] IReadOnlyList<RefundPartWire>? Parts);
