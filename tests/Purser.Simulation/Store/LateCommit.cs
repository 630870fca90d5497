using Purser.Server.Engine;

namespace Purser.Simulation;

/// <summary>What one transaction was decided on.</summary>
/// <param name="Now">The database's clock, as it was read or reckoned.</param>
/// <param name="Began">What the database's clock truly said when it began there.</param>
readonly record struct Transaction(IReadOnlyList<EngineInput> Batch, DateTimeOffset Now, DateTimeOffset Began);

/// <summary>A commit whose connection broke before its answer came, and whose end is still to come. Nobody waits for that any more, but the rows that it
/// holds and the keys that it writes are nobody else's before.</summary>
sealed class LateCommit(World world, Transaction transaction, BatchChanges changes, CommitMark mark, RowLocks locks)
{
    readonly TaskCompletionSource ended = new();

    public CommitMark Mark => mark;

    /// <summary>Its backend has all of it and ends it some time later, one way or the other.</summary>
    public void End(TimeSpan later, bool committed)
    {
        world.Database.UnderWay.Add(this);
        Tell(committed ? $"is lost; it ends in {later}" : $"is lost; it is rolled back in {later}");
        world.Outside.Start(async () =>
        {
            await world.Loop.Wait(later);
            world.Database.UnderWay.Remove(this);
            if (committed && !world.Database.IsAway) Apply(transaction.Began);
            else Tell("is rolled back now");
            locks.Release();
            ended.SetResult();
        }, world.Auditor.Threw);
    }

    /// <summary>Not one byte of it has arrived yet; all of it will, some time later or just behind whoever asks whether it did.</summary>
    public void Arrive(TimeSpan later, Task asked, Guess guess)
    {
        Tell($"is on its way for {later}, or until somebody asks");
        world.Outside.Start(async () =>
        {
            await Task.WhenAny(world.Loop.Wait(later), asked);
            await Work(guess);
            locks.Release();
        }, world.Auditor.Threw);
    }

    async Task Work(Guess guess)
    {
        if (world.Database.IsAway) return;
        var began = world.Time.GetUtcNow();
        if (!world.Bug.TakesAbsenceForTheEnd && await Session.IsStill(world, guess, locks) is not true)
        {
            Tell("arrives, and the orders are no longer as it guessed");
            return;
        }
        if (!await world.Database.IsFree(changes) || world.Database.Refuses(changes) is not null)
        {
            Tell("arrives, and its keys are taken");
            return;
        }
        Apply(began);
    }

    /// <summary>Both write the same key of a table, so that the second waits for the end of the first.</summary>
    public bool Blocks(BatchChanges other)
    {
        var mine = Keys(changes).ToHashSet();
        return Keys(other).Any(mine.Contains);
    }

    static IEnumerable<object> Keys(BatchChanges changes) =>
    [
        .. changes.Created.Select(c => (object)c.Order.Id), .. changes.Created.Select(c => c.Order.Reference).OfType<string>(),
        .. changes.News.Select(n => (n.News.Account, n.News.EventId)), .. changes.Keys.Select(k => (k.Key.ApiKeyId, k.Key.Key)),
        .. changes.Changed.SelectMany(c => Database.Held(c.After).Except(Database.Held(c.Before))).Select(h => h.Name),
    ];

    /// <returns>False when it is still under way after the time that a statement waits.</returns>
    public async Task<bool> EndsSoon()
    {
        await Task.WhenAny(ended.Task, world.Loop.Wait(TimeSpan.FromSeconds(1)));
        return ended.Task.IsCompleted;
    }

    void Apply(DateTimeOffset began)
    {
        Tell("takes effect now");
        world.Database.Apply(changes, mark, transaction with { Began = began });
    }

    void Tell(string what)
    {
        foreach (var order in changes.Changed.Select(c => c.After).Concat(changes.Created.Select(c => c.Order)))
            world.Trace.Tell(Wish.IndexOf(order.Description), $"a commit whose answer was lost {what}");
        world.Trace.Mix(-1, 160, what.Length);
    }
}
