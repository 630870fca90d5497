using System.Net;
using System.Text;
using System.Text.Json;
using Npgsql;
using Purser.Server.Tests.Api;
using Purser.Server.Tests.Platform;
using Purser.Server.Tests.Situations;

namespace Purser.Server.Tests.Events;

public sealed class EventFeedTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>, IAsyncLifetime
{
    ApiHouse house = null!;

    public async Task InitializeAsync() => house = await ApiHouse.Open(await postgres.CreateDatabase());

    public async Task DisposeAsync() => await house.DisposeAsync();

    static IReadOnlyList<string> Ids(Answered page) => [.. page.Body.GetProperty("events").EnumerateArray().Select(e => e.GetProperty("id").GetString()!)];

    /// <summary>Reads on from a cursor to the end of the feed.</summary>
    /// <param name="least">It is waited for so many: a transaction anywhere in this PostgreSQL, of another test also, holds the feed back while it lasts.</param>
    async Task<(IReadOnlyList<string> Ids, string? Cursor)> ReadOn(string? cursor, int limit = 3, int least = 0)
    {
        var ids = new List<string>();
        for (var since = TimeProvider.System.GetTimestamp(); ; await Task.Delay(ids.Count < least ? 50 : 0))
        {
            var page = await house.Get($"/v1/events?limit={limit}{(cursor is null ? "" : $"&after={cursor}")}");
            page.Status.ShouldBe(HttpStatusCode.OK, page.Body.ToString());
            ids.AddRange(Ids(page));
            var before = cursor;
            cursor = page.Body.GetProperty("next").GetString();
            cursor ??= before;
            if (!page.Body.GetProperty("has_more").GetBoolean() && (ids.Count >= least || TimeProvider.System.GetElapsedTime(since).TotalSeconds > 60)) return (ids, cursor);
        }
    }

    [Fact]
    public async Task Every_event_is_read_once_page_by_page()
    {
        var orders = new List<string>();
        for (var i = 0; i < 5; i++) orders.Add((await house.Order()).Text("id"));
        await house.Post($"/v1/orders/{orders[2]}/cancellation", null);
        var (ids, cursor) = await ReadOn(null, limit: 2, least: 6);
        ids.ShouldBe([.. orders.Select(o => $"evt_{o[4..]}_1"), $"evt_{orders[2][4..]}_2"]);
        var (none, still) = await ReadOn(cursor);
        (none.Count, still).ShouldBe((0, cursor));
        var late = (await house.Order()).Text("id");
        (await ReadOn(cursor, least: 1)).Ids.ShouldBe([$"evt_{late[4..]}_1"]);
    }

    [Fact]
    public async Task A_slow_commit_is_not_missed_by_a_reader_who_is_ahead_of_it()
    {
        var first = (await house.Order()).Text("id");
        var (seen, cursor) = await ReadOn(null, least: 1);
        seen.Count.ShouldBe(1);

        // A commit that hangs: its event has its time already.
        await using var slow = new NpgsqlConnection(house.Host.Services.GetConnectionString());
        await slow.OpenAsync();
        await using var transaction = await slow.BeginTransactionAsync();
        await using (var insert = new NpgsqlCommand("insert into events (order_id, sequence, type, at, data) values (1, 1, 0, clock_timestamp(), '{\"order\":{}}')", slow, transaction))
            await insert.ExecuteNonQueryAsync();

        var second = (await house.Order()).Text("id");
        var (ahead, still) = await ReadOn(cursor);
        ahead.ShouldBeEmpty();
        await transaction.CommitAsync();
        OrderId slowOrder = new(1);
        (await ReadOn(still, least: 2)).Ids.ShouldBe([$"evt_{slowOrder.Letters}_1", $"evt_{second[4..]}_1"]);
        first.ShouldNotBe(second);
    }

