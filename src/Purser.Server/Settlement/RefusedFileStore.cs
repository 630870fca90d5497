using Npgsql;
using Purser.Server.Engine;
using Purser.Server.Reconciliation;

namespace Purser.Server.Settlement;

/// <summary>A file that was refused and that nothing has replaced.</summary>
public sealed record RefusedFile(long Id, string Account, string Name, FileRefusal Refusal)
{
    /// <summary>Its name and why, for people.</summary>
    public string Shown => $"{Name} ({SettlementFile.IdOf(Id)}){(Refusal.Row is { } row ? $" at row {row}" : "")}: {Refusal.Why}";
}

/// <summary>Settlement files that were refused. Nothing of them is applied, so somebody must hear of them: operators by mail, and whoever asks the doctor.</summary>
public sealed class RefusedFileStore(NpgsqlDataSource database)
{
    /// <summary>Of f among settlement_files: nothing has replaced it. What replaces a refused file is the same bytes read at last, a file of its account that was done after it
    /// and covers its days (the day that it was fetched for; else the days of the rows before the fault), another answer to the question for its day, or a person's word. Of a file
    /// none of whose days is known only the first and the last are known to replace it.</summary>
    public const string Stands = """
        f.state = 6 and not f.dry_run and f.dismissed_at is null
        and not exists (
            select from settlement_files o where o.account = f.account and o.state = 5 and not o.dry_run and o.done_at > f.done_at
                and coalesce(case when f.source = 3 then substring(f.name from '\d{4}-\d\d-\d\d$')::date end, f.covers_from) >= o.covers_from
                and coalesce(case when f.source = 3 then substring(f.name from '\d{4}-\d\d-\d\d$')::date end, f.covers_to) <= o.covers_to)
        and not exists (
            select from settlement_fetches s where s.account = f.account and s.day = case when f.source = 3 then substring(f.name from '\d{4}-\d\d-\d\d$')::date end
                and s.file <> f.id and s.leased_until is null)
        """;

    /// <summary>All that stand, by account, the oldest first.</summary>
    public async Task<IReadOnlyList<RefusedFile>> Standing(CancellationToken stop)
    {
        await using var ask = database.CreateCommand($"select f.id, f.account, f.name, f.refusal, f.refusal_row, f.refusal_column from settlement_files f where {Stands} order by f.account, f.id");
        var found = new List<RefusedFile>();
        await using var rows = await ask.ExecuteReaderAsync(stop);
        while (await rows.ReadAsync(stop))
            found.Add(new RefusedFile(rows.GetInt64(0), rows.GetString(1), rows.GetString(2),
                new FileRefusal(rows.GetString(3), rows.IsDBNull(4) ? null : rows.GetInt32(4), rows.IsDBNull(5) ? null : rows.GetString(5))));
        return found;
    }

    /// <summary>A person says that a refused file needs nothing more. Said again it changes nothing.</summary>
    /// <param name="key">The request's Idempotency-Key, kept in the same commit.</param>
    /// <returns>False when it is not refused; and what the key was used for before, when it was: then nothing is done.</returns>
    public async Task<(bool IsRefused, StoredKey? Used)> Dismiss(long file, Actor by, string reason, RequestKey? key, CancellationToken stop)
    {
        await using var connection = await database.OpenConnectionAsync(stop);
        await using var transaction = await connection.BeginTransactionAsync(stop);
        if (key is not null && await RequestKeyStore.Claim(connection, key, SettlementFile.IdOf(file), stop) is { } used) return (false, used);
        await using var dismiss = new NpgsqlCommand("""
            with dismissed as (update settlement_files set dismissed_at = clock_timestamp() where id = $1 and state = 6 and not dry_run and dismissed_at is null returning name, refusal),
            kept as (
                insert into audit_log (at, by_whom, action, subject, reason, detail, key_id)
                select clock_timestamp(), $2, 'dismiss', 'stl_' || $1::bigint, $3, json_build_object('name', name, 'refusal', refusal)::text, $4 from dismissed returning id)
            select exists (select from settlement_files where id = $1 and state = 6 and not dry_run), (select id from kept)
            """, connection);
        dismiss.Parameters.Add(new NpgsqlParameter<long> { TypedValue = file });
        dismiss.Parameters.Add(new NpgsqlParameter<string> { TypedValue = by.Name });
        dismiss.Parameters.Add(new NpgsqlParameter<string> { TypedValue = reason });
        dismiss.Parameters.Add(new NpgsqlParameter<int> { TypedValue = by.Key });
        bool isRefused;
        long? kept;
        await using (var row = await dismiss.ExecuteReaderAsync(stop))
        {
            await row.ReadAsync(stop);
            (isRefused, kept) = (row.GetBoolean(0), row.IsDBNull(1) ? null : row.GetInt64(1));
        }
        if (!isRefused) return (false, null);
        if (kept is { } line)
        {
            await DecisionStore.Line(connection, line, stop);
            await DecisionStore.File(connection, file, stop);
        }
        await transaction.CommitAsync(stop);
        return (true, null);
    }

    /// <summary>Operators hear by mail, where there is mail, of a dropped file that could not even be kept.</summary>
    public async Task NotKept(string account, string name, string why, CancellationToken stop)
    {
        await using var tell = database.CreateCommand("""
            insert into operator_notices (kind, account, what, since, at, due_at) select 7, $1, $2, now(), now(), now()
            where exists (select from webhook_endpoints where kind = 2 and status = 0) on conflict do nothing
            """);
        tell.Parameters.Add(new NpgsqlParameter<string> { TypedValue = account });
        tell.Parameters.Add(new NpgsqlParameter<string> { TypedValue = $"{name}: {why}" });
        await tell.ExecuteNonQueryAsync(stop);
    }
}
