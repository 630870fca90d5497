using System.Collections.Immutable;
using System.Text;

namespace Purser.Gateways.Stripe.Tests;

/// <summary>The laboratory agrees with the check in earnest on every vector, and names the mistakes that others made.</summary>
public sealed class StripeSignatureTests
{
    const string S1 = "whsec_TestOnly0123456789abcdefABCDEF", S2 = "whsec_RotatedOnly_9876543210fedcba";
    const string By1 = "f2bb5861c2513598372d906a46c77a4c1d270047bb27479acaae8dae6f9cee4b", By2 = "e4440551bcef4fa4de47a972ff6217cfc77ec136855409c8496e766e941bedf3";

    static readonly DateTimeOffset Then = DateTimeOffset.FromUnixTimeSeconds(1750000000);
    static readonly StripeGateway Gateway = new();
    static readonly GatewayAccount Account = StripeTests.Account($"{S1}, whsec_other");
    static readonly byte[] A = StripeTests.Fixture("stripe-body-A.json"), B = StripeTests.Fixture("stripe-body-B.json");

    [Theory]
    [InlineData("t=1750000000,v1=" + By1, 0, true)]
    [InlineData("t=1750000000,v1=" + By1, 300, true)]
    [InlineData("t=1750000000,v1=" + By1, 301, false)]
    [InlineData("t=1750000000,v1=" + By1, -301, false)]
    [InlineData("t=1750000000, v1=" + By1, 0, true)]
    [InlineData("t=1750000000,v1=" + By2 + ",v1=" + By1, 0, true)]
    [InlineData("t=1750000000,v1=" + By1 + ",v0=00", 0, true)]
    [InlineData("t=1750000001,v1=" + By1, 0, false)]
    [InlineData("t=1750000000,v0=" + By1, 0, false)]
    [InlineData("t=1750000000,v1=" + By2, 0, false)]
    public void The_laboratory_says_what_the_check_says(string header, int age, bool right)
    {
        var message = StripeTests.Webhook(A, header, Then.AddSeconds(age));
        var trace = Show(message);
        trace.Right.ShouldBe(right);
        (Gateway.ReadWebhook(message, Account) is not NewsReading.Forged).ShouldBe(right);
        trace.Steps.ShouldAllBe(s => !s.Value.Contains(S1));
        if (right) (trace.Given, trace.Expected).ShouldBe((By1, By1));
    }

    [Fact]
    public void The_usual_mistakes_are_named()
    {
        Mistake(A, By1.ToUpperInvariant()).ShouldContain("capital");
        Mistake(A, HexSignature.HmacSha256(S1["whsec_".Length..], [.. "1750000000."u8, .. A])).ShouldContain("prefix");
        Mistake(A, HexSignature.HmacSha256(S1, A)).ShouldContain("time and the point are missing");
        Mistake(B, HexSignature.HmacSha256(S1, [.. "1750000000."u8, .. Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(B).Trim())])).ShouldContain("line ends");
        Mistake(A, HexSignature.HmacSha256(S2, [.. "1750000000."u8, .. A])).ShouldContain("Another secret");

        static string Mistake(byte[] body, string given) =>
            Show(StripeTests.Webhook(body, $"t=1750000000,v1={given}", Then)).Steps.Single(s => s.Title == "Compare").Remark!;
    }

    [Fact]
    public void What_cannot_be_computed_says_why_and_a_secret_in_the_wrong_place_is_cut()
    {
        Show(StripeTests.Webhook(A, null, Then)).Steps.ShouldHaveSingleItem().Remark!.ShouldContain("no signature");
        Show(StripeTests.Webhook(A, "t=1,t=2,v1=00", Then)).Steps.ShouldHaveSingleItem().Remark!.ShouldContain("two times");
        Show(StripeTests.Webhook(A, $"t=1750000000,v1={S1}", Then)).Given.ShouldBe(Redaction.Mark);
        Gateway.Signatures.Single().Compute(StripeTests.Webhook(A, $"t=1750000000,v1={By1}", Then), Account with { Settings = ImmutableDictionary<string, string>.Empty })
            .Right.ShouldBeFalse();
    }

    static SignatureTrace Show(RawMessage message) => Gateway.Signatures.Single(s => s.Name == "webhook").Compute(message, Account);
}
