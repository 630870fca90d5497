using Purser.Orders;
using Purser.Payments;

namespace Purser.Tests.Orders;

/// <summary>What news and rows of statements say of disputed money, and what the books have of it.</summary>
public sealed class DisputeTests
{
    static Scenario Paid() => Given.Order().HasLink().Hears(Tell.Succeeded());

    static Scenario Hears(Scenario story, Evidence row) => story.Hears(row, source: EvidenceSource.Settlement);

    static string Words(Payment p) => string.Join("; ", p.Disputes.Select(d => $"{d.Reference} {d.State} {d.Taken.MinorUnits} {d.Returned?.MinorUnits.ToString() ?? "-"}"));

    [Fact]
    public void A_row_outranks_what_news_said_of_the_amount()
    {
        var story = Paid().Hears(Tell.DisputeOpened(Given.Rupees(498)));
        Hears(story, Tell.Taken("row_1")).Told("dispute.opened").Books("disputes 499.00 INR", "sales -499.00 INR");
        story.Last.Events[0].Replaces.ShouldBe(Given.Rupees(498));
        story.Later(TimeSpan.FromDays(1)).Hears(Tell.DisputeOpened(Given.Rupees(497))).Told().Books("disputes 499.00 INR", "sales -499.00 INR");
        Words(story.First).ShouldBe("dispute_1 Open 49900 -");
        Hears(story, Tell.Taken("row_1")).Told();
    }

    [Fact]
    public void Of_two_tellings_the_later_one_counts_in_either_order()
    {
        var (first, second) = (Tell.DisputeOpened(Given.Rupees(498)) with { At = Given.Start.AddMinutes(1) }, Tell.DisputeOpened() with { At = Given.Start.AddMinutes(2) });
        Words(Paid().Hears(first).Hears(second).Told("dispute.opened").First).ShouldBe("dispute_1 Open 49900 -");
        Words(Paid().Hears(second).Hears(first).Told().First).ShouldBe("dispute_1 Open 49900 -");
    }

    [Fact]
    public void A_row_that_does_not_say_which_dispute_it_is_of_and_the_news_of_it_are_one_dispute_in_either_order()
    {
        Hears(Paid().Hears(Tell.DisputeOpened()), Tell.Taken("row_1")).Told().Books("disputes 499.00 INR", "sales -499.00 INR");
        var story = Hears(Paid(), Tell.Taken("row_1")).Told("dispute.opened").Hears(Tell.DisputeOpened()).Told().Hears(Tell.DisputeClosed(won: true)).Told("dispute.closed");
        Words(story.First).ShouldBe("row_1 Won 49900 49900");
        story.First.Disputes[0].GatewayName.ShouldBe("dispute_1");
        story.Books("receivable:careful 499.00 INR", "sales -499.00 INR");
    }

    [Fact]
    public void Money_that_a_row_brings_back_after_the_dispute_was_lost_is_there_again()
    {
        var story = Hears(Paid(), Tell.Taken("row_1")).Hears(Tell.DisputeClosed(won: false)).Books("disputes 499.00 INR", "sales -499.00 INR");
        Hears(story, Tell.BroughtBack("row_2", Given.Rupees(300))).Told("dispute.closed").Books("disputes 199.00 INR", "receivable:careful 300.00 INR", "sales -499.00 INR")
            .Check(s => s.First.Dispute.ShouldBe(DisputeState.Won)).Hears(Tell.DisputeClosed(won: false)).Told();
    }

    [Fact]
    public void A_row_says_how_much_came_back_of_a_dispute_that_news_said_was_won()
    {
        var story = Hears(Paid().Hears(Tell.DisputeOpened()).Hears(Tell.DisputeClosed(won: true)), Tell.BroughtBack("row_2", Given.Rupees(300)));
        story.Told("dispute.closed").Books("disputes 199.00 INR", "receivable:careful 300.00 INR", "sales -499.00 INR");
        story.Last.Events[0].Replaces.ShouldBe(Given.Rupees(499));
        Hears(Hears(Paid(), Tell.BroughtBack("row_2")).Books("receivable:careful 499.00 INR", "sales -499.00 INR"), Tell.Taken("row_1", Given.Rupees(500)))
            .Books("disputes 1.00 INR", "receivable:careful 498.00 INR", "sales -499.00 INR");
    }

