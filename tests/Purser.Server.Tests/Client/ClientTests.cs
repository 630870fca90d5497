using System.Net;
using Purser.Server.Tests.Platform;

namespace Purser.Client.Tests;

public sealed class ClientTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>, IAsyncLifetime
{
    ClientHouse house = null!;

    PurserClient Purser => house.Purser;

    public async Task InitializeAsync() => house = await ClientHouse.Open(await postgres.CreateDatabase(), Server.Tests.Invoices.InvoiceHouse.Seller);

    public async Task DisposeAsync() => await house.DisposeAsync();

    [Fact]
    public async Task An_order_comes_back_as_it_was_placed()
    {
        await Purser.Products.Create(new NewProduct { Id = "tea", Name = "Tea", UnitAmount = new Money(250_00, "INR"), Hsn = "0902", TaxRate = "5" });
        var placed = await Purser.Orders.Place(new NewOrder
        {
            Reference = "cart-1",
            Lines = [NewOrderLine.OfProduct("tea", 2), new NewOrderLine("Gift wrap", 1, new Money(100_00, "INR")) { Hsn = "4819", TaxRate = "12.5" }],
            Customer = new Customer { Name = "Asha Rao", Email = "asha@example.test", Country = "IN", Address = "4 Lake Road, Pune", State = "MH", TaxId = "27AAPFU0939F1ZV" },
            Locale = "hi",
            UserId = "u-7",
            Metadata = new Dictionary<string, string> { ["campaign"] = "spring" },
            ReturnUrl = "https://shop.example/thanks",
            ExpiresIn = TimeSpan.FromMinutes(20),
            Policy = new OrderPolicy { LatePayment = LatePolicy.Accept, DuplicatePayment = DuplicatePolicy.Ask },
        });
        var order = await Purser.Orders.Get(placed.Id);
        (order.Reference, order.Status, order.Amount).ShouldBe(("cart-1", OrderStatus.AwaitingPayment, new Money(600_00, "INR")));
        order.Lines.Select(l => (l.Name, l.Product, l.Quantity, l.UnitAmount, l.Amount)).ShouldBe([
            ("Tea", "tea", 2, new Money(250_00, "INR"), new Money(500_00, "INR")), ("Gift wrap", null, 1, new Money(100_00, "INR"), new Money(100_00, "INR"))]);
        (order.Customer.Name, order.Customer.Country, order.UserId, order.Metadata!["campaign"]).ShouldBe(("Asha Rao", "IN", "u-7", "spring"));
        order.Lines.Select(l => (l.Hsn, l.TaxRate)).ShouldBe([("0902", "5"), ("4819", "12.5")]);
        (order.Customer.Address, order.Customer.State, order.Customer.TaxId).ShouldBe(("4 Lake Road, Pune", "MH", "27AAPFU0939F1ZV"));
        (await house.Api.Get($"/v1/orders/{order.Id}")).Text("locale").ShouldBe("hi");
        order.InvoiceUrl.ShouldBeNull();
        (order.Policy.LatePayment, order.Policy.DuplicatePayment).ShouldBe((LatePolicy.Accept, DuplicatePolicy.Ask));
        (order.ExpiresAt - order.CreatedAt).ShouldBe(TimeSpan.FromMinutes(20));
        (order.Amounts.Outstanding, order.Amounts.Captured).ShouldBe((new Money(600_00, "INR"), new Money(0, "INR")));
        (await Purser.Orders.Find("cart-1"))!.Id.ShouldBe(order.Id);
        (await Purser.Orders.Find("cart-2")).ShouldBeNull();
        using var page = await house.Api.Http.GetAsync(order.StatusUrl);
        page.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_sale_from_the_order_to_the_goods()
    {
        var order = await Purser.Orders.Place(ClientHouse.Book("sale"));
        (await Should.ThrowAsync<PurserProblemException>(() => Purser.Orders.Fulfil(order.Id))).Problem.ShouldBe("order_not_paid");
        var payment = await Purser.Payments.Start(order.Id, gateway: "second");
        (payment.Status, payment.Gateway, payment.Amount, payment.Link!.Kind).ShouldBe((PaymentStatus.Pending, "second", new Money(49_900, "INR"), "redirect"));
        (await Purser.Payments.Cancel(payment.Id)).Id.ShouldBe(payment.Id);
        await Until.True(async () => (await Purser.Payments.Get(payment.Id)).Status == PaymentStatus.Cancelled, "the gateway to close the link");
        payment = await Purser.Payments.Start(order.Id, gateway: "first");
        await house.Api.Tell("e1", "captured", payment.Reference);

        var paid = await Purser.Orders.Get(order.Id);
        (paid.Status, paid.PaidBy, paid.Amounts.Accepted, paid.Payments.Count).ShouldBe((OrderStatus.Paid, payment.Id, new Money(49_900, "INR"), 2));
        using var invoice = await house.Api.Http.GetAsync(paid.InvoiceUrl);
        invoice.Content.Headers.ContentType!.MediaType.ShouldBe("application/pdf");
        (await Purser.Payments.Get(payment.Id)).Captures.Single().Amount.ShouldBe(new Money(49_900, "INR"));
        var first = await Purser.Orders.Fulfil(order.Id);
        first.FulfilledAt.ShouldNotBeNull();
        (await Purser.Orders.Fulfil(order.Id, key: "again")).FulfilledAt.ShouldBe(first.FulfilledAt);
        (await Should.ThrowAsync<PurserProblemException>(() => Purser.Orders.Cancel(order.Id))).Problem.ShouldBe("order_paid");

        var types = new List<string>();
        await foreach (var e in Purser.Orders.Events(order.Id)) types.Add(e.Type);
        types.ShouldBe([EventTypes.OrderCreated, EventTypes.PaymentStarted, EventTypes.PaymentLinkReady, EventTypes.PaymentCancelled, EventTypes.PaymentStarted,
            EventTypes.PaymentLinkReady, EventTypes.PaymentSucceeded, EventTypes.OrderPaid, EventTypes.OrderFulfilled]);
        (await Purser.Orders.Explain(order.Id)).Shopper.Text.ShouldNotBeEmpty();
        (await Purser.Gateways()).Select(g => g.Name).ShouldBe(["first", "second"]);
        (await Purser.Balances()).Accounts.ShouldContain(b => b.Account == "receivable:first" && b.Amount == new Money(49_900, "INR"));
    }

    [Fact]
    public async Task A_cancellation_that_was_answered_with_yes_is_refused_once_late_money_has_paid_the_order()
    {
        var order = await Purser.Orders.Place(ClientHouse.Book("late") with { Policy = new OrderPolicy { LatePayment = LatePolicy.Accept } });
        var payment = await Purser.Payments.Start(order.Id, gateway: "first");
        await Purser.Payments.Cancel(payment.Id);
        house.Wire.Requests.Clear();
        house.Wire.LoseAnswer();
        (await Purser.Orders.Cancel(order.Id)).Status.ShouldBe(OrderStatus.Cancelled);
        house.Wire.Keys.Distinct().ShouldHaveSingleItem("one key for all attempts of a call").ShouldNotBeNull();
        (await Purser.Orders.Cancel(order.Id)).Status.ShouldBe(OrderStatus.Cancelled);
        await house.Api.Tell("e1", "captured", payment.Reference);
        (await Purser.Orders.Get(order.Id)).Status.ShouldBe(OrderStatus.Paid);
        (await Should.ThrowAsync<PurserProblemException>(() => Purser.Orders.Cancel(order.Id))).Problem.ShouldBe("order_paid");
        (await Should.ThrowAsync<PurserProblemException>(() => Purser.Payments.Cancel(payment.Id))).Problem.ShouldBe("payment_succeeded");
    }

    [Fact]
    public async Task The_same_reference_is_the_same_order_and_other_content_is_refused_with_what_to_do()
    {
        var placed = await Purser.Orders.Place(ClientHouse.Book("one"));
        var again = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => house.Other().Orders.Place(ClientHouse.Book("one"))));
        again.ShouldAllBe(o => o.Id == placed.Id);
        var no = await Should.ThrowAsync<PurserProblemException>(() => Purser.Orders.Place(ClientHouse.Book("one", 1)));
        (no.Problem, no.Status, no.Resource).ShouldBe(("reference_taken", 409, placed.Id));
        no.Remedy.ShouldNotBeNullOrEmpty();
        (await house.Api.Count("select count(*) from orders")).ShouldBe(1);
    }

    [Fact]
    public async Task A_field_that_is_wrong_is_named()
    {
        var no = await Should.ThrowAsync<PurserProblemException>(() =>
            Purser.Orders.Place(new NewOrder { Reference = "bad", Lines = [new NewOrderLine("", 0, new Money(100, "INR"))] }));
        (no.Problem, no.Status).ShouldBe(("invalid_fields", 422));
        no.Errors.Select(e => e.Field).ShouldContain("lines[0].quantity");
        no.Field.ShouldBe(no.Errors[0].Field);
        no.Message.ShouldContain(no.Remedy!);
        Should.Throw<ArgumentException>(() => Purser.Orders.Place(new NewOrder { Reference = "two", Lines = [new("A", 1, new(1, "INR")), new("B", 1, new(1, "USD"))] }));
        (await Should.ThrowAsync<PurserProblemException>(() => house.Other(key: "sk_nobody").Gateways())).Problem.ShouldBe("key_unknown");
    }

    [Theory]
    [InlineData("")]
    [InlineData("..")]
    [InlineData(" ")]
    public void What_is_no_id_asks_for_nothing(string id)
    {
        Should.Throw<ArgumentException>(() => Purser.Orders.Get(id));
        house.Wire.Requests.ShouldBeEmpty();
    }

    [Fact]
    public async Task An_id_cannot_lead_elsewhere() =>
        (await Should.ThrowAsync<PurserProblemException>(() => Purser.Orders.Get("../events?limit=1"))).Status.ShouldBe(404);

    [Fact]
    public async Task A_list_goes_through_all_pages()
    {
        for (var i = 0; i < 53; i++) await Purser.Orders.Place(ClientHouse.Book($"l-{i}") with { UserId = i == 0 ? "other" : "lister" });
        var found = new List<string>();
        await foreach (var order in Purser.Orders.List(new OrderFilter { UserId = "lister", Status = OrderStatus.AwaitingPayment })) found.Add(order.Reference!);
        found.ShouldBe(Enumerable.Range(1, 52).Reverse().Select(i => $"l-{i}"));
        house.Wire.Requests.Count(r => r.Method == "GET").ShouldBe(2);
    }

    [Fact]
    public async Task A_product_is_made_changed_and_listed()
    {
        var made = await Purser.Products.Create(new NewProduct { Id = "mug", Name = "Mug", UnitAmount = new Money(1_500, "JPY") });
        var changed = await Purser.Products.Change("mug", new ProductChange { UnitAmountMinorUnits = 1_600, Active = false });
        (made.UnitAmount, changed.UnitAmount, changed.Name).ShouldBe((new Money(1_500, "JPY"), new Money(1_600, "JPY"), "Mug"));
        (await Purser.Products.Get("mug")).Active.ShouldBeFalse();
        var listed = new List<string>();
        await foreach (var product in Purser.Products.List(active: false)) listed.Add(product.Id);
        listed.ShouldBe(["mug"]);
    }

    [Fact]
    public async Task A_product_that_was_changed_since_is_not_taken_for_the_one_that_is_to_be_made()
    {
        var mug = new NewProduct { Id = "mug", Name = "Mug", UnitAmount = new Money(1_500, "JPY"), TaxRate = "18.00" };
        await Purser.Products.Create(mug);
        (await Purser.Products.Create(mug)).UnitAmount.ShouldBe(new Money(1_500, "JPY"));
        await Purser.Products.Change("mug", new ProductChange { UnitAmountMinorUnits = 1_600 });
        var no = await Should.ThrowAsync<PurserProblemException>(() => Purser.Products.Create(mug));
        (no.Problem, no.Field, no.Resource).ShouldBe(("product_exists", "unit_amount", "mug"));
        await Purser.Products.Change("mug", new ProductChange { UnitAmountMinorUnits = 1_500 });
        (await Purser.Products.Create(mug)).UnitAmount.ShouldBe(new Money(1_500, "JPY"));

        var drawn = new NewProduct { Name = "Cup", UnitAmount = new Money(900, "JPY") };
        var cup = await Purser.Products.Create(drawn);
        await Purser.Products.Change(cup.Id, new ProductChange { Active = false });
        (await Should.ThrowAsync<PurserProblemException>(() => Purser.Products.Create(drawn))).ShouldSatisfyAllConditions(n => n.Problem.ShouldBe("product_exists"), n => n.Field.ShouldBe("active"), n => n.Resource.ShouldBe(cup.Id));
        (await house.Api.Count("select count(*) from products")).ShouldBe(2);
    }

    [Fact]
    public async Task A_refund_is_known_by_its_reference()
    {
        var order = await house.Paid("back");
        var refund = await Purser.Refunds.Request(order.Id, new NewRefund { Reference = "r-1", AmountMinorUnits = 100_00, Note = "A cup was broken" });
        (refund.Amount, refund.Order, refund.Reason, refund.Note).ShouldBe((new Money(100_00, "INR"), order.Id, "merchant", "A cup was broken"));
        (await house.Other().Refunds.Request(order.Id, new NewRefund { Reference = "r-1", AmountMinorUnits = 100_00, Note = "A cup was broken" })).Id.ShouldBe(refund.Id);
        (await Should.ThrowAsync<PurserProblemException>(() => Purser.Refunds.Request(order.Id, new NewRefund { Reference = "r-1", AmountMinorUnits = 200_00 })))
            .Problem.ShouldBe("idempotency_key_reused");
        (await Purser.Refunds.Request(order.Id, new NewRefund { Reference = "r-2", AmountMinorUnits = 100_00, Note = "A cup was broken" })).Id.ShouldNotBe(refund.Id);
        (await Purser.Refunds.Get(refund.Id)).Payment.ShouldBe(order.PaidBy);
    }

    [Fact]
    public async Task Watching_goes_through_an_outage_without_a_gap()
    {
        var order = await Purser.Orders.Place(ClientHouse.Book("watched"));
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(5));
        var changes = new List<OrderChange>();
        var watching = Task.Run(async () =>
        {
            await foreach (var change in Purser.Watch(order.Id, stop: patience.Token))
            {
                lock (changes) changes.Add(change);
                if (change.Status == OrderStatus.Paid) break;
            }
        });
        await Until.True(() => Count(changes) == 1, "the first standing");
        var payment = await house.Other().Payments.Start(order.Id);
        await Until.True(() => Count(changes) > 1, "the payment to be seen");
        house.Wire.Down = true;
        await house.Api.Tell("e1", "captured", payment.Reference);
        await Until.True(() => house.Wire.Requests.Count(r => r.Path.EndsWith("/live", StringComparison.Ordinal)) > 8, "some questions in vain");
        house.Wire.Down = false;
        await watching;
        changes.SelectMany(c => c.Events).Select(e => e.Sequence).ShouldBe(Enumerable.Range(1, changes[^1].Sequence));
        changes[^1].Payment.ShouldBe(new LivePayment(payment.Id, PaymentStatus.Succeeded));
        changes[0].Events.Single().Type.ShouldBe(EventTypes.OrderCreated);
        (await Should.ThrowAsync<PurserProblemException>(async () => await Purser.Watch("ord_0000000000000").GetAsyncEnumerator().MoveNextAsync())).Problem.ShouldBe("order_unknown");
    }

    [Fact]
    public async Task Watching_an_order_that_a_backup_set_back_begins_anew()
    {
        var order = await Purser.Orders.Place(ClientHouse.Book("set back"));
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(5));
        await using var changes = Purser.Watch(order.Id, after: 99, patience.Token).GetAsyncEnumerator(patience.Token);
        (await changes.MoveNextAsync()).ShouldBeTrue();
        (changes.Current.Rewound, changes.Current.Sequence, changes.Current.Events.Single().Type).ShouldBe((true, 1, EventTypes.OrderCreated));
        await house.Other().Payments.Start(order.Id);
        (await changes.MoveNextAsync()).ShouldBeTrue();
        (changes.Current.Rewound, changes.Current.Events[0].Sequence).ShouldBe((false, 2));
    }

    static int Count(List<OrderChange> changes)
    {
        lock (changes) return changes.Count;
    }

    [Fact]
    public async Task The_feed_goes_on_where_it_was_left()
    {
        var first = await house.Paid("f1");
        var events = new List<PurserEvent>();
        // The feed ends where an event of a commit under way may come in between, of whatever the server does beside: so it is read until all are there.
        await Until.True(async () =>
        {
            events.Clear();
            await foreach (var e in Purser.Events.Read()) events.Add(e);
            return events.Count >= 5;
        }, "the events to stand in the feed");
        events.Select(e => e.Sequence).ShouldBe([1, 2, 3, 4, 5]);
        events[^1].Data.Order.ShouldBe(new EventOrder(first.Id, OrderStatus.Paid, PaidBy: first.PaidBy));
        var captured = events.Single(e => e.Type == EventTypes.PaymentSucceeded).Data;
        (captured.Amount, captured.Payment!.Status, captured.Source).ShouldBe((new Money(49_900, "INR"), PaymentStatus.Succeeded, "webhook"));

        var kept = (await Purser.Events.Page(limit: 3)).Next;
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(5));
        var second = await house.Other().Orders.Place(ClientHouse.Book("f2"));
        house.Wire.LoseAnswer().Answer(HttpStatusCode.BadGateway);
        var heard = new List<string>();
        await foreach (var page in Purser.Events.Follow(kept, stop: patience.Token))
        {
            page.Events.ShouldNotBeEmpty();
            heard.AddRange(page.Events.Select(e => $"{e.Data.Order!.Id} {e.Type}"));
            if (heard.Count >= 4) break;
            await house.Other().Orders.Place(ClientHouse.Book("f3"));
        }
        var third = (await Purser.Orders.Find("f3"))!;
        heard.ShouldBe([$"{first.Id} payment.succeeded", $"{first.Id} order.paid", $"{second.Id} order.created", $"{third.Id} order.created"]);
    }
}
