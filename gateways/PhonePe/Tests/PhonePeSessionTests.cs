using Purser.Gateways.Tests.Line;
using Purser.Refunds;
using static Purser.Gateways.PhonePe.Tests.PhonePeTests;

namespace Purser.Gateways.PhonePe.Tests;

/// <summary>Access tokens: had, kept, replaced, and what it means when there is none.</summary>
[Verifies(Part.Adapter, By.Document)]
public sealed class PhonePeSessionTests
{
    [Fact]
    public async Task A_token_is_had_once_and_used_under_its_own_scheme()
    {
        var network = Answering(Page);
        using var lines = new GatewayLines(network, new ManualTime());
        for (var i = 0; i < 3; i++) (await Open(lines)).ShouldBeOfType<GatewayAnswer.Done>();

        network.Sent.Select(s => s.Path).ShouldBe(["/v1/oauth/token", .. Enumerable.Repeat<string[]>(["/checkout/v2/pay", StatusPath], 3).SelectMany(p => p)]);
        network.Sent[0].Headers["Content-Type"].ShouldBe("application/x-www-form-urlencoded");
        network.Sent[0].Body.ShouldBe("client_id=TESTCLIENT_26&client_version=1&client_secret=client-secret-1&grant_type=client_credentials");
        network.Sent[1].Headers["Authorization"].ShouldBe("O-Bearer tok_example_1");
    }

    [Theory]
    [InlineData("""{"access_token":"a","expires_in":3600}""", 55 * 60)]
    [InlineData("""{"access_token":"a","expires_in":null,"issued_at":1773462600,"expires_at":1773466200}""", 55 * 60)]
    [InlineData("""{"access_token":"a","expires_in":120}""", 60)]
    public async Task A_token_is_replaced_minutes_before_its_end(string token, int seconds)
    {
        var time = new ManualTime();
        var network = Scripted(s => s.Path == "/v1/oauth/token" ? ScriptedNetwork.Answer(token) : ScriptedNetwork.Answer(Page));
        using var lines = new GatewayLines(network, time);
        await Open(lines);
        time.Advance(TimeSpan.FromSeconds(seconds - 1));
        await Open(lines);
        network.Sent.Count(s => s.Path == "/v1/oauth/token").ShouldBe(1);
        time.Advance(TimeSpan.FromSeconds(1));
        await Open(lines);
        network.Sent.Count(s => s.Path == "/v1/oauth/token").ShouldBe(2);
    }

    [Fact]
    public async Task A_token_of_unknown_life_is_used_once()
    {
        var network = Scripted(s => ScriptedNetwork.Answer(s.Path == "/v1/oauth/token" ? """{"access_token":"a","expires_at":1773466200}""" : Page));
        using var lines = new GatewayLines(network, new ManualTime());
        await Open(lines);
        // One for the order, one to read it.
        network.Sent.Count(s => s.Path == "/v1/oauth/token").ShouldBe(2);
    }

    [Fact]
    public async Task A_token_that_is_refused_before_its_time_is_replaced_once()
    {
        var tokens = 0;
        var network = Scripted(s => s.Path == "/v1/oauth/token" ? ScriptedNetwork.Answer($$"""{"access_token":"tok-{{++tokens}}","expires_in":3600}""")
            : s.Headers["Authorization"] == "O-Bearer tok-1" ? ScriptedNetwork.Answer("""{"code":"401","message":"expired"}""", 401) : ScriptedNetwork.Answer(s.Path == StatusPath ? NewOrder : Page));
        using var lines = new GatewayLines(network, new ManualTime());
        (await Open(lines)).ShouldBeOfType<GatewayAnswer.Done>();
        network.Sent.Select(s => s.Path).ShouldBe(["/v1/oauth/token", "/checkout/v2/pay", "/v1/oauth/token", "/checkout/v2/pay", StatusPath]);
    }

