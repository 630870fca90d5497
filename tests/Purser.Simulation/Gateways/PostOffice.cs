using System.Text;
using Purser.Gateways;
using Purser.Server.Engine;
using Purser.Server.Webhooks;

namespace Purser.Simulation;

/// <summary>Carries the gateways' news to whichever node answers, again and again until one takes them; loses, delays, repeats, forges and
/// tampers with them on the way.</summary>
sealed class PostOffice(World world)
{
    static readonly TimeSpan[] Again =
    [
        TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(2), TimeSpan.FromMinutes(10), TimeSpan.FromHours(1), TimeSpan.FromHours(2),
        TimeSpan.FromHours(4), TimeSpan.FromHours(8), TimeSpan.FromHours(8), TimeSpan.FromHours(8), TimeSpan.FromHours(8), TimeSpan.FromHours(8),
    ];

    readonly Dictionary<int, int> sent = [];

    /// <summary>News that were answered with 2xx: they must be in the database from then on.</summary>
    public List<(string Account, string EventId)> Promised { get; } = [];

    /// <summary>Captured money that some news told of.</summary>
    public HashSet<string> Arrived { get; } = new(StringComparer.Ordinal);

    public long Delivered { get; private set; }

    public void Send(WorldGateway gateway, Notice notice)
    {
        var order = notice.Link.Order;
        sent.TryGetValue(order, out var nth);
        sent[order] = ++nth;
        var id = $"evt_{order}_{nth}";
        var (fault, lot) = world.Faults.At(Port.Webhook, order);
        world.Outside.Start(() => Carry(gateway, notice, id, fault, lot), world.Auditor.Threw);
    }

    async Task Carry(WorldGateway gateway, Notice notice, string id, Fault fault, ulong lot)
    {
        var size = Chance.Random(lot == 0 ? (ulong)world.Scheduling.Next() : lot);
        await world.Loop.Wait(size.Between(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(3)));
        if (!notice.MustArrive && (fault == Fault.Dropped || world.Time.GetUtcNow() < gateway.NewsGoneUntil))
        {
            world.Trace.Tell(notice.Link.Order, $"{notice.Type} {id} is lost on the way");
            return;
        }
        var view = new View(world.Time.Ticks);
        switch (fault)
        {
            case Fault.Delayed:
                await world.Loop.Wait(size.Pick(
                    size.Between(TimeSpan.FromSeconds(20), TimeSpan.FromMinutes(5)), size.Between(TimeSpan.FromMinutes(5), TimeSpan.FromHours(3)),
                    size.Between(TimeSpan.FromHours(3), TimeSpan.FromDays(2.5))));
                break;
            case Fault.Forged:
                await Deliver(gateway, notice, $"{id}f", notice.Render($"{id}f", view), Fault.Forged, size);
                break;
            case Fault.TamperedAmount:
                await Deliver(gateway, notice, $"{id}t", notice.Render($"{id}t", view with { AmountOff = 1 + size.Next(300) }), Fault.None, size);
                if (size.Next(2) == 0 && !notice.MustArrive) return;
                break;
            case Fault.UnknownWord:
                await Deliver(gateway, notice, $"{id}w", notice.Render($"{id}w", view with { UnknownWord = true }), Fault.None, size);
                break;
            case Fault.UnknownOrder:
                var nobody = new PaymentId(new OrderId(1 + size.NextInt64(long.MaxValue - 1)), 1).Reference;
                await Deliver(gateway, notice, $"{id}u", gateway.Stray($"{id}u", size.Next(2) == 0 ? nobody : "ORD-2019-77"), Fault.None, size);
                break;
        }
        var body = notice.Render(id, view);
        var times = fault == Fault.Duplicated ? 2 + size.Next(4) : 1;
        for (var i = 1; i < times; i++) _ = Deliver(gateway, notice, id, body, Fault.None, size);
        await Deliver(gateway, notice, id, body, fault is Fault.NewsReplyLost or Fault.CrashAfterAnswer ? fault : Fault.None, size);
    }

    async Task Deliver(WorldGateway gateway, Notice notice, string id, string text, Fault fault, Random size)
    {
        var body = Encoding.UTF8.GetBytes(text);
        for (var tries = 0; ; tries++)
        {
            await world.Loop.Wait(size.Between(TimeSpan.FromMilliseconds(20), TimeSpan.FromMilliseconds(200)));
            var headers = gateway.Sign(id, body, rightly: fault != Fault.Forged);
            var life = world.AnyNode();
            var heard = await life.Ask(() => life.Edge.News(gateway.Account, headers, body), TimeSpan.FromSeconds(10));
            world.Trace.Mix(notice.Link.Order, 110, heard.Got ? (int)heard.Value : 9);
            world.Trace.Tell(notice.Link.Order, $"{notice.Type} {id} at {life.Name}: {(heard.Got ? heard.Value.ToString() : heard.Why)}");
            if (fault == Fault.Forged)
            {
                if (heard.Got && heard.Value == NewsIntake.Outcome.Stored) world.Auditor.Broken("domain 4", notice.Link.Order, $"forged {notice.Type} {id} was taken");
                if (heard.Got && heard.Value != NewsIntake.Outcome.Busy) return;
            }
            else if (heard.Got && heard.Value == NewsIntake.Outcome.Stored)
            {
                Delivered++;
                if (notice.Money is { } money) Arrived.Add(money);
                world.Auditor.NewsPromised(gateway.Account, gateway.KnownBy(id, body), notice);
                if (fault == Fault.CrashAfterAnswer) _ = life.Crash("after the answer to a webhook (C6)");
                if (fault != Fault.NewsReplyLost) return;
                fault = Fault.None;
            }
            else if (heard.Got && heard.Value == NewsIntake.Outcome.Forged)
                world.Auditor.Broken("domain 4", notice.Link.Order, $"genuine {notice.Type} {id} was called forged");
            if (tries == Again.Length) return;
            await world.Loop.Wait(Again[tries]);
        }
    }
}
