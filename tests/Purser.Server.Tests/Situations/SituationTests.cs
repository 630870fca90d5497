using System.Net;
using System.Text.Json;
using Purser.Gateways;
using Purser.Orders;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Situations;

/// <summary>What two popular systems were measured to get wrong, over HTTP with real PostgreSQL.</summary>
public sealed class SituationTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    async Task<Shop> Open() => await Shop.Open(await postgres.CreateDatabase());

    static string Id(JsonElement element) => element.GetProperty("id").GetString()!;

    static string Status(JsonElement element) => element.GetProperty("status").GetString()!;

    static async Task<string> PendingOrder(Shop shop, object? order = null)
    {
        var id = Id(await shop.Order(order));
        Status((await shop.Pay(id)).Body).ShouldBe("pending");
        return id;
    }

    [Fact]
    public async Task Two_concurrent_pay_requests_for_one_order_make_one_link()
    {
        await using var shop = await Open();
        var id = Id(await shop.Order());
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(n => shop.Pay(id, n % 2 == 0 ? "first" : "second")));

        answers.ShouldAllBe(a => a.Status == HttpStatusCode.Created || a.Status == HttpStatusCode.OK);
        answers.Select(a => Id(a.Body)).Distinct().Count().ShouldBe(1);
        (shop.First.LinksAsked.Values.Sum() + shop.Second.LinksAsked.Values.Sum()).ShouldBe(1);
    }

    [Fact]
    public async Task Both_links_paid_at_the_gateway_pay_the_order_once_and_mark_the_other_for_refund()
    {
        await using var shop = await Open();
        var id = Id(await shop.Order(new
        {
            currency = "INR",
            lines = new[] { new { name = "A book", quantity = 1, unit_amount = 49900 } },
            policy = new { second_link = "allow" },
        }));
        await shop.Pay(id, "first");
        await shop.Pay(id, "second");
        var told = await Task.WhenAll(
            shop.Tell("first", ScriptedGateway.News("e1", "captured", Shop.Reference(id, 1), money: "m_1")),
            shop.Tell("second", ScriptedGateway.News("e2", "captured", Shop.Reference(id, 2), money: "m_2")));

        told.ShouldAllBe(s => s == HttpStatusCode.OK);
        var order = await shop.Get($"/v1/orders/{id}");
        Status(order).ShouldBe("paid");
        order.GetProperty("payments").EnumerateArray().Select(Status).ShouldAllBe(s => s == "succeeded");
        order.GetProperty("refunds").GetArrayLength().ShouldBe(1);
        (await shop.Count("select count(*) from events where type = 13")).ShouldBe(1);
        await shop.NothingIsBroken();
    }

    [Fact]
    public async Task The_first_link_paid_after_a_second_was_asked_for_pays_the_order()
    {
        await using var shop = await Open();
        var id = await PendingOrder(shop);
        (await shop.Post($"/v1/payments/pay_{id[4..]}_1/cancellation", new { })).Status.ShouldBeOneOf(HttpStatusCode.OK, HttpStatusCode.Accepted);
        await Until.True(async () => Status(await shop.Get($"/v1/payments/pay_{id[4..]}_1")) == "cancelled", "the link to close");
        Id((await shop.Pay(id, "second")).Body).ShouldEndWith("_2");

        (await shop.Tell("first", ScriptedGateway.News("e1", "captured", Shop.Reference(id, 1)))).ShouldBe(HttpStatusCode.OK);
        var order = await shop.Get($"/v1/orders/{id}");
        Status(order).ShouldBe("paid");
        order.GetProperty("paid_by").GetString().ShouldBe($"pay_{id[4..]}_1");
        await Until.True(async () => Status(await shop.Get($"/v1/payments/pay_{id[4..]}_2")) == "cancelled", "the second link to close");
        await shop.NothingIsBroken();
    }

    [Fact]
    public async Task A_second_payment_after_the_order_is_paid_is_refused()
    {
        await using var shop = await Open();
        var id = await PendingOrder(shop);
        await shop.Tell("first", ScriptedGateway.News("e1", "captured", Shop.Reference(id, 1)));
        var (status, problem) = await shop.Pay(id, "second");

        status.ShouldBe(HttpStatusCode.Conflict);
        problem.GetProperty("type").GetString()!.ShouldContain("order");
        shop.Second.LinksAsked.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("captured", "failed")]
    [InlineData("failed", "captured")]
    [InlineData("captured", "authorised")]
    [InlineData("authorised", "captured")]
    [InlineData("declined", "captured")]
    [InlineData("captured", "declined")]
    public async Task Whatever_else_is_told_before_or_after_captured_money_pays_the_order(string one, string other)
    {
        await using var shop = await Open();
        var id = await PendingOrder(shop);
        // Asked after a contradiction, the gateway stands by the money.
        shop.First.AnswerToInquiry = call => new GatewayAnswer.Done(new Evidence.Succeeded("m_1", call.Amount, "card"));
        (await shop.Tell("first", ScriptedGateway.News("e1", one, Shop.Reference(id, 1)))).ShouldBe(HttpStatusCode.OK);
        (await shop.Tell("first", ScriptedGateway.News("e2", other, Shop.Reference(id, 1)))).ShouldBe(HttpStatusCode.OK);

        var order = await shop.Get($"/v1/orders/{id}");
        Status(order).ShouldBe("paid");
        order.GetProperty("payments").EnumerateArray().Select(Status).ShouldBe(["succeeded"]);
        order.GetProperty("refunds").GetArrayLength().ShouldBe(0);
        await shop.NothingIsBroken();
    }

    [Fact]
    public async Task Less_captured_than_ordered_is_held_and_the_order_is_not_paid()
    {
        await using var shop = await Open();
        var id = await PendingOrder(shop);
        (await shop.Tell("first", ScriptedGateway.News("e1", "captured", Shop.Reference(id, 1), amount: 49899))).ShouldBe(HttpStatusCode.OK);

        var order = await shop.Get($"/v1/orders/{id}");
        Status(order).ShouldBe("awaiting_payment");
        order.GetProperty("payments").EnumerateArray().Select(Status).ShouldBe(["held"]);
        (await shop.Count("select count(*) from discrepancies where resolved_at is null")).ShouldBe(1);
        await shop.NothingIsBroken();
    }

    [Fact]
    public async Task Five_identical_webhooks_at_once_are_all_answered_and_count_once()
    {
        await using var shop = await Open();
        var id = await PendingOrder(shop);
        var news = ScriptedGateway.News("e1", "captured", Shop.Reference(id, 1));
        (await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => shop.Tell("first", news)))).ShouldAllBe(s => s == HttpStatusCode.OK);

        (await shop.Count("select count(*) from gateway_news")).ShouldBe(1);
        Status(await shop.Get($"/v1/orders/{id}")).ShouldBe("paid");
        (await shop.Count("select count(*) from events where type = 13")).ShouldBe(1);
        (await shop.Count("select count(*) from postings")).ShouldBe(2);
    }

    [Fact]
    public async Task A_webhook_with_a_bad_signature_is_401_and_not_stored()
    {
        await using var shop = await Open();
        var id = await PendingOrder(shop);
        var news = ScriptedGateway.News("e1", "captured", Shop.Reference(id, 1));
        (await shop.Tell("first", news, new string('0', 64))).ShouldBe(HttpStatusCode.Unauthorized);
        (await shop.Tell("first", news, "")).ShouldBe(HttpStatusCode.Unauthorized);

        (await shop.Count("select count(*) from gateway_news")).ShouldBe(0);
        Status(await shop.Get($"/v1/orders/{id}")).ShouldBe("awaiting_payment");
    }

    [Fact]
    public async Task A_webhook_for_an_unknown_order_is_answered_kept_and_visible()
    {
        await using var shop = await Open();
        byte[][] sent = [ScriptedGateway.News("e1", "captured", "01jd8xk3m4n7pp1"), ScriptedGateway.News("e2", "captured", "somebody else's")];
        foreach (var news in sent) (await shop.Tell("first", news)).ShouldBe(HttpStatusCode.OK);

        var list = (await shop.Get("/v1/gateway_news?verdict=quarantined")).GetProperty("news").EnumerateArray().ToList();
        list.Select(n => (n.GetProperty("gateway").GetString(), n.GetProperty("event_id").GetString(), n.GetProperty("event_type").GetString()))
            .ShouldBe([("first", "e1", "captured"), ("first", "e2", "captured")], ignoreOrder: true);
        list.ShouldAllBe(n => n.GetProperty("reason").GetString() != null);
        for (var n = 0; n < sent.Length; n++)
            (await shop.Get($"/v1/gateway_news/first/e{n + 1}")).GetProperty("body").GetBytesFromBase64().ShouldBe(sent[n]);
    }

    [Fact]
    public async Task A_webhook_that_comes_while_the_database_is_away_is_not_answered_2xx()
    {
        var connection = await postgres.CreateDatabase();
        await using var shop = await Shop.Open(connection);
        var id = await PendingOrder(shop);
        var news = ScriptedGateway.News("e1", "captured", Shop.Reference(id, 1));
        var database = new Npgsql.NpgsqlConnectionStringBuilder(connection).Database!;
        await postgres.Forbid(database);
        var away = await shop.Tell("first", news);
        var orderAway = await shop.Post("/v1/orders", new { currency = "INR", lines = new[] { new { name = "x", quantity = 1, unit_amount = 100 } } });
        await postgres.Allow(database);

        away.ShouldBe(HttpStatusCode.ServiceUnavailable);
        orderAway.Status.ShouldBe(HttpStatusCode.ServiceUnavailable);
        await Until.True(async () => await shop.Tell("first", news) == HttpStatusCode.OK, "the server to recover by itself");
        Status(await shop.Get($"/v1/orders/{id}")).ShouldBe("paid");
        await shop.NothingIsBroken();
    }

    [Fact]
    public async Task A_gateways_garbage_leaves_the_payment_unresolved_and_is_not_an_error_for_the_caller()
    {
        await using var shop = await Open();
        shop.First.AnswerToLink = _ => new GatewayAnswer.Unknown("The answer cannot be read.");
        shop.First.AnswerToInquiry = _ => new GatewayAnswer.Unknown("The answer cannot be read.");
        var id = Id(await shop.Order());
        var (status, payment) = await shop.Pay(id);

        ((int)status).ShouldBeInRange(200, 299);
        Status(payment).ShouldBe("unresolved");
        (await shop.Get($"/v1/orders/{id}/explanation")).GetRawText().ShouldContain("not be charged twice");
    }
}
