namespace Purser.Gateways;

/// <summary>How many requests got a definite answer lately and how many did not, in two halves of a time that slides. Any thread may ask and tell.</summary>
sealed class RecentAnswers(TimeProvider time, TimeSpan within)
{
    /// <summary>Fewer than these say nothing.</summary>
    const int Enough = 4;

    readonly Lock door = new();
    long half;
    (int All, int Failed) older, newer;

    public void Add(bool failed)
    {
        lock (door)
        {
            Slide();
            newer = (newer.All + 1, newer.Failed + (failed ? 1 : 0));
        }
    }

    public bool MostlyFailing
    {
        get
        {
            lock (door)
            {
                Slide();
                var (all, failed) = (older.All + newer.All, older.Failed + newer.Failed);
                return all >= Enough && failed * 2 >= all;
            }
        }
    }

    void Slide()
    {
        var now = time.GetUtcNow().Ticks / (within.Ticks / 2);
        if (now == half) return;
        older = now == half + 1 ? newer : (0, 0);
        newer = (0, 0);
        half = now;
    }
}
