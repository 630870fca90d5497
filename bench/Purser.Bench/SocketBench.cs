using System.Globalization;
using Purser.Server.Platform;
using Spectre.Console;

namespace Purser.Bench;

/// <summary>Many idle sockets on one node: what each costs, and how soon it is told of what was committed there, and on the other node.</summary>
static class SocketBench
{
    /// <summary>As often as performance asks for.</summary>
    const int ChangesPerSecond = 1_000;
    /// <summary>Of the orders so many are watched on the committing node, too.</summary>
    const int MostNear = 2_000;
    const int Warm = 1_000;
    const int WarmFlows = 5_000;
    const int Spare = 1_000;
    /// <summary>Changes before those that count: what was opened last has then seen its first collection, as it has on a server that runs for weeks.</summary>
    const int Waking = 2_000;
    const double MostKilobytes = 20;
    const double MostMilliseconds = 20;
    static readonly TimeSpan Settles = TimeSpan.FromSeconds(5);
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public static async Task<int> Measure(string connection, int count)
    {
        var near = Math.Min(count / 5, MostNear);
        // .NET raises its own soft limit to the hard one.
        if (Machine.MostFiles() is var files && files < count + near + Waking + Spare)
            throw new StartFailureException($"{count} sockets need {count + near + Waking + Spare} open files, and this session may have {files}. Raise the hard limit (as root: ulimit -n 65536; " +
                "for a service: LimitNOFILE=65536), or measure fewer.");
        var ticks = Machine.Ticks();
        await using var committing = await BenchCommand.Server.Start("product", connection);
        await using var other = await BenchCommand.Server.Start("product", connection);

        // The later key is the one in force.
        var load = new Load(committing.Url, other.Key, () => TimeSpan.Zero, () => TimeSpan.Zero);
        // A server runs for weeks: what its compiler does in the first seconds is not what is asked here.
        await load.Flows(64, WarmFlows);
        var orders = new List<WatchedOrder>(count + Warm);
        await load.Links(64, count + Warm + Waking, orders);
        var (warm, waking, rest) = (orders[..Warm], orders[Warm..(Warm + Waking)], orders[(Warm + Waking)..]);
        var (first, second) = (await Open(other.Url, warm), await Open(committing.Url, warm));
        var told = first.Concat(second).Select(s => s.FirstNews()).ToList();
        await Paced(warm, order => Change(load, order));
        await Task.WhenAll(told).WaitAsync(Patience);
        foreach (var socket in first.Concat(second)) socket.Dispose();

        await Task.Delay(Settles);
        var before = Machine.ResidentMegabytes(other.Process);
        var far = await Open(other.Url, rest);
        await Task.Delay(Settles);
        var kilobytes = (Machine.ResidentMegabytes(other.Process) - before) * 1024 / count;
        // All through the run, as those on the other node are.
        var same = await Open(committing.Url, [.. rest.Where((_, n) => n % (count / near) == 0)]);
        var early = await Open(other.Url, waking);
        await Task.Delay(Settles);

        var all = (List<LiveSocket>)[.. far, .. same, .. early];
        var listening = all.Select(s => s.FirstNews()).ToList();
        // The callers' own pauses are none of the server's.
        GC.Collect();
        await Paced(waking, order => Change(load, order));
        var took = await Paced(rest, order => Change(load, order));
        await Task.WhenAny(Task.WhenAll(listening), Task.Delay(Patience));
        var lost = listening.Count(l => !l.IsCompletedSuccessfully);
        Print(count, near, kilobytes, Sorted(listening[count..^Waking]), Sorted(listening[..count]), Sorted(listening[^Waking..]), lost, took, ticks,
            committing.Cpu + other.Cpu + Environment.CpuUsage.TotalTime);
        foreach (var socket in all) socket.Dispose();
        return lost == 0 ? 0 : 1;
    }

