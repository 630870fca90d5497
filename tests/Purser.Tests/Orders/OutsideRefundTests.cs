using Purser.Orders;
using Purser.Payments;
using Purser.Refunds;

namespace Purser.Tests.Orders;

/// <summary>Money that went back by a refund that is none of ours: it is booked, asked about, and left for nobody, whatever of ours is under way.</summary>
public sealed class OutsideRefundTests
{
    static Scenario Paid() => Given.Order().HasLink().Hears(Tell.Succeeded());

    static RefundEvidence.Settled Row(string key, long rupees, string? name = null) =>
        new RefundEvidence.Settled(new Settled(key, Given.Rupees(rupees), Given.Rupees(-rupees)), PaidOut: true) { RefundReference = name };

    static RefundEvidence.Succeeded Told(long rupees, string name = "rfnd_x") => new RefundEvidence.Succeeded(Given.Rupees(rupees)) { RefundReference = name };

    static Scenario Unresolved(long rupees) => Paid().Refunds(rupees).Hears(new RefundEvidence.AnswerLost(1, "time-out"));

    [Fact]
    public void A_second_row_that_was_taken_for_a_refund_of_ours_is_of_money_that_went_once_more()
    {
        var story = Paid().Refunds(100).Hears(new RefundEvidence.Succeeded(Given.Rupees(100))).Hears(Row("row_a", 100), refund: 1, source: EvidenceSource.Settlement).Told("settlement.matched");
        story.Hears(Row("row_b", 100), refund: 1, source: EvidenceSource.Settlement).Told("discrepancy.opened", "settlement.matched").Questions("refund_unasked 100.00 INR")
            .Books("bank -200.00 INR", "receivable:careful 499.00 INR", "refunds 200.00 INR", "sales -499.00 INR").Backs("100.00 INR succeeded");
        story.Refunds(300).Refused(Refusal.RefundTooLarge);
        // The same row again is no news, for whichever refund it is taken now.
        story.Hears(Row("row_b", 100), refund: 1, source: EvidenceSource.Settlement).Told();
        story.Refunds(100).Hears(new RefundEvidence.Succeeded(Given.Rupees(100))).Hears(Row("row_b", 100), refund: 2, source: EvidenceSource.Settlement).Told();
        story.Order.Refund(2)!.Settled.ShouldBeNull();
    }

    [Theory]
    [InlineData("row_a", "row_b")]
    [InlineData("row_b", "row_a")]
    public void Two_equal_rows_that_two_files_took_for_one_refund_at_once_are_of_both(string first, string second)
    {
        static Scenario Took(Scenario story, string row) => story.Hears(Row(row, 100) with { Guessed = true }, refund: 1, source: EvidenceSource.Settlement);
        var one = Paid().Refunds(100).Hears(new RefundEvidence.Succeeded(Given.Rupees(100)));
        var both = one.Refunds(100).Hears(new RefundEvidence.Succeeded(Given.Rupees(100)));
        Took(both, first).Told("settlement.matched");
        Took(both, second).Told("settlement.matched").Backs("100.00 INR succeeded", "100.00 INR succeeded").Questions()
            .Books("bank -200.00 INR", "receivable:careful 499.00 INR", "refunds 200.00 INR", "sales -499.00 INR")
            .Check(s => s.Order.Refunds.Select(r => r.Settled?.RowKey).ShouldBe([first, second])).Check(s => s.First.OutsideRefunds.ShouldBeEmpty());
        // Neither is news again, whichever it is taken for; a third is of money that went once more.
        Took(Took(both, first), second).Told();
        Took(both, "row_c").Told("discrepancy.opened", "settlement.matched").Questions("refund_unasked 100.00 INR");
        Took(both, "row_c").Told();
    }

    [Fact]
    public void A_row_that_another_overtook_is_taken_for_none_of_several_that_are_under_way()
    {
        var story = Paid().Refunds(100).Hears(new RefundEvidence.Succeeded(Given.Rupees(100)));
        for (var more = 0; more < 2; more++) story.Refunds(100).Hears(new RefundEvidence.AnswerLost(1, "time-out"));
        Scenario Took(string row) => story.Hears(Row(row, 100) with { Guessed = true }, refund: 1, source: EvidenceSource.Settlement);
        Took("row_a").Told("settlement.matched");
        Took("row_b").Refused(Refusal.RefundUnknown);
        story.Check(s => s.First.OutsideRefunds.ShouldBeEmpty()).Backs("100.00 INR succeeded", "100.00 INR unresolved", "100.00 INR unresolved").Questions();
    }

