using Purser.Orders;
using Purser.Payments;

namespace Purser.Gateways.Tests.Contract;

// An answer that was meant for somebody else says nothing of ours, whichever call of a conversation it comes to.
public abstract partial class GatewayContract<TGateway>
{
    /// <summary>No conversation has so many calls.</summary>
    const int MostCalls = 12;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_answer_to_somebody_elses_order_is_not_our_link(bool arrives)
    {
        if (Gateway.Profile.LinkIsForm) return;
        var call = await Start();
        using var other = new Crossing();
        Opened(await Over(other, line => Gateway.OpenLink(call, line, default)));
        var strikes = 0;
        for (; strikes < MostCalls; strikes++)
        {
            var ours = call with { Payment = new PaymentId(call.Payment.Order, strikes + 2) };
            using var crossing = new Crossing(other, strikes, arrives);
            var answer = await Over(crossing, line => Gateway.OpenLink(ours, line, default));
            if (!crossing.Struck) break;
            // A no would be taken for proof that nothing of ours was created.
            answer.ShouldNotBeOfType<GatewayAnswer.Rejected>($"call {strikes}");
            if (answer is not GatewayAnswer.Done done) continue;
            var own = (await sandbox!.Links(ours.Payment)).Select(l => l.Id).Append(ours.Payment.Reference).ToList();
            done.Facts.ShouldAllBe(f => f is Evidence.Absent || own.Contains(f.GatewayReference!), $"call {strikes}: {answer}");
            done.Facts.ShouldNotContain(f => f is Evidence.Succeeded || f is Evidence.Failed);
        }
        strikes.ShouldBeInRange(1, MostCalls - 1);
    }

    [Theory]
    [InlineData("paid")]
    [InlineData("declined")]
    [InlineData("expired")]
    public async Task The_answer_to_somebody_elses_question_is_no_answer(string outcome)
    {
        if (Told(outcome) is null) return;
        var (call, other) = await TwoLinks(outcome);
        using var theirs = new Crossing();
        await Over(theirs, line => Gateway.Inquire(Inquiry(other, names[other.Payment]), line, default));
        var name = names[call.Payment];
        foreach (var reference in KnownByOurReference ? (string?[])[null, name] : [name])
        {
            var honest = await Inquire(call, reference);
            var strikes = 0;
            for (; strikes < MostCalls; strikes++)
            {
                using var crossing = new Crossing(theirs, strikes, arrives: true);
                var answer = await Over(crossing, line => Gateway.Inquire(Inquiry(call, reference), line, default));
                if (!crossing.Struck) break;
                ShouldBeNoNews(answer, honest, $"call {strikes}");
            }
            strikes.ShouldBeInRange(1, MostCalls - 1);
        }
    }

    [Theory]
    [InlineData("paid")]
    [InlineData("abandoned")]
    public async Task The_answer_to_somebody_elses_cancellation_closes_nothing(string outcome)
    {
        if (Gateway is not ICancelLinks cancels) return;
        var (call, other) = await TwoLinks(outcome);
        using var theirs = new Crossing();
        await Over(theirs, line => cancels.CancelLink(Inquiry(other, names[other.Payment]), line, default));
        var strikes = 0;
        for (; strikes < MostCalls; strikes++)
        {
            var ours = call with { Payment = new PaymentId(call.Payment.Order, strikes + 3) };
            var name = Opened(await Open(ours)).GatewayReference;
            using var crossing = new Crossing(theirs, strikes, arrives: false);
            var answer = await Over(crossing, line => cancels.CancelLink(Inquiry(ours, name), line, default));
            if (!crossing.Struck) break;
            if (answer is not GatewayAnswer.Done done) continue;
            done.Facts.ShouldAllBe(f => f is Evidence.Absent || f.GatewayReference == name, $"call {strikes}: {answer}");
            done.Facts.ShouldNotContain(f => f is Evidence.Succeeded);
            // Who says that it is closed must have closed it.
            if (done.Facts.Any(f => f is Evidence.LinkCancelled or Evidence.LinkExpired)) (await sandbox!.Act(ours.Payment, "paid")).Outcome.ShouldBe("refused", $"call {strikes}");
        }
        strikes.ShouldBeInRange(1, MostCalls - 1);
    }

    /// <summary>One link that nobody used, and one on which something happened.</summary>
    async Task<(LinkCall Ours, LinkCall Other)> TwoLinks(string outcome)
    {
        var other = await Start();
        Opened(await Open(other));
        (await sandbox!.Act(other.Payment, outcome)).Outcome.ShouldBe(outcome);
        var ours = other with { Payment = new PaymentId(other.Payment.Order, 2) };
        Opened(await Open(ours));
        return (ours, other);
    }

    /// <summary>Unknown, absent, or what the right answer says.</summary>
    static void ShouldBeNoNews(GatewayAnswer answer, GatewayAnswer honest, string how)
    {
        if (answer is GatewayAnswer.Unknown or GatewayAnswer.Done { Facts: [Evidence.Absent] }) return;
        Told(answer).ShouldBe(Told(honest), how);

        static IEnumerable<string> Told(GatewayAnswer answer) => Facts(answer).Select(f => $"{f.GetType().Name} {f.GatewayReference} {(f as Evidence.LinkOpened)?.Amount}");
    }

    /// <summary>One conversation with its own wires, which remember no earlier one.</summary>
    async Task<GatewayAnswer> Over(Crossing network, Func<GatewayLine, Task<GatewayAnswer>> talk)
    {
        using var apart = new GatewayLines(network, limits: Patient);
        return await talk(apart.Open(sandbox!.Account, Gateway.Profile));
    }
}
