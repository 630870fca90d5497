using System.Net;
using Purser.Server.Platform;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Api;

/// <summary>Behind a proxy, limits go by the address that the proxy names, if and only if the proxy is one of ours.</summary>
public sealed class ProxyTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    static readonly (string, string)[] Strict = [("Purser:Api:StrangerBurst", "3")];

    static async Task<int> Refused(ApiHouse house, Func<int, string> forwardedFor)
    {
        var refused = 0;
        for (var n = 1; n <= 10; n++)
            if ((await house.Get("/v1/products", $"sk_{n:x64}", ("X-Forwarded-For", forwardedFor(n)))).Status == HttpStatusCode.TooManyRequests) refused++;
        return refused;
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("10.0.0.0/8, 127.0.0.0/8, ::1")]
    public async Task A_trusted_proxy_says_who_asks(string trusted)
    {
        await using var house = await ApiHouse.Open(await postgres.CreateDatabase(), ApiHouse.NoRefill, [.. Strict, ("Purser:TrustedProxies", trusted)]);
        (await Refused(house, n => $"203.0.113.{n}")).ShouldBe(0, "ten strangers, one try each");
        (await Refused(house, _ => "198.51.100.7")).ShouldBe(7, "one stranger, ten tries");
        // What a stranger wrote into the header before our proxy added to it is not believed.
        (await Refused(house, n => $"203.0.113.{n}, 198.51.100.8")).ShouldBe(7);
    }

    [Theory]
    [InlineData("")]
    [InlineData("192.0.2.1")]
    public async Task Nobody_else_does(string trusted)
    {
        await using var house = await ApiHouse.Open(await postgres.CreateDatabase(), ApiHouse.NoRefill, [.. Strict, ("Purser:TrustedProxies", trusted)]);
        (await Refused(house, n => $"203.0.113.{n}")).ShouldBe(7);
    }

    [Theory]
    [InlineData("proxy.example")]
    [InlineData("10.0.0.1/8x")]
    [InlineData("10.0.0.0/33")]
    public void An_entry_that_is_no_address_is_a_fault_with_its_remedy(string trusted) =>
        new PurserOptions { TrustedProxies = trusted }.Faults().Single().ShouldStartWith($"Purser:TrustedProxies has '{trusted}'");
}
