using System.Collections.Immutable;
using Microsoft.Extensions.Configuration;
using Purser.Gateways;
using Purser.Orders;
using Purser.Payments;
using Purser.Refunds;
using Purser.Routing;
using Purser.Server.Engine;
using Purser.Server.Gateways;
using Purser.Server.Settlement;

namespace Purser.Simulation;

/// <summary>One small world: some orders, their shoppers, five gateways, a few nodes over one store, and what goes wrong. A function of its
/// seed, and of which orders and faults are left out of it.</summary>
sealed class World
{
    public const string Cards = "cards";
    public const string Upi = "upi";

    static readonly DateTimeOffset Start = new(2026, 3, 1, 6, 0, 0, TimeSpan.Zero);

    /// <summary>Shoppers arrive over this time, where no day is lived through.</summary>
    static readonly TimeSpan UsualArrivals = TimeSpan.FromHours(1.5);

    /// <summary>Faults strike for so long; the longest delay that they cause ends before the world is judged.</summary>
    static readonly TimeSpan FaultsLast = TimeSpan.FromHours(29);

    /// <summary>After the faults everything must have found its end in this time.</summary>
    static readonly TimeSpan Converges = TimeSpan.FromHours(126);

    /// <summary>Statements of later nights come as they should.</summary>
    static readonly TimeSpan StatementFaultsLast = TimeSpan.FromHours(72);

    readonly Life[] nodes;
    readonly int[] lives;
    readonly SilentDay? day;

    public World(ulong seed, IReadOnlyCollection<int> orders, PlantedBug? bug = null, IReadOnlySet<FaultPoint>? only = null, bool records = false, SilentDay? day = null)
    {
        (Seed, Bug, this.day) = (seed, bug ?? PlantedBug.None, day);
        ArrivalsLast = day?.ArrivalsLast ?? UsualArrivals;
        Longer = ArrivalsLast - UsualArrivals;
        Time = new SimulatedTime(Start);
        Loop = new Loop(Time, Chance.Random(Chance.Of(seed, 1)));
        Scheduling = Chance.Random(Chance.Of(seed, 2));
        Trace = new Trace(Time, records);
        Faults = new Faults(seed, Time, only) { Until = Start + FaultsLast + Longer, StatementsUntil = Start + StatementFaultsLast + Longer };
        Outside = new Place(Loop);
        Database = new Database(this);
        Post = new PostOffice(this);
        Auditor = new Auditor(this);
        StatementAuditor = new StatementAuditor(this);
        Open = new OpenQuestions(this);
        Scenarios = new Scenarios(this);
        var others = Others(day?.Seed ?? seed);
        Gateways = [new StripeWorld(this, Cards, "whsec_world"), new RazorpayWorld(this, Upi, "world"), .. others.Select(o => new SandboxGateway(this, o))];
        Accounts = AccountsOf(Bug, others);
        // Evenly, so that every gateway is met.
        var spread = new RouteRule("spread") { Use = [.. Gateways.Select(g => g.Account)], Weights = Gateways.ToImmutableDictionary(g => g.Account, _ => 1) };
        Rules = new OrderRules { Accounts = Accounts.Terms, Routing = Accounts.Routing with { Rules = [spread] } };
        nodes = new Life[2 + (int)(Chance.Of(seed, 3) % 2)];
        lives = new int[nodes.Length];
        SettlementOptions = new SettlementOptions
        {
            Acting = 4096,
            TheirsPaid = Chance.Of(seed, 9) % 4 == 0 ? "ask" : "act",
            Confirm = AmountLimits.Usual(1).With([.. Currency.All.Select(c => (c, Chance.Of(seed, 10) % 3 == 0 ? 6_000_000L : 10_000_000L))]),
        };
        Desks = [.. Gateways.Select(g => new Desk(this, g))];
        for (var i = 0; i < nodes.Length; i++) nodes[i] = new Life(this, i, 0);
        foreach (var desk in Desks) Outside.Start(desk.Work, Auditor.Threw);
        Outside.Start(LookForOverdue, Auditor.Threw);
        Outside.Start(LookForAnswered, Auditor.Threw);
        Outside.Start(new Clerk(this, FaultsLast + Longer).Work, Auditor.Threw);
        Plan();
        foreach (var index in orders)
        {
            var chance = Chance.Random(Chance.Of(seed, 4, index));
            var wish = Wish.Of(index, chance);
            Wishes.Add(index, wish);
            Outside.Start(() => new Shopper(this, wish, chance).Live(), Auditor.Threw);
        }
    }

