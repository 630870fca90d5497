using Purser.Orders;
using Purser.Payments;
using static Purser.Orders.OrderStatus;
using static Purser.Payments.PaymentStatus;

namespace Purser.Tests.Orders;

/// <summary>What is asked of gateways and when: lost answers, refusals, silence, and the end of an order's time.</summary>
public sealed class AskingTests
{
    static readonly TimeSpan Instant = TimeSpan.FromMilliseconds(1);
    static TimeSpan Minutes(double minutes) => TimeSpan.FromMinutes(minutes);

    [Fact]
    public void A_lost_answer_leaves_the_payment_unresolved_not_failed() => Given.Order(minutes: 60 * 24 * 3).Pays("stubborn")
        .Hears(Tell.Lost()).Told("payment.unresolved").Then(AwaitingPayment, Unresolved)
        .Until(TimeSpan.FromDays(2)).Then(AwaitingPayment, Unresolved);

    [Fact]
    public void An_unresolved_payment_is_asked_about_at_5_s_30_s_2_min_10_min_and_hourly()
    {
        var asked = new List<TimeSpan>();
        Given.Order(minutes: 60 * 24).Pays("stubborn").Hears(Tell.Lost()).Until(TimeSpan.FromHours(4), call =>
        {
            asked.Add(call.Order.Payments[0].LookedAt!.Value - Given.Start);
            return null;
        });
        asked.ShouldBe([TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(30), Minutes(2), Minutes(10), Minutes(70), Minutes(130), Minutes(190)]);
    }

    [Fact]
    public void A_pending_payment_is_asked_about_at_15_min_and_then_each_minute() => Given.Order().HasLink()
        .At(Minutes(15) - Instant).Tick().Asked()
        .At(Minutes(15)).Tick().Asked("inquire 1")
        .At(Minutes(16) - Instant).Tick().Asked()
        .At(Minutes(16)).Tick().Asked("inquire 1")
        .At(Minutes(17) + Instant).Tick().Asked("inquire 1");

    [Fact]
    public void Absent_counts_only_after_the_visibility_delay_and_with_a_second_reading() => Given.Order().Pays("forgetful").Hears(Tell.Lost())
        .At(TimeSpan.FromSeconds(75) - Instant).Hears(Tell.Absent).Check(s => s.First.AbsentFirstAt.ShouldBeNull())
        .At(TimeSpan.FromSeconds(75)).Hears(Tell.Absent).Told().Then(AwaitingPayment, Unresolved)
        .Hears(Tell.Absent).Told()
        .Later(TimeSpan.FromSeconds(10) - Instant).Hears(Tell.Absent).Told().Then(AwaitingPayment, Unresolved)
        .Later(Instant).Hears(Tell.Absent).Told("payment.failed").Then(AwaitingPayment, Failed);

    [Fact]
    public void A_link_that_was_asked_for_again_lives_from_the_latest_question_and_is_not_given_up_before_its_end()
    {
        var story = Given.Order().Pays().Hears(Tell.Lost()).At(TimeSpan.FromMinutes(10)).Hears(Tell.Absent).Asked("open 1").Hears(Tell.Opened());
        var lives = story.First.LinkExpiresAt - story.First.StartedAt;
        var end = story.First.AskedAt + lives + story.Rules.Terms("careful").VisibilityDelay;
        end.ShouldBeGreaterThan(story.First.LinkExpiresAt + TimeSpan.FromMinutes(10));
        story.Later(end - story.Now - Instant).Hears(Tell.Absent).Later(TimeSpan.FromSeconds(20)).Check(s => s.First.AbsentFirstAt.ShouldBeNull())
            .Hears(Tell.Absent).Later(TimeSpan.FromSeconds(10)).Hears(Tell.Absent).Then(AwaitingPayment, PaymentStatus.Expired);
    }

    [Fact]
    public void Absent_at_a_gateway_that_repeats_safely_asks_for_the_link_again_under_the_same_key() => Given.Order().Pays().Hears(Tell.Lost())
        .At(TimeSpan.FromSeconds(15) - Instant).Hears(Tell.Absent).Asked()
        .At(TimeSpan.FromSeconds(15)).Hears(Tell.Absent).Asked("open 1")
        .Hears(Tell.Absent).Asked()
        .Hears(Tell.Opened()).Then(AwaitingPayment, Pending);

