using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.WebUtilities;
using Purser.Gateways.Tests.Outside;
using static Purser.Gateways.CCAvenue.Tests.CCAvenueSimulatorSession;

namespace Purser.Gateways.CCAvenue.Tests;

/// <summary>The simulator's page, returns and notifications keep to the documents; the requests here are written by hand from them.</summary>
[Verifies(Part.Simulator, By.Document)]
public sealed class CCAvenueSimulatorTests(World world) : IClassFixture<World>, IAsyncLifetime
{
    CCAvenueSimulatorSession session = null!;

    public async Task InitializeAsync()
    {
        session = new(world, await world.Fresh("ccavenue", Key));
        session.Gateway.Inside.Settings.ShouldBeEmpty();
    }

    public Task DisposeAsync()
    {
        session.Gateway.Dispose();
        return Task.CompletedTask;
    }

    [Fact]
    public async Task A_form_opens_a_page_and_the_order_is_known_from_then_on()
    {
        Code(await session.Track("ORD-1")).ShouldBe("51419");
        var (status, page) = await session.Post(Form("ORD-1"));
        status.ShouldBe(200);
        page.ShouldContain("INR 1,250.50");
        var told = await session.Track("ORD-1");
        (told["order_status"]!.ToString(), told["order_amt"]!.GetValue<decimal>(), told["order_capt_amt"]!.GetValue<decimal>()).ShouldBe(("Initiated", 1250.50m, 0m));
        (told["order_currncy"]!.ToString(), told["merchant_param1"]!.ToString()).ShouldBe(("INR", "att_01"));
        told["reference_no"]!.ToJsonString().ShouldMatch("^[0-9]{12}$");
        told["order_date_time"]!.ToString().ShouldMatch("^20[0-9]{2}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}[.][0-9]{3}$");
        told["status"]!.GetValue<int>().ShouldBe(0);
    }

    [Theory]
    [InlineData("merchant_id", "424243")]
    [InlineData("merchant_id", "")]
    [InlineData("order_id", "")]
    [InlineData("order_id", "ORD 1")]
    [InlineData("order_id", "1234567890123456789012345678901")]
    [InlineData("amount", "1,250.50")]
    [InlineData("amount", "12.505")]
    [InlineData("amount", "0.00")]
    [InlineData("amount", "-1.00")]
    [InlineData("currency", "JPY")]
    [InlineData("currency", "inr")]
    [InlineData("language", "")]
    [InlineData("redirect_url", "")]
    [InlineData("cancel_url", "back")]
    [InlineData("merchant_param1", "a|b")]
    [InlineData("billing_name", "a=b")]
    [InlineData("tid", "12x")]
    public async Task A_form_that_breaks_a_rule_makes_nothing(string field, string value)
    {
        var form = Form("bad");
        form[field] = value;
        Refused(await session.Post(form), "10001");
    }

    [Fact]
    public async Task Limits_hold_for_addresses_and_for_what_a_page_fills_in()
    {
        Refused(await session.Post(Form("bad", ("redirect_url", "https://pay.example.test/" + new string('a', 76)))), "10001");
        Refused(await session.Post(Form("bad", ("billing_name", new string('a', 61)))), "10001");
        Refused(await session.Post(Form("bad", ("merchant_param5", new string('a', 101)))), "10001");
        (await session.Post(Form("good", ("redirect_url", "https://pay.example.test/" + new string('a', 75)), ("billing_name", new string('a', 60))))).Status.ShouldBe(200);
    }

    [Fact]
    public async Task What_cannot_be_decrypted_or_read_is_refused_with_a_page_and_nobody_returns()
    {
        var right = Encrypt(Text(Form("bad")));
        foreach (var hex in (string?[])[null, "", "zz", right[..^2], right + "00", Encrypt(Text(Form("bad")), "AAAA2D3C4B5A69788796A5B4C3D2E1F0"),
            Encrypt(Text(Form("bad")) + "&amount=1.00"), Encrypt("no pairs"), Encrypt(Text(Form("bad")) + "&x=a\u0001b")])
            Refused(await session.PostRaw(hex, AccessCode), "10001");
        Refused(await session.PostRaw(right, "AVXX00XX00XX00XXXX"), "10002");
        Refused(await session.PostRaw(right, AccessCode, "somethingElse"), "10001");
        (await session.PostRaw(right.ToUpperInvariant(), AccessCode)).Status.ShouldBe(200);
    }

    [Fact]
    public async Task Only_the_registered_website_may_post_a_form()
    {
        await session.Set(new { website = "https://shop.example.test" });
        Refused(await session.Post(Form("bad")), "10002");
        var form = new Dictionary<string, string> { ["encRequest"] = Encrypt(Text(Form("good"))), ["access_code"] = AccessCode };
        foreach (var (origin, status) in new (string, int)[] { ("http://shop.example.test", 400), ("https://shop.example.test.evil", 400), ("https://shop.example.test", 200) })
            (await session.Gateway.Send("POST", FormPath, new FormUrlEncodedContent(form), ("Origin", origin))).Status.ShouldBe(status, origin);
    }

