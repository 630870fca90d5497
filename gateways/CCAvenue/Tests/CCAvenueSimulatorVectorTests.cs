using Purser.Sandbox.CCAvenue;

namespace Purser.Gateways.CCAvenue.Tests;

/// <summary>The simulator's own encryption against every vector of the documents, those that must be refused included.</summary>
[Verifies(Part.Simulator, By.Document)]
public sealed class CCAvenueSimulatorVectorTests
{
    const string Key = "0F1E2D3C4B5A69788796A5B4C3D2E1F0";

    const string RequestText = "merchant_id=424242&order_id=ORD-1001&currency=INR&amount=1250.50&redirect_url=https://pay.example.test/cb/ccavenue&cancel_url=https://pay.example.test/cb/ccavenue&language=EN&merchant_param1=att_01";

    const string RequestHex = "d31c6e63d00b6932968cea95408127dff2e199144bba99d8dce53af54421935e8320235d3f876d504c8ee71ac5a5c304a9940eb0fe4647032febaa14596b9bb3e54bd7981fcc0884eddf8a523176885e9f1f4dd2d7197b21d979e7f2004732700f88b9bc302cceaa941318e21ea9107dd15d9ebf9a342caae9b2d400c6ec40f910e68e293aa92e35f7eee0417d6371dec4d54bc54693d84696b41a86bead38d544babad887f44e101fbc9d7c0c1bc2692a3ae9144bf96ae317097a2bedcf603f2bcf77e828a0fece2f3f78f1e4426808";

    const string ReturnText = "order_id=ORD-1001&tracking_id=312000000001&bank_ref_no=BRN777&order_status=Success&failure_message=&payment_mode=Net Banking&card_name=AvenuesTest&status_code=null&status_message=Y&currency=INR&amount=1250.50&merchant_param1=att_01&trans_date=14/03/2026 10:15:30&bin_country=";

    const string ReturnHex = "486ed506eda636c8869b69ffd21b62f86b17e9525139febc44b68ef9865de37c589452517ac13bc4dd0e3234150a42cb90e2da0dd85dcb72080e830b046210f105164608ccd95adb895563c1cde73d1f60f11275ceb77cc4b5431f9e9595e8eeeb9bcc0f4b14f08ca6754263ccfc25e6dadc792e87c2f1de878395d576bd732b37e22b07c46f088c59138c699eb225173056be927fa353311f2fe1ad9c7226c4866d5d984805027b87bfae82fcfbb06dd8cc3c391c89dedcd2bc19bef463a2fee7e238d76ebf1d7b0fed58c8c1d2b866e14e22062ccaf69799880b0e2e38989f425a436bd9c7bd25e4f73a8348de044786495a12446a5641ac45f9fd87e6aa4104fb8cbd9a0a13f6a83eb9e2723d20c81e30a58ddf69f86d86032fefd08b7439";

    const string EchoText = "order_id=ORD-1001&tracking_id=312000000001&bank_ref_no=BRN777&order_status=Success&currency=INR&amount=1250.50&merchant_param1=att_01";

    const string EchoHex = "486ed506eda636c8869b69ffd21b62f86b17e9525139febc44b68ef9865de37c589452517ac13bc4dd0e3234150a42cb90e2da0dd85dcb72080e830b046210f105164608ccd95adb895563c1cde73d1f6a4dde4555ad67732741a6b09901415e6be4bdfd73f2cad426cb4f13d5ca13463ad8dcc6c2c68ccf73a78e0c3fb5f5c80e6f502b8d169260aeac755b6f7a0b2f";

    const string QuestionText = """{"reference_no":"312000000001","order_no":"ORD-1001"}""";

    const string QuestionHex = "46ad24ff764a3eb6b14346b06d7f2ad2ae09aa5ccc20b9b445d941de088bd11843de1b0a73be8b3b2e4e28863b1828c98ff81e7fc1bccee5cde3dc59d623e17e";

    const string AnswerText = """{"order_no":"ORD-1001","reference_no":312000000001,"order_amt":1250.50,"order_capt_amt":1250.50,"order_currncy":"INR","order_status":"Shipped","status":0,"error_desc":"","error_code":""}""";

    const string AnswerHex = "ebb70fb6b1807143779fd2bc7e86c02cc466ab238a0fdeb42241850c905cc00584f5e10c53889ada0e2c9465948a4a134fd68fe87fac2aa4f5d7d183911e23a649e0843965edc643673f166879cf39638b2259c9c8a9a9c073d27b1c9edc847b2c44b0947dd48d976e63c27bfb3eb97cc2b6609021a816f238b07bbc9f096803e294e6207a153eec892492db99415a906235985af0cfbb2a93bcae627355b6849c3510e9e69bdcc8fe823f95092c40b04ebeeb76e677d1435c71f580f60c9824";

    const string RefundText = """{"reference_no":"312000000001","refund_amount":"100.00","refund_ref_no":"RF1001A"}""";

    const string RefundHex = "46ad24ff764a3eb6b14346b06d7f2ad2ae09aa5ccc20b9b445d941de088bd118d5526d9cc97221814b1fde64c54292577c0e5812f6d5a4b3dba0fd264143e9720443cd6a5438be6f233314a4263478cdf54bdf1ced000097393b9e807ad630e7";

