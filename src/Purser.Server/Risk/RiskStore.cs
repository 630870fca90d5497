using Npgsql;
using Purser.Orders;
using Purser.Payments;
using Purser.Refunds;
using Purser.Server.Engine;
using Purser.Server.Orders;

namespace Purser.Server.Risk;

/// <summary>Money at risk of one kind at one gateway account in one currency.</summary>
/// <param name="Amount">Null where nobody knows one: a message that could not be placed.</param>
public sealed record RiskLine(string Kind, string? Account, string? Currency, long Count, long? Amount, DateTimeOffset Oldest);

/// <summary>Everything that waits for an answer, from a gateway or a person, in one view.</summary>
public sealed class RiskStore(NpgsqlDataSource database, RiskOptions options)
{
    public async Task<(DateTimeOffset Now, IReadOnlyList<RiskLine> Lines)> Read(CancellationToken stop)
    {
        await using var connection = await database.OpenConnectionAsync(stop);
        await using var ask = new NpgsqlBatch(connection) { Timeout = 60 };
        ask.BatchCommands.Add(new NpgsqlBatchCommand(KeyLookup.Plan));
        ask.BatchCommands.Add(new NpgsqlBatchCommand("select clock_timestamp()"));
        // What is open has an alarm, and the alarms have an index.
        Add(ask, """
            select p.account, p.currency, count(*), sum(p.amount)::bigint, min(p.started_at) from orders o join payments p on p.order_id = o.id
            where o.wake_at is not null and p.status = $1 group by p.account, p.currency
            """, (short)PaymentStatus.Unresolved);
        ask.BatchCommands.Add(new NpgsqlBatchCommand($"""
            select d.kind, p.account, d.currency, count(*), sum(d.amount)::bigint, min(d.opened_at),
                exists (select 1 from orders o where o.id = d.order_id and o.fulfilled_at is not null and o.paid_by = d.payment) and {FulfilmentStore.DeniesMoney} as went
            from discrepancies d left join payments p on p.order_id = d.order_id and p.number = d.payment where d.resolved_at is null group by d.kind, p.account, d.currency, went
            """));
        // Those without an end have an index, and are written as it has them.
        Add(ask, """
            select r.reason, p.account, r.currency, count(*), sum(r.amount)::bigint, min(r.requested_at), r.status = $1
            from refunds r left join payments p on p.order_id = r.order_id and p.number = r.payment
            where r.status <= 2 and (r.status = $1 or r.reason in ($2, $3)) group by r.reason, p.account, r.currency, r.status = $1
            """, (short)RefundStatus.Unresolved, (short)RefundReason.Late, (short)RefundReason.Duplicate);
        ask.BatchCommands.Add(new NpgsqlBatchCommand(
            "select account, currency, count(*), greatest(least(sum(amount), 9223372036854775807), -9223372036854775807)::bigint, min(opened_at) from settlement_discrepancies where resolved_at is null group by account, currency"));
        Add(ask, "select account, count(*), min(received_at) from gateway_news where verdict = $1 group by account", (short)NewsVerdict.Quarantined);
        Add(ask, $"""
            select p.account, p.currency, count(*), sum(p.amount)::bigint, min((select max(at) from events e where e.order_id = p.order_id and e.type = $1))
            from payments p join orders o on o.id = p.order_id and o.paid_by = p.number where p.dispute = {(int)DisputeState.Open} and o.fulfilled_at is not null
                and not exists (select 1 from discrepancies d where d.order_id = p.order_id and d.payment = p.number and d.resolved_at is null and {FulfilmentStore.DeniesMoney})
            group by p.account, p.currency
            """, (short)EventType.DisputeOpened);
        if (options.Asks(RiskKinds.Unfulfilled))
            ask.BatchCommands.Add(new NpgsqlBatchCommand($"""
                select accepted.account, currency, count(*), sum(amount)::bigint, min(ended_at)
                from orders join lateral (select p.account from payments p where p.order_id = orders.id and p.number = orders.paid_by) accepted on true
                where {FulfilmentStore.Waiting} group by accepted.account, currency
                """));

        var lines = new List<RiskLine>();
        await using var rows = await ask.ExecuteReaderAsync(stop);
        await rows.NextResultAsync(stop);
        await rows.ReadAsync(stop);
        var now = Time(rows, 0);
        await rows.NextResultAsync(stop);
        while (await rows.ReadAsync(stop)) lines.Add(new RiskLine(RiskKinds.Unresolved, rows.GetString(0), rows.GetString(1), rows.GetInt64(2), rows.GetInt64(3), Time(rows, 4)));
        await rows.NextResultAsync(stop);
        while (await rows.ReadAsync(stop))
            lines.Add(new RiskLine(rows.GetBoolean(6) ? RiskKinds.FulfilledUnpaid : RiskKinds.Of((DiscrepancyKind)rows.GetInt16(0)), Text(rows, 1), rows.GetString(2), rows.GetInt64(3), rows.GetInt64(4), Time(rows, 5)));
        await rows.NextResultAsync(stop);
        while (await rows.ReadAsync(stop))
        {
            var kind = rows.GetBoolean(6) ? RiskKinds.RefundUnresolved : (RefundReason)rows.GetInt16(0) == RefundReason.Late ? RiskKinds.Late : RiskKinds.Duplicate;
            lines.Add(new RiskLine(kind, Text(rows, 1), rows.GetString(2), rows.GetInt64(3), rows.GetInt64(4), Time(rows, 5)));
        }
        await rows.NextResultAsync(stop);
        while (await rows.ReadAsync(stop)) lines.Add(new RiskLine(RiskKinds.Unmatched, rows.GetString(0), rows.GetString(1), rows.GetInt64(2), rows.GetInt64(3), Time(rows, 4)));
        await rows.NextResultAsync(stop);
        while (await rows.ReadAsync(stop)) lines.Add(new RiskLine(RiskKinds.Unmatched, rows.GetString(0), null, rows.GetInt64(1), null, Time(rows, 2)));
        foreach (var kind in (string[])[RiskKinds.FulfilledUnpaid, RiskKinds.Unfulfilled])
        {
            if (!await rows.NextResultAsync(stop)) break;
            while (await rows.ReadAsync(stop)) lines.Add(new RiskLine(kind, rows.GetString(0), rows.GetString(1), rows.GetInt64(2), rows.GetInt64(3), Time(rows, 4)));
        }
        return (now, Together(lines));
    }

