using System.Text;
using Purser.Gateways.Tests.Line;
using Purser.Refunds;
using static Purser.Gateways.PhonePe.Tests.PhonePeTests;
using SettlementKind = Purser.Reconciliation.SettlementKind;

namespace Purser.Gateways.PhonePe.Tests;

/// <summary>Refunds and statements.</summary>
[Verifies(Part.Adapter, By.Document)]
public sealed class PhonePeAfterwardsTests
{
    const string OurRefund = "0001jd8xk3m4nr1";

    [Theory]
    [InlineData("CREATED", "Accepted")]
    [InlineData("PENDING", "Accepted")]
    [InlineData("CONFIRMED", "Accepted")]
    [InlineData("COMPLETED", "Succeeded")]
    [InlineData("FAILED", "Failed")]
    [InlineData("ON_HOLIDAY", "Accepted")]
    public async Task A_refund_is_asked_for_under_our_names_and_told_in_our_words(string state, string ours)
    {
        var network = Refunding(_ => ScriptedNetwork.Answer($$"""{"refundId":"OMR1","amount":10000,"state":"{{state}}"}"""));
        var fact = (await AskRefund(network)).ShouldBeOfType<RefundAnswer.Done>().Fact;
        (fact.GetType().Name, fact.RefundReference).ShouldBe((ours, "OMR1"));
        network.Sent[^1].Body.ShouldBe("""{"merchantRefundId":"0001jd8xk3m4nr1","originalMerchantOrderId":"0001jd8xk3m4np1","amount":10000}""");
        network.Sent[^1].Path.ShouldBe("/payments/v2/refund");
    }

    [Fact]
    public async Task An_internal_error_on_a_refund_may_still_have_begun_it() =>
        (await AskRefund(Refunding(_ => ScriptedNetwork.Answer("""{"code":"INTERNAL_SERVER_ERROR","message":"x"}""", 500)))).ShouldBeOfType<RefundAnswer.Unknown>();

    [Fact]
    public async Task A_second_refund_while_one_is_pending_is_refused_and_a_repeated_one_is_found()
    {
        var network = Refunding(s => s.Method == "POST" ? ScriptedNetwork.Answer("""{"code":"BAD_REQUEST","message":"EXCESS_REFUND_AMOUNT"}""", 400)
            : ScriptedNetwork.Answer("""{"code":"REFUND_NOT_FOUND"}""", 404));
        (await AskRefund(network)).ShouldBe(new RefundAnswer.Rejected("BAD_REQUEST: EXCESS_REFUND_AMOUNT"));
        network = Refunding(s => s.Method == "POST" ? ScriptedNetwork.Answer("""{"code":"BAD_REQUEST"}""", 400) : ScriptedNetwork.Answer(RefundStatus("PENDING")));
        (await AskRefund(network)).ShouldBeOfType<RefundAnswer.Done>().Fact.ShouldBeOfType<RefundEvidence.Accepted>();
    }

    [Fact]
    public async Task Money_that_the_order_does_not_have_is_not_refunded()
    {
        var network = Refunding(_ => throw new InvalidOperationException("Nothing is asked for."));
        (await AskRefund(network, "OM_other")).ShouldBeOfType<RefundAnswer.Rejected>();
    }

    [Fact]
    public async Task A_refund_tells_what_the_bank_finds_it_by_and_is_not_mistaken_for_another()
    {
        var done = await InquireRefund(RefundStatus("COMPLETED"));
        done.ShouldBe(new RefundAnswer.Done(new RefundEvidence.Succeeded(Rupees(10000), "607300000001") { RefundReference = "OMR1" }));
        foreach (var (from, to) in new[] { (OurRefund, "0001jd8xk3m4nr2"), (PhonePeTests.Ours, "0001jd8xk3m4np2"), ("\"amount\":10000,\"state\"", "\"amount\":10001,\"state\"") })
            (await InquireRefund(RefundStatus("COMPLETED").Replace(from, to, StringComparison.Ordinal))).ShouldBeOfType<RefundAnswer.Unknown>();
    }

