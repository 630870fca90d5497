using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Purser.Server.Platform;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Api;

/// <summary>When something of ours is away or broken.</summary>
public sealed class TroubleTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    const string Body = """{"reference": "away", "currency": "INR", "amount": 100, "description": "x"}""";

    [Fact]
    public async Task A_database_that_is_away_is_503_and_comes_back_by_itself()
    {
        var options = TestFolders.Options(TestFolders.Make("away"));
        var first = await EmbeddedPostgres.Start(options, NullLogger.Instance);
        // A server of its own, for this test takes it away.
        await using var house = await ApiHouse.Open(first.ConnectionString);
        var order = (await house.Order()).Text("id");
        (await Health(house)).ShouldBe((HttpStatusCode.OK, "ok", HttpStatusCode.OK, "ready"));
        await first.DisposeAsync();

        (await Health(house)).ShouldBe((HttpStatusCode.OK, "ok", HttpStatusCode.ServiceUnavailable, "The database does not answer."));
        foreach (var (method, path, body) in new (HttpMethod, string, string?)[]
        {
            (HttpMethod.Post, "/v1/orders", Body), (HttpMethod.Get, $"/v1/orders/{order}", null), (HttpMethod.Post, $"/v1/orders/{order}/payments", "{}"),
            (HttpMethod.Get, "/v1/events", null), (HttpMethod.Post, "/v1/products", """{"name": "x", "unit_amount": 1, "currency": "INR"}"""),
        })
        {
            var away = await house.Send(method, path, body, house.Secret);
            (away.Status, away.Problem).ShouldBe((HttpStatusCode.ServiceUnavailable, "busy"), path);
            away.Headers.RetryAfter!.Delta!.Value.ShouldBeGreaterThan(TimeSpan.Zero);
        }

        await using var again = await EmbeddedPostgres.Start(options, NullLogger.Instance);
        again.ConnectionString.ShouldBe(first.ConnectionString);
        await Until.True(async () => (await house.Post("/v1/orders", Body)).Status is HttpStatusCode.Created or HttpStatusCode.OK, "orders are placed again");
        (await house.Get($"/v1/orders/{order}")).Text("status").ShouldBe("awaiting_payment");
        (await house.Count("select count(*) from orders")).ShouldBe(2);
        (await house.Count("select count(*) from payments")).ShouldBe(0);
        await Until.True(async () => (await Health(house)).Ready == "ready", "the server to be ready again");
    }

    /// <summary>What a load balancer is told.</summary>
    static async Task<(HttpStatusCode Alive, string Says, HttpStatusCode Status, string Ready)> Health(ApiHouse house)
    {
        using var alive = await house.Http.GetAsync("/healthz");
        using var ready = await house.Http.GetAsync("/readyz");
        return (alive.StatusCode, await alive.Content.ReadAsStringAsync(), ready.StatusCode, await ready.Content.ReadAsStringAsync());
    }

    [Theory]
    [InlineData(29, HttpStatusCode.OK, "ready")]
    [InlineData(31, HttpStatusCode.ServiceUnavailable, "No alarm was looked at for 31 seconds.")]
    public async Task A_server_whose_alarms_nobody_hears_is_not_ready(int seconds, HttpStatusCode status, string says)
    {
        await using var house = await ApiHouse.Open(await postgres.CreateDatabase(), services => services.AddSingleton<IAlarmClock>(new Silent(TimeSpan.FromSeconds(seconds))));
        (await Health(house)).ShouldBe((HttpStatusCode.OK, "ok", status, says));
    }

    sealed record Silent(TimeSpan SinceLastSweep) : IAlarmClock;

    [Fact]
    public async Task A_fault_of_ours_is_500_with_a_trace_id_and_nothing_secret()
    {
        await using var house = await ApiHouse.Open(await postgres.CreateDatabase());
        var order = (await house.Order()).Text("id");
        await using (var corrupt = house.Database.CreateCommand("update orders set metadata = 'no json, but a secret'")) await corrupt.ExecuteNonQueryAsync();
        var broken = await house.Get($"/v1/orders/{order}");
        (broken.Status, broken.Problem).ShouldBe((HttpStatusCode.InternalServerError, "internal_error"));
        broken.Text("trace_id").ShouldNotBeEmpty();
        broken.Body.ToString().ShouldNotContain("secret");
    }

    [Fact]
    public async Task A_secret_key_watches_any_order_live()
    {
        await using var house = await ApiHouse.Open(await postgres.CreateDatabase());
        var order = (await house.Order()).Text("id");
        (await house.Get($"/v1/orders/{order}/live")).Body.GetProperty("sequence").GetInt32().ShouldBe(1);
        (await house.Get($"/v1/orders/{order}/live", house.Publishable)).Problem.ShouldBe("secret_key_needed");
        (await house.Get($"/v1/orders/{order}/live?wait=soon")).Problem.ShouldBe("invalid_query");
        (await house.Get($"/v1/orders/{order}/live", "sk_0")).Status.ShouldBe(HttpStatusCode.Unauthorized);
    }
}