    const string SealedHex = "000102030405060708090a0b0c0d0e0f68864beb07f0353bffbc70d200588f4fddc40f0263065f579c8c53c3bf64dfddfe45eb2a3a51a44a57fbe0856a748a437a803cbcf2bbfe876239b973e83196ceff91aaa0416c80d12551fe4a85963ff753d0ff40eeb6f94b2c4e4dcb3fe5c0e14c369c616a558ef9585fab6eed4b9e7a001b20b56b290d0d1f024ab8734fe59b11525a237397976edd897abfcb33fbf9b344a52203bb445e4c1240c87080a0101d8123978130e50b83b23e0bdc85ba9f5af5bc76068d1f6b82ddb7d9300d556567b96b6529a8c4b4af16d69e1204ef4edbd615a6757be21ce894a8e2d7c1b9e2dedb7ad0af23e8235700afed2f416e2072e4ba5399984dd7ea97e17f39a9899a4d8a0fc1d900b3c88137bb1d7a1c429c99990eca2324e5d623d58322fbd6763996b23a";

    [Theory]
    [InlineData(RequestText, RequestHex)]
    [InlineData(ReturnText, ReturnHex)]
    [InlineData(EchoText, EchoHex)]
    [InlineData(QuestionText, QuestionHex)]
    [InlineData(AnswerText, AnswerHex)]
    [InlineData(RefundText, RefundHex)]
    public void V1_to_V5_both_ways_and_in_either_case(string text, string hex)
    {
        CCAvenueCipher.EncryptClassic(text, Key).ShouldBe(hex);
        CCAvenueCipher.DecryptClassic(hex, Key).ShouldBe(text);
        CCAvenueCipher.DecryptClassic(hex.ToUpperInvariant(), Key).ShouldBe(text);
    }

    [Fact]
    public void V6_a_changed_byte_that_decrypts_cleanly_is_still_no_text()
    {
        var tampered = Changed(ReturnHex, 370, "b4");
        ReturnHex.Substring(370, 2).ShouldBe("bc");
        tampered.ShouldBe("486ed506eda636c8869b69ffd21b62f86b17e9525139febc44b68ef9865de37c589452517ac13bc4dd0e3234150a42cb90e2da0dd85dcb72080e830b046210f105164608ccd95adb895563c1cde73d1f60f11275ceb77cc4b5431f9e9595e8eeeb9bcc0f4b14f08ca6754263ccfc25e6dadc792e87c2f1de878395d576bd732b37e22b07c46f088c59138c699eb225173056be927fa353311f2fe1ad9c7226c4866d5d984805027b87bfae82fcfbb06dd8cc3c391c89dedcd2b419bef463a2fee7e238d76ebf1d7b0fed58c8c1d2b866e14e22062ccaf69799880b0e2e38989f425a436bd9c7bd25e4f73a8348de044786495a12446a5641ac45f9fd87e6aa4104fb8cbd9a0a13f6a83eb9e2723d20c81e30a58ddf69f86d86032fefd08b7439");
        CCAvenueCipher.DecryptClassic(tampered, Key).ShouldBeNull();
    }

    [Fact]
    public void V7_a_changed_last_digit_spoils_the_padding() => CCAvenueCipher.DecryptClassic(Changed(ReturnHex, ReturnHex.Length - 1, "8"), Key).ShouldBeNull();

    [Fact]
    public void V8_another_key_opens_nothing()
    {
        const string other = "AAAA2D3C4B5A69788796A5B4C3D2E1F0";
        CCAvenueCipher.DecryptClassic(CCAvenueCipher.EncryptClassic(ReturnText, other), Key).ShouldBeNull();
        CCAvenueCipher.DecryptSealed(SealedHex, other).ShouldBeNull();
    }

    [Fact]
    public void V9_the_sealed_way_both_ways()
    {
        CCAvenueCipher.EncryptSealed(ReturnText, Key, [.. Enumerable.Range(0, 16).Select(i => (byte)i)]).ShouldBe(SealedHex);
        CCAvenueCipher.DecryptSealed(SealedHex, Key).ShouldBe(ReturnText);
        SealedHex.ShouldEndWith("ca2324e5d623d58322fbd6763996b23a");
    }

    [Fact]
    public void V9_any_other_byte_breaks_the_seal()
    {
        for (var i = 0; i < SealedHex.Length; i += 2)
            CCAvenueCipher.DecryptSealed(Changed(SealedHex, i, (Convert.ToByte(SealedHex.Substring(i, 2), 16) ^ 1).ToString("x2")), Key).ShouldBeNull($"byte {i / 2}");
        for (var length = 0; length < SealedHex.Length; length++) CCAvenueCipher.DecryptSealed(SealedHex[..length], Key).ShouldBeNull();
    }

    [Theory]
    [InlineData("")]
    [InlineData("00")]
    [InlineData("zz")]
    [InlineData("48 6e")]
    [InlineData(RequestHex + "\r\n")]
    public void What_is_no_ciphertext_is_no_text(string hex)
    {
        CCAvenueCipher.DecryptClassic(hex, Key).ShouldBeNull();
        CCAvenueCipher.DecryptSealed(hex, Key).ShouldBeNull();
    }

    [Fact]
    public void What_a_kit_padded_twice_is_the_same_text()
    {
        var twice = CCAvenueCipher.EncryptClassic(RequestText, Key, twice: true);
        twice.ShouldNotBe(RequestHex);
        CCAvenueCipher.DecryptClassic(twice, Key).ShouldBe(RequestText);
    }

    static string Changed(string hex, int at, string digits) => string.Concat(hex.AsSpan(0, at), digits, hex.AsSpan(at + digits.Length));
}
