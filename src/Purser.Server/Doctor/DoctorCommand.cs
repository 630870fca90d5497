using System.Collections.Immutable;
using System.Globalization;
using Purser.Gateways;
using Purser.Orders;
using Purser.Server.CommandLine;
using Purser.Server.Deliveries;
using Purser.Server.Gateways;
using Purser.Server.Invoices;
using Purser.Server.Invoices.Pdf;
using Purser.Server.Mail;
using Purser.Server.Platform;
using Purser.Server.Reconciliation;
using Purser.Server.Settlement;
using Spectre.Console;

namespace Purser.Server.Doctor;

/// <summary>`purser doctor`: configuration, database, migrations, clock, gateways, invariants. Reads only. Exit code 1 when something is wrong.</summary>
public static class DoctorCommand
{
    static readonly TimeSpan ClockTolerance = TimeSpan.FromSeconds(2);

    /// <summary>By then another node, which has the settings that this one lacks, would have sent it.</summary>
    static readonly TimeSpan OthersPatience = TimeSpan.FromHours(1);

    /// <summary>A node that died leaves a decision undone for two minutes at the most.</summary>
    static readonly TimeSpan DecisionPatience = TimeSpan.FromMinutes(5);

    const int MostNamed = 10;

    public static async Task<int> Run(IConfigurationManager configuration, TimeProvider time, CancellationToken stop, IAnsiConsole? console = null)
    {
        var report = new Report(console ?? AnsiConsole.Console);
        var beside = await DevelopmentRecord.Join(configuration, stop);
        var options = configuration.GetSection(PurserOptions.Section).Get<PurserOptions>() ?? new PurserOptions();
        var (accounts, faults) = GatewayAccounts.Read(configuration, new GatewayCatalog(typeof(IGateway).Assembly).Gateways);
        var mail = MailOptions.Of(configuration);
        var deliveries = DeliveryEndpoints.Options(configuration);
        ImmutableArray<string> unusable = [.. deliveries.Faults()];
        var settlement = SettlementEndpoints.Options(configuration);
        foreach (var fault in options.Faults().Concat(unusable).Concat(MailOptions.Faults(configuration, options)).Concat(InvoiceOptions.Faults(configuration)).Concat(settlement.Faults()).Concat(faults)) report.Bad("configuration", fault);
        if (beside is not null) report.Good("configuration", $"./purser up runs at {beside.Url}; the accounts of its sandbox are looked at too.");
        else if (options.PublicUrl is null) report.Note("configuration", "Purser:PublicUrl is not set; gateways cannot reach this machine by the address it listens on.");
        if (accounts.InOrder.IsEmpty && faults.IsEmpty)
            report.Bad("configuration", "There is no gateway account; add one under Gateways in purser.json or the environment (docs/accounts-and-routing.md). Those of the sandbox are there while ./purser up runs.");
        else if (!accounts.InOrder.IsEmpty) report.Good("configuration", $"{accounts.InOrder.Length} gateway account(s): {string.Join(", ", accounts.InOrder.Select(a => a.Account.Name))}");

        try
        {
            using var quiet = LoggerFactory.Create(logging => logging.SetMinimumLevel(LogLevel.None));
            await using var database = await Database.Open(configuration, quiet, DatabaseUse.Beside, stop);
            report.Good("database", "PostgreSQL answers.");
            var standing = await Migrations.Pending(database.Source, stop);
            if (standing.Pending.Length > 0) report.Bad("migrations", $"{standing.Pending.Length} step(s) are not applied; start the server to apply them.");
            else
            {
                report.Good("migrations", "The schema is this program's.");
                await Examine(new InvariantStore(database.Source), report, time, stop);
                await Examine(new ResolutionStore(database.Source), report, stop);
                await Examine(new SettlementFetchStore(database.Source), accounts, report, time, stop);
                await Examine(new StalledFileStore(database.Source), accounts, report, stop);
                await Examine(new RefusedFileStore(database.Source), report, stop);
                // What `up` allows is for development, too.
                if (beside is null) await Examine(new ReceiverStore(database.Source), mail, InvoiceOptions.Of(configuration), report, time, stop);
                await Examine(new InvoiceSeriesStore(database.Source), InvoiceOptions.Of(configuration), mail, report, time, stop);
                if (unusable.IsEmpty) await Examine(new ReceiverStore(database.Source), deliveries with { Development = deliveries.Development || beside is not null }, report, stop);
            }
            foreach (var unknown in standing.Unknown) report.Note("migrations", $"{unknown} was applied by a newer program.");
        }
        catch (StartFailureException away)
        {
            report.Bad("database", away.Message);
        }

        Look(settlement, accounts, report);
        LookForDropped(settlement, report);
        using var lines = new GatewayLines();
        foreach (var entry in accounts.InOrder) await Call(entry, lines, report, time, stop);
        if (mail.Host is { Length: > 0 }) await Look(mail, report, stop);
        else if (!mail.IsConfigured && beside is null) report.Note("mail", "Nobody is written to: neither shoppers nor, about discrepancies and dead receivers, you. Set Mail:Host and what goes with it (docs/mail.md).");
        Look(InvoiceOptions.Of(configuration), report);
        return report.Print();
    }

