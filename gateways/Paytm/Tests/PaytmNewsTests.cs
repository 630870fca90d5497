using System.Text;
using Purser.Gateways.Tests.Line;
using Purser.Orders;
using Purser.Reconciliation;
using Purser.Refunds;

namespace Purser.Gateways.Paytm.Tests;

/// <summary>Webhooks, returns and settlements written by hand from the wire notes.</summary>
[Verifies(Part.Adapter, By.Document)]
public sealed class PaytmNewsTests
{
    const string Ours = "0001jd8xk3m4np1";

    static readonly PaytmGateway Gateway = new();
    static readonly GatewayAccount Account = PaytmTests.Account;

    static Dictionary<string, string> Paid => new()
    {
        ["ORDERID"] = Ours,
        ["MID"] = Account.Setting("mid"),
        ["TXNID"] = "T1",
        ["TXNAMOUNT"] = "1250.50",
        ["STATUS"] = "TXN_SUCCESS",
        ["BANKNAME"] = "",
    };

    [Fact]
    public void A_payment_is_named_and_nothing_is_believed()
    {
        var news = Webhook(Paid).ShouldBeOfType<NewsReading.Genuine>();
        (news.Payment!.Value.Reference, news.EventId, news.ProvesAmount, news.Facts.Count).ShouldBe((Ours, $"payment-{Ours}-T1-TXN_SUCCESS", false, 0));
        var pending = Paid;
        pending["STATUS"] = "PENDING";
        Webhook(pending).ShouldBeOfType<NewsReading.Genuine>().EventId.ShouldNotBe(news.EventId);
    }

    [Fact]
    public void A_form_with_its_names_changed_about_does_not_stand_in_for_the_genuine_one()
    {
        var genuine = Webhook(Paid).ShouldBeOfType<NewsReading.Genuine>();
        // Only values are signed, in the order of their names: these names keep that order.
        var renamed = Paid.ToDictionary(f => f.Key switch { "ORDERID" => "MIE", "PAYMENTMODE" => "ORDERID", var name => name }, f => f.Value);
        renamed["ORDERID"] = renamed.GetValueOrDefault("ORDERID") ?? "UPI";
        if (Webhook(renamed) is NewsReading.Genuine other) other.EventId.ShouldNotBe(genuine.EventId);
    }

    [Theory]
    [InlineData("MID", "TESTMID0000000000002", "of another merchant")]
    [InlineData("ORDERID", "", "names no order")]
    [InlineData("TXNAMOUNT", "1250,50", "has no amount")]
    [InlineData("TXNAMOUNT", "-1.00", "has no amount")]
    [InlineData("STATUS", "", "has no status")]
    public void A_form_with_a_right_checksum_must_still_say_what_a_payment_says(string field, string value, string why)
    {
        var form = Paid;
        form[field] = value;
        Webhook(form).ShouldBeOfType<NewsReading.Forged>().Why.ShouldBe(why);
    }

    [Fact]
    public void A_key_that_nobody_knows_is_part_of_the_checksum()
    {
        var form = Paid;
        form["NEWKEY"] = "new";
        Webhook(form).ShouldBeOfType<NewsReading.Genuine>();
        form["CHECKSUMHASH"] = Sign(Paid);
        Gateway.ReadWebhook(PaytmVectorTests.Form(form), Account).ShouldBeOfType<NewsReading.Forged>();
    }

    [Fact]
    public void A_field_that_comes_twice_is_ambiguous()
    {
        var text = Encoding.ASCII.GetString(PaytmVectorTests.Form(Signed(Paid)).Body.Span);
        Gateway.ReadWebhook(PaytmVectorTests.Message(Encoding.ASCII.GetBytes(text + "&TXNAMOUNT=1.00"), "application/x-www-form-urlencoded"), Account).ShouldBeOfType<NewsReading.Forged>();
    }

    [Fact]
    public void The_word_null_may_have_been_signed_as_nothing()
    {
        var form = Paid;
        form["CHECKSUMHASH"] = Sign(form);
        form["BANKNAME"] = "NULL";
        Gateway.ReadWebhook(PaytmVectorTests.Form(form), Account).ShouldBeOfType<NewsReading.Genuine>();
    }

