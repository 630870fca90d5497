using System.Net;
using System.Net.WebSockets;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Purser.Gateways;
using Purser.Orders;
using Purser.Payments;
using Purser.Server.Api;
using Purser.Server.Engine;
using Purser.Server.Live;
using Purser.Server.Tests.Live;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Api;

/// <summary>An order's token stands in links, mails and on paper: what it opens is the shopper's own, and for no longer than was said.</summary>
public sealed class ShopperSeesTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>, IAsyncLifetime
{
    const string Canary = "canary-";
    static readonly string[] Told = ["id", "type", "timestamp", "sequence", "data"], Facts = ["order", "payment", "refund", "amount", "currency"], Standing = ["id", "status", "late", "paid_by"];

    ApiHouse house = null!;

    public async Task InitializeAsync() => house = await ApiHouse.Open(await postgres.CreateDatabase());

    public async Task DisposeAsync() => await house.DisposeAsync();

    [Fact]
    public async Task What_operators_and_gateways_said_and_took_is_the_merchants_alone()
    {
        var placed = await house.Order($$"""
            {"currency": "INR", "lines": [{"name": "A book", "quantity": 1, "unit_amount": 49900}], "customer": {"name": "Asha Rao", "email": "{{Canary}}mail@example.com",
             "phone": "+919000000001", "country": "IN", "address": "4 {{Canary}}Road", "state": "MH", "tax_id": "27AAPFU0939F1ZV"} }
            """);
        var (order, token) = (placed.Text("id"), placed.Text("token"));
        var payment = $"pay_{order[4..]}_1";
        house.First.AnswerToLink = call => new GatewayAnswer.Done(new Evidence.LinkOpened(new PaymentLink.Redirect("https://gateway.invalid/pay"), call.Amount) { GatewayReference = Canary + "reference" });
        using var early = await Socket(order, token);
        await house.Post($"/v1/orders/{order}/payments", "{}");
        await Hear(order, new Evidence.Declined(Canary + "decline"));
        await Hear(order, new Evidence.Succeeded(Canary + "money", Inr(49_900), "card", Fee: 7_131, Tax: 1_283));
        await Hear(order, new Evidence.Settled(Canary + "money", new Settled(Canary + "row", Inr(49_900), Inr(41_486), Inr(7_131), Inr(1_283), null, Canary + "payout"), PaidOut: true), EvidenceSource.Settlement);
        await house.Post($"/v1/orders/{order}/refunds", $$"""{"note": "{{Canary}}note"}""");
        await Until.True(async () => (await house.Get($"/v1/refunds/ref_{order[4..]}_1")).Text("status") == "failed", "the gateway, which gives nothing back, to be known as such");
        await Do(order, new OrderCommand.Answer(1, DiscrepancyKind.RefundFailed, Canary + "money", AnswerAction.Close, Canary + "operator", Canary + "words"));

        var merchants = await house.Get($"/v1/orders/{order}/events?limit=100");
        foreach (var what in (string[])["decline", "reference", "row", "payout", "operator"]) merchants.Body.ToString().ShouldContain(Canary + what);
        var (events, last) = (List(merchants).Count, List(merchants)[^1].GetProperty("sequence").GetInt32());
        (await house.Get($"/v1/orders/{order}/live")).Body.GetProperty("events").ToString().ShouldContain(Canary + "operator");
        var seen = (await house.Get($"/v1/orders/{order}")).Body.ToString();
        foreach (var what in (string[])["mail", "Road", "decline", "note"]) seen.ShouldContain(Canary + what);

        // The same to whoever was there when it happened, and whoever reads it later.
        using var late = await Socket(order, token);
        foreach (var told in new[] { List(await house.Get($"/v1/orders/{order}/events?limit=100&token={token}", "")), List(await house.Get($"/v1/orders/{order}/live?token={token}", "")), await Heard(early, last), await Heard(late, last) })
        {
            told.Count.ShouldBe(events);
            told.Select(e => e.ToString()).ShouldAllBe(e => !e.Contains(Canary));
            told.SelectMany(Names).Except(Told).ShouldBeEmpty();
            told.SelectMany(e => Names(e.GetProperty("data"))).Except(Facts).ShouldBeEmpty();
            told.SelectMany(e => Facts[..2].Where(f => e.GetProperty("data").TryGetProperty(f, out _)).SelectMany(f => Names(e.GetProperty("data").GetProperty(f)))).Except(Standing).ShouldBeEmpty();
            foreach (var (one, whole) in told.Zip(List(merchants)))
                foreach (var what in (string[])["id", "type", "sequence"]) one.GetProperty(what).ToString().ShouldBe(whole.GetProperty(what).ToString());
            told.Where(e => e.GetProperty("type").GetString() == "settlement.matched").ShouldAllBe(e => !Names(e.GetProperty("data")).Contains("amount"));
            var paid = told.Single(e => e.GetProperty("type").GetString() == "order.paid").GetProperty("data");
            (paid.GetProperty("order").GetProperty("status").GetString(), paid.GetProperty("order").GetProperty("paid_by").GetString(), paid.GetProperty("amount").GetInt64()).ShouldBe(("paid", payment, 49_900));
            told.Last(e => e.GetProperty("type").GetString() == "refund.failed").GetProperty("data").GetProperty("refund").GetString().ShouldBe($"ref_{order[4..]}_1");
        }
        foreach (var path in (string[])[$"/v1/orders/{order}", $"/v1/payments/{payment}"])
        {
            var shoppers = (await house.Get($"{path}?token={token}", "")).Body.ToString();
            foreach (var what in (string[])[Canary, "+919000000001", "27AAPFU0939F1ZV", "\"fee\":7131", "\"tax\":1283", "refund_failed"]) shoppers.ShouldNotContain(what);
        }
    }

