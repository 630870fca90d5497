using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Sockets;
using Npgsql;
using Purser.Orders;
using Purser.Server.Deliveries;
using Purser.Server.Platform;
using Spectre.Console;

namespace Purser.Bench;

/// <summary>What a payment takes while nobody who is to be told of it can be reached, against the same where nobody is to be told; and whether all is kept.</summary>
static class ReceiverBench
{
    const int Callers = 64;
    const int Flows = 6_000;
    const int AloneFlows = 300;
    const int WarmFlows = 6_000;
    const double MostSlower = 1.1;
    static readonly string[] Shown = ["one caller, p50 of a payment", "64 callers, p50 of a payment", "64 callers, p99 of a payment"];

    public static async Task<int> Measure(string untold, string deaf, int pairs)
    {
        // One receiver takes the connection and never answers, the other refuses it; the mail server refuses it, too.
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        using var closed = new TcpListener(IPAddress.Loopback, 0);
        closed.Start();
        var refusing = ((IPEndPoint)closed.LocalEndpoint).Port;
        closed.Stop();

        await using var alone = await BenchCommand.Server.Start("product", untold);
        await using var telling = await BenchCommand.Server.Start("product", deaf, refusing.ToString(CultureInfo.InvariantCulture));
        foreach (var port in (int[])[((IPEndPoint)silent.LocalEndpoint).Port, refusing]) await Subscribe(telling, port);
        Load[] loads = [new Load(alone.Url, alone.Key, () => TimeSpan.Zero, () => TimeSpan.Zero), new Load(telling.Url, telling.Key, () => TimeSpan.Zero, () => TimeSpan.Zero)];
        foreach (var load in loads) await load.Flows(Callers, WarmFlows);
        var runs = new List<(Loaded One, Loaded Many)[]>();
        for (var pair = 0; pair < pairs; pair++)
        {
            var both = new (Loaded One, Loaded Many)[2];
            for (var which = 0; which < 2; which++) both[which] = (await loads[which].Flows(1, AloneFlows), await loads[which].Flows(Callers, Flows));
            runs.Add(both);
        }

        double[][] Figures(int which) => [[.. runs.Select(r => r[which].One.P50Milliseconds)], [.. runs.Select(r => r[which].Many.P50Milliseconds)], [.. runs.Select(r => r[which].Many.P99Milliseconds)]];
        var (without, with) = (Figures(0), Figures(1));
        var table = new Table().AddColumns("what", "nobody is told", "nobody can be reached", "slower by", "to reach");
        var reached = true;
        for (var row = 0; row < Shown.Length; row++)
        {
            var slower = Median([.. with[row].Zip(without[row], (a, b) => a / b)]);
            reached &= slower <= MostSlower;
            table.AddRow(Shown[row], $"{Round(Median(without[row]))} ms", $"{Round(Median(with[row]))} ms", $"{Round(slower)} x", $"at most {Round(MostSlower)} x {(slower <= MostSlower ? "[green]reached[/]" : "[red]missed[/]")}");
        }
        AnsiConsole.Write(table);
        var missing = await Missing(deaf);
        AnsiConsole.MarkupLineInterpolated($"[grey]medians of {pairs} pair(s), {Flows} payments with {Callers} callers and {AloneFlows} with one in each run[/]");
        AnsiConsole.MarkupLineInterpolated($"[grey]events of which a receiver's or a mail's delivery is not there: {missing}[/]");
        return missing == 0 && reached ? 0 : 1;
    }

    static async Task Subscribe(BenchCommand.Server server, int port)
    {
        using var http = new HttpClient { BaseAddress = server.Url, DefaultRequestHeaders = { Authorization = new AuthenticationHeaderValue("Bearer", server.Key) } };
        using var answer = await http.PostAsJsonAsync("/v1/webhook_endpoints", new { url = $"http://127.0.0.1:{port}/hook" });
        if (!answer.IsSuccessStatusCode) throw new StartFailureException($"The endpoint was answered {(int)answer.StatusCode}: {await answer.Content.ReadAsStringAsync()}");
    }

    /// <summary>Of every event, deliveries to both endpoints are kept, and of every paid order one to the shopper, whatever became of them.</summary>
    static async Task<long> Missing(string connection)
    {
        await using var database = NpgsqlDataSource.Create(connection);
        await using var ask = database.CreateCommand($"""
            select count(*) from events v cross join webhook_endpoints e
            where (e.kind = {(short)ReceiverKind.Endpoint} or (e.kind = {(short)ReceiverKind.Shoppers} and v.type = {(short)EventType.OrderPaid})) and not exists (select from deliveries d where d.order_id = v.order_id and d.sequence = v.sequence and d.receiver = e.number)
            """);
        return (long)(await ask.ExecuteScalarAsync())!;
    }

    static double Median(double[] values) => values.Order().ElementAt(values.Length / 2);

    static string Round(double value) => value.ToString(value >= 100 ? "0" : value >= 10 ? "0.0" : "0.00", CultureInfo.InvariantCulture);
}
