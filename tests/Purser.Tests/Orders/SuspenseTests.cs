using Purser.Orders;
using Purser.Payments;
using Purser.Refunds;

namespace Purser.Tests.Orders;

/// <summary>What waits in suspense leaves it when it is known, by whatever order of news, what it is.</summary>
public sealed class SuspenseTests
{
    static readonly Currency Usd = Currency.Find("USD");

    static Scenario Paid() => Given.Order().HasLink().Hears(Tell.Succeeded());

    static Scenario Wrong(long rupees) => Given.Order().HasLink().Hears(Tell.Succeeded(amount: Given.Rupees(rupees)));

    static Evidence.Settled Row(string key, Money amount) => new Evidence.Settled("money_1", new Settled(key, amount, amount), PaidOut: true);

    static Scenario Has(Scenario story, Evidence row) => story.Hears(row, source: EvidenceSource.Settlement);

    static Scenario Close(Scenario story, DiscrepancyKind kind, string money = "money_1") => story.When(new OrderCommand.Answer(1, kind, money, AnswerAction.Close, "Asha", "known"));

    static Scenario Reopen(Scenario story, DiscrepancyKind kind) => story.When(new OrderCommand.Reopen(1, kind, "money_1", "Ravi", "not so"));

    [Fact]
    public void What_the_gateway_gave_back_by_itself_is_as_much_as_its_statement_has()
    {
        static Scenario Told(Scenario story, long rupees) => story.Hears(new RefundEvidence.Succeeded(Given.Rupees(rupees)) { RefundReference = "rfnd_x" }, refund: 0, payment: 1);
        static Scenario Stated(Scenario story, long rupees) => story.Hears(
            new RefundEvidence.Settled(new Settled("row_x", Given.Rupees(rupees), Given.Rupees(-rupees)), PaidOut: true) { RefundReference = "rfnd_x" }, refund: 0, payment: 1, source: EvidenceSource.Settlement);
        string[] books = ["bank -150.00 INR", "receivable:careful 499.00 INR", "refunds 150.00 INR", "sales -499.00 INR"];

        var less = Stated(Told(Paid(), 200), 150).Told("discrepancy.resolved", "discrepancy.opened", "settlement.matched").Questions("refund_unasked 150.00 INR").Books(books);
        less.Refunds(350).Refused(Refusal.RefundTooLarge);
        Stated(Told(less, 200), 150).Told().Books(books);
        Told(Stated(Paid(), 150), 200).Told().Books(books);
        // Somebody knows of it already, and it is another amount.
        Stated(Close(Told(Paid(), 100), DiscrepancyKind.RefundUnasked, "rfnd_x").Questions(), 150)
            .Told("discrepancy.opened", "discrepancy.resolved", "discrepancy.opened", "settlement.matched").Questions("refund_unasked 150.00 INR").Books(books);
        // The word that all of it is gone is of the rest.
        string[] gone = ["refunds 499.00 INR", "sales -499.00 INR"];
        Told(Paid().Hears(Tell.Reversed()), 200).Questions("reversed 299.00 INR", "refund_unasked 200.00 INR").Books(gone)
            .Check(s => Stated(s, 150).Questions("reversed 349.00 INR", "refund_unasked 150.00 INR").Books("bank -150.00 INR", "receivable:careful 150.00 INR", "refunds 499.00 INR", "sales -499.00 INR"));
        Stated(Told(Paid().Hears(Tell.Reversed()), 200), 499).Questions("refund_unasked 499.00 INR").Books("bank -499.00 INR", "receivable:careful 499.00 INR", "refunds 499.00 INR", "sales -499.00 INR");
    }

    [Fact]
    public void Money_that_is_told_in_another_currency_after_a_statement_had_it_is_booked_as_if_told_so_at_first()
    {
        var (dollars, rupees) = (new Money(600_00, Usd), Given.Rupees(499));
        string[] books = ["bank 600.00 USD", "exchange -600.00 USD", "exchange 499.00 INR", "sales -499.00 INR"];
        Has(Paid(), Row("row_1", dollars)).Questions("settled_otherwise 499.00 INR").Books(books);
        Has(Given.Order().HasLink().Hears(Tell.Succeeded(amount: dollars)), Row("row_1", dollars)).Questions("amount_mismatch 600.00 USD").Books("bank 600.00 USD", "suspense -600.00 USD")
            .Hears(Tell.Succeeded(amount: rupees), source: EvidenceSource.Inquiry).Questions("settled_otherwise 499.00 INR").Books(books);
        // And the other way round, where nothing waited for the answer of a question that is about something now.
        var row = Row("row_1", Given.Rupees(400));
        var told = Has(Given.Order().HasLink().Hears(Tell.Succeeded(amount: dollars)), row).Questions("amount_mismatch 600.00 USD", "settled_otherwise 600.00 USD");
        string[] less = ["bank 400.00 INR", "sales -499.00 INR", "suspense 99.00 INR"];
        Close(told, DiscrepancyKind.SettledOtherwise).Questions("amount_mismatch 600.00 USD").Hears(Tell.Succeeded(), source: EvidenceSource.Inquiry).Questions("settled_otherwise 499.00 INR").Books(less);
        Close(told, DiscrepancyKind.SettledOtherwise).Questions().Books("bank 400.00 INR", "fees 99.00 INR", "sales -499.00 INR");
    }

