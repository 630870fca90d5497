using System.Collections.Immutable;
using Purser.Gateways.Tests.Outside;
using Purser.Orders;
using Purser.Refunds;

namespace Purser.Gateways.Ippopay.Tests;

/// <summary>What the documents leave open, played one way and the other by the simulator: the adapter says the same.</summary>
public sealed class IppopayOpenQuestionsTests(World world) : IClassFixture<World>
{
    static readonly IppopayGateway Gateway = new();
    static readonly Money Amount = new(19990, Currency.Find("INR"));

    [Theory]
    [InlineData("none", "")]
    [InlineData("payment_url", "shown")]
    [InlineData("order_ids", "strange")]
    [InlineData("transaction", "latest")]
    [InlineData("no_transaction", "empty")]
    [InlineData("errors", "200")]
    [InlineData("words", "capitalised")]
    public async Task A_payment_and_its_refund_are_told_alike(string question, string answer)
    {
        using var inside = await world.Fresh("ippopay");
        await world.Put("/control/ippopay/settings", new Dictionary<string, string> { [question] = answer });
        var settings = inside.Inside.Dialect.Credentials.ToImmutableDictionary();
        var account = new GatewayAccount("main", "ippopay", world.Sandbox.Url("ippopay"), settings) { TestMode = true };
        using var lines = new GatewayLines();
        var payment = new PaymentId(new OrderId(1L << 40), 1);
        var now = TimeProvider.System.GetUtcNow();

        (await Ask(null)).ShouldHaveSingleItem().ShouldBeOfType<Evidence.Absent>();
        var call = new LinkCall(account, payment, Amount, "Order 42", new Customer("Asha Rao", null, null), null, "https://pay.test/r", now.AddHours(1), now);
        var opened = (await Gateway.OpenLink(call, Line(), default)).ShouldBeOfType<GatewayAnswer.Done>().Facts.ShouldHaveSingleItem().ShouldBeOfType<Evidence.LinkOpened>();
        opened.Amount.ShouldBe(Amount);
        var name = opened.GatewayReference;
        (await Ask(name)).ShouldHaveSingleItem().ShouldBe(opened);
        await inside.Shopper(payment.Reference, "declined");
        (await Ask(name)).Select(f => f.GetType().Name).ShouldBe(["Declined", "LinkOpened"]);
        var (status, acted) = await inside.Shopper(payment.Reference, "paid");
        status.ShouldBe(200);
        var money = (await Ask(name)).OfType<Evidence.Succeeded>().ShouldHaveSingleItem();
        (money.MoneyReference, money.Amount).ShouldBe((acted["money_ids"]![0]!.ToString(), Amount));

        var refund = new RefundCall(account, new RefundId(payment.Order, 1), payment, name, money.MoneyReference, Amount, Amount, null, "Order 42", now);
        (await Gateway.InquireRefund(refund, Line(), default)).ShouldBe(new RefundAnswer.Done(new RefundEvidence.Absent()));
        for (var i = 0; i < 3; i++) (await Gateway.Refund(refund, Line(), default)).ShouldBeOfType<RefundAnswer.Done>();
        (await Gateway.InquireRefund(refund, Line(), default)).ShouldBeOfType<RefundAnswer.Done>().Fact.ShouldNotBeOfType<RefundEvidence.Absent>();
        // However it is refunded, it was paid.
        (await Ask(name)).ShouldHaveSingleItem().ShouldBe(money);

        GatewayLine Line() => lines.Open(account, Gateway.Profile);

        async Task<IReadOnlyList<Evidence>> Ask(string? reference) =>
            (await Gateway.Inquire(new InquireCall(account, payment, reference, Amount, now), Line(), default)).ShouldBeOfType<GatewayAnswer.Done>().Facts;
    }

    [Fact]
    public async Task A_refund_that_fails_later_gives_no_money_back_and_says_so()
    {
        using var inside = await world.Fresh("ippopay");
        await world.Put("/control/ippopay/settings", new Dictionary<string, string> { ["refunds"] = "fail" });
        var account = new GatewayAccount("main", "ippopay", world.Sandbox.Url("ippopay"), inside.Inside.Dialect.Credentials.ToImmutableDictionary()) { TestMode = true };
        using var lines = new GatewayLines();
        var payment = new PaymentId(new OrderId(1L << 40), 1);
        var now = TimeProvider.System.GetUtcNow();
        var call = new LinkCall(account, payment, Amount, "Order 42", new Customer(null, null, null), null, "https://pay.test/r", now.AddHours(1), now);
        var opened = (await Gateway.OpenLink(call, lines.Open(account, Gateway.Profile), default)).ShouldBeOfType<GatewayAnswer.Done>().Facts.OfType<Evidence.LinkOpened>().Single();
        var (_, acted) = await inside.Shopper(payment.Reference, "paid");
        var refund = new RefundCall(
            account, new RefundId(payment.Order, 1), payment, opened.GatewayReference, acted["money_ids"]![0]!.ToString(), Amount, Amount, null, "Order 42", now);
        await Gateway.Refund(refund, lines.Open(account, Gateway.Profile), default);
        RefundEvidence fact;
        var since = TimeProvider.System.GetTimestamp();
        do fact = (await Gateway.InquireRefund(refund, lines.Open(account, Gateway.Profile), default)).ShouldBeOfType<RefundAnswer.Done>().Fact;
        while (fact is RefundEvidence.Accepted && TimeProvider.System.GetElapsedTime(since) < World.Patience);
        fact.ShouldBeOfType<RefundEvidence.Failed>();
        (await inside.Book()).ShouldAllBe(m => m!["kind"]!.ToString() == "captured");
    }
}
