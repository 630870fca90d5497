using Purser.Invoices;

namespace Purser.Server.Invoices;

/// <summary>Every word that is printed on an invoice, in one language.</summary>
public sealed record InvoiceWords
{
    public required string Locale { get; init; }
    public required string TaxInvoice { get; init; }
    public required string Invoice { get; init; }
    public required string CreditNote { get; init; }
    /// <summary>The same in English, where law or a bookkeeper looks for it.</summary>
    public string? TaxInvoiceBeneath { get; init; }
    public string? InvoiceBeneath { get; init; }
    public string? CreditNoteBeneath { get; init; }
    public required string BilledTo { get; init; }
    public required string Number { get; init; }
    public required string Date { get; init; }
    public required string Order { get; init; }
    public required string Reference { get; init; }
    public required string Payment { get; init; }
    public required string PaidOn { get; init; }
    public required string PlaceOfSupply { get; init; }
    public required string OutsideIndia { get; init; }
    public required string ForInvoice { get; init; }
    public required string Refund { get; init; }
    public required string RefundedOn { get; init; }
    public required string CancelledOn { get; init; }
    /// <summary>The tax's name.</summary>
    public required Func<string, string> TaxNumber { get; init; }
    public required string Description { get; init; }
    public required string Quantity { get; init; }
    public required string UnitPrice { get; init; }
    public required string Net { get; init; }
    public required string NetTotal { get; init; }
    public required string Tax { get; init; }
    /// <summary>The currency's code.</summary>
    public required Func<string, string> Amount { get; init; }
    public required string TotalPaid { get; init; }
    public required string TotalBack { get; init; }
    public required string TotalCancelled { get; init; }
    public required string PricesHoldTax { get; init; }
    public required string Status { get; init; }
    /// <summary>Tax with its rate, and what it is on.</summary>
    public required Func<string, string, string> TaxOn { get; init; }
    public required Func<int, int, string> Page { get; init; }
    /// <summary>The day.</summary>
    public required Func<string, string> Voided { get; init; }
    /// <summary>The day.</summary>
    public required Func<string, string> PaidAfterAll { get; init; }
    /// <summary>The credit note's number.</summary>
    public required Func<string, string> CreditedWhole { get; init; }
    public required Func<IndianState, string> State { get; init; }

    public static InvoiceWords English { get; } = new()
    {
        Locale = "en",
        TaxInvoice = "Tax invoice",
        Invoice = "Invoice",
        CreditNote = "Credit note",
        BilledTo = "Billed to",
        Number = "Number",
        Date = "Date",
        Order = "Order number",
        Reference = "Your reference",
        Payment = "Payment number",
        PaidOn = "Paid on",
        PlaceOfSupply = "Place of supply",
        OutsideIndia = "outside India",
        ForInvoice = "For invoice",
        Refund = "Refund",
        RefundedOn = "Refunded on",
        CancelledOn = "Cancelled on",
        TaxNumber = tax => $"{tax} number",
        Description = "Description",
        Quantity = "Qty",
        UnitPrice = "Unit price",
        Net = "Taxable",
        NetTotal = "Taxable value",
        Tax = "Tax",
        Amount = currency => $"Amount, {currency}",
        TotalPaid = "Total paid",
        TotalBack = "Total given back",
        TotalCancelled = "Total cancelled",
        PricesHoldTax = "Prices include tax.",
        Status = "Scan to see how this order stands",
        TaxOn = (tax, net) => $"{tax} on {net}",
        Page = (page, pages) => $"Page {page} of {pages}",
        Voided = day => $"Cancelled on {day}: this refund did not go through.",
        PaidAfterAll = day => $"Cancelled on {day}: the payment came after all.",
        CreditedWhole = note => $"Not valid: the payment did not go through. Credit note {note} takes all of it back.",
        State = state => $"{state.Name} ({state.Code})",
    };

    public static InvoiceWords Hindi { get; } = new()
    {
        Locale = "hi",
        TaxInvoice = "कर बीजक",
        TaxInvoiceBeneath = "Tax invoice",
        Invoice = "बीजक",
        InvoiceBeneath = "Invoice",
        CreditNote = "क्रेडिट नोट",
        CreditNoteBeneath = "Credit note",
        BilledTo = "ग्राहक",
        Number = "संख्या",
        Date = "तारीख",
        Order = "ऑर्डर संख्या",
        Reference = "आपका संदर्भ",
        Payment = "भुगतान संख्या",
        PaidOn = "भुगतान की तारीख",
        PlaceOfSupply = "आपूर्ति का स्थान",
        OutsideIndia = "भारत से बाहर",
        ForInvoice = "मूल बीजक",
        Refund = "रिफ़ंड",
        RefundedOn = "रिफ़ंड की तारीख",
        CancelledOn = "रद्द होने की तारीख",
        TaxNumber = tax => $"{tax} संख्या",
        Description = "विवरण",
        Quantity = "मात्रा",
        UnitPrice = "इकाई मूल्य",
        Net = "कर योग्य",
        NetTotal = "कर योग्य मूल्य",
        Tax = "कर",
        Amount = currency => $"राशि, {currency}",
        TotalPaid = "कुल भुगतान",
        TotalBack = "कुल वापसी",
        TotalCancelled = "कुल रद्द राशि",
        PricesHoldTax = "मूल्यों में कर शामिल है।",
        Status = "ऑर्डर की स्थिति देखने के लिए स्कैन करें",
        TaxOn = (tax, net) => $"{net} पर {tax}",
        Page = (page, pages) => $"पृष्ठ {page} / {pages}",
        Voided = day => $"{day} को रद्द: यह रिफ़ंड पूरा नहीं हुआ।",
        PaidAfterAll = day => $"{day} को रद्द: भुगतान बाद में मिल गया।",
        CreditedWhole = note => $"मान्य नहीं: भुगतान पूरा नहीं हुआ। क्रेडिट नोट {note} से पूरी राशि रद्द।",
        State = state => $"{state.Hindi} ({state.Code})",
    };

    public static InvoiceWords For(string locale) => locale == "hi" ? Hindi : English;
}