    public ulong Seed { get; }
    public TimeSpan ArrivalsLast { get; }
    /// <summary>By how much shoppers come longer than usual, and all that follows from them.</summary>
    public TimeSpan Longer { get; }
    public PlantedBug Bug { get; }
    public SimulatedTime Time { get; }
    public Loop Loop { get; }
    /// <summary>Chance that nothing depends on but the order of things: latencies, which node answers.</summary>
    public Random Scheduling { get; }
    public Trace Trace { get; }
    public Faults Faults { get; }
    public Place Outside { get; }
    public Database Database { get; }
    public PostOffice Post { get; }
    public WorldGateway[] Gateways { get; }
    public GatewayAccounts Accounts { get; }
    public OrderRules Rules { get; }
    public Auditor Auditor { get; }
    public StatementAuditor StatementAuditor { get; }
    public OpenQuestions Open { get; }
    public Scenarios Scenarios { get; }
    public SettlementOptions SettlementOptions { get; }
    public Desk[] Desks { get; }
    /// <summary>Captures that no statement had by their day, when it was looked for them.</summary>
    public long Overdue { get; set; }
    /// <summary>Refunds that no statement had by their day, each once.</summary>
    public long MissedRefunds { get; set; }
    /// <summary>What was due before this day has been looked for.</summary>
    public DateOnly OverdueUntil { get; private set; }
    /// <summary>The last day that files of an account covered then.</summary>
    public Dictionary<string, DateOnly?> Covered { get; private set; } = [];
    /// <summary>The money's news told another amount, and to a question about its link the gateway may tell of another try.</summary>
    public bool OnlyNewsLied(WorldGateway gateway, WorldLink link, WorldTry money) =>
        (!gateway.QuestionsTellOf(link, money) || link.Tries.Exists(t => t.Id != money.Id)) && Faults.Struck.Exists(f => f.Fault == Fault.TamperedAmount && f.Point.Order == link.Order);

    /// <summary>Accounts that had had a statement then.</summary>
    public HashSet<string> Stated { get; private set; } = [];
    public Dictionary<int, Wish> Wishes { get; } = [];
    public SortedDictionary<string, long> Crashes { get; } = new(StringComparer.Ordinal);
    public long Questions { get; set; }
    public long Captures { get; set; }
    /// <summary>Refunds that gateways carried out.</summary>
    public long Refunds { get; set; }
    /// <summary>Money that banks took back from gateways, or wanted to.</summary>
    public long Disputes { get; set; }
    public long ReturnedRefunds { get; set; }
    /// <summary>Captures that a gateway denied later.</summary>
    public long TakenBack { get; set; }
    /// <summary>Questions that a person answered, and answers that were taken back.</summary>
    public long Answers { get; set; }
    /// <summary>Captures that nothing but a settlement file would ever tell of.</summary>
    public int LeftToFiles { get; set; }
    public int Placed { get; set; }
    /// <summary>How often news that were kept aside were read again.</summary>
    public long Readings { get; set; }
    /// <summary>Forms that were handed out, and how often a shopper had to wait for the gateway's word.</summary>
    public long FormsHandedOut { get; set; }
    public long FormsHeldBack { get; set; }

    public TimeSpan Lasted => Time.GetUtcNow() - Start;

    /// <summary>Lets it run until everything is quiet, and judges.</summary>
    /// <param name="enough">Asked every hour whether what was looked for is found; then nothing more is run, nor judged.</param>
    public void Run(Func<bool>? enough = null)
    {
        var end = Start + FaultsLast + Longer + Converges;
        for (var hour = Start; enough is not null && hour < end; hour += TimeSpan.FromHours(1))
        {
            Loop.RunUntil(hour);
            if (enough()) return;
        }
        Loop.RunUntil(end);
        new Quiet(this).Judge();
    }

    /// <summary>Whichever node the load balancer picks; it does not know which are dead.</summary>
    public Life AnyNode() => nodes[Scheduling.Next(nodes.Length)];

