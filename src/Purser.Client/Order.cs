using System.Text.Json.Serialization;

namespace Purser.Client;

/// <summary>What a shopper owes for, and what became of it.</summary>
public sealed record Order : IJsonOnDeserialized
{
    /// <summary>Begins with <c>ord_</c>. Not a secret.</summary>
    public required string Id { get; init; }

    /// <summary>Your own name for the order.</summary>
    public string? Reference { get; init; }

    /// <summary>How it stands.</summary>
    public required OrderStatus Status { get; init; }

    /// <summary>Paid, but the money came after the order's end.</summary>
    public bool Late { get; init; }

    /// <summary>ISO 4217.</summary>
    public required string Currency { get; init; }

    /// <summary>What the shopper owes for the whole order.</summary>
    [JsonIgnore]
    public Money Amount => new(AmountMinorUnits, Currency);

    /// <summary>What was captured, counts, and went back.</summary>
    public required OrderAmounts Amounts { get; init; }

    /// <summary>One line for the gateway's page.</summary>
    public required string Description { get; init; }

    /// <summary>What is sold.</summary>
    public required IReadOnlyList<OrderLine> Lines { get; init; }

    /// <summary>Who pays.</summary>
    public required Customer Customer { get; init; }

    /// <summary>Your own name for the shopper.</summary>
    public string? UserId { get; init; }

    /// <summary>What you had kept.</summary>
    public IReadOnlyDictionary<string, string>? Metadata { get; init; }

    /// <summary>Where Purser's pages send the shopper in the end.</summary>
    public string? ReturnUrl { get; init; }

    /// <summary>What is done with late and second money.</summary>
    public required OrderPolicy Policy { get; init; }

    /// <summary>The accepted payment's id.</summary>
    public string? PaidBy { get; init; }

    /// <summary>When it was placed.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Until when it can be paid.</summary>
    public required DateTimeOffset ExpiresAt { get; init; }

    /// <summary>When it was paid, expired or cancelled.</summary>
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>When you said that the goods went out.</summary>
    public DateTimeOffset? FulfilledAt { get; init; }

    /// <summary>How far the goods are; null when none are to go out: not paid, or the money goes back.</summary>
    public Fulfilment? Fulfilment { get; init; }

    /// <summary>When Purser next looks after this order by itself; null when nothing is left to wait for.</summary>
    public DateTimeOffset? NextLookAt { get; init; }

    /// <summary>The number of its latest event: 1, 2, 3.</summary>
    public required int Sequence { get; init; }

    /// <summary>Send the shopper here to pay. Whoever has this address sees the order's pages.</summary>
    public required string CheckoutUrl { get; init; }

    /// <summary>The shopper's token: opens this order's pages, live status and payments, and nothing else.</summary>
    public required string Token { get; init; }

    /// <summary>Every try to pay it, the first one first.</summary>
    public required IReadOnlyList<Payment> Payments { get; init; }

    /// <summary>What goes back or went back.</summary>
    public required IReadOnlyList<Refund> Refunds { get; init; }

    /// <summary>What does not agree and is being asked about: money that is held, late or too much, that was taken back, a refund that failed.</summary>
    public required IReadOnlyList<OrderQuestion> Questions { get; init; }

    /// <summary>What is safe to tell the shopper, and whether they may pay.</summary>
    public required ShopperWords Shopper { get; init; }

    /// <summary>Purser's page where the shopper sees how the order stands, live.</summary>
    [JsonIgnore]
    public string StatusUrl => CheckoutUrl.Replace($"/checkout/{Id}", $"/status/{Id}", StringComparison.Ordinal);

    /// <summary>The invoice as PDF, for the shopper, once the order is paid; null until then, and where none is written, because no seller is configured or none was at that time.</summary>
    [JsonIgnore]
    public string? InvoiceUrl => Links?.Invoice is { } path ? CheckoutUrl.Replace($"/checkout/{Id}", path, StringComparison.Ordinal) : null;

