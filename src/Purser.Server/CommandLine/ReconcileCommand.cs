using System.CommandLine;
using System.Text.Json;
using Purser.Gateways;
using Purser.Orders;
using Purser.Server.Api;
using Purser.Server.Engine;
using Purser.Server.Gateways;
using Purser.Server.Platform;
using Purser.Server.Reconciliation;
using Purser.Server.Settlement;
using Spectre.Console;

namespace Purser.Server.CommandLine;

/// <summary>`purser reconcile FILE --gateway ACCOUNT`: hands a settlement file to the running server through its database, and shows how far it is.</summary>
static class ReconcileCommand
{
    static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(200);

    /// <summary>A server takes a file within a second or two; after this there is none.</summary>
    static readonly TimeSpan NobodyThere = TimeSpan.FromSeconds(20);

    public static Command Make(Func<IConfigurationManager> configuration, Func<Func<Task<int>>, Task<int>> guard)
    {
        var file = new Argument<FileInfo?>("file") { Description = "The settlement file, as the gateway gave it.", Arity = ArgumentArity.ZeroOrOne };
        var gateway = new Option<string>("--gateway") { Description = "The gateway account that it is of." };
        var overdue = new Option<bool>("--overdue") { Description = "Instead of a file: finds money that no statement had by the day it was due." };
        var dryRun = new Option<bool>("--dry-run") { Description = "Only says what would be done; keeps nothing." };
        var json = new Option<bool>("--json") { Description = "One JSON document instead of tables." };
        var command = new Command("reconcile", "Reads a gateway's settlement file, matches it with our records and acts on it, beside a running server.") { file, gateway, dryRun, json, overdue };
        command.SetAction((words, stop) => guard(() => words.GetValue(overdue)
            ? FindOverdue(configuration(), words.GetValue(gateway)?.ToLowerInvariant(), TimeProvider.System, stop)
            : Run(configuration(), words.GetValue(file) ?? throw new StartFailureException("Name the file: purser reconcile FILE --gateway ACCOUNT."),
                words.GetValue(gateway)?.ToLowerInvariant() ?? throw new StartFailureException("Name the gateway account that the file is of: --gateway ACCOUNT."),
                words.GetValue(dryRun), words.GetValue(json), stop)));
        return command;
    }

    internal static async Task<int> Run(IConfigurationManager configuration, FileInfo file, string account, bool dryRun, bool json, CancellationToken stop)
    {
        if (!file.Exists) throw new StartFailureException($"There is no file {file.FullName}.");
        if (file.Length == 0) throw new StartFailureException($"{file.FullName} is empty.");
        using var quiet = LoggerFactory.Create(logging => logging.SetMinimumLevel(LogLevel.None));
        await using var database = await Database.Open(configuration, quiet, DatabaseUse.Beside, stop);
        await Migrations.Apply(database.Source, quiet.CreateLogger<Database>(), stop);
        await MustBeKnown(configuration, account, database, stop);
        var files = new SettlementFileStore(database.Source);
        TakenIn taken;
        await using (var bytes = file.OpenRead())
            taken = await files.TakeIn(account, SettlementEndpoints.Name(file.Name), FileSource.Command, bytes, dryRun, SettlementEndpoints.Options(configuration).MostBytes, stop);
        try
        {
            var done = taken.Before && taken.File.HasEnded ? taken.File : await Follow(files, taken.File, json, TimeProvider.System, stop);
            if (json) Console.WriteLine(JsonSerializer.Serialize(SettlementView.From(done, taken.Before), ApiJson.Plain.SettlementView));
            else Show(done, taken.Before);
            return done.State == FileState.Refused ? 1 : 0;
        }
        finally
        {
            if (dryRun && !taken.Before) await files.Forget(taken.File.Id, CancellationToken.None);
        }
    }