    [Fact]
    public void A_gateway_that_forgets_an_open_link_is_believed_only_long_after_the_link_s_end() => Given.Order().HasLink("forgetful")
        .At(Minutes(31) - Instant).Hears(Tell.Absent).Check(s => s.First.AbsentFirstAt.ShouldBeNull())
        .At(Minutes(31)).Hears(Tell.Absent).Told()
        .Later(TimeSpan.FromSeconds(10)).Hears(Tell.Absent).Check(s => s.First.Status.ShouldBe(PaymentStatus.Expired));

    [Fact]
    public void A_definite_no_fails_the_payment() => Given.Order().Pays().Hears(Tell.Refused()).Told("payment.failed").Then(AwaitingPayment, Failed);

    [Fact]
    public void A_question_that_never_left_us_is_asked_again_after_1_2_and_4_seconds_and_given_up_after_four_tries()
    {
        var story = Given.Order().Pays().Hears(Tell.NotSent(1)).Then(AwaitingPayment, Starting);
        foreach (var (ask, seconds) in new[] { (2, 1), (3, 2), (4, 4) })
            story.Later(TimeSpan.FromSeconds(seconds) - Instant).Tick().Asked().Later(Instant).Tick().Asked("open 1").Hears(Tell.NotSent(ask));
        story.Told("payment.failed").Then(AwaitingPayment, Failed).Check(s => s.First.Reason.ShouldBe("gateway_unreachable"));
    }

    [Fact]
    public void A_no_to_one_question_proves_nothing_about_an_earlier_one_that_is_unanswered() => Given.Order().Pays().Hears(Tell.Lost(1))
        .At(TimeSpan.FromSeconds(30)).Hears(Tell.Absent).Asked("open 1")
        .Hears(Tell.Refused(2)).Then(AwaitingPayment, Unresolved)
        .Hears(Tell.Opened()).Then(AwaitingPayment, Pending);

    [Fact]
    public void A_no_counts_the_same_before_and_after_an_older_question_turns_out_not_sent()
    {
        var asked = () => Given.Order().Pays().At(TimeSpan.FromSeconds(30)).Hears(Tell.Absent).Asked("open 1");
        asked().Hears(Tell.NotSent(1)).Hears(Tell.Refused(2)).Then(AwaitingPayment, Failed);
        asked().Hears(Tell.Refused(2)).Hears(Tell.NotSent(1)).Then(AwaitingPayment, Failed);
    }

    [Fact]
    public void An_old_not_sent_heard_again_says_nothing_about_the_question_under_way() => Given.Order().Pays().Hears(Tell.NotSent(1))
        .Later(TimeSpan.FromSeconds(1)).Tick().Asked("open 1").Hears(Tell.NotSent(1)).Told().Then(AwaitingPayment, Starting);

    [Fact]
    public void An_answer_to_a_question_that_was_never_committed_says_nothing() => Given.Order().Pays().Hears(Tell.Refused(7)).Told().Then(AwaitingPayment, Starting);

    [Fact]
    public void A_link_for_another_amount_is_never_shown_and_is_closed() => Given.Order().Pays()
        .Hears(Tell.Opened(Given.Rupees(1))).Told("payment.unresolved", "discrepancy.opened").Asked("cancel 1").Then(AwaitingPayment, Unresolved)
        .Check(s => s.First.Link.ShouldBeNull())
        .Hears(Tell.Opened()).Hears(Tell.Opened(Given.Rupees(499))).Then(AwaitingPayment, Unresolved).Check(s => s.First.Link.ShouldBeNull())
        .Hears(Tell.Closed).Told("payment.cancelled", "discrepancy.resolved").Then(AwaitingPayment, PaymentStatus.Cancelled).Questions();

