using FsCheck;
using FsCheck.Fluent;
using Purser.Orders;
using Purser.Payments;
using Purser.Refunds;

namespace Purser.Tests.Orders;

/// <summary>The laws of <see cref="Laws"/> on stories drawn at chance, and proof that each law can be broken.</summary>
public sealed class LawTests
{
    [Fact]
    public void A_story_that_falls_silent_comes_to_rest_or_still_has_an_open_payment_to_ask_about() => Prop.ForAll(AnyWalk.Walks, walk =>
    {
        var story = walk.Told();
        story.Until(story.Now - Given.Start + TimeSpan.FromDays(8));
        story.Order.HasEnded.ShouldBeTrue();
        // Without an answer only what may still take money, was contradicted, is in no statement, was under way when its payment ended or was asked about in vain keeps the alarm set; and then hourly at most.
        if (story.Order.WakeAt is not null)
            (story.Order.Payments.Any(p => p.IsOpen || p.HasMoneyUnderWay || p.Contradicted || p.HeardAt is not null) || story.Order.Refunds.Any(r => r.IsOpen || r.HeardAt is not null) || story.Order.Questions.Any(q => q.Kind == DiscrepancyKind.NotSettled)).ShouldBeTrue();
    }).Check(Chance.Stories(80));

    [Fact]
    public void Any_story_keeps_every_law_and_stories_reach_every_status_and_every_kind_of_event()
    {
        var payments = new HashSet<PaymentStatus>();
        var orders = new HashSet<OrderStatus>();
        var events = new HashSet<EventType>();
        var refunds = new HashSet<RefundStatus>();
        var questions = new HashSet<DiscrepancyKind>();
        var denied = 0;
        bool IsAll() => payments.Count == Enum.GetValues<PaymentStatus>().Length && orders.Count == Enum.GetValues<OrderStatus>().Length && events.Count == Enum.GetValues<EventType>().Length
            && refunds.Count == Enum.GetValues<RefundStatus>().Length && questions.Count == Enum.GetValues<DiscrepancyKind>().Length && denied > 5;
        // Chance may leave something seldom out of one lot of stories, and does not out of five.
        for (var lot = 0; lot < 5 && !IsAll(); lot++) Prop.ForAll(AnyWalk.Walks, walk =>
        {
            var story = Given.Order(walk.Policy, Given.Contracted);
            foreach (var step in walk.Steps)
            {
                step.Do(story);
                payments.UnionWith(story.Order.Payments.Select(p => p.Status));
                orders.Add(story.Order.Status);
                refunds.UnionWith(story.Order.Refunds.Select(r => r.Status));
                questions.UnionWith(story.Order.Questions.Select(q => q.Kind));
            }
            events.UnionWith(story.Events.Select(e => e.Type));
            denied += story.Events.Count(e => e is { Type: EventType.PaymentFailed, MoneyReference: not null });
        }).Check(Chance.Stories(12_000, lot));
        payments.ShouldBe(Enum.GetValues<PaymentStatus>(), ignoreOrder: true);
        orders.ShouldBe(Enum.GetValues<OrderStatus>(), ignoreOrder: true);
        events.ShouldBe(Enum.GetValues<EventType>(), ignoreOrder: true);
        refunds.ShouldBe(Enum.GetValues<RefundStatus>(), ignoreOrder: true);
        questions.ShouldBe(Enum.GetValues<DiscrepancyKind>(), ignoreOrder: true);
        denied.ShouldBeGreaterThan(5);
    }

    [Fact]
    public void Any_story_about_the_money_of_one_payment_keeps_every_law() => Prop.ForAll(AnyWalk.MoneyWalks, walk => { walk.Told(); }).Check(Chance.Stories(10_000));

    /// <summary>A law that was never seen broken protects nothing: each decision here is spoilt in one way, and the law must say so.</summary>
    [Theory]
    [MemberData(nameof(Spoilt))]
    public void A_spoilt_decision_breaks_its_law(string law, Func<Decision, Decision> spoil)
    {
        var story = Given.Order().HasLink();
        var before = story.Order;
        var input = Tell.Succeeded().Learned(1, EvidenceSource.Webhook, story.Now, null);
        var decision = spoil(OrderMachine.Decide(before, input, story.Now, story.Rules));
        story.Events.AddRange(decision.Events);
        story.Postings.AddRange(decision.Postings);
        Should.Throw<InvalidOperationException>(() => Laws.Hold(before, input, decision, story)).Message.ShouldContain(law);
    }

