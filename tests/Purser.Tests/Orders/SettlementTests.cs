using Purser.Orders;
using Purser.Payments;
using Purser.Refunds;

namespace Purser.Tests.Orders;

/// <summary>Rows of a gateway's statement, on the order they are about.</summary>
public sealed class SettlementTests
{
    static readonly Settled Row = new("row_1", Given.Rupees(499), new Money(49311, Given.Inr), new Money(499, Given.Inr), new Money(90, Given.Inr), new DateOnly(2026, 3, 3), "utr_1");

    static Scenario Paid() => Given.Order(rules: Given.Contracted).HasLink().Hears(Tell.Succeeded());

    static Evidence.Settled Has(Settled row, bool paidOut = true) => new Evidence.Settled("money_1", row, paidOut);

    [Fact]
    public void What_the_contract_says_is_written_down_when_the_money_comes() => Paid().First.Captures[0].Expected
        .ShouldBe(new Expected(new Money(499, Given.Inr), new Money(90, Given.Inr), new DateOnly(2026, 3, 3)));

    [Fact]
    public void A_row_books_fee_tax_and_payout_once()
    {
        var story = Paid().Hears(Has(Row), source: EvidenceSource.Settlement).Told("settlement.matched").Questions();
        string[] books = ["bank 493.11 INR", "fee_tax 0.90 INR", "fees 4.99 INR", "sales -499.00 INR"];
        story.Books(books).Hears(Has(Row), source: EvidenceSource.Settlement).Told().Books(books);
    }

    [Fact]
    public void A_row_that_is_no_payout_leaves_the_net_with_the_gateway() => Paid().Hears(Has(Row, paidOut: false)).Books(
        "receivable:careful 493.11 INR", "fee_tax 0.90 INR", "fees 4.99 INR", "sales -499.00 INR");

    [Fact]
    public void What_a_row_keeps_and_does_not_name_is_a_fee() => Paid().Hears(Has(new Settled("row_1", Given.Rupees(499), Given.Rupees(494)))).Books(
        "bank 494.00 INR", "fees 5.00 INR", "sales -499.00 INR");

    [Fact]
    public void A_fee_above_the_contract_is_found_and_rounding_is_not()
    {
        Paid().Hears(Has(Row with { Net = new Money(49309, Given.Inr) })).Questions();
        Paid().Hears(Has(Row with { Net = new Money(49308, Given.Inr) })).Told("settlement.matched", "discrepancy.opened").Questions("fee_mismatch 499.00 INR");
    }

    [Fact]
    public void A_row_that_pays_out_more_than_came_or_keeps_another_sum_than_it_names_is_asked_about_without_any_contract()
    {
        static Scenario Says(long net, long? fee = null, long? tax = null, string currency = "INR") => Given.Order().HasLink().Hears(Tell.Succeeded())
            .Hears(Has(new Settled("row_1", Given.Rupees(499), new Money(net, Currency.Find(currency)), fee is { } f ? new Money(f, Currency.Find(currency)) : null, tax is { } t ? new Money(t, Currency.Find(currency)) : null)));
        Says(49901).Questions("fee_mismatch 499.00 INR");
        Says(49900).Questions();
        Says(40000).Questions();
        Says(49311, 499, 90).Questions();
        Says(49309, 499, 90).Questions();
        Says(49308, 499, 90).Questions("fee_mismatch 499.00 INR");
        Says(49314, 499, 90).Questions("fee_mismatch 499.00 INR");
        Says(long.MinValue / 8, 499, 90).Questions("fee_mismatch 499.00 INR");
        // What was exchanged is not judged.
        Says(60000, 499, 90, "USD").Questions();
    }

    [Fact]
    public void A_fee_that_was_too_much_of_a_wrong_amount_alone_is_asked_about_no_more_when_the_right_one_is_known() => Given.Order(rules: Given.Contracted).HasLink()
        .Hears(Tell.Succeeded(amount: Given.Rupees(400))).Hears(Has(Row)).Questions("amount_mismatch 400.00 INR", "settled_otherwise 400.00 INR", "fee_mismatch 400.00 INR")
        .Hears(Tell.Succeeded(), source: EvidenceSource.Inquiry).Told("payment.succeeded", "order.paid", "discrepancy.resolved", "discrepancy.resolved", "discrepancy.resolved").Questions();

