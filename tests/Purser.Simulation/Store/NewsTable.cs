using System.Globalization;
using Purser.Orders;
using Purser.Server.Engine;
using Purser.Server.Webhooks;

namespace Purser.Simulation;

/// <summary>One message of a gateway as it is stored.</summary>
sealed class StoredNews(GatewayNews news, DateTimeOffset receivedAt)
{
    public GatewayNews News => news;
    public DateTimeOffset ReceivedAt => receivedAt;
    public OrderId? Order { get; set; }
    public NewsVerdict Verdict { get; set; }
    public string? Reason { get; set; }
    /// <summary>How often it was taken to be read again.</summary>
    public int Readings { get; set; }
    /// <summary>It was kept aside first, and found its place.</summary>
    public bool WasPlaced { get; set; }
}

/// <summary>News of gateways that survive every node, and when those that were kept aside are read again.</summary>
sealed class NewsTable(World world)
{
    readonly Dictionary<(string Account, string EventId), StoredNews> all = [];
    readonly Dictionary<(string Account, string Body), StoredNews> letters = [];
    readonly PriorityQueue<StoredNews, DateTimeOffset> aside = new();

    public IReadOnlyCollection<StoredNews> All => all.Values;

    public StoredNews? Find(string account, string eventId) => all.GetValueOrDefault((account, eventId));

    public StoredNews? Find(GatewayNews news) => Find(news.Account, news.EventId);

    /// <summary>Whose bytes these are, by their hash.</summary>
    public StoredNews? Letter(string account, string stamp) => letters.GetValueOrDefault((account, stamp));

    /// <summary>When the next that was kept aside is due; null when none is.</summary>
    public DateTimeOffset? NextAt
    {
        get
        {
            while (aside.TryPeek(out var first, out var at))
            {
                if (first.Verdict == NewsVerdict.Quarantined && DueAt(first, SecondReading.Delays) == at) return at;
                aside.Dequeue();
            }
            return null;
        }
    }

    public void Add(GatewayNews news, OrderId? order, NewsVerdict verdict, string? reason)
    {
        var stored = new StoredNews(news, world.Time.GetUtcNow()) { Order = order, Verdict = verdict, Reason = reason };
        all[(news.Account, news.EventId)] = stored;
        letters[(news.Account, PostOffice.Stamp(news.Body.Span))] = stored;
        if (verdict == NewsVerdict.Quarantined) Wait(stored);
    }

    public void Place(GatewayNews news, OrderId? order, NewsVerdict verdict, string? reason)
    {
        var stored = all[(news.Account, news.EventId)];
        (stored.Order, stored.Verdict, stored.Reason, stored.WasPlaced) = (order, verdict, reason, true);
    }

    /// <summary>Takes what is due, and counts its reading.</summary>
    public IReadOnlyList<AsideNews> TakeDue(IReadOnlyList<TimeSpan> delays, int most)
    {
        var taken = new List<AsideNews>();
        while (taken.Count < most && NextAt is { } at && at <= world.Time.GetUtcNow())
        {
            var one = aside.Dequeue();
            one.Readings++;
            if (one.Readings < delays.Count) Wait(one);
            taken.Add(new AsideNews(one.News.Account, one.News.EventId, one.News.Headers, one.News.Body.ToArray(), one.ReceivedAt));
        }
        return taken;
    }

    /// <summary>How often it should have been read between these times.</summary>
    public static int Due(StoredNews news, DateTimeOffset from, DateTimeOffset until) => SecondReading.Delays.Count(d => news.ReceivedAt + d >= from && news.ReceivedAt + d <= until);

    static DateTimeOffset? DueAt(StoredNews news, IReadOnlyList<TimeSpan> delays) => news.Readings < delays.Count ? news.ReceivedAt + delays[news.Readings] : null;

    void Wait(StoredNews news)
    {
        var at = DueAt(news, SecondReading.Delays)!.Value;
        aside.Enqueue(news, at);
        world.WatchNews(at);
    }
}

/// <summary>The quarantine as one life of one node sees it.</summary>
sealed class NodeQuarantine(World world, Life life) : IQuarantineStore
{
    public async Task<IReadOnlyList<AsideNews>> TakeDue(IReadOnlyList<TimeSpan> delays, int most, CancellationToken stop)
    {
        await world.Loop.Wait(TimeSpan.FromMilliseconds(1));
        if (world.Database.IsAway) throw new TimeoutException("away");
        var due = world.Database.News.TakeDue(delays, most);
        if (due.Count == 0) return due;
        switch (world.Faults.At(Port.Quarantine, world.Database.IndexOf(world.Database.News.Find(due[0].Account, due[0].EventId)!.Order)).Fault)
        {
            case Fault.CrashAfterTake: await life.Crash("after it took what was kept aside"); break;
            case Fault.Away: throw new TimeoutException("the answer was lost");
        }
        world.Readings += due.Count;
        world.Trace.Tell(-1, $"{life.Name} reads {due.Count.ToString(CultureInfo.InvariantCulture)} again that were kept aside");
        return world.Bug.ReadsNothingAgain ? [] : due;
    }
}