    [Fact]
    public void An_unknown_word_does_not_hide_that_the_link_is_for_another_amount()
    {
        Given.Order().Pays().Hears(Tell.Processing("paid_ish")).Hears(Tell.Opened(Given.Rupees(1))).Questions("link_mismatch")
            .Then(AwaitingPayment, Processing).Check(s => s.First.Link.ShouldBeNull());
        Given.Order().Pays().Hears(Tell.Opened(Given.Rupees(1))).Hears(Tell.Processing("paid_ish")).Questions("link_mismatch")
            .Then(AwaitingPayment, Processing).Check(s => s.First.Link.ShouldBeNull());
    }

    [Fact]
    public void An_unknown_word_is_processing_with_an_operator_told_once_until_a_known_word_comes() => Given.Order().HasLink()
        .Hears(Tell.Processing("paid_ish")).Told("payment.processing", "discrepancy.opened").Then(AwaitingPayment, Processing).Questions("unknown_word")
        .Hears(Tell.Processing("paid_ish")).Told()
        .Later(TimeSpan.FromSeconds(1)).Hears(Tell.Opened(), source: EvidenceSource.Inquiry).Told("payment.link_ready", "discrepancy.resolved")
        .Then(AwaitingPayment, Pending).Questions();

    [Fact]
    public void Old_news_of_money_under_way_does_not_undo_a_newer_reading() => Given.Order().HasLink()
        .Later(TimeSpan.FromMinutes(2)).Hears(Tell.Opened(), source: EvidenceSource.Inquiry)
        .Hears(Tell.Processing("old") with { At = Given.Start + TimeSpan.FromMinutes(1) }).Told().Then(AwaitingPayment, Pending);

    [Fact]
    public void At_its_end_an_order_asks_the_gateway_first_and_expires_when_that_has_closed_the_link() => Given.Order().HasLink()
        .At(Minutes(30) - Instant).Tick().Then(AwaitingPayment, Pending).Check(s => s.Order.ClosingAt.ShouldBeNull())
        .At(Minutes(30)).Tick().Asked("cancel 1").Told().Then(AwaitingPayment, Pending)
        .Later(Instant).Hears(Tell.Closed).Told("payment.cancelled", "order.expired").Asked("inquire 1").Then(OrderStatus.Expired, PaymentStatus.Cancelled);

    [Fact]
    public void An_order_without_a_link_expires_at_its_end() => Given.Order()
        .At(Minutes(30) - Instant).Tick().Told().At(Minutes(30)).Tick().Told("order.expired").Check(s => s.Order.WakeAt.ShouldBeNull());

    [Fact]
    public void Money_that_came_while_the_link_was_being_closed_pays_the_order() => Given.Order().HasLink()
        .At(Minutes(30)).Tick().Hears(Tell.Succeeded()).Then(Paid, Succeeded).Check(s => s.Order.Late.ShouldBeFalse());

    [Fact]
    public void A_silent_gateway_holds_an_order_s_end_up_for_the_grace_and_no_longer() => Given.Order().HasLink()
        .Until(Minutes(32) - Instant).Then(AwaitingPayment, Pending)
        .Until(Minutes(32)).Told("order.expired").Then(OrderStatus.Expired, Pending)
        .Until(TimeSpan.FromDays(5)).Then(OrderStatus.Expired, Pending)
        .Check(s => s.Order.WakeAt.ShouldNotBeNull());

    [Fact]
    public void After_the_end_late_money_is_watched_for_at_1_h_6_h_24_h_and_72_h()
    {
        var asked = new List<TimeSpan>();
        var story = Given.Order().HasLink().At(Minutes(30)).Tick().Hears(Tell.Closed);
        story.Until(TimeSpan.FromDays(10), call =>
        {
            asked.Add(call.Order.Payments[0].LookedAt!.Value - Given.Start - Minutes(30));
            return Tell.Closed;
        });
        asked.ShouldBe([TimeSpan.FromHours(1), TimeSpan.FromHours(6), TimeSpan.FromHours(24), TimeSpan.FromHours(72)]);
        story.Order.WakeAt.ShouldBeNull();
    }

