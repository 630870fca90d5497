using System.ComponentModel;
using System.Text.Json.Serialization;
using Purser.Orders;

namespace Purser.Server.Deliveries;

public sealed record ReceiverView(
    string Id, string Url, string? Description,
    [property: Description("The events that are sent there; empty: all.")] IReadOnlyList<string> EventTypes,
    [property: Description("An order's events come one after another, each when the one before was taken or given up.")] bool Ordered,
    [property: Description("active, paused or deleted. A paused endpoint misses nothing: its events wait.")] string Status,
    string? PausedBecause,
    [property: Description("Since when nothing could be delivered; null when the last attempt went well.")] DateTime? FailingSince,
    [property: Description("v1: an HMAC with the shared secret. v1a: Ed25519, checked with the public key.")] string Signature,
    [property: Description("whsec_ and base 64. Shown in the answer that made it, and never again; null with v1a, whose private key never leaves.")] string? Secret,
    [property: Description("Of v1a: whpk_ and base 64. After a rotation the newest.")] string? PublicKey,
    [property: Description("After a rotation: until then messages carry the old secret's signature, too.")] DateTime? OldSecretUntil,
    DateTime CreatedAt, DateTime UpdatedAt)
{
    public static ReceiverView From(Receiver r, string? secret = null) => new(
        r.Id, r.Url, r.Description, [.. r.Types.Select(t => t.Name())], r.Ordered, EventNames.Snake(r.Status.ToString()), r.PausedBecause, r.FailingSince?.UtcDateTime,
        r.PublicKey is null ? WebhookSignature.Shared : WebhookSignature.Asymmetric, r.PublicKey is null ? secret : null, r.PublicKey, r.OldSecretUntil?.UtcDateTime, r.CreatedAt.UtcDateTime, r.UpdatedAt.UtcDateTime);
}

public sealed record ReceiverList(IReadOnlyList<ReceiverView> WebhookEndpoints);

public sealed record ReceiverBody(
    [property: Description("https, up to 2048 characters, at a public address.")] string? Url = null, string? Description = null,
    [property: Description("As in GET /v1/events; all when left out or empty.")] IReadOnlyList<string>? EventTypes = null, bool? Ordered = null,
    // Left out of what an Idempotency-Key stands for, where it is left out of the request: as it was before there was a choice.
    [property: Description("v1, when left out, or v1a."), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Signature = null);

/// <summary>What is left out stays.</summary>
public sealed record ReceiverChangeBody(
    string? Url = null, string? Description = null, IReadOnlyList<string>? EventTypes = null, bool? Ordered = null,
    [property: Description("active or paused.")] string? Status = null);

public sealed record RotationBody([property: Description("How long the old secret signs beside the new one: 0 to 168, 24 when left out.")] int? OverlapHours = null);

/// <summary>What the receiver made of a test message.</summary>
public sealed record TestView(bool Delivered, string MessageId, int? Status, string? Trouble, string? Answer, int TookMs);

public sealed record AttemptView(
    int Number, DateTime SentAt, int TookMs, string Url, [property: Description("The header webhook-signature.")] string Signature,
    [property: Description("Of the answer; null when none came.")] int? Status, string? Trouble, [property: Description("The beginning of the answer's body.")] string? Answer);

public sealed record DeliveryView(
    string Id, [property: Description("The event, and the header webhook-id: the same at every attempt.")] string Event, string EventType, string Order,
    [property: Description("The endpoint's id; mail_shoppers and mail_operators are mail, invoices is what writes invoices.")] string WebhookEndpoint,
    [property: Description("waiting, delivered, dead or abandoned. What is dead can be sent again; what is abandoned cannot, for its endpoint was deleted.")] string Status, int Attempts,
    [property: Description("When it is sent next; null when it is not.")] DateTime? NextAttemptAt,
    [property: Description("Of the latest attempt: the status of the answer, or why there was none.")] string? Outcome, DateTime EventAt, DateTime? EndedAt,
    [property: Description("What was sent, as it was signed; null of mail. Only where one delivery is read.")] string? Body,
    [property: Description("The last 30 days' attempts, unless configured otherwise. Only where one delivery is read.")] IReadOnlyList<AttemptView>? AttemptLog)
{
    static string StatusOf(StoredDelivery d) => d is { State: DeliveryState.Dead, EndpointIsDeleted: true } ? "abandoned" : EventNames.Snake(d.State.ToString());

    public static DeliveryView From(StoredDelivery d, string? body = null, IReadOnlyList<StoredAttempt>? attempts = null) => new(
        d.Id.ToString(), DeliveryStore.MessageId(d.Id), d.Type.Name(), d.Id.Order.ToString(), d.Endpoint, StatusOf(d), d.Attempts,
        d.State == DeliveryState.Waiting ? d.DueAt.UtcDateTime : null, d.Outcome, d.At.UtcDateTime, d.EndedAt?.UtcDateTime, body,
        attempts?.Select(a => new AttemptView(a.Number, a.SentAt.UtcDateTime, a.TookMs, a.Url, a.Signature, a.Status, a.Trouble, a.Answer)).ToList());
}

public sealed record DeliveryList(IReadOnlyList<DeliveryView> Deliveries, [property: Description("Send it as ?cursor= for the next page; null at the end.")] string? Next);

public sealed record RedeliveryBody(
    [property: Description("The time of the first events.")] string? Since = null, [property: Description("The end, which is not part of it; now when left out.")] string? Until = null,
    [property: Description("dead, when left out: what was given up, and what waits for a later attempt; delivered; or any of them.")] string? Status = null);

public sealed record RedeliveryView([property: Description("How many are due now; those that are being sent at the moment are not among them.")] long Deliveries);
