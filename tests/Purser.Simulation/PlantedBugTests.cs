namespace Purser.Simulation;

/// <summary>A checker that cannot find known bugs is worth nothing. And one that finds them everywhere is worth no more.</summary>
public sealed class PlantedBugTests
{
    /// <summary>The seeds within which each must be found, and with which the product as it is must be clean.</summary>
    const int MostSeeds = 8;
    const ulong FirstSeed = 900;

    public static TheoryData<string> Names => [.. PlantedBugs.All.Select(b => b.Name)];

    [Fact]
    public void At_least_ten_known_bugs_are_planted() => PlantedBugs.All.Count.ShouldBeGreaterThanOrEqualTo(10);

    [Theory]
    [MemberData(nameof(Names))]
    public void A_known_bug_is_found_by_the_rules_that_it_breaks(string name)
    {
        var bug = PlantedBugs.Find(name)!;
        bug.BreaksRules.ShouldNotBeEmpty();
        var spoken = new SortedSet<string>(StringComparer.Ordinal);
        for (var nth = 0; nth < MostSeeds && !spoken.IsSupersetOf(bug.BreaksRules); nth++)
        {
            var seed = FirstSeed + (ulong)nth;
            var world = new World(Campaign.SeedOf(seed, 0), [.. Enumerable.Range(0, Campaign.WorldOrders)], bug, day: bug.NeedsSilence ? SilentDay.Short(seed) : null);
            world.Run(() => Heard().IsSupersetOf(bug.BreaksRules));
            Heard();

            SortedSet<string> Heard()
            {
                spoken.UnionWith(world.Auditor.Violations.Select(v => v.Rule));
                return spoken;
            }
        }
        spoken.IsSupersetOf(bug.BreaksRules).ShouldBeTrue($"{name} must be found within {MostSeeds} seeds; these spoke: {string.Join("; ", spoken)}");
    }

    static readonly Lazy<IReadOnlyList<Campaign>> AsItIs =
        new(() => [.. Enumerable.Range(0, MostSeeds).Select(nth => new Campaign(FirstSeed + (ulong)nth, Campaign.WorldOrders).Run())]);

    [Fact]
    public void The_product_as_it_is_breaks_nothing_with_the_same_seeds() =>
        AsItIs.Value.SelectMany(c => c.Failures).SelectMany(f => f.Violations).ShouldBeEmpty();

    /// <summary>What no crash ever struck is not shown to survive one.</summary>
    [Fact]
    public void Crashes_strike_at_every_point_around_a_commit()
    {
        var struck = AsItIs.Value.SelectMany(c => c.Crashes).Where(c => c.Value > 0).Select(c => c.Key).Distinct().ToList();
        foreach (var point in (string[])["C1", "C2", "C3", "C4", "C5", "C6", "C7", "C8"])
            struck.ShouldContain(when => when.EndsWith($"({point})", StringComparison.Ordinal) || when.Contains($"({point}: ", StringComparison.Ordinal), point);
    }

    /// <summary>What never happened is not shown to be right.</summary>
    [Fact]
    public void Forms_are_asked_for_again_and_news_that_were_kept_aside_are_read_again()
    {
        var lived = AsItIs.Value;
        lived.Sum(c => c.FormsHandedOut).ShouldBeGreaterThan(0);
        lived.Sum(c => c.FormsHeldBack).ShouldBeGreaterThan(0);
        lived.Sum(c => c.Checks.GetValueOrDefault("I3 a form is handed out once per try")).ShouldBeGreaterThan(0);
        lived.Sum(c => c.PlacedNews).ShouldBeGreaterThan(0);
        lived.SelectMany(c => c.Crashes.Keys).ShouldContain("after it took what was kept aside");
    }

    [Fact]
    public void Orders_are_held_by_others_and_lost_commits_end_or_arrive_later()
    {
        var lived = AsItIs.Value;
        foreach (var kind in (string[])["StoreLock: HeldByAnother", "StoreCommit: CommittedLate", "StoreCommit: RolledBackLate", "StoreGuess: ArrivesLate"])
            lived.Sum(c => c.Faults.GetValueOrDefault(kind)).ShouldBeGreaterThan(0, kind);
        lived.Sum(c => c.HeldBack).ShouldBeGreaterThan(0);
        lived.Sum(c => c.StillUnderWay).ShouldBeGreaterThan(0);
    }

    [Fact]
    public void The_four_scenarios_and_rows_of_failed_payments_are_met()
    {
        var lived = AsItIs.Value;
        foreach (var scenario in (string[])["both paid", "both unpaid", "ours paid alone"]) lived.Sum(c => c.Scenarios.GetValueOrDefault(scenario)).ShouldBeGreaterThan(0, scenario);
        lived.Sum(c => c.Lines.GetValueOrDefault("BothUnpaid")).ShouldBeGreaterThan(0);
        lived.Sum(c => c.Lines.GetValueOrDefault("OursPaid")).ShouldBeGreaterThan(0);
    }

    [Fact]
    public void The_same_seed_is_the_same_world_and_another_is_another()
    {
        var first = new Campaign(1, 100).Run().Hash;
        new Campaign(1, 100).Run().Hash.ShouldBe(first);
        new Campaign(2, 100).Run().Hash.ShouldNotBe(first);
    }
}
