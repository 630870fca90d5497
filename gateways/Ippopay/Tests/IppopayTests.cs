using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Purser.Gateways.Tests.Line;
using Purser.Orders;
using Purser.Payments;

namespace Purser.Gateways.Ippopay.Tests;

/// <summary>The conversation and the mapping, against answers written by hand from the wire notes.</summary>
[Verifies(Part.Adapter, By.Document)]
public sealed class IppopayTests
{
    const string Ours = "0001jd8xk3m4np1", Order = "order_demo00001";
    static readonly DateTimeOffset Noon = DateTimeOffset.FromUnixTimeSeconds(1767225600);
    static readonly IppopayGateway Gateway = new();
    static readonly Money Amount = new(125050, Currency.Find("INR"));
    static readonly PaymentId Payment = PaymentId.TryParseReference(Ours, out var id) ? id : throw new InvalidOperationException();

    const string Created = """
        {"success":true,"message":"Order created","data":{"order":{"merchant":{"name":"Test Store","id":"TESTMRCH"},"customer":{"phone":{"country_code":"91",
        "national_number":"9000000001"},"name":"A Buyer 0001jd8xk3m4np1","email":"buyer@example.test"},"currency":"INR","paymentModes":"cc,dc,nb,upi","status":"created","amount":1250.50,
        "order_id":"order_demo00001"}}}
        """;

    internal const string Taken = """
        {"success":true,"message":"Transaction details","data":{"transaction":{"trans_id":"trans_demo0001","merchant":{"name":"Test Store","id":"TESTMRCH"},
        "customer":{"phone":{"country_code":"+91","national_number":"9000000001"},"name":"A Buyer","email":"buyer@example.test"},"cost":{"paid":1250.50,"settled":1224.68},
        "commission":{"percentage":1.75,"value":21.88,"tax":3.94,"total":25.82},"tax":{"value":18,"calculation":"percent"},"notes":"0001jd8xk3m4np1","is_manual_record":false,
        "is_intl_payment":false,"refund_status":"not_requested","status":"success","failure_reason":"","product":"order","settlement_date":"2026-03-16T18:30:00.000Z",
        "settlement_id":"settl_demo01","gateway":{"payment_mode":{"pay_mode":"Debit Card","pay_mode_id":"dc","pay_group":"card","bank_name":"Test Bank",
        "card_number":"400000XXXXXX0002","card_scheme":"VISA"}},"createdAt":"2026-03-14T04:46:02.000Z","updatedAt":"2026-03-14T04:46:30.000Z"}}}
        """;

    const string None = """{"success":false,"message":"No transaction found"}""";

    internal static GatewayAccount Account(string? baseUrl = null) => new(
        "main", "ippopay", new Uri(baseUrl ?? "https://api.ippopay.com/apitest/v1/pg"), ImmutableDictionary<string, string>.Empty
            .Add("public_key", "pk_test_demo0001").Add("secret_key", "sk_test_demo0002"))
    {
        TestMode = true,
    };

    // Asking for a link.

    [Fact]
    public async Task An_order_is_asked_for_with_documented_fields_only_in_rupees_and_with_our_reference()
    {
        var network = new ScriptedNetwork(_ => ScriptedNetwork.Answer(Created));
        (await Open(network, Call())).ShouldBeOfType<GatewayAnswer.Done>();
        var sent = network.Sent.ShouldHaveSingleItem();
        (sent.Method, sent.Path).ShouldBe(("POST", "/apitest/v1/pg/order/create"));
        var asked = JsonDocument.Parse(sent.Body).RootElement;
        asked.EnumerateObject().Select(p => p.Name).ShouldBe(["amount", "currency", "payment_modes", "return_url", "notes", "customer"]);
        sent.Body.ShouldStartWith("""{"amount":1250.50,"currency":"INR","payment_modes":"cc,dc,nb,upi",""");
        asked.GetProperty("notes").GetString().ShouldBe(Ours);
        asked.GetProperty("return_url").GetString().ShouldBe($"https://pay.test/r?token=a.b&order_payment={Ours}");
        asked.GetProperty("customer").GetRawText().ShouldBe(
            """{"name":"A Buyer 0001jd8xk3m4np1","email":"buyer@example.test","phone":{"country_code":"91","national_number":"9000000001"}}""");
    }

