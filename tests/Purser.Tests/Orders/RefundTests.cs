using Purser.Orders;
using Purser.Payments;
using Purser.Refunds;

namespace Purser.Tests.Orders;

/// <summary>Money given back: reserved before the gateway hears of it, asked for under one key, and never twice.</summary>
public sealed class RefundTests
{
    static Scenario Paid(OrderPolicy? policy = null) => Given.Order(policy).HasLink().Hears(Tell.Succeeded());

    static RefundEvidence.Succeeded Back(long rupees) => new RefundEvidence.Succeeded(Given.Rupees(rupees)) { RefundReference = "rfnd_1" };

    [Fact]
    public void All_that_is_left_goes_back_and_the_books_clear() => Paid().Refunds().Made(1).Told("refund.requested").Asked("refund 1").Backs("499.00 INR requested")
        .Hears(new RefundEvidence.Accepted()).Told().Backs("499.00 INR sent")
        .Hears(Back(499)).Told("refund.succeeded").Backs("499.00 INR succeeded").Books("sales -499.00 INR", "refunds 499.00 INR");

    [Fact]
    public void Two_parts_of_sixty_of_a_hundred_are_one_too_many() => Paid().Refunds(300).Refunds(300).Refused(Refusal.RefundTooLarge).Refunds(199).Made(1)
        .Refunds(1).Refused(Refusal.NothingLeft).Backs("300.00 INR requested", "199.00 INR requested");

