using Npgsql;

namespace Purser.Server.Engine;

/// <summary>Turns to do something that one node does at a time. A turn is a session's lock, not a statement block's: what is done may take longer than PostgreSQL lets one idle.
/// Whoever dies gives it back with its session.</summary>
static class TurnStore
{
    /// <returns>Null when another has it.</returns>
    public static async Task<IAsyncDisposable?> Take(NpgsqlDataSource database, long key, CancellationToken stop)
    {
        var connection = await database.OpenConnectionAsync(stop);
        try
        {
            await using var take = new NpgsqlCommand($"select pg_try_advisory_lock({key})", connection);
            if (await take.ExecuteScalarAsync(stop) is true) return new Turn(connection, key);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
        await connection.DisposeAsync();
        return null;
    }

    sealed class Turn(NpgsqlConnection connection, long key) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await using (connection)
            await using (var end = new NpgsqlCommand($"select pg_advisory_unlock({key})", connection))
                // A connection that broke took the lock with it.
                if (connection.State == System.Data.ConnectionState.Open) await end.ExecuteScalarAsync();
        }
    }
}