    [Theory]
    [InlineData("A Buyer 0001jd8xk3m4np1", "A Buyer 0001jd8xk3m4np2")]
    [InlineData("A Buyer 0001jd8xk3m4np1", "A Buyer")]
    [InlineData("\"name\":\"A Buyer 0001jd8xk3m4np1\",", "")]
    public async Task An_order_that_does_not_say_our_reference_back_is_not_ours(string from, string to) =>
        (await Open(new ScriptedNetwork(_ => ScriptedNetwork.Answer(Created.Replace(from, to, StringComparison.Ordinal))), Call())).ShouldBeOfType<GatewayAnswer.Unknown>();

    [Fact]
    public async Task Vector_I1_credentials_are_in_the_header_and_not_in_the_address()
    {
        var network = new ScriptedNetwork(_ => ScriptedNetwork.Answer(Created));
        await Open(network, Call());
        network.Sent[0].Headers["Authorization"].ShouldBe("Basic cGtfdGVzdF9kZW1vMDAwMTpza190ZXN0X2RlbW8wMDAy");
        network.Sent[0].Path.ShouldNotContain("sk_test");
    }

    [Theory]
    [InlineData("card", "cc,dc")]
    [InlineData("netbanking", "nb")]
    [InlineData("upi", "upi")]
    [InlineData(null, "cc,dc,nb,upi")]
    public async Task Debit_cards_are_dc_and_not_the_db_of_a_sample(string? method, string modes)
    {
        var network = new ScriptedNetwork(_ => ScriptedNetwork.Answer(Created));
        await Open(network, Call() with { Method = method });
        network.Sent[0].Body.ShouldContain($"\"payment_modes\":\"{modes}\"");
    }

    [Theory]
    [InlineData(1, "0.01")]
    [InlineData(100, "1.00")]
    [InlineData(1001, "10.01")]
    [InlineData(29999, "299.99")]
    [InlineData(9007199254740993, "90071992547409.93")]
    public async Task Rupees_are_written_without_floating_point(long paise, string rupees)
    {
        var network = new ScriptedNetwork(_ => ScriptedNetwork.Answer(Created.Replace("1250.50", rupees, StringComparison.Ordinal)));
        var amount = Amount with { MinorUnits = paise };
        var opened = Fact<Evidence.LinkOpened>(await Open(network, Call() with { Amount = amount }));
        network.Sent[0].Body.ShouldStartWith($"{{\"amount\":{rupees},");
        opened.Amount.ShouldBe(amount);
    }

    [Theory]
    [InlineData("+919000000001", "9000000001")]
    [InlineData("9000000001", "9000000001")]
    [InlineData("919000000001", "9000000001")]
    [InlineData("+4915112345678", null)]
    [InlineData("nobody", null)]
    public async Task A_number_whose_country_cannot_be_told_apart_is_left_to_their_page(string phone, string? national)
    {
        var network = new ScriptedNetwork(_ => ScriptedNetwork.Answer(Created));
        await Open(network, Call() with { Customer = new Customer("A Buyer", null, phone) });
        if (national is null) network.Sent[0].Body.ShouldNotContain("phone");
        else network.Sent[0].Body.ShouldContain($$"""{"country_code":"91","national_number":"{{national}}"}""");
    }

