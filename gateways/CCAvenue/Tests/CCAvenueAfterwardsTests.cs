using System.Collections.Immutable;
using System.Text;
using Purser.Gateways.Tests.Line;
using Purser.Orders;
using Purser.Refunds;
using static Purser.Gateways.CCAvenue.Tests.CCAvenueTests;
using SettlementKind = Purser.Reconciliation.SettlementKind;
using SettlementLine = Purser.Reconciliation.SettlementLine;

namespace Purser.Gateways.CCAvenue.Tests;

/// <summary>Refunds and what was paid out.</summary>
[Verifies(Part.Adapter, By.Document)]
public sealed class CCAvenueAfterwardsTests
{
    const string OurRefund = "0001jd8xk3m4nr1";
    const string Taken = """{"refund_status":0,"reason":"","error_code":""}""";
    const string NoRefund = """{"refund_list":[],"order_amt":1250.5,"order_curr":"INR","order_status":"Shipped","error_code":""}""";

    static readonly RefundCall Back = new(
        Account, new RefundId(Payment.Order, 1), Payment, CCAvenueTests.Ours, "312000000001", Amount, new Money(10000, Amount.Currency), null, "Order 42", Morning.AddDays(1));

    static string Refund(string status, string reference = OurRefund, string amount = "100.0") =>
        $$"""{"refund_amt":{{amount}},"refund_mer_ref_no":"{{reference}}","refund_issue_date":"15-03-2026","refund_processed_on":"16-03-2026","refund_completion_date":"","refund_bank_ref_no":"RB1","refund_status":"{{status}}"}""";

    static string Refunds(params string[] refunds) => $$"""{"refund_list":[{{string.Join(',', refunds)}}],"order_amt":1250.5,"order_curr":"INR","order_status":"Refunded"}""";

    static string No(string code) => $$"""{"refund_status":1,"reason":"Refund refused","error_code":"{{code}}"}""";

    static Task<RefundAnswer> Ask(ScriptedNetwork network) => Gateway.Refund(Back, Line(network), default);

    static Task<RefundAnswer> Inquire(ScriptedNetwork network) => Gateway.InquireRefund(Back, Line(network), default);

    static async Task<IReadOnlyList<Evidence>> Told(string refunds) =>
        (await Gateway.Inquire(new InquireCall(Account, Payment, CCAvenueTests.Ours, Amount, Morning),
            Line(Answering(("orderLookup", List(Row("Refunded", captured: "1250.50"))), ("getRefundDetails", refunds))), default)).ShouldBeOfType<GatewayAnswer.Done>().Facts;

    [Fact]
    public async Task A_refund_is_asked_for_in_letters_and_digits_and_acceptance_is_not_completion()
    {
        var network = Answering(("refundOrder", Taken));
        var fact = (await Ask(network)).ShouldBeOfType<RefundAnswer.Done>().Fact.ShouldBeOfType<RefundEvidence.Accepted>();
        fact.RefundReference.ShouldBe(OurRefund);
        Asked(network.Sent.ShouldHaveSingleItem()).ShouldBe(("refundOrder", $$"""{"reference_no":"312000000001","refund_amount":"100.00","refund_ref_no":"{{OurRefund}}"}"""));
        OurRefund.ShouldMatch("^[A-Za-z0-9]{1,30}$");
    }

    [Fact]
    public async Task The_wrapped_answer_of_the_older_version_is_read_as_well() =>
        (await Ask(Answering(("refundOrder", $$"""{"Refund_Order_Result":{{Taken}}}""")))).ShouldBeOfType<RefundAnswer.Done>();

    [Theory]
    [InlineData("TS-REFA", typeof(RefundEvidence.Accepted))]
    [InlineData("TS-REFC", typeof(RefundEvidence.Succeeded))]
    [InlineData("TS-REFF", typeof(RefundEvidence.Failed))]
    [InlineData("TS-REFD", typeof(RefundEvidence.Failed))]
    public async Task A_name_that_was_taken_is_a_refund_that_was_asked_for_before(string status, Type fact)
    {
        var network = Answering(("refundOrder", No("51309")), ("getRefundDetails", Refunds(Refund("TS-REFA", "other"), Refund(status))));
        (await Ask(network)).ShouldBeOfType<RefundAnswer.Done>().Fact.ShouldBeOfType(fact);
        Asked(network.Sent[1]).ShouldBe(("getRefundDetails", """{"reference_no":"312000000001"}"""));
        Wire.Field(network.Sent[1].Body, "version").ShouldBe("1.1");
    }

