using System.Net;
using System.Text;

namespace Purser.Simulation;

/// <summary>A gateway of the world: its links, the shopper's tries on them, and the money it truly holds. What it tells of that
/// goes over the wire in its own dialect and may be late, lost or wrong; what is kept here is the truth.</summary>
abstract class WorldGateway(World world, string account, string host)
{
    readonly Dictionary<string, WorldLink> byReference = new(StringComparer.Ordinal);
    readonly Dictionary<string, WorldLink> byId = new(StringComparer.Ordinal);
    readonly Dictionary<string, WorldLink> byUrl = new(StringComparer.Ordinal);
    int drawn;

    public string Account => account;
    public string Host => host;
    public List<WorldLink> Links { get; } = [];

    /// <summary>It answers nothing before this time.</summary>
    public DateTimeOffset GoneUntil { get; set; }
    /// <summary>No news of it arrive before this time; they are lost.</summary>
    public DateTimeOffset NewsGoneUntil { get; set; }

    protected World World => world;
    protected DateTimeOffset Now => world.Time.GetUtcNow();
    protected long NowSeconds => Now.ToUnixTimeSeconds();

    public WorldLink? ByUrl(string url) => byUrl.GetValueOrDefault(url);

    public WorldLink? ByReference(string reference) => byReference.GetValueOrDefault(reference);

    /// <summary>Which of our questions a request is, and whose it is where its address says that.</summary>
    public abstract (Port Port, WorldLink? Link) Classify(HttpMethod method, string path);

    /// <summary>Does what was asked. It has happened when this returns, whatever becomes of the answer.</summary>
    public abstract WireAnswer Handle(HttpMethod method, string path, ReadOnlyMemory<byte> body, HttpRequestMessage request, Terms terms);

    /// <summary>How a request is handled, where a fault wants it otherwise.</summary>
    public readonly record struct Terms(View View, long LessBy = 0, TimeSpan HiddenFor = default);

    public abstract WireAnswer ServerError { get; }

    public abstract WireAnswer RateLimited(ulong lot);

    /// <summary>Headers that prove a body to be this gateway's.</summary>
    public abstract Dictionary<string, string> Sign(string eventId, byte[] body, bool rightly);

    /// <summary>What this news is one event by: the gateway's own id where that is signed, else the signed bytes.</summary>
    public virtual string KnownBy(string eventId, byte[] body) => eventId;

    /// <summary>A signed event about something that is not ours.</summary>
    public abstract string Stray(string eventId, string reference);

    // What shoppers do on the gateway's page.

    /// <summary>The bank says no to one try.</summary>
    public WorldTry Decline(WorldLink link)
    {
        var attempt = Try(link, TryState.Failed, link.Amount);
        TellDeclined(link, attempt);
        return attempt;
    }

    public void Pay(WorldLink link)
    {
        var amount = world.Faults.At(Port.Page, link.Order) is (Fault.CapturedLess, var lot)
            ? link.Amount - new Money(1 + (long)(lot % 500), link.Amount.Currency)
            : link.Amount;
        Capture(link, Try(link, TryState.UnderWay, amount));
    }

    /// <summary>The money is on its way; <see cref="Settle"/> tells how it ends.</summary>
    public WorldTry PayLater(WorldLink link)
    {
        var attempt = Try(link, TryState.UnderWay, link.Amount);
        BecomesUnderWay(link);
        TellUnderWay(link, attempt);
        return attempt;
    }

    public void Settle(WorldLink link, WorldTry attempt, bool captured)
    {
        if (captured) Capture(link, attempt);
        else
        {
            attempt.State.Become(world.Time.Ticks, TryState.Failed);
            TellFailed(link, attempt);
        }
    }

