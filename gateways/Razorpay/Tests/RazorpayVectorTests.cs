using System.Collections.Immutable;
using System.Text;
using Purser.Gateways.Tests.Contract;
using Purser.Orders;

namespace Purser.Gateways.Razorpay.Tests;

/// <summary>Section 10 of the wire notes: vectors that the official SDK accepts or rejects.</summary>
[Verifies(Part.Adapter, By.PublishedVector)]
public sealed class RazorpayVectorTests
{
    const string V1Signature = "0523cd2288e5d9b1b04d13df5fee3c8339128356e8d92b953205566fcccef22f";

    static readonly RazorpayGateway Gateway = new();
    static readonly GatewayAccount Account = RazorpayTests.Account("rzpvec_secret_0123456789ab", "rzpvec_webhook_secret_A1");
    static readonly byte[] V1 = RazorpayTests.Fixture("razorpay-webhook-V1.json");

    [Fact]
    public void V1_is_genuine()
    {
        var news = Read(V1, V1Signature).ShouldBeOfType<NewsReading.Genuine>();
        news.EventType.ShouldBe("payment.captured");
        var money = news.Facts.ShouldHaveSingleItem().ShouldBeOfType<Evidence.Succeeded>();
        money.Amount.ShouldBe(new Money(49900, Currency.Find("INR")));
        money.ShouldBe(money with { MoneyReference = "pay_VecDemo0000001", Method = "upi", Fee = 1178, Tax = 180 });
        // Its notes name nothing of ours.
        news.Payment.ShouldBeNull();
    }

    [Fact]
    public void V1a_a_changed_amount_is_forged() => ShouldBeForged(Replace(V1, "\"amount\":49900", "\"amount\":49901"), V1Signature);

    [Theory]
    [InlineData(V1Signature)]
    public void V1b_a_body_written_again_is_forged(string signature)
    {
        var again = Replace(V1, "\\/", "/");
        again.Length.ShouldBe(476);
        ShouldBeForged(again, signature);
        Read(again, "3772d48df8bd14a7de206146c3a5f77abf4a154cbc9854428f7e1f29a331ae95").ShouldBeOfType<NewsReading.Genuine>();
    }

    [Fact]
    public void V1c_one_more_newline_is_forged()
    {
        ShouldBeForged([.. V1, (byte)'\n'], V1Signature);
        Read([.. V1, (byte)'\n'], "75e701dcdbf50e67f8221a2e243242fc71e20e26ab0167dd1142b7b2c09b4281").ShouldBeOfType<NewsReading.Genuine>();
    }

    [Fact]
    public void V1d_the_API_secret_does_not_sign_webhooks() => ShouldBeForged(V1, "ac1840e7e32cbafe1c8d1395423cae77aa0f87db22d3c7de61f52719cee4a059");

    [Fact]
    public void No_changed_byte_of_body_or_signature_is_believed() =>
        Tampering.ShouldBeNoticed(Gateway, Account, RazorpayTests.Webhook(V1, V1Signature), "X-Razorpay-Signature");

    [Fact]
    public void Upper_case_hex_is_forged() => ShouldBeForged(V1, V1Signature.ToUpperInvariant());

    [Fact]
    public void V2_text_beyond_ASCII_is_genuine_and_its_ASCII_hash_is_not()
    {
        var body = RazorpayTests.Fixture("razorpay-webhook-V2.json");
        body.Length.ShouldBe(289);
        Read(body, "284dffe3b85754fe4e0f4a113f75b6c32e266fde13487d8d185f77e665ffe22b").ShouldBeOfType<NewsReading.Genuine>();
        ShouldBeForged(body, "a6604efea62463557b82da6a5e3a660dead25771533d2f438149a022747189ad");
    }

