using Purser.Orders;
using Purser.Payments;

namespace Purser.Tests.Orders;

/// <summary>Paid with us, in no statement, and denied by the gateway itself: see docs/decisions/0011-denied-money.md.</summary>
public sealed class DenialTests
{
    static readonly Evidence NoStatement = new Evidence.Unsettled("money_1", "not in the file");

    static Scenario Paid(OrderPolicy? policy = null) => Given.Order(policy, Given.Contracted).HasLink().Hears(Tell.Succeeded());

    static Scenario Missed(Scenario story) => story.Later(TimeSpan.FromDays(3)).Hears(NoStatement, source: EvidenceSource.Settlement).Asked("inquire 1").Later(TimeSpan.FromSeconds(1));

    static Scenario Answered(Scenario story, Evidence? evidence = null) => story.Hears(evidence ?? Tell.Failed, source: EvidenceSource.Inquiry).Later(TimeSpan.FromSeconds(1));

    static Scenario Denied(OrderPolicy? policy = null) => Answered(Answered(Missed(Paid(policy))));

    [Fact]
    public void Money_that_no_statement_has_and_that_its_gateway_denies_twice_cancels_the_order_and_leaves_the_books() =>
        Answered(Answered(Missed(Paid())).Told().Asked("inquire 1").Then(OrderStatus.Paid, PaymentStatus.Succeeded))
            .Told("payment.failed", "discrepancy.resolved", "order.cancelled").Then(OrderStatus.Cancelled, PaymentStatus.Failed).Questions().Books().HasRefunds()
            .Check(s => s.Last.Events.Select(e => (e.Reason, e.MoneyReference)).ShouldBe([("bank_said_no", "money_1"), ("failed_payment: cancel", "money_1"),
                ("careful told of the money and denied it afterwards (bank_said_no)", null)]));

    [Fact]
    public void An_older_contradiction_is_answered_by_it_too() => Answered(Answered(Missed(Answered(Paid().Hears(Tell.Failed)).Questions("contradiction")))).Told(
        "payment.failed", "discrepancy.resolved", "discrepancy.resolved", "order.cancelled").Questions().Books();

    [Fact]
    public void What_was_said_before_the_statement_does_not_count_for_it() =>
        Answered(Missed(Paid().Hears(Tell.Failed))).Told().Asked("inquire 1").Then(OrderStatus.Paid, PaymentStatus.Succeeded);

    [Fact]
    public void Without_a_statement_a_gateway_s_no_asks_a_person_and_cancels_nothing() =>
        Answered(Answered(Answered(Paid()))).Then(OrderStatus.Paid, PaymentStatus.Succeeded).Questions("contradiction");

    [Theory]
    [InlineData("absent")]
    [InlineData("expired")]
    [InlineData("declined")]
    [InlineData("unknown")]
    [InlineData("webhook")]
    public void Only_a_failure_that_was_asked_for_denies(string word)
    {
        var story = Missed(Paid());
        for (var i = 0; i < 3; i++)
            if (word == "webhook") story.Hears(Tell.Failed).Later(TimeSpan.FromSeconds(1));
            else Answered(story, word switch { "absent" => Tell.Absent, "expired" => Tell.RanOut, "declined" => Tell.Declined, _ => Tell.Processing("strange") });
        story.Then(OrderStatus.Paid, PaymentStatus.Succeeded).Books("receivable:careful 499.00 INR", "sales -499.00 INR");
    }

    [Fact]
    public void A_person_decides_when_the_goods_are_out_the_policy_asks_money_went_back_is_disputed_or_somebody_knows_better()
    {
        Scenario[] stories =
        [
            Paid().When(new OrderCommand.Fulfil()), Paid(new OrderPolicy(Failed: FailedPolicy.Ask)), Paid().Refunds(100), Paid().Hears(Tell.DisputeOpened()),
            Paid().Hears(Tell.Succeeded("money_2")), Paid(new OrderPolicy(Duplicate: DuplicatePolicy.Ask)).Hears(Tell.Succeeded("money_2")),
        ];
        foreach (var story in stories)
            Answered(Answered(Answered(Missed(story)))).Check(s => s.Order.Status.ShouldBe(OrderStatus.Paid)).Check(s => s.Order.Questions.ShouldContain(q => q.Kind == DiscrepancyKind.NotSettled));
        var known = Missed(Paid()).When(new OrderCommand.Answer(1, DiscrepancyKind.NotSettled, "money_1", AnswerAction.Close, "Asha", "seen at the bank"));
        Answered(Answered(Answered(known))).Then(OrderStatus.Paid, PaymentStatus.Succeeded);
    }

