using Purser.Orders;
using Purser.Payments;

namespace Purser.Simulation;

/// <summary>One gateway tells of no money for six hours: its webhooks are lost, no browser comes back, its answers to questions about payments fail. That what is
/// open at the end is for persons is one of the rules of every world: <see cref="OpenQuestions"/>.</summary>
public sealed class SilenceTests
{
    const int Seeds = 4;
    const int DayOrders = 300;

    [Fact]
    public void Six_silent_hours_with_a_statement_in_them_reconcile_to_zero_unexplained_money()
    {
        var (foundByStatements, closed) = (0, 0);
        for (var seed = 1UL; seed <= Seeds; seed++)
        {
            var world = new World(seed, [.. Enumerable.Range(0, Campaign.WorldOrders)], day: SilentDay.Short(seed));
            world.Run();
            world.Auditor.Violations.ShouldBeEmpty($"world {seed}, {world.Mute!.Account} silent");
            OnlyPersonsAreLeft(world);
            foundByStatements += world.Database.Orders.Values.Count(o => o.Events.Exists(e => e.Account == world.Mute!.Account && e.Source == EvidenceSource.Settlement
                && e.Type is EventType.PaymentSucceeded or EventType.PaymentLate or EventType.PaymentDuplicate));
            closed += world.Open.Closed;
        }
        foundByStatements.ShouldBeGreaterThan(10);
        closed.ShouldBeGreaterThan(0);
    }

    [Fact]
    public void A_day_with_six_silent_hours_leaves_open_only_what_a_person_must_answer()
    {
        var day = SilentDay.Of(1);
        var world = new World(Campaign.SeedOf(1, 0), [.. Enumerable.Range(0, DayOrders)], day: day);
        world.Run();
        world.Auditor.Violations.ShouldBeEmpty($"{world.Mute!.Account} silent");
        world.Database.Orders.Values.Max(o => o.Row.CreatedAt).ShouldBeGreaterThan(world.Database.Orders.Values.Min(o => o.Row.CreatedAt) + TimeSpan.FromHours(20));
        OnlyPersonsAreLeft(world);
    }

    /// <summary>Each open question was given a reason, and the rule that demands one was looked at as often.</summary>
    static void OnlyPersonsAreLeft(World world)
    {
        world.Open.Reasons.Values.Sum().ShouldBe(world.Database.Orders.Values.Sum(o => o.Row.Questions.Count()) + world.Database.Statements.Discrepancies.Values.Count(d => d.Resolution is null));
        world.Open.Reasons.Values.Sum().ShouldBe(world.Auditor.Checks.GetValueOrDefault(OpenQuestions.Rule));
    }
}
