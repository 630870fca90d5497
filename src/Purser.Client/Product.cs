using System.Text.Json.Serialization;

namespace Purser.Client;

/// <summary>Something that is sold, priced by Purser, so that a browser may order it.</summary>
public sealed record Product
{
    /// <summary>Your own id, or one that was drawn.</summary>
    public required string Id { get; init; }

    /// <summary>As the shopper reads it.</summary>
    public required string Name { get; init; }

    /// <summary>The price of one.</summary>
    [JsonIgnore]
    public Money UnitAmount => new(MinorUnits, Currency);

    /// <summary>A few words more.</summary>
    public string? Description { get; init; }

    /// <summary>Whether it can be ordered.</summary>
    public required bool Active { get; init; }

    /// <summary>For the invoice: the HSN or SAC code, 4 to 8 digits.</summary>
    public string? Hsn { get; init; }

    /// <summary>For the invoice: the tax that the price holds, in percent with up to two decimals, such as <c>18</c>; the seller's usual rate when left out.</summary>
    public string? TaxRate { get; init; }

    /// <summary>When it was made.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it was last changed.</summary>
    public required DateTimeOffset UpdatedAt { get; init; }

    [JsonInclude, JsonRequired]
    internal string Currency { get; init; } = "";

    [JsonInclude, JsonRequired, JsonPropertyName("unit_amount")]
    internal long MinorUnits { get; init; }
}

/// <summary>A product to make.</summary>
public sealed record NewProduct
{
    /// <summary>Your own id: letters, digits, dots, dashes, underscores. Drawn when left out.</summary>
    public string? Id { get; init; }

    /// <summary>As the shopper reads it.</summary>
    public required string Name { get; init; }

    /// <summary>The price of one.</summary>
    public required Money UnitAmount { get; init; }

    /// <summary>A few words more.</summary>
    public string? Description { get; init; }

    /// <summary>Whether it can be ordered; yes when left out.</summary>
    public bool? Active { get; init; }

    /// <summary>For the invoice: the HSN or SAC code, 4 to 8 digits.</summary>
    public string? Hsn { get; init; }

    /// <summary>For the invoice: the tax that the price holds, in percent with up to two decimals, such as <c>18</c>; the seller's usual rate when left out.</summary>
    public string? TaxRate { get; init; }
}

/// <summary>What to change about a product; what is left out stays. The currency cannot change.</summary>
public sealed record ProductChange
{
    /// <summary>As the shopper reads it.</summary>
    public string? Name { get; init; }

    /// <summary>The price of one, in minor units of the product's currency.</summary>
    [JsonPropertyName("unit_amount")]
    public long? UnitAmountMinorUnits { get; init; }

    /// <summary>A few words more.</summary>
    public string? Description { get; init; }

    /// <summary>Whether it can be ordered.</summary>
    public bool? Active { get; init; }

    /// <summary>For the invoice: the HSN or SAC code, 4 to 8 digits.</summary>
    public string? Hsn { get; init; }

    /// <summary>For the invoice: the tax that the price holds, in percent with up to two decimals, such as <c>18</c>; the seller's usual rate when left out.</summary>
    public string? TaxRate { get; init; }
}

sealed record ProductPage(IReadOnlyList<Product> Products, string? Next);

/// <summary>A gateway account of the installation.</summary>
/// <param name="Name">The account's name, as payments name it.</param>
/// <param name="Gateway">The gateway.</param>
/// <param name="Title">The gateway's name for people.</param>
/// <param name="Currencies">ISO 4217.</param>
/// <param name="Methods">The ways to pay it offers, such as <c>card</c> and <c>upi</c>.</param>
/// <param name="TestMode">Whether its money is play money.</param>
/// <param name="ClosesLinks">Whether an open link can be closed on request.</param>
public sealed record GatewayAccount(
    string Name, string Gateway, string Title, IReadOnlyList<string> Currencies, IReadOnlyList<string> Methods, bool TestMode, bool ClosesLinks);

sealed record GatewayPage(IReadOnlyList<GatewayAccount> Gateways);

/// <summary>What stands on each account of the books at a time.</summary>
public sealed record Balances
{
    /// <summary>As they stood before this time.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>By account and currency; those of one currency sum to zero.</summary>
    [JsonPropertyName("balances")]
    public required IReadOnlyList<Balance> Accounts { get; init; }
}

/// <summary>One account in one currency.</summary>
public sealed record Balance
{
    /// <summary><c>receivable:</c> and a gateway account, <c>bank</c>, <c>sales</c>, <c>refunds</c>, <c>fees</c>, <c>fee_tax</c>, <c>disputes</c>, <c>suspense</c> or <c>exchange</c>.</summary>
    public required string Account { get; init; }

    /// <summary>Debits less credits: what a gateway owes you is positive, sales are negative.</summary>
    [JsonIgnore]
    public Money Amount => new(MinorUnits, Currency);

    /// <summary>All that was debited.</summary>
    [JsonIgnore]
    public Money Debits => new(DebitMinorUnits, Currency);

    /// <summary>All that was credited.</summary>
    [JsonIgnore]
    public Money Credits => new(CreditMinorUnits, Currency);

    [JsonInclude, JsonRequired]
    internal string Currency { get; init; } = "";

    [JsonInclude, JsonRequired, JsonPropertyName("amount")]
    internal long MinorUnits { get; init; }

    [JsonInclude, JsonRequired, JsonPropertyName("debits")]
    internal long DebitMinorUnits { get; init; }

    [JsonInclude, JsonRequired, JsonPropertyName("credits")]
    internal long CreditMinorUnits { get; init; }
}
