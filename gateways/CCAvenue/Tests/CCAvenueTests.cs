using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Text;
using Purser.Gateways.Tests.Line;
using Purser.Orders;
using Purser.Payments;

namespace Purser.Gateways.CCAvenue.Tests;

/// <summary>The form, the questions about it and what the answers mean, against answers written by hand from the wire document.</summary>
[Verifies(Part.Adapter, By.Document)]
public sealed class CCAvenueTests
{
    public const string Ours = "0001jd8xk3m4np1", Key = "0F1E2D3C4B5A69788796A5B4C3D2E1F0", ApiKey = "1A2B3C4D5E6F70819203A4B5C6D7E8F9";

    public static readonly CCAvenueGateway Gateway = new();
    public static readonly DateTimeOffset Morning = new(2026, 3, 14, 4, 30, 0, TimeSpan.Zero);
    public static readonly Money Amount = new(125050, Currency.Find("INR"));
    public static readonly PaymentId Payment = PaymentId.TryParseReference(Ours, out var id) ? id : throw new InvalidOperationException();

    public static GatewayAccount Account { get; } = new("main", "ccavenue", new Uri("https://api.gateway.test"), ImmutableDictionary<string, string>.Empty
        .Add("merchant_id", "424242").Add("access_code", "AVXX00AA00AA00XXAA").Add("working_key", Key))
    {
        TestMode = true,
    };

    public static GatewayAccount TwoPairs => With(With(Account, CCAvenueAccount.ApiAccessCode, "AVYY11BB11BB11YYBB"), CCAvenueAccount.ApiWorkingKey, ApiKey);

    public static GatewayAccount With(GatewayAccount account, string setting, string value) => account with { Settings = account.Settings.SetItem(setting, value) };

    public static CCAvenueEncryption Cipher(GatewayAccount account) => CCAvenueAccount.Page(account)!;

    /// <summary>A try as their list has it.</summary>
    public static string Row(string status, string amount = "1250.50", string tracking = "312000000001", string at = "10:16:02.117", string? captured = null, string more = "") =>
        $$"""{"order_no":"{{Ours}}","reference_no":{{tracking}},"order_currncy":"INR","order_amt":{{amount}},"order_gross_amt":{{amount}},"order_capt_amt":{{captured ?? (status == "Shipped" ? amount : "0.0")}},"order_fee_flat":0.0,"order_fee_perc_value":25.01,"order_tax":4.50,"order_status":"{{status}}","order_status_date_time":"2026-03-14 {{at}}","order_date_time":"2026-03-14 10:14:50.003","order_bank_ref_no":"BRN777","order_card_name":"AvenuesTest","order_option_type":"OPTNBK","order_ip":"198.51.100.7","order_bill_name":"Asha Rao","merchant_param1":"{{Ours}}","error_desc":"","error_code":""{{more}}}""";

    public static string List(params string[] rows) => $$"""{"order_Status_List":[{{string.Join(',', rows)}}],"page_count":1,"total_records":{{rows.Length}},"error_desc":"","error_code":""}""";

    public const string NoRecord = """{"order_Status_List":[],"error_desc":"No records found","error_code":"51419"}""";

    public static HttpResponseMessage Body(string body, int status = 200) => new((HttpStatusCode)status) { Content = new StringContent(body, Encoding.UTF8, "text/html") };

    /// <summary>Answers each command with its JSON, encrypted and with their line end; several are given in turn, the last for ever.</summary>
    public static ScriptedNetwork Answering(params (string Command, string Json)[] answers)
    {
        var left = answers.GroupBy(a => a.Command).ToDictionary(g => g.Key, g => new Queue<string>(g.Select(a => a.Json)));
        return new(sent =>
        {
            var mine = left[Asked(sent).Command];
            var json = mine.Count > 1 ? mine.Dequeue() : mine.Peek();
            return Body($"status=0&enc_response={Cipher(Account).Encrypt(json)}\r\n&enc_error_code=");
        });
    }

