using System.Net;
using System.Net.WebSockets;
using Purser.Orders;
using Purser.Server.Live;
using Purser.Server.Tests.Api;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Live;

/// <summary>Watching goes through the same door as everything else under /v1, and takes no more room than there is.</summary>
public sealed class LiveDoorTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    [Fact]
    public async Task Invented_keys_are_limited_here_too()
    {
        await using var house = await ApiHouse.Open(await postgres.CreateDatabase(), ApiHouse.NoRefill, ("Purser:Api:StrangerBurst", "4"));
        var order = (await house.Order()).Text("id");
        var answers = new List<Answered>();
        for (var i = 0; i < 10; i++) answers.Add(await house.Get($"/v1/orders/{order}/live", $"sk_{i:x64}"));
        answers[0].Problem.ShouldBe("key_unknown");
        answers.Count(a => a.Status == HttpStatusCode.TooManyRequests).ShouldBe(7, "the shop's own key was new here, too");
    }

    [Fact]
    public async Task A_token_watches_only_so_often()
    {
        await using var house = await ApiHouse.Open(await postgres.CreateDatabase(), ApiHouse.NoRefill, ("Purser:Api:TokenBurst", "4"));
        var order = await house.Order();
        var answers = new List<Answered>();
        for (var i = 0; i < 10; i++) answers.Add(await house.Get($"/v1/orders/{order.Text("id")}/live?token={order.Text("token")}", ""));
        answers[0].Status.ShouldBe(HttpStatusCode.OK);
        answers.ShouldContain(a => a.Status == HttpStatusCode.TooManyRequests && a.Headers.RetryAfter != null);
    }

    [Fact]
    public async Task A_page_of_the_shop_may_watch_and_no_other_page()
    {
        await using var house = await ApiHouse.Open(await postgres.CreateDatabase());
        var order = await house.Order();
        var path = $"/v1/orders/{order.Text("id")}/live?token={order.Text("token")}";
        var allowed = await house.Get(path, house.Publishable, ("Origin", ApiHouse.ShopOrigin));
        (allowed.Status, allowed.Headers.GetValues("Access-Control-Allow-Origin").Single()).ShouldBe((HttpStatusCode.OK, ApiHouse.ShopOrigin));
        (await house.Get(path, house.Publishable, ("Origin", "https://evil.example"))).Problem.ShouldBe("origin_refused");

        var token = order.Text("token");
        using var own = await Socket(house, order.Text("id"), token, house.Host.Url);
        own.State.ShouldBe(WebSocketState.Open);
        // Reached by another of its names than the configured one: what the browser calls the page's host is the host it asks.
        using var alias = await Socket(house, order.Text("id"), token, house.Host.Url.Replace("127.0.0.1", "localhost", StringComparison.Ordinal), "localhost");
        alias.State.ShouldBe(WebSocketState.Open);
        await Should.ThrowAsync<WebSocketException>(() => Socket(house, order.Text("id"), token, "https://evil.example"));
    }

    static async Task<ClientWebSocket> Socket(ApiHouse house, string order, string token, string origin, string? host = null)
    {
        var socket = new ClientWebSocket();
        socket.Options.AddSubProtocol(LiveEndpoints.Protocol);
        socket.Options.AddSubProtocol("token." + token);
        socket.Options.SetRequestHeader("Origin", origin);
        var address = house.Host.Url.Replace("http", "ws", StringComparison.Ordinal);
        if (host is not null) socket.Options.SetRequestHeader("Host", $"{host}:{new Uri(address).Port}");
        await socket.ConnectAsync(new Uri($"{address}/v1/orders/{order}/live"), CancellationToken.None);
        return socket;
    }

    [Theory]
    [InlineData(2, 100)]
    [InlineData(100, 2)]
    public async Task So_many_wait_and_no_more_and_sockets_have_their_own_room(int perOrder, int inAll)
    {
        await using var small = await LiveHouse.Open(await postgres.CreateDatabase(), new LiveOptions { MostWaitersPerOrder = perOrder, MostWaiters = inAll, MostPerOrder = 1 });
        var order = await small.Place();
        var waiting = Enumerable.Range(0, 2).Select(_ => Ask(small, order, 20)).ToList();
        await Until.True(() => small.Hub.Waiting == 2, "both wait");
        using var refused = await Ask(small, order, 20);
        refused.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        refused.Headers.RetryAfter!.Delta!.Value.ShouldBeGreaterThan(TimeSpan.Zero);
        (await small.Hub.WaitForChange(order.Id, 1, TimeSpan.FromSeconds(20), CancellationToken.None)).ShouldBeFalse("there is no room to wait in");
        // Who does not wait takes no room; and waiters take none of the sockets'.
        using (var plain = await Ask(small, order, 0)) plain.StatusCode.ShouldBe(HttpStatusCode.OK);
        using var socket = await small.Watch(order, after: 1);

        await small.Start(order.Id);
        foreach (var one in waiting)
            using (var answer = await one) answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        await Until.True(() => small.Hub.Waiting == 0, "their room is free again");
    }

    static Task<HttpResponseMessage> Ask(LiveHouse house, Order order, int wait) =>
        house.Http.GetAsync($"/v1/orders/{order.Id}/live?token={house.Tokens.For(order.Id, order.CreatedAt)}&after=1&wait={wait}");
}