    [Theory]
    [InlineData(LatePolicy.Refund)]
    [InlineData(LatePolicy.Accept)]
    [InlineData(LatePolicy.Ask)]
    public void Money_that_turns_out_to_be_there_after_all_is_late_money(LatePolicy policy)
    {
        var before = Missed(Paid(new OrderPolicy(policy)));
        var sent = before.Now;
        var story = Answered(Answered(before)).Then(OrderStatus.Cancelled, PaymentStatus.Failed);
        // News may be older than they look, and so may an answer be that overtook another.
        story.Hears(Tell.Succeeded()).Told().Asked("inquire 1").Hears(Tell.Succeeded() with { At = sent }, source: EvidenceSource.Inquiry).Told().Books();
        story.Hears(Tell.Succeeded(), source: EvidenceSource.Inquiry);
        story.Events.ShouldContain(e => e.Type == EventType.PaymentLate);
        story.Order.Status.ShouldBe(policy == LatePolicy.Accept ? OrderStatus.Paid : OrderStatus.Cancelled);
        (story.Order.Refunds.Length, story.Order.Questions.Count()).ShouldBe(policy switch { LatePolicy.Refund => (1, 0), LatePolicy.Ask => (0, 1), _ => (0, 0) });
        story.Books("receivable:careful 499.00 INR", "sales -499.00 INR");
    }

    [Theory]
    [InlineData(LatePolicy.Refund)]
    [InlineData(LatePolicy.Accept)]
    [InlineData(LatePolicy.Ask)]
    public void A_statement_that_came_before_the_denial_and_has_the_money_is_booked_and_a_person_decides(LatePolicy policy)
    {
        var before = Missed(Paid(new OrderPolicy(policy)));
        var sent = before.Now.AddSeconds(-1);
        var row = new Settled("row_1", Given.Rupees(499), Given.Rupees(489), Given.Rupees(10));
        var story = Answered(Answered(before)).Then(OrderStatus.Cancelled, PaymentStatus.Failed).Books();
        story.Hears(Tell.Succeeded() with { At = sent }, source: EvidenceSource.Settlement).Told("payment.late", "discrepancy.opened")
            .Hears(new Evidence.Settled("money_1", row, PaidOut: true) { At = sent }, source: EvidenceSource.Settlement)
            .Then(OrderStatus.Cancelled, PaymentStatus.Succeeded).HasRefunds().Check(s => s.Order.Questions.ShouldContain(q => q.Kind == DiscrepancyKind.Late))
            .Books("bank 489.00 INR", "fees 10.00 INR", "sales -499.00 INR");
        // A person who believes the statement says so after the denial, whenever the file came.
        Answered(Answered(Missed(Paid(new OrderPolicy(policy))))).Hears(Tell.Succeeded() with { At = sent }, source: EvidenceSource.Operator).Then(
            policy == LatePolicy.Accept ? OrderStatus.Paid : OrderStatus.Cancelled, PaymentStatus.Succeeded);
    }

    [Fact]
    public void The_gateway_is_asked_every_day_about_money_that_no_statement_has_and_no_longer_than_a_month()
    {
        var story = Missed(Paid());
        var before = story.Calls.Count;
        story.Until(TimeSpan.FromDays(60));
        (story.Calls.Count - before).ShouldBeInRange(25, 28);
        story.Order.WakeAt.ShouldBeNull();
    }

    /// <summary>A statement speaks of money that we know, and each question has its answer: in any order that keeps to this, and however often it is told.</summary>
    [Fact]
    public void Told_in_any_order_it_ends_the_same()
    {
        (string Name, Evidence Fact, EvidenceSource Source)[] facts =
        [
            ("money", Tell.Succeeded(), EvidenceSource.Inquiry), ("money, by news", Tell.Succeeded(), EvidenceSource.Webhook), ("no statement", NoStatement, EvidenceSource.Settlement),
            ("failed, by news", Tell.FailedAt("link_1"), EvidenceSource.Webhook), ("failed", Tell.Failed, EvidenceSource.Inquiry),
        ];
        var ends = new HashSet<string>();
        foreach (var order in Permutations([.. facts]))
        {
            var names = order.Select(f => f.Name).ToList();
            if (names.IndexOf("no statement") < Math.Min(names.IndexOf("money"), names.IndexOf("money, by news"))) continue;
            var story = Given.Order(rules: Given.Contracted).HasLink();
            var answered = story.Calls.Count;
            // What the gateway said of the money it said before it took it back.
            foreach (var (_, fact, source) in order.Concat(order.Where(f => f.Source == EvidenceSource.Webhook)))
                story.Hears(fact with { At = fact is Evidence.Succeeded ? Given.Start.AddSeconds(1) : Given.Start.AddMinutes(1) }, source: source);
            for (; answered < story.Calls.Count; answered++)
                if (story.Calls[answered] is GatewayCall.Inquire) story.Hears(Tell.Failed with { At = Given.Start.AddMinutes(2 + answered) }, source: EvidenceSource.Inquiry);
            ends.Add($"{story.Order.Status} {story.First.Status} {story.First.Captures.Length} {string.Join(' ', story.Order.Questions)} {string.Join(' ', Laws.Balances(story.Postings))}");
        }
        ends.ShouldHaveSingleItem().Trim().ShouldBe("Cancelled Failed 0");
    }

    static IEnumerable<T[]> Permutations<T>(T[] items) => items.Length <= 1 ? [items]
        : items.SelectMany((one, i) => Permutations<T>([.. items[..i], .. items[(i + 1)..]]).Select(rest => (T[])[one, .. rest]));
}
