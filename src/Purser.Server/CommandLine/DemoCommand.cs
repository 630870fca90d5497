using System.Diagnostics;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Purser.Server.Doctor;
using Purser.Server.Platform;
using Spectre.Console;

namespace Purser.Server.CommandLine;

/// <summary>`purser demo`: the whole road without a person, on free ports and a database of its own: one order for each gateway and outcome,
/// then the gateways' books against ours. Exit code 0 only if everything ended as it must and the books agree.</summary>
static class DemoCommand
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(50);

    /// <summary>How many times faster than life the gateways' own delays pass. What a bank takes is told in their time.</summary>
    const int Speed = 600;

    public static async Task<int> Run(string[] settings, CancellationToken stop)
    {
        var since = Stopwatch.GetTimestamp();
        await using var sandbox = await SandboxProcess.Start(fixedPorts: false, Speed, stop);
        var chosen = sandbox.Accounts();
        chosen["urls"] = "http://127.0.0.1:0";
        var name = $"demo-{Environment.ProcessId}";
        chosen["Purser:Postgres:Name"] = name;
        chosen["Purser:Postgres:Directory"] = EmbeddedPostgresOptions.DefaultDirectory(name);
        chosen["ConnectionStrings:Purser"] = "";
        chosen["Logging:LogLevel:Default"] = "Error";
        try
        {
            return await Play(sandbox, settings, chosen, since, stop);
        }
        finally
        {
            var folder = EmbeddedPostgresOptions.DefaultDirectory(name);
            if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
        }
    }

    static async Task<int> Play(
        SandboxProcess sandbox, string[] settings, Dictionary<string, string?> chosen, long since, CancellationToken stop)
    {
        await using var host = await ServerHost.Start(settings, chosen, stop: stop);
        foreach (var gateway in sandbox.Gateways) await sandbox.SendWebhooksTo(gateway, $"{host.Url}/gateways/{gateway.Name}/webhook", stop);
        var keys = await DevelopmentKeys.Renew(host, "demo", stop);
        using var handler = new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false };
        using var api = new HttpClient(handler) { BaseAddress = new Uri(host.Url) };
        api.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", keys.Secret);

        var results = (await Task.WhenAll(sandbox.Gateways.Select(gateway => Play(gateway, sandbox, api, stop)))).SelectMany(r => r).ToList();
        Print(results);
        var wrong = results.Count(r => r.Wrong is not null);
        wrong += await Compare(sandbox, new CaptureStore(host.Services.GetRequiredService<Database>().Source), stop);
        foreach (var finding in (await new InvariantStore(host.Services.GetRequiredService<Database>().Source).Check(stop)).Where(f => f.Count > 0))
        {
            wrong++;
            AnsiConsole.MarkupLineInterpolated($"[red]{finding.Name}: broken {finding.Count} time(s)[/]");
        }
        AnsiConsole.MarkupLineInterpolated(
            $"{results.Count} orders, {results.Count - results.Count(r => r.Wrong is not null)} as they must be, in {Stopwatch.GetElapsedTime(since).TotalSeconds:0} s.");
        return wrong == 0 ? 0 : 1;
    }

    sealed record Result(string Gateway, DemoOutcome Outcome, string OrderId, string Order, string Payment, int Refunds, double Seconds, string? Wrong);

    /// <summary>Outcomes with a fault one after another, for a fault plan is the gateway's; the others at once.</summary>
    static async Task<IReadOnlyList<Result>> Play(SandboxProcess.Gateway gateway, SandboxProcess sandbox, HttpClient api, CancellationToken stop)
    {
        var results = (await Task.WhenAll(DemoOutcome.All.Where(o => o.Fault is null).Select(o => PlayOne(gateway, o, sandbox, api, stop)))).ToList();
        foreach (var outcome in DemoOutcome.All.Where(o => o.Fault is not null))
        {
            using var set = await sandbox.Control.PutAsJsonAsync($"/control/{gateway.Name}/faults", new[] { outcome.Fault }, stop);
            set.EnsureSuccessStatusCode();
            results.Add(await PlayOne(gateway, outcome, sandbox, api, stop));
            using var cleared = await sandbox.Control.DeleteAsync(new Uri($"/control/{gateway.Name}/faults", UriKind.Relative), stop);
            cleared.EnsureSuccessStatusCode();
        }
        return results;
    }

    static async Task<Result> PlayOne(
        SandboxProcess.Gateway gateway, DemoOutcome outcome, SandboxProcess sandbox, HttpClient api, CancellationToken stop)
    {
        var since = Stopwatch.GetTimestamp();
        var order = await Post(api, "/v1/orders", new
        {
            currency = "INR",
            reference = $"{gateway.Name} {outcome.Name}",
            lines = new[] { new { name = "A book", quantity = 1, unit_amount = 49900 } },
            customer = new { name = "Asha Rao", email = "asha@example.test", phone = "+919000000001" },
        }, stop);
        var id = order.GetProperty("id").GetString()!;
        var payment = await Post(api, $"/v1/orders/{id}/payments", new { gateway = gateway.Name }, stop);
        var ready = await Reached(api, id, o => Payment(o) is "pending", stop);

        if (outcome.Acts is not null)
        {
            _ = PaymentId.TryParse(payment.GetProperty("id").GetString(), out var paymentId);
            var link = ready.GetProperty("payments").EnumerateArray().Last().GetProperty("link");
            var acted = await Post(sandbox.Control, $"/control/{gateway.Name}/payments", new { reference = paymentId.Reference, outcome = outcome.Acts, delay_ms = 3000 * Speed, link }, stop);
            if (outcome.Returns) await GoBack(api, acted, stop);
        }
        if (outcome.CancelsAfter) await Post(api, $"/v1/orders/{id}/cancellation", new { }, stop);

        var end = await Reached(api, id, o => Text(o, "status") == outcome.Order && Payment(o) == outcome.Payment && Refunds(o) == outcome.Refunds, stop);
        var wrong = Text(end, "status") == outcome.Order && Payment(end) == outcome.Payment && Refunds(end) == outcome.Refunds
            ? null : $"must be {outcome.Order}, {outcome.Payment}, {outcome.Refunds} refund(s)";
        return new Result(
            gateway.Name, outcome, id, Text(end, "status"), Payment(end), Refunds(end), Stopwatch.GetElapsedTime(since).TotalSeconds, wrong);
    }

    /// <summary>The shopper's browser goes back to us, as the gateway's page sends it.</summary>
    static async Task GoBack(HttpClient api, JsonElement acted, CancellationToken stop)
    {
        if (!acted.TryGetProperty("return_url", out var back) || back.GetString() is not { } url) return;
        using var form = acted.TryGetProperty("return_form", out var fields) && fields.ValueKind == JsonValueKind.Object
            ? new FormUrlEncodedContent(fields.EnumerateObject().Select(f => KeyValuePair.Create(f.Name, f.Value.GetString()!)))
            : null;
        using var answer = form is null ? await api.GetAsync(new Uri(url), stop) : await api.PostAsync(new Uri(url), form, stop);
    }

    /// <summary>The order when it is as wanted, or as it stands when patience is over.</summary>
    static async Task<JsonElement> Reached(HttpClient api, string order, Func<JsonElement, bool> wanted, CancellationToken stop)
    {
        var since = Stopwatch.GetTimestamp();
        while (true)
        {
            var now = await api.GetFromJsonAsync<JsonElement>(new Uri($"/v1/orders/{order}", UriKind.Relative), stop);
            if (wanted(now) || Stopwatch.GetElapsedTime(since) > Patience) return now;
            await Task.Delay(100, stop);
        }
    }

    static string Text(JsonElement order, string name) => order.GetProperty(name).GetString()!;

    static string Payment(JsonElement order) =>
        order.GetProperty("payments").EnumerateArray().Select(p => Text(p, "status")).LastOrDefault("none");

    static int Refunds(JsonElement order) => order.GetProperty("refunds").GetArrayLength();

    static async Task<JsonElement> Post(HttpClient client, string path, object body, CancellationToken stop)
    {
        using var answer = await client.PostAsJsonAsync(path, body, stop);
        var text = await answer.Content.ReadAsStringAsync(stop);
        if (!answer.IsSuccessStatusCode) throw new StartFailureException($"POST {path} was answered {(int)answer.StatusCode}: {text}");
        return JsonSerializer.Deserialize<JsonElement>(text.Length == 0 ? "{}" : text);
    }

    /// <summary>Every movement in the gateways' true books against ours, one by one, then the sums of the ledger.</summary>
    static async Task<int> Compare(SandboxProcess sandbox, CaptureStore store, CancellationToken stop)
    {
        var ours = (await store.All(stop)).ToLookup(c => (c.Account, c.Payment.Reference, c.Amount.MinorUnits, c.Amount.Currency.Code));
        var receivables = await store.Receivables(stop);
        var table = new Table().Title("The books").AddColumns("gateway", "movements", "theirs", "ours", "");
        var wrong = 0;
        foreach (var gateway in sandbox.Gateways)
        {
            var book = await sandbox.Control.GetFromJsonAsync<JsonElement>(new Uri($"/control/{gateway.Name}/book", UriKind.Relative), stop);
            var captured = book.EnumerateArray().Where(m => Text(m, "kind") == "captured").ToList();
            var unknown = captured.GroupBy(m => (gateway.Name, Text(m, "reference"), m.GetProperty("amount").GetInt64(), Text(m, "currency").ToUpperInvariant()))
                .Where(g => ours[g.Key].Count() != g.Count()).ToList();
            var theirs = captured.Sum(m => m.GetProperty("amount").GetInt64());
            var mine = receivables.GetValueOrDefault((gateway.Name, "INR"));
            var agree = unknown.Count == 0 && theirs == mine && ours.Where(c => c.Key.Account == gateway.Name).Sum(c => c.Count()) == captured.Count;
            if (!agree) wrong++;
            table.AddRow(gateway.Name, $"{captured.Count}", new Money(theirs, Currency.Find("INR")).ToString(), new Money(mine, Currency.Find("INR")).ToString(),
                agree ? "[green]agree[/]" : $"[red]differ: {Markup.Escape(string.Join(", ", unknown.Select(u => u.Key.Item2)))}[/]");
        }
        AnsiConsole.Write(table);
        return wrong;
    }

    static void Print(IReadOnlyList<Result> results)
    {
        var table = new Table().AddColumns("gateway", "what happened", "order", "payment", "refunds", "s", "");
        foreach (var r in results)
            table.AddRow(r.Gateway, r.Outcome.Name, r.Order, r.Payment, $"{r.Refunds}", $"{r.Seconds:0.0}",
                r.Wrong is null ? "[green]as it must be[/]" : $"[red]{Markup.Escape(r.Wrong)}[/] {r.OrderId}");
        AnsiConsole.Write(table);
    }
}
