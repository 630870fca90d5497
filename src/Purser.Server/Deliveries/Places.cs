namespace Purser.Server.Deliveries;

/// <summary>A receiver's places on this node, and what was leased for it and waits for one of them. A receiver that takes what comes is given more ahead with
/// every delivery, so that it need not be asked for one by one; to one that fails, or is slow, no more is leased than has a place. Not safe for two threads.</summary>
sealed class Places
{
    /// <summary>What a node that dies leaves leased is sent by another within a minute.</summary>
    const int Most = 256;

    readonly Queue<Leased> waiting = [];
    readonly int count;
    int most;
    int underWay;

    public Places(int count) => this.count = most = count;

    /// <summary>How many more may be leased for it; negative when it failed since.</summary>
    public int Free => most - underWay - waiting.Count;

    public void Add(Leased one) => waiting.Enqueue(one);

    /// <summary>The next one that has a place now.</summary>
    public Leased? Next()
    {
        if (underWay >= count || !waiting.TryDequeue(out var next)) return null;
        underWay++;
        return next;
    }

    public void Leave(bool wasTakenAtOnce)
    {
        underWay--;
        most = wasTakenAtOnce ? Math.Min(most + 1, Math.Max(Most, count)) : count;
    }

    /// <summary>All that has no place: somebody else may take it, or this node later.</summary>
    public IReadOnlyList<LeasedDelivery> GiveBack()
    {
        List<LeasedDelivery> all = [.. waiting.Select(w => w.Delivery)];
        waiting.Clear();
        most = count;
        return all;
    }
}

/// <summary>A delivery with what signs it.</summary>
/// <param name="SendBefore">Sent later, it might still be under way when the lease is over.</param>
sealed record Leased(LeasedDelivery Delivery, IReadOnlyList<string> Keys, DateTimeOffset SendBefore);
