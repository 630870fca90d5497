using Purser.Orders;
using Purser.Payments;
using static Purser.Orders.OrderStatus;
using static Purser.Payments.PaymentStatus;

namespace Purser.Tests.Orders;

/// <summary>Money that comes early, late, twice, wrong, and goes again.</summary>
public sealed class MoneyComesTests
{
    [Fact]
    public void Captured_then_failed_stays_captured_and_the_gateway_is_asked_again() => Given.Order().HasLink().Hears(Tell.Succeeded())
        .Hears(Tell.Failed).Told().Asked("inquire 1").Then(Paid, Succeeded)
        .Hears(Tell.Succeeded(), source: EvidenceSource.Inquiry).Told().Questions()
        .Check(s => s.Order.WakeAt.ShouldBeNull());

    [Fact]
    public void A_gateway_that_insists_on_failure_after_success_is_a_question_for_a_person() => Given.Order().HasLink().Hears(Tell.Succeeded())
        .Hears(Tell.Failed).Hears(Tell.Failed, source: EvidenceSource.Inquiry).Told("discrepancy.opened").Questions("contradiction").Then(Paid, Succeeded)
        .Hears(Tell.Succeeded(), source: EvidenceSource.Inquiry).Told("discrepancy.resolved").Questions();

    [Fact]
    public void A_contradicted_success_is_asked_about_until_the_gateway_answers() => Given.Order().HasLink().Hears(Tell.Succeeded())
        .Hears(Tell.Failed).Later(TimeSpan.FromSeconds(20)).Tick().Asked("inquire 1").Later(TimeSpan.FromSeconds(20)).Tick().Asked("inquire 1");

    [Fact]
    public void An_answer_about_another_payment_long_ago_keeps_nobody_from_asking_about_a_contradicted_success() => Given.Order().HasLink()
        .Hears(Tell.MixedUp, source: EvidenceSource.Inquiry).Hears(Tell.Succeeded()).Then(Paid, Succeeded).Questions("mixed_up")
        .Hears(Tell.Failed).Asked("inquire 1").Later(TimeSpan.FromSeconds(20)).Tick().Asked("inquire 1")
        .Hears(Tell.Failed, source: EvidenceSource.Inquiry).Questions("contradiction");

    [Fact]
    public void The_same_money_told_with_another_amount_later_is_asked_about_once_and_then_a_question() => Given.Order().HasLink().Hears(Tell.Succeeded())
        .Hears(Tell.Succeeded(amount: Given.Rupees(400))).Told().Asked("inquire 1")
        .Hears(Tell.Succeeded(amount: Given.Rupees(400)), source: EvidenceSource.Inquiry).Told("discrepancy.opened").Questions("contradiction")
        .Check(s => s.Order.WakeAt.ShouldBe(s.Order.EndedAt + s.Rules.Watch[0]));

    [Fact]
    public void A_contradiction_is_asked_about_again_later_and_an_answer_that_agrees_closes_it() => Given.Order().HasLink().Hears(Tell.Succeeded())
        .Hears(Tell.Failed).Hears(Tell.Failed, source: EvidenceSource.Inquiry).Told("discrepancy.opened").Questions("contradiction")
        .Check(s => s.At(s.Order.WakeAt!.Value - Given.Start)).Tick().Told().Asked("inquire 1")
        .Hears(Tell.Failed, source: EvidenceSource.Inquiry).Told().Questions("contradiction")
        .Check(s => s.At(s.Order.WakeAt!.Value - Given.Start)).Tick().Asked("inquire 1")
        .Hears(Tell.Succeeded(), source: EvidenceSource.Inquiry).Told("discrepancy.resolved").Questions().Check(s => s.Order.WakeAt.ShouldBeNull());

    [Fact]
    public void Failed_then_captured_pays_the_order() => Given.Order().HasLink().Hears(Tell.Failed)
        .Hears(Tell.Succeeded()).Told("payment.succeeded", "order.paid").Then(Paid, Succeeded);

    [Fact]
    public void Captured_then_authorised_stays_captured() => Given.Order().HasLink().Hears(Tell.Succeeded())
        .Hears(Tell.Processing()).Told().Asked().Then(Paid, Succeeded);

