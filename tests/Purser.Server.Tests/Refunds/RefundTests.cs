using System.Net;
using System.Text.Json;

namespace Purser.Server.Tests.Refunds;

/// <summary>A merchant gives money back, over HTTP, at gateways of several dialects.</summary>
public sealed class RefundTests(RefundHouse house) : IClassFixture<RefundHouse>
{
    public static TheoryData<string> Gateways => [.. RefundHouse.Gateways];

    static async Task<string> Text(Task<Api.Answered> answer) => (await answer).Body.ToString();

    [Theory]
    [MemberData(nameof(Gateways))]
    public async Task All_of_it_goes_back_once_and_everybody_is_told(string gateway)
    {
        var order = await house.Paid(gateway);
        var asked = await house.Refund(order, new { note = "The book was torn" });
        asked.Status.ShouldBe(HttpStatusCode.Created, asked.Body.ToString());
        var id = asked.Text("id");
        asked.Headers.Location!.OriginalString.ShouldBe($"/v1/refunds/{id}");

        var refund = await house.Stands(id, "succeeded");
        refund.GetProperty("amount").GetInt64().ShouldBe(RefundHouse.Price);
        refund.GetProperty("gateway").GetString().ShouldBe(gateway);
        refund.GetProperty("payment").GetString().ShouldBe(RefundHouse.Of(order, 1));
        refund.GetProperty("note").GetString().ShouldBe("The book was torn");
        house.GivenBack(order, gateway).ShouldBe([RefundHouse.Price]);

        var now = await house.Get($"/v1/orders/{order}");
        now.Text("status").ShouldBe("refunded");
        now.Body.GetProperty("amounts").GetProperty("refunded").GetInt64().ShouldBe(RefundHouse.Price);
        // The second click of a button means the same refund.
        var again = await house.Refund(order, new { });
        again.Status.ShouldBe(HttpStatusCode.OK);
        again.Text("id").ShouldBe(id);
        house.GivenBack(order, gateway).Count.ShouldBe(1);

        var told = (await house.Get($"/v1/orders/{order}/explanation")).Body;
        told.GetProperty("stands").ToString().ShouldContain("499.00 INR of payment 1 went back to the shopper.");
        told.GetProperty("shopper").GetProperty("text").GetString()!.ShouldContain("Refund of ₹499.00 INR: paid back.");
        var page = await house.Page(order);
        page.ShouldContain("data-situation=\"refunded\"");
        page.ShouldContain("Your money was paid back");
        page.ShouldContain("499.00 INR: paid back");
        await house.NothingIsBroken();
    }

    [Theory]
    [MemberData(nameof(Gateways))]
    public async Task Parts_go_back_one_by_one_each_under_its_own_key(string gateway)
    {
        var order = await house.Paid(gateway);
        var keyless = await house.Refund(order, new { amount = 10_000 });
        ((int)keyless.Status).ShouldBeInRange(400, 499);
        keyless.MediaType.ShouldBe("application/problem+json");
        keyless.Body.ToString().ShouldContain("Idempotency-Key");
        keyless.Body.ToString().ShouldContain("Draw one for each refund you mean");
        (await house.Get($"/v1/orders/{order}")).Body.GetProperty("refunds").GetArrayLength().ShouldBe(0);

        var first = await house.Refund(order, new { amount = 10_000 }, "a part");
        first.Status.ShouldBe(HttpStatusCode.Created, first.Body.ToString());
        var repeated = await house.Refund(order, new { amount = 10_000 }, "a part");
        repeated.Status.ShouldBe(HttpStatusCode.OK);
        repeated.Text("id").ShouldBe(first.Text("id"));
        (await house.Refund(order, new { amount = 10_001 }, "a part")).Problem.ShouldBe("idempotency_key_reused");

        await house.Stands(first.Text("id"), "succeeded");
        (await house.Get($"/v1/orders/{order}")).Text("status").ShouldBe("partially_refunded");
        var page = await house.Page(order);
        page.ShouldContain("A part of your money was paid back");
        page.ShouldContain("100.00 INR: paid back");
        (await house.Get($"/v1/orders/{order}/explanation")).Body.GetProperty("shopper").GetProperty("text").GetString()!
            .ShouldContain("Refund of ₹100.00 INR: paid back.");

        var rest = await house.Refund(order, new { });
        rest.Body.GetProperty("amount").GetInt64().ShouldBe(RefundHouse.Price - 10_000);
        await house.Stands(rest.Text("id"), "succeeded");
        house.GivenBack(order, gateway).ShouldBe([10_000, RefundHouse.Price - 10_000]);
        (await house.Get($"/v1/orders/{order}")).Text("status").ShouldBe("refunded");
        await house.NothingIsBroken();
    }

    [Theory]
    [MemberData(nameof(Gateways))]
    public async Task Of_many_who_want_the_rest_at_once_one_gets_it(string gateway)
    {
        var order = await house.Paid(gateway);
        var part = await house.Refund(order, new { amount = 20_000 }, "the first part");
        var rest = RefundHouse.Price - 20_000;
        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(n =>
            n % 2 == 0 ? house.Refund(order, new { amount = rest }, $"rest {n}") : house.Refund(order, new { })));

