using System.Collections.Immutable;
using System.Text;
using Purser.Gateways.Tests.Contract;
using Purser.Gateways.Tests.Line;
using Purser.Orders;
using Purser.Reconciliation;
using Purser.Refunds;
using static Purser.Gateways.BillDesk.Tests.BillDeskTests;

namespace Purser.Gateways.BillDesk.Tests;

/// <summary>Webhooks, returns and statements.</summary>
[Verifies(Part.Adapter, By.Document)]
public sealed class BillDeskNewsTests
{
    static readonly BillDeskGateway Gateway = new();
    static readonly DateTimeOffset Noon = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    static RawMessage Form(string token, string field = "transaction_response", string more = "") => new("POST", "/r", "?token=a.b",
        ImmutableDictionary<string, string>.Empty.Add("Content-Type", "application/x-www-form-urlencoded"), Encoding.ASCII.GetBytes($"{field}={token}{more}"), Noon);

    static RawMessage Body(string token) => new("POST", "/w", "", ImmutableDictionary<string, string>.Empty.Add("Content-Type", "application/jose"), Encoding.ASCII.GetBytes(token), Noon);

    static RawMessage Query(string query) => new("GET", "/r", query, ImmutableDictionary<string, string>.Empty, default, Noon);

    [Fact]
    public void A_webhook_is_proof_in_a_form_and_as_a_body()
    {
        foreach (var message in (RawMessage[])[Form(Token(Paid)), Form(Token(Paid), "encrypted_response"), Form(Token(Paid), "txnResponse"), Body(Token(Paid))])
        {
            var news = Gateway.ReadWebhook(message, Account()).ShouldBeOfType<NewsReading.Genuine>();
            (news.Payment!.Value.Reference, news.ProvesAmount, news.MoneyReference, news.EventType).ShouldBe(("0001jd8xk3m4np1", true, "UDEMO0000000001", "transaction.0300"));
            news.Facts.ShouldHaveSingleItem().ShouldBeOfType<Evidence.Succeeded>().Amount.MinorUnits.ShouldBe(49900);
        }
    }

    [Fact]
    public void The_same_news_has_one_name_and_other_news_another()
    {
        string Name(string payload) => Gateway.ReadWebhook(Form(Token(payload)), Account()).ShouldBeOfType<NewsReading.Genuine>().EventId;
        Name(Paid).ShouldBe(Name(Paid));
        Name(Paid.Replace("0300", "0399", StringComparison.Ordinal)).ShouldNotBe(Name(Paid));
    }

    [Fact]
    public void Every_changed_bit_of_a_webhook_is_noticed() => Tampering.ShouldBeNoticed(Gateway, Account(), Form(Token(Paid)));

    [Fact]
    public void A_token_of_our_own_sent_back_to_us_says_nothing()
    {
        // The same key signs in both directions: our question for an order must not look like news about it.
        Gateway.ReadWebhook(Form(Token("""{"mercid":"VECMERCH","orderid":"0001jd8xk3m4np1","amount":"499.00","currency":"356"}""")), Account()).ShouldBeOfType<NewsReading.Unreadable>();
        Gateway.ReadWebhook(Form(Token(NotFound)), Account()).ShouldBeOfType<NewsReading.Unreadable>();
        var order = Gateway.ReadWebhook(Form(Token(Created)), Account()).ShouldBeOfType<NewsReading.Genuine>();
        (order.Payment, order.Facts.Count).ShouldBe((null, 0));
    }

    [Theory]
    [InlineData("VECMERCH", "OTHERMERCH")]
    [InlineData("\"amount\":\"499.00\",", "")]
    [InlineData("\"auth_status\":\"0300\",", "")]
    [InlineData("\"auth_status\":\"0300\"", "\"auth_status\":300")]
    [InlineData("\"amount\":\"499.00\"", "\"amount\":\"1.00\",\"amount\":\"499.00\"")]
    public void Signed_news_that_cannot_be_read_whole_is_kept_for_a_person(string there, string instead) =>
        Gateway.ReadWebhook(Form(Token(Paid.Replace(there, instead, StringComparison.Ordinal))), Account()).ShouldBeOfType<NewsReading.Unreadable>();

