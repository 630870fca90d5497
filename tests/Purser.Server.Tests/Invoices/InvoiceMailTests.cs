using Purser.Server.Tests.Mail;

namespace Purser.Server.Tests.Invoices;

/// <summary>What goes with the mails, as an independent program counts it after a real server took them.</summary>
public sealed class InvoiceMailTests
{
    [Theory]
    [InlineData(true), InlineData(false)]
    public async Task The_confirmation_has_the_invoice_and_the_refunds_mail_the_credit_note_whoever_is_quicker(bool booksAreHeldBack)
    {
        await using var server = await MailServer.Start();
        var settings = InvoiceHouse.Seller.Concat(MailDeliveryTests.Settings(server.Port)).ToDictionary(s => s.Name, s => (string?)s.Value);
        var house = new InvoiceHouse { Pages = new Checkout.PageHouse { Also = settings } };
        await house.InitializeAsync();
        try
        {
            if (booksAreHeldBack) await house.HoldBack();
            var order = await house.Paid();
            var paid = (await server.Wait(1))[0];
            var number = (await house.Store.Of(order.Id, default)).ShouldHaveSingleItem().Number;
            paid.Attachments.ShouldBe(1);
            paid.Text.ShouldContain($"Your invoice {number} is attached.");
            await house.Refund(order);
            var refunded = (await server.Wait(2))[1];
            var credit = (await house.Store.Of(order.Id, default))[1].Number;
            refunded.Attachments.ShouldBe(1);
            refunded.Text.ShouldContain($"Credit note {credit} is attached.");
            await house.GoOn();
            await house.NoneWait();
            (await house.Store.Of(order.Id, default)).Count.ShouldBe(2);
        }
        finally
        {
            await house.DisposeAsync();
        }
    }

    [Theory]
    [InlineData("en", "Invoice {0} does not count any more: credit note {1},", true)]
    [InlineData("hi", "बीजक {0} अब मान्य नहीं है: इस मेल के साथ संलग्न क्रेडिट नोट {1} ", false)]
    public async Task Who_hears_that_the_money_was_denied_has_the_credit_note_with_it_once(string locale, string words, bool booksAreHeldBack)
    {
        await using var server = await MailServer.Start();
        var settings = InvoiceHouse.Seller.Concat(MailDeliveryTests.Settings(server.Port)).ToDictionary(s => s.Name, s => (string?)s.Value);
        var house = new InvoiceHouse { Pages = new Checkout.PageHouse { Also = settings, Locale = locale } };
        await house.InitializeAsync();
        try
        {
            var order = await house.Paid();
            await server.Wait(1);
            await house.NoneWait();
            if (booksAreHeldBack) await house.HoldBack();
            await house.Deny(order);
            var denied = (await server.Wait(2))[1];
            denied.Attachments.ShouldBe(1);
            await house.GoOn();
            await house.NoneWait();
            var documents = await house.Store.Of(order.Id, default);
            documents.Count.ShouldBe(2);
            denied.Text.ShouldContain(string.Format(System.Globalization.CultureInfo.InvariantCulture, words, documents[0].Number, documents[1].Number));
            (await server.All()).Count.ShouldBe(2);
        }
        finally
        {
            await house.DisposeAsync();
        }
    }

    [Fact]
    public async Task An_invoice_that_cannot_be_written_keeps_no_mail_back()
    {
        await using var server = await MailServer.Start();
        var settings = InvoiceHouse.Seller.Concat(MailDeliveryTests.Settings(server.Port)).ToDictionary(s => s.Name, s => (string?)s.Value);
        var house = new InvoiceHouse { Pages = new Checkout.PageHouse { Also = settings } };
        await house.InitializeAsync();
        try
        {
            await house.Do("update webhook_endpoints set status = 1 where kind > 0");
            var order = await house.Paid();
            await house.Do($"update orders set amount = amount + 1 where id = {order.Id.Value}");
            await house.Do("update webhook_endpoints set status = 0 where id = 'mail_shoppers'");
            (await server.Wait(1))[0].Attachments.ShouldBe(0);
            (await house.Store.Of(order.Id, default)).ShouldBeEmpty();
        }
        finally
        {
            await house.DisposeAsync();
        }
    }
}
