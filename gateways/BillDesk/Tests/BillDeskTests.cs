using System.Collections.Immutable;
using System.Net;
using System.Text;
using System.Text.Json;
using Purser.Gateways.Tests.Line;
using Purser.Orders;
using Purser.Payments;
using Purser.Refunds;

namespace Purser.Gateways.BillDesk.Tests;

/// <summary>The conversation and the mapping, against answers written by hand from the wire document.</summary>
[Verifies(Part.Adapter, By.Document)]
public sealed class BillDeskTests
{
    const string Ours = "0001jd8xk3m4np1", OurRefund = "0001jd8xk3m4nr1";

    static readonly DateTimeOffset Morning = new(2026, 1, 1, 4, 30, 0, TimeSpan.Zero);
    static readonly BillDeskGateway Gateway = new();
    static readonly Money Amount = new(49900, Currency.Find("INR"));
    static readonly PaymentId Payment = PaymentId.TryParseReference(Ours, out var id) ? id : throw new InvalidOperationException();

    public const string Created = """
        {"objectid":"order","orderid":"0001jd8xk3m4np1","bdorderid":"OADEMO0000000001","mercid":"VECMERCH","order_date":"2026-01-01T10:00:00+05:30","amount":"499.00",
        "currency":"356","ru":"https://pay.test/r","itemcode":"DIRECT","createdon":"2026-01-01T10:00:02+05:30","next_step":"redirect","links":[
        {"href":"https://api.bill.test/payments/ve1_2/orders/0001jd8xk3m4np1","rel":"self","method":"GET"},
        {"href":"https://api.bill.test/web/v1_2/embeddedsdk","rel":"redirect","method":"POST","parameters":{"mercid":"VECMERCH","bdorderid":"OADEMO0000000001","rdata":"opaque-1"},
        "valid_date":"2026-01-01T10:30:02+05:30","headers":{"authorization":"OToken opaque-2"}}],"status":"ACTIVE"}
        """;

    public const string Paid = """
        {"objectid":"transaction","transactionid":"UDEMO0000000001","orderid":"0001jd8xk3m4np1","mercid":"VECMERCH","transaction_date":"2026-01-01T10:02:11+05:30",
        "amount":"499.00","surcharge":"5.00","discount":"0.00","charge_amount":"504.00","currency":"356","payment_method_type":"upi","auth_status":"0300",
        "transaction_error_code":"TRS0000","transaction_error_type":"success","transaction_error_desc":"Transaction Successful"}
        """;

    const string Returned = """
        {"objectid":"refund","refundid":"UDEMO00000000011","transactionid":"UDEMO0000000001","orderid":"0001jd8xk3m4np1","mercid":"VECMERCH",
        "transaction_date":"2026-01-01T10:02:11+05:30","txn_amount":"499.00","refund_amount":"100.00","currency":"356","refund_date":"2026-01-02T11:00:00+05:30",
        "merc_refund_ref_no":"0001jd8xk3m4nr1","refund_status":"0799"}
        """;

    public const string NotFound = """{"status":404,"error_type":"object_not_found_error","error_code":"TRNFE0001","message":"No transaction found"}""";
    const string OrderTaken = """{"status":409,"error_type":"duplicate_request_error","error_code":"TRDRE0001","message":"Transaction already exists with given mercid and orderid"}""";
    const string TraceTaken = """{"status":409,"error_type":"duplicate_request_error","error_code":"GNDRE0001","message":"Duplicate BD-Traceid"}""";
    const string Invalid = """{"status":422,"error_type":"invalid_data_error","error_code":"ORIDE0001","message":"Invalid ru"}""";

    public static GatewayAccount Account(string key = "sign-key-0123456789") => new("main", "billdesk", new Uri("https://api.bill.test"),
        ImmutableDictionary<string, string>.Empty.Add("merchant_id", "VECMERCH").Add("client_id", "vecclient").Add("signing_key", key));

    static GatewayAccount Encrypted => Account() with
    {
        Settings = Account().Settings.Add("scheme", "symmetric").Add("encryption_key", "0123456789abcdef0123456789ABCDEF").Add("encryption_key_id", "kid1"),
    };