    [Fact]
    public void Less_than_ordered_is_held_and_a_person_asked() => Given.Order().HasLink()
        .Hears(Tell.Succeeded(amount: Given.Rupees(498))).Told("payment.amount_mismatch", "discrepancy.opened").Then(AwaitingPayment, Held)
        .Questions("amount_mismatch 498.00 INR").Books("receivable:careful 498.00 INR", "suspense -498.00 INR")
        .Pays("stubborn").Same(1);

    [Fact]
    public void One_minor_unit_too_much_is_not_the_order_s_amount() => Given.Order().HasLink()
        .Hears(Tell.Succeeded(amount: new Money(49901, Given.Inr))).Then(AwaitingPayment, Held);

    [Fact]
    public void The_right_number_in_a_wrong_currency_is_held() => Given.Order().HasLink()
        .Hears(Tell.Succeeded(amount: new Money(49900, Currency.Find("USD")))).Then(AwaitingPayment, Held)
        .Questions("amount_mismatch 499.00 USD").Books("receivable:careful 499.00 USD", "suspense -499.00 USD");

    [Fact]
    public void An_amount_that_grows_to_the_right_one_pays_the_order() => Given.Order().HasLink()
        .Hears(Tell.Succeeded(amount: Given.Rupees(100)))
        .Hears(Tell.Succeeded(amount: Given.Rupees(200))).Told("payment.amount_mismatch", "discrepancy.resolved", "discrepancy.opened")
        .Hears(Tell.Succeeded(amount: Given.Rupees(100))).Told()
        .Questions("amount_mismatch 200.00 INR")
        .Hears(Tell.Succeeded()).Told("payment.succeeded", "order.paid", "discrepancy.resolved").Then(Paid, Succeeded).Questions()
        .Books("receivable:careful 499.00 INR", "sales -499.00 INR");

    [Fact]
    public void Money_that_is_held_stays_a_question_when_other_money_pays_the_order() => Given.Order().HasLink()
        .Hears(Tell.Succeeded("part", Given.Rupees(100))).Hears(Tell.Succeeded("whole")).Then(Paid, Succeeded)
        .Questions("amount_mismatch 100.00 INR")
        .Books("receivable:careful 599.00 INR", "sales -499.00 INR", "suspense -100.00 INR");

    [Theory]
    [InlineData(LatePolicy.Refund)]
    [InlineData(LatePolicy.Accept)]
    [InlineData(LatePolicy.Ask)]
    public void Money_after_the_end_does_what_the_order_s_policy_says(LatePolicy policy)
    {
        foreach (var end in new Func<Scenario, Scenario>[] { s => s.When(new OrderCommand.Cancel()), s => s.Until(TimeSpan.FromHours(1)) })
        {
            var story = end(Given.Order(new OrderPolicy(Late: policy)).HasLink());
            var ended = story.Order.Status;
            ended.ShouldBeOneOf(OrderStatus.Expired, OrderStatus.Cancelled);
            story.Hears(Tell.Succeeded());
            _ = policy switch
            {
                LatePolicy.Accept => story.Told("payment.late", "order.paid").Then(Paid, Succeeded).HasRefunds().Questions()
                    .Check(s => s.Order.Late.ShouldBeTrue()),
                LatePolicy.Refund => story.Told("payment.late", "refund.requested").Then(ended, Succeeded).HasRefunds(Given.Rupees(499)).Questions(),
                _ => story.Told("payment.late", "discrepancy.opened").Then(ended, Succeeded).HasRefunds().Questions("late 499.00 INR"),
            };
            story.Hears(Tell.Succeeded()).Told();
        }
    }

    [Theory]
    [InlineData(DuplicatePolicy.Refund)]
    [InlineData(DuplicatePolicy.Ask)]
    public void Money_on_a_paid_order_does_what_the_order_s_policy_says_for_each_amount_once(DuplicatePolicy policy)
    {
        var story = Given.Order(new OrderPolicy(Duplicate: policy)).HasLink().Hears(Tell.Succeeded())
            .Hears(Tell.Succeeded("money_2")).Hears(Tell.Succeeded("money_3")).Hears(Tell.Succeeded("money_2")).Told().Then(Paid, Succeeded);
        _ = policy == DuplicatePolicy.Refund
            ? story.HasRefunds(Given.Rupees(499), Given.Rupees(499)).Questions()
            : story.HasRefunds().Questions("duplicate 499.00 INR", "duplicate 499.00 INR");
    }

