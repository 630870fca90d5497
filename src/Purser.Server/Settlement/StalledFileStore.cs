using Npgsql;

namespace Purser.Server.Settlement;

/// <summary>A file that came in, has not ended, and does not get on.</summary>
/// <param name="Since">When it last got on.</param>
public sealed record StalledFile(long Id, string Account, FileState State, int RowsActed, int RowsRead, DateTimeOffset Since)
{
    /// <summary>In words for a person.</summary>
    public string Shown => State == FileState.Acting ? $"{SettlementFile.IdOf(Id)}, applied to row {RowsActed} of {RowsRead}" : SettlementFile.IdOf(Id);
}

/// <summary>Finds files that hang: no node has their account, or their next step fails each time.</summary>
public sealed class StalledFileStore(NpgsqlDataSource database)
{
    /// <summary>The longest step of the largest file, and more.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(30);

    /// <summary>The oldest first; those behind a file of their account that hangs hang with it, and those behind one that gets on wait for their turn.</summary>
    public async Task<IReadOnlyList<StalledFile>> List(int most, CancellationToken stop)
    {
        await using var ask = database.CreateCommand("""
            select f.id, f.account, f.state, f.rows_acted, f.rows_read, coalesce(f.advanced_at, f.received_at) from settlement_files f
            where f.state not in (5, 6) and not f.dry_run and coalesce(f.advanced_at, f.received_at) < clock_timestamp() - $1
                and not exists (select from settlement_files o where o.account = f.account and o.id <> f.id and not o.dry_run and o.state not in (5, 6) and o.turn is not null
                    and coalesce(o.advanced_at, o.received_at) >= clock_timestamp() - $1)
            order by f.turn, f.id limit $2
            """);
        ask.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = Patience });
        ask.Parameters.Add(new NpgsqlParameter<int> { TypedValue = most });
        var found = new List<StalledFile>();
        await using var rows = await ask.ExecuteReaderAsync(stop);
        while (await rows.ReadAsync(stop))
            found.Add(new StalledFile(rows.GetInt64(0), rows.GetString(1), (FileState)rows.GetInt16(2), rows.GetInt32(3), rows.GetInt32(4), rows.GetFieldValue<DateTimeOffset>(5)));
        return found;
    }
}
