using Purser.Reconciliation;

namespace Purser.Server.Settlement;

/// <summary>Where settlement files live: PostgreSQL (<see cref="SettlementFileStore"/>), or the simulation's world.</summary>
public interface ISettlementFileStore
{
    /// <summary>Takes a file that is not done and that nobody works on: of those that were tried the least, the oldest. An account's files are taken one after another, for a later one is
    /// compared with those before it.</summary>
    Task<SettlementFile?> Claim(string worker, IReadOnlyCollection<string> of, CancellationToken stop);

    /// <exception cref="LeaseLostException">Another node has it.</exception>
    Task Renew(long file, string worker, CancellationToken stop);

    Task Release(long file, string worker);

    /// <summary>Moves the file on, if it is still ours.</summary>
    /// <exception cref="LeaseLostException">Another node has it.</exception>
    Task Advance(SettlementFile file, string worker, CancellationToken stop);

    /// <summary>Nothing of it is applied, and what was stored of its lines goes; its bytes stay.</summary>
    Task Refuse(long file, string worker, FileRefusal why, CancellationToken stop);

    /// <summary>Removes dry runs whose caller went away so long ago.</summary>
    Task ForgetAbandoned(TimeSpan after, CancellationToken stop);

    Task<SettlementFile?> Find(long id, CancellationToken stop);

    /// <summary>The file's bytes, to be read anywhere in.</summary>
    Stream Open(SettlementFile file);
}

/// <summary>Where their lines live.</summary>
public interface ISettlementLineStore
{
    /// <summary>A connection for the batches of one file, whose lease this worker has.</summary>
    Task<ISettlementBatches> Open(long file, string worker, CancellationToken stop);

    /// <summary>Lines by number, from behind <paramref name="after"/>; of one class, or of all.</summary>
    Task<IReadOnlyList<StoredLine>> List(long file, SettlementClass? only, int after, int limit, CancellationToken stop);
}

public interface ISettlementBatches : IAsyncDisposable
{
    /// <summary>An empty batch. It may be filled while another one is stored.</summary>
    ISettlementBatch New();
}

/// <summary>Lines that follow one another.</summary>
public interface ISettlementBatch
{
    int Count { get; }

    void Add(in ReadLine read);

    /// <summary>Stores the lines and how far the file is, in one commit; so that after a crash nothing is stored twice and nothing is missing.</summary>
    /// <exception cref="LeaseLostException">Another node has the file.</exception>
    Task Store();
}