    [Fact]
    public void A_row_with_the_money_answers_what_spoke_against_it_and_a_row_with_other_money_does_not()
    {
        static Scenario Doubted() => Paid().Hears(Tell.Failed).Hears(Tell.Failed, source: EvidenceSource.Inquiry).Questions("contradiction");
        Doubted().Hears(Has(Row), source: EvidenceSource.Settlement).Told("settlement.matched", "discrepancy.resolved").Questions().Check(s => s.Order.WakeAt.ShouldBeNull());
        Doubted().Hears(Has(Row with { Amount = Given.Rupees(490), Net = Given.Rupees(490), Fee = null, Tax = null })).Questions("contradiction", "settled_otherwise 499.00 INR");
    }

    [Fact]
    public void Money_of_another_amount_that_is_denied_afterwards_is_asked_about_until_it_is_told_again()
    {
        static Scenario Held() => Given.Order(rules: Given.Contracted).HasLink().Hears(Tell.Succeeded(amount: Given.Rupees(400)));
        static Scenario Deny(Scenario story) => story.Hears(Tell.Failed, source: EvidenceSource.Inquiry);
        static Scenario Insist() => Deny(Deny(Held()).Told().Check(s => s.Order.WakeAt.ShouldNotBeNull())).Told("discrepancy.opened").Questions("contradiction", "amount_mismatch 400.00 INR");
        var row = Row with { Amount = Given.Rupees(400), Net = Given.Rupees(400), Fee = null, Tax = null };

        Deny(Insist()).Told().Hears(Tell.Succeeded(amount: Given.Rupees(400)), source: EvidenceSource.Webhook).Told();
        Insist().Hears(Tell.Succeeded(amount: Given.Rupees(400)), source: EvidenceSource.Inquiry).Told("discrepancy.resolved").Questions("amount_mismatch 400.00 INR");
        Insist().Hears(Tell.Succeeded(amount: Given.Rupees(410)), source: EvidenceSource.Inquiry).Questions("amount_mismatch 410.00 INR");
        Insist().Hears(Tell.Succeeded(), source: EvidenceSource.Inquiry).Then(OrderStatus.Paid, PaymentStatus.Succeeded).Questions();
        Insist().Hears(Has(row), source: EvidenceSource.Settlement).Told("settlement.matched", "discrepancy.resolved").Questions("amount_mismatch 400.00 INR");
        Insist().Hears(Has(row with { Amount = Given.Rupees(390), Net = Given.Rupees(390) }), source: EvidenceSource.Settlement).Questions("contradiction", "amount_mismatch 400.00 INR", "settled_otherwise 400.00 INR");
        // An order that is over is asked about until it is clear.
        Deny(Held().When(new OrderCommand.Cancel())).Until(TimeSpan.FromDays(20)).Check(s => s.Order.WakeAt.ShouldNotBeNull());
        // What a statement has is there; and what a person took for income is asked about when it is not.
        Deny(Deny(Held().Hears(Has(row), source: EvidenceSource.Settlement))).Told().Questions("amount_mismatch 400.00 INR");
        Deny(Deny(Held().When(new OrderCommand.Answer(1, DiscrepancyKind.AmountMismatch, "money_1", AnswerAction.Close, "Asha", "known")))).Questions("contradiction");
        Held().Hears(Tell.Failed, source: EvidenceSource.Webhook).Hears(Tell.Failed, source: EvidenceSource.Webhook).Questions("amount_mismatch 400.00 INR");
    }

    [Fact]
    public void The_row_of_a_second_success_answers_nothing_that_is_asked_of_the_first() => Paid().Hears(Tell.Succeeded("money_2")).Hears(Tell.Failed)
        .Hears(Tell.Failed, source: EvidenceSource.Inquiry).Hears(new Evidence.Settled("money_2", Row, true), source: EvidenceSource.Settlement)
        .Check(s => s.Order.Payment(1)!.Discrepancy.ShouldBe(DiscrepancyKind.Contradiction));

