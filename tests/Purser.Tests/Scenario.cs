using System.Collections.Immutable;
using Purser.Ledger;
using Purser.Orders;
using Purser.Payments;
using Purser.Refunds;
using Purser.Routing;

namespace Purser.Tests;

/// <summary>Where every story begins.</summary>
static class Given
{
    public static readonly DateTimeOffset Start = new(2026, 3, 1, 10, 0, 0, TimeSpan.Zero);
    public static readonly Currency Inr = Currency.Find("INR");
    public static readonly OrderId Id = new(1_900_000_000_000L << 21);

    /// <summary>Three gateways as different as they come.</summary>
    public static OrderRules Rules { get; } = new()
    {
        Accounts = new Dictionary<string, GatewayTerms>
        {
            ["careful"] = new(CanCancel: true, RepeatsSafely: true, TimeSpan.FromSeconds(10), TimeSpan.FromMinutes(15), TimeSpan.FromDays(10)),
            ["forgetful"] = new(CanCancel: true, RepeatsSafely: false, TimeSpan.FromMinutes(1), TimeSpan.Zero, TimeSpan.FromDays(1)),
            ["stubborn"] = new(CanCancel: false, RepeatsSafely: false, TimeSpan.FromMinutes(5), TimeSpan.Zero, TimeSpan.FromDays(1)),
        },
    };

    /// <summary>The same, with contracts that say what money costs and when it is paid out.</summary>
    public static OrderRules Contracted { get; } = Rules with
    {
        Routing = new RoutingTable([.. new[] { "careful", "forgetful", "stubborn" }.Select(name => new RouteAccount(name, [], [])
        {
            Fees = [new FeeRate(1m)], FeeTaxPercent = 18, SettlesAfterDays = 2,
        })], []),
    };

    public static Money Rupees(long rupees) => new(rupees * 100, Inr);

    /// <summary>An order of 499.00 INR that lives 30 minutes.</summary>
    public static Scenario Order(OrderPolicy? policy = null, OrderRules? rules = null, int minutes = 30) => new Scenario(rules ?? Rules).When(
        new OrderCommand.Create(Id, "cart-17", Rupees(499), "Two books", new Customer("Asha"), policy ?? new OrderPolicy(),
            TimeSpan.FromMinutes(minutes), new OrderContent([], ImmutableSortedDictionary<string, string>.Empty, null, null, [])));
}

/// <summary>One order's story: each step is decided like in the engine, and after each the laws of <see cref="Laws"/> must hold.</summary>
sealed class Scenario(OrderRules rules)
{
    Order? order;
    Decision? last;

    public OrderRules Rules => rules;
    /// <summary>False leaves the laws out, where the same steps are taken many thousand times.</summary>
    public bool Lawful { get; set; } = true;
    public DateTimeOffset Now { get; private set; } = Given.Start;
    public Order Order => order ?? throw new InvalidOperationException("No order was placed.");
    public List<OrderEvent> Events { get; } = [];
    public List<Posting> Postings { get; } = [];
    public List<GatewayCall> Calls { get; } = [];
    public Decision Last => last ?? throw new InvalidOperationException("Nothing was decided.");
    public Payment First => Order.Payments[0];
    public Payment Latest => Order.Payments[^1];

    public Scenario When(OrderInput input)
    {
        var decision = OrderMachine.Decide(order, input, Now, rules);
        Events.AddRange(decision.Events);
        Postings.AddRange(decision.Postings);
        if (Lawful) Laws.Hold(order, input, decision, this);
        Calls.AddRange(decision.Calls);
        (order, last) = (decision.After, decision);
        return this;
    }

    /// <summary>Moves the clock to this long after the order was placed; nothing else happens.</summary>
    public Scenario At(TimeSpan sinceStart)
    {
        Now = Given.Start + sinceStart;
        return this;
    }

    public Scenario Later(TimeSpan by)
    {
        Now += by;
        return this;
    }

    /// <summary>The alarm rings at its time, again and again, until the given time; the gateway says nothing, or what is given.</summary>
    public Scenario Until(TimeSpan sinceStart, Func<GatewayCall, Evidence?>? answer = null)
    {
        var end = Given.Start + sinceStart;
        for (var rings = 0; Order.WakeAt is { } wake && wake <= end; rings++)
        {
            if (rings > 10_000) throw new InvalidOperationException("The alarm never stops.");
            if (wake > Now) Now = wake;
            Tick();
            foreach (var call in Last.Calls)
                if (answer?.Invoke(call) is { } evidence) Hears(evidence, call.Payment, EvidenceSource.Inquiry);
        }
        Now = end;
        return this;
    }

    public Scenario Tick() => When(new OrderInput.Tick());

    public Scenario Pays(string account = "careful") => When(new OrderCommand.StartPayment(account, null));

    /// <summary>Evidence arrives now, about the latest payment unless another is named.</summary>
    /// <param name="source">A webhook; but the end of a link is learned by asking.</param>
    public Scenario Hears(Evidence evidence, int? payment = null, EvidenceSource? source = null) =>
        When(evidence.Learned(payment ?? Order.Payments.Length,
            source ?? (evidence is Evidence.LinkCancelled or Evidence.LinkExpired ? EvidenceSource.Inquiry : EvidenceSource.Webhook), evidence.At == default ? Now : evidence.At, null));

    /// <summary>Evidence about the latest refund unless another is named; 0 and a payment for one without a name of ours.</summary>
    public Scenario Hears(RefundEvidence evidence, int? refund = null, int payment = 0, EvidenceSource? source = null) =>
        When(evidence.Learned(refund ?? Order.Refunds.Length, payment, source ?? (evidence is RefundEvidence.Rejected ? EvidenceSource.Reply : EvidenceSource.Webhook), evidence.At == default ? Now : evidence.At, null));