    [Fact]
    public async Task A_name_that_was_taken_by_a_refund_that_is_not_to_be_seen_yet_is_no_refusal() =>
        (await Ask(Answering(("refundOrder", No("51309")), ("getRefundDetails", NoRefund)))).ShouldBeOfType<RefundAnswer.Unknown>();

    [Theory]
    [InlineData("51310")]
    [InlineData("51311")]
    [InlineData("51312")]
    [InlineData("51314")]
    [InlineData("51315")]
    [InlineData("51328")]
    [InlineData("51086")]
    [InlineData("51313")]
    public async Task A_refusal_is_one_when_they_know_of_no_such_refund(string code)
    {
        (await Ask(Answering(("refundOrder", No(code)), ("getRefundDetails", NoRefund)))).ShouldBeOfType<RefundAnswer.Rejected>();
        // One that was taken before is no refused one, whatever is said of the second.
        (await Ask(Answering(("refundOrder", No(code)), ("getRefundDetails", Refunds(Refund("TS-REFC")))))).ShouldBeOfType<RefundAnswer.Done>().Fact.ShouldBeOfType<RefundEvidence.Succeeded>();
        (await Ask(Answering(("refundOrder", No(code)), ("getRefundDetails", """{"error_code":"51420","error_desc":"busy"}""")))).ShouldBeOfType<RefundAnswer.Unknown>();
    }

    [Theory]
    [InlineData("""{"refund_status":1,"reason":"Unable to process","error_code":"51420"}""")]
    [InlineData("""{"refund_status":1,"reason":"no code","error_code":""}""")]
    [InlineData("""{"refund_status":2,"reason":"","error_code":""}""")]
    [InlineData("""{"reason":"","error_code":""}""")]
    public async Task What_is_neither_taken_nor_refused_by_its_code_is_unknown(string json) =>
        (await Ask(Answering(("refundOrder", json)))).ShouldBeOfType<RefundAnswer.Unknown>();

    /// <summary>The servlet turned the question away; what became of an earlier one it has not said.</summary>
    [Fact]
    public async Task A_refusal_of_the_envelope_is_unknown() =>
        (await Ask(new ScriptedNetwork(_ => Body("status=1&enc_response=Access denied&enc_error_code=51407")))).ShouldBeOfType<RefundAnswer.Unknown>();

    [Fact]
    public async Task A_refund_that_came_back_is_told_with_its_amount_and_the_banks_name_for_it()
    {
        var fact = (await Inquire(Answering(("getRefundDetails", Refunds(Refund("TS-REFC")))))).ShouldBeOfType<RefundAnswer.Done>().Fact.ShouldBeOfType<RefundEvidence.Succeeded>();
        (fact.Amount, fact.BankReference, fact.RefundReference).ShouldBe((Back.Amount, "RB1", OurRefund));
    }

    /// <summary>Trap 9: one refund may come as an object.</summary>
    [Fact]
    public async Task A_list_of_one_refund_may_be_that_refund() =>
        (await Inquire(Answering(("getRefundDetails", Refunds(Refund("TS-REFC")).Replace("[", "", StringComparison.Ordinal).Replace("]", "", StringComparison.Ordinal)))))
            .ShouldBeOfType<RefundAnswer.Done>().Fact.ShouldBeOfType<RefundEvidence.Succeeded>();

    [Theory]
    [InlineData("TS-REFX", "INR", "100.0", "1250.5")]
    [InlineData("TS-REFC", "USD", "100.0", "1250.5")]
    [InlineData("TS-REFC", "INR", "100.005", "1250.5")]
    [InlineData("TS-REFC", "INR", "100.0", "99.0")]
    public async Task A_refund_that_cannot_be_read_whole_is_unknown(string status, string currency, string amount, string order) => (await Inquire(Answering(("getRefundDetails",
        Refunds(Refund(status, amount: amount)).Replace("INR", currency, StringComparison.Ordinal).Replace("1250.5", order, StringComparison.Ordinal))))).ShouldBeOfType<RefundAnswer.Unknown>();

    [Fact]
    public async Task Two_refunds_under_one_name_are_no_answer() =>
        (await Inquire(Answering(("getRefundDetails", Refunds(Refund("TS-REFC"), Refund("TS-REFF")))))).ShouldBeOfType<RefundAnswer.Unknown>();

