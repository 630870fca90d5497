using System.Collections.Immutable;
using Purser.Orders;
using Purser.Payments;
using Purser.Refunds;

namespace Purser.Tests.Orders;

/// <summary>What statements say of refunds that came back, and of refunds that were first taken for the gateway's own: each sum is in the books once, as the rows state it.</summary>
public sealed class ReturnedRowTests
{
    static Scenario Paid() => Given.Order().HasLink().Hears(Tell.Succeeded());

    static Money Dollars(long whole) => new(whole * 100, Currency.Find("USD"));

    static RefundEvidence.Settled Went(Money stated) => new RefundEvidence.Settled(new Settled("row_went", stated, -stated), PaidOut: false);

    static RefundEvidence.Failed Came(Money stated, string row = "row_came") => new RefundEvidence.Failed("came back", new Settled(row, stated, stated));

    static Scenario Row(Scenario story, RefundEvidence e, int refund = 1) => story.Hears(e, refund, payment: 1, source: EvidenceSource.Settlement);

    static readonly string[] Untouched = ["receivable:careful 499.00 INR", "sales -499.00 INR"];

    static Scenario Refunded(long rupees) => Paid().Refunds(rupees).Hears(new RefundEvidence.Succeeded(Given.Rupees(rupees)));

    [Fact]
    public void What_was_exchanged_when_it_went_is_exchanged_back_when_it_came()
    {
        var story = Row(Refunded(100), Went(Dollars(11))).Books("exchange -100.00 INR", "exchange 11.00 USD", "receivable:careful -11.00 USD", "receivable:careful 499.00 INR", "refunds 100.00 INR", "sales -499.00 INR");
        Row(story, Came(Dollars(11))).Told("refund.failed", "discrepancy.opened", "settlement.matched").Books(Untouched);
        // The row counts once, and another that says the same of it is not taken.
        Row(story, Came(Dollars(11))).Told().Books(Untouched);
        Row(story, Came(Dollars(11), "row_again")).Refused(Refusal.RefundUnknown).Told();
    }

    [Fact]
    public void What_a_row_states_too_little_of_both_times_waits_for_nobody()
    {
        var story = Row(Row(Refunded(100), Went(Given.Rupees(90))), Came(Given.Rupees(90))).Books(Untouched).Questions("refund_failed 100.00 INR", "settled_otherwise 100.00 INR");
        story.When(new OrderCommand.Answer(1, DiscrepancyKind.SettledOtherwise, new RefundId(story.Order.Id, 1).Reference, AnswerAction.Close, "Asha", "known")).Books(Untouched).Questions("refund_failed 100.00 INR");
    }

    [Fact]
    public void Less_that_came_back_than_went_is_asked_about_and_an_answer_moves_the_rest()
    {
        var story = Row(Row(Refunded(100), Went(Given.Rupees(100))), Came(Given.Rupees(90))).Questions("refund_failed 100.00 INR", "settled_otherwise 100.00 INR")
            .Books("receivable:careful 489.00 INR", "sales -499.00 INR", "suspense 10.00 INR");
        story.When(new OrderCommand.Answer(1, DiscrepancyKind.SettledOtherwise, new RefundId(story.Order.Id, 1).Reference, AnswerAction.Close, "Asha", "their fee"))
            .Books("fees 10.00 INR", "receivable:careful 489.00 INR", "sales -499.00 INR");
    }

    [Fact]
    public void What_a_person_had_answered_of_its_going_is_asked_again_when_it_comes_back()
    {
        var story = Row(Refunded(100), Went(Given.Rupees(90)));
        story.When(new OrderCommand.Answer(1, DiscrepancyKind.SettledOtherwise, new RefundId(story.Order.Id, 1).Reference, AnswerAction.Close, "Asha", "known"))
            .Books("fees -10.00 INR", "receivable:careful 409.00 INR", "refunds 100.00 INR", "sales -499.00 INR");
        Row(story, Came(Given.Rupees(90))).Books(Untouched).Questions("refund_failed 100.00 INR", "settled_otherwise 100.00 INR");
    }

    [Theory]
    [InlineData(true, 100, 90)]
    [InlineData(true, 90, 90)]
    [InlineData(true, 90, 100)]
    [InlineData(true, 90, 80)]
    [InlineData(false, 11, 11)]
    [InlineData(false, 11, 10)]
    public void The_order_in_which_news_and_rows_are_told_decides_nothing(bool rupees, long went, long came)
    {
        Money Of(long amount) => rupees ? Given.Rupees(amount) : Dollars(amount);
        foreach (var ours in new[] { true, false })
        {
            (RefundEvidence E, EvidenceSource Source)[] told =
            [
                (new RefundEvidence.Failed("account closed") { RefundReference = "rfnd_x" }, EvidenceSource.Webhook), (Went(Of(went)) with { RefundReference = "rfnd_x" }, EvidenceSource.Settlement),
                (Came(Of(came)) with { RefundReference = "rfnd_x" }, EvidenceSource.Settlement),
            ];
            var first = "";
            foreach (var order in Permutations([.. told]))
            {
                var story = ours ? Refunded(100) : Paid().Hears(new RefundEvidence.Succeeded(Given.Rupees(100)) { RefundReference = "rfnd_x" }, refund: 0, payment: 1);
                foreach (var (e, source) in order) story.Hears(e, refund: ours ? 1 : 0, payment: 1, source: source);
                var outcome = string.Join(", ", Laws.Balances(story.Postings)) + " asks " + string.Join(", ", story.Order.Questions);
                (first = first.Length == 0 ? outcome : first).ShouldBe(outcome, $"{ours}");
            }
            var left = Given.Rupees(499);
            if (rupees) first.ShouldContain($"receivable:careful {left + Given.Rupees(came - went)}");
            else
            {
                first.ShouldContain($"receivable:careful {left}");
                if (came == went) first.ShouldNotContain("receivable:careful -");
                else first.ShouldContain($"receivable:careful {Dollars(came - went)}");
            }
        }
    }

