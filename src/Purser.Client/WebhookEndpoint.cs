using System.Text.Json.Serialization;

namespace Purser.Client;

/// <summary>An address that events are sent to.</summary>
public sealed record WebhookEndpoint
{
    /// <summary>Begins with <c>we_</c>.</summary>
    public required string Id { get; init; }

    /// <summary>Where messages go.</summary>
    public required string Url { get; init; }

    /// <summary>A few words for people.</summary>
    public string? Description { get; init; }

    /// <summary>What is sent there; empty: everything.</summary>
    public required IReadOnlyList<string> EventTypes { get; init; }

    /// <summary>An order's events come one after another, each when the one before was taken or given up.</summary>
    public bool Ordered { get; init; }

    /// <summary><c>active</c>, <c>paused</c> or <c>deleted</c>. A paused endpoint misses nothing: its events wait.</summary>
    public required string Status { get; init; }

    /// <summary>Why it is paused.</summary>
    public string? PausedBecause { get; init; }

    /// <summary>Since when nothing could be delivered; null when the last attempt went well.</summary>
    public DateTimeOffset? FailingSince { get; init; }

    /// <summary><c>v1</c>: by the shared <see cref="Secret"/>. <c>v1a</c>: by Ed25519, checked with the <see cref="PublicKey"/>.</summary>
    public required string Signature { get; init; }

    /// <summary><c>whsec_</c> and base 64, for <see cref="PurserWebhooks"/>. Shown in the answer that made it, and never again; null with <c>v1a</c>, whose private key never leaves the server.</summary>
    public string? Secret { get; init; }

    /// <summary>Of <c>v1a</c>: <c>whpk_</c> and base 64, for <see cref="PurserWebhooks"/>; after a rotation the newest. Null with <c>v1</c>.</summary>
    public string? PublicKey { get; init; }

    /// <summary>After a rotation: until then messages carry the old secret's signature, too.</summary>
    public DateTimeOffset? OldSecretUntil { get; init; }

    /// <summary>When it was made.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it was last changed.</summary>
    public required DateTimeOffset UpdatedAt { get; init; }
}

/// <summary>A webhook endpoint to make.</summary>
public sealed record NewWebhookEndpoint
{
    /// <summary>An https address, public unless the installation allows others. At most 2048 characters.</summary>
    public required string Url { get; init; }

    /// <summary>A few words for people.</summary>
    public string? Description { get; init; }

    /// <summary>Some of <see cref="Client.EventTypes"/>; all when left out.</summary>
    public IReadOnlyList<string>? EventTypes { get; init; }

    /// <summary>Whether an order's events come one after another.</summary>
    public bool? Ordered { get; init; }

    /// <summary><c>v1</c>, when left out, or <c>v1a</c>: messages are signed by Ed25519, and who checks them has nothing to keep secret. It needs OpenSSL 3 there and at the server.</summary>
    public string? Signature { get; init; }
}

/// <summary>What to change about a webhook endpoint; what is left out stays.</summary>
public sealed record WebhookEndpointChange
{
    /// <summary>Where messages go.</summary>
    public string? Url { get; init; }

    /// <summary>A few words for people.</summary>
    public string? Description { get; init; }

    /// <summary>What is sent there; empty: everything.</summary>
    public IReadOnlyList<string>? EventTypes { get; init; }

    /// <summary>Whether an order's events come one after another.</summary>
    public bool? Ordered { get; init; }

    /// <summary><c>active</c> or <c>paused</c>.</summary>
    public string? Status { get; init; }
}

/// <summary>What came of a test message.</summary>
/// <param name="Delivered">Whether the receiver took it.</param>
/// <param name="MessageId">The header <c>webhook-id</c> it had.</param>
/// <param name="Status">The answer's HTTP status; null when none came.</param>
/// <param name="Trouble">Why none came.</param>
/// <param name="Answer">The beginning of the answer's body.</param>
/// <param name="TookMs">Milliseconds.</param>
public sealed record WebhookTest(bool Delivered, string MessageId, int? Status, string? Trouble, string? Answer, int TookMs);

sealed record WebhookEndpointPage([property: JsonPropertyName("webhook_endpoints")] IReadOnlyList<WebhookEndpoint> Endpoints);

sealed record Redelivery(int Deliveries);