    /// <summary>A currency without a limit is never decided by fewer persons: safe, and a surprise to whoever has to answer all of it.</summary>
    static void Look(SettlementOptions settlement, GatewayAccounts accounts, Report report)
    {
        var currencies = accounts.InOrder.SelectMany(a => a.Currencies).Distinct().Order(StringComparer.Ordinal).Select(Currency.Find).ToList();
        foreach (var (limits, setting, means) in new[]
        {
            (settlement.Confirm, SettlementOptions.ConfirmAbove, "a person must confirm whatever only a statement says of them"),
            (settlement.TwoPersons, SettlementOptions.TwoPersonsAbove, "two persons must decide every discrepancy in them"),
        })
            if (currencies.FindAll(c => !limits.Has(c)) is [var first, ..] without)
                report.Note("settlement", $"{Named(without.ConvertAll(c => c.Code))} of your accounts' currencies have no limit in {SettlementOptions.Section}:{setting}, which counts as zero: {means}. " +
                    $"Set {SettlementOptions.Section}:{setting}:{first.Code}, or name the currencies that an account takes.");
    }

    static string Named(List<string> names) =>
        string.Join(", ", names.Take(MostNamed)) + (names.Count > MostNamed ? $" and {(names.Count - MostNamed).ToString(CultureInfo.InvariantCulture)} more" : "");

    /// <summary>A decision of a person that fails again and again stands in the log each minute, and nowhere else.</summary>
    static async Task Examine(ResolutionStore resolutions, Report report, CancellationToken stop)
    {
        if (await resolutions.Unfinished(DecisionPatience, int.MaxValue, stop) is { Count: > 0 } left)
            report.Bad("decisions", $"{left.Count} decision(s) about discrepancies were taken more than {DecisionPatience.TotalMinutes:0} minutes ago and are not done: {Named([.. left.Select(d => d.ToString())])}. " +
                "A running server tries again every minute, and its log says why it cannot (\"What was decided about ... cannot be done\").");
    }

    static void Look(InvoiceOptions invoices, Report report)
    {
        if (!invoices.IsConfigured) return;
        if (Shaper.OfThisMachine is null)
            report.Note("invoices", $"HarfBuzz is not there, so Hindi invoices are written in English and names in Devanagari are hard to read. Install it: apt-get install {Shaper.Package}.");
        else report.Good("invoices", $"Written for {invoices.Seller}; HarfBuzz sets Devanagari.");
    }

    static async Task Look(MailOptions mail, Report report, CancellationToken stop)
    {
        if (await MailProbe.Ask(mail, stop) is { } wrong) report.Bad("mail", $"{wrong} Check Mail:Host and Mail:Port.");
        else report.Good("mail", $"{mail.Host}:{mail.Port} answers{(mail.BeginsWithTls ? " and speaks TLS from the first byte" : mail.RequiresTls ? " and offers STARTTLS" : "")}. Whether it takes the password is seen with the first mail.");
        if (mail.OperatorAddresses.Count == 0) report.Note("mail", "Mail:Operators is empty; nobody is written to about discrepancies and dead receivers.");
    }

    static async Task Examine(InvariantStore store, Report report, TimeProvider time, CancellationToken stop)
    {
        var apart = await store.ClockDifference(time, stop);
        var seconds = Math.Abs(apart.TotalSeconds).ToString("0.000", CultureInfo.InvariantCulture);
        if (apart.Duration() > ClockTolerance) report.Bad("clock", $"The database's clock is {seconds} s from this machine's; synchronize both (NTP).");
        else report.Good("clock", $"The database's clock is {seconds} s from this machine's.");
        foreach (var finding in await store.Check(stop))
            if (finding.Count == 0) report.Good("invariant", finding.Name);
            else report.Bad("invariant", $"{finding.Name}: broken {finding.Count} time(s), first {string.Join(", ", finding.Examples)}");
        foreach (var (what, count, oldest) in await store.Waiting(stop))
            if (count > 0) report.Note("waiting", $"{count} {what}, the oldest since {oldest:u}");
    }

