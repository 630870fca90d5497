using System.Diagnostics;
using Purser.Server.Settlement;

namespace Purser.Simulation;

/// <summary>Many small worlds one after another, so that memory stays flat; all of it a function of one seed.</summary>
sealed class Campaign(ulong seed, int orders, PlantedBug? bug = null)
{
    /// <summary>Orders of one world: enough to meet each other at a node and at a gateway.</summary>
    public const int WorldOrders = 200;

    /// <summary>More failing worlds than these tell nothing new.</summary>
    const int MostFailures = 3;

    public sealed record Failure(int World, ulong Seed, IReadOnlyList<int> Orders, IReadOnlyList<Violation> Violations, int Faults);

    public ulong Seed => seed;
    public int Worlds { get; private set; }
    public long Orders { get; private set; }
    public long Payments { get; private set; }
    public long Links { get; private set; }
    public long Captures { get; private set; }
    public long Refunds { get; private set; }
    public long Questions { get; private set; }
    public long News { get; private set; }
    public long Commits { get; private set; }
    public long Events { get; private set; }
    public long Steps { get; private set; }
    public long LeftToFiles { get; private set; }
    public long Files { get; private set; }
    public long FilesAgain { get; private set; }
    public long FilesRefused { get; private set; }
    public long Overdue { get; private set; }
    public SortedDictionary<string, long> Lines { get; } = new(StringComparer.Ordinal);
    public ulong Hash { get; private set; } = 1;
    public TimeSpan SimulatedTime { get; private set; }
    public TimeSpan WallTime { get; private set; }
    public SortedDictionary<string, long> Faults { get; } = new(StringComparer.Ordinal);
    public SortedDictionary<string, long> Crashes { get; } = new(StringComparer.Ordinal);
    public SortedDictionary<string, long> Checks { get; } = new(StringComparer.Ordinal);
    public SortedDictionary<string, long> Ends { get; } = new(StringComparer.Ordinal);
    public List<Failure> Failures { get; } = [];

    /// <param name="only">One world of the chain alone.</param>
    public Campaign Run(int? only = null, Action<Campaign>? after = null)
    {
        var watch = Stopwatch.StartNew();
        for (var (left, nth) = (orders, 0); left > 0 && Failures.Count < MostFailures; left -= WorldOrders, nth++)
        {
            if (only is not null && only != nth) continue;
            int[] indexes = [.. Enumerable.Range(0, Math.Min(left, WorldOrders))];
            var world = new World(SeedOf(seed, nth), indexes, bug);
            world.Run();
            Add(world, nth, indexes);
            WallTime = watch.Elapsed;
            after?.Invoke(this);
        }
        return this;
    }

    public static ulong SeedOf(ulong seed, int world) => Chance.Of(seed, 1_000_000 + world);

    void Add(World world, int nth, int[] indexes)
    {
        Worlds++;
        Orders += world.Database.Orders.Count;
        Links += world.Gateways.Sum(g => g.Links.Count);
        Captures += world.Captures;
        Questions += world.Questions;
        News += world.Post.Delivered;
        Commits += world.Database.Commits;
        Steps += world.Loop.Steps;
        LeftToFiles += world.LeftToFiles;
        Files += world.Database.Statements.Files.Count;
        FilesAgain += world.StatementAuditor.TakenAgain;
        FilesRefused += world.Database.Statements.Files.Count(f => f.Row.State == FileState.Refused);
        Overdue += world.Overdue;
        foreach (var total in world.Database.Statements.Files.SelectMany(f => f.Row.State == FileState.Done ? f.Row.Classes : [])) Tally(Lines, total.Class.ToString(), total.Count);
        Hash = Chance.Mix(Hash ^ world.Trace.Hash);
        SimulatedTime += world.Lasted;
        foreach (var order in world.Database.Orders.Values)
        {
            Payments += order.Row.Payments.Length;
            Refunds += order.Row.Refunds.Length;
            Events += order.Events.Count;
            Tally(Ends, order.Row.Late ? "paid late" : order.Row.Status.ToString());
        }
        foreach (var fault in world.Faults.Struck) Tally(Faults, $"{fault.Point.Port}: {fault.Fault}");
        foreach (var (when, times) in world.Crashes) Tally(Crashes, when, times);
        foreach (var (rule, times) in world.Auditor.Checks) Tally(Checks, rule, times);
        if (world.Auditor.Violations.Count > 0)
            Failures.Add(new Failure(nth, world.Seed, indexes, world.Auditor.Violations, world.Faults.Struck.Count));
    }

    static void Tally(SortedDictionary<string, long> counts, string what, long times = 1)
    {
        counts.TryGetValue(what, out var before);
        counts[what] = before + times;
    }
}