    /// <summary>What was asked, decrypted.</summary>
    public static (string Command, string Json) Asked(Sent sent, string key = Key) =>
        (Wire.Field(sent.Body, "command")!, CCAvenueEncryption.Of(key, CCAvenueEncryption.Cbc)!.Decrypt(Wire.Field(sent.Body, "enc_request")!)!);

    public static GatewayLine Line(HttpMessageHandler network, GatewayAccount? account = null) =>
        new GatewayLines(network, new ManualTime()).Open(account ?? Account, Gateway.Profile);

    static LinkCall Call(GatewayAccount? account = null) => new(account ?? Account, Payment, Amount, "Order 42", new Customer("Asha Rao", "asha@example.test", "+919000000001"), null,
        "https://pay.test/gateways/main/return?payment=pay_0001jd8xk3m4n_1&token=AAe-_x", Morning.AddHours(1), Morning);

    static PaymentLink.Form Form(LinkCall call) => Gateway.OpenLink(call, Line(new ScriptedNetwork(_ => Body("", 503))), default).Result
        .ShouldBeOfType<GatewayAnswer.Done>().Facts.ShouldHaveSingleItem().ShouldBeOfType<Evidence.LinkOpened>().Link.ShouldBeOfType<PaymentLink.Form>();

    static string Said(LinkCall call) => Cipher(call.Account).Decrypt(Form(call).Fields["encRequest"])!;

    /// <param name="at">When it is asked; long after the tries unless told.</param>
    static Task<GatewayAnswer> Inquire(ScriptedNetwork network, bool mayComplete = false, GatewayAccount? account = null, DateTimeOffset? at = null)
    {
        var time = new ManualTime();
        time.Advance((at ?? Morning.AddHours(1)) - time.GetUtcNow());
        return Gateway.Inquire(new InquireCall(account ?? Account, Payment, Ours, Amount, Morning, MayComplete: mayComplete), new GatewayLines(network, time).Open(account ?? Account, Gateway.Profile), default);
    }

    static async Task<IReadOnlyList<Evidence>> Told(params string[] rows) => (await Inquire(Answering(("orderLookup", List(rows))))).ShouldBeOfType<GatewayAnswer.Done>().Facts;

    static string Say(Evidence fact) => fact switch
    {
        Evidence.Succeeded e => $"Succeeded {e.MoneyReference} {e.Amount}",
        Evidence.Reversed e => $"Reversed {e.MoneyReference} {e.Amount}",
        Evidence.DisputeOpened e => $"DisputeOpened {e.DisputeReference} {e.Amount}",
        Evidence.Declined e => $"Declined {e.Reason}",
        Evidence.Processing { UnknownWord: { } word } => $"Processing {word}",
        Evidence.LinkOpened e => $"LinkOpened {e.Amount}",
        _ => fact.GetType().Name,
    };

    // The form.

    [Fact]
    public void The_form_says_what_the_document_says_and_in_every_cipher_the_same()
    {
        Said(Call()).ShouldBe($"merchant_id=424242&order_id={Ours}&currency=INR&amount=1250.50&redirect_url=https://pay.test/gateways/main/return?pay_0001jd8xk3m4n_1.AAe-_x"
            + "&cancel_url=https://pay.test/gateways/main/return?pay_0001jd8xk3m4n_1.AAe-_x&language=EN"
            + $"&billing_name=Asha Rao&billing_tel=919000000001&billing_email=asha@example.test&merchant_param1={Ours}&merchant_param2=Order 42");
        Said(Call(With(Account, CCAvenueAccount.Cipher, CCAvenueEncryption.Gcm))).ShouldBe(Said(Call()));
        Form(Call()).Fields["access_code"].ShouldBe("AVXX00AA00AA00XXAA");
    }