    public static string Token(string payload, GatewayAccount? account = null) => BillDeskJose.Of(account ?? Account())!.Seal(Encoding.UTF8.GetBytes(payload));

    static string Said(Sent sent) => BillDeskJose.Of(Account())!.Read(sent.Body)!;

    static HttpResponseMessage Answer(int status, string body) => new((HttpStatusCode)status) { Content = new StringContent(body) };

    /// <summary>Each request gets the next answer; the last one for ever. Above 200 it is an error.</summary>
    static ScriptedNetwork Answering(params (int Status, string Payload)[] answers)
    {
        var next = 0;
        return new ScriptedNetwork(_ =>
        {
            var (status, payload) = answers[Math.Min(next++, answers.Length - 1)];
            return Answer(status, Token(payload));
        });
    }

    static GatewayLine Line(HttpMessageHandler network, GatewayAccount? account = null) =>
        new GatewayLines(network, new ManualTime()).Open(account ?? Account(), Gateway.Profile);

    static LinkCall Call(GatewayAccount? account = null) => new(account ?? Account(), Payment, Amount, "Order 42", new Customer("Asha Rao", "asha@example.test", "+919000000001"), null,
        "https://pay.test/r?x=1", Morning.AddHours(1), Morning);

    static RefundCall Back => new(Account(), new RefundId(Payment.Order, 1), Payment, Ours, "UDEMO0000000001", Amount, new Money(10000, Amount.Currency), null, "Order 42", Morning.AddDays(1));

    static Task<GatewayAnswer> Open(ScriptedNetwork network, GatewayAccount? account = null) => Gateway.OpenLink(Call(account), Line(network, account), default);

    static Task<GatewayAnswer> Inquire(ScriptedNetwork network) => Gateway.Inquire(new InquireCall(Account(), Payment, Ours, Amount, Morning), Line(network), default);

    // Asking for a link.

    [Fact]
    public async Task An_order_is_asked_for_with_text_amounts_times_of_India_and_ids_that_are_the_payments_own()
    {
        var network = Answering((200, Created));
        await Open(network);
        await Open(network);
        var sent = network.Sent[0];
        (sent.Method, sent.Path).ShouldBe(("POST", "/payments/ve1_2/orders/create"));
        (sent.Headers["Content-Type"], sent.Headers["Accept"]).ShouldBe(("application/jose", "application/jose"));
        sent.Headers["BD-Traceid"].ShouldMatch("^[A-Za-z0-9]{10,35}$");
        sent.Headers["BD-Timestamp"].ShouldBe("20260101100000");
        Said(sent).ShouldStartWith("""{"mercid":"VECMERCH","orderid":"0001jd8xk3m4np1","amount":"499.00","order_date":"2026-01-01T10:00:00\u002B05:30","currency":"356",""");
        using var said = JsonDocument.Parse(Said(sent));
        said.RootElement.GetProperty("order_date").GetString().ShouldBe("2026-01-01T10:00:00+05:30");
        said.RootElement.EnumerateObject().Select(p => p.Name).ShouldBe(["mercid", "orderid", "amount", "order_date", "currency", "ru", "itemcode", "customer", "device"]);
        (network.Sent[1].Body, network.Sent[1].Headers["BD-Traceid"]).ShouldBe((sent.Body, sent.Headers["BD-Traceid"]));
    }

    [Fact]
    public async Task A_link_is_the_form_of_the_redirect_relation_with_the_tokens_of_the_answer()
    {
        var fact = (await Open(Answering((200, Created)))).ShouldBeOfType<GatewayAnswer.Done>().Facts.ShouldHaveSingleItem().ShouldBeOfType<Evidence.LinkOpened>();
        var form = fact.Link.ShouldBeOfType<PaymentLink.Form>();
        form.Url.ShouldBe("https://api.bill.test/web/v1_2/embeddedsdk");
        form.Fields.ShouldBe(new Dictionary<string, string> { ["bdorderid"] = "OADEMO0000000001", ["mercid"] = "VECMERCH", ["rdata"] = "opaque-1" }, ignoreOrder: true);
        (fact.Amount, fact.GatewayReference).ShouldBe((Amount, Ours));
    }

