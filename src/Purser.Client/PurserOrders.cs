using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;

namespace Purser.Client;

/// <summary>Placing, reading, cancelling and fulfilling orders.</summary>
public sealed class PurserOrders
{
    readonly PurserLine line;

    internal PurserOrders(PurserLine line) => this.line = line;

    /// <summary>Places an order, or gives the one that was placed before with the same reference and content.</summary>
    /// <param name="order">What is owed for.</param>
    /// <param name="key">An Idempotency-Key of your own; made of the content when left out.</param>
    /// <param name="stop">Gives the call up; the order may be placed all the same.</param>
    /// <exception cref="PurserProblemException"><c>reference_taken</c>: an order with this reference has other content. <c>invalid_fields</c>: something cannot be accepted.</exception>
    /// <exception cref="ArgumentException">The lines have several currencies.</exception>
    public Task<Order> Place(NewOrder order, string? key = null, CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(order);
        var body = JsonSerializer.SerializeToUtf8Bytes(order.Body(), PurserJson.Default.OrderBody);
        return line.Post("v1/orders", body, key ?? PurserLine.KeyOf("orders", body), PurserJson.Default.Order, stop);
    }

    /// <summary>How an order stands.</summary>
    /// <param name="id">The order's id.</param>
    /// <param name="stop">Gives the call up.</param>
    public Task<Order> Get(string id, CancellationToken stop = default) => line.Get($"v1/orders/{Addresses.Id(id)}", PurserJson.Default.Order, stop);

    /// <summary>The order with your reference, or null.</summary>
    /// <param name="reference">Your own name for it.</param>
    /// <param name="stop">Gives the call up.</param>
    public async Task<Order?> Find(string reference, CancellationToken stop = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(reference);
        var page = await line.Get(Addresses.Query("v1/orders", ("reference", reference)), PurserJson.Default.OrderPage, stop);
        return page.Orders.Count > 0 ? page.Orders[0] : null;
    }

    /// <summary>Orders, the newest first; pages are fetched as you go.</summary>
    /// <param name="filter">Which ones; all when left out.</param>
    /// <param name="stop">Gives the listing up.</param>
    public async IAsyncEnumerable<Order> List(OrderFilter? filter = null, [EnumeratorCancellation] CancellationToken stop = default)
    {
        string? cursor = null;
        do
        {
            var page = await line.Get(Addresses.Query("v1/orders", ("status", filter?.Status is { } status ? WordConverter<OrderStatus>.Word(status) : null),
                ("fulfilment", filter?.Fulfilment is { } fulfilment ? WordConverter<Fulfilment>.Word(fulfilment) : null), ("paid_before", Addresses.Time(filter?.PaidBefore)),
                ("reference", filter?.Reference), ("user_id", filter?.UserId), ("created_after", Addresses.Time(filter?.CreatedAfter)),
                ("created_before", Addresses.Time(filter?.CreatedBefore)), ("cursor", cursor)), PurserJson.Default.OrderPage, stop);
            foreach (var order in page.Orders) yield return order;
            cursor = page.Next;
        }
        while (cursor is not null);
    }

    /// <summary>Cancels an order: it cannot be paid any more, and open links are closed. Money that comes all the same is treated by the order's late policy.</summary>
    /// <param name="id">The order's id.</param>
    /// <param name="key">An Idempotency-Key of your own. When left out each call has its own: money may come after a yes, and the same call then says so.</param>
    /// <param name="stop">Gives the call up; the order may be cancelled all the same.</param>
    /// <exception cref="PurserProblemException"><c>order_paid</c> or <c>order_expired</c>: it was quicker.</exception>
    public Task<Order> Cancel(string id, string? key = null, CancellationToken stop = default) => Act(id, "cancellation", key ?? PurserLine.NewKey(), stop);

    /// <summary>Says that the goods went out. Said again it is the same: the first time stays in <see cref="Order.FulfilledAt"/>.</summary>
    /// <param name="id">The order's id.</param>
    /// <param name="key">An Idempotency-Key of your own.</param>
    /// <param name="stop">Gives the call up.</param>
    /// <exception cref="PurserProblemException"><c>order_not_paid</c>: wait for <see cref="EventTypes.OrderPaid"/>. <c>order_held</c>: the gateway's statement casts doubt on the money.</exception>
    public Task<Order> Fulfil(string id, string? key = null, CancellationToken stop = default) => Act(id, "fulfilment", key, stop);

    /// <summary>What happened, why the order stands as it does, and what happens next, in plain sentences.</summary>
    /// <param name="id">The order's id.</param>
    /// <param name="stop">Gives the call up.</param>
    public Task<Explanation> Explain(string id, CancellationToken stop = default) =>
        line.Get($"v1/orders/{Addresses.Id(id)}/explanation", PurserJson.Default.Explanation, stop);

