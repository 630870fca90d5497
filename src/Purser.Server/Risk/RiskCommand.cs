using System.CommandLine;
using System.Text.Json;
using Purser.Server.Api;
using Purser.Server.CommandLine;
using Spectre.Console;

namespace Purser.Server.Risk;

/// <summary>`purser risk`: the money at risk. Exit code 1 when something is older than configured.</summary>
public static class RiskCommand
{
    public static Command Make(Func<IConfiguration> configuration, Func<Func<Task<int>>, Task<int>> guard)
    {
        var json = new Option<bool>("--json") { Description = "One JSON document, the same as GET /v1/risk." };
        var command = new Command("risk", "Prints the money at risk; exit code 1 when something is older than Risk:Age.") { json };
        command.SetAction((words, stop) => guard(() =>
        {
            var settings = configuration();
            var options = RiskOptions.From(settings);
            return StoredBooks.Read(settings, async database =>
            {
                var (now, lines) = await new RiskStore(database, options).Read(stop);
                var view = RiskView.Of(now, lines, options);
                if (words.GetValue(json)) Console.WriteLine(JsonSerializer.Serialize(view, typeof(RiskView), ApiJson.Plain));
                else Write(view, AnsiConsole.Console);
                return view.TooOld == 0 ? 0 : 1;
            }, stop);
        }));
        return command;
    }

    public static void Write(RiskView view, IAnsiConsole console)
    {
        if (view.Risks.Count == 0)
        {
            console.MarkupLine("[green]No money is at risk.[/]");
            return;
        }
        var table = new Table().Border(TableBorder.Rounded).AddColumns("what", "gateway");
        table.AddColumn(new TableColumn("count").RightAligned()).AddColumn(new TableColumn("amount").RightAligned()).AddColumn(new TableColumn("oldest").RightAligned());
        foreach (var row in view.Risks)
        {
            var amount = row is { Amount: { } units, Currency: { } code } ? new Money(units, Currency.Find(code)).ToString() : "not known";
            table.AddRow(new Markup(row.TooOld ? $"[red]{row.Kind.Replace('_', ' ')}[/]" : row.Kind.Replace('_', ' ')), new Text(row.Gateway ?? "-"),
                new Text($"{row.Count}"), new Text(amount), new Markup(row.TooOld ? $"[red]{Age(view.At - row.Oldest)}[/]" : Age(view.At - row.Oldest)));
        }
        console.Write(table);
        // Where goods wait, the money has come.
        foreach (var sum in view.Risks.Where(r => r.Currency is not null && r.Kind != RiskKinds.Unfulfilled).GroupBy(r => r.Currency!).OrderBy(g => g.Key, StringComparer.Ordinal))
            console.WriteLine($"{new Money(sum.Sum(r => r.Amount ?? 0), Currency.Find(sum.Key))} in {sum.Sum(r => r.Count)} case(s)");
        console.MarkupLine(view.TooOld == 0 ? "[green]Nothing is too old.[/]" : $"[red]{view.TooOld} line(s) are older than they may be (Risk:Age).[/]");
    }

    static string Age(TimeSpan age) => age switch
    {
        { TotalDays: >= 1 } => $"{(int)age.TotalDays} d {age.Hours} h",
        { TotalHours: >= 1 } => $"{(int)age.TotalHours} h {age.Minutes} min",
        { TotalMinutes: >= 1 } => $"{(int)age.TotalMinutes} min",
        _ => $"{Math.Max(0, (int)age.TotalSeconds)} s",
    };
}