    [Theory]
    [InlineData("text/plain")]
    [InlineData("multipart/form-data")]
    [InlineData("application/json")]
    public void A_form_under_another_name_is_none(string type) =>
        Gateway.ReadWebhook(PaytmVectorTests.Message(PaytmVectorTests.Form(Signed(Paid)).Body.ToArray(), type), Account).ShouldBeOfType<NewsReading.Forged>();

    [Theory]
    [InlineData("""{"mid":"TESTMID0000000000001","orderId":"0001jd8xk3m4np1","txnId":"T1","txnAmount":"1250.50","status":"TXN_SUCCESS","respCode":"01"}""", "TXN_SUCCESS", null)]
    [InlineData("""{"orderId":"0001jd8xk3m4np1","txnId":"T1","refId":"0001jd8xk3m4nr1","refundId":"R1","txnAmount":"1250.50","refundAmount":"100.00","status":"SUCCESS"}""", "refund_accept", "Accepted")]
    [InlineData("""{"orderId":"0001jd8xk3m4np1","txnId":"T1","refId":"0001jd8xk3m4nr1","refundId":"R1","txnAmount":"1250.50","refundAmount":"100.00","status":"FAILED","rejectRefundReasonCode":"600"}""", "refund_accept", "Failed")]
    [InlineData("""{"mid":"TESTMID0000000000001","orderId":"0001jd8xk3m4np1","txnId":"T1","refId":"0001jd8xk3m4nr1","refundId":"R1","txnAmount":"1250.50","refundAmount":"100.00","status":"SUCCESS","userCreditInitiateTimestamp":"2026-03-15 10:00:00.0","refundDetailInfoList":[{"rrn":"6001"}]}""", "refund_success", "Succeeded")]
    public void Trap_10_an_accepted_refund_is_not_a_refunded_one(string body, string type, string? fact)
    {
        var news = Gateway.ReadWebhook(PaytmVectorTests.Json(body, SignText(body)), Account).ShouldBeOfType<NewsReading.Genuine>();
        (news.EventType, news.Payment!.Value.Reference, news.ProvesAmount).ShouldBe((type, Ours, false));
        news.RefundFacts.Select(r => (r.Ours!.Value.Reference, r.Fact.GetType().Name)).ShouldBe(fact is null ? [] : [("0001jd8xk3m4nr1", fact)]);
    }

    [Fact]
    public void The_banks_number_of_a_refund_comes_as_a_form()
    {
        var form = Paid;
        form.Remove("STATUS");
        foreach (var (name, value) in new[] { ("REFID", "0001jd8xk3m4nr1"), ("REFUNDID", "R1"), ("REFUNDAMOUNT", "100.00"), ("ARN", "7460001") }) form[name] = value;
        var news = Webhook(form).ShouldBeOfType<NewsReading.Genuine>();
        news.RefundFacts.ShouldHaveSingleItem().Fact.ShouldBe(new RefundEvidence.Succeeded(new Money(10000, Currency.Find("INR")), "7460001") { RefundReference = "R1" });
    }

    // The browser's return.

    [Fact]
    public void A_return_without_anything_names_the_payment_by_the_address_that_we_gave()
    {
        foreach (var method in (string[])["GET", "POST"])
        {
            var back = new RawMessage(method, "/r", $"?x=1&order_payment={Ours}", new Dictionary<string, string>(), default, PaytmTests.Noon);
            Gateway.ReadReturn(back, Account).ShouldBeOfType<NewsReading.Genuine>().ShouldSatisfyAllConditions(
                n => n.EventType.ShouldBe("back"), n => n.Payment!.Value.Reference.ShouldBe(Ours), n => n.ProvesAmount.ShouldBeFalse());
        }
    }

