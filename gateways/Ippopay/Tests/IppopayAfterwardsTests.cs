using System.Text;
using Purser.Gateways.Tests.Line;
using Purser.Reconciliation;
using Purser.Refunds;

namespace Purser.Gateways.Ippopay.Tests;

/// <summary>Money that goes back, and what was settled.</summary>
[Verifies(Part.Adapter, By.Document)]
public sealed class IppopayAfterwardsTests
{
    const string Accepted = """{"success":true,"message":"Your refund request accepted"}""";
    static readonly IppopayGateway Gateway = new();
    static readonly Currency Rupee = Currency.Find("INR");
    static readonly PaymentId Payment = PaymentId.TryParseReference("0001jd8xk3m4np1", out var id) ? id : throw new InvalidOperationException();

    [Fact]
    public async Task A_part_is_asked_for_by_its_amount_and_all_by_an_empty_request()
    {
        var network = Transaction("not_requested", Accepted);
        (await Refund(network, Call(10000))).ShouldBeOfType<RefundAnswer.Done>().Fact.ShouldBeOfType<RefundEvidence.Accepted>();
        (await Refund(network, Call(125050))).ShouldBeOfType<RefundAnswer.Done>();
        var asked = network.Sent.Where(s => s.Method == "POST").ToList();
        asked.Select(s => s.Path).Distinct().ShouldBe(["/apitest/v1/pg/order/refund/order_demo00001"]);
        asked.Select(s => s.Body).ShouldBe(["""{"refund_amt":100.00}""", "{}"]);
    }

    [Theory]
    [InlineData("requested")]
    [InlineData("processing")]
    [InlineData("Requested")]
    [InlineData("some new word")]
    public async Task A_refund_that_shows_already_is_not_asked_for_again(string status)
    {
        var network = Transaction(status, Accepted);
        (await Refund(network, Call(10000))).ShouldBeOfType<RefundAnswer.Done>().Fact.ShouldBeOfType<RefundEvidence.Accepted>();
        network.Sent.ShouldAllBe(s => s.Method == "GET");
        Gateway.Profile.RefundsOnce.ShouldBeTrue();
    }

    [Theory]
    [InlineData("not_requested", typeof(RefundEvidence.Absent))]
    [InlineData("requested", typeof(RefundEvidence.Accepted))]
    [InlineData("refunded", typeof(RefundEvidence.Succeeded))]
    [InlineData("failed", typeof(RefundEvidence.Failed))]
    [InlineData("", typeof(RefundEvidence.Accepted))]
    public async Task The_one_trace_of_a_refund_is_a_word(string status, Type fact) =>
        (await InquireRefund(Transaction(status, ""), Call(10000))).ShouldBeOfType<RefundAnswer.Done>().Fact.ShouldBeOfType(fact);

    [Theory]
    [InlineData(500, """{"success":false,"message":"no"}""")]
    [InlineData(429, """{"success":false,"message":"no"}""")]
    [InlineData(200, "")]
    [InlineData(200, """{"message":"Your refund request accepted"}""")]
    public async Task A_request_without_a_definite_answer_is_unknown_and_never_a_no(int status, string answer) =>
        (await Refund(Transaction("not_requested", answer, status), Call(10000))).ShouldBeOfType<RefundAnswer.Unknown>();

    [Theory]
    [InlineData(200)]
    [InlineData(400)]
    public async Task A_definite_no_is_refused(int status) =>
        (await Refund(Transaction("not_requested", """{"success":false,"message":"Insufficient balance"}""", status), Call(10000)))
            .ShouldBe(new RefundAnswer.Rejected("Insufficient balance"));

    [Fact]
    public async Task Money_that_is_not_shown_is_not_refunded_and_not_refused_either()
    {
        var network = IppopayTests.Answering("""{"success":false,"message":"No transaction found"}""");
        (await Refund(network, Call(10000))).ShouldBeOfType<RefundAnswer.Unknown>();
        (await InquireRefund(network, Call(10000))).ShouldBeOfType<RefundAnswer.Unknown>();
        network.Sent.ShouldAllBe(s => s.Method == "GET");
    }

    [Fact]
    public async Task Other_money_on_the_order_is_not_refunded_in_its_place()
    {
        var network = Transaction("not_requested", Accepted);
        (await Refund(network, Call(10000) with { MoneyReference = "trans_demo0009" })).ShouldBeOfType<RefundAnswer.Rejected>();
        network.Sent.ShouldAllBe(s => s.Method == "GET");
    }

    const string Statement = """
        settlement_id,settlement_date,type,order_id,trans_id,pay_mode,amount,commission,commission_tax,settled_amount,utr
        settl_demo01,2026-03-16,payment,order_demo00001,trans_demo0001,dc,1250.50,21.88,3.94,1224.68,UTR0001
        settl_demo01,2026-03-16,payment,order_demo00002,trans_demo0002,upi,300.00,0.00,0.00,300.00,UTR0001
        settl_demo02,2026-03-17,refund,order_demo00001,trans_demo0001,dc,-100.00,0.00,0.00,-100.00,UTR0002
        settl_demo02,2026-03-17,adjustment,,,,-10.00,0.00,0.00,-10.00,UTR0002

        """;