    [Theory]
    [InlineData(NoRefund)]
    [InlineData("""{"error_desc":"No record","error_code":"51419"}""")]
    [InlineData("""{"error_desc":"Invalid reference","error_code":51002}""")]
    public async Task A_refund_that_nobody_asked_for_is_absent(string json) =>
        (await Inquire(Answering(("getRefundDetails", json)))).ShouldBeOfType<RefundAnswer.Done>().Fact.ShouldBeOfType<RefundEvidence.Absent>();

    // What a refund makes of the payment: their word is one for a part and for all.

    [Fact]
    public async Task Money_that_went_back_by_refunds_of_ours_was_captured_all_the_same()
    {
        foreach (var refunds in new[] { Refunds(Refund("TS-REFC")), Refunds(Refund("TS-REFC"), Refund("TS-REFA", "0001jd8xk3m4nr2", "1150.50")), Refunds() })
            (await Told(refunds)).ShouldHaveSingleItem().ShouldBeOfType<Evidence.Succeeded>().Amount.ShouldBe(Amount);
    }

    [Fact]
    public async Task Money_that_others_gave_back_whole_is_not_ours_any_more_and_a_part_of_it_is()
    {
        (await Told(Refunds(Refund("TS-REFC", "by-hand-1", "1250.50")))).OfType<Evidence.Reversed>().ShouldHaveSingleItem().Amount.ShouldBe(Amount);
        (await Told(Refunds(Refund("TS-REFC", "by-hand-1", "100.00")))).ShouldHaveSingleItem().ShouldBeOfType<Evidence.Succeeded>();
        (await Told(Refunds(Refund("TS-REFF", "by-hand-1", "1250.50")))).ShouldHaveSingleItem().ShouldBeOfType<Evidence.Succeeded>();
    }

    [Fact]
    public async Task Without_its_refunds_a_refunded_payment_is_not_judged() => (await Gateway.Inquire(new InquireCall(Account, Payment, CCAvenueTests.Ours, Amount, Morning),
        Line(Answering(("orderLookup", List(Row("Refunded"))), ("getRefundDetails", """{"error_code":"51420"}"""))), default)).ShouldBeOfType<GatewayAnswer.Unknown>();

    /// <summary>The answer does not say whose refunds it lists; all that shows it has to fit.</summary>
    [Theory]
    [InlineData("\"order_amt\":1250.5", "\"order_amt\":2501.0")]
    [InlineData("\"order_amt\":1250.5,", "")]
    [InlineData("INR", "USD")]
    [InlineData("by-hand-1", "0001jd8xk3m4pr1")]
    [InlineData("1250.50", "1250.51")]
    public async Task Refunds_of_another_try_take_nothing_away_from_this_one(string there, string instead)
    {
        var refunds = Refunds(Refund("TS-REFC", "by-hand-1", "1250.50"));
        refunds.ShouldContain(there);
        (await Gateway.Inquire(new InquireCall(Account, Payment, CCAvenueTests.Ours, Amount, Morning),
            Line(Answering(("orderLookup", List(Row("Refunded", captured: "1250.50"))), ("getRefundDetails", refunds.Replace(there, instead, StringComparison.Ordinal)))), default))
            .ShouldBeOfType<GatewayAnswer.Unknown>();
    }

    /// <summary>Absent would have it asked for again.</summary>
    [Theory]
    [InlineData("0001jd8xk3m4pr1")]
    [InlineData(null)]
    public async Task A_list_that_may_be_anothers_does_not_say_that_a_refund_is_absent(string? of) =>
        (await Inquire(Answering(("getRefundDetails", of is null ? NoRefund.Replace("\"order_amt\":1250.5,", "", StringComparison.Ordinal) : Refunds(Refund("TS-REFC", of)))))).ShouldBeOfType<RefundAnswer.Unknown>();

