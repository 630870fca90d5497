using System.Collections;
using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace Purser.Sandbox;

/// <summary>Settings of a dialect that notice what it looks for. A dialect needs no list of its switches: what it asks is the list.</summary>
sealed class Switches : IReadOnlyDictionary<string, string>
{
    readonly ConcurrentDictionary<string, bool> lookedFor = new();
    volatile IReadOnlyDictionary<string, string> set = new Dictionary<string, string>();

    public IReadOnlyCollection<string> LookedFor => [.. lookedFor.Keys.Order(StringComparer.Ordinal)];

    public void Set(IReadOnlyDictionary<string, string> switches) => set = switches;

    public bool TryGetValue(string key, [MaybeNullWhen(false)] out string value)
    {
        if (!lookedFor.ContainsKey(key)) lookedFor.TryAdd(key, true);
        return set.TryGetValue(key, out value);
    }

    public bool ContainsKey(string key) => TryGetValue(key, out _);

    public string this[string key] => TryGetValue(key, out var value) ? value : throw new KeyNotFoundException($"The switch '{key}' is not set.");

    public IEnumerable<string> Keys => set.Keys;

    public IEnumerable<string> Values => set.Values;

    public int Count => set.Count;

    public IEnumerator<KeyValuePair<string, string>> GetEnumerator() => set.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
