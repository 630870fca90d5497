using Npgsql;
using NpgsqlTypes;
using Purser.Server.Settlement;

namespace Purser.Server.Invoices;

/// <summary>How far each series of numbers is.</summary>
public sealed class InvoiceSeriesStore(NpgsqlDataSource database)
{
    /// <returns>The place of the last number; 0 when there is none yet.</returns>
    public async Task<long> Last(InvoiceSeries series, CancellationToken stop)
    {
        await using var ask = database.CreateCommand("select last from invoice_series where series = $1");
        ask.Parameters.Add(Text(series.Name));
        return await ask.ExecuteScalarAsync(stop) as long? ?? 0;
    }

    /// <summary>The next number of the series is the one after <paramref name="place"/>. What is left out is counted, and the log of persons says who had it left out.</summary>
    /// <returns>The place that the series stood at before; when that is not lower nothing is changed.</returns>
    public async Task<long> ContinueAfter(InvoiceSeries series, long place, string by, DateTimeOffset now, CancellationToken stop)
    {
        await using var connection = await database.OpenConnectionAsync(stop);
        await using var transaction = await connection.BeginTransactionAsync(stop);
        // Made first where there is none, so that there is a row to lock: nobody takes a number meanwhile.
        await using var begin = new NpgsqlCommand("insert into invoice_series (series, last, last_at) values ($1, 0, $2) on conflict do nothing", connection) { Parameters = { Text(series.Name), At(now) } };
        await begin.ExecuteNonQueryAsync(stop);
        await using var ask = new NpgsqlCommand("select last from invoice_series where series = $1 for update", connection) { Parameters = { Text(series.Name) } };
        var last = (long)(await ask.ExecuteScalarAsync(stop))!;
        if (last >= place) return last;
        await using var lift = new NpgsqlCommand("""
            with lifted as (update invoice_series set last = $2, skipped = skipped + $2 - last where series = $1)
            insert into audit_log (at, by_whom, action, subject, reason, detail)
            values (clock_timestamp(), $3, 'continue_after', $4, 'Numbers up to this one were given before the database was restored.', json_build_object('stood_at', $5::text)::text) returning id
            """, connection)
        { Parameters = { Text(series.Name), new NpgsqlParameter<long> { TypedValue = place }, Text(by), Text(series.Number(place)), Text(last == 0 ? "none" : series.Number(last)) } };
        var line = (long)(await lift.ExecuteScalarAsync(stop))!;
        await DecisionStore.Line(connection, line, stop);
        await transaction.CommitAsync(stop);
        return last;
    }

    static NpgsqlParameter<string> Text(string text) => new() { TypedValue = text };

    static NpgsqlParameter<DateTime> At(DateTimeOffset time) => new() { TypedValue = time.UtcDateTime, NpgsqlDbType = NpgsqlDbType.TimestampTz };
}