    [Fact]
    public async Task A_frame_says_that_it_is_one()
    {
        Refused(await session.Frame(Form("bad")), "10001");
        (await session.Frame(Form("framed", ("integration_type", "iframe_normal")))).Status.ShouldBe(200);
        (await session.Track("framed"))["order_status"]!.ToString().ShouldBe("Initiated");
    }

    [Fact]
    public async Task Paying_returns_by_post_and_echoes_the_same_to_the_server()
    {
        await session.Post(Form("ORD-2", ("billing_name", "Asha Rao")));
        var back = await session.Return("ORD-2", "paid", "https://pay.example.test/cb/ccavenue");
        (back["order_id"], back["order_status"], back["currency"], back["amount"], back["merchant_param1"]).ShouldBe(("ORD-2", "Success", "INR", "1250.50", "att_01"));
        (back["mer_amount"], back["discount_value"], back["billing_name"], back["vault"], back["status_code"]).ShouldBe(("1250.50", "0.0", "Asha Rao", "N", "null"));
        back["trans_date"].ShouldMatch("^[0-9]{2}/[0-9]{2}/20[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}$");
        var heard = (await world.Hear(1))[0];
        heard.Headers["Content-Type"].ShouldBe("application/x-www-form-urlencoded");
        var echo = QueryHelpers.ParseQuery(heard.Text);
        echo.Keys.ShouldBe(["encResp"]);
        Said(echo["encResp"].ToString()).ShouldBe(back);
        var told = await session.Track("ORD-2");
        (told["order_status"]!.ToString(), told["order_capt_amt"]!.GetValue<decimal>(), told["reference_no"]!.ToJsonString()).ShouldBe(("Shipped", 1250.50m, back["tracking_id"]));
        (told["order_fee_perc_value"]!.GetValue<decimal>(), told["order_tax"]!.GetValue<decimal>()).ShouldBe((25.01m, 4.50m));
        var book = await session.Gateway.Book();
        (book.Count, book[0]!["amount"]!.GetValue<long>(), book[0]!["money_id"]!.ToString()).ShouldBe((1, 125_050L, back["tracking_id"]));
        (await session.Gateway.Shopper("ORD-2", "paid")).Status.ShouldBe(409);
    }

    [Theory]
    [InlineData("declined", "Failure", "Unsuccessful", "https://pay.example.test/cb/ccavenue")]
    [InlineData("cancelled", "Aborted", "Aborted", "https://pay.example.test/no")]
    [InlineData("paid_pending", "Awaited", "Awaited", "https://pay.example.test/cb/ccavenue")]
    public async Task The_browser_has_one_word_for_it_and_the_api_another(string outcome, string browser, string api, string url)
    {
        await session.Post(Form("ORD-3", ("cancel_url", "https://pay.example.test/no")));
        session.StandStill();
        (await session.Return("ORD-3", outcome, url))["order_status"].ShouldBe(browser);
        (await session.Track("ORD-3"))["order_status"]!.ToString().ShouldBe(api);
        (await session.Gateway.Book()).Count.ShouldBe(0);
        Said(QueryHelpers.ParseQuery((await world.Hear(1))[0].Text)["encResp"].ToString())["order_status"].ShouldBe(browser);
        if (outcome != "paid_pending") (await session.Gateway.Shopper("ORD-3", "paid")).Status.ShouldBe(409);
    }

    [Fact]
    public async Task A_page_that_may_be_tried_again_stays_and_its_newest_try_hides_the_others()
    {
        await session.Set(new { retry = "page", decline = "Invalid" });
        await session.Post(Form("ORD-4"));
        var (status, result) = await session.Gateway.Shopper("ORD-4", "declined_then_paid");
        status.ShouldBe(200);
        var paid = await session.Track("ORD-4");
        paid["reference_no"]!.ToJsonString().ShouldBe(result["money_ids"]![0]!.ToString());
        (await session.LookUp("ORD-4")).Select(o => o!["order_status"]!.ToString()).ShouldBe(["Invalid", "Shipped"]);
    }

    [Fact]
    public async Task What_comes_late_is_told_in_the_words_of_the_api()
    {
        await session.Post(Form("ORD-5"));
        var back = await session.Return("ORD-5", "paid_pending", "https://pay.example.test/cb/ccavenue");
        // Two messages that are on their way together may overtake each other.
        var news = (await session.Told(2)).Single(n => n.ContainsKey("order_no"));
        (news["order_no"], news["reference_no"], news["order_status"], news["order_amt"], news["order_fraud_status"]).ShouldBe(("ORD-5", back["tracking_id"], "Shipped", "1250.50", "NA"));
        news.ShouldNotContainKey("order_id");
        (await session.Gateway.Book()).Count.ShouldBe(1);
    }

