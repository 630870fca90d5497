using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json;

namespace Purser.Server.CommandLine;

/// <summary>One gateway, at which the stories are played. What a gateway cannot do is found out from its answers, and said.</summary>
/// <param name="Api">Purser's, as the merchant; follows no redirects.</param>
/// <param name="Speed">How many times faster than life the gateway's time passes.</param>
sealed record DemoStage(SandboxProcess Sandbox, SandboxProcess.Gateway Gateway, IReadOnlyList<string> Currencies, bool ClosesLinks, HttpClient Api, double Speed)
{
    /// <summary>Stories with a fault one after another, for a fault plan is the gateway's; the others at once.</summary>
    public async Task<IReadOnlyList<DemoResult>> Play(CancellationToken stop)
    {
        var results = (await Task.WhenAll(DemoStory.All.Where(s => s.Faults.Count == 0).Select(s => Play(s, stop)))).ToList();
        foreach (var story in DemoStory.All.Where(s => s.Faults.Count > 0))
        {
            using var set = await Sandbox.Control.PutAsJsonAsync(Control("faults"), story.Faults.Select(f => f.Rule), stop);
            set.EnsureSuccessStatusCode();
            var result = await Play(story, stop);
            var struck = (await Sandbox.Control.GetFromJsonAsync<JsonElement>(Control("faults"), stop)).EnumerateArray().Select(f => f.GetProperty("struck").GetInt64()).ToList();
            using var cleared = await Sandbox.Control.DeleteAsync(Control("faults"), stop);
            cleared.EnsureSuccessStatusCode();
            // The first rule is the story's own; a second one only makes it felt.
            results.Add(struck[0] > 0 || result.Wrong is not null || result.OrderId is null ? result : result with { Note = story.Faults[0].Idle, Ended = $"({result.Ended})" });
        }
        return results;
    }

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
        return result with { Seconds = Stopwatch.GetElapsedTime(since).TotalSeconds, OrderId = scene.Order };
    }

    public Uri Control(string what) => new($"/control/{Gateway.Name}/{what}", UriKind.Relative);
}
