using System.Text;
using Purser.Gateways.Tests.Line;
using Purser.Reconciliation;

namespace Purser.Gateways.Stripe.Tests;

/// <summary>What they settled, from the document's own rows and answers written by hand.</summary>
[Verifies(Part.Adapter, By.Document)]
public sealed class StripeSettlementTests
{
    static readonly StripeGateway Gateway = new();
    static readonly Currency Eur = Currency.Find("EUR");

    const string Payout = """{"id":"po_1","object":"payout","amount":1416,"currency":"eur","arrival_date":1750550400,"automatic":true,"status":"paid","reconciliation_status":"completed","balance_transaction":"txn_p","created":1750400000}""";
    const string Charge = """
        {"id":"txn_1","object":"balance_transaction","amount":1999,"currency":"eur","fee":83,
        "fee_details":[{"amount":70,"application":null,"currency":"eur","type":"stripe_fee"},{"amount":13,"currency":"eur","type":"tax"}],"net":1916,"created":1750000001,
        "available_on":1750550400,"exchange_rate":null,"reporting_category":"charge","status":"available","type":"charge","description":"Order 42",
        "source":{"id":"ch_1","object":"charge","payment_intent":"pi_1","metadata":{"payment":"0001jd8xk3m4np1"},"payment_method_details":{"type":"card","card":{"wallet":{"type":"apple_pay"}}}}}
        """;
    const string Refund = """
        {"id":"txn_2","amount":-500,"currency":"eur","fee":0,"fee_details":[],"net":-500,"created":1750000100,"reporting_category":"refund","type":"refund","description":"REFUND",
        "source":{"id":"re_1","object":"refund","payment_intent":"pi_1","metadata":{"payment":"0001jd8xk3m4np1","refund":"0001jd8xk3m4nr1"}}}
        """;
    const string PaidOut = """{"id":"txn_p","amount":-1416,"currency":"eur","fee":0,"net":-1416,"created":1750400000,"reporting_category":"payout","type":"payout","source":"po_1"}""";

    [Fact]
    public async Task The_rows_of_a_payout_add_up_to_it()
    {
        var network = Network([Payout], Rows(Charge, Refund, PaidOut));
        var done = (await Read(network)).ShouldBeOfType<SettlementAnswer.Done>();
        network.Sent.Select(s => s.Path).ShouldBe([
            "/v1/payouts?arrival_date%5Bgte%5D=1750550400&arrival_date%5Blt%5D=1750636800&limit=100",
            "/v1/balance_transactions?payout=po_1&limit=100&expand%5B%5D=data.source"]);
        done.Next.ShouldBeNull();
        // The payout's own row is the rest of them with its sign turned.
        done.Lines.Sum(l => l.Net.MinorUnits).ShouldBe(0);
        done.Lines[0].ShouldBe(new SettlementLine("txn_1", SettlementKind.Payment, new Money(1999, Eur), new Money(1916, Eur))
        {
            Payment = PaymentId.TryParseReference("0001jd8xk3m4np1", out var payment) ? payment : null,
            MoneyReference = "pi_1",
            Fee = new Money(70, Eur),
            Tax = new Money(13, Eur),
            Method = "apple_pay",
            HappenedAt = DateTimeOffset.FromUnixTimeSeconds(1750000001),
            SettledOn = new DateOnly(2025, 6, 22),
            PayoutReference = "po_1",
        });
        (done.Lines[1].Kind, done.Lines[1].Amount, done.Lines[1].Net.MinorUnits, done.Lines[1].Refund?.Reference, done.Lines[1].RefundReference, done.Lines[1].MoneyReference)
            .ShouldBe((SettlementKind.Refund, new Money(500, Eur), -500, "0001jd8xk3m4nr1", "re_1", "pi_1"));
        (done.Lines[2].Kind, done.Lines[2].Net.MinorUnits).ShouldBe((SettlementKind.Payout, -1416));
    }

