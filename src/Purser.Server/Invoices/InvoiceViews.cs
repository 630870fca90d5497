using System.ComponentModel;
using Purser.Server.Orders;

namespace Purser.Server.Invoices;

public sealed record InvoiceBody(
    [property: Description("The buyer as it should be printed, without email and phone; what is left out is not printed.")] CustomerBody? Customer = null);

/// <summary>An invoice or a credit note as the API shows it.</summary>
public sealed record InvoiceView(
    string Number, [property: Description("invoice or credit_note.")] string Kind, string Order, string Payment, [property: Description("Of a credit note; null there, too, if the order was cancelled, for its gateway denied the money.")] string? Refund,
    [property: Description("In minor units, tax included.")] long Total, [property: Description("The tax within it.")] long Tax, string Currency, DateTime IssuedAt,
    [property: Description("A credit note whose refund failed after all, or whose denied money came after all; its number counts no more.")] DateTime? VoidedAt,
    [property: Description("Where the PDF is.")] string Pdf,
    [property: Description("All that is printed, frozen. Only where one is read.")] InvoiceDocument? Document)
{
    public static InvoiceView From(StoredInvoice i, bool whole = true) => new(
        i.Number, i.Kind == InvoiceKind.Invoice ? "invoice" : "credit_note", i.Order.ToString(), new PaymentId(i.Order, i.Payment).ToString(),
        i.Refund is { } refund ? new RefundId(i.Order, refund).ToString() : null, i.Total.MinorUnits, i.Document.Lines.Sum(l => l.Taxes.Sum()), i.Total.Currency.Code,
        i.IssuedAt.UtcDateTime, i.VoidedAt?.UtcDateTime, $"/v1/{(i.Kind == InvoiceKind.Invoice ? "invoices" : "credit_notes")}/{i.Number}.pdf", whole ? i.Document : null);
}

public sealed record InvoiceList(IReadOnlyList<InvoiceView> Invoices, [property: Description("Send it as ?cursor= for the next page; null at the end.")] string? Next);

public sealed record CreditNoteList(IReadOnlyList<InvoiceView> CreditNotes, [property: Description("Send it as ?cursor= for the next page; null at the end.")] string? Next);
