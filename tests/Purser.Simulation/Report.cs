using System.Text.Json;

namespace Purser.Simulation;

/// <summary>What a campaign did, for people and for programs.</summary>
static class Report
{
    static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, WriteIndented = true };

    public static void Write(Campaign c, IReadOnlyList<Shrinking.Smallest> smallest, TextWriter to)
    {
        to.WriteLine($"seed {c.Seed}: {c.Orders:N0} orders in {c.Worlds:N0} worlds, {c.SimulatedTime.TotalDays:N0} simulated days in {c.WallTime.TotalSeconds:N1} s");
        to.WriteLine($"  {c.Orders / c.WallTime.TotalSeconds:N0} orders/s, {c.Steps / c.WallTime.TotalSeconds:N0} steps/s, {c.Events / c.WallTime.TotalSeconds:N0} events/s, trace {c.Hash:x16}");
        to.WriteLine($"  {c.Payments:N0} payments, {c.Links:N0} links, {c.Captures:N0} captures, {c.Refunds:N0} refunds requested, {c.ReturnedRefunds:N0} of them came back, {c.Disputes:N0} disputes, {c.Questions:N0} gateway calls, {c.News:N0} news, {c.Commits:N0} commits, {c.Events:N0} events");
        to.WriteLine($"  orders ended: {string.Join(", ", c.Ends.Select(e => $"{e.Key} {e.Value:N0}"))}; captures that nobody told us of: {c.LeftToFiles:N0}");
        to.WriteLine($"  {c.TakenBack:N0} captures that a gateway denied later; {c.Denied:N0} orders cancelled for it");
        to.WriteLine($"  {c.FormsHandedOut:N0} forms handed out, {c.FormsHeldBack:N0} times one was held back; news that were kept aside were read again {c.Readings:N0} times, {c.PlacedNews:N0} found their place");
        if (c.Day is { } day)
            to.WriteLine($"  shoppers of one day of {day.ArrivalsLast.TotalHours:N0} hours; {c.Silent} silent for {SilentDay.Lasts.TotalHours:N0} of them, from {day.Begins:hh\\:mm} after the first on");
        to.WriteLine($"  {c.Files:N0} settlement files, {c.FilesRefused:N0} refused, {c.FilesAgain:N0} taken for the same once more; {c.Overdue:N0} times a capture was overdue");
        to.WriteLine($"  payments by our record and their statements: {string.Join(", ", c.Scenarios.Select(s => $"{s.Key} {s.Value:N0}"))}");
        to.WriteLine($"  {c.HeldBack:N0} batches waited in vain for what somebody else held; {c.StillUnderWay:N0} times a lost commit was still under way when it was asked for");
        Table(to, $"lines: {c.Lines.Values.Sum():N0}", c.Lines);
        to.WriteLine($"  {c.FoundByStatements:N0} captures that a statement was the first to tell of; {c.ClosedLater:N0} questions about rows that later evidence closed; {c.Answers:N0} answers of persons about money in suspense");
        Table(to, $"open when all is quiet, for persons: {c.Open.Values.Sum():N0}", c.Open);
        Table(to, $"faults: {c.Faults.Values.Sum():N0}", c.Faults);
        Table(to, $"crashes: {c.Crashes.Values.Sum():N0}", c.Crashes);
        Table(to, $"invariants checked: {c.Checks.Values.Sum():N0} times", c.Checks);
        to.WriteLine(c.Failures.Count == 0 ? "no violation" : $"{c.Failures.Sum(f => f.Violations.Count)} violations in {c.Failures.Count} worlds");
        foreach (var (failure, n) in c.Failures.Select((f, n) => (f, n)))
        {
            to.WriteLine($"\nworld {failure.World} of seed {c.Seed} (world seed {failure.Seed:x16}; again: --seed {c.Seed} --orders {(failure.World + 1) * c.Size} --world {failure.World}{(c.Day is null ? "" : " --silence")})");
            foreach (var v in failure.Violations) to.WriteLine($"  {v.Rule}: {v.What} (order {v.Order}, day {v.At.Day} {v.At:HH:mm:ss})");
            if (n >= smallest.Count) continue;
            var s = smallest[n];
            to.WriteLine($"  smallest failing schedule, after {s.Runs} runs: orders {string.Join(", ", s.Orders)}; {s.Faults.Count} of {failure.Faults} faults");
            foreach (var fault in s.Faults) to.WriteLine($"    {fault}");
            to.WriteLine($"  there: {s.Violation.Rule}: {s.Violation.What}");
            to.WriteLine($"  timeline of order {s.Violation.Order}");
            foreach (var line in s.Timeline) to.WriteLine($"    {line}");
        }
    }

    public static void WriteJson(IReadOnlyList<(Campaign Campaign, IReadOnlyList<Shrinking.Smallest> Smallest)> campaigns, TextWriter to) =>
        to.WriteLine(JsonSerializer.Serialize(campaigns.Select(one => new
        {
            one.Campaign.Seed,
            one.Campaign.Orders,
            one.Campaign.Worlds,
            one.Campaign.Payments,
            one.Campaign.Links,
            one.Campaign.Captures,
            one.Campaign.Refunds,
            one.Campaign.Disputes,
            one.Campaign.ReturnedRefunds,
            one.Campaign.TakenBack,
            one.Campaign.Denied,
            one.Campaign.FormsHandedOut,
            one.Campaign.FormsHeldBack,
            one.Campaign.Readings,
            one.Campaign.PlacedNews,
            GatewayCalls = one.Campaign.Questions,
            one.Campaign.News,
            one.Campaign.Commits,
            one.Campaign.HeldBack,
            one.Campaign.StillUnderWay,
            one.Campaign.Events,
            one.Campaign.Steps,
            one.Campaign.LeftToFiles,
            SettlementFiles = one.Campaign.Files,
            one.Campaign.FilesRefused,
            one.Campaign.FilesAgain,
            one.Campaign.Overdue,
            SilentAccount = one.Campaign.Day is null ? null : one.Campaign.Silent,
            one.Campaign.FoundByStatements,
            one.Campaign.ClosedLater,
            one.Campaign.Answers,
            OpenForPersons = one.Campaign.Open,
            PaymentsByScenario = one.Campaign.Scenarios,
            LinesByClass = one.Campaign.Lines,
            SimulatedSeconds = (long)one.Campaign.SimulatedTime.TotalSeconds,
            WallSeconds = Math.Round(one.Campaign.WallTime.TotalSeconds, 3),
            OrdersPerSecond = Math.Round(one.Campaign.Orders / one.Campaign.WallTime.TotalSeconds, 1),
            EventsPerSecond = Math.Round(one.Campaign.Events / one.Campaign.WallTime.TotalSeconds, 1),
            Trace = $"{one.Campaign.Hash:x16}",
            OrdersEnded = one.Campaign.Ends,
            one.Campaign.Faults,
            one.Campaign.Crashes,
            InvariantsChecked = one.Campaign.Checks,
            Violations = one.Campaign.Failures.SelectMany(f => f.Violations.Select(v => new { f.World, WorldSeed = $"{f.Seed:x16}", v.Rule, v.Order, v.What, v.At })),
            SmallestFailing = one.Smallest.Select(s => new { s.Orders, Faults = s.Faults.Select(f => f.ToString()), s.Violation.Rule, s.Violation.What, s.Timeline }),
        }), Json));

    static void Table(TextWriter to, string title, SortedDictionary<string, long> counts)
    {
        to.WriteLine($"  {title}");
        foreach (var (what, times) in counts) to.WriteLine($"    {times,10:N0}  {what}");
    }
}
