using System.Runtime.CompilerServices;
using Purser.Reconciliation;
using Purser.Server.Engine;
using Purser.Server.Reconciliation;
using Purser.Server.Settlement;

namespace Purser.Simulation;

/// <summary>The settlement tables as one life of one node sees them: over a wire, with broken connections before and after the effect, and with deaths.</summary>
sealed class StatementStore(World world, Life life) : ISettlementFileStore, ISettlementLineStore, IMatchStore, IActStore
{
    Statements Tables => world.Database.Statements;

    public Task<TakenIn> TakeIn(string account, string name, byte[] bytes, FileSource source) => Do("a file's bytes are stored (C13)", () => Tables.TakeIn(account, name, bytes, source));

    public Task<SettlementFile?> Claim(string worker, IReadOnlyCollection<string> of, CancellationToken stop) => Do("a file is taken (C13)", () => Tables.Claim(worker));

    public Task Renew(long file, string worker, CancellationToken stop) => Do("a lease is renewed", () => Tables.Renew(file, worker));

    public Task Release(long file, string worker) => Do("a file is let go", () => Tables.Release(file, worker));

    public Task Advance(SettlementFile file, string worker, CancellationToken stop) => Do(file.State switch
    {
        FileState.Reading => "a file is begun (C13)",
        FileState.Read => "a file is read (C14)",
        FileState.Matched => "a file is matched (C15)",
        FileState.Acting => "a part of a file is acted on (C15)",
        _ => "a file is done",
    }, () => Tables.Advance(file, worker));

    public Task Refuse(long file, string worker, FileRefusal why, CancellationToken stop) => Do("a file is refused", () => Tables.Refuse(file, worker, why));

    /// <summary>Nobody makes dry runs here.</summary>
    public Task ForgetAbandoned(TimeSpan after, CancellationToken stop) => Task.CompletedTask;

    public Stream Open(SettlementFile file) => new MemoryStream(Tables[file.Id].Content, writable: false);

    public async Task<ISettlementBatches> Open(long file, string worker, CancellationToken stop)
    {
        await Travel();
        return new Batches(this, file, worker);
    }

    public Task<DryRunPreview> Preview(SettlementFile file, SettlementOptions options, Func<DateOnly, DateOnly?> refundDue, DateOnly until, CancellationToken stop) =>
        throw new NotSupportedException("Nobody makes dry runs here.");

    public Task<IReadOnlyList<StoredLine>> List(long file, SettlementClass? only, int after, int limit, CancellationToken stop) =>
        Read<IReadOnlyList<StoredLine>>(() => Tables.List(file, only, after, limit));

    public Task Presume(SettlementFile file, CancellationToken stop) => Do("classes are taken back (C14)", () => Tables.Presume(file));

    public Task<IReadOnlyList<(SettlementKind Kind, ClassTotal Moved)>> Store(SettlementFile file, IReadOnlyList<Reclassed> lines, CancellationToken stop) =>
        Do<IReadOnlyList<(SettlementKind, ClassTotal)>>("classes are stored (C14)", () => Tables.Store(file, lines));

    public async IAsyncEnumerable<(long File, long Turn, int First, byte[] Keys)> EarlierKeys(SettlementFile file, long[]? only, [EnumeratorCancellation] CancellationToken stop)
    {
        foreach (var piece in await Read(() => world.Bug.TakesFilesAgain ? [] : Tables.EarlierKeys(file))) yield return piece;
    }

    /// <summary>The lines themselves are kept here, and tell their keys.</summary>
    public Task KeepKeys(SettlementFile file, int bits, IReadOnlyList<KeyGroup> groups, bool begin, CancellationToken stop) => Do("keys are kept (C14)", () => Tables.Hold(file));

    public Task<Dictionary<int, bool>> SameKeys(long file, IReadOnlyList<Reclassed> pairs, CancellationToken stop) => Read(() => Tables.SameKeys(file, pairs));

    /// <summary>Nobody looks here at what a file lacks of another, and nothing follows from it.</summary>
    public Task<LackedRows?> Lacked(SettlementFile file, IReadOnlyDictionary<long, int> had, CancellationToken stop) => Task.FromResult<LackedRows?>(null);

    public Task<Dictionary<int, (long File, int Number)?>> FailedFirst(string account, IReadOnlyList<(int Number, (long File, int Number) First, (long File, int Number) Last)> changed, CancellationToken stop) =>
        Read(() => Tables.FailedFirst(account, changed));

    public Task StreamPayments(string account, long from, long to, Action<OursRow> take, CancellationToken stop) => Read(() =>
    {
        Tables.StreamPayments(account, from, to, take);
        return 0;
    });

    public Task<IReadOnlyList<LineBesideOurs>> LookUp(SettlementFile file, int[] numbers, CancellationToken stop) =>
        Read<IReadOnlyList<LineBesideOurs>>(() => Tables.LookUp(file, numbers));

