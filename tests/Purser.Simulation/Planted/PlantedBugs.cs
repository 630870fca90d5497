namespace Purser.Simulation;

/// <summary>All of them.</summary>
static class PlantedBugs
{
    public static IReadOnlyList<PlantedBug> All { get; } = [];

    public static PlantedBug? Find(string name) => All.FirstOrDefault(b => b.Name.Equals(name, StringComparison.OrdinalIgnoreCase));
}
