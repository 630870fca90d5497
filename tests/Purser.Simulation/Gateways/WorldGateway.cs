using Purser.Gateways;
using Purser.Orders;
using Purser.Payments;

namespace Purser.Simulation;

/// <summary>A gateway of the world: its links, the shopper's tries on them, and the money it truly holds. What it tells of that
/// goes over the wire in its own dialect and may be late, lost or wrong; what is kept here is the truth.</summary>
abstract class WorldGateway(World world, string account, string host)
{
    readonly Dictionary<string, List<WorldLink>> byReference = new(StringComparer.Ordinal);
    readonly Dictionary<string, WorldLink> byId = new(StringComparer.Ordinal);
    readonly List<WorldLink> links = [];
    readonly List<WorldRefund> refunds = [];
    readonly List<WorldDispute> disputes = [];

    public string Account => account;
    public string Host => host;

    public List<WorldLink> Links
    {
        get
        {
            CatchUp();
            return links;
        }
    }

    /// <summary>What truly went back.</summary>
    public IReadOnlyList<WorldRefund> Refunds
    {
        get
        {
            CatchUp();
            return refunds;
        }
    }

    /// <summary>What was said to questions about links that are forms: about which order, when, and as things stood when.</summary>
    public List<(int Order, DateTimeOffset At, DateTimeOffset AsOf)> Answers { get; } = [];

    /// <summary>Refunds that had gone and came back.</summary>
    public List<WorldReturn> Returned { get; } = [];

    /// <summary>Refunds that nobody here asked for.</summary>
    public List<WorldReturn> Unasked { get; } = [];

    /// <summary>Under which reference of ours it was asked for the refund that it calls so: empty when nobody asked, null where this world does not keep that.</summary>
    public virtual string? AskedAs(string refundId) => null;

    /// <summary>What banks truly took back, or want to.</summary>
    public IReadOnlyList<WorldDispute> Disputes => disputes;

    /// <summary>It answers nothing before this time.</summary>
    public DateTimeOffset GoneUntil { get; set; }
    /// <summary>No news of it arrive before this time; they are lost.</summary>
    public DateTimeOffset NewsGoneUntil { get; set; }
    /// <summary>Before this time it tells nobody of money: no news arrive, no browser comes back, no question about a payment is answered.</summary>
    public DateTimeOffset MuteUntil { get; set; }

    public bool IsMute => world.Time.GetUtcNow() < MuteUntil;

    /// <summary>A question about its link tells of this capture; where not, only news or a settlement file do.</summary>
    public virtual bool QuestionsTellOf(WorldLink link, WorldTry money) => true;

    /// <summary>The same request for a refund, delivered twice, gives back once. Where not, nobody can prevent it, and only a statement tells.</summary>
    public virtual bool KnowsRefundsByKey => true;

    protected World World => world;
    protected DateTimeOffset Now => world.Time.GetUtcNow();
    protected long NowSeconds => Now.ToUnixTimeSeconds();

    /// <summary>The newest link that was made for a reference of ours.</summary>
    public WorldLink? ByReference(string reference) => AllByReference(reference) is [.., var newest] ? newest : null;

    public IReadOnlyList<WorldLink> AllByReference(string reference)
    {
        CatchUp();
        return byReference.TryGetValue(reference, out var made) ? made : [];
    }

    public WorldLink? ById(string id)
    {
        CatchUp();
        return byId.GetValueOrDefault(id);
    }

    /// <summary>Where a browser comes that follows the link, or posts its form; null when the gateway shows no page for it.</summary>
    public abstract WorldLink? Follow(PaymentLink link);

    /// <summary>Which of our questions a request is, and whose it is where that is known.</summary>
    public abstract (Port Port, WorldLink? Link) Classify(HttpRequestMessage request, ReadOnlyMemory<byte> body);

    /// <summary>Does what was asked. It has happened when this returns, whatever becomes of the answer.</summary>
    public abstract WireAnswer Handle(HttpRequestMessage request, ReadOnlyMemory<byte> body, Terms terms);

    /// <summary>The answer that another question would have had; null while nobody asked another.</summary>
    public abstract WireAnswer? OfAnother(HttpRequestMessage request, ReadOnlyMemory<byte> body, Port port, int order);

    /// <summary>How a request is handled, where a fault wants it otherwise.</summary>
    /// <param name="Order">The order that the question is about; -1 where that is not known.</param>
    public readonly record struct Terms(View View, int Order, long LessBy = 0, TimeSpan HiddenFor = default);

