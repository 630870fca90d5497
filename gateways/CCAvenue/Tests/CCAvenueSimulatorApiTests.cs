using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Purser.Gateways.Tests.Outside;
using static Purser.Gateways.CCAvenue.Tests.CCAvenueSimulatorSession;

namespace Purser.Gateways.CCAvenue.Tests;

/// <summary>The simulator's server API keeps to the documents: its envelope, its versions, its refunds, its invoices and its payouts.</summary>
[Verifies(Part.Simulator, By.Document)]
public sealed class CCAvenueSimulatorApiTests(World world) : IClassFixture<World>, IAsyncLifetime
{
    CCAvenueSimulatorSession session = null!;

    public async Task InitializeAsync() => session = new(world, await world.Fresh("ccavenue", Key));

    public Task DisposeAsync()
    {
        session.Gateway.Dispose();
        return Task.CompletedTask;
    }

    [Theory]
    [InlineData("request_type", null, "51401")]
    [InlineData("command", null, "51402")]
    [InlineData("access_code", null, "51403")]
    [InlineData("enc_request", null, "51408")]
    [InlineData("request_type", "TEXT", "51404")]
    [InlineData("response_type", "TEXT", "51405")]
    [InlineData("access_code", "AVXX00XX00XX00XXXX", "51407")]
    [InlineData("command", "payEverybody", "51410")]
    [InlineData("version", "9.9", "51421")]
    [InlineData("version", null, "51421")]
    [InlineData("enc_request", "zz", "-1")]
    public async Task What_is_wrong_around_a_question_is_said_in_plain_text(string field, string? value, string code)
    {
        var fields = session.Envelope("orderStatusTracker", """{"order_no":"ORD-1"}""", "1.2");
        if (value is null) fields.Remove(field);
        else fields[field] = value;
        var body = await session.Raw(fields);
        body.ShouldStartWith("status=1&enc_response=");
        body.ShouldEndWith("&enc_error_code=" + code);
    }

    [Fact]
    public async Task A_question_that_is_no_json_or_under_another_key_is_not_read()
    {
        (await session.Raw(session.Envelope("orderStatusTracker", "order_no=1", "1.2"))).ShouldEndWith("&enc_error_code=51411");
        var stranger = session.Envelope("orderStatusTracker", "{}", "1.2");
        stranger["enc_request"] = Encrypt("{}", "AAAA2D3C4B5A69788796A5B4C3D2E1F0");
        (await session.Raw(stranger)).ShouldEndWith("&enc_error_code=-1");
        await session.Set(new { api_access_code = "AVAPI", api_working_key = "AAAA2D3C4B5A69788796A5B4C3D2E1F0" });
        (await session.Raw(session.Envelope("orderStatusTracker", "{}", "1.2"))).ShouldEndWith("&enc_error_code=51407");
        stranger["access_code"] = "AVAPI";
        (await session.Raw(stranger)).ShouldStartWith("status=0&enc_response=");
    }

    [Fact]
    public async Task An_answer_ends_with_a_line_and_can_have_more_behind_it()
    {
        (await session.Raw(session.Envelope("orderStatusTracker", "{}", "1.2"))).ShouldMatch("^status=0&enc_response=[0-9a-f]+\r\n$");
        await session.Set(new { tail = "code" });
        (await session.Raw(session.Envelope("orderStatusTracker", "{}", "1.2"))).ShouldMatch("^status=0&enc_response=[0-9a-f]+\r\n&enc_error_code=$");
    }

    [Theory]
    [InlineData("{}", "51001")]
    [InlineData("""{"reference_no":"ORD-1"}""", "51002")]
    [InlineData("""{"order_no":"a b"}""", "51018")]
    [InlineData("""{"reference_no":"312999999999"}""", "51419")]
    public async Task An_order_that_is_not_found_has_a_code(string asked, string code)
    {
        var told = await session.Ask("orderStatusTracker", JsonNode.Parse(asked)!);
        (told["status"]!.GetValue<int>(), told["error_code"]!.ToString()).ShouldBe((1, code));
    }

