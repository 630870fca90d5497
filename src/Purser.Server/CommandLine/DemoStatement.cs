using Spectre.Console;

namespace Purser.Server.CommandLine;

/// <summary>Lines of one class and currency, in minor units.</summary>
/// <param name="Class">As the API names it; <c>not_settled</c> is money of ours that the statement has not.</param>
sealed record DemoClass(string Currency, string Class, int Lines, long Amount);

/// <summary>What came of one gateway's statements.</summary>
/// <param name="BothUnpaid">Orders that neither has money of.</param>
/// <param name="SecondBy">How the second one came: over the API, as a file, or both; null when there was none.</param>
/// <param name="Note">What the gateway cannot show, and why.</param>
/// <param name="Wrong">Empty when all came as it must.</param>
sealed record DemoStatement(
    string Gateway, IReadOnlyList<DemoClass> Classes, int BothUnpaid, string? SecondBy, IReadOnlyList<DemoClass> Second, string? Note, IReadOnlyList<string> Wrong)
{
    static readonly (string Title, string[] Of)[] Scenarios = [("both paid", ["both_paid"]), ("theirs paid", ["theirs_paid"]), ("ours paid", ["ours_paid", "not_settled"])];

    /// <summary>The four scenarios, gateway by gateway and currency: how many, and how much money.</summary>
    public static void Write(IAnsiConsole console, IReadOnlyList<DemoStatement> all)
    {
        var table = new Table().Border(TableBorder.Simple).Title("The gateways' statements, line by line")
            .AddColumns("gateway", "currency", "both paid", "theirs paid", "ours paid", "both unpaid", "given back", "other", "second");
        for (var column = 2; column < table.Columns.Count; column++) table.Columns[column].RightAligned();
        string[] named = [.. Scenarios.SelectMany(s => s.Of), "refund"];
        foreach (var one in all)
            foreach (var (currency, classes) in one.Classes.GroupBy(c => c.Currency).OrderBy(g => g.Key, StringComparer.Ordinal).Select(g => (g.Key, g.ToList())))
            {
                var leads = currency == one.Classes[0].Currency;
                table.AddRow(
                [
                    one.Gateway, currency, .. Scenarios.Select(s => Lines(classes, s.Of, currency)), leads ? $"{one.BothUnpaid}" : "", Lines(classes, ["refund"], currency),
                    string.Join(", ", classes.Where(c => !named.Contains(c.Class)).Select(c => $"{c.Class} {Lines([c], [c.Class], currency)}")),
                    leads && one.SecondBy is { } way ? $"{way}: {Count(one.Second, repeated: true)} + {Count(one.Second, repeated: false)}" : "",
                ]);
            }
        console.Write(table);
        console.WriteLine("""
                 both paid  settled: fees, tax and payout are in the books
               theirs paid  webhook, return and questions had failed; the statement told, and the order was paid by it
                 ours paid  the statement had it not: held and asked about, until the second statement had it
               both unpaid  orders without money that the statement has no line of; agreed, and the link let go
                    second  the statement over the gateway's API or as a file again (where the API has transfers only, both):
                            lines that were known, and were not applied again, + new ones
                         -  the gateway's statement has none of it
            """);
        foreach (var one in all.Where(s => s.Note is not null)) console.WriteLine($"            {one.Gateway} {one.Note}");
        console.WriteLine();
    }

    static int Count(IReadOnlyList<DemoClass> lines, bool repeated) => lines.Where(c => c.Class == "repeated" == repeated).Sum(c => c.Lines);

    static string Lines(IEnumerable<DemoClass> some, string[] of, string currency)
    {
        var all = some.Where(c => of.Contains(c.Class)).ToList();
        return all.Count == 0 ? "-" : $"{all.Sum(c => c.Lines)}: {new Money(all.Sum(c => c.Amount), Currency.Find(currency))}";
    }
}
