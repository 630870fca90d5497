using Purser.Orders;
using Purser.Payments;
using Purser.Refunds;

namespace Purser.Tests.Orders;

/// <summary>Money that is gone by another way does not go by a refund of ours as well, whichever of its questions is the next one.</summary>
public sealed class RefundTwiceTests
{
    static Scenario Paid(OrderPolicy? policy = null) => Given.Order(policy).HasLink().Hears(Tell.Succeeded());

    static readonly RefundEvidence InConsole = new RefundEvidence.Succeeded(Given.Rupees(499)) { RefundReference = "rfnd_x", MoneyReference = "money_2" };

    [Fact]
    public void A_refused_refund_of_money_that_is_given_back_at_the_gateway_is_not_asked_for_anew()
    {
        var story = Paid().Hears(Tell.Succeeded("money_2")).Hears(new RefundEvidence.Rejected("balance too low"));
        story.Hears(InConsole, refund: 0, payment: 1).Questions("refund_failed 499.00 INR", "refund_unasked 499.00 INR");
        story.Later(TimeSpan.FromHours(25)).Tick().Told().Asked().Backs("499.00 INR failed");
        story.Order.WakeAt.ShouldBeNull();
    }

    [Fact]
    public void A_refund_that_never_left_is_ended_when_the_bank_wants_the_money()
    {
        var story = Paid().Refunds().Hears(new RefundEvidence.NotSent(1, "no route")).Hears(Tell.DisputeOpened());
        story.Later(TimeSpan.FromSeconds(2)).Tick().Asked().Told("refund.failed", "discrepancy.opened").Backs("499.00 INR failed").Questions("refund_failed 499.00 INR");
        story.Last.Events[0].Reason.ShouldBe(Refund.GoneOtherwise);
        story.Refunds().Refused(Refusal.MoneyDisputed);
        story.Hears(Tell.DisputeClosed(won: true)).Refunds().Told("refund.requested", "discrepancy.resolved");
    }

    [Fact]
    public void A_refund_that_never_left_is_ended_when_too_little_is_left_for_it()
    {
        var outside = new RefundEvidence.Succeeded(Given.Rupees(100)) { RefundReference = "rfnd_x" };
        var story = Paid().Refunds(400).Hears(new RefundEvidence.NotSent(1, "no route")).Hears(outside, refund: 0, payment: 1);
        story.Later(TimeSpan.FromSeconds(2)).Tick().Asked().Told("refund.failed", "discrepancy.opened").Backs("400.00 INR failed");
        story.Refunds().Backs("400.00 INR failed", "399.00 INR requested");
        // What is left is enough.
        Paid().Refunds(399).Hears(new RefundEvidence.NotSent(1, "no route")).Hears(outside, refund: 0, payment: 1).Later(TimeSpan.FromSeconds(2)).Tick().Asked("refund 1");
    }

    [Fact]
    public void A_refund_that_the_gateway_does_not_know_is_not_asked_for_again_when_the_money_is_gone()
    {
        var story = Paid().Refunds(400).Hears(new RefundEvidence.AnswerLost(1, "time-out")).Hears(Tell.DisputeOpened()).Later(TimeSpan.FromMinutes(3))
            .Hears(new RefundEvidence.Absent(), source: EvidenceSource.Inquiry).Asked().Told().Backs("400.00 INR unresolved");
        story.Later(TimeSpan.FromSeconds(11)).Hears(new RefundEvidence.Absent(), source: EvidenceSource.Inquiry).Asked().Told("refund.failed", "discrepancy.opened")
            .Backs("400.00 INR failed").Questions("refund_failed 400.00 INR");
    }

    [Fact]
    public void Late_money_that_the_gateway_took_back_before_it_told_of_it_is_not_given_back_as_well()
    {
        Scenario Ended() => Given.Order().HasLink().When(new OrderCommand.Cancel());
        string[] books = ["refunds 499.00 INR", "sales -499.00 INR"];
        Ended().Hears(Tell.Reversed()).Hears(Tell.Succeeded()).HasRefunds().Questions("late 499.00 INR", "reversed 499.00 INR").Books(books);
        Ended().Hears(Tell.DisputeOpened()).Hears(Tell.Succeeded()).HasRefunds().Questions("late 499.00 INR");
    }

    [Fact]
    public void What_is_left_of_late_money_of_which_a_part_was_given_back_at_the_gateway_can_be_given_back()
    {
        var part = new RefundEvidence.Succeeded(Given.Rupees(100)) { RefundReference = "rfnd_x" };
        Given.Order().HasLink().When(new OrderCommand.Cancel()).Hears(part, refund: 0, payment: 1).Hears(Tell.Succeeded()).HasRefunds()
            .Refunds(100, payment: 1).Refused(Refusal.RefundWhole).Refunds(payment: 1).HasRefunds(Given.Rupees(399));
    }

    [Fact]
    public void The_reason_is_that_of_the_money_which_goes_back()
    {
        var story = Given.Order().HasLink().Hears(Tell.Succeeded("money_1", Given.Rupees(100))).Hears(Tell.Succeeded("money_2")).Refunds(payment: 1);
        var refund = story.Order.Refunds.ShouldHaveSingleItem();
        (refund.MoneyReference, refund.Reason).ShouldBe(("money_2", RefundReason.Merchant));
        story.Hears(new RefundEvidence.Succeeded(Given.Rupees(499))).Books("receivable:careful 100.00 INR", "refunds 499.00 INR", "sales -499.00 INR", "suspense -100.00 INR");
    }
}