    [Fact]
    public void A_refund_that_was_taken_for_the_gateways_own_is_booked_as_ours_once_whatever_is_told_first()
    {
        ImmutableArray<(RefundEvidence E, int Refund)> told =
        [
            (new RefundEvidence.Rejected("no"), 1),
            (new RefundEvidence.Succeeded(Given.Rupees(200)) { RefundReference = "N" }, 0),
            (new RefundEvidence.Succeeded(Given.Rupees(200)) { RefundReference = "N" }, 1),
        ];
        foreach (var order in Permutations(told))
        {
            var story = Paid().Refunds(200);
            foreach (var (e, refund) in order) story.Hears(e, refund, payment: 1);
            story.Books("receivable:careful 299.00 INR", "refunds 200.00 INR", "sales -499.00 INR").Questions().Backs("200.00 INR succeeded").Check(s => s.First.OutsideRefunds.ShouldBeEmpty());
        }
    }

    [Theory]
    [InlineData(true, 200, 200)]
    [InlineData(true, 190, 190)]
    [InlineData(true, 190, 200)]
    [InlineData(true, 210, 180)]
    [InlineData(false, 3, 3)]
    [InlineData(false, 3, 2)]
    public void Its_rows_go_with_it_and_are_booked_once(bool rupees, long went, long came)
    {
        Money Of(long amount) => rupees ? Given.Rupees(amount) : Dollars(amount);
        var row = new RefundEvidence.Settled(new Settled("row_went", Of(went), -Of(went) - Of(1), Of(1)), PaidOut: true) { RefundReference = "N" };
        var told = new RefundEvidence.Succeeded(Given.Rupees(200)) { RefundReference = "N" };
        // A row may name ours, too, and news may be told once.
        foreach (ImmutableArray<(RefundEvidence E, int Refund)> news in (ImmutableArray<(RefundEvidence, int)>[])
            [[(new RefundEvidence.Rejected("no"), 1), (told, 0), (told, 1), (row, 0)], [(new RefundEvidence.Rejected("no"), 1), (told, 0), (row, 1)], [(new RefundEvidence.Rejected("no"), 1), (told, 1), (row, 0)]])
            foreach (var back in new[] { 0, 1 })
            {
                var first = "";
                foreach (var order in Permutations(news))
                {
                    var story = Paid().Refunds(200);
                    foreach (var (e, refund) in order) story.Hears(e, refund, payment: 1, source: e is RefundEvidence.Settled ? EvidenceSource.Settlement : null);
                    // A row that may be of the refund under way waits for its answer. Otherwise it is no news.
                    Row(story, row, refund: 0).Last.Reply.ShouldNotBeOfType<Reply.Refused>();
                    Row(story, row, refund: 0).Told().Backs("200.00 INR succeeded").Check(s => s.First.OutsideRefunds.ShouldBeEmpty());
                    story.Order.Refund(1)!.Settled.ShouldBe(row.Row);
                    Same(story, ref first);
                }
                first.ShouldStartWith($"bank {-Of(went) - Of(1)}");
                first.ShouldContain("refunds 200.00 INR");
                first.ShouldContain(went == 200 ? "asks nothing" : "asks SettledOtherwise 200.00 INR");

                var end = "";
                foreach (var order in Permutations(news))
                {
                    var story = Paid().Refunds(200);
                    foreach (var (e, refund) in order) story.Hears(e, refund, payment: 1, source: e is RefundEvidence.Settled ? EvidenceSource.Settlement : null);
                    Row(Row(story, row, refund: 0), Came(Of(came)) with { RefundReference = "N" }, back);
                    Same(Row(story, Came(Of(came)) with { RefundReference = "N" }, back).Told().Backs("200.00 INR failed"), ref end);
                }
                if (went == came) end.ShouldNotContain("suspense");
                end.ShouldNotContain("refunds");
            }
    }