    [Fact]
    public void Money_under_a_name_that_is_not_ours_is_told_and_anything_else_about_it_is_not()
    {
        var stray = Paid.Replace("0001jd8xk3m4np1", "ORD20260001A1", StringComparison.Ordinal);
        var money = Gateway.ReadWebhook(Form(Token(stray)), Account()).ShouldBeOfType<NewsReading.Genuine>();
        (money.Payment, money.Facts.Count).ShouldBe((null, 1));
        Gateway.ReadWebhook(Form(Token(stray.Replace("0300", "0002", StringComparison.Ordinal))), Account()).ShouldBeOfType<NewsReading.Genuine>().Facts.ShouldBeEmpty();
    }

    [Fact]
    public void A_refunds_webhook_is_about_the_refund()
    {
        const string refund = """
            {"objectid":"refund","refundid":"UDEMO00000000011","transactionid":"UDEMO0000000001","orderid":"0001jd8xk3m4np1","mercid":"VECMERCH","refund_amount":"100.00",
            "currency":"356","refund_date":"2026-01-02T11:00:00+05:30","merc_refund_ref_no":"0001jd8xk3m4nr1","refund_status":"0699"}
            """;
        var news = Gateway.ReadWebhook(Body(Token(refund)), Account()).ShouldBeOfType<NewsReading.Genuine>();
        news.Facts.ShouldBeEmpty();
        var told = news.RefundFacts.ShouldHaveSingleItem();
        (told.Ours!.Value.Number, told.Fact.RefundReference).ShouldBe((1, "UDEMO00000000011"));
        told.Fact.ShouldBeOfType<RefundEvidence.Succeeded>().Amount.MinorUnits.ShouldBe(10000);
    }

    [Fact]
    public void A_return_names_the_payment_by_form_by_query_and_without_a_token()
    {
        foreach (var message in (RawMessage[])[
            Form(Token(Paid), more: "&orderid=0001jd8xk3m4np9&terminal_state=1"),
            Query("?token=a.b&transaction_response=" + Token(Paid)),
            Query("?orderid=0001jd8xk3m4np1&mercid=VECMERCH&terminal_state=111"),
            Form("x", "terminal_state", "&orderid=0001jd8xk3m4np1"),
            Form("500", "status", "&orderid=0001jd8xk3m4np1&error_type=api_processing_error")])
        {
            var news = Gateway.ReadReturn(message, Account()).ShouldBeOfType<NewsReading.Genuine>();
            (news.Payment!.Value.Reference, news.Facts.Count, news.ProvesAmount).ShouldBe(("0001jd8xk3m4np1", 0, false));
        }
    }

    [Fact]
    public void A_return_under_a_wrong_signature_or_about_nobody_is_forged()
    {
        Gateway.ReadReturn(Form(Token(Paid, Account("another-key-0123456789")), more: "&orderid=0001jd8xk3m4np1"), Account()).ShouldBeOfType<NewsReading.Forged>();
        Gateway.ReadReturn(Query("?orderid=nobody"), Account()).ShouldBeOfType<NewsReading.Forged>();
        Gateway.ReadReturn(Query("?orderid=0001jd8xk3m4np1&orderid=0001jd8xk3m4np2"), Account()).ShouldBeOfType<NewsReading.Forged>();
        Gateway.ReadReturn(Form(Token(NotFound)), Account()).ShouldBeOfType<NewsReading.Unreadable>();
    }

    // Statements.

    [Fact]
    public void The_documents_own_report_is_read_row_by_row()
    {
        using var file = File.OpenRead(Path.Combine(AppContext.BaseDirectory, "fixtures", "billdesk-settlement.csv"));
        var rows = SettlementReader.Read(file, Gateway.Sheet, Account()).ToList();
        rows.ShouldAllBe(r => r.Fault == null);
        rows.Select(r => (r.Line!.Kind, r.Line.Amount.ToMajorUnits(), r.Line.Net.ToMajorUnits())).ShouldBe([
            (SettlementKind.Payment, "499.00", "487.22"), (SettlementKind.Refund, "100.00", "-100.00"), (SettlementKind.Adjustment, "0.00", "0.00")]);
        var paid = rows[0].Line!;
        (paid.MoneyReference, paid.Fee!.Value.MinorUnits, paid.Tax!.Value.MinorUnits, paid.PayoutReference, paid.SettledOn).ShouldBe(
            ("UDEMO0000000001", 998, 180, "DEMOUTR0001", new DateOnly(2026, 1, 2)));
        paid.HappenedAt.ShouldBe(new DateTimeOffset(2026, 1, 1, 10, 2, 11, new TimeSpan(5, 30, 0)));
        rows[1].Line!.RefundReference.ShouldBe("UDEMO00000000011");
        rows.Select(r => r.Line!.RowKey).ShouldBeUnique();
    }

