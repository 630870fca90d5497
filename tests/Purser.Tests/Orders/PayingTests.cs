using Purser.Orders;
using Purser.Payments;
using Purser.Refunds;
using static Purser.Orders.OrderStatus;
using static Purser.Payments.PaymentStatus;

namespace Purser.Tests.Orders;

/// <summary>One order, one payment after the other, two at once, and cancellations.</summary>
public sealed class PayingTests
{
    [Fact]
    public void A_payment_opens_a_link_and_pays_the_order() => Given.Order()
        .Told("order.created")
        .Pays().Made(1).Told("payment.started").Asked("open 1")
        .Hears(Tell.Opened()).Told("payment.link_ready").Then(AwaitingPayment, Pending)
        .Hears(Tell.Succeeded()).Told("payment.succeeded", "order.paid").Then(Paid, Succeeded)
        .Books("receivable:careful 499.00 INR", "sales -499.00 INR").Questions()
        .Check(s => s.Order.WakeAt.ShouldBeNull());

    [Fact]
    public void Placing_the_same_order_again_answers_with_the_first() => Given.Order()
        .When(new OrderCommand.Create(Given.Id, null, Given.Rupees(1), "Other", new Customer(), new OrderPolicy(), TimeSpan.FromDays(1), null!))
        .Same().Told().Check(s => s.Order.Amount.ShouldBe(Given.Rupees(499)));

    [Fact]
    public void A_decline_keeps_the_link_payable() => Given.Order().HasLink()
        .Hears(Tell.Declined).Told("payment.declined").Then(AwaitingPayment, Pending)
        .Hears(Tell.Declined).Told()
        .Later(TimeSpan.FromSeconds(1)).Hears(Tell.Declined).Told("payment.declined")
        .Hears(Tell.Succeeded()).Then(Paid, Succeeded);

    [Fact]
    public void A_decline_that_an_inquiry_sees_again_every_minute_is_told_once()
    {
        var story = Given.Order().HasLink();
        var tried = story.Now;
        for (var minute = 0; minute < 5; minute++)
            story.Later(TimeSpan.FromMinutes(1)).When(new Evidence.Declined("insufficient funds") { GatewayTime = tried }
                .Learned(1, EvidenceSource.Inquiry, story.Now, $"inquiry {minute}"));
        story.Events.Count(e => e.Type == EventType.PaymentDeclined).ShouldBe(1);
    }

    [Fact]
    public void A_try_with_a_name_is_declined_once_whatever_times_news_and_answers_tell()
    {
        var story = Given.Order().HasLink();
        var (first, second) = (story.Now, TimeSpan.FromSeconds(1));
        Learn("ch_1", "no funds", first + second, EvidenceSource.Webhook).ShouldBe(1);
        Learn("ch_1", "no funds", first, EvidenceSource.Inquiry).ShouldBe(1);
        Learn("ch_1", "no funds", first + (9 * second), EvidenceSource.Webhook).ShouldBe(1);
        // Another try is another decline, in the same second too; news of the older one change nothing.
        Learn("ch_2", "lost card", first + second, EvidenceSource.Inquiry).ShouldBe(2);
        Learn("ch_2", "lost card", first + (2 * second), EvidenceSource.Webhook).ShouldBe(2);
        Learn("ch_1", "no funds", first, EvidenceSource.Webhook).ShouldBe(2);
        story.First.Decline.ShouldBe("lost card");
        Learn(null, "no name", first + (3 * second), EvidenceSource.Webhook).ShouldBe(3);

        int Learn(string? name, string why, DateTimeOffset at, EvidenceSource source)
        {
            story.Later(second).When(new Evidence.Declined(why) { TryReference = name, GatewayTime = at }.Learned(1, source, story.Now, $"{name} {at.Ticks} {source}"));
            return story.Events.Count(e => e.Type == EventType.PaymentDeclined);
        }
    }