    [Fact]
    public async Task Credentials_of_the_old_scheme_are_refused_and_say_nothing_of_a_payment()
    {
        var network = Scripted(s => s.Path == "/v1/oauth/token" ? ScriptedNetwork.Answer(Token)
            : ScriptedNetwork.Answer("""{"errorCode":"PR004","message":"Unauthorized"}""", 401));
        (await Open(network)).ShouldBe(new GatewayAnswer.Rejected("PR004: Unauthorized"));
        network.Sent.Count.ShouldBe(4);
        (await Inquire(network)).ShouldBeOfType<GatewayAnswer.Unknown>();
    }

    [Fact]
    public async Task A_wrong_client_version_is_a_definite_no_and_nothing_is_asked()
    {
        var network = Scripted(_ => ScriptedNetwork.Answer(
            """{"errorCode":"OIM000","code":"INVALID_CLIENT","message":"no trackingId: 1","context":{"error_description":"Client authentication failure"}}""", 400));
        (await Open(network)).ShouldBe(new GatewayAnswer.Rejected("INVALID_CLIENT: no trackingId: 1"));
        network.Sent.ShouldHaveSingleItem();
        (await Inquire(network)).ShouldBeOfType<GatewayAnswer.Unknown>();
        // An earlier request under the refund's name may have been heard, so this is no refusal of it.
        (await PhonePeAfterwardsTests.AskRefund(network)).ShouldBeOfType<RefundAnswer.Unknown>();
    }

    [Theory]
    [InlineData(503, "<html>busy</html>")]
    [InlineData(429, """{"code":"TOO_MANY_REQUESTS"}""")]
    [InlineData(200, """{"access_token":""}""")]
    [InlineData(200, """{"access_token":"a b"}""")]
    [InlineData(200, """{"access_token":"a\r\nX-Injected: yes"}""")]
    [InlineData(200, "{}")]
    public async Task Without_a_token_nothing_that_matters_was_sent(int status, string body)
    {
        var network = Scripted(_ => ScriptedNetwork.Answer(body, status));
        (await Open(network)).ShouldBeOfType<GatewayAnswer.NotSent>();
        (await Inquire(network)).ShouldBeOfType<GatewayAnswer.NotSent>();
        network.Sent.ShouldAllBe(s => s.Path == "/v1/oauth/token");
    }

    [Fact]
    public async Task Tokens_and_orders_live_under_two_addresses_in_production_and_under_one_in_test()
    {
        foreach (var (baseUrl, token, pay) in new[]
        {
            (Gateway.Profile.BaseUrl, "/apis/identity-manager/v1/oauth/token", "/apis/pg/checkout/v2/pay"),
            (Gateway.Profile.TestBaseUrl!, "/apis/pg-sandbox/v1/oauth/token", "/apis/pg-sandbox/checkout/v2/pay"),
        })
        {
            var network = Scripted(s => ScriptedNetwork.Answer(s.Path.EndsWith("token", StringComparison.Ordinal) ? Token : Page));
            await Open(network, Call() with { Account = Account() with { BaseUrl = baseUrl } });
            network.Sent.Select(s => s.Path).ShouldBe([token, pay, pay.Replace("/checkout/v2/pay", StatusPath, StringComparison.Ordinal)]);
        }
    }

    [Fact]
    public async Task Another_secret_of_one_account_has_another_token()
    {
        var network = Answering(Page);
        using var lines = new GatewayLines(network, new ManualTime());
        await Open(lines);
        var other = Account() with { Settings = Account().Settings.SetItem("client_secret", "client-secret-2") };
        await Open(lines, Call() with { Account = other });
        network.Sent.Count(s => s.Path == "/v1/oauth/token").ShouldBe(2);
    }

    [Fact]
    public async Task No_token_is_in_what_is_recorded()
    {
        using var lines = new GatewayLines(Answering(Page), new ManualTime());
        var line = lines.Open(Account(), Gateway.Profile);
        await Gateway.OpenLink(Call(), line, default);
        foreach (var kept in line.Exchanges.Select(e => e.ToString()))
            foreach (var secret in (string[])["tok_example_1", "enc_example", "client-secret-1"]) kept.ShouldNotContain(secret);
    }
}