    /// <summary>Trap 5: only a form that a browser posts is taken, and at the page's host, which is not the API's.</summary>
    [Theory]
    [InlineData("https://api.ccavenue.com", "https://secure.ccavenue.com/transaction/transaction.do?command=initiateTransaction")]
    [InlineData("https://apitest.ccavenue.com", "https://test.ccavenue.com/transaction/transaction.do?command=initiateTransaction")]
    [InlineData("https://api.gateway.test", "https://api.gateway.test/transaction/transaction.do?command=initiateTransaction")]
    public void The_link_is_a_form_for_the_page_of_the_same_side(string baseUrl, string page)
    {
        Gateway.Profile.LinkIsForm.ShouldBeTrue();
        Form(Call(Account with { BaseUrl = new Uri(baseUrl) })).Url.ShouldBe(page);
    }

    /// <summary>Trap 11: nothing is escaped, so an &amp; or = in a value would shift all that follows.</summary>
    [Theory]
    [InlineData("a&amount=1.00", "aamount1.00")]
    [InlineData("x=y&currency=USD", "xycurrencyUSD")]
    [InlineData("O'Brien <b>|नमस्ते|", "OBrien b")]
    public void What_the_shopper_typed_cannot_end_its_field(string typed, string left)
    {
        var fields = Said(Call() with { Customer = new Customer(typed, $"{typed}@x.test", typed), Description = typed }).Split('&').Select(f => f.Split('=')).ToList();
        fields.ShouldAllBe(f => f.Length == 2);
        fields.Select(f => f[0]).ShouldBeUnique();
        fields.Single(f => f[0] == "amount")[1].ShouldBe("1250.50");
        fields.Single(f => f[0] == "billing_name")[1].ShouldBe(left);
    }

    [Fact]
    public void No_field_is_longer_than_theirs()
    {
        var said = Said(Call() with { Customer = new Customer(new string('x', 500), new string('x', 70) + "@example.test", null), Description = new string('y', 200) });
        said.ShouldContain("billing_name=" + new string('x', 60) + "&");
        said.ShouldEndWith("merchant_param2=" + new string('y', 100));
        said.ShouldNotContain("billing_email");
    }

    [Fact]
    public void A_return_address_that_they_would_not_take_is_left_to_their_dashboard() =>
        Said(Call() with { ReturnUrl = $"https://pay.test/{new string('x', 100)}" }).ShouldNotContain("_url=");

    /// <summary>Their order number is unique by our duty: it is the payment's own, and another payment of the order has another.</summary>
    [Fact]
    public void Another_payment_of_the_same_order_has_another_order_number() =>
        Said(Call() with { Payment = new PaymentId(Payment.Order, 2) }).ShouldContain("order_id=0001jd8xk3m4np2&");

    // The question.

    [Fact]
    public async Task A_question_is_a_form_with_encrypted_json_under_the_pair_of_the_api()
    {
        var network = new ScriptedNetwork(_ => Body($"status=0&enc_response={CCAvenueEncryption.Of(ApiKey, null)!.Encrypt(List(Row("Shipped")))}"));
        (await Inquire(network, account: TwoPairs)).ShouldBeOfType<GatewayAnswer.Done>();
        var sent = network.Sent.ShouldHaveSingleItem();
        (sent.Method, sent.Path, sent.Headers["Content-Type"]).ShouldBe(("POST", "/apis/servlet/DoWebTrans", "application/x-www-form-urlencoded"));
        foreach (var (name, value) in new[] { ("access_code", "AVYY11BB11BB11YYBB"), ("command", "orderLookup"), ("request_type", "JSON"), ("response_type", "JSON"), ("version", "1.2") })
            Wire.Field(sent.Body, name).ShouldBe(value);
        Asked(sent, ApiKey).Json.ShouldBe($$"""{"from_date":"14-03-2026","to_date":"14-03-2026","order_no":"{{Ours}}","page_number":1,"no_of_records":100}""");
    }

    [Fact]
    public async Task A_payment_that_was_started_before_midnight_in_india_is_looked_for_on_its_day()
    {
        var network = Answering(("orderLookup", NoRecord));
        // 23:59 of the 13th there; the manual clock stands before it, and no list ends before it begins.
        await Gateway.Inquire(new InquireCall(Account, Payment, null, Amount, new DateTimeOffset(2026, 3, 13, 18, 29, 0, TimeSpan.Zero)), Line(network), default);
        Asked(network.Sent[0]).Json.ShouldStartWith("""{"from_date":"13-03-2026","to_date":"13-03-2026",""");
    }

