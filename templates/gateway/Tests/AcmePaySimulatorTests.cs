using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Purser.Gateways.Tests.Outside;
using Purser.Sandbox.AcmePay;

namespace Purser.Gateways.AcmePay.Tests;

/// <summary>The simulator, spoken to by hand as wire.md says, and never through the adapter: were both wrong in the same way, these tests would tell.</summary>
[Verifies(Part.Simulator, By.Document)]
public sealed class AcmePaySimulatorTests(World world) : IClassFixture<World>, IAsyncLifetime
{
    const string KeySecret = "acmepay_key_secret_sandbox";

    Gateway gateway = null!;

    public async Task InitializeAsync() => gateway = await world.Fresh("acmepay", "hook-new", "hook-old");

    public Task DisposeAsync()
    {
        gateway.Dispose();
        return Task.CompletedTask;
    }

    [Fact]
    public void The_request_signature_is_that_of_the_vector() =>
        AcmePayDialect.SignRequest("secret-1", "POST", "/v1/refunds", "{\"amount\":100}"u8.ToArray())
            .ShouldBe("e0d50cd2a426384e93a75468e59c44ad4402f9a7c1b2842a96698be1be55e7d7");

    [Fact]
    public async Task A_link_is_made_once_found_by_its_reference_and_cancelled()
    {
        var (status, link) = await Create("one");
        status.ShouldBe(201);
        (await Create("one")).ShouldSatisfyAllConditions(a => a.Status.ShouldBe(200), a => a.Body["id"]!.ToString().ShouldBe(link["id"]!.ToString()));
        (await Create("one", l => l["amount"] = 50000)).Status.ShouldBe(409);
        (await Get("/v1/links?reference=one"))["links"]!.AsArray().Count.ShouldBe(1);
        (await Get("/v1/links?reference=nobody"))["links"]!.AsArray().ShouldBeEmpty();
        (await Post($"/v1/links/{link["id"]}/cancel", null)).Body["status"]!.ToString().ShouldBe("cancelled");
        (await gateway.Shopper("one", "paid")).Status.ShouldBe(409);
        (await Post("/v1/links/lnk_nobody/cancel", null)).Status.ShouldBe(404);
    }

    [Theory]
    [InlineData("amount", "99")]
    [InlineData("amount", "\"49900\"")]
    [InlineData("amount", "499.5")]
    [InlineData("reference", "\"with blanks\"")]
    [InlineData("currency", "\"inr\"")]
    [InlineData("expires_at", "1000")]
    [InlineData("return_url", "\"nowhere\"")]
    [InlineData("surprise", "1")]
    public async Task A_link_that_breaks_a_rule_is_refused_by_the_name_of_the_field(string field, string value)
    {
        var (status, body) = await Create("bad", l => l[field] = JsonNode.Parse(value));
        status.ShouldBe(400);
        body["error"]!["message"]!.ToString().ShouldStartWith(field);
        (await Get("/v1/links?reference=bad"))["links"]!.AsArray().ShouldBeEmpty();
    }

    [Fact]
    public async Task Whoever_signs_with_another_secret_or_other_bytes_gets_401()
    {
        (await Send("GET", "/v1/links?reference=one", null, KeySecret + "x")).Status.ShouldBe(401);
        (await gateway.Send("GET", "/v1/links?reference=one", null, ("Authorization", "AcmePay test_acmepay_sandbox:" + Sign("GET", "/v1/links?reference=two", "")))).Status.ShouldBe(401);
        (await gateway.Send("GET", "/v1/links?reference=one")).Status.ShouldBe(401);
    }

    [Fact]
    public async Task Webhooks_are_signed_over_their_bytes_with_the_first_secret()
    {
        await Create("one");
        await gateway.Shopper("one", "declined_then_paid");
        var heard = await world.Hear(2);
        heard.Select(h => h.Json["type"]!.ToString()).ShouldBe(["payment.declined", "payment.captured"], ignoreOrder: true);
        foreach (var one in heard) one.Headers["AcmePay-Signature"].ShouldBe(Hmac("hook-new", one.Body));
        heard.Select(h => h.Json["id"]!.ToString()).ShouldBeUnique();
    }

    [Fact]
    public async Task A_refund_is_made_once_and_never_beyond_what_is_left()
    {
        await Create("one");
        await gateway.Shopper("one", "paid");
        var payment = (await Get("/v1/links?reference=one"))["links"]![0]!["payments"]![0]!["id"]!.ToString();
        (await Refund("back1", 40000, payment)).Status.ShouldBe(201);
        (await Refund("back1", 40000, payment)).Status.ShouldBe(200);
        (await Refund("back1", 9900, payment)).Status.ShouldBe(409);
        (await Refund("back2", 10000, payment)).Status.ShouldBe(422);
        (await Refund("back3", 1, "pay_nobody")).Status.ShouldBe(404);
        (await world.Hear(1, h => h.Json["type"]!.ToString() == "refund.succeeded"))[0].Json["refund"]!["amount"]!.GetValue<long>().ShouldBe(40000);
        (await gateway.Book()).Select(m => (m!["kind"]!.ToString(), m["amount"]!.GetValue<long>())).ShouldBe([("captured", 49900), ("refunded", 40000)]);
    }

    Task<(int Status, JsonNode Body)> Create(string reference, Action<JsonObject>? change = null)
    {
        var link = new JsonObject
        {
            ["reference"] = reference,
            ["amount"] = 49900,
            ["currency"] = "INR",
            ["description"] = "Order 42",
            ["return_url"] = "https://shop.test/back",
            ["expires_at"] = Soon,
        };
        change?.Invoke(link);
        return Post("/v1/links", link);
    }

    Task<(int Status, JsonNode Body)> Refund(string reference, long amount, string payment) =>
        Post("/v1/refunds", new JsonObject { ["reference"] = reference, ["payment"] = payment, ["amount"] = amount });

    /// <summary>The same for all of a test, for a repetition has the same bytes.</summary>
    long Soon { get; } = TimeProvider.System.GetUtcNow().AddHours(1).ToUnixTimeSeconds();

    Task<(int Status, JsonNode Body)> Post(string path, JsonObject? body) => Send("POST", path, body, KeySecret);

    async Task<JsonNode> Get(string path)
    {
        var (status, body) = await Send("GET", path, null, KeySecret);
        status.ShouldBe(200);
        return body;
    }

    async Task<(int Status, JsonNode Body)> Send(string method, string path, JsonObject? body, string secret)
    {
        var text = body?.ToJsonString() ?? "";
        using var content = body is null ? null : new StringContent(text, Encoding.UTF8, new MediaTypeHeaderValue("application/json"));
        var (status, answer, _) = await gateway.Send(method, path, content, ("Authorization", "AcmePay test_acmepay_sandbox:" + Sign(method, path, text, secret)));
        return (status, answer!);
    }

    static string Sign(string method, string target, string body, string secret = KeySecret) => Hmac(secret, Encoding.UTF8.GetBytes($"{method}\n{target}\n{body}"));

    static string Hmac(string secret, byte[] message) => Convert.ToHexStringLower(System.Security.Cryptography.HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), message));
}