    [Fact]
    public async Task Exchanged_money_is_in_the_currency_that_is_paid_out()
    {
        var row = Charge.Replace("\"exchange_rate\":null", "\"exchange_rate\":0.93");
        (await Lines(row)).Single().Amount.ShouldBe(new Money(1999, Eur));
    }

    [Theory]
    [InlineData("refund_failure", 500, SettlementKind.RefundReturned)]
    [InlineData("dispute", -1999, SettlementKind.Dispute)]
    [InlineData("charge_failure", -1999, SettlementKind.Dispute)]
    [InlineData("dispute_reversal", 1999, SettlementKind.DisputeReturned)]
    [InlineData("payout_reversal", 1416, SettlementKind.Payout)]
    [InlineData("fee", -5, SettlementKind.Adjustment)]
    [InlineData("a_new_category", 7, SettlementKind.Adjustment)]
    public async Task Every_category_has_its_kind_and_unknown_ones_moved_money_all_the_same(string category, long net, SettlementKind kind)
    {
        var line = (await Lines($$"""{"id":"txn_3","amount":{{net}},"currency":"eur","fee":0,"net":{{net}},"created":1,"reporting_category":"{{category}}","source":null}""")).Single();
        (line.Kind, line.Amount.MinorUnits, line.Net.MinorUnits).ShouldBe((kind, Math.Abs(net), net));
        if (kind == SettlementKind.Adjustment) line.Note.ShouldBe(category);
    }

    [Fact]
    public async Task A_disputes_fee_is_kept_apart()
    {
        var line = (await Lines("""{"id":"txn_3","amount":-1999,"currency":"eur","fee":1500,"net":-3499,"created":1,"reporting_category":"dispute","source":{"id":"dp_1","payment_intent":"pi_1"}}""")).Single();
        (line.Net.MinorUnits, line.Fee, line.MoneyReference).ShouldBe((-3499, new Money(1500, Eur), "pi_1"));
    }

    [Fact]
    public async Task Payouts_and_their_parts_are_pages()
    {
        var second = Payout.Replace("po_1", "po_2");
        var network = new ScriptedNetwork(sent => ScriptedNetwork.Answer(sent.Path switch
        {
            var p when p.StartsWith("/v1/payouts", StringComparison.Ordinal) => $$"""{"data":[{{second}},{{Payout}}],"has_more":false}""",
            var p when p.EndsWith("starting_after=txn_1", StringComparison.Ordinal) => Rows(Refund),
            _ => Rows(Charge).Replace("\"has_more\":false", More),
        }));
        var first = (await Read(network)).ShouldBeOfType<SettlementAnswer.Done>();
        first.Next.ShouldBe("po_1/txn_1");
        (await Read(network, first.Next)).ShouldBeOfType<SettlementAnswer.Done>().ShouldSatisfyAllConditions(d => d.Next.ShouldBe("po_2"), d => d.Lines.Single().RowKey.ShouldBe("txn_2"));
        (await Read(network, "po_2")).ShouldBeOfType<SettlementAnswer.Done>().Next.ShouldBe("po_2/txn_1");
        (await Read(network, "po_3")).ShouldBeOfType<SettlementAnswer.Unknown>();
    }

    const string More = "\"has_more\":true";

    [Fact]
    public async Task A_day_without_payouts_has_nothing() => (await Read(Network([], ""))).ShouldBeOfType<SettlementAnswer.Done>().Lines.ShouldBeEmpty();

    [Fact]
    public async Task A_payout_that_is_not_itemised_yet_is_not_read_in_part()
    {
        (await Read(Network([Payout.Replace("\"completed\"", "\"in_progress\"")], Rows()))).ShouldBeOfType<SettlementAnswer.Unknown>();
        (await Read(Network([Payout], """{"error":{"type":"invalid_request_error","code":"payout_reconciliation_not_ready","message":"later"}}""", 400)))
            .ShouldBe(new SettlementAnswer.Unknown("payout_reconciliation_not_ready: later"));
    }

