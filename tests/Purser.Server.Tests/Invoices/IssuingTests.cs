using Npgsql;
using Purser.Orders;
using Purser.Refunds;
using Purser.Server.Doctor;
using Purser.Server.Invoices;
using Purser.Server.Tests.Api;
using Purser.Server.Tests.Deliveries;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Invoices;

/// <summary>When an invoice is written, and under which number, whatever happens meanwhile.</summary>
public sealed class IssuingTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>, IAsyncLifetime
{
    readonly InvoiceHouse house = new();

    public Task InitializeAsync() => house.InitializeAsync();

    public Task DisposeAsync() => house.DisposeAsync();

    [Fact]
    public async Task A_paid_order_has_one_invoice_of_its_amount_however_often_it_is_told()
    {
        var order = await house.Paid(49_900, new OrderLine("Darjeeling", 2, 19_950, null, "0902", new Purser.Invoices.TaxRate(500)), new OrderLine("Kettle", 1, 10_000));
        await house.NoneWait();
        for (var again = 0; again < 3; again++)
        {
            await house.Do("update deliveries set state = 0, due_at = now(), leased_until = null");
            await house.NoneWait();
        }
        var invoice = (await house.Store.Of(order.Id, default)).ShouldHaveSingleItem();
        invoice.Number.ShouldMatch("^INV-[0-9]{4}-000001$");
        invoice.Number.Length.ShouldBeLessThanOrEqualTo(16);
        (invoice.Total, invoice.Payment).ShouldBe((order.Amount, 1));
        invoice.Document.Taxes.ShouldBe(["cgst", "sgst"]);
        invoice.Document.Lines.Select(l => (l.TaxRate, l.Hsn, l.Total)).ShouldBe([("5", "0902", 39_900L), ("18", "0902", 10_000L)]);
        invoice.Document.Lines[0].Taxes.ShouldBe([950L, 950L]);
        await house.NothingIsWrong();
    }