    [Fact]
    public void What_the_bank_keeps_of_a_dispute_that_was_won_in_part_is_not_given_back_once_more()
    {
        static Scenario Kept() => Hears(Hears(Paid(), Tell.Taken("row_1")), Tell.BroughtBack("row_2", Given.Rupees(300)));
        Kept().Refunds(301).Refused(Refusal.RefundTooLarge);
        Kept().Refunds().Made(1).HasRefunds(Given.Rupees(300)).Refunds(1).Refused(Refusal.NothingLeft);
        // What was asked for and has not left goes back no more when the bank keeps a part of it.
        Kept().Refunds(100).Made(1).Refunds(200).Made(1).HasRefunds(Given.Rupees(100), Given.Rupees(200));
    }

    [Fact]
    public void A_second_dispute_is_one_of_its_own()
    {
        var story = Paid().Hears(Tell.DisputeOpened(Given.Rupees(100))).Hears(Tell.DisputeClosed(won: true, Given.Rupees(100))).Hears(Tell.DisputeOpened(Given.Rupees(200), "dispute_2"));
        story.Told("dispute.opened").Books("disputes 200.00 INR", "receivable:careful 299.00 INR", "sales -499.00 INR").Check(s => s.First.Dispute.ShouldBe(DisputeState.Open));
        Hears(Hears(story, Tell.Taken("row_2", Given.Rupees(200))), Tell.Taken("row_1", Given.Rupees(100), "dispute_1")).Told()
            .Books("disputes 200.00 INR", "receivable:careful 299.00 INR", "sales -499.00 INR");
        story.Hears(Tell.DisputeClosed(won: false, Given.Rupees(200), "dispute_2")).Check(s => s.First.Dispute.ShouldBe(DisputeState.Lost));
        Words(story.First).ShouldBe("dispute_1 Won 10000 10000; dispute_2 Lost 20000 -");
    }

    [Fact]
    public void Two_rows_of_one_dispute_both_count()
    {
        var story = Hears(Hears(Paid(), Tell.Taken("row_1", Given.Rupees(300), "dispute_1")), Tell.Taken("row_2", Given.Rupees(199), "dispute_1")).Books("disputes 499.00 INR", "sales -499.00 INR");
        Hears(Hears(story, Tell.Taken("row_1", Given.Rupees(300), "dispute_1")), Tell.Taken("row_2", Given.Rupees(199), "dispute_1")).Told();
        Hears(Hears(story, Tell.BroughtBack("row_3", Given.Rupees(199), "dispute_1")), Tell.BroughtBack("row_4", Given.Rupees(300), "dispute_1"))
            .Books("receivable:careful 499.00 INR", "sales -499.00 INR");
    }

    [Fact]
    public void A_row_in_another_currency_takes_the_place_of_what_news_said() =>
        Hears(Paid().Hears(Tell.DisputeOpened()), Tell.Taken("row_1", new Money(600, Currency.Find("USD"))))
            .Books("disputes 6.00 USD", "receivable:careful 499.00 INR", "receivable:careful -6.00 USD", "sales -499.00 INR");

    /// <summary>Of two disputes of one amount a row that names none brings back what was won, and not what is open.</summary>
    [Fact]
    public void A_nameless_row_brings_back_the_dispute_that_was_won()
    {
        var story = Hears(Paid().Hears(Tell.DisputeOpened(name: "z")), Tell.Taken("row_1")).Hears(Tell.DisputeClosed(won: true, name: "z"));
        Hears(Hears(story.Hears(Tell.DisputeOpened(name: "b")), Tell.Taken("row_2")), Tell.BroughtBack("row_3"));
        Words(story.First).ShouldBe("z Won 49900 49900; b Open 49900 -");
        story.Hears(Tell.DisputeClosed(won: false, name: "b")).Books("disputes 499.00 INR", "sales -499.00 INR").Check(s => s.First.Dispute.ShouldBe(DisputeState.Lost));
    }

