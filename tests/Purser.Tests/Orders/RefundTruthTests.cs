using Purser.Orders;
using Purser.Payments;
using Purser.Refunds;

namespace Purser.Tests.Orders;

/// <summary>Of a refund that was called failed a statement says that it went: the statement tells the truth, until it has the money's way back.</summary>
public sealed class RefundTruthTests
{
    static Scenario Paid() => Given.Order().HasLink().Hears(Tell.Succeeded());

    static readonly RefundEvidence Denied = new RefundEvidence.Failed("bank_said_no");

    static RefundEvidence.Settled Row(string key, long rupees) => new(new Settled(key, Given.Rupees(rupees), Given.Rupees(-rupees)), PaidOut: true);

    static RefundEvidence.Succeeded Back(long rupees) => new(Given.Rupees(rupees));

    static readonly RefundEvidence Returned = new RefundEvidence.Failed("The gateway's statement says that it came back.");

    static Scenario Has(Scenario story, RefundEvidence row, int refund = 1) => story.Hears(row, refund, source: EvidenceSource.Settlement);

    [Fact]
    public void A_refund_that_was_only_called_failed_succeeded_when_a_statement_has_it()
    {
        var story = Has(Paid().Refunds(100).Hears(Denied, source: EvidenceSource.Inquiry).Questions("refund_failed 100.00 INR"), Row("row_a", 100))
            .Told("refund.succeeded", "discrepancy.resolved", "settlement.matched").Backs("100.00 INR succeeded").Questions()
            .Books("bank -100.00 INR", "receivable:careful 499.00 INR", "refunds 100.00 INR", "sales -499.00 INR");
        story.Refunds(400).Refused(Refusal.RefundTooLarge);
        // A person may have answered before.
        Has(Given.Order().HasLink().Hears(Tell.Succeeded()).Hears(Tell.Succeeded("money_2")).Hears(Denied)
            .When(new OrderCommand.Answer(1, DiscrepancyKind.RefundFailed, "money_2", AnswerAction.Close, "Asha", "seen")), Row("row_a", 499)).Backs("499.00 INR succeeded").Questions();
    }

    [Fact]
    public void When_its_amount_was_given_to_another_more_went_back_than_should_have()
    {
        var story = Paid().Refunds().Hears(Denied, source: EvidenceSource.Inquiry).Refunds().Hears(Back(499));
        Has(Has(story, Row("row_b", 499), 2), Row("row_a", 499)).Told("discrepancy.opened", "settlement.matched").Backs("499.00 INR failed", "499.00 INR succeeded")
            .Questions("refund_unasked 499.00 INR").Books("bank -998.00 INR", "receivable:careful 499.00 INR", "refunds 998.00 INR", "sales -499.00 INR");
        Has(story, Row("row_a", 499)).Told();
        // And a third time.
        Has(story, Row("row_c", 499)).Told("discrepancy.opened", "settlement.matched");
        Has(story, Row("row_c", 499)).Told();
        story.Refunds(1).Refused(Refusal.NothingLeft);
    }

    [Fact]
    public void What_was_refused_and_went_all_the_same_is_booked_until_it_comes_back()
    {
        var story = Paid().Refunds(300).Hears(new RefundEvidence.Rejected("busy")).Refunds(300).Hears(Back(300), refund: 1).Told("discrepancy.opened")
            .Backs("300.00 INR failed", "300.00 INR requested").Questions("refund_unasked 300.00 INR").Books("receivable:careful 199.00 INR", "refunds 300.00 INR", "sales -499.00 INR");
        story.Hears(new RefundEvidence.Rejected("too much"), refund: 2).Hears(Back(300), refund: 1).Told();
        story.When(new OrderCommand.Answer(1, DiscrepancyKind.RefundUnasked, new RefundId(story.Order.Id, 1).Reference, AnswerAction.Close, "Asha", "seen"));
        story.Hears(Denied, refund: 1).Told("discrepancy.opened", "discrepancy.resolved").Questions("refund_failed 300.00 INR").Books("receivable:careful 499.00 INR", "sales -499.00 INR");
        story.Hears(Back(300), refund: 1).Told();
        story.Refunds().Made(1);
    }