    /// <summary>Trap 8: the short question tells the newest try only.</summary>
    [Theory]
    [InlineData("Unsuccessful")]
    [InlineData("Initiated")]
    [InlineData("Aborted")]
    [InlineData("Timeout")]
    public async Task An_earlier_try_that_was_paid_is_found_behind_a_later_one(string later)
    {
        foreach (var rows in new[] { new[] { Row("Shipped"), Row(later, tracking: "312000000002", at: "10:20:00.000") }, [Row(later, tracking: "312000000002", at: "10:20:00.000"), Row("Shipped")] })
            (await Told(rows)).Select(Say).ShouldBe(["Succeeded 312000000001 1250.50 INR"]);
    }

    [Fact]
    public async Task Two_tries_that_were_paid_are_both_told() => (await Told(Row("Shipped", tracking: "312000000002", at: "10:20:00.000"), Row("Shipped"))).Select(Say)
        .ShouldBe(["Succeeded 312000000001 1250.50 INR", "Succeeded 312000000002 1250.50 INR"]);

    [Fact]
    public async Task A_second_success_that_they_took_back_is_told_beside_the_first() =>
        (await Told(Row("Shipped"), Row("Auto-Reversed", tracking: "312000000002", at: "10:20:00.000", captured: "1250.50"))).Select(Say)
            .ShouldBe(["Succeeded 312000000001 1250.50 INR", "Reversed 312000000002 1250.50 INR"]);

    /// <summary>Trap 10 is the last row but one: the browser's word is none of the API's.</summary>
    [Theory]
    [InlineData("Shipped", "Succeeded 312000000001 1250.50 INR")]
    [InlineData("Initiated", "LinkOpened 1250.50 INR")]
    [InlineData("Awaited", "Processing")]
    [InlineData("Successful", "Processing")]
    [InlineData("Unsuccessful", "Declined Unsuccessful", "LinkOpened 1250.50 INR")]
    [InlineData("Invalid", "Declined Invalid", "LinkOpened 1250.50 INR")]
    [InlineData("Fraud", "Declined Fraud", "LinkOpened 1250.50 INR")]
    [InlineData("Aborted", "Declined Aborted", "LinkOpened 1250.50 INR")]
    [InlineData("Cancelled", "Declined Cancelled", "LinkOpened 1250.50 INR")]
    [InlineData("Auto-Cancelled", "Declined Auto-Cancelled", "LinkOpened 1250.50 INR")]
    [InlineData("Timeout", "LinkOpened 1250.50 INR")]
    [InlineData("Auto-Reversed", "Reversed 312000000001 1250.50 INR", "LinkOpened 1250.50 INR")]
    [InlineData("Systemrefund", "Reversed 312000000001 1250.50 INR", "LinkOpened 1250.50 INR")]
    [InlineData("Chargeback", "Succeeded 312000000001 1250.50 INR", "DisputeOpened chargeback-312000000001 1250.50 INR")]
    [InlineData("Success", "Processing Success")]
    [InlineData("Teleported", "Processing Teleported")]
    public async Task Every_state_is_said_in_our_words(string status, params string[] facts)
    {
        var told = await Told(Row(status));
        told.Select(Say).ShouldBe(facts);
        told.ShouldAllBe(f => f.GatewayReference == Ours);
        if (status != "Auto-Reversed" && status != "Systemrefund") told.ShouldAllBe(f => f.GatewayTime == new DateTimeOffset(2026, 3, 14, 10, 16, 2, 117, new TimeSpan(5, 30, 0)));
    }

    [Fact]
    public async Task A_success_names_its_method_its_fee_and_its_tax()
    {
        var money = (await Told(Row("Shipped"))).ShouldHaveSingleItem().ShouldBeOfType<Evidence.Succeeded>();
        (money.Method, money.Fee, money.Tax).ShouldBe(("netbanking", 2501, 450));
    }

