using System.CommandLine;
using System.Text;
using Purser.Server.CommandLine;
using Purser.Server.Platform;

namespace Purser.Server.Ledger;

/// <summary>`purser ledger`: the books for other programs, on standard output.</summary>
public static class LedgerCommand
{
    public static Command Make(Func<IConfiguration> configuration, Func<Func<Task<int>>, Task<int>> guard)
    {
        var format = new Option<string>("--format") { Description = "hledger: a journal; csv: a table.", DefaultValueFactory = _ => LedgerExport.Hledger };
        format.AcceptOnlyFromAmong(LedgerExport.Hledger, LedgerExport.Csv);
        var from = StoredBooks.Time("--from", "The period's beginning, in UTC: 2026-03-01.");
        var to = StoredBooks.Time("--to", "The period's end, which is not in it.");
        var command = new Command("ledger", "Prints the books for other programs.") { format, from, to };
        command.SetAction((words, stop) => guard(() => StoredBooks.Read(configuration(), async database =>
        {
            var (begin, end) = (words.GetValue(from), words.GetValue(to));
            if (begin > end) throw new StartFailureException("--from is later than --to.");
            await using var text = new StreamWriter(Console.OpenStandardOutput(), new UTF8Encoding(false));
            await LedgerExport.Write(words.GetRequiredValue(format), new LedgerStore(database).All(begin, end, stop), text, stop);
            return 0;
        }, stop)));
        return command;
    }
}
