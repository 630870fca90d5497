using Npgsql;
using Purser.Server.Engine;
using Purser.Server.Settlement;

namespace Purser.Server.Reconciliation;

/// <summary>The engine took nothing for as long as anybody waits; later it will.</summary>
public sealed class EngineBusyException(string why) : Exception($"The engine stays busy: {why}");

/// <summary>Tells trouble of the place, which passes and stops the work until then, from trouble of one row, which comes again however often it is tried.</summary>
static class PassingTrouble
{
    public static bool Is(Exception trouble, CancellationToken stop) => stop.IsCancellationRequested || trouble switch
    {
        OutOfMemoryException or OperationCanceledException or ObjectDisposedException => true,
        StoreAwayException or CommitUnknownException or EngineBusyException or LeaseLostException => true,
        StoreRefusedException refused => refused.Passing,
        PostgresException refused => StoreFault.IsAway(refused) || StoreFault.IsPassing(refused),
        _ => StoreFault.Is(trouble),
    };
}