    [Fact]
    public async Task A_form_that_is_posted_again_after_a_decline_is_open_and_the_decline_is_told() =>
        (await Told(Row("Unsuccessful"), Row("Initiated", tracking: "312000000002", at: "10:20:00.000"))).Select(Say).ShouldBe(["Declined Unsuccessful", "LinkOpened 1250.50 INR"]);

    [Fact]
    public async Task A_try_under_way_outweighs_one_that_failed_and_an_unknown_word_one_that_is_known()
    {
        (await Told(Row("Awaited"), Row("Unsuccessful", tracking: "312000000002", at: "10:20:00.000"))).Select(Say).ShouldBe(["Processing"]);
        (await Told(Row("Teleported"), Row("Awaited", tracking: "312000000002", at: "10:20:00.000"))).Select(Say).ShouldBe(["Processing Teleported"]);
    }

    /// <summary>Trap 1, on the way there: the shopper's browser carries the form, and what it changed is paid in earnest.</summary>
    [Fact]
    public async Task A_genuine_success_over_a_lowered_amount_says_that_amount()
    {
        (await Told(Row("Shipped", amount: "1.00"))).Select(Say).ShouldBe(["Succeeded 312000000001 1.00 INR"]);
        (await Told(Row("Initiated", amount: "1.00"))).Select(Say).ShouldBe(["LinkOpened 1.00 INR"]);
    }

    [Fact]
    public async Task What_was_captured_counts_and_not_what_was_asked() =>
        (await Told(Row("Shipped", captured: "1200.00"))).Select(Say).ShouldBe(["Succeeded 312000000001 1200.00 INR"]);

    /// <summary>Trap 9.</summary>
    [Fact]
    public async Task Numbers_come_as_texts_and_lists_of_one_as_that_one()
    {
        var text = Row("Shipped").Replace("312000000001", "\"312000000001\"", StringComparison.Ordinal).Replace(":1250.50", ":\"1250.5\"", StringComparison.Ordinal)
            .Replace("\"error_code\":\"\"", "\"error_code\":0,\"status\":\"0\"", StringComparison.Ordinal);
        foreach (var json in new[]
        {
            List(text), $$"""{"order_Status_List":{{text}},"page_count":"1","total_records":"1","error_code":null}""",
            $$$"""{"Order_Lookup_Result":{"order_Status_List":{{{text}}},"page_count":1,"error_code":""}}""",
        })
            (await Inquire(Answering(("orderLookup", json)))).ShouldBeOfType<GatewayAnswer.Done>().Facts.Select(Say).ShouldBe(["Succeeded 312000000001 1250.50 INR"]);
    }

    [Theory]
    [InlineData("\"order_status\":\"Shipped\",", "")]
    [InlineData("\"order_amt\":1250.50,", "")]
    [InlineData("\"order_amt\":1250.50", "\"order_amt\":1250.505")]
    [InlineData("\"order_amt\":1250.50", "\"order_amt\":1.2505e3")]
    [InlineData("\"order_capt_amt\":1250.50", "\"order_capt_amt\":0.00")]
    [InlineData("\"order_capt_amt\":1250.50", "\"order_capt_amt\":\"1,250.50\"")]
    [InlineData("\"order_currncy\":\"INR\",", "")]
    [InlineData("\"reference_no\":312000000001,", "")]
    [InlineData("\"order_no\":\"0001jd8xk3m4np1\"", "\"order_no\":\"0001jd8xk3m4np2\"")]
    [InlineData("\"page_count\":1", "\"page_count\":2")]
    [InlineData("\"order_Status_List\"", "\"orders\"")]
    [InlineData("\"order_status\":\"Shipped\"", "\"order_status\":\"Unsuccessful\",\"order_status\":\"Shipped\"")]
    public async Task An_answer_that_is_not_whole_or_not_about_this_order_is_unknown(string there, string instead)
    {
        List(Row("Shipped")).ShouldContain(there);
        (await Inquire(Answering(("orderLookup", List(Row("Shipped")).Replace(there, instead, StringComparison.Ordinal))))).ShouldBeOfType<GatewayAnswer.Unknown>();
    }

