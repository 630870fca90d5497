using Purser.Orders;

namespace Purser.Server.Engine;

/// <summary>One thing for the engine to do in one commit: an input to an order, news of a gateway, or both.</summary>
/// <param name="Order">The order it concerns; null for news that names none of ours.</param>
/// <param name="Inputs">Decided in this order, after one another.</param>
/// <param name="News">Stored in the same commit; a duplicate makes the inputs void.</param>
/// <param name="Key">The caller's Idempotency-Key.</param>
/// <param name="Calls">What was said to a gateway, stored in the same commit.</param>
public sealed record EngineInput(
    OrderId? Order, IReadOnlyList<OrderInput> Inputs, GatewayNews? News = null, RequestKey? Key = null, IReadOnlyList<CallRecord>? Calls = null)
{
    public static EngineInput Of(OrderId order, OrderInput input, RequestKey? key = null) => new(order, [input], Key: key);
}

/// <summary>A POST's Idempotency-Key, its API key, and the SHA-256 of what was asked.</summary>
/// <param name="Resource">What it is about, when the first POST succeeds: an order's or a payment's id; filled in by the engine.</param>
public sealed record RequestKey(int ApiKeyId, string Key, byte[] Fingerprint)
{
    /// <summary>Eight bytes that are the same for the same request under the same key, and for no other.</summary>
    public byte[] Name() => System.Security.Cryptography.SHA256.HashData([.. Fingerprint, .. System.Text.Encoding.ASCII.GetBytes($"{ApiKeyId} {Key}")])[..8];
}

public enum NewsVerdict { Applied, Noted, Quarantined }

/// <summary>An authenticated message of a gateway.</summary>
/// <param name="QuarantineReason">Why a person must look at it, where the reader knows already.</param>
/// <param name="ConcernsNoOrder">It is about something else than orders (a payout, say); kept, and nobody need look.</param>
public sealed record GatewayNews(
    string Account, string EventId, string EventType, int? Payment, string Headers, ReadOnlyMemory<byte> Body, string? QuarantineReason = null,
    bool ConcernsNoOrder = false)
{
    /// <summary>When it came, of a message that was kept aside and is read again.</summary>
    public DateTimeOffset? CameAt { get; init; }
}

/// <summary>One exchange with a gateway, redacted.</summary>
public sealed record CallRecord(
    int Payment, string Call, string RawKey, string Account, DateTimeOffset SentAt, int TookMs, string Outcome, string Request, string Answer);

/// <summary>What became of it.</summary>
public abstract record EngineReply
{
    EngineReply() { }

    /// <summary>Committed. The reply to the last input; null when there was none or it was void.</summary>
    public sealed record Done(Reply? Reply, NewsVerdict? News = null) : EngineReply;

    /// <summary>These news were here before.</summary>
    public sealed record DuplicateNews : EngineReply;

    /// <summary>This Idempotency-Key made that resource before: the caller gets it again as it stands now.</summary>
    public sealed record Replayed(string Resource) : EngineReply;

    /// <summary>This Idempotency-Key came before with other content.</summary>
    public sealed record KeyConflict(string Resource) : EngineReply;

    /// <summary>An order with this reference exists.</summary>
    public sealed record ReferenceExists(OrderId Order, bool SameContent) : EngineReply;

    /// <summary>Another order drew this id; draw again.</summary>
    public sealed record IdTaken : EngineReply;

    /// <summary>Too much is waiting, or the database is away: nothing was done, unless it went away in the middle of a commit. Ask again.</summary>
    public sealed record Busy(TimeSpan RetryAfter, string Why) : EngineReply;
}
