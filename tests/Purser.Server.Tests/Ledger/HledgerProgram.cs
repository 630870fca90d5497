using System.Diagnostics;
using System.Text;

namespace Purser.Server.Tests.Ledger;

/// <summary>The real hledger, which reads a journal on its standard input.</summary>
static class HledgerProgram
{
    /// <summary>What stands on each account in each commodity, in major units; accounts without money are left out.</summary>
    public static async Task<IReadOnlyDictionary<(string Account, string Currency), string>> Balances(string journal)
    {
        var csv = await Run(journal, "balance", "--flat", "--no-total", "--layout=bare", "-O", "csv");
        return csv.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Skip(1)
            .Select(line => line.Trim('"').Split("\",\"")).ToDictionary(cells => (cells[0], cells[1]), cells => cells[2]);
    }

    public static async Task<string> Run(string journal, params string[] words)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("PURSER_HLEDGER") ?? "hledger")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardInputEncoding = new UTF8Encoding(false),
            StandardOutputEncoding = Encoding.UTF8,
            Environment = { ["LC_ALL"] = "C.UTF-8" },
        };
        foreach (var word in (string[])["-f", "-", .. words]) start.ArgumentList.Add(word);
        using var hledger = Process.Start(start)!;
        var (output, errors) = (hledger.StandardOutput.ReadToEndAsync(), hledger.StandardError.ReadToEndAsync());
        await hledger.StandardInput.WriteAsync(journal);
        hledger.StandardInput.Close();
        await hledger.WaitForExitAsync();
        hledger.ExitCode.ShouldBe(0, await errors);
        return await output;
    }
}
