using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Purser.Orders;
using Purser.Reconciliation;
using Purser.Server.Audit;
using Purser.Server.Deliveries;
using Purser.Server.Mail;
using Purser.Server.Tests.Api;
using Purser.Server.Tests.Deliveries;
using Purser.Server.Tests.Invoices;
using Purser.Server.Tests.Platform;
using Purser.Server.Tests.Settlement;
using Purser.Server.Webhooks;
using static Purser.Server.Tests.Settlement.StatementGateway;

namespace Purser.Server.Tests.Mail;

/// <summary>What operators are written that is no event of an order: how often, and until when.</summary>
public sealed class OperatorNoticeTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    static readonly (string, string)[] WithMailbox = [("Mail:Mailbox", "true"), ("Purser:Demo", "true")];

    static List<Letter> Letters(IServiceProvider services, string about) =>
        [.. services.GetRequiredService<Mailbox>().Letters.Select(r => r.Letter).Where(l => l.Subject.EndsWith(about, StringComparison.Ordinal))];

    static Task AllTold(Func<string, Task<long>> count, int notices) =>
        Until.True(async () => await count("select count(*) from operator_notices where state = 1") == notices && await count("select count(*) from operator_notices") == notices,
            $"{notices} notices to be told");

    [Fact]
    public async Task One_mail_tells_of_all_questions_of_a_file_about_rows_that_belong_to_no_order()
    {
        const int Strangers = 1100;
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase(), null, WithMailbox);
        var lines = Enumerable.Range(0, Strangers).Select(i => Line($"s{i}", new PaymentId(new OrderId(1000 + i), 1), 700))
            .Append(Line("dollars", new PaymentId(new OrderId(77), 1), 1250, currency: "USD")).Append(Line("back", null, -300, SettlementKind.Refund)).ToList();
        var done = await house.Settle(Statement(lines));
        await AllTold(house.Ask<long>, 1);
        var letter = Letters(house.Host.Services, "Rows of a statement do not agree").ShouldHaveSingleItem();
        var sum = $"{await house.Ask<long>("select sum(abs(amount))::bigint from settlement_discrepancies where currency = 'INR'") / 100:#,##0}.00";
        var open = await house.Ask<long>("select count(*) from settlement_discrepancies where resolved_at is null");
        open.ShouldBeGreaterThan(Strangers);
        letter.Text.ShouldSatisfyAllConditions(
            t => t.ShouldContain($"({done.Text("id")})"), t => t.ShouldContain("Gateway account: shop"), t => t.ShouldContain($"Open questions: {open}"), t => t.ShouldContain("$12.50 USD"),
            t => t.ShouldContain(sum), t => t.ShouldContain("/v1/discrepancies?open=true"));

        // A file without such rows brings none, nor does what is no longer so.
        await house.Settle(Statement(Line("x", null, 5000, SettlementKind.Adjustment)));
        (await house.Ask<long>("select count(*) from operator_notices")).ShouldBe(1);
        // One of a kind that only a newer program knows waits for that, and nothing waits behind it.
        await house.Ask<long>("with n as (insert into operator_notices (kind, account, since, at, due_at) values (99, 'shop', now(), now(), now() - interval '1 day'), (4, 'shop', now(), now(), now()) returning 1) select count(*) from n");
        await Until.True(async () => await house.Ask<long>("select count(*) from operator_notices where state = 1") == 2, "the notice that is known to be told");
        (await house.Ask<string>("select string_agg(kind || ' ' || state || ' ' || failures || ' ' || (leased_until is null), ';') from operator_notices where state = 0")).ShouldBe("99 0 0 true");
        house.Host.Services.GetRequiredService<Mailbox>().Letters.Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_refused_file_is_told_to_operators_and_by_the_doctor_until_a_good_one_of_its_days_or_a_person_s_word_replaces_it()
    {
        const string Refused = "Settlement files are refused", NotKept = "A dropped settlement file could not be kept";
        var folder = Directory.CreateTempSubdirectory("purser-refused-").FullName;
        try
        {
            var mine = Directory.CreateDirectory(Path.Combine(folder, "shop")).FullName;
            await File.WriteAllBytesAsync(Path.Combine(mine, "nothing.csv"), []);
            var connection = await postgres.CreateDatabase();
            await using var house = await SettlementHouse.Open(connection, null, [.. WithMailbox, ("Purser:Settlement:Folder", folder)]);
            var services = house.Host.Services;
            Task<string> Doctor() => DoctorSays.Of(connection, ("Purser:Settlement:Folder", folder));
            var good = Line("a", null, 500, SettlementKind.Adjustment) with { SettledOn = new DateOnly(2026, 3, 1) };
            var cut = (byte[])[.. Statement(good), .. "b,nonsense,,,,1,INR\n"u8];
            var first = await house.Settle(cut);
            first.Text("state").ShouldBe("refused");
            await Until.True(() => Task.FromResult(Letters(services, Refused).Count == 1 && Letters(services, NotKept).Count == 1), "both to be told");
            var letter = System.Text.RegularExpressions.Regex.Replace(Letters(services, Refused)[0].Text, @"\s+", " ");
            foreach (var words in (string[])["Gateway account: shop", "Refused, and not replaced: 1", $"({first.Text("id")}) at row 3: The row has 7 cells where the header has 12.", $"/v1/settlements/{first.Text("id")}/dismissal"])
                letter.ShouldContain(words, customMessage: letter);
            Letters(services, NotKept)[0].Text.ShouldContain("nothing.csv: It is empty.");

            // A dry run tells nobody; what comes after the day's mail is in the next day's.
            (await house.Upload([.. cut, .. "c"u8], "gateway=shop&dry_run=true")).Text("state").ShouldBe("refused");
            var second = await house.Settle("no,such,columns\n1,2,3\n"u8.ToArray());
            second.Text("state").ShouldBe("refused");
            (await house.Ask<long>("select count(*) from operator_notices where kind = 6")).ShouldBe(2);
            (await Doctor()).ShouldSatisfyAllConditions(
                d => d.ShouldContain("2 file(s) of shop were refused"), d => d.ShouldContain($"({first.Text("id")}) at row 3"), d => d.ShouldContain($"({second.Text("id")})"), d => d.ShouldContain("nothing.csv"));

            // A good file of other days replaces neither, one of its days the first, and a person's word the second.
            await house.Settle(Statement(good with { RowKey = "other", SettledOn = new DateOnly(2026, 3, 2) }));
            (await Doctor()).ShouldContain("2 file(s) of shop were refused");
            var done = await house.Settle(Statement(good));
            (await Doctor()).ShouldSatisfyAllConditions(d => d.ShouldContain("1 file(s) of shop were refused"), d => d.ShouldNotContain($"({first.Text("id")})"));
            (await Dismiss(second)).ShouldSatisfyAllConditions(a => a.Status.ShouldBe(HttpStatusCode.OK), a => a.Body.GetProperty("refusal").GetProperty("dismissed_at").GetDateTime().ShouldNotBe(default));
            (await Dismiss(second)).Status.ShouldBe(HttpStatusCode.OK);
            (await Doctor()).ShouldNotContain("were refused");
            (await house.Ask<string>("select string_agg(by_whom || ' ' || action || ' ' || subject || ' ' || reason, ';') from audit_log")).ShouldBe($"Asha Rao dismiss {second.Text("id")} Another report.");
            (await AuditCommand.Run(house.Database, null, null, 3, null, default)).Differences.ShouldBeEmpty();
            (await Dismiss(done)).ShouldSatisfyAllConditions(a => a.Status.ShouldBe(HttpStatusCode.Conflict), a => a.Body.ToString().ShouldContain("settlement_not_refused"));

            // Sent again it is read again, and what was said of it is over.
            await house.Settle("no,such,columns\n1,2,3\n"u8.ToArray());
            (await Doctor()).ShouldContain("1 file(s) of shop were refused");

            Task<Answered> Dismiss(Answered file) => house.Post($"/v1/settlements/{file.Text("id")}/dismissal", new { by = "Asha Rao", reason = "Another report." });
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task An_endpoint_that_was_resumed_or_deleted_before_the_mail_left_brings_none()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase(), null, WithMailbox);
        await house.Ask<long>("""
            with made as (
                insert into webhook_endpoints (id, url, types, ordered, status, created_at, updated_at)
                select 'we_' || s, 'http://127.0.0.1:9/' || s, '{}', false, s, now(), now() from generate_series(0, 2) s returning number),
            n as (insert into operator_notices (kind, receiver, since, at, due_at) select 1, number, now(), now(), now() from made returning 1)
            select count(*) from n
            """);
        await AllTold(house.Ask<long>, 3);
        var letter = house.Host.Services.GetRequiredService<Mailbox>().Letters.ShouldHaveSingleItem().Letter;
        letter.ShouldSatisfyAllConditions(l => l.Subject.ShouldBe("Purser: A webhook endpoint is paused"), l => l.Text.ShouldContain("Endpoint: we_1"));
    }

    [Fact]
    public async Task Where_operators_have_no_mail_no_notice_is_kept()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase(), null, [.. WithMailbox, ("Mail:Operators", "")]);
        await house.Settle(Statement(Line("stranger", new PaymentId(new OrderId(77), 1), 700)));
        (await house.Ask<long>("select count(*) from settlement_discrepancies")).ShouldBe(1);
        (await house.Ask<long>("select count(*) from operator_notices")).ShouldBe(0);
    }

    [Fact]
    public async Task News_that_stay_aside_bring_one_mail_a_day_for_their_account_and_each_message_one()
    {
        await using var house = await ApiHouse.Open(await postgres.CreateDatabase(), WithMailbox);
        await house.Tell("lost1", "captured", "names no payment");
        await house.Tell("lost2", "captured", "names no payment either");
        for (var i = 0; i < 2; i++) await ReadAgain(house, i);
        (await house.Count("select count(*) from operator_notices")).ShouldBe(0, "what comes a moment before its payment is nothing for a person");
        for (var i = 2; i < 5; i++) await ReadAgain(house, i);
        await AllTold(sql => house.Count(sql), 1);
        Letters(house.Host.Services, "messages are kept aside").ShouldHaveSingleItem().Text.ShouldSatisfyAllConditions(
            t => t.ShouldContain("Gateway account: first"), t => t.ShouldContain("Kept aside: 2"), t => t.ShouldContain("/v1/gateway_news?verdict=quarantined&gateway=first"));

        await NextDay(house);
        await ReadAgain(house, 5);
        (await house.Count("select count(*) from operator_notices")).ShouldBe(1, "both were told of");
        await house.Tell("lost3", "captured", "names none, too");
        for (var i = 0; i < 3; i++) await ReadAgain(house, i);
        await AllTold(sql => house.Count(sql), 2);
        Letters(house.Host.Services, "messages are kept aside").Count.ShouldBe(2);
    }

    static async Task ReadAgain(ApiHouse house, int reading)
    {
        await house.Count($"with aged as (update gateway_news set received_at = received_at - interval '{SecondReading.Delays[reading].TotalSeconds} seconds' returning 1) select count(*) from aged");
        await house.Host.Services.GetRequiredService<SecondReading>().ReadDue(default);
    }

    /// <summary>What was told was told a day before, and as long after it came as it was.</summary>
    static Task<long> NextDay(ApiHouse house) => house.Count("""
        with news as (update gateway_news set received_at = received_at - interval '1 day' returning 1),
        notices as (update operator_notices set since = since - interval '1 day', at = at - interval '1 day' returning 1) select count(*) from news, notices
        """);

    [Fact]
    public async Task A_notice_that_the_mail_server_refuses_for_days_is_told_when_it_takes_it()
    {
        await using var server = await MailServer.Start();
        await server.Be("refuse 550 5.1.1 <ADDRESS> is unknown here");
        await using var receiver = await TestReceiver.Open();
        receiver.Does = (http, _) =>
        {
            http.Response.StatusCode = 410;
            return Task.CompletedTask;
        };
        var clock = new PushedClock().StandStill();
        await using var house = await DeliveryHouse.Node(await postgres.CreateDatabase(), clock, MailDeliveryTests.Settings(server.Port, ("Mail:Operators", "money@shop.example")));
        await house.Post("/v1/webhook_endpoints", $$"""{"url": "{{receiver.Url}}/gone", "event_types": ["order.created"]}""");
        await house.Order();
        for (var failures = 1; failures < DeliverySchedule.Waits.Count + 3; failures++)
        {
            await Until.True(async () => await house.Count($"select count(*) from operator_notices where failures >= {failures}") == 1, $"{failures} failures");
            (await house.Count("select count(*) from operator_notices where state = 0")).ShouldBe(1);
            clock.Push(TimeSpan.FromHours(12));
        }
        await server.Be("take");
        clock.Push(TimeSpan.FromHours(12));
        (await server.Wait(1))[0].Subject.ShouldBe("Purser: A webhook endpoint is paused");
    }

    [Theory]
    [InlineData("550 5.1.1 <ADDRESS> is unknown here", 1)]
    // Of those who are put off for a while only the first tries tell, of which each may bring the others the same mail.
    [InlineData("450 4.2.1 <ADDRESS> has no room", 8)]
    public async Task An_operator_whom_the_mail_server_does_not_take_brings_the_others_no_endless_repeats(string refusal, int most)
    {
        const string Stays = "money@shop.example", Left = "left@shop.example";
        await using var server = await MailServer.Start();
        await server.Be($"refuse {Left} {refusal}");
        await using var receiver = await TestReceiver.Open();
        receiver.Does = (http, _) =>
        {
            http.Response.StatusCode = 410;
            return Task.CompletedTask;
        };
        var clock = new PushedClock().StandStill();
        await using var house = await DeliveryHouse.Node(await postgres.CreateDatabase(), clock, MailDeliveryTests.Settings(server.Port, ("Mail:Operators", $"{Stays}, {Left}")));
        await house.Post("/v1/webhook_endpoints", $$"""{"url": "{{receiver.Url}}/gone", "event_types": ["order.created"]}""");
        await house.Order();
        for (var tries = 1; tries <= most; tries++)
        {
            var mails = await server.Wait(tries);
            mails.Count.ShouldBe(tries);
            mails[^1].ShouldSatisfyAllConditions(m => m.Id.ShouldBe(mails[0].Id), m => m.To.ShouldBe([Stays]), m => m.Subject.ShouldBe("Purser: A webhook endpoint is paused"));
            await Until.True(async () => await house.Count($"select count(*) from operator_notices where state = 1 or failures >= {tries}") == 1, "its end or its next try");
            if (tries < most) clock.Push(TimeSpan.FromHours(13));
        }
        (await house.Count("select count(*) from operator_notices where state = 1")).ShouldBe(1);
        clock.Push(TimeSpan.FromDays(30));
        (await server.All()).Count.ShouldBe(most);
    }

    [Fact]
    public async Task A_receiver_that_refuses_one_kind_of_event_brings_one_mail_a_day_which_tells_no_secret_of_its_address()
    {
        const string Canary = "canary-query-token";
        await using var receiver = await TestReceiver.Open();
        receiver.Does = (http, heard) =>
        {
            if (heard.Body.Contains("\"order.created\"", StringComparison.Ordinal)) http.Response.StatusCode = 500;
            return Task.CompletedTask;
        };
        var clock = new PushedClock().StandStill();
        var now = clock.GetUtcNow();
        clock.Push(now.Date.AddDays(1).AddHours(1) - now.UtcDateTime);
        await using var house = await DeliveryHouse.Node(await postgres.CreateDatabase(), clock, WithMailbox);
        await house.Post("/v1/webhook_endpoints", $$"""{"url": "{{receiver.Url}}/picky?token={{Canary}}", "event_types": ["order.created", "order.paid"]}""");
        await DeadLetter("a");
        await AllTold(sql => house.Count(sql), 1);
        // The day's mail is written; these are in the next day's, and no mail is needed for that to come.
        await DeadLetter("b");
        await DeadLetter("c");
        (await house.Count("select count(*) from operator_notices where state = 0")).ShouldBe(1);
        Letters(house.Host.Services, "Webhooks are given up").Count.ShouldBe(1);
        clock.Push(TimeSpan.FromDays(1));
        await AllTold(sql => house.Count(sql), 2);
        var letters = Letters(house.Host.Services, "Webhooks are given up");
        letters.Count.ShouldBe(2);
        letters.Select(l => l.Text.Contains("Given up so far: 1\r\n", StringComparison.Ordinal)).ShouldBe([true, false], ignoreOrder: true);
        letters.ShouldContain(l => l.Text.Contains("Given up so far: 3\r\n", StringComparison.Ordinal));
        foreach (var letter in letters)
        {
            letter.Text.ShouldContain($"Address: {receiver.Url}/picky\r\n");
            (letter.Text + letter.Html + letter.Subject).ShouldNotContain(Canary);
        }

        async Task DeadLetter(string name)
        {
            var dead = await house.Count("select count(*) from deliveries where state = 2");
            var order = (await house.Order()).Text("id");
            await Until.True(async () => await house.Count("select count(*) from deliveries where state = 0 and failures = 1") == 1, "the first failure");
            await house.Count($"with u as (update deliveries set failures = {DeliverySchedule.Waits.Count} where state = 0 returning 1) select count(*) from u");
            clock.Push(DeliverySchedule.Waits[0] * 1.21);
            await Until.True(async () => await house.Count("select count(*) from deliveries where state = 2") == dead + 1, "it to be given up");
            var payment = await house.Post($"/v1/orders/{order}/payments", "{}");
            await house.Tell($"evt_{name}", "captured", payment.Text("reference"), money: $"m_{name}");
            await Until.True(async () => await house.Count("select count(*) from webhook_endpoints where kind = 0 and failing_since is null") == 1, "another event to be taken");
        }
    }

    [Fact]
    public async Task A_mail_that_no_shopper_can_be_given_is_told_to_operators_by_its_order_and_nobody_s_address()
    {
        await using var server = await MailServer.Start();
        var clock = new PushedClock();
        var now = clock.GetUtcNow();
        clock.Push(now.Date.AddDays(1).AddHours(1) - now.UtcDateTime);
        await using var house = await DeliveryHouse.Node(await postgres.CreateDatabase(), clock, MailDeliveryTests.Settings(server.Port, ("Mail:Operators", "money@shop.example")));
        await server.Be("refuse 550 5.1.1 <ADDRESS> is unknown here");
        var orders = new List<string>();
        foreach (var name in (string[])["a", "b", "c"]) orders.Add(await MailDeliveryTests.Paid(house, name));
        await Until.True(async () => await house.Count("select count(*) from deliveries where state = 2") == 3, "all three to be given up");
        await server.Be("take");
        for (var hours = 0; hours < 36 && await house.Count("select count(*) from operator_notices where state = 0") > 0; hours++) await Told();
        var letters = await server.All();
        letters.Count.ShouldBeInRange(1, 2, "the first day's, and the next one's for those that came while it was written");
        letters.ShouldAllBe(l => l.To.Single() == "money@shop.example" && l.Subject == "Purser: Mails to shoppers are given up");
        var all = letters.MaxBy(l => l.Text.Length)!;
        all.Text.ShouldSatisfyAllConditions(
            t => t.ShouldContain("Receiver: mail_shoppers"), t => t.ShouldContain("Given up so far: 3"),
            t => orders.ForEach(o => t.ShouldContain($"order.paid of {o}")), t => t.ShouldContain("/v1/deliveries?status=dead&webhook_endpoint=mail_shoppers"));
        foreach (var letter in letters) (letter.Text + letter.Html + letter.Subject).ShouldNotContain(MailDeliveryTests.Email);

        // What the mail says to do, as it says it.
        var (path, body) = Redelivery(all.Text);
        (await house.Post(path, body)).Body.GetProperty("deliveries").GetInt64().ShouldBe(3);
        await Until.True(async () => await house.Count("select count(*) from deliveries where state <> 1") == 0, "all to be sent");

        async Task Told()
        {
            var before = await house.Count("select coalesce(sum(failures), 0)::bigint + count(*) filter (where state = 1) from operator_notices");
            clock.Push(TimeSpan.FromHours(1));
            await Until.True(async () => await house.Count("select count(*) from operator_notices where state = 0 and due_at <= to_timestamp(" + clock.GetUtcNow().ToUnixTimeSeconds() + ")") == 0
                || await house.Count("select coalesce(sum(failures), 0)::bigint + count(*) filter (where state = 1) from operator_notices") > before, "what is due to be told");
        }
    }

    [Fact]
    public async Task An_invoice_that_cannot_be_written_is_told_to_operators_with_how_to_have_it_written_again()
    {
        var clock = new PushedClock();
        await using var house = await DeliveryHouse.Node(await postgres.CreateDatabase(), clock, [.. InvoiceHouse.Seller, .. WithMailbox]);
        // The mail has the invoice with it, and would write it: it stays held, for it may be slow and write it when its amount is right again.
        await Hold("'invoices', 'mail_shoppers'", 1);
        var order = await MailDeliveryTests.Paid(house, "a");
        OrderId.TryParse(order, out var id).ShouldBeTrue();
        var number = id.Value;
        await house.Count($"with u as (update orders set amount = amount + 1 where id = {number} returning 1) select count(*) from u");
        await house.Count($"with u as (update deliveries d set failures = {DeliverySchedule.Waits.Count} from webhook_endpoints e where e.number = d.receiver and e.kind = 3 returning 1) select count(*) from u");
        await Hold("'invoices'", 0);
        clock.Push(TimeSpan.FromMinutes(1));
        await AllTold(sql => house.Count(sql), 1);
        var letter = Letters(house.Host.Services, "Invoices are given up").ShouldHaveSingleItem();
        letter.Text.ShouldSatisfyAllConditions(t => t.ShouldContain("Given up so far: 1"), t => t.ShouldContain($"order.paid of {order}"), t => t.ShouldNotContain(MailDeliveryTests.Email));
        await house.Count($"with u as (update orders set amount = amount - 1 where id = {number} returning 1) select count(*) from u");
        var (path, body) = Redelivery(letter.Text);
        (await house.Post(path, body)).Body.GetProperty("deliveries").GetInt64().ShouldBe(1);
        await Until.True(async () => await house.Count("select count(*) from invoices") == 1, "the invoice");

        Task Hold(string endpoints, int status) => house.Count($"with u as (update webhook_endpoints set status = {status} where id in ({endpoints}) returning 1) select count(*) from u");
    }

    static (string Path, string Body) Redelivery(string text)
    {
        var said = System.Text.RegularExpressions.Regex.Match(text.ReplaceLineEndings(" "), @"POST \S+(/v1/webhook_endpoints/\S+/redelivery) with\s+(\{[^}]*\})");
        said.Success.ShouldBeTrue(text);
        return (said.Groups[1].Value, said.Groups[2].Value);
    }
}