    [Fact]
    public void A_signed_return_proves_nothing_and_must_be_about_the_payment_of_its_address()
    {
        Gateway.ReadReturn(PaytmVectorTests.Form(Signed(Paid), $"?order_payment={Ours}"), Account).ShouldBeOfType<NewsReading.Genuine>()
            .ShouldSatisfyAllConditions(n => n.EventType.ShouldBe("TXN_SUCCESS"), n => n.Facts.ShouldBeEmpty(), n => n.ProvesAmount.ShouldBeFalse());
        Gateway.ReadReturn(PaytmVectorTests.Form(Signed(Paid), "?order_payment=0001jd8xk3m4np2"), Account).ShouldBeOfType<NewsReading.Forged>();
        var changed = Signed(Paid);
        changed["STATUS"] = "TXN_FAILURE";
        Gateway.ReadReturn(PaytmVectorTests.Form(changed, $"?order_payment={Ours}"), Account).ShouldBeOfType<NewsReading.Forged>();
    }

    [Fact]
    public void On_early_failures_fields_are_missing() =>
        Gateway.ReadReturn(PaytmVectorTests.Form(Signed(new() { ["ORDERID"] = Ours, ["STATUS"] = "TXN_FAILURE", ["RESPCODE"] = "141" })), Account)
            .ShouldBeOfType<NewsReading.Genuine>().Payment!.Value.Reference.ShouldBe(Ours);

    // Settlements.

    const string Sample = """
        txnType,txnId,orderId,txnDate,txnAmount,commission,gst,settleAmount,utr,payoutDate,paymentMode
        ACQUIRING,20260314000000000000000000000000001,0001jd8xk3m4np1,2026-03-14 10:15:30,1250.50,22.51,4.05,1223.94,UTR0001,2026-03-15,NB
        ACQUIRING,20260314000000000000000000000000002,ORD-1002,2026-03-14 11:00:00,300.00,0.00,0.00,300.00,UTR0001,2026-03-15,UPI
        REFUND,20260314000000000000000000000000001,0001jd8xk3m4np1,2026-03-15 09:00:00,-100.00,0.00,0.00,-100.00,UTR0002,2026-03-16,NB
        CHARGEBACK,20260301000000000000000000000000009,ORD-0900,2026-03-15 12:00:00,-500.00,0.00,0.00,-500.00,UTR0002,2026-03-16,CC

        """;

    [Fact]
    public void The_documents_sample_is_read_row_by_row()
    {
        var rows = SettlementReader.Read(new MemoryStream(Encoding.UTF8.GetBytes(Sample)), Gateway.Sheet, Account).ToList();
        rows.ShouldAllBe(r => r.Fault == null);
        var lines = rows.Select(r => r.Line!).ToList();
        lines.Select(l => (l.Kind, l.Amount.MinorUnits, l.Net.MinorUnits)).ShouldBe([
            (SettlementKind.Payment, 125050, 122394), (SettlementKind.Payment, 30000, 30000), (SettlementKind.Refund, 10000, -10000), (SettlementKind.Dispute, 50000, -50000),
        ]);
        lines.Select(l => l.RowKey).ShouldBeUnique();
        var paid = lines[0];
        (paid.Payment!.Value.Reference, paid.MoneyReference, paid.Method, paid.PayoutReference, paid.SettledOn).ShouldBe((Ours, "20260314000000000000000000000000001", "netbanking", "UTR0001", new DateOnly(2026, 3, 15)));
        (paid.Fee!.Value.MinorUnits, paid.Tax!.Value.MinorUnits).ShouldBe((2251, 405));
        paid.HappenedAt.ShouldBe(new DateTimeOffset(2026, 3, 14, 10, 15, 30, TimeSpan.FromHours(5.5)));
        lines[1].Payment.ShouldBeNull();
    }