    protected void Capture(WorldLink link, WorldTry attempt)
    {
        var first = link.Money is null;
        attempt.State.Become(world.Time.Ticks, TryState.Captured);
        attempt.CapturedAt = Now;
        if (link.State.Now is LinkState.Open) link.State.Become(world.Time.Ticks, LinkState.Paid);
        world.Trace.Mix(link.Order, 100, attempt.Amount.MinorUnits);
        world.Trace.Tell(link.Order, $"{account} captures {attempt.Amount} as {attempt.Id} on {link.Id}");
        world.Captures++;
        TellCaptured(link, attempt, first);
    }

    protected abstract void BecomesUnderWay(WorldLink link);
    protected abstract void TellDeclined(WorldLink link, WorldTry attempt);
    protected abstract void TellUnderWay(WorldLink link, WorldTry attempt);
    protected abstract void TellFailed(WorldLink link, WorldTry attempt);
    protected abstract void TellCaptured(WorldLink link, WorldTry attempt, bool first);
    protected abstract void TellExpired(WorldLink link);

    // For the dialects.

    /// <summary>Makes a link, and lets it lapse at its time.</summary>
    /// <param name="unique">The gateway makes no second link for a reference; null then.</param>
    protected WorldLink? Make(string reference, Money amount, DateTimeOffset expiresAt, string returnUrl, ReadOnlySpan<byte> request, Terms terms, bool unique = true)
    {
        world.Auditor.LinkAsked(account, reference, amount, request);
        if (unique && byReference.ContainsKey(reference)) return null;
        var payment = PaymentId.TryParseReference(reference, out var read) ? read : default;
        var id = Draw(LinkPrefix, reference);
        var link = new WorldLink(id, reference, world.Database.IndexOf(payment.Order), payment,
            amount - new Money(Math.Min(terms.LessBy, amount.MinorUnits - 1), amount.Currency), Now, expiresAt, returnUrl)
        {
            Url = $"https://{host}/pay/{id}",
            VisibleFrom = Now + terms.HiddenFor,
        };
        Links.Add(link);
        byReference[reference] = link;
        byId.Add(id, link);
        byUrl.Add(link.Url, link);
        world.Trace.Mix(link.Order, 101, payment.Number);
        world.Trace.Tell(link.Order, $"{account} makes link {id} for {reference}, {link.Amount}, until {expiresAt:HH:mm:ss}");
        world.Auditor.LinkMade(link);
        _ = Lapse(link);
        return link;
    }

    protected WorldLink? ById(string id) => byId.TryGetValue(id, out var link) && link.VisibleFrom <= Now ? link : null;

    protected bool Close(WorldLink link)
    {
        if (link.State.Now != LinkState.Open) return false;
        link.State.Become(world.Time.Ticks, LinkState.Cancelled);
        world.Trace.Tell(link.Order, $"{account} closes {link.Id}");
        return true;
    }

    protected abstract string LinkPrefix { get; }
    protected abstract string TryPrefix { get; }

    protected void Tell(Notice notice) => world.Post.Send(this, notice);

    WorldTry Try(WorldLink link, TryState state, Money amount)
    {
        var attempt = new WorldTry(TryId(link), amount, Now, state);
        link.Tries.Add(attempt);
        world.Trace.Tell(link.Order, $"the shopper tries {attempt.Id} on {link.Id}: {state}");
        return attempt;
    }

    protected virtual string TryId(WorldLink link) => Draw(TryPrefix, link.Id);

    protected string Draw(string prefix, string from) =>
        $"{prefix}{Chance.Of(world.Seed, drawn++, from.Length, account.Length):x16}";

    async Task Lapse(WorldLink link)
    {
        await world.Loop.Wait(link.ExpiresAt - Now);
        if (link.State.Now != LinkState.Open) return;
        link.State.Become(world.Time.Ticks, LinkState.Expired);
        TellExpired(link);
    }

    protected static Dictionary<string, string> Fields(ReadOnlyMemory<byte> form) => Encoding.UTF8.GetString(form.Span).Split('&')
        .Select(pair => pair.Split('=', 2)).ToDictionary(pair => WebUtility.UrlDecode(pair[0]), pair => WebUtility.UrlDecode(pair[1]), StringComparer.Ordinal);
}
