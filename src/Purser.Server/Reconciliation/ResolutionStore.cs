using Npgsql;
using NpgsqlTypes;
using Purser.Orders;
using Purser.Reconciliation;
using Purser.Server.Engine;
using Purser.Server.Settlement;

namespace Purser.Server.Reconciliation;

/// <summary>What a person wants done about a discrepancy.</summary>
/// <param name="Policy">The version that is in force.</param>
/// <param name="Key">The API key that they act with; null when it is not known, for it is finished for them.</param>
public sealed record Decision(string Action, string By, string Reason, int Policy, int? Key);

/// <summary>What became of a step.</summary>
/// <param name="Done">False when the discrepancy is no longer as it was seen; then nothing is kept.</param>
/// <param name="Used">What the request's key was used for before; then nothing is kept either.</param>
public readonly record struct Kept(bool Done, StoredKey? Used = null);

/// <summary>Keeps what persons decide, each step in one commit with its line of the audit log, and only if the discrepancy is still as the person saw it:
/// of two who act at once, one is told so.</summary>
public sealed class ResolutionStore(NpgsqlDataSource database)
{
    /// <summary>A remark; nothing else changes.</summary>
    public async Task<Kept> Note(StoredDiscrepancy d, Decision remark, RequestKey? key, CancellationToken stop)
    {
        await using var connection = await database.OpenConnectionAsync(stop);
        await using var transaction = await connection.BeginTransactionAsync(stop);
        if (await Claim(connection, d, key, stop) is { } used) return new(false, used);
        await Record(connection, d, remark.Action, remark, stop);
        await transaction.CommitAsync(stop);
        return new(true);
    }

    /// <summary>Keeps what the first of two persons wants, until the second wants the same.</summary>
    public Task<Kept> Propose(StoredDiscrepancy seen, Decision wish, RequestKey? key, CancellationToken stop) => Step(seen, $"propose_{wish.Action}", wish, seen.Id.Order is null
        ? "update settlement_discrepancies set resolution = $3, by_first = $4, by_second = null, key_first = $7, key_second = null, reason = $5, policy = $6 where id = $1"
        : """
          insert into order_resolutions (order_id, sequence, action, by_first, reason, policy, key_first, seen_amounts, seen_currencies) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
          on conflict (order_id, sequence) do update set action = $3, by_first = $4, by_second = null, key_first = $7, key_second = null, reason = $5, policy = $6, seen_amounts = $8, seen_currencies = $9
          """, stop, key);

    /// <summary>All needed persons want it: what is to be done is kept before it is done. It may yet turn out that it cannot be, and then the request is
    /// nobody's answer; so its key is not kept with it.</summary>
    /// <param name="second">The person agrees with the one who proposed it.</param>
    public Task<Kept> Decide(StoredDiscrepancy seen, Decision decided, bool second, CancellationToken stop) => Step(seen, decided.Action, decided, (seen.Id.Order is null, second) switch
    {
        (true, true) => "update settlement_discrepancies set by_second = $4, key_second = $7, policy = $6, decided_at = clock_timestamp() where id = $1",
        (true, false) => "update settlement_discrepancies set resolution = $3, by_first = $4, by_second = null, key_first = $7, key_second = null, reason = $5, policy = $6, decided_at = clock_timestamp() where id = $1",
        (false, true) => "update order_resolutions set by_second = $4, key_second = $7, policy = $6, decided_at = clock_timestamp(), seen_amounts = $8, seen_currencies = $9 where order_id = $1 and sequence = $2",
        (false, false) => """
            insert into order_resolutions (order_id, sequence, action, by_first, reason, policy, key_first, decided_at, seen_amounts, seen_currencies) values ($1, $2, $3, $4, $5, $6, $7, clock_timestamp(), $8, $9)
            on conflict (order_id, sequence) do update set action = $3, by_first = $4, by_second = null, key_first = $7, key_second = null, reason = $5, policy = $6, decided_at = clock_timestamp(),
                seen_amounts = $8, seen_currencies = $9
            """,
    }, stop);