    [Theory]
    [InlineData("ACQUIRING,2", "SALE,2")]
    [InlineData("2026-03-14 10:15:30", "2026-03-14 10:15:30.0")]
    [InlineData("1250.50,22", "1250.5,22")]
    [InlineData("-100.00,0.00", "100.00,0.00")]
    [InlineData("REFUND,2", "Refund,2")]
    [InlineData("UTR0001", "utr0001")]
    public void A_row_that_the_API_and_a_file_write_otherwise_is_known_by_one_name(string old, string with)
    {
        var text = Sample.Replace(old, with);
        text.ShouldNotBe(Sample);
        static List<string> Names(string file) => [.. SettlementReader.Read(new MemoryStream(Encoding.UTF8.GetBytes(file)), Gateway.Sheet, Account).Select(r => r.Line!.RowKey)];
        Names(text).ShouldBe(Names(Sample));
    }

    [Theory]
    [InlineData("ACQUIRING,2", "TRANSFER,2")]
    [InlineData("300.00,0.00", "300.005,0.00")]
    [InlineData("-500.00,0.00,0.00,-500.00", "-500.00,0.00,0.00,")]
    public void A_row_that_cannot_be_read_says_so_and_the_others_stay(string old, string with)
    {
        var text = Sample.Replace(old, with);
        text.ShouldNotBe(Sample);
        var rows = SettlementReader.Read(new MemoryStream(Encoding.UTF8.GetBytes(text)), Gateway.Sheet, Account).ToList();
        rows.Count(r => r.Fault is not null).ShouldBeGreaterThan(0);
        rows.Count.ShouldBe(4);
    }

    [Theory]
    [InlineData("2026-03-14 11:00:00", "14-Mar-26 11:00", "txnDate")]
    [InlineData("UTR0001,2026-03-15,UPI", "UTR0001,15-Mar-26,UPI", "payoutDate")]
    [InlineData("300.00,0.00,0.00", "300.00,N/A,0.00", "commission")]
    public void What_is_there_and_cannot_be_read_rejects_its_row_with_the_column(string old, string with, string column)
    {
        var row = SettlementReader.Read(new MemoryStream(Encoding.UTF8.GetBytes(Sample.Replace(old, with))), Gateway.Sheet, Account).Single(r => r.Line is null);
        (row.Column, row.Number).ShouldBe((column, 3));
    }

    [Fact]
    public void A_date_that_is_left_out_is_none()
    {
        var line = SettlementReader.Read(new MemoryStream(Encoding.UTF8.GetBytes(Sample.Replace("2026-03-14 11:00:00", "").Replace("2026-03-15,UPI", ",UPI"))), Gateway.Sheet, Account)
            .ElementAt(1).Line!;
        (line.HappenedAt, line.SettledOn).ShouldBe((null, null));
    }

    [Theory]
    [InlineData("""{"status":"SUCCESS","resultCode":"00000000","settlementDetailList":[ROW],"paginatorPageNum":1,"paginatorTotalPage":4}""", "4")]
    [InlineData("""{"status":"SUCCESS","settlementDetailList":[ROW]}""", null)]
    [InlineData("""{"settlementListResponse":{"settlementTransactionList":[CAPITALS]}}""", null)]
    public async Task A_day_is_asked_for_page_by_page_in_either_of_their_wrappings(string answer, string? next)
    {
        const string row = $$"""{"txnType":"ACQUIRING","txnId":"T1","txnDate":"2026-03-14 10:15:30","txnAmount":"1250.50","mid":"TESTMID0000000000001","orderId":"{{Ours}}","utr":"U1","settleAmount":1223.94,"payoutDate":"2026-03-15","gst":"4.05","commission":22.51}""";
        var capitals = row.Replace("txnType", "TXNTYPE").Replace("txnId", "TXNID").Replace("orderId", "ORDERID").Replace("gst", "GST").Replace("settleAmount", "SETTLEAMOUNT");
        var network = new ScriptedNetwork(_ => ScriptedNetwork.Answer(answer.Replace("ROW", row).Replace("CAPITALS", capitals)));
        var done = (await Settle(network)).ShouldBeOfType<SettlementAnswer.Done>();
        done.Next.ShouldBe(next);
        var line = done.Lines.ShouldHaveSingleItem();
        (line.Amount.MinorUnits, line.Net.MinorUnits, line.Fee!.Value.MinorUnits, line.Tax!.Value.MinorUnits, line.Payment!.Value.Reference).ShouldBe((125050, 122394, 2251, 405, Ours));
        network.Sent[0].Path.ShouldBe("/merchant-settlement-service/settlement/list");
        network.Sent[0].Body.ShouldStartWith("""{"MID":"TESTMID0000000000001","pageNum":"3","pageSize":"20","utrProcessedEndTime":"2026-03-14","utrProcessedStartTime":"2026-03-14","checksumHash":""");
    }

