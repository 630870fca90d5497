namespace Purser.Simulation;

/// <summary>The rows that one transaction holds until it ends, each waited for as long as a statement of the product waits.</summary>
/// <param name="alive">Who died meanwhile gets none any more.</param>
sealed class RowLocks(World world, Func<bool> alive)
{
    /// <summary>As the store sets it for every transaction.</summary>
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    readonly List<StoredOrder> held = [];

    /// <returns>False when somebody else held it for all that time.</returns>
    public async Task<bool> Take(StoredOrder row)
    {
        if (row.Holder == this || TakeAtOnce(row)) return true;
        var turn = new TaskCompletionSource<bool>();
        var place = row.Waiting.AddLast((this, turn));
        using var timer = world.Time.CreateTimer(_ =>
        {
            if (turn.TrySetResult(false)) row.Waiting.Remove(place);
        }, null, Patience, Timeout.InfiniteTimeSpan);
        return await turn.Task;
    }

    /// <returns>False when somebody else has it.</returns>
    public bool TakeAtOnce(StoredOrder row)
    {
        if (row.Holder is not null) return false;
        row.Holder = this;
        held.Add(row);
        return true;
    }

    /// <summary>Lets all of them go, and whoever waited first has each.</summary>
    public void Release()
    {
        foreach (var row in held)
        {
            row.Holder = null;
            while (row.Holder is null && row.Waiting.First is { } first)
            {
                row.Waiting.RemoveFirst();
                if (!first.Value.By.IsAlive)
                {
                    first.Value.Turn.SetResult(false);
                    continue;
                }
                first.Value.By.TakeAtOnce(row);
                first.Value.Turn.SetResult(true);
            }
        }
        held.Clear();
    }

    bool IsAlive => alive();
}
