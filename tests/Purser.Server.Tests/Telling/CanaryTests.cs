using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;
using Purser.Sandbox;
using Purser.Server.CommandLine;
using Purser.Server.Doctor;
using Purser.Server.Platform;
using Purser.Server.Tests.Browser;
using Purser.Server.Tests.Mail;
using Purser.Server.Tests.Platform;
using Purser.Server.Tests.Situations;
using Spectre.Console;

namespace Purser.Server.Tests.Telling;

/// <summary>No card data, no secret and no personal data in logs, traces, metrics or the doctor's words: canaries are planted wherever such data come in,
/// and everything that is told is searched for them. Traces and metrics are heard where they arrive, so whatever the server sends is searched.</summary>
public sealed class CanaryTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    const string CardNumber = "4111111111111111";
    const string Email = "canary.shopper@example.test";
    const string Name = "Canarya Songbird";
    const string Phone = "+919812345670";
    const string Note = "canary-metadata-secret";
    const string Address = "7 Canary Lane, Songville";
    const string TaxId = "29AAAAA0000A1ZY";
    const string QueryToken = "canary-query-token";
    const string MailPassword = "canary-mail-password";

    static object Order(string currency = "INR") => new
    {
        currency,
        lines = new[] { new { name = $"Card {CardNumber}", quantity = 1, unit_amount = 49900 } },
        customer = new { name = Name, email = Email, phone = Phone, address = Address, tax_id = TaxId },
        metadata = new { note = Note },
    };

    static void IsNotTold(IReadOnlyList<string> everything, IEnumerable<string> canaries)
    {
        foreach (var canary in canaries.Concat([CardNumber, Email, Name, Phone, Note, Address, TaxId]).Distinct())
            everything.Where(line => line.Contains(canary, StringComparison.Ordinal)).Select(line => line.Length <= 2000 ? line : line[..2000])
                .ShouldBeEmpty($"the canary {canary[..Math.Min(6, canary.Length)]}... must not be told");
    }

    /// <summary>The ears are open: what must be told was heard, by log, trace and metric.</summary>
    static void IsHeard(IReadOnlyList<string> everything, string order)
    {
        everything.ShouldContain(line => line.StartsWith("log", StringComparison.Ordinal) && line.Contains(order));
        everything.ShouldContain(line => line.StartsWith("/v1/traces", StringComparison.Ordinal) && line.Contains("engine.batch"));
        everything.ShouldContain(line => line.StartsWith("/v1/metrics", StringComparison.Ordinal) && line.Contains("purser.webhooks.received"));
    }

    static string TokenIn(string address) => address[(address.IndexOf("token=", StringComparison.Ordinal) + 6)..].Split('&')[0];

    [Fact]
    public async Task Nothing_personal_or_secret_is_told_and_ids_are()
    {
        var told = new Told();
        await using var collector = await OtlpReceiver.Open();
        var connection = await postgres.CreateDatabase();
        await using var mail = await MailServer.Start();
        await mail.Be("refuse 550 5.1.1 <ADDRESS> is unknown here");
        var settings = MailDeliveryTests.Settings(mail.Port).Concat(collector.Settings).ToDictionary(s => s.Name, s => (string?)s.Value);
        string id, token, secret;
        var secretsKey = SecretSettings.NewKey();
        var planted = new Dictionary<string, string?>(settings)
        {
            ["Logging:LogLevel:Default"] = "Trace",
            ["Deliveries:Development"] = "true",
            [SecretSettings.KeyVariable] = secretsKey,
            ["Mail:User"] = "canary",
            ["Mail:Password"] = SecretSettings.Encrypt(secretsKey, "Mail:Password", MailPassword),
            ["Purser:Invoices:Seller"] = "Leaf & Kettle",
            ["Purser:Invoices:Address"] = "12 Church Street, Bengaluru 560001",
        };
        List<string> hooks = [];
        await using (var shop = await Shop.Open(connection, planted, services => services.AddSingleton<ILoggerProvider>(told)))
        {
            // Nobody listens there, so there is something to tell of it.
            foreach (var signature in (string[])["v1", "v1a"])
            {
                var (status, made) = await shop.Post("/v1/webhook_endpoints", new { url = $"http://127.0.0.1:9/hook?token={QueryToken}", signature });
                status.ShouldBe(HttpStatusCode.Created, made.ToString());
                if (made.GetProperty("secret").GetString() is { } hook) hooks.Add(hook);
            }
            hooks.ShouldHaveSingleItem().ShouldStartWith("whsec_");
            var order = await shop.Order(Order());
            id = order.GetProperty("id").GetString()!;
            await shop.Pay(id);
            await shop.Tell("first", ScriptedGateway.News("evt_c", "captured", Shop.Reference(id, 1), money: "m_" + CardNumber));
            await Until.True(async () => await shop.Count("select count(*) from invoices") == 1, "the invoice to be written");
            using (var invoice = new HttpRequestMessage(HttpMethod.Get, $"/v1/orders/{id}/invoice") { Headers = { { "Accept", "application/pdf" } } })
            using (var pdf = await shop.Api.SendAsync(invoice))
                (await pdf.Content.ReadAsByteArrayAsync()).AsSpan().StartsWith("%PDF"u8).ShouldBeTrue(pdf.StatusCode.ToString());
            await Until.True(async () => await shop.Count("select count(*) from delivery_attempts where url like 'http:%'") > 1, "webhooks to be sent in vain");
            await shop.Tell("first", ScriptedGateway.News("evt_d", "captured", Shop.Reference(id, 1)), "forged");
            var checkout = order.GetProperty("checkout_url").GetString()!;
            token = TokenIn(checkout);
            using (await shop.Api.GetAsync(checkout)) { }
            using (await shop.Api.GetAsync($"/gateways/first/return?payment=pay_{id[4..]}_1&token={token}")) { }
            using (await shop.Api.GetAsync($"/gateways/first/return?pay_{id[4..]}_1.{token}")) { }
            await shop.Get($"/v1/orders/{id}/explanation");
            using (await shop.Api.PostAsJsonAsync("/v1/orders", new { currency = "INR", amount = 1, customer = new { email = Email }, card = CardNumber })) { }
            // A bug's stack trace is told too: what no program of ours wrote cannot be read.
            await using (var database = NpgsqlDataSource.Create(connection))
            await using (var spoil = database.CreateCommand("update orders set lines = $1"))
            {
                spoil.Parameters.Add(new NpgsqlParameter { Value = $$"""{"not": "lines", "{{Email}}": "{{CardNumber}}"}""" });
                await spoil.ExecuteNonQueryAsync();
            }
            using (var bug = await shop.Api.GetAsync($"/v1/orders/{id}")) bug.StatusCode.ShouldBe(HttpStatusCode.InternalServerError);
            told.Everything.ShouldContain(line => line.Contains("   at Purser.", StringComparison.Ordinal));
            await Until.True(() => told.Everything.Any(line => line.Contains("is given up", StringComparison.Ordinal)), "the mail to be given up");
            secret = shop.Api.DefaultRequestHeaders.Authorization!.Parameter!;
        }

        string[] everything = [.. told.Everything, .. collector.Everything];
        IsHeard(everything, id);
        IsNotTold(everything, [secret, token, new NpgsqlConnectionStringBuilder(connection).Password!, secretsKey, MailPassword, QueryToken, "whsec_", "whsk_", .. hooks]);
    }

    /// <summary>With wires, signatures and bodies as those gateways have them, and with answers and webhooks that are wrong.</summary>
    [Fact]
    public async Task What_gateways_know_of_us_and_say_of_shoppers_is_not_told()
    {
        var told = new Told();
        await using var collector = await OtlpReceiver.Open();
        await using var sandbox = await Sandbox.Sandbox.Start(new SandboxOptions { ControlPort = 0, DynamicPorts = true, Speed = 60 });
        GatewayWorld[] worlds = [sandbox.World("razorpay")!, sandbox.World("stripe")!];
        var connection = await postgres.CreateDatabase();
        var settings = SandboxHouse.Accounts(worlds);
        var secrets = worlds.SelectMany(w => SandboxHouse.Adapters[w.Dialect.Name].Profile.Settings.Where(s => s.Secret)
            .Select(s => settings.GetValueOrDefault($"Gateways:{w.Dialect.Name}:{s.Name}"))).OfType<string>().ToList();
        secrets.Count.ShouldBeGreaterThanOrEqualTo(4);
        foreach (var (name, value) in collector.Settings) settings[name] = value;
        settings["ConnectionStrings:Purser"] = connection;
        settings["urls"] = "http://127.0.0.1:0";
        settings["Logging:LogLevel:Default"] = "Trace";
        settings["Purser:TrustedProxies"] = "10.0.0.1";
        List<string> orders = [];
        await using (var host = await ServerHost.Start([], settings, services => services.AddSingleton<ILoggerProvider>(told)))
        {
            secrets.Add((await DevelopmentKeys.Renew(host, "test", default)).Secret);
            using var api = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = new Uri(host.Url) };
            api.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", secrets[^1]);
            foreach (var world in worlds)
            {
                world.Webhooks.Register(new Uri($"{host.Url}/gateways/{world.Dialect.Name}/webhook"), null);
                foreach (var spoilt in new[] { true, false }) orders.Add(await Flow(api, world, spoilt, secrets));
            }
        }

        var doctor = await Doctor(settings);
        worlds.ShouldAllBe(w => doctor.Contains(w.Dialect.Name));
        string[] everything = [.. told.Everything, .. collector.Everything, doctor];
        foreach (var order in orders) IsHeard(everything, order);
        IsNotTold(everything, [.. secrets, new NpgsqlConnectionStringBuilder(connection).Password!]);
    }

    /// <summary>One order from its link to its refund. Where it is spoilt the first answer breaks off, and nobody can pay.</summary>
    static async Task<string> Flow(HttpClient api, GatewayWorld world, bool spoilt, List<string> secrets)
    {
        var gateway = world.Dialect.Name;
        world.Faults.Set(spoilt ? [new("create_link", "malformed", Variant: "truncated")] : []).ShouldBeNull();
        var order = await Json(await api.PostAsJsonAsync("/v1/orders", Order()));
        var id = order.GetProperty("id").GetString()!;
        secrets.Add(order.GetProperty("token").GetString()!);
        var payment = await Json(await api.PostAsJsonAsync($"/v1/orders/{id}/payments", new { gateway }));
        payment.GetProperty("status").GetString().ShouldBe(spoilt ? "unresolved" : "pending");
        using (var forged = new StringContent($$"""{"email": "{{Email}}", "card": "{{CardNumber}}"}""", Encoding.UTF8, "application/json"))
        {
            forged.Headers.Add("X-Razorpay-Signature", "00");
            forged.Headers.Add("Stripe-Signature", "t=1,v1=00");
            forged.Headers.Add("X-Forwarded-For", Email);
            using var refused = await api.PostAsync($"/gateways/{gateway}/webhook", forged);
            ((int)refused.StatusCode).ShouldBe(401);
        }
        if (spoilt) return id;

        var link = world.Dialect.LinkByReference(Shop.Reference(id, 1))!;
        var paid = Shopper.Act(world, link, "paid", null);
        await Until.True(async () => (await Json(await api.GetAsync($"/v1/orders/{id}"))).GetProperty("status").GetString() == "paid", $"{gateway}'s webhook to be believed");
        using (var back = await api.GetAsync(new Uri(new Uri(api.BaseAddress!, "/"), new Uri(paid.Return!.Url).PathAndQuery))) ((int)back.StatusCode).ShouldBeInRange(300, 399);
        using var refund = new HttpRequestMessage(HttpMethod.Post, $"/v1/orders/{id}/refunds") { Content = JsonContent.Create(new { amount = 100, note = Note }) };
        refund.Headers.Add("Idempotency-Key", "canary-refund-" + gateway);
        await Json(await api.SendAsync(refund));
        return id;
    }

    static async Task<JsonElement> Json(HttpResponseMessage answer)
    {
        using (answer)
        {
            answer.IsSuccessStatusCode.ShouldBeTrue(await answer.Content.ReadAsStringAsync());
            return await answer.Content.ReadFromJsonAsync<JsonElement>();
        }
    }

    static async Task<string> Doctor(Dictionary<string, string?> settings)
    {
        using var configuration = new ConfigurationManager();
        configuration.AddInMemoryCollection(settings);
        using var words = new StringWriter();
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, ColorSystem = ColorSystemSupport.NoColors, Out = new AnsiConsoleOutput(words) });
        console.Profile.Width = 4000;
        await DoctorCommand.Run(configuration, TimeProvider.System, default, console);
        return words.ToString();
    }

    /// <summary>Hears every log line.</summary>
    sealed class Told : ILoggerProvider, ILogger
    {
        readonly ConcurrentQueue<string> lines = new();

        public IReadOnlyList<string> Everything => [.. lines];

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull
        {
            lines.Enqueue($"log scope {state}");
            return null;
        }

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            lines.Enqueue($"log {formatter(state, exception)} {exception}");

        public void Dispose() { }
    }
}
