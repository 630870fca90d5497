using System.Text;
using Purser.Gateways.Tests.Line;
using Purser.Reconciliation;

namespace Purser.Gateways.Razorpay.Tests;

/// <summary>What they settled, from the document's own rows and files written by hand.</summary>
[Verifies(Part.Adapter, By.Document)]
public sealed class RazorpaySettlementTests
{
    static readonly RazorpayGateway Gateway = new();
    static readonly Currency Inr = Currency.Find("INR");

    const string Payment = """
        {"entity_id":"pay_Demo0000000001","type":"payment","debit":0,"credit":48722,"amount":49900,"currency":"INR","fee":1178,"tax":180,"on_hold":false,"settled":true,
        "created_at":1767225660,"settled_at":1767420000,"settlement_id":"setl_Demo0000000001","posted_at":null,"credit_type":"default","description":"#Demo",
        "notes":"{\"payment\":\"0001jd8xk3m4np1\"}","payment_id":null,"settlement_utr":"DEMO20260103UTR1","order_id":"order_Demo0000000001","order_receipt":null,
        "method":"upi","card_network":null,"card_issuer":null,"card_type":null,"dispute_id":null}
        """;
    const string Refund = """
        {"entity_id":"rfnd_Demo0000000001","type":"refund","debit":10000,"credit":0,"amount":10000,"currency":"INR","fee":0,"tax":0,"on_hold":false,"settled":true,
        "created_at":1767312000,"settled_at":1767420000,"settlement_id":"setl_Demo0000000001","posted_at":null,"credit_type":"default","description":null,
        "notes":{"refund":"0001jd8xk3m4nr1"},"payment_id":"pay_Demo0000000001","settlement_utr":"DEMO20260103UTR1","order_id":"order_Demo0000000001",
        "order_receipt":"0001jd8xk3m4np1","method":"upi","dispute_id":null}
        """;
    const string Adjustment = """
        {"entity_id":"adj_Demo0000000001","type":"adjustment","debit":500,"credit":0,"amount":500,"currency":"INR","fee":0,"tax":0,"on_hold":false,"settled":true,
        "created_at":1767312100,"settled_at":1767420000,"settlement_id":"setl_Demo0000000001","posted_at":null,"description":"demo adjustment","notes":null,
        "payment_id":null,"settlement_utr":null,"order_id":null,"order_receipt":null,"method":null,"dispute_id":null}
        """;

    [Fact]
    public async Task The_documents_rows_add_up_to_the_settlement()
    {
        var network = new ScriptedNetwork(_ => ScriptedNetwork.Answer($$"""{"entity":"collection","count":3,"items":[{{Payment}},{{Refund}},{{Adjustment}}]}"""));
        var done = (await Read(network)).ShouldBeOfType<SettlementAnswer.Done>();
        network.Sent.Single().Path.ShouldBe("/v1/settlements/recon/combined?year=2026&month=01&day=03&count=1000&skip=0");
        done.Next.ShouldBeNull();
        done.Lines.Sum(l => l.Net.MinorUnits).ShouldBe(38222);
        done.Lines[0].ShouldBe(new SettlementLine("pay_Demo0000000001", SettlementKind.Payment, new Money(49900, Inr), new Money(48722, Inr))
        {
            Payment = PaymentId.TryParseReference("0001jd8xk3m4np1", out var payment) ? payment : null,
            MoneyReference = "pay_Demo0000000001",
            // Their fee includes the tax.
            Fee = new Money(998, Inr),
            Tax = new Money(180, Inr),
            Method = "upi",
            HappenedAt = DateTimeOffset.FromUnixTimeSeconds(1767225660),
            SettledOn = new DateOnly(2026, 1, 3),
            PayoutReference = "DEMO20260103UTR1",
        });
        (done.Lines[1].Kind, done.Lines[1].Refund?.Reference, done.Lines[1].RefundReference, done.Lines[1].MoneyReference, done.Lines[1].Payment, done.Lines[1].Net.MinorUnits)
            .ShouldBe((SettlementKind.Refund, "0001jd8xk3m4nr1", "rfnd_Demo0000000001", "pay_Demo0000000001", payment, -10000));
        // Its transfer has no number on adjustments; then the settlement is named.
        (done.Lines[2].Kind, done.Lines[2].PayoutReference, done.Lines[2].MoneyReference).ShouldBe((SettlementKind.Adjustment, "setl_Demo0000000001", null));
    }