    /// <summary>A client's request to any node, with all that can happen to it on the way.</summary>
    public async Task<Heard<T>> Ask<T>(int order, Func<Life, Task<T>> work, TimeSpan patience)
    {
        var (fault, lot) = Faults.At(Port.Client, order);
        await Loop.Wait(TimeSpan.FromMilliseconds(1 + Scheduling.Next(20)));
        if (fault == Fault.RequestLost)
        {
            await Loop.Wait(patience);
            return new Heard<T>(false, default!, "no answer in time");
        }
        if (fault == Fault.Delay) await Loop.Wait(TimeSpan.FromMilliseconds(lot % 15000));
        if (fault == Fault.Twice)
        {
            var other = AnyNode();
            _ = other.Ask(() => work(other), patience);
        }
        var life = AnyNode();
        var heard = await life.Ask(() => work(life), patience);
        return fault == Fault.ReplyLost ? new Heard<T>(false, default!, "the answer was lost") : heard;
    }

    public void Revive(int node) => Time.CreateTimer(
        _ =>
        {
            nodes[node] = new Life(this, node, ++lives[node]);
            if (Database.NextAlarm is { } next) nodes[node].Watch(next);
            if (Database.Statements.NextAt is not null) nodes[node].WatchFiles();
            if (Database.News.NextAt is { } aside) nodes[node].WatchNews(aside);
        },
        null, TimeSpan.FromSeconds(1 + Scheduling.Next(90)), Timeout.InfiniteTimeSpan);

    /// <summary>An alarm is set for then: whoever sweeps must look.</summary>
    public void Watch(DateTimeOffset at)
    {
        foreach (var life in nodes) life.Watch(at);
    }

    /// <summary>A settlement file waits.</summary>
    public void WatchFiles()
    {
        foreach (var life in nodes) life.WatchFiles();
    }

    /// <summary>News were kept aside, and are to be read again then.</summary>
    public void WatchNews(DateTimeOffset at)
    {
        foreach (var life in nodes) life.WatchNews(at);
    }

    /// <summary>As the release decides that runs now.</summary>
    public Decision Decide(Order? order, OrderInput input, DateTimeOffset now, OrderRules rules) =>
        Time.GetUtcNow() < newsBrokenUntil && input is Evidence { Source: EvidenceSource.Webhook } or RefundEvidence { Source: EvidenceSource.Webhook }
            ? throw new BrokenReleaseException()
            : Bug.Decide(order, input, now, rules);

    DateTimeOffset newsBrokenUntil;

    /// <summary>Every day at six, on whichever node.</summary>
    async Task LookForOverdue()
    {
        while (true)
        {
            await Loop.Wait(TimeSpan.FromHours(30) - Time.GetUtcNow().TimeOfDay);
            DateOnly? until = null;
            while (until is null)
            {
                Stated = [.. Gateways.Select(g => g.Account).Where(Database.Statements.HasStatement)];
                Covered = Gateways.ToDictionary(g => g.Account, g => Database.Statements.CoveredTo(g.Account));
                var life = AnyNode();
                var heard = await life.Ask(life.FindOverdue, TimeSpan.FromMinutes(5));
                if (heard.Got) until = heard.Value;
                if (until is null) await Loop.Wait(TimeSpan.FromMinutes(10));
            }
            OverdueUntil = until.Value;
        }
    }

    /// <summary>On whichever node. A node that is away is left out.</summary>
    async Task LookForAnswered()
    {
        while (true)
        {
            await Loop.Wait(TimeSpan.FromHours(1));
            if (!Database.Statements.Discrepancies.Values.Any(d => d.Resolution is null)) continue;
            var life = AnyNode();
            await life.Ask(life.FindAnswered, TimeSpan.FromMinutes(5));
        }
    }

    public int IndexOf(EngineInput input) =>
        input.Inputs is [OrderCommand.Create create] ? Wish.IndexOf(create.Description) : Database.IndexOf(input.Order);

    /// <summary>The gateway that tells of no money for a time, if one does.</summary>
    public WorldGateway? Mute { get; private set; }

