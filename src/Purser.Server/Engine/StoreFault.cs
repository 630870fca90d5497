using Npgsql;

namespace Purser.Server.Engine;

/// <summary>What PostgreSQL's errors mean for a batch.</summary>
static class StoreFault
{
    public static bool Is(Exception e) => e is NpgsqlException or TimeoutException or IOException or System.Net.Sockets.SocketException;

    /// <summary>The same again may work: no connection, a server that goes away, or what passes by itself. Any other refusal is of the statement, and stays.</summary>
    public static bool MayPass(Exception e) =>
        e is PostgresException refused ? IsAway(refused) || IsPassing(refused) : e is NpgsqlException or TimeoutException or StoreAwayException;

    /// <summary>Going away (57P), out of connections, disk or memory (53), connection trouble (08), read-only after a fail-over (25006), closed
    /// to connections (55000), unknown to the server while it is being restored (3D000); and whatever else ends the session, such as a
    /// transaction that was idle too long.</summary>
    public static bool IsAway(PostgresException e) =>
        EndsSession(e) || e.SqlState.StartsWith("57P", StringComparison.Ordinal) || e.SqlState.StartsWith("53", StringComparison.Ordinal)
        || e.SqlState.StartsWith("08", StringComparison.Ordinal) || e.SqlState is "25006" or "55000" or "3D000";

    public static bool EndsSession(PostgresException e) => e.InvariantSeverity is "FATAL" or "PANIC";

    /// <summary>Serialization, deadlock, lock not to be had, statement cancelled, a statement that only the driver takes for prepared; and a unique key that another node took
    /// first: loaded again, the batch sees it.</summary>
    public static bool IsPassing(PostgresException e) => e.SqlState is "40001" or "40P01" or "55P03" or "57014" or "23505" || IsForgotten(e);

    static bool IsForgotten(Exception e) => e is PostgresException { SqlState: PostgresErrorCodes.InvalidSqlStatementName };
}
