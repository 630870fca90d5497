using Purser.Sandbox.PayU;

namespace Purser.Gateways.PayU.Tests;

/// <summary>The simulator's own signing against every vector of the documents, those that must be refused included.</summary>
[Verifies(Part.Simulator, By.PublishedVector)]
public sealed class PayUSimulatorVectorTests
{
    const string Key = "VECKEY", Salt = "VecSalt0123456789abcdefABCDEF012";

    const string Success = "2589f45696b781692cf6df53fd56f4957f1bc75c5647c8b069444a8feb3d4d833bc4fa125ec3aa7a30d750746c6472497bf738b69ca3e4893bd04b1f210062b8";
    const string Failure = "c839525bd4265eae6be321ccc2b44eb573af021b09b49e76c14c6c8f3e94a9940b299eb50d7b87ce2e6be24193a9cbcd58dd7fc55de5a02f3f376b89347cd971";
    const string Plain = "e7a74743b30b23e1afd4b11c01d21c72e124d18424b4093d70fd8b36716192c40f2553e37649917556c39ca1f9f1850ae59723dac7dd9210b883fe19f1352f87";

    [Fact]
    public void P1_a_form_with_two_user_fields() => PayUHashes.Request(Form(), Salt).ShouldBe(
        "58967b12ccdaf3721f71ca3b560c11de0f93893fa7ecef0855a4ddd2c00829aa062d992db9310553f6e0400384667f94dbc2910db3d5b414cb642337ecf7e771");

    [Fact]
    public void P2_a_form_without_user_fields_has_eleven_pipes() => PayUHashes.Request(Form(("udf1", ""), ("udf5", "")), Salt).ShouldBe(Plain);

    [Theory]
    [InlineData("success", Success)]
    [InlineData("failure", Failure)]
    [InlineData("pending", "859c050532a330e7fdc332b05450b8360dcc24c27d2b51dfd3ffa7336fa3e3897b178defcff384107be0a0caa30ae369b6bd10d4d1c7de0d0e32cbdc9ec0b139")]
    public void P3_to_P5_returns_and_webhooks(string status, string hash) => PayUHashes.Reverse(Form(("status", status)), Salt).ShouldBe(hash);

    [Fact]
    public void P6_a_surcharge_stands_before_all() => PayUHashes.Reverse(Form(("status", "success"), ("additionalCharges", "12.50")), Salt).ShouldBe(
        "1f61f11dd12ba48f8cfbc70b32639010f470b6390e9337ef31eb19cbc064a520e3fefd6b9dd71f4003ae254d3f22e7bab477839914409cc7663e86fd59ad2932");

    [Theory]
    [InlineData("verify_payment", "ORD20260001A1", "4466aeae926180f8a2b7ffe9c5475367f692d20d2278750694aa5cd55607bafe7915cf9d1672251b14804297c57b6bc043d8afaf64b3d498e33e26f8f1f78968")]
    [InlineData("verify_payment", "ORD20260001A1|ORD20260002A1", "96ad43ebad0d9347cdec3423225d3871e40a3e3ab4c4ab8a0a9535a1bd09369477b54a794f63932c6d8f820110329b7cc7a9c291fd62efccd53f421f440517bd")]
    [InlineData("cancel_refund_transaction", "403990000000000001", "bc9d9c3d6dda3bc3ae880bc01d3b41de118e2225bd076ecbc05a5cdb1a5e879d95740c0bf0dc0443c146975d3f2e494332c163ebf05bf6366e247a57d1bd9474")]
    [InlineData("check_action_status", "130000000001", "3bc2e8aa679b3fecf7da2602da6f7c939e02e6242d68dcd0db49966185609da2099bce534045c569aadc4a2d6cfce8a7926fdb9d06797633cc44112a0859a067")]
    [InlineData("get_settlement_details", "2026-01-02", "97379d9a7493b8a1b7f2dc7c08bb5cbf7feed4d0be23ff9afb864661388da3e027d3dbb2b476964cc4f7a49a56dee0b355518c165c91b4dda3a0fa7719c891f4")]
    public void P7_to_P11_calls(string command, string var1, string hash) => PayUHashes.Command(Key, command, var1, Salt).ShouldBe(hash);

    [Fact]
    public void P12_the_header_of_the_settlement_range() => PayUHashes.Range("", "Fri, 02 Jan 2026 00:00:00 GMT", Salt).ShouldBe(
        "9dad8be0d647e9b5e72381e2dd738b0f664eb133625fef6b7a3d280451d22985033a4886d0885c596eb7a943ef90bdc38ec94245b433ddbe200c20a156c30e4c");

    [Fact]
    public void R1_a_failure_turned_into_success_has_another_hash() => PayUHashes.Reverse(Form(("status", "success")), Salt).ShouldNotBe(Failure);

    [Fact]
    public void R2_another_amount_has_another_hash() => PayUHashes.Reverse(Form(("status", "success"), ("amount", "4.99")), Salt).ShouldNotBe(Success);

    [Fact]
    public void R3_a_surcharge_that_is_posted_belongs_to_the_hash() =>
        PayUHashes.Reverse(Form(("status", "success"), ("additionalCharges", "12.50")), Salt).ShouldNotBe(Success);

    [Fact]
    public void R4_one_pipe_too_few_and_another_text_of_the_same_amount_are_other_hashes()
    {
        PayUHashes.Request(Form(("udf1", ""), ("udf5", "")), Salt).ShouldNotBe(
            "3f3cda69a5012dba466b390d803385a7f6f35a1d7c0543254a62e99520f67bc19d1f2ca63cddf662660eb214f981d6633dbc358ecab33220f96ed4317e778f96");
        PayUHashes.Request(Form(("udf1", ""), ("udf5", ""), ("amount", "499")), Salt).ShouldBe(
            "25d2603e8c0641c30bac7592fd13faa5fba997b115a6b15dd6a9b21d8e4c19a824230cdae964c19c41ed1377c3c1ec50799cf28b8a1a3b3242b678880244fdb7");
    }

    [Fact]
    public void What_the_hash_does_not_cover_can_change()
    {
        PayUHashes.Reverse(Form(("status", "success"), ("mihpayid", "1"), ("unmappedstatus", "auth")), Salt).ShouldBe(Success);
        PayUHashes.Request(Form(("productinfo", "X|Y"), ("firstname", "Z")), Salt).ShouldBe(PayUHashes.Request(Form(("productinfo", "X"), ("firstname", "Y|Z")), Salt));
    }

    static Dictionary<string, string> Form(params (string Name, string Value)[] changes)
    {
        var form = new Dictionary<string, string>
        {
            ["key"] = Key,
            ["txnid"] = "ORD20260001A1",
            ["amount"] = "499.00",
            ["productinfo"] = "Demo order 1",
            ["firstname"] = "Asha",
            ["email"] = "asha@example.test",
            ["udf1"] = "tenant-7",
            ["udf5"] = "att-1",
        };
        foreach (var (name, value) in changes) form[name] = value;
        return form;
    }
}
