using System.Diagnostics;

namespace Purser.Tests.House;

/// <summary>What `./purser test` makes of the results that a project's tests left: passed, failed, skipped.</summary>
public sealed class CountingTests
{
    [Theory]
    [InlineData("6 passed", 6, 6, 6, 0, "", "6 0 0")]
    [InlineData("1 skipped", 6, 5, 5, 0, "", "5 0 1")]
    [InlineData("1 failed", 6, 6, 5, 1, "", "5 1 0")]
    [InlineData("cut short, and all that ran passed", 6, 6, 6, 1, "Test Run Aborted.", "6 1 0")]
    [InlineData("cut short after a failure", 6, 6, 5, 1, "Test Run Aborted.", "5 2 0")]
    [InlineData("crashed after a failure", 6, 6, 5, 1, "Test Run Aborted with error System.Exception: One or more errors occurred.", "5 2 0")]
    [InlineData("a code that nothing explains", 6, 6, 6, 1, "", "6 1 0")]
    [InlineData("nothing ran", 0, 0, 0, 0, "", "0 1 0")]
    public void A_run_that_was_cut_short_is_a_failure_beside_those_that_were_counted(string what, int total, int ran, int good, int code, string said, string counted)
    {
        var root = Directory.CreateTempSubdirectory("purser-counting").FullName;
        try
        {
            Results(root, "Some.Tests", total, ran, good, code);
            File.WriteAllText(Path.Combine(root, ".purser", "Some.Tests.log"), $"Starting\n{said}\n");
            Said(root, "count_tests tests/Some.Tests.csproj; echo $passed $failed $skipped")[^1].ShouldBe(counted, what);
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    [Theory]
    [InlineData("two that passed alone", 2, 2, 0, "Of the passed, 2 at the second try only", "6 passed, 0 failed")]
    [InlineData("one that failed again", 2, 1, 1, "", "4 passed, 2 failed")]
    [InlineData("one that did not run again", 1, 1, 0, "", "4 passed, 2 failed")]
    [InlineData("all passed, and the run ended badly", 2, 2, 1, "", "4 passed, 2 failed")]
    public void What_passed_at_the_second_try_only_is_counted_apart(string what, int ran, int good, int code, string apart, string last)
    {
        var root = Directory.CreateTempSubdirectory("purser-counting").FullName;
        try
        {
            Results(root, "Some.Tests", total: 6, ran: 6, good: 4, code: 1);
            Results(root, "Some.Tests.again", ran, ran, good, code);
            Said(root, "count_tests tests/Some.Tests.csproj; echo; last_line")[^2..].ShouldBe([apart, last], what);
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    static void Results(string root, string name, int total, int ran, int good, int code)
    {
        var results = Directory.CreateDirectory(Path.Combine(root, ".purser", "results", name)).FullName;
        File.WriteAllText(Path.Combine(results, "ended"), $"{code} 12\n");
        File.WriteAllText(Path.Combine(results, "results.trx"), $"<Counters total=\"{total}\" executed=\"{ran}\" passed=\"{good}\" failed=\"{ran - good}\" />\n");
    }

    /// <summary>The lines that a script says which knows what ./purser test knows.</summary>
    static string[] Said(string root, string script)
    {
        var start = new ProcessStartInfo("bash", ["-euc", $". '{Path.Combine(Checkout.Root, "build", "test.sh")}'; {script}"]) { RedirectStandardOutput = true };
        start.Environment["root"] = root;
        using var bash = Process.Start(start)!;
        var words = bash.StandardOutput.ReadToEnd();
        bash.WaitForExit();
        return words.TrimEnd().Split('\n');
    }
}