    public static TheoryData<string, Func<Decision, Decision>> Spoilt() => new()
    {
        { "numbered without a gap", d => d with { Events = [.. d.Events.Skip(1)] } },
        { "knows its latest event", d => d with { After = d.After with { Sequence = 99 } } },
        { "fold to the row", d => d with { After = d.After with { Late = true } } },
        { "sum to zero", d => d with { Postings = [.. d.Postings.Skip(1)] } },
        { "exact amount", d => d with { After = d.After with { Amount = Given.Rupees(1) } } },
        { "accepted, refunded or asked about", Nowhere },
        { "an open refund has an alarm", d => Refunded(d, r => r with { LookAt = null }) },
        { "a refund that fails is told to a person", Unheard },
        { "refunds never exceed", d => Refunded(d, r => r with { Amount = Given.Rupees(500) }) },
        { "the books have each thing once", d => d with { Postings = [.. d.Postings, .. d.Postings] } },
        { "the books have each thing once", d => d with { Postings = [.. d.Postings.Select(p => p.Account == "sales" ? p with { Account = "nowhere" } : p)] } },
        { "is not kept as the gateway's own", d => Refunded(With(d, p => p with { OutsideRefunds = [new OutsideRefund("N", Given.Rupees(499), "row_n")] }), r => r with { RefundReference = "N" }) },
        { "suspense holds what is asked about", d => d with { Postings = [.. d.Postings.Select(p => p.Account == "sales" ? p with { Account = "suspense" } : p)] } },
        { "paid by its accepted", d => d with { After = d.After with { Status = OrderStatus.AwaitingPayment, PaidBy = null } } },
        { "names its accepted payment", d => d with { After = d.After with { PaidBy = 2 } } },
        { "at most one payment", Twice },
        { "paid by its accepted", Unaccepted },
    };

    /// <summary>A second sum goes back, and a person has answered that it need not.</summary>
    static Decision Nowhere(Decision d) => Refunded(With(d, p => p with
    {
        Captures = [.. p.Captures, p.Captures[0] with { MoneyReference = "money_2", Standing = Standing.Duplicate }],
        Answers = [new Answered(DiscrepancyKind.Duplicate, "money_2")],
    }), r => r with { MoneyReference = "money_2" });

    /// <summary>The accepted money given back as well, with its event, spoilt in one way.</summary>
    static Decision Refunded(Decision d, Func<Refund, Refund> spoil)
    {
        var told = d.Events[^1] with
        {
            Sequence = d.After.Sequence + 1,
            Type = EventType.RefundRequested,
            Refund = 1,
            MoneyReference = "money_1",
            Amount = Given.Rupees(499),
        };
        var refund = new Refund
        {
            Number = 1,
            Payment = 1,
            MoneyReference = "money_1",
            Amount = Given.Rupees(499),
            Reason = RefundReason.Merchant,
            Status = RefundStatus.Requested,
            RequestedAt = Given.Start,
            AskedAt = Given.Start,
            Asks = 1,
            LookAt = Given.Start,
        };
        return d with { Events = [.. d.Events, told], After = d.After with { Sequence = told.Sequence, Refunds = [spoil(refund)] } };
    }

    /// <summary>It failed, and a person had answered before.</summary>
    static Decision Unheard(Decision d)
    {
        var answered = Refunded(With(d, p => p with { Answers = [new Answered(DiscrepancyKind.RefundFailed, "money_1")] }), r => r with { Status = RefundStatus.Failed });
        var failed = answered.Events[^1] with { Sequence = answered.After.Sequence + 1, Type = EventType.RefundFailed };
        return answered with { Events = [.. answered.Events, failed], After = answered.After with { Sequence = failed.Sequence } };
    }

    static Decision Twice(Decision d) => With(d, p => p with { Captures = [p.Captures[0], p.Captures[0]] });

    static Decision Unaccepted(Decision d) =>
        With(d, p => p with { Captures = [p.Captures[0] with { Standing = Standing.Duplicate }] });

    static Decision With(Decision decision, Func<Payment, Payment> change) =>
        decision with { After = decision.After with { Payments = [.. decision.After.Payments.Select(change)] } };
}