    [Theory]
    [InlineData("order_VecDemo000001|pay_VecDemo0000001", "04a84b700bed8c59a20f6b5952059131da0e5e9c27658de385a8e500acd3de36", true)]
    [InlineData("order_VecDemo000001|pay_VecDemo0000001", "49a56db92e649df1259ab8e19815afcc8ba472502ae208818249f4f30268b595", false)]
    [InlineData("order_VecDemo000002|pay_VecDemo0000001", "04a84b700bed8c59a20f6b5952059131da0e5e9c27658de385a8e500acd3de36", false)]
    public void V3_the_checkout_callback(string message, string signature, bool right) =>
        HexSignature.IsHmacSha256("rzpvec_secret_0123456789ab", Encoding.UTF8.GetBytes(message), signature).ShouldBe(right);

    [Theory]
    [InlineData("INV-2026-0001", "paid", "a16e3d8d590c90ea9530ee474deff660cdf8574b82a2fbaf583ee664b17b9676", true)]
    [InlineData("", "paid", "bcb642c98983bc8b2b6eec13356e8c3ebebc1a7e83d2ffe899c676bf9e10e56b", true)]
    [InlineData("INV-2026-0001", "partially_paid", "db926755c8358823ba7d88040e4c93143eb2bb146befcc17e08c9c81960debc5", true)]
    [InlineData("INV-2026-0001", "paid", "db926755c8358823ba7d88040e4c93143eb2bb146befcc17e08c9c81960debc5", false)]
    public void V4_the_return_from_a_link(string reference, string status, string signature, bool right)
    {
        var query = $"?ours=1&razorpay_payment_id=pay_VecDemo0000001&razorpay_payment_link_id=plink_VecDemo000001"
            + $"&razorpay_payment_link_reference_id={reference}&razorpay_payment_link_status={status}&razorpay_signature={signature}";
        var reading = Gateway.ReadReturn(new RawMessage("GET", "/return", query, ImmutableDictionary<string, string>.Empty, default, RazorpayTests.Noon), Account);
        if (!right)
        {
            reading.ShouldBeOfType<NewsReading.Forged>();
            return;
        }
        // Signed or not, what a browser brings proves nothing.
        var genuine = reading.ShouldBeOfType<NewsReading.Genuine>();
        genuine.Facts.ShouldBeEmpty();
        genuine.ProvesAmount.ShouldBeFalse();
    }

    [Fact]
    public void V5_the_vector_of_the_SDKs_own_tests() =>
        Gateway.ReadWebhook(
                RazorpayTests.Webhook("""{"a":1,"b":2,"c":{"d":3}}"""u8.ToArray(), "2fe04e22977002e6c7cb553adab8b460cb9e2a4970d5953cb27a8472752e3bbc"),
                RazorpayTests.Account("any", "123456"))
            // Signed, and no event.
            .ShouldBeOfType<NewsReading.Unreadable>();

    [Fact]
    public void Either_secret_is_right_while_one_is_being_replaced()
    {
        Gateway.ReadWebhook(RazorpayTests.Webhook(V1, V1Signature), RazorpayTests.Account("any", "new-secret, rzpvec_webhook_secret_A1"))
            .ShouldBeOfType<NewsReading.Genuine>();
        Gateway.ReadWebhook(RazorpayTests.Webhook(V1, V1Signature), RazorpayTests.Account("any", "new-secret,other")).ShouldBeOfType<NewsReading.Forged>();
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("0523")]
    [InlineData(V1Signature + "00")]
    [InlineData("é523cd2288e5d9b1b04d13df5fee3c8339128356e8d92b953205566fcccef22f")]
    public void Unsigned_and_cut_signatures_are_forged(string? signature) => ShouldBeForged(V1, signature);

    static NewsReading Read(byte[] body, string? signature) => Gateway.ReadWebhook(RazorpayTests.Webhook(body, signature), Account);

    static void ShouldBeForged(byte[] body, string? signature) => Read(body, signature).ShouldBeOfType<NewsReading.Forged>();

    static byte[] Replace(byte[] body, string old, string with) => Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(body).Replace(old, with));
}
