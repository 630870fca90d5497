using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Purser.Orders;
using Purser.Server.Platform;

namespace Purser.Server.Tests.Platform;

/// <summary>What db/0025_refunds_came_back.sql makes of refunds and events that older programs wrote.</summary>
public sealed class RefundsCameBackTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    const int CameBack = 25;

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
