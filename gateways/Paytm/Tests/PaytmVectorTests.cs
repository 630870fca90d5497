using System.Collections.Immutable;
using System.Net;
using System.Text;
using System.Text.Json;
using Purser.Gateways.Tests.Contract;
using Purser.Gateways.Tests.Outside;
using Purser.Orders;

namespace Purser.Gateways.Paytm.Tests;

/// <summary>Section 10 of the wire notes, vectors that official code accepts or rejects; and that code itself, which must take our checksums and
/// whose checksums we must take.</summary>
[Verifies(Part.Adapter, By.PublishedVector)]
public sealed class PaytmVectorTests
{
    const string T1Checksum = "KWSFKcOrWVVQo3ycFM2qaUWsnFiKo8pdThFwrhAicbXUkYqq3joZb/0DCC0EvoxyKZeiGUDy0WnXIe+mAr4YrEuD38dFDBTZn5sCE5y9XB8=";
    const string T6Checksum = "V7a1/ES2zkf+P3HeydbZthmoIakMqe3fIIxXnLzx2nM5IGQuNl498VALQtIAQdAACNS6+N0PlJzYYh60tixgVAwBqwxTVXaVZqnZ/4aEiKs=";
    const string T3 = """{"requestType":"Payment","mid":"TESTMID0000000000001","websiteName":"WEBSTAGING","orderId":"ORD-1001","callbackUrl":"https://pay.example.test/cb/paytm","txnAmount":{"value":"1250.50","currency":"INR"},"userInfo":{"custId":"C-1"}}""";
    const string T5 = """{"mid":"TESTMID0000000000001","txnType":"REFUND","orderId":"ORD-1001","txnId":"20260314000000000000000000000000001","refId":"RF1001A","refundAmount":"100.00"}""";
    const string T6 = """{"txnId":"20260314000000000000000000000000001","orderId":"ORD-1001","refId":"RF1001A","refundId":"2026031500000000000001","mid":"TESTMID0000000000001","txnAmount":"1250.50","refundAmount":"100.00","status":"SUCCESS","acceptRefundTimestamp":"2026-03-15 09:00:00.0"}""";

    static readonly PaytmGateway Gateway = new();
    static readonly GatewayAccount Account = PaytmTests.Account;

    static readonly ImmutableDictionary<string, string> T1 = new Dictionary<string, string>
    {
        ["BANKNAME"] = "Test Bank",
        ["BANKTXNID"] = "77700100001",
        ["CURRENCY"] = "INR",
        ["GATEWAYNAME"] = "TESTGW",
        ["MID"] = "TESTMID0000000000001",
        ["ORDERID"] = "ORD-1001",
        ["PAYMENTMODE"] = "NB",
        ["RESPCODE"] = "01",
        ["RESPMSG"] = "Txn Success",
        ["STATUS"] = "TXN_SUCCESS",
        ["TXNAMOUNT"] = "1250.50",
        ["TXNDATE"] = "2026-03-14 10:15:30.0",
        ["TXNID"] = "20260314000000000000000000000000001",
        ["CHECKSUMHASH"] = T1Checksum,
    }.ToImmutableDictionary();

    [Fact]
    public void T1_a_form_is_genuine_and_believed_in_nothing()
    {
        var news = Read(T1).ShouldBeOfType<NewsReading.Genuine>();
        (news.EventType, news.MoneyReference, news.ProvesAmount, news.Facts.Count).ShouldBe(("TXN_SUCCESS", "20260314000000000000000000000000001", false, 0));
        // It names an order, and none of ours.
        news.Payment.ShouldBeNull();
        var trace = Trace("webhook", Form(T1));
        trace.Right.ShouldBeTrue();
        trace.Expected.ShouldBe(T1Checksum);
        trace.Steps[0].Value.ShouldBe("Test Bank|77700100001|INR|TESTGW|TESTMID0000000000001|ORD-1001|NB|01|Txn Success|TXN_SUCCESS|1250.50|2026-03-14 10:15:30.0|20260314000000000000000000000000001");
        trace.Steps.ShouldContain(s => s.Value == "af39b3c4aeea94835a7b3c1c12b7509528691fcc0cf3ffa28f3dca13753704d7aB3+");
        trace.Steps.ShouldNotContain(s => s.Value.Contains(Account.Setting("merchant_key")));
    }

