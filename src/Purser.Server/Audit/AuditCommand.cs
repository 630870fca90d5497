using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Npgsql;
using Purser.Gateways;
using Purser.Server.CommandLine;
using Purser.Server.Engine;
using Purser.Server.Platform;
using Spectre.Console;

namespace Purser.Server.Audit;

/// <summary>`purser audit`: recomputes everything from the events and names the first row that differs. Reads only; exit code 1 when one differs.</summary>
public static class AuditCommand
{
    public static Command Make(Func<IConfiguration> configuration, Func<Func<Task<int>>, Task<int>> guard)
    {
        var from = StoredBooks.Time("--from", "Orders placed at this time or later, in UTC: 2026-03-01.");
        var to = StoredBooks.Time("--to", "Orders placed before this time.");
        var most = new Option<int>("--most") { Description = "How many differences are named before it stops.", DefaultValueFactory = _ => 1 };
        var anchor = new Option<string?>("--anchor") { Description = "A day's SHA-256 that was kept elsewhere: it must be among the anchors." };
        var json = new Option<bool>("--json") { Description = "One JSON document." };
        var command = new Command("audit", "Recomputes every order, posting and anchor from the events, and names the first row that differs.") { from, to, most, anchor, json };
        command.SetAction((words, stop) => guard(() => StoredBooks.Read(configuration(), async database =>
        {
            var report = await Run(database, words.GetValue(from), words.GetValue(to), Math.Max(1, words.GetValue(most)), words.GetValue(anchor), stop);
            if (words.GetValue(json)) report.WriteJson(Console.Out);
            else report.Write(AnsiConsole.Console);
            return report.Differences.Count == 0 ? 0 : 1;
        }, stop)));
        return command;
    }

    /// <summary>Rows are named and quoted as gateways wrote them; a terminal must not obey them.</summary>
    const int LongestShown = 2000;

    public sealed record Report(long Orders, long Events, long Postings, IReadOnlyList<Anchor> Anchors, IReadOnlyList<Difference> Differences)
    {
        public void Write(IAnsiConsole console)
        {
            console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Recomputed {Orders} orders from {Events} events, {Postings} postings and {Anchors.Count} anchored days."));
            if (Anchors is [.., var last]) console.WriteLine($"The latest anchor is that of {last.Day:yyyy-MM-dd}: {last.Orders} orders, {last.Events} events, SHA-256 {last.Text}");
            foreach (var difference in Differences) console.MarkupLineInterpolated($"[red]{difference.Table}[/], {Wire.Line(difference.Row, LongestShown)}: {Wire.Line(difference.What, LongestShown)}");
            if (Differences.Count == 0) console.MarkupLine("[green]Nothing differs.[/]");
        }

        public void WriteJson(TextWriter to) => to.WriteLine(RowJson.Text(json =>
        {
            json.WriteStartObject();
            json.WriteNumber("orders", Orders);
            json.WriteNumber("events", Events);
            json.WriteNumber("postings", Postings);
            json.WriteStartArray("anchors");
            foreach (var anchor in Anchors)
            {
                json.WriteStartObject();
                json.WriteString("day", $"{anchor.Day:yyyy-MM-dd}");
                json.WriteNumber("orders", anchor.Orders);
                json.WriteNumber("events", anchor.Events);
                json.WriteString("sha256", anchor.Text);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteStartArray("differences");
            foreach (var difference in Differences)
            {
                json.WriteStartObject();
                json.WriteString("table", difference.Table);
                json.WriteString("row", difference.Row);
                json.WriteString("what", difference.What);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        }));
    }

    /// <summary>First the orders, by id, then the days. One page of orders is in memory at a time.</summary>
    /// <param name="now">By which days are over; the database's time when it is not given.</param>
    public static async Task<Report> Run(NpgsqlDataSource database, DateTimeOffset? from, DateTimeOffset? to, int most, string? anchor, CancellationToken stop, DateTimeOffset? now = null)
    {
        if (from > to) throw new StartFailureException("--from is later than --to.");
        var differences = new List<Difference>();
        var differ = new HashSet<OrderId>();
        var (orders, events, postings) = (0L, 0L, 0L);
        var first = from is { } begin ? OrderId.FirstAt(begin).Value - 1 : -1;
        var last = to is { } end ? OrderId.FirstAt(end).Value - 1 : long.MaxValue;
        var store = new AuditStore(database);
        await foreach (var order in store.Orders(first, last, stop))
        {
            (orders, events, postings) = (orders + 1, events + order.Events.Count, postings + order.Postings.Count);
            if (Examination.Of(order) is not { } found) continue;
            differences.Add(found);
            differ.Add(order.Id);
            if (differences.Count >= most) break;
        }
        var decisions = new DecisionAuditStore(database);
        HashSet<string> Posted() => [.. differences.Where(d => d.Table == "settlement_postings").Select(d => d.Row)];
        if (differences.Count < most) differences.AddRange(await store.Unbalanced(most - differences.Count, stop));
        if (differences.Count < most) differences.AddRange(await decisions.Run(most - differences.Count, stop));
        var statements = new RowExamination(database);
        if (differences.Count < most) differences.AddRange(await statements.Run(Posted(), most - differences.Count, stop));
        postings += statements.Postings;
        if (differences.Count < most) differences.AddRange(await store.StrayCaptures(differ, most - differences.Count, stop));
        var files = new FileAuditStore(database);
        if (differences.Count < most) differences.AddRange(await files.Run(most - differences.Count, stop));
        if (differences.Count < most) differences.AddRange(await decisions.Postings(Posted(), most - differences.Count, stop));
        var anchors = new AnchorStore(database);
        var kept = await anchors.All(stop);
        if (anchor is not null && !kept.Any(a => string.Equals(a.Text, anchor, StringComparison.OrdinalIgnoreCase)))
            differences.Add(new Difference("anchors", anchor, "the anchor that you kept is none of the anchors here: they were made anew."));
        if (differences.Count < most && await anchors.Missing(now, stop) is { } missing) differences.Add(new Difference("anchors", $"{missing:yyyy-MM-dd}", "the day is over, and its anchor is not there."));
        for (var i = 0; i < kept.Count && differences.Count < most; i++)
            if (Wrong(kept[i], i == 0 ? null : kept[i - 1], await anchors.Compute(kept[i].Day, i == 0 ? null : kept[i - 1], kept[i].Decisions is not null, stop)) is { } what)
                differences.Add(new Difference("anchors", $"{kept[i].Day:yyyy-MM-dd}", what));
        return new Report(orders, events, postings, kept, differences);
    }

    static string? Wrong(Anchor kept, Anchor? before, Anchor made)
    {
        if (before is not null && kept.Day != before.Day.AddDays(1)) return $"the day follows {before.Day:yyyy-MM-dd}; the anchors between are not there.";
        if (kept.Orders != made.Orders || kept.Events != made.Events)
            return $"{kept.Orders} orders and {kept.Events} events were anchored, and the day has {made.Orders} and {made.Events}.";
        if (kept.Decisions != made.Decisions) return $"{kept.Decisions} decisions were anchored, and up to its end there are {made.Decisions}.";
        return kept.Hash.AsSpan().SequenceEqual(made.Hash) ? null
            : $"the day's events{(kept.Decisions > 0 ? ", or the decisions up to its end," : "")} are not those that were anchored, or the anchor before it is not.";
    }
}