    public Scenario Refunds(long? rupees = null, int? payment = null) =>
        When(new OrderCommand.Refund(payment, rupees is { } amount ? Given.Rupees(amount) : null, null));

    public Scenario HasLink(string account = "careful") => Pays(account).Hears(Tell.Opened(), source: EvidenceSource.Reply);

    public Scenario Then(OrderStatus status, params PaymentStatus[] payments)
    {
        Order.Status.ShouldBe(status);
        Order.Payments.Select(p => p.Status).ShouldBe(payments);
        return this;
    }

    /// <summary>What the latest step told, in the words of the API.</summary>
    public Scenario Told(params string[] events)
    {
        Last.Events.Select(e => e.Type.Name()).ShouldBe(events);
        return this;
    }

    /// <summary>What the latest step asks of gateways: <c>open 1</c>, <c>inquire 1</c>, <c>cancel 2</c>.</summary>
    public Scenario Asked(params string[] calls)
    {
        Last.Calls.Select(Words).ShouldBe(calls);
        return this;
    }

    public Scenario Refused(Refusal why)
    {
        Last.Reply.ShouldBeOfType<Reply.Refused>().Why.ShouldBe(why);
        return this;
    }

    /// <summary>The caller gets this payment, made before.</summary>
    public Scenario Same(int? payment = null)
    {
        Last.Reply.ShouldBeOfType<Reply.Same>().Payment.ShouldBe(payment);
        return this;
    }

    public Scenario Made(int? payment = null)
    {
        Last.Reply.ShouldBeOfType<Reply.Made>().Payment.ShouldBe(payment);
        return this;
    }

    public Scenario Questions(params string[] questions)
    {
        Order.Questions.Select(q => EventNames.Snake(q.Kind.ToString()) + (q.Amount is { } amount ? $" {amount}" : "")).ShouldBe(questions);
        return this;
    }

    /// <summary>The order's refunds, by amount and status.</summary>
    public Scenario Backs(params string[] refunds)
    {
        Order.Refunds.Select(r => $"{r.Amount} {EventNames.Snake(r.Status.ToString())}").ShouldBe(refunds);
        return this;
    }

    public Scenario HasRefunds(params Money[] amounts)
    {
        Order.Refunds.Select(r => r.Amount).ShouldBe(amounts);
        return this;
    }

    /// <summary>The balance of each account that is not zero: <c>sales -499.00 INR</c>.</summary>
    public Scenario Books(params string[] balances)
    {
        Laws.Balances(Postings).ShouldBe(balances.Order(StringComparer.Ordinal));
        return this;
    }

    public Scenario Check(Action<Scenario> check)
    {
        check(this);
        return this;
    }

    static string Words(GatewayCall call) => call switch
    {
        GatewayCall.OpenLink c => $"open {c.Payment}",
        GatewayCall.Inquire c => $"inquire {c.Payment}",
        GatewayCall.CancelLink c => $"cancel {c.Payment}",
        GatewayCall.Refund c => $"refund {c.Number}",
        GatewayCall.InquireRefund c => $"inquire refund {c.Number}",
        _ => throw new InvalidOperationException("No word for this call."),
    };
}

/// <summary>What gateways tell, in few words.</summary>
static class Tell
{
    public static Evidence Opened(Money? amount = null, string? reference = "link_1") =>
        new Evidence.LinkOpened(new PaymentLink.Redirect("https://pay.example/l/1"), amount) { GatewayReference = reference };

    public static Evidence Succeeded(string money = "money_1", Money? amount = null) =>
        new Evidence.Succeeded(money, amount ?? Given.Rupees(499));

    public static Evidence Processing(string? word = null) => new Evidence.Processing(word);

    public static Evidence Declined { get; } = new Evidence.Declined("insufficient_funds");
    public static Evidence Failed { get; } = new Evidence.Failed("bank_said_no");
    /// <summary>As a webhook tells it: of one link by its name.</summary>
    public static Evidence FailedAt(string link) => Failed with { GatewayReference = link };
    public static Evidence Closed { get; } = new Evidence.LinkCancelled();
    public static Evidence RanOut { get; } = new Evidence.LinkExpired();
    public static Evidence Absent { get; } = new Evidence.Absent();

    public static Evidence Lost(int ask = 1) => new Evidence.AnswerLost(ask, "timed_out");
    public static Evidence MixedUp { get; } = new Evidence.MixedUp("It names link_9, which is of another payment.");
    public static Evidence Refused(int ask = 1) => new Evidence.LinkRefused(ask, "currency_not_enabled");
    public static Evidence NotSent(int ask = 1) => new Evidence.NotSent(ask, "connection_refused");
    public static Evidence Reversed(string money = "money_1", Money? amount = null) => new Evidence.Reversed(money, amount ?? Given.Rupees(499));
    public static Evidence DisputeOpened(Money? amount = null, string name = "dispute_1") => new Evidence.DisputeOpened(name, amount ?? Given.Rupees(499));
    public static Evidence DisputeClosed(bool won, Money? amount = null, string name = "dispute_1") => new Evidence.DisputeClosed(name, amount ?? Given.Rupees(499), won);
    /// <summary>A statement's row took disputed money; without a name it does not say which dispute it is of.</summary>
    public static Evidence Taken(string row, Money? amount = null, string? name = null) =>
        new Evidence.DisputeOpened(name, amount ?? Given.Rupees(499), row) { Source = EvidenceSource.Settlement };
    /// <summary>A statement's row brought disputed money back.</summary>
    public static Evidence BroughtBack(string row, Money? amount = null, string? name = null) =>
        new Evidence.DisputeClosed(name, amount ?? Given.Rupees(499), Won: true, row) { Source = EvidenceSource.Settlement };
}
