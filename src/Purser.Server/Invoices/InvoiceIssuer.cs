using System.Collections.Immutable;
using Purser.Invoices;
using Purser.Orders;
using Purser.Payments;
using Purser.Refunds;
using Purser.Server.Deliveries;
using Purser.Server.Mail;
using Purser.Server.Orders;
using Purser.Server.Platform;

namespace Purser.Server.Invoices;

/// <summary>Writes what is owed: an invoice for the payment that an order accepted, a credit note for each refund of it, and one for all of it where the gateway
/// denied the money and the order was cancelled. It looks at how things stand and not at what it is
/// told, so it may be told anything any number of times, in any order.</summary>
public sealed class InvoiceIssuer(InvoiceOptions options, MailOptions mail, InvoiceStore store, OrderReadStore orders, PublicAddress address, TimeProvider time)
{
    const string NotOwed = "No invoice: the order was paid before there was a seller, or this money was never invoiced.";

    /// <summary>What the outcome of a delivery begins with whose invoice there is a <see cref="Hindrance"/> to.</summary>
    internal const string WouldBeWrong = "The invoice would be wrong";

    readonly string zone = options.TimeZone ?? mail.TimeZone;

    public bool IsConfigured => options.IsConfigured;

    /// <summary>What became of an event, as a delivery's answer.</summary>
    public async Task<DeliveryAnswer> Send(LeasedDelivery one, CancellationToken stop)
    {
        var (now, began) = (time.GetUtcNow(), time.GetTimestamp());
        var order = one.Id.Order;
        var written = one.Type switch
        {
            EventType.OrderPaid => await Invoice(order, stop),
            EventType.OrderCancelled => await Cancellation(order, stop),
            _ => await CreditNote(order, ToldEvent.Of(one).Refund!.Value, stop),
        };
        // Denied money that came after all pays its order again.
        if (one.Type == EventType.OrderPaid) await Cancellation(order, stop);
        if (one.Type == EventType.OrderPaid && written is not null) await CreditEarlier(order, stop);
        var hindrance = written is null ? await Hindrance(order, stop) : null;
        // The invoice may have been written meanwhile.
        if (written is null && hindrance is null && ToldEvent.Of(one).Refund is { } refund) written = await CreditNote(order, refund, stop);
        if (hindrance is not null) return new DeliveryAnswer(now, time.GetElapsedTime(began), null, hindrance, null, null, "") { IsFinal = true };
        return written is null
            ? new DeliveryAnswer(now, TimeSpan.Zero, null, NotOwed, null, null, "") { IsMoot = true }
            : new DeliveryAnswer(now, time.GetElapsedTime(began), StatusCodes.Status200OK, null, written.Number, null, "");
    }

    /// <summary>Makes sure that the order's invoice is written.</summary>
    /// <returns>Null when none is owed, or there is a <see cref="Hindrance"/>.</returns>
    public async Task<StoredInvoice?> Invoice(OrderId id, CancellationToken stop)
    {
        if (!IsConfigured) return null;
        if ((await store.Of(id, stop)).FirstOrDefault(i => i.Kind == InvoiceKind.Invoice) is { } written) return written;
        return await Owed(id, stop) is { } found && FaultOf(found) is null ? await Write(found, stop) : null;
    }

    /// <summary>Why an invoice that is owed is not written: by what its order says of the buyer it would have the wrong taxes for ever. Placing an order refuses that, but not while
    /// there is no seller, or one under another law.</summary>
    /// <returns>Null when the invoice is written, can be, or is not owed.</returns>
    public async Task<string?> Hindrance(OrderId id, CancellationToken stop)
    {
        if (!IsConfigured || (await store.Of(id, stop)).Any(i => i.Kind == InvoiceKind.Invoice) || await Owed(id, stop) is not { } found || FaultOf(found) is not { } fault) return null;
        return $"{WouldBeWrong}, and is not written: {fault} Write it with PUT /v1/orders/{id}/invoice and the buyer as it should be printed.";
    }

