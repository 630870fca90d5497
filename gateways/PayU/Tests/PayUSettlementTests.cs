using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Purser.Gateways.Tests.Line;
using Purser.Reconciliation;

namespace Purser.Gateways.PayU.Tests;

/// <summary>What they settled, over the call and from a report with the same columns: rows written by hand from the wire notes.</summary>
[Verifies(Part.Adapter, By.Document)]
public sealed class PayUSettlementTests
{
    static readonly PayUGateway Gateway = new();

    static readonly GatewayAccount Account = new("main", "payu", new Uri("https://info.payu.in"),
        ImmutableDictionary<string, string>.Empty.Add(PayUGateway.Key, "VECKEY").Add(PayUGateway.Salt, "VecSalt0123456789abcdefABCDEF012"));

    const string Header = "payuid,txnid,mode,requestid,requestdate,requestaction,requestamount,mer_utr,mer_service_fee,mer_service_tax,mer_net_amount,token,settlement_date";
    const string Captured = "403990000000000001,0001jd8xk3m4np1,UPI,130000000000,2026-01-01 10:02:20,capture,499.00,DEMON26002000001,9.9800,1.8000,487.2200,,2026-01-02";
    const string Returned = "403990000000000001,0001jd8xk3m4np1,UPI,130000000001,2026-01-05 18:00:00,refundreversal,100.00,DEMON26002000001,0.0000,0.0000,100.0000,0001jd8xk3m4nr2,2026-01-06";
    const string Adjusted = ",,,ADJ130000000009,2026-01-05 18:00:00,Adjustment_credit,,DEMON26002000001,,,5.0000,,2026-01-06";

    [Fact]
    public void A_row_of_the_report_is_read_in_paise_and_by_the_Indian_clock()
    {
        var line = Read(Captured).Line!;
        (line.Kind, line.RowKey, line.Amount.MinorUnits, line.Net.MinorUnits, line.Fee!.Value.MinorUnits, line.Tax!.Value.MinorUnits).ShouldBe(
            (SettlementKind.Payment, "capture:130000000000", 49900, 48722, 998, 180));
        (line.MoneyReference, line.HappenedAt, line.SettledOn, line.Refund, line.RefundReference).ShouldBe(
            ("403990000000000001", new DateTimeOffset(2026, 1, 1, 4, 32, 20, TimeSpan.Zero), new DateOnly(2026, 1, 2), null, null));
    }

    /// <summary>Of two refunds of one amount the row must find its own.</summary>
    [Theory]
    [InlineData("refund", SettlementKind.Refund, -10000)]
    [InlineData("refundreversal", SettlementKind.RefundReturned, 10000)]
    public void A_refund_and_one_that_came_back_are_named_by_our_token_and_their_request(string action, SettlementKind kind, long net)
    {
        var line = Read(Returned.Replace("refundreversal", action)).Line!;
        (line.Kind, line.Net.MinorUnits, line.Refund?.Reference, line.RefundReference).ShouldBe((kind, net, "0001jd8xk3m4nr2", "130000000001"));
    }

    [Theory]
    [InlineData("9.9849", 998)]
    [InlineData("9.98500", 999)]
    [InlineData("-9.9850", 999)]
    [InlineData("\"1,234.5678\"", 123457)]
    [InlineData("", 0)]
    public void Fees_beyond_paise_are_rounded(string fee, long paise) => Read(Captured.Replace("9.9800", fee)).Line!.Fee!.Value.MinorUnits.ShouldBe(paise);

    [Fact]
    public void A_comma_before_decimals_is_not_taken_for_one_between_thousands() => Read(Captured.Replace("499.00", "\"499,00\"")).Line!.Amount.MinorUnits.ShouldBe(49900);

