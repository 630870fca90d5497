using System.Diagnostics;
using Purser.Orders;
using Purser.Payments;
using Purser.Server.Settlement;

namespace Purser.Simulation;

/// <summary>Many small worlds one after another, so that memory stays flat; all of it a function of one seed.</summary>
/// <param name="silence">All of the worlds live through one day, and one gateway is silent for six hours of it.</param>
sealed class Campaign(ulong seed, int orders, PlantedBug? bug = null, bool silence = false)
{
    /// <summary>Orders of one world: enough to meet each other at a node and at a gateway.</summary>
    public const int WorldOrders = 200;

    /// <summary>More failing worlds than these tell nothing new; a day is judged to its end.</summary>
    const int MostFailures = 3;

    public sealed record Failure(int World, ulong Seed, IReadOnlyList<int> Orders, IReadOnlyList<Violation> Violations, int Faults);

    /// <summary>As many as would come in an hour and a half of a usual world come in it of a day.</summary>
    public const int DayOrders = 1000;

    readonly SilentDay? day = silence ? SilentDay.Of(seed) : null;

    public ulong Seed => seed;
    /// <summary>The day that all of its worlds live through, if they do, and the gateway account that is silent on it.</summary>
    public SilentDay? Day => day;
    public string? Silent { get; private set; }
    /// <summary>Money that statements were the first to tell of.</summary>
    public long FoundByStatements { get; private set; }
    /// <summary>Questions about money in suspense that a person answered, and answers that were taken back.</summary>
    public long Answers { get; private set; }
    /// <summary>Questions about rows that closed by themselves, for the gateway told of the money later.</summary>
    public long ClosedLater { get; private set; }
    /// <summary>What persons are asked when all is quiet, by reason.</summary>
    public SortedDictionary<string, long> Open { get; } = new(StringComparer.Ordinal);
    public int Size => silence ? DayOrders : WorldOrders;
    public int Worlds { get; private set; }
    public long Orders { get; private set; }
    public long Payments { get; private set; }
    public long Links { get; private set; }
    public long Captures { get; private set; }
    public long Refunds { get; private set; }
    public long Disputes { get; private set; }
    public long ReturnedRefunds { get; private set; }
    /// <summary>Captures that gateways denied later, and orders that were cancelled for it.</summary>
    public long TakenBack { get; private set; }
    public long Denied { get; private set; }
    public long FormsHandedOut { get; private set; }
    public long FormsHeldBack { get; private set; }
    /// <summary>How often news that were kept aside were read again, and how many of them found their place.</summary>
    public long Readings { get; private set; }
    public long PlacedNews { get; private set; }
    public long Questions { get; private set; }
    public long News { get; private set; }
    public long Commits { get; private set; }
    /// <summary>How often a batch waited in vain for what somebody else held, and how often a lost commit was still under way when it was asked for.</summary>
    public long HeldBack { get; private set; }
    public long StillUnderWay { get; private set; }
    public long Events { get; private set; }
    public long Steps { get; private set; }
    public long LeftToFiles { get; private set; }
    public long Files { get; private set; }
    public long FilesAgain { get; private set; }
    public long FilesRefused { get; private set; }
    public long Overdue { get; private set; }
    /// <summary>Payments by whether they are paid with us and captured by their statements.</summary>
    public SortedDictionary<string, long> Scenarios { get; } = new(StringComparer.Ordinal);
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
        for (var (left, nth) = (orders, 0); left > 0 && (silence || Failures.Count < MostFailures); left -= Size, nth++)
        {
            if (only is not null && only != nth) continue;
            int[] indexes = [.. Enumerable.Range(0, Math.Min(left, Size))];
            var world = new World(SeedOf(seed, nth), indexes, bug, day: day);
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
        Disputes += world.Disputes;
        ReturnedRefunds += world.ReturnedRefunds;
        TakenBack += world.TakenBack;
        Denied += world.Database.Orders.Values.Sum(o => o.Events.Count(e => e is { Type: EventType.OrderCancelled, Payment: not null }));
        (FormsHandedOut, FormsHeldBack, Readings) = (FormsHandedOut + world.FormsHandedOut, FormsHeldBack + world.FormsHeldBack, Readings + world.Readings);
        PlacedNews += world.Database.News.All.Count(n => n.WasPlaced);
        Questions += world.Questions;
        News += world.Post.Delivered;
        Commits += world.Database.Commits;
        (HeldBack, StillUnderWay) = (HeldBack + world.Database.HeldBack, StillUnderWay + world.Database.StillUnderWay);
        Steps += world.Loop.Steps;
        LeftToFiles += world.LeftToFiles;
        Files += world.Database.Statements.Files.Count;
        FilesAgain += world.StatementAuditor.TakenAgain;
        FilesRefused += world.Database.Statements.Files.Count(f => f.Row.State == FileState.Refused);
        Overdue += world.Overdue;
        Silent = world.Mute?.Account;
        ClosedLater += world.Open.Closed;
        Answers += world.Answers;
        FoundByStatements += world.Database.Orders.Values.Sum(o => o.Events.Count(e => e.Source == EvidenceSource.Settlement
            && e.Type is EventType.PaymentSucceeded or EventType.PaymentLate or EventType.PaymentDuplicate));
        foreach (var total in world.Database.Statements.Files.SelectMany(f => f.Row.State == FileState.Done ? f.Row.Classes : [])) Tally(Lines, total.Class.ToString(), total.Count);
        for (var scenario = 0; scenario < world.Scenarios.Counts.Length; scenario++) Tally(Scenarios, Purser.Simulation.Scenarios.Name(scenario), world.Scenarios.Counts[scenario]);
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
        foreach (var (why, times) in world.Open.Reasons) Tally(Open, why, times);
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