    [Fact]
    public async Task Old_versions_wrap_an_answer_and_types_and_lists_may_change()
    {
        var number = await Paid("ORD-1");
        (await session.Ask("orderStatusTracker", new { reference_no = number }, "1.1"))["Order_Status_Tracker_Result"]!["order_status"]!.ToString().ShouldBe("Shipped");
        (await session.Ask("refundOrder", new { reference_no = number }, "1.1"))["Refund_Order_Result"]!["refund_status"]!.GetValue<int>().ShouldBe(1);
        (await session.Ask("orderStatusTracker", new { reference_no = number, order_no = "ORD-2" }))["error_code"]!.ToString().ShouldBe("51419");
        await session.Set(new { types = "text", lists = "collapse" });
        (await session.Ask("orderStatusTracker", new { reference_no = number }))["order_amt"]!.GetValue<string>().ShouldBe("1250.50");
        (await session.Ask("orderLookup", new { from_date = "01-01-2020", order_no = "ORD-1" }))["order_Status_List"]!["order_no"]!.ToString().ShouldBe("ORD-1");
        await session.Set(new { api = "busy" });
        (await session.Ask("orderStatusTracker", new { reference_no = number }))["error_code"]!.ToString().ShouldBe("51420");
    }

    [Fact]
    public async Task Orders_are_looked_up_by_days_and_by_what_they_are()
    {
        for (var i = 1; i <= 3; i++) await Paid($"ORD-{i}", $"{i}00.00");
        await session.Post(Form("ORD-4"));
        var today = Today();
        (await LookUp(new { from_date = today, to_date = today })).ShouldBe((4, 1));
        (await LookUp(new { from_date = today, to_date = today, no_of_records = 3 })).ShouldBe((4, 2));
        (await LookUp(new { from_date = today, order_status = "Shipped", order_min_amount = "150.00", order_max_amount = "250.00" })).ShouldBe((1, 1));
        var second = await session.Ask("orderLookup", new { from_date = today, no_of_records = 3, page_number = 2 });
        second["order_Status_List"]!.AsArray().ShouldHaveSingleItem()!["order_no"]!.ToString().ShouldBe("ORD-4");
        (await session.Ask("orderLookup", new { from_date = "01-01-2020", to_date = "02-01-2020" }))["error_code"]!.ToString().ShouldBe("51419");
        (await session.Ask("orderLookup", new { from_date = "2020-01-01" }))["error_code"]!.ToString().ShouldBe("51007");
        (await session.Ask("orderLookup", new { order_no = "ORD-1" }))["error_code"]!.ToString().ShouldBe("51006");

        async Task<(int, int)> LookUp(object asked)
        {
            var told = await session.Ask("orderLookup", asked);
            return (told["total_records"]!.GetValue<int>(), told["page_count"]!.GetValue<int>());
        }
    }

    [Fact]
    public async Task What_waits_for_the_merchant_is_confirmed_once_or_let_go()
    {
        await session.Set(new { confirm = "manual" });
        var (first, second) = (await Paid("ORD-1"), await Paid("ORD-2"));
        (await session.Track("ORD-1"))["order_status"]!.ToString().ShouldBe("Successful");
        (await session.Gateway.Book()).Count.ShouldBe(0);
        (await Refund(first, "100.00", "RF1"))["error_code"]!.ToString().ShouldBe("51310");
        await Change("confirmOrder", first, "1250.51", "51302");
        await Change("confirmOrder", first, "1000.00", null);
        await Change("confirmOrder", first, "250.50", "51301");
        await Change("cancelOrder", first, "1000.00", "51304");
        await Change("cancelOrder", second, "1250.50", null);
        await Change("cancelOrder", "312999999999", "1250.50", "51419");
        (await session.Track("ORD-1"))["order_capt_amt"]!.GetValue<decimal>().ShouldBe(1000m);
        (await session.Track("ORD-2"))["order_status"]!.ToString().ShouldBe("Cancelled");
        (await session.Gateway.Book()).ShouldHaveSingleItem()!["amount"]!.GetValue<long>().ShouldBe(100_000);

        async Task Change(string command, string number, string amount, string? code)
        {
            var told = await session.Ask(command, new { order_List = new[] { new { reference_no = number, amount } } });
            told["success_count"]!.GetValue<int>().ShouldBe(code is null ? 1 : 0);
            told["failed_List"]!.AsArray().Select(f => f!["error_code"]!.ToString()).ShouldBe(code is null ? [] : [code]);
        }
    }

