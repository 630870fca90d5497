using System.Text.Json.Nodes;
using Purser.Gateways.Tests.Outside;
using Purser.Refunds;

namespace Purser.Gateways.Stripe.Tests;

/// <summary>Refunds, the balance and reports of the simulator, spoken to by hand as the document says.</summary>
[Verifies(Part.Simulator, By.Document)]
public sealed class StripeSimulatorSettlementTests(World world) : IClassFixture<World>, IAsyncLifetime
{
    static readonly (string, string) Key = ("Authorization", "Bearer sk_test_sandbox");

    Gateway gateway = null!;

    public async Task InitializeAsync() => gateway = await world.Fresh("stripe", "whsec_one");

    public Task DisposeAsync()
    {
        gateway.Dispose();
        return Task.CompletedTask;
    }

    [Fact]
    public async Task A_refund_under_one_key_is_one_refund_and_is_listed_with_its_metadata()
    {
        var intent = await Paid("one");
        var (_, first) = await Post("/v1/refunds", "r1", ("payment_intent", intent), ("amount", "500"), ("metadata[refund_id]", "r1"));
        (await Post("/v1/refunds", "r1", ("payment_intent", intent), ("amount", "500"), ("metadata[refund_id]", "r1"))).Body["id"]!.ToString().ShouldBe(first["id"]!.ToString());
        (await Post("/v1/refunds", "r1", ("payment_intent", intent), ("amount", "600"))).Body["error"]!["type"]!.ToString().ShouldBe("idempotency_error");
        await Post("/v1/refunds", "r2", ("payment_intent", intent), ("amount", "300"));
        var list = await Get($"/v1/refunds?payment_intent={intent}");
        list["data"]!.AsArray().Count.ShouldBe(2);
        (await Get($"/v1/refunds?payment_intent={intent}&limit=1"))["has_more"]!.GetValue<bool>().ShouldBeTrue();
        (await Get($"/v1/refunds?payment_intent={intent}&starting_after={list["data"]![0]!["id"]}"))["data"]!.AsArray().Count.ShouldBe(1);
        (await Get($"/v1/refunds/{first["id"]}"))["metadata"]!["refund_id"]!.ToString().ShouldBe("r1");
        (await gateway.Send("GET", "/v1/refunds?payment_intent=pi_nobody", null, Key)).Status.ShouldBe(404);
        gateway.Inside.Book.Movements.Where(m => m.Kind == "refunded").Sum(m => m.Amount).ShouldBe(800);
    }

    [Fact]
    public async Task A_refund_can_take_its_time()
    {
        var intent = await Paid("slow");
        await Settings(new { refunds = "pending" });
        var (_, refund) = await Post("/v1/refunds", null, ("payment_intent", intent));
        (refund["status"]!.ToString(), refund["pending_reason"]!.ToString(), refund["balance_transaction"]).ShouldBe(("pending", "processing", null));
        (await world.Hear(1, Of("refund.updated")))[0].Json["data"]!["object"]!["status"]!.ToString().ShouldBe("succeeded");
        (await Get($"/v1/refunds/{refund["id"]}"))["status"]!.ToString().ShouldBe("succeeded");
    }

    [Fact]
    public async Task A_refund_that_had_succeeded_can_fail_and_its_money_is_the_merchants_again()
    {
        var intent = await Paid("fails");
        await Settings(new { refunds = "fails_later" });
        var (_, refund) = await Post("/v1/refunds", null, ("payment_intent", intent));
        refund["status"]!.ToString().ShouldBe("succeeded");
        var told = (await world.Hear(1, Of("refund.failed")))[0].Json["data"]!["object"]!;
        (told["status"]!.ToString(), told["failure_reason"]!.ToString()).ShouldBe(("failed", "expired_or_canceled_card"));
        told["failure_balance_transaction"]!.ToString().ShouldStartWith("txn_");
        (await Get($"/v1/charges/{refund["charge"]}"))["amount_refunded"]!.GetValue<long>().ShouldBe(0);
        gateway.Inside.Book.Movements.Where(m => m.Kind == "refunded").Sum(m => m.Amount).ShouldBe(0);
        var rows = (await Get($"/v1/balance_transactions?payout={await PayoutId()}"))["data"]!.AsArray();
        rows.Select(r => r!["reporting_category"]!.ToString()).ShouldBe(["payout", "refund_failure", "refund", "charge"]);
    }