    /// <summary>What goes wrong for a time, and when.</summary>
    void Plan()
    {
        if (day is not null || Chance.Of(Seed, 11) % 3 == 0)
            Time.CreateTimer(_ =>
            {
                if (!Faults.Strike(new FaultPoint(Port.Plan, -1, -1), Fault.Mute)) return;
                Mute = Gateways[Chance.Of(day?.Seed ?? Seed, 12) % (ulong)Gateways.Length];
                Mute.MuteUntil = Time.GetUtcNow() + SilentDay.Lasts;
                Trace.Tell(-1, $"{Mute.Account} falls silent");
            }, null, day?.Begins ?? TimeSpan.FromMinutes(Chance.Of(Seed, 13) % 60), Timeout.InfiniteTimeSpan);
        var release = Chance.Random(Chance.Of(Seed, 14));
        if (release.Next(2) == 0)
            Time.CreateTimer(_ =>
            {
                if (Faults.Strike(new FaultPoint(Port.Plan, -1, -2), Fault.NewsBroken)) newsBrokenUntil = Time.GetUtcNow() + release.Between(TimeSpan.FromMinutes(2), TimeSpan.FromHours(26));
            }, null, release.Between(TimeSpan.Zero, TimeSpan.FromHours(3)), Timeout.InfiniteTimeSpan);
        var chance = Chance.Random(Chance.Of(Seed, 5));
        for (var nth = 0; nth < 6; nth++)
        {
            var (fault, at, lot) = (chance.Pick(Fault.NodePaused, Fault.StoreGone, Fault.GatewayGone, Fault.NewsGone, Fault.None),
                chance.Between(TimeSpan.Zero, TimeSpan.FromHours(3)), chance.Next());
            if (fault == Fault.None) continue;
            var point = new FaultPoint(Port.Plan, -1, nth);
            Time.CreateTimer(_ =>
            {
                if (Faults.Strike(point, fault)) Happen(fault, Chance.Random((ulong)lot));
            }, null, at, Timeout.InfiniteTimeSpan);
        }
    }

    void Happen(Fault fault, Random size)
    {
        var now = Time.GetUtcNow();
        var gateway = size.Pick(Gateways);
        switch (fault)
        {
            case Fault.NodePaused:
                size.Pick(nodes).Pause(size.Between(TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(3)));
                break;
            case Fault.StoreGone:
                Database.AwayUntil = now + size.Between(TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(2));
                break;
            case Fault.GatewayGone:
                gateway.GoneUntil = now + size.Between(TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(40));
                break;
            case Fault.NewsGone:
                gateway.NewsGoneUntil = now + size.Between(TimeSpan.FromMinutes(10), TimeSpan.FromHours(8));
                break;
        }
        Trace.Tell(-1, $"{fault} begins");
    }

    /// <summary>The two that are written for worlds can hide and garble more; the sandbox's join them in turns, so that all are met. One of them takes forms
    /// that begin another try each time they are posted.</summary>
    static Type[] Others(ulong seed)
    {
        var form = PickOf(SandboxGateway.FormDialects, seed, 15);
        Type[] others = [.. SandboxGateway.Dialects.Where(d => d != form)];
        var first = PickOf(others, seed, 6);
        return [form, first, PickOf([.. others.Where(d => d != first)], seed, 7)];
    }

    static Type PickOf(IReadOnlyList<Type> all, ulong seed, long salt) => all[(int)(Chance.Of(seed, salt) % (ulong)all.Count)];

    static GatewayAccounts AccountsOf(PlantedBug bug, IEnumerable<Type> others)
    {
        var settings = new ConfigurationBuilder().AddInMemoryCollection(others.SelectMany(SandboxGateway.Settings)).AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Gateways:cards:Gateway"] = "stripe",
            ["Gateways:cards:secret_key"] = "sk_test_world",
            ["Gateways:cards:TestMode"] = "true",
            ["Gateways:cards:webhook_secret"] = "whsec_world",
            ["Gateways:cards:Fee"] = WrittenGateway.Rate,
            ["Gateways:cards:SettlesAfterDays"] = "1",
            ["Gateways:upi:Gateway"] = "razorpay",
            ["Gateways:upi:key_id"] = "rzp_test_world",
            ["Gateways:upi:TestMode"] = "true",
            ["Gateways:upi:key_secret"] = "worldkey",
            ["Gateways:upi:webhook_secret"] = "world",
            ["Gateways:upi:Fee"] = WrittenGateway.Rate,
            ["Gateways:upi:SettlesAfterDays"] = "0",
        }).Build();
        var (accounts, faults) = GatewayAccounts.Read(settings, Compiled.Select(bug.Gateway));
        return faults.IsEmpty ? accounts : throw new InvalidOperationException(string.Join(" ", faults));
    }

    static readonly IReadOnlyCollection<IGateway> Compiled = new GatewayCatalog(typeof(IGateway).Assembly).Gateways;
}

/// <summary>A bug that a release brought and its mend takes away: no decision on what news tell.</summary>
sealed class BrokenReleaseException : Exception;
