using System.Collections.Concurrent;
using Purser.Payments;

namespace Purser.Orders;

/// <summary>All that can be told of an order. The names on the wire are in <see cref="EventNames"/>.</summary>
public enum EventType
{
    OrderCreated, PaymentStarted, PaymentLinkReady, PaymentDeclined, PaymentProcessing, PaymentSucceeded, PaymentFailed, PaymentExpired,
    PaymentCancelled, PaymentUnresolved, PaymentDuplicate, PaymentLate, PaymentAmountMismatch, OrderPaid, OrderExpired, OrderCancelled,
    OrderFulfilled, RefundRequested, RefundSucceeded, RefundFailed, DisputeOpened, DisputeClosed, SettlementMatched, DiscrepancyOpened,
    DiscrepancyResolved,
}

/// <summary>The dotted names, as they stand in the API, on sockets and in webhooks: <c>payment.link_ready</c>.</summary>
public static class EventNames
{
    // Before the names, which are made with it.
    static readonly ConcurrentDictionary<string, string> Snakes = new(StringComparer.Ordinal);
    static readonly string[] Names = [.. Enum.GetNames<EventType>().Select(Dotted)];
    static readonly Dictionary<string, EventType> Types =
        Enum.GetValues<EventType>().ToDictionary(type => Names[(int)type], StringComparer.Ordinal);

    public static string Name(this EventType type) => Names[(int)type];

    public static bool TryParse(string name, out EventType type) => Types.TryGetValue(name, out type);

    /// <summary>Words in snake case, as enums are written everywhere outside the code: AwaitingPayment is awaiting_payment.</summary>
    /// <param name="name">An enum's: all that were ever asked for are kept.</param>
    public static string Snake(string name) => Snakes.GetOrAdd(name, Written);

    static string Written(string name)
    {
        Span<char> words = stackalloc char[name.Length * 2];
        var length = 0;
        foreach (var c in name)
        {
            if (length > 0 && char.IsUpper(c)) words[length++] = '_';
            words[length++] = char.ToLowerInvariant(c);
        }
        return new string(words[..length]);
    }

    static string Dotted(string name)
    {
        var subject = name.IndexOfAny([.. "ABCDEFGHIJKLMNOPQRSTUVWXYZ"], 1);
        return $"{name[..subject].ToLowerInvariant()}.{Snake(name[subject..])}";
    }
}

/// <summary>What happened, as it is told to the world; numbered 1..n within its order, never changed. Each event says how the order and the
/// payment stand after it, so that events alone fold to the row.</summary>
public sealed record OrderEvent
{
    public required OrderId Order { get; init; }
    public required int Sequence { get; init; }
    public required EventType Type { get; init; }
    /// <summary>The database's time of the decision.</summary>
    public required DateTimeOffset At { get; init; }
    public required OrderStatus OrderStatus { get; init; }
    public bool Late { get; init; }
    public int? PaidBy { get; init; }
    public int? Payment { get; init; }
    public string? Account { get; init; }
    public PaymentStatus? PaymentStatus { get; init; }
    public string? GatewayReference { get; init; }
    public string? MoneyReference { get; init; }
    /// <summary>The money this event is about: the order's, the capture's, the refund's.</summary>
    public Money? Amount { get; init; }
    /// <summary>An amount told earlier for the same money that this one takes the place of.</summary>
    public Money? Replaces { get; init; }
    /// <summary>What of money of a wrong amount had gone back: by refunds, when it turns out to be a sale; by others, when the rest of it is to go back.</summary>
    public Money? GivenBack { get; init; }
    /// <summary>What will come of money that was taken, by its gateway's contract; empty where that says nothing, null in what an older program told.</summary>
    public Expected? Expected { get; init; }
    public int? Refund { get; init; }
    /// <summary>The statement's row it is about.</summary>
    public Settled? Settled { get; init; }
    /// <summary>The row is part of a payout; its statement has no rows for payouts of its own.</summary>
    public bool PaidOut { get; init; }
    /// <summary>Who wanted it, where a person did.</summary>
    public string? By { get; init; }
    public DiscrepancyKind? Discrepancy { get; init; }
    /// <summary>Why, in words or in the gateway's code.</summary>
    public string? Reason { get; init; }
    public EvidenceSource? Source { get; init; }
    public string? RawKey { get; init; }

    /// <summary><c>evt_</c>, the order's letters, the sequence.</summary>
    public string Id => $"evt_{Order.Letters}_{Sequence}";

    /// <summary>Why a statement's row about a refund is told of: it gives back to us what had gone.</summary>
    public const string Returned = "returned";

    /// <summary>Why what was booked of a refund that the gateway made, and of its rows, is taken back: it is one of ours, of which the same is told next.</summary>
    public const string Ours = "ours";

    /// <summary>The same of the row that gave it back to us.</summary>
    public const string OursReturned = "ours_returned";
}
