using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Purser.Refunds;

namespace Purser.Gateways.PayPal.Tests;

/// <summary>Webhooks and returns: the vectors of the documents, and what is not believed for all its signature.</summary>
[Verifies(Part.Adapter, By.PublishedVector)]
public sealed class PayPalNewsTests
{
    const string Hi = "Zkzq2qlEd0iTVrK2a69KqhY//2DdfzicenA48bTOsamL+ZRTI5kQ9PKcw5auy4X/EpwwWv1/HUjQBjIEQHZwTl7VZTgyuKBbn8QxSAefft4vb+xj6Z/w3UlSG2/DsPpdWwOcNDZOlwaUlQ8+MpIqyc7/hogFprkNTliSKCc1XPAxTeNQPwjUuBk628S/S/2l08VJuCP+/RnJ5f+tZQa2M2qze3n8VXufU4xhdQmyJ315Fk5Sckllgyre0JMa0i4TA5xcfsXDceuBfHGnQmkyBGXs70+ic8hMr7aY0k/nRBsjnhU9IREd8MOX/ZE/9Re9B+0rm8zBMzWfftjyndGRhA==";
    const string Lo = "O1XWiOpuo6HjLEGXBmSUas5gaJzUkzAHrE4jDpQxsSRsiMmNYAs3kxlmz/qSDANgVwAAVwaHzKccRRa6I+rWz9O5XVopicTt08uS6KmmMIkgTS8KQtQJswj9XOZl7PrZ42RA35AgD+Kq7rnOe2TwKxp1pxyM9PZpNevD4BXv7sKMw+HjjVE9NrgL+7g3qP4/sQfIWIh3lmO28r2Xuol8pWQGiIoFyKOO69bZF9YMLosOzR9M5W9a/HyOPFuaAnU3Kql2KzqaPfdmVrdtPqIkhtIPnlF3OCE0lUUey1+NFGliPJwz8jbs8MQqIT5M4SVqWuoSVlAcEvQ4u+Q82B52YA==";
    const string WebhookId = "1AB23456CD789012E", Transmission = "9f3c1a20-49e1-11f0-8f2b-6d3c1b7e5a01", SentAt = "2025-06-15T15:06:40Z";
    const string CertificateUrl = "https://api.paypal.com/v1/notifications/certs/CERT-360caa42-demo";

    static readonly DateTimeOffset Received = new(2025, 6, 15, 15, 6, 41, TimeSpan.Zero);
    static readonly PayPalGateway Gateway = new();

    static GatewayAccount Account(string? root = null, string webhookId = WebhookId, bool testMode = true, string baseUrl = "https://api-m.sandbox.paypal.com")
    {
        var settings = ImmutableDictionary<string, string>.Empty.Add("client_id", "c").Add("client_secret", "secret").Add("webhook_id", webhookId);
        return new("main", "paypal", new Uri(baseUrl), settings.Add("trusted_root", root ?? Pem("root"))) { TestMode = testMode };
    }

    static string Pem(string name) => Encoding.ASCII.GetString(Fixture($"paypal-test-{name}.pem"));

