using Npgsql;
using NpgsqlTypes;

namespace Purser.Server.Settlement;

/// <summary>Which days were asked for at which gateway account.</summary>
public sealed class SettlementFetchStore(NpgsqlDataSource database)
{
    /// <summary>Takes the day, unless another node asks for it, it is complete and its file was not refused, or it was asked for a while ago only.</summary>
    public async Task<bool> Claim(string account, DateOnly day, TimeSpan lease, TimeSpan again, CancellationToken stop)
    {
        await using var claim = database.CreateCommand("""
            insert into settlement_fetches as f (account, day, asked_at, leased_until) values ($1, $2, clock_timestamp(), clock_timestamp() + $3)
            on conflict (account, day) do update set asked_at = clock_timestamp(), leased_until = clock_timestamp() + $3
            where not (f.complete and not exists (select from settlement_files s where s.id = f.file and s.state = 6)) and coalesce(f.leased_until, '-infinity') < clock_timestamp() and coalesce(f.asked_at, '-infinity') < clock_timestamp() - $4
            returning 1
            """);
        claim.Parameters.Add(new NpgsqlParameter<string> { TypedValue = account });
        claim.Parameters.Add(new NpgsqlParameter<DateOnly> { TypedValue = day });
        claim.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = lease });
        claim.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = again });
        return await claim.ExecuteScalarAsync(stop) is not null;
    }

    /// <summary>Days before one that have no complete answer, since the first day that the account was ever asked for, oldest first.</summary>
    public Task<IReadOnlyList<DateOnly>> Gaps(string account, DateOnly from, DateOnly before, CancellationToken stop) => Days("", account, from, before, stop);

    /// <summary>Why a day is not complete that told all there is by now: something of it was still pending at the gateway. What it told is kept, and nothing is lost with it.</summary>
    public const string Pending = "The gateway has not decided everything of the day.";

    const string ToldAllButPending = $"""
        exists (select from settlement_fetches u where u.account = $1 and u.day = day.of and u.why = '{Pending}' and not exists (select from settlement_files s where s.id = u.file and s.state = 6))
        """;

    /// <summary>The same before a day, without those that a file covers which came otherwise, and without those of which only what is pending is missing.</summary>
    public Task<IReadOnlyList<DateOnly>> Lost(string account, DateOnly before, CancellationToken stop) => Days($"""
        and not {ToldAllButPending}
        and not exists (select from settlement_files o where o.account = $1 and o.state = {(int)FileState.Done} and not o.dry_run and day.of between o.covers_from and o.covers_to)
        """, account, DateOnly.MinValue, before, stop);

    /// <summary>Days before one of which something was still pending when they were asked for last, without those that a file covers which came otherwise.</summary>
    public Task<IReadOnlyList<DateOnly>> Undecided(string account, DateOnly before, CancellationToken stop) => Days($"""
        and {ToldAllButPending} and not exists (select from settlement_files o
            where o.account = $1 and o.state = {(int)FileState.Done} and o.source <> {(int)FileSource.Fetched} and not o.dry_run and day.of between o.covers_from and o.covers_to)
        """, account, DateOnly.MinValue, before, stop);

    async Task<IReadOnlyList<DateOnly>> Days(string unless, string account, DateOnly from, DateOnly before, CancellationToken stop)
    {
        await using var ask = database.CreateCommand($"""
            select day.of from (select min(day) as day from settlement_fetches where account = $1 having min(day) is not null) first
            cross join lateral (select of::date from generate_series(greatest(first.day, $2::date)::timestamp, ($3::date - 1)::timestamp, interval '1 day') of) day
            where not exists (select from settlement_fetches f where f.account = $1 and f.day = day.of and f.complete
                and not exists (select from settlement_files s where s.id = f.file and s.state = 6)) {unless} order by 1
            """);
        ask.Parameters.Add(new NpgsqlParameter<string> { TypedValue = account });
        ask.Parameters.Add(new NpgsqlParameter<DateOnly> { TypedValue = from });
        ask.Parameters.Add(new NpgsqlParameter<DateOnly> { TypedValue = before });
        var found = new List<DateOnly>();
        await using var rows = await ask.ExecuteReaderAsync(stop);
        while (await rows.ReadAsync(stop)) found.Add(rows.GetFieldValue<DateOnly>(0));
        return found;
    }

    public async Task End(string account, DateOnly day, long? file, bool complete, string? why, CancellationToken stop)
    {
        await using var end = database.CreateCommand(
            "update settlement_fetches set file = coalesce($3, file), complete = $4, why = $5, leased_until = null where account = $1 and day = $2");
        end.Parameters.Add(new NpgsqlParameter<string> { TypedValue = account });
        end.Parameters.Add(new NpgsqlParameter<DateOnly> { TypedValue = day });
        end.Parameters.Add(new NpgsqlParameter { Value = (object?)file ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Bigint });
        end.Parameters.Add(new NpgsqlParameter<bool> { TypedValue = complete });
        end.Parameters.Add(new NpgsqlParameter { Value = (object?)Words.Fit(why) ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        await end.ExecuteNonQueryAsync(stop);
    }
}