    [Fact]
    public void Money_that_went_back_before_its_right_amount_was_told_went_back_of_a_sale()
    {
        var story = Wrong(400).Refunds(payment: 1).Hears(new RefundEvidence.Succeeded(Given.Rupees(400))).Books();
        story.Hears(Tell.Succeeded(), source: EvidenceSource.Inquiry).Then(OrderStatus.Paid, PaymentStatus.Succeeded).Books("receivable:careful 99.00 INR", "refunds 400.00 INR", "sales -499.00 INR");
        story.Hears(new RefundEvidence.Failed("account closed")).Books("receivable:careful 499.00 INR", "sales -499.00 INR");
        // On its way, and told when the money is a sale already.
        Wrong(400).Refunds(payment: 1).Hears(Tell.Succeeded(), source: EvidenceSource.Inquiry).Hears(new RefundEvidence.Succeeded(Given.Rupees(400))).Books("receivable:careful 99.00 INR", "refunds 400.00 INR", "sales -499.00 INR");
    }

    [Fact]
    public void A_statement_that_had_the_wrong_amount_is_asked_about_when_the_right_one_is_told()
    {
        var story = Has(Wrong(400), Row("row_1", Given.Rupees(400))).Questions("amount_mismatch 400.00 INR").Hears(Tell.Succeeded(), source: EvidenceSource.Inquiry);
        story.Questions("settled_otherwise 499.00 INR").Books("bank 400.00 INR", "sales -499.00 INR", "suspense 99.00 INR");
        Close(story, DiscrepancyKind.SettledOtherwise).Questions().Books("bank 400.00 INR", "fees 99.00 INR", "sales -499.00 INR");
    }

    [Fact]
    public void Of_wrong_money_the_rest_goes_back_when_the_gateway_gave_some_back_by_itself()
    {
        var story = Wrong(600).Hears(new RefundEvidence.Succeeded(Given.Rupees(100)) { RefundReference = "rfnd_x" }, refund: 0, payment: 1).Books("receivable:careful 500.00 INR", "refunds 100.00 INR", "suspense -600.00 INR");
        story.Refunds(payment: 1).HasRefunds(Given.Rupees(500)).Books("receivable:careful 500.00 INR", "suspense -500.00 INR");
        story.Hears(new RefundEvidence.Failed("account closed")).Questions("refund_failed 500.00 INR", "refund_unasked 100.00 INR").Books("receivable:careful 500.00 INR", "suspense -500.00 INR");
        Close(story, DiscrepancyKind.RefundFailed).Books("receivable:careful 500.00 INR", "sales -500.00 INR");
        story.Refunds(payment: 1).Hears(new RefundEvidence.Succeeded(Given.Rupees(500))).Books();
    }

    [Fact]
    public void A_rest_of_wrong_money_that_did_not_go_back_is_asked_about_beside_what_did()
    {
        var story = Wrong(600).Hears(new RefundEvidence.Succeeded(Given.Rupees(100)) { RefundReference = "rfnd_x" }, refund: 0, payment: 1).Refunds(payment: 1).Hears(new RefundEvidence.Succeeded(Given.Rupees(500)));
        story.Hears(new RefundEvidence.Failed("came back") { RefundReference = "rfnd_x" }, refund: 0, payment: 1).Refunds(payment: 1).HasRefunds(Given.Rupees(500), Given.Rupees(100));
        story.Hears(new RefundEvidence.Rejected("too old")).Questions("refund_failed 100.00 INR").Books("receivable:careful 100.00 INR", "suspense -100.00 INR");
        story.Hears(new RefundEvidence.Failed("came back"), refund: 1).Questions("refund_failed 100.00 INR").Books("receivable:careful 600.00 INR", "suspense -600.00 INR");
    }

    [Fact]
    public void What_a_person_answered_about_the_latest_refund_stays_answered_when_an_earlier_one_fails() =>
        Close(Paid().Refunds(200).Refunds(100).Hears(new RefundEvidence.Failed("account closed")), DiscrepancyKind.RefundFailed).Questions()
            .Hears(new RefundEvidence.Failed("account closed"), refund: 1).Told("refund.failed", "discrepancy.opened").Questions("refund_failed 200.00 INR");

    [Fact]
    public void Further_rows_of_more_than_one_currency_are_cleared_and_put_back_together()
    {
        var twice = Has(Has(Has(Paid(), Row("row_1", Given.Rupees(499))), Row("row_2", Given.Rupees(499))), Row("row_3", new Money(6_00, Usd)));
        string[] waiting = ["bank 998.00 INR", "bank 6.00 USD", "sales -499.00 INR", "suspense -499.00 INR", "suspense -6.00 USD"];
        twice.Questions("settled_twice 499.00 INR").Books(waiting);
        Close(twice, DiscrepancyKind.SettledTwice).Questions().Books("bank 998.00 INR", "bank 6.00 USD", "fees -499.00 INR", "fees -6.00 USD", "sales -499.00 INR");
        Reopen(twice, DiscrepancyKind.SettledTwice).Questions("settled_twice 499.00 INR").Books(waiting);
    }
}
