using System.Text.Json.Serialization;

namespace Purser.Client;

/// <summary>The telling of one event to one webhook endpoint.</summary>
public sealed record Delivery
{
    /// <summary>Begins with <c>dlv_</c>.</summary>
    public required string Id { get; init; }

    /// <summary>The event's id, and the header <c>webhook-id</c>: the same at every attempt.</summary>
    public required string Event { get; init; }

    /// <summary>The event's type, such as <see cref="EventTypes.OrderPaid"/>.</summary>
    public required string EventType { get; init; }

    /// <summary>The order's id.</summary>
    public required string Order { get; init; }

    /// <summary>The endpoint's id; <c>mail_shoppers</c> and <c>mail_operators</c> are mail, <c>invoices</c> is what writes invoices.</summary>
    public required string WebhookEndpoint { get; init; }

    /// <summary>How it stands.</summary>
    public required DeliveryStatus Status { get; init; }

    /// <summary>How often it was sent.</summary>
    public required int Attempts { get; init; }

    /// <summary>When it is sent next; null when it is not.</summary>
    public DateTimeOffset? NextAttemptAt { get; init; }

    /// <summary>Of the latest attempt: the status of the answer, or why there was none.</summary>
    public string? Outcome { get; init; }

    /// <summary>When the event happened.</summary>
    public required DateTimeOffset EventAt { get; init; }

    /// <summary>When it was taken or given up.</summary>
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>What was sent, as it was signed. Null of mail, and in a list.</summary>
    public string? Body { get; init; }

    /// <summary>The attempts that are still kept, 30 days unless configured otherwise; null in a list.</summary>
    [JsonPropertyName("attempt_log")]
    public IReadOnlyList<DeliveryAttempt>? Log { get; init; }
}

/// <summary>One attempt to tell of an event.</summary>
/// <param name="Number">1, 2, 3 within its delivery.</param>
/// <param name="SentAt">When it was sent.</param>
/// <param name="TookMs">Milliseconds.</param>
/// <param name="Url">Where to.</param>
/// <param name="Signature">The header <c>webhook-signature</c>.</param>
/// <param name="Status">The answer's HTTP status; null when none came.</param>
/// <param name="Trouble">Why none came.</param>
/// <param name="Answer">The beginning of the answer's body.</param>
public sealed record DeliveryAttempt(int Number, DateTimeOffset SentAt, int TookMs, string Url, string Signature, int? Status, string? Trouble, string? Answer);

/// <summary>Which deliveries to list. What is left out does not restrict.</summary>
public sealed record DeliveryFilter
{
    /// <summary>The endpoint's id.</summary>
    public string? WebhookEndpoint { get; init; }

    /// <summary>How they stand.</summary>
    public DeliveryStatus? Status { get; init; }

    /// <summary>The order's id.</summary>
    public string? Order { get; init; }
}

sealed record DeliveryPage(IReadOnlyList<Delivery> Deliveries, string? Next);
