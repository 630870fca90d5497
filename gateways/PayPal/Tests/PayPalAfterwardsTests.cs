using System.Collections.Immutable;
using System.Text;
using Purser.Gateways.Tests.Contract;
using Purser.Gateways.Tests.Line;
using Purser.Gateways.Tests.Outside;
using Purser.Orders;
using Purser.Reconciliation;
using Purser.Refunds;

namespace Purser.Gateways.PayPal.Tests;

/// <summary>What is settled, captures whose answers are lost, and the official client beside ours at one simulator.</summary>
public sealed class PayPalAfterwardsTests(World world) : IClassFixture<World>
{
    static readonly PayPalGateway Gateway = new();
    static readonly PaymentId Payment = PaymentId.TryParseReference("0001jd8xk3m4np1", out var id) ? id : throw new InvalidOperationException();
    static readonly Money Amount = new(1999, Currency.Find("EUR"));

    static readonly GatewayAccount Account = new("main", "paypal", new Uri("https://api.gateway.test"),
        ImmutableDictionary<string, string>.Empty.Add("client_id", "c").Add("client_secret", "secret").Add("webhook_id", "w"));

    const string Columns = """
        "CH","Transaction ID","Invoice ID","PayPal Reference ID","PayPal Reference ID Type","Transaction Event Code","Transaction Initiation Date","Transaction Completion Date","Transaction  Debit or Credit","Gross Transaction Amount","Gross Transaction Currency","Fee Debit or Credit","Fee Amount","Fee Currency","Custom Field","Consumer ID","Payment Tracking ID","Store ID","Bank Reference ID","Credit Transactional Fee","Credit Promotional Fee","Credit Term"
        """;

    const string Report = $"""
        "RH",2025/06/16 02:11:45 -0700,"A","SIMMERCHANT01",009,
        "FH",01
        "SH",2025/06/15 00:00:00 -0700,2025/06/15 23:59:59 -0700,"SIMMERCHANT01",""
        {Columns}
        "SB","8SIM0000CAPTURE01","0001jd8xk3m4np1","","","T0006",2025/06/15 08:06:38 -0700,2025/06/15 08:06:38 -0700,"CR",1999,"EUR","DR",84,"EUR","0001jd8xk3m4np1","SIMPAYER00001","","","",0,0,""
        "SB","8SIM0000CAPTURE02","INV-43-1","","","T0006",2025/06/15 09:30:00 -0700,2025/06/15 09:30:00 -0700,"CR",10000,"JPY","DR",4000,"JPY","att_7002","SIMPAYER00002","","","",0,0,""
        "SB","1SIM000000REFUND1","0001jd8xk3m4nr1","8SIM0000CAPTURE01","TXN","T1107",2025/06/15 11:00:00 -0700,2025/06/15 11:00:00 -0700,"DR",500,"EUR","","","","0001jd8xk3m4nr1","SIMPAYER00001","","","",0,0,""
        "SB","1SIM000000CHARGE1","","8SIM0000CAPTURE01","TXN","T1201",2025/06/15 12:00:00 -0700,2025/06/15 12:00:00 -0700,"DR",1499,"EUR","","","","","","","","",0,0,""
        "SB","1SIM000000PAYOUT1","","","","T0400",2025/06/15 13:00:00 -0700,2025/06/15 13:00:00 -0700,"DR",1000,"EUR","","","","","","","","",0,0,""
        "SB","1SIM000000UNKNOWN","","","","T9999",2025/06/15 20:00:00 -0700,2025/06/15 20:00:00 -0700,"CR",7,"EUR","","","","","","","","",0,0,""
        "SB","1SIM00000000BROKEN","","","","T0006",2025/06/15 15:00:00 -0700,2025/06/15 15:00:00 -0700,"CR","12.50","EUR","","","","","","","","",0,0,""
        "SF","EUR",1999,500,0,84,"CR",0,"CR",1415,"CR",0,"CR",1415,"CR",0,"CR",0,3
        "SC",7
        "RF","EUR",1999,500,0,84,"CR",0,"CR",1415,"CR",0,"CR",1415,"CR",0,"CR",0,3
        "RC",7
        "FF",7
        """;

