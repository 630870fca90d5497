using System.Collections.Immutable;
using System.Text;
using System.Text.Json.Nodes;
using Purser.Gateways.Tests.Contract;
using Purser.Gateways.Tests.Line;
using Purser.Orders;

namespace Purser.Gateways.PayPal.Tests;

/// <summary>Whether a webhook is theirs, asked of them.</summary>
[Verifies(Part.Adapter, By.Document)]
public sealed class PayPalConfirmTests
{
    const string First = "1AB23456CD789012E", Second = "1AB23456CD789012F";
    const string Token = """{"access_token":"A21.first","token_type":"Bearer","expires_in":32400}""";
    const string Yes = """{"verification_status":"SUCCESS"}""", No = """{"verification_status":"FAILURE"}""";
    const string Path = "/v1/notifications/verify-webhook-signature";

    // Each thing that a parser which writes again would change.
    const string Body = "{\"id\":\"WH-1\", \"event_type\":\"X\",\"b\":1.0,\"a\":[ ],\"name\":\"\\u00e9\u20ac\\/\",\"resource\":{}}\n";

    static readonly DateTimeOffset Received = new(2025, 6, 15, 15, 6, 41, TimeSpan.Zero);
    static readonly PayPalGateway Gateway = new();

    static GatewayAccount Account(string webhooks = First, string? check = null)
    {
        var settings = ImmutableDictionary<string, string>.Empty.Add("client_id", "client-1").Add("client_secret", "secret-1234").Add("webhook_id", webhooks);
        return new("main", "paypal", new Uri("https://api-m.paypal.com"), check is null ? settings : settings.Add("webhook_check", check));
    }

