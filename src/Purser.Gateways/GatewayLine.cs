using System.Text;

namespace Purser.Gateways;

/// <summary>The wire under one call to a gateway account: sends, times out, records raw traffic and redacts it. Never throws for the network.</summary>
public abstract class GatewayLine
{
    /// <summary>What was said on this line, redacted, in order.</summary>
    public abstract IReadOnlyList<Exchange> Exchanges { get; }

    /// <summary>The time by the wire's clock, for gateways that want it in a request. Nothing that must be the same on a repetition is made of it.</summary>
    public abstract DateTimeOffset Now { get; }

    public abstract Task<LineReply> Send(LineRequest request, CancellationToken stop);

    /// <summary>What an earlier conversation of this account left for later ones (an access token); null when there is none or its time is over.
    /// Everything here can be had again: it is lost with the process.</summary>
    public abstract string? Recall(string name);

    /// <summary>Leaves something for later conversations of this account. Nothing is left for no time or less.</summary>
    public abstract void Remember(string name, string value, TimeSpan lifetime);

    public abstract void Forget(string name);

    /// <summary>A gateway's own words, fit to be kept and shown: secrets, card numbers and personal data cut out.</summary>
    public abstract string Redact(string text);
}

/// <param name="Path">Below the account's base URL, with the query.</param>
/// <param name="MovesNothing">A read: what is lost may be asked again, and a lost answer changes nothing.</param>
public sealed record LineRequest(
    HttpMethod Method, string Path, IReadOnlyList<KeyValuePair<string, string>> Headers, ReadOnlyMemory<byte> Body, string? ContentType,
    bool MovesNothing = false)
{
    /// <summary>How this body and that of its answer are written down, where they travel wrapped or encrypted: personal data can be cut out only
    /// of what can be read. Never throws, whatever the answer is. Null: as they are.</summary>
    public Func<string, string>? Unwrapped { get; init; }
}

public abstract record LineReply
{
    LineReply() { }

    /// <summary>A whole HTTP answer, whatever its status.</summary>
    public sealed record Answered(int Status, IReadOnlyDictionary<string, string> Headers, ReadOnlyMemory<byte> Body) : LineReply
    {
        public string Text => Encoding.UTF8.GetString(Body.Span);
    }

    /// <summary>Provably nothing left us.</summary>
    public sealed record NotSent(string Reason) : LineReply;

    /// <summary>Sent, or perhaps sent, and no whole answer came.</summary>
    public sealed record Lost(string Reason) : LineReply
    {
        /// <summary>What came of an answer before it broke off or grew too long. It is written down for a person; nothing is concluded from it.</summary>
        public ReadOnlyMemory<byte> Fragment { get; init; }
    }
}

/// <summary>One request and what came of it, secrets and personal data cut out; kept as the evidence behind our words.</summary>
/// <param name="Outcome">The HTTP status, or <c>not_sent</c> or <c>lost</c> with the reason.</param>
public sealed record Exchange(
    string Method, string Path, string Request, int? Status, string Answer, string Outcome, DateTimeOffset SentAt, TimeSpan Took);