    [Fact]
    public void T2_empty_values_keep_their_places()
    {
        var form = new Dictionary<string, string>
        {
            ["BANKNAME"] = "",
            ["BANKTXNID"] = "",
            ["GATEWAYNAME"] = "",
            ["CURRENCY"] = "INR",
            ["MID"] = "TESTMID0000000000001",
            ["ORDERID"] = "ORD-1002",
            ["RESPCODE"] = "141",
            ["RESPMSG"] = "User has not completed transaction.",
            ["STATUS"] = "TXN_FAILURE",
            ["TXNAMOUNT"] = "1250.50",
            ["CHECKSUMHASH"] = "o/GfTagzUy7Y51S1lqOiZT5hafi+S0JYoNsnYA7lBiUAt2K2HSwPXuV3qT13chXFB9NVKhkV+0Sp607BqikHqTH/yEHeOFhpezXjHFqHOFE=",
        };
        Read(form).ShouldBeOfType<NewsReading.Genuine>().EventType.ShouldBe("TXN_FAILURE");
        Trace("return", Form(form)).Steps[0].Value.ShouldBe("||INR||TESTMID0000000000001|ORD-1002|141|User has not completed transaction.|TXN_FAILURE|1250.50");
    }

    [Theory]
    [InlineData(T3, "RlO7fglylEfil6MXLs8wicuRIu7cQKdlG6Fbao52BQCQjNhiPK4QcTRpp434HM0jSQ7wRRVKl52IP/WdeV1IDfC8NaIQZBp+gvCoqHK6U7o=")]
    [InlineData("""{"mid":"TESTMID0000000000001","orderId":"ORD-1001"}""", "q7li0WlKy01rFb4pdK83TJUqAuySv+d8LUwc7YZlFMvm2kDXXFiGc2dfj6b3TNZrP8Uu1l5y655IDFlAaaGiatb+3RH0+uEpkY5fTPl1WGc=")]
    [InlineData(T5, "a8xzKZGGLk6IeakGVvqztjbsLeXNw0B8kZmmWju3Jgow8pkUz9TJu5MYDqRnPsbZDYPwJpjUs8Ump2Uf0FgUT7Rqe4yWS6FLbmVu+Ir18Qw=")]
    [InlineData(T6, T6Checksum)]
    public void T3_to_T6_a_body_is_signed_as_it_is_written(string body, string signature)
    {
        var trace = Trace("request", Json(body, signature));
        (trace.Right, trace.Expected).ShouldBe((true, signature));
        Trace("request", Json(body.Replace(",", ", "), signature)).Right.ShouldBeFalse();
        Trace("request", Json(body, signature), key: "TestKey_16Bytes?").Right.ShouldBeFalse();
    }

    [Fact]
    public void T6_a_refund_is_accepted_and_not_yet_refunded()
    {
        var news = Gateway.ReadWebhook(Json(T6, T6Checksum), Account).ShouldBeOfType<NewsReading.Genuine>();
        (news.EventType, news.ProvesAmount).ShouldBe(("refund_accept", false));
        news.RefundFacts.ShouldHaveSingleItem().Fact.ShouldBeOfType<Refunds.RefundEvidence.Accepted>().RefundReference.ShouldBe("2026031500000000000001");
    }

    [Fact]
    public void T7_a_changed_amount_is_forged() => Read(T1.SetItem("TXNAMOUNT", "1.00")).ShouldBeOfType<NewsReading.Forged>();

    [Fact]
    public void T7_a_plus_sign_that_became_a_blank_is_put_back()
    {
        var naive = Encoding.ASCII.GetBytes(string.Join('&', T1.Select(f => $"{f.Key}={f.Value}")));
        Gateway.ReadWebhook(Message(naive, "application/x-www-form-urlencoded"), Account).ShouldBeOfType<NewsReading.Genuine>();
    }

    [Theory]
    [InlineData("\"refundAmount\":\"100.00\"", "\"refundAmount\":\"900.00\"")]
    [InlineData(",", ", ")]
    [InlineData("RF1001A", "RF1001a")]
    public void T7_a_body_with_another_amount_or_other_blanks_is_forged(string old, string with) =>
        Gateway.ReadWebhook(Json(T6.Replace(old, with), T6Checksum), Account).ShouldBeOfType<NewsReading.Forged>();

    [Fact]
    public void T8_a_renamed_amount_keeps_its_checksum_and_is_refused()
    {
        var renamed = T1.Remove("TXNAMOUNT").SetItem("TXNAMOUNZ", "1250.50");
        Trace("webhook", Form(renamed)).Right.ShouldBeTrue();
        Read(renamed).ShouldBeOfType<NewsReading.Forged>().Why.ShouldBe("has no amount");
    }

    [Fact]
    public void T8_two_values_in_one_keep_their_checksum_and_are_refused()
    {
        var merged = T1.Remove("BANKTXNID").SetItem("BANKNAME", "Test Bank|77700100001");
        Trace("webhook", Form(merged)).Right.ShouldBeTrue();
        Read(merged).ShouldBeOfType<NewsReading.Forged>().Why.ShouldContain("|");
        Gateway.ReadReturn(Form(merged), Account).ShouldBeOfType<NewsReading.Forged>();
    }

