namespace Purser.Sandbox.Inspector;

/// <summary>One call as the gateway received it, and what became of it. Kept as it came; secrets are cut where it is shown, see <see cref="CallView"/>.</summary>
public sealed class ReceivedCall(long number, DateTimeOffset at, Call call, string target, string name, string? fault)
{
    /// <summary>Counts the calls of this gateway from 1 on, over resets too, so that "since" never shows a call twice.</summary>
    public long Number { get; } = number;

    public DateTimeOffset At { get; } = at;

    /// <summary>Its body is the beginning of what came, 64 kB at most.</summary>
    public Call Call { get; } = call.Body.Length > CallLog.BodyKept ? call with { Body = call.Body[..CallLog.BodyKept] } : call;

    public int BodyBytes { get; } = call.Body.Length;

    /// <summary>Path and query.</summary>
    public string Target { get; } = target;

    /// <summary>The dialect's name of the call, as in the fault plan.</summary>
    public string Name { get; } = name;

    /// <summary>The fault that struck it.</summary>
    public string? Fault { get; } = fault;

    /// <summary>Null while it is being answered, or when it never was.</summary>
    public GivenAnswer? Answer { get; internal set; }

    /// <summary>The connection ended, with or without an answer.</summary>
    public bool Ended { get; internal set; }
}

/// <param name="Meaning">What it says, where it was written encrypted, signed or as a form.</param>
public sealed record GivenAnswer(
    int Status, string ContentType, IReadOnlyList<KeyValuePair<string, string>> Headers, byte[] Body, int BodyBytes, string? Meaning);