    [Fact]
    public void The_settlement_report_is_read_by_its_columns_with_yen_times_a_hundred_and_unknown_codes_kept()
    {
        var rows = SettlementReader.Read(new MemoryStream(Encoding.UTF8.GetBytes("\ufeff" + Report)), Gateway.Sheet, Account).ToList();
        rows.Single(r => r.Fault is not null).Fault!.ShouldContain("Gross Transaction Amount");
        var lines = rows.Select(r => r.Line).OfType<SettlementLine>().ToList();
        lines.Select(l => (l.RowKey, l.Kind, $"{l.Amount}", $"{l.Net}")).ShouldBe([
            ("8SIM0000CAPTURE01", SettlementKind.Payment, "19.99 EUR", "19.15 EUR"),
            ("8SIM0000CAPTURE02", SettlementKind.Payment, "100 JPY", "60 JPY"),
            ("1SIM000000REFUND1", SettlementKind.Refund, "5.00 EUR", "-5.00 EUR"),
            ("1SIM000000CHARGE1", SettlementKind.Dispute, "14.99 EUR", "-14.99 EUR"),
            ("1SIM000000PAYOUT1", SettlementKind.Payout, "10.00 EUR", "-10.00 EUR"),
            ("1SIM000000UNKNOWN", SettlementKind.Adjustment, "0.07 EUR", "0.07 EUR"),
        ]);
        (lines[0].Payment, lines[0].Fee!.Value.MinorUnits, lines[0].HappenedAt, lines[0].SettledOn).ShouldBe(
            (Payment, 84L, new DateTimeOffset(2025, 6, 15, 15, 6, 38, TimeSpan.Zero), new DateOnly(2025, 6, 15)));
        lines[1].Payment.ShouldBeNull();
        (lines[2].Refund!.Value.Reference, lines[2].RefundReference, lines[2].MoneyReference).ShouldBe(("0001jd8xk3m4nr1", "1SIM000000REFUND1", "8SIM0000CAPTURE01"));
        // In the evening over there, and as the search tells it.
        (lines[3].MoneyReference, lines[5].Note, lines[5].SettledOn).ShouldBe(("8SIM0000CAPTURE01", "T9999", new DateOnly(2025, 6, 16)));
    }

    [Fact]
    public async Task The_search_has_signed_amounts_and_leaves_out_what_moved_nothing()
    {
        const string page = """
            {"transaction_details":[{"transaction_info":{"paypal_account_id":"SIMPAYER00001","transaction_id":"8SIM0000CAPTURE01","paypal_reference_id":"5SIM00000ORDER001",
            "paypal_reference_id_type":"ODR","transaction_event_code":"T0006","transaction_initiation_date":"2025-06-15T15:06:38+0000","transaction_updated_date":"2025-06-15T15:06:38+0000",
            "transaction_amount":{"currency_code":"EUR","value":"19.99"},"fee_amount":{"currency_code":"EUR","value":"-0.84"},"transaction_status":"S","custom_field":"0001jd8xk3m4np1"}},
            {"transaction_info":{"transaction_id":"1SIM000000REFUND1","paypal_reference_id":"8SIM0000CAPTURE01","paypal_reference_id_type":"TXN","transaction_event_code":"T1107",
            "transaction_initiation_date":"2025-06-15T18:00:00+0000","transaction_amount":{"currency_code":"EUR","value":"-5.00"},"transaction_status":"S","custom_field":"0001jd8xk3m4nr1"}},
            {"transaction_info":{"transaction_id":"8SIM0000CAPTURE03","transaction_event_code":"T0006","transaction_amount":{"currency_code":"EUR","value":"9.00"},"transaction_status":"D"}}],
            "account_number":"SIMMERCHANT01","page":1,"total_items":3,"total_pages":2,"links":[]}
            """;
        var network = new ScriptedNetwork(sent => ScriptedNetwork.Answer(sent.Path == "/v1/oauth2/token" ? """{"access_token":"a","token_type":"Bearer","expires_in":60}""" : page));
        var done = (await Gateway.ReadSettlement(new SettlementCall(Account, new DateOnly(2025, 6, 15), null), new GatewayLines(network, new ManualTime()).Open(Account, Gateway.Profile), default))
            .ShouldBeOfType<SettlementAnswer.Done>();
        network.Sent[^1].Path.ShouldBe("/v1/reporting/transactions?start_date=2025-06-15T00:00:00Z&end_date=2025-06-15T23:59:59Z&fields=transaction_info&page_size=500&page=1");
        done.Next.ShouldBe("2");
        done.Lines.Select(l => (l.Kind, $"{l.Amount}", $"{l.Net}", l.MoneyReference)).ShouldBe([
            (SettlementKind.Payment, "19.99 EUR", "19.15 EUR", "8SIM0000CAPTURE01"), (SettlementKind.Refund, "5.00 EUR", "-5.00 EUR", "8SIM0000CAPTURE01")]);
        done.Lines[0].HappenedAt.ShouldBe(new DateTimeOffset(2025, 6, 15, 15, 6, 38, TimeSpan.Zero));
    }

