using Purser.Invoices;
using Purser.Orders;
using Purser.Payments;
using Purser.Server.Doctor;
using Purser.Server.Engine;
using Purser.Server.Invoices;
using Purser.Server.Tests.Engine;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Doctor;

/// <summary>A doctor who finds nothing wrong with the sick is no doctor: a healthy database of every kind of order is made sick in one way at a time,
/// and the rule that is meant for it must speak.</summary>
public sealed class InvariantTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    const string Credited = "What went back of invoiced money has its credit note, or waits for it, and no more was credited than invoiced";

    const string Told = "What happened in the last day has a delivery for every endpoint that asks for it";

    static readonly (string Rule, string Sickness)[] Sick =
    [
        ("A reference names one order", "drop index orders_reference; update orders set reference = 'twice'"),
        ("Payments are numbered 1..n within their order", "update payments set number = number + 5"),
        ("A payment belongs to an order", "delete from orders where paid_by is not null"),
        ("An order has at most one accepted payment", "update payments set captures = replace(captures, '\"standing\":1', '\"standing\":0')"),
        ("An order is paid exactly when one payment is accepted", "update orders set status = 2, paid_by = null where status = 1"),
        ("An order is paid exactly when one payment is accepted", "update payments set captures = replace(captures, '\"standing\":0', '\"standing\":2')"),
        ("Every other money is being given back or an open question", "delete from refunds"),
        ("Every other money is being given back or an open question", "update refunds set status = 4"),
        ("Every other money is being given back or an open question", "delete from discrepancies where kind = 3"),
        ("Every other money is being given back or an open question", "update discrepancies set resolved_at = opened_at, resolution = 'forgotten' where kind = 3"),
        ("Every other money is being given back or an open question", "update discrepancies set resolved_at = opened_at, resolution = 'forgotten' where kind = 0"),
        ("Every other money is being given back or an open question", "update discrepancies set money_reference = 'another' where kind = 3"),
        ("Refunds not failed never exceed the money that they give back", "update refunds set amount = amount + 1"),
        ("Refunds not failed never exceed the money that they give back", "update refunds set money_reference = 'another'"),
        ("Refunds not failed never exceed the money that they give back", "update refunds set currency = 'JPY'"),
        ("Refunds not failed never exceed the money that they give back", "insert into refunds (order_id, number, payment, money_reference, amount, currency, reason, status, requested_at) select order_id, number + 1, payment, money_reference, 1, currency, reason, 0, requested_at from refunds"),
        ("No success without the order's exact amount and currency", "update payments set amount = amount + 1"),
        ("No success without authenticated evidence that is kept", "delete from gateway_news"),
        ("Events are numbered 1..n and end where their order stands", "delete from events where sequence = 2"),
        ("Events are numbered 1..n and end where their order stands", "update orders set sequence = sequence + 1"),
        ("Events are numbered 1..n and end where their order stands", "update orders set status = 2 where status = 3"),
        ("Events end where their payments stand", "update payments set status = 6 where status = 5"),
        ("Events end where their payments stand", "update payments set status = 5 where status = 4"),
        ("Events end where their payments stand", "update payments set account = 'other'"),
        ("Events end where their payments stand", "insert into payments select (jsonb_populate_record(p, '{\"number\": 2, \"gateway_reference\": null}')).* from payments p where status = 4"),
        ("Events tell of all money, and of no other", "update payments set captures = null where captures is not null"),
        ("Events tell of all money, and of no other", "update payments set captures = replace(captures, '49900', '49901')"),
        ("Events tell of all money, and of no other", "update payments set captures = replace(captures, 'm_', 'x_')"),
        ("Events tell of all money, and of no other", "update refunds set amount = amount - 1"),
        ("Events tell of every question, and its answer", "delete from discrepancies where kind = 3"),
        ("Events tell of every question, and its answer", "update discrepancies set resolved_at = opened_at, resolution = 'forgotten'"),
        ("Postings of every event sum to zero per currency", "delete from postings where line = 1"),
        ("Postings of every row of a statement sum to zero per currency", "insert into settlement_postings (account, row_key, line, ledger_account, amount, currency, file, posted_at) values ('shop', 'a', 1, 'fees', 5, 'INR', 1, now()), ('shop', 'b', 1, 'fees', -5, 'INR', 1, now())"),
        ("What was captured is what the books took in", "update orders set captured = captured + 1"),
        ("What went back by the books is what refunds gave back", "update refunds set status = 3"),
        (Told, "delete from deliveries where receiver = (select number from webhook_endpoints where id = 'all') and sequence = 2"),
        (Told, "delete from deliveries where receiver = (select number from webhook_endpoints where id = 'paid')"),
        ("Invoices and credit notes are numbered 1..n within their series", "update invoices set place = place + 1"),
        ("Invoices and credit notes are numbered 1..n within their series", "update invoice_series set last = last + 1"),
        ("Invoices and credit notes are numbered 1..n within their series", "delete from invoice_series"),
        ("Invoices and credit notes are numbered 1..n within their series", "update invoice_series set skipped = skipped + 1"),
        ("An invoice is of the accepted payment, and of its amount to the minor unit", "update invoices set total = total - 1"),
        ("An invoice is of the accepted payment, and of its amount to the minor unit", "update invoices set payment = 2"),
        ("An invoice is of the accepted payment, and of its amount to the minor unit", "update invoices set document = replace(document, '\"net\":42288', '\"net\":42287')"),
        ("What was paid since there is a seller has its invoice, or waits for it", "update invoices set order_id = order_id + 1"),
        ("An invoice counts while its order is paid, and is credited whole when the order was cancelled for denied money", "insert into invoices (series, place, number, kind, order_id, payment, currency, total, issued_at, document) select 'CRN', 1, 'CRN-1', 1, order_id, payment, currency, total, issued_at, document from invoices"),
        (Credited, "insert into refunds (order_id, number, payment, money_reference, amount, currency, reason, status, requested_at) select i.order_id, 1, i.payment, c->>'reference', 1, 'INR', 2, 3, now() from invoices i join payments p on p.order_id = i.order_id, jsonb_array_elements(p.captures::jsonb) c"),
        (Credited, "insert into invoices (series, place, number, kind, order_id, payment, refund, currency, total, issued_at, document) select 'CRN', 1, 'CRN-1', 1, order_id, payment, 1, currency, total + 1, issued_at, document from invoices"),
        ("What is open has an alarm that rings", "update orders set wake_at = null where status <> 0"),
        ("What is open has an alarm that rings", "update orders set wake_at = wake_at - interval '1 day' where wake_at is not null"),
        ("What is open has an alarm that rings", "update payments set look_at = look_at - interval '1 day' where look_at is not null"),
        ("What is open has an alarm that rings", "update refunds set look_at = now() - interval '1 hour'"),
        ("What is open has an alarm that rings", "update orders set expires_at = expires_at - interval '1 day' where status = 0"),
    ];

    public static IEnumerable<object[]> Cases => Sick.Select(s => (object[])[s.Rule, s.Sickness]);

    [Fact]
    public void Every_rule_is_seen_to_speak() => Sick.Select(s => s.Rule).Distinct().ShouldBe(InvariantStore.All.Select(i => i.Name), ignoreOrder: true);

    [Fact]
    public async Task A_healthy_database_has_no_finding()
    {
        await using var world = await Healthy(await postgres.CreateDatabase());
        foreach (var status in new[] { "awaiting_payment", "paid", "cancelled" })
            (await world.Ask<long>("select count(*) from events where sequence > 3 and data::jsonb->'order'->>'status' = $1", status)).ShouldBeGreaterThan(0, status);
        (await world.Ask<long>("select count(*) from orders where status <> 0 and wake_at is not null")).ShouldBeGreaterThan(0);
        (await world.Ask<long>("select count(*) from refunds")).ShouldBe(2);
        (await world.Ask<long>("select count(*) from deliveries d join webhook_endpoints e on e.number = d.receiver where e.id = 'all'")).ShouldBe(await world.Ask<long>("select count(*) from events"));
        // One that is added, or asks for more, now has nothing of what was before.
        await using (var later = world.Database.CreateCommand("""
            insert into webhook_endpoints (id, url, ordered, created_at, updated_at) values ('later', 'https://shop.example', true, now(), now());
            update webhook_endpoints set types = null, updated_at = now() where id = 'paid'
            """)) await later.ExecuteNonQueryAsync();
        (await world.Ask<long>("select count(*) from discrepancies where resolved_at is null")).ShouldBe(2);
        (await new InvariantStore(world.Database).Check(default)).Where(f => f.Count > 0).ShouldBeEmpty();
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task A_sick_database_is_found(string rule, string sickness)
    {
        await using var world = await Healthy(await postgres.CreateDatabase());
        await using (var harm = world.Database.CreateCommand(sickness)) (await harm.ExecuteNonQueryAsync()).ShouldBeGreaterThan(0);
        var found = (await new InvariantStore(world.Database).Check(default)).Where(f => f.Count > 0).ToList();
        found.Select(f => f.Name).ShouldContain(rule);
        found.First(f => f.Name == rule).Examples.ShouldNotBeEmpty();
    }

    /// <summary>Paid; paid twice, once to be given back and once to be asked about; paid late; paid too little; and paid while another link is open.</summary>
    internal static async Task<EngineWorld> Healthy(string connectionString)
    {
        var world = await EngineWorld.Create(connectionString);
        // One hears of all, one of what it asked for, and one has gone.
        await using (var endpoints = world.Database.CreateCommand($$"""
            insert into webhook_endpoints (id, url, types, ordered, status, created_at, updated_at)
            select id, 'https://shop.example', types::smallint[], true, status, now() - interval '2 hours', now() - interval '1 hour'
            from (values ('all', null, 0), ('paid', '{{{(int)EventType.OrderPaid}}}', 1), ('gone', null, 2)) e (id, types, status)
            """)) await endpoints.ExecuteNonQueryAsync();
        await Pay(world, await Linked(world, new OrderPolicy()), 1);

        foreach (var duplicate in new[] { DuplicatePolicy.Refund, DuplicatePolicy.Ask })
        {
            var twice = await Linked(world, new OrderPolicy(Duplicate: duplicate, AllowsSecondLink: true));
            await Open(world, twice, 2);
            await Pay(world, twice, 1);
            await Pay(world, twice, 2);
        }

        var late = await Linked(world, new OrderPolicy());
        await world.Do(late, new OrderCommand.Cancel());
        await world.Do(late, new Evidence.LinkCancelled().Learned(1, EvidenceSource.Reply, DateTimeOffset.UnixEpoch, "k"));
        await Pay(world, late, 1);

        await Pay(world, await Linked(world, new OrderPolicy()), 1, 49800);

        var settled = await Linked(world, new OrderPolicy());
        await Pay(world, settled, 1);
        await world.Do(settled, new Evidence.Settled($"m_{settled.Letters}_1", new Settled("row_1", Paise(49900), Paise(48722), Paise(998), Paise(180), new DateOnly(2026, 3, 2), "utr_1"), PaidOut: true)
            .Learned(1, EvidenceSource.Settlement, DateTimeOffset.UnixEpoch, "stl_1:1"));

        await Invoice(world, settled);

        var open = await Linked(world, new OrderPolicy(AllowsSecondLink: true));
        await Open(world, open, 2);
        await Pay(world, open, 1);
        return world;
    }

    /// <summary>As it is written once the event was told.</summary>
    static async Task Invoice(EngineWorld world, OrderId id)
    {
        var (store, now) = (new InvoiceStore(world.Database), TimeProvider.System.GetUtcNow());
        await store.Keep(true, now, default);
        await using (var tell = world.Database.CreateCommand($"""
            insert into deliveries (order_id, sequence, receiver, at, state, due_at, ended_at)
            select v.order_id, v.sequence, e.number, v.at, 1, v.at, v.at from events v, webhook_endpoints e where e.id = 'invoices' and v.order_id = {id.Value} and v.type = {(int)EventType.OrderPaid}
            """)) await tell.ExecuteNonQueryAsync();
        var taxed = Taxation.Of(Currency.Find("INR"), [Tax.Vat], [new PricedLine("A book", 1, 49900, null, new TaxRate(1800))]);
        await store.Add(new NewInvoice(InvoiceKind.Invoice, "INV", id, 1, null, Paise(49900), new InvoiceDocument(1, "en", "UTC", new SellerPart("S", "A", "IN", null, null),
            new BuyerPart(null, null, null, null, null), null, now.UtcDateTime, null, ["vat"], "VAT", null, InvoiceDocument.Parts(taxed), null, "https://pay.example")), now, default);
    }

    static Money Paise(long units) => new(units, Currency.Find("INR"));

    static async Task<OrderId> Linked(EngineWorld world, OrderPolicy policy)
    {
        var id = world.NewId();
        await world.Do(id, EngineWorld.Order(id) with { Policy = policy });
        await Open(world, id, 1);
        return id;
    }

    /// <summary>A second link is only ever opened at another account.</summary>
    static string Account(int number) => number == 1 ? "cards" : "wallets";

    static async Task Open(EngineWorld world, OrderId id, int number)
    {
        await world.Do(id, new OrderCommand.StartPayment(Account(number), null));
        await world.Do(id, new Evidence.LinkOpened(new PaymentLink.Redirect($"https://gateway.test/l/{number}"), null) { GatewayReference = $"l_{id.Letters}_{number}" }
            .Learned(number, EvidenceSource.Reply, DateTimeOffset.UnixEpoch, "k"));
    }

    static async Task Pay(EngineWorld world, OrderId id, int number, long amount = 49900)
    {
        var name = $"{id.Letters}_{number}";
        (await world.Engine.Submit(new EngineInput(id,
            [new Evidence.Succeeded("m_" + name, new Money(amount, Currency.Find("INR")), "card").Learned(number, EvidenceSource.Webhook, DateTimeOffset.UnixEpoch, "evt_" + name)],
            new GatewayNews(Account(number), "evt_" + name, "paid", number, "{}", "raw"u8.ToArray())), default)).ShouldBeOfType<EngineReply.Done>();
    }
}