    [Fact]
    public void The_second_of_two_callers_who_want_the_rest_gets_the_first_refund() =>
        Paid().Refunds(100).Refunds().Backs("100.00 INR requested", "399.00 INR requested").Refunds().Same(1).Told().Asked()
            .Backs("100.00 INR requested", "399.00 INR requested");

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(500)]
    public void A_refund_of_nothing_of_less_and_of_more_is_refused(long rupees) => Paid().Refunds(rupees).Refused(Refusal.RefundTooLarge).Told().Asked();

    [Fact]
    public void Money_of_another_currency_is_refused() =>
        Paid().When(new OrderCommand.Refund(null, new Money(100, Currency.Find("USD")), null)).Refused(Refusal.RefundTooLarge);

    [Fact]
    public void Nothing_goes_back_while_it_is_not_known_whether_anything_came()
    {
        Given.Order().HasLink().Refunds().Refused(Refusal.NothingCaptured);
        Given.Order().Pays().Hears(Tell.Lost()).Refunds(payment: 1).Refused(Refusal.NothingCaptured);
    }

    [Fact]
    public void A_lost_answer_keeps_the_amount_reserved_and_is_asked_about_by_our_reference()
    {
        var story = Paid().Refunds(400).Hears(new RefundEvidence.AnswerLost(1, "time-out")).Backs("400.00 INR unresolved").Refunds(100).Refused(Refusal.RefundTooLarge);
        story.Later(TimeSpan.FromSeconds(5)).Tick().Asked("inquire refund 1");
        story.Hears(Back(400), source: EvidenceSource.Inquiry).Told("refund.succeeded").Backs("400.00 INR succeeded");
    }

    [Fact]
    public void What_the_gateway_does_not_know_is_asked_for_again_under_the_same_key_and_not_before_its_time()
    {
        var story = Paid().Refunds(400).Hears(new RefundEvidence.AnswerLost(1, "time-out"));
        story.Later(TimeSpan.FromSeconds(5)).Hears(new RefundEvidence.Absent(), source: EvidenceSource.Inquiry).Asked();
        story.Later(TimeSpan.FromMinutes(2)).Hears(new RefundEvidence.Absent(), source: EvidenceSource.Inquiry).Asked();
        story.Later(TimeSpan.FromSeconds(11)).Hears(new RefundEvidence.Absent(), source: EvidenceSource.Inquiry).Asked("refund 1").Told();
        story.Order.Refunds.Length.ShouldBe(1);
        story.Order.Refunds[0].Asks.ShouldBe(2);
    }

    [Fact]
    public void A_question_that_never_left_us_is_asked_again_by_the_alarm() => Paid().Refunds().Hears(new RefundEvidence.NotSent(1, "no route")).Told()
        .Later(TimeSpan.FromSeconds(2)).Tick().Asked("refund 1").Backs("499.00 INR requested");

    [Fact]
    public void A_hint_about_a_refund_that_never_left_keeps_no_alarm_ringing_once_it_is_asked_for() => Paid().Refunds().When(new OrderCommand.LookRefund(1))
        .Hears(new RefundEvidence.NotSent(1, "no route")).Later(TimeSpan.FromMinutes(10)).Tick().Asked("refund 1").Check(s => s.Order.WakeAt.ShouldBe(s.Now + TimeSpan.FromSeconds(5)));

    [Fact]
    public void A_refused_refund_that_the_gateway_hints_at_is_asked_about_when_it_is_asked_for_anew()
    {
        var story = Paid().Hears(Tell.Succeeded("money_2")).Hears(new RefundEvidence.Rejected("balance too low")).When(new OrderCommand.LookRefund(1)).Asked("inquire refund 1");
        story.Later(TimeSpan.FromHours(2)).Tick().Asked("refund 2", "inquire refund 1").Tick().Asked();
    }

    [Fact]
    public void Nor_once_it_has_ended_because_its_money_is_gone()
    {
        var story = Paid().Refunds().When(new OrderCommand.LookRefund(1)).Hears(new RefundEvidence.NotSent(1, "no route")).Hears(Tell.DisputeOpened());
        story.Later(TimeSpan.FromMinutes(10)).Tick().Asked().Backs("499.00 INR failed").Order.WakeAt.ShouldBeNull();
    }

    [Fact]
    public void An_alarm_that_never_heard_an_answer_asks_what_became_of_it_before_it_asks_again() =>
        Paid().Refunds().Later(TimeSpan.FromSeconds(6)).Tick().Asked("inquire refund 1");

    [Fact]
    public void A_refund_that_fails_days_later_gives_the_amount_back_and_asks_a_person() => Paid().Refunds().Hears(Back(499)).Later(TimeSpan.FromDays(3))
        .Hears(new RefundEvidence.Failed("account closed")).Told("refund.failed", "discrepancy.opened").Backs("499.00 INR failed")
        .Questions("refund_failed 499.00 INR").Books("receivable:careful 499.00 INR", "sales -499.00 INR")
        .Refunds(499).Told("refund.requested", "discrepancy.resolved").Questions().Hears(Back(499) with { RefundReference = "rfnd_2" })
        .Backs("499.00 INR failed", "499.00 INR succeeded").Books("refunds 499.00 INR", "sales -499.00 INR");

    [Fact]
    public void Each_part_that_fails_after_it_went_is_asked_about_whichever_was_asked_for_last()
    {
        static Scenario Parts() => Paid().Refunds(100).Hears(Back(100)).Refunds(200).Hears(Back(200) with { RefundReference = "rfnd_2" });
        var failed = new RefundEvidence.Failed("account closed");
        string[] both = ["refund_failed 200.00 INR", "refund_failed 100.00 INR"];
        var story = Parts().Hears(failed, refund: 1).Told("refund.failed", "discrepancy.opened").Questions("refund_failed 100.00 INR").Books("receivable:careful 299.00 INR", "refunds 200.00 INR", "sales -499.00 INR");
        story.Hears(failed, refund: 1).Told().Hears(failed, refund: 2).Told("refund.failed", "discrepancy.opened").Questions(both);
        var name = new RefundId(story.Order.Id, 1).Reference;
        // A person gives back what was to go back.
        var again = Parts().Hears(failed, refund: 1).When(new OrderCommand.Answer(1, DiscrepancyKind.RefundFailed, name, AnswerAction.Refund, "Asha", "another account"));
        again.Told("refund.requested", "discrepancy.resolved").Backs("100.00 INR failed", "200.00 INR succeeded", "100.00 INR requested").Questions();
        // Or has done so by another way, and takes that back.
        var closed = Parts().Hears(failed, refund: 1).When(new OrderCommand.Answer(1, DiscrepancyKind.RefundFailed, name, AnswerAction.Close, "Asha", "paid in cash")).Questions();
        closed.When(new OrderCommand.Reopen(1, DiscrepancyKind.RefundFailed, name, "Asha", "not paid")).Told("discrepancy.opened").Questions("refund_failed 100.00 INR");
        // Money that is given back anew answers all of them, also what was closed.
        Parts().Hears(failed, refund: 1).Hears(failed, refund: 2).Refunds().Told("refund.requested", "discrepancy.resolved", "discrepancy.resolved").Questions().Hears(new RefundEvidence.Rejected("busy")).Questions("refund_failed 499.00 INR");
        // What answers one of them leaves the other asked about, whichever it is.
        Scenario Two() => Parts().Hears(failed, refund: 1).Hears(failed, refund: 2);
        var one = Two().When(new OrderCommand.Answer(1, DiscrepancyKind.RefundFailed, name, AnswerAction.Refund, "Asha", "another account"));
        one.Told("refund.requested", "discrepancy.resolved", "discrepancy.resolved", "discrepancy.opened").Questions("refund_failed 200.00 INR").Hears(Back(100), refund: 3).Questions("refund_failed 200.00 INR");
        one.When(new OrderCommand.Answer(1, DiscrepancyKind.RefundFailed, new RefundId(story.Order.Id, 2).Reference, AnswerAction.Refund, "Asha", "that, too")).Told("refund.requested", "discrepancy.resolved").Questions();
        Two().When(new OrderCommand.Answer(1, DiscrepancyKind.RefundFailed, story.Order.Refund(2)!.MoneyReference, AnswerAction.Refund, "Asha", "x"))
            .Told("refund.requested", "discrepancy.resolved").Backs("100.00 INR failed", "200.00 INR failed", "200.00 INR requested").Questions("refund_failed 100.00 INR");
        // So does a refund that is asked for by itself: it answers as much as it is.
        Two().Refunds(100).Questions("refund_failed 200.00 INR").Refunds(50).Questions("refund_failed 200.00 INR").Refunds(349).Questions();
        Two().Refunds(50).Questions("refund_failed 100.00 INR", "refund_failed 200.00 INR");
        // It was refused, another was asked for, and it went after all.
        Paid().Refunds(100).Refunds(200).Hears(new RefundEvidence.Rejected("busy"), refund: 1).Questions("refund_failed 100.00 INR")
            .Hears(Back(100), refund: 1).Told("refund.succeeded", "discrepancy.resolved").Questions().Hears(failed, refund: 1).Questions("refund_failed 100.00 INR");
    }

    [Fact]
    public void News_of_success_after_failure_does_not_raise_it_again() => Paid().Refunds().Hears(new RefundEvidence.Failed("account closed")).Hears(Back(499)).Told()
        .Backs("499.00 INR failed");

    [Fact]
    public void A_no_that_was_none_is_corrected_unless_the_amount_is_given_elsewhere()
    {
        Paid().Refunds().Hears(new RefundEvidence.Rejected("busy")).Hears(Back(499)).Told("refund.succeeded", "discrepancy.resolved").Backs("499.00 INR succeeded").Questions();
        Paid().Refunds().Hears(new RefundEvidence.Rejected("busy")).Refunds().Hears(Back(499), refund: 1).Told("discrepancy.opened")
            .Backs("499.00 INR failed", "499.00 INR requested").Questions("refund_unasked 499.00 INR").Books("refunds 499.00 INR", "sales -499.00 INR");
    }

    [Fact]
    public void A_duplicate_that_the_gateway_refuses_to_refund_is_asked_for_three_times_more_and_then_left_to_a_person()
    {
        var story = Paid().Hears(Tell.Succeeded("money_2"));
        for (var tries = 1; tries <= 4; tries++)
        {
            story.Order.Refunds.Length.ShouldBe(tries);
            story.Hears(new RefundEvidence.Rejected("balance too low")).Questions("refund_failed 499.00 INR");
            if (tries <= 3) story.Later(TimeSpan.FromHours(25)).Tick().Told("refund.requested", "discrepancy.resolved").Asked($"refund {tries + 1}").Questions();
        }
        story.Order.WakeAt.ShouldBeNull();
    }

    [Fact]
    public void A_person_may_leave_a_refused_refund_and_then_nobody_asks_again()
    {
        var story = Paid().Hears(Tell.Succeeded("money_2")).Hears(new RefundEvidence.Rejected("balance too low"));
        story.When(new OrderCommand.Answer(1, DiscrepancyKind.RefundFailed, "money_2", AnswerAction.Close, "Asha", "paid by bank transfer")).Told("discrepancy.resolved").Questions();
        story.Order.WakeAt.ShouldBeNull();
        story.When(new OrderCommand.Reopen(1, DiscrepancyKind.RefundFailed, "money_2", "Asha", "it came back")).Told("discrepancy.opened").Questions("refund_failed 499.00 INR");
    }

    [Theory]
    [InlineData("INR")]
    [InlineData("USD")]
    public void The_right_amount_does_not_count_while_more_or_another_currency_is_on_its_way_back(string currency)
    {
        var garbled = new Money(60000, Currency.Find(currency));
        var story = Given.Order().HasLink().Hears(Tell.Succeeded("money_1", garbled)).Refunds(payment: 1).Made(1);
        story.Hears(Tell.Succeeded()).Asked("inquire 1").Told();
        story.Hears(Tell.Succeeded(), source: EvidenceSource.Inquiry).Asked().Told("discrepancy.opened").Questions("contradiction");
        story.Order.Status.ShouldBe(OrderStatus.AwaitingPayment);
        story.Hears(new RefundEvidence.Rejected("more than was paid")).Asked("inquire 1");
        story.Hears(Tell.Succeeded(), source: EvidenceSource.Inquiry).Told("payment.succeeded", "order.paid", "discrepancy.resolved").Questions($"refund_failed 600.00 {currency}");
        story.Order.Status.ShouldBe(OrderStatus.Paid);
    }

    [Fact]
    public void A_person_who_closed_the_question_about_a_wrong_amount_is_not_contradicted_when_the_right_one_goes_back()
    {
        var story = Given.Order().HasLink().Hears(Tell.Succeeded("money_1", Given.Rupees(600)));
        story.When(new OrderCommand.Answer(1, DiscrepancyKind.AmountMismatch, "money_1", AnswerAction.Close, "Asha", "seen")).Told("discrepancy.resolved");
        story.When(new OrderCommand.Cancel()).Hears(Tell.Succeeded("money_1"))
            .Told("discrepancy.opened", "payment.late", "refund.requested", "discrepancy.resolved").Questions().Books("receivable:careful 499.00 INR", "sales -499.00 INR");
    }

    [Fact]
    public void A_disputed_payment_is_not_refunded_as_well()
    {
        Paid().Hears(Tell.DisputeOpened()).Refunds().Refused(Refusal.MoneyDisputed);
        Paid().Hears(Tell.Reversed()).Refunds().Refused(Refusal.MoneyDisputed);
        Paid().Hears(Tell.DisputeOpened()).Hears(Tell.DisputeClosed(won: true)).Refunds().Made(1);
    }

    [Fact]
    public void Money_that_pays_nothing_goes_back_whole()
    {
        var story = Paid(new OrderPolicy(Duplicate: DuplicatePolicy.Ask)).Hears(Tell.Succeeded("money_2"));
        story.When(new OrderCommand.Refund(1, Given.Rupees(100), null, "money_2")).Refused(Refusal.RefundWhole);
        story.When(new OrderCommand.Answer(1, DiscrepancyKind.Duplicate, "money_2", AnswerAction.Refund, "Asha", "paid twice"))
            .Told("refund.requested", "discrepancy.resolved").Questions();
        story.Order.Refunds.ShouldHaveSingleItem().Reason.ShouldBe(RefundReason.Duplicate);
    }

    [Fact]
    public void Money_of_a_wrong_amount_goes_back_out_of_suspense() => Given.Order().HasLink().Hears(Tell.Succeeded(amount: Given.Rupees(100)))
        .Books("receivable:careful 100.00 INR", "suspense -100.00 INR")
        .When(new OrderCommand.Answer(1, DiscrepancyKind.AmountMismatch, "money_1", AnswerAction.Refund, "Asha", "not the order's amount")).Questions()
        .Hears(Back(100)).Books();

    [Fact]
    public void A_person_accepts_late_money_once()
    {
        var story = Given.Order(new OrderPolicy(LatePolicy.Ask)).HasLink().When(new OrderCommand.Cancel()).Hears(Tell.Succeeded()).Questions("late 499.00 INR");
        story.When(new OrderCommand.Answer(1, DiscrepancyKind.Late, "money_1", AnswerAction.Accept, "Asha", "shipped already")).Told("discrepancy.resolved", "order.paid")
            .Then(OrderStatus.Paid, PaymentStatus.Succeeded);
        story.When(new OrderCommand.Reopen(1, DiscrepancyKind.Late, "money_1", "Asha", "no")).Refused(Refusal.AnswerFinal);
    }

    [Fact]
    public void A_gateway_that_knows_one_refund_is_asked_for_one()
    {
        var once = Given.Rules with { Accounts = Given.Rules.Accounts.ToDictionary(a => a.Key, a => a.Value with { RefundsOnce = true }) };
        Given.Order(rules: once).HasLink().Hears(Tell.Succeeded()).Refunds(100).Refunds(100).Refused(Refusal.RefundedOnce)
            .Hears(new RefundEvidence.Failed("no")).Refunds(100).Made(1);
        Given.Order(rules: once).HasLink().Hears(Tell.Succeeded()).Refunds(100).Hears(Tell.Succeeded("money_2")).Questions("duplicate 499.00 INR");
    }

    [Fact]
    public void A_refund_made_in_the_gateways_console_is_seen_booked_once_and_shown_to_a_person()
    {
        var outside = new RefundEvidence.Succeeded(Given.Rupees(50)) { RefundReference = "rfnd_x" };
        Paid().Hears(outside, refund: 0, payment: 1).Told("discrepancy.opened").Questions("refund_unasked 50.00 INR")
            .Books("receivable:careful 449.00 INR", "refunds 50.00 INR", "sales -499.00 INR").Hears(outside, refund: 0, payment: 1).Told();
    }

    [Fact]
    public void News_of_a_refund_without_our_reference_may_be_ours_while_its_answer_is_out()
    {
        var story = Paid().Refunds(100).Hears(new RefundEvidence.Succeeded(Given.Rupees(100)) { RefundReference = "rfnd_1" }, refund: 0, payment: 1).Told().Asked("inquire refund 1");
        story.Hears(Back(100), refund: 1).Hears(new RefundEvidence.Succeeded(Given.Rupees(100)) { RefundReference = "rfnd_1" }, refund: 0, payment: 1).Told().Questions();
    }

    [Fact]
    public void Evidence_about_a_refund_that_nobody_asked_for_is_not_kept_as_ours() => Paid().Hears(Back(100), refund: 2).Refused(Refusal.RefundUnknown);

    [Fact]
    public void Another_amount_than_was_asked_for_is_no_success_and_the_gateway_is_asked() => Paid().Refunds(100).Hears(Back(90))
        .Told("discrepancy.opened").Asked("inquire refund 1").Questions("settled_otherwise 100.00 INR").Books("receivable:careful 499.00 INR", "sales -499.00 INR")
        .Hears(Back(100), source: EvidenceSource.Inquiry).Told("refund.succeeded", "discrepancy.resolved").Questions().Hears(Back(90)).Told().Questions();

    [Fact]
    public void What_looks_like_a_reversal_is_our_own_refund_once_the_gateway_has_taken_it_on()
    {
        Paid().Refunds().Hears(new RefundEvidence.Accepted()).Hears(Tell.Reversed()).Told().Questions();
        Paid().Refunds().Hears(Tell.Reversed()).Questions("reversed 499.00 INR").Hears(Back(499)).Told("refund.succeeded", "discrepancy.resolved").Questions()
            .Books("refunds 499.00 INR", "sales -499.00 INR");
        Paid().Refunds(100).Hears(new RefundEvidence.Accepted()).Hears(Tell.Reversed()).Questions("reversed 499.00 INR");
    }

    /// <summary>A gateway takes a refund on, takes the money back by itself, and lets the refund fail for that.</summary>
    [Fact]
    public void What_was_taken_for_our_refund_is_asked_about_until_it_is_told_when_that_refund_fails()
    {
        foreach (var story in new[]
        {
            Paid().Refunds().Hears(new RefundEvidence.Accepted()).Hears(Tell.Reversed()), Paid().Refunds().Hears(Tell.Reversed()).Hears(new RefundEvidence.Accepted()),
            Paid().Refunds().Hears(new RefundEvidence.Accepted()).Hears(Back(499)).Hears(Tell.Reversed()),
        })
        {
            story.Hears(new RefundEvidence.Failed("closed account")).Asked("inquire 1").Books("receivable:careful 499.00 INR", "sales -499.00 INR");
            // The answer is lost, and the next one is not.
            story.Until(story.Now - Given.Start + TimeSpan.FromHours(2)).Check(s => s.Calls.Count(c => c is GatewayCall.Inquire).ShouldBeGreaterThan(1));
            story.Hears(Tell.Reversed(), source: EvidenceSource.Inquiry).Questions("reversed 499.00 INR", "refund_failed 499.00 INR").Books("refunds 499.00 INR", "sales -499.00 INR")
                .Check(s => s.First.HeardAt.ShouldBeNull());
        }
        // Nothing came of it but the refund's own end: the gateway has the money again, and says so.
        Paid().Refunds().Hears(new RefundEvidence.Accepted()).Hears(Tell.Reversed()).Hears(new RefundEvidence.Failed("closed account"))
            .Hears(Tell.Succeeded(), source: EvidenceSource.Inquiry).Told().Questions("refund_failed 499.00 INR").Check(s => s.First.HeardAt.ShouldBeNull());
    }

    [Fact]
    public void A_refund_that_was_made_at_the_gateway_and_its_word_that_the_money_went_back_are_one_in_either_order()
    {
        var outside = new RefundEvidence.Succeeded(Given.Rupees(499)) { RefundReference = "rfnd_x" };
        Paid().Hears(outside, refund: 0, payment: 1).Hears(Tell.Reversed()).Told().Questions("refund_unasked 499.00 INR").Books("refunds 499.00 INR", "sales -499.00 INR");
        Paid().Hears(Tell.Reversed()).Hears(outside, refund: 0, payment: 1).Told("discrepancy.opened", "discrepancy.resolved").Questions("refund_unasked 499.00 INR")
            .Books("refunds 499.00 INR", "sales -499.00 INR");
        // Both before the money.
        Given.Order().HasLink().Hears(outside, refund: 0, payment: 1).Hears(Tell.Reversed()).Hears(Tell.Succeeded()).Questions("refund_unasked 499.00 INR")
            .Books("refunds 499.00 INR", "sales -499.00 INR");
        // A part there and the rest by us.
        var part = new RefundEvidence.Succeeded(Given.Rupees(100)) { RefundReference = "rfnd_x" };
        Paid().Hears(part, refund: 0, payment: 1).Refunds().Backs("399.00 INR requested").Hears(Back(399)).Hears(Tell.Reversed()).Told().Questions("refund_unasked 100.00 INR");
        Paid().Hears(outside, refund: 0, payment: 1).Refunds().Refused(Refusal.NothingLeft);
    }

    [Fact]
    public void A_reversal_is_booked_for_what_no_refund_is_known_to_have_given_back_in_any_order()
    {
        var outside = new RefundEvidence.Succeeded(Given.Rupees(399)) { RefundReference = "rfnd_x" };
        string[] books = ["refunds 499.00 INR", "sales -499.00 INR"];
        Paid().Refunds(100).Hears(Back(100)).Hears(Tell.Reversed()).Questions("reversed 399.00 INR").Books(books)
            .Hears(outside, refund: 0, payment: 1).Told("discrepancy.opened", "discrepancy.resolved").Questions("refund_unasked 399.00 INR").Books(books);
        Paid().Refunds(100).Hears(Tell.Reversed()).Questions("reversed 499.00 INR").Books(books).Hears(Back(100))
            .Told("refund.succeeded", "discrepancy.resolved", "discrepancy.opened").Questions("reversed 399.00 INR").Books(books)
            .Hears(outside, refund: 0, payment: 1).Questions("refund_unasked 399.00 INR").Books(books);
        Paid().Hears(Tell.Reversed()).Hears(outside, refund: 0, payment: 1).Questions("reversed 100.00 INR", "refund_unasked 399.00 INR").Books(books);
        // What comes back after that is there again.
        Paid().Refunds(100).Hears(Back(100)).Hears(Tell.Reversed()).Hears(new RefundEvidence.Failed("closed account"))
            .Books("receivable:careful 100.00 INR", "refunds 399.00 INR", "sales -499.00 INR");
    }

    [Fact]
    public void A_row_named_like_a_refund_that_the_gateway_made_is_not_taken_for_one_of_ours_by_its_amount()
    {
        var outside = new RefundEvidence.Succeeded(Given.Rupees(100)) { RefundReference = "rfnd_x" };
        var row = new RefundEvidence.Settled(new Settled("row_x", Given.Rupees(100), Given.Rupees(-100)), PaidOut: true) { RefundReference = "rfnd_x", Guessed = true };
        Paid().Hears(outside, refund: 0, payment: 1).Refunds(100).Hears(new RefundEvidence.Succeeded(Given.Rupees(100))).Hears(row, refund: 1, payment: 1, source: EvidenceSource.Settlement)
            .Check(s => (s.Order.Refund(1)!.Settled, s.First.OutsideRefunds[0].RowKey).ShouldBe((null, "row_x")));
    }

    [Fact]
    public void A_refund_that_was_made_at_the_gateway_is_of_the_money_that_it_names_where_a_payment_has_two()
    {
        var outside = new RefundEvidence.Succeeded(Given.Rupees(499)) { RefundReference = "rfnd_x", MoneyReference = "money_1" };
        Scenario Twice() => Given.Order(new OrderPolicy(Duplicate: DuplicatePolicy.Ask)).HasLink().Hears(Tell.Succeeded()).Hears(Tell.Succeeded("money_2"));
        Twice().Hears(outside, refund: 0, payment: 1).Hears(Tell.Reversed()).Told().Books("receivable:careful 499.00 INR", "refunds 499.00 INR", "sales -998.00 INR")
            .Refunds().Refused(Refusal.NothingLeft);
        Twice().Hears(Tell.Reversed()).Hears(outside, refund: 0, payment: 1).Told("discrepancy.opened", "discrepancy.resolved")
            .Books("receivable:careful 499.00 INR", "refunds 499.00 INR", "sales -998.00 INR");
        Twice().Hears(outside, refund: 0, payment: 1).Hears(Tell.Reversed("money_2")).Told("discrepancy.opened").Books("refunds 998.00 INR", "sales -998.00 INR");
    }

    [Fact]
    public void Late_money_that_somebody_gave_back_at_the_gateway_is_not_given_back_by_itself_as_well()
    {
        var outside = new RefundEvidence.Succeeded(Given.Rupees(499)) { RefundReference = "rfnd_x", MoneyReference = "money_1" };
        Given.Order().HasLink().When(new OrderCommand.Cancel()).Hears(outside, refund: 0, payment: 1).Hears(Tell.Reversed()).Hears(Tell.Succeeded())
            .HasRefunds().Questions("late 499.00 INR", "refund_unasked 499.00 INR").Books("refunds 499.00 INR", "sales -499.00 INR");
        Given.Order().HasLink().When(new OrderCommand.Cancel()).Hears(Tell.Succeeded()).HasRefunds(Given.Rupees(499));
    }
}
