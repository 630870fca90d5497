using System.Diagnostics;
using System.Net;
using Purser.Payments;
using Purser.Server.Tests.Api;
using Purser.Server.Tests.Platform;
using Purser.Server.Tests.Situations;

namespace Purser.Server.Tests.Returns;

/// <summary>The shopper's browser comes back from the gateway. Only the token in our own address makes anything happen.</summary>
public sealed class ReturnTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    static async Task<(string Payment, string Token)> Pay(ApiHouse house)
    {
        var order = await house.Order();
        return ((await house.Post($"/v1/orders/{order.Text("id")}/payments", """{"gateway": "first"}""")).Text("id"), order.Text("token"));
    }

    static Func<int> Inquiries(ApiHouse house)
    {
        var asked = 0;
        house.First.AnswerToInquiry = call =>
        {
            Interlocked.Increment(ref asked);
            return ScriptedGateway.Link(call.Payment, call.Amount);
        };
        return () => Volatile.Read(ref asked);
    }

    static async Task<(HttpStatusCode Status, string Location)> Return(ApiHouse house, string query, string? form = null, string account = "first")
    {
        using var request = new HttpRequestMessage(form is null ? HttpMethod.Get : HttpMethod.Post, $"/gateways/{account}/return?{query}");
        if (form is not null) request.Content = new StringContent(form, System.Text.Encoding.ASCII, "application/x-www-form-urlencoded");
        using var answer = await house.Http.SendAsync(request);
        return (answer.StatusCode, answer.Headers.Location?.ToString() ?? "");
    }

    [Theory]
    [InlineData("wrong")]
    [InlineData("")]
    [InlineData(null)]
    [InlineData("other")]
    [InlineData("expired")]
    public async Task Without_the_orders_token_no_gateway_is_asked(string? token)
    {
        await using var house = await ApiHouse.Open(await postgres.CreateDatabase());
        var (payment, own) = await Pay(house);
        if (token == "other") token = (await house.Order()).Text("token");
        PaymentId.TryParse(payment, out var id).ShouldBeTrue();
        if (token == "expired") token = house.Tokens.For(id.Order, DateTimeOffset.UnixEpoch.AddYears(50));
        var asked = Inquiries(house);
        foreach (var form in new[] { null, "status=success" })
            (await Return(house, $"payment={payment}" + (token is null ? "" : $"&token={token}"), form)).ShouldBe((HttpStatusCode.SeeOther, "/status"));
        // What is asked for now would be seen: the rightful return is asked about after all these.
        (await Return(house, $"payment={payment}&token={own}")).Location.ShouldBe($"/pay/{payment}?token={own}");
        await Until.True(() => asked() > 0, "the rightful return makes us ask");
        asked().ShouldBe(1);
    }

    [Fact]
    public async Task A_return_that_is_posted_as_a_form_works_as_well()
    {
        await using var house = await ApiHouse.Open(await postgres.CreateDatabase());
        var (payment, token) = await Pay(house);
        var asked = Inquiries(house);
        (await Return(house, $"payment={payment}&token={token}", "mihpayid=403&status=success&token=theirs&hash=00"))
            .ShouldBe((HttpStatusCode.SeeOther, $"/pay/{payment}?token={token}"));
        await Until.True(() => asked() == 1, "the gateway is asked");
    }

    [Theory]
    [InlineData("")]
    [InlineData("&status=success&payment=pay_0000000000001_1&token=theirs")]
    public async Task An_address_without_names_in_its_query_leads_to_the_same_payment_and_needs_the_same_token(string appended)
    {
        await using var house = await ApiHouse.Open(await postgres.CreateDatabase());
        var (payment, token) = await Pay(house);
        var asked = Inquiries(house);
        var query = Purser.Gateways.Wire.WithBareQuery($"?payment={payment}&token={token}")[1..];
        query.ShouldBe($"{payment}.{token}");
        foreach (var wrong in new[] { $"{payment}.{token[..^1]}{(token[^1] == 'A' ? 'Q' : 'A')}", $"{payment}.", $".{token}", $"{payment}.{token}.", $"{token}.{payment}", $"x{payment}.{token}" })
            (await Return(house, wrong + appended, "status=success")).ShouldBe((HttpStatusCode.SeeOther, "/status"));
        asked().ShouldBe(0);
        (await Return(house, query + appended, "status=success&order=1")).ShouldBe((HttpStatusCode.SeeOther, $"/pay/{payment}?token={token}"));
        await Until.True(() => asked() > 0, "the gateway is asked");
        asked().ShouldBe(1);
    }

    [Fact]
    public async Task Coming_back_again_and_again_asks_the_gateway_only_so_often()
    {
        await using var house = await ApiHouse.Open(await postgres.CreateDatabase(), ApiHouse.NoRefill, ("Purser:Api:TokenBurst", "3"));
        var (payment, token) = await Pay(house);
        var asked = 0;
        house.First.AnswerToInquiry = call =>
        {
            Interlocked.Increment(ref asked);
            return new Purser.Gateways.GatewayAnswer.Unknown("busy");
        };
        var waited = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => Back()));
        waited.Max().ShouldBeGreaterThan(TimeSpan.FromSeconds(2.5));
        // Whoever comes again is shown at once what is known.
        var before = asked;
        for (var i = 0; i < 5; i++) await Back();
        // The order's own alarm may ring meanwhile.
        (asked - before).ShouldBeLessThanOrEqualTo(1);

        async Task<TimeSpan> Back()
        {
            var since = Stopwatch.GetTimestamp();
            (await Return(house, $"payment={payment}&token={token}")).ShouldBe((HttpStatusCode.SeeOther, $"/pay/{payment}?token={token}"));
            return Stopwatch.GetElapsedTime(since);
        }
    }
}