    [Fact]
    public void A_second_payment_is_refused_while_the_first_is_open_and_the_caller_gets_the_first() => Given.Order()
        .Pays().Pays().Same(1)
        .Hears(Tell.Lost(), 1).Pays().Same(1).Pays("stubborn").Same(1)
        .Hears(Tell.Opened(), 1).Pays("stubborn").Same(1)
        .Hears(Tell.Processing(), 1).Pays("stubborn").Same(1);

    [Fact]
    public void Once_the_link_is_closed_a_second_payment_may_start() => Given.Order().HasLink()
        .When(new OrderCommand.CancelPayment(1)).Made(1).Asked("cancel 1").Told().Then(AwaitingPayment, Pending)
        .Pays().Same(1)
        .Hears(Tell.Closed).Told("payment.cancelled").Then(AwaitingPayment, PaymentStatus.Cancelled)
        .Pays("stubborn").Made(2).Asked("open 2").Then(AwaitingPayment, PaymentStatus.Cancelled, Starting);

    [Fact]
    public void A_failed_payment_may_be_followed_by_another() => Given.Order().HasLink()
        .Hears(Tell.Failed).Told("payment.failed").Pays("stubborn").Made(2);

    [Fact]
    public void An_order_that_accepts_the_risk_has_two_links_at_two_gateways_but_never_two_at_one() =>
        Given.Order(new OrderPolicy(AllowsSecondLink: true)).HasLink()
        .Pays("careful").Same(1)
        .Pays("stubborn").Made(2)
        .Hears(Tell.Opened(reference: "link_2"))
        .Pays("careful").Same(1).Pays("stubborn").Same(2)
        .Pays("forgetful").Made(3);

    [Fact]
    public void Money_under_way_at_one_link_holds_up_every_other() =>
        Given.Order(new OrderPolicy(AllowsSecondLink: true)).HasLink().Pays("stubborn").Hears(Tell.Opened(reference: "link_2"))
        .Hears(Tell.Processing(), 1).Pays("forgetful").Same(1).Pays("stubborn").Same(1);

    [Fact]
    public void Money_under_way_at_a_closed_link_holds_up_the_link_that_came_after_it() => Given.Order().HasLink()
        .When(new OrderCommand.CancelPayment(1)).Hears(Tell.Closed).Pays("stubborn").Hears(Tell.Opened(reference: "link_2"), 2)
        .Pays().Same(2)
        .Hears(Tell.Processing(), 1).Then(AwaitingPayment, PaymentStatus.Cancelled, Pending)
        .Pays().Same(1).Pays("stubborn").Same(1);

    [Fact]
    public void Held_money_holds_up_every_other_payment_even_beside_an_open_link() =>
        Given.Order(new OrderPolicy(AllowsSecondLink: true)).HasLink().Pays("stubborn").Hears(Tell.Opened(reference: "link_2"))
        .Hears(Tell.Succeeded(amount: Given.Rupees(100)), 1).Then(AwaitingPayment, Held, Pending)
        .Pays("forgetful").Same(1).Pays("stubborn").Same(1);

    [Fact]
    public void Both_links_paid_is_one_order_paid_and_one_refund() =>
        Given.Order(new OrderPolicy(AllowsSecondLink: true)).HasLink().HasLink("stubborn")
        .Hears(Tell.Succeeded("money_2"), 2).Told("payment.succeeded", "order.paid").Asked("cancel 1")
        .Hears(Tell.Succeeded("money_1"), 1).Told("payment.duplicate", "refund.requested").Then(Paid, Succeeded, Succeeded)
        .HasRefunds(Given.Rupees(499)).Questions()
        .Check(s => s.Order.PaidBy.ShouldBe(2));

    [Fact]
    public void The_first_link_paid_after_a_second_was_asked_for_pays_the_order_and_closes_the_second() =>
        Given.Order(new OrderPolicy(AllowsSecondLink: true)).HasLink().Pays("forgetful")
        .Hears(Tell.Succeeded(), 1).Told("payment.succeeded", "order.paid").Then(Paid, Succeeded, Starting)
        .Hears(Tell.Opened(reference: "link_2"), 2).Asked("cancel 2");

