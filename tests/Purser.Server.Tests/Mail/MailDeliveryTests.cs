using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Purser.Server.Deliveries;
using Purser.Server.Mail;
using Purser.Server.Tests.Api;
using Purser.Server.Tests.Deliveries;
using Purser.Server.Tests.Killing;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Mail;

/// <summary>When mails leave, and what happens when they cannot.</summary>
public sealed class MailDeliveryTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    internal const string Email = "asha@reader.example";
    const string Order = $$$"""{"currency": "INR", "lines": [{"name": "A book", "quantity": 1, "unit_amount": 49900}], "customer": {"name": "Asha Rao", "email": "{{{Email}}}"}}""";

    internal static (string Name, string Value)[] Settings(int port, params (string Name, string Value)[] more) =>
        [("Mail:Host", "127.0.0.1"), ("Mail:Port", $"{port}"), ("Mail:Tls", "none"), ("Mail:From", "Tea Shop <pay@shop.example>"), .. more];

    static Task<ApiHouse> House(string database, PushedClock clock, int port, params (string Name, string Value)[] more) =>
        DeliveryHouse.Node(database, clock, Settings(port, more));

    internal static async Task<string> Paid(ApiHouse house, string name)
    {
        var order = (await house.Order(Order)).Text("id");
        var payment = await house.Post($"/v1/orders/{order}/payments", "{}");
        for (var time = 0; time < 3; time++) await house.Tell($"evt_{name}_{time}", "captured", payment.Text("reference"), money: $"m_{name}");
        (await house.Get($"/v1/orders/{order}")).Text("status").ShouldBe("paid");
        return order;
    }

    static Task NoneLeft(ApiHouse house, string condition, string what) =>
        Until.True(async () => await house.Count($"select count(*) from deliveries where {condition}") == 0, what);

    [Fact]
    public async Task What_happened_while_the_mail_server_was_down_for_a_day_is_told_once_when_it_is_back_and_payments_went_on()
    {
        int port;
        await using (var gone = await MailServer.Start()) port = gone.Port;
        var clock = new PushedClock().StandStill();
        await using var house = await House(await postgres.CreateDatabase(), clock, port);
        var orders = new List<string>();
        for (var i = 0; i < 3; i++) orders.Add(await Paid(house, $"down{i}"));
        for (var failures = 1; failures < DeliverySchedule.Waits.Count; failures++)
        {
            await NoneLeft(house, $"failures < {failures}", $"{failures} tries of each");
            clock.Push(DeliverySchedule.Waits[failures - 1] * 1.21);
        }
        await NoneLeft(house, $"failures < {DeliverySchedule.Waits.Count}", "the last try but one");
        orders.Add(await Paid(house, "still"));
        await using var back = await MailServer.Start(port);
        clock.Push(DeliverySchedule.Waits[^1] * 1.21);
        await NoneLeft(house, "state <> 1", "all to be delivered");
        var ids = new List<string>();
        foreach (var order in orders)
            ids.AddRange((await house.Get($"/v1/orders/{order}/events")).Body.GetProperty("events").EnumerateArray().Where(e => e.GetProperty("type").GetString() == "order.paid")
                .Select(e => $"<{e.GetProperty("id").GetString()}@shop.example>"));
        ids.Count.ShouldBe(4);
        (await back.All()).Select(m => m.Id).Order().ShouldBe(ids.Order());
    }

    [Fact]
    public async Task An_order_names_the_language_of_its_mails_and_only_one_that_is_spoken()
    {
        await using var server = await MailServer.Start();
        await using var house = await House(await postgres.CreateDatabase(), new PushedClock(), server.Port);
        var wrong = await house.Post("/v1/orders", Order.Replace("\"currency\"", "\"locale\": \"fr\", \"currency\"", StringComparison.Ordinal));
        (wrong.Status, wrong.Text("field")).ShouldBe((HttpStatusCode.UnprocessableEntity, "locale"), wrong.Body.ToString());
        var hindi = Order.Replace("\"currency\"", "\"locale\": \"hi\", \"reference\": \"R-1\", \"currency\"", StringComparison.Ordinal);
        var order = await house.Order(hindi);
        order.Text("locale").ShouldBe("hi");
        (await house.Post("/v1/orders", hindi)).Status.ShouldBe(HttpStatusCode.OK);
        var other = await house.Post("/v1/orders", hindi.Replace("\"hi\"", "\"en\"", StringComparison.Ordinal));
        (other.Status, other.Text("field")).ShouldBe((HttpStatusCode.Conflict, "locale"));
        await house.Tell("evt_hi", "captured", (await house.Post($"/v1/orders/{order.Text("id")}/payments", "{}")).Text("reference"));
        (await server.Wait(1))[0].Subject.ShouldBe("Purser: भुगतान हो गया। धन्यवाद! · ऑर्डर R-1");
    }

    [Fact]
    public async Task Nobody_is_written_to_without_an_address_or_without_mail()
    {
        await using var server = await MailServer.Start();
        var database = await postgres.CreateDatabase();
        await using (var house = await House(database, new PushedClock(), server.Port))
        {
            var order = (await house.Order()).Text("id");
            await house.Tell("evt_a", "captured", (await house.Post($"/v1/orders/{order}/payments", "{}")).Text("reference"));
            (await house.Count("select count(*) from deliveries")).ShouldBe(0);
            await Paid(house, "b");
            await NoneLeft(house, "state <> 1", "the one with an address");
            (await house.Count("select count(*) from deliveries")).ShouldBe(1);
        }
        await using var without = await DeliveryHouse.Node(database, new PushedClock(), ("Mail:Ended", "true"));
        await Paid(without, "c");
        (await without.Count("select count(*) from deliveries")).ShouldBe(1);
        (await server.All()).Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_recipient_that_the_server_refuses_for_good_is_given_up_at_once_and_can_be_written_to_again()
    {
        await using var server = await MailServer.Start();
        var clock = new PushedClock().StandStill();
        await using var house = await House(await postgres.CreateDatabase(), clock, server.Port);
        await server.Be("refuse 550 5.1.1 <ADDRESS> is unknown here");
        await Paid(house, "refused");
        await NoneLeft(house, "state = 0", "it to be given up");
        var dead = (await house.Get("/v1/deliveries?status=dead&webhook_endpoint=mail_shoppers")).Body.GetProperty("deliveries");
        dead.GetArrayLength().ShouldBe(1);
        var id = dead[0].GetProperty("id").GetString();
        var one = await house.Get($"/v1/deliveries/{id}");
        one.Text("outcome").ShouldBe("550");
        one.Body.GetProperty("attempt_log")[0].GetProperty("answer").GetString()!.ShouldSatisfyAllConditions(a => a.ShouldContain("unknown here"), a => a.ShouldNotContain(Email));

        await server.Be("refuse 550 5.7.1 relaying denied");
        (await house.Post($"/v1/deliveries/{id}/redelivery", null)).Status.ShouldBe(HttpStatusCode.Accepted);
        await NoneLeft(house, "attempts < 2 or leased_until is not null", "the second try");
        (await house.Count("select count(*) from deliveries where state = 0")).ShouldBe(1, "a refusal of us is not one of the recipient");
        await server.Be("take");
        clock.Push(TimeSpan.FromSeconds(7));
        await NoneLeft(house, "state <> 1", "the third try");
        (await house.Post("/v1/webhook_endpoints/mail_shoppers/redelivery", """{"since": "2020-01-01T00:00:00Z", "status": "any"}""")).Body.GetProperty("deliveries").GetInt64().ShouldBe(1);
        var both = await server.Wait(2);
        both.Select(m => m.Id).Distinct().Count().ShouldBe(1);
        foreach (var (method, body) in new[] { (HttpMethod.Get, null), (HttpMethod.Patch, "{}"), (HttpMethod.Delete, null) })
            (await house.Send(method, "/v1/webhook_endpoints/mail_shoppers", body, house.Secret)).Status.ShouldBe(HttpStatusCode.NotFound);
        (await house.Get("/v1/webhook_endpoints")).Body.GetProperty("webhook_endpoints").GetArrayLength().ShouldBe(0);
    }

    [Fact]
    public async Task A_mail_whose_acknowledgement_was_lost_comes_again_under_the_same_id()
    {
        await using var server = await MailServer.Start();
        var clock = new PushedClock().StandStill();
        await using var house = await House(await postgres.CreateDatabase(), clock, server.Port);
        await server.Be("lose");
        await Paid(house, "lost");
        await NoneLeft(house, "failures < 1", "the first try");
        await server.Be("busy");
        clock.Push(TimeSpan.FromSeconds(7));
        await NoneLeft(house, "failures < 2", "the second try");
        await server.Be("take");
        clock.Push(TimeSpan.FromMinutes(7));
        await NoneLeft(house, "state <> 1", "the third try");
        (await server.All()).Count.ShouldBe(3);
        (await server.All()).Select(m => m.Id).Distinct().Count().ShouldBe(1);
    }

    [Fact]
    public async Task A_server_that_was_killed_before_it_kept_that_a_mail_was_taken_sends_it_again_under_the_same_id()
    {
        await using var server = await MailServer.Start();
        await server.Be("hold");
        var database = await postgres.CreateDatabase();
        await using var house = await DeliveryHouse.Node(database, new PushedClock());
        await Paid(house, "killed");
        var settings = new Dictionary<string, string?> { ["ConnectionStrings:Purser"] = database };
        foreach (var (name, value) in Settings(server.Port)) settings[name] = value;
        await using (var first = await ServerProcess.Start(settings))
        {
            const string Write = """
                with u as (insert into deliveries (order_id, sequence, receiver, at, due_at)
                select v.order_id, v.sequence, e.number, v.at, v.at from events v, webhook_endpoints e where e.id = 'mail_shoppers' and v.type = 13 returning 1) select count(*) from u
                """;
            (await house.Count(Write)).ShouldBe(1);
            await server.Wait(1);
            await first.Kill();
        }
        (await house.Count("with u as (update deliveries set leased_until = now() where state = 0 and attempts = 1 returning 1) select count(*) from u")).ShouldBe(1);
        await server.Be("take");
        await using var second = await ServerProcess.Start(settings);
        await NoneLeft(house, "state <> 1", "it to be sent again");
        (await server.All()).Count.ShouldBe(2);
        (await server.All()).Select(m => m.Id).Distinct().Count().ShouldBe(1);
    }

    [Fact]
    public async Task A_dead_mail_server_delays_no_webhook()
    {
        await using var server = await MailServer.Start();
        await server.Be("hold");
        await using var receiver = await TestReceiver.Open();
        await using var house = await House(await postgres.CreateDatabase(), new PushedClock(), server.Port, ("Deliveries:PerReceiver", "2"), ("Mail:TimeOut", "00:01:00"));
        await house.Post("/v1/webhook_endpoints", $$"""{"url": "{{receiver.Url}}/hook", "event_types": ["order.paid"]}""");
        for (var i = 0; i < 6; i++) await Paid(house, $"d{i}");
        await Until.True(() => receiver.At("/hook").Count == 6, "the webhooks");
        await server.Wait(2);
        (await house.Count("select count(*) from deliveries d join webhook_endpoints e on e.number = d.receiver where e.kind = 1 and d.attempts = 0")).ShouldBe(4);
    }

    [Fact]
    public async Task With_starttls_the_certificate_is_checked_and_the_password_travels_in_secret()
    {
        const string Password = "canary-mail-password";
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=127.0.0.1", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        using var certificate = request.CreateSelfSigned(TimeProvider.System.GetUtcNow().AddDays(-1), TimeProvider.System.GetUtcNow().AddDays(1));
        await using var server = await MailServer.Start(0, key.ExportPkcs8PrivateKeyPem(), certificate.ExportCertificatePem(), "relay", Password);
        var options = new MailOptions { Host = "127.0.0.1", Port = server.Port, From = "pay@shop.example", User = "relay", Password = Password };
        var letter = new Letter("<one@shop.example>", [Email], "Paid", "text", "<p>html</p>");
        var line = new SmtpLine(options, TimeProvider.System);
        var refused = await line.Send(letter, default);
        (refused.Status, refused.IsFinal).ShouldBe((null, false));
        refused.Trouble!.ShouldContain("certificate");

#pragma warning disable SYSLIB0014, CA5359 // The client has no other door for a certificate of a test, and only this one is let in.
        ServicePointManager.ServerCertificateValidationCallback = (_, shown, _, _) => shown?.GetCertHashString() == certificate.GetCertHashString();
        try
        {
            (await line.Send(letter, default)).Status.ShouldBe(250);
            (await new SmtpLine(options with { Password = "wrong" }, TimeProvider.System).Send(letter, default)).ShouldSatisfyAllConditions(a => a.IsDelivered.ShouldBeFalse(), a => a.IsFinal.ShouldBeFalse(), a => a.ToString().ShouldNotContain("wrong"));
        }
        finally
        {
            ServicePointManager.ServerCertificateValidationCallback = null;
        }
#pragma warning restore SYSLIB0014, CA5359
        var mail = (await server.All()).ShouldHaveSingleItem();
        (mail.Secure, mail.User).ShouldBe((true, "relay"));
        await using var open = await MailServer.Start();
        var bare = await new SmtpLine(options with { Port = open.Port }, TimeProvider.System).Send(letter, default);
        bare.Trouble!.ShouldContain("STARTTLS");
        (await open.All()).ShouldBeEmpty();
    }

    [Fact]
    public async Task With_tls_from_the_first_byte_nothing_is_said_before_a_certificate_that_fits()
    {
        const string Password = "canary-mail-password";
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=A mail server", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.CreateSelfSigned(TimeProvider.System.GetUtcNow().AddDays(-1), TimeProvider.System.GetUtcNow().AddDays(1));
        X509ChainPolicy Trust() => new() { TrustMode = X509ChainTrustMode.CustomRootTrust, CustomTrustStore = { certificate }, RevocationMode = X509RevocationMode.NoCheck };
        await using var server = await MailServer.Start(0, key.ExportPkcs8PrivateKeyPem(), certificate.ExportCertificatePem(), "relay", Password, isImplicit: true);
        var options = new MailOptions { Host = "127.0.0.1", Port = server.Port, Tls = "implicit", From = "pay@shop.example", User = "relay", Password = Password };
        var letter = new Letter("<one@shop.example>", [Email], "Paid", "text", "<p>html</p>");
        Task<DeliveryAnswer> Send(MailOptions by, X509ChainPolicy? trust) => new SmtpLine(by, TimeProvider.System) { Trust = trust }.Send(letter, default);

        // Of an authority that nobody trusts; and of one that is trusted, for another name.
        foreach (var refused in new[] { await Send(options, null), await Send(options with { Host = "localhost" }, Trust()) })
            (refused.Status, refused.IsFinal, refused.Trouble).ShouldBe((null, false, "The connection could not be secured: the certificate was not accepted."));
        (await MailProbe.Ask(options, default))!.ShouldContain("certificate");
        (await MailProbe.Ask(options with { Host = "localhost" }, default, Trust()))!.ShouldContain("certificate");
        (await server.All()).ShouldBeEmpty();

        (await MailProbe.Ask(options, default, Trust())).ShouldBeNull();
        (await Send(options, Trust())).Status.ShouldBe(250);
        (await Send(options with { Password = "wrong" }, Trust())).ShouldSatisfyAllConditions(a => a.IsDelivered.ShouldBeFalse(), a => a.IsFinal.ShouldBeFalse());
        var mail = (await server.All()).ShouldHaveSingleItem();
        (mail.Secure, mail.User, mail.Subject).ShouldBe((true, "relay", "Paid"));
        await server.Be("refuse 550 5.1.1 nobody of this name");
        (await Send(options, Trust())).ShouldSatisfyAllConditions(a => a.Status.ShouldBe(550), a => a.IsFinal.ShouldBeTrue());

        await using var open = await MailServer.Start();
        (await Send(options with { Port = open.Port }, Trust())).Trouble!.ShouldContain("does not speak TLS from the first byte");
        (await MailProbe.Ask(options with { Port = open.Port }, default, Trust()))!.ShouldContain("does not speak TLS from the first byte");
        (await open.All()).ShouldBeEmpty();
        await open.DisposeAsync();
        (await Send(options with { Port = open.Port }, Trust())).Trouble!.ShouldContain("No connection");
    }

    [Fact]
    public async Task Operators_hear_of_a_paused_endpoint_and_of_what_was_given_up_once()
    {
        await using var server = await MailServer.Start();
        await using var receiver = await TestReceiver.Open();
        receiver.Does = (http, h) =>
        {
            http.Response.StatusCode = h.Path == "/gone" ? 410 : 500;
            return Task.CompletedTask;
        };
        var clock = new PushedClock();
        await using var house = await House(await postgres.CreateDatabase(), clock, server.Port, ("Mail:Operators", "money@shop.example, boss@shop.example"));
        var failing = (await house.Post("/v1/webhook_endpoints", $$"""{"url": "{{receiver.Url}}/failing", "event_types": ["order.created"]}""")).Text("id");
        for (var i = 0; i < 3; i++) await house.Order();
        for (var failures = 1; failures <= DeliverySchedule.Waits.Count; failures++)
        {
            await NoneLeft(house, $"failures < {failures}", $"{failures} tries");
            clock.Push(DeliverySchedule.Waits[failures - 1] * 1.21);
        }
        await NoneLeft(house, "state <> 2", "all to be given up");
        var given = (await server.Wait(1))[0];
        given.To.ShouldBe(["money@shop.example", "boss@shop.example"]);
        given.Subject.ShouldBe("Purser: Webhooks are given up");
        given.Text.ShouldContain(failing);

        clock.Push(TimeSpan.FromDays(5));
        await house.Order();
        for (var failures = 1; failures < 4; failures++)
        {
            await NoneLeft(house, $"state = 0 and failures < {failures}", $"{failures} tries of the next");
            // It has itself failed for so long, too.
            clock.Push(failures == 3 ? TimeSpan.FromDays(5) : DeliverySchedule.Waits[failures - 1] * 1.21);
        }
        var paused = (await server.Wait(2))[1];
        paused.Subject.ShouldBe("Purser: A webhook endpoint is paused");
        paused.Text.ShouldContain("Nothing could be delivered for");
        var gone = (await house.Post("/v1/webhook_endpoints", $$"""{"url": "{{receiver.Url}}/gone", "event_types": ["order.created"]}""")).Text("id");
        await house.Order();
        (await server.Wait(3))[2].Text.ShouldSatisfyAllConditions(t => t.ShouldContain(gone), t => t.ShouldContain("410"));
        await Until.True(async () => await house.Count("select count(*) from operator_notices where state <> 1") == 0, "all to be told");
        (await house.Count("select count(*) from operator_notices")).ShouldBe(3);
        (await server.All()).Select(m => m.Id).Distinct().Count().ShouldBe(3);
    }
}