    static byte[] Fixture(string name) => File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "fixtures", name));

    static RawMessage Message(byte[]? body = null, string signature = Hi, string? certificates = null, params (string Name, string? Value)[] headers)
    {
        var all = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase)
        {
            ["PAYPAL-TRANSMISSION-ID"] = Transmission,
            ["PAYPAL-TRANSMISSION-TIME"] = SentAt,
            ["PAYPAL-TRANSMISSION-SIG"] = signature,
            ["PAYPAL-CERT-URL"] = CertificateUrl,
            ["PAYPAL-AUTH-ALGO"] = "SHA256withRSA",
            ["PAYPAL-AUTH-VERSION"] = "v2",
        };
        foreach (var (name, value) in headers)
            if (value is null) all.Remove(name);
            else all[name] = value;
        return new RawMessage("POST", "/gateways/main/webhook", "", all, body ?? Fixture("paypal-body-hi.json"), Received)
        {
            Published = Encoding.ASCII.GetBytes(certificates ?? Pem("leaf") + Pem("inter")),
        };
    }

    static void ShouldBeForged(RawMessage message, string why, GatewayAccount? account = null) =>
        Gateway.ReadWebhook(message, account ?? Account()).ShouldBeOfType<NewsReading.Forged>().Why.ShouldContain(why);

    // The vectors.

    [Fact]
    public void The_checksum_is_the_known_one() => Crc32Of("123456789"u8.ToArray()).ShouldBe(3421780262);

    [Theory]
    [InlineData("hi", Hi, 3745218107)]
    [InlineData("lo", Lo, 48801543)]
    public void The_vectors_are_taken_for_theirs_and_prove_nothing(string body, string signature, uint crc)
    {
        var bytes = Fixture($"paypal-body-{body}.json");
        Crc32Of(bytes).ShouldBe(crc);
        var news = Gateway.ReadWebhook(Message(bytes, signature), Account()).ShouldBeOfType<NewsReading.Genuine>();
        (news.EventType, news.MoneyReference, news.ProvesAmount, news.Facts.Count).ShouldBe(("PAYMENT.CAPTURE.COMPLETED", "8SIM0000CAPTURE01", false, 0));
    }

    [Fact]
    public void Another_amount_is_refused() =>
        ShouldBeForged(Message(Encoding.UTF8.GetBytes(Text().Replace("19.99", "1.00", StringComparison.Ordinal))), "wrong signature");

    [Fact]
    public void Another_webhooks_message_is_refused() => ShouldBeForged(Message(), "wrong signature", Account(webhookId: "1AB23456CD789012F"));

    [Fact]
    public void One_of_two_webhook_ids_will_do() =>
        Gateway.ReadWebhook(Message(), Account(webhookId: $"1AB23456CD789012F, {WebhookId}")).ShouldBeOfType<NewsReading.Genuine>();

    [Fact]
    public void Another_transmission_time_is_refused() => ShouldBeForged(Message(headers: ("PAYPAL-TRANSMISSION-TIME", "2025-06-15T15:06:41Z")), "wrong signature");

    [Fact]
    public void The_signature_of_one_body_does_not_fit_another() => ShouldBeForged(Message(signature: Lo), "wrong signature");

    [Fact]
    public void A_rogue_certificate_is_refused_whatever_it_signed()
    {
        ShouldBeForged(Message(certificates: Pem("rogue")), "no trusted root");
        using var key = RSA.Create(2048);
        var text = $"{Transmission}|{SentAt}|{WebhookId}|{Crc32Of(Fixture("paypal-body-hi.json"))}";
        using var own = Request("messageverificationcerts.simulator.paypal.com", key).CreateSelfSigned(Received.AddYears(-1), Received.AddYears(1));
        ShouldBeForged(Message(signature: Sign(key, text), certificates: own.ExportCertificatePem()), "no trusted root");
    }

    [Fact]
    public void Another_algorithm_is_refused() => ShouldBeForged(Message(headers: ("PAYPAL-AUTH-ALGO", "SHA1withRSA")), "algorithm");

    [Fact]
    public void Trap_5_a_body_that_was_written_again_is_refused() =>
        ShouldBeForged(Message(Encoding.UTF8.GetBytes(System.Text.Json.Nodes.JsonNode.Parse(Fixture("paypal-body-hi.json"))!.ToJsonString())), "wrong signature");

    [Fact]
    public void Trap_6_a_checksum_with_a_sign_is_another_text()
    {
        var world = new OwnChain();
        var crc = (int)Crc32Of(Fixture("paypal-body-hi.json"));
        crc.ShouldBe(-549749189);
        ShouldBeForged(world.Message(Fixture("paypal-body-hi.json"), text: $"{Transmission}|{SentAt}|{WebhookId}|{crc}"), "wrong signature", world.Account);
        Gateway.ReadWebhook(world.Message(Fixture("paypal-body-hi.json")), world.Account).ShouldBeOfType<NewsReading.Genuine>();
    }

    [Theory]
    [InlineData("PAYPAL-TRANSMISSION-ID")]
    [InlineData("PAYPAL-TRANSMISSION-TIME")]
    [InlineData("PAYPAL-TRANSMISSION-SIG")]
    [InlineData("PAYPAL-CERT-URL")]
    [InlineData("PAYPAL-AUTH-ALGO")]
    public void Without_one_of_its_five_headers_it_is_refused(string header) => Gateway.ReadWebhook(Message(headers: (header, null)), Account()).ShouldBeOfType<NewsReading.Forged>();

    [Fact]
    public void Without_its_certificate_it_is_refused()
    {
        ShouldBeForged(Message() with { Published = null }, "not at hand");
        ShouldBeForged(Message(certificates: "<html>"), "no certificate");
        // The leaf alone does not lead to the root.
        ShouldBeForged(Message(certificates: Pem("leaf")), "no trusted root");
    }

    [Fact]
    public void A_root_of_a_simulator_counts_in_test_mode_only()
    {
        ShouldBeForged(Message(), "no trusted root", Account(testMode: false));
        Gateway.Profile.RefusesAccount(Account(testMode: false)).ShouldNotBeNull();
        Gateway.Profile.RefusesAccount(Account()).ShouldBeNull();
        Gateway.Profile.RefusesAccount(Account(root: "nothing")).ShouldNotBeNull();
    }

    // Our own rules.

    [Theory]
    [InlineData("2025-06-10T15:06:40Z", "too old")]
    [InlineData("2025-06-15T15:12:40Z", "future")]
    [InlineData("yesterday", "time")]
    public void A_message_of_another_day_is_refused_though_it_is_signed(string sentAt, string why)
    {
        var world = new OwnChain();
        ShouldBeForged(world.Message(Fixture("paypal-body-hi.json"), sentAt: sentAt), why, world.Account);
    }

    [Fact]
    public void A_certificate_for_another_name_is_refused()
    {
        var world = new OwnChain("messageverificationcerts.paypal.com.evil.test");
        ShouldBeForged(world.Message(Fixture("paypal-body-hi.json")), "another name", world.Account);
    }

    [Theory]
    [InlineData("https://api.paypal.com/v1/notifications/certs/CERT-1", true, true)]
    [InlineData("https://api-m.paypal.com/v1/notifications/certs/CERT-1", true, true)]
    [InlineData("https://api.sandbox.paypal.com/v1/notifications/certs/CERT-1", true, false)]
    [InlineData("http://127.0.0.1:7419/v1/notifications/certs/CERT-1", true, false)]
    [InlineData("http://127.0.0.1:7420/v1/notifications/certs/CERT-1", false, false)]
    [InlineData("https://127.0.0.1:7419/v1/notifications/certs/CERT-1", false, false)]
    [InlineData("http://api.paypal.com/v1/notifications/certs/CERT-1", false, false)]
    [InlineData("https://api.paypal.com.evil.test/v1/notifications/certs/CERT-1", false, false)]
    [InlineData("https://api.paypal.com@evil.test/v1/notifications/certs/CERT-1", false, false)]
    [InlineData("https://evil.test@api.paypal.com/v1/notifications/certs/CERT-1", false, false)]
    [InlineData("https://evilpaypal.com/v1/notifications/certs/CERT-1", false, false)]
    [InlineData("https://www.paypal.com/v1/notifications/certs/CERT-1", false, false)]
    [InlineData("https://api.paypal.com:8443/v1/notifications/certs/CERT-1", false, false)]
    [InlineData("https://api.paypal.com/v1/notifications/certs/", false, false)]
    [InlineData("https://api.paypal.com/v1/notifications/certs/../../oauth2/token", false, false)]
    [InlineData("https://api.paypal.com/v1/notifications/certs/%2e%2e/x", false, false)]
    [InlineData("https://api.paypal.com/v1/notifications/certs/a/b", false, false)]
    [InlineData("https://api.paypal.com/v1/notifications/certs/CERT-1?x=1", false, false)]
    [InlineData("https://api.paypal.com/v1/notifications/certs/CERT-1#x", false, false)]
    [InlineData("https://api.paypal.com/v1/identity/CERT-1", false, false)]
    [InlineData("HTTPS://API.PAYPAL.COM/v1/notifications/certs/CERT-1", false, false)]
    [InlineData("/v1/notifications/certs/CERT-1", false, false)]
    [InlineData("file:///etc/passwd", false, false)]
    [InlineData("", false, false)]
    public void Only_their_own_places_are_asked_for_a_certificate(string url, bool inTestMode, bool live)
    {
        var message = Message(headers: ("PAYPAL-CERT-URL", url));
        Gateway.Published(message, Account(baseUrl: "http://127.0.0.1:7419")).ShouldBe(inTestMode ? new Uri(url) : null);
        Gateway.Published(message, Account(baseUrl: "http://127.0.0.1:7419", testMode: false)).ShouldBe(live ? new Uri(url) : null);
        if (!inTestMode) ShouldBeForged(message, "", Account(baseUrl: "http://127.0.0.1:7419"));
    }

    /// <summary>The signature covers 32 bits of the body, so for one good signature any number of other bodies can be made. This makes one.</summary>
    [Fact]
    public void Trap_15_a_body_made_for_the_same_checksum_passes_the_check_and_proves_nothing()
    {
        var wanted = Crc32Of(Fixture("paypal-body-hi.json"));
        var start = Text().Replace("19.99", "1.00", StringComparison.Ordinal)[..^1] + ",\"pad\":\"";
        var pad = new string('a', 64);
        byte[] Body(string padding) => Encoding.UTF8.GetBytes($"{start}{padding}\"}}");

        // A checksum is linear: each letter written large changes it by a value of its own; the right letters are found as in a system of equations.
        var plain = Crc32Of(Body(pad));
        var rows = Enumerable.Range(0, pad.Length).Select(i => (Bits: plain ^ Crc32Of(Body($"{pad[..i]}A{pad[(i + 1)..]}")), Letters: 1UL << i)).ToList();
        var (missing, chosen) = (plain ^ wanted, 0UL);
        for (var bit = 31; bit >= 0; bit--)
        {
            var pivot = rows.FindIndex(r => (r.Bits >> bit & 1) == 1);
            if (pivot < 0) continue;
            var (bits, letters) = rows[pivot];
            rows.RemoveAt(pivot);
            rows = [.. rows.Select(r => (r.Bits >> bit & 1) == 1 ? (r.Bits ^ bits, r.Letters ^ letters) : r)];
            if ((missing >> bit & 1) == 1) (missing, chosen) = (missing ^ bits, chosen ^ letters);
        }
        var forged = Body(string.Concat(pad.Select((_, i) => (chosen >> i & 1) == 1 ? 'A' : 'a')));

        Encoding.UTF8.GetString(forged).ShouldContain("\"value\":\"1.00\"");
        var news = Gateway.ReadWebhook(Message(forged), Account()).ShouldBeOfType<NewsReading.Genuine>();
        (news.ProvesAmount, news.Facts.Count).ShouldBe((false, 0));
        Gateway.Profile.Webhooks.ShouldBe(WebhookTrust.Trigger);
    }

    [Fact]
    public void Trap_7_what_their_dashboard_simulates_is_signed_for_no_webhook()
    {
        var world = new OwnChain();
        ShouldBeForged(world.Message(Fixture("paypal-body-hi.json"), webhookId: "WEBHOOK_ID"), "wrong signature", world.Account);
    }

    // What it is about.

    [Theory]
    [InlineData("CHECKOUT.ORDER.APPROVED", "checkout-order", """{"id":"5SIM00000ORDER001","status":"APPROVED","purchase_units":[{"reference_id":"0001jd8xk3m4np1","custom_id":"0001jd8xk3m4np1"}]}""", "0001jd8xk3m4np1", null)]
    [InlineData("PAYMENT.CAPTURE.DENIED", "capture", """{"id":"8SIM0000CAPTURE01","custom_id":"0001jd8xk3m4np1","status":"DECLINED"}""", "0001jd8xk3m4np1", "8SIM0000CAPTURE01")]
    [InlineData("PAYMENT.CAPTURE.COMPLETED", "capture", """{"id":"8SIM0000CAPTURE01","custom_id":"somebody","invoice_id":"else"}""", null, "8SIM0000CAPTURE01")]
    [InlineData("CUSTOMER.DISPUTE.CREATED", "dispute", """{"dispute_id":"PP-D-1","disputed_transactions":[{"seller_transaction_id":"8SIM0000CAPTURE01"}]}""", null, "8SIM0000CAPTURE01")]
    [InlineData("BILLING.PLAN.CREATED", "plan", """{"id":"P-1"}""", null, null)]
    public void News_names_the_payment_and_its_money(string type, string resourceType, string resource, string? payment, string? money)
    {
        var world = new OwnChain();
        var news = Gateway.ReadWebhook(world.Message(Event(type, resourceType, resource)), world.Account).ShouldBeOfType<NewsReading.Genuine>();
        (news.EventId, news.Payment?.Reference, news.MoneyReference, news.ProvesAmount, news.Facts.Count).ShouldBe(("WH-1", payment, money, false, 0));
    }

    [Fact]
    public void Trap_9_a_refunded_capture_is_told_as_a_refund_that_names_it()
    {
        var world = new OwnChain();
        var body = Event("PAYMENT.CAPTURE.REFUNDED", "refund", """
            {"id":"1SIM000000REFUND1","status":"COMPLETED","amount":{"currency_code":"EUR","value":"5.00"},"custom_id":"0001jd8xk3m4nr1",
             "links":[{"rel":"self","href":"https://api.paypal.com/v2/payments/refunds/1SIM000000REFUND1"},{"rel":"up","href":"https://api.paypal.com/v2/payments/captures/8SIM0000CAPTURE01"}]}
            """);
        var news = Gateway.ReadWebhook(world.Message(body), world.Account).ShouldBeOfType<NewsReading.Genuine>();
        (news.MoneyReference, news.ProvesAmount).ShouldBe(("8SIM0000CAPTURE01", false));
        var told = news.RefundFacts.ShouldHaveSingleItem();
        (told.Ours!.Value.Reference, told.Fact.RefundReference).ShouldBe(("0001jd8xk3m4nr1", "1SIM000000REFUND1"));
        told.Fact.ShouldBeOfType<RefundEvidence.Succeeded>();
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"id":"WH-1","event_type":"X","resource":[]}""")]
    [InlineData("""{"id":"WH-1","event_type":"X"}""")]
    [InlineData("""{"id":"WH-1","id":"WH-2","event_type":"X","resource":{}}""")]
    public void What_is_signed_and_is_no_event_is_kept_for_a_person(string body)
    {
        var world = new OwnChain();
        Gateway.ReadWebhook(world.Message(Encoding.UTF8.GetBytes(body)), world.Account).ShouldBeOfType<NewsReading.Unreadable>();
    }

    [Fact]
    public void Trap_8_the_token_of_a_return_is_no_key_and_does_not_say_which_payment()
    {
        Return("?token=a.b&order_payment=0001jd8xk3m4np1&token=5SIM00000ORDER001&PayerID=SIMPAYER00001").ShouldBeOfType<NewsReading.Genuine>().Payment!.Value.Reference.ShouldBe("0001jd8xk3m4np1");
        Return("?token=0001jd8xk3m4np1").ShouldBeOfType<NewsReading.Forged>();
        Return("?order_payment=0001jd8xk3m4np1&order_payment=0001jd8xk3m4np2").ShouldBeOfType<NewsReading.Forged>();

        static NewsReading Return(string query) =>
            Gateway.ReadReturn(new RawMessage("GET", "/", query, ImmutableDictionary<string, string>.Empty, default, Received), Account());
    }

    [Fact]
    public void The_signature_is_shown_step_by_step()
    {
        var recipe = Gateway.Signatures.ShouldHaveSingleItem();
        var trace = recipe.Compute(Message(), Account());
        trace.Right.ShouldBeTrue();
        trace.Steps.ShouldContain(s => s.Value == $"{Transmission}|{SentAt}|{WebhookId}|3745218107");
        recipe.Compute(Message(signature: Lo), Account()).Steps[^1].Remark.ShouldBe("a wrong signature");
        recipe.Compute(new RawMessage("POST", "/", "", ImmutableDictionary<string, string>.Empty, default, Received), Account()).Right.ShouldBeFalse();
    }

    static string Text() => Encoding.UTF8.GetString(Fixture("paypal-body-hi.json"));

    static byte[] Event(string type, string resourceType, string resource) =>
        Encoding.UTF8.GetBytes($$"""{"id":"WH-1","event_version":"1.0","resource_type":"{{resourceType}}","event_type":"{{type}}","resource":{{resource}}}""");

    /// <summary>Bit by bit, as the definition says.</summary>
    static uint Crc32Of(byte[] bytes)
    {
        var crc = uint.MaxValue;
        foreach (var b in bytes)
            for (var bit = 0; bit < 8; bit++)
            {
                var one = (crc ^ (uint)(b >> bit)) & 1;
                crc = (crc >> 1) ^ (one * 0xEDB88320);
            }
        return ~crc;
    }

    static CertificateRequest Request(string name, RSA key)
    {
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        return request;
    }

    static string Sign(RSA key, string text) => Convert.ToBase64String(key.SignData(Encoding.UTF8.GetBytes(text), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));

    /// <summary>A root of our own and a leaf under it, for texts that the vectors do not have.</summary>
    sealed class OwnChain
    {
        // Made once, for looking for primes takes longer than all that is done with them.
        static readonly RSA RootKey = RSA.Create(2048), Key = RSA.Create(2048);
        readonly string leaf;

        public OwnChain(string name = "messageverificationcerts.paypal.com")
        {
            var root = new CertificateRequest("CN=Root of this test", RootKey, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
            root.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
            using var signed = root.CreateSelfSigned(Received.AddYears(-1), Received.AddYears(1));
            using var issued = Request(name, Key).Create(signed, Received.AddMonths(-1), Received.AddMonths(1), [1]);
            (leaf, Account) = (issued.ExportCertificatePem(), PayPalNewsTests.Account(root: signed.ExportCertificatePem()));
        }

        public GatewayAccount Account { get; }

        public RawMessage Message(byte[] body, string? text = null, string sentAt = SentAt, string webhookId = WebhookId) => PayPalNewsTests.Message(
            body, Sign(Key, text ?? $"{Transmission}|{sentAt}|{webhookId}|{Crc32Of(body).ToString(CultureInfo.InvariantCulture)}"), leaf, ("PAYPAL-TRANSMISSION-TIME", sentAt));
    }
}
