using Purser.Orders;
using Purser.Payments;
using Purser.Refunds;
using Purser.Server.Doctor;
using Purser.Server.Engine;
using Purser.Server.Orders;
using Purser.Server.Tests.Engine;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Refunds;

public sealed class FailedPartTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    [Fact]
    public async Task A_part_that_fails_after_another_went_is_kept_as_a_question_until_it_is_given_back_anew()
    {
        await using var world = await EngineWorld.Create(await postgres.CreateDatabase());
        var id = await world.WithLink();
        var told = 0;
        async Task Do(OrderInput input) => (await world.Do(id, input)).ShouldBeOfType<EngineReply.Done>().Reply.ShouldNotBeOfType<Reply.Refused>();
        DateTimeOffset Time() => DateTimeOffset.UnixEpoch.AddSeconds(++told);
        Task Hear(RefundEvidence e, int refund) => Do(e.Learned(refund, 0, EvidenceSource.Webhook, Time(), null));
        await Do(new Evidence.Succeeded("m_1", Rupees(499), "card").Learned(1, EvidenceSource.Webhook, Time(), "k_1"));
        foreach (var part in (int[])[1, 2])
        {
            await Do(new OrderCommand.Refund(null, Rupees(part * 100), null));
            await Hear(new RefundEvidence.Succeeded(Rupees(part * 100)), part);
        }
        await Hear(new RefundEvidence.Failed("account closed"), 1);

        var name = new RefundId(id, 1).Reference;
        var store = new OrderReadStore(world.Database);
        async Task<IEnumerable<Question>> Asked() => (await store.Find(id, default))!.Order.Questions;
        (await Asked()).ShouldBe([new Question(1, DiscrepancyKind.RefundFailed, name, Rupees(100))]);
        (await world.Ask<string>("select string_agg(money_reference || ' ' || amount, ', ') from discrepancies where resolved_at is null")).ShouldBe($"{name} 10000");

        await Do(new OrderCommand.Answer(1, DiscrepancyKind.RefundFailed, name, AnswerAction.Refund, "Asha", "another account"));
        (await Asked()).ShouldBeEmpty();
        (await world.Ask<long>("select count(*) from discrepancies where resolved_at is null")).ShouldBe(0);
        (await store.Find(id, default))!.Order.Refunds.Select(r => (r.Amount, r.Status)).ShouldBe([(Rupees(100), RefundStatus.Failed), (Rupees(200), RefundStatus.Succeeded), (Rupees(100), RefundStatus.Requested)]);
        (await new InvariantStore(world.Database).Check(default)).Where(f => f.Count > 0 && !f.Name.StartsWith("No success without authenticated", StringComparison.Ordinal)).ShouldBeEmpty();
    }

    static Money Rupees(long rupees) => new(rupees * 100, Currency.Find("INR"));
}
