using Purser.Orders;
using Purser.Payments;
using Purser.Server.Checkout;
using Purser.Server.Mail;
using Purser.Server.Tests.Checkout;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Mail;

/// <summary>Declines beside another try: one mail, when all tries have failed.</summary>
public sealed partial class LetterTests
{
    [Fact]
    public async Task A_decline_is_not_told_while_money_is_on_its_way_to_what_was_declined()
    {
        var order = await EverySituation.Make(house, "failed");
        order = await house.Hear(order, new Evidence.Processing());
        ShopperLetters.IsTriedAgain(order).ShouldBeTrue();
        Situation.Of(order, null, TimeProvider.System.GetUtcNow(), a => a, _ => false).CanBePaid.ShouldBeFalse();
        await PutOff();
    }

    [Fact]
    public async Task A_decline_waits_while_the_shopper_tries_on_another_link_and_is_told_when_that_fails_too()
    {
        // The shopper gave the first up to pay in another way, and goes on with that.
        var order = await EverySituation.Make(house, "declined");
        await house.Do(order.Id, new OrderCommand.CancelPayment(1));
        order = await house.Hear(order, new Evidence.LinkCancelled());
        order.OpenPayment.ShouldBeNull();
        await PutOff();
        order = await house.Open(order, payment: 2);
        await PutOff();
        await house.Hear(order, new Evidence.Failed("do_not_honour"), 2);
        (await Sent()).ShouldHaveSingleItem().Subject.ShouldContain("did not go through");
    }

    [Theory]
    [InlineData(1, 2)]
    [InlineData(2, 1)]
    public async Task Of_two_links_that_are_open_at_once_the_declines_are_told_once_when_both_have_failed(int first, int last)
    {
        var order = await house.Open(await house.Place(policy: new OrderPolicy(AllowsSecondLink: true)));
        await house.Start(order, "stripe");
        order = await house.Hear(order, new Evidence.LinkOpened(new PaymentLink.Redirect(PageHouse.PayPage), order.Amount) { GatewayReference = "cs_2" }, 2);
        order.Payments.Count(p => p.IsOpen).ShouldBe(2);
        order = await house.Hear(order, new Evidence.Declined("card_declined"), first);
        await PutOff();
        await house.Hear(order, new Evidence.Declined("insufficient_funds"), last);
        (await Sent()).ShouldHaveSingleItem().Subject.ShouldContain("The payment was declined");
    }

    [Fact]
    public async Task A_decline_is_told_although_an_earlier_try_was_heard_to_have_failed_while_it_was_open()
    {
        // The shopper gave the first up, and goes on with another; only then it is known that the first had failed.
        var order = await house.Open(await house.Place());
        await house.Do(order.Id, new OrderCommand.CancelPayment(1));
        order = await house.Open(await house.Hear(order, new Evidence.LinkCancelled()), payment: 2);
        order = await house.Hear(order, new Evidence.Failed("do_not_honour"), source: EvidenceSource.Inquiry);
        order.Payments.Select(p => p.Status).ShouldBe([PaymentStatus.Failed, PaymentStatus.Pending]);
        await PutOff();
        await house.Hear(order, new Evidence.Declined("card_declined"), 2);
        (await Sent()).ShouldHaveSingleItem().Subject.ShouldContain("The payment was declined");
    }

    async Task PutOff()
    {
        await Hurry();
        await Until.True(async () => await Count("select count(*) from deliveries where state = 0 and attempts = 0 and failures = 0 and leased_until is null and due_at > now() + interval '1 minute'") == 1, "it to be put off");
        (await server.All()).ShouldBeEmpty();
    }
}
