using Npgsql;

namespace Purser.Server.Engine;

/// <summary>Statements that look rows up by their keys. PostgreSQL plans them by what it knows of the tables, and of rows that came in a moment ago it knows
/// nothing: left to itself it reads millions of them to find fifty.</summary>
static class KeyLookup
{
    /// <summary>Until the transaction ends: one plan, by the keys, right for any number of rows and however large the tables are. It is not made anew each
    /// time, nor while the tables are empty in a way that does not suit them later. Nor is it compiled: where a table must be read whole, what is switched off makes
    /// it seem so dear that the compiling takes seconds, and the reading does not.</summary>
    public const string Plan =
        "select set_config('plan_cache_mode', 'force_generic_plan', true), set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true), set_config('enable_material', 'off', true), set_config('jit', 'off', true)";

    /// <summary>One such statement, in a round trip and a transaction of its own.</summary>
    public static NpgsqlBatch Of(NpgsqlDataSource database, NpgsqlBatchCommand lookUp) => Fill(database.CreateBatch(), lookUp);

    /// <summary>The same within the connection's transaction, to the end of which the plan is that of all its statements.</summary>
    public static NpgsqlBatch Of(NpgsqlConnection connection, NpgsqlBatchCommand lookUp) => Fill(new NpgsqlBatch(connection), lookUp);

    static NpgsqlBatch Fill(NpgsqlBatch batch, NpgsqlBatchCommand lookUp)
    {
        batch.BatchCommands.Add(new NpgsqlBatchCommand(Plan));
        batch.BatchCommands.Add(lookUp);
        return batch;
    }

    /// <summary>The rows of the statement that a batch was made of.</summary>
    public static async Task<NpgsqlDataReader> Rows(this NpgsqlBatch lookUp, CancellationToken stop)
    {
        var rows = await lookUp.ExecuteReaderAsync(stop);
        await rows.NextResultAsync(stop);
        return rows;
    }
}
