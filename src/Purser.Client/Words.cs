using System.Text.Json;
using System.Text.Json.Serialization;

namespace Purser.Client;

/// <summary>How an order stands.</summary>
[JsonConverter(typeof(WordConverter<OrderStatus>))]
public enum OrderStatus
{
    /// <summary>A word that this version of the client does not know.</summary>
    Unknown,
    /// <summary>Nothing was paid yet.</summary>
    AwaitingPayment,
    /// <summary>An authenticated capture of the order's exact amount and currency pays it.</summary>
    Paid,
    /// <summary>Paid, and a part of it went back.</summary>
    PartiallyRefunded,
    /// <summary>Paid, and all of it went back.</summary>
    Refunded,
    /// <summary>Its time ran out.</summary>
    Expired,
    /// <summary>It was cancelled.</summary>
    Cancelled,
}

/// <summary>How far an order's goods are.</summary>
[JsonConverter(typeof(WordConverter<Fulfilment>))]
public enum Fulfilment
{
    /// <summary>A word that this version of the client does not know.</summary>
    Unknown,
    /// <summary>The order is paid, and nothing went out yet.</summary>
    Waiting,
    /// <summary>The order is paid, and the money is in doubt: keep the goods.</summary>
    Held,
    /// <summary>The goods went out.</summary>
    Done,
    /// <summary>The goods went out, and the gateway denies the money or took it back.</summary>
    Unpaid,
}

/// <summary>How a payment, one try to pay an order, stands.</summary>
[JsonConverter(typeof(WordConverter<PaymentStatus>))]
public enum PaymentStatus
{
    /// <summary>A word that this version of the client does not know.</summary>
    Unknown,
    /// <summary>The gateway is being asked for a link.</summary>
    Starting,
    /// <summary>There is a link, and it can be paid.</summary>
    Pending,
    /// <summary>The gateway is at it: the shopper may have paid already.</summary>
    Processing,
    /// <summary>An answer was lost: it may or may not have happened, and the gateway is being asked.</summary>
    Unresolved,
    /// <summary>Money came that does not fit, and a person looks at it.</summary>
    Held,
    /// <summary>The money was captured.</summary>
    Succeeded,
    /// <summary>The gateway said no.</summary>
    Failed,
    /// <summary>The link was closed.</summary>
    Cancelled,
    /// <summary>The link's time ran out.</summary>
    Expired,
}

/// <summary>How a refund stands. Its amount is reserved until it fails.</summary>
[JsonConverter(typeof(WordConverter<RefundStatus>))]
public enum RefundStatus
{
    /// <summary>A word that this version of the client does not know.</summary>
    Unknown,
    /// <summary>Written down; the gateway is asked next.</summary>
    Requested,
    /// <summary>The gateway has it, and is at it.</summary>
    Sent,
    /// <summary>An answer was lost: it may or may not have happened, and the gateway is being asked.</summary>
    Unresolved,
    /// <summary>The money went back.</summary>
    Succeeded,
    /// <summary>It will not go back by this refund.</summary>
    Failed,
}

/// <summary>How the telling of one event to one webhook endpoint stands.</summary>
[JsonConverter(typeof(WordConverter<DeliveryStatus>))]
public enum DeliveryStatus
{
    /// <summary>A word that this version of the client does not know.</summary>
    Unknown,
    /// <summary>It was not taken yet, and will be sent, or sent again.</summary>
    Waiting,
    /// <summary>It was taken.</summary>
    Delivered,
    /// <summary>It was given up. It can be sent again.</summary>
    Dead,
    /// <summary>It was given up, and its endpoint was deleted: there is nobody to send it to.</summary>
    Abandoned,
}

/// <summary>Which of two papers it is.</summary>
[JsonConverter(typeof(WordConverter<InvoiceKind>))]
public enum InvoiceKind
{
    /// <summary>A word that this version of the client does not know.</summary>
    Unknown,
    /// <summary>What was sold and paid.</summary>
    Invoice,
    /// <summary>What of an invoice went back.</summary>
    CreditNote,
}

/// <summary>What to do with money that comes after an order's end.</summary>
[JsonConverter(typeof(WordConverter<LatePolicy>))]
public enum LatePolicy
{
    /// <summary>A word that this version of the client does not know.</summary>
    Unknown,
    /// <summary>It goes back.</summary>
    Refund,
    /// <summary>It pays the order all the same.</summary>
    Accept,
    /// <summary>A person decides.</summary>
    Ask,
}

/// <summary>What to do with a second success on one order.</summary>
[JsonConverter(typeof(WordConverter<DuplicatePolicy>))]
public enum DuplicatePolicy
{
    /// <summary>A word that this version of the client does not know.</summary>
    Unknown,
    /// <summary>It goes back.</summary>
    Refund,
    /// <summary>A person decides.</summary>
    Ask,
}

/// <summary>What to do with an order that was paid by money which its gateway denies afterwards.</summary>
[JsonConverter(typeof(WordConverter<FailedPolicy>))]
public enum FailedPolicy
{
    /// <summary>A word that this version of the client does not know.</summary>
    Unknown,
    /// <summary>It is cancelled, unless it was fulfilled.</summary>
    Cancel,
    /// <summary>A person decides.</summary>
    Ask,
}

/// <summary>Snake case on the wire; a word that is new since is the enum's first member, for old clients must not break by it.</summary>
sealed class WordConverter<T> : JsonConverter<T> where T : struct, Enum
{
    static readonly Dictionary<string, T> Words = Enum.GetValues<T>().ToDictionary(Word, StringComparer.Ordinal);

    public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String && Words.TryGetValue(reader.GetString()!, out var value) ? value : default;

    public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) => writer.WriteStringValue(Word(value));

    public static string Word(T value) => JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString());
}