    /// <summary>Decides and does, in one commit, what concerns no order: the row's question is closed with the postings that this means.</summary>
    /// <param name="books">What of the row stands in the books from now on; null leaves them.</param>
    internal async Task<Kept> Close(StoredDiscrepancy seen, Decision decided, bool second, RequestKey? key, IReadOnlyList<RowPosting>? books, CancellationToken stop)
    {
        await using var connection = await database.OpenConnectionAsync(stop);
        await using var transaction = await connection.BeginTransactionAsync(stop);
        if (await Claim(connection, seen, key, stop) is { } used) return new(false, used);
        if (!await IsAsSeen(connection, seen, stop)) return new(false);
        await using (var close = new NpgsqlCommand(second
            ? "update settlement_discrepancies set by_second = $3, key_second = $6, policy = $5, resolved_at = clock_timestamp() where id = $1"
            : "update settlement_discrepancies set resolution = $2, by_first = $3, by_second = null, key_first = $6, key_second = null, reason = $4, policy = $5, resolved_at = clock_timestamp() where id = $1", connection))
        {
            close.Parameters.Add(new NpgsqlParameter<long> { TypedValue = seen.Id.Row });
            Values(close, decided);
            if (await close.ExecuteNonQueryAsync(stop) != 1) return new(false);
        }
        await Restate(connection, seen, books, stop);
        await Record(connection, seen, decided.Action, decided, stop);
        await Keep(connection, seen.Id, stop);
        await transaction.CommitAsync(stop);
        return new(true);
    }

    /// <summary>Opens a row's question again and takes back what its answer posted, in one commit, if no money moved.</summary>
    /// <param name="books">As of <see cref="Close"/>.</param>
    /// <returns>False when the discrepancy is no longer as it was seen.</returns>
    internal async Task<bool> Reopen(StoredDiscrepancy seen, Decision undo, IReadOnlyList<RowPosting>? books, CancellationToken stop)
    {
        await using var connection = await database.OpenConnectionAsync(stop);
        await using var transaction = await connection.BeginTransactionAsync(stop);
        if (!await IsAsSeen(connection, seen, stop)) return false;
        await using (var reopen = new NpgsqlCommand("""
            update settlement_discrepancies set resolved_at = null, resolution = null, reason = null, by_first = null, by_second = null, key_first = null, key_second = null, policy = null, decided_at = null
            where id = $1 and not final
            """, connection))
        {
            reopen.Parameters.Add(new NpgsqlParameter<long> { TypedValue = seen.Id.Row });
            if (await reopen.ExecuteNonQueryAsync(stop) != 1) return false;
        }
        await Restate(connection, seen, books, stop);
        await Record(connection, seen, undo.Action, undo, stop);
        await Keep(connection, seen.Id, stop);
        await transaction.CommitAsync(stop);
        return true;
    }

