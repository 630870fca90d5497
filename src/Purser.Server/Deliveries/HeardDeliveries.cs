namespace Purser.Server.Deliveries;

/// <summary>Writes down what was delivered: alone at once; what ends while a commit is under way shares the next one.</summary>
sealed class HeardDeliveries(DeliveryStore store, TimeProvider time)
{
    const int Most = 256;

    readonly Lock door = new();
    List<(LeasedDelivery Sent, DeliveryAnswer Answer, TaskCompletionSource Written)> waiting = [];
    bool writing;

    /// <summary>Ends when it is committed.</summary>
    /// <exception cref="Npgsql.NpgsqlException">It was not written: the delivery is sent again when its lease is over.</exception>
    public Task Add(LeasedDelivery sent, DeliveryAnswer answer)
    {
        var written = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (door)
        {
            waiting.Add((sent, answer, written));
            if (writing) return written.Task;
            writing = true;
        }
        _ = WriteAll();
        return written.Task;
    }

    async Task WriteAll()
    {
        while (true)
        {
            List<(LeasedDelivery Sent, DeliveryAnswer Answer, TaskCompletionSource Written)> batch;
            lock (door)
            {
                if (waiting.Count == 0)
                {
                    writing = false;
                    return;
                }
                batch = waiting[..Math.Min(Most, waiting.Count)];
                waiting = waiting[batch.Count..];
            }
            try
            {
                await store.Succeeded([.. batch.Select(b => (b.Sent, b.Answer))], time.GetUtcNow(), CancellationToken.None);
                foreach (var (_, _, written) in batch) written.SetResult();
            }
            catch (Exception failed)
            {
                // One of them may be at fault, and must not keep the others from being written.
                if (batch.Count == 1 || failed is not Npgsql.PostgresException) foreach (var (_, _, written) in batch) written.SetException(failed);
                else
                    foreach (var (sent, answer, written) in batch)
                        try
                        {
                            await store.Succeeded([(sent, answer)], time.GetUtcNow(), CancellationToken.None);
                            written.SetResult();
                        }
                        catch (Exception its)
                        {
                            written.SetException(its);
                        }
            }
        }
    }
}
