using Npgsql;
using NpgsqlTypes;
using Purser.Payments;

namespace Purser.Server.Events;

/// <summary>What does not agree, or did not.</summary>
/// <param name="Sequence">Of the event that opened it.</param>
public sealed record StoredDiscrepancy(
    PaymentId Payment, int Sequence, DiscrepancyKind Kind, string? MoneyReference, Money Amount, string Owner, DateTimeOffset OpenedAt,
    DateTimeOffset? ResolvedAt, string? Resolution);

public sealed class DiscrepancyStore(NpgsqlDataSource database)
{
    /// <summary>Oldest first, for the oldest has waited longest; one more than asked for tells that there are more.</summary>
    public async Task<IReadOnlyList<StoredDiscrepancy>> List(
        bool? open, (DateTimeOffset At, long Order, int Sequence)? after, int limit, CancellationToken stop)
    {
        await using var list = database.CreateCommand($"""
            select order_id, sequence, payment, kind, money_reference, amount, currency, owner, opened_at, resolved_at, resolution from discrepancies
            where {(open switch { true => "resolved_at is null", false => "resolved_at is not null", null => "true" })}
                and ($1::timestamptz is null or (opened_at, order_id, sequence) > ($1, $2, $3))
            order by opened_at, order_id, sequence limit $4
            """);
        list.Parameters.Add(new NpgsqlParameter { Value = (object?)after?.At.UtcDateTime ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.TimestampTz });
        list.Parameters.Add(new NpgsqlParameter<long> { TypedValue = after?.Order ?? 0 });
        list.Parameters.Add(new NpgsqlParameter<int> { TypedValue = after?.Sequence ?? 0 });
        list.Parameters.Add(new NpgsqlParameter<int> { TypedValue = limit + 1 });
        var found = new List<StoredDiscrepancy>();
        await using var rows = await list.ExecuteReaderAsync(stop);
        while (await rows.ReadAsync(stop))
            found.Add(new StoredDiscrepancy(
                new PaymentId(new OrderId(rows.GetInt64(0)), rows.GetInt32(2)), rows.GetInt32(1), (DiscrepancyKind)rows.GetInt16(3),
                rows.IsDBNull(4) ? null : rows.GetString(4), new Money(rows.GetInt64(5), Currency.Find(rows.GetString(6))), rows.GetString(7),
                rows.GetFieldValue<DateTimeOffset>(8), rows.IsDBNull(9) ? null : rows.GetFieldValue<DateTimeOffset>(9), rows.IsDBNull(10) ? null : rows.GetString(10)));
        return found;
    }
}
