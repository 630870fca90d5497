using System.Text.Json.Nodes;
using Purser.Gateways.Tests.Outside;

namespace Purser.Gateways.PayPal.Tests;

/// <summary>Orders, approvals and captures: the simulator keeps to the documents, from which every request here is written by hand.</summary>
[Verifies(Part.Simulator, By.Document)]
public sealed class PayPalSimulatorTests(World world) : PayPalSimulatorSession(world)
{
    [Fact]
    public async Task A_token_is_given_for_the_credentials_and_ends()
    {
        (await Token("paypal_client_sandbox:wrong")).ShouldSatisfyAllConditions(a => a.Status.ShouldBe(401), a => a.Body["error"]!.ToString().ShouldBe("invalid_client"));
        await World.Put("/control/paypal/settings", new { token_life_seconds = "0" });
        var (status, short_lived) = await Token("paypal_client_sandbox:paypal_secret_sandbox_0123456789");
        (status, short_lived["token_type"]!.ToString(), short_lived["expires_in"]!.GetValue<int>()).ShouldBe((200, "Bearer", 0));
        AccessToken = short_lived["access_token"]!.ToString();
        (await Post(Orders, Order("one"))).ShouldSatisfyAllConditions(a => a.Status.ShouldBe(401), a => a.Body["error"]!.ToString().ShouldBe("invalid_token"));
    }

    [Fact]
    public async Task An_order_is_made_with_the_payers_link_and_the_answer_is_short_unless_all_is_wanted()
    {
        var (status, order) = await Post(Orders, Order("one"));
        status.ShouldBe(201);
        order["id"]!.ToString().ShouldMatch("^[A-Z0-9]{17}$");
        order["status"]!.ToString().ShouldBe("PAYER_ACTION_REQUIRED");
        Rel(order, "payer-action").ShouldEndWith("/checkoutnow?token=" + order["id"]);
        order["purchase_units"]![0]!["custom_id"]!.ToString().ShouldBe("one");
        var (_, least) = await Post(Orders, Order("two"), prefer: null);
        least.AsObject().Select(f => f.Key).ShouldBe(["id", "status", "links"]);
        var older = Order("three");
        older.Remove("payment_source");
        var (_, plain) = await Post(Orders, older);
        plain["status"]!.ToString().ShouldBe("CREATED");
        Rel(plain, "approve").ShouldNotBeEmpty();
        (await Post(Orders, Order("four"), type: "text/plain")).Status.ShouldBe(415);
    }

    [Theory]
    [InlineData("EUR", "19.999", 422, "DECIMAL_PRECISION")]
    [InlineData("JPY", "199.00", 422, "DECIMALS_NOT_SUPPORTED")]
    [InlineData("HUF", "199.5", 422, "DECIMALS_NOT_SUPPORTED")]
    [InlineData("TWD", "1.0", 422, "DECIMALS_NOT_SUPPORTED")]
    [InlineData("INR", "199.00", 422, "CURRENCY_NOT_SUPPORTED")]
    [InlineData("KWD", "1.000", 422, "CURRENCY_NOT_SUPPORTED")]
    [InlineData("EUR", "0.00", 422, "CANNOT_BE_ZERO_OR_NEGATIVE")]
    [InlineData("EUR", "19,99", 400, "INVALID_PARAMETER_SYNTAX")]
    public async Task An_amount_that_cannot_be_is_refused_by_name(string currency, string value, int status, string issue)
    {
        var asked = Order("bad");
        asked["purchase_units"]![0]!["amount"] = new JsonObject { ["currency_code"] = currency, ["value"] = value };
        var (answered, body) = await Post(Orders, asked);
        (answered, Issue(body)).ShouldBe((status, issue));
        body["debug_id"]!.ToString().ShouldStartWith("sim");
    }

    [Fact]
    public async Task Sums_that_do_not_add_up_and_texts_that_are_too_long_are_refused()
    {
        var asked = Order("bad");
        asked["purchase_units"]![0]!["amount"]!["breakdown"] = new JsonObject { ["item_total"] = Amount("19.00"), ["discount"] = Amount("0.01") };
        Issue((await Post(Orders, asked)).Body).ShouldBe("AMOUNT_MISMATCH");
        asked["purchase_units"]![0]!["amount"]!["breakdown"]!["item_total"] = Amount("20.00");
        (await Post(Orders, asked)).Status.ShouldBe(201);
        asked["purchase_units"]![0]!["custom_id"] = new string('x', 128);
        (await Post(Orders, asked)).ShouldSatisfyAllConditions(a => a.Status.ShouldBe(400), a => Issue(a.Body).ShouldBe("INVALID_STRING_LENGTH"));
    }