    [Fact]
    public async Task A_manual_payout_says_only_itself()
    {
        var network = Network([Payout.Replace("\"automatic\":true", "\"automatic\":false").Replace("completed", "not_applicable")], "");
        var line = (await Read(network)).ShouldBeOfType<SettlementAnswer.Done>().Lines.Single();
        (line.RowKey, line.Kind, line.Net.MinorUnits, line.PayoutReference).ShouldBe(("txn_p", SettlementKind.Payout, -1416, "po_1"));
        network.Sent.Count.ShouldBe(1);
    }

    /// <summary>Money that never reached the bank is in the balance again, and not at the bank: its two rows are nothing together.</summary>
    [Theory]
    [InlineData("failed", "txn_p", "txn_back", "txn_p -1416, txn_back 1416", false)]
    [InlineData("canceled", "txn_p", "txn_back", "txn_p -1416, txn_back 1416", false)]
    [InlineData("failed", "txn_p", null, "", true)]
    [InlineData("canceled", null, null, "", false)]
    [InlineData("in_transit", "txn_p", null, "txn_p -1416", true)]
    [InlineData("paid", "txn_p", null, "txn_p -1416", false)]
    public async Task A_manual_payout_that_failed_is_no_money_at_the_bank(string status, string? wayOut, string? back, string rows, bool undecided)
    {
        static string Name(string? id) => id is null ? "null" : $"\"{id}\"";
        var payout = Payout.Replace("\"automatic\":true", "\"automatic\":false").Replace("\"paid\"", $"\"{status}\"").Replace("\"txn_p\"", $"{Name(wayOut)},\"failure_balance_transaction\":{Name(back)}");
        var done = (await Read(Network([payout], ""))).ShouldBeOfType<SettlementAnswer.Done>();
        (string.Join(", ", done.Lines.Select(l => $"{l.RowKey} {l.Net.MinorUnits}")), done.IsUndecided).ShouldBe((rows, undecided));
        done.Lines.ShouldAllBe(l => l.Kind == SettlementKind.Payout && l.PayoutReference == "po_1");
        // The bank may send it back within some days, and then the way back is a row of this day.
        done.MayChangeUntil.ShouldBe(status == "paid" ? new DateOnly(2025, 6, 29) : null);
    }

    [Theory]
    [InlineData("""{"id":"txn_1","amount":1,"currency":"eur","fee":0,"net":null,"reporting_category":"charge"}""")]
    [InlineData("""{"id":"txn_1","amount":1,"currency":"eur","fee":0,"net":1}""")]
    [InlineData("""{"id":"txn_1","amount":1,"currency":"isk","fee":0,"net":1,"reporting_category":"charge"}""")]
    [InlineData("null")]
    public async Task A_page_with_a_row_that_cannot_be_read_is_not_used(string row) => (await Read(Network([Payout], Rows(Charge, row)))).ShouldBeOfType<SettlementAnswer.Unknown>();

    [Fact]
    public async Task More_payouts_than_a_page_holds_are_not_read_in_part() =>
        (await Read(new ScriptedNetwork(_ => ScriptedNetwork.Answer($$"""{"data":[{{Payout}}],"has_more":true}""")))).ShouldBeOfType<SettlementAnswer.Unknown>();

    // Files. The API counts in the smallest unit, the files in major ones.

    const string Sample = """
        "automatic_payout_id","automatic_payout_effective_at_utc","balance_transaction_id","created_utc","available_on_utc","currency","gross","fee","net","reporting_category","source_id","description","charge_id","payment_intent_id","payment_metadata[payment]","refund_metadata[refund]"
        "po_sim_9","2025-06-20 00:00:00","txn_sim_1","2025-06-15 15:06:41","2025-06-20 00:00:00","eur","19.99","0.83","19.16","charge","ch_sim_1","Order 42","ch_sim_1","pi_sim_0001","0001jd8xk3m4np1",""
        "po_sim_9","2025-06-20 00:00:00","txn_sim_2","2025-06-15 16:00:10","2025-06-20 00:00:00","eur","25.00","0.69","24.31","charge","ch_sim_2","Order 43","ch_sim_2","pi_sim_0002","somebody",""
        "po_sim_9","2025-06-20 00:00:00","txn_sim_3","2025-06-16 09:12:00","2025-06-20 00:00:00","eur","-5.00","0.00","-5.00","refund","re_sim_1","REFUND FOR CHARGE (Order 42)","ch_sim_1","pi_sim_0001","0001jd8xk3m4np1","0001jd8xk3m4nr1"

        """;

