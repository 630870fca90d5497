using System.Globalization;
using Purser.Simulation;

var (orders, seed, seeds, json, bug) = (2000, 1UL, 1, false, (PlantedBug?)null);
int? only = null;
int? order = null;
var silence = false;
var told = 0;
for (var i = 0; i < args.Length; i++)
{
    switch (args[i])
    {
        case "--json": json = true; break;
        case "--silence": silence = true; break;
        case "--orders" when Number(i) is { } n and > 0: (orders, i) = ((int)n, i + 1); break;
        case "--seed" when Number(i) is { } n: (seed, i) = ((ulong)n, i + 1); break;
        case "--seeds" when Number(i) is { } n and > 0: (seeds, i) = ((int)n, i + 1); break;
        case "--world" when Number(i) is { } n: (only, i) = ((int)n, i + 1); break;
        case "--order" when Number(i) is { } n: (order, i) = ((int)n, i + 1); break;
        case "--statements": order = Desk.Index; break;
        case "--planted" when i + 1 < args.Length && PlantedBugs.Find(args[i + 1]) is { } known: (bug, i) = (known, i + 1); break;
        default: return Usage(args[i] is "--help" or "-h");
    }
}

if (order is not null)
{
    var size = silence ? Campaign.DayOrders : Campaign.WorldOrders;
    var world = new World(Campaign.SeedOf(seed, only ?? 0), [.. Enumerable.Range(0, Math.Min(size, orders - ((only ?? 0) * size)))], bug, records: true, day: silence ? SilentDay.Of(seed) : null);
    world.Run();
    foreach (var line in world.Trace.Lines.Where(l => l.Order == order)) Console.WriteLine($"day {line.At.Day} {line.At:HH:mm:ss.fff}  {line.Text}");
    return world.Auditor.Violations.Any(v => v.Order == order) ? 1 : 0;
}

var done = new List<(Campaign, IReadOnlyList<Shrinking.Smallest>)>();
for (var nth = 0; nth < seeds; nth++)
{
    told = 0;
    var campaign = new Campaign(seed + (ulong)nth, orders, bug, silence).Run(only, Progress);
    // A day has too many orders in a world to be run hundreds of times.
    var smallest = silence ? [] : campaign.Failures.Select(f => new Shrinking(f.Seed, bug).Of(f.Orders, f.Violations[0])).ToList();
    if (!json) Report.Write(campaign, smallest, Console.Out);
    done.Add((campaign, smallest));
}
if (json) Report.WriteJson(done, Console.Out);
return done.TrueForAll(one => one.Item1.Failures.Count == 0) ? 0 : 1;

long? Number(int at) =>
    at + 1 < args.Length && long.TryParse(args[at + 1], NumberStyles.None, CultureInfo.InvariantCulture, out var n) && n <= int.MaxValue ? n : null;

// Making a failure small takes minutes; what failed is told at once.
void Progress(Campaign c)
{
    foreach (var failure in c.Failures.Skip(told))
        foreach (var v in failure.Violations) Console.Error.WriteLine($"world {failure.World}: {v.Rule}: {v.What.Split('\n')[0]} (order {v.Order}, day {v.At.Day} {v.At:HH:mm:ss})");
    told = c.Failures.Count;
    if (c.Worlds % 50 == 0) Console.Error.WriteLine($"{c.Orders:N0} orders, {c.Orders / c.WallTime.TotalSeconds:N0} a second, {c.Failures.Count} failing worlds");
}

static int Usage(bool asked)
{
    (asked ? Console.Out : Console.Error).WriteLine($"""
        Usage: purser simulate [--orders N] [--seed S] [--seeds K] [--json] [--silence] [--world W [--order K | --statements]] [--planted BUG]

          --orders N    how many orders, in worlds of {Campaign.WorldOrders} (2000)
          --seed S      where all chance comes from (1)
          --seeds K     that many seeds, from S on (1)
          --json        for programs
          --silence     one day, in worlds of {Campaign.DayOrders} that share it: shoppers come for 24 hours, and for 6 of them one gateway tells of no
                        money (webhooks and browsers lost, questions unanswered); what is open at the end is listed by why a person must answer it
          --world W     one world of the chain alone
          --order K     the timeline of one order of that world (0), and nothing else
          --statements  the timeline of that world's settlement files, and nothing else
          --planted BUG with a known bug of other systems around the production code: {string.Join(", ", PlantedBugs.All.Select(b => b.Name))}

        Ends with 0 when every invariant held, with 1 when one was broken, with 2 when it was not understood.
        """);
    return asked ? 0 : 2;
}
