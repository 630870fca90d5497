using System.Collections.Immutable;
using System.Net;
using System.Text.Json;
using Purser.Gateways;
using Purser.Orders;
using Purser.Payments;
using Purser.Refunds;
using Purser.Server.Checkout;
using Purser.Server.Explanation;
using Purser.Server.Engine;
using Purser.Server.Tests.Api;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Explanation;

/// <summary>One order's story, decided as in the engine, and its explanation.</summary>
sealed class Story
{
    public static readonly DateTimeOffset Start = new(2026, 3, 1, 10, 0, 0, TimeSpan.Zero);
    static readonly Money Price = new(49900, Currency.Find("INR"));
    static readonly OrderId Id = new(1_900_000_000_000L << 21);
    static readonly OrderRules Rules = new()
    {
        Accounts = new Dictionary<string, GatewayTerms>
        {
            ["cards"] = new(CanCancel: true, RepeatsSafely: true, TimeSpan.FromSeconds(10), TimeSpan.FromMinutes(15), TimeSpan.FromDays(10)),
            ["forms"] = new(CanCancel: false, RepeatsSafely: true, TimeSpan.FromSeconds(10), TimeSpan.Zero, TimeSpan.FromDays(91)),
        },
    };

    readonly List<OrderEvent> events = [];
    readonly List<NewsProof> news = [];

    readonly string account;

    public Story(OrderPolicy? policy = null, string account = "cards")
    {
        this.account = account;
        When(new OrderCommand.Create(
            Id, "cart", Price, "A book", new Customer(), policy ?? new OrderPolicy(), TimeSpan.FromMinutes(30),
            new OrderContent([], ImmutableSortedDictionary<string, string>.Empty, null, null, [])));
    }

    public DateTimeOffset Now { get; private set; } = Start;
    public Order Order { get; private set; } = null!;

    public Story When(OrderInput input)
    {
        if (input is Evidence { Source: EvidenceSource.Webhook, RawKey: { } key }) news.Add(new NewsProof(account, key, "news", Now));
        var decision = OrderMachine.Decide(Order, input, Now, Rules);
        // Through the text that is stored, for that is what an explanation is made of.
        events.AddRange(decision.Events.Select(e => ExplanationStore.Event(e.Order, e.Sequence, e.Type, e.At, EventJson.Data(e))));
        Order = decision.After;
        return this;
    }

    public Story Pay() => When(new OrderCommand.StartPayment(account, null));

    public Story Learn(Evidence evidence, string? webhook = null) =>
        When(evidence.Learned(Order.Payments.Length, webhook is null ? EvidenceSource.Reply : EvidenceSource.Webhook, Now, webhook ?? "call-1"));

    public Story Link() => Learn(new Evidence.LinkOpened(new PaymentLink.Redirect("https://gateway.example/l"), Price) { GatewayReference = "l1" });

    public Story Money(string reference = "m1", long amount = 49900) =>
        Learn(new Evidence.Succeeded(reference, new Money(amount, Price.Currency)), webhook: "news-" + reference);

    public Story After(int minutes)
    {
        Now += TimeSpan.FromMinutes(minutes);
        return this;
    }

    public Story Ring() => When(new OrderInput.Tick());

    public OrderExplanation Explain()
    {
        IReadOnlyList<CallProof> calls = [new CallProof("call-1", "open_link", account, Start)];
        var told = ExplanationText.Of(Order, events, news, calls, Situation.Of(Order, null, Now, a => a, _ => false), Now);
        foreach (var sentence in (IEnumerable<Sentence>)[.. told.Happened, .. told.Stands, .. told.Next, told.Shopper])
        {
            sentence.Text.ShouldEndWith(".");
            sentence.Evidence.ShouldNotBeEmpty(sentence.Text);
            foreach (var proof in sentence.Evidence)
                switch (proof.Kind)
                {
                    case "event": events.ShouldContain(e => e.Id == proof.Key && e.At == proof.At); break;
                    case "gateway_news": news.ShouldContain(n => n.EventId == proof.Key && n.ReceivedAt == proof.At); break;
                    default: calls.ShouldContain(c => c.RawKey == proof.Key); break;
                }
        }
        told.Happened.Count.ShouldBe(events.Count);
        // Whatever still waits for something says for what, and until when.
        if (Order.WakeAt is not null) told.Next.ShouldContain(s => s.At >= Now);
        told.Next.Select(s => s.At).Where(at => at is not null).ShouldBeInOrder();
        return told;
    }
}