    [Theory]
    [InlineData("\"orderid\":\"0001jd8xk3m4np1\"", "\"orderid\":\"0001jd8xk3m4np2\"")]
    [InlineData("\"mercid\":\"VECMERCH\",\"order_date\"", "\"mercid\":\"OTHER\",\"order_date\"")]
    [InlineData("\"currency\":\"356\"", "\"currency\":\"840\"")]
    [InlineData("\"amount\":\"499.00\"", "\"amount\":499.00")]
    [InlineData("\"amount\":\"499.00\"", "\"amount\":\"499\"")]
    [InlineData("\"status\":\"ACTIVE\"", "\"status\":\"EXPIRED\"")]
    [InlineData("https://api.bill.test/web", "javascript:alert(1)//web")]
    [InlineData("https://api.bill.test/web", "http://api.bill.test/web")]
    [InlineData("\"rel\":\"redirect\"", "\"rel\":\"other\"")]
    [InlineData("\"rdata\":\"opaque-1\"", "\"rdata\":7")]
    public async Task An_answer_that_is_not_the_order_that_was_asked_for_is_unknown(string there, string instead)
    {
        Created.ShouldContain(there);
        (await Open(Answering((200, Created.Replace(there, instead, StringComparison.Ordinal))))).ShouldBeOfType<GatewayAnswer.Unknown>();
    }

    [Fact]
    public async Task An_order_over_another_amount_says_so() =>
        (await Open(Answering((200, Created.Replace("499.00", "498.99", StringComparison.Ordinal))))).ShouldBeOfType<GatewayAnswer.Done>().Facts
            .OfType<Evidence.LinkOpened>().Single().Amount!.Value.MinorUnits.ShouldBe(49899);

    [Fact]
    public async Task A_trace_id_that_they_have_seen_is_replaced_for_the_same_order()
    {
        var network = Answering((409, TraceTaken), (200, Created));
        (await Open(network)).ShouldBeOfType<GatewayAnswer.Done>();
        network.Sent[1].Body.ShouldBe(network.Sent[0].Body);
        network.Sent[1].Headers["BD-Traceid"].ShouldNotBe(network.Sent[0].Headers["BD-Traceid"]);
        network.Sent[1].Headers["BD-Traceid"].ShouldMatch("^[A-Za-z0-9]{10,35}$");
    }

    [Fact]
    public async Task An_order_that_exists_is_retrieved_and_its_form_is_not_made_up()
    {
        var network = Answering((409, OrderTaken), (404, NotFound));
        (await Open(network)).ShouldBeOfType<GatewayAnswer.Unknown>();
        network.Sent.Select(s => s.Path).ShouldBe(["/payments/ve1_2/orders/create", "/payments/ve1_2/transactions/get"]);
        (await Open(Answering((409, OrderTaken), (200, Paid)))).ShouldBeOfType<GatewayAnswer.Done>().Facts.ShouldHaveSingleItem().ShouldBeOfType<Evidence.Succeeded>();
        (await Open(Answering((409, TraceTaken), (409, OrderTaken), (404, NotFound)))).ShouldBeOfType<GatewayAnswer.Unknown>();
    }

    [Fact]
    public async Task Only_a_signed_no_is_a_no_and_their_own_trouble_is_none()
    {
        (await Open(Answering((422, Invalid)))).ShouldBeOfType<GatewayAnswer.Rejected>().Reason.ShouldBe("ORIDE0001: Invalid ru");
        foreach (var type in (string[])["api_connection_error", "api_processing_error"])
            (await Open(Answering((400, Invalid.Replace("invalid_data_error", type, StringComparison.Ordinal).Replace("422", "400", StringComparison.Ordinal))))).ShouldBeOfType<GatewayAnswer.Unknown>(type);
        (await Open(new ScriptedNetwork(_ => Answer(422, Invalid)))).ShouldBeOfType<GatewayAnswer.Unknown>();
        (await Open(new ScriptedNetwork(_ => Answer(422, Token(Invalid, Account("another-key-0123456789")))))).ShouldBeOfType<GatewayAnswer.Unknown>();
        (await Open(Answering((500, Invalid)))).ShouldBeOfType<GatewayAnswer.Unknown>();
        (await Open(Answering((422, Invalid.Replace("422", "200", StringComparison.Ordinal))))).ShouldBeOfType<GatewayAnswer.Unknown>();
    }

