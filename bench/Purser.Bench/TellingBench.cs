using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Spectre.Console;

namespace Purser.Bench;

/// <summary>What telling costs, and whether it keeps up: whole payments of which three receivers are told, until the last of them has heard of the last payment.</summary>
static class TellingBench
{
    const int Callers = 64;
    const int Receivers = 3;
    const int WarmFlows = 3_000;
    const int Flows = 9_000;

    public static async Task<int> Measure(string untold, string told, int pairs)
    {
        var heard = new ConcurrentDictionary<string, int>();
        var twice = 0;
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Configuration["urls"] = "http://127.0.0.1:0";
        await using var receivers = builder.Build();
        receivers.MapPost("/hook/{receiver}", (string receiver, HttpRequest request) =>
        {
            if (!heard.TryAdd($"{receiver} {request.Headers["webhook-id"]}", 0)) Interlocked.Increment(ref twice);
            return Results.Ok();
        });
        await receivers.StartAsync();

        await using var alone = await BenchCommand.Server.Start("product", untold);
        await using var telling = await BenchCommand.Server.Start("product", told, "none");
        for (var n = 0; n < Receivers; n++) await Subscribe(telling, $"{receivers.Urls.First()}/hook/{n}");
        Load[] loads = [new Load(alone.Url, alone.Key, () => TimeSpan.Zero, () => TimeSpan.Zero), new Load(telling.Url, telling.Key, () => TimeSpan.Zero, () => TimeSpan.Zero)];
        var expected = 0;
        async Task<(double Paid, double Told)> Run(int which, int flows)
        {
            var since = Stopwatch.GetTimestamp();
            var loaded = await loads[which].Flows(Callers, flows);
            if (which == 0) return (loaded.PerSecond, 0);
            expected += flows * Receivers;
            var before = -1;
            for (var silent = Stopwatch.StartNew(); heard.Count < expected; await Task.Delay(5))
                if (heard.Count != before) (before, silent) = (heard.Count, Stopwatch.StartNew());
                else if (silent.Elapsed > TimeSpan.FromSeconds(30)) throw new InvalidOperationException($"{expected - heard.Count} deliveries did not come.");
            return (loaded.PerSecond, flows * Receivers / Stopwatch.GetElapsedTime(since).TotalSeconds);
        }

        for (var which = 0; which < 2; which++) await Run(which, WarmFlows);
        var runs = new List<(double Alone, double Paid, double Told)>();
        for (var pair = 0; pair < pairs; pair++)
        {
            var (without, _) = await Run(0, Flows);
            var (paid, deliveries) = await Run(1, Flows);
            runs.Add((without, paid, deliveries));
        }

        var table = new Table().AddColumns("what", "median", "min", "max", "");
        void Row(string what, IEnumerable<double> values, string unit)
        {
            double[] all = [.. values.Order()];
            table.AddRow(what, Round(all[all.Length / 2]), Round(all[0]), Round(all[^1]), unit);
        }
        Row("whole payments, nobody is told", runs.Select(r => r.Alone), "/s");
        Row($"whole payments, {Receivers} receivers are told", runs.Select(r => r.Paid), "/s");
        Row("deliveries, from the first payment to the last delivery", runs.Select(r => r.Told), "/s");
        Row("payments that were told of wholly", runs.Select(r => r.Told / Receivers), "/s");
        AnsiConsole.Write(table);
        AnsiConsole.MarkupLineInterpolated($"[grey]medians of {pairs} pair(s) of {Flows} payments with {Callers} callers; receivers on the same machine, which answer at once; heard twice: {twice}[/]");
        await receivers.StopAsync();
        return 0;
    }

    static async Task Subscribe(BenchCommand.Server server, string url)
    {
        using var http = new HttpClient { BaseAddress = server.Url, DefaultRequestHeaders = { Authorization = new AuthenticationHeaderValue("Bearer", server.Key) } };
        using var answer = await http.PostAsJsonAsync("/v1/webhook_endpoints", new { url, event_types = new[] { "order.paid" } });
        if (!answer.IsSuccessStatusCode) throw new InvalidOperationException($"The endpoint was answered {(int)answer.StatusCode}: {await answer.Content.ReadAsStringAsync()}");
    }

    static string Round(double value) => value.ToString("0", CultureInfo.InvariantCulture);
}
