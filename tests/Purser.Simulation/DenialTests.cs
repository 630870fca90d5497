using Purser.Orders;

namespace Purser.Simulation;

/// <summary>A gateway of the worlds takes captures back as if they had never been: what the rules say of that is said of something.</summary>
public sealed class DenialTests
{
    [Fact]
    public void Orders_whose_money_their_gateway_denies_are_cancelled_and_those_that_a_person_must_look_at_stay()
    {
        var (cancelled, asked) = (0, 0L);
        // Of ten worlds three see it.
        for (var seed = 1UL; seed <= 20 && (cancelled == 0 || asked == 0); seed++)
        {
            var world = new World(seed, [.. Enumerable.Range(0, Campaign.WorldOrders)]);
            world.Run();
            world.Auditor.Violations.ShouldBeEmpty($"world {seed}");
            cancelled += world.Database.Orders.Values.Count(o => o.Row is { Status: OrderStatus.Cancelled } && o.Row.Payments.Any(p => !p.Denied.IsEmpty));
            asked += world.Auditor.Checks.GetValueOrDefault("I23 what its gateway denies is cancelled or asked about");
        }
        cancelled.ShouldBeGreaterThan(0);
        asked.ShouldBeGreaterThan(0);
    }
}
