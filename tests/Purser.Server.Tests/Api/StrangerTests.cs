using System.Net;
using Purser.Server.Api;
using Purser.Server.Keys;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Api;

/// <summary>Whoever tries keys must not cost the database anything once their allowance is used up.</summary>
public sealed class StrangerTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    static string Invented(int n) => $"sk_{n:x64}";

    [Fact]
    public async Task An_invented_key_is_limited_by_address_before_the_database_is_asked()
    {
        await using var house = await ApiHouse.Open(await postgres.CreateDatabase(), ApiHouse.NoRefill, ("Purser:Api:StrangerBurst", "5"));
        (await house.Get("/v1/products")).Status.ShouldBe(HttpStatusCode.OK);
        var n = 0;
        await Until.True(async () => (await house.Get("/v1/products", Invented(++n))).Status == HttpStatusCode.TooManyRequests, "the allowance is used up");
        // From here on, a question for a key would be a fault of the server.
        await using (var away = house.Database.CreateCommand("alter table api_keys rename to taken_away")) await away.ExecuteNonQueryAsync();
        foreach (var path in new[] { "/v1/products", "/v1/orders/ord_01jd8xk3m4n7p", "/v1/orders/ord_01jd8xk3m4n7p/live", "/v1/gateways" })
            (await house.Get(path, Invented(++n))).Status.ShouldBe(HttpStatusCode.TooManyRequests, path);
    }

    [Fact]
    public async Task One_stranger_pays_once_for_one_request()
    {
        await using var house = await ApiHouse.Open(await postgres.CreateDatabase(), ApiHouse.NoRefill, ("Purser:Api:StrangerBurst", "6"));
        var answers = new List<HttpStatusCode>();
        for (var n = 0; n < 6; n++) answers.Add((await house.Get("/v1/products", Invented(n))).Status);
        answers.ShouldAllBe(a => a == HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task A_key_that_is_known_here_is_not_held_up_by_strangers_at_its_address()
    {
        var clock = new Clock();
        await using var database = Server.Platform.Database.Build(await postgres.CreateDatabase());
        await Server.Platform.Migrations.Apply(database, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance, default);
        var keys = new ApiKeys(new ApiKeyStore(database), clock);
        var (key, _) = await keys.Create("shop", KeyKind.Secret);
        keys.AsksFor(key).ShouldBeTrue("nobody has shown it yet");
        (await keys.Find(key)).ShouldNotBeNull();
        (await keys.Find(Invented(1))).ShouldBeNull();
        keys.AsksFor(Invented(1)).ShouldBeFalse("the answer is fresh");
        clock.Now += ApiKeys.Remembered * 2;
        keys.AsksFor(key).ShouldBeFalse("it was a key a moment ago, and is looked at again at the shop's own expense");
        keys.AsksFor(Invented(1)).ShouldBeTrue();
        keys.AsksFor("nonsense").ShouldBeFalse("its form alone says no");
    }

    [Fact]
    public async Task Trying_keys_does_not_make_us_forget_the_shop()
    {
        await using var database = Server.Platform.Database.Build(await postgres.CreateDatabase());
        await Server.Platform.Migrations.Apply(database, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance, default);
        var keys = new ApiKeys(new ApiKeyStore(database), new Clock());
        var (key, _) = await keys.Create("shop", KeyKind.Secret);
        await keys.Find(key);
        await Parallel.ForEachAsync(Enumerable.Range(0, ApiKeys.MostRemembered + 10), new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (n, _) => await keys.Find(Invented(n)));
        keys.AsksFor(key).ShouldBeFalse();
        keys.Held.ShouldBeLessThanOrEqualTo(ApiKeys.MostRemembered + 16);
    }

    [Theory]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true)]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:3::1", false)]
    [InlineData("192.0.2.1", "::ffff:192.0.2.1", true)]
    [InlineData("192.0.2.1", "192.0.2.2", false)]
    public void One_line_to_the_internet_has_one_allowance(string one, string other, bool same)
    {
        using var limits = new RateLimits(new ApiOptions { StrangerBurst = 1 }, refills: false);
        limits.Exceeds(null, IPAddress.Parse(one)).ShouldBeNull();
        (limits.Exceeds(null, IPAddress.Parse(other)) is not null).ShouldBe(same);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(9)]
    [InlineData(10)]
    [InlineData(19)]
    [InlineData(4999)]
    [InlineData(5000)]
    [InlineData(1_000_000)]
    public void An_allowance_is_what_was_asked_for_and_is_not_rounded_down(int perSecond)
    {
        var bucket = RateLimits.Bucket(perSecond, burst: 7, refills: true);
        (bucket.TokensPerPeriod / bucket.ReplenishmentPeriod.TotalSeconds).ShouldBe(perSecond, tolerance: perSecond / 100_000.0);
        bucket.TokenLimit.ShouldBe(7);
        bucket.ReplenishmentPeriod.ShouldBeLessThanOrEqualTo(TimeSpan.FromSeconds(1));
    }

    sealed class Clock : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = DateTimeOffset.UnixEpoch.AddYears(56);

        public override DateTimeOffset GetUtcNow() => Now;
    }
}