    [Fact]
    public void A_nameless_row_that_may_be_of_either_of_two_disputes_is_a_question_and_books_nothing()
    {
        Scenario Two(long first = 100, long second = 100) => Paid().Hears(Tell.DisputeOpened(Given.Rupees(first), "a")).Hears(Tell.DisputeOpened(Given.Rupees(second), "b"));
        Hears(Two(), Tell.Taken("row_1", Given.Rupees(100))).Refused(Refusal.DisputeUnclear).Told();
        Hears(Two(), Tell.BroughtBack("row_1", Given.Rupees(100))).Refused(Refusal.DisputeUnclear).Told().Books("disputes 200.00 INR", "receivable:careful 299.00 INR", "sales -499.00 INR");
        // Of neither's amount; more than the only one that is left took.
        Hears(Two(100, 200), Tell.Taken("row_1", Given.Rupees(150))).Refused(Refusal.DisputeUnclear);
        Hears(Two(100, 200), Tell.BroughtBack("row_1", Given.Rupees(150))).Refused(Refusal.DisputeUnclear);
        Hears(Hears(Two(300, 100), Tell.BroughtBack("row_1", Given.Rupees(300), "a")), Tell.BroughtBack("row_2", Given.Rupees(150))).Refused(Refusal.DisputeUnclear);
        // What is plain is applied, and what has become plain.
        Hears(Two(100, 200), Tell.Taken("row_1", Given.Rupees(200))).Check(s => Words(s.First).ShouldBe("a Open 10000 -; b Open 20000 -"));
        Hears(Hears(Two(300, 100), Tell.BroughtBack("row_1", Given.Rupees(300), "a")), Tell.BroughtBack("row_2", Given.Rupees(90)))
            .Check(s => Words(s.First).ShouldBe("a Won 30000 30000; b Won 10000 9000"));
        Hears(Two().Hears(Tell.DisputeClosed(won: true, Given.Rupees(100), "b")), Tell.BroughtBack("row_1", Given.Rupees(100)))
            .Check(s => Words(s.First).ShouldBe("a Open 10000 -; b Won 10000 10000"));
        // Of two that nobody has named either is as good.
        Hears(Hears(Hears(Paid(), Tell.Taken("row_1", Given.Rupees(100))), Tell.Taken("row_2", Given.Rupees(100))), Tell.BroughtBack("row_3", Given.Rupees(100)))
            .Books("disputes 100.00 INR", "receivable:careful 399.00 INR", "sales -499.00 INR");
    }

    /// <summary>Before disputes stood by themselves, one was told of without its name, and kept as one word.</summary>
    [Fact]
    public void A_dispute_that_an_older_program_told_of_is_the_one_that_news_and_rows_are_about()
    {
        OrderEvent[] old = [.. Paid().Hears(Tell.DisputeOpened()).Events.Select(e => e with { MoneyReference = e.Type == EventType.DisputeOpened ? null : e.MoneyReference })];
        var order = Paid().Hears(Tell.DisputeOpened()).Order;
        order = order with { Payments = [order.Payments[0] with { Disputes = [] }] };
        var won = OrderMachine.Decide(order, Tell.DisputeClosed(won: true).Learned(1, EvidenceSource.Webhook, Given.Start.AddHours(1), null), Given.Start.AddHours(1), Given.Rules);
        won.Events.Select(e => e.Type).ShouldBe([EventType.DisputeClosed]);
        Laws.Balances([.. old.SelectMany(e => Ledger.Books.Of(e)), .. won.Postings]).ShouldBe(["receivable:careful 499.00 INR", "sales -499.00 INR"]);
        OrderHistory.Fold([.. old, .. won.Events]).ShouldBe(OrderSummary.Of(won.After));
        var late = old[^1] with { Type = EventType.DisputeClosed, Reason = "lost" };
        OrderEvent[] alone = [.. old[..^1], late];
        OrderHistory.Fold(alone).Payments[0].Dispute.ShouldBe(DisputeState.Lost);
        Laws.Balances(alone.SelectMany(e => Ledger.Books.Of(e))).ShouldBe(["disputes 499.00 INR", "sales -499.00 INR"]);
    }
}
