namespace Purser.Gateways.Tests.Line;

/// <summary>What one conversation leaves for the next ones of its account.</summary>
public sealed class MemoryTests
{
    readonly ManualTime time = new();

    [Fact]
    public void It_lasts_for_its_time_and_belongs_to_one_account()
    {
        using var lines = new GatewayLines(new ScriptedNetwork(_ => ScriptedNetwork.Answer("")), time);
        Open("main").Remember("token", "A", TimeSpan.FromMinutes(5));
        Open("main").Remember("stale", "B", TimeSpan.Zero);
        Open("main").Recall("token").ShouldBe("A");
        Open("main").Recall("stale").ShouldBeNull();
        Open("other").Recall("token").ShouldBeNull();
        time.Advance(TimeSpan.FromMinutes(5));
        Open("main").Recall("token").ShouldBeNull();

        GatewayLine Open(string account) => TestAccount.Open(lines, name: account);
    }

    [Fact]
    public void It_can_be_forgotten_and_holds_few_things()
    {
        using var lines = new GatewayLines(new ScriptedNetwork(_ => ScriptedNetwork.Answer("")), time);
        var line = TestAccount.Open(lines);
        for (var i = 1; i <= 20; i++) line.Remember($"token {i}", $"{i}", TimeSpan.FromMinutes(i));
        Enumerable.Range(1, 20).Count(i => line.Recall($"token {i}") is not null).ShouldBe(8);
        line.Recall("token 20").ShouldBe("20");
        line.Forget("token 20");
        line.Recall("token 20").ShouldBeNull();
    }
}
