using Purser.Orders;
using Purser.Payments;
using Purser.Routing;
using static Purser.Orders.OrderStatus;
using static Purser.Payments.PaymentStatus;

namespace Purser.Tests.Routing;

/// <summary>Another gateway is tried only when the first provably created nothing.</summary>
public sealed class FailOverTests
{
    static readonly OrderRules Rules = Given.Rules with
    {
        Routing = new RoutingTable([.. new[] { "careful", "stubborn", "forgetful" }.Select(n => new RouteAccount(n, ["INR"], [new MethodOffer("card")]))], []),
    };

    static Scenario Pays(OrderPolicy? policy = null) => Given.Order(policy, Rules).When(new OrderCommand.StartPayment(null, "card")).Made(1);

    [Fact]
    public void The_choice_and_its_reason_stand_in_the_event() => Pays()
        .Check(s => s.Events[^1].Reason.ShouldBe("careful is the first that can take it"))
        .Check(s => (s.First.Account, s.First.Routed).ShouldBe(("careful", true)));

    [Fact]
    public void A_definite_no_leads_to_the_next_account() => Pays().Hears(Tell.Refused(), source: EvidenceSource.Reply)
        .Told("payment.failed", "payment.started").Asked("open 2").Then(AwaitingPayment, Failed, Starting)
        .Check(s => s.Latest.Account.ShouldBe("stubborn"))
        .Check(s => s.Events[^1].Reason!.ShouldStartWith("payment 1 created nothing at careful; stubborn is the first that can take it"));

    [Fact]
    public void A_question_that_never_left_us_leads_to_the_next_account_at_once_and_to_none_twice()
    {
        var story = Pays().Hears(Tell.NotSent(), source: EvidenceSource.Reply).Then(AwaitingPayment, Failed, Starting)
            .Hears(Tell.NotSent(), source: EvidenceSource.Reply).Then(AwaitingPayment, Failed, Failed, Starting);
        story.Order.Payments.Select(p => p.Account).ShouldBe(["careful", "stubborn", "forgetful"]);
        // Nobody is left: the last one is asked again, as if there were no routing.
        story.Hears(Tell.NotSent(), source: EvidenceSource.Reply).Then(AwaitingPayment, Failed, Failed, Starting).Until(TimeSpan.FromSeconds(5)).Asked("open 3");
    }

    [Fact]
    public void A_lost_answer_keeps_the_first_gateway() => Pays().Hears(Tell.Lost(), source: EvidenceSource.Reply).Then(AwaitingPayment, Unresolved)
        .When(new OrderCommand.StartPayment(null, "card")).Same(1)
        // A later no to a second question says nothing about the first.
        .Hears(Tell.Refused(2), source: EvidenceSource.Reply).Then(AwaitingPayment, Unresolved);

    [Fact]
    public void An_open_link_is_kept_and_so_is_a_choice_that_somebody_made()
    {
        Pays().Hears(Tell.Opened(), source: EvidenceSource.Reply).Hears(Tell.Declined).Then(AwaitingPayment, Pending)
            .When(new OrderCommand.StartPayment(null, "card")).Same(1);
        Given.Order(rules: Rules).Pays("careful").Hears(Tell.Refused(), source: EvidenceSource.Reply).Then(AwaitingPayment, Failed);
    }

    [Fact]
    public void What_was_cancelled_or_has_ended_is_not_failed_over()
    {
        Pays().When(new OrderCommand.Cancel()).Hears(Tell.Refused(), source: EvidenceSource.Reply).Then(OrderStatus.Cancelled, Failed);
        Pays().Hears(Tell.Lost(), source: EvidenceSource.Reply).When(new OrderCommand.CancelPayment(1)).Check(s => s.First.CancelAsked.ShouldBeTrue());
    }

    [Fact]
    public void An_account_that_cannot_take_the_order_is_refused_by_name_and_so_is_having_none()
    {
        var rules = Rules with { Routing = new RoutingTable([new RouteAccount("careful", ["USD"], [new MethodOffer("card")])], []) };
        foreach (var account in (string?[])[null, "careful"])
            Given.Order(rules: rules).When(new OrderCommand.StartPayment(account, null)).Check(s =>
                s.Last.Reply.ShouldBeOfType<Reply.Refused>().Why.ShouldBe(Refusal.GatewayUnsuitable));
    }

    [Fact]
    public void Whatever_is_heard_two_links_are_never_payable_unless_the_order_takes_the_risk()
    {
        var chance = new Random(5);
        Func<int, Evidence>[] told = [_ => Tell.Opened(reference: null), Tell.Refused, Tell.NotSent, Tell.Lost, _ => Tell.Declined, _ => Tell.Failed, _ => Tell.Absent];
        for (var round = 0; round < 6_000; round++)
        {
            var story = Pays();
            story.Lawful = false;
            for (var step = 0; step < 8 && !story.Order.HasEnded; step++)
            {
                var p = story.Order.Payments[chance.Next(story.Order.Payments.Length)];
                var fact = told[chance.Next(told.Length)](chance.Next(1, Math.Max(1, p.Asks) + 1));
                // A gateway that said of a question that it did nothing, does not say later that it did.
                if (fact is Evidence.LinkOpened && p.UnansweredAsks == 0) continue;
                if (fact is Evidence.LinkRefused or Evidence.NotSent && p.LinkOpenedAt is not null) continue;
                if (fact is Evidence.LinkOpened) fact = fact with { GatewayReference = $"link_{p.Number}" };
                story.Later(TimeSpan.FromSeconds(chance.Next(90))).Hears(fact, p.Number, EvidenceSource.Inquiry);
                if (chance.Next(3) == 0) story.When(new OrderCommand.StartPayment(null, "card"));
                // Whatever we call it: what a gateway may hold open for us, but for what it has said to be over.
                story.Order.Payments.Count(x => (x.GatewayReference is not null || x.UnansweredAsks > 0) && x.Reason is not ("bank_said_no" or "absent")).ShouldBeLessThanOrEqualTo(1);
            }
        }
    }
}