    [Fact]
    public async Task What_the_bank_refuses_late_or_finds_wrong_takes_no_money()
    {
        await session.Post(Form("late"));
        await session.Gateway.Shopper("late", "pending_then_failed");
        await session.Becomes("late", "Unsuccessful");
        await session.Set(new { reconciles = "Fraud" });
        await session.Post(Form("fraud"));
        await session.Gateway.Shopper("fraud", "paid_pending");
        await session.Becomes("fraud", "Fraud");
        (await session.Gateway.Book()).Count.ShouldBe(0);
    }

    [Fact]
    public async Task The_page_ends_after_a_while_and_what_seemed_over_may_still_be_paid()
    {
        await session.Post(Form("over"));
        await session.Gateway.Shopper("over", "expired");
        (await session.Track("over"))["order_status"]!.ToString().ShouldBe("Timeout");
        (await session.Gateway.Shopper("over", "paid")).Status.ShouldBe(409);
        (await session.Told(1))[0]["order_status"].ShouldBe("Timeout");
        await session.Set(new { late = "Timeout" });
        await session.Post(Form("late"));
        (await session.Return("late", "paid_late", "https://pay.example.test/cb/ccavenue"))["order_status"].ShouldBe("Timeout");
        await session.Becomes("late", "Shipped");
    }

    [Fact]
    public async Task The_same_order_posted_again_is_another_try_and_the_second_success_goes_back_by_itself()
    {
        await session.Post(Form("twice"));
        var first = session.Gateway.Inside.Dialect.LinkByReference("twice")!;
        await session.Post(Form("twice"));
        var second = session.Gateway.Inside.Dialect.LinkByReference("twice")!;
        second.ShouldNotBe(first);
        session.Gateway.Inside.Dialect.Links().ShouldBe([second]);
        var late = session.Gateway.Inside.Dialect.Capture(second, second.Amount)!;
        var early = session.Gateway.Inside.Dialect.Capture(first, first.Amount)!;
        (await session.Track("twice"))["reference_no"]!.ToJsonString().ShouldBe(late);
        (await session.LookUp("twice")).Select(o => $"{o!["reference_no"]} {o["order_status"]}").ShouldBe([$"{early} Shipped", $"{late} Shipped"]);
        (await session.Gateway.Book()).Count.ShouldBe(2);
    }

    [Theory]
    [InlineData("paid_twice", "", "Shipped Auto-Reversed", "captured captured refunded")]
    [InlineData("paid", "manual", "Auto-Cancelled", "")]
    public async Task Days_later_a_second_success_goes_back_by_itself_and_what_nobody_confirmed_is_let_go(string outcome, string confirm, string ends, string book)
    {
        // Twelve days of theirs in a second of ours.
        await using var sandbox = await Purser.Sandbox.Sandbox.Start(new() { ControlPort = 0, DynamicPorts = true, Speed = 1_000_000, Seed = 1 });
        var inside = sandbox.World("ccavenue")!;
        using var control = new HttpClient { BaseAddress = sandbox.ControlUrl };
        using var set = await control.PutAsJsonAsync("/control/ccavenue/settings", new { confirm });
        using var http = new HttpClient { BaseAddress = sandbox.Url("ccavenue") };
        var fields = new Dictionary<string, string> { ["encRequest"] = Encrypt(Text(Form("days"))), ["access_code"] = AccessCode };
        using var page = await http.PostAsync(new Uri(FormPath, UriKind.Relative), new FormUrlEncodedContent(fields));
        using var act = await control.PostAsJsonAsync("/control/ccavenue/payments", new { reference = "days", outcome });
        var lookUp = session.Envelope("orderLookup", """{"from_date":"01-01-2020","order_no":"days"}""", "1.2");
        var (seen, moved) = ("", "");
        for (var since = TimeProvider.System.GetTimestamp(); TimeProvider.System.GetElapsedTime(since) < World.Patience && seen != ends; await Task.Delay(20))
        {
            using var answer = await http.PostAsync(new Uri(ApiPath, UriKind.Relative), new FormUrlEncodedContent(lookUp));
            var told = Opened(await answer.Content.ReadAsStringAsync());
            seen = string.Join(' ', told["order_Status_List"]!.AsArray().Select(o => o!["order_status"]!.ToString()).OrderDescending());
            moved = string.Join(' ', inside.Book.Movements.Select(m => m.Kind));
        }

        (seen, moved).ShouldBe((ends, book));
    }