    /// <summary>What was decided is done: of a row's question this closes it for good, of an order's the order has closed it.</summary>
    /// <param name="books">As of <see cref="Close"/>: what waited in suspense is booked by the order.</param>
    internal async Task Done(StoredDiscrepancy decided, IReadOnlyList<RowPosting>? books, CancellationToken stop)
    {
        await using var connection = await database.OpenConnectionAsync(stop);
        await using var transaction = await connection.BeginTransactionAsync(stop);
        await using var done = new NpgsqlCommand(decided.Id.Order is null
            ? "update settlement_discrepancies set resolved_at = clock_timestamp(), final = true where id = $1 and resolved_at is null and decided_at = $3"
            : "update order_resolutions set done_at = clock_timestamp() where order_id = $1 and sequence = $2 and decided_at = $3 and done_at is null", connection);
        Name(done, decided.Id);
        done.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = decided.DecidedAt!.Value.UtcDateTime });
        if (await done.ExecuteNonQueryAsync(stop) == 0) return;
        await Restate(connection, decided, books, stop);
        await Keep(connection, decided.Id, stop);
        await transaction.CommitAsync(stop);
    }

    /// <summary>What was decided cannot be done: recorded, and taken back. What the first of two persons wanted about a row stays proposed.</summary>
    public async Task Refused(StoredDiscrepancy decided, string why, CancellationToken stop)
    {
        await using var connection = await database.OpenConnectionAsync(stop);
        await using var transaction = await connection.BeginTransactionAsync(stop);
        await using (var back = new NpgsqlCommand(decided.Id.Order is not null
            ? "delete from order_resolutions where order_id = $1 and sequence = $2 and decided_at = $3 and done_at is null"
            : decided.SecondPerson is not null
                ? "update settlement_discrepancies set decided_at = null, by_second = null, key_second = null where id = $1 and decided_at = $3 and resolved_at is null"
                : """
                  update settlement_discrepancies set decided_at = null, resolution = null, by_first = null, key_first = null, reason = null, policy = null
                  where id = $1 and decided_at = $3 and resolved_at is null
                  """, connection))
        {
            Name(back, decided.Id);
            back.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = decided.DecidedAt!.Value.UtcDateTime });
            if (await back.ExecuteNonQueryAsync(stop) == 0) return;
        }
        await Record(connection, decided, $"{decided.Resolution}_refused", new Decision(decided.Resolution!, decided.SecondPerson ?? decided.FirstPerson!, why, decided.Policy ?? 0, decided.SecondPerson is null ? decided.FirstKey : decided.SecondKey), stop);
        await Keep(connection, decided.Id, stop);
        await transaction.CommitAsync(stop);
    }

    /// <summary>What the first of two persons wanted is taken back.</summary>
    public Task<Kept> Withdraw(StoredDiscrepancy seen, Decision undo, CancellationToken stop) => Step(seen, undo.Action, undo, seen.Id.Order is null
        ? "update settlement_discrepancies set resolution = null, by_first = null, by_second = null, key_first = null, key_second = null, reason = null, policy = null where id = $1"
        : "delete from order_resolutions where order_id = $1 and sequence = $2", stop);

    /// <summary>An order's answer is to be taken back: kept before it is done.</summary>
    public Task<Kept> Undo(StoredDiscrepancy seen, Decision undo, CancellationToken stop) => Step(seen, undo.Action, undo, """
        insert into order_resolutions (order_id, sequence, action, by_first, reason, policy, undo_at, undo_by, undo_reason, decided_at, done_at)
        values ($1, $2, $3, $4, $5, $6, clock_timestamp(), $4, $5, clock_timestamp(), clock_timestamp())
        on conflict (order_id, sequence) do update set undo_at = clock_timestamp(), undo_by = $4, undo_reason = $5
        """, stop);

    /// <summary>The order has taken its answer back, or cannot any more, which is recorded.</summary>
    /// <param name="refused">Why not; null when it did.</param>
    public async Task Undone(StoredDiscrepancy undone, string? refused, CancellationToken stop)
    {
        await using var connection = await database.OpenConnectionAsync(stop);
        await using var transaction = await connection.BeginTransactionAsync(stop);
        await using (var end = new NpgsqlCommand(refused is null || undone.Resolution == Undoing
            ? "delete from order_resolutions where order_id = $1 and sequence = $2 and undo_at is not null"
            : "update order_resolutions set undo_at = null, undo_by = null, undo_reason = null where order_id = $1 and sequence = $2 and undo_at is not null", connection))
        {
            Name(end, undone.Id);
            if (await end.ExecuteNonQueryAsync(stop) == 0) return;
        }
        if (refused is not null) await Record(connection, undone, $"{Undoing}_refused", new Decision(Undoing, undone.Undo!.Value.By, refused, undone.Policy ?? 0, null), stop);
        await Keep(connection, undone.Id, stop);
        await transaction.CommitAsync(stop);
    }

    /// <summary>The action of taking an answer back.</summary>
    public const string Undoing = "reopen";

    /// <summary>What was decided longer ago than this and is not done; the latest first, so that what fails for ever keeps no other back.</summary>
    public async Task<IReadOnlyList<DiscrepancyId>> Unfinished(TimeSpan since, int most, CancellationToken stop)
    {
        await using var ask = database.CreateCommand("""
            select null::bigint, 0, id, decided_at as since from settlement_discrepancies where decided_at is not null and resolved_at is null and decided_at < clock_timestamp() - $1
            union all
            select order_id, sequence, 0, greatest(decided_at, undo_at) from order_resolutions
            where ((decided_at is not null and done_at is null) or undo_at is not null) and greatest(decided_at, undo_at) < clock_timestamp() - $1
            order by since desc limit $2
            """);
        ask.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = since });
        ask.Parameters.Add(new NpgsqlParameter<int> { TypedValue = most });
        var found = new List<DiscrepancyId>();
        await using var rows = await ask.ExecuteReaderAsync(stop);
        while (await rows.ReadAsync(stop)) found.Add(new DiscrepancyId(rows.IsDBNull(0) ? null : new OrderId(rows.GetInt64(0)), rows.GetInt32(1), rows.GetInt64(2)));
        return found;
    }

    /// <summary>Whether an order's own events say that these persons answered the question.</summary>
    public async Task<bool> WasAnsweredBy(StoredDiscrepancy d, string by, CancellationToken stop)
    {
        await using var ask = database.CreateCommand("""
            select exists (select from events e where e.order_id = $1 and e.sequence > $2 and e.type = $3 and e.data::jsonb->>'by' = $4 and e.data::jsonb->>'discrepancy' = $5
                and e.data::jsonb->>'money_reference' is not distinct from $6)
            """);
        Name(ask, d.Id);
        ask.Parameters.Add(new NpgsqlParameter<short> { TypedValue = (short)EventType.DiscrepancyResolved });
        ask.Parameters.Add(new NpgsqlParameter<string> { TypedValue = by });
        ask.Parameters.Add(new NpgsqlParameter<string> { TypedValue = EventNames.Snake(d.Kind!.Value.ToString()) });
        ask.Parameters.Add(new NpgsqlParameter { Value = (object?)d.MoneyReference ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        return await ask.ExecuteScalarAsync(stop) is true;
    }

    /// <summary>Whether the order has asked the same after that question.</summary>
    public async Task<bool> IsAskedAnew(StoredDiscrepancy d, CancellationToken stop)
    {
        await using var ask = database.CreateCommand(
            "select exists (select from discrepancies where order_id = $1 and sequence > $2 and payment = $3 and kind = $4 and money_reference is not distinct from $5)");
        Name(ask, d.Id);
        ask.Parameters.Add(new NpgsqlParameter<int> { TypedValue = d.Payment!.Value.Number });
        ask.Parameters.Add(new NpgsqlParameter<short> { TypedValue = (short)d.Kind!.Value });
        ask.Parameters.Add(new NpgsqlParameter { Value = (object?)d.MoneyReference ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        return await ask.ExecuteScalarAsync(stop) is true;
    }

    /// <summary>Whether a refund of this money was asked for since then, whatever became of it.</summary>
    public async Task<bool> WasRefunded(PaymentId payment, string money, DateTimeOffset since, CancellationToken stop)
    {
        await using var ask = database.CreateCommand(
            "select exists (select from refunds where order_id = $1 and payment = $2 and money_reference = $3 and requested_at >= $4::timestamptz - interval '1 second')");
        ask.Parameters.Add(new NpgsqlParameter<long> { TypedValue = payment.Order.Value });
        ask.Parameters.Add(new NpgsqlParameter<int> { TypedValue = payment.Number });
        ask.Parameters.Add(new NpgsqlParameter<string> { TypedValue = money });
        ask.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = since.UtcDateTime });
        return await ask.ExecuteScalarAsync(stop) is true;
    }

    /// <param name="recorded">How the audit log calls it.</param>
    async Task<Kept> Step(StoredDiscrepancy seen, string recorded, Decision decision, string change, CancellationToken stop, RequestKey? key = null)
    {
        await using var connection = await database.OpenConnectionAsync(stop);
        await using var transaction = await connection.BeginTransactionAsync(stop);
        if (await Claim(connection, seen, key, stop) is { } used) return new(false, used);
        if (!await IsAsSeen(connection, seen, stop)) return new(false);
        await using (var step = new NpgsqlCommand(change, connection))
        {
            Name(step, seen.Id);
            Values(step, decision);
            step.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. seen.Stakes.Select(m => m.MinorUnits)] });
            step.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. seen.Stakes.Select(m => m.Currency.Code)] });
            if (await step.ExecuteNonQueryAsync(stop) != 1) return new(false);
        }
        await Record(connection, seen, recorded, decision, stop);
        await Keep(connection, seen.Id, stop);
        await transaction.CommitAsync(stop);
        return new(true);
    }

    /// <summary>Takes the request's key in the commit of what it does: whoever dies after it has done both, and before it neither.</summary>
    static async Task<StoredKey?> Claim(NpgsqlConnection connection, StoredDiscrepancy d, RequestKey? key, CancellationToken stop) =>
        key is null ? null : await RequestKeyStore.Claim(connection, key, d.Id.ToString(), stop);

    /// <summary>Holds what is kept of a discrepancy to the end of the commit, and compares it with what the person saw.</summary>
    static async Task<bool> IsAsSeen(NpgsqlConnection connection, StoredDiscrepancy seen, CancellationToken stop)
    {
        if (seen.Id.Order is not null)
        {
            // There may be no row to hold yet.
            await using var turn = new NpgsqlCommand("select pg_advisory_xact_lock(hashtextextended($1, 0))", connection);
            turn.Parameters.Add(new NpgsqlParameter<string> { TypedValue = seen.Id.ToString() });
            await turn.ExecuteNonQueryAsync(stop);
        }
        await using var hold = new NpgsqlCommand(seen.Id.Order is null
            ? "select resolution, by_first, by_second, decided_at, resolved_at, key_first, key_second, coalesce(named_file, file), coalesce(named_number, number), class from settlement_discrepancies where id = $1 for update"
            : """
              select coalesce(r.action, d.resolution), r.by_first, r.by_second, r.decided_at, d.resolved_at, r.key_first, r.key_second, r.undo_at, r.seen_amounts, r.seen_currencies
              from discrepancies d left join order_resolutions r on r.order_id = d.order_id and r.sequence = d.sequence where d.order_id = $1 and d.sequence = $2
              """, connection);
        Name(hold, seen.Id);
        await using var row = await hold.ExecuteReaderAsync(stop);
        if (!await row.ReadAsync(stop)) return false;
        string? Text(int column) => row.IsDBNull(column) ? null : row.GetString(column);
        DateTimeOffset? Time(int column) => row.IsDBNull(column) ? null : row.GetFieldValue<DateTimeOffset>(column);
        int? Key(int column) => row.IsDBNull(column) ? null : row.GetInt32(column);
        return (Text(1), Text(2), Time(3), Time(4), Key(5), Key(6)) == (seen.FirstPerson, seen.SecondPerson, seen.DecidedAt, seen.ResolvedAt, seen.FirstKey, seen.SecondKey)
            && (seen.ResolvedAt is not null || Text(0) == seen.Resolution)
            // A later file may have asked anew, of another amount, or have named what it is about.
            && (seen.Id.Order is null ? ((row.GetInt64(7), row.GetInt32(8)), row.GetInt16(9)) == (seen.Shown, (short)seen.Class!.Value) : Time(7) == seen.Undo?.At && (Seen(row, 8) ?? []).SequenceEqual(seen.Seen ?? []));
    }

    /// <summary>Of two columns beside each other: the amounts, and their currencies.</summary>
    internal static IReadOnlyList<Money>? Seen(NpgsqlDataReader row, int at) => row.IsDBNull(at) ? null
        : [.. row.GetFieldValue<long[]>(at).Zip(row.GetFieldValue<string[]>(at + 1), (amount, currency) => new Money(amount, Currency.Find(currency)))];

    static async Task Record(NpgsqlConnection connection, StoredDiscrepancy d, string action, Decision what, CancellationToken stop)
    {
        await using var record = new NpgsqlCommand("""
            insert into audit_log (at, by_whom, action, subject, reason, detail, policy, key_id)
            values (clock_timestamp(), $1, $2, $3, $4, json_build_object('amount', $5::bigint, 'currency', $6::text)::text, $7, $8) returning id
            """, connection);
        record.Parameters.Add(new NpgsqlParameter<string> { TypedValue = what.By });
        record.Parameters.Add(new NpgsqlParameter<string> { TypedValue = action });
        record.Parameters.Add(new NpgsqlParameter<string> { TypedValue = d.Id.ToString() });
        record.Parameters.Add(new NpgsqlParameter<string> { TypedValue = what.Reason });
        record.Parameters.Add(new NpgsqlParameter<long> { TypedValue = d.Amount.MinorUnits });
        record.Parameters.Add(new NpgsqlParameter<string> { TypedValue = d.Amount.Currency.Code });
        record.Parameters.Add(new NpgsqlParameter<int> { TypedValue = what.Policy });
        record.Parameters.Add(KeyOf(what));
        await DecisionStore.Line(connection, (long)(await record.ExecuteScalarAsync(stop))!, stop);
    }

    /// <summary>The last step of each commit: from then on the discrepancy stands so.</summary>
    static Task Keep(NpgsqlConnection connection, DiscrepancyId id, CancellationToken stop) =>
        id.Order is { } order ? DecisionStore.Resolution(connection, order, id.Sequence, stop) : DecisionStore.Question(connection, id.Row, stop);

    static async Task Restate(NpgsqlConnection connection, StoredDiscrepancy d, IReadOnlyList<RowPosting>? books, CancellationToken stop)
    {
        if (books is null) return;
        var name = d.AgainOf is null ? RowName.Of(d.RowKey!, d.Class!.Value) : d.RowKey!;
        await RowPostingStore.Restate(connection, d.Account, name, d.File!.Value, books, stop);
        await RowPostingStore.Keep(connection, d.Account, name, stop);
    }

    static void Values(NpgsqlCommand command, Decision decision)
    {
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = decision.Action });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = decision.By });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = decision.Reason });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = decision.Policy });
        command.Parameters.Add(KeyOf(decision));
    }

    static NpgsqlParameter KeyOf(Decision decision) => new() { Value = (object?)decision.Key ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Integer };

    static void Name(NpgsqlCommand command, DiscrepancyId id)
    {
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = id.Order?.Value ?? id.Row });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = id.Sequence });
    }
}
