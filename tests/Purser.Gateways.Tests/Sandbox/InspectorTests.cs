using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Primitives;
using Purser.Sandbox;
using Purser.Sandbox.Inspector;

namespace Purser.Gateways.Tests.Outside;

/// <summary>What a gateway was asked can be read afterwards: whole, bounded, and without secrets.</summary>
public sealed class InspectorTests(World world) : IClassFixture<World>
{
    const string Name = "razorpay";
    static readonly DateTimeOffset Noon = new(2026, 1, 2, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task A_call_is_told_with_its_name_its_body_the_fault_that_struck_and_the_answer()
    {
        using var gateway = await world.Fresh(Name);
        await gateway.Fault(new { call = "create_link", fault = "error_500", status = 503 });
        var before = (await Requests(0))["last"]!.GetValue<long>();
        await gateway.Send("POST", "/v1/payment_links?a=1", JsonContent.Create(new { amount = 7 }));
        await gateway.Send("GET", "/v1/payment_links");
        var told = (await Requests(before))["requests"]!.AsArray();
        told.Count.ShouldBe(2);
        var first = told[1]!;
        first["call"]!.ToString().ShouldBe("create_link");
        first["path"]!.ToString().ShouldBe("/v1/payment_links?a=1");
        first["body"]!.ToString().ShouldBe("""{"amount":7}""");
        first["fault"]!.ToString().ShouldBe("error_500");
        first["answer"]!["status"]!.GetValue<int>().ShouldBe(503);
        told[0]!["fault"].ShouldBeNull();
        (await Requests(before + 1))["requests"]!.AsArray().Count.ShouldBe(1);
        var page = await world.Control.GetStringAsync($"/gateways/{Name}/requests/{first["number"]}");
        page.ShouldContain("error_500");
        page.ShouldContain("503");
    }

    [Fact]
    public async Task A_refused_connection_is_told_as_one_without_an_answer()
    {
        using var gateway = await world.Fresh(Name);
        await gateway.Fault(new { call = "inquire", fault = "refuse" });
        await Should.ThrowAsync<HttpRequestException>(() => gateway.Send("GET", "/v1/payment_links"));
        await World.Until(() => gateway.Inside.Calls.Since(0).Single().Ended);
        gateway.Inside.Calls.Since(0).Single().Answer.ShouldBeNull();
        (await world.Control.GetStringAsync($"/gateways/{Name}")).ShouldContain("no answer");
    }

    [Fact]
    public async Task The_keys_of_a_real_account_that_somebody_sends_are_told_nowhere()
    {
        using var gateway = await world.Fresh(Name);
        string[] secrets = ["c2VjcmV0LW9uZQ==", "bearer-two-two-two", "key-three", "cookie-four", "body-five", "query-six", "form-seven", "4111111111111111", "nested-nine"];
        await gateway.Send("POST", "/v1/orders?api_key=query-six", JsonContent.Create(new { client_secret = "body-five", inner = new { password = "nested-nine" }, word = "stays" }),
            ("Authorization", "Basic " + secrets[0]), ("X-Api-Key", "key-three"), ("Cookie", "session=cookie-four"));
        await gateway.Send("POST", "/v1/token", new StringContent("grant_type=x&client_secret=form-seven&card[number]=4111111111111111", Encoding.UTF8, "application/x-www-form-urlencoded"),
            ("Authorization", "O-Bearer bearer-two-two-two"));
        var all = await world.Control.GetStringAsync($"/control/{Name}/requests") + await world.Control.GetStringAsync($"/gateways/{Name}");
        foreach (var call in gateway.Inside.Calls.Since(0)) all += await world.Control.GetStringAsync($"/gateways/{Name}/requests/{call.Number}");
        foreach (var secret in secrets) all.ShouldNotContain(secret);
        all.ShouldContain("stays");
        all.ShouldContain("Basic (cut)");
    }

    [Fact]
    public async Task Every_gateway_tells_what_it_was_asked()
    {
        foreach (var inside in world.Sandbox.Worlds)
        {
            using var gateway = await world.Fresh(inside.Dialect.Name);
            await gateway.Send("GET", "/nothing-of-the-kind");
            var seen = gateway.Inside.Calls.Since(0).ShouldHaveSingleItem(inside.Dialect.Name);
            seen.Answer.ShouldNotBeNull(inside.Dialect.Name);
            (await world.Control.GetStringAsync($"/gateways/{inside.Dialect.Name}/requests/{seen.Number}")).ShouldContain("/nothing-of-the-kind");
        }
    }

    [Fact]
    public void The_newest_500_are_kept_and_bodies_are_cut()
    {
        var log = new CallLog();
        for (var i = 0; i < 600; i++) log.Received(Noon, Call(Encoding.UTF8.GetBytes($"{i}")), "/", "other", null);
        log.Since(0).Count.ShouldBe(CallLog.CallsKept);
        log.Since(0)[^1].Number.ShouldBe(101);
        log.Find(100).ShouldBeNull();
        var large = log.Received(Noon, Call(new byte[100_000]), "/", "other", null);
        (large.Call.Body.Length, large.BodyBytes).ShouldBe((CallLog.BodyKept, 100_000));
    }

    [Fact]
    public void Large_calls_are_let_go_sooner_and_a_late_answer_to_one_is_not_counted_for_ever()
    {
        var log = new CallLog();
        var first = log.Received(Noon, Call(new byte[CallLog.BodyKept]), "/", "other", null);
        for (var i = 0; i < 400; i++)
        {
            var call = log.Received(Noon, Call(new byte[CallLog.BodyKept]), "/", "other", null);
            log.Answered(call, 200, "text/plain", [], new byte[CallLog.BodyKept], null);
        }
        log.Since(0).Count.ShouldBe(CallLog.BytesKept / CallLog.BodyKept / 2);
        log.Answered(first, 200, "text/plain", [], new byte[CallLog.BodyKept], null);
        log.Since(0).Count.ShouldBe(CallLog.BytesKept / CallLog.BodyKept / 2);
    }

    [Theory]
    [InlineData("application/x-www-form-urlencoded", "amount=10.00&name=J+D%26Co", "amount = 10.00\nname = J D&Co")]
    [InlineData("application/x-www-form-urlencoded", "request=eyJhIjoxLCJiIjoidHdvIn0%3D", "request = \n{\n  \"a\": 1,\n  \"b\": \"two\"\n}")]
    [InlineData("application/json", """{"request":"eyJhIjoxLCJiIjoidHdvIn0="}""", "{\n  \"request\": \"eyJhIjoxLCJiIjoidHdvIn0=\"\n}\nrequest =\n{\n  \"a\": 1,\n  \"b\": \"two\"\n}")]
    [InlineData("application/jose", "eyJhbGciOiJIUzI1NiJ9.eyJvcmRlciI6Im8xIn0.c2ln", "{\n  \"alg\": \"HS256\"\n}\n.\n{\n  \"order\": \"o1\"\n}")]
    [InlineData("application/json", "{not json", null)]
    [InlineData("text/plain", "plain words", null)]
    public void What_is_encoded_is_told_plainly(string type, string body, string? words) =>
        PlainWords.Of(Call(Encoding.UTF8.GetBytes(body), type)).ShouldBe(words);

    async Task<JsonObject> Requests(long since) => (await world.Control.GetFromJsonAsync<JsonObject>($"/control/{Name}/requests?since={since}"))!;

    static Call Call(byte[] body, string type = "text/plain") =>
        new("POST", "/", new Dictionary<string, StringValues>(), new Dictionary<string, StringValues> { ["Content-Type"] = type }, body);
}
