using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Purser.Orders;
using Purser.Server.Engine;
using Purser.Server.Gateways;
using Purser.Server.Platform;
using Purser.Server.Reconciliation;
using Purser.Server.Settlement;
using Spectre.Console;

namespace Purser.Bench;

/// <summary>Reconciles a statement of many lines against as many payments: read, stored and classified, against PostgreSQL's COPY of the same file
/// into a bare table, in turn within one run.</summary>
static class ReconcileBench
{
    const int OrderStep = 977;
    const long FirstOrder = 1_700_000_000_000L << 21;

    sealed record Run(double CopySeconds, double OurSeconds, double OurMegabytes, double OurCpu);

    static PaymentId Payment(int n) => new(new OrderId(FirstOrder + ((long)n * OrderStep)), 1);

    public static async Task<int> Measure(EmbeddedPostgres postgres, string connection, string folder, int lines, int pairs)
    {
        await using var source = Database.Build(connection + ";Command Timeout=0");
        await Migrations.Apply(source, NullLogger.Instance);
        await Execute(source, $"""
            insert into payments (order_id, number, account, status, amount, currency, return_url, started_at, link_expires_at, asked_at, asks, refused_asks,
                cancel_asked, contradicted, dispute, gateway_reference)
            select {FirstOrder} + n * {OrderStep}::bigint, 1, 'bench', case when n % 2500 = 7 then 6 else 5 end, 49900, 'INR', 'https://shop.example', now(), now(), now(), 1, 0, false,
                false, 0, 'link_' || n from generate_series(0, {lines - 1}) n
            """);
        await Execute(source, "vacuum analyze payments; checkpoint");
        var path = Path.Combine(folder, "statement.csv");
        BenchStatements.Write(path, lines, Payment);
        await Execute(source, "create table bare (row_key text, kind text, payment text, money text, amount bigint, currency text, fee bigint, tax bigint, net bigint, happened_at timestamptz, settled_on date, utr text)");

        var ticks = Machine.Ticks();
        var postmaster = int.Parse(File.ReadLines(Path.Combine(postgres.Directory, "data", "postmaster.pid")).First(), CultureInfo.InvariantCulture);
        var own = Process.GetCurrentProcess().TotalProcessorTime + Machine.OfTree(postmaster);
        var runs = new List<Run>();
        IReadOnlyList<ClassTotal> classes = [];
        for (var pair = 0; pair < pairs; pair++)
        {
            await Execute(source, "truncate bare; checkpoint");
            var copy = await Copy(source, path);
            await Execute(source, "truncate settlement_lines, settlement_keys, settlement_key_groups, settlement_files, settlement_file_parts; checkpoint");
            var (seconds, megabytes, cpu, found) = await Reconcile(source, path, lines);
            classes = found;
            runs.Add(new Run(copy, seconds, megabytes, cpu));
        }
        var after = Machine.Ticks();
        var used = Process.GetCurrentProcess().TotalProcessorTime + Machine.OfTree(postmaster) - own;
        var others = Math.Max(0, ((after.Busy - ticks.Busy) / 100.0) - used.TotalSeconds) / ((after.All - ticks.All) / 100.0);
        Print(runs, lines, new FileInfo(path).Length, classes, others);
        return runs.Count(r => r.CopySeconds / r.OurSeconds >= 0.35) * 2 > runs.Count ? 0 : 1;
    }

    static async Task<double> Copy(NpgsqlDataSource source, string path)
    {
        var since = Stopwatch.GetTimestamp();
        await using var connection = await source.OpenConnectionAsync();
        await using (var to = (StreamWriter)await connection.BeginTextImportAsync("copy bare from stdin (format csv, header true)"))
        await using (var from = File.OpenRead(path)) await from.CopyToAsync(to.BaseStream, 1 << 20);
        return Stopwatch.GetElapsedTime(since).TotalSeconds;
    }

