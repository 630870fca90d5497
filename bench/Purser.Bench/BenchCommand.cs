using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Purser.Server.Platform;
using Spectre.Console;

namespace Purser.Bench;

/// <summary>Measures the product against its limit and against the plain shape, in turn within one run; medians of several pairs.</summary>
static class BenchCommand
{
    const int Warm = 2_000;
    const int AdapterCalls = 2_000;
    static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    public static async Task<int> Run(string[] args)
    {
        if (args.Contains("--help") || (args is ["--reconcile" or "--sockets", _, .. var rest] ? rest : args).Except(["--json", "--quick", "--adapters", "--receivers", "--telling"]).Any())
        {
            Console.WriteLine("Usage: purser bench [--json] [--quick] [--adapters] | --reconcile LINES [--quick] | --sockets COUNT | --receivers [--quick] | --telling [--quick]\n  --json      the figures as JSON\n  --quick     one short pair of each, to see that it works\n  --adapters  what the gateways' adapters cost by themselves, and nothing else\n  --reconcile LINES  a statement of so many lines against as many payments, against COPY of the same file\n  --sockets COUNT    so many idle sockets on one of two nodes: memory of each, and how soon it hears of a change on either node\n  --receivers what a payment takes while webhook receivers and the mail server are down\n  --telling   payments of which three receivers are told, until the last of them has heard of the last one");
            return args.Contains("--help") ? 0 : 2;
        }
        if (args is ["--reconcile", var text, ..])
            return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var lines) && lines is >= 1000 and <= 20_000_000
                ? await Reconcile(lines, args.Contains("--quick") ? 1 : 3)
                : throw new StartFailureException($"--reconcile {text}: give a number of lines from 1000 to 20000000.");
        if (args is ["--sockets", var sockets, ..])
            return int.TryParse(sockets, NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count is >= 100 and <= 12_000
                ? await WithPostgres(async (postgres, _) => await SocketBench.Measure(await Fresh(postgres, "sockets"), count))
                : throw new StartFailureException($"--sockets {sockets}: give a number of sockets from 100 to 12000; a node takes 15000, and some are for warming up.");
        var quick = args.Contains("--quick");
        if (args.Contains("--receivers")) return await WithPostgres(async (postgres, _) => await ReceiverBench.Measure(await Fresh(postgres, "untold"), await Fresh(postgres, "deaf"), quick ? 1 : 5));
        if (args.Contains("--telling")) return await WithPostgres(async (postgres, _) => await TellingBench.Measure(await Fresh(postgres, "untold"), await Fresh(postgres, "told"), quick ? 1 : 3));
        if (args.Contains("--adapters"))
        {
            Print([], await AdapterCosts.Measure(quick ? 50 : AdapterCalls), [], args.Contains("--json"));
            return 0;
        }
        var (pairs, flows, webhooks) = quick ? (1, 2_000, 10_000) : (5, 12_000, 60_000);
        var folder = Directory.CreateTempSubdirectory("purser-bench-").FullName;
        var options = Environment.IsPrivilegedProcess
            ? new EmbeddedPostgresOptions { Name = $"bench-{Environment.ProcessId}" }
            : new EmbeddedPostgresOptions { Directory = Path.Combine(folder, "postgres") };
        var ticks = Machine.Ticks();
        try
        {
            await using var postgres = await EmbeddedPostgres.Start(options, NullLogger.Instance);
            await using var product = await Server.Start("product", await Fresh(postgres, "product"));
            await using var plain = await Server.Start("plain", await Fresh(postgres, "plain"));
            var postmaster = Postmaster(postgres);
            var a = new Load(product.Url, product.Key, () => Machine.Of(product.Process), () => Machine.OfTree(postmaster));
            var b = new Load(plain.Url, "", () => Machine.Of(plain.Process), () => Machine.OfTree(postmaster));
            var figures = await Measure(a, b, pairs, flows, webhooks);
            var adapters = await AdapterCosts.Measure(quick ? 50 : AdapterCalls);
            var cpu = product.Cpu + plain.Cpu + Machine.OfTree(postmaster) + Process.GetCurrentProcess().TotalProcessorTime;
            var conditions = await Conditions(postgres, product, pairs, flows, webhooks, ticks, cpu);
            Print(figures, adapters, conditions, args.Contains("--json"));
            return 0;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
            if (Environment.IsPrivilegedProcess && Directory.Exists(EmbeddedPostgresOptions.DefaultDirectory(options.Name)))
                Directory.Delete(EmbeddedPostgresOptions.DefaultDirectory(options.Name), recursive: true);
        }
    }