    [Fact]
    public void The_row_of_late_money_answers_what_spoke_against_it() => Given.Order(rules: Given.Contracted).HasLink().When(new OrderCommand.Cancel()).Hears(Tell.Succeeded()).Hears(Tell.Failed)
        .Hears(Tell.Failed, source: EvidenceSource.Inquiry).Check(s => s.Order.Payment(1)!.Discrepancy.ShouldBe(DiscrepancyKind.Contradiction))
        .Hears(Has(Row), source: EvidenceSource.Settlement).Check(s => s.Order.Payment(1)!.Discrepancy.ShouldBeNull());

    [Fact]
    public void Another_amount_waits_in_suspense_and_is_asked_about() => Paid().Hears(Has(Row with { Amount = Given.Rupees(490), Net = Given.Rupees(490), Fee = null, Tax = null }))
        .Told("settlement.matched", "discrepancy.opened").Questions("settled_otherwise 499.00 INR").Books("bank 490.00 INR", "suspense 9.00 INR", "sales -499.00 INR");

    [Fact]
    public void A_row_in_another_currency_goes_over_exchange()
    {
        var usd = Currency.Find("USD");
        Paid().Hears(Has(new Settled("row_1", Given.Rupees(499), new Money(570, usd), new Money(20, usd)))).Books(
            "bank 5.70 USD", "fees 0.20 USD", "exchange -5.90 USD", "exchange 499.00 INR", "sales -499.00 INR");
    }

    [Fact]
    public void The_same_row_in_other_words_and_another_row_are_questions()
    {
        Paid().Hears(Has(Row)).Hears(Has(Row with { Net = Given.Rupees(480) })).Told("discrepancy.opened").Questions("settled_otherwise 499.00 INR");
        Paid().Hears(Has(Row)).Hears(Has(Row with { RowKey = "row_2" })).Told("discrepancy.opened").Questions("settled_twice 499.00 INR")
            .Books("bank 986.22 INR", "suspense -493.11 INR", "fee_tax 0.90 INR", "fees 4.99 INR", "sales -499.00 INR")
            .Hears(Has(Row with { RowKey = "row_2" })).Told();
    }

    [Fact]
    public void Every_row_of_the_same_money_is_posted_once_and_asked_about_whatever_was_answered_before()
    {
        static Scenario Hear(Scenario story, Settled row) => story.Hears(Has(row), source: EvidenceSource.Settlement);
        static Scenario Close(Scenario story, DiscrepancyKind kind) => story.When(new OrderCommand.Answer(1, kind, "money_1", AnswerAction.Close, "Asha", "told the gateway"));
        var (second, third, other) = (Row with { RowKey = "row_2" }, Row with { RowKey = "row_3" }, Row with { Net = Given.Rupees(480) });
        string[] books = ["bank 1479.33 INR", "suspense -986.22 INR", "fee_tax 0.90 INR", "fees 4.99 INR", "sales -499.00 INR"];

        var open = Hear(Hear(Hear(Paid(), Row), second), third).Told("discrepancy.resolved", "discrepancy.opened").Questions("settled_twice 499.00 INR").Books(books);
        foreach (var row in (Settled[])[Row, second, third]) Hear(open, row).Told().Books(books);
        var closed = Hear(Close(Hear(Hear(Paid(), Row), second), DiscrepancyKind.SettledTwice).Questions(), third).Told("discrepancy.opened", "discrepancy.resolved", "discrepancy.opened").Questions("settled_twice 499.00 INR").Books(books);
        Hear(Hear(Close(closed, DiscrepancyKind.SettledTwice), second), third).Told().Questions()
            .Books("bank 1479.33 INR", "fee_tax 0.90 INR", "fees -981.23 INR", "sales -499.00 INR");
        // The same row in other words, and again in others.
        Hear(Close(Hear(Hear(Paid(), Row), other), DiscrepancyKind.SettledOtherwise).Questions(), Row with { Net = Given.Rupees(470) }).Told("discrepancy.opened").Questions("settled_otherwise 499.00 INR");
        Hear(Close(Hear(Hear(Paid(), Row), other), DiscrepancyKind.SettledOtherwise), other).Told().Questions();
    }

