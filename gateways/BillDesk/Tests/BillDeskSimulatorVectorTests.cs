using System.Security.Cryptography;
using System.Text;
using Purser.Sandbox.BillDesk;

namespace Purser.Gateways.BillDesk.Tests;

/// <summary>The simulator's tokens against the vectors B1 to B6 of the document.</summary>
[Verifies(Part.Simulator, By.Document)]
public sealed class BillDeskSimulatorVectorTests
{
    const string Key = "BdVecHmacKey_0123456789abcdef0123", Client = "vecclient", Header = """{"alg":"HS256","clientid":"vecclient"}""";

    const string B1 =
        """{"mercid":"VECMERCH","orderid":"ORD20260001A1","amount":"499.00","order_date":"2026-01-01T10:00:00+05:30","currency":"356","ru":"https://pay.example.test/return/billdesk","itemcode":"DIRECT","device":{"init_channel":"internet","ip":"203.0.113.10","user_agent":"Mozilla/5.0"}}""";

    const string B2 =
        """{"objectid":"transaction","transactionid":"UVEC0000000001","mercid":"VECMERCH","orderid":"ORD20260001A1","transaction_date":"2026-01-01T10:02:11+05:30","amount":"499.00","surcharge":"0.00","discount":"0.00","charge_amount":"499.00","currency":"356","payment_method_type":"upi","auth_status":"0300","transaction_error_code":"TRS0000","transaction_error_type":"success","transaction_error_desc":"Transaction Successful"}""";

    const string B3 =
        """{"objectid":"transaction","transactionid":"UVEC0000000002","mercid":"VECMERCH","orderid":"ORD20260001A1","transaction_date":"2026-01-01T10:02:11+05:30","amount":"499.00","charge_amount":"499.00","currency":"356","payment_method_type":"upi","auth_status":"0399"}""";

    const string B5 =
        """{"status":409,"error_type":"duplicate_request_error","error_code":"TRDRE0001","message":"Transaction already exists with given mercid and orderid"}""";

    const string EncryptionKey = "VecEncKey0123456789abcdefABCDEF!", SigningKey = "VecSignKey0123456789abcdefABCDE!";
    const string InnerHeader = """{"alg":"dir","enc":"A256GCM","kid":"veckid01","clientid":"vecclient"}""";
    const string OuterHeader = """{"alg":"HS256","kid":"veckid01","clientid":"vecclient"}""";

    [Theory]
    [InlineData(B1, "vLZA7ocYilxLfQSCxcp0T4lqqg6gfx-IHw0qqDO988g")]
    [InlineData(B2, "VcPY-k7qgaklI5v6v8ZbdvLSAwOU7vArxX8CfWo23HI")]
    [InlineData(B3, "f5-ggZaLvb5nrq7uXh3cAWH4JcMapu50xdAylvsMfTo")]
    [InlineData(B5, "0QnN0muFWAVreI7UvmxTrKwJbvGQ6Z0wcOHRIz7kCkk")]
    public void B1_B2_B3_B5_have_the_published_signature(string payload, string signature)
    {
        var token = BillDeskTokens.Sign(Header, payload, Key);
        token.ShouldEndWith("." + signature);
        BillDeskTokens.Verify(token, Client, Key).ShouldBe(payload);
    }

    [Fact]
    public void B4_a_changed_status_under_the_old_signature_is_refused()
    {
        var changed = BillDeskTokens.Unsigned(Header, B3.Replace("0399", "0300", StringComparison.Ordinal));
        BillDeskTokens.Verify(changed + "f5-ggZaLvb5nrq7uXh3cAWH4JcMapu50xdAylvsMfTo", Client, Key).ShouldBeNull();
    }

    [Fact]
    public void Another_algorithm_client_or_key_is_refused()
    {
        BillDeskTokens.Verify(BillDeskTokens.Unsigned("""{"alg":"none","clientid":"vecclient"}""", B2), Client, Key).ShouldBeNull();
        var text = BillDeskTokens.Unsigned("""{"alg":"HS384","clientid":"vecclient"}""", B2)[..^1];
        var longer = HMACSHA384.HashData(Encoding.UTF8.GetBytes(Key), Encoding.ASCII.GetBytes(text));
        BillDeskTokens.Verify($"{text}.{System.Buffers.Text.Base64Url.EncodeToString(longer)}", Client, Key).ShouldBeNull();
        BillDeskTokens.Verify(BillDeskTokens.Sign(Header, B2, Key), Client, Key[..^1] + "4").ShouldBeNull();
        BillDeskTokens.Verify(BillDeskTokens.Sign(Header, B2, Key), "another", Key).ShouldBeNull();
        foreach (var noToken in (string[])["", "..", "a.b", "a.b.c", "e30.e30.", "!.!.!", "....", "é.é.é"]) BillDeskTokens.Verify(noToken, Client, Key).ShouldBeNull(noToken);
    }

    [Fact]
    public void B6_is_encrypted_and_signed_as_published()
    {
        var inner = BillDeskTokens.Encrypt(InnerHeader, B2, EncryptionKey, Convert.FromHexString("000102030405060708090a0b"));
        inner.ShouldEndWith(".tAcxKa5SHybuRPwq3RenaQ");
        var token = BillDeskTokens.Sign(OuterHeader, inner, SigningKey);
        token.Length.ShouldBe(1042);
        Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(token)))
            .ShouldBe("9c9e530aa7fbb8eaa28c8f9ff2772b40dc7fa08247992eba6643dde20ab25e45");
        BillDeskTokens.Decrypt(BillDeskTokens.Verify(token, Client, SigningKey)!, Client, EncryptionKey).ShouldBe(B2);
        BillDeskTokens.Verify(token, Client, EncryptionKey).ShouldBeNull();
        BillDeskTokens.Decrypt(inner, Client, SigningKey).ShouldBeNull();
    }

    [Fact]
    public void B6_any_change_of_the_inner_tag_is_noticed()
    {
        var inner = BillDeskTokens.Encrypt(InnerHeader, B2, EncryptionKey, Convert.FromHexString("000102030405060708090a0b"));
        // The last character holds four bits that do not count.
        for (var i = inner.LastIndexOf('.') + 1; i < inner.Length - 1; i++)
        {
            var changed = inner.ToCharArray();
            changed[i] = changed[i] == 'A' ? 'B' : 'A';
            BillDeskTokens.Decrypt(new(changed), Client, EncryptionKey).ShouldBeNull();
        }
    }
}