    /// <summary>Days whose settlement nobody told and nobody can be asked for any more; and those of which all was told but what was pending to the last.</summary>
    static async Task Examine(SettlementFetchStore fetches, GatewayAccounts accounts, Report report, TimeProvider time, CancellationToken stop)
    {
        foreach (var entry in accounts.InOrder)
        {
            if (entry.Gateway is not ISettleByCall byCall) continue;
            var reach = DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime).AddDays(-byCall.ReachesBackDays);
            foreach (var day in await fetches.Undecided(entry.Account.Name, reach, stop))
                report.Note("settlement", string.Create(CultureInfo.InvariantCulture,
                    $"Something is pending at {entry.Account.Name} since {day:yyyy-MM-dd}; it was asked for until {day.AddDays(byCall.ReachesBackDays):yyyy-MM-dd}, and nothing is lost. Should it clear yet, a file of the gateway has it: purser reconcile FILE --gateway {entry.Account.Name}."));
            if (await fetches.Lost(entry.Account.Name, reach, stop) is [var first, ..] lost)
                report.Bad("settlement", string.Create(CultureInfo.InvariantCulture,
                    $"{entry.Account.Name} did not tell what it settled on {lost.Count} day(s) between {first:yyyy-MM-dd} and {lost[^1]:yyyy-MM-dd}, and cannot be asked so far back. Send its files of those days: purser reconcile FILE --gateway {entry.Account.Name}."));
        }
    }

    const int MostStalled = 1000;

    /// <summary>Files that are applied in part, or not at all, and that nobody gets on with.</summary>
    static async Task Examine(StalledFileStore files, GatewayAccounts accounts, Report report, CancellationToken stop)
    {
        foreach (var account in (await files.List(MostStalled, stop)).GroupBy(f => f.Account))
            report.Bad("settlement", string.Create(CultureInfo.InvariantCulture, $"{account.Count()} file(s) of {account.Key} do not get on, the first of them since {account.First().Since:u}: {account.First().Shown}. ") +
                (accounts.Find(account.Key) is null ? $"There is no gateway account '{account.Key}' any more: give it back under Gateways, as it was, until they are done." : "The server's log says why."));
    }

    /// <summary>Files of which nothing is applied, and which nothing has replaced.</summary>
    static async Task Examine(RefusedFileStore refused, Report report, CancellationToken stop)
    {
        foreach (var account in (await refused.Standing(stop)).GroupBy(f => f.Account))
            report.Bad("settlement", $"{account.Count()} file(s) of {account.Key} were refused, nothing of them is applied, and no later file has their days: {Named([.. account.Select(f => f.Shown)])}. " +
                "Mend the cause and send them again, or say that nothing more is needed: POST /v1/settlements/ID/dismissal.");
    }

    /// <summary>Dropped files that could not even be kept.</summary>
    static void LookForDropped(SettlementOptions settlement, Report report)
    {
        if (settlement.Folder is not { Length: > 0 } folder || !Directory.Exists(folder)) return;
        try
        {
            foreach (var place in Directory.EnumerateDirectories(folder).Order(StringComparer.Ordinal).Select(account => Path.Combine(account, SettlementFolder.Refused)).Where(Directory.Exists))
                if (Directory.EnumerateFiles(place).Select(Path.GetFileName).OfType<string>().Order(StringComparer.Ordinal).ToList() is { Count: > 0 } left)
                    report.Bad("settlement", $"{left.Count} dropped file(s) were empty or too large and lie in {place}: {Named(left)}. Drop them once more as the gateway gives them, and remove them from there.");
        }
        catch (Exception away) when (away is IOException or UnauthorizedAccessException)
        {
            report.Note("settlement", $"{folder} cannot be looked into: {away.Message}");
        }
    }

    /// <summary>Endpoints whose address was good when it was given and is not by the settings of now: nothing is sent there. Their addresses may hold secrets.</summary>
    static async Task Examine(ReceiverStore receivers, DeliveryOptions options, Report report, CancellationToken stop)
    {
        var guard = new AddressGuard(options);
        foreach (var receiver in await receivers.List(stop))
            if (receiver.Status == ReceiverStatus.Active && guard.Fault(receiver.Url) is { } fault)
            {
                var allow = new Uri(receiver.Url) is var url && guard.AllowsPort(url) ? "Give" : $"Set {DeliveryOptions.Section}:Ports to \"{options.Ports}, {url.Port}\", or give";
                report.Bad("webhooks", $"Nothing is sent to {receiver.Id}: its address {fault}. {allow} it another address: PATCH /v1/webhook_endpoints/{receiver.Id} with url.");
            }
    }

    /// <summary>Numbers have an end under GST, by their length.</summary>
    static async Task Examine(InvoiceSeriesStore numbers, InvoiceOptions invoices, MailOptions mail, Report report, TimeProvider time, CancellationToken stop)
    {
        if (!invoices.IsConfigured || invoices.Tax != "gst") return;
        foreach (var series in InvoiceSeries.Both(invoices, invoices.TimeZone ?? mail.TimeZone, time.GetUtcNow()))
            if (await numbers.Last(series, stop) is var last && series.IsNearlyFull(last))
                report.Note("invoices", $"The last number is {series.Number(last)}, and after {series.Number(series.LastUnderGst)} numbers are longer than the sixteen characters that GST allows. " +
                    $"Before that set {InvoiceOptions.Section}:{(series.Name.StartsWith(invoices.Prefix + "-", StringComparison.Ordinal) ? "Prefix" : "CreditPrefix")} to another, which may be shorter: its numbers begin at 1.");
    }

    /// <summary>Settings that were there once and are no more: what is kept for them waits without end, for no node ends what another may have.</summary>
    static async Task Examine(ReceiverStore receivers, MailOptions mail, InvoiceOptions invoices, Report report, TimeProvider time, CancellationToken stop)
    {
        foreach (var (kind, count, oldest) in await receivers.WaitingWithin(stop))
        {
            if (time.GetUtcNow() - oldest < OthersPatience) continue;
            var (what, remedy) = kind switch
            {
                ReceiverKind.Shoppers when !mail.IsConfigured => ("mail(s) to shoppers", "Mail:Host and what goes with it as they were, or Mail:Ended to true"),
                ReceiverKind.Operators when !mail.IsConfigured => ("mail(s) to operators", "Mail:Host and Mail:Operators as they were, or Mail:Ended to true"),
                ReceiverKind.Operators when mail.OperatorAddresses.Count == 0 => ("mail(s) to operators", "Mail:Operators to who shall have them"),
                ReceiverKind.Invoices when !invoices.IsConfigured => ("invoice(s) and credit note(s)", $"{InvoiceOptions.Section} as it was, or {InvoiceOptions.Section}:Ended to true"),
                _ => default,
            };
            if (what is not null) report.Bad("waiting", $"{count} {what} wait, the oldest since {oldest:u}, and this configuration sends none. Set {remedy}.");
        }
    }

    /// <summary>Asks for a payment that cannot exist: an account that works says that it knows nothing of it.</summary>
    static async Task Call(GatewayAccounts.Entry entry, GatewayLines lines, Report report, TimeProvider time, CancellationToken stop)
    {
        var nobody = new PaymentId(new OrderId(1), 1);
        var call = new InquireCall(entry.Account, nobody, null, new Money(100, Currency.Find("INR")), time.GetUtcNow());
        var answer = await entry.Gateway.Inquire(call, lines.Open(entry.Account, entry.Gateway.Profile), stop);
        var name = $"{entry.Account.Name} ({entry.Gateway.Profile.Title})";
        switch (answer)
        {
            case GatewayAnswer.Done { Facts: [Evidence.Absent] }:
                report.Good("gateway", $"{name} answers and accepts the credentials.");
                break;
            case GatewayAnswer.Rejected rejected:
                report.Bad("gateway", $"{name} refuses: {rejected.Reason} Check the credentials and whether they are for test or live mode.");
                break;
            case GatewayAnswer.NotSent unsent:
                report.Bad("gateway", $"{name} cannot be reached at {entry.Account.BaseUrl}: {unsent.Reason}");
                break;
            default:
                report.Bad("gateway", $"{name} gives no usable answer: {answer}");
                break;
        }
    }

    sealed class Report(IAnsiConsole console)
    {
        const int Indent = 20;

        int bad;

        public void Good(string what, string finding) => Add("[green]ok[/]", what, finding);

        public void Note(string what, string finding) => Add("[yellow]look[/]", what, finding);

        public void Bad(string what, string finding)
        {
            bad++;
            Add("[red]bad[/]", what, finding);
        }

        public int Print()
        {
            console.MarkupLine(bad == 0 ? "[green]Nothing is wrong.[/]" : $"[red]{bad} finding(s) need you.[/]");
            return bad == 0 ? 0 : 1;
        }

        /// <summary>A line each, as soon as it is known. What a terminal has no room for goes on below, beneath the finding's own words.</summary>
        void Add(string mark, string what, string finding)
        {
            console.Markup($"{mark}{new string(' ', 5 - Markup.Remove(mark).Length)}{Markup.Escape(what),-15}");
            var room = Math.Max(40, console.Profile.Width - Indent - 1);
            for (var rest = finding; rest.Length > 0;)
            {
                var space = rest.Length <= room ? rest.Length : rest.LastIndexOf(' ', room);
                if (space <= 0) space = rest.IndexOf(' ', StringComparison.Ordinal) is > 0 and var far ? far : rest.Length;
                console.WriteLine((rest.Length == finding.Length ? "" : new string(' ', Indent)) + rest[..space]);
                rest = rest[space..].TrimStart();
            }
        }
    }
}
