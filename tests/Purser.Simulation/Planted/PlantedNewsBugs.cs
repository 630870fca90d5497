namespace Purser.Simulation;

/// <summary>What other systems were found to do wrong with news that they could not place.</summary>
static class PlantedNewsBugs
{
    public static IReadOnlyList<PlantedBug> All { get; } = [new KeptAsideForEver(), new SecondReadingTakenForADuplicate()];

    /// <summary>A list that nobody reads.</summary>
    sealed class KeptAsideForEver : PlantedBug
    {
        public override IReadOnlyList<string> BreaksRules => ["I16 what is kept aside finds its place"];

        public override bool ReadsNothingAgain => true;
    }

    /// <summary>It was here before, so it is nothing new.</summary>
    sealed class SecondReadingTakenForADuplicate : PlantedBug
    {
        public override IReadOnlyList<string> BreaksRules => ["I16 what is kept aside finds its place"];

        public override bool TakesTheSecondReadingForTheFirst => true;
    }
}