    [Theory]
    [InlineData("https://api.ippopay.com/v1", "https://pay.ippopay.com", "/v1/order/create")]
    [InlineData("https://api.ippopay.com/apitest/v1/pg", "https://pay.ippopay.com", "/apitest/v1/pg/order/create")]
    [InlineData("http://127.0.0.1:7418", "http://127.0.0.1:7418", "/v1/order/create")]
    public async Task The_page_is_at_the_documented_address_with_the_order_encoded(string baseUrl, string pages, string path)
    {
        var network = new ScriptedNetwork(_ => ScriptedNetwork.Answer(Created.Replace(Order, "order@1/2", StringComparison.Ordinal)));
        var opened = Fact<Evidence.LinkOpened>(await Open(network, Call() with { Account = Account(baseUrl) }));
        opened.Link.ShouldBe(new PaymentLink.Redirect($"{pages}/order/order%401%2F2?public_key=pk_test_demo0001&redirect=true"));
        (opened.GatewayReference, network.Sent[0].Path).ShouldBe(("order@1/2", path));
    }

    [Fact]
    public async Task An_address_that_they_give_themselves_is_taken() =>
        Fact<Evidence.LinkOpened>(await Open(Answering(Created.Replace("\"order_id\"", "\"payment_url\":\"https://pay.ippopay.test/x\",\"order_id\"", StringComparison.Ordinal)), Call()))
            .Link.ShouldBe(new PaymentLink.Redirect("https://pay.ippopay.test/x"));

    [Theory]
    [InlineData("\"amount\":1250.50,", "")]
    [InlineData("1250.50", "0")]
    [InlineData("1250.50", "-1250.50")]
    [InlineData("1250.50", "1250.505")]
    [InlineData("\"INR\"", "\"USD\"")]
    [InlineData("\"created\"", "\"paid\"")]
    [InlineData("\"created\"", "\"surprise\"")]
    [InlineData("\"order_demo00001\"", "\"\"")]
    [InlineData("\"success\":true", "\"success\":\"true\"")]
    public async Task An_answer_that_is_not_a_new_order_with_its_amount_is_unknown(string from, string to) =>
        (await Open(Answering(Created.Replace(from, to, StringComparison.Ordinal)), Call())).ShouldBeOfType<GatewayAnswer.Unknown>();

    [Theory]
    [InlineData(200)]
    [InlineData(400)]
    [InlineData(401)]
    [InlineData(403)]
    public async Task A_refusal_is_read_from_success_whatever_the_http_status(int status) =>
        (await Open(new ScriptedNetwork(_ => ScriptedNetwork.Answer("""{"success":false,"message":"Invalid amount","data":[]}""", status)), Call()))
            .ShouldBe(new GatewayAnswer.Rejected("Invalid amount"));

    [Theory]
    [InlineData(408)]
    [InlineData(409)]
    [InlineData(429)]
    [InlineData(500)]
    [InlineData(503)]
    public async Task A_no_that_may_have_come_too_late_is_unknown(int status) =>
        (await Open(new ScriptedNetwork(_ => ScriptedNetwork.Answer("""{"success":false,"message":"Try again"}""", status)), Call())).ShouldBeOfType<GatewayAnswer.Unknown>();

    [Fact]
    public void Nothing_is_deduplicated_so_a_lost_order_is_never_asked_for_again()
    {
        Gateway.Profile.RepeatsSafely.ShouldBeFalse();
        Gateway.ShouldNotBeAssignableTo<ICancelLinks>();
    }

    // What became of it.

    [Fact]
    public async Task Without_their_name_the_payment_is_absent_for_nobody_was_sent_to_it()
    {
        var network = new ScriptedNetwork(_ => ScriptedNetwork.Answer("""{"success":false,"message":"Order not found"}""", 404));
        Fact<Evidence.Absent>(await Inquire(network, null));
        network.Sent.ShouldHaveSingleItem().Path.ShouldBe($"/apitest/v1/pg/order/{Ours}");
    }

    [Theory]
    [InlineData(200, true)]
    [InlineData(400, true)]
    [InlineData(404, true)]
    [InlineData(401, false)]
    [InlineData(500, false)]
    public async Task A_question_without_their_name_tells_also_whether_the_account_works(int status, bool absent)
    {
        var answer = await Inquire(new ScriptedNetwork(_ => ScriptedNetwork.Answer("""{"success":false,"message":"no"}""", status)), null);
        if (absent) Fact<Evidence.Absent>(answer);
        else answer.ShouldBeOfType<GatewayAnswer.Unknown>();
    }