    [Fact]
    public void No_payment_starts_on_an_order_that_is_over()
    {
        Given.Order().HasLink().Hears(Tell.Succeeded()).Pays().Refused(Refusal.OrderPaid);
        Given.Order().When(new OrderCommand.Cancel()).Pays().Refused(Refusal.OrderCancelled);
        Given.Order().At(TimeSpan.FromMinutes(30)).Pays().Refused(Refusal.OrderExpired);
        Given.Order().At(TimeSpan.FromMinutes(30)).Tick().Pays().Refused(Refusal.OrderExpired);
    }

    [Fact]
    public void A_payment_may_start_one_millisecond_before_the_end_and_not_at_it()
    {
        Given.Order().At(TimeSpan.FromMinutes(30) - TimeSpan.FromMilliseconds(1)).Pays().Made(1);
        Given.Order().At(TimeSpan.FromMinutes(30)).Pays().Refused(Refusal.OrderExpired);
        Given.Order().At(TimeSpan.FromMinutes(30) + TimeSpan.FromMilliseconds(1)).Pays().Refused(Refusal.OrderExpired);
    }

    [Fact]
    public void A_person_may_try_often_but_not_for_ever()
    {
        var story = Given.Order();
        for (var i = 0; i < 20; i++) story.Pays().Made(i + 1).Hears(Tell.Refused());
        story.Pays().Refused(Refusal.TooManyPayments);
    }

    [Fact]
    public void Cancelling_an_order_closes_its_link_and_races_fairly_with_success()
    {
        Given.Order().HasLink().When(new OrderCommand.Cancel()).Told("order.cancelled").Asked("cancel 1").Then(OrderStatus.Cancelled, Pending)
            .When(new OrderCommand.Cancel()).Same()
            .Hears(Tell.Succeeded()).Told("payment.late", "refund.requested").Then(OrderStatus.Cancelled, Succeeded);
        Given.Order().HasLink().Hears(Tell.Succeeded()).When(new OrderCommand.Cancel()).Refused(Refusal.OrderPaid);
    }

    [Fact]
    public void A_link_that_turns_up_after_its_payment_was_cancelled_is_closed_at_once() => Given.Order().Pays()
        .When(new OrderCommand.CancelPayment(1)).Made(1).Asked("inquire 1")
        .Hears(Tell.Opened()).Told("payment.link_ready").Asked("cancel 1")
        .Hears(Tell.Closed).Then(AwaitingPayment, PaymentStatus.Cancelled);

    [Fact]
    public void A_link_that_shall_be_closed_is_asked_about_every_minute_until_it_is() => Given.Order().HasLink()
        .When(new OrderCommand.CancelPayment(1)).Asked("cancel 1")
        .Check(s => s.Order.WakeAt.ShouldBe(s.Now + TimeSpan.FromMinutes(1)))
        .Later(TimeSpan.FromMinutes(1)).Tick().Asked("cancel 1");

    [Fact]
    public void Cancelling_a_payment_never_opens_its_link()
    {
        Given.Order().Pays().Hears(Tell.NotSent()).When(new OrderCommand.CancelPayment(1)).Asked().Told("payment.cancelled");
        Given.Order().Pays().When(new OrderCommand.CancelPayment(1)).Hears(Tell.NotSent()).Asked().Told("payment.cancelled");
        Given.Order().Pays().When(new OrderCommand.CancelPayment(1)).Later(TimeSpan.FromMinutes(1)).Hears(Tell.Absent).Asked();
    }

    [Fact]
    public void A_gateway_that_cannot_close_links_says_so() =>
        Given.Order().HasLink("stubborn").When(new OrderCommand.CancelPayment(1)).Refused(Refusal.LinkCannotBeCancelled);

