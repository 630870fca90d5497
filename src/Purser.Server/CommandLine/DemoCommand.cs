using System.Diagnostics;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Purser.Gateways;
using Purser.Orders;
using Purser.Server.Doctor;
using Purser.Server.Gateways;
using Purser.Server.Platform;
using Purser.Server.Reconciliation;
using Purser.Server.Settlement;
using Spectre.Console;

namespace Purser.Server.CommandLine;

/// <summary>`purser demo`: the whole road without a person, on free ports and a database of its own: one order for each gateway and story, then the
/// gateways' books against ours. Exit code 0 only if everything ended as it must and the books agree.</summary>
static class DemoCommand
{
    /// <summary>How many times faster than life the gateways' own delays pass.</summary>
    const int Speed = 600;

    const int ShoppersAtOnce = 24;

    /// <summary>No answer of the sandbox takes so long, but for those that never come.</summary>
    static readonly GatewayLimits Limits = new() { WholeCall = TimeSpan.FromSeconds(3) };

    public static async Task<int> Run(string[] settings, bool json, CancellationToken stop)
    {
        var since = Stopwatch.GetTimestamp();
        await using var sandbox = await SandboxProcess.Start(fixedPorts: false, Speed, stop);
        var chosen = sandbox.Accounts();
        chosen["urls"] = "http://127.0.0.1:0";
        var name = $"demo-{Environment.ProcessId}";
        chosen["Purser:Postgres:Name"] = name;
        chosen["Purser:Postgres:Directory"] = EmbeddedPostgresOptions.DefaultDirectory(name);
        chosen["ConnectionStrings:Purser"] = "";
        chosen["Logging:LogLevel:Default"] = "Critical";
        // Statements come when the demo sends or fetches them, and what none of them has is due at once.
        chosen["Purser:Settlement:FetchDays"] = "0";
        foreach (var gateway in sandbox.Playable) chosen[$"Gateways:{gateway.Name}:SettlesAfterDays"] = "0";
        try
        {
            if (!json) AnsiConsole.WriteLine($"{DemoStory.All.Count} stories at each of {sandbox.Playable.Count} gateways, then its statements. This takes about a minute.");
            var report = await Play(sandbox, settings, chosen, since, stop);
            if (json) report.WriteJson(Console.Out);
            else report.Write(AnsiConsole.Console);
            return report.AsItMustBe ? 0 : 1;
        }
        finally
        {
            var folder = EmbeddedPostgresOptions.DefaultDirectory(name);
            if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
        }
    }

    static async Task<DemoReport> Play(SandboxProcess sandbox, string[] settings, Dictionary<string, string?> chosen, long since, CancellationToken stop)
    {
        await using var host = await ServerHost.Start(settings, chosen, Hurry, stop: stop);
        foreach (var gateway in sandbox.Playable) await sandbox.SendWebhooksTo(gateway, $"{host.Url}/gateways/{gateway.Name}/webhook", stop);
        var keys = await DevelopmentKeys.Renew(host, "demo", stop);
        using var handler = new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false };
        using var api = new HttpClient(handler) { BaseAddress = new Uri(host.Url) };
        api.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", keys.Secret);

        using var door = new SemaphoreSlim(ShoppersAtOnce);
        var accounts = await api.GetFromJsonAsync<JsonElement>(new Uri("/v1/gateways", UriKind.Relative), stop);
        var stages = accounts.GetProperty("gateways").EnumerateArray().Select(a => new DemoStage(
            sandbox, sandbox.Playable.Single(g => g.Name == a.GetProperty("name").GetString()), [.. a.GetProperty("currencies").EnumerateArray().Select(c => c.GetString()!)],
            a.GetProperty("closes_links").GetBoolean(), api, Speed, door)).ToList();
        var database = host.Services.GetRequiredService<Database>().Source;
        var office = new DemoOffice(
            host.Services.GetRequiredService<Overdue>(), host.Services.GetRequiredService<SettlementFetch>(), host.Services.GetRequiredService<GatewayAccounts>(),
            host.Services.GetRequiredService<TimeProvider>());
        var played = await Task.WhenAll(stages.Select(s => Play(s, office, new CaptureStore(database), stop)));
        return new DemoReport(
            [.. stages.Select(s => s.Gateway.Name)], sandbox.Alone, [.. played.SelectMany(p => p.Results)], [.. played.SelectMany(p => p.Books)], [.. played.Select(p => p.Statement)],
            [.. played.SelectMany(p => p.Settled)], [.. (await new InvariantStore(database).Check(stop)).Where(f => f.Count > 0)], Stopwatch.GetElapsedTime(since).TotalSeconds);
    }

    /// <summary>One gateway: its stories, the books, its statements, and the books again.</summary>
    static async Task<(IReadOnlyList<DemoResult> Results, IReadOnlyList<DemoBook> Books, DemoStatement Statement, IReadOnlyList<DemoBook> Settled)> Play(
        DemoStage stage, DemoOffice office, CaptureStore store, CancellationToken stop)
    {
        var results = await stage.Play(stop);
        var books = await DemoBook.Compare(stage, store, office.Accounts, results.SelectMany(r => r.InStatementOnly).ToHashSet(), stop);
        var statement = await new DemoSettling(stage, office, stop).Play(results);
        // By now nothing is known from the statement alone.
        return (results, books, statement, await DemoBook.Compare(stage, store, office.Accounts, new HashSet<string>(), stop));
    }

    /// <summary>Purser's own patience, shortened as the gateways' time is: what is asked after minutes in life is asked after seconds here.</summary>
    static void Hurry(IServiceCollection services)
    {
        services.AddSingleton(p => new GatewayLines(time: p.GetRequiredService<TimeProvider>(), limits: Limits));
        var usual = services.Last(s => s.ServiceType == typeof(Func<OrderRules>)).ImplementationFactory!;
        services.AddSingleton<Func<OrderRules>>(p =>
        {
            var rules = (Func<OrderRules>)usual(p);
            var terms = rules().Accounts.ToDictionary(a => a.Key, a => a.Value with { VisibilityDelay = TimeSpan.FromSeconds(1) });
            return () => rules() with
            {
                Accounts = terms,
                PendingFirst = TimeSpan.FromSeconds(2.5),
                PendingEvery = TimeSpan.FromSeconds(1),
                ClosingEvery = TimeSpan.FromSeconds(1),
                Unresolved = [TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(4)],
                UnresolvedEvery = TimeSpan.FromSeconds(2),
                Watch = [.. Enumerable.Range(1, 20).Select(n => TimeSpan.FromSeconds(2 * n))],
                RefundUnderWay = [TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(2)],
                RefundEvery = TimeSpan.FromSeconds(2),
                AskAgainAfter = TimeSpan.FromMilliseconds(200),
                CallTimeout = Limits.WholeCall + TimeSpan.FromSeconds(1),
                MostAsks = 2,
            };
        });
    }
}
