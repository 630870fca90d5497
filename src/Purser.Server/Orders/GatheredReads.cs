namespace Purser.Server.Orders;

/// <summary>Reads by key, gathered: alone, a read goes at once; what comes while it is under way shares the next one. Each answer was read
/// after its question was asked.</summary>
sealed class GatheredReads<TKey, TValue>(Func<IReadOnlyCollection<TKey>, Task<IReadOnlyDictionary<TKey, TValue>>> read)
    where TKey : notnull where TValue : class
{
    const int Most = 256;

    readonly Lock door = new();
    readonly Queue<(TKey Key, TaskCompletionSource<TValue?> Answer)> waiting = new();
    bool running;

    public Task<TValue?> Get(TKey key, CancellationToken stop)
    {
        // Asynchronously, or the one who reads would run the others' code.
        var answer = new TaskCompletionSource<TValue?>(TaskCreationOptions.RunContinuationsAsynchronously);
        bool starts;
        lock (door)
        {
            waiting.Enqueue((key, answer));
            starts = !running;
            running = true;
        }
        if (starts) _ = Run();
        return answer.Task.WaitAsync(stop);
    }

    async Task Run()
    {
        var batch = new List<(TKey Key, TaskCompletionSource<TValue?> Answer)>();
        while (true)
        {
            batch.Clear();
            lock (door)
            {
                while (batch.Count < Most && waiting.TryDequeue(out var one)) batch.Add(one);
                if (batch.Count == 0)
                {
                    running = false;
                    return;
                }
            }
            try
            {
                var found = await read([.. batch.Select(b => b.Key).Distinct()]);
                foreach (var (key, answer) in batch) answer.TrySetResult(found.GetValueOrDefault(key));
            }
            catch (Exception e)
            {
                // Each of them asked, each of them is told; none of it may end the reading for those who come later.
                foreach (var (_, answer) in batch) answer.TrySetException(e);
            }
        }
    }
}