    /// <summary>Refuses an account of no name that is known, before anything is kept. The running server may have its settings from an environment that this
    /// command does not share, so an account that money came by is known too.</summary>
    static async Task MustBeKnown(IConfigurationManager configuration, string account, Database database, CancellationToken stop)
    {
        await DevelopmentRecord.Join(configuration, stop);
        var known = configuration.GetSection("Gateways").GetChildren().Select(one => one.Key.ToLowerInvariant())
            .Union(await new AccountStore(database.Source).WithMoney(stop)).Order(StringComparer.Ordinal).ToList();
        if (known.Contains(account)) return;
        throw new StartFailureException($"There is no gateway account '{account}', so the file is not kept. " + (known.Count == 0
            ? "None is configured here; those of the sandbox are there while ./purser up runs."
            : $"There is {string.Join(", ", known)}."));
    }

    /// <summary>A node of its own for a moment: what it decides is the orders', and the questions to gateways are asked by whichever server's alarm rings.</summary>
    static async Task<int> FindOverdue(IConfiguration configuration, string? account, TimeProvider time, CancellationToken stop)
    {
        using var quiet = LoggerFactory.Create(logging => logging.SetMinimumLevel(LogLevel.None));
        await using var database = await Database.Open(configuration, quiet, DatabaseUse.Beside, stop);
        await Migrations.Apply(database.Source, quiet.CreateLogger<Database>(), stop);
        var (accounts, _) = GatewayAccounts.Read(configuration, new GatewayCatalog(typeof(IGateway).Assembly).Gateways);
        var rules = new OrderRules { Accounts = accounts.Terms, Routing = accounts.Routing };
        await using var engine = new OrderEngine(new OrderStore(database.Source), () => rules, new Nobody(), new Nobody(), time, new EngineOptions { Lanes = 1 }, quiet.CreateLogger<OrderEngine>());
        engine.Start();
        var overdue = new Overdue(new ActStore(database.Source), engine, accounts, SettlementEndpoints.Options(configuration), time, quiet.CreateLogger<Overdue>());
        var found = await overdue.Sweep(account, overdue.Until, stop);
        var refunds = await overdue.SweepRefunds(account, overdue.Until, stop);
        Console.WriteLine(found + refunds == 0
            ? "Nothing is overdue: statements had all that was due."
            : $"{found} payment(s) and {refunds} refund(s) more were due and no statement has them; GET /v1/discrepancies?open=true lists them as not_settled.");
        return found + refunds == 0 ? 0 : 1;
    }

    sealed class Nobody : ICallStarter, ILiveFeed
    {
        public void Start(GatewayCall call) { }

        public void Publish(OrderId order, IReadOnlyList<OrderEvent> events) { }
    }

    static async Task<SettlementFile> Follow(SettlementFileStore files, SettlementFile file, bool silent, TimeProvider time, CancellationToken stop)
    {
        var since = time.GetTimestamp();
        var now = file;
        async Task Wait(Action<SettlementFile> show)
        {
            while (!now.HasEnded)
            {
                now = await files.Find(file.Id, stop) ?? throw new StartFailureException("The file is gone.");
                show(now);
                if (now is { State: FileState.Stored, Tries: 0 } && time.GetElapsedTime(since) > NobodyThere)
                    throw new StartFailureException(now.DryRun
                        ? "No server works on it. Start one (./purser up) and try again."
                        : $"No server works on it. It is kept as {now.IdText} and goes on when one is started (./purser up).");
                await Task.Delay(Poll, time, stop);
            }
        }
        if (silent || !AnsiConsole.Profile.Capabilities.Interactive) await Wait(_ => { });
        else
            await AnsiConsole.Status().StartAsync("waiting for the server", async status => await Wait(f => status.Status(Markup.Escape(f.State switch
            {
                FileState.Stored => "waiting for the server",
                FileState.Reading => $"reading: {f.RowsStored} lines",
                FileState.Read => $"matching {f.RowsRead} lines",
                FileState.Acting => $"acting: {f.RowsActed} of {f.RowsRead} lines",
                _ => f.State.ToString().ToLowerInvariant(),
            }))));
        return now;
    }