    [Theory]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("\"[]\"")]
    [InlineData("\"plain text\"")]
    [InlineData("{\"payment\":7}")]
    [InlineData("{\"payment\":\"somebody else's\"}")]
    public async Task Notes_of_any_shape_are_read_and_name_nobody(string notes)
    {
        var row = Payment.Replace("""
            "{\"payment\":\"0001jd8xk3m4np1\"}"
            """.Trim(), notes);
        row.ShouldNotBe(Payment);
        (await Lines(row)).Single().Payment.ShouldBeNull();
    }

    [Fact]
    public async Task What_is_not_settled_yet_comes_on_its_own_day() =>
        (await Lines(Payment.Replace("\"settled\":true", "\"settled\":false"))).ShouldBeEmpty();

    [Theory]
    [InlineData("\"dispute_id\":\"disp_1\"", 500, 0, SettlementKind.Dispute)]
    [InlineData("\"dispute_id\":\"disp_1\"", 0, 500, SettlementKind.DisputeReturned)]
    [InlineData("\"dispute_id\":null", 0, 500, SettlementKind.Adjustment)]
    public async Task An_adjustment_for_a_dispute_is_one(string dispute, long debit, long credit, SettlementKind kind)
    {
        var line = (await Lines(Adjustment.Replace("\"dispute_id\":null", dispute).Replace("\"debit\":500,\"credit\":0", $"\"debit\":{debit},\"credit\":{credit}"))).Single();
        (line.Kind, line.Net.MinorUnits).ShouldBe((kind, credit - debit));
    }

    [Fact]
    public async Task A_refund_that_came_back_is_another_row_than_the_refund()
    {
        var lines = await Lines(Refund, Refund.Replace("\"debit\":10000,\"credit\":0", "\"debit\":0,\"credit\":10000"));
        lines.Select(l => (l.Kind, l.Net.MinorUnits)).ShouldBe([(SettlementKind.Refund, -10000), (SettlementKind.RefundReturned, 10000)]);
        lines.Select(l => l.RowKey).ShouldBeUnique();
    }

    [Fact]
    public async Task A_kind_of_row_that_we_do_not_know_moved_money_all_the_same() =>
        (await Lines(Adjustment.Replace("\"type\":\"adjustment\"", "\"type\":\"transfer\""))).Single().ShouldSatisfyAllConditions(
            l => l.Kind.ShouldBe(SettlementKind.Adjustment), l => l.Note.ShouldBe("transfer"), l => l.Net.MinorUnits.ShouldBe(-500));

    [Fact]
    public async Task Money_of_another_currency_is_paid_out_in_rupees_where_the_sums_say_so()
    {
        var foreign = Payment.Replace("\"currency\":\"INR\"", "\"currency\":\"USD\"");
        (await Lines(foreign)).Single().Net.ShouldBe(new Money(48722, Currency.Find("USD")));
        var exchanged = (await Lines(foreign.Replace("\"credit\":48722", "\"credit\":4100000"))).Single();
        (exchanged.Amount, exchanged.Net, exchanged.Tax).ShouldBe((new Money(49900, Currency.Find("USD")), new Money(4100000, Inr), new Money(180, Inr)));
    }

    [Theory]
    [InlineData("""{"entity_id":"pay_1","type":"payment","debit":0,"credit":null,"amount":1,"currency":"INR"}""")]
    [InlineData("""{"entity_id":"pay_1","type":"payment","debit":0,"credit":"1.00","amount":1,"currency":"INR"}""")]
    [InlineData("""{"entity_id":"","type":"payment","debit":0,"credit":1,"amount":1,"currency":"INR"}""")]
    [InlineData("""{"entity_id":"pay_1","type":"payment","debit":0,"credit":1,"amount":1,"currency":"QQQ"}""")]
    [InlineData("null")]
    public async Task A_page_with_a_row_that_cannot_be_read_is_not_used(string row) =>
        (await Read(new ScriptedNetwork(_ => ScriptedNetwork.Answer($$"""{"items":[{{Payment}},{{row}}]}""")))).ShouldBeOfType<SettlementAnswer.Unknown>();

    [Theory]
    [InlineData(400, """{"error":{"code":"BAD_REQUEST_ERROR","description":"The month is invalid","field":"month","reason":"input_validation_failed"}}""")]
    [InlineData(401, "{}")]
    [InlineData(500, "")]
    [InlineData(200, "{}")]
    public async Task Whatever_is_no_report_says_nothing(int status, string body) =>
        (await Read(new ScriptedNetwork(_ => ScriptedNetwork.Answer(body, status)))).ShouldBeOfType<SettlementAnswer.Unknown>();

    [Fact]
    public async Task A_full_page_has_another_after_it()
    {
        var network = new ScriptedNetwork(sent => ScriptedNetwork.Answer(
            $$"""{"items":[{{string.Join(',', Enumerable.Range(0, sent.Path.EndsWith("skip=0", StringComparison.Ordinal) ? 1000 : 2).Select(n => Adjustment.Replace("adj_", $"adj_{n}")))}}]}"""));
        (await Read(network)).ShouldBeOfType<SettlementAnswer.Done>().Next.ShouldBe("1000");
        var last = (await Read(network, "1000")).ShouldBeOfType<SettlementAnswer.Done>();
        (last.Lines.Count, last.Next).ShouldBe((2, null));
        (await Read(network, "x")).ShouldBeOfType<SettlementAnswer.Unknown>();
    }

    // The dashboard's file. Its form is not confirmed, so columns are found by name.

    const string Header = "entity_id,type,debit,credit,amount,currency,fee,tax,settled,created_at,settled_at,settlement_id,settlement_utr,payment_id,order_receipt,notes,method,dispute_id";

    const string Settled = "pay_1,payment,0.00,487.22,499.00,INR,11.78,1.80,true,01/01/2026 05:31:00,03/01/2026 11:30:00,setl_1,UTR1,,0001jd8xk3m4np1,,upi,";

    [Fact]
    public void The_file_is_in_rupees_and_written_dates_by_the_Indian_clock()
    {
        var row = File("pay_1,payment,0.00,487.22,499.00,INR,11.78,1.80,true,01/01/2026 05:31:00,03/01/2026 11:30:00,setl_1,UTR1,,0001jd8xk3m4np1,\"{\"\"a\"\":\"\"b\"\"}\",upi,").Single();
        row.Fault.ShouldBeNull();
        (row.Line!.Amount, row.Line.Net, row.Line.Fee, row.Line.Tax).ShouldBe((new Money(49900, Inr), new Money(48722, Inr), new Money(998, Inr), new Money(180, Inr)));
        (row.Line.HappenedAt, row.Line.SettledOn, row.Line.Payment?.Reference).ShouldBe((new DateTimeOffset(2026, 1, 1, 0, 1, 0, TimeSpan.Zero), new DateOnly(2026, 1, 3), "0001jd8xk3m4np1"));
    }

    [Fact]
    public void A_file_in_paise_is_not_taken_for_rupees()
    {
        // The most frequent error by a factor of a hundred.
        var fault = File("pay_1,payment,0,48722,49900,INR,1178,180,true,01/01/2026 05:31:00,03/01/2026 11:30:00,setl_1,UTR1,,0001jd8xk3m4np1,,upi,").Single().Fault;
        fault.ShouldNotBeNull().ShouldContain("credit");
    }

    /// <summary>Only what is optional may be left empty, and what is written must be an amount.</summary>
    [Theory]
    [InlineData(",0.00,487.22,499.00,", ",N/A,487.22,499.00,", "debit")]
    [InlineData(",0.00,487.22,499.00,", ",0.00,-,499.00,", "credit")]
    [InlineData(",0.00,487.22,499.00,", ",,,499.00,", "credit")]
    [InlineData(",0.00,487.22,499.00,", ",0.00,487.22,,", "amount")]
    [InlineData(",0.00,487.22,499.00,", ",0.00,487.22,N/A,", "amount")]
    [InlineData(",11.78,", ",N/A,", "fee")]
    [InlineData(",1.80,", ",nil,", "tax")]
    [InlineData("01/01/2026 05:31:00", "01-Jan-26", "created_at")]
    [InlineData("03/01/2026 11:30:00", "03-Jan-26", "settled_at")]
    public void An_amount_or_a_date_that_is_none_rejects_its_row_with_the_column(string there, string instead, string column)
    {
        var row = File(Settled.Replace(there, instead)).Single();
        (row.Line, row.Column, row.Number).ShouldBe((null, column, 2));
    }

    [Fact]
    public void The_side_that_a_row_does_not_move_and_its_fee_and_tax_may_be_empty()
    {
        var line = File(Settled.Replace(",0.00,487.22,499.00,", ",,499.00,499.00,").Replace(",11.78,1.80,", ",,,")).Single().Line!;
        (line.Amount.MinorUnits, line.Net.MinorUnits, line.Fee, line.Tax).ShouldBe((49900, 49900, null, null));
    }

    [Fact]
    public void A_row_that_is_not_settled_or_empty_says_nothing() => File(
        "pay_1,payment,0.00,487.22,499.00,INR,11.78,1.80,false,,,,,,,,upi,", ",,,,,,,,,,,,,,,,,").ShouldAllBe(r => r.Line == null && r.Fault == null);

    static List<SettlementReader.Row> File(params string[] rows) =>
        [.. SettlementReader.Read(new MemoryStream(Encoding.UTF8.GetBytes(string.Join('\n', rows.Prepend(Header)) + "\n")), Gateway.Sheet, RazorpayTests.Account())];

    static async Task<IReadOnlyList<SettlementLine>> Lines(params string[] rows) =>
        (await Read(new ScriptedNetwork(_ => ScriptedNetwork.Answer($$"""{"items":[{{string.Join(',', rows)}}]}""")))).ShouldBeOfType<SettlementAnswer.Done>().Lines;

    static async Task<SettlementAnswer> Read(ScriptedNetwork network, string? page = null)
    {
        using var lines = new GatewayLines(network, new ManualTime());
        return await Gateway.ReadSettlement(new SettlementCall(RazorpayTests.Account(), new DateOnly(2026, 1, 3), page), lines.Open(RazorpayTests.Account(), Gateway.Profile), default);
    }
}
