using Npgsql;

namespace Purser.Server.Doctor;

/// <summary>All money that we believe gateways to have taken, as the books and as the payments say it.</summary>
public sealed class CaptureStore(NpgsqlDataSource database)
{
    public sealed record Captured(string Account, PaymentId Payment, string MoneyReference, Money Amount);

    public async Task<IReadOnlyList<Captured>> All(CancellationToken stop)
    {
        await using var ask = database.CreateCommand("""
            select p.account, p.order_id, p.number, c->>'reference', (c->>'amount')::bigint, c->>'currency'
            from payments p, jsonb_array_elements(p.captures::jsonb) c where p.captures is not null
            """);
        var all = new List<Captured>();
        await using var rows = await ask.ExecuteReaderAsync(stop);
        while (await rows.ReadAsync(stop))
            all.Add(new Captured(
                rows.GetString(0), new PaymentId(new OrderId(rows.GetInt64(1)), rows.GetInt32(2)), rows.GetString(3),
                new Money(rows.GetInt64(4), Currency.Find(rows.GetString(5)))));
        return all;
    }

    /// <summary>What each gateway account owes us by the ledger.</summary>
    public async Task<IReadOnlyDictionary<(string Account, string Currency), long>> Receivables(CancellationToken stop)
    {
        await using var ask = database.CreateCommand(
            "select substr(account, 12), currency, sum(amount)::bigint from postings where account like 'receivable:%' group by 1, 2");
        var all = new Dictionary<(string, string), long>();
        await using var rows = await ask.ExecuteReaderAsync(stop);
        while (await rows.ReadAsync(stop)) all[(rows.GetString(0), rows.GetString(1))] = rows.GetInt64(2);
        return all;
    }
}
