using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Purser.Gateways.Tests.Line;
using Purser.Orders;
using Purser.Payments;

namespace Purser.Gateways.Razorpay.Tests;

/// <summary>The conversation and the mapping, against answers written by hand from the wire notes.</summary>
[Verifies(Part.Adapter, By.Document)]
public sealed class RazorpayTests
{
    const string Ours = "0001jd8xk3m4np1";
    public static readonly DateTimeOffset Noon = DateTimeOffset.FromUnixTimeSeconds(1767225600);

    static readonly RazorpayGateway Gateway = new();
    static readonly Money Amount = new(49900, Currency.Find("INR"));
    static readonly PaymentId Payment = PaymentId.TryParseReference(Ours, out var id) ? id : throw new InvalidOperationException();

    const string Created = """
        {"accept_partial":false,"amount":49900,"amount_paid":0,"created_at":1767225600,"currency":"INR","expire_by":1767229200,"id":"plink_Demo0000000001",
        "notes":{"payment":"0001jd8xk3m4np1"},"payments":null,"reference_id":"0001jd8xk3m4np1","short_url":"https://rzp.io/rzp/DemoAb1","status":"created"}
        """;

    const string Taken = """{"error":{"code":"BAD_REQUEST_ERROR","description":"payment link with given reference_id (0001jd8xk3m4np1) already exists","field":"reference_id"}}""";

    public static GatewayAccount Account(string keySecret = "key-secret-1", string webhookSecret = "hook-secret-1") =>
        new("main", "razorpay", new Uri("https://api.gateway.test"), ImmutableDictionary<string, string>.Empty
            .Add("key_id", "rzp_test_Demo").Add("key_secret", keySecret).Add("webhook_secret", webhookSecret))
        {
            TestMode = true,
        };

