using Npgsql;
using Purser.Server.Doctor;
using Purser.Server.Tests.Deliveries;
using Purser.Server.Tests.Invoices;
using Purser.Server.Tests.Mail;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Killing;

/// <summary>kill -9 between telling somebody and writing that it was told, and between taking an invoice's number and keeping the invoice.</summary>
public sealed class KilledTellingTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    const int Orders = 30;
    const int HeldInvoice = 20;
    const int Places = 8;
    const int Answered = 40;
    const string Ours = "the test";

    [Fact]
    public async Task Nothing_untold_is_lost_messages_keep_their_ids_and_no_number_is_missing_or_twice()
    {
        await using var mail = await MailServer.Start();
        await using var receiver = await TestReceiver.Open();
        var connection = await postgres.CreateDatabase();
        (string Name, string Value)[] settings =
        [
            .. MailDeliveryTests.Settings(mail.Port, ("Mail:TimeOut", "00:01:00")), .. InvoiceHouse.Seller, ("Deliveries:Development", "true"), ("Deliveries:TimeOut", "00:01:00"),
        ];
        await PaidAndUntold(connection, settings, receiver.Url + "/hook");
        var own = new Dictionary<string, string?> { ["ConnectionStrings:Purser"] = connection + ";Maximum Pool Size=50;Command Timeout=600" };
        foreach (var (name, value) in settings) own[name] = value;
        await using var database = Server.Platform.Database.Build($"{connection};Application Name={Ours}");

        // The first life ends when messages and mails are handed over and not yet acknowledged, and one invoice has its number and is not yet written.
        var end = new TaskCompletionSource();
        receiver.Does = (_, _) => receiver.At("/hook").Count > Answered ? end.Task : Task.CompletedTask;
        await mail.Be("hold");
        await using (var holder = await database.OpenConnectionAsync())
        {
            await Do(holder, "update webhook_endpoints set status = 0");
            await using var holding = await holder.BeginTransactionAsync();
            await Do(holder, $"""
                insert into invoices (series, place, number, kind, order_id, payment, currency, total, issued_at, document)
                select 'held', 1, 'held', 0, order_id, 1, 'INR', 1, now(), '' from
                    (select d.order_id from deliveries d join webhook_endpoints e on e.number = d.receiver where e.kind = 3 order by d.due_at offset {HeldInvoice} limit 1) x
                """);
            await using (var first = await ServerProcess.Start(own))
            {
                await Until.True(() => receiver.At("/hook").Count >= Answered + Places, "messages that are not answered");
                await mail.Wait(Places);
                await Until.True(async () => await Count(database, Blocked) > 0, "an invoice with a number that is not written");
                await first.Kill();
            }
            await Bury(database);
        }
        (await Count(database, "select count(*) from deliveries where state = 0 and attempts = 1")).ShouldBeGreaterThanOrEqualTo(2 * Places);

        // The second ends when all of it is told, and that it was cannot be written.
        receiver.Does = null;
        await mail.Be("take");
        var (told, mailed, written) = (receiver.At("/hook").Count, (await mail.All()).Count, await Count(database, Invoices));
        await using (var holder = await database.OpenConnectionAsync())
        {
            await using var holding = await holder.BeginTransactionAsync();
            await Do(holder, "lock table delivery_attempts in share mode");
            await using (var second = await ServerProcess.Start(own))
            {
                await Until.True(() => receiver.At("/hook").Count >= told + Places, "messages that are taken");
                await mail.Wait(mailed + Places);
                await Until.True(async () => await Count(database, Blocked) > 0 && await Count(database, Held) >= 3 * Places, "three receivers' places to be held");
                await second.Kill();
            }
            await Bury(database);
        }
        (await Count(database, Invoices)).ShouldBeGreaterThan(written);
        (await Count(database, "select count(*) from deliveries where state = 0 and attempts > 0")).ShouldBeGreaterThanOrEqualTo(3 * Places);

        await using (await ServerProcess.Start(own))
            await Until.True(async () => await Count(database, "select count(*) from deliveries where state <> 1") == 0, "all to be told");

        var heard = receiver.At("/hook");
        (await Count(database, "select count(*) from events")).ShouldBe(heard.Select(h => h.Id).Distinct().Count());
        heard.GroupBy(h => h.Id).ShouldAllBe(h => h.Select(t => t.Body).Distinct().Count() == 1);
        heard.GroupBy(h => h.Id).Count(h => h.Count() > 1).ShouldBeGreaterThanOrEqualTo(Places, "what was on its way comes again, under its id");
        var mails = await mail.All();
        mails.Select(m => m.Id).Distinct().Count().ShouldBe(Orders);
        mails.Count.ShouldBeGreaterThanOrEqualTo(Orders + Places);
        (await Count(database, Invoices)).ShouldBe(Orders);
        (await Count(database, "select count(distinct order_id) from invoices")).ShouldBe(Orders);
        (await Count(database, "select count(distinct place) from invoices where place between 1 and (select last from invoice_series)")).ShouldBe(Orders, "each number once");
        (await Count(database, "select last from invoice_series")).ShouldBe(Orders, "and none is missing");
        (await new InvariantStore(database).Check(default)).Where(f => f.Count > 0).ShouldBeEmpty();
    }

    const string Held = "select count(*) from deliveries where state = 0 and leased_until is not null";
    const string Invoices = "select count(*) from invoices";
    const string Blocked = $"select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and application_name <> '{Ours}'";

    /// <summary>Orders that are paid, and of which nobody was told: deliveries are written for all, and paused.</summary>
    static async Task PaidAndUntold(string connection, (string, string)[] settings, string hook)
    {
        await using var house = await DeliveryHouse.Node(connection, new PushedClock(), settings);
        await house.Post("/v1/webhook_endpoints", $$"""{"url": "{{hook}}"}""");
        await house.Count("with u as (update webhook_endpoints set status = 1 returning 1) select count(*) from u");
        for (var n = 0; n < Orders; n++) await MailDeliveryTests.Paid(house, $"{n}");
        (await house.Count("select count(*) from deliveries where attempts > 0")).ShouldBe(0);
    }

    /// <summary>The connections of a dead machine end, and its leases run out.</summary>
    static async Task Bury(NpgsqlDataSource database)
    {
        await Count(database, $"select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = current_database() and application_name <> '{Ours}'");
        await Until.True(async () => await Count(database, $"select count(*) from pg_stat_activity where datname = current_database() and application_name <> '{Ours}'") == 0, "its connections to end");
        await Count(database, "with u as (update deliveries set leased_until = now() where state = 0 and leased_until is not null returning 1) select count(*) from u");
    }

    static async Task Do(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    static async Task<long> Count(NpgsqlDataSource database, string sql)
    {
        await using var ask = database.CreateCommand(sql);
        return (long)(await ask.ExecuteScalarAsync())!;
    }
}