    static Task<int> Reconcile(int lines, int pairs) =>
        WithPostgres(async (postgres, folder) => await ReconcileBench.Measure(postgres, await Fresh(postgres, "reconcile"), folder, lines, pairs));

    static async Task<int> WithPostgres(Func<EmbeddedPostgres, string, Task<int>> measure)
    {
        var folder = Directory.CreateTempSubdirectory("purser-bench-").FullName;
        var options = Environment.IsPrivilegedProcess
            ? new EmbeddedPostgresOptions { Name = $"bench-{Environment.ProcessId}" }
            : new EmbeddedPostgresOptions { Directory = Path.Combine(folder, "postgres") };
        try
        {
            await using var postgres = await EmbeddedPostgres.Start(options, NullLogger.Instance);
            return await measure(postgres, folder);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
            if (Environment.IsPrivilegedProcess && Directory.Exists(EmbeddedPostgresOptions.DefaultDirectory(options.Name)))
                Directory.Delete(EmbeddedPostgresOptions.DefaultDirectory(options.Name), recursive: true);
        }
    }

    /// <summary>One figure: each run's value, and what it must reach.</summary>
    sealed record Figure(string Name, string Unit, IReadOnlyList<double> Runs, double? AtLeast = null, double? AtMost = null)
    {
        public double Median => Runs.Order().ElementAt(Runs.Count / 2);

        public bool? Reached => AtLeast is { } least ? Median >= least : AtMost is { } most ? Median <= most : null;
    }

    static async Task<List<Figure>> Measure(Load product, Load plain, int pairs, int flows, int webhooks)
    {
        var (ours, theirs) = (new List<string>(), new List<string>());
        await product.Flows(64, Warm, ours);
        await plain.Flows(64, Warm, theirs);
        await plain.Limit(64, Warm);
        // A server runs for weeks: what its compiler does in the first seconds, on one of two cores, is not what is asked here.
        await product.Flows(256, flows);
        await plain.Flows(256, flows / 3);
        await product.Webhooks(256, webhooks / 2, ours, "warm");
        await plain.Webhooks(256, webhooks / 6, theirs, "warm");
        List<Loaded> whole = [], wholePlain = [], at64 = [], alone = [], alonePlain = [], intake = [], intakePlain = [], limit = [];
        for (var pair = 0; pair < pairs; pair++)
        {
            whole.Add(await product.Flows(256, flows));
            wholePlain.Add(await plain.Flows(256, flows / 3));
            at64.Add(await product.Flows(64, flows / 2));
            alone.Add(await product.Flows(1, 300));
            alonePlain.Add(await plain.Flows(1, 300));
            limit.Add(await plain.Limit(256, webhooks));
            intake.Add(await product.Webhooks(256, webhooks / 2, ours, $"{pair}"));
            intakePlain.Add(await plain.Webhooks(256, webhooks / 6, theirs, $"{pair}"));
        }
        return
        [
            new("whole payments, 256 callers", "/s", [.. whole.Select(l => l.PerSecond)], AtLeast: 3_100),
            new("whole payments, 256 callers, plain shape", "/s", [.. wholePlain.Select(l => l.PerSecond)]),
            new("  product against plain", "x", Ratio(whole, wholePlain), AtLeast: 3.5),
            new("  server CPU of a payment, product", "us", [.. whole.Select(l => l.ServerCpuMicroseconds)]),
            new("  PostgreSQL CPU of a payment, product", "us", [.. whole.Select(l => l.PostgresCpuMicroseconds)]),
            new("  the callers' own CPU of a payment", "us", [.. whole.Select(l => l.CallersCpuMicroseconds)]),
            new("  server CPU of a payment, plain", "us", [.. wholePlain.Select(l => l.ServerCpuMicroseconds)]),
            new("  PostgreSQL CPU of a payment, plain", "us", [.. wholePlain.Select(l => l.PostgresCpuMicroseconds)]),
            new("whole payments, 64 callers", "/s", [.. at64.Select(l => l.PerSecond)]),
            new("  p50 of a payment", "ms", [.. at64.Select(l => l.P50Milliseconds)]),
            new("  p99 of a payment", "ms", [.. at64.Select(l => l.P99Milliseconds)]),
            new("  p99 against p50", "x", [.. at64.Select(l => l.P99Milliseconds / l.P50Milliseconds)], AtMost: 3),
            new("one caller, p50 of a payment, product", "ms", [.. alone.Select(l => l.P50Milliseconds)]),
            new("one caller, p50 of a payment, plain", "ms", [.. alonePlain.Select(l => l.P50Milliseconds)]),
            new("  product against plain", "x", [.. alone.Zip(alonePlain, (x, y) => x.P50Milliseconds / y.P50Milliseconds)], AtMost: 1),
            new("webhooks, 256 connections", "/s", [.. intake.Select(l => l.PerSecond)]),
            new("webhooks, 256 connections, plain shape", "/s", [.. intakePlain.Select(l => l.PerSecond)]),
            new("Kestrel with HMAC alone, 256 connections", "/s", [.. limit.Select(l => l.PerSecond)]),
            new("  product against plain", "x", Ratio(intake, intakePlain), AtLeast: 2.8),
            new("  product's share of the limit", "x", Ratio(intake, limit), AtLeast: 0.35),
        ];
    }