        answers.Count(a => a.Status == HttpStatusCode.Created).ShouldBe(1);
        // Whoever asked for all that is left has it; whoever named the amount comes too late.
        answers.ShouldAllBe(a => a.Status == HttpStatusCode.Created || a.Status == HttpStatusCode.OK || a.Status == HttpStatusCode.Conflict && a.Problem == "nothing_left");
        var refunds = (await house.Get($"/v1/orders/{order}")).Body.GetProperty("refunds").EnumerateArray().Select(r => r.GetProperty("id").GetString()!).ToList();
        refunds.Count.ShouldBe(2);
        refunds.ShouldContain(part.Text("id"));
        foreach (var refund in refunds) await house.Stands(refund, "succeeded");
        house.GivenBack(order, gateway).Order().ShouldBe([20_000, rest]);
        await house.NothingIsBroken();
    }

    [Fact]
    public async Task More_than_is_left_is_refused_with_what_is_left_and_nothing_moves()
    {
        var order = await house.Paid("razorpay");
        var refused = await house.Refund(order, new { amount = RefundHouse.Price + 1 }, "too much");
        refused.Status.ShouldBe(HttpStatusCode.UnprocessableEntity);
        refused.Problem.ShouldBe("refund_too_large");
        refused.Text("detail").ShouldContain("499.00 INR is left");
        refused.Text("field").ShouldBe("amount");

        var part = await house.Refund(order, new { amount = 40_000 }, "most of it");
        (await house.Refund(order, new { amount = 9_901 }, "one paisa too much")).Text("detail").ShouldContain("99.00 INR is left");
        await house.Stands(part.Text("id"), "succeeded");
        house.GivenBack(order, "razorpay").ShouldBe([40_000]);
    }

    [Fact]
    public async Task What_cannot_be_refunded_is_refused_by_its_name()
    {
        var order = await house.Paid("stripe");
        (await house.Refund("ord_0123456789abc", new { })).Problem.ShouldBe("order_unknown");
        (await house.Refund(order, new { payment = RefundHouse.Of(order, 7) })).Problem.ShouldBe("payment_unknown");
        foreach (var (body, field) in new (object, string)[]
        {
            (new { payment = "pay_0123456789abc_1" }, "payment"), (new { amount = 0 }, "amount"), (new { amount = -5 }, "amount"), (new { amount = "all" }, "amount"),
            (new { amount = 1.5 }, "amount"), (new { note = new string('n', 201) }, "note"), (new { sum = 1 }, "sum"),
        })
        {
            var wrong = await house.Refund(order, body, "wrong");
            wrong.Status.ShouldBe(HttpStatusCode.UnprocessableEntity, $"{body}");
            var error = wrong.Body.GetProperty("errors").EnumerateArray().Single();
            error.GetProperty("field").GetString().ShouldBe(field);
            error.GetProperty("remedy").GetString().ShouldNotBeNullOrEmpty();
        }
        var unpaid = await house.Place();
        (await house.Refund(unpaid, new { })).Problem.ShouldBe("nothing_captured");
        (await house.Get("/v1/refunds/ref_0123456789abc_1")).Problem.ShouldBe("refund_unknown");
        (await house.Get($"/v1/refunds/ref_{order[4..]}_1")).Problem.ShouldBe("refund_unknown");
        (await house.Get("/v1/refunds/none")).Status.ShouldBe(HttpStatusCode.NotFound);
        house.GivenBack(order, "stripe").ShouldBeEmpty();
    }

    [Theory]
    [MemberData(nameof(Gateways))]
    public async Task A_hostile_note_is_words_and_nothing_else(string gateway)
    {
        const string Hostile = "</script><img src=x onerror=alert(1)>\"';-- {{7*7}} &amp=|=cmd ₹ \U0001F600 \u202Etxt";
        var order = await house.Paid(gateway);
        var asked = await house.Refund(order, new { note = Hostile });
        asked.Status.ShouldBe(HttpStatusCode.Created, asked.Body.ToString());
        var refund = await house.Stands(asked.Text("id"), "succeeded");
        refund.GetProperty("note").GetString().ShouldBe(Hostile);
        house.GivenBack(order, gateway).ShouldBe([RefundHouse.Price]);
        (await house.Page(order)).ShouldNotContain("<img src=x", Case.Insensitive);

        var broken = await house.Refund(order, new { note = "two\u0000lines" });
        broken.Status.ShouldBe(HttpStatusCode.UnprocessableEntity);
        broken.Body.GetProperty("errors")[0].GetProperty("field").GetString().ShouldBe("note");
    }

    [Fact]
    public async Task A_refund_reads_as_the_order_shows_it()
    {
        var order = await house.Paid("paytm");
        var asked = await house.Refund(order, new { amount = 12_345 }, "a part of it");
        var refund = await house.Stands(asked.Text("id"), "succeeded");
        var shown = (await house.Get($"/v1/orders/{order}")).Body.GetProperty("refunds").EnumerateArray().Single();
        JsonElement.DeepEquals(refund, shown).ShouldBeTrue(await Text(house.Get($"/v1/orders/{order}")));
        refund.GetProperty("reason").GetString().ShouldBe("merchant");
        refund.GetProperty("gateway_reference").GetString().ShouldNotBeNullOrEmpty();
        refund.GetProperty("done_at").GetDateTime().ShouldBeGreaterThanOrEqualTo(refund.GetProperty("requested_at").GetDateTime());
        refund.GetProperty("next_look_at").ValueKind.ShouldBe(JsonValueKind.Null);
    }
}
