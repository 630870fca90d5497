using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Purser.Server.Audit;
using Purser.Server.CommandLine;
using Purser.Server.Doctor;
using Purser.Server.Invoices;
using Purser.Server.Platform;
using Purser.Server.Tests.Api;
using Purser.Server.Tests.Deliveries;
using Purser.Server.Tests.Invoices;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Guides;

public sealed class RestoreTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    [Fact]
    public async Task A_restored_dump_goes_on_where_it_was_taken()
    {
        var folder = Directory.CreateTempSubdirectory("purser-dump-");
        var (from, to) = (await postgres.CreateDatabase(), await postgres.CreateEmptyDatabase());
        await using var receiver = await TestReceiver.Open();
        string cursor, book, waiting;
        List<string> told;
        long rows;
        await using (var house = await ApiHouse.Open(from, [("Deliveries:Development", "true"), .. InvoiceHouse.Seller]))
        {
            (await house.Post("/v1/webhook_endpoints", $$"""{"url": "{{receiver.Url}}/hook"}""")).Text("secret").ShouldStartWith("whsec_");
            await Paid(house, "one");
            await Paid(house, "two");
            waiting = (await house.Order()).Text("id");
            await Until.True(async () => await house.Count("select count(*) from deliveries where state <> 1") == 0, "all to be delivered");
            told = [.. receiver.At("/hook").Select(h => h.Id)];
            told.Distinct().Count().ShouldBe(told.Count);
            // The feed ends where another transaction of the server may still put something.
            await Until.True(async () => (await Feed(house, "")).Count == told.Count, "the feed to have all");
            cursor = (await house.Get("/v1/events?limit=200")).Text("next");
            book = (await house.Get("/v1/balances")).Body.GetProperty("balances").GetRawText();
            rows = await house.Rows();
            var dump = Path.Combine(folder.FullName, "purser.dump");
            await PostgresTools.Run(from, "pg_dump", "--format=custom", $"--file={dump}", new NpgsqlConnectionStringBuilder(from).Database!);
            await PostgresTools.Run(to, "pg_restore", $"--dbname={new NpgsqlConnectionStringBuilder(to).Database}", "--no-owner", "--exit-on-error", dump);
        }
        folder.Delete(recursive: true);

        await using var restored = await ApiHouse.Open(to, [("Deliveries:Development", "true"), .. InvoiceHouse.Seller]);
        (await restored.Rows()).ShouldBe(rows);
        (await restored.Get("/v1/balances")).Body.GetProperty("balances").GetRawText().ShouldBe(book);
        (await AuditCommand.Run(restored.Database, null, null, 5, null, default)).ShouldSatisfyAllConditions(r => r.Orders.ShouldBe(3), r => r.Differences.ShouldBeEmpty());
        // The feed goes on behind the cursor of before, with what happens now and nothing twice.
        (await Feed(restored, $"after={cursor}")).ShouldBeEmpty();
        // Five invoices were mailed since the dump was made.
        await GoOnBehind(restored, 7);
        await Paid(restored, "three", waiting);
        List<string> events = [];
        await Until.True(async () => (events = await Feed(restored, $"after={cursor}")).Count >= 4, "the feed to go on");
        var begins = $"evt_{waiting[4..]}_";
        events.ShouldAllBe(e => e.StartsWith(begins, StringComparison.Ordinal));
        await Until.True(async () => await restored.Count("select count(*) from deliveries where state <> 1") == 0, "the new ones to be delivered");
        receiver.At("/hook").Select(h => h.Id).ShouldBe([.. told, .. events], ignoreOrder: true);
        (await restored.Count("select max(place) from invoices")).ShouldBe(8);
        (await new InvariantStore(restored.Database).Check(default)).Where(f => f.Count > 0 && f.Name.Contains("numbered", StringComparison.Ordinal)).ShouldBeEmpty();
        (await AuditCommand.Run(restored.Database, null, null, 5, null, default)).Differences.ShouldBeEmpty();
    }

    /// <summary>As `purser invoices continue-after` does. What cannot be meant is refused, and said twice it is the same.</summary>
    static async Task GoOnBehind(ApiHouse house, long place)
    {
        var (now, zone) = (TimeProvider.System.GetUtcNow(), "Asia/Kolkata");
        var options = house.Host.Services.GetRequiredService<InvoiceOptions>();
        var series = InvoiceSeries.Of("INV", options, zone, now);
        Task<string> Continue(string number, string by = "Asha Rao") => InvoicesCommand.Continue(new InvoiceSeriesStore(house.Database), options, zone, number, by, now, default);
        foreach (var wrong in new[] { $"{series.Name}-7", $"{series.Name}-000000", "INV-0203-000007", "INX" + series.Number(7)[3..], series.Number(9_999_999), series.Number(1) })
            await Should.ThrowAsync<StartFailureException>(() => Continue(wrong), wrong);
        await Should.ThrowAsync<StartFailureException>(() => Continue(series.Number(place), "purser"));
        (await house.Count("select last from invoice_series")).ShouldBe(2);
        (await Continue(series.Number(2))).ShouldContain("already");
        (await house.Count("select count(*) from audit_log")).ShouldBe(0);
        (await Continue(series.Number(place))).ShouldContain($"The next number is {series.Number(place + 1)}.");
        (await Continue(series.Number(place))).ShouldContain("already");
        (await house.Count($"select count(*) from audit_log where by_whom = 'Asha Rao' and subject = '{series.Number(place)}' and detail like '%{series.Number(2)}%'")).ShouldBe(1);
        // Of a series that was begun after the dump.
        var credits = InvoiceSeries.Of("CRN", options, zone, now);
        (await Continue(credits.Number(3))).ShouldContain(credits.Number(4));
    }

    static async Task<List<string>> Feed(ApiHouse house, string query) =>
        [.. (await house.Get($"/v1/events?limit=200&{query}".TrimEnd('&'))).Body.GetProperty("events").EnumerateArray().Select(e => e.GetProperty("id").GetString()!)];

    static async Task Paid(ApiHouse house, string name, string? order = null)
    {
        order ??= (await house.Order()).Text("id");
        var payment = await house.Post($"/v1/orders/{order}/payments", "{}");
        await house.Tell($"evt_{name}", "captured", payment.Text("reference"), money: $"m_{name}");
    }

    [Fact]
    public async Task A_key_that_started_a_payment_answers_with_it_for_ever_and_a_new_key_starts_another()
    {
        await using var house = await ApiHouse.Open(await postgres.CreateDatabase());
        var order = (await house.Order()).Text("id");
        Task<Answered> Try(string key) => house.Post($"/v1/orders/{order}/payments", "{}", null, ("Idempotency-Key", key));
        var first = await Try("try-1");
        await house.Tell("evt_no", "failed", first.Text("reference"));
        (await Try("try-1")).ShouldSatisfyAllConditions(a => a.Text("id").ShouldBe(first.Text("id")), a => a.Text("status").ShouldBe("failed"));
        (await Try("try-1")).Text("status").ShouldBe("failed");
        (await Try("try-2")).ShouldSatisfyAllConditions(a => a.Text("id").ShouldNotBe(first.Text("id")), a => a.Text("status").ShouldBe("pending"));
    }
}
