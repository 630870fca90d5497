using System.Text.Json;

namespace Purser.Gateways.PayPal;

// Their JSON, as far as we read it. Everything may be missing; what must be there is checked where it is used.

sealed record TokenWire(string? AccessToken, string? TokenType, long? ExpiresIn);

sealed record TokenErrorWire(string? Error, string? ErrorDescription);

sealed record AmountWire(string? CurrencyCode, string? Value);

sealed record LinkWire(string? Rel, string? Href);

sealed record OrderWire
{
    public string? Id { get; init; }
    public string? Intent { get; init; }
    public string? Status { get; init; }
    public string? CreateTime { get; init; }
    /// <summary>An object whose one field is the way of paying.</summary>
    public JsonElement? PaymentSource { get; init; }
    public IReadOnlyList<UnitWire>? PurchaseUnits { get; init; }
    public IReadOnlyList<LinkWire>? Links { get; init; }
}

sealed record UnitWire(string? ReferenceId, string? CustomId, string? InvoiceId, AmountWire? Amount, PaymentsWire? Payments);

sealed record PaymentsWire(IReadOnlyList<CaptureWire>? Captures, IReadOnlyList<RefundWire>? Refunds);

sealed record CaptureWire
{
    public string? Id { get; init; }
    public string? Status { get; init; }
    public StatusDetailsWire? StatusDetails { get; init; }
    public AmountWire? Amount { get; init; }
    public string? CustomId { get; init; }
    public string? InvoiceId { get; init; }
    public string? CreateTime { get; init; }
    public BreakdownWire? SellerReceivableBreakdown { get; init; }
}

sealed record StatusDetailsWire(string? Reason);

sealed record BreakdownWire(AmountWire? PaypalFee);

sealed record RefundWire
{
    public string? Id { get; init; }
    public string? Status { get; init; }
    public StatusDetailsWire? StatusDetails { get; init; }
    public AmountWire? Amount { get; init; }
    public string? CustomId { get; init; }
    public string? InvoiceId { get; init; }
    public string? CreateTime { get; init; }
    public string? UpdateTime { get; init; }
    public IReadOnlyList<LinkWire>? Links { get; init; }
}

sealed record ErrorWire(string? Name, string? Message, string? DebugId, IReadOnlyList<IssueWire>? Details)
{
    /// <summary>What to decide by: the issue where there is one, else the name. Texts change.</summary>
    public string? Word => Details is [{ Issue: { } issue }, ..] ? issue : Name;
}

sealed record IssueWire(string? Issue, string? Description, string? Field);

/// <summary>What they say of a webhook that they were asked about.</summary>
sealed record VerdictWire(string? VerificationStatus);

sealed record EventWire(string? Id, string? EventType, string? ResourceType, JsonElement Resource);

/// <summary>What the resource of an event may be: an order, a capture, a refund or a dispute.</summary>
sealed record ResourceWire
{
    public string? Id { get; init; }
    public string? OrderId { get; init; }
    public string? CustomId { get; init; }
    public string? InvoiceId { get; init; }
    public string? Status { get; init; }
    public AmountWire? Amount { get; init; }
    public IReadOnlyList<UnitWire>? PurchaseUnits { get; init; }
    public IReadOnlyList<LinkWire>? Links { get; init; }
    public IReadOnlyList<DisputedWire>? DisputedTransactions { get; init; }
}

sealed record DisputedWire(string? SellerTransactionId, string? Custom, string? InvoiceNumber);

sealed record TransactionsWire(IReadOnlyList<TransactionWire>? TransactionDetails, int? Page, int? TotalPages);

sealed record TransactionWire(TransactionInfoWire? TransactionInfo);

sealed record TransactionInfoWire
{
    public string? TransactionId { get; init; }
    public string? PaypalReferenceId { get; init; }
    public string? PaypalReferenceIdType { get; init; }
    public string? TransactionEventCode { get; init; }
    public string? TransactionInitiationDate { get; init; }
    public AmountWire? TransactionAmount { get; init; }
    public AmountWire? FeeAmount { get; init; }
    public string? TransactionStatus { get; init; }
    public string? InvoiceId { get; init; }
    public string? CustomField { get; init; }
}
