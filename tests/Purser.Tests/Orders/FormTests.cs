using System.Collections.Immutable;
using Purser.Orders;
using Purser.Payments;

namespace Purser.Tests.Orders;

/// <summary>A form that can be paid on each time it is posted is handed out again only when the gateway has said what became of the last posting.</summary>
public sealed class FormTests
{
    static readonly TimeSpan Delay = TimeSpan.FromMinutes(5);
    static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    static readonly OrderRules Rules = Given.Rules with
    {
        Accounts = ImmutableDictionary.CreateRange(Given.Rules.Accounts).SetItem("stubborn", Given.Rules.Accounts["stubborn"] with { PostsAnew = true }),
    };

    static readonly OrderCommand.HandOut Wants = new(1);

    static readonly Evidence Open = new Evidence.LinkOpened(null, Given.Rupees(499)) { GatewayReference = "link_1" };

    static Scenario Form(string account = "stubborn") => Given.Order(rules: Rules).Pays(account).Hears(
        new Evidence.LinkOpened(new PaymentLink.Form("https://gateway.test/pay", ImmutableSortedDictionary<string, string>.Empty.Add("a", "b")), Given.Rupees(499))
        {
            GatewayReference = "link_1",
        }, source: EvidenceSource.Reply);

    static Scenario Inquired(Scenario story, Evidence evidence) => story.Hears(evidence, source: EvidenceSource.Inquiry);

    [Fact]
    public void The_first_time_the_form_is_handed_out_at_once_and_a_page_loaded_twice_is_one_visit() => Form()
        .When(Wants).Made(1).Asked()
        .Later(14 * Second).When(Wants).Made(1).Asked()
        .Check(s => s.First.HandedAt.ShouldBe(s.Now - (14 * Second)))
        .Later(Second).When(Wants).Same(1).Asked("inquire 1");

    [Fact]
    public void Whoever_comes_back_gets_it_again_only_after_an_answer_to_a_question_that_was_asked_late_enough()
    {
        var story = Form().When(Wants).Later(5 * Second).When(new OrderCommand.Look(1, Back: true)).Asked("inquire 1");
        // The gateway may not show yet what was paid a moment ago.
        Inquired(story, Open).When(Wants).Same(1);
        Inquired(story.Later(Delay - Second), Open).When(Wants).Same(1);
        Inquired(story.Later(Second), Open).When(Wants).Made(1)
            .Later(20 * Second).When(Wants).Same(1);
    }

    [Fact]
    public void Nothing_at_the_gateway_after_its_delay_is_an_answer_and_silence_and_webhooks_are_none()
    {
        var story = Form().When(Wants).Later(2 * Delay).When(Wants).Same(1).Asked("inquire 1").Hears(Open).When(Wants).Same(1);
        Inquired(story, new Evidence.Absent()).When(Wants).Made(1);
    }

    [Fact]
    public void A_decline_of_the_try_that_was_posted_gives_the_form_back_at_once_and_that_of_an_older_one_does_not()
    {
        var story = Form().When(Wants).Later(30 * Second);
        var declined = new Evidence.Declined("no") { GatewayTime = story.Now - (10 * Second) };
        // Whether the shopper or the news of it comes first.
        Inquired(story.When(new OrderCommand.Look(1, Back: true)), declined).When(Wants).Made(1);
        Inquired(story.Later(30 * Second), declined).When(Wants).Same(1);
        Inquired(story, declined with { GatewayTime = story.Now }).When(new OrderCommand.Look(1, Back: true)).When(Wants).Made(1);
    }

    [Fact]
    public void The_answer_that_the_shopper_waits_for_is_asked_for_by_the_alarm() => Form()
        .When(Wants).Check(s => s.Order.WakeAt.ShouldBe(s.Now + Delay))
        .Later(Delay).Tick().Asked("inquire 1")
        .Check(s => s.Order.WakeAt.ShouldBe(s.Now + Rules.PendingEvery));

    [Fact]
    public void An_answer_is_asked_for_again_when_it_has_grown_old()
    {
        var story = Form().When(Wants).Later(Delay);
        Inquired(story, Open).Later(TimeSpan.FromMinutes(1)).When(Wants).Same(1).Asked("inquire 1");
    }

    [Fact]
    public void A_form_of_a_gateway_that_takes_it_once_is_handed_out_as_often_as_it_is_wanted() =>
        Form("careful").When(Wants).Made(1).Later(20 * Second).When(new OrderCommand.Look(1, Back: true)).When(Wants).Made(1);

    [Fact]
    public void No_form_is_handed_out_once_the_order_is_over() =>
        Form().When(new OrderCommand.Cancel()).When(Wants).Same(1).When(new OrderCommand.HandOut(2)).Refused(Refusal.PaymentUnknown);

    [Fact]
    public void No_form_is_handed_out_beside_money_on_its_way_to_another_payment() => Given.Order(rules: Rules).HasLink()
        .Hears(Tell.Closed).Pays("stubborn").Hears(
            new Evidence.LinkOpened(new PaymentLink.Form("https://gateway.test/pay", ImmutableSortedDictionary<string, string>.Empty.Add("a", "b")), Given.Rupees(499)) { GatewayReference = "link_2" }, 2, EvidenceSource.Reply)
        .Hears(Tell.Processing(), 1).When(new OrderCommand.HandOut(2)).Same(2).Asked();
}