    static double[] Ratio(List<Loaded> one, List<Loaded> other) => [.. one.Zip(other, (a, b) => a.PerSecond / b.PerSecond)];

    static async Task<Dictionary<string, string>> Conditions(
        EmbeddedPostgres postgres, Server product, int pairs, int flows, int webhooks, (long Busy, long All) before, TimeSpan ours)
    {
        var after = Machine.Ticks();
        var busy = (after.Busy - before.Busy) / 100.0;
        var all = (after.All - before.All) / 100.0;
        await using var source = NpgsqlDataSource.Create(postgres.ConnectionString);
        async Task<string> Setting(string name)
        {
            await using var ask = source.CreateCommand($"show {name}");
            return (string)(await ask.ExecuteScalarAsync())!;
        }
        return new Dictionary<string, string>
        {
            ["cores"] = $"{Environment.ProcessorCount}",
            ["PostgreSQL"] = $"{postgres.Version}, fsync {await Setting("fsync")}, synchronous_commit {await Setting("synchronous_commit")}, shared_buffers {await Setting("shared_buffers")}",
            ["counts"] = $"{pairs} pair(s); {flows} whole payments and {webhooks / 2} webhooks a run",
            ["callers"] = "on the same machine, raw sockets, one request at a time each",
            ["taken by others"] = string.Create(CultureInfo.InvariantCulture, $"{Math.Max(0, busy - ours.TotalSeconds) / all:P0} of the machine"),
            ["server after the load"] = string.Create(CultureInfo.InvariantCulture, $"{Machine.ResidentMegabytes(product.Process):0} MB resident (to reach: under 200)"),
            ["first answer after PostgreSQL is up"] = string.Create(CultureInfo.InvariantCulture, $"{product.Started.TotalMilliseconds:0} ms (to reach: 1500)"),
        };
    }