    [Fact]
    public async Task Each_of_several_refunded_tries_is_judged_by_its_own_refunds()
    {
        var network = Answering(
            ("orderLookup", List(Row("Refunded", captured: "1250.50"), Row("Refunded", tracking: "312000000002", at: "10:20:00.000", captured: "1250.50"))),
            ("getRefundDetails", Refunds(Refund("TS-REFC", OurRefund, "1250.50"))), ("getRefundDetails", Refunds(Refund("TS-REFC", "by-hand-1", "1250.50"))));
        (await Gateway.Inquire(new InquireCall(Account, Payment, CCAvenueTests.Ours, Amount, Morning), Line(network), default)).ShouldBeOfType<GatewayAnswer.Done>().Facts
            .Select(f => f is Evidence.Succeeded s ? $"Succeeded {s.MoneyReference}" : f is Evidence.Reversed r ? $"Reversed {r.MoneyReference}" : f.GetType().Name)
            .ShouldBe(["Succeeded 312000000001", "Reversed 312000000002"]);
        network.Sent.Skip(1).Select(s => Asked(s).Json).ShouldBe(["""{"reference_no":"312000000001"}""", """{"reference_no":"312000000002"}"""]);
    }

    // What was paid out.

    const string Sale = """
        {"amount":"1250.50","amt_payable":"1220.99","fees":"25.01","tax":"4.50","currency":"INR","order_no":"0001jd8xk3m4np1","ccavenue_ref_no":312000000001,"bank_ref_no":"BRN777",
        "bill_name":"Asha Rao","bill_email":"asha@example.test","date_time":"2026-03-14 10:14:50.003","sub_acc_id":"","order_option_type":"OPTNBK","txn_type":"Shipped"}
        """;

    static string Other(string type, string amount, string payable) =>
        $$"""{"amount":{{amount}},"amt_payable":{{payable}},"fees":0.0,"tax":0.0,"currency":"INR","order_no":"{{CCAvenueTests.Ours}}","ccavenue_ref_no":"312000000001","bank_ref_no":"RB1","date_time":"2026-03-15 09:10:00.000","order_option_type":"OPTNBK","txn_type":"{{type}}"}""";

    static string Payouts(string list = "payout_summary_list", string details = "payout_summary_details", bool one = false)
    {
        const string first = """{"pay_Id":900001,"pay_amount":"1120.99","settlement_date":"2026-03-16","settlement_bank":"Demo","settlement_currency":"INR","trans_currency":"INR","utr_no":"UTR900001"}""";
        var second = first.Replace("900001", "900002", StringComparison.Ordinal);
        return $$$"""{"Payout_Summary_Result":{"{{{list}}}":{"{{{details}}}":{{{(one ? first : $"[{first},{second}]")}}}},"error_code":"","error_desc":""}}""";
    }

    static string Rows(string pay, int pages, params string[] rows) =>
        $$$"""{"pay_id_details_Result":{"pay_id":{{{pay}}},"page_count":"{{{pages}}}","total_records":{{{rows.Length}}},"pay_id_txn_details_list":{"pay_id_txn_details":{{{(rows.Length == 1 ? rows[0] : $"[{string.Join(',', rows)}]")}}}},"error_code":""}}""";

    static async Task<(List<SettlementLine> Lines, ScriptedNetwork Network)> Read(params (string Command, string Json)[] answers)
    {
        var network = Answering(answers);
        var lines = new List<SettlementLine>();
        for (string? page = null; ;)
        {
            var done = (await Gateway.ReadSettlement(new SettlementCall(Account, new DateOnly(2026, 3, 16), page), Line(network), default)).ShouldBeOfType<SettlementAnswer.Done>();
            lines.AddRange(done.Lines);
            if ((page = done.Next) is null) return (lines, network);
        }
    }

    [Fact]
    public async Task The_payouts_of_a_day_are_told_and_then_the_rows_of_each_page_by_page()
    {
        var (lines, network) = await Read(("payoutSummary", Payouts()),
            ("payIdDetails", Rows("900001", 2, Sale)), ("payIdDetails", Rows("\"900001\"", 2, Other("Refunded", "100.00", "100.00"))), ("payIdDetails", Rows("900002", 1, Other("Chargeback", "500.00", "500.00"))));
        lines.Select(l => (l.Kind, l.Net.ToMajorUnits(), l.PayoutReference)).ShouldBe([
            (SettlementKind.Payout, "-1120.99", "UTR900001"), (SettlementKind.Payout, "-1120.99", "UTR900002"),
            (SettlementKind.Payment, "1220.99", "UTR900001"), (SettlementKind.Refund, "-100.00", "UTR900001"), (SettlementKind.Dispute, "-500.00", "UTR900002")]);
        network.Sent.Select(s => (Asked(s).Json, Wire.Field(s.Body, "version"))).ShouldBe([
            ("""{"settlement_date":"16-03-2026"}""", "1.2"),
            ("""{"pay_id":"900001","page_number":1,"no_of_records":100}""", "1.4"),
            ("""{"pay_id":"900001","page_number":2,"no_of_records":100}""", "1.4"),
            ("""{"pay_id":"900002","page_number":1,"no_of_records":100}""", "1.4")]);
        var sale = lines[2];
        (sale.Payment, sale.MoneyReference, sale.Amount, sale.Fee!.Value.MinorUnits, sale.Tax!.Value.MinorUnits, sale.Method, sale.SettledOn).ShouldBe(
            (Payment, "312000000001", Amount, 2501, 450, "netbanking", new DateOnly(2026, 3, 16)));
        sale.HappenedAt.ShouldBe(new DateTimeOffset(2026, 3, 14, 10, 14, 50, 3, new TimeSpan(5, 30, 0)));
        lines.Select(l => l.RowKey).ShouldBeUnique();
    }

