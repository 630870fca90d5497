using System.Text.Json;
using System.Text.Json.Serialization;

namespace Purser.Gateways.AcmePay;

// Their JSON as far as we read it, field by field as they name it; the naming policy turns CreatedAt into created_at. In what they send everything may be
// missing, so everything can be null, and what must be there is checked where it is used. TRAP: amounts are long or text, never double.

static class AcmePayWire
{
    public static readonly JsonSerializerOptions Written =
        new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };
}

sealed record LinkRequestWire(
    string Reference, long Amount, string Currency, string Description, CustomerWire Customer, string? Method, string ReturnUrl, long ExpiresAt);

sealed record CustomerWire(string? Name, string? Email, string? Phone);

sealed record LinkWire(
    string? Id, string? Reference, string? Status, long? Amount, string? Currency, string? Url, long? CreatedAt, IReadOnlyList<PaymentWire?>? Payments);

sealed record LinksWire(IReadOnlyList<LinkWire?>? Links);

sealed record PaymentWire(
    string? Id, string? Status, long? Amount, string? Currency, string? Method, long? Fee, string? Reason, long? CreatedAt);

sealed record RefundRequestWire(string Reference, string Payment, long Amount, string Note);

sealed record RefundWire(string? Id, string? Reference, string? Payment, string? Status, long? Amount, string? Currency, string? Reason, long? CreatedAt);

sealed record RefundsWire(IReadOnlyList<RefundWire?>? Refunds);

sealed record ErrorAnswerWire(ErrorWire? Error);

sealed record ErrorWire(string? Code, string? Message);

/// <summary>A webhook.</summary>
sealed record EventWire(string? Id, string? Type, EventLinkWire? Link, PaymentWire? Payment, RefundWire? Refund);

sealed record EventLinkWire(string? Id, string? Reference);
