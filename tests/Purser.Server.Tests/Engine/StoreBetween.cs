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

    /// <summary>What is done around each commit.</summary>
    public Func<Func<Task<Written>>, Task<Written>> AroundCommit { get; set; } = commit => commit();

    /// <summary>By how much the node reckons the database's clock wrongly.</summary>
    public TimeSpan WrongBy { get; set; }

    public int Loads => Volatile.Read(ref loads);
    /// <summary>How many commits were sent, those without a loading among them.</summary>
    public int Commits => Volatile.Read(ref commits);
    public int Guesses => Volatile.Read(ref guesses);
    /// <summary>How many commits without a loading the database refused.</summary>
    public int Refused => Volatile.Read(ref refused);

    public IOrderSession OpenSession() => new Session(this, inner.OpenSession());

    public Task<IReadOnlyList<OrderId>> TakeDue(int most, TimeSpan lease, CancellationToken stop) => inner.TakeDue(most, lease, stop);

    public Task<PaymentId?> FindMoney(string account, string moneyReference, CancellationToken stop) => inner.FindMoney(account, moneyReference, stop);

    public Task<RefundId?> FindRefund(string account, string refundReference, CancellationToken stop) => inner.FindRefund(account, refundReference, stop);

    sealed class Session(StoreBetween store, IOrderSession inner) : IOrderSession
    {
        public Task<LoadedBatch> Load(IReadOnlyList<EngineInput> batch, CancellationToken stop)
        {
            Interlocked.Increment(ref store.loads);
            return inner.Load(batch, stop);
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
            catch (StoreRefusedException)
            {
                Interlocked.Increment(ref store.refused);
                throw;
            }
        }

        public Task Rollback() => inner.Rollback();

        public Task<bool> WasCommitted(CommitMark mark, CancellationToken stop) => inner.WasCommitted(mark, stop);

        public Task<bool> WasWritten(Guess guess, BatchChanges changes, CancellationToken stop) => inner.WasWritten(guess, changes, stop);

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