    [Fact]
    public void A_row_of_other_money_than_that_of_a_refund_under_way_leaves_it_open_and_is_asked_about()
    {
        var story = Given.Order().HasLink().Hears(Tell.Succeeded()).Hears(Tell.Succeeded("money_2")).Hears(new RefundEvidence.Accepted()).Backs("499.00 INR sent");
        var row = Row("row_a", 499) with { MoneyReference = "money_1" };
        // Whoever took it for that one did not look whose money it is.
        story.Hears(row with { Guessed = true }, refund: 1, source: EvidenceSource.Settlement).Refused(Refusal.RefundUnknown).Backs("499.00 INR sent").Questions();
        story.Hears(row with { RefundReference = "row_a" }, refund: 0, payment: 1, source: EvidenceSource.Settlement).Told("discrepancy.opened", "settlement.matched")
            .Questions("refund_unasked 499.00 INR").Backs("499.00 INR sent").Check(s => s.First.OutsideRefunds.Single().MoneyReference.ShouldBe("money_1"));
        story.Hears(Row("row_b", 499) with { MoneyReference = "money_2", Guessed = true }, refund: 1, source: EvidenceSource.Settlement).Backs("499.00 INR succeeded").Questions("refund_unasked 499.00 INR");
    }

    [Fact]
    public void A_row_that_was_taken_for_a_refund_that_never_left_is_of_money_that_somebody_else_gave_back()
    {
        var story = Paid().Refunds(100).Hears(new RefundEvidence.NotSent(1, "refused"));
        story.Hears(Row("row_a", 100) with { Guessed = true }, refund: 1, source: EvidenceSource.Settlement).Refused(Refusal.RefundUnknown).Backs("100.00 INR requested");
        story.Hears(Row("row_a", 100, "row_a"), refund: 0, payment: 1, source: EvidenceSource.Settlement).Told("discrepancy.opened", "settlement.matched")
            .Questions("refund_unasked 100.00 INR").Backs("100.00 INR requested");
    }

    [Fact]
    public void A_second_row_of_the_same_name_is_of_money_that_went_once_more()
    {
        Paid().Refunds(100).Hears(Told(100, "rfnd_1"), refund: 1).Hears(Row("row_a", 100, "rfnd_1"), refund: 0, payment: 1, source: EvidenceSource.Settlement)
            .Hears(Row("row_b", 100, "rfnd_1"), refund: 0, payment: 1, source: EvidenceSource.Settlement).Questions("refund_unasked 100.00 INR")
            .Check(s => s.First.OutsideRefunds.ShouldBe([new OutsideRefund("row_b", Given.Rupees(100), "row_b", "money_1") { Settled = Row("row_b", 100, "rfnd_1").Row }]));
        Paid().Hears(Row("row_a", 100, "rfnd_x"), refund: 0, payment: 1, source: EvidenceSource.Settlement).Hears(Row("row_b", 100, "rfnd_x"), refund: 0, payment: 1, source: EvidenceSource.Settlement)
            .Questions("refund_unasked 100.00 INR", "refund_unasked 100.00 INR").Books("bank -200.00 INR", "receivable:careful 499.00 INR", "refunds 200.00 INR", "sales -499.00 INR");
    }

    [Fact]
    public void A_row_that_comes_again_in_other_words_is_a_question_and_moves_nothing() => Paid().Refunds(100).Hears(new RefundEvidence.Succeeded(Given.Rupees(100)))
        .Hears(Row("row_a", 100), refund: 1, source: EvidenceSource.Settlement).Hears(Row("row_a", 90), refund: 1, source: EvidenceSource.Settlement)
        .Told("discrepancy.opened").Questions("settled_otherwise 100.00 INR").Check(s => s.First.OutsideRefunds.ShouldBeEmpty());

    [Fact]
    public void News_of_another_amount_than_that_of_ours_under_way_are_kept_at_once()
    {
        var story = Unresolved(30).Hears(Told(469), refund: 0, payment: 1).Told("discrepancy.opened").Questions("refund_unasked 469.00 INR");
        story.Refunds(1).Refused(Refusal.NothingLeft);
        story.Hears(Told(30, "rfnd_1"), refund: 1, source: EvidenceSource.Inquiry).Told("refund.succeeded").Books("refunds 499.00 INR", "sales -499.00 INR");
    }

