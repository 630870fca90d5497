using System.Collections.Immutable;
using System.Net;
using System.Text.Json;
using Purser.Gateways;
using Purser.Orders;
using Purser.Server.CommandLine;
using Purser.Server.Tests.Api;
using Purser.Server.Tests.Platform;
using Purser.Server.Tests.Situations;

namespace Purser.Server.Tests.Payments;

public sealed class PaymentApiTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>, IAsyncLifetime
{
    ApiHouse house = null!;

    public async Task InitializeAsync() => house = await ApiHouse.Open(await postgres.CreateDatabase());

    public async Task DisposeAsync() => await house.DisposeAsync();

    [Fact]
    public async Task A_payment_is_answered_with_its_link_and_asked_for_again_is_the_same()
    {
        var order = (await house.Order()).Text("id");
        var first = await house.Post($"/v1/orders/{order}/payments", null);
        (first.Status, first.Text("status"), first.Text("gateway")).ShouldBe((HttpStatusCode.Created, "pending", "first"));
        first.Body.GetProperty("link").GetProperty("url").GetString().ShouldBe($"https://gateway.invalid/{first.Text("reference")}");
        first.Headers.Location!.ToString().ShouldBe($"/v1/payments/{first.Text("id")}");

        var again = await house.Post($"/v1/orders/{order}/payments", """{"gateway": "second"}""");
        (again.Status, again.Text("id")).ShouldBe((HttpStatusCode.OK, first.Text("id")));
        (await house.Get($"/v1/payments/{first.Text("id")}")).Body.ToString().ShouldBe(first.Body.ToString());
        house.First.LinksAsked.Values.ShouldBe([1]);
    }

    [Fact]
    public async Task A_gateway_s_form_leaves_by_our_page_alone()
    {
        const string Canary = "canary-of-the-form";
        var fields = ImmutableSortedDictionary<string, string>.Empty.Add("hash", Canary).Add("say \"so\"", "<a & b>").Add("udf1", "");
        house.First.AnswerToLink = call => new GatewayAnswer.Done(new Evidence.LinkOpened(new Purser.Payments.PaymentLink.Form("https://forms.invalid/pay", fields), call.Amount));
        var order = await house.Order();
        var started = await house.Post($"/v1/orders/{order.Text("id")}/payments", "{}");
        var link = started.Body.GetProperty("link");
        link.EnumerateObject().Select(p => p.Name).ShouldBe(["kind", "url"]);
        (link.GetProperty("kind").GetString(), link.GetProperty("url").GetString()).ShouldBe(("page", started.Text("page_url").Replace("?token=", "/go?token=", StringComparison.Ordinal)));
        var payment = $"/v1/payments/{started.Text("id")}";
        foreach (var told in (string[])[$"/v1/orders/{order.Text("id")}", payment, $"{payment}?token={order.Text("token")}", $"/v1/orders/{order.Text("id")}/events", $"/v1/orders/{order.Text("id")}/explanation", "/v1/events"])
            (await house.Get(told)).Body.ToString().ShouldNotContain(Canary, Case.Sensitive, told);

        var visit = (await ShopperBrowser.Follow(house.Http, link, default))!;
        (visit.Url, visit.Fields!.ToImmutableSortedDictionary().SequenceEqual(fields)).ShouldBe(("https://forms.invalid/pay", true));
        // Once the order is being closed nothing is handed out, by whoever kept the link.
        (await house.Post($"/v1/orders/{order.Text("id")}/cancellation", "{}")).Status.ShouldBe(HttpStatusCode.OK);
        (await ShopperBrowser.Follow(house.Http, link, default)).ShouldBeNull();
        (await house.Get(payment)).Body.GetProperty("link").ValueKind.ShouldBe(JsonValueKind.Null);
    }

    [Fact]
    public async Task A_lost_answer_is_no_error_and_says_how_it_stands()
    {
        house.First.AnswerToLink = _ => new GatewayAnswer.Unknown("The connection broke.");
        var order = (await house.Order()).Text("id");
        var lost = await house.Post($"/v1/orders/{order}/payments", "{}");
        (lost.Status, lost.Text("status")).ShouldBe((HttpStatusCode.Created, "unresolved"));
        lost.Body.GetProperty("link").ValueKind.ShouldBe(JsonValueKind.Null);
        lost.Text("explanation").ShouldContain("nothing is lost");
        lost.Body.GetProperty("next_look_at").ValueKind.ShouldBe(JsonValueKind.String);
    }

    [Fact]
    public async Task A_silent_gateway_is_not_waited_for_for_ever()
    {
        await using var hasty = await ApiHouse.Open(await postgres.CreateDatabase(), ("Purser:LinkPatience", "00:00:02"));
        using var never = new ManualResetEventSlim();
        hasty.First.AnswerToLink = call =>
        {
            never.Wait();
            return ScriptedGateway.Link(call.Payment, call.Amount);
        };
        var order = (await hasty.Order()).Text("id");
        var waiting = await hasty.Post($"/v1/orders/{order}/payments", "{}");
        (waiting.Status, waiting.Text("status")).ShouldBe((HttpStatusCode.Created, "starting"));
        never.Set();
        await Until.True(async () => (await hasty.Get($"/v1/payments/{waiting.Text("id")}")).Text("status") == "pending", "the link arrived");
    }

