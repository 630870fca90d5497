using System.Net;
using System.Text.Json;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Refunds;

/// <summary>What goes wrong while money goes back, and that it goes back once all the same.</summary>
public sealed class RefundTroubleTests(RefundHouse house) : IClassFixture<RefundHouse>
{
    public static TheoryData<string, string> LostAnswers
    {
        get
        {
            var all = new TheoryData<string, string>();
            foreach (var gateway in RefundHouse.Gateways)
                foreach (var fault in new[] { "error_500_after", "malformed" }) all.Add(gateway, fault);
            return all;
        }
    }

    static List<string?> Texts(JsonElement sentences) => [.. sentences.EnumerateArray().Select(s => s.GetProperty("text").GetString())];

    /// <summary>Where the fault is: the money went, and nobody told us.</summary>
    [Theory]
    [MemberData(nameof(LostAnswers))]
    public async Task A_lost_answer_is_asked_about_and_the_money_goes_back_once(string gateway, string fault)
    {
        var order = await house.Paid(gateway);
        string id;
        await using (await house.Suffers(gateway, new { call = "refund", fault, times = 1 }, new { call = "webhook", fault = "drop", times = 0 }))
        {
            var asked = await house.Refund(order, new { });
            id = asked.Text("id");
            // Nothing is asked yet: silence is not failure, and the amount stays reserved.
            var lost = await house.Stands(id, "unresolved", asks: false);
            lost.GetProperty("why").GetString().ShouldNotBeNullOrEmpty();
            lost.GetProperty("next_look_at").ValueKind.ShouldBe(JsonValueKind.String);
            (await house.Refund(order, new { amount = 1 }, "once more")).Problem.ShouldBe("nothing_left");
            Texts((await house.Get($"/v1/orders/{order}/explanation")).Body.GetProperty("stands")).ShouldContain(s => s!.Contains("its answer was lost"));
            (await house.Page(order)).ShouldContain("we are making sure that it arrives");

            await house.Stands(id, "succeeded");
        }
        (await house.Source(order, "refund.succeeded")).ShouldBe("inquiry");
        house.GivenBack(order, gateway).ShouldBe([RefundHouse.Price]);
        (await house.Get($"/v1/orders/{order}")).Body.GetProperty("refunds").GetArrayLength().ShouldBe(1);
        await house.NothingIsBroken();
    }

    [Theory]
    [InlineData("razorpay", "refunds", "pending", "webhook")]
    [InlineData("stripe", "refunds", "pending", "webhook")]
    [InlineData("ccavenue", "none", "none", "inquiry")]
    public async Task Money_that_takes_its_time_is_learned_of_as_the_gateway_tells_it(string gateway, string setting, string value, string source)
    {
        await using var slow = await house.Behaves(gateway, setting, value);
        var order = await house.Paid(gateway);
        string id;
        await using (house.StandStill())
        {
            id = (await house.Refund(order, new { })).Text("id");
            await house.Stands(id, "sent", asks: false);
            (await house.Get($"/v1/orders/{order}")).Text("status").ShouldBe("paid");
            (await house.Get($"/v1/orders/{order}/explanation")).Body.GetProperty("shopper").GetProperty("text").GetString()!
                .ShouldContain("Refund of ₹499.00 INR: on the way.");
            (await house.Page(order)).ShouldContain("499.00 INR: on the way");
        }

        await house.Stands(id, "succeeded", asks: source == "inquiry");
        (await house.Source(order, "refund.succeeded")).ShouldBe(source);
        house.GivenBack(order, gateway).ShouldBe([RefundHouse.Price]);
    }

