using Purser.Orders;
using Purser.Payments;
using Purser.Reconciliation;

namespace Purser.Simulation;

/// <summary>One gateway tells of no money for six hours: its webhooks are lost, no browser comes back, its answers to questions about payments fail. Its
/// statement is made within them.</summary>
public sealed class SilenceTests
{
    const int Seeds = 4;

    [Fact]
    public void Six_silent_hours_reconcile_to_zero_unexplained_money()
    {
        var foundByStatements = 0;
        for (var seed = 1UL; seed <= Seeds; seed++)
        {
            var world = new World(seed, [.. Enumerable.Range(0, Campaign.WorldOrders)], silent: true);
            world.Run();
            world.Auditor.Violations.ShouldBeEmpty($"world {seed}, {world.Mute!.Account} silent");
            foundByStatements += world.Database.Orders.Values.Count(o => o.Events.Exists(e => e.Account == world.Mute!.Account && e.Source == EvidenceSource.Settlement
                && e.Type is EventType.PaymentSucceeded or EventType.PaymentLate or EventType.PaymentDuplicate));
        }
        foundByStatements.ShouldBeGreaterThan(10);
    }
}