    [JsonInclude]
    internal OrderLinks? Links { get; init; }

    [JsonInclude, JsonRequired, JsonPropertyName("amount")]
    internal long AmountMinorUnits { get; init; }

    void IJsonOnDeserialized.OnDeserialized()
    {
        Amounts.Currency = Currency;
        foreach (var line in Lines) line.Currency = Currency;
    }
}

/// <summary>Where to go on, as paths.</summary>
sealed record OrderLinks(string? Invoice);

/// <summary>The money of an order.</summary>
public sealed record OrderAmounts
{
    /// <summary>All that gateways took for this order, also twice or late.</summary>
    [JsonIgnore]
    public Money Captured => new(CapturedMinorUnits, Currency);

    /// <summary>Of that, what pays the order.</summary>
    [JsonIgnore]
    public Money Accepted => new(AcceptedMinorUnits, Currency);

    /// <summary>Given back.</summary>
    [JsonIgnore]
    public Money Refunded => new(RefundedMinorUnits, Currency);

    /// <summary>On its way back.</summary>
    [JsonIgnore]
    public Money Refunding => new(RefundingMinorUnits, Currency);

    /// <summary>Still owed.</summary>
    [JsonIgnore]
    public Money Outstanding => new(OutstandingMinorUnits, Currency);

    [JsonIgnore]
    internal string Currency { get; set; } = "";

    [JsonInclude, JsonPropertyName("captured")]
    internal long CapturedMinorUnits { get; init; }

    [JsonInclude, JsonPropertyName("accepted")]
    internal long AcceptedMinorUnits { get; init; }

    [JsonInclude, JsonPropertyName("refunded")]
    internal long RefundedMinorUnits { get; init; }

    [JsonInclude, JsonPropertyName("refunding")]
    internal long RefundingMinorUnits { get; init; }

    [JsonInclude, JsonPropertyName("outstanding")]
    internal long OutstandingMinorUnits { get; init; }
}

/// <summary>What a page of yours can tell the shopper as it stands: the same that Purser's own status page says.</summary>
public sealed record ShopperWords
{
    /// <summary>The case's name, such as <c>pending</c>, <c>processing</c>, <c>held</c>, <c>paid</c> or <c>refunded</c>. There may be more one day: go by the others.</summary>
    public required string Situation { get; init; }

    /// <summary>How it stands, in one line.</summary>
    public required string Headline { get; init; }

    /// <summary>What it means for the shopper, a sentence or two each.</summary>
    public required IReadOnlyList<string> Words { get; init; }

    /// <summary>Paying is safe: offer <see cref="Order.CheckoutUrl"/>. Where false, do not: money may be under way, is held, or nothing is owed.</summary>
    public required bool MayPay { get; init; }

    /// <summary>The order is over and no money is known to be on its way to it: the same may be bought again. Under <c>late_payment: accept</c> money that comes all the same
    /// still counts for this one.</summary>
    public required bool MayOrderAgain { get; init; }
}

/// <summary>Something about an order that does not agree, and that a gateway or a person has to answer.</summary>
public sealed record OrderQuestion
{
    /// <summary>The payment's id.</summary>
    public required string Payment { get; init; }

    /// <summary>What it is, such as <c>amount_mismatch</c>, <c>late</c>, <c>duplicate</c>, <c>reversed</c> or <c>refund_failed</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>The gateway's name for the money it is about.</summary>
    public string? MoneyReference { get; init; }

    /// <summary>The money it is about; null when it is about a link or a status.</summary>
    [JsonIgnore]
    public Money? Amount => MinorUnits is { } amount && Currency is not null ? new(amount, Currency) : null;

    [JsonInclude, JsonPropertyName("amount")]
    internal long? MinorUnits { get; init; }

    [JsonInclude]
    internal string? Currency { get; init; }
}