    [Fact]
    public void A_statement_is_read_row_by_row()
    {
        var text = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "fixtures", "phonepe-settlement.csv")).Replace("ORD-1001_1", PhonePeTests.Ours, StringComparison.Ordinal);
        var lines = Rows(text).Select(r => r.Line.ShouldNotBeNull(r.Fault)).ToList();
        lines.Select(l => (l.RowKey, l.Kind, l.Amount.MinorUnits, l.Net.MinorUnits)).ShouldBe([
            ("payment:OM2603141016020000009", SettlementKind.Payment, 125050, 125050),
            ("payment:OM2603141101000000010", SettlementKind.Payment, 200000, 195752),
            ("refund:OMR2603150900000000001", SettlementKind.Refund, 10000, -10000),
            ("adjustment:S2:2026-03-15T23:00:00+05:30:-5.00", SettlementKind.Adjustment, 500, -500)]);
        (lines[0].Payment?.Reference, lines[0].MoneyReference, lines[0].PayoutReference, lines[0].SettledOn).ShouldBe((PhonePeTests.Ours, Paid, "UTR0001", new DateOnly(2026, 3, 15)));
        (lines[1].Payment, lines[1].Fee, lines[1].Tax).ShouldBe((null, Rupees(3600), Rupees(648)));
        (lines[2].Payment?.Reference, lines[2].MoneyReference, lines[2].RefundReference).ShouldBe((PhonePeTests.Ours, null, "OMR2603150900000000001"));
        lines[0].HappenedAt.ShouldBe(new DateTimeOffset(2026, 3, 14, 10, 16, 2, new TimeSpan(5, 30, 0)));
    }

    [Theory]
    [InlineData("PAYMENT", "TRANSFER", "row_type")]
    [InlineData("1957.52", "1957.525", "net")]
    [InlineData("2000.00", "2000.00x", "amount")]
    [InlineData("2026-03-15\n", "15/03/2026\n", "settlement_date")]
    public void A_row_that_cannot_be_read_is_a_fault_and_not_a_guess(string from, string to, string column)
    {
        var text = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "fixtures", "phonepe-settlement.csv"));
        Rows(text.Replace(from, to, StringComparison.Ordinal)).ShouldContain(r => r.Line == null && r.Fault!.StartsWith(column));
    }

    [Fact]
    public void An_account_says_its_version_as_a_number()
    {
        Gateway.Profile.RefusesAccount(Account()).ShouldBeNull();
        Gateway.Profile.RefusesAccount(Account() with { Settings = Account().Settings.SetItem("client_version", "v1") }).ShouldNotBeNull();
        Gateway.Profile.RefusesAmount(Rupees(99)).ShouldNotBeNull();
        Gateway.Profile.RefusesAmount(Rupees(100)).ShouldBeNull();
    }

    static List<SettlementReader.Row> Rows(string text) => [.. SettlementReader.Read(new MemoryStream(Encoding.UTF8.GetBytes(text)), Gateway.Sheet, Account())];

    static string RefundStatus(string state) =>
        $$$"""
        {"merchantId":"TESTMERCHANT","merchantRefundId":"0001jd8xk3m4nr1","originalMerchantOrderId":"0001jd8xk3m4np1","refundId":"OMR1","amount":10000,"state":"{{{state}}}",
        "paymentDetails":[{"transactionId":"OM2","amount":10000,"state":"{{{state}}}","splitInstruments":[{"amount":10000,"rail":{"type":"UPI","utr":"607300000001"}}]}]}
        """;

    /// <summary>Gives a token and a paid order.</summary>
    static ScriptedNetwork Refunding(Func<Sent, HttpResponseMessage> refunds) => Scripted(s =>
        s.Path == "/v1/oauth/token" ? ScriptedNetwork.Answer(Token)
        : s.Path.StartsWith("/checkout", StringComparison.Ordinal) ? ScriptedNetwork.Answer(Order("COMPLETED", Try("COMPLETED"))) : refunds(s));

    static RefundCall RefundOf(string money) => new(
        Account(), new RefundId(Payment.Order, 1), Payment, PhonePeTests.Theirs, money, Rupees(125050), Rupees(10000), null, "Order 42", Noon);

    internal static Task<RefundAnswer> AskRefund(ScriptedNetwork network, string money = Paid) =>
        Gateway.Refund(RefundOf(money), new GatewayLines(network, new ManualTime()).Open(Account(), Gateway.Profile), default);

    static Task<RefundAnswer> InquireRefund(string body) =>
        Gateway.InquireRefund(RefundOf(Paid), new GatewayLines(Answering(body), new ManualTime()).Open(Account(), Gateway.Profile), default);
}