    [Fact]
    public void A_late_success_that_is_accepted_makes_the_next_one_a_duplicate() =>
        Given.Order(new OrderPolicy(Late: LatePolicy.Accept)).HasLink().When(new OrderCommand.Cancel())
        .Hears(Tell.Succeeded()).Hears(Tell.Succeeded("money_2")).Told("payment.duplicate", "refund.requested");

    [Fact]
    public void A_reversal_counts_before_and_after_the_success_it_takes_back()
    {
        Given.Order().HasLink().Hears(Tell.Succeeded()).Hears(Tell.Reversed()).Told("discrepancy.opened")
            .Hears(Tell.Reversed()).Told().Then(Paid, Succeeded).Questions("reversed 499.00 INR").Books("refunds 499.00 INR", "sales -499.00 INR");
        Given.Order().HasLink().Hears(Tell.Reversed()).Told().Hears(Tell.Succeeded()).Told("payment.succeeded", "order.paid", "discrepancy.opened")
            .Then(Paid, Succeeded).Questions("reversed 499.00 INR").Books("refunds 499.00 INR", "sales -499.00 INR");
    }

    [Fact]
    public void A_reversal_of_held_money_counts_too_and_grows_with_it() => Given.Order().HasLink()
        .Hears(Tell.Reversed()).Hears(Tell.Succeeded(amount: Given.Rupees(100)))
        .Questions("amount_mismatch 100.00 INR", "reversed 100.00 INR").Books("refunds 100.00 INR", "suspense -100.00 INR")
        .Hears(Tell.Succeeded()).Questions("reversed 499.00 INR").Books("refunds 499.00 INR", "sales -499.00 INR");

    [Fact]
    public void A_dispute_takes_the_money_until_it_is_won()
    {
        Given.Order().HasLink().Hears(Tell.Succeeded()).Hears(Tell.DisputeOpened()).Told("dispute.opened").Hears(Tell.DisputeOpened()).Told()
            .Books("disputes 499.00 INR", "sales -499.00 INR")
            .Hears(Tell.DisputeClosed(won: true)).Told("dispute.closed").Books("receivable:careful 499.00 INR", "sales -499.00 INR");
        Given.Order().HasLink().Hears(Tell.Succeeded()).Hears(Tell.DisputeOpened()).Hears(Tell.DisputeClosed(won: false))
            .Books("disputes 499.00 INR", "sales -499.00 INR");
    }

    [Fact]
    public void A_dispute_told_in_the_wrong_order_or_before_the_success_ends_the_same()
    {
        Given.Order().HasLink().Hears(Tell.DisputeClosed(won: false)).Hears(Tell.DisputeOpened()).Told().Hears(Tell.Succeeded())
            .Books("disputes 499.00 INR", "sales -499.00 INR");
        Given.Order().HasLink().Hears(Tell.DisputeClosed(won: true)).Hears(Tell.DisputeOpened()).Told().Hears(Tell.Succeeded())
            .Books("receivable:careful 499.00 INR", "sales -499.00 INR");
    }

    [Fact]
    public void A_dispute_won_and_lost_in_the_next_instance_is_lost_whichever_is_told_first()
    {
        Given.Order().HasLink().Hears(Tell.Succeeded()).Hears(Tell.DisputeOpened()).Hears(Tell.DisputeClosed(won: true)).Hears(Tell.DisputeClosed(won: false))
            .Books("disputes 499.00 INR", "sales -499.00 INR").Check(s => s.First.Dispute.ShouldBe(DisputeState.Lost));
        Given.Order().HasLink().Hears(Tell.Succeeded()).Hears(Tell.DisputeClosed(won: false)).Hears(Tell.DisputeClosed(won: true)).Told()
            .Books("disputes 499.00 INR", "sales -499.00 INR");
    }
}
