using Purser.Server.CommandLine;
using Spectre.Console;

namespace Purser.Server.Tests.CommandLine;

/// <summary>What the demo says in the end, and when it calls itself right.</summary>
public sealed class DemoReportTests
{
    static readonly DemoStatement Good = new("page", [new("INR", "both_paid", 20, 998_000), new("INR", "not_settled", 1, 49_900)], 7, "API", [new("INR", "repeated", 20, 998_000), new("INR", "both_paid", 1, 49_900)], null, []);

    [Fact]
    public void Scenarios_are_told_in_lines_and_money_and_what_a_gateway_cannot_show_has_its_reason()
    {
        var told = Written(Good with { Note = "names no payment of ours" });
        var row = told.Split('\n').Single(l => l.Contains("998", StringComparison.Ordinal) || l.Contains("9980", StringComparison.Ordinal));
        row.Split("  ", StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .ShouldBe(["page", "INR", "20: 9980.00 INR", "-", "1: 499.00 INR", "7", "-", "API: 20 + 1"]);
        told.ShouldContain("page names no payment of ours");
    }

    [Fact]
    public void A_statement_that_did_not_end_as_it_must_or_that_is_missing_or_books_that_differ_after_it_fail_the_demo()
    {
        Report(Good).AsItMustBe.ShouldBeTrue();
        var wrong = Report(Good with { Wrong = ["what only the statement calls paid must be paid by it"] });
        wrong.AsItMustBe.ShouldBeFalse();
        Written(wrong).ShouldContain("page, its statement: what only the statement calls paid must be paid by it");
        (Report(Good) with { Statements = [] }).AsItMustBe.ShouldBeFalse();
        var off = Report(Good) with { Settled = [Book with { Ours = 1 }] };
        off.AsItMustBe.ShouldBeFalse();
    }

    static readonly DemoBook Book = new("page", "INR", 1, 49_900, 0, 49_900, 0, 0, []);

    static DemoReport Report(DemoStatement statement) => new(["page"], [], [], [Book], [statement], [Book], [], 1);

    static string Written(DemoStatement statement) => Written(Report(statement));

    static string Written(DemoReport report)
    {
        using var text = new StringWriter();
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, ColorSystem = ColorSystemSupport.NoColors, Out = new AnsiConsoleOutput(text) });
        console.Profile.Width = 200;
        report.Write(console);
        return text.ToString();
    }
}
