using System.Collections.Immutable;

namespace Purser.Gateways.Razorpay.Tests;

/// <summary>The laboratory agrees with the check in earnest on every vector, and names the mistakes that others made.</summary>
public sealed class RazorpaySignatureTests
{
    const string V1Signature = "0523cd2288e5d9b1b04d13df5fee3c8339128356e8d92b953205566fcccef22f";
    const string Linked = "a16e3d8d590c90ea9530ee474deff660cdf8574b82a2fbaf583ee664b17b9676";

    static readonly RazorpayGateway Gateway = new();
    static readonly GatewayAccount Account = RazorpayTests.Account("rzpvec_secret_0123456789ab", "rzpvec_webhook_secret_A1, another_webhook_secret");
    static readonly byte[] V1 = RazorpayTests.Fixture("razorpay-webhook-V1.json"), V2 = RazorpayTests.Fixture("razorpay-webhook-V2.json");

    [Fact]
    public void A_right_webhook_is_right_and_shows_what_was_signed()
    {
        var trace = Webhook(V1, V1Signature);
        (trace.Right, trace.Given, trace.Expected).ShouldBe((true, V1Signature, V1Signature));
        trace.Steps[0].Value.Length.ShouldBe(480);
        trace.Steps.ShouldAllBe(s => !s.Value.Contains("rzpvec_webhook_secret_A1"));
    }

    [Fact]
    public void The_usual_mistakes_are_named()
    {
        Mistake(V1, null).ShouldContain("no signature");
        Mistake(V1, V1Signature.ToUpperInvariant()).ShouldContain("capital");
        Mistake(V1, "ac1840e7e32cbafe1c8d1395423cae77aa0f87db22d3c7de61f52719cee4a059").ShouldContain("key_secret");
        Mistake(V1, "3772d48df8bd14a7de206146c3a5f77abf4a154cbc9854428f7e1f29a331ae95").ShouldContain("slashes");
        Mistake([.. V1, (byte)'\n'], V1Signature).ShouldContain("line end");
        Mistake(V2, "a6604efea62463557b82da6a5e3a660dead25771533d2f438149a022747189ad").ShouldContain("ASCII");
        Mistake(V1, new string('0', 64)).ShouldContain("Another secret");

        static string Mistake(byte[] body, string? given)
        {
            var trace = Webhook(body, given);
            trace.Right.ShouldBeFalse();
            return trace.Steps[^1].Remark!;
        }
    }

    [Theory]
    [InlineData("INV-2026-0001", "paid", Linked, true)]
    [InlineData("", "paid", "bcb642c98983bc8b2b6eec13356e8c3ebebc1a7e83d2ffe899c676bf9e10e56b", true)]
    [InlineData("INV-2026-0001", "partially_paid", Linked, false)]
    [InlineData("INV-2026-0001", "paid", "", false)]
    public void A_return_is_shown_as_it_is_checked(string reference, string status, string signature, bool right)
    {
        var message = Return($"razorpay_payment_id=pay_VecDemo0000001&razorpay_payment_link_id=plink_VecDemo000001&razorpay_payment_link_reference_id={reference}"
            + $"&razorpay_payment_link_status={status}&razorpay_signature={signature}");
        var trace = Recipe("return").Compute(message, Account);
        trace.Right.ShouldBe(right);
        trace.Steps[0].Value.ShouldBe($"plink_VecDemo000001|{reference}|{status}|pay_VecDemo0000001");
        (Gateway.ReadReturn(message, Account) is NewsReading.Genuine).ShouldBe(right);
    }

    [Fact]
    public void What_cannot_be_computed_says_why_and_a_secret_in_the_wrong_place_is_cut()
    {
        Recipe("return").Compute(Return("x=1"), Account).Steps.ShouldHaveSingleItem().Remark!.ShouldContain("missing");
        Recipe("webhook").Compute(RazorpayTests.Webhook(V1, V1Signature), Account with { Settings = ImmutableDictionary<string, string>.Empty }).Right.ShouldBeFalse();
        var trace = Webhook("rzpvec_secret_0123456789ab"u8.ToArray(), "another_webhook_secret");
        (trace.Steps[0].Value, trace.Given).ShouldBe((Redaction.Mark, Redaction.Mark));
    }

    static SignatureTrace Webhook(byte[] body, string? signature) => Recipe("webhook").Compute(RazorpayTests.Webhook(body, signature), Account);

    static SignatureRecipe Recipe(string name) => Gateway.Signatures.Single(s => s.Name == name);

    static RawMessage Return(string query) => new("GET", "/r", "?" + query, ImmutableDictionary<string, string>.Empty, default, RazorpayTests.Noon);
}
