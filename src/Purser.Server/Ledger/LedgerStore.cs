using System.Data;
using System.Runtime.CompilerServices;
using Npgsql;
using NpgsqlTypes;
using Purser.Orders;

namespace Purser.Server.Ledger;

/// <summary>What stands on one account of the books in one currency; debits are positive.</summary>
public sealed record Balance(string Account, Money Amount, Money Debits, Money Credits);

/// <summary>One side of an entry, with what it was booked for: an event of an order, or a row of a statement that belongs to no order.</summary>
/// <param name="Place">With <paramref name="Sequence"/> and <paramref name="Line"/> the order among what was booked at one time.</param>
/// <param name="Entry">The event's id, or the gateway account and its own name for the row, which may be any text.</param>
/// <param name="Type">The event's, or <see cref="OfStatement"/>.</param>
/// <param name="Reference">The merchant's own name for the order.</param>
public sealed record LedgerRow(
    DateTimeOffset At, long Place, int Sequence, int Line, string Entry, string Type, OrderId? Order, string Account, Money Amount, string? Reference = null)
{
    public const string OfStatement = "settlement.row";
}

/// <param name="Before">What stood on the account before the first of <paramref name="Rows"/>.</param>
public sealed record Statement(long Opening, long Closing, long Before, IReadOnlyList<LedgerRow> Rows);

/// <summary>Reads the books. A period holds its beginning and not its end, so that periods that follow each other hold every posting once.</summary>
public sealed class LedgerStore(NpgsqlDataSource database)
{
    /// <summary>Sums go over all that was ever posted.</summary>
    const int LongestSeconds = 300;
    const string Place = "(at, entry, sequence, line)";

    static readonly DateTimeOffset Ever = new(9999, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>All accounts as they stood before this time, or as they stand.</summary>
    public async Task<IReadOnlyList<Balance>> Balances(DateTimeOffset? before, CancellationToken stop)
    {
        await using var ask = database.CreateCommand($"""
            select account, currency, sum(amount)::bigint, coalesce(sum(amount) filter (where amount > 0), 0)::bigint, coalesce(-sum(amount) filter (where amount < 0), 0)::bigint
            from ledger{(before is null ? "" : " where at < $1")} group by account, currency order by account, currency
            """);
        ask.CommandTimeout = LongestSeconds;
        if (before is { } time) ask.Parameters.Add(Time(time));
        var balances = new List<Balance>();
        await using var rows = await ask.ExecuteReaderAsync(stop);
        while (await rows.ReadAsync(stop))
        {
            var currency = Currency.Find(rows.GetString(1));
            balances.Add(new Balance(rows.GetString(0), new Money(rows.GetInt64(2), currency), new Money(rows.GetInt64(3), currency), new Money(rows.GetInt64(4), currency)));
        }
        return balances;
    }

    /// <summary>One account's postings of a period in the order of time; one more than asked for tells that there are more.</summary>
    public async Task<Statement> Statement(
        string account, Currency currency, DateTimeOffset? from, DateTimeOffset? to, (DateTimeOffset At, long Place, int Sequence, int Line)? after, int limit,
        CancellationToken stop)
    {
        var seen = after ?? (DateTimeOffset.UnixEpoch, 0, 0, 0);
        await using var connection = await database.OpenConnectionAsync(stop);
        // Sums and lines of one moment, or they would not add up.
        await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, stop);
        long opening, closing, before;
        await using (var sums = new NpgsqlCommand($"""
            select coalesce(sum(amount) filter (where at < $3), 0)::bigint, coalesce(sum(amount), 0)::bigint,
              coalesce(sum(amount) filter (where at < $3 or {Place} <= ($5, $6, $7, $8)), 0)::bigint
            from ledger where account = $1 and currency = $2 and at < $4
            """, connection) { CommandTimeout = LongestSeconds })
        {
            Fill(sums);
            await using var rows = await sums.ExecuteReaderAsync(stop);
            await rows.ReadAsync(stop);
            (opening, closing, before) = (rows.GetInt64(0), rows.GetInt64(1), rows.GetInt64(2));
        }
        await using var list = new NpgsqlCommand($"""
            select at, entry, sequence, line, order_id, type, gateway, row_key, account, amount, currency, null from ledger
            where account = $1 and currency = $2 and at >= $3 and at < $4 and {Place} > ($5, $6, $7, $8) order by at, entry, sequence, line limit $9
            """, connection) { CommandTimeout = LongestSeconds };
        Fill(list);
        list.Parameters.Add(new NpgsqlParameter<int> { TypedValue = limit + 1 });
        var lines = new List<LedgerRow>();
        await using var found = await list.ExecuteReaderAsync(stop);
        while (await found.ReadAsync(stop)) lines.Add(Read(found));
        return new Statement(opening, closing, before, lines);

        void Fill(NpgsqlCommand command)
        {
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = account });
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = currency.Code });
            command.Parameters.Add(Time(from ?? DateTimeOffset.UnixEpoch));
            command.Parameters.Add(Time(to ?? Ever));
            command.Parameters.Add(Time(seen.At));
            command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = seen.Place });
            command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = seen.Sequence });
            command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = seen.Line });
        }
    }

    /// <summary>All postings of a period, entry by entry, as they come from the database: any number of them, none kept here.</summary>
    public async IAsyncEnumerable<LedgerRow> All(DateTimeOffset? from, DateTimeOffset? to, [EnumeratorCancellation] CancellationToken stop)
    {
        await using var read = database.CreateCommand("""
            select l.at, l.entry, l.sequence, l.line, l.order_id, l.type, l.gateway, l.row_key, l.account, l.amount, l.currency, o.reference
            from ledger l left join orders o on o.id = l.order_id where l.at >= $1 and l.at < $2 order by l.at, l.entry, l.sequence, l.line
            """);
        read.CommandTimeout = 0;
        read.Parameters.Add(Time(from ?? DateTimeOffset.UnixEpoch));
        read.Parameters.Add(Time(to ?? Ever));
        await using var rows = await read.ExecuteReaderAsync(stop);
        while (await rows.ReadAsync(stop)) yield return Read(rows);
    }

    static LedgerRow Read(NpgsqlDataReader r)
    {
        OrderId? order = r.IsDBNull(4) ? null : new OrderId(r.GetInt64(4));
        return new LedgerRow(
            r.GetFieldValue<DateTimeOffset>(0), r.GetInt64(1), r.GetInt32(2), r.GetInt32(3),
            order is { } id ? $"evt_{id.Letters}_{r.GetInt32(2)}" : $"{r.GetString(6)}/{r.GetString(7)}",
            r.IsDBNull(5) ? LedgerRow.OfStatement : ((EventType)r.GetInt16(5)).Name(), order,
            r.GetString(8), new Money(r.GetInt64(9), Currency.Find(r.GetString(10))), r.IsDBNull(11) ? null : r.GetString(11));
    }

    static NpgsqlParameter<DateTime> Time(DateTimeOffset time) => new() { TypedValue = time.UtcDateTime, NpgsqlDbType = NpgsqlDbType.TimestampTz };
}