/// <summary>One line of an order.</summary>
public sealed record OrderLine
{
    /// <summary>As the shopper reads it.</summary>
    public required string Name { get; init; }

    /// <summary>How many.</summary>
    public required int Quantity { get; init; }

    /// <summary>The product's id, if it is one of Purser's list.</summary>
    public string? Product { get; init; }

    /// <summary>HSN or SAC.</summary>
    public string? Hsn { get; init; }

    /// <summary>The tax that the price holds, in percent; null: the seller's usual rate.</summary>
    public string? TaxRate { get; init; }

    /// <summary>The price of one.</summary>
    [JsonIgnore]
    public Money UnitAmount => new(UnitMinorUnits, Currency);

    /// <summary>The price of all of them.</summary>
    [JsonIgnore]
    public Money Amount => new(MinorUnits, Currency);

    [JsonIgnore]
    internal string Currency { get; set; } = "";

    [JsonInclude, JsonRequired, JsonPropertyName("unit_amount")]
    internal long UnitMinorUnits { get; init; }

    [JsonInclude, JsonRequired, JsonPropertyName("amount")]
    internal long MinorUnits { get; init; }
}

/// <summary>Which orders to list. What is left out does not restrict.</summary>
public sealed record OrderFilter
{
    /// <summary>How they stand.</summary>
    public OrderStatus? Status { get; init; }

    /// <summary>How far their goods are: <see cref="Client.Fulfilment.Waiting"/> lists what is to be packed.</summary>
    public Fulfilment? Fulfilment { get; init; }

    /// <summary>Paid before this time: with <see cref="Client.Fulfilment.Waiting"/>, what waits for too long.</summary>
    public DateTimeOffset? PaidBefore { get; init; }

    /// <summary>Your own name for the order: finds one at most.</summary>
    public string? Reference { get; init; }

    /// <summary>Your own name for the shopper.</summary>
    public string? UserId { get; init; }

    /// <summary>Placed at or after this time.</summary>
    public DateTimeOffset? CreatedAfter { get; init; }

    /// <summary>Placed before this time.</summary>
    public DateTimeOffset? CreatedBefore { get; init; }
}

sealed record OrderPage(IReadOnlyList<Order> Orders, string? Next);

/// <summary>What happened to an order and why, in plain sentences.</summary>
public sealed record Explanation
{
    /// <summary>The order's id.</summary>
    public required string Order { get; init; }

    /// <summary>How it stands.</summary>
    public required OrderStatus Status { get; init; }

    /// <summary>When this was so.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>What happened, in the order of time.</summary>
    public required IReadOnlyList<Sentence> Happened { get; init; }

    /// <summary>Why the order and its payments stand as they do.</summary>
    public required IReadOnlyList<Sentence> Stands { get; init; }

    /// <summary>What happens next, soonest first; without a time where it waits for a person.</summary>
    public required IReadOnlyList<Sentence> Next { get; init; }

    /// <summary>What is safe to tell the shopper.</summary>
    public required Sentence Shopper { get; init; }
}

/// <summary>One sentence of an explanation.</summary>
public sealed record Sentence
{
    /// <summary>The sentence.</summary>
    public required string Text { get; init; }

    /// <summary>When it happened, or will.</summary>
    public DateTimeOffset? At { get; init; }

    /// <summary>What it rests on.</summary>
    public IReadOnlyList<Proof> Evidence { get; init; } = [];
}

/// <summary>What a sentence rests on.</summary>
/// <param name="Kind"><c>event</c>, <c>gateway_news</c> or <c>gateway_call</c>.</param>
/// <param name="Key">The name under which it is kept.</param>
/// <param name="At">When it became known.</param>
/// <param name="Source">How it became known: purser, reply, inquiry, webhook, settlement, operator, or the gateway account.</param>
public sealed record Proof(string Kind, string Key, DateTimeOffset At, string Source);
