using System.Net;
using Purser.Gateways;
using Purser.Orders;
using Purser.Reconciliation;
using Purser.Server.Tests.Platform;
using static Purser.Server.Tests.Settlement.StatementGateway;

namespace Purser.Server.Tests.Settlement;

/// <summary>Paid with us, failed in the statement, and denied by the gateway when it is asked: in PostgreSQL, over HTTP, to the books.</summary>
public sealed class DenialTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    static async Task<string> Status(SettlementHouse house, PaymentId payment) => (await house.Get($"/v1/orders/{payment.Order}")).Text("status");

    static Task<long> Receivable(SettlementHouse house) => house.Ask<long>("select coalesce(sum(amount), 0)::bigint from postings where account = 'receivable:shop'");

    static byte[] Failed(PaymentId payment) => Statement(Line("f", payment, kind: SettlementKind.FailedPayment, money: $"m_{payment.Reference}"));

    /// <summary>From now on the gateway answers every inquiry so.</summary>
    /// <returns>How often it was asked.</returns>
    static Func<int> Inquiries(SettlementHouse house, GatewayAnswer answer)
    {
        var asked = 0;
        house.Gateway.Inner.AnswerToInquiry = _ =>
        {
            Interlocked.Increment(ref asked);
            return answer;
        };
        return () => Volatile.Read(ref asked);
    }

    [Fact]
    public async Task The_order_is_cancelled_its_money_leaves_the_books_and_comes_back_as_late_money()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        var asked = Inquiries(house, new GatewayAnswer.Done(new Evidence.Failed("never_captured")));
        var paid = await house.Paid();
        (await Receivable(house)).ShouldBe(49900);
        SettlementHouse.Classes(await house.Settle(Failed(paid))).ShouldBe(new Dictionary<string, int> { ["ours_paid"] = 1 });
        await Until.True(async () => await Status(house, paid) == "cancelled", "the order to be cancelled");

        (await Receivable(house)).ShouldBe(0);
        (await house.Get($"/v1/payments/{paid}")).Text("status").ShouldBe("failed");
        (await house.Ask<long>("select count(*) from captures")).ShouldBe(0);
        (await house.Get("/v1/discrepancies?open=true")).Body.GetProperty("discrepancies").GetArrayLength().ShouldBe(0);
        (await house.Ask<string>("select resolution from discrepancies")).ShouldBe("failed_payment: cancel");
        (await house.Ask<long>($"select count(*) from events where type = {(int)EventType.RefundRequested}")).ShouldBe(0);
        var told = (await house.Get($"/v1/orders/{paid.Order}/explanation")).Body.ToString();
        told.ShouldContain("The order was cancelled by its policy");
        told.ShouldContain("was paid by money that its gateway denied afterwards");
        await house.Sound();

        // News from before it was taken back lead to a question, and to nothing else.
        var before = asked();
        await house.Tell(paid, "captured", 49900, $"m_{paid.Reference}");
        await Until.True(() => Task.FromResult(asked() > before), "the gateway to be asked");
        (await Status(house, paid)).ShouldBe("cancelled");
        (await Receivable(house)).ShouldBe(0);

        // A later statement has it all the same.
        SettlementHouse.Classes(await house.Settle(Statement(Line("there", paid, money: $"m_{paid.Reference}")))).ShouldBe(new Dictionary<string, int> { ["theirs_paid"] = 1 });
        (await house.Ask<long>($"select count(*) from events where type = {(int)EventType.PaymentLate}")).ShouldBe(1);
        (await house.Ask<long>($"select count(*) from events where type = {(int)EventType.RefundRequested}")).ShouldBe(1);
        (await house.Ask<long>("select count(*) from captures")).ShouldBe(1);
        await house.Sound();
    }

    [Fact]
    public async Task A_try_that_failed_under_another_name_holds_no_goods_and_the_gateway_is_asked()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        var asked = Inquiries(house, new GatewayAnswer.Unknown("busy"));
        var paid = await house.Paid();
        var before = asked();
        SettlementHouse.Classes(await house.Settle(Statement(Line("f", paid, kind: SettlementKind.FailedPayment, money: "m_another")))).ShouldBe(new Dictionary<string, int> { ["ours_paid"] = 1 });
        await Until.True(() => Task.FromResult(asked() > before), "the gateway to be asked");
        (await house.Ask<long>("select count(*) from discrepancies")).ShouldBe(0);
        (await Status(house, paid)).ShouldBe("paid");
        await house.Sound();
    }

    [Fact]
    public async Task An_order_whose_policy_asks_or_whose_goods_are_out_stays_for_a_person()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        house.Gateway.Inner.AnswerToInquiry = _ => new GatewayAnswer.Done(new Evidence.Failed("never_captured"));
        var asks = await house.Pending(policy: new { failed_payment = "ask" });
        await house.Tell(asks, "captured", 49900, $"m_{asks.Reference}");
        (await house.Get($"/v1/orders/{asks.Order}")).Body.GetProperty("policy").GetProperty("failed_payment").GetString().ShouldBe("ask");
        var shipped = await house.Paid();
        (await house.Post($"/v1/orders/{shipped.Order}/fulfilment", new { })).Status.ShouldBe(HttpStatusCode.OK);
        await house.Settle(Statement([.. new[] { asks, shipped }.Select((p, i) => Line($"f{i}", p, kind: SettlementKind.FailedPayment, money: $"m_{p.Reference}"))]));
        await Until.True(async () => await house.Ask<long>("select count(*) from discrepancies where resolved_at is null") == 4, "both questions about both");
        (await Status(house, asks), await Status(house, shipped)).ShouldBe(("paid", "paid"));
        (await Receivable(house)).ShouldBe(2 * 49900);
    }

    [Fact]
    public async Task A_policy_that_is_none_is_refused_before_anything_is_written()
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase());
        var answer = await house.Post("/v1/orders", new { currency = "INR", lines = new[] { new { name = "A book", quantity = 1, unit_amount = 49900 } }, policy = new { failed_payment = "refund" } });
        (answer.Status, answer.Text("field")).ShouldBe((HttpStatusCode.UnprocessableEntity, "policy.failed_payment"));
        (await house.Ask<long>("select count(*) from orders")).ShouldBe(0);
    }
}
