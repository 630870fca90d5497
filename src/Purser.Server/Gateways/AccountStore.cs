using Npgsql;

namespace Purser.Server.Gateways;

/// <summary>The gateway accounts that money of this database came by, configured now or not.</summary>
public sealed class AccountStore(NpgsqlDataSource database)
{
    // One step along the index for each account, however many captures there are.
    const string Names = """
        with recursive names (account) as (
            (select account from captures order by account limit 1)
            union all
            select (select c.account from captures c where c.account > n.account order by c.account limit 1) from names n where n.account is not null)
        select account from names where account is not null
        """;

    public async Task<IReadOnlyList<string>> WithMoney(CancellationToken stop)
    {
        await using var read = database.CreateCommand(Names);
        await using var rows = await read.ExecuteReaderAsync(stop);
        var names = new List<string>();
        while (await rows.ReadAsync(stop)) names.Add(rows.GetString(0));
        return names;
    }
}
