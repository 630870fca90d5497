using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using Npgsql;
using Purser.Orders;
using Purser.Server.Keys;
using Purser.Server.Live;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Live;

public sealed class LiveTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>, IAsyncLifetime
{
    LiveHouse house = null!;
    string connection = null!;
    NpgsqlDataSource database = null!;

    public async Task InitializeAsync()
    {
        connection = await postgres.CreateDatabase();
        database = NpgsqlDataSource.Create(connection);
        house = await LiveHouse.Open(connection);
    }

    public async Task DisposeAsync()
    {
        await house.DisposeAsync();
        await database.DisposeAsync();
    }

    [Fact]
    public async Task A_socket_gets_what_it_missed_and_then_what_happens()
    {
        var order = await house.Place();
        await house.Start(order.Id);
        using var socket = await house.Watch(order, after: 1);
        (await LiveHouse.Next(socket))!.Value.GetProperty("type").GetString().ShouldBe("payment.started");
        await house.Decline(order.Id, 1);
        var declined = (await LiveHouse.Next(socket))!.Value;
        declined.GetProperty("type").GetString().ShouldBe("payment.declined");
        declined.GetProperty("sequence").GetInt32().ShouldBe(3);
        declined.GetProperty("data").GetProperty("payment").GetProperty("id").GetString().ShouldBe(new PaymentId(order.Id, 1).ToString());
    }

    [Fact]
    public async Task Across_reconnects_while_events_are_committed_every_number_comes_once_and_in_order()
    {
        const int declines = 400;
        var order = await house.Place();
        await house.Start(order.Id);
        var writing = Task.Run(async () =>
        {
            for (var i = 1; i <= declines; i++) await house.Decline(order.Id, i);
        });

        var seen = new List<int>();
        var connections = 0;
        while (seen.Count < declines + 2)
        {
            connections++;
            using var socket = await house.Watch(order, after: seen.Count);
            // Cut off in the middle, without a word, until the last connection reads to the end.
            var read = connections < 12 ? 17 : int.MaxValue;
            for (var i = 0; i < read && seen.Count < declines + 2; i++) seen.Add(await LiveHouse.NextSequence(socket));
            socket.Abort();
        }
        await writing;

        seen.ShouldBe(Enumerable.Range(1, declines + 2));
        connections.ShouldBe(12);
        await Until.True(() => house.Hub.Sockets == 0, "all sockets are gone");
    }

