using System.Text.Json;
using System.Text.Json.Serialization;

namespace Purser.Gateways.Ippopay;

// Their JSON, as far as we read it. Everything may be missing; what must be there is checked where it is used.

/// <summary>Around every answer. The data of a refusal has no documented shape, so it is read only after a success.</summary>
sealed record AnswerWire(bool? Success, string? Message, JsonElement Data);

sealed record OrderDataWire(OrderWire? Order);

sealed record OrderWire
{
    public string? OrderId { get; init; }
    public string? Status { get; init; }
    /// <summary>Rupees.</summary>
    public decimal? Amount { get; init; }
    public string? Currency { get; init; }
    public CustomerWire? Customer { get; init; }
    /// <summary>Only in their page of before 2022; used where it comes.</summary>
    public string? PaymentUrl { get; init; }
}

/// <summary>As we gave it; the name ends with our reference.</summary>
sealed record CustomerWire(string? Name);

sealed record TransactionDataWire(TransactionWire? Transaction);

sealed record TransactionWire
{
    public string? TransId { get; init; }
    public string? Status { get; init; }
    public string? FailureReason { get; init; }
    public string? RefundStatus { get; init; }
    public CostWire? Cost { get; init; }
    public CommissionWire? Commission { get; init; }
    public InstrumentWire? Gateway { get; init; }
    /// <summary>What we gave with the order. A text as documented; whatever else comes is not ours.</summary>
    public JsonElement Notes { get; init; }
    [JsonPropertyName("createdAt")]
    public string? CreatedAt { get; init; }
}

sealed record CostWire(decimal? Paid);

sealed record CommissionWire(decimal? Value, decimal? Tax);

sealed record InstrumentWire(ModeWire? PaymentMode);

sealed record ModeWire(string? PayModeId);
