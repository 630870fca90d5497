using System.Text.Json;
using System.Text.Json.Serialization;

namespace Purser.Client;

/// <summary>Something that happened: the same in the feed, in live status and in webhooks.</summary>
public sealed record PurserEvent
{
    /// <summary>Unique for ever: what was handled under this id need not be handled again.</summary>
    public required string Id { get; init; }

    /// <summary>What happened, such as <see cref="EventTypes.OrderPaid"/>. Types that are new since come, too: leave alone what you do not know.</summary>
    public required string Type { get; init; }

    /// <summary>When it happened.</summary>
    public required DateTimeOffset Timestamp { get; init; }

    /// <summary>1, 2, 3 within its order; 0 for a test message.</summary>
    public int Sequence { get; init; }

    /// <summary>How things stood after it.</summary>
    public required EventFacts Data { get; init; }
}

/// <summary>What an event is about.</summary>
public sealed record EventFacts
{
    /// <summary>The order, as it stood after the event; null only in a test message.</summary>
    public EventOrder? Order { get; init; }

    /// <summary>The payment, as it stood after the event, if it is about one.</summary>
    public EventPayment? Payment { get; init; }

    /// <summary>The refund's id, if it is about one.</summary>
    public string? Refund { get; init; }

    /// <summary>The money it is about.</summary>
    [JsonIgnore]
    public Money? Amount => MinorUnits is { } amount && Currency is not null ? new(amount, Currency) : null;

    /// <summary>The gateway's name for that money.</summary>
    public string? MoneyReference { get; init; }

    /// <summary>Why, in the gateway's words or Purser's.</summary>
    public string? Reason { get; init; }

    /// <summary>How it became known: reply, inquiry, webhook, settlement, operator.</summary>
    public string? Source { get; init; }

    /// <summary>Further facts under their names on the wire.</summary>
    [JsonInclude, JsonExtensionData]
    public IDictionary<string, JsonElement>? More { get; internal set; }

    [JsonInclude, JsonPropertyName("amount")]
    internal long? MinorUnits { get; init; }

    [JsonInclude]
    internal string? Currency { get; init; }
}

/// <summary>An order as it stood after an event.</summary>
/// <param name="Id">The order's id.</param>
/// <param name="Status">How it stood.</param>
/// <param name="Late">Paid, but the money came after the order's end.</param>
/// <param name="PaidBy">The accepted payment's id.</param>
public sealed record EventOrder(string Id, OrderStatus Status, bool Late = false, string? PaidBy = null);

/// <summary>A payment as it stood after an event.</summary>
/// <param name="Id">The payment's id.</param>
/// <param name="Gateway">The gateway account's name.</param>
/// <param name="Status">How it stood.</param>
/// <param name="GatewayReference">The gateway's name for the link.</param>
public sealed record EventPayment(string Id, string Gateway, PaymentStatus Status, string? GatewayReference = null);

/// <summary>Some events, and where to go on.</summary>
public sealed record EventPage
{
    /// <summary>The oldest one first.</summary>
    public required IReadOnlyList<PurserEvent> Events { get; init; }

    /// <summary>Keep it once the events are handled, and go on after it; null while nothing has ever happened.</summary>
    public string? Next { get; init; }

    /// <summary>Whether there is more already.</summary>
    public bool HasMore { get; init; }
}

sealed record OrderEventPage(IReadOnlyList<PurserEvent> Events, int? Next);

/// <summary>A change of one order, and how it stands now.</summary>
public sealed record OrderChange
{
    /// <summary>The order's id.</summary>
    public required string Order { get; init; }

    /// <summary>How it stands.</summary>
    public required OrderStatus Status { get; init; }

    /// <summary>Paid, but the money came after the order's end.</summary>
    public bool Late { get; init; }

    /// <summary>The order has not come as far as you saw: the server's database was restored from a backup. Forget what you saw; <see cref="Events"/> begin with the first one.</summary>
    public bool Rewound { get; init; }

    /// <summary>The number of the latest event: watch on after it.</summary>
    public required int Sequence { get; init; }

    /// <summary>The latest payment.</summary>
    public LivePayment? Payment { get; init; }

    /// <summary>What happened since the change before.</summary>
    public required IReadOnlyList<PurserEvent> Events { get; init; }
}

/// <summary>The latest payment of an order.</summary>
/// <param name="Id">The payment's id.</param>
/// <param name="Status">How it stands.</param>
public sealed record LivePayment(string Id, PaymentStatus Status);

/// <summary>The types of events.</summary>
public static class EventTypes
{
    /// <summary>The order was placed.</summary>
    public const string OrderCreated = "order.created";
    /// <summary>The order is paid: fulfil it. Told once for each order, unless its gateway denied the money, so that it was told cancelled, and the money came after all and was accepted:
    /// then it is told again, under an id of its own. So pack by order, not by event.</summary>
    public const string OrderPaid = "order.paid";
    /// <summary>The order's time ran out.</summary>
    public const string OrderExpired = "order.expired";
    /// <summary>The order was cancelled: by you, or because the gateway that had told of its money denied it.</summary>
    public const string OrderCancelled = "order.cancelled";
    /// <summary>You said that the goods went out.</summary>
    public const string OrderFulfilled = "order.fulfilled";
    /// <summary>A payment began.</summary>
    public const string PaymentStarted = "payment.started";
    /// <summary>The gateway gave a link.</summary>
    public const string PaymentLinkReady = "payment.link_ready";
    /// <summary>The gateway or the bank said no to one try; the link may still be payable.</summary>
    public const string PaymentDeclined = "payment.declined";
    /// <summary>The gateway is at it.</summary>
    public const string PaymentProcessing = "payment.processing";
    /// <summary>The money was captured.</summary>
    public const string PaymentSucceeded = "payment.succeeded";
    /// <summary>The payment failed.</summary>
    public const string PaymentFailed = "payment.failed";
    /// <summary>The link's time ran out.</summary>
    public const string PaymentExpired = "payment.expired";
    /// <summary>The link was closed.</summary>
    public const string PaymentCancelled = "payment.cancelled";
    /// <summary>An answer was lost; the gateway is being asked.</summary>
    public const string PaymentUnresolved = "payment.unresolved";
    /// <summary>A second success came on a paid order.</summary>
    public const string PaymentDuplicate = "payment.duplicate";
    /// <summary>Money came after the order's end.</summary>
    public const string PaymentLate = "payment.late";
    /// <summary>Another amount or currency came than was asked for.</summary>
    public const string PaymentAmountMismatch = "payment.amount_mismatch";
    /// <summary>A refund was asked for.</summary>
    public const string RefundRequested = "refund.requested";
    /// <summary>The money went back.</summary>
    public const string RefundSucceeded = "refund.succeeded";
    /// <summary>The money did not go back.</summary>
    public const string RefundFailed = "refund.failed";
    /// <summary>The shopper's bank wants the money back.</summary>
    public const string DisputeOpened = "dispute.opened";
    /// <summary>The dispute ended.</summary>
    public const string DisputeClosed = "dispute.closed";
    /// <summary>The gateway's statement has the money.</summary>
    public const string SettlementMatched = "settlement.matched";
    /// <summary>Something does not agree.</summary>
    public const string DiscrepancyOpened = "discrepancy.opened";
    /// <summary>What did not agree was resolved.</summary>
    public const string DiscrepancyResolved = "discrepancy.resolved";
    /// <summary>A test message to a webhook endpoint; it is about no order.</summary>
    public const string WebhookEndpointTest = "webhook_endpoint.test";
}