    [Fact]
    public void Closing_what_is_asked_clears_suspense_and_taking_it_back_fills_it_again()
    {
        static Scenario Close(Scenario story, DiscrepancyKind kind, string money = "money_1") => story.When(new OrderCommand.Answer(1, kind, money, AnswerAction.Close, "Asha", "known"));
        static Scenario Reopen(Scenario story, DiscrepancyKind kind, string money = "money_1") => story.When(new OrderCommand.Reopen(1, kind, money, "Ravi", "not so"));
        static Scenario Wrong() => Given.Order(rules: Given.Contracted).HasLink().Hears(Tell.Succeeded(amount: Given.Rupees(400)));
        var row = Row with { Amount = Given.Rupees(490), Net = Given.Rupees(490), Fee = null, Tax = null };

        // Another amount than the order's, which is wanted; not any more; and the right amount, which was told after all, is booked as if nobody had answered.
        string[] kept = ["receivable:careful 400.00 INR", "sales -400.00 INR"];
        var wrong = Close(Wrong(), DiscrepancyKind.AmountMismatch).Told("discrepancy.resolved").Questions().Books(kept);
        Close(Reopen(wrong, DiscrepancyKind.AmountMismatch).Told("discrepancy.opened").Books("receivable:careful 400.00 INR", "suspense -400.00 INR"), DiscrepancyKind.AmountMismatch).Books(kept);
        Close(Wrong(), DiscrepancyKind.AmountMismatch).Hears(Tell.Succeeded(), source: EvidenceSource.Inquiry).Then(OrderStatus.Paid, PaymentStatus.Succeeded).Questions().Books("receivable:careful 499.00 INR", "sales -499.00 INR");
        Close(Wrong(), DiscrepancyKind.AmountMismatch).Hears(Tell.Succeeded(amount: Given.Rupees(410)), source: EvidenceSource.Inquiry).Questions("amount_mismatch 410.00 INR").Books("receivable:careful 410.00 INR", "suspense -410.00 INR");
        Close(Wrong(), DiscrepancyKind.AmountMismatch).Refunds(payment: 1).Told("discrepancy.opened", "refund.requested", "discrepancy.resolved").Hears(new RefundEvidence.Succeeded(Given.Rupees(400))).Books();
        // It could not go back, and was given back in another way.
        Close(Wrong().Refunds(payment: 1).Hears(new RefundEvidence.Failed("account closed")), DiscrepancyKind.RefundFailed).Questions().Books(kept);
        // What a statement has too little, twice, and less of what went back.
        Close(Paid().Hears(Has(row)), DiscrepancyKind.SettledOtherwise).Questions().Books("bank 490.00 INR", "fees 9.00 INR", "sales -499.00 INR");
        Reopen(Close(Paid().Hears(Has(row)), DiscrepancyKind.SettledOtherwise), DiscrepancyKind.SettledOtherwise).Questions("settled_otherwise 499.00 INR").Books("bank 490.00 INR", "suspense 9.00 INR", "sales -499.00 INR");
        var twice = Close(Paid().Hears(Has(Row)).Hears(Has(Row with { RowKey = "row_2" })), DiscrepancyKind.SettledTwice).Questions().Books("bank 986.22 INR", "fee_tax 0.90 INR", "fees -488.12 INR", "sales -499.00 INR");
        Close(twice.Hears(Has(Row with { RowKey = "row_3" })).Questions("settled_twice 499.00 INR").Books("bank 1479.33 INR", "fee_tax 0.90 INR", "fees 4.99 INR", "suspense -986.22 INR", "sales -499.00 INR"), DiscrepancyKind.SettledTwice)
            .Books("bank 1479.33 INR", "fee_tax 0.90 INR", "fees -981.23 INR", "sales -499.00 INR");
        var back = Paid().Refunds(100).Hears(new RefundEvidence.Settled(new Settled("row_r", Given.Rupees(90), -Given.Rupees(90)), PaidOut: true), source: EvidenceSource.Settlement);
        Close(back, DiscrepancyKind.SettledOtherwise, new RefundId(Given.Id, 1).Reference).Questions()
            .Books("bank -90.00 INR", "receivable:careful 499.00 INR", "fees -10.00 INR", "refunds 100.00 INR", "sales -499.00 INR");
    }

