using System.Text.Json.Serialization;

namespace Purser.Gateways.PhonePe;

// Their JSON, as far as we read it. Everything may be missing; what must be there is checked where it is used. Words stay text: new ones keep coming.

/// <summary>The token's times are in seconds. <c>expires_in</c> may be missing.</summary>
sealed record TokenWire(string? AccessToken, long? ExpiresIn, long? IssuedAt, long? ExpiresAt);

/// <summary>Some of their services say <c>code</c>, others <c>errorCode</c>.</summary>
sealed record ErrorWire(string? Code, [property: JsonPropertyName("errorCode")] string? ErrorCode, string? Message)
{
    public string? Word => Code ?? ErrorCode;
}

/// <summary>A new order. Its end is in milliseconds, and it does not say its amount.</summary>
sealed record PageWire(
    [property: JsonPropertyName("orderId")] string? OrderId, string? State, [property: JsonPropertyName("redirectUrl")] string? RedirectUrl);

sealed record OrderWire
{
    /// <summary>Ours; may be missing, then <see cref="MetaInfo"/> has it.</summary>
    [JsonPropertyName("merchantOrderId")] public string? MerchantOrderId { get; init; }
    [JsonPropertyName("orderId")] public string? OrderId { get; init; }
    public string? State { get; init; }
    public long? Amount { get; init; }
    [JsonPropertyName("errorCode")] public string? ErrorCode { get; init; }
    [JsonPropertyName("detailedErrorCode")] public string? DetailedErrorCode { get; init; }
    [JsonPropertyName("metaInfo")] public MetaWire? MetaInfo { get; init; }
    [JsonPropertyName("paymentDetails")] public IReadOnlyList<TryWire>? PaymentDetails { get; init; }
}

sealed record MetaWire(string? Udf1);

/// <summary>One try of a shopper; its time is in milliseconds.</summary>
sealed record TryWire
{
    [JsonPropertyName("transactionId")] public string? TransactionId { get; init; }
    [JsonPropertyName("paymentMode")] public string? PaymentMode { get; init; }
    public long? Timestamp { get; init; }
    public long? Amount { get; init; }
    public string? State { get; init; }
    [JsonPropertyName("errorCode")] public string? ErrorCode { get; init; }
    [JsonPropertyName("detailedErrorCode")] public string? DetailedErrorCode { get; init; }
    [JsonPropertyName("splitInstruments")] public IReadOnlyList<SplitWire>? SplitInstruments { get; init; }
}

sealed record SplitWire(RailWire? Rail, InstrumentWire? Instrument);

sealed record RailWire(string? Utr);

sealed record InstrumentWire(string? Arn);

/// <summary>The answer to a request lacks the merchant's names, the answer to a question has them.</summary>
record RefundWire
{
    [JsonPropertyName("merchantRefundId")] public string? MerchantRefundId { get; init; }
    [JsonPropertyName("originalMerchantOrderId")] public string? OriginalMerchantOrderId { get; init; }
    [JsonPropertyName("refundId")] public string? RefundId { get; init; }
    public long? Amount { get; init; }
    public string? State { get; init; }
    [JsonPropertyName("errorCode")] public string? ErrorCode { get; init; }
    [JsonPropertyName("detailedErrorCode")] public string? DetailedErrorCode { get; init; }
    [JsonPropertyName("paymentDetails")] public IReadOnlyList<TryWire>? PaymentDetails { get; init; }
}

/// <summary><c>type</c> is being withdrawn in favour of <c>event</c>.</summary>
sealed record EventWire(string? Event, string? Type, SubjectWire? Payload);

/// <summary>A refund, an order or a settlement.</summary>
sealed record SubjectWire : RefundWire
{
    [JsonPropertyName("merchantOrderId")] public string? MerchantOrderId { get; init; }
    [JsonPropertyName("orderId")] public string? OrderId { get; init; }
    [JsonPropertyName("settlementId")] public string? SettlementId { get; init; }
}
