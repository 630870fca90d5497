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
            var results = Directory.CreateDirectory(Path.Combine(root, ".purser", "results", "Some.Tests")).FullName;
            File.WriteAllText(Path.Combine(results, "ended"), $"{code} 12\n");
            File.WriteAllText(Path.Combine(results, "results.trx"), $"<Counters total=\"{total}\" executed=\"{ran}\" passed=\"{good}\" failed=\"{ran - good}\" />\n");
            File.WriteAllText(Path.Combine(root, ".purser", "Some.Tests.log"), $"Starting\n{said}\n");
            Last(root, $". '{Path.Combine(Checkout.Root, "build", "test.sh")}'; count_tests tests/Some.Tests.csproj; echo $passed $failed $skipped").ShouldBe(counted, what);
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    static string Last(string root, string script)
    {
        var start = new ProcessStartInfo("bash", ["-euc", script]) { RedirectStandardOutput = true };
        start.Environment["root"] = root;
        using var bash = Process.Start(start)!;
        var words = bash.StandardOutput.ReadToEnd();
        bash.WaitForExit();
        return words.TrimEnd().Split('\n')[^1];
    }
}