    /// <summary>Writes an invoice to which there is a <see cref="Hindrance"/>, with the buyer as somebody who knows says it is, and what of it was given back meanwhile. No other invoice is changed by it.</summary>
    /// <param name="buyer">In whom <see cref="BuyerRules"/> find no fault.</param>
    /// <returns>The order's invoice, whoever's buyer it has; null when none is owed.</returns>
    public async Task<StoredInvoice?> Invoice(OrderId id, BuyerPart buyer, CancellationToken stop)
    {
        if (await Invoice(id, stop) is { } written)
        {
            // Whoever wrote it may not have come further.
            await Follow();
            return written;
        }
        if (!IsConfigured || await Owed(id, stop) is not { Order: var order } found) return null;
        var corrected = found with
        {
            Order = order with { Customer = order.Customer with { Name = buyer.Name, Country = buyer.Country } },
            Content = found.Content with { Billing = new Billing(buyer.Address, buyer.State, buyer.TaxId) },
        };
        var added = await Write(corrected, stop);
        await Follow();
        return added;

        // What went back is credited, and what was given up for want of the invoice finds it now; also when nobody waits for the answer any more.
        async Task Follow()
        {
            await CreditEarlier(id, CancellationToken.None);
            await store.SendAgain(id, time.GetUtcNow(), CancellationToken.None);
        }
    }

    async Task<StoredOrder?> Owed(OrderId id, CancellationToken stop) =>
        await store.IsOwed(id, stop) && await orders.Find(id, stop) is { Order: { Status: OrderStatus.Paid, PaidBy: not null } } found ? found : null;

    string? FaultOf(StoredOrder found) => options.Tax != "gst" ? null
        : BuyerRules.Faults(found.Order.Customer.Country, found.Content.Billing?.State, found.Content.Billing?.TaxId, options).Select(f => f.Detail).FirstOrDefault();

    async Task<StoredInvoice> Write(StoredOrder found, CancellationToken stop)
    {
        var (id, payment, now) = (found.Order.Id, found.Order.PaidBy!.Value, time.GetUtcNow());
        var document = Document(found);
        var statement = document.Statement(found.Order.Amount.Currency);
        // Lines are the order's amount by the rules of placing it; an invoice that says otherwise must not be.
        if (statement.Total != found.Order.Amount.MinorUnits) throw new InvalidOperationException($"The lines of {id} are not its amount.");
        var added = await store.Add(new NewInvoice(InvoiceKind.Invoice, Series(options.Prefix, now), id, payment, null, found.Order.Amount, document), now, stop);
        // It may have been cancelled since it was looked at, and that may have been told since.
        await Cancellation(id, stop);
        return added;
    }

    /// <summary>Makes sure that an invoice is credited whole while its order is cancelled, and that such a credit note counts no longer than that.</summary>
    /// <returns>Null when none is owed.</returns>
    public async Task<StoredInvoice?> Cancellation(OrderId id, CancellationToken stop)
    {
        if (!IsConfigured) return null;
        var written = await store.Of(id, stop);
        if (written.FirstOrDefault(i => i.Kind == InvoiceKind.Invoice) is not { } invoice || await orders.Find(id, stop) is not { } found) return null;
        var counting = written.FirstOrDefault(c => c is { Kind: InvoiceKind.CreditNote, Refund: null, VoidedAt: null });
        var now = time.GetUtcNow();
        if (counting is null) await VoidFailed(written, found.Order, now, stop);
        if (found.Order is { Status: OrderStatus.Cancelled, EndedAt: { } at })
            return counting ?? await store.AddCredit(invoice, null, before => Credit(invoice, null, at, Left(invoice, before), now), now, stop);
        if (counting is not null) await store.Void(counting, now, stop);
        return null;
    }

    /// <summary>Makes sure that a refund that went back has its credit note, after the invoice; and that one which failed after all has none that counts.</summary>
    /// <returns>Null when none is owed.</returns>
    public async Task<StoredInvoice?> CreditNote(OrderId id, int refund, CancellationToken stop)
    {
        if (await Invoice(id, stop) is not { } invoice || await orders.Find(id, stop) is not { } found || found.Order.Refund(refund) is not { } told) return null;
        // Another payment than the invoiced one pays the order where the gateway denied the first.
        var paidBy = found.Order.PaidBy ?? invoice.Payment;
        var accepted = found.Order.Payment(paidBy)!.Captures.FirstOrDefault(c => c.Standing == Standing.Accepted)?.MoneyReference;
        if (told.Payment != paidBy || told.MoneyReference != accepted || told.Amount.Currency != invoice.Total.Currency) return null;
        // A credit note of a cancellation that is over would leave nothing to credit.
        await Cancellation(id, stop);
        var written = await store.Of(id, stop);
        var counting = written.FirstOrDefault(c => c.Refund == refund && c.VoidedAt is null);
        if (counting is null) await VoidFailed(written, found.Order, time.GetUtcNow(), stop);
        switch (told.Status)
        {
            case RefundStatus.Succeeded:
                var now = time.GetUtcNow();
                return counting ?? await store.AddCredit(invoice, refund, before => Credit(invoice, refund, told.DoneAt!.Value, Taxation.Credit(Left(invoice, before), told.Amount.MinorUnits), now), now, stop);
            case RefundStatus.Failed when counting is not null:
                await store.Void(counting, time.GetUtcNow(), stop);
                return null;
            default:
                return null;
        }
    }