    [Fact]
    public async Task Approval_moves_no_money_and_the_capture_does_once()
    {
        var id = await Create("one");
        Issue((await Capture(id)).Body).ShouldBe("ORDER_NOT_APPROVED");
        var (_, acted) = await Gateway.Shopper("one", "paid");
        acted["return_url"]!.ToString().ShouldMatch($"^https://shop\\.example\\.test/back\\?a=1&token={id}&PayerID=[A-Z0-9]{{13}}$");
        (await Get($"{Orders}/{id}"))["status"]!.ToString().ShouldBe("APPROVED");
        (await Gateway.Book()).ShouldBeEmpty();

        var (status, done) = await Capture(id);
        (status, done["status"]!.ToString()).ShouldBe((201, "COMPLETED"));
        var capture = done["purchase_units"]![0]!["payments"]!["captures"]![0]!;
        (capture["status"]!.ToString(), capture["amount"]!["value"]!.ToString(), capture["custom_id"]!.ToString()).ShouldBe(("COMPLETED", "19.99", "one"));
        capture["seller_receivable_breakdown"]!["paypal_fee"]!["value"]!.ToString().ShouldBe("0.84");
        capture["supplementary_data"]!["related_ids"]!["order_id"]!.ToString().ShouldBe(id);
        var moved = (await Gateway.Book()).ShouldHaveSingleItem()!;
        (moved["money_id"]!.ToString(), moved["amount"]!.GetValue<long>(), moved["kind"]!.ToString()).ShouldBe((capture["id"]!.ToString(), 1999, "captured"));
        Issue((await Capture(id, "another-key")).Body).ShouldBe("ORDER_ALREADY_CAPTURED");
        // The same key again is answered with what it made.
        (await Capture(id)).Status.ShouldBe(200);
        (await Gateway.Book()).Count.ShouldBe(1);
        (await Gateway.Shopper("one", "paid")).Status.ShouldBe(409);
    }

    [Fact]
    public async Task A_repeated_request_is_answered_with_the_first_order_as_it_is_by_now()
    {
        var (_, first) = await Post(Orders, Order("one"), key: "k1");
        await Gateway.Shopper("one", "paid");
        var (status, again) = await Post(Orders, Order("one"), key: "k1");
        (status, again["id"]!.ToString(), again["status"]!.ToString()).ShouldBe((200, first["id"]!.ToString(), "APPROVED"));
        Issue((await Post(Orders, Order("other"), key: "k1")).Body).ShouldBe("DUPLICATE_REQUEST_ID");
        await World.Put("/control/paypal/settings", new { same_key_other_body = "replay" });
        (await Post(Orders, Order("other"), key: "k1")).Body["id"]!.ToString().ShouldBe(first["id"]!.ToString());
        (await Post(Orders, Order("one"), key: null)).Body["id"]!.ToString().ShouldNotBe(first["id"]!.ToString());
        (await Post(Orders, Order("one"), key: new string('k', 109))).Status.ShouldBe(400);
    }

    [Fact]
    public async Task Of_many_that_ask_at_once_under_one_key_one_makes_an_order()
    {
        await Gateway.Fault(new { call = "create_link", fault = "slow", times = 1, delay_ms = Purser.Gateways.Tests.Outside.World.Held });
        var slow = Post(Orders, Order("one"), key: "same");
        await Purser.Gateways.Tests.Outside.World.Until(() => Gateway.Inside.Faults.Struck[0] == 1);
        (await Post(Orders, Order("one"), key: "same")).ShouldSatisfyAllConditions(a => a.Status.ShouldBe(409), a => Issue(a.Body).ShouldBe("PREVIOUS_REQUEST_IN_PROGRESS"));
        World.Resume();
        var (status, first) = await slow;
        status.ShouldBe(201);
        (await Post(Orders, Order("one"), key: "same")).Body["id"]!.ToString().ShouldBe(first["id"]!.ToString());
        Gateway.Inside.Dialect.Links().Count().ShouldBe(1);
    }

    [Fact]
    public async Task A_declined_instrument_is_told_at_the_capture_and_the_payer_may_come_again()
    {
        var id = await Create("one");
        (await Gateway.Shopper("one", "declined")).Body["return_url"]!.ToString().ShouldContain("PayerID=");
        var (status, refused) = await Capture(id);
        (status, Issue(refused)).ShouldBe((422, "INSTRUMENT_DECLINED"));
        Rel(refused, "redirect").ShouldEndWith("/checkoutnow?token=" + id);
        (await Gateway.Shopper("one", "paid")).Status.ShouldBe(200);
        (await Capture(id)).Status.ShouldBe(201);
        var other = await Create("two");
        await World.Put("/control/paypal/settings", new { after_decline = "payer_action_required" });
        await Gateway.Shopper("two", "declined");
        await Capture(other);
        (await Get($"{Orders}/{other}"))["status"]!.ToString().ShouldBe("PAYER_ACTION_REQUIRED");
    }

