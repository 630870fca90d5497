using Purser.Orders;
using Purser.Payments;
using static Purser.Orders.OrderStatus;
using static Purser.Payments.PaymentStatus;

namespace Purser.Tests.Orders;

/// <summary>A payment has ended and its order can still be paid: what is heard of that payment, and what is asked about it.</summary>
public sealed class AfterTheEndTests
{
    static TimeSpan Minutes(double minutes) => TimeSpan.FromMinutes(minutes);

    static Scenario Cancelled(int minutes = 30, OrderPolicy? policy = null) => Given.Order(policy, minutes: minutes).HasLink()
        .When(new OrderCommand.CancelPayment(1)).Hears(Tell.Closed, source: EvidenceSource.Reply).Then(AwaitingPayment, PaymentStatus.Cancelled).Later(Minutes(1));

    [Fact]
    public void Word_that_money_is_on_its_way_to_a_cancelled_payment_is_asked_about_and_no_second_link_opens() => Cancelled()
        .Hears(Tell.Processing()).Told().Asked("inquire 1").Then(AwaitingPayment, PaymentStatus.Cancelled)
        .Pays().Same(1).Asked()
        .Pays("stubborn").Same(1).Asked();

    [Fact]
    public void Nor_does_one_where_the_order_allows_two_links() => Cancelled(policy: new OrderPolicy(AllowsSecondLink: true))
        .Hears(Tell.Processing()).Pays("stubborn").Same(1).Asked();

    [Fact]
    public void The_money_then_pays_the_order() => Cancelled().Hears(Tell.Processing()).Hears(Tell.Succeeded()).Told("payment.succeeded", "order.paid");

    [Fact]
    public void Only_a_later_reading_that_nothing_is_on_its_way_makes_room_for_another_payment() => Cancelled()
        .Hears(Tell.Processing()).Hears(Tell.Closed).Pays().Same(1)
        .Check(s => s.Until(s.Now - Given.Start + Minutes(1))).Asked("inquire 1").Pays().Same(1)
        .Hears(Tell.Closed).Pays().Made(2);

    [Fact]
    public void A_link_that_was_closed_while_money_was_on_its_way_is_no_proof_that_none_comes() => Given.Order().HasLink().Hears(Tell.Processing()).Later(Minutes(1))
        .Hears(Tell.Closed, source: EvidenceSource.Reply).Then(AwaitingPayment, PaymentStatus.Cancelled).Pays().Same(1)
        .Check(s => s.Until(s.Now - Given.Start + Minutes(1))).Asked("inquire 1").Hears(Tell.Closed).Pays().Made(2);

    [Fact]
    public void A_gateway_that_says_itself_that_the_money_failed_makes_room_at_once() => Given.Order().HasLink().Hears(Tell.Processing()).Later(Minutes(1))
        .Hears(Tell.Failed).Then(AwaitingPayment, Failed).Pays().Made(2);

    [Fact]
    public void A_decline_of_a_payment_that_has_ended_is_asked_about_for_its_link_may_be_open() => Cancelled()
        .Hears(Tell.Declined).Told().Asked("inquire 1").Hears(Tell.Opened(), source: EvidenceSource.Inquiry).Asked("cancel 1");

    [Fact]
    public void An_unknown_word_about_a_payment_that_has_ended_is_told_to_a_person_until_a_later_reading_answers_it() => Cancelled()
        .Hears(Tell.Processing("paid_ish")).Told("discrepancy.opened").Questions("unknown_word").Check(s => s.Last.Events[0].Reason.ShouldBe("paid_ish"))
        .Later(Minutes(1)).Hears(Tell.Processing("paid_ish"), source: EvidenceSource.Inquiry).Told().Asked()
        .Later(Minutes(1)).Hears(Tell.Closed).Told("discrepancy.resolved").Questions();

    [Fact]
    public void Money_that_nobody_tells_of_is_found_within_72_hours_although_the_order_lives_for_7_days()
    {
        var asked = new List<TimeSpan>();
        var story = Cancelled(minutes: 60 * 24 * 7);
        var end = story.Now - Minutes(1);
        story.Until(TimeSpan.FromDays(6), call =>
        {
            asked.Add(call.Order.Payments[0].LookedAt!.Value - end);
            return asked.Count < 4 ? Tell.Closed : Tell.Succeeded();
        });
        asked.ShouldBe([TimeSpan.FromHours(1), TimeSpan.FromHours(6), TimeSpan.FromHours(24), TimeSpan.FromHours(72)]);
        story.Then(Paid, Succeeded);
    }

    [Fact]
    public void A_link_that_turns_up_and_cannot_be_closed_is_asked_about_once_a_minute_and_not_at_the_speed_of_the_network()
    {
        var story = Given.Order(minutes: 60 * 24).Pays("forgetful").Hears(Tell.Refused()).Then(AwaitingPayment, Failed).Later(Minutes(1));
        var calls = new List<(string Call, TimeSpan At)>();
        story.Hears(Tell.Opened(), source: EvidenceSource.Inquiry);
        Answer(story, calls);
        calls.ShouldBe([("CancelLink", Minutes(1))]);
        while (story.Order.WakeAt is { } wake && wake <= Given.Start + Minutes(5)) Answer(story.At(wake - Given.Start).Tick(), calls);
        calls.ShouldBe([.. Enumerable.Range(1, 5).Select(minute => ("CancelLink", Minutes(minute)))]);
        story.Hears(Tell.Closed, source: EvidenceSource.Reply).Later(Minutes(1)).Tick().Asked("inquire 1").Hears(Tell.Closed).Check(s => s.First.HeardAt.ShouldBeNull());

        // As the calls are made: a link that cannot be closed is inquired about in the same call.
        static void Answer(Scenario story, List<(string, TimeSpan)> calls)
        {
            for (var open = story.Last.Calls; !open.IsEmpty; open = story.Last.Calls)
            {
                calls.Add((open.Single().GetType().Name, story.Now - Given.Start));
                if (calls.Count > 20) throw new InvalidOperationException("It is asked again and again at once.");
                story.Hears(Tell.Opened(), source: EvidenceSource.Reply);
            }
        }
    }

    [Fact]
    public void A_call_to_close_such_a_link_that_is_lost_is_made_again() => Given.Order(minutes: 60 * 24).Pays("forgetful").Hears(Tell.Refused()).Later(Minutes(1))
        .Hears(Tell.Opened(), source: EvidenceSource.Reply).Asked("cancel 1").Check(s => s.Order.WakeAt.ShouldBe(s.Now + Minutes(1)))
        .Later(Minutes(1)).Tick().Asked("cancel 1");
}
