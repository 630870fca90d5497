using Npgsql;
using Purser.Server.Settlement;

namespace Purser.Server.Reconciliation;

/// <summary>Keeps what rows post. Nothing that was posted is changed: what should stand otherwise is posted as the difference.</summary>
static class RowPostingStore
{
    /// <summary>Brings what stands in the books of a row to these sides, within the caller's commit; done again it posts nothing. The caller holds the row's
    /// question, so that nobody else moves it meanwhile.</summary>
    public static async Task Restate(NpgsqlConnection connection, string account, string rowKey, long file, IReadOnlyList<RowPosting> wanted, CancellationToken stop)
    {
        await using var post = new NpgsqlCommand("""
            with wanted as (
                select ledger_account, currency, sum(amount) as amount from unnest($4::text[], $5::bigint[], $6::text[]) x (ledger_account, amount, currency) group by 1, 2),
            stands as (
                select ledger_account, currency, sum(amount) as amount from settlement_postings where account = $1 and row_key = $2 group by 1, 2)
            insert into settlement_postings (account, row_key, line, ledger_account, amount, currency, file, posted_at)
            select $1, $2, (select coalesce(max(line), 0) from settlement_postings where account = $1 and row_key = $2) + row_number() over (order by ledger_account, currency),
                ledger_account, (coalesce(w.amount, 0) - coalesce(s.amount, 0))::bigint, currency, $3, statement_timestamp()
            from wanted w full join stands s using (ledger_account, currency) where coalesce(w.amount, 0) <> coalesce(s.amount, 0)
            """, connection);
        post.Parameters.Add(new NpgsqlParameter<string> { TypedValue = account });
        post.Parameters.Add(new NpgsqlParameter<string> { TypedValue = rowKey });
        post.Parameters.Add(new NpgsqlParameter<long> { TypedValue = file });
        post.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. wanted.Select(p => p.LedgerAccount)] });
        post.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. wanted.Select(p => p.Amount.MinorUnits)] });
        post.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. wanted.Select(p => p.Amount.Currency.Code)] });
        await post.ExecuteNonQueryAsync(stop);
    }

    /// <summary>The last step of a commit that posted under this name, or did not.</summary>
    public static async Task Keep(NpgsqlConnection connection, string account, string rowKey, CancellationToken stop)
    {
        await using var keep = new NpgsqlBatch(connection);
        keep.BatchCommands.Add(DecisionStore.Posted(account, [rowKey]));
        await keep.ExecuteNonQueryAsync(stop);
    }
}