    [Theory]
    [InlineData("payout_summary_list", "payout_summary_details")]
    [InlineData("pauyout_summary_list", "pauyout_summary_details")]
    [InlineData("pauyout_summary_list", "payout_summary_details")]
    public async Task Payouts_are_found_however_they_are_spelt_and_one_may_be_an_object(string list, string details) =>
        (await Read(("payoutSummary", Payouts(list, details, one: true)), ("payIdDetails", Rows("900001", 1, Sale)))).Lines.Count.ShouldBe(2);

    [Fact]
    public async Task A_day_without_a_payout_has_no_rows() =>
        (await Read(("payoutSummary", """{"Payout_Summary_Result":{"error_code":"51419","error_desc":"No records found"}}"""))).Lines.ShouldBeEmpty();

    /// <summary>The sign of such rows is not published: the direction follows from what they are. A dispute's row has no name for the dispute.</summary>
    [Theory]
    [InlineData("Refunded", SettlementKind.Refund, "-100.00")]
    [InlineData("Chargeback", SettlementKind.Dispute, "-100.00")]
    [InlineData("Cancelled", SettlementKind.Refund, "-100.00")]
    [InlineData("Auto-Cancelled", SettlementKind.Refund, "-100.00")]
    [InlineData("ASUC", SettlementKind.Refund, "-100.00")]
    [InlineData("MSGCHRG", SettlementKind.Adjustment, "-100.00")]
    public async Task Money_that_goes_away_goes_away_whatever_its_sign(string type, SettlementKind kind, string net)
    {
        foreach (var amount in new[] { "100.00", "-100.00" })
        {
            var (lines, _) = await Read(("payoutSummary", Payouts(one: true)), ("payIdDetails", Rows("900001", 1, Other(type, amount, amount))));
            (lines[1].Kind, lines[1].Amount.ToMajorUnits(), lines[1].Net.ToMajorUnits(), lines[1].Note).ShouldBe((kind, "100.00", net, kind == SettlementKind.Dispute ? null : type));
        }
    }

    [Theory]
    [InlineData("\"txn_type\":\"Shipped\"", "\"txn_type\":\"Surprise\"")]
    [InlineData("\"currency\":\"INR\"", "\"currency\":\"\"")]
    [InlineData("\"amt_payable\":\"1220.99\"", "\"amt_payable\":\"x\"")]
    [InlineData("\"fees\":\"25.01\"", "\"fees\":\"N/A\"")]
    [InlineData("\"tax\":\"4.50\"", "\"tax\":\"4,50\"")]
    [InlineData("2026-03-14 10:14:50.003", "14-Mar-26 10:14")]
    [InlineData("\"pay_id\":900001", "\"pay_id\":900002")]
    [InlineData("\"page_count\":\"1\"", "\"page_count\":\"\"")]
    public async Task A_page_with_something_that_cannot_be_read_is_not_used(string there, string instead)
    {
        Rows("900001", 1, Sale).ShouldContain(there);
        var network = Answering(("payoutSummary", Payouts(one: true)), ("payIdDetails", Rows("900001", 1, Sale).Replace(there, instead, StringComparison.Ordinal)));
        var first = (await Gateway.ReadSettlement(new SettlementCall(Account, new DateOnly(2026, 3, 16), null), Line(network), default)).ShouldBeOfType<SettlementAnswer.Done>();
        (await Gateway.ReadSettlement(new SettlementCall(Account, new DateOnly(2026, 3, 16), first.Next), Line(network), default)).ShouldBeOfType<SettlementAnswer.Unknown>();
    }

