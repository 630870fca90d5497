using System.Net;

namespace Purser.Gateways.Tests.Contract;

/// <summary>A network that records the answers of one conversation, and in another gives one of them in the place of the right one.</summary>
public sealed class Crossing : DelegatingHandler
{
    readonly List<Kept> answers = [];
    readonly IReadOnlyList<Kept> others = [];
    readonly int strikes = -1;
    readonly bool arrives;
    int call;

    sealed record Kept(HttpStatusCode Status, byte[] Body, string? Type);

    /// <summary>Only records.</summary>
    public Crossing() : base(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false }) { }

    /// <param name="of">Whose answers come astray.</param>
    /// <param name="strikes">Which call of the conversation gets one, from 0.</param>
    /// <param name="arrives">The question itself reaches the gateway; else it is the answer that was meant for nobody.</param>
    public Crossing(Crossing of, int strikes, bool arrives) : this() => (others, this.strikes, this.arrives) = (of.answers, strikes, arrives);

    /// <summary>An answer came astray.</summary>
    public bool Struck { get; private set; }

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (call++ != strikes) return Answer(await Forward(request, cancellationToken));
        Struck = true;
        // A conversation of fewer calls ended with its last answer.
        var astray = others[Math.Min(strikes, others.Count - 1)];
        if (arrives) await Forward(request, cancellationToken);
        else if (request.Content is { } content) await content.ReadAsByteArrayAsync(cancellationToken);
        return Answer(astray);
    }

    async Task<Kept> Forward(HttpRequestMessage request, CancellationToken stop)
    {
        using var answer = await base.SendAsync(request, stop);
        var kept = new Kept(answer.StatusCode, await answer.Content.ReadAsByteArrayAsync(stop), answer.Content.Headers.ContentType?.ToString());
        answers.Add(kept);
        return kept;
    }

    static HttpResponseMessage Answer(Kept kept)
    {
        var answer = new HttpResponseMessage(kept.Status) { Content = new ByteArrayContent(kept.Body) };
        if (kept.Type is { } type) answer.Content.Headers.TryAddWithoutValidation("Content-Type", type);
        return answer;
    }
}