    [Fact]
    public void What_came_back_of_it_came_back_of_ours()
    {
        // Whatever a person had answered of it, and whoever tells that it failed.
        var stated = Row(Paid().Refunds(200).Hears(new RefundEvidence.Rejected("no")), Went(Given.Rupees(190)) with { RefundReference = "N" }, refund: 0);
        stated.When(new OrderCommand.Answer(1, DiscrepancyKind.RefundUnasked, "N", AnswerAction.Close, "Asha", "in the console")).Questions("refund_failed 200.00 INR");
        Row(stated, Came(Given.Rupees(170)) with { RefundReference = "N" }, refund: 0).Questions("refund_failed 200.00 INR", "settled_otherwise 190.00 INR");
        stated.When(new OrderCommand.Answer(1, DiscrepancyKind.SettledOtherwise, "N", AnswerAction.Close, "Asha", "their fee")).Books("fees 20.00 INR", "receivable:careful 479.00 INR", "sales -499.00 INR");
        stated.Hears(new RefundEvidence.Accepted() { RefundReference = "N" }, source: EvidenceSource.Inquiry).Check(s => s.First.OutsideRefunds.ShouldBeEmpty()).Backs("200.00 INR failed")
            .Questions("refund_failed 200.00 INR", "settled_otherwise 200.00 INR").Books("receivable:careful 479.00 INR", "sales -499.00 INR", "suspense 20.00 INR");
        stated.When(new OrderCommand.Answer(1, DiscrepancyKind.SettledOtherwise, new RefundId(stated.Order.Id, 1).Reference, AnswerAction.Close, "Asha", "their fee"))
            .Books("fees 20.00 INR", "receivable:careful 479.00 INR", "sales -499.00 INR");
        // Told before anything else was.
        Paid().Refunds(200).Hears(new RefundEvidence.Rejected("no")).Hears(new RefundEvidence.Failed("closed") { RefundReference = "N" }, refund: 0, payment: 1)
            .Hears(new RefundEvidence.Succeeded(Given.Rupees(200)) { RefundReference = "N" }).Questions("refund_failed 200.00 INR").Books(Untouched).Check(s => s.First.OutsideRefunds.ShouldBeEmpty());
    }

    [Fact]
    public void The_word_that_all_is_gone_is_of_as_much_when_a_refund_is_handed_over()
    {
        string[] gone = ["refunds 499.00 INR", "sales -499.00 INR"];
        var story = Paid().Refunds(200).Hears(new RefundEvidence.Rejected("no")).Hears(new RefundEvidence.Succeeded(Given.Rupees(200)) { RefundReference = "N" }, refund: 0, payment: 1).Hears(Tell.Reversed())
            .Questions("reversed 299.00 INR", "refund_failed 200.00 INR", "refund_unasked 200.00 INR").Books(gone);
        story.Hears(new RefundEvidence.Succeeded(Given.Rupees(200)) { RefundReference = "N" }).Questions("reversed 299.00 INR").Books(gone);
    }

    [Fact]
    public void Of_what_an_older_program_kept_the_row_stays_booked_and_the_refund_is_ours()
    {
        var story = Row(Paid().Refunds(200).Hears(new RefundEvidence.Rejected("no")), Went(Given.Rupees(200)) with { RefundReference = "N" }, refund: 0);
        var p = story.First with { OutsideRefunds = [story.First.OutsideRefunds[0] with { Settled = null }] };
        var told = new RefundEvidence.Succeeded(Given.Rupees(200)) { RefundReference = "N" }.Learned(1, 1, EvidenceSource.Webhook, story.Now, null);
        var decision = OrderMachine.Decide(story.Order with { Payments = [p] }, told, story.Now, story.Rules);
        (decision.After.Refund(1)!.Status, decision.After.Refund(1)!.Settled?.RowKey, decision.After.Payment(1)!.OutsideRefunds.Length).ShouldBe((RefundStatus.Succeeded, "row_went", 0));
        Laws.Balances(decision.Postings).ShouldBeEmpty();
    }

    static void Same(Scenario story, ref string first)
    {
        var asks = string.Join(", ", story.Order.Questions.Select(q => $"{q.Kind} {q.Amount}"));
        var outcome = $"{string.Join(", ", Laws.Balances(story.Postings))} asks {(asks.Length == 0 ? "nothing" : asks)}";
        (first = first.Length == 0 ? outcome : first).ShouldBe(outcome);
    }

    [Fact]
    public void News_of_another_refund_of_ours_take_nothing_from_the_gateways_own()
    {
        var story = Paid().Refunds(200).Hears(new RefundEvidence.Rejected("no")).Hears(new RefundEvidence.Succeeded(Given.Rupees(200)) { RefundReference = "N" }, refund: 0, payment: 1);
        story.Refunds(100).Hears(new RefundEvidence.Succeeded(Given.Rupees(100)) { RefundReference = "M" })
            .Books("receivable:careful 199.00 INR", "refunds 300.00 INR", "sales -499.00 INR").Check(s => s.First.OutsideRefunds.Length.ShouldBe(1));
    }

    static IEnumerable<ImmutableArray<T>> Permutations<T>(ImmutableArray<T> of) =>
        of.IsEmpty ? [[]] : Enumerable.Range(0, of.Length).SelectMany(i => Permutations(of.RemoveAt(i)).Select(rest => rest.Insert(0, of[i])));
}