    [Theory]
    [InlineData(",PAYMENT,", ",SURPRISE,", "record_type")]
    [InlineData(",499.00,", ",499.005,", "gross_amount")]
    [InlineData(",356,upi,6", ",840,upi,6", "currency")]
    [InlineData(",9.98,", ",N/A,", "charges")]
    [InlineData("2026-01-01T10:02:11+05:30", "01-Jan-26", "transaction_date")]
    [InlineData("+05:30,2026-01-02,499", "+05:30,02-Jan-26,499", "settlement_date")]
    public void A_row_that_cannot_be_read_names_its_column(string there, string instead, string column)
    {
        var text = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "fixtures", "billdesk-settlement.csv"));
        text.ShouldContain(there);
        using var file = new MemoryStream(Encoding.UTF8.GetBytes(text.Replace(there, instead, StringComparison.Ordinal)));
        SettlementReader.Read(file, Gateway.Sheet, Account()).First().Fault!.ShouldStartWith(column);
    }

    const string Voucher = """
        {"objectid":"settlement","pv_number":"PVDEMO0001","mercid":"VECMERCH","payout_mercid":"VECMERCH","pv_file":"PVDEMO0001.csv","pv_file_date":"20260102","currency":"356",
        "amount_details":{"settlement":"499.00","refund":"100.00","chargeback":"0.00","refund_reversal":"0.00","chargeback_reversal":"0.00","adjustment":"0.00"},
        "charges":"9.98","taxes":"1.80","other_adjustments":"0.00","payout_amount":"387.22","status":"SETTLED","settlement_date":"2026-01-02","utr":"DEMOUTR0001","utr_date":"2026-01-02"}
        """;

    static Task<SettlementAnswer> Ask(string payload) => Gateway.ReadSettlement(new SettlementCall(Account(), new DateOnly(2026, 1, 2), null),
        new GatewayLines(new ScriptedNetwork(_ => new HttpResponseMessage(System.Net.HttpStatusCode.OK) { Content = new StringContent(Token(payload)) }), new ManualTime())
            .Open(Account(), Gateway.Profile), default);

    [Fact]
    public async Task A_voucher_is_a_payout_in_whatever_list_it_comes()
    {
        foreach (var payload in (string[])[Voucher, $"[{Voucher}]", $$"""{"settlements":[{{Voucher}}]}"""])
        {
            var line = (await Ask(payload)).ShouldBeOfType<SettlementAnswer.Done>().Lines.ShouldHaveSingleItem();
            (line.Kind, line.Amount.MinorUnits, line.Net.MinorUnits, line.PayoutReference, line.RowKey).ShouldBe((SettlementKind.Payout, 38722, -38722, "DEMOUTR0001", "payout-PVDEMO0001"));
        }
        (await Ask("[]")).ShouldBeOfType<SettlementAnswer.Done>().Lines.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("\"taxes\":\"1.80\"", "\"taxes\":\"1.81\"")]
    [InlineData("\"payout_amount\":\"387.22\"", "\"payout_amount\":\"x\"")]
    [InlineData("VECMERCH\",\"payout", "OTHER\",\"payout")]
    [InlineData("\"currency\":\"356\"", "\"currency\":\"840\"")]
    [InlineData("\"settlement_date\":\"2026-01-02\"", "\"settlement_date\":\"02-Jan-26\"")]
    public async Task A_voucher_that_does_not_add_up_or_is_anothers_is_not_used(string there, string instead)
    {
        Voucher.ShouldContain(there);
        (await Ask(Voucher.Replace(there, instead, StringComparison.Ordinal))).ShouldBeOfType<SettlementAnswer.Unknown>();
    }
}