    [Theory]
    [InlineData(200)]
    [InlineData(400)]
    [InlineData(401)]
    public async Task An_order_known_by_name_is_not_gone_because_of_any_no(int status) =>
        (await Inquire(new ScriptedNetwork(_ => ScriptedNetwork.Answer("""{"success":false,"message":"Invalid keys"}""", status)))).ShouldBeOfType<GatewayAnswer.Unknown>();

    [Fact]
    public async Task Vector_I2_a_transaction_is_captured_money_with_its_fee_and_tax()
    {
        var fact = Fact<Evidence.Succeeded>(await Inquire(Tells("paid", Taken)));
        fact.ShouldBe(new Evidence.Succeeded("trans_demo0001", Amount, "card", 2188, 394)
        {
            GatewayReference = Order,
            GatewayTime = new DateTimeOffset(2026, 3, 14, 4, 46, 2, TimeSpan.Zero),
        });
    }

    [Fact]
    public async Task Vector_I2_a_return_that_claims_success_changes_nothing_while_the_order_is_created()
    {
        var back = Gateway.ReadReturn(Return("transaction_no=trans_demo0001&status=success"), Account()).ShouldBeOfType<NewsReading.Genuine>();
        (back.Payment, back.Facts.Count, back.ProvesAmount).ShouldBe((Payment, 0, false));
        Fact<Evidence.LinkOpened>(await Inquire(Tells("created", None)));
    }

    [Fact]
    public async Task Vector_I2_one_rupee_is_told_as_one_rupee() =>
        Fact<Evidence.Succeeded>(await Inquire(Tells("paid", Taken.Replace("\"paid\":1250.50", "\"paid\":1.00", StringComparison.Ordinal)))).Amount.ShouldBe(Amount with { MinorUnits = 100 });

    [Theory]
    [InlineData("SUCCESS", "created", "Succeeded")]
    [InlineData("Success", "PAID", "Succeeded")]
    [InlineData("Failure", "Created", "Declined LinkOpened")]
    [InlineData("failed", "created", "Declined LinkOpened")]
    [InlineData("CANCELLED", "created", "LinkOpened")]
    [InlineData("closed", "created", "LinkOpened")]
    [InlineData("Pending", "created", "Processing")]
    [InlineData("on_hold", "created", "Processing")]
    [InlineData("failure", "paid", "Processing")]
    [InlineData("failure", "blocked", "Processing")]
    public async Task Words_are_compared_without_case_and_what_is_not_known_is_neither_failed_nor_paid(string transaction, string order, string facts) =>
        Facts(await Inquire(Tells(order, Taken.Replace("\"status\":\"success\"", $"\"status\":\"{transaction}\"", StringComparison.Ordinal))))
            .Select(f => f.GetType().Name).ShouldBe(facts.Split(' '));

    [Fact]
    public async Task A_word_that_is_not_known_is_kept()
    {
        Fact<Evidence.Processing>(await Inquire(Tells("blocked", None))).UnknownWord.ShouldBe("blocked");
        Fact<Evidence.Processing>(await Inquire(Tells("created", Taken.Replace("\"success\",\"failure", "\"on_hold\",\"failure", StringComparison.Ordinal)))).UnknownWord.ShouldBe("on_hold");
    }

    [Theory]
    [InlineData("""{"success":false,"message":"No transaction found"}""", 404)]
    [InlineData("""{"success":false,"message":"No transaction found"}""", 200)]
    [InlineData("""{"success":true,"message":"","data":{}}""", 200)]
    [InlineData("""{"success":true,"message":"","data":[]}""", 200)]
    [InlineData("""{"success":true,"message":"","data":{"transaction":null}}""", 200)]
    public async Task No_transaction_in_any_shape_is_a_link_that_waits(string none, int status)
    {
        Fact<Evidence.LinkOpened>(await Inquire(Tells("created", none, status))).Amount.ShouldBe(Amount);
        // Paid without a transaction is on its way: there is no amount to believe.
        Fact<Evidence.Processing>(await Inquire(Tells("paid", none, status)));
    }

