using System.Net;
using Microsoft.AspNetCore.Http;
using Purser.Refunds;
using Purser.Server.Tests.Deliveries;
using Purser.Server.Tests.Invoices;
using Purser.Server.Tests.Platform;

namespace Purser.Client.Tests;

/// <summary>What a merchant reads afterwards: what is to be packed, papers, and what was told.</summary>
public sealed class ReadingTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>, IAsyncLifetime
{
    ClientHouse house = null!;

    PurserClient Purser => house.Purser;

    public async Task InitializeAsync() => house = await ClientHouse.Open(await postgres.CreateDatabase(), InvoiceHouse.Seller);

    public async Task DisposeAsync() => await house.DisposeAsync();

    [Fact]
    public async Task How_far_goods_are_is_read_and_listed()
    {
        var unpaid = await Purser.Orders.Place(ClientHouse.Book("unpaid"));
        unpaid.Fulfilment.ShouldBeNull();
        var (first, second) = (await house.Paid("first"), await house.Paid("second"));
        (first.Fulfilment, (await Purser.Orders.Fulfil(first.Id)).Fulfilment).ShouldBe((Fulfilment.Waiting, Fulfilment.Done));
        (await Listed(new OrderFilter { Fulfilment = Fulfilment.Waiting })).ShouldBe([second.Id]);
        (await Listed(new OrderFilter { Fulfilment = Fulfilment.Done })).ShouldBe([first.Id]);
        (await Listed(new OrderFilter { Fulfilment = Fulfilment.Waiting, PaidBefore = second.CreatedAt })).ShouldBeEmpty();
        (await Listed(new OrderFilter { PaidBefore = second.EndedAt!.Value.AddSeconds(1) })).ShouldBe([second.Id, first.Id]);
    }

    ValueTask<List<string>> Listed(OrderFilter filter) => Purser.Orders.List(filter).Select(o => o.Id).ToListAsync();

    [Fact]
    public async Task An_invoice_and_its_credit_note_are_listed_read_and_drawn()
    {
        var order = await house.Paid("papers");
        (await Should.ThrowAsync<PurserProblemException>(() => Purser.Orders.Invoice("ord_0000000000000"))).Problem.ShouldBe("order_unknown");
        var drawn = await Bytes(Purser.Orders.Invoice(order.Id));
        var listed = await Purser.Invoices.List(new InvoiceFilter { Order = order.Id }).SingleAsync();
        (listed.Kind, listed.Order, listed.Payment, listed.Total, listed.Tax).ShouldBe((InvoiceKind.Invoice, order.Id, order.PaidBy, new Money(49_900, "INR"), new Money(7_612, "INR")));
        listed.Document.ShouldBeNull();
        (await Bytes(Purser.Invoices.Pdf(listed.Number))).ShouldBe(drawn);
        var printed = (await Purser.Invoices.Get(listed.Number)).Document!;
        (printed.Seller.Name, printed.Reference, printed.Credit).ShouldBe(("Leaf & Kettle Private Limited", "papers", null));
        var line = printed.Lines.Single();
        (line.Name, line.Quantity, line.Total, line.Net, line.UnitAmount).ShouldBe(("A book", 1, new Money(49_900, "INR"), new Money(42_288, "INR"), new Money(49_900, "INR")));
        (line.Taxes.Count, line.Taxes.Aggregate((a, b) => a + b)).ShouldBe((printed.Taxes.Count, new Money(7_612, "INR")));
        (await Purser.CreditNotes.List().CountAsync()).ShouldBe(0);

        var refund = await Purser.Refunds.Request(order.Id, new NewRefund { Reference = "back", AmountMinorUnits = 100_00 });
        OrderId.TryParse(order.Id, out var id).ShouldBeTrue();
        var back = new RefundEvidence.Succeeded(new global::Purser.Money(100_00, Currency.Find("INR")), "ARN-1");
        await house.Api.Host.Engine.Submit(id, back.Learned(1, 1, Orders.EvidenceSource.Webhook, TimeProvider.System.GetUtcNow(), null), default);
        var note = await Bytes(Purser.Refunds.CreditNote(refund.Id));
        var credit = await Purser.CreditNotes.List(new InvoiceFilter { Order = order.Id, IssuedAfter = listed.IssuedAt.AddSeconds(-1) }).SingleAsync();
        (credit.Kind, credit.Refund, credit.Total, credit.VoidedAt).ShouldBe((InvoiceKind.CreditNote, refund.Id, new Money(100_00, "INR"), null));
        (await Bytes(Purser.CreditNotes.Pdf(credit.Number))).ShouldBe(note);
        (await Purser.CreditNotes.Get(credit.Number)).Document!.Credit!.Invoice.ShouldBe(listed.Number);
        (await Should.ThrowAsync<PurserProblemException>(() => Purser.Invoices.Pdf(credit.Number))).Problem.ShouldBe("invoice_unknown");
        (await Purser.Invoices.List(new InvoiceFilter { IssuedBefore = order.CreatedAt }).CountAsync()).ShouldBe(0);
    }