    [Theory]
    [InlineData("499.00", "\"49,9.00\"", "requestamount")]
    [InlineData("499.00", "N/A", "requestamount")]
    [InlineData("499.00", "", "requestamount")]
    [InlineData("487.2200", "", "mer_net_amount")]
    [InlineData("9.9800", "N/A", "mer_service_fee")]
    [InlineData("1.8000", "1.234", "mer_service_tax")]
    [InlineData("2026-01-01 10:02:20", "01-Jan-26", "requestdate")]
    [InlineData(",2026-01-02", ",02-Jan-26", "settlement_date")]
    public void What_is_there_and_cannot_be_read_rejects_its_row_with_the_column(string there, string instead, string column)
    {
        var row = Read(Captured.Replace(there, instead));
        (row.Line, row.Column, row.Number).ShouldBe((null, column, 2));
    }

    [Fact]
    public void What_an_adjustment_leaves_out_is_nothing()
    {
        var line = Read(Adjusted).Line!;
        (line.Kind, line.Amount.MinorUnits, line.Net.MinorUnits, line.MoneyReference).ShouldBe((SettlementKind.Adjustment, 0, 500, null));
    }

    [Theory]
    [InlineData("auth")]
    [InlineData("cancel")]
    public async Task Money_that_was_set_aside_or_let_go_is_no_money_and_the_others_are_read(string action)
    {
        var aside = Captured.Replace("capture", action).Replace("130000000000", "130000000007").Replace("487.2200", "");
        foreach (var net in (string[])["", "0.0000"])
            (await Ask(aside.Replace("1.8000,,", $"1.8000,{net},"), Captured)).ShouldBeOfType<SettlementAnswer.Done>().Lines.ShouldHaveSingleItem().RowKey.ShouldBe("capture:130000000000");
        (Read(aside).Line, Read(aside).Fault).ShouldBe((null, null));
        // Money that moved under such a word is neither kept nor dropped in silence.
        Read(Captured.Replace("capture", action)).Column.ShouldBe("mer_net_amount");
    }

    [Theory]
    [InlineData("")]
    [InlineData("0000-00-00 00:00:00")]
    public void A_date_that_they_do_not_have_is_none(string none)
    {
        var line = Read(Captured.Replace("2026-01-01 10:02:20", none).Replace(",2026-01-02", "," + none)).Line!;
        (line.HappenedAt, line.SettledOn).ShouldBe((null, null));
    }

    [Fact]
    public async Task A_day_over_the_call_is_read_by_the_same_rules_and_not_used_when_a_row_cannot_be_read()
    {
        var lines = (await Ask(Captured, Returned)).ShouldBeOfType<SettlementAnswer.Done>().Lines;
        lines.Select(l => (l.Kind, l.Net.MinorUnits, l.SettledOn, l.Refund?.Reference)).ShouldBe([
            (SettlementKind.Payment, 48722, new DateOnly(2026, 1, 6), null), (SettlementKind.RefundReturned, 10000, new DateOnly(2026, 1, 6), "0001jd8xk3m4nr2")]);
        (await Ask(Captured, Returned.Replace("2026-01-05 18:00:00", "05-Jan-26"))).ShouldBeOfType<SettlementAnswer.Unknown>().Reason.ShouldContain("requestdate");
    }

    static SettlementReader.Row Read(string row) =>
        SettlementReader.Read(new MemoryStream(Encoding.UTF8.GetBytes($"{Header}\n{row}\n")), Gateway.Sheet, Account).Single();

    static async Task<SettlementAnswer> Ask(params string[] rows)
    {
        var details = rows.Select((row, n) => (Name: $"{n + 1}", Cells: Header.Split(',').Zip(row.Split(',')).ToDictionary(c => c.First, c => c.Second)));
        var network = new ScriptedNetwork(_ => ScriptedNetwork.Answer(JsonSerializer.Serialize(
            new Dictionary<string, object> { ["status"] = "1", ["msg"] = "settled", ["Txn_details"] = details.ToDictionary(d => d.Name, d => d.Cells) })));
        using var lines = new GatewayLines(network, new ManualTime());
        return await Gateway.ReadSettlement(new SettlementCall(Account, new DateOnly(2026, 1, 6), null), lines.Open(Account, Gateway.Profile), default);
    }
}
