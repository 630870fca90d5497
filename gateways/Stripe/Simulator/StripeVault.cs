using System.Collections.Concurrent;

namespace Purser.Sandbox.Stripe;

/// <summary>All that this Stripe knows, by every name it is asked for.</summary>
sealed class StripeVault(TimeProvider clock)
{
    public Lock OrderGate { get; } = new();

    public List<StripeSession> SessionOrder { get; } = [];

    public ConcurrentDictionary<string, StripeSession> Sessions { get; } = new();

    public ConcurrentDictionary<string, StripeSession> SessionsByReference { get; } = new();

    public ConcurrentDictionary<string, StripeIntent> Intents { get; } = new();

    public ConcurrentDictionary<string, StripeCharge> Charges { get; } = new();

    public ConcurrentDictionary<string, StripeRefund> Refunds { get; } = new();

    public ConcurrentDictionary<string, StripeReport> Reports { get; } = new();

    /// <summary>The balance's movements, by name and in the order in which they happened.</summary>
    public ConcurrentDictionary<string, StripeEntry> Entries { get; } = new();

    public ConcurrentQueue<StripeEntry> EntryOrder { get; } = new();

    /// <summary>What the payout of a day and currency is called, and its own movement.</summary>
    public ConcurrentDictionary<(long Midnight, string Currency), (string Id, string EntryId)> PayoutNames { get; } = new();

    /// <summary>Twice as many as sessions.</summary>
    const int EntriesKept = 500_000;

    int entries;
    long numbered;

    public long NextNumber() => Interlocked.Increment(ref numbered);

    public StripeEntry Enter(StripeEntry entry)
    {
        Entries[entry.Id] = entry;
        EntryOrder.Enqueue(entry);
        if (Interlocked.Increment(ref entries) <= EntriesKept || !EntryOrder.TryDequeue(out var oldest)) return entry;
        Interlocked.Decrement(ref entries);
        Entries.TryRemove(oldest.Id, out _);
        return entry;
    }

    /// <summary>A load that goes on for ever must not fill the memory: beyond this the oldest sessions are forgotten, many at a time.</summary>
    const int SessionsKept = 250_000, ForgottenAtOnce = 10_000;

    public long Forgotten { get; private set; }

    public void Keep(StripeSession session)
    {
        Sessions[session.Id] = session;
        if (session.Reference is { } reference) SessionsByReference[reference] = session;
        StripeSession[] oldest = [];
        lock (OrderGate)
        {
            session.Position = Forgotten + SessionOrder.Count;
            SessionOrder.Add(session);
            if (SessionOrder.Count > SessionsKept)
            {
                oldest = [.. SessionOrder.Take(ForgottenAtOnce)];
                SessionOrder.RemoveRange(0, ForgottenAtOnce);
                Forgotten += ForgottenAtOnce;
            }
        }

        foreach (var old in oldest) Forget(old);
    }

    /// <summary>The place of the newest session made until then. Call under the gate.</summary>
    public int LastUntil(long seconds)
    {
        int low = 0, high = SessionOrder.Count;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (SessionOrder[middle].CreatedAt.ToUnixTimeSeconds() > seconds) high = middle;
            else low = middle + 1;
        }

        return low - 1;
    }

    void Forget(StripeSession session)
    {
        Sessions.TryRemove(session.Id, out _);
        if (session.Reference is { } reference) SessionsByReference.TryRemove(new(reference, session));
        foreach (var intent in session.Intents)
        {
            Intents.TryRemove(intent.Id, out _);
            foreach (var charge in intent.Charges) Charges.TryRemove(charge.Id, out _);
            foreach (var refund in intent.Refunds) Refunds.TryRemove(refund.Id, out _);
        }
    }

    public StripeDialectIdempotency Idempotency { get; } = new(clock);
}
