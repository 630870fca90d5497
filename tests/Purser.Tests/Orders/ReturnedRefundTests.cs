using System.Collections.Immutable;
using Purser.Orders;
using Purser.Payments;
using Purser.Refunds;

namespace Purser.Tests.Orders;

/// <summary>Money that the gateway gave back by itself, and that came back to it afterwards: nothing of it is gone, in whichever order that is told.</summary>
public sealed class ReturnedRefundTests
{
    static Scenario Paid() => Given.Order().HasLink().Hears(Tell.Succeeded());

    static RefundEvidence.Succeeded Went(long rupees, string name = "rfnd_x") => new RefundEvidence.Succeeded(Given.Rupees(rupees)) { RefundReference = name };

    static RefundEvidence.Failed Failed(string name = "rfnd_x") => new RefundEvidence.Failed("account closed") { RefundReference = name };

    static RefundEvidence.Settled Row(long rupees, string name = "rfnd_x") =>
        new RefundEvidence.Settled(new Settled("row_x", Given.Rupees(rupees), Given.Rupees(-rupees)), PaidOut: true) { RefundReference = name };

    static RefundEvidence.Failed Came(long rupees) => Failed() with { Row = new Settled("row_back", Given.Rupees(rupees), Given.Rupees(rupees)) };

    static Scenario Hear(Scenario story, RefundEvidence e, EvidenceSource? source = null) =>
        story.Hears(e, refund: 0, payment: 1, source: source ?? (e is RefundEvidence.Settled ? EvidenceSource.Settlement : EvidenceSource.Webhook));

    static readonly string[] Untouched = ["receivable:careful 499.00 INR", "sales -499.00 INR"];

    [Fact]
    public void What_came_back_can_be_refunded_again_and_nobody_is_asked_any_more()
    {
        var story = Hear(Paid(), Went(200)).Questions("refund_unasked 200.00 INR").Books("receivable:careful 299.00 INR", "refunds 200.00 INR", "sales -499.00 INR");
        Hear(story, Failed()).Told("discrepancy.resolved").Asked("inquire 1").Questions().Books(Untouched).Check(s => s.Last.Events[0].Replaces.ShouldBe(Given.Rupees(200)));
        // It counts once, however often it is told, and whatever is told late.
        Hear(Hear(story, Failed()).Told(), Went(200)).Told().Questions().Books(Untouched);
        story.Refunds(499).HasRefunds(Given.Rupees(499)).Hears(new RefundEvidence.Succeeded(Given.Rupees(499))).Books("refunds 499.00 INR", "sales -499.00 INR");
    }

    [Fact]
    public void A_person_who_knew_of_it_hears_that_it_is_not_so_any_more() =>
        Hear(Hear(Paid(), Went(200)).When(new OrderCommand.Answer(1, DiscrepancyKind.RefundUnasked, "rfnd_x", AnswerAction.Close, "Asha", "known")).Questions(), Failed())
            .Told("discrepancy.opened", "discrepancy.resolved").Questions().Books(Untouched).Check(s => s.First.Answers.ShouldBeEmpty());

    [Fact]
    public void Money_that_must_go_back_whole_is_asked_about_again_when_it_came_back()
    {
        static OrderCommand.Answer Close(DiscrepancyKind kind, string money) => new(1, kind, money, AnswerAction.Close, "Asha", "given back at the console");
        var late = Given.Order(new OrderPolicy(LatePolicy.Ask)).HasLink().When(new OrderCommand.Cancel()).Hears(Tell.Succeeded());
        var gone = Hear(late, Went(499)).Questions("late 499.00 INR", "refund_unasked 499.00 INR")
            .When(Close(DiscrepancyKind.Late, late.First.Captures[0].MoneyReference)).When(Close(DiscrepancyKind.RefundUnasked, "rfnd_x")).Questions();
        Hear(gone, Failed()).Questions("late 499.00 INR").Check(s => s.First.Answers.ShouldBeEmpty());
        // It is asked once more, however often that is told.
        Hear(gone, Failed()).Told();
    }

    [Fact]
    public void Goods_whose_money_all_went_and_came_back_may_go()
    {
        Hear(Hear(Paid(), Went(499)).Check(s => s.Order.Fulfilment.ShouldBe(Fulfilment.None)), Failed()).Check(s => s.Order.Fulfilment.ShouldBe(Fulfilment.Waiting));
    }

    [Fact]
    public void A_statement_that_says_so_is_believed_of_a_refund_that_is_known_and_asks_of_another()
    {
        var row = Hear(Hear(Paid(), Went(200)), Failed(), EvidenceSource.Settlement).Told("discrepancy.resolved").Books(Untouched);
        row.Check(s => s.Last.Reply.ShouldNotBeOfType<Reply.Refused>());
        Hear(Paid(), Failed(), EvidenceSource.Settlement).Refused(Refusal.RefundUnknown).Told().Check(s => s.First.OutsideRefunds.ShouldBeEmpty());
        Hear(Paid(), new RefundEvidence.Failed("account closed"), EvidenceSource.Settlement).Refused(Refusal.RefundUnknown);
    }

