using Xunit.Abstractions;

// These tests wait for servers, browsers and PostgreSQL more than they compute: three at once, beside the gateways' tests, keep two cores busy.
[assembly: CollectionBehavior(MaxParallelThreads = 3)]
[assembly: TestCollectionOrderer("Purser.Server.Tests.LongOnesSpread", "Purser.Server.Tests")]

namespace Purser.Server.Tests;

/// <summary>Classes that drive a browser take longest and need the processor most: they begin one after the other between the rest, and none of them at the end, where it
/// would run alone.</summary>
public sealed class LongOnesSpread : ITestCollectionOrderer
{
    public IEnumerable<ITestCollection> OrderTestCollections(IEnumerable<ITestCollection> testCollections)
    {
        var all = testCollections.OrderBy(c => c.DisplayName, StringComparer.Ordinal).ToList();
        var @long = all.Where(c => c.DisplayName.Contains(".Browser.", StringComparison.Ordinal) || c.DisplayName.Contains(".Guides.", StringComparison.Ordinal)).ToList();
        var rest = all.Except(@long).ToList();
        var between = Math.Max(1, rest.Count / (@long.Count + 1));
        for (var i = 0; i < @long.Count; i++)
        {
            yield return @long[i];
            foreach (var one in rest.Skip(i * between).Take(between)) yield return one;
        }
        foreach (var one in rest.Skip(@long.Count * between)) yield return one;
    }
}
