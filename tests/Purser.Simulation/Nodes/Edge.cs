using System.Collections.Immutable;
using Purser.Gateways;
using Purser.Orders;
using Purser.Payments;
using Purser.Server.Checkout;
using Purser.Server.Engine;
using Purser.Server.Settlement;
using Purser.Server.Webhooks;

namespace Purser.Simulation;

/// <summary>What the API, the pages and the webhook address do with a request once it is read, without HTTP.</summary>
sealed class Edge(World world, OrderEngine engine, NewsIntake intake, StatementStore statements, Ids ids, TimeProvider time)
{
    /// <summary>POST /v1/orders.</summary>
    public async Task<EngineReply> Place(Wish wish)
    {
        while (true)
        {
            var id = ids.NextOrder();
            var create = new OrderCommand.Create(id, wish.Reference, wish.Amount, wish.Description, new Customer(), wish.Policy, wish.Lives,
                new OrderContent([], ImmutableSortedDictionary<string, string>.Empty, null, null, [.. wish.Fingerprint]));
            var reply = await engine.Submit(EngineInput.Of(id, create, wish.Key), CancellationToken.None);
            if (reply is not EngineReply.IdTaken) return reply;
        }
    }

    /// <summary>POST /v1/orders/{id}/payments, and the checkout page's button.</summary>
    public Task<EngineReply> StartPayment(OrderId order, string? account, RequestKey? key = null) => world.Bug.StartPayment(world, engine, EngineInput.Of(order,
        new OrderCommand.StartPayment(account, null), key));

    public Task<EngineReply> Do(OrderId order, OrderCommand command, RequestKey? key = null) => engine.Submit(EngineInput.Of(order, command, key), CancellationToken.None);

    static readonly TimeSpan AskPatience = TimeSpan.FromSeconds(3);

    /// <summary>GET /pay/{payment}/go of a form that can be posted again; null: the page that leads nowhere yet, or a server that is too busy.</summary>
    public async Task<PaymentLink.Form?> HandOut(PaymentId payment, string account)
    {
        var asked = world.Time.GetUtcNow();
        if (await FormHandOver.Ask(engine, payment.Order, payment.Number, asked, Change, CancellationToken.None) is not EngineReply.Done { Reply: Reply.Made made })
        {
            world.FormsHeldBack++;
            return null;
        }
        world.FormsHandedOut++;
        world.Auditor.HandedOut(payment, account, asked);
        return made.Order.Payment(payment.Number)!.Link as PaymentLink.Form;

        async Task Change(int after)
        {
            for (var waited = TimeSpan.Zero; waited < AskPatience && !(world.Database.Orders[payment.Order].Row.Sequence > after); waited += TimeSpan.FromSeconds(.5))
                await world.Loop.Wait(TimeSpan.FromSeconds(.5));
        }
    }

    /// <summary>The shopper's browser is back. Whatever it says leads to a question at the most.</summary>
    public Task<EngineReply> Return(string account, PaymentId payment, RawMessage message)
    {
        var entry = world.Accounts.Find(account)!;
        entry.Gateway.ReadReturn(message with { ReceivedAt = time.GetUtcNow() }, entry.Account);
        return world.Bug.Return(world, engine, payment, message.Query);
    }

    /// <summary>POST /gateways/{account}/webhook.</summary>
    public async Task<NewsIntake.Outcome> News(string account, Dictionary<string, string> headers, byte[] body)
    {
        var message = new RawMessage("POST", $"/gateways/{account}/webhook", "", headers, body, time.GetUtcNow());
        return await world.Bug.TakeNews(world, () => Take());

        async Task<NewsIntake.Outcome> Take() => (await intake.Take(account, message, CancellationToken.None)).Outcome;
    }

    /// <summary>POST /v1/settlements, or what was fetched; null: 503.</summary>
    public async Task<TakenIn?> SendStatement(string account, string name, byte[] bytes, FileSource source)
    {
        try
        {
            var taken = await statements.TakeIn(account, name, bytes, source);
            world.WatchFiles();
            return taken;
        }
        catch (StoreAwayException)
        {
            return null;
        }
    }

    /// <summary>GET of an order: what is committed, or null while the database is away.</summary>
    public async Task<Order?> Read(OrderId order)
    {
        await world.Loop.Wait(TimeSpan.FromMilliseconds(2));
        return world.Database.IsAway ? null : world.Database.Orders.GetValueOrDefault(order)?.Row;
    }
}