    [Fact]
    public async Task Many_watchers_of_one_order_see_the_same()
    {
        var order = await house.Place();
        var sockets = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => house.Watch(order, after: i % 2)));
        await house.Start(order.Id);
        for (var i = 1; i <= 30; i++) await house.Decline(order.Id, i);
        await Task.WhenAll(sockets.Select(async (socket, i) =>
        {
            for (var n = i % 2 + 1; n <= 32; n++) (await LiveHouse.NextSequence(socket)).ShouldBe(n);
        }));
        foreach (var socket in sockets) socket.Dispose();
    }

    [Fact]
    public async Task What_another_node_committed_is_seen()
    {
        await using var other = await LiveHouse.Open(connection);
        var order = await house.Place();
        using var socket = await other.Watch(order, after: 1);
        await house.Start(order.Id);
        (await LiveHouse.NextSequence(socket)).ShouldBe(2);
        // And one that follows here after one from there is neither lost nor early.
        await house.Decline(order.Id, 1);
        await other.Decline(order.Id, 2);
        (await LiveHouse.NextSequence(socket)).ShouldBe(3);
        (await LiveHouse.NextSequence(socket)).ShouldBe(4);
    }

    [Fact]
    public async Task What_another_node_committed_is_told_by_it_and_not_only_found()
    {
        await using var one = await LiveHouse.Open(connection, NeverLooks);
        await using var other = await LiveHouse.Open(connection, NeverLooks);
        await Until.True(() => Task.FromResult(one.Notices.HasOthers && other.Notices.HasOthers), "the nodes to hear of each other");
        var order = await one.Place();
        using var socket = await other.Watch(order, after: 1);
        await one.Start(order.Id);
        (await LiveHouse.NextSequence(socket)).ShouldBe(2);

        // The connection that listens breaks, and another one listens.
        var broken = await Listeners(broken: true);
        broken.ShouldNotBeEmpty();
        await Until.True(async () => (await Listeners(broken: false)) is { Length: >= 3 } now && !now.Intersect(broken).Any(), "the nodes to listen again");
        await one.Decline(order.Id, 1);
        (await LiveHouse.NextSequence(socket)).ShouldBe(3);
    }

    [Fact]
    public async Task A_strangers_notice_makes_nobody_deaf()
    {
        await using var one = await LiveHouse.Open(connection, NeverLooks);
        await using var other = await LiveHouse.Open(connection, NeverLooks);
        await Until.True(() => Task.FromResult(one.Notices.HasOthers && other.Notices.HasOthers), "the nodes to hear of each other");
        var order = await one.Place();
        using var socket = await other.Watch(order, after: 1);
        foreach (var notice in new[] { "", "x", "0123456789abcdef ", $"0123456789abcdef {order.Id.Letters} {order.Id.Letters}:7 \"'; ", new string('7', 7999) })
        {
            await using var tell = database.CreateCommand("select pg_notify('purser_live', $1)");
            tell.Parameters.Add(new NpgsqlParameter<string> { TypedValue = notice });
            await tell.ExecuteNonQueryAsync();
        }
        await one.Start(order.Id);
        (await LiveHouse.NextSequence(socket)).ShouldBe(2);
    }

    /// <summary>Whatever it learns it was told.</summary>
    static LiveOptions NeverLooks { get; } = new() { LookEvery = TimeSpan.FromHours(1), HelloEvery = TimeSpan.FromSeconds(1) };

    /// <summary>The database's sessions that listen; with <paramref name="broken"/> they are ended.</summary>
    async Task<int[]> Listeners(bool broken)
    {
        await using var ask = database.CreateCommand(
            $"select pid{(broken ? ", pg_terminate_backend(pid)" : "")} from pg_stat_activity where datname = current_database() and query = 'listen purser_live'{(broken ? "" : " and state = 'idle'")}");
        var found = new List<int>();
        await using var rows = await ask.ExecuteReaderAsync();
        while (await rows.ReadAsync()) found.Add(rows.GetInt32(0));
        return [.. found];
    }

    [Fact]
    public async Task A_node_that_hears_nothing_of_its_own_still_learns_from_the_database()
    {
        await using var deaf = await LiveHouse.Open(connection, heard: false);
        var order = await deaf.Place();
        using var socket = await deaf.Watch(order, after: 0);
        (await LiveHouse.NextSequence(socket)).ShouldBe(1);
        await deaf.Start(order.Id);
        (await LiveHouse.NextSequence(socket)).ShouldBe(2);
    }

    [Fact]
    public async Task A_slow_reader_is_dropped_and_nobody_else_waits_for_it()
    {
        await using var strict = await LiveHouse.Open(connection, new LiveOptions { SlowAfter = TimeSpan.FromSeconds(2), LookEvery = TimeSpan.FromMilliseconds(200) });
        const int missed = 40_000;
        var order = await strict.Place();
        await strict.Start(order.Id);
        await Write(order, 3, missed);
        // A raw connection with the smallest of windows that asks for a socket and then never reads.
        using var raw = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 1024 };
        await raw.ConnectAsync(IPAddress.Loopback, strict.Http.BaseAddress!.Port);
        await raw.SendAsync(Encoding.ASCII.GetBytes(
            $"GET /v1/orders/{order.Id}/live?token={strict.Tokens.For(order.Id, order.CreatedAt)} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n" +
            "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"));
        await Until.True(() => strict.Hub.Sockets == 1, "the socket is open");
        using var quick = await strict.Watch(order, after: missed);

        var last = missed;
        await Until.True(async () =>
        {
            await Write(order, ++last, last);
            (await LiveHouse.NextSequence(quick)).ShouldBe(last);
            return strict.Hub.Sockets == 1;
        }, "the slow one is dropped");
        quick.State.ShouldBe(WebSocketState.Open);
    }

    /// <summary>Events that another node committed.</summary>
    async Task Write(Order order, int first, int last)
    {
        await using var connection = await database.OpenConnectionAsync();
        foreach (var sql in (string[])["set session_replication_role = replica",
            $$$"""insert into events (order_id, sequence, type, at, data) select {{{order.Id.Value}}}, n, 3, now(), '{"order":{"id":"{{{order.Id}}}","status":"awaiting_payment"}}' from generate_series({{{first}}}, {{{last}}}) n""",
            $"update orders set sequence = {last} where id = {order.Id.Value}", "reset session_replication_role"])
        {
            await using var write = new NpgsqlCommand(sql, connection);
            await write.ExecuteNonQueryAsync();
        }
    }

    [Fact]
    public async Task A_socket_that_talks_is_shown_the_door()
    {
        var order = await house.Place();
        using var socket = await house.Watch(order, after: 1);
        await socket.SendAsync("hello"u8.ToArray(), WebSocketMessageType.Text, true, CancellationToken.None);
        (await LiveHouse.Next(socket)).ShouldBeNull();
        socket.CloseStatus.ShouldBe(WebSocketCloseStatus.PolicyViolation);
        await Until.True(() => house.Hub.Sockets == 0, "the socket is gone");
    }

    [Fact]
    public async Task A_quiet_socket_hears_a_heartbeat()
    {
        await using var lively = await LiveHouse.Open(connection,
            new LiveOptions { HeartbeatEvery = TimeSpan.FromMilliseconds(300), LookEvery = TimeSpan.FromMilliseconds(100) });
        var order = await lively.Place();
        using var socket = await lively.Watch(order, after: 1);
        for (var count = 0; count < 3; count++)
        {
            var beat = (await LiveHouse.NextMessage(socket))!.Value;
            beat.GetProperty("type").GetString().ShouldBe("heartbeat");
            beat.GetProperty("sequence").GetInt32().ShouldBe(1);
        }
    }

    [Fact]
    public async Task A_socket_that_lacks_nothing_is_greeted_and_one_that_lacks_something_is_told_that()
    {
        var order = await house.Place();
        using var knows = await house.Watch(order, after: 1);
        (await LiveHouse.NextMessage(knows))!.Value.GetProperty("type").GetString().ShouldBe("heartbeat");
        using var lacks = await house.Watch(order, after: 0);
        (await LiveHouse.NextMessage(lacks))!.Value.GetProperty("type").GetString().ShouldBe("order.created");
        await house.Start(order.Id);
        (await LiveHouse.NextMessage(lacks))!.Value.GetProperty("sequence").GetInt32().ShouldBe(2);
    }

    [Fact]
    public async Task One_order_has_room_for_so_many_sockets_and_no_more()
    {
        await using var small = await LiveHouse.Open(connection, new LiveOptions { MostPerOrder = 2 });
        var order = await small.Place();
        using var one = await small.Watch(order, after: 1);
        using var two = await small.Watch(order, after: 1);
        await Until.True(() => small.Hub.Sockets == 2, "both are open");
        await Should.ThrowAsync<WebSocketException>(() => small.Watch(order, after: 1));
        // The long poll still answers.
        (await Ask(small, order, after: 0)).Sequence.ShouldBe(1);
    }

    [Fact]
    public async Task A_plain_question_is_answered_at_once_and_a_long_poll_when_something_happens()
    {
        var order = await house.Place();
        var now = await Ask(house, order, after: 0);
        now.Sequence.ShouldBe(1);
        now.Json.GetProperty("status").GetString().ShouldBe("awaiting_payment");
        now.Json.GetProperty("events")[0].GetProperty("type").GetString().ShouldBe("order.created");

        (await Ask(house, order, after: 1)).Json.GetProperty("events").GetArrayLength().ShouldBe(0);

        var waiting = Ask(house, order, after: 1, wait: 25);
        await house.Start(order.Id);
        var started = await waiting.WaitAsync(TimeSpan.FromSeconds(15));
        started.Sequence.ShouldBe(2);
        started.Json.GetProperty("payment").GetProperty("status").GetString().ShouldBe("starting");
        started.Json.GetProperty("events").GetArrayLength().ShouldBe(1);
    }

    [Fact]
    public async Task Whoever_has_seen_more_than_a_restored_database_has_is_told_so_and_begins_anew()
    {
        var order = await house.Place();
        await house.Start(order.Id);
        using var socket = await house.Watch(order, after: 7);
        var told = (await LiveHouse.NextMessage(socket))!.Value;
        (told.GetProperty("type").GetString(), told.GetProperty("sequence").GetInt32()).ShouldBe(("rewound", 0));
        (await LiveHouse.NextSequence(socket)).ShouldBe(1);
        (await LiveHouse.NextSequence(socket)).ShouldBe(2);

        // At once, however long it would wait.
        var asked = await Ask(house, order, after: 7, wait: 25).WaitAsync(TimeSpan.FromSeconds(15));
        (asked.Sequence, asked.Json.GetProperty("rewound").GetBoolean(), asked.Json.GetProperty("payment").GetProperty("status").GetString()).ShouldBe((2, true, "starting"));
        asked.Json.GetProperty("events").EnumerateArray().Select(e => e.GetProperty("sequence").GetInt32()).ShouldBe([1, 2]);
        (await Ask(house, order, after: 1)).Json.GetProperty("rewound").GetBoolean().ShouldBeFalse();
        (await Ask(house, order, after: 2)).Json.GetProperty("rewound").GetBoolean().ShouldBeFalse();

        // And then it goes on, for all who watch.
        using var other = await house.Watch(order, after: 2);
        await house.Decline(order.Id, 1);
        (await LiveHouse.NextSequence(socket)).ShouldBe(3);
        (await LiveHouse.NextSequence(other)).ShouldBe(3);
    }

    [Fact]
    public async Task A_database_that_is_restored_under_those_who_watch_is_noticed()
    {
        var order = await house.Place();
        await house.Start(order.Id);
        await house.Decline(order.Id, 1);
        using var ahead = await house.Watch(order, after: 1);
        (await LiveHouse.NextSequence(ahead)).ShouldBe(2);
        (await LiveHouse.NextSequence(ahead)).ShouldBe(3);
        using var behind = await house.Watch(order, after: 0);
        for (var n = 1; n <= 3; n++) (await LiveHouse.NextSequence(behind)).ShouldBe(n);
        var waiting = Ask(house, order, after: 3, wait: 25);
        await Until.True(() => house.Hub.Waiting == 1, "the question to wait");
        await using var backup = await database.OpenConnectionAsync();
        foreach (var sql in (string[])["set session_replication_role = replica", $"delete from events where order_id = {order.Id.Value} and sequence = 3", $"update orders set sequence = 2 where id = {order.Id.Value}"])
        {
            await using var restore = new NpgsqlCommand(sql, backup);
            await restore.ExecuteNonQueryAsync();
        }
        foreach (var socket in (ClientWebSocket[])[ahead, behind])
        {
            (await LiveHouse.NextMessage(socket))!.Value.GetProperty("type").GetString().ShouldBe("rewound");
            (await LiveHouse.NextSequence(socket)).ShouldBe(1);
            (await LiveHouse.NextSequence(socket)).ShouldBe(2);
        }
        (await waiting.WaitAsync(TimeSpan.FromSeconds(15))).Json.GetProperty("rewound").GetBoolean().ShouldBeTrue();
    }

    [Fact]
    public async Task Waiting_ends_empty_handed_when_nothing_happens()
    {
        var order = await house.Place();
        (await house.Hub.WaitForChange(order.Id, 1, TimeSpan.FromMilliseconds(50), CancellationToken.None)).ShouldBeFalse();
        (await house.Hub.WaitForChange(order.Id, 0, TimeSpan.FromSeconds(20), CancellationToken.None)).ShouldBeTrue("it has happened already");
    }

    [Theory]
    [InlineData(null, HttpStatusCode.Unauthorized)]
    [InlineData("nonsense", HttpStatusCode.NotFound)]
    [InlineData("other", HttpStatusCode.NotFound)]
    public async Task Without_the_orders_own_token_nothing_is_told(string? token, HttpStatusCode answer)
    {
        var order = await house.Place();
        var other = await house.Place();
        if (token == "other") token = house.Tokens.For(other.Id, other.CreatedAt);
        (await house.Http.GetAsync($"/v1/orders/{order.Id}/live?token={token}")).StatusCode.ShouldBe(answer);
        await Should.ThrowAsync<WebSocketException>(() => house.Watch(order, 0, token ?? ""));
    }

    [Fact]
    public async Task A_secret_key_opens_every_order_and_no_other_key_does()
    {
        var order = await house.Place();
        var (secret, _) = await house.Keys.Create("shop", KeyKind.Secret);
        var (publishable, _) = await house.Keys.Create("page", KeyKind.Publishable, ["https://shop.example"]);
        (await Status(order.Id, secret)).ShouldBe(HttpStatusCode.OK);
        (await Status(order.Id, publishable)).ShouldBe(HttpStatusCode.Forbidden);
        (await Status(order.Id, "sk_nonsense")).ShouldBe(HttpStatusCode.Unauthorized);
        (await Status(new OrderId(order.Id.Value + 1), secret)).ShouldBe(HttpStatusCode.NotFound);
    }

    async Task<HttpStatusCode> Status(OrderId order, string key)
    {
        using var asked = new HttpRequestMessage(HttpMethod.Get, $"/v1/orders/{order}/live");
        asked.Headers.Authorization = new("Bearer", key);
        return (await house.Http.SendAsync(asked)).StatusCode;
    }

    [Theory]
    [InlineData("after=-1")]
    [InlineData("wait=-5")]
    [InlineData("after=x")]
    [InlineData("after=99999999999")]
    public async Task A_question_that_makes_no_sense_is_answered_400(string query)
    {
        var order = await house.Place();
        var answer = await house.Http.GetAsync($"/v1/orders/{order.Id}/live?token={house.Tokens.For(order.Id, order.CreatedAt)}&{query}");
        answer.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
    }

    static async Task<(int Sequence, JsonElement Json)> Ask(LiveHouse at, Order order, int after, int wait = 0)
    {
        var text = await at.Http.GetStringAsync($"/v1/orders/{order.Id}/live?token={at.Tokens.For(order.Id, order.CreatedAt)}&after={after}&wait={wait}");
        var json = JsonDocument.Parse(text).RootElement;
        return (json.GetProperty("sequence").GetInt32(), json);
    }
}