    [Fact]
    public void Only_a_paid_order_is_fulfilled_and_only_once() => Given.Order().When(new OrderCommand.Fulfil()).Refused(Refusal.OrderNotPaid)
        .HasLink().Hears(Tell.Succeeded()).When(new OrderCommand.Fulfil()).Told("order.fulfilled").When(new OrderCommand.Fulfil()).Same().Told();

    [Fact]
    public void Goods_stay_while_their_money_is_denied_taken_back_disputed_or_on_its_way_back()
    {
        static Scenario Paid() => Given.Order().HasLink().Hears(Tell.Succeeded());
        static void Holds(Scenario story) => story.Check(s => s.Order.Fulfilment.ShouldBe(Fulfilment.Held)).When(new OrderCommand.Fulfil()).Refused(Refusal.OrderHeld).Told();
        Holds(Paid().Hears(Tell.Failed).Hears(Tell.Failed, source: EvidenceSource.Inquiry));
        Holds(Paid().Hears(Tell.Reversed()));
        Holds(Paid().Hears(Tell.DisputeOpened()));
        Holds(Paid().Hears(Tell.DisputeOpened()).Hears(Tell.DisputeClosed(won: false)));
        Paid().Hears(Tell.DisputeOpened()).Hears(Tell.DisputeClosed(won: true)).When(new OrderCommand.Fulfil()).Told("order.fulfilled");
        Paid().Hears(Tell.Succeeded("money_2")).Hears(Tell.Reversed("money_2")).When(new OrderCommand.Fulfil()).Told("order.fulfilled");
        Paid().Refunds().Check(s => s.Order.Fulfilment.ShouldBe(Fulfilment.None)).When(new OrderCommand.Fulfil()).Refused(Refusal.OrderNotPaid);
        Paid().Refunds(100).When(new OrderCommand.Fulfil()).Told("order.fulfilled");
    }

    [Fact]
    public void Goods_do_not_go_out_when_all_of_their_money_went_back_at_the_gateway()
    {
        static RefundEvidence Outside(long rupees, string name, string? money = null) => new RefundEvidence.Succeeded(Given.Rupees(rupees)) { RefundReference = name, MoneyReference = money };
        static Scenario Paid() => Given.Order().HasLink().Hears(Tell.Succeeded());
        static void Stays(Scenario story) => story.Check(s => s.Order.Fulfilment.ShouldBe(Fulfilment.None)).When(new OrderCommand.Fulfil()).Refused(Refusal.OrderNotPaid).Told();
        static Scenario Closed(Scenario story, DiscrepancyKind kind, string reference) => story.When(new OrderCommand.Answer(1, kind, reference, AnswerAction.Close, "Asha", "I gave it back there"));

        // The word that the money is gone, and then the refund that explains it.
        Stays(Paid().Hears(Tell.Reversed()).Check(s => s.Order.Fulfilment.ShouldBe(Fulfilment.Held)).Hears(Outside(499, "rfnd_x"), refund: 0, payment: 1));
        Stays(Paid().Hears(Outside(100, "rfnd_x"), refund: 0, payment: 1).Hears(Outside(399, "rfnd_y"), refund: 0, payment: 1));
        Stays(Paid().Hears(Outside(100, "rfnd_x"), refund: 0, payment: 1).Refunds());
        // What a person knows by now is gone all the same.
        Stays(Closed(Paid().Hears(Outside(499, "rfnd_x"), refund: 0, payment: 1), DiscrepancyKind.RefundUnasked, "rfnd_x"));
        Stays(Closed(Paid().Hears(Tell.Reversed()), DiscrepancyKind.Reversed, "money_1"));
        // A part of it, and the whole of second money, are nothing against the order.
        Paid().Hears(Outside(100, "rfnd_x"), refund: 0, payment: 1).When(new OrderCommand.Fulfil()).Told("order.fulfilled");
        Paid().Hears(Tell.Succeeded("money_2")).Hears(Outside(499, "rfnd_x", "money_2"), refund: 0, payment: 1).When(new OrderCommand.Fulfil()).Told("order.fulfilled");
    }

