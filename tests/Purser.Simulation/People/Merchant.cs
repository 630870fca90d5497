using Purser.Orders;
using Purser.Server.Engine;

namespace Purser.Simulation;

/// <summary>A merchant's backend: places the order and asks again when it hears nothing, at any node, under the same name; now and then
/// with other content by mistake, at the same instant twice, or with second thoughts.</summary>
sealed class Merchant(World world, Wish wish, Random chance)
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    OrderId? known;

    /// <summary>Null when the merchant gave up.</summary>
    public async Task<OrderId?> Place()
    {
        if (chance.Next(12) == 0) _ = Once(wish);
        for (var tries = 0; tries < 8 && known is null; tries++)
        {
            if (tries > 0) await world.Loop.Wait(chance.Between(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(15)));
            await Once(wish);
        }
        if (known is { } id && wish.Reference is not null && chance.Next(15) == 0)
            await Once(wish with { Amount = wish.Amount + new Money(100, wish.Amount.Currency), Key = null });
        return known;
    }

    public async Task Cancel(OrderId order)
    {
        for (var tries = 0; tries < 4; tries++)
        {
            var heard = await world.Ask(wish.Index, life => life.Edge.Do(order, new OrderCommand.Cancel()), Patience);
            if (heard is { Got: true, Value: not EngineReply.Busy }) return;
            await world.Loop.Wait(TimeSpan.FromSeconds(5));
        }
    }

    public async Task Fulfil(OrderId order)
    {
        await world.Ask(wish.Index, life => life.Edge.Do(order, new OrderCommand.Fulfil()), Patience);
    }

    /// <summary>A broken cup, a change of mind: a part or all of it goes back. Now and then two people at the shop press the button at once.</summary>
    public async Task Refund(OrderId order)
    {
        var part = chance.Next(2) == 0 ? (Money?)null : new Money(1 + (wish.Amount.MinorUnits * (1 + chance.Next(99)) / 100), wish.Amount.Currency);
        var other = chance.Next(3) == 0 ? new Money(1 + (wish.Amount.MinorUnits * (1 + chance.Next(99)) / 100), wish.Amount.Currency) : part;
        var second = chance.Next(2) == 0 ? Ask(order, other, "b") : Task.CompletedTask;
        await Ask(order, part, "a");
        await second;
    }

    async Task Ask(OrderId order, Money? amount, string name)
    {
        var key = new RequestKey(1, $"refund-{wish.Index}-{name}", [.. wish.Fingerprint, .. BitConverter.GetBytes(amount?.MinorUnits ?? 0)]);
        for (var tries = 0; tries < 6; tries++)
        {
            var heard = await world.Ask(wish.Index, life => life.Edge.Do(order, new OrderCommand.Refund(null, amount, "as agreed"), key), Patience);
            if (heard is { Got: true, Value: not EngineReply.Busy })
            {
                if (heard.Value is EngineReply.Done { Reply: Reply.Made { Refund: { } made } } && world.Database.Orders[order].Row.Refund(made) is null)
                    world.Auditor.Broken("domain 9", wish.Index, $"refund {made} was promised and is not stored");
                return;
            }
            await world.Loop.Wait(TimeSpan.FromSeconds(5));
        }
    }

    async Task Once(Wish asked)
    {
        var heard = await world.Ask(wish.Index, life => life.Edge.Place(asked), Patience);
        if (!heard.Got) return;
        OrderId? told = heard.Value switch
        {
            EngineReply.Done { Reply: Reply.Made made } => made.Order.Id,
            EngineReply.Replayed replayed when OrderId.TryParse(replayed.Resource, out var id) => id,
            EngineReply.ReferenceExists { SameContent: true } same => same.Order,
            EngineReply.ReferenceExists or EngineReply.Busy => null,
            var other => Surprise(other),
        };
        if (heard.Value is EngineReply.ReferenceExists { SameContent: false } && asked.Amount == wish.Amount)
            world.Auditor.Broken("I1", wish.Index, "the same order was called another");
        if (told is null) return;
        if (asked.Amount != wish.Amount) world.Auditor.Broken("I1", wish.Index, "an order with other content was called the same");
        // Whatever is answered with 2xx is in the database, and every answer names the same order.
        if (!world.Database.Orders.ContainsKey(told.Value)) world.Auditor.Broken("domain 9", wish.Index, $"{told} was promised and is not stored");
        if (known is not null && known != told) world.Auditor.Broken("I1", wish.Index, $"one wish is {known} and {told}");
        known ??= told;
    }

    OrderId? Surprise(EngineReply reply)
    {
        world.Auditor.Broken("no bug", wish.Index, $"placing an order was answered with {reply}");
        return null;
    }
}