    [Fact]
    public async Task What_never_reached_them_is_absent()
    {
        foreach (var json in new[] { NoRecord, List(), """{"order_Status_List":"","error_desc":"No record","error_code":51419}""" })
            (await Inquire(Answering(("orderLookup", json)))).ShouldBeOfType<GatewayAnswer.Done>().Facts.ShouldHaveSingleItem().ShouldBeOfType<Evidence.Absent>();
    }

    /// <summary>Trap 4, where it was seen; and what a failed envelope looks like, which is not encrypted.</summary>
    [Fact]
    public async Task Line_ends_around_an_answer_are_not_part_of_it()
    {
        var hex = Cipher(Account).Encrypt(List(Row("Shipped")));
        foreach (var body in new[] { $"status=0&enc_response={hex}\r\n", $"status=0&enc_response={hex}%0D%0A&enc_error_code=", $"\r\nstatus=0&enc_response={hex.ToUpperInvariant()}\n\n" })
            (await Inquire(new ScriptedNetwork(_ => Body(body)))).ShouldBeOfType<GatewayAnswer.Done>(body);
    }

    [Theory]
    [InlineData("status=1&enc_response=Access denied&enc_error_code=51407")]
    [InlineData("status=1&enc_response=Invalid+command&enc_error_code=51410\r\n")]
    [InlineData("status=1&enc_response=-1")]
    [InlineData("status=0&enc_response=")]
    [InlineData("status=0&enc_response=00112233445566778899aabbccddeeff")]
    [InlineData("status=0")]
    [InlineData("")]
    public async Task A_question_that_was_refused_says_nothing_about_the_payment(string body) =>
        (await Inquire(new ScriptedNetwork(_ => Body(body)))).ShouldBeOfType<GatewayAnswer.Unknown>();

    [Theory]
    [InlineData("51017")]
    [InlineData("51006")]
    [InlineData("51420")]
    public async Task A_refusal_inside_an_accepted_envelope_is_none_of_a_missing_payment(string code) =>
        (await Inquire(Answering(("orderLookup", $$"""{"error_desc":"no","error_code":"{{code}}"}""")))).ShouldBeOfType<GatewayAnswer.Unknown>().Reason.ShouldContain(code);

    // Accounts that do not confirm by themselves.

    /// <summary>Trap 12: what nobody confirms they cancel after twelve days.</summary>
    [Fact]
    public async Task A_try_that_waits_for_us_is_confirmed_over_what_was_asked_when_the_order_wants_it()
    {
        var network = Answering(("orderLookup", List(Row("Successful"))), ("orderLookup", List(Row("Shipped"))), ("confirmOrder", """{"success_count":1,"failed_List":[],"error_desc":"","error_code":""}"""));
        (await Inquire(network, mayComplete: true)).ShouldBeOfType<GatewayAnswer.Done>().Facts.Select(Say).ShouldBe(["Succeeded 312000000001 1250.50 INR"]);
        network.Sent.Select(s => Asked(s).Command).ShouldBe(["orderLookup", "confirmOrder", "orderLookup"]);
        Asked(network.Sent[1]).Json.ShouldBe("""{"order_List":[{"reference_no":"312000000001","amount":"1250.50"}]}""");
    }

    [Fact]
    public async Task Nothing_is_confirmed_that_the_order_does_not_want_or_that_is_over_another_amount()
    {
        foreach (var (row, may) in new[] { (Row("Successful"), false), (Row("Successful", amount: "1.00"), true), (Row("Awaited"), true), (Row("Unsuccessful"), true) })
        {
            var network = Answering(("orderLookup", List(row)));
            await Inquire(network, mayComplete: may);
            network.Sent.Select(s => Asked(s).Command).ShouldBe(["orderLookup"]);
        }
        var paid = Answering(("orderLookup", List(Row("Shipped"), Row("Successful", tracking: "312000000002"))));
        await Inquire(paid, mayComplete: true);
        paid.Sent.Count.ShouldBe(1);
    }