    /// <summary>The events of one order, the first one first.</summary>
    /// <param name="id">The order's id.</param>
    /// <param name="after">The number of the last event that you know; 0 for all.</param>
    /// <param name="stop">Gives the listing up.</param>
    public async IAsyncEnumerable<PurserEvent> Events(string id, int after = 0, [EnumeratorCancellation] CancellationToken stop = default)
    {
        int? next = after;
        while (next is not null)
        {
            var page = await line.Get(Addresses.Query($"v1/orders/{Addresses.Id(id)}/events", ("after", $"{next}")), PurserJson.Default.OrderEventPage, stop);
            foreach (var e in page.Events) yield return e;
            next = page.Next;
        }
    }

    /// <summary>The invoice as PDF, from its beginning. What is owed and was not written yet is written now.</summary>
    /// <param name="id">The order's id.</param>
    /// <param name="stop">Gives the call up.</param>
    /// <exception cref="PurserProblemException"><c>invoice_unknown</c>: the order is not paid, or no seller is configured.</exception>
    public Task<Stream> Invoice(string id, CancellationToken stop = default) => line.Pdf($"v1/orders/{Addresses.Id(id)}/invoice", stop);

    /// <summary>Writes the invoice that is owed and was not written, because by what the order says of its buyer it would be wrong; with the buyer as it should be printed. The same again
    /// changes nothing and gives what was written.</summary>
    /// <param name="id">The order's id.</param>
    /// <param name="buyer">Name, address, country, state and tax number. A mail address and a telephone number are not printed, and not sent.</param>
    /// <param name="stop">Gives the call up; the invoice may be written all the same.</param>
    /// <exception cref="PurserProblemException"><c>invoice_written</c>: there is one with another buyer, which stays; <see cref="PurserProblemException.Resource"/> is its number.
    /// <c>invoice_unknown</c>: none is owed. <c>invalid_fields</c>: of this buyer, too, it would be wrong.</exception>
    public Task<Invoice> WriteInvoice(string id, Customer buyer, CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(buyer);
        var body = JsonSerializer.SerializeToUtf8Bytes(new InvoiceBody(buyer with { Email = null, Phone = null }), PurserJson.Default.InvoiceBody);
        return line.Send(HttpMethod.Put, $"v1/orders/{Addresses.Id(id)}/invoice", body, null, PurserJson.Default.Invoice, stop);
    }

    Task<Order> Act(string id, string action, string? key, CancellationToken stop)
    {
        var path = $"v1/orders/{Addresses.Id(id)}/{action}";
        return line.Post(path, null, key ?? PurserLine.KeyOf(path, default), PurserJson.Default.Order, stop);
    }
}

/// <summary>Starting, reading and cancelling payments.</summary>
public sealed class PurserPayments
{
    readonly PurserLine line;

    internal PurserPayments(PurserLine line) => this.line = line;

    /// <summary>Starts a payment and gives its link; while one is open it is that one. Send the shopper to <see cref="Payment.PageUrl"/>, or to the link yourself.</summary>
    /// <param name="order">The order's id.</param>
    /// <param name="gateway">A gateway account's name; Purser chooses when left out.</param>
    /// <param name="method">A way to pay that a gateway account offers, such as <c>card</c>.</param>
    /// <param name="key">An Idempotency-Key of your own. When left out each call has its own: after a failed payment the same call means a new one.</param>
    /// <param name="stop">Gives the call up; the payment may be started all the same.</param>
    /// <exception cref="PurserProblemException"><c>order_paid</c>, <c>order_expired</c>, <c>order_cancelled</c>: nothing can be paid. <c>gateway_unsuitable</c>: no account takes it.</exception>
    public Task<Payment> Start(string order, string? gateway = null, string? method = null, string? key = null, CancellationToken stop = default) =>
        line.Post($"v1/orders/{Addresses.Id(order)}/payments", JsonSerializer.SerializeToUtf8Bytes(new PaymentBody(gateway, method), PurserJson.Default.PaymentBody),
            key ?? PurserLine.NewKey(), PurserJson.Default.Payment, stop);

    /// <summary>How a payment stands.</summary>
    /// <param name="id">The payment's id.</param>
    /// <param name="stop">Gives the call up.</param>
    public Task<Payment> Get(string id, CancellationToken stop = default) => line.Get($"v1/payments/{Addresses.Id(id)}", PurserJson.Default.Payment, stop);

    /// <summary>Asks the gateway to close the payment's link; it is cancelled once the gateway says so. Money that was quicker counts.</summary>
    /// <param name="id">The payment's id.</param>
    /// <param name="key">An Idempotency-Key of your own. When left out each call has its own: money may come after a yes, and the same call then says so.</param>
    /// <param name="stop">Gives the call up.</param>
    /// <exception cref="PurserProblemException"><c>payment_succeeded</c>, <c>payment_ended</c>: it was quicker. <c>link_cannot_be_cancelled</c>: the gateway has no way.</exception>
    public Task<Payment> Cancel(string id, string? key = null, CancellationToken stop = default)
    {
        var path = $"v1/payments/{Addresses.Id(id)}/cancellation";
        return line.Post(path, null, key ?? PurserLine.NewKey(), PurserJson.Default.Payment, stop);
    }
}

/// <summary>Giving money back.</summary>
public sealed class PurserRefunds
{
    readonly PurserLine line;

    internal PurserRefunds(PurserLine line) => this.line = line;

