using System.Text.Json.Serialization;

namespace Purser.Client;

/// <summary>An invoice or a credit note.</summary>
public sealed record Invoice : IJsonOnDeserialized
{
    /// <summary>Without a gap within its series, such as <c>INV-2627-000001</c>.</summary>
    public required string Number { get; init; }

    /// <summary>Which of the two it is.</summary>
    public required InvoiceKind Kind { get; init; }

    /// <summary>The order's id.</summary>
    public required string Order { get; init; }

    /// <summary>The payment's id.</summary>
    public required string Payment { get; init; }

    /// <summary>Of a credit note: the refund's id, or null if the order was cancelled because its gateway denied the money.</summary>
    public string? Refund { get; init; }

    /// <summary>Tax included.</summary>
    [JsonIgnore]
    public Money Total => new(TotalMinorUnits, Currency);

    /// <summary>The tax within the total.</summary>
    [JsonIgnore]
    public Money Tax => new(TaxMinorUnits, Currency);

    /// <summary>When it was written.</summary>
    public required DateTimeOffset IssuedAt { get; init; }

    /// <summary>Of a credit note whose refund failed after all, or whose denied money came after all: it counts no more.</summary>
    public DateTimeOffset? VoidedAt { get; init; }

    /// <summary>All that is printed, as it was when the number was taken; null in a list.</summary>
    public InvoiceDocument? Document { get; init; }

    [JsonInclude, JsonRequired]
    internal string Currency { get; init; } = "";

    [JsonInclude, JsonRequired, JsonPropertyName("total")]
    internal long TotalMinorUnits { get; init; }

    [JsonInclude, JsonRequired, JsonPropertyName("tax")]
    internal long TaxMinorUnits { get; init; }

    void IJsonOnDeserialized.OnDeserialized()
    {
        foreach (var line in Document?.Lines ?? []) line.Currency = Currency;
    }
}

/// <summary>What is printed on an invoice or a credit note.</summary>
public sealed record InvoiceDocument
{
    /// <summary><c>en</c> or <c>hi</c>.</summary>
    public required string Locale { get; init; }

    /// <summary>The zone of the printed dates.</summary>
    public required string TimeZone { get; init; }

    /// <summary>Who sells.</summary>
    public required InvoiceParty Seller { get; init; }

    /// <summary>Who buys.</summary>
    public required InvoiceParty Buyer { get; init; }

    /// <summary>Your own name for the order.</summary>
    public string? Reference { get; init; }

    /// <summary>When the order was paid.</summary>
    public required DateTimeOffset PaidAt { get; init; }

    /// <summary>What a credit note gives back.</summary>
    public InvoiceCredit? Credit { get; init; }

    /// <summary><c>vat</c>, <c>cgst</c>, <c>sgst</c>, <c>utgst</c> or <c>igst</c>; in this order stand the taxes of every line.</summary>
    public required IReadOnlyList<string> Taxes { get; init; }

    /// <summary>The name of a value added tax.</summary>
    public string? TaxName { get; init; }

    /// <summary>Under GST: the state's two digits, or the country.</summary>
    public string? PlaceOfSupply { get; init; }

    /// <summary>What was sold, or what goes back.</summary>
    public required IReadOnlyList<InvoiceLine> Lines { get; init; }

    /// <summary>What stands at the foot.</summary>
    public string? Footer { get; init; }
}

/// <summary>Who sells or buys.</summary>
/// <param name="Name">The name.</param>
/// <param name="Address">The whole address on one line.</param>
/// <param name="Country">ISO 3166-1 alpha-2.</param>
/// <param name="State">Of India: the seller's two digits, or the buyer's state as the order has it.</param>
/// <param name="TaxId">GSTIN, VAT number and the like.</param>
public sealed record InvoiceParty(string? Name, string? Address, string? Country, string? State, string? TaxId);

/// <summary>What a credit note gives back.</summary>
/// <param name="Refund">The refund's id; null: the order was cancelled because its gateway denied the money.</param>
/// <param name="RefundedAt">When the money had gone back, or the order was cancelled.</param>
/// <param name="Invoice">The invoice's number.</param>
/// <param name="InvoicedAt">When that was written.</param>
public sealed record InvoiceCredit(string? Refund, DateTimeOffset RefundedAt, string Invoice, DateTimeOffset InvoicedAt);

/// <summary>One line of an invoice or a credit note.</summary>
public sealed record InvoiceLine
{
    /// <summary>What it is.</summary>
    public required string Name { get; init; }

    /// <summary>How many.</summary>
    public required long Quantity { get; init; }

    /// <summary>HSN or SAC.</summary>
    public string? Hsn { get; init; }

    /// <summary>In percent.</summary>
    public required string TaxRate { get; init; }

    /// <summary>The price of one, tax included.</summary>
    [JsonIgnore]
    public Money UnitAmount => new(UnitMinorUnits, Currency);

    /// <summary>Without tax.</summary>
    [JsonIgnore]
    public Money Net => new(NetMinorUnits, Currency);

    /// <summary>Each tax, in the order of <see cref="InvoiceDocument.Taxes"/>.</summary>
    [JsonIgnore]
    public IReadOnlyList<Money> Taxes => [.. TaxesMinorUnits.Select(t => new Money(t, Currency))];

    /// <summary>Net and taxes.</summary>
    [JsonIgnore]
    public Money Total => new(TotalMinorUnits, Currency);

    [JsonIgnore]
    internal string Currency { get; set; } = "";

    [JsonInclude, JsonRequired, JsonPropertyName("unit_amount")]
    internal long UnitMinorUnits { get; init; }

    [JsonInclude, JsonRequired, JsonPropertyName("net")]
    internal long NetMinorUnits { get; init; }

    [JsonInclude, JsonRequired, JsonPropertyName("taxes")]
    internal IReadOnlyList<long> TaxesMinorUnits { get; init; } = [];

    [JsonInclude, JsonRequired, JsonPropertyName("total")]
    internal long TotalMinorUnits { get; init; }
}

/// <summary>Which invoices or credit notes to list. What is left out does not restrict.</summary>
public sealed record InvoiceFilter
{
    /// <summary>The order's id.</summary>
    public string? Order { get; init; }

    /// <summary>Written after this time.</summary>
    public DateTimeOffset? IssuedAfter { get; init; }

    /// <summary>Written before this time.</summary>
    public DateTimeOffset? IssuedBefore { get; init; }
}

// The server names the list by what it holds.
sealed record InvoicePage(IReadOnlyList<Invoice>? Invoices, IReadOnlyList<Invoice>? CreditNotes, string? Next);