    [Fact]
    public async Task A_no_to_our_own_keys_is_believed_in_the_clear_and_a_page_of_a_firewall_is_not()
    {
        const string unauthorised = """{"status":401,"error_type":"authentication_error","error_code":"GNAUE0003","message":"Invalid signature"}""";
        (await Open(new ScriptedNetwork(_ => Answer(401, unauthorised)))).ShouldBeOfType<GatewayAnswer.Rejected>();
        (await Open(new ScriptedNetwork(_ => Answer(401, Token(unauthorised, Account("their-key-0123456789")))))).ShouldBeOfType<GatewayAnswer.Rejected>();
        (await Open(new ScriptedNetwork(_ => Answer(401, """{"error":"invalid_client","error_description":"Client authentication failed"}"""))))
            .ShouldBeOfType<GatewayAnswer.Rejected>().Reason.ShouldBe("invalid_client: Client authentication failed");
        (await Open(new ScriptedNetwork(_ => Answer(403, "<html><body>403 Forbidden. Your IP is not listed.</body></html>")))).ShouldBeOfType<GatewayAnswer.Unknown>();
        (await Inquire(new ScriptedNetwork(_ => Answer(401, unauthorised)))).ShouldBeOfType<GatewayAnswer.Unknown>();
    }

    [Fact]
    public async Task In_the_symmetric_scheme_everything_is_encrypted_and_repeated_with_the_same_bytes()
    {
        var network = new ScriptedNetwork(_ => Answer(200, Token(Created, Encrypted)));
        (await Open(network, Encrypted)).ShouldBeOfType<GatewayAnswer.Done>();
        await Open(network, Encrypted);
        network.Sent[1].Body.ShouldBe(network.Sent[0].Body);
        Encoding.ASCII.GetString(BillDeskJose.Peek(network.Sent[0].Body)!).Split('.').Length.ShouldBe(5);
        BillDeskJose.Of(Encrypted)!.Read(network.Sent[0].Body)!.ShouldContain(Ours);
        // A scheme that was agreed otherwise: their answer is signed only.
        (await Open(new ScriptedNetwork(_ => Answer(200, Token(Created))), Encrypted)).ShouldBeOfType<GatewayAnswer.Unknown>();
    }

    [Fact]
    public async Task What_is_recorded_can_be_read_and_opens_no_page_and_names_no_shopper()
    {
        foreach (var account in (GatewayAccount[])[Account(), Encrypted])
        {
            var line = Line(new ScriptedNetwork(_ => Answer(200, Token(Created, account))), account);
            await Gateway.OpenLink(Call(account), line, default);
            var kept = line.Exchanges.ShouldHaveSingleItem();
            kept.Request.ShouldContain($"\"orderid\":\"{Ours}\"");
            kept.Answer.ShouldContain("OADEMO0000000001");
            foreach (var hidden in (string[])["opaque-1", "opaque-2", "Asha", "asha@", "9000000001", "eyJ"]) kept.ToString().ShouldNotContain(hidden);
        }
    }

    // Asking what became of it.

