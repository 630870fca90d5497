using System.Globalization;
using System.Runtime.CompilerServices;

namespace Purser.Client;

/// <summary>The feed of everything that happened. Whoever keeps where they stopped misses nothing and gets nothing twice.</summary>
public sealed class PurserEvents
{
    readonly PurserLine line;

    internal PurserEvents(PurserLine line) => this.line = line;

    /// <summary>The next events.</summary>
    /// <param name="after">The <see cref="EventPage.Next"/> of the page before; null begins with the first event of all.</param>
    /// <param name="limit">How many at most, 1 to 200; the server's habit when left out.</param>
    /// <param name="stop">Gives the call up.</param>
    public Task<EventPage> Page(string? after = null, int? limit = null, CancellationToken stop = default) =>
        line.Get(Addresses.Query("v1/events", ("after", after), ("limit", limit?.ToString(CultureInfo.InvariantCulture))), PurserJson.Default.EventPage, stop);

    /// <summary>All events after a place, up to the latest one before which none can come any more: an event stands here a moment later than at its order.</summary>
    /// <param name="after">An <see cref="EventPage.Next"/> that was kept; null begins with the first event of all.</param>
    /// <param name="stop">Gives the reading up.</param>
    public async IAsyncEnumerable<PurserEvent> Read(string? after = null, [EnumeratorCancellation] CancellationToken stop = default)
    {
        EventPage page;
        do
        {
            page = await Page(after, null, stop);
            foreach (var e in page.Events) yield return e;
            after = page.Next;
        }
        while (page.HasMore);
    }

    /// <summary>Pages of events as they happen, until you stop; none is empty. Handle a page, keep its <see cref="EventPage.Next"/>, and begin after it the next time.
    /// That the server is away is waited out.</summary>
    /// <param name="after">An <see cref="EventPage.Next"/> that was kept; null begins with the first event of all.</param>
    /// <param name="every">How often the end of the feed is looked at; every two seconds when left out.</param>
    /// <param name="stop">Ends it with an <see cref="OperationCanceledException"/>; so does leaving the loop, without one.</param>
    public async IAsyncEnumerable<EventPage> Follow(string? after = null, TimeSpan? every = null, [EnumeratorCancellation] CancellationToken stop = default)
    {
        var failures = 0;
        while (true)
        {
            EventPage? page = null;
            PurserException? failure = null;
            try
            {
                page = await Page(after, null, stop);
                failures = 0;
            }
            catch (PurserException e) when (line.MayPass(e))
            {
                failure = e;
            }
            if (failure is not null)
            {
                await line.Pause(++failures, failure, stop);
                continue;
            }
            after = page!.Next;
            if (page.Events.Count > 0) yield return page;
            if (!page.HasMore) await Task.Delay(every ?? TimeSpan.FromSeconds(2), line.Time, stop);
        }
    }
}
