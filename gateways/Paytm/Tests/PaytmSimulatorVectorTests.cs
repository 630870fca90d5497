using System.Text;
using System.Text.Json.Nodes;
using Purser.Sandbox.Paytm;

namespace Purser.Gateways.Paytm.Tests;

/// <summary>The simulator's own signing against every vector of the documents, those that must be refused included.</summary>
[Verifies(Part.Simulator, By.PublishedVector)]
public sealed class PaytmSimulatorVectorTests
{
    const string Key = "TestKey_16Bytes!";

    const string Paid = "KWSFKcOrWVVQo3ycFM2qaUWsnFiKo8pdThFwrhAicbXUkYqq3joZb/0DCC0EvoxyKZeiGUDy0WnXIe+mAr4YrEuD38dFDBTZn5sCE5y9XB8=";

    const string Initiate = """{"requestType":"Payment","mid":"TESTMID0000000000001","websiteName":"WEBSTAGING","orderId":"ORD-1001","callbackUrl":"https://pay.example.test/cb/paytm","txnAmount":{"value":"1250.50","currency":"INR"},"userInfo":{"custId":"C-1"}}""";

    const string Refund = """{"mid":"TESTMID0000000000001","txnType":"REFUND","orderId":"ORD-1001","txnId":"20260314000000000000000000000000001","refId":"RF1001A","refundAmount":"100.00"}""";

    const string RefundNews = """{"txnId":"20260314000000000000000000000000001","orderId":"ORD-1001","refId":"RF1001A","refundId":"2026031500000000000001","mid":"TESTMID0000000000001","txnAmount":"1250.50","refundAmount":"100.00","status":"SUCCESS","acceptRefundTimestamp":"2026-03-15 09:00:00.0"}""";

    const string RefundNewsChecksum = "V7a1/ES2zkf+P3HeydbZthmoIakMqe3fIIxXnLzx2nM5IGQuNl498VALQtIAQdAACNS6+N0PlJzYYh60tixgVAwBqwxTVXaVZqnZ/4aEiKs=";

    [Fact]
    public void T1_a_form_is_joined_by_its_values_and_signed()
    {
        PaytmDialectChecksum.Joined(Callback()).ShouldBe(
            "Test Bank|77700100001|INR|TESTGW|TESTMID0000000000001|ORD-1001|NB|01|Txn Success|TXN_SUCCESS|1250.50|2026-03-14 10:15:30.0|20260314000000000000000000000000001");
        PaytmDialectChecksum.Sign(PaytmDialectChecksum.Joined(Callback()), Key, "aB3+").ShouldBe(Paid);
        PaytmDialectChecksum.Verifies(PaytmDialectChecksum.Joined(Callback()), Paid, Key).ShouldBeTrue();
        Uri.EscapeDataString(Paid).ShouldBe("KWSFKcOrWVVQo3ycFM2qaUWsnFiKo8pdThFwrhAicbXUkYqq3joZb%2F0DCC0EvoxyKZeiGUDy0WnXIe%2BmAr4YrEuD38dFDBTZn5sCE5y9XB8%3D");
    }

    [Fact]
    public void T2_empty_values_stay_as_empty_segments()
    {
        var form = new Dictionary<string, string>
        {
            ["TXNAMOUNT"] = "1250.50",
            ["STATUS"] = "TXN_FAILURE",
            ["BANKNAME"] = "",
            ["BANKTXNID"] = "",
            ["GATEWAYNAME"] = "",
            ["CURRENCY"] = "INR",
            ["MID"] = "TESTMID0000000000001",
            ["ORDERID"] = "ORD-1002",
            ["RESPCODE"] = "141",
            ["RESPMSG"] = "User has not completed transaction.",
        };
        PaytmDialectChecksum.Joined(form).ShouldBe("||INR||TESTMID0000000000001|ORD-1002|141|User has not completed transaction.|TXN_FAILURE|1250.50");
        PaytmDialectChecksum.Sign(PaytmDialectChecksum.Joined(form), Key, "0000").ShouldBe(
            "o/GfTagzUy7Y51S1lqOiZT5hafi+S0JYoNsnYA7lBiUAt2K2HSwPXuV3qT13chXFB9NVKhkV+0Sp607BqikHqTH/yEHeOFhpezXjHFqHOFE=");
    }