    [Fact]
    public async Task A_refund_is_taken_once_and_done_later()
    {
        var number = await Paid("ORD-1");
        (await Details(number))["refund_list"]!.AsArray().ShouldBeEmpty();
        var taken = await Refund(number, "100.00", "RF1001A");
        (taken["refund_status"]!.GetValue<int>(), taken["reason"]!.ToString(), taken["error_code"]!.ToString()).ShouldBe((0, "", ""));
        (await Refund(number, "100.00", "RF1001A"))["error_code"]!.ToString().ShouldBe("51309");
        (await session.Track("ORD-1"))["order_status"]!.ToString().ShouldBe("Refunded");
        var one = await Ended(number);
        (one["refund_status"]!.ToString(), one["refund_mer_ref_no"]!.ToString(), one["refund_amt"]!.GetValue<decimal>()).ShouldBe(("TS-REFC", "RF1001A", 100m));
        one["refund_issue_date"]!.ToString().ShouldBe(Today());
        (await Refund(number, "1150.51", "RF1001B"))["error_code"]!.ToString().ShouldBe("51314");
        (await Refund(number, "1150.50", "RF1001B"))["refund_status"]!.GetValue<int>().ShouldBe(0);
        (await Refund(number, "0.01", "RF1001C"))["error_code"]!.ToString().ShouldBe("51314");
        await World.Until(() => session.Gateway.Inside.Book.Movements.Count == 3);
        (await session.Gateway.Book()).Skip(1).Select(m => $"{m!["kind"]} {m["amount"]} {m["money_id"]}").ShouldBe([$"refunded 10000 {number}", $"refunded 115050 {number}"]);
    }

    [Theory]
    [InlineData("", "1.00", "RF1", "51001")]
    [InlineData("ORD-1", "1.00", "RF1", "51002")]
    [InlineData("312999999999", "1.00", "RF1", "51313")]
    [InlineData("paid", "", "RF1", "51014")]
    [InlineData("paid", "1.005", "RF1", "51015")]
    [InlineData("paid", "1.00", "", "51085")]
    [InlineData("paid", "1.00", "1234567890123456789012345678901", "51086")]
    [InlineData("paid", "1.00", "RF-1", "51087")]
    [InlineData("unpaid", "1.00", "RF1", "51312")]
    public async Task A_refund_that_cannot_be_is_refused_with_a_code(string number, string amount, string reference, string code)
    {
        if (number == "paid") number = await Paid("ORD-1");
        if (number == "unpaid")
        {
            await session.Post(Form("ORD-1"));
            number = (await session.Track("ORD-1"))["reference_no"]!.ToJsonString();
        }

        var told = await Refund(number, amount, reference);
        (told["refund_status"]!.GetValue<int>(), told["error_code"]!.ToString()).ShouldBe((1, code));
        told["reason"]!.ToString().ShouldNotBeEmpty();
    }

    [Theory]
    [InlineData("TS-REFF")]
    [InlineData("TS-REFD")]
    public async Task A_refund_that_fails_leaves_the_money_where_it_was(string status)
    {
        var number = await Paid("ORD-1");
        await session.Set(new { refund = status, refunds = "once" });
        await Refund(number, "1250.50", "RF1");
        (await Ended(number))["refund_status"]!.ToString().ShouldBe(status);
        (await session.Track("ORD-1"))["order_status"]!.ToString().ShouldBe("Shipped");
        await session.Set(new { refunds = "once" });
        (await Refund(number, "250.50", "RF2"))["refund_status"]!.GetValue<int>().ShouldBe(0);
        (await Refund(number, "250.50", "RF3"))["error_code"]!.ToString().ShouldBe("51311");
    }