    /// <summary>Asks for a refund, or gives the one that was asked for before under the same reference. The money is on its way when <see cref="RefundStatus.Succeeded"/> says so.</summary>
    /// <param name="order">The order's id.</param>
    /// <param name="refund">How much, and your own name for it.</param>
    /// <param name="stop">Gives the call up; the refund may be made all the same.</param>
    /// <exception cref="PurserProblemException"><c>refund_too_large</c>, <c>nothing_left</c>, <c>nothing_captured</c>: there is not so much to give back.
    /// <c>idempotency_key_reused</c>: this order has another refund of this reference.</exception>
    public Task<Refund> Request(string order, NewRefund refund, CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(refund);
        ArgumentException.ThrowIfNullOrWhiteSpace(refund.Reference);
        var path = $"v1/orders/{Addresses.Id(order)}/refunds";
        var body = JsonSerializer.SerializeToUtf8Bytes(new RefundBody(refund.AmountMinorUnits, refund.Payment, refund.Note), PurserJson.Default.RefundBody);
        // Of the reference alone: the same name for another amount is a mistake, which the server then refuses.
        return line.Post(path, body, PurserLine.KeyOf(path, Encoding.UTF8.GetBytes(refund.Reference)), PurserJson.Default.Refund, stop);
    }

    /// <summary>How a refund stands.</summary>
    /// <param name="id">The refund's id.</param>
    /// <param name="stop">Gives the call up.</param>
    public Task<Refund> Get(string id, CancellationToken stop = default) => line.Get($"v1/refunds/{Addresses.Id(id)}", PurserJson.Default.Refund, stop);

    /// <summary>The credit note as PDF, from its beginning. What is owed and was not written yet is written now.</summary>
    /// <param name="id">The refund's id.</param>
    /// <param name="stop">Gives the call up.</param>
    /// <exception cref="PurserProblemException"><c>invoice_unknown</c>: the money has not gone back, or no seller is configured.</exception>
    public Task<Stream> CreditNote(string id, CancellationToken stop = default) => line.Pdf($"v1/refunds/{Addresses.Id(id)}/credit_note", stop);
}

/// <summary>What Purser prices.</summary>
public sealed class PurserProducts
{
    readonly PurserLine line;

    internal PurserProducts(PurserLine line) => this.line = line;

    /// <summary>Makes a product, or gives the one that was made before with the same content.</summary>
    /// <param name="product">What is sold.</param>
    /// <param name="key">An Idempotency-Key of your own; made of the content when left out.</param>
    /// <param name="stop">Gives the call up.</param>
    /// <exception cref="PurserProblemException"><c>product_exists</c>: the id has other content, also when it had this content once and was changed since.</exception>
    public async Task<Product> Create(NewProduct product, string? key = null, CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(product);
        var body = new ProductBody(product.Id, product.Name, product.UnitAmount.MinorUnits, product.UnitAmount.Currency, product.Description, product.Active, product.Hsn, product.TaxRate);
        var text = JsonSerializer.SerializeToUtf8Bytes(body, PurserJson.Default.ProductBody);
        var made = await line.Post("v1/products", text, key ?? PurserLine.KeyOf("products", text), PurserJson.Default.Product, stop);
        // The key answers for ever with the product it made, whatever became of that. Asked under another, the server says wherein it differs now.
        return made.UpdatedAt == made.CreatedAt ? made
            : await line.Post("v1/products", JsonSerializer.SerializeToUtf8Bytes(body with { Id = made.Id }, PurserJson.Default.ProductBody), PurserLine.NewKey(), PurserJson.Default.Product, stop);
    }

    /// <summary>One product.</summary>
    /// <param name="id">The product's id.</param>
    /// <param name="stop">Gives the call up.</param>
    public Task<Product> Get(string id, CancellationToken stop = default) => line.Get($"v1/products/{Addresses.Id(id)}", PurserJson.Default.Product, stop);

    /// <summary>Products; pages are fetched as you go.</summary>
    /// <param name="active">Only those that can, or cannot, be ordered; all when left out.</param>
    /// <param name="stop">Gives the listing up.</param>
    public async IAsyncEnumerable<Product> List(bool? active = null, [EnumeratorCancellation] CancellationToken stop = default)
    {
        string? cursor = null;
        do
        {
            var page = await line.Get(Addresses.Query("v1/products", ("active", active is null ? null : active.Value ? "true" : "false"), ("cursor", cursor)),
                PurserJson.Default.ProductPage, stop);
            foreach (var product in page.Products) yield return product;
            cursor = page.Next;
        }
        while (cursor is not null);
    }

    /// <summary>Changes a product. Orders that were placed keep their prices.</summary>
    /// <param name="id">The product's id.</param>
    /// <param name="change">What becomes different.</param>
    /// <param name="stop">Gives the call up.</param>
    public Task<Product> Change(string id, ProductChange change, CancellationToken stop = default) =>
        line.Send(HttpMethod.Patch, $"v1/products/{Addresses.Id(id)}", JsonSerializer.SerializeToUtf8Bytes(change, PurserJson.Default.ProductChange), null,
            PurserJson.Default.Product, stop);
}
