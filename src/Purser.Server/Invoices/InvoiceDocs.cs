using Purser.Server.Api;
using static Purser.Server.Platform.ProblemTypes;

namespace Purser.Server.Invoices;

/// <summary>What the reference says of invoices.</summary>
static class InvoiceDocs
{
    const string Tag = "Invoices";
    const string MediaType = "application/pdf";
    const string Looks = "%PDF-1.7 ...";

    const string Head = """
        "number": "INV-2627-000001", "kind": "invoice", "order": "ord_01jd8xk3m4n7p", "payment": "pay_01jd8xk3m4n7p_1", "refund": null, "total": 49900, "tax": 2376, "currency": "INR",
        "issued_at": "2026-03-01T10:04:32.017Z", "voided_at": null, "pdf": "/v1/invoices/INV-2627-000001.pdf"
        """;

    const string CreditHead = """
        "number": "CRN-2627-000001", "kind": "credit_note", "order": "ord_01jd8xk3m4n7p", "payment": "pay_01jd8xk3m4n7p_1", "refund": "ref_01jd8xk3m4n7p_1", "total": 10000, "tax": 476,
        "currency": "INR", "issued_at": "2026-03-04T08:00:01.5Z", "voided_at": null, "pdf": "/v1/credit_notes/CRN-2627-000001.pdf"
        """;

    static string Document(string credit) => $$"""
        {"rules": 1, "locale": "en", "time_zone": "Asia/Kolkata",
         "seller": {"name": "Leaf & Kettle Private Limited", "address": "12 Church Street, Bengaluru 560001", "country": "IN", "state": "29", "tax_id": "29AAAAA0000A1ZY"},
         "buyer": {"name": "Asha Rao", "address": "4 Lake Road, Pune 411001", "country": "IN", "state": "MH", "tax_id": null}, "reference": "cart-1017", "paid_at": "2026-03-01T10:04:31Z",
         "credit": {{credit}}, "taxes": ["igst"], "tax_name": "VAT", "place_of_supply": "27",
         "lines": [{"name": "Darjeeling first flush", "quantity": 1, "unit_amount": 49900, "hsn": "0902", "tax_rate": "5", "net": 47524, "taxes": [2376], "total": 49900}],
         "footer": null, "pages_at": "https://pay.example.com"}
        """;

    static readonly string One = $$"""{ {{Head}}, "document": {{Document("null")}} }""";
    static readonly string Credit = $$"""
        { {{CreditHead}},
         "document": {{Document("""{"refund": "ref_01jd8xk3m4n7p_1", "refunded_at": "2026-03-04T08:00:00Z", "invoice": "INV-2627-000001", "invoiced_at": "2026-03-01T10:04:32.017Z"}""")}} }
        """;

    static ApiParameter[] Filters =>
    [
        new("order", "An order's id."), new("issued_after", "Later than this time.", "date-time", "2026-03-01T00:00:00Z"), new("issued_before", "Earlier than this time.", "date-time"),
        new("cursor", "`next` of the page before."), new("limit", "1 to 200; 50 when left out.", "integer"),
    ];

    public static readonly ApiOperation OfOrder = new("readOrderInvoice", Tag, "An order's invoice as PDF", Access.Shopper)
    {
        Description = "There is one for every order that was paid since `Purser:Invoices` names a seller.",
        Texts = [new(200, "The invoice.", MediaType, Looks)],
        Problems = [KeyMissing, TokenExpired, SecretKeyNeeded, OrderUnknown, InvoiceUnknown],
    };

    public static readonly ApiOperation Write = new("writeOrderInvoice", Tag, "Write an order's invoice with its buyer put right", Access.Secret)
    {
        Description = "Only where by what the order says of its buyer the invoice would be wrong, and so is not written; a delivery that was given up says so. What was given back meanwhile is credited then, too. " +
            "The same again changes nothing, and no invoice that is written is changed.",
        Body = typeof(InvoiceBody),
        Examples = [("a buyer in Pune", """{"customer": {"name": "Asha Rao", "address": "4 Lake Road, Pune 411001", "country": "IN", "state": "MH"}}""")],
        Answers = [new(201, "Written now.", typeof(InvoiceView), One), new(200, "Written before, with this buyer.", typeof(InvoiceView), One)],
        Problems = [MalformedJson, KeyMissing, SecretKeyNeeded, OrderUnknown, InvoiceUnknown, InvoiceWritten, InvalidFields],
    };

    public static readonly ApiOperation OfCancelled = new("readOrderCreditNote", Tag, "A cancelled order's credit note as PDF", Access.Shopper)
    {
        Description = "Where a gateway denies the money of a paid order and the order is cancelled, this takes its invoice back whole. What a refund takes back has a credit note of its own.",
        Texts = [new(200, "The credit note.", MediaType, Looks)],
        Problems = [KeyMissing, TokenExpired, SecretKeyNeeded, OrderUnknown, InvoiceUnknown],
    };

    public static readonly ApiOperation OfRefund = new("readRefundCreditNote", Tag, "A refund's credit note as PDF", Access.Shopper)
    {
        Texts = [new(200, "The credit note.", MediaType, Looks)],
        Problems = [KeyMissing, TokenExpired, SecretKeyNeeded, RefundUnknown, InvoiceUnknown],
    };

    public static readonly ApiOperation List = new("listInvoices", Tag, "List invoices, newest first", Access.Secret)
    {
        Query = Filters,
        Answers = [new(200, "One page.", typeof(InvoiceList), $$"""{"invoices": [{ {{Head}}, "document": null }], "next": null}""")],
        Problems = [InvalidQuery, KeyMissing, SecretKeyNeeded],
    };

    public static readonly ApiOperation ListCreditNotes = new("listCreditNotes", Tag, "List credit notes, newest first", Access.Secret)
    {
        Query = Filters,
        Answers = [new(200, "One page.", typeof(CreditNoteList), $$"""{"credit_notes": [{ {{CreditHead}}, "document": null }], "next": null}""")],
        Problems = [InvalidQuery, KeyMissing, SecretKeyNeeded],
    };

    public static readonly ApiOperation Read = new("readInvoice", Tag, "Read an invoice", Access.Secret)
    {
        Answers = [new(200, "The invoice with all that is printed on it.", typeof(InvoiceView), One)],
        Problems = [KeyMissing, SecretKeyNeeded, InvoiceUnknown],
    };

    public static readonly ApiOperation ReadCreditNote = new("readCreditNote", Tag, "Read a credit note", Access.Secret)
    {
        Answers = [new(200, "The credit note with all that is printed on it.", typeof(InvoiceView), Credit)],
        Problems = [KeyMissing, SecretKeyNeeded, InvoiceUnknown],
    };

    public static readonly ApiOperation Pdf = new("readInvoicePdf", Tag, "An invoice as PDF", Access.Secret)
    {
        Description = "The same bytes each time, until its order is cancelled and a credit note takes all of it back.",
        Texts = [new(200, "The invoice.", MediaType, Looks)],
        Problems = [KeyMissing, SecretKeyNeeded, InvoiceUnknown],
    };

    public static readonly ApiOperation CreditNotePdf = new("readCreditNotePdf", Tag, "A credit note as PDF", Access.Secret)
    {
        Description = "The same bytes each time, until it is voided.",
        Texts = [new(200, "The credit note.", MediaType, Looks)],
        Problems = [KeyMissing, SecretKeyNeeded, InvoiceUnknown],
    };
}