    /// <summary>What went back before its money was the order's had no invoice to be credited when that was told.</summary>
    async Task CreditEarlier(OrderId id, CancellationToken stop)
    {
        if (await orders.Find(id, stop) is not { } found) return;
        foreach (var refund in found.Order.Refunds)
            if (refund.Status == RefundStatus.Succeeded) await CreditNote(id, refund.Number, stop);
    }

    /// <summary>What is told of a failed refund may come after what is told of the next one, for which its credit note would leave nothing.</summary>
    async Task VoidFailed(IReadOnlyList<StoredInvoice> written, Order order, DateTimeOffset now, CancellationToken stop)
    {
        foreach (var credit in written)
            if (credit is { Kind: InvoiceKind.CreditNote, Refund: { } refund, VoidedAt: null } && order.Refund(refund)?.Status == RefundStatus.Failed) await store.Void(credit, now, stop);
    }

    static TaxStatement Left(StoredInvoice invoice, IReadOnlyList<StoredInvoice> before)
    {
        var currency = invoice.Total.Currency;
        return before.Aggregate(invoice.Document.Statement(currency), (rest, credit) => Taxation.Without(rest, credit.Document.Statement(currency)));
    }

    /// <param name="refund">Null: the order was cancelled.</param>
    NewInvoice Credit(StoredInvoice invoice, int? refund, DateTimeOffset at, TaxStatement credited, DateTimeOffset now)
    {
        var document = invoice.Document with
        {
            Rules = Taxation.Version,
            Credit = new CreditPart(refund is { } number ? new RefundId(invoice.Order, number).ToString() : null, at.UtcDateTime, invoice.Number, invoice.IssuedAt.UtcDateTime),
            Lines = InvoiceDocument.Parts(credited),
            TimeZone = zone,
        };
        return new NewInvoice(InvoiceKind.CreditNote, Series(options.CreditPrefix, now), invoice.Order, invoice.Payment, refund, new Money(credited.Total, invoice.Total.Currency), document);
    }

    string Series(string prefix, DateTimeOffset now) => InvoiceSeries.Of(prefix, options, zone, now).Name;

    InvoiceDocument Document(StoredOrder found)
    {
        var (order, content) = found;
        var buyer = order.Customer;
        var place = options.Tax == "gst" ? PlaceOfSupply.Of(options.SellerState!, buyer.Country, IndianState.Find(content.Billing?.State) ?? Gstin.StateOf(content.Billing?.TaxId)) : null;
        ImmutableArray<Tax> taxes = options.Tax switch { "gst" => PlaceOfSupply.Taxes(options.SellerState!, place), "vat" => [Tax.Vat], _ => [] };
        var lines = content.Lines.IsEmpty
            ? [new PricedLine(order.Description, 1, order.Amount.MinorUnits, options.Hsn, options.UsualRate)]
            : content.Lines.Select(l => new PricedLine(l.Name, l.Quantity, l.UnitAmount, l.Hsn ?? options.Hsn, l.TaxRate ?? options.UsualRate));
        return new InvoiceDocument(Taxation.Version, content.Locale ?? mail.Locale, zone,
            new SellerPart(options.Seller!, options.Address!, options.Country, options.Tax == "gst" ? options.SellerState!.Code : options.State, options.TaxId),
            new BuyerPart(buyer.Name, content.Billing?.Address, buyer.Country, content.Billing?.State, content.Billing?.TaxId), order.Reference, order.EndedAt!.Value.UtcDateTime,
            null, [.. taxes.Select(t => EventNames.Snake(t.ToString()))], options.TaxName, options.Tax != "gst" ? null : place?.Code ?? buyer.Country,
            InvoiceDocument.Parts(Taxation.Of(order.Amount.Currency, taxes, lines)), options.Footer, address.Url);
    }
}
