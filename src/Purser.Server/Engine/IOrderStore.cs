using Purser.Orders;
using Purser.Ledger;

namespace Purser.Server.Engine;

/// <summary>Where orders live: PostgreSQL (<see cref="OrderStore"/>), or the simulation's world. One lane uses one session, one batch at a time.</summary>
public interface IOrderStore
{
    /// <summary>A connection of its own for one lane.</summary>
    IOrderSession OpenSession();

    /// <summary>Takes up to <paramref name="most"/> orders whose alarm has rung, oldest first, and sets their alarm to ring again after
    /// <paramref name="lease"/> should this process die. Orders that another node holds are passed over.</summary>
    Task<IReadOnlyList<OrderId>> TakeDue(int most, TimeSpan lease, CancellationToken stop);

    /// <summary>Whose money that is, by the gateway's own name for it; null when no payment took such money.</summary>
    /// <exception cref="StoreAwayException">The database cannot be reached.</exception>
    Task<PaymentId?> FindMoney(string account, string moneyReference, CancellationToken stop);

    /// <summary>Which refund that is, by the gateway's own name for it; null when no refund of ours has it.</summary>
    /// <exception cref="StoreAwayException">The database cannot be reached.</exception>
    Task<RefundId?> FindRefund(string account, string refundReference, CancellationToken stop);
}

public interface IOrderSession : IAsyncDisposable
{
    /// <summary>Begins: news that are new are told from duplicates, orders are locked by ascending id, the database's clock is read.
    /// Nothing is visible to anybody before <see cref="Commit"/>.</summary>
    /// <exception cref="StoreRefusedException">The batch as a whole was refused; nothing happened.</exception>
    /// <exception cref="StoreAwayException">The database cannot be reached; nothing happened.</exception>
    Task<LoadedBatch> Load(IReadOnlyList<EngineInput> batch, CancellationToken stop);

    /// <summary>Those of the orders that somebody else holds just now. Waits for nobody and keeps none of them.</summary>
    /// <exception cref="StoreRefusedException">Refused; nothing is known.</exception>
    /// <exception cref="StoreAwayException">The database cannot be reached.</exception>
    Task<IReadOnlySet<OrderId>> Held(IReadOnlyCollection<OrderId> orders, CancellationToken stop);

    /// <summary>Writes all and commits.</summary>
    /// <exception cref="StoreRefusedException">Rolled back.</exception>
    /// <exception cref="StoreAwayException">Rolled back, provably: it broke before the commit was sent.</exception>
    /// <exception cref="CommitUnknownException">The commit was sent and its answer lost. Ask <see cref="WasCommitted"/>.</exception>
    /// <returns>The revisions of the orders that were created or changed.</returns>
    Task<IReadOnlyDictionary<OrderId, Revision>> Commit(BatchChanges changes, CancellationToken stop);

    /// <summary>The same without a <see cref="Load"/>, in one step: the orders are locked, and when one of them is no longer at the revision that was
    /// guessed, all of it is refused.</summary>
    /// <exception cref="StoreRefusedException">Rolled back; passing, when the guess was wrong.</exception>
    /// <exception cref="StoreAwayException">Rolled back, provably.</exception>
    /// <exception cref="CommitUnknownException">It was sent and its answer lost. Ask <see cref="WasWritten"/>.</exception>
    Task<IReadOnlyDictionary<OrderId, Revision>> CommitIf(Guess guess, BatchChanges changes, CancellationToken stop);

    /// <summary>Ends the batch without a trace.</summary>
    Task Rollback();

    /// <summary>Reads whether a commit whose answer was lost took place.</summary>
    Task<bool> WasCommitted(CommitMark mark, CancellationToken stop);

    /// <summary>The same of the latest <see cref="CommitIf"/>, which has no mark: whether an event or a call that it wrote is there. What writes neither is
    /// never found, and done once more. One that is still on
    /// its way is waited for where it holds a lock; where it does not, the next commit's revisions and keys and its own let one of both through.</summary>
    Task<bool> WasWritten(Guess guess, BatchChanges changes, CancellationToken stop);
}

