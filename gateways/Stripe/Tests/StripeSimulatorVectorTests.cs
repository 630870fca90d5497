using System.Text;
using Purser.Sandbox.Stripe;

namespace Purser.Gateways.Stripe.Tests;

/// <summary>The simulator's own signing against the vectors that must be refused.</summary>
[Verifies(Part.Simulator, By.PublishedVector)]
public sealed class StripeSimulatorVectorTests
{
    const string S1 = "whsec_TestOnly0123456789abcdefABCDEF", S2 = "whsec_RotatedOnly_9876543210fedcba";
    const long At = 1750000000;
    const string Good = "f2bb5861c2513598372d906a46c77a4c1d270047bb27479acaae8dae6f9cee4b";

    static readonly byte[] A = Fixture("stripe-body-A.json"), B = Fixture("stripe-body-B.json");

    [Fact]
    public void Another_amount_has_the_known_other_signature()
    {
        var altered = Encoding.UTF8.GetString(A).Replace("\"amount_total\":1999", "\"amount_total\":1", StringComparison.Ordinal);
        StripeDialect.Signature(S1, At, Encoding.UTF8.GetBytes(altered)).ShouldBe("705193f1e22c64d450d841f27f04fb53996665a1812169a71ad7ab1228d7a04d");
    }

    [Fact]
    public void The_time_the_secret_and_its_prefix_are_all_signed()
    {
        StripeDialect.Signature(S1, At, A).ShouldBe(Good);
        StripeDialect.Signature(S1, At + 1, A).ShouldNotBe(Good);
        StripeDialect.Signature(S2, At, A).ShouldNotBe(Good);
        StripeDialect.Signature(S1["whsec_".Length..], At, A).ShouldNotBe(Good);
    }

    [Fact]
    public void A_body_parsed_and_written_again_has_another_signature()
    {
        var again = Encoding.UTF8.GetBytes(System.Text.Json.Nodes.JsonNode.Parse(B)!.ToJsonString());
        StripeDialect.Signature(S1, At, again).ShouldNotBe(StripeDialect.Signature(S1, At, B));
    }

    static byte[] Fixture(string name) => File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "fixtures", name));
}