    [Fact]
    public async Task Refunds_that_nobody_asked_for_are_an_empty_list_or_an_error()
    {
        var number = await Paid("ORD-1");
        await session.Set(new { no_refunds = "error" });
        (await Details(number))["error_code"]!.ToString().ShouldBe("51419");
        (await Details("312999999999"))["error_code"]!.ToString().ShouldBe("51419");
    }

    [Fact]
    public async Task Of_many_refunds_with_one_number_at_once_one_is_taken()
    {
        var numbers = new[] { await Paid("ORD-1"), await Paid("ORD-2") };
        var told = await Task.WhenAll(Enumerable.Range(0, 32).Select(i => Refund(numbers[i % 2], "10.00", "RFSAME")));
        told.Count(t => t["refund_status"]!.GetValue<int>() == 0).ShouldBe(1);
        told.Count(t => t["error_code"]!.ToString() == "51309").ShouldBe(31);
    }

    [Fact]
    public async Task Payouts_lead_to_their_rows_and_rows_to_their_payout()
    {
        var number = await Paid("ORD-1");
        await Paid("ORD-2", "40.00");
        await Refund(number, "100.00", "RF1");
        await Ended(number);
        var summary = (await session.Ask("payoutSummary", new { settlement_date = Today() }))["Payout_Summary_Result"]!;
        var payout = summary["pauyout_summary_list"]!["pauyout_summary_details"]!.AsArray().ShouldHaveSingleItem()!;
        payout["pay_amount"]!.GetValue<decimal>().ShouldBe(1220.99m + 39.06m - 100m);
        var id = payout["pay_Id"]!.ToJsonString();
        var rows = (await session.Ask("payIdDetails", new { pay_id = id, page_number = 1, no_of_records = 2 }, "1.4"))["pay_id_details_Result"]!;
        (rows["page_count"]!.GetValue<int>(), rows["total_records"]!.GetValue<int>()).ShouldBe((2, 3));
        var first = rows["pay_id_txn_details_list"]!["pay_id_txn_details"]!.AsArray()[0]!;
        string Said(string name) => first[name]!.ToString();
        (Said("txn_type"), Said("order_no"), Said("ccavenue_ref_no"), Said("amount"), Said("fees"), Said("tax"), Said("amt_payable"))
            .ShouldBe(("Shipped", "ORD-1", number, "1250.50", "25.01", "4.50", "1220.99"));
        await session.Set(new { refund_sign = "minus", lists = "collapse", spelling = "right" });
        var last = (await session.Ask("payIdDetails", new { pay_id = id, page_number = 2, no_of_records = 2 }, "1.4"))["pay_id_details_Result"]!["pay_id_txn_details_list"]!["pay_id_txn_details"]!;
        (last["txn_type"]!.ToString(), last["amount"]!.GetValue<decimal>()).ShouldBe(("Refunded", -100m));
        (await session.Ask("payoutSummary", new { settlement_date = Today() }))["Payout_Summary_Result"]!["payout_summary_list"]!["payout_summary_details"]!["utr_no"]!.ToString().ShouldNotBeEmpty();
        (await session.Ask("getSettlementDetails", new { reference_no = number }))["Settlement_Details_Result"]!["settlement_details_list"]!["settlement_details"]!["pay_Id"]!.ToJsonString().ShouldBe(id);
    }

    [Theory]
    [InlineData("payoutSummary", """{}""", "1.1", "Payout_Summary_Result", "52014")]
    [InlineData("payoutSummary", """{"settlement_date":"2026-03-16"}""", "1.2", "Payout_Summary_Result", "51006")]
    [InlineData("payoutSummary", """{"settlement_date":"16-03-2020"}""", "1.2", "Payout_Summary_Result", "51419")]
    [InlineData("payIdDetails", """{"pay_id":"1"}""", "1.4", "pay_id_details_Result", "51308")]
    [InlineData("getSettlementDetails", """{"reference_no":"312999999999"}""", "1.2", "Settlement_Details_Result", "51419")]
    public async Task A_payout_that_is_not_there_has_a_code(string command, string asked, string version, string around, string code) =>
        (await session.Ask(command, JsonNode.Parse(asked)!, version))[around]!["error_code"]!.ToString().ShouldBe(code);