    [Fact]
    public void An_answer_moves_what_the_person_saw_or_nothing()
    {
        static OrderCommand.Answer Close(Scenario seen, DiscrepancyKind kind, string money = "money_1") => new(1, kind, money, AnswerAction.Close, "Asha", "known", seen.Order.Stakes(1, kind, money));
        // One row too many; and another of much more, which asks anew under the same name.
        var story = Paid().Hears(Has(Row)).Hears(Has(Row with { RowKey = "row_2" }));
        var little = Close(story, DiscrepancyKind.SettledTwice);
        story.Hears(Has(Row with { RowKey = "row_3", Net = Given.Rupees(1_000_000) })).When(little).Refused(Refusal.QuestionChanged).Told().Questions("settled_twice 499.00 INR");
        var much = Close(story, DiscrepancyKind.SettledTwice);
        // Answered once, the same again is no other answer.
        story.When(much).Told("discrepancy.resolved").Questions().When(much).Told().Questions();
        // A refund that came back by a row of another amount; the row of its going asks nothing anew, and an answer would move more.
        var name = new RefundId(Given.Id, 1).Reference;
        story = Paid().Refunds(100).Hears(new RefundEvidence.Succeeded(Given.Rupees(100)))
            .Hears(new RefundEvidence.Failed("came back", new Settled("row_c", Given.Rupees(90), Given.Rupees(90))), source: EvidenceSource.Settlement);
        var came = Close(story, DiscrepancyKind.SettledOtherwise, name);
        story.Hears(new RefundEvidence.Settled(new Settled("row_w", Given.Rupees(40), -Given.Rupees(40)), PaidOut: false), source: EvidenceSource.Settlement).Questions("refund_failed 100.00 INR", "settled_otherwise 100.00 INR");
        story.When(came).Refused(Refusal.QuestionChanged).Told().When(Close(story, DiscrepancyKind.SettledOtherwise, name)).Told("discrepancy.resolved");
        // What an older program sends says nothing of what was seen.
        story = Paid().Hears(Has(Row)).Hears(Has(Row with { RowKey = "row_2" }));
        story.When(little with { Seen = null }).Told("discrepancy.resolved").Questions();
    }

    /// <summary>It kept that there was a second row, and not which.</summary>
    [Fact]
    public void A_further_row_of_money_that_an_older_program_asked_about_is_asked_about_and_not_posted_again()
    {
        var story = Paid().Hears(Has(Row)).Hears(Has(Row with { RowKey = "row_2" }));
        var money = story.First.Captures[0] with { OtherRows = [] };
        var older = story.Order with { Payments = [story.First with { Captures = [money] }] };
        var decision = OrderMachine.Decide(older, Has(Row with { RowKey = "row_2" }).Learned(1, EvidenceSource.Settlement, story.Now, null), story.Now, story.Rules);
        decision.Events.Select(e => e.Type).ShouldBe([EventType.DiscrepancyResolved, EventType.DiscrepancyOpened]);
        decision.Postings.ShouldBeEmpty();
        OrderMachine.Decide(decision.After, Has(Row with { RowKey = "row_3" }).Learned(1, EvidenceSource.Settlement, story.Now, null), story.Now, story.Rules).Postings.ShouldNotBeEmpty();
    }

