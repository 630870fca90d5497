using Purser.Orders;
using Purser.Server.Api;
using Purser.Server.Deliveries;
using Purser.Server.Orders;
using Purser.Server.Platform;

namespace Purser.Server.Invoices;

/// <summary>Reading invoices and credit notes, as JSON and as PDF; an order's and a refund's own also with the order's token.</summary>
public sealed class InvoiceEndpoints(InvoiceIssuer issuer, InvoiceStore store, InvoicePdf pdf, InvoiceOptions options, OrderReadStore orders)
{
    public static void Add(IServiceCollection services, IConfiguration configuration) => services.AddSingleton(InvoiceOptions.Of(configuration))
        .AddSingleton<InvoiceStore>().AddSingleton<InvoiceIssuer>().AddSingleton<InvoicePdf>().AddSingleton<InvoiceEndpoints>();

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/orders/{id}/invoice", (string id, HttpContext http, InvoiceEndpoints e, CancellationToken stop) => e.OfOrder(id, http, stop)).Is(InvoiceDocs.OfOrder);
        routes.MapPut("/v1/orders/{id}/invoice", (string id, HttpContext http, InvoiceEndpoints e, DeliverySender sender, CancellationToken stop) => e.Write(id, http, sender, stop)).Is(InvoiceDocs.Write);
        routes.MapGet("/v1/orders/{id}/credit_note", (string id, HttpContext http, InvoiceEndpoints e, CancellationToken stop) => e.OfCancelled(id, http, stop)).Is(InvoiceDocs.OfCancelled);
        routes.MapGet("/v1/refunds/{id}/credit_note", (string id, HttpContext http, InvoiceEndpoints e, CancellationToken stop) => e.OfRefund(id, http, stop)).Is(InvoiceDocs.OfRefund);
        routes.MapGet("/v1/invoices", (HttpContext http, InvoiceEndpoints e, CancellationToken stop) => e.List(InvoiceKind.Invoice, http, stop)).Is(InvoiceDocs.List);
        routes.MapGet("/v1/credit_notes", (HttpContext http, InvoiceEndpoints e, CancellationToken stop) => e.List(InvoiceKind.CreditNote, http, stop)).Is(InvoiceDocs.ListCreditNotes);
        routes.MapGet("/v1/invoices/{number}", (string number, InvoiceEndpoints e, CancellationToken stop) => e.Read(InvoiceKind.Invoice, number, stop)).Is(InvoiceDocs.Read);
        routes.MapGet("/v1/credit_notes/{number}", (string number, InvoiceEndpoints e, CancellationToken stop) => e.Read(InvoiceKind.CreditNote, number, stop)).Is(InvoiceDocs.ReadCreditNote);
        routes.MapGet("/v1/invoices/{number}.pdf", (string number, HttpContext http, InvoiceEndpoints e, CancellationToken stop) => e.Pdf(InvoiceKind.Invoice, number, http, stop)).Is(InvoiceDocs.Pdf);
        routes.MapGet("/v1/credit_notes/{number}.pdf", (string number, HttpContext http, InvoiceEndpoints e, CancellationToken stop) => e.Pdf(InvoiceKind.CreditNote, number, http, stop))
            .Is(InvoiceDocs.CreditNotePdf);
    }

    async Task<IResult> OfOrder(string id, HttpContext http, CancellationToken stop)
    {
        if (!OrderId.TryParse(id, out var order)) return new Problem(ProblemTypes.OrderUnknown) { Field = "id" };
        // What is owed is written now, though its delivery waits: who was told of the payment is quicker than a queue.
        var written = (await store.Of(order, stop)).FirstOrDefault(i => i.Kind == InvoiceKind.Invoice) ?? await issuer.Invoice(order, stop);
        if (written is not null) return Answer(written, http);
        return await Why(order, id, stop);
    }

    async Task<Problem> Why(OrderId order, string id, CancellationToken stop)
    {
        if (await issuer.Hindrance(order, stop) is { } hindrance) return new Problem(ProblemTypes.InvoiceUnknown, hindrance) { Field = "id", Resource = id, Remedy = "The shop writes it with the buyer as it should be printed: see docs/invoices.md." };
        return await orders.Find(order, stop) is not { } stored ? new Problem(ProblemTypes.OrderUnknown) { Field = "id" } : None(stored.Order.Status == OrderStatus.Paid, id, "The order is not paid yet.");
    }

    /// <summary>With another buyer than its order's, where by that one it would be wrong. The same again does nothing more.</summary>
    async Task<IResult> Write(string id, HttpContext http, DeliverySender sender, CancellationToken stop)
    {
        var (fields, unreadable) = await JsonBody.Read(http);
        if (fields is null) return unreadable!;
        var body = new InvoiceBody(CustomerBody.Read(fields, options));
        fields.RefuseUnknown();
        if (!fields.Has("customer")) fields.Fault("customer", "'customer' is missing.", "Send the buyer as it should be printed.");
        foreach (var (name, sent) in new[] { ("customer.email", body.Customer?.Email), ("customer.phone", body.Customer?.Phone) })
            if (sent is not null) fields.Fault(name, $"'{name}' is not printed on an invoice.", "Leave it out.");
        if (fields.Faults.Count > 0) return Problem.Of(ProblemTypes.InvalidFields, fields.Faults);
        if (!OrderId.TryParse(id, out var order)) return new Problem(ProblemTypes.OrderUnknown) { Field = "id" };
        var said = new BuyerPart(body.Customer!.Name, body.Customer.Address, body.Customer.Country, body.Customer.State, body.Customer.TaxId);
        var isNew = !(await store.Of(order, stop)).Any(i => i.Kind == InvoiceKind.Invoice);
        if (await issuer.Invoice(order, said, stop) is not { } written) return await Why(order, id, stop);
        if (written.Document.Buyer != said) return new Problem(ProblemTypes.InvoiceWritten, $"It is {written.Number}, with another buyer.") { Resource = written.Number };
        if (isNew) sender.LookAgain();
        return isNew ? ApiJson.Answer(InvoiceView.From(written), StatusCodes.Status201Created, $"/v1/invoices/{written.Number}") : ApiJson.Answer(InvoiceView.From(written), replayed: true);
    }

    /// <summary>The credit note without a refund: of an order whose gateway denied the money.</summary>
    async Task<IResult> OfCancelled(string id, HttpContext http, CancellationToken stop)
    {
        if (!OrderId.TryParse(id, out var order)) return new Problem(ProblemTypes.OrderUnknown) { Field = "id" };
        var written = (await store.Of(order, stop)).FirstOrDefault(i => i is { Kind: InvoiceKind.CreditNote, Refund: null, VoidedAt: null }) ?? await issuer.Cancellation(order, stop);
        if (written is not null) return Answer(written, http);
        return await orders.Find(order, stop) is null ? new Problem(ProblemTypes.OrderUnknown) { Field = "id" }
            : new Problem(ProblemTypes.InvoiceUnknown, "The order has no invoice, or was not cancelled after it.")
            {
                Field = "id",
                Resource = id,
                Remedy = "The credit note of a refund is at /v1/refunds/{id}/credit_note; GET /v1/credit_notes lists all.",
            };
    }

    async Task<IResult> OfRefund(string id, HttpContext http, CancellationToken stop)
    {
        if (!RefundId.TryParse(id, out var refund)) return new Problem(ProblemTypes.RefundUnknown) { Field = "id" };
        var written = (await store.Of(refund.Order, stop)).FirstOrDefault(i => i.Refund == refund.Number && i.VoidedAt is null) ?? await issuer.CreditNote(refund.Order, refund.Number, stop);
        if (written is not null) return Answer(written, http);
        if (await issuer.Hindrance(refund.Order, stop) is not null) return await Why(refund.Order, id, stop);
        return (await orders.Find(refund.Order, stop))?.Order.Refund(refund.Number) is not { } told ? new Problem(ProblemTypes.RefundUnknown) { Field = "id" }
            : None(told.Status == Purser.Refunds.RefundStatus.Succeeded, id, "The money has not gone back, or not yet.");
    }

    async Task<IResult> List(InvoiceKind kind, HttpContext http, CancellationToken stop)
    {
        var query = new QueryFields(http.Request.Query);
        var (order, since, until, limit) = (query.Text("order", 40), query.Time("issued_after"), query.Time("issued_before"), query.Limit());
        OrderId? of = null;
        if (order is not null)
            if (OrderId.TryParse(order, out var parsed)) of = parsed;
            else query.Fault("order", $"'{order}' is no order's id.", "Send an id that begins with 'ord_'.");
        (DateTimeOffset, string)? after = null;
        if (query.Text("cursor") is { } cursor)
            if (CursorOf(cursor) is { } place) after = place;
            else query.Fault("cursor", "'cursor' is no cursor of ours.", "Send the cursor of the answer before this one, unchanged, or leave it out to begin.");
        if (query.Problem() is { } problem) return problem;
        var found = await store.List(new InvoiceFilter(kind, of, since, until, after, limit), stop);
        List<InvoiceView> page = [.. found.Take(limit).Select(i => InvoiceView.From(i, whole: false))];
        var next = found.Count > limit ? $"{found[limit - 1].IssuedAt.UtcTicks}.{found[limit - 1].Number}" : null;
        return kind == InvoiceKind.Invoice ? ApiJson.Answer(new InvoiceList(page, next)) : ApiJson.Answer(new CreditNoteList(page, next));
    }

    async Task<IResult> Read(InvoiceKind kind, string number, CancellationToken stop) =>
        await store.Find(number, kind, stop) is { } found ? ApiJson.Answer(InvoiceView.From(found)) : Unknown();

    async Task<IResult> Pdf(InvoiceKind kind, string number, HttpContext http, CancellationToken stop) =>
        await store.Find(number, kind, stop) is { } found ? Answer(found, http) : Unknown();

    IResult Answer(StoredInvoice invoice, HttpContext http)
    {
        var headers = http.Response.Headers;
        // Numbers are letters, digits and hyphens, so they need no quoting of their own.
        headers.ContentDisposition = $"inline; filename=\"{invoice.Number}.pdf\"";
        headers.CacheControl = "private, no-store";
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
        return Results.Bytes(pdf.Draw(invoice), "application/pdf");
    }

    Problem None(bool isDue, string id, string notDue) => new(ProblemTypes.InvoiceUnknown, isDue && options.IsConfigured ? "None is owed: the money moved before there was a seller, or it was never invoiced." : isDue ? "No seller is configured." : notDue)
    {
        Field = "id",
        Resource = id,
        Remedy = !isDue ? "Ask again when 'order.paid' or 'refund.succeeded' was told."
            : options.IsConfigured ? "Orders that were paid before a seller was configured have none; make theirs where you made them until then."
            : $"Set {InvoiceOptions.Section}:Seller and the other settings of docs/invoices.md; orders that are paid from then on have invoices.",
    };

    static Problem Unknown() => new(ProblemTypes.InvoiceUnknown) { Field = "number" };

    static (DateTimeOffset, string)? CursorOf(string text) =>
        text.Split('.') is [var ticks, var number] && long.TryParse(ticks, out var at) && at >= 0 && at <= DateTime.MaxValue.Ticks ? (new DateTimeOffset(at, TimeSpan.Zero), number) : null;
}
