using Npgsql;

namespace Purser.Bench;

/// <summary>The plain shape to compare with: a transaction per step in one round trip, prepared statements, the same tables and rows, and less
/// thinking than the product does: no state machine, no locks held across a decision.</summary>
sealed class PlainStore(NpgsqlDataSource database)
{
    const string Data = """{"order":{"id":"ord_0000000000000","status":"awaiting_payment"},"payment":{"id":"pay_0000000000000_1","gateway":"bench","status":"pending"},"amount":49900,"currency":"INR"}""";

    const string Create = """
        insert into orders (id, fingerprint, amount, currency, description, customer_name, customer_email, lines, metadata, late_policy, duplicate_policy,
          second_link, status, sequence, created_at, expires_at, wake_at)
        values ($1, $2, $3, 'INR', 'A book', 'Asha Rao', 'asha@example.test', $4, '{}', 0, 0, false, 0, 1, now(), now() + interval '30 minutes',
          now() + interval '30 minutes')
        """;

    const string Event = "insert into events (order_id, sequence, type, at, data) values ($1, $2, $3, now(), $4)";

    const string Start = """
        with o as (update orders set sequence = 2, wake_at = now() + interval '5 seconds' where id = $1 and status = 0 returning amount, currency, expires_at)
        insert into payments (order_id, number, account, status, amount, currency, return_url, started_at, link_expires_at, asked_at, asks, refused_asks,
          look_at, cancel_asked, contradicted, dispute)
        select $1, 1, 'bench', 0, amount, currency, $2, now(), expires_at, now(), 1, 0, now() + interval '5 seconds', false, false, 0 from o
        """;

    const string Link = """
        with o as (update orders set sequence = 3, wake_at = now() + interval '15 minutes' where id = $1)
        update payments set status = 1, gateway_reference = $2, link_url = $3, link_opened_at = now(), look_at = now() + interval '15 minutes'
        where order_id = $1 and number = 1
        """;

    const string News = """
        insert into gateway_news (account, event_id, event_type, received_at, verdict, order_id, payment, headers, body)
        values ('bench', $1, 'paid', now(), 0, $2, 1, $3, $4) on conflict do nothing
        """;

    const string Pay = """
        with p as (update payments set status = 5, captures = $2, method = 'card', look_at = null where order_id = $1 and number = 1)
        update orders set status = 1, paid_by = 1, captured = amount, sequence = 5, ended_at = now(), wake_at = null where id = $1
        """;

    const string Capture = "insert into captures (account, money_reference, order_id, payment) values ('bench', $1, $2, 1)";

    const string Posting = "insert into postings (order_id, sequence, line, account, amount, currency) values ($1, 4, $2, $3, $4, 'INR')";

    public Task Order(long id, string lines) => Run(
        (Create, [id, new byte[32], 49900L, lines]), (Event, [id, 1, (short)0, Data]));

    public Task Payment(long id, string returnUrl) => Run(
        (Start, [id, returnUrl]), (Event, [id, 2, (short)1, Data]));

    public Task LinkOpened(long id, string reference) => Run(
        (Link, [id, "link_" + reference, "https://gateway.invalid/pay/" + reference]), (Event, [id, 3, (short)2, Data]));

    public Task Paid(long id, string money, string eventId, string headers, byte[] body) => Run(
        (News, [eventId, id, headers, body]),
        (Pay, [id, $$"""[{"reference":"{{money}}","amount":49900,"currency":"INR","at":"2026-01-01T00:00:00Z","standing":0}]"""]), (Capture, [money, id]),
        (Event, [id, 4, (short)5, Data]), (Event, [id, 5, (short)13, Data]),
        (Posting, [id, 1, "receivable:bench", 49900L]), (Posting, [id, 2, "sales", -49900L]));

    /// <summary>News of an order that is paid: kept, and nothing changes.</summary>
    public Task Noted(long id, string eventId, string headers, byte[] body) => Run(
        ("select status from orders where id = $1 for update", [id]), (News, [eventId, id, headers, body]));

    async Task Run(params (string Sql, object[] Values)[] statements)
    {
        await using var connection = await database.OpenConnectionAsync();
        await using var batch = new NpgsqlBatch(connection);
        batch.BatchCommands.Add(new NpgsqlBatchCommand("begin"));
        foreach (var (sql, values) in statements)
        {
            var command = new NpgsqlBatchCommand(sql);
            foreach (var value in values) command.Parameters.Add(new NpgsqlParameter { Value = value });
            batch.BatchCommands.Add(command);
        }
        batch.BatchCommands.Add(new NpgsqlBatchCommand("commit"));
        await batch.ExecuteNonQueryAsync();
    }
}