    /// <summary>The news of its going and of its failing, each perhaps twice, and its row, which may state another amount.</summary>
    [Theory]
    [InlineData(200)]
    [InlineData(150)]
    public void The_order_of_news_decides_nothing(long stated)
    {
        ImmutableArray<RefundEvidence> told = [Went(200), Failed(), Row(stated), Went(200), Failed()];
        var first = "";
        foreach (var order in Permutations(told))
        {
            var story = Paid();
            foreach (var e in order) Hear(story, e);
            var outcome = $"{string.Join("; ", story.First.OutsideRefunds)} left {story.Order.LeftOf(1, story.First.Captures[0])} asks {string.Join(", ", story.Order.Questions)} books {string.Join(", ", Laws.Balances(story.Postings))}";
            (first = first.Length == 0 ? outcome : first).ShouldBe(outcome);
        }
        first.ShouldContain("left 499.00 INR");
        // The row of its coming back is still to come.
        first.ShouldContain($"bank -{stated}.00 INR, receivable:careful {499 + stated}.00 INR, sales -499.00 INR");
    }

    [Fact]
    public void Its_failing_is_no_news_of_a_refund_of_ours_that_has_another_name_and_asks_about_one_that_has_none()
    {
        // Told before the answer to our own question: it may be ours.
        var story = Hear(Paid().Refunds(200).Hears(new RefundEvidence.AnswerLost(1, "time-out")), Failed("rfnd_1")).Told().Asked("inquire refund 1", "inquire 1");
        story.Order.Refund(1)!.Status.ShouldBe(RefundStatus.Unresolved);
        // It is: who had called it done is asked until it says that it failed.
        story.Hears(Went(200, "rfnd_1"), refund: 1, source: EvidenceSource.Inquiry).Told("refund.succeeded").Check(s => s.First.OutsideRefunds.ShouldBeEmpty()).Check(s => s.Order.Refund(1)!.HeardAt.ShouldNotBeNull());
        story.Hears(Failed("rfnd_1"), refund: 1, source: EvidenceSource.Inquiry).Told("refund.failed", "discrepancy.opened").Books(Untouched);
        // It is not: nothing of ours failed.
        var other = Hear(Paid().Refunds(200).Hears(new RefundEvidence.AnswerLost(1, "time-out")), Failed());
        other.Hears(Went(200, "rfnd_1"), refund: 1, source: EvidenceSource.Inquiry).Backs("200.00 INR succeeded").Questions().Books("receivable:careful 299.00 INR", "refunds 200.00 INR", "sales -499.00 INR");
        Hear(other, Went(100)).Told("discrepancy.resolved").Questions().Check(s => s.First.OutsideRefunds.ShouldBe([new OutsideRefund("rfnd_x", Given.Rupees(100)) { CameBack = true }]));
    }

    [Fact]
    public void What_is_kept_of_it_is_told_also_where_nothing_is_booked_or_asked()
    {
        var back = Hear(Hear(Paid(), Failed()).Told("discrepancy.resolved"), Went(200)).Told("discrepancy.resolved").Questions().Books(Untouched);
        Hear(back, Row(150)).Told("settlement.matched").Check(s => s.First.OutsideRefunds.ShouldBe([new OutsideRefund("rfnd_x", Given.Rupees(150), "row_x") { CameBack = true, Settled = Row(150).Row }]));
        // Also where only the row of its coming back names an amount.
        var named = Hear(Hear(Paid(), Failed()), Came(200), EvidenceSource.Settlement).Told("discrepancy.resolved").Books(Untouched);
        var less = Hear(Hear(Paid(), Went(200)), Came(150), EvidenceSource.Settlement).Told("discrepancy.resolved", "settlement.matched", "discrepancy.opened");
        foreach (var (story, change) in new (Scenario, Func<OutsideRefund, OutsideRefund?>)[]
        {
            (back, _ => null), (back, o => o with { Amount = Given.Rupees(199) }), (back, o => o with { CameBack = false }), (back, o => o with { RowKey = "row_y" }),
            (Hear(Paid(), Went(200)), o => o with { CameBack = true }), (Hear(Paid(), Went(200)), o => o with { RefundReference = "rfnd_y" }), (Hear(Paid(), Went(200)), _ => null),
            (named, o => o with { Amount = Given.Rupees(0) }), (named, o => o with { Amount = Given.Rupees(100), Returned = Came(100).Row }), (less, o => o with { Returned = null }),
            (less, o => o with { Returned = Came(150).Row! with { RowKey = "row_y" } }), (Hear(Hear(Paid(), Went(200)), Failed()), o => o with { Returned = Came(150).Row }),
        })
        {
            OutsideHistory.Differs(story.Order, story.Events).ShouldBeNull();
            var changed = story.First with { OutsideRefunds = change(story.First.OutsideRefunds[0]) is { } other ? [other] : [] };
            OutsideHistory.Differs(story.Order with { Payments = [changed] }, story.Events).ShouldNotBeNull().Row.ShouldBe(new PaymentId(story.Order.Id, 1).ToString());
        }
        // An older program told nothing of what failed before it was known.
        var old = Hear(Paid(), Failed());
        OutsideHistory.Differs(old.Order, [.. old.Events.SkipLast(1)]).ShouldBeNull();
    }

    static IEnumerable<ImmutableArray<T>> Permutations<T>(ImmutableArray<T> of) =>
        of.IsEmpty ? [[]] : Enumerable.Range(0, of.Length).SelectMany(i => Permutations(of.RemoveAt(i)).Select(rest => rest.Insert(0, of[i])));
}