    [Fact]
    public void Goods_that_went_out_are_unpaid_while_nobody_knows_who_gave_all_of_their_money_back()
    {
        static RefundEvidence Outside(long rupees, string name) => new RefundEvidence.Succeeded(Given.Rupees(rupees)) { RefundReference = name };
        static Scenario Sent() => Given.Order().HasLink().Hears(Tell.Succeeded()).When(new OrderCommand.Fulfil());
        Sent().Hears(Outside(100, "rfnd_x"), refund: 0, payment: 1).Check(s => s.Order.Fulfilment.ShouldBe(Fulfilment.Done))
            .Hears(Outside(399, "rfnd_y"), refund: 0, payment: 1).Check(s => s.Order.Fulfilment.ShouldBe(Fulfilment.Unpaid));
        Sent().Hears(Tell.Reversed()).Hears(Outside(499, "rfnd_x"), refund: 0, payment: 1).Check(s => s.Order.Fulfilment.ShouldBe(Fulfilment.Unpaid))
            .When(new OrderCommand.Answer(1, DiscrepancyKind.RefundUnasked, "rfnd_x", AnswerAction.Close, "Asha", "a return")).Check(s => s.Order.Fulfilment.ShouldBe(Fulfilment.Done));
    }

    [Fact]
    public void Goods_that_went_out_and_whose_money_is_taken_back_are_called_unpaid_and_a_return_is_not()
    {
        static Scenario Sent() => Given.Order().HasLink().Hears(Tell.Succeeded()).When(new OrderCommand.Fulfil()).Check(s => s.Order.Fulfilment.ShouldBe(Fulfilment.Done));
        Sent().Hears(Tell.Reversed()).Check(s => s.Order.Fulfilment.ShouldBe(Fulfilment.Unpaid)).When(new OrderCommand.Fulfil()).Same().Told();
        Sent().Hears(Tell.DisputeOpened()).Check(s => s.Order.Fulfilment.ShouldBe(Fulfilment.Unpaid));
        Sent().Refunds().Check(s => s.Order.Fulfilment.ShouldBe(Fulfilment.Done));
    }

    [Fact]
    public void Looking_asks_the_gateway_now_but_not_twice_within_two_seconds() => Given.Order().HasLink()
        .When(new OrderCommand.Look(1)).Asked("inquire 1")
        .Later(TimeSpan.FromMilliseconds(1999)).When(new OrderCommand.Look(1)).Same(1).Asked()
        .Later(TimeSpan.FromMilliseconds(1)).When(new OrderCommand.Look(1)).Asked("inquire 1")
        .When(new OrderCommand.Look(2)).Refused(Refusal.PaymentUnknown);

    [Fact]
    public void A_look_that_comes_too_early_is_made_a_moment_later() => Given.Order().HasLink()
        .When(new OrderCommand.Look(1)).Asked("inquire 1")
        .Later(TimeSpan.FromSeconds(1)).When(new OrderCommand.Look(1)).Same(1).Asked()
        .Hears(Tell.Declined)
        .Later(TimeSpan.FromMilliseconds(999)).Tick().Asked()
        .Later(TimeSpan.FromMilliseconds(1)).Tick().Asked("inquire 1")
        .Later(TimeSpan.FromSeconds(2)).Tick().Asked();

    [Fact]
    public void What_the_gateway_itself_says_is_worth_a_question_at_once_and_after_success_too() => Given.Order().HasLink()
        .When(new OrderCommand.Look(1)).Asked("inquire 1")
        .When(new OrderCommand.Look(1, Heard: true)).Asked("inquire 1")
        .Hears(Tell.Succeeded())
        .Later(TimeSpan.FromMinutes(1)).When(new OrderCommand.Look(1)).Same(1).Asked()
        .When(new OrderCommand.Look(1, Heard: true)).Asked("inquire 1");