    static async Task<List<LiveSocket>> Open(Uri node, List<WatchedOrder> orders)
    {
        var sockets = new LiveSocket[orders.Count];
        await Parallel.ForAsync(0, orders.Count, new ParallelOptions { MaxDegreeOfParallelism = 32 }, async (i, stop) => sockets[i] = await LiveSocket.Open(node, orders[i], stop));
        return [.. sockets];
    }

    static Task Change(Load load, WatchedOrder order) => load.Pay(order.Reference);

    /// <returns>How long it took in all; never faster than the pace.</returns>
    static async Task<TimeSpan> Paced(List<WatchedOrder> orders, Func<WatchedOrder, Task> change)
    {
        using var room = new SemaphoreSlim(256);
        var begun = TimeProvider.System.GetTimestamp();
        var changes = new List<Task>(orders.Count);
        for (var n = 0; n < orders.Count; n++)
        {
            while (TimeProvider.System.GetElapsedTime(begun).TotalSeconds * ChangesPerSecond < n) await Task.Delay(1);
            await room.WaitAsync();
            changes.Add(One(orders[n]));
        }
        await Task.WhenAll(changes);
        return TimeProvider.System.GetElapsedTime(begun);

        async Task One(WatchedOrder order)
        {
            try
            {
                await change(order);
            }
            finally
            {
                room.Release();
            }
        }
    }

    static double[] Sorted(IEnumerable<Task<TimeSpan>> heard) => [.. heard.Where(h => h.IsCompletedSuccessfully).Select(h => h.Result.TotalMilliseconds).Order()];

    static void Print(int count, int near, double kilobytes, double[] same, double[] far, double[] waking, int lost, TimeSpan took, (long Busy, long All) ticks, TimeSpan ours)
    {
        var table = new Table().AddColumns("what", "figure", "to reach");
        table.AddRow($"memory of an idle socket, of {count} on one node", $"{Round(kilobytes)} kB", Reached(kilobytes, MostKilobytes, "kB"));
        table.AddRow($"a change to its socket on the same node, p50 of {same.Length}", $"{At(same, 0.5)} ms", "");
        table.AddRow("  p99", $"{At(same, 0.99)} ms", same.Length == 0 ? "" : Reached(same[(int)(same.Length * 0.99)], MostMilliseconds, "ms"));
        table.AddRow($"a change to its socket on the other node, p50 of {far.Length}", $"{At(far, 0.5)} ms", "");
        table.AddRow("  p99", $"{At(far, 0.99)} ms", far.Length == 0 ? "" : Reached(far[(int)(far.Length * 0.99)], MostMilliseconds, "ms"));
        table.AddRow($"  p99 of the {waking.Length} before them, right after all were opened", $"{At(waking, 0.99)} ms", "");
        table.AddRow("sockets that were told nothing", $"{lost}", lost == 0 ? "[green]0[/]" : "[red]0[/]");
        AnsiConsole.Write(table);
        var after = Machine.Ticks();
        var (busy, machine) = ((after.Busy - ticks.Busy) / 100.0, (after.All - ticks.All) / 100.0);
        AnsiConsole.MarkupLineInterpolated($"[grey]from the database's clock at the decision, before its commit, to the bytes at the caller; {near} orders watched on both nodes[/]");
        AnsiConsole.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"[grey]changes: {count / took.TotalSeconds:0} a second of {ChangesPerSecond} wanted; callers, both nodes and PostgreSQL on {Environment.ProcessorCount} cores[/]");
        AnsiConsole.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"[grey]taken by PostgreSQL and others: {Math.Max(0, busy - ours.TotalSeconds) / machine:P0} of the machine[/]");
    }

    static string At(double[] sorted, double share) => sorted.Length == 0 ? "-" : Round(sorted[(int)(sorted.Length * share)]);

    static string Reached(double value, double most, string unit) => $"at most {most} {unit} {(value <= most ? "[green]reached[/]" : "[red]missed[/]")}";

    static string Round(double value) => value.ToString(value >= 100 ? "0" : "0.0", CultureInfo.InvariantCulture);
}