    [Theory]
    [InlineData("0300", "Succeeded")]
    [InlineData("0399", "Failed")]
    [InlineData("0002", "Processing")]
    [InlineData("0001", "Processing")]
    [InlineData("NA", "Processing")]
    [InlineData("0777", "Processing")]
    public async Task Each_status_is_one_of_ours(string status, string fact)
    {
        var network = Answering((200, Paid.Replace("0300", status, StringComparison.Ordinal)));
        var told = (await Inquire(network)).ShouldBeOfType<GatewayAnswer.Done>().Facts.ShouldHaveSingleItem();
        (told.GetType().Name, told.GatewayReference, told.GatewayTime).ShouldBe((fact, Ours, Morning.AddMinutes(2).AddSeconds(11)));
        if (told is Evidence.Processing p) p.UnknownWord.ShouldBe(status is "0001" or "0002" ? null : status);
        Said(network.Sent[0]).ShouldBe("""{"mercid":"VECMERCH","orderid":"0001jd8xk3m4np1"}""");
    }

    [Fact]
    public async Task The_orders_amount_is_what_counts_and_not_what_the_bank_charged() =>
        (await Inquire(Answering((200, Paid)))).ShouldBeOfType<GatewayAnswer.Done>().Facts.OfType<Evidence.Succeeded>().Single()
            .ShouldSatisfyAllConditions(s => s.Amount.ShouldBe(Amount), s => s.MoneyReference.ShouldBe("UDEMO0000000001"), s => s.Method.ShouldBe("upi"));

    [Theory]
    [InlineData("\"amount\":\"499.00\",", "")]
    [InlineData("\"currency\":\"356\"", "\"currency\":\"INR\"")]
    [InlineData("\"transactionid\":\"UDEMO0000000001\",", "")]
    [InlineData("\"mercid\":\"VECMERCH\"", "\"mercid\":\"OTHER\"")]
    [InlineData("0001jd8xk3m4np1", "0001jd8xk3m4np2")]
    [InlineData("\"objectid\":\"transaction\"", "\"objectid\":\"order\"")]
    [InlineData("\"auth_status\":\"0300\",", "")]
    [InlineData("\"auth_status\":\"0300\",", "\"auth_status\":\"0399\",\"auth_status\":\"0300\",")]
    public async Task A_success_without_all_that_makes_it_one_is_unknown(string there, string instead) =>
        (await Inquire(Answering((200, Paid.Replace(there, instead, StringComparison.Ordinal))))).ShouldBeOfType<GatewayAnswer.Unknown>();

    [Fact]
    public async Task No_transaction_is_absent_and_every_question_has_its_own_trace_id()
    {
        var time = new ManualTime();
        var network = Answering((404, NotFound));
        using var lines = new GatewayLines(network, time);
        for (var i = 0; i < 3; i++)
        {
            (await Gateway.Inquire(new InquireCall(Account(), Payment, null, Amount, Morning), lines.Open(Account(), Gateway.Profile), default))
                .ShouldBeOfType<GatewayAnswer.Done>().Facts.ShouldHaveSingleItem().ShouldBeOfType<Evidence.Absent>();
            time.Advance(TimeSpan.FromSeconds(1));
        }
        network.Sent.Select(s => s.Headers["BD-Traceid"]).ShouldBeUnique();
        network.Sent.ShouldAllBe(s => s.Headers["BD-Traceid"].Length >= 10 && s.Headers["BD-Traceid"].Length <= 35);
    }

    // Refunds.

    [Fact]
    public async Task A_refund_repeats_the_payments_own_date_and_amount()
    {
        var network = Answering((200, Paid), (200, Returned));
        (await Gateway.Refund(Back, Line(network), default)).ShouldBeOfType<RefundAnswer.Done>().Fact.ShouldBeOfType<RefundEvidence.Succeeded>().RefundReference.ShouldBe("UDEMO00000000011");
        using var said = JsonDocument.Parse(Said(network.Sent[1]));
        said.RootElement.EnumerateObject().Select(p => $"{p.Name}={p.Value.GetString()}").ShouldBe([
            "mercid=VECMERCH", "transactionid=UDEMO0000000001", "orderid=" + Ours, "transaction_date=2026-01-01T10:02:11+05:30", "txn_amount=499.00", "refund_amount=100.00",
            "currency=356", "merc_refund_ref_no=" + OurRefund]);
        network.Sent[1].Headers["BD-Timestamp"].ShouldBe("20260102100000");
    }

