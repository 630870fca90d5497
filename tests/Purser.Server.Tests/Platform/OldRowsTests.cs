using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Purser.Orders;
using Purser.Server.Platform;

namespace Purser.Server.Tests.Platform;

/// <summary>What migrations make of rows that older programs wrote.</summary>
public sealed class OldRowsTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    const int CameBack = 25, MoneyUnderWay = 40;

    static readonly OrderId One = new(1_900_000_000_000L << 21);
    static readonly OrderId Other = new((1_900_000_000_000L << 21) + 1);

    [Fact]
    public async Task Of_old_refunds_those_came_back_whose_failing_names_what_had_gone()
    {
        await using var source = Database.Build(await postgres.CreateEmptyDatabase());
        await Apply(source, before => before.Number < CameBack);
        await Refund(source, One, 1, failed: true);
        await Refund(source, One, 2, failed: true);
        await Refund(source, One, 3, failed: false);
        await Refund(source, One, 11, failed: true);
        await Refund(source, Other, 1, failed: true);
        await Refund(source, Other, 2, failed: true);
        // Refused at once, failed after it went, went, and failed after it went, with a number that ends like another's.
        await Told(source, One, 1, EventType.RefundFailed, Data(One, 1, went: false));
        await Told(source, One, 2, EventType.RefundFailed, Data(One, 2, went: true));
        await Told(source, One, 3, EventType.RefundSucceeded, Data(One, 3, went: false));
        await Told(source, One, 4, EventType.RefundFailed, Data(One, 11, went: true));
        // What another event replaces is none of a refund's.
        await Told(source, Other, 1, EventType.DiscrepancyOpened, Data(Other, 1, went: true));
        await Told(source, Other, 2, EventType.RefundFailed, Data(Other, 2, went: false));

        (await Apply(source, step => step.Number == CameBack)).ShouldBe(["refunds_came_back"]);

        (await Ask(source, $"select string_agg(number::text, ' ' order by number) from refunds where came_back and order_id = {One.Value}")).ShouldBe("2 11");
        (await Ask(source, $"select count(*) from refunds where came_back and order_id = {Other.Value}")).ShouldBe(0L);
        (await Ask(source, "select count(*) from refunds where not came_back")).ShouldBe(4L);
    }

    [Fact]
    public async Task Orders_that_wait_to_be_paid_and_had_money_under_way_which_nothing_ended_are_looked_at_now()
    {
        await using var source = Database.Build(await postgres.CreateEmptyDatabase());
        await Apply(source, before => before.Number < MoneyUnderWay);
        // It failed and nobody read it since, was read before it was processing only, and was cancelled.
        foreach (var (order, status, clear) in new[] { (1, 6, "null"), (2, 7, "now() - interval '2 hours'"), (3, 8, "null") }) await Order(order, status, "now() - interval '1 hour'", clear);
        // It was read afterwards, was never processing, is processing still, and is of an order that is over.
        await Order(4, 6, "now() - interval '1 hour'", "now()");
        await Order(5, 6, "null", "null");
        await Order(6, 3, "now() - interval '1 hour'", "null");
        await Order(7, 6, "now() - interval '1 hour'", "null", ended: true);

        (await Apply(source, step => step.Number == MoneyUnderWay)).ShouldBe(["money_under_way"]);

        (await Ask(source, "select string_agg(id::text, ' ' order by id) from orders where wake_at <= now()")).ShouldBe("1 2 3");

        async Task Order(int id, int payment, string processing, string clear, bool ended = false)
        {
            await Do(source, string.Create(CultureInfo.InvariantCulture, $"""
                insert into orders (id, fingerprint, amount, currency, description, lines, metadata, late_policy, duplicate_policy, second_link, status, sequence, created_at, expires_at, wake_at)
                values ({id}, '', 100, 'INR', 'tea', '[]', '', 0, 0, false, {(ended ? 2 : 0)}, 1, now(), now(), now() + interval '1 year')
                """));
            await Do(source, string.Create(CultureInfo.InvariantCulture, $"""
                insert into payments (order_id, number, account, status, amount, currency, return_url, started_at, link_expires_at, asked_at, asks, refused_asks, cancel_asked, contradicted, dispute, look_at, processing_at, clear_at)
                values ({id}, 1, 'cards', {payment}, 100, 'INR', '', now(), now(), now(), 1, 0, false, false, 0, now(), {processing}, {clear})
                """));
        }
    }

    /// <summary>An event's data, as the programs wrote it until then.</summary>
    static string Data(OrderId order, int refund, bool went)
    {
        var replaced = went ? "\"replaces_amount\":100,\"replaces_currency\":\"INR\"," : "";
        return $$"""
            {"order":{"id":"{{order}}","status":"paid","paid_by":"{{new PaymentId(order, 1)}}"},"payment":{"id":"{{new PaymentId(order, 1)}}","gateway":"cards","status":"succeeded"},
            "refund":"{{new RefundId(order, refund)}}","amount":100,"currency":"INR",{{replaced}}"money_reference":"m_1","reason":"closed account","source":"webhook"}
            """;
    }

    static Task Refund(NpgsqlDataSource source, OrderId order, int number, bool failed) => Do(source, string.Create(CultureInfo.InvariantCulture,
        $"insert into refunds (order_id, number, payment, money_reference, amount, currency, reason, status, requested_at) values ({order.Value}, {number}, 1, 'm_1', 100, 'INR', 2, {(failed ? 4 : 3)}, now())"));

    static Task Told(NpgsqlDataSource source, OrderId order, int sequence, EventType type, string data) => Do(source, string.Create(CultureInfo.InvariantCulture,
        $"insert into events (order_id, sequence, type, at, data) values ({order.Value}, {sequence}, {(int)type}, now(), '{data}')"));

    static async Task Do(NpgsqlDataSource source, string sql)
    {
        await using var command = source.CreateCommand(sql);
        (await command.ExecuteNonQueryAsync()).ShouldBe(1);
    }

    static async Task<object?> Ask(NpgsqlDataSource source, string sql)
    {
        await using var command = source.CreateCommand(sql);
        return await command.ExecuteScalarAsync();
    }

    static async Task<IEnumerable<string>> Apply(NpgsqlDataSource source, Func<Migration, bool> which) =>
        (await Migrations.Apply(source, [.. Migration.Embedded.Where(which)], NullLogger.Instance)).Select(step => step.Name);
}