    [Theory]
    [InlineData("""{"status":"FAILURE","resultCode":"00000022","errorMessage":"Checksum mismatch"}""")]
    [InlineData("""{"status":"FAILURE","resultCode":"00000074","settlementDetailList":[]}""")]
    [InlineData("""{"status":"SUCCESS","settlementDetailList":[{"txnType":"ACQUIRING"}]}""")]
    [InlineData("""{"status":"SUCCESS","settlementDetailList":[1]}""")]
    [InlineData("""{"status":"SUCCESS","settlementDetailList":[{"txnType":"ACQUIRING","txnId":"T1","txnDate":"14-Mar-26","txnAmount":"1.00","settleAmount":"1.00"}]}""")]
    [InlineData("""{"status":"SUCCESS"}""")]
    public async Task A_settlement_that_cannot_be_read_whole_is_not_used(string answer) =>
        (await Settle(new ScriptedNetwork(_ => ScriptedNetwork.Answer(answer)))).ShouldBeOfType<SettlementAnswer.Unknown>();

    [Fact]
    public async Task A_day_without_records_is_empty()
    {
        var done = (await Settle(new ScriptedNetwork(_ => ScriptedNetwork.Answer("""{"status":"RECORD_NOT_FOUND","resultCode":"00000030"}""")))).ShouldBeOfType<SettlementAnswer.Done>();
        (done.Lines.Count, done.Next).ShouldBe((0, null));
    }

    [Fact]
    public async Task The_checksum_of_a_settlement_question_covers_values_or_text_as_the_account_says()
    {
        var (map, text) = (new ScriptedNetwork(_ => ScriptedNetwork.Answer("{}")), new ScriptedNetwork(_ => ScriptedNetwork.Answer("{}")));
        await Settle(map);
        await Settle(text, Account with { Settings = Account.Settings.Add("settlement_checksum", "text") });
        Checksum(map).ShouldBe(Sign(new() { ["MID"] = Account.Setting("mid"), ["pageNum"] = "3", ["pageSize"] = "20", ["utrProcessedEndTime"] = "2026-03-14", ["utrProcessedStartTime"] = "2026-03-14" }));
        Checksum(text).ShouldBe(SignText(text.Sent[0].Body[..text.Sent[0].Body.IndexOf(",\"checksumHash", StringComparison.Ordinal)] + "}"));

        static string Checksum(ScriptedNetwork network) => network.Sent[0].Body.Split("\"checksumHash\":\"")[1].TrimEnd('"', '}');
    }

    static Task<SettlementAnswer> Settle(ScriptedNetwork network, GatewayAccount? account = null) =>
        Gateway.ReadSettlement(new SettlementCall(account ?? Account, new DateOnly(2026, 3, 14), "3"), PaytmTests.Line(network), default);

    static NewsReading Webhook(Dictionary<string, string> form) => Gateway.ReadWebhook(PaytmVectorTests.Form(Signed(form)), Account);

    static Dictionary<string, string> Signed(Dictionary<string, string> form) => new(form) { ["CHECKSUMHASH"] = Sign(form) };

    static string Sign(Dictionary<string, string> form) => Gateway.Signatures.Single(s => s.Name == "webhook").Compute(PaytmVectorTests.Form(form), Account).Expected!;

    static string SignText(string body) => Gateway.Signatures.Single(s => s.Name == "request").Compute(
        PaytmVectorTests.Message(Encoding.UTF8.GetBytes($$"""{"body":{{body}}}"""), "application/json"), Account).Expected!;
}