    [Theory]
    [InlineData("\"paid\":1250.50", "\"paid\":null")]
    [InlineData("\"paid\":1250.50", "\"paid\":\"1250.50\"")]
    [InlineData("\"paid\":1250.50", "\"paid\":0")]
    [InlineData("\"trans_demo0001\"", "\"\"")]
    [InlineData("\"notes\":\"0001jd8xk3m4np1\"", "\"notes\":\"0001jd8xk3m4np2\"")]
    public async Task A_success_without_its_amount_or_name_or_with_other_notes_is_unknown(string from, string to) =>
        (await Inquire(Tells("paid", Taken.Replace(from, to, StringComparison.Ordinal)))).ShouldBeOfType<GatewayAnswer.Unknown>();

    [Theory]
    [InlineData("\"notes\":\"\"")]
    [InlineData("\"notes\":null")]
    [InlineData("\"notes\":{\"a\":1}")]
    public async Task Notes_that_are_not_told_say_nothing_against_it(string notes) =>
        Fact<Evidence.Succeeded>(await Inquire(Tells("paid", Taken.Replace("\"notes\":\"0001jd8xk3m4np1\"", notes, StringComparison.Ordinal))));

    [Fact]
    public async Task The_answer_about_another_order_is_no_answer() =>
        (await Inquire(new ScriptedNetwork(_ => ScriptedNetwork.Answer(Created.Replace(Order, "order_demo00002", StringComparison.Ordinal))))).ShouldBeOfType<GatewayAnswer.Unknown>();

    [Theory]
    [InlineData(401)]
    [InlineData(429)]
    [InlineData(500)]
    public async Task Tries_that_cannot_be_read_make_the_whole_unknown(int status) =>
        (await Inquire(Tells("created", """{"success":false,"message":"no"}""", status))).ShouldBeOfType<GatewayAnswer.Unknown>();

    [Fact]
    public async Task The_same_decline_has_the_same_time_however_often_it_is_seen()
    {
        var network = Tells("created", Taken.Replace("\"status\":\"success\",\"failure_reason\":\"\"", "\"status\":\"failure\",\"failure_reason\":\"Insufficient funds\"", StringComparison.Ordinal));
        var declined = Facts(await Inquire(network)).OfType<Evidence.Declined>().Single();
        (declined.Reason, declined.GatewayTime).ShouldBe(("Insufficient funds", new DateTimeOffset(2026, 3, 14, 4, 46, 2, TimeSpan.Zero)));
    }

    // Returns and webhooks.

    [Theory]
    [InlineData("transaction_no=trans_demo0001&status=success", "return-trans_demo0001")]
    [InlineData("transaction_no=&status=closed", "return-0001jd8xk3m4np1")]
    [InlineData("", "return-0001jd8xk3m4np1")]
    [InlineData("order_payment=0001jd8xk3m4np9&transaction_no=a&transaction_no=b", "return-0001jd8xk3m4np1")]
    public void A_return_is_a_hint_about_the_payment_in_our_own_address(string form, string eventId)
    {
        var news = Gateway.ReadReturn(Return(form), Account()).ShouldBeOfType<NewsReading.Genuine>();
        (news.EventId, news.Payment, news.Facts.Count, news.ProvesAmount).ShouldBe((eventId, Payment, 0, false));
    }

    [Theory]
    [InlineData("")]
    [InlineData("?order_payment=order_demo00001")]
    [InlineData("?order_payment=0001jd8xk3m4np1&order_payment=0001jd8xk3m4np2")]
    public void A_transaction_alone_names_no_payment(string query) =>
        Gateway.ReadReturn(Return("transaction_no=trans_demo0001&status=success") with { Query = query }, Account()).ShouldBeOfType<NewsReading.Forged>();

