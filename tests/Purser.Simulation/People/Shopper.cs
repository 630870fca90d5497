using Purser.Orders;
using Purser.Payments;
using Purser.Server.Engine;

namespace Purser.Simulation;

/// <summary>One person with one cart: opens the checkout, pays or does not, comes back or does not, clicks twice, opens two tabs, comes
/// again after having paid. Sees only what pages would show.</summary>
sealed class Shopper(World world, Wish wish, Random chance)
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    readonly Merchant merchant = new(world, wish, chance);

    WorldGateway Other(WorldGateway one) => chance.Pick([.. world.Gateways.Where(g => g != one)]);

    public async Task Live()
    {
        await world.Loop.Wait(chance.Between(TimeSpan.Zero, world.ArrivalsLast));
        if (await merchant.Place() is not { } order) return;
        world.Placed++;
        if (chance.Next(12) == 0) world.Outside.Start(() => ChangeOfMind(order), world.Auditor.Threw);
        if (chance.Next(25) == 0) return;

        await Pause(TimeSpan.FromMinutes(3));
        var gateway = chance.Pick(world.Gateways);
        if (chance.Next(10) == 0) await TwoTabs(order, gateway);
        else
            for (var visit = 0; visit < 3 && await Visit(order, gateway); visit++)
            {
                await Pause(TimeSpan.FromMinutes(2));
                if (chance.Next(2) == 0) gateway = Other(gateway);
            }
        if (chance.Next(10) == 0)
        {
            await Pause(TimeSpan.FromMinutes(10));
            await Visit(order, gateway);
        }
        await Pause(TimeSpan.FromHours(1));
        if (chance.Next(3) != 0) await merchant.Fulfil(order);
        if (chance.Next(4) != 0) return;
        await Pause(TimeSpan.FromHours(6));
        await merchant.Refund(order);
    }

    async Task ChangeOfMind(OrderId order)
    {
        await Pause(TimeSpan.FromMinutes(25));
        await merchant.Cancel(order);
    }

    /// <returns>True when this person will try again.</returns>
    async Task<bool> Visit(OrderId order, WorldGateway gateway)
    {
        if (chance.Next(8) == 0) _ = Start(order, gateway);
        if (await Start(order, gateway) is not { } payment) return chance.Next(2) == 0;
        if (await LinkOf(payment) is not var (there, page)) return chance.Next(2) == 0;
        var link = (Gateway: there, Link: page);
        // A second tab, and the back button: a form is asked for again, by somebody who knows or does not that it was paid with.
        var isForm = IsForm(link.Gateway);
        if (isForm && chance.Next(4) == 0) _ = LinkOf(payment);
        var again = await Pay(link);
        while (isForm && chance.Next(5) < 2)
        {
            await world.Loop.Wait(chance.Pick(chance.Between(TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(40)), chance.Between(TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(9))));
            if (await LinkOf(payment) is { } once) again = await Pay(once);
        }
        if (again && chance.Next(3) == 0)
            await world.Ask(wish.Index, life => life.Edge.Do(order, new OrderCommand.CancelPayment(payment.Number)), Patience);
        return again;
    }

    async Task TwoTabs(OrderId order, WorldGateway gateway)
    {
        var first = Start(order, gateway);
        var second = Start(order, Other(gateway));
        var links = new List<(WorldGateway, WorldLink)>();
        foreach (var tab in (Task<PaymentId?>[])[first, second])
            if (await tab is { } payment && await LinkOf(payment) is { } link) links.Add(link);
        foreach (var link in links.DistinctBy(l => l.Item2.Id)) await Pay(link);
    }

    /// <summary>The pay button. The answer's payment is where the page goes on, also when it is an earlier one.</summary>
    async Task<PaymentId?> Start(OrderId order, WorldGateway gateway)
    {
        // Half of them only press the button; routing picks the gateway.
        var named = chance.Next(2) == 0 ? gateway.Account : null;
        for (var tries = 0; tries < 4; tries++)
        {
            var heard = await world.Ask(wish.Index, life => life.Edge.StartPayment(order, named), Patience);
            switch (heard)
            {
                case { Got: true, Value: EngineReply.Done { Reply: Reply.Made { Payment: { } made } } }: return Promised(order, made);
                case { Got: true, Value: EngineReply.Done { Reply: Reply.Same { Payment: { } same } } }: return Promised(order, same);
                case { Got: true, Value: EngineReply.Done { Reply: Reply.Refused } }: return null;
                case { Got: true, Value: not EngineReply.Busy }:
                    world.Auditor.Broken("no bug", wish.Index, $"starting a payment was answered with {heard.Value}");
                    return null;
            }
            await world.Loop.Wait(chance.Between(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(10)));
        }
        return null;
    }

    PaymentId Promised(OrderId order, int number)
    {
        if (world.Database.Orders[order].Row.Payment(number) is null)
            world.Auditor.Broken("domain 9", wish.Index, $"payment {number} was promised and is not stored");
        return new PaymentId(order, number);
    }

    bool IsForm(WorldGateway gateway) => world.Accounts.Terms[gateway.Account].PostsAnew;

    /// <summary>The hand-over page waits for the link and sends the browser on. A form that may have been paid with is kept back, and the page looks again.</summary>
    async Task<(WorldGateway, WorldLink)?> LinkOf(PaymentId payment)
    {
        for (var tries = 0; tries < 12; tries++)
        {
            var heard = await world.Ask(wish.Index, life => life.Edge.Read(payment.Order), Patience);
            if (heard is { Got: true, Value: { } order } && order.Payment(payment.Number) is { } p)
            {
                if (p.Link is { } link && p.Status is PaymentStatus.Pending or PaymentStatus.Processing)
                {
                    var gateway = world.Gateways.Single(g => g.Account == p.Account);
                    if (IsForm(gateway))
                    {
                        var handed = await world.Ask(wish.Index, life => life.Edge.HandOut(payment, p.Account), Patience);
                        if (handed is not { Got: true, Value: { } form })
                        {
                            await world.Loop.Wait(TimeSpan.FromSeconds(3 << Math.Min(tries, 5)));
                            continue;
                        }
                        link = form;
                    }
                    if (gateway.Follow(link) is not { } page) return null;
                    if (page.Amount != wish.Amount) world.Auditor.Broken("F-G16", wish.Index, $"the shopper is shown a link for {page.Amount}");
                    return (gateway, page);
                }
                if (!p.IsOpen) return null;
            }
            await world.Loop.Wait(TimeSpan.FromSeconds(1 << Math.Min(tries, 5)));
        }
        return null;
    }

    /// <summary>On the gateway's page.</summary>
    /// <returns>True when this person wants to try otherwise.</returns>
    async Task<bool> Pay((WorldGateway Gateway, WorldLink Link) there)
    {
        var (gateway, link) = there;
        await Pause(TimeSpan.FromMinutes(2));
        var mood = chance.Next(100);
        if (mood >= 92) await world.Loop.Wait(chance.Between(TimeSpan.FromMinutes(3), TimeSpan.FromMinutes(35))); // Fetches the card from the car.
        if (!link.Payable(world.Time.GetUtcNow())) return false;
        switch (mood)
        {
            case < 56 or >= 92:
                gateway.Pay(link);
                break;
            case < 66:
                gateway.Decline(link);
                await Pause(TimeSpan.FromMinutes(1));
                if (!link.Payable(world.Time.GetUtcNow())) return false;
                gateway.Pay(link);
                break;
            case < 71:
                gateway.Decline(link);
                return true;
            case < 78:
                return chance.Next(2) == 0;
            case < 86:
                if (gateway.PayLater(link) is { } slow) world.Outside.Start(() => SettleLater(gateway, link, slow, chance.Next(3) != 0), world.Auditor.Threw);
                break;
            default:
                // Told that it failed, while at the bank it goes through in the end.
                if (gateway.SeemsDeclined(link) is { } failed) world.Outside.Start(() => SettleLater(gateway, link, failed, captured: true), world.Auditor.Threw);
                return true;
        }
        if (chance.Next(10) < 7) await Return(gateway, link);
        return false;
    }

    async Task SettleLater(WorldGateway gateway, WorldLink link, WorldTry attempt, bool captured)
    {
        await world.Loop.Wait(chance.Pick(
            chance.Between(TimeSpan.FromSeconds(20), TimeSpan.FromMinutes(5)), chance.Between(TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(40)),
            chance.Between(TimeSpan.FromHours(1), TimeSpan.FromHours(26))));
        gateway.Settle(link, attempt, captured);
    }

    async Task Return(WorldGateway gateway, WorldLink link)
    {
        if (gateway.IsMute) return;
        // One in eight writes into the address what they would like to be true.
        var message = gateway.Return(link, wishful: chance.Next(8) == 0);
        var times = chance.Next(10) == 0 ? 2 : 1;
        for (var i = 0; i < times; i++)
            await world.Ask(wish.Index, life => life.Edge.Return(gateway.Account, link.Payment, message), Patience);
    }

    Task Pause(TimeSpan most) => world.Loop.Wait(chance.Between(TimeSpan.FromSeconds(1), most));
}