    static void Print(List<Figure> figures, List<AdapterCosts.Row> adapters, Dictionary<string, string> conditions, bool json)
    {
        if (json)
        {
            Console.WriteLine(JsonSerializer.Serialize(new
            {
                conditions,
                figures = figures.Select(f => new { name = f.Name.Trim(), unit = f.Unit, median = f.Median, min = f.Runs.Min(), max = f.Runs.Max(), at_least = f.AtLeast, at_most = f.AtMost, reached = f.Reached }),
                adapters = adapters.Select(a => new { gateway = a.Gateway, open_link = Json(a.OpenLink), inquire = Json(a.Inquire), webhook = Json(a.Webhook) }),
            }, Indented));
            return;
        }
        var table = new Table().AddColumns("what", "median", "min", "max", "", "to reach");
        foreach (var f in figures)
            table.AddRow(Markup.Escape(f.Name), Round(f.Median), Round(f.Runs.Min()), Round(f.Runs.Max()), f.Unit,
                (f.AtLeast is { } least ? $"at least {Round(least)}" : f.AtMost is { } most ? $"at most {Round(most)}" : "") +
                f.Reached switch { true => " [green]reached[/]", false => " [red]missed[/]", _ => "" });
        if (figures.Count > 0) AnsiConsole.Write(table);
        var costs = new Table().Title("an adapter's own cost of a call, without the network").AddColumns("gateway", "open link", "inquiry", "webhook");
        foreach (var a in adapters) costs.AddRow(a.Gateway, Said(a.OpenLink), Said(a.Inquire), Said(a.Webhook));
        AnsiConsole.Write(costs);
        foreach (var (what, text) in conditions) AnsiConsole.MarkupLineInterpolated($"[grey]{what}: {text}[/]");
    }

    static object? Json(AdapterCosts.Cost? cost) => cost is null ? null : new { us = Math.Round(cost.Microseconds, 1), kb = Math.Round(cost.Kilobytes, 1) };

    static string Said(AdapterCosts.Cost? cost) => cost is null ? "-" : $"{Round(cost.Microseconds)} us, {Round(cost.Kilobytes)} kB";

    static string Round(double value) => value.ToString(value >= 100 ? "0" : value >= 10 ? "0.0" : "0.00", CultureInfo.InvariantCulture);

    static async Task<string> Fresh(EmbeddedPostgres postgres, string name)
    {
        await using var source = NpgsqlDataSource.Create(postgres.ConnectionString);
        await using var create = source.CreateCommand($"create database {name}");
        await create.ExecuteNonQueryAsync();
        return new NpgsqlConnectionStringBuilder(postgres.ConnectionString) { Database = name }.ConnectionString;
    }

    static int Postmaster(EmbeddedPostgres postgres) =>
        int.Parse(File.ReadLines(Path.Combine(postgres.Directory, "data", "postmaster.pid")).First(), CultureInfo.InvariantCulture);

    /// <summary>A measured server in a process of its own.</summary>
    internal sealed class Server : IAsyncDisposable
    {
        Server(Process process, Uri url, string key, TimeSpan started) => (Process, Url, Key, Started) = (process, url, key, started);

        public Process Process { get; }
        public Uri Url { get; }
        public string Key { get; }
        public TimeSpan Started { get; }
        public TimeSpan Cpu => Machine.Of(Process);

        public static async Task<Server> Start(params string[] shape)
        {
            var since = Stopwatch.GetTimestamp();
            var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardInput = true };
            foreach (var word in (string[])[typeof(BenchCommand).Assembly.Location, "serve", .. shape]) start.ArgumentList.Add(word);
            var process = Process.Start(start)!;
            while (await process.StandardOutput.ReadLineAsync() is { } line)
                if (line.Split(' ') is ["ready", var url, var key])
                {
                    _ = process.StandardOutput.ReadToEndAsync();
                    return new Server(process, new Uri(url), key, Stopwatch.GetElapsedTime(since));
                }
            throw new InvalidOperationException($"The {shape[0]} server ended before it was ready.");
        }

        public async ValueTask DisposeAsync()
        {
            Process.StandardInput.Close();
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(15));
            try
            {
                await Process.WaitForExitAsync(patience.Token);
            }
            catch (OperationCanceledException)
            {
                Process.Kill(entireProcessTree: true);
            }
            Process.Dispose();
        }
    }
}