    [Theory]
    [InlineData("paid_pending", "COMPLETED", 1)]
    [InlineData("pending_then_failed", "DECLINED", 0)]
    public async Task A_pending_capture_ends_by_the_banks_word_though_the_order_is_completed_at_once(string outcome, string end, int moved)
    {
        var id = await Create("one");
        World.StandStill();
        await Gateway.Shopper("one", outcome);
        var (_, order) = await Capture(id);
        order["status"]!.ToString().ShouldBe("COMPLETED");
        var capture = order["purchase_units"]![0]!["payments"]!["captures"]![0]!;
        (capture["status"]!.ToString(), capture["status_details"]!["reason"]!.ToString()).ShouldBe(("PENDING", "PENDING_REVIEW"));
        Issue((await Post($"/v2/payments/captures/{capture["id"]}/refund", [])).Body).ShouldBe("PENDING_CAPTURE");
        World.Resume();
        var heard = await World.Hear(3);
        (await Get($"/v2/payments/captures/{capture["id"]}"))["status"]!.ToString().ShouldBe(end);
        (await Gateway.Book()).Count.ShouldBe(moved);
        heard.Select(d => d.Json["event_type"]!.ToString()).ShouldBe(
            ["CHECKOUT.ORDER.APPROVED", "PAYMENT.CAPTURE.PENDING", moved == 1 ? "PAYMENT.CAPTURE.COMPLETED" : "PAYMENT.CAPTURE.DENIED"], ignoreOrder: true);
    }

    [Fact]
    public async Task The_banks_word_about_money_of_a_day_that_was_forgotten_moves_none()
    {
        World.StandStill();
        var forgotten = await Create("one");
        await Gateway.Shopper("one", "paid_pending");
        await Capture(forgotten);
        Gateway.Dispose();
        await InitializeAsync();
        var id = await Create("two");
        await Gateway.Shopper("two", "paid_pending");
        await Capture(id);
        await World.Hear(1, h => h.Json["event_type"]!.ToString() == "PAYMENT.CAPTURE.COMPLETED");
        (await Gateway.Book()).ShouldHaveSingleItem()!["reference"]!.ToString().ShouldBe("two");
    }

    [Fact]
    public async Task A_payer_who_comes_back_late_approves_late()
    {
        var id = await Create("one");
        World.StandStill();
        (await Gateway.Shopper("one", "paid_late")).Body["return_url"].ShouldBeNull();
        (await Get($"{Orders}/{id}"))["status"]!.ToString().ShouldBe("PAYER_ACTION_REQUIRED");
        World.Resume();
        await World.Hear(1);
        (await Get($"{Orders}/{id}"))["status"]!.ToString().ShouldBe("APPROVED");
        (await Gateway.Book()).ShouldBeEmpty();
    }

    [Theory]
    [InlineData("paid_twice")]
    [InlineData("wrong_amount")]
    public async Task What_cannot_be_at_this_gateway_is_refused(string outcome)
    {
        await Create("one");
        (await Gateway.Shopper("one", outcome)).Status.ShouldBe(409);
    }

    [Fact]
    public async Task An_expired_order_is_unknown_and_who_gives_up_comes_back_with_the_token_alone()
    {
        var id = await Create("one");
        (await Gateway.Shopper("one", "cancelled")).Body["return_url"]!.ToString().ShouldBe($"https://shop.example.test/cancel?token={id}");
        (await Get($"{Orders}/{id}"))["status"]!.ToString().ShouldBe("PAYER_ACTION_REQUIRED");
        await Gateway.Shopper("one", "expired");
        (await Get($"{Orders}/{id}"))["name"]!.ToString().ShouldBe("RESOURCE_NOT_FOUND");
        (await Capture(id)).Status.ShouldBe(404);
        await World.Put("/control/paypal/settings", new { capture_of_expired = "order_expired" });
        Issue((await Capture(id)).Body).ShouldBe("ORDER_EXPIRED");
    }

    [Fact]
    public async Task An_invoice_id_is_captured_once()
    {
        var (first, second) = (await Create("one", invoice: "INV-1"), await Create("two", invoice: "INV-1"));
        await Gateway.Shopper("one", "paid");
        await Gateway.Shopper("two", "paid");
        (await Capture(first)).Status.ShouldBe(201);
        Issue((await Capture(second)).Body).ShouldBe("DUPLICATE_INVOICE_ID");
        await World.Put("/control/paypal/settings", new { duplicate_invoice_ids = "accept" });
        (await Capture(second)).Status.ShouldBe(201);
    }
}