public sealed class ExplanationTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    static Story Unresolved() => new Story().Pay().Learn(new Evidence.AnswerLost(1, "timeout"));

    public static TheoryData<string, string, string> Standings => new()
    {
        { "new", "The order waits for a payment to be started.", "Nothing was charged yet." },
        { "starting", "Payment 1 is starting: cards was asked for its link", "Preparing your payment page" },
        { "pending", "Payment 1 is pending: its link is open until 2026-03-01 10:30:00 UTC.", "waiting for you" },
        { "declined", "the last try was declined (no funds)", "You can try again on the same page" },
        { "declined, over, never closed", "handed out no more, but forms does not say that it has ended, so money is watched for; the last try was declined (no funds)", "money that still arrives goes back to you" },
        { "processing", "money is on its way", "Please do not pay again." },
        { "unresolved", "Only evidence ends this, never a timer.", "You will not be charged twice. Please do not pay again." },
        { "held", "1.00 INR came instead of 499.00 INR", "₹1.00 INR arrived, and the order is ₹499.00 INR. Nothing is lost: the shop has been told and will put it right with you. Please do not pay again." },
        { "paid", "The order is paid by payment 1.", "Your payment is complete" },
        { "paid twice", "is to go back to the shopper, for the order has its payment", "Refund of your second payment, ₹499.00 INR: on the way." },
        { "failed", "Payment 1 failed (bank said no).", "You can try again" },
        { "payment cancelled", "Payment 1 is cancelled", "Nothing was charged on it" },
        { "payment expired", "Payment 1 is expired", "We have not received a payment on it" },
        { "closing", "its links are being closed before it expires", "The time to pay is over. " },
        { "expired", "The order is expired: no payment was accepted in its time.", "was not paid in time" },
        { "expired, link open", "its link should be closed", "we keep watching" },
        { "cancelled", "The order is cancelled", "The shop cancelled this order" },
        { "late, refunded", "it came after the order's end", "Refund of ₹499.00 INR: on the way" },
        { "late, accepted", "The order is paid, late, by payment 1", "it still counts" },
        { "late, asked", "A person must look at payment 1: money came after the order's end", "decides whether it counts" },
        { "fulfilled", "The order is paid by payment 1.", "Your payment is complete" },
        { "paid", "The goods wait since 2026-03-01 10:00:00 UTC, when the order was paid.", "Your payment is complete" },
        { "contradicted, asked", "The goods are held: the order is paid, and its money is in doubt.", "Your payment is complete" },
        { "fulfilled, taken back", "The goods went out, and their money is denied, disputed or taken back.", "took the money back" },
        { "contradicted", "has contradicted itself since", "Your payment is complete" },
    };

    static Story Tell(string name) => name switch
    {
        "new" => new Story(),
        "starting" => new Story().Pay(),
        "pending" => new Story().Pay().Link(),
        "declined" => new Story().Pay().Link().Learn(new Evidence.Declined("no funds"), "n1"),
        "declined, over, never closed" => new Story(account: "forms").Pay().Link().Learn(new Evidence.Declined("no funds"), "n1").After(30).Ring().After(3).Ring(),
        "processing" => new Story().Pay().Link().Learn(new Evidence.Processing(), "n1"),
        "unresolved" => Unresolved(),
        "held" => new Story().Pay().Link().Money(amount: 100),
        "paid" => new Story().Pay().Link().Money(),
        "paid twice" => new Story().Pay().Link().Money().Money("m2"),
        "failed" => new Story().Pay().Link().Learn(new Evidence.Failed("bank said no"), "n1"),
        "payment cancelled" => new Story().Pay().Link().Learn(new Evidence.LinkCancelled()),
        "payment expired" => new Story().Pay().Link().Learn(new Evidence.LinkExpired()),
        "closing" => new Story().Pay().Link().After(30).Ring(),
        "expired" => new Story().After(30).Ring(),
        "expired, link open" => new Story().Pay().Link().After(30).Ring().After(3).Ring(),
        "cancelled" => new Story().When(new OrderCommand.Cancel()),
        "late, refunded" => new Story().Pay().Link().When(new OrderCommand.Cancel()).Money(),
        "late, accepted" => new Story(new OrderPolicy(LatePolicy.Accept)).Pay().Link().When(new OrderCommand.Cancel()).Money(),
        "late, asked" => new Story(new OrderPolicy(LatePolicy.Ask)).Pay().Link().When(new OrderCommand.Cancel()).Money(),
        "fulfilled" => new Story().Pay().Link().Money().When(new OrderCommand.Fulfil()),
        "contradicted, asked" => new Story().Pay().Link().Money().Learn(new Evidence.Failed("no"), "n2").When(new Evidence.Failed("no").Learned(1, EvidenceSource.Inquiry, Story.Start, "call-1")),
        "fulfilled, taken back" => Tell("fulfilled").Learn(new Evidence.Reversed("m1", new Money(49900, Currency.Find("INR"))), "n3"),
        "contradicted" => new Story().Pay().Link().Money().Learn(new Evidence.Failed("no"), "n2"),
        _ => throw new ArgumentOutOfRangeException(nameof(name)),
    };

    [Theory]
    [MemberData(nameof(Standings))]
    public void An_order_in_any_standing_is_explained_with_evidence_and_what_comes_next(string name, string stands, string shopper)
    {
        var told = Tell(name).Explain();
        told.Stands.Select(s => s.Text).ShouldContain(text => text.Contains(stands, StringComparison.Ordinal), name);
        told.Shopper.Text.ShouldContain(shopper);
    }

    [Fact]
    public void Every_status_of_order_and_payment_is_told()
    {
        var stories = Standings.Select(row => Tell((string)row[0]).Order).ToList();
        stories.Select(o => o.Status).Distinct().Order().ShouldBe(Enum.GetValues<OrderStatus>());
        stories.SelectMany(o => o.Payments).Select(p => p.Status).Distinct().Order().ShouldBe(Enum.GetValues<PaymentStatus>());
    }

    [Fact]
    public void A_webhook_is_named_as_the_proof_of_what_it_told()
    {
        var paid = Tell("paid").Explain().Happened.Single(s => s.Text.Contains("was accepted", StringComparison.Ordinal));
        paid.Evidence.Select(p => (p.Kind, p.Source)).ShouldBe([("event", "webhook"), ("gateway_news", "cards")]);
    }

    [Fact]
    public void An_open_order_whose_wrong_money_went_back_says_how_the_shopper_can_pay()
    {
        const string Remedy = "cancel it and place a new one";
        var story = Tell("held").When(new OrderCommand.Refund(1, null, null));
        story.Explain().Next.ShouldNotContain(s => s.Text.Contains(Remedy, StringComparison.Ordinal), "the money is still on its way back");
        story.When(new RefundEvidence.Succeeded(new Money(100, Currency.Find("INR"))).Learned(1, 1, EvidenceSource.Webhook, story.Now, null));
        story.Explain().Next.ShouldContain(s => s.Text.Contains(Remedy, StringComparison.Ordinal));
        story.When(new OrderCommand.Cancel()).Explain().Next.ShouldNotContain(s => s.Text.Contains(Remedy, StringComparison.Ordinal));
    }

    [Fact]
    public void What_is_due_already_is_due_now()
    {
        var story = Tell("pending").After(20);
        story.Explain().Next[0].At.ShouldBe(story.Now);
    }

    [Fact]
    public async Task An_order_explains_itself_over_HTTP()
    {
        await using var house = await ApiHouse.Open(await postgres.CreateDatabase());
        house.First.AnswerToLink = _ => new GatewayAnswer.Unknown("The connection broke.");
        var order = await house.Order();
        await house.Post($"/v1/orders/{order.Text("id")}/payments", "{}");
        var told = await house.Get($"/v1/orders/{order.Text("id")}/explanation");
        told.Status.ShouldBe(HttpStatusCode.OK);
        told.Body.GetProperty("happened").EnumerateArray().Select(s => s.GetProperty("text").GetString()!).ShouldContain(t => t.StartsWith("What became of payment 1", StringComparison.Ordinal));
        told.Body.GetProperty("next").EnumerateArray().First().GetProperty("at").ValueKind.ShouldBe(JsonValueKind.String);
        told.Body.GetProperty("shopper").GetProperty("text").GetString()!.ShouldContain("not be charged twice");
        (await house.Get($"/v1/orders/{order.Text("id")}/explanation?token={order.Text("token")}", "")).Problem.ShouldBe("key_missing");
    }
}
