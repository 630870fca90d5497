using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Net.Http.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Purser.Server.Tests.Mail;
using Purser.Server.Tests.Platform;
using Purser.Server.Tests.Situations;

namespace Purser.Server.Tests.Telling;

/// <summary>No card data, no secret and no personal data in logs, traces or metrics: canaries are planted wherever such data come in, and everything
/// that is told is searched for them.</summary>
public sealed class CanaryTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    const string CardNumber = "4111111111111111";
    const string Email = "canary.shopper@example.test";
    const string Name = "Canarya Songbird";
    const string Phone = "+919812345670";
    const string Note = "canary-metadata-secret";

    [Fact]
    public async Task Nothing_personal_or_secret_is_told_and_ids_are()
    {
        using var told = new Told();
        var connection = await postgres.CreateDatabase();
        await using var mail = await MailServer.Start();
        await mail.Be("refuse 550 5.1.1 <ADDRESS> is unknown here");
        var settings = MailDeliveryTests.Settings(mail.Port).ToDictionary(s => s.Name, s => (string?)s.Value);
        await using var shop = await Shop.Open(connection, new Dictionary<string, string?>(settings) { ["Logging:LogLevel:Default"] = "Trace" },
            services => services.AddSingleton<ILoggerProvider>(told));
        var order = await shop.Order(new
        {
            currency = "INR",
            lines = new[] { new { name = $"Card {CardNumber}", quantity = 1, unit_amount = 49900 } },
            customer = new { name = Name, email = Email, phone = Phone },
            metadata = new { note = Note },
        });
        var id = order.GetProperty("id").GetString()!;
        await shop.Pay(id);
        await shop.Tell("first", ScriptedGateway.News("evt_c", "captured", Shop.Reference(id, 1), money: "m_" + CardNumber));
        await shop.Tell("first", ScriptedGateway.News("evt_d", "captured", Shop.Reference(id, 1)), "forged");
        var checkout = order.GetProperty("checkout_url").GetString()!;
        var token = checkout[(checkout.IndexOf("token=", StringComparison.Ordinal) + 6)..];
        using (await shop.Api.GetAsync(checkout)) { }
        using (await shop.Api.GetAsync($"/gateways/first/return?payment=pay_{id[4..]}_1&token={token}")) { }
        using (await shop.Api.GetAsync($"/gateways/first/return?pay_{id[4..]}_1.{token}")) { }
        using (await shop.Api.PostAsJsonAsync("/v1/orders", new { currency = "INR", amount = 1, customer = new { email = Email }, card = CardNumber })) { }
        // A bug's stack trace is told too: a text that PostgreSQL cannot hold makes one.
        using (await shop.Api.PostAsJsonAsync("/v1/orders", new { currency = "INR", lines = new[] { new { name = "a\0b " + Name, quantity = 1, unit_amount = 100 } } })) { }
        await shop.Get($"/v1/orders/{id}/explanation");

        await Until.True(() => told.Everything().Any(line => line.Contains("is given up", StringComparison.Ordinal)), "the mail to be given up");

        var secret = shop.Api.DefaultRequestHeaders.Authorization!.Parameter!;
        var password = new Npgsql.NpgsqlConnectionStringBuilder(connection).Password!;
        var everything = told.Everything();
        foreach (var canary in new[] { CardNumber, Email, Name, Phone, Note, secret, token, password })
            everything.Where(line => line.Contains(canary, StringComparison.Ordinal)).ShouldBeEmpty($"the canary {canary[..6]}... must not be told");

        // The ears are open: what must be told was heard, by log, trace and metric.
        everything.ShouldContain(line => line.StartsWith("log", StringComparison.Ordinal) && line.Contains(id));
        everything.ShouldContain(line => line.StartsWith("span", StringComparison.Ordinal) && line.Contains("engine.batch"));
        everything.ShouldContain(line => line.StartsWith("metric", StringComparison.Ordinal) && line.Contains("purser.webhooks.received"));
    }

    /// <summary>Hears every log line, span and measurement of the process.</summary>
    sealed class Told : ILoggerProvider, ILogger
    {
        readonly ConcurrentQueue<string> lines = new();
        readonly ActivityListener spans;
        readonly MeterListener metrics = new();

        public Told()
        {
            spans = new ActivityListener
            {
                ShouldListenTo = source => source.Name.StartsWith("Purser", StringComparison.Ordinal) || source.Name == "Npgsql",
                Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
                ActivityStopped = span => lines.Enqueue($"span {span.DisplayName} {string.Join(' ', span.TagObjects.Select(t => $"{t.Key}={t.Value}"))} " +
                    string.Join(' ', span.Events.SelectMany(e => e.Tags).Select(t => $"{t.Key}={t.Value}"))),
            };
            ActivitySource.AddActivityListener(spans);
            metrics.InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter.Name.StartsWith("Purser", StringComparison.Ordinal) || instrument.Meter.Name is "Npgsql" or "Microsoft.AspNetCore.Hosting")
                    listener.EnableMeasurementEvents(instrument);
            };
            metrics.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Measured(instrument, value, tags));
            metrics.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Measured(instrument, value, tags));
            metrics.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Measured(instrument, value, tags));
            metrics.Start();
        }

        public IReadOnlyList<string> Everything() => [.. lines];

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull
        {
            lines.Enqueue($"log scope {state}");
            return null;
        }

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            lines.Enqueue($"log {formatter(state, exception)} {exception}");

        void Measured<T>(Instrument instrument, T value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            var text = $"metric {instrument.Name} {value}";
            foreach (var (name, tag) in tags) text += $" {name}={tag}";
            lines.Enqueue(text);
        }

        public void Dispose()
        {
            spans.Dispose();
            metrics.Dispose();
        }
    }
}