    [Theory]
    [InlineData("P", 0, true)]
    [InlineData("S", 1, false)]
    [InlineData("D", 0, false)]
    public async Task A_page_with_a_pending_transaction_is_undecided_until_it_clears_or_is_denied(string status, int lines, bool undecided)
    {
        var network = new ScriptedNetwork(sent => ScriptedNetwork.Answer(sent.Path == "/v1/oauth2/token" ? """{"access_token":"a","token_type":"Bearer","expires_in":60}"""
            : $$$"""
            {"transaction_details":[{"transaction_info":{"transaction_id":"8SIM0000CAPTURE01","transaction_event_code":"T0006","transaction_initiation_date":"2025-06-15T15:06:38+0000",
            "transaction_amount":{"currency_code":"EUR","value":"19.99"},"transaction_status":"{{{status}}}"}}],"page":1,"total_pages":1}
            """));
        var answer = await Gateway.ReadSettlement(new SettlementCall(Account, new DateOnly(2025, 6, 15), null), new GatewayLines(network, new ManualTime()).Open(Account, Gateway.Profile), default);
        var done = answer.ShouldBeOfType<SettlementAnswer.Done>();
        (done.Lines.Count, done.IsUndecided).ShouldBe((lines, undecided));
    }

    [Theory]
    [InlineData("\"2025-06-15T15:06:38+0000\"", true)]
    [InlineData("null", true)]
    [InlineData("\"15-Jun-25\"", false)]
    public async Task A_page_with_a_time_that_cannot_be_read_is_not_used(string time, bool read)
    {
        var network = new ScriptedNetwork(sent => ScriptedNetwork.Answer(sent.Path == "/v1/oauth2/token" ? """{"access_token":"a","token_type":"Bearer","expires_in":60}"""
            : $$$"""
            {"transaction_details":[{"transaction_info":{"transaction_id":"8SIM0000CAPTURE01","transaction_event_code":"T0006","transaction_initiation_date":{{{time}}},
            "transaction_amount":{"currency_code":"EUR","value":"19.99"},"transaction_status":"S"}}],"page":1,"total_pages":1}
            """));
        var answer = await Gateway.ReadSettlement(new SettlementCall(Account, new DateOnly(2025, 6, 15), null), new GatewayLines(network, new ManualTime()).Open(Account, Gateway.Profile), default);
        (answer is SettlementAnswer.Done).ShouldBe(read);
    }

    [Theory]
    [InlineData("timeout_before", 0)]
    [InlineData("timeout_after", 1)]
    [InlineData("error_500", 0)]
    [InlineData("error_500_after", 1)]
    [InlineData("malformed", 1)]
    [InlineData("empty", 1)]
    [InlineData("refuse", 0)]
    public async Task A_capture_whose_answer_was_lost_takes_the_money_once(string fault, int moved)
    {
        await using var sandbox = await SandboxWorld.Start("paypal");
        // Only who meets silence is to give up soon.
        using var lines = new GatewayLines(limits: fault.StartsWith("timeout", StringComparison.Ordinal) ? new GatewayLimits { WholeCall = TimeSpan.FromSeconds(5) } : new GatewayLimits());
        var (link, name) = await Opened(sandbox, lines);
        await sandbox.Act(Payment, "paid");
        (await sandbox.Book(Payment)).ShouldBeEmpty();
        // Besides the token, which is remembered by now, the capture is the one call that has no name of its own.
        await sandbox.Fault("other", fault);
        (await Inquire(lines, link, name)).ShouldBeOfType<GatewayAnswer.Unknown>();
        (await sandbox.Book(Payment)).Count.ShouldBe(moved);
        var paid = (await Inquire(lines, link, name)).ShouldBeOfType<GatewayAnswer.Done>().Facts.ShouldHaveSingleItem().ShouldBeOfType<Evidence.Succeeded>();
        (await sandbox.Book(Payment)).ShouldHaveSingleItem().MoneyId.ShouldBe(paid.MoneyReference);
    }