    public Task<int> PolicyVersion(SettlementOptions options, CancellationToken stop) => Do("a policy is numbered (C15)", () => Tables.PolicyVersion(options));

    public Task<Dictionary<int, PaymentNow>> Payments(IReadOnlyList<StoredLine> lines, CancellationToken stop) => Read(() => Tables.Payments(lines));

    public Task Write(SettlementFile file, IReadOnlyList<RowPosting> postings, IReadOnlyList<OpenedRow> opened, CancellationToken stop) =>
        Do("rows are posted, and the file is not advanced (C15)", () => Tables.Write(file, postings, opened));

    public Task<Dictionary<string, AskedRow>> Asked(SettlementFile file, IReadOnlyList<string> rowKeys, CancellationToken stop) => Read(() => Tables.Asked(file.Account, rowKeys));

    public Task Name(AskedRow asked, SettlementFile file, OpenedRow now, CancellationToken stop) => Do("a question is named by a later file", () => Tables.Name(asked.Id, file.Id, now));

    public Task Rewrite(SettlementFile file, string rowKey, IReadOnlyList<RowPosting> postings, IReadOnlyList<OpenedRow> opened, CancellationToken stop) =>
        throw new NotSupportedException("Nobody applies a row by hand here.");

    public Task<SettlementFile?> Find(long id, CancellationToken stop) => Read<SettlementFile?>(() => Tables[id].Row);

    public Task<IReadOnlyList<long>> Unanswered(bool closed, long after, int most, CancellationToken stop) => Read<IReadOnlyList<long>>(() => closed ? [] : Tables.Unanswered(after, most));

    public Task<IReadOnlyList<AnsweredRow>> Answered(IReadOnlyList<long> questions, CancellationToken stop) => Read<IReadOnlyList<AnsweredRow>>(() => Tables.Answered(questions));

    public async Task<IAsyncDisposable?> TakeTurn(CancellationToken stop)
    {
        await Travel();
        if (Tables.Turn is { Alive: true }) return null;
        Tables.Turn = life;
        return new Turn(Tables);
    }

    sealed class Turn(Statements tables) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            tables.Turn = null;
            return ValueTask.CompletedTask;
        }
    }

    public Task<bool> Confirm(long question, string resolution, string why, IReadOnlyList<RowPosting> stands, CancellationToken stop) => Do("a question is closed by evidence", () => Tables.Confirm(question, resolution, stands));

    public Task<IReadOnlyList<(PaymentId Payment, string MoneyReference, string Account, DateOnly DueOn)>> Overdue(
        string? account, DateOnly from, DateOnly before, IReadOnlyCollection<string> unstated, (string Account, string Money)? after, int most, CancellationToken stop) =>
        Read<IReadOnlyList<(PaymentId, string, string, DateOnly)>>(() => Tables.Overdue(account, from, before, unstated, after, most));

    public Task<IReadOnlyList<UnsettledRefund>> UnsettledRefunds(string? account, DateOnly before, RefundId? after, int most, CancellationToken stop) =>
        Read<IReadOnlyList<UnsettledRefund>>(() => Tables.UnsettledRefunds(account, before, after, most));

    sealed class Batches(StatementStore store, long file, string worker) : ISettlementBatches
    {
        public ISettlementBatch New() => new Batch(store, file, worker);

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }

    sealed class Batch(StatementStore store, long file, string worker) : ISettlementBatch
    {
        readonly List<ReadLine> lines = [];

        public int Count => lines.Count;

        public void Add(in ReadLine read) => lines.Add(read);

        public Task Store() => store.Do("a batch of lines is stored (C14)", () => store.Tables.Store(file, worker, lines));
    }

    async Task<T> Read<T>(Func<T> read)
    {
        await Travel();
        if (world.Database.IsAway || world.Faults.At(Port.StatementRead, Desk.Index).Fault == Fault.Away) throw new StoreAwayException("the connection broke");
        var found = read();
        await Travel();
        return found;
    }

    Task<int> Do(string what, Action effect) => Do(what, () =>
    {
        effect();
        return 0;
    });

    async Task<T> Do<T>(string what, Func<T> effect)
    {
        await Travel();
        var fault = world.Faults.At(Port.StatementStore, Desk.Index).Fault;
        if (world.Database.IsAway || fault == Fault.Away) throw new StoreAwayException("the connection broke before the commit");
        var result = effect();
        world.Trace.Mix(Desk.Index, 150, what.Length);
        world.Trace.Tell(Desk.Index, $"{life.Name}: {what}");
        switch (fault)
        {
            case Fault.AcknowledgementLost: throw new StoreAwayException("the connection broke after the commit");
            case Fault.CrashAfterCommit: await life.Crash($"when {what}"); break;
        }
        await Travel();
        return result;
    }

    Task Travel() => world.Loop.Wait(TimeSpan.FromMicroseconds(200 + world.Scheduling.Next(1500)));
}