    static async Task<(double Seconds, double Megabytes, double Cpu, IReadOnlyList<ClassTotal> Classes)> Reconcile(NpgsqlDataSource source, string path, int lines)
    {
        var (accounts, faults) = GatewayAccounts.Read(
            new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?> { ["Gateways:bench:Gateway"] = "bench" }).Build(), [new BenchGateway()]);
        if (faults.Length > 0) throw new InvalidOperationException(string.Join(' ', faults));
        var files = new SettlementFileStore(source);
        SettlementFile file;
        await using (var bytes = File.OpenRead(path)) file = (await files.TakeIn("bench", "statement.csv", FileSource.Upload, bytes, dryRun: true, long.MaxValue, default)).File;
        await using var engine = new OrderEngine(new OrderStore(source), () => new OrderRules { Accounts = accounts.Terms }, new Nobody(), new Nobody(), TimeProvider.System, new EngineOptions(), NullLogger<OrderEngine>.Instance);
        var (acts, options) = (new ActStore(source), new SettlementOptions());
        var overdue = new Overdue(acts, engine, accounts, options, TimeProvider.System, NullLogger<Overdue>.Instance);
        var worker = new SettlementWorker(files, new SettlementLineStore(source), new MatchStore(source), acts, engine, accounts, options, SettlementHook.None, overdue, TimeProvider.System,
            NullLogger<SettlementWorker>.Instance);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        var process = Process.GetCurrentProcess();
        var idle = Machine.ResidentMegabytes(process);
        var peak = idle;
        using var over = new CancellationTokenSource();
        var watching = Task.Run(async () =>
        {
            while (!over.IsCancellationRequested)
            {
                peak = Math.Max(peak, Machine.ResidentMegabytes(Process.GetCurrentProcess()));
                await Task.Delay(20, over.Token).ContinueWith(_ => { }, TaskScheduler.Default);
            }
        });
        var cpu = process.TotalProcessorTime;
        var since = Stopwatch.GetTimestamp();
        if (!await worker.One(default)) throw new InvalidOperationException("There was no file.");
        var seconds = Stopwatch.GetElapsedTime(since).TotalSeconds;
        process.Refresh();
        cpu = process.TotalProcessorTime - cpu;
        await over.CancelAsync();
        await watching;
        var done = (await files.Find(file.Id, default))!;
        if (done.State != FileState.Matched || done.Classes.Sum(c => c.Count) != lines)
            throw new InvalidOperationException($"The file ended as {done.State} with {done.Classes.Sum(c => c.Count)} lines: {done.Refusal}");
        return (seconds, peak - idle, cpu.TotalSeconds, done.Classes);
    }

    /// <summary>A dry run asks nobody and tells nobody.</summary>
    sealed class Nobody : ICallStarter, ILiveFeed
    {
        public void Start(GatewayCall call) => throw new InvalidOperationException("A dry run calls no gateway.");

        public void Publish(OrderId order, IReadOnlyList<OrderEvent> events) => throw new InvalidOperationException("A dry run changes no order.");
    }

    static void Print(List<Run> runs, int lines, long bytes, IReadOnlyList<ClassTotal> classes, double others)
    {
        var table = new Table().AddColumns("pair", "COPY alone", "read, stored, classified", "share of COPY", "peak above idle", "own CPU");
        foreach (var (run, n) in runs.Select((r, n) => (r, n + 1)))
            table.AddRow($"{n}", Rate(lines / run.CopySeconds), Rate(lines / run.OurSeconds), Percent(run.CopySeconds / run.OurSeconds), $"{run.OurMegabytes:0} MB", $"{run.OurCpu:0.0} s");
        AnsiConsole.Write(table);
        var median = runs.Select(r => r.CopySeconds / r.OurSeconds).Order().ElementAt(runs.Count / 2);
        Console.WriteLine($"median share of COPY: {Percent(median)} (to reach: at least 35 %); peak above idle: {runs.Max(r => r.OurMegabytes):0} MB (to reach: at most 300)");
        Console.WriteLine($"classes: {string.Join(", ", classes.Select(c => $"{c.Class} {c.Count}"))}");
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"conditions: {Environment.ProcessorCount} cores, {lines} lines of {bytes / lines} bytes against as many payments, embedded PostgreSQL with fsync, others took {others:P0} of the machine"));
    }

    static string Rate(double perSecond) => string.Create(CultureInfo.InvariantCulture, $"{perSecond / 1000:0} k/s");

    static string Percent(double share) => string.Create(CultureInfo.InvariantCulture, $"{share * 100:0.0} %");

    static async Task Execute(NpgsqlDataSource source, string sql)
    {
        foreach (var statement in sql.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            await using var command = source.CreateCommand(statement);
            await command.ExecuteNonQueryAsync();
        }
    }
}