    [Fact]
    public async Task An_event_of_a_time_before_its_commit_is_not_missed()
    {
        await house.Order();
        var (_, cursor) = await ReadOn(null, least: 1);
        await using var late = new NpgsqlConnection(house.Host.Services.GetConnectionString());
        await late.OpenAsync();
        await using (var insert = new NpgsqlCommand("insert into events (order_id, sequence, type, at, data) values (1, 1, 0, clock_timestamp() - interval '5 seconds', '{\"order\":{}}')", late))
            await insert.ExecuteNonQueryAsync();
        (await ReadOn(cursor, least: 1)).Ids.ShouldBe([$"evt_{new OrderId(1).Letters}_1"]);
    }

    [Fact]
    public async Task A_long_reading_does_not_stop_the_feed_for_ever()
    {
        await using var reader = new NpgsqlConnection(house.Host.Services.GetConnectionString());
        await reader.OpenAsync();
        await using var transaction = await reader.BeginTransactionAsync();
        await using (var read = new NpgsqlCommand("select count(*) from orders", reader, transaction)) await read.ExecuteScalarAsync();
        await house.Order();
        (await ReadOn(null)).Ids.ShouldBeEmpty();
        await transaction.RollbackAsync();
        (await ReadOn(null, least: 1)).Ids.Count.ShouldBe(1);
    }

    [Fact]
    public async Task The_events_of_an_order_have_the_shape_of_the_live_socket()
    {
        var order = await house.Order();
        await house.Post($"/v1/orders/{order.Text("id")}/payments", "{}");
        var page = await house.Get($"/v1/orders/{order.Text("id")}/events?token={order.Text("token")}", "");
        page.Body.GetProperty("events").EnumerateArray().Select(e => e.GetProperty("type").GetString()).ShouldBe(["order.created", "payment.started", "payment.link_ready"]);
        var live = await house.Get($"/v1/orders/{order.Text("id")}/live?token={order.Text("token")}", "");
        static JsonElement Untimed(JsonElement e) => e.GetProperty("data");
        live.Body.GetProperty("events").EnumerateArray().Select(e => Untimed(e).ToString()).ShouldBe(page.Body.GetProperty("events").EnumerateArray().Select(e => Untimed(e).ToString()));
        var rest = await house.Get($"/v1/orders/{order.Text("id")}/events?after=1&limit=1");
        (Ids(rest).Single(), rest.Body.GetProperty("next").GetInt32()).ShouldBe(($"evt_{order.Text("id")[4..]}_2", 2));
    }

    [Fact]
    public async Task News_that_nobody_can_place_are_visible_with_their_bytes_and_wrong_money_is_a_discrepancy()
    {
        await house.Tell("lost", "captured", "01jd8xk3m4n7pp1");
        var order = (await house.Order()).Text("id");
        var payment = await house.Post($"/v1/orders/{order}/payments", "{}");
        await house.Tell("wrong", "captured", payment.Text("reference"), amount: 100);

        var list = await house.Get("/v1/gateway_news?verdict=quarantined");
        var news = list.Body.GetProperty("news").EnumerateArray().ShouldHaveSingleItem();
        news.GetProperty("event_id").GetString().ShouldBe("lost");
        var whole = await house.Get("/v1/gateway_news/first/lost");
        Encoding.UTF8.GetString(Convert.FromBase64String(whole.Text("body"))).ShouldContain("01jd8xk3m4n7pp1");
        (await house.Get("/v1/gateway_news/first/none")).Problem.ShouldBe("news_unknown");
        var pageOne = await house.Get("/v1/gateway_news?limit=1");
        var pageTwo = await house.Get($"/v1/gateway_news?limit=1&cursor={pageOne.Text("next")}");
        pageTwo.Body.GetProperty("news")[0].GetProperty("event_id").GetString().ShouldBe("lost");

        var open = await house.Get("/v1/discrepancies?open=true");
        var one = open.Body.GetProperty("discrepancies").EnumerateArray().ShouldHaveSingleItem();
        (one.GetProperty("kind").GetString(), one.GetProperty("amount").GetInt64()).ShouldBe(("amount_mismatch", 100));
        (await house.Get("/v1/discrepancies?open=false")).Body.GetProperty("discrepancies").GetArrayLength().ShouldBe(0);
    }
}