    [Fact]
    public void No_changed_byte_of_a_signed_body_is_believed()
    {
        var message = Json(T6, T6Checksum);
        Tampering.ShouldNeverProve(Gateway, Account, message);
        Tampering.ShouldNeverProve(Gateway, Account, Form(T1));
        var body = Encoding.UTF8.GetBytes(T6);
        for (var i = 0; i < body.Length; i++)
            for (var bit = 0; bit < 8; bit++)
            {
                var changed = (byte[])body.Clone();
                changed[i] ^= (byte)(1 << bit);
                Gateway.ReadWebhook(Message([.. Encoding.ASCII.GetBytes($"{{\"head\":{{\"signature\":\"{T6Checksum}\"}},\"body\":"), .. changed, (byte)'}'], "application/json"), Account)
                    .ShouldBeOfType<NewsReading.Forged>();
            }
    }

    [Theory]
    [InlineData("")]
    [InlineData("KWSF")]
    [InlineData("not base64 at all")]
    [InlineData("KWSFKcOrWVVQo3ycFM2qaUWsnFiKo8pdThFwrhAicbXUkYqq3joZb/0DCC0EvoxyKZeiGUDy0WnXIe+mAr4YrA==")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")]
    public void A_checksum_that_cannot_be_opened_is_forged_and_shown_for_what_it_is(string checksum)
    {
        Read(T1.SetItem("CHECKSUMHASH", checksum)).ShouldBeOfType<NewsReading.Forged>();
        var trace = Trace("webhook", Form(T1.SetItem("CHECKSUMHASH", checksum)));
        (trace.Right, trace.Expected is null).ShouldBe((false, false));
    }

    [Verifies(Part.Adapter, By.OfficialCode, "paytmchecksum")]
    [Fact]
    public async Task The_official_code_takes_our_checksums_and_we_take_its()
    {
        var network = PaytmTests.Answering("""{"resultInfo":{"resultStatus":"U","resultCode":"00000900","resultMsg":"System error"}}""");
        await PaytmTests.Open(network);
        await PaytmTests.Inquire(network);
        await PaytmTests.Refund(network);
        await Gateway.ReadSettlement(new SettlementCall(Account, new DateOnly(2026, 3, 14), null), PaytmTests.Line(network), default);
        var form = T1.Remove("CHECKSUMHASH").SetItem("RESPMSG", "Erfolg नमस्ते & 100%").SetItem("NEWKEY", "");
        var sent = network.Sent.Select(s => JsonDocument.Parse(s.Body).RootElement).ToList();
        var seen = await OfficialClients.Run("paytm.mjs", new
        {
            key = Account.Setting("merchant_key"),
            bodies = sent.Take(3).Select(s => new { body = s.GetProperty("body").GetRawText(), signature = s.GetProperty("head").GetProperty("signature").GetString() }),
            settlement = sent[3],
            form,
            text = T6,
        });

        seen["bodies"]!.AsArray().Select(b => b!.GetValue<bool>()).ShouldBe([true, true, true]);
        seen["tampered"]!.AsArray().Select(b => b!.GetValue<bool>()).ShouldBe([false, false, false]);
        seen["settlement"]!.GetValue<bool>().ShouldBeTrue();
        foreach (var checksum in seen["forms"]!.AsArray()) Read(form.SetItem("CHECKSUMHASH", checksum!.ToString())).ShouldBeOfType<NewsReading.Genuine>();
        foreach (var signature in seen["texts"]!.AsArray()) Gateway.ReadWebhook(Json(T6, signature!.ToString()), Account).ShouldBeOfType<NewsReading.Genuine>();
        // They were made with salts of chance, so that each letter of Base64 has its turn.
        seen["forms"]!.AsArray().Select(c => c!.ToString()).Distinct().Count().ShouldBeGreaterThan(1);
    }

    static NewsReading Read(IReadOnlyDictionary<string, string> form) => Gateway.ReadWebhook(Form(form), Account);

    static SignatureTrace Trace(string recipe, RawMessage message, string? key = null) => Gateway.Signatures.Single(s => s.Name == recipe).Compute(
        message, key is null ? Account : Account with { Settings = Account.Settings.SetItem("merchant_key", key) });

    internal static RawMessage Form(IReadOnlyDictionary<string, string> form, string query = "") => Message(
        Encoding.ASCII.GetBytes(string.Join('&', form.Select(f => $"{f.Key}={WebUtility.UrlEncode(f.Value)}"))), "application/x-www-form-urlencoded", query);

    internal static RawMessage Json(string body, string signature) =>
        Message(Encoding.UTF8.GetBytes($$"""{"head":{"version":"v1","signature":"{{signature}}"},"body":{{body}}}"""), "application/json; charset=utf-8");

    internal static RawMessage Message(byte[] body, string type, string query = "") =>
        new("POST", "/gateways/main/webhook", query, new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase) { ["content-type"] = type }, body, PaytmTests.Noon);
}
