using System.Net;
using System.Text;
using Purser.Server.Keys;
using Purser.Server.Tests.Api;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Keys;

public sealed class KeyTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>, IAsyncLifetime
{
    ApiHouse house = null!;

    public async Task InitializeAsync() => house = await ApiHouse.Open(await postgres.CreateDatabase());

    public async Task DisposeAsync() => await house.DisposeAsync();

    [Fact]
    public async Task A_key_is_shown_once_and_kept_as_a_hash()
    {
        house.Secret.ShouldMatch("^sk_[0-9a-f]{64}$");
        house.Publishable.ShouldMatch("^pk_[0-9a-f]{64}$");
        var listed = await house.Keys.List();
        listed.Select(k => (k.Name, k.Kind, k.Hint)).ShouldBe([("backend", KeyKind.Secret, house.Secret[..10]), ("pages", KeyKind.Publishable, house.Publishable[..10])]);
        (await house.Count($"select count(*) from api_keys where row_to_json(api_keys)::text like '%{house.Secret[10..]}%'")).ShouldBe(0);
    }

    [Theory]
    [InlineData("", "key_missing")]
    [InlineData("Bearer sk_0000000000000000000000000000000000000000000000000000000000000000", "key_unknown")]
    [InlineData("Bearer nonsense", "key_unknown")]
    [InlineData("Bearer", "key_unknown")]
    [InlineData("Digest abc", "key_unknown")]
    [InlineData("Basic !!!", "key_unknown")]
    public async Task Without_a_valid_key_nothing_opens(string header, string problem)
    {
        var answer = await house.Get("/v1/orders", "", header.Length > 0 ? [("Authorization", header)] : []);
        (answer.Status, answer.Problem).ShouldBe((HttpStatusCode.Unauthorized, problem));
        answer.Headers.WwwAuthenticate.ToString().ShouldBe("Bearer");
    }

    [Fact]
    public async Task A_key_may_be_the_user_name_of_basic_authentication() =>
        (await house.Get("/v1/orders", "", ("Authorization", $"Basic {Convert.ToBase64String(Encoding.ASCII.GetBytes(house.Secret + ":"))}"))).Status.ShouldBe(HttpStatusCode.OK);

    [Fact]
    public async Task A_revoked_key_stops_working_within_seconds()
    {
        var (key, listed) = await house.Keys.Create("leaked", KeyKind.Secret);
        (await house.Get("/v1/orders", key)).Status.ShouldBe(HttpStatusCode.OK);
        (await house.Keys.Revoke(listed.Id)).ShouldBeTrue();
        (await house.Keys.Revoke(listed.Id)).ShouldBeFalse();
        await Until.True(async () => (await house.Get("/v1/orders", key)).Status == HttpStatusCode.Unauthorized, "the key is refused");
    }

    [Fact]
    public async Task Origins_are_origins_and_only_of_publishable_keys()
    {
        await Should.ThrowAsync<ArgumentException>(() => house.Keys.Create("x", KeyKind.Secret, ["https://shop.example"]));
        await Should.ThrowAsync<ArgumentException>(() => house.Keys.Create("x", KeyKind.Publishable, ["https://shop.example/path"]));
        await Should.ThrowAsync<ArgumentException>(() => house.Keys.Create(" ", KeyKind.Secret));
    }

    [Fact]
    public async Task A_page_of_the_shop_may_use_the_publishable_key_and_no_other_page()
    {
        var preflight = await house.Send(HttpMethod.Options, "/v1/orders", null, "", ("Origin", ApiHouse.ShopOrigin), ("Access-Control-Request-Method", "POST"));
        preflight.Status.ShouldBe(HttpStatusCode.NoContent);
        preflight.Headers.GetValues("Access-Control-Allow-Origin").ShouldBe([ApiHouse.ShopOrigin]);
        preflight.Headers.GetValues("Access-Control-Allow-Headers").Single().ShouldContain("Idempotency-Key");
        var strange = await house.Send(HttpMethod.Options, "/v1/orders", null, "", ("Origin", "https://evil.example"), ("Access-Control-Request-Method", "POST"));
        (strange.Status, strange.Headers.Contains("Access-Control-Allow-Origin")).ShouldBe((HttpStatusCode.Forbidden, false));

        var allowed = await house.Get("/v1/gateways", house.Publishable, ("Origin", ApiHouse.ShopOrigin));
        (allowed.Status, allowed.Headers.GetValues("Access-Control-Allow-Origin").Single()).ShouldBe((HttpStatusCode.OK, ApiHouse.ShopOrigin));
        var refused = await house.Get("/v1/gateways", house.Publishable, ("Origin", "https://evil.example"));
        (refused.Problem, refused.Headers.Contains("Access-Control-Allow-Origin")).ShouldBe(("origin_refused", false));
        (await house.Get("/v1/gateways", house.Secret, ("Origin", ApiHouse.ShopOrigin))).Headers.Contains("Access-Control-Allow-Origin").ShouldBeFalse();
    }

    [Fact]
    public async Task A_page_may_read_also_why_it_is_refused()
    {
        await using var strict = await ApiHouse.Open(await postgres.CreateDatabase(), ApiHouse.NoRefill, ("Purser:Api:PublishableBurst", "3"));
        var unknown = await strict.Get("/v1/gateways", "pk_0000000000000000000000000000000000000000000000000000000000000000", ("Origin", ApiHouse.ShopOrigin));
        (unknown.Problem, unknown.Headers.GetValues("Access-Control-Allow-Origin").Single()).ShouldBe(("key_unknown", ApiHouse.ShopOrigin));
        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => strict.Get("/v1/gateways", strict.Publishable, ("Origin", ApiHouse.ShopOrigin))));
        var answer = answers.First(a => a.Status == HttpStatusCode.TooManyRequests);
        (answer.Problem, answer.Headers.GetValues("Access-Control-Allow-Origin").Single()).ShouldBe(("too_many_requests", ApiHouse.ShopOrigin));
        answer.Headers.GetValues("Access-Control-Expose-Headers").Single().ShouldContain("Retry-After");
        (await strict.Get("/v1/gateways", "pk_0000", ("Origin", "https://evil.example"))).Headers.Contains("Access-Control-Allow-Origin").ShouldBeFalse();
    }

    [Fact]
    public async Task A_key_that_asks_too_often_waits_and_another_does_not()
    {
        await using var strict = await ApiHouse.Open(await postgres.CreateDatabase(), ApiHouse.NoRefill, ("Purser:Api:SecretBurst", "5"));
        var answers = await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => strict.Get("/v1/products")));
        answers.Count(a => a.Status == HttpStatusCode.OK).ShouldBe(5);
        var limited = answers.First(a => a.Status == HttpStatusCode.TooManyRequests);
        limited.Problem.ShouldBe("too_many_requests");
        limited.Headers.RetryAfter!.Delta!.Value.ShouldBeGreaterThanOrEqualTo(TimeSpan.FromSeconds(1));
        var (other, _) = await strict.Keys.Create("other", KeyKind.Secret);
        (await strict.Get("/v1/products", other)).Status.ShouldBe(HttpStatusCode.OK);
    }
}