    /// <summary>Several sources may tell of one kind.</summary>
    static IReadOnlyList<RiskLine> Together(List<RiskLine> lines) =>
    [
        .. lines.GroupBy(l => (l.Kind, l.Account, l.Currency))
            .Select(g => new RiskLine(g.Key.Kind, g.Key.Account, g.Key.Currency, g.Sum(l => l.Count), g.Key.Currency is null ? null : Sum(g), g.Min(l => l.Oldest)))
            .OrderBy(l => RiskKinds.All.ToList().IndexOf(l.Kind)).ThenBy(l => l.Account, StringComparer.Ordinal).ThenBy(l => l.Currency, StringComparer.Ordinal),
    ];

    /// <summary>What a statement claims may be more than can be counted; the view of the rest must not fail by it.</summary>
    static long Sum(IEnumerable<RiskLine> lines) => (long)Int128.Clamp(lines.Aggregate((Int128)0, (sum, l) => sum + (l.Amount ?? 0)), -long.MaxValue, long.MaxValue);

    static void Add(NpgsqlBatch batch, string sql, params short[] values)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var value in values) command.Parameters.Add(new NpgsqlParameter<short> { TypedValue = value });
        batch.BatchCommands.Add(command);
    }

    static string? Text(NpgsqlDataReader r, int i) => r.IsDBNull(i) ? null : r.GetString(i);

    static DateTimeOffset Time(NpgsqlDataReader r, int i) => r.GetFieldValue<DateTimeOffset>(i);
}