    public abstract WireAnswer Trouble(int status, ulong lot);

    /// <summary>A notice as it goes over the wire, signed rightly or by a forger.</summary>
    public abstract Letter Pack(string text, string eventId, bool rightly);

    /// <summary>An event about something that is not ours.</summary>
    public abstract string Stray(Notice notice, string eventId, string reference);

    // What shoppers do on the gateway's page. Null: the page does not take it any more.

    /// <summary>The bank says no to one try.</summary>
    public abstract WorldTry? Decline(WorldLink link);

    public abstract void Pay(WorldLink link);

    /// <summary>The money is on its way; <see cref="Settle"/> tells how it ends.</summary>
    public abstract WorldTry? PayLater(WorldLink link);

    /// <summary>The page says no, while at the bank it is still on its way.</summary>
    public abstract WorldTry? SeemsDeclined(WorldLink link);

    public abstract void Settle(WorldLink link, WorldTry attempt, bool captured);

    /// <summary>What the browser brings back, and what it says when somebody has changed it for the better.</summary>
    public abstract RawMessage Return(WorldLink link, bool wishful);

    /// <summary>All that it would state of its settlements, in its own words: what moved until now.</summary>
    public abstract string Report();

    // For those who make links.

    /// <summary>Lets the truth catch up with what a gateway did by itself.</summary>
    protected virtual void CatchUp()
    {
    }

    protected void Add(WorldLink link)
    {
        links.Add(link);
        if (!byReference.TryGetValue(link.Reference, out var made)) byReference.Add(link.Reference, made = []);
        made.Add(link);
        byId[link.Id] = link;
        world.Trace.Mix(link.Order, 101, link.Payment.Number);
        world.Trace.Tell(link.Order, $"{account} makes link {link.Id} for {link.Reference}, {link.Amount}, until {link.ExpiresAt:HH:mm:ss}");
        world.Auditor.LinkMade(link.Order);
    }

    protected void Captured(WorldLink link, WorldTry attempt)
    {
        attempt.State.Become(world.Time.Ticks, TryState.Captured);
        attempt.CapturedAt = Now;
        if (link.State.Now is LinkState.Open) link.State.Become(world.Time.Ticks, LinkState.Paid);
        world.Trace.Mix(link.Order, 100, attempt.Amount.MinorUnits);
        world.Trace.Tell(link.Order, $"{account} captures {attempt.Amount} as {attempt.Id} on {link.Id}");
        world.Captures++;
    }

    protected void GaveBack(string moneyId, Money amount)
    {
        refunds.Add(new WorldRefund(moneyId, amount));
        var order = links.FirstOrDefault(l => l.Tries.Any(t => t.Id == moneyId))?.Order ?? -1;
        world.Trace.Mix(order, 103, amount.MinorUnits);
        world.Trace.Tell(order, $"{account} gives {amount} of {moneyId} back");
        world.Refunds++;
    }

    /// <summary>What had gone back is here again.</summary>
    protected void CameBack(string refundId, string moneyId, Money amount)
    {
        refunds.Remove(refunds.First(r => r.MoneyId == moneyId && r.Amount == amount));
        Returned.Add(new WorldReturn(refundId, moneyId, amount));
        var order = links.FirstOrDefault(l => l.Tries.Any(t => t.Id == moneyId))?.Order ?? -1;
        world.Trace.Mix(order, 106, amount.MinorUnits);
        world.Trace.Tell(order, $"{amount} of {moneyId} come back to {account} from {refundId}");
        world.ReturnedRefunds++;
    }

    protected void Disputed(WorldDispute dispute)
    {
        disputes.Add(dispute);
        world.Trace.Mix(dispute.Link.Order, 104, dispute.Amount.MinorUnits);
        world.Trace.Tell(dispute.Link.Order, $"the bank disputes {dispute.Amount} of {dispute.MoneyId} at {account}: {dispute.Id}");
        world.Disputes++;
    }

    protected WorldTry Try(WorldLink link, TryState state, string id, Money amount, bool seemsDeclined = false)
    {
        var attempt = new WorldTry(id, amount, Now, state) { SeemedDeclined = seemsDeclined };
        link.Tries.Add(attempt);
        world.Trace.Tell(link.Order, $"the shopper tries {attempt.Id} on {link.Id}: {state}");
        return attempt;
    }

    protected void Tell(Notice notice) => world.Post.Send(this, notice);
}
