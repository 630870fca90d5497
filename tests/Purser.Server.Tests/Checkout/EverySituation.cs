using Purser.Orders;
using Purser.Payments;

namespace Purser.Server.Tests.Checkout;

/// <summary>Every situation that a shopper can find an order in, and how it comes about.</summary>
public static class EverySituation
{
    static readonly Dictionary<string, Func<PageHouse, Task<Order>>> Ways = new()
    {
        ["ready"] = house => house.Place(),
        ["starting"] = async house => await house.Start(await house.Place()),
        ["pending"] = async house => await house.Open(await house.Place()),
        ["declined"] = async house => await house.Hear(await house.Open(await house.Place()), new Evidence.Declined("card_declined")),
        ["processing"] = async house => await house.Hear(await house.Open(await house.Place()), new Evidence.Processing()),
        ["unresolved"] = async house => await house.Hear(await house.Start(await house.Place()), new Evidence.AnswerLost(1, "time-out")),
        ["link_closing"] = async house => await house.Do((await house.Open(await house.Place())).Id, new OrderCommand.CancelPayment(1)),
        ["closing"] = async house => await house.RunOut(await house.OpenShortly()),
        ["held"] = async house => await house.Pay(await house.Open(await house.Place()), amount: 29_900),
        ["paid"] = async house => await house.Pay(await house.Open(await house.Place())),
        ["paid_late"] = async house => await house.Pay(await Expired(house, new OrderPolicy(LatePolicy.Accept))),
        ["late_refund"] = async house => await house.Pay(await Expired(house, new OrderPolicy())),
        ["late_asked"] = async house => await house.Pay(await Expired(house, new OrderPolicy(LatePolicy.Ask))),
        ["paid_twice"] = async house =>
        {
            var order = await Second(house);
            await house.Pay(order, payment: 1);
            return await house.Pay(order, payment: 2);
        },
        ["paid_otherwise"] = async house => await house.Pay(await Second(house), payment: 1),
        ["paid_and_held"] = async house =>
        {
            var order = await Second(house);
            await house.Pay(order, payment: 1);
            return await house.Pay(order, payment: 2, amount: 100);
        },
        ["taken_back"] = async house =>
        {
            var order = await house.Pay(await house.Open(await house.Place()));
            return await house.Hear(order, new Evidence.Reversed(order.Payments[0].Captures[0].MoneyReference, order.Amount));
        },
        ["failed"] = async house => await house.Hear(await house.Open(await house.Place()), new Evidence.Failed("do_not_honour")),
        ["cancelled_try"] = async house => await house.Hear(await house.Open(await house.Place()), new Evidence.LinkCancelled()),
        ["expired_try"] = async house => await house.Hear(await house.Open(await house.Place()), new Evidence.LinkExpired()),
        ["expired"] = house => Expired(house, new OrderPolicy()),
        ["denied"] = async house =>
        {
            var order = await house.Pay(await house.Open(await house.Place()));
            await house.Hear(order, new Evidence.Unsettled(order.Payments[0].Captures[0].MoneyReference, "It is in no statement."), source: EvidenceSource.Settlement);
            await house.Hear(order, new Evidence.Failed("never_captured"), source: EvidenceSource.Inquiry);
            return await house.Hear(order, new Evidence.Failed("never_captured"), source: EvidenceSource.Inquiry);
        },
        ["cancelled"] = async house => await house.Do((await house.Open(await house.Place())).Id, new OrderCommand.Cancel()),
    };

    public static IEnumerable<string> Names => Ways.Keys;

    public static Task<Order> Make(PageHouse house, string name) => Ways[name](house);

    /// <summary>The page that shows it: the latest payment's, else the order's own.</summary>
    public static string Page(PageHouse house, Order order) =>
        order.Payments.Length > 0 ? house.Links.Payment(order, order.Payments.Length) : house.Links.Status(order);

    static async Task<Order> Expired(PageHouse house, OrderPolicy policy)
    {
        var order = await house.RunOut(await house.OpenShortly(policy));
        return await house.Hear(order, new Evidence.LinkExpired());
    }

    /// <summary>Two open links, where the merchant took that risk.</summary>
    static async Task<Order> Second(PageHouse house)
    {
        var order = await house.Open(await house.Place(policy: new OrderPolicy(AllowsSecondLink: true)));
        await house.Start(order, "stripe");
        return await house.Hear(order, new Evidence.LinkOpened(new PaymentLink.Redirect(PageHouse.PayPage), order.Amount) { GatewayReference = $"cs_{order.Id.Letters}" }, payment: 2);
    }
}
