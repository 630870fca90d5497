using System.Text.Json;
using System.Text.Json.Serialization;

namespace Purser.Gateways.BillDesk;

// Their JSON as far as we read it, once a token is opened. Everything may be missing; what must be there is checked where it is used.

sealed record OrderWire
{
    public string? Objectid { get; init; }
    public string? Orderid { get; init; }
    public string? Mercid { get; init; }
    public string? Amount { get; init; }
    public string? Currency { get; init; }
    public string? Status { get; init; }
    public IReadOnlyList<OrderLinkWire>? Links { get; init; }
}

/// <param name="Parameters">The fields of the form that opens the page.</param>
sealed record OrderLinkWire(string? Href, string? Rel, string? Method, JsonElement? Parameters);

/// <summary>The state of an order that somebody tried to pay.</summary>
sealed record TransactionWire
{
    public string? Objectid { get; init; }
    public string? Transactionid { get; init; }
    public string? Orderid { get; init; }
    public string? Mercid { get; init; }
    /// <summary>Kept as text: a refund must repeat it exactly.</summary>
    public string? TransactionDate { get; init; }
    public string? Amount { get; init; }
    public string? Currency { get; init; }
    public string? PaymentMethodType { get; init; }
    public string? AuthStatus { get; init; }
    public string? TransactionErrorCode { get; init; }
    public string? TransactionErrorDesc { get; init; }
    /// <summary>Only where it was asked for.</summary>
    [JsonPropertyName("refundInfo")]
    public IReadOnlyList<RefundWire>? RefundInfo { get; init; }
}

sealed record RefundWire
{
    public string? Objectid { get; init; }
    public string? Refundid { get; init; }
    public string? Transactionid { get; init; }
    public string? Orderid { get; init; }
    public string? Mercid { get; init; }
    public string? RefundAmount { get; init; }
    public string? Currency { get; init; }
    public string? RefundDate { get; init; }
    public string? MercRefundRefNo { get; init; }
    public string? RefundStatus { get; init; }
}

/// <summary>A payout: one voucher for each.</summary>
sealed record VoucherWire
{
    public string? Objectid { get; init; }
    public string? PvNumber { get; init; }
    public string? Mercid { get; init; }
    public string? Currency { get; init; }
    public VoucherAmountsWire? AmountDetails { get; init; }
    public string? Charges { get; init; }
    public string? Taxes { get; init; }
    public string? OtherAdjustments { get; init; }
    public string? PayoutAmount { get; init; }
    public string? Status { get; init; }
    public string? SettlementDate { get; init; }
    public string? Utr { get; init; }
}

sealed record VoucherAmountsWire(
    string? Settlement, string? Refund, string? Chargeback, string? RefundReversal, string? ChargebackReversal, string? Adjustment);

/// <summary>Their no, in the usual shape or in the other one that was seen: a word and a sentence.</summary>
sealed record ErrorWire(int? Status, string? ErrorType, string? ErrorCode, string? Message, string? Error, string? ErrorDescription)
{
    public string? Code => ErrorCode ?? ErrorType ?? Error;

    public string? Text => Message ?? ErrorDescription;
}

/// <summary>What every object says of itself.</summary>
sealed record ObjectWire(string? Objectid, string? Mercid);