    [Theory]
    [InlineData("""{"event":"order.paid","data":{"order":{"order_id":"order_demo00001","status":"paid","amount":1250.50,"currency":"INR"}}}""")]
    [InlineData("order_id=order_demo00001&status=paid")]
    public async Task Vector_I3_no_webhook_is_asked_for_and_none_is_believed_whatever_its_token(string body)
    {
        var network = new ScriptedNetwork(_ => ScriptedNetwork.Answer(Created));
        await Open(network, Call());
        network.Sent[0].Body.ShouldNotContain("notify_url");
        Gateway.Profile.Webhooks.ShouldBe(WebhookTrust.None);
        var message = new RawMessage("POST", "/wh/ippopay/att_01/1LPAMorx2MmUY0AdP85XRCw3Ryk3AX56u35NLb8wGlg", "", ImmutableDictionary<string, string>.Empty, Encoding.UTF8.GetBytes(body), Noon);
        Gateway.ReadWebhook(message, Account()).ShouldBeOfType<NewsReading.Forged>();
    }

    // The account.

    [Theory]
    [InlineData("pk_test_demo0001", true, true)]
    [InlineData("pk_live_demo0001", false, true)]
    [InlineData("pk_live_demo0001", true, false)]
    [InlineData("pk_test_demo0001", false, false)]
    public void The_keys_mode_is_the_accounts_mode(string key, bool test, bool right)
    {
        var account = Account() with { TestMode = test, Settings = Account().Settings.SetItem("public_key", key) };
        new GatewayCatalog().Problems(account).Count.ShouldBe(right ? 0 : 1);
    }

    [Theory]
    [InlineData("INR", 0, false)]
    [InlineData("INR", 1, true)]
    [InlineData("USD", 100, false)]
    public void Nothing_is_not_an_amount_and_rupees_are_the_only_currency(string currency, long units, bool taken) =>
        (Gateway.Profile.RefusesAmount(new Money(units, Currency.Find(currency))) is null).ShouldBe(taken);

    static LinkCall Call() => new(
        Account(), Payment, Amount, "Order 42", new Customer("A Buyer", "buyer@example.test", "+919000000001"), null, "https://pay.test/r?token=a.b", Noon.AddHours(1), Noon);

    internal static ScriptedNetwork Answering(string body) => new(_ => ScriptedNetwork.Answer(body));

    /// <summary>An order in a state, and what is said of its transaction.</summary>
    static ScriptedNetwork Tells(string order, string transaction, int status = 200) => new(sent => sent.Path.EndsWith("/transaction", StringComparison.Ordinal)
        ? ScriptedNetwork.Answer(transaction, status)
        : ScriptedNetwork.Answer(Created.Replace("\"status\":\"created\"", $"\"status\":\"{order}\"", StringComparison.Ordinal)));

    static RawMessage Return(string form) => new(
        "POST", "/gateways/main/return", $"?token=a.b&order_payment={Ours}", ImmutableDictionary<string, string>.Empty.Add("Content-Type", "application/x-www-form-urlencoded"),
        Encoding.ASCII.GetBytes(form), Noon);

    static async Task<GatewayAnswer> Open(ScriptedNetwork network, LinkCall call)
    {
        using var lines = new GatewayLines(network, new ManualTime());
        return await Gateway.OpenLink(call, lines.Open(call.Account, Gateway.Profile), default);
    }

    static async Task<GatewayAnswer> Inquire(ScriptedNetwork network, string? name = Order)
    {
        using var lines = new GatewayLines(network, new ManualTime());
        return await Gateway.Inquire(new InquireCall(Account(), Payment, name, Amount, Noon), lines.Open(Account(), Gateway.Profile), default);
    }

    static IReadOnlyList<Evidence> Facts(GatewayAnswer answer) => answer.ShouldBeOfType<GatewayAnswer.Done>(answer.ToString()).Facts;

    static T Fact<T>(GatewayAnswer answer) where T : Evidence => Facts(answer).ShouldHaveSingleItem().ShouldBeOfType<T>();
}