    [Fact]
    public async Task A_refund_is_cancelled_while_the_shopper_has_to_act_and_not_afterwards()
    {
        var intent = await Paid("act");
        var (_, done) = await Post("/v1/refunds", null, ("payment_intent", intent), ("amount", "100"));
        (await Post($"/v1/refunds/{done["id"]}/cancel", null)).Status.ShouldBe(400);
        await Settings(new { refunds = "requires_action" });
        var (_, waiting) = await Post("/v1/refunds", null, ("payment_intent", intent));
        waiting["status"]!.ToString().ShouldBe("requires_action");
        (await Post($"/v1/refunds/{waiting["id"]}/cancel", null)).Body["status"]!.ToString().ShouldBe("canceled");
        gateway.Inside.Book.Movements.Where(m => m.Kind == "refunded").Sum(m => m.Amount).ShouldBe(100);
    }

    [Theory]
    [InlineData("kwd", "5000", "1001")]
    [InlineData("isk", "50000", "150")]
    public async Task Refunds_end_in_the_zeros_of_their_currency(string currency, string amount, string back)
    {
        var intent = await Paid("zeros", ("line_items[0][price_data][currency]", currency), ("line_items[0][price_data][unit_amount]", amount));
        (await Post("/v1/refunds", null, ("payment_intent", intent), ("amount", back))).Body["error"]!["code"]!.ToString().ShouldBe("parameter_invalid_integer");
    }

    [Fact]
    public async Task The_rows_of_a_payout_add_up_to_it_and_are_read_in_pages_with_their_sources()
    {
        var intent = await Paid("rows");
        await Post("/v1/refunds", null, ("payment_intent", intent), ("amount", "500"));
        var payout = (await Get("/v1/payouts"))["data"]!.AsArray().Single()!;
        var at = payout["arrival_date"]!.GetValue<long>();
        (at % 86_400, payout["automatic"]!.GetValue<bool>(), payout["reconciliation_status"]!.ToString()).ShouldBe((0, true, "completed"));
        (await Get($"/v1/payouts?arrival_date[gte]={at}&arrival_date[lt]={at + 86_400}"))["data"]!.AsArray().Count.ShouldBe(1);
        (await Get($"/v1/payouts?arrival_date[lt]={at}"))["data"]!.AsArray().ShouldBeEmpty();
        (await Get($"/v1/payouts/{payout["id"]}"))["amount"]!.GetValue<long>().ShouldBe(payout["amount"]!.GetValue<long>());
        var rows = (await Get($"/v1/balance_transactions?payout={payout["id"]}&expand[]=data.source"))["data"]!.AsArray();
        rows.Where(r => r!["type"]!.ToString() != "payout").Sum(r => r!["net"]!.GetValue<long>()).ShouldBe(payout["amount"]!.GetValue<long>());
        rows.ShouldAllBe(r => r!["net"]!.GetValue<long>() == r["amount"]!.GetValue<long>() - r["fee"]!.GetValue<long>());
        rows[^1]!["source"]!["metadata"]!["attempt_id"]!.ToString().ShouldBe("a1");
        var page = await Get($"/v1/balance_transactions?payout={payout["id"]}&limit=2");
        page["has_more"]!.GetValue<bool>().ShouldBeTrue();
        page["data"]![0]!["source"]!.ToString().ShouldBe(payout["id"]!.ToString());
        (await Get($"/v1/balance_transactions?payout={payout["id"]}&limit=2&starting_after={page["data"]![1]!["id"]}"))["data"]!.AsArray().Count.ShouldBe(1);
        (await Get($"/v1/balance_transactions/{payout["balance_transaction"]}"))["amount"]!.GetValue<long>().ShouldBe(-payout["amount"]!.GetValue<long>());
        (await Get("/v1/balance_transactions?type=refund"))["data"]!.AsArray().Count.ShouldBe(1);
    }

    [Theory]
    [InlineData("in_progress", "in_progress", "payout_reconciliation_not_ready")]
    [InlineData("manual", "not_applicable", null)]
    public async Task A_payout_that_is_not_itemised_says_so(string setting, string status, string? code)
    {
        await Paid("early");
        await Settings(new { payouts = setting });
        var payout = (await Get("/v1/payouts"))["data"]!.AsArray().Single()!;
        payout["reconciliation_status"]!.ToString().ShouldBe(status);
        var (refused, body, _) = await gateway.Send("GET", $"/v1/balance_transactions?payout={payout["id"]}", null, Key);
        refused.ShouldBe(400);
        body!["error"]!["code"]?.ToString().ShouldBe(code);
    }

