using System.Text.Json;
using Purser.Server.Doctor;
using Spectre.Console;

namespace Purser.Server.CommandLine;

/// <summary>What the demo has to say in the end, for a person or for a program.</summary>
sealed record DemoReport(
    IReadOnlyList<string> Gateways, IReadOnlyList<string> NotPlayed, IReadOnlyList<DemoResult> Results, IReadOnlyList<DemoBook> Books,
    IReadOnlyList<DemoStatement> Statements, IReadOnlyList<DemoBook> Settled,
    IReadOnlyList<InvariantStore.Finding> Broken, double Seconds)
{
    /// <summary>A column takes about so many letters beside the stories' names.</summary>
    const int StoryWidth = 28, GatewayWidth = 13, NarrowestOutput = 150;

    /// <summary>At each gateway: one that nobody tells of, one that is not paid, one that is paid after the first statement.</summary>
    const int StatementOrders = 3;

    static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, WriteIndented = true };

    public bool AsItMustBe => Results.All(r => r.Wrong is null) && Books.Concat(Settled).All(b => b.Agree) && Broken.Count == 0
        && Statements.All(s => s.Wrong.Count == 0) && Gateways.All(g => Books.Any(b => b.Gateway == g) && Statements.Any(s => s.Gateway == g));

    /// <summary>What the words of the table mean, in the order of good to odd.</summary>
    internal static IReadOnlyList<(string Word, string Meaning)> Legend { get; } =
    [
        ("paid", "the order is paid, by one payment, and its books balance"),
        ("paid 2nd", "as paid, but by a second payment: the first ended without money"),
        ("1 back", "paid by one; the second payment of the same order was noticed and went back"),
        ("back", "paid, and all of it given back, once"),
        ("part back", "paid, and a part of it given back, once"),
        ("held", "another amount came; nothing is fulfilled, and the money waits for a person"),
        ("late", "money came after the order's end; it pays nothing and went back"),
        ("no", "the bank said no; the order was cancelled without money"),
        ("closed", "nobody paid; the order was cancelled and its link is closed"),
        ("watched", "cancelled, but the link cannot be closed there: whatever still comes is noticed"),
        ("refused", "the gateway's page does not take what the story wants"),
        ("-", "this gateway cannot play the story; the note says why"),
        ("WRONG", "it did not end as it must; the reason stands below"),
    ];

    public void WriteJson(TextWriter to) => to.WriteLine(JsonSerializer.Serialize(new { AsItMustBe, Seconds, Gateways, NotPlayed, Results, Books, Statements, Settled, Broken }, Json));

    public void Write(IAnsiConsole console)
    {
        if (!console.Profile.Out.IsTerminal) console.Profile.Width = NarrowestOutput;
        var notes = Results.Where(r => r.Note is not null).Select(r => (r.Gateway, Note: r.Note!)).Distinct().GroupBy(n => n.Note).Select((n, i) => (Note: n.Key, Number: i + 1, Who: n.Select(one => one.Gateway).ToList())).ToList();
        var numbers = notes.ToDictionary(n => n.Note, n => n.Number);
        foreach (var gateways in Gateways.Chunk(Math.Max(1, (console.Profile.Width - StoryWidth) / GatewayWidth)))
        {
            var table = new Table().Border(TableBorder.Simple).AddColumn("what happened");
            foreach (var gateway in gateways) table.AddColumn(new TableColumn(Markup.Escape(gateway)).NoWrap());
            foreach (var story in DemoStory.All)
                table.AddRow([Markup.Escape(story.Name), .. gateways.Select(g => Cell(Results.FirstOrDefault(r => r.Gateway == g && r.Story == story.Name), numbers))]);
            console.Write(table);
        }
        foreach (var (word, meaning) in Legend.Where(l => Results.Any(r => r.Ended.Trim('(', ')') == l.Word))) console.MarkupLineInterpolated($"{word,12}  [grey]{meaning}[/]");
        console.Write(Results.Any(r => r.Ended.StartsWith('(')) ? "       (...)  the misfortune had nothing to strike there\n\n" : "\n");
        foreach (var (note, number, who) in notes) console.MarkupLineInterpolated($"[grey]{number,3}[/] {note}: {string.Join(", ", who)}");
        console.WriteLine();

        Write(console, "The books, gateway by gateway and currency", Books);
        DemoStatement.Write(console, Statements);
        Write(console, "The books after the statements", Settled);
        foreach (var r in Results.Where(r => r.Wrong is not null)) console.MarkupLineInterpolated($"[red]{r.Gateway}, {r.Story}: {r.Wrong}[/] ({r.OrderId})");
        foreach (var s in Statements)
            foreach (var wrong in s.Wrong) console.MarkupLineInterpolated($"[red]{s.Gateway}, its statement: {wrong}[/]");
        foreach (var finding in Broken) console.MarkupLineInterpolated($"[red]{finding.Name}: broken {finding.Count} time(s)[/] {string.Join(", ", finding.Examples)}");
        foreach (var missing in NotPlayed) console.MarkupLineInterpolated($"[yellow]{missing}[/]");
        var told = Results.Where(r => r.Source is not null).GroupBy(r => r.Source!).OrderBy(g => g.Key, StringComparer.Ordinal).Select(g => $"{g.Count()} by {g.Key}");
        var orders = Results.Count(r => r.OrderId is not null);
        console.WriteLine($"{orders} orders at {Gateways.Count} gateways, {orders - Results.Count(r => r.Wrong is not null)} as they must be, and {StatementOrders * Statements.Count} for the statements; money learned of: {string.Join(", ", told)}; {Seconds:0} s.");
    }

    static void Write(IAnsiConsole console, string title, IReadOnlyList<DemoBook> all)
    {
        var (stated, settled) = (all.Any(b => b.InStatement != 0), all.Any(b => b.Settled != 0));
        string[] more = [.. stated ? ["statement only"] : Array.Empty<string>(), .. settled ? ["settled", "not paid out"] : Array.Empty<string>()];
        var books = new Table().Border(TableBorder.Simple).Title(title).AddColumns((string[])["gateway", "currency", "movements", "captured", "given back", "theirs", "ours", .. more, ""]);
        for (var column = 2; column < 7 + more.Length; column++) books.Columns[column].RightAligned();
        foreach (var b in all)
            books.AddRow(
            [
                b.Gateway, b.Currency, $"{b.Movements}", Amount(b.Captured, b.Currency), Amount(b.Refunded, b.Currency), Amount(b.Theirs, b.Currency), Amount(b.Ours, b.Currency),
                .. stated ? [b.InStatement == 0 ? "" : Amount(b.InStatement, b.Currency)] : Array.Empty<string>(),
                .. settled ? [Amount(b.Settled, b.Currency), Amount(b.Ours - b.Settled, b.Currency)] : Array.Empty<string>(),
                b.Agree ? "[green]agree[/]" : $"[red]differ: {Markup.Escape(string.Join(", ", b.Strange))}[/]",
            ]);
        console.Write(books);
        if (all.Where(b => b.Settled != 0 && b.Ours != b.Settled).Select(b => b.Gateway).Distinct().ToList() is { Count: > 0 } owing)
            console.MarkupLineInterpolated($"[grey]not paid out: your money that the gateway still keeps; nothing is missing. No payout of its statement has brought it to your bank yet: a later one will, or, where a gateway pays out only on demand, it waits in your account there until you withdraw it ({string.Join(", ", owing)})[/]\n");
    }

    static string Cell(DemoResult? result, Dictionary<string, int> numbers) => result switch
    {
        null => "",
        { Wrong: not null } => "[red]WRONG[/]",
        _ => $"{Markup.Escape(result.Ended)}{(result.Note is { } note ? $" [grey]{numbers[note]}[/]" : "")}",
    };

    static string Amount(long minorUnits, string currency) => new Money(minorUnits, Currency.Find(currency)).ToString();
}