    [Fact]
    public async Task An_invoice_is_written_with_its_buyer_as_it_is_stated_and_stays_so()
    {
        var ann = new Customer { Name = "Ann", Address = "5 Hill Street, Fresno", Country = "US", State = "CA", TaxId = "12-3456789" };
        var order = await Purser.Orders.Place(ClientHouse.Book("buyer") with { Customer = ann });
        (await Should.ThrowAsync<PurserProblemException>(() => Purser.Orders.WriteInvoice(order.Id, ann))).Problem.ShouldBe("invoice_unknown");
        (await Should.ThrowAsync<PurserProblemException>(() => Purser.Orders.WriteInvoice(order.Id, ann with { Country = "IN", TaxId = null, State = "XX" }))).Field.ShouldBe("customer.state");
        await house.Api.Tell("evt_buyer", "captured", (await Purser.Payments.Start(order.Id)).Reference, money: "m_buyer");
        house.Wire.Requests.Clear();
        house.Wire.LoseAnswer();
        var written = await Purser.Orders.WriteInvoice(order.Id, ann with { Email = "ann@example.test", Phone = "+15595550100" });
        house.Wire.Requests.ShouldBe([("PUT", $"/v1/orders/{order.Id}/invoice", null), ("PUT", $"/v1/orders/{order.Id}/invoice", null)]);
        (written.Order, written.Kind, written.Document!.Buyer).ShouldBe((order.Id, InvoiceKind.Invoice, new InvoiceParty("Ann", "5 Hill Street, Fresno", "US", "CA", "12-3456789")));
        (await Purser.Invoices.List(new InvoiceFilter { Order = order.Id }).SingleAsync()).Number.ShouldBe(written.Number);
        var other = await Should.ThrowAsync<PurserProblemException>(() => Purser.Orders.WriteInvoice(order.Id, ann with { Name = "Anne" }));
        (other.Problem, other.Resource).ShouldBe(("invoice_written", written.Number));
    }

    static async Task<byte[]> Bytes(Task<Stream> asked)
    {
        await using var pdf = await asked;
        using var all = new MemoryStream();
        await pdf.CopyToAsync(all);
        all.ToArray().AsSpan().StartsWith("%PDF-"u8).ShouldBeTrue();
        return all.ToArray();
    }

    [Fact]
    public async Task A_pdf_that_is_lost_comes_again_and_a_page_in_its_place_is_none()
    {
        var order = await house.Paid("lost paper");
        house.Wire.Requests.Clear();
        house.Wire.LoseAnswer().Answer(HttpStatusCode.BadGateway);
        (await Bytes(Purser.Orders.Invoice(order.Id))).Length.ShouldBeGreaterThan(1_000);
        house.Wire.Requests.Count.ShouldBe(3);
        house.Wire.Answer(HttpStatusCode.OK);
        (await Should.ThrowAsync<PurserUnreachableException>(() => Purser.Orders.Invoice(order.Id))).Message.ShouldEndWith("the answer is no PDF.");
        house.Wire.Requests.Count.ShouldBe(4);
    }

    [Fact]
    public async Task A_delivery_shows_its_attempts_and_is_sent_again()
    {
        await using var receiver = await TestReceiver.Open();
        receiver.Does = (http, _) =>
        {
            http.Response.StatusCode = StatusCodes.Status410Gone;
            return http.Response.WriteAsync("not here any more");
        };
        var endpoint = await Purser.WebhookEndpoints.Create(new NewWebhookEndpoint { Url = $"{receiver.Url}/hook", EventTypes = [EventTypes.OrderPaid] });
        var order = await house.Paid("told");
        var only = new DeliveryFilter { WebhookEndpoint = endpoint.Id, Order = order.Id };
        await Until.True(async () => await Purser.Deliveries.List(only with { Status = DeliveryStatus.Waiting }).AnyAsync(d => d.Attempts == 1), "the first attempt");
        var listed = await Purser.Deliveries.List(only with { Status = DeliveryStatus.Waiting }).SingleAsync();
        (listed.EventType, listed.Order, listed.WebhookEndpoint, listed.Body, listed.Log).ShouldBe((EventTypes.OrderPaid, order.Id, endpoint.Id, null, null));
        var read = await Purser.Deliveries.Get(listed.Id);
        var attempt = read.Log!.Single();
        (attempt.Number, attempt.Status, attempt.Answer, attempt.Url).ShouldBe((1, 410, "not here any more", $"{receiver.Url}/hook"));
        read.Body.ShouldBe(receiver.At("/hook").Single().Body);
        attempt.Signature.ShouldBe(receiver.At("/hook").Single().Signature);

        receiver.Does = null;
        // It is sent at once by that alone.
        await Purser.WebhookEndpoints.Change(endpoint.Id, new WebhookEndpointChange { Status = "active" });
        await Until.True(async () => (await Purser.Deliveries.Get(listed.Id)).Status == DeliveryStatus.Delivered, "it to be taken");
        var heard = receiver.At("/hook").Count;
        await Purser.Deliveries.Redeliver(listed.Id);
        await Until.True(() => receiver.At("/hook").Count == heard + 1, "what was taken to come once more");
        receiver.At("/hook").ShouldAllBe(h => h.Id == read.Event);
        await Until.True(async () => (await Purser.Deliveries.Get(listed.Id)).Status == DeliveryStatus.Delivered, "it to be taken once more");
        (await Purser.Deliveries.List(only with { Status = DeliveryStatus.Dead }).CountAsync()).ShouldBe(0);
        await Purser.WebhookEndpoints.Delete(endpoint.Id);
        (await Should.ThrowAsync<PurserProblemException>(() => Purser.Deliveries.Redeliver(listed.Id))).Problem.ShouldBe("webhook_endpoint_deleted");
    }
}