    static RawMessage Message(string body = Body, params (string Name, string? Value)[] changed)
    {
        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase)
        {
            ["PAYPAL-TRANSMISSION-ID"] = "9f3c1a20-\"49e1",
            ["PAYPAL-TRANSMISSION-TIME"] = "2025-06-15T15:06:40Z",
            ["PAYPAL-TRANSMISSION-SIG"] = "Zkzq2qlEd0iTVrK2",
            ["PAYPAL-CERT-URL"] = "https://api.paypal.com/v1/notifications/certs/CERT-360caa42-demo",
            ["PAYPAL-AUTH-ALGO"] = "SHA256withRSA",
        };
        foreach (var (name, value) in changed)
            if (value is null) headers.Remove(name);
            else headers[name] = value;
        return new RawMessage("POST", "/gateways/main/webhook", "", headers, Encoding.UTF8.GetBytes(body), Received);
    }

    static async Task<bool?> Confirm(ScriptedNetwork network, RawMessage message, GatewayAccount? account = null)
    {
        using var lines = new GatewayLines(network);
        return await Gateway.Confirm(message, account ?? Account(), lines.Open(account ?? Account(), Gateway.Profile), default);
    }

    static ScriptedNetwork Saying(params (int Status, string Body)[] answers)
    {
        var left = new Queue<(int Status, string Body)>(answers);
        return new ScriptedNetwork(sent =>
        {
            if (sent.Path == "/v1/oauth2/token") return ScriptedNetwork.Answer(Token);
            var (status, body) = left.Dequeue();
            return status > 0 ? ScriptedNetwork.Answer(body, status) : throw new HttpRequestException(HttpRequestError.ResponseEnded);
        });
    }

    [Fact]
    public async Task The_question_has_their_headers_our_webhook_and_the_body_byte_for_byte()
    {
        var network = Saying((200, Yes));
        (await Confirm(network, Message())).ShouldBe(true);
        var asked = network.Sent.Single(s => s.Path == Path);
        asked.Headers["Authorization"].ShouldBe("Bearer A21.first");
        asked.Body.ShouldEndWith(",\"webhook_event\":" + Body + "}");
        var read = JsonNode.Parse(asked.Body)!.AsObject();
        read.Remove("webhook_event");
        read.ToDictionary(f => f.Key, f => f.Value!.ToString()).ShouldBe(new Dictionary<string, string>
        {
            ["auth_algo"] = "SHA256withRSA",
            ["cert_url"] = "https://api.paypal.com/v1/notifications/certs/CERT-360caa42-demo",
            ["transmission_id"] = "9f3c1a20-\"49e1",
            ["transmission_sig"] = "Zkzq2qlEd0iTVrK2",
            ["transmission_time"] = "2025-06-15T15:06:40Z",
            ["webhook_id"] = First,
        }, ignoreOrder: true);
    }

    [Theory]
    [InlineData(200, Yes, true)]
    [InlineData(200, No, false)]
    [InlineData(0, "", null)]
    [InlineData(200, "", null)]
    [InlineData(200, "<html>", null)]
    [InlineData(200, "[]", null)]
    [InlineData(200, "{}", null)]
    [InlineData(200, """{"verification_status":"success"}""", null)]
    [InlineData(200, """{"verification_status":["SUCCESS"]}""", null)]
    [InlineData(200, """{"verification_status":"FAILURE","verification_status":"SUCCESS"}""", null)]
    [InlineData(201, Yes, null)]
    [InlineData(400, """{"name":"VALIDATION_ERROR","message":"(text)"}""", null)]
    [InlineData(401, """{"name":"AUTHENTICATION_FAILURE","message":"(text)"}""", null)]
    [InlineData(429, """{"name":"RATE_LIMIT_REACHED","message":"(text)"}""", null)]
    [InlineData(500, Yes, null)]
    public async Task Only_their_plain_word_is_an_answer(int status, string body, bool? told) => (await Confirm(Saying((status, body)), Message())).ShouldBe(told);

    [Fact]
    public async Task Without_a_token_there_is_no_answer() =>
        (await Confirm(new ScriptedNetwork(_ => ScriptedNetwork.Answer("""{"error":"invalid_client","error_description":"x"}""", 401)), Message())).ShouldBeNull();

    [Theory]
    [InlineData(No, Yes, true, 2)]
    [InlineData(Yes, No, true, 1)]
    [InlineData(No, No, false, 2)]
    [InlineData(No, "", null, 2)]
    [InlineData("", No, null, 2)]
    [InlineData("", Yes, true, 2)]
    public async Task While_a_webhook_is_replaced_each_is_asked_about(string first, string second, bool? told, int asked)
    {
        var network = Saying((200, first), (200, second));
        (await Confirm(network, Message(), Account($"{First}, {Second}"))).ShouldBe(told);
        network.Sent.Where(s => s.Path == Path).Select(s => JsonNode.Parse(s.Body)!["webhook_id"]!.ToString()).ShouldBe(new[] { First, Second }.Take(asked));
    }

    /// <summary>Whoever has an account there has a webhook, and can sign for it what they like.</summary>
    [Theory]
    [InlineData("{},\"webhook_id\":\"0STRANGERS0000001\"")]
    [InlineData("{}} {\"webhook_event\":{}")]
    [InlineData("[]")]
    [InlineData("\"text\"")]
    [InlineData("")]
    [InlineData("{\"a\":1,}")]
    [InlineData("{} // x")]
    public async Task A_body_that_is_not_one_object_is_not_asked_about(string body)
    {
        var network = Saying();
        (await Confirm(network, Message(body))).ShouldBe(false);
        network.Sent.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("PAYPAL-TRANSMISSION-ID", null)]
    [InlineData("PAYPAL-TRANSMISSION-SIG", null)]
    [InlineData("PAYPAL-TRANSMISSION-SIG", "%%%")]
    [InlineData("PAYPAL-AUTH-ALGO", "SHA1withRSA")]
    [InlineData("PAYPAL-CERT-URL", "https://paypal.evil.test/v1/notifications/certs/CERT-1")]
    [InlineData("PAYPAL-TRANSMISSION-TIME", null)]
    [InlineData("PAYPAL-TRANSMISSION-TIME", "2025-06-10T15:06:40Z")]
    [InlineData("PAYPAL-TRANSMISSION-TIME", "2025-06-15T15:12:40Z")]
    [InlineData("PAYPAL-TRANSMISSION-TIME", "yesterday")]
    public async Task What_cannot_be_theirs_costs_no_question_and_is_forged_whatever_they_say(string header, string? value)
    {
        var network = Saying();
        (await Confirm(network, Message(changed: (header, value)))).ShouldBe(false);
        network.Sent.ShouldBeEmpty();
        Gateway.ReadWebhook(Message(changed: (header, value)) with { Confirmed = true }, Account()).ShouldBeOfType<NewsReading.Forged>();
    }

    [Fact]
    public void Their_word_stands_for_the_certificate_and_proves_no_more()
    {
        var news = Gateway.ReadWebhook(Message() with { Confirmed = true }, Account()).ShouldBeOfType<NewsReading.Genuine>();
        (news.EventId, news.ProvesAmount, news.Facts.Count).ShouldBe(("WH-1", false, 0));
        Gateway.ReadWebhook(Message() with { Confirmed = false }, Account()).ShouldBeOfType<NewsReading.Forged>().Why.ShouldContain("not theirs");
        Gateway.ReadWebhook(Message(), Account()).ShouldBeOfType<NewsReading.Forged>().Why.ShouldContain("not at hand");
    }

    [Theory]
    [InlineData(null, false, true)]
    [InlineData("certificate", false, true)]
    [InlineData("call", true, true)]
    [InlineData("Call", false, false)]
    [InlineData("none", false, false)]
    public void An_account_chooses_how_its_webhooks_are_checked(string? check, bool always, bool taken)
    {
        Gateway.AsksAlways(Account(check: check)).ShouldBe(always);
        (Gateway.Profile.RefusesAccount(Account(check: check)) is null).ShouldBe(taken);
    }

    [Fact]
    public async Task The_simulator_says_yes_to_its_own_webhooks_and_no_to_others()
    {
        await using var sandbox = await SandboxWorld.Start("paypal");
        using var lines = new GatewayLines();
        var call = new LinkCall(sandbox.Account, new PaymentId(new OrderId(77), 1), new Money(1999, Currency.Find("EUR")), "Order",
            new Customer(), null, "https://pay.test/r", TimeProvider.System.GetUtcNow().AddHours(1), TimeProvider.System.GetUtcNow());
        (await Gateway.OpenLink(call, Line(), default)).ShouldBeOfType<GatewayAnswer.Done>();
        await sandbox.Act(call.Payment, "paid");
        var message = (await sandbox.Receive(1))[0];
        (await Gateway.Confirm(message, sandbox.Account, Line(), default)).ShouldBe(true);
        var changed = Encoding.UTF8.GetString(message.Body.Span).Replace("19.99", "1.00", StringComparison.Ordinal);
        (await Gateway.Confirm(message with { Body = Encoding.UTF8.GetBytes(changed) }, sandbox.Account, Line(), default)).ShouldBe(false);
        var other = sandbox.Account with { Settings = sandbox.Account.Settings.SetItem("webhook_id", First) };
        (await Gateway.Confirm(message, other, Line(), default)).ShouldBe(false);

        GatewayLine Line() => lines.Open(sandbox.Account, Gateway.Profile);
    }
}
