using System.Collections.Immutable;
using System.ComponentModel;
using System.Text.Json;
using System.Text.Json.Serialization;
using Purser.Invoices;

namespace Purser.Server.Invoices;

public enum InvoiceKind : short { Invoice, CreditNote }

/// <summary>All that is printed, as it was when the number was taken. A later change of the configuration, of a product or of these rules changes no invoice.</summary>
public sealed record InvoiceDocument(
    [property: Description("The version of the tax rules.")] int Rules, string Locale,
    [property: Description("The zone of the printed dates.")] string TimeZone,
    SellerPart Seller, BuyerPart Buyer, string? Reference, DateTime PaidAt,
    [property: Description("What a credit note gives back.")] CreditPart? Credit,
    [property: Description("vat, cgst, sgst, utgst or igst; in this order stand the taxes of every line.")] IReadOnlyList<string> Taxes,
    [property: Description("The name of a value added tax.")] string TaxName,
    [property: Description("Under GST: the state's two digits, or the country.")] string? PlaceOfSupply,
    IReadOnlyList<LinePart> Lines, string? Footer,
    [property: Description("Our pages, to which the printed code leads.")] string PagesAt)
{
    public TaxStatement Statement(Currency currency) => new(currency, [.. Taxes.Select(t => Enum.Parse<Tax>(t, ignoreCase: true))],
        [.. Lines.Select(l => new TaxedLine(l.Name, l.Quantity, l.UnitAmount, l.Hsn, TaxRate.TryParse(l.TaxRate, out var rate) ? rate : default, l.Net, [.. l.Taxes]))]);

    public static IReadOnlyList<LinePart> Parts(TaxStatement statement) =>
        [.. statement.Lines.Select(l => new LinePart(l.Name, l.Quantity, l.UnitAmount, l.Code, l.Rate.ToString(), l.Net, [.. l.Taxes], l.Total))];

    public string ToJson() => JsonSerializer.Serialize(this, DocumentJson.Default.InvoiceDocument);

    public static InvoiceDocument FromJson(string json) => JsonSerializer.Deserialize(json, DocumentJson.Default.InvoiceDocument)!;
}

public sealed record SellerPart(string Name, string Address, string Country, string? State, string? TaxId);

public sealed record BuyerPart(string? Name, string? Address, string? Country, string? State, string? TaxId);

public sealed record CreditPart(
    [property: Description("Null: the order was cancelled, for its gateway denied the money.")] string? Refund,
    [property: Description("When the money had gone back, or the order was cancelled.")] DateTime RefundedAt, string Invoice, DateTime InvoicedAt);

/// <param name="TaxRate">In percent.</param>
public sealed record LinePart(
    string Name, long Quantity, long UnitAmount, string? Hsn, string TaxRate, [property: Description("Without tax.")] long Net, IReadOnlyList<long> Taxes,
    [property: Description("Net and taxes.")] long Total);

/// <summary>An invoice or a credit note as it is kept.</summary>
/// <param name="Place">1..n within the series.</param>
/// <param name="Payment">The accepted one.</param>
public sealed record StoredInvoice(
    string Number, string Series, long Place, InvoiceKind Kind, OrderId Order, int Payment, int? Refund, Money Total, DateTimeOffset IssuedAt, DateTimeOffset? VoidedAt,
    InvoiceDocument Document)
{
    /// <summary>Of an invoice: the number of the credit note that takes all of it back, for its order was cancelled; while that counts.</summary>
    public string? CreditedBy { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(InvoiceDocument))]
sealed partial class DocumentJson : JsonSerializerContext;
