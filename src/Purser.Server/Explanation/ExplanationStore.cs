using System.Text.Json;
using Npgsql;
using Purser.Orders;
using Purser.Payments;
using Purser.Server.Engine;

namespace Purser.Server.Explanation;

/// <summary>What an explanation is made of, beside the order itself.</summary>
public sealed record Evidences(IReadOnlyList<OrderEvent> Events, IReadOnlyList<NewsProof> News, IReadOnlyList<CallProof> Calls);

public sealed class ExplanationStore(NpgsqlDataSource database)
{
    /// <summary>Of an order's calls and news the latest are enough; a gateway that is away for days is asked often.</summary>
    const int Most = 2000;

    public async Task<Evidences> Read(OrderId order, CancellationToken stop)
    {
        await using var connection = await database.OpenConnectionAsync(stop);
        await using var read = new NpgsqlBatch(connection);
        foreach (var sql in new[]
        {
            "select sequence, type, at, data from events where order_id = $1 order by sequence",
            // By the events' own evidence, for news have no index by order.
            """
            select n.account, n.event_id, n.event_type, n.received_at from gateway_news n
            join (select distinct data::json #>> '{payment,gateway}' as account, data::json ->> 'evidence' as event_id
                  from events where order_id = $1 and data::json ->> 'source' = 'webhook') e on n.account = e.account and n.event_id = e.event_id
            """,
            $"select raw_key, call, account, sent_at from gateway_calls where order_id = $1 order by id desc limit {Most}",
        })
        {
            var command = new NpgsqlBatchCommand(sql);
            command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = order.Value });
            read.BatchCommands.Add(command);
        }
        await using var rows = await read.ExecuteReaderAsync(stop);
        var events = new List<OrderEvent>();
        while (await rows.ReadAsync(stop))
            events.Add(Event(order, rows.GetInt32(0), (EventType)rows.GetInt16(1), rows.GetFieldValue<DateTimeOffset>(2), rows.GetString(3)));
        await rows.NextResultAsync(stop);
        var news = new List<NewsProof>();
        while (await rows.ReadAsync(stop)) news.Add(new NewsProof(rows.GetString(0), rows.GetString(1), rows.GetString(2), rows.GetFieldValue<DateTimeOffset>(3)));
        await rows.NextResultAsync(stop);
        var calls = new List<CallProof>();
        while (await rows.ReadAsync(stop)) calls.Add(new CallProof(rows.GetString(0), rows.GetString(1), rows.GetString(2), rows.GetFieldValue<DateTimeOffset>(3)));
        return new Evidences(events, news, calls);
    }

    /// <summary>An event back from what is told of it.</summary>
    internal static OrderEvent Event(OrderId order, int sequence, EventType type, DateTimeOffset at, string text)
    {
        using var json = JsonDocument.Parse(text);
        var data = json.RootElement;
        JsonElement? payment = data.TryGetProperty("payment", out var p) ? p : null;
        var state = data.GetProperty("order");
        string? Text(JsonElement? from, string name) => from?.TryGetProperty(name, out var value) is true ? value.GetString() : null;
        Money? Amount(string amount, string currency) => data.TryGetProperty(amount, out var units)
            ? new Money(units.GetInt64(), Currency.Find(data.GetProperty(currency).GetString()!))
            : null;
        return new OrderEvent
        {
            Order = order,
            Sequence = sequence,
            Type = type,
            At = at,
            OrderStatus = Enum.Parse<OrderStatus>(Word(Text(state, "status")!), ignoreCase: true),
            Late = state.TryGetProperty("late", out var late) && late.GetBoolean(),
            PaidBy = PaymentId.TryParse(Text(state, "paid_by"), out var by) ? by.Number : null,
            Payment = PaymentId.TryParse(Text(payment, "id"), out var number) ? number.Number : null,
            Account = Text(payment, "gateway"),
            PaymentStatus = Text(payment, "status") is { } status ? Enum.Parse<PaymentStatus>(Word(status), ignoreCase: true) : null,
            GatewayReference = Text(payment, "gateway_reference"),
            MoneyReference = Text(data, "money_reference"),
            Amount = Amount("amount", "currency"),
            Replaces = Amount("replaces_amount", "replaces_currency"),
            GivenBack = Amount("given_back_amount", "given_back_currency"),
            Expected = RowJson.ReadExpected(data),
            Refund = Text(data, "refund") is { } refund ? int.Parse(refund[(refund.LastIndexOf('_') + 1)..]) : null,
            Discrepancy = Text(data, "discrepancy") is { } kind ? Enum.Parse<DiscrepancyKind>(Word(kind), ignoreCase: true) : null,
            Reason = Text(data, "reason"),
            Source = Text(data, "source") is { } source ? Enum.Parse<EvidenceSource>(Word(source), ignoreCase: true) : null,
            RawKey = Text(data, "evidence"),
            By = Text(data, "by"),
            Settled = data.TryGetProperty("settled", out var row) ? RowJson.ReadSettled(row) : null,
            PaidOut = data.TryGetProperty("paid_out", out var paidOut) && paidOut.GetBoolean(),
        };
    }

    static string Word(string snake) => snake.Replace("_", "", StringComparison.Ordinal);
}
