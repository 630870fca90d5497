namespace Purser.Simulation;

/// <summary>Makes a failure as small as it gets: first fewer orders, then fewer faults, and what is left with its timeline.</summary>
sealed class Shrinking(ulong seed, PlantedBug? bug)
{
    const int MostRuns = 250;

    int runs;

    public sealed record Smallest(
        IReadOnlyList<int> Orders, IReadOnlyList<FaultRecord> Faults, Violation Violation, IReadOnlyList<string> Timeline, int Runs);

    public Smallest Of(IReadOnlyList<int> orders, Violation violation)
    {
        var found = new Found(orders, null, violation, []);
        found = Run(orders, null, violation) ?? found;
        if (violation.Order >= 0) found = Run([violation.Order], null, violation) ?? found;
        found = FewerOrders(found);
        found = FewerFaults(found);

        var world = new World(seed, found.Orders, bug, found.Only, records: true);
        world.Run();
        var shown = world.Auditor.Violations.FirstOrDefault(v => Alike(v, violation)) ?? found.Violation;
        return new Smallest(found.Orders, world.Faults.Struck, shown,
            [.. world.Trace.Lines.Where(l => l.Order == shown.Order || l.Order == -1 || shown.Order == -1).Select(l => $"day {l.At.Day} {l.At:HH:mm:ss.fff}  {l.Text}")], runs);
    }

    sealed record Found(IReadOnlyList<int> Orders, IReadOnlySet<FaultPoint>? Only, Violation Violation, IReadOnlyList<FaultPoint> Struck);

    Found? Run(IReadOnlyList<int> orders, IReadOnlySet<FaultPoint>? only, Violation like)
    {
        if (runs++ >= MostRuns) return null;
        var world = new World(seed, orders, bug, only);
        world.Run();
        return world.Auditor.Violations.FirstOrDefault(v => Alike(v, like)) is { } violation
            ? new Found(orders, only, violation, [.. world.Faults.Struck.Select(f => f.Point).Distinct()])
            : null;
    }

    static bool Alike(Violation one, Violation other) => one.Rule == other.Rule;

    Found FewerOrders(Found found)
    {
        for (var part = found.Orders.Count / 2; part >= 1; part /= 2)
            for (var from = 0; from < found.Orders.Count && found.Orders.Count > 1;)
                if (Run([.. found.Orders.Where((_, i) => i < from || i >= from + part)], found.Only, found.Violation) is { } smaller) found = smaller;
                else from += part;
        return found;
    }

    Found FewerFaults(Found found)
    {
        if (Run(found.Orders, new HashSet<FaultPoint>(), found.Violation) is { } none) return none;
        var kept = found.Struck.ToList();
        for (var part = kept.Count; part >= 1; part /= 2)
            for (var from = 0; from < kept.Count;)
            {
                var fewer = kept.Where((_, i) => i < from || i >= from + part).ToList();
                if (Run(found.Orders, fewer.ToHashSet(), found.Violation) is { } smaller)
                {
                    (found, kept) = (smaller, [.. fewer.Intersect(smaller.Struck)]);
                    from = 0;
                }
                else from += part;
            }
        return found;
    }
}