    [Fact]
    public async Task A_refund_that_the_payment_has_already_is_not_asked_for_again()
    {
        var network = Answering((200, Paid.TrimEnd().TrimEnd('}') + ",\"refundInfo\":[" + Returned + "]}"));
        (await Gateway.Refund(Back, Line(network), default)).ShouldBeOfType<RefundAnswer.Done>();
        network.Sent.Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_refund_that_was_seen_before_is_read_and_asked_for_again_when_it_was_never_made()
    {
        var read = Answering((200, Paid), (409, TraceTaken), (200, Returned));
        (await Gateway.Refund(Back, Line(read), default)).ShouldBeOfType<RefundAnswer.Done>();
        read.Sent[^1].Path.ShouldBe("/payments/ve1_2/refunds/get");
        var again = Answering((200, Paid), (409, TraceTaken), (404, NotFound), (200, Returned));
        (await Gateway.Refund(Back, Line(again), default)).ShouldBeOfType<RefundAnswer.Done>();
        (again.Sent[3].Body, again.Sent[3].Headers["BD-Traceid"] == again.Sent[1].Headers["BD-Traceid"]).ShouldBe((again.Sent[1].Body, false));
        (await Gateway.Refund(Back, Line(Answering((200, Paid), (409, TraceTaken), (404, NotFound), (409, OrderTaken))), default)).ShouldBeOfType<RefundAnswer.Unknown>();
    }

    [Theory]
    [InlineData("0699", "Succeeded")]
    [InlineData("0799", "Succeeded")]
    [InlineData("0002", "Accepted")]
    [InlineData("0399", "Failed")]
    [InlineData("0555", null)]
    public async Task A_refunds_status_is_one_of_ours_and_0699_is_no_failure(string status, string? fact)
    {
        var answer = await Gateway.InquireRefund(Back, Line(Answering((200, Returned.Replace("0799", status, StringComparison.Ordinal)))), default);
        if (fact is null) answer.ShouldBeOfType<RefundAnswer.Unknown>().Reason.ShouldContain(status);
        else answer.ShouldBeOfType<RefundAnswer.Done>().Fact.GetType().Name.ShouldBe(fact);
    }

    [Fact]
    public async Task A_refund_of_nothing_is_rejected_and_one_over_another_amount_is_unknown()
    {
        (await Gateway.Refund(Back, Line(Answering((404, NotFound))), default)).ShouldBeOfType<RefundAnswer.Rejected>();
        (await Gateway.Refund(Back, Line(Answering((200, Paid), (422, Invalid))), default)).ShouldBeOfType<RefundAnswer.Rejected>();
        (await Gateway.InquireRefund(Back, Line(Answering((404, NotFound))), default)).ShouldBeOfType<RefundAnswer.Done>().Fact.ShouldBeOfType<RefundEvidence.Absent>();
        (await Gateway.InquireRefund(Back, Line(Answering((422, Invalid))), default)).ShouldBeOfType<RefundAnswer.Unknown>();
        (await Gateway.InquireRefund(Back, Line(Answering((200, Returned.Replace("\"100.00\"", "\"99.99\"", StringComparison.Ordinal)))), default)).ShouldBeOfType<RefundAnswer.Unknown>();
        (await Gateway.Refund(Back, Line(Answering((200, Paid.Replace("UDEMO0000000001", "UDEMO0000000009", StringComparison.Ordinal)))), default)).ShouldBeOfType<RefundAnswer.Unknown>();
    }

    // Accounts.

    [Fact]
    public void An_account_in_the_symmetric_scheme_needs_a_key_of_32_letters_and_its_id()
    {
        var problems = new GatewayCatalog();
        problems.Problems(Account()).ShouldBeEmpty();
        problems.Problems(Encrypted).ShouldBeEmpty();
        foreach (var settings in new[] { Encrypted.Settings.SetItem("encryption_key", "too-short"), Encrypted.Settings.Remove("encryption_key_id"), Account().Settings.Add("scheme", "asymmetric") })
            problems.Problems(Account() with { Settings = settings }).ShouldHaveSingleItem().ShouldNotContain("too-short");
    }
}
