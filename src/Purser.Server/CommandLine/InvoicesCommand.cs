using System.CommandLine;
using Purser.Server.Invoices;
using Purser.Server.Mail;
using Purser.Server.Platform;

namespace Purser.Server.CommandLine;

/// <summary>`purser invoices`: after a restored backup, has numbers go on behind those that were given since it was made.</summary>
static class InvoicesCommand
{
    /// <summary>Whoever the program itself is in the log of persons.</summary>
    const string Itself = "purser";

    public static Command Make(Func<IConfiguration> configuration, Func<Func<Task<int>>, Task<int>> guard)
    {
        var number = new Argument<string>("number") { Description = "The highest number that was given to anybody: INV-2627-000140." };
        var by = new Option<string>("--by") { Description = "Who says so, for the log: \"Asha Rao\".", Required = true };
        var go = new Command("continue-after", "Has a series go on behind this number, which a restored database does not know.") { number, by };
        go.SetAction((words, stop) => guard(() => Continue(configuration(), words.GetRequiredValue(number), words.GetRequiredValue(by), stop)));
        return new Command("invoices", "Invoice numbers: go on behind those that a restored database does not know.") { go };
    }

    static async Task<int> Continue(IConfiguration configuration, string number, string by, CancellationToken stop)
    {
        var options = InvoiceOptions.Of(configuration);
        using var quiet = LoggerFactory.Create(logging => logging.SetMinimumLevel(LogLevel.None));
        await using var database = await Database.Open(configuration, quiet, DatabaseUse.Beside, stop);
        await Migrations.Apply(database.Source, quiet.CreateLogger<Database>(), stop);
        Console.WriteLine(await Continue(new InvoiceSeriesStore(database.Source), options, options.TimeZone ?? MailOptions.Of(configuration).TimeZone, number, by, TimeProvider.System.GetUtcNow(), stop));
        return 0;
    }

    /// <returns>What is so now, in a sentence.</returns>
    /// <exception cref="StartFailureException">The number is of no series that numbers are taken of, or lower than what was taken.</exception>
    internal static async Task<string> Continue(InvoiceSeriesStore store, InvoiceOptions options, string zone, string number, string by, DateTimeOffset now, CancellationToken stop)
    {
        if (string.IsNullOrWhiteSpace(by) || by == Itself) throw new StartFailureException("--by is the name of a person.");
        var both = InvoiceSeries.Both(options, zone, now);
        if (both.FirstOrDefault(s => s.Place(number) is not null) is not { } series)
            throw new StartFailureException($"'{number}' is no number of a series that is open now, such as {string.Join(" or ", both.Select(s => s.Number(140)))}.");
        var place = series.Place(number)!.Value;
        if (place > series.LastToContinue(options))
            throw new StartFailureException($"'{number}' is too high: {series.Number(series.LastToContinue(options))} is the last behind which this series can go on. Look whether a digit is too many" +
                $"{(options.Tax == "gst" ? "; the sixteen characters that GST allows to a number end soon after it, or there" : "")}.");
        var before = await store.ContinueAfter(series, place, by.Trim(), now, stop);
        return before > place ? throw new StartFailureException($"The series is beyond that: its last number is {series.Number(before)}. Nothing is changed.")
            : before == place ? $"{number} is the last number already."
            : $"The next number is {series.Number(place + 1)}. {place - before} number(s) before it were left out, and the log of persons says so.";
    }
}
