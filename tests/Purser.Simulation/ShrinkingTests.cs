namespace Purser.Simulation;

/// <summary>What is left of a world when nearly everything is left out of it must still be a world, or the smallest schedule that fails is none.</summary>
public sealed class ShrinkingTests
{
    [Fact]
    public void A_world_in_which_nobody_orders_stumbles_over_nothing()
    {
        var gateways = new HashSet<string>();
        for (var seed = 1UL; seed <= 20; seed++)
        {
            var world = new World(seed, [], only: new HashSet<FaultPoint>());
            world.Run();
            world.Auditor.Violations.ShouldBeEmpty($"world {seed}");
            gateways.UnionWith(world.Gateways.Select(g => g.Account));
        }
        gateways.Count.ShouldBe(2 + SandboxGateway.Dialects.Count);
    }
}