    [Fact]
    public void Events_tell_of_all_that_stands_with_captured_money()
    {
        var story = Paid().Hears(Has(Row)).Hears(Has(Row with { RowKey = "row_2" })).Hears(Has(Row with { RowKey = "row_3" }));
        CaptureHistory.Differs(story.Order, story.Events).ShouldBeNull();
        var money = story.First.Captures[0];
        string? Says(Capture changed, Func<OrderEvent, OrderEvent>? told = null) =>
            CaptureHistory.Differs(story.Order with { Payments = [story.First with { Captures = [changed] }] }, [.. story.Events.Select(told ?? (e => e))])?.What;
        Says(money with { OtherRows = [] }).ShouldNotBeNull().ShouldContain("tell of Settled { RowKey = row_3");
        Says(money with { OtherRows = [.. money.OtherRows.Skip(1)] }).ShouldNotBeNull().ShouldContain("tell of Settled { RowKey = row_2");
        Says(money with { OtherRows = [.. money.OtherRows, Row with { RowKey = "row_4" }] }).ShouldNotBeNull().ShouldContain("of which no event tells");
        Says(money with { OtherRows = [money.OtherRows[0] with { Net = Given.Rupees(1) }, money.OtherRows[1]] }).ShouldNotBeNull().ShouldContain("of which no event tells");
        Says(money with { Cleared = Given.Rupees(1) }).ShouldNotBeNull().ShouldContain("others gave back 1.00 INR");
        Says(money with { Expected = new Expected(null, null, DateOnly.MaxValue) }).ShouldNotBeNull().ShouldContain("by 9999-12-31 is expected");
        Says(money with { Expected = money.Expected is null ? new Expected(Given.Rupees(1), null, null) : null }).ShouldNotBeNull().ShouldContain("is expected, and its event says");

        // An older program told of nothing that is expected, and kept no row of the first question.
        static OrderEvent Older(OrderEvent e) => e with { Expected = null };
        Says(money with { OtherRows = [.. money.OtherRows.Skip(1)], Expected = null }, Older).ShouldBeNull();
        Says(money with { OtherRows = [] }, Older).ShouldNotBeNull();
    }

    [Fact]
    public void Money_that_a_statement_should_have_holds_the_goods_and_asks_the_gateway_and_moves_nothing()
    {
        var story = Paid().Hears(new Evidence.Unsettled("money_1", "not in the file"), source: EvidenceSource.Settlement).Told("discrepancy.opened").Asked("inquire 1")
            .Questions("not_settled 499.00 INR").Then(OrderStatus.Paid, PaymentStatus.Succeeded).HasRefunds();
        story.When(new OrderCommand.Fulfil()).Refused(Refusal.OrderHeld);
        story.Hears(Has(Row)).Told("settlement.matched", "discrepancy.resolved").Questions().When(new OrderCommand.Fulfil()).Told("order.fulfilled");
    }

    [Fact]
    public void A_person_who_knows_better_lets_the_goods_go() => Paid().Hears(new Evidence.Unsettled("money_1", "late")).When(
        new OrderCommand.Answer(1, DiscrepancyKind.NotSettled, "money_1", AnswerAction.Close, "Asha", "seen at the bank")).Questions().When(new OrderCommand.Fulfil()).Told("order.fulfilled")
        .Hears(new Evidence.Unsettled("money_1", "late")).Told().Hears(Has(Row)).Told("settlement.matched").Questions();

    [Fact]
    public void A_row_about_a_refund_proves_it_and_books_it_once()
    {
        var row = new RefundEvidence.Settled(new Settled("row_r", Given.Rupees(100), -Given.Rupees(102), Given.Rupees(2)), PaidOut: true);
        Paid().Refunds(100).Hears(row, source: EvidenceSource.Settlement).Told("refund.succeeded", "settlement.matched").Backs("100.00 INR succeeded")
            .Books("receivable:careful 499.00 INR", "bank -102.00 INR", "fees 2.00 INR", "refunds 100.00 INR", "sales -499.00 INR").Hears(row).Told();
    }