    [Fact]
    public async Task Of_many_that_ask_at_once_after_an_approval_one_takes_the_money()
    {
        await using var sandbox = await SandboxWorld.Start("paypal");
        using var lines = new GatewayLines();
        var (link, name) = await Opened(sandbox, lines);
        await sandbox.Act(Payment, "paid");
        var answers = await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => Inquire(lines, link, name)));
        answers.ShouldAllBe(a => a is GatewayAnswer.Done || a is GatewayAnswer.Unknown);
        answers.OfType<GatewayAnswer.Done>().SelectMany(a => a.Facts).OfType<Evidence.Succeeded>().Select(s => s.MoneyReference).Distinct().ShouldHaveSingleItem();
        (await sandbox.Book(Payment)).Count.ShouldBe(1);
    }

    [Fact]
    public async Task What_was_approved_is_left_alone_when_the_order_does_not_want_it_any_more()
    {
        await using var sandbox = await SandboxWorld.Start("paypal");
        using var lines = new GatewayLines();
        var (link, name) = await Opened(sandbox, lines);
        await sandbox.Act(Payment, "paid");
        var answer = await Gateway.Inquire(new InquireCall(link.Account, Payment, name, Amount, link.StartedAt), lines.Open(link.Account, Gateway.Profile), default);
        answer.ShouldBeOfType<GatewayAnswer.Done>().Facts.ShouldHaveSingleItem().ShouldBeOfType<Evidence.LinkOpened>();
        (await sandbox.Book(Payment)).ShouldBeEmpty();
    }

    [Verifies(Part.Simulator, By.OfficialCode, "@paypal/paypal-server-sdk")]
    [Fact]
    public async Task The_official_client_and_ours_understand_each_others_orders()
    {
        using var gateway = await world.Fresh("paypal");
        using var lines = new GatewayLines();
        var credentials = gateway.Inside.Dialect.Credentials;
        var account = Account with { TestMode = true, BaseUrl = gateway.Inside.Address, Settings = credentials.ToImmutableDictionary() };
        var link = Link(account);
        var name = (await Gateway.OpenLink(link, lines.Open(account, Gateway.Profile), default)).ShouldBeOfType<GatewayAnswer.Done>().Facts.ShouldHaveSingleItem().GatewayReference!;
        await gateway.Shopper(Payment.Reference, "paid");
        var money = (await Inquire(lines, link, name)).ShouldBeOfType<GatewayAnswer.Done>().Facts.ShouldHaveSingleItem().ShouldBeOfType<Evidence.Succeeded>();
        (await Gateway.Refund(
            new RefundCall(account, new RefundId(Payment.Order, 1), Payment, name, money.MoneyReference, Amount, new Money(500, Amount.Currency), null, "Order 42", link.StartedAt),
            lines.Open(account, Gateway.Profile), default)).ShouldBeOfType<RefundAnswer.Done>().Fact.ShouldBeOfType<RefundEvidence.Succeeded>();

        var seen = await OfficialClients.Run("paypal.mjs", new
        {
            url = gateway.Http.BaseAddress!.ToString().TrimEnd('/'),
            control = world.Sandbox.ControlUrl.ToString().TrimEnd('/'),
            client_id = credentials["client_id"],
            client_secret = credentials["client_secret"],
            order = name,
        });
        var expected = new Dictionary<string, string>
        {
            ["created"] = "PAYER_ACTION_REQUIRED",
            ["link"] = "true",
            ["repeated"] = "true",
            ["early"] = "ORDER_NOT_APPROVED",
            ["approved"] = "APPROVED",
            ["return_url"] = "true",
            ["captured"] = "COMPLETED",
            ["amount"] = "19.99",
            ["again"] = "true",
            ["other"] = "ORDER_ALREADY_CAPTURED",
            ["refund"] = "COMPLETED",
            ["refund_read"] = "5.00",
            ["stranger"] = "true",
        };
        foreach (var (what, value) in expected) seen[what]!.ToString().ShouldBe(value, what);
        seen["found"]!.AsArray().Select(f => f!.ToString()).ShouldBe(["T0006", "T0006", "T1107", "T1107"]);
        seen["hosts"]!.AsArray().ShouldHaveSingleItem()!.ToString().ShouldBe("api-m.sandbox.paypal.com");
        seen["ours"]!.ToJsonString().ShouldBe("""{"status":"COMPLETED","custom_id":"0001jd8xk3m4np1","capture":"PARTIALLY_REFUNDED","refund":"0001jd8xk3m4nr1"}""");
    }

    static LinkCall Link(GatewayAccount account)
    {
        var now = TimeProvider.System.GetUtcNow();
        return new(account, Payment, Amount, "Order 42", new Customer(null, null, null), null, "https://pay.test/r?token=a.b", now.AddHours(1), now);
    }

    static async Task<(LinkCall Link, string Name)> Opened(SandboxWorld sandbox, GatewayLines lines)
    {
        var link = Link(sandbox.Account);
        var opened = (await Gateway.OpenLink(link, lines.Open(link.Account, Gateway.Profile), default)).ShouldBeOfType<GatewayAnswer.Done>().Facts.ShouldHaveSingleItem();
        return (link, opened.GatewayReference!);
    }

    static Task<GatewayAnswer> Inquire(GatewayLines lines, LinkCall link, string name) => Gateway.Inquire(
        new InquireCall(link.Account, Payment, name, Amount, link.StartedAt, MayComplete: true), lines.Open(link.Account, Gateway.Profile), default);
}