    [Fact]
    public void The_dashboards_file_is_read_below_its_summary_with_commas_in_its_amounts()
    {
        using var file = File.OpenRead(Path.Combine(AppContext.BaseDirectory, "fixtures", "ccavenue-payout.csv"));
        var rows = SettlementReader.Read(file, Gateway.Sheet, Account).ToList();
        rows.ShouldAllBe(r => r.Fault == null);
        rows.Select(r => (r.Line!.Kind, r.Line.Amount.ToMajorUnits(), r.Line.Net.ToMajorUnits())).ShouldBe([
            (SettlementKind.Payment, "1250.50", "1220.99"), (SettlementKind.Payment, "40.00", "35.75"), (SettlementKind.Refund, "100.00", "-100.00"), (SettlementKind.Dispute, "500.00", "-500.00")]);
        (rows[0].Line!.Payment, rows[0].Line!.MoneyReference, rows[3].Line!.Payment).ShouldBe((Payment, "312000000001", null));
        rows.Select(r => r.Line!.RowKey).ShouldBeUnique();
    }

    /// <summary>The file may have no more of a row than its order, time and amount, and the whole second of its time.</summary>
    [Theory]
    [InlineData("Shipped", "100.00")]
    [InlineData("Refunded", "-100.00")]
    [InlineData("Cancelled", "100.00")]
    [InlineData("Chargeback", "100.00")]
    [InlineData("MISC", "-100.00")]
    [InlineData("MSGCHRG", "100.00")]
    public async Task A_row_of_the_call_and_the_same_row_of_the_file_have_one_name(string type, string amount)
    {
        var (lines, _) = await Read(("payoutSummary", Payouts(one: true)), ("payIdDetails", Rows("900001", 1, Other(type, amount, amount))));
        var (column, cell) = type == "Shipped" ? (",CCAvenue Reference No", ",312000000001") : ("", "");
        var row = Filed($"Transaction Type,Order ID,Amount,Date Time{column}\n{type},{CCAvenueTests.Ours},{amount},15/03/2026 09:10:00{cell}\n").Single();
        row.Line!.RowKey.ShouldBe(lines[1].RowKey);
    }

    [Fact]
    public void Rows_of_one_order_are_told_apart_by_time_and_amount() => Filed($"""
        Transaction Type,Order ID,Amount,Date Time
        MISC,,-5.00,2026-03-15 09:10:00
        MISC,,5.00,2026-03-15 09:10:00
        MISC,,-5.00,2026-03-16 09:10:00
        Refunded,{CCAvenueTests.Ours},5.00,2026-03-16 09:10:00

        """).Select(r => r.Line!.RowKey).ShouldBeUnique();

    [Theory]
    [InlineData("MISC,,5.00,,", "Date Time")]
    [InlineData("Refunded,0001jd8xk3m4np1,5.00,,", "Date Time")]
    [InlineData("Shipped,0001jd8xk3m4np1,5.00,01-Mar-26,", "Date Time")]
    [InlineData("Shipped,0001jd8xk3m4np1,5.00,2026-03-16 09:10:00,N/A", "Fees")]
    public void A_row_that_nothing_tells_from_others_or_that_cannot_be_read_is_rejected_with_its_column(string row, string column)
    {
        var read = Filed($"Transaction Type,Order ID,Amount,Date Time,Fees\n{row}\n").Single();
        (read.Line, read.Column, read.Number).ShouldBe((null, column, 2));
    }

    static List<SettlementReader.Row> Filed(string text) => [.. SettlementReader.Read(new MemoryStream(Encoding.UTF8.GetBytes(text)), Gateway.Sheet, Account)];

    [Fact]
    public void A_file_with_only_the_columns_that_are_known_is_read_and_a_row_of_another_kind_names_its_column()
    {
        using var file = new MemoryStream(Encoding.UTF8.GetBytes($"Transaction Type,Order ID,Amount\nShipped,{CCAvenueTests.Ours},\"1,250.50\"\nTeleported,{CCAvenueTests.Ours},1.00\nShipped,{CCAvenueTests.Ours},x\n"));
        var rows = SettlementReader.Read(file, Gateway.Sheet, Account).ToList();
        (rows[0].Line!.Payment, rows[0].Line!.Amount).ShouldBe((Payment, Amount));
        rows[1].Fault.ShouldNotBeNull().ShouldStartWith("Transaction Type");
        rows[2].Fault.ShouldNotBeNull().ShouldStartWith("Amount");
    }
}
