using Purser.Orders;

namespace Purser.Gateways;

/// <summary>One gateway, spoken to in our words. Stateless: every fact of a call arrives as an argument. No loops and no waits: retrying,
/// routing and asking again belong to the service. Further abilities are further interfaces; implementing one is how a gateway
/// says that it has it. Adapters are found by type: a public class with a parameterless constructor.</summary>
public interface IGateway
{
    GatewayProfile Profile { get; }

    /// <summary>Asks for a payment link. Called again with the same <see cref="LinkCall.Payment"/> it must send the same bytes under the same key,
    /// so that there is one link however often it is asked for.</summary>
    Task<GatewayAnswer> OpenLink(LinkCall call, GatewayLine line, CancellationToken stop);

    /// <summary>Asks what became of a payment, by our reference or by theirs where we know it. Must never move money, but for what
    /// <see cref="InquireCall.MayComplete"/> allows. Never answers <see cref="GatewayAnswer.Rejected"/>: a gateway that refuses a question has
    /// not said that the payment does not exist.</summary>
    Task<GatewayAnswer> Inquire(InquireCall call, GatewayLine line, CancellationToken stop);

    /// <summary>Checks a webhook's signature on its raw bytes, then reads it. Never throws for what a stranger may send.</summary>
    NewsReading ReadWebhook(RawMessage message, GatewayAccount account);

    /// <summary>Reads the browser's return. Whatever it says proves nothing; it tells which payment to ask about.</summary>
    NewsReading ReadReturn(RawMessage message, GatewayAccount account);
}

/// <summary>A link can be closed on request.</summary>
public interface ICancelLinks
{
    /// <summary>Closes the link. One that was paid meanwhile answers with that fact. Never answers <see cref="GatewayAnswer.Rejected"/>.</summary>
    Task<GatewayAnswer> CancelLink(InquireCall call, GatewayLine line, CancellationToken stop);
}

/// <summary>All that a request for a link is made of. A pure function of the committed payment.</summary>
/// <param name="Payment">Ours; <see cref="PaymentId.Reference"/> is the reference and the idempotency key.</param>
/// <param name="Description">One line for the shopper, free text, at most 200 characters.</param>
/// <param name="ReturnUrl">Where the browser comes back to. Gateways add their own parameters.</param>
/// <param name="ExpiresAt">Whole seconds, within the profile's limits when the payment was started.</param>
/// <param name="StartedAt">When the payment was started, by our clock.</param>
public sealed record LinkCall(
    GatewayAccount Account, PaymentId Payment, Money Amount, string Description, Customer Customer, string? Method, string ReturnUrl,
    DateTimeOffset ExpiresAt, DateTimeOffset StartedAt);

/// <param name="GatewayReference">The gateway's name for the link, when we learned it; else only our reference is known.</param>
/// <param name="StartedAt">When the payment was started, by our clock: nothing about it is older at the gateway.</param>
/// <param name="LastAskedAt">When its link was last asked for, where known: nothing about it was created much later. Narrows the search
/// at a gateway that cannot be asked by our reference.</param>
/// <param name="MayComplete">The order still wants this payment: at a gateway that waits for us after the shopper approved, the question may also take
/// what was approved, under the payment's own key. False: it only reads.</param>
public sealed record InquireCall(
    GatewayAccount Account, PaymentId Payment, string? GatewayReference, Money Amount, DateTimeOffset StartedAt,
    DateTimeOffset? LastAskedAt = null, bool MayComplete = false);

/// <summary>What came of a call; separates what demands different next steps.</summary>
public abstract record GatewayAnswer
{
    GatewayAnswer() { }

    /// <summary>The gateway answered and we understood. All it said, in our words; for an inquiry that finds nothing, <see cref="Evidence.Absent"/>.</summary>
    public sealed record Done(params IReadOnlyList<Evidence> Facts) : GatewayAnswer;

    /// <summary>A definite no: our mistake or their rule; nothing was created or changed. The reason is theirs, redacted.</summary>
    public sealed record Rejected(string Reason) : GatewayAnswer;

    /// <summary>Nothing left us: refused connection, unknown host, open breaker, full bulkhead. Free to try again.</summary>
    public sealed record NotSent(string Reason) : GatewayAnswer;

    /// <summary>It may have happened: time-out, broken connection, 5xx, 429 after sending, an answer that cannot be read.</summary>
    public sealed record Unknown(string Reason) : GatewayAnswer;
}

/// <summary>What a message turned out to be.</summary>
public abstract record NewsReading
{
    NewsReading() { }

    /// <summary>Signed by the gateway and read.</summary>
    /// <param name="EventId">The gateway's own id of the event, the same on every delivery; the key that tells duplicates.</param>
    /// <param name="Payment">Ours, from our reference in the message; null when it names none of ours.</param>
    /// <param name="Facts">What it proves. Empty when it is about something we do not follow. Without a payment only facts about money
    /// are told: money that we cannot place.</param>
    /// <param name="ProvesAmount">False when the scheme does not sign amount and status, or when the message contradicts itself: then its
    /// facts are not believed, and it only leads to an inquiry.</param>
    /// <param name="EventType">The gateway's word for the event.</param>
    public sealed record Genuine(
        string EventId, string EventType, PaymentId? Payment, IReadOnlyList<Evidence> Facts, bool ProvesAmount = true) : NewsReading
    {
        /// <summary>The gateway's name for the money it is about, as in <see cref="Evidence.Succeeded"/>. Finds the payment of news that does not
        /// carry our reference, such as a dispute.</summary>
        public string? MoneyReference { get; init; }

        /// <summary>What it says of refunds, under the same trust as <see cref="Facts"/>.</summary>
        public IReadOnlyList<RefundNews> RefundFacts { get; init; } = [];
    }

    /// <summary>Not from the gateway, or not provably.</summary>
    public sealed record Forged(string Why) : NewsReading;

    /// <summary>Signed, but not what we can read. Kept for a person.</summary>
    /// <param name="EventId">Theirs where it can be read, else made from the bytes.</param>
    public sealed record Unreadable(string EventId, string Why) : NewsReading;
}

/// <summary>An HTTP message as it came. Header names compare without case; bytes are as they were on the wire.</summary>
public sealed record RawMessage(
    string Method, string Path, string Query, IReadOnlyDictionary<string, string> Headers, ReadOnlyMemory<byte> Body, DateTimeOffset ReceivedAt)
{
    /// <summary>What was fetched at the address of <see cref="INeedPublished.Published"/>; null when nothing was to be fetched.</summary>
    public ReadOnlyMemory<byte>? Published { get; init; }

    /// <summary>What the gateway said of it (<see cref="IConfirmNews"/>); null when it was not asked.</summary>
    public bool? Confirmed { get; init; }

    /// <summary>It was found to be the gateway's when it came, and is read again as it was kept: without the headers that are secrets, and perhaps after
    /// the secret was replaced. Its signature is not asked for; everything else is as ever. A message that is encrypted needs its key all the same.</summary>
    public bool WasGenuine { get; init; }

    /// <summary>The headers that are kept of it: none that is a secret by itself.</summary>
    public IEnumerable<KeyValuePair<string, string>> KeptHeaders =>
        Headers.Where(h => !h.Key.Equals("Cookie", StringComparison.OrdinalIgnoreCase) && !h.Key.Equals("Authorization", StringComparison.OrdinalIgnoreCase));

    public string? Header(string name) => Headers.TryGetValue(name, out var value) ? value : null;
}
