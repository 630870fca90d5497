using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Purser.Orders;

namespace Purser.Server.Deliveries;

public enum ReceiverStatus : short
{
    Active,
    /// <summary>Events are kept for it and not sent.</summary>
    Paused,
    /// <summary>Nobody is told there any more; what was told can still be read.</summary>
    Deleted,
}

/// <summary>What is behind a receiver. Its number also says, of an event, whom mail tells of it: then an endpoint is nobody.</summary>
public enum ReceiverKind : short
{
    /// <summary>An address that the merchant gave.</summary>
    Endpoint,
    /// <summary>The mail address on the order.</summary>
    Shoppers,
    /// <summary>The mail addresses of the configuration.</summary>
    Operators,
    /// <summary>The books of invoices and credit notes, which are written here.</summary>
    Invoices,
}

/// <summary>A webhook endpoint of the merchant, mail, or what writes invoices.</summary>
/// <param name="Number">Short, for the many rows of deliveries; <paramref name="Id"/> is what the API says.</param>
/// <param name="Types">Empty: all.</param>
/// <param name="Ordered">An order's events come one after another.</param>
/// <param name="PublicKey">What the receiver checks with, of the newest key; null where a shared secret signs.</param>
public sealed record Receiver(
    int Number, string Id, string Url, string? Description, IReadOnlyList<EventType> Types, bool Ordered, ReceiverStatus Status,
    string? PausedBecause, DateTimeOffset? FailingSince, DateTimeOffset CreatedAt, DateTimeOffset UpdatedAt, DateTimeOffset? OldSecretUntil, string? PublicKey);

/// <summary>What is to change; null stays.</summary>
public sealed record ReceiverChange(
    string? Url, string? Description, IReadOnlyList<EventType>? Types, bool? Ordered, ReceiverStatus? Status);

public enum DeliveryState : short
{
    Waiting,
    Delivered,
    /// <summary>Given up; a person can have it sent again.</summary>
    Dead,
}

/// <summary>One event for one receiver: <c>dlv_01jd8xk3m4n7p_5_2</c> is the fifth event of an order for the second endpoint.</summary>
public readonly record struct DeliveryId(OrderId Order, int Sequence, int Receiver)
{
    public const string Prefix = "dlv_";

    public static bool TryParse([NotNullWhen(true)] string? text, out DeliveryId id)
    {
        id = default;
        if (text is null || !text.StartsWith(Prefix, StringComparison.Ordinal)) return false;
        var parts = text[Prefix.Length..].Split('_');
        if (parts.Length != 3 || !OrderId.TryParse(OrderId.Prefix + parts[0], out var order) || !Whole(parts[1], out var sequence) || !Whole(parts[2], out var receiver))
            return false;
        id = new DeliveryId(order, sequence, receiver);
        return true;

        static bool Whole(string digits, out int number) =>
            int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number > 0 && digits == number.ToString(CultureInfo.InvariantCulture);
    }

    public override string ToString() => $"{Prefix}{Order.Letters}_{Sequence}_{Receiver}";
}

/// <summary>A delivery that is leased to this node.</summary>
/// <param name="Attempt">Counted by leases, so it tells an old holder from the present one.</param>
/// <param name="Failures">Before this attempt, on the present schedule.</param>
/// <param name="Data">Of the event, as JSON text.</param>
public sealed record LeasedDelivery(
    DeliveryId Id, int Attempt, int Failures, string Url, bool Ordered, ReceiverKind Kind, EventType Type, DateTimeOffset At, string Data)
{
    public string MessageId => DeliveryStore.MessageId(Id);

    /// <summary>What is signed and sent to an endpoint.</summary>
    public byte[] Body() => DeliveryStore.Body(Id, Type, At, Data);
}

/// <summary>What came of one attempt.</summary>
/// <param name="Status">Of the answer; null when none came.</param>
/// <param name="Trouble">Why it is a failure, in words that do not map our network.</param>
/// <param name="Text">The beginning of the answer's body.</param>
public sealed record DeliveryAnswer(DateTimeOffset SentAt, TimeSpan Took, int? Status, string? Trouble, string? Text, TimeSpan? RetryAfter, string Signature)
{
    public bool IsDelivered => Status is >= 200 and < 300 || IsMoot;

    /// <summary>Nothing was sent, for what was to be said is no longer so; <see cref="Trouble"/> says it.</summary>
    public bool IsMoot { get; init; }

    /// <summary>Nothing was sent, for it is not known yet whether it is to be said; it is looked at again then, and that is no failure.</summary>
    public DateTimeOffset? PutOffUntil { get; init; }

    /// <summary>Of several recipients some have it, and not all; <see cref="Trouble"/> says who has not.</summary>
    public bool HasReachedSome { get; init; }

    /// <summary>Trying again is in vain.</summary>
    public bool IsFinal { get; init; }

    /// <summary>The receiver says that it is there no more.</summary>
    public bool IsGone => Status == 410;

    /// <summary>In a few words.</summary>
    public string Outcome => Status is { } status ? $"{status}" : Trouble!;
}

public sealed record StoredDelivery(
    DeliveryId Id, EventType Type, DateTimeOffset At, string Endpoint, DeliveryState State, int Attempts, DateTimeOffset DueAt, DateTimeOffset? EndedAt, string? Outcome,
    bool EndpointIsDeleted, ReceiverKind Kind);

public sealed record StoredAttempt(int Number, DateTimeOffset SentAt, int TookMs, string Url, string Signature, int? Status, string? Trouble, string? Answer);