    [Fact]
    public void A_row_of_another_amount_than_that_of_ours_under_way_waits_for_a_statement_may_state_another()
    {
        var story = Unresolved(300).Hears(Row("row_a", 100, "row_a"), refund: 0, payment: 1, source: EvidenceSource.Settlement).Refused(Refusal.RefundUnknown);
        story.Hears(Told(300, "rfnd_1"), refund: 1).Hears(Row("row_a", 100, "row_a"), refund: 0, payment: 1, source: EvidenceSource.Settlement)
            .Told("discrepancy.opened", "settlement.matched").Questions("refund_unasked 100.00 INR");
    }

    [Fact]
    public void News_that_may_be_of_ours_are_booked_once_ours_has_another_name()
    {
        var story = Unresolved(200).Hears(Told(200), refund: 0, payment: 1).Told().Asked("inquire refund 1").Questions().Books("receivable:careful 499.00 INR", "sales -499.00 INR");
        // It is left for nobody meanwhile.
        story.Refunds(100).Refused(Refusal.RefundTooLarge);
        story.Hears(Told(200), refund: 0, payment: 1).Told();
        story.Hears(Told(200, "rfnd_1"), refund: 1, source: EvidenceSource.Inquiry).Told("refund.succeeded", "discrepancy.opened").Questions("refund_unasked 200.00 INR")
            .Books("receivable:careful 99.00 INR", "refunds 400.00 INR", "sales -499.00 INR");
        story.Hears(Told(200), refund: 0, payment: 1).Told();
    }

    [Fact]
    public void News_that_may_be_of_ours_are_dropped_once_ours_has_their_name_or_has_gone_back_without_one()
    {
        Unresolved(200).Hears(Told(200), refund: 0, payment: 1).Hears(Told(200), refund: 1, source: EvidenceSource.Inquiry).Told("refund.succeeded").Questions()
            .Check(s => s.First.OutsideRefunds.ShouldBeEmpty()).Hears(Told(200), refund: 0, payment: 1).Told();
        Unresolved(200).Hears(Told(200), refund: 0, payment: 1).Hears(new RefundEvidence.Succeeded(Given.Rupees(200)), source: EvidenceSource.Inquiry).Told("refund.succeeded").Questions()
            .Check(s => s.Order.Refund(1)!.RefundReference.ShouldBe("rfnd_x")).Hears(Told(200), refund: 0, payment: 1).Told();
    }

    [Fact]
    public void News_that_may_be_of_ours_are_booked_when_ours_fails()
    {
        Unresolved(200).Hears(Told(200), refund: 0, payment: 1).Hears(new RefundEvidence.Rejected("too old"))
            .Told("refund.failed", "discrepancy.opened", "discrepancy.opened").Questions("refund_failed 200.00 INR", "refund_unasked 200.00 INR")
            .Books("receivable:careful 299.00 INR", "refunds 200.00 INR", "sales -499.00 INR");
        // Nor is it asked for again, for all of the money may be gone.
        var story = Unresolved(499).Hears(Told(499), refund: 0, payment: 1).Later(TimeSpan.FromMinutes(3)).Hears(new RefundEvidence.Absent(), source: EvidenceSource.Inquiry);
        story.Later(TimeSpan.FromSeconds(11)).Hears(new RefundEvidence.Absent(), source: EvidenceSource.Inquiry).Asked().Told("refund.failed", "discrepancy.opened", "discrepancy.opened")
            .Questions("refund_failed 499.00 INR", "refund_unasked 499.00 INR").Books("refunds 499.00 INR", "sales -499.00 INR");
    }

    [Fact]
    public void A_reversal_is_not_explained_by_news_that_may_be_of_ours()
    {
        string[] books = ["refunds 499.00 INR", "sales -499.00 INR"];
        var story = Paid().Refunds(200).Hears(new RefundEvidence.Accepted()).Refunds(299).Hears(Told(299, "rfnd_2"), refund: 2).Hears(Told(200), refund: 0, payment: 1).Hears(Tell.Reversed());
        story.Questions("reversed 200.00 INR").Books(books).Hears(Told(200), refund: 1).Questions().Books(books);
    }
}
