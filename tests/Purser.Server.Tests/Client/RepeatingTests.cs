using System.Net;
using Purser.Server.Tests.Platform;

namespace Purser.Client.Tests;

/// <summary>What the wire loses is asked for again, and happens once.</summary>
public sealed class RepeatingTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>, IAsyncLifetime
{
    ClientHouse house = null!;

    public async Task InitializeAsync() => house = await ClientHouse.Open(await postgres.CreateDatabase());

    public async Task DisposeAsync() => await house.DisposeAsync();

    [Fact]
    public async Task A_lost_answer_is_asked_for_under_the_same_key_and_nothing_happens_twice()
    {
        house.Wire.LoseAnswer().LoseAnswer();
        var order = await house.Purser.Orders.Place(ClientHouse.Book("lost"));
        house.Wire.Requests.Count.ShouldBe(3);
        house.Wire.Keys.Distinct().Single().ShouldNotBeNull();
        (await house.Api.Count("select count(*) from orders")).ShouldBe(1);

        house.Wire.Requests.Clear();
        house.Wire.LoseAnswer();
        var payment = await house.Purser.Payments.Start(order.Id);
        (house.Wire.Keys.Distinct().Count(), payment.Number).ShouldBe((1, 1));
        (await house.Api.Count("select count(*) from payments")).ShouldBe(1);

        await house.Api.Tell("e1", "captured", payment.Reference);
        house.Wire.LoseAnswer();
        await house.Purser.Refunds.Request(order.Id, new NewRefund { Reference = "r", AmountMinorUnits = 1_00 });
        (await house.Api.Count("select count(*) from refunds")).ShouldBe(1);
        house.Wire.LoseAnswer();
        (await house.Purser.Orders.Fulfil(order.Id)).FulfilledAt.ShouldNotBeNull();
        (await house.Api.Count("select count(*) from events where type = 16")).ShouldBe(1);
    }

    [Fact]
    public async Task Each_call_to_start_a_payment_is_a_wish_of_its_own()
    {
        var order = await house.Purser.Orders.Place(ClientHouse.Book("twice"));
        var first = await house.Purser.Payments.Start(order.Id);
        await house.Api.Tell("e1", "failed", first.Reference);
        var second = await house.Purser.Payments.Start(order.Id);
        (second.Number, second.Status).ShouldBe((2, PaymentStatus.Pending));
        (await house.Purser.Payments.Start(order.Id)).Id.ShouldBe(second.Id);
    }

    [Theory]
    [InlineData(HttpStatusCode.TooManyRequests)]
    [InlineData(HttpStatusCode.BadGateway)]
    [InlineData(HttpStatusCode.ServiceUnavailable)]
    [InlineData(HttpStatusCode.GatewayTimeout)]
    public async Task A_busy_server_is_given_the_time_it_asks_for(HttpStatusCode status)
    {
        house.Wire.Answer(status, TimeSpan.FromSeconds(7)).Answer(status);
        (await house.Purser.Orders.Place(ClientHouse.Book("busy"))).Reference.ShouldBe("busy");
        var pauses = house.Clock.Pauses.ToArray();
        pauses.Length.ShouldBe(2);
        pauses[0].ShouldBe(TimeSpan.FromSeconds(7));
        pauses[1].ShouldBeInRange(TimeSpan.FromMilliseconds(250), TimeSpan.FromMilliseconds(500));
    }

    [Fact]
    public async Task Four_attempts_and_no_more_with_pauses_that_grow_and_vary()
    {
        house.Wire.Down = true;
        var first = new HashSet<TimeSpan>();
        for (var i = 0; i < 5; i++)
        {
            house.Wire.Requests.Clear();
            house.Clock.Pauses.Clear();
            var lost = await Should.ThrowAsync<PurserUnreachableException>(() => house.Purser.Gateways());
            lost.InnerException.ShouldBeOfType<HttpRequestException>();
            house.Wire.Requests.Count.ShouldBe(4);
            var pauses = house.Clock.Pauses.Select(p => p.TotalMilliseconds).ToArray();
            pauses[0].ShouldBeInRange(125, 250);
            pauses[1].ShouldBeInRange(250, 500);
            pauses[2].ShouldBeInRange(500, 1000);
            first.Add(house.Clock.Pauses.First());
        }
        first.Count.ShouldBeGreaterThan(1);
    }

    [Theory]
    [InlineData(HttpStatusCode.InternalServerError)]
    [InlineData(HttpStatusCode.NotFound)]
    [InlineData(HttpStatusCode.Found)]
    public async Task What_would_fare_no_better_is_not_repeated(HttpStatusCode status)
    {
        house.Wire.Answer(status);
        var no = await Should.ThrowAsync<PurserProblemException>(() => house.Purser.Orders.Place(ClientHouse.Book("once")));
        (no.Problem, no.Status, house.Wire.Requests.Count).ShouldBe(("unknown", (int)status, 1));
    }

    [Fact]
    public async Task A_pause_longer_than_the_callers_patience_is_the_callers_to_take()
    {
        house.Wire.Answer(HttpStatusCode.ServiceUnavailable, TimeSpan.FromMinutes(10));
        var no = await Should.ThrowAsync<PurserProblemException>(() => house.Purser.Gateways());
        (no.RetryAfter, house.Wire.Requests.Count).ShouldBe((TimeSpan.FromMinutes(10), 1));
    }

    [Fact]
    public async Task What_is_not_purser_is_not_taken_for_it()
    {
        house.Wire.Answer(HttpStatusCode.OK, body: "<h1>Sign in to the network</h1>");
        await Should.ThrowAsync<PurserUnreachableException>(() => house.Purser.Orders.Place(ClientHouse.Book("hotel")));
        house.Wire.Answer(HttpStatusCode.OK, body: "{}");
        await Should.ThrowAsync<PurserUnreachableException>(() => house.Purser.Orders.Place(ClientHouse.Book("hotel")));
    }

    [Fact]
    public async Task A_call_that_is_given_up_is_not_repeated()
    {
        using var stop = new CancellationTokenSource();
        await stop.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => house.Purser.Orders.Place(ClientHouse.Book("given up"), stop: stop.Token));
        house.Clock.Pauses.ShouldBeEmpty();
    }

    [Fact]
    public async Task An_endpoint_whose_answer_was_lost_has_a_secret_all_the_same()
    {
        house.Wire.LoseAnswer();
        var made = await house.Purser.WebhookEndpoints.Create(new NewWebhookEndpoint { Url = "http://127.0.0.1:9/purser" });
        made.Secret.ShouldNotBeNull().ShouldStartWith("whsec_");
        (await house.Purser.WebhookEndpoints.List()).Single().Id.ShouldBe(made.Id);
    }
}