    [Fact]
    public void What_the_gateway_hints_at_is_asked_about_until_it_answers() => Given.Order().HasLink().Hears(Tell.Succeeded())
        .When(new OrderCommand.Look(1, Heard: true)).Asked("inquire 1")
        .Later(TimeSpan.FromSeconds(59)).Tick().Asked()
        .Later(TimeSpan.FromSeconds(1)).Tick().Asked("inquire 1")
        .Later(TimeSpan.FromMinutes(1)).Tick().Asked("inquire 1")
        .Hears(Tell.Succeeded(), source: EvidenceSource.Inquiry)
        .Later(TimeSpan.FromDays(1)).Tick().Asked();

    /// <summary>The answer is what counts, not the question: a node may die with it, and a gateway may be away.</summary>
    [Fact]
    public void What_the_gateway_hints_at_while_the_link_is_open_is_asked_about_until_it_answers() => Given.Order().HasLink()
        .When(new OrderCommand.Look(1, Heard: true)).Asked("inquire 1")
        .Later(TimeSpan.FromMinutes(1)).Tick().Asked("inquire 1")
        .Hears(Tell.Opened(), source: EvidenceSource.Inquiry)
        .Later(TimeSpan.FromMinutes(5)).Tick().Asked();

    [Fact]
    public void A_shopper_who_came_back_is_asked_for_until_the_gateway_answers() => Given.Order().HasLink()
        .When(new OrderCommand.Look(1, Back: true)).Asked("inquire 1")
        .Later(TimeSpan.FromMinutes(1)).Tick().Asked("inquire 1")
        .Later(TimeSpan.FromMinutes(1)).Tick().Asked("inquire 1")
        .Hears(Tell.Opened(), source: EvidenceSource.Inquiry)
        .Later(TimeSpan.FromMinutes(5)).Tick().Asked();

    [Fact]
    public void A_link_that_was_refused_is_asked_about_when_the_gateway_tells_of_it() => Given.Order().Pays().Hears(Tell.Refused())
        .When(new OrderCommand.Look(1)).Asked()
        .When(new OrderCommand.Look(1, Heard: true)).Asked("inquire 1");

    /// <summary>Two links can bear one reference: the answer to the first question was lost, and the key under which it was asked again had lapsed.</summary>
    [Fact]
    public void News_of_the_end_of_another_link_end_nothing_and_are_worth_a_question() => Given.Order().HasLink()
        .Hears(Tell.FailedAt("link_2")).Then(OrderStatus.AwaitingPayment, PaymentStatus.Pending).Asked("inquire 1")
        .Hears(Tell.FailedAt("link_1"), source: EvidenceSource.Inquiry).Then(OrderStatus.AwaitingPayment, PaymentStatus.Failed)
        .Hears(Tell.Succeeded()).Hears(Tell.FailedAt("link_2")).Asked();

    [Fact]
    public void News_of_the_end_of_a_link_give_it_no_name() => Given.Order().Pays().Hears(Tell.Lost())
        .Hears(Tell.FailedAt("link_2")).Then(OrderStatus.AwaitingPayment, PaymentStatus.Unresolved).Asked("inquire 1")
        .Hears(Tell.Opened(), source: EvidenceSource.Inquiry).Then(OrderStatus.AwaitingPayment, PaymentStatus.Pending)
        .Order.Payment(1)!.GatewayReference.ShouldBe("link_1");

    [Fact]
    public void Looking_does_not_use_up_the_tries_for_a_link()
    {
        var story = Given.Order().Pays().Hears(Tell.NotSent());
        for (var i = 0; i < 10; i++) story.Later(TimeSpan.FromMilliseconds(10)).When(new OrderCommand.Look(1)).Same(1).Asked();
    }
}