    [Fact]
    public void A_refund_that_no_statement_has_is_asked_about_once_and_closed_by_its_row()
    {
        var missed = new RefundEvidence.Unsettled("due and not there");
        var story = Paid().Refunds(100).Hears(missed, 1, source: EvidenceSource.Settlement).Told().Questions()
            .Hears(new RefundEvidence.Succeeded(Given.Rupees(100)), 1).Hears(missed, 1, source: EvidenceSource.Settlement).Told("discrepancy.opened").Asked("inquire refund 1").Questions("not_settled 100.00 INR")
            .Hears(missed, 1, source: EvidenceSource.Settlement).Told();
        // The goods have nothing to do with it.
        story.When(new OrderCommand.Fulfil()).Told("order.fulfilled");
        var row = new RefundEvidence.Settled(new Settled("row_r", Given.Rupees(100), -Given.Rupees(100)), PaidOut: true);
        story.Hears(row, 1, source: EvidenceSource.Settlement).Told("settlement.matched", "discrepancy.resolved").Questions()
            .Hears(missed, 1, source: EvidenceSource.Settlement).Told().Questions();
    }

    [Fact]
    public void A_refund_that_no_statement_has_is_asked_about_until_the_gateway_answers()
    {
        Paid().Refunds(100).Hears(new RefundEvidence.Succeeded(Given.Rupees(100)), 1).Hears(new RefundEvidence.Unsettled("due and not there"), 1, source: EvidenceSource.Settlement)
            .Later(TimeSpan.FromMinutes(1)).Tick().Asked("inquire refund 1").Later(TimeSpan.FromMinutes(1)).Tick().Asked("inquire refund 1")
            .Hears(new RefundEvidence.Succeeded(Given.Rupees(100)), 1, source: EvidenceSource.Inquiry).Later(TimeSpan.FromMinutes(1)).Tick().Asked();
    }

    [Fact]
    public void A_refund_that_no_statement_has_and_that_failed_after_all_is_missed_no_more() => Paid().Refunds(100).Hears(new RefundEvidence.Succeeded(Given.Rupees(100)), 1)
        .Hears(new RefundEvidence.Unsettled("due and not there"), 1, source: EvidenceSource.Settlement).Hears(new RefundEvidence.Failed("account closed"), 1, source: EvidenceSource.Inquiry)
        .Told("discrepancy.resolved", "refund.failed", "discrepancy.opened").Questions("refund_failed 100.00 INR");

    [Fact]
    public void Rows_of_money_and_of_refunds_end_the_same_in_any_order()
    {
        var row = new RefundEvidence.Settled(new Settled("row_r", Given.Rupees(100), -Given.Rupees(100)), PaidOut: true);
        var back = new RefundEvidence.Succeeded(Given.Rupees(100));
        var one = Paid().Refunds(100).Hears(Has(Row)).Hears(back).Hears(row);
        var two = Paid().Refunds(100).Hears(row).Hears(Has(Row)).Hears(back);
        Laws.Balances(one.Postings).ShouldBe(Laws.Balances(two.Postings));
        one.Backs("100.00 INR succeeded");
        two.Backs("100.00 INR succeeded");
    }

    [Fact]
    public void Money_that_was_settled_under_a_wrong_amount_is_owed_no_more_when_the_right_one_is_heard()
    {
        var story = Given.Order(rules: Given.Contracted).HasLink().Hears(Tell.Succeeded(amount: Given.Rupees(498))).Hears(Has(Row)).Questions(
            "amount_mismatch 498.00 INR", "settled_otherwise 498.00 INR").Books("bank 493.11 INR", "suspense -499.00 INR", "fee_tax 0.90 INR", "fees 4.99 INR");
        story.Hears(Tell.Succeeded()).Told("payment.succeeded", "order.paid", "discrepancy.resolved", "discrepancy.resolved").Questions()
            .Books("bank 493.11 INR", "fee_tax 0.90 INR", "fees 4.99 INR", "sales -499.00 INR");
    }

    [Fact]
    public void A_statement_about_money_that_nobody_knows_changes_nothing() => Given.Order().HasLink().Hears(Has(Row)).Refused(Refusal.NothingCaptured).Told().Questions();
}