    public static byte[] Fixture(string name) => File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "fixtures", name));

    public static RawMessage Webhook(byte[] body, string? signature, string? eventId = "evt-1")
    {
        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        if (signature is not null) headers["X-Razorpay-Signature"] = signature;
        if (eventId is not null) headers["X-Razorpay-Event-Id"] = eventId;
        return new RawMessage("POST", "/gateways/main/webhook", "", headers, body, Noon);
    }

    // Asking for a link.

    [Fact]
    public async Task A_link_is_asked_for_with_documented_fields_only_and_the_same_bytes_every_time()
    {
        var network = new ScriptedNetwork(_ => ScriptedNetwork.Answer(Created));
        var call = Call() with { Method = "upi" };
        (await Open(network, call)).ShouldBeOfType<GatewayAnswer.Done>();
        await Open(network, call);

        network.Sent[0].Path.ShouldBe("/v1/payment_links");
        network.Sent[0].Headers["Authorization"].ShouldBe("Basic " + Convert.ToBase64String("rzp_test_Demo:key-secret-1"u8));
        network.Sent[1].Body.ShouldBe(network.Sent[0].Body);
        // An unknown field is refused by them, so the list is closed.
        JsonDocument.Parse(network.Sent[0].Body).RootElement.EnumerateObject().Select(p => p.Name).ShouldBe([
            "amount", "currency", "accept_partial", "reference_id", "description", "customer", "notify", "reminder_enable", "expire_by",
            "callback_url", "callback_method", "notes", "options"]);
        network.Sent[0].Body.ShouldContain("""
            "amount":49900,"currency":"INR","accept_partial":false,"reference_id":"0001jd8xk3m4np1"
            """);
        network.Sent[0].Body.ShouldContain("""
            "expire_by":1767229200,"callback_url":"https://pay.test/r?x=1\u0026y=2","callback_method":"get","notes":{"payment":"0001jd8xk3m4np1"}
            """);
        network.Sent[0].Body.ShouldContain("""{"checkout":{"method":{"card":0,"upi":1,"netbanking":0,"wallet":0}}}""");
    }

    [Fact]
    public async Task A_new_link_is_where_the_shopper_is_sent()
    {
        var fact = (await Open(Answering(Created))).ShouldBeOfType<GatewayAnswer.Done>().Facts.ShouldHaveSingleItem().ShouldBeOfType<Evidence.LinkOpened>();
        fact.Link.ShouldBe(new PaymentLink.Redirect("https://rzp.io/rzp/DemoAb1"));
        fact.Amount.ShouldBe(Amount);
        fact.GatewayReference.ShouldBe("plink_Demo0000000001");
        fact.GatewayTime.ShouldBe(Noon);
    }

    [Fact]
    public async Task A_link_of_another_amount_is_told_as_it_is() =>
        (await Open(Answering(Created.Replace("49900", "100")))).ShouldBeOfType<GatewayAnswer.Done>()
            .Facts.ShouldHaveSingleItem().ShouldBeOfType<Evidence.LinkOpened>().Amount.ShouldBe(Amount with { MinorUnits = 100 });

    [Fact]
    public async Task A_reference_that_is_taken_is_looked_up_in_the_same_conversation()
    {
        var network = new ScriptedNetwork(sent => sent.Method == "POST"
            ? ScriptedNetwork.Answer(Taken, 400)
            : ScriptedNetwork.Answer($$"""{"payment_links":[{{Created}}]}"""));
        (await Open(network)).ShouldBeOfType<GatewayAnswer.Done>().Facts.Single().ShouldBeOfType<Evidence.LinkOpened>();
        network.Sent.Select(s => s.Path).ShouldBe(["/v1/payment_links", $"/v1/payment_links?reference_id={Ours}"]);
    }

    [Theory]
    [InlineData("""{"payment_links":[]}""", 200)]
    [InlineData("", 503)]
    [InlineData("<html>", 200)]
    public async Task A_reference_that_is_taken_and_not_found_is_unknown_not_refused(string list, int status) =>
        (await Open(new ScriptedNetwork(sent => sent.Method == "POST" ? ScriptedNetwork.Answer(Taken, 400) : ScriptedNetwork.Answer(list, status))))
            .ShouldBeOfType<GatewayAnswer.Unknown>();

    [Fact]
    public async Task A_look_up_that_never_left_does_not_make_the_question_unsent() =>
        (await Open(new ScriptedNetwork((sent, _) => sent.Method == "POST"
            ? Task.FromResult(ScriptedNetwork.Answer(Taken, 400))
            : throw new HttpRequestException(HttpRequestError.ConnectionError)))).ShouldBeOfType<GatewayAnswer.Unknown>();

    [Fact]
    public async Task A_definite_no_is_refused_with_their_reason_redacted()
    {
        var answer = await Open(Answering("""{"error":{"code":"BAD_REQUEST_ERROR","description":"contact of asha@example.test is wrong","field":"contact"}}""", 400));
        answer.ShouldBe(new GatewayAnswer.Rejected("BAD_REQUEST_ERROR: contact of [cut] is wrong"));
    }

    [Theory]
    [InlineData(400, "<html>bad request</html>")]
    [InlineData(400, "{}")]
    [InlineData(404, "not here")]
    [InlineData(408, """{"error":{"code":"BAD_REQUEST_ERROR"}}""")]
    [InlineData(409, """{"error":{"code":"BAD_REQUEST_ERROR"}}""")]
    [InlineData(429, """{"error":{"code":"BAD_REQUEST_ERROR"}}""")]
    [InlineData(400, """{"error":{"code":"BAD_REQUEST_ERROR","description":"The id provided does not exist"}}""")]
    [InlineData(404, """{"error":{"code":"BAD_REQUEST_ERROR","description":"not found"}}""")]
    [InlineData(400, """{"error":{"code":"SERVER_ERROR"}}""")]
    [InlineData(400, """{"error":{"code":"GATEWAY_ERROR"}}""")]
    [InlineData(500, """{"error":{"code":"SERVER_ERROR"}}""")]
    [InlineData(502, "")]
    [InlineData(504, "")]
    [InlineData(302, "")]
    [InlineData(201, Created)]
    [InlineData(200, "")]
    [InlineData(200, "null")]
    [InlineData(200, "[]")]
    [InlineData(200, "{}")]
    [InlineData(200, """{"id":"plink_1","status":"created","amount":"49900","currency":"INR","reference_id":"0001jd8xk3m4np1"}""")]
    [InlineData(200, """{"id":"plink_1","status":"created","amount":499.00,"currency":"INR","reference_id":"0001jd8xk3m4np1"}""")]
    [InlineData(200, """{"id":"plink_1","status":"created","amount":49900,"amount":1,"currency":"INR","reference_id":"0001jd8xk3m4np1"}""")]
    [InlineData(200, """{"id":"plink_1","status":"created","amount":49900,"currency":"QQQ","reference_id":"0001jd8xk3m4np1"}""")]
    [InlineData(200, """{"id":"plink_1","status":"created","amount":49900,"currency":"INR","reference_id":"0001jd8xk3m4np2"}""")]
    [InlineData(200, """{"status":"created","amount":49900,"currency":"INR","reference_id":"0001jd8xk3m4np1"}""")]
    public async Task What_is_not_exactly_an_answer_is_unknown(int status, string body) =>
        (await Open(Answering(body, status))).ShouldBeOfType<GatewayAnswer.Unknown>();

    [Fact]
    public async Task A_byte_order_mark_or_a_cut_body_is_unknown_never_success_or_failure()
    {
        (await Open(Answering("\uFEFF" + Created))).ShouldBeOfType<GatewayAnswer.Unknown>();
        for (var length = 0; length < Created.Trim().Length; length++)
            (await Open(Answering(Created.Trim()[..length]))).ShouldBeOfType<GatewayAnswer.Unknown>();
    }

    [Theory]
    [InlineData("INR", 99, false)]
    [InlineData("INR", 100, true)]
    [InlineData("INR", 0, false)]
    [InlineData("INR", -100, false)]
    [InlineData("JPY", 1, true)]
    [InlineData("KWD", 1250, true)]
    [InlineData("KWD", 1255, false)]
    [InlineData("ISK", 1000, false)]
    [InlineData("IRR", 1000, false)]
    public void Amounts_that_cannot_be_paid_are_refused_before_anything_starts(string currency, long minorUnits, bool paid) =>
        (Gateway.Profile.RefusesAmount(new Money(minorUnits, Currency.Find(currency))) is null).ShouldBe(paid);

    [Fact]
    public void A_live_key_in_test_mode_is_a_problem_and_so_is_the_reverse()
    {
        Gateway.Profile.RefusesAccount(Account()).ShouldBeNull();
        Gateway.Profile.RefusesAccount(Account() with { TestMode = false }).ShouldNotBeNull().ShouldNotContain("Demo");
    }

    // Asking what became of it.

    public static TheoryData<string, string?, string[]> States => new()
    {
        { "created", null, ["LinkOpened"] },
        { "created", """{"id":"pay_1","status":"failed","amount":49900,"currency":"INR","error_code":"BAD_REQUEST_ERROR","error_reason":"insufficient_fund"}""", ["Declined insufficient_fund", "LinkOpened"] },
        { "created", """{"id":"pay_1","status":"authorized","amount":49900,"currency":"INR"}""", ["Processing", "LinkOpened"] },
        { "created", """{"id":"pay_1","status":"created","amount":49900,"currency":"INR"}""", ["LinkOpened"] },
        { "created", """{"id":"pay_1","status":"created","amount":49900,"currency":"INR"},{"id":"pay_2","status":"authorized","amount":49900,"currency":"INR"}""", ["Processing", "LinkOpened"] },
        { "created", """{"id":"pay_1","status":"failed","amount":49900,"currency":"INR","error_reason":"insufficient_fund"},{"id":"pay_2","status":"created","amount":49900,"currency":"INR"}""", ["Declined insufficient_fund", "LinkOpened"] },
        { "partially_paid", """{"id":"pay_1","status":"created","amount":49900,"currency":"INR"}""", ["Processing", "Processing"] },
        { "paid", """{"id":"pay_1","status":"created","amount":49900,"currency":"INR"}""", ["Processing", "Processing"] },
        { "expired", """{"id":"pay_1","status":"created","amount":49900,"currency":"INR"}""", ["Processing"] },
        { "created", """{"id":"pay_1","status":"captured","amount":49900,"currency":"INR"}""", ["Succeeded pay_1 499.00 INR"] },
        { "created", """{"id":"pay_1","status":"teleported","amount":49900,"currency":"INR"}""", ["Processing teleported", "LinkOpened"] },
        { "paid", """{"id":"pay_1","status":"failed","amount":49900,"currency":"INR"},{"id":"pay_2","status":"captured","amount":49900,"currency":"INR","fee":1178,"tax":180}""", ["Succeeded pay_2 499.00 INR fee 1178 tax 180"] },
        { "paid", """{"id":"pay_1","status":"captured","amount":49900,"currency":"INR"},{"id":"pay_2","status":"captured","amount":49900,"currency":"INR"}""", ["Succeeded pay_1 499.00 INR", "Succeeded pay_2 499.00 INR"] },
        // What was captured and wholly given back by others than us pays nothing, and its link is used up.
        { "paid", """{"id":"pay_1","status":"refunded","captured":true,"amount":49900,"currency":"INR"}""", ["Reversed", "LinkExpired"] },
        { "paid", "", ["Processing"] },
        { "paid", null, ["Processing"] },
        { "partially_paid", """{"id":"pay_1","status":"captured","amount":100,"currency":"INR"}""", ["Succeeded pay_1 1.00 INR", "Processing"] },
        { "expired", "", ["LinkExpired"] },
        { "expired", """{"id":"pay_1","status":"failed","amount":49900,"currency":"INR"}""", ["LinkExpired"] },
        { "expired", """{"id":"pay_1","status":"authorized","amount":49900,"currency":"INR"}""", ["Processing"] },
        { "expired", """{"id":"pay_1","status":"captured","amount":49900,"currency":"INR"}""", ["Succeeded pay_1 499.00 INR", "LinkExpired"] },
        { "expired", """{"id":"pay_1","status":"refunded","captured":false,"amount":49900,"currency":"INR"}""", ["LinkExpired"] },
        { "cancelled", "", ["LinkCancelled"] },
        { "cancelled", """{"id":"pay_1","status":"created","amount":49900,"currency":"INR"}""", ["Processing"] },
        { "vaporised", "", ["Processing vaporised"] },
    };

    [Theory]
    [MemberData(nameof(States))]
    public async Task Every_state_is_said_in_our_words(string status, string? tries, string[] facts)
    {
        var link = Created.Replace("\"status\":\"created\"", $"\"status\":\"{status}\"");
        if (tries is not null) link = link.Replace("\"amount_paid\":0", "\"order_id\":\"order_1\"");
        var network = new ScriptedNetwork(sent => ScriptedNetwork.Answer(sent.Path switch
        {
            "/v1/orders/order_1/payments" => $$"""{"entity":"collection","count":1,"items":[{{tries}}]}""",
            "/v1/payments/pay_1/refunds?count=100&skip=0" => """{"items":[{"id":"rfnd_1","payment_id":"pay_1","amount":49900,"currency":"INR","status":"processed","receipt":null,"notes":[]}]}""",
            _ => link,
        }));
        var done = (await Inquire(network, "plink_Demo0000000001")).ShouldBeOfType<GatewayAnswer.Done>();
        done.Facts.Select(Say).ShouldBe(facts);
        done.Facts.ShouldAllBe(f => f.GatewayReference == "plink_Demo0000000001");
    }

    [Fact]
    public async Task Without_an_order_the_links_own_rows_tell_the_money()
    {
        var link = Created.Replace("\"status\":\"created\"", "\"status\":\"paid\"").Replace("\"payments\":null",
            "\"payments\":[{\"amount\":49900,\"created_at\":1767225660,\"method\":\"upi\",\"payment_id\":\"pay_9\",\"plink_id\":\"plink_Demo0000000001\",\"status\":\"captured\"}]");
        var fact = (await Inquire(Answering(link), "plink_Demo0000000001")).ShouldBeOfType<GatewayAnswer.Done>().Facts.Single();
        fact.ShouldBeOfType<Evidence.Succeeded>().ShouldBe(new Evidence.Succeeded("pay_9", Amount, "upi")
        {
            GatewayReference = "plink_Demo0000000001",
            GatewayTime = Noon.AddSeconds(60),
        });
    }

    [Fact]
    public async Task Tries_that_cannot_be_read_are_not_taken_for_none()
    {
        var link = Created.Replace("\"amount_paid\":0", "\"order_id\":\"order_1\"");
        (await Inquire(new ScriptedNetwork(sent => sent.Path.Contains("orders") ? ScriptedNetwork.Answer("", 500) : ScriptedNetwork.Answer(link)), "plink_Demo0000000001"))
            .ShouldBeOfType<GatewayAnswer.Unknown>();
    }

    [Fact]
    public async Task Tries_on_another_order_are_not_money_on_ours()
    {
        var link = Created.Replace("\"amount_paid\":0", "\"order_id\":\"order_1\"");
        const string tries = """{"items":[{"id":"pay_9","order_id":"order_2","status":"captured","captured":true,"amount":49900,"currency":"INR"}]}""";
        (await Inquire(new ScriptedNetwork(sent => ScriptedNetwork.Answer(sent.Path.Contains("orders") ? tries : link)), "plink_Demo0000000001"))
            .ShouldBeOfType<GatewayAnswer.Unknown>();
        (await Inquire(new ScriptedNetwork(sent => ScriptedNetwork.Answer(sent.Path.Contains("orders") ? tries.Replace("order_2", "order_1") : link)), "plink_Demo0000000001"))
            .ShouldBeOfType<GatewayAnswer.Done>().Facts.ShouldHaveSingleItem().ShouldBeOfType<Evidence.Succeeded>();
    }

    [Fact]
    public async Task Nothing_under_our_reference_is_absent() =>
        (await Inquire(Answering("""{"payment_links":[]}"""))).ShouldBeOfType<GatewayAnswer.Done>().Facts.Single().ShouldBeOfType<Evidence.Absent>();

    [Theory]
    [InlineData(401, """{"error":{"code":"BAD_REQUEST_ERROR","description":"Authentication failed"}}""")]
    [InlineData(400, """{"error":{"code":"BAD_REQUEST_ERROR","description":"something else"}}""")]
    [InlineData(404, "<html>")]
    [InlineData(500, "")]
    [InlineData(200, """{"payment_links":null}""")]
    [InlineData(200, "{}")]
    [InlineData(200, """{"payment_links":[{"id":"plink_2","reference_id":"0001jd8xk3m4np2","amount":1,"currency":"INR","status":"paid"}]}""")]
    public async Task Whatever_else_an_inquiry_gets_is_unknown_never_absent(int status, string body)
    {
        (await Inquire(Answering(body, status))).ShouldBeOfType<GatewayAnswer.Unknown>();
        (await Inquire(Answering(body, status), "plink_Demo0000000001")).ShouldBeOfType<GatewayAnswer.Unknown>();
    }

    [Fact]
    public async Task Two_links_under_one_reference_tell_all_the_money_and_the_state_of_the_open_one()
    {
        var paid = Created.Replace("plink_Demo0000000001", "plink_2").Replace("\"status\":\"created\"", "\"status\":\"paid\"")
            .Replace("\"payments\":null", "\"payments\":[{\"amount\":49900,\"payment_id\":\"pay_9\",\"status\":\"captured\"}]");
        var done = (await Inquire(Answering($$"""{"payment_links":[{{paid}},{{Created}}]}"""))).ShouldBeOfType<GatewayAnswer.Done>();
        done.Facts.Select(Say).ShouldBe(["Succeeded pay_9 499.00 INR", "LinkOpened"]);
    }

    // Closing.

    [Fact]
    public async Task Closing_a_link_that_was_paid_meanwhile_answers_with_the_money()
    {
        var paid = Created.Replace("\"status\":\"created\"", "\"status\":\"paid\"")
            .Replace("\"payments\":null", "\"payments\":[{\"amount\":49900,\"payment_id\":\"pay_9\",\"status\":\"captured\"}]");
        var network = new ScriptedNetwork(sent => sent.Method == "POST"
            ? ScriptedNetwork.Answer("""{"error":{"code":"BAD_REQUEST_ERROR","description":"cannot be cancelled"}}""", 400)
            : ScriptedNetwork.Answer(paid));
        (await Cancel(network, "plink_Demo0000000001")).ShouldBeOfType<GatewayAnswer.Done>().Facts.Select(Say).ShouldBe(["Succeeded pay_9 499.00 INR"]);
        network.Sent.Select(s => $"{s.Method} {s.Path}").ShouldBe([
            "POST /v1/payment_links/plink_Demo0000000001/cancel", "GET /v1/payment_links/plink_Demo0000000001"]);
    }

    [Fact]
    public async Task A_link_whose_name_we_never_learned_is_found_and_closed()
    {
        var network = new ScriptedNetwork(sent => sent.Method == "POST"
            ? ScriptedNetwork.Answer(Created.Replace("\"status\":\"created\"", "\"status\":\"cancelled\""))
            : ScriptedNetwork.Answer($$"""{"payment_links":[{{Created}}]}"""));
        (await Cancel(network, null)).ShouldBeOfType<GatewayAnswer.Done>().Facts.Select(Say).ShouldBe(["LinkCancelled"]);
    }

    static ScriptedNetwork Answering(string body, int status = 200) => new(_ => ScriptedNetwork.Answer(body, status));

    static LinkCall Call() => new(
        Account(), Payment, Amount, "Order 2026-0001", new Customer("Asha Rao", "asha@example.test", "+91 90000 00001"), null,
        "https://pay.test/r?x=1&y=2", Noon.AddHours(1), Noon);

    static async Task<GatewayAnswer> Open(ScriptedNetwork network, LinkCall? call = null)
    {
        using var lines = new GatewayLines(network, new ManualTime());
        return await Gateway.OpenLink(call ?? Call(), lines.Open(Account(), Gateway.Profile), default);
    }

    static async Task<GatewayAnswer> Inquire(ScriptedNetwork network, string? reference = null)
    {
        using var lines = new GatewayLines(network, new ManualTime());
        return await Gateway.Inquire(new InquireCall(Account(), Payment, reference, Amount, Noon), lines.Open(Account(), Gateway.Profile), default);
    }

    static async Task<GatewayAnswer> Cancel(ScriptedNetwork network, string? reference)
    {
        using var lines = new GatewayLines(network, new ManualTime());
        return await Gateway.CancelLink(new InquireCall(Account(), Payment, reference, Amount, Noon), lines.Open(Account(), Gateway.Profile), default);
    }

    public static string Say(Evidence fact) => fact switch
    {
        Evidence.Succeeded e => $"Succeeded {e.MoneyReference} {e.Amount}{(e.Fee is null ? "" : $" fee {e.Fee} tax {e.Tax}")}",
        Evidence.Declined e => $"Declined {e.Reason}",
        Evidence.Failed e => $"Failed {e.Reason}",
        Evidence.Processing { UnknownWord: { } word } => $"Processing {word}",
        Evidence.DisputeOpened e => $"DisputeOpened {e.DisputeReference} {e.Amount}",
        Evidence.DisputeClosed e => $"DisputeClosed {e.DisputeReference} {(e.Won ? "won" : "lost")}",
        _ => fact.GetType().Name,
    };

    public static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);
}
