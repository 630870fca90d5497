using Purser.Orders;
using Purser.Payments;

namespace Purser.Simulation;

/// <summary>Who answers questions about money that waits in suspense: most are closed one day, and some answers are taken back. The other questions stay open,
/// for what is open when all is quiet is judged.</summary>
sealed class Clerk(World world, TimeSpan begins)
{
    static readonly TimeSpan Round = TimeSpan.FromHours(9);
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    public async Task Work()
    {
        await world.Loop.Wait(begins);
        for (var round = 0; ; round++)
        {
            foreach (var stored in world.Database.Orders.Values.OrderBy(o => o.Index).ToList()) await Look(stored, Chance.Random(Chance.Of(world.Seed, 16, stored.Index, round)));
            await world.Loop.Wait(Round);
        }
    }

    async Task Look(StoredOrder stored, Random chance)
    {
        var order = stored.Row;
        foreach (var q in order.Questions.Where(q => q.Kind is DiscrepancyKind.AmountMismatch or DiscrepancyKind.SettledOtherwise or DiscrepancyKind.SettledTwice))
            if (chance.Next(3) == 0) await Do(stored, new OrderCommand.Answer(q.Payment, q.Kind, q.MoneyReference, AnswerAction.Close, "Asha", "known"));
        foreach (var (payment, answer) in order.Payments.SelectMany(p => p.Answers.Select(a => (p.Number, a))))
            if (chance.Next(8) == 0) await Do(stored, new OrderCommand.Reopen(payment, answer.Kind, answer.MoneyReference, "Ravi", "not so"));
    }

    async Task Do(StoredOrder stored, OrderCommand command)
    {
        var heard = await world.Ask(stored.Index, life => life.Edge.Do(stored.Row.Id, command), Patience);
        if (heard.Got) world.Answers++;
    }
}