    [Fact]
    public void A_statement_in_our_layout_is_read_row_by_row()
    {
        var rows = Rows(Statement);
        rows.ShouldAllBe(r => r.Fault == null);
        var lines = rows.Select(r => r.Line!).ToList();
        lines.Select(l => l.Kind).ShouldBe([SettlementKind.Payment, SettlementKind.Payment, SettlementKind.Refund, SettlementKind.Adjustment]);
        lines.Select(l => l.RowKey).ShouldBeUnique();
        lines[0].ShouldBe(new SettlementLine("settl_demo01:payment:trans_demo0001:1250.50", SettlementKind.Payment, Rupees(125050), Rupees(122468))
        {
            MoneyReference = "trans_demo0001",
            Fee = Rupees(2188),
            Tax = Rupees(394),
            Method = "card",
            SettledOn = new DateOnly(2026, 3, 16),
            PayoutReference = "UTR0001",
        });
        (lines[2].Amount, lines[2].Net, lines[2].MoneyReference).ShouldBe((Rupees(10000), Rupees(-10000), "trans_demo0001"));
        (lines[3].Amount, lines[3].Net, lines[3].MoneyReference).ShouldBe((Rupees(1000), Rupees(-1000), null));
        lines.Sum(l => l.Net.MinorUnits).ShouldBe(141468);
    }

    [Fact]
    public void Two_equal_charges_of_one_settlement_are_two_rows_and_a_row_about_a_payment_that_stands_there_twice_is_one()
    {
        var charge = Statement.Split('\n').Single(l => l.Contains("adjustment", StringComparison.Ordinal));
        var payment = Statement.Split('\n').Single(l => l.Contains("trans_demo0002", StringComparison.Ordinal));
        List<string> Keys() => [.. Rows($"{Statement}{charge}\n{payment}\n{charge}\n{charge.Replace("-10.00", "-11.00", StringComparison.Ordinal)}\n").Select(r => r.Line!.RowKey)];
        var keys = Keys();
        keys.Count(k => k.StartsWith("settl_demo02:adjustment::-10.00", StringComparison.Ordinal)).ShouldBe(3);
        keys.Distinct().Count().ShouldBe(keys.Count - 1);
        keys[3].ShouldBe("settl_demo02:adjustment::-10.00");
        Keys().ShouldBe(keys);
    }

    [Theory]
    [InlineData(",payment,order_demo00002", ",cashback,order_demo00002")]
    [InlineData("300.00,0.00", "-300.00,0.00")]
    [InlineData("trans_demo0002,upi", ",upi")]
    [InlineData("300.00,UTR0001", "300.005,UTR0001")]
    [InlineData("2026-03-16,payment,order_demo00002", "16/03/2026,payment,order_demo00002")]
    public void A_row_that_cannot_be_read_says_so_and_spoils_no_other(string from, string to)
    {
        var rows = Rows(Statement.Replace(from, to, StringComparison.Ordinal));
        rows.Count(r => r.Fault is not null).ShouldBe(1);
        rows[1].Fault.ShouldNotBeNull();
    }

    [Fact]
    public void Their_export_under_other_names_is_not_taken_for_a_statement() =>
        Should.Throw<SettlementReader.NotAStatementException>(() => Rows("Settlement Id,Date,Amount\nsettl_demo01,2026-03-16,300.00\n"));

    static List<SettlementReader.Row> Rows(string text) =>
        [.. SettlementReader.Read(new MemoryStream(Encoding.UTF8.GetBytes(text)), Gateway.Sheet, IppopayTests.Account())];

    static Money Rupees(long paise) => new(paise, Rupee);

    static RefundCall Call(long paise) => new(
        IppopayTests.Account(), new RefundId(Payment.Order, 1), Payment, "order_demo00001", "trans_demo0001", Rupees(125050), Rupees(paise), null, "Order 42",
        DateTimeOffset.FromUnixTimeSeconds(1767225600));

    /// <summary>A captured transaction with this word about its refund, and the answer to a request for one.</summary>
    static ScriptedNetwork Transaction(string refundStatus, string answer, int status = 200) => new(sent => sent.Method == "POST"
        ? ScriptedNetwork.Answer(answer, status)
        : ScriptedNetwork.Answer(IppopayTests.Taken.Replace("not_requested", refundStatus, StringComparison.Ordinal)));

    static async Task<RefundAnswer> Refund(ScriptedNetwork network, RefundCall call)
    {
        using var lines = new GatewayLines(network, new ManualTime());
        return await Gateway.Refund(call, lines.Open(call.Account, Gateway.Profile), default);
    }

    static async Task<RefundAnswer> InquireRefund(ScriptedNetwork network, RefundCall call)
    {
        using var lines = new GatewayLines(network, new ManualTime());
        return await Gateway.InquireRefund(call, lines.Open(call.Account, Gateway.Profile), default);
    }
}
