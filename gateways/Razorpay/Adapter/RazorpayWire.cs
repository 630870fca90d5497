using System.Text.Json;

namespace Purser.Gateways.Razorpay;

// Their JSON, as far as we read it. Everything may be missing; what must be there is checked where it is used.

sealed record LinkWire
{
    public string? Id { get; init; }
    public string? ReferenceId { get; init; }
    public string? Status { get; init; }
    public long? Amount { get; init; }
    public string? Currency { get; init; }
    public string? ShortUrl { get; init; }
    /// <summary>Appears once somebody opened the page.</summary>
    public string? OrderId { get; init; }
    public long? CreatedAt { get; init; }
    /// <summary>Null or empty until a capture; captured payments only.</summary>
    public IReadOnlyList<LinkPaymentWire>? Payments { get; init; }
}

sealed record LinkPaymentWire(string? PaymentId, long? Amount, string? Status, string? Method, long? CreatedAt);

sealed record LinksWire(IReadOnlyList<LinkWire>? PaymentLinks);

sealed record PaymentWire
{
    public string? Id { get; init; }
    public string? OrderId { get; init; }
    public string? Status { get; init; }
    public long? Amount { get; init; }
    public string? Currency { get; init; }
    /// <summary>Stays true after a refund.</summary>
    public bool? Captured { get; init; }
    public string? Method { get; init; }
    public long? Fee { get; init; }
    public long? Tax { get; init; }
    public string? ErrorCode { get; init; }
    public string? ErrorReason { get; init; }
    public long? CreatedAt { get; init; }
    /// <summary>An object, an empty array, a string or null.</summary>
    public JsonElement Notes { get; init; }
}

sealed record PaymentsWire(IReadOnlyList<PaymentWire>? Items);

sealed record RefundWire
{
    public string? Id { get; init; }
    public string? PaymentId { get; init; }
    public long? Amount { get; init; }
    public string? Currency { get; init; }
    public string? Status { get; init; }
    public string? Receipt { get; init; }
    public long? CreatedAt { get; init; }
    /// <summary>With the bank's reference, once there is one.</summary>
    public JsonElement AcquirerData { get; init; }
    public JsonElement Notes { get; init; }
}

sealed record RefundsWire(IReadOnlyList<RefundWire>? Items);

// The combined settlement report.

sealed record ReconWire(IReadOnlyList<ReconRowWire>? Items);

sealed record ReconRowWire
{
    public string? EntityId { get; init; }
    public string? Type { get; init; }
    public long? Debit { get; init; }
    public long? Credit { get; init; }
    public long? Amount { get; init; }
    public string? Currency { get; init; }
    /// <summary>With the tax on it.</summary>
    public long? Fee { get; init; }
    public long? Tax { get; init; }
    public bool? Settled { get; init; }
    public long? CreatedAt { get; init; }
    public long? SettledAt { get; init; }
    public string? SettlementId { get; init; }
    public string? SettlementUtr { get; init; }
    public string? PaymentId { get; init; }
    public string? OrderReceipt { get; init; }
    public string? Method { get; init; }
    public string? DisputeId { get; init; }
    /// <summary>An object, the text of one, or null.</summary>
    public JsonElement Notes { get; init; }
}

sealed record ErrorAnswerWire(ErrorWire? Error);

sealed record ErrorWire(string? Code, string? Description, string? Field, string? Reason);

// Webhooks.

sealed record EventWire(string? Event, PayloadWire? Payload);

sealed record PayloadWire(
    EntityWire<LinkWire>? PaymentLink, EntityWire<PaymentWire>? Payment, EntityWire<OrderWire>? Order, EntityWire<DisputeWire>? Dispute,
    EntityWire<RefundWire>? Refund);

sealed record EntityWire<T>(T? Entity);

/// <summary>In link events an internal dump, whose id lacks its prefix; only the receipt is read.</summary>
sealed record OrderWire(string? Receipt);

sealed record DisputeWire(string? Id, string? PaymentId, long? Amount, string? Currency, string? Status, long? CreatedAt);