    [Fact]
    public void The_documents_sample_adds_up_to_its_payout()
    {
        var lines = File(Sample).Select(r => r.Line!).ToList();
        lines.Sum(l => l.Net.MinorUnits).ShouldBe(3847);
        lines[0].ShouldBe(new SettlementLine("txn_sim_1", SettlementKind.Payment, new Money(1999, Eur), new Money(1916, Eur))
        {
            Payment = PaymentId.TryParseReference("0001jd8xk3m4np1", out var payment) ? payment : null,
            MoneyReference = "pi_sim_0001",
            Fee = new Money(83, Eur),
            HappenedAt = new DateTimeOffset(2025, 6, 15, 15, 6, 41, TimeSpan.Zero),
            SettledOn = new DateOnly(2025, 6, 20),
            PayoutReference = "po_sim_9",
        });
        (lines[1].Payment, lines[1].MoneyReference).ShouldBe((null, "pi_sim_0002"));
        (lines[2].Refund?.Reference, lines[2].RefundReference, lines[2].Amount.MinorUnits).ShouldBe(("0001jd8xk3m4nr1", "re_sim_1", 500));
    }

    [Fact]
    public void The_report_on_activity_is_read_by_its_names_in_any_order_with_columns_that_we_do_not_know()
    {
        var row = File("net,surprise,fee,gross,currency,reporting_category,balance_transaction_id,created\n500,x,0,500,jpy,charge,txn_1,2025-06-15 15:06:41\n").Single();
        (row.Fault, row.Line!.Amount, row.Line.PayoutReference, row.Line.HappenedAt).ShouldBe((null, new Money(500, Currency.Find("JPY")), null, null));
    }

    [Theory]
    [InlineData("19.999", "gross")]
    [InlineData("", "gross")]
    [InlineData("1e3", "gross")]
    public void An_amount_that_is_none_is_told_with_its_column(string gross, string column) =>
        File($"balance_transaction_id,currency,gross,fee,net,reporting_category\ntxn_1,eur,{gross},0,0,charge\n").Single().Fault!.ShouldStartWith(column);

    static List<SettlementReader.Row> File(string text) => [.. SettlementReader.Read(new MemoryStream(Encoding.UTF8.GetBytes(text)), Gateway.Sheet, StripeTests.Account())];

    static string Rows(params string[] rows) => $$"""{"object":"list","data":[{{string.Join(',', rows)}}],"has_more":false}""";

    static ScriptedNetwork Network(string[] payouts, string rows, int status = 200) => new(sent => sent.Path.StartsWith("/v1/payouts", StringComparison.Ordinal)
        ? ScriptedNetwork.Answer($$"""{"object":"list","data":[{{string.Join(',', payouts)}}],"has_more":false}""")
        : ScriptedNetwork.Answer(rows, status));

    static async Task<IReadOnlyList<SettlementLine>> Lines(params string[] rows) => (await Read(Network([Payout], Rows(rows)))).ShouldBeOfType<SettlementAnswer.Done>().Lines;

    static async Task<SettlementAnswer> Read(ScriptedNetwork network, string? page = null)
    {
        using var lines = new GatewayLines(network, new ManualTime());
        return await Gateway.ReadSettlement(new SettlementCall(StripeTests.Account(), new DateOnly(2025, 6, 22), page), lines.Open(StripeTests.Account(), Gateway.Profile), default);
    }
}