    [Theory]
    [InlineData(Initiate, "Zz9/", "RlO7fglylEfil6MXLs8wicuRIu7cQKdlG6Fbao52BQCQjNhiPK4QcTRpp434HM0jSQ7wRRVKl52IP/WdeV1IDfC8NaIQZBp+gvCoqHK6U7o=")]
    [InlineData("""{"mid":"TESTMID0000000000001","orderId":"ORD-1001"}""", "q1W2", "q7li0WlKy01rFb4pdK83TJUqAuySv+d8LUwc7YZlFMvm2kDXXFiGc2dfj6b3TNZrP8Uu1l5y655IDFlAaaGiatb+3RH0+uEpkY5fTPl1WGc=")]
    [InlineData(Refund, "R3fd", "a8xzKZGGLk6IeakGVvqztjbsLeXNw0B8kZmmWju3Jgow8pkUz9TJu5MYDqRnPsbZDYPwJpjUs8Ump2Uf0FgUT7Rqe4yWS6FLbmVu+Ir18Qw=")]
    [InlineData(RefundNews, "wH0k", RefundNewsChecksum)]
    public void T3_to_T6_texts_of_json(string body, string salt, string checksum)
    {
        PaytmDialectChecksum.Sign(body, Key, salt).ShouldBe(checksum);
        PaytmDialectChecksum.Verifies(body, checksum, Key).ShouldBeTrue();
        PaytmDialectChecksum.RawField(Encoding.UTF8.GetBytes($$"""{"head":{"body":"no","signature":"{{checksum}}"}, "body" : {{body}} }"""), "body").ShouldBe(body);
    }

    [Fact]
    public void T7_what_was_changed_is_refused()
    {
        var cheap = Callback();
        cheap["TXNAMOUNT"] = "1.00";
        PaytmDialectChecksum.Verifies(PaytmDialectChecksum.Joined(cheap), Paid, Key).ShouldBeFalse();
        PaytmDialectChecksum.Verifies(PaytmDialectChecksum.Joined(Callback()), Paid.Replace('+', ' '), Key).ShouldBeFalse();
        PaytmDialectChecksum.Verifies(RefundNews.Replace("100.00", "900.00", StringComparison.Ordinal), RefundNewsChecksum, Key).ShouldBeFalse();
        PaytmDialectChecksum.Verifies(JsonNode.Parse(RefundNews)!.ToJsonString(new() { WriteIndented = true }), RefundNewsChecksum, Key).ShouldBeFalse();
    }

    [Fact]
    public void T8_names_are_not_covered_and_neighbours_can_be_merged()
    {
        var renamed = Callback();
        renamed.Remove("TXNAMOUNT", out var amount);
        renamed["TXNAMOUNZ"] = amount!;
        PaytmDialectChecksum.Verifies(PaytmDialectChecksum.Joined(renamed), Paid, Key).ShouldBeTrue();
        var merged = Callback();
        merged.Remove("BANKTXNID");
        merged["BANKNAME"] = "Test Bank|77700100001";
        PaytmDialectChecksum.Verifies(PaytmDialectChecksum.Joined(merged), Paid, Key).ShouldBeTrue();
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("no base64!")]
    [InlineData("AAAA")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAA==")]
    public void What_is_no_checksum_is_refused(string? checksum) => PaytmDialectChecksum.Verifies("text", checksum, Key).ShouldBeFalse();

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("""{"head":{}}""")]
    [InlineData("""{"body":{},"body":{"amount":"1.00"}}""")]
    [InlineData("""{"body":{"a":""")]
    public void A_body_that_is_not_there_once_is_none(string json) => PaytmDialectChecksum.RawField(Encoding.UTF8.GetBytes(json), "body").ShouldBeNull();

    static Dictionary<string, string> Callback() => new()
    {
        ["TXNID"] = "20260314000000000000000000000000001",
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
        ["CHECKSUMHASH"] = Paid,
    };
}