    /// <summary>A list may lag behind a confirmation of ours, and behind a try. The first yes is confirmed, and only once every earlier one would show.</summary>
    [Fact]
    public async Task While_the_list_lags_no_second_try_is_confirmed()
    {
        const string said = """{"success_count":1,"failed_List":[],"error_desc":"","error_code":""}""";
        string[] both = [Row("Successful", tracking: "312000000002", at: "10:20:00.000"), Row("Successful")];
        foreach (var (rows, asked, confirmed) in new[] { (both[..1], "10:21:00", null), (both, "10:21:59", "312000000001"), (both, "10:30:00", "312000000001"), (both[..1], "10:22:00", "312000000002") })
        {
            var network = Answering(("orderLookup", List(rows)), ("confirmOrder", said));
            await Inquire(network, mayComplete: true, at: DateTimeOffset.Parse($"2026-03-14T{asked}+05:30", CultureInfo.InvariantCulture));
            network.Sent.Select(s => Asked(s)).Where(a => a.Command == "confirmOrder").Select(a => a.Json)
                .ShouldBe(confirmed is null ? [] : [$$"""{"order_List":[{"reference_no":"{{confirmed}}","amount":"1250.50"}]}"""]);
        }
    }

    [Theory]
    [InlineData("""{"success_count":0,"failed_List":[{"reference_no":"312000000001","reason":"x","error_code":"51301"}],"error_desc":"","error_code":""}""")]
    [InlineData("""{"error_desc":"Invalid","error_code":"51305"}""")]
    public async Task A_confirmation_that_was_refused_leaves_what_the_list_says(string refusal) =>
        (await Inquire(Answering(("orderLookup", List(Row("Successful"))), ("confirmOrder", refusal)), mayComplete: true))
            .ShouldBeOfType<GatewayAnswer.Done>().Facts.ShouldHaveSingleItem().ShouldBeOfType<Evidence.Processing>();

    // What is kept, and accounts.

    [Fact]
    public async Task What_is_kept_of_an_answer_is_the_text_inside_without_the_shopper()
    {
        var line = Line(Answering(("orderLookup", List(Row("Shipped")))));
        await Gateway.Inquire(new InquireCall(Account, Payment, null, Amount, Morning), line, default);
        var kept = line.Exchanges.ShouldHaveSingleItem().ToString();
        foreach (var part in new[] { "\"order_status\":\"Shipped\"", "\"order_no\":", "from_date" }) kept.ShouldContain(part);
        foreach (var part in new[] { "Asha", "198.51.100.7", Key }) kept.ShouldNotContain(part);
    }

    [Theory]
    [InlineData("merchant_id", "M424242", "merchant_id")]
    [InlineData("api_access_code", "AVYY", "belong together")]
    [InlineData("cipher", "ecb", "cbc or gcm")]
    [InlineData("cipher", "gcm", null)]
    [InlineData("cipher", "cbc", null)]
    public void An_account_that_cannot_work_is_named(string setting, string value, string? why)
    {
        var refused = Gateway.Profile.RefusesAccount(With(Account, setting, value));
        if (why is null) refused.ShouldBeNull();
        else refused.ShouldNotBeNull().ShouldContain(why);
    }

    [Fact]
    public void A_working_key_of_another_length_is_none_of_the_newer_cipher() =>
        Gateway.Profile.RefusesAccount(With(With(Account, "cipher", "gcm"), "working_key", Key[1..])).ShouldNotBeNull().ShouldContain("32");

    [Theory]
    [InlineData(999_999_999_999, true)]
    [InlineData(1_000_000_000_000, false)]
    [InlineData(0, false)]
    public void An_amount_has_ten_digits_before_the_point(long minorUnits, bool taken) => (Gateway.Profile.RefusesAmount(new Money(minorUnits, Amount.Currency)) is null).ShouldBe(taken);
}
