using Npgsql;

namespace Purser.Server.Settlement;

/// <summary>Writes into one chain how rows stand that no order's event tells of, in the commit that changed them and as its last step: the chain is one, and
/// whoever comes next waits for that commit. <c>purser audit</c> compares.</summary>
static class DecisionStore
{
    /// <summary>The question about a statement's row that has this number.</summary>
    public static Task Question(NpgsqlConnection connection, long id, CancellationToken stop) =>
        Keep(connection, "insert into decisions (about, state) select 'settlement_discrepancies/' || d.id, row_state(d)::text from settlement_discrepancies d where d.id = $1", stop, Long(id));

    /// <summary>Those of these rows of an account that this commit opened, or opened again.</summary>
    public static NpgsqlBatchCommand Opened(string account, string[] rowKeys)
    {
        var keep = new NpgsqlBatchCommand("""
            insert into decisions (about, state) select 'settlement_discrepancies/' || d.id, row_state(d)::text
            from settlement_discrepancies d where d.account = $1 and d.row_key = any ($2) and d.xmin = pg_current_xact_id()::xid order by d.id
            """);
        keep.Parameters.Add(new NpgsqlParameter<string> { TypedValue = account });
        keep.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = rowKeys });
        return keep;
    }

    /// <summary>What this commit posted under these names of an account.</summary>
    public static NpgsqlBatchCommand Posted(string account, string[] rowKeys)
    {
        var keep = new NpgsqlBatchCommand("""
            insert into decisions (about, state)
            select 'settlement_postings/' || p.file, jsonb_build_object('account', p.account, 'file', p.file, 'postings', jsonb_agg(posting_state(p) order by p.row_key, p.line))::text
            from settlement_postings p where p.account = $1 and p.row_key = any ($2) and p.xmin = pg_current_xact_id()::xid group by p.account, p.file order by p.file
            """);
        keep.Parameters.Add(new NpgsqlParameter<string> { TypedValue = account });
        keep.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = rowKeys });
        return keep;
    }

    /// <summary>What persons decided about an order's question, or that they decided nothing any more.</summary>
    public static Task Resolution(NpgsqlConnection connection, OrderId order, int sequence, CancellationToken stop) => Keep(connection, """
        insert into decisions (about, state)
        select format('order_resolutions/%s_%s', $1::bigint, $2::int), (select row_state(r)::text from order_resolutions r where r.order_id = $1 and r.sequence = $2)
        """, stop, Long(order.Value), new NpgsqlParameter<int> { TypedValue = sequence });

    public static Task Policy(NpgsqlConnection connection, int version, CancellationToken stop) => Keep(connection,
        "insert into decisions (about, state) select 'reconciliation_policies/' || p.version, row_state(p)::text from reconciliation_policies p where p.version = $1", stop,
        new NpgsqlParameter<int> { TypedValue = version });

    /// <summary>A line of the log of what persons did.</summary>
    public static Task Line(NpgsqlConnection connection, long id, CancellationToken stop) => Keep(connection,
        "insert into decisions (about, state) select 'audit_log/' || a.id, row_state(a)::text from audit_log a where a.id = $1 and a.by_whom <> 'purser'", stop, Long(id));

    /// <summary>A file that is no dry run, if this commit changed it: what came in, what became of it, or that it was taken back.</summary>
    public static Task File(NpgsqlConnection connection, long id, CancellationToken stop) => Keep(connection, """
        insert into decisions (about, state)
        select 'settlement_files/' || $1::bigint, (select file_state(f)::text from settlement_files f where f.id = $1)
        where not exists (select from settlement_files f where f.id = $1 and (f.dry_run or f.xmin <> pg_current_xact_id()::xid))
        """, stop, Long(id));

    static async Task Keep(NpgsqlConnection connection, string sql, CancellationToken stop, params NpgsqlParameter[] about)
    {
        await using var keep = new NpgsqlCommand(sql, connection);
        keep.Parameters.AddRange(about);
        await keep.ExecuteNonQueryAsync(stop);
    }

    static NpgsqlParameter<long> Long(long value) => new() { TypedValue = value };
}
