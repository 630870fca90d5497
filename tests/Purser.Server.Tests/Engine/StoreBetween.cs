using Purser.Server.Engine;
using Written = System.Collections.Generic.IReadOnlyDictionary<Purser.OrderId, Purser.Server.Engine.Revision>;

namespace Purser.Server.Tests.Engine;

/// <summary>The real store, with a test between it and the engine.</summary>
sealed class StoreBetween(IOrderStore inner) : IOrderStore
{
    int loads;
    int commits;
    int guesses;
    int refused;
    int held;

    /// <summary>What is done around each commit.</summary>
    public Func<Func<Task<Written>>, Task<Written>> AroundCommit { get; set; } = commit => commit();

    /// <summary>By how much the node reckons the database's clock wrongly.</summary>
    public TimeSpan WrongBy { get; set; }

    /// <summary>What is done around each reading whether a commit without a loading took place.</summary>
    public Func<Func<Task<bool>>, Task<bool>> AroundWasWritten { get; set; } = read => read();

    public int Loads => Volatile.Read(ref loads);
    /// <summary>How many commits were sent, those without a loading among them.</summary>
    public int Commits => Volatile.Read(ref commits);
    public int Guesses => Volatile.Read(ref guesses);
    /// <summary>How many commits without a loading the database refused.</summary>
    public int Refused => Volatile.Read(ref refused);

    /// <summary>How often a batch waited in vain for an order that somebody else held.</summary>
    public int Held => Volatile.Read(ref held);

    public IOrderSession OpenSession() => new Session(this, inner.OpenSession());

    public Task<IReadOnlyList<OrderId>> TakeDue(int most, TimeSpan lease, CancellationToken stop) => inner.TakeDue(most, lease, stop);

    public Task<PaymentId?> FindMoney(string account, string moneyReference, CancellationToken stop) => inner.FindMoney(account, moneyReference, stop);

    public Task<RefundId?> FindRefund(string account, string refundReference, CancellationToken stop) => inner.FindRefund(account, refundReference, stop);

    sealed class Session(StoreBetween store, IOrderSession inner) : IOrderSession
    {
        public async Task<LoadedBatch> Load(IReadOnlyList<EngineInput> batch, CancellationToken stop)
        {
            Interlocked.Increment(ref store.loads);
            try
            {
                return await inner.Load(batch, stop);
            }
            catch (StoreRefusedException refused) when (refused.Held)
            {
                Interlocked.Increment(ref store.held);
                throw;
            }
        }

        public Task<Written> Commit(BatchChanges changes, CancellationToken stop)
        {
            Interlocked.Increment(ref store.commits);
            return store.AroundCommit(() => inner.Commit(changes, stop));
        }

        public async Task<Written> CommitIf(Guess guess, BatchChanges changes, CancellationToken stop)
        {
            Interlocked.Increment(ref store.commits);
            Interlocked.Increment(ref store.guesses);
            try
            {
                return await store.AroundCommit(() => inner.CommitIf(guess with { Now = guess.Now + store.WrongBy }, changes, stop));
            }
            catch (StoreRefusedException refused)
            {
                Interlocked.Increment(ref store.refused);
                if (refused.Held) Interlocked.Increment(ref store.held);
                throw;
            }
        }

        public Task<IReadOnlySet<OrderId>> Held(IReadOnlyCollection<OrderId> orders, CancellationToken stop) => inner.Held(orders, stop);

        public Task Rollback() => inner.Rollback();

        public Task<bool> WasCommitted(CommitMark mark, CancellationToken stop) => inner.WasCommitted(mark, stop);

        public Task<bool> WasWritten(Guess guess, BatchChanges changes, CancellationToken stop) => store.AroundWasWritten(() => inner.WasWritten(guess, changes, stop));

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
