using System.Collections.Concurrent;
using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Npgsql;
using Purser.Sandbox;
using Purser.Server.CommandLine;
using Purser.Server.Doctor;
using Purser.Server.Keys;
using Purser.Server.Platform;
using Purser.Server.Tests.Browser;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Killing;

/// <summary>kill -9 in the middle of many payments, with real processes, real PostgreSQL and the sandbox's gateways: whatever a gateway holds as paid
/// is known to us once the server runs again, and nothing is done twice.</summary>
public sealed class KillTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    /// <summary>Ten each second: more than a slow machine takes to start a server again.</summary>
    const int MostTries = 3000;

    [Fact]
    public async Task Killed_in_the_middle_of_five_hundred_payments_nothing_is_paid_and_unknown()
    {
        var connection = await postgres.CreateDatabase();
        await Survive(flows: 500, atOnce: 24, kills: 3, ("ConnectionStrings:Purser", connection), () => connection, server => server.Kill());
    }

    [Fact]
    public async Task Killed_together_with_its_own_PostgreSQL_nothing_that_was_answered_is_lost_and_nothing_is_paid_and_unknown()
    {
        const int Kills = 2;
        var own = TestFolders.Options(TestFolders.Make("killed"));
        await Survive(
            flows: 60, atOnce: 8, Kills, (EmbeddedPostgresOptions.DirectorySetting, own.Home), () => EmbeddedPostgres.Running(own).ShouldNotBeNull(), server => server.KillAll());

        Directory.EnumerateFiles(Path.Combine(own.Home, "log"), "postgresql-*.log").SelectMany(File.ReadLines)
            .Count(line => line.Contains("database system was not properly shut down", StringComparison.Ordinal)).ShouldBe(Kills);
    }

    /// <summary>Merchants and shoppers go on whatever happens; the server is killed while they do, so often and at even distances, and started again as it was.</summary>
    static async Task Survive(
        int flows, int atOnce, int kills, (string Setting, string Value) place, Func<string> connection, Func<ServerProcess, Task> kill)
    {
        await using var sandbox = await Sandbox.Sandbox.Start(new SandboxOptions { ControlPort = 0, DynamicPorts = true, Speed = 600 });
        using var control = new HttpClient { BaseAddress = sandbox.ControlUrl };
        var settings = await Accounts(control);
        var gateways = settings.Keys.Where(k => k.EndsWith(":Gateway", StringComparison.Ordinal)).Select(k => k.Split(':')[1]).ToArray();
        settings["ConnectionStrings:Purser"] = "";
        settings[place.Setting] = place.Value;
        var server = await ServerProcess.Start(settings);
        try
        {
            var urls = server.Url.ToString().TrimEnd('/');
            foreach (var gateway in gateways)
                using (var set = await control.PutAsJsonAsync($"/control/{gateway}/webhook_endpoint",
                    new { url = $"{urls}/gateways/{gateway}/webhook" }))
                    set.EnsureSuccessStatusCode();
            using var api = new HttpClient { BaseAddress = new Uri(urls), Timeout = TimeSpan.FromSeconds(60) };
            api.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", await Key(connection()));

            var done = 0;
            var placed = new ConcurrentBag<string>();
            var next = -1;
            var callers = Task.WhenAll(Enumerable.Range(0, atOnce).Select(_ => Task.Run(async () =>
            {
                while (Interlocked.Increment(ref next) is var n && n < flows)
                {
                    await Flow(api, control, n, gateways[n % gateways.Length], placed);
                    Interlocked.Increment(ref done);
                }
            })));
            for (var time = 1; time <= kills; time++)
            {
                await Until.True(() => callers.IsFaulted || Volatile.Read(ref done) >= flows * time / (kills + 1), $"flow {flows * time / (kills + 1)}", 600);
                await kill(server);
                server = await ServerProcess.Start(settings, urls);
            }
            await callers;

            placed.Distinct().Count().ShouldBe(flows);
            await using var database = Database.Build(connection());
            await NothingLostOrTwice(database, control, gateways, flows);
        }
        finally
        {
            await server.DisposeAsync();
        }
    }

    static async Task NothingLostOrTwice(NpgsqlDataSource database, HttpClient control, string[] gateways, int placed)
    {
        // Before anything is hurried: the alarm of whatever is open rings by the time at which it is to be looked at, or at the end of the lease of whoever
        // died over it; and nothing that was written contradicts itself.
        (await Count(database, """
            select count(*) from orders o where o.wake_at is null and (o.status = 0 or exists (select from payments p where p.order_id = o.id and p.status in (0, 1, 2, 3)))
                or exists (select from payments p where p.order_id = o.id and p.look_at is not null and o.wake_at > greatest(p.look_at, clock_timestamp() + interval '30 seconds'))
            """)).ShouldBe(0);
        (await new InvariantStore(database).Check(default)).Where(f => f.Count > 0).ShouldBeEmpty();
        (await Count(database, "select count(*) from orders")).ShouldBe(placed, "each order that was answered, once");
        // What was on its way when the server died comes back by the alarm clock; it is hurried here, not changed.
        await Until.True(async () =>
        {
            await using var hurry = database.CreateCommand("update orders set wake_at = clock_timestamp() where status = 0 and wake_at > clock_timestamp()");
            await using var look = database.CreateCommand("update payments set look_at = clock_timestamp() where status in (0, 1, 2, 3) and look_at is not null");
            try
            {
                await look.ExecuteNonQueryAsync();
                await hurry.ExecuteNonQueryAsync();
            }
            catch (PostgresException crossed) when (crossed.SqlState == PostgresErrorCodes.DeadlockDetected)
            {
                // The server locks these rows in an order of its own; the next round hurries them.
            }
            return (await Unknown(control, gateways, database)).Length == 0;
        }, "every movement of the gateways to be known");

        var ours = (await new CaptureStore(database).All(default)).Count;
        ours.ShouldBe(await Movements(control, gateways));
        ours.ShouldBeGreaterThan(placed / 2, "most shoppers found a link and paid");
        (await new InvariantStore(database).Check(default)).Where(f => f.Count > 0).ShouldBeEmpty();
        (await Count(database, "select count(*) from (select order_id from events where type = 13 group by order_id having count(*) > 1) x")).ShouldBe(0);
    }

    static async Task<string> Key(string connection)
    {
        await using var database = Database.Build(connection);
        return (await new ApiKeys(new ApiKeyStore(database), TimeProvider.System).Create("test", KeyKind.Secret)).Key;
    }

    static async Task<long> Count(NpgsqlDataSource database, string sql)
    {
        await using var ask = database.CreateCommand(sql);
        return (long)(await ask.ExecuteScalarAsync())!;
    }

    /// <summary>What a merchant and a shopper do: the same request again until it is answered, which the reference makes safe.</summary>
    static async Task Flow(HttpClient api, HttpClient control, int n, string gateway, ConcurrentBag<string> placed)
    {
        var order = await Again(api, "/v1/orders", new
        {
            currency = SandboxHouse.CurrencyOf(SandboxHouse.Adapters[gateway].Profile),
            reference = $"kill-{n.ToString(CultureInfo.InvariantCulture)}",
            lines = new[] { new { name = "A book", quantity = 1, unit_amount = 49900 } },
        });
        var id = order.GetProperty("id").GetString()!;
        placed.Add(id);
        var payment = await Again(api, $"/v1/orders/{id}/payments", new { gateway });
        if (payment.GetProperty("status").GetString() != "pending") return;
        PaymentId.TryParse(payment.GetProperty("id").GetString(), out var paymentId).ShouldBeTrue();
        // A link that is a form reaches its gateway with the shopper; where its answer was lost with the server, only the gateway has it.
        var link = payment.GetProperty("link") is { ValueKind: JsonValueKind.Object } open ? await Again(() => ShopperBrowser.Follow(api, open, default)) : null;
        using var paid = await control.PostAsJsonAsync($"/control/{gateway}/payments", new { reference = paymentId.Reference, outcome = "paid", link });
        paid.IsSuccessStatusCode.ShouldBeTrue(await paid.Content.ReadAsStringAsync());
    }

    /// <summary>A page that does not come is loaded again.</summary>
    static async Task<T> Again<T>(Func<Task<T>> visit)
    {
        for (var tries = 0; ; tries++)
        {
            try
            {
                if (await visit() is { } shown) return shown;
                tries.ShouldBeLessThan(MostTries, "the page to hand over");
            }
            catch (Exception gone) when (gone is HttpRequestException or TaskCanceledException && tries < MostTries)
            {
                await Task.Delay(100);
            }
        }
    }

    static async Task<JsonElement> Again(HttpClient api, string path, object body)
    {
        for (var tries = 0; ; tries++)
        {
            try
            {
                using var answer = await api.PostAsJsonAsync(path, body);
                if (answer.IsSuccessStatusCode) return await answer.Content.ReadFromJsonAsync<JsonElement>();
                ((int)answer.StatusCode).ShouldBe(503, await answer.Content.ReadAsStringAsync());
            }
            catch (Exception gone) when (gone is HttpRequestException or TaskCanceledException or JsonException && tries < MostTries)
            {
                // The server is dead or just born; the merchant asks again.
            }
            await Task.Delay(100);
        }
    }

    static async Task<Dictionary<string, string?>> Accounts(HttpClient control)
    {
        var settings = new Dictionary<string, string?>();
        foreach (var gateway in (await control.GetFromJsonAsync<JsonElement>("/control")).GetProperty("gateways").EnumerateArray().Where(g => SandboxHouse.Playable.Contains(g.GetProperty("name").GetString()!)))
        {
            var path = $"Gateways:{gateway.GetProperty("name").GetString()}";
            settings[$"{path}:Gateway"] = gateway.GetProperty("name").GetString();
            settings[$"{path}:BaseUrl"] = gateway.GetProperty("url").GetString();
            settings[$"{path}:TestMode"] = "true";
            if (SandboxHouse.Adapters[gateway.GetProperty("name").GetString()!].Profile.Settings.Any(s => s.Name == "webhook_secret"))
                settings[$"{path}:webhook_secret"] = gateway.GetProperty("webhook_secret").GetString();
            foreach (var one in gateway.GetProperty("credentials").EnumerateObject()) settings[$"{path}:{one.Name}"] = one.Value.GetString();
        }
        return settings;
    }

    static async Task<int> Movements(HttpClient control, string[] gateways)
    {
        var count = 0;
        foreach (var gateway in gateways)
            count += (await control.GetFromJsonAsync<JsonElement>($"/control/{gateway}/book")).EnumerateArray().Count(m => m.GetProperty("kind").GetString() == "captured");
        return count;
    }

    /// <summary>Money that a gateway holds and we do not know of, in words; empty when there is none.</summary>
    static async Task<string> Unknown(HttpClient control, string[] gateways, NpgsqlDataSource database)
    {
        var ours = (await new CaptureStore(database).All(default)).Select(c => c.Payment.Reference).ToHashSet();
        var missing = new List<string>();
        foreach (var gateway in gateways)
            foreach (var movement in (await control.GetFromJsonAsync<JsonElement>($"/control/{gateway}/book")).EnumerateArray())
                if (!ours.Contains(movement.GetProperty("reference").GetString()!)) missing.Add($"{gateway} holds {movement}");
        return string.Join("; ", missing);
    }
}
