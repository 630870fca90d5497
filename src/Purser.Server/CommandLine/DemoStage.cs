using System.Diagnostics;

namespace Purser.Server.CommandLine;

/// <summary>One gateway, at which the stories are played. What a gateway cannot do is found out from its answers, and said.</summary>
/// <param name="Api">Purser's, as the merchant; follows no redirects.</param>
/// <param name="Speed">How many times faster than life the gateway's time passes.</param>
/// <param name="Door">Lets so many shoppers in at once, at all gateways together: a hundred who came in the same second would wait for each other and
/// not for what their stories are about.</param>
sealed record DemoStage(
    SandboxProcess Sandbox, SandboxProcess.Gateway Gateway, IReadOnlyList<string> Currencies, bool ClosesLinks, HttpClient Api, double Speed, SemaphoreSlim Door)
{
    /// <summary>All at once, for a fault strikes only the order of its story; those that wait longest come first.</summary>
    public Task<DemoResult[]> Play(CancellationToken stop) => Task.WhenAll(DemoStory.All
        .OrderBy(s => s.Faults.Any(f => f.Call == "create_link") ? 0 : s.End is DemoEnd.PaidTwice or DemoEnd.Late or DemoEnd.LinkEnded ? 1 : 2).Select(s => Play(s, stop)));

    async Task<DemoResult> Play(DemoStory story, CancellationToken stop)
    {
        if (story.Closes && !ClosesLinks) return new DemoResult(Gateway.Name, story.Name, "-", "has no call that closes a link", null);
        if (story.Currency is { } wanted && !Currencies.Contains(wanted)) return new DemoResult(Gateway.Name, story.Name, "-", $"does not take {wanted}", null);
        var since = Stopwatch.GetTimestamp();
        var scene = new DemoScene(this, story, stop);
        DemoResult result;
        try
        {
            result = await scene.Play();
        }
        catch (DemoStuckException stuck)
        {
            result = new DemoResult(Gateway.Name, story.Name, "WRONG", null, stuck.Message);
        }
        result = result with { Seconds = Stopwatch.GetElapsedTime(since).TotalSeconds, OrderId = scene.Order };
        // The first rule is the story's own; a second one only makes it felt.
        return story.Faults.Count == 0 || scene.Order is null || await scene.Relieve() is [> 0, ..] || result.Wrong is not null
            ? result : result with { Note = story.Faults[0].Idle, Ended = $"({result.Ended})" };
    }

    public Uri Control(string what) => new($"/control/{Gateway.Name}/{what}", UriKind.Relative);
}
