using Npgsql;
using Purser.Orders;
using Purser.Refunds;

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
        return await Read(ask, stop);
    }

    /// <summary>All that went back, as the refunds say it; amounts are positive.</summary>
    public async Task<IReadOnlyList<Captured>> GivenBack(CancellationToken stop)
    {
        await using var ask = database.CreateCommand($"""
            select p.account, r.order_id, r.payment, r.money_reference, r.amount, r.currency
            from refunds r join payments p on p.order_id = r.order_id and p.number = r.payment where r.status = {(int)RefundStatus.Succeeded}
            """);
        return await Read(ask, stop);
    }

    /// <summary>What a gateway account owes us by the ledger, in minor units.</summary>
    /// <param name="Taken">By money that it took and gave back.</param>
    /// <param name="Cleared">By its statements, which take from that.</param>
    public sealed record Receivable(string Account, string Currency, long Taken, long Cleared);

    public async Task<IReadOnlyList<Receivable>> Receivables(CancellationToken stop)
    {
        await using var ask = database.CreateCommand($"""
            with sides as (
                select p.account, p.currency, p.amount, e.type = {(int)EventType.SettlementMatched} as cleared
                from postings p join events e on e.order_id = p.order_id and e.sequence = p.sequence where p.account like 'receivable:%'
                union all select ledger_account, currency, amount, true from settlement_postings where ledger_account like 'receivable:%')
            select substr(account, 12), currency, coalesce(sum(amount) filter (where not cleared), 0)::bigint, coalesce(sum(amount) filter (where cleared), 0)::bigint
            from sides group by 1, 2
            """);
        var all = new List<Receivable>();
        await using var rows = await ask.ExecuteReaderAsync(stop);
        while (await rows.ReadAsync(stop)) all.Add(new Receivable(rows.GetString(0), rows.GetString(1), rows.GetInt64(2), rows.GetInt64(3)));
        return all;
    }

    static async Task<IReadOnlyList<Captured>> Read(NpgsqlCommand ask, CancellationToken stop)
    {
        var all = new List<Captured>();
        await using var rows = await ask.ExecuteReaderAsync(stop);
        while (await rows.ReadAsync(stop))
            all.Add(new Captured(
                rows.GetString(0), new PaymentId(new OrderId(rows.GetInt64(1)), rows.GetInt32(2)), rows.GetString(3),
                new Money(rows.GetInt64(4), Currency.Find(rows.GetString(5)))));
        return all;
    }
}