    [Fact]
    public async Task Whoever_came_with_a_token_is_given_none_that_lives_longer()
    {
        var placed = await house.Order();
        OrderId.TryParse(placed.Text("id"), out var order).ShouldBeTrue();
        var old = house.Tokens.For(order, TimeProvider.System.GetUtcNow().AddDays(-80));
        old.ShouldNotBe(placed.Text("token"));
        var started = await house.Post($"/v1/orders/{order}/payments?token={old}", "{}", house.Publishable);
        started.Status.ShouldBe(HttpStatusCode.Created);
        started.Text("page_url").ShouldEndWith(old);
        var read = await house.Get($"/v1/orders/{order}?token={old}", "");
        (read.Text("token"), read.Text("checkout_url").Split('=')[^1], read.Body.GetProperty("payments")[0].GetProperty("page_url").GetString()!.Split('=')[^1]).ShouldBe((old, old, old));
        (await house.Get($"/v1/payments/{started.Text("id")}", "", (ApiDoor.TokenHeader, old))).Text("page_url").ShouldEndWith(old);
        (await house.Post($"/v1/payments/{started.Text("id")}/cancellation?token={old}", "{}", "")).Text("page_url").ShouldEndWith(old);
        // The merchant, who may hand it to whom they will, gets one of today whatever else is shown.
        (await house.Get($"/v1/orders/{order}?token={old}")).Text("token").ShouldBe(house.Tokens.Now(order));
    }

    static readonly DateTimeOffset At = DateTimeOffset.UnixEpoch.AddYears(56);

    static Money Inr(long units) => new(units, Currency.Find("INR"));

    static IReadOnlyList<JsonElement> List(Answered answer) => [.. answer.Body.GetProperty("events").EnumerateArray()];

    static IEnumerable<string> Names(JsonElement e) => e.EnumerateObject().Select(p => p.Name);

    Task Hear(string order, Evidence evidence, EvidenceSource source = EvidenceSource.Webhook) => Do(order, evidence.Learned(1, source, At, Canary + "news"));

    async Task Do(string order, OrderInput input)
    {
        OrderId.TryParse(order, out var id).ShouldBeTrue();
        (await house.Host.Services.GetRequiredService<OrderEngine>().Submit(id, input, default)).ShouldBeOfType<EngineReply.Done>().Reply.ShouldNotBeOfType<Reply.Refused>();
    }

    async Task<ClientWebSocket> Socket(string order, string token)
    {
        var socket = new ClientWebSocket();
        socket.Options.AddSubProtocol(LiveEndpoints.Protocol);
        socket.Options.AddSubProtocol(ApiDoor.TokenProtocol + token);
        await socket.ConnectAsync(new Uri($"{house.Host.Url.Replace("http", "ws", StringComparison.Ordinal)}/v1/orders/{order}/live"), default);
        return socket;
    }

    static async Task<IReadOnlyList<JsonElement>> Heard(ClientWebSocket socket, int last)
    {
        var heard = new List<JsonElement>();
        while (heard.Count == 0 || heard[^1].GetProperty("sequence").GetInt32() < last) heard.Add((await LiveHouse.Next(socket))!.Value);
        return heard;
    }
}
