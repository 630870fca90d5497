using System.Collections.Concurrent;
using System.Text.Json.Nodes;

namespace Purser.Sandbox;

/// <summary>Something a gateway told, or meant to tell, and every try to do so.</summary>
public sealed class WebhookEvent(string id, string type, string? linkId, DateTimeOffset at, byte[] said, IReadOnlyList<string> secrets)
{
    readonly ConcurrentQueue<WebhookAttempt> attempts = new();

    public string Id { get; } = id;

    public string Type { get; } = type;

    public string? LinkId { get; } = linkId;

    public DateTimeOffset At { get; } = at;

    /// <summary>What happened. A hundred thousand events are kept, so not as a tree.</summary>
    public JsonObject Payload => (JsonObject)JsonNode.Parse(said)!;

    /// <summary>What the fault plan made of it.</summary>
    public string? Fault { get; internal set; }

    /// <summary>Why nothing was sent, where nothing was.</summary>
    public string? NotSent { get; internal set; }

    public IReadOnlyCollection<WebhookAttempt> Attempts => attempts;

    /// <summary>The secrets of the day.</summary>
    internal IReadOnlyList<string> Secrets { get; } = secrets;

    internal void Add(WebhookAttempt attempt) => attempts.Enqueue(attempt);
}

/// <summary>One try: the HTTP status, or 0 and why there was none.</summary>
public sealed record WebhookAttempt(DateTimeOffset At, int Status, string? Failure, int Number)
{
    public string? Url { get; init; }

    /// <summary>What signed it.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();

    /// <summary>The fault that made this message; null for the genuine one.</summary>
    public string? Altered { get; init; }

    /// <summary>What was sent, where it was not the event's own words.</summary>
    public string? Body { get; init; }

    /// <summary>The beginning of what came back.</summary>
    public string? Answer { get; init; }
}

/// <summary>Where webhooks go, what signs them and which are wanted.</summary>
/// <param name="Url">Null: nobody listens.</param>
/// <param name="Secrets">Today's first.</param>
/// <param name="Wanted">Event types, where a * at the end stands for anything; none named means all.</param>
public sealed record WebhookEndpoint(Uri? Url, IReadOnlyList<string> Secrets, IReadOnlyList<string> Wanted)
{
    /// <summary>The gateway has given it up.</summary>
    public bool Disabled { get; init; }

    /// <summary>Webhooks go over HTTP; a path alone would be a file to some readers of addresses.</summary>
    internal static bool CanBe(string url) => Uri.TryCreate(url, UriKind.Absolute, out var address) && (address.Scheme == Uri.UriSchemeHttp || address.Scheme == Uri.UriSchemeHttps);

    internal string? WhyNot(string type)
    {
        if (Url is null) return "no endpoint";
        if (Disabled) return "the endpoint is disabled";
        return Wanted.Count == 0 || Wanted.Any(w => w.EndsWith('*') ? type.StartsWith(w[..^1], StringComparison.Ordinal) : w == type) ? null : "not wanted";
    }
}