    [Fact]
    public async Task The_shopper_may_pay_their_order_and_no_other()
    {
        var order = await house.Order();
        var path = $"/v1/orders/{order.Text("id")}/payments";
        var paid = await house.Post($"{path}?token={order.Text("token")}", "{}", "", ("Idempotency-Key", "s"));
        paid.Status.ShouldBe(HttpStatusCode.Created);
        var again = await house.Post($"{path}?token={order.Text("token")}", "{}", "", ("Idempotency-Key", "s"));
        (again.Status, again.Headers.Contains("Idempotency-Replayed")).ShouldBe((HttpStatusCode.OK, true));
        (await house.Get($"/v1/payments/{paid.Text("id")}?token={order.Text("token")}", "")).Status.ShouldBe(HttpStatusCode.OK);
        (await house.Get($"/v1/payments/{paid.Text("id")}", "")).Problem.ShouldBe("key_missing");

        var next = await house.Order();
        var own = await house.Post($"/v1/orders/{next.Text("id")}/payments", "{}", house.Publishable, ("Purser-Token", next.Text("token")));
        own.Status.ShouldBe(HttpStatusCode.Created);
    }

    [Fact]
    public async Task What_no_gateway_can_take_is_refused_with_the_gateways_own_rule()
    {
        var dollars = (await house.Order("""{"currency": "USD", "amount": 100, "description": "x"}""")).Text("id");
        var before = await house.Rows();
        var none = await house.Post($"/v1/orders/{dollars}/payments", "{}");
        (none.Status, none.Problem, none.Text("field")).ShouldBe((HttpStatusCode.UnprocessableEntity, "gateway_unsuitable", "gateway"));
        none.Text("detail").ShouldContain("first: it does not take USD");
        (await house.Post($"/v1/orders/{dollars}/payments", """{"gateway": "second"}""")).Text("detail").ShouldContain("second: it does not take USD");
        var rupees = (await house.Order()).Text("id");
        (await house.Post($"/v1/orders/{rupees}/payments", """{"method": "upi"}""")).Problem.ShouldBe("gateway_unsuitable");
        (await house.Post($"/v1/orders/{rupees}/payments", """{"method": "cash"}""")).Text("field").ShouldBe("method");
        (await house.Post($"/v1/orders/{rupees}/payments", """{"gateway": "third"}""")).Text("remedy").ShouldContain("first, second");
        (await house.Rows()).ShouldBe(before + 2);
    }

    [Fact]
    public async Task A_paid_order_takes_no_payment_no_cancellation_and_one_fulfilment()
    {
        var order = (await house.Order()).Text("id");
        var payment = await house.Post($"/v1/orders/{order}/payments", "{}");
        await house.Tell("e1", "captured", payment.Text("reference"));

        var paid = await house.Get($"/v1/orders/{order}");
        (paid.Text("status"), paid.Text("paid_by")).ShouldBe(("paid", payment.Text("id")));
        paid.Body.GetProperty("amounts").ToString().ShouldBe("""{"captured":49900,"accepted":49900,"refunded":0,"refunding":0,"outstanding":0}""");
        (await house.Post($"/v1/orders/{order}/payments", "{}")).Problem.ShouldBe("order_paid");
        (await house.Post($"/v1/orders/{order}/cancellation", "{}")).Problem.ShouldBe("order_paid");
        (await house.Post($"/v1/payments/{payment.Text("id")}/cancellation", "{}")).Problem.ShouldBe("payment_succeeded");
        (await house.Post($"/v1/orders/{order}/fulfilment", "{}")).Body.GetProperty("fulfilled_at").ValueKind.ShouldBe(JsonValueKind.String);
    }

    [Fact]
    public async Task Second_money_is_marked_for_refund_and_the_order_stays_paid()
    {
        var order = (await house.Order()).Text("id");
        var payment = await house.Post($"/v1/orders/{order}/payments", "{}");
        await house.Tell("e1", "captured", payment.Text("reference"), money: "m_1");
        await house.Tell("e2", "captured", payment.Text("reference"), money: "m_2");
        Answered paid = null!;
        // This gateway takes no refunds, and says so at once.
        await Until.True(async () => (paid = await house.Get($"/v1/orders/{order}")).Body.GetProperty("refunds")[0].GetProperty("status").GetString() == "failed", "the refund to be refused");
        paid.Text("status").ShouldBe("paid");
        paid.Body.GetProperty("amounts").ToString().ShouldBe("""{"captured":99800,"accepted":49900,"refunded":0,"refunding":0,"outstanding":0}""");
        var back = paid.Body.GetProperty("refunds").EnumerateArray().ShouldHaveSingleItem();
        (back.GetProperty("reason").GetString(), back.GetProperty("amount").GetInt64()).ShouldBe(("duplicate", 49900));
    }

    [Fact]
    public async Task A_link_is_closed_on_request()
    {
        var order = (await house.Order()).Text("id");
        var payment = (await house.Post($"/v1/orders/{order}/payments", "{}")).Text("id");
        (await house.Post($"/v1/payments/{payment}/cancellation", null)).Status.ShouldBe(HttpStatusCode.OK);
        await Until.True(async () => (await house.Get($"/v1/payments/{payment}")).Text("status") == "cancelled", "the gateway closed it");
        var next = await house.Post($"/v1/orders/{order}/payments", "{}");
        (next.Status, next.Body.GetProperty("number").GetInt32()).ShouldBe((HttpStatusCode.Created, 2));
    }

    [Fact]
    public async Task Gateway_accounts_are_shown_without_anything_secret()
    {
        var list = await house.Get("/v1/gateways", house.Publishable);
        list.Body.GetProperty("gateways").EnumerateArray().Select(g => g.GetProperty("name").GetString()).ShouldBe(["first", "second"]);
        list.Body.GetProperty("gateways")[0].GetProperty("currencies").EnumerateArray().Select(c => c.GetString()).ShouldBe(["INR", "JPY", "KWD"]);
    }
}