    [Theory]
    [InlineData("razorpay", "balance", "empty")]
    [InlineData("paytm", "refund", "balance")]
    [InlineData("ccavenue", "refund", "TS-REFF")]
    public async Task A_refund_that_the_gateway_refuses_frees_its_amount_and_a_person_is_told(string gateway, string setting, string value)
    {
        var order = await house.Paid(gateway);
        string id;
        await using (await house.Behaves(gateway, setting, value))
        {
            id = (await house.Refund(order, new { amount = 20_000 }, "refused")).Text("id");
            (await house.Stands(id, "failed")).GetProperty("why").GetString().ShouldNotBeNullOrEmpty();
        }
        var now = await house.Get($"/v1/orders/{order}");
        now.Text("status").ShouldBe("paid");
        now.Body.GetProperty("questions").EnumerateArray().Single().GetProperty("kind").GetString().ShouldBe("refund_failed");
        var told = (await house.Get($"/v1/orders/{order}/explanation")).Body;
        Texts(told.GetProperty("stands")).ShouldContain(s => s!.StartsWith("The refund of 200.00 INR from payment 1 failed", StringComparison.Ordinal));
        told.GetProperty("shopper").GetProperty("text").GetString()!.ShouldContain("Refund of ₹200.00 INR: it did not work yet.");
        (await house.Page(order)).ShouldContain("200.00 INR: it did not work yet");
        house.GivenBack(order, gateway).ShouldBeEmpty();

        var again = await house.Refund(order, new { });
        again.Status.ShouldBe(HttpStatusCode.Created, again.Body.ToString());
        again.Body.GetProperty("amount").GetInt64().ShouldBe(RefundHouse.Price);
        await house.Stands(again.Text("id"), "succeeded");
        house.GivenBack(order, gateway).ShouldBe([RefundHouse.Price]);
        (await house.Get($"/v1/orders/{order}")).Body.GetProperty("questions").GetArrayLength().ShouldBe(0);
        await house.NothingIsBroken();
    }

    [Theory]
    [InlineData("razorpay", "ccavenue")]
    [InlineData("ccavenue", "stripe")]
    [InlineData("stripe", "paytm")]
    [InlineData("paytm", "razorpay")]
    public async Task Money_that_came_twice_goes_back_by_policy_once(string first, string second)
    {
        var order = await house.Place(secondLink: "allow");
        await house.Open(order, first, payment: 1);
        await house.Open(order, second, payment: 2);
        var id = $"ref_{order[4..]}_1";
        // Neither gateway tells of its money, or the other link would be closed before it is paid.
        object silence = new { call = "webhook", fault = "drop", times = 0 };
        await using var one = await house.Suffers(first, silence);
        await using var other = await house.Suffers(second, silence);
        await house.Pay(order, first, payment: 1);
        await house.Pay(order, second, payment: 2);
        await Until.True(async () => await house.Rung(order, o => o.GetProperty("refunds").GetArrayLength() == 1), "a refund by policy");

        var refund = await house.Stands(id, "succeeded");
        refund.GetProperty("reason").GetString().ShouldBe("duplicate");
        var now = await house.Get($"/v1/orders/{order}");
        now.Text("status").ShouldBe("paid");
        // Whichever was heard of first pays the order.
        var (kept, back) = now.Text("paid_by") == RefundHouse.Of(order, 1) ? (1, 2) : (2, 1);
        refund.GetProperty("payment").GetString().ShouldBe(RefundHouse.Of(order, back));
        house.GivenBack(order, kept == 1 ? first : second, kept).ShouldBeEmpty();
        house.GivenBack(order, back == 1 ? first : second, back).ShouldBe([RefundHouse.Price]);
        // By hand as well, it is the same refund.
        (await house.Refund(order, new { payment = RefundHouse.Of(order, back) })).Text("id").ShouldBe(id);
        (await house.Refund(order, new { payment = RefundHouse.Of(order, back), amount = 1 }, "a part")).Problem.ShouldBe("nothing_left");
        (await house.Get($"/v1/orders/{order}")).Body.GetProperty("refunds").GetArrayLength().ShouldBe(1);
        house.GivenBack(order, back == 1 ? first : second, back).Count.ShouldBe(1);
        var told = (await house.Get($"/v1/orders/{order}/explanation")).Body;
        told.GetProperty("shopper").GetProperty("text").GetString()!.ShouldContain("Refund of your second payment, ₹499.00 INR: paid back.");
        (await house.Page(order)).ShouldContain("499.00 INR: paid back");
        await house.NothingIsBroken();
    }

    [Fact]
    public async Task Money_that_failed_to_arrive_days_later_is_the_merchants_again()
    {
        await using var bank = await house.Behaves("stripe", "refunds", "fails_later");
        var order = await house.Paid("stripe");
        string id;
        await using (house.StandStill())
        {
            id = (await house.Refund(order, new { })).Text("id");
            await house.Stands(id, "succeeded", asks: false);
        }
        var failed = await house.Stands(id, "failed", asks: false);
        failed.GetProperty("why").GetString().ShouldBe("expired_or_canceled_card");

        house.GivenBack(order, "stripe").Sum().ShouldBe(0);
        var now = await house.Get($"/v1/orders/{order}");
        now.Text("status").ShouldBe("paid");
        now.Body.GetProperty("amounts").GetProperty("refunded").GetInt64().ShouldBe(0);
        (await house.Page(order)).ShouldContain("499.00 INR: it did not work yet");
        await house.NothingIsBroken();
    }
}