    [Theory]
    [InlineData("balance_change_from_activity.itemized.3")]
    [InlineData("payout_reconciliation.itemized.5")]
    public async Task A_report_is_asked_for_made_after_a_while_and_fetched_with_the_key(string type)
    {
        var intent = await Paid("report");
        await Post("/v1/refunds", null, ("payment_intent", intent), ("amount", "500"));
        var (now, interval) = (gateway.Inside.NowSeconds, "parameters[interval_start]");
        (await Get($"/v1/reporting/report_types/{type}"))["default_columns"]!.AsArray().ShouldNotBeEmpty();
        (await Post("/v1/reporting/report_runs", null, ("report_type", type), (interval, "5"), ("parameters[interval_end]", "5"))).Status.ShouldBe(400);
        var (_, run) = await Post("/v1/reporting/report_runs", null, ("report_type", type), (interval, $"{now - 3600}"), ("parameters[interval_end]", $"{now + 3600}"));
        (run["status"]!.ToString(), run["result"]).ShouldBe(("pending", null));
        await world.Hear(1, Of("reporting.report_run.succeeded"));
        var made = await Get($"/v1/reporting/report_runs/{run["id"]}");
        using var request = new HttpRequestMessage(HttpMethod.Get, made["result"]!["url"]!.ToString());
        request.Headers.Add(Key.Item1, Key.Item2);
        using var answer = await gateway.Http.SendAsync(request);
        var rows = (await answer.Content.ReadAsStringAsync()).TrimEnd('\n').Split('\n');
        rows[0].ShouldContain("\"balance_transaction_id\",\"created_utc\"");
        rows[1].ShouldContain("\"eur\",\"19.99\",\"0.88\",\"19.11\",\"charge\"");
        rows[2].ShouldContain("\"eur\",\"-5.00\",\"0.00\",\"-5.00\",\"refund\"");
        rows.Length.ShouldBe(type.StartsWith("balance", StringComparison.Ordinal) ? 4 : 3);
    }

    [Fact]
    public async Task A_stored_failure_of_a_refund_that_was_made_is_seen_through_by_our_adapter()
    {
        var payment = new PaymentId(new OrderId(123456789), 1);
        var intent = await Paid(payment.Reference);
        await gateway.Fault(new { call = "refund", fault = "error_500_after", stored = true });
        var account = StripeTests.Account() with { BaseUrl = gateway.Http.BaseAddress! };
        account = account with { Settings = account.Settings.SetItem("secret_key", "sk_test_sandbox") };
        var ours = new StripeGateway();
        using var lines = new GatewayLines();
        var eur = Currency.Find("EUR");
        var call = new RefundCall(account, new RefundId(payment.Order, 1), payment, null, intent, new Money(1999, eur), new Money(500, eur), null, "Order 42", TimeProvider.System.GetUtcNow());
        (await ours.Refund(call, lines.Open(account, ours.Profile), default)).ShouldBeOfType<RefundAnswer.Unknown>();
        // Under its key the failure would come again for a day; the refund itself tells more.
        (await ours.Refund(call, lines.Open(account, ours.Profile), default)).ShouldBeOfType<RefundAnswer.Done>().Fact.ShouldBeOfType<RefundEvidence.Succeeded>();
        gateway.Inside.Book.Movements.Count(m => m.Kind == "refunded").ShouldBe(1);
    }

    static Func<Heard, bool> Of(string type) => n => n.Json["type"]!.ToString() == type;

    Task Settings(object settings) => world.Put("/control/stripe/settings", settings);

    async Task<string> PayoutId() => (await Get("/v1/payouts"))["data"]![0]!["id"]!.ToString();

    async Task<string> Paid(string reference, params (string Name, string Value)[] more)
    {
        var asked = new Dictionary<string, string>
        {
            ["mode"] = "payment",
            ["client_reference_id"] = reference,
            ["payment_intent_data[metadata][attempt_id]"] = "a1",
            ["line_items[0][quantity]"] = "1",
            ["line_items[0][price_data][currency]"] = "eur",
            ["line_items[0][price_data][unit_amount]"] = "1999",
            ["line_items[0][price_data][product_data][name]"] = "Order 42",
            ["success_url"] = "https://shop.example.test/back?session_id={CHECKOUT_SESSION_ID}",
        };
        foreach (var (name, value) in more) asked[name] = value;
        (await Post("/v1/checkout/sessions", null, [.. asked.Select(a => (a.Key, a.Value))])).Status.ShouldBe(200);
        return (await gateway.Shopper(reference, "paid")).Body["money_ids"]![0]!.ToString();
    }

    async Task<(int Status, JsonNode Body)> Post(string path, string? key, params (string Name, string Value)[] fields)
    {
        using var form = new FormUrlEncodedContent(fields.Select(f => KeyValuePair.Create(f.Name, f.Value)));
        (string, string)[] headers = key is null ? [Key] : [Key, ("Idempotency-Key", key)];
        var (status, body, _) = await gateway.Send("POST", path, form, headers);
        return (status, body!);
    }

    async Task<JsonNode> Get(string path) => (await gateway.Send("GET", path, null, Key)).Body!;
}