/// <param name="Now">The database's clock: the now of every decision in the batch.</param>
/// <param name="Mark">Null: nothing was begun, the orders are as they are remembered, and nobody is answered before a commit confirms it.</param>
/// <param name="FreshNews">Indexes of batch items whose news are new. Of equal ones in a batch the first is.</param>
/// <param name="Keys">What Idempotency-Keys of the batch made before.</param>
/// <param name="References">Orders that hold references which the batch wants to create.</param>
/// <param name="Holders">Links and money that facts of the batch name and another payment of the account holds.</param>
public sealed record LoadedBatch(
    DateTimeOffset Now, CommitMark? Mark, IReadOnlyDictionary<OrderId, Order> Orders, IReadOnlySet<int> FreshNews,
    IReadOnlyDictionary<(int ApiKey, string Key), StoredKey> Keys, IReadOnlyDictionary<string, (OrderId Order, byte[] Fingerprint)> References,
    IReadOnlyDictionary<OrderId, Revision> Revisions, IReadOnlyDictionary<GatewayName, PaymentId> Holders)
{
    /// <summary>Indexes of batch items whose news came before and were kept aside: now they may have their place.</summary>
    public IReadOnlySet<int> Aside { get; init; } = System.Collections.Frozen.FrozenSet<int>.Empty;
}

/// <summary>Which writing of an order it is.</summary>
/// <param name="Version">Another one after every write to the order's row, whoever wrote.</param>
/// <param name="Hash">Of its latest event, to which the next is chained.</param>
public readonly record struct Revision(long Version, byte[] Hash);

/// <summary>What a batch was decided on that nobody loaded.</summary>
/// <param name="Still">Every order that a decision looked at, as it must still be.</param>
public sealed record Guess(IReadOnlyList<EngineInput> Batch, DateTimeOffset Now, IReadOnlyDictionary<OrderId, Revision> Still);

public sealed record StoredKey(byte[] Fingerprint, string Resource);

/// <summary>The database's own name of a batch, by which its end can be asked for later.</summary>
public readonly record struct CommitMark(string Text);

/// <summary>All that one commit writes.</summary>
public sealed class BatchChanges
{
    /// <summary>Orders that did not exist, with what no decision reads.</summary>
    public List<(Order Order, OrderContent Content)> Created { get; } = [];
    /// <summary>Orders that changed, each once, as they are after the whole batch, and as they were.</summary>
    public List<(Order Before, Order After)> Changed { get; } = [];
    public List<OrderEvent> Events { get; } = [];
    public List<Posting> Postings { get; } = [];
    /// <summary>Fresh news with what came of them.</summary>
    public List<(GatewayNews News, OrderId? Order, NewsVerdict Verdict, string? Reason)> News { get; } = [];
    /// <summary>News that had been kept aside and have found their order.</summary>
    public List<(GatewayNews News, OrderId? Order, NewsVerdict Verdict, string? Reason)> Placed { get; } = [];
    public List<(RequestKey Key, string Resource)> Keys { get; } = [];
    public List<(OrderId Order, CallRecord Call)> Calls { get; } = [];

    public bool IsEmpty => Created.Count + Changed.Count + Events.Count + News.Count + Placed.Count + Keys.Count + Calls.Count == 0;
}

/// <summary>The database refused: a constraint, a deadlock, a serialization failure. The batch was rolled back.</summary>
/// <param name="passing">The same again may succeed: it was a matter of concurrency.</param>
public sealed class StoreRefusedException(string message, bool passing, Exception? cause = null) : Exception(message, cause)
{
    public bool Passing => passing;

    /// <summary>The batch was decided from memory, and an order, or the time, has moved on since.</summary>
    public bool Overtaken { get; init; }

    /// <summary>An order of this reference, or of this Idempotency-Key, is there already: loaded again, the batch finds it. So ends whatever is sent again.</summary>
    public bool Taken { get; init; }

    /// <summary>Somebody else held one of the orders for longer than a batch waits.</summary>
    public bool Held { get; init; }
}

/// <summary>The database cannot be reached, and nothing was committed.</summary>
public sealed class StoreAwayException(string message, Exception? cause = null) : Exception(message, cause);

/// <summary>A commit was sent and its answer lost.</summary>
public sealed class CommitUnknownException(string message, Exception? cause = null) : Exception(message, cause);
