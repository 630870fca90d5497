using System.Security.Cryptography;
using Purser.Gateways;
using Purser.Orders;
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
    readonly Dictionary<(string Account, string EventId), HashSet<string>> letters = [];

    /// <summary>News that were answered with 2xx: they must be in the database from then on.</summary>
    public List<(string Account, string EventId)> Promised { get; } = [];

    readonly List<(StoredNews News, string? Money, string? Fact)> tidings = [];

    /// <summary>Money that true news told of, which found their order at once; and when that was answered.</summary>
    readonly Dictionary<string, DateTimeOffset> told = new(StringComparer.Ordinal);

    /// <summary>Captured money that some news told of, to a payment that we know.</summary>
    public bool ToldOfMoney(string money) => tidings.Exists(t => t.Money == money && IsTold(t.News));

    /// <summary>News told the truth about it, and the answer that they were taken went out before then.</summary>
    public bool ToldOfMoney(string money, DateTimeOffset before) => told.TryGetValue(money, out var at) && at < before;

    /// <summary>What else proving news told of.</summary>
    public bool ToldOf(string fact) => tidings.Exists(t => t.Fact == fact && IsTold(t.News));

    static bool IsTold(StoredNews news) => news.Order is not null && news.Verdict != NewsVerdict.Quarantined;

    /// <summary>Some gateways' news prove nothing; they are a reason to ask.</summary>
    bool Proves(string account, Letter letter, string money) => world.Accounts.Find(account) is { } entry
        && entry.Gateway.ReadWebhook(new RawMessage("POST", "", "", new Dictionary<string, string>(letter.Headers, StringComparer.OrdinalIgnoreCase), letter.Body, world.Time.GetUtcNow()) { WasGenuine = true }, entry.Account)
            is NewsReading.Genuine read && read.Facts.Any(f => f is Evidence.Succeeded paid && paid.MoneyReference == money);

    public long Delivered { get; private set; }

    public static string Stamp(ReadOnlySpan<byte> body) => Convert.ToHexString(SHA256.HashData(body));

    /// <summary>One of the letters that told of the event is in the database. A gateway may write each of them anew.</summary>
    public bool IsKept(string account, string eventId) => letters[(account, eventId)].Any(stamp => world.Database.News.Letter(account, stamp) is not null);

    public void Send(WorldGateway gateway, Notice notice)
    {
        var order = notice.Link.Order;
        sent.TryGetValue(order, out var nth);
        sent[order] = ++nth;
        var id = notice.EventId ?? $"evt_{order}_{nth}";
        var (fault, lot) = world.Faults.At(Port.Webhook, order);
        world.Outside.Start(() => Carry(gateway, notice, id, fault, lot), world.Auditor.Threw);
    }

    async Task Carry(WorldGateway gateway, Notice notice, string id, Fault fault, ulong lot)
    {
        var size = Chance.Random(lot == 0 ? (ulong)world.Scheduling.Next() : lot);
        await world.Loop.Wait(size.Between(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(3)));
        // What no question would tell arrives in the end, unless the gateway is mute: then its statement is left.
        if (gateway.IsMute || (!notice.MustArrive && (fault == Fault.Dropped || world.Time.GetUtcNow() < gateway.NewsGoneUntil)))
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
                await Deliver(gateway, notice, id, $"{id}f", notice.Render($"{id}f", view), Fault.Forged, size);
                break;
            case Fault.TamperedAmount:
                await Deliver(gateway, notice, id, $"{id}t", notice.Render($"{id}t", view with { AmountOff = 1 + size.Next(300) }), Fault.None, size);
                if (size.Next(2) == 0 && !notice.MustArrive) return;
                break;
            case Fault.UnknownWord:
                await Deliver(gateway, notice, id, $"{id}w", notice.Render($"{id}w", view with { UnknownWord = true }), Fault.None, size);
                break;
            case Fault.UnknownOrder:
                var nobody = new PaymentId(new OrderId(1 + size.NextInt64(long.MaxValue - 1)), 1).Reference;
                await Deliver(gateway, notice, id, $"{id}u", gateway.Stray(notice, $"{id}u", size.Next(2) == 0 ? nobody : "ORD-2019-77"), Fault.None, size);
                break;
        }
        var body = notice.Render(id, view);
        var times = fault == Fault.Duplicated ? 2 + size.Next(4) : 1;
        for (var i = 1; i < times; i++) _ = Deliver(gateway, notice, id, id, body, Fault.None, size);
        await Deliver(gateway, notice, id, id, body, fault is Fault.NewsReplyLost or Fault.CrashAfterAnswer ? fault : Fault.None, size);
    }

    /// <param name="about">What happened; a lie about it has a name of its own, and is not always told apart by the gateway's own names.</param>
    async Task Deliver(WorldGateway gateway, Notice notice, string about, string id, string text, Fault fault, Random size)
    {
        for (var tries = 0; ; tries++)
        {
            await world.Loop.Wait(size.Between(TimeSpan.FromMilliseconds(20), TimeSpan.FromMilliseconds(200)));
            var letter = gateway.Pack(text, id, rightly: fault != Fault.Forged);
            if (!letters.TryGetValue((gateway.Account, about), out var stamps)) letters.Add((gateway.Account, about), stamps = []);
            stamps.Add(Stamp(letter.Body));
            var life = world.AnyNode();
            var heard = await life.Ask(() => life.Edge.News(gateway.Account, letter.Headers, letter.Body), TimeSpan.FromSeconds(10));
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
                // A lie in its place, or words that nobody knows, tell less.
                if (world.Database.News.Letter(gateway.Account, Stamp(letter.Body)) is { } kept)
                {
                    tidings.Add((kept, notice.Money, id == about ? notice.Fact : null));
                    if (id == about && notice.Money is { } money && kept is { Order: not null, Verdict: NewsVerdict.Applied } && Proves(gateway.Account, letter, money)) told.TryAdd(money, world.Time.GetUtcNow());
                }
                world.Auditor.NewsPromised(gateway.Account, about, notice);
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