    [Fact]
    public async Task The_file_of_the_dashboard_has_a_summary_first_and_commas_in_its_amounts()
    {
        await Paid("ORD-1");
        using var answer = await world.Control.GetAsync(new Uri("/control/ccavenue/settlement", UriKind.Relative));
        answer.Content.Headers.ContentDisposition!.FileName!.ShouldMatch("PayoutTransactionSummary[0-9]{13}[.]csv");
        var lines = Encoding.UTF8.GetString(await answer.Content.ReadAsByteArrayAsync()).Split("\r\n");
        var header = Array.FindIndex(lines, l => l.StartsWith("Transaction Type,Order ID,", StringComparison.Ordinal));
        header.ShouldBeGreaterThan(0);
        lines[header + 1].ShouldContain("Shipped,ORD-1,312");
        lines[header + 1].ShouldContain("\"1,250.50\",25.01,4.50,\"1,220.99\"");
    }

    [Fact]
    public async Task An_invoice_leads_to_the_page_and_is_a_try_once_somebody_looks()
    {
        await session.Set(new { order_status_url = "https://shop.example.test/den" });
        var made = await Invoice("RF-77");
        (made["invoice_status"]!.GetValue<int>(), made["merchant_reference_no"]!.ToString()).ShouldBe((0, "RF-77"));
        (await session.Track("RF-77"))["error_code"]!.ToString().ShouldBe("51419");
        (await session.Gateway.Http.GetStringAsync(new Uri(made["tiny_url"]!.ToString()))).ShouldContain("INR 1,250.50");
        (await session.Track("RF-77"))["order_status"]!.ToString().ShouldBe("Initiated");
        (await session.Return("RF-77", "paid", "https://shop.example.test/den"))["merchant_param1"].ShouldBe("RF-77");
        await session.Set(new { invoice_order = "own" });
        var own = await Invoice("RF-78");
        session.Gateway.Inside.Dialect.LinkByReference("INV" + own["invoice_id"])!.Url.ShouldBe(own["tiny_url"]!.ToString());
        (await Invoice("RF_78", email: "nobody"))["error_code"]!.ToString().ShouldBe("51012");
        (await Invoice("RF 78"))["error_code"]!.ToString().ShouldBe("51072");
    }

    Task<JsonNode> Invoice(string reference, string email = "buyer@example.test") => session.Ask("generateQuickInvoice", new
    {
        customer_name = "A Buyer",
        bill_delivery_type = "email",
        customer_email_id = email,
        currency = "INR",
        valid_for = 2,
        valid_type = "days",
        amount = 1250.50m,
        merchant_reference_no = reference,
    });

    Task<JsonNode> Refund(string number, string amount, string reference) =>
        session.Ask("refundOrder", new { reference_no = number, refund_amount = amount, refund_ref_no = reference });

    Task<JsonNode> Details(string number) => session.Ask("getRefundDetails", new { reference_no = number }, "1.1");

    async Task<JsonNode> Ended(string number)
    {
        JsonNode? one = null;
        for (var since = TimeProvider.System.GetTimestamp(); TimeProvider.System.GetElapsedTime(since) < World.Patience; await Task.Delay(20))
            if ((one = (await Details(number))["refund_list"]![0]!)["refund_status"]!.ToString() != "TS-REFA") return one;
        throw new TimeoutException($"The refund stays {one}.");
    }

    async Task<string> Paid(string order, string amount = "1250.50")
    {
        await session.Post(Form(order, ("amount", amount)));
        var (status, result) = await session.Gateway.Shopper(order, "paid");
        status.ShouldBe(200);
        return result["money_ids"]![0]!.ToString();
    }

    static string Today() => TimeProvider.System.GetUtcNow().ToOffset(new TimeSpan(5, 30, 0)).ToString("dd-MM-yyyy", CultureInfo.InvariantCulture);
}
