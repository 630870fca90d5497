using System.Net;
using System.Text;
using Purser.Server.Tests.Deliveries;
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
        (no.MayHaveHappened, no.Key).ShouldBe((true, house.Wire.Keys.Single()));
    }

    [Theory]
    [InlineData(409, "/problems/order_paid", false)]
    [InlineData(429, "/problems/too_many_requests", false)]
    [InlineData(408, "/problems/request_timed_out", true)]
    [InlineData(500, "/problems/internal_error", true)]
    [InlineData(503, "/problems/busy", true)]
    [InlineData(502, null, true)]
    [InlineData(504, null, true)]
    [InlineData(409, null, true)]
    [InlineData(409, "https://proxy.example/errors/conflict", true)]
    [InlineData(409, "about:blank", true)]
    public async Task Only_a_no_of_purser_s_own_says_that_nothing_was_done(int status, string? type, bool mayHaveHappened)
    {
        for (var i = 0; i < 4; i++)
            house.Wire.Answer((HttpStatusCode)status, body: type is null ? "<h1>Oh</h1>" : $$"""{"type": "{{type}}", "detail": "Oh."}""", media: type is null ? "text/html" : "application/problem+json");
        var no = await Should.ThrowAsync<PurserProblemException>(() => house.Purser.Payments.Start("ord_0000000000000"));
        (no.Status, no.MayHaveHappened, no.Key).ShouldBe((status, mayHaveHappened, house.Wire.Keys.Distinct().Single()));
        no.Problem.ShouldBe(type?.StartsWith("/problems/", StringComparison.Ordinal) == true ? type["/problems/".Length..] : "unknown");
        no.Key.ShouldNotBeNullOrEmpty();
    }

    [Fact]
    public async Task What_may_have_happened_is_asked_for_again_under_the_key_it_had()
    {
        var order = await house.Purser.Orders.Place(ClientHouse.Book("again"));
        var first = await house.Purser.Payments.Start(order.Id);
        await house.Api.Tell("e1", "failed", first.Reference);
        house.Wire.Requests.Clear();
        for (var i = 0; i < 4; i++) house.Wire.LoseAnswer();
        var lost = await Should.ThrowAsync<PurserUnreachableException>(() => house.Purser.Payments.Start(order.Id));
        (lost.MayHaveHappened, lost.Key).ShouldBe((true, house.Wire.Keys.Distinct().Single()));
        await house.Api.Tell("e2", "failed", (await house.Purser.Orders.Get(order.Id)).Payments[1].Reference);
        (await house.Purser.Payments.Start(order.Id, key: lost.Key)).Number.ShouldBe(2);
        (await house.Purser.Payments.Start(order.Id)).Number.ShouldBe(3);
    }

    [Theory]
    [InlineData(429, "too_many_requests", 3)]
    [InlineData(401, "key_unknown", 1)]
    public async Task A_no_after_an_answer_that_was_lost_does_not_say_that_nothing_was_done(int status, string problem, int noes)
    {
        var order = await house.Purser.Orders.Place(ClientHouse.Book("no after all"));
        house.Wire.LoseAnswer();
        for (var i = 0; i < noes; i++) house.Wire.Answer((HttpStatusCode)status, body: $$"""{"type": "/problems/{{problem}}", "detail": "No."}""", media: "application/problem+json");
        var no = await Should.ThrowAsync<PurserProblemException>(() => house.Purser.Payments.Start(order.Id));
        (no.Problem, no.MayHaveHappened).ShouldBe((problem, true));
        (await house.Purser.Payments.Start(order.Id, key: no.Key)).Number.ShouldBe(1);
        (await house.Api.Count("select count(*) from payments")).ShouldBe(1);
    }

    [Fact]
    public async Task An_endpoint_whose_end_was_not_heard_of_has_ended()
    {
        var made = await house.Purser.WebhookEndpoints.Create(new NewWebhookEndpoint { Url = "http://127.0.0.1:9/purser" });
        house.Wire.LoseAnswer();
        await house.Purser.WebhookEndpoints.Delete(made.Id);
        (await house.Purser.WebhookEndpoints.List()).ShouldBeEmpty();
        await house.Purser.WebhookEndpoints.Delete(made.Id);
    }

    [Fact]
    public async Task An_endpoint_that_never_was_has_not_ended_whatever_was_answered_before()
    {
        house.Wire.Answer(HttpStatusCode.BadGateway);
        (await Should.ThrowAsync<PurserProblemException>(() => house.Purser.WebhookEndpoints.Delete("we_0123456789abcdef"))).Problem.ShouldBe("webhook_endpoint_unknown");
        house.Wire.Requests.Count.ShouldBe(2);
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

    [Fact]
    public async Task A_new_secret_whose_answer_was_lost_is_followed_by_one_that_is_told_and_the_old_one_signs_on()
    {
        await using var receiver = await TestReceiver.Open();
        var made = await house.Purser.WebhookEndpoints.Create(new NewWebhookEndpoint { Url = $"{receiver.Url}/hook" });
        house.Wire.LoseAnswer();
        var turned = await house.Purser.WebhookEndpoints.Rotate(made.Id);
        turned.Secret.ShouldNotBeNull().ShouldNotBe(made.Secret);
        house.Wire.Requests.Clear();
        house.Wire.LoseAnswer().Pass().LoseAnswer();
        (await house.Purser.WebhookEndpoints.Rotate(made.Id, TimeSpan.Zero)).Secret.ShouldNotBeNull().ShouldNotBe(turned.Secret);
        house.Wire.Keys.Distinct().Count().ShouldBe(3);
        (await house.Api.Count("select count(*) from webhook_secrets")).ShouldBe(1);

        var old = await house.Purser.WebhookEndpoints.Rotate(made.Id, TimeSpan.Zero);
        for (var i = 0; i < 3; i++) house.Wire.LoseAnswer().Pass();
        (await Should.ThrowAsync<PurserUnreachableException>(() => house.Purser.WebhookEndpoints.Rotate(made.Id))).MayHaveHappened.ShouldBeTrue();
        (await house.Purser.WebhookEndpoints.Test(made.Id)).Delivered.ShouldBeTrue();
        var heard = receiver.At("/hook")[^1];
        var headers = new Dictionary<string, string> { ["webhook-id"] = heard.Id, ["webhook-timestamp"] = heard.Timestamp, ["webhook-signature"] = heard.Signature };
        new PurserWebhooks(old.Secret!).TryRead(Encoding.UTF8.GetBytes(heard.Body), name => headers[name], out _, out _).ShouldBeTrue();
    }

    [Fact]
    public async Task An_endpoint_whose_secret_was_lost_twice_has_one_and_a_later_call_under_the_same_key_makes_no_second_endpoint()
    {
        var wanted = new NewWebhookEndpoint { Url = "http://127.0.0.1:9/purser" };
        house.Wire.LoseAnswer().Pass().LoseAnswer();
        (await house.Purser.WebhookEndpoints.Create(wanted)).Secret.ShouldNotBeNull();
        for (var i = 0; i < 4; i++) house.Wire.LoseAnswer();
        var lost = await Should.ThrowAsync<PurserUnreachableException>(() => house.Purser.WebhookEndpoints.Create(wanted));
        (await house.Purser.WebhookEndpoints.Create(wanted, lost.Key)).Secret.ShouldNotBeNull();
        (await house.Purser.WebhookEndpoints.List()).Count.ShouldBe(2);

        house.Wire.LoseAnswer().Pass();
        for (var i = 0; i < 4; i++) house.Wire.LoseAnswer();
        house.Wire.Requests.Clear();
        (await Should.ThrowAsync<PurserUnreachableException>(() => house.Purser.WebhookEndpoints.Create(wanted))).Key.ShouldBe(house.Wire.Keys.First());
    }

    [Fact]
    public async Task An_endpoint_with_a_public_key_needs_no_secret_whatever_is_lost()
    {
        house.Wire.LoseAnswer();
        var made = await house.Purser.WebhookEndpoints.Create(new NewWebhookEndpoint { Url = "http://127.0.0.1:9/purser", Signature = "v1a" });
        (made.Signature, made.Secret).ShouldBe(("v1a", null));
        made.PublicKey.ShouldNotBeNull().ShouldStartWith("whpk_");
        house.Wire.Keys.Distinct().Count().ShouldBe(1);
        (await house.Purser.WebhookEndpoints.Get(made.Id)).PublicKey.ShouldBe(made.PublicKey);
        (await house.Purser.WebhookEndpoints.Rotate(made.Id)).PublicKey.ShouldNotBeNull().ShouldNotBe(made.PublicKey);
        (await house.Purser.WebhookEndpoints.Create(new NewWebhookEndpoint { Url = "http://127.0.0.1:9/purser" })).ShouldSatisfyAllConditions(e => e.Signature.ShouldBe("v1"), e => e.PublicKey.ShouldBeNull());
    }
}
