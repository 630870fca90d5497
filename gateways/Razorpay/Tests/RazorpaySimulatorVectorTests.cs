using System.Text;
using Purser.Sandbox;
using Purser.Sandbox.Razorpay;

namespace Purser.Gateways.Razorpay.Tests;

/// <summary>The simulator's own signing against every vector of the documents, those that must be refused included.</summary>
[Verifies(Part.Simulator, By.PublishedVector)]
public sealed class RazorpaySimulatorVectorTests
{
    const string KeySecret = "rzpvec_secret_0123456789ab", WebhookSecret = "rzpvec_webhook_secret_A1";
    const string Good = "0523cd2288e5d9b1b04d13df5fee3c8339128356e8d92b953205566fcccef22f";

    static readonly string V1 = Encoding.UTF8.GetString(Fixture("razorpay-webhook-V1.json"));

    [Fact]
    public void The_body_as_it_was_sent_is_signed_well() => Signed(V1, WebhookSecret).ShouldBe(Good);

    [Fact]
    public void Another_amount_has_another_signature() =>
        Signed(V1.Replace("\"amount\":49900", "\"amount\":49901", StringComparison.Ordinal), WebhookSecret).ShouldNotBe(Good);

    [Fact]
    public void A_body_written_again_without_its_escapes_has_the_known_other_signature() =>
        Signed(V1.Replace("\\/", "/", StringComparison.Ordinal), WebhookSecret).ShouldBe("3772d48df8bd14a7de206146c3a5f77abf4a154cbc9854428f7e1f29a331ae95");

    [Fact]
    public void A_line_break_at_the_end_has_the_known_other_signature() =>
        Signed(V1 + "\n", WebhookSecret).ShouldBe("75e701dcdbf50e67f8221a2e243242fc71e20e26ab0167dd1142b7b2c09b4281");

    [Fact]
    public void The_key_secret_instead_of_the_webhook_secret_has_the_known_other_signature() =>
        Signed(V1, KeySecret).ShouldBe("ac1840e7e32cbafe1c8d1395423cae77aa0f87db22d3c7de61f52719cee4a059");

    [Fact]
    public void Text_beyond_ascii_is_signed_as_its_utf8_bytes_and_not_as_question_marks()
    {
        var body = Encoding.UTF8.GetString(Fixture("razorpay-webhook-V2.json"));
        Signed(body, WebhookSecret).ShouldBe("284dffe3b85754fe4e0f4a113f75b6c32e266fde13487d8d185f77e665ffe22b");
        RazorpayDialect.SignWebhook(Encoding.ASCII.GetBytes(body), "evt", [WebhookSecret])["X-Razorpay-Signature"]
            .ShouldBe("a6604efea62463557b82da6a5e3a660dead25771533d2f438149a022747189ad");
    }

    [Theory]
    [InlineData("order_VecDemo000001|pay_VecDemo0000001", "04a84b700bed8c59a20f6b5952059131da0e5e9c27658de385a8e500acd3de36")]
    [InlineData("pay_VecDemo0000001|order_VecDemo000001", "49a56db92e649df1259ab8e19815afcc8ba472502ae208818249f4f30268b595")]
    public void A_checkout_is_signed_with_the_order_before_the_payment(string message, string signature) =>
        Purser.Sandbox.Wire.HmacHex(KeySecret, Encoding.UTF8.GetBytes(message)).ShouldBe(signature);

    [Fact]
    public void The_signature_of_a_part_payment_is_not_that_of_a_whole_one() =>
        RazorpayDialect.ReturnSignature(KeySecret, "plink_VecDemo000001", "INV-2026-0001", "paid", "pay_VecDemo0000001")
            .ShouldNotBe("db926755c8358823ba7d88040e4c93143eb2bb146befcc17e08c9c81960debc5");

    [Fact]
    public void The_official_clients_own_vector_comes_out() =>
        Signed("""{"a":1,"b":2,"c":{"d":3}}""", "123456").ShouldBe("2fe04e22977002e6c7cb553adab8b460cb9e2a4970d5953cb27a8472752e3bbc");

    static string Signed(string body, string secret) =>
        RazorpayDialect.SignWebhook(Encoding.UTF8.GetBytes(body), "evt", [secret])["X-Razorpay-Signature"];

    static byte[] Fixture(string name) => File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "fixtures", name));
}