    [Theory]
    [InlineData("10.01", "Unsuccessful")]
    [InlineData("10.02", "Awaited")]
    [InlineData("10.03", "Aborted")]
    [InlineData("10.04", "Shipped")]
    [InlineData("10.05", "Shipped")]
    [InlineData("10.06", "Shipped")]
    [InlineData("10.08", "Shipped")]
    public async Task Amounts_choose_what_happens_where_that_is_switched_on(string amount, string status)
    {
        await session.Set(new { triggers = "on" });
        await session.Post(Form("by-amount", ("amount", amount)));
        var (_, result) = await session.Gateway.Shopper("by-amount", "paid");
        var told = await session.Track("by-amount");
        if (amount != "10.02") told["order_status"]!.ToString().ShouldBe(status);
        told["order_amt"]!.GetValue<decimal>().ShouldBe(amount == "10.06" ? 11.06m : decimal.Parse(amount));
        if (amount == "10.02") await session.Becomes("by-amount", "Shipped");
        if (amount == "10.04") (await session.Told(2)).Select(t => t["tracking_id"]).Distinct().ShouldHaveSingleItem();
        if (amount != "10.05") (await session.Told(1)).ShouldNotBeEmpty();
        else (result["return_url"]?.ToString(), world.Deliveries.Count).ShouldBe((null, 0));
    }

    [Fact]
    public async Task A_return_can_stay_out_or_come_with_nothing_in_it()
    {
        await session.Set(new Dictionary<string, string> { ["return"] = "empty" });
        await session.Post(Form("empty"));
        (await session.Gateway.Shopper("empty", "paid")).Body["return_form"]!["encResp"]!.ToString().ShouldBeEmpty();
        await session.Set(new Dictionary<string, string> { ["return"] = "none" });
        await session.Post(Form("none"));
        (await session.Gateway.Shopper("none", "paid")).Body["return_url"].ShouldBeNull();
        await session.Set(new { order_status_url = "https://shop.example.test/den" });
        await session.Post(Form("den", ("redirect_url", ""), ("cancel_url", "")));
        (await session.Gateway.Shopper("den", "paid")).Body["return_url"]!.ToString().ShouldBe("https://shop.example.test/den");
    }

    [Theory]
    [InlineData("profile", "gcm")]
    [InlineData("padding", "twice")]
    public async Task An_account_may_have_another_way_to_encrypt(string setting, string value)
    {
        await session.Set(new Dictionary<string, string> { [setting] = value });
        if (value == "gcm") Refused(await session.Post(Form("bad")), "10001");
        session.Sealed = value == "gcm";
        (await session.Post(Form("other"))).Status.ShouldBe(200);
        (await session.Return("other", "paid", "https://pay.example.test/cb/ccavenue"))["order_status"].ShouldBe("Success");
        (await session.Track("other"))["order_status"]!.ToString().ShouldBe("Shipped");
        (await session.Told(1))[0]["order_status"].ShouldBe("Success");
    }

    [Fact]
    public async Task A_suspicion_is_told_by_itself_and_a_dispute_and_a_refund_of_theirs_show_in_the_order()
    {
        await session.Set(new { risk = "High", aftermath = "Chargeback" });
        await session.Post(Form("risky"));
        await session.Gateway.Shopper("risky", "paid");
        (await session.Told(2)).ShouldContain(t => t.GetValueOrDefault("order_fraud_status") == "High" && t["order_status"] == "Shipped");
        await session.Becomes("risky", "Chargeback");
        await session.Set(new { aftermath = "Systemrefund" });
        await session.Post(Form("back"));
        await session.Gateway.Shopper("back", "paid");
        await session.Becomes("back", "Systemrefund");
        (await session.Gateway.Book()).Select(m => $"{m!["reference"]} {m["kind"]}").ShouldBe(["risky captured", "back captured", "back refunded"]);
    }

    [Fact]
    public async Task A_notification_that_was_not_taken_is_lost_unless_repeats_are_switched_on()
    {
        world.EarAnswers = _ => 500;
        await session.Post(Form("lost"));
        await session.Gateway.Shopper("lost", "paid");
        await world.Hear(1);
        await session.Set(new { den_retries = "on" });
        await session.Post(Form("again"));
        await session.Gateway.Shopper("again", "paid");
        (await world.Hear(4)).Count.ShouldBe(4);
    }

    void Refused((int Status, string Page) answer, string code)
    {
        answer.Status.ShouldBe(400);
        answer.Page.ShouldStartWith("<!DOCTYPE html>");
        answer.Page.ShouldContain(code);
        session.Gateway.Inside.Dialect.Links().ShouldBeEmpty();
        world.Deliveries.ShouldBeEmpty();
    }

    static string? Code(JsonNode told) => told["error_code"]?.ToString();
}
