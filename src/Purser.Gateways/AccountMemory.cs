using System.Collections.Concurrent;

namespace Purser.Gateways;

/// <summary>What conversations of one account leave for later ones, each for its time. Few and short things.</summary>
sealed class AccountMemory(TimeProvider time)
{
    /// <summary>While credentials are replaced there are two tokens; more than this is a mistake, and the oldest go.</summary>
    const int Most = 8;

    readonly ConcurrentDictionary<string, (string Value, DateTimeOffset Until)> things = new(StringComparer.Ordinal);

    public string? Recall(string name) => things.TryGetValue(name, out var thing) && time.GetUtcNow() < thing.Until ? thing.Value : null;

    public void Remember(string name, string value, TimeSpan lifetime)
    {
        if (lifetime <= TimeSpan.Zero) return;
        things[name] = (value, time.GetUtcNow() + lifetime);
        foreach (var (old, _) in things.OrderByDescending(t => t.Value.Until).Skip(Most)) things.TryRemove(old, out _);
    }

    public void Forget(string name) => things.TryRemove(name, out _);
}