    [Fact]
    public async Task Fifty_at_once_and_each_of_them_twice_take_fifty_numbers_without_a_gap()
    {
        await house.HoldBack();
        var orders = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => house.Paid()));
        var made = await Task.WhenAll(orders.Concat(orders).Select(o => Task.Run(() => house.Issuer.Invoice(o.Id, default))));
        made.Length.ShouldBe(100);
        made.Select(i => i!.Place).Distinct().Order().ShouldBe(Enumerable.Range(1, 50).Select(i => (long)i));
        made.GroupBy(i => i!.Order).ShouldAllBe(g => g.Select(i => i!.Number).Distinct().Count() == 1);
        var byPlace = made.OrderBy(i => i!.Place).Select(i => i!.IssuedAt).ToList();
        byPlace.ShouldBe(byPlace.Order());
        await house.GoOn();
        await house.NoneWait();
        (await house.Count("select count(*) from invoices")).ShouldBe(50);
        await house.NothingIsWrong();
    }

    [Fact]
    public async Task A_crash_between_number_and_commit_gives_the_number_to_the_next()
    {
        await house.HoldBack();
        var (first, second) = (await house.Paid(), await house.Paid());
        // What has this order's place in another series keeps the first one waiting after it took its number.
        await using var connection = await house.Database.OpenConnectionAsync();
        await using var holding = await connection.BeginTransactionAsync();
        await using (var hold = new NpgsqlCommand($"""
            insert into invoices (series, place, number, kind, order_id, payment, currency, total, issued_at, document)
            values ('X', 1, 'X-1', 0, {first.Id.Value}, 1, 'INR', 1, now(), '')
            """, connection)) await hold.ExecuteNonQueryAsync();
        var crashing = Task.Run(() => house.Issuer.Invoice(first.Id, default));
        await Until.True(async () => await house.Count("select count(*) from pg_stat_activity where datname = current_database() and wait_event = 'transactionid' and query like 'with taken%'") == 1, "the number to be taken");
        var next = Task.Run(() => house.Issuer.Invoice(second.Id, default));
        await Until.True(async () => await house.Count("select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like 'with taken%'") == 2, "the next to wait for it");
        await house.Do("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and wait_event = 'transactionid' and query like 'with taken%' and query_start = (select min(query_start) from pg_stat_activity where datname = current_database() and query like 'with taken%' and wait_event_type = 'Lock')");
        await Should.ThrowAsync<NpgsqlException>(crashing);
        (await next)!.Place.ShouldBe(1);
        await holding.RollbackAsync();
        (await house.Issuer.Invoice(first.Id, default))!.Place.ShouldBe(2);
        await house.GoOn();
        await house.NoneWait();
        await house.NothingIsWrong();
    }

    [Fact]
    public async Task A_refund_that_is_told_before_its_invoice_was_written_has_both_written()
    {
        await house.HoldBack();
        var order = await house.Refund(await house.Paid());
        var credit = await house.Issuer.CreditNote(order.Id, 1, default);
        credit!.Number.ShouldMatch("^CRN-[0-9]{4}-000001$");
        credit.Total.ShouldBe(order.Amount);
        var both = await house.Store.Of(order.Id, default);
        both.Select(i => i.Kind).ShouldBe([InvoiceKind.Invoice, InvoiceKind.CreditNote]);
        credit.Document.Credit!.Invoice.ShouldBe(both[0].Number);
        await house.GoOn();
        await house.NoneWait();
        (await house.Store.Of(order.Id, default)).Count.ShouldBe(2);
        await house.NothingIsWrong();
    }

    [Fact]
    public async Task Credit_notes_of_parts_add_up_to_the_invoice_tax_by_tax()
    {
        var order = await house.Paid(49_900, new OrderLine("Darjeeling", 1, 33_333, null, "0902", new Purser.Invoices.TaxRate(500)), new OrderLine("Kettle", 1, 16_567));
        foreach (var part in new long?[] { 1, 33_333, 777, null }) order = await house.Refund(order, part);
        await house.NoneWait();
        var found = await house.Store.Of(order.Id, default);
        found.Count.ShouldBe(5);
        var credits = found.Skip(1).ToList();
        credits.Select(c => c.Place).ShouldBe([1, 2, 3, 4]);
        credits.Sum(c => c.Total.MinorUnits).ShouldBe(49_900);
        for (var line = 0; line < 2; line++)
        {
            credits.Sum(c => c.Document.Lines[line].Net).ShouldBe(found[0].Document.Lines[line].Net);
            for (var tax = 0; tax < 2; tax++) credits.Sum(c => c.Document.Lines[line].Taxes[tax]).ShouldBe(found[0].Document.Lines[line].Taxes[tax]);
        }
        await house.NothingIsWrong();
    }

    [Fact]
    public async Task A_refund_that_fails_after_all_voids_its_credit_note_and_the_next_refund_has_another()
    {
        var order = await house.Refund(await house.Paid());
        await house.NoneWait();
        order = await house.Hear(order, 1, new RefundEvidence.Failed("account closed"));
        await house.NoneWait();
        (await house.Store.Of(order.Id, default))[1].VoidedAt.ShouldNotBeNull();
        order = await house.Refund(order);
        await house.NoneWait();
        var found = await house.Store.Of(order.Id, default);
        found.Select(i => (i.Kind, i.Place, IsVoid: i.VoidedAt is not null)).ShouldBe([(InvoiceKind.Invoice, 1, false), (InvoiceKind.CreditNote, 1, true), (InvoiceKind.CreditNote, 2, false)]);
        found[2].Refund.ShouldBe(2);
        await house.NothingIsWrong();
    }

    [Fact]
    public async Task A_refund_has_its_credit_note_although_nobody_told_yet_that_the_one_before_it_failed()
    {
        var order = await house.Refund(await house.Paid());
        await house.NoneWait();
        await house.HoldBack();
        order = await house.Hear(order, 1, new RefundEvidence.Failed("account closed"));
        order = await house.Refund(order);
        (await house.Issuer.CreditNote(order.Id, 2, default))!.Total.ShouldBe(order.Amount);
        await house.GoOn();
        await house.NoneWait();
        (await house.Store.Of(order.Id, default)).Select(i => (i.Kind, i.Refund, IsVoid: i.VoidedAt is not null))
            .ShouldBe([(InvoiceKind.Invoice, null, false), (InvoiceKind.CreditNote, 1, true), (InvoiceKind.CreditNote, 2, false)]);
        await house.NothingIsWrong();
    }

    [Fact]
    public async Task An_order_that_was_paid_before_there_was_a_seller_shows_no_invoice_that_nobody_writes()
    {
        await house.Do("update webhook_endpoints set status = 2 where id = 'invoices'");
        var before = await house.Paid();
        await house.Do("update webhook_endpoints set status = 0 where id = 'invoices'");
        before = await house.Refund(before);
        await house.NoneWait();
        var since = await house.Refund(await house.Paid());
        await house.NoneWait();
        async Task<int> Documents(Order order) => (await house.Pages.Get(house.Pages.Links.Status(order))).Page.QuerySelectorAll("a[href*=invoice], a[href*=credit_note]").Length;
        (await Documents(before)).ShouldBe(0);
        (await Documents(since)).ShouldBe(2);
        (await house.Store.Of(before.Id, default)).ShouldBeEmpty();
        // Given up for now: the invoice is still owed, and is written when it is asked for.
        await house.HoldBack();
        var owed = await house.Paid();
        await house.Do($"update deliveries set state = 2 where order_id = {owed.Id.Value}");
        (await Documents(owed)).ShouldBe(1);
        (await house.Issuer.Invoice(owed.Id, default))!.Total.ShouldBe(owed.Amount);
    }

    /// <summary>The two events may be told at the same time, the first by a node that was held up with an old picture of the refund.</summary>
    [Fact]
    public async Task A_refund_that_fails_while_its_credit_note_is_written_has_none_that_counts()
    {
        var order = await house.Paid();
        await house.NoneWait();
        var issuer = house.Issuer;
        await using var held = await house.Database.OpenConnectionAsync();
        await using var transaction = await held.BeginTransactionAsync();
        await using (var hold = new NpgsqlCommand("select from invoices where order_id = $1 for update", held) { Parameters = { new NpgsqlParameter<long> { TypedValue = order.Id.Value } } })
            await hold.ExecuteNonQueryAsync();
        await house.HoldBack();
        order = await house.Refund(order);
        var late = issuer.CreditNote(order.Id, 1, default);
        await Until.True(async () => await house.Count("select count(*) from pg_stat_activity where wait_event_type = 'Lock' and query like '%invoices%'") > 0, "the credit note to wait for the invoice");
        await house.Hear(order, 1, new RefundEvidence.Failed("account closed"));
        (await issuer.CreditNote(order.Id, 1, default)).ShouldBeNull();
        await transaction.CommitAsync();
        (await late).ShouldBeNull();
        (await house.Store.Of(order.Id, default)).Count(i => i.VoidedAt is null).ShouldBe(1);
    }

    [Fact]
    public async Task Denied_money_credits_its_invoice_whole_until_it_comes_after_all()
    {
        var placed = await house.Pages.Place(49_900, policy: new OrderPolicy(Late: LatePolicy.Accept), lines: [new OrderLine("Darjeeling", 1, 33_333, null, "0902", new Purser.Invoices.TaxRate(500)), new OrderLine("Kettle", 1, 16_567)]);
        var order = await house.Pages.Pay(await house.Pages.Open(placed));
        await house.NoneWait();
        await house.Deny(order);
        for (var told = 0; told < 2; told++)
        {
            await house.NoneWait();
            var found = await house.Store.Of(order.Id, default);
            found.Select(i => (i.Kind, i.Refund, IsVoid: i.VoidedAt is not null)).ShouldBe([(InvoiceKind.Invoice, null, false), (InvoiceKind.CreditNote, null, false)]);
            found[1].Total.ShouldBe(order.Amount);
            found[1].Document.Credit!.ShouldSatisfyAllConditions(c => c.Refund.ShouldBeNull(), c => c.Invoice.ShouldBe(found[0].Number));
            found[1].Document.Lines.Select(l => (l.Net, string.Join(' ', l.Taxes))).ShouldBe(found[0].Document.Lines.Select(l => (l.Net, string.Join(' ', l.Taxes))));
            found.Select(i => i.CreditedBy).ShouldBe([found[1].Number, null]);
            await house.NothingIsWrong();
            await house.Do("update deliveries set state = 0, due_at = now(), leased_until = null");
        }
        // The shopper has both, and sees which one counts.
        var number = (await house.Store.Of(order.Id, default))[1].Number;
        var page = (await house.Pages.Get(house.Pages.Links.Status(order))).Page;
        foreach (var (path, name) in new[] { ("invoice", "INV-"), ("credit_note", number) })
        {
            var link = page.QuerySelector($"a[href*='/v1/orders/{order.Id}/{path}?token=']").ShouldNotBeNull().GetAttribute("href")!;
            using var answer = await house.Pages.Http.GetAsync(link);
            (answer.StatusCode, answer.Content.Headers.ContentType!.MediaType).ShouldBe((System.Net.HttpStatusCode.OK, "application/pdf"));
            answer.Content.Headers.ContentDisposition!.FileName!.ShouldContain(name);
        }

        order = await house.Pages.Hear(order, new Evidence.Succeeded(order.Payments[0].Captures[0].MoneyReference, order.Amount), source: EvidenceSource.Inquiry);
        order.Status.ShouldBe(OrderStatus.Paid);
        await house.NoneWait();
        (await house.Store.Of(order.Id, default)).Select(i => (i.Kind, IsVoid: i.VoidedAt is not null)).ShouldBe([(InvoiceKind.Invoice, false), (InvoiceKind.CreditNote, true)]);
        (await house.Store.Of(order.Id, default))[0].CreditedBy.ShouldBeNull();
        page = (await house.Pages.Get(house.Pages.Links.Status(order))).Page;
        page.QuerySelector($"a[href*='/credit_note']").ShouldBeNull();
        using var none = await house.Pages.Http.GetAsync(house.Pages.Links.CreditNote(order));
        none.StatusCode.ShouldBe(System.Net.HttpStatusCode.NotFound);
        await house.NothingIsWrong();
    }

    [Fact]
    public async Task An_invoice_that_cannot_be_written_is_a_failure_that_is_seen_and_keeps_no_other_back()
    {
        await house.HoldBack();
        var (torn, whole) = (await house.Paid(), await house.Paid());
        await house.Do($"update orders set amount = amount + 1 where id = {torn.Id.Value}");
        await house.GoOn();
        await Until.True(async () => await house.Count("select count(*) from deliveries where failures > 0 and outcome like 'A fault of ours, InvalidOperationException%'") == 1, "the failure to be counted");
        await Until.True(async () => (await house.Store.Of(whole.Id, default)).Count == 1, "the other invoice");
        (await house.Store.Of(torn.Id, default)).ShouldBeEmpty();
    }

    [Fact]
    public async Task Money_that_was_denied_before_its_invoice_was_written_has_none()
    {
        await house.HoldBack();
        var order = await house.Paid();
        await house.Deny(order);
        await house.GoOn();
        await house.NoneWait();
        (await house.Store.Of(order.Id, default)).ShouldBeEmpty();
        await house.NothingIsWrong();
    }

    [Fact]
    public async Task Money_that_the_order_did_not_want_has_neither_invoice_nor_credit_note()
    {
        var order = await house.Pages.Place(policy: new OrderPolicy(AllowsSecondLink: true));
        await house.Pages.Open(order);
        await house.Pages.Start(order, "stripe");
        await house.Pages.Hear(order, new Evidence.LinkOpened(new Purser.Payments.PaymentLink.Redirect("https://gateway.example/2"), order.Amount) { GatewayReference = "l2" }, 2);
        await house.Pages.Pay(order, payment: 1);
        order = await house.Pages.Pay(order, payment: 2);
        await house.Hear(order, 1, new RefundEvidence.Succeeded(order.Amount, null));
        await house.NoneWait();
        (await house.Store.Of(order.Id, default)).ShouldHaveSingleItem().Payment.ShouldBe(1);
        (await house.Count("select count(*) from deliveries d join webhook_endpoints e on e.number = d.receiver where e.kind = 3 and d.outcome like 'No invoice:%'")).ShouldBe(1);
        await house.NothingIsWrong();
    }

    [Fact]
    public async Task What_went_back_before_its_money_was_the_orders_has_its_credit_note_once_the_order_is_paid()
    {
        var order = await house.Pages.Open(await house.Pages.Place());
        order = await house.Pages.Pay(order, amount: 40_000);
        var money = order.Payments[0].Captures.ShouldHaveSingleItem().MoneyReference;
        order = await house.Pages.Do(order.Id, new OrderCommand.Refund(1, null, null, money));
        order = await house.Hear(order, 1, new RefundEvidence.Succeeded(order.Refunds[0].Amount, "ARN-1"));
        await house.NoneWait();
        (await house.Store.Of(order.Id, default)).ShouldBeEmpty();

        order = await house.Pages.Hear(order, new Evidence.Succeeded(money, order.Amount), source: EvidenceSource.Inquiry);
        (order.Status, order.Refunds[0].Reason).ShouldBe((OrderStatus.Paid, RefundReason.Mismatched));
        for (var told = 0; told < 2; told++)
        {
            await house.NoneWait();
            (await house.Store.Of(order.Id, default)).Select(i => (i.Kind, i.Refund, i.Total.MinorUnits)).ShouldBe([(InvoiceKind.Invoice, null, 49_900), (InvoiceKind.CreditNote, 1, 40_000)]);
            await house.Do("update deliveries set state = 0, due_at = now(), leased_until = null");
        }
        (await house.Pages.Get(house.Pages.Links.Status(order))).Page.QuerySelectorAll("a[href*=invoice], a[href*=credit_note]").Length.ShouldBe(2);
        await house.NoneWait();
        await house.NothingIsWrong();
    }

    [Fact]
    public async Task The_buyers_state_decides_which_taxes_are_printed()
    {
        house.Pages.Billing = new Billing("4 Lake Road, Pune 411001", "MH", null);
        var order = await house.Paid();
        await house.NoneWait();
        var document = (await house.Store.Of(order.Id, default)).ShouldHaveSingleItem().Document;
        (document.PlaceOfSupply, document.Buyer.Address).ShouldBe(("27", "4 Lake Road, Pune 411001"));
        document.Taxes.ShouldBe(["igst"]);
    }

    [Theory]
    [InlineData("CA", null)]
    [InlineData(null, "DE123456789")]
    [InlineData("KA", "27AAPFU0939F1ZV")]
    public async Task An_invoice_that_would_have_the_wrong_taxes_for_ever_is_not_written_until_its_buyer_is_put_right(string? state, string? number)
    {
        house.Pages.Billing = new Billing("1 Main Street", state, number);
        var order = await house.Refund(await house.Paid(), 10_000);
        await house.NoneWait();
        (await house.Store.Of(order.Id, default)).ShouldBeEmpty();
        (await house.Count("select count(*) from deliveries where state = 2 and attempts = 1 and outcome like '%customer.%' and outcome not like '%Main Street%'")).ShouldBe(2);
        (await new InvariantStore(house.Database).Waiting(default)).Single(w => w.What.StartsWith("invoices", StringComparison.Ordinal)).Count.ShouldBe(2);
        (await house.Pages.Get(house.Pages.Links.Status(order))).Page.QuerySelector("a[href*=invoice]").ShouldBeNull();

        (await house.Issuer.Invoice(order.Id, new BuyerPart("Asha Rao", "4 Lake Road, Pune 411001", "IN", "MH", null), default))!.Document.Buyer.State.ShouldBe("MH");
        await house.NoneWait();
        var written = await house.Store.Of(order.Id, default);
        written.Select(i => (i.Kind, i.Total.MinorUnits, i.Document.Buyer.State, i.Document.Taxes.Single())).ShouldBe([(InvoiceKind.Invoice, 49_900, "MH", "igst"), (InvoiceKind.CreditNote, 10_000, "MH", "igst")]);
        (await house.Count("select count(*) from deliveries where state = 2")).ShouldBe(0);
        (await house.Pages.Get(house.Pages.Links.Status(order))).Page.QuerySelector("a[href*=invoice]").ShouldNotBeNull();
        await house.NothingIsWrong();
    }

    [Fact]
    public async Task When_connections_break_while_invoices_are_written_all_are_written_later_without_a_gap()
    {
        var (clock, address) = (new PushedClock(), await postgres.CreateDatabase());
        await using var api = await DeliveryHouse.Node(address, clock, InvoiceHouse.Seller);
        // Outside of the server's pool, in which there may be some that were broken.
        await using var aside = new NpgsqlConnection(address + ";Pooling=false");
        await aside.OpenAsync();
        async Task<long> Count(string sql)
        {
            await using var ask = new NpgsqlCommand(sql, aside);
            return (long)(await ask.ExecuteScalarAsync())!;
        }
        var broken = 0L;
        for (var i = 0; i < 12; i++)
        {
            var order = (await api.Order()).Text("id");
            var payment = await api.Post($"/v1/orders/{order}/payments", "{}");
            await api.Tell($"evt_{i}", "captured", payment.Text("reference"), money: $"m_{i}");
            if (i % 4 == 3) broken += await Count("select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and query like '%invoice%'");
        }
        broken.ShouldBeGreaterThan(0);
        await Until.True(async () =>
        {
            clock.Push(TimeSpan.FromMinutes(2));
            return await Count("select count(*) from deliveries where state = 0") == 0;
        }, "all to be written");
        (await Count("select count(*) from invoices")).ShouldBe(12);
        (await Count("select max(place) from invoices")).ShouldBe(12);
    }
}