    [Fact]
    public void What_had_gone_back_before_it_failed_has_its_row_and_nothing_more_is_booked()
    {
        string[] books = ["bank -100.00 INR", "receivable:careful 599.00 INR", "sales -499.00 INR"];
        Has(Paid().Refunds(100).Hears(Back(100)).Hears(Denied), Row("row_a", 100)).Told("settlement.matched").Backs("100.00 INR failed").Books(books);
        // However news overtake one another.
        Has(Paid().Refunds(100).Hears(Denied).Hears(Back(100)), Row("row_a", 100)).Told("settlement.matched").Backs("100.00 INR failed").Books(books);
        Has(Has(Paid().Refunds(100).Hears(Denied), Returned), Row("row_a", 100)).Told("settlement.matched").Backs("100.00 INR failed").Books(books);
        Has(Has(Paid().Refunds(100).Hears(Denied), Row("row_a", 100)), Returned).Told("refund.failed", "discrepancy.opened").Backs("100.00 INR failed").Books(books);
        Has(Has(Paid().Refunds(100), Returned), Row("row_a", 100)).Told("settlement.matched").Backs("100.00 INR failed").Books(books);
    }

    [Fact]
    public void An_earlier_refund_of_wrong_money_that_went_after_all_answers_the_question_of_the_later_one_that_failed()
    {
        var row = new RefundEvidence.Settled(new Settled("row_1", Given.Rupees(400), Given.Rupees(-400)), PaidOut: true);
        var story = Given.Order().HasLink().Hears(Tell.Succeeded(amount: Given.Rupees(400)));
        story.Refunds(payment: 1).Hears(new RefundEvidence.Failed("account closed")).Refunds(payment: 1).Hears(new RefundEvidence.Rejected("too old")).Questions("refund_failed 400.00 INR");
        story.Hears(row, refund: 1, source: EvidenceSource.Settlement).Told("refund.succeeded", "discrepancy.resolved", "settlement.matched").Questions().Books("bank -400.00 INR", "receivable:careful 400.00 INR");
        story.Hears(new RefundEvidence.Failed("account closed"), refund: 1).Told("refund.failed", "discrepancy.opened").Questions("refund_failed 400.00 INR");
    }

    [Fact]
    public void What_was_given_up_and_went_all_the_same_succeeded()
    {
        var story = Paid().Refunds(400).Hears(new RefundEvidence.AnswerLost(1, "time-out")).Hears(Tell.DisputeOpened(Given.Rupees(99))).Later(TimeSpan.FromMinutes(3))
            .Hears(new RefundEvidence.Absent(), source: EvidenceSource.Inquiry).Later(TimeSpan.FromSeconds(11)).Hears(new RefundEvidence.Absent(), source: EvidenceSource.Inquiry);
        story.Check(s => s.Order.Refund(1)!.Why.ShouldBe(Refund.GoneOtherwise));
        var (unsent, unknown) = (Paid().Refunds(400), Paid().Refunds(400));
        for (var ask = 1; ask <= Refund.MostBits; ask++)
        {
            unsent.Hears(new RefundEvidence.NotSent(ask, "no route")).Later(TimeSpan.FromHours(1)).Tick();
            unknown.Hears(new RefundEvidence.AnswerLost(ask, "time-out")).Later(TimeSpan.FromMinutes(3)).Hears(new RefundEvidence.Absent(), source: EvidenceSource.Inquiry)
                .Later(TimeSpan.FromSeconds(11)).Hears(new RefundEvidence.Absent(), source: EvidenceSource.Inquiry);
        }
        (unsent.Order.Refund(1)!.Why, unknown.Order.Refund(1)!.Why).ShouldBe(("gateway_unreachable", "absent"));
        foreach (var givenUp in new[] { story, unsent, unknown })
            givenUp.Backs("400.00 INR failed").Hears(Back(400)).Told("refund.succeeded", "discrepancy.resolved").Backs("400.00 INR succeeded").Questions();
    }
}
