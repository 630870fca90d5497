using Purser.Orders;
using Purser.Refunds;

namespace Purser.Gateways.Tests.Contract;

// Money that goes back: once, however often it is asked for, and never more than came.
public abstract partial class GatewayContract<TGateway>
{
    [Fact]
    public async Task The_same_refund_asked_for_many_times_moves_money_once()
    {
        if (Gateway is not IRefundMoney) return;
        var (call, refund) = await PaidAndToRefund(Amount.MinorUnits / 2);
        for (var i = 0; i < 4; i++) (await Refund(refund)).ShouldNotBeOfType<RefundAnswer.Rejected>();
        (await Ended(refund)).ShouldBeOfType<RefundEvidence.Succeeded>().Amount.ShouldBe(refund.Amount);
        (await Returned(call)).ShouldBe([refund.Amount]);
    }

    [Fact]
    public async Task Money_can_go_back_in_parts_and_not_more_than_came()
    {
        if (Gateway is not IRefundMoney) return;
        var (call, first) = await PaidAndToRefund(Amount.MinorUnits / 4);
        var rest = first with { Refund = new RefundId(first.Refund.Order, 2), Amount = first.Captured - first.Amount };
        var beyond = first with { Refund = new RefundId(first.Refund.Order, 3), Amount = new Money(100, Amount.Currency) };
        (await Refund(first)).ShouldBeOfType<RefundAnswer.Done>();
        await Ended(first);
        if (Gateway.Profile.RefundsOnce)
        {
            await Refund(rest);
            await Ended(rest);
            (await Returned(call)).ShouldBe([first.Amount]);
            return;
        }
        (await Refund(rest)).ShouldBeOfType<RefundAnswer.Done>();
        await Ended(rest);
        (await Refund(beyond)).ShouldBeOfType<RefundAnswer.Rejected>();
        (await Returned(call)).Order().ShouldBe([first.Amount, rest.Amount]);
    }

    [Theory]
    [InlineData("refuse")]
    [InlineData("error_500")]
    [InlineData("error_500_after")]
    [InlineData("error_429")]
    [InlineData("timeout_before")]
    [InlineData("timeout_after")]
    [InlineData("malformed")]
    [InlineData("malformed_html")]
    [InlineData("empty")]
    public async Task A_refund_whose_answer_was_lost_is_found_or_asked_for_again_and_never_paid_twice(string fault)
    {
        if (Gateway is not IRefundMoney) return;
        var (call, refund) = await PaidAndToRefund(Amount.MinorUnits);
        await sandbox!.Fault("refund", fault);
        var answer = await Refund(refund);
        if (answer is not RefundAnswer.NotSent) answer.ShouldBeOfType<RefundAnswer.Unknown>();
        await sandbox.ClearFaults();

        var moved = (await Returned(call)).Count > 0;
        var fact = (await InquireRefund(refund)).ShouldBeOfType<RefundAnswer.Done>().Fact;
        if (moved) fact.ShouldNotBeOfType<RefundEvidence.Absent>();
        await Refund(refund);
        (await Ended(refund)).ShouldBeOfType<RefundEvidence.Succeeded>();
        (await Returned(call)).ShouldBe([refund.Amount]);
    }

    [Theory]
    [InlineData("error_500")]
    [InlineData("error_429")]
    [InlineData("timeout_before")]
    [InlineData("malformed")]
    [InlineData("malformed_html")]
    [InlineData("empty")]
    public async Task An_inquiry_about_a_refund_that_fails_says_nothing(string fault)
    {
        if (Gateway is not IRefundMoney) return;
        var (_, refund) = await PaidAndToRefund(Amount.MinorUnits);
        var name = (await Refund(refund)).ShouldBeOfType<RefundAnswer.Done>().Fact.RefundReference;
        await sandbox!.Faults([.. RefundIsAskedBy.Select(c => (c, fault))]);
        foreach (var reference in (string?[])[null, name])
            (await InquireRefund(refund with { RefundReference = reference })).ShouldBeOfType<RefundAnswer.Unknown>();
    }

    [Fact]
    public async Task A_refund_that_nobody_asked_for_is_absent()
    {
        if (Gateway is not IRefundMoney) return;
        var (_, refund) = await PaidAndToRefund(Amount.MinorUnits);
        (await InquireRefund(refund)).ShouldBeOfType<RefundAnswer.Done>().Fact.ShouldBeOfType<RefundEvidence.Absent>();
    }

    [Fact]
    public async Task A_refund_of_money_that_never_came_is_refused()
    {
        if (Gateway is not IRefundMoney) return;
        var (_, refund) = await PaidAndToRefund(Amount.MinorUnits);
        (await Refund(refund with { MoneyReference = NobodysMoney })).ShouldBeOfType<RefundAnswer.Rejected>();
    }

    /// <summary>The calls, as the simulator names them, by which a refund is asked about.</summary>
    protected virtual IEnumerable<string> RefundIsAskedBy => ["inquire_refund"];

    /// <summary>A name of the gateway's form that no money has.</summary>
    protected virtual string NobodysMoney => "pay_00000000000000";

    async Task<(LinkCall Call, RefundCall Refund)> PaidAndToRefund(long minorUnits)
    {
        var call = await Start();
        var opened = Opened(await Open(call));
        await sandbox!.Act(call.Payment, "paid");
        var money = Facts(await Inquire(call, opened.GatewayReference)).OfType<Evidence.Succeeded>().ShouldHaveSingleItem();
        return (call, new RefundCall(
            call.Account, new RefundId(call.Payment.Order, 1), call.Payment, opened.GatewayReference, money.MoneyReference, money.Amount,
            new Money(minorUnits, Amount.Currency), null, "Order 42", call.StartedAt));
    }

    Task<RefundAnswer> Refund(RefundCall call) => ((IRefundMoney)Gateway).Refund(call, Line(call.Account), default);

    Task<RefundAnswer> InquireRefund(RefundCall call) => ((IRefundMoney)Gateway).InquireRefund(call, Line(call.Account), default);

    /// <summary>What an inquiry says once the gateway is done with it.</summary>
    async Task<RefundEvidence> Ended(RefundCall refund)
    {
        var since = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var fact = (await InquireRefund(refund)).ShouldBeOfType<RefundAnswer.Done>().Fact;
            if (fact is RefundEvidence.Succeeded or RefundEvidence.Failed || TimeProvider.System.GetElapsedTime(since) > SandboxWorld.Patience) return fact;
            await Task.Delay(50);
        }
    }

    async Task<List<Money>> Returned(LinkCall call) =>
        [.. (await sandbox!.Book(call.Payment)).Where(m => m.Kind == "refunded").Select(m => new Money(m.Amount, Currency.Find(m.Currency.ToUpperInvariant())))];
}
