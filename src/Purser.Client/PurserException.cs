namespace Purser.Client;

/// <summary>A call that did not end well: <see cref="PurserProblemException"/> when an answer says that something is wrong, <see cref="PurserUnreachableException"/> when none came.</summary>
public abstract class PurserException : Exception
{
    private protected PurserException(string message, Exception? inner = null) : base(message, inner) { }

    /// <summary>Whether what was asked for may have happened all the same: make the same call again, under the same <see cref="Key"/>, or read how it stands.
    /// False when Purser itself said no at each attempt, by a status of 400 to 499 other than 408: then nothing was done.</summary>
    public abstract bool MayHaveHappened { get; }

    /// <summary>What an attempt before this one asked for may have happened, or a part of it did.</summary>
    internal bool Earlier { get; set; }

    /// <summary>The Idempotency-Key that each attempt of this call carried; null when it had none, because asking twice is harmless.</summary>
    public string? Key { get; internal set; }
}

/// <summary>The answer says what is wrong and what to do. Nothing was done, unless <see cref="PurserException.MayHaveHappened"/>: Purser met a fault in the middle of it, the answer
/// is not Purser's, as from a proxy that gave up waiting, or that of an earlier attempt was lost.</summary>
public sealed class PurserProblemException : PurserException
{
    /// <summary>Purser's own no: this attempt did nothing.</summary>
    readonly bool isNo;

    internal PurserProblemException(string? problem, string title, int status, string detail, string message) : base(message) =>
        (Problem, Title, Status, Detail, isNo) = (problem ?? "unknown", title, status, detail, problem is not null && status is >= 400 and not 408 and < 500);

    /// <summary>The problem's name, which never changes: <c>order_paid</c>. It can be read at <c>/problems/order_paid</c> of the server. <c>unknown</c> when the answer was not Purser's, as from a proxy.</summary>
    public string Problem { get; }

    /// <inheritdoc/>
    public override bool MayHaveHappened => Earlier || !isNo;

    /// <summary>One sentence about this type of problem.</summary>
    public string Title { get; }

    /// <summary>The HTTP status, such as 409.</summary>
    public int Status { get; }

    /// <summary>What is wrong with this request.</summary>
    public string Detail { get; }

    /// <summary>The field, parameter or header at fault, such as <c>lines[0].quantity</c>.</summary>
    public string? Field { get; internal init; }

    /// <summary>What to do.</summary>
    public string? Remedy { get; internal init; }

    /// <summary>The id of the order, payment or endpoint that stands in the way.</summary>
    public string? Resource { get; internal init; }

    /// <summary>By which the operator finds the failure in the logs; with a status of 500.</summary>
    public string? TraceId { get; internal init; }

    /// <summary>How long the server asks to wait.</summary>
    public TimeSpan? RetryAfter { get; internal init; }

    /// <summary>All fields at fault, when there are several.</summary>
    public IReadOnlyList<FieldFault> Errors { get; internal init; } = [];
}

/// <summary>One field that is wrong.</summary>
/// <param name="Field">As in the request: <c>lines[0].quantity</c>.</param>
/// <param name="Detail">What is wrong with it.</param>
/// <param name="Remedy">What to send instead.</param>
public sealed record FieldFault(string Field, string Detail, string Remedy);

/// <summary>No answer of Purser came, at any attempt. What was asked for may or may not have happened: make the same call again, which is safe, or read how it stands.</summary>
public sealed class PurserUnreachableException : PurserException
{
    internal PurserUnreachableException(string message, Exception? inner) : base(message, inner) { }

    /// <summary>Always.</summary>
    public override bool MayHaveHappened => true;
}