    [Fact]
    public void The_last_question_about_late_money_is_asked_until_it_is_answered_or_a_month_is_over()
    {
        var answers = 0;
        var story = Given.Order().HasLink().At(Minutes(30)).Tick().Hears(Tell.Closed);
        story.Until(TimeSpan.FromDays(3), _ => Tell.Closed).Check(s => s.Order.WakeAt.ShouldBe(Given.Start + Minutes(30) + TimeSpan.FromHours(72)));
        // The gateway is away for a day.
        story.Until(TimeSpan.FromDays(4)).Check(s => s.Order.WakeAt.ShouldNotBeNull());
        story.Until(TimeSpan.FromDays(10), _ => answers++ == 0 ? Tell.Closed : throw new InvalidOperationException("It was answered."));
        answers.ShouldBe(1);
        story.Order.WakeAt.ShouldBeNull();

        // Or for good.
        Given.Order().HasLink().At(Minutes(30)).Tick().Hears(Tell.Closed).Until(TimeSpan.FromDays(40)).Check(s => s.Order.WakeAt.ShouldBeNull());
    }

    [Fact]
    public void Held_money_is_watched_too() => Given.Order().HasLink().Hears(Tell.Succeeded(amount: Given.Rupees(1)))
        .Until(Minutes(30)).Told("order.expired").Check(s => s.Order.WakeAt.ShouldBe(Given.Start + Minutes(90)));

    [Fact]
    public void A_wrong_amount_is_asked_about_every_minute_while_the_order_waits() => Given.Order().HasLink().Hears(Tell.Succeeded(amount: Given.Rupees(1)))
        .Until(Minutes(3), _ => Tell.Succeeded(amount: Given.Rupees(1))).Check(s => s.Calls.OfType<GatewayCall.Inquire>().Count().ShouldBe(3))
        .Until(Minutes(4), _ => Tell.Succeeded()).Then(Paid, Succeeded);

    [Fact]
    public void A_wrong_amount_beside_other_money_is_watched_until_it_is_told_right() => Given.Order().HasLink()
        .Hears(Tell.Succeeded("garbled", Given.Rupees(1))).Until(Minutes(30)).Told("order.expired")
        .Hears(Tell.Succeeded("late")).Then(OrderStatus.Expired, Succeeded)
        .Until(Minutes(91), _ => Tell.Succeeded("garbled")).Check(s => s.First.Captures.ShouldAllBe(c => c.Amount == Given.Rupees(499)));

    [Fact]
    public void An_order_that_closes_while_its_question_never_left_us_neither_spins_nor_asks_for_a_link() => Given.Order(minutes: 1)
        .At(TimeSpan.FromSeconds(59)).Pays().Hears(Tell.NotSent()).At(Minutes(1)).Tick().Asked("inquire 1")
        .Hears(Tell.Absent, source: EvidenceSource.Inquiry).Told("payment.failed", "order.expired");

    [Fact]
    public void A_payment_whose_question_never_left_us_ends_with_its_order() => Given.Order().Pays().Hears(Tell.NotSent())
        .When(new OrderCommand.Cancel()).Told("order.cancelled", "payment.failed").Asked().Check(s => s.Order.WakeAt.ShouldBeNull());

    [Fact]
    public void A_look_in_the_same_instant_does_not_keep_the_alarm_from_asking_for_the_link() => Given.Order().Pays()
        .Later(TimeSpan.FromSeconds(5)).When(new OrderCommand.Look(1)).Asked("inquire 1").Hears(Tell.NotSent())
        .Tick().Asked("open 1");

    [Fact]
    public void A_shopper_who_is_back_from_a_link_that_was_never_made_keeps_no_alarm_ringing_once_it_is_asked_for() => Given.Order().Pays("stubborn")
        .When(new OrderCommand.Look(1, Back: true)).Hears(Tell.NotSent()).Later(Minutes(6)).Tick().Asked("open 1").Tick().Asked().Check(s => s.Order.WakeAt.ShouldBe(s.Now + TimeSpan.FromSeconds(5)));

    [Fact]
    public void A_ring_days_late_catches_up_with_one_question() => Given.Order().HasLink().At(TimeSpan.FromDays(3)).Tick().Asked("cancel 1");
}