    static void Show(SettlementFile file, bool before)
    {
        if (before) AnsiConsole.MarkupLineInterpolated($"These bytes were here before, as {file.IdText} at {file.ReceivedAt:u}; nothing was done now. What came of them:");
        if (file.Refusal is { } why)
        {
            AnsiConsole.MarkupLineInterpolated($"[red]Refused[/], and nothing of it is applied{(why.Row is { } row ? $": row {row}" : "")}. {why.Why}");
            return;
        }
        var view = SettlementView.From(file);
        var table = new Table().AddColumns("class", "lines", "amount", "net", file.DryRun ? "what would be done" : "what was done");
        foreach (var c in view.Classes)
            table.AddRow(c.Class, $"{c.Lines}", new Money(c.Amount, Currency.Find(c.Currency)).ToString(), new Money(c.Net, Currency.Find(c.NetCurrency)).ToString(), Markup.Escape(c.Action));
        AnsiConsole.Write(table);
        foreach (var t in view.Totals)
            AnsiConsole.MarkupLineInterpolated($"{t.Lines} lines, {new Money(t.Amount, Currency.Find(t.Currency))}, net {new Money(t.Net, Currency.Find(t.NetCurrency))}");
        if (view.Lacks is { } lacks)
        {
            foreach (var t in lacks.Totals)
                AnsiConsole.MarkupLineInterpolated($"It issues {lacks.Settlement} again and lacks {t.Lines} of its lines, {new Money(t.Amount, Currency.Find(t.Currency))}, net {new Money(t.Net, Currency.Find(t.NetCurrency))}; what they said stays booked.");
            foreach (var r in lacks.First) AnsiConsole.MarkupLineInterpolated($"  line {r.Line}: {r.Kind} {r.RowKey}, {new Money(r.Amount, Currency.Find(r.Currency))}");
            if (lacks.Totals.Sum(t => t.Lines) > lacks.First.Count) AnsiConsole.MarkupLineInterpolated($"  and more{(file.DryRun ? "" : $": GET /v1/settlements/{file.IdText}/lacking")}");
        }
        if (view.Preview is { } preview) Show(preview);
        AnsiConsole.MarkupLineInterpolated($"{(file.DryRun ? "A dry run: nothing was kept." : $"Done, as {file.IdText}. Its lines: GET /v1/settlements/{file.IdText}/lines?class=...")}");
    }

    static void Show(SettlementPreviewView preview)
    {
        static Money Of(long units, string currency) => new(units, Currency.Find(currency));
        foreach (var a in preview.Asks)
            AnsiConsole.MarkupLineInterpolated($"A person would be asked about {a.Lines} line(s) that are {a.Class}, {Of(a.Amount, a.Currency)}{(a.UnlessConfirmed ? ", unless the gateway confirms them" : "")}{(a.TwoPersons > 0 ? $"; two persons about {a.TwoPersons} of them" : "")}.");
        foreach (var a in preview.OrderAsks)
            AnsiConsole.MarkupLineInterpolated($"Orders would ask about {a.Lines} line(s) as {a.Kind}, {Of(a.Amount, a.Currency)}, where they are believed.");
        foreach (var o in preview.Overdue)
            AnsiConsole.MarkupLineInterpolated($"{o.Count} {o.What}, {Of(o.Amount, o.Currency)}, were due and are in no file: {(o.ByThisFile ? "this one covers the day and does not have them" : "the daily look asks about them")}.");
        if (preview is { Asks: [], OrderAsks: [], Overdue: [] }) AnsiConsole.MarkupLine("By the policy nobody would be asked anything, and nothing that was due is missing.");
        AnsiConsole.MarkupLineInterpolated($"Not foreseen: {string.Join("; ", preview.NotForeseen)}.");
    }
}
