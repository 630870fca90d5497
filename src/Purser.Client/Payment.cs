using System.Text.Json.Serialization;

namespace Purser.Client;

/// <summary>One try to pay an order through one gateway account.</summary>
public sealed record Payment
{
    /// <summary>Begins with <c>pay_</c>.</summary>
    public required string Id { get; init; }

    /// <summary>The order's id.</summary>
    public required string Order { get; init; }

    /// <summary>1, 2, 3 within its order.</summary>
    public required int Number { get; init; }

    /// <summary>The gateway account's name.</summary>
    public required string Gateway { get; init; }

    /// <summary>How it stands.</summary>
    public required PaymentStatus Status { get; init; }

    /// <summary>How it stands, in a sentence for people.</summary>
    public required string Explanation { get; init; }

    /// <summary>What the gateway is asked to take.</summary>
    [JsonIgnore]
    public Money Amount => new(MinorUnits, Currency);

    /// <summary>How the shopper wants to pay, or paid.</summary>
    public string? Method { get; init; }

    /// <summary>Where the shopper pays; null while there is none or when it is over.</summary>
    public PaymentLink? Link { get; init; }

    /// <summary>Purser's page that hands the shopper over to the gateway, whatever kind of link it has, and shows what came of it.</summary>
    public required string PageUrl { get; init; }

    /// <summary>When it was started.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>Until when the link can be paid.</summary>
    public required DateTimeOffset LinkExpiresAt { get; init; }

    /// <summary>Purser's reference at the gateway.</summary>
    public required string Reference { get; init; }

    /// <summary>The gateway's name for the link.</summary>
    public string? GatewayReference { get; init; }

    /// <summary>The latest decline, in the gateway's words. The link may still be payable.</summary>
    public string? Decline { get; init; }

    /// <summary>Why it ended, in the gateway's words or Purser's.</summary>
    public string? Reason { get; init; }

    /// <summary>The money that came.</summary>
    public required IReadOnlyList<Capture> Captures { get; init; }

    /// <summary>What the gateway kept, once the settlement says so.</summary>
    [JsonIgnore]
    public Money? Fee => FeeMinorUnits is { } fee ? new(fee, Currency) : null;

    /// <summary>The tax on the fee.</summary>
    [JsonIgnore]
    public Money? Tax => TaxMinorUnits is { } tax ? new(tax, Currency) : null;

    /// <summary><c>none</c>, <c>open</c>, <c>won</c> or <c>lost</c>.</summary>
    public required string Dispute { get; init; }

    /// <summary>When Purser next asks the gateway by itself.</summary>
    public DateTimeOffset? NextLookAt { get; init; }

    [JsonInclude, JsonRequired]
    internal string Currency { get; init; } = "";

    [JsonInclude, JsonRequired, JsonPropertyName("amount")]
    internal long MinorUnits { get; init; }

    [JsonInclude, JsonPropertyName("fee")]
    internal long? FeeMinorUnits { get; init; }

    [JsonInclude, JsonPropertyName("tax")]
    internal long? TaxMinorUnits { get; init; }
}

/// <summary>Where the shopper pays. <see cref="Payment.PageUrl"/> serves both kinds.</summary>
/// <param name="Kind"><c>redirect</c>: the gateway's page; <c>page</c>: Purser's, which posts the gateway's form. Send the shopper's browser there, either way.</param>
/// <param name="Url">Where the browser goes.</param>
public sealed record PaymentLink(string Kind, string Url);

/// <summary>Money that a gateway took.</summary>
public sealed record Capture
{
    /// <summary>The gateway's own name for this money.</summary>
    public required string MoneyReference { get; init; }

    /// <summary>How much came.</summary>
    [JsonIgnore]
    public Money Amount => new(MinorUnits, Currency);

    /// <summary>When it became known.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary><c>accepted</c>, <c>duplicate</c>, <c>late</c> or <c>mismatched</c>.</summary>
    public required string Standing { get; init; }

    [JsonInclude, JsonRequired]
    internal string Currency { get; init; } = "";

    [JsonInclude, JsonRequired, JsonPropertyName("amount")]
    internal long MinorUnits { get; init; }
}

/// <summary>A refund to ask for.</summary>
public sealed record NewRefund
{
    /// <summary>Your own name for the refund, such as the return's number, unique within its order. The same again is the same refund, for ever and from any process, so money goes back once.</summary>
    public required string Reference { get; init; }

    /// <summary>How much, in minor units of the order's currency; all that is left when left out.</summary>
    public long? AmountMinorUnits { get; init; }

    /// <summary>The payment's id; the accepted one when left out.</summary>
    public string? Payment { get; init; }

    /// <summary>One line for people, told to the gateway where it takes one. At most 200 characters.</summary>
    public string? Note { get; init; }
}

/// <summary>Captured money that goes back.</summary>
public sealed record Refund
{
    /// <summary>Begins with <c>ref_</c>.</summary>
    public required string Id { get; init; }

    /// <summary>The order's id.</summary>
    public required string Order { get; init; }

    /// <summary>The payment's id.</summary>
    public required string Payment { get; init; }

    /// <summary>The gateway account's name.</summary>
    public required string Gateway { get; init; }

    /// <summary>The gateway's name for the money that goes back.</summary>
    public required string MoneyReference { get; init; }

    /// <summary>How much.</summary>
    [JsonIgnore]
    public Money Amount => new(MinorUnits, Currency);

    /// <summary><c>merchant</c> (you asked), <c>duplicate</c>, <c>late</c> or <c>mismatched</c> (policy, or a person).</summary>
    public required string Reason { get; init; }

    /// <summary>How it stands.</summary>
    public required RefundStatus Status { get; init; }

    /// <summary>The line for people.</summary>
    public string? Note { get; init; }

    /// <summary>When it was asked for.</summary>
    public required DateTimeOffset RequestedAt { get; init; }

    /// <summary>When it was known that the money went back, or that it will not.</summary>
    public DateTimeOffset? DoneAt { get; init; }

    /// <summary>Purser's reference at the gateway.</summary>
    public required string Reference { get; init; }

    /// <summary>The gateway's name for the refund.</summary>
    public string? GatewayReference { get; init; }

    /// <summary>What the shopper's bank can find it by.</summary>
    public string? BankReference { get; init; }

    /// <summary>Why it failed or is not known, in the gateway's words.</summary>
    public string? Why { get; init; }

    /// <summary>When Purser next asks the gateway by itself.</summary>
    public DateTimeOffset? NextLookAt { get; init; }

    [JsonInclude, JsonRequired]
    internal string Currency { get; init; } = "";

    [JsonInclude, JsonRequired, JsonPropertyName("amount")]
    internal long MinorUnits { get; init; }
}
